#include "plumtree_world.h"

#define SMALL MCPZ_PLUMTREE_PAYLOAD_BYTES_MAX /* the most that is pushed */
#define LARGE MCPZ_PLUMTREE_LARGE_BYTES_MAX

/* A reply of that size is waited for so long. */
#define PATIENCE(bytes) (NEXT_TIMEOUT * (1 + (bytes) / SMALL))

static const uint8_t payload[LARGE + 1] = {'l', 'a', 'r', 'g', 'e'};

static mcpz_error broadcast_bytes(mcpz_time now, uint32_t number, size_t bytes)
{
    struct mcpz_gossip_id id = id_of(number);
    mcpz_outbox_clear(&out);
    return mcpz_plumtree_broadcast(&tree, now, &id, mcpz_bytes(payload, bytes), &out);
}

static void receive_bytes(mcpz_time now, const struct mcpz_id *from, uint32_t number, size_t bytes)
{
    receive(
        now, from,
        (struct mcpz_msg){.kind = MCPZ_MSG_GOSSIP,
                          .gossip = {id_of(number), 2, mcpz_bytes(payload, bytes), false, false}});
}

static void receive_notice(mcpz_time now, const struct mcpz_id *from, uint32_t number,
                           uint32_t bytes)
{
    struct mcpz_gossip_notice notice = {id_of(number), 2, bytes};
    receive(now, from, (struct mcpz_msg){.kind = MCPZ_MSG_IHAVE, .ihave = {&notice, 1}});
}

static void receive_pull(mcpz_time now, const struct mcpz_id *from, uint32_t number)
{
    receive(now, from,
            (struct mcpz_msg){.kind = MCPZ_MSG_GRAFT, .graft = {true, id_of(number), true}});
}

/* One GRAFT, to `peer`, that leaves the link as it is. */
static void check_pulls_from(const struct mcpz_id *peer, uint32_t number)
{
    const struct mcpz_gossip_id id = id_of(number);
    CHECK_UINT(out.count, 1);
    CHECK_UINT(sent_to(peer, MCPZ_MSG_GRAFT), 1);
    CHECK(sent(MCPZ_MSG_GRAFT)->graft.wanted);
    CHECK(sent(MCPZ_MSG_GRAFT)->graft.pull);
    CHECK(mcpz_gossip_id_equal(&sent(MCPZ_MSG_GRAFT)->graft.id, &id));
}

static void check_links_are_as_set_up(void)
{
    CHECK(mcpz_plumtree_is_eager(&tree, &alice));
    CHECK(!mcpz_plumtree_is_eager(&tree, &bob));
    CHECK(!mcpz_plumtree_is_eager(&tree, &carol));
}

/* ---- Out ---------------------------------------------------------------------------------- */

TEST(what_is_over_the_most_that_is_pushed_is_announced_to_all_at_once)
{
    set_up_lazy();
    CHECK_UINT(broadcast_bytes(0, 1, SMALL), MCPZ_OK);
    CHECK_UINT(sent_to(&alice, MCPZ_MSG_GOSSIP), 1);
    CHECK_UINT(count_actions(MCPZ_ACTION_SEND), 1);
    tick(ANNOUNCE);
    CHECK_UINT(sent(MCPZ_MSG_IHAVE)->ihave.notices[0].bytes, 0);

    CHECK_UINT(broadcast_bytes(ANNOUNCE, 2, SMALL + 1), MCPZ_OK);
    CHECK_UINT(only_action(MCPZ_ACTION_SEND)->send.peer_count, 3);
    CHECK_UINT(sent_to(&alice, MCPZ_MSG_IHAVE), 1);
    CHECK_UINT(sent_to(&bob, MCPZ_MSG_IHAVE), 1);
    CHECK_UINT(sent_to(&carol, MCPZ_MSG_IHAVE), 1);
    CHECK_UINT(sent(MCPZ_MSG_IHAVE)->ihave.notice_count, 1);
    CHECK_UINT(sent(MCPZ_MSG_IHAVE)->ihave.notices[0].bytes, SMALL + 1);
    check_round(MCPZ_MSG_IHAVE, 1);
    CHECK_UINT(mcpz_plumtree_deadline(&tree), MCPZ_TIME_NEVER);
}

