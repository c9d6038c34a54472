/* Calls of the mesh to a server: what is said on them. */

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mcp/host_internal.h"

#define SERVER_PREFIX "mcp/"
#define ABOUT_PREFIX "mcp.about/"
#define QUEUE_BYTES_HIGH 1048576 /* on the way to one client: its own process is paused */

/* ---- Saying ------------------------------------------------------------------------------- */

bool mcpz_call_say(struct mcpz_mcp_call *call, const struct mcpz_pieces *pieces)
{
    mcpz_error error = mcpz_line_send(call->stream, pieces->rows, pieces->count);

    if (error == MCPZ_EPROTO) {
        mcpz_call_fail(call, MCPZ_CODE_TOO_LARGE, "the server said more than 8 MiB in one message",
                       0);
    } else if (error != MCPZ_OK) {
        mcpz_call_fail(call, MCPZ_CODE_BUSY, "the client does not read what the server says",
                       MCPZ_RETRY_AFTER_MS);
    }
    if (error == MCPZ_OK && call->conn != NULL && call->conn->role >= MCPZ_CONN_SESSION &&
        mcpz_line_queued(call->stream) > QUEUE_BYTES_HIGH && !call->conn->paused) {
        call->conn->paused = true;
        mcpz_hosted_port(call->server)->pause(call->conn->upstream, true);
    }
    return error == MCPZ_OK;
}

static void go_on_reading(struct mcpz_conn *conn)
{
    if (conn != NULL && conn->paused && conn->upstream != NULL) {
        conn->paused = false;
        mcpz_hosted_port(conn->server)->pause(conn->upstream, false);
    }
}

void mcpz_call_free(struct mcpz_mcp_call *call)
{
    struct mcpz_hosted *server = call->server;

    if (call->kind == MCPZ_MCP_LISTEN) {
        mcpz_bridge_legacy_left(call);
    }
    if (call->subscribed) {
        mcpz_bridge_modern_left(call);
    }
    if (call->job != NULL) {
        mcpz_mcp_job_abandon(call->job);
    }
    for (struct mcpz_conn *conn = server->conns; conn != NULL; conn = conn->next) {
        struct mcpz_question *next;
        for (struct mcpz_question *question = conn->questions; question != NULL; question = next) {
            next = question->next;
            if (question->call == call) {
                mcpz_conn_refuse(conn, mcpz_own_bytes(&question->id), MCPZ_MCP_INTERNAL_ERROR,
                                 "the client is gone");
                mcpz_question_end(conn, question);
            }
        }
    }
    go_on_reading(call->conn);
    struct mcpz_mcp_call **link = &server->calls;
    while (*link != call) {
        link = &(*link)->next;
    }
    *link = call->next;
    server->call_count--;
    call->host->stats.calls--;
    mcpz_own_finish(&call->capabilities);
    mcpz_own_finish(&call->info);
    mcpz_own_finish(&call->line);
    mcpz_own_finish(&call->state);
    mcpz_own_finish(&call->task);
    mcpz_own_finish(&call->answered);
    for (size_t i = 0; i < MCPZ_MCP_ASKED_MAX; i++) {
        mcpz_own_finish(&call->asked[i].key);
        mcpz_own_finish(&call->asked[i].answer);
    }
    free(call);
}

void mcpz_call_finish(struct mcpz_mcp_call *call)
{
    mcpz_line_finish(call->stream);
    mcpz_call_free(call);
}

void mcpz_call_fail(struct mcpz_mcp_call *call, uint32_t code, const char *text,
                    uint32_t retry_after_ms)
{
    mcpz_line_fail(call->stream, code, text, retry_after_ms);
    mcpz_call_free(call);
}

static struct mcpz_bytes id_of(const struct mcpz_mcp_call *call)
{
    return call->request.id.type != MCPZ_JSON_NONE ? call->request.id.text : mcpz_text("null");
}

/* {..., NAME: value} */
static void answer(struct mcpz_mcp_call *call, const char *name, struct mcpz_bytes value)
{
    struct mcpz_pieces pieces = {.count = 0};

    mcpz_pieces_text(&pieces, "{\"jsonrpc\":\"2.0\",\"id\":");
    mcpz_pieces_add(&pieces, id_of(call));
    mcpz_pieces_text(&pieces, name);
    mcpz_pieces_add(&pieces, value);
    mcpz_pieces_text(&pieces, "}");
    if (mcpz_call_say(call, &pieces)) {
        mcpz_call_finish(call);
    }
}

