#include "core.h"
#include "core/overlay.h"

static struct mcpz_overlay overlay;
static mcpz_time now;

static struct mcpz_id node(uint8_t number)
{
    return (struct mcpz_id){.bytes = {number, 1}};
}

static void step(struct mcpz_event event)
{
    mcpz_outbox_clear(&out);
    mcpz_overlay_step(&overlay, now, &event, &out);
}

static void happen(enum mcpz_event_kind kind, uint8_t peer)
{
    step((struct mcpz_event){.kind = kind,
                             .link = {.peer = node(peer), .reason = MCPZ_DOWN_CLOSED}});
}

static void receive(uint8_t from, struct mcpz_msg msg)
{
    step((struct mcpz_event){.kind = MCPZ_EVENT_RECV, .recv = {.from = node(from), .msg = &msg}});
}

static void hear_join(uint8_t from)
{
    receive(from, (struct mcpz_msg){.kind = MCPZ_MSG_OVERLAY_JOIN, .overlay_join = {9}});
}

static void hear_forward(uint8_t from, uint8_t joiner, uint32_t ttl)
{
    receive(from, (struct mcpz_msg){.kind = MCPZ_MSG_OVERLAY_FORWARD,
                                    .overlay_forward = {node(joiner), ttl}});
}

static void hear_neighbour(uint8_t from, bool high)
{
    receive(from,
            (struct mcpz_msg){.kind = MCPZ_MSG_OVERLAY_NEIGHBOUR, .overlay_neighbour = {9, high}});
}

static void hear_answer(uint8_t from, uint32_t seq, bool accepted)
{
    receive(from,
            (struct mcpz_msg){.kind = MCPZ_MSG_OVERLAY_ANSWER, .overlay_answer = {seq, accepted}});
}

static void hear_disconnect(uint8_t from, bool leaving)
{
    receive(from, (struct mcpz_msg){.kind = MCPZ_MSG_OVERLAY_DISCONNECT,
                                    .overlay_disconnect = {leaving}});
}

static void hear_shuffle(uint8_t from, uint8_t origin, uint32_t ttl,
                         const struct mcpz_overlay_entry *entries, size_t count)
{
    receive(from, (struct mcpz_msg){.kind = MCPZ_MSG_OVERLAY_SHUFFLE,
                                    .overlay_shuffle = {node(origin), 5, ttl, entries, count}});
}

static void hear_shuffled(uint8_t from, uint32_t seq, const struct mcpz_overlay_entry *entries,
                          size_t count)
{
    receive(from, (struct mcpz_msg){.kind = MCPZ_MSG_OVERLAY_SHUFFLED,
                                    .overlay_shuffled = {seq, entries, count}});
}

static bool is_neighbour(uint8_t number)
{
    struct mcpz_id id = node(number);
    return mcpz_overlay_is_neighbour(&overlay, &id);
}

static bool is_passive(uint8_t number)
{
    struct mcpz_id id = node(number);
    return mcpz_passive_has(&overlay.passive, &id);
}

static bool is_wanted(uint8_t number)
{
    struct mcpz_id id = node(number);
    return mcpz_overlay_wants(&overlay, &id);
}

static void keep_passive(uint8_t number)
{
    struct mcpz_id id = node(number);
    mcpz_passive_add(&overlay.passive, &id, now, &overlay.rng);
}

/* Whom the only message of `kind` went to. */
static uint8_t receiver_of(enum mcpz_msg_kind kind)
{
    const struct mcpz_action *found = NULL;
    for (size_t i = 0; i < out.count; i++) {
        const struct mcpz_action *action = &out.actions[i];
        if (action->kind == MCPZ_ACTION_SEND && action->send.msg.kind == kind) {
            CHECK(found == NULL);
            found = action;
        }
    }
    CHECK(found != NULL);
    return found == NULL ? 0 : found->send.peers->bytes[0];
}

static size_t count_sent(enum mcpz_msg_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < out.count; i++) {
        const struct mcpz_action *action = &out.actions[i];
        count += action->kind == MCPZ_ACTION_SEND && action->send.msg.kind == kind;
    }
    return count;
}

