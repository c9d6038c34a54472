#include "proto/limits.h"
#include "raw.h"
#include "test.h"
#include "wire/shape.h"

TEST(finds_the_end_of_the_first_value)
{
    static const struct {
        struct mcpz_bytes bytes;
        size_t length;
    } cases[] = {
        {RAW("\x07"), 1},
        {RAW("\x07\x07"), 1},
        {RAW("\x92\x01\x02\x03"), 3},
        {RAW("\x81\xa1k\xc4\x02xx\xc1"), 7},
        {RAW("\x90\x90"), 1},
        {RAW("\x91\x80\x91"), 2},
        {RAW("\xd4\x01x\xc0"), 3},
        {RAW("\xc7\x00\x01\xc0"), 3},
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(cases); i++) {
        size_t length = 0;
        CHECK_UINT(mcpz_shape_measure(cases[i].bytes, &length), MCPZ_OK);
        CHECK_UINT(length, cases[i].length);
        CHECK_UINT(mcpz_shape_check(mcpz_bytes(cases[i].bytes.data, length)), MCPZ_OK);
    }
}

TEST(refuses_claims_that_cannot_be_true)
{
    static const struct mcpz_bytes cases[] = {
        RAW(""),
        RAW("\xdf\xff\xff\xff\x7e"), /* map of four billion */
        RAW("\xdd\x08\0\0\0"),       /* array of 128 million */
        RAW("\x91"),                 /* the next value is not there */
        RAW("\x92\x01"),
        RAW("\x81\xa1k"),            /* a key without a value */
        RAW("\x92\x92\x01\x02"),     /* the inner one is whole, the outer one is not */
        RAW("\x94\x92\x01\x02\x03"), /* together they promise more than is there */
        RAW("\xa2x"),
        RAW("\xc4\x02x"),
        RAW("\xd8\x01x"),
        RAW("\xcf\0\0\0\0\0\0\0"),
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(cases); i++) {
        size_t length = 99;
        CHECK_UINT(mcpz_shape_measure(cases[i], &length), MCPZ_ESHORT);
        CHECK_UINT(length, 99);
        CHECK_UINT(mcpz_shape_check(cases[i]), MCPZ_ESHORT);
    }
}

TEST(refuses_nested_claims_whose_sum_cannot_be_true)
{
    /* Each header alone is believable: so many bytes follow. All together promise 6 times that. */
    uint8_t bytes[6 + 16];
    size_t length;

    memset(bytes, 0x9f, 6);
    memset(bytes + 6, 0, 16);
    CHECK_UINT(mcpz_shape_measure(mcpz_bytes(bytes, sizeof(bytes)), &length), MCPZ_ESHORT);
}

TEST(refuses_the_byte_no_value_starts_with)
{
    size_t length;
    CHECK_UINT(mcpz_shape_measure((struct mcpz_bytes)RAW("\xc1"), &length), MCPZ_EPROTO);
    CHECK_UINT(mcpz_shape_measure((struct mcpz_bytes)RAW("\x91\xc1"), &length), MCPZ_EPROTO);
}

TEST(refuses_what_follows)
{
    CHECK_UINT(mcpz_shape_check((struct mcpz_bytes)RAW("\x07\x07")), MCPZ_EPROTO);
    CHECK_UINT(mcpz_shape_check((struct mcpz_bytes)RAW("\x91\x07\xc1")), MCPZ_EPROTO);
}

static mcpz_error check_nested(uint8_t opener, size_t depth)
{
    uint8_t bytes[256] = {0};
    size_t length = 0;

    for (size_t i = 0; i < depth; i++) {
        bytes[length++] = opener;
        if (opener == 0x81) {
            bytes[length++] = 0x01; /* a key */
        }
    }
    bytes[length++] = 0xc0;
    return mcpz_shape_check(mcpz_bytes(bytes, length));
}

TEST(depth_has_a_limit)
{
    static const uint8_t openers[] = {0x91, 0x81};
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(openers); i++) {
        CHECK_UINT(check_nested(openers[i], MCPZ_MSG_DEPTH_MAX - 1), MCPZ_OK);
        CHECK_UINT(check_nested(openers[i], MCPZ_MSG_DEPTH_MAX), MCPZ_OK);
        CHECK_UINT(check_nested(openers[i], MCPZ_MSG_DEPTH_MAX + 1), MCPZ_EPROTO);
        CHECK_UINT(check_nested(openers[i], 100), MCPZ_EPROTO);
    }
}

/* Siblings do not add up: depth is given back when a container ends. */
TEST(width_is_not_depth)
{
    static const uint8_t inner[] = {0x91, 0x90};
    uint8_t bytes[3 + 2 * 100] = {0xdc, 0, 100};

    for (size_t i = 0; i < 100; i++) {
        memcpy(bytes + 3 + 2 * i, inner, sizeof(inner));
    }
    CHECK_UINT(mcpz_shape_check(mcpz_bytes(bytes, sizeof(bytes))), MCPZ_OK);
}

TEST_MAIN(RUN(finds_the_end_of_the_first_value), RUN(refuses_claims_that_cannot_be_true),
          RUN(refuses_nested_claims_whose_sum_cannot_be_true),
          RUN(refuses_the_byte_no_value_starts_with), RUN(refuses_what_follows),
          RUN(depth_has_a_limit), RUN(width_is_not_depth))
