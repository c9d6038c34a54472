/* What a session lives through. */

#include "base/rng.h"
#include "relay_world.h"

/* ---- Up and down -------------------------------------------------------------------------- */

TEST(a_peer_that_cannot_be_linked_is_reached_through_the_one_between)
{
    come_up_here();
    CHECK(reaches(HERE, THERE) && reaches(THERE, HERE));
    say(HERE, THERE, 5);
    deliver();
    CHECK_TEXT(ends[THERE].heard, "12 from 0: 5");
    say(THERE, HERE, 6);
    deliver();
    CHECK_TEXT(ends[HERE].heard, "12 from 2: 6");
    CHECK_UINT(ends[BETWEEN].relay.count, 0);
    CHECK_UINT(ends[BETWEEN].heard[0], 0);
}

TEST(a_link_that_takes_long_is_not_waited_for)
{
    set_up_row();
    want_there();
    tick(HERE);
    CHECK_UINT(queued, 0);
    now = mcpz_relay_deadline(&ends[HERE].relay);
    tick(HERE);
    deliver();
    CHECK(reaches(HERE, THERE));
}

TEST(a_link_is_better_until_a_session_is_up)
{
    set_up_row();
    want_there();
    CHECK(!tell_end(HERE, MCPZ_FACT_LINKED, THERE));
    CHECK_UINT(ends[HERE].relay.count, 0);

    come_up_here();
    CHECK(tell_end(HERE, MCPZ_FACT_LINKED, THERE)); /* calls under way are not moved */
    CHECK(tell_end(HERE, MCPZ_FACT_UNLINKED, THERE));
    CHECK(reaches(HERE, THERE));
}

TEST(a_session_nobody_needs_is_forgotten_at_both_ends)
{
    come_up_here();
    mcpz_relay_need(&ends[HERE].relay, 0, now, false);
    now += MCPZ_SECONDS(31);
    tick(HERE);
    tick(THERE);
    CHECK_UINT(ends[HERE].relay.count, 0);
    CHECK_UINT(ends[THERE].relay.count, 0);
    CHECK_UINT(ends[HERE].unrelayed, 1); /* no call counted on it; who compares documents did */
}

TEST(ends_that_are_needed_show_that_they_are_there)
{
    come_up_here();
    mcpz_relay_need(&ends[THERE].relay, 0, now, true);
    for (size_t i = 0; i < 60; i++) {
        now += MCPZ_SECONDS(1);
        tick(HERE);
        tick(THERE);
        deliver();
    }
    CHECK(reaches(HERE, THERE) && reaches(THERE, HERE));
    CHECK_UINT(ends[HERE].unrelayed + ends[THERE].unrelayed, 0);
}

TEST(who_falls_silent_is_lost)
{
    come_up_here();
    mcpz_relay_need(&ends[THERE].relay, 0, now, true);
    for (size_t i = 0; i < 30; i++) {
        now += MCPZ_SECONDS(1);
        tick(HERE);
        tick(THERE);
        queued = 0; /* nothing arrives any more */
    }
    CHECK_UINT(ends[THERE].unrelayed, 1); /* who was greeted lets go */
    CHECK_UINT(ends[HERE].unrelayed, 1);  /* who greeted has looked for another way first */
    CHECK_UINT(ends[HERE].relay.count + ends[THERE].relay.count, 0);
}

TEST(a_broken_way_is_told_back_and_another_one_sought)
{
    come_up_here();
    link_to(BETWEEN, THERE, MCPZ_EVENT_LINK_DOWN);
    say(HERE, THERE, 5);
    deliver();
    CHECK(!reaches(HERE, THERE)); /* it is greeted anew */
    CHECK_UINT(ends[HERE].unrelayed, 0);
    link_to(BETWEEN, THERE, MCPZ_EVENT_LINK_UP);
    now += MCPZ_SECONDS(1);
    tick(HERE);
    deliver();
    CHECK(reaches(HERE, THERE));
    CHECK_UINT(ends[HERE].relayed, 2); /* calls start over */
}

