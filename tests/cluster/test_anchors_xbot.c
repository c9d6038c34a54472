/* Table X in small: `mcpz-sim anchors --table X` runs it in full. */

#include "anchor_rows.h"
#include "sim/anchors_xbot.h"

TEST(exchanges_bring_neighbours_nearer_and_keep_the_graph_whole)
{
    static struct mcpz_anchors anchors;

    mcpz_anchors_xbot(&anchors, 128, 32, 6, 1);
    check_anchors(&anchors);
}

TEST_MAIN(RUN(exchanges_bring_neighbours_nearer_and_keep_the_graph_whole))
