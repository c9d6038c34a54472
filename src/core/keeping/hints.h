/*
 * What owners that are away have missed.
 *
 *   a write, and an owner that is not linked, or does not acknowledge in time  ->  HINT, on disk
 *   that owner is linked again:  HANDOVER of each document, oldest hint first  ->
 *                                <-  WANT, if it lacks something; deltas, and HANDOVER behind them
 *                                <-  HANDED: it is on its disk, the hint is done
 *
 * Whoever wrote keeps the hint, and the document as well, as an owner: a hint only names it. It
 * counts as no copy. Hints of one owner are bounded in what they stand for and in age, and all
 * together in number: beyond that there is none, and comparing documents repairs what was missed.
 * Writes to a document that has one already are within it. An owner that does not answer for some
 * is left alone for a while; who is an owner no more is not told, and hints of who is in no layout
 * any more go.
 *
 * Source: reference/crdt.md, 4.2 (hints): 3 h or 64 MiB a target, oldest first, rate limited, stop
 * at the first error.
 */

#ifndef CORE_KEEPING_HINTS_H
#define CORE_KEEPING_HINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "proto/id.h"
#include "proto/limits.h"
#include "proto/msg.h"
#include "proto/record.h"
#include "proto/store.h"

#define MCPZ_HINT_OWNERS_MAX 32
#define MCPZ_HINTS_MAX 16384                    /* of all owners together */
#define MCPZ_HINT_BYTES_MAX (64U * 1024 * 1024) /* of the writes they stand for, of one owner */
#define MCPZ_HINT_AGE_MS (UINT64_C(3) * 3600 * 1000)
#define MCPZ_HINT_RECENT_MAX 64 /* hints that are known without looking */

#define MCPZ_HINTS_AT_ONCE 16              /* offered, and not answered */
#define MCPZ_HINT_PAUSE_US MCPZ_MS(20)     /* from an answer to the next offers */
#define MCPZ_HINT_AGAIN_US MCPZ_SECONDS(1) /* no answer */
#define MCPZ_HINT_TRIES_MAX 5              /* then its owner is left alone */
#define MCPZ_HINT_REST_US MCPZ_SECONDS(30) /* for so long */
#define MCPZ_HINT_QUICK_MAX 64             /* offered behind deltas between two tries */
#define MCPZ_HINT_LOOK_US MCPZ_SECONDS(60) /* between two looks for what is too old */
#define MCPZ_HINT_SCAN_MAX 256             /* removed in one step */

struct mcpz_keeping_step;

/* An owner that has missed something. */
struct mcpz_hinted {
    struct mcpz_id owner;
    uint64_t count; /* of hints; 0: free */
    uint64_t bytes;
    uint64_t oldest_ms; /* no hint is older */
    bool was_linked;
    mcpz_time rest_until_us;
    struct mcpz_record_hint last; /* the one that was offered last */
};

/* A hint that is offered. */
struct mcpz_hint_offer {
    bool used;
    struct mcpz_record_hint hint;
    uint64_t digest; /* of the document, when it was offered */
    uint32_t tries;
    uint32_t quick;
    mcpz_time again_us;
};

struct mcpz_hints {
    struct mcpz_hinted owners[MCPZ_HINT_OWNERS_MAX];
    uint64_t count;
    struct mcpz_record_hint recent[MCPZ_HINT_RECENT_MAX];
    size_t recent_next;
    struct mcpz_hint_offer offers[MCPZ_HINTS_AT_ONCE];
    mcpz_time offer_at_us;
    mcpz_time look_at_us;

    uint64_t kept;      /* hints made */
    uint64_t delivered; /* and done */
    uint64_t expired;
    uint64_t refused; /* there was no room for */
};

/** Start with what `store` holds. Returns how many reads of it failed. */
uint64_t mcpz_hints_init(struct mcpz_hints *hints, const struct mcpz_store *store);

/** The same in the midst of it: what came about is still counted. */
uint64_t mcpz_hints_recover(struct mcpz_hints *hints, const struct mcpz_store *store,
                            mcpz_time now);

/** A write of about `bytes` did not reach `owner`. */
void mcpz_hints_note(struct mcpz_keeping_step *step, const struct mcpz_id *owner,
                     const struct mcpz_id *document, size_t bytes);

/** Offer what is due, and forget what is too old. */
void mcpz_hints_run(struct mcpz_keeping_step *step);

/** Somebody is linked: perhaps one who has missed something. */
void mcpz_hints_on_linked(struct mcpz_keeping_step *step);

/** `from` has asked for what it lacks of `document`, which was sent: offer that once more. */
void mcpz_hints_on_want(struct mcpz_keeping_step *step, const struct mcpz_id *from,
                        const struct mcpz_id *document);

/** An owner has it. */
void mcpz_hints_on_handed(struct mcpz_keeping_step *step, const struct mcpz_id *from,
                          const struct mcpz_msg_handed *handed);

/** What `node` has missed; NULL: nothing that is known. */
const struct mcpz_hinted *mcpz_hints_find(const struct mcpz_hints *hints,
                                          const struct mcpz_id *node);

mcpz_time mcpz_hints_deadline(const struct mcpz_hints *hints);

#endif
