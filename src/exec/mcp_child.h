/*
 * MCP servers that are child processes: lines on stdin and stdout, stderr to the log.
 *
 *   absent -> running -> closing (stdin) -> terminating (SIGTERM) -> killing (SIGKILL) -> gone
 *
 * Each is a command with a keeper (exec/keeper.h), so nothing that it has started outlives it,
 * whatever happens to the node. This is an implementation of host/upstream.h.
 *
 * Source: Model Context Protocol, "Lifecycle": shutdown of stdio.
 */

#ifndef EXEC_MCP_CHILD_H
#define EXEC_MCP_CHILD_H

#include <stddef.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "exec/launch.h"
#include "host/loop.h"
#include "host/upstream.h"

#define MCPZ_MCP_CHILDREN_MAX 256
#define MCPZ_MCP_CHILD_PATIENCE_MS 2000 /* after each of the steps to its end */

struct mcpz_mcp_children;

/** `site` is borrowed, of the pool: workspaces are made there. Errors: MCPZ_ENOMEM */
MCPZ_MUST_USE mcpz_error mcpz_mcp_children_create(struct mcpz_loop *loop,
                                                  struct mcpz_launch_site *site,
                                                  struct mcpz_mcp_children **children);

/** End all of them and wait until they are gone. Nothing calls back. NULL is fine. */
void mcpz_mcp_children_destroy(struct mcpz_mcp_children *children);

/** Lasts as long as they do. `start` also gives MCPZ_EFULL: there are too many. */
const struct mcpz_upstreams *mcpz_mcp_children_port(struct mcpz_mcp_children *children);

/** How many there are. */
size_t mcpz_mcp_children_count(const struct mcpz_mcp_children *children);

#endif
