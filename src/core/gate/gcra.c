#include "core/gate/gcra.h"

#include <assert.h>

struct mcpz_rate mcpz_rate(uint32_t count, mcpz_time period_us, uint32_t burst)
{
    assert(burst > 0);
    mcpz_time interval_us = count > 0 ? period_us / count : 0;

    return (struct mcpz_rate){
        .interval_us = interval_us,
        .tolerance_us = interval_us * (burst - 1),
    };
}

static mcpz_time from(mcpz_time tat, mcpz_time now)
{
    return tat > now ? tat : now;
}

mcpz_time mcpz_gcra_wait(mcpz_time tat, const struct mcpz_rate *rate, mcpz_time now)
{
    if (rate->interval_us == 0) {
        return 0;
    }
    mcpz_time ahead_us = from(tat, now) - now;
    return ahead_us > rate->tolerance_us ? ahead_us - rate->tolerance_us : 0;
}

void mcpz_gcra_take(mcpz_time *tat, const struct mcpz_rate *rate, mcpz_time now)
{
    assert(mcpz_gcra_wait(*tat, rate, now) == 0);
    *tat = from(*tat, now) + rate->interval_us;
}
