/* Processes of servers, and what they are asked. */

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/log.h"
#include "mcp/host_internal.h"

/* ---- Bytes -------------------------------------------------------------------------------- */

void mcpz_own_finish(struct mcpz_own *own)
{
    free(own->data);
    *own = (struct mcpz_own){.data = NULL};
}

bool mcpz_own_set(struct mcpz_own *own, struct mcpz_bytes bytes)
{
    mcpz_own_finish(own);
    return mcpz_own_append(own, bytes);
}

bool mcpz_own_append(struct mcpz_own *own, struct mcpz_bytes bytes)
{
    if (bytes.length == 0) {
        return true;
    }
    uint8_t *data = realloc(own->data, own->length + bytes.length);
    if (data == NULL) {
        mcpz_own_finish(own);
        return false;
    }
    memcpy(data + own->length, bytes.data, bytes.length);
    own->data = data;
    own->length += bytes.length;
    return true;
}

bool mcpz_own_write(struct mcpz_own *own,
                    void (*put)(struct mcpz_json_writer *writer, const void *what),
                    const void *what)
{
    struct mcpz_json_writer measure = mcpz_json_writer(NULL, 0);

    put(&measure, what);
    uint8_t *data = malloc(measure.length + 1);
    mcpz_own_finish(own);
    if (data == NULL) {
        return false;
    }
    struct mcpz_json_writer writer = mcpz_json_writer(data, measure.length);
    put(&writer, what);
    assert(writer.error == MCPZ_OK && writer.length == measure.length);
    *own = (struct mcpz_own){.data = data, .length = writer.length};
    return true;
}

struct mcpz_json mcpz_member(struct mcpz_json object, const char *name)
{
    struct mcpz_json found = {.type = MCPZ_JSON_NONE};

    return mcpz_json_pick(object, &name, 1, &found) == MCPZ_OK
               ? found
               : (struct mcpz_json){.type = MCPZ_JSON_NONE};
}

bool mcpz_json_to_text(struct mcpz_json value, char *text, size_t capacity)
{
    size_t length;

    if (value.type != MCPZ_JSON_STRING ||
        mcpz_json_unescape(value, (uint8_t *)text, capacity - 1, &length) != MCPZ_OK ||
        memchr(text, '\0', length) != NULL) {
        text[0] = '\0';
        return false;
    }
    text[length] = '\0';
    return true;
}

void mcpz_pieces_add(struct mcpz_pieces *pieces, struct mcpz_bytes bytes)
{
    assert(pieces->count < MCPZ_PIECES_MAX);

    if (bytes.length > 0) {
        pieces->rows[pieces->count++] = bytes;
    }
}

void mcpz_pieces_text(struct mcpz_pieces *pieces, const char *text)
{
    mcpz_pieces_add(pieces, mcpz_text(text));
}

void mcpz_pieces_splice(struct mcpz_pieces *pieces, struct mcpz_bytes text,
                        const struct mcpz_splice *splices, size_t count)
{
    const uint8_t *at = text.data;
    const uint8_t *end = text.data + text.length;

    for (size_t i = 0; i < count; i++) {
        assert(splices[i].at.data >= at && splices[i].at.data + splices[i].at.length <= end);
        mcpz_pieces_add(pieces, mcpz_bytes(at, (size_t)(splices[i].at.data - at)));
        mcpz_pieces_add(pieces, splices[i].with);
        at = splices[i].at.data + splices[i].at.length;
    }
    mcpz_pieces_add(pieces, mcpz_bytes(at, (size_t)(end - at)));
}

/* ---- Jobs --------------------------------------------------------------------------------- */

static mcpz_time now_of(const struct mcpz_hosted *server)
{
    return server->host->config.now(server->host->config.context);
}

struct mcpz_mcp_job *mcpz_mcp_job_begin(struct mcpz_conn *conn, enum mcpz_mcp_job_kind kind,
                                        mcpz_time due_us)
{
    struct mcpz_mcp_host *host = conn->server->host;
    uint64_t id = host->next_job;

    for (size_t i = 0; host->jobs[id % MCPZ_MCP_CALLS_MAX] != NULL; i++, id++) {
        if (i == MCPZ_MCP_CALLS_MAX) {
            return NULL;
        }
    }
    struct mcpz_mcp_job *job = calloc(1, sizeof(*job));
    if (job == NULL) {
        return NULL;
    }
    host->next_job = id + 1;
    host->jobs[id % MCPZ_MCP_CALLS_MAX] = job;
    *job = (struct mcpz_mcp_job){.next = conn->jobs,
                                 .conn = conn,
                                 .kind = kind,
                                 .id = id,
                                 .due_us = due_us,
                                 .order = host->next_order++};
    conn->jobs = job;
    conn->used_us = now_of(conn->server);
    return job;
}

