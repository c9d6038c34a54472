#include "links_world.h"

/* ---- Heartbeats --------------------------------------------------------------------------- */

/* Beat `count` times to 1, who is well; checks that no promise is broken. */
static void beat_to_one(size_t count)
{
    mcpz_time promised_us = 0;
    mcpz_time last_us = 0;
    uint32_t last_ms = 0;

    for (size_t i = 0; i < count; i++) {
        tick_at(mcpz_links_deadline(&links));
        uint32_t next_ms = sent(MCPZ_MSG_PING)->ping.next_ms;
        CHECK(last_us == 0 || now <= last_us + promised_us);
        CHECK(next_ms >= last_ms);
        last_us = now;
        last_ms = next_ms;
        promised_us = MCPZ_MS(next_ms);
        hear_all_well(1);
        (void)hear(1, (struct mcpz_msg){.kind = MCPZ_MSG_CREDIT}); /* it is in use */
    }
}

TEST(heartbeats_ease_off_on_a_link_that_is_well)
{
    set_up_with(1);
    tick();
    CHECK_UINT(sent(MCPZ_MSG_PING)->ping.next_ms, timing.heartbeat_us / 4 / 1000);
    hear_all_well(1);
    beat_to_one(1);
    CHECK(link_of(1)->interval_us > timing.heartbeat_us / 4);
    CHECK(link_of(1)->interval_us < timing.heartbeat_us);
    beat_to_one(20);
    CHECK_UINT(link_of(1)->interval_us, timing.heartbeat_us);
    beat_to_one(1);
    CHECK_UINT(link_of(1)->interval_us, timing.heartbeat_us);
}

TEST(links_nobody_counts_on_beat_less_often)
{
    set_up_with(1);
    want(1, false);
    beat_to_one(30);
    CHECK_UINT(link_of(1)->interval_us, timing.pool_heartbeat_us);
    want(1, true); /* the other end hears of it at once, and soon again */
    CHECK_UINT(mcpz_links_deadline(&links), now);
    tick();
    CHECK_UINT(sent(MCPZ_MSG_PING)->ping.next_ms, timing.heartbeat_us / 4 / 1000);
}

TEST(to_want_what_is_wanted_changes_nothing)
{
    set_up_with(1);
    beat_to_one(5);
    mcpz_time deadline = mcpz_links_deadline(&links);
    want(1, true);
    want(7, true); /* nobody is there */
    CHECK_UINT(mcpz_links_deadline(&links), deadline);
}

static void link_up_dialled(uint8_t peer)
{
    (void)step((struct mcpz_event){.kind = MCPZ_EVENT_LINK_UP,
                                   .link = {.peer = node(peer), .dialled = true}});
    want(peer, true);
}

/* The end that dialled begins, the other answers: TCP's acknowledgement rides along then. */
TEST(who_dialled_begins_and_says_exactly_when)
{
    set_up();
    link_up_dialled(1);
    for (size_t i = 0; i < 40; i++) {
        const mcpz_time interval_us = link_of(1)->interval_us;
        tick_at(mcpz_links_deadline(&links));
        const mcpz_time wait_us = link_of(1)->beat_at_us - now;
        CHECK(wait_us <= interval_us);
        CHECK(wait_us >= interval_us - interval_us * 3 / 20);
        CHECK_UINT(sent(MCPZ_MSG_PING)->ping.next_ms, (wait_us + 999) / 1000);
        hear_all_well(1);
    }
}

TEST(who_was_dialled_waits_a_little_longer_than_the_other_end)
{
    set_up_with(1);
    beat_to_one(20);
    tick_at(mcpz_links_deadline(&links));
    hear_ping(1, link_of(1)->seq, 0, 2000);
    now += MCPZ_SECONDS(2);
    hear_ping(1, link_of(1)->seq, 0, 2000); /* more than half of our interval later: answered */
    now += MCPZ_SECONDS(2);
    hear_ping(1, link_of(1)->seq, 0, 2000);
    tick_at(mcpz_links_deadline(&links));
    CHECK_UINT(link_of(1)->beat_at_us, now + MCPZ_MS(2100));
    CHECK_UINT(sent(MCPZ_MSG_PING)->ping.next_ms, 2100);
}

