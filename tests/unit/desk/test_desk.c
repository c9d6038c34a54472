#include "desk_world.h"

static uint8_t zeros[MCPZ_CHUNK_BYTES_MAX];

/* ---- The door ----------------------------------------------------------------------------- */

TEST(a_program_is_greeted)
{
    struct mcpz_program *program;

    CHECK(come(&owner_a, &program) == MCPZ_OK);
    CHECK_UINT(sent_to(&owner_a, MCPZ_MSG_HELLO)->hello.version_max, MCPZ_PROTOCOL_MAX);
    CHECK_UINT(mcpz_desk_stats(desk)->programs, 1);
}

TEST(who_does_not_greet_is_refused)
{
    struct mcpz_program *program;

    CHECK(come(&owner_a, &program) == MCPZ_OK);
    CHECK(open_call(program, 1, false) == MCPZ_EPROTO);
    CHECK_UINT(sent_to(&owner_a, MCPZ_MSG_REFUSE)->refuse.code, MCPZ_CODE_BAD_REQUEST);
}

TEST(who_speaks_another_version_is_refused)
{
    struct mcpz_program *program;

    CHECK(come(&owner_a, &program) == MCPZ_OK);
    CHECK(say(program, (struct mcpz_msg){.kind = MCPZ_MSG_HELLO,
                                         .hello = {.version_min = MCPZ_PROTOCOL_MAX + 1,
                                                   .version_max = MCPZ_PROTOCOL_MAX + 1}}) ==
          MCPZ_EVERSION);
    CHECK_UINT(sent_to(&owner_a, MCPZ_MSG_REFUSE)->refuse.code, MCPZ_CODE_VERSION);
}

TEST(what_only_nodes_say_is_refused)
{
    struct mcpz_program *program = enter(&owner_a);

    CHECK(say(program, (struct mcpz_msg){.kind = MCPZ_MSG_PRUNE}) == MCPZ_EPROTO);
    CHECK_UINT(mcpz_desk_stats(desk)->refused, 1);
}

TEST(there_is_room_for_so_many_programs)
{
    struct mcpz_program *program = NULL;

    for (size_t i = 0; i < MCPZ_PROGRAMS_MAX; i++) {
        noted_count = 0;
        CHECK(come(&owner_a, &program) == MCPZ_OK);
    }
    struct mcpz_program *last = program;
    CHECK(come(&owner_b, &program) == MCPZ_EFULL);
    mcpz_desk_leave(desk, last);
    CHECK(come(&owner_b, &program) == MCPZ_OK);
}

/* ---- Calls -------------------------------------------------------------------------------- */

TEST(a_call_becomes_a_task_and_its_answer_comes_back)
{
    struct mcpz_program *program = enter(&owner_a);

    CHECK(open_call(program, 7, false) == MCPZ_OK);
    CHECK_UINT(told(MCPZ_EVENT_TASK_START)->task.request, 101);
    CHECK_TEXT(only()->text, "x");
    act_task(MCPZ_ACTION_TASK_OUTPUT,
             (struct mcpz_action_task){.request = 101, .chunk = mcpz_text("out")});
    CHECK_UINT(sent_to(&owner_a, MCPZ_MSG_DATA)->data.call, 7);
    CHECK_TEXT(only()->text, "out");
    act_task(MCPZ_ACTION_TASK_DONE,
             (struct mcpz_action_task){.request = 101, .chunk = mcpz_text("put")});
    CHECK_UINT(sent_to(&owner_a, MCPZ_MSG_END)->end.call, 7);
    CHECK_TEXT(only()->text, "put");
    CHECK_UINT(mcpz_desk_stats(desk)->calls, 0);
}