static void drop_questions(struct mcpz_conn *conn, const struct mcpz_mcp_job *job)
{
    struct mcpz_question *next;

    for (struct mcpz_question *question = conn->questions; question != NULL; question = next) {
        next = question->next;
        if (question->job == job) {
            mcpz_question_end(conn, question);
        }
    }
}

void mcpz_mcp_job_end(struct mcpz_mcp_job *job)
{
    struct mcpz_conn *conn = job->conn;
    struct mcpz_mcp_host *host = conn->server->host;
    struct mcpz_mcp_job **link = &conn->jobs;

    while (*link != job) {
        link = &(*link)->next;
    }
    *link = job->next;
    drop_questions(conn, job);
    if (job->call != NULL) {
        job->call->job = NULL;
    }
    host->stats.parked -= job->parked;
    host->jobs[job->id % MCPZ_MCP_CALLS_MAX] = NULL;
    conn->used_us = now_of(conn->server);
    mcpz_own_finish(&job->token);
    mcpz_own_finish(&job->told);
    mcpz_own_finish(&job->held);
    mcpz_own_finish(&job->inner);
    free(job);
}

struct mcpz_mcp_job *mcpz_conn_latest(const struct mcpz_conn *conn)
{
    struct mcpz_mcp_job *latest = NULL;

    if (conn->about != MCPZ_MCP_NO_JOB) {
        struct mcpz_mcp_job *job = conn->server->host->jobs[conn->about % MCPZ_MCP_CALLS_MAX];
        return job != NULL && job->id == conn->about && job->kind == MCPZ_JOB_CALL &&
                       job->call != NULL
                   ? job
                   : NULL;
    }
    for (struct mcpz_mcp_job *job = conn->jobs; job != NULL; job = job->next) {
        if (job->kind == MCPZ_JOB_CALL && job->call != NULL &&
            (latest == NULL || job->order > latest->order)) {
            latest = job;
        }
    }
    return latest;
}

struct mcpz_mcp_job *mcpz_conn_parked(const struct mcpz_conn *conn)
{
    struct mcpz_mcp_job *job = conn->jobs;

    while (job != NULL && !job->parked) {
        job = job->next;
    }
    return job;
}

static struct mcpz_mcp_job *find_job(const struct mcpz_conn *conn, struct mcpz_json id)
{
    int64_t number;

    if (!mcpz_json_integer(id, &number) || number < 0) {
        return NULL;
    }
    struct mcpz_mcp_job *job = conn->server->host->jobs[(uint64_t)number % MCPZ_MCP_CALLS_MAX];
    return job != NULL && job->id == (uint64_t)number && job->conn == conn ? job : NULL;
}

/* ---- Speaking ----------------------------------------------------------------------------- */

const struct mcpz_upstreams *mcpz_hosted_port(const struct mcpz_hosted *server)
{
    const struct mcpz_mcp_host_config *config = &server->host->config;

    return server->what.url != NULL ? config->remotes : config->upstreams;
}

bool mcpz_conn_say(struct mcpz_conn *conn, const struct mcpz_pieces *pieces)
{
    if (conn->upstream == NULL || conn->stopping) {
        return false;
    }
    mcpz_error error =
        mcpz_hosted_port(conn->server)->send(conn->upstream, pieces->rows, pieces->count);
    if (error != MCPZ_OK) {
        mcpz_conn_stop(conn, "it does not read what it is told");
    }
    return error == MCPZ_OK;
}

bool mcpz_conn_ask(struct mcpz_conn *conn, struct mcpz_mcp_job *job, const char *method,
                   struct mcpz_bytes params)
{
    struct mcpz_pieces pieces = {.count = 0};
    char id[MCPZ_MCP_NUMBER_BYTES];

    (void)snprintf(id, sizeof(id), "%" PRIu64, job->id);
    mcpz_pieces_text(&pieces, "{\"jsonrpc\":\"2.0\",\"id\":");
    mcpz_pieces_text(&pieces, id);
    mcpz_pieces_text(&pieces, ",\"method\":\"");
    mcpz_pieces_text(&pieces, method);
    mcpz_pieces_text(&pieces, params.length > 0 ? "\",\"params\":" : "\"");
    mcpz_pieces_add(&pieces, params);
    mcpz_pieces_text(&pieces, "}");
    return mcpz_conn_say(conn, &pieces);
}

