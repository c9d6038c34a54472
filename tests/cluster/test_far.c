/*
 * Keepers of a document that are no neighbours fold it all the same (engine/folding.h), forget it
 * once it was deleted (engine/forgetting.h), and look through what one has that was away
 * (core/crdt/recheck.h).
 */

#include "meshes.h"

#define NODES_MAX 24
#define WRITES 12
#define OTHERS 150
#define REST_US                                                                                   \
    MCPZ_SECONDS(700) /* at rest: longer than MCPZ_FOLD_IDLE_MS, and links are closed */

static size_t node_count;

static struct mcpz_sim *sim_of(uint64_t seed, size_t nodes)
{
    struct mcpz_sim_config config = apart_config(seed, nodes);

    config.forgets = true;
    struct mcpz_sim *sim = start_mesh(&config);
    node_count = nodes;
    mcpz_sim_run_for(sim, MCPZ_SECONDS(60));
    return sim;
}

static void write(struct mcpz_sim *sim, size_t node, const char *agent,
                  const struct mcpz_sim_op *op)
{
    write_acked(sim, node, agent, op, MCPZ_SECONDS(1));
}

static void make(struct mcpz_sim *sim, size_t node, const char *agent)
{
    write(sim, node, agent, &(struct mcpz_sim_op){.op = MCPZ_AGENT_CREATE});
    for (size_t i = 0; i < WRITES; i++) {
        write(sim, node, agent,
              &(struct mcpz_sim_op){.op = MCPZ_AGENT_SET, .path = "at", .value = "v"});
    }
}

/* The row of that kind that a node has of `agent`. */
static bool reads(struct mcpz_sim *sim, size_t node, const char *agent, struct mcpz_record *record)
{
    struct mcpz_id id;

    mcpz_engine_document_id(mcpz_bytes(NULL, 0), mcpz_text(agent), &id);
    if (record->kind == MCPZ_RECORD_FLOOR) {
        record->floor.document = id;
    } else {
        record->document.id = id;
    }
    return mcpz_sim_reads(sim, node, record);
}

/* How many nodes that run have one. */
static size_t count(struct mcpz_sim *sim, enum mcpz_record_kind kind, const char *agent)
{
    size_t having = 0;

    for (size_t i = 0; i < node_count; i++) {
        struct mcpz_record record = {.kind = kind};
        having += mcpz_sim_engine(sim, i) != NULL && reads(sim, i, agent, &record) ? 1 : 0;
    }
    return having;
}

static size_t most_links(struct mcpz_sim *sim)
{
    size_t most = 0;

    for (size_t i = 0; i < node_count; i++) {
        const size_t count = node_of(sim, i)->fabric.links.count;
        most = count > most ? count : most;
    }
    return most;
}

static void until_folded(struct mcpz_sim *sim, const char *agent, size_t floors)
{
    for (size_t i = 0; count(sim, MCPZ_RECORD_FLOOR, agent) < floors; i++) {
        CHECK(i < 240);
        mcpz_sim_run_for(sim, MCPZ_SECONDS(10));
    }
}

/* Delete it, and wait until all have signed that. */
static void delete_it(struct mcpz_sim *sim, size_t node, const char *agent)
{
    struct mcpz_record floor = {.kind = MCPZ_RECORD_FLOOR};
    struct mcpz_record document = {.kind = MCPZ_RECORD_DOCUMENT};

    write(sim, node, agent, &(struct mcpz_sim_op){.op = MCPZ_AGENT_DELETE});
    for (size_t i = 0; !reads(sim, node, agent, &floor) || !reads(sim, node, agent, &document) ||
                       floor.floor.agreed.hlc < document.document.hlc;
         i++) {
        CHECK(i < 1200);
        mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
    }
}

static void until_forgotten(struct mcpz_sim *sim, const char *agent)
{
    for (size_t i = 0; count(sim, MCPZ_RECORD_DOCUMENT, agent) > 0; i++) {
        CHECK(i < 60);
        mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
    }
    CHECK_UINT(count(sim, MCPZ_RECORD_FLOOR, agent), 0);
}