TEST(a_dead_peer_and_a_dead_hop_end_a_session)
{
    come_up_here();
    CHECK(!tell_end(HERE, MCPZ_FACT_DEAD, THERE));
    CHECK_UINT(ends[HERE].unrelayed, 1);

    come_up_here();
    const struct mcpz_id between = id_of(BETWEEN);
    mcpz_roster_find(&ends[HERE].fabric.members.roster, &between)->state = MCPZ_MEMBER_DEAD;
    link_to(HERE, BETWEEN, MCPZ_EVENT_LINK_DOWN);
    (void)tell_end(HERE, MCPZ_FACT_DEAD, BETWEEN);
    CHECK(!reaches(HERE, THERE));
    for (size_t i = 0; i < 20; i++) {
        now += MCPZ_SECONDS(1);
        tick(HERE);
    }
    CHECK_UINT(ends[HERE].unrelayed, 1);
    CHECK_UINT(ends[HERE].relay.count, 0);
}

TEST(who_is_refused_is_told_in_the_end)
{
    set_up_row();
    refuses = true;
    want_there();
    (void)tell_end(HERE, MCPZ_FACT_UNREACHABLE, THERE);
    for (size_t i = 0; i < 20; i++) {
        deliver();
        now += MCPZ_SECONDS(1);
        tick(HERE);
    }
    CHECK_UINT(ends[HERE].unreachable, 1);
    CHECK_UINT(ends[HERE].relay.count + ends[THERE].relay.count, 0);
    CHECK_UINT(ends[THERE].relayed, 0);
}

TEST(two_that_greet_each_other_come_to_one_session)
{
    set_up_row();
    want_there();
    want(THERE, HERE);
    (void)tell_end(HERE, MCPZ_FACT_UNREACHABLE, THERE);
    (void)tell_end(THERE, MCPZ_FACT_UNREACHABLE, HERE);
    deliver();
    CHECK(reaches(HERE, THERE) && reaches(THERE, HERE));
    CHECK(ends[HERE].relay.sessions[0].way.session == ends[THERE].relay.sessions[0].way.session);
    say(HERE, THERE, 5);
    say(THERE, HERE, 6);
    deliver();
    CHECK_TEXT(ends[THERE].heard, "12 from 0: 5");
    CHECK_TEXT(ends[HERE].heard, "12 from 2: 6");
}

/* Its greeting has come just now: what it says next will be in a session. */
TEST(who_has_greeted_us_a_moment_ago_is_waited_for)
{
    set_up_row();
    want_there();
    (void)tell_end(HERE, MCPZ_FACT_UNREACHABLE, THERE);
    while (ends[THERE].relay.count == 0) {
        deliver_one();
    }
    want(THERE, HERE);
    CHECK(tell_end(THERE, MCPZ_FACT_UNREACHABLE, HERE)); /* whoever calls is not told */
    CHECK(tell_end(THERE, MCPZ_FACT_UNREACHABLE, HERE));
    CHECK_UINT(ends[THERE].relay.begun, 0);
    deliver();
    CHECK(reaches(HERE, THERE) && reaches(THERE, HERE));
    CHECK_UINT(ends[HERE].relayed + ends[THERE].relayed, 2);

    /* What it says cannot be opened: then it is greeted. */
    set_up_row();
    want_there();
    (void)tell_end(HERE, MCPZ_FACT_UNREACHABLE, THERE);
    while (queue[0].to != THERE || queue[0].relay.kind != MCPZ_RELAY_SEALED) {
        deliver_one();
    }
    queue[0].bytes[queue[0].relay.bytes.length - 1] ^= 1;
    deliver();
    want(THERE, HERE);
    (void)tell_end(THERE, MCPZ_FACT_UNREACHABLE, HERE);
    mcpz_relay_need(&ends[THERE].relay, 0, now, true);
    tick(THERE);
    CHECK_UINT(ends[THERE].relay.begun, 0);
    now += MCPZ_SECONDS(2);
    tick(THERE);
    deliver();
    CHECK_UINT(ends[THERE].relay.begun, 1);
    CHECK(reaches(THERE, HERE));
}

TEST(a_node_without_seals_refuses_and_still_carries)
{
    set_up_row();
    ends[THERE].relay.config.sealer.begin = NULL;
    want_there();
    (void)tell_end(HERE, MCPZ_FACT_UNREACHABLE, THERE);
    deliver();
    CHECK_UINT(ends[THERE].relay.count, 0);
    CHECK_UINT(ends[BETWEEN].relay.carrier.carried, 2); /* there, and back */
    CHECK(!mcpz_relay_is_there(&ends[THERE].relay));
}

