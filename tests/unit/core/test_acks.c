#include "core/keeping/acks.h"
#include "test.h"

static struct mcpz_acks acks;

static struct mcpz_id id_of(uint8_t byte)
{
    struct mcpz_id id;
    memset(id.bytes, byte, sizeof(id.bytes));
    return id;
}

static struct mcpz_ack_wait *begin(enum mcpz_ack_level level)
{
    acks = (struct mcpz_acks){.count = 0};
    struct mcpz_ack_wait *wait = mcpz_acks_begin(&acks, 7);
    CHECK(wait != NULL);
    wait->level = level;
    return wait;
}

static void add(struct mcpz_ack_wait *wait, size_t set, uint8_t node)
{
    const struct mcpz_id id = id_of(node);
    mcpz_ack_wait_add(wait, set, &id);
}

static void note(struct mcpz_ack_wait *wait, uint8_t node)
{
    const struct mcpz_id id = id_of(node);
    mcpz_ack_wait_note(wait, &id);
}

TEST(each_level_wants_its_own)
{
    static const struct {
        enum mcpz_ack_level level;
        uint32_t wanted;
    } rows[] = {{MCPZ_ACK_ONE, 1}, {MCPZ_ACK_QUORUM, 2}, {MCPZ_ACK_ALL, 3}};

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(rows); i++) {
        struct mcpz_ack_wait *wait = begin(rows[i].level);
        for (uint8_t node = 1; node <= 3; node++) {
            add(wait, 0, node);
        }
        CHECK_UINT(mcpz_ack_wait_wanted(wait), rows[i].wanted);
        for (uint8_t node = 1; node <= 3; node++) {
            CHECK_UINT(mcpz_ack_wait_is_over(wait), node > rows[i].wanted);
            note(wait, node);
        }
        CHECK(mcpz_ack_wait_is_over(wait));
    }
}

TEST(who_says_it_twice_counts_once_and_strangers_do_not)
{
    struct mcpz_ack_wait *wait = begin(MCPZ_ACK_QUORUM);

    add(wait, 0, 1);
    add(wait, 0, 2);
    add(wait, 0, 3);
    note(wait, 1);
    note(wait, 1);
    note(wait, 9);
    CHECK_UINT(mcpz_ack_wait_reached(wait), 1);
    CHECK(!mcpz_ack_wait_is_over(wait));
}

TEST(a_quorum_is_wanted_in_every_live_layout)
{
    struct mcpz_ack_wait *wait = begin(MCPZ_ACK_QUORUM);

    for (uint8_t node = 1; node <= 3; node++) {
        add(wait, 0, node);
        add(wait, 1, (uint8_t)(node + 2)); /* 3, 4 and 5 */
    }
    CHECK_UINT(wait->owner_count, 5);
    note(wait, 1);
    note(wait, 2);
    CHECK(!mcpz_ack_wait_is_over(wait));
    CHECK_UINT(mcpz_ack_wait_reached(wait), 0);
    note(wait, 3); /* in both */
    CHECK(!mcpz_ack_wait_is_over(wait));
    note(wait, 5);
    CHECK(mcpz_ack_wait_is_over(wait));
}

TEST(who_has_it_has_it_also_when_owners_are_found_anew)
{
    struct mcpz_ack_wait *wait = begin(MCPZ_ACK_ALL);

    add(wait, 0, 1);
    add(wait, 0, 2);
    note(wait, 1);
    mcpz_ack_wait_replan(wait, (struct mcpz_layout_stamp){2, 1});
    CHECK_UINT(wait->owner_count, 1);
    add(wait, 0, 1);
    add(wait, 0, 3);
    CHECK_UINT(mcpz_ack_wait_reached(wait), 1);
    CHECK_UINT(mcpz_ack_wait_wanted(wait), 2);
    note(wait, 3);
    CHECK(mcpz_ack_wait_is_over(wait));
}

TEST(the_table_is_full_at_its_limit_and_knows_the_oldest)
{
    acks = (struct mcpz_acks){.count = 0};
    for (uint64_t i = 1; i <= MCPZ_ACK_WAITS_MAX; i++) {
        struct mcpz_ack_wait *wait = mcpz_acks_begin(&acks, i);
        CHECK(wait != NULL);
        wait->stamp = (struct mcpz_layout_stamp){.version = 1000 - i, .tag = 1};
        wait->until_us = 5000 + i;
        wait->ask_at_us = 9000;
    }
    CHECK(mcpz_acks_begin(&acks, 999) == NULL);
    CHECK_UINT(acks.too_many, 1);
    CHECK_UINT(mcpz_acks_oldest(&acks).version, 1000 - MCPZ_ACK_WAITS_MAX);
    CHECK_UINT(mcpz_acks_deadline(&acks), 5001);
    mcpz_acks_end(&acks, &acks.waits[0]);
    CHECK(mcpz_acks_begin(&acks, 1000) != NULL);
}

TEST(a_place_is_found_for_all_owners_of_all_layouts)
{
    struct mcpz_ack_wait *wait = begin(MCPZ_ACK_ALL);

    for (uint8_t node = 1; node <= MCPZ_OWNERS_MAX; node++) {
        add(wait, node % MCPZ_LAYOUTS_LIVE_MAX, node);
        note(wait, node);
    }
    mcpz_ack_wait_replan(wait, (struct mcpz_layout_stamp){2, 1});
    for (uint8_t node = 1; node <= MCPZ_OWNERS_MAX; node++) {
        add(wait, node % MCPZ_LAYOUTS_LIVE_MAX, (uint8_t)(100 + node));
    }
    CHECK_UINT(wait->owner_count, MCPZ_OWNERS_MAX);
    CHECK(!mcpz_ack_wait_is_over(wait));
}

TEST_MAIN(RUN(each_level_wants_its_own), RUN(who_says_it_twice_counts_once_and_strangers_do_not),
          RUN(a_quorum_is_wanted_in_every_live_layout),
          RUN(who_has_it_has_it_also_when_owners_are_found_anew),
          RUN(the_table_is_full_at_its_limit_and_knows_the_oldest),
          RUN(a_place_is_found_for_all_owners_of_all_layouts))
