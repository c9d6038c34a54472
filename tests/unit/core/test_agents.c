/* What people write, and what they are told. */

#include "agents_world.h"
#include "core/crdt/number.h"
#include "core/crdt/paths.h"
#include "test.h"

#define BYTES(text)                                                                               \
    {                                                                                             \
        (const uint8_t *)(text), sizeof(text) - 1                                                 \
    }

static const struct mcpz_bytes k = BYTES("\x91\xa1k");
static const struct mcpz_bytes m = BYTES("\x91\xa1m");
static const struct mcpz_bytes one = BYTES("\x01");
static const struct mcpz_bytes two = BYTES("\x02");
static const struct mcpz_bytes none = {NULL, 0};

/* ["..."], a text of 396 bytes: as long as a path may be. */
static const uint8_t longest_header[] = {0x91, 0xda, 0x01, 0x8c};

static struct world world;

static void set_up(size_t node_count)
{
    world_init(&world, node_count);
    world_link_all(&world);
}

static uint32_t set(size_t node, struct mcpz_bytes path, struct mcpz_bytes value)
{
    return world_write(&world, node, MCPZ_AGENT_SET, 1, path, value);
}

static size_t registers(size_t node, struct mcpz_bytes path)
{
    return world_entries(&world, node, 1, path, MCPZ_ENTRY_REGISTER, NULL);
}

/* ["m", i] */
static struct mcpz_bytes numbered(uint32_t i)
{
    static uint8_t path[6];
    path[0] = 0x92;
    path[1] = 0xa1;
    path[2] = 'm';
    if (i < 128) {
        path[3] = (uint8_t)i;
        return mcpz_bytes(path, 4);
    }
    path[3] = i < 256 ? 0xcc : 0xcd;
    path[4] = i < 256 ? (uint8_t)i : (uint8_t)(i >> 8);
    path[5] = (uint8_t)i;
    return mcpz_bytes(path, i < 256 ? 5 : 6);
}

/* ---- Life --------------------------------------------------------------------------------- */

TEST(creating_makes_a_named_agent_and_tells_everybody)
{
    set_up(3);
    CHECK_UINT(world_create(&world, 0, 1), MCPZ_CODE_OK);

    struct mcpz_record_document document = world_look(&world, 0, 1);
    CHECK_BYTES(document.name, "ada", 3);
    CHECK(!document.deleted);
    CHECK_UINT(document.entry_count, 2);
    CHECK_UINT(document.hlc, mcpz_hlc_of_ms(world.wall_ms));
    CHECK_UINT(world.nodes[0].agents.document_count, 1);
    CHECK_UINT(world.nodes[0].agents.deltas_written, 1);
    CHECK_UINT(world.letter_count, 2);

    world_pump(&world);
    CHECK(world_has_converged(&world));
    CHECK_UINT(world.nodes[1].agents.document_count, 1);
    CHECK_UINT(world.nodes[1].merged_facts, 1);
    CHECK_UINT(world.nodes[0].merged_facts, 0);
    world_finish(&world);
}

TEST(creates_only_what_is_not_there)
{
    set_up(1);
    CHECK_UINT(world_create(&world, 0, 1), MCPZ_CODE_OK);
    CHECK_UINT(world_create(&world, 0, 1), MCPZ_CODE_CONFLICT);
    CHECK_UINT(world_create(&world, 0, 0), MCPZ_CODE_BAD_REQUEST); /* no id */
    world_finish(&world);
}

TEST(a_name_is_1_to_128_bytes_of_text)
{
    static const struct mcpz_bytes broken = BYTES("\xff");
    uint8_t name[MCPZ_AGENT_NAME_BYTES_MAX + 1];

    memset(name, 'x', sizeof(name));
    set_up(1);
    struct mcpz_bytes longest = mcpz_bytes(name, MCPZ_AGENT_NAME_BYTES_MAX);
    struct mcpz_bytes too_long = mcpz_bytes(name, MCPZ_AGENT_NAME_BYTES_MAX + 1);
    CHECK_UINT(world_write(&world, 0, MCPZ_AGENT_CREATE, 1, none, none), MCPZ_CODE_BAD_REQUEST);
    CHECK_UINT(world_write(&world, 0, MCPZ_AGENT_CREATE, 1, none, broken), MCPZ_CODE_BAD_REQUEST);
    CHECK_UINT(world_write(&world, 0, MCPZ_AGENT_CREATE, 1, none, too_long),
               MCPZ_CODE_BAD_REQUEST);
    CHECK_UINT(world_write(&world, 0, MCPZ_AGENT_CREATE, 1, none, longest), MCPZ_CODE_OK);
    CHECK_UINT(world_look(&world, 0, 1).name.length, MCPZ_AGENT_NAME_BYTES_MAX);
    world_finish(&world);
}

