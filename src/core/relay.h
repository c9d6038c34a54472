/*
 * Relays: calls between two nodes that cannot have a link.
 *
 *                UNREACHABLE, or it takes too long         GREETED
 *   REACH: WANTED --------------------------> GREETING --------------> UP   told to calls: RELAYED
 *             |  LINKED: calls need us not      ^  |  BROKEN, silent    |
 *             v                                 |  v  other way, or no  |
 *            free <-----------------------------|-free: UNREACHABLE     |
 *             ^                                 |                       |  BROKEN, silent, a hop
 * of |  the other end began it         +-----------------------+  its way is dead
 *             +---------------------------------------------------------+  UNRELAYED
 *
 * A session is a link in all but name, over links that exist between others (core/route.h): calls'
 * messages to its peer are sealed (proto/sealer.h), wrapped in RELAY, and handed from hop to hop
 * (core/relay/carrier.h); at the other end they are opened and taken in as from their true origin.
 * Messages of calls cross it, that a provider is still at one (TASK_RENEW), that who hears it
 * should dial, where nobody else can (TASK_CHECK: core/task_reach.c), and letters. What is to wait
 * for our disk does, and all that is said after it. Who begins it finds the way and, when that
 * breaks, another one: calls are then started over as when another link takes the place of theirs.
 *
 * Who has joined just now has not told of its neighbours yet, and neither have they of it: where
 * the map knows no way, our own neighbours are asked, one after the other, and again for a while.
 *
 * A letter is a piece of a message about documents, between nodes that keep them: who runs us
 * makes it out of one, and one out of it, as of what comes over a link (engine/letters.h).
 *
 *   sealed, plain:  [LETTER, GOES_ON or WHOLE, bytes]     [LETTER, TAKEN, how many bytes, be32]
 *
 * MCPZ_LETTERS_FLYING_MAX bytes of them are under way at most, with all that hops count of each;
 * the other end says when it has taken a quarter of that. There is a session as long as something
 * is said, and then for a while.
 *
 * As long as a session is up what becomes of a link to its peer is no concern of its calls. It
 * ends when no call has needed it for a while; the next one takes a link if there is one.
 *
 * A way breaks when a hop says that it cannot hand on, which it signs, or when our own first hop
 * takes nothing (carrier.h), or when nothing is heard. Each hop is believed about its own next
 * step, once; a hop that breaks a session again soon is gone round itself, if there is a way round
 * it.
 *
 * Of two nodes that greet each other at once the smaller id's greeting counts.
 */

#ifndef CORE_RELAY_H
#define CORE_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/rng.h"
#include "base/time.h"
#include "core/event.h"
#include "core/fabric.h"
#include "core/outbox.h"
#include "core/relay/carrier.h"
#include "core/route.h"
#include "proto/id.h"
#include "proto/limits.h"
#include "proto/sealer.h"

#define MCPZ_RELAY_AVOID_MAX 4    /* steps of ways that broke */
#define MCPZ_RELAY_ATTEMPTS_MAX 3 /* ways tried to greet one peer */

#define MCPZ_LETTER_HEAD_BYTES 2
/* Of a letter on its way, as hops count it. */
#define MCPZ_LETTER_COST(length)                                                                  \
    ((uint32_t)(length) + MCPZ_LETTER_HEAD_BYTES + MCPZ_SEAL_BYTES + MCPZ_RELAY_OVERHEAD_BYTES)

enum mcpz_relay_state {
    MCPZ_RELAY_FREE,
    MCPZ_RELAY_WANTED,     /* a link to it is tried first */
    MCPZ_RELAY_GREETING,   /* we have greeted it */
    MCPZ_RELAY_GREETED_US, /* it has greeted us, and said nothing in the session yet */
    MCPZ_RELAY_UP,
};

/* A way to the peer, and the number of the session that uses it. */
struct mcpz_relay_way {
    uint64_t session;
    struct mcpz_short path[MCPZ_OVERLAY_WALK_MAX]; /* us first, it last */
    size_t path_count;                             /* 0: there is none */
};

