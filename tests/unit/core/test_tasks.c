/* The tasks machine by itself: what it writes, says and asks for. How nodes agree about tasks is
 * shown by tests/cluster/test_tasks.c and the storms; how they take tasks in by
 * test_task_intake.c, who keeps what for whom by test_task_keepers.c. */

#include "tasks_world.h"

/* ---- Trying ------------------------------------------------------------------------------- */

TEST(what_is_done_is_kept_with_its_result)
{
    set_up();
    submit(1, 5);
    begin(2);
    answer(3, (struct mcpz_action){.kind = MCPZ_ACTION_TASK_OUTPUT,
                                   .task = {.chunk = mcpz_text("o")}});
    answer(3, (struct mcpz_action){.kind = MCPZ_ACTION_TASK_OUTPUT,
                                   .task = {.chunk = mcpz_text("k")}});
    end(4, MCPZ_CODE_OK);
    CHECK_UINT(row(0)->state.phase, MCPZ_TASK_DONE);
    CHECK(mcpz_id_equal(&row(0)->state.provider, &alice));
    CHECK_BYTES(fake_store_at(&store, MCPZ_RECORD_TASK_RESULT, 0)->task_result.bytes, "ok", 2);
    CHECK_UINT(listed(MCPZ_TASK_LIST_READY), 0);
    CHECK_UINT(listed(MCPZ_TASK_LIST_ENDED), 1);
    CHECK_UINT(listed(MCPZ_TASK_LIST_LONE), 0);
    CHECK_UINT(tasks.running, 0);
    fake_store_finish(&store);
}

TEST(its_input_is_sent_once_to_each_who_is_asked)
{
    const struct mcpz_action pull = {.kind = MCPZ_ACTION_TASK_PULL};

    set_up();
    body->input = mcpz_text("in");
    submit(1, 5);
    begin(2);
    CHECK(called(MCPZ_EVENT_TASK_START)->call.task.has_input);
    answer(3, pull);
    CHECK_BYTES(called(MCPZ_EVENT_TASK_INPUT)->call.task.chunk, "in", 2);
    (void)called(MCPZ_EVENT_TASK_INPUT_END);
    answer(4, pull);
    CHECK_UINT(out.count, 0);
    answer(5, (struct mcpz_action){.kind = MCPZ_ACTION_TASK_RETRY});
    (void)called(MCPZ_EVENT_TASK_START);
    answer(6, pull);
    (void)called(MCPZ_EVENT_TASK_INPUT);
    fake_store_finish(&store);
}

TEST(what_fails_for_a_while_is_tried_again_and_then_is_a_dead_letter)
{
    set_up();
    submit(1, 5);
    begin(2);
    end(3, MCPZ_CODE_PROVIDER_LOST);
    CHECK_UINT(row(0)->state.attempts, 1);
    CHECK_UINT(listed(MCPZ_TASK_LIST_LATER), 1);
    CHECK_UINT(listed(MCPZ_TASK_LIST_READY), 0);
    uint64_t due_ms = row(0)->state.due_ms;
    CHECK(due_ms > WALL_MS && due_ms <= WALL_MS + 1000);
    CHECK(mcpz_tasks_deadline(&tasks) <= 3 + MCPZ_SECONDS(1));

    begin(MCPZ_SECONDS(2));
    end(MCPZ_SECONDS(2) + 1, MCPZ_CODE_PROVIDER_LOST);
    CHECK_UINT(row(0)->state.phase, MCPZ_TASK_DEAD);
    CHECK_UINT(row(0)->state.code, MCPZ_CODE_PROVIDER_LOST);
    CHECK_BYTES(row(0)->state.text, "why", 3);
    CHECK_UINT(row(0)->state.history_count, 2);
    CHECK_UINT(row(0)->state.history[1].number, 2);
    CHECK(mcpz_id_equal(&row(0)->state.history[1].provider, &alice));
    CHECK_UINT(listed(MCPZ_TASK_LIST_DEAD), 1);
    CHECK_UINT(listed(MCPZ_TASK_LIST_LATER), 0);
    fake_store_finish(&store);
}

