#include "sim/random_graph.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#define SWAPS_PER_LINK 10

/* Neighbours of each node, to see quickly whether two are linked. */
struct table {
    uint32_t (*of)[MCPZ_RANDOM_GRAPH_DEGREE];
};

static void *take(size_t count, size_t size)
{
    void *memory = calloc(count, size);
    if (memory == NULL) {
        abort();
    }
    return memory;
}

static bool are_linked(const struct table *table, uint32_t a, uint32_t b)
{
    for (size_t i = 0; i < MCPZ_RANDOM_GRAPH_DEGREE; i++) {
        if (table->of[a][i] == b) {
            return true;
        }
    }
    return false;
}

static void replace(const struct table *table, uint32_t node, uint32_t old, uint32_t new)
{
    size_t i = 0;
    while (table->of[node][i] != old) {
        i++;
        assert(i < MCPZ_RANDOM_GRAPH_DEGREE);
    }
    table->of[node][i] = new;
}

/* Each node to the two next on the ring, and to the one across. */
static void lay_ring(struct mcpz_random_graph *graph, const struct table *table)
{
    const uint32_t n = (uint32_t)graph->node_count;
    size_t at = 0;

    for (uint32_t i = 0; i < n; i++) {
        graph->links[at++] = (struct mcpz_random_graph_link){{i, (i + 1) % n}};
        graph->links[at++] = (struct mcpz_random_graph_link){{i, (i + 2) % n}};
        if (i < n / 2) {
            graph->links[at++] = (struct mcpz_random_graph_link){{i, i + n / 2}};
        }
        const uint32_t row[] = {(i + 1) % n, (i + 2) % n, (i + n - 1) % n, (i + n - 2) % n,
                                (i + n / 2) % n};
        for (size_t k = 0; k < MCPZ_RANDOM_GRAPH_DEGREE; k++) {
            table->of[i][k] = row[k];
        }
    }
    assert(at == graph->link_count);
}

/* a-b and c-d become a-d and c-b, unless that would link a node twice or to itself. */
static void swap_ends(struct mcpz_random_graph_link *x, struct mcpz_random_graph_link *y,
                      const struct table *table, bool turned)
{
    const uint32_t a = x->ends[0];
    const uint32_t b = x->ends[1];
    const uint32_t c = y->ends[turned];
    const uint32_t d = y->ends[!turned];

    if (a == c || a == d || b == c || b == d || are_linked(table, a, d) ||
        are_linked(table, c, b)) {
        return;
    }
    replace(table, a, b, d);
    replace(table, b, a, c);
    replace(table, c, d, b);
    replace(table, d, c, a);
    *x = (struct mcpz_random_graph_link){{a, d}};
    *y = (struct mcpz_random_graph_link){{c, b}};
}

static void stir(struct mcpz_random_graph *graph, const struct table *table, struct mcpz_rng *rng)
{
    const uint32_t count = (uint32_t)graph->link_count;

    for (size_t i = 0; i < SWAPS_PER_LINK * graph->link_count; i++) {
        uint32_t x = mcpz_rng_below(rng, count);
        uint32_t y = mcpz_rng_below(rng, count);
        swap_ends(&graph->links[x], &graph->links[y], table, mcpz_rng_below(rng, 2) == 1);
    }
}

static void shuffle(struct mcpz_random_graph *graph, struct mcpz_rng *rng)
{
    for (size_t i = graph->link_count; i > 1; i--) {
        size_t other = mcpz_rng_below(rng, (uint32_t)i);
        struct mcpz_random_graph_link kept = graph->links[i - 1];
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
static bool tree_first(struct mcpz_random_graph *graph)
{
    uint32_t *parents = take(graph->node_count, sizeof(*parents));
    size_t joined = 0;

    for (uint32_t i = 0; i < graph->node_count; i++) {
        parents[i] = i;
    }
    for (size_t i = 0; i < graph->link_count; i++) {
        const struct mcpz_random_graph_link link = graph->links[i];
        uint32_t a = root_of(parents, link.ends[0]);
        uint32_t b = root_of(parents, link.ends[1]);
        if (a != b) {
            parents[a] = b;
            graph->links[i] = graph->links[joined];
            graph->links[joined++] = link;
        }
    }
    free(parents);
    return joined == graph->node_count - 1;
}

void mcpz_random_graph_init(struct mcpz_random_graph *graph, size_t node_count,
                            struct mcpz_rng *rng)
{
    struct table table = {.of = take(node_count, sizeof(*table.of))};

    assert(node_count >= 8);
    assert(node_count % 2 == 0);
    *graph = (struct mcpz_random_graph){
        .node_count = node_count,
        .link_count = node_count * MCPZ_RANDOM_GRAPH_DEGREE / 2,
    };
    graph->links = take(graph->link_count, sizeof(*graph->links));
    lay_ring(graph, &table);
    do { /* a random graph of degree 5 is hardly ever in two parts */
        stir(graph, &table, rng);
        shuffle(graph, rng);
    } while (!tree_first(graph));
    free(table.of);
}

void mcpz_random_graph_finish(struct mcpz_random_graph *graph)
{
    free(graph->links);
}
