/* What the caller's side makes of core/router/router.h: hedges, moves, refusals. */

#include "calls_world.h"

static uint64_t next_request;

static void start_kind(mcpz_time now, uint64_t request, bool repeatable, bool has_input)
{
    step(now, (struct mcpz_event){.kind = MCPZ_EVENT_TASK_START,
                                  .task = {.request = request,
                                           .capability = mcpz_text("x"),
                                           .params = mcpz_text("{}"),
                                           .idempotent = repeatable,
                                           .has_input = has_input,
                                           .priority = MCPZ_PRIORITY_DEFAULT,
                                           .timeout_ms = 10000}});
}

static void tick(mcpz_time now)
{
    step(now, (struct mcpz_event){.kind = MCPZ_EVENT_TICK});
}

/* To whom the only OPEN goes, and under which number. */
static struct mcpz_id opened(uint64_t *call)
{
    *call = sent(MCPZ_MSG_OPEN)->open.call;
    return opened_at();
}

static void end_call(mcpz_time now, const struct mcpz_id *from, uint64_t call)
{
    receive(now, from, (struct mcpz_msg){.kind = MCPZ_MSG_END, .end = {.call = call}});
}

static const struct mcpz_id *other_than(const struct mcpz_id *id)
{
    return mcpz_id_equal(id, &alice) ? &bob : &alice;
}

/* Alice and bob are there, and forty calls have shown that they need a millisecond. */
static void set_up_two(void)
{
    uint64_t call;

    set_up();
    link_with(&alice);
    link_with(&bob);
    next_request = 1;
    for (size_t i = 0; i < 40; i++) {
        start_kind(i * MCPZ_MS(2), next_request++, true, false);
        const struct mcpz_id at = opened(&call);
        end_call(i * MCPZ_MS(2) + MCPZ_MS(1), &at, call);
    }
    CHECK_UINT(calls.caller.done, 40);
}

#define BEGIN MCPZ_MS(100)
#define HEDGE (BEGIN + MCPZ_HEDGE_AFTER_US_MIN)

/* A call that was hedged: its first and its second number, and to whom they went. */
struct pair {
    struct mcpz_id first;
    struct mcpz_id second;
    uint64_t first_call;
    uint64_t second_call;
};

static struct pair hedged(void)
{
    struct pair pair;

    set_up_two();
    start_kind(BEGIN, 99, true, false);
    pair.first = opened(&pair.first_call);
    CHECK_UINT(mcpz_calls_deadline(&calls), HEDGE);
    tick(HEDGE);
    CHECK_UINT(only_action(MCPZ_ACTION_TASK_RETRY)->task.request, 99);
    start_kind(HEDGE, 99, true, false);
    pair.second = opened(&pair.second_call);
    CHECK(mcpz_id_equal(&pair.second, other_than(&pair.first)));
    CHECK_UINT(sent(MCPZ_MSG_OPEN)->open.attempt, 2);
    CHECK_UINT(calls.caller.table.count, 2);
    return pair;
}

static void check_nothing_left(void)
{
    CHECK_UINT(calls.caller.table.count, 0);
    CHECK_UINT(calls.caller.by_call.count, 0);
    CHECK_UINT(calls.caller.by_request.count, 0);
    CHECK_UINT(calls.caller.router.classes[0].held, 0);
    for (size_t i = 0; i < calls.caller.router.classes[0].backend_top; i++) {
        CHECK_UINT(calls.caller.router.classes[0].backends[i].outstanding, 0);
    }
}

/* ---- Hedges ------------------------------------------------------------------------------- */

TEST(of_two_the_first_that_answers_ends_both)
{
    for (size_t second = 0; second < 2; second++) {
        const struct pair pair = hedged();
        end_call(HEDGE + 1, second ? &pair.second : &pair.first,
                 second ? pair.second_call : pair.first_call);
        CHECK_UINT(only_action(MCPZ_ACTION_TASK_DONE)->task.code, MCPZ_CODE_OK);
        CHECK_UINT(only_action(MCPZ_ACTION_TASK_DONE)->task.request, 99);
        CHECK(mcpz_id_equal(&only_action(MCPZ_ACTION_TASK_DONE)->task.provider,
                            second ? &pair.second : &pair.first));
        CHECK_UINT(sent(MCPZ_MSG_CANCEL)->cancel.call,
                   second ? pair.first_call : pair.second_call);
        check_nothing_left();
    }
}

