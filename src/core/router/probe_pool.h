/*
 * What is known of the load of a few providers, and which of them is best: Prequal's probe pool
 * and its hot-cold lexicographic rule (HCL).
 *
 * Wydrowski et al., "Load is not what you should balance", NSDI 2024, section 4. A provider is hot
 * when its requests in flight (RIF) exceed a quantile of those reported lately. Of cold ones that
 * with the lowest latency is best, of hot ones that with the lowest RIF, and any cold one is
 * better than any hot one. One that does not know its latency yet comes after those cold ones that
 * do (protocols.md 4.4).
 *
 * A report is good for one call, which is added to its RIF: every call brings at least one new
 * one, and using old ones 1.7 times, as in the paper, sends many clients to the same provider at
 * once (measured: sim/anchors_routing.h; the fewer there are, the worse). Only where calls come
 * faster than reports those that were used are used again. Where all providers fit the pool, it
 * holds the newest report of each, and only age ends one.
 */

#ifndef CORE_ROUTER_PROBE_POOL_H
#define CORE_ROUTER_PROBE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "core/load.h"

#define MCPZ_PROBE_POOL_MAX 16
#define MCPZ_PROBE_POOL_MIN 2 /* with fewer, one is chosen without it */
#define MCPZ_PROBE_AGE_US MCPZ_SECONDS(1)
#define MCPZ_PROBE_FAR_AGE_US MCPZ_SECONDS(2) /* of another zone */
#define MCPZ_PROBES_PER_CALL 2                /* what END and FAIL report counts as one */
#define MCPZ_PROBE_HOT_PERMILLE 600           /* Q_RIF: 0.84 is unstable at 127 % of the load */
#define MCPZ_RIFS_MAX 128                     /* reports of which the quantile is taken */

/* ---- The quantile ------------------------------------------------------------------------- */

struct mcpz_rifs {
    uint32_t recent[MCPZ_RIFS_MAX]; /* a ring */
    uint32_t sorted[MCPZ_RIFS_MAX];
    size_t count;
    size_t next;
};

void mcpz_rifs_init(struct mcpz_rifs *rifs);
void mcpz_rifs_add(struct mcpz_rifs *rifs, uint32_t rif);

/** Above this a provider is hot; UINT32_MAX before anything was reported. */
uint32_t mcpz_rifs_threshold(const struct mcpz_rifs *rifs);

/* ---- The pool ----------------------------------------------------------------------------- */

struct mcpz_probe {
    mcpz_time at_us;
    uint32_t backend; /* whose */
    uint32_t rif;
    uint32_t latency_us; /* 0: unknown */
    bool used;
};

struct mcpz_probe_pool {
    struct mcpz_probe probes[MCPZ_PROBE_POOL_MAX];
    size_t count;
    uint32_t half_removed; /* of the next one to be removed, in thousandths */
    bool worst_next;       /* else the oldest */
};

void mcpz_probe_pool_init(struct mcpz_probe_pool *pool);

/**
 * Take in what `backend` reports. It replaces what it has reported before; where the pool is full,
 * it replaces the oldest.
 */
void mcpz_probe_pool_note(struct mcpz_probe_pool *pool, mcpz_time now, uint32_t backend,
                          const struct mcpz_load_report *report);

/** Forget what this one has reported. */
void mcpz_probe_pool_forget(struct mcpz_probe_pool *pool, uint32_t backend);

/** Forget what is older than `age_us`. */
void mcpz_probe_pool_expire(struct mcpz_probe_pool *pool, mcpz_time now, mcpz_time age_us);

/** What `backend` has reported; NULL: nothing that is kept. */
struct mcpz_probe *mcpz_probe_pool_find(struct mcpz_probe_pool *pool, uint32_t backend);

/** It was chosen: one more is in flight there. */
void mcpz_probe_use(struct mcpz_probe *probe);

/**
 * One call has chosen: at r_remove = 0.5, every second time one report goes, the oldest and the
 * worst in turn. Does nothing where `providers` fit the pool.
 */
void mcpz_probe_pool_thin(struct mcpz_probe_pool *pool, size_t providers, uint32_t threshold);

/**
 * How little a provider with this report is wanted: HCL as one number, lower is better.
 * `latency_us` is 0 if unknown; `penalty_us` is added to a known one.
 */
uint64_t mcpz_probe_cost(uint32_t rif, uint32_t latency_us, uint32_t penalty_us,
                         uint32_t threshold);

/** Does a cost say hot? */
bool mcpz_probe_cost_is_hot(uint64_t cost);

#endif
