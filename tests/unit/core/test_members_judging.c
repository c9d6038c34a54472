/* How suspects are convicted, and what saves them: the rules of core/members.h. */

#include "members_world.h"

#define LONG_US MCPZ_SECONDS(600)

/* 4 has told that its neighbours are 5, 6 and 3. */
static void set_up_suspect(void)
{
    set_up();
    tell_adjacency_of(4, 1, 5, 6, 3);
}

static void lose(uint8_t observer, uint8_t about)
{
    hear_all(doubt(observer, about, 1, MCPZ_SUSPICION_SILENT));
}

static void wait_for(uint8_t observer, uint8_t about)
{
    hear_all(doubt(observer, about, 1, MCPZ_SUSPICION_LATE));
}

/* The grace of a suspect with `observers` of three, if we are well. */
static mcpz_time grace_of(size_t observers)
{
    return mcpz_suspicion_grace(mcpz_members_alive_count(&members), observers, 3,
                                timing.suspect_us);
}

/* ---- At once ------------------------------------------------------------------------------ */

TEST(two_refused_redials_convict_at_once)
{
    set_up_suspect();
    tell_adjacency_of(2, 1, 4, 0, 0); /* even if somebody counts on it */
    hear_all(doubt(5, 4, 1, MCPZ_SUSPICION_REFUSED));
    CHECK_UINT(state_of(4), MCPZ_MEMBER_SUSPECT);
    hear_all(doubt(5, 4, 1, MCPZ_SUSPICION_REFUSED)); /* the same one again */
    CHECK_UINT(state_of(4), MCPZ_MEMBER_SUSPECT);
    hear_all(doubt(6, 4, 1, MCPZ_SUSPICION_REFUSED));
    CHECK_UINT(state_of(4), MCPZ_MEMBER_DEAD);
    CHECK(tells(MCPZ_FACT_DEAD, 4));
    const struct mcpz_msg_dead *said = &sent(MCPZ_MSG_DEAD)->dead;
    CHECK(mcpz_id_equal(&said->observer, &self));
    CHECK_UINT(said->incarnation, 1);
    CHECK_UINT(members.suspicions.count, 0);
}

TEST(one_is_enough_where_there_can_be_no_other)
{
    set_up();
    tell_adjacency_of(4, 1, 5, 0, 0);
    hear_all(doubt(5, 4, 1, MCPZ_SUSPICION_REFUSED));
    CHECK_UINT(state_of(4), MCPZ_MEMBER_DEAD);
}

/* ---- Early -------------------------------------------------------------------------------- */

TEST(when_all_observers_have_lost_it_grace_is_short)
{
    set_up_suspect();
    mcpz_time first_us = now;
    lose(5, 4);
    now += timing.early_us / 2;
    lose(6, 4);
    lose(3, 4);
    CHECK_UINT(state_of(4), MCPZ_MEMBER_SUSPECT);
    CHECK(run_to_death(now + LONG_US));
    CHECK_UINT(now, first_us + timing.early_us);
    CHECK_UINT(state_of(4), MCPZ_MEMBER_DEAD);
}

TEST(an_observer_that_is_dead_need_not_have_lost_it)
{
    set_up_suspect();
    mcpz_time first_us = now;
    lose(5, 4);
    lose(3, 4);
    now += 2 * timing.early_us;
    tick_at(now);
    CHECK_UINT(state_of(4), MCPZ_MEMBER_SUSPECT);
    hear_all(death(6, 1));
    CHECK_UINT(state_of(6), MCPZ_MEMBER_DEAD);
    CHECK(run_to_death(now + MCPZ_MS(200))); /* not when its grace is over */
    CHECK_UINT(state_of(4), MCPZ_MEMBER_DEAD);
    CHECK(now < first_us + grace_of(2));
}

TEST(too_few_of_them_must_wait)
{
    set_up_suspect();
    mcpz_time first_us = now;
    lose(5, 4);
    lose(6, 4);
    CHECK(run_to_death(now + LONG_US));
    CHECK_UINT(now, first_us + grace_of(2));
}

TEST(who_only_waits_for_it_has_not_lost_it)
{
    set_up_suspect();
    mcpz_time first_us = now;
    lose(5, 4);
    lose(6, 4);
    hear_all(doubt(3, 4, 1, MCPZ_SUSPICION_LATE));
    CHECK(run_to_death(now + LONG_US));
    CHECK(now > first_us + timing.early_us);
    CHECK_UINT(now, first_us + grace_of(3)); /* but a third voice it is */
}

