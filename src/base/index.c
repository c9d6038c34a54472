#include "base/index.h"

#include <assert.h>

#include "base/hash.h"

#define GROUP 4 /* cells of a cache line */

static size_t cells_for(size_t max)
{
    size_t cells = 2;

    while (cells < 2 * max) {
        cells *= 2;
    }
    return cells;
}

static bool is_large(size_t max)
{
    return max >= 2 * MCPZ_INDEX_FRONT;
}

size_t mcpz_index_bytes(size_t max)
{
    return mcpz_arena_cost(cells_for(max), sizeof(struct mcpz_index_cell)) +
           (is_large(max) ? mcpz_arena_cost(MCPZ_INDEX_FRONT, sizeof(struct mcpz_index_cell)) : 0);
}

void mcpz_index_init(struct mcpz_index *index, size_t max, uint64_t seed, struct mcpz_arena *arena)
{
    assert(max > 0);
    assert(max <= MCPZ_INDEX_MAX);
    size_t cells = cells_for(max);

    *index = (struct mcpz_index){
        .cells = mcpz_arena_take_sure(arena, cells, sizeof(struct mcpz_index_cell)),
        .mask = cells - 1,
        .max = max,
        .seed = seed,
    };
    if (seed == 0 && is_large(max)) {
        index->front =
            mcpz_arena_take_sure(arena, MCPZ_INDEX_FRONT, sizeof(struct mcpz_index_cell));
    }
}

/* Keys that are counted up lie side by side in groups, and groups anywhere: if all lay in a row,
 * old keys that stay would be a wall that every new one has to walk along. */
static size_t home_of(const struct mcpz_index *index, uint64_t key)
{
    const uint64_t mixed = index->seed == 0 ? mcpz_hash_mix(key / GROUP) * GROUP + key % GROUP
                                            : mcpz_hash_mix(key ^ index->seed);
    return (size_t)mixed & index->mask;
}

/* The cell of the key, whose home is `at`, or the free one where it would go. Half of all cells
 * are free. */
static size_t find_from(const struct mcpz_index *index, size_t at, uint64_t key)
{
    while (index->cells[at].used && index->cells[at].key != key) {
        at = (at + 1) & index->mask;
    }
    return at;
}

/* The cell of the front for this key, whoever lies there; NULL: there is no front. */
static struct mcpz_index_cell *front_of(const struct mcpz_index *index, uint64_t key)
{
    return index->front != NULL ? &index->front[key % MCPZ_INDEX_FRONT] : NULL;
}

static bool holds(const struct mcpz_index_cell *cell, uint64_t key)
{
    return cell != NULL && cell->used && cell->key == key;
}

/* The cell that the key is in; NULL: it is in none. */
static struct mcpz_index_cell *cell_of(const struct mcpz_index *index, uint64_t key)
{
    struct mcpz_index_cell *front = front_of(index, key);

    if (holds(front, key)) {
        return front;
    }
    struct mcpz_index_cell *cell =
        index->behind > 0 ? &index->cells[find_from(index, home_of(index, key), key)] : NULL;
    return holds(cell, key) ? cell : NULL;
}

/* Into the table behind the front, where it is not yet. */
static void put_behind(struct mcpz_index *index, uint64_t key, uint32_t value)
{
    const size_t home = home_of(index, key);
    const size_t at = find_from(index, home, key);

    index->cells[at] = (struct mcpz_index_cell){
        .key = key, .value = value, .away = (uint16_t)((at - home) & index->mask), .used = true};
    index->behind++;
}

void mcpz_index_put(struct mcpz_index *index, uint64_t key, uint32_t value)
{
    struct mcpz_index_cell *cell = cell_of(index, key);
    struct mcpz_index_cell *front = front_of(index, key);

    if (cell != NULL) {
        cell->value = value;
        return;
    }
    assert(index->count < index->max);
    index->count++;
    if (front != NULL && !front->used) {
        *front = (struct mcpz_index_cell){.key = key, .value = value, .used = true};
    } else {
        put_behind(index, key, value);
    }
}

bool mcpz_index_get(const struct mcpz_index *index, uint64_t key, uint32_t *value)
{
    const struct mcpz_index_cell *cell = cell_of(index, key);

    if (cell != NULL) {
        *value = cell->value;
    }
    return cell != NULL;
}

/* Whoever could not have the hole because it was taken moves into it, and leaves a new one. */
static void close_hole(struct mcpz_index *index, size_t hole)
{
    for (size_t at = (hole + 1) & index->mask; index->cells[at].used;
         at = (at + 1) & index->mask) {
        const size_t from_hole = (at - hole) & index->mask;
        if (index->cells[at].away >= from_hole) {
            index->cells[hole] = index->cells[at];
            index->cells[hole].away -= (uint16_t)from_hole;
            hole = at;
        }
    }
    index->cells[hole] = (struct mcpz_index_cell){.used = false};
}

bool mcpz_index_remove(struct mcpz_index *index, uint64_t key)
{
    struct mcpz_index_cell *cell = cell_of(index, key);

    if (cell == NULL) {
        return false;
    }
    index->count--;
    if (cell == front_of(index, key)) {
        *cell = (struct mcpz_index_cell){.used = false};
    } else {
        index->behind--;
        close_hole(index, (size_t)(cell - index->cells));
    }
    return true;
}
