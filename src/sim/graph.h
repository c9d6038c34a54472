/* The graph the active views make, and what the papers measure of it. */

#ifndef SIM_GRAPH_H
#define SIM_GRAPH_H

#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "sim/overlays.h"

struct mcpz_graph {
    size_t count; /* nodes; crashed ones have no edges */
    size_t alive_count;
    uint32_t *alive;  /* the live ones */
    uint32_t *edges;  /* count rows of MCPZ_OVERLAY_ACTIVE_MAX: to live nodes only */
    uint8_t *degrees; /* edges out */
    uint8_t *in_degrees;
    uint32_t *distances; /* of the last flood */
    uint32_t *queue;
};

/* One message flooded over all edges: each node passes it on once, not back to its sender. */
struct mcpz_flood {
    size_t reached;        /* live nodes, the source included */
    size_t payloads;       /* messages sent */
    uint32_t hops;         /* until the last node had it */
    uint64_t distance_sum; /* over all reached */
};

/** Take down the graph as it is now. Out of memory: aborts. */
void mcpz_graph_init(struct mcpz_graph *graph, const struct mcpz_overlays *world);
void mcpz_graph_finish(struct mcpz_graph *graph);

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
