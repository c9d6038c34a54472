#include "core.h"

static struct mcpz_members members;
static struct mcpz_node_timing timing;

static void step(mcpz_time now, struct mcpz_event event)
{
    mcpz_outbox_clear(&out);
    mcpz_members_step(&members, now, &event, &out);
}

static void tick(mcpz_time now)
{
    step(now, (struct mcpz_event){.kind = MCPZ_EVENT_TICK});
}

static void receive(mcpz_time now, const struct mcpz_id *from, struct mcpz_msg msg)
{
    step(now, (struct mcpz_event){.kind = MCPZ_EVENT_RECV, .recv = {.from = *from, .msg = &msg}});
}

static void link_up(mcpz_time now, const struct mcpz_id *peer)
{
    step(now, (struct mcpz_event){.kind = MCPZ_EVENT_LINK_UP, .link = {.peer = *peer}});
}

static void link_down(mcpz_time now, const struct mcpz_id *peer)
{
    step(now, (struct mcpz_event){.kind = MCPZ_EVENT_LINK_DOWN,
                                  .link = {.peer = *peer, .reason = MCPZ_DOWN_CLOSED}});
}

static struct mcpz_msg news(const struct mcpz_id *about, uint64_t incarnation,
                            enum mcpz_member_state state)
{
    return (struct mcpz_msg){
        .kind = MCPZ_MSG_MEMBER,
        .member = {.id = *about,
                   .incarnation = incarnation,
                   .state = (uint32_t)state,
                   .name = mcpz_text("somebody"),
                   .address = mcpz_text("host:1")},
    };
}

static void set_up(void)
{
    static const struct mcpz_node_timing defaults;
    struct mcpz_members_config config = {
        .id = self, .incarnation = 7, .name = "me", .address = "", .region = "", .zone = ""};

    timing = mcpz_timing_or_default(&defaults);
    mcpz_outbox_init(&out);
    mcpz_members_init(&members, &config, &timing, 1, 0);
}

/* Linked with alice and bob at time 0, both alive. */
static void set_up_linked(void)
{
    set_up();
    link_up(0, &alice);
    receive(0, &alice, news(&alice, 1, MCPZ_MEMBER_ALIVE));
    link_up(0, &bob);
    receive(0, &bob, news(&bob, 1, MCPZ_MEMBER_ALIVE));
}

static enum mcpz_member_state state_of(const struct mcpz_id *id)
{
    const struct mcpz_member *member = mcpz_members_find(&members, id);
    CHECK(member != NULL);
    return member->state;
}

TEST(a_new_link_hears_of_everybody)
{
    set_up_linked();
    link_up(5, &bob);

    CHECK_UINT(count_actions(MCPZ_ACTION_SEND), 3);
    CHECK(has_fact(MCPZ_FACT_LINKED, &bob));
}

TEST(a_new_member_is_told_and_passed_on_but_not_back)
{
    set_up();
    link_up(0, &alice);
    receive(0, &alice, news(&bob, 1, MCPZ_MEMBER_ALIVE));

    CHECK(has_fact(MCPZ_FACT_ALIVE, &bob));
    const struct mcpz_action *action = only_action(MCPZ_ACTION_BROADCAST);
    CHECK(mcpz_id_equal(&action->send.except, &alice));
}

TEST(old_news_goes_no_further)
{
    set_up_linked();
    receive(1, &bob, news(&alice, 1, MCPZ_MEMBER_ALIVE));
    CHECK_UINT(out.count, 0);
}

TEST(answers_a_ping_with_its_seq)
{
    set_up_linked();
    receive(5, &alice, (struct mcpz_msg){.kind = MCPZ_MSG_PING, .ping = {.seq = 77}});
    CHECK_UINT(sent(MCPZ_MSG_ACK)->ack.seq, 77);
}

