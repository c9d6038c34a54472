/* Who gets the calls when a provider hangs, is slow, stops or dies: whole nodes, in virtual time.
 */

#include <stdio.h>

#include "meshes.h"

#define PROVIDERS 3
#define CALLER 0
#define SICK 3
#define RUN_US MCPZ_MS(5)
#define EVERY_US MCPZ_MS(2) /* 500 tasks a second: two or three at a time */
#define TIMEOUT_MS 1000
#define TASKS_MAX 8192

static struct mcpz_sim *sim;
static uint64_t tasks[TASKS_MAX];
static size_t task_count;

static void set_up(uint64_t seed)
{
    const struct mcpz_sim_config config = {
        .node_count = 1 + PROVIDERS,
        .seed = seed,
        .delay_min_us = 200,
        .delay_max_us = 400,
        .disk_us = MCPZ_MS(5),
        .run_us = RUN_US,
    };

    sim = start_mesh(&config);
    task_count = 0;
    for (size_t i = 1; i <= PROVIDERS; i++) {
        mcpz_sim_provide(sim, i, "echo");
        if (i != SICK) { /* it is the nearest, and would be chosen first */
            mcpz_sim_slow_link(sim, CALLER, i, MCPZ_MS(1));
        }
    }
    mcpz_sim_run_for(sim, MCPZ_SECONDS(3));
}

/* Tasks for so long, one after another; `repeatable`: each with a key of its own. */
static void call_for(mcpz_time for_us, bool repeatable)
{
    const mcpz_time end_us = mcpz_sim_now(sim) + for_us;
    char key[32];

    while (mcpz_sim_now(sim) < end_us) {
        CHECK(task_count < TASKS_MAX);
        (void)snprintf(key, sizeof(key), "key-%zu", task_count);
        tasks[task_count++] = mcpz_sim_order(sim, CALLER,
                                             &(struct mcpz_sim_order){
                                                 .capability = "echo",
                                                 .params = "[]",
                                                 .timeout_ms = TIMEOUT_MS,
                                                 .priority = 50,
                                                 .key = repeatable ? key : NULL,
                                             });
        mcpz_sim_run_for(sim, EVERY_US);
    }
}

/* Tasks from number `from` up to `upto` that did not end well. All have had their time. */
static size_t count_errors(size_t from, size_t upto)
{
    size_t errors = 0;

    for (size_t i = from; i < upto; i++) {
        CHECK(mcpz_sim_reply(sim, tasks[i]) >= 0);
        errors += mcpz_sim_reply(sim, tasks[i]) != MCPZ_CODE_OK;
    }
    return errors;
}

static void let_end(void)
{
    mcpz_sim_run_for(sim, MCPZ_MS(TIMEOUT_MS) + MCPZ_SECONDS(3));
}

static const struct mcpz_caller *caller_of(void)
{
    return &node_of(sim, CALLER)->calls.caller;
}

/* R-TASK-5, lessons: hung providers are found at request level. Heartbeats go on all the time. */
TEST(of_three_one_hangs_and_hardly_a_task_fails)
{
    for (uint64_t seed = 1; seed <= SEEDS_OF(5); seed++) {
        set_up(seed);
        call_for(MCPZ_SECONDS(2), true);
        const size_t well = task_count;
        mcpz_sim_slow_runs(sim, SICK, MCPZ_TIME_NEVER);
        call_for(MCPZ_SECONDS(1), true);
        const size_t first_second = task_count;
        call_for(MCPZ_SECONDS(5), true);
        let_end();

        CHECK(mcpz_sim_holds_alive(sim, CALLER, SICK));
        CHECK_UINT(count_errors(0, well), 0);
        CHECK(count_errors(well, first_second) * 200 <= first_second - well);
        CHECK_UINT(count_errors(first_second, task_count), 0);
        mcpz_sim_destroy(sim);
    }
}

/* It hung before anybody knew how long a task takes. */
TEST(one_that_has_always_hung_takes_hardly_a_task_with_it)
{
    for (uint64_t seed = 1; seed <= SEEDS_OF(5); seed++) {
        set_up(seed);
        mcpz_sim_slow_runs(sim, SICK, MCPZ_TIME_NEVER);
        call_for(MCPZ_SECONDS(1), true);
        const size_t first_second = task_count;
        call_for(MCPZ_SECONDS(5), true);
        let_end();

        CHECK(count_errors(0, first_second) * 200 <= first_second);
        CHECK_UINT(count_errors(first_second, task_count), 0);
        mcpz_sim_destroy(sim);
    }
}

