#include "calls_world.h"

static uint8_t bytes[MCPZ_CHUNK_BYTES_MAX];

TEST(a_task_nobody_offers_fails_at_once)
{
    set_up();
    start(0, 1, false);
    check_done(MCPZ_CODE_NO_PROVIDER);
}

TEST(a_task_goes_to_who_offers_it_and_its_answer_comes_back)
{
    uint64_t call = open_at_alice(false);
    receive(1, &alice,
            (struct mcpz_msg){.kind = MCPZ_MSG_DATA,
                              .data = {.call = call, .chunk = mcpz_text("out")}});
    CHECK_BYTES(only_action(MCPZ_ACTION_TASK_OUTPUT)->task.chunk, "out", 3);
    receive(2, &alice, (struct mcpz_msg){.kind = MCPZ_MSG_END, .end = {.call = call}});
    check_done(MCPZ_CODE_OK);
    CHECK(mcpz_id_equal(&only_action(MCPZ_ACTION_TASK_DONE)->task.provider, &alice));
}

/* Whom it called before it was killed may not have noticed: that one would answer the old call. */
TEST(calls_of_another_life_have_other_numbers)
{
    life = 7;
    const uint64_t before = open_at_alice(false);
    life = 8;
    const uint64_t call = open_at_alice(false);
    life = 0;
    CHECK(call > before);
    CHECK(call - before > UINT32_MAX); /* and so have all that one life can make */
}

/* What the caller's edge says of a call reaches the provider's, on the wire as it was said. */
TEST(what_is_said_of_a_task_goes_with_it)
{
    set_up();
    link_with(&alice);
    step(0, (struct mcpz_event){.kind = MCPZ_EVENT_TASK_START,
                                .task = {.request = 1,
                                         .capability = mcpz_text("x"),
                                         .params = mcpz_text("{}"),
                                         .timeout_ms = 1000,
                                         .priority = MCPZ_PRIORITY_MAX,
                                         .tenant = mcpz_text("t"),
                                         .traceparent = mcpz_text("p"),
                                         .idempotency_key = mcpz_text("k"),
                                         .idempotent = true}});
    struct mcpz_msg opened = *sent(MCPZ_MSG_OPEN);
    CHECK_UINT(opened.open.priority, MCPZ_PRIORITY_MAX);
    CHECK_BYTES(opened.open.tenant, "t", 1);
    CHECK_BYTES(opened.open.traceparent, "p", 1);
    CHECK_BYTES(opened.open.idempotency_key, "k", 1);
    CHECK(opened.open.idempotent);

    set_up();
    provide();
    receive(0, &alice, opened);
    const struct mcpz_action_run *run = &only_action(MCPZ_ACTION_RUN_START)->run;
    CHECK_UINT(run->priority, MCPZ_PRIORITY_MAX);
    CHECK_BYTES(run->tenant, "t", 1);
    CHECK_BYTES(run->traceparent, "p", 1);
    CHECK_BYTES(run->idempotency_key, "k", 1);
    CHECK(run->idempotent);
}

TEST(when_to_come_back_reaches_the_caller)
{
    uint32_t run = serve_alice(7, false);
    step(1, (struct mcpz_event){
                .kind = MCPZ_EVENT_RUN_FAIL,
                .run = {.run = run, .code = MCPZ_CODE_BUSY, .retry_after_ms = 1500},
            });
    CHECK_UINT(sent(MCPZ_MSG_FAIL)->fail.retry_after_ms, 1500);

    uint64_t call = open_at_alice(false);
    struct mcpz_msg fail = fail_with(call, MCPZ_CODE_BUSY);
    fail.fail.retry_after_ms = 1500;
    receive(1, &alice, fail);
    check_done(MCPZ_CODE_BUSY);
    CHECK_UINT(only_action(MCPZ_ACTION_TASK_DONE)->task.retry_after_ms, 1500);
}

/* Not a member, gone, or one that dials out only: there is no way to it. */
TEST(a_provider_that_cannot_be_reached_is_not_asked)
{
    set_up();
    offer(&alice);
    start(0, 1, false);
    check_done(MCPZ_CODE_NO_PROVIDER);

    set_up();
    know(&alice, "");
    start(0, 1, false);
    check_done(MCPZ_CODE_NO_PROVIDER);

    set_up();
    know(&alice, "a:1")->state = MCPZ_MEMBER_LEFT;
    start(0, 1, false);
    check_done(MCPZ_CODE_NO_PROVIDER);
}

