/*
 * A place that all have signed, made anew: base and deltas up to it, and what came of them.
 *
 *   create -> next, next ... -> look at its store
 *
 * First those that count, in the order of their causes. Behind them, of each who is cut there, all
 * that it did from its cut on, as it lies: of that only removes count, in any order, and there is
 * no bound on how many branches it has.
 */

#ifndef ENGINE_REMAKE_H
#define ENGINE_REMAKE_H

#include <stdbool.h>
#include <stddef.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "core/crdt/branches.h"
#include "core/crdt/cuts.h"
#include "engine/replay.h"
#include "proto/checkpoint.h"
#include "proto/id.h"
#include "proto/store.h"

struct mcpz_remake {
    struct mcpz_replay *replay;
    struct mcpz_branches walk;
    struct mcpz_cuts cuts;  /* as it was signed */
    struct mcpz_cuts rest;  /* of them: those that are not in the base */
    bool is_rest;           /* we are at those */
    size_t rest_at;         /* whose deltas are next */
    struct mcpz_tip behind; /* of that one, done */
};

/**
 * Begin with `agreed` of `document`, as `source` has it. Within a turn of `source`. Release with
 * mcpz_remake_finish(), also after an error.
 *
 * Errors: MCPZ_ENOMEM, MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_remake_init(struct mcpz_remake *remake,
                                          const struct mcpz_store *source,
                                          const struct mcpz_id *document,
                                          const struct mcpz_agreed *agreed);

void mcpz_remake_finish(struct mcpz_remake *remake);

/**
 * Do the next delta. Errors: MCPZ_ENOTFOUND  that was the last, all is there; MCPZ_EFULL,
 * MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_remake_next(struct mcpz_remake *remake,
                                          const struct mcpz_store *source);

#endif
