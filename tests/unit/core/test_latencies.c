#include "core/router/latencies.h"
#include "test.h"

static struct mcpz_latencies latencies;

TEST(knows_nothing_before_twenty)
{
    mcpz_latencies_init(&latencies);
    for (size_t i = 1; i < MCPZ_LATENCIES_ENOUGH; i++) {
        mcpz_latencies_add(&latencies, 1000);
    }
    CHECK(mcpz_latencies_quantile(&latencies, 500) == MCPZ_TIME_NEVER);
    mcpz_latencies_add(&latencies, 1000);
    CHECK(mcpz_latencies_quantile(&latencies, 500) != MCPZ_TIME_NEVER);
}

/* A quantile is never below what was counted, and at most an eighth above. */
TEST(a_quantile_is_right_to_an_eighth_at_every_magnitude)
{
    for (mcpz_time us = 20; us < MCPZ_SECONDS(3600); us = us * 7 / 5) {
        mcpz_latencies_init(&latencies);
        for (size_t i = 0; i < 100; i++) {
            mcpz_latencies_add(&latencies, us);
        }
        const mcpz_time found_us = mcpz_latencies_quantile(&latencies, 950);
        CHECK(found_us > us);
        CHECK(found_us <= us + us / 8 + 1);
    }
}

TEST(quantiles_split_what_was_counted)
{
    mcpz_latencies_init(&latencies);
    for (size_t i = 0; i < 100; i++) {
        mcpz_latencies_add(&latencies, i < 95 ? 1000 : 64000);
    }
    CHECK(mcpz_latencies_quantile(&latencies, 950) < 1200);
    CHECK(mcpz_latencies_quantile(&latencies, 951) > 64000);
    CHECK(mcpz_latencies_quantile(&latencies, 0) < 1200);
    CHECK(mcpz_latencies_quantile(&latencies, 1000) > 64000);
}

TEST(the_ends_are_kept_in_their_buckets)
{
    mcpz_latencies_init(&latencies);
    for (size_t i = 0; i < 20; i++) {
        mcpz_latencies_add(&latencies, 0);
    }
    CHECK_UINT(mcpz_latencies_quantile(&latencies, 1000), 18); /* 16 and an eighth of it */
    mcpz_latencies_add(&latencies, MCPZ_TIME_NEVER);
    CHECK(mcpz_latencies_quantile(&latencies, 1000) > MCPZ_SECONDS(3600));
}

TEST(what_is_old_is_forgotten)
{
    mcpz_latencies_init(&latencies);
    for (size_t i = 0; i < MCPZ_LATENCIES_FULL; i++) {
        mcpz_latencies_add(&latencies, MCPZ_SECONDS(1));
    }
    for (size_t i = 0; i < 8 * MCPZ_LATENCIES_FULL; i++) {
        mcpz_latencies_add(&latencies, 1000);
        CHECK(latencies.total < MCPZ_LATENCIES_FULL);
    }
    CHECK(mcpz_latencies_quantile(&latencies, 990) < 1200);
}

TEST_MAIN(RUN(knows_nothing_before_twenty),
          RUN(a_quantile_is_right_to_an_eighth_at_every_magnitude),
          RUN(quantiles_split_what_was_counted), RUN(the_ends_are_kept_in_their_buckets),
          RUN(what_is_old_is_forgotten))
