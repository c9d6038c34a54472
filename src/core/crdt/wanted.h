/*
 * Which documents we have asked for lately, so as not to ask for everything all the time.
 *
 *   ask ---> [waiting] --- patience over, or all of it is here ---> forgotten
 *               |  ^
 *     a delta   |  |  asked again, because the other side says there is more
 *               v  |
 *            [moving]
 *
 * A full table means that MCPZ_WANTS_MAX documents are being caught up: others wait their turn.
 */

#ifndef CORE_CRDT_WANTED_H
#define CORE_CRDT_WANTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "proto/id.h"

#define MCPZ_WANTS_MAX 256 /* documents being caught up at once */
#define MCPZ_WANT_PATIENCE_US MCPZ_SECONDS(1)

struct mcpz_want {
    struct mcpz_id document;
    mcpz_time until_us;
    uint64_t digest; /* of the vector we were told of; 0: not told */
    bool moving;     /* a delta of it has come since we asked */
};

struct mcpz_wanted {
    struct mcpz_want wants[MCPZ_WANTS_MAX];
    size_t count;
};

/** Why we would ask. */
enum mcpz_want_reason {
    MCPZ_WANT_MORE = 1, /* the other side has named the digest it is at */
    MCPZ_WANT_GAP,      /* what it sent cannot be applied, or shows that it has more */
};

/**
 * May we ask for `document` now? True remembers that we did.
 *
 * While an answer is waited for: no. While it is coming in, only MCPZ_WANT_MORE: the other side
 * says so behind its last delta.
 */
bool mcpz_wanted_ask(struct mcpz_wanted *wanted, mcpz_time now, const struct mcpz_id *document,
                     enum mcpz_want_reason reason, uint64_t digest);

/** A delta of `document` was applied, which brings its vector to `digest`. */
void mcpz_wanted_moved(struct mcpz_wanted *wanted, const struct mcpz_id *document,
                       uint64_t digest);

#endif
