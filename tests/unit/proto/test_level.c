#include "proto/level.h"
#include "test.h"

TEST(levels_allow_what_the_requirements_say)
{
    CHECK_UINT(mcpz_level_per_minute(MCPZ_LEVEL_DIAMOND), 10000);
    CHECK_UINT(mcpz_level_per_minute(MCPZ_LEVEL_EMERALD), 5000);
    CHECK_UINT(mcpz_level_per_minute(MCPZ_LEVEL_SAPPHIRE), 2000);
    CHECK_UINT(mcpz_level_per_minute(MCPZ_LEVEL_OPAL), 1000);
    CHECK_UINT(mcpz_level_per_minute(MCPZ_LEVEL_ONYX), 500);
    CHECK_UINT(mcpz_level_per_minute(MCPZ_LEVEL_NONE), 0);
}

TEST(words_are_read_in_either_case)
{
    enum mcpz_level level;

    for (size_t i = 0; i < MCPZ_LEVEL_COUNT; i++) {
        CHECK(mcpz_level_parse(mcpz_level_word((enum mcpz_level)i), &level));
        CHECK_UINT(level, i);
    }
    CHECK(mcpz_level_parse("OPAL", &level));
    CHECK_UINT(level, MCPZ_LEVEL_OPAL);
}

TEST(other_words_are_no_levels)
{
    enum mcpz_level level = MCPZ_LEVEL_ONYX;

    CHECK(!mcpz_level_parse("", &level));
    CHECK(!mcpz_level_parse("opa", &level));
    CHECK(!mcpz_level_parse("opals", &level));
    CHECK(!mcpz_level_parse("gold", &level));
    CHECK_UINT(level, MCPZ_LEVEL_ONYX);
}

TEST_MAIN(RUN(levels_allow_what_the_requirements_say), RUN(words_are_read_in_either_case),
          RUN(other_words_are_no_levels))
