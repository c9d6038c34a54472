#include "overlay_world.h"

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
    happen(MCPZ_EVENT_LINK_UP, 1); /* another in its place: what was said may be lost */
    CHECK_UINT(sent(MCPZ_MSG_OVERLAY_JOIN)->overlay_join.seq, seq);
    hear_answer(1, seq, true);
    CHECK(is_neighbour(1));
    struct mcpz_id contact = node(1);
    CHECK(has_fact(MCPZ_FACT_NEIGHBOUR_UP, &contact));
    happen(MCPZ_EVENT_LINK_UP, 1);
    CHECK_UINT(out.count, 0);
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
    CHECK_UINT(sent(MCPZ_MSG_OVERLAY_FORWARD)->overlay_forward.ttl, overlay.config.arwl);
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
    hear_forward(1, 7, overlay.config.arwl);
    CHECK_UINT(receiver_of(MCPZ_MSG_OVERLAY_FORWARD), 2);
    CHECK_UINT(sent(MCPZ_MSG_OVERLAY_FORWARD)->overlay_forward.ttl, overlay.config.arwl - 1);
    CHECK(!is_passive(7));
    hear_forward(1, 7, MCPZ_OVERLAY_WALK_MAX); /* no further than we would send it */
    CHECK_UINT(sent(MCPZ_MSG_OVERLAY_FORWARD)->overlay_forward.ttl, overlay.config.arwl - 1);
}

TEST(a_walk_leaves_the_joiner_in_a_passive_view_on_its_way)
{
    set_up_with(5, 2);
    hear_forward(1, 7, overlay.config.prwl);
    CHECK(is_passive(7));
    CHECK_UINT(sent(MCPZ_MSG_OVERLAY_FORWARD)->overlay_forward.ttl, overlay.config.prwl - 1);
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
    hear_forward(1, 7, overlay.config.arwl);
    CHECK_UINT(reached(), 7);
}

TEST(a_walk_for_us_or_a_neighbour_ends_in_nothing)
{
    set_up_with(5, 2);
    hear_forward(1, self.bytes[0], 0);
    receive(1, (struct mcpz_msg){.kind = MCPZ_MSG_OVERLAY_FORWARD,
                                 .overlay_forward = {.joiner = self}});
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
    tick();
    CHECK_UINT(reached(), first);
}

TEST(who_does_not_answer_in_time_is_forgotten)
{
    set_up_with(3, 1);
    keep_passive(7);
    keep_passive(8);
    happen(MCPZ_EVENT_LINK_DOWN, 1);
    uint8_t first = reached();
    now += overlay.config.neighbour_timeout_us - 1;
    happen(MCPZ_EVENT_LINK_UP, first);
    uint32_t seq = sent(MCPZ_MSG_OVERLAY_NEIGHBOUR)->overlay_neighbour.seq;
    overlay.shuffle_at_us = overlay.promote_at_us = MCPZ_TIME_NEVER;
    CHECK_UINT(mcpz_overlay_deadline(&overlay), now + overlay.config.neighbour_timeout_us);
    now += overlay.config.neighbour_timeout_us - 1;
    tick();
    CHECK_UINT(out.count, 0);
    now++;
    tick();
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
    tick();
}

static struct mcpz_short name_of(uint8_t number)
{
    const struct mcpz_id id = node(number);
    return mcpz_short_of(&id);
}