TEST(a_call_may_be_for_one_node_only)
{
    struct mcpz_program *program = enter(&owner_a);
    struct mcpz_msg msg = {.kind = MCPZ_MSG_OPEN,
                           .open = {.call = 7,
                                    .capability = mcpz_text("x"),
                                    .timeout_ms = 1000,
                                    .attempt = 1,
                                    .target = mcpz_bytes(zeros + 1, MCPZ_ID_BYTES)}};
    struct mcpz_id none = {{0}};

    zeros[1] = 9;
    CHECK(say(program, msg) == MCPZ_OK);
    CHECK_UINT(told(MCPZ_EVENT_TASK_START)->task.only.bytes[0], 9);
    zeros[1] = 0;
    act_task(MCPZ_ACTION_TASK_RETRY, (struct mcpz_action_task){.request = 101});
    work();
    CHECK_UINT(told(MCPZ_EVENT_TASK_START)->task.only.bytes[0], 9);
    CHECK(open_call(program, 8, false) == MCPZ_OK);
    CHECK(mcpz_id_equal(&told(MCPZ_EVENT_TASK_START)->task.only, &none));
    /* A program in this process may say what no bytes could. */
    msg.open.call = 9;
    msg.open.target.length = MCPZ_ID_BYTES - 1;
    noted_count = 0;
    CHECK(mcpz_desk_take(desk, program, &msg) == MCPZ_OK);
    CHECK_UINT(sent_to(&owner_a, MCPZ_MSG_FAIL)->fail.code, MCPZ_CODE_BAD_REQUEST);
}

TEST(a_failure_comes_back_with_its_words)
{
    struct mcpz_program *program = enter(&owner_a);

    CHECK(open_call(program, 7, false) == MCPZ_OK);
    act_task(MCPZ_ACTION_TASK_DONE, (struct mcpz_action_task){.request = 101,
                                                              .code = MCPZ_CODE_BUSY,
                                                              .text = mcpz_text("no"),
                                                              .retry_after_ms = 5});
    CHECK_UINT(sent_to(&owner_a, MCPZ_MSG_FAIL)->fail.code, MCPZ_CODE_BUSY);
    CHECK_UINT(only()->msg.fail.retry_after_ms, 5);
    CHECK_TEXT(only()->text, "no");
}

TEST(a_number_in_use_is_refused_and_one_that_is_over_is_free)
{
    struct mcpz_program *program = enter(&owner_a);

    CHECK(open_call(program, 7, false) == MCPZ_OK);
    act_task(MCPZ_ACTION_TASK_DONE, (struct mcpz_action_task){.request = 101});
    CHECK(open_call(program, 7, false) == MCPZ_OK);
    CHECK(open_call(program, 7, false) == MCPZ_EPROTO);
}

TEST(two_programs_may_use_the_same_numbers)
{
    struct mcpz_program *a = enter(&owner_a);
    struct mcpz_program *b = enter(&owner_b);

    CHECK(open_call(a, 7, false) == MCPZ_OK);
    CHECK(open_call(b, 7, false) == MCPZ_OK);
    act_task(MCPZ_ACTION_TASK_DONE, (struct mcpz_action_task){.request = 102});
    CHECK_UINT(sent_to(&owner_b, MCPZ_MSG_END)->end.call, 7);
}

TEST(what_cannot_be_asked_fails_and_the_program_stays)
{
    struct mcpz_program *program = enter(&owner_a);
    struct mcpz_msg msg = {.kind = MCPZ_MSG_OPEN,
                           .open = {.call = 1, .timeout_ms = 1000, .attempt = 1}};

    CHECK(say(program, msg) == MCPZ_OK);
    CHECK_UINT(sent_to(&owner_a, MCPZ_MSG_FAIL)->fail.code, MCPZ_CODE_BAD_REQUEST);
    msg.open.capability = mcpz_text("x");
    msg.open.timeout_ms = MCPZ_CALL_TIMEOUT_MS_MAX + 1;
    CHECK(say(program, msg) == MCPZ_OK);
    CHECK_UINT(sent_to(&owner_a, MCPZ_MSG_FAIL)->fail.code, MCPZ_CODE_BAD_REQUEST);
    msg.open.timeout_ms = 0;
    msg.open.traceparent = mcpz_text("nonsense");
    CHECK(say(program, msg) == MCPZ_OK);
    CHECK_UINT(sent_to(&owner_a, MCPZ_MSG_FAIL)->fail.code, MCPZ_CODE_BAD_REQUEST);
    msg.open.traceparent = mcpz_text("");
    CHECK(say(program, msg) == MCPZ_OK);
    CHECK_UINT(told(MCPZ_EVENT_TASK_START)->task.timeout_ms, MCPZ_DESK_TIMEOUT_MS);
}