TEST(with_the_first_output_it_is_that_providers)
{
    const struct pair pair = hedged();

    receive(HEDGE + 1, &pair.second,
            (struct mcpz_msg){.kind = MCPZ_MSG_DATA,
                              .data = {.call = pair.second_call, .chunk = mcpz_text("so far")}});
    CHECK_UINT(sent(MCPZ_MSG_CANCEL)->cancel.call, pair.first_call);
    CHECK_UINT(only_action(MCPZ_ACTION_TASK_OUTPUT)->task.request, 99);
    step(HEDGE + 2, (struct mcpz_event){.kind = MCPZ_EVENT_TASK_CREDIT,
                                        .task = {.request = 99, .credit = 6}});
    CHECK_UINT(sent(MCPZ_MSG_CREDIT)->credit.call, pair.second_call);
    end_call(HEDGE + 3, &pair.second, pair.second_call);
    CHECK_UINT(only_action(MCPZ_ACTION_TASK_DONE)->task.code, MCPZ_CODE_OK);
    check_nothing_left();
}

TEST(where_one_fails_all_hope_is_with_the_other)
{
    for (size_t second = 0; second < 2; second++) {
        const struct pair pair = hedged();
        receive(HEDGE + 1, second ? &pair.second : &pair.first,
                (struct mcpz_msg){.kind = MCPZ_MSG_FAIL,
                                  .fail = {.call = second ? pair.second_call : pair.first_call,
                                           .code = MCPZ_CODE_PROVIDER_FAILED}});
        CHECK_UINT(count_actions(MCPZ_ACTION_TASK_DONE), 0);
        CHECK_UINT(count_actions(MCPZ_ACTION_TASK_RETRY), 0);
        end_call(HEDGE + 2, second ? &pair.first : &pair.second,
                 second ? pair.first_call : pair.second_call);
        CHECK_UINT(only_action(MCPZ_ACTION_TASK_DONE)->task.code, MCPZ_CODE_OK);
        check_nothing_left();
    }
}

TEST(where_both_are_lost_it_is_over)
{
    const struct pair pair = hedged();

    tell(HEDGE + 1, MCPZ_FACT_UNLINKED, &pair.first);
    CHECK_UINT(count_actions(MCPZ_ACTION_TASK_DONE), 0);
    tell(HEDGE + 2, MCPZ_FACT_UNLINKED, &pair.second);
    CHECK_UINT(only_action(MCPZ_ACTION_TASK_DONE)->task.code, MCPZ_CODE_PROVIDER_LOST);
    check_nothing_left();
}

TEST(cancelling_cancels_both)
{
    (void)hedged();
    step(HEDGE + 1, (struct mcpz_event){.kind = MCPZ_EVENT_TASK_CANCEL, .task = {.request = 99}});
    CHECK_UINT(count_actions(MCPZ_ACTION_SEND), 2);
    check_nothing_left();
}

TEST(time_runs_out_for_both_at_once)
{
    (void)hedged();
    tick(BEGIN + MCPZ_SECONDS(10));
    CHECK_UINT(only_action(MCPZ_ACTION_TASK_DONE)->task.code, MCPZ_CODE_TIMEOUT);
    CHECK_UINT(count_actions(MCPZ_ACTION_SEND), 2);
    check_nothing_left();
}

TEST(what_may_not_be_done_twice_or_brings_input_is_not_hedged)
{
    for (size_t kind = 0; kind < 2; kind++) {
        set_up_two();
        start_kind(BEGIN, 99, kind == 1, kind == 1);
        tick(HEDGE);
        CHECK_UINT(out.count, 0);
        tick(HEDGE + MCPZ_MS(20));
        CHECK_UINT(out.count, 0);
    }
}

TEST(without_another_provider_a_call_goes_alone)
{
    uint64_t call;

    set_up_two();
    start_kind(BEGIN, 99, true, false);
    const struct mcpz_id first = opened(&call);
    tick(HEDGE);
    CHECK_UINT(count_actions(MCPZ_ACTION_TASK_RETRY), 1);
    struct mcpz_event down = {.kind = MCPZ_EVENT_LINK_DOWN,
                              .link = {.peer = *other_than(&first), .reason = MCPZ_DOWN_CLOSED}};
    (void)mcpz_links_step(&fabric.links, HEDGE, &down, &out);
    tell(HEDGE, MCPZ_FACT_UNLINKED, other_than(&first));
    start_kind(HEDGE, 99, true, false);
    CHECK_UINT(out.count, 0);
    end_call(HEDGE + 1, &first, call);
    CHECK_UINT(only_action(MCPZ_ACTION_TASK_DONE)->task.code, MCPZ_CODE_OK);
    check_nothing_left();
}