static uint8_t reached(void)
{
    return only_action(MCPZ_ACTION_REACH)->reach.peer.bytes[0];
}

static uint32_t down_reason(void)
{
    size_t at = 0;
    const struct mcpz_action *action;
    while ((action = next_action(MCPZ_ACTION_FACT, &at)) != NULL) {
        if (action->fact.kind == MCPZ_FACT_NEIGHBOUR_DOWN) {
            return action->fact.reason;
        }
    }
    return 0;
}

static void set_up(size_t active_max)
{
    struct mcpz_overlay_config config = {.active_max = active_max, .passive_max = 10};

    now = MCPZ_SECONDS(10000);
    mcpz_outbox_init(&out);
    mcpz_overlay_init(&overlay, &self, &config, 1, now);
}

/* Neighbours 1 .. count. */
static void set_up_with(size_t active_max, uint8_t count)
{
    set_up(active_max);
    for (uint8_t i = 1; i <= count; i++) {
        hear_neighbour(i, true);
        CHECK(is_neighbour(i));
    }
}

/* ---- Joining ------------------------------------------------------------------------------ */

TEST(a_joiner_links_asks_and_is_let_in)
{
    set_up(5);
    happen(MCPZ_EVENT_CONTACT, 1);
    CHECK_UINT(reached(), 1);
    CHECK(is_wanted(1));
    CHECK(!is_neighbour(1));
    happen(MCPZ_EVENT_LINK_UP, 1);
    uint32_t seq = sent(MCPZ_MSG_OVERLAY_JOIN)->overlay_join.seq;
    happen(MCPZ_EVENT_LINK_UP, 1);
    CHECK_UINT(out.count, 0);
    hear_answer(1, seq, true);
    CHECK(is_neighbour(1));
    struct mcpz_id contact = node(1);
    CHECK(has_fact(MCPZ_FACT_NEIGHBOUR_UP, &contact));
    hear_answer(1, seq, true);
    CHECK_UINT(out.count, 0);
}

TEST(a_contact_lets_in_and_tells_all_others)
{
    set_up_with(5, 3);
    hear_join(7);
    CHECK(is_neighbour(7));
    CHECK_UINT(receiver_of(MCPZ_MSG_OVERLAY_ANSWER), 7);
    CHECK(sent(MCPZ_MSG_OVERLAY_ANSWER)->overlay_answer.accepted);
    CHECK_UINT(count_sent(MCPZ_MSG_OVERLAY_FORWARD), 3);
    CHECK_UINT(sent(MCPZ_MSG_OVERLAY_FORWARD)->overlay_forward.ttl, 6);
    hear_join(7);
    CHECK_UINT(count_sent(MCPZ_MSG_OVERLAY_ANSWER), 1);
    CHECK_UINT(count_sent(MCPZ_MSG_OVERLAY_FORWARD), 0);
}

TEST(a_full_contact_lets_one_go_for_a_joiner)
{
    set_up_with(3, 3);
    hear_join(7);
    CHECK(is_neighbour(7));
    CHECK_UINT(overlay.active_count, 3);
    uint8_t gone = receiver_of(MCPZ_MSG_OVERLAY_DISCONNECT);
    CHECK(!is_neighbour(gone));
    CHECK(is_passive(gone));
    CHECK_UINT(down_reason(), MCPZ_NEIGHBOUR_EVICTED);
    CHECK_UINT(count_sent(MCPZ_MSG_OVERLAY_FORWARD), 2);
}

TEST(a_walk_goes_on_but_not_back)
{
    set_up_with(5, 2);
    hear_forward(1, 7, 6);
    CHECK_UINT(receiver_of(MCPZ_MSG_OVERLAY_FORWARD), 2);
    CHECK_UINT(sent(MCPZ_MSG_OVERLAY_FORWARD)->overlay_forward.ttl, 5);
    CHECK(!is_passive(7));
    hear_forward(1, 7, MCPZ_OVERLAY_WALK_MAX); /* no further than we would send it */
    CHECK_UINT(sent(MCPZ_MSG_OVERLAY_FORWARD)->overlay_forward.ttl, 5);
}

