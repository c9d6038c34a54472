#include "core/router/probe_pool.h"

#include <assert.h>
#include <string.h>

#define REMOVE_PERMILLE 500 /* r_remove */

/* ---- The quantile ------------------------------------------------------------------------- */

void mcpz_rifs_init(struct mcpz_rifs *rifs)
{
    *rifs = (struct mcpz_rifs){0};
}

/* The first place of `sorted` that is not less than `rif`. */
static size_t place_of(const struct mcpz_rifs *rifs, uint32_t rif)
{
    size_t low = 0;
    size_t high = rifs->count;

    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (rifs->sorted[middle] < rif) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

void mcpz_rifs_add(struct mcpz_rifs *rifs, uint32_t rif)
{
    if (rifs->count == MCPZ_RIFS_MAX) {
        const size_t old = place_of(rifs, rifs->recent[rifs->next]);
        rifs->count--;
        memmove(&rifs->sorted[old], &rifs->sorted[old + 1],
                (rifs->count - old) * sizeof(rifs->sorted[0]));
    }
    const size_t at = place_of(rifs, rif);
    memmove(&rifs->sorted[at + 1], &rifs->sorted[at],
            (rifs->count - at) * sizeof(rifs->sorted[0]));
    rifs->sorted[at] = rif;
    rifs->count++;
    rifs->recent[rifs->next] = rif;
    rifs->next = (rifs->next + 1) % MCPZ_RIFS_MAX;
    assert(rifs->count <= MCPZ_RIFS_MAX);
}

uint32_t mcpz_rifs_threshold(const struct mcpz_rifs *rifs)
{
    if (rifs->count == 0) {
        return UINT32_MAX;
    }
    return rifs->sorted[(rifs->count - 1) * MCPZ_PROBE_HOT_PERMILLE / 1000];
}

/* ---- HCL ---------------------------------------------------------------------------------- */

/* From the highest bits down: cold and known, cold and unknown, hot; then what decides there. */
#define COST_SHIFT 62
#define COLD_UNKNOWN ((uint64_t)1 << COST_SHIFT)
#define HOT ((uint64_t)2 << COST_SHIFT)
#define COST_RIF_MAX (((uint32_t)1 << 29) - 1)

uint64_t mcpz_probe_cost(uint32_t rif, uint32_t latency_us, uint32_t penalty_us,
                         uint32_t threshold)
{
    const uint64_t latency =
        latency_us == 0 ? (uint64_t)UINT32_MAX * 2 : (uint64_t)latency_us + penalty_us;

    if (rif > threshold) {
        return HOT + ((uint64_t)(rif < COST_RIF_MAX ? rif : COST_RIF_MAX) << 33) + latency;
    }
    return latency_us == 0 ? COLD_UNKNOWN + ((uint64_t)rif << 29) + penalty_us / 16 : latency;
}

bool mcpz_probe_cost_is_hot(uint64_t cost)
{
    return cost >= HOT;
}

/* ---- The pool ----------------------------------------------------------------------------- */

void mcpz_probe_pool_init(struct mcpz_probe_pool *pool)
{
    *pool = (struct mcpz_probe_pool){0};
}

struct mcpz_probe *mcpz_probe_pool_find(struct mcpz_probe_pool *pool, uint32_t backend)
{
    for (size_t i = 0; i < pool->count; i++) {
        if (pool->probes[i].backend == backend) {
            return &pool->probes[i];
        }
    }
    return NULL;
}

static struct mcpz_probe *oldest_of(struct mcpz_probe_pool *pool)
{
    struct mcpz_probe *oldest = &pool->probes[0];

    assert(pool->count > 0);
    for (size_t i = 1; i < pool->count; i++) {
        if (pool->probes[i].at_us < oldest->at_us) {
            oldest = &pool->probes[i];
        }
    }
    return oldest;
}

/* The hot one with the most in flight, or the cold one that takes longest. */
static struct mcpz_probe *worst_of(struct mcpz_probe_pool *pool, uint32_t threshold)
{
    struct mcpz_probe *worst = &pool->probes[0];
    uint64_t most = 0;

    assert(pool->count > 0);
    for (size_t i = 0; i < pool->count; i++) {
        struct mcpz_probe *probe = &pool->probes[i];
        const uint64_t cost = mcpz_probe_cost(probe->rif, probe->latency_us, 0, threshold);
        if (cost > most) {
            most = cost;
            worst = probe;
        }
    }
    return worst;
}

static void remove_probe(struct mcpz_probe_pool *pool, struct mcpz_probe *probe)
{
    assert(pool->count > 0);
    *probe = pool->probes[--pool->count];
}

void mcpz_probe_pool_note(struct mcpz_probe_pool *pool, mcpz_time now, uint32_t backend,
                          const struct mcpz_load_report *report)
{
    struct mcpz_probe *probe = mcpz_probe_pool_find(pool, backend);

    if (probe == NULL) {
        probe = pool->count < MCPZ_PROBE_POOL_MAX ? &pool->probes[pool->count++] : oldest_of(pool);
    }
    *probe = (struct mcpz_probe){
        .at_us = now,
        .backend = backend,
        .rif = report->rif,
        .latency_us = report->latency_us,
    };
}

void mcpz_probe_pool_forget(struct mcpz_probe_pool *pool, uint32_t backend)
{
    struct mcpz_probe *probe = mcpz_probe_pool_find(pool, backend);

    if (probe != NULL) {
        remove_probe(pool, probe);
    }
}

void mcpz_probe_pool_expire(struct mcpz_probe_pool *pool, mcpz_time now, mcpz_time age_us)
{
    for (size_t i = 0; i < pool->count;) {
        if (now - pool->probes[i].at_us > age_us) {
            remove_probe(pool, &pool->probes[i]);
        } else {
            i++;
        }
    }
}

void mcpz_probe_use(struct mcpz_probe *probe)
{
    probe->used = true;
    if (probe->rif < UINT32_MAX) {
        probe->rif++;
    }
}

void mcpz_probe_pool_thin(struct mcpz_probe_pool *pool, size_t providers, uint32_t threshold)
{
    if (providers <= MCPZ_PROBE_POOL_MAX) {
        return;
    }
    pool->half_removed += REMOVE_PERMILLE;
    if (pool->half_removed < 1000) {
        return;
    }
    pool->half_removed -= 1000;
    if (pool->count > MCPZ_PROBE_POOL_MIN) {
        remove_probe(pool, pool->worst_next ? worst_of(pool, threshold) : oldest_of(pool));
    }
    pool->worst_next = !pool->worst_next;
}