TEST(a_provider_without_a_link_is_reached_first)
{
    set_up();
    know(&alice, "a:1");
    start(0, 1, true);
    CHECK(mcpz_id_equal(&only_action(MCPZ_ACTION_REACH)->reach.peer, &alice));
    CHECK_UINT(out.count, 1); /* nothing is sent, and no input asked for */
    start(1, 1, true);
    CHECK_UINT(out.count, 0); /* it is under way */

    tell(2, MCPZ_FACT_LINKED, &bob);
    CHECK_UINT(out.count, 0);
    link_up(&alice);
    tell(3, MCPZ_FACT_LINKED, &alice);
    CHECK_UINT(only_action(MCPZ_ACTION_TASK_RETRY)->task.request, 1);
    CHECK_UINT(out.count, 1);
    start(MCPZ_MS(10), 1, true);
    CHECK(mcpz_id_equal(&only_action(MCPZ_ACTION_SEND)->send.peers[0], &alice));
    CHECK_UINT(sent(MCPZ_MSG_OPEN)->open.attempt, 1);
    CHECK_UINT(sent(MCPZ_MSG_OPEN)->open.timeout_ms, 990);
    CHECK_UINT(calls.caller.retried, 0);
}

/* The one that a task waits for; the other one. */
static struct mcpz_id reach_one_of_two(struct mcpz_id *other)
{
    set_up();
    know(&alice, "a:1");
    know(&bob, "b:1");
    start(0, 1, false);
    struct mcpz_id first = only_action(MCPZ_ACTION_REACH)->reach.peer;
    *other = mcpz_id_equal(&first, &alice) ? bob : alice;
    return first;
}

TEST(a_provider_that_turns_out_unreachable_gives_way_to_the_next)
{
    struct mcpz_id second;
    struct mcpz_id first = reach_one_of_two(&second);

    tell(1, MCPZ_FACT_UNREACHABLE, &second); /* nobody waits for that one */
    CHECK_UINT(out.count, 0);
    tell(1, MCPZ_FACT_UNREACHABLE, &first);
    CHECK_UINT(only_action(MCPZ_ACTION_TASK_RETRY)->task.request, 1);
    CHECK(has_fact(MCPZ_FACT_CALL_FAILED, &first));

    start(2, 1, false);
    CHECK(mcpz_id_equal(&only_action(MCPZ_ACTION_REACH)->reach.peer, &second));
    tell(3, MCPZ_FACT_UNREACHABLE, &second);
    check_done(MCPZ_CODE_PROVIDER_LOST);
    CHECK_UINT(only_action(MCPZ_ACTION_TASK_DONE)->task.attempts, 2);
}

TEST(the_next_one_is_asked_as_a_second_attempt)
{
    struct mcpz_id second;
    struct mcpz_id first = reach_one_of_two(&second);

    tell(1, MCPZ_FACT_UNREACHABLE, &first);
    start(2, 1, false);
    link_up(&second);
    tell(3, MCPZ_FACT_LINKED, &second);
    start(4, 1, false);
    CHECK(mcpz_id_equal(&only_action(MCPZ_ACTION_SEND)->send.peers[0], &second));
    CHECK_UINT(sent(MCPZ_MSG_OPEN)->open.attempt, 2);
}

TEST(a_link_that_is_gone_again_is_reached_for_again)
{
    set_up();
    know(&alice, "a:1");
    start(0, 1, false);
    tell(1, MCPZ_FACT_LINKED, &alice); /* and lost before the edge says it again */
    CHECK_UINT(count_actions(MCPZ_ACTION_TASK_RETRY), 1);
    start(2, 1, false);
    CHECK(mcpz_id_equal(&only_action(MCPZ_ACTION_REACH)->reach.peer, &alice));
}

