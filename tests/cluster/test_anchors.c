/* The paper's experiments in small: N = 1,000. `mcpz-anchors` runs them in full. */

#include "sim/anchors.h"
#include "sim/anchors_overlay.h"
#include "test.h"

#define NODES 1000
#define SEEDS 3

static void check_all(const struct mcpz_anchors *anchors)
{
    for (size_t i = 0; i < anchors->count; i++) {
        const struct mcpz_anchor *row = &anchors->rows[i];
        if (!mcpz_anchor_is_ok(row)) {
            print_error("%s %s: %g, not %g to %g\n", row->table, row->metric, row->ours, row->low,
                        row->high);
        }
        CHECK(mcpz_anchor_is_ok(row));
        CHECK_UINT(row->runs, SEEDS);
    }
}

TEST(the_overlay_has_the_shape_the_paper_shows)
{
    struct mcpz_anchors anchors = {.count = 0};
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        mcpz_anchors_a1(&anchors, NODES, seed);
    }
    CHECK(anchors.count > 0);
    check_all(&anchors);
}

TEST(the_overlay_stands_the_crashes_the_paper_shows)
{
    struct mcpz_anchors anchors = {.count = 0};
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        mcpz_anchors_a2(&anchors, NODES, seed);
    }
    CHECK(anchors.count > 0);
    check_all(&anchors);
}

TEST(a_row_holds_the_mean_or_the_worst_of_its_runs)
{
    struct mcpz_anchors anchors = {.count = 0};
    struct mcpz_anchor row = {.table = "T", .metric = "m", .low = 1, .high = 2};

    for (enum mcpz_anchor_over over = MCPZ_ANCHOR_MEAN; over <= MCPZ_ANCHOR_MOST; over++) {
        row.metric[0] = (char)('a' + over);
        row.over = over;
        row.ours = 1;
        mcpz_anchors_note(&anchors, &row);
        row.ours = 4;
        mcpz_anchors_note(&anchors, &row);
    }
    CHECK_UINT(anchors.count, 3);
    CHECK(!mcpz_anchor_is_ok(&anchors.rows[0])); /* 2.5 */
    CHECK(mcpz_anchor_is_ok(&anchors.rows[1]));  /* 1 */
    CHECK(!mcpz_anchor_is_ok(&anchors.rows[2])); /* 4 */
}

TEST_MAIN(RUN(the_overlay_has_the_shape_the_paper_shows),
          RUN(the_overlay_stands_the_crashes_the_paper_shows),
          RUN(a_row_holds_the_mean_or_the_worst_of_its_runs))
