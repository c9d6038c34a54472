/*
 * Finding out what others have that we lack: whom we compare with, how, and how far it has come.
 *
 *   linked, and every anti_entropy_us with a neighbour by lot:
 *     ROOT {tag of all documents that both keep (core/crdt/shared.h)}  ->
 *                                  <-  ROOT {its own}
 *   tags are equal: what it has changed so far, we have. Its number is remembered: our cursor.
 *   tags differ, and we have a cursor:
 *     CHANGES_ASK {since}          ->                      each side from the other
 *                                  <-  CHANGES {up to 64 documents, how far along}
 *     WANT of each that differs    ->
 *     the next page when most are answered: who lacks everything is told of no more than it can
 *     ask for; and in the end the cursor moves, and ROOT is exchanged once more
 *   tags differ, and there is nothing more to read on either side, or no cursor:
 *     much more at one of us, or little at both: CHANGES since 0, from one peer at a time
 *     else a sketch (core/crdt/sketch.h), asked for by who has the smaller id
 *
 * While documents are written all the time tags are never equal: then changes are read every so
 * often, some per cent of what the deltas themselves take; a sketch is made after
 * MCPZ_ENTROPY_UNEQUAL_MAX comparisons in a row, and less and less often with a peer where it
 * finds nothing. Once a day one is made although tags are equal: its hashes nobody can prepare
 * for.
 *
 * Who keeps what may change at any time, and at each side at another: then cursors are void, as
 * are pages and symbols on their way, and nodes compare again once they go by the same.
 *
 * A peer may lie about what it has: we then read what is not news, once each time it says so, or
 * lack what it did not tell until others do. What it makes us remember is bounded by
 * MCPZ_LINKS_MAX.
 *
 * Source: reference/crdt.md, section 3.4; Apache CouchDB, replication protocol.
 */

#ifndef CORE_CRDT_ENTROPY_H
#define CORE_CRDT_ENTROPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/rng.h"
#include "base/siphash.h"
#include "base/time.h"
#include "core/crdt/holdings.h"
#include "core/crdt/scope.h"
#include "core/crdt/sketch.h"
#include "core/crdt/sync.h"
#include "core/overlay.h"
#include "proto/id.h"
#include "proto/limits.h"
#include "proto/msg.h"

#define MCPZ_ENTROPY_RELAYED_MAX (MCPZ_LINKS_MAX / 2) /* peers, and no session makes one more */
#define MCPZ_PULL_PATIENCE_US MCPZ_SECONDS(10)        /* for a page of changes */
#define MCPZ_PULL_WANTS_MAX 64                /* unanswered, when the next page is asked for */
#define MCPZ_PULL_AHEAD 16                    /* pages, and then one waits for the disk */
#define MCPZ_PULL_BULK 1024                   /* since 0 and of more documents: one at a time */
#define MCPZ_ENTROPY_SUM_PAUSE_US MCPZ_MS(1)  /* between two steps of summing up */
#define MCPZ_ENTROPY_AGAIN_US MCPZ_SECONDS(1) /* before what was read, or lost, is compared */
#define MCPZ_ENTROPY_UNEQUAL_MAX 4
#define MCPZ_ENTROPY_SMALL 64 /* documents: all are named rather than a sketch made */
#define MCPZ_ENTROPY_PAUSE_MAX_US MCPZ_SECONDS(3600) /* between two sketches with a peer */
#define MCPZ_ENTROPY_FULL_US MCPZ_SECONDS(86400)     /* between two that equal tags do not spare */
#define MCPZ_ENTROPY_CURSOR_STEP 64 /* a cursor that moves less by equal tags is not written */
#define MCPZ_ENTROPY_CURSOR_AGAIN_MS UINT64_C(600000)   /* but after so long it is, moved or not */
#define MCPZ_ENTROPY_CURSOR_AGE_MS UINT64_C(2592000000) /* 30 days: then it is forgotten */

enum mcpz_pull {
    MCPZ_PULL_NONE,
    MCPZ_PULL_ASKED, /* for a page */
    MCPZ_PULL_HELD,  /* a page is here; what it names is asked for */
};

/* A peer we are linked to. */
struct mcpz_entropy_peer {
    struct mcpz_id id;

    /* Our cursor: of its changes named `epoch` we have all up to `seq`. */
    bool has_cursor;
    uint64_t epoch;
    uint64_t seq;
    uint64_t kept_seq; /* as it is in the store */
    uint64_t kept_ms;  /* and when we last had all that it has, there */

