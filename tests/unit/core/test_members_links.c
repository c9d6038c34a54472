/* What members make of what links tell: who is late, lost, slow, and who stood still. */

#include "members_world.h"

/* ---- What links tell ---------------------------------------------------------------------- */

TEST(a_late_neighbour_is_doubted_before_all_and_to_its_face)
{
    set_up();
    fact(MCPZ_FACT_LATE, 1, 0);
    CHECK(tells(MCPZ_FACT_SUSPECT, 1));
    CHECK_UINT(state_of(1), MCPZ_MEMBER_SUSPECT);
    const struct mcpz_action *all = only_action(MCPZ_ACTION_BROADCAST);
    CHECK_UINT(all->send.msg.suspect.reason, MCPZ_SUSPICION_LATE);
    CHECK(mcpz_id_equal(&all->send.msg.suspect.observer, &self));
    CHECK_UINT(only_action(MCPZ_ACTION_SEND)->send.peers->bytes[0], 1);
    fact(MCPZ_FACT_LATE, 1, 0);
    CHECK_UINT(out.count, 0); /* said once */
}

TEST(who_is_heard_again_is_asked_to_say_so)
{
    set_up();
    fact(MCPZ_FACT_LATE, 1, 0);
    CHECK_UINT(mcpz_members_suspicion(&members, row_of(1))->observer_count, 1);
    fact(MCPZ_FACT_PROMPT, 1, 0); /* what we said of it has reached it over this very link */
    CHECK_UINT(mcpz_members_suspicion(&members, row_of(1))->observer_count, 0);
    CHECK_UINT(out.count, 0);
    CHECK_UINT(state_of(1), MCPZ_MEMBER_SUSPECT);
    fact(MCPZ_FACT_PROMPT, 1, 0); /* of what others say that is not known */
    CHECK_UINT(only_action(MCPZ_ACTION_SEND)->send.msg.kind, MCPZ_MSG_SUSPECT);
    CHECK_UINT(only_action(MCPZ_ACTION_SEND)->send.peers->bytes[0], 1);
    hear(1, news(1, 2, MCPZ_MEMBER_ALIVE));
    CHECK(tells(MCPZ_FACT_ALIVE, 1));
    CHECK_UINT(state_of(1), MCPZ_MEMBER_ALIVE);
    CHECK(mcpz_members_suspicion(&members, row_of(1)) == NULL);
    CHECK_UINT(members.suspicions.count, 0);
}

/* What is slow is not gone: the same doubt again would only make it answer again. */
TEST(who_answered_a_doubt_is_not_called_late_again_for_a_while)
{
    set_up();
    fact(MCPZ_FACT_LATE, 1, 0);
    hear(1, news(1, 2, MCPZ_MEMBER_ALIVE));
    mcpz_time answered_us = now;
    fact(MCPZ_FACT_LATE, 1, 0);
    CHECK_UINT(out.count, 0);
    CHECK_UINT(state_of(1), MCPZ_MEMBER_ALIVE);
    now = answered_us + MCPZ_SECONDS(60) - 1;
    fact(MCPZ_FACT_LATE, 1, 0);
    CHECK_UINT(out.count, 0);
    now = answered_us + MCPZ_SECONDS(60);
    fact(MCPZ_FACT_LATE, 1, 0);
    CHECK_UINT(state_of(1), MCPZ_MEMBER_SUSPECT);
}

TEST(who_is_slow_is_doubted_when_it_is_lost)
{
    set_up();
    hear_all(death(1, 1)); /* a doubt of any kind, also the last one */
    hear_all(doubt(2, 4, 1, MCPZ_SUSPICION_SILENT));
    hear(1, news(1, 2, MCPZ_MEMBER_ALIVE));
    hear_all(news(4, 2, MCPZ_MEMBER_ALIVE));
    fact(MCPZ_FACT_LATE, 4, 0);
    CHECK_UINT(out.count, 0);
    fact(MCPZ_FACT_UNLINKED, 4, MCPZ_DOWN_SILENT);
    CHECK_UINT(state_of(4), MCPZ_MEMBER_SUSPECT);
    CHECK_UINT(sent(MCPZ_MSG_SUSPECT)->suspect.reason, MCPZ_SUSPICION_SILENT);
}

