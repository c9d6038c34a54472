/* What processes of servers say, and who hears it. */

#include <stdlib.h>

#include "mcp/host_internal.h"

static struct mcpz_bytes id_of(const struct mcpz_mcp_call *call)
{
    return call->request.id.type != MCPZ_JSON_NONE ? call->request.id.text : mcpz_text("null");
}

/* ---- Answers ------------------------------------------------------------------------------ */

void mcpz_call_answered(struct mcpz_mcp_job *job, const struct mcpz_envelope *answer)
{
    struct mcpz_mcp_call *call = job->call;
    struct mcpz_conn *conn = job->conn;
    const struct mcpz_hosted *server = conn->server;

    if (job->parked && mcpz_own_set(&job->held, answer->whole.text)) {
        return; /* the process did not wait for its client, who may still come for this */
    }
    mcpz_mcp_job_end(job);
    if (call == NULL) {
        return; /* given up */
    }
    if (server->era == MCPZ_ERA_LEGACY && call->era == MCPZ_ERA_MODERN) {
        mcpz_bridge_modern_answered(call, answer);
        return;
    }
    if (server->era == MCPZ_ERA_MODERN && call->era == MCPZ_ERA_LEGACY) {
        mcpz_bridge_legacy_answered(call, answer);
        return;
    }
    const struct mcpz_splice splice = {.at = answer->id.text, .with = id_of(call)};
    struct mcpz_pieces pieces = {.count = 0};
    mcpz_pieces_splice(&pieces, answer->whole.text, &splice, 1);
    if (mcpz_call_say(call, &pieces)) {
        mcpz_call_finish(call);
    }
}

/* ---- Notifications ------------------------------------------------------------------------ */

/* The job that a notification with this progress token is about. */
static struct mcpz_mcp_job *job_of_token(const struct mcpz_conn *conn, struct mcpz_json token)
{
    for (struct mcpz_mcp_job *job = conn->jobs; job != NULL; job = job->next) {
        if (job->call != NULL && job->told.length > 0 &&
            mcpz_bytes_equal(token.text, mcpz_own_bytes(&job->told))) {
            return job;
        }
    }
    return NULL;
}

static void pass_progress(struct mcpz_conn *conn, const struct mcpz_envelope *notification)
{
    const struct mcpz_json token = notification->progress_token;
    struct mcpz_mcp_job *job = job_of_token(conn, token);
    struct mcpz_pieces pieces = {.count = 0};

    if (job == NULL || job->token.length == 0) {
        return;
    }
    const struct mcpz_splice splice = {.at = token.text, .with = mcpz_own_bytes(&job->token)};
    mcpz_pieces_splice(&pieces, notification->whole.text, &splice, 1);
    (void)!mcpz_call_say(job->call, &pieces);
}

/* To a subscription of a modern client: it has its own name for it. */
static void pass_subscribed(struct mcpz_conn *conn, const struct mcpz_envelope *notification)
{
    int64_t id;
    struct mcpz_pieces pieces = {.count = 0};
    struct mcpz_mcp_job *job = conn->jobs;

    if (!mcpz_json_integer(notification->subscription_id, &id)) {
        return;
    }
    while (job != NULL && job->id != (uint64_t)id) {
        job = job->next;
    }
    if (job != NULL && job->kind == MCPZ_JOB_LISTEN) {
        mcpz_hosted_changed(conn->server);
        return;
    }
    if (job == NULL || job->call == NULL) {
        return;
    }
    if (job->call->kind == MCPZ_MCP_LISTEN) { /* a legacy client has not asked for it so */
        if (!mcpz_envelope_is(notification, "notifications/subscriptions/acknowledged")) {
            mcpz_pieces_add(&pieces, notification->whole.text);
            (void)!mcpz_call_say(job->call, &pieces);
        }
        return;
    }
    const struct mcpz_splice splice = {.at = notification->subscription_id.text,
                                       .with = id_of(job->call)};
    mcpz_pieces_splice(&pieces, notification->whole.text, &splice, 1);
    (void)!mcpz_call_say(job->call, &pieces);
}

/* To all that listen to this process. */
static void tell_listeners(struct mcpz_conn *conn, struct mcpz_bytes line)
{
    struct mcpz_pieces pieces = {.count = 0};
    struct mcpz_mcp_call *next;

    mcpz_pieces_add(&pieces, line);
    for (struct mcpz_mcp_call *call = conn->server->calls; call != NULL; call = next) {
        next = call->next;
        if (call->kind == MCPZ_MCP_LISTEN && call->conn == conn && !call->waits) {
            (void)!mcpz_call_say(call, &pieces);
        }
    }
}

static bool is_list_change(const struct mcpz_envelope *notification)
{
    return mcpz_envelope_is(notification, "notifications/tools/list_changed") ||
           mcpz_envelope_is(notification, "notifications/resources/list_changed") ||
           mcpz_envelope_is(notification, "notifications/prompts/list_changed");
}

