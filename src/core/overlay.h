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
 * DISCONNECT. What crossings of messages leave behind, heartbeats mend: each says whether its
 * sender holds the receiver for a neighbour, and who is contradicted twice gives in.
 *
 * In the paper only who has no neighbour at all may not be refused. Where all others are full, who
 * has one would keep it for long: it presses one of them now and then.
 *
 * Nodes of one scope hold each other for members (core/members.h). Where scopes matter, far_max of
 * the neighbours are of other scopes, the rest of ours; the two kinds do not evict each other.
 * chosen_min of them are ones we asked for ourselves, so that whoever asks us often enough does
 * not become all we see (eclipse attacks).
 *
 * A shuffle's answer comes back the way the shuffle went, not over a connection of its own as in
 * the paper: a handshake every half minute would be most of what an idle node does.
 *
 * A link that mcpz_overlay_wants() no longer names may be closed by whoever makes links. Rejoining
 * through somebody when no neighbour is left and nobody in the passive view answers is not done
 * here: the facts tell when, and CONTACT starts it (core/fabric.h).
 *
 * Its parts: the neighbours (core/active.h), the others it knows (core/passive.h), whom it asks
 * (core/asking.h), shuffles (core/shuffle.h). Neighbours that are far away are exchanged for
 * nearer ones by core/xbot.h.
 *
 * Source: HyParView (Leitao, Pereira, Rodrigues, DSN 2007), section 4.
 */

#ifndef CORE_OVERLAY_H
#define CORE_OVERLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/rng.h"
#include "base/time.h"
#include "core/event.h"
#include "core/outbox.h"
#include "core/passive.h"
#include "proto/id.h"
#include "proto/limits.h"
#include "proto/msg.h"

#define MCPZ_OVERLAY_ACTIVE_MAX 8
#define MCPZ_OVERLAY_ASKS_MAX 8 /* requests to be neighbours under way: ours to others */

/* 0 in a field: the default behind it. */
struct mcpz_overlay_config {
    size_t active_max;              /* 1 to MCPZ_OVERLAY_ACTIVE_MAX: 6; the paper has 5 */
    size_t far_max;                 /* neighbours of other scopes, of active_max; 0: all are one */
    size_t passive_max;             /* 1 to MCPZ_OVERLAY_PASSIVE_MAX: 30 */
    uint32_t arwl;                  /* hops of a join's walk, to MCPZ_OVERLAY_WALK_MAX: 6 */
    uint32_t prwl;                  /* hops left where a join enters a passive view: 3 */
    size_t shuffle_active;          /* ka, neighbours named in a shuffle: 3 */
    size_t shuffle_passive;         /* kp, others named; with ka to ..._SHUFFLE_MAX: 4 */
    mcpz_time shuffle_period_us;    /* 30 s, and a fifth more or less */
    mcpz_time promote_period_us;    /* between two rounds of repair when neighbours lack: 5 s */
    mcpz_time promote_max_us;       /* it grows up to here while nobody has a place: 160 s */
    size_t refusals_max;            /* noes in a round, once half of the neighbours are there: 2 */
    mcpz_time neighbour_timeout_us; /* for a link, then for an answer: 5 s */
    mcpz_time passive_age_us;       /* what nobody has seen for longer is dropped: 30 min */
    size_t chosen_min;              /* neighbours that we asked for ourselves: 0 */
    uint32_t scope;                 /* ours */
    struct mcpz_bytes address;      /* ours; copied */
    size_t address_bytes;           /* of one address with its end; 0: addresses are not kept */
};

struct mcpz_overlay_neighbour {
    struct mcpz_id id;
    struct mcpz_where where;
    mcpz_time since_us;   /* when it became one */
    bool chosen;          /* we asked for it, or for the one whose place it was given */
    bool tried;           /* an exchange of it came to nothing: core/xbot.h */
    uint8_t contradicted; /* heartbeats in a row that say it does not hold us for one */
};

enum mcpz_overlay_why {
    MCPZ_OVERLAY_JOINS = 1, /* we are new */
    MCPZ_OVERLAY_WALKED,    /* the peer is new, and its walk ended here */
    MCPZ_OVERLAY_REPAIRS,   /* we lack a neighbour */
    MCPZ_OVERLAY_CHOOSES,   /* too few of ours are ones that we asked for */
};

/* A node we ask to be our neighbour. At most one for repair. */
struct mcpz_overlay_ask {
    struct mcpz_id peer;
    enum mcpz_overlay_why why;
    uint32_t seq;
    mcpz_time until_us;
    struct mcpz_where where;
};

