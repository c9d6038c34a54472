/*
 * Nodes that were away for longer than the grace, and come back with what the others have deleted
 * and forgotten meanwhile. That all have agreed to forget it is done by hand here.
 */

#include "engine/internal.h"
#include "meshes.h"
#include "sim/internal.h"

#define NODES 5
#define GRACE_MS 20000 /* the simulator's */
#define MANY 150       /* documents: three pages */

static struct mcpz_sim *sim;

static void run_for(mcpz_time us)
{
    mcpz_sim_run_for(sim, us);
}

static void begin(uint64_t seed)
{
    const struct mcpz_sim_config config = together_config(seed, NODES);

    sim = start_mesh(&config);
}

static const struct mcpz_agents *agents(size_t node)
{
    return &node_of(sim, node)->agents;
}

static const struct mcpz_counters *counters(size_t node)
{
    return mcpz_engine_counters(sim->nodes[node].engine);
}

static void write(size_t node, const char *agent, enum mcpz_agent_op op, const char *value)
{
    const struct mcpz_sim_op write = {.op = op, .path = "set", .value = value};

    write_acked(sim, node, agent, &write, MCPZ_MS(50));
}

static void create(size_t node, const char *agent)
{
    write(node, agent, MCPZ_AGENT_CREATE, "");
    write(node, agent, MCPZ_AGENT_ADD, "first");
}

static bool is_there(size_t node, const char *agent)
{
    uint8_t root[MCPZ_DIGEST_BYTES];

    return mcpz_sim_root(sim, node, agent, root);
}

/* The first `count` nodes forget it, all at one time. */
static void forget(const char *agent, size_t count)
{
    struct mcpz_id id;

    mcpz_engine_document_id(mcpz_bytes(NULL, 0), mcpz_text(agent), &id);
    for (size_t i = 0; i < count; i++) {
        struct mcpz_engine *engine = mcpz_sim_enter(sim, i);
        CHECK(mcpz_agents_raise(&engine->node.agents, mcpz_horizon_of(engine->wall_ms, GRACE_MS)));
        mcpz_agents_forget(&engine->node.agents, &id);
        mcpz_engine_keep_self(engine);
        mcpz_sim_leave(sim, i);
    }
}

static void set_apart(size_t from, size_t to, bool apart)
{
    for (size_t i = from; i < to; i++) {
        for (size_t j = 0; j < NODES; j++) {
            if (j < from || j >= to) {
                mcpz_sim_cut(sim, i, j, apart);
            }
        }
    }
}

static void nobody_is_stale(void)
{
    for (size_t i = 0; i < NODES; i++) {
        CHECK(!mcpz_horizon_is_stale(&agents(i)->horizon));
    }
}

static void nobody_has(const char *agent)
{
    for (size_t i = 0; i < NODES; i++) {
        CHECK(!is_there(i, agent));
    }
}

static void all_have(const char *agent, const char *value)
{
    for (size_t i = 0; i < NODES; i++) {
        CHECK(mcpz_sim_has(sim, i, agent, "set", value));
    }
}

TEST(what_was_forgotten_stays_so_and_what_is_new_comes)
{
    begin(1);
    create(0, "old");
    create(0, "both");
    run_for(MCPZ_SECONDS(20));
    all_have("old", "first");
    mcpz_sim_kill(sim, 4);
    run_for(MCPZ_SECONDS(60));
    write(1, "both", MCPZ_AGENT_ADD, "there");
    set_apart(4, 5, true);
    mcpz_sim_start(sim, 4);
    create(4, "own"); /* before the horizon, and nobody could have it */
    write(4, "both", MCPZ_AGENT_ADD, "here");
    write(4, "old", MCPZ_AGENT_ADD, "late");
    run_for(MCPZ_SECONDS(60));
    forget("old", 4);
    run_for(MCPZ_SECONDS(5));
    set_apart(4, 5, false);
    run_for(MCPZ_SECONDS(90));

    nobody_is_stale();
    nobody_has("old");
    CHECK(mcpz_sim_is_aside(sim, 4, "old"));
    CHECK(!mcpz_sim_is_aside(sim, 4, "own"));
    CHECK(!mcpz_sim_is_aside(sim, 4, "both"));
    all_have("own", "first");
    all_have("both", "here");
    all_have("both", "there");
    CHECK_UINT(agents(4)->recheck.set_aside, 1);
    CHECK_UINT(agents(4)->recheck.kept, 1);
    mcpz_sim_destroy(sim);
}

TEST(what_was_made_anew_is_not_mixed_with_what_it_was)
{
    begin(2);
    create(0, "old");
    write(1, "old", MCPZ_AGENT_ADD, "before");
    run_for(MCPZ_SECONDS(20));
    mcpz_sim_kill(sim, 4);
    run_for(MCPZ_SECONDS(60));
    forget("old", 4);
    run_for(MCPZ_SECONDS(1));
    write(0, "old", MCPZ_AGENT_CREATE, "");
    write(0, "old", MCPZ_AGENT_ADD, "since");
    mcpz_sim_start(sim, 4);
    run_for(MCPZ_SECONDS(90));

    nobody_is_stale();
    all_have("old", "since");
    for (size_t i = 0; i < NODES; i++) {
        CHECK(!mcpz_sim_has(sim, i, "old", "set", "before"));
        CHECK(!mcpz_sim_has(sim, i, "old", "set", "first"));
    }
    CHECK(mcpz_sim_is_aside(sim, 4, "old"));
    mcpz_sim_destroy(sim);
}

