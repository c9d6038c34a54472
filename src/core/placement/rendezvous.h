/*
 * Which nodes own a partition: weighted rendezvous hashing, over zones and then nodes.
 *
 *   cost of a node for a partition  =  -log2(draw) / weight,   draw = hash(node, partition) in (0,
 * 1)
 *
 * The cheapest node of each zone is that zone's; the `zones_apart` cheapest of those own the
 * partition, and whoever is cheapest among all others while copies are missing: because fewer
 * zones are asked for than copies, or there are not as many. Costs are independent exponential
 * variables with the weights as rates, so a node gets its share of partitions, and one that
 * leaves, comes or changes its weight moves only what is its own share.
 *
 * All of it is in integers and the same on every machine: a logarithm of libm's would split the
 * storage between machines that round differently. The logarithm here is monotone, so that among
 * equal weights the greater draw wins.
 *
 * Sources: Thaler and Ravishankar, Using name-based mappings to increase hit rates (1998);
 * Schindelhauer and Schomaker, Weighted distributed hash tables (SPAA 2005), the logarithmic
 * method; reference/crdt.md, section 4.2.
 */

#ifndef CORE_PLACEMENT_RENDEZVOUS_H
#define CORE_PLACEMENT_RENDEZVOUS_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "proto/placement.h"

#define MCPZ_COST_BITS 48 /* binary digits of a cost behind the point */

struct mcpz_contestant {
    uint64_t name; /* hash of its id */
    uint32_t weight;
    uint32_t index; /* in the layout */
};

/* A layout made ready to choose by. */
struct mcpz_rendezvous {
    struct mcpz_contestant *contestants; /* active nodes, zone by zone */
    uint32_t *zone_ends;                 /* per zone: index behind its last contestant */
    size_t zone_count;
    size_t node_max;
    size_t zone_max;
    uint32_t partition_bits;
    uint32_t copies;
    uint32_t zones_apart;
};

/** How much mcpz_rendezvous_init() takes from its arena. */
size_t mcpz_rendezvous_bytes(size_t node_max, size_t zone_max);

/** Lay out room for layouts of so many nodes and zones. `arena` has room (asserted). */
void mcpz_rendezvous_init(struct mcpz_rendezvous *rendezvous, size_t node_max, size_t zone_max,
                          struct mcpz_arena *arena);

/** Choose by `placement` from now on: valid, and within the room (asserted). It is not kept. */
void mcpz_rendezvous_set(struct mcpz_rendezvous *rendezvous,
                         const struct mcpz_placement *placement);

/**
 * -log2(draw / 2^64), with MCPZ_COST_BITS binary digits behind the point, rounded up; of 0 it is
 * that of 1. Never less for a smaller draw.
 */
uint64_t mcpz_rendezvous_distance(uint64_t draw);

/** What the node called `name` draws for `partition`. */
uint64_t mcpz_rendezvous_draw(uint64_t name, uint32_t partition);

/** The partition of `document`: the first `bits` bits of its id. */
static inline uint32_t mcpz_partition_of(const struct mcpz_id *document, uint32_t bits)
{
    const uint32_t head = (uint32_t)document->bytes[0] << 24 | (uint32_t)document->bytes[1] << 16 |
                          (uint32_t)document->bytes[2] << 8 | document->bytes[3];
    return head >> (32 - bits);
}

/**
 * The owners of `partition`, best first, as indexes into the layout's nodes: as many as there are
 * copies, or active nodes if they are fewer. Returns how many. `owners` has room for
 * MCPZ_COPIES_MAX. Takes time in proportion to the nodes: some 2 ns each.
 */
size_t mcpz_rendezvous_owners(const struct mcpz_rendezvous *rendezvous, uint32_t partition,
                              uint16_t *owners);

#endif
