/*
 * Collecting: what all keepers of a document have signed becomes its floor, and the deltas below
 * go (core/crdt/floor.h).
 *
 *   all have signed   ->  STABLE: nothing else will come below it
 *   history is over   ->  a replay of base and deltas up to it; its root is what was signed:
 *                         FLOOR and base, in one batch; then rows of deltas go, some in a turn
 *
 * The replay is spread over turns, one document at a time. If it does not come to what was signed,
 * nothing is dropped, and there is an alarm.
 *
 * Where that leaves earlier lives of ours behind, they are closed (core/crdt/lives.h).
 *
 * History is kept for as long as the configuration says (agents.history; seven days, unless it
 * says otherwise), and then some: the floor only moves to where all agreed. It is cut short where
 * a document has more deltas than MCPZ_HISTORY_DELTAS_MAX, or too many lives that are over.
 *
 * Source: docs reference crdt 1.5, G1, G2.
 */

#ifndef ENGINE_COLLECTING_H
#define ENGINE_COLLECTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "core/crdt/clock.h"
#include "core/crdt/cuts.h"
#include "engine/engine.h"
#include "proto/checkpoint.h"
#include "proto/id.h"

#define MCPZ_HISTORY_ALL UINT64_MAX      /* nothing is dropped here */
#define MCPZ_HISTORY_DELTAS_MAX 16384    /* of one document, above its floor */
#define MCPZ_COLLECT_DELTAS 64           /* made anew in one turn */
#define MCPZ_COLLECT_ROWS 256            /* that go in one turn */
#define MCPZ_COLLECT_PAUSE_US MCPZ_MS(2) /* between two such turns */
#define MCPZ_COLLECT_SWEEPS 32           /* documents whose rows are going */
#define MCPZ_COLLECT_WAITING 64 /* documents to be made anew after it; others are found again */
#define MCPZ_COLLECT_WHOLE 32   /* roots remembered: of documents with lives that are over */

struct mcpz_collect_job;

struct mcpz_collecting {
    struct mcpz_collect_job *job; /* NULL: none */
    struct mcpz_id sweeps[MCPZ_COLLECT_SWEEPS];
    size_t sweep_count;
    struct mcpz_id waiting[MCPZ_COLLECT_WAITING];
    size_t waiting_count;
    struct mcpz_id closable; /* where lives of ours are over; zeros: nowhere that we know of */
    struct mcpz_id whole[MCPZ_COLLECT_WHOLE]; /* roots that were signed while nobody was away */
    size_t whole_next;
    mcpz_time next_us; /* MCPZ_TIME_NEVER: nothing is under way */
};

/** Would it be noted that all keepers have signed `agreed`? Spares looking at signatures. */
bool mcpz_collecting_is_news(struct mcpz_engine *engine, const struct mcpz_id *document,
                             const struct mcpz_agreed *agreed);

/** All keepers have signed `agreed` of `document`, which we hold: it is to be the floor. */
void mcpz_collecting_agreed(struct mcpz_engine *engine, const struct mcpz_id *document,
                            const struct mcpz_agreed *agreed);

/**
 * The same of what others have folded by now, whoever signed it: so its time is over. That nobody
 * was away is not known of it.
 */
void mcpz_collecting_was_agreed(struct mcpz_engine *engine, const struct mcpz_id *document,
                                const struct mcpz_agreed *agreed);

/** Is there something that is to be its floor, and waits for its time? */
bool mcpz_collecting_waits(struct mcpz_engine *engine, const struct mcpz_id *document);

/** How many deltas, of `clock` and behind `cuts`, lie above the floor of `document`. */
uint64_t mcpz_collecting_tail(struct mcpz_engine *engine, const struct mcpz_id *document,
                              const struct mcpz_clock *clock, const struct mcpz_cuts *cuts);

/** Do so many lives wait in a vector of `document` to be closed, and may be, that it is not to
 * wait?
 */
bool mcpz_collecting_hurries(struct mcpz_engine *engine, const struct mcpz_id *document,
                             const struct mcpz_version *versions, size_t count);

/** Look at a document: raise its floor if the time has come, go on with rows that are to go. */
void mcpz_collecting_consider(struct mcpz_engine *engine, const struct mcpz_id *document);

/** The floor of `document` was raised: its rows are to go. */
void mcpz_collecting_raised(struct mcpz_engine *engine, const struct mcpz_id *document);

/** Go on with what is under way. */
void mcpz_collecting_tick(struct mcpz_engine *engine);
mcpz_time mcpz_collecting_deadline(const struct mcpz_engine *engine);

/** Give up what is under way. */
void mcpz_collecting_clear(struct mcpz_engine *engine);

#endif
