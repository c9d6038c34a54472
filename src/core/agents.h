/*
 * Agents: documents that every member holds, written anywhere, merged everywhere.
 *
 * A write becomes a delta: committed here, then sent to all neighbours (never before it is
 * durable: crdt 1.6). A delta that comes in is applied once its causal past is here, kept, and
 * passed on once; one that comes too early is dropped and asked for again. Neighbours compare
 * digests of version vectors when they meet and every anti_entropy_us, and ask for what they
 * lack. The store holds all; this machine keeps only what is under way.
 *
 *   neighbour linked, or anti-entropy due:  DIGESTS, page by page  ->
 *   <-  WANT {document, version vector}     for each that differs
 *   DELTA ...  in causal order              ->
 *
 * Every delta is kept. Not here yet: signatures, placement, checkpoints that fold old deltas.
 */

#ifndef CORE_AGENTS_H
#define CORE_AGENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "base/time.h"
#include "core/event.h"
#include "core/members.h"
#include "core/outbox.h"
#include "core/timing.h"
#include "proto/agent.h"
#include "proto/limits.h"
#include "proto/store.h"

#define MCPZ_WANTS_MAX 256          /* documents being caught up at once */
#define MCPZ_DELTAS_PER_WANT_MAX 64 /* sent for one WANT; the receiver asks again for more */

struct mcpz_agents {
    const struct mcpz_store *store;
    const struct mcpz_node_timing *timing;
    struct mcpz_actor actor;
    struct mcpz_rng rng;
    uint64_t hlc; /* greatest stamp given out or taken in */
    mcpz_time compare_at_us;
    uint32_t document_count; /* not deleted; counted from the store at start */

    uint64_t deltas_written;
    uint64_t deltas_merged;
    uint64_t deltas_duplicate;
    uint64_t deltas_early;   /* causal past not here: asked for again */
    uint64_t deltas_ahead;   /* stamped too far in the future: not taken yet */
    uint64_t deltas_refused; /* not valid */
};

/** Start from what `store` holds. */
void mcpz_agents_init(struct mcpz_agents *agents, const struct mcpz_store *store,
                      const struct mcpz_node_timing *timing, const struct mcpz_actor *actor,
                      uint64_t seed, mcpz_time now);

/**
 * Take in one event. Handles AGENT_*, RECV of DELTA, DIGESTS and WANT, LINKED facts, TICK.
 * `members` is looked at only.
 */
void mcpz_agents_step(struct mcpz_agents *agents, const struct mcpz_members *members,
                      mcpz_time now, const struct mcpz_event *event, struct mcpz_outbox *out);

/** Count the documents again: the store has lost writes it was given. */
void mcpz_agents_recount(struct mcpz_agents *agents);

mcpz_time mcpz_agents_deadline(const struct mcpz_agents *agents);

#endif
