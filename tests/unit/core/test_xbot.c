#include "core/xbot.h"
#include "overlay_world.h"

/* Neighbours 1 to 6, all for equally long: 1 and 2 are not exchanged, 1 is given to nobody. */
#define NEIGHBOURS 6

static struct mcpz_xbot xbot;
static uint32_t rtts_us[256]; /* of node(i); 0: not known */

static uint32_t rtt_of(const void *context, const struct mcpz_id *peer)
{
    (void)context;
    return rtts_us[peer->bytes[0]];
}

static void act(struct mcpz_event event)
{
    const struct mcpz_xbot_rtts rtts = {.of = rtt_of};

    mcpz_outbox_clear(&out);
    mcpz_xbot_step(&xbot, &overlay, &rtts, now, &event, &out);
}

static void act_on(enum mcpz_event_kind kind, uint8_t peer)
{
    act((struct mcpz_event){.kind = kind, .link = {.peer = node(peer)}});
}

static void hear(uint8_t from, struct mcpz_msg msg)
{
    act((struct mcpz_event){.kind = MCPZ_EVENT_RECV, .recv = {.from = node(from), .msg = &msg}});
}

static void hear_optimise_of(uint8_t from, uint8_t old, uint32_t gain_us, uint32_t scope)
{
    hear(from, (struct mcpz_msg){.kind = MCPZ_MSG_OVERLAY_OPTIMISE,
                                 .overlay_optimise = {.seq = 9,
                                                      .scope = scope,
                                                      .gain_us = gain_us,
                                                      .old = node(old),
                                                      .old_scope = scope}});
}

static void hear_optimise(uint8_t from, uint8_t old, uint32_t gain_us)
{
    hear_optimise_of(from, old, gain_us, 0);
}

static void hear_replace(uint8_t from, uint8_t old, uint32_t limit_us)
{
    hear(from, (struct mcpz_msg){
                   .kind = MCPZ_MSG_OVERLAY_REPLACE,
                   .overlay_replace = {
                       .seq = 9, .initiator = node(70), .limit_us = limit_us, .old = node(old)}});
}

static void hear_switch(uint8_t from, uint8_t initiator)
{
    hear(from, (struct mcpz_msg){.kind = MCPZ_MSG_OVERLAY_SWITCH,
                                 .overlay_switch = {.seq = 9, .initiator = node(initiator)}});
}

static void hear_switched(uint8_t from, uint32_t seq, bool accepted)
{
    hear(from, (struct mcpz_msg){.kind = MCPZ_MSG_OVERLAY_SWITCHED,
                                 .overlay_switched = {.seq = seq, .accepted = accepted}});
}

/* The last step answered `to` so, and the ask was the one with seq 9. */
static void check_answer(uint8_t to, bool accepted)
{
    CHECK_UINT(receiver_of(MCPZ_MSG_OVERLAY_SWITCHED), to);
    CHECK_UINT(sent(MCPZ_MSG_OVERLAY_SWITCHED)->overlay_switched.seq, 9);
    CHECK_UINT(sent(MCPZ_MSG_OVERLAY_SWITCHED)->overlay_switched.accepted, accepted);
}

/* All neighbours are those of the start. */
static void check_untouched(void)
{
    CHECK_UINT(overlay.active_count, NEIGHBOURS);
    for (uint8_t i = 1; i <= NEIGHBOURS; i++) {
        CHECK(is_neighbour(i));
    }
    CHECK_UINT(count_actions(MCPZ_ACTION_FACT), 0);
}

static void check_swapped(uint8_t gone, uint8_t added)
{
    CHECK_UINT(overlay.active_count, NEIGHBOURS);
    CHECK(!is_neighbour(gone));
    CHECK(is_passive(gone));
    CHECK(is_neighbour(added));
    CHECK(!is_passive(added));
    struct mcpz_id id = node(added);
    CHECK(has_fact(MCPZ_FACT_NEIGHBOUR_UP, &id));
    CHECK_UINT(down_reason(), MCPZ_NEIGHBOUR_EVICTED);
    CHECK_UINT(receiver_of(MCPZ_MSG_OVERLAY_DISCONNECT), gone);
}

