/*
 * One HTTP connection: from libwebsockets' callbacks to an exchange, and its answer back.
 *
 * What libwebsockets 4.1 gets wrong or leaves to us: bodies without a length, chunked bodies
 * (which it hands over as they are, with what follows them: so that is the end of their
 * connection), bodies that come a byte at a time, "Expect: 100-continue", timeouts while an answer
 * is being made, cleaning up on two occasions, clients that hang up while they are answered.
 */

#ifndef HTTP_CONNECTION_H
#define HTTP_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

#include <ev.h>

#include "http/api.h"
#include "http/bearer.h"
#include "http/body.h"
#include "http/chunked.h"

#define MCPZ_API_PATH_BYTES_MAX 1024
#define MCPZ_API_LAST_EVENT_BYTES 32
#define MCPZ_API_ORIGIN_BYTES 288

struct lws;
struct lws_vhost;
struct mcpz_connection;

/* What all connections share. */
struct mcpz_hub {
    struct mcpz_api *api;
    struct ev_loop *ev;
    struct mcpz_connection *connections; /* those with a request under way */
    struct mcpz_connection *due;         /* those of them with something to be said */
    uint8_t *out;                        /* LWS_PRE and MCPZ_API_CHUNK_BYTES */
    size_t socket_count;
    size_t socket_max;          /* some more are taken, to be refused */
    bool has_ended;             /* a request, just now */
    struct mcpz_side *entering; /* while a socket is given to libwebsockets: its side */
    bool is_over;               /* the engine must not be called any more */
};

/* One listening address. */
struct mcpz_side {
    struct mcpz_hub *hub;
    bool local; /* the Unix socket */
    const struct mcpz_bearer *bearer;
    char host[256]; /* TCP: what we were told to listen on */
};

/* What is known of a socket, as long as that is open: libwebsockets lets go of a connection
 * between two requests. */
struct mcpz_socket {
    struct mcpz_side *side; /* whose hub counts it */
    bool peer_is_known;     /* `peer_is_here` is */
    bool peer_is_here;      /* on this machine */
};

/* Lies in libwebsockets' memory, zeroed for each connection; from `path` on not for each request.
 */
struct mcpz_connection {
    struct mcpz_side *side;
    struct lws *wsi;
    struct mcpz_connection *next;
    struct mcpz_connection *next_due;
    struct mcpz_exchange *exchange; /* NULL: none */
    struct mcpz_body body;
    uint64_t body_left; /* bytes of the request's body still to come, where it says how many */
    struct mcpz_chunked chunks; /* where it does not */
    bool comes_in_chunks;
    mcpz_time body_until; /* it is to be there by then; NEVER: it is, or there is none */
    enum mcpz_method method;
    enum mcpz_access access;
    struct mcpz_bearer_who who; /* "": nobody in particular */
    bool active;                /* in the hub's list, body is initialised */
    bool is_due;                /* in that list too */
    bool asked;
    bool is_head; /* HEAD: no body in the answer */
    bool is_mcp;  /* a client of MCP: its headers are read */
    bool is_old;  /* HTTP/1.0: an answer of unknown length ends with its connection */
    bool is_chunked;
    bool headers_sent;
    bool is_watched; /* its answer streams, or takes a while: `watcher` runs */
    ev_io watcher;
    uint64_t sent; /* bytes of the answer's body */
    uint32_t params_version;
    char path[MCPZ_API_PATH_BYTES_MAX + 1];
    char query[MCPZ_QUERY_BYTES_MAX + 1]; /* with a NUL between two parameters */
    size_t query_length;
    char last_event[MCPZ_API_LAST_EVENT_BYTES]; /* "": no such header */
    char headers[MCPZ_HEADERS_BYTES_MAX];       /* as in struct mcpz_request */
    size_t headers_length;
    char origin[MCPZ_API_ORIGIN_BYTES]; /* of a page that may read the answer; "": none */
};

struct lws_protocols;

/** The one protocol of our vhosts, and its end. */
const struct lws_protocols *mcpz_connection_protocols(void);

/** The exchange of `owner`, a connection, has its answer: port of the API. It is said at the end
 * of the turn. */
void mcpz_connection_answered(void *context, void *owner);

/** Say what is to be said: a loop's flush, its context is the hub. */
void mcpz_hub_flush(void *hub);

/** Refuse requests whose body has not come in time, and look who has hung up. A few times a
 * second.
 */
void mcpz_hub_tick(struct mcpz_hub *hub);

/** Is there room for another socket, beside `waiting` ones? A few more than are served: they are
 * told. */
bool mcpz_hub_has_room(const struct mcpz_hub *hub, size_t waiting);

/** Give up all requests: the engine is going. No callback touches the API afterwards. */
void mcpz_hub_end(struct mcpz_hub *hub);

#endif
