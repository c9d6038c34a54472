/*
 * How long the last tasks of a kind took: their median, which one that hung does not move.
 */

#ifndef CORE_RECENT_H
#define CORE_RECENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"

#define MCPZ_RECENT_MAX 31
#define MCPZ_RECENT_MIN 5 /* fewer say nothing */

struct mcpz_recent {
    uint32_t took_us[MCPZ_RECENT_MAX]; /* a ring */
    uint32_t sorted[MCPZ_RECENT_MAX];
    uint8_t count;
    uint8_t next;
    mcpz_time last_us;
};

/** A task that took `took_us` has ended. */
void mcpz_recent_add(struct mcpz_recent *recent, mcpz_time now, mcpz_time took_us);

/**
 * Their median in microseconds; 0: not known, since there are too few, or the last one ended
 * longer ago than ten seconds and ten such tasks.
 */
mcpz_time mcpz_recent_median(const struct mcpz_recent *recent, mcpz_time now);

#endif
