#include <stdalign.h>

#include "samples.h"
#include "test.h"
#include "wire/checkpoint.h"

static alignas(max_align_t) uint8_t memory[MCPZ_ACTORS_MAX * sizeof(struct mcpz_version) + 64];
static struct mcpz_arena arena;
static struct mcpz_checkpoint_reader reader;
static uint8_t bytes[MCPZ_CHECKPOINT_HEAD_BYTES_MAX + 4 * MCPZ_CHECKPOINT_ENTRY_BYTES_MAX];

static struct mcpz_version versions[] = {
    {{{A32}, 1}, 3, {PREV16}},
    {{{B32}, 2}, 9, {PREV16}},
};

static struct mcpz_record_entry entry_of(const char *path, uint32_t type, size_t version,
                                         uint64_t seq, uint32_t index)
{
    return (struct mcpz_record_entry){
        .document = {D32},
        .path = mcpz_bytes(path, 3),
        .type = type,
        .dot = {versions[version].actor, seq, index},
        .hlc = 7,
        .value = mcpz_text("\x09"),
    };
}

static size_t write(const struct mcpz_record_entry *entries, uint32_t count)
{
    const struct mcpz_checkpoint_head head = {
        .document = {D32},
        .tenant = mcpz_text("acme"),
        .hlc = 0x100,
        .versions = versions,
        .version_count = 2,
        .cuts = sample_cuts,
        .cut_count = 1,
        .entry_count = count,
    };
    size_t length = mcpz_checkpoint_head_encode(&head, bytes);

    for (uint32_t i = 0; i < count; i++) {
        length += mcpz_checkpoint_entry_encode(&head, &entries[i], bytes + length);
    }
    return length;
}

static mcpz_error open_checked(size_t length)
{
    mcpz_arena_init(&arena, memory, sizeof(memory));
    mcpz_error error = mcpz_checkpoint_open(&reader, mcpz_bytes(bytes, length), &arena);
    return error != MCPZ_OK ? error : mcpz_checkpoint_check(&reader);
}

TEST(its_bytes_are_these)
{
    const struct mcpz_record_entry entry = entry_of("\x91\xa1k", 1, 1, 5, 2);
    static const struct mcpz_bytes expected =
        RAW("\x97\x02" ID_D "\xa4"
            "acme\xcd\x01\0\x92\x93\x92" ID_A "\x01\x03\xc4\x10" PREV16 "\x93\x92" ID_B
            "\x02\x09\xc4\x10" PREV16 "\x91\x94\x92" ID_A "\x01\x05\xc2\x92\x92\x05" HEAD_H
            "\x92\x06" HEAD_P "\x91\x97\xc4\x03\x91\xa1k\x01\x01\x05\x02\x07\xc4\x01\x09");

    CHECK_BYTES(mcpz_bytes(bytes, write(&entry, 1)), expected.data, expected.length);
}

TEST(it_is_read_as_it_was_written)
{
    const struct mcpz_record_entry entries[] = {
        entry_of("\x91\xa1j", 2, 1, 9, 15), entry_of("\x91\xa1k", 1, 0, 3, 0),
        entry_of("\x91\xa1k", 1, 1, 3, 0), entry_of("\x91\xa1k", 1, 1, 4, 1)};
    struct mcpz_record_entry read;

    CHECK_UINT(open_checked(write(entries, 4)), MCPZ_OK);
    CHECK_BYTES(reader.checkpoint.head.tenant, "acme", 4);
    CHECK_UINT(reader.checkpoint.head.hlc, 0x100);
    CHECK_UINT(reader.checkpoint.head.version_count, 2);
    CHECK_UINT(reader.checkpoint.head.cut_count, 1);
    CHECK_UINT(reader.checkpoint.head.cuts[0].tip_count, 2);
    for (size_t i = 0; i < 4; i++) {
        CHECK_UINT(reader.checkpoint.next(&reader, &read), MCPZ_OK);
        CHECK_BYTES(read.path, entries[i].path.data, entries[i].path.length);
        CHECK(mcpz_actor_compare(&read.dot.actor, &entries[i].dot.actor) == 0);
        CHECK_UINT(read.dot.seq, entries[i].dot.seq);
        CHECK_UINT(read.dot.index, entries[i].dot.index);
    }
    CHECK_UINT(reader.checkpoint.next(&reader, &read), MCPZ_ENOTFOUND);
    CHECK_UINT(open_checked(write(entries, 0)), MCPZ_OK);
}

