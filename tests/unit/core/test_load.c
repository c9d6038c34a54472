#include "base/rng.h"
#include "core/load.h"
#include "test.h"

static struct mcpz_load load;

/* One alone that takes so long. */
static void serve(mcpz_time at_us, mcpz_time took_us)
{
    const uint32_t rif = mcpz_load_begin(&load);
    mcpz_load_end(&load, at_us + took_us, at_us, rif, true);
}

static uint32_t latency_at(mcpz_time now)
{
    return mcpz_load_report(&load, now).latency_us;
}

TEST(counts_what_is_in_flight)
{
    mcpz_load_init(&load);
    CHECK_UINT(mcpz_load_begin(&load), 0);
    CHECK_UINT(mcpz_load_begin(&load), 1);
    CHECK_UINT(mcpz_load_report(&load, 1).rif, 2);
    mcpz_load_end(&load, 5, 1, 0, true);
    mcpz_load_end(&load, 5, 1, 1, false);
    CHECK_UINT(mcpz_load_report(&load, 9).rif, 0);
}

TEST(does_not_know_its_latency_before_five)
{
    mcpz_load_init(&load);
    for (size_t i = 0; i < MCPZ_LOAD_SAMPLES_MIN; i++) {
        CHECK_UINT(latency_at(MCPZ_MS(10 * i)), 0);
        serve(MCPZ_MS(10 * i), 700);
    }
    CHECK_UINT(latency_at(MCPZ_MS(100)), 700);
}

TEST(tells_the_median_which_an_odd_one_does_not_move)
{
    mcpz_load_init(&load);
    for (mcpz_time i = 1; i <= 9; i++) {
        serve(0, i == 1 ? MCPZ_SECONDS(4) : 100 * i);
    }
    CHECK_UINT(latency_at(MCPZ_SECONDS(4)), 600);
}

/* In whatever order they came, and however many are alike. */
TEST(tells_the_median_of_any_history)
{
    struct mcpz_rng rng;

    mcpz_rng_init(&rng, 7);
    for (size_t count = MCPZ_LOAD_SAMPLES_MIN; count <= MCPZ_LOAD_SAMPLES_MAX; count++) {
        uint32_t took_us[MCPZ_LOAD_SAMPLES_MAX];
        mcpz_load_init(&load);
        for (size_t i = 0; i < count; i++) {
            took_us[i] = 1 + mcpz_rng_below(&rng, count % 2 == 0 ? 10 : 1000);
            serve(0, took_us[i]);
        }
        const uint32_t told = latency_at(MCPZ_MS(1));
        size_t less = 0;
        size_t more = 0;
        for (size_t i = 0; i < count; i++) {
            less += took_us[i] < told;
            more += took_us[i] > told;
        }
        CHECK(less <= count / 2);
        CHECK(more <= count - 1 - count / 2);
    }
}

TEST(prefers_what_arrived_at_about_as_many_in_flight)
{
    uint32_t rifs[20];

    mcpz_load_init(&load);
    for (size_t i = 0; i < 6; i++) {
        serve(0, 1000);
    }
    for (size_t i = 0; i < 20; i++) {
        rifs[i] = mcpz_load_begin(&load);
    }
    for (size_t i = 20; i-- > 0;) { /* those that came late took long */
        mcpz_load_end(&load, 10 * 1000, 0, rifs[i], true);
    }
    CHECK_UINT(latency_at(MCPZ_MS(20)), 1000);
    for (size_t i = 0; i < 12; i++) {
        (void)mcpz_load_begin(&load);
    }
    CHECK_UINT(latency_at(MCPZ_MS(40)), 10 * 1000);
}

TEST(widens_to_whatever_there_is)
{
    mcpz_load_init(&load);
    for (size_t i = 0; i < 5; i++) {
        serve(0, 300);
    }
    for (size_t i = 0; i < 1000; i++) {
        (void)mcpz_load_begin(&load);
    }
    CHECK_UINT(latency_at(1000), 300);
}

TEST(forgets_what_is_old)
{
    mcpz_load_init(&load);
    for (size_t i = 0; i < 5; i++) {
        serve(0, 300);
    }
    CHECK_UINT(latency_at(300 + MCPZ_LOAD_AGE_US), 300);
    CHECK_UINT(latency_at(301 + MCPZ_LOAD_AGE_US + MCPZ_MS(1)), 0);
}

TEST(takes_no_sample_of_what_failed)
{
    mcpz_load_init(&load);
    for (size_t i = 0; i < 10; i++) {
        mcpz_load_end(&load, 10, 0, mcpz_load_begin(&load), false);
    }
    CHECK_UINT(latency_at(20), 0);
}

TEST(what_takes_no_time_is_known_all_the_same)
{
    mcpz_load_init(&load);
    for (size_t i = 0; i < 5; i++) {
        serve(7, 0);
    }
    CHECK_UINT(latency_at(7), 1);
}

TEST(holds_the_last_samples_only)
{
    mcpz_load_init(&load);
    for (size_t i = 0; i < MCPZ_LOAD_SAMPLES_MAX; i++) {
        serve(0, 5000);
    }
    CHECK_UINT(latency_at(5000), 5000);
    for (size_t i = 0; i < MCPZ_LOAD_SAMPLES_MAX; i++) {
        serve(6000, 100);
    }
    CHECK_UINT(latency_at(7000), 100);
}

TEST_MAIN(RUN(tells_the_median_of_any_history), RUN(counts_what_is_in_flight),
          RUN(does_not_know_its_latency_before_five),
          RUN(tells_the_median_which_an_odd_one_does_not_move),
          RUN(prefers_what_arrived_at_about_as_many_in_flight), RUN(widens_to_whatever_there_is),
          RUN(forgets_what_is_old), RUN(takes_no_sample_of_what_failed),
          RUN(what_takes_no_time_is_known_all_the_same), RUN(holds_the_last_samples_only))
