/*
 * The links: to whom we are connected, how well, and how to become so.
 *
 * Heartbeats go both ways on every link; each says when the next one comes and acknowledges the
 * other end's. What is overdue is LATE: a hint to those above. What stays silent is given up.
 * A peer whose acknowledgements stand still does not hear us: the link is one-way, what its gossip
 * says weighs nothing (lessons.md row 3), and in the end it is given up as well.
 *
 *             heartbeat overdue             silent, or one-way, for silent_us
 *   PROMPT ----------------------> LATE -------------------------------------> UNLINKED
 *      ^                             |
 *      +-----------------------------+
 *               anything comes
 *
 * Patience adapts. A link that behaves is asked less often (R-MESH-6): from a quarter of
 * heartbeat_us up to all of it, or pool_heartbeat_us where nobody above counts on it. How overdue
 * is late follows the link's own deviation, as in RFC 6298, and is stretched by our own health:
 * Lifeguard's local health multiplier (Dadgar, Phillips, Currey, 2018, section 4.1). When we
 * ourselves stood still, nobody is late for it.
 *
 * Links nobody wants are closed when they have been idle; when there is no room, the least used
 * goes first. Whom we dial is core/dials.h: seeds, as long as there is no link at all.
 */

#ifndef CORE_LINKS_H
#define CORE_LINKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/rng.h"
#include "base/time.h"
#include "core/dials.h"
#include "core/event.h"
#include "core/outbox.h"
#include "core/timing.h"
#include "proto/id.h"
#include "proto/limits.h"
#include "proto/msg.h"

#define MCPZ_LINK_HISTORIES 16
#define MCPZ_HEALTH_MAX 8 /* Lifeguard's S: patience is stretched up to this plus one times */

struct mcpz_linked {
    struct mcpz_id id;
    mcpz_time heard_us;     /* last message of any kind */
    mcpz_time used_us;      /* last message that somebody above sent or asked for */
    mcpz_time beat_at_us;   /* our next heartbeat */
    mcpz_time late_at_us;   /* when it is overdue; MCPZ_TIME_NEVER: it is late already */
    mcpz_time silent_at_us; /* when it is given up */
    mcpz_time sent_us;      /* our last heartbeat, `seq` */
    mcpz_time before_us;    /* the one before */
    mcpz_time heard_seq_us; /* when `heard_seq` came */
    mcpz_time echoed_at_us; /* when its echo last moved on */
    mcpz_time budget_at_us; /* when the budget was last filled up */
    uint32_t seq;           /* of our heartbeats */
    uint32_t heard_seq;     /* of its: echoed with our next */
    uint32_t echoed;        /* the last of ours that it has heard */
    uint32_t interval_us;   /* between our heartbeats, now */
    uint32_t promised_us;   /* between its, as it says */
    uint32_t late_by_us;    /* smoothed: how long after its promise it speaks */
    uint32_t patience_us;   /* silence before it is given up; grows with a history of it */
    uint32_t rtt_us;        /* smoothed; 0: not measured */
    uint32_t rtt_min_us;    /* the least seen */
    uint32_t budget_bytes;  /* of gossip that it may still send us */
    bool dialled;           /* by us */
    bool wanted;            /* somebody above counts on it: see mcpz_links_want() */
    bool used;              /* calls have gone over it: it is kept longer */
    bool late;
    bool tardy; /* its last heartbeat came late */
    bool deaf;  /* its echo stands still: it does not hear us */
};

/* What every step looks at, of all links side by side. Follows from the link: see refresh(). */
struct mcpz_link_pulse {
    mcpz_time due_us;   /* when a TICK has something to do for it */
    mcpz_time judge_us; /* no TICK before this finds it any different */
    struct mcpz_short name;
    uint32_t rtt_us; /* 0: not measured, or nobody above counts on it */
};

/* What a link has taught us of a peer, kept when it ends: the next one begins with it. */
struct mcpz_link_history {
    struct mcpz_short peer;
    uint32_t late_by_us;
    uint32_t patience_us; /* 0: free */
    mcpz_time at_us;
};

struct mcpz_links_config {
    struct mcpz_id self;
    size_t links_max;     /* 1 to MCPZ_LINKS_MAX */
    size_t dials_max;     /* 1 to MCPZ_REACHING_MAX */
    size_t seeds_max;     /* 1 to MCPZ_SEEDS_MAX */
    size_t address_bytes; /* of one address, with its end: longer ones are not dialled */
    uint64_t seed;
};

