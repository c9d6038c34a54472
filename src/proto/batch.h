/*
 * Signed batches as data: what one node wrote in one turn, under one signature.
 *
 * The ids of up to MCPZ_BATCH_DELTAS_MAX deltas are the leaves of a Merkle tree; its author signs
 * the root, together with its own name, its generation and how many leaves there are. Deltas of a
 * batch travel in parts: some that lie side by side, each in its canonical bytes, and the digests
 * of what lies beside them, from which the root follows. A part may be all of it or a single one.
 *
 * engine/batch.h signs and verifies; the core sees verified deltas only.
 */

#ifndef PROTO_BATCH_H
#define PROTO_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "proto/agent.h"
#include "proto/id.h"

#define MCPZ_BATCH_DELTAS_MAX 1024
#define MCPZ_BATCH_BESIDE_MAX 20   /* digests beside a part */
#define MCPZ_BATCH_DIGEST_BYTES 32 /* of leaves, and of what is beside them */

/* Who signed what: the same for all parts of a batch. */
struct mcpz_batch_seal {
    struct mcpz_actor author;
    uint32_t count;              /* deltas of the whole batch, 1 to MCPZ_BATCH_DELTAS_MAX */
    struct mcpz_bytes signature; /* MCPZ_SIGNATURE_BYTES */
};

/* A part of a batch, but for what its deltas are. Borrowed. */
struct mcpz_batch_part {
    struct mcpz_batch_seal seal;
    uint32_t first;           /* of the whole batch: the part's first delta */
    struct mcpz_bytes beside; /* digests, from the leaves up, left before right */
};

#endif
