/* Tasks that are split, among whole nodes: stories of who dies when, and storms of trees. */

#include <stdio.h>

#include "core/task_plan.h"
#include "meshes.h"

#define NODES 5
#define TREES 12
#define TEXT_BYTES 4096

/* A tree of nine: every way to aggregate, two levels deep. */
#define TREE                                                                                      \
    "{\"subtasks\":["                                                                             \
    "{\"type\":\"echo\",\"params\":1},"                                                           \
    "{\"type\":\"split\",\"params\":{\"aggregate\":\"weighted\",\"subtasks\":["                   \
    "{\"type\":\"echo\",\"params\":2},{\"type\":\"echo\",\"params\":4,\"weight\":3}]}},"          \
    "{\"type\":\"split\",\"params\":{\"aggregate\":\"sequential\",\"subtasks\":["                 \
    "{\"type\":\"echo\",\"params\":[5]},{\"type\":\"join\"}]}}],"                                 \
    "\"reduce\":{\"type\":\"join\"}}"
#define TREE_RESULT "[1,3.5,[5]]"

static const char *const types[] = {"echo", "split", "join", "fail"};

static struct mcpz_sim *make_sim(uint64_t seed, mcpz_time run_us)
{
    struct mcpz_sim_config config = apart_config(seed, NODES);

    config.run_us = run_us;
    return start_mesh(&config);
}

static void provide(struct mcpz_sim *sim, size_t node)
{
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(types); i++) {
        mcpz_sim_provide(sim, node, types[i]);
    }
}

static struct mcpz_task_id submit_for(struct mcpz_sim *sim, size_t node, const char *plan,
                                      uint32_t attempts_max)
{
    const struct mcpz_sim_submission submission = {
        .capability = "split", .params = plan, .attempts_max = attempts_max};
    uint64_t request = mcpz_sim_submit(sim, node, &submission);

    mcpz_sim_run_for(sim, MCPZ_MS(200));
    CHECK_UINT(mcpz_sim_reply(sim, request), MCPZ_CODE_OK);
    return *mcpz_sim_task_id(sim, request);
}

static struct mcpz_task_id submit(struct mcpz_sim *sim, size_t node, const char *plan)
{
    return submit_for(sim, node, plan, 20);
}

static struct mcpz_task_id part_of(struct mcpz_sim *sim, const struct mcpz_task_id *parent,
                                   uint32_t part)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_TASK_PLAN, .task_plan = {.id = *parent}};

    for (size_t i = 0; i < NODES; i++) {
        if (mcpz_sim_engine(sim, i) != NULL && mcpz_sim_reads(sim, i, &record)) {
            break;
        }
    }
    return mcpz_task_part_id(parent, record.task_plan.plan.salt, part);
}

/* Who owns it, and how it is there; NODES: nobody does. */
static size_t owner_of(struct mcpz_sim *sim, const struct mcpz_task_id *id,
                       struct mcpz_task_state *state)
{
    for (size_t i = 0; i < NODES; i++) {
        if (mcpz_sim_engine(sim, i) != NULL && mcpz_sim_task_state(sim, i, id, state) &&
            mcpz_sim_node_of(sim, &state->owner) == i) {
            return i;
        }
    }
    *state = (struct mcpz_task_state){.phase = 0};
    return NODES;
}

/* The same; or who keeps it, if its owner is gone. */
static size_t holder_of(struct mcpz_sim *sim, const struct mcpz_task_id *id,
                        struct mcpz_task_state *state)
{
    size_t owner = owner_of(sim, id, state);

    for (size_t i = 0; i < NODES && owner == NODES; i++) {
        if (mcpz_sim_engine(sim, i) != NULL && mcpz_sim_task_state(sim, i, id, state) &&
            state->phase != MCPZ_TASK_YIELDED) {
            owner = i;
        }
    }
    return owner;
}

static uint32_t phase_of(struct mcpz_sim *sim, const struct mcpz_task_id *id)
{
    struct mcpz_task_state state;

    (void)owner_of(sim, id, &state);
    return state.phase;
}

