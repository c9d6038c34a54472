#include "raw.h"
#include "test.h"
#include "wire/placement_codec.h"

#define HEAD "\x97\x02\x10\x03\x02" ID_D
#define ZONES "\x92\xa1y\xa1z"
#define NODES "\x92\x94" ID_A "\x01\x40\x01\x94" ID_B "\0\x01\x02"
#define WHOLE HEAD ZONES NODES

static struct mcpz_bytes zones[] = {RAW("y"), RAW("z")};
static struct mcpz_storage_node nodes[] = {
    {.id = {A32}, .zone = 1, .weight = 64, .state = MCPZ_STORAGE_ACTIVE},
    {.id = {B32}, .zone = 0, .weight = 1, .state = MCPZ_STORAGE_LEAVING},
};
static const struct mcpz_placement sample = {
    .version = 2,
    .partition_bits = 16,
    .copies = 3,
    .zones_apart = 2,
    .previous = {D32},
    .zones = zones,
    .zone_count = 2,
    .nodes = nodes,
    .node_count = 2,
};

static uint8_t buffer[4096];
static _Alignas(16) uint8_t memory[8192];

static mcpz_error decode_within(struct mcpz_bytes bytes, size_t room,
                                struct mcpz_placement *placement)
{
    struct mcpz_arena arena;

    mcpz_arena_init(&arena, memory, room);
    mcpz_error error = mcpz_placement_decode(bytes, &arena, placement);
    CHECK(error == MCPZ_OK || arena.used == 0);
    return error;
}

static mcpz_error decode(struct mcpz_bytes bytes)
{
    struct mcpz_placement placement;
    return decode_within(bytes, sizeof(memory), &placement);
}

static mcpz_error decode_text(const char *literal, size_t size)
{
    return decode(mcpz_bytes(literal, size - 1));
}

#define DECODE(literal) decode_text(literal, sizeof(literal))

TEST(layouts_are_written_as_documented)
{
    static const char expected[] = WHOLE;
    size_t length = 0;

    CHECK_UINT(mcpz_placement_encode(&sample, buffer, sizeof(buffer), &length), MCPZ_OK);
    CHECK_BYTES(mcpz_bytes(buffer, length), expected, sizeof(expected) - 1);
    CHECK(length <= MCPZ_PLACEMENT_BYTES(2, 2));
    CHECK_UINT(mcpz_placement_encode(&sample, buffer, length - 1, &length), MCPZ_EFULL);
}

TEST(layouts_are_read_as_they_were)
{
    static const char bytes[] = WHOLE;
    struct mcpz_placement placement;

    CHECK_UINT(decode_within(mcpz_bytes(bytes, sizeof(bytes) - 1), sizeof(memory), &placement),
               MCPZ_OK);
    CHECK_UINT(placement.version, 2);
    CHECK_UINT(placement.partition_bits, 16);
    CHECK_UINT(placement.copies, 3);
    CHECK_UINT(placement.zones_apart, 2);
    CHECK(mcpz_id_equal(&placement.previous, &sample.previous));
    CHECK_UINT(placement.zone_count, 2);
    CHECK(mcpz_bytes_equal(placement.zones[1], zones[1]));
    CHECK_UINT(placement.node_count, 2);
    CHECK(memcmp(placement.nodes, nodes, sizeof(nodes)) == 0);
}

TEST(three_times_the_bytes_is_room_enough)
{
    static const char bytes[] = WHOLE;
    struct mcpz_placement placement;
    const size_t length = sizeof(bytes) - 1;

    CHECK_UINT(decode_within(mcpz_bytes(bytes, length), 3 * length + 1024, &placement), MCPZ_OK);
    CHECK_UINT(decode_within(mcpz_bytes(bytes, length), 64, &placement), MCPZ_EFULL);
    CHECK_UINT(decode_within(mcpz_bytes(bytes, length), 160, &placement), MCPZ_EFULL);
}

TEST(every_truncation_is_refused)
{
    static const char bytes[] = WHOLE;

    for (size_t length = 0; length < sizeof(bytes) - 1; length++) {
        CHECK(decode(mcpz_bytes(bytes, length)) != MCPZ_OK);
    }
}

TEST(every_other_way_to_say_it_is_refused)
{
    CHECK_UINT(DECODE(WHOLE), MCPZ_OK);
    CHECK_UINT(DECODE(WHOLE "\0"), MCPZ_EPROTO);
    CHECK_UINT(DECODE("\xdc\0\x07\x02\x10\x03\x02" ID_D ZONES NODES), MCPZ_EPROTO);
    CHECK_UINT(DECODE("\x97\xcc\x02\x10\x03\x02" ID_D ZONES NODES), MCPZ_EPROTO);
    CHECK_UINT(DECODE(HEAD "\xdc\0\x02\xa1y\xa1z" NODES), MCPZ_EPROTO);
    CHECK_UINT(DECODE(HEAD "\x92\xd9\x01y\xa1z" NODES), MCPZ_EPROTO);
    /* What a later version might append: the layout's digest covers it, so it is not skipped. */
    CHECK_UINT(DECODE("\x98\x02\x10\x03\x02" ID_D ZONES NODES "\x05"), MCPZ_EPROTO);
    CHECK_UINT(DECODE(HEAD ZONES "\x92\x95" ID_A "\x01\x40\x01\x07\x94" ID_B "\0\x01\x02"),
               MCPZ_EPROTO);
}