/* The least time between two of the next heartbeats, in turns of an interval. */
static mcpz_time least_apart(uint8_t count)
{
    mcpz_time least_us = timing.heartbeat_us;

    for (uint8_t i = 1; i <= count; i++) {
        for (uint8_t j = (uint8_t)(i + 1); j <= count; j++) {
            const mcpz_time a = link_of(i)->beat_at_us;
            const mcpz_time b = link_of(j)->beat_at_us;
            const mcpz_time apart_us = (a > b ? a - b : b - a) % timing.heartbeat_us;
            least_us = mcpz_time_min(least_us, apart_us);
            least_us = mcpz_time_min(least_us, timing.heartbeat_us - apart_us);
        }
    }
    return least_us;
}

/* Who falls silent is missed by the first of its neighbours soon. */
TEST(heartbeats_to_neighbours_spread_out)
{
    mcpz_time apart_us = 0;

    set_up();
    for (uint8_t i = 1; i <= 4; i++) {
        link_up_dialled(i);
    }
    for (size_t i = 0; i < 400; i++) {
        tick_at(mcpz_links_deadline(&links));
        for (uint8_t j = 1; j <= 4; j++) {
            if (link_of(j)->sent_us == now) {
                hear_all_well(j); /* who is asked answers */
            }
        }
        apart_us += i >= 300 ? least_apart(4) : 0;
    }
    CHECK(apart_us / 100 > timing.heartbeat_us / 8); /* by lot it would be a sixteenth */
}

TEST(a_heartbeat_is_answered_when_half_the_interval_is_over)
{
    set_up_with(1);
    beat_to_one(5);
    const struct mcpz_linked *link = link_of(1);
    mcpz_time half_us = link->sent_us + link->interval_us / 2;
    now = half_us - 1;
    hear_all_well(1);
    CHECK(mcpz_links_deadline(&links) > now);
    now = half_us;
    hear_all_well(1);
    CHECK_UINT(mcpz_links_deadline(&links), now);
    tick();
    CHECK_UINT(sent(MCPZ_MSG_PING)->ping.echo, link->heard_seq);
    CHECK_UINT(sent(MCPZ_MSG_PING)->ping.echo_us, 0);
}

TEST(a_heartbeat_says_what_was_heard_and_how_long_ago)
{
    set_up_with(1);
    tick();
    CHECK_UINT(sent(MCPZ_MSG_PING)->ping.seq, 1);
    CHECK_UINT(sent(MCPZ_MSG_PING)->ping.echo, 0);
    CHECK_UINT(sent(MCPZ_MSG_PING)->ping.echo_us, 0);
    now += 100;
    hear_ping(1, 0, 0, LONG_MS);
    hear_ping(1, 0, 0, LONG_MS);
    mcpz_time heard_us = now;
    tick_at(mcpz_links_deadline(&links));
    CHECK_UINT(sent(MCPZ_MSG_PING)->ping.seq, 2);
    CHECK_UINT(sent(MCPZ_MSG_PING)->ping.echo, 2);
    CHECK_UINT(sent(MCPZ_MSG_PING)->ping.echo_us, now - heard_us);
}

TEST(the_echo_measures_the_round_trip)
{
    set_up_with(1);
    tick();
    now += 1000;
    hear_ping(1, 1, 300, LONG_MS);
    CHECK_UINT(link_of(1)->rtt_us, 700);
    CHECK_UINT(link_of(1)->rtt_min_us, 700);
    tick_at(mcpz_links_deadline(&links));
    now += 1500;
    hear_ping(1, 2, 0, LONG_MS);
    CHECK(link_of(1)->rtt_us > 700 && link_of(1)->rtt_us < 1500);
    CHECK_UINT(link_of(1)->rtt_min_us, 700);
    uint32_t smoothed_us = link_of(1)->rtt_us;
    tick_at(mcpz_links_deadline(&links));
    mcpz_time before_us = link_of(1)->before_us;
    hear_ping(1, 2, (uint32_t)(now - before_us - 200), LONG_MS); /* the one before counts too */
    CHECK_UINT(link_of(1)->rtt_min_us, 200);
    CHECK(link_of(1)->rtt_us < smoothed_us);
}

