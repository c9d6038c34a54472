/*
 * The MCP servers of a running node: mcp/host.h in its loop, with processes (exec/mcp_child.h) and
 * servers that run elsewhere (http/remotes.h).
 *
 * Those of the configuration are hosted as it says; those that were added at run time are kept
 * in a file of the data directory, and hosted again at the next start.
 */

#ifndef EMBED_HOSTING_H
#define EMBED_HOSTING_H

#include <mcpz/error.h>

#include "base/attr.h"
#include "host/loop.h"
#include "host/mcp_server.h"
#include "mcp/host.h"

struct mcpz_desk;
struct mcpz_hosting;
struct mcpz_launch_site;

struct mcpz_hosting_config {
    struct mcpz_loop *loop; /* with its engine started; borrowed for life, as the rest */
    struct mcpz_desk *desk;
    struct mcpz_launch_site *site;
    const char *directory;                  /* the node's data */
    const struct mcpz_mcp_servers *servers; /* of the configuration; needed for the call only */
};

/**
 * Host what is configured and what was added before. A file of the latter that cannot be read is
 * left alone, and logged.
 *
 * Errors: MCPZ_EFULL, MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_hosting_create(const struct mcpz_hosting_config *config,
                                             struct mcpz_hosting **hosting);

/** End all processes and wait until they are gone. Before the desk is. NULL is fine. */
void mcpz_hosting_destroy(struct mcpz_hosting *hosting);

/** The node is about to stop: calls that only listen would keep it waiting. */
void mcpz_hosting_dismiss(struct mcpz_hosting *hosting);

/** The configuration has changed: host what it says now. */
void mcpz_hosting_apply(struct mcpz_hosting *hosting, const struct mcpz_mcp_servers *servers);

/** Lasts as long as the hosting. */
const struct mcpz_mcp_hosting_port *mcpz_hosting_port(struct mcpz_hosting *hosting);

const struct mcpz_mcp_host_stats *mcpz_hosting_stats(const struct mcpz_hosting *hosting);

#endif
