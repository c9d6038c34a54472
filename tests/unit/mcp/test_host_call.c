/* What becomes of a call in its own era. */

#include "mcp/words.h"
#include "mcp_host_world.h"

#define X "{\"command\":\"x\",\"replicas\":2,\"idle\":\"60s\"}"
#define SESSION_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SESSION_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define SESSION_C "cccccccccccccccccccccccccccccccc"
#define CALL                                                                                      \
    "{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"method\":\"tools/call\",\"params\":{\"name\":\"t\"}}"

/* ---- A legacy client, a legacy server ----------------------------------------------------- */

/* The process of a session, which has just been started for a call. */
static struct mcpz_upstream *begin_session(void)
{
    struct mcpz_upstream *fake = last_fake();

    CHECK(strstr(fake->lines[0],
                 "\"params\":{\"protocolVersion\":\"2025-06-18\",\"capabilities\":"
                 "{\"sampling\":{}},\"clientInfo\":{\"name\":\"c\",\"version\":\"1\"}}") != NULL);
    initialize(fake);
    return fake;
}

TEST(each_session_has_a_process_that_knows_its_client)
{
    legacy_server(X);
    struct client *a = ask(LEGACY_PARAMS(SESSION_A), CALL);
    struct mcpz_upstream *fake_a = begin_session();
    const char *line = told(fake_a);
    CHECK(strstr(line, ",\"method\":\"tools/call\",\"params\":{\"name\":\"t\"}}") != NULL);
    CHECK(strstr(line, "\"q\"") == NULL); /* its id is ours */
    struct client *b = ask(LEGACY_PARAMS(SESSION_B), CALL);
    struct mcpz_upstream *fake_b = begin_session();
    CHECK(fake_a != fake_b);
    answers(fake_b, told(fake_b), "{\"who\":\"b\"}");
    answers(fake_a, line, "{\"who\" : \"a\"}");
    CHECK_TEXT(heard(a), "{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"result\":{\"who\" : \"a\"}}");
    CHECK_TEXT(heard(b), "{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"result\":{\"who\":\"b\"}}");
    CHECK(a->over && b->over);
    /* The next call of a session goes to the same one, at once. */
    struct client *again = ask(LEGACY_PARAMS(SESSION_A), CALL);
    answers(fake_a, told(fake_a), "{}");
    CHECK(again->over);
}

TEST(what_need_not_change_passes_byte_for_byte)
{
    legacy_server(X);
    struct client *client =
        ask(LEGACY_PARAMS(SESSION_A),
            "{ \"method\" : \"tools/call\", \"id\" : 7 , \"jsonrpc\":\"2.0\", \"x\":[1.50, "
            "\"\\u00e9\"],"
            "\"params\" : {\"_meta\":{\"progressToken\":7,\"odd\":{}}, \"name\":\"t\"} }");
    struct mcpz_upstream *fake = begin_session();
    char expected[FAKE_LINE_BYTES];
    const char *line = told(fake);
    unsigned long id = strtoul(strstr(line, "\"id\" : ") + 7, NULL, 10);
    (void)snprintf(expected, sizeof(expected),
                   "{ \"method\" : \"tools/call\", \"id\" : %lu , \"jsonrpc\":\"2.0\", "
                   "\"x\":[1.50, \"\\u00e9\"],\"params\" : "
                   "{\"_meta\":{\"progressToken\":7,\"odd\":{}}, \"name\":\"t\"} }",
                   id);
    CHECK_TEXT(line, expected);
    (void)snprintf(
        expected, sizeof(expected),
        "{\"result\" : {\"b\":1e3, \"a\":null}, \"id\":%lu,\"jsonrpc\":\"2.0\",\"y\":0}", id);
    says(fake, expected);
    CHECK_TEXT(heard(client), "{\"result\" : {\"b\":1e3, \"a\":null}, \"id\":7,"
                              "\"jsonrpc\":\"2.0\",\"y\":0}");
}

