#include "net/resolver.h"

#include <ares.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <ev.h>

/* c-ares doubles the patience at each try: 1.5 s and 3 s for each server. */
#define ASK_TIMEOUT_MS 1500
#define ASK_TRIES 2

struct socket_watch {
    int fd; /* -1: free */
    ev_io watcher;
    struct mcpz_resolver *resolver;
};

struct mcpz_resolver {
    struct ev_loop *ev;
    bool is_ready; /* `channel` is there */
    ares_channel channel;
    ev_timer timeout;
    struct socket_watch sockets[MCPZ_RESOLVER_SOCKETS_MAX];
};

struct question {
    mcpz_resolver_answer answer;
    void *context;
};

/* ---- Sockets and patience ----------------------------------------------------------------- */

static void set_timeout(struct mcpz_resolver *resolver)
{
    struct timeval left;

    ev_timer_stop(resolver->ev, &resolver->timeout);
    if (ares_timeout(resolver->channel, NULL, &left) != NULL) {
        ev_timer_set(&resolver->timeout, (double)left.tv_sec + (double)left.tv_usec / 1e6, 0.);
        ev_timer_start(resolver->ev, &resolver->timeout);
    }
}

static void on_timeout(struct ev_loop *ev, ev_timer *watcher, int events)
{
    struct mcpz_resolver *resolver = watcher->data;

    (void)ev;
    (void)events;
    ares_process_fd(resolver->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    set_timeout(resolver);
}

static void on_socket(struct ev_loop *ev, ev_io *watcher, int events)
{
    struct socket_watch *watch = watcher->data;
    struct mcpz_resolver *resolver = watch->resolver;

    (void)ev;
    ares_process_fd(resolver->channel, (events & EV_READ) != 0 ? watcher->fd : ARES_SOCKET_BAD,
                    (events & EV_WRITE) != 0 ? watcher->fd : ARES_SOCKET_BAD);
    set_timeout(resolver);
}

static struct socket_watch *find_socket(struct mcpz_resolver *resolver, int fd)
{
    for (size_t i = 0; i < MCPZ_RESOLVER_SOCKETS_MAX; i++) {
        if (resolver->sockets[i].fd == fd) {
            return &resolver->sockets[i];
        }
    }
    return NULL;
}

/* A socket more than there is room for is not listened to: its question times out. */
static void on_socket_state(void *context, ares_socket_t fd, int readable, int writable)
{
    struct mcpz_resolver *resolver = context;
    struct socket_watch *watch = find_socket(resolver, fd);

    if (watch == NULL) {
        watch = find_socket(resolver, -1);
    }
    if (watch == NULL) {
        return;
    }
    ev_io_stop(resolver->ev, &watch->watcher);
    watch->fd = -1;
    if (readable != 0 || writable != 0) {
        watch->fd = fd;
        ev_io_set(&watch->watcher, fd,
                  (readable != 0 ? EV_READ : 0) | (writable != 0 ? EV_WRITE : 0));
        ev_io_start(resolver->ev, &watch->watcher);
    }
}

/* ---- Answers ------------------------------------------------------------------------------ */

static void collect(const struct ares_addrinfo *found, struct mcpz_resolved *resolved)
{
    const struct ares_addrinfo_node *node = found->nodes;

    for (; node != NULL; node = node->ai_next) {
        resolved->known++;
        if (resolved->count < MCPZ_RESOLVED_MAX &&
            getnameinfo(node->ai_addr, node->ai_addrlen, resolved->texts[resolved->count],
                        MCPZ_RESOLVED_TEXT_BYTES, NULL, 0, NI_NUMERICHOST) == 0) {
            resolved->count++;
        }
    }
}

static void on_answer(void *context, int status, int timeouts, struct ares_addrinfo *found)
{
    struct question *question = context;
    struct mcpz_resolved resolved = {.count = 0};

    (void)timeouts;
    if (status == ARES_SUCCESS && found != NULL) {
        collect(found, &resolved);
    }
    ares_freeaddrinfo(found);
    question->answer(question->context, &resolved);
    free(question);
}

/* ---- In use ------------------------------------------------------------------------------- */

static bool make_ready(struct mcpz_resolver *resolver)
{
    struct ares_options options = {
        .timeout = ASK_TIMEOUT_MS,
        .tries = ASK_TRIES,
        .sock_state_cb = on_socket_state,
        .sock_state_cb_data = resolver,
    };

    if (resolver->is_ready) {
        return true;
    }
    if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
        return false;
    }
    if (ares_init_options(&resolver->channel, &options,
                          ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB) !=
        ARES_SUCCESS) {
        ares_library_cleanup();
        return false;
    }
    resolver->is_ready = true;
    return true;
}

mcpz_error mcpz_resolver_create(struct ev_loop *ev, struct mcpz_resolver **resolver)
{
    *resolver = NULL;
    struct mcpz_resolver *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    made->ev = ev;
    ev_timer_init(&made->timeout, on_timeout, 0., 0.);
    made->timeout.data = made;
    for (size_t i = 0; i < MCPZ_RESOLVER_SOCKETS_MAX; i++) {
        struct socket_watch *watch = &made->sockets[i];
        watch->fd = -1;
        watch->resolver = made;
        ev_io_init(&watch->watcher, on_socket, 0, 0);
        watch->watcher.data = watch;
    }
    *resolver = made;
    return MCPZ_OK;
}

void mcpz_resolver_destroy(struct mcpz_resolver *resolver)
{
    if (resolver == NULL) {
        return;
    }
    if (resolver->is_ready) {
        ares_destroy(resolver->channel);
        ares_library_cleanup();
    }
    ev_timer_stop(resolver->ev, &resolver->timeout);
    free(resolver);
}

void mcpz_resolver_ask(struct mcpz_resolver *resolver, const char *host,
                       mcpz_resolver_answer answer, void *context)
{
    const struct mcpz_resolved nothing = {.count = 0};
    const struct ares_addrinfo_hints hints = {
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
    };
    struct question *question = malloc(sizeof(*question));

    if (question == NULL || !make_ready(resolver)) {
        free(question);
        answer(context, &nothing);
        return;
    }
    *question = (struct question){.answer = answer, .context = context};
    ares_getaddrinfo(resolver->channel, host, NULL, &hints, on_answer, question);
    set_timeout(resolver);
}
