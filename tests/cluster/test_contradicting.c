/*
 * A node whose disk was set back unnoticed contradicts itself, again and again. The document goes
 * on to be written and is folded, what does not count goes, and what comes of it later changes
 * nothing (docs reference crdt 1.5, G2; 1.7, P11, P15).
 */

#include "core/crdt/floor.h"
#include "engine/internal.h"
#include "meshes.h"
#include "sim/internal.h"

#define NODES 4
#define LIAR 3
#define WRITES 40

static const char agent[] = "x";
static struct mcpz_sim *sim;
static struct mcpz_actor liar; /* as who it was when its disk was kept aside */

static void write(size_t node, enum mcpz_agent_op op, const char *value)
{
    const struct mcpz_sim_op write = {.op = op, .path = "set", .value = value};

    write_acked(sim, node, agent, &write, MCPZ_MS(50));
}

static void write_many(size_t node)
{
    static int number;
    char value[32];

    for (int i = 0; i < WRITES; i++) {
        (void)snprintf(value, sizeof(value), "%d", number++);
        write(node, MCPZ_AGENT_ADD, value);
    }
}

static void begin(uint64_t seed)
{
    const struct mcpz_sim_config config = together_config(seed, NODES);

    sim = start_mesh(&config);
    write(0, MCPZ_AGENT_CREATE, "");
    write(LIAR, MCPZ_AGENT_ADD, "first");
    mcpz_sim_run_for(sim, MCPZ_SECONDS(10));
    liar = node_of(sim, LIAR)->agents.actor;
    mcpz_sim_back_up(sim, LIAR);
}

/* Its disk is as it was, it does not know, and writes before it hears anybody. */
static void contradict(const char *value)
{
    CHECK(mcpz_sim_restore_unnoticed(sim, LIAR));
    cut_off(sim, LIAR, NODES, true);
    mcpz_sim_start(sim, LIAR);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
    write(LIAR, MCPZ_AGENT_ADD, value);
    cut_off(sim, LIAR, NODES, false);
}

static void check_alike(void)
{
    uint8_t first[MCPZ_DIGEST_BYTES];
    uint8_t root[MCPZ_DIGEST_BYTES];
    struct mcpz_counters counters;

    CHECK(mcpz_sim_root(sim, 0, agent, first));
    for (size_t i = 1; i < NODES; i++) {
        CHECK(mcpz_sim_root(sim, i, agent, root));
        CHECK(memcmp(first, root, sizeof(root)) == 0);
    }
    mcpz_sim_counters(sim, &counters);
    CHECK_UINT(counters.checkpoints_diverged, 0);
}

static void nobody_has(const char *value)
{
    for (size_t i = 0; i < NODES; i++) {
        CHECK(!mcpz_sim_has(sim, i, agent, "set", value));
    }
}

/* Where it is cut, in what a node was folded to; 0: it is not. */
static uint64_t cut_below(size_t node)
{
    struct mcpz_engine *engine = mcpz_sim_enter(sim, node);
    struct mcpz_floor floor;
    struct mcpz_id id;

    mcpz_engine_document_id(mcpz_bytes(NULL, 0), mcpz_text(agent), &id);
    CHECK_UINT(mcpz_floor_load(&engine->store, &id, &floor), MCPZ_OK);
    const struct mcpz_cut *cut = mcpz_cuts_find(floor.cuts.cuts, floor.cuts.count, &liar);
    mcpz_sim_leave(sim, node);
    return cut != NULL ? cut->seq : 0;
}

/* How many deltas of it a node keeps that do not count. */
static size_t void_rows(size_t node, uint64_t cut)
{
    struct mcpz_engine *engine = mcpz_sim_enter(sim, node);
    struct mcpz_record record = {.kind = MCPZ_RECORD_DELTA,
                                 .delta = {.delta = {.actor = liar, .seq = cut}}};
    size_t count = 0;

    mcpz_engine_document_id(mcpz_bytes(NULL, 0), mcpz_text(agent), &record.delta.delta.document);
    while (engine->store.next(engine->store.context, MCPZ_SCAN_ACTOR, count == 0, &record) ==
           MCPZ_OK) {
        count++;
    }
    mcpz_sim_leave(sim, node);
    return count;
}

static void check_folded(void)
{
    for (size_t i = 0; i < NODES; i++) {
        CHECK(cut_below(i) > 0);
        CHECK_UINT(void_rows(i, cut_below(i)), 0);
    }
}

static void check_history(uint64_t seed)
{
    begin(seed);
    write(LIAR, MCPZ_AGENT_ADD, "one");
    mcpz_sim_run_for(sim, MCPZ_SECONDS(5));
    contradict("two");
    mcpz_sim_run_for(sim, MCPZ_SECONDS(30));
    nobody_has("one");
    nobody_has("two");
    check_alike();

    write_many(0);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(60));
    write_many(1); /* where somebody was away, for what is due now */
    mcpz_sim_run_for(sim, MCPZ_SECONDS(60));
    check_alike();
    check_folded();

    /* A third branch, when the first two are gone. */
    contradict("three");
    write_many(2);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(60));
    nobody_has("three");
    check_alike();
    check_folded();
    write(LIAR, MCPZ_AGENT_ADD, "last");
    mcpz_sim_run_for(sim, MCPZ_SECONDS(10));
    for (size_t i = 0; i < NODES; i++) {
        CHECK(mcpz_sim_has(sim, i, agent, "set", "last"));
        CHECK(mcpz_sim_has(sim, i, agent, "set", "first"));
    }
    check_alike();
    mcpz_sim_destroy(sim);
}

TEST(who_contradicts_itself_is_folded_and_comes_back_to_nothing)
{
    for (uint64_t seed = 1; seed <= 4; seed++) {
        check_history(seed);
    }
}

MESH_MAIN(RUN(who_contradicts_itself_is_folded_and_comes_back_to_nothing))
