#include <math.h>

#include "core/suspicion.h"
#include "test.h"

static struct mcpz_suspicions suspicions;

static struct mcpz_short observer(uint32_t number)
{
    return (struct mcpz_short){number};
}

static void set_up(size_t max)
{
    static _Alignas(16) uint8_t memory[MCPZ_SUSPICIONS_MAX * 128];
    struct mcpz_arena arena;

    CHECK(mcpz_suspicions_bytes(max) <= sizeof(memory));
    mcpz_arena_init(&arena, memory, mcpz_suspicions_bytes(max));
    mcpz_suspicions_init(&suspicions, max, &arena);
}

static struct mcpz_suspicion_case *open_one(void)
{
    set_up(4);
    return mcpz_suspicions_get(&suspicions, mcpz_suspicions_open(&suspicions, 7));
}

/* ---- Cases -------------------------------------------------------------------------------- */

TEST(cases_are_bounded_and_used_again)
{
    uint8_t handles[3];

    set_up(3);
    for (size_t i = 0; i < 3; i++) {
        handles[i] = mcpz_suspicions_open(&suspicions, 5);
        CHECK(handles[i] != 0);
        for (size_t j = 0; j < i; j++) {
            CHECK(handles[i] != handles[j]);
        }
    }
    CHECK_UINT(mcpz_suspicions_open(&suspicions, 5), 0);
    CHECK_UINT(suspicions.count, 3);
    CHECK(mcpz_suspicion_add(mcpz_suspicions_get(&suspicions, handles[1]), observer(1),
                             MCPZ_SUSPICION_LATE));
    mcpz_suspicions_close(&suspicions, handles[1]);
    CHECK_UINT(suspicions.count, 2);
    CHECK_UINT(mcpz_suspicions_open(&suspicions, 9), handles[1]);
    const struct mcpz_suspicion_case *fresh = mcpz_suspicions_get(&suspicions, handles[1]);
    CHECK_UINT(fresh->observer_count, 0);
    CHECK_UINT(fresh->first_us, 9);
}

TEST(no_handle_is_no_case)
{
    set_up(1);
    CHECK(mcpz_suspicions_get(&suspicions, 0) == NULL);
}

/* ---- Observers ---------------------------------------------------------------------------- */

TEST(an_observer_counts_once)
{
    struct mcpz_suspicion_case *one = open_one();

    CHECK(mcpz_suspicion_add(one, observer(1), MCPZ_SUSPICION_SILENT));
    CHECK(!mcpz_suspicion_add(one, observer(1), MCPZ_SUSPICION_SILENT));
    CHECK(!mcpz_suspicion_add(one, observer(1), MCPZ_SUSPICION_CLOSED)); /* as strong */
    CHECK_UINT(one->observer_count, 1);
    CHECK(mcpz_suspicion_is_by(one, observer(1)));
    CHECK(!mcpz_suspicion_is_by(one, observer(2)));
    CHECK(mcpz_suspicion_add(one, observer(2), MCPZ_SUSPICION_LATE));
    CHECK_UINT(one->observer_count, 2);
}

TEST(its_strongest_reason_counts)
{
    static const enum mcpz_suspicion stronger[] = {
        MCPZ_SUSPICION_RUMOUR, MCPZ_SUSPICION_LATE,   MCPZ_SUSPICION_UNREACHABLE,
        MCPZ_SUSPICION_PROBE,  MCPZ_SUSPICION_CLOSED, MCPZ_SUSPICION_REFUSED};
    struct mcpz_suspicion_case *one = open_one();

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(stronger); i++) {
        CHECK(mcpz_suspicion_add(one, observer(1), stronger[i]));
        CHECK_UINT(mcpz_suspicion_count(one, stronger[i]), 1);
        for (size_t j = 0; j <= i; j++) {
            CHECK(!mcpz_suspicion_add(one, observer(1), stronger[j]));
        }
    }
    CHECK_UINT(one->observer_count, 1);
    CHECK_UINT(mcpz_suspicion_count(one, MCPZ_SUSPICION_REFUSED), 1);
}

