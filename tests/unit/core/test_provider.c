/* What a provider makes of calls that it cannot begin at once, or has done before. */

#include "calls_world.h"

/* What is said of a call where the test does not care. */
static struct mcpz_msg_open opening(uint64_t call)
{
    return (struct mcpz_msg_open){
        .call = call,
        .capability = mcpz_text("x"),
        .params = mcpz_text("{}"),
        .timeout_ms = 10000,
        .priority = 50,
    };
}

static void open_as(mcpz_time now, const struct mcpz_id *from, const struct mcpz_msg_open *said)
{
    receive(now, from, (struct mcpz_msg){.kind = MCPZ_MSG_OPEN, .open = *said});
}

static void open_with_key(mcpz_time now, const struct mcpz_id *from, uint64_t call,
                          const char *key)
{
    struct mcpz_msg_open said = opening(call);
    said.idempotency_key = mcpz_text(key);
    open_as(now, from, &said);
}

static void set_up_with(const struct mcpz_gate_config *config)
{
    set_up();
    step(0, (struct mcpz_event){.kind = MCPZ_EVENT_LIMITS, .limits = config});
    struct mcpz_event offered = {
        .kind = MCPZ_EVENT_PROVIDE,
        .provide = {.name = mcpz_text("x"), .takes_hand = true},
    };
    mcpz_registry_step(&registry, 0, &offered, &out);
    step(0, offered);
}

static void set_up_hands(uint32_t hands)
{
    const struct mcpz_gate_config config = {.hands = hands};
    set_up_with(&config);
}

static void output(mcpz_time now, uint32_t run, struct mcpz_bytes chunk)
{
    step(now,
         (struct mcpz_event){.kind = MCPZ_EVENT_RUN_OUTPUT, .run = {.run = run, .chunk = chunk}});
}

static void end(mcpz_time now, uint32_t run)
{
    step(now, (struct mcpz_event){.kind = MCPZ_EVENT_RUN_END, .run = {.run = run}});
}

static uint32_t started(bool held)
{
    const struct mcpz_action_run *run = &only_action(MCPZ_ACTION_RUN_START)->run;
    CHECK(run->held == held);
    return run->run;
}

static void check_fail(enum mcpz_code code)
{
    CHECK_UINT(sent(MCPZ_MSG_FAIL)->fail.code, code);
}

/* ---- Waiting ------------------------------------------------------------------------------ */

/* Who has not heard yet that it is otherwise now. */
TEST(a_call_that_wants_more_isolation_than_there_is_is_refused)
{
    struct mcpz_msg_open said = opening(1);

    set_up_hands(2);
    said.isolation = MCPZ_ISOLATION_NONE;
    open_as(0, &bob, &said);
    check_fail(MCPZ_CODE_NOT_OFFERED);
    struct mcpz_event offered = {
        .kind = MCPZ_EVENT_PROVIDE,
        .provide = {.name = mcpz_text("x"), .isolation = MCPZ_ISOLATION_DEGRADED},
    };
    mcpz_registry_step(&registry, 0, &offered, &out);
    said.isolation = MCPZ_ISOLATION_STRICT;
    open_as(0, &bob, &said);
    check_fail(MCPZ_CODE_NOT_OFFERED);
    said.isolation = MCPZ_ISOLATION_DEGRADED;
    open_as(0, &bob, &said);
    (void)started(false);
}

TEST(a_call_that_cannot_begin_is_held_and_goes_when_there_is_room)
{
    set_up_hands(1);
    struct mcpz_msg_open first = opening(1);
    struct mcpz_msg_open second = opening(2);
    open_as(1, &alice, &first);
    uint32_t run = started(false);
    open_as(2, &bob, &second);
    uint32_t held = started(true);

    end(3, run);
    CHECK_UINT(only_action(MCPZ_ACTION_RUN_GO)->run.run, held);
    CHECK_UINT(sent(MCPZ_MSG_END)->end.call, 1);
    end(4, held);
    CHECK_UINT(count_actions(MCPZ_ACTION_RUN_GO), 0);
    CHECK_UINT(sent(MCPZ_MSG_END)->end.call, 2);
}