struct mcpz_relay_session {
    struct mcpz_id peer;
    enum mcpz_relay_state state;
    bool is_ours; /* we have begun it: finding another way is up to us */
    bool was_up;  /* calls may still count on it */
    bool needed;  /* calls are under way, or wait for it */
    struct mcpz_relay_way way;
    struct mcpz_relay_way next; /* its newest greeting: counts once something in it was opened */
    mcpz_time greeted_us;       /* when it was greeted so */
    uint32_t bank;              /* which of our two numbers for its keys is that of `way` */
    uint32_t attempts;
    struct mcpz_route_step avoid[MCPZ_RELAY_AVOID_MAX];
    size_t avoid_count;
    struct mcpz_short blamer; /* the hop that last said that its next step is broken */
    mcpz_time blamed_us;
    mcpz_time give_up_us; /* a way that is not known yet may become so until then */
    mcpz_time act_at_us;  /* WANTED: greet; GREETING, GREETED_US: give up */
    mcpz_time heard_us;
    mcpz_time said_us;
    mcpz_time used_us;
    mcpz_time durable_until_us; /* what we say until then waits for our disk */
    uint32_t letters_flying;    /* what letters cost on their way, said and not taken yet */
    uint32_t letters_owed;      /* taken, and not said yet */
    mcpz_time letters_us;       /* when there was one last; 0: never */
};

struct mcpz_relay_config {
    struct mcpz_id self;
    struct mcpz_sealer sealer; /* without it nothing is relayed for us; for others it is */
    size_t sessions_max;       /* 0: MCPZ_RELAY_SESSIONS_MAX */
    size_t links_max;
    uint64_t seed;
};

struct mcpz_relay {
    struct mcpz_relay_config config;
    struct mcpz_rng rng;
    struct mcpz_carrier carrier;
    struct mcpz_relay_session *sessions; /* config.sessions_max */
    size_t count;                        /* that are not free */
    uint32_t greetings;                  /* taken in since `greetings_us` */
    mcpz_time greetings_us;
    uint64_t begun;
    uint64_t accepted;
    uint64_t broken;  /* of those that were up */
    uint64_t forged;  /* what was sealed or signed, and not as it should be */
    uint64_t doubted; /* times that a hop was to be gone round, for what it said of another */
    uint64_t over_budget;
    uint64_t letters_said;
    uint64_t letters_heard;
};

/* What a step comes to, beside actions. */
struct mcpz_relay_outcome {
    bool taken;     /* the event is for nobody above */
    bool hidden;    /* it is not for calls */
    bool delivered; /* `msg` has come from `from`, through others */
    struct mcpz_id from;
    struct mcpz_msg msg; /* slices point into the outbox */
};

/** How much mcpz_relay_init() takes from its arena. */
size_t mcpz_relay_bytes(const struct mcpz_relay_config *config);

/** Start without sessions. `arena` has room (asserted). */
void mcpz_relay_init(struct mcpz_relay *relay, const struct mcpz_relay_config *config,
                     struct mcpz_arena *arena);

/**
 * Take in one event. Handles RECV of RELAY and RELAY_TAKEN, LETTER, TICK, LEAVE; facts LINKED,
 * UNLINKED, UNREACHABLE, DEAD and LEFT. Tells RELAYED, UNRELAYED and UNREACHABLE.
 */
void mcpz_relay_step(struct mcpz_relay *relay, const struct mcpz_fabric *fabric, mcpz_time now,
                     const struct mcpz_event *event, struct mcpz_outbox *out,
                     struct mcpz_relay_outcome *outcome);

/**
 * What is asked for from action `first` on, before it sinks: REACH of a peer that may be through
 * others. Tells UNRELAYED of a session that gives way.
 */
void mcpz_relay_note(struct mcpz_relay *relay, mcpz_time now, struct mcpz_outbox *out,
                     size_t first);

/**
 * Seal and wrap what calls send to peers of sessions, from action `first` on. Returns the action
 * after the last that was looked at.
 */
size_t mcpz_relay_carry(struct mcpz_relay *relay, const struct mcpz_fabric *fabric, mcpz_time now,
                        struct mcpz_outbox *out, size_t first);

/** May a LETTER for `peer` be handed in: is there a session, and room in it? */
bool mcpz_relay_takes_letter(const struct mcpz_relay *relay, const struct mcpz_id *peer);

/** Can calls to `peer` go through others now? */
bool mcpz_relay_reaches(const struct mcpz_relay *relay, const struct mcpz_id *peer);

/** Could a session with a peer that has no address be tried at all? */
bool mcpz_relay_is_there(const struct mcpz_relay *relay);

/** Calls with the peer of this session are under way or wait for it, or not. */
void mcpz_relay_need(struct mcpz_relay *relay, size_t session, mcpz_time now, bool needed);

mcpz_time mcpz_relay_deadline(const struct mcpz_relay *relay);

#endif
