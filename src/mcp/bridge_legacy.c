/*
 * A legacy client, a modern server.
 *
 * Each request is sent with what the client said of itself in `_meta`. Where the answer is that
 * input is required, the client is asked with real requests, as it expects, and the request is
 * sent again with its answers. What a session is subscribed to becomes one subscriptions/listen.
 */

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mcp/host_internal.h"

static mcpz_time now_of(const struct mcpz_hosted *server)
{
    return server->host->config.now(server->host->config.context);
}

/* ---- Requests ----------------------------------------------------------------------------- */

/* What the client said that it can, and that it knows tasks where it is made to. */
static bool write_capabilities(const struct mcpz_mcp_call *call, struct mcpz_own *meta)
{
    const struct mcpz_json all = mcpz_json_value(mcpz_own_bytes(&call->capabilities));
    const struct mcpz_json extensions = mcpz_member(all, "extensions");
    const bool has_some = extensions.type == MCPZ_JSON_OBJECT;
    const struct mcpz_json into = has_some ? extensions : all;

    if (!call->with_tasks || mcpz_task_shape_has_modern(all)) {
        return mcpz_own_append(meta, all.text);
    }
    const struct mcpz_bytes at = mcpz_splice_inside(into);
    const uint8_t *end = all.text.data + all.text.length;
    return mcpz_own_append(meta, mcpz_bytes(all.text.data, (size_t)(at.data - all.text.data))) &&
           mcpz_own_append(meta, mcpz_text(has_some ? "" : "\"extensions\":{")) &&
           mcpz_own_append(meta, mcpz_text("\"" MCPZ_TASKS_EXTENSION "\":{}")) &&
           mcpz_own_append(meta, mcpz_text(has_some ? "" : "}")) &&
           mcpz_own_append(meta, mcpz_text(mcpz_splice_is_empty(into) ? "" : ",")) &&
           mcpz_own_append(meta, mcpz_bytes(at.data, (size_t)(end - at.data)));
}

bool mcpz_bridge_legacy_meta(const struct mcpz_mcp_call *call, struct mcpz_own *meta)
{
    char level[96] = "";

    if (call->level[0] != '\0') {
        (void)snprintf(level, sizeof(level), ",\"" MCPZ_MCP_META "logLevel\":\"%s\"", call->level);
    }
    return mcpz_own_append(meta, mcpz_text("\"" MCPZ_MCP_META "protocolVersion\":"
                                           "\"" MCPZ_MCP_MODERN "\",\"" MCPZ_MCP_META
                                           "clientCapabilities\":")) &&
           write_capabilities(call, meta) &&
           (call->info.length == 0 ||
            (mcpz_own_append(meta, mcpz_text(",\"" MCPZ_MCP_META "clientInfo\":")) &&
             mcpz_own_append(meta, mcpz_own_bytes(&call->info)))) &&
           mcpz_own_append(meta, mcpz_text(level));
}

/* What the client has answered, and what is to be sent back with it. */
bool mcpz_bridge_legacy_responses(const struct mcpz_mcp_call *call, struct mcpz_own *text)
{
    bool good = mcpz_own_append(text, mcpz_text("{"));

    for (size_t i = 0; i < call->asked_count && good; i++) {
        good = mcpz_own_append(text, mcpz_text(i > 0 ? "," : "")) &&
               mcpz_own_append(text, mcpz_own_bytes(&call->asked[i].key)) &&
               mcpz_own_append(text, mcpz_text(":")) &&
               mcpz_own_append(text, mcpz_own_bytes(&call->asked[i].answer));
    }
    return good && mcpz_own_append(text, mcpz_text("}"));
}

static bool write_answers(const struct mcpz_mcp_call *call, struct mcpz_own *text)
{
    bool good = true;

    if (call->asked_count > 0) {
        good = mcpz_own_append(text, mcpz_text("\"inputResponses\":")) &&
               mcpz_bridge_legacy_responses(call, text) && mcpz_own_append(text, mcpz_text(","));
    }
    if (call->state.length > 0) {
        good = good && mcpz_own_append(text, mcpz_text("\"requestState\":")) &&
               mcpz_own_append(text, mcpz_own_bytes(&call->state)) &&
               mcpz_own_append(text, mcpz_text(","));
    }
    return good;
}

