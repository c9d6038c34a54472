/* Rules of the overlay that HyParView does not have: symmetry, scopes, neighbours of our choice,
 * addresses. */

#include "overlay_world.h"

#define HERE 5
#define ELSEWHERE 6

/* ---- Symmetry ----------------------------------------------------------------------------- */

TEST(a_neighbour_that_contradicts_twice_is_given_up)
{
    set_up_with(3, 3);
    hear_ping(1, false);
    CHECK(is_neighbour(1));
    CHECK_UINT(out.count, 0);
    hear_ping(1, false);
    CHECK(!is_neighbour(1));
    CHECK(is_passive(1)); /* it is there */
    CHECK_UINT(down_reason(), MCPZ_NEIGHBOUR_DROPPED);
    CHECK_UINT(overlay.contradicted, 1);
    CHECK_UINT(overlay.active_count, 2);
}

TEST(one_contradiction_is_forgotten_when_they_agree)
{
    set_up_with(3, 2);
    for (size_t i = 0; i < 5; i++) {
        hear_ping(1, false);
        hear_ping(1, true);
    }
    CHECK(is_neighbour(1));
    hear_ping(2, false); /* each is counted for itself */
    hear_ping(1, false);
    CHECK(is_neighbour(1) && is_neighbour(2));
    CHECK_UINT(overlay.contradicted, 0);
}

TEST(contradictions_are_not_inherited_by_who_comes_back)
{
    set_up_with(3, 2);
    hear_ping(1, false);
    hear_disconnect(1, false);
    hear_neighbour(1, true);
    hear_ping(1, false);
    CHECK(is_neighbour(1));
}

TEST(a_stranger_that_holds_us_is_told)
{
    set_up_with(3, 1);
    hear_ping(7, false);
    CHECK_UINT(out.count, 0);
    hear_ping(7, true);
    CHECK_UINT(receiver_of(MCPZ_MSG_OVERLAY_DISCONNECT), 7);
    CHECK(!sent(MCPZ_MSG_OVERLAY_DISCONNECT)->overlay_disconnect.leaving);
}

TEST(whom_we_are_asking_may_hold_us_already)
{
    set_up(3);
    happen(MCPZ_EVENT_CONTACT, 1);
    happen(MCPZ_EVENT_LINK_UP, 1);
    uint32_t seq = sent(MCPZ_MSG_OVERLAY_JOIN)->overlay_join.seq;
    hear_ping(1, true); /* its heartbeat came before its answer */
    CHECK_UINT(out.count, 0);
    hear_answer(1, seq, true);
    CHECK(is_neighbour(1));
}

TEST(who_is_given_up_is_replaced_modestly)
{
    set_up_with(3, 1);
    keep_passive(7);
    hear_ping(1, false);
    hear_ping(1, false);
    uint8_t asked = reached();
    CHECK(asked == 1 || asked == 7);
    happen(MCPZ_EVENT_LINK_UP, asked);
    CHECK(!sent(MCPZ_MSG_OVERLAY_NEIGHBOUR)->overlay_neighbour.high);
}

TEST(who_leaves_takes_no_part_in_heartbeats)
{
    set_up_with(3, 1);
    step((struct mcpz_event){.kind = MCPZ_EVENT_LEAVE});
    hear_ping(1, true);
    CHECK_UINT(out.count, 0);
}

/* ---- Links -------------------------------------------------------------------------------- */

TEST(a_neighbour_that_had_no_room_for_our_link_stays_a_candidate)
{
    set_up_with(3, 1);
    step((struct mcpz_event){.kind = MCPZ_EVENT_LINK_DOWN,
                             .link = {.peer = node(1), .reason = MCPZ_DOWN_FULL}});
    CHECK(!is_neighbour(1));
    CHECK_UINT(down_reason(), MCPZ_NEIGHBOUR_LOST);
    CHECK(is_passive(1));
    CHECK_UINT(reached(), 1); /* there is nobody else: it is asked again ... */
    CHECK(is_wanted(1));      /* ... and the asking is not forgotten for the lost link */
}

