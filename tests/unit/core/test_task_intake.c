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
          RUN(of_many_each_is_judged_by_itself))
