#include <stdio.h>
#include <string.h>

#include "host/mcp_names.h"
#include "test.h"

static struct mcpz_mcp_names names;
static char why[256];

static mcpz_error put(const char *item, const char *shown)
{
    return mcpz_mcp_names_put_alias(&names, item, shown, why, sizeof(why));
}

static const char *alias(const char *server, const char *item)
{
    const char *shown = mcpz_mcp_names_alias(&names, server, mcpz_text(item));
    return shown != NULL ? shown : "";
}

TEST(an_alias_is_of_a_servers_item)
{
    names = (struct mcpz_mcp_names){.alias_count = 0};
    CHECK_UINT(put("a.t", "x"), MCPZ_OK);
    CHECK_UINT(put("a.b/t", "y"), MCPZ_OK); /* the slash goes first */
    CHECK_UINT(put("a/b/t", "z"), MCPZ_OK);
    CHECK_UINT(put("c.d.e", "w"), MCPZ_OK);
    CHECK_TEXT(alias("a", "t"), "x");
    CHECK_TEXT(alias("a.b", "t"), "y");
    CHECK_TEXT(alias("a", "b/t"), "z");
    CHECK_TEXT(alias("c", "d.e"), "w");
    CHECK_TEXT(alias("b", "t"), "");
    CHECK_TEXT(alias("a", "T"), "");
    CHECK(mcpz_mcp_names_is_alias(&names, mcpz_text("x")));
    CHECK(!mcpz_mcp_names_is_alias(&names, mcpz_text("t")));
}

TEST(what_can_be_none_is_refused)
{
    static char longest[MCPZ_MCP_ALIAS_BYTES_MAX + 2];
    static char item[MCPZ_MCP_ITEM_BYTES_MAX + 4] = "a/";
    static const char *const bad_items[] = {"", "t", "/t", "a/", ".t", "a b/t", "a/\xff"};
    static const char *const bad_names[] = {"", "a b", "a/b", "\xc3\xa4"};

    names = (struct mcpz_mcp_names){.alias_count = 0};
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(bad_items); i++) {
        CHECK_UINT(put(bad_items[i], "x"), MCPZ_ECONFIG);
        CHECK_TEXT(why, "write SERVER/TOOL: NAME, e.g. files/read: read_file");
    }
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(bad_names); i++) {
        CHECK_UINT(put("a/t", bad_names[i]), MCPZ_ECONFIG);
        CHECK_TEXT(why, "a name has 1 to 64 letters, digits, or _ . - only");
    }
    memset(longest, 'x', MCPZ_MCP_ALIAS_BYTES_MAX + 1);
    CHECK_UINT(put("a/t", longest), MCPZ_ECONFIG);
    memset(item + 2, 'x', MCPZ_MCP_ITEM_BYTES_MAX + 1);
    CHECK_UINT(put(item, "x"), MCPZ_ECONFIG);
    CHECK_UINT(names.alias_count, 0);
    CHECK_UINT(put("a/t", longest + 1), MCPZ_OK);
    item[MCPZ_MCP_ITEM_BYTES_MAX + 2] = '\0';
    CHECK_UINT(put(item, "x"), MCPZ_OK);
    CHECK_UINT(put("a.t", "y"), MCPZ_ECONFIG);
    CHECK_TEXT(why, "\"a/t\" is given twice");
    CHECK_UINT(put("b/t", "x"), MCPZ_ECONFIG);
    CHECK_TEXT(why, "two cannot both be \"x\"");
}

TEST(there_are_so_many_aliases_and_not_one_more)
{
    char item[16];
    char shown[16];

    names = (struct mcpz_mcp_names){.alias_count = 0};
    for (int i = 0; i < MCPZ_MCP_ALIASES_MAX; i++) {
        (void)snprintf(item, sizeof(item), "a/t%d", i);
        (void)snprintf(shown, sizeof(shown), "x%d", i);
        CHECK_UINT(put(item, shown), MCPZ_OK);
    }
    CHECK_UINT(put("a/more", "more"), MCPZ_ECONFIG);
    CHECK_TEXT(why, "more than 64");
}

TEST(a_prefix_is_one_of_three_words)
{
    names = (struct mcpz_mcp_names){.alias_count = 0};
    CHECK_UINT(mcpz_mcp_names_put_prefix(&names, "often"), MCPZ_ECONFIG);
    CHECK(!names.says_prefix);
    for (size_t i = MCPZ_MCP_PREFIX_CONFLICT; i <= MCPZ_MCP_PREFIX_NEVER; i++) {
        const char *word = mcpz_mcp_prefix_word((enum mcpz_mcp_prefix)i);
        CHECK_UINT(mcpz_mcp_names_put_prefix(&names, word), MCPZ_OK);
        CHECK_UINT(names.prefix, i);
    }
    CHECK(names.says_prefix);
}

TEST(what_leads_to_the_same_is_equal)
{
    static struct mcpz_mcp_names other;

    names = (struct mcpz_mcp_names){.alias_count = 0};
    CHECK_UINT(put("a/t", "x"), MCPZ_OK);
    CHECK_UINT(put("a/u", "y"), MCPZ_OK);
    other = names;
    names = (struct mcpz_mcp_names){.says_prefix = true};
    CHECK(!mcpz_mcp_names_equal(&names, &other));
    CHECK_UINT(put("a/u", "y"), MCPZ_OK);
    CHECK_UINT(put("a/t", "x"), MCPZ_OK);
    CHECK(mcpz_mcp_names_equal(&names, &other));
    other.prefix = MCPZ_MCP_PREFIX_NEVER;
    CHECK(!mcpz_mcp_names_equal(&names, &other));
    other.prefix = names.prefix;
    other.aliases[0].shown[0] = 'z';
    CHECK(!mcpz_mcp_names_equal(&names, &other));
}

TEST_MAIN(RUN(an_alias_is_of_a_servers_item), RUN(what_can_be_none_is_refused),
          RUN(there_are_so_many_aliases_and_not_one_more), RUN(a_prefix_is_one_of_three_words),
          RUN(what_leads_to_the_same_is_equal))
