#include "core/passive.h"
#include "test.h"

static struct mcpz_passive passive;
static struct mcpz_rng rng;

static struct mcpz_id node(uint8_t number)
{
    return (struct mcpz_id){.bytes = {number, 1}};
}

static void add(uint8_t number, mcpz_time heard_us)
{
    struct mcpz_id id = node(number);
    mcpz_passive_add(&passive, &id, heard_us, &rng);
}

static bool has(uint8_t number)
{
    struct mcpz_id id = node(number);
    return mcpz_passive_has(&passive, &id);
}

static void set_up(size_t capacity)
{
    mcpz_rng_init(&rng, 1);
    mcpz_passive_init(&passive, capacity);
}

TEST(a_full_view_lets_go_of_one)
{
    set_up(MCPZ_OVERLAY_PASSIVE_MAX);
    for (uint8_t i = 0; i < MCPZ_OVERLAY_PASSIVE_MAX; i++) {
        add(i, 0);
        CHECK_UINT(passive.count, i + 1U);
    }
    add(200, 0);
    CHECK_UINT(passive.count, MCPZ_OVERLAY_PASSIVE_MAX);
    CHECK(has(200));
}

TEST(a_node_is_held_once_with_its_latest_sign_of_life)
{
    set_up(3);
    add(1, MCPZ_SECONDS(5));
    add(1, MCPZ_SECONDS(9));
    add(1, MCPZ_SECONDS(7));
    CHECK_UINT(passive.count, 1);
    CHECK_UINT(passive.entries[0].heard_us, MCPZ_SECONDS(9));
}

TEST(what_was_not_heard_of_for_long_expires)
{
    set_up(3);
    add(1, 9);
    add(2, 10);
    add(3, 11);
    mcpz_passive_expire(&passive, 10);
    CHECK_UINT(passive.count, 2);
    CHECK(!has(1));
}

TEST(each_is_tried_once_a_round)
{
    struct mcpz_id id;
    bool seen[4] = {false};

    set_up(3);
    CHECK(!mcpz_passive_try(&passive, &rng, &id));
    for (uint8_t i = 1; i <= 3; i++) {
        add(i, 0);
    }
    for (size_t i = 0; i < 3; i++) {
        CHECK(mcpz_passive_try(&passive, &rng, &id));
        CHECK(!seen[id.bytes[0]]);
        seen[id.bytes[0]] = true;
    }
    CHECK(!mcpz_passive_try(&passive, &rng, &id));
    mcpz_passive_begin_round(&passive);
    CHECK(mcpz_passive_try(&passive, &rng, &id));
}

TEST(a_sample_holds_nobody_twice_and_says_their_age)
{
    struct mcpz_overlay_entry entries[8];

    set_up(6);
    CHECK_UINT(mcpz_passive_sample(&passive, 0, &rng, entries, 8), 0);
    for (uint8_t i = 0; i < 6; i++) {
        add(i, MCPZ_SECONDS(i));
    }
    CHECK_UINT(mcpz_passive_sample(&passive, MCPZ_SECONDS(10), &rng, entries, 8), 6);
    CHECK_UINT(mcpz_passive_sample(&passive, MCPZ_SECONDS(10), &rng, entries, 4), 4);
    for (size_t i = 0; i < 4; i++) {
        CHECK_UINT(entries[i].age_s, 10U - entries[i].id.bytes[0]);
        for (size_t j = 0; j < i; j++) {
            CHECK(!mcpz_id_equal(&entries[i].id, &entries[j].id));
        }
    }
}

TEST(ages_end_at_what_fits)
{
    CHECK_UINT(mcpz_passive_age_s(5, 9), 0);
    CHECK_UINT(mcpz_passive_age_s(MCPZ_TIME_NEVER, 0), UINT32_MAX);
}

TEST_MAIN(RUN(a_full_view_lets_go_of_one), RUN(a_node_is_held_once_with_its_latest_sign_of_life),
          RUN(what_was_not_heard_of_for_long_expires), RUN(each_is_tried_once_a_round),
          RUN(a_sample_holds_nobody_twice_and_says_their_age), RUN(ages_end_at_what_fits))