/* ---- Late --------------------------------------------------------------------------------- */

TEST(one_observer_alone_convicts_after_the_longest_grace)
{
    set_up_suspect();
    mcpz_time first_us = now;
    lose(5, 4);
    CHECK(run_to_death(now + LONG_US));
    CHECK_UINT(now, first_us + grace_of(1));
    CHECK(grace_of(1) > grace_of(2));
}

/* That is all that a node which has slept is told of who died meanwhile. */
TEST(who_holds_it_for_dead_is_an_observer_of_it)
{
    set_up_suspect();
    mcpz_time first_us = now;
    struct mcpz_msg told = death(4, 1);
    told.dead.observer = node(5);
    hear(5, told);
    hear(5, told); /* comparisons say it again and again: it counts once */
    CHECK_UINT(mcpz_members_suspicion(&members, row_of(4))->observer_count, 2);
    CHECK(!run_to_death(first_us + grace_of(2) - 1));
    told.dead.observer = node(6);
    hear(6, told);
    CHECK_UINT(state_of(4), MCPZ_MEMBER_DEAD); /* of three the grace would have been over */
    CHECK(now > first_us + grace_of(3));
}

TEST(who_says_otherwise_in_time_is_spared)
{
    set_up_suspect();
    lose(5, 4);
    CHECK(!run_to_death(now + grace_of(1) - 1));
    hear_all(news(4, 2, MCPZ_MEMBER_ALIVE));
    CHECK(tells(MCPZ_FACT_ALIVE, 4));
    CHECK(!run_to_death(now + LONG_US));
    CHECK_UINT(state_of(4), MCPZ_MEMBER_ALIVE);
}

TEST(when_we_are_unwell_all_have_longer)
{
    set_up_suspect();
    mcpz_links_feel(&links, 1);
    mcpz_time first_us = now;
    lose(5, 4);
    CHECK(run_to_death(now + LONG_US));
    CHECK_UINT(now, first_us + 2 * grace_of(1));
}

/* ---- What blocks -------------------------------------------------------------------------- */

/* Everybody can see for itself that its grace is over: nobody needs to say so. */
TEST(whoever_is_counted_on_when_its_grace_is_over_is_cleared)
{
    set_up_suspect();
    tell_adjacency_of(2, 1, 4, 1, 0);
    mcpz_time first_us = now;
    wait_for(5, 4);
    wait_for(6, 4);
    wait_for(3, 4);
    CHECK(!run_to_death(first_us + grace_of(3) - 1));
    CHECK_UINT(state_of(4), MCPZ_MEMBER_SUSPECT);
    tick_at(first_us + grace_of(3));
    CHECK_UINT(state_of(4), MCPZ_MEMBER_ALIVE);
    CHECK(tells(MCPZ_FACT_ALIVE, 4));
    CHECK_UINT(count_actions(MCPZ_ACTION_BROADCAST), 0);
    CHECK_UINT(row_of(4)->incarnation, 1); /* only it may raise that */
    CHECK_UINT(members.suspicions.count, 0);
    CHECK_UINT(mcpz_members_flaps(row_of(4), now), 1); /* it is slow */
    CHECK(!run_to_death(now + LONG_US));
    lose(5, 4); /* it may be doubted anew */
    CHECK_UINT(state_of(4), MCPZ_MEMBER_SUSPECT);
}

TEST(whoever_somebody_has_lost_is_not_cleared)
{
    set_up_suspect();
    tell_adjacency_of(2, 1, 4, 1, 0);
    wait_for(5, 4);
    wait_for(6, 4);
    lose(3, 4); /* one is enough */
    CHECK(!run_to_death(now + LONG_US));
    CHECK_UINT(state_of(4), MCPZ_MEMBER_SUSPECT);
    tell_adjacency_of(2, 2, 1, 0, 0);
    CHECK(run_to_death(now + MCPZ_SECONDS(1)));
    CHECK_UINT(state_of(4), MCPZ_MEMBER_DEAD);
}

TEST(who_is_counted_on_no_longer_is_convicted_before_its_grace_is_over)
{
    set_up_suspect();
    tell_adjacency_of(2, 1, 4, 1, 0);
    mcpz_time first_us = now;
    lose(5, 4);
    lose(6, 4);
    lose(3, 4);
    CHECK(!run_to_death(first_us + timing.early_us + MCPZ_MS(100)));
    tell_adjacency_of(2, 2, 1, 0, 0);
    CHECK(run_to_death(first_us + grace_of(3) - 1));
    CHECK_UINT(state_of(4), MCPZ_MEMBER_DEAD);
}

