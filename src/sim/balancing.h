/*
 * Clients that choose among servers: the setting of Prequal's experiments, in virtual time.
 *
 * A server shares its processor among all that it has in flight (PS), one core at most for each.
 * It is allotted SERVER_CORES and gets more while its neighbours leave them: from one to three
 * times as much, drawn anew now and then; one server in ten, those beside antagonists, gets less
 * than it was allotted. Load is in percent of what all are allotted. Queries arrive at each client
 * as a Poisson process; their work is normal, cut at 0. What is not answered in time is an error,
 * and cancelled. Sources: Wydrowski et al., NSDI 2024, section 5; protocols.md 8.6.
 *
 * Every client has a router of its own (core/router/router.h), the one that ships, and every
 * server tells its load by core/load.h. With `gate`, servers also have the gate that ships
 * (core/gate.h) before them, without an end of hands: its own limit is what there is. C3 (Suresh
 * et al., NSDI 2015) is here for comparison: its score, on what the same probes say.
 */

#ifndef SIM_BALANCING_H
#define SIM_BALANCING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "core/router/rules.h"

#define MCPZ_BALANCING_NODES_MAX 128 /* clients, and servers */

enum mcpz_balancing_world {
    MCPZ_BALANCING_ANTAGONISTS, /* as above */
    MCPZ_BALANCING_HALF_SLOW,   /* the same, and half of the servers need twice as long */
    MCPZ_BALANCING_ONE_SLOW,    /* the same, and server 0 needs ten times as long */
    MCPZ_BALANCING_SINKHOLE,    /* as above; server 0 fails half of what it gets, at once */
    MCPZ_BALANCING_ALL_FAIL,    /* everything fails, at once, and looks as if it may be retried */
    MCPZ_BALANCING_ALL_BREAK,   /* the same, and breakers are to notice */
};

struct mcpz_balancing_options {
    size_t nodes; /* clients, and as many servers: 2 to MCPZ_BALANCING_NODES_MAX */
    enum mcpz_balancing_world world;
    bool c3; /* else by this: */
    enum mcpz_strategy strategy;
    bool gate; /* before each server; one query in four is important */
    uint32_t load_percent;
    mcpz_time overload_us;     /* so long, after the warm-up, the load is: */
    uint32_t overload_percent; /* this */
    mcpz_time warm_us;         /* not measured */
    mcpz_time measured_us;
    uint64_t seed;
};

struct mcpz_balancing_result {
    size_t queries;           /* that ended while it was measured */
    size_t late;              /* not answered in time */
    size_t refused;           /* breakers were open, or gates had them go away */
    size_t important;         /* of all that ended or were refused */
    size_t important_refused; /* of `refused` */
    uint64_t sent;            /* attempts, from the start on */
    uint64_t first;           /* of them, first ones */
    uint64_t asked;           /* queries, from the start on */
    mcpz_time p50_us;
    mcpz_time p90_us;
    mcpz_time p99_us;      /* MCPZ_BALANCING_TIMEOUT_US if more than one in a hundred was late */
    size_t starved;        /* servers that got nothing at last */
    double share_of_first; /* of queries, that server 0 got at last, in fair shares */
    double recovered_s;    /* after the overload, until answers were as fast as before it */
};

#define MCPZ_BALANCING_TIMEOUT_US MCPZ_SECONDS(5)

/** Run it. Out of memory: aborts. */
struct mcpz_balancing_result mcpz_balancing_run(const struct mcpz_balancing_options *options);

#endif
