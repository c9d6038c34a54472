/* Who is revoked is waited for no more, and does not come back (engine/revocations.h). */

#include "meshes.h"

#define NODES 4
#define WRITES 12
#define AT_REST_US MCPZ_SECONDS(1000) /* long enough to fold, and past the grace */

static struct mcpz_sim *sim_of(uint64_t seed, size_t node_count)
{
    struct mcpz_sim_config config = apart_config(seed, node_count);

    config.delay_min_us = MCPZ_MS(1);
    struct mcpz_sim *sim = start_mesh(&config);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(10));
    return sim;
}

static void write(struct mcpz_sim *sim, const char *agent, const struct mcpz_sim_op *op)
{
    write_acked(sim, 0, agent, op, MCPZ_MS(200));
}

static void make(struct mcpz_sim *sim)
{
    write(sim, "a", &(struct mcpz_sim_op){.op = MCPZ_AGENT_CREATE});
    for (size_t i = 0; i < WRITES; i++) {
        write(sim, "a", &(struct mcpz_sim_op){.op = MCPZ_AGENT_SET, .path = "at", .value = "v"});
    }
}

/* What comes of a write that all are to have on disk. */
static int write_to_all(struct mcpz_sim *sim)
{
    const struct mcpz_sim_op op = {.op = MCPZ_AGENT_SET, .path = "at", .value = "w"};
    const uint64_t request = mcpz_sim_write_waiting(sim, 0, "a", &op, MCPZ_ACK_ALL, 2000);

    mcpz_sim_run_for(sim, MCPZ_SECONDS(3));
    return mcpz_sim_reply(sim, request);
}

static void revoke(struct mcpz_sim *sim, size_t gone)
{
    const uint64_t request = mcpz_sim_revoke(sim, gone, "gone for good");

    mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
    CHECK_UINT(mcpz_sim_reply(sim, request), MCPZ_CODE_OK);
}

static bool has_folded(struct mcpz_sim *sim, size_t node)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_FLOOR};

    return mcpz_sim_reads_next(sim, node, &record);
}

static void until_folded(struct mcpz_sim *sim, size_t node_count)
{
    size_t folded = 0;

    for (size_t i = 0; folded < node_count; i++) {
        CHECK(i < 240);
        mcpz_sim_run_for(sim, MCPZ_SECONDS(10));
        for (folded = 0; folded < node_count && has_folded(sim, folded); folded++) {
        }
    }
}

/* Two of four are no majority: they would keep all their history for ever. */
TEST(what_is_left_of_a_mesh_folds_without_them)
{
    struct mcpz_sim *sim = sim_of(71, NODES);

    mcpz_sim_kill(sim, 2);
    mcpz_sim_kill(sim, 3);
    make(sim);
    mcpz_sim_run_for(sim, AT_REST_US);
    CHECK(!has_folded(sim, 0) && !has_folded(sim, 1));
    revoke(sim, 2);
    revoke(sim, 3);
    until_folded(sim, 2);
    CHECK(mcpz_sim_is_revoked(sim, 1, 3));
    mcpz_sim_destroy(sim);
}

/* Who was here just now may come back with what nobody else has; but not if it is revoked. */
TEST(nobody_waits_for_the_grace_of_who_is_revoked)
{
    struct mcpz_sim *sim = sim_of(75, NODES);

    write(sim, "b", &(struct mcpz_sim_op){.op = MCPZ_AGENT_CREATE}); /* all have met over it */
    mcpz_sim_run_for(sim, MCPZ_SECONDS(5));
    mcpz_sim_kill(sim, 3);
    make(sim);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(6));
    CHECK(!has_folded(sim, 0));
    revoke(sim, 3);
    write(sim, "a", &(struct mcpz_sim_op){.op = MCPZ_AGENT_SET, .path = "at", .value = "u"});
    mcpz_sim_run_for(sim, MCPZ_SECONDS(8));
    CHECK(has_folded(sim, 0) && has_folded(sim, 1) && has_folded(sim, 2));
    mcpz_sim_destroy(sim);
}

/* Of three copies one is lost, and is not wanted any more. */
TEST(who_is_revoked_is_no_copy)
{
    struct mcpz_sim *sim = sim_of(72, 3);

    make(sim);
    CHECK_UINT(write_to_all(sim), MCPZ_CODE_OK);
    mcpz_sim_kill(sim, 2);
    CHECK_UINT(write_to_all(sim), MCPZ_CODE_TIMEOUT);
    revoke(sim, 2);
    CHECK_UINT(write_to_all(sim), MCPZ_CODE_OK);
    mcpz_sim_kill(sim, 0); /* nor when its row in memory is gone */
    mcpz_sim_start(sim, 0);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(10));
    CHECK_UINT(write_to_all(sim), MCPZ_CODE_OK);
    mcpz_sim_destroy(sim);
}

TEST(who_is_revoked_does_not_come_back)
{
    struct mcpz_sim *sim = sim_of(73, NODES);

    make(sim);
    mcpz_sim_kill(sim, 3);
    mcpz_sim_kill(sim, 2); /* and hears of it later */
    revoke(sim, 3);
    mcpz_sim_kill(sim, 1);
    mcpz_sim_start(sim, 1);
    mcpz_sim_start(sim, 2);
    mcpz_sim_start(sim, 3);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(60));
    for (size_t i = 0; i < NODES; i++) {
        CHECK(mcpz_sim_is_revoked(sim, i, 3));
        CHECK(i == 3 || !mcpz_sim_knows(sim, i, 3));
        CHECK(i > 1 || mcpz_sim_knows(sim, i, 2));
    }
    CHECK_UINT(node_of(sim, 3)->fabric.links.count, 0);
    const uint64_t dials = mcpz_engine_counters(mcpz_sim_engine(sim, 3))->dials;
    mcpz_sim_run_for(sim, MCPZ_SECONDS(300));
    CHECK_UINT(mcpz_engine_counters(mcpz_sim_engine(sim, 3))->dials, dials);
    mcpz_sim_destroy(sim);
}

