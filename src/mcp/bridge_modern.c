/*
 * A modern client, a legacy server.
 *
 * A process was initialized with what the client can do. What the server asks meanwhile becomes
 * an answer that input is required; the request stays with its process, parked, until the client
 * sends it again with its answers and the name of the place, `requestState`:
 *
 *   mcpz1.NODE.128 random bits.SEAL       the last two in hexadecimal
 *
 * Only this node can make the seal, and it is made for one server, tenant, principal and method:
 * who has seen the state of somebody else can do nothing with it, nor try states out.
 */

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mcp/host_internal.h"

#define STATE_PREFIX "mcpz1."
#define SEAL_CHARS (2 * (size_t)MCPZ_MCP_SEAL_BYTES)

static mcpz_time now_of(const struct mcpz_mcp_host *host)
{
    return host->config.now(host->config.context);
}

/* ---- What we answer ourselves ------------------------------------------------------------- */

static struct mcpz_json info_of(const struct mcpz_conn *conn)
{
    return mcpz_member(mcpz_json_value(mcpz_own_bytes(&conn->begun)), "serverInfo");
}

static void put_capabilities(struct mcpz_json_writer *writer, const void *context)
{
    const struct mcpz_json *capabilities = context;

    mcpz_task_shape_put_capabilities(writer, *capabilities, true);
}

/* server/discover, made of initialize. */
static void answer_discover(struct mcpz_mcp_call *call, const struct mcpz_conn *conn)
{
    const struct mcpz_json begun = mcpz_json_value(mcpz_own_bytes(&conn->begun));
    const struct mcpz_json capabilities = mcpz_member(begun, "capabilities");
    const struct mcpz_json instructions = mcpz_member(begun, "instructions");
    const struct mcpz_json info = info_of(conn);
    struct mcpz_own result = {.data = NULL};
    struct mcpz_own translated = {.data = NULL};

    bool good =
        mcpz_own_write(&translated, put_capabilities, &capabilities) &&
        mcpz_own_append(&result, mcpz_text("{\"supportedVersions\":[\"" MCPZ_MCP_MODERN
                                           "\"],\"capabilities\":")) &&
        mcpz_own_append(&result, mcpz_own_bytes(&translated)) &&
        (instructions.type != MCPZ_JSON_STRING ||
         (mcpz_own_append(&result, mcpz_text(",\"instructions\":")) &&
          mcpz_own_append(&result, instructions.text))) &&
        mcpz_own_append(&result, mcpz_text(",\"resultType\":\"complete\",\"ttlMs\":0,"
                                           "\"cacheScope\":\"private\"")) &&
        (info.type != MCPZ_JSON_OBJECT ||
         (mcpz_own_append(&result, mcpz_text(",\"_meta\":{\"" MCPZ_MCP_META "serverInfo\":")) &&
          mcpz_own_append(&result, info.text) && mcpz_own_append(&result, mcpz_text("}")))) &&
        mcpz_own_append(&result, mcpz_text("}"));
    if (good) {
        mcpz_call_answer(call, mcpz_own_bytes(&result));
    } else {
        mcpz_call_fail(call, MCPZ_CODE_BUSY, "out of memory", MCPZ_RETRY_AFTER_MS);
    }
    mcpz_own_finish(&result);
    mcpz_own_finish(&translated);
}

static bool is_removed(const struct mcpz_envelope *request)
{
    static const char *const removed[] = {"initialize", "ping", "logging/setLevel",
                                          "resources/subscribe", "resources/unsubscribe"};

    for (size_t i = 0; i < sizeof(removed) / sizeof(removed[0]); i++) {
        if (mcpz_envelope_is(request, removed[i])) {
            return true;
        }
    }
    return false;
}

/* ---- Subscriptions ------------------------------------------------------------------------ */

static bool is_true(struct mcpz_json value)
{
    return value.type == MCPZ_JSON_TRUE;
}

static struct mcpz_json filter_of(const struct mcpz_mcp_call *call)
{
    return mcpz_member(call->request.params, "notifications");
}