TEST(what_the_provider_calls_failed_is_not_tried_again_unless_asked_for)
{
    set_up();
    submit(1, 5);
    begin(2);
    end(3, MCPZ_CODE_PROVIDER_FAILED);
    CHECK_UINT(row(0)->state.phase, MCPZ_TASK_DEAD);
    body->retry_failed = true;
    submit(4, 6);
    begin(5);
    end(6, MCPZ_CODE_PROVIDER_FAILED);
    CHECK_UINT(row(1)->state.phase, MCPZ_TASK_QUEUED);
    fake_store_finish(&store);
}

TEST(a_queue_nobody_can_do_waits_and_that_is_no_attempt)
{
    set_up();
    submit(1, 5);
    begin(2);
    end(3, MCPZ_CODE_NO_PROVIDER);
    CHECK_UINT(row(0)->state.attempts, 0);
    CHECK_UINT(listed(MCPZ_TASK_LIST_READY), 1);
    tick(4);
    CHECK_UINT(count_actions(MCPZ_ACTION_CALL), 0);
    tell(5, MCPZ_FACT_CAPABILITIES, &bob); /* somebody can now */
    begin(6);
    fake_store_finish(&store);
}

TEST(the_most_urgent_is_first_and_of_those_the_oldest)
{
    set_up();
    tasks.running = MCPZ_TASKS_RUNNING_MAX; /* as if all were under way */
    body->params = mcpz_text("old");
    submit(1, 5);
    body->params = mcpz_text("young");
    submit(2, 6);
    body->params = mcpz_text("urgent");
    body->priority = 75;
    submit(3, 7);
    tasks.running = MCPZ_TASKS_RUNNING_MAX - 1;
    begin(4);
    CHECK_BYTES(called(MCPZ_EVENT_TASK_START)->call.task.params, "urgent", 6);
    tasks.running = MCPZ_TASKS_RUNNING_MAX - 1;
    begin(5);
    CHECK_BYTES(called(MCPZ_EVENT_TASK_START)->call.task.params, "old", 3);
    fake_store_finish(&store);
}

TEST(what_was_not_begun_in_its_time_is_a_dead_letter)
{
    set_up();
    order.ttl_ms = 1000;
    submit(1, 5);
    tick(MCPZ_SECONDS(1) + 1000);
    CHECK_UINT(row(0)->state.phase, MCPZ_TASK_DEAD);
    CHECK_UINT(row(0)->state.code, MCPZ_CODE_TIMEOUT);
    fake_store_finish(&store);
}

TEST(a_lease_that_is_not_renewed_is_given_up_and_one_that_is_lasts)
{
    with_alice();
    offer(&alice);
    submit(1, 5);
    mark(2, &alice, MCPZ_MSG_TASK_KEPT, 0);
    begin(2);
    struct mcpz_event started = {.kind = MCPZ_EVENT_TASK_START,
                                 .task = called(MCPZ_EVENT_TASK_START)->call.task};
    step_calls(2, &started);
    uint64_t call = sent(MCPZ_MSG_OPEN)->open.call;

    receive(MCPZ_SECONDS(19), &alice,
            (struct mcpz_msg){.kind = MCPZ_MSG_TASK_RENEW, .task_renew = {call}});
    receive(MCPZ_SECONDS(20), &bob, /* not at it */
            (struct mcpz_msg){.kind = MCPZ_MSG_TASK_RENEW, .task_renew = {call}});
    tick(MCPZ_SECONDS(38));
    CHECK_UINT(tasks.running, 1);
    tick(MCPZ_SECONDS(39));
    (void)called(MCPZ_EVENT_TASK_CANCEL);
    CHECK_UINT(tasks.running, 0);
    CHECK_UINT(row(0)->state.attempts, 1);
    fake_store_finish(&store);
}

