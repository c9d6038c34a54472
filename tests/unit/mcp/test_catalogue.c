#include "mcp/catalogue.h"
#include "test.h"

#define HASH_A "0123456789abcdef"
#define HASH_B "fedcba9876543210"

static struct mcpz_catalogue catalogue;
static mcpz_time now;

static void set_up(void)
{
    mcpz_catalogue_init(&catalogue);
    now = MCPZ_SECONDS(100);
}

/* These are offered, and nothing else. */
static void offer(const char *const *names)
{
    mcpz_catalogue_begin(&catalogue);
    for (int round = 0; round < 2; round++) {
        for (size_t i = 0; names[i] != NULL; i++) {
            mcpz_catalogue_offer(&catalogue, mcpz_text(names[i]));
        }
    }
    mcpz_catalogue_end(&catalogue, now);
}

static void put(const char *name, const char *hash, const char *document)
{
    struct mcpz_catalogue_server *server = mcpz_catalogue_wanted(&catalogue, now);

    CHECK(server != NULL);
    CHECK_TEXT(server->name, name);
    CHECK_TEXT(server->offered, hash);
    CHECK_UINT(
        mcpz_catalogue_put(&catalogue, mcpz_text(name), mcpz_text(hash), mcpz_text(document), now),
        MCPZ_OK);
    mcpz_catalogue_name(&catalogue);
}

#define DOCUMENT(lists) "{\"serverInfo\":{},\"capabilities\":{\"resources\":{}}," lists "}"

static const char *server_of(enum mcpz_catalogue_kind kind, const char *shown)
{
    struct mcpz_catalogue_hit hit = mcpz_catalogue_find(&catalogue, kind, mcpz_text(shown));
    return hit.server != NULL ? hit.server->name : "";
}

static const char *reader_of(const char *uri)
{
    struct mcpz_catalogue_hit hit = mcpz_catalogue_find_uri(&catalogue, mcpz_text(uri));
    return hit.server != NULL ? hit.server->name : "";
}

TEST(what_is_offered_is_fetched_once)
{
    set_up();
    offer(
        (const char *[]){"hash.sha256", "mcp/a", "mcp.about/a/" HASH_A, "mcp.about/short", NULL});
    CHECK(mcpz_catalogue_is_waiting(&catalogue));
    CHECK(mcpz_catalogue_server(&catalogue, mcpz_text("a")) == NULL);
    put("a", HASH_A, DOCUMENT("\"tools\":[{\"name\":\"t\"}]"));
    CHECK(!mcpz_catalogue_is_waiting(&catalogue));
    CHECK(mcpz_catalogue_wanted(&catalogue, now) == NULL);
    CHECK(mcpz_catalogue_server(&catalogue, mcpz_text("a"))->is_offered);
    CHECK_UINT(catalogue.versions[MCPZ_CATALOGUE_TOOLS], 1);
    CHECK_UINT(catalogue.versions[MCPZ_CATALOGUE_PROMPTS], 0);
    CHECK_TEXT(server_of(MCPZ_CATALOGUE_TOOLS, "t"), "a");

    offer((const char *[]){"mcp/a", "mcp.about/a/" HASH_B, NULL});
    put("a", HASH_B, DOCUMENT("\"tools\":[{\"name\":\"u\"}]"));
    CHECK_TEXT(server_of(MCPZ_CATALOGUE_TOOLS, "t"), "");
    CHECK_TEXT(server_of(MCPZ_CATALOGUE_TOOLS, "u"), "a");
    CHECK(catalogue.versions[MCPZ_CATALOGUE_TOOLS] > 1);
    mcpz_catalogue_finish(&catalogue);
}

TEST(of_two_descriptions_the_smaller_hash_counts)
{
    set_up();
    offer((const char *[]){"mcp.about/a/" HASH_B, "mcp.about/a/" HASH_A, NULL});
    put("a", HASH_A, DOCUMENT("\"tools\":[]"));
    mcpz_catalogue_finish(&catalogue);
}

