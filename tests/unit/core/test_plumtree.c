#include "plumtree_world.h"

/* ---- Payloads ----------------------------------------------------------------------------- */

TEST(a_new_neighbour_is_eager)
{
    set_up();
    CHECK(mcpz_plumtree_is_eager(&tree, &alice));
    CHECK(!mcpz_plumtree_is_eager(&tree, &carol));
}

TEST(a_broadcast_goes_to_the_eager_and_is_announced_to_the_lazy)
{
    set_up_lazy();
    broadcast(0, 1);
    CHECK_UINT(sent_to(&alice, MCPZ_MSG_GOSSIP), 1);
    CHECK_UINT(sent_to(&bob, MCPZ_MSG_GOSSIP), 0);
    CHECK_BYTES(sent(MCPZ_MSG_GOSSIP)->gossip.payload, "news", 4);
    check_round(MCPZ_MSG_GOSSIP, 1);
    CHECK_UINT(out.count, 1);
    CHECK_UINT(mcpz_plumtree_deadline(&tree), ANNOUNCE);

    tick(ANNOUNCE - 1);
    CHECK_UINT(out.count, 0);
    tick(ANNOUNCE);
    CHECK_UINT(sent_to(&alice, MCPZ_MSG_IHAVE), 0);
    CHECK_UINT(sent_to(&bob, MCPZ_MSG_IHAVE), 1);
    CHECK_UINT(sent_to(&carol, MCPZ_MSG_IHAVE), 1);
    check_round(MCPZ_MSG_IHAVE, 1);
    CHECK_UINT(mcpz_plumtree_deadline(&tree), MCPZ_TIME_NEVER);
}

TEST(a_broadcast_is_not_delivered_to_ourselves_nor_sent_twice)
{
    set_up();
    broadcast(0, 1);
    CHECK_UINT(count_actions(MCPZ_ACTION_FACT), 0);
    broadcast(0, 1);
    CHECK_UINT(out.count, 0);
}

TEST(a_broadcast_without_neighbours_goes_nowhere)
{
    set_up_with(small());
    broadcast(0, 1);
    CHECK_UINT(out.count, 0);
    CHECK_UINT(mcpz_plumtree_deadline(&tree), MCPZ_TIME_NEVER);
}

TEST(the_first_receipt_delivers_and_is_passed_on)
{
    set_up_lazy();
    neighbour(&(struct mcpz_id){{'d'}}, MCPZ_FACT_NEIGHBOUR_UP);
    receive_gossip(0, &bob, 1, 4); /* from a lazy one: that link is a good one */
    const struct mcpz_fact *fact = &only_action(MCPZ_ACTION_FACT)->fact;
    CHECK_UINT(fact->kind, MCPZ_FACT_GOSSIP_DELIVERED);
    CHECK(mcpz_id_equal(&fact->about, &bob));
    CHECK_UINT(fact->reason, 4);
    CHECK_BYTES(fact->detail, "news", 4);
    CHECK(mcpz_plumtree_is_eager(&tree, &bob));
    CHECK_UINT(sent_to(&alice, MCPZ_MSG_GOSSIP), 1);
    CHECK_UINT(sent_to(&(struct mcpz_id){{'d'}}, MCPZ_MSG_GOSSIP), 1);
    CHECK_UINT(sent_to(&bob, MCPZ_MSG_GOSSIP), 0);
    check_round(MCPZ_MSG_GOSSIP, 5);
    tick(ANNOUNCE);
    CHECK_UINT(sent_to(&bob, MCPZ_MSG_IHAVE), 0);
    CHECK_UINT(sent_to(&carol, MCPZ_MSG_IHAVE), 1);
    check_round(MCPZ_MSG_IHAVE, 5);
}

TEST(a_duplicate_prunes_its_link_and_is_not_delivered)
{
    set_up();
    receive_gossip(0, &alice, 1, 1);
    receive_gossip(0, &bob, 1, 1);
    CHECK_UINT(out.count, 1);
    CHECK_UINT(sent_to(&bob, MCPZ_MSG_PRUNE), 1);
    CHECK(!mcpz_plumtree_is_eager(&tree, &bob));
    CHECK(mcpz_plumtree_is_eager(&tree, &alice));
    CHECK_UINT(tree.duplicates, 1);
}

TEST(our_own_broadcast_that_comes_back_is_a_duplicate)
{
    set_up();
    broadcast(0, 1);
    receive_gossip(0, &alice, 1, 2);
    CHECK_UINT(sent_to(&alice, MCPZ_MSG_PRUNE), 1);
    CHECK_UINT(count_actions(MCPZ_ACTION_FACT), 0);
}

TEST(a_prune_makes_its_sender_lazy)
{
    set_up();
    receive_prune(0, &alice);
    CHECK_UINT(out.count, 0);
    CHECK(!mcpz_plumtree_is_eager(&tree, &alice));
}