TEST(progress_finds_its_call_also_if_two_have_the_same_token)
{
    legacy_server(X);
    const char *request = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":"
                          "{\"_meta\":{\"progressToken\":\"p\"}}}";
    struct client *first = ask(LEGACY_PARAMS(SESSION_A), request);
    struct mcpz_upstream *fake = begin_session();
    CHECK(strstr(told(fake), "\"progressToken\":\"p\"") != NULL);
    struct client *second = ask(LEGACY_PARAMS(SESSION_A), request);
    const char *line = told(fake);
    char *token = strstr(line, "\"progressToken\":\"mcpz-");
    CHECK(token != NULL);
    char text[FAKE_LINE_BYTES];
    (void)snprintf(text, sizeof(text),
                   "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{%.*s,"
                   "\"progress\":5}}",
                   (int)strcspn(token, "}"), token);
    says(fake, text);
    CHECK(has_heard_all(first));
    CHECK_TEXT(heard(second), "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\","
                              "\"params\":{\"progressToken\":\"p\",\"progress\":5}}");
    says(fake, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":"
               "{\"progressToken\":\"p\",\"progress\":6}}");
    CHECK(strstr(heard(first), "\"progress\":6") != NULL);
    CHECK(has_heard_all(second));
    says(fake, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":"
               "{\"progressToken\":\"unknown\",\"progress\":6}}");
    CHECK(has_heard_all(first) && has_heard_all(second));
}

TEST(what_a_server_asks_goes_to_the_client_of_its_call_and_back)
{
    legacy_server(X);
    struct client *client = ask(LEGACY_PARAMS(SESSION_A), CALL);
    struct mcpz_upstream *fake = begin_session();
    const char *line = told(fake);
    const char *question = "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"sampling/createMessage\","
                           "\"params\":{\"x\":1}}";
    const char *answer = "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{\"model\":\"m\"}}";
    says(fake, question);
    CHECK_TEXT(heard(client), question);
    client_says(client, "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{}}"); /* to nothing asked */
    CHECK(is_told_all(fake));
    client_says(client, answer);
    CHECK_TEXT(told(fake), answer);
    client_says(client, answer); /* once is enough */
    CHECK(is_told_all(fake));
    says(fake, "{\"jsonrpc\":\"2.0\",\"id\":\"ping\",\"method\":\"ping\"}");
    CHECK_TEXT(told(fake), "{\"jsonrpc\":\"2.0\",\"id\":\"ping\",\"result\":{}}");
    answers(fake, line, "{}");
    says(fake, question); /* nobody is there to be asked any more */
    CHECK(strstr(told(fake), "\"error\":{\"code\":-32601") != NULL);
}

TEST(a_server_that_tells_which_call_it_speaks_of_is_believed)
{
    const char *question = "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"roots/list\"}";
    const char *news = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\","
                       "\"params\":{\"level\":\"info\",\"data\":1}}";
    char about[32];

    legacy_server(X);
    struct client *first = ask(LEGACY_PARAMS(SESSION_A), CALL);
    struct mcpz_upstream *fake = begin_session();
    (void)snprintf(about, sizeof(about), "%lu", id_in(told(fake)));
    struct client *second = ask(LEGACY_PARAMS(SESSION_A), CALL);
    (void)told(fake);
    says(fake, news); /* else it is of the latest */
    CHECK(has_heard_all(first));
    CHECK_TEXT(heard(second), news);
    says_about(fake, news, about);
    says_about(fake, question, about);
    CHECK_TEXT(heard(first), news);
    CHECK_TEXT(heard(first), question);
    CHECK(has_heard_all(second));
    says_about(fake, news, "999999"); /* which it was never asked */
    CHECK_TEXT(heard(second), news);
    says_about(fake, news, "1x");
    says_about(fake, news, "\"1\"");
    CHECK(has_heard_all(first));
}

TEST(nobody_answers_for_another)
{
    char text[256];

    legacy_server(X);
    struct client *a = ask(LEGACY_PARAMS(SESSION_A), CALL);
    struct mcpz_upstream *fake_a = begin_session();
    const char *line = told(fake_a);
    struct client *b = ask(LEGACY_PARAMS(SESSION_B), CALL);
    struct mcpz_upstream *fake_b = begin_session();
    answers(fake_b, line, "{\"forged\":true}"); /* with the number of the other one's call */
    CHECK(has_heard_all(a) && has_heard_all(b));
    says(fake_a, "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"roots/list\"}");
    CHECK(strstr(heard(a), "roots/list") != NULL);
    (void)told(fake_b);
    (void)snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{}}");
    client_says(b, text);
    CHECK(is_told_all(fake_a) && is_told_all(fake_b));
    /* Another call of the same session is another client, too. */
    struct client *c = ask(LEGACY_PARAMS(SESSION_A), CALL);
    (void)told(fake_a);
    client_says(c, text);
    CHECK(is_told_all(fake_a));
    /* And what was asked for a call that is over is asked no more. */
    answers(fake_a, line, "{}");
    CHECK(a->over);
    says(fake_a, "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"roots/list\"}");
    CHECK(strstr(heard(c), "roots/list") != NULL);
    client_says(c, text);
    CHECK_TEXT(told(fake_a), text);
}