TEST(who_was_doubted_long_before_it_answered_is_not_slow)
{
    set_up();
    hear_all(death(4, 1));
    now += MCPZ_SECONDS(60);
    hear_all(news(4, 2, MCPZ_MEMBER_ALIVE)); /* it was gone, and is back */
    link_up(4);
    fact(MCPZ_FACT_LATE, 4, 0);
    CHECK_UINT(state_of(4), MCPZ_MEMBER_SUSPECT);
}

static uint32_t flaps_of(uint8_t about)
{
    return mcpz_members_flaps(row_of(about), now);
}

TEST(doubts_that_are_answered_soon_are_counted)
{
    set_up();
    CHECK_UINT(flaps_of(4), 0);
    hear_all(doubt(1, 4, 1, MCPZ_SUSPICION_LATE));
    CHECK_UINT(flaps_of(4), 0); /* it has not answered */
    hear_all(news(4, 2, MCPZ_MEMBER_ALIVE));
    CHECK_UINT(flaps_of(4), 1);
    hear_all(death(4, 2)); /* the last doubt counts like the first */
    now += MCPZ_SECONDS(60) - 1;
    hear_all(news(4, 3, MCPZ_MEMBER_ALIVE));
    CHECK_UINT(flaps_of(4), 2);
    now += MCPZ_SECONDS(60) - 1;
    CHECK_UINT(flaps_of(4), 2);
    now += 1;
    CHECK_UINT(flaps_of(4), 0); /* well for so long */
}

TEST(an_answer_that_took_long_counts_from_nothing)
{
    set_up();
    hear_all(doubt(1, 4, 1, MCPZ_SUSPICION_LATE));
    hear_all(news(4, 2, MCPZ_MEMBER_ALIVE));
    CHECK_UINT(flaps_of(4), 1);
    hear_all(death(4, 2));
    now += MCPZ_SECONDS(60);
    hear_all(news(4, 3, MCPZ_MEMBER_ALIVE));
    CHECK_UINT(flaps_of(4), 0);
}

TEST(who_is_slow_is_borne_with_up_to_a_bound)
{
    set_up();
    const struct mcpz_id peer = node(1);
    const struct mcpz_linked *link = mcpz_links_find(&links, &peer);
    CHECK_UINT(link->patience_us, timing.link_silent_us);
    mcpz_time silent_at_us = link->silent_at_us;
    mcpz_links_bear(&links, &peer, 2 * timing.link_silent_us);
    CHECK_UINT(link->patience_us, 2 * timing.link_silent_us);
    CHECK(link->silent_at_us > silent_at_us);
    mcpz_links_bear(&links, &peer, timing.link_silent_us);
    CHECK_UINT(link->patience_us, 2 * timing.link_silent_us); /* never less */
    mcpz_links_bear(&links, &peer, MCPZ_SECONDS(3600));
    CHECK_UINT(link->patience_us, MCPZ_SECONDS(30));
    const struct mcpz_id nobody = node(9);
    mcpz_links_bear(&links, &nobody, MCPZ_SECONDS(10)); /* not linked */
    CHECK(mcpz_links_find(&links, &nobody) == NULL);
}

/* That a deadline has passed is not only seen by a tick. */
TEST(we_notice_that_we_stood_still_at_the_first_event_of_any_kind)
{
    const struct mcpz_msg ping = {.kind = MCPZ_MSG_PING};
    const struct mcpz_event events[] = {
        {.kind = MCPZ_EVENT_TICK},
        {.kind = MCPZ_EVENT_RECV, .recv = {.from = node(1), .msg = &ping}},
        {.kind = MCPZ_EVENT_LINK_UP, .link = {.peer = node(9)}},
        {.kind = MCPZ_EVENT_LINK_DOWN, .link = {.peer = node(1), .reason = MCPZ_DOWN_CLOSED}},
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(events); i++) {
        set_up();
        links.expected_us = now - MCPZ_MS(250) + 1;
        CHECK(!mcpz_links_have_just_woken(&links, now));
        mcpz_outbox_clear(&out);
        now += 1;
        (void)mcpz_links_step(&links, now, &events[i], &out);
        CHECK_UINT(links.lags, 1);
        CHECK(mcpz_links_have_just_woken(&links, now));
        CHECK(!mcpz_links_have_just_woken(&links, now + MCPZ_SECONDS(1)));
    }
}