static void check_nothing_can_be_written(void)
{
    CHECK_UINT(set(0, k, one), MCPZ_CODE_NOT_FOUND);
    CHECK_UINT(world_write(&world, 0, MCPZ_AGENT_UNSET, 1, k, none), MCPZ_CODE_NOT_FOUND);
    CHECK_UINT(world_write(&world, 0, MCPZ_AGENT_ADD, 1, k, one), MCPZ_CODE_NOT_FOUND);
    CHECK_UINT(world_write(&world, 0, MCPZ_AGENT_REMOVE, 1, k, one), MCPZ_CODE_NOT_FOUND);
    CHECK_UINT(world_increment(&world, 0, 1, k, 1), MCPZ_CODE_NOT_FOUND);
    CHECK_UINT(world_delete(&world, 0, 1), MCPZ_CODE_NOT_FOUND);
}

TEST(deleting_leaves_the_name_and_creating_again_begins_anew)
{
    set_up(1);
    check_nothing_can_be_written();
    CHECK_UINT(world_create(&world, 0, 1), MCPZ_CODE_OK);
    CHECK_UINT(set(0, k, one), MCPZ_CODE_OK);
    CHECK_UINT(world_increment(&world, 0, 1, m, 5), MCPZ_CODE_OK);

    CHECK_UINT(world_delete(&world, 0, 1), MCPZ_CODE_OK);
    CHECK(world_look(&world, 0, 1).deleted);
    CHECK_BYTES(world_look(&world, 0, 1).name, "ada", 3);
    CHECK_UINT(world_look(&world, 0, 1).entry_count, 2);
    CHECK_UINT(world.nodes[0].agents.document_count, 0);
    check_nothing_can_be_written();

    CHECK_UINT(world_create(&world, 0, 1), MCPZ_CODE_OK);
    CHECK(!world_look(&world, 0, 1).deleted);
    CHECK_UINT(world_look(&world, 0, 1).entry_count, 2);
    CHECK_UINT(world.nodes[0].agents.document_count, 1);
    CHECK_UINT(registers(0, k), 0);
    world_finish(&world);
}

TEST(what_is_written_while_another_deletes_survives_out_of_sight)
{
    set_up(2);
    CHECK_UINT(world_create(&world, 0, 1), MCPZ_CODE_OK);
    CHECK_UINT(set(0, k, one), MCPZ_CODE_OK);
    world_pump(&world);
    CHECK_UINT(set(1, m, two), MCPZ_CODE_OK);
    CHECK_UINT(world_delete(&world, 0, 1), MCPZ_CODE_OK);
    world_pump(&world);

    CHECK(world_has_converged(&world));
    CHECK(world_look(&world, 1, 1).deleted);
    CHECK_UINT(registers(0, k), 0);
    CHECK_UINT(registers(0, m), 1);
    CHECK_UINT(world.nodes[0].agents.document_count, 0);
    CHECK_UINT(world.nodes[1].agents.document_count, 0);
    world_finish(&world);
}

/* ---- Types -------------------------------------------------------------------------------- */

TEST(concurrent_writes_are_both_kept_until_somebody_has_seen_both)
{
    struct mcpz_record_entry entry;

    set_up(2);
    CHECK_UINT(world_create(&world, 0, 1), MCPZ_CODE_OK);
    world_pump(&world);
    CHECK_UINT(set(0, k, one), MCPZ_CODE_OK);
    CHECK_UINT(set(1, k, two), MCPZ_CODE_OK);
    world_pump(&world);
    CHECK(world_has_converged(&world));
    CHECK_UINT(registers(0, k), 2);

    CHECK_UINT(set(1, k, one), MCPZ_CODE_OK);
    world_pump(&world);
    CHECK_UINT(world_entries(&world, 0, 1, k, MCPZ_ENTRY_REGISTER, &entry), 1);
    CHECK_BYTES(entry.value, "\x01", 1);
    CHECK(world_has_converged(&world));
    world_finish(&world);
}

