#include "core.h"
#include "core/ledger.h"
#include "fake_store.h"
#include "proto/code.h"

static struct mcpz_ledger ledger;
static struct fake_store store;
static struct mcpz_node_timing timing;
static struct mcpz_event seen;

static void set_up(void)
{
    timing = mcpz_timing_or_default(&(struct mcpz_node_timing){0});
    mcpz_outbox_init(&out);
    fake_store_init(&store);
    mcpz_ledger_init(&ledger, &store.port, &timing);
}

/* The calls want `action` of the edge. */
static enum mcpz_action_kind pass(struct mcpz_action action)
{
    mcpz_outbox_clear(&out);
    *mcpz_outbox_append(&out, action.kind) = action;
    mcpz_ledger_pass(&ledger, 0, &out, 0);
    return out.actions[0].kind;
}

static enum mcpz_action_kind start(uint32_t run, const char *key)
{
    return pass((struct mcpz_action){.kind = MCPZ_ACTION_RUN_START,
                                     .run = {.run = run,
                                             .capability = mcpz_text("x"),
                                             .tenant = mcpz_text("t"),
                                             .idempotency_key = mcpz_text(key),
                                             .durable = true,
                                             .timeout_ms = 1000}});
}

static enum mcpz_action_kind stop(uint32_t run, enum mcpz_code because)
{
    return pass(
        (struct mcpz_action){.kind = MCPZ_ACTION_RUN_STOP, .run = {.run = run, .code = because}});
}

/* The edge says something; returns whether what follows has to wait for the disk. */
static bool hear(enum mcpz_event_kind kind, uint32_t run, const char *chunk)
{
    struct mcpz_event event = {
        .kind = kind, .wall_ms = 1000, .run = {.run = run, .chunk = mcpz_text(chunk)}};

    mcpz_outbox_clear(&out);
    return mcpz_ledger_hear(&ledger, 0, &event, &seen, &out);
}

static const struct mcpz_action *said(enum mcpz_event_kind kind)
{
    const struct mcpz_action *action;
    size_t at = 0;

    while ((action = next_action(MCPZ_ACTION_CALL, &at)) != NULL) {
        if (action->call.kind == kind) {
            return action;
        }
    }
    print_error("nothing of kind %d was said to the calls\n", (int)kind);
    _fail(__FILE__, __LINE__);
    abort();
}

TEST(what_was_done_is_told_again_and_not_done_again)
{
    set_up();
    CHECK_UINT(start(1, "k"), MCPZ_ACTION_RUN_START);
    CHECK(!hear(MCPZ_EVENT_RUN_OUTPUT, 1, "res"));
    CHECK_UINT(seen.run.run, 1);
    (void)hear(MCPZ_EVENT_RUN_OUTPUT, 1, "ult");
    CHECK(hear(MCPZ_EVENT_RUN_END, 1, ""));
    CHECK_UINT(seen.run.run, 1);

    CHECK_UINT(start(2, "k"), MCPZ_ACTION_NONE);
    CHECK_BYTES(said(MCPZ_EVENT_RUN_END)->call.run.chunk, "result", 6);
    CHECK_UINT(said(MCPZ_EVENT_RUN_END)->call.run.run, 2);
    CHECK(said(MCPZ_EVENT_RUN_END)->durable);
    CHECK_UINT(ledger.repeated, 1);
    fake_store_finish(&store);
}

TEST(another_key_is_another_run)
{
    set_up();
    (void)start(1, "k");
    CHECK(hear(MCPZ_EVENT_RUN_END, 1, ""));
    CHECK_UINT(start(2, "l"), MCPZ_ACTION_RUN_START);
    fake_store_finish(&store);
}

/* As after a restart: what is on disk is all there is. */
TEST(what_was_under_way_when_the_node_ended_is_run_again)
{
    set_up();
    (void)start(1, "k");
    (void)hear(MCPZ_EVENT_RUN_OUTPUT, 1, "half");
    mcpz_ledger_init(&ledger, &store.port, &timing);
    CHECK_UINT(start(1, "k"), MCPZ_ACTION_RUN_START);
    (void)hear(MCPZ_EVENT_RUN_OUTPUT, 1, "whole");
    CHECK(hear(MCPZ_EVENT_RUN_END, 1, ""));
    (void)start(2, "k");
    CHECK_BYTES(said(MCPZ_EVENT_RUN_END)->call.run.chunk, "whole", 5);
    fake_store_finish(&store);
}