TEST(one_program_has_so_many_calls)
{
    struct mcpz_program *program = enter(&owner_a);

    for (uint64_t i = 0; i < MCPZ_PROGRAM_CALLS_MAX; i++) {
        CHECK(open_call(program, i, false) == MCPZ_OK);
        (void)told(MCPZ_EVENT_TASK_START);
    }
    CHECK(open_call(program, MCPZ_PROGRAM_CALLS_MAX, false) == MCPZ_OK);
    CHECK_UINT(sent_to(&owner_a, MCPZ_MSG_FAIL)->fail.code, MCPZ_CODE_BUSY);
    act_task(MCPZ_ACTION_TASK_DONE, (struct mcpz_action_task){.request = 101});
    CHECK(open_call(program, MCPZ_PROGRAM_CALLS_MAX, false) == MCPZ_OK);
    (void)told(MCPZ_EVENT_TASK_START);
}

TEST(input_goes_as_the_provider_takes_it)
{
    struct mcpz_program *program = enter(&owner_a);

    CHECK(open_call(program, 7, true) == MCPZ_OK);
    CHECK(send_data(program, 7, true, mcpz_text("abcdef")) == MCPZ_OK);
    CHECK_UINT(noted_count, 0);
    act_task(MCPZ_ACTION_TASK_PULL, (struct mcpz_action_task){.request = 101, .credit = 4});
    CHECK_UINT(noted_count, 0); /* not within the engine's turn */
    CHECK_UINT(wanted_later, 1);
    work();
    CHECK_UINT(noted_count, 2);
    CHECK_UINT(noted[0].event.kind, MCPZ_EVENT_TASK_INPUT);
    CHECK_TEXT(noted[0].text, "abcd");
    CHECK_UINT(noted[1].msg.credit.bytes, 4);
    CHECK(send_end(program, 7, true) == MCPZ_OK);
    CHECK_UINT(noted_count, 0);
    act_task(MCPZ_ACTION_TASK_PULL, (struct mcpz_action_task){.request = 101, .credit = 4});
    work();
    CHECK_UINT(noted_count, 3);
    CHECK_TEXT(noted[0].text, "ef");
    CHECK_UINT(noted[1].event.kind, MCPZ_EVENT_TASK_INPUT_END);
    CHECK_UINT(noted[2].msg.credit.bytes, 2);
}

TEST(a_retry_says_it_all_again)
{
    struct mcpz_program *program = enter(&owner_a);

    CHECK(open_call(program, 7, true) == MCPZ_OK);
    CHECK(send_data(program, 7, true, mcpz_text("abc")) == MCPZ_OK);
    CHECK(send_end(program, 7, true) == MCPZ_OK);
    act_task(MCPZ_ACTION_TASK_PULL, (struct mcpz_action_task){.request = 101, .credit = 100});
    work();
    act_task(MCPZ_ACTION_TASK_RETRY, (struct mcpz_action_task){.request = 101});
    work();
    CHECK_UINT(told(MCPZ_EVENT_TASK_START)->task.request, 101);
    act_task(MCPZ_ACTION_TASK_PULL, (struct mcpz_action_task){.request = 101, .credit = 100});
    work();
    CHECK_UINT(noted_count, 2); /* no credit for what had it already */
    CHECK_TEXT(noted[0].text, "abc");
    CHECK_UINT(noted[1].event.kind, MCPZ_EVENT_TASK_INPUT_END);
}

TEST(more_input_than_is_kept_cannot_be_said_again)
{
    struct mcpz_program *program = enter(&owner_a);

    CHECK(open_call(program, 7, true) == MCPZ_OK);
    for (size_t i = 0; i <= MCPZ_CALL_WINDOW_BYTES / sizeof(zeros); i++) {
        CHECK(send_data(program, 7, true, mcpz_bytes(zeros, sizeof(zeros))) == MCPZ_OK);
        act_task(MCPZ_ACTION_TASK_PULL,
                 (struct mcpz_action_task){.request = 101, .credit = sizeof(zeros)});
        work();
    }
    act_task(MCPZ_ACTION_TASK_RETRY, (struct mcpz_action_task){.request = 101});
    work();
    CHECK_UINT(noted_count, 2);
    CHECK_UINT(noted[0].msg.fail.code, MCPZ_CODE_PROVIDER_LOST);
    CHECK_UINT(noted[1].event.kind, MCPZ_EVENT_TASK_CANCEL);
}

