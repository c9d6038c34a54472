#include <math.h>

#include "raw.h"
#include "test.h"
#include "wire/value.h"

TEST(canonical_values_are_accepted)
{
    static const struct mcpz_bytes cases[] = {
        RAW("\xc0"),
        RAW("\xc2"),
        RAW("\xc3"),
        RAW("\x00"),
        RAW("\xff"),
        RAW("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"),
        RAW("\xd3\x80\0\0\0\0\0\0\0"),
        RAW("\xcb\x3f\xe0\0\0\0\0\0\0"), /* 0.5 */
        RAW("\xcb\x43\x40\0\0\0\0\0\0"), /* 2^53: no integer of 53 bits */
        RAW("\xcb\xc3\x40\0\0\0\0\0\0"), /* -2^53 */
        RAW("\xcb\0\0\0\0\0\0\0\x01"),   /* the smallest */
        RAW("\xa0"),
        RAW("\xa2\xc3\xa9"),
        RAW("\xc4\x01\xff"),
        RAW("\x90"),
        RAW("\x80"),
        RAW("\x92\x90\x80"),
        RAW("\x82\xa0\x01\xa1k\x82\xa1"
            "a\x01\xa2"
            "aa\x01"),
        RAW("\x92\x81\xa1z\x01\x81\xa1"
            "a\x01"), /* each map has an order of its own */
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(cases); i++) {
        CHECK_UINT(mcpz_value_check(cases[i]), MCPZ_OK);
    }
}

TEST(a_second_way_to_say_the_same_is_refused)
{
    static const struct mcpz_bytes cases[] = {
        RAW("\xcc\x07"), /* integers */
        RAW("\xd0\x07"),
        RAW("\xd0\xff"),
        RAW("\xca\x3f\0\0\0"),           /* a float of 32 bits */
        RAW("\xcb\x7f\xf8\0\0\0\0\0\0"), /* not a number */
        RAW("\xcb\x7f\xf0\0\0\0\0\0\0"), /* infinity */
        RAW("\xcb\xff\xf0\0\0\0\0\0\0"),
        RAW("\xcb\0\0\0\0\0\0\0\0"),                 /* 0.0 */
        RAW("\xcb\x80\0\0\0\0\0\0\0"),               /* -0.0 */
        RAW("\xcb\x3f\xf0\0\0\0\0\0\0"),             /* 1.0 */
        RAW("\xcb\x43\x3f\xff\xff\xff\xff\xff\xff"), /* 2^53 - 1 */
        RAW("\xcb\xc3\x3f\xff\xff\xff\xff\xff\xff"),
        RAW("\xd9\x01x"), /* text */
        RAW("\xa1\xff"),
        RAW("\xc5\0\x01x"),    /* bytes */
        RAW("\xdc\0\x01\x07"), /* containers */
        RAW("\xde\0\x01\xa1k\x07"),
        RAW("\xd4\x01x"),    /* ext */
        RAW("\x91\xcc\x07"), /* inside another */
        RAW("\x81\x01\x07"), /* keys that are not text */
        RAW("\x81\xc0\x07"),
        RAW("\x81\x90\x07"),
        RAW("\x82\xa1k\x01\xa1k\x02"), /* twice */
        RAW("\x82\xa1z\x01\xa1"
            "a\x02"), /* not sorted */
        RAW("\x82\xa2kk\x01\xa1k\x02"),
        RAW("\x82\xa1k\x01\xa0\x02"),
        RAW("\x82\xa1z\x81\xa1z\x01\xa1"
            "a\x02"),    /* not sorted, around a value with keys */
        RAW("\x07\x07"), /* two values */
        RAW("\xc1"),
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(cases); i++) {
        CHECK_UINT(mcpz_value_check(cases[i]), MCPZ_EPROTO);
    }
}

