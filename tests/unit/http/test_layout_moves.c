/* What a change of layouts comes to, counted a part at a time. */

#include <stdlib.h>

#include "http/layout_moves.h"
#include "test.h"

#define NODES_MAX (MCPZ_LAYOUT_MOVES_SLICE + 1)

static struct mcpz_storage_node nodes[NODES_MAX];
static struct mcpz_bytes zones[1];

static struct mcpz_placement placement_of(size_t count)
{
    zones[0] = mcpz_text("z");
    for (size_t i = 0; i < count; i++) {
        nodes[i] = (struct mcpz_storage_node){
            .id = {{(uint8_t)(i >> 8), (uint8_t)i}}, .weight = 1, .state = MCPZ_STORAGE_ACTIVE};
    }
    return (struct mcpz_placement){.version = 1,
                                   .partition_bits = MCPZ_PARTITION_BITS_MIN,
                                   .copies = 1,
                                   .zones_apart = 1,
                                   .zones = zones,
                                   .zone_count = 1,
                                   .nodes = nodes,
                                   .node_count = (uint32_t)count};
}

/* How many partitions are counted in the first turn. */
static uint32_t count_first(size_t node_count)
{
    const struct mcpz_placement placement = placement_of(node_count);
    struct mcpz_layout_moves moves;

    CHECK_UINT(mcpz_layout_moves_init(&moves, NULL, &placement), MCPZ_OK);
    (void)mcpz_layout_moves_work(&moves);
    const uint32_t counted = moves.next;
    mcpz_layout_moves_finish(&moves);
    return counted;
}

TEST(a_turn_looks_at_so_many_nodes)
{
    CHECK_UINT(count_first(64), MCPZ_LAYOUT_MOVES_SLICE / 64);
    CHECK_UINT(count_first(MCPZ_LAYOUT_MOVES_SLICE / 2), 2);
    CHECK_UINT(count_first(4), 256); /* all there are */
}

/* What failed before: of more nodes than a turn looks at no partition was counted, without end. */
TEST(however_many_nodes_there_are_a_partition_is_counted)
{
    CHECK_UINT(count_first(MCPZ_LAYOUT_MOVES_SLICE - 1), 2);
    CHECK_UINT(count_first(MCPZ_LAYOUT_MOVES_SLICE), 1);
    CHECK_UINT(count_first(MCPZ_LAYOUT_MOVES_SLICE + 1), 1);
}

TEST_MAIN(RUN(a_turn_looks_at_so_many_nodes),
          RUN(however_many_nodes_there_are_a_partition_is_counted))
