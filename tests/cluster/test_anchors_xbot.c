/* Table X in small: `mcpz-sim anchors --table X` runs it in full. */

#include "sim/anchors_xbot.h"
#include "test.h"

TEST(exchanges_bring_neighbours_nearer_and_keep_the_graph_whole)
{
    static struct mcpz_anchors anchors;

    mcpz_anchors_xbot(&anchors, 128, 32, 6, 1);
    CHECK(anchors.count > 0);
    for (size_t i = 0; i < anchors.count; i++) {
        const struct mcpz_anchor *row = &anchors.rows[i];
        if (!row->ok) {
            print_error("%s: %g, not %g to %g\n", row->metric, row->ours, row->bound.low,
                        row->bound.high);
        }
        CHECK(row->ok);
    }
}

TEST_MAIN(RUN(exchanges_bring_neighbours_nearer_and_keep_the_graph_whole))
