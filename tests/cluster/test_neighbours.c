/*
 * A small mesh is a full one. There are fewer nodes than places for neighbours, so that no passive
 * view holds anybody in good times; and who was lost sight of while the network was in pieces has
 * to be found again.
 */

#include "base/rng.h"
#include "meshes.h"

#define NODES 5
#define SEEDS 100

/* From when all can reach each other again. Whom they could not reach before they may have asked
 * up to half a minute ago, and a fifth; then one is asked after the other. */
#define FOUND_US MCPZ_SECONDS(60)

static struct mcpz_sim *sim;
static struct mcpz_rng lots;
static size_t cut_until[NODES][NODES]; /* the second when it is mended; 0: it is whole */

static void begin(uint64_t seed)
{
    const struct mcpz_sim_config config = apart_config(seed, NODES);

    sim = start_mesh(&config);
    mcpz_rng_init(&lots, seed);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(10));
}

static size_t lot(size_t below)
{
    return mcpz_rng_below(&lots, (uint32_t)below);
}

static void all_are_neighbours(uint64_t seed)
{
    for (size_t i = 0; i < NODES; i++) {
        const size_t count = node_of(sim, i)->fabric.overlay.active_count;
        if (count != NODES - 1) {
            print_error("seed %u: node %zu\n", (unsigned)seed, i);
        }
        CHECK_UINT(count, NODES - 1);
    }
}

/* One node reaches only one other for a while. That one passes on that it is well, so nobody
 * looks for it as they do for the dead. */
TEST(who_was_left_with_one_neighbour_finds_the_others_again)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        begin(seed);
        const size_t alone = lot(NODES);
        const size_t left = (alone + 1 + lot(NODES - 1)) % NODES;
        cut_off(sim, alone, NODES, true);
        mcpz_sim_cut(sim, alone, left, false);
        mcpz_sim_run_for(sim, MCPZ_SECONDS(10 + lot(50)));
        cut_off(sim, alone, NODES, false);
        mcpz_sim_run_for(sim, FOUND_US);
        all_are_neighbours(seed);
        mcpz_sim_destroy(sim);
    }
}

/* Cut some pairs by lot, each until a second of its own, and mend those whose second has come. */
static void cut_some(size_t second)
{
    for (size_t a = 0; a < NODES; a++) {
        for (size_t b = 0; b < a; b++) {
            if (cut_until[a][b] <= second) {
                cut_until[a][b] = lot(20) == 0 ? second + 4 + lot(12) : 0;
            }
            mcpz_sim_cut(sim, a, b, cut_until[a][b] > second);
        }
    }
}

static void mend_all(void)
{
    memset(cut_until, 0, sizeof(cut_until));
    for (size_t i = 0; i < NODES; i++) {
        cut_off(sim, i, NODES, false);
    }
}

/* Any two reach each other, or not, for a few seconds each. */
TEST(who_was_parted_again_and_again_is_together_in_the_end)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        begin(seed);
        for (size_t second = 0; second < 60; second++) {
            cut_some(second);
            mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
        }
        mend_all();
        mcpz_sim_run_for(sim, FOUND_US);
        all_are_neighbours(seed);
        mcpz_sim_destroy(sim);
    }
}

MESH_MAIN(RUN(who_was_left_with_one_neighbour_finds_the_others_again),
          RUN(who_was_parted_again_and_again_is_together_in_the_end))