TEST(two_that_were_away_together_do_not_bring_it_back_either)
{
    begin(3);
    create(0, "old");
    run_for(MCPZ_SECONDS(20));
    set_apart(3, 5, true);
    run_for(MCPZ_SECONDS(90));
    forget("old", 3);
    create(3, "pair");
    run_for(MCPZ_SECONDS(5));
    set_apart(3, 5, false);
    run_for(MCPZ_SECONDS(120));

    nobody_is_stale();
    nobody_has("old");
    CHECK(mcpz_sim_is_aside(sim, 3, "old"));
    CHECK(mcpz_sim_is_aside(sim, 4, "old"));
    all_have("pair", "first");
    mcpz_sim_destroy(sim);
}

TEST(nobody_is_held_where_all_were_off)
{
    begin(4);
    create(0, "old");
    create(1, "other");
    run_for(MCPZ_SECONDS(60));
    forget("old", NODES);
    run_for(MCPZ_SECONDS(10));
    set_apart(2, 3, true);
    run_for(MCPZ_SECONDS(2));
    create(2, "own");
    for (size_t i = 0; i < NODES; i++) {
        mcpz_sim_kill(sim, i);
    }
    set_apart(2, 3, false);
    run_for(MCPZ_SECONDS(3600));
    for (size_t i = 0; i < NODES; i++) {
        mcpz_sim_start(sim, i);
    }
    run_for(MCPZ_SECONDS(60));

    nobody_is_stale();
    nobody_has("old");
    all_have("own", "first");
    all_have("other", "first");
    for (size_t i = 0; i < NODES; i++) {
        CHECK_UINT(agents(i)->recheck.checked, 0);
        CHECK_UINT(agents(i)->deltas_held, 0);
    }
    mcpz_sim_destroy(sim);
}

TEST(one_that_has_nothing_is_as_stale_as_who_it_has_it_from)
{
    begin(5);
    mcpz_sim_kill(sim, 4);
    create(0, "old");
    run_for(MCPZ_SECONDS(20));
    mcpz_sim_kill(sim, 3);
    run_for(MCPZ_SECONDS(90));
    set_apart(3, 5, true);
    mcpz_sim_start(sim, 3);
    mcpz_sim_start(sim, 4);
    run_for(MCPZ_SECONDS(30));
    CHECK(mcpz_sim_has(sim, 4, "old", "set", "first"));
    forget("old", 3);
    set_apart(3, 5, false);
    run_for(MCPZ_SECONDS(120));

    nobody_is_stale();
    nobody_has("old");
    CHECK(mcpz_sim_is_aside(sim, 4, "old"));
    mcpz_sim_destroy(sim);
}

TEST(a_walk_that_is_killed_begins_anew)
{
    char name[16];
    size_t aside = 0;

    begin(6);
    for (size_t i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof(name), "old%zu", i);
        write(0, name, MCPZ_AGENT_CREATE, "");
    }
    create(1, "stays");
    run_for(MCPZ_SECONDS(30));
    mcpz_sim_kill(sim, 4);
    run_for(MCPZ_SECONDS(60));
    for (size_t i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof(name), "old%zu", i);
        forget(name, 4);
    }
    mcpz_sim_start(sim, 4);
    for (size_t i = 0; i < 5000 && aside == 0; i++) {
        run_for(MCPZ_MS(1));
        aside = agents(4)->recheck.set_aside;
    }
    CHECK(aside > 0 && aside < MANY);
    CHECK(mcpz_horizon_is_stale(&agents(4)->horizon));
    mcpz_sim_kill(sim, 4);
    mcpz_sim_start(sim, 4);
    run_for(MCPZ_SECONDS(90));

    nobody_is_stale();
    for (size_t i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof(name), "old%zu", i);
        nobody_has(name);
    }
    all_have("stays", "first");
    mcpz_sim_destroy(sim);
}

TEST(what_was_folded_meanwhile_comes_without_waiting_for_comparisons)
{
    char name[16];

    begin(5);
    for (size_t i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof(name), "many%zu", i);
        create(0, name);
    }
    run_for(MCPZ_SECONDS(20));
    mcpz_sim_kill(sim, 4);
    run_for(MCPZ_SECONDS(60));
    for (size_t i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof(name), "many%zu", i);
        write(0, name, MCPZ_AGENT_ADD, "a");
        write(0, name, MCPZ_AGENT_ADD, "b");
        write(0, name, MCPZ_AGENT_ADD, "c");
        write(0, name, MCPZ_AGENT_ADD, "d");
    }
    run_for(MCPZ_SECONDS(120));
    CHECK(counters(0)->floors_raised >= MANY);
    mcpz_sim_start(sim, 4);
    run_for(MCPZ_SECONDS(10));
    CHECK_UINT(counters(4)->bases_installed, MANY);
    mcpz_sim_destroy(sim);
}

MESH_MAIN(RUN(what_was_forgotten_stays_so_and_what_is_new_comes),
          RUN(what_was_made_anew_is_not_mixed_with_what_it_was),
          RUN(two_that_were_away_together_do_not_bring_it_back_either),
          RUN(nobody_is_held_where_all_were_off),
          RUN(one_that_has_nothing_is_as_stale_as_who_it_has_it_from),
          RUN(a_walk_that_is_killed_begins_anew),
          RUN(what_was_folded_meanwhile_comes_without_waiting_for_comparisons))