TEST(a_walk_leaves_the_joiner_in_a_passive_view_on_its_way)
{
    set_up_with(5, 2);
    hear_forward(1, 7, 3);
    CHECK(is_passive(7));
    CHECK_UINT(sent(MCPZ_MSG_OVERLAY_FORWARD)->overlay_forward.ttl, 2);
}

TEST(where_a_walk_ends_the_joiner_is_asked_and_may_not_refuse)
{
    set_up_with(5, 2);
    hear_forward(1, 7, 0);
    CHECK_UINT(reached(), 7);
    happen(MCPZ_EVENT_LINK_UP, 7);
    CHECK(sent(MCPZ_MSG_OVERLAY_NEIGHBOUR)->overlay_neighbour.high);
    hear_answer(7, sent(MCPZ_MSG_OVERLAY_NEIGHBOUR)->overlay_neighbour.seq, true);
    CHECK(is_neighbour(7));
}

TEST(a_walk_ends_at_a_node_with_one_neighbour)
{
    set_up_with(5, 1);
    hear_forward(1, 7, 6);
    CHECK_UINT(reached(), 7);
}

TEST(a_walk_for_us_or_a_neighbour_ends_in_nothing)
{
    set_up_with(5, 2);
    hear_forward(1, self.bytes[0], 0);
    receive(1, (struct mcpz_msg){.kind = MCPZ_MSG_OVERLAY_FORWARD, .overlay_forward = {self, 0}});
    CHECK_UINT(out.count, 0);
    hear_forward(1, 2, 0);
    CHECK_UINT(out.count, 0);
}

TEST(asks_are_bounded_and_who_finds_no_room_is_kept_for_later)
{
    set_up_with(5, 2);
    for (uint8_t i = 0; i < MCPZ_OVERLAY_ASKS_MAX; i++) {
        hear_forward(1, (uint8_t)(10 + i), 0);
        CHECK_UINT(count_actions(MCPZ_ACTION_REACH), 1);
    }
    hear_forward(1, 50, 0);
    CHECK_UINT(count_actions(MCPZ_ACTION_REACH), 0);
    CHECK(is_passive(50));
    CHECK_UINT(overlay.dropped, 1);
}

/* ---- Neighbours --------------------------------------------------------------------------- */

TEST(a_low_wish_is_granted_while_there_is_room)
{
    set_up_with(3, 2);
    hear_neighbour(7, false);
    CHECK(sent(MCPZ_MSG_OVERLAY_ANSWER)->overlay_answer.accepted);
    CHECK_UINT(sent(MCPZ_MSG_OVERLAY_ANSWER)->overlay_answer.seq, 9);
    CHECK(is_neighbour(7));
    hear_neighbour(8, false);
    CHECK(!sent(MCPZ_MSG_OVERLAY_ANSWER)->overlay_answer.accepted);
    CHECK(!is_neighbour(8));
    hear_neighbour(7, false); /* it is one already */
    CHECK(sent(MCPZ_MSG_OVERLAY_ANSWER)->overlay_answer.accepted);
    CHECK_UINT(overlay.active_count, 3);
}

TEST(a_high_wish_is_granted_always)
{
    set_up_with(3, 3);
    hear_neighbour(7, true);
    CHECK(sent(MCPZ_MSG_OVERLAY_ANSWER)->overlay_answer.accepted);
    CHECK(is_neighbour(7));
    CHECK_UINT(overlay.active_count, 3);
    CHECK_UINT(count_sent(MCPZ_MSG_OVERLAY_DISCONNECT), 1);
}

TEST(a_lost_neighbour_is_replaced_from_the_passive_view)
{
    set_up_with(3, 3);
    keep_passive(7);
    happen(MCPZ_EVENT_LINK_DOWN, 1);
    CHECK(!is_neighbour(1));
    CHECK(!is_passive(1));
    CHECK_UINT(down_reason(), MCPZ_NEIGHBOUR_LOST);
    CHECK_UINT(reached(), 7);
    happen(MCPZ_EVENT_LINK_UP, 7);
    CHECK(!sent(MCPZ_MSG_OVERLAY_NEIGHBOUR)->overlay_neighbour.high);
    hear_answer(7, sent(MCPZ_MSG_OVERLAY_NEIGHBOUR)->overlay_neighbour.seq, true);
    CHECK(is_neighbour(7));
    CHECK(!is_passive(7));
}

