/*
 * The active view of the overlay: who our neighbours are, and who makes room for whom.
 *
 * What is told of it are the facts NEIGHBOUR_UP and NEIGHBOUR_DOWN; to those that are put out
 * DISCONNECT is said. For the files of the overlay only: others look at core/overlay.h.
 *
 * Source: HyParView (Leitao, Pereira, Rodrigues, DSN 2007), sections 4.1 and 4.2.
 */

#ifndef CORE_ACTIVE_H
#define CORE_ACTIVE_H

#include "core/overlay.h"

/** Tell a node that it is no neighbour of ours; `leaving`: of nobody's any more. */
void mcpz_active_dismiss(const struct mcpz_id *to, bool leaving, struct mcpz_outbox *out);

/** The index of a neighbour; active_count: it is none. */
size_t mcpz_active_find(const struct mcpz_overlay *overlay, const struct mcpz_id *id);
bool mcpz_active_has(const struct mcpz_overlay *overlay, const struct mcpz_id *id);

/** Neighbours of one kind, and how many there may be. */
size_t mcpz_active_count(const struct mcpz_overlay *overlay, bool far);
size_t mcpz_active_max(const struct mcpz_overlay *overlay, bool far);

/** Is there no place for one more of `scope`? */
bool mcpz_active_is_full(const struct mcpz_overlay *overlay, uint32_t scope);

/** Nobody is left of those it takes to be one of our scope: who is far is not enough for that. */
bool mcpz_active_is_alone(const struct mcpz_overlay *overlay);

/** Are all places taken, of both kinds? */
bool mcpz_active_is_complete(const struct mcpz_overlay *overlay);

/** Neighbours that we asked for ourselves. */
size_t mcpz_active_count_chosen(const struct mcpz_overlay *overlay);

/** A neighbour by lot, but neither of two; borrowed from the view. NULL: there is no other. */
const struct mcpz_id *mcpz_active_pick(struct mcpz_overlay *overlay, const struct mcpz_id *not1,
                                       const struct mcpz_id *not2);

/** The same, and one of the scope that a walk is for if there is one. */
const struct mcpz_id *mcpz_active_pick_towards(struct mcpz_overlay *overlay, uint32_t scope,
                                               const struct mcpz_id *not1,
                                               const struct mcpz_id *not2);

/** What messages say of a neighbour; its address is borrowed. */
struct mcpz_overlay_entry mcpz_active_entry(const struct mcpz_overlay_neighbour *one);

/** Keep somebody in the passive view, which never holds ourselves or a neighbour. */
void mcpz_active_set_aside(struct mcpz_overlay *overlay, mcpz_time now,
                           const struct mcpz_overlay_entry *entry);

/** The neighbour at an index is one no longer. */
void mcpz_active_drop(struct mcpz_overlay *overlay, size_t at,
                      enum mcpz_neighbour_down_reason reason, struct mcpz_outbox *out);

/** It is no neighbour any more, but a candidate. */
void mcpz_active_retire(struct mcpz_overlay *overlay, mcpz_time now, size_t at,
                        enum mcpz_neighbour_down_reason reason, struct mcpz_outbox *out);

/**
 * Make a node that is none, nor ourselves, our neighbour. Another one of its kind is put out if
 * that takes its place. `chosen`: we asked for it.
 */
void mcpz_active_add(struct mcpz_overlay *overlay, mcpz_time now,
                     const struct mcpz_overlay_entry *entry, bool chosen, struct mcpz_outbox *out);

#endif