TEST(one_that_fails_or_is_cancelled_lets_the_next_go)
{
    set_up_hands(1);
    struct mcpz_msg_open said = opening(1);
    open_as(1, &alice, &said);
    uint32_t run = started(false);
    said.call = 2;
    open_as(1, &alice, &said);
    uint32_t held = started(true);
    step(2, (struct mcpz_event){.kind = MCPZ_EVENT_RUN_FAIL,
                                .run = {.run = run, .code = MCPZ_CODE_PROVIDER_FAILED}});
    CHECK_UINT(only_action(MCPZ_ACTION_RUN_GO)->run.run, held);

    said.call = 3;
    open_as(3, &bob, &said);
    uint32_t next = started(true);
    receive(4, &alice, (struct mcpz_msg){.kind = MCPZ_MSG_CANCEL, .cancel = {.call = 2}});
    CHECK_UINT(only_action(MCPZ_ACTION_RUN_STOP)->run.run, held);
    CHECK_UINT(only_action(MCPZ_ACTION_RUN_GO)->run.run, next);

    said.call = 4;
    open_as(5, &alice, &said);
    (void)started(true);
    tell(6, MCPZ_FACT_UNLINKED, &bob);
    CHECK_UINT(count_actions(MCPZ_ACTION_RUN_GO), 1);
}

TEST(the_more_important_takes_a_place_and_the_other_is_told_when_to_come_back)
{
    set_up_hands(1);
    struct mcpz_msg_open said = opening(1);
    open_as(1, &alice, &said);
    said.call = 2;
    open_as(1, &alice, &said);
    uint32_t pushed_out = started(true);
    said.call = 3;
    said.priority = 100;
    open_as(2, &bob, &said);

    CHECK_UINT(only_action(MCPZ_ACTION_RUN_STOP)->run.run, pushed_out);
    (void)started(true);
    const struct mcpz_msg *fail = sent(MCPZ_MSG_FAIL);
    CHECK_UINT(fail->fail.call, 2);
    CHECK_UINT(fail->fail.code, MCPZ_CODE_OVERLOADED);
    CHECK(fail->fail.retry_after_ms > 0);
}

TEST(one_call_too_many_is_told_so_at_once)
{
    set_up_hands(1);
    struct mcpz_msg_open said = opening(1);
    open_as(1, &alice, &said);
    said.call = 2;
    open_as(1, &alice, &said);
    said.call = 3;
    open_as(1, &alice, &said);
    CHECK_UINT(count_actions(MCPZ_ACTION_RUN_START), 0);
    check_fail(MCPZ_CODE_OVERLOADED);
    CHECK(sent(MCPZ_MSG_FAIL)->fail.retry_after_ms > 0);
    CHECK_UINT(calls.provider.table.count, 2);
}

TEST(one_that_waits_in_vain_is_told_while_it_can_go_elsewhere)
{
    set_up_hands(1);
    struct mcpz_msg_open said = opening(1);
    said.timeout_ms = 60000;
    open_as(1, &alice, &said);
    said.call = 2;
    said.timeout_ms = 5000;
    open_as(1, &alice, &said);
    uint32_t held = started(true);

    mcpz_time due = mcpz_calls_deadline(&calls);
    CHECK_UINT(due, 1 + MCPZ_SECONDS(5));
    step(due, (struct mcpz_event){.kind = MCPZ_EVENT_TICK});
    check_fail(MCPZ_CODE_NO_TIME);
    CHECK_UINT(only_action(MCPZ_ACTION_RUN_STOP)->run.run, held);
}

TEST(who_asks_too_often_is_told_when_to_come_back)
{
    const struct mcpz_gate_config config = {
        .tenants = {{.name = "t", .level = MCPZ_LEVEL_ONYX}},
        .tenant_count = 1,
    };

    set_up_with(&config);
    struct mcpz_msg_open said = opening(1);
    said.tenant = mcpz_text("t");
    for (said.call = 1; said.call <= 51; said.call++) {
        open_as(1, &alice, &said);
        end(1, started(false));
    }
    open_as(1, &alice, &said);
    check_fail(MCPZ_CODE_RATE_LIMITED);
    CHECK_UINT(sent(MCPZ_MSG_FAIL)->fail.retry_after_ms, 120);
}

/* ---- Draining ----------------------------------------------------------------------------- */

static void drain(mcpz_time now)
{
    const struct mcpz_event event = {
        .kind = MCPZ_EVENT_DRAIN,
        .drain = {.timeout_ms = 30000, .announce_ms = 1000},
    };

    mcpz_registry_step(&registry, now, &event, &out);
    step(now, event);
}

TEST(a_node_that_is_drained_sends_callers_elsewhere_and_finishes)
{
    set_up_hands(1);
    offer(&bob);
    struct mcpz_msg_open said = opening(1);
    open_as(1, &alice, &said);
    uint32_t run = started(false);
    drain(2);
    said.call = 2;
    open_as(3, &alice, &said);
    check_fail(MCPZ_CODE_DRAINING);
    CHECK(sent(MCPZ_MSG_FAIL)->fail.retry_after_ms > 0);
    end(4, run);
    CHECK_UINT(sent(MCPZ_MSG_END)->end.call, 1);

    step(5, (struct mcpz_event){.kind = MCPZ_EVENT_RESUME});
    open_as(6, &alice, &said);
    (void)started(false);
}

