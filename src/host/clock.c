/* Where real time comes from. */

#include <assert.h>
#include <stdio.h>
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

void mcpz_clock_write_wall(char text[MCPZ_CLOCK_TEXT_BYTES])
{
    const uint64_t wall_ms = mcpz_clock_wall_ms();
    const time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;

    text[0] = '\0';
    if (gmtime_r(&seconds, &parts) != NULL) {
        const size_t length = strftime(text, MCPZ_CLOCK_TEXT_BYTES, "%Y-%m-%dT%H:%M:%S", &parts);
        (void)snprintf(text + length, MCPZ_CLOCK_TEXT_BYTES - length, ".%03uZ",
                       (unsigned)(wall_ms % 1000));
    }
}
