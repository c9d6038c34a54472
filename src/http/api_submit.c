/*
 * POST /v1/tasks/submit: durable tasks, one JSON object a line; one line is answered for each, in
 * order: {"id", "copies"} when it is taken, or {"error"}.
 *
 * Many lines are handed in at a time, so that one batch takes many to the disk, here and at their
 * backups.
 */

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "http/durable.h"
#include "http/exchange.h"
#include "http/jsontext.h"
#include "http/task_header.h"

#define LINE_BYTES_MAX (4 * MCPZ_TASK_BYTES_MAX) /* escaped, and all that is said beside */
#define LINES_MAX 200000
#define UNDER_WAY_MAX 8192 /* lines handed in and not answered */
#define UNDER_WAY_BYTES_MAX (MCPZ_ACCEPTING_BYTES_MAX / 2)
#define SLICE 512 /* lines handed in in one turn */

static_assert(UNDER_WAY_MAX <= MCPZ_ACCEPTING_MAX / 2, "two may submit at once");

/* What became of a line. */
struct line {
    uint64_t request; /* rising; 0: it was refused before it was handed in */
    bool answered;
    uint32_t code;
    uint32_t copies;
    uint32_t bytes; /* it brings, while it is under way */
    struct mcpz_task_id id;
    char *failure; /* as a line of JSON; NULL: there is none */
};

/* What a line says. Slices point into `header`, `json` and `decoded`. */
struct order {
    size_t line;
    json_t *json;
    struct mcpz_task_header header;
    struct mcpz_bytes input;
    uint8_t *decoded;
    json_int_t attempts;
    json_int_t backoff_ms;
    json_int_t ttl_ms;
    json_int_t copies;
    bool retry_failed;
};

struct submission {
    struct mcpz_api quiet; /* where lines that cannot be read are answered: it tells nobody */
    struct line *lines;
    size_t count;
    size_t capacity;
    size_t answered;
    size_t bytes;         /* of those handed in and not answered */
    struct order *orders; /* read, to be handed in together: MCPZ_TASK_ORDERS_MAX */
    size_t order_count;
    size_t order_bytes;
    uint64_t at; /* in the body: up to here it was read into `buffer` */
    size_t used; /* of the buffer, in lines that were taken */
    size_t have;
    uint8_t buffer[LINE_BYTES_MAX + 1];
};

/* ---- Reading a line ----------------------------------------------------------------------- */

static bool read_input(struct mcpz_exchange *answer, const json_t *object, struct order *order)
{
    const json_t *text = json_object_get(object, "input");
    const json_t *base64 = json_object_get(object, "input_base64");
    struct mcpz_bytes encoded = mcpz_exchange_text_of(base64);
    size_t length = 0;

    if ((text != NULL && !json_is_string(text)) || (base64 != NULL && !json_is_string(base64)) ||
        (text != NULL && base64 != NULL)) {
        mcpz_exchange_fail(answer, MCPZ_CODE_BAD_REQUEST,
                           "\"input\" must be a text, or \"input_base64\" one, not both");
        return false;
    }
    order->input = mcpz_exchange_text_of(text);
    if (base64 == NULL) {
        return true;
    }
    if (MCPZ_BASE64_DECODED_MAX(encoded.length) <= MCPZ_TASK_BYTES_MAX) {
        order->decoded = malloc(MCPZ_TASK_BYTES_MAX);
    }
    if (order->decoded == NULL ||
        mcpz_base64_decode(encoded, order->decoded, MCPZ_TASK_BYTES_MAX, &length) != MCPZ_OK) {
        mcpz_exchange_fail(answer, MCPZ_CODE_BAD_REQUEST,
                           "\"input_base64\" must be base64, of at most %d bytes",
                           MCPZ_TASK_BYTES_MAX);
        return false;
    }
    order->input = mcpz_bytes(order->decoded, length);
    return true;
}

