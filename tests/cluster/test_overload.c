/*
 * More to do than gets done, and nodes that are drained: whole nodes, virtual time.
 *
 * One provider with four hands, 20 ms a task: 200 tasks a second, and no more.
 */

#include "meshes.h"

#define PROVIDER 3
#define CAPACITY 200 /* tasks a second */
#define TASKS_MAX 16384
#define LATEST 400 /* tasks that may be asked for again */

static const struct mcpz_sim_config four = {
    .node_count = 4,
    .seed = 7,
    .delay_min_us = MCPZ_MS(1),
    .delay_max_us = MCPZ_MS(2),
    .disk_us = MCPZ_MS(1),
    .run_us = MCPZ_MS(20),
    .gate = {.hands = 4},
};

/* A task that somebody wanted done. */
struct wanted {
    uint64_t name;
    mcpz_time at_us;
    uint32_t priority;
    bool is_quiet;  /* of the tenant that asks for little */
    uint32_t asked; /* times */
    const char *tenant;
    uint32_t timeout_ms;
};

static struct mcpz_sim *sim;
static struct wanted tasks[TASKS_MAX];
static size_t task_count;

static void set_up(const struct mcpz_sim_config *config)
{
    task_count = 0;
    sim = start_mesh(config);
    mcpz_sim_provide(sim, PROVIDER, "work");
    mcpz_sim_run_for(sim, MCPZ_SECONDS(2));
}

static void ask(size_t index)
{
    struct wanted *task = &tasks[index];

    task->asked++;
    task->name = mcpz_sim_order(sim, index % PROVIDER,
                                &(struct mcpz_sim_order){
                                    .capability = "work",
                                    .params = "{}",
                                    .timeout_ms = task->timeout_ms,
                                    .priority = task->priority,
                                    .tenant = task->tenant,
                                });
}

static void want(uint32_t priority, const char *tenant, uint32_t timeout_ms)
{
    CHECK(task_count < TASKS_MAX);
    tasks[task_count] = (struct wanted){
        .at_us = mcpz_sim_now(sim),
        .priority = priority,
        .is_quiet = strcmp(tenant, "quiet") == 0,
        .tenant = tenant,
        .timeout_ms = timeout_ms,
    };
    ask(task_count++);
}

/* Whoever was refused asks again at once, as impatient clients do. */
static void ask_again(uint32_t times_max)
{
    for (size_t i = task_count > LATEST ? task_count - LATEST : 0; i < task_count; i++) {
        if (tasks[i].asked < times_max && mcpz_sim_reply(sim, tasks[i].name) > MCPZ_CODE_OK) {
            ask(i);
        }
    }
}

/* So many tasks a second, for so long; every fourth is important. Each is asked for up to so many
 * times. */
static void load(uint32_t per_second, mcpz_time for_us, uint32_t times_max)
{
    const mcpz_time end_us = mcpz_sim_now(sim) + for_us;

    while (mcpz_sim_now(sim) < end_us) {
        want(task_count % 4 == 0 ? 100 : 50, "", 1000);
        mcpz_sim_run_for(sim, MCPZ_SECONDS(1) / per_second);
        ask_again(times_max);
    }
}

static bool is_done(const struct wanted *task)
{
    return mcpz_sim_reply(sim, task->name) == MCPZ_CODE_OK;
}

/* Of the tasks wanted in [from, to) of this priority (0: of any): how many, and how many done. */
static size_t count(mcpz_time from_us, mcpz_time to_us, uint32_t priority, size_t *done)
{
    size_t all = 0;

    *done = 0;
    for (size_t i = 0; i < task_count; i++) {
        if (tasks[i].at_us >= from_us && tasks[i].at_us < to_us &&
            (priority == 0 || tasks[i].priority == priority)) {
            all++;
            *done += is_done(&tasks[i]);
        }
    }
    return all;
}

static const struct mcpz_gate *gate(void)
{
    return &node_of(sim, PROVIDER)->calls.provider.gate;
}

