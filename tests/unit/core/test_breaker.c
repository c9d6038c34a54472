#include "core/router/breaker.h"
#include "test.h"

#define START MCPZ_SECONDS(1000)

static struct mcpz_breaker breaker;

static void fail_times(size_t count, mcpz_time at_us)
{
    for (size_t i = 0; i < count; i++) {
        mcpz_breaker_failed(&breaker, at_us, false);
    }
}

static void succeed_times(size_t count, mcpz_time at_us)
{
    for (size_t i = 0; i < count; i++) {
        mcpz_breaker_succeeded(&breaker, at_us, false);
    }
}

/* One that has just become half open, and when. */
static mcpz_time half_open(void)
{
    mcpz_breaker_init(&breaker);
    fail_times(MCPZ_BREAKER_FAILURES, START);
    CHECK(!mcpz_breaker_lets_pass(&breaker, START));
    return START + MCPZ_BREAKER_OPEN_US;
}

TEST(five_failures_in_a_minute_open_it)
{
    mcpz_breaker_init(&breaker);
    for (size_t i = 0; i < MCPZ_BREAKER_FAILURES; i++) {
        CHECK_UINT(mcpz_breaker_state(&breaker, START), MCPZ_BREAKER_CLOSED);
        CHECK(mcpz_breaker_lets_pass(&breaker, START));
        mcpz_breaker_failed(&breaker, START + MCPZ_SECONDS(10) * i, false);
    }
    CHECK_UINT(mcpz_breaker_state(&breaker, START + MCPZ_SECONDS(40)), MCPZ_BREAKER_OPEN);
    CHECK(!mcpz_breaker_lets_pass(&breaker, START + MCPZ_SECONDS(40)));
}

TEST(failures_of_more_than_a_minute_ago_do_not_count)
{
    mcpz_breaker_init(&breaker);
    fail_times(MCPZ_BREAKER_FAILURES - 1, START);
    fail_times(1, START + MCPZ_BREAKER_WINDOW_US);
    CHECK_UINT(mcpz_breaker_state(&breaker, START + MCPZ_BREAKER_WINDOW_US), MCPZ_BREAKER_CLOSED);
}

TEST(five_of_more_than_fifty_are_none)
{
    mcpz_breaker_init(&breaker);
    succeed_times(46, START);
    fail_times(5, START);
    CHECK_UINT(mcpz_breaker_state(&breaker, START), MCPZ_BREAKER_CLOSED);

    mcpz_breaker_init(&breaker);
    succeed_times(45, START);
    fail_times(5, START);
    CHECK_UINT(mcpz_breaker_state(&breaker, START), MCPZ_BREAKER_OPEN);
}

TEST(more_than_half_of_twenty_within_ten_seconds_open_it)
{
    mcpz_breaker_init(&breaker);
    succeed_times(1000, START); /* well until now */
    mcpz_time later = START + MCPZ_BREAKER_FAST_WINDOW_US;
    succeed_times(10, later);
    fail_times(10, later);
    CHECK_UINT(mcpz_breaker_state(&breaker, later), MCPZ_BREAKER_CLOSED);
    fail_times(1, later);
    CHECK_UINT(mcpz_breaker_state(&breaker, later), MCPZ_BREAKER_OPEN);

    mcpz_breaker_init(&breaker);
    succeed_times(1000, START);
    fail_times(19, later);
    CHECK_UINT(mcpz_breaker_state(&breaker, later), MCPZ_BREAKER_CLOSED);
    fail_times(1, later);
    CHECK_UINT(mcpz_breaker_state(&breaker, later), MCPZ_BREAKER_OPEN);
}

TEST(after_half_a_minute_three_trials_may_pass)
{
    const mcpz_time then = half_open();

    CHECK(!mcpz_breaker_lets_pass(&breaker, then - 1));
    CHECK_UINT(mcpz_breaker_opens_at(&breaker), then);
    for (size_t i = 0; i < MCPZ_BREAKER_TRIALS; i++) {
        CHECK_UINT(mcpz_breaker_state(&breaker, then), MCPZ_BREAKER_HALF_OPEN);
        CHECK(mcpz_breaker_lets_pass(&breaker, then));
        CHECK(mcpz_breaker_begin(&breaker, then));
    }
    CHECK(!mcpz_breaker_lets_pass(&breaker, then));
}

TEST(three_good_trials_close_it)
{
    const mcpz_time then = half_open();

    for (size_t i = 0; i < MCPZ_BREAKER_TRIALS; i++) {
        CHECK_UINT(mcpz_breaker_state(&breaker, then), MCPZ_BREAKER_HALF_OPEN);
        mcpz_breaker_succeeded(&breaker, then, mcpz_breaker_begin(&breaker, then));
    }
    CHECK_UINT(mcpz_breaker_state(&breaker, then), MCPZ_BREAKER_CLOSED);
    fail_times(MCPZ_BREAKER_FAILURES - 1, then); /* what was before is forgotten */
    CHECK_UINT(mcpz_breaker_state(&breaker, then), MCPZ_BREAKER_CLOSED);
}

