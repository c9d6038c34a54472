#include "sim/graph.h"

#include <assert.h>
#include <stdlib.h>

#define UNREACHED UINT32_MAX

static void *table(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL) {
        abort();
    }
    return memory;
}

uint32_t *mcpz_graph_edges(const struct mcpz_graph *graph, size_t node)
{
    return graph->edges + node * MCPZ_GRAPH_DEGREE_MAX;
}

bool mcpz_graph_has_edge(const struct mcpz_graph *graph, size_t from, size_t to)
{
    for (size_t i = 0; i < graph->degrees[from]; i++) {
        if (mcpz_graph_edges(graph, from)[i] == to) {
            return true;
        }
    }
    return false;
}

static void note_node(struct mcpz_graph *graph, const struct mcpz_overlays *world, size_t node)
{
    const struct mcpz_overlay *machine = mcpz_overlays_machine(world, node);
    uint32_t *edges = mcpz_graph_edges(graph, node);

    graph->alive[graph->alive_count++] = (uint32_t)node;
    for (size_t i = 0; i < machine->active_count; i++) {
        size_t to = mcpz_overlays_index(&machine->active[i].id);
        if (mcpz_overlays_is_alive(world, to)) {
            edges[graph->degrees[node]++] = (uint32_t)to;
            graph->in_degrees[to]++;
        }
    }
}

void mcpz_graph_init(struct mcpz_graph *graph, size_t count)
{
    *graph = (struct mcpz_graph){
        .count = count,
        .alive = table(count, sizeof(*graph->alive)),
        .edges = table(count * MCPZ_GRAPH_DEGREE_MAX, sizeof(*graph->edges)),
        .degrees = table(count, sizeof(*graph->degrees)),
        .in_degrees = table(count, sizeof(*graph->in_degrees)),
        .distances = table(count, sizeof(*graph->distances)),
        .queue = table(count, sizeof(*graph->queue)),
    };
}

void mcpz_graph_init_overlays(struct mcpz_graph *graph, const struct mcpz_overlays *world)
{
    mcpz_graph_init(graph, mcpz_overlays_count(world));
    for (size_t i = 0; i < graph->count; i++) {
        if (mcpz_overlays_is_alive(world, i)) {
            note_node(graph, world, i);
        }
    }
    assert(graph->alive_count > 0);
}

void mcpz_graph_finish(struct mcpz_graph *graph)
{
    free(graph->alive);
    free(graph->edges);
    free(graph->degrees);
    free(graph->in_degrees);
    free(graph->distances);
    free(graph->queue);
    free(graph->links);
}

struct mcpz_flood mcpz_graph_flood(struct mcpz_graph *graph, size_t source)
{
    struct mcpz_flood flood = {.reached = 1};

    for (size_t i = 0; i < graph->count; i++) {
        graph->distances[i] = UNREACHED;
    }
    graph->distances[source] = 0;
    graph->queue[0] = (uint32_t)source;
    for (size_t head = 0; head < flood.reached; head++) {
        uint32_t node = graph->queue[head];
        uint32_t distance = graph->distances[node];
        flood.hops = distance;
        flood.distance_sum += distance;
        /* To all but the one it came from. */
        flood.payloads += graph->degrees[node] - (size_t)(node != source);
        for (size_t i = 0; i < graph->degrees[node]; i++) {
            uint32_t next = mcpz_graph_edges(graph, node)[i];
            if (graph->distances[next] == UNREACHED) {
                graph->distances[next] = distance + 1;
                graph->queue[flood.reached++] = next;
            }
        }
    }
    return flood;
}

size_t mcpz_graph_pick(const struct mcpz_graph *graph, struct mcpz_rng *rng)
{
    return graph->alive[mcpz_rng_below(rng, (uint32_t)graph->alive_count)];
}

double mcpz_graph_mean_degree(const struct mcpz_graph *graph)
{
    size_t sum = 0;
    for (size_t i = 0; i < graph->count; i++) {
        sum += graph->degrees[i];
    }
    return (double)sum / (double)graph->alive_count;
}

static double clustering_at(const struct mcpz_graph *graph, size_t node)
{
    const uint32_t *edges = mcpz_graph_edges(graph, node);
    size_t degree = graph->degrees[node];
    size_t linked = 0;

    for (size_t i = 0; i < degree; i++) {
        for (size_t j = i + 1; j < degree; j++) {
            linked += mcpz_graph_has_edge(graph, edges[i], edges[j]);
        }
    }
    return degree < 2 ? 0 : (double)linked * 2 / (double)(degree * (degree - 1));
}

double mcpz_graph_clustering(const struct mcpz_graph *graph)
{
    double sum = 0;
    for (size_t i = 0; i < graph->alive_count; i++) {
        sum += clustering_at(graph, graph->alive[i]);
    }
    return sum / (double)graph->alive_count;
}

size_t mcpz_graph_one_way(const struct mcpz_graph *graph)
{
    size_t found = 0;
    for (size_t node = 0; node < graph->count; node++) {
        for (size_t i = 0; i < graph->degrees[node]; i++) {
            found += !mcpz_graph_has_edge(graph, mcpz_graph_edges(graph, node)[i], node);
        }
    }
    return found;
}

double mcpz_graph_reliability(struct mcpz_graph *graph, struct mcpz_rng *rng, size_t count)
{
    uint64_t reached = 0;
    for (size_t i = 0; i < count; i++) {
        reached += mcpz_graph_flood(graph, mcpz_graph_pick(graph, rng)).reached;
    }
    return (double)reached / ((double)count * (double)graph->alive_count);
}
