/* What becomes of a call of one era to a server of the other. */

#include "mcp/words.h"
#include "mcp_host_world.h"

#define X "{\"command\":\"x\",\"replicas\":2,\"idle\":\"60s\"}"
#define SESSION_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SESSION_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define SESSION_C "cccccccccccccccccccccccccccccccc"
#define CALL                                                                                      \
    "{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"method\":\"tools/call\",\"params\":{\"name\":\"t\"}}"

/* ---- A modern client, a legacy server ----------------------------------------------------- */

TEST(modern_clients_that_can_be_asked_nothing_share_a_process)
{
    (void)legacy_server(X);
    struct client *client = ask(MODERN_PARAMS("{}"), CALL);

    struct mcpz_upstream *common = last_fake();
    CHECK(strstr(common->lines[0], "\"capabilities\":{},") != NULL);
    initialize(common);
    answers(common, told(common), "{\"content\":[]}");
    CHECK_TEXT(
        heard(client),
        "{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"result\":{\"resultType\":\"complete\",\"_meta\":"
        "{\"io.modelcontextprotocol/serverInfo\":{\"name\":\"s\",\"version\":\"2\"}},"
        "\"content\":[]}}");
    client = ask(MODERN_PARAMS("{}"), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}");
    answers(common, told(common), "{}");
    CHECK(strstr(heard(client), "\"result\":{\"resultType\":\"complete\",\"ttlMs\":0,"
                                "\"cacheScope\":\"private\",\"_meta\":") != NULL);
    client =
        ask(MODERN_PARAMS("{}"), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"resources/read\"}");
    refuses(common, told(common), -32002);
    CHECK_TEXT(heard(client), "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32602,"
                              "\"message\":\"no\"}}");
    client = ask(MODERN_PARAMS("{}"), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}");
    CHECK(strstr(heard(client), "\"error\":{\"code\":-32601") != NULL);
    client =
        ask(MODERN_PARAMS("{}"), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"server/discover\"}");
    CHECK(strstr(heard(client), "\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":"
                                "{\"tools\":{\"listChanged\":true}}") != NULL);
    pass_until(clock_us + MCPZ_SECONDS(59));
    CHECK(!common->stopped);
    pass_until(clock_us + MCPZ_SECONDS(2));
    CHECK(common->stopped);
}

TEST(the_describer_says_that_its_client_can_be_asked_unless_it_does_calls)
{
    const char *all = "\"capabilities\":{\"sampling\":{},\"elicitation\":{\"form\":{},\"url\":{}},"
                      "\"roots\":{}},";
    struct mcpz_upstream *describer = legacy_server(X);

    CHECK(strstr(describer->lines[0], all) != NULL);
    says(describer, "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"roots/list\"}");
    CHECK_TEXT(told(describer), "{\"jsonrpc\":\"2.0\",\"id\":5,\"result\":{\"roots\":[]}}");
    says(describer, "{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"sampling/createMessage\"}");
    CHECK(strstr(told(describer), "\"error\":{\"code\":-32601") != NULL);
    describer = legacy_server("{\"command\":\"x\",\"shared\":true}");
    CHECK(strstr(describer->lines[0], "\"capabilities\":{},") != NULL);
}

/* A call of a modern client that can be asked, and the process that does it. */
static struct client *ask_modern(struct mcpz_upstream **fake, const char *tenant)
{
    struct client *client =
        call_as("mcp/x", MODERN_PARAMS("{\"elicitation\":{\"form\":{}}}"), tenant);

    (void)heard(client);
    client_says(client, CALL);
    *fake = last_fake();
    CHECK(strstr((*fake)->lines[0], "\"capabilities\":{\"elicitation\":{\"form\":{}}}") != NULL);
    initialize(*fake);
    return client;
}

/* The place in what a client heard that input is required. */
static void read_state(const char *line, char place[160])
{
    const char *at = strstr(line, "\"requestState\":\"mcpz1.n-");

    CHECK(at != NULL);
    (void)snprintf(place, 160, "%.*s", (int)strcspn(at + 16, "\""), at + 16);
}