TEST(measures_the_round_trip)
{
    set_up_linked();
    tick(MCPZ_SECONDS(1));
    uint32_t seq = sent(MCPZ_MSG_PING)->ping.seq;
    receive(MCPZ_SECONDS(1) + 800, &alice,
            (struct mcpz_msg){.kind = MCPZ_MSG_ACK, .ack = {.seq = seq}});
    CHECK_UINT(mcpz_members_neighbour(&members, &alice)->rtt_us, 800);
}

TEST(an_ack_nobody_asked_for_measures_nothing)
{
    set_up_linked();
    receive(5, &alice, (struct mcpz_msg){.kind = MCPZ_MSG_ACK, .ack = {.seq = 999}});
    CHECK_UINT(mcpz_members_neighbour(&members, &alice)->rtt_us, 0);
}

TEST(a_lost_link_makes_a_suspect_not_a_dead_one)
{
    set_up_linked();
    link_down(MCPZ_SECONDS(1), &alice);

    CHECK(has_fact(MCPZ_FACT_UNLINKED, &alice));
    CHECK(has_fact(MCPZ_FACT_SUSPECT, &alice));
    CHECK_UINT(state_of(&alice), MCPZ_MEMBER_SUSPECT);
    CHECK_UINT(sent(MCPZ_MSG_MEMBER)->member.state, MCPZ_MEMBER_SUSPECT);
}

TEST(a_silent_link_is_given_up)
{
    set_up_linked();
    receive(MCPZ_SECONDS(4), &bob, (struct mcpz_msg){.kind = MCPZ_MSG_PING});
    tick(timing.link_silent_us);

    CHECK(mcpz_id_equal(&only_action(MCPZ_ACTION_UNLINK)->unlink.peer, &alice));
    CHECK_UINT(state_of(&alice), MCPZ_MEMBER_SUSPECT);
    CHECK_UINT(state_of(&bob), MCPZ_MEMBER_ALIVE);
}

TEST(a_suspect_that_stays_silent_is_declared_dead)
{
    set_up_linked();
    link_down(0, &alice);
    tick(timing.suspect_us - 1);
    CHECK_UINT(state_of(&alice), MCPZ_MEMBER_SUSPECT);

    tick(timing.suspect_us);
    CHECK(has_fact(MCPZ_FACT_DEAD, &alice));
    CHECK_UINT(state_of(&alice), MCPZ_MEMBER_DEAD);
}

TEST(a_suspect_that_speaks_up_with_a_higher_incarnation_lives)
{
    set_up_linked();
    link_down(0, &alice);
    receive(1, &bob, news(&alice, 2, MCPZ_MEMBER_ALIVE));

    CHECK(has_fact(MCPZ_FACT_ALIVE, &alice));
    CHECK_UINT(state_of(&alice), MCPZ_MEMBER_ALIVE);
}

TEST(the_same_incarnation_does_not_clear_a_suspect)
{
    set_up_linked();
    link_down(0, &alice);
    receive(1, &bob, news(&alice, 1, MCPZ_MEMBER_ALIVE));
    CHECK_UINT(state_of(&alice), MCPZ_MEMBER_SUSPECT);
}

TEST(hearing_of_our_own_death_we_refute_and_go_on)
{
    set_up_linked();
    receive(1, &alice, news(&self, 7, MCPZ_MEMBER_DEAD));

    CHECK(has_fact(MCPZ_FACT_REFUTED, &self));
    CHECK_UINT(sent(MCPZ_MSG_MEMBER)->member.incarnation, 8);
    CHECK_UINT(sent(MCPZ_MSG_MEMBER)->member.state, MCPZ_MEMBER_ALIVE);
}

TEST(stale_doubts_about_us_are_ignored)
{
    set_up_linked();
    receive(1, &alice, news(&self, 6, MCPZ_MEMBER_DEAD));
    CHECK_UINT(out.count, 0);
}

TEST(who_is_linked_answers_for_itself)
{
    set_up_linked();
    receive(1, &bob, news(&alice, 1, MCPZ_MEMBER_SUSPECT));

    CHECK_UINT(state_of(&alice), MCPZ_MEMBER_ALIVE);
    const struct mcpz_action *action = only_action(MCPZ_ACTION_SEND);
    CHECK(mcpz_id_equal(&action->send.peers[0], &alice));
}

