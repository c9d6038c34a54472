/*
 * Whose agents a request is about.
 *
 *   a key or token for a tenant    that one's, and to name another is refused
 *   ?tenant=NAME                   that one's
 *   neither                        a list tells of everybody's; else the default tenant's
 *
 * In documents the default tenant is not named (core/crdt/naming.h); to people it is "default".
 * Names that begin with "mcpz." are no tenant's: what holds for the mesh is kept under them.
 */

#ifndef HTTP_AGENT_SCOPE_H
#define HTTP_AGENT_SCOPE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "http/exchange.h"

/**
 * Set `exchange->agents`, and take the parameter out of `request->query`, whose new bytes lie in
 * `room` (MCPZ_QUERY_BYTES_MAX). False: answered with what is wrong.
 */
MCPZ_MUST_USE bool mcpz_agent_scope_take(struct mcpz_exchange *exchange,
                                         struct mcpz_request *request, uint8_t *room);

/** Whose an agent is that is made now, as documents say it. */
struct mcpz_bytes mcpz_agent_scope_tenant(const struct mcpz_exchange *exchange);

/** The document of the agent called `id`. */
void mcpz_agent_scope_document(const struct mcpz_exchange *exchange, struct mcpz_bytes id,
                               struct mcpz_id *document);

/** Is an agent of `tenant`, as documents say it, among those asked for? */
bool mcpz_agent_scope_has(const struct mcpz_exchange *exchange, struct mcpz_bytes tenant);

/** The same of a document that is here, perhaps. */
bool mcpz_agent_scope_has_document(struct mcpz_exchange *exchange, const struct mcpz_id *document);

/** `tenant` as documents say it, for people. */
json_t *mcpz_agent_scope_show(struct mcpz_bytes tenant);

/** Answer that there is no agent `id`; or that what its tenant kept was shredded. */
void mcpz_agent_scope_missing(struct mcpz_exchange *exchange, struct mcpz_bytes id);

/**
 * Add what another node must be told of it to `path`, which has `room` bytes: "?tenant=NAME", or
 * behind a line feed (http/fellows.h). Everybody's is not said. False: it does not fit.
 */
MCPZ_MUST_USE bool mcpz_agent_scope_hand_on(const struct mcpz_exchange *exchange, char *path,
                                            size_t room);

#endif
