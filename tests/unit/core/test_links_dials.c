/* How links come to be: nodes we try to reach, and seeds. */

#include "links_world.h"

static void reach(uint8_t peer, const char *address)
{
    const struct mcpz_id id = node(peer);
    mcpz_outbox_clear(&out);
    mcpz_links_reach(&links, now, &id, mcpz_text(address), &out);
}

static void dial_failed(const char *address, bool refused)
{
    (void)step((struct mcpz_event){.kind = MCPZ_EVENT_DIAL_FAILED,
                                   .seed = {.address = mcpz_text(address), .refused = refused}});
}

static void add_seed(const char *address)
{
    (void)step(
        (struct mcpz_event){.kind = MCPZ_EVENT_SEED, .seed = {.address = mcpz_text(address)}});
}

static void link_up_at(uint8_t peer, const char *address)
{
    (void)step((struct mcpz_event){
        .kind = MCPZ_EVENT_LINK_UP,
        .link = {.peer = node(peer), .address = mcpz_text(address), .dialled = true}});
}

/* ---- Nodes -------------------------------------------------------------------------------- */

TEST(who_is_to_be_reached_is_dialled_and_must_be_it)
{
    set_up();
    reach(1, "one:1");
    const struct mcpz_action *dial = only_action(MCPZ_ACTION_DIAL);
    CHECK_BYTES(dial->dial.address, "one:1", 5);
    CHECK_UINT(dial->dial.expected.bytes[0], 1);
    reach(1, "one:1"); /* it is under way */
    CHECK_UINT(out.count, 0);
    link_up_at(1, "one:1");
    CHECK_UINT(told(MCPZ_FACT_LINKED), 1);
    CHECK_UINT(told(MCPZ_FACT_UNREACHABLE), 0);
    CHECK_UINT(links.dials.node_count, 0);
    CHECK(link_of(1)->dialled);
}

TEST(a_dial_that_fails_says_how)
{
    set_up();
    reach(1, "one:1");
    reach(2, "two:1");
    dial_failed("two:1", false);
    CHECK_UINT(told(MCPZ_FACT_UNREACHABLE), 2);
    CHECK_UINT(reason_of(MCPZ_FACT_UNREACHABLE), MCPZ_UNREACHABLE_SILENT);
    dial_failed("one:1", true);
    CHECK_UINT(told(MCPZ_FACT_UNREACHABLE), 1);
    CHECK_UINT(reason_of(MCPZ_FACT_UNREACHABLE), MCPZ_UNREACHABLE_REFUSED);
    dial_failed("one:1", true); /* nobody waits for it */
    CHECK_UINT(out.count, 0);
}

TEST(a_dial_nobody_answers_ends_in_time)
{
    set_up();
    reach(1, "one:1");
    mcpz_time until_us = mcpz_links_deadline(&links);
    CHECK(until_us < MCPZ_TIME_NEVER);
    tick_at(until_us - 1);
    CHECK_UINT(out.count, 0);
    tick_at(until_us);
    CHECK_UINT(told(MCPZ_FACT_UNREACHABLE), 1);
    CHECK_UINT(reason_of(MCPZ_FACT_UNREACHABLE), MCPZ_UNREACHABLE_SILENT);
    CHECK_UINT(mcpz_links_deadline(&links), MCPZ_TIME_NEVER);
    reach(1, "one:1"); /* it may be tried again */
    CHECK_UINT(count_actions(MCPZ_ACTION_DIAL), 1);
}

TEST(who_has_no_address_we_can_use_is_unreachable_at_once)
{
    set_up();
    reach(1, "");
    CHECK_UINT(reason_of(MCPZ_FACT_UNREACHABLE), MCPZ_UNREACHABLE_NO_ADDRESS);
    CHECK_UINT(count_actions(MCPZ_ACTION_DIAL), 0);
    reach(1, "0123456789abcdef"); /* no room for its end */
    CHECK_UINT(reason_of(MCPZ_FACT_UNREACHABLE), MCPZ_UNREACHABLE_NO_ADDRESS);
    reach(1, "0123456789abcde");
    CHECK_UINT(count_actions(MCPZ_ACTION_DIAL), 1);
}