/* All members keep it, more than anybody is a neighbour of. */
TEST(in_a_mesh_without_a_layout)
{
    struct mcpz_sim *sim = sim_of(51, 14);

    CHECK(most_links(sim) < node_count - 1);
    make(sim, 3, "a");
    until_folded(sim, "a", node_count);
    mcpz_sim_run_for(sim, REST_US);
    CHECK(most_links(sim) < node_count - 1); /* what was linked for it is let go of */
    delete_it(sim, 5, "a");
    until_forgotten(sim, "a");
    mcpz_sim_destroy(sim);
}

static struct mcpz_sim *laid_out(uint64_t seed)
{
    struct mcpz_sim *sim = sim_of(seed, NODES_MAX);

    lay_out_all(sim, node_count, 3);
    return sim;
}

/* What rests is folded, too, when links that writing made are long closed. */
TEST(owners_of_what_rests)
{
    struct mcpz_sim *sim = laid_out(52);

    write(sim, find_owner(sim, node_count, "b", true), "b",
          &(struct mcpz_sim_op){.op = MCPZ_AGENT_CREATE});
    CHECK_UINT(count(sim, MCPZ_RECORD_FLOOR, "b"), 0);
    mcpz_sim_run_for(sim, REST_US);
    until_folded(sim, "b", 3);
    mcpz_sim_destroy(sim);
}

static void set_clocks(struct mcpz_sim *sim, int64_t ahead_ms)
{
    for (size_t i = 0; i < node_count; i++) {
        mcpz_sim_set_clock(sim, i, ahead_ms);
    }
}

/* A layout, and so many documents that owners are linked by chance only. */
static struct mcpz_sim *with_others(uint64_t seed)
{
    struct mcpz_sim *sim = laid_out(seed);
    char name[16];

    for (size_t i = 0; i < OTHERS; i++) {
        (void)snprintf(name, sizeof(name), "other %zu", i);
        write(sim, find_owner(sim, node_count, name, true), name,
              &(struct mcpz_sim_op){.op = MCPZ_AGENT_CREATE});
    }
    write(sim, find_owner(sim, node_count, "b", true), "b",
          &(struct mcpz_sim_op){.op = MCPZ_AGENT_CREATE});
    return sim;
}

TEST(owners_of_what_was_deleted)
{
    struct mcpz_sim *sim = with_others(53);

    delete_it(sim, find_owner(sim, node_count, "b", true), "b");
    set_clocks(sim, -3600000); /* it is to stay for an hour more */
    mcpz_sim_run_for(sim, REST_US);
    CHECK_UINT(count(sim, MCPZ_RECORD_DOCUMENT, "b"), 3);
    set_clocks(sim, 0);
    until_forgotten(sim, "b");
    mcpz_sim_destroy(sim);
}

/* Who was away has what it keeps looked through by others who do, wherever they are. */
TEST(owners_of_what_is_looked_through)
{
    struct mcpz_sim *sim = with_others(54);
    const size_t owner = find_owner(sim, node_count, "b", true);
    size_t away = 1;

    while (mcpz_sim_owns(sim, away, "b")) {
        away++;
    }
    cut_off(sim, away, node_count, true);
    delete_it(sim, owner, "b");
    until_forgotten(sim, "b");
    cut_off(sim, away, node_count, false);
    const struct mcpz_agents *agents = &node_of(sim, away)->agents;
    mcpz_sim_run_for(sim, MCPZ_SECONDS(5)); /* before hints and rounds have linked them all */
    CHECK(agents->horizon.row.horizon_ms > 0);
    CHECK(!mcpz_horizon_is_stale(&agents->horizon));
    CHECK_UINT(agents->recheck.checked, agents->entropy.holdings.root.count);
    CHECK_UINT(agents->recheck.set_aside, 0);
    mcpz_sim_destroy(sim);
}

MESH_MAIN(RUN(in_a_mesh_without_a_layout), RUN(owners_of_what_rests),
          RUN(owners_of_what_was_deleted), RUN(owners_of_what_is_looked_through))