TEST(a_provider_says_that_it_is_at_it)
{
    const struct mcpz_msg open = {
        .kind = MCPZ_MSG_OPEN,
        .open = {.call = 9, .capability = mcpz_text("x"), .timeout_ms = 60000, .attempt = 1}};
    const struct mcpz_event heard = {.kind = MCPZ_EVENT_RECV, .recv = {.from = bob, .msg = &open}};
    const struct mcpz_event provide = {.kind = MCPZ_EVENT_PROVIDE,
                                       .provide = {.name = mcpz_text("x")}};

    set_up();
    mcpz_registry_step(&registry, 0, &provide, &out);
    step_calls(0, &provide);
    step_calls(0, &heard);
    tick(MCPZ_SECONDS(6));
    CHECK_UINT(sent(MCPZ_MSG_TASK_RENEW)->task_renew.call, 9);
    fake_store_finish(&store);
}

TEST(the_last_of_a_result_comes_with_its_end)
{
    set_up();
    submit(1, 5);
    begin(2);
    answer(3, (struct mcpz_action){.kind = MCPZ_ACTION_TASK_OUTPUT,
                                   .task = {.chunk = mcpz_text("o")}});
    answer(4, (struct mcpz_action){.kind = MCPZ_ACTION_TASK_DONE,
                                   .task = {.chunk = mcpz_text("k"), .provider = alice}});
    CHECK_UINT(row(0)->state.phase, MCPZ_TASK_DONE);
    CHECK_BYTES(fake_store_at(&store, MCPZ_RECORD_TASK_RESULT, 0)->task_result.bytes, "ok", 2);
    fake_store_finish(&store);
}

TEST(a_result_over_the_limit_is_a_dead_letter)
{
    static uint8_t large[MCPZ_TASK_RESULT_BYTES_MAX];

    set_up();
    submit(1, 5);
    begin(2);
    answer(3, (struct mcpz_action){.kind = MCPZ_ACTION_TASK_OUTPUT,
                                   .task = {.chunk = mcpz_bytes(large, sizeof(large))}});
    CHECK_UINT(row(0)->state.phase, MCPZ_TASK_QUEUED);
    answer(4, (struct mcpz_action){.kind = MCPZ_ACTION_TASK_DONE,
                                   .task = {.chunk = mcpz_text("k"), .provider = alice}});
    CHECK_UINT(row(0)->state.phase, MCPZ_TASK_DEAD);
    CHECK_UINT(row(0)->state.code, MCPZ_CODE_TOO_LARGE);
    CHECK_UINT(fake_store_count(&store, MCPZ_RECORD_TASK_RESULT), 0);
    fake_store_finish(&store);
}

/* ---- With a key --------------------------------------------------------------------------- */

/* Alice is the backup, and Bob, who is not linked, is chosen: how he is to be called. */
static const struct mcpz_action *with_a_key_call_bob(void)
{
    with_alice();
    (void)member(&bob);
    offer(&bob);
    body->key = mcpz_text("k");
    submit(1, 5);
    mark(2, &alice, MCPZ_MSG_TASK_KEPT, 0);
    tick(3);
    CHECK_UINT(count_actions(MCPZ_ACTION_CALL), 0);
    CHECK(mcpz_id_equal(&sent(MCPZ_MSG_TASK_MOVED)->task_moved.state.provider, &bob));
    CHECK_UINT(row(0)->state.attempts, 1);
    mark(4, &alice, MCPZ_MSG_TASK_KEPT, 0);
    return called(MCPZ_EVENT_TASK_START);
}

TEST(with_a_key_the_backup_knows_who_is_asked_before_it_is)
{
    const struct mcpz_action *call = with_a_key_call_bob();

    CHECK(call->durable);
    CHECK(call->call.task.durable);
    CHECK(mcpz_id_equal(&call->call.task.only, &bob));
    CHECK_BYTES(call->call.task.idempotency_key, "k", 1);
    fake_store_finish(&store);
}

