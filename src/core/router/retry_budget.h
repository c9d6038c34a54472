/*
 * How many attempts beyond the first a class of calls may make, and how long they wait.
 *
 * Every first attempt adds a tenth of a token, and a second in which that comes to less than five
 * adds what is missing to five: 10 % of the calls, but at least 5 a second, so that retries of
 * who calls seldom are not forbidden. (Finagle adds both; then who makes 50 calls a second may
 * send 20 % more into a failure that everybody sees.) Tokens last 10 s. A retry takes one; without
 * one there is none. So when every provider fails, they see at most a tenth more than was asked.
 *
 * Waiting is by full jitter: anything up to 25 ms * 2^k, at most 1 s (protocols.md 4.4).
 */

#ifndef CORE_ROUTER_RETRY_BUDGET_H
#define CORE_ROUTER_RETRY_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "base/time.h"

#define MCPZ_RETRY_SHARE 100     /* of a token, in thousandths, for each call */
#define MCPZ_RETRY_FLOOR_PER_S 5 /* tokens */
#define MCPZ_RETRY_SLOTS 10      /* of 1 s: a token's life */
#define MCPZ_RETRY_BACKOFF_US MCPZ_MS(25)
#define MCPZ_RETRY_BACKOFF_US_MAX MCPZ_SECONDS(1)

struct mcpz_retry_budget {
    uint64_t second;                   /* the present slot */
    uint32_t tokens[MCPZ_RETRY_SLOTS]; /* left, in thousandths, by second */
    uint32_t advance;                  /* given at the start, and not yet earned */
    uint32_t deposited;                /* in the present one */
};

/** Start with the floor of one second, in advance. */
void mcpz_retry_budget_init(struct mcpz_retry_budget *budget, mcpz_time now);

/** A first attempt is made. */
void mcpz_retry_budget_add(struct mcpz_retry_budget *budget, mcpz_time now);

/** Take a token for one more attempt; false: there is none. */
bool mcpz_retry_budget_take(struct mcpz_retry_budget *budget, mcpz_time now);

/** How long to wait before attempt `attempt`, of which the second is the first that waits. */
mcpz_time mcpz_retry_backoff_us(struct mcpz_rng *rng, uint32_t attempt);

#endif
