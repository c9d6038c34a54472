/*
 * Tasks, for a legacy client of a modern server.
 *
 * A client that wants a task says so; a server makes one if it likes, and only for who knows of
 * them. So a call that wants one says that its client does, and what the server answers at once is
 * kept as the result of a task that is done.
 *
 *   tools/call    tools/call, in the name of a client that knows tasks
 *   tasks/get     tasks/get, without the result
 *   tasks/result  tasks/get, again and again, until it is over: what is asked meanwhile is asked
 * of the client, and answered with tasks/update tasks/cancel  tasks/get, tasks/cancel and
 * tasks/get: the answer says what became of it tasks/list    nothing: a modern server does not
 * know whose tasks are whose
 *
 * A tool that is only done as a task is done for others too, as tasks/result would.
 */

#include <stdio.h>
#include <string.h>

#include "mcp/host_internal.h"

#define LOOKS_MAX 8 /* until a task that was cancelled is */

static mcpz_time now_of(const struct mcpz_mcp_call *call)
{
    return call->host->config.now(call->host->config.context);
}

static bool says_status(struct mcpz_json task, const char *status)
{
    return mcpz_json_says(mcpz_member(task, "status"), mcpz_text(status));
}

/* ---- Asking the server -------------------------------------------------------------------- */

/* Send {"taskId": ..., EXTRA "_meta": ...}. */
static void ask(struct mcpz_mcp_call *call, const char *method, enum mcpz_mcp_step step,
                struct mcpz_bytes extra)
{
    struct mcpz_own params = {.data = NULL};

    call->step = step;
    call->with_tasks = true;
    if (mcpz_own_append(&params, mcpz_text("{\"taskId\":")) &&
        mcpz_own_append(&params, mcpz_own_bytes(&call->task)) && mcpz_own_append(&params, extra) &&
        mcpz_own_append(&params, mcpz_text(",\"_meta\":{")) &&
        mcpz_bridge_legacy_meta(call, &params) && mcpz_own_append(&params, mcpz_text("}}"))) {
        (void)!mcpz_call_ask(call, method, mcpz_own_bytes(&params));
    } else {
        mcpz_call_fail(call, MCPZ_CODE_BUSY, "out of memory", MCPZ_RETRY_AFTER_MS);
    }
    mcpz_own_finish(&params);
}

static void get(struct mcpz_mcp_call *call, enum mcpz_mcp_step step)
{
    ask(call, "tasks/get", step, mcpz_text(""));
}

/* Look again, when its server likes that. */
static void wait(struct mcpz_mcp_call *call, struct mcpz_json task, enum mcpz_mcp_step step)
{
    int64_t wished_ms = 0;
    mcpz_time wait_us = MCPZ_MCP_POLL_US;

    if (mcpz_json_integer(mcpz_member(task, "pollIntervalMs"), &wished_ms)) {
        wait_us = wished_ms <= (int64_t)(MCPZ_MCP_POLL_MIN_US / 1000)   ? MCPZ_MCP_POLL_MIN_US
                  : wished_ms >= (int64_t)(MCPZ_MCP_POLL_MAX_US / 1000) ? MCPZ_MCP_POLL_MAX_US
                                                                        : MCPZ_MS(wished_ms);
    }
    call->step = step;
    call->poll_at_us = now_of(call) + wait_us;
}

/* A call whose next look is due; NULL: none. */
static struct mcpz_mcp_call *find_due(const struct mcpz_hosted *server, mcpz_time now)
{
    struct mcpz_mcp_call *call = server->calls;

    while (call != NULL && call->poll_at_us > now) {
        call = call->next;
    }
    return call;
}

void mcpz_bridge_legacy_look(struct mcpz_hosted *server, mcpz_time now)
{
    struct mcpz_mcp_call *call;

    while (now != MCPZ_TIME_NEVER && (call = find_due(server, now)) != NULL) {
        call->poll_at_us = MCPZ_TIME_NEVER;
        get(call, call->step);
    }
}

