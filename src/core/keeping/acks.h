/*
 * Writes whose author wants to know on how many disks they are.
 *
 *   a write is committed  ->  ACK_ASK {document, actor, seq} to its owners, behind its deltas
 *                         <-  ACK, once the receiver's store has it on disk
 *   enough in every live layout, or the time is over  ->  REPLY
 *
 * Owners that are silent are asked again, with the delta sent once more; they are dialled where
 * there is no link. An owner that has acknowledged a newer layout than the author knows says
 * nothing: the author hears of that layout, and the owners in it count as well.
 *
 * What our own store loses before it is on the disk is answered with STORE_FAILED, at once.
 *
 * Without a layout any members count, of min(3, members) copies. Nothing but what is on disk
 * counts. What the time runs out for stays written.
 *
 * Source: reference/crdt.md, section 4.2 (write); Garage, "Layout history and update trackers".
 */

#ifndef CORE_KEEPING_ACKS_H
#define CORE_KEEPING_ACKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "core/event.h"
#include "core/layouts.h"
#include "proto/agent.h"
#include "proto/id.h"

#define MCPZ_ACK_WAITS_MAX 128
#define MCPZ_ACK_AGAIN_US MCPZ_MS(400) /* who is silent is asked again */
#define MCPZ_ACK_TIMEOUT_MS 5000       /* of who does not say */
#define MCPZ_ACK_TIMEOUT_MS_MAX 600000

/* One who may have it. */
struct mcpz_ack_owner {
    struct mcpz_id node;
    uint8_t sets; /* a bit for each layout it is an owner in */
    bool has;     /* on disk */
};

struct mcpz_ack_wait {
    uint64_t request; /* 0: free */
    enum mcpz_ack_level level;
    struct mcpz_id document;
    struct mcpz_actor actor;
    uint64_t seq;
    bool is_lost;                   /* the store has lost it */
    struct mcpz_layout_stamp stamp; /* the newest layout when its owners were found; 0: none */
    mcpz_time ask_at_us;
    mcpz_time until_us;
    size_t set_count;
    uint8_t set_sizes[MCPZ_LAYOUTS_LIVE_MAX]; /* copies there are to be in each */
    struct mcpz_ack_owner owners[MCPZ_OWNERS_MAX];
    size_t owner_count;
};

struct mcpz_acks {
    struct mcpz_ack_wait waits[MCPZ_ACK_WAITS_MAX];
    size_t count; /* in use */

    uint64_t begun;
    uint64_t reached;
    uint64_t late;
    uint64_t too_many;
};

/** Room for one more. NULL: there is none, which is counted. */
struct mcpz_ack_wait *mcpz_acks_begin(struct mcpz_acks *acks, uint64_t request);

/** It is over. */
void mcpz_acks_end(struct mcpz_acks *acks, struct mcpz_ack_wait *wait);

/** Forget the owners, but not who has it: they are found anew. */
void mcpz_ack_wait_replan(struct mcpz_ack_wait *wait, struct mcpz_layout_stamp stamp);

/** `node` is an owner in the layout of that index, which wants `copies` of it. */
void mcpz_ack_wait_add(struct mcpz_ack_wait *wait, size_t set, const struct mcpz_id *node);

/** `node` has it on disk. */
void mcpz_ack_wait_note(struct mcpz_ack_wait *wait, const struct mcpz_id *node);

/** Copies on disk in the layout that has fewest, and how many `wait->level` wants there. */
uint32_t mcpz_ack_wait_reached(const struct mcpz_ack_wait *wait);
uint32_t mcpz_ack_wait_wanted(const struct mcpz_ack_wait *wait);

/** Is that enough, in every layout? */
bool mcpz_ack_wait_is_over(const struct mcpz_ack_wait *wait);

/** Under which layout did the oldest write begin that still waits? Zeros: none does. */
struct mcpz_layout_stamp mcpz_acks_oldest(const struct mcpz_acks *acks);

mcpz_time mcpz_acks_deadline(const struct mcpz_acks *acks);

#endif
