/*
 * Where a remote MCP server is, and what it is told with every request: what is allowed, what is
 * shown, and secrets that are kept elsewhere.
 *
 *   url: https://tools.example.com/mcp
 *   headers: {Authorization: "Bearer env:TOOLS_TOKEN", X-Api-Key: "file:/run/secrets/tools"}
 *
 * The last word of a value may be a reference, which is looked up each time the server is begun
 * with: env:NAME is a variable of the node's environment, file:PATH what stands in a file.
 */

#ifndef HOST_MCP_URL_H
#define HOST_MCP_URL_H

#include <stdbool.h>
#include <stddef.h>

#include <mcpz/error.h>

#include "base/attr.h"

#define MCPZ_MCP_URL_BYTES_MAX 2048
#define MCPZ_MCP_HEADERS_MAX 16
#define MCPZ_MCP_HEADER_NAME_BYTES_MAX 128
#define MCPZ_MCP_SECRET_BYTES_MAX 8192 /* in a file */

/** What is wrong with a URL, in words; NULL: nothing. */
const char *mcpz_mcp_url_fault(const char *url);

/** A URL without its query, which may be a secret: "https://a.example/mcp?(set)". Cut to fit. */
void mcpz_mcp_url_show(const char *url, char *text, size_t capacity);

/** Does what is sent there cross a network as it is, for all on the way to read? */
bool mcpz_mcp_url_is_open(const char *url);

/** What is wrong with a header, in words; NULL: nothing. */
const char *mcpz_mcp_header_fault(const char *name, const char *value);

/** A value as others may see it: references are, all else is "(set)". */
const char *mcpz_mcp_header_show(const char *value);

/**
 * Look up the reference that `value` may have: `text` is what to send, the caller's to free().
 *
 * Errors: MCPZ_ENOTFOUND  it is not there, or is no header's value; `why` says so; MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_mcp_header_resolve(const char *value, char **text, char *why,
                                                 size_t capacity);

#endif