TEST(every_truncation_is_refused)
{
    static const struct mcpz_bytes value =
        RAW("\x82\xa1k\x92\x01\xcb\x3f\xe0\0\0\0\0\0\0\xa1l\xc4\x02xx");
    static const struct mcpz_bytes path = RAW("\x93\xa1k\xcd\x01\0\xa2kl");

    CHECK_UINT(mcpz_value_check(value), MCPZ_OK);
    for (size_t length = 0; length < value.length; length++) {
        CHECK_UINT(mcpz_value_check(mcpz_bytes(value.data, length)), MCPZ_ESHORT);
    }
    CHECK_UINT(mcpz_path_check(path), MCPZ_OK);
    for (size_t length = 0; length < path.length; length++) {
        CHECK_UINT(mcpz_path_check(mcpz_bytes(path.data, length)), MCPZ_ESHORT);
    }
}

TEST(refuses_a_map_of_four_billion)
{
    static const struct mcpz_bytes bomb = RAW("\xdf\xff\xff\xff\x7e");
    CHECK_UINT(mcpz_value_check(bomb), MCPZ_ESHORT);
    CHECK_UINT(mcpz_path_check(bomb), MCPZ_ESHORT);
}

TEST(values_end_at_their_limit)
{
    static uint8_t bytes[MCPZ_VALUE_BYTES_MAX + 1] = {0xc5};

    for (size_t length = MCPZ_VALUE_BYTES_MAX - 1; length <= MCPZ_VALUE_BYTES_MAX + 1; length++) {
        bytes[1] = (uint8_t)((length - 3) >> 8);
        bytes[2] = (uint8_t)(length - 3);
        CHECK_UINT(mcpz_value_check(mcpz_bytes(bytes, length)),
                   length <= MCPZ_VALUE_BYTES_MAX ? MCPZ_OK : MCPZ_EFULL);
    }
}

TEST(values_have_a_depth)
{
    uint8_t bytes[MCPZ_MSG_DEPTH_MAX + 2];

    memset(bytes, 0x91, sizeof(bytes));
    bytes[MCPZ_MSG_DEPTH_MAX] = 0xc0;
    CHECK_UINT(mcpz_value_check(mcpz_bytes(bytes, MCPZ_MSG_DEPTH_MAX + 1)), MCPZ_OK);
    bytes[MCPZ_MSG_DEPTH_MAX] = 0x91;
    bytes[MCPZ_MSG_DEPTH_MAX + 1] = 0xc0;
    CHECK_UINT(mcpz_value_check(mcpz_bytes(bytes, MCPZ_MSG_DEPTH_MAX + 2)), MCPZ_EPROTO);
}

#define ROOT "0123456789abcdef0123456789ABCDEF"
#define NAMED "\x01" ROOT "\0\0\0\0\0\0\0\x02" /* type, root, size */

TEST(a_blob_is_named_as_a_whole_value)
{
    static const struct mcpz_bytes bytes = RAW("\xc7\x2c" NAMED "acme");
    uint8_t buffer[64];
    struct mcpz_value_writer writer = mcpz_value_writer(buffer, sizeof(buffer));
    struct mcpz_blob_ref ref = {.size = 2, .tenant = mcpz_text("acme")};
    struct mcpz_blob_ref read;

    memcpy(ref.root.bytes, ROOT, MCPZ_ID_BYTES);
    mcpz_value_blob(&writer, &ref);
    CHECK_UINT(writer.error, MCPZ_OK);
    CHECK(mcpz_bytes_equal(mcpz_bytes(buffer, writer.length), bytes));
    CHECK_UINT(mcpz_value_check(bytes), MCPZ_OK);
    CHECK(mcpz_value_read_blob(bytes, &read));
    CHECK(mcpz_id_equal(&read.root, &ref.root));
    CHECK_UINT(read.size, ref.size);
    CHECK(mcpz_bytes_equal(read.tenant, ref.tenant));
    for (size_t i = 0; i < bytes.length; i++) {
        CHECK(!mcpz_value_read_blob(mcpz_bytes(bytes.data, i), &read));
    }
}

