#include "net/knock.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static void end(struct mcpz_knock *knock, int reason)
{
    enum mcpz_knock_answer answer = MCPZ_KNOCK_UNKNOWN;

    mcpz_knock_cancel(knock);
    if (reason == 0) {
        answer = MCPZ_KNOCK_OPEN;
    } else if (reason == ECONNREFUSED) {
        answer = MCPZ_KNOCK_REFUSED;
    }
    knock->on_answer(knock->context, answer);
}

static void on_answered(struct ev_loop *ev, ev_io *watcher, int events)
{
    int reason = 0;
    socklen_t length = sizeof(reason);

    (void)ev;
    (void)events;
    if (getsockopt(watcher->fd, SOL_SOCKET, SO_ERROR, &reason, &length) != 0) {
        reason = errno;
    }
    end(watcher->data, reason);
}

static void on_timeout(struct ev_loop *ev, ev_timer *watcher, int events)
{
    (void)ev;
    (void)events;
    end(watcher->data, ETIMEDOUT);
}

/* Begin to connect. The reason why that is not over yet (EINPROGRESS), or why it is, or 0. */
static int try_to_connect(const char *host, uint16_t port, int *fd)
{
    const struct addrinfo hints = {
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
    };
    struct addrinfo *found;
    char digits[8];
    int reason = 0;

    snprintf(digits, sizeof(digits), "%u", port);
    if (getaddrinfo(host, digits, &hints, &found) != 0) {
        return EINVAL;
    }
    *fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (*fd < 0 || connect(*fd, found->ai_addr, found->ai_addrlen) != 0) {
        reason = errno;
    }
    freeaddrinfo(found);
    return reason;
}

void mcpz_knock_begin(struct mcpz_knock *knock, struct ev_loop *ev, const char *host,
                      uint16_t port,
                      void (*on_answer)(void *context, enum mcpz_knock_answer answer),
                      void *context)
{
    assert(!ev_is_active(&knock->answered));

    int fd = -1;
    int reason = try_to_connect(host, port, &fd);
    *knock = (struct mcpz_knock){.ev = ev, .on_answer = on_answer, .context = context};
    ev_io_init(&knock->answered, on_answered, fd, EV_WRITE);
    ev_timer_init(&knock->timeout, on_timeout, (double)MCPZ_KNOCK_TIMEOUT_US / 1e6, 0.);
    knock->answered.data = knock;
    knock->timeout.data = knock;
    if (reason == EINPROGRESS) {
        ev_io_start(ev, &knock->answered);
        ev_timer_start(ev, &knock->timeout);
        return;
    }
    if (fd >= 0) {
        close(fd);
    }
    end(knock, reason);
}

void mcpz_knock_cancel(struct mcpz_knock *knock)
{
    if (ev_is_active(&knock->answered)) {
        ev_io_stop(knock->ev, &knock->answered);
        ev_timer_stop(knock->ev, &knock->timeout);
        close(knock->answered.fd);
    }
}
