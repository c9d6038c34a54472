/* END may carry the last of what its side has to say, within the same window as DATA. */

#include "calls_world.h"

static uint8_t bytes[MCPZ_CHUNK_BYTES_MAX];

static struct mcpz_msg last_of(uint64_t call, bool from_caller, struct mcpz_bytes chunk)
{
    return (struct mcpz_msg){.kind = MCPZ_MSG_END,
                             .end = {.call = call, .from_caller = from_caller, .chunk = chunk}};
}

TEST(the_last_of_a_result_comes_with_its_end)
{
    uint64_t call = open_at_alice(false);

    receive(1, &alice, last_of(call, false, mcpz_text("out")));
    const struct mcpz_action_task *done = &only_action(MCPZ_ACTION_TASK_DONE)->task;
    CHECK_UINT(done->code, MCPZ_CODE_OK);
    CHECK_BYTES(done->chunk, "out", 3);
}

TEST(a_result_whose_last_is_too_much_is_none)
{
    uint64_t call = open_at_alice(false);
    struct mcpz_bytes chunk = mcpz_bytes(bytes, sizeof(bytes));

    for (size_t i = 0; i < MCPZ_CALL_WINDOW_BYTES / MCPZ_CHUNK_BYTES_MAX; i++) {
        receive(1, &alice,
                (struct mcpz_msg){.kind = MCPZ_MSG_DATA, .data = {.call = call, .chunk = chunk}});
    }
    receive(1, &alice, last_of(call, false, mcpz_text("x")));
    CHECK_UINT(only_action(MCPZ_ACTION_TASK_DONE)->task.code, MCPZ_CODE_INTERNAL);
    CHECK_UINT(only_action(MCPZ_ACTION_TASK_DONE)->task.chunk.length, 0);
    CHECK_UINT(sent(MCPZ_MSG_CANCEL)->cancel.call, call);
}

TEST(what_a_run_says_last_goes_with_its_end)
{
    uint32_t run = serve_alice(5, false);

    step(2, (struct mcpz_event){.kind = MCPZ_EVENT_RUN_END,
                                .run = {.run = run, .chunk = mcpz_text("out")}});
    CHECK_BYTES(sent(MCPZ_MSG_END)->end.chunk, "out", 3);
    CHECK(!sent(MCPZ_MSG_END)->end.from_caller);
}

TEST(the_last_of_an_input_reaches_the_run_before_its_end)
{
    uint32_t run = serve_alice(5, true);

    receive(1, &alice, last_of(5, true, mcpz_text("in")));
    CHECK_UINT(out.count, 2);
    CHECK_UINT(out.actions[0].kind, MCPZ_ACTION_RUN_INPUT);
    CHECK_BYTES(out.actions[0].run.chunk, "in", 2);
    CHECK_UINT(out.actions[1].kind, MCPZ_ACTION_RUN_INPUT_END);
    CHECK_UINT(out.actions[1].run.run, run);
}

TEST(an_input_whose_last_is_too_much_is_refused)
{
    struct mcpz_bytes chunk = mcpz_bytes(bytes, sizeof(bytes));

    (void)serve_alice(5, true);
    for (size_t i = 0; i < MCPZ_CALL_WINDOW_BYTES / MCPZ_CHUNK_BYTES_MAX; i++) {
        receive(1, &alice,
                (struct mcpz_msg){.kind = MCPZ_MSG_DATA,
                                  .data = {.call = 5, .from_caller = true, .chunk = chunk}});
    }
    receive(1, &alice, last_of(5, true, mcpz_text("x")));
    CHECK_UINT(sent(MCPZ_MSG_FAIL)->fail.code, MCPZ_CODE_BAD_REQUEST);
    CHECK_UINT(count_actions(MCPZ_ACTION_RUN_INPUT_END), 0);
}

TEST_MAIN(RUN(the_last_of_a_result_comes_with_its_end),
          RUN(a_result_whose_last_is_too_much_is_none),
          RUN(what_a_run_says_last_goes_with_its_end),
          RUN(the_last_of_an_input_reaches_the_run_before_its_end),
          RUN(an_input_whose_last_is_too_much_is_refused))
