/*
 * Deltas on their way out of a turn: what the core has asked to send, until the turn's own are
 * signed and all are packed.
 *
 *   core: SEND of DELTA  ->  [queue]  -- end of turn, or no room: signed, packed -->  held BATCHes
 *
 * One a thread, in its scratch: a turn of one engine is over before that of another begins.
 */

#ifndef ENGINE_OUTGOING_H
#define ENGINE_OUTGOING_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/merkle.h"
#include "engine/engine.h"
#include "proto/agent.h"
#include "proto/batch.h"
#include "proto/limits.h"

#define MCPZ_OUTGOING_DELTAS_MAX 1024
#define MCPZ_OUTGOING_BYTES 524288
#define MCPZ_OUTGOING_SETS_MAX 64
#define MCPZ_OUTGOING_BATCHES_ENOUGH 16 /* of which parts are sent: opening one takes 50 us */
#define MCPZ_OWN_BATCH_DELTAS 256 /* after a step with so many unsigned ones they are signed */

static_assert(MCPZ_OUTGOING_BYTES >= MCPZ_DELTA_BYTES_MAX, "there is room for any one");

/* To whom: the links of one SEND. */
struct mcpz_link_set {
    mcpz_link links[MCPZ_LINKS_MAX];
    size_t count;
};

/* One delta, and to whom. */
struct mcpz_outgoing_delta {
    struct mcpz_delta_proof proof; /* of an own one that is not signed yet: its place among them */
    bool is_unsigned;
    uint32_t route;
    uint32_t offset; /* of its canonical bytes */
    uint32_t length;
};

/* The key of an own delta that waits for its signature. */
struct mcpz_unsigned_delta {
    struct mcpz_id document;
    struct mcpz_actor actor;
    uint64_t seq;
};

struct mcpz_outgoing {
    const struct mcpz_engine *engine; /* whose turn it is; NULL: there is nothing in it */

    struct mcpz_unsigned_delta own[MCPZ_BATCH_DELTAS_MAX];
    struct mcpz_merkle_digest leaves[MCPZ_BATCH_DELTAS_MAX]; /* theirs */
    size_t own_count;

    struct mcpz_outgoing_delta deltas[MCPZ_OUTGOING_DELTAS_MAX];
    size_t delta_count;
    size_t batch_count; /* that they lie in, one behind the other */
    struct mcpz_link_set routes[MCPZ_OUTGOING_SETS_MAX];
    size_t route_count;
    uint8_t bytes[MCPZ_OUTGOING_BYTES];
    size_t byte_count;
};

/* What came in one BATCH, while its deltas are handed to the core one by one. */
struct mcpz_incoming {
    struct mcpz_batch_name batch;
    uint32_t first;
    uint32_t kept; /* rows written that refer to it */
    struct mcpz_merkle_digest leaves[MCPZ_BATCH_DELTAS_MAX];
    struct mcpz_bytes deltas[MCPZ_BATCH_DELTAS_MAX];
};

#endif
