/* Tasks of the protocol that this node keeps, since only it can say what became of them. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mcp/host_internal.h"

static mcpz_time now_of(const struct mcpz_mcp_host *host)
{
    return host->config.now(host->config.context);
}

/* ---- Making room -------------------------------------------------------------------------- */

static size_t bytes_of(const struct mcpz_mcp_task *task)
{
    return task->state.length + task->outcome.length;
}

static void free_task(struct mcpz_mcp_task *task)
{
    struct mcpz_mcp_task **link = &task->server->tasks;

    while (*link != task) {
        link = &(*link)->next;
    }
    *link = task->next;
    task->server->host->stats.tasks--;
    task->server->host->stats.task_bytes -= bytes_of(task);
    mcpz_own_finish(&task->inner);
    mcpz_own_finish(&task->state);
    mcpz_own_finish(&task->outcome);
    free(task);
}

/* Of those that are done, but for this one; NULL: there is none. */
static struct mcpz_mcp_task *find_oldest(const struct mcpz_mcp_host *host,
                                         const struct mcpz_mcp_task *but)
{
    struct mcpz_mcp_task *oldest = NULL;

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(host->servers); i++) {
        for (struct mcpz_mcp_task *task = host->servers[i].tasks; task != NULL;
             task = task->next) {
            if (task != but && task->conn == NULL &&
                (oldest == NULL || task->until_us < oldest->until_us)) {
                oldest = task;
            }
        }
    }
    return oldest;
}

static void make_room(struct mcpz_mcp_host *host, const struct mcpz_mcp_task *but)
{
    while (host->stats.task_bytes > MCPZ_MCP_TASK_BYTES_MAX ||
           (but == NULL && host->stats.tasks >= MCPZ_MCP_TASKS_MAX)) {
        struct mcpz_mcp_task *oldest = find_oldest(host, but);
        if (oldest == NULL) {
            return;
        }
        free_task(oldest);
    }
}

/* ---- Keeping ------------------------------------------------------------------------------ */

static mcpz_time end_of(const struct mcpz_mcp_host *host, struct mcpz_bytes state)
{
    const mcpz_time now = now_of(host);
    int64_t ttl_ms = 0;
    mcpz_time ttl_us = MCPZ_MCP_TASK_US;

    if (mcpz_json_integer(mcpz_member(mcpz_json_value(state), "ttl"), &ttl_ms) &&
        ttl_ms < (int64_t)(MCPZ_MCP_TASK_US / 1000)) {
        ttl_us = ttl_ms > 0 ? (mcpz_time)ttl_ms * 1000 : 0;
    }
    return now + (ttl_us > MCPZ_MCP_TASK_DONE_US ? ttl_us : MCPZ_MCP_TASK_DONE_US);
}

static void give_id(struct mcpz_mcp_task *task)
{
    struct mcpz_mcp_host *host = task->server->host;
    uint8_t random[MCPZ_MCP_SESSION_BYTES / 2];

    host->config.random(host->config.context, random, sizeof(random));
    for (size_t i = 0; i < sizeof(random); i++) {
        (void)snprintf(task->id + 2 * i, 3, "%02x", random[i]);
    }
}

struct mcpz_mcp_task *mcpz_mcp_task_keep(struct mcpz_mcp_call *call, struct mcpz_conn *conn,
                                         struct mcpz_bytes inner, struct mcpz_bytes state)
{
    struct mcpz_mcp_host *host = call->host;

    make_room(host, NULL);
    struct mcpz_mcp_task *task =
        host->stats.tasks < MCPZ_MCP_TASKS_MAX ? calloc(1, sizeof(*task)) : NULL;
    if (task == NULL || !mcpz_own_set(&task->inner, inner) || !mcpz_own_set(&task->state, state)) {
        if (task != NULL) {
            mcpz_own_finish(&task->inner);
        }
        free(task);
        return NULL;
    }
    task->server = call->server;
    task->conn = conn;
    task->until_us = end_of(host, state);
    memcpy(task->tenant, call->tenant, sizeof(task->tenant));
    memcpy(task->principal, call->principal, sizeof(task->principal));
    give_id(task);
    task->next = call->server->tasks;
    call->server->tasks = task;
    host->stats.tasks++;
    host->stats.task_bytes += bytes_of(task);
    return task;
}

/* Does it say so, and may it know? One that is not its client's is none. */
struct mcpz_mcp_task *mcpz_mcp_task_find(const struct mcpz_mcp_call *call)
{
    struct mcpz_mcp_task *task = call->server->tasks;

    while (task != NULL && !(mcpz_json_says(call->request.task_id, mcpz_text(task->id)) &&
                             strcmp(task->tenant, call->tenant) == 0 &&
                             strcmp(task->principal, call->principal) == 0)) {
        task = task->next;
    }
    return task;
}

struct mcpz_mcp_task *mcpz_mcp_task_of(const struct mcpz_conn *conn, struct mcpz_json inner)
{
    struct mcpz_mcp_task *task = conn->server->tasks;

    while (task != NULL && !(task->conn == conn && inner.type == MCPZ_JSON_STRING &&
                             mcpz_bytes_equal(mcpz_own_bytes(&task->inner), inner.text))) {
        task = task->next;
    }
    return task;
}

