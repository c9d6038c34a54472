#include "core/placement/layout_history.h"
#include "engine/signed_layout.h"
#include "test.h"

static struct mcpz_identity *mesh_key;
static struct mcpz_identity *other_key;
static struct mcpz_bytes zones[] = {{(const uint8_t *)"a", 1}, {(const uint8_t *)"b", 1}};
static struct mcpz_storage_node nodes[] = {
    {.id = {{1}}, .zone = 0, .weight = 1, .state = MCPZ_STORAGE_ACTIVE},
    {.id = {{2}}, .zone = 1, .weight = 2, .state = MCPZ_STORAGE_ACTIVE},
};
static struct mcpz_placement placement;

static uint8_t bytes[1024];
static size_t length;
static _Alignas(16) uint8_t memory[8192];
static struct mcpz_arena arena;

static int set_up(void **state)
{
    static const uint8_t seed[MCPZ_SEED_BYTES] = {1};
    static const uint8_t other_seed[MCPZ_SEED_BYTES] = {2};

    (void)state;
    CHECK_UINT(mcpz_crypto_init(), MCPZ_OK);
    CHECK_UINT(mcpz_identity_create(seed, &mesh_key), MCPZ_OK);
    CHECK_UINT(mcpz_identity_create(other_seed, &other_key), MCPZ_OK);
    mcpz_arena_init(&arena, memory, sizeof(memory));
    placement = (struct mcpz_placement){.version = 1,
                                        .partition_bits = MCPZ_PARTITION_BITS,
                                        .copies = MCPZ_COPIES,
                                        .zones_apart = 2,
                                        .zones = zones,
                                        .zone_count = 2,
                                        .nodes = nodes,
                                        .node_count = 2};
    CHECK_UINT(
        mcpz_signed_layout_make(mesh_key, &placement, &arena, bytes, sizeof(bytes), &length),
        MCPZ_OK);
    CHECK_UINT(arena.used, 0);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mcpz_identity_destroy(other_key);
    mcpz_identity_destroy(mesh_key);
    return 0;
}

static mcpz_error open_for(const struct mcpz_identity *mesh, size_t count)
{
    struct mcpz_opened_layout opened;
    const size_t used = arena.used;

    mcpz_error error =
        mcpz_signed_layout_open(mcpz_bytes(bytes, count), mcpz_identity_id(mesh), &arena, &opened);
    CHECK(error == MCPZ_OK || arena.used == used);
    mcpz_arena_clear(&arena);
    return error;
}

TEST(what_the_mesh_has_signed_is_opened_by_its_name)
{
    struct mcpz_opened_layout opened;

    CHECK_UINT(mcpz_signed_layout_open(mcpz_bytes(bytes, length), mcpz_identity_id(mesh_key),
                                       &arena, &opened),
               MCPZ_OK);
    CHECK_UINT(opened.placement.version, 1);
    CHECK_UINT(opened.placement.node_count, 2);
    CHECK(memcmp(opened.placement.nodes, nodes, sizeof(nodes)) == 0);
    CHECK_UINT(opened.stamp.version, 1);
    const struct mcpz_layout_stamp stamp = mcpz_layout_stamp_of(1, &opened.digest);
    CHECK_UINT(mcpz_layout_stamp_compare(stamp, opened.stamp), 0);
}

TEST(the_next_one_names_the_one_it_was_made_from)
{
    struct mcpz_opened_layout first;
    struct mcpz_opened_layout second;
    static uint8_t later[1024];
    size_t later_length;

    CHECK_UINT(mcpz_signed_layout_open(mcpz_bytes(bytes, length), mcpz_identity_id(mesh_key),
                                       &arena, &first),
               MCPZ_OK);
    placement.version = 2;
    placement.previous = first.digest;
    CHECK_UINT(
        mcpz_signed_layout_make(mesh_key, &placement, &arena, later, sizeof(later), &later_length),
        MCPZ_OK);
    CHECK_UINT(mcpz_signed_layout_open(mcpz_bytes(later, later_length), mcpz_identity_id(mesh_key),
                                       &arena, &second),
               MCPZ_OK);
    CHECK(mcpz_id_equal(&second.placement.previous, &first.digest));
    CHECK(!mcpz_id_equal(&second.digest, &first.digest));
    CHECK(mcpz_layout_stamp_compare(first.stamp, second.stamp) < 0);
}

TEST(what_is_opened_can_be_lived_by)
{
    static struct mcpz_layout_history history;
    static _Alignas(16) uint8_t room[16384];
    struct mcpz_opened_layout opened;
    struct mcpz_arena of_history;

    CHECK(mcpz_layout_history_bytes(4, 2) <= sizeof(room));
    mcpz_arena_init(&of_history, room, sizeof(room));
    mcpz_layout_history_init(&history, &nodes[0].id, 4, 2, &of_history);
    CHECK_UINT(mcpz_signed_layout_open(mcpz_bytes(bytes, length), mcpz_identity_id(mesh_key),
                                       &arena, &opened),
               MCPZ_OK);
    CHECK_UINT(mcpz_layout_history_add(&history, &opened.placement, opened.stamp), MCPZ_OK);
    CHECK_UINT(mcpz_layout_history_newest(&history)->stamp.tag, opened.stamp.tag);
}

TEST(another_mesh_has_not_signed_it)
{
    CHECK_UINT(open_for(mesh_key, length), MCPZ_OK);
    CHECK_UINT(open_for(other_key, length), MCPZ_EAUTH);
}

TEST(every_byte_counts)
{
    for (size_t i = 0; i < length; i++) {
        CHECK(open_for(mesh_key, i) != MCPZ_OK);
        bytes[i] ^= 1;
        CHECK(open_for(mesh_key, length) != MCPZ_OK);
        bytes[i] ^= 1;
    }
    bytes[length] = 0;
    CHECK_UINT(open_for(mesh_key, length + 1), MCPZ_EPROTO);
    CHECK_UINT(open_for(mesh_key, length), MCPZ_OK);
}

TEST(too_little_room_is_told)
{
    size_t none;
    struct mcpz_opened_layout opened;

    CHECK_UINT(mcpz_signed_layout_make(mesh_key, &placement, &arena, bytes, length - 1, &none),
               MCPZ_EFULL);
    CHECK_UINT(arena.used, 0);
    mcpz_arena_init(&arena, memory, 64);
    CHECK_UINT(mcpz_signed_layout_make(mesh_key, &placement, &arena, bytes, sizeof(bytes), &none),
               MCPZ_EFULL);
    CHECK_UINT(mcpz_signed_layout_open(mcpz_bytes(bytes, length), mcpz_identity_id(mesh_key),
                                       &arena, &opened),
               MCPZ_EFULL);
    CHECK_UINT(arena.used, 0);
}

#define RUN_IN(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN_IN(what_the_mesh_has_signed_is_opened_by_its_name),
        RUN_IN(the_next_one_names_the_one_it_was_made_from),
        RUN_IN(what_is_opened_can_be_lived_by),
        RUN_IN(another_mesh_has_not_signed_it),
        RUN_IN(every_byte_counts),
        RUN_IN(too_little_room_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