TEST(a_bad_trial_opens_it_for_twice_as_long_up_to_two_minutes)
{
    mcpz_time then = half_open();
    const mcpz_time waits[] = {MCPZ_SECONDS(60), MCPZ_SECONDS(120), MCPZ_SECONDS(120)};

    for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
        mcpz_breaker_failed(&breaker, then, mcpz_breaker_begin(&breaker, then));
        CHECK_UINT(mcpz_breaker_opens_at(&breaker), then + waits[i]);
        then += waits[i];
    }
}

TEST(a_trial_that_says_nothing_makes_room_for_another)
{
    const mcpz_time then = half_open();

    for (size_t i = 0; i < 10; i++) {
        mcpz_breaker_forget(&breaker, mcpz_breaker_begin(&breaker, then));
    }
    CHECK_UINT(mcpz_breaker_state(&breaker, then), MCPZ_BREAKER_HALF_OPEN);
    CHECK(mcpz_breaker_lets_pass(&breaker, then));
}

TEST(trials_that_last_do_not_bar_others_for_ever)
{
    const mcpz_time then = half_open();

    for (size_t i = 0; i < MCPZ_BREAKER_TRIALS; i++) {
        CHECK(mcpz_breaker_begin(&breaker, then));
    }
    CHECK_UINT(mcpz_breaker_opens_at(&breaker), then + MCPZ_BREAKER_TRIAL_US);
    CHECK(!mcpz_breaker_lets_pass(&breaker, then + MCPZ_BREAKER_TRIAL_US - 1));
    for (size_t i = 0; i < MCPZ_BREAKER_TRIALS; i++) {
        CHECK(mcpz_breaker_lets_pass(&breaker, then + MCPZ_BREAKER_TRIAL_US));
        CHECK(mcpz_breaker_begin(&breaker, then + MCPZ_BREAKER_TRIAL_US));
    }
    CHECK(!mcpz_breaker_lets_pass(&breaker, then + MCPZ_BREAKER_TRIAL_US));
    for (size_t i = 0; i < MCPZ_BREAKER_TRIALS; i++) {
        mcpz_breaker_succeeded(&breaker, then + MCPZ_BREAKER_TRIAL_US, true);
    }
    CHECK_UINT(mcpz_breaker_state(&breaker, then + MCPZ_BREAKER_TRIAL_US), MCPZ_BREAKER_CLOSED);
    mcpz_breaker_forget(&breaker, true); /* one of the first three */
    CHECK(mcpz_breaker_lets_pass(&breaker, then + MCPZ_BREAKER_TRIAL_US));
}

TEST(what_was_sent_before_it_opened_is_no_trial)
{
    const mcpz_time then = half_open();

    mcpz_breaker_failed(&breaker, then, false);
    CHECK_UINT(mcpz_breaker_state(&breaker, then), MCPZ_BREAKER_HALF_OPEN);
    succeed_times(MCPZ_BREAKER_TRIALS, then);
    CHECK_UINT(mcpz_breaker_state(&breaker, then), MCPZ_BREAKER_HALF_OPEN);
}

TEST(it_opens_at_once_when_it_is_known_otherwise)
{
    mcpz_breaker_init(&breaker);
    mcpz_breaker_trip(&breaker, START);
    CHECK_UINT(mcpz_breaker_state(&breaker, START), MCPZ_BREAKER_OPEN);
    CHECK_UINT(mcpz_breaker_opens_at(&breaker), START + MCPZ_BREAKER_OPEN_US);
}

TEST(each_state_has_a_word)
{
    CHECK_TEXT(mcpz_breaker_word(MCPZ_BREAKER_CLOSED), "closed");
    CHECK_TEXT(mcpz_breaker_word(MCPZ_BREAKER_OPEN), "open");
    CHECK_TEXT(mcpz_breaker_word(MCPZ_BREAKER_HALF_OPEN), "half-open");
}

TEST_MAIN(RUN(five_failures_in_a_minute_open_it),
          RUN(failures_of_more_than_a_minute_ago_do_not_count),
          RUN(five_of_more_than_fifty_are_none),
          RUN(more_than_half_of_twenty_within_ten_seconds_open_it),
          RUN(after_half_a_minute_three_trials_may_pass), RUN(three_good_trials_close_it),
          RUN(a_bad_trial_opens_it_for_twice_as_long_up_to_two_minutes),
          RUN(a_trial_that_says_nothing_makes_room_for_another),
          RUN(trials_that_last_do_not_bar_others_for_ever),
          RUN(what_was_sent_before_it_opened_is_no_trial),
          RUN(it_opens_at_once_when_it_is_known_otherwise), RUN(each_state_has_a_word))
