/*
 * Did those whom a row of a bounded counter says it has taken from give as much? V8 of crdt 1.4.
 *
 * What a row says of its own rests on itself (core/crdt/escrow.h). What it says to have taken must
 * be in a row of the giver that its author had seen: in one of the deltas of the chain that its
 * context names, the latest MCPZ_GIFT_STEPS_MAX of them. What lies further back counts as given,
 * and so does what was folded. So, as long as nothing was, all nodes say the same of a delta.
 */

#ifndef CORE_CRDT_BUDGET_H
#define CORE_CRDT_BUDGET_H

#include <stdbool.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "core/crdt/document.h"
#include "proto/agent.h"
#include "proto/store.h"

#define MCPZ_GIFT_STEPS_MAX 1024

/** Is all that a delta takes from somebody whom it has seen? Depends on the delta alone. */
bool mcpz_budget_is_of_seen(const struct mcpz_delta *delta);

/**
 * Look at a valid delta whose past is here. `*covered`: nothing is taken that was not given.
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_budget_is_covered(const struct mcpz_store *store,
                                                const struct mcpz_document *document,
                                                const struct mcpz_delta *delta, bool *covered);

#endif
