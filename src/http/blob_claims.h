/*
 * All blobs that a document names, claimed for its agent: it is written down that the agent needs
 * them (blob_refs.h).
 *
 * For whoever brings a whole state, as it was or from a file, and not one value: before the state
 * is written, from where it is read, so that nothing is named for a moment that nobody holds. A
 * blob that is not known is one that went: the name of it stays a name.
 *
 * A few at a time, and MCPZ_BLOB_NAMES_SLICE entries are looked at in a turn.
 */

#ifndef HTTP_BLOB_CLAIMS_H
#define HTTP_BLOB_CLAIMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/blob_names.h"
#include "http/exchange.h"
#include "proto/id.h"
#include "proto/store.h"

#define MCPZ_BLOB_CLAIMS_LOST_MAX 64 /* that are told by name */
#define MCPZ_BLOB_CLAIMS_AT_ONCE 8   /* they share the wait for the disk */

/* One that is under way. */
struct mcpz_blob_claim {
    bool is_freeing;
    struct mcpz_exchange *referring;        /* claims one; NULL: none is under way */
    struct mcpz_id named;                   /* that one */
    char tenant[MCPZ_TENANT_BYTES_MAX + 1]; /* and whose it is */
};

/* Zeroed, it can be finished. */
struct mcpz_blob_claims {
    struct mcpz_blob_names names;
    bool is_named;    /* those were all that it names */
    bool frees_brief; /* which needs each blob only until it is claimed */
    struct mcpz_blob_claim claims[MCPZ_BLOB_CLAIMS_AT_ONCE];
    uint64_t claimed;
    uint64_t lost; /* of the blobs that are named, those that are not known; */
    struct mcpz_id lost_ids[MCPZ_BLOB_CLAIMS_LOST_MAX]; /* the first of them */
};

/** Begin with what `document` names. Set `frees_brief` behind it if they were put for it. */
void mcpz_blob_claims_begin(struct mcpz_blob_claims *claims, const struct mcpz_id *document);

/**
 * Go on with it, as it is in `store`: in the work of `exchange`, which works again when there is
 * something to do. True: it is over. False: not yet, or the exchange was answered with why not.
 */
bool mcpz_blob_claims_go_on(struct mcpz_blob_claims *claims, struct mcpz_exchange *exchange,
                            const struct mcpz_store *store);

/** Forget it. */
void mcpz_blob_claims_finish(struct mcpz_blob_claims *claims);

#endif
