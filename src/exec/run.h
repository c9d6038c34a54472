/*
 * The decisions about one running task, without a process: how much may be read and written, what
 * is given back as credit, and what its end means.
 *
 *   input   caller -> ring -> stdin      what stdin took (or will never take) is credited
 *   output  stdout -> caller             only as far as the caller's credit goes
 *   errors  stderr -> the last bytes     kept for the message if the task fails
 *
 * Whoever holds a run (exec/pool) moves the bytes and tells it what happened.
 */

#ifndef EXEC_RUN_H
#define EXEC_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "proto/code.h"
#include "proto/limits.h"

#define MCPZ_RUN_TAIL_BYTES 4096              /* of stderr that are kept: the last ones */
#define MCPZ_RUN_CREDIT_BYTES_MIN 32768       /* smaller credits wait until the ring is empty */
#define MCPZ_RUN_OUTPUT_CREDIT_MAX (1U << 30) /* credit beyond is cut, not an error */

struct mcpz_run {
    uint8_t *ring; /* the holder's memory: input taken in and not yet written */
    size_t ring_bytes;
    size_t ring_start;
    size_t ring_length;
    uint64_t input_total;
    uint32_t credit_owed; /* taken by stdin, not yet told to the caller */
    bool credited;        /* false: the input is our own copy of the parameters */
    bool input_ended;     /* no more will come */
    bool input_refused;   /* stdin was closed: what comes is thrown away, and credited */

    uint32_t output_credit;
    uint64_t output_total;

    uint8_t tail[MCPZ_RUN_TAIL_BYTES];
    uint64_t tail_total; /* bytes stderr ever gave; the last ones are in the tail */
};

/* What a failed task says to people. */
struct mcpz_run_text {
    char text[MCPZ_MESSAGE_BYTES_MAX];
    size_t length; /* valid UTF-8, no control characters but line feed and tab */
};

/** Start with an input that will come in pieces. `ring` lasts as long as the run. */
void mcpz_run_init(struct mcpz_run *run, uint8_t *ring, size_t ring_bytes);

/** Start with an input that is complete, is given as a whole, and earns no credit. */
void mcpz_run_init_whole(struct mcpz_run *run, uint8_t *input, size_t length);

/* Did it fit? */
enum mcpz_run_fit {
    MCPZ_RUN_FITS = 0,
    MCPZ_RUN_OVER_WINDOW, /* more than was credited */
    MCPZ_RUN_OVER_LIMIT,  /* more than MCPZ_INPUT_BYTES_MAX, or MCPZ_OUTPUT_BYTES_MAX */
};

/** Take in a piece of input (copied). What does not fit changes nothing. */
MCPZ_MUST_USE enum mcpz_run_fit mcpz_run_input(struct mcpz_run *run, struct mcpz_bytes chunk);
void mcpz_run_input_end(struct mcpz_run *run);

/** What to write next: in one piece, perhaps not all there is. Empty: nothing waits. */
struct mcpz_bytes mcpz_run_input_next(const struct mcpz_run *run);

/** `length` bytes of the last mcpz_run_input_next() were written. */
void mcpz_run_input_written(struct mcpz_run *run, size_t length);

/** Nobody reads stdin any more. Not an error: the task may not care. */
void mcpz_run_input_refuse(struct mcpz_run *run);

/** May stdin be closed: everything was written, or nobody reads it? */
bool mcpz_run_input_is_over(const struct mcpz_run *run);

/** Credit to give now: 0 or at least MCPZ_RUN_CREDIT_BYTES_MIN, unless nothing waits. */
uint32_t mcpz_run_take_credit(struct mcpz_run *run);

/** The caller takes `credit` bytes more. */
void mcpz_run_pull(struct mcpz_run *run, uint32_t credit);

/** How many bytes may be read from stdout now: 0 to MCPZ_CHUNK_BYTES_MAX. */
size_t mcpz_run_output_room(const struct mcpz_run *run);

/** `length` bytes were read from stdout, within the room. Over the limit: hand nothing over. */
MCPZ_MUST_USE enum mcpz_run_fit mcpz_run_output(struct mcpz_run *run, size_t length);

/** Take in what stderr said. Any amount; only the last MCPZ_RUN_TAIL_BYTES stay. */
void mcpz_run_errors(struct mcpz_run *run, struct mcpz_bytes bytes);

/**
 * What the end of the task's process means, and what to say about it.
 *
 * `wait_status` as from waitpid(). Gives MCPZ_CODE_OK (empty text), MCPZ_CODE_PROVIDER_FAILED
 * ("exit status 3: ..."), or MCPZ_CODE_PROVIDER_CRASHED ("killed by signal 11 (SIGSEGV): ...").
 */
enum mcpz_code mcpz_run_verdict(const struct mcpz_run *run, int wait_status,
                                struct mcpz_run_text *text);

#endif
