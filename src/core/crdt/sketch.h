/*
 * Finding out what differs by symbols (core/reconcile/iblt.h): the last resort, where nothing is
 * known of what a peer has seen, or something was missed.
 *
 *   asker                                                  teller
 *   START {half a key}           ->
 *                                <-  SKETCH {the other half}, or "busy"
 *   (both sweep all documents they share, and make symbols of their hashes under that key)
 *   MORE                         ->
 *                                <-  SKETCH {symbols}      in growing blocks, until it decodes
 *   FOUND {hashes only you have} ->
 *   WANT of each only the asker has                        (WANT from the teller, if it has less)
 *                                <-  OFFER of each only the teller has
 *   TAKEN, when there is room to ask for more  ->
 *
 * Both sweep once more to find the documents behind the hashes. A document that changes meanwhile
 * is in it as it was when it was swept: what it differs by is found, and is nothing.
 *
 * If who keeps what changes while symbols are made, they are of no set: who sees it gives up. Once
 * it is known what differs, it does no harm: what is not shared is not looked for.
 *
 * Bounds: one comparison as asker and one as teller at a time; so many symbols as the count of
 * documents allows, at most MCPZ_SKETCH_SYMBOLS_MAX; who says nothing for MCPZ_SKETCH_PATIENCE_US
 * is given up; a sweep does MCPZ_SWEEP_DOCUMENTS a step, decoding MCPZ_IBLT_WORK.
 *
 * Source: reference/crdt.md, 3.1 and 3.4.
 */

#ifndef CORE_CRDT_SKETCH_H
#define CORE_CRDT_SKETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/time.h"
#include "core/crdt/sweep.h"
#include "core/crdt/sync.h"
#include "core/reconcile/iblt_decoder.h"
#include "core/reconcile/iblt_encoder.h"
#include "proto/id.h"
#include "proto/limits.h"
#include "proto/msg.h"

#define MCPZ_SKETCH_SYMBOLS_MIN 64
#define MCPZ_SKETCH_SYMBOLS_MAX 16384 /* some 12,000 differences */
#define MCPZ_SKETCH_PATIENCE_US MCPZ_SECONDS(60)
#define MCPZ_SKETCH_WANTS_MAX 64        /* unanswered, while more is looked for */
#define MCPZ_SKETCH_ROOM_US MCPZ_MS(20) /* between two looks whether there is room to ask */

static_assert(MCPZ_SKETCH_SYMBOLS_MAX <= MCPZ_IBLT_SYMBOLS_MAX, "symbols of a sketch are symbols");
static_assert(MCPZ_IBLT_BLOCK_MAX * MCPZ_IBLT_SYMBOL_BYTES <= MCPZ_SKETCH_BYTES_MAX,
              "a block fits its message");

enum mcpz_sketch_phase {
    MCPZ_SKETCH_IDLE,
    MCPZ_SKETCH_STARTED,  /* asker: START is out */
    MCPZ_SKETCH_MAKING,   /* sweeping, to make symbols */
    MCPZ_SKETCH_SENDING,  /* symbols are on their way */
    MCPZ_SKETCH_DECODING, /* asker: some came */
    MCPZ_SKETCH_MAPPING,  /* sweeping, to find documents */
    MCPZ_SKETCH_HELD,     /* teller: an OFFER is not taken yet; asker: waits for the last one */
};

/* What both sides of a comparison have. */
struct mcpz_sketch {
    enum mcpz_sketch_phase phase;
    struct mcpz_id peer;
    uint64_t scope; /* stamp of what said which documents they share, when it began */
    uint64_t session;
    uint64_t nonce; /* ours */
    uint64_t epoch; /* of the peer's changes */
    uint64_t seq;   /* of them, when it began: then we have all up to there */
    struct mcpz_iblt_encoder symbols;
    uint64_t *ids; /* hashes of documents only we have; ascending */
    size_t id_count;
    size_t id_left; /* not found yet */
    struct mcpz_sweep sweep;
    mcpz_time next_us;  /* when to go on sweeping */
    mcpz_time until_us; /* patience */
};

struct mcpz_sketch_asker {
    struct mcpz_sketch sketch;
    struct mcpz_iblt_decoder decoder;
    size_t found;    /* differences */
    bool owes_taken; /* an OFFER was taken in */
    bool has_last;   /* no OFFER comes any more */
};

struct mcpz_sketch_teller {
    struct mcpz_sketch sketch;
    size_t sent;                                           /* symbols */
    size_t asked;                                          /* for, and not made yet */
    struct mcpz_digest rows[MCPZ_DIGESTS_PER_MESSAGE_MAX]; /* of the next OFFER */
    size_t row_count;
};

/* How a comparison begins. */
struct mcpz_sketch_start {
    uint64_t session; /* drawn by lot, as the nonce */
    uint64_t nonce;
    uint64_t ours; /* documents we share with the peer */
    uint64_t theirs;
};

/* What became of a comparison. */
enum mcpz_sketch_fate {
    MCPZ_SKETCH_GOES_ON,
    MCPZ_SKETCH_DONE,    /* both know what differs: `epoch` and `seq` hold */
    MCPZ_SKETCH_USELESS, /* too much differs, or it is no set: read all changes instead */
    MCPZ_SKETCH_FAILED,  /* no answer, busy, or the store cannot be read */
    MCPZ_SKETCH_INVALID, /* no message of this comparison, or not valid: nothing was changed */
};

size_t mcpz_sketch_asker_bytes(void);
size_t mcpz_sketch_teller_bytes(void);
void mcpz_sketch_asker_init(struct mcpz_sketch_asker *asker, struct mcpz_arena *arena);
void mcpz_sketch_teller_init(struct mcpz_sketch_teller *teller, struct mcpz_arena *arena);

/** Begin with `peer`. Nothing is under way (asserted). False: no room to say so. */
MCPZ_MUST_USE bool mcpz_sketch_asker_start(struct mcpz_sketch_asker *asker,
                                           const struct mcpz_sync *sync,
                                           const struct mcpz_id *peer,
                                           const struct mcpz_sketch_start *start);

/** A SKETCH or an OFFER with a session came. */
enum mcpz_sketch_fate mcpz_sketch_asker_take(struct mcpz_sketch_asker *asker,
                                             const struct mcpz_sync *sync,
                                             const struct mcpz_id *from,
                                             const struct mcpz_msg *msg);

/** A SKETCH_ASK came. `nonce` is drawn by lot. */
enum mcpz_sketch_fate mcpz_sketch_teller_take(struct mcpz_sketch_teller *teller,
                                              const struct mcpz_sync *sync,
                                              const struct mcpz_id *from,
                                              const struct mcpz_msg_sketch_ask *question,
                                              uint64_t nonce);

/** Do what is due: time has passed, or something that was asked for has come. */
enum mcpz_sketch_fate mcpz_sketch_asker_go_on(struct mcpz_sketch_asker *asker,
                                              const struct mcpz_sync *sync);
enum mcpz_sketch_fate mcpz_sketch_teller_go_on(struct mcpz_sketch_teller *teller,
                                               const struct mcpz_sync *sync);

/** Is a comparison with `peer` under way? */
static inline bool mcpz_sketch_is_with(const struct mcpz_sketch *sketch,
                                       const struct mcpz_id *peer)
{
    return sketch->phase != MCPZ_SKETCH_IDLE && mcpz_id_equal(&sketch->peer, peer);
}

mcpz_time mcpz_sketch_deadline(const struct mcpz_sketch *sketch);

#endif
