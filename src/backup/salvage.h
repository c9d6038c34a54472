/*
 * What can be saved of a damaged store.
 *
 *   damaged store -> records around what is damaged -> a new store, without documents
 *                 -> bases, deltas, wherever they still lie -> whoever merges them
 *
 * Documents and their entries follow from what they were folded to and the deltas above that: half
 * of them would be a state that never was. So they are left out, bases and deltas are given to the
 * engine again, and other nodes fill what is missing. A base is given if its pieces are all there
 * and come to the root that was signed; it is found among older ones that lie about.
 * The new store has no stamp: the node that opens it writes as a new writer. Its generation is
 * above all that its own deltas have, also where the record that says so was lost.
 */

#ifndef BACKUP_SALVAGE_H
#define BACKUP_SALVAGE_H

#include <stdbool.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "blob/keyring.h"
#include "proto/id.h"
#include "proto/record.h"
#include "store/lmdb.h"

/* Whose it is, and the keys it was sealed with, which are borrowed. */
struct mcpz_salvage_as {
    struct mcpz_id self;
    struct mcpz_keyring *keyring;
};

struct mcpz_salvaged {
    bool has_self;    /* who it is in which mesh is known */
    uint64_t peers;   /* other nodes that are known */
    uint64_t records; /* in the new store */
    uint64_t damaged; /* pages, with what hangs below them */
};

/**
 * Make a new store in directory `to`, which is not there, of what can be read of the one in
 * directory `from`.
 *
 * Errors: MCPZ_ENOTFOUND  there is nothing to read; MCPZ_ENOSPACE, MCPZ_EIO, MCPZ_ENOMEM:
 *         `trouble` says more
 */
MCPZ_MUST_USE mcpz_error mcpz_salvage_store(const char *from, const char *to,
                                            const struct mcpz_salvage_as *as,
                                            struct mcpz_salvaged *salvaged,
                                            struct mcpz_lmdb_trouble *trouble);

/* Who is shown what agents are made of. Errors end it. All lasts for the call. */
struct mcpz_salvage_visitor {
    void *context;
    /* What a document was folded to, whole and as its floor says, ahead of its deltas. */
    mcpz_error (*base)(void *context, const struct mcpz_record_floor *floor,
                       struct mcpz_bytes base);
    mcpz_error (*delta)(void *context, const struct mcpz_record *record);
};

/**
 * Show each base and each delta that can be read of the store in `from`, once, deltas of a
 * document in causal order. `temporary` is a directory on a disk with room for them.
 *
 * Errors: those of `visitor`; MCPZ_ENOTFOUND, MCPZ_ENOSPACE, MCPZ_EIO, MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_salvage_agents(const char *from, const char *temporary,
                                             struct mcpz_keyring *keyring,
                                             const struct mcpz_salvage_visitor *visitor);

#endif