/* What we missed while we stood still says nothing of others. */
TEST(who_has_just_woken_accuses_nobody)
{
    set_up();
    link_up(1);
    stand_still();
    uint64_t spared = members.spared;
    fact(MCPZ_FACT_LATE, 1, 0);
    CHECK_UINT(out.count, 0);
    fact(MCPZ_FACT_UNLINKED, 1, MCPZ_DOWN_SILENT);
    CHECK_UINT(count_said(MCPZ_ACTION_BROADCAST, MCPZ_MSG_SUSPECT), 0);
    CHECK_UINT(count_actions(MCPZ_ACTION_REACH), 1); /* it is tried all the same */
    CHECK_UINT(state_of(1), MCPZ_MEMBER_ALIVE);
    CHECK_UINT(members.spared, spared + 2);
    hear_all(doubt(2, 4, 1, MCPZ_SUSPICION_LATE)); /* what others say counts */
    CHECK_UINT(state_of(4), MCPZ_MEMBER_SUSPECT);
    now = links.awake_us + MCPZ_SECONDS(1) - 1;
    fact(MCPZ_FACT_LATE, 1, 0);
    CHECK_UINT(state_of(1), MCPZ_MEMBER_ALIVE);
    now += 1;
    fact(MCPZ_FACT_LATE, 1, 0);
    CHECK_UINT(state_of(1), MCPZ_MEMBER_SUSPECT);
}

/* The other of two: nobody else will ever say that it is lost. */
TEST(who_is_lost_as_we_wake_is_looked_at_when_we_are_awake)
{
    set_up_as((struct mcpz_members_config){0});
    hear(1, news(1, 1, MCPZ_MEMBER_ALIVE));
    link_up(1);
    stand_still();
    link_down(1, MCPZ_DOWN_CLOSED);
    CHECK_UINT(state_of(1), MCPZ_MEMBER_ALIVE);
    const mcpz_time look_us = now + MCPZ_SECONDS(1);
    CHECK(mcpz_members_deadline(&members) <= look_us);
    tick_at(look_us - 1);
    CHECK_UINT(state_of(1), MCPZ_MEMBER_ALIVE);
    tick_at(look_us);
    CHECK_UINT(state_of(1), MCPZ_MEMBER_SUSPECT);
    CHECK_UINT(count_actions(MCPZ_ACTION_REACH), 1);
    fact(MCPZ_FACT_UNREACHABLE, 1, MCPZ_UNREACHABLE_REFUSED);
    tick_at(mcpz_members_deadline(&members));
    CHECK_UINT(state_of(1), MCPZ_MEMBER_DEAD);
}

/* Who has slept has missed it, and not the others. */
TEST(who_has_just_woken_hands_on_no_rows_that_it_was_sent)
{
    set_up();
    hear(2, news(4, 2, MCPZ_MEMBER_ALIVE));
    CHECK_UINT(count_said(MCPZ_ACTION_BROADCAST, MCPZ_MSG_MEMBER), 1);
    stand_still();
    hear(2, news(4, 3, MCPZ_MEMBER_ALIVE));
    CHECK_UINT(row_of(4)->incarnation, 3);
    CHECK_UINT(count_said(MCPZ_ACTION_BROADCAST, MCPZ_MSG_MEMBER), 0);
    be_awake_for_long();
    hear(2, news(4, 4, MCPZ_MEMBER_ALIVE));
    CHECK_UINT(count_said(MCPZ_ACTION_BROADCAST, MCPZ_MSG_MEMBER), 1);
}