TEST(a_link_lost_while_we_wait_for_an_answer_ends_the_asking)
{
    set_up(3);
    happen(MCPZ_EVENT_CONTACT, 1);
    happen(MCPZ_EVENT_LINK_UP, 1);
    happen(MCPZ_EVENT_LINK_DOWN, 1);
    CHECK(!is_wanted(1));
    CHECK_UINT(overlay.ask_count, 0);
}

/* ---- Scopes ------------------------------------------------------------------------------- */

/* Room for three near and two far. */
static void set_up_scopes(void)
{
    set_up_as((struct mcpz_overlay_config){
        .active_max = 5, .passive_max = 10, .far_max = 2, .scope = HERE});
}

static size_t count_of(uint32_t scope)
{
    size_t count = 0;
    for (size_t i = 0; i < overlay.active_count; i++) {
        count += overlay.active[i].where.scope == scope;
    }
    return count;
}

TEST(near_and_far_neighbours_do_not_evict_each_other)
{
    set_up_scopes();
    for (uint8_t i = 1; i <= 9; i++) {
        hear_neighbour_of((uint8_t)(100 + i), true, ELSEWHERE);
    }
    CHECK_UINT(count_of(ELSEWHERE), overlay.config.far_max);
    for (uint8_t i = 1; i <= 9; i++) {
        hear_neighbour_of(i, true, HERE);
    }
    CHECK_UINT(count_of(ELSEWHERE), overlay.config.far_max);
    CHECK_UINT(count_of(HERE), overlay.config.active_max - overlay.config.far_max);
    CHECK(is_neighbour(9));
    CHECK(is_neighbour(109));
}

TEST(a_low_wish_is_refused_where_its_own_kind_is_full)
{
    set_up_scopes();
    hear_neighbour_of(101, false, ELSEWHERE);
    hear_neighbour_of(102, false, ELSEWHERE);
    CHECK(is_neighbour(102));
    hear_neighbour_of(103, false, ELSEWHERE);
    CHECK(!sent(MCPZ_MSG_OVERLAY_ANSWER)->overlay_answer.accepted);
    hear_neighbour_of(1, false, HERE);
    CHECK(sent(MCPZ_MSG_OVERLAY_ANSWER)->overlay_answer.accepted);
}

/* Node 1 is asked, and its link comes up: what it is told. */
static bool asks_highly(void)
{
    CHECK_UINT(reached(), 1);
    happen(MCPZ_EVENT_LINK_UP, 1);
    return sent(MCPZ_MSG_OVERLAY_NEIGHBOUR)->overlay_neighbour.high;
}

TEST(who_has_far_neighbours_only_asks_near_ones_with_high_priority)
{
    set_up_scopes();
    hear_neighbour_of(101, true, ELSEWHERE);
    hear_neighbour_of(2, true, HERE);
    keep_passive(1);
    happen(MCPZ_EVENT_LINK_DOWN, 2);
    CHECK(asks_highly());
}

TEST(who_has_a_near_neighbour_left_asks_with_low_priority)
{
    set_up_scopes();
    hear_neighbour_of(2, true, HERE);
    hear_neighbour_of(3, true, HERE);
    keep_passive(1);
    happen(MCPZ_EVENT_LINK_DOWN, 2);
    CHECK(!asks_highly());
}

TEST(who_has_a_far_neighbour_left_asks_far_ones_with_low_priority)
{
    set_up_scopes();
    hear_neighbour_of(101, true, ELSEWHERE);
    hear_neighbour_of(102, true, ELSEWHERE);
    keep_passive_of(1, ELSEWHERE);
    happen(MCPZ_EVENT_LINK_DOWN, 102);
    CHECK(!asks_highly());
}

TEST(whom_the_last_near_neighbour_drops_asks_again_soon)
{
    set_up_scopes();
    hear_neighbour_of(101, true, ELSEWHERE);
    hear_neighbour_of(2, true, HERE);
    hear_neighbour_of(3, true, HERE);
    overlay.promote_at_us = now + overlay.config.promote_max_us;
    hear_disconnect(3, false);
    CHECK_UINT(overlay.promote_at_us, now + overlay.config.promote_max_us);
    hear_disconnect(2, false);
    CHECK_UINT(overlay.promote_at_us, now + overlay.config.promote_period_us);
    CHECK(mcpz_overlay_deadline(&overlay) <= overlay.promote_at_us);
}