static struct client *come_back(const char *place, const char *responses, const char *tenant)
{
    char line[FAKE_LINE_BYTES];
    struct client *client =
        call_as("mcp/x", MODERN_PARAMS("{\"elicitation\":{\"form\":{}}}"), tenant);

    (void)heard(client);
    (void)snprintf(line, sizeof(line),
                   "{\"jsonrpc\":\"2.0\",\"id\":\"r\",\"method\":\"tools/call\",\"params\":"
                   "{\"name\":\"t\",\"requestState\":\"%s\",\"inputResponses\":%s}}",
                   place, responses);
    client_says(client, line);
    return client;
}

#define QUESTION                                                                                  \
    "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"elicitation/create\",\"params\":{\"message\":"    \
    "\"name?\"}}"

TEST(a_question_parks_the_call_until_its_client_comes_back)
{
    struct mcpz_upstream *fake;
    char place[160];

    legacy_server(X);
    struct client *client = ask_modern(&fake, "acme");
    const char *request = told(fake);
    says(fake, QUESTION);
    const char *line = heard(client);
    CHECK(strstr(line, "{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"result\":{\"resultType\":"
                       "\"input_required\",\"inputRequests\":{\"input0\":{\"method\":"
                       "\"elicitation/create\",\"params\":{\"message\":\"name?\"}}},") == line);
    CHECK(client->over);
    read_state(line, place);
    CHECK_UINT(mcpz_mcp_host_stats(host)->parked, 1);
    CHECK(is_told_all(fake)); /* nobody has cancelled it */
    /* Somebody else cannot answer for it. */
    struct client *other = come_back(place, "{\"input0\":{\"action\":\"accept\"}}", "evil");
    CHECK(strstr(heard(other), "\"error\":{\"code\":-32602") != NULL);
    client = come_back(place, "{\"input0\":{\"action\":\"accept\"}}", "acme");
    CHECK_TEXT(told(fake), "{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":{\"action\":\"accept\"}}");
    CHECK_UINT(mcpz_mcp_host_stats(host)->parked, 0);
    answers(fake, request, "{\"content\":[1]}");
    CHECK(strstr(heard(client), "\"id\":\"r\",\"result\":{\"resultType\":\"complete\"") != NULL);
    CHECK(client->over);
    /* The place is good for once. */
    other = come_back(place, "{}", "acme");
    CHECK(strstr(heard(other), "\"error\":{\"code\":-32602") != NULL);
}

/* A seal is good for whom it was made. */
TEST(a_parked_call_is_found_by_its_own_client_only)
{
    struct mcpz_upstream *fake;
    char place[160];
    char line[FAKE_LINE_BYTES];

    legacy_server(X);
    struct client *client = ask_modern(&fake, "");
    (void)told(fake);
    says(fake, QUESTION);
    read_state(heard(client), place);
    const size_t length = strlen(place);
    for (size_t i = length - 66; i < length; i += 6) { /* of the name, and of the seal */
        const char right = place[i];
        place[i] = right == '0' ? '1' : '0';
        client = come_back(place, "{\"input0\":{}}", "");
        CHECK(strstr(heard(client), "\"error\":{\"code\":-32602") != NULL);
        place[i] = right;
    }
    client = call_as("mcp/x",
                     "{\"v\":1,\"kind\":\"request\",\"era\":\"modern\",\"principal\":\"eve\","
                     "\"client\":{\"capabilities\":{\"elicitation\":{\"form\":{}}}}}",
                     "");
    (void)heard(client);
    (void)snprintf(line, sizeof(line),
                   "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":"
                   "{\"name\":\"t\",\"requestState\":\"%s\",\"inputResponses\":{}}}",
                   place);
    client_says(client, line);
    CHECK(strstr(heard(client), "\"error\":{\"code\":-32602") != NULL);
    (void)snprintf(line, sizeof(line),
                   "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"prompts/get\",\"params\":"
                   "{\"name\":\"t\",\"requestState\":\"%s\",\"inputResponses\":{}}}",
                   place);
    client = ask(MODERN_PARAMS("{\"elicitation\":{\"form\":{}}}"), line);
    CHECK(strstr(heard(client), "\"error\":{\"code\":-32602") != NULL);
    CHECK_UINT(mcpz_mcp_host_stats(host)->parked, 1);
    (void)come_back(place, "{\"input0\":{\"action\":\"accept\"}}", "");
    CHECK(strstr(told(fake), "\"action\":\"accept\"") != NULL);
}

TEST(a_question_that_was_not_answered_is_asked_again)
{
    struct mcpz_upstream *fake;
    char place[160];

    legacy_server(X);
    struct client *client = ask_modern(&fake, "");
    (void)told(fake);
    says(fake, QUESTION);
    read_state(heard(client), place);
    client = come_back(place, "{\"other\":{}}", "");
    CHECK(is_told_all(fake));
    char fresh[160];
    read_state(heard(client), fresh);
    CHECK(strcmp(place, fresh) != 0);
    (void)come_back(fresh, "{\"input0\":{\"action\":\"cancel\"}}", "");
    CHECK(strstr(told(fake), "\"action\":\"cancel\"") != NULL);
}

TEST(an_answer_that_comes_before_its_client_is_kept)
{
    struct mcpz_upstream *fake;
    char place[160];

    legacy_server(X);
    struct client *client = ask_modern(&fake, "");
    const char *request = told(fake);
    says(fake, QUESTION);
    read_state(heard(client), place);
    answers(fake, request, "{\"content\":[2]}");
    client = come_back(place, "{\"input0\":{}}", "");
    CHECK(strstr(heard(client), "\"id\":\"r\",\"result\":{\"resultType\":\"complete\"") != NULL);
    CHECK(client->over);
    CHECK(is_told_all(fake));
    CHECK_UINT(mcpz_mcp_host_stats(host)->parked, 0);
}

TEST(a_parked_call_does_not_wait_for_ever)
{
    struct mcpz_upstream *fake;
    char place[160];

    legacy_server(X);
    struct client *client = ask_modern(&fake, "");
    (void)told(fake);
    says(fake, QUESTION);
    read_state(heard(client), place);
    pass_until(clock_us + MCPZ_MCP_PARKED_US - 1);
    CHECK(is_told_all(fake) && !fake->stopped);
    pass_until(clock_us + 1);
    CHECK(strstr(told(fake), "notifications/cancelled") != NULL);
    CHECK_UINT(mcpz_mcp_host_stats(host)->parked, 0);
    client = come_back(place, "{\"input0\":{}}", "");
    CHECK(strstr(heard(client), "\"error\":{\"code\":-32602") != NULL);
    pass_until(clock_us + MCPZ_MCP_ANSWER_US);
    CHECK(fake->stopped); /* it works on for nobody */
}

TEST(processes_that_can_ask_are_one_clients_at_a_time)
{
    struct mcpz_upstream *first;
    struct mcpz_upstream *second;

    legacy_server(X);
    struct client *a = ask_modern(&first, "");
    struct client *b = ask_modern(&second, "");
    CHECK(first != second);
    answers(first, told(first), "{}");
    answers(second, told(second), "{}");
    CHECK(a->over && b->over);
    /* Then it can be another's, if that can do the same. */
    size_t before = fake_count;
    struct client *c = call_as("mcp/x", MODERN_PARAMS("{\"elicitation\":{\"form\":{}}}"), "");
    client_says(c, CALL);
    CHECK_UINT(fake_count, before);
    c = call_as("mcp/x", MODERN_PARAMS("{\"sampling\":{}}"), "");
    client_says(c, CALL);
    CHECK_UINT(fake_count, before + 1); /* an idle one has given way */
}

TEST(a_modern_subscription_hears_what_it_asked_for)
{
    struct mcpz_upstream *describer = legacy_server(X);
    struct client *client = ask(
        MODERN_PARAMS("{}"),
        "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"subscriptions/listen\",\"params\":"
        "{\"notifications\":{\"toolsListChanged\":true,\"resourceSubscriptions\":[\"a:b\"]}}}");

    CHECK_TEXT(heard(client),
               "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/acknowledged\","
               "\"params\":{\"notifications\":{\"toolsListChanged\":true,"
               "\"resourceSubscriptions\":[\"a:b\"]},\"_meta\":"
               "{\"io.modelcontextprotocol/subscriptionId\":5}}}");
    CHECK(strstr(told(describer), "\"method\":\"resources/subscribe\",\"params\":{\"uri\":"
                                  "\"a:b\"}") != NULL);
    says(describer, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/prompts/list_changed\"}");
    says(describer, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\","
                    "\"params\":{\"uri\":\"c:d\"}}");
    CHECK(has_heard_all(client));
    says(describer, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\","
                    "\"params\":{\"uri\":\"a:b\"}}");
    CHECK_TEXT(heard(client),
               "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\",\"params\":"
               "{\"uri\":\"a:b\",\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":5}}}");
    says(describer, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\"}");
    CHECK(strstr(heard(client), "tools/list_changed") != NULL);
    list_tools(describer, ""); /* for the prompts, */
    list_tools(describer, ""); /* and once more for the tools */
    mcpz_line_cancel(client->stream);
    settle_all();
    CHECK(strstr(told(describer), "\"method\":\"resources/unsubscribe\",\"params\":{\"uri\":"
                                  "\"a:b\"}") != NULL);
}