/* It is linked, but has not introduced itself: there is no row yet, and must be none half made. */
TEST(a_doubt_about_a_neighbour_without_a_row_makes_no_row)
{
    set_up();
    link_up(0, &alice);
    link_up(0, &bob);
    receive(1, &alice, news(&bob, 1, MCPZ_MEMBER_SUSPECT));

    CHECK(mcpz_members_find(&members, &bob) == NULL);
    const struct mcpz_action *action = only_action(MCPZ_ACTION_SEND);
    CHECK(mcpz_id_equal(&action->send.peers[0], &bob));
    CHECK_UINT(count_actions(MCPZ_ACTION_BROADCAST), 0);
}

TEST(one_who_left_is_not_suspected_nor_dialled)
{
    set_up_linked();
    receive(1, &alice, news(&alice, 1, MCPZ_MEMBER_LEFT));
    CHECK(has_fact(MCPZ_FACT_LEFT, &alice));

    link_down(2, &alice);
    CHECK(!has_fact(MCPZ_FACT_SUSPECT, &alice));
    tick(MCPZ_SECONDS(60)); /* bob is silent by now */
    tick(MCPZ_SECONDS(61));
    CHECK(mcpz_id_equal(&only_action(MCPZ_ACTION_DIAL)->dial.expected, &bob));
}

TEST(the_dead_are_dialled_for_ever_ever_less_often)
{
    set_up_linked();
    link_down(0, &alice);
    mcpz_time last = 0;
    mcpz_time longest = 0;
    size_t dials = 0;

    for (mcpz_time now = 0; now < MCPZ_SECONDS(600); now += MCPZ_MS(50)) {
        receive(now, &bob, (struct mcpz_msg){.kind = MCPZ_MSG_PING});
        tick(now);
        if (count_actions(MCPZ_ACTION_DIAL) > 0) {
            longest = now - last > longest ? now - last : longest;
            last = now;
            dials++;
        }
    }
    CHECK(dials > 20 && dials < 60);
    CHECK(longest > MCPZ_SECONDS(15) && longest <= timing.redial_max_us + MCPZ_MS(50));
    CHECK(MCPZ_SECONDS(600) - last <= timing.redial_max_us);
}

TEST(a_node_that_is_cut_off_judges_nobody)
{
    set_up_linked();
    link_down(0, &alice);
    link_down(0, &bob);
    tick(timing.suspect_us + 1);

    CHECK_UINT(state_of(&alice), MCPZ_MEMBER_SUSPECT);
    CHECK_UINT(state_of(&bob), MCPZ_MEMBER_SUSPECT);
}

TEST(the_dead_of_yesterday_are_forgotten)
{
    set_up_linked();
    link_down(0, &alice);
    receive(MCPZ_SECONDS(4), &bob, (struct mcpz_msg){.kind = MCPZ_MSG_PING});
    tick(timing.suspect_us);
    receive(timing.forget_us, &bob, (struct mcpz_msg){.kind = MCPZ_MSG_PING});
    tick(timing.suspect_us + timing.forget_us - 1);
    CHECK(mcpz_members_find(&members, &alice) != NULL);
    receive(timing.suspect_us + timing.forget_us - 1, &bob,
            (struct mcpz_msg){.kind = MCPZ_MSG_PING});
    tick(timing.suspect_us + timing.forget_us);
    CHECK(mcpz_members_find(&members, &alice) == NULL);
}

TEST(the_dead_nobody_knew_make_no_row)
{
    set_up_linked();
    struct mcpz_id stranger = {.bytes = {'x'}};
    receive(1, &bob, news(&stranger, 9, MCPZ_MEMBER_DEAD));
    CHECK(mcpz_members_find(&members, &stranger) == NULL);
    CHECK_UINT(out.count, 0);
}

