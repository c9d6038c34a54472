/*
 * Durable tasks and their queues.
 *
 *   GET    /v1/tasks/ID             one, with result and history (lists: task_list.c)
 *   POST   /v1/tasks/ID/wait        the same, when it is over
 *   POST   /v1/tasks/ID/replay      a dead letter; .../purge: what is over
 *   DELETE /v1/tasks/ID             cancel
 *   GET    /v1/runs                 what was done here under idempotency keys
 *   POST   /v1/queues/TYPE          {"paused": true} (lists: queue_list.c)
 */

#include <stdlib.h>
#include <string.h>

#include "http/durable.h"
#include "http/exchange.h"
#include "http/queue_book.h"
#include "http/system_document.h"
#include "http/task_list.h"
#include "http/task_search.h"

#define TASKS_PREFIX "/v1/tasks/"
#define QUEUES_PREFIX "/v1/queues/"
#define RUNS_MAX 10000
#define SLICE 128 /* rows looked at in one turn */
#define WAIT_MS_MAX 3600000

/* ---- One ---------------------------------------------------------------------------------- */

/* "ID" or "ID/what" behind the prefix. False: answered with what is wrong. */
static bool read_path(struct mcpz_exchange *exchange, const struct mcpz_request *request,
                      struct mcpz_task_id *id, struct mcpz_bytes *what)
{
    struct mcpz_bytes rest = mcpz_exchange_path_rest(request->path, TASKS_PREFIX);
    const uint8_t *slash = memchr(rest.data, '/', rest.length);
    size_t length = slash != NULL ? (size_t)(slash - rest.data) : rest.length;

    *what = slash != NULL ? mcpz_bytes(slash + 1, rest.length - length - 1) : mcpz_text("");
    if (!mcpz_task_id_from_text(mcpz_bytes(rest.data, length), id)) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "a task is named by \"t-\" and 32 hex digits");
        return false;
    }
    return true;
}

static void answer_task(struct mcpz_exchange *exchange, const struct mcpz_task_id *id)
{
    json_t *json = mcpz_durable_show(mcpz_exchange_engine(exchange), id, true);

    if (json == NULL) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_NOT_FOUND,
                           "this node knows no such task. What is over is kept for an hour, "
                           "unless \"tasks.retention_seconds\" says otherwise");
        return;
    }
    mcpz_exchange_answer(exchange, 200, json);
}

void mcpz_api_get_task(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    struct mcpz_task_request wanted = {.verb = MCPZ_TASK_STATUS};
    struct mcpz_bytes what;

    if (!read_path(exchange, request, &wanted.id, &what)) {
        return;
    }
    if (what.length > 0) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_NOT_FOUND, "there is nothing of that name in it");
        return;
    }
    mcpz_task_do(exchange, &wanted);
}

static void ask_engine(struct mcpz_exchange *exchange, enum mcpz_event_kind kind,
                       const struct mcpz_event_durable *said)
{
    struct mcpz_event event = {.kind = kind, .durable = *said};

    event.durable.request = exchange->request;
    mcpz_engine_event(mcpz_exchange_engine(exchange), &event);
}

/* Its REPLY is the answer. */
static void order(struct mcpz_exchange *exchange, enum mcpz_event_kind kind,
                  const struct mcpz_event_durable *said, json_t *json)
{
    if (mcpz_exchange_await_reply(exchange, 200, json) != 0) {
        ask_engine(exchange, kind, said);
    }
}

static json_t *say_id(const struct mcpz_task_id *id)
{
    char text[MCPZ_TASK_ID_TEXT_BYTES];

    mcpz_task_id_to_text(id, text);
    return json_pack("{s:s}", "id", text);
}

void mcpz_api_delete_task(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    struct mcpz_task_request wanted = {.verb = MCPZ_TASK_CANCEL};
    struct mcpz_bytes what;

    if (read_path(exchange, request, &wanted.id, &what)) {
        mcpz_task_do(exchange, &wanted);
    }
}

/* ---- Waiting ------------------------------------------------------------------------------ */

struct task_wait {
    struct mcpz_reply_note note;
    struct mcpz_task_id id;
};

static void work_wait(struct mcpz_exchange *exchange)
{
    const struct task_wait *wait = exchange->state;

    if (mcpz_exchange_has_reply(exchange)) {
        answer_task(exchange, &wait->id);
    }
}

static void stop_waiting(struct mcpz_exchange *exchange)
{
    const struct task_wait *wait = exchange->state;

    if (!wait->note.came) {
        ask_engine(exchange, MCPZ_EVENT_DURABLE_UNWATCH,
                   &(struct mcpz_event_durable){.id = wait->id});
    }
}

