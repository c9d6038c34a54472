/*
 * Who was lost sight of while the network was in pieces is found again. A mesh of five is a full
 * one: no passive view holds anybody in good times. In one of twelve all others may be full.
 */

#include "base/rng.h"
#include "meshes.h"

#define NODES 5
#define MANY 12
#define SEEDS 100

/* From when all can reach each other again. Whom they could not reach before they may have asked
 * up to half a minute ago, and a fifth; then one is asked after the other. */
#define FOUND_US MCPZ_SECONDS(60)

static struct mcpz_sim *sim;
static struct mcpz_rng lots;
static size_t cut_until[NODES][NODES]; /* the second when it is mended; 0: it is whole */

static void begin(uint64_t seed, size_t node_count)
{
    const struct mcpz_sim_config config = apart_config(seed, node_count);

    sim = start_mesh(&config);
    mcpz_rng_init(&lots, seed);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(10));
}

static size_t lot(size_t below)
{
    return mcpz_rng_below(&lots, (uint32_t)below);
}

static void have_neighbours(uint64_t seed, size_t node_count, size_t least)
{
    for (size_t i = 0; i < node_count; i++) {
        const size_t count = node_of(sim, i)->fabric.overlay.active_count;
        if (count < least) {
            print_error("seed %u: node %zu has %zu\n", (unsigned)seed, i, count);
        }
        CHECK(count >= least);
    }
}

/* One node reaches only one other for a while. That one passes on that it is well, so nobody
 * looks for it as they do for the dead. */
static void leave_one_neighbour(uint64_t seed, size_t node_count)
{
    begin(seed, node_count);
    const size_t alone = lot(node_count);
    const size_t left = (alone + 1 + lot(node_count - 1)) % node_count;
    cut_off(sim, alone, node_count, true);
    mcpz_sim_cut(sim, alone, left, false);
    mcpz_sim_run_for(sim, MCPZ_SECONDS(10 + lot(50)));
    cut_off(sim, alone, node_count, false);
    mcpz_sim_run_for(sim, FOUND_US);
}

TEST(who_was_left_with_one_neighbour_finds_the_others_again)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        leave_one_neighbour(seed, NODES);
        have_neighbours(seed, NODES, NODES - 1);
        mcpz_sim_destroy(sim);
    }
}

TEST(who_was_left_with_one_neighbour_gets_others_where_all_are_full)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        leave_one_neighbour(seed, MANY);
        have_neighbours(seed, MANY, 2);
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
        begin(seed, NODES);
        for (size_t second = 0; second < 60; second++) {
            cut_some(second);
            mcpz_sim_run_for(sim, MCPZ_SECONDS(1));
        }
        mend_all();
        mcpz_sim_run_for(sim, FOUND_US);
        have_neighbours(seed, NODES, NODES - 1);
        mcpz_sim_destroy(sim);
    }
}

MESH_MAIN(RUN(who_was_left_with_one_neighbour_finds_the_others_again),
          RUN(who_was_left_with_one_neighbour_gets_others_where_all_are_full),
          RUN(who_was_parted_again_and_again_is_together_in_the_end))
