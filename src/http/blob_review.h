/*
 * References of agents to a blob that are none any more: found, and let go of.
 *
 *   one node looks at a blob's references: the first of those who are to keep it that is there
 *   a reference's agent is kept here     ->  its document is read
 *   by others (too)                      ->  "mcpz.blobs/names" of all of them
 *   somebody says that it names the blob ->  it stays
 *   all say that it does not             ->  it is doubted, and goes after a while (blob_doubts.h)
 *   somebody cannot be asked             ->  nothing is known
 *
 * So a node that is behind can keep a reference, and never take one away. Without a layout
 * everybody keeps every agent, and those who are to keep the blob are asked. One blob is looked at
 * at a time, and MCPZ_BLOB_REVIEW_REFS_MAX of its references, others the next time.
 */

#ifndef HTTP_BLOB_REVIEW_H
#define HTTP_BLOB_REVIEW_H

#include <jansson.h>
#include <stdbool.h>

#include "proto/id.h"
#include "proto/store.h"

#define MCPZ_BLOB_REVIEW_REFS_MAX 16
#define MCPZ_BLOB_REVIEW_NODES_MAX 32
#define MCPZ_BLOB_REVIEW_MS 5000 /* a node's time to say what its agents name */

struct mcpz_api;
struct mcpz_exchange;

/** Look at the blob's references, if that is this node's to do. None is under way (asserted). */
void mcpz_blob_review_begin(struct mcpz_api *api, const struct mcpz_id *root);

/** Draw the conclusions if all have answered. True: answers are still waited for. */
bool mcpz_blob_review_look(struct mcpz_api *api);

/** Forget the one under way. */
void mcpz_blob_review_finish(struct mcpz_api *api);

/** Answer another node: {"blob", "refs": [...]} -> {"said": ["yes", "no" or "unknown", ...]}. */
void mcpz_blob_review_serve(struct mcpz_exchange *exchange, const json_t *object);

/** Does the document, as it is kept here, name the blob? */
bool mcpz_blob_review_names(const struct mcpz_store *store, const struct mcpz_id *document,
                            const struct mcpz_id *root);

#endif
