/* What clients of 2026-07-28 meet. */

#include "face_world.h"
#include "host/mcp_names.h"

TEST(a_modern_request_must_say_all_that_it_must)
{
    struct client client;
    struct mcpz_face_request request;

    set_up();
    check_answer(&client,
                 modern("server/discover", NULL, REQUEST("1", "server/discover", "{" META "}")),
                 200, "\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{\"tools\"");
    check_answer(&client, modern("server/discover", NULL, REQUEST("1", "server/discover", "{}")),
                 400, "\"id\":1,\"error\":{\"code\":-32602");
    check_answer(&client,
                 modern("tools/list", NULL, REQUEST("1", "server/discover", "{" META "}")), 400,
                 "-32020");
    check_answer(
        &client,
        modern("tools/call", "a", REQUEST("1", "tools/call", "{\"name\":\"b\"," META "}")), 400,
        "-32020");
    request = modern("tools/list", NULL, REQUEST("1", "tools/list", "{" META "}"));
    request.version = mcpz_text("2027-01-01");
    check_answer(&client, request, 400, "-32020");
    request.version = mcpz_bytes(NULL, 0);
    check_answer(&client, request, 400, "-32020");
    request = modern("tools/list", NULL,
                     REQUEST("1", "tools/list",
                             "{\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"v9\","
                             "\"io.modelcontextprotocol/clientCapabilities\":{}}}"));
    request.version = mcpz_text("v9");
    check_answer(&client, request, 400,
                 "-32022,\"message\":\"Unsupported protocol version\",\"data\":{\"supported\":"
                 "[\"2026-07-28\"],\"requested\":\"v9\"}");
    check_answer(&client, modern("ping", NULL, REQUEST("1", "ping", "{" META "}")), 404, "-32601");
    check_answer(&client, modern("no/method", NULL, REQUEST("1", "no/method", "{" META "}")), 404,
                 "-32601");
    request = get();
    request.session = mcpz_bytes(NULL, 0);
    request.version = mcpz_text("2026-07-28");
    check_answer(&client, request, 405, "");
    CHECK_UINT(mcpz_face_stats(face).sessions, 0);
    tear_down();
}

TEST(a_modern_call_says_all_there_is_to_know_and_no_more)
{
    struct client client;

    set_up();
    ask(&client, modern("tools/call", "=?base64?ZWNobw==?=",
                        REQUEST("1", "tools/call", "{\"name\":\"echo\"," META "}")));
    CHECK_UINT(hosted_count, 1);
    CHECK(strstr(hosted[0].params,
                 "\"era\":\"modern\",\"version\":\"2026-07-28\",\"session\":null,\"client\":"
                 "{\"capabilities\":{\"roots\":{}},\"clientInfo\":null},\"level\":null}") != NULL);
    CHECK(hosted[0].input_ended);
    say(&hosted[0], LINE_0);
    say(&hosted[0], "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32021,\"message\":\"\"}}");
    run();
    CHECK_UINT(client.status, 400);
    leave(&client);
    tear_down();
}

TEST(a_modern_client_that_hangs_up_has_cancelled)
{
    struct client client;

    set_up();
    ask(&client,
        modern("tools/call", "echo", REQUEST("1", "tools/call", "{\"name\":\"echo\"," META "}")));
    leave(&client);
    CHECK(hosted[0].over);
    CHECK_UINT(hosted[0].code, MCPZ_CODE_CANCELLED);
    tear_down();
}

TEST(who_a_client_is_goes_with_its_calls)
{
    struct client client;
    struct mcpz_face_request request =
        modern("tools/call", "echo", REQUEST("1", "tools/call", "{\"name\":\"echo\"," META "}"));

    set_up();
    request.principal = mcpz_text("a\"b");
    ask(&client, request);
    CHECK(strstr(hosted[0].params, "\"level\":null,\"principal\":\"a\\\"b\"}") != NULL);
    leave(&client);
    tear_down();
}

