/*
 * What nodes say to each other of what was forgotten (core/crdt/horizon.h), and how one that was
 * away for too long has its documents looked through before others take from it what they do not
 * have:
 *
 *   CHECK {up to 64 documents, who wrote them}   ->   to one that vouches, and keeps them as well
 *                              <-  UNKNOWN {those that it does not know, or knows otherwise}
 *   begun after the horizon, or written while nobody could have it: it stays
 *   all others were forgotten: they are set aside by whoever runs us, in files, and removed
 *
 * When all were looked through we are fresh from when the first page was answered, and say so. A
 * walk that is interrupted begins anew, as nothing that it did needs to be known; as does one
 * during which the horizon rises. Where nobody who may be asked is linked, those that keep the
 * next document are to be (core/keeping.h), and it waits; what cannot be set aside stays where it
 * is, and others do not take it.
 *
 * Source: docs reference crdt 1.5, G5.
 */

#ifndef CORE_CRDT_RECHECK_H
#define CORE_CRDT_RECHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/time.h"
#include "core/crdt/horizon.h"
#include "core/crdt/sync.h"
#include "proto/id.h"
#include "proto/limits.h"
#include "proto/msg.h"

#define MCPZ_RECHECK_DOCUMENTS                                                                    \
    512 /* looked at for one page, and in a step: about a millisecond                             \
         */
#define MCPZ_RECHECK_PAUSE_US MCPZ_MS(1)
#define MCPZ_RECHECK_BYTES 4096 /* of writers in a page, but for one document that has more */
#define MCPZ_RECHECK_PATIENCE_US MCPZ_SECONDS(10) /* for an answer; then another one is asked */
#define MCPZ_RECHECK_AGAIN_US                                                                     \
    MCPZ_SECONDS(10) /* nobody could be asked, or nothing be set aside                            \
                      */

enum mcpz_recheck_phase {
    MCPZ_RECHECK_RESTS,
    MCPZ_RECHECK_ASKED, /* a page is out */
    MCPZ_RECHECK_ASIDE, /* whoever runs us is to set aside what is in `aside` */
};

struct mcpz_recheck {
    enum mcpz_recheck_phase phase;
    uint64_t horizon_ms;  /* which this is about; 0: none is under way */
    uint64_t first_ms;    /* by the clock of who answered first; 0: nobody has */
    struct mcpz_id after; /* so far all was looked through */
    struct mcpz_id upto;  /* and so far it is with the page that is out */
    struct mcpz_id page[MCPZ_CHECK_MAX];
    size_t page_count;
    struct mcpz_id peer; /* who was asked */
    uint64_t nonce;
    uint64_t drawn;
    size_t turn; /* of peers: the next is asked first where one did not answer */
    struct mcpz_id aside[MCPZ_CHECK_MAX];
    size_t aside_count;
    bool is_waiting;            /* for somebody to ask, or for room to set aside */
    struct mcpz_id unwitnessed; /* in this step: nobody linked can say of it; zeros: of none */
    mcpz_time due_us;

    uint64_t checked;   /* documents, by us of others */
    uint64_t kept;      /* that nobody else knew, and that stay */
    uint64_t set_aside; /* and that were set aside, and removed */
};

void mcpz_recheck_init(struct mcpz_recheck *recheck);

/** Tell those who are to be told, with `waits` behind the disk. Who finds no room waits. */
void mcpz_recheck_tell(const struct mcpz_sync *sync, bool waits);

/** `from` has said HORIZON. `hlc` is the greatest stamp that we know. */
struct mcpz_horizon_news mcpz_recheck_hear(struct mcpz_recheck *recheck,
                                           const struct mcpz_sync *sync,
                                           const struct mcpz_id *from,
                                           const struct mcpz_msg_horizon *said, uint64_t hlc);

/**
 * Answer a CHECK. Who cannot vouch for what is asked says nothing.
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_recheck_answer(const struct mcpz_sync *sync,
                                             const struct mcpz_id *from,
                                             const struct mcpz_msg_check *check);

/**
 * Take in an answer.
 *
 * Errors: MCPZ_EPROTO              it is none to what was asked
 *         MCPZ_ECORRUPT, MCPZ_EIO  the page is asked for again
 */
MCPZ_MUST_USE mcpz_error mcpz_recheck_take(struct mcpz_recheck *recheck,
                                           const struct mcpz_sync *sync,
                                           const struct mcpz_id *from,
                                           const struct mcpz_msg_unknown *unknown);

/**
 * Have `document` set aside, and removed. Nothing where something else is being looked through or
 * set aside: it is met again.
 */
void mcpz_recheck_give_way(struct mcpz_recheck *recheck, const struct mcpz_id *document);

/** What was to be set aside is, and removed; or `failed`, and it is to be tried again later. */
void mcpz_recheck_done(struct mcpz_recheck *recheck, size_t count, bool failed, mcpz_time now);

/** Do what is due. Errors: MCPZ_ECORRUPT, MCPZ_EIO; it is tried again */
MCPZ_MUST_USE mcpz_error mcpz_recheck_tick(struct mcpz_recheck *recheck,
                                           const struct mcpz_sync *sync);

mcpz_time mcpz_recheck_deadline(const struct mcpz_recheck *recheck,
                                const struct mcpz_horizon *horizon);

#endif
