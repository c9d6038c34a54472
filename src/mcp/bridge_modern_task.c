/*
 * Tasks, for a modern client of a legacy server.
 *
 * There it is the server who decides what becomes a task, call by call; here it is the client. So
 * this decides: a tool that may be called as a task is, if its client says that it knows tasks. A
 * tool that has to be is for others too: their call then lasts as long as the task does.
 *
 *   tools/call    tools/call with `task`; tasks/result at once, whose answer is kept
 *   tasks/get     tasks/get, together with that, and with what the server has asked meanwhile
 *   tasks/update  answers to those questions
 *   tasks/cancel  tasks/cancel
 *
 * A task is called here by 128 random bits, and is its client's. It outlasts its process.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mcp/host_internal.h"

static mcpz_time now_of(const struct mcpz_mcp_host *host)
{
    return host->config.now(host->config.context);
}

static bool knows_tasks(const struct mcpz_mcp_call *call)
{
    return mcpz_task_shape_has_modern(mcpz_json_value(mcpz_own_bytes(&call->capabilities)));
}

/* ---- Making them -------------------------------------------------------------------------- */

/* What the tool says that is to be called: ["name",is_required] in the server's list. */
static enum mcpz_task_support support_of(const struct mcpz_mcp_call *call)
{
    const struct mcpz_own *tools = &call->server->task_tools;
    struct mcpz_json tool;

    if (tools->length == 0) {
        return MCPZ_TASK_FORBIDDEN;
    }
    struct mcpz_json_walk walk = mcpz_json_walk(mcpz_json_value(mcpz_own_bytes(tools)));
    while (mcpz_json_next_element(&walk, &tool)) {
        struct mcpz_json_walk inner = mcpz_json_walk(tool);
        struct mcpz_json name;
        struct mcpz_json is_required;
        if (mcpz_json_next_element(&inner, &name) &&
            mcpz_json_next_element(&inner, &is_required) &&
            mcpz_bytes_equal(name.text, call->request.name.text)) {
            return is_required.type == MCPZ_JSON_TRUE ? MCPZ_TASK_REQUIRED : MCPZ_TASK_OPTIONAL;
        }
    }
    return MCPZ_TASK_FORBIDDEN;
}

size_t mcpz_bridge_modern_task_splice(const struct mcpz_mcp_call *call,
                                      struct mcpz_splice *splices)
{
    static const char wanted[] = "\"task\":{\"ttl\":3600000},";
    const struct mcpz_json params = call->request.params;
    const struct mcpz_json said = mcpz_member(params, "task");

    static_assert(MCPZ_MCP_TASK_US == MCPZ_MS(3600000), "as it says there");
    if (!mcpz_envelope_is(&call->request, "tools/call")) {
        return 0;
    }
    if (said.type != MCPZ_JSON_NONE) { /* it says nothing in this revision */
        splices[0] = (struct mcpz_splice){
            .at = call->makes_task ? said.text : mcpz_splice_member(params, "task"),
            .with = mcpz_text(call->makes_task ? "{\"ttl\":3600000}" : "")};
        return 1;
    }
    splices[0] = (struct mcpz_splice){.at = params.text, .with = mcpz_text(wanted)};
    if (call->makes_task) { /* there is a name, too */
        splices[0].at = mcpz_splice_inside(params);
    }
    return call->makes_task ? 1 : 0;
}

/* ---- What is said of them ----------------------------------------------------------------- */

struct telling {
    const struct mcpz_mcp_task *task;
    const char *result_type;
    struct mcpz_json meta; /* of the server's answer */
};

static bool is_asked(const struct mcpz_mcp_task *task)
{
    const struct mcpz_question *question = task->conn != NULL ? task->conn->questions : NULL;

    while (question != NULL && question->task != task) {
        question = question->next;
    }
    return question != NULL;
}

