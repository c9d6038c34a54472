/*
 * What has been forgotten in this mesh, and whether a node can know of it.
 *
 * A deleted document leaves a small one behind, so that nobody brings it back who was away. When
 * all who keep it have known that for longer than the grace, it is forgotten. Whoever was away
 * before that, and still has it as it was, must not bring it back:
 *
 *   the horizon H   whoever was here last before H may hold what was forgotten. It rises in steps
 *                   when something is forgotten, in the same batch, and is told on: the highest
 *                   one counts. 0: nothing ever was, and all of this does nothing.
 *   fresh F         until then others know that we were here: one that has all that we have says
 *                   so, by its clock, if a majority of all it has met is there, and of all we
 *                   have, and others were with it since it came; else it passes on its own.
 *   F < H           we are stale.
 *
 * From a peer that is stale we take no document that we do not have at all, but for one that was
 * begun after H. All else merges as ever: where both have a document nothing of it is lost, and
 * nothing comes back that was removed. Whoever is stale has its documents looked through before it
 * is fresh again (core/crdt/recheck.h).
 *
 * HORIZON is the first that is said of documents on a link, and again when something of it has
 * changed. A peer of which we have not heard it counts as stale where something was forgotten.
 *
 * Nobody is stale for being off when nothing was forgotten meanwhile: H stands still, however long
 * it takes. Whoever has nothing is as fresh as the first it meets, and as stale.
 *
 * Source: docs reference crdt 1.5, G5; Apache Cassandra, gc_grace_seconds; Ditto, "tombstone TTL".
 */

#ifndef CORE_CRDT_HORIZON_H
#define CORE_CRDT_HORIZON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "proto/agent.h"
#include "proto/id.h"
#include "proto/limits.h"
#include "proto/msg.h"
#include "proto/store.h"

#define MCPZ_GRACE_MS_DEFAULT UINT64_C(864000000)   /* ten days: crdt 1.5, G4 */
#define MCPZ_HORIZON_STEP_MS_MAX UINT64_C(86400000) /* a day: between two horizons */
#define MCPZ_HORIZON_STEPS 10 /* or such a part of the grace, if that is less */
#define MCPZ_HORIZON_HAD_AGAIN_MS                                                                 \
    UINT64_C(600000) /* a peer is told again that we have all it has */
#define MCPZ_HORIZON_TOLD_ALL UINT64_MAX
#define MCPZ_HORIZON_PEERS_MAX (MCPZ_LINKS_MAX + MCPZ_RELAY_SESSIONS_MAX)

/* A peer that we are linked to, or have a session with. */
struct mcpz_horizon_peer {
    struct mcpz_id id;
    bool is_heard;     /* it has said all of what follows */
    bool is_whole;     /* what it does not know was forgotten */
    uint64_t fresh_ms; /* its F */
    bool owes;         /* we are to tell it ours */
    uint64_t had_ms;   /* when we last had all that it has; 0: that is not to be told */
    uint64_t said_ms;  /* and last told it so */
};

struct mcpz_horizon {
    const struct mcpz_store *store;
    uint64_t grace_ms;
    struct mcpz_record_horizon row; /* as it is, or is to be, in the store */
    uint64_t kept_ms;               /* `fresh_ms` as it is in the store */
    bool is_read;                   /* once, since we run */
    bool is_lost;                   /* what we told of is not in the store: a batch was lost */
    struct mcpz_horizon_peer peers[MCPZ_HORIZON_PEERS_MAX];
    size_t peer_count;
    bool is_majority; /* of all we have met: set by who knows, before HORIZON is heard or said */

    uint64_t rises;   /* of the horizon, since we run */
    uint64_t refused; /* horizons that nobody can have */
};

/* What hearing a peer has changed. */
struct mcpz_horizon_news {
    bool has_risen;  /* the horizon */
    bool is_lifted;  /* from now on we take from it what we do not have */
    bool is_invalid; /* nothing of it was taken for true */
};