TEST(who_has_no_neighbour_left_asks_with_high_priority)
{
    set_up_with(3, 1);
    keep_passive(7);
    happen(MCPZ_EVENT_LINK_DOWN, 1);
    happen(MCPZ_EVENT_LINK_UP, 7);
    CHECK(sent(MCPZ_MSG_OVERLAY_NEIGHBOUR)->overlay_neighbour.high);
}

TEST(candidates_are_asked_one_at_a_time_and_once_a_round)
{
    set_up_with(3, 3);
    keep_passive(7);
    keep_passive(8);
    happen(MCPZ_EVENT_LINK_DOWN, 1);
    uint8_t first = reached();
    happen(MCPZ_EVENT_LINK_DOWN, 2); /* the repair under way goes on */
    CHECK_UINT(count_actions(MCPZ_ACTION_REACH), 0);
    happen(MCPZ_EVENT_LINK_UP, first);
    hear_answer(first, sent(MCPZ_MSG_OVERLAY_NEIGHBOUR)->overlay_neighbour.seq, false);
    uint8_t second = reached();
    CHECK(second != first);
    CHECK(is_passive(first)); /* it is there, only full */
    happen(MCPZ_EVENT_UNREACHABLE, second);
    CHECK(!is_passive(second));
    CHECK_UINT(out.count, 0);

    now = overlay.promote_at_us; /* a new round */
    step((struct mcpz_event){.kind = MCPZ_EVENT_TICK});
    CHECK_UINT(reached(), first);
}

TEST(who_does_not_answer_in_time_is_forgotten)
{
    set_up_with(3, 1);
    keep_passive(7);
    keep_passive(8);
    happen(MCPZ_EVENT_LINK_DOWN, 1);
    uint8_t first = reached();
    now += MCPZ_SECONDS(4);
    happen(MCPZ_EVENT_LINK_UP, first);
    uint32_t seq = sent(MCPZ_MSG_OVERLAY_NEIGHBOUR)->overlay_neighbour.seq;
    overlay.shuffle_at_us = overlay.promote_at_us = MCPZ_TIME_NEVER;
    CHECK_UINT(mcpz_overlay_deadline(&overlay), now + MCPZ_SECONDS(5));
    now += MCPZ_SECONDS(5) - 1;
    step((struct mcpz_event){.kind = MCPZ_EVENT_TICK});
    CHECK_UINT(out.count, 0);
    now++;
    step((struct mcpz_event){.kind = MCPZ_EVENT_TICK});
    CHECK(!is_passive(first));
    CHECK(reached() != first);
    hear_answer(first, seq, true); /* too late: it must not believe in us */
    CHECK_UINT(receiver_of(MCPZ_MSG_OVERLAY_DISCONNECT), first);
    CHECK(!is_neighbour(first));
}

TEST(a_yes_that_finds_no_room_is_taken_back)
{
    set_up_with(3, 3);
    keep_passive(7);
    happen(MCPZ_EVENT_LINK_DOWN, 1);
    happen(MCPZ_EVENT_LINK_UP, 7);
    uint32_t seq = sent(MCPZ_MSG_OVERLAY_NEIGHBOUR)->overlay_neighbour.seq;
    hear_neighbour(8, false);
    hear_answer(7, seq, true);
    CHECK_UINT(receiver_of(MCPZ_MSG_OVERLAY_DISCONNECT), 7);
    CHECK(!is_neighbour(7));
    CHECK(is_passive(7));
}

TEST(an_answer_to_an_older_wish_is_not_taken_for_the_new_one)
{
    set_up(3);
    happen(MCPZ_EVENT_CONTACT, 1);
    happen(MCPZ_EVENT_LINK_UP, 1);
    uint32_t seq = sent(MCPZ_MSG_OVERLAY_JOIN)->overlay_join.seq;
    hear_answer(1, seq + 1, true);
    CHECK(!is_neighbour(1));
    CHECK_UINT(out.count, 0);
    hear_answer(1, seq, true);
    CHECK(is_neighbour(1));
}

