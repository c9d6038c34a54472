/* Taking durable tasks in: what is answered, and when. */

#include "tasks_world.h"

TEST(a_node_alone_takes_a_task_and_says_that_it_is_alone)
{
    set_up();
    submit(1, 5);
    const struct mcpz_action *reply = only_action(MCPZ_ACTION_REPLY);
    CHECK_UINT(reply->reply.request, 5);
    CHECK_UINT(reply->reply.code, MCPZ_CODE_OK);
    CHECK_UINT(reply->reply.copies, 1);
    CHECK(reply->durable);
    CHECK(mcpz_task_id_equal(&reply->reply.task, &row(0)->id));
    CHECK_UINT(listed(MCPZ_TASK_LIST_READY), 1);
    CHECK_UINT(listed(MCPZ_TASK_LIST_LONE), 1);
    fake_store_finish(&store);
}

TEST(a_node_alone_refuses_what_is_to_have_two_copies)
{
    set_up();
    order.copies_min = 2;
    submit(1, 5);
    CHECK_UINT(reply_code(), MCPZ_CODE_NO_COPY);
    CHECK_UINT(store.count, 0);
    fake_store_finish(&store);
}

TEST(a_client_is_answered_when_another_node_has_it_on_disk)
{
    with_alice();
    submit(1, 5);
    CHECK_UINT(count_actions(MCPZ_ACTION_REPLY), 0);
    const struct mcpz_action *keep = only_action(MCPZ_ACTION_SEND);
    CHECK(keep->durable); /* ours first */
    CHECK_UINT(keep->send.msg.kind, MCPZ_MSG_TASK_KEEP);
    CHECK(mcpz_id_equal(&keep->send.msg.task_keep.state.backup, &alice));
    mark(2, &bob, MCPZ_MSG_TASK_KEPT, 0); /* not from who was asked */
    CHECK_UINT(out.count, 0);
    mark(3, &alice, MCPZ_MSG_TASK_KEPT, 0);
    CHECK_UINT(reply_code(), MCPZ_CODE_OK);
    CHECK_UINT(only_action(MCPZ_ACTION_REPLY)->reply.copies, 2);
    mark(4, &alice, MCPZ_MSG_TASK_KEPT, 0); /* once more: nobody waits */
    CHECK_UINT(out.count, 0);
    fake_store_finish(&store);
}

TEST(nothing_is_begun_before_its_client_is_answered)
{
    with_alice();
    offer(&alice);
    submit(1, 5);
    tick(2);
    CHECK_UINT(count_actions(MCPZ_ACTION_CALL), 0);
    mark(3, &alice, MCPZ_MSG_TASK_KEPT, 0);
    begin(4);
    fake_store_finish(&store);
}

TEST(a_silent_backup_is_replaced_and_then_the_client_is_told_no)
{
    with_alice();
    (void)member(&bob);
    link_up(&bob);
    submit(1, 5);
    struct mcpz_id first = row(0)->state.backup;
    tick(MCPZ_SECONDS(1) + 1);
    CHECK_UINT(sent(MCPZ_MSG_TASK_KEEP)->task_keep.state.epoch, 2);
    CHECK(!mcpz_id_equal(&row(0)->state.backup, &first));
    tick(MCPZ_SECONDS(2) + 2);
    tick(MCPZ_SECONDS(3) + 3);
    tick(MCPZ_SECONDS(4) + 4);
    CHECK_UINT(count_actions(MCPZ_ACTION_REPLY), 0);
    tick(MCPZ_SECONDS(5) + 5);
    CHECK_UINT(reply_code(), MCPZ_CODE_NO_COPY);
    CHECK_UINT(row(0)->state.phase, MCPZ_TASK_CANCELLED);
    fake_store_finish(&store);
}

/* The first may act on what it knows: nobody else may before it is known to be gone. */
TEST(with_a_key_a_silent_backup_is_not_replaced)
{
    with_alice();
    (void)member(&bob);
    link_up(&bob);
    body->key = mcpz_text("k");
    submit(1, 5);
    struct mcpz_id first = row(0)->state.backup;
    tick(MCPZ_SECONDS(1) + 1);
    CHECK_UINT(sent(MCPZ_MSG_TASK_KEEP)->task_keep.state.epoch, 1);
    CHECK(mcpz_id_equal(&row(0)->state.backup, &first));
    fake_store_finish(&store);
}

