/*
 * What was written but is not on disk yet, laid over what is on disk.
 *
 * Both stores share it: it collects the turn's writes, answers reads, numbers batches, and knows
 * when a failure is to be told. What lies below (`struct mcpz_below`) is theirs.
 *
 * The store in memory has nothing below. What is durable stays among the rest then, and each write
 * that is not has what it came in place of behind it, to go back to:
 *
 *   sorted   [key, newest] -> older -> ... -> the durable one
 *
 * A turn that brings the queue over its bound, or for which memory runs out, is *doomed*: its
 * batch, and every later one, is not handed over. Once all batches before it are on disk the
 * failure is told, and all doomed writes vanish. Until then doomed writes can be read, up to
 * twice the bound; further ones are dropped at once.
 */

#ifndef STORE_UNSAVED_H
#define STORE_UNSAVED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "proto/kv.h"
#include "store/batch.h"
#include "store/sorted.h"

/* The durable part. Semantics of get and next as in proto/kv.h. */
struct mcpz_below {
    void *context;
    mcpz_error (*get)(void *context, struct mcpz_bytes key, struct mcpz_bytes *value);
    mcpz_error (*next)(void *context, struct mcpz_bytes after, bool inclusive,
                       struct mcpz_bytes *key, struct mcpz_bytes *value);
};

struct mcpz_unsaved {
    struct mcpz_below below;   /* `get` is NULL: there is none, and the durable ones are ours */
    struct mcpz_sorted sorted; /* of each key its newest write */
    size_t bytes_max;
    size_t bytes; /* of all writes not yet durable */

    struct mcpz_batch *turn;    /* under way; NULL: nothing kept of it yet */
    bool turn_wrote;            /* also when nothing of it could be kept */
    mcpz_error turn_error;      /* why the turn is doomed */
    struct mcpz_batches doomed; /* will never be handed over */
    mcpz_error doomed_error;    /* MCPZ_OK: none is */

    uint64_t newest;  /* number of the last batch; 0: none yet */
    uint64_t pending; /* batches handed over and neither settled nor failed */
};

/** `below` NULL: what is durable stays here. */
void mcpz_unsaved_init(struct mcpz_unsaved *unsaved, const struct mcpz_below *below,
                       size_t bytes_max);
void mcpz_unsaved_finish(struct mcpz_unsaved *unsaved);

/** As in proto/kv.h. */
mcpz_error mcpz_unsaved_get(struct mcpz_unsaved *unsaved, struct mcpz_bytes key,
                            struct mcpz_bytes *value);
mcpz_error mcpz_unsaved_next(struct mcpz_unsaved *unsaved, struct mcpz_bytes after, bool inclusive,
                             struct mcpz_bytes *key, struct mcpz_bytes *value);
void mcpz_unsaved_put(struct mcpz_unsaved *unsaved, struct mcpz_bytes key,
                      struct mcpz_bytes value);
void mcpz_unsaved_remove(struct mcpz_unsaved *unsaved, struct mcpz_bytes key);

/**
 * End the turn. Returns its batch's number, 0 if it wrote nothing. `*batch` is what is to be
 * handed over, NULL if nothing is; whoever writes it owns it until it is settled.
 */
uint64_t mcpz_unsaved_commit(struct mcpz_unsaved *unsaved, struct mcpz_batch **batch);

/**
 * `batch` is durable, and all before it are: look below for what is still its own. The caller then
 * owns its writes; where nothing lies below, they are taken out of it. Nothing may be borrowed.
 */
void mcpz_unsaved_settle(struct mcpz_unsaved *unsaved, struct mcpz_batch *batch);

/**
 * Forget every write that is not durable, also the turn's. Batches handed over are still there
 * (what they came in place of is found by them), and go elsewhere.
 */
void mcpz_unsaved_clear(struct mcpz_unsaved *unsaved);

/** What is durable under the key of `write`, and may be a removal; or NULL. Nothing lies below. */
struct mcpz_write *mcpz_unsaved_durable(struct mcpz_write *write);

/**
 * Sum up, after all that is durable was settled. `error` is why the batch after `durable` could
 * not be written, or MCPZ_OK; the caller destroys what it has not settled when the answer says
 * that batches failed.
 */
struct mcpz_kv_progress mcpz_unsaved_progress(struct mcpz_unsaved *unsaved, uint64_t durable,
                                              mcpz_error error);

#endif
