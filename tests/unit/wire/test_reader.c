#include "proto/limits.h"
#include "raw.h"
#include "test.h"
#include "wire/reader.h"

static mcpz_error read_one(struct mcpz_bytes bytes, struct mcpz_item *item)
{
    struct mcpz_reader reader = mcpz_reader(bytes);
    return mcpz_reader_next(&reader, item);
}

struct number {
    struct mcpz_bytes bytes;
    uint64_t bits; /* as two's complement */
    bool negative;
    bool canonical;
};

TEST(integers_of_every_form_are_read)
{
    static const struct number cases[] = {
        {RAW("\x00"), 0, false, true},
        {RAW("\x7f"), 127, false, true},
        {RAW("\xcc\x7f"), 127, false, false},
        {RAW("\xcc\x80"), 128, false, true},
        {RAW("\xcd\x00\xff"), 255, false, false},
        {RAW("\xcd\x01\x00"), 256, false, true},
        {RAW("\xce\0\0\xff\xff"), 65535, false, false},
        {RAW("\xce\0\x01\0\0"), 65536, false, true},
        {RAW("\xcf\0\0\0\0\xff\xff\xff\xff"), UINT32_MAX, false, false},
        {RAW("\xcf\0\0\0\x01\0\0\0\0"), UINT64_C(1) << 32, false, true},
        {RAW("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), UINT64_MAX, false, true},
        {RAW("\xff"), (uint64_t)-1, true, true},
        {RAW("\xe0"), (uint64_t)-32, true, true},
        {RAW("\xd0\xe0"), (uint64_t)-32, true, false},
        {RAW("\xd0\xdf"), (uint64_t)-33, true, true},
        {RAW("\xd0\x80"), (uint64_t)-128, true, true},
        {RAW("\xd1\xff\x80"), (uint64_t)-128, true, false},
        {RAW("\xd1\xff\x7f"), (uint64_t)-129, true, true},
        {RAW("\xd2\xff\xff\x80\0"), (uint64_t)-32768, true, false},
        {RAW("\xd2\xff\xff\x7f\xff"), (uint64_t)-32769, true, true},
        {RAW("\xd3\xff\xff\xff\xff\x80\0\0\0"), (uint64_t)INT32_MIN, true, false},
        {RAW("\xd3\xff\xff\xff\xff\x7f\xff\xff\xff"), (uint64_t)INT32_MIN - 1, true, true},
        {RAW("\xd3\x80\0\0\0\0\0\0\0"), (uint64_t)INT64_MIN, true, true},
        {RAW("\xd0\x05"), 5, false, false}, /* a signed form for what is not negative */
        {RAW("\xd1\x7f\xff"), 32767, false, false},
        {RAW("\xd2\x7f\xff\xff\xff"), INT32_MAX, false, false},
        {RAW("\xd3\x7f\xff\xff\xff\xff\xff\xff\xff"), INT64_MAX, false, false},
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(cases); i++) {
        struct mcpz_item item;
        CHECK_UINT(read_one(cases[i].bytes, &item), MCPZ_OK);
        CHECK_UINT(item.type, cases[i].negative ? MCPZ_ITEM_INT : MCPZ_ITEM_UINT);
        CHECK_UINT(cases[i].negative ? (uint64_t)item.sint : item.uint, cases[i].bits);
        CHECK(item.canonical == cases[i].canonical);
    }
}

TEST(nil_and_booleans_are_read)
{
    struct mcpz_item item;
    CHECK_UINT(read_one((struct mcpz_bytes)RAW("\xc0"), &item), MCPZ_OK);
    CHECK_UINT(item.type, MCPZ_ITEM_NIL);
    CHECK(item.canonical);
    CHECK_UINT(read_one((struct mcpz_bytes)RAW("\xc2"), &item), MCPZ_OK);
    CHECK(item.type == MCPZ_ITEM_BOOL && !item.boolean && item.canonical);
    CHECK_UINT(read_one((struct mcpz_bytes)RAW("\xc3"), &item), MCPZ_OK);
    CHECK(item.type == MCPZ_ITEM_BOOL && item.boolean && item.canonical);
}

TEST(floats_are_canonical_as_64_bits_and_numbers)
{
    struct mcpz_item item;
    CHECK_UINT(read_one((struct mcpz_bytes)RAW("\xcb\x3f\xe0\0\0\0\0\0\0"), &item), MCPZ_OK);
    CHECK(item.type == MCPZ_ITEM_FLOAT && item.canonical);
    CHECK(item.real > 0.4999 && item.real < 0.5001);
    CHECK_UINT(read_one((struct mcpz_bytes)RAW("\xca\x3f\0\0\0"), &item), MCPZ_OK);
    CHECK(item.type == MCPZ_ITEM_FLOAT && !item.canonical);
    CHECK(item.real > 0.4999 && item.real < 0.5001);
    CHECK_UINT(read_one((struct mcpz_bytes)RAW("\xcb\x7f\xf8\0\0\0\0\0\0"), &item), MCPZ_OK);
    CHECK(item.type == MCPZ_ITEM_FLOAT && !item.canonical);
}

/* Text, bin and ext: a header, as many bytes as it says, and whether it is the shortest one. */
struct run {
    struct mcpz_bytes header;
    size_t length; /* an ext's: with its type byte */
    enum mcpz_item_type type;
    bool canonical;
};

static uint8_t run_bytes[70000];

static void check_run(const struct run *run)
{
    struct mcpz_item item;
    memcpy(run_bytes, run->header.data, run->header.length);
    CHECK_UINT(read_one(mcpz_bytes(run_bytes, run->header.length + run->length), &item), MCPZ_OK);
    CHECK_UINT(item.type, run->type);
    CHECK_UINT(item.bytes.length, run->length);
    CHECK(item.bytes.data == run_bytes + run->header.length);
    CHECK(item.canonical == run->canonical);
    if (run->length > 0) {
        CHECK_UINT(read_one(mcpz_bytes(run_bytes, run->header.length + run->length - 1), &item),
                   MCPZ_ESHORT);
    }
}

TEST(runs_of_every_form_are_read)
{
    static const struct run runs[] = {
        {RAW("\xa0"), 0, MCPZ_ITEM_TEXT, true},
        {RAW("\xbf"), 31, MCPZ_ITEM_TEXT, true},
        {RAW("\xd9\x1f"), 31, MCPZ_ITEM_TEXT, false},
        {RAW("\xd9\x20"), 32, MCPZ_ITEM_TEXT, true},
        {RAW("\xda\0\xff"), 255, MCPZ_ITEM_TEXT, false},
        {RAW("\xda\x01\0"), 256, MCPZ_ITEM_TEXT, true},
        {RAW("\xdb\0\0\xff\xff"), 65535, MCPZ_ITEM_TEXT, false},
        {RAW("\xdb\0\x01\0\0"), 65536, MCPZ_ITEM_TEXT, true},
        {RAW("\xc4\0"), 0, MCPZ_ITEM_BIN, true},
        {RAW("\xc5\0\xff"), 255, MCPZ_ITEM_BIN, false},
        {RAW("\xc5\x01\0"), 256, MCPZ_ITEM_BIN, true},
        {RAW("\xc6\0\0\xff\xff"), 65535, MCPZ_ITEM_BIN, false},
        {RAW("\xc6\0\x01\0\0"), 65536, MCPZ_ITEM_BIN, true},
        {RAW("\xd4"), 2, MCPZ_ITEM_EXT, true},
        {RAW("\xd5"), 3, MCPZ_ITEM_EXT, true},
        {RAW("\xd6"), 5, MCPZ_ITEM_EXT, true},
        {RAW("\xd7"), 9, MCPZ_ITEM_EXT, true},
        {RAW("\xd8"), 17, MCPZ_ITEM_EXT, true},
        {RAW("\xc7\0"), 1, MCPZ_ITEM_EXT, true},
        {RAW("\xc7\x03"), 4, MCPZ_ITEM_EXT, true},
        {RAW("\xc7\x08"), 9, MCPZ_ITEM_EXT, false}, /* there is a fixext 8 */
        {RAW("\xc7\x11"), 18, MCPZ_ITEM_EXT, true},
        {RAW("\xc8\0\xff"), 256, MCPZ_ITEM_EXT, false},
        {RAW("\xc8\x01\0"), 257, MCPZ_ITEM_EXT, true},
        {RAW("\xc9\0\x01\0\0"), 65537, MCPZ_ITEM_EXT, true},
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(runs); i++) {
        check_run(&runs[i]);
    }
}

struct container {
    struct mcpz_bytes header;
    size_t values;
    enum mcpz_item_type type;
    uint32_t count;
    bool canonical;
};

/* A count is believed if a byte for each value is there, and not one less. */
TEST(containers_of_every_form_are_read)
{
    static const struct container containers[] = {
        {RAW("\x90"), 0, MCPZ_ITEM_ARRAY, 0, true},
        {RAW("\x9f"), 15, MCPZ_ITEM_ARRAY, 15, true},
        {RAW("\xdc\0\x0f"), 15, MCPZ_ITEM_ARRAY, 15, false},
        {RAW("\xdc\0\x10"), 16, MCPZ_ITEM_ARRAY, 16, true},
        {RAW("\xdd\0\0\xff\xff"), 65535, MCPZ_ITEM_ARRAY, 65535, false},
        {RAW("\xdd\0\x01\0\0"), 65536, MCPZ_ITEM_ARRAY, 65536, true},
        {RAW("\x80"), 0, MCPZ_ITEM_MAP, 0, true},
        {RAW("\x8f"), 30, MCPZ_ITEM_MAP, 15, true},
        {RAW("\xde\0\x0f"), 30, MCPZ_ITEM_MAP, 15, false},
        {RAW("\xde\0\x10"), 32, MCPZ_ITEM_MAP, 16, true},
        {RAW("\xdf\0\0\x80\0"), 65536, MCPZ_ITEM_MAP, 32768, false},
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(containers); i++) {
        const struct container *c = &containers[i];
        struct mcpz_item item;
        memcpy(run_bytes, c->header.data, c->header.length);
        CHECK_UINT(read_one(mcpz_bytes(run_bytes, c->header.length + c->values), &item), MCPZ_OK);
        CHECK_UINT(item.type, c->type);
        CHECK_UINT(item.count, c->count);
        CHECK(item.canonical == c->canonical);
        if (c->values > 0) {
            CHECK_UINT(read_one(mcpz_bytes(run_bytes, c->header.length + c->values - 1), &item),
                       MCPZ_ESHORT);
        }
    }
}

TEST(every_header_cut_off_is_short)
{
    for (unsigned first = 0xc4; first <= 0xdf; first++) {
        const uint8_t byte = (uint8_t)first;
        struct mcpz_item item;
        CHECK_UINT(read_one(mcpz_bytes(&byte, 1), &item), MCPZ_ESHORT);
    }
}

TEST(refuses_four_billion_of_anything)
{
    static const struct mcpz_bytes cases[] = {
        RAW("\xdf\xff\xff\xff\x7e"), RAW("\xdf\xff\xff\xff\xff"), RAW("\xdd\xff\xff\xff\xff"),
        RAW("\xdb\xff\xff\xff\xff"), RAW("\xc6\xff\xff\xff\xff"), RAW("\xc9\xff\xff\xff\xff\x01"),
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(cases); i++) {
        struct mcpz_item item;
        CHECK_UINT(read_one(cases[i], &item), MCPZ_ESHORT);
    }
}

TEST(values_come_in_document_order)
{
    static const enum mcpz_item_type expected[] = {MCPZ_ITEM_MAP,  MCPZ_ITEM_TEXT, MCPZ_ITEM_ARRAY,
                                                   MCPZ_ITEM_UINT, MCPZ_ITEM_NIL,  MCPZ_ITEM_BOOL};
    struct mcpz_reader reader = mcpz_reader((struct mcpz_bytes)RAW("\x81\xa1k\x92\x01\xc0\xc2"));
    struct mcpz_item item;

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(expected); i++) {
        CHECK_UINT(mcpz_reader_next(&reader, &item), MCPZ_OK);
        CHECK_UINT(item.type, expected[i]);
    }
    CHECK_UINT(mcpz_reader_next(&reader, &item), MCPZ_ENOTFOUND);
}

TEST(errors_stick)
{
    struct mcpz_reader reader = mcpz_reader((struct mcpz_bytes)RAW("\xc1\x07"));
    struct mcpz_item item;

    CHECK_UINT(mcpz_reader_next(&reader, &item), MCPZ_EPROTO);
    CHECK_UINT(mcpz_reader_next(&reader, &item), MCPZ_EPROTO);
    CHECK_UINT(mcpz_reader_skip(&reader), MCPZ_EPROTO);

    reader = mcpz_reader((struct mcpz_bytes)RAW("\x92\x07"));
    CHECK_UINT(mcpz_reader_skip(&reader), MCPZ_ESHORT);
    CHECK_UINT(mcpz_reader_next(&reader, &item), MCPZ_ESHORT);
}

TEST(skip_passes_one_whole_value)
{
    struct mcpz_reader reader =
        mcpz_reader((struct mcpz_bytes)RAW("\x82\xa1k\x92\x01\x90\xa1l\xc4\x02xx\x80\x07"));
    struct mcpz_item item;

    CHECK_UINT(mcpz_reader_skip(&reader), MCPZ_OK);
    CHECK_UINT(mcpz_reader_skip(&reader), MCPZ_OK);
    CHECK_UINT(mcpz_reader_next(&reader, &item), MCPZ_OK);
    CHECK_UINT(item.uint, 7);
    CHECK_UINT(mcpz_reader_skip(&reader), MCPZ_ENOTFOUND);
}

TEST(skip_refuses_to_go_too_deep)
{
    uint8_t bomb[MCPZ_MSG_DEPTH_MAX + 1];
    memset(bomb, 0x91, sizeof(bomb));

    bomb[MCPZ_MSG_DEPTH_MAX - 1] = 0x90;
    struct mcpz_reader reader = mcpz_reader(mcpz_bytes(bomb, MCPZ_MSG_DEPTH_MAX));
    CHECK_UINT(mcpz_reader_skip(&reader), MCPZ_OK);

    bomb[MCPZ_MSG_DEPTH_MAX - 1] = 0x91;
    bomb[MCPZ_MSG_DEPTH_MAX] = 0x90;
    reader = mcpz_reader(mcpz_bytes(bomb, sizeof(bomb)));
    CHECK_UINT(mcpz_reader_skip(&reader), MCPZ_EPROTO);
    bomb[MCPZ_MSG_DEPTH_MAX] = 0x07;
    reader = mcpz_reader(mcpz_bytes(bomb, sizeof(bomb)));
    CHECK_UINT(mcpz_reader_skip(&reader), MCPZ_OK);
}

/* One value and all in it, by reading it. */
static bool read_past(struct mcpz_reader *reader)
{
    struct mcpz_item item;
    uint64_t left = 1;

    for (; left > 0 && mcpz_reader_next(reader, &item) == MCPZ_OK; left--) {
        if (item.type == MCPZ_ITEM_ARRAY) {
            left += item.count;
        } else if (item.type == MCPZ_ITEM_MAP) {
            left += 2 * (uint64_t)item.count;
        }
    }
    return left == 0;
}

TEST(skips_what_it_would_read)
{
    uint8_t bytes[48];

    for (unsigned first = 0; first <= 0xff; first++) {
        for (unsigned second = 0; second < 48; second++) {
            for (size_t length = 1; length <= sizeof(bytes); length++) {
                memset(bytes, 1, sizeof(bytes));
                bytes[0] = (uint8_t)first;
                bytes[1] = (uint8_t)second;
                struct mcpz_reader skipping = mcpz_reader(mcpz_bytes(bytes, length));
                struct mcpz_reader reading = skipping;
                bool is_skipped = mcpz_reader_skip(&skipping) == MCPZ_OK;
                CHECK(is_skipped == read_past(&reading));
                CHECK(!is_skipped || skipping.left.length == reading.left.length);
                CHECK(is_skipped || mcpz_reader_skip(&skipping) == skipping.error);
            }
        }
    }
}

/* Only whole numbers, and only in their shortest form: all else is for mcpz_reader_next(). */
TEST(takes_numbers_without_an_item)
{
    static const struct {
        uint64_t number;
        uint8_t length;
        uint8_t bytes[9];
    } shortest[] = {
        {0, 1, {0x00}},
        {0x7f, 1, {0x7f}},
        {0x80, 2, {0xcc, 0x80}},
        {0xff, 2, {0xcc, 0xff}},
        {0x100, 3, {0xcd, 0x01, 0x00}},
        {0xffff, 3, {0xcd, 0xff, 0xff}},
        {0x10000, 5, {0xce, 0x00, 0x01, 0x00, 0x00}},
        {0xffffffff, 5, {0xce, 0xff, 0xff, 0xff, 0xff}},
        {0x100000000, 9, {0xcf, 0, 0, 0, 1, 0, 0, 0, 0}},
        {UINT64_MAX, 9, {0xcf, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
    };
    static const uint8_t other[][9] = {{0xcc, 0x7f},
                                       {0xcd, 0x00, 0xff},
                                       {0xce, 0, 0, 0xff, 0xff},
                                       {0xcf, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff},
                                       {0xd0, 0x01},
                                       {0xff},
                                       {0xc2},
                                       {0xa0},
                                       {0xc0}};
    uint64_t number;

    for (size_t i = 0; i < sizeof(shortest) / sizeof(shortest[0]); i++) {
        for (size_t length = 0; length <= shortest[i].length; length++) {
            struct mcpz_reader reader = mcpz_reader(mcpz_bytes(shortest[i].bytes, length));
            bool whole = length == shortest[i].length;
            number = 77;
            CHECK_UINT(mcpz_reader_take_number(&reader, &number), whole);
            CHECK_UINT(number, whole ? shortest[i].number : 77);
            CHECK_UINT(reader.left.length, whole ? 0 : length);
        }
    }
    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
        struct mcpz_reader reader = mcpz_reader(mcpz_bytes(other[i], sizeof(other[i])));
        CHECK(!mcpz_reader_take_number(&reader, &number));
        CHECK_UINT(reader.left.length, sizeof(other[i]));
    }
}

TEST(takes_heads_of_arrays_without_an_item)
{
    static const uint8_t bytes[1 + 15] = {0x9f};
    static const uint8_t others[] = {0xdc, 0xa0, 0x80, 0x00};

    for (size_t length = 0; length <= sizeof(bytes); length++) {
        struct mcpz_reader reader = mcpz_reader(mcpz_bytes(bytes, length));
        const bool fits = length == sizeof(bytes); /* one byte for each of what it says */
        size_t count = 77;
        CHECK_UINT(mcpz_reader_take_array(&reader, &count), fits);
        CHECK_UINT(count, fits ? 15 : 77);
        CHECK_UINT(reader.left.length, fits ? 15 : length);
    }
    for (size_t i = 0; i < sizeof(others); i++) {
        struct mcpz_reader reader = mcpz_reader(mcpz_bytes(&others[i], 1));
        size_t count;
        CHECK(!mcpz_reader_take_array(&reader, &count));
        CHECK_UINT(reader.left.length, 1);
    }
}

TEST_MAIN(RUN(takes_numbers_without_an_item), RUN(takes_heads_of_arrays_without_an_item),
          RUN(skips_what_it_would_read), RUN(integers_of_every_form_are_read),
          RUN(nil_and_booleans_are_read), RUN(floats_are_canonical_as_64_bits_and_numbers),
          RUN(runs_of_every_form_are_read), RUN(containers_of_every_form_are_read),
          RUN(every_header_cut_off_is_short), RUN(refuses_four_billion_of_anything),
          RUN(values_come_in_document_order), RUN(errors_stick), RUN(skip_passes_one_whole_value),
          RUN(skip_refuses_to_go_too_deep))