TEST(a_large_announcement_leaves_those_that_wait_alone)
{
    set_up_lazy();
    broadcast(0, 1);
    CHECK_UINT(broadcast_bytes(1, 2, LARGE), MCPZ_OK);
    CHECK_UINT(count_actions(MCPZ_ACTION_SEND), 1);
    CHECK_UINT(mcpz_plumtree_deadline(&tree), ANNOUNCE);
    tick(ANNOUNCE);
    CHECK_UINT(sent(MCPZ_MSG_IHAVE)->ihave.notice_count, 1);
}

TEST(without_neighbours_a_large_one_is_kept_and_announced_to_nobody)
{
    set_up_with(small());
    CHECK_UINT(broadcast_bytes(0, 1, LARGE), MCPZ_OK);
    CHECK_UINT(out.count, 0);
    neighbour(&alice, MCPZ_FACT_NEIGHBOUR_UP);
    receive_pull(0, &alice, 1);
    CHECK_UINT(sent_to(&alice, MCPZ_MSG_GOSSIP), 1);
}

TEST(a_pull_gets_the_payload_and_changes_no_link)
{
    set_up_lazy();
    CHECK_UINT(broadcast_bytes(0, 1, LARGE), MCPZ_OK);
    receive_pull(0, &bob, 1);
    CHECK_UINT(out.count, 1);
    CHECK_UINT(sent_to(&bob, MCPZ_MSG_GOSSIP), 1);
    CHECK_BYTES(sent(MCPZ_MSG_GOSSIP)->gossip.payload, payload, LARGE);
    receive_pull(0, &carol, 77);
    CHECK_UINT(out.count, 0);
    receive_pull(0, &(struct mcpz_id){{'d'}}, 1);
    CHECK_UINT(out.count, 0);
    CHECK_UINT(tree.dropped, 1);
    check_links_are_as_set_up();
}

TEST(large_payloads_end_at_their_limit)
{
    struct mcpz_plumtree_config config = small();
    config.cache_bytes = LARGE + 1; /* room is not what ends them */
    set_up_with(config);
    CHECK_UINT(broadcast_bytes(0, 1, LARGE + 1), MCPZ_EFULL);
    CHECK_UINT(out.count, 0);
    CHECK_UINT(broadcast_bytes(0, 1, LARGE), MCPZ_OK);
}

TEST(large_payloads_end_at_the_room_for_them)
{
    struct mcpz_plumtree_config config = small();
    config.cache_bytes = SMALL + 1;
    set_up_with(config);
    neighbour(&alice, MCPZ_FACT_NEIGHBOUR_UP);
    CHECK_UINT(broadcast_bytes(0, 1, SMALL + 2), MCPZ_EFULL);
    CHECK_UINT(out.count, 0);
    CHECK_UINT(broadcast_bytes(0, 1, SMALL + 1), MCPZ_OK);

    receive_notice(0, &alice, 2, SMALL + 2); /* no use in asking for it */
    CHECK_UINT(out.count, 0);
    CHECK_UINT(tree.dropped, 1);
    receive_notice(0, &alice, 3, SMALL + 1);
    check_pulls_from(&alice, 3);
    receive_bytes(0, &alice, 3, SMALL + 2); /* it is not what was announced */
    CHECK_UINT(out.count, 0);
    CHECK_UINT(tree.dropped, 2);
    receive_bytes(0, &alice, 3, SMALL + 1);
    CHECK_UINT(count_actions(MCPZ_ACTION_FACT), 1);
}

/* ---- In ----------------------------------------------------------------------------------- */

TEST(a_large_one_is_pulled_at_once_delivered_and_announced_further)
{
    set_up_lazy();
    receive_notice(0, &bob, 1, LARGE);
    check_pulls_from(&bob, 1);
    CHECK_UINT(tree.pulls, 1);
    CHECK_UINT(tree.grafts, 0);
    CHECK_UINT(mcpz_plumtree_deadline(&tree), PATIENCE(LARGE));

    receive_bytes(5, &bob, 1, LARGE);
    const struct mcpz_fact *fact = &only_action(MCPZ_ACTION_FACT)->fact;
    CHECK_UINT(fact->kind, MCPZ_FACT_GOSSIP_DELIVERED);
    CHECK_UINT(fact->reason, 2);
    CHECK_BYTES(fact->detail, payload, LARGE);
    CHECK_UINT(only_action(MCPZ_ACTION_SEND)->send.peer_count, 2);
    CHECK_UINT(sent_to(&alice, MCPZ_MSG_IHAVE), 1);
    CHECK_UINT(sent_to(&carol, MCPZ_MSG_IHAVE), 1);
    CHECK_UINT(sent(MCPZ_MSG_IHAVE)->ihave.notices[0].bytes, LARGE);
    check_round(MCPZ_MSG_IHAVE, 3);
    CHECK_UINT(mcpz_plumtree_deadline(&tree), MCPZ_TIME_NEVER);
    check_links_are_as_set_up();

    receive_notice(6, &carol, 1, LARGE); /* it is here */
    CHECK_UINT(out.count, 0);
    CHECK_UINT(mcpz_plumtree_deadline(&tree), MCPZ_TIME_NEVER);
}