TEST(a_far_neighbour_is_told_as_one)
{
    set_up_scopes();
    hear_neighbour_of(1, false, HERE);
    CHECK_UINT(only_action(MCPZ_ACTION_FACT)->fact.reason, 0);
    hear_neighbour_of(101, false, ELSEWHERE);
    CHECK_UINT(only_action(MCPZ_ACTION_FACT)->fact.reason, 1);
}

TEST(repair_asks_for_the_kind_that_lacks)
{
    set_up_scopes();
    keep_passive_of(20, HERE);
    keep_passive_of(120, ELSEWHERE);
    tick_repair();
    CHECK_UINT(reached(), 20); /* near ones first */
    happen(MCPZ_EVENT_LINK_UP, 20);
    hear_answer_of(20, sent(MCPZ_MSG_OVERLAY_NEIGHBOUR)->overlay_neighbour.seq, true, HERE);
    CHECK(is_neighbour(20));
    CHECK_UINT(reached(), 120); /* nobody near is left to try: somebody far meanwhile */

    set_up_scopes();
    for (uint8_t i = 1; i <= 3; i++) {
        hear_neighbour_of(i, true, HERE);
    }
    keep_passive_of(20, HERE);
    keep_passive_of(120, ELSEWHERE);
    tick_repair();
    CHECK_UINT(reached(), 120);
    happen(MCPZ_EVENT_UNREACHABLE, 120);
    CHECK_UINT(out.count, 0); /* there is no place for one more near */
}

TEST(who_turns_out_to_be_of_a_full_kind_is_let_go)
{
    set_up_scopes();
    hear_neighbour_of(101, true, ELSEWHERE);
    hear_neighbour_of(102, true, ELSEWHERE);
    keep_passive_of(20, HERE); /* so we had heard; it has moved */
    tick_repair();
    happen(MCPZ_EVENT_LINK_UP, 20);
    hear_answer_of(20, sent(MCPZ_MSG_OVERLAY_NEIGHBOUR)->overlay_neighbour.seq, true, ELSEWHERE);
    CHECK_UINT(receiver_of(MCPZ_MSG_OVERLAY_DISCONNECT), 20);
    CHECK(!is_neighbour(20));
}

TEST(a_walk_goes_towards_the_scope_of_its_joiner)
{
    set_up_scopes();
    hear_neighbour_of(1, true, HERE);
    hear_neighbour_of(2, true, HERE);
    hear_neighbour_of(101, true, ELSEWHERE);
    for (size_t i = 0; i < 20; i++) {
        receive(1, (struct mcpz_msg){.kind = MCPZ_MSG_OVERLAY_FORWARD,
                                     .overlay_forward = {.joiner = node(150),
                                                         .ttl = overlay.config.arwl,
                                                         .scope = ELSEWHERE}});
        CHECK_UINT(receiver_of(MCPZ_MSG_OVERLAY_FORWARD), 101);
    }
}

TEST(what_a_shuffle_brings_of_one_kind_costs_none_of_the_other)
{
    struct mcpz_overlay_entry entries[4];

    set_up_scopes();
    hear_neighbour_of(1, true, HERE);
    for (uint8_t i = 0; i < 8; i++) {
        keep_passive_of((uint8_t)(20 + i), HERE);
    }
    keep_passive_of(120, ELSEWHERE);
    keep_passive_of(121, ELSEWHERE);
    for (uint8_t i = 0; i < 4; i++) {
        entries[i] = (struct mcpz_overlay_entry){.id = node((uint8_t)(40 + i)), .scope = HERE};
    }
    /* We give some of both kinds for it. */
    for (size_t i = 0; i < 10; i++) {
        hear_shuffle(1, 9, 1, entries, 4);
    }
    CHECK(is_passive(120) && is_passive(121));
    CHECK_UINT(overlay.passive.count, 10);
}

/* ---- Neighbours of our choice ------------------------------------------------------------- */

