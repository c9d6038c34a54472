/*
 * How long things took, since the start: a histogram of fixed bounds, as monitoring wants it.
 *
 * It never forgets: who scrapes it takes the difference.
 */

#ifndef BASE_DURATIONS_H
#define BASE_DURATIONS_H

#include <stdint.h>

#include "base/time.h"

/* The bounds, and "more than that". */
#define MCPZ_DURATION_BUCKETS 16

struct mcpz_durations {
    uint64_t counts[MCPZ_DURATION_BUCKETS + 1]; /* each of its bucket alone */
    uint64_t sum_us;
};

void mcpz_durations_add(struct mcpz_durations *durations, mcpz_time took_us);

/** The most that is in bucket `i`, which is one of the bounds. */
mcpz_time mcpz_durations_bound(uint32_t i);

#endif
