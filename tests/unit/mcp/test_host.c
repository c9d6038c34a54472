/* How servers are found out, described, kept running and let go. */

#include "mcp_host_world.h"

#define X "{\"command\":\"x\"}"

/* ---- Eras --------------------------------------------------------------------------------- */

TEST(a_server_that_refuses_to_be_discovered_is_legacy)
{
    CHECK(add_server("x", X) == MCPZ_OK);
    struct mcpz_upstream *probe = last_fake();
    CHECK(strstr(probe->lines[0], "\"method\":\"server/discover\"") != NULL);
    CHECK_TEXT(look()->era, "unknown");
    refuses(probe, told(probe), -32601);
    CHECK(probe->stopped);
    CHECK_UINT(fake_count, 2); /* the probe is thrown away */
    CHECK_TEXT(look()->era, "legacy");
    initialize(last_fake());
    CHECK_TEXT(look()->state, "starting");
    list_tools(last_fake(), "");
    CHECK_TEXT(look()->state, "ready");
}

TEST(a_server_that_says_nothing_is_legacy)
{
    CHECK(add_server("x", X) == MCPZ_OK);
    pass_until(clock_us + MCPZ_MCP_PROBE_US - 1);
    CHECK_UINT(fake_count, 1);
    pass_until(clock_us + 1);
    CHECK_UINT(fake_count, 2);
    CHECK(fakes[0].stopped);
    CHECK_TEXT(look()->era, "legacy");
}

TEST(a_server_that_ends_when_it_is_asked_too_early_is_legacy)
{
    CHECK(add_server("x", X) == MCPZ_OK);
    goes(last_fake(), "exit status 1");
    CHECK_UINT(fake_count, 2);
    CHECK_UINT(look()->failures, 0); /* that was no failure */
    initialize(last_fake());
}

TEST(a_server_of_a_version_that_nobody_knows_is_asked_as_legacy)
{
    CHECK(add_server("x", X) == MCPZ_OK);
    answers(last_fake(), told(last_fake()), "{\"supportedVersions\":[\"2030-01-01\"]}");
    CHECK_TEXT(look()->era, "legacy");
}

TEST(a_server_that_names_our_version_when_it_refuses_is_modern)
{
    static const struct {
        const char *supported;
        const char *era;
    } cases[] = {
        {"[\"2030-01-01\",\"2026-07-28\"]", "modern"},
        {"[\"2030-01-01\"]", "legacy"},
        {"{\"2026-07-28\":\"2026-07-28\"}", "legacy"},
        {"7", "legacy"},
    };
    char line[512];

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(cases); i++) {
        CHECK(add_server("x", X) == MCPZ_OK);
        struct mcpz_upstream *probe = last_fake();
        (void)snprintf(
            line, sizeof(line),
            "{\"jsonrpc\":\"2.0\",\"id\":%lu,\"error\":{\"code\":-32022,\"message\":\"\","
            "\"data\":{\"supported\":%s,\"requested\":\"2026-07-28\"}}}",
            id_in(told(probe)), cases[i].supported);
        says(probe, line);
        CHECK_TEXT(look()->era, cases[i].era);
        goes(probe, "");
        struct mcpz_upstream *describer = last_fake();
        CHECK(strstr(told(describer), cases[i].era[0] == 'm' ? "server/discover" : "initialize") !=
              NULL);
        CHECK_UINT(mcpz_mcp_host_remove(host, mcpz_text("x")), MCPZ_OK);
        goes(describer, "");
    }
}

TEST(a_modern_server_is_described_by_what_it_discovered)
{
    modern_server();
    CHECK_TEXT(look()->era, "modern");
    CHECK_TEXT(look()->state, "ready");
    char document[512];
    mcpz_bytes_to_text(look()->description, document, sizeof(document));
    CHECK_TEXT(document,
               "{\"name\":\"x\",\"era\":\"modern\",\"supportedVersions\":[\"2026-07-28\"],"
               "\"serverInfo\":{\"name\":\"s\",\"version\":\"2\"},\"capabilities\":{\"tools\":{}},"
               "\"tools\":[{\"name\":\"t\"}],\"resources\":[],\"resourceTemplates\":[],"
               "\"prompts\":[],\"stateless\":true}");
}