TEST(with_a_key_who_may_have_done_it_is_asked_again_and_nobody_else)
{
    set_up();
    offer(&self);
    struct mcpz_event provide = {.kind = MCPZ_EVENT_PROVIDE, .provide = {.name = mcpz_text("x")}};
    mcpz_registry_step(&registry, 0, &provide, &out);
    body->key = mcpz_text("k");
    submit(1, 5);
    begin(2);
    end(3, MCPZ_CODE_PROVIDER_LOST);
    CHECK(mcpz_id_equal(&row(0)->state.provider, &self));
    CHECK(row(0)->state.held_ms != 0);
    CHECK_UINT(row(0)->state.history_count, 0); /* it has not failed, as far as is known */
    begin(MCPZ_SECONDS(30));
    CHECK(mcpz_id_equal(&called(MCPZ_EVENT_TASK_START)->call.task.only, &self));
    end(MCPZ_SECONDS(30) + 1, MCPZ_CODE_BUSY); /* it does not say what came of it */
    CHECK(mcpz_id_equal(&row(0)->state.provider, &self));
    begin(MCPZ_SECONDS(60) + 1);
    end(MCPZ_SECONDS(60) + 2, MCPZ_CODE_PROVIDER_LOST); /* held for long enough */
    CHECK(mcpz_id_is_zero(&row(0)->state.provider));
    CHECK_UINT(row(0)->state.history_count, 1);
    fake_store_finish(&store);
}

TEST(with_a_key_who_was_too_busy_has_not_done_it)
{
    set_up();
    struct mcpz_event provide = {.kind = MCPZ_EVENT_PROVIDE, .provide = {.name = mcpz_text("x")}};
    mcpz_registry_step(&registry, 0, &provide, &out);
    body->key = mcpz_text("k");
    submit(1, 5);
    begin(2);
    end(3, MCPZ_CODE_BUSY);
    CHECK(mcpz_id_is_zero(&row(0)->state.provider));
    CHECK_UINT(row(0)->state.attempts, 0);
    fake_store_finish(&store);
}

/* A link to Bob has come up, as the calls see it: they have START said again. */
static void calls_see_a_link_to_bob(mcpz_time now)
{
    const struct mcpz_event linked = {.kind = MCPZ_EVENT_FACT,
                                      .fact = {.kind = MCPZ_FACT_LINKED, .about = bob}};

    mcpz_outbox_clear(&out);
    step_calls(now, &linked);
    answer(now, *only_action(MCPZ_ACTION_TASK_RETRY));
    (void)called(MCPZ_EVENT_TASK_START);
}

/* What he was asked over the link that is gone, he may have done. */
TEST(with_a_key_who_was_asked_over_a_link_that_was_replaced_may_have_done_it)
{
    const struct mcpz_event begun = {.kind = MCPZ_EVENT_TASK_START,
                                     .task = with_a_key_call_bob()->call.task};

    link_up(&bob);
    step_calls(5, &begun);
    CHECK_BYTES(sent(MCPZ_MSG_OPEN)->open.idempotency_key, "k", 1);
    calls_see_a_link_to_bob(6);
    end(7, MCPZ_CODE_NO_PROVIDER); /* he is taken for dead meanwhile */
    CHECK(mcpz_id_equal(&row(0)->state.provider, &bob));
    CHECK_UINT(row(0)->state.attempts, 1);
    CHECK(row(0)->state.held_ms != 0);
    fake_store_finish(&store);
}

TEST(with_a_key_who_had_to_be_reached_first_and_is_too_busy_has_not_done_it)
{
    const struct mcpz_event begun = {.kind = MCPZ_EVENT_TASK_START,
                                     .task = with_a_key_call_bob()->call.task};

    step_calls(5, &begun);
    (void)only_action(MCPZ_ACTION_REACH);
    link_up(&bob);
    calls_see_a_link_to_bob(6);
    end(7, MCPZ_CODE_BUSY);
    CHECK(mcpz_id_is_zero(&row(0)->state.provider));
    CHECK_UINT(row(0)->state.attempts, 0);
    fake_store_finish(&store);
}

