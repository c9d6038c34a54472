/* What is said of neighbours that are overdue, where few and where many are in doubt. */

#include "core/judging.h"
#include "core/overdue.h"
#include "members_world.h"

static struct mcpz_linked *link_to(uint8_t peer)
{
    for (size_t i = 0; i < links.count; i++) {
        if (links.links[i].id.bytes[0] == peer) {
            return &links.links[i];
        }
    }
    CHECK(false);
    return NULL;
}

/* It should have spoken by now, and has not. */
static void be_late(uint8_t peer)
{
    struct mcpz_linked *link = link_to(peer);

    link->late = true;
    link->heard_us = now - link->promised_us;
    link->late_at_us = now;
    fact(MCPZ_FACT_LATE, peer, 0);
}

/* Neighbours 1, 2 and 3 of a mesh in which 4, 5 and 6 are in doubt. */
static void set_up_crowd(void)
{
    set_up_as((struct mcpz_members_config){.rows_max = 64, .suspicions_max = 16});
    set_up_mesh();
    for (uint8_t i = 4; i <= 6; i++) {
        hear_all(doubt(3, i, 1, MCPZ_SUSPICION_LATE));
    }
    CHECK(mcpz_members_doubts_many(&members));
}

/* What we have just said of neighbour 1 to all; 0: nothing. */
static uint32_t word(void)
{
    const struct mcpz_id one = node(1);
    const struct mcpz_action *action;
    size_t at = 0;

    while ((action = next_action(MCPZ_ACTION_BROADCAST, &at)) != NULL) {
        const struct mcpz_msg *msg = &action->send.msg;
        if (msg->kind == MCPZ_MSG_SUSPECT && mcpz_id_equal(&msg->suspect.about, &one)) {
            return msg->suspect.reason;
        }
    }
    return 0;
}

/* Tick at every deadline until we have something to say of it. 0: nothing so far. */
static uint32_t run_to_word(mcpz_time until)
{
    while (mcpz_members_deadline(&members) <= until) {
        tick_at(mcpz_members_deadline(&members));
        if (word() != 0) {
            return word();
        }
    }
    now = until;
    return 0;
}

TEST(where_few_are_in_doubt_it_is_said_at_once)
{
    set_up();
    be_late(1);
    CHECK_UINT(count_said(MCPZ_ACTION_BROADCAST, MCPZ_MSG_SUSPECT), 1);
    CHECK_UINT(state_of(1), MCPZ_MEMBER_SUSPECT);
}

TEST(one_more_of_many_is_not_spoken_of_but_slow_from_now_on)
{
    set_up_crowd();
    const mcpz_time late_us = now;
    be_late(1);
    CHECK_UINT(out.count, 0);
    CHECK_UINT(state_of(1), MCPZ_MEMBER_ALIVE);
    CHECK_UINT(mcpz_members_flaps(row_of(1), now), 1);
    CHECK_UINT(run_to_word(late_us + mcpz_overdue_silence(&members) - 1), 0);
    CHECK_UINT(state_of(1), MCPZ_MEMBER_ALIVE);
    be_late(1); /* again: that is no news */
    CHECK_UINT(mcpz_members_flaps(row_of(1), now), 1);
}

/* Who is not heard of by others in time may be as slow as those that were late at our links. */
TEST(nobody_far_away_is_doubted_while_a_crowd_is_remembered)
{
    set_up_crowd();
    know(7);
    const struct mcpz_id id = node(7);
    struct mcpz_member *far = mcpz_roster_find(&members.roster, &id);
    for (uint8_t i = 4; i <= 6; i++) {
        hear_all(news(i, 2, MCPZ_MEMBER_ALIVE));
    }
    mcpz_outbox_clear(&out);
    mcpz_judging_accuse(&members, &links, far, MCPZ_SUSPICION_PROBE, now + MCPZ_FLAPS_US - 1,
                        &out);
    CHECK_UINT(state_of(7), MCPZ_MEMBER_ALIVE);
    mcpz_judging_accuse(&members, &links, far, MCPZ_SUSPICION_PROBE, now + MCPZ_FLAPS_US, &out);
    CHECK_UINT(state_of(7), MCPZ_MEMBER_SUSPECT);
}

TEST(what_somebody_else_has_said_meanwhile_is_not_said_again)
{
    set_up_crowd();
    be_late(1);
    hear_all(doubt(2, 1, 1, MCPZ_SUSPICION_LATE));
    CHECK_UINT(run_to_word(now + MCPZ_SECONDS(5)), 0);
    CHECK_UINT(mcpz_members_suspicion(&members, row_of(1))->observer_count, 2); /* but noted */
}

