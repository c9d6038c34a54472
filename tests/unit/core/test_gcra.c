#include "core/gate/gcra.h"
#include "test.h"

static const mcpz_time start = MCPZ_SECONDS(100);

static bool take(mcpz_time *tat, const struct mcpz_rate *rate, mcpz_time now)
{
    if (mcpz_gcra_wait(*tat, rate, now) > 0) {
        return false;
    }
    mcpz_gcra_take(tat, rate, now);
    return true;
}

TEST(a_burst_passes_and_one_more_waits_for_its_time)
{
    const struct mcpz_rate rate = mcpz_rate(10, MCPZ_SECONDS(1), 3);
    mcpz_time tat = 0;

    for (int i = 0; i < 3; i++) {
        CHECK(take(&tat, &rate, start));
    }
    CHECK_UINT(mcpz_gcra_wait(tat, &rate, start), MCPZ_MS(100));
    CHECK_UINT(mcpz_gcra_wait(tat, &rate, start + MCPZ_MS(100) - 1), 1);
    CHECK(take(&tat, &rate, start + MCPZ_MS(100)));
    CHECK(!take(&tat, &rate, start + MCPZ_MS(100)));
}

TEST(in_the_long_run_no_more_than_the_rate_passes)
{
    const struct mcpz_rate rate = mcpz_rate(500, MCPZ_SECONDS(60), 50);
    mcpz_time tat = 0;
    unsigned passed = 0;

    /* Ten times as many as may come, for ten minutes. */
    for (mcpz_time at = 0; at < MCPZ_SECONDS(600); at += MCPZ_MS(12)) {
        passed += take(&tat, &rate, start + at);
    }
    CHECK(passed >= 5000);
    CHECK(passed <= 5050);
}

TEST(who_was_quiet_has_a_burst_and_nothing_more)
{
    const struct mcpz_rate rate = mcpz_rate(1000, MCPZ_SECONDS(60), 100);
    mcpz_time tat = 0;
    unsigned passed = 0;

    CHECK(take(&tat, &rate, start));
    while (take(&tat, &rate, start + MCPZ_SECONDS(3600))) {
        passed++;
    }
    CHECK_UINT(passed, 100);
}

TEST(a_refusal_costs_nothing)
{
    const struct mcpz_rate rate = mcpz_rate(1, MCPZ_SECONDS(1), 1);
    mcpz_time tat = 0;

    CHECK(take(&tat, &rate, start));
    for (int i = 0; i < 1000; i++) {
        CHECK(!take(&tat, &rate, start + MCPZ_MS(500)));
    }
    CHECK(take(&tat, &rate, start + MCPZ_SECONDS(1)));
}

TEST(no_rate_is_no_limit)
{
    const struct mcpz_rate none = mcpz_rate(0, MCPZ_SECONDS(60), 1);
    const struct mcpz_rate finer_than_time = mcpz_rate(2000000, MCPZ_SECONDS(1), 1);
    mcpz_time tat = 0;

    for (int i = 0; i < 1000; i++) {
        CHECK(take(&tat, &none, start));
        CHECK(take(&tat, &finer_than_time, start));
    }
}

TEST_MAIN(RUN(a_burst_passes_and_one_more_waits_for_its_time),
          RUN(in_the_long_run_no_more_than_the_rate_passes),
          RUN(who_was_quiet_has_a_burst_and_nothing_more), RUN(a_refusal_costs_nothing),
          RUN(no_rate_is_no_limit))