/* Say {"method": method, "params": {FIRST "_meta": {subscriptionId}}}. */
static bool say_tagged(struct mcpz_mcp_call *call, const char *method, const char *name,
                       struct mcpz_bytes value)
{
    struct mcpz_pieces pieces = {.count = 0};

    mcpz_pieces_text(&pieces, "{\"jsonrpc\":\"2.0\",\"method\":\"");
    mcpz_pieces_text(&pieces, method);
    mcpz_pieces_text(&pieces, "\",\"params\":{");
    if (value.length > 0) {
        mcpz_pieces_text(&pieces, "\"");
        mcpz_pieces_text(&pieces, name);
        mcpz_pieces_text(&pieces, "\":");
        mcpz_pieces_add(&pieces, value);
        mcpz_pieces_text(&pieces, ",");
    }
    mcpz_pieces_text(&pieces, "\"_meta\":{\"" MCPZ_MCP_META "subscriptionId\":");
    mcpz_pieces_add(&pieces, call->request.id.text);
    mcpz_pieces_text(&pieces, "}}}");
    return mcpz_call_say(call, &pieces);
}

static bool wants_resource(const struct mcpz_mcp_call *call, struct mcpz_bytes uri)
{
    struct mcpz_json_walk walk =
        mcpz_json_walk(mcpz_member(filter_of(call), "resourceSubscriptions"));
    struct mcpz_json wanted;

    while (mcpz_json_next_element(&walk, &wanted)) {
        if (mcpz_bytes_equal(wanted.text, uri)) {
            return true;
        }
    }
    return false;
}

/* Does another subscription want it, too? */
static bool is_shared(const struct mcpz_mcp_call *call, struct mcpz_bytes uri)
{
    for (const struct mcpz_mcp_call *other = call->server->calls; other != NULL;
         other = other->next) {
        if (other != call && other->subscribed && wants_resource(other, uri)) {
            return true;
        }
    }
    return false;
}

/* Have the describer told, or not any more, of the resources that this call alone wants: it is
 * one client for all, and each hears only its own. */
static void ask_resources(struct mcpz_mcp_call *call, const char *method)
{
    struct mcpz_json_walk walk =
        mcpz_json_walk(mcpz_member(filter_of(call), "resourceSubscriptions"));
    struct mcpz_json uri;

    for (size_t i = 0; i < MCPZ_MCP_URIS_MAX && mcpz_json_next_element(&walk, &uri); i++) {
        struct mcpz_own params = {.data = NULL};
        if (uri.type == MCPZ_JSON_STRING && !is_shared(call, uri.text) &&
            mcpz_own_append(&params, mcpz_text("{\"uri\":")) &&
            mcpz_own_append(&params, uri.text) && mcpz_own_append(&params, mcpz_text("}"))) {
            mcpz_conn_ask_silently(call->conn, method, mcpz_own_bytes(&params));
        }
        mcpz_own_finish(&params);
    }
}

void mcpz_bridge_modern_left(struct mcpz_mcp_call *call)
{
    if (call->conn != NULL && call->conn->ready) {
        ask_resources(call, "resources/unsubscribe");
    }
}

/* All but tasks: a client of a legacy server asks for those. */
static void put_agreed(struct mcpz_json_writer *writer, const void *context)
{
    const struct mcpz_json *filter = context;

    if (filter->type == MCPZ_JSON_OBJECT) {
        const struct mcpz_splice splice = {.at = mcpz_splice_member(*filter, "taskIds")};
        mcpz_splice(writer, filter->text, &splice, splice.at.length > 0 ? 1 : 0);
    } else {
        mcpz_json_put_text(writer, "{}");
    }
}