TEST(a_session_is_its_owners_only)
{
    struct client client;
    struct mcpz_face_request request = post(INITIALIZE);

    set_up();
    request.principal = mcpz_text("alice");
    check_answer(&client, request, 200, "protocolVersion");
    (void)snprintf(session, sizeof(session), "%s", client.session);
    request = in_session(REQUEST("1", "ping", "{}"));
    check_answer(&client, request, 404, "-32001");
    request.principal = mcpz_text("bob");
    check_answer(&client, request, 404, "-32001");
    request.principal = mcpz_text("alice");
    check_answer(&client, request, 200, "{}");
    tear_down();
}

TEST(a_parked_call_goes_back_to_its_node)
{
    struct client client;

    set_up();
    ask(&client,
        modern("tools/call", "echo",
               REQUEST("1", "tools/call",
                       "{\"name\":\"echo\",\"requestState\":\"mcpz1." NODE ".abc\"," META "}")));
    CHECK(hosted[0].had_target);
    leave(&client);
    ask(&client,
        modern("tools/call", "echo",
               REQUEST("1", "tools/call",
                       "{\"name\":\"echo\",\"requestState\":\"mcpz1.nobody.\"," META "}")));
    CHECK(!hosted[1].had_target);
    leave(&client);
    tear_down();
}

TEST(a_subscription_hears_all_servers_under_one_name)
{
    struct client client;

    set_up();
    ask(&client, modern("subscriptions/listen", NULL,
                        REQUEST("\"s\"", "subscriptions/listen",
                                "{\"notifications\":{\"toolsListChanged\":true}," META "}")));
    pull(&client);
    CHECK_TEXT(client.text, "data: " NOTIFICATION(
                                "notifications/subscriptions/acknowledged",
                                "{\"notifications\":{\"toolsListChanged\":true},\"_meta\":"
                                "{\"io.modelcontextprotocol/subscriptionId\":\"s\"}}") "\n\n");
    CHECK_UINT(hosted_count, 2);
    for (size_t i = 0; i < 2; i++) {
        say(&hosted[i], LINE_0);
        say(&hosted[i], NOTIFICATION("notifications/subscriptions/acknowledged", "{}"));
        say(&hosted[i], NOTIFICATION("notifications/tools/list_changed", "{\"_meta\":{}}"));
    }
    say(&hosted[0], "{\"jsonrpc\":\"2.0\",\"id\":\"s\",\"result\":{}}");
    finish(&hosted[0]);
    run();
    pull(&client);
    const char *event =
        "data: " NOTIFICATION("notifications/tools/list_changed", "{\"_meta\":{}}") "\n\n";
    char both[512];
    (void)snprintf(both, sizeof(both), "%s%s", event, event);
    CHECK_TEXT(client.text, both);
    CHECK(!client.ended);
    pass_time(MCPZ_FACE_LISTEN_US); /* the one that has ended is made anew */
    CHECK_UINT(hosted_count, 3);
    leave(&client);
    CHECK(hosted[1].over && hosted[2].over);
    tear_down();
}

#define FAR(arguments)                                                                            \
    REQUEST("1", "tools/call", "{\"name\":\"far\",\"arguments\":" arguments "," META "}")

