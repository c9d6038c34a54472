/*
 * The API's sockets, on libwebsockets: a Unix socket, and, if asked for, a TCP port. Who may do
 * what there is access.h's.
 *
 * It moves bytes and keeps its guests within bounds; what requests mean is api.h's. HTTP/1.1 only:
 * no upgrades.
 */

#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/time.h"
#include "core/fact.h"
#include "host/config.h"
#include "host/loop.h"
#include "http/body.h"
#include "http/count.h"

#define MCPZ_API_SOCKET "mcpz.sock"
#define MCPZ_API_CONNECTIONS_SPARE                                                                \
    32                             /* beyond api.connections: to be told that they are too many */
#define MCPZ_API_CHUNK_BYTES 65536 /* of an answer, in one write */
#define MCPZ_API_STALL_SECONDS 30  /* without the client taking more of its answer */
#define MCPZ_API_BODY_SECONDS 20   /* from a request's head to the end of its body, and more: */
#define MCPZ_API_BODY_BYTES_PER_SECOND 16384 /* a second for so many of it */

struct mcpz_desk;
struct mcpz_mcp_hosting_port;
struct mcpz_server;

/* What the other edges know, for status. Each may be NULL. Must not call the engine. */
struct mcpz_server_sources {
    void *context;
    /* Tasks of others we run, and those that wait to be. */
    void (*runs)(void *context, uint64_t *running, uint64_t *waiting);
    /* Further counters by name. */
    void (*count)(void *context,
                  void (*visit)(void *visit_context, const struct mcpz_api_count *count),
                  void *visit_context);
    const struct mcpz_agent_pools_port *pools;
    const struct mcpz_mcp_hosting_port *hosting; /* NULL: no MCP servers */
};

struct mcpz_keyring;

struct mcpz_server_config {
    const char *directory; /* the node's data: the socket goes there, and bodies too long */
    const char *api;       /* "host:port", port 0: any; NULL: only the Unix socket */
    bool api_may_fail;     /* where that cannot be had, it is only the Unix socket */
    const struct mcpz_config *config; /* shown by GET /v1/config; borrowed */
    mcpz_time started;
    struct mcpz_server_sources sources;
    struct mcpz_desk *desk;       /* where work is handed out; borrowed */
    struct mcpz_keyring *keyring; /* tenants' keys; borrowed */
};

struct mcpz_server_trouble {
    char text[512];
};

/**
 * Listen and register with `loop`, before it turns. Routing rules hold from then on.
 *
 * Errors: MCPZ_ECONFLICT  the TCP port is in use
 *         MCPZ_EIO        an address is not ours or may not be used, or the socket cannot be made
 *         MCPZ_EFULL, MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_server_create(struct mcpz_loop *loop,
                                            const struct mcpz_server_config *config,
                                            struct mcpz_server **server,
                                            struct mcpz_server_trouble *trouble);

/** After the loop has stopped turning, before mcpz_loop_destroy(). NULL is fine. */
void mcpz_server_destroy(struct mcpz_server *server);

/**
 * Merge a file of agents (http/snapshot.h) as far as it can be, when the loop turns; `body` is
 * taken. Then `done` hears what came of it: the answer of POST /v1/snapshots/import, to be read
 * until it returns. One at a time (asserted). Errors: MCPZ_EFULL; `body` is still the caller's
 */
MCPZ_MUST_USE mcpz_error mcpz_server_import(struct mcpz_server *server, struct mcpz_body *body,
                                            void (*done)(void *context, unsigned status,
                                                         struct mcpz_bytes answer),
                                            void *context);

/** Tell who follows events of something that became true of this node. */
void mcpz_server_tell(struct mcpz_server *server, enum mcpz_fact_kind kind);

/** A body that can be given to it. */
void mcpz_server_body_init(const struct mcpz_server *server, struct mcpz_body *body);

/** Where the Unix socket is. */
const char *mcpz_server_socket_path(const struct mcpz_server *server);

/** Where it is served over TCP, as "http://127.0.0.1:8000"; NULL: nowhere. */
const char *mcpz_server_url(const struct mcpz_server *server);

#endif