void mcpz_conn_ask_silently(struct mcpz_conn *conn, const char *method, struct mcpz_bytes params)
{
    struct mcpz_mcp_job *job =
        mcpz_mcp_job_begin(conn, MCPZ_JOB_SILENT, now_of(conn->server) + MCPZ_MCP_ANSWER_US);

    if (job != NULL) {
        (void)mcpz_conn_ask(conn, job, method, params);
    }
}

/* It waits for a task of the process, which is not wanted any more either. */
static void cancel_inner(struct mcpz_mcp_job *job)
{
    struct mcpz_own params = {.data = NULL};

    if (job->inner.length > 0 && mcpz_own_append(&params, mcpz_text("{\"taskId\":")) &&
        mcpz_own_append(&params, mcpz_own_bytes(&job->inner)) &&
        mcpz_own_append(&params, mcpz_text("}"))) {
        mcpz_conn_ask_silently(job->conn, "tasks/cancel", mcpz_own_bytes(&params));
    }
    mcpz_own_finish(&params);
}

void mcpz_mcp_job_abandon(struct mcpz_mcp_job *job)
{
    struct mcpz_pieces pieces = {.count = 0};
    char id[MCPZ_MCP_NUMBER_BYTES];

    (void)snprintf(id, sizeof(id), "%" PRIu64, job->id);
    mcpz_pieces_text(&pieces, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
                              "\"params\":{\"requestId\":");
    mcpz_pieces_text(&pieces, id);
    mcpz_pieces_text(&pieces, ",\"reason\":\"nobody waits for it any more\"}}");
    if (job->call != NULL) {
        job->call->job = NULL;
        job->call = NULL;
    }
    job->conn->server->host->stats.parked -= job->parked;
    job->parked = false;
    drop_questions(job->conn, job);
    /* A process answers all the same, or not: both is allowed. */
    job->due_us = now_of(job->conn->server) + MCPZ_MCP_ANSWER_US;
    (void)mcpz_conn_say(job->conn, &pieces);
    cancel_inner(job);
}

void mcpz_conn_answer(struct mcpz_conn *conn, struct mcpz_bytes id, struct mcpz_bytes result)
{
    struct mcpz_pieces pieces = {.count = 0};

    mcpz_pieces_text(&pieces, "{\"jsonrpc\":\"2.0\",\"id\":");
    mcpz_pieces_add(&pieces, id);
    mcpz_pieces_text(&pieces, ",\"result\":");
    mcpz_pieces_add(&pieces, result);
    mcpz_pieces_text(&pieces, "}");
    (void)mcpz_conn_say(conn, &pieces);
}

void mcpz_conn_refuse(struct mcpz_conn *conn, struct mcpz_bytes id, enum mcpz_mcp_code code,
                      const char *text)
{
    struct mcpz_pieces pieces = {.count = 0};
    char number[MCPZ_MCP_NUMBER_BYTES];

    (void)snprintf(number, sizeof(number), "%d", (int)code);
    mcpz_pieces_text(&pieces, "{\"jsonrpc\":\"2.0\",\"id\":");
    mcpz_pieces_add(&pieces, id);
    mcpz_pieces_text(&pieces, ",\"error\":{\"code\":");
    mcpz_pieces_text(&pieces, number);
    mcpz_pieces_text(&pieces, ",\"message\":\"");
    mcpz_pieces_text(&pieces, text);
    mcpz_pieces_text(&pieces, "\"}}");
    (void)mcpz_conn_say(conn, &pieces);
}

/* ---- Questions ---------------------------------------------------------------------------- */

struct mcpz_question *mcpz_question_keep(struct mcpz_conn *conn,
                                         const struct mcpz_envelope *request)
{
    struct mcpz_question *question = calloc(1, sizeof(*question));
    struct mcpz_question **link = &conn->questions;

    if (question == NULL || !mcpz_own_set(&question->id, request->id.text) ||
        !mcpz_own_set(&question->line, request->whole.text)) {
        if (question != NULL) {
            mcpz_own_finish(&question->id);
        }
        free(question);
        mcpz_conn_refuse(conn, request->id.text, MCPZ_MCP_INTERNAL_ERROR, "out of memory");
        return NULL;
    }
    while (*link != NULL) { /* in the order in which they came */
        link = &(*link)->next;
    }
    *link = question;
    return question;
}

