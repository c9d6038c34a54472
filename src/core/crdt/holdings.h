/*
 * What this store holds, in a nutshell: the root of all its documents, those of what each peer has
 * in common with us (core/crdt/shared.h), and the order in which they last changed.
 *
 *   put DOCUMENT     ->  the roots less what it was, and what it is
 *                        CHANGE of its last change goes, one with the next number comes;
 *                        if it is the last already, and nobody was told so, it stays
 *   remove DOCUMENT  ->  the roots less what it was; its CHANGE goes
 *   of a blob: BLOB_DOCUMENT comes and goes with it
 *
 * It is a store in front of the store: whoever writes documents writes them through it, and need
 * not know of it. All of that is in one batch, so after a crash the numbers are as whole as the
 * documents.
 *
 * Numbers are named by an epoch: a store that was put back gets another one with its next
 * generation, and what others remember of the old numbers is void. One that was put back without
 * anybody noticing is found out by its root.
 *
 * Digests in the root are keyed, but all nodes have the key: who writes documents can, with much
 * work, make some whose sums are equal. Hence sketches, whose keys are of one session, once a day
 * even where roots are equal (core/crdt/entropy.h).
 *
 * Source: reference/crdt.md, 3.2, 3.3 and 6; Apache CouchDB's "by sequence" index.
 */

#ifndef CORE_CRDT_HOLDINGS_H
#define CORE_CRDT_HOLDINGS_H

#include <stdbool.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/arena.h"
#include "base/attr.h"
#include "core/crdt/shared.h"
#include "core/reconcile/root_tag.h"
#include "proto/record.h"
#include "proto/store.h"

/* What was last known of a document: most are read just before they are written. */
struct mcpz_holding {
    struct mcpz_id id;
    bool is_known;
    bool is_there;
    uint64_t change;
    struct mcpz_id digest; /* as it is in the root */
};

struct mcpz_holdings {
    struct mcpz_store store; /* what documents are written through */
    const struct mcpz_store *below;
    struct mcpz_partition_root root; /* of all */
    struct mcpz_shared shared;       /* by peers */
    uint64_t blob_count;             /* of all, those that are about blobs */
    uint64_t epoch;
    uint64_t seq;         /* the last number that was given out */
    uint64_t told_seq;    /* the last that others may know of */
    uint64_t counted_seq; /* as documents say, while they are counted */
    uint64_t writes; /* of documents and removals, and counts anew: what was read may differ */
    bool is_kept;    /* the epoch is in the store */
    bool is_off;     /* something could not be read: to be counted again */
    struct mcpz_holding last;
};

/** How much mcpz_holdings_init() takes from its arena. */
size_t mcpz_holdings_bytes(void);

/**
 * Over `below`, with nothing counted. `epoch` is drawn by lot; it holds if the store has none.
 * `arena` has room (asserted), and its memory is zeros.
 */
void mcpz_holdings_init(struct mcpz_holdings *holdings, const struct mcpz_store *below,
                        uint64_t epoch, struct mcpz_arena *arena);

/**
 * Count anew: begin, show it each document of the store, and end. Numbers that were given out are
 * not given out again, whatever documents are gone without its knowledge.
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EIO; it is off then
 */
MCPZ_MUST_USE mcpz_error mcpz_holdings_begin(struct mcpz_holdings *holdings);
void mcpz_holdings_count(struct mcpz_holdings *holdings,
                         const struct mcpz_record_document *document);
void mcpz_holdings_end(struct mcpz_holdings *holdings);

/** The last number, to be told to others: what changes from now on has a later one. */
uint64_t mcpz_holdings_tell(struct mcpz_holdings *holdings);

/** What others know our numbers by, while we write as `generation`. Never 0. */
uint64_t mcpz_holdings_epoch(const struct mcpz_holdings *holdings, uint32_t generation);

#endif
