/*
 * The typed store of the core over the byte store: schema makes the keys, codec the values.
 *
 * Texts and blobs of a record that was read lie in the store's own memory and last until the turn
 * ends; its lists last until MCPZ_READS_KEPT more records have been read.
 */

#ifndef ENGINE_PERSIST_H
#define ENGINE_PERSIST_H

#include "engine/at_rest.h"
#include "engine/scratch.h"
#include "proto/kv.h"
#include "proto/store.h"

/* Rows that were removed: how many deltas, and how long all keys and values were. */
struct mcpz_removed {
    uint64_t deltas;
    uint64_t bytes;
};

struct mcpz_persist {
    struct mcpz_kv kv;
    struct mcpz_scratch *scratch;
    struct mcpz_at_rest *rest; /* NULL: nothing is sealed */

    /* The id of the delta with this proof was found when its signature was. No batch: of none. */
    struct mcpz_delta_proof verified;
    struct mcpz_id verified_id;

    /* Shown each record once it is put. NULL: nobody looks. */
    void (*watch)(void *context, const struct mcpz_record *record);
    void *watch_context;

    struct mcpz_removed *removed; /* what is removed is added up there. NULL: nobody asks */
};

/** Make `*store` work over `persist`, whose memory it borrows. */
void mcpz_persist_init(struct mcpz_persist *persist, const struct mcpz_kv *kv,
                       struct mcpz_scratch *scratch, struct mcpz_store *store);

/** From now on, and for all that is there, records are sealed. `rest` is borrowed. */
void mcpz_persist_seal(struct mcpz_persist *persist, struct mcpz_at_rest *rest);

/** End the turn: what was read of it is given up. Returns as the byte store's commit(). */
uint64_t mcpz_persist_commit(struct mcpz_persist *persist);

#endif