TEST(what_a_client_tells_starts_no_process)
{
    const char *told_all = "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/roots/list_changed\"}";

    legacy_server(X);
    size_t before = fake_count;
    struct client *client = ask(LEGACY_PARAMS(SESSION_A), told_all);
    CHECK(client->over);
    CHECK_UINT(client->code, MCPZ_CODE_OK);
    CHECK_UINT(fake_count, before);
    client = ask(LEGACY_PARAMS(SESSION_A), CALL);
    struct mcpz_upstream *fake = begin_session();
    (void)told(fake);
    client = ask(LEGACY_PARAMS(SESSION_A), told_all);
    CHECK_TEXT(told(fake), told_all);
    CHECK(client->over);
}

TEST(a_cancelled_call_is_cancelled_at_the_server)
{
    char expected[160];

    legacy_server(X);
    struct client *client = ask(LEGACY_PARAMS(SESSION_A), CALL);
    struct mcpz_upstream *fake = begin_session();
    const char *line = told(fake);
    mcpz_line_cancel(client->stream);
    settle_all();
    (void)snprintf(expected, sizeof(expected),
                   "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":"
                   "{\"requestId\":%lu,\"reason\":\"nobody waits for it any more\"}}",
                   id_in(line));
    CHECK_TEXT(told(fake), expected);
    answers(fake, line, "{}"); /* it was too late: that is no harm */
    CHECK(!fake->stopped);
}

TEST(a_process_that_ends_fails_its_calls_and_the_next_one_starts_anew)
{
    legacy_server(X);
    struct client *client = ask(LEGACY_PARAMS(SESSION_A), CALL);
    struct mcpz_upstream *fake = begin_session();
    goes(fake, "killed by signal 9 (SIGKILL)");
    CHECK(client->over);
    CHECK_UINT(client->code, MCPZ_CODE_PROVIDER_CRASHED);
    CHECK_TEXT(client->text,
               "the server x ended before it answered: killed by signal 9 (SIGKILL)");
    CHECK_TEXT(look()->state, "ready"); /* its describer is another process */
    client = ask(LEGACY_PARAMS(SESSION_A), CALL);
    CHECK(last_fake() != fake);
    fake = begin_session();
    answers(fake, told(fake), "{}");
    CHECK_UINT(client->code, MCPZ_CODE_OK);
}

TEST(there_are_so_many_processes_and_then_calls_wait)
{
    legacy_server(X);
    struct client *client = ask(LEGACY_PARAMS(SESSION_A), CALL);
    struct mcpz_upstream *first = begin_session();
    (void)ask(LEGACY_PARAMS(SESSION_B), CALL);
    struct client *third = ask(LEGACY_PARAMS(SESSION_C), CALL);
    struct client *fourth = ask(LEGACY_PARAMS("dddddddddddddddddddddddddddddddd"), CALL);
    size_t before = fake_count;
    CHECK(!third->over && !fourth->over);

    /* The first one's process is free: it gives way to who came first. */
    answers(first, told(first), "{}");
    CHECK(client->over && first->stopped);
    CHECK_UINT(fake_count, before + 1);
    struct mcpz_upstream *theirs = begin_session();
    answers(theirs, told(theirs), "{}");
    CHECK(third->over && theirs->stopped);
    CHECK_UINT(third->code, MCPZ_CODE_OK);
    CHECK_UINT(fake_count, before + 2);
    CHECK(!fourth->over);
}