static void check_result(struct mcpz_sim *sim, const struct mcpz_task_id *id, const char *expected)
{
    struct mcpz_task_state state;
    char text[TEXT_BYTES];
    size_t owner = holder_of(sim, id, &state);

    CHECK_UINT(state.phase, MCPZ_TASK_DONE);
    mcpz_sim_task_result(sim, owner, id, text, sizeof(text));
    CHECK_TEXT(text, expected);
}

/* No node holds anything open. */
static size_t count_open(struct mcpz_sim *sim)
{
    size_t open = 0;

    for (size_t i = 0; i < NODES; i++) {
        struct mcpz_record record = {.kind = MCPZ_RECORD_TASK_STATE};
        if (mcpz_sim_engine(sim, i) == NULL) {
            continue;
        }
        while (mcpz_sim_reads_next(sim, i, &record)) {
            open += !mcpz_task_is_over(&record.task_state.state);
        }
    }
    return open;
}

static size_t count_tasks(struct mcpz_sim *sim, size_t node)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_TASK_STATE};
    size_t count = 0;

    while (mcpz_sim_reads_next(sim, node, &record)) {
        count++;
    }
    return count;
}

/* ---- Aggregating -------------------------------------------------------------------------- */

TEST(results_come_in_the_order_of_the_plan)
{
    struct mcpz_sim *sim = make_sim(1, MCPZ_MS(100));

    provide(sim, 1);
    provide(sim, 2);
    struct mcpz_task_id id =
        submit(sim, 0,
               "{\"subtasks\":[{\"type\":\"echo\",\"params\":{\"a\":1}},"
               "{\"type\":\"join\",\"input\":\"two \\\"words\\\"\"},"
               "{\"type\":\"join\",\"input_base64\":\"/w==\"},{\"type\":\"echo\"}]}");
    mcpz_sim_run_for(sim, MCPZ_SECONDS(5));
    check_result(sim, &id, "[{\"a\":1},\"two \\\"words\\\"\",\"/w==\",null]");
    CHECK_UINT(count_open(sim), 0);
    mcpz_sim_destroy(sim);
}

TEST(a_tree_of_every_kind_is_done_and_its_backup_can_tell_its_result)
{
    struct mcpz_sim *sim = make_sim(2, MCPZ_MS(100));
    struct mcpz_task_state seen;
    char text[TEXT_BYTES];

    provide(sim, 1);
    provide(sim, 3);
    struct mcpz_task_id id = submit(sim, 0, TREE);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(10));
    check_result(sim, &id, TREE_RESULT);
    CHECK_UINT(count_open(sim), 0);
    (void)owner_of(sim, &id, &seen);
    mcpz_sim_task_result(sim, mcpz_sim_node_of(sim, &seen.backup), &id, text, sizeof(text));
    CHECK_TEXT(text, TREE_RESULT);
    mcpz_sim_destroy(sim);
}

TEST(a_node_alone_splits_tasks_too)
{
    const struct mcpz_sim_config config = {
        .node_count = 1, .seed = 1, .disk_us = MCPZ_MS(5), .run_us = MCPZ_MS(10)};
    struct mcpz_sim *sim = start_mesh(&config);
    provide(sim, 0);
    struct mcpz_task_id id = submit(sim, 0, TREE);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(5));
    char text[TEXT_BYTES];
    mcpz_sim_task_result(sim, 0, &id, text, sizeof(text));
    CHECK_TEXT(text, TREE_RESULT);
    mcpz_sim_destroy(sim);
}

/* The parent waits without a worker: one node that does one task at a time is enough. */
TEST(results_larger_than_a_task_may_have_are_streamed_to_the_one_that_reduces)
{
    static char plan[TEXT_BYTES * 4];
    static char text[TEXT_BYTES * 256];
    struct mcpz_sim *sim = make_sim(3, MCPZ_MS(20));
    size_t used =
        (size_t)snprintf(plan, sizeof(plan), "{\"reduce\":{\"type\":\"join\"},\"subtasks\":[");

    /* Each gives its own array of 25 strings of 200. */
    for (size_t i = 0; i < 2; i++) {
        used +=
            (size_t)snprintf(plan + used, sizeof(plan) - used,
                             "%s{\"type\":\"split\",\"params\":{\"subtasks\":[", i > 0 ? "," : "");
        for (size_t j = 0; j < 25; j++) {
            used += (size_t)snprintf(plan + used, sizeof(plan) - used,
                                     "%s{\"type\":\"echo\",\"params\":\"%0200zu\"}",
                                     j > 0 ? "," : "", 100 * i + j);
        }
        used += (size_t)snprintf(plan + used, sizeof(plan) - used, "]}}");
    }
    (void)snprintf(plan + used, sizeof(plan) - used, "]}");
    provide(sim, 1);
    struct mcpz_task_id id = submit(sim, 0, plan);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(60));
    struct mcpz_task_state seen;
    size_t owner = owner_of(sim, &id, &seen);
    CHECK_UINT(seen.phase, MCPZ_TASK_DONE);
    mcpz_sim_task_result(sim, owner, &id, text, sizeof(text));
    CHECK_UINT(strlen(text), 3 + 2 * (1 + 25 * 203));
    CHECK(memcmp(text, "[[\"0000", 7) == 0);
    mcpz_sim_destroy(sim);
}