TEST(what_makes_no_sense_is_refused)
{
    CHECK_UINT(DECODE("\x97\x00\x10\x03\x02" ID_D ZONES NODES), MCPZ_EPROTO);
    CHECK_UINT(DECODE("\x97\x02\x10\x01\x02" ID_D ZONES NODES), MCPZ_EPROTO);
    CHECK_UINT(DECODE(HEAD "\x92\xa1z\xa1y" NODES), MCPZ_EPROTO);
    CHECK_UINT(DECODE(HEAD "\x93\xa1x\xa1y\xa1z" NODES), MCPZ_EPROTO); /* nobody's zone */
    CHECK_UINT(DECODE(HEAD ZONES "\x92\x94" ID_B "\x01\x40\x01\x94" ID_A "\0\x01\x02"),
               MCPZ_EPROTO);
    CHECK_UINT(DECODE(HEAD "\x90" NODES), MCPZ_EPROTO);
    CHECK_UINT(DECODE(HEAD ZONES "\x90"), MCPZ_EPROTO);
    CHECK_UINT(DECODE("\xc0"), MCPZ_EPROTO);
}

TEST(promises_that_are_not_kept_size_nothing)
{
    CHECK_UINT(DECODE(HEAD ZONES "\xdd\xff\xff\xff\x7f"), MCPZ_ESHORT);
    CHECK_UINT(DECODE(HEAD "\xdd\xff\xff\xff\x7f"), MCPZ_ESHORT);
}

TEST(longer_bytes_than_any_layout_has_are_not_looked_at)
{
    CHECK_UINT(decode(mcpz_bytes(zeros, MCPZ_PLACEMENT_BYTES_MAX + 1)), MCPZ_EPROTO);
}

#define SIGNATURE A32 B32 /* 64 letters */
#define SIGNED "\x92\xc4\x03xyz\xc4\x40" SIGNATURE

static mcpz_error decode_signed(const char *literal, size_t size)
{
    struct mcpz_signed_placement apart;
    return mcpz_signed_placement_decode(mcpz_bytes(literal, size - 1), &apart);
}

#define DECODE_SIGNED(literal) decode_signed(literal, sizeof(literal))

TEST(signed_layouts_are_written_as_documented)
{
    static const char expected[] = SIGNED;
    const struct mcpz_signed_placement made = {.body = RAW("xyz"), .signature = RAW(SIGNATURE)};
    struct mcpz_signed_placement apart;
    size_t length = 0;

    CHECK_UINT(mcpz_signed_placement_encode(&made, buffer, sizeof(buffer), &length), MCPZ_OK);
    CHECK_BYTES(mcpz_bytes(buffer, length), expected, sizeof(expected) - 1);
    CHECK(length <= MCPZ_SIGNED_PLACEMENT_BYTES(3));
    CHECK_UINT(mcpz_signed_placement_decode(mcpz_bytes(buffer, length), &apart), MCPZ_OK);
    CHECK(mcpz_bytes_equal(apart.body, made.body));
    CHECK(mcpz_bytes_equal(apart.signature, made.signature));
    CHECK_UINT(mcpz_signed_placement_encode(&made, buffer, length - 1, &length), MCPZ_EFULL);
}

TEST(signed_layouts_have_one_form)
{
    static const char bytes[] = SIGNED;

    for (size_t length = 0; length < sizeof(bytes) - 1; length++) {
        CHECK(decode_signed(bytes, length + 1) != MCPZ_OK);
    }
    CHECK_UINT(DECODE_SIGNED(SIGNED), MCPZ_OK);
    CHECK_UINT(DECODE_SIGNED(SIGNED "\0"), MCPZ_EPROTO);
    CHECK_UINT(DECODE_SIGNED("\x93\xc4\x03xyz\xc4\x40" SIGNATURE "\x05"), MCPZ_EPROTO);
    CHECK_UINT(DECODE_SIGNED("\x92\xc5\0\x03xyz\xc4\x40" SIGNATURE), MCPZ_EPROTO);
    CHECK_UINT(DECODE_SIGNED("\x92\xc4\0\xc4\x40" SIGNATURE), MCPZ_EPROTO);
    CHECK_UINT(DECODE_SIGNED("\x92\xc4\x03xyz\xc4\x20" A32), MCPZ_EPROTO);
    CHECK_UINT(DECODE_SIGNED("\x92\xa3xyz\xc4\x40" SIGNATURE), MCPZ_EPROTO);
}

TEST_MAIN(RUN(signed_layouts_are_written_as_documented), RUN(signed_layouts_have_one_form),
          RUN(layouts_are_written_as_documented), RUN(layouts_are_read_as_they_were),
          RUN(three_times_the_bytes_is_room_enough), RUN(every_truncation_is_refused),
          RUN(every_other_way_to_say_it_is_refused), RUN(what_makes_no_sense_is_refused),
          RUN(promises_that_are_not_kept_size_nothing),
          RUN(longer_bytes_than_any_layout_has_are_not_looked_at))
