#include "core/crdt/paths.h"
#include "test.h"

#define BYTES(text) mcpz_bytes(text, sizeof(text) - 1)

TEST(knows_paths)
{
    CHECK(mcpz_paths_is_valid(BYTES("\x91\xa1k")));
    CHECK(mcpz_paths_is_valid(BYTES("\x91\xa0")));
    CHECK(mcpz_paths_is_valid(BYTES("\x91\x00")));
    CHECK(mcpz_paths_is_valid(BYTES("\x92\xa1k\xcc\x80")));
    CHECK(mcpz_paths_is_valid(BYTES("\x91\xcd\x01\x00")));
    CHECK(mcpz_paths_is_valid(BYTES("\x91\xce\x00\x01\x00\x00")));
    CHECK(mcpz_paths_is_valid(BYTES("\x91\xcf\x00\x00\x00\x01\x00\x00\x00\x00")));
    CHECK(mcpz_paths_is_valid(mcpz_paths_id));
    CHECK(mcpz_paths_is_valid(mcpz_paths_life));
}

TEST(refuses_what_is_no_path)
{
    static const struct {
        const char *bytes;
        size_t length;
    } cases[] = {
        {"", 0},
        {"\x90", 1},                     /* no element */
        {"\xa1k", 2},                    /* not an array */
        {"\x91", 1},                     /* element missing */
        {"\x92\xa1k", 3},                /* the second one */
        {"\x91\xa1k\x00", 4},            /* more than it says */
        {"\x91\xa2k", 3},                /* text cut off */
        {"\x91\xa1\xff", 3},             /* not UTF-8 */
        {"\x91\xff", 2},                 /* negative */
        {"\x91\xc0", 2},                 /* nil */
        {"\x91\x91\x00", 3},             /* nested */
        {"\x91\xcc\x7f", 3},             /* one byte would do */
        {"\x91\xcd\x00\xff", 4},         /* two would */
        {"\x91\xcc", 2},                 /* number cut off */
        {"\x91\xd9\x01k", 4},            /* header too long */
        {"\x91\xd9", 2},                 /* header cut off */
        {"\x91\xda\x00", 3},             /* and here */
        {"\xdc\x00\x01\xa1k", 5},        /* long header for one element */
        {"\xdc\x00", 2},                 /* long header cut off */
        {"\xdd\x00\x00\x00\x01\x00", 6}, /* an even longer one */
        {"\x80\x00", 2},                 /* a map */
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK(!mcpz_paths_is_valid(mcpz_bytes(cases[i].bytes, cases[i].length)));
    }
}

TEST(sixteen_elements_are_the_end)
{
    static const uint8_t zeros[MCPZ_PATH_DEPTH_MAX + 1];
    uint8_t path[MCPZ_PATH_BYTES_MAX + MCPZ_PATHS_HEADER_BYTES_MAX];

    for (size_t depth = 1; depth <= MCPZ_PATH_DEPTH_MAX; depth++) {
        size_t length = mcpz_paths_prefix(depth, mcpz_bytes(zeros, depth), path);
        CHECK(mcpz_paths_is_valid(mcpz_bytes(path, length)));
        CHECK_UINT(mcpz_paths_depth(mcpz_bytes(path, length)), depth);
        CHECK_BYTES(mcpz_paths_elements(mcpz_bytes(path, length)), zeros, depth);
    }
    memset(path, 0, sizeof(path));
    path[0] = 0xdc;
    path[2] = MCPZ_PATH_DEPTH_MAX + 1;
    CHECK(!mcpz_paths_is_valid(mcpz_bytes(path, 3 + MCPZ_PATH_DEPTH_MAX + 1)));
}

TEST(four_hundred_bytes_are_the_end)
{
    uint8_t path[MCPZ_PATH_BYTES_MAX + 1];

    memset(path, 'x', sizeof(path));
    memcpy(path, "\x91\xda\x01\x8c", 4); /* a text of 396 */
    CHECK(mcpz_paths_is_valid(mcpz_bytes(path, MCPZ_PATH_BYTES_MAX)));
    path[3]++;
    CHECK(!mcpz_paths_is_valid(mcpz_bytes(path, MCPZ_PATH_BYTES_MAX + 1)));
}

TEST(every_truncation_is_refused)
{
    static const char path[] = "\x93\xa2hi\xcd\x01\x00\xa3you";

    CHECK(mcpz_paths_is_valid(mcpz_bytes(path, sizeof(path) - 1)));
    for (size_t length = 0; length < sizeof(path) - 1; length++) {
        CHECK(!mcpz_paths_is_valid(mcpz_bytes(path, length)));
    }
}

TEST(only_a_first_element_of_a_dollar_is_reserved)
{
    CHECK(mcpz_paths_is_reserved(mcpz_paths_id));
    CHECK(mcpz_paths_is_reserved(mcpz_paths_life));
    CHECK(mcpz_paths_is_reserved(BYTES("\x91\xa1$")));
    CHECK(!mcpz_paths_is_reserved(BYTES("\x91\xa2$$")));
    CHECK(!mcpz_paths_is_reserved(BYTES("\x92\xa1k\xa1$")));
    CHECK(!mcpz_paths_is_reserved(BYTES("\x91\x00")));
}

TEST_MAIN(RUN(knows_paths), RUN(refuses_what_is_no_path), RUN(sixteen_elements_are_the_end),
          RUN(four_hundred_bytes_are_the_end), RUN(every_truncation_is_refused),
          RUN(only_a_first_element_of_a_dollar_is_reserved))