/* Waited for so long, when it is of that size. */
static mcpz_time patience_for(uint32_t bytes)
{
    set_up_lazy();
    receive_notice(0, &bob, 1, bytes);
    return mcpz_plumtree_deadline(&tree);
}

TEST(patience_grows_with_the_size)
{
    CHECK_UINT(patience_for(SMALL + 1), 2 * NEXT_TIMEOUT);
    CHECK_UINT(patience_for(2 * SMALL - 1), 2 * NEXT_TIMEOUT);
    CHECK_UINT(patience_for(2 * SMALL), 3 * NEXT_TIMEOUT);
    CHECK_UINT(patience_for(LARGE), 9 * NEXT_TIMEOUT);
}

TEST(one_is_asked_at_a_time_and_the_next_when_that_takes_too_long)
{
    set_up_lazy();
    receive_notice(0, &bob, 1, LARGE);
    receive_notice(1, &carol, 1, LARGE);
    CHECK_UINT(out.count, 0);
    tick(PATIENCE(LARGE) - 1);
    CHECK_UINT(out.count, 0);
    tick(PATIENCE(LARGE));
    check_pulls_from(&carol, 1);
    receive_bytes(PATIENCE(LARGE) + 1, &bob, 1, LARGE); /* both reply after all */
    CHECK_UINT(tree.delivered, 1);
    receive_bytes(PATIENCE(LARGE) + 2, &carol, 1, LARGE);
    CHECK_UINT(out.count, 0);
    CHECK_UINT(tree.duplicates, 1);
    check_links_are_as_set_up();
}

TEST(with_nobody_left_to_ask_a_late_reply_is_still_taken)
{
    set_up_lazy();
    receive_notice(0, &bob, 1, LARGE);
    tick(PATIENCE(LARGE));
    CHECK_UINT(out.count, 0);
    CHECK_UINT(mcpz_plumtree_deadline(&tree), PATIENCE(LARGE) + FIRST_TIMEOUT);
    tick(PATIENCE(LARGE) + FIRST_TIMEOUT - 1);
    receive_bytes(PATIENCE(LARGE) + FIRST_TIMEOUT - 1, &bob, 1, LARGE);
    CHECK_UINT(tree.delivered, 1);
    CHECK_UINT(tree.given_up, 0);
}

TEST(with_nobody_left_to_ask_the_next_announcer_is_asked_at_once)
{
    const mcpz_time late = PATIENCE(LARGE) + 1;

    set_up_lazy();
    receive_notice(0, &bob, 1, LARGE);
    tick(PATIENCE(LARGE));
    receive_notice(late, &carol, 1, LARGE);
    check_pulls_from(&carol, 1);
    CHECK_UINT(mcpz_plumtree_deadline(&tree), late + PATIENCE(LARGE));
}

TEST(what_nobody_sends_is_given_up_and_then_unasked)
{
    const mcpz_time end = PATIENCE(LARGE) + FIRST_TIMEOUT;

    set_up_lazy();
    receive_notice(0, &bob, 1, LARGE);
    tick(PATIENCE(LARGE));
    tick(end);
    CHECK_UINT(tree.given_up, 1);
    CHECK_UINT(mcpz_plumtree_deadline(&tree), MCPZ_TIME_NEVER);
    receive_bytes(end, &bob, 1, LARGE);
    CHECK_UINT(out.count, 0);
    CHECK_UINT(tree.dropped, 1);
    receive_notice(end, &bob, 1, LARGE); /* a new chance */
    check_pulls_from(&bob, 1);
}

