#include <stdbool.h>

#include "base/attr.h"
#include "sim/random_graph.h"
#include "test.h"

#define NODES_MAX 200

static struct mcpz_graph graph;

static void draw(size_t node_count, uint64_t seed)
{
    struct mcpz_rng rng;

    mcpz_rng_init(&rng, seed);
    mcpz_random_graph_init(&graph, node_count, &rng);
    CHECK_UINT(graph.link_count, node_count * MCPZ_RANDOM_GRAPH_DEGREE / 2);
}

TEST(every_node_has_five_neighbours_and_none_twice)
{
    static bool linked[NODES_MAX][NODES_MAX];
    static const size_t sizes[] = {8, 10, NODES_MAX};

    for (size_t k = 0; k < MCPZ_ARRAY_LEN(sizes); k++) {
        size_t degrees[NODES_MAX] = {0};
        memset(linked, 0, sizeof(linked));
        draw(sizes[k], k);
        for (size_t i = 0; i < graph.link_count; i++) {
            const uint32_t *ends = graph.links[i].ends;
            CHECK(ends[0] < sizes[k]);
            CHECK(ends[1] < sizes[k]);
            CHECK(ends[0] != ends[1]);
            CHECK(!linked[ends[0]][ends[1]]);
            CHECK(mcpz_graph_has_edge(&graph, ends[0], ends[1]));
            CHECK(mcpz_graph_has_edge(&graph, ends[1], ends[0]));
            linked[ends[0]][ends[1]] = true;
            linked[ends[1]][ends[0]] = true;
            degrees[ends[0]]++;
            degrees[ends[1]]++;
        }
        for (size_t i = 0; i < sizes[k]; i++) {
            CHECK_UINT(degrees[i], MCPZ_RANDOM_GRAPH_DEGREE);
            CHECK_UINT(graph.degrees[i], MCPZ_RANDOM_GRAPH_DEGREE);
        }
        CHECK_UINT(mcpz_graph_one_way(&graph), 0);
        CHECK_UINT(mcpz_graph_flood(&graph, 0).reached, sizes[k]);
        mcpz_graph_finish(&graph);
    }
}

TEST(the_first_links_are_a_tree_of_all_nodes)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        uint32_t part[NODES_MAX];
        draw(NODES_MAX, seed);
        for (uint32_t i = 0; i < NODES_MAX; i++) {
            part[i] = i;
        }
        for (size_t i = 0; i < NODES_MAX - 1; i++) {
            uint32_t kept = part[graph.links[i].ends[0]];
            uint32_t gone = part[graph.links[i].ends[1]];
            CHECK(kept != gone); /* each joins two parts */
            for (size_t node = 0; node < NODES_MAX; node++) {
                part[node] = part[node] == gone ? kept : part[node];
            }
        }
        mcpz_graph_finish(&graph);
    }
}

TEST_MAIN(RUN(every_node_has_five_neighbours_and_none_twice),
          RUN(the_first_links_are_a_tree_of_all_nodes))
