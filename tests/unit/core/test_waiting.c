#include "base/rng.h"
#include "core/gate/waiting.h"
#include "test.h"

#define ALL UINT64_MAX

static struct mcpz_waiting waiting;
static struct mcpz_tenant tenants[4];
static struct mcpz_waiting_entry gone;

static void set_up(void)
{
    waiting = (struct mcpz_waiting){0};
    memset(tenants, 0, sizeof(tenants));
}

static void add(uint32_t handle, uint8_t class, size_t tenant)
{
    mcpz_waiting_add(&waiting, &(struct mcpz_waiting_entry){
                                   .handle = handle,
                                   .class = class,
                                   .tenant = &tenants[tenant],
                                   .cost = 10,
                                   .start_by_us = MCPZ_TIME_NEVER,
                               });
    tenants[tenant].under_way++;
}

/* Of the first 64 lanes those whose bit is set; of the others all, if there are all. */
static uint32_t take(uint64_t lanes)
{
    struct mcpz_lane_set set = {.words = {lanes}};

    for (size_t i = 1; i < MCPZ_ARRAY_LEN(set.words); i++) {
        set.words[i] = lanes == ALL ? ALL : 0;
    }
    return mcpz_waiting_take(&waiting, &set, &gone) ? gone.handle : UINT32_MAX;
}

TEST(first_by_class_then_first_come)
{
    set_up();
    add(1, 3, 0);
    add(2, 0, 0);
    add(3, 3, 0);
    add(4, 7, 0);
    add(5, 0, 0);
    const uint32_t order[] = {2, 5, 1, 3, 4};
    for (size_t i = 0; i < 5; i++) {
        CHECK_UINT(take(ALL), order[i]);
    }
    CHECK_UINT(take(ALL), UINT32_MAX);
}

TEST(a_tenant_with_many_gets_no_more_than_one_with_few)
{
    set_up();
    for (uint32_t i = 0; i < 100; i++) {
        add(i, 1, 0);
    }
    for (uint32_t i = 0; i < 10; i++) {
        add(100 + i, 1, 1);
    }
    unsigned few = 0;
    for (int i = 0; i < 21; i++) {
        few += take(ALL) >= 100;
    }
    CHECK_UINT(few, 10);
}

TEST(who_starts_before_a_newcomer_is_counted_by_turns)
{
    set_up();
    for (uint32_t i = 0; i < 8; i++) {
        add(i, 1, 0);
    }
    add(8, 3, 0);
    CHECK_UINT(mcpz_waiting_ahead(&waiting, 0, 1, NULL), 9);
    CHECK_UINT(mcpz_waiting_ahead(&waiting, 0, 1, &tenants[0]), 8);
    CHECK_UINT(mcpz_waiting_ahead(&waiting, 0, 1, &tenants[1]), 1); /* the two take turns */
    CHECK_UINT(mcpz_waiting_ahead(&waiting, 0, 0, &tenants[0]), 0);
    CHECK_UINT(mcpz_waiting_ahead(&waiting, 0, 7, &tenants[1]), 9);
    CHECK_UINT(mcpz_waiting_ahead(&waiting, 1, 7, &tenants[1]), 0);
    /* It is as it was said: its turn is the second. */
    add(9, 1, 1);
    CHECK_UINT(take(ALL), 0);
    CHECK_UINT(take(ALL), 9);
}

static size_t waiting_of(size_t tenant)
{
    size_t count = 0;
    for (size_t i = 0; i < waiting.count; i++) {
        count += waiting.entries[i].tenant == &tenants[tenant];
    }
    return count;
}

/* The one that floods comes all the time, the other now and then: it never waits for more than
 * the one in front of it. */
TEST(flooding_starves_nobody)
{
    unsigned served[2] = {0, 0};

    set_up();
    for (uint32_t turn = 0; turn < 1000; turn++) {
        while (waiting.count < 100) {
            add(0, 1, 0);
        }
        if (turn % 4 == 0) {
            add(1, 1, 1);
        }
        served[take(ALL)]++;
        CHECK(waiting_of(1) <= 1);
    }
    CHECK(served[1] >= 249);
    CHECK_UINT(served[0] + served[1], 1000);
}

/* Nobody saves up turns by being away, and nobody pays for what never started. */
TEST(turns_are_neither_saved_nor_owed)
{
    set_up();
    for (uint32_t i = 0; i < 50; i++) {
        add(0, 1, 0);
        (void)take(ALL);
    }
    for (uint32_t i = 0; i < 50; i++) {
        add(9, 1, 1);
        CHECK(mcpz_waiting_remove(&waiting, 9));
    }
    for (uint32_t i = 0; i < 6; i++) {
        add(0, 1, 0);
        add(1, 1, 1);
    }
    unsigned first = 0;
    for (int i = 0; i < 6; i++) {
        first += take(ALL) == 0;
    }
    CHECK_UINT(first, 3);
}

TEST(only_lanes_that_are_asked_for_are_served)
{
    set_up();
    add(1, 0, 0);
    waiting.entries[0].lane = 5;
    CHECK_UINT(take(~(UINT64_C(1) << 5)), UINT32_MAX);
    add(2, 7, 0);
    CHECK_UINT(take(~(UINT64_C(1) << 5)), 2);
    CHECK_UINT(take(UINT64_C(1) << 5), 1);
}