void mcpz_call_answer(struct mcpz_mcp_call *call, struct mcpz_bytes result)
{
    answer(call, ",\"result\":", result);
}

void mcpz_call_answer_error(struct mcpz_mcp_call *call, struct mcpz_bytes error)
{
    answer(call, ",\"error\":", error);
}

void mcpz_call_answer_put(struct mcpz_mcp_call *call,
                          void (*put)(struct mcpz_json_writer *writer, const void *what),
                          const void *what)
{
    struct mcpz_own result = {.data = NULL};

    if (mcpz_own_write(&result, put, what)) {
        mcpz_call_answer(call, mcpz_own_bytes(&result));
    } else {
        mcpz_call_fail(call, MCPZ_CODE_BUSY, "out of memory", MCPZ_RETRY_AFTER_MS);
    }
    mcpz_own_finish(&result);
}

void mcpz_call_refuse(struct mcpz_mcp_call *call, enum mcpz_mcp_code code, const char *text)
{
    struct mcpz_pieces pieces = {.count = 0};
    char number[MCPZ_MCP_NUMBER_BYTES];

    (void)snprintf(number, sizeof(number), "%d", (int)code);
    mcpz_pieces_text(&pieces, "{\"jsonrpc\":\"2.0\",\"id\":");
    mcpz_pieces_add(&pieces, id_of(call));
    mcpz_pieces_text(&pieces, ",\"error\":{\"code\":");
    mcpz_pieces_text(&pieces, number);
    mcpz_pieces_text(&pieces, ",\"message\":\"");
    mcpz_pieces_text(&pieces, text);
    mcpz_pieces_text(&pieces, "\"}}");
    if (mcpz_call_say(call, &pieces)) {
        mcpz_call_finish(call);
    }
}

bool mcpz_call_ask(struct mcpz_mcp_call *call, const char *method, struct mcpz_bytes params)
{
    struct mcpz_mcp_job *job = mcpz_mcp_job_begin(call->conn, MCPZ_JOB_CALL, MCPZ_TIME_NEVER);

    if (job == NULL) {
        mcpz_call_fail(call, MCPZ_CODE_BUSY, "too much is under way at this node",
                       MCPZ_RETRY_AFTER_MS);
        return false;
    }
    job->call = call;
    call->job = job;
    (void)mcpz_conn_ask(call->conn, job, method, params); /* or the process ends, and so does it */
    return true;
}

/* ---- Passing on --------------------------------------------------------------------------- */

/* Another job of the same process has this progress token: its messages could not be told apart.
 */
static bool is_token_taken(const struct mcpz_conn *conn, struct mcpz_bytes token)
{
    for (const struct mcpz_mcp_job *job = conn->jobs; job != NULL; job = job->next) {
        if (mcpz_bytes_equal(mcpz_own_bytes(&job->told), token)) {
            return true;
        }
    }
    return false;
}

static size_t sort_in(struct mcpz_splice *splices, size_t count, struct mcpz_splice splice)
{
    size_t at = count;

    while (at > 0 && splices[at - 1].at.data > splice.at.data) {
        splices[at] = splices[at - 1];
        at--;
    }
    splices[at] = splice;
    return count + 1;
}

#define SPLICES_MAX 12

