#include "base/attr.h"
#include "base/bytes.h"
#include "test.h"

static int compare(const char *a, const char *b)
{
    int order = mcpz_bytes_compare(mcpz_text(a), mcpz_text(b));
    return (order > 0) - (order < 0);
}

TEST(orders_byte_by_byte_and_prefixes_first)
{
    static const char *const sorted[] = {"", "a", "aa", "ab", "b", "\x7f", "\x80", "\xff"};

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(sorted); i++) {
        for (size_t j = 0; j < MCPZ_ARRAY_LEN(sorted); j++) {
            CHECK(compare(sorted[i], sorted[j]) == (i > j) - (i < j));
        }
    }
}

TEST(nothing_equals_nothing_wherever_it_lies)
{
    CHECK(mcpz_bytes_equal(mcpz_bytes(NULL, 0), mcpz_text("")));
    CHECK(mcpz_bytes_compare(mcpz_bytes(NULL, 0), mcpz_text("")) == 0);
    CHECK(mcpz_bytes_compare(mcpz_bytes(NULL, 0), mcpz_text("a")) < 0);
}

TEST(equal_means_length_and_content)
{
    CHECK(mcpz_bytes_equal(mcpz_text("ab"), mcpz_text("ab")));
    CHECK(!mcpz_bytes_equal(mcpz_text("ab"), mcpz_text("ac")));
    CHECK(!mcpz_bytes_equal(mcpz_text("ab"), mcpz_text("abc")));
}

TEST(text_is_cut_to_fit_and_always_ends)
{
    char text[4];

    mcpz_bytes_to_text(mcpz_text("ab"), text, sizeof(text));
    CHECK_TEXT(text, "ab");
    mcpz_bytes_to_text(mcpz_text("abc"), text, sizeof(text));
    CHECK_TEXT(text, "abc");
    mcpz_bytes_to_text(mcpz_text("abcd"), text, sizeof(text));
    CHECK_TEXT(text, "abc");
    mcpz_bytes_to_text(mcpz_text("abcd"), text, 1);
    CHECK_TEXT(text, "");
    mcpz_bytes_to_text(mcpz_bytes(NULL, 0), text, sizeof(text));
    CHECK_TEXT(text, "");
}

TEST(takes_the_edges_of_utf8)
{
    static const char *const texts[] = {
        "",
        "plain",
        "\x7f",
        "\xc2\x80",         /* U+0080 */
        "\xdf\xbf",         /* U+07FF */
        "\xe0\xa0\x80",     /* U+0800 */
        "\xed\x9f\xbf",     /* U+D7FF, before the surrogates */
        "\xee\x80\x80",     /* U+E000, after them */
        "\xef\xbf\xbf",     /* U+FFFF */
        "\xf0\x90\x80\x80", /* U+10000 */
        "\xf4\x8f\xbf\xbf", /* U+10FFFF */
        "a\xc3\xa9z",       /* between others */
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(texts); i++) {
        CHECK(mcpz_bytes_is_utf8(mcpz_text(texts[i])));
    }
    CHECK(mcpz_bytes_is_utf8(mcpz_bytes("a\0b", 3)));
}

TEST(refuses_what_is_not_utf8)
{
    static const char *const texts[] = {
        "\x80",             /* continuation without a start */
        "\xc0\x80",         /* overlong NUL */
        "\xc1\xbf",         /* overlong U+007F */
        "\xe0\x9f\xbf",     /* overlong U+07FF */
        "\xf0\x8f\xbf\xbf", /* overlong U+FFFF */
        "\xed\xa0\x80",     /* first surrogate */
        "\xed\xbf\xbf",     /* last surrogate */
        "\xf4\x90\x80\x80", /* U+110000 */
        "\xf5\x80\x80\x80",
        "\xff",
        "\xc3", /* cut off */
        "\xe2\x82",
        "\xf0\x9f\x98",
        "\xc3z", /* start without continuation */
        "ok\xc3\xc3\xa9",
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(texts); i++) {
        CHECK(!mcpz_bytes_is_utf8(mcpz_text(texts[i])));
    }
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(texts); i++) { /* wherever it is among others */
        for (int before = 0; before <= 17; before++) {
            char text[64];
            (void)snprintf(text, sizeof(text), "%.*s%s", before, "abcdefghijklmnopq", texts[i]);
            CHECK(!mcpz_bytes_is_utf8(mcpz_text(text)));
        }
    }
}

TEST(pairs_are_found_by_name)
{
    static const char pairs[] = "a\0"
                                "1\0"
                                "bb\0"
                                "\0"
                                "a\0"
                                "2";
    const struct mcpz_bytes all = mcpz_bytes(pairs, sizeof(pairs));

    CHECK(mcpz_bytes_equal(mcpz_bytes_find_pair(all, "a"), mcpz_text("1"))); /* the first */
    CHECK(mcpz_bytes_find_pair(all, "bb").data != NULL);
    CHECK_UINT(mcpz_bytes_find_pair(all, "bb").length, 0);
    CHECK(mcpz_bytes_find_pair(all, "1").data == NULL); /* a value is no name */
    CHECK(mcpz_bytes_find_pair(all, "b").data == NULL);
    CHECK(mcpz_bytes_find_pair(mcpz_bytes(NULL, 0), "a").data == NULL);
}

TEST_MAIN(RUN(pairs_are_found_by_name), RUN(orders_byte_by_byte_and_prefixes_first),
          RUN(nothing_equals_nothing_wherever_it_lies), RUN(equal_means_length_and_content),
          RUN(text_is_cut_to_fit_and_always_ends), RUN(takes_the_edges_of_utf8),
          RUN(refuses_what_is_not_utf8))
