/* What was deleted is forgotten by all who keep it (engine/forgetting.h), whatever comes between.
 */

#include "base/rng.h"
#include "crypto/digest.h"
#include "meshes.h"

#define NODES 5
#define AGENTS 4
#define SEEDS 12
#define GONE_WITHIN_US MCPZ_SECONDS(240)

static const char *const names[AGENTS] = {"a", "b", "c", "d"};
static const size_t everybody[NODES] = {0, 1, 2, 3, 4};

static struct mcpz_sim *sim_of(uint64_t seed, size_t node_count)
{
    struct mcpz_sim_config config = apart_config(seed, node_count);

    config.delay_min_us = MCPZ_MS(1);
    config.sealed = seed % 2 == 0;
    config.forgets = true;
    return start_mesh(&config);
}

static void write(struct mcpz_sim *sim, size_t node, const char *agent,
                  const struct mcpz_sim_op *op)
{
    write_acked(sim, node, agent, op, MCPZ_MS(200));
}

static void make(struct mcpz_sim *sim, size_t node, const char *agent, const char *value)
{
    write(sim, node, agent, &(struct mcpz_sim_op){.op = MCPZ_AGENT_CREATE});
    write(sim, node, agent,
          &(struct mcpz_sim_op){.op = MCPZ_AGENT_ADD, .path = "set", .value = value});
    write(sim, node, agent,
          &(struct mcpz_sim_op){.op = MCPZ_AGENT_ADD, .path = "set", .value = "more"});
}

static void delete_it(struct mcpz_sim *sim, size_t node, const char *agent)
{
    write(sim, node, agent, &(struct mcpz_sim_op){.op = MCPZ_AGENT_DELETE});
}

static size_t count_rows(struct mcpz_sim *sim, size_t node, enum mcpz_record_kind kind)
{
    struct mcpz_record record = {.kind = kind};
    size_t count = 0;

    while (mcpz_sim_reads_next(sim, node, &record)) {
        count++;
    }
    return count;
}

/* Is there nothing left of any document? */
static bool is_gone(struct mcpz_sim *sim, size_t node)
{
    return count_rows(sim, node, MCPZ_RECORD_DOCUMENT) == 0 &&
           count_rows(sim, node, MCPZ_RECORD_ENTRY) == 0 &&
           count_rows(sim, node, MCPZ_RECORD_DELTA) == 0 &&
           count_rows(sim, node, MCPZ_RECORD_BATCH) == 0 &&
           count_rows(sim, node, MCPZ_RECORD_FLOOR) == 0 &&
           count_rows(sim, node, MCPZ_RECORD_BASE) == 0 &&
           count_rows(sim, node, MCPZ_RECORD_CHANGE) == 0;
}

static void until_gone(struct mcpz_sim *sim, size_t node_count)
{
    const mcpz_time until_us = mcpz_sim_now(sim) + GONE_WITHIN_US;
    size_t gone = 0;

    while (gone < node_count) {
        CHECK(mcpz_sim_now(sim) < until_us);
        mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
        for (gone = 0; gone < node_count && is_gone(sim, gone); gone++) {
        }
    }
}

static bool are_alike(struct mcpz_sim *sim, const char *agent)
{
    uint8_t first[MCPZ_DIGEST_BYTES] = {0};
    bool is_there = false;
    bool is_first = true;
    bool alike = true;

    for (size_t i = 0; i < NODES; i++) {
        uint8_t root[MCPZ_DIGEST_BYTES] = {0};
        if (mcpz_sim_owns(sim, i, agent)) {
            const bool found = mcpz_sim_root(sim, i, agent, root);
            alike = alike &&
                    (is_first || (found == is_there && memcmp(first, root, sizeof(root)) == 0));
            memcpy(first, root, sizeof(first));
            is_there = found;
            is_first = false;
        }
    }
    return alike;
}

static void until_alike(struct mcpz_sim *sim)
{
    const mcpz_time until_us = mcpz_sim_now(sim) + MCPZ_SECONDS(120);
    size_t alike = 0;

    while (alike < AGENTS) {
        CHECK(mcpz_sim_now(sim) < until_us);
        mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
        for (alike = 0; alike < AGENTS && are_alike(sim, names[alike]); alike++) {
        }
    }
}

static void make_and_delete_all(struct mcpz_sim *sim)
{
    for (size_t i = 0; i < AGENTS; i++) {
        make(sim, find_owner(sim, NODES, names[i], true), names[i], "old");
    }
    until_alike(sim);
    for (size_t i = 0; i < AGENTS; i++) {
        delete_it(sim, find_owner(sim, NODES, names[i], true), names[i]);
    }
}

