/*
 * The world of a face under test: a mesh of one that hosts the servers "one" and "two", and
 * clients over HTTP. A test plays both the clients and the hosts.
 */

#ifndef TESTS_UNIT_MCP_FACE_WORLD_H
#define TESTS_UNIT_MCP_FACE_WORLD_H

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
    char tenant[MCPZ_TENANT_BYTES_MAX + 1];
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
static char kept[512];           /* names that were given */
static const char *documents[2]; /* of "one" and "two"; NULL: there is none */

/* ---- The host ----------------------------------------------------------------------------- */

static inline void on_line(void *context, struct mcpz_line_stream *stream, struct mcpz_bytes line)
{
    struct hosted *call = (struct hosted *)context;

    (void)stream;
    CHECK(call->line_count < MCPZ_ARRAY_LEN(call->lines));
    mcpz_bytes_to_text(line, call->lines[call->line_count++], sizeof(call->lines[0]));
}

static inline void on_input_end(void *context, struct mcpz_line_stream *stream)
{
    (void)stream;
    ((struct hosted *)context)->input_ended = true;
}

static inline void on_end(void *context, struct mcpz_line_stream *stream,
                          const struct mcpz_line_end *end)
{
    struct hosted *call = (struct hosted *)context;

    (void)stream;
    call->stream = NULL;
    call->over = true;
    call->code = end->code;
}

static const struct mcpz_line_ports host_ports = {
    .on_line = on_line, .on_input_end = on_input_end, .on_end = on_end};

static inline void say(struct hosted *call, const char *line)
{
    const struct mcpz_bytes part = mcpz_text(line);
    CHECK_UINT(mcpz_line_send(call->stream, &part, 1), MCPZ_OK);
}

static inline void finish(struct hosted *call)
{
    mcpz_line_finish(call->stream);
    call->stream = NULL;
}

static inline void on_open(void *context, struct mcpz_line_stream *stream,
                           const struct mcpz_msg_open *open)
{
    (void)context;
    CHECK(hosted_count < HOSTED_MAX);
    struct hosted *call = &hosted[hosted_count];
    *call = (struct hosted){.stream = stream, .had_target = !mcpz_id_is_zero(&last_start.only)};
    mcpz_bytes_to_text(open->params, call->params, sizeof(call->params));
    mcpz_bytes_to_text(open->tenant, call->tenant, sizeof(call->tenant));
    mcpz_line_listen(stream, &host_ports, call);
    if (open->capability.length > 10 && memcmp(open->capability.data, "mcp.about/", 10) == 0) {
        say(call, documents[open->capability.data[10] == 'o' ? 0 : 1]);
        finish(call);
        return;
    }
    hosted_count++;
}

/* ---- The world ---------------------------------------------------------------------------- */

static inline mcpz_time tell_now(void *context)
{
    (void)context;
    return now;
}

static inline void give_random(void *context, uint8_t *bytes, size_t length)
{
    static uint64_t last;

    (void)context;
    CHECK(length >= sizeof(last));
    memset(bytes, 0, length);
    last++;
    memcpy(bytes, &last, sizeof(last));
}

static inline void want_face(void *context)
{
    (void)context;
    face_wants_work = true;
}

static inline void wake_at(void *context, mcpz_time at_us)
{
    (void)context;
    wake = at_us;
}

static inline void walk(void *context, void (*visit)(void *visit_context, struct mcpz_bytes name),
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

static inline void take_answer(void *context, void *owner, const struct mcpz_face_answer *answer)
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

static inline void keep_name(void *context, const char *name, const char *server)
{
    size_t used = strlen(kept);

    (void)context;
    (void)snprintf(kept + used, sizeof(kept) - used, "%s=%s;", name, server);
}

static inline void take_more(void *context, void *owner)
{
    (void)context;
    (void)owner;
}

static inline void run(void)
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

static inline void pass_time(mcpz_time us)
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
    "{\"serverInfo\":{\"name\":\"two\",\"version\":\"1\"},\"capabilities\":{\"tools\":{},"        \
    "\"resources\":{\"subscribe\":true}},"                                                        \
    "\"stateless\":true,\"resources\":[{\"uri\":\"y:1\",\"name\":\"y\"}],\"tools\":["             \
    "{\"name\":\"echo\",\"icons\":[1],\"annotations\":"                                           \
    "{\"idempotentHint\":true}},{\"name\":\"far\",\"inputSchema\":{\"properties\":{\"to\":"       \
    "{\"type\":\"string\",\"x-mcp-header\":\"To\"}}}}]}"

static inline void set_up(void)
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
        .keep_name = keep_name,
        .answer = take_answer,
        .more = take_more,
    };
    CHECK_UINT(mcpz_face_create(&config, &face), MCPZ_OK);
}

static inline void tear_down(void)
{
    CHECK_UINT(mcpz_face_stats(face).askers, 0);
    mcpz_face_destroy(face);
    loopback_tear_down();
}

/* ---- Clients ------------------------------------------------------------------------------ */

static inline struct mcpz_face_request post(const char *body)
{
    return (struct mcpz_face_request){.verb = MCPZ_FACE_POST,
                                      .content_type = mcpz_text("application/json"),
                                      .body = mcpz_text(body)};
}

static inline void ask(struct client *client, struct mcpz_face_request request)
{
    *client = (struct client){.asker = NULL};
    CHECK_UINT(mcpz_face_ask(face, &request, client, &client->asker), MCPZ_OK);
    run();
}

static inline void leave(struct client *client)
{
    mcpz_face_close(client->asker);
    run();
}

static inline void pull(struct client *client)
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

static inline void check_answer(struct client *client, struct mcpz_face_request request,
                                unsigned status, const char *part)
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

static inline void begin_session(void)
{
    struct client client;

    check_answer(&client, post(INITIALIZE), 200, "\"protocolVersion\":\"2025-11-25\"");
    CHECK_UINT(strlen(client.session), 32);
    (void)snprintf(session, sizeof(session), "%s", client.session);
}

static inline struct mcpz_face_request in_session(const char *body)
{
    struct mcpz_face_request request = post(body);
    request.session = mcpz_text(session);
    return request;
}

static inline struct mcpz_face_request get(void)
{
    return (struct mcpz_face_request){.verb = MCPZ_FACE_GET, .session = mcpz_text(session)};
}

#define META                                                                                      \
    "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","                      \
    "\"io.modelcontextprotocol/clientCapabilities\":{\"roots\":{}}}"

static inline struct mcpz_face_request modern(const char *method, const char *name,
                                              const char *body)
{
    struct mcpz_face_request request = post(body);

    request.version = mcpz_text("2026-07-28");
    request.method = mcpz_text(method);
    request.name = name != NULL ? mcpz_text(name) : mcpz_bytes(NULL, 0);
    return request;
}

#endif