TEST(dials_are_bounded)
{
    static const char *const addresses[] = {"a:1", "b:1", "c:1", "d:1"};

    set_up_as(8, 4, 4);
    for (uint8_t i = 0; i < 4; i++) {
        reach((uint8_t)(1 + i), addresses[i]);
        CHECK_UINT(count_actions(MCPZ_ACTION_DIAL), 1);
    }
    reach(9, "e:1");
    CHECK_UINT(reason_of(MCPZ_FACT_UNREACHABLE), MCPZ_UNREACHABLE_BUSY);
    CHECK_UINT(links.dials.dropped, 1);
    dial_failed("b:1", false);
    reach(9, "e:1");
    CHECK_UINT(count_actions(MCPZ_ACTION_DIAL), 1);
    /* Texts stay with their dials when one in their middle ends. */
    dial_failed("e:1", true);
    CHECK_UINT(told(MCPZ_FACT_UNREACHABLE), 9);
    dial_failed("d:1", true);
    CHECK_UINT(told(MCPZ_FACT_UNREACHABLE), 4);
}

TEST(two_nodes_sought_at_one_address_fail_together)
{
    set_up();
    reach(1, "nat:1");
    reach(2, "nat:1");
    dial_failed("nat:1", true);
    size_t at = 0;
    size_t count = 0;
    while (next_action(MCPZ_ACTION_FACT, &at) != NULL) {
        count++;
    }
    CHECK_UINT(count, 2);
    CHECK_UINT(links.dials.node_count, 0);
}

TEST(who_dialled_us_meanwhile_is_not_unreachable)
{
    set_up();
    reach(1, "one:1");
    link_up(1);
    CHECK_UINT(links.dials.node_count, 0);
    dial_failed("one:1", false);
    CHECK_UINT(out.count, 0);
}

TEST(who_leaves_dials_nobody)
{
    set_up();
    add_seed("seed:1");
    (void)step((struct mcpz_event){.kind = MCPZ_EVENT_LEAVE});
    reach(1, "one:1");
    CHECK_UINT(count_actions(MCPZ_ACTION_DIAL), 0);
    CHECK_UINT(told(MCPZ_FACT_UNREACHABLE), 1);
    tick();
    CHECK_UINT(out.count, 0);
    CHECK_UINT(mcpz_links_deadline(&links), MCPZ_TIME_NEVER);
}

/* ---- Seeds -------------------------------------------------------------------------------- */

TEST(a_seed_is_dialled_ever_less_often)
{
    set_up();
    add_seed("seed:1");
    CHECK_UINT(mcpz_links_deadline(&links), now);
    tick();
    CHECK_BYTES(only_action(MCPZ_ACTION_DIAL)->dial.address, "seed:1", 6);
    CHECK(mcpz_id_is_zero(&only_action(MCPZ_ACTION_DIAL)->dial.expected)); /* whoever answers */
    mcpz_time most_us = timing.redial_min_us;
    for (size_t i = 0; i < 20; i++) {
        mcpz_time before_us = now;
        tick_at(mcpz_links_deadline(&links));
        CHECK_UINT(count_actions(MCPZ_ACTION_DIAL), 1);
        CHECK(now - before_us >= most_us / 2);
        CHECK(now - before_us <= most_us);
        most_us = mcpz_time_min(2 * most_us, timing.redial_max_us);
    }
    CHECK_UINT(most_us, timing.redial_max_us);
}