TEST(observers_are_bounded)
{
    struct mcpz_suspicion_case *one = open_one();

    for (uint32_t i = 0; i < MCPZ_OBSERVERS_MAX; i++) {
        CHECK(mcpz_suspicion_add(one, observer(i + 1), MCPZ_SUSPICION_LATE));
    }
    CHECK(!mcpz_suspicion_add(one, observer(100), MCPZ_SUSPICION_REFUSED));
    CHECK_UINT(one->observer_count, MCPZ_OBSERVERS_MAX);
    CHECK(mcpz_suspicion_add(one, observer(MCPZ_OBSERVERS_MAX), MCPZ_SUSPICION_REFUSED));
    CHECK_UINT(mcpz_suspicion_count(one, MCPZ_SUSPICION_REFUSED), 1);
}

TEST(hearsay_gives_way_to_who_has_seen_it)
{
    struct mcpz_suspicion_case *one = open_one();

    CHECK(mcpz_suspicion_add(one, observer(50), MCPZ_SUSPICION_RUMOUR));
    for (uint32_t i = 1; i < MCPZ_OBSERVERS_MAX; i++) {
        CHECK(mcpz_suspicion_add(one, observer(i), MCPZ_SUSPICION_LATE));
    }
    CHECK(!mcpz_suspicion_add(one, observer(60), MCPZ_SUSPICION_RUMOUR));
    CHECK(mcpz_suspicion_is_by(one, observer(50)));
    CHECK(mcpz_suspicion_add(one, observer(60), MCPZ_SUSPICION_LATE));
    CHECK(!mcpz_suspicion_is_by(one, observer(50)));
    CHECK(mcpz_suspicion_is_by(one, observer(60)));
    CHECK_UINT(one->observer_count, MCPZ_OBSERVERS_MAX);
    CHECK(!mcpz_suspicion_add(one, observer(70), MCPZ_SUSPICION_SILENT));
}

TEST(what_is_withdrawn_counts_no_more)
{
    struct mcpz_suspicion_case *one = open_one();

    CHECK(mcpz_suspicion_add(one, observer(1), MCPZ_SUSPICION_LATE));
    CHECK(mcpz_suspicion_add(one, observer(2), MCPZ_SUSPICION_REFUSED));
    CHECK(mcpz_suspicion_add(one, observer(3), MCPZ_SUSPICION_CLOSED));
    mcpz_suspicion_withdraw(one, observer(1));
    mcpz_suspicion_withdraw(one, observer(9)); /* it has said nothing */
    CHECK_UINT(one->observer_count, 2);
    CHECK(!mcpz_suspicion_is_by(one, observer(1)));
    CHECK_UINT(mcpz_suspicion_count(one, MCPZ_SUSPICION_REFUSED), 1);
    CHECK_UINT(mcpz_suspicion_count(one, MCPZ_SUSPICION_CLOSED), 1);
    CHECK(mcpz_suspicion_add(one, observer(1), MCPZ_SUSPICION_RUMOUR)); /* it may speak again */
}

TEST(who_only_waits_or_heard_of_it_has_not_lost_it)
{
    struct mcpz_suspicion_case *one = open_one();

    CHECK(mcpz_suspicion_add(one, observer(1), MCPZ_SUSPICION_LATE));
    CHECK(mcpz_suspicion_add(one, observer(2), MCPZ_SUSPICION_RUMOUR));
    CHECK(mcpz_suspicion_add(one, observer(3), MCPZ_SUSPICION_PROBE));
    CHECK_UINT(mcpz_suspicion_count_lost(one), 0);
    CHECK(mcpz_suspicion_add(one, observer(4), MCPZ_SUSPICION_SILENT));
    CHECK(mcpz_suspicion_add(one, observer(5), MCPZ_SUSPICION_CLOSED));
    CHECK(mcpz_suspicion_add(one, observer(6), MCPZ_SUSPICION_REFUSED));
    CHECK_UINT(mcpz_suspicion_count_lost(one), 3);
}

/* ---- Grace -------------------------------------------------------------------------------- */

