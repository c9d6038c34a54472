/*
 * Who is in the mesh, or in our part of it (our scope): SWIM over links that stay.
 *
 *              somebody doubts it                 convicted
 *   ALIVE --------------------------> SUSPECT ---------------------> DEAD
 *     ^                                  |                             |
 *     +----------------------------------+-----------------------------+
 *        it says otherwise, with a higher incarnation: only it can
 *
 * A member's neighbours are its observers. What one of them sees is a hint: a heartbeat overdue, a
 * link lost, a redial refused. Each says so for itself. Everybody weighs what was said by the same
 * rules, and whoever comes to a conclusion tells it:
 *
 *   - two observers whose redial was refused: convicted at once;
 *   - enough observers (three, or all it has) have lost it, nobody alive counts it among its
 *     neighbours, and early_us have passed since the first report: convicted;
 *   - its grace is over (Lifeguard: the shorter the more observers agree, the longer the worse we
 *     are ourselves) and nobody alive counts it among its neighbours: convicted;
 *   - whoever hears it convicts nobody, but tells it what is said of it.
 *
 * Whoever somebody alive still counts among its neighbours when its grace is over is cleared,
 * unless somebody has lost it: it may not have heard what is said of it. Who was doubted and
 * answered is slow and no more: it is not called late again for a while, only when it is lost.
 *
 * Of many who are in doubt at once none is convicted before one and a half times the silence that
 * ends a link, and no link is given up before three times that: one cause is likelier than as many
 * deaths, and it may pass (core/overdue.h).
 *
 * Who has no neighbour left judges nobody: it is more likely to be alone itself. A node says no
 * more than so many suspicions a minute. What a broadcast missed is mended when heartbeats show
 * that two neighbours' tables differ: they compare how far along each row is, and send what the
 * other lacks. That makes no news: only a member itself can say that it is alive, and what others
 * hold for dead is a rumour that it is asked about; but each of them counts as its observer.
 *
 * Who is revoked has left, and is not heard any more. It has not said so itself, so nobody hands
 * that on as its word: engine/revocations.h tells everybody.
 *
 * The dead stay in the table for forget_us and are tried again, ever less often, so that a mesh
 * that was cut in two finds itself again.
 *
 * Sources: Das, Gupta, Motivala, "SWIM", DSN 2002, section 4.2; Dadgar, Phillips, Currey,
 * "Lifeguard", 2018; protocols.md 1.6.
 */

#ifndef CORE_MEMBERS_H
#define CORE_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/rng.h"
#include "base/time.h"
#include "core/event.h"
#include "core/links.h"
#include "core/outbox.h"
#include "core/probes.h"
#include "core/roster.h"
#include "core/suspicion.h"
#include "core/timing.h"
#include "proto/id.h"
#include "proto/limits.h"
#include "proto/msg.h"
#include "proto/notary.h"

#define MCPZ_SUSPECTS_PER_MINUTE 30 /* suspicions that one node may begin */
#define MCPZ_CROWD_PATIENCE 3 /* where many are in doubt, links are kept: times link_silent_us */
#define MCPZ_CROWD_SILENCE_TENTHS 15  /* and nobody is convicted sooner: tenths of it */
#define MCPZ_COMPARISONS_MAX 16       /* peers whose digest is kept in mind */
#define MCPZ_ROWS_PER_SUMMARY_MAX 256 /* sent in answer to one comparison; the next goes on */

struct mcpz_members_config {
    struct mcpz_id id;
    uint64_t incarnation;
    /* Texts are copied, cut to their bounds. */
    const char *name;
    const char *address;
    const char *region;
    const char *zone;
    const char *roles[MCPZ_ROLES_MAX];
    size_t role_count;

    bool zone_only;        /* members are those of our region and zone; else everybody is one */
    size_t rows_max;       /* 2 to MCPZ_MEMBERS_MAX */
    size_t text_bytes;     /* of what they say of themselves, together */
    size_t adjacency_max;  /* neighbours kept of each; 0: MCPZ_ADJACENCY_MAX */
    size_t suspicions_max; /* held at one time, to MCPZ_SUSPICIONS_MAX */
    struct mcpz_notary notary;
};

/* What a linked peer's digest has told. */
struct mcpz_comparison {
    struct mcpz_short peer;
    uint32_t differed; /* heartbeats in a row that differed; 0 with `peer` 0: free */
    bool awaits;       /* an answer */
    mcpz_time asked_us;
};

