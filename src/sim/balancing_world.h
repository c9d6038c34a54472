/*
 * What clients and servers of sim/balancing.h share: the world they are in, what is due in it, and
 * chance; and what its servers do (balancing_servers.c). Private to the two.
 */

#ifndef SIM_BALANCING_WORLD_H
#define SIM_BALANCING_WORLD_H

#include <math.h>
#include <stdlib.h>

#include "core/gate.h"
#include "core/load.h"
#include "core/router/router.h"
#include "sim/balancing.h"
#include "sim/fleet_queue.h"
#include "sim/ps_server.h"

#define MCPZ_BALANCING_MILLICORES 4000 /* what a server is allotted */
#define MCPZ_BALANCING_WORK_US 26000.0 /* mean and deviation */
#define MCPZ_BALANCING_WAY_US 250      /* half of the round trip */
#define MCPZ_BALANCING_ATTEMPTS_MAX 2
#define MCPZ_BALANCING_LOOKS_MAX 128
#define MCPZ_BALANCING_GATE_CALLS_MAX 2048 /* at one server, under way and waiting */

enum mcpz_balancing_due {
    MCPZ_BALANCING_QUERY,       /* one more arrives at this client */
    MCPZ_BALANCING_AT_SERVER,   /* a query does at its server */
    MCPZ_BALANCING_SERVED,      /* a server is done with its first, if nothing has changed since */
    MCPZ_BALANCING_AT_CLIENT,   /* an answer does */
    MCPZ_BALANCING_LATE,        /* its time is over */
    MCPZ_BALANCING_AGAIN,       /* it may be sent once more */
    MCPZ_BALANCING_REDRAW,      /* what this server gets */
    MCPZ_BALANCING_PROBE_THERE, /* a probe arrives at its server */
    MCPZ_BALANCING_PROBE_BACK,
    MCPZ_BALANCING_GATE, /* what waits at this server may have waited too long */
};

#define MCPZ_BALANCING_KIND_BITS 4
#define MCPZ_BALANCING_VERSION_MASK ((1U << 24) - 1)

struct mcpz_balancing_query {
    bool used;
    bool over; /* nobody waits for it: what is on its way is thrown away */
    bool at_server;
    bool failed;
    bool waits;   /* at the server's gate */
    bool refused; /* by it */
    bool important;
    uint32_t handle;  /* at the gate */
    uint32_t version; /* of this place */
    uint32_t client;
    uint32_t server;
    uint32_t attempts;
    uint32_t rif; /* at the server when it came */
    mcpz_time arrived_us;
    mcpz_time begun_us;
    mcpz_time there_us;
    struct mcpz_route route;
    struct mcpz_load_report report;
    struct mcpz_id tried[MCPZ_BALANCING_ATTEMPTS_MAX];
};

struct mcpz_balancing_server {
    struct mcpz_ps_server processor;
    uint32_t version; /* of what it is planned to be done with next */
    struct mcpz_load load;
    struct mcpz_gate *gate; /* NULL: all that comes is begun */
    void *gate_memory;
    uint32_t queries[MCPZ_BALANCING_GATE_CALLS_MAX]; /* by handle */
    uint32_t handles[MCPZ_BALANCING_GATE_CALLS_MAX]; /* those that are free */
    size_t free_handles;
    mcpz_time gate_due_us; /* when it is looked at; MCPZ_TIME_NEVER: not planned */
};

struct mcpz_balancing {
    const struct mcpz_balancing_options *options;
    struct mcpz_fleet_queue dues;
    struct mcpz_rng rng;
    mcpz_time now;
    struct mcpz_balancing_client *clients;
    struct mcpz_balancing_server *servers;
    struct mcpz_balancing_query *queries;
    size_t query_room;
    uint32_t *free_queries;
    size_t free_count;
    struct mcpz_balancing_probe *probes;
    size_t probe_room;
    uint32_t *latencies; /* us, of those measured */
    size_t latency_count;
    size_t latency_room;
    uint64_t late_sum;
    uint64_t shares[MCPZ_BALANCING_NODES_MAX];  /* at last */
    uint64_t look_us[MCPZ_BALANCING_LOOKS_MAX]; /* sum of latencies, by when they ended */
    uint64_t look_count[MCPZ_BALANCING_LOOKS_MAX];
    uint64_t look_refused[MCPZ_BALANCING_LOOKS_MAX];
    struct mcpz_balancing_result result;
};

static inline void *mcpz_balancing_must(void *memory)
{
    if (memory == NULL) {
        abort();
    }
    return memory;
}

static inline void mcpz_balancing_due(struct mcpz_balancing *world, mcpz_time at_us,
                                      enum mcpz_balancing_due kind, size_t index, uint32_t version)
{
    mcpz_fleet_queue_add(&world->dues,
                         &(struct mcpz_fleet_due){
                             .at_us = at_us,
                             .index = (uint32_t)index,
                             .kind = (uint32_t)kind | version << MCPZ_BALANCING_KIND_BITS,
                         });
}

/* In (0, 1]. */
static inline double mcpz_balancing_uniform(struct mcpz_balancing *world)
{
    return (double)((mcpz_rng_next(&world->rng) >> 11) + 1) / 9007199254740992.0;
}

static inline mcpz_time mcpz_balancing_exponential_us(struct mcpz_balancing *world, double mean_us)
{
    return (mcpz_time)(-log(mcpz_balancing_uniform(world)) * mean_us);
}

void mcpz_balancing_open_server(struct mcpz_balancing *world, size_t at);

void mcpz_balancing_close_server(struct mcpz_balancing *world, size_t at);

/* The server gets more or less of its machine from now on. */
void mcpz_balancing_on_redraw(struct mcpz_balancing *world, size_t index);

/* A query has come to its server: it begins, waits, or is told to go away. */
void mcpz_balancing_on_arrival(struct mcpz_balancing *world, uint32_t index);

/* The server is done with the one it was planned to be done with first; its answer is sent. */
void mcpz_balancing_on_served(struct mcpz_balancing *world, size_t at);

/* What waits at the server may have waited too long. */
void mcpz_balancing_on_gate(struct mcpz_balancing *world, size_t at);

/* The query is at its server no longer. `well`: it was done there. */
void mcpz_balancing_leave(struct mcpz_balancing *world, uint32_t index, bool well);

#endif