TEST(input_over_the_window_or_after_its_end_is_refused)
{
    struct mcpz_program *program = enter(&owner_a);

    CHECK(open_call(program, 7, true) == MCPZ_OK);
    for (size_t i = 0; i < MCPZ_CALL_WINDOW_BYTES / sizeof(zeros); i++) {
        CHECK(send_data(program, 7, true, mcpz_bytes(zeros, sizeof(zeros))) == MCPZ_OK);
    }
    CHECK(send_data(program, 7, true, mcpz_text("x")) == MCPZ_EPROTO);
    CHECK(open_call(program, 8, true) == MCPZ_OK);
    CHECK(send_end(program, 8, true) == MCPZ_OK);
    CHECK(send_data(program, 8, true, mcpz_text("x")) == MCPZ_EPROTO);
    CHECK(open_call(program, 9, false) == MCPZ_OK);
    CHECK(send_data(program, 9, true, mcpz_text("x")) == MCPZ_EPROTO);
}

TEST(credit_for_what_never_came_is_refused)
{
    struct mcpz_program *program = enter(&owner_a);
    struct mcpz_msg credit = {.kind = MCPZ_MSG_CREDIT,
                              .credit = {.call = 7, .from_caller = true, .bytes = 3}};

    CHECK(open_call(program, 7, false) == MCPZ_OK);
    act_task(MCPZ_ACTION_TASK_OUTPUT,
             (struct mcpz_action_task){.request = 101, .chunk = mcpz_text("out")});
    CHECK(say(program, credit) == MCPZ_OK);
    CHECK_UINT(told(MCPZ_EVENT_TASK_CREDIT)->task.credit, 3);
    CHECK(say(program, credit) == MCPZ_EPROTO);
}

TEST(a_cancelled_call_is_forgotten)
{
    struct mcpz_program *program = enter(&owner_a);

    CHECK(open_call(program, 7, true) == MCPZ_OK);
    act_task(MCPZ_ACTION_TASK_PULL, (struct mcpz_action_task){.request = 101, .credit = 9});
    CHECK(say(program, (struct mcpz_msg){.kind = MCPZ_MSG_CANCEL, .cancel = {.call = 7}}) ==
          MCPZ_OK);
    CHECK_UINT(told(MCPZ_EVENT_TASK_CANCEL)->task.request, 101);
    work();
    CHECK_UINT(noted_count, 0);
    act_task(MCPZ_ACTION_TASK_DONE, (struct mcpz_action_task){.request = 101});
    CHECK_UINT(noted_count, 0);
    CHECK(send_data(program, 7, true, mcpz_text("late")) == MCPZ_OK);
    CHECK_UINT(noted_count, 0);
}

/* ---- Offers and runs ---------------------------------------------------------------------- */

TEST(what_a_program_offers_is_provided_once)
{
    struct mcpz_program *a = enter(&owner_a);
    struct mcpz_program *b = enter(&owner_b);

    CHECK(offer(a, "x") == MCPZ_OK);
    CHECK_UINT(told(MCPZ_EVENT_PROVIDE)->provide.running_max, 0);
    CHECK(offer(b, "x") == MCPZ_OK);
    CHECK_UINT(noted_count, 0);
    CHECK(offer(a, "") == MCPZ_OK);
    CHECK_UINT(noted_count, 0);
    noted_count = 0;
    mcpz_desk_leave(desk, b);
    (void)told(MCPZ_EVENT_WITHDRAW);
    CHECK(mcpz_offers_edge(&offers, mcpz_text("x")) == NULL);
}

TEST(what_another_edge_offers_is_refused)
{
    struct mcpz_program *program = enter(&owner_a);

    CHECK(mcpz_offers_claim(&offers, mcpz_text("x"), &owner_b) == MCPZ_OK);
    CHECK(offer(program, "x") == MCPZ_ECONFLICT);
    CHECK_UINT(sent_to(&owner_a, MCPZ_MSG_REFUSE)->refuse.code, MCPZ_CODE_CONFLICT);
    act_run(MCPZ_ACTION_RUN_START,
            (struct mcpz_action_run){.run = 1, .capability = mcpz_text("x")});
    CHECK_UINT(noted_count, 0);
}

