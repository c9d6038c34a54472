/*
 * What a change of layouts comes to: how many partitions each node has before and after, and how
 * many go from where to where. Worked out a part at a time.
 */

#ifndef HTTP_LAYOUT_MOVES_H
#define HTTP_LAYOUT_MOVES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "core/placement/rendezvous.h"
#include "proto/placement.h"

#define MCPZ_LAYOUT_MOVES_SLICE 4096 /* nodes looked at in one turn: 2 ms; or one partition */

/* One of the two layouts. */
struct mcpz_layout_side {
    struct mcpz_placement placement; /* lists in memory of our own */
    struct mcpz_rendezvous rendezvous;
    void *memory;
    uint32_t *counts; /* partitions, by node */
};

struct mcpz_layout_moves {
    struct mcpz_layout_side before; /* without nodes: there was none */
    struct mcpz_layout_side after;
    uint32_t *pairs; /* (before.node_count + 1) rows of after.node_count; the last row: from
                        nobody, a copy more */
    uint32_t next;   /* partition */
    uint64_t moved;
};

/**
 * Begin. `before` may be NULL; both are copied, and are of the same partitions (asserted).
 *
 * Errors: MCPZ_ENOMEM. Release with mcpz_layout_moves_finish(), also then.
 */
MCPZ_MUST_USE mcpz_error mcpz_layout_moves_init(struct mcpz_layout_moves *moves,
                                                const struct mcpz_placement *before,
                                                const struct mcpz_placement *after);
void mcpz_layout_moves_finish(struct mcpz_layout_moves *moves);

/** Go on for a slice. Is it done? */
bool mcpz_layout_moves_work(struct mcpz_layout_moves *moves);

#endif