TEST(a_short_absence_changes_nothing)
{
    static const char *const nothing[] = {NULL};

    set_up();
    offer((const char *[]){"mcp.about/a/" HASH_A, NULL});
    put("a", HASH_A, DOCUMENT("\"tools\":[{\"name\":\"t\"}]"));
    offer(nothing);
    now += MCPZ_CATALOGUE_GRACE_US - 1;
    offer(nothing);
    CHECK_TEXT(server_of(MCPZ_CATALOGUE_TOOLS, "t"), "a");
    offer((const char *[]){"mcp.about/a/" HASH_A, NULL});
    CHECK(mcpz_catalogue_wanted(&catalogue, now) == NULL);
    now += MCPZ_CATALOGUE_GRACE_US;
    offer(nothing);
    CHECK_TEXT(server_of(MCPZ_CATALOGUE_TOOLS, "t"), "a");
    now += MCPZ_CATALOGUE_GRACE_US;
    offer(nothing);
    CHECK_TEXT(server_of(MCPZ_CATALOGUE_TOOLS, "t"), "");
    CHECK_UINT(catalogue.server_count, 0);
    CHECK_UINT(catalogue.bytes, 0);
    mcpz_catalogue_finish(&catalogue);
}

TEST(who_comes_later_with_the_same_name_is_shown_under_another)
{
    set_up();
    offer((const char *[]){"mcp.about/m/" HASH_A, NULL});
    put("m", HASH_A,
        DOCUMENT("\"tools\":[{\"name\":\"read\"}],\"prompts\":[{\"name\":\"read\"}]"));
    offer((const char *[]){"mcp.about/m/" HASH_A, "mcp.about/b/" HASH_B, NULL});
    put("b", HASH_B, DOCUMENT("\"tools\":[{\"name\":\"read\"},{\"name\":\"other\"}]"));
    CHECK_TEXT(server_of(MCPZ_CATALOGUE_TOOLS, "read"), "m");
    CHECK_TEXT(server_of(MCPZ_CATALOGUE_TOOLS, "b_read"), "b");
    CHECK_TEXT(server_of(MCPZ_CATALOGUE_TOOLS, "other"), "b");
    CHECK_TEXT(server_of(MCPZ_CATALOGUE_PROMPTS, "read"), "m");

    /* The first one goes: nobody takes its name, and it has it again when it is back. */
    offer((const char *[]){"mcp.about/b/" HASH_B, NULL});
    now += 2 * MCPZ_CATALOGUE_GRACE_US;
    offer((const char *[]){"mcp.about/b/" HASH_B, NULL});
    CHECK_TEXT(server_of(MCPZ_CATALOGUE_TOOLS, "read"), "");
    CHECK_TEXT(server_of(MCPZ_CATALOGUE_TOOLS, "b_read"), "b");
    offer((const char *[]){"mcp.about/m/" HASH_A, "mcp.about/b/" HASH_B, NULL});
    put("m", HASH_A, DOCUMENT("\"tools\":[{\"name\":\"read\"}]"));
    CHECK_TEXT(server_of(MCPZ_CATALOGUE_TOOLS, "read"), "m");
    mcpz_catalogue_finish(&catalogue);
}

TEST(names_are_never_longer_than_clients_take)
{
    char document[512];
    char name[80];
    const struct mcpz_catalogue_list *tools;

    set_up();
    offer((const char *[]){"mcp.about/a/" HASH_A, NULL});
    memset(name, 'n', sizeof(name));
    (void)snprintf(document, sizeof(document),
                   DOCUMENT("\"tools\":[{\"name\":\"%.64s\"},{\"name\":\"%.65s\"},"
                            "{\"name\":\"%.66s\"},{\"name\":\"a b/c\"},{\"name\":\"a b.c\"}]"),
                   name, name, name);
    put("a", HASH_A, document);
    tools = &mcpz_catalogue_server(&catalogue, mcpz_text("a"))->lists[MCPZ_CATALOGUE_TOOLS];
    CHECK_UINT(tools->count, 5);
    for (size_t i = 0; i < tools->count; i++) {
        CHECK(strlen(tools->items[i].shown) <= MCPZ_SHOWN_CHARS_MAX);
        CHECK(tools->items[i].is_renamed == (i > 0));
        for (size_t k = 0; k < i; k++) {
            CHECK(strcmp(tools->items[i].shown, tools->items[k].shown) != 0);
        }
    }
    CHECK_TEXT(tools->items[3].shown, "a_b_c");
    CHECK_TEXT(tools->items[4].shown, "a_b.c");
    mcpz_catalogue_finish(&catalogue);
}