TEST(a_write_that_has_seen_another_wins_whatever_the_clocks_say)
{
    struct mcpz_record_entry entry;

    set_up(2);
    CHECK_UINT(world_create(&world, 0, 1), MCPZ_CODE_OK);
    CHECK_UINT(set(0, k, one), MCPZ_CODE_OK);
    uint64_t stamp = world_look(&world, 0, 1).hlc;
    world_pump(&world);

    world.wall_ms -= 20000; /* node 1 is 20 s late */
    CHECK_UINT(set(1, k, two), MCPZ_CODE_OK);
    world_pump(&world);
    CHECK_UINT(world_entries(&world, 0, 1, k, MCPZ_ENTRY_REGISTER, &entry), 1);
    CHECK_BYTES(entry.value, "\x02", 1);
    CHECK(entry.hlc > stamp);
    world_finish(&world);
}

TEST(adding_again_does_not_grow_a_set)
{
    set_up(1);
    CHECK_UINT(world_create(&world, 0, 1), MCPZ_CODE_OK);
    for (int i = 0; i < 3; i++) {
        CHECK_UINT(world_write(&world, 0, MCPZ_AGENT_ADD, 1, k, one), MCPZ_CODE_OK);
        CHECK_UINT(world_write(&world, 0, MCPZ_AGENT_ADD, 1, k, two), MCPZ_CODE_OK);
    }
    CHECK_UINT(world_entries(&world, 0, 1, k, MCPZ_ENTRY_SET, NULL), 2);
    CHECK_UINT(world_look(&world, 0, 1).entry_count, 4);

    CHECK_UINT(world_write(&world, 0, MCPZ_AGENT_REMOVE, 1, k, one), MCPZ_CODE_OK);
    CHECK_UINT(world_write(&world, 0, MCPZ_AGENT_REMOVE, 1, k, one), MCPZ_CODE_NOT_FOUND);
    CHECK_UINT(world_entries(&world, 0, 1, k, MCPZ_ENTRY_SET, NULL), 1);
    world_finish(&world);
}

TEST(an_add_beats_a_remove_that_has_not_seen_it)
{
    set_up(2);
    CHECK_UINT(world_create(&world, 0, 1), MCPZ_CODE_OK);
    CHECK_UINT(world_write(&world, 0, MCPZ_AGENT_ADD, 1, k, one), MCPZ_CODE_OK);
    world_pump(&world);
    CHECK_UINT(world_write(&world, 0, MCPZ_AGENT_ADD, 1, k, one), MCPZ_CODE_OK);
    CHECK_UINT(world_write(&world, 1, MCPZ_AGENT_REMOVE, 1, k, one), MCPZ_CODE_OK);
    world_pump(&world);
    CHECK(world_has_converged(&world));
    CHECK_UINT(world_entries(&world, 1, 1, k, MCPZ_ENTRY_SET, NULL), 1);

    CHECK_UINT(world_write(&world, 1, MCPZ_AGENT_REMOVE, 1, k, one), MCPZ_CODE_OK);
    world_pump(&world);
    CHECK_UINT(world_entries(&world, 0, 1, k, MCPZ_ENTRY_SET, NULL), 0);
    world_finish(&world);
}

TEST(every_node_adds_to_a_counter_of_its_own)
{
    struct mcpz_record_entry entry;
    int64_t sum;

    set_up(2);
    CHECK_UINT(world_create(&world, 0, 1), MCPZ_CODE_OK);
    world_pump(&world);
    CHECK_UINT(world_increment(&world, 0, 1, k, 100), MCPZ_CODE_OK);
    CHECK_UINT(world_increment(&world, 1, 1, k, 7), MCPZ_CODE_OK);
    CHECK_UINT(world_increment(&world, 1, 1, k, -50), MCPZ_CODE_OK);
    world_pump(&world);

    CHECK(world_has_converged(&world));
    CHECK_UINT(world_entries(&world, 0, 1, k, MCPZ_ENTRY_COUNTER, &entry), 2);
    CHECK(mcpz_number_decode(entry.value, &sum) && sum == -43); /* node 1's, sorted last */
    world_finish(&world);
}