static void listen(struct mcpz_mcp_call *call, struct mcpz_conn *conn)
{
    const struct mcpz_json filter = filter_of(call);

    call->conn = conn;
    call->subscribed = true;
    call->wants_tools = is_true(mcpz_member(filter, "toolsListChanged"));
    call->wants_prompts = is_true(mcpz_member(filter, "promptsListChanged"));
    call->wants_resources = is_true(mcpz_member(filter, "resourcesListChanged"));
    struct mcpz_own agreed = {.data = NULL};
    if (!mcpz_own_write(&agreed, put_agreed, &filter)) {
        mcpz_call_fail(call, MCPZ_CODE_BUSY, "out of memory", MCPZ_RETRY_AFTER_MS);
    } else if (say_tagged(call, "notifications/subscriptions/acknowledged", "notifications",
                          mcpz_own_bytes(&agreed))) {
        ask_resources(call, "resources/subscribe");
    }
    mcpz_own_finish(&agreed);
}

static bool wants(const struct mcpz_mcp_call *call, const struct mcpz_envelope *notification)
{
    if (mcpz_envelope_is(notification, "notifications/tools/list_changed")) {
        return call->wants_tools;
    }
    if (mcpz_envelope_is(notification, "notifications/prompts/list_changed")) {
        return call->wants_prompts;
    }
    if (mcpz_envelope_is(notification, "notifications/resources/list_changed")) {
        return call->wants_resources;
    }
    return wants_resource(call, notification->uri.text);
}

void mcpz_bridge_modern_notified(struct mcpz_hosted *server,
                                 const struct mcpz_envelope *notification)
{
    struct mcpz_mcp_call *next;
    char method[128];

    if (!mcpz_json_to_text(notification->method, method, sizeof(method))) {
        return;
    }
    for (struct mcpz_mcp_call *call = server->calls; call != NULL; call = next) {
        next = call->next;
        if (call->subscribed && wants(call, notification)) {
            (void)say_tagged(call, method, "uri", notification->uri.text);
        }
    }
}

/* ---- Parked calls ------------------------------------------------------------------------- */

static void write_hex(const uint8_t *bytes, size_t length, char *text)
{
    for (size_t i = 0; i < length; i++) {
        (void)snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    }
}

/* What shows that `state` was given to this client for a request like this one. */
static void write_seal(const struct mcpz_mcp_call *call, const char *state,
                       char seal[SEAL_CHARS + 1])
{
    const struct mcpz_mcp_host *host = call->host;
    const char *parts[] = {call->server->what.service.name, call->tenant, call->principal, state};
    struct mcpz_own text = {.data = NULL};
    uint8_t mac[MCPZ_MCP_SEAL_BYTES] = {0};
    bool is_whole = mcpz_own_append(&text, call->request.method.text);

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(parts); i++) { /* each with the NUL that ends it */
        is_whole = is_whole && mcpz_own_append(&text, mcpz_bytes(parts[i], strlen(parts[i]) + 1));
    }
    seal[0] = '\0'; /* without memory nothing is right */
    if (is_whole) {
        host->config.seal(host->config.context, mcpz_own_bytes(&text), mac);
        write_hex(mac, sizeof(mac), seal);
    }
    mcpz_own_finish(&text);
}

/* In a time that does not tell where they differ. */
static bool is_sealed(const struct mcpz_mcp_call *call, const char *state, const char *seal)
{
    char right[SEAL_CHARS + 1];
    unsigned difference = 0;

    write_seal(call, state, right);
    if (strlen(right) != SEAL_CHARS || strlen(seal) != SEAL_CHARS) {
        return false;
    }
    for (size_t i = 0; i < SEAL_CHARS; i++) {
        difference |= (unsigned)(right[i] ^ seal[i]);
    }
    return difference == 0;
}

static struct mcpz_mcp_job *find_parked(const struct mcpz_mcp_call *call, const char *state)
{
    const struct mcpz_conn *conn = call->server->conns;

    for (; conn != NULL; conn = conn->next) {
        for (struct mcpz_mcp_job *job = conn->jobs; job != NULL; job = job->next) {
            if (job->parked && strcmp(job->state, state) == 0 &&
                strcmp(job->tenant, call->tenant) == 0) {
                return job;
            }
        }
    }
    return NULL;
}

