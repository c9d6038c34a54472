/*
 * Co-owners that are no neighbours, comparing all the same.
 *
 *   every MCPZ_ROUND_PERIODS comparisons' time, by lot: somebody who keeps what we keep
 *     no link   ->  REACH; both compare when there is one, or a session through others
 *     a link    ->  compare (core/crdt/entropy.h)
 *
 * Neighbours do so without us. What nobody has noted as missed is found like that: a delta that
 * was on its way when its author and an owner were parted, and the two never meet again.
 *
 * Nobody has a second turn before all have had one: they go by a hash that is another each round.
 * Whom we share documents with is found among MCPZ_ROUND_SCAN_MAX of ours, others each time; so no
 * table of all nodes is needed, and nobody is dialled with whom we share nothing. Both ends draw:
 * who lacks what one other has finds it after a third of a round on average, and after a round at
 * the latest. In a layout of 50 nodes one takes 25 minutes.
 *
 * Without a layout neighbours are enough: all keep the same, and what one has is handed on.
 */

#ifndef CORE_KEEPING_ROUNDS_H
#define CORE_KEEPING_ROUNDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "base/siphash.h"
#include "base/time.h"
#include "proto/id.h"

#define MCPZ_ROUND_PERIODS 2    /* of anti_entropy_us, from one turn to the next: 30 s */
#define MCPZ_ROUND_SCAN_MAX 256 /* documents looked at for one turn */

struct mcpz_keeping_step;

struct mcpz_rounds {
    struct mcpz_rng rng;
    struct mcpz_siphash_key order; /* of this round */
    uint64_t last;                 /* whose turn it was, as `order` has it; 0: nobody's yet */
    struct mcpz_id after;          /* documents up to here were looked at */
    mcpz_time turn_at_us;          /* 0: there is no layout to go by */

    /* To be compared with by whoever runs us, at the end of the step. Zeros: nobody. */
    struct mcpz_id linked;

    uint64_t turns; /* that were somebody's */
};

void mcpz_rounds_init(struct mcpz_rounds *rounds, uint64_t seed);

/** If it is time, choose somebody. */
void mcpz_rounds_run(struct mcpz_keeping_step *step);

mcpz_time mcpz_rounds_deadline(const struct mcpz_rounds *rounds);

#endif