struct mcpz_overlay {
    size_t active_count;
    size_t far_count;                                 /* of them, of other scopes than ours */
    struct mcpz_short names[MCPZ_OVERLAY_ACTIVE_MAX]; /* of the neighbours: searched first */
    struct mcpz_id self;
    bool leaving;
    bool modest;   /* the repair under way evicts nobody: it follows on being dropped */
    bool refused;  /* in this round of repair somebody had no place for us, and nobody one since */
    bool pressing; /* whom it asks next may not refuse */
    size_t ask_count;
    mcpz_time shuffle_at_us;
    mcpz_time promote_at_us;
    struct mcpz_where where; /* ours */
    struct mcpz_overlay_config config;
    struct mcpz_rng rng;
    mcpz_time promote_wait_us; /* grows while nobody has a place for us */
    size_t refusals_left;      /* in this round of repair: then it is over */
    mcpz_time press_at_us;     /* no round presses before, */
    mcpz_time press_wait_us;   /* and none so soon after that */
    struct mcpz_overlay_neighbour active[MCPZ_OVERLAY_ACTIVE_MAX];
    struct mcpz_passive passive;
    uint32_t next_seq;
    uint32_t shuffle_seq; /* of the shuffle not yet answered; 0: none */
    struct mcpz_short shuffled[MCPZ_OVERLAY_SHUFFLE_MAX]; /* whom we named in it */
    size_t shuffled_count;
    uint64_t dropped;      /* asks there was no room for */
    uint64_t contradicted; /* neighbours given up because they did not hold us for one */
    struct mcpz_overlay_ask asks[MCPZ_OVERLAY_ASKS_MAX]; /* seldom any */
};

/** Is a message for it? To others it pays no attention. */
static inline bool mcpz_overlay_takes(enum mcpz_msg_kind kind)
{
    return (kind >= MCPZ_MSG_OVERLAY_JOIN && kind <= MCPZ_MSG_OVERLAY_SHUFFLED) ||
           kind == MCPZ_MSG_PING;
}

/** How much mcpz_overlay_init() takes from its arena. */
size_t mcpz_overlay_bytes(const struct mcpz_overlay_config *config);

/**
 * Start with empty views. `seed` is for the choices made by lot. `arena` has room (asserted).
 */
void mcpz_overlay_init(struct mcpz_overlay *overlay, const struct mcpz_id *self,
                       const struct mcpz_overlay_config *config, struct mcpz_arena *arena,
                       uint64_t seed, mcpz_time now);

/**
 * Take in one event. Handles CONTACT, LINK_UP, UNREACHABLE, LINK_DOWN, LEAVE, TICK, and RECV of
 * OVERLAY_JOIN .. OVERLAY_SHUFFLED and PING. Asks for SEND, REACH and FACT of NEIGHBOUR_UP (its
 * `reason` is 1 for one of another scope) and NEIGHBOUR_DOWN.
 */
void mcpz_overlay_step(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_event *event,
                       struct mcpz_outbox *out);

/** Ask a linked node, which may not refuse, to be our neighbour. */
void mcpz_overlay_court(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *peer,
                        struct mcpz_outbox *out);

/**
 * Is there a place for one of our scope, nobody who is asked for it and no candidate left to ask?
 * Who knows of others is to let it learn of one.
 */
bool mcpz_overlay_lacks_candidates(const struct mcpz_overlay *overlay);

/** Hear of a node: it is a candidate if there is room for one more. */
void mcpz_overlay_learn(struct mcpz_overlay *overlay, mcpz_time now,
                        const struct mcpz_overlay_entry *entry, struct mcpz_outbox *out);

/** A node is gone: it is a candidate no longer. */
void mcpz_overlay_forget(struct mcpz_overlay *overlay, const struct mcpz_id *id);

static inline bool mcpz_overlay_is_self(const struct mcpz_overlay *overlay,
                                        const struct mcpz_id *id)
{
    return mcpz_id_equal(&overlay->self, id);
}

/** Is a node of `scope` of the other kind of neighbours, of which there are far_max? */
bool mcpz_overlay_is_far(const struct mcpz_overlay *overlay, uint32_t scope);

/** Would a node of `scope` that asks us find a place that nobody has? */
bool mcpz_overlay_has_place(const struct mcpz_overlay *overlay, uint32_t scope);

/**
 * Give the place of neighbour `gone`, or a free one if it is none, to `added`, which agrees to it.
 * `chosen`: we asked it. Neither of them is told anything. False: nothing has changed, since
 * `added` is a neighbour, there is no place, or `gone` has one of the other kind.
 */
bool mcpz_overlay_swap(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *gone,
                       const struct mcpz_overlay_entry *added, bool chosen,
                       struct mcpz_outbox *out);

/** When the next TICK is due. */
mcpz_time mcpz_overlay_deadline(const struct mcpz_overlay *overlay);

bool mcpz_overlay_is_neighbour(const struct mcpz_overlay *overlay, const struct mcpz_id *peer);

/** Is a link to `peer` still of use to us: a neighbour, or somebody we want to say something to?
 */
bool mcpz_overlay_wants(const struct mcpz_overlay *overlay, const struct mcpz_id *peer);

#endif
