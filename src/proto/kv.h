/*
 * The store as bytes: ordered keys, one batch a turn, a queue to the disk behind it.
 *
 * Two implementations: store/lmdb.h (real), store/mem.h (the simulator's, which can lose all that
 * is not yet durable). Both lay an overlay of writes not yet durable over what is, so that reads
 * see their own writes.
 *
 *   put, remove ... -> commit() -> batch n -> [store thread] -> progress(): durable up to n
 *
 * A batch that cannot be written (disk full) fails together with every batch handed over after
 * it, since those were made from what it would have written. All their writes vanish at once
 * when progress() reports the failure; then the store is as it was before them and goes on.
 */

#ifndef PROTO_KV_H
#define PROTO_KV_H

#include <stdbool.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/bytes.h"

/* How far the disk has come. */
struct mcpz_kv_progress {
    uint64_t durable; /* batches up to this one are on disk */
    uint64_t failed;  /* batches above `durable` up to this one will never be; 0: none failed */
    mcpz_error error; /* why; a full disk is MCPZ_ENOSPACE */
};

struct mcpz_kv {
    void *context;

    /* Borrowed until the turn ends. Errors: MCPZ_ENOTFOUND, MCPZ_EIO, MCPZ_ECORRUPT */
    mcpz_error (*get)(void *context, struct mcpz_bytes key, struct mcpz_bytes *value);

    /* The smallest key greater than `after` (or equal, with `inclusive`). Borrowed as above. */
    mcpz_error (*next)(void *context, struct mcpz_bytes after, bool inclusive,
                       struct mcpz_bytes *key, struct mcpz_bytes *value);

    /*
     * Add to the turn's batch. Copied. Keys 1 to MCPZ_KEY_BYTES_MAX bytes, values up to
     * MCPZ_SEALED_BYTES_MAX (asserted).
     */
    void (*put)(void *context, struct mcpz_bytes key, struct mcpz_bytes value);
    void (*remove)(void *context, struct mcpz_bytes key);

    /*
     * End the turn: hand its writes over as one batch, give up everything borrowed. Returns the
     * batch's number (from 1, rising), or 0 if the turn wrote nothing.
     */
    uint64_t (*commit)(void *context);

    /* Take in what the disk has done since. To be called between turns. */
    struct mcpz_kv_progress (*progress)(void *context);
};

#endif