TEST(a_run_goes_to_its_program_whoever_came_before)
{
    const struct mcpz_desk_visitor edge = {.context = &owner_b, .send = deliver, .is_node = true};
    struct mcpz_program *program;

    CHECK(mcpz_desk_enter(desk, &edge, &program) == MCPZ_OK);
    noted_count = 0;
    program = enter(&owner_a);
    CHECK(offer(program, "x") == MCPZ_OK);
    act_run(MCPZ_ACTION_RUN_START,
            (struct mcpz_action_run){.run = 5, .capability = mcpz_text("x")});
    CHECK_UINT(sent_to(&owner_a, MCPZ_MSG_OPEN)->open.call, 5);
}

TEST(a_run_goes_to_who_does_least)
{
    struct mcpz_program *a = enter(&owner_a);
    struct mcpz_program *b = enter(&owner_b);
    struct mcpz_action_run start = {.run = 1, .capability = mcpz_text("x")};

    CHECK(offer(a, "x") == MCPZ_OK);
    CHECK(offer(b, "x") == MCPZ_OK);
    act_run(MCPZ_ACTION_RUN_START, start);
    void *first = only()->owner;
    start.run = 2;
    act_run(MCPZ_ACTION_RUN_START, start);
    CHECK(only()->owner != first);
    CHECK(send_end(first == &owner_a ? a : b, 1, false) == MCPZ_OK);
    start.run = 3;
    act_run(MCPZ_ACTION_RUN_START, start);
    CHECK(only()->owner == first);
}

TEST(what_a_program_says_of_its_run_reaches_the_engine)
{
    struct mcpz_program *program = enter(&owner_a);

    CHECK(offer(program, "x") == MCPZ_OK);
    act_run(MCPZ_ACTION_RUN_START,
            (struct mcpz_action_run){.run = 5, .capability = mcpz_text("x"), .has_input = true});
    CHECK_UINT(sent_to(&owner_a, MCPZ_MSG_OPEN)->open.call, 5);
    act_run(MCPZ_ACTION_RUN_INPUT, (struct mcpz_action_run){.run = 5, .chunk = mcpz_text("in")});
    CHECK(sent_to(&owner_a, MCPZ_MSG_DATA)->data.from_caller);
    act_run(MCPZ_ACTION_RUN_INPUT_END, (struct mcpz_action_run){.run = 5});
    CHECK(sent_to(&owner_a, MCPZ_MSG_END)->end.from_caller);
    CHECK(say(program, (struct mcpz_msg){.kind = MCPZ_MSG_CREDIT,
                                         .credit = {.call = 5, .bytes = 2}}) == MCPZ_OK);
    CHECK_UINT(told(MCPZ_EVENT_RUN_CREDIT)->run.credit, 2);
    CHECK(send_data(program, 5, false, mcpz_text("out")) == MCPZ_OK);
    CHECK_UINT(told(MCPZ_EVENT_RUN_OUTPUT)->run.run, 5);
    CHECK(say(program, (struct mcpz_msg){.kind = MCPZ_MSG_END,
                                         .end = {.call = 5, .chunk = mcpz_text("put")}}) ==
          MCPZ_OK);
    (void)told(MCPZ_EVENT_RUN_END);
    CHECK_TEXT(only()->text, "put");
    CHECK_UINT(mcpz_desk_stats(desk)->runs, 0);
}

TEST(output_over_the_window_is_refused)
{
    struct mcpz_program *program = enter(&owner_a);

    CHECK(offer(program, "x") == MCPZ_OK);
    act_run(MCPZ_ACTION_RUN_START,
            (struct mcpz_action_run){.run = 5, .capability = mcpz_text("x")});
    for (size_t i = 0; i < MCPZ_CALL_WINDOW_BYTES / sizeof(zeros); i++) {
        CHECK(send_data(program, 5, false, mcpz_bytes(zeros, sizeof(zeros))) == MCPZ_OK);
    }
    CHECK(send_data(program, 5, false, mcpz_text("x")) == MCPZ_EPROTO);
    act_run(MCPZ_ACTION_RUN_PULL, (struct mcpz_action_run){.run = 5, .credit = 1});
    CHECK(send_data(program, 5, false, mcpz_text("x")) == MCPZ_OK);
    CHECK(say(program, (struct mcpz_msg){.kind = MCPZ_MSG_END,
                                         .end = {.call = 5, .chunk = mcpz_text("y")}}) ==
          MCPZ_EPROTO);
}