static void set_up_choosing(size_t active_max, size_t chosen_min)
{
    set_up_as((struct mcpz_overlay_config){
        .active_max = active_max, .passive_max = 10, .chosen_min = chosen_min});
}

static size_t count_chosen(void)
{
    size_t count = 0;
    for (size_t i = 0; i < overlay.active_count; i++) {
        count += overlay.active[i].chosen;
    }
    return count;
}

/* Somebody we asked for and who said yes. */
static void choose(uint8_t number)
{
    keep_passive(number);
    tick_repair();
    CHECK_UINT(reached(), number);
    happen(MCPZ_EVENT_LINK_UP, number);
    hear_answer(number, sent(MCPZ_MSG_OVERLAY_NEIGHBOUR)->overlay_neighbour.seq, true);
    CHECK(is_neighbour(number));
}

TEST(low_wishes_are_refused_when_too_many_are_not_of_our_choice)
{
    set_up_choosing(4, 2);
    hear_neighbour(1, false);
    hear_neighbour(2, false);
    CHECK(is_neighbour(1) && is_neighbour(2));
    hear_neighbour(3, false); /* there is room, but not for one more of these */
    CHECK(!sent(MCPZ_MSG_OVERLAY_ANSWER)->overlay_answer.accepted);
    hear_neighbour(1, false); /* it is one already */
    CHECK(sent(MCPZ_MSG_OVERLAY_ANSWER)->overlay_answer.accepted);
    hear_neighbour(3, true);
    CHECK(is_neighbour(3)); /* who may not be refused is not */
}

TEST(a_full_view_with_too_few_of_our_choice_asks_and_evicts_another)
{
    set_up_choosing(4, 2);
    for (uint8_t i = 1; i <= 4; i++) {
        hear_neighbour(i, true);
    }
    CHECK_UINT(count_chosen(), 0);
    choose(20);
    CHECK_UINT(overlay.active_count, 4);
    choose(21);
    CHECK(is_neighbour(20)); /* not one of those two was evicted for the other */
    CHECK_UINT(count_chosen(), 2);
    keep_passive(22);
    tick_repair();
    CHECK_UINT(count_actions(MCPZ_ACTION_REACH), 0); /* that is enough */
}

TEST(those_of_our_choice_are_spared_by_who_may_not_be_refused)
{
    set_up_choosing(4, 2);
    choose(20);
    choose(21);
    for (uint8_t i = 1; i <= 50; i++) {
        hear_neighbour(i, true);
        CHECK(is_neighbour(i));
        CHECK(is_neighbour(20) && is_neighbour(21));
    }
    CHECK_UINT(overlay.active_count, 4);
}

TEST(a_whole_view_of_our_choice_lets_one_go)
{
    set_up_choosing(2, 1);
    choose(20);
    choose(21);
    hear_neighbour(1, true);
    CHECK(is_neighbour(1));
    CHECK_UINT(count_chosen(), 1);
}

/* ---- Hearing of others -------------------------------------------------------------------- */

static void learn(uint8_t number, const char *address)
{
    const struct mcpz_overlay_entry entry = {.id = node(number), .address = mcpz_text(address)};
    mcpz_outbox_clear(&out);
    mcpz_overlay_learn(&overlay, now, &entry, &out);
}

static void set_up_addresses(size_t passive_max)
{
    set_up_as((struct mcpz_overlay_config){.active_max = 3,
                                           .passive_max = passive_max,
                                           .address = mcpz_text("us:1"),
                                           .address_bytes = 8});
}

TEST(who_is_heard_of_is_a_candidate_and_asked_where_one_lacks)
{
    set_up_addresses(2);
    learn(20, "b:1");
    const struct mcpz_action *reach = only_action(MCPZ_ACTION_REACH);
    CHECK(mcpz_id_equal(&reach->reach.peer, &(struct mcpz_id){{20, 1}}));
    CHECK_BYTES(reach->reach.address, "b:1", 3);
    learn(21, "c:1");
    CHECK_UINT(out.count, 0); /* one at a time */
    CHECK(is_passive(20) && is_passive(21));
    learn(22, "d:1"); /* the view is full: who is in it is as good */
    CHECK(!is_passive(22));
    CHECK(is_passive(20) && is_passive(21));
}