TEST(who_lets_us_go_becomes_a_candidate)
{
    set_up_with(3, 2);
    hear_disconnect(1, false);
    CHECK(!is_neighbour(1));
    CHECK(is_passive(1));
    CHECK_UINT(down_reason(), MCPZ_NEIGHBOUR_DROPPED);
    CHECK_UINT(count_actions(MCPZ_ACTION_REACH), 0); /* the next round will do */
    hear_disconnect(1, false);
    CHECK_UINT(out.count, 0);
    hear_disconnect(2, false); /* the last one: now at once */
    CHECK_UINT(count_actions(MCPZ_ACTION_REACH), 1);
}

TEST(who_leaves_is_forgotten)
{
    set_up_with(3, 2);
    keep_passive(7);
    hear_disconnect(1, true);
    CHECK(!is_passive(1));
    CHECK_UINT(down_reason(), MCPZ_NEIGHBOUR_LEAVING);
    hear_disconnect(7, true);
    CHECK(!is_passive(7));
}

TEST(leaving_tells_all_and_declines_from_then_on)
{
    set_up_with(3, 3);
    step((struct mcpz_event){.kind = MCPZ_EVENT_LEAVE});
    CHECK_UINT(count_sent(MCPZ_MSG_OVERLAY_DISCONNECT), 3);
    CHECK(sent(MCPZ_MSG_OVERLAY_DISCONNECT)->overlay_disconnect.leaving);
    CHECK_UINT(overlay.active_count, 0);
    CHECK_UINT(mcpz_overlay_deadline(&overlay), MCPZ_TIME_NEVER);
    hear_neighbour(7, true);
    CHECK(!sent(MCPZ_MSG_OVERLAY_ANSWER)->overlay_answer.accepted);
    hear_join(8);
    CHECK(!sent(MCPZ_MSG_OVERLAY_ANSWER)->overlay_answer.accepted);
    hear_disconnect(8, false);
    CHECK_UINT(out.count, 0);
    happen(MCPZ_EVENT_CONTACT, 9);
    CHECK_UINT(out.count, 0);
    CHECK_UINT(overlay.active_count, 0);
}

TEST(walks_from_strangers_are_told_that_they_are_strangers)
{
    set_up_with(3, 2);
    hear_forward(7, 8, 0);
    CHECK_UINT(receiver_of(MCPZ_MSG_OVERLAY_DISCONNECT), 7);
    CHECK_UINT(count_actions(MCPZ_ACTION_REACH), 0);
    hear_shuffle(7, 8, 1, NULL, 0);
    CHECK_UINT(receiver_of(MCPZ_MSG_OVERLAY_DISCONNECT), 7);
    CHECK_UINT(count_actions(MCPZ_ACTION_REACH), 0);
}

/* ---- Shuffling ---------------------------------------------------------------------------- */

static void tick_shuffle(void)
{
    now = overlay.shuffle_at_us;
    overlay.promote_at_us = MCPZ_TIME_NEVER;
    step((struct mcpz_event){.kind = MCPZ_EVENT_TICK});
}

TEST(a_shuffle_names_neighbours_and_others)
{
    set_up_with(5, 5);
    for (uint8_t i = 20; i < 26; i++) {
        keep_passive(i);
    }
    tick_shuffle();
    const struct mcpz_msg_overlay_shuffle *shuffle =
        &sent(MCPZ_MSG_OVERLAY_SHUFFLE)->overlay_shuffle;
    CHECK(mcpz_id_equal(&shuffle->origin, &self));
    CHECK_UINT(shuffle->ttl, 6);
    CHECK_UINT(shuffle->entry_count, 7);
    size_t neighbours = 0;
    for (size_t i = 0; i < shuffle->entry_count; i++) {
        neighbours += is_neighbour(shuffle->entries[i].id.bytes[0]);
        CHECK(shuffle->entries[i].id.bytes[0] != receiver_of(MCPZ_MSG_OVERLAY_SHUFFLE));
    }
    CHECK_UINT(neighbours, 3);
}