/* What observers said of neighbour 1 before we do, and whether all are told that we say so too. */
struct voices {
    enum mcpz_suspicion said; /* by nodes 2, 3, .. */
    uint8_t count;
    enum mcpz_suspicion ours;
    bool told;
};

TEST(only_what_adds_weight_is_told_to_all)
{
    static const struct voices table[] = {
        {0, 0, MCPZ_SUSPICION_LATE, true},
        {MCPZ_SUSPICION_LATE, 1, MCPZ_SUSPICION_LATE, false},
        {MCPZ_SUSPICION_SILENT, 2, MCPZ_SUSPICION_LATE, false},
        {MCPZ_SUSPICION_SILENT, 3, MCPZ_SUSPICION_LATE, true}, /* they need not wait for us */
        {MCPZ_SUSPICION_LATE, 4, MCPZ_SUSPICION_SILENT, true}, /* the first that has lost it */
        {MCPZ_SUSPICION_SILENT, 1, MCPZ_SUSPICION_SILENT, true},
        {MCPZ_SUSPICION_SILENT, 2, MCPZ_SUSPICION_CLOSED, true}, /* the third */
        {MCPZ_SUSPICION_CLOSED, 3, MCPZ_SUSPICION_SILENT, false},
        {MCPZ_SUSPICION_SILENT, 4, MCPZ_SUSPICION_REFUSED, true},
        {MCPZ_SUSPICION_REFUSED, 1, MCPZ_SUSPICION_REFUSED, true}, /* the second */
        {MCPZ_SUSPICION_REFUSED, 2, MCPZ_SUSPICION_REFUSED, false},
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(table); i++) {
        set_up();
        tell_adjacency_of(1, 1, 2, 3, 4);
        for (uint8_t j = 0; j < table[i].count; j++) {
            hear_all(doubt((uint8_t)(2 + j), 1, 1, table[i].said));
        }
        if (table[i].ours == MCPZ_SUSPICION_LATE) {
            fact(MCPZ_FACT_LATE, 1, 0);
        } else if (table[i].ours == MCPZ_SUSPICION_REFUSED) {
            fact(MCPZ_FACT_UNREACHABLE, 1, MCPZ_UNREACHABLE_REFUSED);
        } else {
            bool closed = table[i].ours == MCPZ_SUSPICION_CLOSED;
            fact(MCPZ_FACT_UNLINKED, 1, closed ? MCPZ_DOWN_CLOSED : MCPZ_DOWN_SILENT);
        }
        if (count_said(MCPZ_ACTION_BROADCAST, MCPZ_MSG_SUSPECT) != table[i].told) {
            print_error("row %zu\n", i);
        }
        CHECK_UINT(count_said(MCPZ_ACTION_BROADCAST, MCPZ_MSG_SUSPECT), table[i].told);
        CHECK_UINT(count_said(MCPZ_ACTION_SEND, MCPZ_MSG_SUSPECT), 1); /* to its face always */
    }
}

/* A suspect is saved by whoever counts it among its neighbours: that we do no more is news. */
TEST(who_adds_no_weight_says_soon_that_it_does_not_vouch)
{
    set_up();
    tell_adjacency_of(1, 1, 2, 3, 4);
    for (uint8_t i = 2; i <= 4; i++) {
        hear_all(doubt(i, 1, 1, MCPZ_SUSPICION_SILENT));
    }
    CHECK_UINT(members.adjacency_at_us, MCPZ_TIME_NEVER); /* it still is our neighbour */
    fact(MCPZ_FACT_NEIGHBOUR_DOWN, 1, MCPZ_NEIGHBOUR_LOST);
    CHECK_UINT(members.adjacency_at_us, now + timing.adjacency_us);
    fact(MCPZ_FACT_UNLINKED, 1, MCPZ_DOWN_SILENT);
    CHECK_UINT(count_actions(MCPZ_ACTION_BROADCAST), 0);
    CHECK_UINT(members.adjacency_at_us, now + MCPZ_MS(100));
    CHECK(mcpz_members_deadline(&members) <= now + MCPZ_MS(100));
    tick_at(now + MCPZ_MS(100));
    const struct mcpz_msg_adjacency *said = &sent(MCPZ_MSG_ADJACENCY)->adjacency;
    CHECK_UINT(said->peer_count, 2);
    CHECK(said->peers[0].value != name_of(1).value);
    CHECK(said->peers[1].value != name_of(1).value);
}

