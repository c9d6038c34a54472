/*
 * X-BOT: neighbours that are near take the place of neighbours that are far away, four nodes at a
 * time, and nobody has more or fewer of them after than before.
 *
 *   i --- o        i     o      i    who wants it: o is its worst neighbour, c a candidate
 *                  |     |      o    the old one
 *   c --- d        c     d      c    the candidate, which has no place free
 *                               d    the worst neighbour of c
 *
 *   i: measures two candidates, takes the better one     OPTIMISE -> c
 *   c: has a place: takes i in, SWITCHED -> i; else      REPLACE  -> d
 *   d: measures o; worth it as a whole:                  SWITCH   -> o
 *   o: takes d for i                                     SWITCHED -> d -> c -> i, each of which
 *                                                        changes its view on hearing it
 *
 * What a link costs is its least round trip. An exchange begins only for one that lies in a nearer
 * ring, by 2 ms at least: where all are near nothing is sent and nobody reached. It is made if the
 * two new links cost less than the two old ones.
 *
 * The `unbiased` longest standing neighbours, of those first that we asked for ourselves, are not
 * given away for our own sake (as i and c), and half of them not for others' either (as o and d):
 * these links by lot keep the graph an expander. Were all of them kept from both sides, most
 * links could not move, since who asked for a link and who was asked have others in mind.
 * Neighbours of other scopes (core/overlay.h) are exchanged for others of other scopes only.
 *
 * A neighbour whose exchange came to nothing has its turn again after all others.
 *
 * A node takes part in one exchange at a time and says no to others meanwhile. Every wait ends. A
 * yes that comes too late is met with DISCONNECT; what a lost message leaves behind, the overlay's
 * heartbeats mend.
 *
 * Source: X-BOT (Leitao, Marques, Pereira, Rodrigues, SRDS 2009). There who is let go is told
 * to wait (DISCONNECTWAIT); here the old one just does not say that it has let go. Rings
 * and their hysteresis are those of Corrosion.
 */

#ifndef CORE_XBOT_H
#define CORE_XBOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/rng.h"
#include "base/time.h"
#include "core/event.h"
#include "core/outbox.h"
#include "core/overlay.h"
#include "proto/id.h"

#define MCPZ_XBOT_CANDIDATES_MAX 2 /* PSL, the passive scan length */
#define MCPZ_XBOT_HYSTERESIS_US MCPZ_MS(2)
#define MCPZ_XBOT_ANSWER_US MCPZ_SECONDS(2) /* for a hop of an exchange */
#define MCPZ_XBOT_WAIT_PERIODS 4            /* between two scans at most, if they find nothing */

/* 0 in a field: the default behind it. */
struct mcpz_xbot_config {
    mcpz_time period_us;  /* between two scans: 30 s, and a fifth more or less */
    mcpz_time measure_us; /* from asking for a link to reading its round trip: 4 s */
    size_t unbiased;      /* mu, neighbours of our scope that we do not exchange: 2 */
    size_t address_bytes; /* of one address with its end; 0: addresses are not kept */
};

/* How far away the peers are that we are linked to: the least round trip; 0: not known. */
struct mcpz_xbot_rtts {
    const void *context;
    uint32_t (*of)(const void *context, const struct mcpz_id *peer);
};

/* What we are doing, and as whom. */
enum mcpz_xbot_stage {
    MCPZ_XBOT_IDLE,
    MCPZ_XBOT_SCANS,     /* i, while it measures its candidates */
    MCPZ_XBOT_OPTIMISES, /* i, until c answers */
    MCPZ_XBOT_REPLACES,  /* c, until d answers */
    MCPZ_XBOT_MEASURES,  /* d, while it measures o */
    MCPZ_XBOT_SWITCHES,  /* d, until o answers */
};

struct mcpz_xbot_candidate {
    struct mcpz_id id;
    struct mcpz_where where;
};

struct mcpz_xbot {
    mcpz_time scan_at_us;
    mcpz_time until_us; /* of the stage */
    enum mcpz_xbot_stage stage;
    uint32_t candidate_count;
    struct mcpz_xbot_config config;
    struct mcpz_rng rng;
    mcpz_time wait_us;   /* until the scan after: grows while they find nothing */
    struct mcpz_id gone; /* the neighbour to give away */
    struct mcpz_xbot_candidate candidates[MCPZ_XBOT_CANDIDATES_MAX]; /* the first is to come */
    struct mcpz_id asked;     /* whose SWITCHED we wait for */
    uint32_t seq;             /* of what we asked last */
    struct mcpz_id asker;     /* c, d: whom we owe an answer */
    uint32_t asker_seq;       /* to what it asked */
    struct mcpz_id initiator; /* d: who is i */
    uint32_t limit_us;        /* d: the link to o must cost less */
    uint64_t scans;
    uint64_t swaps;   /* neighbours exchanged, as whoever */
    uint64_t refused; /* asks of others */
};

/** Is a message for it? To others it pays no attention. */
static inline bool mcpz_xbot_takes(enum mcpz_msg_kind kind)
{
    return kind >= MCPZ_MSG_OVERLAY_OPTIMISE && kind <= MCPZ_MSG_OVERLAY_SWITCHED;
}

/** How much mcpz_xbot_init() takes from its arena. */
size_t mcpz_xbot_bytes(const struct mcpz_xbot_config *config);

/** `arena` has room (asserted); it may be NULL where addresses are not kept. */
void mcpz_xbot_init(struct mcpz_xbot *xbot, const struct mcpz_xbot_config *config,
                    struct mcpz_arena *arena, uint64_t seed, mcpz_time now);

/**
 * Take in one event that `overlay` has taken in before. Handles LINK_DOWN, UNREACHABLE, LEAVE,
 * TICK, and RECV of OVERLAY_OPTIMISE .. OVERLAY_SWITCHED. Changes the views of `overlay`. Asks for
 * SEND, REACH and the overlay's facts.
 */
void mcpz_xbot_step(struct mcpz_xbot *xbot, struct mcpz_overlay *overlay,
                    const struct mcpz_xbot_rtts *rtts, mcpz_time now,
                    const struct mcpz_event *event, struct mcpz_outbox *out);

/** When the next TICK is due: never, while there is nothing to do but to wait for neighbours. */
mcpz_time mcpz_xbot_deadline(const struct mcpz_xbot *xbot, const struct mcpz_overlay *overlay);

/** Which ring a round trip lies in, 0 the nearest. */
uint32_t mcpz_xbot_ring(uint64_t rtt_us);

/** May we exchange the neighbour at this index for our own sake? */
bool mcpz_xbot_is_biased(const struct mcpz_xbot *xbot, const struct mcpz_overlay *overlay,
                         size_t at);

#endif