/* Those who have been asked in this round are as good as none. */
TEST(candidates_lack_when_all_have_been_asked)
{
    set_up_addresses(3);
    CHECK(mcpz_overlay_lacks_candidates(&overlay));
    learn(20, "b:1");
    CHECK(!mcpz_overlay_lacks_candidates(&overlay)); /* it is being asked */
    learn(21, "c:1");
    happen(MCPZ_EVENT_LINK_UP, 20);
    hear_answer(20, overlay.asks[0].seq, false);
    CHECK_UINT(reached(), 21);
    happen(MCPZ_EVENT_LINK_UP, 21);
    hear_answer(21, overlay.asks[0].seq, false);
    CHECK_UINT(overlay.passive.count, 2);
    CHECK_UINT(overlay.ask_count, 0);
    CHECK(mcpz_overlay_lacks_candidates(&overlay));
    keep_passive(22);
    CHECK(!mcpz_overlay_lacks_candidates(&overlay)); /* the next round asks it */
}

TEST(no_candidate_lacks_where_there_is_no_room_for_one)
{
    set_up_addresses(1);
    learn(20, "b:1");
    happen(MCPZ_EVENT_LINK_UP, 20);
    hear_answer(20, overlay.asks[0].seq, false);
    CHECK(!mcpz_overlay_lacks_candidates(&overlay)); /* the passive view is full */

    set_up_addresses(3);
    for (uint8_t i = 1; i <= 3; i++) {
        CHECK(mcpz_overlay_lacks_candidates(&overlay));
        hear_neighbour(i, true);
    }
    CHECK(!mcpz_overlay_lacks_candidates(&overlay)); /* all places are taken */

    set_up_addresses(3);
    step((struct mcpz_event){.kind = MCPZ_EVENT_LEAVE});
    CHECK(!mcpz_overlay_lacks_candidates(&overlay));
}

/* Whom a table of members names is of our scope. */
TEST(candidates_of_other_scopes_do_not_count)
{
    set_up_scopes();
    keep_passive_of(40, ELSEWHERE);
    CHECK(mcpz_overlay_lacks_candidates(&overlay));
    for (uint8_t i = 1; i <= 3; i++) {
        hear_neighbour(i, true);
    }
    CHECK(!mcpz_overlay_lacks_candidates(&overlay)); /* what lacks is far */
}

TEST(who_dials_out_only_is_no_candidate)
{
    set_up_addresses(2);
    learn(20, "");
    CHECK(!is_passive(20));
    CHECK_UINT(out.count, 0);
}

TEST(who_leaves_learns_of_nobody)
{
    set_up_addresses(2);
    step((struct mcpz_event){.kind = MCPZ_EVENT_LEAVE});
    learn(20, "b:1");
    CHECK(!is_passive(20));
}

TEST(who_is_gone_is_forgotten)
{
    const struct mcpz_id gone = node(20);

    set_up_addresses(2);
    learn(20, "b:1");
    mcpz_overlay_forget(&overlay, &gone);
    CHECK(!is_passive(20));
    mcpz_overlay_forget(&overlay, &gone);
    CHECK_UINT(overlay.passive.count, 0);
}

TEST(addresses_too_long_are_ignored)
{
    const struct mcpz_overlay_entry entries[] = {
        {.id = node(30), .address = mcpz_text("1234567")},
        {.id = node(31), .address = mcpz_text("12345678")}};

    set_up_addresses(4);
    learn(20, "12345678");
    CHECK(!is_passive(20));
    CHECK_UINT(count_actions(MCPZ_ACTION_REACH), 0);

    /* Who asks us is there, wherever it says it can be dialled. */
    receive(1,
            (struct mcpz_msg){.kind = MCPZ_MSG_OVERLAY_NEIGHBOUR,
                              .overlay_neighbour = {
                                  .seq = 9, .high = true, .address = mcpz_text("much too long")}});
    CHECK(is_neighbour(1));
    CHECK_UINT(mcpz_where_address(&overlay.active[0].where).length, 0);
    hear_shuffle(1, 9, 1, entries, MCPZ_ARRAY_LEN(entries));
    CHECK(is_passive(30));
    CHECK(!is_passive(31));

    /* A walk that ends here asks nobody there, and keeps nothing. */
    receive(1, (struct mcpz_msg){.kind = MCPZ_MSG_OVERLAY_FORWARD,
                                 .overlay_forward = {.joiner = node(32),
                                                     .address = mcpz_text("much too long")}});
    CHECK(!is_wanted(32));
    CHECK(!is_passive(32));
}

