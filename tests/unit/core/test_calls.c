#include "core.h"

static struct mcpz_members members;
static struct mcpz_registry registry;
static struct mcpz_calls calls;
static struct mcpz_node_timing timing;
static uint8_t bytes[MCPZ_CHUNK_BYTES_MAX];

static void step(mcpz_time now, struct mcpz_event event)
{
    mcpz_outbox_clear(&out);
    mcpz_calls_step(&calls, &members, &registry, now, &event, &out);
}

static void receive(mcpz_time now, const struct mcpz_id *from, struct mcpz_msg msg)
{
    step(now, (struct mcpz_event){.kind = MCPZ_EVENT_RECV, .recv = {.from = *from, .msg = &msg}});
}

static void start(mcpz_time now, uint64_t request, bool has_input)
{
    step(now, (struct mcpz_event){.kind = MCPZ_EVENT_TASK_START,
                                  .task = {.request = request,
                                           .capability = mcpz_text("x"),
                                           .params = mcpz_text("{}"),
                                           .has_input = has_input,
                                           .timeout_ms = 1000}});
}

static void link_with(const struct mcpz_id *id)
{
    struct mcpz_bytes names[] = {mcpz_text("x")};
    struct mcpz_event up = {.kind = MCPZ_EVENT_LINK_UP, .link = {.peer = *id}};
    struct mcpz_msg list = {
        .kind = MCPZ_MSG_CAPABILITIES,
        .capabilities = {.id = *id, .version = 1, .names = names, .name_count = 1},
    };
    struct mcpz_event heard = {.kind = MCPZ_EVENT_RECV, .recv = {.from = *id, .msg = &list}};

    mcpz_members_step(&members, 0, &up, &out);
    mcpz_registry_step(&registry, 0, &heard, &out);
}

static void set_up(void)
{
    static const struct mcpz_node_timing defaults;
    struct mcpz_members_config config = {
        .id = self, .name = "", .address = "", .region = "", .zone = ""};

    timing = mcpz_timing_or_default(&defaults);
    mcpz_outbox_init(&out);
    mcpz_members_init(&members, &config, &timing, 1, 0);
    mcpz_registry_init(&registry, &self, 1);
    mcpz_calls_init(&calls, &self, 1);
}

static void provide(void)
{
    struct mcpz_event event = {.kind = MCPZ_EVENT_PROVIDE, .provide = {mcpz_text("x")}};
    mcpz_registry_step(&registry, 0, &event, &out);
}

/* A task of ours under way at alice, of which this is the call. */
static uint64_t open_at_alice(bool has_input)
{
    set_up();
    link_with(&alice);
    start(0, 1, has_input);
    return sent(MCPZ_MSG_OPEN)->open.call;
}

/* A task of alice's under way here, of which this is the run. */
static uint32_t serve_alice(uint64_t call, bool has_input)
{
    set_up();
    provide();
    receive(0, &alice,
            (struct mcpz_msg){.kind = MCPZ_MSG_OPEN,
                              .open = {.call = call,
                                       .capability = mcpz_text("x"),
                                       .timeout_ms = 1000,
                                       .has_input = has_input}});
    return only_action(MCPZ_ACTION_RUN_START)->run.run;
}

static void check_done(enum mcpz_code code)
{
    CHECK_UINT(only_action(MCPZ_ACTION_TASK_DONE)->task.code, code);
    CHECK_UINT(calls.out_count, 0);
}

static struct mcpz_msg fail_with(uint64_t call, enum mcpz_code code)
{
    return (struct mcpz_msg){.kind = MCPZ_MSG_FAIL,
                             .fail = {.call = call, .code = (uint32_t)code}};
}

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

