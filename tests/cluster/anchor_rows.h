/* Rows of the papers' tables, and whether they are within their bounds. */

#ifndef CLUSTER_ANCHOR_ROWS_H
#define CLUSTER_ANCHOR_ROWS_H

#include "sim/anchors.h"
#include "test.h"

static inline void check_anchors(const struct mcpz_anchors *anchors)
{
    CHECK(anchors->count > 0);
    for (size_t i = 0; i < anchors->count; i++) {
        const struct mcpz_anchor *row = &anchors->rows[i];
        if (!row->ok) {
            print_error("%s %s: %g, not %g to %g\n", row->table, row->metric, row->ours,
                        row->bound.low, row->bound.high);
        }
        CHECK(row->ok);
    }
}

#endif