/* Where all of that goes in the request. Returns how many splices there are. */
static size_t find_places(const struct mcpz_envelope *request, struct mcpz_own *params,
                          struct mcpz_own *meta, struct mcpz_splice *splices)
{
    if (request->meta.type == MCPZ_JSON_OBJECT) {
        const bool comma = !mcpz_splice_is_empty(request->meta);
        if (!mcpz_own_append(meta, mcpz_text(comma ? "," : ""))) {
            return 0;
        }
        splices[0] = (struct mcpz_splice){.at = mcpz_splice_inside(request->params),
                                          .with = mcpz_own_bytes(params)};
        splices[1] = (struct mcpz_splice){.at = mcpz_splice_inside(request->meta),
                                          .with = mcpz_own_bytes(meta)};
        return 2;
    }
    const bool has_params = request->params.type == MCPZ_JSON_OBJECT;
    const bool comma = has_params && !mcpz_splice_is_empty(request->params);
    struct mcpz_own all = {.data = NULL};
    bool good = mcpz_own_append(&all, mcpz_text(has_params ? "" : "\"params\":{")) &&
                mcpz_own_append(&all, mcpz_own_bytes(params)) &&
                mcpz_own_append(&all, mcpz_text("\"_meta\":{")) &&
                mcpz_own_append(&all, mcpz_own_bytes(meta)) &&
                mcpz_own_append(&all, mcpz_text(has_params ? comma ? "}," : "}" : "}},"));
    mcpz_own_finish(params);
    *params = all;
    splices[0] = (struct mcpz_splice){
        .at = mcpz_splice_inside(has_params ? request->params : request->whole),
        .with = mcpz_own_bytes(params)};
    return good ? 1 : 0;
}

void mcpz_bridge_legacy_send(struct mcpz_mcp_call *call)
{
    struct mcpz_own params = {.data = NULL};
    struct mcpz_own meta = {.data = NULL};
    struct mcpz_splice splices[2];
    size_t count = 0;

    if (mcpz_bridge_legacy_meta(call, &meta) && write_answers(call, &params)) {
        count = find_places(&call->request, &params, &meta, splices);
    }
    if (count > 0) {
        mcpz_call_pass(call, call->conn, splices, count);
    } else {
        mcpz_call_fail(call, MCPZ_CODE_BUSY, "out of memory", MCPZ_RETRY_AFTER_MS);
    }
    mcpz_own_finish(&params);
    mcpz_own_finish(&meta);
}

/* ---- Sessions ----------------------------------------------------------------------------- */

static struct mcpz_legacy_session *find_session(struct mcpz_hosted *server, const char *id)
{
    struct mcpz_legacy_session *session = server->sessions;

    while (session != NULL && strcmp(session->id, id) != 0) {
        session = session->next;
    }
    return session;
}

static struct mcpz_legacy_session *session_of(struct mcpz_mcp_call *call)
{
    struct mcpz_hosted *server = call->server;
    struct mcpz_legacy_session *session =
        call->session[0] != '\0' ? find_session(server, call->session) : NULL;

    if (session == NULL && call->session[0] != '\0' &&
        server->session_count < MCPZ_MCP_CALLS_MAX) {
        session = calloc(1, sizeof(*session));
        if (session != NULL) {
            memcpy(session->id, call->session, sizeof(session->id));
            session->next = server->sessions;
            server->sessions = session;
            server->session_count++;
        }
    }
    if (session != NULL) {
        session->used_us = now_of(server);
    }
    return session;
}

static void drop_uri(struct mcpz_legacy_session *session, struct mcpz_bytes uri)
{
    for (size_t i = 0; i < session->uri_count; i++) {
        if (mcpz_bytes_equal(mcpz_own_bytes(&session->uris[i]), uri)) {
            mcpz_own_finish(&session->uris[i]);
            session->uris[i] = session->uris[--session->uri_count];
            return;
        }
    }
}

