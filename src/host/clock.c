/* Where real time comes from. */

#include <assert.h>
#include <time.h>

#include "host/loop.h"

mcpz_time mcpz_clock_now(void)
{
    struct timespec now;
    int failed = clock_gettime(CLOCK_MONOTONIC, &now);

    assert(failed == 0);
    return MCPZ_SECONDS(now.tv_sec) + (mcpz_time)now.tv_nsec / 1000;
}

uint64_t mcpz_clock_wall_ms(void)
{
    struct timespec now;
    int failed = clock_gettime(CLOCK_REALTIME, &now);

    assert(failed == 0);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}
