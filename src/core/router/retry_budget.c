#include "core/router/retry_budget.h"

#include <assert.h>
#include <string.h>

#define TOKEN 1000
#define FLOOR (MCPZ_RETRY_FLOOR_PER_S * TOKEN)
static_assert(FLOOR % MCPZ_RETRY_SHARE == 0, "an advance is paid back to nothing");

#define TOKENS_MAX (UINT32_MAX / (2 * MCPZ_RETRY_SLOTS)) /* their sum fits */

void mcpz_retry_budget_init(struct mcpz_retry_budget *budget, mcpz_time now)
{
    *budget = (struct mcpz_retry_budget){.second = now / MCPZ_SECONDS(1)};
    budget->tokens[budget->second % MCPZ_RETRY_SLOTS] = FLOOR;
    budget->deposited = FLOOR;
    budget->advance = FLOOR;
}

/* The present second is over: fill it up to the floor, and begin the next. */
static void pass_second(struct mcpz_retry_budget *budget)
{
    uint32_t *ending = &budget->tokens[budget->second % MCPZ_RETRY_SLOTS];

    if (budget->deposited < FLOOR) {
        *ending += FLOOR - budget->deposited;
    }
    budget->second++;
    budget->tokens[budget->second % MCPZ_RETRY_SLOTS] = 0;
    budget->deposited = 0;
}

static void pass(struct mcpz_retry_budget *budget, mcpz_time now)
{
    const uint64_t second = now / MCPZ_SECONDS(1);

    if (second > budget->second + MCPZ_RETRY_SLOTS) { /* nothing of then is left */
        memset(budget->tokens, 0, sizeof(budget->tokens));
        budget->second = second - MCPZ_RETRY_SLOTS;
        budget->deposited = 0;
    }
    while (budget->second < second) {
        pass_second(budget);
    }
}

void mcpz_retry_budget_add(struct mcpz_retry_budget *budget, mcpz_time now)
{
    pass(budget, now);
    if (budget->advance > 0) {
        budget->advance -= MCPZ_RETRY_SHARE;
        return;
    }
    uint32_t *tokens = &budget->tokens[budget->second % MCPZ_RETRY_SLOTS];
    if (*tokens < TOKENS_MAX) {
        *tokens += MCPZ_RETRY_SHARE;
    }
    if (budget->deposited < FLOOR) {
        budget->deposited += MCPZ_RETRY_SHARE;
    }
}

bool mcpz_retry_budget_take(struct mcpz_retry_budget *budget, mcpz_time now)
{
    uint32_t sum = 0;
    uint32_t wanted = TOKEN;

    pass(budget, now);
    for (size_t i = 0; i < MCPZ_RETRY_SLOTS; i++) {
        sum += budget->tokens[i];
    }
    if (sum < TOKEN) {
        return false;
    }
    /* The oldest first: they end soonest. */
    for (uint64_t i = 1; i <= MCPZ_RETRY_SLOTS && wanted > 0; i++) {
        uint32_t *tokens = &budget->tokens[(budget->second + i) % MCPZ_RETRY_SLOTS];
        const uint32_t taken = *tokens < wanted ? *tokens : wanted;
        *tokens -= taken;
        wanted -= taken;
    }
    assert(wanted == 0);
    return true;
}

mcpz_time mcpz_retry_backoff_us(struct mcpz_rng *rng, uint32_t attempt)
{
    mcpz_time most_us = MCPZ_RETRY_BACKOFF_US;

    for (uint32_t i = 2; i < attempt && most_us < MCPZ_RETRY_BACKOFF_US_MAX; i++) {
        most_us *= 2;
    }
    most_us = mcpz_time_min(most_us, MCPZ_RETRY_BACKOFF_US_MAX);
    return mcpz_rng_below(rng, (uint32_t)most_us + 1);
}
