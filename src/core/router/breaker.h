/*
 * The circuit breaker before one provider of one capability.
 *
 *             5 failures of 60 s, or more than
 *             half of 20 within 10 s                 open_us over
 *   CLOSED --------------------------------> OPEN -------------------> HALF OPEN
 *      ^                                      ^                          |    |
 *      |                                      +--- one trial failed -----+    |
 *      +------------------------- 3 trials succeeded ------------------------+
 *
 * Five failures open it if they are at least a tenth of what has come of it in that minute: among
 * thousands of calls, five are none. An open one lets nothing pass for 30 s, twice as long each
 * time in a row it opens again, up to 120 s. Half open, it lets three trials pass at a time
 * (R-TASK-5; protocols.md 4.4). What a provider refuses because it is busy is no failure. Trials
 * may be calls that last for hours: after 10 s without news, others may pass too.
 */

#ifndef CORE_ROUTER_BREAKER_H
#define CORE_ROUTER_BREAKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"

#define MCPZ_BREAKER_FAILURES 5
#define MCPZ_BREAKER_WINDOW_US MCPZ_SECONDS(60)
#define MCPZ_BREAKER_FAST_RESULTS 20
#define MCPZ_BREAKER_FAST_WINDOW_US MCPZ_SECONDS(10)
#define MCPZ_BREAKER_OPEN_US MCPZ_SECONDS(30)
#define MCPZ_BREAKER_OPEN_US_MAX MCPZ_SECONDS(120)
#define MCPZ_BREAKER_TRIALS 3
#define MCPZ_BREAKER_TRIAL_US MCPZ_SECONDS(10) /* after which a trial bars no other */

#define MCPZ_BREAKER_SLOTS 6 /* of 10 s: the minute, and its last part */

enum mcpz_breaker_state {
    MCPZ_BREAKER_CLOSED,
    MCPZ_BREAKER_OPEN,
    MCPZ_BREAKER_HALF_OPEN,
};

struct mcpz_breaker_slot {
    uint32_t number; /* of its 10 s */
    uint32_t good;
    uint32_t bad;
};

struct mcpz_breaker {
    struct mcpz_breaker_slot slots[MCPZ_BREAKER_SLOTS];
    mcpz_time until_us; /* 0: it is closed; else until then it is open, and then half open */
    mcpz_time tried_us; /* when the last trial began */
    uint8_t opened;     /* times in a row */
    uint8_t trials;     /* under way */
    uint8_t successes;  /* of trials */
};

/** Start closed. */
void mcpz_breaker_init(struct mcpz_breaker *breaker);

enum mcpz_breaker_state mcpz_breaker_state(const struct mcpz_breaker *breaker, mcpz_time now);

/** May a call pass? */
bool mcpz_breaker_lets_pass(const struct mcpz_breaker *breaker, mcpz_time now);

/** When it may let one pass again, if it does not now and nothing comes of what is under way. */
mcpz_time mcpz_breaker_opens_at(const struct mcpz_breaker *breaker);

/** A call passes, which it may (asserted). Returns whether it is a trial. */
bool mcpz_breaker_begin(struct mcpz_breaker *breaker, mcpz_time now);

/** A call that passed has ended, and says nothing: it was cancelled, or refused as busy. */
void mcpz_breaker_forget(struct mcpz_breaker *breaker, bool trial);

/** A call that passed has ended well, or not. */
void mcpz_breaker_succeeded(struct mcpz_breaker *breaker, mcpz_time now, bool trial);
void mcpz_breaker_failed(struct mcpz_breaker *breaker, mcpz_time now, bool trial);

/** Open at once: it is known otherwise that calls come to nothing. */
void mcpz_breaker_trip(struct mcpz_breaker *breaker, mcpz_time now);

/** A lower-case word. */
const char *mcpz_breaker_word(enum mcpz_breaker_state state);

#endif