static bool keep_uri(struct mcpz_legacy_session *session, struct mcpz_bytes uri)
{
    drop_uri(session, uri); /* once is enough */
    if (session->uris == NULL) {
        session->uris = calloc(MCPZ_MCP_URIS_MAX, sizeof(session->uris[0]));
    }
    if (session->uris == NULL || session->uri_count == MCPZ_MCP_URIS_MAX) {
        return false;
    }
    session->uris[session->uri_count] = (struct mcpz_own){.data = NULL};
    if (!mcpz_own_set(&session->uris[session->uri_count], uri)) {
        return false;
    }
    session->uri_count++;
    return true;
}

static bool write_listen(const struct mcpz_legacy_session *session,
                         const struct mcpz_mcp_call *call, struct mcpz_own *params)
{
    bool good = mcpz_own_append(params, mcpz_text("{\"notifications\":{\"toolsListChanged\":true,"
                                                  "\"promptsListChanged\":true,"
                                                  "\"resourcesListChanged\":true,"
                                                  "\"resourceSubscriptions\":["));
    for (size_t i = 0; i < session->uri_count && good; i++) {
        good = mcpz_own_append(params, mcpz_text(i > 0 ? "," : "")) &&
               mcpz_own_append(params, mcpz_own_bytes(&session->uris[i]));
    }
    return good && mcpz_own_append(params, mcpz_text("]},\"_meta\":{")) &&
           mcpz_bridge_legacy_meta(call, params) && mcpz_own_append(params, mcpz_text("}}"));
}

/* Have its listener hear what it is subscribed to now. */
static void listen_anew(struct mcpz_legacy_session *session)
{
    struct mcpz_mcp_call *call = session->listener;
    struct mcpz_own params = {.data = NULL};

    if (call == NULL || call->conn == NULL || !call->conn->ready) {
        return;
    }
    struct mcpz_mcp_job *before = call->job;
    struct mcpz_mcp_job *job = mcpz_mcp_job_begin(call->conn, MCPZ_JOB_CALL, MCPZ_TIME_NEVER);
    if (job != NULL && write_listen(session, call, &params)) {
        job->call = call;
        (void)mcpz_conn_ask(call->conn, job, "subscriptions/listen", mcpz_own_bytes(&params));
        call->job = NULL;
        if (before != NULL) {
            before->call = NULL;
            mcpz_mcp_job_abandon(before);
        }
        call->job = job;
    } else if (job != NULL) {
        mcpz_mcp_job_end(job);
    }
    mcpz_own_finish(&params);
}

void mcpz_bridge_legacy_listen(struct mcpz_mcp_call *call)
{
    struct mcpz_legacy_session *session = session_of(call);

    if (session == NULL) {
        mcpz_call_fail(call, MCPZ_CODE_BUSY, "too many sessions are under way at this node",
                       MCPZ_RETRY_AFTER_MS);
        return;
    }
    if (session->listener != NULL) { /* one stream a session: the newer one */
        mcpz_call_finish(session->listener);
    }
    session->listener = call;
    listen_anew(session);
}

void mcpz_bridge_legacy_left(struct mcpz_mcp_call *call)
{
    for (struct mcpz_legacy_session *session = call->server->sessions; session != NULL;
         session = session->next) {
        if (session->listener == call) {
            session->listener = NULL;
        }
    }
}

static mcpz_time end_of(const struct mcpz_hosted *server,
                        const struct mcpz_legacy_session *session)
{
    return session->listener != NULL ? MCPZ_TIME_NEVER
                                     : session->used_us + MCPZ_SECONDS(server->what.idle_seconds);
}

/* Those that are called `id` (NULL: all), and end by then. */
static void forget(struct mcpz_hosted *server, const char *id, mcpz_time by_us)
{
    struct mcpz_legacy_session **link = &server->sessions;

    while (*link != NULL) {
        struct mcpz_legacy_session *session = *link;
        if ((id != NULL && strcmp(session->id, id) != 0) || end_of(server, session) > by_us) {
            link = &session->next;
            continue;
        }
        *link = session->next;
        server->session_count--;
        for (size_t i = 0; i < session->uri_count; i++) {
            mcpz_own_finish(&session->uris[i]);
        }
        free(session->uris);
        free(session);
    }
}

void mcpz_bridge_legacy_forget(struct mcpz_hosted *server, const char *id)
{
    forget(server, id, MCPZ_TIME_NEVER);
}

