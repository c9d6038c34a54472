/*
 * A graph of nodes, and what the papers measure of it: the one that the overlays' active views
 * make, or one that is drawn (sim/random_graph.h).
 */

#ifndef SIM_GRAPH_H
#define SIM_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "sim/overlays.h"

#define MCPZ_GRAPH_DEGREE_MAX MCPZ_OVERLAY_ACTIVE_MAX

struct mcpz_graph_link {
    uint32_t ends[2];
};

struct mcpz_graph {
    size_t count; /* nodes; crashed ones have no edges */
    size_t alive_count;
    uint32_t *alive;  /* the live ones */
    uint32_t *edges;  /* count rows of MCPZ_GRAPH_DEGREE_MAX: to live nodes only */
    uint8_t *degrees; /* edges out */
    uint8_t *in_degrees;
    uint32_t *distances; /* of the last flood */
    uint32_t *queue;
    struct mcpz_graph_link *links; /* of a drawn graph: each pair of edges once; else NULL */
    size_t link_count;
};

/* One message flooded over all edges: each node passes it on once, not back to its sender. */
struct mcpz_flood {
    size_t reached;        /* live nodes, the source included */
    size_t payloads;       /* messages sent */
    uint32_t hops;         /* until the last node had it */
    uint64_t distance_sum; /* over all reached */
};

/** Nodes without edges, none of them alive yet. Out of memory: aborts. */
void mcpz_graph_init(struct mcpz_graph *graph, size_t count);
void mcpz_graph_finish(struct mcpz_graph *graph);

/** Init with the graph that the active views make now. */
void mcpz_graph_init_overlays(struct mcpz_graph *graph, const struct mcpz_overlays *world);

/** The node's row of edges. */
uint32_t *mcpz_graph_edges(const struct mcpz_graph *graph, size_t node);

bool mcpz_graph_has_edge(const struct mcpz_graph *graph, size_t from, size_t to);

struct mcpz_flood mcpz_graph_flood(struct mcpz_graph *graph, size_t source);

/** A live node by lot. */
size_t mcpz_graph_pick(const struct mcpz_graph *graph, struct mcpz_rng *rng);

double mcpz_graph_mean_degree(const struct mcpz_graph *graph);

/** Edges between a node's neighbours, of those there could be, on average over the nodes. */
double mcpz_graph_clustering(const struct mcpz_graph *graph);

/** Edges that only one end knows. */
size_t mcpz_graph_one_way(const struct mcpz_graph *graph);

/** The mean share of live nodes that floods from `count` sources by lot reach. */
double mcpz_graph_reliability(struct mcpz_graph *graph, struct mcpz_rng *rng, size_t count);

#endif