TEST(an_echo_of_nothing_measures_nothing)
{
    set_up_with(1);
    tick();
    now += 1000;
    hear_ping(1, 7, 0, LONG_MS);    /* never said */
    hear_ping(1, 0, 0, LONG_MS);    /* nothing heard yet */
    hear_ping(1, 1, 1001, LONG_MS); /* before it was said */
    CHECK_UINT(link_of(1)->rtt_us, 0);
    beat_to_one(3);
    now += 1000;
    uint32_t rtt_us = link_of(1)->rtt_us;
    hear_ping(1, 1, 0, LONG_MS); /* too long ago */
    CHECK_UINT(link_of(1)->rtt_us, rtt_us);
}

TEST(who_stood_still_measures_nothing)
{
    set_up_with(1);
    tick();
    now += 1000;
    hear_ping(1, 1, 0, 1000);
    tick_at(mcpz_links_deadline(&links));
    now = link_of(1)->heard_seq_us + MCPZ_MS(1250) + 1;
    hear_ping(1, 2, 0, 1000); /* the other end did */
    CHECK_UINT(link_of(1)->rtt_us, 1000);
    tick_at(mcpz_links_deadline(&links));
    now = link_of(1)->sent_us + 500;
    hear_ping(1, 3, 0, LONG_MS);
    CHECK(link_of(1)->rtt_us < 1000);
    const uint32_t rtt_us = link_of(1)->rtt_us;
    tick_at(mcpz_links_deadline(&links) + MCPZ_SECONDS(1)); /* we did */
    now += 500;
    hear_ping(1, link_of(1)->seq, 0, LONG_MS);
    CHECK_UINT(link_of(1)->rtt_us, rtt_us);
    now += MCPZ_SECONDS(1);
    hear_ping(1, link_of(1)->seq, (uint32_t)(now - link_of(1)->sent_us) - 100, LONG_MS);
    CHECK(link_of(1)->rtt_us < rtt_us);
}

/* ---- Late and silent ---------------------------------------------------------------------- */

TEST(who_breaks_a_promise_is_late_after_some_grace)
{
    set_up_with(1);
    tick();
    hear_ping(1, 1, 0, 2000);
    mcpz_time late_us = link_of(1)->late_at_us;
    CHECK(late_us > now + MCPZ_MS(2000));
    CHECK(!run_to(MCPZ_FACT_LATE, late_us - 1));
    tick_at(late_us);
    CHECK_UINT(told(MCPZ_FACT_LATE), 1);
    CHECK(link_of(1)->late);
    CHECK(link_of(1)->interval_us > timing.heartbeat_us / 4); /* we do not ask more often */
    tick();
    CHECK_UINT(told(MCPZ_FACT_LATE), 0); /* once */
}

TEST(anything_from_who_is_late_makes_it_prompt)
{
    set_up_with(1);
    tick();
    hear_ping(1, 1, 0, 1000);
    CHECK(run_to(MCPZ_FACT_LATE, now + timing.link_silent_us));
    (void)hear(1, (struct mcpz_msg){.kind = MCPZ_MSG_MEMBER});
    CHECK_UINT(told(MCPZ_FACT_PROMPT), 1);
    CHECK(!link_of(1)->late);
    (void)hear(1, (struct mcpz_msg){.kind = MCPZ_MSG_MEMBER});
    CHECK_UINT(told(MCPZ_FACT_PROMPT), 0);
    CHECK(run_to(MCPZ_FACT_LATE, now + timing.link_silent_us));
}

TEST(who_stays_silent_is_given_up)
{
    set_up_with(1);
    tick();
    hear_ping(1, 1, 0, 1000);
    mcpz_time heard_us = now;
    CHECK(run_to(MCPZ_FACT_UNLINKED, now + MCPZ_SECONDS(60)));
    CHECK(now >= heard_us + timing.link_silent_us);
    CHECK_UINT(reason_of(MCPZ_FACT_UNLINKED), MCPZ_DOWN_SILENT);
    CHECK_UINT(only_action(MCPZ_ACTION_UNLINK)->unlink.reason, MCPZ_DOWN_SILENT);
    CHECK(link_of(1) == NULL);
    CHECK_UINT(mcpz_links_deadline(&links), MCPZ_TIME_NEVER);
}

