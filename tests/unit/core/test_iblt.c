#include "iblt_world.h"

#define SYMBOLS 4096

static struct iblt_world world;

static void check_walk(uint64_t id, const uint32_t *expected, size_t count)
{
    struct mcpz_iblt_item item = mcpz_iblt_item(iblt_key, id);

    for (size_t i = 0; i < count; i++) {
        CHECK_UINT(item.next, expected[i]);
        if (item.next != MCPZ_IBLT_END) {
            mcpz_iblt_item_next(&item);
        }
    }
}

/*
 * The same for every compiler, optimisation and byte order, ever since. The numbers come from a
 * program in another language, which goes by the definition of the probability with fractions.
 */
TEST(items_are_mapped_to_the_symbols_they_have_always_been)
{
    static const uint32_t one[] = {0, 1, 2, 3, 6, 10, 12, 13, 19, 37, 42, 67, 87, 130};
    static const uint32_t two[] = {0, 1, 2, 4, 5, 11, 20, 24, 29, 60, 71, 123, 187, 252};
    static const uint32_t beef[] = {0,   2,   3,    48,   72,   151,  186,
                                    315, 377, 1862, 4793, 5099, 5145, 15642};
    static const uint32_t last[] = {0,  1,  2,  6,   10,   13,   15,
                                    16, 34, 39, 366, 3057, 3405, MCPZ_IBLT_END};

    check_walk(1, one, 14);
    check_walk(2, two, 14);
    check_walk(0xdeadbeef, beef, 14);
    check_walk(UINT64_MAX, last, 14);
}

/* With 20,000 items, each symbol i has 2 / (i + 2) of them, within five standard deviations. */
TEST(symbols_have_the_share_of_items_they_should)
{
    static uint32_t counts[300];

    for (uint64_t id = 1; id <= 20000; id++) {
        struct mcpz_iblt_item item = mcpz_iblt_item(iblt_key, id);
        while (item.next < 300) {
            counts[item.next]++;
            mcpz_iblt_item_next(&item);
        }
    }
    CHECK_UINT(counts[0], 20000);
    for (size_t i = 1; i < 300; i++) {
        const double share = 2.0 / (double)(i + 2);
        const double off = counts[i] - 20000 * share;
        CHECK(off * off < 25 * 20000 * share * (1 - share));
    }
}

TEST(symbols_cross_the_wire_as_documented)
{
    static const uint8_t expected[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 255,
                                       0, 0, 0, 0, 0, 0, 0, 1, 0, 0,  0,  0,  0,  0,  0,  2,  3};
    const struct mcpz_iblt_symbol symbols[2] = {
        {UINT64_C(0x0102030405060708), UINT64_C(0x090a0b0c0d0e0f10), 255}, {1, 2, 3}};
    struct mcpz_iblt_symbol again[2];
    uint8_t bytes[sizeof(expected)];

    mcpz_iblt_pack(symbols, 2, bytes);
    CHECK_BYTES(mcpz_bytes(bytes, sizeof(bytes)), expected, sizeof(expected));
    mcpz_iblt_unpack(bytes, 2, again);
    for (size_t i = 0; i < 2; i++) {
        CHECK_UINT(again[i].id, symbols[i].id);
        CHECK_UINT(again[i].check, symbols[i].check);
        CHECK_UINT(again[i].count, symbols[i].count);
    }
}

TEST(blocks_grow_by_a_quarter_and_end)
{
    size_t sent = 0;
    size_t blocks = 0;

    CHECK_UINT(mcpz_iblt_block(0), 16);
    CHECK_UINT(mcpz_iblt_block(16), 8);
    CHECK_UINT(mcpz_iblt_block(35), 8);
    CHECK_UINT(mcpz_iblt_block(36), 9);
    CHECK_UINT(mcpz_iblt_block(8191), 2047);
    CHECK_UINT(mcpz_iblt_block(10000), MCPZ_IBLT_BLOCK_MAX);
    CHECK_UINT(mcpz_iblt_block(MCPZ_IBLT_SYMBOLS_MAX - 5), 5);
    for (; mcpz_iblt_block(sent) > 0; blocks++) {
        sent += mcpz_iblt_block(sent);
    }
    CHECK_UINT(sent, MCPZ_IBLT_SYMBOLS_MAX);
    CHECK(blocks < 50);
}