void mcpz_question_end(struct mcpz_conn *conn, struct mcpz_question *question)
{
    struct mcpz_question **link = &conn->questions;

    while (*link != question) {
        link = &(*link)->next;
    }
    *link = question->next;
    mcpz_own_finish(&question->id);
    mcpz_own_finish(&question->line);
    free(question);
}

struct mcpz_question *mcpz_question_find(struct mcpz_conn *conn, struct mcpz_bytes id)
{
    struct mcpz_question *question = conn->questions;

    while (question != NULL && !mcpz_bytes_equal(mcpz_own_bytes(&question->id), id)) {
        question = question->next;
    }
    return question;
}

/* ---- Listening ---------------------------------------------------------------------------- */

/* Is the version that we speak among them? */
static bool names_ours(struct mcpz_json versions)
{
    struct mcpz_json_walk walk = mcpz_json_walk(versions);
    struct mcpz_json version;

    while (versions.type == MCPZ_JSON_ARRAY && mcpz_json_next_element(&walk, &version)) {
        if (mcpz_json_says(version, mcpz_text(MCPZ_MCP_MODERN))) {
            return true;
        }
    }
    return false;
}

static bool is_modern_result(const struct mcpz_envelope *answer)
{
    return names_ours(mcpz_member(answer->result, "supportedVersions"));
}

