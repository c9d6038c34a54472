#include "mcp/remote.h"
#include "mcp_remote_world.h"
#include "test.h"

#define JSON "application/json"
#define EVENTS "text/event-stream; charset=utf-8"
#define CALL "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{\"name\":\"t\"}}"
#define RESULT "{\"jsonrpc\":\"2.0\",\"id\":7,\"result\":{}}"

static struct trip *last(void)
{
    return &trips[trip_count - 1];
}

static const char *last_heard(void)
{
    CHECK(heard_count > 0);
    return heard[(heard_count - 1) % HEARD_MAX];
}

static const char *why_over(void)
{
    const char *why;

    pass(0);
    CHECK(mcpz_remote_is_over(remote, &why));
    return why;
}

static bool is_over(void)
{
    const char *why;

    pass(0);
    return mcpz_remote_is_over(remote, &why);
}

/* A legacy server that gives a session: 3 trips, of which the last, a stream, stands. */
static void greet(void)
{
    say("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{}}");
    answer_head(last(), 200, JSON, "s-1");
    answer_body(last(), "{\"jsonrpc\":\"2.0\",\"id\":1,\n\"result\":{\"protocolVersion\":"
                        "\"2025-06-18\"}}");
    answer_end(last(), NULL, true);
    CHECK_TEXT(last_heard(), "{\"jsonrpc\":\"2.0\",\"id\":1, \"result\":{\"protocolVersion\":"
                             "\"2025-06-18\"}}");
    say("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
    answer(last(), 202, "", "");
    CHECK_UINT(trip_count, 3);
    CHECK_UINT(last()->verb, MCPZ_REMOTE_GET);
    heard_count = 0;
}

/* The same, without a stream. */
static void greet_plainly(void)
{
    greet();
    answer(last(), 405, "text/plain", "no");
    trip_count = 0;
}

static void greet_modern(void)
{
    say("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server/discover\",\"params\":{\"_meta\":{}}}");
    CHECK_TEXT(last()->version, "2026-07-28");
    CHECK_TEXT(last()->method, "server/discover");
    CHECK_TEXT(last()->session, "");
    answer(last(), 200, JSON, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
    heard_count = trip_count = 0;
}

/* ---- Legacy ------------------------------------------------------------------------------- */

TEST(a_session_is_named_in_all_that_follows)
{
    greet();
    CHECK_TEXT(trips[0].version, "");
    CHECK_TEXT(trips[0].session, "");
    CHECK_TEXT(trips[1].version, "2025-06-18");
    CHECK_TEXT(trips[1].session, "s-1");
    CHECK_TEXT(trips[2].session, "s-1");
    CHECK_TEXT(trips[0].method, "");
    say(CALL);
    CHECK_UINT(last()->verb, MCPZ_REMOTE_POST);
    CHECK_TEXT(last()->session, "s-1");
    CHECK_TEXT(last()->body, CALL);
    CHECK(!last()->repeatable && trips[0].repeatable);
    answer(last(), 200, JSON, RESULT);
    CHECK_TEXT(last_heard(), RESULT);
}

TEST(what_follows_initialized_waits_until_it_was_taken)
{
    say("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
    say("{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"logging/setLevel\",\"params\":{}}");
    say(CALL);
    CHECK_UINT(trip_count, 1);
    answer(last(), 202, "", "");
    CHECK_UINT(trip_count, 3); /* the stream, and the level */
    CHECK(strstr(trips[1].body, "setLevel") != NULL || strstr(trips[2].body, "setLevel") != NULL);
    struct trip *level = strstr(trips[1].body, "setLevel") != NULL ? &trips[1] : &trips[2];
    answer(level, 200, JSON, "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}");
    CHECK_UINT(trip_count, 4);
    CHECK_TEXT(last()->body, CALL);
}

TEST(a_stream_tells_what_belongs_to_the_call_and_then_its_response)
{
    greet_plainly();
    say(CALL);
    answer_head(last(), 200, EVENTS, "");
    answer_body(last(), "id: 1\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}\n\nda");
    CHECK_TEXT(last_heard(), "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}");
    CHECK_TEXT(heard_about, "7");
    answer_body(last(), "ta: {\"jsonrpc\":\"2.0\",\"id\":\"q\",\"method\":\"ping\"}\n\n");
    CHECK_UINT(heard_count, 2);
    say("{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"result\":{}}");
    CHECK_UINT(trip_count, 2);
    answer(last(), 202, "", "");
    answer_body(&trips[0], "data: " RESULT "\n\n");
    CHECK_TEXT(last_heard(), RESULT);
    CHECK(trips[0].over);
}

TEST(a_stream_that_breaks_is_asked_on_for)
{
    greet_plainly();
    say(CALL);
    answer_head(last(), 200, EVENTS, "");
    answer_body(last(), "id: e1\nretry: 250\ndata:\n\n");
    answer_end(last(), NULL, true);
    CHECK_UINT(trip_count, 1);
    pass(MCPZ_MS(249));
    CHECK_UINT(trip_count, 1);
    pass(MCPZ_MS(1));
    CHECK_UINT(trip_count, 2);
    CHECK_UINT(last()->verb, MCPZ_REMOTE_GET);
    CHECK_TEXT(last()->last_event, "e1");
    CHECK_TEXT(last()->session, "s-1");
    answer_head(last(), 200, EVENTS, "");
    answer_body(last(), "id: e2\ndata: " RESULT "\n\n");
    CHECK_TEXT(last_heard(), RESULT);
    CHECK(last()->over);
}

TEST(a_stream_that_breaks_again_and_again_is_given_up)
{
    greet_plainly();
    say(CALL);
    for (size_t i = 0; i <= MCPZ_REMOTE_RESUMES_MAX; i++) {
        CHECK_UINT(trip_count, i + 1);
        answer_head(last(), 200, EVENTS, "");
        answer_body(last(), "id: e1\ndata:\n\n");
        answer_end(last(), "connection reset", true);
        pass(MCPZ_REMOTE_RETRY_MAX_US);
    }
    CHECK(strstr(last_heard(), "\"id\":7,\"error\":{\"code\":-32000") != NULL);
    CHECK(strstr(last_heard(), "connection reset") != NULL);
    CHECK(strstr(last_heard(), "\"code\":\"provider_lost\"") != NULL);
}

TEST(a_stream_without_ids_cannot_be_resumed)
{
    greet_plainly();
    say(CALL);
    answer_head(last(), 200, EVENTS, "");
    answer_body(last(), "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}\n\n");
    answer_end(last(), NULL, true);
    CHECK(strstr(last_heard(), "ended before the answer") != NULL);
    CHECK_UINT(heard_count, 2);
    CHECK(strstr(last()->body, "\"ping\"") != NULL); /* is it still there? */
    answer(last(), 200, JSON, "{\"jsonrpc\":\"2.0\",\"id\":\"mcpz-ping\",\"result\":{}}");
    CHECK_UINT(heard_count, 2);
    CHECK(!is_over());
}

TEST(the_stream_of_a_session_is_asked_for_again)
{
    greet();
    answer_head(last(), 200, EVENTS, "");
    answer_body(last(), "id: 9\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/y\"}\n\n");
    CHECK_UINT(heard_count, 1);
    CHECK_TEXT(heard_about, "");
    answer_end(last(), NULL, true);
    pass(MCPZ_REMOTE_RETRY_US);
    CHECK_UINT(trip_count, 4);
    CHECK_TEXT(last()->last_event, "9");
    answer_end(last(), "connection refused", false);
    CHECK_TEXT(why_over(), "cannot connect to http://far.example/mcp: connection refused");
}

TEST(who_has_not_thought_of_streams_has_not_forgotten_the_session)
{
    greet();
    answer(last(), 404, "text/html", "Cannot GET /mcp");
    CHECK(strstr(last()->body, "\"ping\"") != NULL);
    answer(last(), 200, JSON, "{\"jsonrpc\":\"2.0\",\"id\":\"mcpz-ping\",\"result\":{}}");
    CHECK(!is_over());
    say(CALL);
    answer(last(), 200, JSON, RESULT);
    CHECK_TEXT(last_heard(), RESULT);
    pass(MCPZ_REMOTE_QUIET_US); /* nothing would break: it is asked */
    CHECK(strstr(last()->body, "\"ping\"") != NULL);
    answer(last(), 404, JSON, "{}");
    CHECK_TEXT(why_over(), "it has forgotten the session (404)");
}

TEST(a_stream_that_stands_already_is_asked_for_again)
{
    greet();
    answer(last(), 409, JSON, "{}");
    CHECK_UINT(trip_count, 3);
    pass(MCPZ_REMOTE_RETRY_US);
    CHECK_UINT(trip_count, 4);
    CHECK_UINT(last()->verb, MCPZ_REMOTE_GET);
    answer(last(), 405, JSON, "{}");
    pass(MCPZ_REMOTE_RETRY_US);
    CHECK_UINT(trip_count, 4);
}

TEST(a_forgotten_session_is_the_end)
{
    greet_plainly();
    say(CALL);
    say("{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"tools/list\"}");
    answer(&trips[0], 404, JSON, "{}");
    CHECK(trips[1].over);
    CHECK_TEXT(why_over(), "it has forgotten the session (404)");
    CHECK_UINT(heard_count, 0);
}

TEST(a_session_may_be_forgotten_in_other_words)
{
    greet_plainly();
    say(CALL);
    answer(&trips[0], 400, JSON,
           "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32000,\"message\":\"No valid session\"},"
           "\"id\":null}");
    CHECK_TEXT(last_heard(), "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32000,\"message\":"
                             "\"No valid session\"},\"id\":7}");
    CHECK(strstr(last()->body, "\"ping\"") != NULL);
    answer(last(), 400, JSON, "{\"error\":{\"message\":\"No valid session\"}}");
    CHECK_TEXT(why_over(), "400: it refuses the request: No valid session");
}

TEST(stop_ends_the_session)
{
    greet();
    say(CALL);
    mcpz_remote_stop(remote);
    CHECK(trips[2].over && trips[3].over);
    CHECK_UINT(last()->verb, MCPZ_REMOTE_DELETE);
    CHECK_TEXT(last()->session, "s-1");
    CHECK(!is_over());
    answer(last(), 405, "", "");
    CHECK_TEXT(why_over(), "");
    CHECK_UINT(heard_count, 0);
}

TEST(stop_does_not_wait_for_ever)
{
    greet();
    mcpz_remote_stop(remote);
    pass(MCPZ_REMOTE_LEAVE_US);
    CHECK_TEXT(why_over(), "");
}

TEST(a_legacy_server_is_told_what_is_cancelled)
{
    greet_plainly();
    say(CALL);
    say("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/"
        "cancelled\",\"params\":{\"requestId\":7}}");
    CHECK_UINT(trip_count, 2);
    answer(last(), 202, "", "");
    CHECK(!trips[0].over);
    pass(MCPZ_REMOTE_ABANDONED_US);
    CHECK(trips[0].over);
    CHECK_UINT(heard_count, 0);
}

/* ---- Modern ------------------------------------------------------------------------------- */

TEST(a_modern_request_says_in_its_head_what_it_is)
{
    greet_modern();
    say(CALL);
    CHECK_TEXT(last()->version, "2026-07-28");
    CHECK_TEXT(last()->method, "tools/call");
    CHECK_TEXT(last()->name, "t");
    say("{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"resources/read\",\"params\":{\"uri\":"
        "\"a://\xc3\xa9\"}}");
    CHECK_TEXT(last()->name, "=?base64?YTovL8Op?=");
    say("{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"prompts/get\",\"params\":{\"name\":\" p\"}}");
    CHECK_TEXT(last()->name, "=?base64?IHA=?=");
    say("{\"jsonrpc\":\"2.0\",\"id\":10,\"method\":\"tools/list\",\"params\":{\"name\":\"n\"}}");
    CHECK_TEXT(last()->name, "");
    say("{\"jsonrpc\":\"2.0\",\"id\":11,\"method\":\"tasks/get\",\"params\":{\"taskId\":\"k\"}}");
    CHECK_TEXT(last()->name, "k");
}

TEST(arguments_go_into_headers_where_a_tool_wants_it)
{
    greet_modern();
    CHECK_UINT(
        mcpz_param_book_read(
            &book,
            mcpz_text("{\"tools\":[{\"name\":\"plain\",\"inputSchema\":{\"type\":\"object\"}},"
                      "{\"name\":\"t\\u00e9\",\"inputSchema\":{\"properties\":{"
                      "\"a\":{\"type\":\"string\",\"x-mcp-header\":\"Region\"},"
                      "\"b\":{\"type\":\"integer\",\"x-mcp-header\":\"N\"},\"c\":{\"properties\":"
                      "{\"d\":{\"type\":\"boolean\",\"x-mcp-header\":\"In\"}}},"
                      "\"e\":{\"type\":\"string\",\"x-mcp-header\":\"No\"}}}},"
                      "{\"name\":\"bad\",\"inputSchema\":{\"properties\":{\"a\":{\"type\":"
                      "\"number\",\"x-mcp-header\":\"A\"}}}}]}")),
        MCPZ_OK);
    say("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/"
        "call\",\"params\":{\"name\":\"t\xc3\xa9\","
        "\"arguments\":{\"a\":\"\xc3\xa9\\n\",\"b\":15,\"c\":{\"d\":true},\"e\":null}}}");
    CHECK_TEXT(last()->params, "mcp-param-region: =?base64?w6kK?=|mcp-param-n: 15|"
                               "mcp-param-in: true|");
    say("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"tools/call\",\"params\":{\"name\":\"plain\","
        "\"arguments\":{\"a\":\"x\"}}}");
    CHECK_TEXT(last()->params, "");
    say(CALL); /* without arguments */
    CHECK_TEXT(last()->params, "");
    const size_t before = trip_count;
    say("{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"tools/call\",\"params\":{\"name\":\"bad\"}}");
    pass(0);
    CHECK_UINT(trip_count, before);
    CHECK(strstr(heard[heard_count - 1], "\"id\":8,\"error\":{\"code\":-32000") != NULL);
    CHECK(strstr(heard[heard_count - 1], "x-mcp-header") != NULL);
    CHECK_UINT(mcpz_param_book_read(&book, mcpz_text("{\"tools\":[]}")), MCPZ_OK);
    CHECK_UINT(book.tools.length, 0);
}

TEST(headers_of_arguments_have_bounds)
{
    static char text[65536];
    size_t length = 0;

    greet_modern();
    length += (size_t)snprintf(text, sizeof(text),
                               "{\"tools\":[{\"name\":\"t\",\"inputSchema\":"
                               "{\"properties\":{");
    for (int i = 0; i <= MCPZ_REMOTE_PARAMS_MAX; i++) {
        length += (size_t)snprintf(text + length, sizeof(text) - length,
                                   "%s\"p%d\":{\"type\":\"integer\",\"x-mcp-header\":\"p%d\"}",
                                   i > 0 ? "," : "", i, i);
    }
    (void)snprintf(text + length, sizeof(text) - length, "}}}]}");
    CHECK_UINT(mcpz_param_book_read(&book, mcpz_text(text)), MCPZ_OK);
    length = (size_t)snprintf(text, sizeof(text),
                              "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":"
                              "\"tools/call\",\"params\":{\"name\":\"t\","
                              "\"arguments\":{");
    for (int i = 0; i <= MCPZ_REMOTE_PARAMS_MAX; i++) {
        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s\"p%d\":%d",
                                   i > 0 ? "," : "", i, i);
    }
    (void)snprintf(text + length, sizeof(text) - length, "}}}");
    say(text);
    CHECK(strstr(last()->params, "mcp-param-p23: 23|") != NULL);
    CHECK(strstr(last()->params, "mcp-param-p24") == NULL);
}

TEST(to_hang_up_is_to_cancel)
{
    greet_modern();
    say(CALL);
    answer_head(last(), 200, EVENTS, "");
    say("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/"
        "cancelled\",\"params\":{\"requestId\":7}}");
    CHECK_UINT(trip_count, 1);
    CHECK(last()->over);
    pass(0);
    CHECK(strstr(last_heard(), "\"id\":7,\"error\"") != NULL);
}

TEST(errors_of_the_protocol_pass_whatever_their_status)
{
    static const char error[] = "{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":-32601,"
                                "\"message\":\"no\"}}";
    static const char nobody[] = "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32020,"
                                 "\"message\":\"no\"}}";

    greet_modern();
    say(CALL);
    answer(last(), 404, JSON, error);
    CHECK_TEXT(last_heard(), error);
    say(CALL);
    answer(last(), 400, JSON, nobody);
    CHECK_TEXT(last_heard(), "{\"id\":7,\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32020,"
                             "\"message\":\"no\"}}");
}

TEST(a_subscription_is_made_again)
{
    greet_modern();
    say("{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"subscriptions/listen\",\"params\":{}}");
    answer_head(last(), 200, EVENTS, "");
    answer_body(last(), "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/z\"}\n\n");
    answer_end(last(), "connection reset", true);
    CHECK_UINT(heard_count, 1);
    pass(MCPZ_REMOTE_RETRY_US);
    CHECK_UINT(trip_count, 2);
    CHECK_UINT(last()->verb, MCPZ_REMOTE_POST);
    CHECK_TEXT(last()->body, trips[0].body);
    answer_end(last(), "connection refused", false);
    CHECK_TEXT(why_over(), "cannot connect to http://far.example/mcp: connection refused");
}

/* ---- What goes wrong ---------------------------------------------------------------------- */

TEST(who_cannot_be_reached_is_gone)
{
    say("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{}}");
    answer_end(last(), "Could not resolve host", false);
    CHECK_TEXT(why_over(), "cannot connect to http://far.example/mcp: Could not resolve host");
    say(CALL); /* harmless */
    CHECK_UINT(heard_count, 0);
}

TEST(words_of_others_become_plain_text)
{
    greet_modern();
    say(CALL);
    answer_end(last(), "subject \xff\xfe\"x\"\r\n", true);
    CHECK(strstr(last_heard(), "before the answer: subject 'x' \"") != NULL);
}

TEST(who_wants_other_authorization_is_gone)
{
    greet_plainly();
    say(CALL);
    mcpz_remote_head(last()->trip, &(struct mcpz_remote_head){.status = 401,
                                                              .content_type = JSON,
                                                              .session = "",
                                                              .authenticate = "Bearer realm=\"x\"",
                                                              .location = ""});
    answer_body(last(), "{\"error\":\"invalid_token\"}");
    answer_end(last(), NULL, true);
    CHECK_TEXT(why_over(), "401: it wants other authorization: see `headers`; WWW-Authenticate: "
                           "Bearer realm='x': invalid_token");
}

static void check_refusal(unsigned status, const char *type, const char *body, const char *words)
{
    say(CALL);
    answer(last(), status, type, body);
    if (strstr(last_heard(), words) == NULL) {
        CHECK_TEXT(last_heard(), words);
    }
    CHECK(strncmp(last_heard(), "{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{", 33) == 0);
}

TEST(what_fails_alone_says_why)
{
    greet_modern();
    check_refusal(403, JSON, "{\"error_description\":\"scope\"}",
                  "403: it does not allow that: scope");
    check_refusal(404, "text/html", "<html>",
                  "no MCP server at that url (Streamable HTTP): (a page");
    check_refusal(413, "", "", "413: the request is too large for it");
    check_refusal(500, "text/plain", "oh\x01\n\"no\"", "500: it has a fault: oh 'no'");
    check_refusal(200, "text/html", "<html>", "answered with text/html instead of JSON");
    check_refusal(200, JSON, "", "answered with nothing");
    check_refusal(200, JSON, "{", "no message of MCP");
    check_refusal(200, JSON, "[]", "not to the request");
    check_refusal(202, "", "", "took the request and answered nothing");
    CHECK(!is_over());
}

TEST(a_redirection_is_told)
{
    greet_modern();
    say(CALL);
    mcpz_remote_head(last()->trip,
                     &(struct mcpz_remote_head){.status = 307,
                                                .content_type = "",
                                                .session = "",
                                                .authenticate = "",
                                                .location = "https://other.example/mcp"});
    answer_end(last(), NULL, true);
    CHECK(strstr(last_heard(), "307: it redirects to https://other.example/mcp") != NULL);
}

TEST(who_is_busy_is_spared)
{
    greet_modern();
    say(CALL);
    mcpz_remote_head(last()->trip, &(struct mcpz_remote_head){.status = 429,
                                                              .content_type = "",
                                                              .session = "",
                                                              .authenticate = "",
                                                              .location = "",
                                                              .retry_after_s = 7});
    answer_end(last(), NULL, true);
    CHECK_UINT(spared_s, 7);
    CHECK(strstr(last_heard(), "429: it asks to come back in 7 s") != NULL);
    CHECK(strstr(last_heard(), "\"code\":\"busy\",\"retryAfterMs\":7000") != NULL);
}

TEST(several_messages_in_an_array_are_told_one_by_one)
{
    greet_plainly();
    say(CALL);
    answer(last(), 200, JSON,
           "[{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"},\n7,\n" RESULT "]");
    CHECK_UINT(heard_count, 2);
    CHECK_TEXT(last_heard(), RESULT);
}

TEST(an_answer_has_a_bound)
{
    static char piece[(1 << 16) + 1];

    greet_modern();
    memset(piece, ' ', sizeof(piece) - 1);
    say(CALL);
    answer_head(last(), 200, JSON, "");
    for (size_t i = 0; !last()->over && i <= MCPZ_UPSTREAM_LINE_BYTES_MAX >> 16; i++) {
        answer_body(last(), piece);
    }
    CHECK(last()->over);
    CHECK(strstr(last_heard(), "more than 8 MiB in one message") != NULL);
    say(CALL);
    answer_head(last(), 500, "text/plain", "");
    answer_body(last(), piece);
    answer_body(last(), piece); /* not kept */
    answer_end(last(), NULL, true);
    CHECK(strstr(last_heard(), "500: it has a fault") != NULL);
}

TEST(so_much_is_asked_at_once_and_not_more)
{
    greet_modern();
    for (size_t i = 0; i < MCPZ_REMOTE_TRIPS_MAX; i++) {
        say(CALL);
    }
    CHECK_UINT(trip_count, MCPZ_REMOTE_TRIPS_MAX);
    say(CALL);
    CHECK_UINT(trip_count, MCPZ_REMOTE_TRIPS_MAX);
    pass(0);
    CHECK_UINT(heard_count, 1);
    CHECK(strstr(last_heard(), "too much is asked of it at once") != NULL);
}

TEST(no_memory_is_told)
{
    greet_modern();
    no_memory = true;
    say(CALL);
    CHECK_UINT(heard_count, 0);
    pass(0);
    CHECK(strstr(last_heard(), "out of memory") != NULL);
}

TEST(a_silent_server_is_pinged)
{
    greet_plainly();
    pass(MCPZ_REMOTE_QUIET_US);
    CHECK_UINT(trip_count, 1);
    CHECK(strstr(last()->body, "\"ping\"") != NULL);
    answer(last(), 200, JSON, "{\"jsonrpc\":\"2.0\",\"id\":\"mcpz-ping\",\"result\":{}}");
    CHECK_UINT(heard_count, 0);
    pass(MCPZ_REMOTE_QUIET_US);
    CHECK_UINT(trip_count, 2);
    pass(MCPZ_REMOTE_QUIET_US);
    CHECK_TEXT(why_over(), "it does not answer any more");
}

TEST(who_works_is_not_pinged)
{
    greet_modern();
    say(CALL);
    pass(10 * MCPZ_REMOTE_QUIET_US);
    CHECK_UINT(trip_count, 1);
    CHECK(!is_over());
    answer(last(), 200, JSON, RESULT);
    pass(MCPZ_REMOTE_QUIET_US);
    CHECK_TEXT(last()->method, "server/discover");
}

TEST(a_session_with_a_bad_name_is_not_begun)
{
    say("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{}}");
    answer_head(last(), 200, JSON, "a b");
    CHECK(last()->over);
    CHECK_TEXT(why_over(), "the name of its session is not visible ASCII");
}

/* ---- What the host does while it hears ---------------------------------------------------- */

static void stop_now(void)
{
    mcpz_remote_stop(remote);
}

static void ask_more(void)
{
    on_heard = NULL;
    say("{\"jsonrpc\":\"2.0\",\"id\":8,\"method\":\"tools/list\"}");
}

TEST(the_host_may_stop_it_while_it_hears)
{
    greet();
    say(CALL);
    on_heard = stop_now;
    answer_head(last(), 200, EVENTS, "");
    struct trip *call = last();
    answer_body(call, "data: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}\n\n"
                      "data: " RESULT "\n\n");
    CHECK(call->over);
    CHECK_UINT(heard_count, 1);
    answer_end(last(), NULL, true);
    CHECK_TEXT(why_over(), "");
}

TEST(the_host_may_ask_while_it_hears)
{
    greet_modern();
    say(CALL);
    on_heard = ask_more;
    answer(&trips[0], 200, JSON, RESULT);
    CHECK_UINT(trip_count, 2);
    CHECK(trips[0].over && !trips[1].over);
}

#define RUN_NEW(name) cmocka_unit_test_setup_teardown(name, begin_remote, end_remote)

TEST_MAIN(RUN_NEW(a_session_is_named_in_all_that_follows),
          RUN_NEW(what_follows_initialized_waits_until_it_was_taken),
          RUN_NEW(a_stream_tells_what_belongs_to_the_call_and_then_its_response),
          RUN_NEW(a_stream_that_breaks_is_asked_on_for),
          RUN_NEW(a_stream_that_breaks_again_and_again_is_given_up),
          RUN_NEW(a_stream_without_ids_cannot_be_resumed),
          RUN_NEW(the_stream_of_a_session_is_asked_for_again),
          RUN_NEW(who_has_not_thought_of_streams_has_not_forgotten_the_session),
          RUN_NEW(a_stream_that_stands_already_is_asked_for_again),
          RUN_NEW(a_forgotten_session_is_the_end),
          RUN_NEW(a_session_may_be_forgotten_in_other_words), RUN_NEW(stop_ends_the_session),
          RUN_NEW(stop_does_not_wait_for_ever), RUN_NEW(a_legacy_server_is_told_what_is_cancelled),
          RUN_NEW(a_modern_request_says_in_its_head_what_it_is),
          RUN_NEW(arguments_go_into_headers_where_a_tool_wants_it),
          RUN_NEW(headers_of_arguments_have_bounds), RUN_NEW(to_hang_up_is_to_cancel),
          RUN_NEW(errors_of_the_protocol_pass_whatever_their_status),
          RUN_NEW(a_subscription_is_made_again), RUN_NEW(who_cannot_be_reached_is_gone),
          RUN_NEW(words_of_others_become_plain_text),
          RUN_NEW(who_wants_other_authorization_is_gone), RUN_NEW(what_fails_alone_says_why),
          RUN_NEW(a_redirection_is_told), RUN_NEW(who_is_busy_is_spared),
          RUN_NEW(several_messages_in_an_array_are_told_one_by_one),
          RUN_NEW(an_answer_has_a_bound), RUN_NEW(so_much_is_asked_at_once_and_not_more),
          RUN_NEW(no_memory_is_told), RUN_NEW(a_silent_server_is_pinged),
          RUN_NEW(who_works_is_not_pinged), RUN_NEW(a_session_with_a_bad_name_is_not_begun),
          RUN_NEW(the_host_may_stop_it_while_it_hears), RUN_NEW(the_host_may_ask_while_it_hears))