TEST(who_adds_weight_has_no_more_to_say)
{
    set_up();
    tell_adjacency_of(1, 1, 2, 3, 4);
    fact(MCPZ_FACT_UNLINKED, 1, MCPZ_DOWN_SILENT);
    CHECK_UINT(count_said(MCPZ_ACTION_BROADCAST, MCPZ_MSG_SUSPECT), 1);
    CHECK_UINT(members.adjacency_at_us, MCPZ_TIME_NEVER);
}

/* Our link may have learnt to be patient, or we are not well: that must not save it. */
TEST(who_waits_for_whom_enough_have_lost_says_so_when_they_do)
{
    set_up();
    tell_adjacency_of(1, 1, 2, 3, 4);
    hear_all(doubt(6, 1, 1, MCPZ_SUSPICION_LATE));
    fact(MCPZ_FACT_LATE, 1, 0);
    CHECK_UINT(count_said(MCPZ_ACTION_BROADCAST, MCPZ_MSG_SUSPECT), 0);
    hear_all(doubt(2, 1, 1, MCPZ_SUSPICION_SILENT));
    hear_all(doubt(3, 1, 1, MCPZ_SUSPICION_SILENT));
    CHECK_UINT(count_actions(MCPZ_ACTION_BROADCAST), 0);
    hear_all(doubt(4, 1, 1, MCPZ_SUSPICION_SILENT));
    CHECK_UINT(sent(MCPZ_MSG_SUSPECT)->suspect.reason, MCPZ_SUSPICION_LATE);
    CHECK(mcpz_id_equal(&sent(MCPZ_MSG_SUSPECT)->suspect.observer, &self));
    hear_all(doubt(5, 1, 1, MCPZ_SUSPICION_SILENT)); /* once */
    CHECK_UINT(count_actions(MCPZ_ACTION_BROADCAST), 0);
}

TEST(who_has_told_all_that_it_waits_does_not_say_so_again)
{
    set_up();
    tell_adjacency_of(1, 1, 2, 3, 4);
    fact(MCPZ_FACT_LATE, 1, 0);
    CHECK_UINT(count_said(MCPZ_ACTION_BROADCAST, MCPZ_MSG_SUSPECT), 1);
    for (uint8_t i = 2; i <= 4; i++) {
        hear_all(doubt(i, 1, 1, MCPZ_SUSPICION_SILENT));
        CHECK_UINT(count_actions(MCPZ_ACTION_BROADCAST), 0);
    }
}

TEST(who_hears_it_or_is_no_neighbour_does_not_say_so)
{
    set_up();
    tell_adjacency_of(1, 1, 2, 3, 4);
    for (uint8_t i = 2; i <= 4; i++) { /* we hear it */
        hear_all(doubt(i, 1, 1, MCPZ_SUSPICION_SILENT));
        CHECK_UINT(count_actions(MCPZ_ACTION_BROADCAST), 0);
    }
    set_up();
    tell_adjacency_of(5, 1, 2, 3, 4);
    link_up(5);
    fact(MCPZ_FACT_LATE, 5, 0);
    for (uint8_t i = 2; i <= 4; i++) { /* nobody counts on us */
        hear_all(doubt(i, 5, 1, MCPZ_SUSPICION_SILENT));
        CHECK_UINT(count_actions(MCPZ_ACTION_BROADCAST), 0);
    }
}

