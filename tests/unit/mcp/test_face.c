#include "loopback.h"
#include "mcp/face.h"

#define HOSTED_MAX 16
#define NODE "n-e5upadxldjhbozg2jn3uw7dlzpxzmwwiu3oebzabgnxi3owi56dq"

/* A call of the mesh, as its host sees it. */
struct hosted {
    struct mcpz_line_stream *stream;
    char params[1024];
    char lines[8][1024];
    size_t line_count;
    bool input_ended;
    bool over;
    uint32_t code;
    bool had_target;
};

/* A request over HTTP, as its client sees it. */
struct client {
    struct mcpz_asker *asker;
    bool answered;
    unsigned status;
    char session[40];
    char type[40];
    char text[8192]; /* the body, or what was pulled */
    size_t length;
    bool streams;
    bool ended;
};

static struct mcpz_face *face;
static mcpz_time now;
static mcpz_time wake;
static bool face_wants_work;
static struct hosted hosted[HOSTED_MAX];
static size_t hosted_count;
static const char *documents[2]; /* of "one" and "two"; NULL: there is none */

/* ---- The host ----------------------------------------------------------------------------- */

static void on_line(void *context, struct mcpz_line_stream *stream, struct mcpz_bytes line)
{
    struct hosted *call = (struct hosted *)context;

    (void)stream;
    CHECK(call->line_count < MCPZ_ARRAY_LEN(call->lines));
    mcpz_bytes_to_text(line, call->lines[call->line_count++], sizeof(call->lines[0]));
}

static void on_input_end(void *context, struct mcpz_line_stream *stream)
{
    (void)stream;
    ((struct hosted *)context)->input_ended = true;
}

static void on_end(void *context, struct mcpz_line_stream *stream, const struct mcpz_line_end *end)
{
    struct hosted *call = (struct hosted *)context;

    (void)stream;
    call->stream = NULL;
    call->over = true;
    call->code = end->code;
}

static const struct mcpz_line_ports host_ports = {
    .on_line = on_line, .on_input_end = on_input_end, .on_end = on_end};

static void say(struct hosted *call, const char *line)
{
    const struct mcpz_bytes part = mcpz_text(line);
    CHECK_UINT(mcpz_line_send(call->stream, &part, 1), MCPZ_OK);
}

static void finish(struct hosted *call)
{
    mcpz_line_finish(call->stream);
    call->stream = NULL;
}

static void on_open(void *context, struct mcpz_line_stream *stream,
                    const struct mcpz_msg_open *open)
{
    (void)context;
    CHECK(hosted_count < HOSTED_MAX);
    struct hosted *call = &hosted[hosted_count];
    *call = (struct hosted){.stream = stream, .had_target = !mcpz_id_is_zero(&last_start.only)};
    mcpz_bytes_to_text(open->params, call->params, sizeof(call->params));
    mcpz_line_listen(stream, &host_ports, call);
    if (open->capability.length > 10 && memcmp(open->capability.data, "mcp.about/", 10) == 0) {
        say(call, documents[open->capability.data[10] == 'o' ? 0 : 1]);
        finish(call);
        return;
    }
    hosted_count++;
}

/* ---- The world ---------------------------------------------------------------------------- */

static mcpz_time tell_now(void *context)
{
    (void)context;
    return now;
}

static void give_random(void *context, uint8_t *bytes, size_t length)
{
    static uint64_t last;

    (void)context;
    CHECK(length >= sizeof(last));
    memset(bytes, 0, length);
    last++;
    memcpy(bytes, &last, sizeof(last));
}

static void want_face(void *context)
{
    (void)context;
    face_wants_work = true;
}

static void wake_at(void *context, mcpz_time at_us)
{
    (void)context;
    wake = at_us;
}

static void walk(void *context, void (*visit)(void *visit_context, struct mcpz_bytes name),
                 void *visit_context)
{
    (void)context;
    if (documents[0] != NULL) {
        visit(visit_context, mcpz_text("mcp.about/one/0123456789abcdef"));
        visit(visit_context, mcpz_text("mcp/one"));
    }
    if (documents[1] != NULL) {
        visit(visit_context, mcpz_text("mcp.about/two/0123456789abcdef"));
        visit(visit_context, mcpz_text("mcp/two"));
    }
}

static void take_answer(void *context, void *owner, const struct mcpz_face_answer *answer)
{
    struct client *client = (struct client *)owner;

    (void)context;
    CHECK(!client->answered);
    client->answered = true;
    client->status = answer->status;
    client->streams = answer->streams;
    (void)snprintf(client->session, sizeof(client->session), "%s",
                   answer->session != NULL ? answer->session : "");
    (void)snprintf(client->type, sizeof(client->type), "%s",
                   answer->content_type != NULL ? answer->content_type : "");
    mcpz_bytes_to_text(answer->body, client->text, sizeof(client->text));
    client->length = strlen(client->text);
}

static void take_more(void *context, void *owner)
{
    (void)context;
    (void)owner;
}

static void run(void)
{
    do {
        loopback_run();
        if (face_wants_work) {
            face_wants_work = false;
            mcpz_face_work(face);
        }
        loopback_run();
    } while (face_wants_work);
}

static void pass_time(mcpz_time us)
{
    now += us;
    mcpz_face_tick(face);
    run();
}

