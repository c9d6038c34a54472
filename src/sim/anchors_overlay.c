#include "sim/anchors_overlay.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>

#include "base/attr.h"
#include "sim/graph.h"
#include "sim/overlays.h"

#define CYCLES 50
#define SOURCES 500 /* floods a mean is taken over */
#define MESSAGES 1000
#define DEGREE 5

static void note(struct mcpz_anchors *anchors, const char *metric, struct mcpz_anchor row)
{
    mcpz_anchors_add(anchors, row, "%s", metric);
}

static void join_all(struct mcpz_overlays *world)
{
    for (size_t i = 1; i < mcpz_overlays_count(world); i++) {
        mcpz_overlays_join(world, i, 0);
    }
}

static void cycle_all(struct mcpz_overlays *world)
{
    for (size_t i = 0; i < CYCLES; i++) {
        mcpz_overlays_cycle(world);
    }
}

/* How much shallower than the paper's graph: every node reaches DEGREE - 1 others more. */
static double shallower(size_t nodes)
{
    return log((double)MCPZ_ANCHORS_NODES / (double)nodes) / log(DEGREE - 1);
}

static double rmr(const struct mcpz_flood *flood)
{
    return (double)flood->payloads / (double)(flood->reached - 1) - 1;
}

static void note_joined(struct mcpz_anchors *anchors, const struct mcpz_overlays *world,
                        struct mcpz_rng *rng)
{
    struct mcpz_graph graph;
    mcpz_graph_init_overlays(&graph, world);
    double degree = mcpz_graph_mean_degree(&graph);
    struct mcpz_flood flood = mcpz_graph_flood(&graph, mcpz_graph_pick(&graph, rng));
    /* In a small world joins meet each other more often. */
    double slack = graph.count < MCPZ_ANCHORS_NODES ? 0.05 : 0;

    note(anchors, "after joins: mean degree",
         (struct mcpz_anchor){.table = "A1",
                              .better = MCPZ_ANCHOR_NEITHER,
                              .paper = (double)NAN,
                              .bound = {3.95 - slack, 4.05 + slack},
                              .ours = degree});
    note(anchors, "after joins: redundancy of a flood",
         (struct mcpz_anchor){.table = "A1",
                              .better = MCPZ_ANCHOR_LOWER,
                              .paper = 2.03,
                              .bound = {2.00 - slack, 2.06 + slack},
                              .ours = rmr(&flood)});
    note(anchors, "after joins: share a flood reaches",
         (struct mcpz_anchor){
             .table = "A1",
             .better = MCPZ_ANCHOR_HIGHER,
             .is_worst = true,
             .paper = (double)NAN,
             .bound = {0.99, 1}, /* ours: it says nothing; cycles join what is apart */
             .ours = (double)flood.reached / (double)graph.count});
    mcpz_graph_finish(&graph);
}

static void note_degrees(struct mcpz_anchors *anchors, const struct mcpz_graph *graph)
{
    size_t full = 0;
    size_t least = SIZE_MAX;

    for (size_t i = 0; i < graph->count; i++) {
        full += graph->in_degrees[i] == DEGREE;
        least = graph->in_degrees[i] < least ? graph->in_degrees[i] : least;
    }
    note(anchors, "share of nodes with in-degree 5",
         (struct mcpz_anchor){.table = "A1",
                              .better = MCPZ_ANCHOR_HIGHER,
                              .is_worst = true,
                              .paper = 0.998,
                              .bound = {graph->count < MCPZ_ANCHORS_NODES ? 0.98 : 0.997, 1},
                              .ours = (double)full / (double)graph->count});
    note(anchors, "least in-degree",
         (struct mcpz_anchor){.table = "A1",
                              .better = MCPZ_ANCHOR_HIGHER,
                              .is_worst = true,
                              .paper = 2,
                              .bound = {2, DEGREE},
                              .ours = (double)least});
    note(anchors, "links only one end knows",
         (struct mcpz_anchor){.table = "A1",
                              .better = MCPZ_ANCHOR_LOWER,
                              .is_worst = true,
                              .paper = 0,
                              .bound = {0, 0},
                              .ours = (double)mcpz_graph_one_way(graph)});
}

static void note_paths(struct mcpz_anchors *anchors, struct mcpz_graph *graph,
                       struct mcpz_rng *rng)
{
    double path_sum = 0;
    double hop_sum = 0;
    double rmr_sum = 0;
    double less = shallower(graph->count);
    double slack = graph->count == MCPZ_ANCHORS_NODES ? 0 : 0.12;