/* ---- Descriptions ------------------------------------------------------------------------- */

TEST(what_a_server_is_can_be_asked_under_its_hash)
{
    char name[128];

    legacy_server(X);
    (void)look();
    (void)snprintf(name, sizeof(name), "mcp.about/x/%s", seen_hash);
    CHECK(offers_name("mcp/x") && offers_name(name));
    struct client *client = call_as(name, "", "");
    CHECK_TEXT(heard(client),
               "{\"name\":\"x\",\"era\":\"legacy\",\"protocolVersion\":\"2025-06-18\","
               "\"serverInfo\":{\"name\":\"s\",\"version\":\"2\"},"
               "\"capabilities\":{\"tools\":{\"listChanged\":true}},\"tools\":[{\"name\":\"t\"}],"
               "\"resources\":[],\"resourceTemplates\":[],\"prompts\":[],\"stateless\":false}");
    CHECK(client->over);
    CHECK_UINT(client->code, MCPZ_CODE_OK);
}

TEST(all_pages_of_a_list_are_read_as_they_stand)
{
    CHECK(add_server("x", X) == MCPZ_OK);
    refuses(last_fake(), told(last_fake()), -32601);
    struct mcpz_upstream *describer = last_fake();
    initialize(describer);
    answers(describer, told(describer),
            "{\"tools\":[ {\"a\" : 1} , 2 ],\"nextCursor\":\"p\\u0031\"}");
    const char *line = told(describer);
    CHECK(strstr(line, "\"params\":{\"cursor\":\"p\\u0031\"}") != NULL);
    answers(describer, line, "{\"tools\":[],\"nextCursor\":\"p2\"}");
    answers(describer, told(describer), "{\"tools\":[{\"unknown\":[null]}]}");
    char document[512];
    mcpz_bytes_to_text(look()->description, document, sizeof(document));
    CHECK(strstr(document, "\"tools\":[{\"a\" : 1} , 2,{\"unknown\":[null]}]") != NULL);
}

TEST(a_changed_list_is_another_description)
{
    struct mcpz_upstream *describer = legacy_server(X);
    char before[128];
    char after[128];

    (void)look();
    (void)snprintf(before, sizeof(before), "mcp.about/x/%s", seen_hash);
    says(describer, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}");
    says(describer, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}");
    list_tools(describer, "{\"name\":\"u\"}");
    /* It changed while it was read: it is read once more. */
    list_tools(describer, "{\"name\":\"v\"}");
    CHECK(is_told_all(describer));
    (void)look();
    (void)snprintf(after, sizeof(after), "mcp.about/x/%s", seen_hash);
    CHECK(strcmp(before, after) != 0);
    CHECK(offers_name(after) && !offers_name(before));
    struct client *late = call_as(before, "", "");
    CHECK_UINT(late->code, MCPZ_CODE_NO_PROVIDER);
}

TEST(a_list_that_a_server_refuses_after_all_is_empty)
{
    CHECK(add_server("x", X) == MCPZ_OK);
    refuses(last_fake(), told(last_fake()), -32601);
    struct mcpz_upstream *describer = last_fake();
    initialize(describer);
    refuses(describer, told(describer), -32601);
    CHECK_TEXT(look()->state, "ready");
}

/* ---- Failures ----------------------------------------------------------------------------- */

