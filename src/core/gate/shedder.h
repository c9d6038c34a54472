/*
 * Who may not even wait when there is too much to do: the least important first, and of equals
 * always the same ones, so that some are served well and not all badly.
 *
 * What comes has a level: eight classes of priority times 32 buckets of users, 0 the first to be
 * served. When tasks had to wait too long, on average over a window, the cut moves down the levels
 * until a twentieth less would have got in; else it moves up again. It decides only who may wait:
 * what can start at once starts, whatever its level.
 *
 * Source: DAGOR (Zhou et al., Overload Control for Scaling WeChat Microservices, SoCC 2018),
 * section 4.2: 20 ms of queueing on average over 1 s or 2000 requests, alpha 5 %, beta 1 %.
 * Ours: beta grows fourfold with each calm window after another, so that everybody is back
 * within five; a window without anybody turned away opens at once; and what is too long a wait
 * is, for tasks that take long, half of what they take. Callers are told what would be turned
 * away, and do not send it (there: collaborative admission control); what they spared us they
 * tell, so that the cut does not open for want of it.
 */

#ifndef CORE_SHEDDER_H
#define CORE_SHEDDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/time.h"
#include "proto/limits.h"

#define MCPZ_SHED_BUCKETS 32
#define MCPZ_SHED_LEVELS (MCPZ_SHED_CLASSES * MCPZ_SHED_BUCKETS)
#define MCPZ_SHED_WAIT_US MCPZ_MS(20)

struct mcpz_shedder {
    uint16_t histogram[MCPZ_SHED_LEVELS]; /* of what came in this window */
    uint16_t cut;                         /* levels below it may wait */
    uint32_t came;
    uint32_t turned_away;
    uint32_t growth; /* beta, in percent */
    uint32_t turn;   /* of the levels that are not let in, among those spared us */
    uint64_t waited_us;
    uint64_t allowed_us;
    mcpz_time window_end_us;
};

void mcpz_shedder_init(struct mcpz_shedder *shedder, mcpz_time now);

/** A call of `level` (below MCPZ_SHED_LEVELS) has come. May it wait? */
bool mcpz_shedder_arrive(struct mcpz_shedder *shedder, mcpz_time now, uint32_t level);

/** One that might not wait could not start at once either. */
void mcpz_shedder_turn_away(struct mcpz_shedder *shedder);

/** A call has waited for so long, 0 if not at all. `median_us`: what its kind takes; 0: unknown.
 */
void mcpz_shedder_waited(struct mcpz_shedder *shedder, mcpz_time waited_us, mcpz_time median_us);

/** What callers have not sent because they were told that it would be turned away. */
void mcpz_shedder_spared(struct mcpz_shedder *shedder, mcpz_time now, uint32_t calls);

/** The first class of which calls in this bucket may not wait; MCPZ_SHED_CLASSES: all may. */
uint32_t mcpz_shedder_turns_away(const struct mcpz_shedder *shedder, uint32_t bucket);

/** A class: 0 is the most important, MCPZ_SHED_CLASSES - 1 the least. */
uint32_t mcpz_shed_class(uint32_t priority);

/** A level: `priority` MCPZ_PRIORITY_MAX (first) to 0 (last), and whose it is. */
uint32_t mcpz_shed_level(uint32_t priority, uint64_t user);

#endif