/* ---- Failing ------------------------------------------------------------------------------ */

TEST(one_that_fails_is_the_end_of_all)
{
    struct mcpz_sim *sim = make_sim(4, MCPZ_MS(100));
    struct mcpz_task_state seen;

    provide(sim, 1);
    mcpz_sim_slow_runs(sim, 2, MCPZ_SECONDS(100));
    struct mcpz_task_id id = submit_for(sim, 0,
                                        "{\"subtasks\":[{\"type\":\"fail\"},{\"type\":\"slow\"},"
                                        "{\"type\":\"split\",\"params\":{\"subtasks\":["
                                        "{\"type\":\"slow\"}]}}]}",
                                        1);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(10));
    CHECK(owner_of(sim, &id, &seen) == 0);
    CHECK_UINT(seen.phase, MCPZ_TASK_DEAD);
    CHECK_UINT(seen.code, MCPZ_CODE_SUBTASK_FAILED);
    CHECK_UINT(count_open(sim), 0);
    mcpz_sim_destroy(sim);
}

TEST(what_may_fail_is_null_and_too_many_failures_are_the_end)
{
    struct mcpz_sim *sim = make_sim(5, MCPZ_MS(100));

    provide(sim, 1);
    struct mcpz_task_id some =
        submit_for(sim, 0,
                   "{\"on_failure\":\"partial\",\"subtasks\":[{\"type\":\"fail\"},"
                   "{\"type\":\"echo\",\"params\":7}]}",
                   1);
    struct mcpz_task_id many =
        submit_for(sim, 0,
                   "{\"on_failure\":\"partial\",\"failures_max\":1,\"subtasks\":["
                   "{\"type\":\"fail\"},{\"type\":\"fail\"},{\"type\":\"echo\"}]}",
                   1);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(10));
    check_result(sim, &some, "[null,7]");
    CHECK_UINT(phase_of(sim, &many), MCPZ_TASK_DEAD);
    CHECK_UINT(count_open(sim), 0);
    mcpz_sim_destroy(sim);
}

TEST(a_replayed_root_tries_again_what_failed_and_nothing_else)
{
    struct mcpz_sim *sim = make_sim(6, MCPZ_MS(100));
    const char *plan = "{\"subtasks\":[{\"type\":\"echo\",\"params\":1},"
                       "{\"type\":\"split\",\"params\":{\"subtasks\":["
                       "{\"type\":\"later\",\"attempts\":1,\"timeout_ms\":500,\"params\":2}]}}]}";

    provide(sim, 1);
    mcpz_sim_provide(sim, 2, "later");
    mcpz_sim_slow_runs(sim, 2, MCPZ_SECONDS(100));
    struct mcpz_task_id id = submit(sim, 0, plan);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(90));
    CHECK_UINT(phase_of(sim, &id), MCPZ_TASK_DEAD);
    mcpz_sim_slow_runs(sim, 2, MCPZ_MS(10));
    uint64_t made = node_of(sim, 1)->ledger.kept;
    uint64_t request = mcpz_sim_durable(sim, 0, MCPZ_EVENT_DURABLE_REPLAY, &id, NULL);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(20));
    CHECK_UINT(mcpz_sim_reply(sim, request), MCPZ_CODE_OK);
    check_result(sim, &id, "[1,[2]]");
    CHECK_UINT(node_of(sim, 1)->ledger.kept, made);
    mcpz_sim_destroy(sim);
}

