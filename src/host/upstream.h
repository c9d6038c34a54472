/*
 * An MCP server as its host sees it: a thing that takes lines and gives lines, one JSON-RPC
 * message each. A child process is one (exec/mcp_child.h); others may be.
 *
 *   start -> on_line ... -> on_gone
 *         <- send, stop
 *
 * Nothing here is called within the engine's turn, and nothing calls back from within a call,
 * but for on_line from mcpz_upstreams.pause().
 */

#ifndef HOST_UPSTREAM_H
#define HOST_UPSTREAM_H

#include <stdbool.h>
#include <stddef.h>

#include <mcpz/error.h>

#include "base/bytes.h"
#include "host/mcp_server.h"

#define MCPZ_UPSTREAM_LINE_BYTES_MAX 8388608   /* of a line either way */
#define MCPZ_UPSTREAM_QUEUE_BYTES_MAX 33554432 /* sent and not taken yet */

struct mcpz_upstream;

struct mcpz_upstream_listener {
    void *context;

    /* A line without its end; borrowed. Anything may stand in it. `about`: the id of the request
     * that it came in answer to, as it was sent; empty: who knows. */
    void (*on_line)(void *context, struct mcpz_bytes line, struct mcpz_bytes about);

    /* It is gone, and with it all that it had started. `why`: for people; "": it was asked to. */
    void (*on_gone)(void *context, const char *why);
};

/* Where upstreams come from. */
struct mcpz_upstreams {
    void *context;

    /* Errors: MCPZ_EIO, MCPZ_ENOMEM, MCPZ_EUNSUPPORTED (isolation). `server` is needed for the
     * call only. */
    mcpz_error (*start)(void *context, const struct mcpz_mcp_server *server,
                        const struct mcpz_upstream_listener *listener,
                        struct mcpz_upstream **upstream);

    /* What the server of that name has to offer, in JSON, as was found out. May be NULL. */
    void (*describe)(void *context, const char *server, struct mcpz_bytes description);

    /* One line, in parts, without its end. Errors: MCPZ_EFULL  it does not read; MCPZ_ENOMEM */
    mcpz_error (*send)(struct mcpz_upstream *upstream, const struct mcpz_bytes *parts,
                       size_t count);

    /* Read nothing more of it, or go on. */
    void (*pause)(struct mcpz_upstream *upstream, bool paused);

    /* End it: politely, then by force. on_gone follows, and no line before it. */
    void (*stop)(struct mcpz_upstream *upstream);
};

#endif
