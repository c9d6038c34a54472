/*
 * MCP servers that run elsewhere: mcp/remote.h with sockets (http/fetch.h). This is an
 * implementation of host/upstream.h, for servers with a `url`.
 *
 * Every request names this node in the header Mcpz-Via, so that a node that is asked for what it
 * has itself notices (http/api_mcp.c).
 */

#ifndef HTTP_REMOTES_H
#define HTTP_REMOTES_H

#include <mcpz/error.h>

#include "base/attr.h"
#include "host/loop.h"
#include "host/upstream.h"
#include "proto/id.h"

#define MCPZ_REMOTES_MAX 256
#define MCPZ_VIA_HEADER "Mcpz-Via"

struct mcpz_remotes;

/** Errors: MCPZ_ENOMEM */
MCPZ_MUST_USE mcpz_error mcpz_remotes_create(struct mcpz_loop *loop, const struct mcpz_id *node,
                                             struct mcpz_remotes **remotes);

/** End all sessions, for as long as that may take, and be gone. Nothing calls back. NULL is fine.
 */
void mcpz_remotes_destroy(struct mcpz_remotes *remotes);

/** Lasts as long as they do. `start` also gives MCPZ_EFULL: there are too many. */
const struct mcpz_upstreams *mcpz_remotes_port(struct mcpz_remotes *remotes);

#endif