TEST(a_call_does_not_wait_for_a_process_for_ever)
{
    legacy_server(X);
    (void)ask(LEGACY_PARAMS(SESSION_A), CALL);
    initialize(last_fake());
    (void)ask(LEGACY_PARAMS(SESSION_B), CALL);
    initialize(last_fake());
    struct client *client = ask(LEGACY_PARAMS(SESSION_C), CALL);
    pass_until(clock_us + MCPZ_MCP_ROOM_US - 1);
    CHECK(!client->over);
    pass_until(clock_us + 1);
    CHECK(client->over);
    CHECK_UINT(client->code, MCPZ_CODE_BUSY);
    CHECK_TEXT(client->text, "all 2 processes of the server x are in use (replicas)");
}

TEST(the_session_that_is_idle_for_longest_gives_way)
{
    legacy_server(X);
    struct client *client = ask(LEGACY_PARAMS(SESSION_A), CALL);
    struct mcpz_upstream *first = begin_session();
    answers(first, told(first), "{}");
    pass_until(clock_us + MCPZ_SECONDS(1));
    client = ask(LEGACY_PARAMS(SESSION_B), CALL);
    struct mcpz_upstream *second = begin_session();
    answers(second, told(second), "{}");
    CHECK_UINT(client->code, MCPZ_CODE_OK);

    client = ask(LEGACY_PARAMS(SESSION_C), CALL);
    CHECK(!client->over);
    CHECK(first->stopped);
    CHECK(!second->stopped);
}

TEST(a_session_that_nobody_hears_gives_way_to_one_that_calls)
{
    legacy_server(X);
    struct client *client = ask(LEGACY_PARAMS(SESSION_A), CALL);
    struct mcpz_upstream *first = begin_session();
    answers(first, told(first), "{}");
    struct client *heard_one = ask(LISTEN_PARAMS(SESSION_A), NULL);
    client = ask(LEGACY_PARAMS(SESSION_B), CALL);
    struct mcpz_upstream *second = begin_session();
    answers(second, told(second), "{}");
    struct client *other = ask(LISTEN_PARAMS(SESSION_B), NULL);

    client_says(heard_one, MCPZ_LINE_UNHEARD);
    client_says(heard_one, MCPZ_LINE_HEARD);
    client = ask(LEGACY_PARAMS(SESSION_C), CALL);
    CHECK(!client->over && !second->stopped); /* it waits */
    client_says(other, MCPZ_LINE_UNHEARD);
    CHECK(!client->over);
    CHECK(second->stopped);
    CHECK(!first->stopped);
    goes(second, "");
    CHECK(other->over);
    CHECK_UINT(other->code, MCPZ_CODE_OK); /* so that no breaker counts it */
    CHECK(!heard_one->over);
}

TEST(a_process_that_nobody_needs_is_ended)
{
    legacy_server(X);
    struct client *client = ask(LEGACY_PARAMS(SESSION_A), CALL);
    struct mcpz_upstream *fake = begin_session();
    answers(fake, told(fake), "{}");
    CHECK(client->over);
    pass_until(clock_us + MCPZ_SECONDS(60) - 1);
    CHECK(!fake->stopped);
    pass_until(clock_us + 1);
    CHECK(fake->stopped);
    (void)ask(LEGACY_PARAMS(SESSION_A), CALL);
    CHECK(last_fake() != fake);
}

TEST(the_end_of_a_session_ends_its_process)
{
    legacy_server(X);
    struct client *client = ask(LEGACY_PARAMS(SESSION_A), CALL);
    struct mcpz_upstream *fake = begin_session();
    answers(fake, told(fake), "{}");
    struct client *listener = ask(LISTEN_PARAMS(SESSION_A), NULL);
    says(fake, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\","
               "\"params\":{\"uri\":\"a:b\"}}");
    CHECK(strstr(heard(listener), "notifications/resources/updated") != NULL);
    client = ask(END_PARAMS(SESSION_A), NULL);
    CHECK(client->over && listener->over);
    CHECK_UINT(listener->code, MCPZ_CODE_OK);
    CHECK(fake->stopped);
}