/* What may not be done twice cannot be moved: but few get there, and then none. */
TEST(what_may_not_be_done_twice_is_kept_away_from_who_hangs)
{
    for (uint64_t seed = 1; seed <= SEEDS_OF(5); seed++) {
        set_up(seed);
        call_for(MCPZ_SECONDS(2), false);
        const size_t well = task_count;
        mcpz_sim_slow_runs(sim, SICK, MCPZ_TIME_NEVER);
        call_for(MCPZ_SECONDS(1), false);
        const size_t first_second = task_count;
        call_for(MCPZ_SECONDS(5), false);
        let_end();

        CHECK(count_errors(well, first_second) <= 4);
        CHECK_UINT(count_errors(first_second, task_count), 0);
        CHECK(caller_of()->router.stalls > 0);
        mcpz_sim_destroy(sim);
    }
}

TEST(of_three_one_is_ten_times_slower_and_no_task_is_late)
{
    for (uint64_t seed = 1; seed <= SEEDS_OF(5); seed++) {
        set_up(seed);
        mcpz_sim_slow_runs(sim, SICK, 10 * RUN_US);
        call_for(MCPZ_SECONDS(6), false);
        let_end();
        CHECK_UINT(count_errors(0, task_count), 0);
        mcpz_sim_destroy(sim);
    }
}

TEST(a_provider_that_stands_still_costs_no_task)
{
    for (uint64_t seed = 1; seed <= SEEDS_OF(5); seed++) {
        set_up(seed);
        call_for(MCPZ_SECONDS(2), true);
        mcpz_sim_pause(sim, SICK, MCPZ_SECONDS(2));
        call_for(MCPZ_SECONDS(5), true);
        let_end();
        CHECK_UINT(count_errors(0, task_count), 0);
        mcpz_sim_destroy(sim);
    }
}

/* R-TASK-11: what a dead provider had is moved, whatever it was, since it said nothing yet. */
TEST(what_a_dead_provider_had_is_done_by_another)
{
    for (uint64_t seed = 1; seed <= SEEDS_OF(5); seed++) {
        set_up(seed);
        call_for(MCPZ_SECONDS(2), false);
        mcpz_sim_kill(sim, SICK);
        call_for(MCPZ_SECONDS(3), false);
        mcpz_sim_start(sim, SICK);
        mcpz_sim_provide(sim, SICK, "echo");
        call_for(MCPZ_SECONDS(3), false);
        let_end();
        CHECK_UINT(count_errors(0, task_count), 0);
        mcpz_sim_destroy(sim);
    }
}

/* One that is slow and one that fails: what the slow one has is sent to the other as well. */
TEST(a_hedge_that_fails_costs_nothing)
{
    uint64_t hedges = 0;

    for (uint64_t seed = 1; seed <= 10; seed++) {
        set_up(seed);
        mcpz_sim_kill(sim, SICK);
        call_for(MCPZ_SECONDS(1), true);
        const size_t well = task_count;
        mcpz_sim_slow_runs(sim, 1, 40 * RUN_US);
        mcpz_sim_fail_runs(sim, 2, MCPZ_CODE_START_FAILED);
        call_for(EVERY_US, true);
        mcpz_sim_run_for(sim, MCPZ_MS(300));
        call_for(EVERY_US, true);
        let_end();
        CHECK_UINT(count_errors(well, task_count), 0);
        hedges += caller_of()->router.hedges;
        mcpz_sim_destroy(sim);
    }
    CHECK(hedges > 0);
}

/* How often SICK was given something to do. */
static void count_sick(void *context, size_t index, const struct mcpz_action *action)
{
    *(size_t *)context += index == SICK && action->kind == MCPZ_ACTION_RUN_START;
}

/* R-TASK-5: half a minute after its breaker has opened, three trials may close it. */
TEST(a_provider_that_is_well_again_gets_calls_again)
{
    size_t runs = 0;

    for (uint64_t seed = 1; seed <= 3; seed++) {
        set_up(seed);
        mcpz_sim_watch(sim, &(struct mcpz_sim_watch){.context = &runs, .saw = count_sick});
        call_for(MCPZ_MS(200), true);
        mcpz_sim_slow_runs(sim, SICK, MCPZ_TIME_NEVER);
        call_for(MCPZ_SECONDS(1), true);
        CHECK(caller_of()->router.stalls > 0);
        runs = 0;
        call_for(MCPZ_SECONDS(1), true);
        CHECK_UINT(runs, 0);
        mcpz_sim_slow_runs(sim, SICK, RUN_US);
        mcpz_sim_run_for(sim, MCPZ_SECONDS(35));
        call_for(MCPZ_SECONDS(2), true);
        CHECK(runs > 100);
        let_end();
        mcpz_sim_destroy(sim);
    }
}

MESH_MAIN(RUN(of_three_one_hangs_and_hardly_a_task_fails),
          RUN(one_that_has_always_hung_takes_hardly_a_task_with_it),
          RUN(what_may_not_be_done_twice_is_kept_away_from_who_hangs),
          RUN(of_three_one_is_ten_times_slower_and_no_task_is_late),
          RUN(a_provider_that_stands_still_costs_no_task),
          RUN(what_a_dead_provider_had_is_done_by_another), RUN(a_hedge_that_fails_costs_nothing),
          RUN(a_provider_that_is_well_again_gets_calls_again))
