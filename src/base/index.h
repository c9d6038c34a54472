/*
 * From a 64-bit key to a 32-bit number, in a table that never grows: which slot of an array holds
 * the call of that name. Open addressing at half load, linear probing, removal by shifting back
 * (Knuth, TAOCP 3, 6.4, algorithm R), so that no run of old removals slows it down.
 *
 * A zeroed one is empty, and has no room. Keys are mixed with a seed: who chooses keys (a peer)
 * cannot choose where they fall. Keys that we count up ourselves need none: with seed 0 those of
 * a few neighbours lie in one cache line, and a large table has a *front*: one cell for each
 * remainder of MCPZ_INDEX_FRONT, where a key lies if it is free. So calls that come and go use the
 * same 4 KB over and over, and what stays for long is in the table behind it.
 */

#ifndef BASE_INDEX_H
#define BASE_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

struct mcpz_index_cell {
    uint64_t key;
    uint32_t value;
    uint16_t away; /* so many cells behind the one where it would lie best */
    bool used;
};

struct mcpz_index {
    struct mcpz_index_cell *front; /* NULL: it has none */
    struct mcpz_index_cell *cells;
    size_t mask;   /* cells, a power of two, less one */
    size_t behind; /* keys that are not in the front */
    size_t count;
    size_t max; /* keys at one time */
    uint64_t seed;
};

/** How much mcpz_index_init() takes from its arena. */
size_t mcpz_index_bytes(size_t max);

#define MCPZ_INDEX_FRONT 256 /* and twice as many keys at least, or it is no large table */
#define MCPZ_INDEX_MAX 32768 /* keys at one time: half of what `away` can tell apart */

/** Start empty, with room for `max` keys, 1 to MCPZ_INDEX_MAX. `arena` has room (asserted). */
void mcpz_index_init(struct mcpz_index *index, size_t max, uint64_t seed,
                     struct mcpz_arena *arena);

/** Add the key, or set anew the value of one that is there. There is room (asserted). */
void mcpz_index_put(struct mcpz_index *index, uint64_t key, uint32_t value);

/** False, and `*value` untouched, if the key is not there. */
bool mcpz_index_get(const struct mcpz_index *index, uint64_t key, uint32_t *value);

/** Take the key out. False: it was not there. */
bool mcpz_index_remove(struct mcpz_index *index, uint64_t key);

#endif