/* False: `answer` says what is wrong. */
static bool read_order(struct mcpz_exchange *answer, const json_t *object, struct order *order)
{
    /* Absent: what the configuration says, which the core knows. */
    static const struct mcpz_integer_rule attempts_rule = {"attempts", 1, MCPZ_TASK_ATTEMPTS_MAX,
                                                           0};
    static const struct mcpz_integer_rule backoff_rule = {"backoff_ms", 1,
                                                          MCPZ_TASK_BACKOFF_MS_MAX, 0};
    static const struct mcpz_integer_rule ttl_rule = {"ttl_ms", 0, MCPZ_TASK_TTL_DEFAULT - 1,
                                                      MCPZ_TASK_TTL_DEFAULT};
    static const struct mcpz_integer_rule copies_rule = {"copies", 1, 2, 1};
    const json_t *retry_failed = json_object_get(object, "retry_failed");

    if (!mcpz_task_header_read(answer, object, &order->header) ||
        !mcpz_exchange_integer(answer, object, &attempts_rule, &order->attempts) ||
        !mcpz_exchange_integer(answer, object, &backoff_rule, &order->backoff_ms) ||
        !mcpz_exchange_integer(answer, object, &ttl_rule, &order->ttl_ms) ||
        !mcpz_exchange_integer(answer, object, &copies_rule, &order->copies) ||
        !read_input(answer, object, order)) {
        return false;
    }
    if (retry_failed != NULL && !json_is_boolean(retry_failed)) {
        mcpz_exchange_fail(answer, MCPZ_CODE_BAD_REQUEST,
                           "\"retry_failed\" must be true or false");
        return false;
    }
    order->retry_failed = json_is_true(retry_failed);
    return true;
}

/* ---- Handing in --------------------------------------------------------------------------- */

static struct mcpz_task_order order_of(const struct order *order)
{
    const struct mcpz_event_task start = mcpz_task_header_start(&order->header);

    return (struct mcpz_task_order){
        .body = {.capability = start.capability,
                 .params = start.params,
                 .input = order->input,
                 .tenant = start.tenant,
                 .key = start.idempotency_key,
                 .traceparent = start.traceparent,
                 .priority = start.priority,
                 .attempts_max = (uint32_t)order->attempts,
                 .backoff_ms = (uint32_t)order->backoff_ms,
                 .timeout_ms = start.timeout_ms,
                 .retry_failed = order->retry_failed},
        .ttl_ms = (uint32_t)order->ttl_ms,
        .copies_min = (uint32_t)order->copies,
    };
}

static void finish_order(struct order *order)
{
    mcpz_task_header_finish(&order->header);
    json_decref(order->json);
    free(order->decoded);
    *order = (struct order){.json = NULL};
}

/* Hand in what was read, all at once. Some may be answered before this returns. */
static void hand_in(struct mcpz_exchange *exchange)
{
    struct submission *submission = exchange->state;
    struct mcpz_engine *engine = mcpz_exchange_engine(exchange);
    struct mcpz_task_order orders[MCPZ_TASK_ORDERS_MAX];
    const size_t count = submission->order_count;
    uint64_t first = mcpz_engine_next_requests(engine, count);
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_DURABLE_SUBMIT,
        .durable = {.request = first, .orders = orders, .order_count = count},
    };

    for (size_t i = 0; i < count; i++) {
        struct line *line = &submission->lines[submission->orders[i].line];
        orders[i] = order_of(&submission->orders[i]);
        line->request = first + i;
        line->bytes = (uint32_t)mcpz_task_order_bytes(&orders[i].body);
        submission->bytes += line->bytes;
    }
    if (count > 0) {
        mcpz_engine_event(engine, &event);
    }
    for (size_t i = 0; i < count; i++) {
        finish_order(&submission->orders[i]);
    }
    submission->order_count = 0;
    submission->order_bytes = 0;
}

/* Keep an order, which is taken, until a message's worth is there. */
static void gather(struct mcpz_exchange *exchange, const struct order *order)
{
    struct submission *submission = exchange->state;
    const struct mcpz_task_order whole = order_of(order);
    const size_t size = mcpz_task_order_bytes(&whole.body);

    if (submission->order_count == MCPZ_TASK_ORDERS_MAX ||
        submission->order_bytes + size > MCPZ_TASK_ORDERS_BYTES_MAX) {
        hand_in(exchange);
    }
    submission->orders[submission->order_count++] = *order;
    submission->order_bytes += size;
}

/* The answer that was made for a line alone, as one. */
static char *take_failure(struct mcpz_exchange *answer)
{
    struct mcpz_bytes said = mcpz_body_in_memory(&answer->response.body);
    char *text = calloc(1, said.length + 2);

    if (text != NULL && said.length > 0) {
        memcpy(text, said.data, said.length);
        if (text[said.length - 1] != '\n') {
            text[said.length] = '\n';
        }
    }
    mcpz_body_finish(&answer->response.body);
    return text;
}