/* What waits for it would come late to all behind it, and pile up. */
TEST(a_late_neighbour_is_told_nothing_and_then_lazy_until_it_brings_something)
{
    set_up();
    neighbour(&alice, MCPZ_FACT_LATE);
    CHECK_UINT(out.count, 0);
    CHECK(!mcpz_plumtree_is_eager(&tree, &alice));
    CHECK(mcpz_plumtree_is_eager(&tree, &bob));
    broadcast(0, 1);
    CHECK_UINT(sent_to(&alice, MCPZ_MSG_GOSSIP), 0);
    CHECK_UINT(sent_to(&bob, MCPZ_MSG_GOSSIP), 1);
    CHECK_UINT(mcpz_plumtree_deadline(&tree), MCPZ_TIME_NEVER);
    neighbour(&alice, MCPZ_FACT_PROMPT);
    CHECK(!mcpz_plumtree_is_eager(&tree, &alice));
    CHECK_UINT(mcpz_plumtree_deadline(&tree), ANNOUNCE);
    broadcast(0, 2);
    CHECK_UINT(sent_to(&alice, MCPZ_MSG_GOSSIP), 0);
    tick(ANNOUNCE);
    CHECK_UINT(sent_to(&alice, MCPZ_MSG_IHAVE), 1);
    CHECK_UINT(sent(MCPZ_MSG_IHAVE)->ihave.notice_count, 2);
    receive_gossip(ANNOUNCE, &alice, 3, 1);
    CHECK(mcpz_plumtree_is_eager(&tree, &alice));
    neighbour(&carol, MCPZ_FACT_LATE); /* no neighbour */
    CHECK(mcpz_plumtree_is_eager(&tree, &alice));
    CHECK(mcpz_plumtree_is_eager(&tree, &bob));
}

/* What waits for it has a bound: the oldest gives way. */
TEST(what_waits_for_a_late_neighbour_ends_at_its_limit)
{
    struct mcpz_plumtree_config config = small();
    config.notices_max = 2;
    set_up_with(config);
    neighbour(&alice, MCPZ_FACT_NEIGHBOUR_UP);
    neighbour(&alice, MCPZ_FACT_LATE);
    for (uint32_t i = 1; i <= 3; i++) {
        broadcast(0, i);
        CHECK_UINT(count_actions(MCPZ_ACTION_SEND), 0);
    }
    CHECK_UINT(tree.dropped, 1);
    neighbour(&alice, MCPZ_FACT_PROMPT);
    tick(ANNOUNCE);
    CHECK_UINT(sent(MCPZ_MSG_IHAVE)->ihave.notice_count, 2);
    CHECK_UINT(sent(MCPZ_MSG_IHAVE)->ihave.notices[0].id.bytes[0], 2);
    CHECK_UINT(tree.notice_count, 0);
}

TEST(who_comes_back_late_no_longer_is_told_again)
{
    set_up();
    neighbour(&alice, MCPZ_FACT_LATE);
    neighbour(&alice, MCPZ_FACT_NEIGHBOUR_DOWN);
    neighbour(&alice, MCPZ_FACT_NEIGHBOUR_UP); /* over a new link */
    receive_prune(0, &alice);
    broadcast(0, 1);
    tick(ANNOUNCE);
    CHECK_UINT(sent_to(&alice, MCPZ_MSG_IHAVE), 1);
}

TEST(what_has_come_too_far_goes_no_further)
{
    set_up();
    receive_gossip(0, &alice, 1, MCPZ_PLUMTREE_ROUNDS_MAX - 1);
    check_round(MCPZ_MSG_GOSSIP, MCPZ_PLUMTREE_ROUNDS_MAX);
    receive_gossip(0, &alice, 2, MCPZ_PLUMTREE_ROUNDS_MAX);
    CHECK_UINT(sent_to(&bob, MCPZ_MSG_GOSSIP), 0);
    receive_gossip(0, &alice, 3, UINT32_MAX);
    CHECK_UINT(sent_to(&bob, MCPZ_MSG_GOSSIP), 0);
    CHECK_UINT(tree.delivered, 3);
}

TEST(how_far_is_too_far_can_be_said)
{
    struct mcpz_plumtree_config config = small();

    config.rounds_max = MCPZ_PLUMTREE_ROUNDS_MAX + 1;
    set_up_with(config);
    neighbour(&alice, MCPZ_FACT_NEIGHBOUR_UP);
    neighbour(&bob, MCPZ_FACT_NEIGHBOUR_UP);
    receive_gossip(0, &alice, 1, MCPZ_PLUMTREE_ROUNDS_MAX);
    CHECK_UINT(sent_to(&bob, MCPZ_MSG_GOSSIP), 1);
    receive_gossip(0, &alice, 2, MCPZ_PLUMTREE_ROUNDS_MAX + 1);
    CHECK_UINT(sent_to(&bob, MCPZ_MSG_GOSSIP), 0);
}

/* ---- Announcements and repair ------------------------------------------------------------- */

TEST(a_graft_makes_its_sender_eager_and_gets_the_payload)
{
    set_up_lazy();
    receive_gossip(0, &alice, 1, 3);
    receive_graft(0, &bob, 1);
    CHECK_UINT(sent_to(&bob, MCPZ_MSG_GOSSIP), 1);
    CHECK_BYTES(sent(MCPZ_MSG_GOSSIP)->gossip.payload, "news", 4);
    check_round(MCPZ_MSG_GOSSIP, 4);
    CHECK(mcpz_plumtree_is_eager(&tree, &bob));
}

TEST(a_graft_for_nothing_or_for_what_is_gone_only_changes_the_link)
{
    set_up_lazy();
    receive(0, &bob, (struct mcpz_msg){.kind = MCPZ_MSG_GRAFT});
    CHECK_UINT(out.count, 0);
    CHECK(mcpz_plumtree_is_eager(&tree, &bob));
    receive_graft(0, &carol, 77);
    CHECK_UINT(out.count, 0);
    CHECK(mcpz_plumtree_is_eager(&tree, &carol));
}