void mcpz_bridge_legacy_expire(struct mcpz_hosted *server, mcpz_time now)
{
    forget(server, NULL, now);
}

mcpz_time mcpz_bridge_legacy_deadline(const struct mcpz_hosted *server)
{
    mcpz_time next = MCPZ_TIME_NEVER;

    for (const struct mcpz_legacy_session *session = server->sessions; session != NULL;
         session = session->next) {
        next = mcpz_time_min(next, end_of(server, session));
    }
    return next;
}

/* ---- What we answer ourselves ------------------------------------------------------------- */

static void subscribe(struct mcpz_mcp_call *call, bool wanted)
{
    struct mcpz_legacy_session *session = session_of(call);

    if (session == NULL || call->request.uri.type != MCPZ_JSON_STRING) {
        mcpz_call_refuse(call, MCPZ_MCP_INVALID_PARAMS,
                         session == NULL ? "subscriptions need a session" : "uri is missing");
        return;
    }
    if (!wanted) {
        drop_uri(session, call->request.uri.text);
    } else if (!keep_uri(session, call->request.uri.text)) {
        mcpz_call_refuse(call, MCPZ_MCP_INTERNAL_ERROR, "too many subscriptions of one session");
        return;
    }
    listen_anew(session);
    mcpz_call_answer(call, mcpz_text("{}"));
}

static void put_capabilities(struct mcpz_json_writer *writer, const void *context)
{
    const struct mcpz_json *capabilities = context;

    mcpz_task_shape_put_capabilities(writer, *capabilities, false);
}

/* initialize, made of server/discover. */
static void answer_initialize(struct mcpz_mcp_call *call)
{
    const struct mcpz_json begun = mcpz_json_value(mcpz_own_bytes(&call->conn->begun));
    const struct mcpz_json capabilities = mcpz_member(begun, "capabilities");
    const struct mcpz_json instructions = mcpz_member(begun, "instructions");
    const struct mcpz_json info =
        mcpz_member(mcpz_member(begun, "_meta"), MCPZ_MCP_META "serverInfo");
    struct mcpz_own result = {.data = NULL};
    struct mcpz_own translated = {.data = NULL};

    bool good =
        mcpz_own_write(&translated, put_capabilities, &capabilities) &&
        mcpz_own_append(&result, mcpz_text("{\"protocolVersion\":\"")) &&
        mcpz_own_append(&result,
                        mcpz_text(call->version[0] != '\0' ? call->version : MCPZ_MCP_LEGACY)) &&
        mcpz_own_append(&result, mcpz_text("\",\"capabilities\":")) &&
        mcpz_own_append(&result, mcpz_own_bytes(&translated)) &&
        mcpz_own_append(&result, mcpz_text(",\"serverInfo\":")) &&
        mcpz_own_append(&result, info.type == MCPZ_JSON_OBJECT
                                     ? info.text
                                     : mcpz_text("{\"name\":\"unknown\",\"version\":\"0\"}"));
    if (good && instructions.type == MCPZ_JSON_STRING) {
        good = mcpz_own_append(&result, mcpz_text(",\"instructions\":")) &&
               mcpz_own_append(&result, instructions.text);
    }
    if (good && mcpz_own_append(&result, mcpz_text("}"))) {
        mcpz_call_answer(call, mcpz_own_bytes(&result));
    } else {
        mcpz_call_fail(call, MCPZ_CODE_BUSY, "out of memory", MCPZ_RETRY_AFTER_MS);
    }
    mcpz_own_finish(&result);
    mcpz_own_finish(&translated);
}

void mcpz_bridge_legacy_request(struct mcpz_mcp_call *call)
{
    const struct mcpz_envelope *request = &call->request;

    if (request->kind == MCPZ_ENVELOPE_NOTIFICATION) {
        mcpz_call_finish(call); /* a modern server has no use for any of them */
    } else if (mcpz_envelope_is(request, "initialize")) {
        answer_initialize(call);
    } else if (mcpz_envelope_is(request, "ping") ||
               mcpz_envelope_is(request, "logging/setLevel")) {
        mcpz_call_answer(call, mcpz_text("{}")); /* the face remembers the level */
    } else if (mcpz_envelope_is(request, "resources/subscribe") ||
               mcpz_envelope_is(request, "resources/unsubscribe")) {
        subscribe(call, mcpz_envelope_is(request, "resources/subscribe"));
    } else if (!mcpz_bridge_legacy_task(call)) {
        mcpz_bridge_legacy_send(call);
    }
}

