/*
 * The asking half of the overlay: whom we want for a neighbour, and why.
 *
 *   begin -> REACH .. LINK_UP -> JOIN or NEIGHBOUR -> ANSWER: yes, it is one
 *                                                     no, the next of the passive view
 *              UNREACHABLE, silence: forget it, the next
 *
 * Of those asked for repair there is one at a time. For the files of the overlay only.
 *
 * Source: HyParView (Leitao, Pereira, Rodrigues, DSN 2007), section 4.3.
 */

#ifndef CORE_ASKING_H
#define CORE_ASKING_H

#include "core/overlay.h"

/** Names the next thing we ask for; never 0. */
uint32_t mcpz_asking_seq(struct mcpz_overlay *overlay);

/** What we ask of a node; NULL: nothing. */
struct mcpz_overlay_ask *mcpz_asking_find(struct mcpz_overlay *overlay,
                                          const struct mcpz_id *peer);

void mcpz_asking_end(struct mcpz_overlay *overlay, struct mcpz_overlay_ask *ask);

/** Ask a node to be our neighbour. False: it is asked already, or there is no room to ask. */
bool mcpz_asking_begin(struct mcpz_overlay *overlay, mcpz_time now,
                       const struct mcpz_overlay_entry *candidate, enum mcpz_overlay_why why,
                       struct mcpz_outbox *out);

/** Go on with the round of repair: the next candidate, unless one is asked or nobody lacks. */
void mcpz_asking_repair(struct mcpz_overlay *overlay, mcpz_time now, struct mcpz_outbox *out);

/** Begin a round unless one is under way. `modest`: it evicts nobody. */
void mcpz_asking_begin_repair(struct mcpz_overlay *overlay, mcpz_time now, bool modest,
                              struct mcpz_outbox *out);

/** It is time for a round; the next one comes later and later while others are full. */
void mcpz_asking_promote(struct mcpz_overlay *overlay, mcpz_time now, struct mcpz_outbox *out);

/** A link is new: whoever we ask over it hears what we want. */
void mcpz_asking_on_link_up(struct mcpz_overlay *overlay, mcpz_time now,
                            const struct mcpz_id *peer, struct mcpz_outbox *out);

/** A node cannot be reached, or says nothing. */
void mcpz_asking_on_silence(struct mcpz_overlay *overlay, mcpz_time now,
                            const struct mcpz_id *peer, struct mcpz_outbox *out);

void mcpz_asking_on_answer(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *from,
                           const struct mcpz_msg_overlay_answer *answer, struct mcpz_outbox *out);

#endif
