/*
 * What has been seen: version vectors, and hybrid logical clocks.
 *
 * A vector decides what happened before what, and what a remove may name. A stamp decides only
 * which of two concurrent writes is shown.
 *
 * Lives of a node that are closed (core/crdt/lives.h) have one place together, that of the last of
 * them, and all that they may ever have written has been seen:
 *
 *   (n, 1) 4   (n, 257) 2   (n, 513) 7      --- closed up to 257 --->      (n, 257) 2 x   (n, 513)
 * 7
 */

#ifndef CORE_CRDT_CLOCK_H
#define CORE_CRDT_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "proto/agent.h"
#include "proto/limits.h"

/* A version vector: sorted by actor, each once, no zeros; no life that another place closes. */
struct mcpz_clock {
    struct mcpz_version versions[MCPZ_ACTORS_MAX];
    size_t count;
};

/** Is this a vector: at most MCPZ_ACTORS_MAX, strictly sorted, every seq at least 1? */
bool mcpz_clock_is_valid(const struct mcpz_version *versions, size_t count);

/** Copy a valid vector. */
void mcpz_clock_set(struct mcpz_clock *clock, const struct mcpz_version *versions, size_t count);

/**
 * The place of `actor`, or the one that closes it, which may be a later life's; NULL if none of
 * its deltas is in.
 */
const struct mcpz_version *mcpz_clock_find(const struct mcpz_version *versions, size_t count,
                                           const struct mcpz_actor *actor);

/** The seq of `actor`; 0 if none of its deltas is in, UINT64_MAX if it is closed. */
uint64_t mcpz_clock_get(const struct mcpz_version *versions, size_t count,
                        const struct mcpz_actor *actor);

/** Is `actor` closed? */
bool mcpz_clock_is_closed(const struct mcpz_version *versions, size_t count,
                          const struct mcpz_actor *actor);

/**
 * Is all that `version` stands for in? If it ends at the same delta number, that must be the same
 * delta.
 */
bool mcpz_clock_has(const struct mcpz_version *versions, size_t count,
                    const struct mcpz_version *version);

/** How many deltas a vector stands for, but for those of closed lives before the last of them. */
uint64_t mcpz_clock_deltas(const struct mcpz_version *versions, size_t count);

/** How many deltas of lives that are open lie above `below`. */
uint64_t mcpz_clock_above(const struct mcpz_clock *clock, const struct mcpz_version *below,
                          size_t below_count);

/**
 * Move an actor on to `version` (never back); one that closes takes out what it closes. False: it
 * is new and there is no room.
 */
MCPZ_MUST_USE bool mcpz_clock_advance(struct mcpz_clock *clock,
                                      const struct mcpz_version *version);

/** Leave out `actor`, unless it is closed. */
void mcpz_clock_forget(struct mcpz_clock *clock, const struct mcpz_actor *actor);

/** Has `clock` seen all that the vector `versions` has? At equal places, heads are equal too. */
bool mcpz_clock_covers(const struct mcpz_clock *clock, const struct mcpz_version *versions,
                       size_t count);

/**
 * A stamp for something that happens now, after everything stamped up to `floor`.
 *
 * `*hlc` is the greatest stamp of this node and moves on. If it has run further ahead of the wall
 * clock than others accept (the clock was wrong and was set back), it starts over from the wall
 * clock, so that one bad hour does not spoil the stamps of the next.
 *
 * Source: Kulkarni et al., "Logical Physical Clocks", section 3.3.
 */
uint64_t mcpz_clock_tick(uint64_t *hlc, uint64_t wall_ms, uint64_t floor);

/** Is the stamp further ahead of the wall clock than MCPZ_CLOCK_AHEAD_MS_MAX? */
bool mcpz_clock_is_ahead(uint64_t hlc, uint64_t wall_ms);

/** Take in somebody else's stamp. One that is ahead does not move us. */
void mcpz_clock_observe(uint64_t *hlc, uint64_t wall_ms, uint64_t remote);

#endif