static void check_only_new(struct mcpz_sim *sim, const char *agent)
{
    for (size_t i = 0; i < NODES; i++) {
        if (mcpz_sim_owns(sim, i, agent)) {
            CHECK(mcpz_sim_has(sim, i, agent, "set", "new"));
            CHECK(!mcpz_sim_has(sim, i, agent, "set", "old"));
        }
    }
}

TEST(what_was_deleted_is_gone_and_can_be_made_anew)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct mcpz_sim *sim = sim_of(seed, NODES);
        if (seed == 3) {
            (void)mcpz_sim_layout(sim, everybody, NODES, 3);
            mcpz_sim_run_for(sim, MCPZ_SECONDS(10));
        }
        for (int round = 0; round < 2; round++) {
            make_and_delete_all(sim);
            until_gone(sim, NODES);
            mcpz_sim_run_for(sim, MCPZ_SECONDS(90)); /* nobody brings it back */
            for (size_t i = 0; i < NODES; i++) {
                CHECK(is_gone(sim, i));
            }
        }
        for (size_t i = 0; i < AGENTS; i++) {
            make(sim, find_owner(sim, NODES, names[i], true), names[i], "new");
        }
        until_alike(sim);
        for (size_t i = 0; i < AGENTS; i++) {
            check_only_new(sim, names[i]);
        }
        mcpz_sim_destroy(sim);
    }
}

/* Whoever is stopped, slow or parted in between, and whoever writes there at that moment. */
TEST(whatever_comes_between_nothing_comes_back_and_nothing_is_lost)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct mcpz_sim *sim = sim_of(seed, NODES);
        struct mcpz_rng rng;
        bool is_made[AGENTS] = {false};
        mcpz_rng_init(&rng, seed);
        if (seed % 3 == 0) {
            (void)mcpz_sim_layout(sim, everybody, NODES, 3);
            mcpz_sim_run_for(sim, MCPZ_SECONDS(10));
        }
        make_and_delete_all(sim);
        mcpz_sim_run_for(sim, MCPZ_SECONDS(22)); /* from here on they go */
        for (int i = 0; i < 30; i++) {
            mcpz_sim_run_for(sim, mcpz_rng_below(&rng, 2000000));
            const size_t node = mcpz_rng_below(&rng, NODES);
            const size_t peer = (node + 1) % NODES;
            const size_t agent = mcpz_rng_below(&rng, AGENTS);
            switch (mcpz_rng_below(&rng, 5)) {
            case 0:
                mcpz_sim_kill(sim, node);
                mcpz_sim_run_for(sim, mcpz_rng_below(&rng, 3000000));
                mcpz_sim_start(sim, node);
                break;
            case 1:
                mcpz_sim_cut(sim, node, peer, true);
                mcpz_sim_run_for(sim, mcpz_rng_below(&rng, 3000000));
                mcpz_sim_cut(sim, node, peer, false);
                break;
            case 2:
                mcpz_sim_slow_disk(sim, node, MCPZ_MS(1 + mcpz_rng_below(&rng, 300)));
                break;
            case 3:
                mcpz_sim_pause(sim, node, mcpz_rng_below(&rng, 2000000));
                break;
            default:
                if (!is_made[agent] && i > 20 && mcpz_sim_owns(sim, node, names[agent])) {
                    const uint64_t request =
                        mcpz_sim_write(sim, node, names[agent],
                                       &(struct mcpz_sim_op){
                                           .op = MCPZ_AGENT_ADD, .path = "set", .value = "new"});
                    mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
                    is_made[agent] = mcpz_sim_reply(sim, request) == MCPZ_CODE_OK;
                }
                break;
            }
        }
        until_alike(sim);
        mcpz_sim_run_for(sim, MCPZ_SECONDS(90));
        until_alike(sim);
        for (size_t agent = 0; agent < AGENTS; agent++) {
            if (is_made[agent]) {
                check_only_new(sim, names[agent]);
            }
            for (size_t i = 0; i < NODES; i++) {
                CHECK(!mcpz_sim_has(sim, i, names[agent], "set", "old"));
            }
        }
        mcpz_sim_destroy(sim);
    }
}

MESH_MAIN(RUN(what_was_deleted_is_gone_and_can_be_made_anew),
          RUN(whatever_comes_between_nothing_comes_back_and_nothing_is_lost))
