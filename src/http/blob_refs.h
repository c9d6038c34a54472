/*
 * Agents that name blobs: a value {"$blob": ...} (wire/value.h), and in the blob's document
 * (blob_book.h) a reference "d-...", the agent's document.
 *
 *   set  ->  the reference is written, here or at a node that keeps the blob's document
 *        ->  the value is
 *
 * So a crash in between leaves a reference too many. Those are found when blobs are gone through
 * (blob_review.h), as are those of agents that are deleted or name it no more.
 */

#ifndef HTTP_BLOB_REFS_H
#define HTTP_BLOB_REFS_H

#include <jansson.h>
#include <stdbool.h>

#include "http/agent_write.h"
#include "http/blob_book.h"
#include "http/exchange.h"
#include "wire/value.h"

/** Is the write's value the name of a blob that it is to refer to? */
bool mcpz_blob_refs_is_one(const struct mcpz_event_agent *agent);

/** May who asks name the blob that `value` (NULL: none) of a request is, if it is one? Before the
 * request is handed on: another node does not know who asks. False: answered. */
bool mcpz_blob_refs_may_name(struct mcpz_exchange *exchange, const json_t *value);

/** Have the reference written, and then the write handed in; `json` (taken) is what it says. */
void mcpz_blob_refs_write(struct mcpz_exchange *exchange, const struct mcpz_event_agent *agent,
                          json_t *json);

/** Answer another node: {"blob", "tenant", "size", "ref"}. */
void mcpz_blob_refs_serve(struct mcpz_exchange *exchange, const json_t *object);

/**
 * Have it written down that the agent `document` needs the blob, at a node that keeps what is
 * known of it, and answer: 200 when that is on a disk there; 404 there is no such blob, 400 it is
 * another one, 503 nobody can be asked. `exchange` is one of our own that waits for nothing.
 */
void mcpz_blob_refs_add(struct mcpz_exchange *exchange, const struct mcpz_blob_ref *named,
                        const struct mcpz_id *document);

/**
 * What was put with ?ref=brief is needed by something else now, or by nobody: have "brief" let go
 * of it. `*inner` and the answer are as of mcpz_inner_ask().
 */
MCPZ_MUST_USE bool mcpz_blob_refs_free_brief(struct mcpz_exchange *exchange,
                                             struct mcpz_exchange **inner,
                                             const struct mcpz_id *blob, const char *tenant);

#endif