TEST(what_is_no_name_of_a_blob_is_refused)
{
    static const struct mcpz_bytes cases[] = {
        RAW("\x91\xc7\x2c" NAMED "acme"),      /* within another value */
        RAW("\x81\xa1k\xc7\x2c" NAMED "acme"), /* the same */
        RAW("\xc7\x28" NAMED),                 /* of nobody */
        RAW("\xc7\x2a" NAMED "\xc3("),         /* of no text */
        RAW("\xc8\0\x2c" NAMED "acme"),        /* a longer form */
        RAW("\xc7\x2c\x02" ROOT "\0\0\0\0\0\0\0\x02"
            "acme"), /* another type */
        RAW("\xc7\x2c\x01" ROOT "\x80\0\0\0\0\0\0\x02"
            "acme"), /* too large */
    };
    uint8_t buffer[256];
    struct mcpz_value_writer writer = mcpz_value_writer(buffer, sizeof(buffer));

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(cases); i++) {
        CHECK_UINT(mcpz_value_check(cases[i]), MCPZ_EPROTO);
    }
    mcpz_value_blob(&writer, &(struct mcpz_blob_ref){.size = 1});
    CHECK_UINT(writer.error, MCPZ_EPROTO);
    writer = mcpz_value_writer(buffer, 40);
    mcpz_value_blob(&writer, &(struct mcpz_blob_ref){.tenant = mcpz_text("a")});
    CHECK_UINT(writer.error, MCPZ_EFULL);
}

TEST(paths_are_arrays_of_texts_and_unsigned_integers)
{
    static const struct mcpz_bytes good[] = {
        RAW("\x91\xa1k"),
        RAW("\x91\x00"),
        RAW("\x92\xa0\xcd\x01\0"),
    };
    static const struct mcpz_bytes bad[] = {
        RAW("\x90"),                            /* nowhere */
        RAW("\xa1k"),                           /* no array */
        RAW("\x81\xa1k\xa1k"), RAW("\x91\xff"), /* negative */
        RAW("\x91\xc0"),       RAW("\x91\xc3"),
        RAW("\x91\x91\xa1k"), /* nested */
        RAW("\x91\xc4\x01k"),  RAW("\x91\xcb\x3f\xe0\0\0\0\0\0\0"),
        RAW("\x91\xcc\x07"), /* not canonical */
        RAW("\x91\xd9\x01k"),  RAW("\xdc\0\x01\xa1k"),
        RAW("\x91\xa1\xff"),  /* not UTF-8 */
        RAW("\x91\xa1k\x07"), /* bytes left over */
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(good); i++) {
        CHECK_UINT(mcpz_path_check(good[i]), MCPZ_OK);
    }
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(bad); i++) {
        CHECK_UINT(mcpz_path_check(bad[i]), MCPZ_EPROTO);
    }
}

static mcpz_error check_path_of(uint32_t depth)
{
    uint8_t buffer[64];
    struct mcpz_value_writer writer = mcpz_value_writer(buffer, sizeof(buffer));

    mcpz_value_array(&writer, depth);
    for (uint32_t i = 0; i < depth; i++) {
        mcpz_value_uint(&writer, i);
    }
    return mcpz_path_check(mcpz_bytes(buffer, writer.length));
}

TEST(paths_end_at_their_limits)
{
    static uint8_t bytes[MCPZ_PATH_BYTES_MAX + 1] = {0x91, 0xda};

    CHECK_UINT(check_path_of(MCPZ_PATH_DEPTH_MAX - 1), MCPZ_OK);
    CHECK_UINT(check_path_of(MCPZ_PATH_DEPTH_MAX), MCPZ_OK);
    CHECK_UINT(check_path_of(MCPZ_PATH_DEPTH_MAX + 1), MCPZ_EPROTO);
    for (size_t length = MCPZ_PATH_BYTES_MAX - 1; length <= MCPZ_PATH_BYTES_MAX + 1; length++) {
        bytes[2] = (uint8_t)((length - 4) >> 8);
        bytes[3] = (uint8_t)(length - 4);
        CHECK_UINT(mcpz_path_check(mcpz_bytes(bytes, length)),
                   length <= MCPZ_PATH_BYTES_MAX ? MCPZ_OK : MCPZ_EFULL);
    }
}

