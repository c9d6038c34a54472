#include "core/placement/rendezvous.h"

#include <assert.h>
#include <string.h>

#include "base/hash.h"

/* Every use of mcpz_hash_bytes() here has a seed of its own. They are part of the protocol. */
#define NODE_SEED UINT64_C(0x6d63707a6e6f6465)
#define PARTITION_SEED UINT64_C(0x6d63707a70617274)

#define COST_BOUNDLESS (UINT64_C(64) << (MCPZ_COST_BITS + 1)) /* above any cost */

static_assert(MCPZ_PLACEMENT_NODES_MAX <= UINT16_MAX, "an owner is 16 bits");
static_assert(COST_BOUNDLESS < UINT64_MAX / MCPZ_PLACEMENT_WEIGHT_MAX, "costs can be multiplied");

/* One that may become an owner. */
struct bid {
    uint64_t cost;
    uint64_t draw;
    uint32_t index;
};

/* The best so far, best first. */
struct bids {
    struct bid rows[MCPZ_COPIES_MAX];
    size_t count;
    size_t max;
};

size_t mcpz_rendezvous_bytes(size_t node_max, size_t zone_max)
{
    return mcpz_arena_cost(node_max, sizeof(struct mcpz_contestant)) +
           mcpz_arena_cost(zone_max, sizeof(uint32_t));
}

void mcpz_rendezvous_init(struct mcpz_rendezvous *rendezvous, size_t node_max, size_t zone_max,
                          struct mcpz_arena *arena)
{
    *rendezvous = (struct mcpz_rendezvous){.node_max = node_max, .zone_max = zone_max};
    rendezvous->contestants =
        mcpz_arena_take_sure(arena, node_max, sizeof(*rendezvous->contestants));
    rendezvous->zone_ends = mcpz_arena_take_sure(arena, zone_max, sizeof(*rendezvous->zone_ends));
}

/* Counting sort: how many there are in each zone, where each zone ends, then each in its place. */
static void sort_by_zone(struct mcpz_rendezvous *rendezvous,
                         const struct mcpz_placement *placement)
{
    uint32_t *ends = rendezvous->zone_ends;
    uint32_t end = 0;

    memset(ends, 0, placement->zone_count * sizeof(*ends));
    for (size_t i = 0; i < placement->node_count; i++) {
        ends[placement->nodes[i].zone] += placement->nodes[i].state == MCPZ_STORAGE_ACTIVE ? 1 : 0;
    }
    for (size_t zone = 0; zone < placement->zone_count; zone++) {
        const uint32_t count = ends[zone];
        ends[zone] = end; /* for now, where it begins */
        end += count;
    }
    for (size_t i = 0; i < placement->node_count; i++) {
        const struct mcpz_storage_node *node = &placement->nodes[i];
        if (node->state == MCPZ_STORAGE_ACTIVE) {
            rendezvous->contestants[ends[node->zone]++] = (struct mcpz_contestant){
                .name = mcpz_hash_bytes(mcpz_bytes(node->id.bytes, MCPZ_ID_BYTES), NODE_SEED),
                .weight = node->weight,
                .index = (uint32_t)i,
            };
        }
    }
}

void mcpz_rendezvous_set(struct mcpz_rendezvous *rendezvous,
                         const struct mcpz_placement *placement)
{
    assert(mcpz_placement_is_valid(placement));
    assert(placement->node_count <= rendezvous->node_max);
    assert(placement->zone_count <= rendezvous->zone_max);

    rendezvous->zone_count = placement->zone_count;
    rendezvous->partition_bits = placement->partition_bits;
    rendezvous->copies = placement->copies;
    rendezvous->zones_apart = placement->zones_apart;
    sort_by_zone(rendezvous, placement);
}

/* The upper half of a square. */
static uint64_t square_high(uint64_t value)
{
    const uint64_t high = value >> 32;
    const uint64_t low = value & UINT32_MAX;
    const uint64_t middle = high * low;

    return high * high + (middle >> 31) + (((low * low >> 33) + (middle & 0x7fffffff)) >> 31);
}

/*
 * Digit by digit: the logarithm of the square has the digits of that of the number, moved by one
 * place (Knuth, TAOCP 1, 1.2.2, exercise 25 and before it). Cutting off keeps it monotone.
 */
uint64_t mcpz_rendezvous_distance(uint64_t draw)
{
    const uint64_t number = draw == 0 ? 1 : draw;
    const unsigned zeros = (unsigned)__builtin_clzll(number);
    uint64_t mantissa = number << zeros; /* in [1, 2), with 63 digits behind the point */
    uint64_t logarithm = 63 - zeros;

    for (unsigned i = 0; i < MCPZ_COST_BITS; i++) {
        const uint64_t square = square_high(mantissa); /* in [1, 4), with 62 digits */
        const uint64_t is_two_or_more = square >> 63;
        mantissa = is_two_or_more ? square : square << 1;
        logarithm = logarithm << 1 | is_two_or_more;
    }
    return (UINT64_C(64) << MCPZ_COST_BITS) - logarithm;
}