TEST(a_counter_stays_within_64_bits)
{
    set_up(1);
    CHECK_UINT(world_create(&world, 0, 1), MCPZ_CODE_OK);
    CHECK_UINT(world_increment(&world, 0, 1, k, INT64_MAX), MCPZ_CODE_OK);
    CHECK_UINT(world_increment(&world, 0, 1, k, 1), MCPZ_CODE_BAD_REQUEST);
    CHECK_UINT(world_increment(&world, 0, 1, k, 0), MCPZ_CODE_OK);
    CHECK_UINT(world_increment(&world, 0, 1, m, INT64_MIN), MCPZ_CODE_OK);
    CHECK_UINT(world_increment(&world, 0, 1, m, -1), MCPZ_CODE_BAD_REQUEST);
    CHECK_UINT(world_increment(&world, 0, 1, m, INT64_MAX), MCPZ_CODE_OK);
    world_finish(&world);
}

TEST(types_at_one_path_do_not_touch_each_other)
{
    set_up(1);
    CHECK_UINT(world_create(&world, 0, 1), MCPZ_CODE_OK);
    CHECK_UINT(set(0, k, one), MCPZ_CODE_OK);
    CHECK_UINT(world_write(&world, 0, MCPZ_AGENT_ADD, 1, k, one), MCPZ_CODE_OK);
    CHECK_UINT(world_increment(&world, 0, 1, k, 1), MCPZ_CODE_OK);
    CHECK_UINT(set(0, k, two), MCPZ_CODE_OK);
    CHECK_UINT(registers(0, k), 1);
    CHECK_UINT(world_entries(&world, 0, 1, k, MCPZ_ENTRY_SET, NULL), 1);
    CHECK_UINT(world_entries(&world, 0, 1, k, MCPZ_ENTRY_COUNTER, NULL), 1);

    CHECK_UINT(world_write(&world, 0, MCPZ_AGENT_UNSET, 1, k, none), MCPZ_CODE_OK);
    CHECK_UINT(world_look(&world, 0, 1).entry_count, 2);
    world_finish(&world);
}

TEST(unsetting_takes_all_below_and_nothing_beside)
{
    static const struct mcpz_bytes below[] = {
        BYTES("\x91\xa1m"),
        BYTES("\x92\xa1m\x00"),
        BYTES("\x93\xa1m\x00\x00"),
        BYTES("\x9f\xa1m\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d"),
        BYTES("\xdc\x00\x10\xa1m\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e"),
    };
    static const struct mcpz_bytes beside[] = {
        BYTES("\x91\xa1l"),      BYTES("\x91\xa1n"),          BYTES("\x91\xa2mm"),
        BYTES("\x92\xa1l\xa1m"), BYTES("\x93\xa1n\xa1m\x00"),
    };

    set_up(1);
    CHECK_UINT(world_create(&world, 0, 1), MCPZ_CODE_OK);
    for (size_t i = 0; i < 5; i++) {
        CHECK_UINT(set(0, below[i], one), MCPZ_CODE_OK);
        CHECK_UINT(set(0, beside[i], one), MCPZ_CODE_OK);
    }
    CHECK_UINT(world_write(&world, 0, MCPZ_AGENT_UNSET, 1, m, none), MCPZ_CODE_OK);
    for (size_t i = 0; i < 5; i++) {
        CHECK_UINT(registers(0, below[i]), 0);
        CHECK_UINT(registers(0, beside[i]), 1);
    }
    CHECK_UINT(world_write(&world, 0, MCPZ_AGENT_UNSET, 1, m, none), MCPZ_CODE_NOT_FOUND);
    world_finish(&world);
}