/* ---- Writing ------------------------------------------------------------------------------ */

static uint8_t buffer[MCPZ_VALUE_BYTES_MAX];

TEST(every_piece_is_written_in_its_shortest_form)
{
    static const struct mcpz_bytes expected =
        RAW("\x9e\xc0\xc2\xc3\x7f\xcc\x80\xcf\xff\xff\xff\xff\xff\xff\xff\xff\x05\xe0\xd0\xdf"
            "\xd3\x80\0\0\0\0\0\0\0\xa1x\xc4\x01\xff\x80\xa0");
    struct mcpz_value_writer writer = mcpz_value_writer(buffer, sizeof(buffer));

    mcpz_value_array(&writer, 14);
    mcpz_value_nil(&writer);
    mcpz_value_bool(&writer, false);
    mcpz_value_bool(&writer, true);
    mcpz_value_uint(&writer, 127);
    mcpz_value_uint(&writer, 128);
    mcpz_value_uint(&writer, UINT64_MAX);
    mcpz_value_int(&writer, 5);
    mcpz_value_int(&writer, -32);
    mcpz_value_int(&writer, -33);
    mcpz_value_int(&writer, INT64_MIN);
    mcpz_value_text(&writer, mcpz_text("x"));
    mcpz_value_bin(&writer, mcpz_text("\xff"));
    mcpz_value_map(&writer, 0);
    mcpz_value_text(&writer, mcpz_bytes(NULL, 0));
    CHECK_UINT(writer.error, MCPZ_OK);
    CHECK_BYTES(mcpz_bytes(buffer, writer.length), expected.data, expected.length);
    CHECK_UINT(mcpz_value_check(mcpz_bytes(buffer, writer.length)), MCPZ_OK);
}

/* Lengths and integers at which the form changes: what is written is what is accepted. */
TEST(what_is_written_is_canonical)
{
    static const uint64_t edges[] = {0,
                                     1,
                                     15,
                                     16,
                                     31,
                                     32,
                                     127,
                                     128,
                                     255,
                                     256,
                                     257,
                                     32767,
                                     32768,
                                     65535,
                                     65536,
                                     INT32_MAX,
                                     UINT64_C(1) << 31,
                                     UINT32_MAX,
                                     UINT64_C(1) << 32,
                                     INT64_MAX};

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(edges); i++) {
        struct mcpz_value_writer writer = mcpz_value_writer(buffer, sizeof(buffer));
        mcpz_value_array(&writer, 4);
        mcpz_value_uint(&writer, edges[i]);
        mcpz_value_int(&writer, (int64_t)edges[i]);
        mcpz_value_int(&writer, -(int64_t)edges[i]);
        mcpz_value_int(&writer, -(int64_t)edges[i] - 1);
        CHECK_UINT(mcpz_value_check(mcpz_bytes(buffer, writer.length)), MCPZ_OK);
        if (edges[i] <= 400) {
            struct mcpz_bytes run = mcpz_bytes(zeros, (size_t)edges[i]);
            writer = mcpz_value_writer(buffer, sizeof(buffer));
            mcpz_value_array(&writer, 2);
            mcpz_value_text(&writer, run);
            mcpz_value_bin(&writer, run);
            CHECK_UINT(mcpz_value_check(mcpz_bytes(buffer, writer.length)), MCPZ_OK);
        }
    }
}