TEST(the_same_key_is_the_same_task)
{
    set_up();
    body->key = mcpz_text("k");
    submit(1, 5);
    struct mcpz_task_id first = only_action(MCPZ_ACTION_REPLY)->reply.task;
    submit(2, 6);
    CHECK(mcpz_task_id_equal(&only_action(MCPZ_ACTION_REPLY)->reply.task, &first));
    body->tenant = mcpz_text("t");
    submit(3, 7);
    CHECK(!mcpz_task_id_equal(&only_action(MCPZ_ACTION_REPLY)->reply.task, &first));
    CHECK_UINT(fake_store_count(&store, MCPZ_RECORD_TASK), 2);
    fake_store_finish(&store);
}

TEST(who_asks_with_the_same_key_meanwhile_is_answered_with_the_first)
{
    with_alice();
    body->key = mcpz_text("k");
    submit(1, 5);
    submit(2, 6);
    CHECK_UINT(out.count, 0);
    mark(3, &alice, MCPZ_MSG_TASK_KEPT, 0);
    CHECK_UINT(count_actions(MCPZ_ACTION_REPLY), 2);
    fake_store_finish(&store);
}

TEST(what_is_too_large_is_refused)
{
    static uint8_t large[MCPZ_TASK_BYTES_MAX];

    set_up();
    body->params = mcpz_bytes(large, sizeof(large));
    submit(1, 5);
    CHECK_UINT(reply_code(), MCPZ_CODE_OK);
    body->input = mcpz_text("x");
    submit(2, 6);
    CHECK_UINT(reply_code(), MCPZ_CODE_TOO_LARGE);
    fake_store_finish(&store);
}

TEST(what_a_task_does_not_say_is_said_for_all)
{
    set_up();
    timing.task_attempts = 9;
    timing.task_backoff_us = MCPZ_MS(7);
    timing.task_ttl_us = MCPZ_SECONDS(3);
    body->attempts_max = 0;
    body->backoff_ms = 0;
    order.ttl_ms = MCPZ_TASK_TTL_DEFAULT;
    submit(0, 5);
    const struct mcpz_task_body *kept = &fake_store_at(&store, MCPZ_RECORD_TASK, 0)->task.body;
    CHECK_UINT(kept->attempts_max, 9);
    CHECK_UINT(kept->backoff_ms, 7);
    CHECK_UINT(kept->expires_ms, WALL_MS + 3000);

    timing.task_ttl_us = MCPZ_TIME_NEVER;
    body->attempts_max = 3;
    submit(1, 6);
    kept = &fake_store_at(&store, MCPZ_RECORD_TASK, 1)->task.body;
    CHECK_UINT(kept->attempts_max, 3);
    CHECK_UINT(kept->expires_ms, 0);
    fake_store_finish(&store);
}

static struct mcpz_task_order orders[MCPZ_TASK_ORDERS_MAX];

/* `count` orders alike, at one time; the first is request 100. */
static void submit_many(mcpz_time now, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        orders[i] = order;
    }
    step(now,
         (struct mcpz_event){.kind = MCPZ_EVENT_DURABLE_SUBMIT,
                             .durable = {.request = 100, .orders = orders, .order_count = count}});
}

/* What the backup says of the `count` tasks from the `first` one on, together. */
static void kept_all(mcpz_time now, const struct mcpz_id *from, size_t first, size_t count)
{
    struct mcpz_msg_task_mark marks[MCPZ_TASK_ORDERS_MAX];

    for (size_t i = 0; i < count; i++) {
        marks[i] = (struct mcpz_msg_task_mark){row(first + i)->id, row(first + i)->state.epoch,
                                               row(first + i)->state.revision};
    }
    receive(now, from,
            (struct mcpz_msg){.kind = MCPZ_MSG_TASK_KEPT_ALL,
                              .task_kept_all = {.marks = marks, .mark_count = count}});
}

