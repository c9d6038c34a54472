#include "core/timing.h"

static mcpz_time either(mcpz_time given, mcpz_time otherwise)
{
    return given != 0 ? given : otherwise;
}

struct mcpz_node_timing mcpz_timing_or_default(const struct mcpz_node_timing *given)
{
    return (struct mcpz_node_timing){
        .heartbeat_us = either(given->heartbeat_us, MCPZ_SECONDS(1)),
        .link_silent_us = either(given->link_silent_us, MCPZ_SECONDS(5)),
        .suspect_us = either(given->suspect_us, MCPZ_SECONDS(4)),
        .redial_min_us = either(given->redial_min_us, MCPZ_MS(250)),
        .redial_max_us = either(given->redial_max_us, MCPZ_SECONDS(30)),
        .forget_us = either(given->forget_us, MCPZ_SECONDS(24 * 3600)),
        .anti_entropy_us = either(given->anti_entropy_us, MCPZ_SECONDS(10)),
    };
}