/* ---- Providers that hang ------------------------------------------------------------------ */

/* A call that is stuck while others end. The time at which that is plain. */
static mcpz_time stuck(bool repeatable, struct mcpz_id *at, uint64_t *call)
{
    uint64_t other;

    set_up_two();
    calls.caller.router.classes[0].hedge_tokens = 0; /* or that would save it */
    start_kind(BEGIN, 99, repeatable, false);
    *at = opened(call);
    for (mcpz_time now = BEGIN + MCPZ_MS(1); now < BEGIN + MCPZ_STALL_US_MIN; now += MCPZ_MS(20)) {
        if (mcpz_calls_deadline(&calls) <= now) {
            tick(now);
        }
        start_kind(now, next_request++, false, false);
        const struct mcpz_msg *open = sent(MCPZ_MSG_OPEN);
        CHECK(open != NULL);
        other = open->open.call;
        end_call(now + MCPZ_MS(1), other_than(at), other);
        CHECK_UINT(count_actions(MCPZ_ACTION_TASK_DONE), 1); /* none of them goes there */
        calls.caller.router.classes[0].hedge_tokens = 0;
    }
    return BEGIN + MCPZ_STALL_US_MIN + MCPZ_MS(1);
}

TEST(a_call_is_moved_away_from_a_provider_that_hangs)
{
    struct mcpz_id at;
    uint64_t call;
    const mcpz_time now = stuck(true, &at, &call);

    tick(now);
    CHECK_UINT(sent(MCPZ_MSG_CANCEL)->cancel.call, call);
    CHECK_UINT(count_actions(MCPZ_ACTION_TASK_RETRY), 1);
    CHECK_UINT(calls.caller.moved, 1);
    CHECK_UINT(calls.caller.router.stalls, 1);
    start_kind(now, 99, true, false);
    const struct mcpz_id next = opened(&call);
    CHECK(mcpz_id_equal(&next, other_than(&at)));
    end_call(now + 1, &next, call);
    CHECK_UINT(only_action(MCPZ_ACTION_TASK_DONE)->task.code, MCPZ_CODE_OK);
    check_nothing_left();
}

TEST(what_may_not_be_done_twice_stays_but_others_go_elsewhere)
{
    struct mcpz_id at;
    uint64_t call;
    const mcpz_time now = stuck(false, &at, &call);

    tick(now);
    CHECK_UINT(count_actions(MCPZ_ACTION_TASK_RETRY), 0);
    CHECK_UINT(calls.caller.router.stalls, 1);
    end_call(now + MCPZ_SECONDS(1), &at, call); /* after all */
    CHECK_UINT(only_action(MCPZ_ACTION_TASK_DONE)->task.code, MCPZ_CODE_OK);
    check_nothing_left();
}

/* ---- Load --------------------------------------------------------------------------------- */

static const struct mcpz_backend *backend_of(const struct mcpz_id *id)
{
    const struct mcpz_class *class = &calls.caller.router.classes[0];

    for (size_t i = 0; i < class->backend_top; i++) {
        if (mcpz_id_equal(&class->backends[i].id, id)) {
            return &class->backends[i];
        }
    }
    fail();
    return NULL;
}

TEST(who_offers_it_is_asked_for_its_load_and_what_it_says_is_heard)
{
    set_up();
    link_with(&alice);
    link_with(&bob);
    start_kind(0, 1, false, false);
    CHECK_UINT(count_actions(MCPZ_ACTION_SEND), 1); /* one call alone needs no balance */
    start_kind(0, 2, false, false);
    CHECK_BYTES(sent(MCPZ_MSG_LOAD_ASK)->load_ask.capability, "x", 1);
    receive(1, &alice,
            (struct mcpz_msg){
                .kind = MCPZ_MSG_LOAD,
                .load = {.capability = mcpz_text("x"), .in_flight = 7, .latency_us = 900}});
    const struct mcpz_backend *backend = backend_of(&alice);
    CHECK(backend != NULL);
    CHECK_UINT(backend->report.rif, 7);
    CHECK_UINT(backend->report.latency_us, 900);
}