mcpz_time mcpz_bridge_legacy_look_at(const struct mcpz_hosted *server)
{
    mcpz_time next = MCPZ_TIME_NEVER;

    for (const struct mcpz_mcp_call *call = server->calls; call != NULL; call = call->next) {
        next = mcpz_time_min(next, call->poll_at_us);
    }
    return next;
}

/* ---- Answers to the client ---------------------------------------------------------------- */

struct telling {
    const struct mcpz_mcp_call *call;
    struct mcpz_json task; /* as its server wrote it; */
    const char *status;    /* or so */
    struct mcpz_json result;
    bool is_made;
};

static void put_task(struct mcpz_json_writer *writer, const void *context)
{
    const struct telling *what = context;
    const struct mcpz_task_shape as = {.status = what->status};

    mcpz_json_put_text(writer, what->is_made ? "{\"task\":{" : "{");
    mcpz_task_shape_put_legacy(writer, what->task, &as);
    mcpz_json_put_text(writer, what->is_made ? "}}" : "}");
}

/* A tool that says that it has failed is a task that has, there. */
static const char *status_of(struct mcpz_json task)
{
    const struct mcpz_json result = mcpz_member(task, "result");

    return says_status(task, "completed") && mcpz_member(result, "isError").type == MCPZ_JSON_TRUE
               ? "failed"
               : NULL;
}

static void tell_task(struct mcpz_mcp_call *call, struct mcpz_json task)
{
    mcpz_call_answer_put(call, put_task,
                         &(struct telling){.call = call, .task = task, .status = status_of(task)});
}

/* The result, and whose it is. */
static void put_result(struct mcpz_json_writer *writer, const void *context)
{
    const struct telling *what = context;
    const struct mcpz_json result = what->result;
    const struct mcpz_json meta = mcpz_member(result, "_meta");
    const bool has_meta = meta.type == MCPZ_JSON_OBJECT;
    const struct mcpz_json into = has_meta ? meta : result;
    const struct mcpz_bytes at = mcpz_splice_inside(into);
    const uint8_t *end = result.text.data + result.text.length;

    if (mcpz_member(meta, MCPZ_RELATED_TASK).type != MCPZ_JSON_NONE) {
        mcpz_json_put(writer, result.text);
        return;
    }
    mcpz_json_put(writer, mcpz_bytes(result.text.data, (size_t)(at.data - result.text.data)));
    mcpz_json_put_text(writer, has_meta ? "\"" MCPZ_RELATED_TASK "\":{\"taskId\":"
                                        : "\"_meta\":{\"" MCPZ_RELATED_TASK "\":{\"taskId\":");
    mcpz_json_put(writer, mcpz_own_bytes(&what->call->task));
    mcpz_json_put_text(writer, has_meta ? "}" : "}}");
    mcpz_json_put_text(writer, mcpz_splice_is_empty(into) ? "" : ",");
    mcpz_json_put(writer, mcpz_bytes(at.data, (size_t)(end - at.data)));
}

/* `outcome` is a result, or an error. Clients that called a tool as ever know of no task. */
static void tell_outcome(struct mcpz_mcp_call *call, struct mcpz_json outcome, bool has_failed)
{
    if (has_failed) {
        mcpz_call_answer_error(call, outcome.text);
    } else if (mcpz_envelope_is(&call->request, "tools/call")) {
        mcpz_call_answer(call, outcome.text);
    } else {
        mcpz_call_answer_put(call, put_result, &(struct telling){.call = call, .result = outcome});
    }
}

static void refuse_cancelling(struct mcpz_mcp_call *call, struct mcpz_json task)
{
    char status[32];
    char text[96];

    (void)!mcpz_json_to_text(mcpz_member(task, "status"), status, sizeof(status));
    (void)snprintf(text, sizeof(text), "Cannot cancel task: already in terminal status '%s'",
                   mcpz_task_shape_is_over(task) ? status : "");
    mcpz_call_refuse(call, MCPZ_MCP_INVALID_PARAMS, text);
}

/* ---- What was answered at once ------------------------------------------------------------ */

struct done {
    const struct mcpz_mcp_call *call;
    const char *status;
};

