/*
 * The data of blobs that exported agents name, on its way into the file (http/snapshot.h).
 *
 *   a document is begun  ->  its names are gone through  ->  one that is not in the file yet
 *     ->  read piece by piece, wherever it is kept  ->  written ahead of the document
 *
 * One piece is in memory at a time, and marks of all blobs that were seen: MCPZ_EXPORT_BLOBS_MAX
 * of them. A blob that cannot be read, or is of another size than its name says, is lost, which
 * the file says.
 */

#ifndef HTTP_EXPORT_BLOBS_H
#define HTTP_EXPORT_BLOBS_H

#include <stdbool.h>

#include "http/blob_names.h"
#include "http/id_set.h"
#include "http/snapshot.h"

struct mcpz_exchange;

#define MCPZ_EXPORT_BLOBS_MAX 1048576 /* in one file */
#define MCPZ_EXPORT_BLOB_TRIES 100    /* of a piece, where too much is being done at once */

struct mcpz_export_blobs {
    struct mcpz_exchange *exchange;
    struct mcpz_id_set seen;
    bool is_walking;
    struct mcpz_blob_names names;
    bool is_reading;
    struct mcpz_snapshot_blob blob; /* that one; `offset` of the piece to come */
    struct mcpz_exchange *asked;    /* for the piece; NULL: it is not */
    unsigned tries;
};

enum mcpz_export_blobs_step {
    MCPZ_EXPORT_BLOBS_DONE = 1, /* nothing is under way */
    MCPZ_EXPORT_BLOBS_GOES_ON,  /* to be called again, in another turn */
    MCPZ_EXPORT_BLOBS_WAITS,    /* `exchange` works again when there is an answer */
    MCPZ_EXPORT_BLOBS_FAILED,   /* out of memory, or the store cannot be read */
    MCPZ_EXPORT_BLOBS_TOO_MANY,
};

/** Start, for an export of `exchange`. Release with mcpz_export_blobs_finish(). */
void mcpz_export_blobs_init(struct mcpz_export_blobs *blobs, struct mcpz_exchange *exchange);

/** Cancels what is asked. Zeros are fine. */
void mcpz_export_blobs_finish(struct mcpz_export_blobs *blobs);

/** Bring what `document`, which is here, names. Nothing is under way (asserted). */
void mcpz_export_blobs_of(struct mcpz_export_blobs *blobs, const struct mcpz_id *document);

/** Bring that one, unless it was seen. Nothing is under way (asserted). Errors: MCPZ_EFULL,
 * MCPZ_ENOMEM */
MCPZ_MUST_USE mcpz_error mcpz_export_blobs_bring(struct mcpz_export_blobs *blobs,
                                                 const struct mcpz_blob_ref *named);

/** Go on with what is under way. */
enum mcpz_export_blobs_step mcpz_export_blobs_work(struct mcpz_export_blobs *blobs,
                                                   struct mcpz_snapshot_writer *writer);

#endif