TEST(a_shuffle_walks_on_and_its_last_node_answers)
{
    static const struct mcpz_overlay_entry entries[] = {{{{30, 1}}, 60}, {{{31, 1}}, 0}};

    set_up_with(5, 2);
    keep_passive(20);
    keep_passive(21);
    hear_shuffle(1, 9, 2, entries, 2);
    CHECK_UINT(receiver_of(MCPZ_MSG_OVERLAY_SHUFFLE), 2);
    CHECK_UINT(sent(MCPZ_MSG_OVERLAY_SHUFFLE)->overlay_shuffle.ttl, 1);
    CHECK(!is_passive(30));

    hear_shuffle(1, 9, 1, entries, 2);
    CHECK_UINT(reached(), 9); /* for the time of an answer */
    CHECK(is_wanted(9));
    CHECK(is_passive(30));
    CHECK(is_passive(31));
    CHECK(is_passive(9));
    happen(MCPZ_EVENT_LINK_UP, 9);
    CHECK_UINT(receiver_of(MCPZ_MSG_OVERLAY_SHUFFLED), 9);
    CHECK_UINT(sent(MCPZ_MSG_OVERLAY_SHUFFLED)->overlay_shuffled.seq, 5);
    CHECK_UINT(sent(MCPZ_MSG_OVERLAY_SHUFFLED)->overlay_shuffled.entry_count, 2);
    CHECK(!is_wanted(9));
}

TEST(a_shuffle_of_our_own_that_comes_back_is_dropped)
{
    set_up_with(5, 2);
    receive(1, (struct mcpz_msg){.kind = MCPZ_MSG_OVERLAY_SHUFFLE,
                                 .overlay_shuffle = {.origin = self, .seq = 5, .ttl = 1}});
    CHECK_UINT(out.count, 0);
}

TEST(what_a_full_view_takes_in_replaces_what_it_gave)
{
    struct mcpz_overlay_entry entries[4];

    set_up_with(5, 1);
    for (uint8_t i = 20; i < 30; i++) {
        keep_passive(i);
    }
    tick_shuffle();
    struct mcpz_msg_overlay_shuffle given = sent(MCPZ_MSG_OVERLAY_SHUFFLE)->overlay_shuffle;
    uint8_t named[MCPZ_OVERLAY_SHUFFLE_MAX];
    CHECK_UINT(given.entry_count, 4); /* the one neighbour is whom it goes to */
    for (size_t i = 0; i < given.entry_count; i++) {
        named[i] = given.entries[i].id.bytes[0];
        entries[i] = (struct mcpz_overlay_entry){.id = node((uint8_t)(40 + i))};
    }
    hear_shuffled(3, given.seq, entries, 4);
    CHECK_UINT(overlay.passive.count, 10);
    for (uint8_t i = 0; i < 4; i++) {
        CHECK(is_passive((uint8_t)(40 + i)));
        CHECK(!is_passive(named[i]));
    }
}

TEST(an_answer_nobody_waits_for_is_not_taken_in)
{
    static const struct mcpz_overlay_entry entries[] = {{{{30, 1}}, 0}};

    set_up_with(5, 1);
    hear_shuffled(3, 0, entries, 1);
    CHECK(!is_passive(30));
    tick_shuffle();
    uint32_t seq = sent(MCPZ_MSG_OVERLAY_SHUFFLE)->overlay_shuffle.seq;
    hear_shuffled(3, seq + 1, entries, 1);
    CHECK(!is_passive(30));
    hear_shuffled(3, seq, entries, 1);
    CHECK(is_passive(30));
    keep_passive(31);
    hear_shuffled(3, seq, (const struct mcpz_overlay_entry[]){{{{32, 1}}, 0}}, 1);
    CHECK(!is_passive(32)); /* once */
}

