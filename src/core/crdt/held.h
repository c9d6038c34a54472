/*
 * What is not taken in, as it may have been forgotten: from a peer that is stale what we do not
 * have at all, but for what was begun since; and while one of us is stale, what belongs to another
 * document of that id than ours is.
 */

#ifndef CORE_CRDT_HELD_H
#define CORE_CRDT_HELD_H

#include <stdbool.h>
#include <stddef.h>

#include "core/crdt/document.h"
#include "core/crdt/horizon.h"
#include "proto/agent.h"
#include "proto/checkpoint.h"
#include "proto/id.h"

/** Is `delta`, of `document`, not to be taken from `from`? */
bool mcpz_held_delta(const struct mcpz_horizon *horizon, const struct mcpz_id *from,
                     const struct mcpz_document *document, const struct mcpz_delta *delta);

/** Is a base not to be? What is below it has no beginning to look at. */
bool mcpz_held_base(const struct mcpz_horizon *horizon, const struct mcpz_id *from,
                    const struct mcpz_document *document, const struct mcpz_checkpoint_head *head);

/**
 * Is what has come from `versions` not to be waited for, as it is not taken in unless it was begun
 * since? Only if who is stale is known to be.
 */
bool mcpz_held_for_now(const struct mcpz_horizon *horizon, const struct mcpz_id *from,
                       const struct mcpz_document *document, const struct mcpz_version *versions,
                       size_t count);

#endif
