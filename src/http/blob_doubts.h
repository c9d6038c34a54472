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
#define MCPZ_BLOB_DOUBT_US MCPZ_SECONDS(300)        /* unless it is told otherwise */
#define MCPZ_BLOB_DOUBT_BRIEF_US MCPZ_SECONDS(3600) /* of what is to be named in a moment */
/* Nobody has looked at it for so long: another does that by now, or it went by other means. */
#define MCPZ_BLOB_DOUBT_IDLE_US MCPZ_SECONDS(3600)

struct mcpz_blob_doubt {
    bool used;
    struct mcpz_id root;
    struct mcpz_id document;
    mcpz_time since_us;
    mcpz_time looked_us;
};

struct mcpz_blob_doubts {
    mcpz_time patience_us; /* 0: MCPZ_BLOB_DOUBT_US */
    struct mcpz_blob_doubt rows[MCPZ_BLOB_DOUBTS_MAX];
};

/* What was seen. */
struct mcpz_blob_seen {
    struct mcpz_id root;
    struct mcpz_id document; /* zeros: the reference is no document's, but a brief one */
    bool is_named;           /* it names the blob */
};

/**
 * The document was looked at. True: it has not named the blob for as long as it takes, so the
 * reference can go. What there is no room for is doubted another time.
 */
bool mcpz_blob_doubts_note(struct mcpz_blob_doubts *doubts, const struct mcpz_blob_seen *seen,
                           mcpz_time now);

#endif