TEST(what_is_announced_and_does_not_come_is_asked_of_each_announcer_in_turn)
{
    set_up_lazy();
    receive_ihave(0, &bob, 1, 2);
    receive_ihave(MCPZ_MS(10), &carol, 1, 2);
    receive_ihave(MCPZ_MS(10), &carol, 1, 2);
    CHECK_UINT(mcpz_plumtree_deadline(&tree), FIRST_TIMEOUT);
    tick(FIRST_TIMEOUT - 1);
    CHECK_UINT(out.count, 0);

    tick(FIRST_TIMEOUT);
    CHECK_UINT(out.count, 1);
    CHECK_UINT(sent_to(&bob, MCPZ_MSG_GRAFT), 1);
    CHECK(sent(MCPZ_MSG_GRAFT)->graft.wanted);
    CHECK(mcpz_gossip_id_equal(&sent(MCPZ_MSG_GRAFT)->graft.id, &(struct mcpz_gossip_id){{1}}));
    CHECK(mcpz_plumtree_is_eager(&tree, &bob));
    CHECK_UINT(mcpz_plumtree_deadline(&tree), FIRST_TIMEOUT + NEXT_TIMEOUT);

    tick(FIRST_TIMEOUT + NEXT_TIMEOUT);
    CHECK_UINT(out.count, 1);
    CHECK_UINT(sent_to(&carol, MCPZ_MSG_GRAFT), 1);

    tick(FIRST_TIMEOUT + 2 * NEXT_TIMEOUT);
    CHECK_UINT(out.count, 0);
    CHECK_UINT(tree.given_up, 1);
    CHECK_UINT(mcpz_plumtree_deadline(&tree), MCPZ_TIME_NEVER);
}

/* With round trips of `rtt`, asked after `first`, and again after `next`. */
static void check_pace(mcpz_time rtt, mcpz_time first, mcpz_time next)
{
    set_up_lazy();
    mcpz_plumtree_pace(&tree, rtt);
    receive_ihave(0, &bob, 1, 2);
    receive_ihave(0, &carol, 1, 2);
    CHECK_UINT(mcpz_plumtree_deadline(&tree), first);
    tick(first);
    CHECK_UINT(mcpz_plumtree_deadline(&tree), first + next);
}

/* Its turn came while we slept: others have compared with us or will. */
TEST(what_is_missing_for_long_is_not_asked_for)
{
    set_up();
    receive_ihave(0, &alice, 1, 1);
    receive_ihave(0, &alice, 2, 1);
    tick(FIRST_TIMEOUT + MCPZ_SECONDS(2) - 1);
    CHECK_UINT(sent_to(&alice, MCPZ_MSG_GRAFT), 2);
    set_up();
    receive_ihave(0, &alice, 1, 1);
    tick(FIRST_TIMEOUT + MCPZ_SECONDS(2));
    CHECK_UINT(out.count, 0);
    CHECK_UINT(tree.given_up, 1);
    CHECK_UINT(tree.missing_count, 0);
}

TEST(patience_follows_the_round_trips_within_bounds)
{
    check_pace(0, MCPZ_MS(200), MCPZ_MS(40));
    check_pace(MCPZ_MS(50), MCPZ_MS(200), MCPZ_MS(75));
    check_pace(MCPZ_MS(100), MCPZ_MS(400), MCPZ_MS(150));
    check_pace(MCPZ_MS(501), MCPZ_SECONDS(2), MCPZ_MS(751) + 500);
    check_pace(MCPZ_TIME_NEVER, MCPZ_SECONDS(2), MCPZ_SECONDS(3));
}

TEST(one_that_announces_while_another_is_asked_is_asked_next)
{
    set_up_lazy();
    receive_ihave(0, &bob, 1, 2);
    tick(FIRST_TIMEOUT);
    receive_ihave(FIRST_TIMEOUT + 1, &carol, 1, 9);
    CHECK_UINT(mcpz_plumtree_deadline(&tree), FIRST_TIMEOUT + NEXT_TIMEOUT);
    tick(FIRST_TIMEOUT + NEXT_TIMEOUT);
    CHECK_UINT(sent_to(&carol, MCPZ_MSG_GRAFT), 1);
}

TEST(what_comes_in_time_is_not_asked_for)
{
    set_up_lazy();
    receive_ihave(0, &bob, 1, 2);
    receive_gossip(1, &alice, 1, 2);
    tick(ANNOUNCE + 1);
    CHECK_UINT(mcpz_plumtree_deadline(&tree), MCPZ_TIME_NEVER);
}

TEST(what_we_broadcast_ourselves_is_not_asked_for)
{
    set_up_lazy();
    receive_ihave(0, &bob, 1, 2);
    broadcast(1, 1);
    tick(ANNOUNCE + 1);
    CHECK_UINT(mcpz_plumtree_deadline(&tree), MCPZ_TIME_NEVER);
}

TEST(an_announcement_of_what_is_here_is_ignored)
{
    set_up_lazy();
    receive_gossip(0, &alice, 1, 2);
    tick(ANNOUNCE);
    receive_ihave(ANNOUNCE, &bob, 1, 2);
    CHECK_UINT(mcpz_plumtree_deadline(&tree), MCPZ_TIME_NEVER);
}

TEST(who_has_announced_it_is_not_told_of_it)
{
    set_up_lazy();
    broadcast(0, 1);
    broadcast(0, 2);
    receive_ihave(MCPZ_MS(1), &bob, 1, 2);
    tick(ANNOUNCE);
    CHECK_UINT(sent_to(&bob, MCPZ_MSG_IHAVE), 1);
    CHECK_UINT(sent(MCPZ_MSG_IHAVE)->ihave.notice_count, 1);
    CHECK(mcpz_gossip_id_equal(&sent(MCPZ_MSG_IHAVE)->ihave.notices[0].id,
                               &(struct mcpz_gossip_id){{2}}));
    broadcast(ANNOUNCE, 3);
    receive_gossip(ANNOUNCE, &bob, 3, 2); /* nor who brings it */
    tick(2 * ANNOUNCE);
    CHECK_UINT(sent_to(&bob, MCPZ_MSG_IHAVE), 0);
}