TEST(we_say_where_we_are)
{
    set_up_addresses(4);
    hear_neighbour(1, true);
    CHECK_BYTES(sent(MCPZ_MSG_OVERLAY_ANSWER)->overlay_answer.address, "us:1", 4);
    happen(MCPZ_EVENT_CONTACT, 2);
    happen(MCPZ_EVENT_LINK_UP, 2);
    CHECK_BYTES(sent(MCPZ_MSG_OVERLAY_JOIN)->overlay_join.address, "us:1", 4);
}

TEST(a_retired_neighbour_keeps_its_address)
{
    set_up_addresses(4);
    receive(1, (struct mcpz_msg){.kind = MCPZ_MSG_OVERLAY_JOIN,
                                 .overlay_join = {.seq = 1, .address = mcpz_text("one:1")}});
    receive(2, (struct mcpz_msg){.kind = MCPZ_MSG_OVERLAY_JOIN,
                                 .overlay_join = {.seq = 1, .address = mcpz_text("two:1")}});
    hear_disconnect(1, false);
    hear_disconnect(2, false);
    CHECK_UINT(overlay.passive.count, 2);
    for (size_t i = 0; i < 2; i++) {
        const struct mcpz_passive_entry *entry = &overlay.passive.entries[i];
        const char *text = entry->id.bytes[0] == 1 ? "one:1" : "two:1";
        CHECK_BYTES(mcpz_where_address(&entry->where), text, strlen(text));
    }
}

/* ---- Courting ----------------------------------------------------------------------------- */

static void court(uint8_t peer)
{
    const struct mcpz_id id = node(peer);

    mcpz_outbox_clear(&out);
    mcpz_overlay_court(&overlay, now, &id, &out);
}

TEST(who_is_courted_may_not_refuse_and_tells_nobody)
{
    set_up_with(3, 3);
    court(7);
    CHECK_UINT(reached(), 7);
    happen(MCPZ_EVENT_LINK_UP, 7);
    CHECK(sent(MCPZ_MSG_OVERLAY_NEIGHBOUR)->overlay_neighbour.high);
    CHECK_UINT(count_sent(MCPZ_MSG_OVERLAY_JOIN), 0);
    hear_answer(7, sent(MCPZ_MSG_OVERLAY_NEIGHBOUR)->overlay_neighbour.seq, true);
    CHECK(is_neighbour(7));
    CHECK_UINT(overlay.active_count, 3);
    CHECK_UINT(count_sent(MCPZ_MSG_OVERLAY_DISCONNECT), 1);
    CHECK_UINT(count_sent(MCPZ_MSG_OVERLAY_FORWARD), 0);
}

TEST(nobody_is_courted_for_nothing)
{
    set_up_with(3, 2);
    court(1); /* a neighbour */
    CHECK_UINT(out.count, 0);
    court(7);
    court(7); /* under way */
    CHECK_UINT(out.count, 0);
    mcpz_outbox_clear(&out);
    mcpz_overlay_court(&overlay, now, &self, &out);
    CHECK_UINT(out.count, 0);
    step((struct mcpz_event){.kind = MCPZ_EVENT_LEAVE});
    court(8);
    CHECK_UINT(out.count, 0);
}

/* ---- Where all are full ------------------------------------------------------------------- */

/* How many of those asked last might not have refused. */
static size_t pressed;

/* Whoever is asked says no, as long as somebody is. How many did. */
static size_t refuse_all(void)
{
    size_t count = 0;

    pressed = 0;

    while (count_actions(MCPZ_ACTION_REACH) > 0) {
        uint8_t asked = reached();
        happen(MCPZ_EVENT_LINK_UP, asked);
        pressed += sent(MCPZ_MSG_OVERLAY_NEIGHBOUR)->overlay_neighbour.high;
        hear_answer(asked, sent(MCPZ_MSG_OVERLAY_NEIGHBOUR)->overlay_neighbour.seq, false);
        count++;
    }
    return count;
}