TEST(a_long_promise_is_waited_for)
{
    set_up_with(1);
    tick();
    hear_ping(1, 1, 0, 30000);
    CHECK(link_of(1)->late_at_us > now + MCPZ_MS(30000));
    CHECK(link_of(1)->silent_at_us > link_of(1)->late_at_us);
}

TEST(a_history_of_silence_makes_patient)
{
    set_up_with(1);
    tick();
    hear_ping(1, 1, 0, 1000);
    CHECK_UINT(link_of(1)->patience_us, timing.link_silent_us);
    now += timing.link_silent_us - 1;
    hear_ping(1, 1, 0, 1000);
    uint32_t patience_us = link_of(1)->patience_us;
    CHECK(patience_us > timing.link_silent_us);
    CHECK(link_of(1)->silent_at_us >= now + patience_us);
    hear_ping(1, 1, 0, 1000); /* it does not forget so soon */
    CHECK(link_of(1)->patience_us > patience_us - (patience_us - timing.link_silent_us) / 4);
    for (size_t i = 0; i < 20; i++) { /* and there is an end to it */
        now += MCPZ_SECONDS(3600);
        hear_ping(1, 1, 0, 1000);
    }
    CHECK(link_of(1)->patience_us < MCPZ_SECONDS(3600));
}

TEST(who_comes_in_time_is_waited_for_as_long_as_anybody)
{
    set_up_with(1);
    tick();
    hear_ping(1, 1, 0, 4000);
    for (size_t i = 0; i < 10; i++) { /* however much time it takes */
        now += MCPZ_SECONDS(4);
        hear_ping(1, 1, 0, 4000);
        CHECK_UINT(link_of(1)->patience_us, timing.link_silent_us);
    }
}

TEST(a_moment_s_delay_is_soon_forgotten)
{
    set_up_with(1);
    tick();
    hear_ping(1, 1, 0, 4000);
    now += MCPZ_SECONDS(7);
    hear_ping(1, 1, 0, 4000);
    CHECK(link_of(1)->patience_us > 2 * timing.link_silent_us);
    uint32_t before_us = link_of(1)->patience_us;
    for (size_t i = 0; i < 100; i++) {
        now += MCPZ_SECONDS(4);
        hear_ping(1, 1, 0, 4000);
        CHECK(link_of(1)->patience_us <= before_us);
        before_us = link_of(1)->patience_us;
    }
    CHECK(before_us >= timing.link_silent_us);
    CHECK(before_us < timing.link_silent_us + MCPZ_MS(10));
}

TEST(who_is_often_late_gets_more_grace)
{
    set_up_with(1);
    tick();
    hear_ping(1, 1, 0, 1000);
    mcpz_time grace_us = link_of(1)->late_at_us - now;
    for (size_t i = 0; i < 10; i++) {
        now += MCPZ_MS(1800);
        hear_ping(1, 1, 0, 1000);
    }
    mcpz_time longer_us = link_of(1)->late_at_us - now;
    CHECK(longer_us > grace_us);
    for (size_t i = 0; i < 100; i++) { /* who has bettered itself gets less again */
        now += MCPZ_MS(1000);
        hear_ping(1, 1, 0, 1000);
    }
    CHECK(link_of(1)->late_at_us - now < longer_us);
}

/* ---- Who does not hear us ----------------------------------------------------------------- */

static struct mcpz_msg gossip(size_t bytes)
{
    static uint8_t payload[65536];
    return (struct mcpz_msg){.kind = MCPZ_MSG_GOSSIP,
                             .gossip = {.round = 1, .payload = mcpz_bytes(payload, bytes)}};
}

/* The peer speaks every second, and has heard `echo` of ours. True: gossip passes at the end. */
static bool speak_for(size_t seconds, uint32_t echo)
{
    bool passes = true;

    for (size_t i = 0; i < seconds; i++) {
        mcpz_time until_us = now + MCPZ_SECONDS(1);
        CHECK(!run_to(MCPZ_FACT_UNLINKED, until_us));
        now = until_us;
        hear_ping(1, echo, 0, 2000);
        passes = hear(1, gossip(10));
    }
    return passes;
}