    for (size_t i = 0; i < SOURCES; i++) {
        struct mcpz_flood flood = mcpz_graph_flood(graph, mcpz_graph_pick(graph, rng));
        path_sum += (double)flood.distance_sum / (double)(flood.reached - 1);
        hop_sum += flood.hops;
        rmr_sum += rmr(&flood);
    }
    note(anchors, "average shortest path",
         (struct mcpz_anchor){.table = "A1",
                              .better = MCPZ_ANCHOR_LOWER,
                              .paper = 6.38542,
                              .bound = {6.35 - less - slack, 6.41 - less + slack},
                              .ours = path_sum / SOURCES});
    note(anchors, "hops to the last delivery",
         (struct mcpz_anchor){.table = "A1",
                              .better = MCPZ_ANCHOR_LOWER,
                              .paper = 9.0,
                              .bound = {8 - less - slack, 9 - less + slack},
                              .ours = hop_sum / SOURCES});
    note(anchors, "redundancy of a flood",
         (struct mcpz_anchor){.table = "A1",
                              .better = MCPZ_ANCHOR_LOWER,
                              .paper = 2.99,
                              .bound = {2.97, 3.01},
                              .ours = rmr_sum / SOURCES});
}

void mcpz_anchors_a1(struct mcpz_anchors *anchors, size_t nodes, uint64_t seed)
{
    struct mcpz_overlays *world = mcpz_overlays_create(nodes, seed);
    struct mcpz_graph graph;
    struct mcpz_rng rng;

    mcpz_rng_init(&rng, seed ^ nodes);
    join_all(world);
    note_joined(anchors, world, &rng);
    cycle_all(world);
    mcpz_graph_init_overlays(&graph, world);
    note(anchors, "clustering coefficient",
         (struct mcpz_anchor){
             .table = "A1",
             .better = MCPZ_ANCHOR_LOWER,
             .paper = 0.00092,
             .bound = {-(double)INFINITY, 0.002 * MCPZ_ANCHORS_NODES / (double)nodes},
             .ours = mcpz_graph_clustering(&graph)});
    note_paths(anchors, &graph, &rng);
    note_degrees(anchors, &graph);
    mcpz_graph_finish(&graph);
    mcpz_overlays_destroy(world);
}

/* ---- A2 ------------------------------------------------------------------------------------ */

struct crash {
    size_t percent;
    double paper; /* mean over 1,000 messages, percent */
    double low;
};

static const struct crash crashes[] = {
    {10, 100, 99.9},    {20, 100, 99.9},    {30, 100, 99.9},    {40, 100, 99.9}, {50, 100, 99.9},
    {60, 99.97, 99.87}, {70, 99.92, 99.82}, {80, 99.90, 99.80}, {90, 99.66, 98}, {95, 90.87, 80},
};

/* Up to here the repaired overlay is whole. */
#define WHOLE_PERCENT 80

static double reliability_now(const struct mcpz_overlays *world, struct mcpz_rng *rng,
                              size_t floods)
{
    struct mcpz_graph graph;
    mcpz_graph_init_overlays(&graph, world);
    double reliability = mcpz_graph_reliability(&graph, rng, floods);
    mcpz_graph_finish(&graph);
    return reliability;
}

static void note_crash(struct mcpz_anchors *anchors, struct mcpz_overlays *world,
                       const struct crash *crash, struct mcpz_rng *rng)
{
    char metric[MCPZ_ANCHOR_METRIC_BYTES];

    mcpz_overlays_crash(world, crash->percent);
    double first = reliability_now(world, rng, 1);
    mcpz_overlays_detect(world);
    double later = reliability_now(world, rng, MESSAGES - 1);
    snprintf(metric, sizeof(metric), "%zu %% crash: reliability, %%", crash->percent);
    note(anchors, metric,
         (struct mcpz_anchor){.table = "A2",
                              .better = MCPZ_ANCHOR_HIGHER,
                              .paper = crash->paper,
                              .bound = {crash->low, 100},
                              .ours = 100 * (first + later * (MESSAGES - 1)) / MESSAGES});
    if (crash->percent <= WHOLE_PERCENT) {
        snprintf(metric, sizeof(metric), "%zu %% crash: messages from the second, %%",
                 crash->percent);
        note(anchors, metric,
             (struct mcpz_anchor){.table = "A2",
                                  .better = MCPZ_ANCHOR_HIGHER,
                                  .is_worst = true,
                                  .paper = 100,
                                  .bound = {100, 100},
                                  .ours = 100 * later});
    }
}

void mcpz_anchors_a2(struct mcpz_anchors *anchors, size_t nodes, uint64_t seed)
{
    struct mcpz_overlays *whole = mcpz_overlays_create(nodes, seed);
    struct mcpz_overlays *world = mcpz_overlays_create(nodes, seed);
    struct mcpz_rng rng;

    mcpz_rng_init(&rng, seed ^ nodes);
    join_all(whole);
    cycle_all(whole);
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(crashes); i++) {
        mcpz_overlays_copy(world, whole);
        note_crash(anchors, world, &crashes[i], &rng);
    }
    mcpz_overlays_destroy(world);
    mcpz_overlays_destroy(whole);
}