TEST(a_round_ends_after_so_many_noes_unless_half_are_missing)
{
    enum { CANDIDATES = 6 };

    for (size_t refusals = 1; refusals <= 3; refusals++) {
        for (uint8_t count = 1; count <= 3; count++) {
            set_up_as((struct mcpz_overlay_config){
                .active_max = 4, .passive_max = 10, .refusals_max = refusals});
            for (uint8_t i = 1; i <= count; i++) {
                hear_neighbour(i, true);
            }
            for (uint8_t i = 0; i < CANDIDATES; i++) {
                keep_passive((uint8_t)(10 + i));
            }
            tick_repair();
            CHECK_UINT(refuse_all(), count == 1 ? CANDIDATES : refusals);
            tick_repair(); /* the next has as many */
            CHECK_UINT(refuse_all(), count == 1 ? CANDIDATES : refusals);
        }
    }
}

/* `count` neighbours, and three others. */
static void set_up_refused(const char *address, uint8_t count)
{
    set_up_as((struct mcpz_overlay_config){
        .active_max = 4, .passive_max = 10, .address = mcpz_text(address), .address_bytes = 8});
    for (uint8_t i = 1; i <= count; i++) {
        hear_neighbour(i, true);
    }
    for (uint8_t i = 10; i < 13; i++) {
        keep_passive(i);
    }
}

/* Else it would keep one for as long as all others are full. */
TEST(who_has_one_neighbour_and_was_refused_by_all_presses_one)
{
    set_up_refused("us:1", 1);
    tick_repair();
    CHECK_UINT(refuse_all(), 3);
    CHECK_UINT(pressed, 0);
    tick_repair();
    const uint8_t asked = reached();
    happen(MCPZ_EVENT_LINK_UP, asked);
    CHECK(sent(MCPZ_MSG_OVERLAY_NEIGHBOUR)->overlay_neighbour.high);
    hear_answer(asked, sent(MCPZ_MSG_OVERLAY_NEIGHBOUR)->overlay_neighbour.seq, true);
    CHECK(is_neighbour(asked));
    CHECK_UINT(refuse_all(), 2);
    CHECK_UINT(pressed, 0); /* nor ever, with two */
    tick_repair();
    CHECK_UINT(refuse_all(), 2);
    CHECK_UINT(pressed, 0);
}

TEST(who_cannot_be_dialled_presses_nobody)
{
    set_up_refused("", 1);
    for (size_t i = 0; i < 5; i++) {
        tick_repair();
        CHECK_UINT(refuse_all(), 3);
        CHECK_UINT(pressed, 0);
    }
}

TEST(who_is_given_up_presses_nobody_in_that_round)
{
    set_up_refused("us:1", 2);
    tick_repair();
    CHECK_UINT(refuse_all(), 2);
    hear_ping(1, false);
    hear_ping(1, false);
    CHECK(!is_neighbour(1));
    CHECK(refuse_all() > 0);
    CHECK_UINT(pressed, 0);
}

/* How often in so long, while everybody says no. */
static size_t press_for(mcpz_time for_us)
{
    const mcpz_time until_us = now + for_us;
    size_t count = 0;

    while (now < until_us) {
        tick_repair();
        (void)refuse_all();
        count += pressed;
    }
    return count;
}

/* Those who lack what they take from each other would press for ever. */
TEST(who_presses_does_so_ever_less_often)
{
    set_up_refused("us:1", 1);
    const size_t first = press_for(MCPZ_SECONDS(80)); /* 5, 10, 20 s between them */
    CHECK(first >= 3 && first <= 5);
    (void)press_for(MCPZ_SECONDS(320));
    const size_t later = press_for(MCPZ_SECONDS(1600));
    CHECK(later >= 1600 / 170 && later <= 1600 / 160 + 1);
    hear_neighbour(2, true);
    tick_repair();
    CHECK_UINT(overlay.press_wait_us, overlay.config.promote_period_us);
}