TEST(a_full_table_drops_newcomers_and_counts_them)
{
    set_up_linked();
    for (uint32_t i = 0; i < MCPZ_MEMBERS_MAX; i++) {
        struct mcpz_id stranger = {.bytes = {'x', (uint8_t)i, (uint8_t)(i >> 8)}};
        receive(1, &bob, news(&stranger, 1, MCPZ_MEMBER_ALIVE));
    }
    CHECK_UINT(members.member_count, MCPZ_MEMBERS_MAX);
    CHECK_UINT(members.dropped, 3);
}

/* As many links as there may be, to peers 0, 1, ... in this order; all known as members. */
static void fill_links(void)
{
    set_up();
    for (uint8_t i = 0; i < MCPZ_LINKS_MAX; i++) {
        struct mcpz_id peer = {.bytes = {'p', i}};
        link_up(i, &peer);
        CHECK_UINT(count_actions(MCPZ_ACTION_UNLINK), 0);
        receive(i, &peer, news(&peer, 1, MCPZ_MEMBER_ALIVE));
    }
}

TEST(one_link_too_many_to_a_member_is_mostly_given_back)
{
    struct mcpz_id peer = {.bytes = {'p', 0}};
    size_t given_back = 0;

    for (uint64_t seed = 1; seed <= 100; seed++) {
        fill_links();
        mcpz_rng_init(&members.rng, seed);
        receive(20, &peer, news(&alice, 1, MCPZ_MEMBER_ALIVE));
        link_up(20, &alice);
        const struct mcpz_action *action = only_action(MCPZ_ACTION_UNLINK);
        CHECK_UINT(action->unlink.reason, MCPZ_DOWN_FULL);
        given_back += mcpz_id_equal(&action->unlink.peer, &alice);
        CHECK_UINT(members.neighbour_count, MCPZ_LINKS_MAX);
        CHECK_UINT(state_of(&alice), MCPZ_MEMBER_ALIVE);
    }
    CHECK(given_back > 50 && given_back < 95);
}

TEST(who_has_links_enough_does_not_press_the_full)
{
    struct mcpz_id full = {.bytes = {'p', 0}};
    fill_links();
    step(30, (struct mcpz_event){.kind = MCPZ_EVENT_LINK_DOWN,
                                 .link = {.peer = full, .reason = MCPZ_DOWN_FULL}});
    CHECK_UINT(state_of(&full), MCPZ_MEMBER_ALIVE);
    for (mcpz_time now = 0; now < MCPZ_SECONDS(100); now += MCPZ_SECONDS(1)) {
        for (size_t i = 0; i < members.neighbour_count; i++) {
            members.neighbours[i].heard_us = 30 + now;
        }
        tick(30 + now);
        CHECK_UINT(count_actions(MCPZ_ACTION_DIAL), 0);
    }
}

TEST(for_a_newcomer_the_oldest_link_goes_without_suspicion)
{
    struct mcpz_id oldest = {.bytes = {'p', 0}};
    fill_links();
    link_up(20, &alice);
    CHECK(mcpz_id_equal(&only_action(MCPZ_ACTION_UNLINK)->unlink.peer, &oldest));
    CHECK(mcpz_members_neighbour(&members, &alice) != NULL);
    CHECK_UINT(members.neighbour_count, MCPZ_LINKS_MAX);
    CHECK_UINT(state_of(&oldest), MCPZ_MEMBER_ALIVE);
}

TEST(a_seed_is_dialled_until_it_answers)
{
    set_up();
    step(0, (struct mcpz_event){.kind = MCPZ_EVENT_SEED, .seed = {mcpz_text("seed:1")}});
    tick(0);
    CHECK_UINT(count_actions(MCPZ_ACTION_DIAL), 1);
    tick(MCPZ_SECONDS(1));
    CHECK_UINT(count_actions(MCPZ_ACTION_DIAL), 1);

    step(MCPZ_SECONDS(1),
         (struct mcpz_event){.kind = MCPZ_EVENT_LINK_UP,
                             .link = {.peer = alice, .address = mcpz_text("seed:1")}});
    tick(MCPZ_SECONDS(3));
    CHECK_UINT(count_actions(MCPZ_ACTION_DIAL), 0);

    link_down(MCPZ_SECONDS(4), &alice);
    tick(MCPZ_SECONDS(5));
    CHECK_UINT(count_actions(MCPZ_ACTION_DIAL), 1);
}

