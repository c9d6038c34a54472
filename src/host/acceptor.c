#include "host/acceptor.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/log.h"

static void pause_for_descriptors(struct mcpz_acceptor *acceptor, int reason)
{
    mcpz_log(MCPZ_LOG_WARN, acceptor->module, "cannot accept connections", "reason=\"%s\"",
             strerror(reason));
    ev_io_stop(acceptor->ev, &acceptor->watcher);
    ev_timer_set(&acceptor->pause, MCPZ_ACCEPTOR_PAUSE_SECONDS, 0.);
    ev_timer_start(acceptor->ev, &acceptor->pause);
}

static void on_pause_over(struct ev_loop *ev, ev_timer *watcher, int events)
{
    struct mcpz_acceptor *acceptor = watcher->data;

    (void)events;
    ev_io_start(ev, &acceptor->watcher);
}

static void on_knock(struct ev_loop *ev, ev_io *watcher, int events)
{
    struct mcpz_acceptor *acceptor = watcher->data;

    (void)ev;
    (void)events;
    for (int i = 0; i < MCPZ_ACCEPTS_MAX; i++) {
        int fd = accept4(acceptor->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            acceptor->guest(acceptor->context, fd);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            pause_for_descriptors(acceptor, errno);
            return;
        } else if (errno == EAGAIN) {
            return;
        }
        /* Anything else is the guest's trouble: it has gone again. accept(2), "Error handling". */
    }
}

void mcpz_acceptor_start(struct mcpz_acceptor *acceptor)
{
    ev_io_init(&acceptor->watcher, on_knock, acceptor->fd, EV_READ);
    ev_timer_init(&acceptor->pause, on_pause_over, 0., 0.);
    acceptor->watcher.data = acceptor;
    acceptor->pause.data = acceptor;
    ev_io_start(acceptor->ev, &acceptor->watcher);
}

void mcpz_acceptor_close(struct mcpz_acceptor *acceptor)
{
    if (acceptor->fd < 0) {
        return;
    }
    ev_io_stop(acceptor->ev, &acceptor->watcher);
    ev_timer_stop(acceptor->ev, &acceptor->pause);
    (void)close(acceptor->fd);
    acceptor->fd = -1;
}
