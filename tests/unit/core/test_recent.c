#include "base/rng.h"
#include "core/gate/recent.h"
#include "test.h"

static struct mcpz_recent recent;

static const mcpz_time now = MCPZ_SECONDS(50);

static void add(mcpz_time took_us)
{
    mcpz_recent_add(&recent, now, took_us);
}

TEST(a_few_say_nothing)
{
    recent = (struct mcpz_recent){0};
    for (unsigned i = 0; i < MCPZ_RECENT_MIN - 1; i++) {
        add(10);
    }
    CHECK_UINT(mcpz_recent_median(&recent, now), 0);
    add(10);
    CHECK_UINT(mcpz_recent_median(&recent, now), 10);
}

TEST(one_that_hung_does_not_move_it)
{
    recent = (struct mcpz_recent){0};
    for (unsigned i = 0; i < 9; i++) {
        add(100 + i);
    }
    add(MCPZ_SECONDS(5000));
    CHECK(mcpz_recent_median(&recent, now) <= 108);
    CHECK_UINT(recent.sorted[9], UINT32_MAX);
}

static int compare(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

TEST(it_is_the_median_of_the_last_ones)
{
    struct mcpz_rng rng;
    uint32_t all[500];

    recent = (struct mcpz_recent){0};
    mcpz_rng_init(&rng, 3);
    for (size_t i = 0; i < 500; i++) {
        all[i] = 1 + mcpz_rng_below(&rng, 50);
        add(all[i]);
        if (i + 1 >= MCPZ_RECENT_MIN) {
            uint32_t last[MCPZ_RECENT_MAX];
            size_t count = i + 1 < MCPZ_RECENT_MAX ? i + 1 : MCPZ_RECENT_MAX;
            memcpy(last, &all[i + 1 - count], count * sizeof(last[0]));
            qsort(last, count, sizeof(last[0]), compare);
            CHECK_UINT(mcpz_recent_median(&recent, now), last[count / 2]);
        }
    }
}

TEST(what_was_long_ago_is_not_known_any_more)
{
    recent = (struct mcpz_recent){0};
    for (unsigned i = 0; i < MCPZ_RECENT_MIN; i++) {
        add(MCPZ_SECONDS(1));
    }
    CHECK_UINT(mcpz_recent_median(&recent, now + MCPZ_SECONDS(20)), MCPZ_SECONDS(1));
    CHECK_UINT(mcpz_recent_median(&recent, now + MCPZ_SECONDS(20) + 1), 0);
}

TEST(what_took_no_time_is_known_too)
{
    recent = (struct mcpz_recent){0};
    for (unsigned i = 0; i < MCPZ_RECENT_MIN; i++) {
        add(0);
    }
    CHECK_UINT(mcpz_recent_median(&recent, now), 1);
}

TEST_MAIN(RUN(a_few_say_nothing), RUN(one_that_hung_does_not_move_it),
          RUN(it_is_the_median_of_the_last_ones), RUN(what_was_long_ago_is_not_known_any_more),
          RUN(what_took_no_time_is_known_too))
