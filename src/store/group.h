/*
 * The writes of several batches as one transaction makes them: in the order of their keys, and of
 * each key only the last.
 *
 * LMDB goes down its tree once for writes that lie together, and a page is changed once; what a
 * later batch writes over need not be written at all.
 */

#ifndef STORE_GROUP_H
#define STORE_GROUP_H

#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "store/batch.h"

/* A write, and what most comparisons need of it. */
struct mcpz_group_row {
    uint64_t front;
    const struct mcpz_write *write;
};

struct mcpz_group {
    struct mcpz_group_row *rows;
    size_t count;
};

/**
 * Sort the writes of `batches`, which stay theirs. Release with mcpz_group_finish().
 *
 * Errors: MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_group_init(struct mcpz_group *group,
                                         const struct mcpz_batches *batches);
void mcpz_group_finish(struct mcpz_group *group);

#endif