static const char *status_of(const struct mcpz_mcp_task *task)
{
    const struct mcpz_json state = mcpz_json_value(mcpz_own_bytes(&task->state));

    if (task->conn != NULL) {
        return is_asked(task) ? "input_required" : "working";
    }
    if (mcpz_json_says(mcpz_member(state, "status"), mcpz_text("cancelled"))) {
        return "cancelled";
    }
    return task->has_failed || task->outcome.length == 0 ? "failed" : "completed";
}

static void put_question(struct mcpz_json_writer *writer, const struct mcpz_question *question)
{
    const struct mcpz_json whole = mcpz_json_value(mcpz_own_bytes(&question->line));
    const struct mcpz_json params = mcpz_member(whole, "params");

    mcpz_json_put_text(writer, "\"input");
    mcpz_json_put_integer(writer, (int64_t)question->number);
    mcpz_json_put_text(writer, "\":{\"method\":");
    mcpz_json_put(writer, mcpz_member(whole, "method").text);
    mcpz_json_put_text(writer, ",\"params\":");
    mcpz_json_put(writer, params.type == MCPZ_JSON_OBJECT ? params.text : mcpz_text("{}"));
    mcpz_json_put_text(writer, "}");
}

static void put_questions(struct mcpz_json_writer *writer, const struct mcpz_mcp_task *task)
{
    const char *between = "";

    mcpz_json_put_text(writer, ",\"inputRequests\":{");
    for (const struct mcpz_question *question = task->conn->questions; question != NULL;
         question = question->next) {
        if (question->task == task) {
            mcpz_json_put_text(writer, between);
            put_question(writer, question);
            between = ",";
        }
    }
    mcpz_json_put_text(writer, "}");
}

/* A result of a legacy server says in its `_meta` whose it is: here it lies in that task. */
static void put_result(struct mcpz_json_writer *writer, struct mcpz_json result)
{
    const struct mcpz_json meta = mcpz_member(result, "_meta");
    const struct mcpz_splice splice = {.at = meta.type == MCPZ_JSON_OBJECT
                                                 ? mcpz_splice_member(meta, MCPZ_RELATED_TASK)
                                                 : mcpz_bytes(NULL, 0)};

    mcpz_splice(writer, result.text, &splice, splice.at.length > 0 ? 1 : 0);
}

static void put_outcome(struct mcpz_json_writer *writer, const struct mcpz_mcp_task *task)
{
    if (task->outcome.length == 0) {
        mcpz_json_put_text(writer,
                           ",\"error\":{\"code\":-32603,\"message\":\"the result was lost\"}");
    } else if (task->has_failed) {
        mcpz_json_put_text(writer, ",\"error\":");
        mcpz_json_put(writer, mcpz_own_bytes(&task->outcome));
    } else {
        mcpz_json_put_text(writer, ",\"result\":");
        put_result(writer, mcpz_json_value(mcpz_own_bytes(&task->outcome)));
    }
}

static void put_telling(struct mcpz_json_writer *writer, const void *context)
{
    const struct telling *what = context;
    const struct mcpz_mcp_task *task = what->task;
    const struct mcpz_json info =
        mcpz_member(mcpz_json_value(mcpz_own_bytes(&task->server->document)), "serverInfo");
    char id[MCPZ_MCP_SESSION_BYTES + 3];
    const char *status = status_of(task);

    (void)snprintf(id, sizeof(id), "\"%s\"", task->id);
    const struct mcpz_task_shape as = {
        .id = mcpz_text(id), .status = status, .ttl_max_ms = (int64_t)(MCPZ_MCP_TASK_US / 1000)};
    mcpz_json_put_text(writer, "{\"resultType\":\"");
    mcpz_json_put_text(writer, what->result_type);
    mcpz_json_put_text(writer, "\",");
    mcpz_task_shape_put_modern(writer, mcpz_json_value(mcpz_own_bytes(&task->state)), &as);
    if (strcmp(status, "input_required") == 0) {
        put_questions(writer, task);
    } else if (task->conn == NULL && strcmp(status, "cancelled") != 0) {
        put_outcome(writer, task);
    }
    if (what->meta.type == MCPZ_JSON_OBJECT) {
        mcpz_json_put_text(writer, ",\"_meta\":");
        mcpz_json_put(writer, what->meta.text);
    } else if (info.type == MCPZ_JSON_OBJECT) {
        mcpz_json_put_text(writer, ",\"_meta\":{\"" MCPZ_MCP_META "serverInfo\":");
        mcpz_json_put(writer, info.text);
        mcpz_json_put_text(writer, "}");
    }
    mcpz_json_put_text(writer, "}");
}