/* As the server of a task would say it, but for its name. */
static void put_done(struct mcpz_json_writer *writer, const void *context)
{
    const struct done *what = context;
    const struct mcpz_json ttl =
        mcpz_member(mcpz_member(what->call->request.params, "task"), "ttl");
    const struct mcpz_mcp_host_config *config = &what->call->host->config;
    char time[MCPZ_MCP_TIME_BYTES];
    int64_t ttl_ms = 0;

    config->write_time(config->context, time);
    if (!mcpz_json_integer(ttl, &ttl_ms) || ttl_ms > (int64_t)(MCPZ_MCP_TASK_US / 1000)) {
        ttl_ms = (int64_t)(MCPZ_MCP_TASK_US / 1000);
    } else if (ttl_ms < (int64_t)(MCPZ_MCP_TASK_DONE_US / 1000)) {
        ttl_ms = (int64_t)(MCPZ_MCP_TASK_DONE_US / 1000);
    }
    mcpz_json_put_text(writer, "{\"status\":\"");
    mcpz_json_put_text(writer, what->status);
    mcpz_json_put_text(writer, "\",\"createdAt\":\"");
    mcpz_json_put_text(writer, time);
    mcpz_json_put_text(writer, "\",\"lastUpdatedAt\":\"");
    mcpz_json_put_text(writer, time);
    /* Under the names of both revisions: it is read as what a server of either has said. */
    mcpz_json_put_text(writer, "\",\"ttl\":");
    mcpz_json_put_integer(writer, ttl_ms);
    mcpz_json_put_text(writer, ",\"ttlMs\":");
    mcpz_json_put_integer(writer, ttl_ms);
    mcpz_json_put_text(writer, ",\"pollIntervalMs\":1000}");
}

static bool write_id(struct mcpz_mcp_call *call, const struct mcpz_mcp_task *task)
{
    return mcpz_own_append(&call->task, mcpz_text("\"")) &&
           mcpz_own_append(&call->task, mcpz_text(task->id)) &&
           mcpz_own_append(&call->task, mcpz_text("\""));
}

static void put_kept(struct mcpz_json_writer *writer, const void *context)
{
    const struct telling *what = context;
    const struct mcpz_task_shape as = {.id = mcpz_own_bytes(&what->call->task),
                                       .status = what->status};

    mcpz_json_put_text(writer, what->is_made ? "{\"task\":{" : "{");
    mcpz_task_shape_put_legacy(writer, what->task, &as);
    mcpz_json_put_text(writer, what->is_made ? "}}" : "}");
}

/* The server made no task of it: what it has answered is one's. */
static void keep(struct mcpz_mcp_call *call, const struct mcpz_envelope *answer)
{
    const bool is_good = answer->kind == MCPZ_ENVELOPE_RESPONSE &&
                         mcpz_member(answer->result, "isError").type != MCPZ_JSON_TRUE;
    struct mcpz_own state = {.data = NULL};
    struct mcpz_mcp_task *task = NULL;

    if (mcpz_own_write(&state, put_done,
                       &(struct done){.call = call, .status = is_good ? "completed" : "failed"})) {
        task = mcpz_mcp_task_keep(call, NULL, mcpz_text(""), mcpz_own_bytes(&state));
    }
    if (task != NULL && mcpz_mcp_task_set_outcome(task, answer) && write_id(call, task)) {
        mcpz_call_answer_put(
            call, put_kept,
            &(struct telling){.call = call,
                              .task = mcpz_json_value(mcpz_own_bytes(&task->state)),
                              .status = "working", /* as each begins */
                              .is_made = true});
    } else {
        mcpz_call_refuse(call, MCPZ_MCP_INTERNAL_ERROR,
                         "the tool was called, and answered at once, but this node keeps too many "
                         "tasks to keep what it said for this one");
    }
    mcpz_own_finish(&state);
}