TEST(many_are_sent_to_a_backup_and_answered_together)
{
    with_alice();
    submit_many(1, MCPZ_TASK_ORDERS_MAX);
    const struct mcpz_action *keep = only_action(MCPZ_ACTION_SEND);
    CHECK(keep->durable);
    CHECK_UINT(keep->send.msg.kind, MCPZ_MSG_TASK_KEEP_NEW);
    CHECK_UINT(keep->send.msg.task_keep_new.task_count, MCPZ_TASK_ORDERS_MAX);
    for (size_t i = 0; i < MCPZ_TASK_ORDERS_MAX; i++) {
        CHECK(mcpz_task_id_equal(&keep->send.msg.task_keep_new.tasks[i].id, &row(i)->id));
    }
    kept_all(2, &bob, 0, MCPZ_TASK_ORDERS_MAX); /* not from who was asked */
    CHECK_UINT(out.count, 0);
    kept_all(3, &alice, 0, 2);
    const struct mcpz_action *taken = only_action(MCPZ_ACTION_TAKEN);
    CHECK(taken->durable);
    CHECK_UINT(taken->taken.count, 2);
    CHECK_UINT(taken->taken.rows[1].number, 101);
    CHECK_UINT(taken->taken.rows[1].copies, 2);
    CHECK(mcpz_task_id_equal(&taken->taken.rows[1].id, &row(1)->id));
    kept_all(4, &alice, 1, 2); /* one of them once more */
    CHECK_UINT(only_action(MCPZ_ACTION_REPLY)->reply.request, 102);
    CHECK_UINT(tasks.counts.accepted, 3);
    CHECK_UINT(tasks.accepting.count, MCPZ_TASK_ORDERS_MAX - 3);
    fake_store_finish(&store);
}

TEST(each_backup_is_sent_its_own)
{
    size_t count = 0;
    size_t at = 0;
    const struct mcpz_action *action;

    with_alice();
    (void)member(&bob);
    link_up(&bob);
    submit_many(1, 32);
    CHECK_UINT(count_actions(MCPZ_ACTION_SEND), 2); /* by lot of the ids, but not all to one */
    while ((action = next_action(MCPZ_ACTION_SEND, &at)) != NULL) {
        const struct mcpz_msg_task_keep_new *said = &action->send.msg.task_keep_new;
        CHECK_UINT(action->send.msg.kind, MCPZ_MSG_TASK_KEEP_NEW);
        for (size_t i = 0; i < said->task_count; i++) {
            size_t j = 0;
            while (!mcpz_task_id_equal(&row(j)->id, &said->tasks[i].id)) {
                j++;
            }
            CHECK(mcpz_id_equal(&row(j)->state.backup, &action->send.peers[0]));
        }
        count += said->task_count;
    }
    CHECK_UINT(count, 32);
    fake_store_finish(&store);
}

TEST(what_does_not_fit_one_message_goes_in_several)
{
    static uint8_t large[MCPZ_TASK_BYTES_MAX];

    with_alice();
    body->params = mcpz_bytes(large, MCPZ_TASK_ORDERS_BYTES_MAX / 2 - MCPZ_TASK_ORDER_BYTES - 1);
    submit_many(1, 3);
    CHECK_UINT(out.count, 2);
    CHECK_UINT(out.actions[0].send.msg.task_keep_new.task_count, 2);
    CHECK_UINT(out.actions[1].send.msg.task_keep_new.task_count, 1);
    fake_store_finish(&store);
}

TEST(of_many_each_is_judged_by_itself)
{
    with_alice();
    submit_many(0, 1);
    for (size_t i = 0; i < 4; i++) {
        orders[i] = order;
        orders[i].body.key = mcpz_text(i < 2 ? "k" : "");
    }
    orders[3].body.params.length = MCPZ_TASK_BYTES_MAX;
    orders[3].body.input = mcpz_text("x");
    step(1, (struct mcpz_event){.kind = MCPZ_EVENT_DURABLE_SUBMIT,
                                .durable = {.request = 10, .orders = orders, .order_count = 4}});
    CHECK_UINT(only_action(MCPZ_ACTION_REPLY)->reply.request, 13); /* too large */
    CHECK_UINT(sent(MCPZ_MSG_TASK_KEEP_NEW)->task_keep_new.task_count, 2);
    kept_all(2, &alice, 1, 2);
    CHECK_UINT(only_action(MCPZ_ACTION_TAKEN)->taken.count, 2);
    CHECK_UINT(only_action(MCPZ_ACTION_REPLY)->reply.request, 11); /* the same key */
    fake_store_finish(&store);
}

/* ---- Who is alone ------------------------------------------------------------------------- */

