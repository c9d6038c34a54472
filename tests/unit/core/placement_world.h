/* Layouts for tests: so many nodes, spread over zones in turn, with ids from a seed. */

#ifndef PLACEMENT_WORLD_H
#define PLACEMENT_WORLD_H

#include "base/rng.h"
#include "proto/placement.h"
#include "test.h"

#define WORLD_NODES_MAX 1024
#define WORLD_ZONES_MAX 64

struct world {
    struct mcpz_placement placement;
    struct mcpz_storage_node nodes[WORLD_NODES_MAX];
    struct mcpz_bytes zones[WORLD_ZONES_MAX];
    char names[WORLD_ZONES_MAX][4];
};

static inline int by_id(const void *a, const void *b)
{
    return mcpz_id_compare(&((const struct mcpz_storage_node *)a)->id,
                           &((const struct mcpz_storage_node *)b)->id);
}

/* Lists of their own, at their own addresses: a copied world is pointed at itself again. */
static inline void world_own(struct world *world)
{
    for (size_t i = 0; i < world->placement.zone_count; i++) {
        world->zones[i] = mcpz_bytes(world->names[i], 3);
    }
    world->placement.zones = world->zones;
    world->placement.nodes = world->nodes;
}

static inline void world_make(struct world *world, size_t nodes, size_t zones)
{
    struct mcpz_rng rng;

    CHECK(nodes <= WORLD_NODES_MAX && zones <= WORLD_ZONES_MAX);
    mcpz_rng_init(&rng, 20260101);
    *world = (struct world){.placement = {.version = 1,
                                          .partition_bits = MCPZ_PARTITION_BITS,
                                          .copies = 3,
                                          .zones_apart = 3,
                                          .zone_count = zones,
                                          .node_count = nodes}};
    for (size_t i = 0; i < zones; i++) {
        world->names[i][0] = 'z';
        world->names[i][1] = (char)('0' + i / 10);
        world->names[i][2] = (char)('0' + i % 10);
    }
    for (size_t i = 0; i < nodes; i++) {
        for (size_t at = 0; at < MCPZ_ID_BYTES; at++) {
            world->nodes[i].id.bytes[at] = (uint8_t)mcpz_rng_below(&rng, 256);
        }
        world->nodes[i].weight = 1;
        world->nodes[i].state = MCPZ_STORAGE_ACTIVE;
    }
    qsort(world->nodes, nodes, sizeof(world->nodes[0]), by_id);
    for (size_t i = 0; i < nodes; i++) {
        world->nodes[i].zone = (uint32_t)(i % zones);
    }
    world_own(world);
    CHECK(mcpz_placement_is_valid(&world->placement));
}

#endif