TEST(a_shuffle_names_neighbours_others_and_ourselves)
{
    set_up_with(5, 5);
    for (uint8_t i = 20; i < 26; i++) {
        keep_passive(i);
    }
    tick_shuffle();
    const struct mcpz_msg_overlay_shuffle *shuffle =
        &sent(MCPZ_MSG_OVERLAY_SHUFFLE)->overlay_shuffle;
    CHECK(mcpz_id_equal(&shuffle->origin, &self));
    CHECK_UINT(shuffle->ttl, overlay.config.arwl);
    CHECK_UINT(shuffle->entry_count,
               overlay.config.shuffle_active + overlay.config.shuffle_passive + 1);
    CHECK(shuffle->entry_count <= MCPZ_OVERLAY_SHUFFLE_MAX);
    size_t neighbours = 0;
    size_t ourselves = 0;
    for (size_t i = 0; i < shuffle->entry_count; i++) {
        neighbours += is_neighbour(shuffle->entries[i].id.bytes[0]);
        ourselves += mcpz_id_equal(&shuffle->entries[i].id, &self);
        CHECK(shuffle->entries[i].id.bytes[0] != receiver_of(MCPZ_MSG_OVERLAY_SHUFFLE));
    }
    CHECK_UINT(neighbours, overlay.config.shuffle_active);
    CHECK_UINT(ourselves, 1);
    CHECK_UINT(shuffle->path_count, 1);
    CHECK_UINT(shuffle->path[0].value, mcpz_short_of(&self).value);
}

TEST(a_shuffle_walks_on_and_its_last_node_answers_the_way_it_came)
{
    const struct mcpz_overlay_entry entries[] = {{.id = node(30), .age_s = 60}, {.id = node(9)}};

    set_up_with(5, 2);
    keep_passive(20);
    keep_passive(21);
    hear_shuffle(1, 9, 2, entries, 2);
    CHECK_UINT(receiver_of(MCPZ_MSG_OVERLAY_SHUFFLE), 2);
    const struct mcpz_msg_overlay_shuffle *onward =
        &sent(MCPZ_MSG_OVERLAY_SHUFFLE)->overlay_shuffle;
    CHECK_UINT(onward->ttl, 1);
    CHECK_UINT(onward->path_count, 2);
    CHECK_UINT(onward->path[0].value, name_of(9).value);
    CHECK_UINT(onward->path[1].value, mcpz_short_of(&self).value);
    CHECK(!is_passive(30));

    hear_shuffle(1, 9, 1, entries, 2);
    CHECK_UINT(count_actions(MCPZ_ACTION_REACH), 0); /* no link of its own */
    CHECK_UINT(receiver_of(MCPZ_MSG_OVERLAY_SHUFFLED), 1);
    CHECK_UINT(sent(MCPZ_MSG_OVERLAY_SHUFFLED)->overlay_shuffled.seq, 5);
    CHECK_UINT(sent(MCPZ_MSG_OVERLAY_SHUFFLED)->overlay_shuffled.entry_count, 2);
    CHECK_UINT(sent(MCPZ_MSG_OVERLAY_SHUFFLED)->overlay_shuffled.path_count, 0);
    CHECK(is_passive(30));
    CHECK(is_passive(9));
}

static void hear_answer_along(const struct mcpz_short *path, size_t count)
{
    const struct mcpz_overlay_entry entries[] = {{.id = node(30)}};

    receive(1, (struct mcpz_msg){.kind = MCPZ_MSG_OVERLAY_SHUFFLED,
                                 .overlay_shuffled = {.seq = 77,
                                                      .entries = entries,
                                                      .entry_count = 1,
                                                      .path = path,
                                                      .path_count = count}});
}

TEST(an_answer_is_handed_back_along_its_path)
{
    const struct mcpz_short path[] = {name_of(9), name_of(2)};

    set_up_with(5, 2);
    hear_answer_along(path, 2);
    CHECK_UINT(receiver_of(MCPZ_MSG_OVERLAY_SHUFFLED), 2);
    const struct mcpz_msg_overlay_shuffled *onward =
        &sent(MCPZ_MSG_OVERLAY_SHUFFLED)->overlay_shuffled;
    CHECK_UINT(onward->seq, 77);
    CHECK_UINT(onward->entry_count, 1);
    CHECK_UINT(onward->path_count, 1);
    CHECK_UINT(onward->path[0].value, name_of(9).value);
    CHECK(!is_passive(30)); /* it is not ours */

    hear_answer_along(path, 1); /* the next is no neighbour any more */
    CHECK_UINT(out.count, 0);
}

