/* SIGHUP: the configuration again, while the node runs. All of it is good, or none is taken. */

#ifndef CLI_RELOAD_H
#define CLI_RELOAD_H

#include "cli/options.h"
#include "host/config.h"

struct mcpz_hosting;
struct mcpz_pool;

/**
 * Read the configuration of `invocation` again. If it is valid, apply what a running node can
 * change (providers, MCP servers, tenants, limits of calls, the log), also to `config`, and log
 * which other keys need a restart. If it is not, log why and change nothing. What is said of
 * agents' history only goes to `config`: mcpz_assembly_keep() is for the caller to call.
 */
void mcpz_reload(const struct mcpz_invocation *invocation, struct mcpz_config *config,
                 struct mcpz_pool *pool, struct mcpz_hosting *hosting);

#endif
