#include "sim/anchors_plumtree.h"
#include "test.h"

TEST(plumtree_keeps_to_its_papers_numbers)
{
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct mcpz_anchors_plumtree_config config = {1000, 250, seed};
        struct mcpz_plumtree_anchor rows[MCPZ_ANCHORS_PLUMTREE_ROWS];
        size_t count = mcpz_anchors_plumtree(&config, rows, MCPZ_ANCHORS_PLUMTREE_ROWS);
        CHECK_UINT(count, MCPZ_ANCHORS_PLUMTREE_ROWS);
        for (size_t i = 0; i < count; i++) {
            if (!rows[i].ok) {
                print_error("seed %" PRIu64 ": %s is %f, not in [%f, %f]\n", seed, rows[i].metric,
                            rows[i].ours, rows[i].low, rows[i].high);
            }
            CHECK(rows[i].ok);
        }
    }
}

TEST(the_same_seed_gives_the_same_table)
{
    struct mcpz_anchors_plumtree_config config = {200, 120, 7};
    struct mcpz_plumtree_anchor first[MCPZ_ANCHORS_PLUMTREE_ROWS];
    struct mcpz_plumtree_anchor second[MCPZ_ANCHORS_PLUMTREE_ROWS];

    (void)mcpz_anchors_plumtree(&config, first, MCPZ_ANCHORS_PLUMTREE_ROWS);
    (void)mcpz_anchors_plumtree(&config, second, MCPZ_ANCHORS_PLUMTREE_ROWS);
    for (size_t i = 0; i < MCPZ_ANCHORS_PLUMTREE_ROWS; i++) {
        CHECK_TEXT(first[i].metric, second[i].metric);
        CHECK(first[i].ours == second[i].ours);
    }
}

TEST_MAIN(RUN(plumtree_keeps_to_its_papers_numbers), RUN(the_same_seed_gives_the_same_table))