static void expire_wait(struct mcpz_exchange *exchange)
{
    mcpz_exchange_fail(exchange, MCPZ_CODE_TIMEOUT, "it is not over yet");
}

static void finish_wait(struct mcpz_exchange *exchange)
{
    stop_waiting(exchange);
    free(exchange->state);
}

static const struct mcpz_exchange_kind wait_kind = {
    .note = mcpz_exchange_note_reply,
    .work = work_wait,
    .expire = expire_wait,
    .finish = finish_wait,
};

static void wait_for(struct mcpz_exchange *exchange, const struct mcpz_task_request *request)
{
    struct task_wait *wait = calloc(1, sizeof(*wait));

    if (wait == NULL) {
        mcpz_exchange_fail_error(exchange, MCPZ_ENOMEM, "waiting for the task");
        return;
    }
    wait->id = request->id;
    mcpz_exchange_wait(exchange, &wait_kind, wait);
    exchange->request = mcpz_engine_next_request(mcpz_exchange_engine(exchange));
    exchange->deadline_us = mcpz_api_now(exchange->api) + MCPZ_MS((uint64_t)request->timeout_ms);
    ask_engine(exchange, MCPZ_EVENT_DURABLE_WATCH,
               &(struct mcpz_event_durable){.id = request->id});
}

void mcpz_task_do_here(struct mcpz_exchange *exchange, const struct mcpz_task_request *request)
{
    static const enum mcpz_event_kind kinds[] = {
        [MCPZ_TASK_CANCEL] = MCPZ_EVENT_DURABLE_CANCEL,
        [MCPZ_TASK_REPLAY] = MCPZ_EVENT_DURABLE_REPLAY,
        [MCPZ_TASK_PURGE] = MCPZ_EVENT_DURABLE_PURGE,
    };

    if (request->verb == MCPZ_TASK_STATUS) {
        answer_task(exchange, &request->id);
    } else if (request->verb == MCPZ_TASK_WAIT) {
        wait_for(exchange, request);
    } else {
        order(exchange, kinds[request->verb], &(struct mcpz_event_durable){.id = request->id},
              say_id(&request->id));
    }
}

/* How long to wait. False: answered with what is wrong. */
static bool read_patience(struct mcpz_exchange *exchange, json_int_t *timeout_ms)
{
    static const struct mcpz_integer_rule rule = {"timeout_ms", 1, WAIT_MS_MAX, 60000};
    static const char *const allowed[] = {"timeout_ms", NULL};
    json_t *object = mcpz_exchange_object(exchange, allowed);
    bool good = object != NULL && mcpz_exchange_integer(exchange, object, &rule, timeout_ms);

    json_decref(object);
    return good;
}

void mcpz_api_post_task_verb(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    struct mcpz_task_request wanted = {.verb = MCPZ_TASK_WAIT};
    struct mcpz_bytes what;

    if (!read_path(exchange, request, &wanted.id, &what)) {
        return;
    }
    if (mcpz_bytes_equal(what, mcpz_text("wait"))) {
        if (!read_patience(exchange, &wanted.timeout_ms)) {
            return;
        }
    } else if (mcpz_bytes_equal(what, mcpz_text("replay"))) {
        wanted.verb = MCPZ_TASK_REPLAY;
    } else if (mcpz_bytes_equal(what, mcpz_text("purge"))) {
        wanted.verb = MCPZ_TASK_PURGE;
    } else {
        mcpz_exchange_fail(exchange, MCPZ_CODE_NOT_FOUND,
                           "a task can be asked to wait, replay or purge");
        return;
    }
    mcpz_task_do(exchange, &wanted);
}

/* ---- What was done here ------------------------------------------------------------------- */

/* So far the rows have been shown: the walk goes on behind this one. */
struct run_list {
    json_t *rows;
    char tenant[MCPZ_TENANT_BYTES_MAX + 1];
    char capability[MCPZ_CAPABILITY_BYTES_MAX + 1];
    char key[MCPZ_IDEMPOTENCY_KEY_BYTES_MAX + 1];
};

static void append_run(struct run_list *list, const struct mcpz_record_run *run)
{
    mcpz_bytes_to_text(run->tenant, list->tenant, sizeof(list->tenant));
    mcpz_bytes_to_text(run->capability, list->capability, sizeof(list->capability));
    mcpz_bytes_to_text(run->key, list->key, sizeof(list->key));
    if (run->done) {
        (void)json_array_append_new(list->rows,
                                    json_pack("{s:o, s:o, s:o, s:o}", "type",
                                              mcpz_exchange_show_text(run->capability), "tenant",
                                              mcpz_exchange_show_text(run->tenant),
                                              "idempotency_key", mcpz_exchange_show_text(run->key),
                                              "ended", mcpz_exchange_show_time(run->ended_ms)));
    }
}

