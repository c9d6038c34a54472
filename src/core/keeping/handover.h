/*
 * Letting go of documents that are others' by now.
 *
 *   a document that is not ours by any live layout
 *   HANDOVER {document, how far along}  ->  each of its owners
 *                                       <-  HANDED, once it is on that owner's disk
 *                                       <-  WANT, if it lacks something; deltas, and asked again
 *   all have it, and it has not changed since: it is forgotten here
 *
 * So nothing is let go of on what somebody says of layouts alone. What no owner answers for is
 * kept, and offered again with the next walk through the store.
 *
 * Source: reference/crdt.md, 4.2 (membership change).
 */

#ifndef CORE_KEEPING_HANDOVER_H
#define CORE_KEEPING_HANDOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "core/layouts.h"
#include "proto/id.h"
#include "proto/msg.h"

#define MCPZ_HANDOVERS_MAX 16                  /* documents offered at a time */
#define MCPZ_HANDOVER_SCAN_MAX 256             /* looked at in one step */
#define MCPZ_HANDOVER_WALK_US MCPZ_MS(200)     /* between two such looks */
#define MCPZ_HANDOVER_PAUSE_US MCPZ_SECONDS(5) /* before the next walk through all of them */
#define MCPZ_HANDOVER_AGAIN_US MCPZ_SECONDS(1)
#define MCPZ_HANDOVER_TRIES_MAX 10 /* then its place is for others */
#define MCPZ_HANDOVER_QUICK_MAX 64 /* offered behind deltas between two tries */

struct mcpz_keeping_step;

struct mcpz_handing {
    bool used;
    struct mcpz_id document;
    uint64_t digest; /* of how far along it was */
    struct mcpz_id owners[MCPZ_OWNERS_MAX];
    bool has[MCPZ_OWNERS_MAX];
    size_t owner_count;
    uint32_t tries;
    uint32_t quick;
    mcpz_time again_us;
};

struct mcpz_handover {
    struct mcpz_id after; /* as far as the walk has come */
    mcpz_time walk_at_us; /* 0: it has not begun */
    struct mcpz_handing handings[MCPZ_HANDOVERS_MAX];

    /* To be forgotten by whoever runs us, at the end of the step. */
    struct mcpz_id gone[MCPZ_HANDOVERS_MAX];
    size_t gone_count;

    uint64_t offered;
    uint64_t dropped;
};

/** Look for documents that are not ours, and go on with those that are offered. */
void mcpz_handover_run(struct mcpz_keeping_step *step);

/** Somebody would let go of a document of ours. */
void mcpz_handover_on_offer(struct mcpz_keeping_step *step, const struct mcpz_id *from,
                            const struct mcpz_msg_handover *offer);

/** `from` has asked for what it lacks of `document`, which was sent: offer that once more. */
void mcpz_handover_on_want(struct mcpz_keeping_step *step, const struct mcpz_id *from,
                           const struct mcpz_id *document);

/** An owner has it. */
void mcpz_handover_on_handed(struct mcpz_keeping_step *step, const struct mcpz_id *from,
                             const struct mcpz_msg_handed *handed);

mcpz_time mcpz_handover_deadline(const struct mcpz_handover *handover);

#endif
