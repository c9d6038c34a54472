/*
 * The overlay: whom we are connected to, of all the nodes there are.
 *
 *   CONTACT -> REACH .. LINK_UP -> JOIN ---------> adds us, ANSWER; FORWARD walks to others,
 *                                                  who ask us: NEIGHBOUR high
 *   a neighbour is lost, or one is missing:
 *     next of the passive view -> REACH .. LINK_UP -> NEIGHBOUR -> ANSWER: yes, it is one
 *                                                                  no, try the next
 *                                 UNREACHABLE, silence: forget it, try the next
 *   every period: SHUFFLE walks, its last node sends SHUFFLED back; both learn of new nodes
 *
 * The active view is small and symmetric: who adds first says so, who asked adds on hearing it.
 * An answer that came too late, and a walk from somebody who is no neighbour, are met with
 * DISCONNECT, so a link that only one side believes in does not last. Links deliver in order.
 *
 * Not here yet: the check on every heartbeat that the other end still holds us for a neighbour.
 * Without it a link that only one end believes in can outlast a crossing of messages (once in some
 * three hundred random histories), so this machine is not wired into node.c before that is there.
 *
 * A link that mcpz_overlay_wants() no longer names may be closed by whoever makes links. Rejoining
 * through a seed when no neighbour is left and nobody in the passive view answers is not done
 * here: the facts tell when, and CONTACT starts it.
 *
 * Source: HyParView (Leitao, Pereira, Rodrigues, DSN 2007), section 4.
 */

#ifndef CORE_OVERLAY_H
#define CORE_OVERLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "base/time.h"
#include "core/event.h"
#include "core/outbox.h"
#include "core/passive.h"
#include "proto/id.h"
#include "proto/limits.h"
#include "proto/msg.h"

#define MCPZ_OVERLAY_ACTIVE_MAX 8
#define MCPZ_OVERLAY_ASKS_MAX 8    /* requests to be neighbours under way: ours to others */
#define MCPZ_OVERLAY_REPLIES_MAX 4 /* answers to shuffles that wait for a link */

/* 0 in a field: the default behind it. */
struct mcpz_overlay_config {
    size_t active_max;              /* 1 to MCPZ_OVERLAY_ACTIVE_MAX: 6; the paper has 5 */
    size_t passive_max;             /* 1 to MCPZ_OVERLAY_PASSIVE_MAX: 30 */
    uint32_t arwl;                  /* hops of a join's walk, to MCPZ_OVERLAY_WALK_MAX: 6 */
    uint32_t prwl;                  /* hops left where a join enters a passive view: 3 */
    size_t shuffle_active;          /* ka, neighbours named in a shuffle: 3 */
    size_t shuffle_passive;         /* kp, others named; with ka to ..._SHUFFLE_MAX: 4 */
    mcpz_time shuffle_period_us;    /* 30 s, and a fifth more or less */
    mcpz_time promote_period_us;    /* between two rounds of repair when neighbours lack: 5 s */
    mcpz_time neighbour_timeout_us; /* for a link, then for an answer: 5 s */
    mcpz_time passive_age_us;       /* what nobody has seen for longer is dropped: 30 min */
};

enum mcpz_overlay_why {
    MCPZ_OVERLAY_JOINS = 1, /* we are new */
    MCPZ_OVERLAY_WALKED,    /* the peer is new, and its walk ended here */
    MCPZ_OVERLAY_REPAIRS,   /* we lack a neighbour */
};

/* A node we ask to be our neighbour. At most one for repair. */
struct mcpz_overlay_ask {
    struct mcpz_id peer;
    enum mcpz_overlay_why why;
    bool sent; /* false: waiting for the link */
    uint32_t seq;
    mcpz_time until_us;
};

/* What we picked for a shuffle's origin. */
struct mcpz_overlay_reply {
    struct mcpz_id peer;
    uint32_t seq;
    struct mcpz_overlay_entry entries[MCPZ_OVERLAY_SHUFFLE_MAX];
    size_t entry_count;
    mcpz_time until_us;
};

struct mcpz_overlay {
    struct mcpz_id self;
    struct mcpz_overlay_config config;
    struct mcpz_rng rng;
    bool modest; /* the repair under way evicts nobody: it follows on being dropped */
    bool leaving;
    struct mcpz_id active[MCPZ_OVERLAY_ACTIVE_MAX];
    size_t active_count;
    struct mcpz_passive passive;
    struct mcpz_overlay_ask asks[MCPZ_OVERLAY_ASKS_MAX];
    size_t ask_count;
    struct mcpz_overlay_reply replies[MCPZ_OVERLAY_REPLIES_MAX];
    size_t reply_count;
    uint32_t next_seq;
    uint32_t shuffle_seq; /* of the shuffle not yet answered; 0: none */
    struct mcpz_overlay_entry shuffled[MCPZ_OVERLAY_SHUFFLE_MAX]; /* what we named in it */
    size_t shuffled_count;
    mcpz_time shuffle_at_us;
    mcpz_time promote_at_us;
    uint64_t dropped; /* asks and replies there was no room for */
};

/** Start with empty views. `seed` is for the choices made by lot. */
void mcpz_overlay_init(struct mcpz_overlay *overlay, const struct mcpz_id *self,
                       const struct mcpz_overlay_config *config, uint64_t seed, mcpz_time now);

/**
 * Take in one event. Handles CONTACT, LINK_UP, UNREACHABLE, LINK_DOWN, LEAVE, TICK, and RECV of
 * OVERLAY_JOIN .. OVERLAY_SHUFFLED. Asks for SEND, REACH and FACT of NEIGHBOUR_UP and _DOWN.
 */
void mcpz_overlay_step(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_event *event,
                       struct mcpz_outbox *out);

/** When the next TICK is due. */
mcpz_time mcpz_overlay_deadline(const struct mcpz_overlay *overlay);

bool mcpz_overlay_is_neighbour(const struct mcpz_overlay *overlay, const struct mcpz_id *peer);

/** Is a link to `peer` still of use to us: a neighbour, or somebody we want to say something to?
 */
bool mcpz_overlay_wants(const struct mcpz_overlay *overlay, const struct mcpz_id *peer);

#endif
