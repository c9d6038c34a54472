#include "base/index.h"
#include "base/rng.h"
#include "test.h"

#define MAX 64

static _Alignas(16) uint8_t memory[8192];

static struct mcpz_index make(size_t max, uint64_t seed)
{
    struct mcpz_arena arena;
    struct mcpz_index index;

    CHECK(mcpz_index_bytes(max) <= sizeof(memory));
    mcpz_arena_init(&arena, memory, mcpz_index_bytes(max));
    mcpz_index_init(&index, max, seed, &arena);
    return index;
}

TEST(finds_what_was_put_and_nothing_else)
{
    struct mcpz_index index = make(4, 1);
    uint32_t value = 7;

    CHECK(!mcpz_index_get(&index, 0, &value));
    CHECK(value == 7);
    mcpz_index_put(&index, 0, 10);
    mcpz_index_put(&index, UINT64_MAX, 11);
    CHECK(mcpz_index_get(&index, 0, &value) && value == 10);
    CHECK(mcpz_index_get(&index, UINT64_MAX, &value) && value == 11);
    CHECK(!mcpz_index_get(&index, 1, &value));
}

TEST(a_zeroed_one_is_empty)
{
    struct mcpz_index index = {.count = 0};
    uint32_t value;

    CHECK(!mcpz_index_get(&index, 1, &value));
    CHECK(!mcpz_index_remove(&index, 1));
}

TEST(sets_a_key_anew)
{
    struct mcpz_index index = make(1, 1);
    uint32_t value;

    mcpz_index_put(&index, 5, 1);
    mcpz_index_put(&index, 5, 2);
    CHECK(index.count == 1);
    CHECK(mcpz_index_get(&index, 5, &value) && value == 2);
}

TEST(holds_as_many_as_it_was_made_for)
{
    struct mcpz_index index = make(MAX, 3);
    uint32_t value;

    for (uint32_t i = 0; i < MAX; i++) {
        mcpz_index_put(&index, i * 1000, i);
    }
    CHECK(index.count == MAX);
    for (uint32_t i = 0; i < MAX; i++) {
        CHECK(mcpz_index_get(&index, i * 1000, &value) && value == i);
    }
}

TEST(removes_only_what_is_there)
{
    struct mcpz_index index = make(4, 1);
    uint32_t value;

    mcpz_index_put(&index, 5, 1);
    CHECK(!mcpz_index_remove(&index, 6));
    CHECK(mcpz_index_remove(&index, 5));
    CHECK(!mcpz_index_remove(&index, 5));
    CHECK(!mcpz_index_get(&index, 5, &value));
    CHECK(index.count == 0);
}

/* Against a plain array, with so few keys that most cells are in runs. */
TEST(agrees_with_a_plain_array_over_long_histories)
{
    struct mcpz_rng rng;
    bool there[2 * MAX] = {false};
    uint32_t values[2 * MAX];

    for (uint64_t seed = 0; seed < 20; seed++) {
        struct mcpz_index index = make(MAX, seed);
        size_t count = 0;
        mcpz_rng_init(&rng, seed);
        memset(there, 0, sizeof(there));
        for (uint32_t step = 0; step < 5000; step++) {
            uint32_t key = (uint32_t)mcpz_rng_below(&rng, 2 * MAX);
            if (mcpz_rng_below(&rng, 2) == 0 && (there[key] || count < MAX)) {
                mcpz_index_put(&index, key, step);
                count += !there[key];
                there[key] = true;
                values[key] = step;
            } else {
                CHECK(mcpz_index_remove(&index, key) == there[key]);
                count -= there[key];
                there[key] = false;
            }
            CHECK(index.count == count);
            for (uint32_t i = 0; i < 2 * MAX; i++) {
                uint32_t value = 0;
                CHECK(mcpz_index_get(&index, i, &value) == there[i]);
                CHECK(!there[i] || value == values[i]);
            }
        }
    }
}

/* The same of a large one, that has a front: four keys want each of its cells. */
TEST(agrees_with_a_plain_array_where_there_is_a_front)
{
    enum { LARGE = 2 * MCPZ_INDEX_FRONT, KEYS = 2 * LARGE };
    static _Alignas(16) uint8_t large[65536];
    static bool there[KEYS];
    static uint32_t values[KEYS];
    struct mcpz_arena arena;
    struct mcpz_index index;
    struct mcpz_rng rng;
    size_t count = 0;

    CHECK(mcpz_index_bytes(LARGE) <= sizeof(large));
    mcpz_arena_init(&arena, large, mcpz_index_bytes(LARGE));
    mcpz_index_init(&index, LARGE, 0, &arena);
    CHECK(index.front != NULL);
    mcpz_rng_init(&rng, 1);
    for (uint32_t step = 0; step < 100000; step++) {
        const uint32_t key = (uint32_t)mcpz_rng_below(&rng, KEYS);
        uint32_t value = 0;
        CHECK(mcpz_index_get(&index, key, &value) == there[key]);
        CHECK(!there[key] || value == values[key]);
        if (mcpz_rng_below(&rng, 2) == 0 && (there[key] || count < LARGE)) {
            mcpz_index_put(&index, key, step);
            count += !there[key];
            there[key] = true;
            values[key] = step;
        } else {
            CHECK(mcpz_index_remove(&index, key) == there[key]);
            count -= there[key];
            there[key] = false;
        }
        CHECK(index.count == count);
        CHECK(index.behind <= count);
    }
    CHECK(index.behind > 0 && index.behind < count);
}

/* Half of all keys stay for ever while others come and go, counted on: none walks along them. */
TEST(old_keys_are_no_wall_for_new_ones)
{
    enum { STAY = 4 * MAX, LONGEST = 64 };
    static _Alignas(16) uint8_t large[65536];
    struct mcpz_arena arena;
    struct mcpz_index index;
    size_t run = 0;

    CHECK(mcpz_index_bytes(2 * STAY) <= sizeof(large));
    mcpz_arena_init(&arena, large, sizeof(large));
    mcpz_index_init(&index, 2 * STAY, 0, &arena);
    for (uint64_t key = 1; key <= STAY; key++) {
        mcpz_index_put(&index, key, 0);
    }
    for (uint64_t key = STAY + 1; key < 100 * STAY; key++) {
        mcpz_index_put(&index, key, 1);
        CHECK(key < STAY + 9 || mcpz_index_remove(&index, key - 8));
    }
    for (size_t i = 0; i <= index.mask; i++) {
        run = index.cells[i].used ? run + 1 : 0;
        CHECK(run < LONGEST);
    }
}

TEST_MAIN(RUN(finds_what_was_put_and_nothing_else), RUN(a_zeroed_one_is_empty),
          RUN(sets_a_key_anew), RUN(holds_as_many_as_it_was_made_for),
          RUN(removes_only_what_is_there), RUN(agrees_with_a_plain_array_over_long_histories),
          RUN(agrees_with_a_plain_array_where_there_is_a_front),
          RUN(old_keys_are_no_wall_for_new_ones))