TEST(equal_sets_are_found_equal_by_the_first_block)
{
    iblt_world_make(&world, SYMBOLS);
    iblt_world_fill(&world, 1, 1000, 0, 0);
    CHECK_UINT(iblt_world_run(&world), MCPZ_IBLT_FOUND);
    CHECK_UINT(world.sent, MCPZ_IBLT_BLOCK_FIRST);
    CHECK_UINT(world.ours.difference_count, 0);
    iblt_world_fill(&world, 1, 0, 0, 0);
    CHECK_UINT(iblt_world_run(&world), MCPZ_IBLT_FOUND);
    iblt_world_finish(&world);
}

/* Is `id` one of those that iblt_world_fill() drew for one side only, or for both? */
static bool has(uint64_t seed, size_t from, size_t count, uint64_t id)
{
    struct mcpz_rng rng;
    bool found = false;

    mcpz_rng_init(&rng, seed);
    for (size_t i = 0; i < from + count; i++) {
        found |= mcpz_rng_next(&rng) == id && i >= from;
    }
    return found;
}

TEST(what_differs_is_found_and_whose_it_is)
{
    iblt_world_make(&world, SYMBOLS);
    for (uint64_t seed = 0; seed < 50; seed++) {
        const size_t theirs = seed * 7 % 60;
        const size_t ours = seed * 5 % 40;
        iblt_world_fill(&world, seed, 300, theirs, ours);
        CHECK_UINT(iblt_world_run(&world), MCPZ_IBLT_FOUND);
        CHECK_UINT(iblt_world_count(&world, true), theirs);
        CHECK_UINT(iblt_world_count(&world, false), ours);
        for (size_t i = 0; i < world.ours.difference_count; i++) {
            const struct mcpz_iblt_difference *one = &world.ours.differences[i];
            CHECK(has(seed, 300, theirs, one->item.id) == one->is_theirs);
            CHECK(has(seed, 300 + theirs, ours, one->item.id) != one->is_theirs);
        }
    }
    iblt_world_finish(&world);
}

/* The paper's figure 4 and our simulation of it: 1.7 for ten differences, falling to 1.35. */
TEST(symbols_are_few_for_each_difference)
{
    size_t sent = 0;

    iblt_world_make(&world, SYMBOLS);
    world.one_by_one = true;
    for (uint64_t seed = 0; seed < 400; seed++) {
        iblt_world_fill(&world, seed, 20, 5, 5);
        CHECK_UINT(iblt_world_run(&world), MCPZ_IBLT_FOUND);
        sent += world.sent;
    }
    CHECK(sent > 400 * 16 && sent < 400 * 18); /* 1.6 to 1.8 */
    sent = 0;
    for (uint64_t seed = 0; seed < 6; seed++) {
        iblt_world_fill(&world, seed, 0, 500, 500);
        CHECK_UINT(iblt_world_run(&world), MCPZ_IBLT_FOUND);
        sent += world.sent;
    }
    CHECK(sent > 6 * 1320 && sent < 6 * 1430);
    iblt_world_finish(&world);
}

TEST(more_symbols_than_there_is_room_for_are_hopeless)
{
    iblt_world_make(&world, 64);
    iblt_world_fill(&world, 1, 0, 1000, 0);
    CHECK_UINT(iblt_world_run(&world), MCPZ_IBLT_HOPELESS);
    CHECK(world.sent >= 64);
    iblt_world_finish(&world);
}