/* {"taskId": ...}, which is all that is said when one is asked about. */
static bool write_params(struct mcpz_own *params, struct mcpz_bytes inner)
{
    return mcpz_own_append(params, mcpz_text("{\"taskId\":")) && mcpz_own_append(params, inner) &&
           mcpz_own_append(params, mcpz_text("}"));
}

/* ---- When the server has made one --------------------------------------------------------- */

/* Ask its process about a task, for nobody in particular. */
static bool ask(struct mcpz_mcp_task *task, enum mcpz_mcp_job_kind kind, const char *method,
                mcpz_time due_us)
{
    struct mcpz_mcp_job *job = mcpz_mcp_job_begin(task->conn, kind, due_us);
    struct mcpz_own params = {.data = NULL};
    const bool is_good = job != NULL && write_params(&params, mcpz_own_bytes(&task->inner));

    if (is_good) {
        job->task = task;
        (void)mcpz_conn_ask(task->conn, job, method, mcpz_own_bytes(&params));
    } else if (job != NULL) {
        mcpz_mcp_job_end(job);
    }
    mcpz_own_finish(&params);
    return is_good;
}

/* Its client knows of no tasks: it gets the result, when that is there. */
static void follow(struct mcpz_mcp_call *call, struct mcpz_bytes inner)
{
    struct mcpz_own params = {.data = NULL};
    struct mcpz_own own = {.data = NULL};

    if (!write_params(&params, inner) || !mcpz_own_set(&own, inner)) {
        mcpz_call_fail(call, MCPZ_CODE_BUSY, "out of memory", MCPZ_RETRY_AFTER_MS);
    } else if (mcpz_call_ask(call, "tasks/result", mcpz_own_bytes(&params))) {
        call->job->inner = own;
        own = (struct mcpz_own){.data = NULL};
        /* The token of the call stays good for as long as its task lasts. */
        (void)(mcpz_own_set(&call->job->token, call->request.progress_token.text) &&
               mcpz_own_set(&call->job->told, call->request.progress_token.text));
    }
    mcpz_own_finish(&params);
    mcpz_own_finish(&own);
}

static void take_made(struct mcpz_mcp_call *call, struct mcpz_json said, struct mcpz_json meta)
{
    const struct mcpz_json inner = mcpz_member(said, "taskId");

    call->makes_task = false;
    struct mcpz_mcp_task *task =
        knows_tasks(call) ? mcpz_mcp_task_keep(call, call->conn, inner.text, said.text) : NULL;
    if (task == NULL) { /* or there are too many */
        follow(call, inner.text);
        return;
    }
    if (!ask(task, MCPZ_JOB_TASK, "tasks/result", MCPZ_TIME_NEVER)) {
        mcpz_mcp_task_drop(task);
        mcpz_call_fail(call, MCPZ_CODE_BUSY, "too much is under way at this node",
                       MCPZ_RETRY_AFTER_MS);
        return;
    }
    mcpz_call_answer_put(call, put_telling,
                         &(struct telling){.task = task, .result_type = "task", .meta = meta});
}

void mcpz_bridge_modern_outcome(struct mcpz_mcp_task *task, const struct mcpz_envelope *answer)
{
    if (!mcpz_mcp_task_set_outcome(task, answer) ||
        !ask(task, MCPZ_JOB_STATE, "tasks/get", now_of(task->server->host) + MCPZ_MCP_ANSWER_US)) {
        mcpz_mcp_task_finish(task);
    }
}

