/*
 * Which of the registers at one path is shown.
 *
 *   REGISTER  the greatest stamp, then the greatest dot: all nodes show the same
 *   FENCED    the greatest (epoch, rank), then as above: whoever was overtaken, and writes on the
 *             other side of a split, does not win by a later clock
 *
 * A fenced value is [epoch, rank, value].
 *
 * Source: docs reference crdt 1.3 (views).
 */

#ifndef CORE_CRDT_SHOWN_H
#define CORE_CRDT_SHOWN_H

#include <stdbool.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "core/crdt/parts.h"
#include "proto/agent.h"
#include "proto/store.h"

#define MCPZ_FENCE_RANK_MAX 255

/* The best so far. */
struct mcpz_shown {
    bool is_there;
    int64_t epoch; /* REGISTER: 0 */
    int64_t rank;
    uint64_t hlc;
    struct mcpz_dot dot;
    struct mcpz_bytes value; /* what the register holds, without its fence */
};

int mcpz_shown_compare_dots(const struct mcpz_dot *a, const struct mcpz_dot *b);

/** Take a fenced value apart. False: it is none. */
MCPZ_MUST_USE bool mcpz_shown_read_fence(struct mcpz_bytes bytes, int64_t *epoch, int64_t *rank,
                                         struct mcpz_bytes *value);

/** Put one together; `is_full` of the result: `value` is too long to be fenced. */
struct mcpz_parts mcpz_shown_fence(int64_t epoch, int64_t rank, struct mcpz_bytes value);

/** Look at one more entry, of type REGISTER or FENCED. A fenced one that is none is passed by. */
void mcpz_shown_consider(struct mcpz_shown *best, uint32_t type, uint64_t hlc,
                         const struct mcpz_dot *dot, struct mcpz_bytes value);

/**
 * What is shown of `type` at `path`. Its value is borrowed until the turn ends.
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_shown_find(const struct mcpz_store *store,
                                         const struct mcpz_id *document, struct mcpz_bytes path,
                                         uint32_t type, struct mcpz_shown *best);

#endif