/* Lifeguard, section 4.2, in floating point: alpha 4, beta 6, K 2. */
static double grace_of_the_paper(size_t alive, size_t confirmations)
{
    double least = 4.0 * fmax(1.0, log10((double)alive));
    double most = 6.0 * least;
    double share = log((double)confirmations + 1.0) / log(2.0 + 1.0);

    return fmax(least, most - (most - least) * share);
}

TEST(grace_is_that_of_the_formula)
{
    for (size_t alive = 2; alive <= 1024; alive++) {
        for (size_t observers = 1; observers <= MCPZ_OBSERVERS_MAX; observers++) {
            size_t confirmations = observers - 1 < 2 ? observers - 1 : 2;
            double wanted_s = grace_of_the_paper(alive, confirmations);
            double grace_s = (double)mcpz_suspicion_grace(alive, observers, MCPZ_OBSERVERS_MAX,
                                                          MCPZ_SECONDS(1)) /
                             (double)MCPZ_SECONDS(1);
            CHECK(fabs(grace_s - wanted_s) <= 0.04 * wanted_s); /* logarithms are not exact */
        }
    }
}

TEST(grace_never_grows_with_observers_nor_shrinks_with_members)
{
    mcpz_time before_us[5] = {0};

    for (size_t alive = 0; alive <= 1100; alive++) {
        mcpz_time last_us = MCPZ_TIME_NEVER;
        for (size_t observers = 1; observers <= 4; observers++) {
            mcpz_time grace_us = mcpz_suspicion_grace(alive, observers, 4, MCPZ_SECONDS(1));
            CHECK(grace_us <= last_us);
            CHECK(grace_us >= before_us[observers]);
            CHECK(grace_us > 0);
            before_us[observers] = last_us = grace_us;
        }
    }
}

TEST(all_there_are_is_enough)
{
    const mcpz_time unit_us = MCPZ_SECONDS(1);
    mcpz_time least_us = mcpz_suspicion_grace(64, 3, 6, unit_us);

    CHECK_UINT(mcpz_suspicion_grace(64, 6, 6, unit_us), least_us);
    CHECK_UINT(mcpz_suspicion_grace(64, 2, 2, unit_us), least_us);
    CHECK_UINT(mcpz_suspicion_grace(64, 1, 1, unit_us), least_us);
    CHECK(mcpz_suspicion_grace(64, 1, 2, unit_us) > least_us);
    CHECK(mcpz_suspicion_grace(64, 2, 3, unit_us) > least_us);
    CHECK(mcpz_suspicion_grace(64, 2, 3, unit_us) < mcpz_suspicion_grace(64, 1, 3, unit_us));
}

TEST(grace_is_in_units)
{
    CHECK_UINT(mcpz_suspicion_grace(64, 1, 3, MCPZ_SECONDS(2)),
               2 * mcpz_suspicion_grace(64, 1, 3, MCPZ_SECONDS(1)));
}

TEST(every_reason_has_a_word)
{
    for (uint32_t i = 1; i < MCPZ_SUSPICION_END; i++) {
        CHECK(mcpz_suspicion_word(i)[0] != '\0');
    }
    CHECK_TEXT(mcpz_suspicion_word(0), "");
    CHECK_TEXT(mcpz_suspicion_word(MCPZ_SUSPICION_END), "");
    CHECK_TEXT(mcpz_suspicion_word(MCPZ_SUSPICION_REFUSED), "refused");
}

TEST_MAIN(RUN(cases_are_bounded_and_used_again), RUN(no_handle_is_no_case),
          RUN(an_observer_counts_once), RUN(its_strongest_reason_counts),
          RUN(observers_are_bounded), RUN(hearsay_gives_way_to_who_has_seen_it),
          RUN(what_is_withdrawn_counts_no_more),
          RUN(who_only_waits_or_heard_of_it_has_not_lost_it), RUN(grace_is_that_of_the_formula),
          RUN(grace_never_grows_with_observers_nor_shrinks_with_members),
          RUN(all_there_are_is_enough), RUN(grace_is_in_units), RUN(every_reason_has_a_word))