TEST(messages_of_a_peer_without_a_link_are_ignored)
{
    set_up();
    receive(0, &alice, (struct mcpz_msg){.kind = MCPZ_MSG_PING, .ping = {.seq = 1}});
    CHECK_UINT(out.count, 0);
}

TEST(leaving_says_goodbye_and_does_not_argue)
{
    set_up_linked();
    step(1, (struct mcpz_event){.kind = MCPZ_EVENT_LEAVE});
    CHECK_UINT(sent(MCPZ_MSG_MEMBER)->member.state, MCPZ_MEMBER_LEFT);
    receive(2, &alice, news(&self, 7, MCPZ_MEMBER_LEFT));
    CHECK_UINT(out.count, 0);
}

TEST(a_broadcast_sinks_to_all_neighbours_but_one)
{
    set_up_linked();
    mcpz_outbox_clear(&out);
    struct mcpz_msg msg = {.kind = MCPZ_MSG_PING};
    mcpz_outbox_broadcast(&out, &bob, &msg);
    mcpz_members_sink(&members, &out, 0);

    const struct mcpz_action *action = only_action(MCPZ_ACTION_SEND);
    CHECK_UINT(action->send.peer_count, 1);
    CHECK(mcpz_id_equal(&action->send.peers[0], &alice));
}

TEST(nothing_is_due_before_the_deadline)
{
    set_up_linked();
    for (int i = 0; i < 50; i++) {
        mcpz_time deadline = mcpz_members_deadline(&members);
        CHECK(deadline != MCPZ_TIME_NEVER);
        if (deadline > 0) {
            tick(deadline - 1);
            CHECK_UINT(out.count, 0);
        }
        tick(deadline);
        CHECK(mcpz_members_deadline(&members) > deadline);
    }
}

TEST_MAIN(RUN(a_new_link_hears_of_everybody), RUN(a_new_member_is_told_and_passed_on_but_not_back),
          RUN(old_news_goes_no_further), RUN(answers_a_ping_with_its_seq),
          RUN(measures_the_round_trip), RUN(an_ack_nobody_asked_for_measures_nothing),
          RUN(a_lost_link_makes_a_suspect_not_a_dead_one), RUN(a_silent_link_is_given_up),
          RUN(a_suspect_that_stays_silent_is_declared_dead),
          RUN(a_suspect_that_speaks_up_with_a_higher_incarnation_lives),
          RUN(the_same_incarnation_does_not_clear_a_suspect),
          RUN(hearing_of_our_own_death_we_refute_and_go_on),
          RUN(stale_doubts_about_us_are_ignored), RUN(who_is_linked_answers_for_itself),
          RUN(a_doubt_about_a_neighbour_without_a_row_makes_no_row),
          RUN(one_who_left_is_not_suspected_nor_dialled),
          RUN(the_dead_are_dialled_for_ever_ever_less_often),
          RUN(a_node_that_is_cut_off_judges_nobody), RUN(the_dead_of_yesterday_are_forgotten),
          RUN(the_dead_nobody_knew_make_no_row), RUN(a_full_table_drops_newcomers_and_counts_them),
          RUN(one_link_too_many_to_a_member_is_mostly_given_back),
          RUN(who_has_links_enough_does_not_press_the_full),
          RUN(for_a_newcomer_the_oldest_link_goes_without_suspicion),
          RUN(a_seed_is_dialled_until_it_answers),
          RUN(messages_of_a_peer_without_a_link_are_ignored),
          RUN(leaving_says_goodbye_and_does_not_argue),
          RUN(a_broadcast_sinks_to_all_neighbours_but_one),
          RUN(nothing_is_due_before_the_deadline))