TEST(announcements_that_wait_go_in_one_message)
{
    set_up_lazy();
    broadcast(0, 1);
    broadcast(MCPZ_MS(19), 2);
    tick(ANNOUNCE);
    CHECK_UINT(sent_to(&bob, MCPZ_MSG_IHAVE), 1);
    CHECK_UINT(sent(MCPZ_MSG_IHAVE)->ihave.notice_count, 2);
}

TEST(without_a_wait_announcements_go_at_once)
{
    struct mcpz_plumtree_config config = small();
    config.announce_us = 0;
    set_up_with(config);
    neighbour(&alice, MCPZ_FACT_NEIGHBOUR_UP);
    receive_prune(0, &alice);
    broadcast(5, 1);
    CHECK_UINT(sent_to(&alice, MCPZ_MSG_IHAVE), 1);
    CHECK_UINT(mcpz_plumtree_deadline(&tree), MCPZ_TIME_NEVER);
}

/* ---- Neighbours that go ------------------------------------------------------------------- */

TEST(a_neighbour_that_goes_is_told_and_asked_nothing_more)
{
    set_up_lazy();
    broadcast(0, 1);
    receive_ihave(0, &bob, 2, 2);
    receive_ihave(0, &carol, 2, 2);
    neighbour(&bob, MCPZ_FACT_NEIGHBOUR_DOWN);
    tick(ANNOUNCE);
    CHECK_UINT(sent_to(&bob, MCPZ_MSG_IHAVE), 0);
    CHECK_UINT(sent_to(&carol, MCPZ_MSG_IHAVE), 1);
    tick(FIRST_TIMEOUT);
    CHECK_UINT(sent_to(&bob, MCPZ_MSG_GRAFT), 0);
    CHECK_UINT(sent_to(&carol, MCPZ_MSG_GRAFT), 1);
}

TEST(the_tree_mends_after_its_link_is_lost)
{
    set_up_lazy();
    neighbour(&alice, MCPZ_FACT_NEIGHBOUR_DOWN);
    receive_ihave(0, &carol, 1, 5);
    tick(FIRST_TIMEOUT);
    CHECK_UINT(sent_to(&carol, MCPZ_MSG_GRAFT), 1);
    receive_gossip(FIRST_TIMEOUT + 1, &carol, 1, 5);
    CHECK_UINT(count_actions(MCPZ_ACTION_FACT), 1);
    CHECK(mcpz_plumtree_is_eager(&tree, &carol));
    CHECK(!mcpz_plumtree_is_eager(&tree, &alice));
}

TEST(a_neighbour_that_comes_back_is_eager_again)
{
    set_up_lazy();
    neighbour(&bob, MCPZ_FACT_NEIGHBOUR_UP);
    CHECK(mcpz_plumtree_is_eager(&tree, &bob));
    neighbour(&bob, MCPZ_FACT_NEIGHBOUR_DOWN);
    neighbour(&bob, MCPZ_FACT_NEIGHBOUR_DOWN);
    CHECK(!mcpz_plumtree_is_eager(&tree, &bob));
}

TEST(who_is_no_neighbour_may_bring_news_and_nothing_else)
{
    set_up_with(small());
    receive_ihave(0, &alice, 1, 1);
    receive_graft(0, &alice, 1);
    receive_prune(0, &alice);
    CHECK_UINT(out.count, 0);
    CHECK_UINT(tree.dropped, 2);
    CHECK_UINT(mcpz_plumtree_deadline(&tree), MCPZ_TIME_NEVER);
    receive_gossip(0, &alice, 1, 1);
    CHECK_UINT(count_actions(MCPZ_ACTION_FACT), 1);
    receive_gossip(0, &alice, 1, 1);
    CHECK_UINT(sent_to(&alice, MCPZ_MSG_PRUNE), 1);
    CHECK(!mcpz_plumtree_is_eager(&tree, &alice));
}

/* ---- Optimisation ------------------------------------------------------------------------- */

/* Announced by Bob at round 2; arrives from Alice at `round`. */
static bool swaps_at(uint32_t ahead, uint32_t round)
{
    struct mcpz_plumtree_config config = small();
    config.optimise_ahead = ahead;
    set_up_with(config);
    neighbour(&alice, MCPZ_FACT_NEIGHBOUR_UP);
    neighbour(&bob, MCPZ_FACT_NEIGHBOUR_UP);
    receive_prune(0, &bob);
    receive_ihave(0, &bob, 1, 2);
    receive_gossip(1, &alice, 1, round);

    bool swapped = sent_to(&bob, MCPZ_MSG_GRAFT) == 1;
    CHECK_UINT(sent_to(&alice, MCPZ_MSG_PRUNE), swapped);
    CHECK(mcpz_plumtree_is_eager(&tree, &bob) == swapped);
    CHECK(mcpz_plumtree_is_eager(&tree, &alice) == !swapped);
    if (swapped) {
        CHECK(!sent(MCPZ_MSG_GRAFT)->graft.wanted);
    }
    return swapped;
}

TEST(a_link_is_swapped_from_the_threshold_on)
{
    CHECK(!swaps_at(MCPZ_PLUMTREE_AHEAD_ONE_SENDER, 1));
    CHECK(!swaps_at(MCPZ_PLUMTREE_AHEAD_ONE_SENDER, 4));
    CHECK(swaps_at(MCPZ_PLUMTREE_AHEAD_ONE_SENDER, 5));
    CHECK(!swaps_at(MCPZ_PLUMTREE_AHEAD_MANY_SENDERS, 8));
    CHECK(swaps_at(MCPZ_PLUMTREE_AHEAD_MANY_SENDERS, 9));
    CHECK(!swaps_at(0, UINT32_MAX));
}