static void set_up_xbot(void)
{
    static const uint32_t given_us[NEIGHBOURS] = {200000, 250000, 5000, 40000, 120000, 60000};
    const struct mcpz_xbot_config config = {0};

    set_up_with(NEIGHBOURS, NEIGHBOURS);
    memset(rtts_us, 0, sizeof(rtts_us));
    memcpy(rtts_us + 1, given_us, sizeof(given_us));
    mcpz_xbot_init(&xbot, &config, NULL, 1, now);
    mcpz_outbox_clear(&out);
}

static void tick_scan(void)
{
    now = xbot.scan_at_us;
    act((struct mcpz_event){.kind = MCPZ_EVENT_TICK});
}

static void tick_stage(void)
{
    now = xbot.until_us;
    act((struct mcpz_event){.kind = MCPZ_EVENT_TICK});
}

/* As i: 5, the worst, is to go for 7. */
static void ask_candidate(void)
{
    set_up_xbot();
    keep_passive(7);
    rtts_us[7] = 10000;
    tick_scan();
    CHECK_UINT(reached(), 7);
    tick_stage();
    CHECK_UINT(receiver_of(MCPZ_MSG_OVERLAY_OPTIMISE), 7);
}

/* As c: 7 wants a place; 5 is asked to make room by taking 8. */
static void ask_to_replace(void)
{
    set_up_xbot();
    rtts_us[7] = 10000;
    hear_optimise(7, 8, 30000);
    CHECK_UINT(receiver_of(MCPZ_MSG_OVERLAY_REPLACE), 5);
}

/* As d: 5 wants us to take 8. */
static void ask_to_switch(void)
{
    set_up_xbot();
    rtts_us[8] = 50000;
    hear_replace(5, 8, 52001);
    CHECK_UINT(reached(), 8);
    check_untouched();
    tick_stage();
    CHECK_UINT(receiver_of(MCPZ_MSG_OVERLAY_SWITCH), 8);
}

/* ---- What links cost ---------------------------------------------------------------------- */

TEST(rings_begin_where_they_are_said_to)
{
    static const uint64_t begins_us[] = {6000, 15000, 50000, 100000, 200000, 300000};

    CHECK_UINT(mcpz_xbot_ring(0), 0);
    for (uint32_t i = 0; i < 6; i++) {
        CHECK_UINT(mcpz_xbot_ring(begins_us[i] - 1), i);
        CHECK_UINT(mcpz_xbot_ring(begins_us[i]), i + 1);
    }
    CHECK_UINT(mcpz_xbot_ring(UINT32_MAX), 6);
}

/* ---- The initiator ------------------------------------------------------------------------ */

TEST(the_worst_neighbour_is_exchanged_for_the_nearest_candidate)
{
    set_up_xbot();
    keep_passive(7);
    keep_passive(8);
    rtts_us[7] = 30000;
    rtts_us[8] = 10000;
    CHECK_UINT(mcpz_xbot_deadline(&xbot, &overlay), xbot.scan_at_us);
    tick_scan();
    CHECK_UINT(count_actions(MCPZ_ACTION_REACH), 2);
    CHECK_UINT(mcpz_xbot_deadline(&xbot, &overlay), now + xbot.config.measure_us);
    tick_stage();
    CHECK_UINT(receiver_of(MCPZ_MSG_OVERLAY_OPTIMISE), 8);
    const struct mcpz_msg_overlay_optimise *wish =
        &sent(MCPZ_MSG_OVERLAY_OPTIMISE)->overlay_optimise;
    CHECK_UINT(wish->old.bytes[0], 5);
    CHECK_UINT(wish->gain_us, 110000);
    check_untouched();
    uint32_t seq = wish->seq;
    hear_switched(8, seq + 1, true); /* to something else */
    hear_switched(7, seq, true);     /* from somebody else */
    check_untouched();
    hear_switched(8, seq, true);
    check_swapped(5, 8);
    CHECK(overlay.active[NEIGHBOURS - 1].chosen);
    hear_switched(8, seq, true);
    CHECK_UINT(out.count, 0);
}

TEST(where_all_are_near_nobody_is_reached)
{
    set_up_xbot();
    keep_passive(7);
    for (uint8_t i = 3; i <= NEIGHBOURS; i++) {
        rtts_us[i] = 5999; /* 1 and 2 are far away, and stay */
    }
    tick_scan();
    CHECK_UINT(out.count, 0);
    CHECK_UINT(xbot.scans, 0);
    CHECK(xbot.scan_at_us > now);
}

