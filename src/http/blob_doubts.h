/*
 * References of documents to blobs that were looked for and not found: they go only when they were
 * missing for a while, as a reference is written down before what it stands for.
 *
 * Source: docs reference crdt, section 5 (delete by reference set, and settle).
 */

#ifndef HTTP_BLOB_DOUBTS_H
#define HTTP_BLOB_DOUBTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/time.h"
#include "proto/id.h"

#define MCPZ_BLOB_DOUBTS_MAX 64
#define MCPZ_BLOB_DOUBT_US MCPZ_SECONDS(300)

struct mcpz_blob_doubt {
    bool used;
    struct mcpz_id root;
    struct mcpz_id document;
    mcpz_time since_us;
};

struct mcpz_blob_doubts {
    struct mcpz_blob_doubt rows[MCPZ_BLOB_DOUBTS_MAX];
};

/**
 * The document was looked at: it names the blob, or does not. True: it has not for as long as it
 * takes, so the reference can go. What there is no room for is doubted another time.
 */
bool mcpz_blob_doubts_note(struct mcpz_blob_doubts *doubts, const struct mcpz_id *root,
                           const struct mcpz_id *document, bool is_named, mcpz_time now);

#endif
