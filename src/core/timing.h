/* Every period and patience of the core, handed in at the start. */

#ifndef CORE_TIMING_H
#define CORE_TIMING_H

#include "base/rng.h"
#include "base/time.h"

struct mcpz_node_timing {
    mcpz_time heartbeat_us;      /* between two heartbeats on a stable link: 5 s */
    mcpz_time pool_heartbeat_us; /* on one that only calls use: 8 s */
    mcpz_time link_silent_us;    /* nothing heard: the link is given up: 6 s, more for the slow */
    mcpz_time idle_us;           /* a link that calls used is kept so long after: 300 s */
    mcpz_time unused_us;         /* one that nobody used: 10 s */
    mcpz_time suspect_us;        /* unit of a suspect's grace, protocols.md 1.6: 1 s */
    mcpz_time early_us;          /* no conviction sooner after the first report: 2 s */
    mcpz_time probe_us;          /* between two probes over others: 30 s */
    mcpz_time reconnect_us;      /* between two attempts to reach somebody gone: 2.5 s */
    mcpz_time adjacency_us;      /* changes of our neighbours are told so much later: 3 s */
    mcpz_time redial_min_us;     /* first wait before dialling again: 250 ms */
    mcpz_time redial_max_us;     /* it doubles up to here, and goes on for ever: 30 s */
    mcpz_time forget_us;         /* a dead member's row is kept so long: 3 days */
    mcpz_time anti_entropy_us;   /* between two comparisons of documents: 15 s */
    mcpz_time optimise_us;       /* between two looks for a nearer neighbour: 30 s */
    mcpz_time task_hold_us;      /* how long a task with a key waits for who may be at it: 60 s */
    mcpz_time task_grace_us;     /* a dead owner's tasks are taken over so much later: 2 s */
    mcpz_time task_lease_us;     /* a provider not heard of for so long has lost its task: 20 s */
    mcpz_time task_retention_us; /* what is over is kept so long: 1 h */

    /* Of durable tasks that do not say. */
    mcpz_time task_ttl_us;     /* not begun any more after that: 24 h; MCPZ_TIME_NEVER: no end */
    mcpz_time task_backoff_us; /* before a second attempt, at most: 1 s */
    uint32_t task_attempts;    /* 5 */
};

/** `given`, with the defaults above where it says 0. */
struct mcpz_node_timing mcpz_timing_or_default(const struct mcpz_node_timing *given);

/** Four to six fifths of a period by lot, so that nodes started together drift apart. */
mcpz_time mcpz_timing_about(struct mcpz_rng *rng, mcpz_time period_us);

#endif