TEST(an_observer_that_has_lost_it_does_not_support_it)
{
    set_up_suspect();
    tell_adjacency_of(5, 1, 4, 1, 0); /* it has not told of the change yet */
    tell_adjacency_of(6, 1, 4, 1, 0);
    lose(5, 4);
    lose(6, 4);
    lose(3, 4);
    CHECK(run_to_death(now + timing.early_us));
}

TEST(the_support_of_who_is_not_alive_itself_ends)
{
    set_up_suspect();
    tell_adjacency_of(2, 1, 4, 1, 0);
    lose(5, 4);
    lose(6, 4);
    lose(3, 4);
    CHECK(!run_to_death(now + grace_of(3) - 1));
    fact(MCPZ_FACT_LATE, 2, 0);
    CHECK_UINT(state_of(2), MCPZ_MEMBER_SUSPECT);
    CHECK(run_to_death(now + 1));
    CHECK_UINT(state_of(4), MCPZ_MEMBER_DEAD);
}

TEST(two_suspects_do_not_support_each_other)
{
    set_up();
    tell_adjacency_of(4, 1, 5, 0, 0);
    tell_adjacency_of(5, 1, 4, 0, 0);
    lose(3, 4);
    lose(3, 5);
    CHECK(run_to_death(now + LONG_US));
}

TEST(whoever_hears_it_convicts_nobody)
{
    set_up();
    tell_adjacency_of(1, 1, 2, 3, 5);
    hear_all(doubt(2, 1, 1, MCPZ_SUSPICION_REFUSED));
    hear_all(doubt(3, 1, 1, MCPZ_SUSPICION_REFUSED));
    hear_all(doubt(5, 1, 1, MCPZ_SUSPICION_REFUSED));
    CHECK_UINT(state_of(1), MCPZ_MEMBER_SUSPECT);
    CHECK(!run_to_death(now + LONG_US));
    CHECK_UINT(state_of(1), MCPZ_MEMBER_SUSPECT); /* others have lost it: it is asked */
    hear(1, news(1, 2, MCPZ_MEMBER_ALIVE));
    CHECK_UINT(state_of(1), MCPZ_MEMBER_ALIVE);
}

TEST(whoever_hears_it_clears_it_of_doubts)
{
    set_up();
    tell_adjacency_of(1, 1, 2, 3, 5);
    wait_for(2, 1);
    wait_for(3, 1);
    wait_for(5, 1);
    CHECK(!run_to_death(now + grace_of(3) - 1));
    CHECK_UINT(state_of(1), MCPZ_MEMBER_SUSPECT);
    tick_at(now + 1);
    CHECK_UINT(state_of(1), MCPZ_MEMBER_ALIVE);
}

TEST(who_is_heard_no_longer_is_convicted)
{
    set_up();
    tell_adjacency_of(1, 1, 2, 3, 5);
    hear_all(doubt(2, 1, 1, MCPZ_SUSPICION_REFUSED));
    hear_all(doubt(3, 1, 1, MCPZ_SUSPICION_REFUSED));
    hear_all(doubt(5, 1, 1, MCPZ_SUSPICION_REFUSED));
    CHECK(!run_to_death(now + timing.early_us));
    links.links[0].late = true;
    CHECK(mcpz_id_equal(&links.links[0].id, &row_of(1)->id));
    CHECK(run_to_death(now + MCPZ_SECONDS(5)));
}

/* ---- Cut off ------------------------------------------------------------------------------ */

static void lose_all_neighbours(void)
{
    for (uint8_t i = 1; i <= 3; i++) {
        fact(MCPZ_FACT_NEIGHBOUR_DOWN, i, MCPZ_NEIGHBOUR_LOST);
    }
}

TEST(who_is_cut_off_judges_nobody)
{
    set_up_suspect();
    lose(5, 4);
    lose_all_neighbours();
    uint64_t spared = members.spared;
    link_down(1, MCPZ_DOWN_SILENT);
    CHECK_UINT(count_actions(MCPZ_ACTION_BROADCAST), 0);
    CHECK_UINT(state_of(1), MCPZ_MEMBER_ALIVE);
    CHECK_UINT(members.spared, spared + 1);
    CHECK_UINT(count_actions(MCPZ_ACTION_REACH), 1); /* it tries to be there again */
    CHECK(!run_to_death(now + LONG_US));
    CHECK_UINT(state_of(4), MCPZ_MEMBER_SUSPECT);
}