/* One that is kept here, and so is over. */
static void take_kept(struct mcpz_mcp_call *call, const struct mcpz_mcp_task *task)
{
    const struct mcpz_json state = mcpz_json_value(mcpz_own_bytes(&task->state));

    if (!write_id(call, task)) {
        mcpz_call_fail(call, MCPZ_CODE_BUSY, "out of memory", MCPZ_RETRY_AFTER_MS);
    } else if (mcpz_envelope_is(&call->request, "tasks/get")) {
        mcpz_call_answer_put(call, put_kept, &(struct telling){.call = call, .task = state});
    } else if (mcpz_envelope_is(&call->request, "tasks/result")) {
        tell_outcome(call, mcpz_json_value(mcpz_own_bytes(&task->outcome)), task->has_failed);
    } else {
        refuse_cancelling(call, state);
    }
}

/* ---- Following one ------------------------------------------------------------------------ */

/* Was this one asked, and answered, before? The server may not have heard of it yet. */
static bool was_answered(const struct mcpz_mcp_call *call, struct mcpz_json key)
{
    struct mcpz_json other;

    if (call->answered.length == 0) {
        return false;
    }
    struct mcpz_json_walk walk = {.at = call->answered.data,
                                  .end = call->answered.data + call->answered.length};
    while (mcpz_json_next_element(&walk, &other)) {
        if (mcpz_bytes_equal(other.text, key.text)) {
            return true;
        }
    }
    return false;
}

/* Ask the client what the server wants to know for its task. */
static void ask_client(struct mcpz_mcp_call *call, struct mcpz_json task)
{
    struct mcpz_json_walk walk = mcpz_json_walk(mcpz_member(task, "inputRequests"));
    struct mcpz_json key;
    struct mcpz_json question;
    bool has_begun = false;

    while (mcpz_json_next_member(&walk, &key, &question)) {
        if (was_answered(call, key)) {
            continue;
        }
        if (!has_begun && !mcpz_bridge_legacy_begin_round(call)) {
            return;
        }
        has_begun = true;
        if (!mcpz_bridge_legacy_ask(call, key, question)) {
            return;
        }
    }
    call->step = MCPZ_STEP_FOLLOW;
    if (!has_begun) {
        wait(call, task, MCPZ_STEP_FOLLOW);
    }
}

void mcpz_bridge_legacy_task_told(struct mcpz_mcp_call *call)
{
    struct mcpz_own extra = {.data = NULL};
    bool is_good = mcpz_own_append(&extra, mcpz_text(",\"inputResponses\":")) &&
                   mcpz_bridge_legacy_responses(call, &extra);

    for (size_t i = 0; i < call->asked_count && is_good; i++) {
        is_good =
            mcpz_own_append(&call->answered, mcpz_text(call->answered.length > 0 ? "," : "")) &&
            mcpz_own_append(&call->answered, mcpz_own_bytes(&call->asked[i].key));
    }
    if (is_good) {
        ask(call, "tasks/update", MCPZ_STEP_TELL, mcpz_own_bytes(&extra));
    } else {
        mcpz_call_fail(call, MCPZ_CODE_BUSY, "out of memory", MCPZ_RETRY_AFTER_MS);
    }
    mcpz_own_finish(&extra);
}

static void take_followed(struct mcpz_mcp_call *call, struct mcpz_json task)
{
    if (says_status(task, "completed")) {
        const struct mcpz_json result = mcpz_member(task, "result");
        if (result.type == MCPZ_JSON_OBJECT) {
            tell_outcome(call, result, false);
        } else {
            mcpz_call_refuse(call, MCPZ_MCP_INTERNAL_ERROR, "the task is done, without a result");
        }
    } else if (says_status(task, "failed")) {
        const struct mcpz_json error = mcpz_member(task, "error");
        if (error.type == MCPZ_JSON_OBJECT) {
            tell_outcome(call, error, true);
        } else {
            mcpz_call_refuse(call, MCPZ_MCP_INTERNAL_ERROR, "the task has failed");
        }
    } else if (says_status(task, "cancelled")) {
        mcpz_call_refuse(call, MCPZ_MCP_INTERNAL_ERROR, "the task was cancelled");
    } else if (says_status(task, "input_required")) {
        ask_client(call, task);
    } else {
        wait(call, task, MCPZ_STEP_FOLLOW);
    }
}

/* ---- Cancelling one ----------------------------------------------------------------------- */

