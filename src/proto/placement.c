#include "proto/placement.h"

#include <assert.h>

struct mcpz_layout_stamp mcpz_layout_stamp_of(uint64_t version, const struct mcpz_id *digest)
{
    struct mcpz_layout_stamp stamp = {.version = version};

    for (size_t i = 0; i < sizeof(stamp.tag); i++) {
        stamp.tag = stamp.tag << 8 | digest->bytes[i];
    }
    return stamp;
}

static bool is_in(uint64_t number, uint64_t low, uint64_t high)
{
    return number >= low && number <= high;
}

static bool has_valid_numbers(const struct mcpz_placement *placement)
{
    return placement->version >= 1 &&
           is_in(placement->partition_bits, MCPZ_PARTITION_BITS_MIN, MCPZ_PARTITION_BITS_MAX) &&
           is_in(placement->copies, 1, MCPZ_COPIES_MAX) &&
           is_in(placement->zones_apart, 1, placement->copies) &&
           is_in(placement->zone_count, 1, MCPZ_PLACEMENT_ZONES_MAX) &&
           is_in(placement->node_count, 1, MCPZ_PLACEMENT_NODES_MAX);
}

static bool is_valid_node(const struct mcpz_storage_node *node, size_t zone_count)
{
    return node->zone < zone_count && is_in(node->weight, 1, MCPZ_PLACEMENT_WEIGHT_MAX) &&
           is_in(node->state, MCPZ_STORAGE_ACTIVE, MCPZ_STORAGE_LEAVING);
}

static bool has_valid_zones(const struct mcpz_placement *placement)
{
    for (size_t i = 0; i < placement->zone_count; i++) {
        const struct mcpz_bytes name = placement->zones[i];
        if (name.length > MCPZ_NAME_BYTES_MAX || !mcpz_bytes_is_utf8(name) ||
            (i > 0 && mcpz_bytes_compare(placement->zones[i - 1], name) >= 0)) {
            return false;
        }
    }
    return true;
}

bool mcpz_placement_is_valid(const struct mcpz_placement *placement)
{
    bool is_named[MCPZ_PLACEMENT_ZONES_MAX] = {false};
    size_t zones_named = 0;
    size_t active = 0;

    if (!has_valid_numbers(placement) || !has_valid_zones(placement)) {
        return false;
    }
    for (size_t i = 0; i < placement->node_count; i++) {
        const struct mcpz_storage_node *node = &placement->nodes[i];
        if (!is_valid_node(node, placement->zone_count) ||
            (i > 0 && mcpz_id_compare(&placement->nodes[i - 1].id, &node->id) >= 0)) {
            return false;
        }
        zones_named += is_named[node->zone] ? 0 : 1;
        is_named[node->zone] = true;
        active += node->state == MCPZ_STORAGE_ACTIVE ? 1 : 0;
    }
    return active > 0 && zones_named == placement->zone_count;
}