TEST(the_gossip_of_who_does_not_hear_us_weighs_nothing)
{
    set_up_with(1);
    tick();
    CHECK(speak_for(2, 0)); /* not yet: heartbeats take their time */
    size_t seconds = 0;
    while (speak_for(1, 0)) {
        CHECK(seconds++ < 60);
    }
    CHECK(link_of(1) != NULL);
    CHECK(link_of(1)->deaf);
    CHECK(hear(1, (struct mcpz_msg){.kind = MCPZ_MSG_MEMBER})); /* what it says itself does */
    CHECK_UINT(links.over_budget, 0);
    hear_ping(1, link_of(1)->seq, 0, LONG_MS); /* it does hear us */
    CHECK(hear(1, gossip(10)));
}

TEST(a_link_that_stays_one_way_is_given_up)
{
    set_up_with(1);
    tick();
    hear_ping(1, 1, 0, 1000);
    bool ended = false;
    for (size_t i = 0; i < 120 && !ended; i++) {
        mcpz_time until_us = now + MCPZ_SECONDS(1);
        ended = run_to(MCPZ_FACT_UNLINKED, until_us);
        if (!ended) {
            now = until_us;
            hear_ping(1, 1, 0, LONG_MS);
        }
    }
    CHECK(ended);
    CHECK_UINT(reason_of(MCPZ_FACT_UNLINKED), MCPZ_DOWN_ONE_WAY);
    CHECK_UINT(only_action(MCPZ_ACTION_UNLINK)->unlink.reason, MCPZ_DOWN_ONE_WAY);
    CHECK_UINT(links.one_way, 1);
}

/* ---- Ourselves ---------------------------------------------------------------------------- */

TEST(when_we_stood_still_nobody_is_blamed)
{
    set_up_with(3);
    tick();
    for (uint8_t i = 1; i <= 3; i++) {
        hear_ping(i, 1, 0, 1000);
    }
    tick_at(now + MCPZ_SECONDS(100));
    CHECK_UINT(told(MCPZ_FACT_LATE), 0);
    CHECK_UINT(told(MCPZ_FACT_UNLINKED), 0);
    CHECK_UINT(links.lags, 1);
    CHECK_UINT(links.health, 1);
    CHECK(has_pinged());
    for (uint8_t i = 1; i <= 3; i++) {
        CHECK(link_of(i)->late_at_us > now);
        CHECK(!link_of(i)->deaf);
    }
    CHECK(run_to(MCPZ_FACT_LATE, now + MCPZ_SECONDS(60))); /* they have had their chance now */
}

/* What has waited for us is old to all others; what comes after it is not. */
TEST(who_has_slept_for_long_hears_the_past_for_a_moment)
{
    set_up_with(1);
    tick();
    hear_ping(1, 1, 0, 1000);
    CHECK(!mcpz_links_hear_the_past(&links, now));
    tick_at(mcpz_links_deadline(&links) + MCPZ_SECONDS(2) - 1); /* not long enough */
    CHECK(mcpz_links_have_just_woken(&links, now));
    CHECK(!mcpz_links_hear_the_past(&links, now));
    tick_at(mcpz_links_deadline(&links) + MCPZ_SECONDS(2));
    CHECK(mcpz_links_hear_the_past(&links, now));
    CHECK(mcpz_links_hear_the_past(&links, now + MCPZ_MS(100) - 1));
    CHECK(!mcpz_links_hear_the_past(&links, now + MCPZ_MS(100)));
    CHECK(mcpz_links_have_just_woken(&links, now + MCPZ_MS(100)));
}

