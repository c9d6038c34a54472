/*
 * Nodes that something was noted of, for a while: a few, and of more than there is room for the
 * one whose time is over first is forgotten.
 */

#ifndef CORE_NOTED_H
#define CORE_NOTED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/time.h"
#include "proto/id.h"

struct mcpz_noted {
    struct mcpz_id node;
    mcpz_time until_us; /* past: nobody */
};

/** Does what was noted of `node` in one of the `count` rows still hold? */
bool mcpz_noted_holds(const struct mcpz_noted *rows, size_t count, mcpz_time now,
                      const struct mcpz_id *node);

/** Note `node` until then; a row that it has is moved on. `count` is greater than 0. */
void mcpz_noted_add(struct mcpz_noted *rows, size_t count, const struct mcpz_id *node,
                    mcpz_time until_us);

#endif
