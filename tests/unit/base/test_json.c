#include "base/json.h"
#include "test.h"

TEST(takes_what_is_json_and_nothing_else)
{
    static const char *const good[] = {
        "null",
        " true ",
        "0",
        "-0.5e+10",
        "12",
        "\"\"",
        "\"a\\u00e9\\n\\\\\"",
        "[]",
        "[1, [2], {}]",
        "{}",
        "{\"a\": {\"b\": [1, 2, {\"c\": null}]}, \"d\": \"e\"}",
        "\"\\ud83d\\ude00\"",
    };
    static const char *const bad[] = {
        "",           " ",     "nul",      "01",        "+1",        "1.",        ".5",
        "1e",         "-",     "\"",       "\"a",       "\"\\x\"",   "\"\\u12\"", "\"\t\"",
        "[",          "[1",    "[1,]",     "[,1]",      "{",         "{\"a\"}",   "{\"a\":}",
        "{\"a\":1,}", "{a:1}", "{1:2}",    "[1}",       "{\"a\":1]", "1 2",       "{} {}",
        "]",          "\xff",  "\"\xc3\"", "truefalse", "[1 2]",
    };

    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        if (!mcpz_json_is_value(mcpz_text(good[i]))) {
            print_error("refused: %s\n", good[i]);
            _fail(__FILE__, __LINE__);
        }
        /* Nothing that was cut is a value, but for numbers. */
        for (size_t cut = 0; cut < strlen(good[i]) && strpbrk(good[i], "\"[{") == good[i]; cut++) {
            CHECK(!mcpz_json_is_value(mcpz_bytes(good[i], cut)));
        }
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (mcpz_json_is_value(mcpz_text(bad[i]))) {
            print_error("taken: %s\n", bad[i]);
            _fail(__FILE__, __LINE__);
        }
    }
}

static size_t asked;
static char refused[16];

static bool may_be(struct mcpz_bytes scalar)
{
    asked++;
    return !mcpz_bytes_equal(scalar, mcpz_text(refused));
}

TEST(each_number_and_string_must_be_one_that_may_be)
{
    static const char *const scalars[] = {"\"k\"", "-1.5e3", "\"v\\n\"", "7"};
    const struct mcpz_bytes text = mcpz_text("{\"k\": [-1.5e3, \"v\\n\", true, null], \"l\": 7}");

    for (size_t i = 0; i < sizeof(scalars) / sizeof(scalars[0]); i++) {
        (void)snprintf(refused, sizeof(refused), "%s", scalars[i]);
        CHECK(!mcpz_json_is_value_where(text, may_be));
    }
    refused[0] = '\0';
    asked = 0;
    CHECK(mcpz_json_is_value_where(text, may_be));
    CHECK_UINT(asked, 5);
    CHECK(!mcpz_json_is_value_where(mcpz_text("[1,"), may_be));
}

TEST(nests_so_deep_and_no_deeper)
{
    char text[2 * (MCPZ_JSON_DEPTH_MAX + 1)];
    const size_t depth = MCPZ_JSON_DEPTH_MAX;

    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    CHECK(mcpz_json_is_value(mcpz_bytes(text, 2 * depth)));
    memset(text, '[', depth + 1);
    memset(text + depth + 1, ']', depth + 1);
    CHECK(!mcpz_json_is_value(mcpz_bytes(text, 2 * (depth + 1))));
}

TEST(names_the_members_of_an_object)
{
    const struct mcpz_bytes object = mcpz_text(" { \"a\" : [1, {\"b\": 2}] , \"c\":\"}\" }");
    struct mcpz_bytes key;
    struct mcpz_bytes value;
    size_t at = 0;

    CHECK(mcpz_json_next_member(object, &at, &key, &value));
    CHECK_BYTES(key, "a", 1);
    CHECK_BYTES(value, "[1, {\"b\": 2}]", 13);
    CHECK(mcpz_json_next_member(object, &at, &key, &value));
    CHECK_BYTES(key, "c", 1);
    CHECK_BYTES(value, "\"}\"", 3);
    CHECK(!mcpz_json_next_member(object, &at, &key, &value));
    at = 0;
    CHECK(!mcpz_json_next_member(mcpz_text("[1]"), &at, &key, &value));
}

static void check_string(const char *json, const void *bytes, size_t length)
{
    char text[128];

    (void)snprintf(text, sizeof(text), "%s", json);
    size_t got = mcpz_json_unescape((uint8_t *)text, strlen(text));
    CHECK_BYTES(mcpz_bytes(text, got), bytes, length);
}

TEST(reads_strings_in_place)
{
    check_string("\"\"", "", 0);
    check_string("\"a\\\"b\\\\c\\/d\"", "a\"b\\c/d", 7);
    check_string("\"\\b\\f\\n\\r\\t\"", "\b\f\n\r\t", 5);
    check_string("\"\\u0041\\u00e9\\u20ac\"", "A\xc3\xa9\xe2\x82\xac", 6);
    check_string("\"\\ud83d\\ude00!\"", "\xf0\x9f\x98\x80!", 5);
    check_string("\"\\ud83dx\"", "\xef\xbf\xbdx", 4);
    check_string("\"\\ude00\"", "\xef\xbf\xbd", 3);
    check_string("\"\\ud83d\\u0041\"", "\xef\xbf\xbd\x41", 4);
}

TEST(writes_strings_that_read_the_same)
{
    char all[130];
    char json[MCPZ_JSON_ESCAPED_BYTES(sizeof(all))];

    for (size_t i = 0; i < 128; i++) {
        all[i] = (char)i;
    }
    size_t length = mcpz_json_escape(mcpz_bytes(all, 128), json);
    CHECK(length <= sizeof(json));
    CHECK(mcpz_json_is_value(mcpz_bytes(json, length)));
    CHECK(memchr(json, '\n', length) == NULL);
    CHECK_BYTES(mcpz_bytes(json, mcpz_json_unescape((uint8_t *)json, length)), all, 128);
}

TEST_MAIN(RUN(takes_what_is_json_and_nothing_else),
          RUN(each_number_and_string_must_be_one_that_may_be), RUN(nests_so_deep_and_no_deeper),
          RUN(names_the_members_of_an_object), RUN(reads_strings_in_place),
          RUN(writes_strings_that_read_the_same))