/* It has answered initialize, or server/discover. */
static void take_begun(struct mcpz_conn *conn, const struct mcpz_envelope *answer)
{
    struct mcpz_hosted *server = conn->server;
    struct mcpz_pieces pieces = {.count = 0};

    if (answer->kind != MCPZ_ENVELOPE_RESPONSE) {
        struct mcpz_json message = mcpz_member(answer->error, "message");
        char text[1024];
        char why[sizeof(conn->trouble)];
        (void)!mcpz_json_to_text(message, text, sizeof(text));
        (void)snprintf(why, sizeof(why), "it does not begin: %.224s", text);
        mcpz_conn_stop(conn, why);
        return;
    }
    if (!mcpz_own_set(&conn->begun, answer->result.text)) {
        mcpz_conn_stop(conn, "out of memory");
        return;
    }
    if (server->era == MCPZ_ERA_LEGACY) {
        mcpz_pieces_text(&pieces,
                         "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
        if (!mcpz_conn_say(conn, &pieces)) {
            return;
        }
    }
    conn->ready = true;
    conn->used_us = now_of(server);
    if (conn->role == MCPZ_CONN_DESCRIBER) {
        mcpz_hosted_ready(server);
    }
    mcpz_calls_go(server, conn);
}

/* An error that only the later revision has, of a server that knows the revision which we speak:
 * it is to be asked again. */
static bool is_modern_error(const struct mcpz_envelope *answer)
{
    int64_t code = 0;

    return mcpz_json_integer(mcpz_member(answer->error, "code"), &code) &&
           code == MCPZ_MCP_VERSION_UNSUPPORTED &&
           names_ours(mcpz_member(mcpz_member(answer->error, "data"), "supported"));
}

static bool is_modern(const struct mcpz_envelope *answer)
{
    return answer->kind == MCPZ_ENVELOPE_RESPONSE ? is_modern_result(answer)
                                                  : is_modern_error(answer);
}

static void take_answer(struct mcpz_conn *conn, const struct mcpz_envelope *answer)
{
    struct mcpz_hosted *server = conn->server;
    struct mcpz_mcp_job *job = find_job(conn, answer->id);

    if (job == NULL) {
        return; /* given up meanwhile, or it made the id up */
    }
    const enum mcpz_mcp_job_kind kind = job->kind;
    struct mcpz_mcp_task *task = job->task;
    if (kind == MCPZ_JOB_CALL) {
        mcpz_call_answered(job, answer);
        return;
    }
    mcpz_mcp_job_end(job);
    if (task != NULL && kind == MCPZ_JOB_TASK) {
        mcpz_bridge_modern_outcome(task, answer);
    } else if (task != NULL) {
        mcpz_bridge_modern_state(task, answer);
    }
    if (kind == MCPZ_JOB_PROBE) {
        mcpz_hosted_probed(server, is_modern(answer) ? MCPZ_ERA_MODERN : MCPZ_ERA_LEGACY);
    } else if (kind == MCPZ_JOB_BEGIN) {
        take_begun(conn, answer);
    } else if (kind == MCPZ_JOB_LIST) {
        mcpz_hosted_listed(server, answer);
    }
}

static void hear(struct mcpz_conn *conn, struct mcpz_bytes line)
{
    struct mcpz_envelope envelope;

    if (conn->stopping) {
        return;
    }
    if (mcpz_envelope_read(line, &envelope) != MCPZ_OK) {
        /* Servers that print to stdout are many: what is no message is no reason to end them. */
        conn->server->host->stats.nonsense++;
        mcpz_log(MCPZ_LOG_DEBUG, "mcp", "a server said what is no message", "server=%s bytes=%zu",
                 conn->server->what.service.name, line.length);
        return;
    }
    switch (envelope.kind) {
    case MCPZ_ENVELOPE_RESPONSE:
    case MCPZ_ENVELOPE_ERROR:
        take_answer(conn, &envelope);
        break;
    case MCPZ_ENVELOPE_NOTIFICATION:
        mcpz_conn_notified(conn, &envelope);
        break;
    case MCPZ_ENVELOPE_REQUEST:
        mcpz_conn_requested(conn, &envelope);
        break;
    }
}

static void on_line(void *context, struct mcpz_bytes line, struct mcpz_bytes about)
{
    struct mcpz_conn *conn = context;
    struct mcpz_mcp_host *host = conn->server->host;
    const struct mcpz_json id = {.type = about.length > 0 ? MCPZ_JSON_NUMBER : MCPZ_JSON_NONE,
                                 .text = about};
    const struct mcpz_mcp_job *job = find_job(conn, id);

    conn->about = job != NULL ? job->id : MCPZ_MCP_NO_JOB;
    hear(conn, line); /* which never frees it */
    conn->about = MCPZ_MCP_NO_JOB;
    mcpz_host_settle(host);
}

/* ---- Its life ----------------------------------------------------------------------------- */

/* All calls that it has to do with fail. Listeners come back, and get a new process. */
static void fail_calls(struct mcpz_conn *conn, const char *why)
{
    char text[512];
    struct mcpz_mcp_call *next;

    (void)snprintf(text, sizeof(text), "the server %s ended before it answered: %.384s",
                   conn->server->what.service.name, why[0] != '\0' ? why : "it was stopped");
    for (struct mcpz_mcp_call *call = conn->server->calls; call != NULL; call = next) {
        next = call->next;
        if (call->conn == conn && call->kind == MCPZ_MCP_LISTEN) {
            mcpz_call_finish(call); /* its face comes again: that is no failure of a provider */
        } else if (call->conn == conn) {
            mcpz_call_fail(call, call->waits ? MCPZ_CODE_START_FAILED : MCPZ_CODE_PROVIDER_CRASHED,
                           text, 0);
        }
    }
    mcpz_mcp_tasks_lose(conn, why);
    while (conn->questions != NULL) {
        mcpz_question_end(conn, conn->questions);
    }
    for (struct mcpz_mcp_job *job = conn->jobs, *next_job; job != NULL; job = next_job) {
        next_job = job->next;
        mcpz_mcp_job_end(job);
    }
}

static void leave_server(struct mcpz_conn *conn)
{
    struct mcpz_hosted *server = conn->server;
    struct mcpz_conn **link = &server->conns;

    while (*link != conn) {
        link = &(*link)->next;
    }
    *link = conn->next;
    server->conn_count--;
    server->host->stats.processes--;
    if (server->describer == conn) {
        server->describer = NULL;
    }
}

static void on_gone(void *context, const char *why)
{
    struct mcpz_conn *conn = context;
    struct mcpz_hosted *server = conn->server;
    struct mcpz_mcp_host *host = server->host;
    const enum mcpz_conn_role role = conn->role;
    const bool was_asked = conn->stopping;
    char reason[512];

    (void)snprintf(reason, sizeof(reason), "%s",
                   conn->trouble[0] != '\0' ? conn->trouble
                   : was_asked              ? ""
                                            : why);
    conn->upstream = NULL;
    conn->stopping = true;
    if (!was_asked && role != MCPZ_CONN_PROBE) {
        host->stats.crashed++;
        mcpz_log(MCPZ_LOG_WARN, "mcp", "a server ended", "server=%s reason=\"%s\"",
                 server->what.service.name, reason);
    }
    if (role == MCPZ_CONN_DESCRIBER && now_of(server) - conn->started_us >= MCPZ_MCP_STEADY_US) {
        server->failures = 0;
    }
    fail_calls(conn, reason);
    leave_server(conn);
    mcpz_own_finish(&conn->begun);
    free(conn);
    if (role == MCPZ_CONN_PROBE && !was_asked) {
        mcpz_hosted_probed(server, MCPZ_ERA_LEGACY);
    } else if (role == MCPZ_CONN_DESCRIBER) {
        mcpz_hosted_lost(server, reason);
    }
    mcpz_host_settle(host);
}

struct mcpz_conn *mcpz_conn_start(struct mcpz_hosted *server, enum mcpz_conn_role role,
                                  mcpz_error *error)
{
    struct mcpz_mcp_host *host = server->host;
    struct mcpz_conn *conn = calloc(1, sizeof(*conn));

    *error = MCPZ_ENOMEM;
    if (conn == NULL) {
        return NULL;
    }
    const struct mcpz_upstream_listener listener = {
        .context = conn, .on_line = on_line, .on_gone = on_gone};
    conn->server = server;
    conn->role = role;
    conn->about = MCPZ_MCP_NO_JOB;
    conn->started_us = conn->used_us = now_of(server);
    const struct mcpz_upstreams *port = mcpz_hosted_port(server);
    *error = port != NULL ? port->start(port->context, &server->what, &listener, &conn->upstream)
                          : MCPZ_EUNSUPPORTED;
    if (*error != MCPZ_OK) {
        free(conn);
        return NULL;
    }
    conn->next = server->conns;
    server->conns = conn;
    server->conn_count++;
    host->stats.processes++;
    host->stats.started++;
    return conn;
}

void mcpz_conn_stop(struct mcpz_conn *conn, const char *why)
{
    if (conn->stopping) {
        return;
    }
    conn->stopping = true;
    conn->ready = false;
    (void)snprintf(conn->trouble, sizeof(conn->trouble), "%s", why);
    if (why[0] != '\0') {
        mcpz_log(MCPZ_LOG_WARN, "mcp", "a server is ended", "server=%s reason=\"%s\"",
                 conn->server->what.service.name, why);
    }
    mcpz_hosted_port(conn->server)->stop(conn->upstream);
}

static void ask_modern(struct mcpz_conn *conn, struct mcpz_mcp_job *job)
{
    (void)mcpz_conn_ask(conn, job, "server/discover",
                        mcpz_text("{\"_meta\":{\"" MCPZ_MCP_META "protocolVersion\":"
                                  "\"" MCPZ_MCP_MODERN "\",\"" MCPZ_MCP_META
                                  "clientCapabilities\":{},\"" MCPZ_MCP_META
                                  "clientInfo\":{\"name\":\"mcp-zero\",\"version\":"
                                  "\"" MCPZ_VERSION "\"}}}"));
}

void mcpz_conn_begin(struct mcpz_conn *conn, struct mcpz_bytes version,
                     struct mcpz_bytes capabilities, struct mcpz_bytes info)
{
    const bool is_probe = conn->role == MCPZ_CONN_PROBE;
    struct mcpz_pieces pieces = {.count = 0};
    char id[MCPZ_MCP_NUMBER_BYTES];
    struct mcpz_mcp_job *job = mcpz_mcp_job_begin(
        conn, is_probe ? MCPZ_JOB_PROBE : MCPZ_JOB_BEGIN,
        now_of(conn->server) + (is_probe ? MCPZ_MCP_PROBE_US : MCPZ_MCP_ANSWER_US));

    if (job == NULL) {
        mcpz_conn_stop(conn, "too much is under way at this node");
        return;
    }
    if (is_probe || conn->server->era == MCPZ_ERA_MODERN) {
        ask_modern(conn, job);
        return;
    }
    (void)snprintf(id, sizeof(id), "%" PRIu64, job->id);
    mcpz_pieces_text(&pieces, "{\"jsonrpc\":\"2.0\",\"id\":");
    mcpz_pieces_text(&pieces, id);
    mcpz_pieces_text(&pieces, ",\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"");
    mcpz_pieces_add(&pieces, version.length > 0 ? version : mcpz_text(MCPZ_MCP_LEGACY));
    mcpz_pieces_text(&pieces, "\",\"capabilities\":");
    mcpz_pieces_add(&pieces, capabilities.length > 0 ? capabilities : mcpz_text("{}"));
    mcpz_pieces_text(&pieces, ",\"clientInfo\":");
    mcpz_pieces_add(&pieces, info.length > 0 ? info
                                             : mcpz_text("{\"name\":\"mcp-zero\",\"version\":"
                                                         "\"" MCPZ_VERSION "\"}"));
    mcpz_pieces_text(&pieces, "}}");
    (void)mcpz_conn_say(conn, &pieces);
}