TEST(an_argument_that_is_repeated_in_a_header_says_the_same_there)
{
    static const char headers[] = "mcp-name\0far\0mcp-param-to\0here";
    struct client client;
    uint32_t version = 0;

    set_up();
    check_answer(&client, modern("tools/list", NULL, REQUEST("1", "tools/list", "{" META "}")),
                 200, "\"far\"");
    const struct mcpz_bytes names = mcpz_face_headers(face, &version);
    CHECK_UINT(names.length, sizeof("mcp-param-to"));
    CHECK_TEXT((const char *)names.data, "mcp-param-to");
    struct mcpz_face_request request = modern("tools/call", "far", FAR("{\"to\":\"there\"}"));
    request.headers = mcpz_bytes(headers, sizeof(headers));
    request.params_version = version;
    check_answer(&client, request, 400,
                 "\"code\":-32020,\"message\":\"Header mismatch: mcp-param-to is missing");
    request.headers = mcpz_bytes(headers, sizeof("mcp-name\0far"));
    check_answer(&client, request, 400, "\"id\":1,\"error\":{\"code\":-32020");
    CHECK_UINT(hosted_count, 0);
    request.body = mcpz_text(FAR("{\"to\":null}"));
    ask(&client, request);
    CHECK_UINT(hosted_count, 1);
    leave(&client);
    request = modern("tools/call", "far", FAR("{\"to\":\"here\"}"));
    request.headers = mcpz_bytes(headers, sizeof(headers));
    request.params_version = version;
    ask(&client, request);
    CHECK_UINT(hosted_count, 2);
    leave(&client);

    /* Of one server as it is, too; and headers that nobody has looked for are not missed. */
    request.body = mcpz_text(FAR("{\"to\":\"there\"}"));
    request.server = mcpz_text("two");
    check_answer(&client, request, 400, "-32020");
    request.params_version = version - 1;
    ask(&client, request);
    CHECK_UINT(hosted_count, 3);
    leave(&client);
    tear_down();
}

/* A client of 2026-07-28 drops a tool whose headers are wrong; others do not look at them. */
TEST(what_is_unsound_about_headers_is_not_said_to_who_would_mind)
{
    struct client client;

    set_up();
    documents[0] = "{\"serverInfo\":{\"name\":\"one\"},\"capabilities\":{\"tools\":{}},\"tools\":["
                   "{\"inputSchema\":{\"properties\":{\"a\":{\"type\":\"number\",\"x-mcp-header\":"
                   "\"A\"}}},\"name\":\"far\"}]}";
    check_answer(&client, modern("tools/list", NULL, REQUEST("1", "tools/list", "{" META "}")),
                 200,
                 "{\"inputSchema\":{\"properties\":{\"a\":{\"type\":\"number\","
                 "\"x-mcp-header-unsound\":\"A\"}}},\"name\":\"far\"}");
    begin_session();
    check_answer(&client, in_session(REQUEST("1", "tools/list", "{}")), 200,
                 "{\"type\":\"number\",\"x-mcp-header\":\"A\"}");
    /* Nor is any header asked for. */
    ask(&client,
        modern("tools/call", "far",
               REQUEST("1", "tools/call", "{\"name\":\"far\",\"arguments\":{\"a\":1}," META "}")));
    CHECK(!client.answered);
    CHECK_UINT(hosted_count, 1);
    leave(&client);
    tear_down();
}

TEST(tools_that_are_left_out_are_told_of)
{
    static struct mcpz_mcp_names names = {.prefix = MCPZ_MCP_PREFIX_NEVER};
    struct client client;

    set_up();
    CHECK(mcpz_face_call_by(face, &names));
    check_answer(&client, modern("tools/list", NULL, REQUEST("1", "tools/list", "{" META "}")),
                 200, "],\"_meta\":{\"mcpz/leftOut\":[{\"server\":\"two\",\"name\":\"echo\"}]}");
    tear_down();
}

TEST_MAIN(RUN(an_argument_that_is_repeated_in_a_header_says_the_same_there),
          RUN(a_modern_request_must_say_all_that_it_must),
          RUN(a_modern_call_says_all_there_is_to_know_and_no_more),
          RUN(a_modern_client_that_hangs_up_has_cancelled),
          RUN(who_a_client_is_goes_with_its_calls), RUN(a_session_is_its_owners_only),
          RUN(a_parked_call_goes_back_to_its_node),
          RUN(a_subscription_hears_all_servers_under_one_name),
          RUN(what_is_unsound_about_headers_is_not_said_to_who_would_mind),
          RUN(tools_that_are_left_out_are_told_of))
