/*
 * Is anybody there? One plain TCP connection of our own, only to hear what answers.
 *
 * libwebsockets says that a connection came to nothing, but not why; and one cut short in the
 * handshake may be the last thing a dying process did. A knock tells the machine that answers
 * "nobody listens here" from everything else: silence, no way there, no descriptor left.
 *
 * A firewall can give the same answer in the machine's name: that is not told apart.
 */

#ifndef NET_KNOCK_H
#define NET_KNOCK_H

#include <stdint.h>

#include <ev.h>

#include "base/time.h"

#define MCPZ_KNOCK_TIMEOUT_US MCPZ_SECONDS(1)

enum mcpz_knock_answer {
    MCPZ_KNOCK_UNKNOWN = 0, /* also: no answer in time */
    MCPZ_KNOCK_OPEN,        /* somebody listens */
    MCPZ_KNOCK_REFUSED,     /* ECONNREFUSED */
};

/* Zeroed at first. Its fields are knock.c's. */
struct mcpz_knock {
    struct ev_loop *ev;
    ev_io answered;
    ev_timer timeout;
    void (*on_answer)(void *context, enum mcpz_knock_answer answer);
    void *context;
};

/**
 * Knock at `port` of `host` (numeric). What opens is closed at once.
 *
 * `on_answer` is called once, maybe before this returns; `knock` must last until then.
 */
void mcpz_knock_begin(struct mcpz_knock *knock, struct ev_loop *ev, const char *host,
                      uint16_t port,
                      void (*on_answer)(void *context, enum mcpz_knock_answer answer),
                      void *context);

/** Do not wait for the answer. Harmless if none is awaited. */
void mcpz_knock_cancel(struct mcpz_knock *knock);

#endif