/* Tell the client what is asked of it. The questions of `job` are not with anybody yet. */
static void say_required(struct mcpz_mcp_job *job, struct mcpz_mcp_call *call)
{
    struct mcpz_pieces pieces = {.count = 0};
    char keys[MCPZ_MCP_ASKED_MAX][24];
    char seal[SEAL_CHARS + 1];
    size_t count = 0;

    write_seal(call, job->state, seal);
    mcpz_pieces_text(&pieces, "{\"jsonrpc\":\"2.0\",\"id\":");
    mcpz_pieces_add(&pieces, call->request.id.text);
    mcpz_pieces_text(&pieces, ",\"result\":{\"resultType\":\"input_required\","
                              "\"inputRequests\":{");
    for (struct mcpz_question *question = job->conn->questions;
         question != NULL && count < MCPZ_MCP_ASKED_MAX; question = question->next) {
        if (question->job != job) {
            continue;
        }
        const struct mcpz_json whole = mcpz_json_value(mcpz_own_bytes(&question->line));
        const struct mcpz_json params = mcpz_member(whole, "params");
        (void)snprintf(keys[count], sizeof(keys[0]), "%s\"input%zu\":", count > 0 ? "," : "",
                       count);
        mcpz_pieces_text(&pieces, keys[count++]);
        mcpz_pieces_text(&pieces, "{\"method\":");
        mcpz_pieces_add(&pieces, mcpz_member(whole, "method").text);
        mcpz_pieces_text(&pieces, ",\"params\":");
        mcpz_pieces_add(&pieces, params.type == MCPZ_JSON_OBJECT ? params.text : mcpz_text("{}"));
        mcpz_pieces_text(&pieces, "}");
    }
    mcpz_pieces_text(&pieces, "},\"requestState\":\"" STATE_PREFIX);
    mcpz_pieces_text(&pieces, call->host->node);
    mcpz_pieces_text(&pieces, ".");
    mcpz_pieces_text(&pieces, job->state);
    mcpz_pieces_text(&pieces, ".");
    mcpz_pieces_text(&pieces, seal);
    mcpz_pieces_text(&pieces, "\"}}");
    if (mcpz_call_say(call, &pieces)) {
        call->job = NULL; /* it outlives the call */
        job->call = NULL;
        mcpz_call_finish(call);
    }
}

static void park(struct mcpz_mcp_job *job)
{
    struct mcpz_mcp_call *call = job->call;
    struct mcpz_mcp_host *host = call->host;
    uint8_t random[MCPZ_MCP_SESSION_BYTES / 2];

    if (host->stats.parked == MCPZ_MCP_PARKED_MAX) {
        mcpz_call_refuse(call, MCPZ_MCP_INTERNAL_ERROR,
                         "too many calls wait for their clients at this node");
        return;
    }
    host->config.random(host->config.context, random, sizeof(random));
    write_hex(random, sizeof(random), job->state);
    memcpy(job->tenant, call->tenant, sizeof(job->tenant));
    job->parked = true;
    job->due_us = now_of(host) + MCPZ_MCP_PARKED_US;
    host->stats.parked++;
    say_required(job, call);
}

void mcpz_bridge_modern_asked(struct mcpz_mcp_job *job, const struct mcpz_envelope *request)
{
    struct mcpz_question *question = mcpz_question_keep(job->conn, request);

    if (question == NULL) {
        return;
    }
    question->job = job;
    if (job->call != NULL) {
        park(job);
    }
}

/* The answers that a client brings: each goes to the question of its key. */
static void answer_questions(struct mcpz_mcp_job *job, struct mcpz_json responses)
{
    struct mcpz_conn *conn = job->conn;
    struct mcpz_question *next;
    char key[24];
    size_t count = 0;

    for (struct mcpz_question *question = conn->questions; question != NULL; question = next) {
        next = question->next;
        if (question->job != job || count == MCPZ_MCP_ASKED_MAX) {
            continue;
        }
        (void)snprintf(key, sizeof(key), "input%zu", count++);
        const struct mcpz_json answer = mcpz_member(responses, key);
        if (answer.type == MCPZ_JSON_OBJECT) {
            mcpz_conn_answer(conn, mcpz_own_bytes(&question->id), answer.text);
            mcpz_question_end(conn, question);
        }
    }
}

