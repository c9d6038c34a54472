/*
 * Makes a failing schedule small: what is left of it a person can read.
 *
 * Source: Zeller, Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", IEEE TSE 28(2),
 * 2002, section 3.2 (ddmin).
 */

#ifndef SIM_SHRINK_H
#define SIM_SHRINK_H

#include <stdbool.h>

#include "sim/schedule.h"

#define MCPZ_SHRINK_RUNS_MAX 2000

/**
 * Take away all that the failure of `schedule` at `violated_ms` does not need: lines first, by
 * halves and then one by one, then time. `fails` runs a schedule, and says whether it fails in the
 * same way. Returns how often that was called: nothing is taken away after MCPZ_SHRINK_RUNS_MAX.
 */
size_t mcpz_shrink(struct mcpz_schedule *schedule, uint64_t violated_ms,
                   bool (*fails)(void *context, const struct mcpz_schedule *schedule),
                   void *context);

#endif
