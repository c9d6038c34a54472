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

/* The owners of one partition on one side. */
struct owners {
    struct mcpz_layout_side *side;
    uint16_t nodes[MCPZ_COPIES_MAX];
    size_t count;
    size_t at; /* those before it were looked at */
};

static const struct mcpz_id *id_of(const struct owners *owners, size_t at)
{
    return &owners->side->placement.nodes[owners->nodes[at]].id;
}

static bool is_among(const struct owners *owners, const struct mcpz_id *node)
{
    for (size_t i = 0; i < owners->count; i++) {
        if (mcpz_id_equal(id_of(owners, i), node)) {
            return true;
        }
    }
    return false;
}

/* The next that is no owner on the other side. False: none is left. */
static bool next_alone(struct owners *owners, const struct owners *others, uint16_t *node)
{
    while (owners->at < owners->count) {
        const size_t at = owners->at++;
        if (!is_among(others, id_of(owners, at))) {
            *node = owners->nodes[at];
            return true;
        }
    }
    return false;
}

static struct owners owners_of(struct mcpz_layout_side *side, uint32_t partition)
{
    struct owners owners = {.side = side};

    if (side->memory != NULL) {
        owners.count = mcpz_rendezvous_owners(&side->rendezvous, partition, owners.nodes);
    }
    for (size_t i = 0; i < owners.count; i++) {
        side->counts[owners.nodes[i]]++;
    }
    return owners;
}

/* Whoever gains it has it from one that loses it, as long as there is one. */
static void count_moves(struct mcpz_layout_moves *moves, uint32_t partition)
{
    struct owners old = owners_of(&moves->before, partition);
    struct owners new = owners_of(&moves->after, partition);
    uint16_t to;
    uint16_t from;

    while (next_alone(&new, &old, &to)) {
        const size_t row =
            next_alone(&old, &new, &from) ? from : moves->before.placement.node_count;
        moves->pairs[row * moves->after.placement.node_count + to]++;
        moves->moved++;
    }
}

bool mcpz_layout_moves_work(struct mcpz_layout_moves *moves)
{
    const uint32_t end = UINT32_C(1) << moves->after.placement.partition_bits;
    const size_t each = moves->before.placement.node_count + moves->after.placement.node_count;

    for (size_t seen = 0; moves->next < end && seen < MCPZ_LAYOUT_MOVES_SLICE; seen += each) {
        count_moves(moves, moves->next++);
    }
    return moves->next == end;
}