static bool has_questions(const struct mcpz_mcp_job *job)
{
    for (const struct mcpz_question *question = job->conn->questions; question != NULL;
         question = question->next) {
        if (question->job == job) {
            return true;
        }
    }
    return false;
}

/* The answer was there before the client was. */
static void give_held(struct mcpz_mcp_call *call, struct mcpz_mcp_job *job)
{
    struct mcpz_own held = job->held;
    struct mcpz_envelope answer;

    job->held = (struct mcpz_own){.data = NULL};
    mcpz_mcp_job_end(job);
    if (mcpz_envelope_read(mcpz_own_bytes(&held), &answer) == MCPZ_OK) {
        mcpz_bridge_modern_answered(call, &answer);
    }
    mcpz_own_finish(&held);
}

/* The client is back. */
static void resume(struct mcpz_mcp_call *call, struct mcpz_mcp_job *job)
{
    job->parked = false;
    job->due_us = MCPZ_TIME_NEVER;
    job->state[0] = '\0';
    call->host->stats.parked--;
    /* The server goes on with the token that it was told; the client may have another now. */
    (void)!mcpz_own_set(&job->token, call->request.progress_token.text);
    job->call = call;
    call->job = job;
    call->conn = job->conn;
    if (job->held.length > 0) {
        give_held(call, job);
        return;
    }
    answer_questions(job, call->request.input_responses);
    if (has_questions(job)) { /* some were not answered, or came meanwhile */
        park(job);
    }
}

/* The part of a requestState that names a parked call; "": it is none that this client was given.
 */
static void read_state(const struct mcpz_mcp_call *call, char state[MCPZ_MCP_SESSION_BYTES + 1])
{
    char text[MCPZ_ID_TEXT_BYTES + MCPZ_MCP_SESSION_BYTES + SEAL_CHARS + 16];

    state[0] = '\0';
    if (!mcpz_json_to_text(call->request.request_state, text, sizeof(text)) ||
        strncmp(text, STATE_PREFIX, strlen(STATE_PREFIX)) != 0) {
        return;
    }
    char *last = strrchr(text, '.');
    *last = '\0';
    const char *before = strrchr(text, '.');
    if (before != NULL && strlen(before + 1) == MCPZ_MCP_SESSION_BYTES &&
        is_sealed(call, before + 1, last + 1)) {
        memcpy(state, before + 1, MCPZ_MCP_SESSION_BYTES + 1);
    }
}

void mcpz_bridge_modern_request(struct mcpz_mcp_call *call)
{
    char state[MCPZ_MCP_SESSION_BYTES + 1];

    if (call->request.kind == MCPZ_ENVELOPE_NOTIFICATION) {
        mcpz_call_finish(call);
        return;
    }
    if (is_removed(&call->request)) {
        mcpz_call_refuse(call, MCPZ_MCP_METHOD_NOT_FOUND, "Method not found");
        return;
    }
    if (mcpz_bridge_modern_task(call)) {
        return;
    }
    if (call->request.request_state.type == MCPZ_JSON_NONE) {
        mcpz_call_find_modern(call);
        return;
    }
    read_state(call, state);
    struct mcpz_mcp_job *job = state[0] != '\0' ? find_parked(call, state) : NULL;
    if (job == NULL) {
        mcpz_call_refuse(call, MCPZ_MCP_INVALID_PARAMS,
                         "requestState is unknown here, or too old: send the request anew");
        return;
    }
    resume(call, job);
}