static void set_state(struct mcpz_mcp_task *task, const struct mcpz_envelope *answer)
{
    struct mcpz_mcp_host *host = task->server->host;

    if (answer->kind == MCPZ_ENVELOPE_RESPONSE) {
        host->stats.task_bytes -= task->state.length;
        (void)!mcpz_own_set(&task->state, answer->result.text);
        host->stats.task_bytes += task->state.length;
    }
}

void mcpz_bridge_modern_state(struct mcpz_mcp_task *task, const struct mcpz_envelope *answer)
{
    set_state(task, answer);
    mcpz_mcp_task_finish(task);
}

/* ---- What it asks meanwhile --------------------------------------------------------------- */

void mcpz_bridge_modern_task_asked(struct mcpz_mcp_task *task, const struct mcpz_envelope *request)
{
    struct mcpz_question *question = mcpz_question_keep(task->conn, request);

    if (question != NULL) {
        question->task = task;
        question->number = task->asked++;
    }
}

/* The answer, with what says that it is about the task. */
static void answer_question(struct mcpz_mcp_task *task, struct mcpz_question *question,
                            struct mcpz_json answer)
{
    const struct mcpz_json meta = mcpz_member(answer, "_meta");
    const bool has_meta = meta.type == MCPZ_JSON_OBJECT;
    const struct mcpz_json into = has_meta ? meta : answer;
    const struct mcpz_bytes at = mcpz_splice_inside(into);
    const uint8_t *end = answer.text.data + answer.text.length;
    const bool is_said = mcpz_member(meta, MCPZ_RELATED_TASK).type != MCPZ_JSON_NONE;
    struct mcpz_own text = {.data = NULL};

    if (!is_said &&
        mcpz_own_append(&text,
                        mcpz_bytes(answer.text.data, (size_t)(at.data - answer.text.data))) &&
        mcpz_own_append(&text, mcpz_text(has_meta ? "" : "\"_meta\":{")) &&
        mcpz_own_append(&text, mcpz_text("\"" MCPZ_RELATED_TASK "\":{\"taskId\":")) &&
        mcpz_own_append(&text, mcpz_own_bytes(&task->inner)) &&
        mcpz_own_append(&text, mcpz_text(has_meta ? "}" : "}}")) &&
        mcpz_own_append(&text, mcpz_text(mcpz_splice_is_empty(into) ? "" : ",")) &&
        mcpz_own_append(&text, mcpz_bytes(at.data, (size_t)(end - at.data)))) {
        answer.text = mcpz_own_bytes(&text);
    }
    mcpz_conn_answer(task->conn, mcpz_own_bytes(&question->id), answer.text);
    mcpz_question_end(task->conn, question);
    mcpz_own_finish(&text);
}

/* What is not asked, or not any more, is passed over. */
static void update(struct mcpz_mcp_call *call, struct mcpz_mcp_task *task)
{
    struct mcpz_question *next;
    char key[32];

    for (struct mcpz_question *question = task->conn != NULL ? task->conn->questions : NULL;
         question != NULL; question = next) {
        next = question->next;
        if (question->task != task) {
            continue;
        }
        (void)snprintf(key, sizeof(key), "input%zu", question->number);
        const struct mcpz_json answer = mcpz_member(call->request.input_responses, key);
        if (answer.type == MCPZ_JSON_OBJECT) {
            answer_question(task, question, answer);
        }
    }
    mcpz_call_answer(call, mcpz_text("{\"resultType\":\"complete\"}"));
}

/* ---- Requests ----------------------------------------------------------------------------- */

static void get(struct mcpz_mcp_call *call, struct mcpz_mcp_task *task)
{
    struct mcpz_own params = {.data = NULL};

    if (task->conn == NULL || is_asked(task)) {
        mcpz_call_answer_put(call, put_telling,
                             &(struct telling){.task = task, .result_type = "complete"});
        return;
    }
    call->conn = task->conn;
    if (write_params(&params, mcpz_own_bytes(&task->inner))) {
        (void)!mcpz_call_ask(call, "tasks/get", mcpz_own_bytes(&params));
    } else {
        mcpz_call_fail(call, MCPZ_CODE_BUSY, "out of memory", MCPZ_RETRY_AFTER_MS);
    }
    mcpz_own_finish(&params);
}