void mcpz_call_pass(struct mcpz_mcp_call *call, struct mcpz_conn *conn,
                    const struct mcpz_splice *extra, size_t count)
{
    const struct mcpz_envelope *request = &call->request;
    struct mcpz_splice splices[SPLICES_MAX];
    struct mcpz_pieces pieces = {.count = 0};
    char id[MCPZ_MCP_NUMBER_BYTES];
    char token[MCPZ_MCP_NUMBER_BYTES + 8];
    size_t splice_count = 0;
    struct mcpz_mcp_job *job = mcpz_mcp_job_begin(conn, MCPZ_JOB_CALL, MCPZ_TIME_NEVER);
    const struct mcpz_bytes said = request->progress_token.text; /* empty: none */
    const bool is_taken = said.length > 0 && is_token_taken(conn, said);

    assert(count + 2 <= SPLICES_MAX);
    if (job != NULL) {
        (void)snprintf(id, sizeof(id), "%" PRIu64, job->id);
        (void)snprintf(token, sizeof(token), "\"mcpz-%" PRIu64 "\"", job->id);
    }
    if (job == NULL || !mcpz_own_set(&job->token, said) ||
        !mcpz_own_set(&job->told, is_taken ? mcpz_text(token) : said)) {
        mcpz_call_fail(call, MCPZ_CODE_BUSY, "too much is under way at this node",
                       MCPZ_RETRY_AFTER_MS);
        return;
    }
    job->call = call;
    call->job = job;
    call->conn = conn;
    call->waits = false;
    for (size_t i = 0; i < count; i++) {
        splices[i] = extra[i];
    }
    splice_count = sort_in(splices, count,
                           (struct mcpz_splice){.at = request->id.text, .with = mcpz_text(id)});
    if (is_taken) {
        splice_count = sort_in(splices, splice_count,
                               (struct mcpz_splice){.at = said, .with = mcpz_text(token)});
    }
    mcpz_pieces_splice(&pieces, request->whole.text, splices, splice_count);
    (void)mcpz_conn_say(conn,
                        &pieces); /* if it is not taken, the process ends, and so does this */
}

static void pass_notification(struct mcpz_mcp_call *call, struct mcpz_conn *conn,
                              struct mcpz_bytes line)
{
    struct mcpz_pieces pieces = {.count = 0};

    (void)call;
    mcpz_pieces_add(&pieces, line);
    (void)mcpz_conn_say(conn, &pieces);
}

/* A legacy server logs as much as its client wants. */
static void set_level(struct mcpz_conn *conn, const char *level)
{
    char params[64];

    if (level[0] == '\0' || strcmp(level, conn->level) == 0) {
        return;
    }
    (void)snprintf(conn->level, sizeof(conn->level), "%s", level);
    (void)snprintf(params, sizeof(params), "{\"level\":\"%s\"}", level);
    mcpz_conn_ask_silently(conn, "logging/setLevel", mcpz_text(params));
}

/* A legacy client, a legacy server: its process is ready. */
static void pass_legacy(struct mcpz_mcp_call *call, struct mcpz_conn *conn)
{
    if (mcpz_envelope_is(&call->request, "initialize")) {
        mcpz_call_answer(call, mcpz_own_bytes(&conn->begun));
        return;
    }
    if (call->request.kind == MCPZ_ENVELOPE_NOTIFICATION) {
        pass_notification(call, conn, mcpz_own_bytes(&call->line));
        mcpz_call_finish(call);
        return;
    }
    set_level(conn, call->level);
    mcpz_call_pass(call, conn, NULL, 0);
}

/* The process `conn` is ready: have it do the call. */
void mcpz_call_go(struct mcpz_mcp_call *call, struct mcpz_conn *conn)
{
    call->waits = false;
    call->conn = conn;
    if (call->kind == MCPZ_MCP_LISTEN) {
        if (call->server->era == MCPZ_ERA_MODERN) {
            mcpz_bridge_legacy_listen(call);
        }
        return; /* it is there, and hears what comes */
    }
    if (call->server->era == MCPZ_ERA_LEGACY && call->era == MCPZ_ERA_MODERN) {
        set_level(conn, call->level);
        mcpz_bridge_modern_send(call, conn);
    } else if (call->server->era == MCPZ_ERA_LEGACY) {
        pass_legacy(call, conn);
    } else if (call->era == MCPZ_ERA_MODERN) {
        mcpz_call_pass(call, conn, NULL, 0);
    } else {
        mcpz_bridge_legacy_request(call);
    }
}

/* One that waits for `conn`; with NULL, for a describer that does not come. */
static struct mcpz_mcp_call *find_waiting(const struct mcpz_hosted *server,
                                          const struct mcpz_conn *conn)
{
    struct mcpz_mcp_call *call = server->calls;

    while (call != NULL &&
           !(call->waits && (call->conn == conn ||
                             (call->conn == NULL && conn != NULL && conn == server->describer)))) {
        call = call->next;
    }
    return call;
}

void mcpz_calls_go(struct mcpz_hosted *server, struct mcpz_conn *conn)
{
    struct mcpz_mcp_call *call;
    char text[640];

    /* Each may end others, so look anew. */
    while ((call = find_waiting(server, conn)) != NULL) {
        if (conn != NULL) {
            call->waits = false;
            mcpz_call_go(call, conn);
            continue;
        }
        (void)snprintf(text, sizeof(text), "the server %s is down: %s", server->what.service.name,
                       server->trouble);
        mcpz_call_fail(call, MCPZ_CODE_START_FAILED, text, MCPZ_RETRY_AFTER_MS);
    }
}

