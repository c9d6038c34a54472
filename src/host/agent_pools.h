/*
 * Agent pools, as programs of this machine use them (R-AGENT-5): workers kept ready with their
 * plug-ins, leased one at a time, asked to do things, given back.
 *
 *   create -> lease -> execute, renew ... -> release -> (a fresh worker) -> lease
 *
 * Only the port: exec/lease.h does it, http/api_pools.c asks for it. It is kept in memory and, for
 * those under `pools` in the file, made again at each start.
 */

#ifndef HOST_AGENT_POOLS_H
#define HOST_AGENT_POOLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/bytes.h"
#include "host/service.h"

#define MCPZ_AGENT_POOLS_MAX 16
#define MCPZ_LEASE_TTL_MS_MIN 1000
#define MCPZ_LEASE_TTL_MS_DEFAULT 60000
#define MCPZ_LEASE_TTL_MS_MAX 86400000
#define MCPZ_LEASE_ERRANDS_MAX 64 /* executed at once, over all pools */

/* How a pool is. Borrowed for the call. */
struct mcpz_agent_pool_row {
    const struct mcpz_service *service; /* name, command, plug-ins, `workers`: its size */
    const char *isolation;
    size_t ready;
    size_t starting;
    size_t busy;
    size_t leased;
};

/* Who hears what becomes of an execution. Never called from within execute() or cancel(). */
struct mcpz_agent_pool_ears {
    void *context;
    void (*output)(void *context, struct mcpz_bytes chunk);
    void (*over)(void *context, uint32_t code, struct mcpz_bytes text); /* 0: it succeeded */
};

/* All borrowed for the call. */
struct mcpz_agent_pool_order {
    uint64_t lease;
    struct mcpz_bytes type;
    struct mcpz_bytes params; /* JSON */
    uint32_t timeout_ms;
    struct mcpz_agent_pool_ears ears;
};

struct mcpz_agent_pools_port {
    void *context; /* handed to each */

    void (*list)(void *context,
                 void (*visit)(void *visit_context, const struct mcpz_agent_pool_row *row),
                 void *visit_context);

    /* Errors: MCPZ_ECONFLICT  there is one of that name
     *         MCPZ_EFULL, MCPZ_EUNSUPPORTED, MCPZ_ENOMEM  as mcpz_pool_provide() */
    mcpz_error (*create)(void *context, const struct mcpz_service *service);

    /* Its leases end, its workers go. Errors: MCPZ_ENOTFOUND */
    mcpz_error (*remove)(void *context, struct mcpz_bytes name);

    /* Errors: MCPZ_ENOTFOUND  no such pool; MCPZ_EFULL  all its workers are leased */
    mcpz_error (*lease)(void *context, struct mcpz_bytes name, uint64_t ttl_ms, uint64_t *lease);

    /* It ends `ttl_ms` from now. Errors: MCPZ_ENOTFOUND  it has ended */
    mcpz_error (*renew)(void *context, uint64_t lease, uint64_t ttl_ms);
    mcpz_error (*release)(void *context, uint64_t lease);

    /* Have its worker do something. `*execution` names it for cancel().
     * Errors: MCPZ_ENOTFOUND, MCPZ_EFULL, MCPZ_EPROTO  params are no JSON; MCPZ_ENOMEM */
    mcpz_error (*execute)(void *context, const struct mcpz_agent_pool_order *order,
                          uint32_t *execution);

    /* Nothing is heard of it any more. */
    void (*cancel)(void *context, uint32_t execution);
};

#endif
