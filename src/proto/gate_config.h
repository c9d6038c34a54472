/* What a provider is told of whom it works for, and how much at once. See core/gate.h. */

#ifndef PROTO_GATE_CONFIG_H
#define PROTO_GATE_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "proto/level.h"
#include "proto/limits.h"

struct mcpz_tenant_config {
    char name[MCPZ_TENANT_BYTES_MAX + 1];
    enum mcpz_level level;
};

struct mcpz_gate_config {
    uint32_t hands;     /* tasks that need one, at once; 0: no end of them */
    uint32_t queue_min; /* at least so many may wait for one capability; 0: as many as run */
    enum mcpz_level level_default; /* of tenants that are not named here */
    uint32_t server_per_second;    /* calls from one node; 0: no limit */
    struct mcpz_tenant_config tenants[MCPZ_TENANTS_MAX];
    size_t tenant_count;
};

#endif