TEST(a_lost_link_is_a_hint_and_redialled_at_once)
{
    static const struct {
        enum mcpz_link_down_reason reason;
        enum mcpz_suspicion doubt; /* 0: no hint of anything */
    } table[] = {
        {MCPZ_DOWN_CLOSED, MCPZ_SUSPICION_CLOSED},
        {MCPZ_DOWN_SILENT, MCPZ_SUSPICION_SILENT},
        {MCPZ_DOWN_ONE_WAY, MCPZ_SUSPICION_SILENT},
        {MCPZ_DOWN_SLOW, MCPZ_SUSPICION_CLOSED},
        {MCPZ_DOWN_PROTOCOL, MCPZ_SUSPICION_CLOSED},
        {MCPZ_DOWN_FULL, 0},
        {MCPZ_DOWN_LEFT, 0},
        {MCPZ_DOWN_DUPLICATE, 0},
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(table); i++) {
        set_up();
        tell_adjacency_of(1, 1, 2, 3, 4);
        link_down(1, table[i].reason);
        if (table[i].doubt == 0) {
            CHECK_UINT(out.count, 0);
            continue;
        }
        CHECK_UINT(state_of(1), MCPZ_MEMBER_SUSPECT);
        CHECK_UINT(sent(MCPZ_MSG_SUSPECT)->suspect.reason, table[i].doubt);
        CHECK_BYTES(only_action(MCPZ_ACTION_REACH)->reach.address, "host:1", 6);
    }
}

TEST(a_redial_that_is_refused_says_more)
{
    set_up();
    tell_adjacency_of(1, 1, 2, 3, 4);
    fact(MCPZ_FACT_UNREACHABLE, 1, MCPZ_UNREACHABLE_REFUSED);
    CHECK_UINT(out.count, 0); /* nothing is held against it */
    link_down(1, MCPZ_DOWN_CLOSED);
    fact(MCPZ_FACT_UNREACHABLE, 1, MCPZ_UNREACHABLE_SILENT);
    CHECK_UINT(out.count, 0);
    fact(MCPZ_FACT_UNREACHABLE, 1, MCPZ_UNREACHABLE_REFUSED);
    CHECK_UINT(sent(MCPZ_MSG_SUSPECT)->suspect.reason, MCPZ_SUSPICION_REFUSED);
    CHECK_UINT(state_of(1), MCPZ_MEMBER_SUSPECT); /* one does not make a verdict */
}

TEST(who_links_and_is_not_held_for_alive_is_asked)
{
    set_up();
    hear_all(death(4, 1));
    link_up(4);
    CHECK_UINT(only_action(MCPZ_ACTION_SEND)->send.msg.suspect.reason, MCPZ_SUSPICION_RUMOUR);
    CHECK_UINT(state_of(4), MCPZ_MEMBER_DEAD); /* only it can say otherwise */
    link_up(5);
    CHECK_UINT(count_actions(MCPZ_ACTION_SEND), 0);
}

TEST_MAIN(RUN(a_late_neighbour_is_doubted_before_all_and_to_its_face),
          RUN(who_is_heard_again_is_asked_to_say_so),
          RUN(who_answered_a_doubt_is_not_called_late_again_for_a_while),
          RUN(who_is_slow_is_doubted_when_it_is_lost),
          RUN(who_was_doubted_long_before_it_answered_is_not_slow),
          RUN(doubts_that_are_answered_soon_are_counted),
          RUN(an_answer_that_took_long_counts_from_nothing),
          RUN(who_has_just_woken_accuses_nobody),
          RUN(who_is_lost_as_we_wake_is_looked_at_when_we_are_awake),
          RUN(who_has_just_woken_hands_on_no_rows_that_it_was_sent),
          RUN(who_is_slow_is_borne_with_up_to_a_bound),
          RUN(we_notice_that_we_stood_still_at_the_first_event_of_any_kind),
          RUN(who_adds_no_weight_says_soon_that_it_does_not_vouch),
          RUN(who_adds_weight_has_no_more_to_say),
          RUN(who_waits_for_whom_enough_have_lost_says_so_when_they_do),
          RUN(who_has_told_all_that_it_waits_does_not_say_so_again),
          RUN(who_hears_it_or_is_no_neighbour_does_not_say_so),
          RUN(only_what_adds_weight_is_told_to_all),
          RUN(a_lost_link_is_a_hint_and_redialled_at_once),
          RUN(a_redial_that_is_refused_says_more),
          RUN(who_links_and_is_not_held_for_alive_is_asked))
