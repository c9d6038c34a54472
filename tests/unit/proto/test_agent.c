#include "proto/agent.h"
#include "test.h"

TEST(actors_are_ordered_by_node_then_generation)
{
    struct mcpz_actor first = {.node = {{1}}, .generation = 9};
    struct mcpz_actor later_life = {.node = {{1}}, .generation = 10};
    struct mcpz_actor other_node = {.node = {{2}}, .generation = 0};

    CHECK(mcpz_actor_compare(&first, &first) == 0);
    CHECK(mcpz_actor_compare(&first, &later_life) < 0);
    CHECK(mcpz_actor_compare(&later_life, &first) > 0);
    CHECK(mcpz_actor_compare(&later_life, &other_node) < 0);
    CHECK(mcpz_actor_compare(&other_node, &first) > 0);
}

TEST(a_hybrid_clock_keeps_its_milliseconds)
{
    CHECK_UINT(mcpz_hlc_to_ms(mcpz_hlc_of_ms(1700000000123)), 1700000000123);
    CHECK_UINT(mcpz_hlc_to_ms(mcpz_hlc_of_ms(5) + 0xffff), 5);
    CHECK_UINT(mcpz_hlc_to_ms(mcpz_hlc_of_ms(5) + 0x10000), 6);
}

TEST_MAIN(RUN(actors_are_ordered_by_node_then_generation),
          RUN(a_hybrid_clock_keeps_its_milliseconds))