/* ---- Requests ----------------------------------------------------------------------------- */

TEST(a_cancelled_task_stops_and_is_over)
{
    set_up();
    submit(1, 5);
    struct mcpz_task_id id = row(0)->id;
    begin(2);
    ask(3, MCPZ_EVENT_DURABLE_CANCEL, &id);
    (void)called(MCPZ_EVENT_TASK_CANCEL);
    CHECK_UINT(reply_code(), MCPZ_CODE_OK);
    CHECK_UINT(row(0)->state.phase, MCPZ_TASK_CANCELLED);
    ask(4, MCPZ_EVENT_DURABLE_CANCEL, &id);
    CHECK_UINT(reply_code(), MCPZ_CODE_CONFLICT);
    ask(5, MCPZ_EVENT_DURABLE_CANCEL, &(struct mcpz_task_id){{1}});
    CHECK_UINT(reply_code(), MCPZ_CODE_NOT_FOUND);
    fake_store_finish(&store);
}

TEST(who_waits_is_answered_when_it_is_over)
{
    set_up();
    submit(1, 5);
    struct mcpz_task_id id = row(0)->id;
    ask(2, MCPZ_EVENT_DURABLE_WATCH, &id);
    CHECK_UINT(out.count, 0);
    begin(3);
    end(4, MCPZ_CODE_OK);
    CHECK_UINT(only_action(MCPZ_ACTION_REPLY)->reply.request, 77);
    CHECK(only_action(MCPZ_ACTION_REPLY)->durable);
    ask(5, MCPZ_EVENT_DURABLE_WATCH, &id);
    CHECK_UINT(reply_code(), MCPZ_CODE_OK);
    fake_store_finish(&store);
}

TEST(a_dead_letter_is_replayed_as_if_it_were_new)
{
    set_up();
    submit(1, 5);
    struct mcpz_task_id id = row(0)->id;
    ask(2, MCPZ_EVENT_DURABLE_REPLAY, &id);
    CHECK_UINT(reply_code(), MCPZ_CODE_CONFLICT);
    begin(3);
    end(4, MCPZ_CODE_PROVIDER_FAILED);
    ask(5, MCPZ_EVENT_DURABLE_REPLAY, &id);
    CHECK_UINT(reply_code(), MCPZ_CODE_OK);
    CHECK_UINT(row(0)->state.attempts, 0);
    CHECK_UINT(row(0)->state.history_count, 1); /* what happened is not forgotten */
    CHECK_UINT(listed(MCPZ_TASK_LIST_DEAD), 0);
    CHECK_UINT(listed(MCPZ_TASK_LIST_LONE), 1);
    begin(6);
    fake_store_finish(&store);
}

TEST(what_is_purged_leaves_nothing)
{
    set_up();
    body->key = mcpz_text("k");
    struct mcpz_event provide = {.kind = MCPZ_EVENT_PROVIDE, .provide = {.name = mcpz_text("x")}};
    mcpz_registry_step(&registry, 0, &provide, &out);
    submit(1, 5);
    struct mcpz_task_id id = row(0)->id;
    ask(2, MCPZ_EVENT_DURABLE_PURGE, &id);
    CHECK_UINT(reply_code(), MCPZ_CODE_CONFLICT);
    begin(3);
    end(4, MCPZ_CODE_PROVIDER_FAILED);
    ask(5, MCPZ_EVENT_DURABLE_PURGE, &id);
    CHECK_UINT(reply_code(), MCPZ_CODE_OK);
    CHECK_UINT(store.count, 0);
    fake_store_finish(&store);
}

TEST(what_is_over_is_forgotten_after_its_retention)
{
    set_up();
    submit(1, 5);
    begin(2);
    end(3, MCPZ_CODE_OK);
    tick(MCPZ_SECONDS(3599));
    CHECK_UINT(fake_store_count(&store, MCPZ_RECORD_TASK), 1);
    tick(MCPZ_SECONDS(3601));
    CHECK_UINT(store.count, 0);
    fake_store_finish(&store);
}

