/* Thousands of calls: what ends them all at once ends them a few in a step, and none is lost. */

#include "base/rng.h"
#include "calls_world.h"

static size_t done;
static size_t retried;
static size_t stopped;
static size_t cancelled;

/* Take in what the last step wants, and see that it leaves room for others. */
static void count(void)
{
    done += count_actions(MCPZ_ACTION_TASK_DONE);
    retried += count_actions(MCPZ_ACTION_TASK_RETRY);
    stopped += count_actions(MCPZ_ACTION_RUN_STOP);
    for (size_t i = 0; i < out.count; i++) {
        cancelled += out.actions[i].kind == MCPZ_ACTION_SEND &&
                     out.actions[i].send.msg.kind == MCPZ_MSG_CANCEL;
    }
    CHECK(out.count <= MCPZ_OUTBOX_MAX / 2);
}

static void tick_until_over(mcpz_time now)
{
    for (size_t i = 0; mcpz_calls_deadline(&calls) <= now; i++) {
        CHECK(i < 1000);
        step(now, (struct mcpz_event){.kind = MCPZ_EVENT_TICK});
        count();
    }
}

static void open_from_alice(uint64_t call)
{
    receive(0, &alice,
            (struct mcpz_msg){
                .kind = MCPZ_MSG_OPEN,
                .open = {.call = call, .capability = mcpz_text("x"), .timeout_ms = 1000}});
    CHECK_UINT(count_actions(MCPZ_ACTION_RUN_START), 1);
}

static void fill(size_t max)
{
    done = retried = stopped = cancelled = 0;
    set_up();
    begin_with(1, max);
    link_with(&alice);
    for (uint64_t i = 1; i <= max; i++) {
        start(0, i, false);
        CHECK(mcpz_id_equal(&only_action(MCPZ_ACTION_SEND)->send.peers[0], &alice));
    }
}

TEST(a_lost_provider_ends_all_its_calls)
{
    fill(MCPZ_CALLS_MAX);
    tell(5, MCPZ_FACT_UNLINKED, &alice);
    count();
    CHECK(done > 0 && done < MCPZ_CALLS_MAX);
    CHECK(mcpz_calls_deadline(&calls) == 5); /* the rest is due now */
    tick_until_over(5);
    CHECK_UINT(done, MCPZ_CALLS_MAX);
    CHECK_UINT(calls.caller.table.count, 0);
}

TEST(a_provider_that_comes_back_meanwhile_gets_none_of_the_old_ones)
{
    fill(MCPZ_CALLS_MAX);
    tell(5, MCPZ_FACT_UNLINKED, &alice);
    count();
    tell(6, MCPZ_FACT_LINKED, &alice);
    count();
    tick_until_over(6);
    CHECK_UINT(done, MCPZ_CALLS_MAX);
    CHECK_UINT(cancelled, 0);
}

/* Answers of calls that are to be ended are not heard: their end was already decided. */
TEST(what_a_doomed_call_is_told_is_not_heard)
{
    fill(MCPZ_CALLS_MAX);
    tell(5, MCPZ_FACT_UNLINKED, &alice);
    count();
    receive(5, &alice, (struct mcpz_msg){.kind = MCPZ_MSG_END, .end = {.call = MCPZ_CALLS_MAX}});
    CHECK_UINT(out.count, 0);
    step(5,
         (struct mcpz_event){.kind = MCPZ_EVENT_TASK_CANCEL, .task = {.request = MCPZ_CALLS_MAX}});
    tick_until_over(5);
    CHECK_UINT(done, MCPZ_CALLS_MAX - 1);
    CHECK_UINT(calls.caller.table.count, 0);
}

TEST(a_replaced_link_starts_all_calls_over)
{
    fill(MCPZ_CALLS_MAX);
    tell(5, MCPZ_FACT_LINKED, &alice);
    count();
    tick_until_over(5);
    CHECK_UINT(retried, MCPZ_CALLS_MAX);
    CHECK_UINT(cancelled, MCPZ_CALLS_MAX);
    CHECK_UINT(calls.caller.table.count, MCPZ_CALLS_MAX);
    for (uint64_t i = 1; i <= MCPZ_CALLS_MAX; i++) {
        start(6, i, false);
        CHECK_UINT(sent(MCPZ_MSG_OPEN)->open.attempt, 1);
    }
}