TEST(the_nearest_announcer_is_taken)
{
    set_up_lazy();
    receive_ihave(0, &bob, 1, 3);
    receive_ihave(0, &carol, 1, 2);
    receive_gossip(1, &alice, 1, 8);
    CHECK_UINT(sent_to(&carol, MCPZ_MSG_GRAFT), 1);
    CHECK_UINT(sent_to(&bob, MCPZ_MSG_GRAFT), 0);
}

TEST(a_sender_is_not_swapped_for_itself)
{
    set_up_lazy();
    receive_ihave(0, &bob, 1, 2);
    receive_gossip(1, &bob, 1, 8);
    CHECK(mcpz_plumtree_is_eager(&tree, &bob));
    CHECK_UINT(sent_to(&bob, MCPZ_MSG_PRUNE), 0);
}

/* ---- Bounds ------------------------------------------------------------------------------- */

TEST(neighbours_end_at_their_limit)
{
    set_up_with(small());
    for (uint8_t i = 0; i <= MCPZ_PLUMTREE_NEIGHBOURS_MAX; i++) {
        struct mcpz_id id = {{'n', i}};
        neighbour(&id, MCPZ_FACT_NEIGHBOUR_UP);
        CHECK(mcpz_plumtree_is_eager(&tree, &id) == (i < MCPZ_PLUMTREE_NEIGHBOURS_MAX));
    }
    CHECK_UINT(tree.dropped, 1);
    broadcast(0, 1);
    CHECK_UINT(only_action(MCPZ_ACTION_SEND)->send.peer_count, MCPZ_PLUMTREE_NEIGHBOURS_MAX);
    neighbour(&(struct mcpz_id){{'n', 3}}, MCPZ_FACT_NEIGHBOUR_DOWN);
    neighbour(&alice, MCPZ_FACT_NEIGHBOUR_UP);
    CHECK(mcpz_plumtree_is_eager(&tree, &alice));
}

TEST(all_neighbours_can_announce_the_same)
{
    set_up_with(small());
    for (uint8_t i = 0; i < MCPZ_PLUMTREE_NEIGHBOURS_MAX; i++) {
        struct mcpz_id id = {{'n', i}};
        neighbour(&id, MCPZ_FACT_NEIGHBOUR_UP);
        receive_ihave(0, &id, 1, 1);
    }
    for (uint8_t i = 0; i < MCPZ_PLUMTREE_NEIGHBOURS_MAX; i++) {
        tick(FIRST_TIMEOUT + i * NEXT_TIMEOUT);
        CHECK_UINT(sent_to(&(struct mcpz_id){{'n', i}}, MCPZ_MSG_GRAFT), 1);
    }
}

TEST(what_is_missing_ends_at_its_limit)
{
    set_up_lazy();
    for (uint32_t i = 1; i <= MISSING_MAX + 1; i++) {
        receive_ihave(0, &bob, i, 1);
        CHECK_UINT(tree.dropped, i > MISSING_MAX);
    }
    tick(FIRST_TIMEOUT);
    CHECK_UINT(sent_to(&bob, MCPZ_MSG_GRAFT), MISSING_MAX);
    tick(FIRST_TIMEOUT + NEXT_TIMEOUT);
    CHECK_UINT(tree.given_up, MISSING_MAX);
    receive_ihave(FIRST_TIMEOUT + NEXT_TIMEOUT, &bob, 99, 1); /* there is room again */
    CHECK_UINT(tree.dropped, 1);
}

TEST(a_full_message_of_announcements_does_not_wait)
{
    set_up_lazy();
    for (uint32_t i = 1; i < MCPZ_PLUMTREE_IHAVE_MAX; i++) {
        broadcast(0, i);
        CHECK_UINT(sent_to(&bob, MCPZ_MSG_IHAVE), 0);
    }
    broadcast(0, MCPZ_PLUMTREE_IHAVE_MAX);
    CHECK_UINT(sent_to(&bob, MCPZ_MSG_IHAVE), 1);
    CHECK_UINT(sent(MCPZ_MSG_IHAVE)->ihave.notice_count, MCPZ_PLUMTREE_IHAVE_MAX);
    CHECK_UINT(mcpz_plumtree_deadline(&tree), MCPZ_TIME_NEVER);
    broadcast(1, MCPZ_PLUMTREE_IHAVE_MAX + 1);
    CHECK_UINT(mcpz_plumtree_deadline(&tree), 1 + ANNOUNCE);
}

/* ---- Patience and standing still ---------------------------------------------------------- */

#define PATIENT MCPZ_SECONDS(1)

/* Like set_up_lazy(), and announcements of patient ones wait for longer. */
static void set_up_patient(mcpz_time announce_patient_us)
{
    struct mcpz_plumtree_config config = small();

    config.announce_patient_us = announce_patient_us;
    set_up_with(config);
    neighbour(&alice, MCPZ_FACT_NEIGHBOUR_UP);
    neighbour(&bob, MCPZ_FACT_NEIGHBOUR_UP);
    receive_prune(0, &bob);
}

static void broadcast_patiently(mcpz_time now, uint32_t number)
{
    struct mcpz_gossip_id id = id_of(number);

    mcpz_outbox_clear(&out);
    CHECK_UINT(mcpz_plumtree_broadcast_patiently(&tree, now, &id, mcpz_text("news"), &out),
               MCPZ_OK);
}

TEST(a_patient_one_is_pushed_at_once_and_announced_later)
{
    set_up_patient(PATIENT);
    broadcast_patiently(0, 1);
    CHECK_UINT(sent_to(&alice, MCPZ_MSG_GOSSIP), 1);
    CHECK(sent(MCPZ_MSG_GOSSIP)->gossip.patient);
    CHECK_UINT(mcpz_plumtree_deadline(&tree), PATIENT);
    tick(PATIENT - 1);
    CHECK_UINT(out.count, 0);
    tick(PATIENT);
    CHECK_UINT(sent_to(&bob, MCPZ_MSG_IHAVE), 1);
}