/* ---- A modern server ---------------------------------------------------------------------- */

TEST(modern_and_modern_pass_as_they_are)
{
    struct mcpz_upstream *describer = modern_server();
    struct client *client = ask(MODERN_PARAMS("{}"), CALL);
    char text[256];

    const char *line = told(describer);
    CHECK(strstr(line, "\"method\":\"tools/call\",\"params\":{\"name\":\"t\"}}") != NULL);
    answers(describer, line, "{\"resultType\":\"input_required\",\"requestState\":\"s\"}");
    CHECK_TEXT(heard(client), "{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"result\":{\"resultType\":"
                              "\"input_required\",\"requestState\":\"s\"}}");
    client = ask(MODERN_PARAMS("{}"), "{\"jsonrpc\":\"2.0\",\"id\":\"mine\",\"method\":"
                                      "\"subscriptions/listen\"}");
    (void)snprintf(
        text, sizeof(text),
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\",\"params\":"
        "{\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":%lu}}}",
        id_in(told(describer)));
    says(describer, text);
    CHECK_TEXT(heard(client),
               "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_changed\",\"params\":"
               "{\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":\"mine\"}}}");
}

#define CLIENT_META                                                                               \
    "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","                                 \
    "\"io.modelcontextprotocol/clientCapabilities\":{\"sampling\":{}},"                           \
    "\"io.modelcontextprotocol/clientInfo\":{\"name\":\"c\",\"version\":\"1\"}"

