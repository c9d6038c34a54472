/*
 * Agent pools: crews that belong to no capability, and who has leased a worker of which until
 * when. host/agent_pools.h says what it is for; this does it.
 *
 * A lease that is not renewed ends by itself, like one that is given back: its worker goes, with
 * all it had, and a fresh one takes its place.
 */

#ifndef EXEC_LEASE_H
#define EXEC_LEASE_H

#include <stddef.h>
#include <stdint.h>

#include <ev.h>

#include <mcpz/error.h>

#include "base/time.h"
#include "exec/crew.h"
#include "host/agent_pools.h"

#define MCPZ_LEASES_MAX (MCPZ_AGENT_POOLS_MAX * MCPZ_SERVICE_WORKERS_MAX)

struct mcpz_lease {
    uint64_t id;
    struct mcpz_crew *crew;
    mcpz_time end_us;
};

struct mcpz_leases {
    struct mcpz_job_site *site;
    struct mcpz_crew *pools[MCPZ_AGENT_POOLS_MAX];
    size_t pool_count;
    struct mcpz_lease rows[MCPZ_LEASES_MAX];
    size_t row_count;
    struct {
        uint32_t id; /* 0: free */
        struct mcpz_agent_pool_ears ears;
        struct mcpz_errand *errand;
    } executions[MCPZ_LEASE_ERRANDS_MAX];
    uint32_t next_execution;
    struct mcpz_errand_port port;
    ev_timer on_end; /* of the lease that ends next */

    /* Make a crew, and have it polled and destroyed: mcpz_pool. */
    void *context;
    mcpz_error (*open)(void *context, const struct mcpz_service *service, struct mcpz_crew **crew);
};

/** `site` is set already. */
void mcpz_leases_init(struct mcpz_leases *leases, struct mcpz_job_site *site);

/** Before its crews are destroyed. Says nothing to anybody. */
void mcpz_leases_finish(struct mcpz_leases *leases);

/** Fill in the port. It is used until mcpz_leases_finish(). */
void mcpz_leases_port(struct mcpz_leases *leases, struct mcpz_agent_pools_port *port);

#endif