TEST(one_in_a_hurry_takes_the_patient_ones_along)
{
    set_up_patient(PATIENT);
    broadcast_patiently(0, 1);
    broadcast(1, 2);
    CHECK(!sent(MCPZ_MSG_GOSSIP)->gossip.patient);
    CHECK_UINT(mcpz_plumtree_deadline(&tree), 1 + ANNOUNCE);
    tick(1 + ANNOUNCE);
    CHECK_UINT(sent(MCPZ_MSG_IHAVE)->ihave.notice_count, 2);
    CHECK_UINT(mcpz_plumtree_deadline(&tree), MCPZ_TIME_NEVER);
}

/* Or of two who have much to tell each other, both would go first. */
TEST(patient_ones_go_with_the_first_of_them)
{
    struct mcpz_plumtree_config config = small();

    config.announce_patient_us = PATIENT;
    config.announce_by_lot = true;
    set_up_with(config);
    neighbour(&alice, MCPZ_FACT_NEIGHBOUR_UP);
    neighbour(&bob, MCPZ_FACT_NEIGHBOUR_UP);
    receive_prune(0, &bob);
    broadcast_patiently(0, 1);
    const mcpz_time first = mcpz_plumtree_deadline(&tree);
    for (uint32_t i = 2; i < MCPZ_PLUMTREE_IHAVE_MAX; i++) {
        broadcast_patiently(0, i);
        CHECK_UINT(mcpz_plumtree_deadline(&tree), first);
    }
}

TEST(a_patient_one_stays_so_on_its_way)
{
    struct mcpz_msg msg = {.kind = MCPZ_MSG_GOSSIP,
                           .gossip = {id_of(1), 1, mcpz_text("news"), true, false}};

    set_up_patient(PATIENT);
    neighbour(&carol, MCPZ_FACT_NEIGHBOUR_UP);
    receive(0, &alice, msg);
    CHECK_UINT(sent_to(&carol, MCPZ_MSG_GOSSIP), 1);
    CHECK(sent(MCPZ_MSG_GOSSIP)->gossip.patient);
    CHECK_UINT(mcpz_plumtree_deadline(&tree), PATIENT);
}

TEST(patience_is_never_shorter_than_for_the_others)
{
    set_up_patient(0);
    broadcast_patiently(0, 1);
    CHECK_UINT(mcpz_plumtree_deadline(&tree), ANNOUNCE);
    set_up_patient(ANNOUNCE - 1);
    broadcast_patiently(0, 1);
    CHECK_UINT(mcpz_plumtree_deadline(&tree), ANNOUNCE);
}

/* What waited for who stood still is old to all others: only who lacks it asks for it. */
TEST(who_is_hushed_announces_what_comes_and_pushes_its_own)
{
    set_up();
    mcpz_plumtree_speak(&tree, MCPZ_PLUMTREE_VOICE_HUSHED);
    receive_gossip(0, &alice, 1, 1);
    CHECK_UINT(only_action(MCPZ_ACTION_FACT)->fact.kind, MCPZ_FACT_GOSSIP_DELIVERED);
    CHECK_UINT(sent_to(&bob, MCPZ_MSG_GOSSIP), 0);
    CHECK(mcpz_plumtree_is_eager(&tree, &bob)); /* the tree stays as it is */
    tick(ANNOUNCE);
    CHECK_UINT(sent_to(&bob, MCPZ_MSG_IHAVE), 1);
    CHECK_UINT(sent_to(&alice, MCPZ_MSG_IHAVE), 0);
    receive_graft(ANNOUNCE, &bob, 1);
    CHECK_UINT(sent_to(&bob, MCPZ_MSG_GOSSIP), 1);

    broadcast(ANNOUNCE, 2);
    CHECK_UINT(sent_to(&alice, MCPZ_MSG_GOSSIP), 1);
    CHECK_UINT(sent_to(&bob, MCPZ_MSG_GOSSIP), 1);
    receive_gossip(ANNOUNCE, &alice, 3, 1);
    CHECK_UINT(sent_to(&bob, MCPZ_MSG_GOSSIP), 0); /* still */
    receive_prune(ANNOUNCE, &bob);
    broadcast(ANNOUNCE, 5); /* also to the lazy, who stay so */
    CHECK_UINT(sent_to(&alice, MCPZ_MSG_GOSSIP), 1);
    CHECK_UINT(sent_to(&bob, MCPZ_MSG_GOSSIP), 1);
    CHECK(!mcpz_plumtree_is_eager(&tree, &bob));
    receive_graft(ANNOUNCE, &bob, 5);
    mcpz_plumtree_speak(&tree, MCPZ_PLUMTREE_VOICE_FULL);
    receive_gossip(ANNOUNCE, &alice, 4, 1);
    CHECK_UINT(sent_to(&bob, MCPZ_MSG_GOSSIP), 1);
}

