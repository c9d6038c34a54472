/*
 * Where clients of the TCP port wait until all of their request's head is there. libwebsockets
 * closes connections whose head is too large, too slow or no head at all without a word; so it
 * gets those only whose first head is good, and the others are answered here.
 *
 *   accept  ->  wait for the head  ->  over to libwebsockets, which reads it
 *                      |
 *                      +-> 400, 408, 431, 505, and close
 *
 * The head is only looked at, not taken: what is looked at again is waited for with SO_RCVLOWAT.
 * Of later requests on the same connection nothing is seen here.
 *
 * Source: RFC 9112, sections 2.2 and 3; RFC 6585, section 5.
 */

#ifndef HTTP_LOBBY_H
#define HTTP_LOBBY_H

#include <stddef.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"

#define MCPZ_LOBBY_HEAD_BYTES_MAX 16384 /* as libwebsockets can take it (host/loop.c) */
#define MCPZ_LOBBY_HEAD_SECONDS 10      /* for all of it to come */
#define MCPZ_LOBBY_LEAVE_SECONDS 2      /* for who was refused to hear it */

struct ev_loop;
struct mcpz_lobby;

enum mcpz_head_state {
    MCPZ_HEAD_WAITING, /* there is more to come */
    MCPZ_HEAD_WHOLE,
    MCPZ_HEAD_BAD,   /* no request */
    MCPZ_HEAD_OTHER, /* one of another version of HTTP */
    MCPZ_HEAD_TOO_LARGE,
};

/** How far is the head that begins like this? Line ends before it are not part of it. */
enum mcpz_head_state mcpz_lobby_look(struct mcpz_bytes head);

struct mcpz_lobby_config {
    struct ev_loop *ev;
    int fd; /* listens, does not block; the lobby's from now on, also on error */
    void *context;

    /* Is there room for one more, beside those that wait here? */
    bool (*has_room)(void *context, size_t waiting);

    /* A request is there: takes `fd` over. */
    void (*enter)(void *context, int fd);
};

/** Errors: MCPZ_ENOMEM */
MCPZ_MUST_USE mcpz_error mcpz_lobby_create(const struct mcpz_lobby_config *config,
                                           struct mcpz_lobby **lobby);

/** Close, with all who wait. NULL is fine. */
void mcpz_lobby_destroy(struct mcpz_lobby *lobby);

#endif