TEST(who_is_back_lets_all_suspicions_begin_anew)
{
    set_up_suspect();
    lose(5, 4);
    lose_all_neighbours();
    CHECK(!run_to_death(now + LONG_US));
    fact(MCPZ_FACT_NEIGHBOUR_UP, 2, 0);
    mcpz_time back_us = now;
    CHECK_UINT(count_said(MCPZ_ACTION_BROADCAST, MCPZ_MSG_MEMBER), 1); /* we are there */
    CHECK(run_to_death(now + LONG_US));
    CHECK(now >= back_us + grace_of(1));
}

TEST(of_two_one_may_judge_the_other)
{
    set_up_as((struct mcpz_members_config){0});
    know(1);
    link_up(1);
    fact(MCPZ_FACT_NEIGHBOUR_UP, 1, 0);
    fact(MCPZ_FACT_NEIGHBOUR_DOWN, 1, MCPZ_NEIGHBOUR_LOST);
    link_down(1, MCPZ_DOWN_CLOSED);
    CHECK_UINT(state_of(1), MCPZ_MEMBER_SUSPECT);
    fact(MCPZ_FACT_UNREACHABLE, 1, MCPZ_UNREACHABLE_REFUSED);
    CHECK_UINT(state_of(1), MCPZ_MEMBER_DEAD);
}

/* ---- Bounds ------------------------------------------------------------------------------- */

TEST(suspicions_begun_are_rationed)
{
    const uint8_t count = MCPZ_SUSPECTS_PER_MINUTE + 5;

    set_up_as((struct mcpz_members_config){.rows_max = 64, .suspicions_max = 64});
    set_up_mesh();
    for (uint8_t i = 0; i < count; i++) {
        know((uint8_t)(10 + i));
    }
    for (uint8_t i = 0; i < count; i++) {
        fact(MCPZ_FACT_UNLINKED, (uint8_t)(10 + i), MCPZ_DOWN_SILENT);
        CHECK_UINT(count_actions(MCPZ_ACTION_BROADCAST), i < MCPZ_SUSPECTS_PER_MINUTE);
    }
    CHECK_UINT(members.spared, 5);
    CHECK_UINT(state_of((uint8_t)(10 + count - 1)), MCPZ_MEMBER_ALIVE);
    fact(MCPZ_FACT_UNREACHABLE, 10, MCPZ_UNREACHABLE_REFUSED); /* of a suspect it is no new one */
    CHECK_UINT(count_said(MCPZ_ACTION_BROADCAST, MCPZ_MSG_SUSPECT), 1);
    now += MCPZ_SECONDS(60) / MCPZ_SUSPECTS_PER_MINUTE;
    fact(MCPZ_FACT_UNLINKED, (uint8_t)(10 + count - 1), MCPZ_DOWN_SILENT);
    CHECK_UINT(state_of((uint8_t)(10 + count - 1)), MCPZ_MEMBER_SUSPECT);
}

TEST(three_and_a_sixteenth_of_all_are_many)
{
    set_up_as((struct mcpz_members_config){.rows_max = 100, .suspicions_max = 16});
    for (uint8_t i = 1; i <= 48; i++) {
        know(i);
    }
    for (uint8_t i = 1; i <= 3; i++) {
        CHECK(!mcpz_members_doubts_many(&members));
        wait_for(10, i);
    }
    CHECK(mcpz_members_doubts_many(&members)); /* 3 of 49 */
    for (uint8_t i = 49; i < 64; i++) {
        CHECK(mcpz_members_doubts_many(&members));
        know(i);
    }
    CHECK(!mcpz_members_doubts_many(&members)); /* of 64 */
    hear_all(doubt(10, 4, 1, MCPZ_SUSPICION_SILENT));
    CHECK(mcpz_members_doubts_many(&members));
    hear_all(news(4, 2, MCPZ_MEMBER_ALIVE));
    CHECK(!mcpz_members_doubts_many(&members));
}