TEST(a_plan_that_is_none_is_a_dead_letter_at_once)
{
    struct mcpz_sim *sim = make_sim(7, MCPZ_MS(10));
    struct mcpz_task_state seen;

    provide(sim, 1);
    struct mcpz_task_id id = submit(sim, 0, "{\"subtasks\":[]}");
    mcpz_sim_run_for(sim, MCPZ_SECONDS(5));
    (void)owner_of(sim, &id, &seen);
    CHECK_UINT(seen.phase, MCPZ_TASK_DEAD);
    CHECK_UINT(seen.code, MCPZ_CODE_BAD_REQUEST);
    mcpz_sim_destroy(sim);
}

TEST(the_sixth_level_is_refused)
{
    static char plan[TEXT_BYTES];
    struct mcpz_sim *sim = make_sim(8, MCPZ_MS(10));
    struct mcpz_task_state seen;

    for (size_t levels = 5; levels <= 6; levels++) {
        size_t used = 0;
        for (size_t i = 0; i < levels; i++) {
            used += (size_t)snprintf(
                plan + used, sizeof(plan) - used,
                "{\"subtasks\":[{\"type\":\"%s\",\"params\":", i + 1 < levels ? "split" : "echo");
        }
        used += (size_t)snprintf(plan + used, sizeof(plan) - used, "7");
        for (size_t i = 0; i < levels; i++) {
            used += (size_t)snprintf(plan + used, sizeof(plan) - used, "}]}");
        }
        provide(sim, 1);
        struct mcpz_task_id id = submit_for(sim, 0, plan, 1);
        mcpz_sim_run_for(sim, MCPZ_SECONDS(20));
        (void)owner_of(sim, &id, &seen);
        CHECK_UINT(seen.phase, levels == 5 ? MCPZ_TASK_DONE : MCPZ_TASK_DEAD);
    }
    CHECK_UINT(count_open(sim), 0);
    mcpz_sim_destroy(sim);
}

/* ---- Ending ------------------------------------------------------------------------------- */

TEST(who_cancels_a_root_cancels_all_that_is_below_it)
{
    struct mcpz_sim *sim = make_sim(9, MCPZ_SECONDS(100));

    provide(sim, 1);
    mcpz_sim_slow_runs(sim, 1, MCPZ_MS(10));
    struct mcpz_task_id id = submit(sim, 0,
                                    "{\"subtasks\":[{\"type\":\"split\",\"params\":{\"subtasks\":["
                                    "{\"type\":\"nobody\"},{\"type\":\"nobody\"}]}}]}");
    mcpz_sim_run_for(sim, MCPZ_SECONDS(5));
    struct mcpz_task_id middle = part_of(sim, &id, 0);
    struct mcpz_task_id leaf = part_of(sim, &middle, 1);
    CHECK_UINT(phase_of(sim, &id), MCPZ_TASK_SPLIT);
    CHECK_UINT(phase_of(sim, &middle), MCPZ_TASK_SPLIT);
    CHECK_UINT(phase_of(sim, &leaf), MCPZ_TASK_QUEUED);
    uint64_t request = mcpz_sim_durable(sim, 0, MCPZ_EVENT_DURABLE_CANCEL, &id, NULL);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(5));
    CHECK_UINT(mcpz_sim_reply(sim, request), MCPZ_CODE_OK);
    CHECK_UINT(phase_of(sim, &leaf), MCPZ_TASK_CANCELLED);
    CHECK_UINT(count_open(sim), 0);
    mcpz_sim_destroy(sim);
}

TEST(a_tree_is_forgotten_with_its_root_everywhere)
{
    struct mcpz_sim *sim = make_sim(10, MCPZ_MS(10));
    struct mcpz_task_state seen;

    provide(sim, 1);
    struct mcpz_task_id id = submit(sim, 0, TREE);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(10));
    CHECK(owner_of(sim, &id, &seen) == 0);
    size_t backup = mcpz_sim_node_of(sim, &seen.backup);
    CHECK_UINT(count_tasks(sim, 0), 9);
    CHECK_UINT(count_tasks(sim, backup), 9);
    struct mcpz_task_id part = part_of(sim, &id, 0);
    uint64_t refused = mcpz_sim_durable(sim, 0, MCPZ_EVENT_DURABLE_PURGE, &part, NULL);
    uint64_t purged = mcpz_sim_durable(sim, 0, MCPZ_EVENT_DURABLE_PURGE, &id, NULL);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(5));
    CHECK_UINT(mcpz_sim_reply(sim, refused), MCPZ_CODE_CONFLICT);
    CHECK_UINT(mcpz_sim_reply(sim, purged), MCPZ_CODE_OK);
    CHECK_UINT(count_tasks(sim, 0), 0);
    CHECK_UINT(count_tasks(sim, backup), 0);
    mcpz_sim_destroy(sim);
}

