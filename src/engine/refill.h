/*
 * A base that cannot be read any more, or what says where it ends (FLOOR), is fetched again:
 * others have it, or a later one.
 *
 *   WANT, as of one who has nothing  ->  all who keep it
 *   <-  AGREED {our floor, or a later one}, BASE ...     (engine/transfers.h)
 *   put in place of what is there; nothing is installed, as all of it is in the state
 *
 * Whoever needs a base and cannot read it asks: folding, serving, the past. Nothing is remembered
 * of it, so it is asked for again as long as it is needed and damaged. Where FLOOR is, an earlier
 * floor than ours was will not do: what lay between the two is gone.
 */

#ifndef ENGINE_REFILL_H
#define ENGINE_REFILL_H

#include <stdbool.h>

#include "engine/engine.h"
#include "proto/checkpoint.h"
#include "proto/id.h"

#define MCPZ_REFILL_PAUSE_US MCPZ_SECONDS(2) /* between two questions, whatever they are about */

/** Is `document` folded, and where to, or what to, not to be read? */
bool mcpz_refill_is_needed(struct mcpz_engine *engine, const struct mcpz_id *document);

/** If it is, and `agreed`, which lies within its state, is its floor or above, it will do. */
bool mcpz_refill_will_do(struct mcpz_engine *engine, const struct mcpz_id *document,
                         const struct mcpz_agreed *agreed);

/** Ask those who keep `document`, and are linked, for its base, if it is needed. */
void mcpz_refill_ask(struct mcpz_engine *engine, const struct mcpz_id *document);

#endif
