#include "base/rng.h"
#include "core/gate/shedder.h"
#include "test.h"

static struct mcpz_shedder shedder;
static struct mcpz_rng rng;
static mcpz_time now;

static void set_up(void)
{
    now = MCPZ_SECONDS(100);
    mcpz_rng_init(&rng, 5);
    mcpz_shedder_init(&shedder, now);
}

/* A second of calls, each of any level; those let in wait so long. Returns how many were. */
static unsigned second(unsigned calls, mcpz_time waited_us)
{
    unsigned passed = 0;

    for (unsigned i = 0; i < calls; i++) {
        now += MCPZ_SECONDS(1) / calls;
        if (mcpz_shedder_arrive(&shedder, now, mcpz_rng_below(&rng, MCPZ_SHED_LEVELS))) {
            mcpz_shedder_waited(&shedder, waited_us, 0);
            passed++;
        } else {
            mcpz_shedder_turn_away(&shedder);
        }
    }
    return passed;
}

TEST(without_waiting_everybody_passes)
{
    set_up();
    for (int i = 0; i < 10; i++) {
        CHECK_UINT(second(1000, MCPZ_MS(20)), 1000);
    }
}

TEST(each_window_of_waiting_turns_away_a_twentieth_more)
{
    set_up();
    CHECK_UINT(second(1000, MCPZ_MS(21)), 1000);
    unsigned before = 1000;
    for (int i = 0; i < 8; i++) {
        unsigned passed = second(1000, MCPZ_MS(21));
        CHECK(passed < before);
        CHECK(passed > before - before / 5);
        before = passed;
    }
    CHECK(before < 720);
}

TEST(the_least_important_go_first_and_the_first_class_stays)
{
    set_up();
    for (int i = 0; i < 200; i++) {
        (void)second(1000, MCPZ_MS(100));
    }
    CHECK_UINT(shedder.cut, MCPZ_SHED_BUCKETS);
    CHECK(mcpz_shedder_arrive(&shedder, now, MCPZ_SHED_BUCKETS - 1));
    CHECK(!mcpz_shedder_arrive(&shedder, now, MCPZ_SHED_BUCKETS));
}

TEST(what_callers_spare_us_counts_as_turned_away)
{
    set_up();
    for (int i = 0; i < 200; i++) {
        (void)second(1000, MCPZ_MS(100));
    }
    CHECK_UINT(shedder.cut, MCPZ_SHED_BUCKETS);
    /* Nobody is turned away here, because nothing above the cut is sent: it opens bit by bit. */
    for (int i = 0; i < 3; i++) {
        const uint16_t before = shedder.cut;
        for (unsigned call = 0; call < 100; call++) {
            now += MCPZ_MS(10);
            CHECK(mcpz_shedder_arrive(&shedder, now, 0));
            mcpz_shedder_spared(&shedder, now, 9);
        }
        CHECK(shedder.cut <= before + 2 * MCPZ_SHED_BUCKETS);
    }
    /* Nobody was spared anything any more: a calm window opens it. */
    (void)second(100, 0);
    (void)second(100, 0);
    CHECK_UINT(shedder.cut, MCPZ_SHED_LEVELS);
    /* Whatever a liar says, a window has its bounds. */
    mcpz_shedder_spared(&shedder, now, UINT32_MAX);
    shedder.cut = MCPZ_SHED_BUCKETS;
    mcpz_shedder_spared(&shedder, now, UINT32_MAX);
    CHECK(shedder.came <= 2000);
    CHECK(mcpz_shedder_arrive(&shedder, now, 0));
}

TEST(it_tells_from_which_class_on_a_bucket_is_out)
{
    set_up();
    CHECK_UINT(mcpz_shedder_turns_away(&shedder, 0), MCPZ_SHED_CLASSES);
    shedder.cut = 3 * MCPZ_SHED_BUCKETS + 5;
    CHECK_UINT(mcpz_shedder_turns_away(&shedder, 4), 4);
    CHECK_UINT(mcpz_shedder_turns_away(&shedder, 5), 3);
    shedder.cut = MCPZ_SHED_BUCKETS;
    CHECK_UINT(mcpz_shedder_turns_away(&shedder, 0), 1);
    CHECK_UINT(mcpz_shedder_turns_away(&shedder, MCPZ_SHED_BUCKETS - 1), 1);
}

