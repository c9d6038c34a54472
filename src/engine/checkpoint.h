/*
 * Checkpoints out of the store (proto/checkpoint.h): written piece by piece, so that no more of
 * one is in memory than its reader wants.
 */

#ifndef ENGINE_CHECKPOINT_H
#define ENGINE_CHECKPOINT_H

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "core/crdt/clock.h"
#include "core/crdt/cuts.h"
#include "proto/checkpoint.h"
#include "proto/id.h"
#include "proto/store.h"

/* Where the bytes go. */
struct mcpz_checkpoint_sink {
    void *context; /* handed to add */

    /* Take the next bytes, which are borrowed. Errors: any, which ends the writing. */
    mcpz_error (*add)(void *context, struct mcpz_bytes bytes);
};

/* What a document has seen, in short. */
struct mcpz_checkpoint_state {
    struct mcpz_id
        digest;      /* over the head of its checkpoint, but for how many entries there are */
    uint64_t deltas; /* how many, of all writers; those that do not count may count twice */
    uint64_t hlc;
    uint8_t tenant[MCPZ_TENANT_BYTES_MAX];
    size_t tenant_length;
    struct mcpz_clock clock;
    struct mcpz_cuts cuts;
};

/** The digest of what `head` says was seen, however many entries it has. */
void mcpz_checkpoint_state_digest(const struct mcpz_checkpoint_head *head, struct mcpz_id *digest);

/** Read what `document` has seen. Errors: MCPZ_ENOTFOUND, MCPZ_ECORRUPT, MCPZ_EIO */
MCPZ_MUST_USE mcpz_error mcpz_checkpoint_state_of(const struct mcpz_store *store,
                                                  const struct mcpz_id *document,
                                                  struct mcpz_checkpoint_state *state);

/**
 * Write the checkpoint of `document` as `store` has it now. Within a turn.
 *
 * Errors: MCPZ_ENOTFOUND  no such document; MCPZ_ECORRUPT, MCPZ_EIO; those of the sink
 */
MCPZ_MUST_USE mcpz_error mcpz_checkpoint_write(const struct mcpz_store *store,
                                               const struct mcpz_id *document,
                                               const struct mcpz_checkpoint_sink *sink);

#endif
