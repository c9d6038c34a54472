/*
 * Deltas of actors that may contradict themselves: walked in causal order, told of page by page.
 *
 * A walk goes along all branches at once, the smallest stamp first. Stamps grow along causality,
 * so each delta comes after what it builds on.
 *
 * Where two nodes hold different branches of one actor, version vectors do not say who lacks what.
 * Then they tell each other the ids of what they hold:
 *
 *   WANT, whose head for an actor is not here    ->
 *   <-  BRANCHES, sparse: some ids, ever further apart
 *   FETCH nothing, next: the last of them we hold   ->
 *   <-  BRANCHES: all ids from there on, a page
 *   FETCH those we lack, next: the page behind      ->
 *   <-  DELTA ..., BRANCHES: the page behind
 *
 * If the cut is known, and what stands before it is here, it begins with the page at the cut: two
 * that part further down may each know of a cut of its own. Pages only go up, so it ends; what was
 * lost is got with the next comparison. Nothing is remembered of it on either side.
 */

#ifndef CORE_CRDT_BRANCHES_H
#define CORE_CRDT_BRANCHES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "core/crdt/document.h"
#include "proto/agent.h"
#include "proto/limits.h"
#include "proto/msg.h"
#include "proto/store.h"

/* Of all actors. Whoever is overrun may have more: those are left out, and told of by pages. */
#define MCPZ_BRANCHES_AT_ONCE (MCPZ_ACTORS_MAX * (MCPZ_BRANCHES_MAX + 1))

/* The delta that comes next on one branch. */
struct mcpz_branch {
    struct mcpz_actor actor;
    struct mcpz_tip at;
    uint64_t hlc;
};

struct mcpz_branches {
    struct mcpz_document
        document; /* as it was when the walk started: what came later is left out */
    struct mcpz_branch branches[MCPZ_BRANCHES_AT_ONCE];
    size_t count; /* 0: at the end */
};

/** Start a walk of `document`, with no branch on it yet. */
void mcpz_branches_init(struct mcpz_branches *walk, const struct mcpz_document *document);

/**
 * Walk what follows `after` of `actor`, on all its branches; seq 0: all there is of it.
 *
 * Errors: MCPZ_ECORRUPT  also when nothing is there, and the version vector says so; MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_branches_follow(struct mcpz_branches *walk,
                                              const struct mcpz_store *store,
                                              const struct mcpz_actor *actor,
                                              const struct mcpz_tip *after);

/**
 * Walk all that comes behind `last`, which all have signed, on whatever branch its author was
 * there: what it had written instead is not taken in, what it wrote then is. Errors: as above
 */
MCPZ_MUST_USE mcpz_error mcpz_branches_follow_signed(struct mcpz_branches *walk,
                                                     const struct mcpz_store *store,
                                                     const struct mcpz_version *last);

/**
 * Go along those lives that `closing` closes, each behind what `below` has of it; those that it
 * closes as well are left out.
 *
 * Errors: MCPZ_EFULL  more than MCPZ_BRANCHES_AT_ONCE; MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_branches_follow_closed(struct mcpz_branches *walk,
                                                     const struct mcpz_store *store,
                                                     const struct mcpz_version *closing,
                                                     const struct mcpz_version *below,
                                                     size_t below_count);

/** As mcpz_branches_follow(), all there is of all actors above the floor (core/crdt/floor.h). */
MCPZ_MUST_USE mcpz_error mcpz_branches_follow_all(struct mcpz_branches *walk,
                                                  const struct mcpz_store *store);

/** The delta that comes next; NULL at the end. */
const struct mcpz_branch *mcpz_branches_first(const struct mcpz_branches *walk);

/**
 * Read the next delta and go on. What it points to lasts until the turn ends, its lists until
 * the next read.
 *
 * Errors: MCPZ_ENOTFOUND  that was the last; MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_branches_next(struct mcpz_branches *walk,
                                            const struct mcpz_store *store,
                                            struct mcpz_record *record);

/**
 * Fill `page` with what is held of an actor from seq `from` on; its ids go to `ids`,
 * MCPZ_BRANCH_IDS_MAX.
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_branches_page(const struct mcpz_store *store,
                                            const struct mcpz_id *document,
                                            const struct mcpz_actor *actor, uint64_t from,
                                            struct mcpz_tip *ids, struct mcpz_msg_branches *page);

/** Fill `page` with one id at each of `upto`, and 1, 2, 4, 8 ... before it. Errors: as above. */
MCPZ_MUST_USE mcpz_error mcpz_branches_sample(const struct mcpz_store *store,
                                              const struct mcpz_id *document,
                                              const struct mcpz_actor *actor, uint64_t upto,
                                              struct mcpz_tip *ids,
                                              struct mcpz_msg_branches *page);

/** Is this a page: its ids within its range? (That they are in order, the codec has seen.) */
bool mcpz_branches_page_is_valid(const struct mcpz_msg_branches *page);

/**
 * What to ask for after `page`, of what `document` lacks; its ids go to `ids`, MCPZ_FETCH_MAX.
 * `next` 0 and no ids: nothing.
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_branches_answer(const struct mcpz_store *store,
                                              const struct mcpz_document *document,
                                              const struct mcpz_msg_branches *page,
                                              struct mcpz_tip *ids, struct mcpz_msg_fetch *fetch);

#endif