TEST(a_candidate_must_be_a_ring_nearer_by_two_milliseconds)
{
    static const uint32_t candidates_us[] = {48000, 47999};

    for (size_t i = 0; i < 2; i++) {
        set_up_xbot();
        keep_passive(7);
        rtts_us[5] = rtts_us[6] = 51000;
        rtts_us[7] = candidates_us[i];
        tick_scan();
        tick_stage();
        CHECK_UINT(count_sent(MCPZ_MSG_OVERLAY_OPTIMISE), i);
    }
}

TEST(neighbours_whose_round_trip_is_not_known_stay)
{
    set_up_xbot();
    keep_passive(7);
    rtts_us[3] = rtts_us[4] = rtts_us[5] = rtts_us[6] = 0;
    tick_scan();
    CHECK_UINT(out.count, 0);
}

TEST(who_lacks_a_neighbour_does_not_look_for_a_nearer_one)
{
    set_up_xbot();
    keep_passive(7);
    hear_disconnect(3, false);
    CHECK_UINT(mcpz_xbot_deadline(&xbot, &overlay), MCPZ_TIME_NEVER);
    tick_scan();
    CHECK_UINT(out.count, 0);
}

TEST(who_finds_nothing_looks_less_and_less_often)
{
    set_up_xbot();
    keep_passive(7);
    rtts_us[7] = 300000;
    for (size_t i = 0; i < 8; i++) {
        tick_scan();
        CHECK_UINT(reached(), 7);
        tick_stage();
        CHECK_UINT(out.count, 0);
    }
    CHECK_UINT(xbot.wait_us, MCPZ_XBOT_WAIT_PERIODS * xbot.config.period_us);
    rtts_us[7] = 1000;
    tick_scan();
    tick_stage();
    CHECK_UINT(count_sent(MCPZ_MSG_OVERLAY_OPTIMISE), 1);
    CHECK_UINT(xbot.wait_us, xbot.config.period_us);
}

TEST(a_candidate_that_is_not_measured_or_not_there_is_not_asked)
{
    set_up_xbot();
    keep_passive(7);
    keep_passive(8);
    tick_scan();
    act_on(MCPZ_EVENT_UNREACHABLE, 8);
    CHECK(!is_passive(8));
    CHECK(is_passive(7));
    tick_stage();
    CHECK_UINT(out.count, 0);
    CHECK_UINT(xbot.stage, MCPZ_XBOT_IDLE);
}

TEST(a_no_leaves_all_as_it_was_and_gives_the_next_its_turn)
{
    static const uint8_t turns[] = {6, 4, 5}; /* after 5: 3 is in the nearest ring */

    ask_candidate();
    for (size_t i = 0; i < 3; i++) {
        hear_switched(7, xbot.seq, false);
        check_untouched();
        CHECK_UINT(out.count, 0);
        tick_scan();
        tick_stage();
        CHECK_UINT(sent(MCPZ_MSG_OVERLAY_OPTIMISE)->overlay_optimise.old.bytes[0], turns[i]);
    }
}

TEST(an_answer_that_does_not_come_ends_it_and_a_late_yes_is_taken_back)
{
    ask_candidate();
    uint32_t seq = xbot.seq;
    CHECK_UINT(mcpz_xbot_deadline(&xbot, &overlay), xbot.until_us);
    now = xbot.until_us - 1;
    xbot.scan_at_us = MCPZ_TIME_NEVER;
    act((struct mcpz_event){.kind = MCPZ_EVENT_TICK});
    CHECK_UINT(xbot.stage, MCPZ_XBOT_OPTIMISES);
    tick_stage();
    CHECK_UINT(xbot.stage, MCPZ_XBOT_IDLE);
    CHECK_UINT(out.count, 0);
    hear_switched(7, seq, true);
    CHECK_UINT(receiver_of(MCPZ_MSG_OVERLAY_DISCONNECT), 7);
    check_untouched();
}

