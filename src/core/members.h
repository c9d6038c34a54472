/*
 * Who is in the mesh, and which of them we are connected to.
 *
 * Every member is linked, up to MCPZ_LINKS_MAX links. A link is pinged when it is idle; a silent
 * one is given up. Losing the last sign of a member makes it suspect; a suspect that nobody hears
 * of is declared dead; news spreads by flooding, each piece forwarded once. A member that hears
 * it is suspected raises its incarnation and says so. What a flood missed (a link that came or
 * went at the wrong moment) is mended by telling one neighbour all rows every anti_entropy_us;
 * that makes no news, since a row is only taken if it is newer.
 *
 *             link lost or silent                 silent for suspect_us
 *   ALIVE --------------------------> SUSPECT --------------------------> DEAD
 *     ^                                  |                                  |
 *     +----------------------------------+----------------------------------+
 *        heard from it, or news of it with a higher incarnation
 *
 * The dead stay in the table for forget_us and are dialled, ever less often, until they answer.
 *
 * Source: Das, Gupta, Motivala, "SWIM", DSN 2002, section 4.2 (suspicion, incarnations). Not
 * here: partial views, indirect probes, confirmations.
 */

#ifndef CORE_MEMBERS_H
#define CORE_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "base/time.h"
#include "core/event.h"
#include "core/outbox.h"
#include "core/timing.h"
#include "proto/id.h"
#include "proto/limits.h"
#include "proto/msg.h"

struct mcpz_member {
    struct mcpz_id id;
    uint64_t incarnation;
    enum mcpz_member_state state;
    mcpz_time since_us;         /* in this state */
    mcpz_time suspect_until_us; /* MCPZ_TIME_NEVER unless suspect */
    char name[MCPZ_NAME_BYTES_MAX + 1];
    char address[MCPZ_ADDRESS_BYTES_MAX + 1]; /* "": dials out only */
    char region[MCPZ_NAME_BYTES_MAX + 1];
    char zone[MCPZ_NAME_BYTES_MAX + 1];
    char roles[MCPZ_ROLES_MAX][MCPZ_NAME_BYTES_MAX + 1];
    size_t role_count;

    /* Dialling it, while there is no link. */
    mcpz_time dial_at_us; /* MCPZ_TIME_NEVER: not waiting to dial */
    mcpz_time redial_us;  /* how long to wait after the next failure */
    bool has_enough;      /* it said that all its links are taken */
};

/* A neighbour: an admitted link. Its member row may come a moment later. */
struct mcpz_neighbour {
    struct mcpz_id id;
    mcpz_time up_us;
    mcpz_time heard_us;   /* last message of any kind */
    mcpz_time ping_at_us; /* when to ask for a sign of life */
    mcpz_time pinged_us;  /* when the ping under way was sent; MCPZ_TIME_NEVER: none */
    uint32_t ping_seq;
    uint32_t rtt_us; /* smoothed; 0: not measured */
    bool dialled;    /* by us */
};

/* An address from configuration or a token, dialled while we know no living member. */
struct mcpz_seed {
    char address[MCPZ_ADDRESS_BYTES_MAX + 1];
    mcpz_time dial_at_us; /* MCPZ_TIME_NEVER: a dial is under way, or it is linked */
    mcpz_time redial_us;
    struct mcpz_id peer; /* who answered there last; zeros: nobody yet */
};

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
};

struct mcpz_members {
    const struct mcpz_node_timing *timing; /* of the node we are part of */
    struct mcpz_rng rng;
    struct mcpz_member members[MCPZ_MEMBERS_MAX]; /* the first is ourselves */
    size_t member_count;
    struct mcpz_neighbour neighbours[MCPZ_LINKS_MAX];
    size_t neighbour_count;
    struct mcpz_seed seeds[MCPZ_SEEDS_MAX];
    size_t seed_count;
    mcpz_time compare_at_us; /* when to tell a neighbour all we know again */
    uint64_t dropped;        /* news about members there was no room for */
    bool leaving;
};

/** Start alone and alive. `timing` is borrowed. `seed` decides the jitter. */
void mcpz_members_init(struct mcpz_members *members, const struct mcpz_members_config *config,
                       const struct mcpz_node_timing *timing, uint64_t seed, mcpz_time now);

/** Take in one event. Handles RECV of PING, ACK, MEMBER; LINK_*, DIAL_FAILED, SEED, LEAVE, TICK.
 */
void mcpz_members_step(struct mcpz_members *members, mcpz_time now, const struct mcpz_event *event,
                       struct mcpz_outbox *out);

/** Turn each BROADCAST in `out`, from action `first` on, into a SEND to the neighbours it is for.
 */
void mcpz_members_sink(const struct mcpz_members *members, struct mcpz_outbox *out, size_t first);

mcpz_time mcpz_members_deadline(const struct mcpz_members *members);

/** The row of `id`, NULL if there is none. */
const struct mcpz_member *mcpz_members_find(const struct mcpz_members *members,
                                            const struct mcpz_id *id);

/** The link to `id`, NULL if there is none. */
const struct mcpz_neighbour *mcpz_members_neighbour(const struct mcpz_members *members,
                                                    const struct mcpz_id *id);

/** Members held for alive or suspect, ourselves included. */
size_t mcpz_members_alive_count(const struct mcpz_members *members);

#endif
