/*
 * Documents that were deleted and are forgotten since a moment: who has not done so yet still
 * tells of them, and we do not ask for what we have just let go of. Only of just that state: who
 * has written there since has another one.
 *
 * Who makes it anew meanwhile begins behind its last life: the tombstone that somebody still has,
 * and comes back with, is of an earlier epoch then.
 *
 * After MCPZ_FORGOTTEN_US somebody keeps it for good, and we take it in again like any other
 * document that we lack. No place is given away before: who has none left forgets nothing more
 * until then (engine/forgetting.h).
 */

#ifndef CORE_CRDT_FORGOTTEN_H
#define CORE_CRDT_FORGOTTEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "proto/id.h"

#define MCPZ_FORGOTTEN_MAX 512
#define MCPZ_FORGOTTEN_US MCPZ_SECONDS(60)

struct mcpz_forgotten_row {
    struct mcpz_id document;
    uint64_t digest; /* of the state it was forgotten in */
    int64_t epoch;   /* of its last life */
    mcpz_time until_us;
};

/* Zeros: empty. */
struct mcpz_forgotten {
    struct mcpz_forgotten_row rows[MCPZ_FORGOTTEN_MAX]; /* a ring */
    size_t next;
    mcpz_time until_us; /* of the last one */
};

/** Remember a document that was forgotten in the state that `digest` names, and its `epoch`. */
void mcpz_forgotten_add(struct mcpz_forgotten *forgotten, const struct mcpz_id *document,
                        uint64_t digest, int64_t epoch, mcpz_time now);

/** Was it forgotten lately, in just that state? */
bool mcpz_forgotten_has(const struct mcpz_forgotten *forgotten, const struct mcpz_id *document,
                        uint64_t digest, mcpz_time now);

/** The last epoch of a document that was forgotten lately; 0: it was not. */
int64_t mcpz_forgotten_epoch(const struct mcpz_forgotten *forgotten,
                             const struct mcpz_id *document, mcpz_time now);

/** How many more can be remembered without giving a place away. */
size_t mcpz_forgotten_room(const struct mcpz_forgotten *forgotten, mcpz_time now);

#endif