TEST(five_calm_windows_bring_everybody_back)
{
    set_up();
    for (int i = 0; i < 30; i++) {
        (void)second(1000, MCPZ_MS(100));
    }
    CHECK(second(1000, MCPZ_MS(100)) < 300);
    for (int i = 0; i < 5; i++) {
        (void)second(1000, MCPZ_MS(1));
    }
    CHECK_UINT(second(1000, MCPZ_MS(1)), 1000);
}

TEST(one_window_that_turned_nobody_away_opens_at_once)
{
    set_up();
    for (int i = 0; i < 30; i++) {
        (void)second(1000, MCPZ_MS(100));
    }
    /* All that comes can start at once. */
    for (int i = 0; i < 10; i++) {
        now += MCPZ_MS(110);
        (void)mcpz_shedder_arrive(&shedder, now, MCPZ_SHED_LEVELS - 1);
        mcpz_shedder_waited(&shedder, 0, 0);
    }
    now += MCPZ_SECONDS(1);
    CHECK(mcpz_shedder_arrive(&shedder, now, MCPZ_SHED_LEVELS - 1));
}

TEST(many_calls_end_a_window_before_its_time)
{
    set_up();
    for (int i = 0; i < 2000; i++) {
        CHECK(mcpz_shedder_arrive(&shedder, now, MCPZ_SHED_LEVELS - 1));
        mcpz_shedder_waited(&shedder, MCPZ_MS(50), 0);
    }
    CHECK(!mcpz_shedder_arrive(&shedder, now, MCPZ_SHED_LEVELS - 1));
}

TEST(tasks_that_take_long_may_wait_longer)
{
    set_up();
    for (int i = 0; i < 3000; i++) {
        now += MCPZ_MS(1);
        CHECK(mcpz_shedder_arrive(&shedder, now, MCPZ_SHED_LEVELS - 1));
        mcpz_shedder_waited(&shedder, MCPZ_SECONDS(4), MCPZ_SECONDS(8));
    }
}

TEST(levels_follow_priority_and_user)
{
    CHECK_UINT(mcpz_shed_level(100, 1) / MCPZ_SHED_BUCKETS, 0);
    CHECK_UINT(mcpz_shed_level(UINT32_MAX, 1) / MCPZ_SHED_BUCKETS, 0);
    CHECK_UINT(mcpz_shed_level(0, 1) / MCPZ_SHED_BUCKETS, MCPZ_SHED_CLASSES - 1);
    CHECK(mcpz_shed_level(75, 1) > mcpz_shed_level(100, 1));
    CHECK(mcpz_shed_level(50, 1) > mcpz_shed_level(75, 1));
    CHECK(mcpz_shed_level(25, 1) > mcpz_shed_level(50, 1));
    CHECK_UINT(mcpz_shed_level(50, 1), mcpz_shed_level(50, 1));

    bool seen[MCPZ_SHED_BUCKETS] = {false};
    for (uint64_t user = 0; user < 1000; user++) {
        seen[mcpz_shed_level(100, user)] = true;
    }
    for (size_t i = 0; i < MCPZ_SHED_BUCKETS; i++) {
        CHECK(seen[i]);
    }
}

TEST_MAIN(RUN(without_waiting_everybody_passes),
          RUN(each_window_of_waiting_turns_away_a_twentieth_more),
          RUN(the_least_important_go_first_and_the_first_class_stays),
          RUN(what_callers_spare_us_counts_as_turned_away),
          RUN(it_tells_from_which_class_on_a_bucket_is_out),
          RUN(five_calm_windows_bring_everybody_back),
          RUN(one_window_that_turned_nobody_away_opens_at_once),
          RUN(many_calls_end_a_window_before_its_time), RUN(tasks_that_take_long_may_wait_longer),
          RUN(levels_follow_priority_and_user))
