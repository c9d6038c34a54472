/*
 * Actors that contradict themselves in a document: from where on, and which branches there are.
 *
 *   (a,4) --- (a,5) --- (a,6) <- tip        cut at 5: what `a` added from (a,5) on does not count;
 *        \--- (a,5)' <- tip                 it stands at 4 in the version vector
 *
 * Of two deltas of one place one may lie within what all have signed, and the other is not taken
 * in then (core/crdt/floor.h). Who follows that other one is cut where it does: right above.
 *
 * With tips, equal lists of cuts mean equal sets of branches: each delta names the one before it.
 * An actor with more than MCPZ_BRANCHES_MAX branches is overrun: the ends of its branches are told
 * apart no longer, but the sum of all its deltas from the cut on still names the set. (Somebody
 * who looks for it finds two sets of one sum, and can have nodes differ in what he himself has
 * deleted.) Both are functions of the set, whatever the order: branches never grow fewer.
 *
 * Source: docs reference crdt 1.3.
 */

#ifndef CORE_CRDT_CUTS_H
#define CORE_CRDT_CUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/agent.h"
#include "proto/limits.h"

/* Sorted by actor, each once. */
struct mcpz_cuts {
    struct mcpz_cut cuts[MCPZ_ACTORS_MAX];
    size_t count;
};

/** Is this such a list: at most MCPZ_ACTORS_MAX, in order, tips in order and not before the cut?
 */
bool mcpz_cuts_is_valid(const struct mcpz_cut *cuts, size_t count);

/** Copy a valid list. */
void mcpz_cuts_set(struct mcpz_cuts *list, const struct mcpz_cut *cuts, size_t count);

/** That of `actor`; NULL if it has none. */
const struct mcpz_cut *mcpz_cuts_find(const struct mcpz_cut *cuts, size_t count,
                                      const struct mcpz_actor *actor);

/** Is what `actor` did at `seq` beyond its cut? */
bool mcpz_cuts_is_tainted(const struct mcpz_cuts *list, const struct mcpz_actor *actor,
                          uint64_t seq);

/**
 * Cut `actor` at `seq`, or move its cut there, which is lower. `tip`: the end of the branch that
 * was taken for all there is; looked at for a new cut only. There is room: asserted.
 */
void mcpz_cuts_lower(struct mcpz_cuts *list, const struct mcpz_actor *actor, uint64_t seq,
                     const struct mcpz_tip *tip);

/** Put in the cut of an actor that has none. There is room: asserted. */
void mcpz_cuts_put(struct mcpz_cuts *list, const struct mcpz_cut *cut);

/**
 * A delta of an actor with a cut, from there on, that follows `prev`: it grows a branch, or is one
 * more. False: more than are told apart; mcpz_cuts_overrun() must follow.
 */
bool mcpz_cuts_extend(struct mcpz_cuts *list, const struct mcpz_actor *actor,
                      const struct mcpz_head *prev, const struct mcpz_tip *tip);

/** An actor with a cut is overrun: `sum` stands for all of its deltas from there on. */
void mcpz_cuts_overrun(struct mcpz_cuts *list, const struct mcpz_actor *actor,
                       const struct mcpz_tip *sum);

/** Forget those of `last` and of earlier lives of its node: nothing of them counts any more. */
void mcpz_cuts_forget(struct mcpz_cuts *list, const struct mcpz_actor *last);

/** Add one delta to such a sum, which begins as zeros. */
void mcpz_cuts_add(struct mcpz_tip *sum, const struct mcpz_head *head);

/** Do both say the same of one actor? NULL: it has no cut. */
bool mcpz_cuts_equal(const struct mcpz_cut *a, const struct mcpz_cut *b);

/** How many deltas lie behind cuts, at most: what branches have in common counts for each. */
uint64_t mcpz_cuts_deltas(const struct mcpz_cut *cuts, size_t count);

/** 64 bits that are equal for equal lists, and hardly ever for others. 0 for the empty one. */
uint64_t mcpz_cuts_digest(const struct mcpz_cut *cuts, size_t count);

#endif
