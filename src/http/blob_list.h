/*
 * GET /v1/blobs?after=ID&here=true: blobs of a tenant in the order of their names, a page; of this
 * node, or of all that can be asked, with who has them.
 *
 * Each node says its own page. The first names of all pages together are the mesh's: whoever has
 * more than a page has it behind them. Whoever does not answer is seen at each blob that it is to
 * have (`missing`).
 */

#ifndef HTTP_BLOB_LIST_H
#define HTTP_BLOB_LIST_H

#include <stdbool.h>

#include "blob/blob_job.h"
#include "http/exchange.h"

/** What is known of a blob as JSON, the caller's. */
json_t *mcpz_blob_list_show(const struct mcpz_id *id, const struct mcpz_blob_row *row);

/** Answer with the blobs of `tenant` behind `after`. */
void mcpz_blob_list(struct mcpz_exchange *exchange, const char *tenant,
                    const struct mcpz_id *after, bool only_here);

#endif