TEST(a_legacy_request_says_who_asks)
{
    static const struct {
        const char *request;
        const char *sent;
    } cases[] = {
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\"}",
         "{\"params\":{\"_meta\":{" CLIENT_META "}},\"jsonrpc\":\"2.0\",\"id\":#,"
         "\"method\":\"m\"}"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{}}",
         "{\"jsonrpc\":\"2.0\",\"id\":#,\"method\":\"m\",\"params\":{\"_meta\":{" CLIENT_META
         "}}}"},
        {"{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":{\"a\":1},\"id\":1}",
         "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":{\"_meta\":{" CLIENT_META
         "},\"a\":1},\"id\":#}"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{\"_meta\":{}}}",
         "{\"jsonrpc\":\"2.0\",\"id\":#,\"method\":\"m\",\"params\":{\"_meta\":{" CLIENT_META
         "}}}"},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"m\",\"params\":{\"_meta\":{\"b\":2}}}",
         "{\"jsonrpc\":\"2.0\",\"id\":#,\"method\":\"m\",\"params\":{\"_meta\":{" CLIENT_META
         ",\"b\":2}}}"},
    };
    struct mcpz_upstream *describer = modern_server();

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char expected[FAKE_LINE_BYTES];
        (void)ask(LEGACY_PARAMS(SESSION_A), cases[i].request);
        const char *line = told(describer);
        const size_t head = strcspn(cases[i].sent, "#");
        (void)snprintf(expected, sizeof(expected), "%.*s%lu%s", (int)head, cases[i].sent,
                       id_in(line), cases[i].sent + head + 1);
        CHECK_TEXT(line, expected);
    }
}

