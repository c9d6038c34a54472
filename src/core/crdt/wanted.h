/*
 * Which documents we have asked for lately, and whom, so as not to ask for everything all the
 * time.
 *
 *   ask ---> [waiting] --- patience over, or all of it is here ---> forgotten
 *               |  ^
 *     a delta   |  |  asked again, because the other side says there is more
 *               v  |
 *            [moving]
 *
 * A full table means that MCPZ_WANTS_MAX documents are being caught up: others wait their turn.
 * Patience begins anew with whatever the peer sends of what it was asked for: a slow link is no
 * reason to ask for more.
 */

#ifndef CORE_CRDT_WANTED_H
#define CORE_CRDT_WANTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "proto/id.h"

#define MCPZ_WANTS_MAX 256 /* documents being caught up at once */
#define MCPZ_WANT_PATIENCE_US MCPZ_SECONDS(1)
#define MCPZ_WANT_SETTLE_US MCPZ_MS(100) /* after a delta, where it is not known how many come */

struct mcpz_want {
    struct mcpz_id document;
    struct mcpz_id peer;
    mcpz_time until_us;
    uint64_t digest; /* of the state we were told of; 0: not told */
    bool moving;     /* a delta of it has come since we asked */
    bool set_back;   /* it was for MCPZ_WANT_BRANCH: once is enough */
};

struct mcpz_wanted {
    struct mcpz_want wants[MCPZ_WANTS_MAX];
    size_t count;
};

/** Why we would ask. */
enum mcpz_want_reason {
    MCPZ_WANT_MORE = 1, /* the other side has named the digest it is at */
    MCPZ_WANT_GAP,      /* what it sent cannot be applied, or shows that it has more */
    MCPZ_WANT_BRANCH, /* what it sent shows that it has something else than we: mcpz_past_set_back
                       */
};

/** Whether we may. */
enum mcpz_want_answer {
    MCPZ_WANT_ASK = 1, /* and it is remembered that we do */
    MCPZ_WANT_PENDING, /* somebody was asked */
    MCPZ_WANT_NO_ROOM, /* too many are */
    MCPZ_WANT_NOTHING, /* there is nothing to ask for */
};

/**
 * May we ask `peer` for `document` now?
 *
 * While an answer is waited for: no. While it is coming in, only MCPZ_WANT_MORE: the other side
 * says so behind its last delta. MCPZ_WANT_BRANCH at any time, and once.
 */
enum mcpz_want_answer mcpz_wanted_ask(struct mcpz_wanted *wanted, mcpz_time now,
                                      const struct mcpz_id *peer, const struct mcpz_id *document,
                                      enum mcpz_want_reason reason, uint64_t digest);

/** A delta of `document` was applied, which brings it to `digest`. */
void mcpz_wanted_moved(struct mcpz_wanted *wanted, mcpz_time now, const struct mcpz_id *document,
                       uint64_t digest);

/** There is nothing to wait for from `peer` of `document`. Was there? */
bool mcpz_wanted_answered(struct mcpz_wanted *wanted, const struct mcpz_id *peer,
                          const struct mcpz_id *document);

/** `peer` is gone, and its answers with it. */
void mcpz_wanted_gone(struct mcpz_wanted *wanted, const struct mcpz_id *peer);

/** How many answers of `peer` are waited for. Forgets those that patience is over for. */
size_t mcpz_wanted_of(struct mcpz_wanted *wanted, mcpz_time now, const struct mcpz_id *peer);

/** Forget those for whom patience is over. */
void mcpz_wanted_expire(struct mcpz_wanted *wanted, mcpz_time now);

/** How many documents more could be asked for. */
size_t mcpz_wanted_room(struct mcpz_wanted *wanted, mcpz_time now);

/** When patience is over for one of them. */
mcpz_time mcpz_wanted_deadline(const struct mcpz_wanted *wanted);

#endif
