/*
 * The router held against Prequal's experiments: table A6.
 *
 * 100 clients choose among 100 servers that share their processors, one in ten of them short of
 * it (sim/balancing.h). Ours is the router that ships, by HCL; beside it C3's score on the same
 * probes, and round robin and least loaded as rules of the same router.
 *
 *   90, 127 %   of what servers are allotted: p99 beside C3's and round robin's; what is not
 *               answered within 5 s. Prequal, figure 7; protocols.md 8.6
 *   half slow   half of the servers need twice as long, 75 %: Prequal, figure 9. Its Q_RIF 0 is
 *               what ours must beat
 *   one slow    one of three needs ten times as long, half of the load: p99 beside that of three
 * that are alike; what it gets at last, in fair shares starved     servers that got nothing in the
 * last 5 s: none may, they would not be missed sinkhole    one server fails half of what it gets,
 * at once: its share after 10 s all fail    everything does: how much more is sent than was asked,
 * without breakers, and what is sent at all with them overload    twice what the servers can do
 * for ten seconds, with the gate that ships before each: how soon it is as if nothing had been,
 * and what it cost meanwhile
 */

#ifndef SIM_ANCHORS_ROUTING_H
#define SIM_ANCHORS_ROUTING_H

#include "base/time.h"
#include "sim/anchors.h"

#define MCPZ_ANCHORS_ROUTING_NODES 100

struct mcpz_routing_sizes {
    size_t nodes; /* clients, and as many servers, to MCPZ_BALANCING_NODES_MAX */
    mcpz_time warm_us;
    mcpz_time measured_us; /* 5 s at least */
    mcpz_time overload_us; /* so long it is too much, for recovery from it */
};

/** A6 in full. */
void mcpz_anchors_a6(struct mcpz_anchors *anchors, size_t nodes, uint64_t seed);

/** A6 in a size of one's own. */
void mcpz_anchors_routing(struct mcpz_anchors *anchors, const struct mcpz_routing_sizes *sizes,
                          uint64_t seed);

#endif