TEST(a_shared_server_has_one_process_for_all)
{
    struct mcpz_upstream *describer = legacy_server("{\"command\":\"x\",\"stateless\":true}");
    struct client *a = ask(LEGACY_PARAMS(SESSION_A), CALL);
    struct client *b = ask(LEGACY_PARAMS(SESSION_B), CALL);
    const char *first = told(describer);
    const char *second = told(describer);

    CHECK(id_in(first) != id_in(second));
    answers(describer, second, "{\"who\":\"b\"}");
    answers(describer, first, "{\"who\":\"a\"}");
    CHECK(strstr(heard(a), "\"a\"") != NULL);
    CHECK(strstr(heard(b), "\"b\"") != NULL);
}

TEST(a_call_waits_for_a_server_that_blips_and_is_told_if_it_stays_down)
{
    struct mcpz_upstream *describer = legacy_server("{\"command\":\"x\",\"shared\":true}");

    goes(describer, "oops");
    struct client *client = ask(LEGACY_PARAMS(SESSION_A), CALL);
    CHECK(!client->over);
    pass_until(clock_us + MCPZ_MCP_BACKOFF_FIRST_US);
    describer = last_fake();
    initialize(describer);
    list_tools(describer, "{\"name\":\"t\"}");
    answers(describer, told(describer), "{}");
    CHECK_UINT(client->code, MCPZ_CODE_OK);
    goes(describer, "oops");
    client = ask(LEGACY_PARAMS(SESSION_A), CALL);
    CHECK(!client->over);
    for (int i = 0; i < 5; i++) {
        pass_until(clock_us + MCPZ_SECONDS(4));
        goes(last_fake(), "oops");
    }
    CHECK_UINT(client->code, MCPZ_CODE_START_FAILED);
    CHECK_TEXT(client->text, "the server x is down: oops");
    client = ask(LEGACY_PARAMS(SESSION_A), CALL); /* it will take longer than one waits */
    CHECK_UINT(client->code, MCPZ_CODE_START_FAILED);
}

TEST(what_is_no_request_is_refused)
{
    legacy_server(X);
    struct client *client = ask(LEGACY_PARAMS(SESSION_A), "{\"jsonrpc\":\"2.0\",\"id\":3}");
    CHECK(strstr(heard(client), "\"error\":{\"code\":-32600") != NULL);
    client = ask(LEGACY_PARAMS(SESSION_A), "{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{}}");
    CHECK_UINT(client->code, MCPZ_CODE_BAD_REQUEST);
    client = ask(LEGACY_PARAMS(SESSION_A), NULL);
    mcpz_line_finish(client->stream);
    settle_all();
    CHECK_UINT(client->code, MCPZ_CODE_BAD_REQUEST);
    CHECK_UINT(call_as("mcp/x", "", "")->code, MCPZ_CODE_BAD_REQUEST);
    CHECK_UINT(call_as("mcp/x", "{\"kind\":\"other\"}", "")->code, MCPZ_CODE_BAD_REQUEST);
    CHECK_UINT(call_as("mcp/x", LEGACY_PARAMS("\\\"}"), "")->code, MCPZ_CODE_BAD_REQUEST);
    CHECK_UINT(call_as("mcp/x", LISTEN_PARAMS(""), "")->code, MCPZ_CODE_BAD_REQUEST);
}

TEST_MAIN(CASE(each_session_has_a_process_that_knows_its_client),
          CASE(what_need_not_change_passes_byte_for_byte),
          CASE(progress_finds_its_call_also_if_two_have_the_same_token),
          CASE(what_a_server_asks_goes_to_the_client_of_its_call_and_back),
          CASE(a_server_that_tells_which_call_it_speaks_of_is_believed),
          CASE(nobody_answers_for_another), CASE(what_a_client_tells_starts_no_process),
          CASE(a_cancelled_call_is_cancelled_at_the_server),
          CASE(a_process_that_ends_fails_its_calls_and_the_next_one_starts_anew),
          CASE(there_are_so_many_processes_and_then_calls_wait),
          CASE(a_call_does_not_wait_for_a_process_for_ever),
          CASE(the_session_that_is_idle_for_longest_gives_way),
          CASE(a_session_that_nobody_hears_gives_way_to_one_that_calls),
          CASE(a_process_that_nobody_needs_is_ended), CASE(the_end_of_a_session_ends_its_process),
          CASE(a_shared_server_has_one_process_for_all),
          CASE(a_call_waits_for_a_server_that_blips_and_is_told_if_it_stays_down),
          CASE(what_is_no_request_is_refused))
