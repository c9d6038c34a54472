/* Keepers of a document that are no neighbours fold it all the same (engine/folding.h). */

#include "core/node.h"
#include "crypto/identity.h"
#include "proto/code.h"
#include "sim/sim.h"
#include "test.h"

#define NODES_MAX 24
#define WRITES 12
#define REST_US                                                                                   \
    MCPZ_SECONDS(700) /* at rest: longer than MCPZ_FOLD_IDLE_MS, and links are closed */

static size_t node_count;

static struct mcpz_sim *sim_of(uint64_t seed, size_t nodes)
{
    const struct mcpz_sim_config config = {
        .node_count = nodes,
        .seed = seed,
        .delay_min_us = MCPZ_MS(5),
        .delay_max_us = MCPZ_MS(20),
        .disk_us = MCPZ_MS(5),
        .run_us = MCPZ_MS(50),
    };

    CHECK_UINT(mcpz_crypto_init(), MCPZ_OK);
    struct mcpz_sim *sim = mcpz_sim_create(&config);
    node_count = nodes;
    mcpz_sim_start_all(sim);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(60));
    return sim;
}

static void write(struct mcpz_sim *sim, size_t node, const char *agent,
                  const struct mcpz_sim_op *op)
{
    const uint64_t request = mcpz_sim_write(sim, node, agent, op);

    mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
    CHECK_UINT(mcpz_sim_reply(sim, request), MCPZ_CODE_OK);
}

static void make(struct mcpz_sim *sim, size_t node, const char *agent)
{
    write(sim, node, agent, &(struct mcpz_sim_op){.op = MCPZ_AGENT_CREATE});
    for (size_t i = 0; i < WRITES; i++) {
        write(sim, node, agent,
              &(struct mcpz_sim_op){.op = MCPZ_AGENT_SET, .path = "at", .value = "v"});
    }
}

/* How many nodes have a floor of some document. */
static size_t count_floors(struct mcpz_sim *sim)
{
    size_t count = 0;

    for (size_t i = 0; i < node_count; i++) {
        struct mcpz_record record = {.kind = MCPZ_RECORD_FLOOR};
        count += mcpz_sim_reads_next(sim, i, &record) ? 1 : 0;
    }
    return count;
}

static size_t most_links(struct mcpz_sim *sim)
{
    size_t most = 0;

    for (size_t i = 0; i < node_count; i++) {
        const struct mcpz_node *node = mcpz_engine_node(mcpz_sim_engine(sim, i));
        const size_t count = node->fabric.links.count;
        most = count > most ? count : most;
    }
    return most;
}

static void until_folded(struct mcpz_sim *sim, size_t floors)
{
    for (size_t i = 0; count_floors(sim) < floors; i++) {
        CHECK(i < 240);
        mcpz_sim_run_for(sim, MCPZ_SECONDS(10));
    }
}

/* All members keep it, more than anybody is a neighbour of. */
TEST(in_a_mesh_without_a_layout)
{
    struct mcpz_sim *sim = sim_of(51, 14);

    CHECK(most_links(sim) < node_count - 1);
    make(sim, 3, "a");
    until_folded(sim, node_count);
    mcpz_sim_run_for(sim, REST_US);
    CHECK(most_links(sim) < node_count - 1); /* what was linked for it is let go of */
    mcpz_sim_destroy(sim);
}

/* What rests is folded, too, when links that writing made are long closed. */
TEST(owners_of_what_rests)
{
    struct mcpz_sim *sim = sim_of(52, NODES_MAX);
    size_t everybody[NODES_MAX];
    size_t owner = 0;

    for (size_t i = 0; i < node_count; i++) {
        everybody[i] = i;
    }
    (void)mcpz_sim_layout(sim, everybody, node_count, 3);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(60));
    CHECK(mcpz_sim_layout_is_settled(sim, 0));
    while (!mcpz_sim_owns(sim, owner, "b")) {
        CHECK(++owner < node_count);
    }
    write(sim, owner, "b", &(struct mcpz_sim_op){.op = MCPZ_AGENT_CREATE});
    CHECK_UINT(count_floors(sim), 0);
    mcpz_sim_run_for(sim, REST_US);
    until_folded(sim, 3);
    mcpz_sim_destroy(sim);
}

TEST_MAIN(RUN(in_a_mesh_without_a_layout), RUN(owners_of_what_rests))
