/*
 * What was answered under an idempotency key, so that a call that comes again is not done again.
 *
 *   asked NEW -> running -> done, and its result for a while
 *                   |
 *                   v
 *               forgotten: it failed, and may be tried again
 *
 * A key is one only with its tenant and its capability, and for the same parameters. Results of up
 * to MCPZ_ANSWER_KEPT_MAX are kept, in a ring of bytes where new ones overwrite the oldest; of a
 * larger one it is known that it was done. All is in memory, and bounded: the window is
 * MCPZ_ANSWER_AGE_US or the last `rows_max` keys, and does not outlast the process.
 */

#ifndef CORE_ANSWERS_H
#define CORE_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/time.h"

#define MCPZ_ANSWERS_MAX 512 /* more are not worth their memory; fewer where calls are few */
#define MCPZ_ANSWER_KEPT_MAX 4096
#define MCPZ_ANSWERS_BYTES 512 /* of results for each row, as far as they do not share it */
#define MCPZ_ANSWER_AGE_US MCPZ_SECONDS(600)
#define MCPZ_ANSWER_NONE UINT16_MAX

enum mcpz_answer_state { MCPZ_ANSWER_FREE = 0, MCPZ_ANSWER_RUNNING, MCPZ_ANSWER_DONE };

struct mcpz_answer {
    uint64_t name[2]; /* hashes of tenant, capability and key */
    uint64_t params;  /* hash */
    uint8_t state;    /* enum mcpz_answer_state */
    bool too_large;
    uint16_t length;
    uint32_t waiters; /* calls that wait for this answer: the owner's to count */
    uint64_t stamp;   /* no other use of a row has it */
    uint64_t start;   /* of its bytes, counted on from the first ever; modulo the ring a place */
    mcpz_time at_us;  /* when it was asked for, or done */
};

struct mcpz_answers {
    struct mcpz_answer *rows; /* rows_max */
    uint8_t *bytes;           /* bytes_max: a ring */
    size_t rows_max;
    size_t bytes_max;
    uint64_t written; /* bytes ever, with those left out at the end of the ring */
    uint64_t stamps;
    uint64_t seed;
    uint64_t repeated; /* calls that were not done again */
};

struct mcpz_answer_key {
    struct mcpz_bytes tenant;
    struct mcpz_bytes capability;
    struct mcpz_bytes key; /* not empty */
    struct mcpz_bytes params;
};

enum mcpz_answer_word {
    MCPZ_ANSWER_IS_NEW = 1, /* do it; `*row` is its row, which runs */
    MCPZ_ANSWER_IS_RUNNING, /* `*row` is that of the call that does it */
    MCPZ_ANSWER_IS_KNOWN,   /* `*row` has the result */
    MCPZ_ANSWER_IS_LOST,    /* it was done, but the result was too large to keep */
    MCPZ_ANSWER_IS_OTHER,   /* the key was used for other parameters */
    MCPZ_ANSWER_IS_FULL,    /* too many run to watch over one more */
};

/** How much mcpz_answers_init() takes from its arena. */
size_t mcpz_answers_bytes(size_t rows_max);

/** Start with `rows_max` free rows, 1 to MCPZ_ANSWERS_MAX. `arena` has room (asserted). */
void mcpz_answers_init(struct mcpz_answers *answers, size_t rows_max, uint64_t seed,
                       struct mcpz_arena *arena);

/** What is known of this key? `*row` is set where said above. */
enum mcpz_answer_word mcpz_answers_ask(struct mcpz_answers *answers, mcpz_time now,
                                       const struct mcpz_answer_key *key, uint16_t *row);

/** More of the result of a call that runs (asserted). */
void mcpz_answers_output(struct mcpz_answers *answers, uint16_t row, struct mcpz_bytes chunk);

/** A call that runs (asserted) was done: keep its result. */
void mcpz_answers_done(struct mcpz_answers *answers, mcpz_time now, uint16_t row);

/** A call that runs (asserted) came to nothing: it may be tried again. */
void mcpz_answers_forget(struct mcpz_answers *answers, uint16_t row);

/** The result so far. Borrowed until the next output. False: it was too large to keep. */
bool mcpz_answers_result(const struct mcpz_answers *answers, uint16_t row,
                         struct mcpz_bytes *result);

#endif