TEST(a_provider_without_a_link_is_not_asked)
{
    set_up();
    struct mcpz_bytes names[] = {mcpz_text("x")};
    struct mcpz_msg list = {
        .kind = MCPZ_MSG_CAPABILITIES,
        .capabilities = {.id = alice, .version = 1, .names = names, .name_count = 1}};
    struct mcpz_event heard = {.kind = MCPZ_EVENT_RECV, .recv = {.from = bob, .msg = &list}};
    mcpz_registry_step(&registry, 0, &heard, &out);
    start(0, 1, false);
    check_done(MCPZ_CODE_NO_PROVIDER);
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
    struct mcpz_id first = only_action(MCPZ_ACTION_SEND)->send.peers[0];
    start(0, 2, false);
    CHECK(!mcpz_id_equal(&only_action(MCPZ_ACTION_SEND)->send.peers[0], &first));
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
    CHECK_UINT(calls.out[0].send_credit, 0);
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
    CHECK_UINT(calls.out[0].send_credit, MCPZ_CALL_WINDOW_BYTES);
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
    CHECK_UINT(count_actions(MCPZ_ACTION_TASK_RETRY), 1);
    step(1, (struct mcpz_event){.kind = MCPZ_EVENT_TASK_INPUT,
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
    CHECK_UINT(calls.out_count, 0);

    uint32_t run = serve_alice(5, false);
    receive(1, &alice, (struct mcpz_msg){.kind = MCPZ_MSG_CANCEL, .cancel = {5}});
    CHECK_UINT(only_action(MCPZ_ACTION_RUN_STOP)->run.run, run);
    CHECK_UINT(calls.in_count, 0);
}

TEST(a_dead_caller_stops_its_runs)
{
    (void)serve_alice(5, false);
    step(1, (struct mcpz_event){.kind = MCPZ_EVENT_FACT,
                                .fact = {.kind = MCPZ_FACT_UNLINKED, .about = alice}});
    CHECK_UINT(count_actions(MCPZ_ACTION_RUN_STOP), 1);
    CHECK_UINT(calls.in_count, 0);
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
    link_with(&alice);
    for (uint64_t i = 1; i <= MCPZ_CALLS_MAX; i++) {
        start(0, i, false);
        CHECK_UINT(count_actions(MCPZ_ACTION_TASK_DONE), 0);
        receive(0, &alice,
                (struct mcpz_msg){
                    .kind = MCPZ_MSG_OPEN,
                    .open = {.call = i, .capability = mcpz_text("x"), .timeout_ms = 1000}});
        CHECK_UINT(count_actions(MCPZ_ACTION_RUN_START), 1);
    }
    start(0, MCPZ_CALLS_MAX + 1, false);
    CHECK_UINT(only_action(MCPZ_ACTION_TASK_DONE)->task.code, MCPZ_CODE_BUSY);
    receive(0, &alice,
            (struct mcpz_msg){.kind = MCPZ_MSG_OPEN,
                              .open = {.call = MCPZ_CALLS_MAX + 1,
                                       .capability = mcpz_text("x"),
                                       .timeout_ms = 1000}});
    CHECK_UINT(sent(MCPZ_MSG_FAIL)->fail.code, MCPZ_CODE_BUSY);
}

TEST(answers_of_somebody_else_are_not_ours)
{
    uint64_t call = open_at_alice(false);
    receive(1, &bob, (struct mcpz_msg){.kind = MCPZ_MSG_END, .end = {.call = call}});
    CHECK_UINT(out.count, 0);
    CHECK_UINT(calls.out_count, 1);
}

TEST_MAIN(RUN(a_task_nobody_offers_fails_at_once),
          RUN(a_task_goes_to_who_offers_it_and_its_answer_comes_back),
          RUN(a_provider_without_a_link_is_not_asked), RUN(we_are_a_provider_too),
          RUN(the_one_with_fewer_calls_under_way_is_asked), RUN(input_flows_within_the_window),
          RUN(credit_never_widens_the_window_beyond_its_start),
          RUN(a_provider_that_sends_too_much_is_cancelled),
          RUN(a_lost_provider_is_replaced_by_another_one),
          RUN(without_another_provider_the_reason_is_told),
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