/* ---- Who dies ----------------------------------------------------------------------------- */

/* How many nodes have completed what part `part` of `parent` is. */
static size_t count_runs(struct mcpz_sim *sim, const struct mcpz_task_id *parent, uint32_t part)
{
    char key[MCPZ_IDEMPOTENCY_KEY_BYTES_MAX + 1] = "t-";
    size_t count = 0;

    for (size_t i = 0; i < MCPZ_TASK_ID_BYTES; i++) {
        (void)snprintf(key + 2 + 2 * i, 3, "%02x", parent->bytes[i]);
    }
    struct mcpz_record plan = {.kind = MCPZ_RECORD_TASK_PLAN, .task_plan = {.id = *parent}};
    for (size_t i = 0; i < NODES; i++) {
        if (mcpz_sim_engine(sim, i) != NULL && mcpz_sim_reads(sim, i, &plan)) {
            break;
        }
    }
    (void)snprintf(key + 2 + 2 * MCPZ_TASK_ID_BYTES, 14, ":%u:%08x", (unsigned)part,
                   (unsigned)plan.task_plan.plan.salt);
    for (size_t i = 0; i < NODES; i++) {
        for (size_t j = 0; j < MCPZ_ARRAY_LEN(types); j++) {
            struct mcpz_record record = {
                .kind = MCPZ_RECORD_RUN,
                .run = {.capability = mcpz_text(types[j]), .key = mcpz_text(key)},
            };
            count += mcpz_sim_engine(sim, i) != NULL && mcpz_sim_reads(sim, i, &record) &&
                     record.run.done;
        }
    }
    return count;
}

static bool is_done_once(struct mcpz_sim *sim, const struct mcpz_task_id *id)
{
    static const uint32_t counts[] = {4, 0, 2, 2, 0}; /* of TREE: parts of the root, of parts */
    bool once = true;

    for (uint32_t part = 0; part < counts[0]; part++) {
        struct mcpz_task_id middle = part_of(sim, id, part);
        once = once && count_runs(sim, id, part) == 1;
        for (uint32_t leaf = 0; leaf < counts[part + 1]; leaf++) {
            once = once && count_runs(sim, &middle, leaf) == 1;
        }
    }
    return once;
}

TEST(a_tree_whose_owner_dies_for_good_is_done_by_its_backup)
{
    for (mcpz_time after_ms = 20; after_ms <= 1600; after_ms += 60) {
        struct mcpz_sim *sim = make_sim(11, MCPZ_MS(200));

        provide(sim, 3);
        provide(sim, 4);
        struct mcpz_task_id id = submit(sim, 0, TREE);
        mcpz_sim_run_for(sim, MCPZ_MS(after_ms));
        mcpz_sim_kill(sim, 0);
        mcpz_sim_run_for(sim, MCPZ_SECONDS(40));
        check_result(sim, &id, TREE_RESULT);
        CHECK(is_done_once(sim, &id));
        CHECK_UINT(count_open(sim), 0);
        mcpz_sim_destroy(sim);
    }
}

TEST(a_tree_whose_backup_dies_finds_another_and_then_its_owner_may_die)
{
    for (mcpz_time after_ms = 20; after_ms <= 1600; after_ms += 60) {
        struct mcpz_sim *sim = make_sim(12, MCPZ_MS(300));
        struct mcpz_task_state seen;

        provide(sim, 3);
        struct mcpz_task_id id = submit(sim, 0, TREE);
        mcpz_sim_run_for(sim, MCPZ_MS(after_ms));
        CHECK(owner_of(sim, &id, &seen) == 0);
        size_t backup = mcpz_sim_node_of(sim, &seen.backup);
        mcpz_sim_kill(sim, backup);
        mcpz_sim_run_for(sim, MCPZ_SECONDS(3));
        mcpz_sim_kill(sim, 0);
        if (backup == 3) {
            provide(sim, 4);
        }
        mcpz_sim_run_for(sim, MCPZ_SECONDS(120));
        check_result(sim, &id, TREE_RESULT);
        CHECK_UINT(count_open(sim), 0);
        mcpz_sim_destroy(sim);
    }
}

