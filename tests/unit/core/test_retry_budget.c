#include "core/router/retry_budget.h"
#include "test.h"

static struct mcpz_retry_budget budget;

static size_t take_all(mcpz_time now)
{
    size_t taken = 0;
    while (mcpz_retry_budget_take(&budget, now)) {
        taken++;
    }
    return taken;
}

TEST(a_tenth_of_many_calls_may_be_tried_again)
{
    mcpz_retry_budget_init(&budget, 0);
    (void)take_all(0);
    for (size_t i = 0; i < 1000; i++) {
        mcpz_retry_budget_add(&budget, 10);
    }
    CHECK_UINT(take_all(20), 95); /* and five that it was given before */
    CHECK_UINT(take_all(20), 0);
}

TEST(five_a_second_may_of_few_calls_and_no_more_are_saved_than_ten_seconds)
{
    mcpz_retry_budget_init(&budget, 0);
    CHECK_UINT(take_all(0), MCPZ_RETRY_FLOOR_PER_S);
    CHECK_UINT(take_all(MCPZ_SECONDS(1) - 1), 0);
    CHECK_UINT(take_all(MCPZ_SECONDS(2)), MCPZ_RETRY_FLOOR_PER_S);
    CHECK_UINT(take_all(MCPZ_SECONDS(500)), MCPZ_RETRY_FLOOR_PER_S * (MCPZ_RETRY_SLOTS - 1));
}

TEST(the_floor_does_not_come_on_top_of_the_tenth)
{
    size_t taken = 0;

    mcpz_retry_budget_init(&budget, 0);
    (void)take_all(0);
    for (size_t i = 0; i < 100 * 100; i++) { /* 100 a second, for 100 s */
        mcpz_retry_budget_add(&budget, MCPZ_MS(10) * i);
        taken += take_all(MCPZ_MS(10) * i);
    }
    CHECK(taken > 990 && taken <= 1005);
}

TEST(tokens_last_ten_seconds)
{
    mcpz_retry_budget_init(&budget, 0);
    for (size_t i = 0; i < 1000; i++) {
        mcpz_retry_budget_add(&budget, 0);
    }
    mcpz_retry_budget_add(&budget, MCPZ_SECONDS(9)); /* 100 of then, 8 seconds' floor since */
    CHECK_UINT(take_all(MCPZ_SECONDS(9)), 100 + 8 * MCPZ_RETRY_FLOOR_PER_S);

    mcpz_retry_budget_init(&budget, 0);
    for (size_t i = 0; i < 1000; i++) {
        mcpz_retry_budget_add(&budget, 0);
    }
    CHECK_UINT(take_all(MCPZ_SECONDS(10)), 9 * MCPZ_RETRY_FLOOR_PER_S);
}

TEST(the_wait_doubles_up_to_a_second_and_is_drawn_from_all_of_it)
{
    static const mcpz_time most_us[] = {MCPZ_MS(25),     MCPZ_MS(50),    MCPZ_MS(100),
                                        MCPZ_MS(200),    MCPZ_MS(400),   MCPZ_MS(800),
                                        MCPZ_SECONDS(1), MCPZ_SECONDS(1)};
    struct mcpz_rng rng;

    mcpz_rng_init(&rng, 3);
    for (uint32_t k = 0; k < sizeof(most_us) / sizeof(most_us[0]); k++) {
        mcpz_time longest_us = 0;
        mcpz_time shortest_us = MCPZ_TIME_NEVER;
        for (size_t i = 0; i < 1000; i++) {
            const mcpz_time wait_us = mcpz_retry_backoff_us(&rng, k + 2);
            longest_us = wait_us > longest_us ? wait_us : longest_us;
            shortest_us = mcpz_time_min(wait_us, shortest_us);
        }
        CHECK(longest_us <= most_us[k] && longest_us > most_us[k] * 95 / 100);
        CHECK(shortest_us < most_us[k] / 20);
    }
}

TEST_MAIN(RUN(a_tenth_of_many_calls_may_be_tried_again),
          RUN(five_a_second_may_of_few_calls_and_no_more_are_saved_than_ten_seconds),
          RUN(the_floor_does_not_come_on_top_of_the_tenth), RUN(tokens_last_ten_seconds),
          RUN(the_wait_doubles_up_to_a_second_and_is_drawn_from_all_of_it))