TEST(nobody_answers_for_a_run_of_another_program)
{
    struct mcpz_program *a = enter(&owner_a);
    struct mcpz_program *b = enter(&owner_b);

    CHECK(offer(a, "x") == MCPZ_OK);
    act_run(MCPZ_ACTION_RUN_START,
            (struct mcpz_action_run){.run = 5, .capability = mcpz_text("x")});
    CHECK(send_end(b, 5, false) == MCPZ_OK);
    CHECK_UINT(noted_count, 0);
    CHECK_UINT(mcpz_desk_stats(desk)->runs, 1);
}

TEST(a_run_that_is_stopped_is_over)
{
    struct mcpz_program *program = enter(&owner_a);

    CHECK(offer(program, "x") == MCPZ_OK);
    act_run(MCPZ_ACTION_RUN_START,
            (struct mcpz_action_run){.run = 5, .capability = mcpz_text("x")});
    act_run(MCPZ_ACTION_RUN_STOP, (struct mcpz_action_run){.run = 5});
    CHECK_UINT(sent_to(&owner_a, MCPZ_MSG_CANCEL)->cancel.call, 5);
    CHECK(send_end(program, 5, false) == MCPZ_OK);
    CHECK_UINT(noted_count, 0);
}

TEST(a_program_that_goes_cancels_and_fails_what_it_had)
{
    struct mcpz_program *program = enter(&owner_a);

    CHECK(offer(program, "x") == MCPZ_OK);
    CHECK(open_call(program, 7, false) == MCPZ_OK);
    act_run(MCPZ_ACTION_RUN_START,
            (struct mcpz_action_run){.run = 5, .capability = mcpz_text("x")});
    noted_count = 0;
    mcpz_desk_leave(desk, program);
    CHECK_UINT(noted_count, 3);
    CHECK_UINT(noted[0].event.kind, MCPZ_EVENT_WITHDRAW);
    CHECK_UINT(noted[1].event.kind, MCPZ_EVENT_TASK_CANCEL);
    CHECK_UINT(noted[2].event.kind, MCPZ_EVENT_RUN_FAIL);
    CHECK_UINT(noted[2].event.run.code, MCPZ_CODE_PROVIDER_LOST);
    CHECK_UINT(mcpz_desk_stats(desk)->programs, 0);
}

/* ---- Durable tasks ------------------------------------------------------------------------ */

static const struct mcpz_task_order some_orders[] = {
    {.body = {.capability = {(const uint8_t *)"x", 1}, .timeout_ms = 1}},
    {.body = {.capability = {(const uint8_t *)"y", 1}, .timeout_ms = 1}},
    {.body = {.capability = {(const uint8_t *)"z", 1}, .timeout_ms = 1}},
};

static mcpz_error hand_in(struct mcpz_program *program, uint64_t number, size_t count)
{
    return say(program, (struct mcpz_msg){.kind = MCPZ_MSG_TASK_SUBMIT,
                                          .task_submit = {.number = number,
                                                          .orders = count > 0 ? some_orders : NULL,
                                                          .order_count = count}});
}

static void take_all(const struct mcpz_task_taken *rows, size_t count)
{
    struct mcpz_action action = {.kind = MCPZ_ACTION_TAKEN};

    noted_count = 0;
    action.taken.rows = rows;
    action.taken.count = count;
    mcpz_desk_act(desk, &action);
}