/* Four to six fifths of `wait_us` from now. */
static void check_promoted_in(mcpz_time wait_us)
{
    CHECK(overlay.promote_at_us >= now + wait_us / 5 * 4);
    CHECK(overlay.promote_at_us <= now + wait_us / 5 * 6);
}

TEST(rounds_come_ever_later_while_nobody_has_a_place)
{
    const mcpz_time period_us = MCPZ_SECONDS(5);
    const mcpz_time most_us = MCPZ_SECONDS(30);

    set_up_as((struct mcpz_overlay_config){.active_max = 3,
                                           .passive_max = 10,
                                           .promote_period_us = period_us,
                                           .promote_max_us = most_us});
    hear_neighbour(1, true);
    hear_neighbour(2, true);
    check_promoted_in(period_us);
    tick_repair();
    check_promoted_in(period_us);
    tick_repair();
    check_promoted_in(2 * period_us);
    tick_repair();
    check_promoted_in(4 * period_us);
    tick_repair();
    check_promoted_in(most_us);
    tick_repair();
    check_promoted_in(most_us);

    hear_neighbour(3, true); /* nobody lacks */
    tick_repair();
    tick_repair();
    check_promoted_in(period_us);
}

TEST_MAIN(RUN(a_neighbour_that_contradicts_twice_is_given_up),
          RUN(one_contradiction_is_forgotten_when_they_agree),
          RUN(contradictions_are_not_inherited_by_who_comes_back),
          RUN(a_stranger_that_holds_us_is_told), RUN(whom_we_are_asking_may_hold_us_already),
          RUN(who_is_given_up_is_replaced_modestly), RUN(who_leaves_takes_no_part_in_heartbeats),
          RUN(a_neighbour_that_had_no_room_for_our_link_stays_a_candidate),
          RUN(a_link_lost_while_we_wait_for_an_answer_ends_the_asking),
          RUN(near_and_far_neighbours_do_not_evict_each_other),
          RUN(a_low_wish_is_refused_where_its_own_kind_is_full),
          RUN(who_has_far_neighbours_only_asks_near_ones_with_high_priority),
          RUN(who_has_a_near_neighbour_left_asks_with_low_priority),
          RUN(who_has_a_far_neighbour_left_asks_far_ones_with_low_priority),
          RUN(whom_the_last_near_neighbour_drops_asks_again_soon),
          RUN(a_far_neighbour_is_told_as_one), RUN(repair_asks_for_the_kind_that_lacks),
          RUN(who_turns_out_to_be_of_a_full_kind_is_let_go),
          RUN(a_walk_goes_towards_the_scope_of_its_joiner),
          RUN(what_a_shuffle_brings_of_one_kind_costs_none_of_the_other),
          RUN(low_wishes_are_refused_when_too_many_are_not_of_our_choice),
          RUN(a_full_view_with_too_few_of_our_choice_asks_and_evicts_another),
          RUN(those_of_our_choice_are_spared_by_who_may_not_be_refused),
          RUN(a_whole_view_of_our_choice_lets_one_go),
          RUN(who_is_heard_of_is_a_candidate_and_asked_where_one_lacks),
          RUN(candidates_lack_when_all_have_been_asked),
          RUN(no_candidate_lacks_where_there_is_no_room_for_one),
          RUN(candidates_of_other_scopes_do_not_count), RUN(who_dials_out_only_is_no_candidate),
          RUN(who_leaves_learns_of_nobody), RUN(who_is_gone_is_forgotten),
          RUN(addresses_too_long_are_ignored), RUN(we_say_where_we_are),
          RUN(a_retired_neighbour_keeps_its_address),
          RUN(who_is_courted_may_not_refuse_and_tells_nobody), RUN(nobody_is_courted_for_nothing),
          RUN(a_round_ends_after_so_many_noes_unless_half_are_missing),
          RUN(who_has_one_neighbour_and_was_refused_by_all_presses_one),
          RUN(who_cannot_be_dialled_presses_nobody),
          RUN(who_is_given_up_presses_nobody_in_that_round),
          RUN(who_presses_does_so_ever_less_often),
          RUN(rounds_come_ever_later_while_nobody_has_a_place))
