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

size_t mcpz_index_bytes(size_t max)
{
    return mcpz_arena_cost(cells_for(max), sizeof(struct mcpz_index_cell));
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

static size_t find(const struct mcpz_index *index, uint64_t key)
{
    return find_from(index, home_of(index, key), key);
}

void mcpz_index_put(struct mcpz_index *index, uint64_t key, uint32_t value)
{
    const size_t home = home_of(index, key);
    const size_t at = find_from(index, home, key);
    struct mcpz_index_cell *cell = &index->cells[at];

    if (!cell->used) {
        assert(index->count < index->max);
        index->count++;
    }
    *cell = (struct mcpz_index_cell){
        .key = key, .value = value, .away = (uint16_t)((at - home) & index->mask), .used = true};
}

bool mcpz_index_get(const struct mcpz_index *index, uint64_t key, uint32_t *value)
{
    if (index->count == 0) {
        return false;
    }
    const struct mcpz_index_cell *cell = &index->cells[find(index, key)];
    if (cell->used) {
        *value = cell->value;
    }
    return cell->used;
}

bool mcpz_index_remove(struct mcpz_index *index, uint64_t key)
{
    size_t hole = index->count > 0 ? find(index, key) : 0;

    if (index->count == 0 || !index->cells[hole].used) {
        return false;
    }
    index->count--;
    /* Whoever could not have the hole because it was taken moves into it, and leaves a new one. */
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
    return true;
}