TEST(unsetting_the_longest_path_works)
{
    uint8_t path[MCPZ_PATH_BYTES_MAX];

    memset(path, 'x', sizeof(path));
    memcpy(path, longest_header, sizeof(longest_header));
    struct mcpz_bytes longest = mcpz_bytes(path, sizeof(path));
    set_up(1);
    CHECK_UINT(world_create(&world, 0, 1), MCPZ_CODE_OK);
    CHECK_UINT(world_write(&world, 0, MCPZ_AGENT_UNSET, 1, longest, none), MCPZ_CODE_NOT_FOUND);
    CHECK_UINT(set(0, longest, one), MCPZ_CODE_OK);
    CHECK_UINT(world_write(&world, 0, MCPZ_AGENT_UNSET, 1, longest, none), MCPZ_CODE_OK);
    CHECK_UINT(registers(0, longest), 0);
    world_finish(&world);
}

/* ---- Refusals ----------------------------------------------------------------------------- */

TEST(what_is_the_systems_own_is_not_for_people)
{
    static const struct mcpz_bytes dollar = BYTES("\x91\xa1$");
    static const enum mcpz_agent_op kinds[] = {MCPZ_AGENT_SET, MCPZ_AGENT_UNSET, MCPZ_AGENT_ADD,
                                               MCPZ_AGENT_REMOVE, MCPZ_AGENT_INCREMENT};

    set_up(1);
    CHECK_UINT(world_create(&world, 0, 1), MCPZ_CODE_OK);
    for (size_t i = 0; i < 5; i++) {
        CHECK_UINT(world_write(&world, 0, kinds[i], 1, dollar, one), MCPZ_CODE_BAD_REQUEST);
        CHECK_UINT(world_write(&world, 0, kinds[i], 1, mcpz_paths_life, one),
                   MCPZ_CODE_BAD_REQUEST);
        CHECK_UINT(world_write(&world, 0, kinds[i], 1, none, one), MCPZ_CODE_BAD_REQUEST);
    }
    world_finish(&world);
}

TEST(a_value_is_1_to_1024_bytes)
{
    static uint8_t value[MCPZ_VALUE_BYTES_MAX + 1];

    set_up(1);
    CHECK_UINT(world_create(&world, 0, 1), MCPZ_CODE_OK);
    CHECK_UINT(set(0, k, none), MCPZ_CODE_BAD_REQUEST);
    CHECK_UINT(set(0, k, mcpz_bytes(value, sizeof(value))), MCPZ_CODE_BAD_REQUEST);
    CHECK_UINT(set(0, k, mcpz_bytes(value, MCPZ_VALUE_BYTES_MAX)), MCPZ_CODE_OK);
    CHECK_UINT(world_write(&world, 0, MCPZ_AGENT_ADD, 1, k, none), MCPZ_CODE_BAD_REQUEST);
    CHECK_UINT(world_write(&world, 0, MCPZ_AGENT_REMOVE, 1, k, none), MCPZ_CODE_BAD_REQUEST);
    world_finish(&world);
}

TEST(a_node_holds_so_many_agents)
{
    set_up(1);
    world.nodes[0].agents.document_count = MCPZ_AGENTS_MAX - 1;
    CHECK_UINT(world_create(&world, 0, 1), MCPZ_CODE_OK);
    CHECK_UINT(world_create(&world, 0, 2), MCPZ_CODE_LIMIT);
    CHECK_UINT(set(0, k, one), MCPZ_CODE_OK);
    CHECK_UINT(world_delete(&world, 0, 1), MCPZ_CODE_OK);
    CHECK_UINT(world_create(&world, 0, 2), MCPZ_CODE_OK);
    CHECK_UINT(world_create(&world, 0, 1), MCPZ_CODE_LIMIT);
    world_finish(&world);
}

