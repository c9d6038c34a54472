/*
 * More nodes write to one agent than have places among its writers: who would begin is refused,
 * and what others began apart is taken in (core/crdt/document.h).
 */

#include "crypto/digest.h"
#include "meshes.h"

#define NODES 48 /* places for each half, and not for all */

static const struct mcpz_sim_op set = {.op = MCPZ_AGENT_SET, .path = "at", .value = "v"};

static struct mcpz_sim *sim_with_agent(uint64_t seed)
{
    const struct mcpz_sim_config config = apart_config(seed, NODES);
    const struct mcpz_sim_op create = {.op = MCPZ_AGENT_CREATE};
    struct mcpz_sim *sim = start_mesh(&config);

    mcpz_sim_run_for(sim, MCPZ_SECONDS(10));
    write_acked(sim, 0, "a", &create, MCPZ_SECONDS(5));
    return sim;
}

static void set_halves_apart(struct mcpz_sim *sim, bool apart)
{
    for (size_t i = 0; i < NODES / 2; i++) {
        for (size_t j = NODES / 2; j < NODES; j++) {
            mcpz_sim_cut(sim, i, j, apart);
        }
    }
}

static void check_same_root(struct mcpz_sim *sim)
{
    uint8_t first[MCPZ_DIGEST_BYTES];
    uint8_t root[MCPZ_DIGEST_BYTES];

    CHECK(mcpz_sim_root(sim, 0, "a", first));
    for (size_t i = 1; i < NODES; i++) {
        CHECK(mcpz_sim_root(sim, i, "a", root));
        CHECK_BYTES(mcpz_bytes(root, sizeof(root)), first, sizeof(first));
    }
}

/* What failed before: neither half took in the other's last writers. */
TEST(halves_that_gave_the_last_places_away_come_together)
{
    struct mcpz_sim *sim = sim_with_agent(81);

    set_halves_apart(sim, true);
    for (size_t i = 0; i < NODES; i++) {
        write_acked(sim, i, "a", &set, MCPZ_SECONDS(2));
    }
    set_halves_apart(sim, false);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(180));
    check_same_root(sim);
    write_acked(sim, NODES - 1, "a", &set, MCPZ_SECONDS(60)); /* who has a place writes on */
    check_same_root(sim);
    mcpz_sim_destroy(sim);
}

TEST(who_would_be_one_more_is_refused)
{
    struct mcpz_sim *sim = sim_with_agent(82);
    uint64_t requests[NODES];

    for (size_t i = 0; i < NODES; i++) {
        requests[i] = mcpz_sim_write(sim, i, "a", &set);
        mcpz_sim_run_for(sim, MCPZ_SECONDS(2));
    }
    for (size_t i = 0; i < NODES; i++) {
        CHECK_UINT((unsigned)mcpz_sim_reply(sim, requests[i]),
                   i < MCPZ_WRITERS_MAX ? MCPZ_CODE_OK : MCPZ_CODE_LIMIT);
    }
    mcpz_sim_run_for(sim, MCPZ_SECONDS(60));
    check_same_root(sim);
    mcpz_sim_destroy(sim);
}

MESH_MAIN(RUN(halves_that_gave_the_last_places_away_come_together),
          RUN(who_would_be_one_more_is_refused))