TEST(a_resource_is_found_by_its_list_its_template_or_its_only_owner)
{
    set_up();
    offer((const char *[]){"mcp.about/a/" HASH_A, NULL});
    put("a", HASH_A,
        DOCUMENT("\"resources\":[{\"uri\":\"x://1\"}],\"resourceTemplates\":["
                 "{\"uriTemplate\":\"t://{id}/data\"}]"));
    CHECK_TEXT(reader_of("x://1"), "a");
    CHECK_TEXT(reader_of("anything://else"), "a");
    offer((const char *[]){"mcp.about/a/" HASH_A, "mcp.about/b/" HASH_B, NULL});
    put("b", HASH_B,
        DOCUMENT("\"resources\":[{\"uri\":\"x://1\"},{\"uri\":\"y://1\"}],"
                 "\"resourceTemplates\":[{\"uriTemplate\":\"t://b/{id}\"}]"));
    CHECK_TEXT(reader_of("x://1"), "a");
    CHECK_TEXT(reader_of("mcpz+b:x://1"), "b");
    CHECK_TEXT(reader_of("y://1"), "b");
    CHECK_TEXT(reader_of("t://7/data"), "a");
    CHECK_TEXT(reader_of("t://b/7"), "b");
    CHECK_TEXT(reader_of("t://7/other"), "");
    CHECK_TEXT(reader_of("anything://else"), "");
    mcpz_catalogue_finish(&catalogue);
}

TEST(a_document_that_is_none_is_asked_for_again_later)
{
    static const char *const bad[] = {"", "{", "[]", "{\"serverInfo\":{}}",
                                      "{\"serverInfo\":{},\"serverInfo\":{},\"capabilities\":{}}"};
    set_up();
    offer((const char *[]){"mcp.about/a/" HASH_A, NULL});
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(bad); i++) {
        CHECK(mcpz_catalogue_wanted(&catalogue, now) != NULL);
        CHECK_UINT(mcpz_catalogue_put(&catalogue, mcpz_text("a"), mcpz_text(HASH_A),
                                      mcpz_text(bad[i]), now),
                   MCPZ_EPROTO);
        CHECK(!mcpz_catalogue_is_waiting(&catalogue));
        CHECK(mcpz_catalogue_wanted(&catalogue, now + MCPZ_CATALOGUE_RETRY_US - 1) == NULL);
        now += MCPZ_CATALOGUE_RETRY_US;
    }
    CHECK_UINT(catalogue.refused, MCPZ_ARRAY_LEN(bad));
    put("a", HASH_A,
        DOCUMENT("\"tools\":[{\"name\":\"t\"},17,{},{\"name\":\"\"},"
                 "{\"name\":\"t2\",\"annotations\":{\"readOnlyHint\":true}}]"));
    CHECK_TEXT(server_of(MCPZ_CATALOGUE_TOOLS, "t2"), "a");
    CHECK(mcpz_catalogue_find(&catalogue, MCPZ_CATALOGUE_TOOLS, mcpz_text("t2"))
              .item->is_idempotent);
    CHECK(!mcpz_catalogue_find(&catalogue, MCPZ_CATALOGUE_TOOLS, mcpz_text("t"))
               .item->is_idempotent);
    mcpz_catalogue_finish(&catalogue);
}

TEST(a_document_nobody_wants_any_more_is_dropped)
{
    set_up();
    CHECK_UINT(
        mcpz_catalogue_put(&catalogue, mcpz_text("a"), mcpz_text(HASH_A), mcpz_text("{}"), now),
        MCPZ_OK);
    CHECK_UINT(catalogue.server_count, 0);
    mcpz_catalogue_finish(&catalogue);
}