TEST(a_link_that_breaks_ends_what_was_asked_over_it)
{
    ask_candidate();
    act_on(MCPZ_EVENT_LINK_DOWN, 5);
    CHECK_UINT(xbot.stage, MCPZ_XBOT_OPTIMISES);
    act_on(MCPZ_EVENT_LINK_DOWN, 7);
    CHECK_UINT(xbot.stage, MCPZ_XBOT_IDLE);
    CHECK_UINT(out.count, 0);
}

TEST(the_place_of_an_old_one_that_went_by_itself_is_used)
{
    ask_candidate();
    hear_disconnect(5, false);
    hear_switched(7, xbot.seq, true);
    CHECK(is_neighbour(7));
    CHECK_UINT(overlay.active_count, NEIGHBOURS);
}

TEST(a_yes_that_finds_the_place_taken_is_taken_back)
{
    ask_candidate();
    hear_disconnect(5, false);
    hear_neighbour(20, false);
    hear_switched(7, xbot.seq, true);
    CHECK(!is_neighbour(7));
    CHECK_UINT(receiver_of(MCPZ_MSG_OVERLAY_DISCONNECT), 7);
    CHECK_UINT(overlay.active_count, NEIGHBOURS);
}

/* ---- The candidate ------------------------------------------------------------------------ */

TEST(a_candidate_with_a_free_place_gives_it)
{
    set_up_xbot();
    hear_disconnect(3, false);
    hear_optimise(7, 8, 30000);
    check_answer(7, true);
    CHECK(is_neighbour(7));
    CHECK_UINT(overlay.active_count, NEIGHBOURS);
    hear_optimise(7, 8, 30000); /* again: the same answer, and nothing else */
    check_answer(7, true);
    CHECK_UINT(out.count, 1);
}

TEST(a_full_candidate_asks_its_worst_neighbour_to_make_room)
{
    ask_to_replace();
    const struct mcpz_msg_overlay_replace *wish = &sent(MCPZ_MSG_OVERLAY_REPLACE)->overlay_replace;
    CHECK_UINT(wish->initiator.bytes[0], 7);
    CHECK_UINT(wish->old.bytes[0], 8);
    CHECK_UINT(wish->limit_us, 30000 + 120000);
    check_untouched();
    hear_switched(5, wish->seq, true);
    check_swapped(5, 7);
    check_answer(7, true);
}

TEST(the_limit_does_not_run_over)
{
    set_up_xbot();
    hear_optimise(7, 8, UINT32_MAX);
    CHECK_UINT(sent(MCPZ_MSG_OVERLAY_REPLACE)->overlay_replace.limit_us, UINT32_MAX);
}

TEST(a_candidate_whose_neighbour_says_no_or_nothing_says_no)
{
    ask_to_replace();
    hear_switched(5, xbot.seq, false);
    check_answer(7, false);
    check_untouched();

    ask_to_replace();
    tick_stage();
    check_answer(7, false);
    check_untouched();

    ask_to_replace();
    act_on(MCPZ_EVENT_LINK_DOWN, 5);
    check_answer(7, false);
    CHECK_UINT(xbot.stage, MCPZ_XBOT_IDLE);
}

TEST(a_candidate_whose_asker_is_gone_does_nothing_more)
{
    ask_to_replace();
    act_on(MCPZ_EVENT_LINK_DOWN, 7);
    CHECK_UINT(out.count, 0);
    CHECK_UINT(xbot.stage, MCPZ_XBOT_IDLE);
    hear_switched(5, xbot.seq, true); /* it lets us go with a DISCONNECT of its own */
    CHECK_UINT(out.count, 0);
}

TEST(a_candidate_refuses_what_makes_no_sense)
{
    set_up_xbot();
    hear_optimise(7, self.bytes[0], 30000);
    hear(7, (struct mcpz_msg){.kind = MCPZ_MSG_OVERLAY_OPTIMISE,
                              .overlay_optimise = {.seq = 9, .old = self}});
    check_answer(7, false);
    rtts_us[3] = rtts_us[4] = rtts_us[5] = rtts_us[6] = 0; /* 1 and 2 are not for exchange */
    hear_optimise(7, 8, 30000);
    check_answer(7, false);
    rtts_us[5] = 120000;
    hear_optimise(7, 5, 30000); /* the old one itself cannot make room */
    check_answer(7, false);
    check_untouched();
}

