/*
 * Shuffles of the overlay: two nodes far apart tell each other whom they know, so that passive
 * views stay fresh and mixed. For the files of the overlay only.
 *
 * The answer comes back the way the shuffle went: see core/overlay.h.
 *
 * Source: HyParView (Leitao, Pereira, Rodrigues, DSN 2007), section 4.4.
 */

#ifndef CORE_SHUFFLE_H
#define CORE_SHUFFLE_H

#include "core/overlay.h"

/** Send one out, of ourselves, ka neighbours and kp others. What is too old is forgotten first. */
void mcpz_shuffle_begin(struct mcpz_overlay *overlay, mcpz_time now, struct mcpz_outbox *out);

/** One has come from a neighbour: send it on, or answer it where its walk ends. */
void mcpz_shuffle_on_walk(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *from,
                          const struct mcpz_msg_overlay_shuffle *shuffle, struct mcpz_outbox *out);

/** An answer has come: take it in if it is to us, else hand it back along its path. */
void mcpz_shuffle_on_answer(struct mcpz_overlay *overlay, mcpz_time now,
                            const struct mcpz_msg_overlay_shuffled *answer,
                            struct mcpz_outbox *out);

#endif