void mcpz_conn_notified(struct mcpz_conn *conn, const struct mcpz_envelope *notification)
{
    const bool is_change = is_list_change(notification);

    if (mcpz_envelope_is(notification, "notifications/progress")) {
        pass_progress(conn, notification);
        return;
    }
    if (notification->subscription_id.type != MCPZ_JSON_NONE) {
        pass_subscribed(conn, notification);
        return;
    }
    if (is_change || mcpz_envelope_is(notification, "notifications/resources/updated")) {
        if (conn->server->era == MCPZ_ERA_LEGACY && conn->role == MCPZ_CONN_DESCRIBER) {
            mcpz_bridge_modern_notified(conn->server, notification);
        }
        tell_listeners(conn, notification->whole.text);
        if (is_change && conn->role == MCPZ_CONN_DESCRIBER) {
            mcpz_hosted_changed(conn->server);
        }
        return;
    }
    struct mcpz_mcp_job *job = mcpz_conn_latest(conn);
    struct mcpz_pieces pieces = {.count = 0};
    if (mcpz_envelope_is(notification, "notifications/tasks/status") &&
        mcpz_mcp_task_of(conn, notification->task_id) != NULL) {
        return; /* its client asks for it */
    }
    if (job == NULL) {
        tell_listeners(conn, notification->whole.text);
    } else if (job->call->era == MCPZ_ERA_LEGACY || job->call->level[0] != '\0') {
        /* Modern clients hear what is logged only if they have asked for it. */
        mcpz_pieces_add(&pieces, notification->whole.text);
        (void)!mcpz_call_say(job->call, &pieces);
    }
}

/* ---- Requests ----------------------------------------------------------------------------- */

/* Whom it can ask: the client of the call it works at, or one that listens. */
static struct mcpz_mcp_call *client_of(const struct mcpz_conn *conn)
{
    const struct mcpz_mcp_job *job = mcpz_conn_latest(conn);
    struct mcpz_mcp_call *call = job != NULL ? job->call : conn->server->calls;

    while (job == NULL && call != NULL &&
           (call->kind != MCPZ_MCP_LISTEN || call->conn != conn || call->waits)) {
        call = call->next;
    }
    return call;
}

static void ask_client(struct mcpz_conn *conn, const struct mcpz_envelope *request,
                       struct mcpz_mcp_call *call)
{
    struct mcpz_question *question = calloc(1, sizeof(*question));
    struct mcpz_pieces pieces = {.count = 0};

    if (question == NULL || !mcpz_own_set(&question->id, request->id.text)) {
        free(question);
        mcpz_conn_refuse(conn, request->id.text, MCPZ_MCP_INTERNAL_ERROR, "out of memory");
        return;
    }
    question->call = call;
    question->job = call->job;
    question->next = conn->questions;
    conn->questions = question;
    mcpz_pieces_add(&pieces, request->whole.text);
    (void)!mcpz_call_say(call, &pieces);
}

/* The task for which it asks: as it says, or because it is at nothing else. NULL: for none. */
static struct mcpz_mcp_task *task_behind(const struct mcpz_conn *conn,
                                         const struct mcpz_envelope *request)
{
    struct mcpz_mcp_task *task = mcpz_mcp_task_of(conn, request->related_task);

    if (conn->role != MCPZ_CONN_POOLED) {
        return NULL; /* its clients cannot be asked */
    }
    if (task == NULL && request->related_task.type == MCPZ_JSON_NONE &&
        mcpz_conn_latest(conn) == NULL && mcpz_conn_parked(conn) == NULL) {
        task = conn->server->tasks;
        while (task != NULL && task->conn != conn) {
            task = task->next;
        }
    }
    return task;
}

void mcpz_conn_requested(struct mcpz_conn *conn, const struct mcpz_envelope *request)
{
    if (mcpz_envelope_is(request, "ping")) {
        mcpz_conn_answer(conn, request->id.text, mcpz_text("{}"));
        return;
    }
    if (conn->role == MCPZ_CONN_DESCRIBER && mcpz_envelope_is(request, "roots/list")) {
        mcpz_conn_answer(conn, request->id.text, mcpz_text("{\"roots\":[]}"));
        return;
    }
    struct mcpz_mcp_call *call = conn->server->era == MCPZ_ERA_LEGACY ? client_of(conn) : NULL;
    struct mcpz_mcp_job *parked = mcpz_conn_parked(conn);
    struct mcpz_mcp_task *task = task_behind(conn, request);
    size_t asked = 0;
    for (const struct mcpz_question *other = conn->questions; other != NULL; other = other->next) {
        asked++;
    }
    if (task != NULL && asked < MCPZ_MCP_ASKED_MAX) {
        mcpz_bridge_modern_task_asked(task, request);
    } else if (parked != NULL && asked < MCPZ_MCP_ASKED_MAX) {
        mcpz_bridge_modern_asked(parked, request);
    } else if (call == NULL || asked >= MCPZ_MCP_ASKED_MAX) {
        mcpz_conn_refuse(conn, request->id.text, MCPZ_MCP_METHOD_NOT_FOUND,
                         call == NULL ? "there is no client to ask" : "too much is asked at once");
    } else if (call->era == MCPZ_ERA_LEGACY) {
        ask_client(conn, request, call);
    } else if (conn->role == MCPZ_CONN_POOLED && call->job != NULL) {
        mcpz_bridge_modern_asked(call->job, request);
    } else {
        mcpz_conn_refuse(conn, request->id.text, MCPZ_MCP_METHOD_NOT_FOUND,
                         "the client cannot be asked");
    }
}