void mcpz_bridge_modern_send(struct mcpz_mcp_call *call, struct mcpz_conn *conn)
{
    if (mcpz_envelope_is(&call->request, "server/discover")) {
        answer_discover(call, conn);
    } else if (mcpz_envelope_is(&call->request, "subscriptions/listen")) {
        listen(call, conn);
    } else {
        struct mcpz_splice splice;
        mcpz_call_pass(call, conn, &splice, mcpz_bridge_modern_task_splice(call, &splice));
    }
}

/* ---- Answers ------------------------------------------------------------------------------ */

static bool is_cached(const struct mcpz_envelope *request)
{
    static const char *const cached[] = {"tools/list", "prompts/list", "resources/list",
                                         "resources/templates/list", "resources/read"};

    for (size_t i = 0; i < sizeof(cached) / sizeof(cached[0]); i++) {
        if (mcpz_envelope_is(request, cached[i])) {
            return true;
        }
    }
    return false;
}

/* What a modern result has and a legacy one has not. */
static void add_members(struct mcpz_pieces *pieces, struct mcpz_mcp_call *call,
                        const struct mcpz_envelope *answer, struct mcpz_splice id)
{
    const struct mcpz_json result = answer->result;
    const struct mcpz_json info = info_of(call->conn);
    const bool has_meta = answer->meta.type == MCPZ_JSON_OBJECT;
    const bool comma = !mcpz_splice_is_empty(result);
    const uint8_t *end = result.text.data + result.text.length;
    const uint8_t *start = answer->whole.text.data;

    /* {"jsonrpc": ..., "id": ID, "result": { HERE ...}}, with the id before or behind. */
    const bool id_first = id.at.data < result.text.data;
    struct mcpz_bytes head = mcpz_bytes(start, (size_t)(result.text.data + 1 - start));
    struct mcpz_bytes tail =
        mcpz_bytes(end, (size_t)(answer->whole.text.data + answer->whole.text.length - end));
    mcpz_pieces_splice(pieces, head, &id, id_first ? 1 : 0);
    mcpz_pieces_text(pieces, "\"resultType\":\"complete\"");
    mcpz_pieces_text(pieces,
                     is_cached(&call->request) ? ",\"ttlMs\":0,\"cacheScope\":\"private\"" : "");
    if (!has_meta && info.type == MCPZ_JSON_OBJECT) {
        mcpz_pieces_text(pieces, ",\"_meta\":{\"" MCPZ_MCP_META "serverInfo\":");
        mcpz_pieces_add(pieces, info.text);
        mcpz_pieces_text(pieces, "}");
    }
    mcpz_pieces_text(pieces, comma ? "," : "");
    mcpz_pieces_add(pieces, mcpz_bytes(result.text.data + 1, result.text.length - 1));
    mcpz_pieces_splice(pieces, tail, &id, id_first ? 0 : 1);
}

void mcpz_bridge_modern_answered(struct mcpz_mcp_call *call, const struct mcpz_envelope *answer)
{
    const struct mcpz_splice id = {.at = answer->id.text, .with = call->request.id.text};
    struct mcpz_pieces pieces = {.count = 0};

    if (mcpz_bridge_modern_task_answered(call, answer)) {
        return;
    }
    if (answer->kind == MCPZ_ENVELOPE_RESPONSE &&
        mcpz_member(answer->result, "resultType").type == MCPZ_JSON_NONE) {
        add_members(&pieces, call, answer, id);
    } else {
        const struct mcpz_json code = mcpz_member(answer->error, "code");
        const bool is_missing = mcpz_bytes_equal(code.text, mcpz_text("-32002"));
        const struct mcpz_splice other = {.at = code.text, .with = mcpz_text("-32602")};
        const bool id_first = !is_missing || id.at.data < code.text.data;
        const struct mcpz_splice both[] = {id_first ? id : other, id_first ? other : id};
        mcpz_pieces_splice(&pieces, answer->whole.text, both, is_missing ? 2 : 1);
    }
    if (mcpz_call_say(call, &pieces)) {
        mcpz_call_finish(call);
    }
}
