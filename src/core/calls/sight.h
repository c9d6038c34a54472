/* What a step of calls looks at and does not change. */

#ifndef CORE_CALLS_SIGHT_H
#define CORE_CALLS_SIGHT_H

#include "base/time.h"
#include "core/fabric.h"
#include "core/registry.h"
#include "core/relay.h"

struct mcpz_call_sight {
    const struct mcpz_fabric *fabric;
    const struct mcpz_relay *relay;
    const struct mcpz_registry *registry;
    mcpz_time now;
};

#endif
