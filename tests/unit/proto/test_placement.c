#include "proto/placement.h"
#include "test.h"

static struct mcpz_bytes zones[MCPZ_PLACEMENT_ZONES_MAX + 1];
static struct mcpz_storage_node nodes[MCPZ_PLACEMENT_NODES_MAX + 1];
static struct mcpz_placement placement;

static void set_up(void)
{
    zones[0] = mcpz_text("a");
    zones[1] = mcpz_text("b");
    for (uint32_t i = 0; i < 3; i++) {
        nodes[i] = (struct mcpz_storage_node){
            .id = {{(uint8_t)i}}, .zone = i % 2, .weight = 1, .state = MCPZ_STORAGE_ACTIVE};
    }
    placement = (struct mcpz_placement){.version = 1,
                                        .partition_bits = 16,
                                        .copies = 3,
                                        .zones_apart = 2,
                                        .zones = zones,
                                        .zone_count = 2,
                                        .nodes = nodes,
                                        .node_count = 3};
}

#define CHECK_REFUSED(change)                                                                     \
    do {                                                                                          \
        set_up();                                                                                 \
        CHECK(mcpz_placement_is_valid(&placement));                                               \
        change;                                                                                   \
        CHECK(!mcpz_placement_is_valid(&placement));                                              \
    } while (0)

TEST(numbers_have_bounds)
{
    CHECK_REFUSED(placement.version = 0);
    CHECK_REFUSED(placement.partition_bits = MCPZ_PARTITION_BITS_MIN - 1);
    CHECK_REFUSED(placement.partition_bits = MCPZ_PARTITION_BITS_MAX + 1);
    CHECK_REFUSED(placement.copies = 0);
    CHECK_REFUSED(placement.copies = MCPZ_COPIES_MAX + 1);
    CHECK_REFUSED(placement.zones_apart = 0);
    CHECK_REFUSED(placement.zones_apart = 4); /* more than there are copies */
    CHECK_REFUSED(nodes[1].weight = 0);
    CHECK_REFUSED(nodes[1].weight = MCPZ_PLACEMENT_WEIGHT_MAX + 1);
    CHECK_REFUSED(nodes[1].state = 0);
    CHECK_REFUSED(nodes[1].state = MCPZ_STORAGE_LEAVING + 1);
    CHECK_REFUSED(nodes[1].zone = 2);
    CHECK_REFUSED(placement.node_count = 0);
    CHECK_REFUSED(placement.zone_count = 0);
}

TEST(zones_are_in_order_each_once_and_somebodys)
{
    CHECK_REFUSED(zones[1] = mcpz_text("a"));
    CHECK_REFUSED(zones[0] = mcpz_text("c"));
    CHECK_REFUSED(nodes[1].zone = 0);
    CHECK_REFUSED(zones[1] = mcpz_text("b\xff"));
    set_up();
    zones[0] = mcpz_bytes(NULL, 0);
    CHECK(mcpz_placement_is_valid(&placement));
}

TEST(zone_names_have_a_length)
{
    static char long_name[MCPZ_NAME_BYTES_MAX + 2];

    memset(long_name, 'b', MCPZ_NAME_BYTES_MAX + 1);
    CHECK_REFUSED(zones[1] = mcpz_bytes(long_name, MCPZ_NAME_BYTES_MAX + 1));
    zones[1] = mcpz_bytes(long_name, MCPZ_NAME_BYTES_MAX);
    CHECK(mcpz_placement_is_valid(&placement));
}

TEST(nodes_are_in_order_each_once_and_one_is_active)
{
    CHECK_REFUSED(nodes[1].id = nodes[0].id);
    CHECK_REFUSED(nodes[1].id.bytes[0] = 9);
    CHECK_REFUSED(for (size_t i = 0; i < 3; i++) { nodes[i].state = MCPZ_STORAGE_LEAVING; });
    set_up();
    nodes[0].state = MCPZ_STORAGE_LEAVING;
    nodes[2].state = MCPZ_STORAGE_LEAVING;
    CHECK(mcpz_placement_is_valid(&placement));
}

TEST(so_many_nodes_and_no_more)
{
    set_up();
    for (uint32_t i = 0; i <= MCPZ_PLACEMENT_NODES_MAX; i++) {
        nodes[i] = nodes[0];
        nodes[i].id = (struct mcpz_id){{(uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
        nodes[i].zone = i % 2;
    }
    placement.node_count = MCPZ_PLACEMENT_NODES_MAX;
    CHECK(mcpz_placement_is_valid(&placement));
    placement.node_count++;
    CHECK(!mcpz_placement_is_valid(&placement));
}

TEST(so_many_zones_and_no_more)
{
    static char names[MCPZ_PLACEMENT_ZONES_MAX + 1][8];

    set_up();
    for (uint32_t i = 0; i <= MCPZ_PLACEMENT_ZONES_MAX; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "%04u", i);
        zones[i] = mcpz_text(names[i]);
        nodes[i] = nodes[0];
        nodes[i].id = (struct mcpz_id){{(uint8_t)(i >> 8), (uint8_t)i}};
        nodes[i].zone = i;
    }
    placement.zone_count = MCPZ_PLACEMENT_ZONES_MAX;
    placement.node_count = MCPZ_PLACEMENT_ZONES_MAX;
    CHECK(mcpz_placement_is_valid(&placement));
    placement.zone_count++;
    placement.node_count++;
    CHECK(!mcpz_placement_is_valid(&placement));
}

TEST(stamps_go_by_version_then_by_what_is_said)
{
    const struct mcpz_id digest = {{1, 2, 3, 4, 5, 6, 7, 8, 9}};
    const struct mcpz_layout_stamp a = mcpz_layout_stamp_of(3, &digest);
    const struct mcpz_layout_stamp b = {.version = 3, .tag = a.tag + 1};
    const struct mcpz_layout_stamp c = {.version = 4};

    CHECK_UINT(a.tag, UINT64_C(0x0102030405060708));
    CHECK(mcpz_layout_stamp_compare(a, b) < 0 && mcpz_layout_stamp_compare(b, a) > 0);
    CHECK(mcpz_layout_stamp_compare(b, c) < 0 && mcpz_layout_stamp_compare(c, b) > 0);
    CHECK_UINT(mcpz_layout_stamp_compare(a, a), 0);
    CHECK_UINT(mcpz_layout_stamp_max(a, b).tag, b.tag);
    CHECK_UINT(mcpz_layout_stamp_max(c, b).version, 4);
}

TEST_MAIN(RUN(numbers_have_bounds), RUN(zones_are_in_order_each_once_and_somebodys),
          RUN(zone_names_have_a_length), RUN(nodes_are_in_order_each_once_and_one_is_active),
          RUN(so_many_nodes_and_no_more), RUN(so_many_zones_and_no_more),
          RUN(stamps_go_by_version_then_by_what_is_said))