TEST(every_truncation_and_every_byte_more_is_refused)
{
    const struct mcpz_record_entry entries[] = {entry_of("\x91\xa1j", 2, 1, 9, 15),
                                                entry_of("\x91\xa1k", 1, 0, 3, 0)};
    const size_t length = write(entries, 2);

    for (size_t i = 0; i < length; i++) {
        CHECK(open_checked(i) != MCPZ_OK);
    }
    bytes[length] = 0;
    CHECK_UINT(open_checked(length + 1), MCPZ_EPROTO);
}

/* What comes in another order, twice, or above what was seen is no checkpoint. */
TEST(entries_have_their_order_and_their_bounds)
{
    const struct mcpz_record_entry out_of_order[][2] = {
        {entry_of("\x91\xa1k", 1, 0, 1, 0), entry_of("\x91\xa1j", 1, 0, 2, 0)},
        {entry_of("\x91\xa1k", 2, 0, 1, 0), entry_of("\x91\xa1k", 1, 0, 2, 0)},
        {entry_of("\x91\xa1k", 1, 1, 1, 0), entry_of("\x91\xa1k", 1, 0, 2, 0)},
        {entry_of("\x91\xa1k", 1, 0, 2, 0), entry_of("\x91\xa1k", 1, 0, 1, 0)},
        {entry_of("\x91\xa1k", 1, 0, 1, 1), entry_of("\x91\xa1k", 1, 0, 1, 0)},
        {entry_of("\x91\xa1k", 1, 0, 1, 0), entry_of("\x91\xa1k", 1, 0, 1, 0)},
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(out_of_order); i++) {
        CHECK_UINT(open_checked(write(out_of_order[i], 2)), MCPZ_EPROTO);
    }
    struct mcpz_record_entry entry = entry_of("\x91\xa1k", 1, 0, 4, 0);
    CHECK_UINT(open_checked(write(&entry, 1)), MCPZ_EPROTO); /* a delta nobody has seen */
    entry = entry_of("\x91\xa1k", 1, 0, 3, 0);
    entry.hlc = 0x101;
    CHECK_UINT(open_checked(write(&entry, 1)), MCPZ_EPROTO); /* later than the latest */
    entry.hlc = 0x100;
    CHECK_UINT(open_checked(write(&entry, 1)), MCPZ_OK);
    versions[0].seq = 0;
    CHECK_UINT(open_checked(write(&entry, 0)), MCPZ_EPROTO);
    versions[0].seq = 3;
}

TEST(a_field_from_the_future_is_refused)
{
    const size_t length = write(NULL, 0);

    bytes[0]++;
    bytes[length] = 0;
    CHECK_UINT(open_checked(length + 1), MCPZ_EPROTO);
    bytes[0]--;
    bytes[1]++;
    CHECK_UINT(open_checked(length), MCPZ_EPROTO);
}

TEST(the_largest_head_and_entry_have_room)
{
    static struct mcpz_version many[MCPZ_ACTORS_MAX];
    uint8_t full_tenant[MCPZ_TENANT_BYTES_MAX];

    memset(full_tenant, 'x', sizeof(full_tenant));
    struct mcpz_checkpoint_head head = {
        .document = {D32},
        .tenant = mcpz_bytes(full_tenant, sizeof(full_tenant)),
        .hlc = UINT64_MAX,
        .versions = many,
        .version_count = MCPZ_ACTORS_MAX,
        .cuts = full_cuts,
        .cut_count = MCPZ_ACTORS_MAX,
        .entry_count = UINT32_MAX,
    };

    fill_largest();
    for (size_t i = 0; i < MCPZ_ACTORS_MAX; i++) {
        many[i] = full_versions[i];
    }
    CHECK(mcpz_checkpoint_head_encode(&head, bytes) <= MCPZ_CHECKPOINT_HEAD_BYTES_MAX);
    const struct mcpz_record_entry entry = {
        .path = mcpz_bytes(full_path, sizeof(full_path)),
        .type = MCPZ_ENTRY_MAP,
        .dot = {many[MCPZ_ACTORS_MAX - 1].actor, UINT64_MAX, MCPZ_DELTA_ADDS_MAX - 1},
        .hlc = UINT64_MAX,
        .value = mcpz_bytes(full_value, sizeof(full_value)),
    };
    CHECK(mcpz_checkpoint_entry_encode(&head, &entry, bytes) <= MCPZ_CHECKPOINT_ENTRY_BYTES_MAX);
}

TEST_MAIN(RUN(its_bytes_are_these), RUN(it_is_read_as_it_was_written),
          RUN(every_truncation_and_every_byte_more_is_refused),
          RUN(entries_have_their_order_and_their_bounds), RUN(a_field_from_the_future_is_refused),
          RUN(the_largest_head_and_entry_have_room))