/* Two are apart when one of them is revoked: they go on until the other one hears of it. */
TEST(who_was_cut_off_lets_go_once_it_hears)
{
    struct mcpz_sim *sim = sim_of(74, NODES);

    make(sim);
    for (size_t near = 0; near < 2; near++) {
        mcpz_sim_cut(sim, near, 2, true);
        mcpz_sim_cut(sim, near, 3, true);
    }
    mcpz_sim_run_for(sim, MCPZ_SECONDS(30));
    revoke(sim, 3);
    CHECK(!mcpz_sim_is_revoked(sim, 2, 3));
    CHECK(mcpz_sim_knows(sim, 2, 3));
    for (size_t near = 0; near < 2; near++) {
        mcpz_sim_cut(sim, near, 2, false);
        mcpz_sim_cut(sim, near, 3, false);
    }
    mcpz_sim_run_for(sim, MCPZ_SECONDS(120));
    for (size_t i = 0; i < 3; i++) {
        CHECK(mcpz_sim_is_revoked(sim, i, 3));
        CHECK(!mcpz_sim_knows(sim, i, 3));
    }
    CHECK(mcpz_sim_knows(sim, 0, 2));
    CHECK(mcpz_sim_is_revoked(sim, 3, 3));
    CHECK_UINT(write_to_all(sim), MCPZ_CODE_OK);
    mcpz_sim_destroy(sim);
}

/* Where a task with a key may be under way it is waited for, longer than this takes. */
static struct mcpz_sim *patient_sim_of(uint64_t seed)
{
    struct mcpz_sim_config config = apart_config(seed, NODES);

    config.timing.task_hold_us = MCPZ_SECONDS(86400);
    struct mcpz_sim *sim = start_mesh(&config);
    mcpz_sim_provide(sim, 3, "echo");
    mcpz_sim_slow_runs(sim, 3, MCPZ_TIME_NEVER);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(10));
    return sim;
}

/* Whoever starts after another has died does not know it as a member, and hears that it is gone.
 */
static void let_it_go_unmet(struct mcpz_sim *sim, size_t starts, size_t gone)
{
    mcpz_sim_kill(sim, gone);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(30));
    mcpz_sim_kill(sim, starts);
    mcpz_sim_start(sim, starts);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(10));
    revoke(sim, gone);
}

static void until_done(struct mcpz_sim *sim, size_t node, const struct mcpz_task_id *task)
{
    struct mcpz_task_state state = {.phase = MCPZ_TASK_QUEUED};

    mcpz_sim_provide(sim, 2, "echo");
    for (size_t i = 0; state.phase != MCPZ_TASK_DONE; i++) {
        CHECK(i < 60);
        mcpz_sim_run_for(sim, MCPZ_SECONDS(2));
        CHECK(mcpz_sim_task_state(sim, node, task, &state));
    }
}

TEST(a_provider_that_is_revoked_unmet_is_not_at_it_any_more)
{
    struct mcpz_sim *sim = patient_sim_of(76);
    const struct mcpz_sim_submission keyed = {.capability = "echo", .params = "1", .key = "k"};

    const uint64_t request = mcpz_sim_submit(sim, 0, &keyed);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(3));
    CHECK_UINT(mcpz_sim_reply(sim, request), MCPZ_CODE_OK);
    const struct mcpz_task_id task = *mcpz_sim_task_id(sim, request);
    let_it_go_unmet(sim, 0, 3);
    until_done(sim, 0, &task);
    mcpz_sim_destroy(sim);
}

/* Its backup, which has begun again since, takes over. */
TEST(the_tasks_of_an_owner_that_is_revoked_unmet_are_taken_over)
{
    struct mcpz_sim *sim = patient_sim_of(77);
    const struct mcpz_sim_submission plain = {.capability = "echo", .params = "1"};
    struct mcpz_task_state seen;

    const uint64_t request = mcpz_sim_submit(sim, 3, &plain);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(3));
    CHECK_UINT(mcpz_sim_reply(sim, request), MCPZ_CODE_OK);
    const struct mcpz_task_id task = *mcpz_sim_task_id(sim, request);
    CHECK(mcpz_sim_task_state(sim, 3, &task, &seen));
    const size_t backup = mcpz_sim_node_of(sim, &seen.backup);
    mcpz_sim_kill(sim, 3);
    mcpz_sim_kill(sim, backup);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(30));
    mcpz_sim_start(sim, backup);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(10));
    revoke(sim, 3);
    until_done(sim, backup, &task);
    mcpz_sim_destroy(sim);
}

MESH_MAIN(RUN(what_is_left_of_a_mesh_folds_without_them),
          RUN(nobody_waits_for_the_grace_of_who_is_revoked), RUN(who_is_revoked_is_no_copy),
          RUN(who_is_revoked_does_not_come_back), RUN(who_was_cut_off_lets_go_once_it_hears),
          RUN(a_provider_that_is_revoked_unmet_is_not_at_it_any_more),
          RUN(the_tasks_of_an_owner_that_is_revoked_unmet_are_taken_over))