TEST(a_server_that_ends_is_started_again_later_and_later)
{
    struct mcpz_upstream *describer = legacy_server(X);
    mcpz_time wait = MCPZ_MCP_BACKOFF_FIRST_US;

    for (uint32_t i = 1; i < 12; i++) {
        goes(describer, "killed by signal 9");
        CHECK_TEXT(look()->state, "down");
        CHECK_TEXT(look()->trouble, "killed by signal 9");
        CHECK_UINT(look()->failures, i);
        size_t before = fake_count;
        pass_until(clock_us + wait - 1);
        CHECK_UINT(fake_count, before);
        pass_until(clock_us + 1);
        CHECK_UINT(fake_count, before + 1);
        describer = last_fake();
        wait = 2 * wait < MCPZ_MCP_BACKOFF_MAX_US ? 2 * wait : MCPZ_MCP_BACKOFF_MAX_US;
    }
    initialize(describer);
    list_tools(describer, "{\"name\":\"t\"}");
    CHECK_TEXT(look()->state, "ready");
    /* Who was steady for a while starts anew. */
    pass_until(clock_us + MCPZ_MCP_STEADY_US);
    goes(describer, "again");
    CHECK_UINT(look()->failures, 1);
}

TEST(a_server_that_blips_stays_offered_for_a_while)
{
    struct mcpz_upstream *describer = legacy_server(X);

    goes(describer, "gone");
    refuse_start = MCPZ_EIO;
    pass_until(clock_us + MCPZ_MCP_GRACE_US - 1);
    CHECK(offers_name("mcp/x"));
    pass_until(clock_us + 1);
    CHECK(!offers_name("mcp/x"));
    refuse_start = MCPZ_OK;
    pass_until(clock_us + MCPZ_MCP_BACKOFF_MAX_US);
    describer = last_fake();
    initialize(describer);
    list_tools(describer, "{\"name\":\"t\"}");
    CHECK(offers_name("mcp/x"));
}

TEST(one_that_never_starts_hides_no_other)
{
    legacy_server(X);
    CHECK(add_server("broken", "{\"command\":\"y\"}") == MCPZ_OK);
    for (int i = 0; i < 6; i++) {
        if (!last_fake()->gone) {
            goes(last_fake(), "exit status 127");
        }
        pass_until(clock_us + MCPZ_SECONDS(4));
    }
    CHECK(offers_name("mcp/x"));
    CHECK(!offers_name("mcp/broken"));
}

TEST(a_server_that_does_not_answer_initialize_is_ended)
{
    CHECK(add_server("x", X) == MCPZ_OK);
    refuses(last_fake(), told(last_fake()), -32601);
    struct mcpz_upstream *describer = last_fake();
    pass_until(clock_us + MCPZ_MCP_ANSWER_US);
    CHECK(describer->stopped);
    goes(describer, "");
    CHECK_TEXT(look()->trouble, "it did not answer initialize in time");
}

TEST(a_server_that_was_taken_for_another_era_is_asked_again)
{
    CHECK(add_server("x", X) == MCPZ_OK);
    pass_until(clock_us + MCPZ_MCP_PROBE_US); /* it was only slow */
    for (int i = 0; i < 2; i++) {
        struct mcpz_upstream *describer = last_fake();
        refuses(describer, told(describer), -32022);
        CHECK(describer->stopped);
        goes(describer, "");
        pass_until(clock_us + MCPZ_SECONDS(1));
    }
    CHECK(strstr(told(last_fake()), "server/discover") != NULL);
    answers(last_fake(), last_fake()->lines[0], DISCOVERED);
    CHECK_TEXT(look()->era, "modern");
}

TEST(what_is_no_message_is_passed_over)
{
    struct mcpz_upstream *describer = legacy_server(X);

    says(describer, "Server listening on stdio");
    says(describer, "{\"jsonrpc\":\"2.0\"");
    says(describer, "[1,2]");
    says(describer, "{\"jsonrpc\":\"2.0\",\"id\":999999,\"result\":{}}");
    says(describer, "{\"jsonrpc\":\"2.0\",\"id\":\"none\",\"result\":{}}");
    CHECK(!describer->stopped);
    CHECK_UINT(mcpz_mcp_host_stats(host)->nonsense, 3);
    CHECK_TEXT(look()->state, "ready");
}