TEST(a_large_one_that_comes_unasked_is_dropped)
{
    set_up_lazy();
    receive_bytes(0, &alice, 1, SMALL + 1);
    CHECK_UINT(out.count, 0);
    CHECK_UINT(tree.dropped, 1);
    CHECK_UINT(tree.delivered, 0);
    check_links_are_as_set_up();
    receive_notice(0, &alice, 1, SMALL + 1); /* and is not known for seen */
    check_pulls_from(&alice, 1);
    receive_bytes(0, &alice, 2, SMALL);
    CHECK_UINT(tree.delivered, 1);
}

TEST(an_announcer_that_goes_is_not_asked)
{
    set_up_lazy();
    receive_notice(0, &alice, 1, LARGE);
    receive_notice(0, &bob, 1, LARGE);
    receive_notice(0, &carol, 1, LARGE);
    neighbour(&alice, MCPZ_FACT_NEIGHBOUR_DOWN);
    neighbour(&bob, MCPZ_FACT_NEIGHBOUR_DOWN);
    tick(PATIENCE(LARGE));
    check_pulls_from(&carol, 1);
}

TEST(no_link_is_swapped_for_a_large_one)
{
    set_up_lazy();
    receive_notice(0, &bob, 1, LARGE);
    receive_notice(0, &carol, 1, LARGE); /* far ahead of what Alice brings */
    receive(1, &alice,
            (struct mcpz_msg){.kind = MCPZ_MSG_GOSSIP,
                              .gossip = {id_of(1), 99, mcpz_bytes(payload, LARGE), false, false}});
    CHECK_UINT(tree.delivered, 1);
    CHECK_UINT(tree.swaps, 0);
    check_links_are_as_set_up();
}

TEST(what_is_announced_as_large_and_is_not_is_taken_as_it_comes)
{
    set_up_lazy();
    receive_notice(0, &bob, 1, LARGE);
    receive_gossip(1, &bob, 1, 2);
    CHECK_UINT(tree.delivered, 1);
    CHECK_UINT(sent_to(&alice, MCPZ_MSG_GOSSIP), 1);
    CHECK(mcpz_plumtree_is_eager(&tree, &bob));
}

TEST(what_is_announced_as_small_and_is_not_is_taken_too)
{
    set_up_lazy();
    receive_ihave(0, &bob, 1, 2);
    receive_notice(1, &carol, 1, LARGE);
    CHECK_UINT(out.count, 0);
    receive_bytes(2, &carol, 1, LARGE);
    CHECK_UINT(tree.delivered, 1);
    check_links_are_as_set_up();
}

TEST(large_ones_that_are_missing_end_at_the_same_limit)
{
    set_up_lazy();
    for (uint32_t i = 1; i <= MISSING_MAX + 1; i++) {
        receive_notice(0, &bob, i, LARGE);
        CHECK_UINT(sent_to(&bob, MCPZ_MSG_GRAFT), i <= MISSING_MAX);
        CHECK_UINT(tree.dropped, i > MISSING_MAX);
    }
}

TEST_MAIN(RUN(what_is_over_the_most_that_is_pushed_is_announced_to_all_at_once),
          RUN(a_large_announcement_leaves_those_that_wait_alone),
          RUN(without_neighbours_a_large_one_is_kept_and_announced_to_nobody),
          RUN(a_pull_gets_the_payload_and_changes_no_link), RUN(large_payloads_end_at_their_limit),
          RUN(large_payloads_end_at_the_room_for_them),
          RUN(a_large_one_is_pulled_at_once_delivered_and_announced_further),
          RUN(patience_grows_with_the_size),
          RUN(one_is_asked_at_a_time_and_the_next_when_that_takes_too_long),
          RUN(with_nobody_left_to_ask_a_late_reply_is_still_taken),
          RUN(with_nobody_left_to_ask_the_next_announcer_is_asked_at_once),
          RUN(what_nobody_sends_is_given_up_and_then_unasked),
          RUN(a_large_one_that_comes_unasked_is_dropped), RUN(an_announcer_that_goes_is_not_asked),
          RUN(no_link_is_swapped_for_a_large_one),
          RUN(what_is_announced_as_large_and_is_not_is_taken_as_it_comes),
          RUN(what_is_announced_as_small_and_is_not_is_taken_too),
          RUN(large_ones_that_are_missing_end_at_the_same_limit))