TEST(tasks_are_handed_in_together_and_answered_by_their_numbers)
{
    struct mcpz_program *a = enter(&owner_a);
    struct mcpz_program *b = enter(&owner_b);

    CHECK(hand_in(a, 70, 3) == MCPZ_OK);
    const uint64_t first = told(MCPZ_EVENT_DURABLE_SUBMIT)->durable.request;
    CHECK_UINT(told(MCPZ_EVENT_DURABLE_SUBMIT)->durable.order_count, 3);
    CHECK(hand_in(b, 70, 1) == MCPZ_OK);
    const uint64_t other = told(MCPZ_EVENT_DURABLE_SUBMIT)->durable.request;
    CHECK_UINT(other, first + 3);

    const struct mcpz_task_taken rows[] = {{.number = first + 2, .copies = 2, .id = {{5}}},
                                           {.number = other, .copies = 2, .id = {{6}}},
                                           {.number = other + 1, .copies = 2}};
    take_all(rows, 3);
    CHECK_UINT(noted_count, 2); /* and nobody for the last */
    CHECK(noted[0].owner == &owner_a && noted[1].owner == &owner_b);
    mcpz_desk_act(desk, &(struct mcpz_action){.kind = MCPZ_ACTION_REPLY,
                                              .reply = {.request = first + 1,
                                                        .code = MCPZ_CODE_NO_COPY,
                                                        .text = mcpz_text("nobody else")}});
    CHECK_UINT(noted_count, 3);
    CHECK(noted[2].owner == &owner_a);
    CHECK_UINT(noted[2].msg.kind, MCPZ_MSG_TASK_TAKEN);
    CHECK_UINT(mcpz_desk_stats(desk)->submissions, 2); /* one of the first three is not answered */
    take_all(&(struct mcpz_task_taken){.number = first}, 1);
    CHECK_UINT(mcpz_desk_stats(desk)->submissions, 0);
    take_all(&(struct mcpz_task_taken){.number = first}, 1); /* once more: to nobody */
    CHECK_UINT(noted_count, 0);
}

TEST(who_has_gone_is_told_nothing_of_its_tasks)
{
    struct mcpz_program *a = enter(&owner_a);

    CHECK(hand_in(a, 1, 1) == MCPZ_OK);
    const uint64_t first = told(MCPZ_EVENT_DURABLE_SUBMIT)->durable.request;
    mcpz_desk_leave(desk, a);
    take_all(&(struct mcpz_task_taken){.number = first, .copies = 2}, 1);
    CHECK_UINT(noted_count, 0);
    CHECK_UINT(mcpz_desk_stats(desk)->submissions, 0);
}

TEST(nothing_handed_in_is_refused_and_so_is_what_does_not_fit)
{
    struct mcpz_program *a = enter(&owner_a);

    for (size_t i = 0; i < MCPZ_DESK_SUBMISSIONS_MAX; i++) {
        CHECK(hand_in(a, i, 1) == MCPZ_OK);
        (void)told(MCPZ_EVENT_DURABLE_SUBMIT);
    }
    CHECK(hand_in(a, 5000, 2) == MCPZ_OK);
    CHECK_UINT(sent_to(&owner_a, MCPZ_MSG_TASK_TAKEN)->task_taken.row_count, 2);
    CHECK(hand_in(a, 6000, 0) == MCPZ_EPROTO);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

TEST_MAIN(CASE(a_program_is_greeted), CASE(who_does_not_greet_is_refused),
          CASE(who_speaks_another_version_is_refused), CASE(what_only_nodes_say_is_refused),
          CASE(there_is_room_for_so_many_programs),
          CASE(a_call_becomes_a_task_and_its_answer_comes_back),
          CASE(a_call_may_be_for_one_node_only), CASE(a_failure_comes_back_with_its_words),
          CASE(a_number_in_use_is_refused_and_one_that_is_over_is_free),
          CASE(two_programs_may_use_the_same_numbers),
          CASE(what_cannot_be_asked_fails_and_the_program_stays),
          CASE(one_program_has_so_many_calls), CASE(input_goes_as_the_provider_takes_it),
          CASE(a_retry_says_it_all_again), CASE(more_input_than_is_kept_cannot_be_said_again),
          CASE(input_over_the_window_or_after_its_end_is_refused),
          CASE(credit_for_what_never_came_is_refused), CASE(a_cancelled_call_is_forgotten),
          CASE(what_a_program_offers_is_provided_once), CASE(what_another_edge_offers_is_refused),
          CASE(a_run_goes_to_its_program_whoever_came_before), CASE(a_run_goes_to_who_does_least),
          CASE(what_a_program_says_of_its_run_reaches_the_engine),
          CASE(output_over_the_window_is_refused),
          CASE(nobody_answers_for_a_run_of_another_program), CASE(a_run_that_is_stopped_is_over),
          CASE(a_program_that_goes_cancels_and_fails_what_it_had),
          CASE(tasks_are_handed_in_together_and_answered_by_their_numbers),
          CASE(who_has_gone_is_told_nothing_of_its_tasks),
          CASE(nothing_handed_in_is_refused_and_so_is_what_does_not_fit))
