/* What entries of each type may hold, and who may replace them: rules that need nothing but the
 * delta. */

#ifndef CORE_CRDT_KINDS_H
#define CORE_CRDT_KINDS_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/agent.h"

static inline bool mcpz_kinds_is_known(uint32_t type)
{
    return type >= MCPZ_ENTRY_REGISTER && type < MCPZ_ENTRY_END;
}

/** Is the value one of its type? The path is not looked at. Source: docs reference crdt 1.4, V8.
 */
bool mcpz_kinds_value_is_valid(const struct mcpz_add *add);

/**
 * Does the delta replace a row of a counter that is somebody else's? To take one out is a reset,
 * which everybody may; to put one's own in its place would pass for it. (V8)
 */
bool mcpz_kinds_replaces_foreign(const struct mcpz_delta *delta);

#endif
