/*
 * The calls that wait for a hand: by priority, within it by turns of the tenants, each until it
 * is too late to begin.
 *
 * A tenant's turn is its tag, as in start-time fair queueing: a call's tag is where the tenant's
 * last one ended, or where the queue is now if that is later; it ends by its cost further on. So
 * who asks for ten times as much gets no more than another, and who was idle has nothing saved.
 * What leaves without having started costs nothing.
 *
 * Source: Goyal, Vin, Cheng, Start-time Fair Queuing (SIGCOMM 1996), section 2.
 */

#ifndef CORE_WAITING_H
#define CORE_WAITING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "core/gate/tenants.h"
#include "proto/limits.h"

#define MCPZ_LANES_MAX MCPZ_CAPABILITIES_PER_NODE_MAX
#define MCPZ_GATE_WAITING_MAX 128 /* an edge keeps what comes in for them */

static_assert(MCPZ_LANES_MAX <= UINT8_MAX + 1, "a lane's index is a byte");

struct mcpz_lane_set {
    uint64_t words[(MCPZ_LANES_MAX + 63) / 64]; /* a bit for each */
};

static inline void mcpz_lane_set_add(struct mcpz_lane_set *set, uint8_t lane)
{
    set->words[lane / 64] |= UINT64_C(1) << lane % 64;
}

static inline bool mcpz_lane_set_has(const struct mcpz_lane_set *set, uint8_t lane)
{
    return (set->words[lane / 64] >> lane % 64 & 1) != 0;
}

struct mcpz_waiting_entry {
    uint32_t handle; /* of the owner's */
    uint8_t class;   /* 0: first */
    uint8_t lane;    /* what it waits for */
    struct mcpz_tenant *tenant;
    uint64_t tag;  /* set when it is added */
    uint32_t cost; /* what the tenant pays for it: how long its kind takes, at least 1 */
    mcpz_time since_us;
    mcpz_time start_by_us; /* later is too late */
};

struct mcpz_waiting {
    struct mcpz_waiting_entry
        entries[MCPZ_GATE_WAITING_MAX]; /* in the order in which they start */
    size_t count;
    uint64_t now_tag; /* of the last that started */
};

/** Put a call in its place. There is room (asserted). */
void mcpz_waiting_add(struct mcpz_waiting *waiting, const struct mcpz_waiting_entry *entry);

/** Take out the first whose lane is in `lanes`. False: none waits for those. */
bool mcpz_waiting_take(struct mcpz_waiting *waiting, const struct mcpz_lane_set *lanes,
                       struct mcpz_waiting_entry *entry);

/** Take out one for which it is too late. False: there is none. */
bool mcpz_waiting_expire(struct mcpz_waiting *waiting, mcpz_time now,
                         struct mcpz_waiting_entry *entry);

/** Take out this call, if it waits. */
bool mcpz_waiting_remove(struct mcpz_waiting *waiting, uint32_t handle);

/**
 * Take out the one that has to make room in a lane for a call of `class` of `tenant`: the last of
 * a less important class, or of this class, of the tenant that has most under way, if that is
 * more than one more than `tenant` has. False: the newcomer has no better claim.
 */
bool mcpz_waiting_give_way(struct mcpz_waiting *waiting, uint8_t lane, uint8_t class,
                           const struct mcpz_tenant *tenant, struct mcpz_waiting_entry *entry);

/**
 * How many calls of a lane start before one of this class and tenant that has to wait from now on;
 * `tenant` NULL: all of the lane that wait.
 */
uint32_t mcpz_waiting_ahead(const struct mcpz_waiting *waiting, uint8_t lane, uint8_t class,
                            const struct mcpz_tenant *tenant);

/**
 * The least important class of which one that comes now to a full lane, or above the cut, is still
 * let in, because it can take another's place: all beyond it are not.
 */
uint8_t mcpz_waiting_last_claim(const struct mcpz_waiting *waiting, uint8_t lane,
                                const struct mcpz_tenant *tenant);

/** When the next one is too late. */
mcpz_time mcpz_waiting_deadline(const struct mcpz_waiting *waiting);

#endif
