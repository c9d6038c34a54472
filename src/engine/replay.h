/*
 * What a document was: made anew in memory of its own, of its base and deltas above the floor.
 *
 *   begin (the base) -> apply, apply ... -> look at its store
 */

#ifndef ENGINE_REPLAY_H
#define ENGINE_REPLAY_H

#include <mcpz/error.h>

#include "base/attr.h"
#include "core/crdt/floor.h"
#include "proto/agent.h"
#include "proto/id.h"
#include "proto/store.h"

struct mcpz_replay;

/**
 * Begin with the base of `document` in `source`, or with nothing if it has none. `*floor` is the
 * floor that it is. Within a turn of `source`. Release with mcpz_replay_destroy().
 *
 * Errors: MCPZ_ENOMEM, MCPZ_ECORRUPT, MCPZ_EIO; `*replay` is then NULL
 */
MCPZ_MUST_USE mcpz_error mcpz_replay_create(const struct mcpz_store *source,
                                            const struct mcpz_id *document,
                                            struct mcpz_floor *floor, struct mcpz_replay **replay);

/** NULL is fine. */
void mcpz_replay_destroy(struct mcpz_replay *replay);

/** Apply a delta, whose past is in. Errors: MCPZ_EFULL, MCPZ_ECORRUPT, MCPZ_EIO */
MCPZ_MUST_USE mcpz_error mcpz_replay_apply(struct mcpz_replay *replay,
                                           const struct mcpz_delta *delta);

/** What was read of it is given up: to be called now and then. */
void mcpz_replay_rest(struct mcpz_replay *replay);

/** Where it lies. */
const struct mcpz_store *mcpz_replay_store(const struct mcpz_replay *replay);

#endif