/* ---- What a client says ------------------------------------------------------------------- */

static void end_session(struct mcpz_mcp_call *call)
{
    struct mcpz_hosted *server = call->server;
    struct mcpz_mcp_call *next;

    for (struct mcpz_conn *conn = server->conns; conn != NULL; conn = conn->next) {
        if (conn->role == MCPZ_CONN_SESSION && strcmp(conn->session, call->session) == 0) {
            mcpz_conn_stop(conn, "");
        }
    }
    mcpz_bridge_legacy_forget(server, call->session);
    for (struct mcpz_mcp_call *other = server->calls; other != NULL; other = next) {
        next = other->next;
        if (other != call && other->kind == MCPZ_MCP_LISTEN &&
            strcmp(other->session, call->session) == 0) {
            mcpz_call_finish(other);
        }
    }
    mcpz_call_finish(call);
}

static void take_first(struct mcpz_mcp_call *call, struct mcpz_bytes line)
{
    call->begun = true;
    if (!mcpz_own_set(&call->line, line)) {
        mcpz_call_fail(call, MCPZ_CODE_BUSY, "out of memory", MCPZ_RETRY_AFTER_MS);
        return;
    }
    mcpz_error error = mcpz_envelope_read(mcpz_own_bytes(&call->line), &call->request);
    if (error != MCPZ_OK) {
        mcpz_call_refuse(call, mcpz_envelope_code_of(error), mcpz_envelope_text_of(error));
        return;
    }
    if (call->request.kind != MCPZ_ENVELOPE_REQUEST &&
        call->request.kind != MCPZ_ENVELOPE_NOTIFICATION) {
        mcpz_call_fail(call, MCPZ_CODE_BAD_REQUEST, "a call begins with a request", 0);
        return;
    }
    mcpz_call_find(call);
}

static void take_answer(struct mcpz_mcp_call *call, struct mcpz_bytes line,
                        const struct mcpz_envelope *answer)
{
    struct mcpz_conn *conn = call->conn;

    if (call->server->era == MCPZ_ERA_MODERN) {
        mcpz_bridge_legacy_told(call, answer);
        return;
    }
    struct mcpz_question *question =
        conn != NULL ? mcpz_question_find(conn, answer->id.text) : NULL;
    if (question != NULL && question->call == call) {
        mcpz_question_end(conn, question);
        pass_notification(call, conn, line);
    }
}

/* {"mcpz": {"heard": false}}, of the face itself. */
static void take_word(struct mcpz_mcp_call *call, struct mcpz_bytes line)
{
    if (mcpz_json_check(line, MCPZ_JSON_GRAMMAR) == MCPZ_OK) {
        const struct mcpz_json heard =
            mcpz_member(mcpz_member(mcpz_json_value(line), MCPZ_WORD), "heard");
        call->is_unheard = heard.type == MCPZ_JSON_FALSE;
    }
}

static void on_line(void *context, struct mcpz_line_stream *stream, struct mcpz_bytes line)
{
    struct mcpz_mcp_call *call = context;
    struct mcpz_envelope envelope;

    (void)stream;
    if (call->kind == MCPZ_MCP_REQUEST && !call->begun) {
        take_first(call, line);
        return;
    }
    if (mcpz_envelope_read(line, &envelope) != MCPZ_OK) {
        take_word(call, line); /* else a face says only what it has read */
        return;
    }
    if (envelope.kind == MCPZ_ENVELOPE_RESPONSE || envelope.kind == MCPZ_ENVELOPE_ERROR) {
        take_answer(call, line, &envelope);
    } else if (envelope.kind == MCPZ_ENVELOPE_NOTIFICATION && call->conn != NULL &&
               call->conn->ready && call->server->era == MCPZ_ERA_LEGACY) {
        pass_notification(call, call->conn, line);
    }
}

static void on_input_end(void *context, struct mcpz_line_stream *stream)
{
    struct mcpz_mcp_call *call = context;

    (void)stream;
    if (call->kind == MCPZ_MCP_REQUEST && !call->begun) {
        mcpz_call_fail(call, MCPZ_CODE_BAD_REQUEST, "a call begins with a request", 0);
    }
}