/* It is old to all others, and who told us has told them. */
TEST(who_is_mute_says_its_own_and_nothing_of_what_comes)
{
    set_up();
    mcpz_plumtree_speak(&tree, MCPZ_PLUMTREE_VOICE_MUTE);
    receive_gossip(0, &alice, 1, 1);
    CHECK_UINT(only_action(MCPZ_ACTION_FACT)->fact.kind, MCPZ_FACT_GOSSIP_DELIVERED);
    CHECK_UINT(count_actions(MCPZ_ACTION_SEND), 0);
    CHECK_UINT(mcpz_plumtree_deadline(&tree), MCPZ_TIME_NEVER);
    receive_ihave(0, &bob, 3, 1); /* nor does it ask for what was announced long ago */
    CHECK_UINT(mcpz_plumtree_deadline(&tree), MCPZ_TIME_NEVER);
    broadcast(0, 2);
    CHECK_UINT(sent_to(&alice, MCPZ_MSG_GOSSIP), 1);
    CHECK_UINT(sent_to(&bob, MCPZ_MSG_GOSSIP), 1);
    receive_graft(0, &bob, 1); /* it can be had all the same */
    CHECK_UINT(sent_to(&bob, MCPZ_MSG_GOSSIP), 1);
}

static void receive_scattered(const struct mcpz_id *from, uint32_t number)
{
    receive(0, from,
            (struct mcpz_msg){.kind = MCPZ_MSG_GOSSIP,
                              .gossip = {.id = id_of(number),
                                         .round = 2,
                                         .payload = mcpz_text("news"),
                                         .scattered = true}});
}

/* It comes from several sides at once: that would cut the tree where they meet. */
TEST(a_scattered_one_leaves_the_tree_as_it_is)
{
    set_up();
    receive_prune(0, &alice);
    mcpz_plumtree_speak(&tree, MCPZ_PLUMTREE_VOICE_HUSHED);
    broadcast(0, 1);
    CHECK(sent(MCPZ_MSG_GOSSIP)->gossip.scattered);
    mcpz_plumtree_speak(&tree, MCPZ_PLUMTREE_VOICE_FULL);
    broadcast(0, 2);
    CHECK(!sent(MCPZ_MSG_GOSSIP)->gossip.scattered);
    receive_scattered(&alice, 3);
    CHECK(!mcpz_plumtree_is_eager(&tree, &alice));
    CHECK(sent(MCPZ_MSG_GOSSIP)->gossip.scattered); /* it stays so on its way */
    CHECK_UINT(sent_to(&bob, MCPZ_MSG_GOSSIP), 1);
    receive_scattered(&bob, 3);
    CHECK_UINT(out.count, 0);
    CHECK(mcpz_plumtree_is_eager(&tree, &bob));
}

/* When the first announcement goes out, with a seed. */
static mcpz_time lot_of(uint64_t seed, bool patient)
{
    struct mcpz_plumtree_config config = small();

    config.announce_by_lot = true;
    config.announce_patient_us = PATIENT;
    config.seed = seed;
    set_up_with(config);
    neighbour(&alice, MCPZ_FACT_NEIGHBOUR_UP);
    receive_prune(0, &alice);
    if (patient) {
        broadcast_patiently(0, 1);
    } else {
        broadcast(0, 1);
    }
    return mcpz_plumtree_deadline(&tree);
}

/* Of two ends one goes first, and the other need not. */
TEST(announcements_may_go_by_lot)
{
    mcpz_time least_us = MCPZ_TIME_NEVER;
    mcpz_time most_us = 0;

    for (uint64_t seed = 0; seed < 200; seed++) {
        const mcpz_time at_us = lot_of(seed, false);
        least_us = mcpz_time_min(least_us, at_us);
        most_us = at_us > most_us ? at_us : most_us;
        CHECK(lot_of(seed, true) >= PATIENT / 2);
        CHECK(lot_of(seed, true) <= PATIENT * 3 / 2);
    }
    CHECK(least_us >= ANNOUNCE / 2 && least_us < ANNOUNCE * 3 / 4);
    CHECK(most_us <= ANNOUNCE * 3 / 2 && most_us > ANNOUNCE * 5 / 4);
}

TEST(the_room_for_announcements_that_wait_is_ours_to_choose)
{
    struct mcpz_plumtree_config config = small();
    config.notices_max = 2;
    set_up_with(config);
    neighbour(&alice, MCPZ_FACT_NEIGHBOUR_UP);
    receive_prune(0, &alice);
    broadcast(0, 1);
    CHECK_UINT(out.count, 0);
    broadcast(0, 2);
    CHECK_UINT(sent(MCPZ_MSG_IHAVE)->ihave.notice_count, 2);
    CHECK_UINT(mcpz_plumtree_deadline(&tree), MCPZ_TIME_NEVER);
}

TEST(a_simulated_node_takes_no_more_than_5_kib)
{
    const struct mcpz_plumtree_config config = {
        .seen_max = 64,
        .cache_max = 16,
        .cache_bytes = 2048,
        .payload_bytes_max = 2048,
        .missing_max = 8,
        .notices_max = 16,
    };
    CHECK(sizeof(struct mcpz_plumtree) + mcpz_plumtree_bytes(&config) <= (size_t)5 * 1024);
    set_up_with(config); /* and that is enough */
}

TEST(the_latest_payloads_are_handed_out_and_older_ones_are_not)
{
    set_up();
    for (uint32_t i = 1; i <= CACHE_MAX + 1; i++) {
        broadcast(0, i);
    }
    receive_graft(0, &alice, 1);
    CHECK_UINT(sent_to(&alice, MCPZ_MSG_GOSSIP), 0);
    receive_graft(0, &alice, 2);
    CHECK_UINT(sent_to(&alice, MCPZ_MSG_GOSSIP), 1);
}

/* Is what came at `came` handed out at `asked`? */
static bool is_handed_out(mcpz_time keep_us, mcpz_time came, mcpz_time asked)
{
    struct mcpz_plumtree_config config = small();
    config.keep_us = keep_us;
    set_up_with(config);
    neighbour(&alice, MCPZ_FACT_NEIGHBOUR_UP);
    broadcast(came, 1);
    CHECK_UINT(mcpz_plumtree_deadline(&tree), MCPZ_TIME_NEVER); /* nothing wakes us up for it */
    receive_graft(asked, &alice, 1);
    return sent_to(&alice, MCPZ_MSG_GOSSIP) == 1;
}