bool mcpz_mcp_task_set_outcome(struct mcpz_mcp_task *task, const struct mcpz_envelope *answer)
{
    struct mcpz_mcp_host *host = task->server->host;
    const size_t before = task->outcome.length;

    task->has_failed = answer->kind != MCPZ_ENVELOPE_RESPONSE;
    const bool is_set =
        mcpz_own_set(&task->outcome, task->has_failed ? answer->error.text : answer->result.text);
    host->stats.task_bytes += task->outcome.length - before;
    make_room(host, task);
    return is_set;
}

/* ---- Ending ------------------------------------------------------------------------------- */

static void leave_questions(struct mcpz_mcp_task *task, bool is_told)
{
    struct mcpz_question *next;

    for (struct mcpz_question *question = task->conn->questions; question != NULL;
         question = next) {
        next = question->next;
        if (question->task == task) {
            if (is_told) {
                mcpz_conn_refuse(task->conn, mcpz_own_bytes(&question->id),
                                 MCPZ_MCP_INTERNAL_ERROR, "the client is gone");
            }
            mcpz_question_end(task->conn, question);
        }
    }
}

void mcpz_mcp_task_finish(struct mcpz_mcp_task *task)
{
    if (task->conn == NULL) {
        return;
    }
    leave_questions(task, false);
    for (struct mcpz_mcp_job *job = task->conn->jobs; job != NULL; job = job->next) {
        if (job->task == task) {
            job->task = NULL;
        }
    }
    task->conn = NULL;
    const mcpz_time least = now_of(task->server->host) + MCPZ_MCP_TASK_DONE_US;
    task->until_us = task->until_us > least ? task->until_us : least;
}

/* Tell the process that nobody wants it any more. */
static void cancel(struct mcpz_mcp_task *task)
{
    struct mcpz_conn *conn = task->conn;
    struct mcpz_own params = {.data = NULL};
    struct mcpz_mcp_job *job = conn->jobs;

    leave_questions(task, true);
    while (job != NULL && job->task != task) {
        job = job->next;
    }
    if (job != NULL) {
        job->task = NULL;
        mcpz_mcp_job_abandon(job);
    }
    if (mcpz_own_append(&params, mcpz_text("{\"taskId\":")) &&
        mcpz_own_append(&params, mcpz_own_bytes(&task->inner)) &&
        mcpz_own_append(&params, mcpz_text("}"))) {
        mcpz_conn_ask_silently(conn, "tasks/cancel", mcpz_own_bytes(&params));
    }
    mcpz_own_finish(&params);
}

void mcpz_mcp_task_drop(struct mcpz_mcp_task *task)
{
    if (task->conn != NULL && task->conn->upstream != NULL) {
        cancel(task);
    }
    mcpz_mcp_task_finish(task);
    free_task(task);
}

static struct mcpz_mcp_task *find_at(const struct mcpz_conn *conn)
{
    struct mcpz_mcp_task *task = conn->server->tasks;

    while (task != NULL && task->conn != conn) {
        task = task->next;
    }
    return task;
}

/* What is said of a task whose process has ended. */
struct loss {
    const struct mcpz_hosted *server;
    const char *why;
};

static void put_loss(struct mcpz_json_writer *writer, const void *context)
{
    const struct loss *loss = context;
    char text[MCPZ_MCP_NAME_BYTES_MAX + 512];

    (void)snprintf(text, sizeof(text), "the server %s ended before the task was done: %.384s",
                   loss->server->what.service.name,
                   loss->why[0] != '\0' ? loss->why : "it was stopped");
    mcpz_json_put_text(writer, "{\"code\":");
    mcpz_json_put_integer(writer, MCPZ_MCP_INTERNAL_ERROR);
    mcpz_json_put_text(writer, ",\"message\":");
    mcpz_json_put_string(writer, mcpz_text(text));
    mcpz_json_put_text(writer, "}");
}

void mcpz_mcp_tasks_lose(struct mcpz_conn *conn, const char *why)
{
    const struct loss loss = {.server = conn->server, .why = why};
    struct mcpz_mcp_task *task;

    while ((task = find_at(conn)) != NULL) {
        if (task->outcome.length == 0) {
            task->has_failed = mcpz_own_write(&task->outcome, put_loss, &loss);
            conn->server->host->stats.task_bytes += task->outcome.length;
        }
        mcpz_mcp_task_finish(task);
    }
}

void mcpz_mcp_tasks_expire(struct mcpz_hosted *server, mcpz_time now)
{
    struct mcpz_mcp_task *next;

    for (struct mcpz_mcp_task *task = server->tasks; task != NULL; task = next) {
        next = task->next;
        if (task->until_us <= now || now == MCPZ_TIME_NEVER) {
            mcpz_mcp_task_drop(task);
        }
    }
}

mcpz_time mcpz_mcp_tasks_deadline(const struct mcpz_hosted *server)
{
    mcpz_time next = MCPZ_TIME_NEVER;

    for (const struct mcpz_mcp_task *task = server->tasks; task != NULL; task = task->next) {
        next = mcpz_time_min(next, task->until_us);
    }
    return next;
}
