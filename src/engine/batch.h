/*
 * Signed batches (proto/batch.h): made by their author, verified by everybody.
 *
 * What is signed is a few words no other use begins with, the author's name and generation, how
 * many deltas there are, and the root of their tree. The name of a batch is a digest of that.
 */

#ifndef ENGINE_BATCH_H
#define ENGINE_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "crypto/identity.h"
#include "crypto/merkle.h"
#include "engine/verified.h"
#include "proto/batch.h"

/** The leaf of a delta, from its canonical bytes: its id. */
void mcpz_batch_leaf(struct mcpz_bytes delta, struct mcpz_merkle_digest *leaf);

/* What signing comes to. */
struct mcpz_batch_made {
    uint8_t signature[MCPZ_SIGNATURE_BYTES];
    struct mcpz_batch_name name;
};

/**
 * Sign the batch of `count` leaves (1 to MCPZ_BATCH_DELTAS_MAX, asserted) that `author`, who is
 * `identity`, has written. `verified` takes note: nobody of this thread has to verify it.
 */
void mcpz_batch_sign(const struct mcpz_identity *identity, const struct mcpz_actor *author,
                     const struct mcpz_merkle_digest *leaves, uint32_t count,
                     struct mcpz_verified *verified, struct mcpz_batch_made *made);

/**
 * Has the author of `part` signed these `count` leaves at its place? Writes the batch's name.
 *
 * Errors: MCPZ_EPROTO  no part of any batch: `first`, counts or digests do not fit
 *         MCPZ_EAUTH   the signature is not the author's, or not over that
 */
MCPZ_MUST_USE mcpz_error mcpz_batch_verify(const struct mcpz_batch_part *part,
                                           const struct mcpz_merkle_digest *leaves, uint32_t count,
                                           struct mcpz_verified *verified,
                                           struct mcpz_batch_name *name);

/**
 * Write what lies beside the `count` deltas from `first` on, which are in `part` with its `leaves`
 * (`leaf_count`), to `beside`, MCPZ_BATCH_BESIDE_MAX digests; `*length` is in bytes.
 *
 * Errors: MCPZ_EPROTO  they are not, or it is no part
 */
MCPZ_MUST_USE mcpz_error mcpz_batch_beside(const struct mcpz_batch_part *part,
                                           struct mcpz_bytes leaves, uint32_t first,
                                           uint32_t count, uint8_t *beside, size_t *length);

#endif