/* As long as the others may not know, whoever asks has nobody else to ask. */
TEST(the_only_one_that_offers_it_takes_calls_until_the_others_know)
{
    set_up_hands(2);
    drain(2);
    struct mcpz_msg_open said = opening(1);
    open_as(1 + MCPZ_MS(1000), &alice, &said);
    (void)started(false);
    said.call = 2;
    open_as(2 + MCPZ_MS(1000), &alice, &said);
    check_fail(MCPZ_CODE_DRAINING);
}

/* ---- Keys --------------------------------------------------------------------------------- */

TEST(a_call_with_a_known_key_gets_the_same_answer_and_is_not_run_again)
{
    set_up_hands(1);
    open_with_key(1, &alice, 1, "k");
    uint32_t run = started(false);
    output(2, run, mcpz_text("re"));
    output(2, run, mcpz_text("sult"));
    end(3, run);

    open_with_key(4, &bob, 7, "k");
    CHECK_UINT(count_actions(MCPZ_ACTION_RUN_START), 0);
    CHECK_BYTES(sent(MCPZ_MSG_END)->end.chunk, "result", 6);
    CHECK_UINT(sent(MCPZ_MSG_END)->end.call, 7);
    CHECK_UINT(calls.provider.table.count, 0);
}

TEST(the_last_of_a_result_is_a_part_of_it)
{
    set_up_hands(1);
    open_with_key(1, &alice, 1, "k");
    uint32_t run = started(false);
    output(2, run, mcpz_text("re"));
    step(3, (struct mcpz_event){.kind = MCPZ_EVENT_RUN_END,
                                .run = {.run = run, .chunk = mcpz_text("sult")}});
    CHECK_BYTES(sent(MCPZ_MSG_END)->end.chunk, "sult", 4);
    open_with_key(4, &bob, 7, "k");
    CHECK_BYTES(sent(MCPZ_MSG_END)->end.chunk, "result", 6);
}

TEST(a_second_call_with_a_key_waits_for_the_first)
{
    set_up_hands(1);
    open_with_key(1, &alice, 1, "k");
    uint32_t run = started(false);
    open_with_key(2, &bob, 7, "k");
    CHECK_UINT(out.count, 0);
    output(3, run, mcpz_text("result"));
    CHECK_UINT(sent(MCPZ_MSG_DATA)->data.call, 1);
    end(4, run);
    CHECK_UINT(count_actions(MCPZ_ACTION_SEND), 2);
    CHECK(mcpz_id_equal(&out.actions[1].send.peers[0], &bob));
    CHECK_BYTES(out.actions[1].send.msg.end.chunk, "result", 6);
    CHECK_UINT(out.actions[1].send.msg.end.call, 7);
    CHECK_UINT(calls.provider.table.count, 0);
}

TEST(what_others_wait_for_goes_on_without_its_caller)
{
    set_up_hands(1);
    open_with_key(1, &alice, 1, "k");
    uint32_t run = started(false);
    open_with_key(2, &bob, 7, "k");
    tell(3, MCPZ_FACT_UNLINKED, &alice);
    CHECK_UINT(out.count, 0);

    /* It comes back, and waits too. */
    open_with_key(4, &alice, 1, "k");
    CHECK_UINT(out.count, 0);
    output(5, run, mcpz_text("result"));
    CHECK_UINT(only_action(MCPZ_ACTION_RUN_PULL)->run.credit, 6);
    CHECK_UINT(out.count, 1);
    end(6, run);
    CHECK_UINT(count_actions(MCPZ_ACTION_SEND), 2);
    CHECK_UINT(calls.provider.table.count, 0);
    CHECK_UINT(calls.provider.by_call.count, 0);
}

TEST(what_nobody_waits_for_is_stopped_and_its_key_is_free)
{
    set_up_hands(1);
    open_with_key(1, &alice, 1, "k");
    open_with_key(2, &bob, 7, "k");
    tell(3, MCPZ_FACT_UNLINKED, &bob);
    CHECK_UINT(count_actions(MCPZ_ACTION_RUN_STOP), 0);
    receive(4, &alice, (struct mcpz_msg){.kind = MCPZ_MSG_CANCEL, .cancel = {.call = 1}});
    CHECK_UINT(count_actions(MCPZ_ACTION_RUN_STOP), 1);
    open_with_key(5, &bob, 8, "k");
    (void)started(false);
}

TEST(a_failure_is_that_of_all_who_waited_and_may_be_tried_again)
{
    set_up_hands(1);
    open_with_key(1, &alice, 1, "k");
    uint32_t run = started(false);
    open_with_key(2, &bob, 7, "k");
    step(3, (struct mcpz_event){.kind = MCPZ_EVENT_RUN_FAIL,
                                .run = {.run = run, .code = MCPZ_CODE_PROVIDER_FAILED}});
    CHECK_UINT(count_actions(MCPZ_ACTION_SEND), 2);
    CHECK_UINT(out.actions[1].send.msg.fail.call, 7);
    CHECK_UINT(out.actions[1].send.msg.fail.code, MCPZ_CODE_PROVIDER_FAILED);
    open_with_key(4, &bob, 8, "k");
    (void)started(false);
}