/* What hearing a peer goes by. */
struct mcpz_horizon_sight {
    uint64_t wall_ms;
    uint64_t hlc;  /* the greatest stamp that we know */
    bool is_empty; /* we have no document */
};

/** The horizon of a forgetting now, where everybody waits for who is away for `grace_ms`. */
uint64_t mcpz_horizon_of(uint64_t wall_ms, uint64_t grace_ms);

/** Know nothing, of no peer. `grace_ms` 0: the default. `store` is borrowed. */
void mcpz_horizon_init(struct mcpz_horizon *horizon, const struct mcpz_store *store,
                       uint64_t grace_ms);

/**
 * Read what the store has. `hlc` is the greatest stamp in it: what is there we may have told.
 * Where that is done again, as a batch was lost, we know better what was told.
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_horizon_load(struct mcpz_horizon *horizon, uint64_t hlc);

/** Write what was lost with a batch, if it was: a while later, or before we write a delta. */
void mcpz_horizon_rewrite(struct mcpz_horizon *horizon);

/** Are we stale? */
bool mcpz_horizon_is_stale(const struct mcpz_horizon *horizon);

/** Do we take no document from `peer` that we do not have at all? */
bool mcpz_horizon_holds(const struct mcpz_horizon *horizon, const struct mcpz_id *peer);

/** Has `peer` said that it is stale? */
bool mcpz_horizon_is_said_stale(const struct mcpz_horizon *horizon, const struct mcpz_id *peer);

/** Was the document begun with `delta` after the horizon, so that nobody can have forgotten it? */
bool mcpz_horizon_is_begun_after(const struct mcpz_horizon *horizon,
                                 const struct mcpz_delta *delta);

/** Is what we do not know known to nobody else but who is stale? */
bool mcpz_horizon_vouches(const struct mcpz_horizon *horizon);

/** The same of a linked peer. */
bool mcpz_horizon_is_vouched_by(const struct mcpz_horizon *horizon, const struct mcpz_id *peer);

/**
 * Something is forgotten: the horizon is `horizon_ms`, if it was lower. False: that would make us
 * stale, so nothing is to be forgotten now, as our clock is wrong, or we are; nothing is changed.
 */
MCPZ_MUST_USE bool mcpz_horizon_raise(struct mcpz_horizon *horizon, uint64_t horizon_ms);

/** There is a link or session with `peer` now; or no more. */
void mcpz_horizon_linked(struct mcpz_horizon *horizon, const struct mcpz_id *peer,
                         uint64_t wall_ms);
void mcpz_horizon_unlinked(struct mcpz_horizon *horizon, const struct mcpz_id *peer, uint64_t hlc);

/** `peer` has said HORIZON. */
struct mcpz_horizon_news mcpz_horizon_hear(struct mcpz_horizon *horizon,
                                           const struct mcpz_id *peer,
                                           const struct mcpz_msg_horizon *said,
                                           const struct mcpz_horizon_sight *sight);

/** We have the same documents as `peer`, all of them. */
void mcpz_horizon_is_equal(struct mcpz_horizon *horizon, const struct mcpz_id *peer);

/**
 * We have all that `peer` had at `asked_ms`: when it was asked, or later. When it was heard says
 * nothing: either of us may have stood still in between.
 */
void mcpz_horizon_had(struct mcpz_horizon *horizon, const struct mcpz_id *peer, uint64_t asked_ms);

/** All our documents were looked through by who is fresh, at `fresh_ms` of its clock. */
void mcpz_horizon_freshen(struct mcpz_horizon *horizon, uint64_t fresh_ms, uint64_t wall_ms);

/** A peer that is to be told of ours; NULL: none is. What it is to be told is in `said`. */
struct mcpz_horizon_peer *mcpz_horizon_next(struct mcpz_horizon *horizon,
                                            struct mcpz_msg_horizon *said);

/** Is anybody to be told? */
bool mcpz_horizon_owes(const struct mcpz_horizon *horizon);

/** It was told. */
void mcpz_horizon_told(struct mcpz_horizon_peer *peer);

#endif