/* ---- Input that is required --------------------------------------------------------------- */

static void forget_asked(struct mcpz_mcp_call *call)
{
    for (size_t i = 0; i < call->asked_count; i++) {
        mcpz_own_finish(&call->asked[i].key);
        mcpz_own_finish(&call->asked[i].answer);
    }
    call->asked_count = 0;
}

#define ASKED_ID_BYTES 64

/* How we call a question of this round. */
static void write_asked_id(const struct mcpz_mcp_call *call, size_t index, char id[ASKED_ID_BYTES])
{
    (void)snprintf(id, ASKED_ID_BYTES, "\"mcpz-%zu-%zu\"", call->rounds, index);
}

/* What says for which task a question is. */
static void add_related(struct mcpz_pieces *pieces, const struct mcpz_mcp_call *call)
{
    mcpz_pieces_text(pieces, "\"" MCPZ_RELATED_TASK "\":{\"taskId\":");
    mcpz_pieces_add(pieces, mcpz_own_bytes(&call->task));
    mcpz_pieces_text(pieces, "}");
}

/* The parameters of a question, with the task that it is for where its client knows of it. */
static void add_params(struct mcpz_pieces *pieces, const struct mcpz_mcp_call *call,
                       struct mcpz_json params)
{
    const struct mcpz_json meta = mcpz_member(params, "_meta");
    const bool has_meta = meta.type == MCPZ_JSON_OBJECT;
    const bool is_for_task =
        call->task.length > 0 && mcpz_member(meta, MCPZ_RELATED_TASK).type == MCPZ_JSON_NONE;

    if (params.type != MCPZ_JSON_OBJECT) {
        mcpz_pieces_text(pieces, is_for_task ? ",\"params\":{\"_meta\":{" : "");
        if (is_for_task) {
            add_related(pieces, call);
            mcpz_pieces_text(pieces, "}}");
        }
        return;
    }
    mcpz_pieces_text(pieces, ",\"params\":");
    if (!is_for_task) {
        mcpz_pieces_add(pieces, params.text);
        return;
    }
    const struct mcpz_json into = has_meta ? meta : params;
    const struct mcpz_bytes at = mcpz_splice_inside(into);
    const uint8_t *end = params.text.data + params.text.length;
    mcpz_pieces_add(pieces, mcpz_bytes(params.text.data, (size_t)(at.data - params.text.data)));
    mcpz_pieces_text(pieces, has_meta ? "" : "\"_meta\":{");
    add_related(pieces, call);
    mcpz_pieces_text(pieces, has_meta ? "" : "}");
    mcpz_pieces_text(pieces, mcpz_splice_is_empty(into) ? "" : ",");
    mcpz_pieces_add(pieces, mcpz_bytes(at.data, (size_t)(end - at.data)));
}

bool mcpz_bridge_legacy_ask(struct mcpz_mcp_call *call, struct mcpz_json key,
                            struct mcpz_json question)
{
    const struct mcpz_json method = mcpz_member(question, "method");
    const struct mcpz_json params = mcpz_member(question, "params");
    struct mcpz_asked *asked = &call->asked[call->asked_count];
    struct mcpz_pieces pieces = {.count = 0};
    char id[ASKED_ID_BYTES];

    if (call->asked_count == MCPZ_MCP_ASKED_MAX) {
        mcpz_call_refuse(call, MCPZ_MCP_INTERNAL_ERROR, "the server asks too much at once");
        return false;
    }
    write_asked_id(call, call->asked_count, id);
    if (method.type != MCPZ_JSON_STRING || !mcpz_own_set(&asked->key, key.text)) {
        mcpz_call_refuse(call, MCPZ_MCP_INTERNAL_ERROR, "the server asks what is no request");
        return false;
    }
    call->asked_count++;
    mcpz_pieces_text(&pieces, "{\"jsonrpc\":\"2.0\",\"id\":");
    mcpz_pieces_text(&pieces, id);
    mcpz_pieces_text(&pieces, ",\"method\":");
    mcpz_pieces_add(&pieces, method.text);
    add_params(&pieces, call, params);
    mcpz_pieces_text(&pieces, "}");
    return mcpz_call_say(call, &pieces);
}

