/*
 * Which arguments of a remote server's tools are repeated in headers (mcp/param.h), and how they
 * are written there. What a server has to offer says it: tools that declare none are not kept.
 */

#ifndef MCP_REMOTE_PARAM_H
#define MCP_REMOTE_PARAM_H

#include <stdbool.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "mcp/host_internal.h"
#include "wire/json.h"

#define MCPZ_REMOTE_BOOK_BYTES_MAX                                                                \
    1048576                                /* of the tools that declare some; others go without   \
                                            */
#define MCPZ_REMOTE_PARAMS_BYTES_MAX 16384 /* of the headers of one request */
#define MCPZ_REMOTE_PARAMS_MAX 24

/* Zeroed at first. */
struct mcpz_param_book {
    struct mcpz_own tools; /* a JSON array of them, as they were described */
};

/** Read it from the description of a server (checked JSON). Errors: MCPZ_ENOMEM; it is empty */
MCPZ_MUST_USE mcpz_error mcpz_param_book_read(struct mcpz_param_book *book,
                                              struct mcpz_bytes description);
void mcpz_param_book_finish(struct mcpz_param_book *book);

/**
 * The headers of a call of the tool: "name: value", each with a NUL behind it, appended to
 * `headers`. What does not fit is left out.
 *
 * Errors: MCPZ_EUNSUPPORTED  its schema is not sound (mcp/param.h): it may not be called
 *         MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_param_book_write(const struct mcpz_param_book *book,
                                               struct mcpz_json tool, struct mcpz_json arguments,
                                               struct mcpz_own *headers);

/** Can it stand in a head as it is? */
bool mcpz_header_is_plain(struct mcpz_bytes text);

/**
 * Append a value as a header can hold it: as it is, or =?base64?...?=.
 *
 * Source: Model Context Protocol 2026-07-28, "Transports", header values.
 */
MCPZ_MUST_USE bool mcpz_header_append(struct mcpz_own *own, struct mcpz_bytes text);

#endif
