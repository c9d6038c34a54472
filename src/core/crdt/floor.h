/*
 * So far the deltas of a document are gone: what they came to is kept as its base.
 *
 *   base (a checkpoint)  -----  deltas above the floor  -----  state
 *
 * All who keep the document have signed that they had seen just this, and that it came to just
 * that (engine/collecting.h). So nothing below the floor is ever to come: what claims to lie there
 * and is not what was signed comes too late to be a branch, and counts as here. That begins when
 * all have signed (STABLE), before anything is dropped, so that it is the same at all of them.
 * What follows it is kept, and does not count: it shows that its author contradicts itself, and so
 * it is cut there (core/crdt/cuts.h). Else who holds that branch would be as far on as who does
 * not.
 *
 * Of each actor the last delta below is kept whole: what follows it is judged by it (crdt 1.4, V5
 * and V7). Whoever walks deltas begins behind it.
 *
 * Of who has contradicted itself in it nothing follows: all it did from its cut on counts as here,
 * whether it was in what all have signed or not, and goes with the rest.
 *
 * The one place that knows the floor; the rest asks it.
 *
 * Source: docs reference crdt 1.5, G1, G2.
 */

#ifndef CORE_CRDT_FLOOR_H
#define CORE_CRDT_FLOOR_H

#include <stdbool.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "core/crdt/clock.h"
#include "core/crdt/cuts.h"
#include "proto/checkpoint.h"
#include "proto/id.h"
#include "proto/record.h"
#include "proto/store.h"

struct mcpz_floor {
    bool exists;
    bool is_deleted;         /* it is known to be, there */
    uint64_t hlc;            /* greatest stamp below it */
    struct mcpz_clock clock; /* the last delta below it of each actor */
    struct mcpz_cuts cuts;   /* who has contradicted itself below it */
};

/* What is known of a document somewhere. Lists are borrowed. */
struct mcpz_seen {
    const struct mcpz_version *versions;
    size_t version_count;
    const struct mcpz_cut *cuts;
    size_t cut_count;
};

static inline struct mcpz_seen mcpz_seen_of(const struct mcpz_clock *clock,
                                            const struct mcpz_cuts *cuts)
{
    return (struct mcpz_seen){clock->versions, clock->count, cuts->cuts, cuts->count};
}

static inline struct mcpz_seen mcpz_seen_in(const struct mcpz_agreed *agreed)
{
    return (struct mcpz_seen){agreed->versions, agreed->version_count, agreed->cuts,
                              agreed->cut_count};
}

/**
 * Read the floor of `document`. One that is not there is below everything.
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_floor_load(const struct mcpz_store *store,
                                         const struct mcpz_id *document, struct mcpz_floor *floor);

/**
 * Read the last place at which all have signed that `document` is deleted, its floor or what is to
 * be that. What lies above is a life that it was given by who had seen the end of the one before.
 * `exists` false: there is none, or it is not known.
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_floor_load_tombstone(const struct mcpz_store *store,
                                                   const struct mcpz_id *document,
                                                   struct mcpz_floor *tombstone);

/**
 * Does what somebody has seen reach the floor, that is: are all deltas it lacks here? One that
 * ends at another delta of the same number than the floor does not, nor one that knows of other
 * branches below it: those do not count.
 */
bool mcpz_floor_is_reached(const struct mcpz_floor *floor, const struct mcpz_seen *seen);

/** Are both lists of what all have signed in their form? */
bool mcpz_floor_is_valid(const struct mcpz_agreed *agreed);

/**
 * Is the delta of `actor` with this seq below what all have signed, be it dropped or not? Of whom
 * is cut there all are.
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_floor_is_settled(const struct mcpz_store *store,
                                               const struct mcpz_id *document,
                                               const struct mcpz_actor *actor, uint64_t seq,
                                               bool *settled);

/**
 * If what all have signed of an actor ends where `version` does, set its head to that: what stands
 * at that place here, whatever else its author has followed.
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_floor_correct(const struct mcpz_store *store,
                                            const struct mcpz_id *document,
                                            struct mcpz_version *version);

/**
 * Does somebody who knows `cut` have what all have signed not to be there: that another branch
 * began below, or of whom is cut there more than all had?
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_floor_is_against(const struct mcpz_store *store,
                                               const struct mcpz_id *document,
                                               const struct mcpz_cut *cut, bool *against);

/** Does each of `count` versions lie at or below those of `clock`? */
bool mcpz_floor_is_within(const struct mcpz_version *versions, size_t count,
                          const struct mcpz_version *clock, size_t clock_count);

/** Is `cut` among `seen`, or is its actor closed there? */
bool mcpz_floor_has_cut(const struct mcpz_seen *seen, const struct mcpz_cut *cut);

/** Is `below` all there, and are no other branches there that begin within it? */
bool mcpz_floor_is_held(const struct mcpz_seen *below, const struct mcpz_seen *seen);

/**
 * What all have signed is to be the floor now, however long history is kept: somebody else holds
 * another branch within, and begins anew with the base. Nothing, if there is no such thing.
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_floor_hasten(const struct mcpz_store *store,
                                           const struct mcpz_id *document);

/* ---- Raising it --------------------------------------------------------------------------- */

/**
 * Take away some rows of deltas below the floor but for the last of each actor, with what showed
 * their signatures where nothing else does; `*done` when none is left, which is noted.
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_floor_sweep(const struct mcpz_store *store,
                                          const struct mcpz_id *document, size_t rows_max,
                                          bool *done);

/** Remove floor, base, and what is to be the floor. Errors: MCPZ_ECORRUPT, MCPZ_EIO */
MCPZ_MUST_USE mcpz_error mcpz_floor_forget(const struct mcpz_store *store,
                                           const struct mcpz_id *document);

#endif
