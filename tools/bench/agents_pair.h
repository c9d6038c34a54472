/*
 * Two nodes of one mesh in one process, for benchmarks of what agents' documents cost: the real
 * engines, with a thread's memory each, over the store of the simulator or the real one. What lies
 * between them is handed over by whoever measures.
 *
 * Anything that goes wrong ends the process.
 */

#ifndef BENCH_AGENTS_PAIR_H
#define BENCH_AGENTS_PAIR_H

#include <semaphore.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"
#include "engine/vault.h"
#include "store/lmdb.h"
#include "store/mem.h"

/* What was put and removed, and where turns ended: to be written again by LMDB alone. */
struct bench_tape {
    uint8_t *bytes;
    size_t length;
    size_t room;
    size_t puts;
};

#define BENCH_TAPE_PUT 'p'
#define BENCH_TAPE_REMOVE 'r'
#define BENCH_TAPE_COMMIT 'c'

struct bench_side {
    struct mcpz_identity *identity;
    struct mcpz_identity *authority;
    struct mcpz_scratch *scratch;
    struct mcpz_mem *mem;   /* one of these two */
    struct mcpz_lmdb *lmdb; /* sealed, as a node's is */
    struct mcpz_kv below;
    struct bench_tape *tape; /* NULL: nothing is noted */
    struct mcpz_kv_progress progress;
    uint64_t newest; /* batch */
    sem_t news;      /* of the store's thread */
    struct mcpz_engine *engine;
    mcpz_link link;
    double turn_began_s; /* 0: none is under way */
    double slowest_s;    /* turn, of the processor */
};

struct bench_pair {
    struct bench_side author;
    struct bench_side keeper;
    mcpz_time now;
    uint64_t wall_ms;
};

/* Frames on their way. */
struct bench_frames {
    uint8_t *bytes;
    size_t length;
    size_t room;
    size_t count;
    size_t in_one; /* the largest */
};

_Noreturn void bench_die(const char *what);
double bench_seconds(void);
void bench_say(const char *row, double value, const char *unit);

/** A mesh of two. The author's store is in memory; the keeper's too, unless there is a directory
 * for it. */
void bench_pair_open(struct bench_pair *pair, const char *directory);

/** The same, and what all have signed is folded at once. */
void bench_pair_open_folding(struct bench_pair *pair, const char *directory);
void bench_pair_close(struct bench_pair *pair);

/** Open a turn of `side`, or go on with it. */
struct mcpz_engine *bench_enter(struct bench_pair *pair, struct bench_side *side);

/** End it. What the real store has not written yet may be so many batches. */
void bench_leave(struct bench_side *side);

/** Wait until all is on the disk. */
void bench_settle(struct bench_side *side);

/** Append what `side` has to send to `frames`. */
void bench_pull(struct bench_side *side, struct bench_frames *frames);

/** Hand all of `frames` to `side`, a turn each. */
void bench_hand_over(struct bench_pair *pair, const struct bench_frames *frames,
                     struct bench_side *side);
void bench_frames_clear(struct bench_frames *frames);

/** Let both tick and talk for so long, in steps of a second. */
void bench_pass(struct bench_pair *pair, size_t seconds);

/** The `number`-th agent. */
struct mcpz_id bench_document(size_t number);

/** Make it. Within a turn, which stays open. */
void bench_create(struct bench_pair *pair, struct bench_side *side, size_t number);

/** Write `text` into the register `key` of it. As above. */
void bench_set(struct bench_pair *pair, struct bench_side *side, size_t number, const char *key,
               const char *text);

#endif
