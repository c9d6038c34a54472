/*
 * Agents: documents that their owners hold (without a layout every member: core/keeping.h),
 * written anywhere, merged everywhere.
 *
 * A write becomes a delta: committed here, then sent to all neighbours (never before it is
 * durable: crdt 1.6). A delta that comes in is applied once its causal past is here, kept, and
 * passed on once; one that comes too early is dropped and asked for again. What is missed all the
 * same is found by comparing (core/crdt/entropy.h). The store holds all; this machine keeps only
 * what is under way.
 *
 *   WANT {document, version vector}         ->  for each document that differs
 *   <-  DELTA ...                               in causal order
 *   <-  OFFER of that one document              if there are more
 *
 * Two deltas of one place of an actor are kept, passed on and caught up with like any others; what
 * they come to is core/crdt/cuts.h's, how nodes find who has which core/crdt/branches.h's. What
 * comes too early is not parked: what answers the question is in causal order, so waiting for it
 * holds no memory at all, and one copy more on the wire costs less than a bound that somebody
 * fills.
 *
 * Deltas are kept above a floor (core/crdt/floor.h); who lacks what is below it is told so, and
 * takes in a checkpoint. Whether their authors have signed them the engine has seen to
 * (engine/batch.h), and who has signed a checkpoint, too.
 */

#ifndef CORE_AGENTS_H
#define CORE_AGENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/rng.h"
#include "base/time.h"
#include "core/crdt/catchup.h"
#include "core/crdt/entropy.h"
#include "core/crdt/forgotten.h"
#include "core/crdt/horizon.h"
#include "core/crdt/loaded.h"
#include "core/crdt/past.h"
#include "core/crdt/recheck.h"
#include "core/crdt/wanted.h"
#include "core/event.h"
#include "core/outbox.h"
#include "core/overlay.h"
#include "core/timing.h"
#include "proto/agent.h"
#include "proto/limits.h"
#include "proto/store.h"

/* Lives of ours that others claim: so many a run, and so far ahead of what we remember. */
#define MCPZ_CLAIMS_BELIEVED_MAX 8
#define MCPZ_CLAIMS_AHEAD_MAX 64

struct mcpz_agents {
    const struct mcpz_store *store; /* what documents are written through: entropy.holdings */
    const struct mcpz_node_timing *timing;
    /*
     * Who we write as. Its generation moves on within a step when others know of writes of ours
     * that we have lost, and when we forget a document that we have written to: whoever runs us
     * keeps it in the store (SELF) with the same batch.
     */
    struct mcpz_actor actor;
    struct mcpz_actor writer; /* of the last write: who we write as, or an earlier life of it */
    bool rolled_back;         /* that has happened */
    uint32_t claims_believed; /* of them, for others' mere words */
    struct mcpz_rng rng;
    uint64_t hlc;            /* greatest stamp given out or taken in */
    uint32_t document_count; /* not deleted; counted from the store at start */
    struct mcpz_entropy entropy;
    struct mcpz_wanted wanted;
    struct mcpz_past_recent recent;
    struct mcpz_loaded loaded;
    struct mcpz_horizon horizon;
    struct mcpz_recheck recheck;
    struct mcpz_forgotten forgotten;

    uint64_t deltas_written;
    uint64_t lives_closed; /* how often */
    uint64_t deltas_merged;
    uint64_t deltas_duplicate;
    uint64_t deltas_tainted; /* of those merged: of a branch of an actor that contradicts itself */
    uint64_t forks_found;    /* an actor was found to contradict itself, or earlier than known */
    uint64_t deltas_early;   /* causal past not here: asked for again */
    uint64_t deltas_ahead;   /* stamped too far in the future: not taken yet */
    uint64_t deltas_held;    /* of documents that may have been forgotten: core/crdt/horizon.h */
    uint64_t deltas_refused; /* not valid, or over a limit */
    uint64_t checkpoints_installed;
    uint64_t checkpoints_refused; /* no room, or somebody's delta is another there than here */
    uint64_t messages_refused;    /* of others that are not valid */
    uint64_t store_failures;      /* the store could not be read: what was under way is dropped */
};

/** How much mcpz_agents_init() takes from its arena. */
size_t mcpz_agents_bytes(void);

struct mcpz_agents_config {
    const struct mcpz_store *store;        /* borrowed */
    const struct mcpz_node_timing *timing; /* borrowed */
    const struct mcpz_actor *actor;        /* who we write as */
    uint64_t grace_ms;                     /* who is away is waited for so long; 0: the default */
    uint64_t seed;
};

/** Start from what the store holds. `arena` has room (asserted), and its memory is zeroed. */
void mcpz_agents_init(struct mcpz_agents *agents, const struct mcpz_agents_config *config,
                      mcpz_time now, struct mcpz_arena *arena);

/** Forget a document, which others keep. Not within a step of ours. */
void mcpz_agents_forget(struct mcpz_agents *agents, const struct mcpz_id *id);

/**
 * Something is forgotten in this turn: the horizon is `horizon_ms`, if it was lower, and others
 * are told. Not within a step of ours. False: that would make us stale, and nothing is to be
 * forgotten; nothing is changed.
 */
MCPZ_MUST_USE bool mcpz_agents_raise(struct mcpz_agents *agents, uint64_t horizon_ms);

/**
 * What was forgotten in this turn is here again, with all that we have written to it: we are
 * `generation` as before. Not within a step.
 */
void mcpz_agents_go_on(struct mcpz_agents *agents, uint32_t generation);

/**
 * Forget a document that was deleted, as all who keep it do (engine/forgetting.h). If we have
 * written to it as who we are, we go on as another life: one that is made anew under its name
 * begins again with the first delta of each. Nothing is lost, so it is a kin of the one before.
 * Whoever calls keeps SELF in the same batch. Not within a step of ours.
 */
void mcpz_agents_forget_deleted(struct mcpz_agents *agents, const struct mcpz_id *id,
                                mcpz_time now);

/** Compare with `peer`, which did not get all that was for it. Not within a step. */
void mcpz_agents_compare(struct mcpz_agents *agents, const struct mcpz_id *peer, mcpz_time now);

/** Count again: a batch was lost, the store is as it was before. Not within a step. */
void mcpz_agents_recount(struct mcpz_agents *agents, mcpz_time now);

/**
 * Take in one event. Handles AGENT_*, RECV of DELTA, WANT, BRANCHES, FETCH and what
 * core/crdt/entropy.h takes, the facts LINKED, UNLINKED, RELAYED and UNRELAYED, TICK. `overlay` is
 * looked at only.
 *
 * An AGENT_IMPORT is answered with OK also if the delta was here; with CONFLICT if its causal
 * past is not, or if it is stamped too far in the future.
 */
void mcpz_agents_step(struct mcpz_agents *agents, const struct mcpz_overlay *overlay,
                      mcpz_time now, const struct mcpz_event *event, struct mcpz_outbox *out);

mcpz_time mcpz_agents_deadline(const struct mcpz_agents *agents);

#endif
