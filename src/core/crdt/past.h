/*
 * What a delta builds on: is it here, and does the delta fit it?
 *
 * Looked at are deltas that the delta names by hash, and nothing else: neither what else is here,
 * nor clocks. So all nodes say the same of a delta once its past is here (crdt 1.4), whatever they
 * know beside it.
 */

#ifndef CORE_CRDT_PAST_H
#define CORE_CRDT_PAST_H

#include <stdbool.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "core/crdt/clock.h"
#include "core/crdt/document.h"
#include "proto/agent.h"
#include "proto/store.h"

enum mcpz_past {
    MCPZ_PAST_COMPLETE = 1, /* all is here, and the delta may follow it */
    MCPZ_PAST_MISSING,      /* something it names is not here */
    MCPZ_PAST_REFUTED,      /* nobody may take it: V5, V7 or V8 of crdt 1.4 */
};

/* Where a delta is. */
enum mcpz_place {
    MCPZ_PLACE_NOWHERE = 1,
    MCPZ_PLACE_HERE,   /* a row of its own */
    MCPZ_PLACE_FOLDED, /* in the state, and a checkpoint stands for it: core/crdt/floor.h */
};

/*
 * The delta that was taken in last. Mostly the next that comes follows it, and need not look it
 * up: its hash says that it is the same. Zeroed: none was.
 */
struct mcpz_past_recent {
    struct mcpz_id document;
    struct mcpz_actor actor;
    struct mcpz_tip tip;
    uint64_t hlc;
    struct mcpz_clock seen;
};

/** `delta`, which is `tip`, was taken in. */
void mcpz_past_note(struct mcpz_past_recent *recent, const struct mcpz_delta *delta,
                    const struct mcpz_tip *tip);

/**
 * Where is this very delta of `document`?
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_past_find(const struct mcpz_store *store,
                                        const struct mcpz_document *document,
                                        const struct mcpz_actor *actor,
                                        const struct mcpz_tip *which, enum mcpz_place *place);

/**
 * Is this very delta of `document` here, or folded into a checkpoint that was installed?
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_past_holds(const struct mcpz_store *store,
                                         const struct mcpz_document *document,
                                         const struct mcpz_actor *actor,
                                         const struct mcpz_tip *which, bool *held);

/**
 * Has `actor` signed so many deltas of one place, from its cut on, that no more are taken in?
 * (MCPZ_RIVALS_MAX)
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_past_is_crowded(const struct mcpz_store *store,
                                              const struct mcpz_document *document,
                                              const struct mcpz_actor *actor, uint64_t seq,
                                              bool *crowded);

/**
 * Look at the past of a delta that is valid by itself. What it has seen at a place that is crowded
 * counts as here: nobody can keep others from going on by signing ever more. So does what was
 * folded, which is not looked at.
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_past_judge(const struct mcpz_store *store,
                                         const struct mcpz_document *document,
                                         const struct mcpz_past_recent *recent,
                                         const struct mcpz_delta *delta, enum mcpz_past *past);

/**
 * Of a `delta` whose past is not all here: where it names another delta than we have, and nobody
 * is known to contradict itself, set `document` back to before that. So whoever is asked what lies
 * behind it finds which of both counts. `*is_set_back`: `document` is then good for asking only.
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_past_set_back(const struct mcpz_store *store,
                                            struct mcpz_document *document,
                                            const struct mcpz_delta *delta, bool *is_set_back);

#endif