/* A server need not stop, nor at once: after a while the client is told how it stands. */
static void take_cancelled(struct mcpz_mcp_call *call, struct mcpz_json task)
{
    if (mcpz_task_shape_is_over(task) || ++call->looks > LOOKS_MAX) {
        tell_task(call, task);
        return;
    }
    call->step = MCPZ_STEP_SEE;
    call->poll_at_us = now_of(call) + MCPZ_MCP_POLL_MIN_US * call->looks;
}

/* ---- Requests and answers ----------------------------------------------------------------- */

/* The parameters of a server have a meaning only in the revision that has tasks. */
static bool knows_tasks(const struct mcpz_mcp_call *call)
{
    return strcmp(call->version, MCPZ_MCP_LEGACY) >= 0;
}

static bool makes_tasks(const struct mcpz_mcp_call *call)
{
    return mcpz_task_shape_has_modern(
        mcpz_member(mcpz_json_value(mcpz_own_bytes(&call->conn->begun)), "capabilities"));
}

static void take_request(struct mcpz_mcp_call *call)
{
    const struct mcpz_json id = call->request.task_id;
    const struct mcpz_mcp_task *task = mcpz_mcp_task_find(call);

    if (task != NULL) {
        take_kept(call, task);
    } else if (id.type != MCPZ_JSON_STRING) {
        mcpz_call_refuse(call, MCPZ_MCP_INVALID_PARAMS, "\\\"taskId\\\" is missing");
    } else if (!mcpz_own_set(&call->task, id.text)) {
        mcpz_call_fail(call, MCPZ_CODE_BUSY, "out of memory", MCPZ_RETRY_AFTER_MS);
    } else {
        get(call, mcpz_envelope_is(&call->request, "tasks/get")      ? MCPZ_STEP_GET
                  : mcpz_envelope_is(&call->request, "tasks/result") ? MCPZ_STEP_FOLLOW
                                                                     : MCPZ_STEP_LOOK);
    }
}

bool mcpz_bridge_legacy_task(struct mcpz_mcp_call *call)
{
    static const char *const methods[] = {"tasks/get", "tasks/result", "tasks/cancel"};
    const struct mcpz_envelope *request = &call->request;

    if (mcpz_envelope_is(request, "tools/call")) {
        /* Where a server makes none, a client's wish for one is passed over: so both say. */
        if (knows_tasks(call) && makes_tasks(call) &&
            mcpz_member(request->params, "task").type == MCPZ_JSON_OBJECT) {
            call->step = MCPZ_STEP_CREATE;
            call->with_tasks = true;
        }
        return false;
    }
    if (mcpz_envelope_is(request, "tasks/list") || mcpz_envelope_is(request, "tasks/update")) {
        mcpz_call_refuse(call, MCPZ_MCP_METHOD_NOT_FOUND,
                         mcpz_envelope_is(request, "tasks/list")
                             ? "Method not found: the server speaks 2026-07-28, where tasks "
                               "cannot be listed, since nobody knows whose they are"
                             : "Method not found: in 2025-11-25 what a task asks for is asked "
                               "during tasks/result");
        return true;
    }
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(methods); i++) {
        if (!mcpz_envelope_is(request, methods[i])) {
            continue;
        }
        if (makes_tasks(call)) {
            take_request(call);
        } else {
            mcpz_call_refuse(call, MCPZ_MCP_METHOD_NOT_FOUND,
                             "Method not found: the server makes no tasks");
        }
        return true;
    }
    return false;
}

/* Does it say that it cannot do this for a client that knows of no tasks? */
static bool wants_tasks(const struct mcpz_mcp_call *call, const struct mcpz_envelope *answer)
{
    const struct mcpz_json required =
        mcpz_member(mcpz_member(answer->error, "data"), "requiredCapabilities");
    int64_t code = 0;

    return !call->with_tasks && mcpz_task_shape_has_modern(required) &&
           mcpz_json_integer(mcpz_member(answer->error, "code"), &code) &&
           code == MCPZ_MCP_CAPABILITY_MISSING && makes_tasks(call);
}