/* Two dials have crossed: what went over the link that gave way may be lost. */
TEST(a_call_is_said_again_when_another_link_takes_the_place_of_its_own)
{
    uint64_t call = open_at_alice(false);
    tell(1, MCPZ_FACT_LINKED, &bob);
    CHECK_UINT(out.count, 0);
    tell(1, MCPZ_FACT_LINKED, &alice);
    CHECK_UINT(sent(MCPZ_MSG_CANCEL)->cancel.call, call); /* if it did arrive */
    CHECK_UINT(only_action(MCPZ_ACTION_TASK_RETRY)->task.request, 1);
    start(2, 1, false);
    CHECK(mcpz_id_equal(&only_action(MCPZ_ACTION_SEND)->send.peers[0], &alice));
    CHECK(sent(MCPZ_MSG_OPEN)->open.call != call);
    CHECK_UINT(sent(MCPZ_MSG_OPEN)->open.attempt, 1);
}

TEST(an_answer_cut_short_by_another_link_is_not_taken_for_whole)
{
    uint64_t call = open_at_alice(false);
    receive(1, &alice,
            (struct mcpz_msg){.kind = MCPZ_MSG_DATA,
                              .data = {.call = call, .chunk = mcpz_text("half")}});
    tell(1, MCPZ_FACT_LINKED, &alice);
    CHECK_UINT(sent(MCPZ_MSG_CANCEL)->cancel.call, call);
    check_done(MCPZ_CODE_PROVIDER_LOST);
}

TEST(time_runs_out_while_a_provider_is_reached)
{
    set_up();
    know(&alice, "a:1");
    start(0, 1, false);
    CHECK_UINT(mcpz_calls_deadline(&calls), MCPZ_MS(1000));
    step(MCPZ_MS(1000), (struct mcpz_event){.kind = MCPZ_EVENT_TICK});
    CHECK_UINT(count_actions(MCPZ_ACTION_SEND), 0); /* it knows nothing that could be cancelled */
    check_done(MCPZ_CODE_TIMEOUT);
}

TEST(a_task_cancelled_while_its_provider_is_reached_is_forgotten)
{
    set_up();
    know(&alice, "a:1");
    start(0, 1, false);
    step(1, (struct mcpz_event){.kind = MCPZ_EVENT_TASK_CANCEL, .task = {.request = 1}});
    CHECK_UINT(out.count, 0);
    CHECK_UINT(calls.caller.table.count, 0);
    tell(2, MCPZ_FACT_LINKED, &alice);
    CHECK_UINT(out.count, 0);
}

TEST(of_equals_the_linked_one_is_asked)
{
    for (uint64_t seed = 1; seed <= 8; seed++) {
        set_up();
        begin(seed);
        know(&alice, "a:1");
        know(&bob, "b:1");
        link_up(&bob);
        start(0, 1, false);
        CHECK(mcpz_id_equal(&only_action(MCPZ_ACTION_SEND)->send.peers[0], &bob));
        start(0, 2, false); /* one call more weighs more than a handshake */
        CHECK(mcpz_id_equal(&only_action(MCPZ_ACTION_REACH)->reach.peer, &alice));
    }
}

TEST(a_suspect_is_asked_only_when_nobody_else_is_there)
{
    set_up();
    know(&alice, "a:1")->state = MCPZ_MEMBER_SUSPECT;
    link_up(&alice);
    start(0, 1, false);
    CHECK(mcpz_id_equal(&only_action(MCPZ_ACTION_SEND)->send.peers[0], &alice));

    know(&bob, "b:1");
    start(0, 2, false);
    CHECK(mcpz_id_equal(&only_action(MCPZ_ACTION_REACH)->reach.peer, &bob));
    link_up(&bob);
    tell(0, MCPZ_FACT_LINKED, &bob);
    for (uint64_t request = 2; request < 32; request++) { /* however much there is to do */
        start(0, request, false);
        const struct mcpz_id asked = opened_at();
        CHECK(mcpz_id_equal(&asked, &bob));
    }
}

TEST(we_are_a_provider_too)
{
    set_up();
    provide();
    start(0, 1, false);
    CHECK(mcpz_id_equal(&only_action(MCPZ_ACTION_SEND)->send.peers[0], &self));
}

TEST(the_one_with_fewer_calls_under_way_is_asked)
{
    set_up();
    link_with(&alice);
    link_with(&bob);
    start(0, 1, false);
    const struct mcpz_id first = opened_at();
    start(0, 2, false);
    const struct mcpz_id second = opened_at();
    CHECK(!mcpz_id_equal(&second, &first));
}

