/*
 * Agents that name blobs: a value {"$blob": ...} (wire/value.h), and in the blob's document
 * (blob_book.h) a reference "d-...", the agent's document.
 *
 *   set  ->  the reference is written, here or at a node that keeps the blob's document
 *        ->  the value is
 *
 * So a crash in between leaves a reference too many. Those are found when blobs are gone through
 * (blob_keeper.h), as are those of agents that are deleted or name it no more; they go when they
 * were missing for five minutes.
 */

#ifndef HTTP_BLOB_REFS_H
#define HTTP_BLOB_REFS_H

#include <jansson.h>
#include <stdbool.h>

#include "http/agent_write.h"
#include "http/blob_book.h"
#include "http/exchange.h"

/** Is the write's value the name of a blob that it is to refer to? */
bool mcpz_blob_refs_is_one(const struct mcpz_event_agent *agent);

/** Have the reference written, and then the write handed in; `json` (taken) is what it says. */
void mcpz_blob_refs_write(struct mcpz_exchange *exchange, const struct mcpz_event_agent *agent,
                          json_t *json);

/** Answer another node: {"blob", "tenant", "size", "ref"}. */
void mcpz_blob_refs_serve(struct mcpz_exchange *exchange, const json_t *object);

/** Does the document, as it is kept here, name the blob? */
bool mcpz_blob_refs_names(const struct mcpz_store *store, const struct mcpz_id *document,
                          const struct mcpz_id *root);

/** Look at the references in a blob's document, and let those go that are none any more. */
void mcpz_blob_refs_look(struct mcpz_api *api, const struct mcpz_id *root);

#endif