/* What is told when the others are gone: nobody but us had it. */
static void check_taken_alone(uint64_t request)
{
    const struct mcpz_action *reply = only_action(MCPZ_ACTION_REPLY);

    CHECK_UINT(reply->reply.request, request);
    CHECK_UINT(reply->reply.code, MCPZ_CODE_OK);
    CHECK_UINT(reply->reply.copies, 1);
    CHECK(reply->durable);
    CHECK_UINT(listed(MCPZ_TASK_LIST_LONE), 1);
    CHECK_UINT(tasks.accepting.count, 0);
    CHECK_UINT(tasks.accepting.bytes, 0);
}

/* It has been let in, and has not said yet who it is. */
TEST(who_is_linked_and_no_member_yet_is_waited_for)
{
    set_up();
    link_up(&alice);
    submit(1, 5);
    CHECK_UINT(out.count, 0);
    (void)member(&alice);
    tell(2, MCPZ_FACT_ALIVE, &alice);
    CHECK(mcpz_id_equal(&sent(MCPZ_MSG_TASK_KEEP)->task_keep.state.backup, &alice));
    mark(3, &alice, MCPZ_MSG_TASK_KEPT, 0);
    CHECK_UINT(only_action(MCPZ_ACTION_REPLY)->reply.copies, 2);
    fake_store_finish(&store);
}

/* Its link is being replaced, or was lost a moment ago. */
TEST(a_member_without_a_link_is_reached_for_and_asked_as_soon_as_there_is_one)
{
    set_up();
    (void)member(&alice);
    submit(1, 5);
    CHECK(mcpz_id_equal(&only_action(MCPZ_ACTION_REACH)->reach.peer, &alice));
    CHECK_UINT(count_actions(MCPZ_ACTION_REPLY), 0);
    link_up(&alice);
    tell(2, MCPZ_FACT_LINKED, &alice);
    (void)sent(MCPZ_MSG_TASK_KEEP);
    mark(3, &alice, MCPZ_MSG_TASK_KEPT, 0);
    CHECK_UINT(only_action(MCPZ_ACTION_REPLY)->reply.copies, 2);
    fake_store_finish(&store);
}

TEST(a_suspect_is_waited_for)
{
    set_up();
    member(&alice)->state = MCPZ_MEMBER_SUSPECT;
    submit(1, 5);
    CHECK_UINT(count_actions(MCPZ_ACTION_REPLY), 0);
    CHECK_UINT(tasks.accepting.count, 1);
    fake_store_finish(&store);
}

/* A silent node is not a dead one, unless its machine says that nobody listens. */
TEST(who_was_convicted_of_silence_alone_is_waited_for_up_to_a_bound)
{
    set_up();
    struct mcpz_member *row_of_alice = member(&alice);
    row_of_alice->state = MCPZ_MEMBER_DEAD;
    row_of_alice->reason = MCPZ_SUSPICION_SILENT;
    submit(1, 5);
    CHECK_UINT(count_actions(MCPZ_ACTION_REPLY), 0);
    for (size_t i = 1; i < 5; i++) {
        tick(MCPZ_SECONDS(i) + i);
        CHECK_UINT(count_actions(MCPZ_ACTION_REPLY), 0);
    }
    tick(MCPZ_SECONDS(5) + 5);
    check_taken_alone(5);
    fake_store_finish(&store);
}

TEST(whose_process_is_known_to_have_ended_is_not_waited_for)
{
    set_up();
    struct mcpz_member *row_of_alice = member(&alice);
    row_of_alice->state = MCPZ_MEMBER_DEAD;
    row_of_alice->reason = MCPZ_SUSPICION_REFUSED;
    submit(1, 5);
    check_taken_alone(5);
    fake_store_finish(&store);
}

TEST(who_has_left_or_been_silent_for_long_is_not_waited_for)
{
    set_up();
    member(&alice)->state = MCPZ_MEMBER_LEFT;
    struct mcpz_member *row_of_bob = member(&bob);
    row_of_bob->state = MCPZ_MEMBER_DEAD;
    row_of_bob->reason = MCPZ_SUSPICION_SILENT;
    submit(timing.task_hold_us, 5);
    check_taken_alone(5);
    fake_store_finish(&store);
}

