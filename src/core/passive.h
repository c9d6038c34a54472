/*
 * The passive view: nodes we have heard of and hold no link to. Candidates for when a neighbour is
 * lost, kept fresh by shuffles.
 *
 * Ids suffice: whoever makes links knows the addresses of members. Entries have an age, so that
 * what nobody has seen for long is dropped.
 *
 * Source: HyParView (Leitao, Pereira, Rodrigues, DSN 2007), section 4.
 */

#ifndef CORE_PASSIVE_H
#define CORE_PASSIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "base/time.h"
#include "proto/id.h"
#include "proto/limits.h"
#include "proto/msg.h"

#define MCPZ_OVERLAY_PASSIVE_MAX 40

struct mcpz_passive_entry {
    struct mcpz_id id;
    mcpz_time heard_us; /* when it was last known to be there */
    bool tried;         /* asked for its place in this round of repair */
};

struct mcpz_passive {
    struct mcpz_passive_entry entries[MCPZ_OVERLAY_PASSIVE_MAX];
    size_t count;
    size_t capacity;
};

/** Start empty. `capacity` is 1 to MCPZ_OVERLAY_PASSIVE_MAX. */
void mcpz_passive_init(struct mcpz_passive *passive, size_t capacity);

bool mcpz_passive_has(const struct mcpz_passive *passive, const struct mcpz_id *id);

/** Note that `id` was there at `heard_us`. A full view lets go of one at random. */
void mcpz_passive_add(struct mcpz_passive *passive, const struct mcpz_id *id, mcpz_time heard_us,
                      struct mcpz_rng *rng);

void mcpz_passive_remove(struct mcpz_passive *passive, const struct mcpz_id *id);

/** Drop what was last heard of before `since_us`. */
void mcpz_passive_expire(struct mcpz_passive *passive, mcpz_time since_us);

/** Everybody may be tried again. */
void mcpz_passive_begin_round(struct mcpz_passive *passive);

/** One not yet tried in this round, at random, marked as tried. False: there is none. */
bool mcpz_passive_try(struct mcpz_passive *passive, struct mcpz_rng *rng, struct mcpz_id *id);

/** Up to `count` entries at random, as they go into a shuffle. Returns how many. */
size_t mcpz_passive_sample(const struct mcpz_passive *passive, mcpz_time now, struct mcpz_rng *rng,
                           struct mcpz_overlay_entry *entries, size_t count);

/** The age of something heard of at `heard_us`, as it goes over the wire. */
uint32_t mcpz_passive_age_s(mcpz_time now, mcpz_time heard_us);

#endif