TEST(a_verdict_stands)
{
    const struct mcpz_iblt_symbol symbol = {1, 2, 3};

    iblt_world_make(&world, SYMBOLS);
    CHECK_UINT(iblt_world_take(&world.ours, &symbol, 1), MCPZ_IBLT_HOPELESS); /* no begin */
    iblt_world_fill(&world, 1, 10, 1, 1);
    CHECK_UINT(iblt_world_take(&world.ours, &symbol, 0), MCPZ_IBLT_MORE);
    CHECK_UINT(iblt_world_run(&world), MCPZ_IBLT_FOUND);
    CHECK_UINT(iblt_world_take(&world.ours, &symbol, 1), MCPZ_IBLT_FOUND);
    CHECK_UINT(world.ours.difference_count, 2);
    iblt_world_finish(&world);
}

TEST(rubbish_is_hopeless_in_the_end)
{
    static struct mcpz_iblt_symbol block[64];
    struct mcpz_rng rng;
    enum mcpz_iblt_verdict verdict = MCPZ_IBLT_MORE;

    iblt_world_make(&world, SYMBOLS);
    iblt_world_fill(&world, 1, 300, 0, 0);
    mcpz_rng_init(&rng, 3);
    while (verdict == MCPZ_IBLT_MORE) {
        for (size_t i = 0; i < 64; i++) {
            block[i] = (struct mcpz_iblt_symbol){mcpz_rng_next(&rng), mcpz_rng_next(&rng), 1};
        }
        verdict = iblt_world_take(&world.ours, block, 64);
    }
    CHECK_UINT(verdict, MCPZ_IBLT_HOPELESS);
    iblt_world_finish(&world);
}

/*
 * A peer that knows the key puts another item into every symbol, where it belongs by itself only:
 * each that is taken out makes others look as if they held one. It must end.
 */
TEST(items_that_breed_are_stopped)
{
    static struct mcpz_iblt_symbol block[1024];

    iblt_world_make(&world, SYMBOLS);
    iblt_world_fill(&world, 1, 0, 0, 0);
    for (size_t i = 0; i < 1024; i++) {
        const struct mcpz_iblt_item item = mcpz_iblt_item(iblt_key, i % 2 + 77);
        block[i] = (struct mcpz_iblt_symbol){item.id, item.check, i % 4 < 2 ? 1 : UINT8_MAX};
    }
    CHECK_UINT(iblt_world_take(&world.ours, block, 1024), MCPZ_IBLT_HOPELESS);
    CHECK(world.ours.difference_count <= 1024);
    iblt_world_finish(&world);
}

/* Symbol 0 empty and another one not: such symbols are of no two sets. */
TEST(an_empty_first_symbol_alone_proves_nothing)
{
    struct mcpz_iblt_symbol block[8] = {{0}};

    iblt_world_make(&world, SYMBOLS);
    iblt_world_fill(&world, 1, 0, 0, 0);
    block[5] = (struct mcpz_iblt_symbol){1, 2, 3};
    CHECK_UINT(iblt_world_take(&world.ours, block, 8), MCPZ_IBLT_HOPELESS);
    iblt_world_finish(&world);
}

TEST_MAIN(RUN(items_are_mapped_to_the_symbols_they_have_always_been),
          RUN(symbols_have_the_share_of_items_they_should),
          RUN(symbols_cross_the_wire_as_documented), RUN(blocks_grow_by_a_quarter_and_end),
          RUN(equal_sets_are_found_equal_by_the_first_block),
          RUN(what_differs_is_found_and_whose_it_is), RUN(symbols_are_few_for_each_difference),
          RUN(more_symbols_than_there_is_room_for_are_hopeless), RUN(a_verdict_stands),
          RUN(rubbish_is_hopeless_in_the_end), RUN(items_that_breed_are_stopped),
          RUN(an_empty_first_symbol_alone_proves_nothing))
