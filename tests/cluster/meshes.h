/* How the meshes of most cluster tests begin, and what is done to them again and again. */

#ifndef CLUSTER_MESHES_H
#define CLUSTER_MESHES_H

#include "core/node.h"
#include "crypto/identity.h"
#include "proto/code.h"
#include "sim/sim.h"
#include "test.h"

/* ---- Beginning ---------------------------------------------------------------------------- */

static inline int set_up_crypto(void **state)
{
    (void)state;
    return mcpz_crypto_init() == MCPZ_OK ? 0 : -1;
}

/* As TEST_MAIN(), where nodes have keys. */
#define MESH_MAIN(...)                                                                            \
    int main(void)                                                                                \
    {                                                                                             \
        const struct CMUnitTest tests[] = {__VA_ARGS__};                                          \
        return cmocka_run_group_tests(tests, set_up_crypto, NULL);                                \
    }

/* Nodes in several places. What is different about a test it changes. */
static inline struct mcpz_sim_config apart_config(uint64_t seed, size_t node_count)
{
    return (struct mcpz_sim_config){
        .node_count = node_count,
        .seed = seed,
        .delay_min_us = MCPZ_MS(5),
        .delay_max_us = MCPZ_MS(20),
        .disk_us = MCPZ_MS(5),
        .run_us = MCPZ_MS(50),
    };
}

/* Nodes in one place, which compare what they have often. */
static inline struct mcpz_sim_config together_config(uint64_t seed, size_t node_count)
{
    return (struct mcpz_sim_config){
        .node_count = node_count,
        .seed = seed,
        .delay_min_us = MCPZ_MS(1),
        .delay_max_us = MCPZ_MS(3),
        .disk_us = MCPZ_MS(2),
        .timing = {.anti_entropy_us = MCPZ_SECONDS(2)},
    };
}

/* All of them run, and are linked. */
static inline struct mcpz_sim *start_mesh(const struct mcpz_sim_config *config)
{
    struct mcpz_sim *sim = mcpz_sim_create(config);

    mcpz_sim_start_all(sim);
    return sim;
}

/* The same, where none but node 0 can be dialled. */
static inline struct mcpz_sim *start_star(const struct mcpz_sim_config *config)
{
    struct mcpz_sim *sim = mcpz_sim_create(config);

    for (size_t i = 1; i < config->node_count; i++) {
        mcpz_sim_hide(sim, i);
    }
    mcpz_sim_start_all(sim);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(5));
    return sim;
}

/* All of them keep agents, in so many copies; that is so when it returns. */
static inline void lay_out_all(struct mcpz_sim *sim, size_t node_count, uint32_t copies)
{
    size_t everybody[MCPZ_SIM_NODES_MAX];

    for (size_t i = 0; i < node_count; i++) {
        everybody[i] = i;
    }
    (void)mcpz_sim_layout(sim, everybody, node_count, copies);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(60));
    CHECK(mcpz_sim_layout_is_settled(sim, 0));
}

/* ---- Looking ------------------------------------------------------------------------------ */

static inline const struct mcpz_node *node_of(struct mcpz_sim *sim, size_t index)
{
    return mcpz_engine_node(mcpz_sim_engine(sim, index));
}

static inline bool are_linked(struct mcpz_sim *sim, size_t a, size_t b)
{
    return mcpz_links_find(&node_of(sim, a)->fabric.links,
                           mcpz_engine_id(mcpz_sim_engine(sim, b))) != NULL;
}

/* The first of the nodes that owns the agent, or (`owns` is false) that does not. */
static inline size_t find_owner(struct mcpz_sim *sim, size_t node_count, const char *agent,
                                bool owns)
{
    size_t node = 0;

    while (mcpz_sim_owns(sim, node, agent) != owns) {
        CHECK(++node < node_count);
    }
    return node;
}

/* Of all nodes: one of the values below, or another. */
static inline uint64_t sum_of(struct mcpz_sim *sim, size_t node_count,
                              uint64_t (*value)(struct mcpz_engine *engine))
{
    uint64_t sum = 0;

    for (size_t i = 0; i < node_count; i++) {
        sum += value(mcpz_sim_engine(sim, i));
    }
    return sum;
}

static inline uint64_t bytes_out(struct mcpz_engine *engine)
{
    return mcpz_engine_counters(engine)->bytes_out;
}

static inline uint64_t comparisons(struct mcpz_engine *engine)
{
    return mcpz_engine_node(engine)->agents.entropy.roots_equal;
}

/* ---- Doing -------------------------------------------------------------------------------- */

/* A write that is acknowledged within that time. */
static inline void write_acked(struct mcpz_sim *sim, size_t node, const char *agent,
                               const struct mcpz_sim_op *op, mcpz_time within_us)
{
    const uint64_t request = mcpz_sim_write(sim, node, agent, op);

    mcpz_sim_run_for(sim, within_us);
    CHECK_UINT((unsigned)mcpz_sim_reply(sim, request), MCPZ_CODE_OK);
}

/* Nothing goes between the node and all others, or it does again. */
static inline void cut_off(struct mcpz_sim *sim, size_t node, size_t node_count, bool cut)
{
    for (size_t i = 0; i < node_count; i++) {
        if (i != node) {
            mcpz_sim_cut(sim, node, i, cut);
        }
    }
}

#endif