/* ---- The candidate's neighbour ------------------------------------------------------------ */

TEST(what_is_worth_it_as_a_whole_is_switched)
{
    ask_to_switch();
    CHECK_UINT(sent(MCPZ_MSG_OVERLAY_SWITCH)->overlay_switch.initiator.bytes[0], 70);
    hear_switched(8, xbot.seq, true);
    check_swapped(5, 8);
    check_answer(5, true);
    /* The answer comes first: who hears it gives our place away before it hears DISCONNECT. */
    size_t at = 0;
    while (out.actions[at].kind != MCPZ_ACTION_SEND) {
        at++;
    }
    CHECK_UINT(out.actions[at].send.msg.kind, MCPZ_MSG_OVERLAY_SWITCHED);
}

TEST(what_is_not_worth_it_is_refused)
{
    static const uint32_t costs_us[] = {0, 50000, UINT32_MAX};

    for (size_t i = 0; i < 3; i++) {
        set_up_xbot();
        rtts_us[8] = costs_us[i];
        hear_replace(5, 8, 52000); /* one less than for ask_to_switch() */
        tick_stage();
        check_answer(5, false);
        check_untouched();
        CHECK_UINT(xbot.stage, MCPZ_XBOT_IDLE);
    }
}

TEST(who_cannot_be_reached_is_no_new_neighbour)
{
    set_up_xbot();
    hear_replace(5, 8, 52001);
    act_on(MCPZ_EVENT_UNREACHABLE, 8);
    check_answer(5, false);
    check_untouched();
}

TEST(only_neighbours_that_may_go_are_replaced)
{
    set_up_xbot();
    hear_replace(1, 8, 52001); /* of the two, the one we give to nobody */
    check_answer(1, false);
    hear_replace(20, 8, 52001);
    check_answer(20, false);
    hear_replace(5, 4, 52001); /* a neighbour already */
    check_answer(5, false);
    hear(5, (struct mcpz_msg){.kind = MCPZ_MSG_OVERLAY_REPLACE,
                              .overlay_replace = {.seq = 9, .old = self}});
    check_answer(5, false);
    CHECK_UINT(xbot.stage, MCPZ_XBOT_IDLE);
    check_untouched();
    hear_replace(2, 8, 52001);
    CHECK_UINT(reached(), 8);
}

TEST(a_switch_refused_or_unanswered_is_a_no_to_who_asked)
{
    ask_to_switch();
    hear_switched(8, xbot.seq, false);
    check_answer(5, false);
    check_untouched();

    ask_to_switch();
    tick_stage();
    check_answer(5, false);
    check_untouched();
    hear_switched(8, xbot.seq, true);
    CHECK_UINT(receiver_of(MCPZ_MSG_OVERLAY_DISCONNECT), 8);
}

TEST(who_is_no_neighbour_any_more_when_it_is_measured_is_not_replaced)
{
    set_up_xbot();
    rtts_us[8] = 50000;
    hear_replace(5, 8, 52001);
    hear_disconnect(5, false);
    tick_stage();
    check_answer(5, false);
    CHECK_UINT(count_sent(MCPZ_MSG_OVERLAY_SWITCH), 0);
}

/* ---- The old one -------------------------------------------------------------------------- */

TEST(the_old_one_takes_another_for_the_initiator_and_does_not_tell_it)
{
    set_up_xbot();
    hear_switch(7, 5);
    check_answer(7, true);
    CHECK(!is_neighbour(5));
    CHECK(is_neighbour(7));
    CHECK_UINT(overlay.active_count, NEIGHBOURS);
    CHECK_UINT(count_actions(MCPZ_ACTION_SEND), 1);
    hear_switch(7, 5); /* again */
    check_answer(7, true);
    CHECK_UINT(out.count, 1);
}

TEST(the_old_one_refuses_for_whom_it_does_not_hold_or_does_not_give)
{
    set_up_xbot();
    hear_switch(7, 20);
    check_answer(7, false);
    hear_switch(7, 1);
    check_answer(7, false);
    hear_switch(4, 5); /* a neighbour already */
    check_answer(4, false);
    check_untouched();
    hear_switch(7, 2);
    check_answer(7, true);
}