TEST(a_result_that_is_too_large_is_not_made_a_second_time)
{
    static uint8_t large[MCPZ_ANSWER_KEPT_MAX + 1];

    set_up_hands(1);
    open_with_key(1, &alice, 1, "k");
    uint32_t run = started(false);
    open_with_key(2, &bob, 7, "k");
    output(3, run, mcpz_bytes(large, sizeof(large)));
    CHECK_UINT(sent(MCPZ_MSG_DATA)->data.chunk.length, sizeof(large));
    end(4, run);
    CHECK_UINT(out.actions[1].send.msg.fail.code, MCPZ_CODE_CONFLICT);
    open_with_key(5, &bob, 8, "k");
    CHECK_UINT(count_actions(MCPZ_ACTION_RUN_START), 0);
    check_fail(MCPZ_CODE_CONFLICT);
}

TEST(a_key_is_not_for_other_parameters)
{
    set_up_hands(1);
    open_with_key(1, &alice, 1, "k");
    struct mcpz_msg_open said = opening(2);
    said.idempotency_key = mcpz_text("k");
    said.params = mcpz_text("[]");
    open_as(2, &bob, &said);
    check_fail(MCPZ_CODE_CONFLICT);
}

/* A call that was refused has done nothing: its key is as good as new. */
TEST(a_refusal_is_no_answer)
{
    set_up_hands(1);
    struct mcpz_msg_open said = opening(1);
    open_as(1, &alice, &said);
    said.call = 2;
    open_as(1, &bob, &said);
    open_with_key(2, &bob, 3, "k");
    check_fail(MCPZ_CODE_OVERLOADED);
    receive(3, &bob, (struct mcpz_msg){.kind = MCPZ_MSG_CANCEL, .cancel = {.call = 2}});
    open_with_key(4, &bob, 4, "k");
    (void)started(true);
}

/* More of them than one step may end: the rest is ended in the next ones, and gets the same. */
TEST(many_who_wait_are_all_answered)
{
    size_t answered = 0;

    set_up();
    begin_with(1, MCPZ_CALLS_MAX);
    provide();
    open_with_key(1, &alice, 1, "k");
    uint32_t run = started(false);
    for (uint64_t call = 2; call <= MCPZ_CALLS_MAX; call++) {
        open_with_key(2, &bob, call, "k");
        CHECK_UINT(out.count, 0);
    }
    output(3, run, mcpz_text("result"));
    end(4, run);
    for (int i = 0; i < 1000 && calls.provider.table.count > 0; i++) {
        CHECK(out.count <= MCPZ_OUTBOX_MAX / 2);
        answered += count_actions(MCPZ_ACTION_SEND);
        CHECK_UINT(mcpz_calls_deadline(&calls), 4);
        step(4, (struct mcpz_event){.kind = MCPZ_EVENT_TICK});
    }
    answered += count_actions(MCPZ_ACTION_SEND);
    CHECK_UINT(answered, MCPZ_CALLS_MAX);
}

TEST_MAIN(RUN(a_call_that_wants_more_isolation_than_there_is_is_refused),
          RUN(a_call_that_cannot_begin_is_held_and_goes_when_there_is_room),
          RUN(one_that_fails_or_is_cancelled_lets_the_next_go),
          RUN(the_more_important_takes_a_place_and_the_other_is_told_when_to_come_back),
          RUN(one_call_too_many_is_told_so_at_once),
          RUN(one_that_waits_in_vain_is_told_while_it_can_go_elsewhere),
          RUN(who_asks_too_often_is_told_when_to_come_back),
          RUN(a_node_that_is_drained_sends_callers_elsewhere_and_finishes),
          RUN(the_only_one_that_offers_it_takes_calls_until_the_others_know),
          RUN(a_call_with_a_known_key_gets_the_same_answer_and_is_not_run_again),
          RUN(the_last_of_a_result_is_a_part_of_it),
          RUN(a_second_call_with_a_key_waits_for_the_first),
          RUN(what_others_wait_for_goes_on_without_its_caller),
          RUN(what_nobody_waits_for_is_stopped_and_its_key_is_free),
          RUN(a_failure_is_that_of_all_who_waited_and_may_be_tried_again),
          RUN(a_result_that_is_too_large_is_not_made_a_second_time),
          RUN(a_key_is_not_for_other_parameters), RUN(a_refusal_is_no_answer),
          RUN(many_who_wait_are_all_answered))
