/*
 * POST /v1/tasks: a header line of JSON, then the raw input.
 *
 * The input stays in the request's body and goes out as the provider takes it; a retry reads it
 * again from its start. The result is gathered here, within MCPZ_RESULT_BYTES_MAX for one task and
 * MCPZ_RESULTS_BYTES_MAX for all.
 */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "http/exchange.h"
#include "http/jsontext.h"
#include "http/task_header.h"

#define HEADER_BYTES_MAX 65536
#define GRACE_US MCPZ_SECONDS(10) /* the core keeps the time; this is for when it does not */
#define RESULT_BYTES_FIRST 4096   /* first allocation; doubles */

struct task {
    struct mcpz_task_header header;
    mcpz_time started_us;

    uint64_t input_start; /* where the input begins in the body */
    uint64_t input_at;    /* so far has been sent */
    uint64_t credit;      /* bytes the provider will still take */

    uint8_t *output;
    size_t output_length;
    size_t output_capacity;
    uint32_t taken; /* bytes of output not given credit for yet */

    uint32_t attempts;
    uint32_t code;           /* how it ended, or why we end it */
    uint32_t retry_after_ms; /* of a failure; 0: unknown */
    struct mcpz_id provider;

    bool has_input;
    bool input_ended; /* all of it was sent, and that was said */
    bool retry;       /* say everything again */
    bool started;
    bool ended; /* the core knows no such task any more */
    char text[MCPZ_MESSAGE_BYTES_MAX + 1];
};

/* ---- The answer --------------------------------------------------------------------------- */

static void drop_output(struct mcpz_exchange *exchange)
{
    struct task *task = exchange->state;

    assert(exchange->api->results_bytes >= task->output_capacity);
    exchange->api->results_bytes -= task->output_capacity;
    free(task->output);
    task->output = NULL;
    task->output_length = 0;
    task->output_capacity = 0;
}

static void append_failure(struct mcpz_body *body, struct task *task)
{
    mcpz_jsontext_clean(task->text);
    mcpz_body_append_json(body,
                          json_pack("{s:s, s:s, s:o}", "code", mcpz_code_word(task->code),
                                    "message", task->text, "retry_after_ms",
                                    task->retry_after_ms > 0
                                        ? json_integer((json_int_t)task->retry_after_ms)
                                        : json_null()),
                          true);
}

static void answer(struct mcpz_exchange *exchange)
{
    struct task *task = exchange->state;
    struct mcpz_body *body = &exchange->response.body;
    const struct mcpz_api_ports *ports = &exchange->api->ports;
    uint64_t elapsed_ms = (ports->now(ports->context) - task->started_us) / MCPZ_MS(1);
    bool done = task->code == MCPZ_CODE_OK;
    const char *encoding = NULL;
    json_t *provider = mcpz_id_is_zero(&task->provider)
                           ? json_null()
                           : mcpz_exchange_show_id(&task->provider, 'n');

    mcpz_body_text(body, done ? "{\"state\":\"done\",\"provider\":"
                              : "{\"state\":\"failed\",\"provider\":");
    mcpz_body_append_json(body, provider, true);
    mcpz_body_text(body, ",\"result\":");
    if (done) {
        encoding =
            mcpz_jsontext_append_result(body, mcpz_bytes(task->output, task->output_length));
    } else {
        mcpz_body_text(body, "null");
    }
    drop_output(exchange);
    mcpz_body_text(body, ",\"result_encoding\":");
    mcpz_body_append_json(body, encoding != NULL ? json_string(encoding) : json_null(), true);
    mcpz_body_text(body, ",\"error\":");
    if (done) {
        mcpz_body_text(body, "null");
    } else {
        append_failure(body, task);
    }
    mcpz_body_text(body, ",\"elapsed_ms\":");
    mcpz_body_append_json(body, json_integer((json_int_t)elapsed_ms), true);
    mcpz_body_text(body, ",\"attempts\":");
    mcpz_body_append_json(body, json_integer(task->attempts), true);
    mcpz_body_text(body, "}\n");
    exchange->response.retry_after_ms = done ? 0 : task->retry_after_ms;
    mcpz_exchange_send(exchange, 200, "application/json");
}

/* ---- What the core says ------------------------------------------------------------------- */

static void set_failure(struct task *task, uint32_t code, struct mcpz_bytes text)
{
    if (task->code == MCPZ_CODE_OK) {
        task->code = code;
        mcpz_bytes_to_text(text, task->text, sizeof(task->text));
    }
}