TEST(an_end_tells_of_the_load)
{
    uint64_t call;

    set_up();
    link_with(&alice);
    start_kind(0, 1, false, false);
    (void)opened(&call);
    receive(1, &alice,
            (struct mcpz_msg){.kind = MCPZ_MSG_END,
                              .end = {.call = call, .load = 4, .latency_us = 500}});
    const struct mcpz_backend *backend = backend_of(&alice);
    CHECK(backend != NULL);
    CHECK_UINT(backend->report.rif, 3);
    CHECK_UINT(backend->report.latency_us, 500);
    start_kind(2, 2, false, false);
    (void)opened(&call);
    receive(3, &alice, (struct mcpz_msg){.kind = MCPZ_MSG_END, .end = {.call = call}});
    backend = backend_of(&alice);
    CHECK(backend != NULL);
    CHECK_UINT(backend->report.rif, 3); /* nothing was said */
}

TEST(a_provider_tells_its_load_when_asked_and_at_the_end)
{
    const struct mcpz_msg ask = {.kind = MCPZ_MSG_LOAD_ASK, .load_ask = {mcpz_text("x")}};

    set_up();
    receive(0, &alice, ask);
    CHECK_UINT(out.count, 0); /* it is not offered */
    provide();
    open_wide();
    for (uint64_t call = 1; call <= 6; call++) {
        receive(0, &alice,
                (struct mcpz_msg){
                    .kind = MCPZ_MSG_OPEN,
                    .open = {.call = call, .capability = mcpz_text("x"), .timeout_ms = 1000}});
    }
    receive(0, &alice, ask);
    CHECK_BYTES(sent(MCPZ_MSG_LOAD)->load.capability, "x", 1);
    CHECK_UINT(sent(MCPZ_MSG_LOAD)->load.in_flight, 6);
    CHECK_UINT(sent(MCPZ_MSG_LOAD)->load.latency_us, 0);
    for (uint32_t run = 1; run <= 6; run++) {
        step(MCPZ_MS(3),
             (struct mcpz_event){.kind = run == 6 ? MCPZ_EVENT_RUN_FAIL : MCPZ_EVENT_RUN_END,
                                 .run = {.run = run, .code = run == 6}});
        if (run < 6) {
            CHECK_UINT(sent(MCPZ_MSG_END)->end.load, 6 - run + 1);
        } else {
            CHECK_UINT(sent(MCPZ_MSG_FAIL)->fail.load, 1);
        }
    }
    receive(MCPZ_MS(10), &alice, ask);
    CHECK_UINT(sent(MCPZ_MSG_LOAD)->load.in_flight, 0);
    CHECK_UINT(sent(MCPZ_MSG_LOAD)->load.latency_us, 3000);
}

/* ---- Refusals ----------------------------------------------------------------------------- */

TEST(where_all_have_failed_too_often_it_is_said_at_once_and_when_to_come_back)
{
    uint64_t call;

    set_up();
    link_with(&alice);
    for (uint64_t i = 1; i <= MCPZ_BREAKER_FAILURES; i++) {
        start_kind(0, i, false, false);
        (void)opened(&call);
        receive(MCPZ_MS(1), &alice,
                (struct mcpz_msg){.kind = MCPZ_MSG_FAIL,
                                  .fail = {.call = call, .code = MCPZ_CODE_PROVIDER_CRASHED}});
        CHECK_UINT(only_action(MCPZ_ACTION_TASK_DONE)->task.code, MCPZ_CODE_PROVIDER_CRASHED);
    }
    start_kind(MCPZ_MS(2), 50, false, false);
    const struct mcpz_action *done = only_action(MCPZ_ACTION_TASK_DONE);
    CHECK_UINT(done->task.code, MCPZ_CODE_UNAVAILABLE);
    CHECK_UINT(done->task.retry_after_ms, 30000 - 1);
    check_nothing_left();
    start_kind(MCPZ_MS(1) + MCPZ_BREAKER_OPEN_US, 51, false, false);
    (void)opened(&call);
}

