#include "base/durations.h"
#include "test.h"

TEST(a_time_is_counted_up_to_the_bound_it_does_not_pass)
{
    struct mcpz_durations durations = {.sum_us = 0};

    for (uint32_t i = 0; i < MCPZ_DURATION_BUCKETS; i++) {
        mcpz_durations_add(&durations, mcpz_durations_bound(i));
        CHECK_UINT(durations.counts[i], i == 0 ? 1 : 2);
        mcpz_durations_add(&durations, mcpz_durations_bound(i) + 1);
        CHECK_UINT(durations.counts[i + 1], 1);
    }
}

TEST(bounds_rise_and_sums_add_up)
{
    struct mcpz_durations durations = {.sum_us = 0};

    for (uint32_t i = 1; i < MCPZ_DURATION_BUCKETS; i++) {
        CHECK(mcpz_durations_bound(i) > mcpz_durations_bound(i - 1));
    }
    mcpz_durations_add(&durations, 7);
    mcpz_durations_add(&durations, 35);
    CHECK_UINT(durations.sum_us, 42);
    CHECK_UINT(durations.counts[0], 2);
}

TEST_MAIN(RUN(a_time_is_counted_up_to_the_bound_it_does_not_pass),
          RUN(bounds_rise_and_sums_add_up))