/* ---- Changes ------------------------------------------------------------------------------ */

TEST(a_server_that_is_removed_ends_and_so_do_its_calls)
{
    struct mcpz_upstream *describer = legacy_server("{\"command\":\"x\",\"shared\":true}");
    struct client *client = ask(LEGACY_PARAMS("aa"), "{\"jsonrpc\":\"2.0\",\"id\":1,"
                                                     "\"method\":\"tools/call\"}");

    CHECK(mcpz_mcp_host_remove(host, mcpz_text("x")) == MCPZ_OK);
    settle_all();
    CHECK(describer->stopped);
    CHECK(client->over);
    CHECK_UINT(client->code, MCPZ_CODE_NOT_OFFERED);
    CHECK(!offers_name("mcp/x"));
    CHECK_TEXT(look()->state, "none");
    CHECK(mcpz_mcp_host_remove(host, mcpz_text("x")) == MCPZ_ENOTFOUND);
    /* One of the same name need not wait until it is gone. */
    CHECK(add_server("x", X) == MCPZ_OK);
    goes(describer, "");
    CHECK_TEXT(look()->state, "starting");
}

TEST(a_server_that_is_added_again_as_it_was_goes_on)
{
    struct mcpz_upstream *describer = legacy_server(X);

    CHECK(add_server("x", X) == MCPZ_OK);
    CHECK(!describer->stopped);
    CHECK(add_server("x", "{\"command\":\"y\"}") == MCPZ_OK);
    CHECK(describer->stopped);
    CHECK_TEXT(look()->server->command, "y");
}

TEST(so_many_servers_are_hosted_and_not_one_more)
{
    char name[16];

    for (int i = 0; i < MCPZ_MCP_SERVERS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "s%d", i);
        CHECK(add_server(name, X) == MCPZ_OK);
    }
    CHECK(add_server("more", X) == MCPZ_EFULL);
    CHECK(mcpz_mcp_host_remove(host, mcpz_text("s3")) == MCPZ_OK);
    CHECK(add_server("more", X) == MCPZ_OK);
}

TEST(a_name_that_somebody_else_offers_is_left_out)
{
    int other = 0;

    CHECK(mcpz_offers_claim(&offers, mcpz_text("mcp/x"), &other) == MCPZ_OK);
    legacy_server(X);
    CHECK(mcpz_offers_edge(&offers, mcpz_text("mcp/x")) == &other);
    char name[128];
    (void)look();
    (void)snprintf(name, sizeof(name), "mcp.about/x/%s", seen_hash);
    CHECK(offers_name(name));
}

TEST_MAIN(CASE(a_server_that_refuses_to_be_discovered_is_legacy),
          CASE(a_server_that_says_nothing_is_legacy),
          CASE(a_server_that_ends_when_it_is_asked_too_early_is_legacy),
          CASE(a_server_of_a_version_that_nobody_knows_is_asked_as_legacy),
          CASE(a_server_that_names_our_version_when_it_refuses_is_modern),
          CASE(a_modern_server_is_described_by_what_it_discovered),
          CASE(what_a_server_is_can_be_asked_under_its_hash),
          CASE(all_pages_of_a_list_are_read_as_they_stand),
          CASE(a_changed_list_is_another_description),
          CASE(a_list_that_a_server_refuses_after_all_is_empty),
          CASE(a_server_that_ends_is_started_again_later_and_later),
          CASE(a_server_that_blips_stays_offered_for_a_while),
          CASE(one_that_never_starts_hides_no_other),
          CASE(a_server_that_does_not_answer_initialize_is_ended),
          CASE(a_server_that_was_taken_for_another_era_is_asked_again),
          CASE(what_is_no_message_is_passed_over),
          CASE(a_server_that_is_removed_ends_and_so_do_its_calls),
          CASE(a_server_that_is_added_again_as_it_was_goes_on),
          CASE(so_many_servers_are_hosted_and_not_one_more),
          CASE(a_name_that_somebody_else_offers_is_left_out))