TEST(input_flows_within_the_window)
{
    uint64_t call = open_at_alice(true);
    CHECK_UINT(only_action(MCPZ_ACTION_TASK_PULL)->task.credit, MCPZ_CALL_WINDOW_BYTES);
    for (size_t i = 0; i < MCPZ_CALL_WINDOW_BYTES / MCPZ_CHUNK_BYTES_MAX; i++) {
        step(1, (struct mcpz_event){
                    .kind = MCPZ_EVENT_TASK_INPUT,
                    .task = {.request = 1, .chunk = mcpz_bytes(bytes, sizeof(bytes))}});
        CHECK(sent(MCPZ_MSG_DATA)->data.from_caller);
    }
    CHECK_UINT(calls.caller.slots[0].send_credit, 0);
    receive(2, &alice,
            (struct mcpz_msg){.kind = MCPZ_MSG_CREDIT, .credit = {.call = call, .bytes = 100}});
    CHECK_UINT(only_action(MCPZ_ACTION_TASK_PULL)->task.credit, 100);
    step(3, (struct mcpz_event){.kind = MCPZ_EVENT_TASK_INPUT_END, .task = {.request = 1}});
    CHECK(sent(MCPZ_MSG_END)->end.from_caller);
}

TEST(credit_never_widens_the_window_beyond_its_start)
{
    uint64_t call = open_at_alice(true);
    receive(
        2, &alice,
        (struct mcpz_msg){.kind = MCPZ_MSG_CREDIT, .credit = {.call = call, .bytes = UINT32_MAX}});
    CHECK_UINT(calls.caller.slots[0].send_credit, MCPZ_CALL_WINDOW_BYTES);
}

TEST(a_provider_that_sends_too_much_is_cancelled)
{
    uint64_t call = open_at_alice(false);
    struct mcpz_msg data = {.kind = MCPZ_MSG_DATA,
                            .data = {.call = call, .chunk = mcpz_bytes(bytes, sizeof(bytes))}};
    for (size_t i = 0; i < MCPZ_CALL_WINDOW_BYTES / MCPZ_CHUNK_BYTES_MAX; i++) {
        receive(1, &alice, data);
    }
    data.data.chunk.length = 1;
    receive(1, &alice, data);
    CHECK(sent(MCPZ_MSG_CANCEL) != NULL);
    check_done(MCPZ_CODE_INTERNAL);
}

TEST(a_lost_provider_is_replaced_by_another_one)
{
    set_up();
    link_with(&alice);
    link_with(&bob);
    start(0, 1, false);
    struct mcpz_id first = only_action(MCPZ_ACTION_SEND)->send.peers[0];
    step(1, (struct mcpz_event){.kind = MCPZ_EVENT_FACT,
                                .fact = {.kind = MCPZ_FACT_UNLINKED, .about = first}});
    CHECK_UINT(only_action(MCPZ_ACTION_TASK_RETRY)->task.request, 1);
    CHECK(has_fact(MCPZ_FACT_CALL_FAILED, &first));

    start(2, 1, false);
    CHECK(!mcpz_id_equal(&only_action(MCPZ_ACTION_SEND)->send.peers[0], &first));
    CHECK_UINT(sent(MCPZ_MSG_OPEN)->open.attempt, 2);
    CHECK_UINT(sent(MCPZ_MSG_OPEN)->open.timeout_ms, 1000);
}

TEST(without_another_provider_the_reason_is_told)
{
    (void)open_at_alice(false);
    step(1, (struct mcpz_event){.kind = MCPZ_EVENT_FACT,
                                .fact = {.kind = MCPZ_FACT_UNLINKED, .about = alice}});
    check_done(MCPZ_CODE_PROVIDER_LOST);
    CHECK_UINT(only_action(MCPZ_ACTION_TASK_DONE)->task.attempts, 1);
}

/* It was asked over the link that is gone, and may have done it: that nobody offers it now would
 * say that it did not. */