TEST(where_many_are_in_doubt_none_is_convicted_soon)
{
    set_up_suspect();
    const mcpz_time first_us = now;
    const mcpz_time least_us = 3 * timing.link_silent_us / 2;

    wait_for(5, 4);
    wait_for(6, 4);
    wait_for(3, 4);
    wait_for(4, 2);
    wait_for(4, 1);
    CHECK(grace_of(3) < least_us && least_us < grace_of(1));
    CHECK(mcpz_members_doubts_many(&members));
    CHECK(!run_to_death(first_us + least_us - 1));
    tick_at(first_us + least_us);
    CHECK_UINT(state_of(4), MCPZ_MEMBER_DEAD);
}

/* Whoever we doubt ourselves may be in doubt nowhere else. */
TEST(a_suspect_of_our_own_is_dialled_each_time)
{
    size_t dialled = 0;

    set_up_as((struct mcpz_members_config){.rows_max = 100, .suspicions_max = 16});
    fact(MCPZ_FACT_NEIGHBOUR_UP, 1, 0);
    for (uint8_t i = 1; i < 50; i++) {
        know(i);
    }
    fact(MCPZ_FACT_UNLINKED, 1, MCPZ_DOWN_SILENT);
    fact(MCPZ_FACT_NEIGHBOUR_DOWN, 1, MCPZ_NEIGHBOUR_LOST);
    const mcpz_time end_us = now + 11 * timing.reconnect_us;
    while (now < end_us) {
        tick_at(mcpz_members_deadline(&members));
        dialled += count_actions(MCPZ_ACTION_REACH);
    }
    CHECK_UINT(state_of(1), MCPZ_MEMBER_SUSPECT);
    CHECK(dialled >= 4);
}

/* Of 1 suspect in 50, everybody who is not linked to it does so in one of 50 turns. */
TEST(a_suspect_is_dialled_by_few_and_asked_by_all_who_are_linked)
{
    size_t dialled = 0;
    size_t asked = 0;
    mcpz_time end_us;

    set_up_as((struct mcpz_members_config){.rows_max = 100, .suspicions_max = 16});
    for (uint8_t i = 1; i < 50; i++) {
        know(i);
    }
    for (uint64_t life = 1; life <= 250; life++) { /* we, who have no neighbour, do not judge it */
        hear_all(doubt(5, 4, life, MCPZ_SUSPICION_SILENT));
        end_us = now + MCPZ_SECONDS(14); /* four turns, until it is too long */
        while (mcpz_members_deadline(&members) < end_us) {
            tick_at(mcpz_members_deadline(&members));
            dialled += count_actions(MCPZ_ACTION_REACH);
        }
        CHECK_UINT(state_of(4), MCPZ_MEMBER_SUSPECT);
        hear_all(news(4, life + 1, MCPZ_MEMBER_ALIVE));
    }
    CHECK(dialled > 5 && dialled < 60); /* 20 */
    hear_all(doubt(5, 4, 251, MCPZ_SUSPICION_SILENT));
    link_up(4);
    end_us = now + 10 * timing.reconnect_us;
    while (now < end_us) {
        tick_at(mcpz_members_deadline(&members));
        asked += count_said(MCPZ_ACTION_SEND, MCPZ_MSG_SUSPECT);
    }
    CHECK(asked >= 5 && asked <= 20);
}

TEST(suspicions_held_are_bounded)
{
    set_up_as((struct mcpz_members_config){.suspicions_max = 2});
    set_up_mesh();
    lose(1, 4);
    lose(1, 5);
    lose(1, 6);
    CHECK_UINT(state_of(6), MCPZ_MEMBER_ALIVE);
    CHECK_UINT(members.dropped, 1);
    hear_all(news(4, 2, MCPZ_MEMBER_ALIVE));
    lose(1, 6);
    CHECK_UINT(state_of(6), MCPZ_MEMBER_SUSPECT);
}

/* ---- Probes ------------------------------------------------------------------------------- */

/* Over 1 to 4, who is the only one that is probed. */
static void set_up_probe(void)
{
    set_up_as((struct mcpz_members_config){0});
    know(1);
    know(4);
    know(5);
    link_up(1);
    fact(MCPZ_FACT_NEIGHBOUR_UP, 1, 0);
    tell_adjacency_of(1, 1, 4, 0, 0);
    tell_adjacency_of(4, 1, 1, 0, 0);
    tick_at(now + timing.adjacency_us);
}