struct mcpz_links {
    const struct mcpz_node_timing *timing;
    struct mcpz_rng rng;
    struct mcpz_linked *links; /* config.links_max */
    struct mcpz_link_pulse *pulses;
    size_t count;
    size_t late_count;     /* of them */
    mcpz_time expected_us; /* the earliest deadline, as of the last step */
    mcpz_time due_us;      /* the same, with what was asked for since */
    mcpz_time awake_us;    /* when we last noticed that we had stood still, */
    mcpz_time slept_us;    /* and for how long */
    mcpz_time crowd_us;    /* when the share of late links was last held against ourselves */
    uint32_t health;       /* Lifeguard's LHM, 0 to MCPZ_HEALTH_MAX: 0 is well */
    uint64_t lags;         /* times we ourselves stood still */
    struct mcpz_dials dials;
    struct mcpz_links_config config;
    uint64_t one_way;     /* links given up because the other end did not hear us */
    uint64_t over_budget; /* gossip dropped because a peer sent too much of it */
    struct mcpz_link_history history[MCPZ_LINK_HISTORIES];
};

/** How much mcpz_links_init() takes from its arena, and how much of that is looked at often. */
size_t mcpz_links_bytes(const struct mcpz_links_config *config);
size_t mcpz_links_often_bytes(const struct mcpz_links_config *config);

/** Start without links. `config` is copied, `timing` borrowed, `arena` has room (asserted). */
void mcpz_links_init(struct mcpz_links *links, const struct mcpz_links_config *config,
                     const struct mcpz_node_timing *timing, struct mcpz_arena *arena,
                     mcpz_time now);

/**
 * Take in one event. Handles LINK_UP, LINK_DOWN, DIAL_FAILED, SEED, LEAVE, TICK and RECV. Tells
 * LINKED, UNLINKED, LATE, PROMPT, UNREACHABLE. PINGs it sends lack `digest` and `neighbour`.
 *
 * False: the event goes no further. It is a message from who is not linked, from who does not hear
 * us, or more gossip than one peer may send.
 */
bool mcpz_links_step(struct mcpz_links *links, mcpz_time now, const struct mcpz_event *event,
                     struct mcpz_outbox *out);

/**
 * Try to have a link to `peer` at `address`: ends with LINKED or UNREACHABLE, both later. Nothing
 * if that is under way; UNREACHABLE at once if it cannot be tried. There is no link to it now.
 */
void mcpz_links_reach(struct mcpz_links *links, mcpz_time now, const struct mcpz_id *peer,
                      struct mcpz_bytes address, struct mcpz_outbox *out);

/**
 * Dial a seed although there are links: each in turn. Ends with LINKED if it answers. Where there
 * is a link to it already, that is returned, and nothing is dialled; else NULL.
 */
const struct mcpz_linked *mcpz_links_dial_seed(struct mcpz_links *links, struct mcpz_outbox *out);

/** Somebody above counts on the link to `peer` from now on, or no longer. */
void mcpz_links_want(struct mcpz_links *links, mcpz_time now, const struct mcpz_id *peer,
                     bool wanted);

/** Be at least so patient with a linked peer, up to a bound: it is known to be slow. */
void mcpz_links_bear(struct mcpz_links *links, const struct mcpz_id *peer, mcpz_time patience_us);

/** Is its heartbeat overdue, however patient we are with it? */
bool mcpz_links_is_overdue(const struct mcpz_linked *link, mcpz_time now);

/** Have we just woken from standing still? What seems to be wrong with others may be our fault. */
bool mcpz_links_have_just_woken(const struct mcpz_links *links, mcpz_time now);

/** Have we slept so long, and woken so lately, that what comes now is what has waited for us? */
bool mcpz_links_hear_the_past(const struct mcpz_links *links, mcpz_time now);

/** Move our own health by `by`, which is -1 or 1: Lifeguard's events. */
void mcpz_links_feel(struct mcpz_links *links, int by);

mcpz_time mcpz_links_deadline(const struct mcpz_links *links);

/** The link to `peer`, NULL if there is none. */
const struct mcpz_linked *mcpz_links_find(const struct mcpz_links *links,
                                          const struct mcpz_id *peer);

/** The link to the peer whose id begins so, NULL if there is none. */
const struct mcpz_linked *mcpz_links_find_short(const struct mcpz_links *links,
                                                struct mcpz_short name);

#endif