bool mcpz_bridge_legacy_begin_round(struct mcpz_mcp_call *call)
{
    forget_asked(call);
    if (++call->rounds > MCPZ_MCP_ROUNDS_MAX) {
        mcpz_call_refuse(call, MCPZ_MCP_INTERNAL_ERROR, "the server asks again and again");
        return false;
    }
    return true;
}

static void ask_all(struct mcpz_mcp_call *call, const struct mcpz_envelope *answer)
{
    const struct mcpz_json state = mcpz_member(answer->result, "requestState");
    struct mcpz_json_walk walk = mcpz_json_walk(mcpz_member(answer->result, "inputRequests"));
    struct mcpz_json key;
    struct mcpz_json question;

    mcpz_own_finish(&call->state);
    if (!mcpz_bridge_legacy_begin_round(call)) {
        return;
    }
    if (state.type == MCPZ_JSON_STRING && !mcpz_own_set(&call->state, state.text)) {
        mcpz_call_fail(call, MCPZ_CODE_BUSY, "out of memory", MCPZ_RETRY_AFTER_MS);
        return;
    }
    while (mcpz_json_next_member(&walk, &key, &question)) {
        if (!mcpz_bridge_legacy_ask(call, key, question)) {
            return;
        }
    }
    if (call->asked_count == 0) {
        mcpz_bridge_legacy_send(
            call); /* nothing but its own state: it only wants to be asked again */
    }
}

/* Which question it was that the client answers under this id; call->asked_count: none. */
static size_t find_asked(const struct mcpz_mcp_call *call, struct mcpz_json id)
{
    char asked[ASKED_ID_BYTES];
    size_t index = 0;

    while (index < call->asked_count) {
        write_asked_id(call, index, asked);
        if (mcpz_bytes_equal(id.text, mcpz_text(asked))) {
            break;
        }
        index++;
    }
    return index;
}

void mcpz_bridge_legacy_told(struct mcpz_mcp_call *call, const struct mcpz_envelope *answer)
{
    const size_t index = find_asked(call, answer->id);
    bool all = true;

    if (index == call->asked_count || call->asked[index].answer.length > 0) {
        return;
    }
    /* There is no way to say that a client has failed to answer but for an elicitation's. */
    if (!mcpz_own_set(&call->asked[index].answer, answer->kind == MCPZ_ENVELOPE_RESPONSE
                                                      ? answer->result.text
                                                      : mcpz_text("{\"action\":\"cancel\"}"))) {
        mcpz_call_fail(call, MCPZ_CODE_BUSY, "out of memory", MCPZ_RETRY_AFTER_MS);
        return;
    }
    for (size_t i = 0; i < call->asked_count; i++) {
        all = all && call->asked[i].answer.length > 0;
    }
    if (all && call->step == MCPZ_STEP_FOLLOW) {
        mcpz_bridge_legacy_task_told(call);
    } else if (all) {
        mcpz_bridge_legacy_send(call);
    }
}

void mcpz_bridge_legacy_answered(struct mcpz_mcp_call *call, const struct mcpz_envelope *answer)
{
    struct mcpz_pieces pieces = {.count = 0};

    if (call->kind == MCPZ_MCP_LISTEN) { /* the server ends its subscription */
        mcpz_call_finish(call);
        return;
    }
    if (answer->kind == MCPZ_ENVELOPE_RESPONSE &&
        mcpz_json_says(mcpz_member(answer->result, "resultType"), mcpz_text("input_required"))) {
        ask_all(call, answer);
        return;
    }
    if (mcpz_bridge_legacy_task_answered(call, answer)) {
        return;
    }
    const struct mcpz_splice splice = {.at = answer->id.text, .with = call->request.id.text};
    mcpz_pieces_splice(&pieces, answer->whole.text, &splice, 1);
    if (mcpz_call_say(call, &pieces)) {
        mcpz_call_finish(call);
    }
}
