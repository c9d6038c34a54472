#include "core/router/latencies.h"

#include <assert.h>

#define EIGHTHS 8
#define LEAST_BITS 4 /* the first bucket ends at 2^4 us */
#define MOST_BITS (LEAST_BITS + MCPZ_LATENCIES_BUCKETS / EIGHTHS)

static_assert(MCPZ_LATENCIES_FULL <= UINT16_MAX, "a count fits its bucket");

void mcpz_latencies_init(struct mcpz_latencies *latencies)
{
    *latencies = (struct mcpz_latencies){0};
}

/* Eight buckets to a doubling: the highest bit, and the three after it. */
static size_t bucket_of(mcpz_time took_us)
{
    size_t bits = LEAST_BITS;

    if (took_us < (mcpz_time)1 << LEAST_BITS) {
        return 0;
    }
    if (took_us >> MOST_BITS != 0) {
        return MCPZ_LATENCIES_BUCKETS - 1;
    }
    while (took_us >> (bits + 1) != 0) {
        bits++;
    }
    return (bits - LEAST_BITS) * EIGHTHS + (size_t)((took_us >> (bits - 3)) & (EIGHTHS - 1));
}

/* The least time that is beyond it. */
static mcpz_time end_of(size_t bucket)
{
    const size_t bits = LEAST_BITS + bucket / EIGHTHS;

    return ((mcpz_time)EIGHTHS + bucket % EIGHTHS + 1) << (bits - 3);
}

void mcpz_latencies_add(struct mcpz_latencies *latencies, mcpz_time took_us)
{
    latencies->counts[bucket_of(took_us)]++;
    if (++latencies->total < MCPZ_LATENCIES_FULL) {
        return;
    }
    latencies->total = 0;
    for (size_t i = 0; i < MCPZ_LATENCIES_BUCKETS; i++) {
        latencies->counts[i] /= 2;
        latencies->total += latencies->counts[i];
    }
}

mcpz_time mcpz_latencies_quantile(const struct mcpz_latencies *latencies, uint32_t permille)
{
    const uint64_t wanted = (uint64_t)latencies->total * permille;
    uint64_t seen = 0;

    assert(permille <= 1000);
    if (latencies->total < MCPZ_LATENCIES_ENOUGH) {
        return MCPZ_TIME_NEVER;
    }
    for (size_t i = 0; i < MCPZ_LATENCIES_BUCKETS; i++) {
        seen += (uint64_t)latencies->counts[i] * 1000;
        if (seen >= wanted && latencies->counts[i] > 0) {
            return end_of(i);
        }
    }
    return end_of(MCPZ_LATENCIES_BUCKETS - 1);
}