TEST(who_is_tardy_is_so_until_it_is_in_time)
{
    set_up_with(1);
    tick();
    hear_ping(1, 1, 0, 1000); /* the first cannot be late */
    CHECK(!link_of(1)->tardy);
    now += MCPZ_MS(1250); /* some grace there is */
    hear_ping(1, 1, 0, 1000);
    CHECK(!link_of(1)->tardy);
    now += MCPZ_MS(1251);
    hear_ping(1, 1, 0, 1000);
    CHECK(link_of(1)->tardy);
    now += MCPZ_MS(1000);
    hear_ping(1, 1, 0, 1000);
    CHECK(!link_of(1)->tardy);
}

TEST(who_was_late_before_we_stood_still_has_time_to_speak)
{
    set_up_with(1);
    tick();
    hear_ping(1, 1, 0, 1000);
    CHECK(run_to(MCPZ_FACT_LATE, now + MCPZ_SECONDS(60)));
    tick_at(now + MCPZ_SECONDS(100));
    CHECK(link_of(1) != NULL);
    CHECK(link_of(1)->silent_at_us > now);
}

TEST(a_crowd_of_late_links_is_held_against_ourselves)
{
    set_up_with(4);
    tick();
    for (uint8_t i = 1; i <= 4; i++) {
        hear_ping(i, 1, 0, 500);
        const struct mcpz_linked *link = link_of(i);
        CHECK(link->silent_at_us > link->late_at_us);
    }
    mcpz_time until_us = link_of(1)->silent_at_us - 1;
    while (mcpz_links_deadline(&links) <= until_us) {
        tick_at(mcpz_links_deadline(&links));
    }
    CHECK_UINT(links.lags, 0);
    CHECK(links.health > 0);
    for (uint8_t i = 1; i <= 4; i++) {
        hear_all_well(i);
    }
    CHECK(!chat_to(MCPZ_FACT_LATE, now + MCPZ_SECONDS(60)));
    CHECK_UINT(links.health, 0); /* all is well again */
    CHECK_UINT(links.count, 4);
}

TEST(one_late_link_of_many_is_not_held_against_ourselves)
{
    set_up_with(4);
    tick();
    for (uint8_t i = 2; i <= 4; i++) {
        hear_ping(i, 1, 0, LONG_MS);
    }
    hear_ping(1, 1, 0, 500);
    mcpz_time until_us = link_of(1)->silent_at_us - 1;
    while (mcpz_links_deadline(&links) <= until_us) {
        tick_at(mcpz_links_deadline(&links));
    }
    CHECK(link_of(1)->late);
    CHECK_UINT(links.health, 0);
}

TEST(who_has_few_links_gets_well_again_too)
{
    set_up_with(1);
    tick();
    hear_all_well(1);
    tick_at(now + MCPZ_SECONDS(100));
    hear_all_well(1);
    CHECK_UINT(links.health, 1);
    CHECK(!chat_to(MCPZ_FACT_LATE, now + MCPZ_SECONDS(60)));
    CHECK_UINT(links.health, 0);
}

TEST(health_is_bounded_and_stretches_patience)
{
    set_up_with(1);
    tick();
    hear_ping(1, 1, 0, 1000);
    mcpz_time grace_us = link_of(1)->late_at_us - now - MCPZ_MS(1000);
    mcpz_time silence_us = link_of(1)->silent_at_us - now;
    mcpz_links_feel(&links, 1);
    hear_ping(1, 1, 0, 1000);
    CHECK_UINT(link_of(1)->late_at_us - now - MCPZ_MS(1000), 2 * grace_us);
    CHECK_UINT(link_of(1)->silent_at_us - now, 2 * silence_us);
    for (size_t i = 0; i < 2 * MCPZ_HEALTH_MAX; i++) {
        mcpz_links_feel(&links, 1);
    }
    CHECK_UINT(links.health, MCPZ_HEALTH_MAX);
    for (size_t i = 0; i < 2 * MCPZ_HEALTH_MAX; i++) {
        mcpz_links_feel(&links, -1);
    }
    CHECK_UINT(links.health, 0);
}

/* ---- Room --------------------------------------------------------------------------------- */

TEST(a_link_nobody_wants_or_uses_is_closed_soon)
{
    set_up();
    link_up(1);
    mcpz_time up_us = now;
    CHECK(chat_to(MCPZ_FACT_UNLINKED, now + timing.idle_us));
    CHECK_UINT(now, up_us + timing.unused_us);
    CHECK_UINT(only_action(MCPZ_ACTION_UNLINK)->unlink.reason, MCPZ_DOWN_FULL);
    CHECK_UINT(reason_of(MCPZ_FACT_UNLINKED), MCPZ_DOWN_FULL);
}

