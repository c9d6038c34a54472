#include <math.h>

#include "core/placement/rendezvous.h"
#include "placement_world.h"

static struct world world;
static struct mcpz_rendezvous rendezvous;

static void ready(void)
{
    static _Alignas(16) uint8_t memory[1 << 16];
    struct mcpz_arena arena;

    CHECK(mcpz_rendezvous_bytes(WORLD_NODES_MAX, WORLD_ZONES_MAX) <= sizeof(memory));
    mcpz_arena_init(&arena, memory, mcpz_rendezvous_bytes(WORLD_NODES_MAX, WORLD_ZONES_MAX));
    mcpz_rendezvous_init(&rendezvous, WORLD_NODES_MAX, WORLD_ZONES_MAX, &arena);
    CHECK_UINT(arena.used, arena.size);
    mcpz_rendezvous_set(&rendezvous, &world.placement);
}

static void set_up(size_t nodes, size_t zones)
{
    world_make(&world, nodes, zones);
    ready();
}

TEST(a_distance_is_the_logarithm)
{
    const uint64_t one = UINT64_C(1) << MCPZ_COST_BITS;
    struct mcpz_rng rng;

    CHECK_UINT(mcpz_rendezvous_distance(UINT64_C(1) << 63), one);
    CHECK_UINT(mcpz_rendezvous_distance(UINT64_C(1) << 62), 2 * one);
    CHECK_UINT(mcpz_rendezvous_distance(1), 64 * one);
    CHECK_UINT(mcpz_rendezvous_distance(0), 64 * one);
    CHECK_UINT(mcpz_rendezvous_distance(UINT64_MAX), 1); /* rounded up */
    mcpz_rng_init(&rng, 1);
    for (size_t i = 0; i < 100000; i++) {
        const uint64_t draw = mcpz_rng_next(&rng) >> mcpz_rng_below(&rng, 63);
        const double is = ldexp((double)mcpz_rendezvous_distance(draw | 1), -MCPZ_COST_BITS);
        CHECK(fabs(is - (64 - log2((double)(draw | 1)))) < 1e-12);
    }
}

TEST(a_smaller_draw_is_never_nearer)
{
    struct mcpz_rng rng;

    mcpz_rng_init(&rng, 2);
    for (size_t i = 0; i < 200000; i++) {
        const uint64_t draw = mcpz_rng_next(&rng) >> mcpz_rng_below(&rng, 64);
        const uint64_t less = draw - mcpz_rng_next(&rng) % (draw / 2 + 1) % 4096;
        CHECK(mcpz_rendezvous_distance(less) >= mcpz_rendezvous_distance(draw));
    }
}

/*
 * The same for every compiler, optimisation and byte order, ever since. The numbers come from a
 * program in another language, which takes its logarithms with 40 decimal digits.
 */
TEST(owners_are_those_they_have_always_been)
{
    static const uint8_t expected[16][3] = {{9, 4, 11},  {7, 10, 9},  {9, 11, 2}, {6, 5, 11},
                                            {10, 9, 8},  {5, 7, 6},   {8, 9, 6},  {7, 5, 8},
                                            {8, 6, 9},   {6, 9, 8},   {8, 9, 11}, {11, 4, 9},
                                            {8, 11, 10}, {4, 10, 11}, {11, 9, 8}, {9, 7, 4}};
    uint16_t owners[MCPZ_COPIES_MAX];
    uint64_t all = 0;

    world_make(&world, 12, 4);
    for (uint32_t i = 0; i < 12; i++) {
        world.nodes[i].weight = i * 5 + 1;
    }
    ready();
    for (uint32_t partition = 0; partition < 1U << MCPZ_PARTITION_BITS; partition++) {
        CHECK_UINT(mcpz_rendezvous_owners(&rendezvous, partition, owners), 3);
        for (size_t i = 0; i < 3; i++) {
            if (partition < 16) {
                CHECK_UINT(owners[i], expected[partition][i]);
            }
            all = (all ^ owners[i]) * UINT64_C(0x100000001b3);
        }
    }
    CHECK_UINT(all, UINT64_C(0xd374878e5c4d8f32));
}

TEST(copies_are_in_zones_of_their_own)
{
    uint16_t owners[MCPZ_COPIES_MAX];

    set_up(100, 10);
    for (uint32_t partition = 0; partition < 1U << MCPZ_PARTITION_BITS; partition += 7) {
        CHECK_UINT(mcpz_rendezvous_owners(&rendezvous, partition, owners), 3);
        CHECK(world.nodes[owners[0]].zone != world.nodes[owners[1]].zone);
        CHECK(world.nodes[owners[0]].zone != world.nodes[owners[2]].zone);
        CHECK(world.nodes[owners[1]].zone != world.nodes[owners[2]].zone);
    }
}

/* Are all of `owners` different, and is every zone among them that there is? */
static void check_spread(const uint16_t *owners, size_t count, size_t zones)
{
    uint64_t seen = 0;

    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            CHECK(owners[i] != owners[j]);
        }
        seen |= UINT64_C(1) << world.nodes[owners[i]].zone;
    }
    CHECK((size_t)__builtin_popcountll(seen) >= zones);
}