TEST(who_is_busy_is_not_asked_again_before_it_said)
{
    uint64_t call;

    set_up();
    link_with(&alice);
    start_kind(0, 1, false, false);
    (void)opened(&call);
    receive(
        MCPZ_MS(1), &alice,
        (struct mcpz_msg){.kind = MCPZ_MSG_FAIL,
                          .fail = {.call = call, .code = MCPZ_CODE_BUSY, .retry_after_ms = 700}});
    CHECK_UINT(only_action(MCPZ_ACTION_TASK_DONE)->task.retry_after_ms, 700);
    start_kind(MCPZ_MS(201), 2, false, false);
    CHECK_UINT(only_action(MCPZ_ACTION_TASK_DONE)->task.code, MCPZ_CODE_BUSY);
    CHECK_UINT(only_action(MCPZ_ACTION_TASK_DONE)->task.retry_after_ms, 500);
    start_kind(MCPZ_MS(701), 3, false, false);
    (void)opened(&call);
}

TEST(a_task_that_failed_by_itself_opens_no_breaker)
{
    uint64_t call;

    set_up();
    link_with(&alice);
    for (uint64_t i = 1; i <= 50; i++) {
        start_kind(i, i, false, false);
        (void)opened(&call);
        receive(i, &alice,
                (struct mcpz_msg){.kind = MCPZ_MSG_FAIL,
                                  .fail = {.call = call, .code = MCPZ_CODE_PROVIDER_FAILED}});
    }
    start_kind(100, 99, false, false);
    (void)opened(&call);
}

/* ---- For one node only -------------------------------------------------------------------- */

static void start_for(mcpz_time now, uint64_t request, const struct mcpz_id *only)
{
    step(now, (struct mcpz_event){.kind = MCPZ_EVENT_TASK_START,
                                  .task = {.request = request,
                                           .capability = mcpz_text("x"),
                                           .idempotent = true,
                                           .has_input = true,
                                           .priority = MCPZ_PRIORITY_DEFAULT,
                                           .timeout_ms = 10000,
                                           .only = *only}});
}

TEST(a_call_for_one_node_goes_there_whoever_else_is_free)
{
    uint64_t call;

    set_up_two();
    for (size_t i = 0; i < 20; i++) {
        start_for(BEGIN, next_request++, i % 2 == 0 ? &alice : &bob);
        const struct mcpz_id at = opened(&call);
        CHECK(mcpz_id_equal(&at, i % 2 == 0 ? &alice : &bob));
    }
}

TEST(a_call_for_one_node_is_tried_nowhere_else)
{
    uint64_t call;

    set_up_two();
    start_for(BEGIN, next_request, &alice);
    (void)opened(&call);
    receive(
        BEGIN, &alice,
        (struct mcpz_msg){.kind = MCPZ_MSG_FAIL, .fail = {.call = call, .code = MCPZ_CODE_BUSY}});
    CHECK_UINT(only_action(MCPZ_ACTION_TASK_DONE)->task.code, MCPZ_CODE_BUSY);
    start_for(BEGIN, next_request + 1, &self); /* who does not offer it */
    CHECK_UINT(only_action(MCPZ_ACTION_TASK_DONE)->task.code, MCPZ_CODE_NO_PROVIDER);
}

TEST_MAIN(RUN(a_call_for_one_node_goes_there_whoever_else_is_free),
          RUN(a_call_for_one_node_is_tried_nowhere_else),
          RUN(of_two_the_first_that_answers_ends_both),
          RUN(with_the_first_output_it_is_that_providers),
          RUN(where_one_fails_all_hope_is_with_the_other), RUN(where_both_are_lost_it_is_over),
          RUN(cancelling_cancels_both), RUN(time_runs_out_for_both_at_once),
          RUN(what_may_not_be_done_twice_or_brings_input_is_not_hedged),
          RUN(without_another_provider_a_call_goes_alone),
          RUN(a_call_is_moved_away_from_a_provider_that_hangs),
          RUN(what_may_not_be_done_twice_stays_but_others_go_elsewhere),
          RUN(who_offers_it_is_asked_for_its_load_and_what_it_says_is_heard),
          RUN(an_end_tells_of_the_load), RUN(a_provider_tells_its_load_when_asked_and_at_the_end),
          RUN(where_all_have_failed_too_often_it_is_said_at_once_and_when_to_come_back),
          RUN(who_is_busy_is_not_asked_again_before_it_said),
          RUN(a_task_that_failed_by_itself_opens_no_breaker))
