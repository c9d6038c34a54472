#include "http/agent_id.h"
#include "proto/limits.h"
#include "test.h"

static bool may_be(const char *id)
{
    return mcpz_agent_id_trouble(mcpz_text(id)) == NULL;
}

TEST(takes_names_as_people_write_them)
{
    CHECK(may_be("a"));
    CHECK(may_be("home/kitchen lamp"));
    CHECK(may_be("caf\xc3\xa9 50%?#&"));
    CHECK(may_be("..."));
    CHECK(may_be(".hidden/a..b/c."));
}

/* A URL's path is resolved before we see it: such an id would name another agent. */
TEST(refuses_what_a_path_would_resolve)
{
    static const char *const ids[] = {".",    "..",    "/",      "/a",   "a/",
                                      "a//b", "a/./b", "a/../b", "../a", "a/.."};

    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        CHECK(!may_be(ids[i]));
    }
}

TEST(refuses_control_characters_and_what_is_not_utf8)
{
    CHECK(!may_be("a\nb"));
    CHECK(!may_be("a\x7f"));
    CHECK(!may_be("a\xc2\x9f"));
    CHECK(may_be("a\xc2\xa0"));
    CHECK(!may_be("a\xff"));
    CHECK(mcpz_agent_id_trouble(mcpz_bytes("a\0b", 3)) != NULL);
}

TEST(length_has_two_ends)
{
    char id[MCPZ_AGENT_NAME_BYTES_MAX + 2];

    memset(id, 'a', sizeof(id));
    CHECK(mcpz_agent_id_trouble(mcpz_bytes(id, 0)) != NULL);
    CHECK(mcpz_agent_id_trouble(mcpz_bytes(id, MCPZ_AGENT_NAME_BYTES_MAX)) == NULL);
    CHECK(mcpz_agent_id_trouble(mcpz_bytes(id, MCPZ_AGENT_NAME_BYTES_MAX + 1)) != NULL);
}

TEST_MAIN(RUN(takes_names_as_people_write_them), RUN(refuses_what_a_path_would_resolve),
          RUN(refuses_control_characters_and_what_is_not_utf8), RUN(length_has_two_ends))