TEST(who_was_asked_over_a_replaced_link_is_lost_and_not_unknown)
{
    struct mcpz_event down = {.kind = MCPZ_EVENT_LINK_DOWN, .link = {.peer = alice}};

    (void)open_at_alice(false);
    tell(1, MCPZ_FACT_LINKED, &alice);
    CHECK_UINT(only_action(MCPZ_ACTION_TASK_RETRY)->task.request, 1);
    (void)mcpz_links_step(&fabric.links, 2, &down, &out);
    tell(2, MCPZ_FACT_UNLINKED, &alice);
    start(3, 1, false);
    check_done(MCPZ_CODE_PROVIDER_LOST);
}

TEST(without_another_provider_its_own_words_are_told)
{
    uint64_t call = open_at_alice(false);
    struct mcpz_msg fail = fail_with(call, MCPZ_CODE_START_FAILED);
    fail.fail.text = mcpz_text("no descriptors left");
    receive(1, &alice, fail);
    check_done(MCPZ_CODE_START_FAILED);
    CHECK_BYTES(only_action(MCPZ_ACTION_TASK_DONE)->task.text, "no descriptors left", 19);
}

TEST(once_output_has_come_nobody_else_is_tried)
{
    uint64_t call = open_at_alice(false);
    receive(1, &alice,
            (struct mcpz_msg){.kind = MCPZ_MSG_DATA,
                              .data = {.call = call, .chunk = mcpz_text("half")}});
    step(1, (struct mcpz_event){.kind = MCPZ_EVENT_FACT,
                                .fact = {.kind = MCPZ_FACT_UNLINKED, .about = alice}});
    check_done(MCPZ_CODE_PROVIDER_LOST);
}

TEST(a_failure_of_the_task_itself_is_final)
{
    uint64_t call = open_at_alice(false);
    receive(1, &alice, fail_with(call, MCPZ_CODE_PROVIDER_FAILED));
    check_done(MCPZ_CODE_PROVIDER_FAILED);
}

TEST(a_failure_without_a_code_is_a_failure_all_the_same)
{
    uint64_t call = open_at_alice(false);
    receive(1, &alice, fail_with(call, MCPZ_CODE_OK));
    check_done(MCPZ_CODE_INTERNAL);
}

TEST(input_said_before_the_second_start_is_dropped)
{
    uint64_t call = open_at_alice(true);
    link_with(&bob);
    receive(1, &alice, fail_with(call, MCPZ_CODE_BUSY));
    CHECK_UINT(count_actions(MCPZ_ACTION_TASK_RETRY), 0); /* it backs off */
    const mcpz_time again_us = mcpz_calls_deadline(&calls);
    CHECK(again_us <= 1 + MCPZ_RETRY_BACKOFF_US);
    step(again_us, (struct mcpz_event){.kind = MCPZ_EVENT_TICK});
    CHECK_UINT(count_actions(MCPZ_ACTION_TASK_RETRY), 1);
    CHECK_UINT(mcpz_calls_deadline(&calls), MCPZ_MS(1000));
    step(again_us, (struct mcpz_event){.kind = MCPZ_EVENT_TASK_INPUT,
                                       .task = {.request = 1, .chunk = mcpz_text("stale")}});
    CHECK_UINT(out.count, 0);
}

TEST(time_runs_out_on_both_sides)
{
    (void)open_at_alice(false);
    CHECK_UINT(mcpz_calls_deadline(&calls), MCPZ_MS(1000));
    step(MCPZ_MS(1000), (struct mcpz_event){.kind = MCPZ_EVENT_TICK});
    CHECK(sent(MCPZ_MSG_CANCEL) != NULL);
    check_done(MCPZ_CODE_TIMEOUT);

    (void)serve_alice(5, false);
    step(mcpz_calls_deadline(&calls), (struct mcpz_event){.kind = MCPZ_EVENT_TICK});
    CHECK_UINT(count_actions(MCPZ_ACTION_RUN_STOP), 1);
    CHECK_UINT(sent(MCPZ_MSG_FAIL)->fail.code, MCPZ_CODE_TIMEOUT);
}

TEST(cancelling_reaches_the_provider)
{
    (void)open_at_alice(false);
    step(1, (struct mcpz_event){.kind = MCPZ_EVENT_TASK_CANCEL, .task = {.request = 1}});
    CHECK(sent(MCPZ_MSG_CANCEL) != NULL);
    CHECK_UINT(calls.caller.table.count, 0);

    uint32_t run = serve_alice(5, false);
    receive(1, &alice, (struct mcpz_msg){.kind = MCPZ_MSG_CANCEL, .cancel = {5}});
    CHECK_UINT(only_action(MCPZ_ACTION_RUN_STOP)->run.run, run);
    CHECK_UINT(calls.provider.table.count, 0);
}