/* ---- What others make up ------------------------------------------------------------------ */

/* The one between repeats, changes and leaves out. */
TEST(what_is_repeated_or_changed_is_not_heard)
{
    come_up_here();
    say(HERE, THERE, 5);
    deliver_one(); /* to the one between, who now has it for the end */
    struct piece kept = queue[0];
    deliver();
    CHECK_TEXT(ends[THERE].heard, "12 from 0: 5");
    ends[THERE].heard[0] = '\0';
    queue[queued++] = kept;
    deliver();
    CHECK_UINT(ends[THERE].heard[0], 0);

    say(HERE, THERE, 6);
    deliver_one();
    queue[0].bytes[queue[0].relay.bytes.length - 1] ^= 1;
    deliver();
    CHECK_UINT(ends[THERE].heard[0], 0);
    CHECK_UINT(ends[THERE].relay.forged, 2);
    CHECK(reaches(THERE, HERE)); /* that alone ends nothing */
}

TEST(what_was_left_out_ends_the_session)
{
    come_up_here();
    say(HERE, THERE, 5);
    queued = 0;
    say(HERE, THERE, 6);
    deliver();
    CHECK_UINT(ends[THERE].heard[0], 0);
    CHECK_UINT(ends[THERE].unrelayed, 1);
}

TEST(only_messages_of_calls_cross)
{
    come_up_here();
    struct mcpz_msg inner = {.kind = MCPZ_MSG_DEAD};
    uint8_t plain[9];
    (void)pack(&inner, plain, sizeof(plain));
    CHECK(!say_sealed(mcpz_bytes(plain, sizeof(plain))).delivered);
    CHECK_UINT(ends[THERE].relay.forged, 1);
}

TEST(that_a_provider_is_still_at_it_crosses_too)
{
    const struct mcpz_id peer = id_of(HERE);

    come_up_here();
    mcpz_outbox_clear(&out);
    mcpz_outbox_send(&out, &peer,
                     &(struct mcpz_msg){.kind = MCPZ_MSG_TASK_RENEW, .task_renew = {.call = 7}});
    (void)mcpz_relay_carry(&ends[THERE].relay, &ends[THERE].fabric, now, &out, 0);
    carry_out(THERE);
    deliver();
    CHECK_TEXT(ends[HERE].heard, "59 from 2: 7");
}

TEST(that_a_link_is_wanted_crosses_where_there_is_none)
{
    const struct mcpz_id peer = id_of(HERE);
    const struct mcpz_msg check = {.kind = MCPZ_MSG_TASK_CHECK};

    come_up_here();
    mcpz_outbox_clear(&out);
    mcpz_outbox_send(&out, &peer, &check);
    (void)mcpz_relay_carry(&ends[THERE].relay, &ends[THERE].fabric, now, &out, 0);
    carry_out(THERE);
    deliver();
    CHECK_TEXT(ends[HERE].heard, "57 from 2: 0");

    link_to(THERE, HERE, MCPZ_EVENT_LINK_UP); /* then it says what it says between neighbours */
    mcpz_outbox_send(&out, &peer, &check);
    (void)mcpz_relay_carry(&ends[THERE].relay, &ends[THERE].fabric, now, &out, 0);
    CHECK_UINT(only_action(MCPZ_ACTION_SEND)->send.msg.kind, MCPZ_MSG_TASK_CHECK);
}

/* Does what `HERE` says now wait for its disk? */
static bool waits_for_the_disk(bool durable)
{
    const struct mcpz_id peer = id_of(THERE);

    mcpz_outbox_clear(&out);
    mcpz_outbox_send(&out, &peer, &(struct mcpz_msg){.kind = MCPZ_MSG_END, .end = {.call = 1}});
    out.actions[0].durable = durable;
    (void)mcpz_relay_carry(&ends[HERE].relay, &ends[HERE].fabric, now, &out, 0);
    CHECK_UINT(out.count, 2);
    CHECK_UINT(out.actions[0].kind, MCPZ_ACTION_NONE);
    CHECK_UINT(out.actions[1].send.msg.kind, MCPZ_MSG_RELAY);
    bool waits = out.actions[1].durable;
    carry_out(HERE);
    deliver();
    now += MCPZ_RELAY_OWED_US;
    tell_taken();
    return waits;
}