struct mcpz_members {
    const struct mcpz_node_timing *timing; /* of the node we are part of */
    struct mcpz_roster roster;
    struct mcpz_suspicions suspicions;
    uint32_t other_digest;     /* of what machines above us hold: part of what heartbeats tell */
    uint32_t comparison_count; /* in use */
    struct mcpz_short lost;    /* no path led to it when we looked last; 0: nobody is */
    mcpz_time adjacency_at_us;
    mcpz_time probe_at_us;
    mcpz_time reconnect_at_us;
    mcpz_time overdue_at_us;   /* when late neighbours are looked at: core/overdue.h */
    mcpz_time overdue_seen_us; /* and were looked at last */
    mcpz_time crowd_us;        /* when many were in doubt last; 0: never */
    mcpz_time forget_at_us;
    mcpz_time ask_at_us;  /* when a suspect is asked for itself */
    mcpz_time look_at_us; /* when those lost as we woke are looked at: core/recall.h */
    bool leaving;
    bool zone_only;
    struct mcpz_probes probes;
    struct mcpz_rng rng;
    struct mcpz_notary notary;
    size_t neighbour_count;    /* of the overlay, in our scope */
    uint64_t scope_key;        /* of our region and zone */
    mcpz_time joined_us;       /* when we had our first neighbour */
    mcpz_time allowance_at_us; /* when the allowance of suspicions was last filled up */
    uint32_t allowance;
    uint32_t next_comparison; /* whose place is taken when there is none */
    struct mcpz_comparison comparisons[MCPZ_COMPARISONS_MAX];
    uint64_t dropped;  /* news there was no room for */
    uint64_t forged;   /* what was not signed by whom it is about */
    uint64_t spared;   /* suspicions not begun: over the allowance, or alone */
    uint64_t compared; /* summaries sent */
};

/** How much mcpz_members_init() takes from its arena, and how much of that is looked at often. */
size_t mcpz_members_bytes(const struct mcpz_members_config *config);
size_t mcpz_members_often_bytes(const struct mcpz_members_config *config);

/** Start alone and alive. `timing` is borrowed. `seed` decides the jitter; `arena` has room. */
void mcpz_members_init(struct mcpz_members *members, const struct mcpz_members_config *config,
                       const struct mcpz_node_timing *timing, struct mcpz_arena *arena,
                       uint64_t seed, mcpz_time now);

/**
 * Take in one event. Handles RECV of PING, MEMBER, SUSPECT, DEAD, ADJACENCY, SUMMARY and PROBE;
 * facts LINKED, UNLINKED, LATE, PROMPT, UNREACHABLE, NEIGHBOUR_UP and _DOWN; LEAVE, REVOKED, TICK.
 * Tells ALIVE, SUSPECT, DEAD, LEFT, REVOKED, REFUTED, DIFFERS, PROBED. `links` is looked at only.
 */
void mcpz_members_step(struct mcpz_members *members, const struct mcpz_links *links, mcpz_time now,
                       const struct mcpz_event *event, struct mcpz_outbox *out);

/** Names the scope of a region's zone. */
uint64_t mcpz_members_scope(struct mcpz_bytes region, struct mcpz_bytes zone);

/** What our heartbeats say of us. */
uint32_t mcpz_members_digest(struct mcpz_members *members);

mcpz_time mcpz_members_deadline(const struct mcpz_members *members);

/** How often a member was doubted and there, lately: 0 is well. */
uint32_t mcpz_members_flaps(const struct mcpz_member *member, mcpz_time now);

/** The row of `id`, NULL if there is none. */
const struct mcpz_member *mcpz_members_find(const struct mcpz_members *members,
                                            const struct mcpz_id *id);

/** Our own row. */
const struct mcpz_member *mcpz_members_self(const struct mcpz_members *members);

/** Members held for alive or suspect, ourselves included. */
size_t mcpz_members_alive_count(const struct mcpz_members *members);

/** Is it gone for good, whatever it says? Then it is no member, or one that has LEFT. */
bool mcpz_members_is_revoked(const struct mcpz_members *members, const struct mcpz_id *id);

/** A live member that no path leads to, by lot, once for each look at the map. NULL: there is
 * none. */
const struct mcpz_member *mcpz_members_take_lost(struct mcpz_members *members);

/** Are so many in doubt at once that one cause is likelier than as many deaths? */
bool mcpz_members_doubts_many(const struct mcpz_members *members);

/** What is held against a suspect; NULL: nothing. */
const struct mcpz_suspicion_case *mcpz_members_suspicion(const struct mcpz_members *members,
                                                         const struct mcpz_member *member);

#endif
