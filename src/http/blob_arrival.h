/*
 * A blob that comes in with a file of agents (http/snapshot.h), a piece at a time.
 *
 *   its first piece  ->  is it known here, and can be read where it is kept here?
 *                    ->  yes: no piece of it is needed
 *                    ->  no: an upload is begun, and each piece added where it belongs
 *   its last one     ->  what came is what was written, says its digest  ->  it is put
 *     ->  it has its name: that is all
 *         another one, as the tenant's key is another here: its old name stands for it from now on
 *                       (blob_book.h), where this node may take in what is of another mesh
 *
 * It is needed by "brief" until the agents that come behind it have claimed it (blob_claims.h).
 * Uploads under way are remembered between requests, so an import that was broken off goes on
 * within a blob; a piece that came before does no harm. What goes wrong leaves nothing behind.
 */

#ifndef HTTP_BLOB_ARRIVAL_H
#define HTTP_BLOB_ARRIVAL_H

#include <stdbool.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/time.h"
#include "crypto/digest.h"
#include "http/body.h"
#include "http/snapshot.h"

/* Under way at one time; the one that waits longest gives way. */
#define MCPZ_BLOB_ARRIVALS_MAX 16
#define MCPZ_BLOB_ARRIVALS_LEFT 8 /* for other files than one that brings several at a time */
#define MCPZ_BLOB_ARRIVAL_LOOK_US MCPZ_MS(100)         /* whether others are placed by now */
#define MCPZ_BLOB_ARRIVAL_PATIENCE_US MCPZ_SECONDS(60) /* until they are */

struct mcpz_exchange;

/* What is remembered of one between two pieces. */
struct mcpz_blob_arriving {
    bool used;
    bool is_busy; /* a piece is being added */
    struct mcpz_id root;
    char tenant[MCPZ_TENANT_BYTES_MAX + 1];
    uint64_t size;
    char upload[17];
    uint64_t received;
    struct mcpz_digest_state content; /* of that */
    uint64_t touched;                 /* counts up with each piece of any */
};

struct mcpz_blob_arrivals {
    struct mcpz_blob_arriving rows[MCPZ_BLOB_ARRIVALS_MAX];
    uint64_t touched;
};

/* A piece that is being taken. Zeros: none. */
struct mcpz_blob_arrival {
    unsigned phase; /* blob_arrival.c; 0: none is under way */
    struct mcpz_snapshot_blob blob;
    uint8_t *bytes; /* of the piece; owned */
    struct mcpz_blob_arriving *row;
    struct mcpz_exchange *asked;
    struct mcpz_id id; /* that it has here, once it was put */
    mcpz_time patient_until_us;

    /* Of all pieces so far. */
    struct mcpz_id known; /* the last that was here already; zeros: none */
    uint64_t blobs_put;
    uint64_t blobs_known;
    uint64_t blobs_renamed; /* of those that were put */
    uint64_t bytes_put;
};

/** May a file bring one more while it brings one? */
bool mcpz_blob_arrivals_have_room(const struct mcpz_blob_arrivals *arrivals);

/**
 * Take the piece `blob` of `body`, or that it is lost. None is under way (asserted).
 *
 * Errors: MCPZ_ENOMEM, MCPZ_EIO, MCPZ_ESHORT  it cannot be read
 */
MCPZ_MUST_USE mcpz_error mcpz_blob_arrival_begin(struct mcpz_blob_arrival *arrival,
                                                 const struct mcpz_snapshot_blob *blob,
                                                 const struct mcpz_body *body);

/**
 * Go on with it, in the work of `exchange`, which works again when there is something to do. True:
 * it is taken. False: not yet, or the exchange was answered with why not.
 */
bool mcpz_blob_arrival_go_on(struct mcpz_blob_arrival *arrival, struct mcpz_exchange *exchange);

/** The deadline of `exchange` has passed: does it wait for that, to look again? Then go on. */
bool mcpz_blob_arrival_looks(const struct mcpz_blob_arrival *arrival);

/** Forget it. */
void mcpz_blob_arrival_finish(struct mcpz_blob_arrival *arrival);

#endif