TEST(so_many_servers_are_known_and_no_more)
{
    char name[64];

    set_up();
    mcpz_catalogue_begin(&catalogue);
    for (size_t i = 0; i < MCPZ_CATALOGUE_SERVERS_MAX + 3; i++) {
        (void)snprintf(name, sizeof(name), "mcp.about/s%zu/" HASH_A, i);
        mcpz_catalogue_offer(&catalogue, mcpz_text(name));
    }
    mcpz_catalogue_end(&catalogue, now);
    CHECK_UINT(catalogue.server_count, MCPZ_CATALOGUE_SERVERS_MAX);
    for (size_t i = 1; i < catalogue.server_count; i++) {
        CHECK(strcmp(catalogue.servers[i - 1]->name, catalogue.servers[i]->name) < 0);
    }
    mcpz_catalogue_finish(&catalogue);
}

static size_t count_unkept(void)
{
    enum mcpz_catalogue_kind kind;
    const char *shown;
    const char *server;
    size_t count = 0;

    while (mcpz_catalogue_next_unkept(&catalogue, &kind, &shown, &server)) {
        CHECK(kind == MCPZ_CATALOGUE_TOOLS || kind == MCPZ_CATALOGUE_PROMPTS);
        count++;
    }
    return count;
}

TEST(names_that_were_kept_hold_whoever_comes_first)
{
    set_up();
    mcpz_catalogue_pin(&catalogue, MCPZ_CATALOGUE_TOOLS, mcpz_text("t"), mcpz_text("b"));
    offer((const char *[]){"mcp.about/a/" HASH_A, NULL});
    put("a", HASH_A,
        DOCUMENT("\"tools\":[{\"name\":\"t\"},{\"name\":\"u\"}],"
                 "\"resources\":[{\"uri\":\"x:1\",\"name\":\"x\"}]"));
    CHECK_TEXT(server_of(MCPZ_CATALOGUE_TOOLS, "a_t"), "a");
    CHECK_TEXT(server_of(MCPZ_CATALOGUE_TOOLS, "t"), "");
    CHECK_UINT(count_unkept(), 2); /* a_t and u: resources are not kept */
    CHECK_UINT(count_unkept(), 0);
    offer((const char *[]){"mcp.about/a/" HASH_A, "mcp.about/b/" HASH_B, NULL});
    put("b", HASH_B, DOCUMENT("\"tools\":[{\"name\":\"t\"}]"));
    CHECK_TEXT(server_of(MCPZ_CATALOGUE_TOOLS, "t"), "b");
    CHECK_UINT(count_unkept(), 0);
    mcpz_catalogue_finish(&catalogue);
}

TEST(a_name_that_is_anothers_after_all_is_given_up)
{
    set_up();
    offer((const char *[]){"mcp.about/a/" HASH_A, "mcp.about/b/" HASH_B, NULL});
    put("a", HASH_A, DOCUMENT("\"tools\":[{\"name\":\"t\"},{\"name\":\"u\"}]"));
    put("b", HASH_B, DOCUMENT("\"tools\":[{\"name\":\"t\"}]"));
    CHECK_TEXT(server_of(MCPZ_CATALOGUE_TOOLS, "t"), "a");
    CHECK_TEXT(server_of(MCPZ_CATALOGUE_TOOLS, "b_t"), "b");
    const uint32_t before = catalogue.versions[MCPZ_CATALOGUE_TOOLS];
    mcpz_catalogue_pin(&catalogue, MCPZ_CATALOGUE_TOOLS, mcpz_text("u"), mcpz_text("a"));
    mcpz_catalogue_name(&catalogue);
    CHECK_UINT(catalogue.versions[MCPZ_CATALOGUE_TOOLS], before); /* as it is already */
    mcpz_catalogue_pin(&catalogue, MCPZ_CATALOGUE_TOOLS, mcpz_text("t"), mcpz_text("b"));
    mcpz_catalogue_name(&catalogue);
    CHECK(catalogue.versions[MCPZ_CATALOGUE_TOOLS] > before);
    CHECK_TEXT(server_of(MCPZ_CATALOGUE_TOOLS, "t"), "b");
    CHECK_TEXT(server_of(MCPZ_CATALOGUE_TOOLS, "a_t"), "a");
    CHECK_TEXT(server_of(MCPZ_CATALOGUE_TOOLS, "u"), "a");
    CHECK_TEXT(server_of(MCPZ_CATALOGUE_TOOLS, "b_t"), "");
    mcpz_catalogue_finish(&catalogue);
}

