/* Windows, and how much of a call one step brings to its end: what both sides have in common. */

#ifndef CORE_CALLS_WINDOW_H
#define CORE_CALLS_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "core/outbox.h"
#include "proto/limits.h"

/* Ending one call takes so many actions at most. Half of the outbox is for others. */
#define MCPZ_CALL_ACTIONS_MAX 4

static inline bool mcpz_call_may_end(const struct mcpz_outbox *out)
{
    return out->count + MCPZ_CALL_ACTIONS_MAX <= MCPZ_OUTBOX_MAX / 2;
}

/* A window never opens wider than it was at the start, whatever the other side says. */
static inline uint32_t mcpz_call_widen(uint32_t window, uint32_t credit)
{
    uint32_t room = MCPZ_CALL_WINDOW_BYTES - window;
    return window + (credit < room ? credit : room);
}

#endif
