#include "http/layout_moves.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static mcpz_error begin_side(struct mcpz_layout_side *side, const struct mcpz_placement *placement)
{
    const size_t nodes = placement->node_count;
    const size_t zones = placement->zone_count;
    const size_t bytes = mcpz_arena_cost(nodes, sizeof(struct mcpz_storage_node)) +
                         mcpz_arena_cost(zones, sizeof(struct mcpz_bytes)) +
                         mcpz_arena_cost(zones, MCPZ_NAME_BYTES_MAX) +
                         mcpz_arena_cost(nodes, sizeof(*side->counts)) +
                         mcpz_rendezvous_bytes(nodes, zones);
    struct mcpz_arena arena;

    side->memory = malloc(bytes);
    if (side->memory == NULL) {
        return MCPZ_ENOMEM;
    }
    mcpz_arena_init(&arena, side->memory, bytes);
    side->placement = *placement;
    side->placement.nodes = mcpz_arena_take_sure(&arena, nodes, sizeof(*side->placement.nodes));
    side->placement.zones = mcpz_arena_take_sure(&arena, zones, sizeof(*side->placement.zones));
    memcpy(side->placement.nodes, placement->nodes, nodes * sizeof(*placement->nodes));
    char *names = mcpz_arena_take_sure(&arena, zones, MCPZ_NAME_BYTES_MAX);
    for (size_t i = 0; i < zones; i++) {
        const struct mcpz_bytes name = placement->zones[i];
        if (name.length > 0) {
            memcpy(names + i * MCPZ_NAME_BYTES_MAX, name.data, name.length);
        }
        side->placement.zones[i] = mcpz_bytes(names + i * MCPZ_NAME_BYTES_MAX, name.length);
    }
    side->counts = mcpz_arena_take_sure(&arena, nodes, sizeof(*side->counts));
    mcpz_rendezvous_init(&side->rendezvous, nodes, zones, &arena);
    mcpz_rendezvous_set(&side->rendezvous, &side->placement);
    return MCPZ_OK;
}

mcpz_error mcpz_layout_moves_init(struct mcpz_layout_moves *moves,
                                  const struct mcpz_placement *before,
                                  const struct mcpz_placement *after)
{
    *moves = (struct mcpz_layout_moves){.next = 0};
    assert(before == NULL || before->partition_bits == after->partition_bits);
    mcpz_error error = begin_side(&moves->after, after);
    if (error == MCPZ_OK && before != NULL) {
        error = begin_side(&moves->before, before);
    }
    if (error == MCPZ_OK) {
        const size_t rows = moves->before.placement.node_count + 1;
        moves->pairs = calloc(rows * after->node_count, sizeof(*moves->pairs));
        error = moves->pairs != NULL ? MCPZ_OK : MCPZ_ENOMEM;
    }
    return error;
}

void mcpz_layout_moves_finish(struct mcpz_layout_moves *moves)
{
    free(moves->before.memory);
    free(moves->after.memory);
    free(moves->pairs);
    *moves = (struct mcpz_layout_moves){.next = 0};
}

static bool is_among(const struct mcpz_layout_side *side, const uint16_t *owners, size_t count,
                     const struct mcpz_id *node)
{
    for (size_t i = 0; i < count; i++) {
        if (mcpz_id_equal(&side->placement.nodes[owners[i]].id, node)) {
            return true;
        }
    }
    return false;
}

/* The next of `owners` from `*at` on that is no owner on the other side. False: none is left. */
static bool next_alone(const struct mcpz_layout_side *side, const uint16_t *owners, size_t count,
                       const struct mcpz_layout_side *other, const uint16_t *others,
                       size_t other_count, size_t *at)
{
    while (*at < count) {
        const uint16_t node = owners[(*at)++];
        if (!is_among(other, others, other_count, &side->placement.nodes[node].id)) {
            return true;
        }
    }
    return false;
}

static size_t owners_of(struct mcpz_layout_side *side, uint32_t partition, uint16_t *owners)
{
    const size_t count =
        side->memory != NULL ? mcpz_rendezvous_owners(&side->rendezvous, partition, owners) : 0;

    for (size_t i = 0; i < count; i++) {
        side->counts[owners[i]]++;
    }
    return count;
}

/* Whoever gains it has it from one that loses it, as long as there is one. */
static void count_moves(struct mcpz_layout_moves *moves, uint32_t partition)
{
    uint16_t old[MCPZ_COPIES_MAX];
    uint16_t new[MCPZ_COPIES_MAX];
    const size_t old_count = owners_of(&moves->before, partition, old);
    const size_t new_count = owners_of(&moves->after, partition, new);
    size_t at_old = 0;
    size_t at_new = 0;

    while (next_alone(&moves->after, new, new_count, &moves->before, old, old_count, &at_new)) {
        size_t from = moves->before.placement.node_count;
        if (next_alone(&moves->before, old, old_count, &moves->after, new, new_count, &at_old)) {
            from = old[at_old - 1];
        }
        moves->pairs[from * moves->after.placement.node_count + new[at_new - 1]]++;
        moves->moved++;
    }
}

bool mcpz_layout_moves_work(struct mcpz_layout_moves *moves)
{
    const uint32_t end = UINT32_C(1) << moves->after.placement.partition_bits;
    const size_t each = moves->before.placement.node_count + moves->after.placement.node_count;
    size_t budget = MCPZ_LAYOUT_MOVES_SLICE;

    while (moves->next < end && budget > each) {
        count_moves(moves, moves->next++);
        budget -= each;
    }
    return moves->next == end;
}