TEST(a_paused_queue_stays_so_over_a_restart)
{
    const struct mcpz_event pause = {.kind = MCPZ_EVENT_QUEUE_PAUSE,
                                     .durable = {.request = 7, .capability = mcpz_text("x")}};
    const struct mcpz_event resume = {.kind = MCPZ_EVENT_QUEUE_RESUME,
                                      .durable = {.request = 8, .capability = mcpz_text("x")}};

    set_up();
    step(1, pause);
    CHECK_UINT(reply_code(), MCPZ_CODE_OK);
    submit(2, 5);
    tick(3);
    CHECK_UINT(count_actions(MCPZ_ACTION_CALL), 0);
    start(2);
    tick(4);
    CHECK_UINT(count_actions(MCPZ_ACTION_CALL), 0);
    CHECK_UINT(tasks.queues.rows[0].ready, 1); /* counted again */
    step(5, resume);
    begin(6);
    fake_store_finish(&store);
}

/* ---- A disk that fails -------------------------------------------------------------------- */

TEST(after_a_lost_batch_what_was_not_kept_is_refused_and_all_is_counted_again)
{
    struct fake_store before;

    with_alice();
    submit(1, 5);
    mark(2, &alice, MCPZ_MSG_TASK_KEPT, 0);
    begin(3);
    fake_store_init(&before);
    fake_store_copy(&before, &store);
    submit(4, 6);
    fake_store_finish(&store);
    fake_store_init(&store);
    fake_store_copy(&store, &before); /* as if the second had never been */
    mcpz_tasks_recover(&tasks);
    tick(5);
    (void)called(MCPZ_EVENT_TASK_CANCEL);
    CHECK_UINT(tasks.running, 0);
    CHECK_UINT(tasks.queues.rows[0].ready, 1);
    CHECK_UINT(only_action(MCPZ_ACTION_REPLY)->reply.request, 6);
    CHECK_UINT(reply_code(), MCPZ_CODE_STORE_FAILED);
    fake_store_finish(&before);
    fake_store_finish(&store);
}

TEST_MAIN(RUN(what_is_done_is_kept_with_its_result),
          RUN(its_input_is_sent_once_to_each_who_is_asked),
          RUN(what_fails_for_a_while_is_tried_again_and_then_is_a_dead_letter),
          RUN(what_the_provider_calls_failed_is_not_tried_again_unless_asked_for),
          RUN(a_queue_nobody_can_do_waits_and_that_is_no_attempt),
          RUN(the_most_urgent_is_first_and_of_those_the_oldest),
          RUN(what_was_not_begun_in_its_time_is_a_dead_letter),
          RUN(a_lease_that_is_not_renewed_is_given_up_and_one_that_is_lasts),
          RUN(a_provider_says_that_it_is_at_it), RUN(the_last_of_a_result_comes_with_its_end),
          RUN(a_result_over_the_limit_is_a_dead_letter),
          RUN(with_a_key_the_backup_knows_who_is_asked_before_it_is),
          RUN(with_a_key_who_may_have_done_it_is_asked_again_and_nobody_else),
          RUN(with_a_key_who_was_too_busy_has_not_done_it),
          RUN(with_a_key_who_was_asked_over_a_link_that_was_replaced_may_have_done_it),
          RUN(with_a_key_who_had_to_be_reached_first_and_is_too_busy_has_not_done_it),
          RUN(a_cancelled_task_stops_and_is_over), RUN(who_waits_is_answered_when_it_is_over),
          RUN(a_dead_letter_is_replayed_as_if_it_were_new), RUN(what_is_purged_leaves_nothing),
          RUN(what_is_over_is_forgotten_after_its_retention),
          RUN(a_paused_queue_stays_so_over_a_restart),
          RUN(after_a_lost_batch_what_was_not_kept_is_refused_and_all_is_counted_again))