TEST(input_that_is_required_is_asked_of_a_legacy_client)
{
    struct mcpz_upstream *describer = modern_server();
    struct client *client = ask(LEGACY_PARAMS(SESSION_A), CALL);

    answers(describer, told(describer),
            "{\"resultType\":\"input_required\",\"inputRequests\":{\"a b\":{\"method\":"
            "\"roots/list\"},\"c\":{\"method\":\"sampling/createMessage\",\"params\":{\"x\":1}}},"
            "\"requestState\":\"s\\n\"}");
    CHECK_TEXT(heard(client),
               "{\"jsonrpc\":\"2.0\",\"id\":\"mcpz-1-0\",\"method\":\"roots/list\"}");
    CHECK_TEXT(heard(client), "{\"jsonrpc\":\"2.0\",\"id\":\"mcpz-1-1\",\"method\":"
                              "\"sampling/createMessage\",\"params\":{\"x\":1}}");
    client_says(client, "{\"jsonrpc\":\"2.0\",\"id\":\"mcpz-1-1\",\"result\":{\"model\":\"m\"}}");
    client_says(client, "{\"jsonrpc\":\"2.0\",\"id\":\"mcpz-1-1\",\"result\":{\"model\":\"n\"}}");
    client_says(client, "{\"jsonrpc\":\"2.0\",\"id\":\"mcpz-1-7\",\"result\":{}}");
    client_says(client, "{\"jsonrpc\":\"2.0\",\"id\":\"mcpz-0-0\",\"result\":{}}");
    CHECK(is_told_all(describer));
    client_says(client, "{\"jsonrpc\":\"2.0\",\"id\":\"mcpz-1-0\",\"result\":{\"roots\":[]}}");
    const char *line = told(describer);
    CHECK(strstr(line, "\"params\":{\"inputResponses\":{\"a b\":{\"roots\":[]},\"c\":"
                       "{\"model\":\"m\"}},\"requestState\":\"s\\n\",\"_meta\":{") != NULL);
    CHECK(strstr(line, "},\"name\":\"t\"}}") != NULL);
    answers(describer, line, "{\"resultType\":\"complete\",\"content\":[]}");
    CHECK_TEXT(heard(client), "{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"result\":{\"resultType\":"
                              "\"complete\",\"content\":[]}}");
}

TEST(a_server_that_asks_for_ever_is_stopped)
{
    struct mcpz_upstream *describer = modern_server();
    struct client *client = ask(LEGACY_PARAMS(SESSION_A), CALL);

    for (int i = 0; i <= MCPZ_MCP_ROUNDS_MAX; i++) {
        CHECK(!client->over);
        answers(describer, told(describer),
                "{\"resultType\":\"input_required\",\"requestState\":\"s\"}");
    }
    CHECK(strstr(heard(client), "\"error\":{\"code\":-32603") != NULL);
    CHECK(client->over);
}