static bool make_room(struct mcpz_api *api, struct task *task, size_t needed)
{
    size_t capacity = task->output_capacity > 0 ? task->output_capacity : RESULT_BYTES_FIRST;

    while (capacity < needed) {
        capacity *= 2;
    }
    capacity = capacity < MCPZ_RESULT_BYTES_MAX ? capacity : MCPZ_RESULT_BYTES_MAX;
    size_t more = capacity - task->output_capacity;
    if (more == 0) {
        return true;
    }
    if (more > MCPZ_RESULTS_BYTES_MAX - api->results_bytes) {
        set_failure(task, MCPZ_CODE_LIMIT,
                    mcpz_text("the results of tasks under way take all memory set aside for "
                              "them: try again when some have ended"));
        return false;
    }
    uint8_t *output = realloc(task->output, capacity);
    if (output == NULL) {
        set_failure(task, MCPZ_CODE_INTERNAL, mcpz_text("out of memory for the result"));
        return false;
    }
    task->output = output;
    task->output_capacity = capacity;
    api->results_bytes += more;
    return true;
}

static void note_output(struct mcpz_api *api, struct task *task, struct mcpz_bytes chunk)
{
    if (task->code != MCPZ_CODE_OK || chunk.length == 0) {
        return;
    }
    if (chunk.length > MCPZ_RESULT_BYTES_MAX - task->output_length) {
        set_failure(task, MCPZ_CODE_TOO_LARGE, mcpz_text("the result is larger than 10 MiB"));
        return;
    }
    if (make_room(api, task, task->output_length + chunk.length)) {
        memcpy(task->output + task->output_length, chunk.data, chunk.length);
        task->output_length += chunk.length;
        task->taken += (uint32_t)chunk.length;
    }
}

static void note_done(struct task *task, const struct mcpz_action_task *done)
{
    task->ended = true;
    task->provider = done->provider;
    task->attempts = done->attempts;
    if (done->code != MCPZ_CODE_OK) {
        set_failure(task, done->code, done->text);
        task->retry_after_ms = done->retry_after_ms;
    }
}

static bool note(struct mcpz_exchange *exchange, const struct mcpz_action *action)
{
    struct task *task = exchange->state;

    switch (action->kind) {
    case MCPZ_ACTION_TASK_PULL:
    case MCPZ_ACTION_TASK_RETRY:
    case MCPZ_ACTION_TASK_OUTPUT:
    case MCPZ_ACTION_TASK_DONE:
        break;
    default:
        return false;
    }
    if (action->task.request != exchange->request || task->ended) {
        return false;
    }
    if (action->kind == MCPZ_ACTION_TASK_PULL) {
        task->credit += action->task.credit;
    } else if (action->kind == MCPZ_ACTION_TASK_OUTPUT) {
        note_output(exchange->api, task, action->task.chunk);
    } else if (action->kind == MCPZ_ACTION_TASK_DONE) {
        note_output(exchange->api, task, action->task.chunk);
        note_done(task, &action->task);
    } else {
        task->retry = true;
        task->credit = 0;
        task->taken = 0;
        task->output_length = 0;
    }
    return true;
}

/* ---- What we say to the core -------------------------------------------------------------- */

static void tell(struct mcpz_exchange *exchange, enum mcpz_event_kind kind,
                 struct mcpz_event_task *say)
{
    say->request = exchange->request;
    struct mcpz_event event = {.kind = kind, .task = *say};
    mcpz_engine_event(mcpz_exchange_engine(exchange), &event);
}

static void cancel(struct mcpz_exchange *exchange)
{
    struct task *task = exchange->state;

    if (task->started && !task->ended) {
        task->ended = true;
        tell(exchange, MCPZ_EVENT_TASK_CANCEL, &(struct mcpz_event_task){0});
    }
}

static void start(struct mcpz_exchange *exchange)
{
    struct task *task = exchange->state;
    struct mcpz_event_task say = mcpz_task_header_start(&task->header);

    say.has_input = task->has_input;
    task->started = true;
    task->retry = false;
    task->credit = 0;
    task->input_at = task->input_start;
    task->input_ended = !task->has_input;
    tell(exchange, MCPZ_EVENT_TASK_START, &say);
}

/* May more input go out? What the core says meanwhile can change that. */
static bool may_send(const struct task *task)
{
    return !task->ended && !task->retry && !task->input_ended && task->code == MCPZ_CODE_OK;
}

static void send_chunk(struct mcpz_exchange *exchange, size_t wanted)
{
    struct task *task = exchange->state;
    uint8_t chunk[MCPZ_CHUNK_BYTES_MAX];
    size_t length = 0;

    assert(wanted <= sizeof(chunk));
    if (mcpz_body_read(&exchange->input, task->input_at, chunk, wanted, &length) != MCPZ_OK) {
        set_failure(task, MCPZ_CODE_INTERNAL, mcpz_text("the input could not be read back"));
        return;
    }
    task->input_at += length;
    task->credit -= length;
    tell(exchange, MCPZ_EVENT_TASK_INPUT,
         &(struct mcpz_event_task){.chunk = mcpz_bytes(chunk, length)});
}

