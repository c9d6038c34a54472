#include "core/placement/owners.h"
#include "placement_world.h"

#define BITS 14 /* a quarter of what is usual, to be quick without optimisation */
#define PARTITIONS (1U << BITS)

static struct world world;

/* A table with all it needs, for as many nodes as a world has. */
struct made {
    struct mcpz_rendezvous rendezvous;
    struct mcpz_owners owners;
    _Alignas(16) uint8_t memory[PARTITIONS * 3 * 2 + (1 << 16)];
};

static struct made first;
static struct made second;

static void make(struct made *made)
{
    struct mcpz_arena arena;

    mcpz_arena_init(&arena, made->memory, sizeof(made->memory));
    mcpz_rendezvous_init(&made->rendezvous, WORLD_NODES_MAX, WORLD_ZONES_MAX, &arena);
    mcpz_owners_init(&made->owners, BITS, 3, &arena);
    world.placement.partition_bits = BITS;
    mcpz_rendezvous_set(&made->rendezvous, &world.placement);
    mcpz_owners_begin(&made->owners, &made->rendezvous);
    CHECK(mcpz_owners_build(&made->owners, &made->rendezvous, UINT32_MAX));
}

static size_t share_of(const struct made *made, uint16_t node)
{
    size_t count = 0;

    for (uint32_t at = mcpz_owners_next(&made->owners, 0, node); at < PARTITIONS;
         at = mcpz_owners_next(&made->owners, at + 1, node)) {
        count++;
    }
    return count;
}

/* How many owners of `after` are new where they are: what a change makes move. */
static size_t moved(const struct made *before, const struct made *after)
{
    size_t count = 0;

    for (uint32_t partition = 0; partition < PARTITIONS; partition++) {
        const uint16_t *row = mcpz_owners_of(&after->owners, partition);
        for (size_t i = 0; i < 3; i++) {
            count +=
                row[i] != MCPZ_OWNER_NONE && !mcpz_owners_has(&before->owners, partition, row[i]);
        }
    }
    return count;
}

TEST(a_table_is_made_a_part_at_a_time)
{
    world_make(&world, 20, 5);
    make(&first);
    make(&second);
    memset(second.owners.rows, 0, second.owners.room * sizeof(uint16_t));
    mcpz_owners_begin(&second.owners, &second.rendezvous);
    size_t steps = 1;
    while (!mcpz_owners_build(&second.owners, &second.rendezvous, 1000)) {
        CHECK_UINT(second.owners.built, steps * 1000);
        steps++;
    }
    CHECK_UINT(steps, 17);
    CHECK(memcmp(first.owners.rows, second.owners.rows, first.owners.room * sizeof(uint16_t)) ==
          0);
}

TEST(rows_say_what_one_partition_is_asked_for)
{
    uint16_t owners[MCPZ_COPIES_MAX];

    world_make(&world, 20, 5);
    make(&first);
    for (uint32_t partition = 0; partition < PARTITIONS; partition += 111) {
        CHECK_UINT(mcpz_rendezvous_owners(&first.rendezvous, partition, owners), 3);
        CHECK(memcmp(owners, mcpz_owners_of(&first.owners, partition), 6) == 0);
    }
}

TEST(missing_owners_are_none)
{
    world_make(&world, 2, 2);
    make(&first);
    CHECK_UINT(mcpz_owners_of(&first.owners, 99)[2], MCPZ_OWNER_NONE);
    CHECK_UINT(share_of(&first, 0), PARTITIONS);
    CHECK_UINT(share_of(&first, 1), PARTITIONS);
}

/*
 * Section 4.2's table: 1,000 nodes in 20 zones have 197 each, from 155 to 242. So do 250 of a
 * quarter of the partitions.
 */
TEST(many_nodes_are_evenly_loaded)
{
    uint32_t counts[250] = {0};

    world_make(&world, 250, 20);
    make(&first);
    for (size_t i = 0; i < first.owners.room; i++) {
        counts[first.owners.rows[i]]++;
    }
    for (size_t i = 0; i < 250; i++) {
        CHECK(counts[i] >= 150 && counts[i] <= 248);
    }
}

TEST(what_one_had_is_all_that_moves_when_it_leaves)
{
    world_make(&world, 100, 10);
    make(&first);
    for (uint16_t leaver = 0; leaver < 100; leaver += 33) {
        world.nodes[leaver].state = MCPZ_STORAGE_LEAVING;
        make(&second);
        CHECK_UINT(moved(&first, &second), share_of(&first, leaver));
        CHECK_UINT(moved(&second, &first), share_of(&first, leaver));
        world.nodes[leaver].state = MCPZ_STORAGE_ACTIVE;
    }
}

TEST(a_zone_that_goes_moves_only_what_it_had)
{
    size_t had = 0;

    world_make(&world, 40, 4);
    make(&first);
    for (uint16_t i = 3; i < 40; i += 4) {
        had += share_of(&first, i);
        world.nodes[i].state = MCPZ_STORAGE_LEAVING;
    }
    make(&second);
    CHECK_UINT(moved(&first, &second), had);
}

TEST(who_gets_more_weight_takes_from_others_and_nothing_else_moves)
{
    world_make(&world, 50, 1);
    world.placement.zones_apart = 1;
    for (size_t i = 0; i < 50; i++) {
        world.nodes[i].weight = 8;
    }
    make(&first);
    world.nodes[17].weight = 9;
    make(&second);
    CHECK(share_of(&second, 17) > share_of(&first, 17));
    CHECK_UINT(moved(&first, &second), share_of(&second, 17) - share_of(&first, 17));
}

/* One copy, one zone: shares are as the weights are, within what chance does to 16,384 draws. */
TEST(shares_are_as_weights)
{
    world_make(&world, 20, 1);
    world.placement.copies = 1;
    world.placement.zones_apart = 1;
    uint32_t sum = 0;
    for (size_t i = 0; i < 20; i++) {
        world.nodes[i].weight = (uint32_t)(1 + i * 63 / 19);
        sum += world.nodes[i].weight;
    }
    make(&first);
    for (uint16_t i = 0; i < 20; i++) {
        const double ideal = (double)PARTITIONS * world.nodes[i].weight / sum;
        const double off = (double)share_of(&first, i) - ideal;
        CHECK(off * off < 16 * ideal); /* four standard deviations */
    }
}

TEST_MAIN(RUN(a_table_is_made_a_part_at_a_time), RUN(rows_say_what_one_partition_is_asked_for),
          RUN(missing_owners_are_none), RUN(many_nodes_are_evenly_loaded),
          RUN(what_one_had_is_all_that_moves_when_it_leaves),
          RUN(a_zone_that_goes_moves_only_what_it_had),
          RUN(who_gets_more_weight_takes_from_others_and_nothing_else_moves),
          RUN(shares_are_as_weights))