TEST(payloads_are_handed_out_for_a_while)
{
    CHECK(is_handed_out(MCPZ_SECONDS(1), 5, 5 + MCPZ_SECONDS(1)));
    CHECK(!is_handed_out(MCPZ_SECONDS(1), 5, 6 + MCPZ_SECONDS(1)));
    CHECK(is_handed_out(MCPZ_SECONDS(1), 0, 5));
    CHECK(is_handed_out(MCPZ_TIME_NEVER, 0, MCPZ_TIME_NEVER - 1));
    CHECK(is_handed_out(0, 5, MCPZ_TIME_NEVER - 1));
}

TEST(old_payloads_are_dropped_on_a_tick_and_their_ids_stay)
{
    struct mcpz_plumtree_config config = small();
    config.keep_us = MCPZ_SECONDS(1);
    set_up_with(config);
    neighbour(&alice, MCPZ_FACT_NEIGHBOUR_UP);
    broadcast(0, 1);
    tick(MCPZ_SECONDS(1));
    CHECK_UINT(tree.cache.kept_count, 1);
    tick(MCPZ_SECONDS(1) + 1);
    CHECK_UINT(tree.cache.kept_count, 0);
    receive_gossip(MCPZ_SECONDS(1) + 1, &alice, 1, 1);
    CHECK_UINT(tree.duplicates, 1);
}

TEST(the_latest_ids_are_known_and_older_ones_are_not)
{
    set_up();
    for (uint32_t i = 1; i <= SEEN_MAX; i++) {
        receive_gossip(0, &alice, i, 1);
    }
    receive_gossip(0, &bob, 1, 1);
    CHECK_UINT(count_actions(MCPZ_ACTION_FACT), 0);
    receive_gossip(0, &alice, SEEN_MAX + 1, 1);
    receive_gossip(0, &bob, 2, 1);
    CHECK_UINT(count_actions(MCPZ_ACTION_FACT), 0);
    receive_gossip(0, &bob, 1, 1);
    CHECK_UINT(count_actions(MCPZ_ACTION_FACT), 1);
}

TEST_MAIN(
    RUN(a_new_neighbour_is_eager), RUN(a_broadcast_goes_to_the_eager_and_is_announced_to_the_lazy),
    RUN(a_broadcast_is_not_delivered_to_ourselves_nor_sent_twice),
    RUN(a_broadcast_without_neighbours_goes_nowhere),
    RUN(the_first_receipt_delivers_and_is_passed_on),
    RUN(a_duplicate_prunes_its_link_and_is_not_delivered),
    RUN(our_own_broadcast_that_comes_back_is_a_duplicate), RUN(a_prune_makes_its_sender_lazy),
    RUN(how_far_is_too_far_can_be_said), RUN(what_has_come_too_far_goes_no_further),
    RUN(a_late_neighbour_is_told_nothing_and_then_lazy_until_it_brings_something),
    RUN(what_waits_for_a_late_neighbour_ends_at_its_limit),
    RUN(who_comes_back_late_no_longer_is_told_again),
    RUN(a_graft_makes_its_sender_eager_and_gets_the_payload),
    RUN(a_graft_for_nothing_or_for_what_is_gone_only_changes_the_link),
    RUN(what_is_announced_and_does_not_come_is_asked_of_each_announcer_in_turn),
    RUN(what_is_missing_for_long_is_not_asked_for),
    RUN(patience_follows_the_round_trips_within_bounds),
    RUN(one_that_announces_while_another_is_asked_is_asked_next),
    RUN(what_comes_in_time_is_not_asked_for), RUN(what_we_broadcast_ourselves_is_not_asked_for),
    RUN(an_announcement_of_what_is_here_is_ignored), RUN(who_has_announced_it_is_not_told_of_it),
    RUN(announcements_that_wait_go_in_one_message), RUN(without_a_wait_announcements_go_at_once),
    RUN(a_neighbour_that_goes_is_told_and_asked_nothing_more),
    RUN(the_tree_mends_after_its_link_is_lost), RUN(a_neighbour_that_comes_back_is_eager_again),
    RUN(who_is_no_neighbour_may_bring_news_and_nothing_else),
    RUN(a_link_is_swapped_from_the_threshold_on), RUN(the_nearest_announcer_is_taken),
    RUN(a_sender_is_not_swapped_for_itself), RUN(neighbours_end_at_their_limit),
    RUN(all_neighbours_can_announce_the_same), RUN(what_is_missing_ends_at_its_limit),
    RUN(a_full_message_of_announcements_does_not_wait),
    RUN(a_patient_one_is_pushed_at_once_and_announced_later),
    RUN(one_in_a_hurry_takes_the_patient_ones_along), RUN(patient_ones_go_with_the_first_of_them),
    RUN(a_patient_one_stays_so_on_its_way), RUN(patience_is_never_shorter_than_for_the_others),
    RUN(who_is_hushed_announces_what_comes_and_pushes_its_own),
    RUN(who_is_mute_says_its_own_and_nothing_of_what_comes),
    RUN(a_scattered_one_leaves_the_tree_as_it_is), RUN(announcements_may_go_by_lot),
    RUN(the_room_for_announcements_that_wait_is_ours_to_choose),
    RUN(a_simulated_node_takes_no_more_than_5_kib), RUN(payloads_are_handed_out_for_a_while),
    RUN(old_payloads_are_dropped_on_a_tick_and_their_ids_stay),
    RUN(the_latest_payloads_are_handed_out_and_older_ones_are_not),
    RUN(the_latest_ids_are_known_and_older_ones_are_not))
