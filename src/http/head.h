/* What the head of a request says, out of libwebsockets and into its connection. */

#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "http/connection.h"

/** The method, and the length of the path with all that was percent-encoded in it. */
enum mcpz_method mcpz_head_method(struct lws *wsi, bool *is_head, size_t *path_length);

/** Path and query. False: too long, or with a NUL in it: "%00" would end what comes before it. */
MCPZ_MUST_USE bool mcpz_head_read_url(struct mcpz_connection *connection, struct mcpz_bytes path,
                                      size_t path_length);

/** False: longer than any id of an event. */
MCPZ_MUST_USE bool mcpz_head_read_last_event(struct mcpz_connection *connection);

/** What a client of MCP says. False: together it is too long. */
MCPZ_MUST_USE bool mcpz_head_read_mcp(struct mcpz_connection *connection);

void mcpz_head_read_version(struct mcpz_connection *connection);

/* Where the body of a request ends. */
enum mcpz_framing {
    MCPZ_FRAMING_LENGTH = 1,
    MCPZ_FRAMING_CHUNKS,
    MCPZ_FRAMING_MISSING, /* nothing is said, where a body might follow */
    MCPZ_FRAMING_UNKNOWN, /* coded as we do not know */
    MCPZ_FRAMING_BAD,     /* it could be read in two ways: smuggling */
};

/**
 * How the body is framed. `*length`: what it says it has; 0 without one, or in chunks.
 *
 * Source: RFC 9112, sections 6.1 to 6.3.
 */
enum mcpz_framing mcpz_head_read_framing(struct lws *wsi, enum mcpz_method method,
                                         uint64_t *length);

/** Does it ask for a host that is ours? Over the Unix socket all are. */
bool mcpz_head_host_is_ours(const struct mcpz_connection *connection);

/** False: a page that is not ours had the browser ask. Else its origin is kept. */
bool mcpz_head_origin_is_ours(struct mcpz_connection *connection);

/** Does it come from this machine, over TCP? */
bool mcpz_head_peer_is_here(const struct mcpz_connection *connection);

#endif
