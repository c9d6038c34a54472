#include "mcpz-sim-took.h"

#include <time.h>

static double seconds_of(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

struct mcpz_sim_took mcpz_sim_took_so_far(void)
{
    return (struct mcpz_sim_took){
        .wall_s = seconds_of(CLOCK_MONOTONIC),
        .cpu_s = seconds_of(CLOCK_PROCESS_CPUTIME_ID),
    };
}

struct mcpz_sim_took mcpz_sim_took_since(struct mcpz_sim_took began)
{
    const struct mcpz_sim_took now = mcpz_sim_took_so_far();

    return (struct mcpz_sim_took){
        .wall_s = now.wall_s - began.wall_s,
        .cpu_s = now.cpu_s - began.cpu_s,
    };
}
