/*
 * The passive view: nodes we have heard of and hold no link to. Candidates for when a neighbour is
 * lost, kept fresh by shuffles.
 *
 * Entries have an age, so that what nobody has seen for long is dropped. Nodes of our own scope
 * and others do not crowd each other out: where both are wanted, others hold a fifth of the
 * places.
 *
 * Source: HyParView (Leitao, Pereira, Rodrigues, DSN 2007), section 4.
 */

#ifndef CORE_PASSIVE_H
#define CORE_PASSIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/rng.h"
#include "base/time.h"
#include "proto/id.h"
#include "proto/limits.h"
#include "proto/msg.h"

#define MCPZ_OVERLAY_PASSIVE_MAX 30

/* Where a node is found. The text lies in room of its own, of the length the owner chose. */
struct mcpz_where {
    uint32_t scope;
    char *address; /* NULL: addresses are not kept */
};

struct mcpz_passive_entry {
    struct mcpz_id id;
    mcpz_time heard_us; /* when it was last known to be there */
    struct mcpz_where where;
};

struct mcpz_passive_config {
    size_t capacity; /* 1 to MCPZ_OVERLAY_PASSIVE_MAX */
    size_t far_max;  /* places for nodes of another scope than ours; 0: scopes do not matter */
    uint32_t scope;  /* ours */
    size_t address_bytes; /* of one address with its end; 0: addresses are not kept */
};

struct mcpz_passive {
    struct mcpz_passive_config config;
    struct mcpz_passive_entry *entries; /* config.capacity */
    struct mcpz_short *names;           /* of the entries: searched first */
    size_t count;
    uint32_t tried; /* a bit an entry: asked for its place in this round of repair */
};

static_assert(MCPZ_OVERLAY_PASSIVE_MAX <= 32, "every entry has its bit");

/** How much mcpz_passive_init() takes from its arena. */
size_t mcpz_passive_bytes(const struct mcpz_passive_config *config);

/** Start empty. `arena` has room (asserted). */
void mcpz_passive_init(struct mcpz_passive *passive, const struct mcpz_passive_config *config,
                       struct mcpz_arena *arena);

bool mcpz_passive_has(const struct mcpz_passive *passive, const struct mcpz_id *id);

/** Is one of our own scope in it? */
bool mcpz_passive_has_near(const struct mcpz_passive *passive);

/** The same, and has not been tried in this round. */
bool mcpz_passive_has_untried(const struct mcpz_passive *passive);

/** Is there no room for one more of `scope`? */
bool mcpz_passive_is_full(const struct mcpz_passive *passive, uint32_t scope);

/**
 * Note that `entry->id` was there `entry->age_s` before `now`. A full view lets go of one at
 * random. An address that is too long makes the entry be ignored.
 */
void mcpz_passive_add(struct mcpz_passive *passive, const struct mcpz_overlay_entry *entry,
                      mcpz_time now, struct mcpz_rng *rng);

void mcpz_passive_remove(struct mcpz_passive *passive, const struct mcpz_id *id);

/** Remove whose id begins so if that makes room for one of `scope`: if it is of the same kind. */
void mcpz_passive_give_way(struct mcpz_passive *passive, struct mcpz_short name, uint32_t scope);

/** Drop what was last heard of before `since_us`. */
void mcpz_passive_expire(struct mcpz_passive *passive, mcpz_time since_us);

/** Everybody may be tried again. */
void mcpz_passive_begin_round(struct mcpz_passive *passive);

/* Which nodes are meant. */
enum mcpz_passive_which { MCPZ_PASSIVE_ANY, MCPZ_PASSIVE_NEAR, MCPZ_PASSIVE_FAR };

/** One not yet tried in this round, at random, marked as tried. NULL: there is none. */
const struct mcpz_passive_entry *mcpz_passive_try(struct mcpz_passive *passive,
                                                  enum mcpz_passive_which which,
                                                  struct mcpz_rng *rng);

/**
 * Up to `count` entries at random, as they go into a shuffle. Returns how many. Their addresses
 * are borrowed until the view changes.
 */
size_t mcpz_passive_sample(const struct mcpz_passive *passive, mcpz_time now, struct mcpz_rng *rng,
                           struct mcpz_overlay_entry *entries, size_t count);

/** Room for `count` addresses, from `arena`, which has it (asserted); NULL if `bytes` is 0. */
char *mcpz_where_room(struct mcpz_arena *arena, size_t count, size_t bytes);

/** Nowhere yet. `*room`, for one address, moves behind it. */
struct mcpz_where mcpz_where_init(char **room, size_t bytes);

/** Note where a node is. False: the address is longer than `bytes` allow. */
bool mcpz_where_set(struct mcpz_where *where, uint32_t scope, struct mcpz_bytes address,
                    size_t bytes);

/** The address, borrowed; empty if there is none. */
struct mcpz_bytes mcpz_where_address(const struct mcpz_where *where);

/** The age of something heard of at `heard_us`, as it goes over the wire. */
uint32_t mcpz_passive_age_s(mcpz_time now, mcpz_time heard_us);

#endif