static void work_runs(struct mcpz_exchange *exchange)
{
    struct run_list *list = exchange->state;
    const struct mcpz_store *store = mcpz_engine_store(mcpz_exchange_engine(exchange));

    for (size_t i = 0; i < SLICE; i++) {
        struct mcpz_record record = {
            .kind = MCPZ_RECORD_RUN,
            .run = {.tenant = mcpz_text(list->tenant),
                    .capability = mcpz_text(list->capability),
                    .key = mcpz_text(list->key)},
        };
        if (store->next(store->context, MCPZ_SCAN_KIND, false, &record) != MCPZ_OK ||
            json_array_size(list->rows) == RUNS_MAX) {
            json_t *rows = list->rows;
            list->rows = NULL;
            mcpz_exchange_answer(exchange, 200, rows);
            return;
        }
        append_run(list, &record.run);
    }
    mcpz_exchange_again(exchange);
}

static void finish_runs(struct mcpz_exchange *exchange)
{
    struct run_list *list = exchange->state;

    json_decref(list->rows);
    free(list);
}

static const struct mcpz_exchange_kind runs_kind = {.work = work_runs, .finish = finish_runs};

void mcpz_api_get_runs(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    struct run_list *list = calloc(1, sizeof(*list));

    (void)request;
    if (list == NULL) {
        mcpz_exchange_fail_error(exchange, MCPZ_ENOMEM, "listing the runs");
        return;
    }
    list->rows = json_array();
    mcpz_exchange_wait(exchange, &runs_kind, list);
    exchange->deadline_us = MCPZ_TIME_NEVER; /* it goes on by itself, to an end */
    work_runs(exchange);
}

/* ---- Queues ------------------------------------------------------------------------------- */

/* In the mesh's book: every node looks there. Here it holds at once. */
static void set_paused(struct mcpz_exchange *exchange, const char *name, bool paused)
{
    struct mcpz_engine *engine = mcpz_exchange_engine(exchange);
    struct mcpz_event here = {
        .kind = paused ? MCPZ_EVENT_QUEUE_PAUSE : MCPZ_EVENT_QUEUE_RESUME,
        .durable = {.request = mcpz_engine_next_request(engine), .capability = mcpz_text(name)},
    };
    struct mcpz_event write = {.kind = MCPZ_EVENT_AGENT_WRITE,
                               .agent = {.op = paused ? MCPZ_AGENT_SET : MCPZ_AGENT_UNSET}};
    struct mcpz_path path;
    struct mcpz_value value;
    json_t *word = json_string(MCPZ_QUEUE_PAUSED);
    mcpz_error error = mcpz_value_from_json(word, &value);

    json_decref(word);
    if (error != MCPZ_OK || !mcpz_system_document_path(name, &path)) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "a queue's name may not begin with \"$\"");
        return;
    }
    mcpz_system_document_make(engine, MCPZ_QUEUE_BOOK);
    mcpz_system_document_id(MCPZ_QUEUE_BOOK, &write.agent.document);
    write.agent.path = mcpz_bytes(path.bytes, path.length);
    write.agent.value = mcpz_bytes(value.bytes, value.length);
    write.agent.request = mcpz_exchange_await_reply(
        exchange, 200,
        json_pack("{s:o, s:b}", "type", mcpz_exchange_show_text(mcpz_text(name)), "paused",
                  paused ? 1 : 0));
    if (write.agent.request != 0) {
        mcpz_engine_event(engine, &write);
        mcpz_engine_event(engine, &here);
        mcpz_queue_book_changed(&exchange->api->queues);
        mcpz_api_stir(exchange->api);
    }
}

void mcpz_api_post_queue(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    static const char *const allowed[] = {"paused", NULL};
    struct mcpz_bytes name = mcpz_exchange_path_rest(request->path, QUEUES_PREFIX);
    char text[MCPZ_CAPABILITY_BYTES_MAX + 1];
    json_t *object = mcpz_exchange_object(exchange, allowed);

    if (object == NULL) {
        return;
    }
    const json_t *paused = json_object_get(object, "paused");
    if (!json_is_boolean(paused) || name.length > MCPZ_CAPABILITY_BYTES_MAX ||
        memchr(name.data, 0, name.length) != NULL || !mcpz_bytes_is_utf8(name)) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "\"paused\" must be true or false, of a capability's name");
    } else {
        mcpz_bytes_to_text(name, text, sizeof(text));
        set_paused(exchange, text, json_is_true(paused));
    }
    json_decref(object);
}
