/*
 * Which of many numbered things is due first: a binary heap of deadlines that never grows. Each
 * thing is in it once at most, and can be moved or taken out where it is.
 *
 * Source: Knuth, TAOCP 3, 5.2.3.
 */

#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/time.h"

struct mcpz_heap_cell {
    mcpz_time at_us;
    uint32_t item;
};

struct mcpz_heap {
    struct mcpz_heap_cell *cells; /* the first is due first */
    uint32_t *places;             /* by item: its cell plus one; 0: it is not in */
    size_t count;
    size_t max;
};

/** How much mcpz_heap_init() takes from its arena. */
size_t mcpz_heap_bytes(size_t max);

/** Start empty, for items 0 to `max` - 1. `arena` has room (asserted). */
void mcpz_heap_init(struct mcpz_heap *heap, size_t max, struct mcpz_arena *arena);

/** The item is due at `at_us` from now on, whether it was in or not. */
void mcpz_heap_put(struct mcpz_heap *heap, uint32_t item, mcpz_time at_us);

/** Take the item out. One that is not in is fine. */
void mcpz_heap_remove(struct mcpz_heap *heap, uint32_t item);

/** When the first is due; MCPZ_TIME_NEVER: there is none. */
mcpz_time mcpz_heap_deadline(const struct mcpz_heap *heap);

/** The item that is due first, if that is not after `now`. It stays in. False: none. */
bool mcpz_heap_due(const struct mcpz_heap *heap, mcpz_time now, uint32_t *item);

#endif
