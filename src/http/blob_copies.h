/* What is known of a blob, and which nodes have all of it: GET /v1/blobs/ID. */

#ifndef HTTP_BLOB_COPIES_H
#define HTTP_BLOB_COPIES_H

#include <stdbool.h>

#include "http/exchange.h"

#define MCPZ_BLOB_STAT_MS 3000 /* a node's time to say what it has */

/** Answer with what is known of the blob `root` of `tenant`, here and at those who are to have it;
 * where none of them has, of all members. `reads`: what is here is read through first, and is no
 * copy if some of it is damaged. */
void mcpz_blob_copies(struct mcpz_exchange *exchange, const struct mcpz_id *root,
                      const char *tenant, bool reads);

#endif