TEST(time_runs_out_for_all_of_them)
{
    fill(MCPZ_CALLS_MAX);
    tick_until_over(MCPZ_MS(1000));
    CHECK_UINT(done, MCPZ_CALLS_MAX);
    CHECK_UINT(cancelled, MCPZ_CALLS_MAX);
    CHECK(mcpz_calls_deadline(&calls) == MCPZ_TIME_NEVER);
}

TEST(a_lost_caller_stops_all_its_runs)
{
    done = retried = stopped = cancelled = 0;
    set_up();
    begin_with(1, MCPZ_CALLS_MAX);
    provide();
    open_wide();
    for (uint64_t i = 1; i <= MCPZ_CALLS_MAX; i++) {
        open_from_alice(i);
    }
    tell(5, MCPZ_FACT_UNLINKED, &alice);
    count();
    tick_until_over(5);
    CHECK_UINT(stopped, MCPZ_CALLS_MAX);
    CHECK_UINT(calls.provider.table.count, 0);
}

/* Both sides at random: every call ends once, and whatever is open can be found. */
TEST(no_call_is_lost_in_any_order)
{
    enum { MAX = 8, STEPS = 20000 };
    bool running[MAX + 1] = {false};
    struct mcpz_rng rng;

    set_up();
    begin_with(1, MAX);
    mcpz_rng_init(&rng, 3);
    link_with(&alice);
    link_with(&bob);
    for (size_t i = 0; i < STEPS; i++) {
        mcpz_time now = i * MCPZ_MS(10);
        uint64_t request = 1 + mcpz_rng_below(&rng, MAX);
        uint32_t lot = mcpz_rng_below(&rng, 6);
        if (lot < 2) {
            start(now, request, false);
            running[request] = true;
        } else if (lot == 2 && running[request]) {
            step(now, (struct mcpz_event){.kind = MCPZ_EVENT_TASK_CANCEL,
                                          .task = {.request = request}});
            running[request] = false;
        } else if (lot == 3) {
            const struct mcpz_call_out *slot = &calls.caller.slots[request - 1];
            receive(now, &slot->provider,
                    (struct mcpz_msg){.kind = MCPZ_MSG_END, .end = {.call = slot->call}});
        } else if (lot == 4) {
            tell(now, mcpz_rng_below(&rng, 2) == 0 ? MCPZ_FACT_UNLINKED : MCPZ_FACT_LINKED,
                 mcpz_rng_below(&rng, 2) == 0 ? &alice : &bob);
        } else {
            step(now, (struct mcpz_event){.kind = MCPZ_EVENT_TICK});
        }
        size_t at = 0;
        const struct mcpz_action *ended;
        while ((ended = next_action(MCPZ_ACTION_TASK_DONE, &at)) != NULL) {
            CHECK(running[ended->task.request]);
            running[ended->task.request] = false;
        }
        size_t expected = 0;
        for (size_t j = 1; j <= MAX; j++) {
            expected += running[j];
        }
        CHECK_UINT(calls.caller.table.count, expected);
        CHECK_UINT(calls.caller.by_request.count, expected);
        CHECK(calls.caller.by_call.count <= expected);
    }
    CHECK(calls.caller.done > 100 && calls.caller.retried > 100);
}

TEST_MAIN(RUN(a_lost_provider_ends_all_its_calls),
          RUN(a_provider_that_comes_back_meanwhile_gets_none_of_the_old_ones),
          RUN(what_a_doomed_call_is_told_is_not_heard), RUN(a_replaced_link_starts_all_calls_over),
          RUN(time_runs_out_for_all_of_them), RUN(a_lost_caller_stops_all_its_runs),
          RUN(no_call_is_lost_in_any_order))