/* ---- All of them -------------------------------------------------------------------------- */

TEST(who_takes_part_in_one_says_no_to_others)
{
    static void (*const stages[])(void) = {ask_candidate, ask_to_replace, ask_to_switch};

    for (size_t i = 0; i < 3; i++) {
        stages[i]();
        enum mcpz_xbot_stage stage = xbot.stage;
        hear_optimise(30, 8, 30000);
        check_answer(30, false);
        hear_replace(4, 31, 90000);
        check_answer(4, false);
        hear_switch(30, 4);
        check_answer(30, false);
        check_untouched();
        CHECK_UINT(xbot.stage, stage);
    }
}

TEST(who_leaves_says_no)
{
    ask_to_replace();
    overlay.leaving = true;
    act((struct mcpz_event){.kind = MCPZ_EVENT_LEAVE});
    check_answer(7, false);
    hear_optimise(7, 8, 30000);
    check_answer(7, false);
    hear_replace(5, 8, 52001);
    check_answer(5, false);
    hear_switch(7, 5);
    check_answer(7, false);
    check_untouched();
    CHECK_UINT(mcpz_xbot_deadline(&xbot, &overlay), MCPZ_TIME_NEVER);
}

TEST(chosen_neighbours_stand_before_older_ones)
{
    set_up_xbot();
    overlay.active[4].chosen = true;
    CHECK(!mcpz_xbot_is_biased(&xbot, &overlay, 4));
    CHECK(!mcpz_xbot_is_biased(&xbot, &overlay, 0));
    CHECK(mcpz_xbot_is_biased(&xbot, &overlay, 1));
    overlay.active[3].since_us = 1;
    CHECK(!mcpz_xbot_is_biased(&xbot, &overlay, 3));
    CHECK(mcpz_xbot_is_biased(&xbot, &overlay, 0));
}

/* Two of six are of other scopes. */
static void set_up_scopes(void)
{
    set_up_as((struct mcpz_overlay_config){
        .active_max = NEIGHBOURS, .passive_max = 10, .far_max = 2, .scope = 1});
    for (uint8_t i = 1; i <= NEIGHBOURS; i++) {
        hear_neighbour_of(i, true, i <= 4 ? 1 : i);
    }
    memset(rtts_us, 0, sizeof(rtts_us));
    for (uint8_t i = 1; i <= NEIGHBOURS; i++) {
        rtts_us[i] = i <= 4 ? 1000 : 90000;
    }
    mcpz_xbot_init(&xbot, &(struct mcpz_xbot_config){0}, NULL, 1, now);
}

TEST(neighbours_of_other_scopes_are_exchanged_for_others_of_other_scopes)
{
    set_up_scopes();
    keep_passive_of(7, 1);
    rtts_us[7] = 500;
    tick_scan();
    CHECK_UINT(out.count, 0); /* 7 is nearer than 6, but of ours */
    keep_passive_of(8, 9);
    rtts_us[8] = 10000;
    tick_scan();
    CHECK_UINT(reached(), 8);
    tick_stage();
    CHECK_UINT(receiver_of(MCPZ_MSG_OVERLAY_OPTIMISE), 8);
    CHECK(sent(MCPZ_MSG_OVERLAY_OPTIMISE)->overlay_optimise.old.bytes[0] >= 5);
    hear_switched(8, xbot.seq, true);
    CHECK(is_neighbour(8));
    CHECK_UINT(overlay.active_count, NEIGHBOURS);
}

TEST(room_is_asked_of_the_same_kind)
{
    set_up_scopes();
    hear_optimise_of(7, 30, 50000, 1);
    CHECK(receiver_of(MCPZ_MSG_OVERLAY_REPLACE) <= 4);
    set_up_scopes();
    hear_optimise_of(7, 30, 50000, 9);
    CHECK(receiver_of(MCPZ_MSG_OVERLAY_REPLACE) >= 5);
    set_up_scopes();
    hear_replace(4, 30, 50000); /* 30 is of scope 0 */
    check_answer(4, false);
    hear_switch(30, 4);
    check_answer(30, false);
}