static void read_one(struct mcpz_exchange *exchange, struct mcpz_bytes text, size_t number)
{
    static const char *const allowed[] = {
        MCPZ_TASK_HEADER_MEMBERS,
        "input",
        "input_base64",
        "attempts",
        "backoff_ms",
        "ttl_ms",
        "copies",
        "retry_failed",
        NULL,
    };
    struct submission *submission = exchange->state;
    struct mcpz_exchange answer = {.api = &submission->quiet, .open = true};
    struct order order = {.line = number};

    memcpy(answer.tenant, exchange->tenant, sizeof(answer.tenant));
    mcpz_body_init(&answer.response.body, exchange->api->directory);
    order.json = mcpz_exchange_parse(&answer, text, allowed);
    if (order.json != NULL && read_order(&answer, order.json, &order)) {
        mcpz_body_finish(&answer.response.body);
        gather(exchange, &order);
        return;
    }
    struct line *line = &submission->lines[number];
    line->failure = take_failure(&answer);
    line->code = MCPZ_CODE_BAD_REQUEST;
    line->answered = true;
    submission->answered++;
    finish_order(&order);
}

static bool add_line(struct submission *submission)
{
    if (submission->count == submission->capacity) {
        size_t capacity = submission->capacity > 0 ? 2 * submission->capacity : 64;
        struct line *lines = realloc(submission->lines, capacity * sizeof(*lines));
        if (lines == NULL) {
            return false;
        }
        submission->lines = lines;
        submission->capacity = capacity;
    }
    submission->lines[submission->count++] = (struct line){.request = 0};
    return true;
}

/* Read on, behind what the buffer has left. A read may give less than there is. False: answered.
 */
static bool fill_buffer(struct mcpz_exchange *exchange)
{
    struct submission *submission = exchange->state;
    size_t left = submission->have - submission->used;
    size_t length = 0;

    memmove(submission->buffer, submission->buffer + submission->used, left);
    submission->used = 0;
    submission->have = left;
    if (mcpz_body_read(&exchange->input, submission->at, submission->buffer + left,
                       sizeof(submission->buffer) - left, &length) != MCPZ_OK) {
        mcpz_exchange_fail_error(exchange, MCPZ_EIO, "reading the request back");
        return false;
    }
    submission->have += length;
    submission->at += length;
    return true;
}

static bool has_all_been_read(const struct mcpz_exchange *exchange)
{
    const struct submission *submission = exchange->state;

    return submission->at == exchange->input.length && submission->used == submission->have;
}

/* The next line, without its end. False: there is none, or the exchange was answered. */
static bool next_line(struct mcpz_exchange *exchange, struct mcpz_bytes *text)
{
    struct submission *submission = exchange->state;

    for (;;) {
        uint8_t *start = submission->buffer + submission->used;
        size_t left = submission->have - submission->used;
        const uint8_t *end = left > 0 ? memchr(start, '\n', left) : NULL;
        bool is_last = end == NULL && submission->at == exchange->input.length;
        if (end != NULL || is_last) {
            *text = mcpz_bytes(start, end != NULL ? (size_t)(end - start) : left);
            submission->used += text->length + (end != NULL);
            return text->length > 0 || end != NULL;
        }
        if (left > LINE_BYTES_MAX) {
            mcpz_exchange_fail(exchange, MCPZ_CODE_TOO_LARGE,
                               "line %zu has more than %d bytes; those before it were handed in",
                               submission->count + 1, LINE_BYTES_MAX);
            return false;
        }
        if (!fill_buffer(exchange)) {
            return false;
        }
    }
}

/* ---- The exchange ------------------------------------------------------------------------- */

static void append_line(struct mcpz_body *body, const struct line *line)
{
    char id[MCPZ_TASK_ID_TEXT_BYTES];
    char text[128];

    if (line->failure != NULL) {
        mcpz_body_text(body, line->failure);
        return;
    }
    mcpz_task_id_to_text(&line->id, id);
    (void)snprintf(text, sizeof(text), "{\"id\":\"%s\",\"copies\":%u}\n", id,
                   (unsigned)line->copies);
    mcpz_body_text(body, text);
}

static void answer_all(struct mcpz_exchange *exchange)
{
    const struct submission *submission = exchange->state;

    for (size_t i = 0; i < submission->count; i++) {
        append_line(&exchange->response.body, &submission->lines[i]);
    }
    if (!has_all_been_read(exchange)) {
        mcpz_body_text(&exchange->response.body,
                       "{\"error\":{\"code\":\"limit\",\"message\":\"there are more lines than "
                       "can be handed in at once: those from here on were not\"}}\n");
    }
    mcpz_exchange_send(exchange, 200, "application/x-ndjson");
}