TEST(a_seed_that_answered_is_left_alone)
{
    set_up();
    add_seed("seed:1");
    add_seed("other:1");
    tick();
    CHECK_UINT(count_actions(MCPZ_ACTION_DIAL), 2);
    link_up_at(1, "seed:1");
    want(1, true);
    size_t dials = 0;
    mcpz_time until_us = now + MCPZ_SECONDS(300);
    while (mcpz_links_deadline(&links) <= until_us) {
        size_t at = 0;
        const struct mcpz_action *dial;
        tick_at(mcpz_links_deadline(&links));
        while ((dial = next_action(MCPZ_ACTION_DIAL, &at)) != NULL) {
            CHECK_BYTES(dial->dial.address, "other:1", 7); /* it may be another mesh's half */
            dials++;
        }
        hear_all_well(1);
    }
    CHECK(dials > 0);
}

TEST(seeds_are_dialled_again_when_nobody_is_left)
{
    set_up();
    add_seed("seed:1");
    tick();
    link_up_at(1, "seed:1");
    link_up(2);
    link_down(1);
    CHECK(mcpz_links_deadline(&links) < MCPZ_TIME_NEVER);
    tick();
    CHECK_UINT(count_actions(MCPZ_ACTION_DIAL), 0); /* there is 2 */
    link_down(2);
    CHECK(mcpz_links_deadline(&links) <= now + timing.redial_min_us);
    tick_at(mcpz_links_deadline(&links));
    CHECK_UINT(count_actions(MCPZ_ACTION_DIAL), 1);
}

TEST(seeds_are_asked_anew_in_turn_and_not_if_they_are_linked)
{
    size_t asked[2] = {0};

    set_up();
    mcpz_outbox_clear(&out);
    CHECK(mcpz_links_dial_seed(&links, &out) == NULL); /* there is none */
    CHECK_UINT(count_actions(MCPZ_ACTION_DIAL), 0);
    add_seed("a:1");
    add_seed("b:1");
    for (size_t i = 0; i < 6; i++) {
        mcpz_outbox_clear(&out);
        CHECK(mcpz_links_dial_seed(&links, &out) == NULL);
        asked[only_action(MCPZ_ACTION_DIAL)->dial.address.data[0] - 'a']++;
    }
    CHECK_UINT(asked[0], 3);
    CHECK_UINT(asked[1], 3);
    link_up_at(1, "a:1");
    size_t found = 0;
    for (size_t i = 0; i < 2; i++) {
        mcpz_outbox_clear(&out);
        const struct mcpz_linked *link = mcpz_links_dial_seed(&links, &out);
        CHECK_UINT(count_actions(MCPZ_ACTION_DIAL), link == NULL);
        found += link == &links.links[0];
    }
    CHECK_UINT(found, 1);
}

TEST(a_seed_is_held_once_and_seeds_are_bounded)
{
    static const char *const addresses[] = {"a:1", "b:1", "c:1", "d:1"};

    set_up_as(8, 4, 4);
    for (size_t i = 0; i < 4; i++) {
        add_seed(addresses[i]);
        add_seed(addresses[i]);
    }
    CHECK_UINT(links.dials.seed_count, 4);
    CHECK_UINT(links.dials.dropped, 0);
    add_seed("e:1");
    CHECK_UINT(links.dials.seed_count, 4);
    CHECK_UINT(links.dials.dropped, 1);
    set_up();
    add_seed("0123456789abcdef");
    CHECK_UINT(links.dials.seed_count, 0);
    CHECK_UINT(links.dials.dropped, 1);
}

TEST_MAIN(RUN(who_is_to_be_reached_is_dialled_and_must_be_it), RUN(a_dial_that_fails_says_how),
          RUN(a_dial_nobody_answers_ends_in_time),
          RUN(who_has_no_address_we_can_use_is_unreachable_at_once), RUN(dials_are_bounded),
          RUN(two_nodes_sought_at_one_address_fail_together),
          RUN(who_dialled_us_meanwhile_is_not_unreachable), RUN(who_leaves_dials_nobody),
          RUN(a_seed_is_dialled_ever_less_often), RUN(a_seed_that_answered_is_left_alone),
          RUN(seeds_are_dialled_again_when_nobody_is_left),
          RUN(seeds_are_asked_anew_in_turn_and_not_if_they_are_linked),
          RUN(a_seed_is_held_once_and_seeds_are_bounded))