static uint64_t hash_partition(uint32_t partition)
{
    return mcpz_hash_mix(PARTITION_SEED + partition);
}

static uint64_t draw_of(uint64_t name, uint64_t partition_hash)
{
    return mcpz_hash_mix(name ^ partition_hash);
}

uint64_t mcpz_rendezvous_draw(uint64_t name, uint32_t partition)
{
    return draw_of(name, hash_partition(partition));
}

/* At most mcpz_rendezvous_distance(), for next to nothing: -ln(1 - x) >= x, and 1 / ln 2 > 11/8.
 */
static uint64_t distance_at_least(uint64_t draw)
{
    const uint64_t short_of_one = ~draw >> (64 - MCPZ_COST_BITS);
    return short_of_one + (short_of_one >> 2) + (short_of_one >> 3);
}

static bool is_better(const struct bid *a, const struct bid *b)
{
    if (a->cost != b->cost) {
        return a->cost < b->cost;
    }
    return a->draw != b->draw ? a->draw > b->draw : a->index < b->index;
}

/* What a bid must not exceed to be among the best. */
static uint64_t cost_limit(const struct bids *bids)
{
    return bids->count < bids->max ? COST_BOUNDLESS : bids->rows[bids->max - 1].cost;
}

static void offer(struct bids *bids, const struct bid *bid)
{
    size_t at = bids->count;

    while (at > 0 && is_better(bid, &bids->rows[at - 1])) {
        at--;
    }
    if (at == bids->max) {
        return;
    }
    bids->count += bids->count < bids->max ? 1 : 0;
    memmove(&bids->rows[at + 1], &bids->rows[at], (bids->count - at - 1) * sizeof(bids->rows[0]));
    bids->rows[at] = *bid;
}

/* The bid of one, unless it is clearly above `limit`. */
static bool bid_of(const struct mcpz_contestant *contestant, uint64_t partition, uint64_t limit,
                   struct bid *bid)
{
    const uint64_t draw = draw_of(contestant->name, partition);

    if (distance_at_least(draw) >= (limit + 1) * contestant->weight) {
        return false;
    }
    *bid = (struct bid){
        .cost = mcpz_rendezvous_distance(draw) / contestant->weight,
        .draw = draw,
        .index = contestant->index,
    };
    return true;
}

/* The best of each zone bid against each other. */
static void choose_zones(const struct mcpz_rendezvous *rendezvous, uint64_t partition,
                         struct bids *chosen)
{
    const struct mcpz_contestant *contestant = rendezvous->contestants;

    for (size_t zone = 0; zone < rendezvous->zone_count; zone++) {
        const struct mcpz_contestant *end = rendezvous->contestants + rendezvous->zone_ends[zone];
        struct bid best = {.cost = cost_limit(chosen), .index = UINT32_MAX};
        struct bid bid;

        for (; contestant < end; contestant++) {
            if (bid_of(contestant, partition, best.cost, &bid) &&
                (best.index == UINT32_MAX ? bid.cost <= best.cost : is_better(&bid, &best))) {
                best = bid;
            }
        }
        if (best.index != UINT32_MAX) {
            offer(chosen, &best);
        }
    }
}

static bool is_chosen(const struct bids *chosen, uint32_t index)
{
    for (size_t i = 0; i < chosen->count; i++) {
        if (chosen->rows[i].index == index) {
            return true;
        }
    }
    return false;
}

/* Whoever is best of the others, wherever it is, for the copies that are missing. */
static void choose_others(const struct mcpz_rendezvous *rendezvous, uint64_t partition,
                          struct bids *chosen)
{
    const size_t count =
        rendezvous->zone_count == 0 ? 0 : rendezvous->zone_ends[rendezvous->zone_count - 1];
    struct bids others = {.max = rendezvous->copies - chosen->count};
    struct bid bid;

    for (size_t i = 0; i < count && others.max > 0; i++) {
        const struct mcpz_contestant *contestant = &rendezvous->contestants[i];
        if (!is_chosen(chosen, contestant->index) &&
            bid_of(contestant, partition, cost_limit(&others), &bid)) {
            offer(&others, &bid);
        }
    }
    chosen->max = rendezvous->copies;
    for (size_t i = 0; i < others.count; i++) {
        offer(chosen, &others.rows[i]);
    }
}

size_t mcpz_rendezvous_owners(const struct mcpz_rendezvous *rendezvous, uint32_t partition,
                              uint16_t *owners)
{
    const uint64_t mixed = hash_partition(partition);
    struct bids chosen = {.max = rendezvous->zones_apart};

    assert(partition < UINT32_C(1) << rendezvous->partition_bits);
    choose_zones(rendezvous, mixed, &chosen);
    choose_others(rendezvous, mixed, &chosen);
    for (size_t i = 0; i < chosen.count; i++) {
        owners[i] = (uint16_t)chosen.rows[i].index;
    }
    return chosen.count;
}