TEST(addresses_travel_with_the_asks)
{
    static _Alignas(16) uint8_t memory[256];
    const struct mcpz_xbot_config config = {.address_bytes = 8};
    struct mcpz_arena arena;

    set_up_as((struct mcpz_overlay_config){
        .active_max = 2, .address = mcpz_text("me:1"), .address_bytes = 8});
    CHECK(mcpz_xbot_bytes(&config) <= sizeof(memory));
    mcpz_arena_init(&arena, memory, mcpz_xbot_bytes(&config));
    mcpz_xbot_init(&xbot, &config, &arena, 1, now);
    for (uint8_t i = 1; i <= 2; i++) {
        hear_neighbour(i, true);
    }
    memset(rtts_us, 0, sizeof(rtts_us));
    xbot.config.unbiased = 1;
    overlay.active[0].chosen = true;
    rtts_us[2] = 50000;
    hear(7, (struct mcpz_msg){.kind = MCPZ_MSG_OVERLAY_OPTIMISE,
                              .overlay_optimise = {.seq = 9,
                                                   .address = mcpz_text("seven:77"),
                                                   .old = node(8),
                                                   .old_address = mcpz_text("old:8")}});
    check_answer(7, false); /* too long to be kept */
    hear(7, (struct mcpz_msg){.kind = MCPZ_MSG_OVERLAY_OPTIMISE,
                              .overlay_optimise = {.seq = 9,
                                                   .address = mcpz_text("seven:7"),
                                                   .old = node(8),
                                                   .old_address = mcpz_text("old:8")}});
    CHECK(mcpz_bytes_equal(sent(MCPZ_MSG_OVERLAY_REPLACE)->overlay_replace.old_address,
                           mcpz_text("old:8")));
    hear_switched(2, xbot.seq, true);
    CHECK(is_neighbour(7));
    CHECK(mcpz_bytes_equal(mcpz_where_address(&overlay.active[1].where), mcpz_text("seven:7")));
}

TEST_MAIN(RUN(rings_begin_where_they_are_said_to),
          RUN(the_worst_neighbour_is_exchanged_for_the_nearest_candidate),
          RUN(where_all_are_near_nobody_is_reached),
          RUN(a_candidate_must_be_a_ring_nearer_by_two_milliseconds),
          RUN(neighbours_whose_round_trip_is_not_known_stay),
          RUN(who_lacks_a_neighbour_does_not_look_for_a_nearer_one),
          RUN(who_finds_nothing_looks_less_and_less_often),
          RUN(a_candidate_that_is_not_measured_or_not_there_is_not_asked),
          RUN(a_no_leaves_all_as_it_was_and_gives_the_next_its_turn),
          RUN(an_answer_that_does_not_come_ends_it_and_a_late_yes_is_taken_back),
          RUN(a_link_that_breaks_ends_what_was_asked_over_it),
          RUN(the_place_of_an_old_one_that_went_by_itself_is_used),
          RUN(a_yes_that_finds_the_place_taken_is_taken_back),
          RUN(a_candidate_with_a_free_place_gives_it),
          RUN(a_full_candidate_asks_its_worst_neighbour_to_make_room),
          RUN(the_limit_does_not_run_over),
          RUN(a_candidate_whose_neighbour_says_no_or_nothing_says_no),
          RUN(a_candidate_whose_asker_is_gone_does_nothing_more),
          RUN(a_candidate_refuses_what_makes_no_sense),
          RUN(what_is_worth_it_as_a_whole_is_switched), RUN(what_is_not_worth_it_is_refused),
          RUN(who_cannot_be_reached_is_no_new_neighbour),
          RUN(only_neighbours_that_may_go_are_replaced),
          RUN(a_switch_refused_or_unanswered_is_a_no_to_who_asked),
          RUN(who_is_no_neighbour_any_more_when_it_is_measured_is_not_replaced),
          RUN(the_old_one_takes_another_for_the_initiator_and_does_not_tell_it),
          RUN(the_old_one_refuses_for_whom_it_does_not_hold_or_does_not_give),
          RUN(who_takes_part_in_one_says_no_to_others), RUN(who_leaves_says_no),
          RUN(chosen_neighbours_stand_before_older_ones),
          RUN(neighbours_of_other_scopes_are_exchanged_for_others_of_other_scopes),
          RUN(room_is_asked_of_the_same_kind), RUN(addresses_travel_with_the_asks))