TEST(a_shuffle_brings_neither_us_nor_neighbours_nor_the_old)
{
    struct mcpz_overlay_entry entries[] = {
        {self, 0}, {node(1), 0}, {node(30), 1800}, {node(31), 1801}, {node(32), UINT32_MAX}};

    set_up_with(5, 1);
    hear_shuffle(1, 1, 1, entries, MCPZ_ARRAY_LEN(entries));
    CHECK_UINT(overlay.passive.count, 1);
    CHECK(is_passive(30));
    CHECK_UINT(receiver_of(MCPZ_MSG_OVERLAY_SHUFFLED), 1); /* a neighbour: at once */
}

TEST(answers_that_wait_for_a_link_are_bounded_in_number_and_time)
{
    set_up_with(5, 1);
    for (uint8_t i = 0; i <= MCPZ_OVERLAY_REPLIES_MAX; i++) {
        hear_shuffle(1, (uint8_t)(20 + i), 1, NULL, 0);
        CHECK_UINT(count_actions(MCPZ_ACTION_REACH), i < MCPZ_OVERLAY_REPLIES_MAX);
    }
    CHECK_UINT(overlay.dropped, 1);
    happen(MCPZ_EVENT_UNREACHABLE, 20);
    CHECK_UINT(overlay.reply_count, MCPZ_OVERLAY_REPLIES_MAX - 1);
    overlay.shuffle_at_us = overlay.promote_at_us = MCPZ_TIME_NEVER;
    now = mcpz_overlay_deadline(&overlay);
    step((struct mcpz_event){.kind = MCPZ_EVENT_TICK});
    CHECK_UINT(overlay.reply_count, 0);
}

TEST(the_views_never_grow_past_what_is_configured)
{
    set_up(MCPZ_OVERLAY_ACTIVE_MAX);
    for (uint8_t i = 1; i < 200; i++) {
        hear_neighbour(i, true);
        CHECK(overlay.active_count <= MCPZ_OVERLAY_ACTIVE_MAX);
        CHECK(overlay.passive.count <= 10);
    }
    CHECK_UINT(overlay.active_count, MCPZ_OVERLAY_ACTIVE_MAX);
    CHECK_UINT(overlay.passive.count, 10);
}

TEST_MAIN(RUN(a_joiner_links_asks_and_is_let_in), RUN(a_contact_lets_in_and_tells_all_others),
          RUN(a_full_contact_lets_one_go_for_a_joiner), RUN(a_walk_goes_on_but_not_back),
          RUN(a_walk_leaves_the_joiner_in_a_passive_view_on_its_way),
          RUN(where_a_walk_ends_the_joiner_is_asked_and_may_not_refuse),
          RUN(a_walk_ends_at_a_node_with_one_neighbour),
          RUN(a_walk_for_us_or_a_neighbour_ends_in_nothing),
          RUN(asks_are_bounded_and_who_finds_no_room_is_kept_for_later),
          RUN(a_low_wish_is_granted_while_there_is_room), RUN(a_high_wish_is_granted_always),
          RUN(a_lost_neighbour_is_replaced_from_the_passive_view),
          RUN(who_has_no_neighbour_left_asks_with_high_priority),
          RUN(candidates_are_asked_one_at_a_time_and_once_a_round),
          RUN(who_does_not_answer_in_time_is_forgotten),
          RUN(a_yes_that_finds_no_room_is_taken_back),
          RUN(an_answer_to_an_older_wish_is_not_taken_for_the_new_one),
          RUN(who_lets_us_go_becomes_a_candidate), RUN(who_leaves_is_forgotten),
          RUN(leaving_tells_all_and_declines_from_then_on),
          RUN(walks_from_strangers_are_told_that_they_are_strangers),
          RUN(a_shuffle_names_neighbours_and_others),
          RUN(a_shuffle_walks_on_and_its_last_node_answers),
          RUN(a_shuffle_of_our_own_that_comes_back_is_dropped),
          RUN(what_a_full_view_takes_in_replaces_what_it_gave),
          RUN(an_answer_nobody_waits_for_is_not_taken_in),
          RUN(a_shuffle_brings_neither_us_nor_neighbours_nor_the_old),
          RUN(answers_that_wait_for_a_link_are_bounded_in_number_and_time),
          RUN(the_views_never_grow_past_what_is_configured))
