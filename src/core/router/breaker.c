#include "core/router/breaker.h"

#include <assert.h>

#include "base/attr.h"

#define SLOT_US (MCPZ_BREAKER_WINDOW_US / MCPZ_BREAKER_SLOTS)
#define SHARE_MIN 10 /* five failures open it when they are one in so many */

static_assert(SLOT_US == MCPZ_BREAKER_FAST_WINDOW_US, "the fast window is one slot");

void mcpz_breaker_init(struct mcpz_breaker *breaker)
{
    *breaker = (struct mcpz_breaker){0};
}

enum mcpz_breaker_state mcpz_breaker_state(const struct mcpz_breaker *breaker, mcpz_time now)
{
    if (breaker->until_us == 0) {
        return MCPZ_BREAKER_CLOSED;
    }
    return now < breaker->until_us ? MCPZ_BREAKER_OPEN : MCPZ_BREAKER_HALF_OPEN;
}

/* Trials that still bar others. */
static uint8_t trials_of(const struct mcpz_breaker *breaker, mcpz_time now)
{
    return now - breaker->tried_us < MCPZ_BREAKER_TRIAL_US ? breaker->trials : 0;
}

bool mcpz_breaker_lets_pass(const struct mcpz_breaker *breaker, mcpz_time now)
{
    switch (mcpz_breaker_state(breaker, now)) {
    case MCPZ_BREAKER_CLOSED:
        return true;
    case MCPZ_BREAKER_HALF_OPEN:
        return trials_of(breaker, now) + breaker->successes < MCPZ_BREAKER_TRIALS;
    case MCPZ_BREAKER_OPEN:
        break;
    }
    return false;
}

mcpz_time mcpz_breaker_opens_at(const struct mcpz_breaker *breaker)
{
    return breaker->trials > 0 ? breaker->tried_us + MCPZ_BREAKER_TRIAL_US : breaker->until_us;
}

bool mcpz_breaker_begin(struct mcpz_breaker *breaker, mcpz_time now)
{
    assert(mcpz_breaker_lets_pass(breaker, now));

    if (mcpz_breaker_state(breaker, now) == MCPZ_BREAKER_CLOSED) {
        return false;
    }
    breaker->trials = trials_of(breaker, now);
    breaker->trials++;
    breaker->tried_us = now;
    return true;
}

static void end_trial(struct mcpz_breaker *breaker, bool trial)
{
    if (trial && breaker->trials > 0) {
        breaker->trials--;
    }
}

void mcpz_breaker_forget(struct mcpz_breaker *breaker, bool trial)
{
    end_trial(breaker, trial);
}

/* ---- What has come of calls --------------------------------------------------------------- */

/* Slots are numbered from 1: a zeroed one is of no time. */
static uint32_t slot_number(mcpz_time now)
{
    return (uint32_t)(now / SLOT_US) + 1;
}

static struct mcpz_breaker_slot *slot_of(struct mcpz_breaker *breaker, mcpz_time now)
{
    const uint32_t number = slot_number(now);
    struct mcpz_breaker_slot *slot = &breaker->slots[number % MCPZ_BREAKER_SLOTS];

    if (slot->number != number) {
        *slot = (struct mcpz_breaker_slot){.number = number};
    }
    return slot;
}

static bool is_fresh(const struct mcpz_breaker_slot *slot, mcpz_time now, uint32_t slots)
{
    return slot->number != 0 && slot_number(now) - slot->number < slots;
}

/* What came of it within the last `slots`, this one included. */
static struct mcpz_breaker_slot sum_of(const struct mcpz_breaker *breaker, mcpz_time now,
                                       uint32_t slots)
{
    struct mcpz_breaker_slot sum = {0};

    for (size_t i = 0; i < MCPZ_BREAKER_SLOTS; i++) {
        if (is_fresh(&breaker->slots[i], now, slots)) {
            sum.good += breaker->slots[i].good;
            sum.bad += breaker->slots[i].bad;
        }
    }
    return sum;
}

static bool has_failed_too_often(const struct mcpz_breaker *breaker, mcpz_time now)
{
    const struct mcpz_breaker_slot all = sum_of(breaker, now, MCPZ_BREAKER_SLOTS);
    const struct mcpz_breaker_slot fast = sum_of(breaker, now, 1);
    const uint64_t results = (uint64_t)all.good + all.bad;

    return (all.bad >= MCPZ_BREAKER_FAILURES && (uint64_t)all.bad * SHARE_MIN >= results) ||
           (fast.good + fast.bad >= MCPZ_BREAKER_FAST_RESULTS && fast.bad > fast.good);
}

void mcpz_breaker_trip(struct mcpz_breaker *breaker, mcpz_time now)
{
    mcpz_time open_us = MCPZ_BREAKER_OPEN_US;

    for (uint8_t i = 0; i < breaker->opened && open_us < MCPZ_BREAKER_OPEN_US_MAX; i++) {
        open_us *= 2;
    }
    const uint8_t opened = breaker->opened;
    *breaker = (struct mcpz_breaker){
        .until_us = now + mcpz_time_min(open_us, MCPZ_BREAKER_OPEN_US_MAX),
        .opened = opened < UINT8_MAX ? (uint8_t)(opened + 1) : opened,
    };
}

void mcpz_breaker_succeeded(struct mcpz_breaker *breaker, mcpz_time now, bool trial)
{
    end_trial(breaker, trial);
    if (trial && mcpz_breaker_state(breaker, now) == MCPZ_BREAKER_HALF_OPEN) {
        if (++breaker->successes >= MCPZ_BREAKER_TRIALS) {
            mcpz_breaker_init(breaker);
        }
    } else if (breaker->until_us == 0) {
        slot_of(breaker, now)->good++;
        breaker->opened = 0;
    }
}

void mcpz_breaker_failed(struct mcpz_breaker *breaker, mcpz_time now, bool trial)
{
    end_trial(breaker, trial);
    switch (mcpz_breaker_state(breaker, now)) {
    case MCPZ_BREAKER_CLOSED:
        slot_of(breaker, now)->bad++;
        if (has_failed_too_often(breaker, now)) {
            mcpz_breaker_trip(breaker, now);
        }
        break;
    case MCPZ_BREAKER_HALF_OPEN:
        if (trial) { /* others were sent before it opened, and tell nothing new */
            mcpz_breaker_trip(breaker, now);
        }
        break;
    case MCPZ_BREAKER_OPEN:
        break;
    }
}

const char *mcpz_breaker_word(enum mcpz_breaker_state state)
{
    static const char *const words[] = {
        [MCPZ_BREAKER_CLOSED] = "closed",
        [MCPZ_BREAKER_OPEN] = "open",
        [MCPZ_BREAKER_HALF_OPEN] = "half-open",
    };

    return (size_t)state < MCPZ_ARRAY_LEN(words) ? words[state] : "";
}
