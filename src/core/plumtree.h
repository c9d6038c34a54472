/*
 * Broadcast: every node gets every message once, over a tree that grows out of the traffic.
 *
 *             first GOSSIP from it, GRAFT, NEIGHBOUR_UP
 *   lazy  --------------------------------------------->  eager
 *   (told what we have: IHAVE)                            (sent what we have: GOSSIP)
 *         <---------------------------------------------
 *                 GOSSIP we had already, PRUNE
 *
 * What arrives twice cuts the link it came over out of the tree. What is announced and does not
 * arrive is pulled with a GRAFT, first from the first neighbour that announced it, then from the
 * next, and that mends the tree. A lazy neighbour whose announcement took a path much shorter
 * than the payload's is swapped into the tree.
 *
 * A neighbour that is late (core/links.h) is sent nothing, and the announcements when it is heard
 * again: what is said to who stands still piles up there, and goes out as old news when it wakes.
 *
 * Source: Leitao, Pereira, Rodrigues, "Epidemic Broadcast Trees", SRDS 2007, algorithms 1 to 3.
 *
 * A payload over `payload_bytes_max` is large and never pushed: whoever has it announces it, with
 * its size, to every neighbour at once, and whoever lacks it pulls it at once from the first
 * that announced it; from the next if that takes too long. Links do not change by it.
 *
 * Left out: what a node missed while it had no neighbour, or what has left all caches by the time
 * it asks, it does not get here: anti-entropy's part. No delivery to the node that broadcasts.
 */

#ifndef CORE_PLUMTREE_H
#define CORE_PLUMTREE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/time.h"
#include "core/event.h"
#include "core/gossip_cache.h"
#include "core/outbox.h"
#include "proto/id.h"
#include "proto/limits.h"

#define MCPZ_PLUMTREE_NEIGHBOURS_MAX 8
#define MCPZ_PLUMTREE_SEEN_MAX 8192
#define MCPZ_PLUMTREE_CACHE_MAX 128
#define MCPZ_PLUMTREE_MISSING_MAX 256

#define MCPZ_PLUMTREE_FIRST_TIMEOUT_MIN_US MCPZ_MS(200)
#define MCPZ_PLUMTREE_FIRST_TIMEOUT_MAX_US MCPZ_SECONDS(2)
#define MCPZ_PLUMTREE_NEXT_TIMEOUT_MIN_US MCPZ_MS(40) /* iroh's; a reply waits for its turn */

/* Optimise when an announcement was so many links ahead: SRDS'07 3.8. */
#define MCPZ_PLUMTREE_AHEAD_ONE_SENDER 3
#define MCPZ_PLUMTREE_AHEAD_MANY_SENDERS 7

static_assert(MCPZ_PLUMTREE_SEEN_MAX >= 2 * MCPZ_PLUMTREE_CACHE_MAX,
              "what can be handed out is known for seen");
static_assert(MCPZ_PLUMTREE_MISSING_MAX + MCPZ_PLUMTREE_NEIGHBOURS_MAX <= MCPZ_OUTBOX_MAX / 4,
              "a step in which every timer fires leaves the outbox to others");

/*
 * Who stood still hands on what the others have long forgotten to have seen, and so do they then:
 * what has come over so many links goes no further. A tree of 10,000 nodes is less than 20 deep.
 */
#define MCPZ_PLUMTREE_ROUNDS_MAX 40

struct mcpz_plumtree_config {
    /* Capacities: 1 up to the limits above, seen at least cache. */
    uint32_t seen_max;
    uint32_t cache_max;         /* payloads we can hand out, */
    uint32_t cache_bytes;       /* and their bytes, at least payload_bytes_max */
    uint32_t payload_bytes_max; /* pushed up to here, to MCPZ_PLUMTREE_PAYLOAD_BYTES_MAX; the same
                                   in all the mesh */
    uint32_t missing_max;
    uint32_t notices_max; /* announcements that wait; up to MCPZ_PLUMTREE_IHAVE_MAX */

    mcpz_time first_timeout_us;    /* announced, until we ask: "timeout1", 200 ms to 2 s */
    mcpz_time next_timeout_us;     /* asked, until we ask the next: "timeout2", 1.5 x RTT */
    mcpz_time announce_patient_us; /* those of patient ones: at least as long; 0: the same */
    mcpz_time announce_us;   /* announcements wait so long for others: 20 ms; 0: not at all */
    bool announce_by_lot;    /* half of that to half as much again: whose turn comes first has
                              * spared the other end its own */
    mcpz_time keep_us;       /* payloads are handed out for so long; 0: while there is room */
    uint32_t optimise_ahead; /* links an announcement must be ahead to swap; 0: never */
    uint32_t rounds_max;     /* what has come over so many links goes no further; 0: as above. The
                              * paper's trees that nobody optimises are deeper than that. */
    uint64_t seed;
};

/* Announced and not here yet. */
struct mcpz_plumtree_missing {
    struct mcpz_gossip_id id;
    mcpz_time due_us;                                 /* ask the first announcer */
    uint32_t rounds[MCPZ_PLUMTREE_NEIGHBOURS_MAX];    /* by slot, what its neighbour announced */
    uint32_t bytes;                                   /* of a large one, to be pulled; 0: small */
    uint8_t announcers[MCPZ_PLUMTREE_NEIGHBOURS_MAX]; /* slots, in the order in which they spoke */
    uint8_t announcer_count;
    bool is_idle; /* large, and nobody is being asked: the next announcer is, at once */
};

