#include "core/gate/gradient.h"
#include "test.h"

static struct mcpz_gradient gradient;

static void feed(unsigned samples, mcpz_time took_us)
{
    for (unsigned i = 0; i < samples; i++) {
        mcpz_gradient_sample(&gradient, took_us, mcpz_gradient_limit(&gradient));
    }
}

TEST(it_starts_at_twenty)
{
    mcpz_gradient_init(&gradient);
    CHECK_UINT(mcpz_gradient_limit(&gradient), 20);
}

TEST(what_stays_fast_lets_it_grow_to_its_end_and_no_further)
{
    mcpz_gradient_init(&gradient);
    feed(100, MCPZ_MS(10));
    CHECK(mcpz_gradient_limit(&gradient) > 90);
    feed(10000, MCPZ_MS(10));
    CHECK_UINT(mcpz_gradient_limit(&gradient), MCPZ_GRADIENT_MAX);
}

TEST(what_gets_slow_makes_it_fall_to_its_floor_and_no_further)
{
    mcpz_gradient_init(&gradient);
    feed(100, MCPZ_MS(10));
    uint32_t before = mcpz_gradient_limit(&gradient);
    feed(10, MCPZ_MS(100));
    CHECK(mcpz_gradient_limit(&gradient) < before / 2);

    /* Each slower than the last: there is no long run to get used to. */
    mcpz_time took_us = MCPZ_MS(100);
    for (int i = 0; i < 40; i++) {
        feed(1, took_us += took_us / 2);
    }
    CHECK(mcpz_gradient_limit(&gradient) >= MCPZ_GRADIENT_MIN);
    CHECK(mcpz_gradient_limit(&gradient) < 16);
}

/* limit + 0.2 * (limit * gradient + 4 - limit), gradient 1, and 0.5 at the least. */
TEST(a_step_is_the_papers)
{
    mcpz_gradient_init(&gradient);
    feed(1, MCPZ_MS(10));
    CHECK_UINT(gradient.limit_q8, 20 * 256 + 204);

    mcpz_gradient_init(&gradient);
    gradient.samples = 10;
    gradient.long_q8 = MCPZ_MS(10) * 256;
    feed(1, MCPZ_MS(1000));
    CHECK_UINT(gradient.limit_q8, 20 * 256 + (10 + 4 - 20) * 256 / 5);
}

TEST(who_does_not_use_it_does_not_move_it)
{
    mcpz_gradient_init(&gradient);
    for (int i = 0; i < 1000; i++) {
        mcpz_gradient_sample(&gradient, MCPZ_MS(10), 9);
    }
    CHECK_UINT(mcpz_gradient_limit(&gradient), 20);
    mcpz_gradient_sample(&gradient, MCPZ_MS(10), 10);
    CHECK(gradient.limit_q8 > 20 * 256);
}

/* Had it once learned from a bad time, good ones would look like no reason to fall. */
TEST(a_long_run_that_was_misled_comes_back)
{
    mcpz_gradient_init(&gradient);
    feed(20, MCPZ_SECONDS(10));
    feed(100, MCPZ_MS(10));
    CHECK(gradient.long_q8 < MCPZ_MS(100) * 256);
}

TEST(our_own_turns_are_not_measured)
{
    mcpz_gradient_init(&gradient);
    feed(100, 5);
    uint32_t before = mcpz_gradient_limit(&gradient);
    feed(100, 900);
    CHECK(mcpz_gradient_limit(&gradient) > before);
}

TEST(the_longest_times_do_not_run_over)
{
    mcpz_gradient_init(&gradient);
    feed(100, MCPZ_TIME_NEVER);
    CHECK_UINT(gradient.long_q8, MCPZ_SECONDS(3600) * 256);
}

TEST_MAIN(RUN(it_starts_at_twenty), RUN(what_stays_fast_lets_it_grow_to_its_end_and_no_further),
          RUN(what_gets_slow_makes_it_fall_to_its_floor_and_no_further), RUN(a_step_is_the_papers),
          RUN(who_does_not_use_it_does_not_move_it), RUN(a_long_run_that_was_misled_comes_back),
          RUN(our_own_turns_are_not_measured), RUN(the_longest_times_do_not_run_over))
