/* Tables A5 and B in small. `mcpz-sim anchors` runs them in full. */

#include <math.h>

#include "anchor_rows.h"
#include "sim/anchors_swim.h"

static struct mcpz_anchors anchors;

static const struct mcpz_swim_sizes sizes = {
    .nodes = 32,
    .trials = 3,
    .minutes = 2,
    .blocked = 8,
    .load_most = 32,
    .zoned = 200,
};

static const struct mcpz_anchor *row_of(const char *metric)
{
    for (size_t i = 0; i < anchors.count; i++) {
        if (strcmp(anchors.rows[i].metric, metric) == 0) {
            return &anchors.rows[i];
        }
    }
    print_error("no row %s\n", metric);
    CHECK(false);
    return NULL;
}

TEST(who_is_gone_is_known_and_who_is_well_is_not_convicted)
{
    anchors.count = 0;
    mcpz_anchors_swim(&anchors, &sizes, 1);
    check_anchors(&anchors);
    /* What the instrument sees is there: nothing of it is before its cause. */
    const double suspected = row_of("vanished: first suspicion, s, mean")->ours;
    const double dead = row_of("vanished: first holds it for dead, s, median")->ours;
    const double known = row_of("vanished: all hold it for dead, s, median")->ours;
    CHECK(suspected > 0 && dead > suspected && known > dead);
    CHECK(row_of("load: messages sent a member and second, n = 8")->ours > 0);
}

TEST(a_crash_an_idle_mesh_and_a_storm_keep_their_bounds)
{
    anchors.count = 0;
    mcpz_anchors_beyond(&anchors, 128, 1, 1);
    check_anchors(&anchors);
    CHECK(row_of("crash: s from killing 1 % until every view is correct")->ours > 0);
    CHECK(row_of("idle: bytes a node and second, idle")->ours > 0);
    CHECK(row_of("pause: live nodes convicted")->ours == 0);
}

TEST_MAIN(RUN(who_is_gone_is_known_and_who_is_well_is_not_convicted),
          RUN(a_crash_an_idle_mesh_and_a_storm_keep_their_bounds))