TEST(a_dead_caller_stops_its_runs)
{
    (void)serve_alice(5, false);
    step(1, (struct mcpz_event){.kind = MCPZ_EVENT_FACT,
                                .fact = {.kind = MCPZ_FACT_UNLINKED, .about = alice}});
    CHECK_UINT(count_actions(MCPZ_ACTION_RUN_STOP), 1);
    CHECK_UINT(calls.provider.table.count, 0);
}

TEST(what_we_do_not_offer_we_do_not_run)
{
    set_up();
    receive(0, &alice,
            (struct mcpz_msg){.kind = MCPZ_MSG_OPEN,
                              .open = {.call = 1, .capability = mcpz_text("x"), .timeout_ms = 1}});
    CHECK_UINT(sent(MCPZ_MSG_FAIL)->fail.code, MCPZ_CODE_NOT_OFFERED);
}

TEST(a_call_without_time_is_refused)
{
    set_up();
    provide();
    receive(0, &alice,
            (struct mcpz_msg){.kind = MCPZ_MSG_OPEN,
                              .open = {.call = 1, .capability = mcpz_text("x")}});
    CHECK_UINT(sent(MCPZ_MSG_FAIL)->fail.code, MCPZ_CODE_TIMEOUT);
}

TEST(a_call_said_twice_runs_once)
{
    (void)serve_alice(5, false);
    receive(
        0, &alice,
        (struct mcpz_msg){.kind = MCPZ_MSG_OPEN,
                          .open = {.call = 5, .capability = mcpz_text("x"), .timeout_ms = 1000}});
    CHECK_UINT(out.count, 0);
}

TEST(input_reaches_the_run_and_ends)
{
    uint32_t run = serve_alice(5, true);
    receive(1, &alice,
            (struct mcpz_msg){.kind = MCPZ_MSG_DATA,
                              .data = {.call = 5, .from_caller = true, .chunk = mcpz_text("in")}});
    CHECK_UINT(only_action(MCPZ_ACTION_RUN_INPUT)->run.run, run);
    struct mcpz_msg end = {.kind = MCPZ_MSG_END, .end = {.call = 5, .from_caller = true}};
    receive(1, &alice, end);
    CHECK_UINT(only_action(MCPZ_ACTION_RUN_INPUT_END)->run.run, run);
    receive(1, &alice, end);
    CHECK_UINT(out.count, 0);
}

TEST(a_caller_that_sends_too_much_is_refused)
{
    (void)serve_alice(5, true);
    struct mcpz_msg data = {
        .kind = MCPZ_MSG_DATA,
        .data = {.call = 5, .from_caller = true, .chunk = mcpz_bytes(bytes, sizeof(bytes))}};
    for (size_t i = 0; i < MCPZ_CALL_WINDOW_BYTES / MCPZ_CHUNK_BYTES_MAX; i++) {
        receive(1, &alice, data);
    }
    receive(1, &alice, data);
    CHECK_UINT(sent(MCPZ_MSG_FAIL)->fail.code, MCPZ_CODE_BAD_REQUEST);
    CHECK_UINT(count_actions(MCPZ_ACTION_RUN_STOP), 1);
}

TEST(input_nobody_announced_is_dropped)
{
    (void)serve_alice(5, false);
    receive(1, &alice,
            (struct mcpz_msg){.kind = MCPZ_MSG_DATA,
                              .data = {.call = 5, .from_caller = true, .chunk = mcpz_text("in")}});
    CHECK_UINT(out.count, 0);
}

TEST(a_run_that_was_stopped_is_not_heard)
{
    uint32_t run = serve_alice(5, false);
    receive(1, &alice, (struct mcpz_msg){.kind = MCPZ_MSG_CANCEL, .cancel = {5}});
    step(2, (struct mcpz_event){.kind = MCPZ_EVENT_RUN_END, .run = {.run = run}});
    CHECK_UINT(out.count, 0);
}

