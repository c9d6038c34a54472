#include "core/timing.h"

#include "proto/limits.h"

static mcpz_time either(mcpz_time given, mcpz_time otherwise)
{
    return given != 0 ? given : otherwise;
}

struct mcpz_node_timing mcpz_timing_or_default(const struct mcpz_node_timing *given)
{
    return (struct mcpz_node_timing){
        .heartbeat_us = either(given->heartbeat_us, MCPZ_SECONDS(5)),
        .pool_heartbeat_us = either(given->pool_heartbeat_us, MCPZ_MS(MCPZ_KEEP_ALIVE_MS)),
        .link_silent_us = either(given->link_silent_us, MCPZ_SECONDS(6)),
        .idle_us = either(given->idle_us, MCPZ_MS(MCPZ_IDLE_MS)),
        .unused_us = either(given->unused_us, MCPZ_SECONDS(10)),
        .suspect_us = either(given->suspect_us, MCPZ_SECONDS(1)),
        .early_us = either(given->early_us, MCPZ_SECONDS(2)),
        .probe_us = either(given->probe_us, MCPZ_SECONDS(30)),
        .reconnect_us = either(given->reconnect_us, MCPZ_MS(2500)),
        .adjacency_us = either(given->adjacency_us, MCPZ_SECONDS(3)),
        .redial_min_us = either(given->redial_min_us, MCPZ_MS(250)),
        .redial_max_us = either(given->redial_max_us, MCPZ_SECONDS(30)),
        .forget_us = either(given->forget_us, MCPZ_SECONDS(3 * 24 * 3600)),
        .anti_entropy_us = either(given->anti_entropy_us, MCPZ_SECONDS(15)),
        .optimise_us = either(given->optimise_us, MCPZ_SECONDS(30)),
        .task_hold_us = either(given->task_hold_us, MCPZ_SECONDS(60)),
        .task_grace_us = either(given->task_grace_us, MCPZ_SECONDS(2)),
        .task_lease_us = either(given->task_lease_us, MCPZ_SECONDS(20)),
        .task_retention_us = either(given->task_retention_us, MCPZ_SECONDS(3600)),
        .task_ttl_us = either(given->task_ttl_us, MCPZ_SECONDS(24 * 3600)),
        .task_backoff_us = either(given->task_backoff_us, MCPZ_SECONDS(1)),
        .task_attempts = given->task_attempts != 0 ? given->task_attempts : 5,
    };
}

mcpz_time mcpz_timing_about(struct mcpz_rng *rng, mcpz_time period_us)
{
    const uint32_t steps = 1000;
    return period_us * 4 / 5 + period_us * 2 / 5 * mcpz_rng_below(rng, steps + 1) / steps;
}
