/*
 * What X-BOT does to an overlay: 256 nodes on a square of 200 ms of round trip, with the
 * parameters of a server.
 */

#include "core/xbot.h"
#include "sim/graph.h"
#include "sim/overlays.h"
#include "test.h"

#define NODES 256
#define SEEDS 3
#define SIDE_US 200000
#define PERIODS 120 /* of 30 s: an hour */
#define FLOODS 50
#define LAN_US 4000 /* across: less than 6 ms */

/* A graph drawn by lot has 0.02, one of nearest neighbours only 0.6. */
#define CLUSTERING_MAX 0.05

/* Those of core/fabric.c. */
static const struct mcpz_overlay_config servers = {
    .active_max = 6, .passive_max = 30, .chosen_min = 2, .shuffle_period_us = MCPZ_SECONDS(60)};
static const struct mcpz_xbot_config exchanges = {.unbiased = 2};

struct measured {
    double rtt_us; /* mean over all links */
    double degree;
    double clustering;
    double reliability;
    double path; /* mean hops between two nodes */
    size_t one_way;
    uint64_t scans;
    uint64_t swaps;
};

static double mean_rtt(const struct mcpz_overlays *world, const struct mcpz_graph *graph)
{
    double sum = 0;
    size_t count = 0;

    for (size_t i = 0; i < graph->count; i++) {
        for (size_t k = 0; k < graph->degrees[i]; k++) {
            sum += mcpz_overlays_rtt_us(world, i, mcpz_graph_edges(graph, i)[k]);
            count++;
        }
    }
    CHECK(count > 0);
    return sum / (double)count;
}

static struct measured measure(const struct mcpz_overlays *world)
{
    struct mcpz_graph graph;
    struct mcpz_rng rng;
    struct measured now = {0};

    mcpz_rng_init(&rng, 1);
    mcpz_graph_init_overlays(&graph, world);
    now.rtt_us = mean_rtt(world, &graph);
    now.degree = mcpz_graph_mean_degree(&graph);
    now.clustering = mcpz_graph_clustering(&graph);
    now.reliability = mcpz_graph_reliability(&graph, &rng, FLOODS);
    now.one_way = mcpz_graph_one_way(&graph);
    for (size_t i = 0; i < FLOODS; i++) {
        struct mcpz_flood flood = mcpz_graph_flood(&graph, mcpz_graph_pick(&graph, &rng));
        now.path += (double)flood.distance_sum / (double)(flood.reached - 1) / FLOODS;
    }
    for (size_t i = 0; i < NODES; i++) {
        now.scans += mcpz_overlays_xbot(world, i)->scans;
        now.swaps += mcpz_overlays_xbot(world, i)->swaps;
    }
    mcpz_graph_finish(&graph);
    return now;
}

static struct mcpz_overlays *make(uint64_t seed, uint32_t side_us)
{
    struct mcpz_overlays *world = mcpz_overlays_create_as(NODES, seed, &servers);

    for (size_t i = 1; i < NODES; i++) {
        mcpz_overlays_join(world, i, 0);
    }
    mcpz_overlays_run(world, MCPZ_SECONDS(900)); /* until repair has come to rest */
    mcpz_overlays_optimise(world, side_us, &exchanges);
    return world;
}

static void print(const char *when, uint64_t seed, const struct measured *then)
{
    print_message("seed %u, %s: %.1f ms a link, degree %.3f, clustering %.4f, %.3f hops, "
                  "%u exchanged in %u scans\n",
                  (unsigned)seed, when, then->rtt_us / 1000, then->degree, then->clustering,
                  then->path, (unsigned)then->swaps, (unsigned)then->scans);
}

TEST(links_get_shorter_and_the_graph_stays_what_it_was)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct mcpz_overlays *world = make(seed, SIDE_US);
        struct measured before = measure(world);
        mcpz_overlays_run(world, MCPZ_SECONDS(30) * PERIODS);
        struct measured after = measure(world);
        print("before", seed, &before);
        print("after ", seed, &after);

        CHECK(after.rtt_us <= before.rtt_us * 2 / 3);
        CHECK(before.reliability >= 1); /* every node is reached from everywhere */
        CHECK(after.reliability >= 1);
        CHECK_UINT(before.one_way, 0);
        CHECK_UINT(after.one_way, 0);
        CHECK(after.degree >= before.degree - 0.01);
        CHECK(after.degree <= before.degree + 0.1); /* repair fills places, as ever */
        CHECK(after.clustering <= CLUSTERING_MAX);
        CHECK(after.path <= before.path * 1.05);
        mcpz_overlays_destroy(world);
    }
}

TEST(a_mesh_on_one_lan_reaches_for_nobody)
{
    struct mcpz_overlays *world = make(1, LAN_US);
    struct measured before = measure(world);
    mcpz_overlays_run(world, MCPZ_SECONDS(30) * PERIODS);
    struct measured after = measure(world);

    CHECK_UINT(after.scans, 0);
    CHECK_UINT(after.swaps, 0);
    CHECK(after.degree >= before.degree);
    mcpz_overlays_destroy(world);
}

TEST_MAIN(RUN(links_get_shorter_and_the_graph_stays_what_it_was),
          RUN(a_mesh_on_one_lan_reaches_for_nobody))
