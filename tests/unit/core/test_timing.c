#include "core/timing.h"
#include "test.h"

TEST(says_what_is_not_given)
{
    const struct mcpz_node_timing given = {.heartbeat_us = MCPZ_MS(700)};
    const struct mcpz_node_timing timing = mcpz_timing_or_default(&given);

    CHECK(timing.heartbeat_us == MCPZ_MS(700));
    CHECK(timing.pool_heartbeat_us == MCPZ_SECONDS(8));
    CHECK(timing.optimise_us == MCPZ_SECONDS(30));
}

TEST(spreads_a_period_over_a_fifth_to_either_side)
{
    const mcpz_time period_us = MCPZ_SECONDS(10);
    mcpz_time least = MCPZ_TIME_NEVER;
    mcpz_time most = 0;
    struct mcpz_rng rng;

    mcpz_rng_init(&rng, 7);
    for (size_t i = 0; i < 10000; i++) {
        const mcpz_time drawn = mcpz_timing_about(&rng, period_us);
        least = mcpz_time_min(least, drawn);
        most = drawn > most ? drawn : most;
    }
    CHECK(least >= MCPZ_SECONDS(8) && least < MCPZ_MS(8100));
    CHECK(most <= MCPZ_SECONDS(12) && most > MCPZ_MS(11900));
}

TEST_MAIN(RUN(says_what_is_not_given), RUN(spreads_a_period_over_a_fifth_to_either_side))