static void refuse_unknown(struct mcpz_mcp_call *call)
{
    mcpz_call_refuse(call, MCPZ_MCP_INVALID_PARAMS,
                     "Failed to retrieve task: there is none of that id here, or it has expired");
}

/* How it stands, or stood when its answer was there. */
static void take_state(struct mcpz_mcp_call *call, const struct mcpz_envelope *answer)
{
    struct mcpz_mcp_task *task = mcpz_mcp_task_find(call);

    if (task == NULL) {
        refuse_unknown(call);
        return;
    }
    if (answer->kind != MCPZ_ENVELOPE_RESPONSE && task->conn != NULL) {
        mcpz_call_answer_error(call, answer->error.text);
        return;
    }
    set_state(task, answer);
    if (task->conn != NULL && task->outcome.length > 0 &&
        mcpz_task_shape_is_over(mcpz_json_value(mcpz_own_bytes(&task->state)))) {
        mcpz_mcp_task_finish(task);
    }
    mcpz_call_answer_put(call, put_telling,
                         &(struct telling){.task = task, .result_type = "complete"});
}

static void cancel(struct mcpz_mcp_call *call, struct mcpz_mcp_task *task)
{
    struct mcpz_own params = {.data = NULL};

    if (task->conn != NULL && write_params(&params, mcpz_own_bytes(&task->inner))) {
        mcpz_conn_ask_silently(task->conn, "tasks/cancel", mcpz_own_bytes(&params));
    }
    mcpz_own_finish(&params);
    mcpz_call_answer(call, mcpz_text("{\"resultType\":\"complete\"}"));
}

bool mcpz_bridge_modern_task(struct mcpz_mcp_call *call)
{
    const struct mcpz_envelope *request = &call->request;
    const bool gets = mcpz_envelope_is(request, "tasks/get");
    const bool updates = mcpz_envelope_is(request, "tasks/update");

    if (mcpz_envelope_is(request, "tools/call")) {
        const enum mcpz_task_support support = support_of(call);
        call->makes_task =
            support == MCPZ_TASK_REQUIRED || (support == MCPZ_TASK_OPTIONAL && knows_tasks(call));
        return false;
    }
    if (mcpz_envelope_is(request, "tasks/result") || mcpz_envelope_is(request, "tasks/list")) {
        mcpz_call_refuse(call, MCPZ_MCP_METHOD_NOT_FOUND,
                         "Method not found: in 2026-07-28 tasks/get has the result, and no tasks "
                         "are listed");
        return true;
    }
    if (!gets && !updates && !mcpz_envelope_is(request, "tasks/cancel")) {
        return false;
    }
    struct mcpz_mcp_task *task = mcpz_mcp_task_find(call);
    if (!knows_tasks(call)) {
        mcpz_call_answer_error(
            call, mcpz_text("{\"code\":-32021,\"message\":\"Missing required client capability: "
                            "tasks\",\"data\":{\"requiredCapabilities\":{\"extensions\":{"
                            "\"" MCPZ_TASKS_EXTENSION "\":{}}}}}"));
    } else if (task == NULL) {
        refuse_unknown(call);
    } else if (gets) {
        get(call, task);
    } else if (updates) {
        update(call, task);
    } else {
        cancel(call, task);
    }
    return true;
}

bool mcpz_bridge_modern_task_answered(struct mcpz_mcp_call *call,
                                      const struct mcpz_envelope *answer)
{
    const struct mcpz_json task = mcpz_member(answer->result, "task");

    if (mcpz_envelope_is(&call->request, "tasks/get")) {
        take_state(call, answer);
        return true;
    }
    if (call->makes_task && answer->kind == MCPZ_ENVELOPE_RESPONSE &&
        mcpz_member(task, "taskId").type == MCPZ_JSON_STRING) {
        take_made(call, task, answer->meta);
        return true;
    }
    return false;
}