static void send_input(struct mcpz_exchange *exchange)
{
    struct task *task = exchange->state;

    while (may_send(task)) {
        uint64_t left = exchange->input.length - task->input_at;
        uint64_t wanted = left < task->credit ? left : task->credit;
        if (left == 0) {
            task->input_ended = true;
            tell(exchange, MCPZ_EVENT_TASK_INPUT_END, &(struct mcpz_event_task){0});
        } else if (wanted > 0) {
            send_chunk(exchange,
                       wanted < MCPZ_CHUNK_BYTES_MAX ? (size_t)wanted : MCPZ_CHUNK_BYTES_MAX);
        } else {
            return;
        }
    }
}

static void work(struct mcpz_exchange *exchange)
{
    struct task *task = exchange->state;

    if (!task->ended && task->code == MCPZ_CODE_OK) {
        if (task->retry) {
            start(exchange);
        }
        if (task->taken > 0) {
            uint32_t credit = task->taken;
            task->taken = 0;
            tell(exchange, MCPZ_EVENT_TASK_CREDIT, &(struct mcpz_event_task){.credit = credit});
        }
        send_input(exchange);
    }
    if (task->code != MCPZ_CODE_OK) {
        cancel(exchange);
    }
    if (task->ended) {
        answer(exchange);
    }
}

static void expire(struct mcpz_exchange *exchange)
{
    set_failure(exchange->state, MCPZ_CODE_TIMEOUT, mcpz_text("the task did not end in time"));
    cancel(exchange);
    answer(exchange);
}

static void finish(struct mcpz_exchange *exchange)
{
    struct task *task = exchange->state;

    cancel(exchange);
    drop_output(exchange);
    mcpz_task_header_finish(&task->header);
    free(task);
}

static const struct mcpz_exchange_kind task_kind = {
    .note = note,
    .work = work,
    .expire = expire,
    .finish = finish,
};

/* ---- The request -------------------------------------------------------------------------- */

/* False: answered with what is wrong. */
static bool read_has_input(struct mcpz_exchange *exchange, struct task *task,
                           const json_t *has_input)
{
    bool follows = exchange->input.length > task->input_start;

    task->has_input = has_input != NULL ? json_is_true(has_input) : follows;
    if (has_input != NULL && !json_is_boolean(has_input)) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST, "\"has_input\" must be true or false");
        return false;
    }
    if (follows && !task->has_input) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "\"has_input\" is false, but something follows the first line");
        return false;
    }
    return true;
}

/* Find the first line of the body. `line` holds HEADER_BYTES_MAX + 1. False: answered. */
static bool read_line(struct mcpz_exchange *exchange, uint8_t *line, struct mcpz_bytes *header,
                      uint64_t *input_start)
{
    uint64_t whole = exchange->input.length;
    size_t wanted = whole < HEADER_BYTES_MAX + 1 ? (size_t)whole : HEADER_BYTES_MAX + 1;

    mcpz_error error = mcpz_body_read_all(&exchange->input, 0, line, wanted);
    if (error != MCPZ_OK) {
        mcpz_exchange_fail_error(exchange, error, "reading the request back");
        return false;
    }
    const uint8_t *end = wanted > 0 ? memchr(line, '\n', wanted) : NULL;
    if (end == NULL && wanted > HEADER_BYTES_MAX) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_TOO_LARGE,
                           "the first line, a JSON object that says what the task is, has more "
                           "than %d bytes",
                           HEADER_BYTES_MAX);
        return false;
    }
    *header = mcpz_bytes(line, end != NULL ? (size_t)(end - line) : wanted);
    *input_start = end != NULL ? header->length + 1 : wanted;
    return true;
}

static void begin(struct mcpz_exchange *exchange, struct task *task)
{
    mcpz_exchange_wait(exchange, &task_kind, task);
    task->started_us = mcpz_api_now(exchange->api);
    exchange->deadline_us = task->started_us + MCPZ_MS(task->header.timeout_ms) + GRACE_US;
    exchange->request = mcpz_engine_next_request(mcpz_exchange_engine(exchange));
    start(exchange);
    send_input(exchange);
}

void mcpz_api_post_task(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    static const char *const allowed[] = {MCPZ_TASK_HEADER_MEMBERS, "has_input", "isolation",
                                          NULL};
    uint8_t *line = malloc(HEADER_BYTES_MAX + 1);
    struct task *task = calloc(1, sizeof(*task));
    struct mcpz_bytes header;
    json_t *object = NULL;

    (void)request;
    if (line == NULL || task == NULL) {
        mcpz_exchange_fail_error(exchange, MCPZ_ENOMEM, "taking the task");
    } else if (read_line(exchange, line, &header, &task->input_start)) {
        object = mcpz_exchange_parse(exchange, header, allowed);
    }
    bool ready = object != NULL && mcpz_task_header_read(exchange, object, &task->header) &&
                 read_has_input(exchange, task, json_object_get(object, "has_input"));
    json_decref(object);
    free(line);
    if (ready) {
        begin(exchange, task);
    } else {
        if (task != NULL) {
            mcpz_task_header_finish(&task->header);
        }
        free(task);
    }
}
