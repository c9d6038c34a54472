/*
 * Memory that is given out front to back and taken back all at once.
 *
 * The memory itself comes from whoever makes the arena. A request that does not fit gives NULL:
 * the arena is a bound as much as it is storage.
 */

#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/bytes.h"

struct mcpz_arena {
    uint8_t *memory;
    size_t size;
    size_t used;
    size_t dirty;             /* so many bytes of it may be something else than zero */
    struct mcpz_arena *often; /* of what is looked at often; NULL: it lies among the rest */
};

/** Start with nothing given out. `memory` is borrowed for the life of the arena. */
void mcpz_arena_init(struct mcpz_arena *arena, void *memory, size_t size);

/**
 * The same of memory that is all zeros, as calloc() gives it: it is not written to before somebody
 * does so, so what is laid out for many costs nothing while there are few.
 */
void mcpz_arena_init_zeroed(struct mcpz_arena *arena, void *memory, size_t size);

/** Zeroed room for `count` things of `size` bytes, aligned for any type. NULL if it is not there.
 */
void *mcpz_arena_take(struct mcpz_arena *arena, size_t count, size_t size);

/** How much of an arena that takes: for who must say beforehand how large one has to be. */
size_t mcpz_arena_cost(size_t count, size_t size);

/** The same room. It is there: the arena was made that large (asserted). */
void *mcpz_arena_take_sure(struct mcpz_arena *arena, size_t count, size_t size);

/** The same, where what is looked at often lies together, if there is such a place. */
void *mcpz_arena_take_often(struct mcpz_arena *arena, size_t count, size_t size);

/** Copy `bytes` into the arena and point `*copy` there. False if there is no room. */
MCPZ_MUST_USE bool mcpz_arena_copy(struct mcpz_arena *arena, struct mcpz_bytes bytes,
                                   struct mcpz_bytes *copy);

/** Take back what was given out since `used` was what it is. */
void mcpz_arena_rewind(struct mcpz_arena *arena, size_t used);

/** Take everything back. */
void mcpz_arena_clear(struct mcpz_arena *arena);

#endif