TEST(what_a_legacy_session_is_subscribed_to_is_one_listen)
{
    struct mcpz_upstream *describer = modern_server();
    struct client *listener = ask(LISTEN_PARAMS(SESSION_A), NULL);
    char text[256];

    CHECK(strstr(told(describer), "\"resourceSubscriptions\":[]}") != NULL);
    struct client *client =
        ask(LEGACY_PARAMS(SESSION_A), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":"
                                      "\"resources/subscribe\",\"params\":{\"uri\":\"a:b\"}}");
    CHECK_TEXT(heard(client), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
    const char *line = told(describer);
    CHECK(strstr(line, "\"resourceSubscriptions\":[\"a:b\"]}") != NULL);
    CHECK(strstr(told(describer), "notifications/cancelled") != NULL);
    (void)snprintf(
        text, sizeof(text),
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/resources/updated\",\"params\":"
        "{\"uri\":\"a:b\",\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":%lu}}}",
        id_in(line));
    says(describer, text);
    CHECK(strstr(heard(listener), "\"uri\":\"a:b\"") != NULL);
    /* What it is subscribed to outlasts the process. */
    goes(describer, "oops");
    CHECK_UINT(listener->code, MCPZ_CODE_OK);
    listener = ask(LISTEN_PARAMS(SESSION_A), NULL);
    CHECK(!listener->over);
    pass_until(clock_us + MCPZ_MCP_BACKOFF_FIRST_US);
    describer = last_fake();
    answers(describer, told(describer), DISCOVERED);
    (void)told(describer); /* its own subscription */
    (void)told(describer); /* its tools */
    CHECK(strstr(told(describer), "\"resourceSubscriptions\":[\"a:b\"]}") != NULL);
    client = ask(LEGACY_PARAMS(SESSION_A), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}");
    CHECK_TEXT(heard(client), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
    client =
        ask(LEGACY_PARAMS(SESSION_A), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\"}");
    CHECK_TEXT(heard(client), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"protocolVersion\":"
                              "\"2025-06-18\",\"capabilities\":{\"tools\":{}},\"serverInfo\":"
                              "{\"name\":\"s\",\"version\":\"2\"}}}");
    (void)ask(END_PARAMS(SESSION_A), NULL);
    CHECK(listener->over);
    pass_until(clock_us + MCPZ_MCP_ANSWER_US); /* for what was cancelled */
    CHECK_UINT(wake_us, MCPZ_TIME_NEVER);
}

TEST(who_only_listens_is_dismissed_before_the_node_stops)
{
    struct mcpz_upstream *describer = modern_server();
    struct client *legacy = ask(LISTEN_PARAMS(SESSION_A), NULL);
    struct client *modern = ask(MODERN_PARAMS("{}"), "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":"
                                                     "\"subscriptions/listen\"}");
    struct client *busy = ask(MODERN_PARAMS("{}"), CALL);

    (void)told(describer);
    (void)told(describer);
    const char *line = told(describer);
    mcpz_mcp_host_dismiss(host);
    settle_all();
    CHECK(legacy->over && modern->over && !busy->over);
    CHECK_UINT(legacy->code, MCPZ_CODE_DRAINING);
    CHECK_TEXT(heard(modern),
               "{\"jsonrpc\":\"2.0\",\"id\":4,\"result\":{\"resultType\":\"complete\"}}");
    answers(describer, line, "{}");
    CHECK(busy->over);
}

TEST(a_legacy_session_that_nobody_uses_is_forgotten)
{
    modern_server();
    (void)ask(LEGACY_PARAMS(SESSION_A), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":"
                                        "\"resources/subscribe\",\"params\":{\"uri\":\"a:b\"}}");
    CHECK_UINT(wake_us, clock_us + MCPZ_SECONDS(MCPZ_MCP_IDLE_SECONDS_DEFAULT));
    pass_until(wake_us);
    CHECK_UINT(wake_us, MCPZ_TIME_NEVER);
}

TEST_MAIN(CASE(modern_clients_that_can_be_asked_nothing_share_a_process),
          CASE(the_describer_says_that_its_client_can_be_asked_unless_it_does_calls),
          CASE(a_question_parks_the_call_until_its_client_comes_back),
          CASE(a_parked_call_is_found_by_its_own_client_only),
          CASE(a_question_that_was_not_answered_is_asked_again),
          CASE(an_answer_that_comes_before_its_client_is_kept),
          CASE(a_parked_call_does_not_wait_for_ever),
          CASE(processes_that_can_ask_are_one_clients_at_a_time),
          CASE(a_modern_subscription_hears_what_it_asked_for),
          CASE(modern_and_modern_pass_as_they_are), CASE(a_legacy_request_says_who_asks),
          CASE(input_that_is_required_is_asked_of_a_legacy_client),
          CASE(a_server_that_asks_for_ever_is_stopped),
          CASE(what_a_legacy_session_is_subscribed_to_is_one_listen),
          CASE(who_only_listens_is_dismissed_before_the_node_stops),
          CASE(a_legacy_session_that_nobody_uses_is_forgotten))