static const struct mcpz_msg_probe *run_to_probe(void)
{
    size_t steps = 0;

    do {
        CHECK(steps++ < 1000);
        tick_at(mcpz_members_deadline(&members));
    } while (count_said(MCPZ_ACTION_SEND, MCPZ_MSG_PROBE) == 0);
    return &sent(MCPZ_MSG_PROBE)->probe;
}

TEST(a_probe_that_comes_to_nothing_is_a_doubt)
{
    set_up_probe();
    (void)run_to_probe();
    (void)run_to_probe(); /* the second attempt */
    size_t steps = 0;
    while (!tells(MCPZ_FACT_PROBED, 4)) {
        tick_at(mcpz_members_deadline(&members));
        CHECK(steps++ < 100);
    }
    CHECK_UINT(only_action(MCPZ_ACTION_BROADCAST)->send.msg.suspect.reason, MCPZ_SUSPICION_PROBE);
    CHECK_UINT(state_of(4), MCPZ_MEMBER_SUSPECT);
}

TEST(a_probe_of_who_is_slow_is_no_doubt)
{
    set_up_probe();
    (void)run_to_probe();
    (void)run_to_probe();
    hear_all(doubt(5, 4, 1, MCPZ_SUSPICION_LATE));
    hear_all(news(4, 2, MCPZ_MEMBER_ALIVE));
    size_t steps = 0;
    while (!tells(MCPZ_FACT_PROBED, 4)) {
        tick_at(mcpz_members_deadline(&members));
        CHECK(steps++ < 100);
    }
    CHECK_UINT(only_action(MCPZ_ACTION_FACT)->fact.reason, 1); /* it came to nothing */
    CHECK_UINT(count_said(MCPZ_ACTION_BROADCAST, MCPZ_MSG_SUSPECT), 0);
    CHECK_UINT(state_of(4), MCPZ_MEMBER_ALIVE);
}

TEST(a_probe_that_is_answered_is_told)
{
    set_up_probe();
    const struct mcpz_msg_probe *asked = run_to_probe();
    struct mcpz_short path[MCPZ_OVERLAY_WALK_MAX];
    struct mcpz_msg back = {.kind = MCPZ_MSG_PROBE, .probe = *asked};
    CHECK_UINT(asked->path_count, 3);
    memcpy(path, asked->path, asked->path_count * sizeof(*path));
    back.probe.kind = MCPZ_PROBE_ACK;
    back.probe.at = 0;
    back.probe.path = path;
    hear(1, back);
    CHECK(tells(MCPZ_FACT_PROBED, 4));
    CHECK_UINT(only_action(MCPZ_ACTION_FACT)->fact.reason, 0);
    CHECK_UINT(state_of(4), MCPZ_MEMBER_ALIVE);
}

TEST(whom_no_path_leads_to_is_doubted_in_the_end)
{
    set_up_probe();
    tell_adjacency_of(5, 1, 0, 0, 0);
    CHECK_UINT(state_of(5), MCPZ_MEMBER_ALIVE);
    size_t checks = 0;
    while (state_of(5) == MCPZ_MEMBER_ALIVE) {
        tick_at(members.probe_at_us);
        CHECK(checks++ < 10);
    }
    CHECK(checks > 1); /* the map may have been old once */
    CHECK_UINT(row_of(5)->reason, MCPZ_SUSPICION_UNREACHABLE);
}

/* It may be well, and the mesh have come apart: whoever makes neighbours is shown it. */
TEST(whom_no_path_leads_to_is_lost_once_for_each_look_at_the_map)
{
    set_up_probe();
    CHECK(mcpz_members_take_lost(&members) == NULL);
    tell_adjacency_of(5, 1, 0, 0, 0);
    tick_at(members.probe_at_us);
    CHECK(mcpz_members_take_lost(&members) == row_of(5));
    CHECK(mcpz_members_take_lost(&members) == NULL);
}

/* All others may have cleared it long ago: nobody else will ask it. */
TEST(who_is_in_doubt_for_too_long_is_asked_by_each_that_doubts_it)
{
    size_t asked = 0;

    set_up_as((struct mcpz_members_config){.rows_max = 64});
    set_up_mesh();
    for (uint8_t i = 10; i < 60; i++) {
        know(i);
    }
    tell_adjacency_of(2, 1, 4, 0, 0); /* who vouches for it */
    lose(5, 4);
    const mcpz_time since_us = now;
    while (now < since_us + MCPZ_SECONDS(45)) {
        tick_at(mcpz_members_deadline(&members));
        asked += now > since_us + MCPZ_SECONDS(15) ? count_actions(MCPZ_ACTION_REACH) : 0;
    }
    CHECK_UINT(state_of(4), MCPZ_MEMBER_SUSPECT);
    CHECK(asked > 5);
}

