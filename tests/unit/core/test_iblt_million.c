#include "iblt_world.h"

/*
 * What it costs to compare a million documents, in bytes: reference/crdt.md, section 8. A document
 * that was changed counts twice, as it was and as it is.
 */
static size_t bytes_for(size_t differences)
{
    struct iblt_world world;

    iblt_world_make(&world, 8192);
    iblt_world_fill(&world, 20260101, 1000000 - differences / 2, differences / 2, differences / 2);
    CHECK_UINT(iblt_world_run(&world), MCPZ_IBLT_FOUND);
    CHECK_UINT(iblt_world_count(&world, true), differences / 2);
    CHECK_UINT(iblt_world_count(&world, false), differences / 2);
    iblt_world_finish(&world);
    return world.sent * MCPZ_IBLT_SYMBOL_BYTES;
}

TEST(ten_differences_cost_less_than_a_kilobyte)
{
    CHECK(bytes_for(10) <= 1000);
}

TEST(a_thousand_cost_less_than_sixty)
{
    CHECK(bytes_for(1000) <= 60000);
}

TEST_MAIN(RUN(ten_differences_cost_less_than_a_kilobyte), RUN(a_thousand_cost_less_than_sixty))
