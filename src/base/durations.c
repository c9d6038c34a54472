#include "base/durations.h"

#include <assert.h>

static const mcpz_time bounds[MCPZ_DURATION_BUCKETS] = {
    100,
    250,
    500,
    MCPZ_MS(1),
    2500,
    MCPZ_MS(5),
    MCPZ_MS(10),
    MCPZ_MS(25),
    MCPZ_MS(50),
    MCPZ_MS(100),
    MCPZ_MS(250),
    MCPZ_MS(500),
    MCPZ_SECONDS(1),
    MCPZ_MS(2500),
    MCPZ_SECONDS(10),
    MCPZ_SECONDS(60),
};

void mcpz_durations_add(struct mcpz_durations *durations, mcpz_time took_us)
{
    uint32_t i = 0;

    while (i < MCPZ_DURATION_BUCKETS && took_us > bounds[i]) {
        i++;
    }
    durations->counts[i]++;
    durations->sum_us += took_us;
}

mcpz_time mcpz_durations_bound(uint32_t i)
{
    assert(i < MCPZ_DURATION_BUCKETS);
    return bounds[i];
}
