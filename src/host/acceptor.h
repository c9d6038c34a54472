/*
 * Connections to a listening socket, as they come: a bounded number in one round of the loop, and
 * none for a moment where there is no descriptor left for one. A socket that is readable and
 * cannot be accepted from would have the loop spin; libwebsockets' own listening sockets do.
 */

#ifndef HOST_ACCEPTOR_H
#define HOST_ACCEPTOR_H

#include <ev.h>

#define MCPZ_ACCEPTS_MAX 16             /* in one round of the loop */
#define MCPZ_ACCEPTOR_PAUSE_SECONDS 0.2 /* for descriptors to come free */

/* Takes `fd`, which does not block, over. */
typedef void (*mcpz_acceptor_guest)(void *context, int fd);

struct mcpz_acceptor {
    struct ev_loop *ev;
    int fd;             /* listens, does not block; the acceptor's. -1: none */
    const char *module; /* for the log */
    mcpz_acceptor_guest guest;
    void *context;
    ev_io watcher;
    ev_timer pause;
};

/** Take over `acceptor->fd`; the fields above `watcher` are filled in by who calls. */
void mcpz_acceptor_start(struct mcpz_acceptor *acceptor);

/** Let nobody in any more, and close. Fine for one that is closed, or all zeros but fd -1. */
void mcpz_acceptor_close(struct mcpz_acceptor *acceptor);

#endif
