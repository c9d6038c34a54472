/*
 * A random connected graph in which every node has as many neighbours, drawn from a seed.
 *
 * It starts as a ring with chords and is stirred by swapping the ends of pairs of links, which
 * keeps every degree (Maslov, Sneppen, Science 296, 2002). Links are listed so that the first
 * node_count - 1 are a tree: any prefix at least that long is connected too.
 */

#ifndef SIM_RANDOM_GRAPH_H
#define SIM_RANDOM_GRAPH_H

#include <stddef.h>

#include "base/rng.h"
#include "sim/graph.h"

#define MCPZ_RANDOM_GRAPH_DEGREE 5

/**
 * Init a graph with one that is drawn: node_count * MCPZ_RANDOM_GRAPH_DEGREE / 2 links, all nodes
 * alive. `node_count` is even and at least 8 (asserted). Aborts when memory is out.
 */
void mcpz_random_graph_init(struct mcpz_graph *graph, size_t node_count, struct mcpz_rng *rng);

#endif
