#include "face_world.h"
#include "host/mcp_names.h"

/* ---- Sessions ----------------------------------------------------------------------------- */

TEST(a_session_begins_and_ends)
{
    struct client client;

    set_up();
    begin_session();
    CHECK_UINT(mcpz_face_stats(face).sessions, 1);
    check_answer(&client, in_session(NOTIFICATION("notifications/initialized", "{}")), 202, "");
    check_answer(&client, in_session(REQUEST("1", "ping", "{}")), 200, "\"result\":{}");
    struct mcpz_face_request end = get();
    end.verb = MCPZ_FACE_DELETE;
    check_answer(&client, end, 204, "");
    CHECK_UINT(mcpz_face_stats(face).sessions, 0);
    check_answer(&client, in_session(REQUEST("1", "ping", "{}")), 404, "-32001");
    check_answer(&client, end, 404, "-32001");
    tear_down();
}

TEST(what_is_wrong_with_a_request_is_told)
{
    struct client client;
    struct mcpz_face_request request;

    set_up();
    begin_session();
    check_answer(&client, post(REQUEST("1", "ping", "{}")), 400, "Mcp-Session-Id");
    check_answer(&client, post("{"), 400, "-32700");
    check_answer(&client, in_session("{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":1}"), 400, "-32600");
    check_answer(&client, in_session("[]"), 400, "-32600");
    request = in_session(REQUEST("1", "ping", "{}"));
    request.content_type = mcpz_text("text/plain");
    check_answer(&client, request, 415, "application/json");
    request = in_session(REQUEST("1", "ping", "{}"));
    request.accept = mcpz_text("application/json");
    check_answer(&client, request, 406, "text/event-stream");
    request = in_session(REQUEST("1", "ping", "{}"));
    request.version = mcpz_text("2020-01-01");
    check_answer(&client, request, 400, "MCP-Protocol-Version");
    request.version = mcpz_text("2025-03-26"); /* older than was agreed on, as some clients say */
    check_answer(&client, request, 200, "result");
    request = in_session(REQUEST("1", "ping", "{}"));
    request.server = mcpz_text("one");
    check_answer(&client, request, 404, "another path");
    request = post(INITIALIZE);
    request.server = mcpz_text("three");
    check_answer(&client, request, 404, "no MCP server");
    check_answer(&client, in_session(REQUEST("1", "tools/call", "{\"name\":\"nobody\"}")), 200,
                 "-32602");
    check_answer(&client, in_session(REQUEST("1", "resources/read", "{}")), 200, "-32602");
    check_answer(&client, in_session(REQUEST("1", "no/method", "{}")), 200, "-32601");
    check_answer(&client, in_session(REQUEST("1", "tools/list", "{\"cursor\":\"x\"}")), 200,
                 "-32602");
    tear_down();
}

TEST(the_lists_of_the_mesh_are_those_of_its_servers)
{
    struct client client;

    set_up();
    begin_session();
    check_answer(&client, in_session(REQUEST("1", "tools/list", "{}")), 200,
                 "{\"tools\":[{\"name\":\"echo\",\"inputSchema\":{}},"
                 "{\"name\":\"two_echo\",\"icons\":[1],");
    check_answer(&client, in_session(REQUEST("1", "resources/list", "{}")), 200,
                 "{\"resources\":[{\"uri\":\"x://1\",\"name\":\"x\"},"
                 "{\"uri\":\"y:1\",\"name\":\"y\"}]}");
    check_answer(&client, in_session(REQUEST("1", "prompts/list", "{}")), 200, "-32601");
    tear_down();
}

/* ---- Calls -------------------------------------------------------------------------------- */

TEST(a_call_goes_to_whose_tool_it_is_and_comes_back)
{
    struct client client;

    set_up();
    begin_session();
    ask(&client, in_session(REQUEST("\"i\"", "tools/call",
                                    "{\"name\":\"two_echo\",\"x\":1,\"_meta\":{\"y\":2}}")));
    CHECK_UINT(hosted_count, 1);
    CHECK(strstr(hosted[0].params, "\"kind\":\"request\",\"era\":\"legacy\"") != NULL);
    CHECK(strstr(hosted[0].params, "\"client\":{\"capabilities\":{\"sampling\":{}},"
                                   "\"clientInfo\":{\"name\":\"c\"}}") != NULL);
    CHECK_TEXT(hosted[0].lines[0],
               REQUEST("\"i\"", "tools/call", "{\"name\":\"echo\",\"x\":1,\"_meta\":{\"y\":2}}"));
    CHECK(!hosted[0].input_ended);
    CHECK(!client.answered);
    say(&hosted[0], LINE_0);
    say(&hosted[0], "{\"jsonrpc\":\"2.0\",\"id\":\"i\",\"result\":{\"z\":[]}}");
    finish(&hosted[0]);
    run();
    CHECK(client.answered && !client.streams);
    CHECK_TEXT(client.type, "application/json");
    CHECK_TEXT(client.text, "{\"jsonrpc\":\"2.0\",\"id\":\"i\",\"result\":{\"z\":[]}}");
    leave(&client);
    CHECK_UINT(mcpz_face_stats(face).calls, 0);
    tear_down();
}

TEST(what_comes_before_the_response_makes_it_a_stream)
{
    struct client client;

    set_up();
    begin_session();
    ask(&client, in_session(REQUEST("1", "tools/call", "{\"name\":\"echo\"}")));
    say(&hosted[0], LINE_0);
    say(&hosted[0], NOTIFICATION("notifications/progress", "{\"progressToken\":1}"));
    run();
    CHECK(client.answered && client.streams);
    pull(&client);
    CHECK_TEXT(client.text, "id: 1-1\nretry: 1000\ndata: \n\nid: 1-2\ndata: " NOTIFICATION(
                                "notifications/progress", "{\"progressToken\":1}") "\n\n");
    CHECK(!client.ended);
    say(&hosted[0], "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
    finish(&hosted[0]);
    run();
    pull(&client);
    CHECK_TEXT(client.text, "id: 1-3\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n");
    CHECK(client.ended);
    leave(&client);
    tear_down();
}

TEST(who_loses_its_stream_asks_on_with_a_get)
{
    struct client client;
    struct client again;

    set_up();
    begin_session();
    ask(&client, in_session(REQUEST("1", "tools/call", "{\"name\":\"echo\"}")));
    pass_time(MCPZ_FACE_STREAM_US); /* it takes a while: so much is said at once */
    pull(&client);
    CHECK_TEXT(client.text, "id: 1-1\nretry: 1000\ndata: \n\n");
    leave(&client);
    CHECK(!hosted[0].over);
    say(&hosted[0], LINE_0);
    say(&hosted[0], "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
    finish(&hosted[0]);
    run();
    struct mcpz_face_request resume = get();
    resume.last_event = mcpz_text("1-1");
    ask(&again, resume);
    pull(&again);
    CHECK_TEXT(again.text, "id: 1-2\ndata: {\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n\n");
    CHECK(again.ended);
    leave(&again);
    tear_down();
}

TEST(a_call_that_nobody_comes_back_for_is_given_up)
{
    struct client client;

    set_up();
    begin_session();
    ask(&client, in_session(REQUEST("1", "tools/call", "{\"name\":\"echo\"}")));
    leave(&client);
    pass_time(MCPZ_FACE_ABANDONED_US - 1);
    CHECK(!hosted[0].over);
    pass_time(1);
    CHECK(hosted[0].over);
    CHECK_UINT(hosted[0].code, MCPZ_CODE_CANCELLED);
    tear_down();
}

TEST(a_question_of_the_server_reaches_its_client_and_the_answer_the_server)
{
    struct client client;
    struct client other;

    set_up();
    begin_session();
    ask(&client, in_session(REQUEST("1", "tools/call", "{\"name\":\"echo\"}")));
    say(&hosted[0], LINE_0);
    say(&hosted[0], REQUEST("7", "elicitation/create", "{\"message\":\"?\"}"));
    run();
    pull(&client);
    CHECK(strstr(client.text,
                 REQUEST("\"mcpz-q1\"", "elicitation/create", "{\"message\":\"?\"}")) != NULL);
    check_answer(&other, in_session("{\"jsonrpc\":\"2.0\",\"id\":\"mcpz-q9\",\"result\":{}}"), 202,
                 "");
    CHECK_UINT(hosted[0].line_count, 1);
    check_answer(&other,
                 in_session("{\"jsonrpc\":\"2.0\",\"result\":{\"action\":\"accept\"},"
                            "\"id\":\"mcpz-q1\"}"),
                 202, "");
    CHECK_UINT(hosted[0].line_count, 2);
    CHECK_TEXT(hosted[0].lines[1],
               "{\"jsonrpc\":\"2.0\",\"result\":{\"action\":\"accept\"},\"id\":7}");

    /* One that the server takes back is taken back under the client's name for it. */
    say(&hosted[0], REQUEST("8", "sampling/createMessage", "{}"));
    say(&hosted[0], NOTIFICATION("notifications/cancelled", "{\"requestId\":8}"));
    run();
    pull(&client);
    CHECK(strstr(client.text, "{\"requestId\":\"mcpz-q2\"}") != NULL);
    leave(&client);
    tear_down();
}

TEST(a_client_can_cancel)
{
    struct client client;
    struct client other;

    set_up();
    begin_session();
    ask(&client, in_session(REQUEST("\"a\"", "tools/call", "{\"name\":\"echo\"}")));
    check_answer(&other, in_session(NOTIFICATION("notifications/cancelled", "{\"requestId\":1}")),
                 202, "");
    CHECK(!hosted[0].over);
    check_answer(&other,
                 in_session(NOTIFICATION("notifications/cancelled", "{\"requestId\":\"a\"}")), 202,
                 "");
    CHECK(hosted[0].over);
    CHECK(client.answered);
    pull(&client);
    CHECK(client.ended);
    leave(&client);
    tear_down();
}

TEST(a_session_keeps_to_the_node_of_its_first_call)
{
    struct client first;
    struct client second;
    struct client third;

    set_up();
    begin_session();
    ask(&first, in_session(REQUEST("1", "tools/call", "{\"name\":\"echo\"}")));
    ask(&second, in_session(REQUEST("2", "tools/call", "{\"name\":\"echo\"}")));
    CHECK_UINT(hosted_count, 1); /* it waits until it is known where to */
    CHECK(!hosted[0].had_target);
    say(&hosted[0], LINE_0);
    run();
    CHECK_UINT(hosted_count, 2);
    CHECK(hosted[1].had_target);

    /* A server without a state can be asked anywhere. */
    ask(&third, in_session(REQUEST("3", "tools/call", "{\"name\":\"two_echo\"}")));
    CHECK_UINT(hosted_count, 3);
    CHECK(!hosted[2].had_target);
    leave(&first);
    leave(&second);
    leave(&third);
    tear_down();
}

TEST(a_session_is_of_the_tenant_that_began_it)
{
    struct client client;
    struct mcpz_face_request request = post(INITIALIZE);

    set_up();
    request.tenant = mcpz_text("acme");
    check_answer(&client, request, 200, "\"result\"");
    (void)snprintf(session, sizeof(session), "%s", client.session);
    request = in_session(REQUEST("1", "tools/call", "{\"name\":\"echo\"}"));
    check_answer(&client, request, 404, "-32001");
    request.tenant = mcpz_text("other");
    check_answer(&client, request, 404, "-32001");
    CHECK_UINT(hosted_count, 0);
    request.tenant = mcpz_text("acme");
    ask(&client, request);
    CHECK_UINT(hosted_count, 1);
    CHECK_TEXT(hosted[0].tenant, "acme");
    leave(&client);
    tear_down();
}

TEST(a_failure_of_the_mesh_is_an_error_of_the_protocol)
{
    struct client client;

    set_up();
    begin_session();
    ask(&client, in_session(REQUEST("1", "tools/call", "{\"name\":\"echo\"}")));
    say(&hosted[0], LINE_0);
    run();
    mcpz_line_fail(hosted[0].stream, MCPZ_CODE_PROVIDER_LOST, "gone", 250);
    run();
    CHECK_UINT(client.status, 200);
    CHECK(strstr(client.text, "\"id\":1,\"error\":{\"code\":-32000,") != NULL);
    CHECK(strstr(client.text, "\"data\":{\"code\":\"provider_lost\",\"retryAfterMs\":250,"
                              "\"server\":\"one\",\"node\":\"" NODE "\"}") != NULL);
    leave(&client);
    /* The next call finds another node. */
    ask(&client, in_session(REQUEST("2", "tools/call", "{\"name\":\"echo\"}")));
    CHECK(!hosted[1].had_target);
    leave(&client);
    tear_down();
}

TEST(what_may_be_done_twice_is_asked_elsewhere_when_its_node_is_lost)
{
    struct client client;

    set_up();
    begin_session();
    ask(&client, in_session(REQUEST("1", "tools/call", "{\"name\":\"two_echo\"}")));
    say(&hosted[0], LINE_0);
    run();
    mcpz_line_fail(hosted[0].stream, MCPZ_CODE_PROVIDER_LOST, "gone", 0);
    run();
    CHECK(!client.answered);
    CHECK_UINT(hosted_count, 2);
    say(&hosted[1], LINE_0);
    say(&hosted[1], "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
    run();
    CHECK(strstr(client.text, "\"result\":{}") != NULL);
    leave(&client);
    tear_down();
}

TEST(a_get_hears_what_servers_say_of_their_own_accord)
{
    struct client client;
    struct client stream;

    set_up();
    begin_session();
    ask(&client, in_session(REQUEST("1", "resources/subscribe", "{\"uri\":\"x://1\"}")));
    say(&hosted[0], LINE_0);
    say(&hosted[0], "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
    finish(&hosted[0]);
    run();
    leave(&client);
    ask(&stream, get());
    pull(&stream);
    CHECK_TEXT(stream.text, ": \n\n");
    CHECK_UINT(hosted_count, 2);
    CHECK(strstr(hosted[1].params, "\"kind\":\"listen\"") != NULL);
    CHECK_UINT(hosted[1].line_count, 0);
    say(&hosted[1], LINE_0);
    say(&hosted[1], NOTIFICATION("notifications/resources/updated", "{\"uri\":\"x://1\"}"));
    run();
    pull(&stream);
    CHECK(strstr(stream.text, "notifications/resources/updated") != NULL);

    /* A server less: its tools are gone, when it has been gone for long enough. */
    documents[1] = NULL;
    mcpz_face_hear(face);
    run();
    pass_time(MCPZ_SECONDS(20));
    pass_time(MCPZ_SECONDS(20));
    pull(&stream);
    CHECK(strstr(stream.text, "notifications/tools/list_changed") != NULL);
    leave(&stream);
    pass_time(MCPZ_SECONDS(1));
    pass_time(MCPZ_FACE_UNHEARD_US);
    CHECK(hosted[1].over); /* nobody reads it */
    tear_down();
}

TEST(a_session_that_is_silent_expires)
{
    set_up();
    begin_session();
    pass_time(MCPZ_FACE_SESSION_IDLE_US - MCPZ_SECONDS(1));
    CHECK_UINT(mcpz_face_stats(face).sessions, 1);
    pass_time(MCPZ_SECONDS(1));
    CHECK_UINT(mcpz_face_stats(face).sessions, 0);
    tear_down();
}

TEST(when_all_sessions_are_in_use_who_was_silent_longest_gives_way)
{
    struct client client;
    char caller[40];
    char oldest[40];

    set_up();
    begin_session();
    ask(&client, in_session(REQUEST("1", "tools/call", "{\"name\":\"echo\"}")));
    leave(&client);
    (void)snprintf(caller, sizeof(caller), "%s", session);
    begin_session();
    (void)snprintf(oldest, sizeof(oldest), "%s", session);
    for (size_t i = 2; i < MCPZ_FACE_SESSIONS_MAX; i++) {
        begin_session();
    }
    /* The one that has called a server may still have something there. */
    begin_session();
    CHECK_UINT(mcpz_face_stats(face).sessions, MCPZ_FACE_SESSIONS_MAX);
    (void)snprintf(session, sizeof(session), "%s", oldest);
    check_answer(&client, in_session(REQUEST("1", "ping", "{}")), 404, "-32001");
    now += MCPZ_FACE_EVICTABLE_US;
    begin_session();
    (void)snprintf(session, sizeof(session), "%s", caller);
    check_answer(&client, in_session(REQUEST("1", "ping", "{}")), 404, "-32001");
    tear_down();
}

TEST(a_batch_is_answered_on_one_stream)
{
    struct client client;

    set_up();
    check_answer(&client,
                 post("{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":"
                      "{\"protocolVersion\":\"2025-03-26\",\"capabilities\":{}}}"),
                 200, "2025-03-26");
    (void)snprintf(session, sizeof(session), "%s", client.session);
    ask(&client, in_session("[" REQUEST("1", "ping", "{}") "," NOTIFICATION("x", "{}") "," REQUEST(
                     "2", "tools/call", "{\"name\":\"echo\"}") ",17]"));
    pull(&client);
    CHECK(strstr(client.text, "\"id\":1,\"result\":{}") != NULL);
    CHECK(strstr(client.text, "\"id\":null,\"error\":{\"code\":-32600") != NULL);
    CHECK(!client.ended);
    say(&hosted[0], LINE_0);
    say(&hosted[0], "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}");
    run();
    pull(&client);
    CHECK(client.ended);
    leave(&client);
    tear_down();
}

TEST(names_that_were_given_are_to_be_kept)
{
    struct client client;

    set_up();
    kept[0] = '\0';
    begin_session();
    check_answer(&client, in_session(REQUEST("1", "tools/list", "{}")), 200, "two_echo");
    CHECK(strstr(kept, "tool:echo=one;") != NULL);
    CHECK(strstr(kept, "tool:two_echo=two;") != NULL);
    kept[0] = '\0';
    mcpz_face_pin(face, mcpz_text("tool:echo"), mcpz_text("two"));
    mcpz_face_pin(face, mcpz_text("nothing:echo"), mcpz_text("one"));
    run();
    CHECK_TEXT(kept, "tool:one_echo=one;");
    ask(&client, in_session(REQUEST("1", "tools/call", "{\"name\":\"one_echo\"}")));
    CHECK(strstr(hosted[0].lines[0], "{\"name\":\"echo\"}") != NULL);
    leave(&client);
    tear_down();
}

TEST(who_listens_is_told_when_names_are_said_anew)
{
    static struct mcpz_mcp_names names;
    struct client client;
    struct client stream;
    char why[64];

    set_up();
    begin_session();
    check_answer(&client, in_session(REQUEST("1", "tools/list", "{}")), 200, "\"two_echo\"");
    ask(&stream, get());
    run();
    CHECK_UINT(mcpz_mcp_names_put_alias(&names, "two/echo", "mine", why, sizeof(why)), MCPZ_OK);
    CHECK(mcpz_face_call_by(face, &names));
    run();
    pull(&stream);
    CHECK(strstr(stream.text, "notifications/tools/list_changed") != NULL);
    leave(&stream);
    check_answer(&client, in_session(REQUEST("2", "tools/list", "{}")), 200, "\"mine\"");
    CHECK(strstr(client.text, "two_echo") == NULL);
    CHECK(!mcpz_face_call_by(face, &names));
    const size_t line = hosted_count;
    ask(&client, in_session(REQUEST("3", "tools/call", "{\"name\":\"mine\"}")));
    CHECK(strstr(hosted[line].lines[0], "{\"name\":\"echo\"}") != NULL);
    leave(&client);
    tear_down();
}

TEST_MAIN(RUN(who_listens_is_told_when_names_are_said_anew),
          RUN(names_that_were_given_are_to_be_kept), RUN(a_session_begins_and_ends),
          RUN(a_session_is_of_the_tenant_that_began_it), RUN(what_is_wrong_with_a_request_is_told),
          RUN(the_lists_of_the_mesh_are_those_of_its_servers),
          RUN(a_call_goes_to_whose_tool_it_is_and_comes_back),
          RUN(what_comes_before_the_response_makes_it_a_stream),
          RUN(who_loses_its_stream_asks_on_with_a_get),
          RUN(a_call_that_nobody_comes_back_for_is_given_up),
          RUN(a_question_of_the_server_reaches_its_client_and_the_answer_the_server),
          RUN(a_client_can_cancel), RUN(a_session_keeps_to_the_node_of_its_first_call),
          RUN(a_failure_of_the_mesh_is_an_error_of_the_protocol),
          RUN(what_may_be_done_twice_is_asked_elsewhere_when_its_node_is_lost),
          RUN(a_get_hears_what_servers_say_of_their_own_accord),
          RUN(a_session_that_is_silent_expires),
          RUN(when_all_sessions_are_in_use_who_was_silent_longest_gives_way),
          RUN(a_batch_is_answered_on_one_stream))