TEST(one_call_too_many_is_busy_on_both_sides)
{
    set_up();
    provide();
    open_wide();
    link_with(&alice);
    for (uint64_t i = 1; i <= CALLS; i++) {
        start(0, i, false);
        CHECK_UINT(count_actions(MCPZ_ACTION_TASK_DONE), 0);
        receive(0, &alice,
                (struct mcpz_msg){
                    .kind = MCPZ_MSG_OPEN,
                    .open = {.call = i, .capability = mcpz_text("x"), .timeout_ms = 1000}});
        CHECK_UINT(count_actions(MCPZ_ACTION_RUN_START), 1);
    }
    start(0, CALLS + 1, false);
    CHECK_UINT(only_action(MCPZ_ACTION_TASK_DONE)->task.code, MCPZ_CODE_BUSY);
    receive(0, &alice,
            (struct mcpz_msg){
                .kind = MCPZ_MSG_OPEN,
                .open = {.call = CALLS + 1, .capability = mcpz_text("x"), .timeout_ms = 1000}});
    CHECK_UINT(sent(MCPZ_MSG_FAIL)->fail.code, MCPZ_CODE_BUSY);
    CHECK_UINT(sent(MCPZ_MSG_FAIL)->fail.retry_after_ms, MCPZ_RETRY_AFTER_MS);
}

TEST(answers_of_somebody_else_are_not_ours)
{
    uint64_t call = open_at_alice(false);
    receive(1, &bob, (struct mcpz_msg){.kind = MCPZ_MSG_END, .end = {.call = call}});
    CHECK_UINT(out.count, 0);
    CHECK_UINT(calls.caller.table.count, 1);
}

TEST_MAIN(RUN(a_task_nobody_offers_fails_at_once),
          RUN(a_task_goes_to_who_offers_it_and_its_answer_comes_back),
          RUN(calls_of_another_life_have_other_numbers), RUN(what_is_said_of_a_task_goes_with_it),
          RUN(when_to_come_back_reaches_the_caller),
          RUN(a_provider_that_cannot_be_reached_is_not_asked),
          RUN(a_provider_without_a_link_is_reached_first),
          RUN(a_provider_that_turns_out_unreachable_gives_way_to_the_next),
          RUN(the_next_one_is_asked_as_a_second_attempt),
          RUN(a_link_that_is_gone_again_is_reached_for_again),
          RUN(a_call_is_said_again_when_another_link_takes_the_place_of_its_own),
          RUN(an_answer_cut_short_by_another_link_is_not_taken_for_whole),
          RUN(time_runs_out_while_a_provider_is_reached),
          RUN(a_task_cancelled_while_its_provider_is_reached_is_forgotten),
          RUN(of_equals_the_linked_one_is_asked),
          RUN(a_suspect_is_asked_only_when_nobody_else_is_there), RUN(we_are_a_provider_too),
          RUN(the_one_with_fewer_calls_under_way_is_asked), RUN(input_flows_within_the_window),
          RUN(credit_never_widens_the_window_beyond_its_start),
          RUN(a_provider_that_sends_too_much_is_cancelled),
          RUN(a_lost_provider_is_replaced_by_another_one),
          RUN(without_another_provider_the_reason_is_told),
          RUN(who_was_asked_over_a_replaced_link_is_lost_and_not_unknown),
          RUN(without_another_provider_its_own_words_are_told),
          RUN(once_output_has_come_nobody_else_is_tried),
          RUN(a_failure_of_the_task_itself_is_final),
          RUN(a_failure_without_a_code_is_a_failure_all_the_same),
          RUN(input_said_before_the_second_start_is_dropped), RUN(time_runs_out_on_both_sides),
          RUN(cancelling_reaches_the_provider), RUN(a_dead_caller_stops_its_runs),
          RUN(what_we_do_not_offer_we_do_not_run), RUN(a_call_without_time_is_refused),
          RUN(a_call_said_twice_runs_once), RUN(input_reaches_the_run_and_ends),
          RUN(a_caller_that_sends_too_much_is_refused), RUN(input_nobody_announced_is_dropped),
          RUN(a_run_that_was_stopped_is_not_heard), RUN(one_call_too_many_is_busy_on_both_sides),
          RUN(answers_of_somebody_else_are_not_ours))
