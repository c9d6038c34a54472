#include "base/heap.h"

#include <assert.h>

size_t mcpz_heap_bytes(size_t max)
{
    return mcpz_arena_cost(max, sizeof(struct mcpz_heap_cell)) +
           mcpz_arena_cost(max, sizeof(uint32_t));
}

void mcpz_heap_init(struct mcpz_heap *heap, size_t max, struct mcpz_arena *arena)
{
    assert(max > 0 && max < UINT32_MAX);

    *heap = (struct mcpz_heap){
        .cells = mcpz_arena_take_sure(arena, max, sizeof(struct mcpz_heap_cell)),
        .places = mcpz_arena_take_sure(arena, max, sizeof(uint32_t)),
        .max = max,
    };
}

static void set(struct mcpz_heap *heap, size_t at, struct mcpz_heap_cell cell)
{
    heap->cells[at] = cell;
    heap->places[cell.item] = (uint32_t)at + 1;
}

static size_t move_up(struct mcpz_heap *heap, size_t at, struct mcpz_heap_cell cell)
{
    while (at > 0 && heap->cells[(at - 1) / 2].at_us > cell.at_us) {
        set(heap, at, heap->cells[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    return at;
}

static size_t move_down(struct mcpz_heap *heap, size_t at, struct mcpz_heap_cell cell)
{
    for (;;) {
        size_t child = 2 * at + 1;
        if (child + 1 < heap->count && heap->cells[child + 1].at_us < heap->cells[child].at_us) {
            child++;
        }
        if (child >= heap->count || heap->cells[child].at_us >= cell.at_us) {
            return at;
        }
        set(heap, at, heap->cells[child]);
        at = child;
    }
}

/* Cell `at` is free: the right place for `cell` from there. */
static void settle(struct mcpz_heap *heap, size_t at, struct mcpz_heap_cell cell)
{
    at = move_up(heap, at, cell);
    set(heap, move_down(heap, at, cell), cell);
}

void mcpz_heap_put(struct mcpz_heap *heap, uint32_t item, mcpz_time at_us)
{
    assert(item < heap->max);

    size_t at = heap->places[item] > 0 ? heap->places[item] - 1 : heap->count++;
    settle(heap, at, (struct mcpz_heap_cell){.at_us = at_us, .item = item});
}

void mcpz_heap_remove(struct mcpz_heap *heap, uint32_t item)
{
    assert(item < heap->max);

    if (heap->places[item] == 0) {
        return;
    }
    size_t hole = heap->places[item] - 1;
    heap->places[item] = 0;
    heap->count--;
    if (hole < heap->count) {
        settle(heap, hole, heap->cells[heap->count]);
    }
}

mcpz_time mcpz_heap_deadline(const struct mcpz_heap *heap)
{
    return heap->count > 0 ? heap->cells[0].at_us : MCPZ_TIME_NEVER;
}

bool mcpz_heap_due(const struct mcpz_heap *heap, mcpz_time now, uint32_t *item)
{
    if (heap->count == 0 || heap->cells[0].at_us > now) {
        return false;
    }
    *item = heap->cells[0].item;
    return true;
}
