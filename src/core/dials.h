/*
 * Whom we dial: nodes that somebody above wants a link to, and seeds.
 *
 * A node is dialled once, and ends as LINKED (core/links.h) or UNREACHABLE. A seed is an address
 * from configuration or a token: it is dialled, ever less often, until it has answered once, and
 * again whenever we are alone. Part of core/links.c, which knows who is linked.
 */

#ifndef CORE_DIALS_H
#define CORE_DIALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/rng.h"
#include "base/time.h"
#include "core/event.h"
#include "core/outbox.h"
#include "core/timing.h"
#include "proto/id.h"
#include "proto/limits.h"

#define MCPZ_REACHING_MAX 32 /* nodes we try to have a link to at one time */

/* A node we try to have a link to. */
struct mcpz_dialling {
    struct mcpz_id peer;
    mcpz_time until_us;
    char *address;
};

/* An address from configuration or a token. */
struct mcpz_seed {
    char *address;
    mcpz_time dial_at_us;
    mcpz_time redial_us;
    struct mcpz_id peer; /* who answered there last; zeros: nobody yet */
};

struct mcpz_dials_config {
    size_t nodes_max;     /* 1 to MCPZ_REACHING_MAX */
    size_t seeds_max;     /* 1 to MCPZ_SEEDS_MAX */
    size_t address_bytes; /* of one address, with its end: longer ones are not dialled */
};

struct mcpz_dials {
    size_t node_count;
    size_t stranger_count; /* seeds where nobody has answered yet */
    bool leaving;
    size_t seed_count;
    struct mcpz_seed *seeds;     /* config.seeds_max */
    struct mcpz_dialling *nodes; /* config.nodes_max */
    size_t seed_turn;            /* whose turn it is, from 1 on; 0: nobody's yet */
    const struct mcpz_node_timing *timing;
    struct mcpz_dials_config config;
    uint64_t dropped; /* seeds and nodes there was no room for */
};

/** How much mcpz_dials_init() takes from its arena. */
size_t mcpz_dials_bytes(const struct mcpz_dials_config *config);

/** Start with nobody to dial. `timing` is borrowed, `arena` has room (asserted). */
void mcpz_dials_init(struct mcpz_dials *dials, const struct mcpz_dials_config *config,
                     const struct mcpz_node_timing *timing, struct mcpz_arena *arena);

/**
 * Try to have a link to `peer`, to whom there is none. Nothing if that is under way; UNREACHABLE
 * at once if it cannot be tried.
 */
void mcpz_dials_reach(struct mcpz_dials *dials, mcpz_time now, const struct mcpz_id *peer,
                      struct mcpz_bytes address, struct mcpz_outbox *out);

/** There is a link to `peer` now, by way of `address` if that is not empty. */
void mcpz_dials_linked(struct mcpz_dials *dials, const struct mcpz_id *peer,
                       struct mcpz_bytes address);

/** Nobody can be had at an address, which `refused` us or gave no answer. */
void mcpz_dials_failed(struct mcpz_dials *dials, struct mcpz_bytes address, bool refused,
                       struct mcpz_outbox *out);

/** Know one seed more, to be dialled now. */
void mcpz_dials_add_seed(struct mcpz_dials *dials, mcpz_time now, struct mcpz_bytes address);

/** We have become alone: all seeds are dialled soon, at moments by lot. */
void mcpz_dials_wake_seeds(struct mcpz_dials *dials, mcpz_time now, struct mcpz_rng *rng);

/** A seed: the first time by lot, then all in turn. NULL: there is none. */
const struct mcpz_seed *mcpz_dials_next_seed(struct mcpz_dials *dials, struct mcpz_rng *rng);

/** Dial a seed out of turn. */
void mcpz_dials_dial_seed(const struct mcpz_seed *seed, struct mcpz_outbox *out);

/** Give up whose time is over; dial the seeds that are due. `alone`: there is no link at all. */
void mcpz_dials_tick(struct mcpz_dials *dials, mcpz_time now, bool alone, struct mcpz_rng *rng,
                     struct mcpz_outbox *out);

mcpz_time mcpz_dials_deadline(const struct mcpz_dials *dials, bool alone);

#endif