TEST(floats_become_integers_where_they_are)
{
    static const struct {
        double number;
        struct mcpz_bytes bytes;
    } cases[] = {
        {0.0, RAW("\x00")},
        {-0.0, RAW("\x00")},
        {1.0, RAW("\x01")},
        {-1.0, RAW("\xff")},
        {9007199254740991.0, RAW("\xcf\0\x1f\xff\xff\xff\xff\xff\xff")},
        {-9007199254740991.0, RAW("\xd3\xff\xe0\0\0\0\0\0\x01")},
        {9007199254740992.0, RAW("\xcb\x43\x40\0\0\0\0\0\0")},
        {-9007199254740992.0, RAW("\xcb\xc3\x40\0\0\0\0\0\0")},
        {0.5, RAW("\xcb\x3f\xe0\0\0\0\0\0\0")},
        {1e300, RAW("\xcb\x7e\x37\xe4\x3c\x88\x00\x75\x9c")},
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(cases); i++) {
        struct mcpz_value_writer writer = mcpz_value_writer(buffer, sizeof(buffer));
        mcpz_value_float(&writer, cases[i].number);
        CHECK_UINT(writer.error, MCPZ_OK);
        CHECK_BYTES(mcpz_bytes(buffer, writer.length), cases[i].bytes.data, cases[i].bytes.length);
        CHECK_UINT(mcpz_value_check(mcpz_bytes(buffer, writer.length)), MCPZ_OK);
    }
}

TEST(what_no_json_could_carry_is_not_written)
{
    static const double numbers[] = {(double)NAN, (double)INFINITY, -(double)INFINITY};

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(numbers); i++) {
        struct mcpz_value_writer writer = mcpz_value_writer(buffer, sizeof(buffer));
        mcpz_value_float(&writer, numbers[i]);
        CHECK_UINT(writer.error, MCPZ_EPROTO);
        CHECK_UINT(writer.length, 0);
    }
    struct mcpz_value_writer writer = mcpz_value_writer(buffer, sizeof(buffer));
    mcpz_value_text(&writer, mcpz_text("\xc3("));
    CHECK_UINT(writer.error, MCPZ_EPROTO);
    CHECK_UINT(writer.length, 0);
}

TEST(errors_of_the_writer_stick)
{
    struct mcpz_value_writer writer = mcpz_value_writer(buffer, 3);
    buffer[3] = 0x55;

    mcpz_value_uint(&writer, 1);
    mcpz_value_text(&writer, mcpz_text("long"));
    CHECK_UINT(writer.error, MCPZ_EFULL);
    mcpz_value_nil(&writer);
    mcpz_value_text(&writer, mcpz_text("\xff"));
    mcpz_value_float(&writer, (double)NAN);
    CHECK_UINT(writer.error, MCPZ_EFULL);
    CHECK_UINT(buffer[3], 0x55);
}

TEST(a_buffer_is_used_to_its_last_byte)
{
    struct mcpz_value_writer writer = mcpz_value_writer(buffer, 3);
    mcpz_value_text(&writer, mcpz_text("xx"));
    CHECK_UINT(writer.error, MCPZ_OK);
    CHECK_UINT(writer.length, 3);
    mcpz_value_nil(&writer);
    CHECK_UINT(writer.error, MCPZ_EFULL);
}

TEST_MAIN(RUN(canonical_values_are_accepted), RUN(a_second_way_to_say_the_same_is_refused),
          RUN(every_truncation_is_refused), RUN(refuses_a_map_of_four_billion),
          RUN(values_end_at_their_limit), RUN(values_have_a_depth),
          RUN(a_blob_is_named_as_a_whole_value), RUN(what_is_no_name_of_a_blob_is_refused),
          RUN(paths_are_arrays_of_texts_and_unsigned_integers), RUN(paths_end_at_their_limits),
          RUN(every_piece_is_written_in_its_shortest_form), RUN(what_is_written_is_canonical),
          RUN(floats_become_integers_where_they_are), RUN(what_no_json_could_carry_is_not_written),
          RUN(errors_of_the_writer_stick), RUN(a_buffer_is_used_to_its_last_byte))