TEST(what_is_too_late_is_taken_out)
{
    set_up();
    add(1, 0, 0);
    add(2, 0, 0);
    waiting.entries[1].start_by_us = 50;
    CHECK_UINT(mcpz_waiting_deadline(&waiting), 50);
    CHECK(!mcpz_waiting_expire(&waiting, 49, &gone));
    CHECK(mcpz_waiting_expire(&waiting, 50, &gone));
    CHECK_UINT(gone.handle, 2);
    CHECK(!mcpz_waiting_expire(&waiting, 50, &gone));
    CHECK_UINT(mcpz_waiting_deadline(&waiting), MCPZ_TIME_NEVER);
}

TEST(a_call_that_is_gone_leaves_its_place)
{
    set_up();
    add(1, 0, 0);
    add(2, 0, 0);
    CHECK(mcpz_waiting_remove(&waiting, 1));
    CHECK(!mcpz_waiting_remove(&waiting, 1));
    CHECK_UINT(take(ALL), 2);
}

TEST(the_less_important_gives_way)
{
    set_up();
    add(1, 1, 0);
    add(2, 5, 0);
    add(3, 5, 0);
    CHECK(mcpz_waiting_give_way(&waiting, 0, 1, &tenants[1], &gone));
    CHECK_UINT(gone.handle, 3);
    CHECK(!mcpz_waiting_give_way(&waiting, 0, 6, &tenants[1], &gone));
    CHECK(!mcpz_waiting_give_way(&waiting, 1, 1, &tenants[1], &gone));
}

TEST(of_equals_who_has_most_under_way_gives_way)
{
    set_up();
    add(1, 1, 0);
    add(2, 1, 0);
    add(3, 1, 0);
    add(4, 1, 1);
    CHECK(mcpz_waiting_give_way(&waiting, 0, 1, &tenants[1], &gone));
    CHECK_UINT(gone.handle, 3);
    tenants[0].under_way--;
    /* 2 of each if one more of the other gets in: no better claim. */
    CHECK(!mcpz_waiting_give_way(&waiting, 0, 1, &tenants[1], &gone));
    CHECK(!mcpz_waiting_give_way(&waiting, 0, 1, &tenants[0], &gone));
}

static void check_order(void)
{
    for (size_t i = 1; i < waiting.count; i++) {
        const struct mcpz_waiting_entry *a = &waiting.entries[i - 1];
        const struct mcpz_waiting_entry *b = &waiting.entries[i];
        CHECK(a->class < b->class || (a->class == b->class && a->tag <= b->tag));
    }
}

TEST(whatever_happens_the_order_holds)
{
    struct mcpz_rng rng;

    set_up();
    mcpz_rng_init(&rng, 11);
    for (unsigned i = 0; i < 20000; i++) {
        uint32_t what = mcpz_rng_below(&rng, 8);
        if (what < 4 && waiting.count < MCPZ_GATE_WAITING_MAX) {
            add(i, (uint8_t)mcpz_rng_below(&rng, 3), mcpz_rng_below(&rng, 4));
        } else if (what == 4) {
            (void)mcpz_waiting_give_way(&waiting, 0, (uint8_t)mcpz_rng_below(&rng, 3),
                                        &tenants[mcpz_rng_below(&rng, 4)], &gone);
        } else if (what == 5 && waiting.count > 0) {
            uint32_t handle =
                waiting.entries[mcpz_rng_below(&rng, (uint32_t)waiting.count)].handle;
            CHECK(mcpz_waiting_remove(&waiting, handle));
        } else {
            (void)take(ALL);
        }
        check_order();
    }
}

TEST(any_lane_can_be_in_a_set)
{
    for (unsigned lane = 0; lane < MCPZ_LANES_MAX; lane++) {
        struct mcpz_lane_set set = {.words = {0}};
        mcpz_lane_set_add(&set, (uint8_t)lane);
        for (unsigned other = 0; other < MCPZ_LANES_MAX; other++) {
            CHECK(mcpz_lane_set_has(&set, (uint8_t)other) == (other == lane));
        }
    }
    set_up();
    add(7, 0, 0);
    waiting.entries[0].lane = MCPZ_LANES_MAX - 1;
    CHECK_UINT(take(1), UINT32_MAX);
    CHECK_UINT(take(ALL), 7);
}

TEST_MAIN(RUN(any_lane_can_be_in_a_set), RUN(first_by_class_then_first_come),
          RUN(a_tenant_with_many_gets_no_more_than_one_with_few), RUN(flooding_starves_nobody),
          RUN(who_starts_before_a_newcomer_is_counted_by_turns),
          RUN(turns_are_neither_saved_nor_owed), RUN(only_lanes_that_are_asked_for_are_served),
          RUN(what_is_too_late_is_taken_out), RUN(a_call_that_is_gone_leaves_its_place),
          RUN(the_less_important_gives_way), RUN(of_equals_who_has_most_under_way_gives_way),
          RUN(whatever_happens_the_order_holds))
