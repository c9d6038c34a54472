/*
 * Checkpoints over links: for who lacks what lies below our floor.
 *
 *   WANT                                  ->   (core/crdt/catchup.h)
 *   <-  AUTHOR ..., AGREED {what all keepers signed, so many bytes}
 *   BASE, a question for piece 0          ->   if their signatures are good
 *   <-  BASE, the piece                        ... piece by piece
 *   BASE, a question for a last delta     ->
 *   <-  AUTHOR, BASE, the last delta below of one actor, as a BATCH ...
 *   all is here, and comes to the root that was signed: installed, made our floor, in one batch
 *   WANT                                  ->   for the rest
 *
 * Whoever sends remembers nothing; whoever asks holds what it has of a few documents in memory, so
 * that a crash loses no more than that. If the floor has risen meanwhile the question is answered
 * by AGREED, and it begins anew. So it is for those that found no room when they were told of:
 * when it is their turn they are asked for by no root at all.
 */

#ifndef ENGINE_TRANSFERS_H
#define ENGINE_TRANSFERS_H

#include <stddef.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/time.h"
#include "engine/engine.h"
#include "proto/id.h"
#include "proto/msg.h"

#define MCPZ_TRANSFERS_MAX 4
#define MCPZ_TRANSFERS_WAITING                                                                    \
    256 /* documents that found no room; comparing brings others again */
#define MCPZ_TRANSFER_PATIENCE_US MCPZ_SECONDS(5) /* for one answer */

struct mcpz_transfer;

struct mcpz_transfers {
    struct mcpz_transfer *under_way[MCPZ_TRANSFERS_MAX]; /* NULL: free */
    struct mcpz_transfer_offer {
        struct mcpz_id document;
        struct mcpz_id peer;
    } waiting[MCPZ_TRANSFERS_WAITING]; /* the first is the next */
    size_t waiting_count;
};

/** Send `msg`, an AGREED, to `peer`, if it is linked, behind who its signers are. */
void mcpz_transfers_tell(struct mcpz_engine *engine, const struct mcpz_id *peer,
                         const struct mcpz_msg *msg);

/** Tell `peer` that what it lacks of `document` lies below our floor. */
void mcpz_transfers_offer(struct mcpz_engine *engine, const struct mcpz_id *peer,
                          const struct mcpz_id *document);

/**
 * Take in AGREED: note what is to be the floor, or begin to ask for what we lack.
 *
 * Errors: MCPZ_EAUTH, MCPZ_EPROTO  what it shows was not signed, or not by as many
 */
MCPZ_MUST_USE mcpz_error mcpz_transfers_agreed(struct mcpz_engine *engine,
                                               const struct mcpz_id *from,
                                               const struct mcpz_msg_agreed *said);

/**
 * Answer BASE, or take in what it brings.
 *
 * Errors: MCPZ_EAUTH, MCPZ_EPROTO  it is not what was signed
 */
MCPZ_MUST_USE mcpz_error mcpz_transfers_base(struct mcpz_engine *engine,
                                             const struct mcpz_id *from,
                                             const struct mcpz_msg_base *base);

/** Give up those whose answer does not come. */
void mcpz_transfers_tick(struct mcpz_engine *engine);
mcpz_time mcpz_transfers_deadline(const struct mcpz_engine *engine);

/** Give up all. */
void mcpz_transfers_clear(struct mcpz_engine *engine);

#endif