TEST(where_zones_are_too_few_others_of_them_help_out)
{
    uint16_t owners[MCPZ_COPIES_MAX];

    set_up(30, 2);
    for (uint32_t partition = 0; partition < 1U << MCPZ_PARTITION_BITS; partition += 7) {
        CHECK_UINT(mcpz_rendezvous_owners(&rendezvous, partition, owners), 3);
        check_spread(owners, 3, 2);
    }
    set_up(30, 1);
    for (uint32_t partition = 0; partition < 1U << MCPZ_PARTITION_BITS; partition += 7) {
        CHECK_UINT(mcpz_rendezvous_owners(&rendezvous, partition, owners), 3);
        check_spread(owners, 3, 1);
    }
}

TEST(no_more_zones_are_kept_apart_than_asked_for)
{
    uint16_t owners[MCPZ_COPIES_MAX];
    size_t together = 0;

    world_make(&world, 30, 3);
    world.placement.zones_apart = 2;
    ready();
    for (uint32_t partition = 0; partition < 1U << MCPZ_PARTITION_BITS; partition++) {
        CHECK_UINT(mcpz_rendezvous_owners(&rendezvous, partition, owners), 3);
        check_spread(owners, 3, 2);
        together += world.nodes[owners[0]].zone == world.nodes[owners[1]].zone ||
                    world.nodes[owners[0]].zone == world.nodes[owners[2]].zone ||
                    world.nodes[owners[1]].zone == world.nodes[owners[2]].zone;
    }
    CHECK(together > 1U << (MCPZ_PARTITION_BITS - 1));
}

TEST(fewer_nodes_than_copies_own_all)
{
    uint16_t owners[MCPZ_COPIES_MAX];

    set_up(2, 2);
    CHECK_UINT(mcpz_rendezvous_owners(&rendezvous, 7, owners), 2);
    set_up(1, 1);
    CHECK_UINT(mcpz_rendezvous_owners(&rendezvous, 7, owners), 1);
    CHECK_UINT(owners[0], 0);
}

TEST(who_leaves_owns_nothing)
{
    uint16_t owners[MCPZ_COPIES_MAX];

    world_make(&world, 4, 4);
    world.nodes[2].state = MCPZ_STORAGE_LEAVING;
    ready();
    for (uint32_t partition = 0; partition < 1U << MCPZ_PARTITION_BITS; partition++) {
        CHECK_UINT(mcpz_rendezvous_owners(&rendezvous, partition, owners), 3);
        CHECK(owners[0] != 2 && owners[1] != 2 && owners[2] != 2);
    }
}

TEST(a_document_lies_in_the_partition_of_its_first_bits)
{
    const struct mcpz_id document = {{0xab, 0xcd, 0xef, 0x01, 0xff}};

    CHECK_UINT(mcpz_partition_of(&document, 8), 0xab);
    CHECK_UINT(mcpz_partition_of(&document, 16), 0xabcd);
    CHECK_UINT(mcpz_partition_of(&document, 18), 0xabcdU << 2 | 0x3);
}

/* By hand, with the logarithm of libm: nobody is cheaper than who was chosen. */
TEST(the_cheapest_are_chosen_whatever_was_passed_over)
{
    uint16_t owners[MCPZ_COPIES_MAX];

    world_make(&world, 60, 1);
    world.placement.copies = 5;
    world.placement.zones_apart = 1;
    for (uint32_t i = 0; i < 60; i++) {
        world.nodes[i].weight = 1 + i * 63 / 59;
    }
    ready();
    for (uint32_t partition = 0; partition < 2000; partition++) {
        bool is_owner[60] = {false};
        double dearest = 0;
        CHECK_UINT(mcpz_rendezvous_owners(&rendezvous, partition, owners), 5);
        for (size_t i = 0; i < 60; i++) {
            for (size_t k = 0; k < 5; k++) {
                is_owner[i] = is_owner[i] || owners[k] == i;
            }
        }
        for (int pass = 0; pass < 2; pass++) {
            for (size_t i = 0; i < 60; i++) {
                const struct mcpz_contestant *one = &rendezvous.contestants[i];
                const double draw = ldexp((double)mcpz_rendezvous_draw(one->name, partition), -64);
                const double cost = -log2(draw) / one->weight;
                if (pass == 0 && is_owner[one->index] && cost > dearest) {
                    dearest = cost;
                }
                CHECK(pass == 0 || is_owner[one->index] || cost > dearest - 1e-9);
            }
        }
    }
}

TEST_MAIN(RUN(a_distance_is_the_logarithm), RUN(a_smaller_draw_is_never_nearer),
          RUN(owners_are_those_they_have_always_been), RUN(copies_are_in_zones_of_their_own),
          RUN(where_zones_are_too_few_others_of_them_help_out),
          RUN(no_more_zones_are_kept_apart_than_asked_for), RUN(fewer_nodes_than_copies_own_all),
          RUN(who_leaves_owns_nothing), RUN(a_document_lies_in_the_partition_of_its_first_bits),
          RUN(the_cheapest_are_chosen_whatever_was_passed_over))
