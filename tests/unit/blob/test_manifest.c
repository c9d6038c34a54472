#include "blob/fastcdc.h"
#include "blob/manifest.h"
#include "test.h"

static struct mcpz_manifest node;
static struct mcpz_manifest again;
static uint8_t bytes[MCPZ_MANIFEST_BYTES_MAX + 1];

static size_t make(uint8_t level, size_t count)
{
    node = (struct mcpz_manifest){.level = level, .count = count};
    for (size_t i = 0; i < count; i++) {
        node.entries[i] = (struct mcpz_manifest_entry){
            .id = {{(uint8_t)i}}, .sealed = {{9, (uint8_t)i}}, .bytes = 1000 + i};
    }
    return mcpz_manifest_encode(&node, bytes);
}

static mcpz_error decode(size_t length)
{
    return mcpz_manifest_decode(mcpz_bytes(bytes, length), &again);
}

TEST(nodes_are_written_as_documented)
{
    static const uint8_t head[] = {'M', 1, 0, 2, 0, 0, 0, 0};

    CHECK_UINT(make(1, 2), 4 + 2 * 72);
    CHECK(memcmp(bytes, head, sizeof(head)) == 0);
    CHECK_UINT(bytes[4 + 32], 9);
    CHECK_UINT(bytes[4 + 70], 1000 >> 8);
    CHECK_UINT(bytes[4 + 71], 1000 & 0xff);
    CHECK_UINT(bytes[4 + 72], 1);
}

TEST(nodes_are_read_as_they_were)
{
    static const size_t counts[] = {0, 1, 127, 128};

    for (size_t i = 0; i < 4; i++) {
        const size_t length = make(0, counts[i]);
        CHECK_UINT(decode(length), MCPZ_OK);
        CHECK_UINT(again.count, counts[i]);
        CHECK(memcmp(again.entries, node.entries, counts[i] * sizeof(node.entries[0])) == 0);
        CHECK_UINT(mcpz_manifest_bytes(&again), mcpz_manifest_bytes(&node));
    }
}

TEST(every_truncation_is_refused_and_so_is_more)
{
    const size_t length = make(0, 3);

    for (size_t i = 0; i < length; i++) {
        CHECK_UINT(decode(i), MCPZ_EPROTO);
    }
    CHECK_UINT(decode(length), MCPZ_OK);
    CHECK_UINT(decode(length + 1), MCPZ_EPROTO);
}

TEST(what_makes_no_sense_is_refused)
{
    size_t length = make(0, 2);
    bytes[0] = 'N';
    CHECK_UINT(decode(length), MCPZ_EPROTO);
    length = make(0, 2);
    bytes[1] = MCPZ_MANIFEST_LEVELS_MAX;
    CHECK_UINT(decode(length), MCPZ_EPROTO);
    length = make(0, 128);
    bytes[3] = 129;
    CHECK_UINT(decode(sizeof(bytes)), MCPZ_EPROTO);
    bytes[2] = 0xff;
    CHECK_UINT(decode(length), MCPZ_EPROTO);
    CHECK_UINT(decode(make(1, 0)), MCPZ_EPROTO); /* a list of no lists */
    node.entries[0].bytes = 0;
    node.count = 1;
    CHECK_UINT(decode(mcpz_manifest_encode(&node, bytes)), MCPZ_EPROTO);
}

TEST(chunks_are_no_longer_than_chunks_are)
{
    (void)make(0, 1);
    node.entries[0].bytes = MCPZ_CHUNK_PLAIN_BYTES_MAX;
    CHECK_UINT(decode(mcpz_manifest_encode(&node, bytes)), MCPZ_OK);
    node.entries[0].bytes++;
    CHECK_UINT(decode(mcpz_manifest_encode(&node, bytes)), MCPZ_EPROTO);
    node.level = 1;
    CHECK_UINT(decode(mcpz_manifest_encode(&node, bytes)), MCPZ_OK);
}

TEST(sizes_do_not_overflow)
{
    (void)make(3, 128);
    node.entries[0].bytes = MCPZ_BLOB_BYTES_MAX + 1;
    CHECK_UINT(decode(mcpz_manifest_encode(&node, bytes)), MCPZ_EPROTO);
    node.entries[0].bytes = UINT64_MAX;
    CHECK_UINT(decode(mcpz_manifest_encode(&node, bytes)), MCPZ_EPROTO);
    for (size_t i = 0; i < 128; i++) {
        node.entries[i].bytes = MCPZ_BLOB_BYTES_MAX / 128;
    }
    CHECK_UINT(decode(mcpz_manifest_encode(&node, bytes)), MCPZ_OK);
    node.entries[7].bytes++;
    CHECK_UINT(decode(mcpz_manifest_encode(&node, bytes)), MCPZ_EPROTO);
}

TEST(an_offset_is_found)
{
    uint64_t begins;

    (void)make(0, 3); /* 1000, 1001, 1002 bytes */
    CHECK_UINT(mcpz_manifest_find(&node, 0, &begins), 0);
    CHECK_UINT(begins, 0);
    CHECK_UINT(mcpz_manifest_find(&node, 999, &begins), 0);
    CHECK_UINT(mcpz_manifest_find(&node, 1000, &begins), 1);
    CHECK_UINT(begins, 1000);
    CHECK_UINT(mcpz_manifest_find(&node, 2001, &begins), 2);
    CHECK_UINT(begins, 2001);
    CHECK_UINT(mcpz_manifest_find(&node, 3002, &begins), 2);
}

TEST_MAIN(RUN(nodes_are_written_as_documented), RUN(nodes_are_read_as_they_were),
          RUN(every_truncation_is_refused_and_so_is_more), RUN(what_makes_no_sense_is_refused),
          RUN(chunks_are_no_longer_than_chunks_are), RUN(sizes_do_not_overflow),
          RUN(an_offset_is_found))