#define ONE                                                                                       \
    "{\"serverInfo\":{\"name\":\"one\",\"version\":\"1\"},\"capabilities\":{\"tools\":{},"        \
    "\"resources\":{\"subscribe\":true}},\"tools\":[{\"name\":\"echo\",\"inputSchema\":{}}],"     \
    "\"resources\":[{\"uri\":\"x://1\",\"name\":\"x\"}]}"
#define TWO                                                                                       \
    "{\"serverInfo\":{\"name\":\"two\",\"version\":\"1\"},\"capabilities\":{\"tools\":{}},"       \
    "\"stateless\":true,\"tools\":[{\"name\":\"echo\",\"icons\":[1],\"annotations\":"             \
    "{\"idempotentHint\":true}}]}"

static void set_up(void)
{
    const struct mcpz_lines_config unused = {.desk = NULL};

    (void)unused;
    loopback_set_up();
    struct mcpz_lines *host = loopback_lines(0, on_open);
    const struct mcpz_bytes names[] = {mcpz_text("mcp/one"), mcpz_text("mcp/two"),
                                       mcpz_text("mcp.about/one/0123456789abcdef"),
                                       mcpz_text("mcp.about/two/0123456789abcdef")};
    CHECK_UINT(mcpz_lines_offer(host, names, 4), MCPZ_OK);
    now = MCPZ_SECONDS(1000);
    hosted_count = 0;
    documents[0] = ONE;
    documents[1] = TWO;
    const struct mcpz_face_config config = {
        .desk = desk,
        .now = tell_now,
        .random = give_random,
        .later = want_face,
        .wake_at = wake_at,
        .capabilities = walk,
        .answer = take_answer,
        .more = take_more,
    };
    CHECK_UINT(mcpz_face_create(&config, &face), MCPZ_OK);
}

static void tear_down(void)
{
    CHECK_UINT(mcpz_face_stats(face).askers, 0);
    mcpz_face_destroy(face);
    loopback_tear_down();
}

/* ---- Clients ------------------------------------------------------------------------------ */

static struct mcpz_face_request post(const char *body)
{
    return (struct mcpz_face_request){.verb = MCPZ_FACE_POST,
                                      .content_type = mcpz_text("application/json"),
                                      .body = mcpz_text(body)};
}

static void ask(struct client *client, struct mcpz_face_request request)
{
    *client = (struct client){.asker = NULL};
    CHECK_UINT(mcpz_face_ask(face, &request, client, &client->asker), MCPZ_OK);
    run();
}

static void leave(struct client *client)
{
    mcpz_face_close(client->asker);
    run();
}

static void pull(struct client *client)
{
    size_t length;

    CHECK(client->streams);
    client->length = 0;
    while ((length = mcpz_face_pull(client->asker, (uint8_t *)client->text + client->length,
                                    sizeof(client->text) - 1 - client->length, &client->ended)) >
           0) {
        client->length += length;
    }
    client->text[client->length] = '\0';
}

static void check_answer(struct client *client, struct mcpz_face_request request, unsigned status,
                         const char *part)
{
    ask(client, request);
    CHECK(client->answered);
    if (client->status != status || strstr(client->text, part) == NULL) {
        print_error("%u %s\n", client->status, client->text);
        _fail(__FILE__, __LINE__);
    }
    leave(client);
}

static char session[40];

#define INITIALIZE                                                                                \
    "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\",\"params\":{\"protocolVersion\":"    \
    "\"2025-11-25\",\"capabilities\":{\"sampling\":{}},\"clientInfo\":{\"name\":\"c\"}}}"
#define REQUEST(id, method, params)                                                               \
    "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"" method "\",\"params\":" params "}"
#define NOTIFICATION(method, params)                                                              \
    "{\"jsonrpc\":\"2.0\",\"method\":\"" method "\",\"params\":" params "}"
#define LINE_0 "{\"mcpz\":{\"node\":\"" NODE "\"}}"

static void begin_session(void)
{
    struct client client;

    check_answer(&client, post(INITIALIZE), 200, "\"protocolVersion\":\"2025-11-25\"");
    CHECK_UINT(strlen(client.session), 32);
    (void)snprintf(session, sizeof(session), "%s", client.session);
}

static struct mcpz_face_request in_session(const char *body)
{
    struct mcpz_face_request request = post(body);
    request.session = mcpz_text(session);
    return request;
}

static struct mcpz_face_request get(void)
{
    return (struct mcpz_face_request){.verb = MCPZ_FACE_GET, .session = mcpz_text(session)};
}

#define META                                                                                      \
    "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","                      \
    "\"io.modelcontextprotocol/clientCapabilities\":{\"roots\":{}}}"

static struct mcpz_face_request modern(const char *method, const char *name, const char *body)
{
    struct mcpz_face_request request = post(body);

    request.version = mcpz_text("2026-07-28");
    request.method = mcpz_text(method);
    request.name = name != NULL ? mcpz_text(name) : mcpz_bytes(NULL, 0);
    return request;
}

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
                 "{\"resources\":[{\"uri\":\"x://1\",\"name\":\"x\"}]}");
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

/* ---- Modern ------------------------------------------------------------------------------- */

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

TEST_MAIN(RUN(a_session_begins_and_ends), RUN(what_is_wrong_with_a_request_is_told),
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
          RUN(a_batch_is_answered_on_one_stream), RUN(a_modern_request_must_say_all_that_it_must),
          RUN(a_modern_call_says_all_there_is_to_know_and_no_more),
          RUN(a_modern_client_that_hangs_up_has_cancelled),
          RUN(a_parked_call_goes_back_to_its_node),
          RUN(a_subscription_hears_all_servers_under_one_name))