TEST(an_agent_holds_so_many_entries)
{
    set_up(1);
    CHECK_UINT(world_create(&world, 0, 1), MCPZ_CODE_OK);
    for (uint32_t i = 0; i < MCPZ_ENTRIES_MAX - 2; i++) {
        CHECK_UINT(set(0, numbered(i), one), MCPZ_CODE_OK);
    }
    CHECK_UINT(world_look(&world, 0, 1).entry_count, MCPZ_ENTRIES_MAX);
    CHECK_UINT(set(0, k, one), MCPZ_CODE_LIMIT);
    CHECK_UINT(world_write(&world, 0, MCPZ_AGENT_ADD, 1, k, one), MCPZ_CODE_LIMIT);
    CHECK_UINT(world_increment(&world, 0, 1, k, 1), MCPZ_CODE_LIMIT);
    CHECK_UINT(set(0, numbered(7), two), MCPZ_CODE_OK); /* one for one */
    CHECK_UINT(world_write(&world, 0, MCPZ_AGENT_UNSET, 1, numbered(7), none), MCPZ_CODE_OK);
    CHECK_UINT(set(0, k, one), MCPZ_CODE_OK);
    CHECK_UINT(set(0, m, one), MCPZ_CODE_LIMIT);
    world_finish(&world);
}

/* ---- Writes of several deltas ------------------------------------------------------------- */

TEST(more_dots_than_one_delta_removes_take_several)
{
    set_up(2);
    for (uint32_t count = MCPZ_DELTA_REMOVES_MAX; count <= MCPZ_DELTA_REMOVES_MAX + 1; count++) {
        (void)world_create(&world, 0, 1);
        for (uint32_t i = 0; i < count; i++) {
            CHECK_UINT(set(0, numbered(i), one), MCPZ_CODE_OK);
        }
        uint64_t written = world.nodes[0].agents.deltas_written;
        CHECK_UINT(world_write(&world, 0, MCPZ_AGENT_UNSET, 1, m, none), MCPZ_CODE_OK);
        CHECK_UINT(world.nodes[0].agents.deltas_written - written,
                   count > MCPZ_DELTA_REMOVES_MAX ? 2 : 1);
        CHECK_UINT(world_look(&world, 0, 1).entry_count, 2);
        world_pump(&world);
        CHECK(world_has_converged(&world));
    }
    world_finish(&world);
}

/* 80 registers at one path: five deltas of 16, each from another actor that saw none of the rest.
 */
static void receive_siblings(void)
{
    struct mcpz_add adds[MCPZ_DELTA_ADDS_MAX];
    for (size_t i = 0; i < MCPZ_DELTA_ADDS_MAX; i++) {
        adds[i] = (struct mcpz_add){MCPZ_ENTRY_REGISTER, k, one};
    }
    for (uint32_t writer = 0; writer < 5; writer++) {
        struct mcpz_msg msg = {
            .kind = MCPZ_MSG_DELTA,
            .delta = {.delta = {.document = world_document(1),
                                .actor = {.node = {{'z'}}, .generation = writer},
                                .seq = 1,
                                .hlc = 5,
                                .adds = adds,
                                .add_count = MCPZ_DELTA_ADDS_MAX}},
        };
        world_receive(&world, 0, 1, &msg);
    }
}

TEST(one_write_settles_more_siblings_than_a_delta_removes)
{
    struct mcpz_record_entry entry;

    set_up(2);
    CHECK_UINT(world_create(&world, 0, 1), MCPZ_CODE_OK);
    receive_siblings();
    CHECK_UINT(registers(0, k), 80);
    CHECK_UINT(set(0, k, two), MCPZ_CODE_OK);
    CHECK_UINT(world.nodes[0].agents.deltas_written, 3); /* create, 64 removed, 16 removed */
    CHECK_UINT(world_entries(&world, 0, 1, k, MCPZ_ENTRY_REGISTER, &entry), 1);
    CHECK_BYTES(entry.value, "\x02", 1);
    world_run(&world, MCPZ_SECONDS(3));
    CHECK(world_has_converged(&world));
    world_finish(&world);
}