    /* Comparing. */
    mcpz_time root_at_us; /* when ROOT is to be sent */
    uint64_t nonce;       /* of the one that is out; 0: none is */
    uint64_t asked_ms;    /* when it was sent: what is answered is no older */
    uint32_t unequal;     /* tags, in a row */
    uint64_t count;       /* of its documents, as it said last */

    /* Reading its changes. */
    enum mcpz_pull pull;
    bool pull_bulk;
    bool pull_last;
    bool pull_found; /* something we lacked */
    uint32_t pull_pages;
    bool pull_void; /* who keeps what has changed since: what comes is of no use */
    bool is_late;   /* waits for a bulk to end */
    uint64_t pull_epoch;
    uint64_t pull_seq; /* so far we have read */
    mcpz_time pull_until_us;
    uint64_t pull_asked_ms; /* for the last page */

    mcpz_time reads_until_us; /* it is reading ours, and will be equal by itself */

    /* Sketches. */
    mcpz_time sketch_at_us;    /* none before */
    mcpz_time sketch_pause_us; /* the next time one is of no use it is twice as long */
    bool is_blind;             /* the last one was made because tags were never equal */
};

struct mcpz_entropy {
    struct mcpz_holdings holdings;
    struct mcpz_id self;
    mcpz_time period_us;
    struct mcpz_rng rng;
    struct mcpz_siphash_key secret; /* for what must not be guessed */
    uint64_t drawn;
    mcpz_time compare_at_us;
    mcpz_time full_at_us;
    mcpz_time sum_at_us; /* when to go on summing up what we share, if there is anything */
    struct mcpz_entropy_peer peers[MCPZ_LINKS_MAX];
    size_t peer_count;
    struct mcpz_sketch_asker asker;
    struct mcpz_sketch_teller teller;

    uint64_t roots_equal;
    uint64_t roots_unequal;
    uint64_t pulls;
    uint64_t sketches;
    uint64_t sketches_failed;
    uint64_t sketched_differences;
};

size_t mcpz_entropy_bytes(void);

struct mcpz_entropy_config {
    const struct mcpz_store *store;
    const struct mcpz_id *self;
    mcpz_time period_us; /* between two comparisons with somebody */
    uint64_t seed;
};

/** Start over the store, nothing counted yet. `arena` has mcpz_entropy_bytes() (asserted). */
void mcpz_entropy_init(struct mcpz_entropy *entropy, const struct mcpz_entropy_config *config,
                       mcpz_time now, struct mcpz_arena *arena);

/**
 * The store was set back while we run: what was under way is void. Peers are asked anew, but not
 * at once: a disk that is full sets it back again and again.
 */
void mcpz_entropy_start_over(struct mcpz_entropy *entropy, mcpz_time now);

/** Compare what `scope` says from now on. To be called whenever it might say something else. */
void mcpz_entropy_follow(struct mcpz_entropy *entropy, const struct mcpz_scope *scope,
                         mcpz_time now);

/** There is a link to `peer`, or a session: a new one if there was one. Compare. */
void mcpz_entropy_linked(struct mcpz_entropy *entropy, const struct mcpz_sync *sync,
                         const struct mcpz_id *id);
void mcpz_entropy_unlinked(struct mcpz_entropy *entropy, const struct mcpz_sync *sync,
                           const struct mcpz_id *id);

/** What we did not take from a linked peer we do now: nothing that it had is known to be here. */
void mcpz_entropy_read_anew(struct mcpz_entropy *entropy, const struct mcpz_id *id, mcpz_time now);

/** Compare with a linked peer now, as if its turn had come. */
void mcpz_entropy_compare(struct mcpz_entropy *entropy, const struct mcpz_id *peer, mcpz_time now);

/**
 * A message of these came: ROOT, CHANGES_ASK, CHANGES, OFFER, SKETCH_ASK, SKETCH.
 *
 * Errors: MCPZ_EPROTO  it is not valid
 *         MCPZ_ECORRUPT, MCPZ_EIO  the store cannot be read
 */
MCPZ_MUST_USE mcpz_error mcpz_entropy_take(struct mcpz_entropy *entropy,
                                           const struct mcpz_sync *sync,
                                           const struct mcpz_id *from, const struct mcpz_msg *msg);

/** Something that was asked for has come: go on with what waited for it. */
void mcpz_entropy_go_on(struct mcpz_entropy *entropy, const struct mcpz_sync *sync);

/** Do what is due. `overlay` is looked at only: it has the neighbours. */
void mcpz_entropy_tick(struct mcpz_entropy *entropy, const struct mcpz_sync *sync,
                       const struct mcpz_overlay *overlay);

mcpz_time mcpz_entropy_deadline(const struct mcpz_entropy *entropy,
                                const struct mcpz_wanted *wanted);

#endif
