/*
 * How the tools and prompts of the mesh's MCP servers are called at this node's /mcp.
 *
 *   mcp:
 *     names:
 *       prefix: conflict        # SERVER_ before a name that another server has already; always:
 *                               # before each; never: who comes later is left out
 *       aliases:
 *         files/read: read_file # a tool or prompt of a server: what it is called instead
 *         notes.read: note      # as well, where the server has no dot in its name
 *
 * It is this node's view: what its clients see. Other nodes have a configuration of their own.
 */

#ifndef HOST_MCP_NAMES_H
#define HOST_MCP_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"

#define MCPZ_MCP_ALIASES_MAX 64
#define MCPZ_MCP_NAME_BYTES_MAX 64  /* of a server */
#define MCPZ_MCP_ITEM_BYTES_MAX 128 /* of a tool or a prompt, as its server calls it */
#define MCPZ_MCP_ALIAS_BYTES_MAX 64

enum mcpz_mcp_prefix {
    MCPZ_MCP_PREFIX_CONFLICT, /* of who comes later with a name */
    MCPZ_MCP_PREFIX_ALWAYS,
    MCPZ_MCP_PREFIX_NEVER, /* who comes later is left out */
};

struct mcpz_mcp_alias {
    char server[MCPZ_MCP_NAME_BYTES_MAX + 1];
    char item[MCPZ_MCP_ITEM_BYTES_MAX + 1];
    char shown[MCPZ_MCP_ALIAS_BYTES_MAX + 1];
};

/* All zero: nothing is said. */
struct mcpz_mcp_names {
    enum mcpz_mcp_prefix prefix;
    bool says_prefix; /* else it is the default */
    struct mcpz_mcp_alias aliases[MCPZ_MCP_ALIASES_MAX];
    size_t alias_count;
};

/** "conflict", "always" or "never". */
const char *mcpz_mcp_prefix_word(enum mcpz_mcp_prefix prefix);

/** Take one of these words. Errors: MCPZ_ECONFIG  it is none */
MCPZ_MUST_USE mcpz_error mcpz_mcp_names_put_prefix(struct mcpz_mcp_names *names, const char *text);

/**
 * Take an alias: what stands before the first '/', or without one the first '.', is the server.
 *
 * Errors: MCPZ_ECONFIG; `why` has `capacity` bytes for what is wrong with it
 */
MCPZ_MUST_USE mcpz_error mcpz_mcp_names_put_alias(struct mcpz_mcp_names *names, const char *item,
                                                  const char *shown, char *why, size_t capacity);

/** What the server's item is called instead; NULL: nothing is said of it. */
const char *mcpz_mcp_names_alias(const struct mcpz_mcp_names *names, const char *server,
                                 struct mcpz_bytes item);

/** Is something called so instead? */
bool mcpz_mcp_names_is_alias(const struct mcpz_mcp_names *names, struct mcpz_bytes shown);

/** Do they lead to the same? */
bool mcpz_mcp_names_equal(const struct mcpz_mcp_names *a, const struct mcpz_mcp_names *b);

/** Can a server, or what clients see, be called so? */
bool mcpz_mcp_name_is_good(struct mcpz_bytes name);

#endif