/* How often all are told, within 45 s, of a suspect that nobody can dial and that 2 vouches for.
 */
static size_t count_asked_through_all(bool is_ours)
{
    struct mcpz_msg hidden = news(4, 2, MCPZ_MEMBER_ALIVE);
    size_t asked = 0;

    set_up();
    hidden.member.address = mcpz_bytes(NULL, 0);
    hear_all(hidden);
    tell_adjacency_of(2, 1, 4, 0, 0);
    if (is_ours) {
        link_up(4);
        link_down(4, MCPZ_DOWN_PROTOCOL);
    } else {
        hear_all(doubt(5, 4, 2, MCPZ_SUSPICION_CLOSED));
    }
    const mcpz_time since_us = now;
    while (now < since_us + MCPZ_SECONDS(45)) {
        tick_at(mcpz_members_deadline(&members));
        const size_t said = count_said(MCPZ_ACTION_BROADCAST, MCPZ_MSG_SUSPECT);
        CHECK(said == 0 || now >= since_us + MCPZ_SECONDS(15)); /* it has been told by us */
        asked += said;
        CHECK_UINT(count_actions(MCPZ_ACTION_REACH), 0);
    }
    CHECK_UINT(state_of(4), MCPZ_MEMBER_SUSPECT);
    hidden.member.incarnation = 3;
    hear_all(hidden);
    CHECK_UINT(state_of(4), MCPZ_MEMBER_ALIVE);
    return asked;
}

/* What we said of it may not have got there; it was said once, and nobody else doubts it. */
TEST(a_suspect_that_nobody_can_dial_is_asked_through_all)
{
    const size_t asked = count_asked_through_all(true);

    CHECK(asked > 5);
    const size_t by_lot = count_asked_through_all(false); /* others that heard of it ask as well */
    CHECK(by_lot > 0 && by_lot < asked);
}

TEST_MAIN(RUN(who_is_in_doubt_for_too_long_is_asked_by_each_that_doubts_it),
          RUN(a_suspect_that_nobody_can_dial_is_asked_through_all),
          RUN(two_refused_redials_convict_at_once), RUN(one_is_enough_where_there_can_be_no_other),
          RUN(when_all_observers_have_lost_it_grace_is_short),
          RUN(an_observer_that_is_dead_need_not_have_lost_it), RUN(too_few_of_them_must_wait),
          RUN(who_only_waits_for_it_has_not_lost_it),
          RUN(one_observer_alone_convicts_after_the_longest_grace),
          RUN(who_holds_it_for_dead_is_an_observer_of_it),
          RUN(who_says_otherwise_in_time_is_spared), RUN(when_we_are_unwell_all_have_longer),
          RUN(whoever_is_counted_on_when_its_grace_is_over_is_cleared),
          RUN(whoever_somebody_has_lost_is_not_cleared),
          RUN(who_is_counted_on_no_longer_is_convicted_before_its_grace_is_over),
          RUN(an_observer_that_has_lost_it_does_not_support_it),
          RUN(the_support_of_who_is_not_alive_itself_ends),
          RUN(two_suspects_do_not_support_each_other), RUN(whoever_hears_it_convicts_nobody),
          RUN(whoever_hears_it_clears_it_of_doubts), RUN(who_is_heard_no_longer_is_convicted),
          RUN(who_is_cut_off_judges_nobody), RUN(who_is_back_lets_all_suspicions_begin_anew),
          RUN(of_two_one_may_judge_the_other), RUN(suspicions_begun_are_rationed),
          RUN(three_and_a_sixteenth_of_all_are_many),
          RUN(where_many_are_in_doubt_none_is_convicted_soon),
          RUN(a_suspect_of_our_own_is_dialled_each_time),
          RUN(a_suspect_is_dialled_by_few_and_asked_by_all_who_are_linked),
          RUN(suspicions_held_are_bounded), RUN(a_probe_that_comes_to_nothing_is_a_doubt),
          RUN(a_probe_of_who_is_slow_is_no_doubt), RUN(a_probe_that_is_answered_is_told),
          RUN(whom_no_path_leads_to_is_doubted_in_the_end),
          RUN(whom_no_path_leads_to_is_lost_once_for_each_look_at_the_map))
