/*
 * Deleted documents are forgotten, by all who keep them at once.
 *
 *   all have signed the tombstone (phase 1: folding.h, collecting.h), longer ago than the grace
 *   FORGET {documents, roots, horizon}, "would you?"  ->  all keepers, from the one with the
 *                                                         smallest id
 *                              <-  FORGET_ANSWER {which of them}: it sees the same, and may
 *   what all would: horizon raised, rows gone, in one batch; when it is on the disk
 *   FORGET, "do"               ->  the same there, of those it still sees so
 *
 * Keepers that are no neighbours are asked for links first, or sessions (MCPZ_EVENT_MEET).
 *
 * Who does not do so after all (it was stopped in between, or somebody has just written there)
 * keeps the document, and it comes back to the others by comparing: as a tombstone, or as what it
 * is by now. It is tried again another time: never live again, never lost.
 *
 * What is older than the horizon and has not heard of the deletion is held back by the gate
 * (core/crdt/horizon.h). So a document may go once all had signed it before the horizon: a store
 * that lacks the tombstone was last seen before, too.
 *
 * A store that has never met anybody has nobody to ask, nor anybody who could bring it back: what
 * was deleted there goes when it is as old.
 *
 * Source: docs reference crdt 1.5, G4; Garage, table/gc.rs.
 */

#ifndef ENGINE_FORGETTING_H
#define ENGINE_FORGETTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "engine/agreement.h"
#include "proto/id.h"
#include "proto/limits.h"
#include "proto/msg.h"

struct mcpz_engine;

#define MCPZ_FORGET_FIRST_US MCPZ_SECONDS(30) /* after a start: who is there is met first */
#define MCPZ_FORGET_LOOK_US MCPZ_SECONDS(10)  /* is there another horizon? */
#define MCPZ_FORGET_PAUSE_US MCPZ_MS(100)     /* between two looks at documents */
#define MCPZ_FORGET_WALK 256                  /* documents looked at in one turn */
#define MCPZ_FORGET_ALONE_DELTAS 4096         /* rows that go in one turn where nobody else is */
#define MCPZ_FORGET_PATIENCE_US MCPZ_SECONDS(5)
#define MCPZ_FORGET_CLOCKS 10 /* clocks differ by no more than such a part of the grace */

/* What is being agreed on. One batch at a time. */
struct mcpz_forget_round {
    uint64_t nonce; /* 0: none is under way */
    uint64_t horizon_ms;
    struct mcpz_forget_row rows[MCPZ_FORGET_ROWS_MAX];
    size_t row_count;
    uint64_t agreed; /* by all who have answered: bits */
    struct mcpz_keepers keepers;
    bool has_answered[MCPZ_COSIGNATURES_MAX];
    size_t answer_count;
    mcpz_time until_us;
};

struct mcpz_forgetting {
    bool is_on;
    uint64_t done_ms;     /* all documents were looked at for this horizon */
    uint64_t horizon_ms;  /* of the walk that is under way; 0: none is */
    struct mcpz_id after; /* so far it has come */
    uint64_t nonce;       /* the last one given out */
    struct mcpz_forget_round round;
    struct mcpz_keepers met; /* who were asked for links, as they were not linked; none: nobody */
    mcpz_time met_us;
    mcpz_time next_us; /* 0: not begun */
};

/** Answer FORGET, or do what it says. */
void mcpz_forgetting_asked(struct mcpz_engine *engine, const struct mcpz_id *from,
                           const struct mcpz_msg_forget *asked);

/** Take in FORGET_ANSWER. */
void mcpz_forgetting_answered(struct mcpz_engine *engine, const struct mcpz_id *from,
                              const struct mcpz_msg_forget_answer *answer);

/** Look on for what may go. */
void mcpz_forgetting_tick(struct mcpz_engine *engine);
mcpz_time mcpz_forgetting_deadline(const struct mcpz_engine *engine);

#endif