static void on_room(void *context, struct mcpz_line_stream *stream)
{
    struct mcpz_mcp_call *call = context;

    (void)stream;
    go_on_reading(call->conn);
}

static void on_end(void *context, struct mcpz_line_stream *stream, const struct mcpz_line_end *end)
{
    (void)stream, (void)end;
    mcpz_call_free(context);
}

static const struct mcpz_line_ports line_ports = {
    .on_line = on_line, .on_input_end = on_input_end, .on_room = on_room, .on_end = on_end};

/* ---- A new call --------------------------------------------------------------------------- */

static struct mcpz_hosted *find_server(struct mcpz_mcp_host *host, struct mcpz_bytes name)
{
    for (size_t i = 0; i < 2 * MCPZ_MCP_SERVERS_MAX; i++) {
        struct mcpz_hosted *server = &host->servers[i];
        if (server->used && !server->leaving &&
            mcpz_bytes_equal(mcpz_text(server->what.service.name), name)) {
            return server;
        }
    }
    return NULL;
}

/* What stands behind `prefix`; false: it is not there. */
static bool cut(struct mcpz_bytes *text, const char *prefix)
{
    const size_t length = strlen(prefix);

    if (text->length < length || memcmp(text->data, prefix, length) != 0) {
        return false;
    }
    *text = mcpz_bytes(text->data + length, text->length - length);
    return true;
}

static void tell_about(struct mcpz_mcp_host *host, struct mcpz_line_stream *stream,
                       struct mcpz_bytes rest)
{
    const size_t hash = 2 * MCPZ_MCP_HASH_BYTES;
    struct mcpz_hosted *server =
        rest.length > hash + 1 ? find_server(host, mcpz_bytes(rest.data, rest.length - hash - 1))
                               : NULL;

    if (server == NULL || !mcpz_bytes_equal(mcpz_bytes(rest.data + rest.length - hash, hash),
                                            mcpz_text(server->hash))) {
        mcpz_line_fail(stream, MCPZ_CODE_NOT_OFFERED, "the server has changed meanwhile", 0);
        return;
    }
    const struct mcpz_bytes document = mcpz_own_bytes(&server->document);
    if (mcpz_line_send(stream, &document, 1) == MCPZ_OK) {
        mcpz_line_finish(stream);
    } else {
        mcpz_line_fail(stream, MCPZ_CODE_BUSY, "no memory for the description",
                       MCPZ_RETRY_AFTER_MS);
    }
}

enum param {
    PARAM_KIND,
    PARAM_ERA,
    PARAM_VERSION,
    PARAM_SESSION,
    PARAM_CLIENT,
    PARAM_LEVEL,
    PARAM_PRINCIPAL,
    PARAM_COUNT
};

static const char *const param_names[PARAM_COUNT] = {
    [PARAM_KIND] = "kind",           [PARAM_ERA] = "era",       [PARAM_VERSION] = "version",
    [PARAM_SESSION] = "session",     [PARAM_CLIENT] = "client", [PARAM_LEVEL] = "level",
    [PARAM_PRINCIPAL] = "principal",
};

/* A word that may be missing, or null. */
static bool read_word(struct mcpz_json value, char *text, size_t capacity)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";

    text[0] = '\0';
    return value.type == MCPZ_JSON_NONE || value.type == MCPZ_JSON_NULL ||
           (mcpz_json_to_text(value, text, capacity) && text[strspn(text, allowed)] == '\0');
}

