#include "proto/limits.h"
#include "proto/traceparent.h"
#include "test.h"

#define GOOD "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static bool is_valid(const char *text)
{
    return mcpz_traceparent_is_valid(mcpz_text(text));
}

TEST(the_example_of_the_recommendation_is_valid)
{
    CHECK(is_valid(GOOD));
    CHECK_UINT(sizeof(GOOD) - 1, MCPZ_TRACEPARENT_BYTES);
}

TEST(every_prefix_of_it_is_not)
{
    for (size_t length = 0; length < MCPZ_TRACEPARENT_BYTES; length++) {
        CHECK(!mcpz_traceparent_is_valid(mcpz_bytes(GOOD, length)));
    }
}

/* Whatever stands in one place, only digits of the right case do, and only dashes between. */
TEST(no_character_can_be_replaced_by_just_any)
{
    char text[] = GOOD;

    for (size_t i = 0; i < MCPZ_TRACEPARENT_BYTES; i++) {
        static const char wrong[] = "G /:@`g\x00\xff";
        char right = text[i];
        for (size_t j = 0; j < sizeof(wrong) - 1; j++) {
            text[i] = wrong[j];
            CHECK(!mcpz_traceparent_is_valid(mcpz_bytes(text, MCPZ_TRACEPARENT_BYTES)));
        }
        text[i] = right == '-' ? 'a' : '-';
        CHECK(!mcpz_traceparent_is_valid(mcpz_bytes(text, MCPZ_TRACEPARENT_BYTES)));
        text[i] = right;
    }
    CHECK(!is_valid("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01"));
}

TEST(ids_of_zeros_name_nothing)
{
    CHECK(!is_valid("00-00000000000000000000000000000000-00f067aa0ba902b7-01"));
    CHECK(!is_valid("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"));
    CHECK(is_valid("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"));
}

TEST(later_versions_may_go_on_and_the_first_may_not)
{
    CHECK(!is_valid(GOOD "-what"));
    CHECK(is_valid("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
    CHECK(is_valid("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what"));
    CHECK(!is_valid("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.what"));
    CHECK(!is_valid("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-wh t"));
    CHECK(!is_valid("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
}

TEST(it_ends_at_its_limit)
{
    const char longest[] = "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-12345678";

    CHECK_UINT(sizeof(longest) - 1, MCPZ_TRACEPARENT_BYTES_MAX);
    CHECK(is_valid(longest));
    CHECK(!is_valid("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-123456789"));
}

TEST_MAIN(RUN(the_example_of_the_recommendation_is_valid), RUN(every_prefix_of_it_is_not),
          RUN(no_character_can_be_replaced_by_just_any), RUN(ids_of_zeros_name_nothing),
          RUN(later_versions_may_go_on_and_the_first_may_not), RUN(it_ends_at_its_limit))
