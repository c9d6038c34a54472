#include <string.h>

#include "base/hex.h"
#include "test.h"

TEST(bytes_are_two_digits_each)
{
    static const uint8_t bytes[] = {0x00, 0x0f, 0xa0, 0xff};
    char text[9] = "........";

    mcpz_hex_put(mcpz_bytes(bytes, sizeof(bytes)), text);
    CHECK_TEXT(text, "000fa0ff");
    CHECK(mcpz_hex_digit(0x1e) == 'e');
}

TEST(digits_are_read_in_either_case)
{
    uint8_t bytes[4];

    CHECK(mcpz_hex_read(mcpz_text("000fA0fF"), bytes, sizeof(bytes)));
    CHECK(memcmp(bytes, "\x00\x0f\xa0\xff", sizeof(bytes)) == 0);
    CHECK(!mcpz_hex_read(mcpz_text("000fA0f"), bytes, sizeof(bytes)));
    CHECK(!mcpz_hex_read(mcpz_text("000fA0ff0"), bytes, sizeof(bytes)));
    CHECK(!mcpz_hex_read(mcpz_text("000fA0fg"), bytes, sizeof(bytes)));
}

TEST(nothing_else_is_a_digit)
{
    size_t digits = 0;

    for (int i = 0; i <= UINT8_MAX; i++) {
        const char *at = i == 0 ? NULL : strchr("0123456789abcdef", i);
        const char *capital = i == 0 ? NULL : strchr("ABCDEF", i);
        digits += mcpz_hex_value((uint8_t)i) >= 0;
        CHECK((mcpz_hex_value((uint8_t)i) >= 0) == (at != NULL || capital != NULL));
    }
    CHECK_UINT(digits, 22);
}

TEST_MAIN(RUN(bytes_are_two_digits_each), RUN(digits_are_read_in_either_case),
          RUN(nothing_else_is_a_digit))