static void take_called(struct mcpz_mcp_call *call, const struct mcpz_envelope *answer)
{
    const struct mcpz_json id = mcpz_member(answer->result, "taskId");

    if (!mcpz_json_says(mcpz_member(answer->result, "resultType"), mcpz_text("task")) ||
        id.type != MCPZ_JSON_STRING) {
        keep(call, answer);
    } else if (call->step == MCPZ_STEP_CREATE) {
        mcpz_call_answer_put(
            call, put_task,
            &(struct telling){.call = call, .task = answer->result, .is_made = true});
    } else if (!mcpz_own_set(&call->task, id.text)) {
        mcpz_call_fail(call, MCPZ_CODE_BUSY, "out of memory", MCPZ_RETRY_AFTER_MS);
    } else {
        get(call, MCPZ_STEP_FOLLOW);
    }
}

static void put_tools(struct mcpz_json_writer *writer, const void *context)
{
    const struct mcpz_envelope *answer = context;
    const struct mcpz_json tools = mcpz_member(answer->result, "tools");
    struct mcpz_json_walk walk = mcpz_json_walk(tools);
    const uint8_t *at = answer->result.text.data;
    const uint8_t *end = at + answer->result.text.length;
    struct mcpz_json tool;

    while (mcpz_json_next_element(&walk, &tool)) {
        const struct mcpz_bytes opening = mcpz_task_shape_tool(tool);
        mcpz_json_put(writer, mcpz_bytes(at, (size_t)(tool.text.data - at)));
        mcpz_json_put(writer, opening);
        at = tool.text.data + (opening.length > 0 ? 1 : 0);
    }
    mcpz_json_put(writer, mcpz_bytes(at, (size_t)(end - at)));
}

/* What is no step of a task's. */
static bool take_other(struct mcpz_mcp_call *call, const struct mcpz_envelope *answer)
{
    const bool is_good = answer->kind == MCPZ_ENVELOPE_RESPONSE;

    if (is_good && knows_tasks(call) && mcpz_envelope_is(&call->request, "tools/list") &&
        mcpz_member(answer->result, "tools").type == MCPZ_JSON_ARRAY && makes_tasks(call)) {
        mcpz_call_answer_put(call, put_tools, answer);
        return true;
    }
    if (!mcpz_envelope_is(&call->request, "tools/call")) {
        return false;
    }
    if (!is_good && wants_tasks(call, answer)) {
        call->with_tasks = true;
        mcpz_bridge_legacy_send(call);
        return true;
    }
    if (is_good && mcpz_json_says(mcpz_member(answer->result, "resultType"), mcpz_text("task"))) {
        take_called(call, answer);
        return true;
    }
    return false;
}

bool mcpz_bridge_legacy_task_answered(struct mcpz_mcp_call *call,
                                      const struct mcpz_envelope *answer)
{
    const enum mcpz_mcp_step step = call->step;

    if (step == MCPZ_STEP_NONE) {
        return take_other(call, answer);
    }
    if (step == MCPZ_STEP_CREATE) {
        take_called(call, answer);
        return true;
    }
    if (answer->kind != MCPZ_ENVELOPE_RESPONSE) {
        mcpz_call_answer_error(call, answer->error.text);
        return true;
    }
    switch (step) {
    case MCPZ_STEP_NONE:
    case MCPZ_STEP_CREATE:
        break;
    case MCPZ_STEP_GET:
        tell_task(call, answer->result);
        break;
    case MCPZ_STEP_FOLLOW:
        take_followed(call, answer->result);
        break;
    case MCPZ_STEP_TELL:
        get(call, MCPZ_STEP_FOLLOW);
        break;
    case MCPZ_STEP_LOOK:
        if (mcpz_task_shape_is_over(answer->result)) {
            refuse_cancelling(call, answer->result);
        } else {
            ask(call, "tasks/cancel", MCPZ_STEP_CANCEL, mcpz_text(""));
        }
        break;
    case MCPZ_STEP_CANCEL:
        get(call, MCPZ_STEP_SEE);
        break;
    case MCPZ_STEP_SEE:
        take_cancelled(call, answer->result);
        break;
    }
    return true;
}
