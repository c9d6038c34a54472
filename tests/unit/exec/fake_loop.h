/*
 * A loop and an engine that only carry RUN_* back and forth: what the core would do at a
 * provider, with its promises checked. It feeds input within the window, gives credit for output,
 * and fails the test when an edge breaks a rule.
 */

#ifndef FAKE_LOOP_H
#define FAKE_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/event.h"
#include "host/loop.h"
#include "proto/code.h"
#include "proto/limits.h"

#define FAKE_RUNS_MAX 400
#define FAKE_DEADLINE_S 60.0 /* only a failing test waits so long */

struct fake_run {
    uint32_t id; /* from 1 */

    /* What the caller does: set before or while it runs. */
    const uint8_t *input; /* sent piece by piece */
    size_t input_bytes;
    size_t input_step; /* of one RUN_INPUT */
    uint32_t pull;     /* credit given when the last is used up; 0: none */
    bool stops_at_output;

    /* What came of it. */
    uint8_t output[1 << 16]; /* the start of it */
    size_t output_bytes;
    uint64_t output_hash;
    size_t output_allowed;
    size_t input_sent;
    size_t input_allowed;
    size_t credit_bytes;
    bool input_open;
    bool stopped;
    bool over;
    bool plan;     /* its output is one */
    uint32_t code; /* once over: 0 is END */
    char text[4200];
};

struct fake {
    struct mcpz_loop *loop;
    struct fake_run *runs; /* FAKE_RUNS_MAX, run n at n - 1 */
    size_t run_count;
    size_t over_count;
    uint32_t provided;
    uint8_t isolation; /* told with the last that was provided */
    uint32_t withdrawn;
};

void fake_init(struct fake *fake);
void fake_finish(struct fake *fake);

/** Say RUN_START. Set up the rest of what is returned before turning the loop. */
struct fake_run *fake_start(struct fake *fake, const char *capability, const char *params,
                            uint32_t timeout_ms);

/** As above, with all that is said of a run; its name and caller are filled in. */
struct fake_run *fake_start_labelled(struct fake *fake, struct mcpz_action_run action);

/** The same with `length` bytes of input, borrowed. */
struct fake_run *fake_start_input(struct fake *fake, const char *capability, const void *input,
                                  size_t length, uint32_t timeout_ms);

/** With parameters of any bytes. */
struct fake_run *fake_start_params(struct fake *fake, const char *capability,
                                   struct mcpz_bytes params);

void fake_stop(struct fake *fake, struct fake_run *run);
void fake_pull(struct fake *fake, struct fake_run *run, uint32_t credit);
void fake_input(struct fake *fake, struct fake_run *run, const void *bytes, size_t length);
void fake_input_end(struct fake *fake, struct fake_run *run);

/** Wait for something to happen, and let it. */
void fake_turn(struct fake *fake);

/** In a process forked from the test's: make the loop its own. */
void fake_after_fork(struct fake *fake);

/** Turn the loop until `*what` is `value`; false if that takes too long. */
bool fake_turn_until(struct fake *fake, const size_t *what, size_t value);
bool fake_turn_until_over(struct fake *fake, const struct fake_run *run);

/** FNV-1a, to compare what is too long to keep. */
uint64_t fake_hash(uint64_t hash, const uint8_t *bytes, size_t length);
#define FAKE_HASH_START UINT64_C(0xcbf29ce484222325)

#endif