/* Of the tasks wanted in [from, to), how many were refused at least once? */
static size_t count_refused(mcpz_time from_us, mcpz_time to_us)
{
    size_t refused = 0;

    for (size_t i = 0; i < task_count; i++) {
        refused += tasks[i].at_us >= from_us && tasks[i].at_us < to_us &&
                   (tasks[i].asked > 1 || !is_done(&tasks[i]));
    }
    return refused;
}

static void check_overload(uint64_t seed, uint32_t queue_min, uint32_t times_max)
{
    struct mcpz_sim_config config = four;
    size_t done;

    config.seed = seed;
    config.gate.queue_min = queue_min;
    set_up(&config);
    load(CAPACITY / 2, MCPZ_SECONDS(2), times_max);
    const mcpz_time begin_us = mcpz_sim_now(sim);
    load(2 * CAPACITY, MCPZ_SECONDS(10), times_max);
    const mcpz_time end_us = mcpz_sim_now(sim);
    load(CAPACITY / 2, MCPZ_SECONDS(10), times_max);
    const mcpz_time over_us = mcpz_sim_now(sim);
    mcpz_sim_run(sim, over_us + MCPZ_SECONDS(3));

    /* Before: nobody is refused. */
    CHECK_UINT(count_refused(0, begin_us), 0);

    /* While there is twice too much: as much gets done as can be, the important all of it. */
    (void)count(begin_us, end_us, 0, &done);
    print_message("seed %llu: %zu of %d done in 10 s at twice the capacity\n",
                  (unsigned long long)seed, done, 10 * CAPACITY);
    CHECK(done >= 10 * CAPACITY * 95 / 100);
    size_t important = count(begin_us, end_us, 100, &done);
    print_message("  important: %zu of %zu; refusals: %zu shed, %zu pushed out, %zu full, %zu "
                  "without time\n",
                  done, important, (size_t)gate()->counts.shed, (size_t)gate()->counts.pushed_out,
                  (size_t)gate()->counts.queue_full, (size_t)gate()->counts.no_time);
    CHECK(done >= important * 99 / 100);
    CHECK((gate()->counts.shed > 100) == (queue_min > 0));
    CHECK(count_refused(begin_us, end_us) > 10 * CAPACITY / 2);

    /* Five seconds after it: as if nothing had been. */
    print_message("  refused in the five seconds after it: %zu\n",
                  count_refused(end_us, end_us + MCPZ_SECONDS(5)));
    CHECK_UINT(count_refused(end_us + MCPZ_SECONDS(5), over_us), 0);
    CHECK_UINT(mcpz_gate_running(gate()), 0);
    CHECK_UINT(gate()->waiting.count, 0);
    mcpz_sim_destroy(sim);
}

TEST(an_overload_costs_no_goodput_spares_the_important_and_ends_when_it_ends)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        check_overload(seed, 0, 1);
    }
}

/* Up to four times as much again: such a storm is what keeps an overload going elsewhere. */
TEST(so_it_is_when_all_who_are_refused_ask_again_at_once)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        check_overload(seed, 0, 4);
        check_overload(seed, 40, 4);
    }
}

/* Where more may wait than is good, as in a real node, the shedder is what keeps waits short. */
TEST(so_it_is_where_a_long_burst_may_wait)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        check_overload(seed, 40, 1);
    }
}

/* Refusals that crossed the network. */
static uint64_t refusals_sent(void)
{
    const struct mcpz_gate_counts *counts = &gate()->counts;

    return counts->shed + counts->queue_full + counts->pushed_out + counts->no_time;
}