/* What the call says of its client. NULL: all is well. */
static const char *read_params(struct mcpz_mcp_call *call, struct mcpz_bytes params)
{
    struct mcpz_json found[PARAM_COUNT];

    if (mcpz_json_check(params, MCPZ_JSON_GRAMMAR) != MCPZ_OK ||
        mcpz_json_pick(mcpz_json_value(params), param_names, PARAM_COUNT, found) != MCPZ_OK) {
        return "the parameters are no JSON object";
    }
    const struct mcpz_json capabilities = mcpz_member(found[PARAM_CLIENT], "capabilities");
    const struct mcpz_json info = mcpz_member(found[PARAM_CLIENT], "clientInfo");
    if (mcpz_json_says(found[PARAM_KIND], mcpz_text("request"))) {
        call->kind = MCPZ_MCP_REQUEST;
    } else if (mcpz_json_says(found[PARAM_KIND], mcpz_text("listen"))) {
        call->kind = MCPZ_MCP_LISTEN;
    } else if (mcpz_json_says(found[PARAM_KIND], mcpz_text("end"))) {
        call->kind = MCPZ_MCP_END;
    } else {
        return "the parameters' kind is none of request, listen, end";
    }
    call->era =
        mcpz_json_says(found[PARAM_ERA], mcpz_text("modern")) ? MCPZ_ERA_MODERN : MCPZ_ERA_LEGACY;
    if (!read_word(found[PARAM_VERSION], call->version, sizeof(call->version)) ||
        !read_word(found[PARAM_SESSION], call->session, sizeof(call->session)) ||
        !read_word(found[PARAM_LEVEL], call->level, sizeof(call->level))) {
        return "version, session or level is not as it should be";
    }
    if (found[PARAM_PRINCIPAL].type == MCPZ_JSON_STRING &&
        !mcpz_json_to_text(found[PARAM_PRINCIPAL], call->principal, sizeof(call->principal))) {
        return "principal has more than 128 bytes";
    }
    if (call->kind != MCPZ_MCP_REQUEST && call->session[0] == '\0') {
        return "there is no session";
    }
    if (!mcpz_own_set(&call->capabilities, capabilities.type == MCPZ_JSON_OBJECT
                                               ? capabilities.text
                                               : mcpz_text("{}")) ||
        !mcpz_own_set(&call->info, info.type == MCPZ_JSON_OBJECT ? info.text : mcpz_text(""))) {
        return "out of memory";
    }
    return NULL;
}

/* Whoever asks learns first who answers. */
static bool say_where(struct mcpz_mcp_call *call)
{
    struct mcpz_pieces pieces = {.count = 0};

    mcpz_pieces_text(&pieces, "{\"mcpz\":{\"node\":\"");
    mcpz_pieces_text(&pieces, call->host->node);
    mcpz_pieces_text(&pieces, "\"}}");
    return mcpz_call_say(call, &pieces);
}

static struct mcpz_mcp_call *make(struct mcpz_mcp_host *host, struct mcpz_hosted *server,
                                  struct mcpz_line_stream *stream,
                                  const struct mcpz_msg_open *open)
{
    struct mcpz_mcp_call *call =
        host->stats.calls < MCPZ_MCP_CALLS_MAX ? calloc(1, sizeof(*call)) : NULL;

    if (call == NULL) {
        mcpz_line_fail(stream, MCPZ_CODE_BUSY, "too many calls of servers are under way here",
                       MCPZ_RETRY_AFTER_MS);
        return NULL;
    }
    call->host = host;
    call->server = server;
    call->stream = stream;
    call->poll_at_us = MCPZ_TIME_NEVER;
    call->next = server->calls;
    server->calls = call;
    server->call_count++;
    host->stats.calls++;
    host->stats.calls_total++;
    mcpz_bytes_to_text(open->tenant, call->tenant, sizeof(call->tenant));
    mcpz_bytes_to_text(open->capability, call->capability, sizeof(call->capability));
    mcpz_line_listen(stream, &line_ports, call);
    return call;
}

void mcpz_host_open(void *context, struct mcpz_line_stream *stream,
                    const struct mcpz_msg_open *open)
{
    struct mcpz_mcp_host *host = context;
    struct mcpz_bytes rest = open->capability;

    if (cut(&rest, ABOUT_PREFIX)) {
        tell_about(host, stream, rest);
        return;
    }
    struct mcpz_hosted *server = cut(&rest, SERVER_PREFIX) ? find_server(host, rest) : NULL;
    if (server == NULL) {
        mcpz_line_fail(stream, MCPZ_CODE_NOT_OFFERED, "no such server is hosted here any more", 0);
        return;
    }
    struct mcpz_mcp_call *call = make(host, server, stream, open);
    const char *fault = call != NULL ? read_params(call, open->params) : NULL;
    if (fault != NULL) {
        mcpz_call_fail(call, MCPZ_CODE_BAD_REQUEST, fault, 0);
    } else if (call != NULL && say_where(call)) {
        if (call->kind == MCPZ_MCP_END) {
            end_session(call);
        } else if (call->kind == MCPZ_MCP_LISTEN) {
            mcpz_call_find(call);
        }
    }
}