/* ---- Names as this node is told ----------------------------------------------------------- */

static struct mcpz_mcp_names told;

static void tell(enum mcpz_mcp_prefix prefix, const char *item, const char *shown)
{
    char why[128];

    told = (struct mcpz_mcp_names){.prefix = prefix};
    if (item != NULL) {
        CHECK_UINT(mcpz_mcp_names_put_alias(&told, item, shown, why, sizeof(why)), MCPZ_OK);
    }
    CHECK(mcpz_catalogue_call(&catalogue, &told));
    CHECK(!mcpz_catalogue_call(&catalogue, &told));
}

/* Of "a" and "b" each has a `t`, a also a `u`. */
static void offer_two(void)
{
    offer((const char *[]){"mcp.about/a/" HASH_A, "mcp.about/b/" HASH_B, NULL});
    put("a", HASH_A,
        DOCUMENT("\"tools\":[{\"name\":\"t\"},{\"name\":\"u\"}],"
                 "\"resources\":[{\"uri\":\"x:1\",\"name\":\"x\"}]"));
    put("b", HASH_B,
        DOCUMENT("\"tools\":[{\"name\":\"t\"}],"
                 "\"resources\":[{\"uri\":\"x:1\",\"name\":\"x\"}]"));
}

static const char *tool(const char *shown)
{
    return server_of(MCPZ_CATALOGUE_TOOLS, shown);
}

TEST(each_tool_can_be_shown_with_its_server)
{
    set_up();
    tell(MCPZ_MCP_PREFIX_ALWAYS, NULL, NULL);
    mcpz_catalogue_pin(&catalogue, MCPZ_CATALOGUE_TOOLS, mcpz_text("b_t"), mcpz_text("a"));
    offer_two();
    CHECK_TEXT(tool("a_t"), "a");
    CHECK_TEXT(tool("a_u"), "a");
    CHECK_TEXT(tool("b_t"), "b"); /* whoever has that name elsewhere */
    CHECK_TEXT(tool("t"), "");
    CHECK_TEXT(server_of(MCPZ_CATALOGUE_RESOURCES, "x:1"), "a");
    CHECK_UINT(count_unkept(), 0); /* it is this node's view */
    mcpz_catalogue_finish(&catalogue);
}

TEST(who_comes_later_can_be_left_out)
{
    const char *server;
    struct mcpz_bytes item;

    set_up();
    tell(MCPZ_MCP_PREFIX_NEVER, NULL, NULL);
    mcpz_catalogue_pin(&catalogue, MCPZ_CATALOGUE_TOOLS, mcpz_text("t"), mcpz_text("b"));
    offer_two();
    CHECK_TEXT(tool("t"), "b");
    CHECK_TEXT(tool("u"), "a");
    CHECK_TEXT(tool("a_t"), "");
    CHECK(mcpz_catalogue_next_left_out(&catalogue, &server, &item));
    CHECK_TEXT(server, "a");
    CHECK(mcpz_bytes_equal(item, mcpz_text("t")));
    CHECK(!mcpz_catalogue_next_left_out(&catalogue, &server, &item));

    tell(MCPZ_MCP_PREFIX_CONFLICT, NULL, NULL);
    mcpz_catalogue_pin(&catalogue, MCPZ_CATALOGUE_TOOLS, mcpz_text("t"), mcpz_text("b"));
    mcpz_catalogue_name(&catalogue);
    CHECK_TEXT(tool("t"), "b");
    CHECK_TEXT(tool("a_t"), "a");
    CHECK(!mcpz_catalogue_next_left_out(&catalogue, &server, &item));
    mcpz_catalogue_finish(&catalogue);
}

