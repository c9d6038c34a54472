#include "base/base64.h"
#include "http/jsontext.h"
#include "test.h"
#include "wire/json.h"

static bool is_value(const char *text)
{
    return mcpz_jsontext_is_value(mcpz_text(text));
}

TEST(takes_every_kind_of_value)
{
    static const char *const values[] = {
        "null",
        "true",
        "false",
        "0",
        "-0",
        "12",
        "-1.5e+3",
        "1E5",
        "\"\"",
        "\"a\\n\\u00e9\"",
        "\"\\ud83d\\ude00\"",
        "[]",
        "{}",
        " [ 1 , 2 ] ",
        "{\"a\":{\"b\":[{}]}}",
        "9223372036854775807",
        "-9223372036854775808",
        "1e308",
        "\"\xc3\xa9\"",
    };

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        CHECK(is_value(values[i]));
    }
}

TEST(refuses_what_a_reader_could_not_take)
{
    static const char *const values[] = {
        "",
        " ",
        "nul",
        "nulll",
        "01",
        "+1",
        "1.",
        ".5",
        "1e",
        "-",
        "\"",
        "\"\n\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u0000\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\u0041\"",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1,}",
        "{a:1}",
        "{1:2}",
        "[}",
        "]",
        "1 2",
        "{}{}",
        "9223372036854775808",
        "-9223372036854775809",
        "1e309",
        "\"\xff\"",
        "\xef\xbb\xbf{}",
        "NaN",
        "Infinity",
        "// x\n1",
    };

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        CHECK(!is_value(values[i]));
    }
    CHECK(!mcpz_jsontext_is_value(mcpz_bytes("1\0", 2)));
}

static bool nests(size_t depth)
{
    char text[2 * (MCPZ_JSON_DEPTH_MAX + 2) + 1] = "";

    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    text[2 * depth] = '\0';
    return is_value(text);
}

TEST(nesting_ends_at_its_limit)
{
    CHECK(nests(MCPZ_JSON_DEPTH_MAX));
    CHECK(!nests(MCPZ_JSON_DEPTH_MAX + 1));
}

static const char *written(void (*append)(struct mcpz_body *, struct mcpz_bytes),
                           struct mcpz_bytes bytes)
{
    static char text[256];
    struct mcpz_body body;

    mcpz_body_init(&body, "/tmp");
    append(&body, bytes);
    mcpz_bytes_to_text(mcpz_body_in_memory(&body), text, sizeof(text));
    mcpz_body_finish(&body);
    return text;
}

TEST(strings_are_escaped_where_they_must)
{
    CHECK_TEXT(written(mcpz_jsontext_append_string, mcpz_text("a\"b\\c\n\x01\x7f\xc3\xa9")),
               "\"a\\\"b\\\\c\\u000a\\u0001\\u007f\xc3\xa9\"");
    CHECK_TEXT(written(mcpz_jsontext_append_string, mcpz_text("")), "\"\"");
}

TEST(bytes_are_written_as_base64_over_pieces)
{
    static uint8_t bytes[3073]; /* one more than a piece */
    struct mcpz_body body;
    char expected[MCPZ_BASE64_CHARS(sizeof(bytes)) + 1];

    memset(bytes, 0xfb, sizeof(bytes));
    mcpz_base64_encode(mcpz_bytes(bytes, sizeof(bytes)), expected);
    mcpz_body_init(&body, "/tmp");
    mcpz_jsontext_append_base64(&body, mcpz_bytes(bytes, sizeof(bytes)));
    struct mcpz_bytes text = mcpz_body_in_memory(&body);
    CHECK_UINT(text.length, strlen(expected) + 2);
    CHECK_BYTES(mcpz_bytes(text.data + 1, text.length - 2), expected, strlen(expected));
    mcpz_body_finish(&body);
    CHECK_TEXT(written(mcpz_jsontext_append_base64, mcpz_text("")), "\"\"");
}

TEST(what_is_not_utf8_becomes_question_marks)
{
    char text[] = "a\xff\xc3\xa9\xc3";

    mcpz_jsontext_clean(text);
    CHECK_TEXT(text, "a?\xc3\xa9?");
}

TEST_MAIN(RUN(takes_every_kind_of_value), RUN(refuses_what_a_reader_could_not_take),
          RUN(nesting_ends_at_its_limit), RUN(strings_are_escaped_where_they_must),
          RUN(bytes_are_written_as_base64_over_pieces),
          RUN(what_is_not_utf8_becomes_question_marks))