/* It is numbered: what is said later must not come before it. */
TEST(nothing_overtakes_what_waits_for_the_disk)
{
    come_up_here();
    CHECK(!waits_for_the_disk(false));
    CHECK(waits_for_the_disk(true));
    now += MCPZ_SECONDS(4);
    CHECK(waits_for_the_disk(false));
    now += MCPZ_SECONDS(2);
    CHECK(!waits_for_the_disk(false));
}

/* The one between says that `hop` could not hand on, signed by `signer`. */
static void blame(size_t hop, size_t signer, const struct mcpz_short *path, uint64_t session)
{
    uint8_t signature[MCPZ_VOUCH_BYTES];
    uint8_t words[sizeof(signature)];
    size_t length = 0;

    for (size_t i = 8; i > 0; i--) {
        words[length++] = (uint8_t)(session >> (8 * (i - 1)));
    }
    words[length++] = (uint8_t)hop;
    words[length++] = 3;
    for (size_t i = 0; i < 3; i++) {
        for (size_t j = 4; j > 0; j--) {
            words[length++] = (uint8_t)(path[i].value >> (8 * (j - 1)));
        }
    }
    vouch(&ends[signer], mcpz_bytes(words, length), signature);
    struct mcpz_msg msg = {.kind = MCPZ_MSG_RELAY,
                           .relay = {.kind = MCPZ_RELAY_BROKEN,
                                     .session = session,
                                     .at = 0,
                                     .broken_at = (uint32_t)hop,
                                     .path = path,
                                     .path_count = 3,
                                     .bytes = mcpz_bytes(signature, sizeof(signature))}};
    (void)show(HERE, (struct mcpz_event){.kind = MCPZ_EVENT_RECV,
                                         .recv = {.from = id_of(BETWEEN), .msg = &msg}});
}

TEST(a_hop_speaks_for_itself_and_of_this_way_only)
{
    const struct mcpz_short path[] = {name_of(HERE), name_of(BETWEEN), name_of(THERE)};
    const struct mcpz_short other[] = {name_of(HERE), name_of(BETWEEN), name_of(HERE)};

    come_up_here();
    const uint64_t session = ends[HERE].relay.sessions[0].way.session;
    blame(2, BETWEEN, path, session); /* the peer's own word would be needed */
    blame(1, THERE, path, session);
    blame(1, BETWEEN, path, session + 1);
    blame(1, BETWEEN, other, session);
    CHECK(reaches(HERE, THERE));
    CHECK_UINT(ends[HERE].relay.forged, 2); /* the others are of no session of ours */
    blame(1, BETWEEN, path, session);
    CHECK(!reaches(HERE, THERE));
}

/* It breaks a session, again and again: what it says of its next step is not all that is heard. */
TEST(who_breaks_a_session_twice_is_gone_round)
{
    const struct mcpz_short path[] = {name_of(HERE), name_of(BETWEEN), name_of(THERE)};
    const struct mcpz_relay_session *session = &ends[HERE].relay.sessions[0];

    for (size_t apart_s = 1; apart_s < 60; apart_s += 30) {
        come_up_here();
        blame(1, BETWEEN, path, session->way.session);
        CHECK_UINT(session->state, MCPZ_RELAY_WANTED); /* there is no other way */
        now += MCPZ_SECONDS(1);
        tick(HERE);
        deliver();
        CHECK(reaches(HERE, THERE));
        now += MCPZ_SECONDS(apart_s);
        tell_taken();
        ends[HERE].relay.sessions[0].attempts = 0;
        blame(1, BETWEEN, path, session->way.session);
        CHECK(session->blamer.value == path[1].value);
        CHECK_UINT(ends[HERE].relay.doubted, apart_s == 1);
    }
}