TEST(a_link_that_calls_used_is_kept_longer)
{
    set_up();
    link_up(1);
    now += 1000;
    (void)hear(1, (struct mcpz_msg){.kind = MCPZ_MSG_OPEN});
    mcpz_time used_us = now;
    CHECK(chat_to(MCPZ_FACT_UNLINKED, now + 2 * timing.idle_us));
    CHECK_UINT(now, used_us + timing.idle_us);
}

TEST(a_link_somebody_counts_on_is_kept)
{
    set_up_with(1);
    CHECK(!chat_to(MCPZ_FACT_UNLINKED, now + 3 * timing.idle_us));
    want(1, false);
    mcpz_time since_us = now;
    CHECK(chat_to(MCPZ_FACT_UNLINKED, now + timing.idle_us));
    CHECK_UINT(now, since_us + timing.unused_us);
}

TEST(a_full_table_lets_the_least_used_go)
{
    set_up_as(3, 4, 4);
    for (uint8_t i = 1; i <= 3; i++) {
        link_up(i);
        now += 1000;
    }
    want(1, true);
    (void)hear(2, (struct mcpz_msg){.kind = MCPZ_MSG_OPEN});
    link_up(4);
    CHECK_UINT(only_action(MCPZ_ACTION_UNLINK)->unlink.peer.bytes[0], 3);
    CHECK_UINT(only_action(MCPZ_ACTION_UNLINK)->unlink.reason, MCPZ_DOWN_FULL);
    CHECK_UINT(told(MCPZ_FACT_UNLINKED), 3);
    CHECK_UINT(told(MCPZ_FACT_LINKED), 4);
    CHECK_UINT(links.count, 3);
    CHECK(link_of(1) != NULL && link_of(2) != NULL && link_of(4) != NULL);
}

TEST(a_full_table_of_wanted_links_takes_no_more)
{
    set_up_as(2, 4, 4);
    for (uint8_t i = 1; i <= 2; i++) {
        link_up(i);
        want(i, true);
    }
    link_up(3);
    CHECK_UINT(only_action(MCPZ_ACTION_UNLINK)->unlink.peer.bytes[0], 3);
    CHECK_UINT(count_actions(MCPZ_ACTION_FACT), 0);
    CHECK(link_of(3) == NULL);
    CHECK_UINT(links.count, 2);
}

TEST(a_link_that_takes_anothers_place_is_as_wanted)
{
    set_up_with(1);
    beat_to_one(5);
    link_up(1);
    CHECK_UINT(told(MCPZ_FACT_LINKED), 1);
    CHECK_UINT(links.count, 1);
    CHECK(link_of(1)->wanted);
    CHECK_UINT(link_of(1)->seq, 0); /* heartbeats begin anew */
}

TEST(a_lost_link_is_told_once)
{
    set_up_with(2);
    link_down(1);
    CHECK_UINT(told(MCPZ_FACT_UNLINKED), 1);
    CHECK_UINT(reason_of(MCPZ_FACT_UNLINKED), MCPZ_DOWN_CLOSED);
    CHECK_UINT(count_actions(MCPZ_ACTION_UNLINK), 0);
    link_down(1);
    CHECK_UINT(out.count, 0);
    CHECK(link_of(2) != NULL);
}

TEST(strangers_are_not_heard_but_we_are)
{
    struct mcpz_msg msg = {.kind = MCPZ_MSG_MEMBER};

    set_up_with(1);
    CHECK(hear(1, msg));
    CHECK(!hear(7, msg));
    CHECK(step((struct mcpz_event){.kind = MCPZ_EVENT_RECV, .recv = {.from = self, .msg = &msg}}));
}

TEST(a_link_is_found_by_the_first_bytes_of_its_id)
{
    const struct mcpz_id two = node(2);
    const struct mcpz_id seven = node(7);

    set_up_with(2);
    CHECK(mcpz_links_find_short(&links, mcpz_short_of(&two)) == link_of(2));
    CHECK(mcpz_links_find_short(&links, mcpz_short_of(&seven)) == NULL);
}