/* DAGOR, section 4.2.4: who is told what would be refused does not send it. */
TEST(callers_refuse_themselves_what_they_know_to_be_refused)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct mcpz_sim_config config = four;
        size_t done;

        config.seed = seed;
        set_up(&config);
        load(2 * CAPACITY, MCPZ_SECONDS(10), 1);
        mcpz_sim_run_for(sim, MCPZ_SECONDS(3));
        const size_t refused = count(0, MCPZ_TIME_NEVER, 0, &done) - done;
        uint64_t spared = 0;
        for (size_t i = 0; i < PROVIDER; i++) {
            spared += node_of(sim, i)->calls.caller.router.spared;
        }
        print_message("seed %u: %zu refused, %u of them by the provider, which knows of %u\n",
                      (unsigned)seed, refused, (unsigned)refusals_sent(),
                      (unsigned)gate()->counts.spared);
        CHECK_UINT(refused, spared + refusals_sent());
        CHECK(refusals_sent() * 2 < refused);
        CHECK(gate()->counts.spared * 10 >= spared * 9 && gate()->counts.spared <= spared);
        CHECK(done >= 10 * CAPACITY * 95 / 100);
        mcpz_sim_destroy(sim);
    }
}

/* One asks for four times what there is, the other, whose tasks are to be done within so long, for
 * a tenth of it. */
static void flood(const struct mcpz_sim_config *config, uint32_t quiet_timeout_ms)
{
    size_t quiet = 0;
    size_t quiet_done = 0;
    size_t done = 0;

    set_up(config);
    for (size_t i = 0; i < 8000; i++) {
        if (i % 40 == 0) {
            want(50, "quiet", quiet_timeout_ms);
        } else {
            want(50, "flood", 1000);
        }
        mcpz_sim_run_for(sim, MCPZ_MS(1) + 250);
    }
    mcpz_sim_run_for(sim, MCPZ_SECONDS(3));
    for (size_t i = 0; i < task_count; i++) {
        quiet += tasks[i].is_quiet;
        quiet_done += tasks[i].is_quiet && is_done(&tasks[i]);
        done += is_done(&tasks[i]);
    }
    print_message("quiet: %zu of %zu, all: %zu\n", quiet_done, quiet, done);
    CHECK(quiet_done >= quiet * 99 / 100);
    CHECK(done >= 1900);
    mcpz_sim_destroy(sim);
}

TEST(a_tenant_that_floods_does_not_starve_another)
{
    flood(&four, 1000);
}

/* Where forty may wait, whoever has to stand behind all of another's waits 200 ms. */
TEST(nor_does_it_have_another_wait_behind_all_it_asks_for)
{
    struct mcpz_sim_config config = four;

    config.gate.queue_min = 40;
    flood(&config, 100);
}

/* Each time the caller comes in time, of another of three providers. */
TEST(nothing_fails_while_one_provider_after_another_is_drained)
{
    struct mcpz_sim_config config = four;
    size_t done;

    config.run_us = MCPZ_MS(100);
    config.gate.hands = 16;
    set_up(&config);
    mcpz_sim_provide(sim, 1, "work");
    mcpz_sim_provide(sim, 2, "work");
    mcpz_sim_run_for(sim, MCPZ_SECONDS(2));
    for (size_t i = 0; i < 2000; i++) {
        if (i == 500 || i == 1500) {
            mcpz_sim_drain(sim, i == 500 ? 1 : 2, 30000);
        }
        if (i == 1000) {
            mcpz_sim_resume(sim, 1);
        }
        want(50, "", 5000);
        mcpz_sim_run_for(sim, MCPZ_MS(10));
    }
    mcpz_sim_run_for(sim, MCPZ_SECONDS(6));
    CHECK_UINT(count(0, MCPZ_TIME_NEVER, 0, &done), done);
    const struct mcpz_node *drained = node_of(sim, 2);
    CHECK_UINT(drained->drain.state, MCPZ_DRAIN_DONE);
    CHECK(strstr(mcpz_sim_trace(sim), "2: 2 drained") != NULL);
    mcpz_sim_destroy(sim);
}

MESH_MAIN(RUN(an_overload_costs_no_goodput_spares_the_important_and_ends_when_it_ends),
          RUN(so_it_is_when_all_who_are_refused_ask_again_at_once),
          RUN(so_it_is_where_a_long_burst_may_wait),
          RUN(callers_refuse_themselves_what_they_know_to_be_refused),
          RUN(a_tenant_that_floods_does_not_starve_another),
          RUN(nor_does_it_have_another_wait_behind_all_it_asks_for),
          RUN(nothing_fails_while_one_provider_after_another_is_drained))
