/* What an agent may be called. */

#ifndef HTTP_AGENT_ID_H
#define HTTP_AGENT_ID_H

#include "base/bytes.h"

/**
 * Why `id` cannot be an agent's id, in words; NULL if it can.
 *
 * 1 to MCPZ_AGENT_NAME_BYTES_MAX bytes of UTF-8 without control characters. Between slashes may
 * be neither nothing nor "." nor "..": the HTTP server resolves those in a URL's path, percent-
 * encoded or not, and the request would then be for another agent.
 */
const char *mcpz_agent_id_trouble(struct mcpz_bytes id);

#endif