TEST(a_node_that_has_just_started_waits_for_those_it_has_met_before)
{
    const struct mcpz_event seed = {.kind = MCPZ_EVENT_SEED,
                                    .seed = {.address = mcpz_text("alice:1")}};

    set_up();
    (void)mcpz_links_step(&fabric.links, 0, &seed, &out);
    tick(1);
    submit(2, 5);
    CHECK_UINT(count_actions(MCPZ_ACTION_REPLY), 0);
    tick(MCPZ_SECONDS(1) + 2);
    CHECK_UINT(count_actions(MCPZ_ACTION_REPLY), 0);
    for (size_t i = 2; i < 6; i++) {
        tick(MCPZ_SECONDS(i) + 2);
    }
    check_taken_alone(5);
    submit(MCPZ_SECONDS(6), 6); /* they do not seem to be there */
    CHECK_UINT(only_action(MCPZ_ACTION_REPLY)->reply.copies, 1);
    fake_store_finish(&store);
}

/* The only other node dies while we wait for it. */
TEST(when_the_others_are_gone_meanwhile_it_is_taken_alone)
{
    set_up();
    struct mcpz_member *row_of_alice = member(&alice);
    submit(1, 5);
    row_of_alice->state = MCPZ_MEMBER_DEAD;
    row_of_alice->reason = MCPZ_SUSPICION_REFUSED;
    tick(MCPZ_SECONDS(1) + 1);
    check_taken_alone(5);
    fake_store_finish(&store);
}

TEST(when_the_others_are_gone_meanwhile_two_copies_cannot_be_had)
{
    set_up();
    struct mcpz_member *row_of_alice = member(&alice);
    order.copies_min = 2;
    submit(1, 5);
    row_of_alice->state = MCPZ_MEMBER_DEAD;
    row_of_alice->reason = MCPZ_SUSPICION_REFUSED;
    tick(MCPZ_SECONDS(1) + 1);
    CHECK_UINT(reply_code(), MCPZ_CODE_NO_COPY);
    CHECK_UINT(row(0)->state.phase, MCPZ_TASK_CANCELLED);
    fake_store_finish(&store);
}

/* On a busy machine its disk takes a while: what it says then still counts. */
TEST(the_only_other_node_is_asked_once_more_and_may_answer_to_the_first)
{
    with_alice();
    submit(1, 5);
    tick(MCPZ_SECONDS(1) + 1);
    CHECK_UINT(sent(MCPZ_MSG_TASK_KEEP)->task_keep.state.epoch, 1);
    CHECK(mcpz_id_equal(&row(0)->state.backup, &alice));
    mark(MCPZ_SECONDS(1) + 2, &alice, MCPZ_MSG_TASK_KEPT, 0);
    CHECK_UINT(only_action(MCPZ_ACTION_REPLY)->reply.copies, 2);
    fake_store_finish(&store);
}

TEST(whose_backup_was_convicted_of_silence_is_taken_alone_in_the_end)
{
    with_alice();
    submit(1, 5);
    struct mcpz_member *row_of_alice = member(&alice);
    row_of_alice->state = MCPZ_MEMBER_DEAD;
    row_of_alice->reason = MCPZ_SUSPICION_SILENT;
    const struct mcpz_event down = {.kind = MCPZ_EVENT_LINK_DOWN, .link = {.peer = alice}};
    (void)mcpz_links_step(&fabric.links, 2, &down, &out);
    tick(MCPZ_SECONDS(1) + 1);
    CHECK_UINT(count_actions(MCPZ_ACTION_REPLY), 0);
    tick(MCPZ_SECONDS(5) + 5);
    check_taken_alone(5);
    fake_store_finish(&store);
}

/* ---- Taken over meanwhile ----------------------------------------------------------------- */

/* Its backup held us for dead, and took over what it keeps. Says so when we ask again. */
static void taken_over(mcpz_time now)
{
    receive(now, &alice,
            (struct mcpz_msg){
                .kind = MCPZ_MSG_TASK_YIELD,
                .task_yield = {.id = row(0)->id, .epoch = 9, .owner = alice},
            });
}

static void kept_for_alice(mcpz_time now)
{
    receive(now, &alice,
            (struct mcpz_msg){
                .kind = MCPZ_MSG_TASK_KEEP,
                .task_keep = {.id = row(0)->id,
                              .body = order.body,
                              .state = {.epoch = 10,
                                        .revision = 1,
                                        .owner = alice,
                                        .backup = self,
                                        .phase = MCPZ_TASK_QUEUED}},
            });
}

TEST(what_another_has_taken_over_is_on_two_disks_when_we_keep_it_for_that_one)
{
    with_alice();
    submit(1, 5);
    taken_over(2);
    CHECK_UINT(count_actions(MCPZ_ACTION_REPLY), 0);
    kept_for_alice(3);
    CHECK_UINT(only_action(MCPZ_ACTION_REPLY)->reply.copies, 2);
    CHECK(only_action(MCPZ_ACTION_REPLY)->durable);
    CHECK_UINT(tasks.accepting.count, 0);
    fake_store_finish(&store);
}

