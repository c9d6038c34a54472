/*
 * The generic cell rate algorithm: so much in a time, on average, and so much at once.
 *
 * All that is kept of whoever is limited is one time, the theoretical arrival time (TAT) of what
 * comes next. Once that has passed they are as good as new: forgetting them gives nothing away.
 *
 * Source: ITU-T I.371, annex A: TAT = max(now, TAT) + T; conforming iff TAT - now <= tau + T.
 */

#ifndef CORE_GCRA_H
#define CORE_GCRA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"

struct mcpz_rate {
    mcpz_time interval_us;  /* T; 0: no limit */
    mcpz_time tolerance_us; /* tau */
};

/**
 * `count` in `period_us`, of which `burst` (at least 1) may come at once. `count` 0: no limit, and
 * so is more than one in a microsecond.
 */
struct mcpz_rate mcpz_rate(uint32_t count, mcpz_time period_us, uint32_t burst);

/** How long until one more conforms; 0: now. Changes nothing. */
mcpz_time mcpz_gcra_wait(mcpz_time tat, const struct mcpz_rate *rate, mcpz_time now);

/** Count one that conforms (asserted). */
void mcpz_gcra_take(mcpz_time *tat, const struct mcpz_rate *rate, mcpz_time now);

#endif
