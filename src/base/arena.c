#include "base/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <string.h>

void mcpz_arena_init(struct mcpz_arena *arena, void *memory, size_t size)
{
    assert(((uintptr_t)memory & (alignof(max_align_t) - 1)) == 0);

    *arena = (struct mcpz_arena){.memory = (uint8_t *)memory, .size = size, .dirty = size};
}

void mcpz_arena_init_zeroed(struct mcpz_arena *arena, void *memory, size_t size)
{
    mcpz_arena_init(arena, memory, size);
    arena->dirty = 0;
}

/* As malloc() aligns, and the same on every architecture: what fits into a bound fits on all. */
#define ALIGNMENT ((size_t)16)

static_assert(alignof(max_align_t) <= ALIGNMENT, "good for anything");

static size_t rounded_up(size_t bytes)
{
    return (bytes + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
}

size_t mcpz_arena_cost(size_t count, size_t size)
{
    return rounded_up(count * size);
}

void *mcpz_arena_take_sure(struct mcpz_arena *arena, size_t count, size_t size)
{
    void *taken = mcpz_arena_take(arena, count, size);

    assert(taken != NULL);
    return taken;
}

void *mcpz_arena_take_often(struct mcpz_arena *arena, size_t count, size_t size)
{
    return mcpz_arena_take_sure(arena->often != NULL ? arena->often : arena, count, size);
}

void *mcpz_arena_take(struct mcpz_arena *arena, size_t count, size_t size)
{
    size_t left = arena->size - arena->used;

    assert(size > 0);
    if (count > left / size) {
        return NULL;
    }
    size_t rounded = rounded_up(count * size);
    if (rounded > left) {
        return NULL;
    }

    void *taken = arena->memory + arena->used;
    if (arena->used < arena->dirty) {
        size_t dirty = arena->dirty - arena->used;
        memset(taken, 0, dirty < rounded ? dirty : rounded);
    }
    arena->used += rounded;
    return taken;
}

bool mcpz_arena_copy(struct mcpz_arena *arena, struct mcpz_bytes bytes, struct mcpz_bytes *copy)
{
    uint8_t *room = mcpz_arena_take(arena, bytes.length, 1);
    if (room == NULL) {
        return false;
    }
    if (bytes.length > 0) {
        memcpy(room, bytes.data, bytes.length);
    }
    *copy = mcpz_bytes(room, bytes.length);
    return true;
}

void mcpz_arena_rewind(struct mcpz_arena *arena, size_t used)
{
    assert(used <= arena->used);

    arena->dirty = arena->used > arena->dirty ? arena->used : arena->dirty;
    arena->used = used;
}

void mcpz_arena_clear(struct mcpz_arena *arena)
{
    mcpz_arena_rewind(arena, 0);
}