/* Its word that it is the owner was lost. */
TEST(what_another_has_us_keep_unasked_is_on_two_disks)
{
    with_alice();
    submit(1, 5);
    kept_for_alice(3);
    CHECK_UINT(only_action(MCPZ_ACTION_REPLY)->reply.copies, 2);
    CHECK(mcpz_id_equal(&row(0)->state.owner, &alice));
    tick(MCPZ_SECONDS(6));
    CHECK_UINT(row(0)->state.phase, MCPZ_TASK_QUEUED); /* and is not ours to end */
    CHECK_UINT(count_actions(MCPZ_ACTION_REPLY), 0);
    fake_store_finish(&store);
}

TEST(what_another_has_taken_over_for_itself_alone_has_one_copy_in_the_end)
{
    with_alice();
    submit(1, 5);
    taken_over(2);
    for (size_t i = 1; i < 5; i++) {
        tick(MCPZ_SECONDS(i) + i);
        CHECK_UINT(out.count, 0); /* it is not for us to ask anybody */
    }
    tick(MCPZ_SECONDS(5) + 5);
    CHECK_UINT(reply_code(), MCPZ_CODE_OK);
    CHECK_UINT(only_action(MCPZ_ACTION_REPLY)->reply.copies, 1);
    CHECK_UINT(row(0)->state.phase, MCPZ_TASK_YIELDED);
    fake_store_finish(&store);
}

TEST(who_wants_two_copies_of_what_another_has_alone_is_told_that_it_may_be_taken)
{
    with_alice();
    order.copies_min = 2;
    submit(1, 5);
    taken_over(2);
    for (size_t i = 1; i < 6; i++) {
        tick(MCPZ_SECONDS(i) + i);
    }
    CHECK_UINT(reply_code(), MCPZ_CODE_TIMEOUT);
    CHECK_UINT(row(0)->state.phase, MCPZ_TASK_YIELDED);
    fake_store_finish(&store);
}

TEST_MAIN(RUN(a_node_alone_takes_a_task_and_says_that_it_is_alone),
          RUN(a_node_alone_refuses_what_is_to_have_two_copies),
          RUN(a_client_is_answered_when_another_node_has_it_on_disk),
          RUN(nothing_is_begun_before_its_client_is_answered),
          RUN(a_silent_backup_is_replaced_and_then_the_client_is_told_no),
          RUN(with_a_key_a_silent_backup_is_not_replaced), RUN(the_same_key_is_the_same_task),
          RUN(who_asks_with_the_same_key_meanwhile_is_answered_with_the_first),
          RUN(what_is_too_large_is_refused), RUN(what_a_task_does_not_say_is_said_for_all),
          RUN(many_are_sent_to_a_backup_and_answered_together), RUN(each_backup_is_sent_its_own),
          RUN(what_does_not_fit_one_message_goes_in_several),
          RUN(of_many_each_is_judged_by_itself),
          RUN(who_is_linked_and_no_member_yet_is_waited_for),
          RUN(a_member_without_a_link_is_reached_for_and_asked_as_soon_as_there_is_one),
          RUN(a_suspect_is_waited_for),
          RUN(who_was_convicted_of_silence_alone_is_waited_for_up_to_a_bound),
          RUN(whose_process_is_known_to_have_ended_is_not_waited_for),
          RUN(who_has_left_or_been_silent_for_long_is_not_waited_for),
          RUN(a_node_that_has_just_started_waits_for_those_it_has_met_before),
          RUN(when_the_others_are_gone_meanwhile_it_is_taken_alone),
          RUN(when_the_others_are_gone_meanwhile_two_copies_cannot_be_had),
          RUN(the_only_other_node_is_asked_once_more_and_may_answer_to_the_first),
          RUN(whose_backup_was_convicted_of_silence_is_taken_alone_in_the_end),
          RUN(what_another_has_taken_over_is_on_two_disks_when_we_keep_it_for_that_one),
          RUN(what_another_has_us_keep_unasked_is_on_two_disks),
          RUN(what_another_has_taken_over_for_itself_alone_has_one_copy_in_the_end),
          RUN(who_wants_two_copies_of_what_another_has_alone_is_told_that_it_may_be_taken))