TEST(a_walk_with_a_full_path_ends_here)
{
    struct mcpz_short path[MCPZ_OVERLAY_WALK_MAX];

    set_up_with(5, 2);
    for (uint8_t i = 0; i < MCPZ_OVERLAY_WALK_MAX; i++) {
        path[i] = name_of((uint8_t)(100 + i));
    }
    struct mcpz_msg msg = {.kind = MCPZ_MSG_OVERLAY_SHUFFLE,
                           .overlay_shuffle = {.origin = node(100),
                                               .seq = 5,
                                               .ttl = overlay.config.arwl,
                                               .path = path,
                                               .path_count = MCPZ_OVERLAY_WALK_MAX - 1}};
    receive(1, msg);
    CHECK_UINT(sent(MCPZ_MSG_OVERLAY_SHUFFLE)->overlay_shuffle.path_count, MCPZ_OVERLAY_WALK_MAX);
    msg.overlay_shuffle.path_count = MCPZ_OVERLAY_WALK_MAX;
    receive(1, msg);
    CHECK_UINT(count_sent(MCPZ_MSG_OVERLAY_SHUFFLE), 0);
    CHECK_UINT(sent(MCPZ_MSG_OVERLAY_SHUFFLED)->overlay_shuffled.path_count,
               MCPZ_OVERLAY_WALK_MAX - 1);
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
    uint8_t named[4];
    size_t count = 0;
    CHECK_UINT(given.entry_count, 5); /* the one neighbour is whom it goes to; one is ourselves */
    for (size_t i = 0; i < given.entry_count; i++) {
        if (!mcpz_id_equal(&given.entries[i].id, &self)) {
            CHECK(count < 4);
            entries[count] = (struct mcpz_overlay_entry){.id = node((uint8_t)(40 + count))};
            named[count++] = given.entries[i].id.bytes[0];
        }
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
    const struct mcpz_overlay_entry first[] = {{.id = node(30)}};
    const struct mcpz_overlay_entry second[] = {{.id = node(32)}};

    set_up_with(5, 1);
    hear_shuffled(3, 0, first, 1);
    CHECK(!is_passive(30));
    tick_shuffle();
    uint32_t seq = sent(MCPZ_MSG_OVERLAY_SHUFFLE)->overlay_shuffle.seq;
    hear_shuffled(3, seq + 1, first, 1);
    CHECK(!is_passive(30));
    hear_shuffled(3, seq, first, 1);
    CHECK(is_passive(30));
    keep_passive(31);
    hear_shuffled(3, seq, second, 1);
    CHECK(!is_passive(32)); /* once */
}

TEST(a_shuffle_brings_neither_us_nor_neighbours_nor_the_old)
{
    set_up_with(5, 1);
    const uint32_t age_s = (uint32_t)(overlay.config.passive_age_us / MCPZ_SECONDS(1));
    const struct mcpz_overlay_entry entries[] = {{.id = self},
                                                 {.id = node(1)},
                                                 {.id = node(30), .age_s = age_s},
                                                 {.id = node(31), .age_s = age_s + 1},
                                                 {.id = node(32), .age_s = UINT32_MAX}};

    hear_shuffle(1, 1, 1, entries, MCPZ_ARRAY_LEN(entries));
    CHECK_UINT(overlay.passive.count, 1);
    CHECK(is_passive(30));
    CHECK_UINT(receiver_of(MCPZ_MSG_OVERLAY_SHUFFLED), 1);
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
          RUN(a_shuffle_names_neighbours_others_and_ourselves),
          RUN(a_shuffle_walks_on_and_its_last_node_answers_the_way_it_came),
          RUN(an_answer_is_handed_back_along_its_path), RUN(a_walk_with_a_full_path_ends_here),
          RUN(a_shuffle_of_our_own_that_comes_back_is_dropped),
          RUN(what_a_full_view_takes_in_replaces_what_it_gave),
          RUN(an_answer_nobody_waits_for_is_not_taken_in),
          RUN(a_shuffle_brings_neither_us_nor_neighbours_nor_the_old),
          RUN(the_views_never_grow_past_what_is_configured))