static struct line *search_line(struct submission *submission, uint64_t request)
{
    size_t low = 0;
    size_t high = submission->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        size_t at = middle;
        while (at < high && submission->lines[at].request == 0) {
            at++; /* one that was refused has no number */
        }
        if (at < high && submission->lines[at].request == request) {
            return &submission->lines[at];
        }
        if (at < high && submission->lines[at].request < request) {
            low = at + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

static char *make_failure(const struct mcpz_action_reply *reply)
{
    json_t *json = json_pack("{s:{s:s, s:o}}", "error", "code", mcpz_code_word(reply->code),
                             "message", mcpz_exchange_show_text(reply->text));
    char *text = json_dumps(json, JSON_COMPACT);
    size_t length = text != NULL ? strlen(text) : 0;
    char *line = text != NULL ? realloc(text, length + 2) : NULL;

    json_decref(json);
    if (line == NULL) {
        free(text);
        return NULL;
    }
    memcpy(line + length, "\n", 2);
    return line;
}

static bool note_reply(struct submission *submission, const struct mcpz_action_reply *reply)
{
    struct line *line = search_line(submission, reply->request);

    if (line == NULL || line->answered) {
        return false;
    }
    line->answered = true;
    line->code = reply->code;
    line->id = reply->task;
    line->copies = reply->copies;
    if (line->code != MCPZ_CODE_OK) {
        line->failure = make_failure(reply);
    }
    submission->answered++;
    submission->bytes -= line->bytes;
    return true;
}

static bool note(struct mcpz_exchange *exchange, const struct mcpz_action *action)
{
    struct submission *submission = exchange->state;
    bool noted = false;

    if (action->kind == MCPZ_ACTION_REPLY) {
        return note_reply(submission, &action->reply);
    }
    for (size_t i = 0; action->kind == MCPZ_ACTION_TAKEN && i < action->taken.count; i++) {
        const struct mcpz_task_taken *row = &action->taken.rows[i];
        noted |= note_reply(submission, &(struct mcpz_action_reply){.request = row->number,
                                                                    .task = row->id,
                                                                    .copies = row->copies});
    }
    return noted;
}

static bool may_read_on(const struct submission *submission, size_t read)
{
    return read < SLICE && submission->count < LINES_MAX &&
           submission->count - submission->answered < UNDER_WAY_MAX &&
           submission->bytes + submission->order_bytes < UNDER_WAY_BYTES_MAX;
}

static void work(struct mcpz_exchange *exchange)
{
    struct submission *submission = exchange->state;
    struct mcpz_bytes text;
    size_t read = 0;

    while (!exchange->answered && may_read_on(submission, read) && next_line(exchange, &text)) {
        read++;
        if (text.length > 0 && !add_line(submission)) {
            mcpz_exchange_fail_error(exchange, MCPZ_ENOMEM, "handing in tasks");
        } else if (text.length > 0) {
            read_one(exchange, text, submission->count - 1);
        }
    }
    hand_in(exchange);
    if (exchange->answered) {
        return;
    }
    bool all_read = has_all_been_read(exchange) || submission->count == LINES_MAX;
    if (all_read && submission->answered == submission->count) {
        answer_all(exchange);
    } else if (read == SLICE) {
        mcpz_exchange_again(exchange);
    }
}

static void expire(struct mcpz_exchange *exchange)
{
    struct submission *submission = exchange->state;

    for (size_t i = 0; i < submission->count; i++) {
        struct line *line = &submission->lines[i];
        if (!line->answered) {
            line->answered = true;
            line->code = MCPZ_CODE_TIMEOUT;
            line->failure = make_failure(&(struct mcpz_action_reply){
                .code = MCPZ_CODE_TIMEOUT,
                .text = mcpz_text("the disks have not said that they have it: it may be taken"),
            });
        }
    }
    answer_all(exchange);
}

static void finish(struct mcpz_exchange *exchange)
{
    struct submission *submission = exchange->state;

    for (size_t i = 0; i < submission->count; i++) {
        free(submission->lines[i].failure);
    }
    for (size_t i = 0; i < submission->order_count; i++) {
        finish_order(&submission->orders[i]);
    }
    free(submission->orders);
    free(submission->lines);
    free(submission);
}

static const struct mcpz_exchange_kind submit_kind = {
    .note = note,
    .work = work,
    .expire = expire,
    .finish = finish,
};

static void tell_nobody(void *context, void *owner)
{
    (void)context;
    (void)owner;
}

void mcpz_api_submit_tasks(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    struct submission *submission = calloc(1, sizeof(*submission));

    (void)request;
    if (submission != NULL) {
        submission->orders = calloc(MCPZ_TASK_ORDERS_MAX, sizeof(submission->orders[0]));
    }
    if (submission == NULL || submission->orders == NULL) {
        free(submission);
        mcpz_exchange_fail_error(exchange, MCPZ_ENOMEM, "handing in tasks");
        return;
    }
    submission->quiet.ports = exchange->api->ports;
    submission->quiet.ports.answered = tell_nobody;
    submission->quiet.directory = exchange->api->directory;
    mcpz_exchange_wait(exchange, &submit_kind, submission);
    work(exchange);
}
