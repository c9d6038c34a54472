/* A layout of three nodes, ourselves, B and C, for tests of the API. */

#ifndef FAKE_LAYOUT_H
#define FAKE_LAYOUT_H

#include "fake_engine.h"

/* One copy each (or as many as the test says before), among ourselves, B and C. */
static struct mcpz_storage_node layout_nodes[3];
static struct mcpz_bytes layout_zones[1];
static void *layout_memory;
static uint32_t layout_copies = 1;

static inline void fake_layout_begin(void)
{
    struct mcpz_layouts *layouts = &world.engine.node.layouts;
    const struct mcpz_layout_stamp stamp = {.version = 1, .tag = 1};
    const struct mcpz_placement placement = {.version = 1,
                                             .partition_bits = MCPZ_PARTITION_BITS,
                                             .copies = layout_copies,
                                             .zones_apart = 1,
                                             .zones = layout_zones,
                                             .zone_count = 1,
                                             .nodes = layout_nodes,
                                             .node_count = 3};
    struct mcpz_arena arena;

    layout_zones[0] = mcpz_text("z");
    for (size_t i = 0; i < 3; i++) {
        layout_nodes[i] = (struct mcpz_storage_node){
            .id = {{(uint8_t) "bcs"[i]}}, .weight = 1, .state = MCPZ_STORAGE_ACTIVE};
    }
    layout_memory = calloc(1, mcpz_layout_history_bytes(4, 1));
    CHECK(layout_memory != NULL);
    mcpz_arena_init(&arena, layout_memory, mcpz_layout_history_bytes(4, 1));
    mcpz_layout_history_init(&layouts->history, &world.engine.id, 4, 1, &arena);
    CHECK_UINT(mcpz_layout_history_add(&layouts->history, &placement, stamp), MCPZ_OK);
    layouts->in_force = true;
}

/* They have what is theirs in it, up to node so many. */
static inline void fake_layout_synced(size_t count)
{
    const struct mcpz_layout_stamp stamp = {.version = 1, .tag = 1};

    for (size_t i = 0; i < count; i++) {
        const struct mcpz_layout_tracker tracker = {
            .node = layout_nodes[i].id, .acked = stamp, .synced = stamp, .sync_acked = stamp};
        (void)mcpz_layout_history_merge(&world.engine.node.layouts.history, &tracker);
    }
}

static inline void fake_layout_end(void)
{
    free(layout_memory);
}

#endif