TEST(who_has_spoken_meanwhile_is_not_doubted)
{
    set_up_crowd();
    be_late(1);
    link_to(1)->late = false;
    CHECK_UINT(run_to_word(now + MCPZ_SECONDS(5)), 0);
    CHECK_UINT(state_of(1), MCPZ_MEMBER_ALIVE);
}

/* Its link is kept for longer; but who is starved has been heard by now. */
TEST(who_is_overdue_for_long_in_a_crowd_is_called_silent)
{
    set_up_crowd();
    tell_adjacency_of(1, 1, 2, 3, 5);
    const mcpz_time late_us = now;
    be_late(1);
    CHECK_UINT(run_to_word(late_us + mcpz_overdue_silence(&members) - 1), 0);
    CHECK_UINT(run_to_word(late_us + mcpz_overdue_silence(&members)), MCPZ_SUSPICION_SILENT);
    hear_all(news(1, 2, MCPZ_MEMBER_ALIVE)); /* it is there, if not for us */
    CHECK_UINT(run_to_word(late_us + 3 * mcpz_overdue_silence(&members)), 0); /* once */
    CHECK_UINT(state_of(1), MCPZ_MEMBER_ALIVE);
}

TEST(without_a_crowd_the_link_says_when_it_is_silent)
{
    set_up();
    be_late(1);
    CHECK_UINT(run_to_word(now + 2 * mcpz_overdue_silence(&members)), 0);
}

/* Those that were convicted first are in doubt no more: the last must not wait three times as
 * long for that. */
TEST(a_crowd_is_one_for_a_while_after_it_has_shrunk)
{
    set_up_crowd();
    const mcpz_time late_us = now;
    be_late(1);
    for (uint8_t i = 4; i <= 6; i++) {
        hear_all(news(i, 2, MCPZ_MEMBER_ALIVE));
    }
    CHECK(!mcpz_members_doubts_many(&members));
    CHECK(mcpz_overdue_is_crowd(&members, now));
    CHECK_UINT(run_to_word(late_us + mcpz_overdue_silence(&members)), MCPZ_SUSPICION_SILENT);
    CHECK(!mcpz_overdue_is_crowd(&members, now + 3 * timing.link_silent_us));
}

/* Nobody must wait for us, who may be more patient, when one has called it silent. */
TEST(who_waits_for_one_of_many_says_so_when_one_calls_it_silent)
{
    set_up_crowd();
    tell_adjacency_of(1, 1, 2, 3, 5);
    hear_all(doubt(2, 1, 1, MCPZ_SUSPICION_LATE));
    be_late(1);
    CHECK_UINT(word(), 0);
    hear_all(doubt(2, 1, 1, MCPZ_SUSPICION_SILENT));
    CHECK_UINT(word(), MCPZ_SUSPICION_LATE);
    hear_all(doubt(3, 1, 1, MCPZ_SUSPICION_SILENT)); /* once */
    CHECK_UINT(word(), 0);
}

/* One who has lost it, and all others wait for it: of many that is enough. */
TEST(one_of_many_is_convicted_by_one_who_has_lost_it_and_all_who_wait)
{
    set_up_crowd();
    tell_adjacency_of(1, 1, 2, 3, 0);
    be_late(1);
    const mcpz_time first_us = now;
    hear_all(doubt(2, 1, 1, MCPZ_SUSPICION_SILENT));
    hear_all(doubt(3, 1, 1, MCPZ_SUSPICION_LATE));
    CHECK(!run_to_death(first_us + timing.early_us - 1));
    tick_at(first_us + timing.early_us);
    CHECK_UINT(state_of(1), MCPZ_MEMBER_DEAD);
}

TEST_MAIN(RUN(where_few_are_in_doubt_it_is_said_at_once),
          RUN(one_more_of_many_is_not_spoken_of_but_slow_from_now_on),
          RUN(nobody_far_away_is_doubted_while_a_crowd_is_remembered),
          RUN(what_somebody_else_has_said_meanwhile_is_not_said_again),
          RUN(who_has_spoken_meanwhile_is_not_doubted),
          RUN(who_is_overdue_for_long_in_a_crowd_is_called_silent),
          RUN(without_a_crowd_the_link_says_when_it_is_silent),
          RUN(a_crowd_is_one_for_a_while_after_it_has_shrunk),
          RUN(who_waits_for_one_of_many_says_so_when_one_calls_it_silent),
          RUN(one_of_many_is_convicted_by_one_who_has_lost_it_and_all_who_wait))