TEST(deleting_the_largest_agent_fits_one_step_and_gets_everywhere)
{
    uint8_t path[MCPZ_PATH_BYTES_MAX];
    const uint32_t count = MCPZ_ENTRIES_MAX - 2;

    memset(path, 'x', sizeof(path));
    memcpy(path, longest_header, sizeof(longest_header));
    set_up(2);
    CHECK_UINT(world_create(&world, 0, 1), MCPZ_CODE_OK);
    for (uint32_t i = 0; i < count; i++) {
        (void)snprintf((char *)path + 4, 10, "%08u", i);
        path[12] = 'x';
        CHECK_UINT(set(0, mcpz_bytes(path, sizeof(path)), one), MCPZ_CODE_OK);
        world_pump(&world);
    }
    CHECK(world_has_converged(&world));
    uint64_t written = world.nodes[0].agents.deltas_written;
    CHECK_UINT(world_delete(&world, 0, 1), MCPZ_CODE_OK);
    CHECK_UINT(world.nodes[0].agents.deltas_written - written, (count + 1 + 63) / 64);
    CHECK(world.letter_count < 10); /* some of the deltas, and an offer of the rest */
    world_run(&world, MCPZ_SECONDS(1));
    CHECK(world_has_converged(&world));
    CHECK(world_look(&world, 1, 1).deleted);
    CHECK_UINT(world_look(&world, 1, 1).entry_count, 2);
    world_finish(&world);
}

/* ---- The store fails ---------------------------------------------------------------------- */

TEST(a_store_that_cannot_be_read_fails_the_write_and_nothing_is_written)
{
    static const enum mcpz_agent_op kinds[] = {
        MCPZ_AGENT_SET,   MCPZ_AGENT_ADD,    MCPZ_AGENT_REMOVE, MCPZ_AGENT_INCREMENT,
        MCPZ_AGENT_UNSET, MCPZ_AGENT_DELETE, MCPZ_AGENT_CREATE};

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(kinds); i++) {
        set_up(1);
        CHECK_UINT(world_create(&world, 0, 1), MCPZ_CODE_OK);
        CHECK_UINT(set(0, k, one), MCPZ_CODE_OK);
        CHECK_UINT(world_write(&world, 0, MCPZ_AGENT_ADD, 1, k, one), MCPZ_CODE_OK);
        CHECK_UINT(world_increment(&world, 0, 1, k, 1), MCPZ_CODE_OK);
        if (kinds[i] == MCPZ_AGENT_CREATE) {
            CHECK_UINT(world_delete(&world, 0, 1), MCPZ_CODE_OK);
        }

        struct fake_store *store = &world.nodes[0].store;
        uint64_t failures = 0;
        for (size_t reads = 0;; reads++) {
            size_t writes = store->writes;
            fake_store_fail_after(store, reads, reads % 2 == 0 ? MCPZ_EIO : MCPZ_ECORRUPT);
            uint32_t code = world_write(&world, 0, kinds[i], 1, k, one);
            fake_store_fail_after(store, 0, MCPZ_OK);
            if (code == MCPZ_CODE_OK) {
                break;
            }
            failures++;
            CHECK_UINT(code, MCPZ_CODE_STORE_FAILED);
            CHECK_UINT(store->writes, writes);
            CHECK_UINT(world.nodes[0].agents.store_failures, failures);
        }
        CHECK(failures >= 4);
        world_finish(&world);
    }
}

TEST_MAIN(RUN(creating_makes_a_named_agent_and_tells_everybody),
          RUN(creates_only_what_is_not_there), RUN(a_name_is_1_to_128_bytes_of_text),
          RUN(deleting_leaves_the_name_and_creating_again_begins_anew),
          RUN(what_is_written_while_another_deletes_survives_out_of_sight),
          RUN(concurrent_writes_are_both_kept_until_somebody_has_seen_both),
          RUN(a_write_that_has_seen_another_wins_whatever_the_clocks_say),
          RUN(adding_again_does_not_grow_a_set), RUN(an_add_beats_a_remove_that_has_not_seen_it),
          RUN(every_node_adds_to_a_counter_of_its_own), RUN(a_counter_stays_within_64_bits),
          RUN(types_at_one_path_do_not_touch_each_other),
          RUN(unsetting_takes_all_below_and_nothing_beside), RUN(unsetting_the_longest_path_works),
          RUN(what_is_the_systems_own_is_not_for_people), RUN(a_value_is_1_to_1024_bytes),
          RUN(a_node_holds_so_many_agents), RUN(an_agent_holds_so_many_entries),
          RUN(more_dots_than_one_delta_removes_take_several),
          RUN(one_write_settles_more_siblings_than_a_delta_removes),
          RUN(deleting_the_largest_agent_fits_one_step_and_gets_everywhere),
          RUN(a_store_that_cannot_be_read_fails_the_write_and_nothing_is_written))