TEST(a_cancelled_tree_stays_so_though_its_owner_dies_at_once)
{
    struct mcpz_sim *sim = make_sim(13, MCPZ_MS(10));

    provide(sim, 3);
    struct mcpz_task_id id = submit(sim, 0,
                                    "{\"subtasks\":[{\"type\":\"split\",\"params\":{\"subtasks\":["
                                    "{\"type\":\"nobody\"},{\"type\":\"nobody\"}]}}]}");
    mcpz_sim_run_for(sim, MCPZ_SECONDS(5));
    uint64_t request = mcpz_sim_durable(sim, 0, MCPZ_EVENT_DURABLE_CANCEL, &id, NULL);
    while (mcpz_sim_reply(sim, request) < 0) {
        mcpz_sim_run_for(sim, MCPZ_MS(1));
    }
    mcpz_sim_run_for(sim, MCPZ_MS(40)); /* the root's end has left, and perhaps no more */
    mcpz_sim_kill(sim, 0);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(120));
    mcpz_sim_provide(sim, 4, "nobody");
    mcpz_sim_run_for(sim, MCPZ_SECONDS(20));
    CHECK_UINT(count_open(sim), 0);
    mcpz_sim_start(sim, 0);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(60));
    CHECK_UINT(count_open(sim), 0);
    mcpz_sim_destroy(sim);
}

/* ---- Storms ------------------------------------------------------------------------------- */

struct storm {
    struct mcpz_sim *sim;
    struct mcpz_rng rng;
    uint64_t requests[TREES];
    bool keyed[TREES];
    size_t count;
    mcpz_time back_at_us[NODES]; /* who is down, until when; 0: it is up */
    size_t down;
};

static void strike(struct storm *storm)
{
    size_t node = mcpz_rng_below(&storm->rng, NODES);

    if (storm->down >= 2 || storm->back_at_us[node] != 0) {
        return;
    }
    if (mcpz_rng_below(&storm->rng, 2) == 0) {
        mcpz_sim_kill(storm->sim, node);
    } else {
        mcpz_sim_tear(storm->sim, node, mcpz_rng_below(&storm->rng, 4));
    }
    storm->back_at_us[node] =
        mcpz_sim_now(storm->sim) + MCPZ_MS(100 + mcpz_rng_below(&storm->rng, 8000));
    storm->down++;
}

static void bring_back(struct storm *storm, bool all)
{
    for (size_t node = 0; node < NODES; node++) {
        if (storm->back_at_us[node] != 0 &&
            (all || storm->back_at_us[node] <= mcpz_sim_now(storm->sim))) {
            mcpz_sim_start(storm->sim, node);
            storm->back_at_us[node] = 0;
            storm->down--;
            if (node > 0 && node < 4) {
                provide(storm->sim, node);
            }
        }
    }
}

static void ask(struct storm *storm)
{
    size_t node = mcpz_rng_below(&storm->rng, NODES);
    bool keyed = mcpz_rng_below(&storm->rng, 3) > 0;
    char key[16];
    const struct mcpz_sim_submission submission = {
        .capability = "split", .params = TREE, .key = keyed ? key : NULL, .attempts_max = 100};

    if (storm->back_at_us[node] == 0 && storm->count < TREES) {
        (void)snprintf(key, sizeof(key), "k%zu", storm->count);
        storm->keyed[storm->count] = keyed;
        storm->requests[storm->count++] = mcpz_sim_submit(storm->sim, node, &submission);
    }
}