TEST(what_failed_is_run_again)
{
    set_up();
    (void)start(1, "k");
    (void)hear(MCPZ_EVENT_RUN_OUTPUT, 1, "x");
    CHECK(!hear(MCPZ_EVENT_RUN_FAIL, 1, ""));
    CHECK_UINT(fake_store_count(&store, MCPZ_RECORD_RUN), 0);
    CHECK_UINT(start(2, "k"), MCPZ_ACTION_RUN_START);
    fake_store_finish(&store);
}

TEST(two_who_ask_at_once_do_not_get_it_done_twice)
{
    set_up();
    (void)start(1, "k");
    CHECK_UINT(start(2, "k"), MCPZ_ACTION_NONE);
    CHECK_UINT(said(MCPZ_EVENT_RUN_FAIL)->call.run.code, MCPZ_CODE_BUSY);
    CHECK_UINT(said(MCPZ_EVENT_RUN_FAIL)->call.run.run, 2);
    fake_store_finish(&store);
}

TEST(a_run_whose_caller_is_gone_goes_on_for_who_asks_next)
{
    set_up();
    (void)start(1, "k");
    (void)hear(MCPZ_EVENT_RUN_OUTPUT, 1, "a");
    CHECK_UINT(stop(1, MCPZ_CODE_PROVIDER_LOST), MCPZ_ACTION_NONE);
    (void)hear(MCPZ_EVENT_RUN_OUTPUT, 1, "b");
    CHECK_UINT(seen.run.run, 0); /* nobody hears of it */

    CHECK_UINT(start(7, "k"), MCPZ_ACTION_NONE);
    CHECK_BYTES(said(MCPZ_EVENT_RUN_OUTPUT)->call.run.chunk, "ab", 2);
    (void)hear(MCPZ_EVENT_RUN_OUTPUT, 1, "c");
    CHECK_UINT(seen.run.run, 7);
    CHECK(hear(MCPZ_EVENT_RUN_END, 1, ""));
    CHECK_UINT(seen.run.run, 7);
    fake_store_finish(&store);
}

TEST(a_run_that_waits_for_its_turn_does_not_go_on_without_a_caller)
{
    set_up();
    (void)pass((struct mcpz_action){.kind = MCPZ_ACTION_RUN_START,
                                    .run = {.run = 1,
                                            .capability = mcpz_text("x"),
                                            .idempotency_key = mcpz_text("k"),
                                            .durable = true,
                                            .held = true}});
    CHECK_UINT(stop(1, MCPZ_CODE_PROVIDER_LOST), MCPZ_ACTION_RUN_STOP);
    CHECK_UINT(ledger.count, 0);
    fake_store_finish(&store);
}

TEST(what_an_orphan_comes_to_is_kept)
{
    set_up();
    (void)start(1, "k");
    CHECK_UINT(stop(1, MCPZ_CODE_PROVIDER_LOST), MCPZ_ACTION_NONE);
    CHECK(hear(MCPZ_EVENT_RUN_END, 1, ""));
    CHECK_UINT(start(2, "k"), MCPZ_ACTION_NONE);
    CHECK_UINT(said(MCPZ_EVENT_RUN_END)->call.run.run, 2);
    fake_store_finish(&store);
}

TEST(an_orphan_nobody_asks_for_is_stopped_when_its_time_is_over)
{
    struct mcpz_event tick = {.kind = MCPZ_EVENT_TICK};

    set_up();
    (void)start(1, "k");
    (void)stop(1, MCPZ_CODE_PROVIDER_LOST);
    mcpz_outbox_clear(&out);
    (void)mcpz_ledger_hear(&ledger, MCPZ_MS(999), &tick, &seen, &out);
    CHECK_UINT(out.count, 0);
    (void)mcpz_ledger_hear(&ledger, MCPZ_MS(1000), &tick, &seen, &out);
    CHECK_UINT(only_action(MCPZ_ACTION_RUN_STOP)->run.run, 1);
    CHECK_UINT(ledger.count, 0);
    fake_store_finish(&store);
}