/* A small one, to be announced to the neighbours in `to`. */
struct mcpz_plumtree_notice {
    struct mcpz_gossip_id id;
    uint32_t round;
    uint32_t to; /* a bit a slot */
};

/* What is done with what comes. */
enum mcpz_plumtree_voice {
    MCPZ_PLUMTREE_VOICE_FULL,   /* it is pushed and announced */
    MCPZ_PLUMTREE_VOICE_HUSHED, /* announced only: we stood still, it may be old news to others */
    MCPZ_PLUMTREE_VOICE_MUTE,   /* neither, and announcements are not heard: all that has waited
                                   for us while we slept for long */
};

struct mcpz_plumtree {
    uint32_t used;  /* slots: a bit each */
    uint32_t eager; /* a subset; the others are lazy */
    uint32_t late;  /* slots whose announcements wait until they are heard again */
    enum mcpz_plumtree_voice voice;
    uint32_t missing_count;
    uint32_t notice_count;
    mcpz_time announce_at_us;              /* MCPZ_TIME_NEVER: nothing waits */
    struct mcpz_plumtree_missing *missing; /* config.missing_max of them, oldest first */
    struct mcpz_plumtree_notice *notices;  /* config.notices_max of them */
    struct mcpz_gossip_cache cache;
    struct mcpz_plumtree_config config;
    struct mcpz_id neighbours[MCPZ_PLUMTREE_NEIGHBOURS_MAX];

    uint64_t delivered;
    uint64_t duplicates;
    uint64_t grafts;   /* sent because something small was missing */
    uint64_t pulls;    /* sent because something large was */
    uint64_t swaps;    /* links swapped by optimisation */
    uint64_t given_up; /* announced, and nobody left to ask */
    uint64_t dropped;  /* for want of room, from who is no neighbour, or large and unasked */
};

/** Is a message for it? To others it pays no attention. */
static inline bool mcpz_plumtree_takes(enum mcpz_msg_kind kind)
{
    return kind >= MCPZ_MSG_GOSSIP && kind <= MCPZ_MSG_PRUNE;
}

/** How large a block mcpz_plumtree_init() needs, and how much of it is looked at often. */
size_t mcpz_plumtree_bytes(const struct mcpz_plumtree_config *config);
size_t mcpz_plumtree_often_bytes(const struct mcpz_plumtree_config *config);

/**
 * Start without neighbours. `config` is copied; `memory`, of mcpz_plumtree_bytes(), all zeros and
 * aligned for any type, is borrowed for the machine's life.
 */
void mcpz_plumtree_init(struct mcpz_plumtree *tree, const struct mcpz_plumtree_config *config,
                        void *memory);

/** The same, from an arena that has the room (asserted). */
void mcpz_plumtree_init_in(struct mcpz_plumtree *tree, const struct mcpz_plumtree_config *config,
                           struct mcpz_arena *arena);

/**
 * Send `payload` to every node, under `id`: new, and one nobody else will choose. It is borrowed
 * as long as the outbox holds its actions. An id seen before is not sent again. What is large
 * reaches those whose own cache_bytes have room for it.
 *
 * Errors: MCPZ_EFULL  the payload is over MCPZ_PLUMTREE_LARGE_BYTES_MAX or config.cache_bytes;
 *                     nothing is sent
 */
MCPZ_MUST_USE mcpz_error mcpz_plumtree_broadcast(struct mcpz_plumtree *tree, mcpz_time now,
                                                 const struct mcpz_gossip_id *id,
                                                 struct mcpz_bytes payload,
                                                 struct mcpz_outbox *out);

/** The same, for what is in no hurry: where the tree is broken it comes a little later. */
MCPZ_MUST_USE mcpz_error mcpz_plumtree_broadcast_patiently(struct mcpz_plumtree *tree,
                                                           mcpz_time now,
                                                           const struct mcpz_gossip_id *id,
                                                           struct mcpz_bytes payload,
                                                           struct mcpz_outbox *out);

/**
 * Take in one event. Handles RECV of GOSSIP, IHAVE, GRAFT, PRUNE; facts NEIGHBOUR_UP,
 * NEIGHBOUR_DOWN, LATE and PROMPT; TICK. Tells GOSSIP_DELIVERED.
 */
void mcpz_plumtree_step(struct mcpz_plumtree *tree, mcpz_time now, const struct mcpz_event *event,
                        struct mcpz_outbox *out);

/**
 * Fit the patience of timers that are set from now on to the links: `rtt_us` is the 95th
 * percentile of their round trips. A GRAFT goes out after four of them (200 ms to 2 s), the next
 * one after one and a half, at least 40 ms.
 */
void mcpz_plumtree_pace(struct mcpz_plumtree *tree, mcpz_time rtt_us);

/**
 * From now on until told otherwise, do so with what comes. Our own news goes to all neighbours
 * unless the voice is full: we do not know which of our links are well.
 */
void mcpz_plumtree_speak(struct mcpz_plumtree *tree, enum mcpz_plumtree_voice voice);

mcpz_time mcpz_plumtree_deadline(const struct mcpz_plumtree *tree);

/** Is `peer` a neighbour that is sent payloads? */
bool mcpz_plumtree_is_eager(const struct mcpz_plumtree *tree, const struct mcpz_id *peer);

#endif