TEST(greetings_are_bounded)
{
    set_up_row();
    const struct mcpz_short path[] = {name_of(HERE), name_of(BETWEEN), name_of(THERE)};
    for (uint64_t i = 0; i < 200; i++) {
        struct mcpz_msg msg = {.kind = MCPZ_MSG_RELAY,
                               .relay = {.kind = MCPZ_RELAY_GREET,
                                         .session = i,
                                         .at = 2,
                                         .path = path,
                                         .path_count = 3,
                                         .bytes = mcpz_text("hello")}};
        (void)show(THERE, (struct mcpz_event){.kind = MCPZ_EVENT_RECV,
                                              .recv = {.from = id_of(BETWEEN), .msg = &msg}});
        queued = 0;
    }
    CHECK_UINT(ends[THERE].relay.accepted, 64);
    CHECK_UINT(ends[THERE].relay.over_budget, 136);
    CHECK_UINT(ends[THERE].relay.count, 1);
    CHECK_UINT(ends[THERE].relayed, 0); /* nothing in any of them was opened */
    now += MCPZ_SECONDS(10);
    tick(THERE);
    CHECK_UINT(ends[THERE].relay.count, 0);
}

/* Any message at any time: nothing but what the ends have said is ever heard. */
TEST(any_bytes_leave_a_session_as_good_as_it_was)
{
    struct mcpz_rng rng;
    uint8_t bytes[64];

    come_up_here();
    mcpz_rng_init(&rng, 5);
    for (size_t i = 0; i < 20000; i++) {
        struct mcpz_short path[4];
        for (size_t j = 0; j < 4; j++) {
            path[j] = name_of(mcpz_rng_below(&rng, ENDS));
        }
        for (size_t j = 0; j < sizeof(bytes); j++) {
            bytes[j] = (uint8_t)mcpz_rng_below(&rng, 4);
        }
        const size_t at = mcpz_rng_below(&rng, ENDS);
        struct mcpz_msg msg = {
            .kind = MCPZ_MSG_RELAY,
            .relay = {.kind = 1 + mcpz_rng_below(&rng, 4),
                      .session = mcpz_rng_below(&rng, 2) == 0
                                     ? ends[HERE].relay.sessions[0].way.session
                                     : mcpz_rng_next(&rng),
                      .at = mcpz_rng_below(&rng, 4),
                      .broken_at = mcpz_rng_below(&rng, 4),
                      .path = path,
                      .path_count = mcpz_rng_below(&rng, 5),
                      .bytes = mcpz_bytes(bytes, mcpz_rng_below(&rng, sizeof(bytes)))}};
        (void)show(at, (struct mcpz_event){
                           .kind = MCPZ_EVENT_RECV,
                           .recv = {.from = id_of(mcpz_rng_below(&rng, ENDS)), .msg = &msg}});
        queued = 0;
    }
    CHECK_UINT(ends[HERE].heard[0] + ends[THERE].heard[0], 0);
    say(HERE, THERE, 5);
    deliver();
    CHECK_TEXT(ends[THERE].heard, "12 from 0: 5");
}

TEST_MAIN(RUN(a_peer_that_cannot_be_linked_is_reached_through_the_one_between),
          RUN(a_link_that_takes_long_is_not_waited_for),
          RUN(a_link_is_better_until_a_session_is_up),
          RUN(a_session_nobody_needs_is_forgotten_at_both_ends),
          RUN(ends_that_are_needed_show_that_they_are_there), RUN(who_falls_silent_is_lost),
          RUN(a_broken_way_is_told_back_and_another_one_sought),
          RUN(a_dead_peer_and_a_dead_hop_end_a_session), RUN(who_is_refused_is_told_in_the_end),
          RUN(two_that_greet_each_other_come_to_one_session),
          RUN(who_has_greeted_us_a_moment_ago_is_waited_for),
          RUN(a_node_without_seals_refuses_and_still_carries),
          RUN(what_is_repeated_or_changed_is_not_heard), RUN(what_was_left_out_ends_the_session),
          RUN(that_a_provider_is_still_at_it_crosses_too),
          RUN(that_a_link_is_wanted_crosses_where_there_is_none),
          RUN(nothing_overtakes_what_waits_for_the_disk), RUN(only_messages_of_calls_cross),
          RUN(a_hop_speaks_for_itself_and_of_this_way_only),
          RUN(who_breaks_a_session_twice_is_gone_round), RUN(greetings_are_bounded),
          RUN(any_bytes_leave_a_session_as_good_as_it_was))