TEST(what_its_caller_cancels_is_stopped_and_forgotten)
{
    set_up();
    (void)start(1, "k");
    (void)hear(MCPZ_EVENT_RUN_OUTPUT, 1, "x");
    CHECK_UINT(stop(1, MCPZ_CODE_CANCELLED), MCPZ_ACTION_RUN_STOP);
    CHECK_UINT(ledger.count, 0);
    CHECK_UINT(fake_store_count(&store, MCPZ_RECORD_RUN), 0);
    fake_store_finish(&store);
}

/* One that was adopted is known to the edge under its old number. */
TEST(an_adopted_run_is_stopped_by_its_number_at_the_edge)
{
    set_up();
    (void)start(1, "k");
    (void)stop(1, MCPZ_CODE_PROVIDER_LOST);
    (void)start(7, "k");
    CHECK_UINT(stop(7, MCPZ_CODE_CANCELLED), MCPZ_ACTION_RUN_STOP);
    CHECK_UINT(out.actions[0].run.run, 1);
    fake_store_finish(&store);
}

TEST(a_result_over_the_limit_ends_the_run)
{
    static char chunk[MCPZ_TASK_RESULT_BYTES_MAX + 1];

    set_up();
    memset(chunk, 'x', sizeof(chunk) - 1);
    (void)start(1, "k");
    CHECK(!hear(MCPZ_EVENT_RUN_OUTPUT, 1, chunk));
    CHECK_UINT(seen.run.run, 1); /* just the limit */
    (void)hear(MCPZ_EVENT_RUN_OUTPUT, 1, "y");
    CHECK_UINT(seen.run.run, 0);
    CHECK_UINT(only_action(MCPZ_ACTION_RUN_STOP)->run.run, 1);
    CHECK_UINT(said(MCPZ_EVENT_RUN_FAIL)->call.run.code, MCPZ_CODE_TOO_LARGE);
    CHECK_UINT(fake_store_count(&store, MCPZ_RECORD_RUN), 0);
    fake_store_finish(&store);
}

TEST(calls_that_are_not_durable_pass_as_they_are)
{
    set_up();
    CHECK_UINT(pass((struct mcpz_action){.kind = MCPZ_ACTION_RUN_START,
                                         .run = {.run = 1, .idempotency_key = mcpz_text("k")}}),
               MCPZ_ACTION_RUN_START);
    CHECK_UINT(ledger.count, 0);
    CHECK(!hear(MCPZ_EVENT_RUN_END, 1, ""));
    CHECK_UINT(seen.run.run, 1);
    fake_store_finish(&store);
}

TEST(old_runs_are_forgotten)
{
    struct mcpz_event tick = {.kind = MCPZ_EVENT_TICK, .wall_ms = 1000 + 3600000 - 1};

    set_up();
    (void)start(1, "k");
    (void)hear(MCPZ_EVENT_RUN_END, 1, ""); /* at 1000 ms */
    mcpz_outbox_clear(&out);
    (void)mcpz_ledger_hear(&ledger, MCPZ_SECONDS(100), &tick, &seen, &out);
    CHECK_UINT(fake_store_count(&store, MCPZ_RECORD_RUN), 1);
    tick.wall_ms++;
    (void)mcpz_ledger_hear(&ledger, MCPZ_SECONDS(200), &tick, &seen, &out);
    CHECK_UINT(fake_store_count(&store, MCPZ_RECORD_RUN), 0);
    fake_store_finish(&store);
}

TEST_MAIN(RUN(what_was_done_is_told_again_and_not_done_again), RUN(another_key_is_another_run),
          RUN(what_was_under_way_when_the_node_ended_is_run_again), RUN(what_failed_is_run_again),
          RUN(two_who_ask_at_once_do_not_get_it_done_twice),
          RUN(a_run_whose_caller_is_gone_goes_on_for_who_asks_next),
          RUN(a_run_that_waits_for_its_turn_does_not_go_on_without_a_caller),
          RUN(what_an_orphan_comes_to_is_kept),
          RUN(an_orphan_nobody_asks_for_is_stopped_when_its_time_is_over),
          RUN(what_its_caller_cancels_is_stopped_and_forgotten),
          RUN(an_adopted_run_is_stopped_by_its_number_at_the_edge),
          RUN(a_result_over_the_limit_ends_the_run),
          RUN(calls_that_are_not_durable_pass_as_they_are), RUN(old_runs_are_forgotten))
