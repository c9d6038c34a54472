#include "sim/random_graph.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define SWAPS_PER_LINK 10

static void *take(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL) {
        abort();
    }
    return memory;
}

static_assert(MCPZ_RANDOM_GRAPH_DEGREE <= MCPZ_GRAPH_DEGREE_MAX, "a row holds all edges");

static void replace(const struct mcpz_graph *graph, uint32_t node, uint32_t old, uint32_t new)
{
    uint32_t *edges = mcpz_graph_edges(graph, node);
    size_t i = 0;

    while (edges[i] != old) {
        i++;
        assert(i < MCPZ_RANDOM_GRAPH_DEGREE);
    }
    edges[i] = new;
}

/* Each node to the two next on the ring, and to the one across. */
static void lay_ring(struct mcpz_graph *graph)
{
    const uint32_t n = (uint32_t)graph->count;
    size_t at = 0;

    for (uint32_t i = 0; i < n; i++) {
        graph->links[at++] = (struct mcpz_graph_link){{i, (i + 1) % n}};
        graph->links[at++] = (struct mcpz_graph_link){{i, (i + 2) % n}};
        if (i < n / 2) {
            graph->links[at++] = (struct mcpz_graph_link){{i, i + n / 2}};
        }
        const uint32_t row[] = {(i + 1) % n, (i + 2) % n, (i + n - 1) % n, (i + n - 2) % n,
                                (i + n / 2) % n};
        memcpy(mcpz_graph_edges(graph, i), row, sizeof(row));
        graph->degrees[i] = MCPZ_RANDOM_GRAPH_DEGREE;
        graph->in_degrees[i] = MCPZ_RANDOM_GRAPH_DEGREE;
        graph->alive[graph->alive_count++] = i;
    }
    assert(at == graph->link_count);
}

/* a-b and c-d become a-d and c-b, unless that would link a node twice or to itself. */
static void swap_ends(const struct mcpz_graph *graph, struct mcpz_graph_link *x,
                      struct mcpz_graph_link *y, bool turned)
{
    const uint32_t a = x->ends[0];
    const uint32_t b = x->ends[1];
    const uint32_t c = y->ends[turned];
    const uint32_t d = y->ends[!turned];

    if (a == c || a == d || b == c || b == d || mcpz_graph_has_edge(graph, a, d) ||
        mcpz_graph_has_edge(graph, c, b)) {
        return;
    }
    replace(graph, a, b, d);
    replace(graph, b, a, c);
    replace(graph, c, d, b);
    replace(graph, d, c, a);
    *x = (struct mcpz_graph_link){{a, d}};
    *y = (struct mcpz_graph_link){{c, b}};
}

static void stir(struct mcpz_graph *graph, struct mcpz_rng *rng)
{
    const uint32_t count = (uint32_t)graph->link_count;

    for (size_t i = 0; i < SWAPS_PER_LINK * graph->link_count; i++) {
        uint32_t x = mcpz_rng_below(rng, count);
        uint32_t y = mcpz_rng_below(rng, count);
        swap_ends(graph, &graph->links[x], &graph->links[y], mcpz_rng_below(rng, 2) == 1);
    }
}

static void shuffle(struct mcpz_graph *graph, struct mcpz_rng *rng)
{
    for (size_t i = graph->link_count; i > 1; i--) {
        size_t other = mcpz_rng_below(rng, (uint32_t)i);
        struct mcpz_graph_link kept = graph->links[i - 1];
        graph->links[i - 1] = graph->links[other];
        graph->links[other] = kept;
    }
}

static uint32_t root_of(uint32_t *parents, uint32_t node)
{
    while (parents[node] != node) {
        parents[node] = parents[parents[node]];
        node = parents[node];
    }
    return node;
}

/* Move the links that join two parts to the front (Kruskal). True: they make one part of all. */
static bool tree_first(struct mcpz_graph *graph)
{
    uint32_t *parents = take(graph->count, sizeof(*parents));
    size_t joined = 0;

    for (uint32_t i = 0; i < graph->count; i++) {
        parents[i] = i;
    }
    for (size_t i = 0; i < graph->link_count; i++) {
        const struct mcpz_graph_link link = graph->links[i];
        uint32_t a = root_of(parents, link.ends[0]);
        uint32_t b = root_of(parents, link.ends[1]);
        if (a != b) {
            parents[a] = b;
            graph->links[i] = graph->links[joined];
            graph->links[joined++] = link;
        }
    }
    free(parents);
    return joined == graph->count - 1;
}

void mcpz_random_graph_init(struct mcpz_graph *graph, size_t node_count, struct mcpz_rng *rng)
{
    assert(node_count >= 8);
    assert(node_count % 2 == 0);
    mcpz_graph_init(graph, node_count);
    graph->link_count = node_count * MCPZ_RANDOM_GRAPH_DEGREE / 2;
    graph->links = take(graph->link_count, sizeof(*graph->links));
    lay_ring(graph);
    do { /* a random graph of degree 5 is hardly ever in two parts */
        stir(graph, rng);
        shuffle(graph, rng);
    } while (!tree_first(graph));
}
