#include "host/nearest.h"
#include "test.h"

static const char *nearest(const char *typed)
{
    static const char *const words[] = {"data",  "name",   "region",    "zone",
                                        "roles", "listen", "advertise", "bootstrap"};
    struct mcpz_nearest search;

    mcpz_nearest_init(&search, typed);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        mcpz_nearest_offer(&search, words[i]);
    }
    return search.word == NULL ? "" : search.word;
}

TEST(finds_the_word_with_a_letter_missing_added_wrong_or_swapped)
{
    CHECK_TEXT(nearest("lisen"), "listen");
    CHECK_TEXT(nearest("listten"), "listen");
    CHECK_TEXT(nearest("liston"), "listen");
    CHECK_TEXT(nearest("lsiten"), "listen");
    CHECK_TEXT(nearest("role"), "roles");
    CHECK_TEXT(nearest("dta"), "data");
    CHECK_TEXT(nearest("listen"), "listen");
}

TEST(allows_a_third_of_a_long_word_and_one_letter_of_a_short_one)
{
    CHECK_TEXT(nearest("bxxtstrxp"), "bootstrap");
    CHECK_TEXT(nearest("bxxtstxxp"), "");
    CHECK_TEXT(nearest("nxme"), "name");
    CHECK_TEXT(nearest("nxmx"), "");
}

TEST(keeps_the_first_of_equally_near_words)
{
    struct mcpz_nearest search;

    mcpz_nearest_init(&search, "bat");
    mcpz_nearest_offer(&search, "cat");
    mcpz_nearest_offer(&search, "rat");
    CHECK_TEXT(search.word, "cat");
    mcpz_nearest_offer(&search, "bat");
    CHECK_TEXT(search.word, "bat");
}

TEST(finds_nothing_for_nothing_and_for_words_over_32_letters)
{
    const char *just = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const char *over = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    struct mcpz_nearest search;

    CHECK_TEXT(nearest(""), "");
    mcpz_nearest_init(&search, just);
    mcpz_nearest_offer(&search, over);
    CHECK(search.word == NULL);
    mcpz_nearest_offer(&search, just);
    CHECK_TEXT(search.word, just);
    mcpz_nearest_init(&search, over);
    mcpz_nearest_offer(&search, just);
    CHECK(search.word == NULL);
}

TEST_MAIN(RUN(finds_the_word_with_a_letter_missing_added_wrong_or_swapped),
          RUN(allows_a_third_of_a_long_word_and_one_letter_of_a_short_one),
          RUN(keeps_the_first_of_equally_near_words),
          RUN(finds_nothing_for_nothing_and_for_words_over_32_letters))