/* ---- Gossip ------------------------------------------------------------------------------- */

static size_t gossip_until_over(uint8_t from, size_t bytes)
{
    size_t count = 0;

    while (hear(from, gossip(bytes))) {
        CHECK(count++ < 100000);
    }
    return count;
}

TEST(a_peer_may_send_so_much_gossip_and_no_more)
{
    set_up_with(2);
    size_t burst = gossip_until_over(1, 32768);
    CHECK(burst > 1);
    CHECK_UINT(links.over_budget, 1);
    (void)gossip_until_over(1, 0); /* what is left is used up by small ones */
    CHECK(!hear(1, (struct mcpz_msg){.kind = MCPZ_MSG_IHAVE}));
    CHECK(hear(1, (struct mcpz_msg){.kind = MCPZ_MSG_MEMBER})); /* it is not about these */
    CHECK(hear(2, gossip(32768)));                              /* each has its own */
    CHECK(links.over_budget >= 3);
}

TEST(the_budget_fills_up_with_time)
{
    set_up_with(1);
    size_t burst = gossip_until_over(1, 32768);
    now += MCPZ_SECONDS(1);
    size_t more = gossip_until_over(1, 32768);
    CHECK(more > 0);
    CHECK(more < burst);
    now += MCPZ_SECONDS(100000);
    CHECK_UINT(gossip_until_over(1, 32768), burst); /* and not over its brim */
}

TEST_MAIN(
    RUN(heartbeats_ease_off_on_a_link_that_is_well), RUN(links_nobody_counts_on_beat_less_often),
    RUN(to_want_what_is_wanted_changes_nothing), RUN(who_dialled_begins_and_says_exactly_when),
    RUN(who_was_dialled_waits_a_little_longer_than_the_other_end),
    RUN(heartbeats_to_neighbours_spread_out),
    RUN(a_heartbeat_is_answered_when_half_the_interval_is_over),
    RUN(a_heartbeat_says_what_was_heard_and_how_long_ago), RUN(the_echo_measures_the_round_trip),
    RUN(an_echo_of_nothing_measures_nothing), RUN(who_stood_still_measures_nothing),
    RUN(who_breaks_a_promise_is_late_after_some_grace),
    RUN(anything_from_who_is_late_makes_it_prompt), RUN(who_stays_silent_is_given_up),
    RUN(a_long_promise_is_waited_for), RUN(a_history_of_silence_makes_patient),
    RUN(who_comes_in_time_is_waited_for_as_long_as_anybody),
    RUN(a_moment_s_delay_is_soon_forgotten), RUN(who_is_often_late_gets_more_grace),
    RUN(the_gossip_of_who_does_not_hear_us_weighs_nothing),
    RUN(a_link_that_stays_one_way_is_given_up), RUN(when_we_stood_still_nobody_is_blamed),
    RUN(who_has_slept_for_long_hears_the_past_for_a_moment),
    RUN(who_is_tardy_is_so_until_it_is_in_time),
    RUN(who_was_late_before_we_stood_still_has_time_to_speak),
    RUN(a_crowd_of_late_links_is_held_against_ourselves),
    RUN(one_late_link_of_many_is_not_held_against_ourselves),
    RUN(who_has_few_links_gets_well_again_too), RUN(health_is_bounded_and_stretches_patience),
    RUN(a_link_nobody_wants_or_uses_is_closed_soon), RUN(a_link_that_calls_used_is_kept_longer),
    RUN(a_link_somebody_counts_on_is_kept), RUN(a_full_table_lets_the_least_used_go),
    RUN(a_full_table_of_wanted_links_takes_no_more),
    RUN(a_link_that_takes_anothers_place_is_as_wanted), RUN(a_lost_link_is_told_once),
    RUN(strangers_are_not_heard_but_we_are), RUN(a_link_is_found_by_the_first_bytes_of_its_id),
    RUN(a_peer_may_send_so_much_gossip_and_no_more), RUN(the_budget_fills_up_with_time))