static void rage(struct storm *storm)
{
    size_t full = NODES;

    for (size_t step = 0; step < 400; step++) {
        mcpz_sim_run_for(storm->sim, MCPZ_MS(20 + mcpz_rng_below(&storm->rng, 100)));
        bring_back(storm, false);
        if (mcpz_rng_below(&storm->rng, 12) == 0) {
            ask(storm);
        }
        if (mcpz_rng_below(&storm->rng, 20) == 0) {
            strike(storm);
        }
        if (full < NODES) {
            mcpz_sim_fill_disk(storm->sim, full, false);
            full = NODES;
        } else if (mcpz_rng_below(&storm->rng, 60) == 0) {
            full = mcpz_rng_below(&storm->rng, NODES);
            mcpz_sim_fill_disk(storm->sim, full, true);
        }
    }
    if (full < NODES) {
        mcpz_sim_fill_disk(storm->sim, full, false);
    }
}

static size_t check_storm(struct storm *storm, uint64_t seed)
{
    size_t done = 0;

    for (size_t i = 0; i < storm->count; i++) {
        const struct mcpz_task_id *id = mcpz_sim_task_id(storm->sim, storm->requests[i]);
        if (mcpz_sim_reply(storm->sim, storm->requests[i]) != MCPZ_CODE_OK) {
            continue;
        }
        struct mcpz_task_state state;
        char text[TEXT_BYTES] = "";
        size_t owner = holder_of(storm->sim, id, &state);
        if (owner < NODES) {
            mcpz_sim_task_result(storm->sim, owner, id, text, sizeof(text));
        }
        /* One without a key may be tried by two nodes, each of which then has a tree of it. */
        bool once = !storm->keyed[i] || is_done_once(storm->sim, id);
        if (state.phase != MCPZ_TASK_DONE || strcmp(text, TREE_RESULT) != 0 || !once) {
            print_error("seed %u, tree %zu: phase %u at %zu, result %s\n", (unsigned)seed, i,
                        (unsigned)state.phase, owner, text);
        }
        CHECK_UINT(state.phase, MCPZ_TASK_DONE);
        CHECK_TEXT(text, TREE_RESULT);
        CHECK(once);
        done++;
    }
    return done;
}

TEST(no_tree_is_lost_and_with_a_key_no_part_is_done_twice_whoever_is_killed)
{
    uint64_t taken_over = 0;
    size_t done = 0;

    for (uint64_t seed = 1; seed <= SEEDS_OF(40); seed++) {
        struct storm storm = {.sim = make_sim(seed, MCPZ_MS(100))};
        mcpz_rng_init(&storm.rng, seed);
        for (size_t node = 1; node < 4; node++) {
            provide(storm.sim, node);
        }
        rage(&storm);
        bring_back(&storm, true);
        mcpz_sim_run_for(storm.sim, MCPZ_SECONDS(240));
        done += check_storm(&storm, seed);
        size_t open = count_open(storm.sim);
        if (open > 0) {
            print_error("seed %u: %zu are open\n", (unsigned)seed, open);
        }
        CHECK_UINT(open, 0);
        for (size_t i = 0; i < NODES; i++) {
            taken_over += node_of(storm.sim, i)->tasks.counts.taken_over;
        }
        mcpz_sim_destroy(storm.sim);
    }
    CHECK(done > 5 * SEEDS_OF(40));
    CHECK(taken_over > 0);
}

MESH_MAIN(RUN(results_come_in_the_order_of_the_plan),
          RUN(a_tree_of_every_kind_is_done_and_its_backup_can_tell_its_result),
          RUN(a_node_alone_splits_tasks_too),
          RUN(results_larger_than_a_task_may_have_are_streamed_to_the_one_that_reduces),
          RUN(one_that_fails_is_the_end_of_all),
          RUN(what_may_fail_is_null_and_too_many_failures_are_the_end),
          RUN(a_replayed_root_tries_again_what_failed_and_nothing_else),
          RUN(a_plan_that_is_none_is_a_dead_letter_at_once), RUN(the_sixth_level_is_refused),
          RUN(who_cancels_a_root_cancels_all_that_is_below_it),
          RUN(a_tree_is_forgotten_with_its_root_everywhere),
          RUN(a_tree_whose_owner_dies_for_good_is_done_by_its_backup),
          RUN(a_tree_whose_backup_dies_finds_another_and_then_its_owner_may_die),
          RUN(a_cancelled_tree_stays_so_though_its_owner_dies_at_once),
          RUN(no_tree_is_lost_and_with_a_key_no_part_is_done_twice_whoever_is_killed))
