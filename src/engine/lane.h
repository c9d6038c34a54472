/*
 * Encoded messages that wait for their link, in the order in which they came: one behind the
 * other in blocks, so that many small ones cost no allocation each. An empty lane holds none.
 */

#ifndef ENGINE_LANE_H
#define ENGINE_LANE_H

#include <stdbool.h>
#include <stddef.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"

#define MCPZ_LANE_BLOCK_BYTES 4096 /* with all; one for a larger message is as large as that */

struct mcpz_lane_block;

/* All zeros: empty. */
struct mcpz_lane {
    struct mcpz_lane_block *first;
    struct mcpz_lane_block *last;
    size_t bytes; /* of the messages */
};

/** Append a copy. Errors: MCPZ_EFULL  over `bytes_max`; MCPZ_ENOMEM. */
MCPZ_MUST_USE mcpz_error mcpz_lane_push(struct mcpz_lane *lane, struct mcpz_bytes message,
                                        size_t bytes_max);

/** The first one, borrowed until it is dropped, also where more are pushed. False: none is. */
bool mcpz_lane_first(const struct mcpz_lane *lane, struct mcpz_bytes *message);

/** Take the first off. There is one (asserted). */
void mcpz_lane_drop(struct mcpz_lane *lane);

static inline bool mcpz_lane_is_empty(const struct mcpz_lane *lane)
{
    return lane->first == NULL;
}

void mcpz_lane_clear(struct mcpz_lane *lane);

#endif
