#include "core/crdt/number.h"
#include "test.h"

#define BYTES(text) mcpz_bytes(text, sizeof(text) - 1)

TEST(every_number_has_one_form_and_it_is_the_shortest)
{
    static const struct {
        int64_t number;
        const char *bytes;
        size_t length;
    } cases[] = {
        {0, "\x00", 1},
        {127, "\x7f", 1},
        {128, "\xcc\x80", 2},
        {255, "\xcc\xff", 2},
        {256, "\xcd\x01\x00", 3},
        {65535, "\xcd\xff\xff", 3},
        {65536, "\xce\x00\x01\x00\x00", 5},
        {INT64_C(4294967295), "\xce\xff\xff\xff\xff", 5},
        {INT64_C(4294967296), "\xcf\x00\x00\x00\x01\x00\x00\x00\x00", 9},
        {INT64_MAX, "\xcf\x7f\xff\xff\xff\xff\xff\xff\xff", 9},
        {-1, "\xff", 1},
        {-32, "\xe0", 1},
        {-33, "\xd0\xdf", 2},
        {-128, "\xd0\x80", 2},
        {-129, "\xd1\xff\x7f", 3},
        {-32768, "\xd1\x80\x00", 3},
        {-32769, "\xd2\xff\xff\x7f\xff", 5},
        {INT64_C(-2147483648), "\xd2\x80\x00\x00\x00", 5},
        {INT64_C(-2147483649), "\xd3\xff\xff\xff\xff\x7f\xff\xff\xff", 9},
        {INT64_MIN, "\xd3\x80\x00\x00\x00\x00\x00\x00\x00", 9},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t buffer[MCPZ_NUMBER_BYTES_MAX];
        int64_t number = 1;
        size_t length = mcpz_number_encode(cases[i].number, buffer);

        CHECK_BYTES(mcpz_bytes(buffer, length), cases[i].bytes, cases[i].length);
        CHECK(mcpz_number_decode(mcpz_bytes(buffer, length), &number));
        CHECK(number == cases[i].number);
        for (size_t cut = 0; cut < length; cut++) {
            CHECK(!mcpz_number_decode(mcpz_bytes(buffer, cut), &number));
        }
    }
}

TEST(refuses_what_is_no_number_or_not_in_its_form)
{
    static const struct {
        const char *bytes;
        size_t length;
    } cases[] = {
        {"\xcc\x7f", 2},                                 /* one byte would do */
        {"\xcd\x00\xff", 3},                             /* two would */
        {"\xce\x00\x00\xff\xff", 5},                     /* three would */
        {"\xcf\x00\x00\x00\x00\xff\xff\xff\xff", 9},     /* five would */
        {"\xd0\x05", 2},                                 /* signed, but not negative */
        {"\xd0\xff", 2},                                 /* -1 */
        {"\xcf\x80\x00\x00\x00\x00\x00\x00\x00", 9},     /* 2^63 */
        {"\xd3\x00\x00\x00\x01\x00\x00\x00\x00", 9},     /* signed 2^32 */
        {"\xc0", 1},                                     /* nil */
        {"\xa0", 1},                                     /* text */
        {"\xcb\x00\x00\x00\x00\x00\x00\x00\x00", 9},     /* a float */
        {"\x05\x05", 2},                                 /* two numbers */
        {"\xcf\x7f\xff\xff\xff\xff\xff\xff\xff\x00", 10} /* and something after */
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int64_t number = 42;
        CHECK(!mcpz_number_decode(mcpz_bytes(cases[i].bytes, cases[i].length), &number));
        CHECK(number == 42);
    }
}

TEST(texts_round_trip_at_the_edges_of_their_headers)
{
    static const size_t lengths[] = {0, 1, 31, 32, 255};
    uint8_t text[MCPZ_NUMBER_TEXT_MAX];
    uint8_t buffer[MCPZ_NUMBER_TEXT_MAX + 2];

    memset(text, 'x', sizeof(text));
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct mcpz_bytes read;
        size_t length = mcpz_number_text_encode(mcpz_bytes(text, lengths[i]), buffer);

        CHECK_UINT(length, lengths[i] + (lengths[i] > 31 ? 2 : 1));
        CHECK(mcpz_number_text_decode(mcpz_bytes(buffer, length), &read));
        CHECK_BYTES(read, text, lengths[i]);
        for (size_t cut = 0; cut < length; cut++) {
            CHECK(!mcpz_number_text_decode(mcpz_bytes(buffer, cut), &read));
        }
    }
}

TEST(refuses_what_is_no_text_or_not_in_its_form)
{
    struct mcpz_bytes text;

    CHECK(!mcpz_number_text_decode(BYTES("\xa1xx"), &text));
    CHECK(!mcpz_number_text_decode(BYTES("\xd9\x01x"), &text)); /* a shorter header would do */
    CHECK(!mcpz_number_text_decode(BYTES("\xd9"), &text));
    CHECK(!mcpz_number_text_decode(BYTES("\xa1\xff"), &text)); /* not UTF-8 */
    CHECK(!mcpz_number_text_decode(BYTES("\x05"), &text));
    CHECK(!mcpz_number_text_decode(BYTES("\x91\xa1x"), &text));
}

TEST_MAIN(RUN(every_number_has_one_form_and_it_is_the_shortest),
          RUN(refuses_what_is_no_number_or_not_in_its_form),
          RUN(texts_round_trip_at_the_edges_of_their_headers),
          RUN(refuses_what_is_no_text_or_not_in_its_form))