TEST(an_alias_goes_before_what_a_tool_was_called)
{
    set_up();
    offer_two();
    CHECK_UINT(count_unkept(), 3); /* t, u and b_t */
    const uint32_t before = catalogue.versions[MCPZ_CATALOGUE_TOOLS];
    tell(MCPZ_MCP_PREFIX_CONFLICT, "a/t", "u");
    mcpz_catalogue_pin(&catalogue, MCPZ_CATALOGUE_TOOLS, mcpz_text("t"), mcpz_text("a"));
    mcpz_catalogue_pin(&catalogue, MCPZ_CATALOGUE_TOOLS, mcpz_text("u"), mcpz_text("a"));
    mcpz_catalogue_name(&catalogue);
    CHECK(catalogue.versions[MCPZ_CATALOGUE_TOOLS] > before);
    CHECK_TEXT(tool("u"), "a"); /* t of a; its own u makes way */
    CHECK(mcpz_json_says(
        mcpz_catalogue_find(&catalogue, MCPZ_CATALOGUE_TOOLS, mcpz_text("u")).item->key,
        mcpz_text("t")));
    CHECK_TEXT(tool("a_u"), "a");
    CHECK_TEXT(tool("t"), "b"); /* which is free now */
    CHECK_TEXT(tool("b_t"), "");
    CHECK_UINT(count_unkept(), 1); /* a_u: the others hold here only */

    /* What others keep does not change it. */
    mcpz_catalogue_pin(&catalogue, MCPZ_CATALOGUE_TOOLS, mcpz_text("t"), mcpz_text("a"));
    mcpz_catalogue_name(&catalogue);
    CHECK_TEXT(tool("t"), "b");

    tell(MCPZ_MCP_PREFIX_CONFLICT, NULL, NULL);
    mcpz_catalogue_pin(&catalogue, MCPZ_CATALOGUE_TOOLS, mcpz_text("t"), mcpz_text("a"));
    mcpz_catalogue_name(&catalogue);
    CHECK_TEXT(tool("t"), "a");
    CHECK_TEXT(tool("b_t"), "b");
    CHECK_TEXT(server_of(MCPZ_CATALOGUE_RESOURCES, "x:1"), "a");
    mcpz_catalogue_finish(&catalogue);
}

TEST(what_cannot_be_a_name_is_not_pinned)
{
    static char longest[MCPZ_SHOWN_CHARS_MAX + 2];

    set_up();
    memset(longest, 'x', MCPZ_SHOWN_CHARS_MAX + 1);
    mcpz_catalogue_pin(&catalogue, MCPZ_CATALOGUE_TOOLS, mcpz_text(longest), mcpz_text("b"));
    mcpz_catalogue_pin(&catalogue, MCPZ_CATALOGUE_TOOLS, mcpz_text(""), mcpz_text("b"));
    mcpz_catalogue_pin(&catalogue, MCPZ_CATALOGUE_TOOLS, mcpz_text("t"), mcpz_text(""));
    CHECK_UINT(catalogue.claim_count, 0);
    mcpz_catalogue_pin(&catalogue, MCPZ_CATALOGUE_TOOLS, mcpz_text(longest + 1), mcpz_text("b"));
    CHECK_UINT(catalogue.claim_count, 1);
    mcpz_catalogue_finish(&catalogue);
}

TEST_MAIN(RUN(names_that_were_kept_hold_whoever_comes_first),
          RUN(a_name_that_is_anothers_after_all_is_given_up),
          RUN(each_tool_can_be_shown_with_its_server), RUN(who_comes_later_can_be_left_out),
          RUN(an_alias_goes_before_what_a_tool_was_called),
          RUN(what_cannot_be_a_name_is_not_pinned), RUN(what_is_offered_is_fetched_once),
          RUN(of_two_descriptions_the_smaller_hash_counts), RUN(a_short_absence_changes_nothing),
          RUN(who_comes_later_with_the_same_name_is_shown_under_another),
          RUN(names_are_never_longer_than_clients_take),
          RUN(a_resource_is_found_by_its_list_its_template_or_its_only_owner),
          RUN(a_document_that_is_none_is_asked_for_again_later),
          RUN(a_document_nobody_wants_any_more_is_dropped),
          RUN(so_many_servers_are_known_and_no_more))
