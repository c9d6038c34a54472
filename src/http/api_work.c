/*
 * Work for programs without a library: tasks as a stream of lines, results by POST.
 *
 *   GET  /v1/work?capability=NAME[&capability=NAME...][&concurrency=N]
 *        {"task":"17","type":"text.words","params":{...},"input":null,"timeout_ms":29990, ...}
 *        {"task":"17","cancelled":true}          nobody waits for it any more
 *        an empty line                           nothing now, for a while
 *   POST /v1/work/17          the body is the result
 *   POST /v1/work/17/split    the body says into which subtasks: proto/plan.h. Where a line has
 *                             "levels" above 0
 *   POST /v1/work/17/fail     {"message": "..."}
 *
 * The stream is the lease: as long as it stands the capability is offered, and when it ends, what
 * was handed out over it fails as lost. A stream is a program at the desk (desk/desk.h), with at
 * most `concurrency` tasks in hand; further ones wait their turn here, within a bound.
 */

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "desk/desk.h"
#include "http/exchange.h"
#include "http/jsontext.h"
#include "proto/call_msg.h"

#define WORK_STREAMS_MAX 32 /* leaves room for answers and verbs */
#define WORK_NAMES_MAX 16
#define WORK_CONCURRENCY_MAX 64
#define WORK_ITEMS_MAX 128           /* of one stream: in hand and waiting */
#define WORK_INPUT_BYTES_MAX 1048576 /* of one task: it goes in a line */
#define WORK_BUSY_MS 1000            /* when there is no room: come back no sooner */
#define LINE_TYPE "application/x-ndjson"
#define TASK_DIGITS_MAX 10

enum item_state {
    ITEM_FREE,
    ITEM_GATHERING, /* its input is coming */
    ITEM_READY,     /* waits to be handed out */
    ITEM_HANDED,
    ITEM_CANCELLED, /* after it was handed out: that is still to be said */
};

/* A result on its way: POST /v1/work/TASK. */
struct answer {
    struct mcpz_exchange *exchange;
    struct mcpz_exchange *stream;
    struct item *item; /* NULL: nobody waits for it any more */
    uint64_t at;       /* bytes of the body that have gone */
    bool plan;         /* it is no result, but what the task is to be split into */
};

struct item {
    enum item_state state;
    uint64_t run;
    uint64_t order;        /* first come, first served */
    uint32_t owed;         /* bytes of input not given credit for yet */
    uint32_t room;         /* bytes of the result that may go */
    bool too_large;        /* its input is: it is to be failed */
    struct mcpz_body head; /* the line as far as the input */
    struct mcpz_body input;
    bool has_input;
    struct answer *answer; /* NULL: none is on its way */
};

struct work {
    struct mcpz_program *program;
    size_t concurrency;
    size_t in_hand;
    uint64_t next_order;
    struct item items[WORK_ITEMS_MAX];
    struct mcpz_body line; /* what is being pulled */
    uint64_t line_at;
    bool comment;                      /* an empty line is due */
    uint64_t refusals[WORK_ITEMS_MAX]; /* runs there was no room for: to be failed */
    size_t refusal_count;
};

static const struct mcpz_exchange_kind work_kind;

/* ---- Items -------------------------------------------------------------------------------- */

static struct item *find_item(struct work *work, uint64_t run)
{
    for (size_t i = 0; i < WORK_ITEMS_MAX; i++) {
        if (work->items[i].state != ITEM_FREE && work->items[i].run == run) {
            return &work->items[i];
        }
    }
    return NULL;
}

static void free_item(struct work *work, struct item *item)
{
    work->in_hand -= item->state == ITEM_HANDED || item->state == ITEM_CANCELLED;
    mcpz_body_finish(&item->head);
    mcpz_body_finish(&item->input);
    *item = (struct item){.state = ITEM_FREE};
}

static void append_field(struct mcpz_body *body, const char *key, struct mcpz_bytes text)
{
    mcpz_body_text(body, ",\"");
    mcpz_body_text(body, key);
    mcpz_body_text(body, "\":");
    if (text.length > 0) {
        mcpz_jsontext_append_string(body, text);
    } else {
        mcpz_body_text(body, "null");
    }
}

/* Everything but the input, which may be to come. */
static void write_head(struct mcpz_body *head, const struct mcpz_msg_open *open)
{
    char numbers[128];

    (void)snprintf(numbers, sizeof(numbers),
                   "{\"task\":\"%" PRIu64 "\",\"timeout_ms\":%" PRIu32 ",\"priority\":%" PRIu32
                   ",\"levels\":%" PRIu32,
                   open->call, open->timeout_ms, open->priority, open->levels);
    mcpz_body_text(head, numbers);
    append_field(head, "type", open->capability);
    append_field(head, "tenant", open->tenant);
    append_field(head, "traceparent", open->traceparent);
    append_field(head, "idempotency_key", open->idempotency_key);
    mcpz_body_text(head, ",\"params\":");
    if (open->params.length == 0) {
        mcpz_body_text(head, "null");
    } else if (mcpz_jsontext_is_value(open->params)) {
        mcpz_body_append(head, open->params);
    } else {
        mcpz_jsontext_append_base64(head, open->params);
    }
}

/* ---- What the desk says: perhaps within the engine's turn --------------------------------- */

static void take_open(struct mcpz_exchange *exchange, struct work *work,
                      const struct mcpz_msg_open *open)
{
    struct item *item = NULL;

    for (size_t i = 0; i < WORK_ITEMS_MAX && item == NULL; i++) {
        item = work->items[i].state == ITEM_FREE ? &work->items[i] : NULL;
    }
    if (item == NULL) {
        if (work->refusal_count < WORK_ITEMS_MAX) {
            work->refusals[work->refusal_count++] = open->call;
        }
        return;
    }
    *item = (struct item){
        .state = open->has_input ? ITEM_GATHERING : ITEM_READY,
        .run = open->call,
        .order = work->next_order++,
        .room = MCPZ_CALL_WINDOW_BYTES,
        .has_input = open->has_input,
    };
    mcpz_body_init(&item->head, exchange->api->directory);
    mcpz_body_init(&item->input, exchange->api->directory);
    write_head(&item->head, open);
}

static void take_input(struct item *item, struct mcpz_bytes chunk)
{
    item->owed += (uint32_t)chunk.length;
    item->too_large = item->too_large || item->input.length + chunk.length > WORK_INPUT_BYTES_MAX;
    if (!item->too_large) {
        mcpz_body_append(&item->input, chunk);
    }
}

/* The answer on its way finds out when it goes on. */
static void let_answer_go(struct item *item)
{
    if (item->answer != NULL) {
        item->answer->item = NULL;
        mcpz_exchange_again(item->answer->exchange);
        item->answer = NULL;
    }
}

static void take_cancel(struct work *work, struct item *item)
{
    let_answer_go(item);
    if (item->state == ITEM_HANDED) {
        item->state = ITEM_CANCELLED;
    } else {
        free_item(work, item);
    }
}

static void hear(void *context, const struct mcpz_msg *msg)
{
    struct mcpz_exchange *exchange = context;
    struct work *work = exchange->state;
    uint64_t run = 0; /* names none */
    (void)mcpz_msg_call(msg, &run);
    struct item *item = find_item(work, run);

    if (msg->kind == MCPZ_MSG_OPEN) {
        take_open(exchange, work, &msg->open);
    } else if (item == NULL) {
        return;
    } else if (msg->kind == MCPZ_MSG_DATA) {
        take_input(item, msg->data.chunk);
    } else if (msg->kind == MCPZ_MSG_END) {
        item->state = ITEM_READY;
    } else if (msg->kind == MCPZ_MSG_CANCEL) {
        take_cancel(work, item);
    } else if (msg->kind == MCPZ_MSG_CREDIT) {
        item->room += msg->credit.bytes;
        if (item->answer != NULL) {
            mcpz_exchange_again(item->answer->exchange);
        }
    }
    mcpz_exchange_again(exchange);
}

/* ---- What we say to the desk: outside of it ----------------------------------------------- */

static void tell(struct mcpz_exchange *exchange, const struct mcpz_msg *msg)
{
    struct work *work = exchange->state;
    mcpz_error error = mcpz_desk_take(exchange->api->ports.desk, work->program, msg);

    assert(error == MCPZ_OK); /* we keep to the windows, and say only what programs may */
    (void)error;
}

static void tell_failed(struct mcpz_exchange *exchange, const struct mcpz_msg_fail *fail)
{
    tell(exchange, &(struct mcpz_msg){.kind = MCPZ_MSG_FAIL, .fail = *fail});
}

static void give_credit(struct mcpz_exchange *exchange, struct item *item)
{
    uint32_t owed = item->owed;

    item->owed = 0;
    if (owed > 0) {
        tell(exchange, &(struct mcpz_msg){.kind = MCPZ_MSG_CREDIT,
                                          .credit = {.call = item->run, .bytes = owed}});
    }
}

static void go_on(struct mcpz_exchange *exchange)
{
    struct work *work = exchange->state;

    while (work->refusal_count > 0) {
        tell_failed(exchange, &(struct mcpz_msg_fail){
                                  .call = work->refusals[--work->refusal_count],
                                  .code = MCPZ_CODE_BUSY,
                                  .text = mcpz_text("too many tasks wait for this program"),
                                  .retry_after_ms = WORK_BUSY_MS,
                              });
    }
    for (size_t i = 0; i < WORK_ITEMS_MAX; i++) {
        struct item *item = &work->items[i];
        if (item->too_large && item->state != ITEM_FREE) {
            uint64_t run = item->run;
            free_item(work, item);
            tell_failed(exchange, &(struct mcpz_msg_fail){
                                      .call = run,
                                      .code = MCPZ_CODE_TOO_LARGE,
                                      .text = mcpz_text("this provider takes inputs up to 1 MiB"),
                                  });
        } else if (item->state == ITEM_GATHERING) {
            give_credit(exchange, item);
        }
    }
}

/* ---- Lines -------------------------------------------------------------------------------- */

static void append_input(struct mcpz_body *line, struct item *item)
{
    static uint8_t input[WORK_INPUT_BYTES_MAX]; /* one thread: never two at a time */
    struct mcpz_bytes whole = mcpz_body_in_memory(&item->input);

    if (!item->has_input) {
        mcpz_body_text(line, ",\"input\":null}\n");
        return;
    }
    if (whole.data == NULL && item->input.length > 0 &&
        mcpz_body_read_all(&item->input, 0, input, item->input.length) == MCPZ_OK) {
        whole = mcpz_bytes(input, item->input.length);
    }
    bool is_text = mcpz_bytes_is_utf8(whole) &&
                   (whole.data == NULL || memchr(whole.data, 0, whole.length) == NULL);
    mcpz_body_text(line, is_text ? ",\"input\":" : ",\"input_base64\":");
    if (is_text) {
        mcpz_jsontext_append_string(line, whole);
    } else {
        mcpz_jsontext_append_base64(line, whole);
    }
    mcpz_body_text(line, "}\n");
}

static struct item *next_item(struct work *work)
{
    struct item *next = NULL;

    for (size_t i = 0; i < WORK_ITEMS_MAX; i++) {
        struct item *item = &work->items[i];
        bool due =
            item->state == ITEM_CANCELLED ||
            (item->state == ITEM_READY && !item->too_large && work->in_hand < work->concurrency);
        if (due && (next == NULL || item->order < next->order)) {
            next = item;
        }
    }
    return next;
}

/* The next line into `work->line`. False: there is nothing to say. */
static bool make_line(struct mcpz_exchange *exchange, struct work *work)
{
    struct item *item = next_item(work);
    char text[64];

    if (item == NULL) {
        return false;
    }
    mcpz_body_finish(&work->line);
    mcpz_body_init(&work->line, exchange->api->directory);
    work->line_at = 0;
    if (item->state == ITEM_CANCELLED) {
        (void)snprintf(text, sizeof(text), "{\"task\":\"%" PRIu64 "\",\"cancelled\":true}\n",
                       item->run);
        mcpz_body_text(&work->line, text);
        free_item(work, item);
        return true;
    }
    item->state = ITEM_HANDED;
    work->in_hand++;
    work->line = item->head;
    mcpz_body_init(&item->head, exchange->api->directory);
    append_input(&work->line, item);
    mcpz_body_finish(&item->input);
    mcpz_body_init(&item->input, exchange->api->directory);
    return true;
}

static size_t pull(struct mcpz_exchange *exchange, uint8_t *out, size_t capacity)
{
    struct work *work = exchange->state;
    size_t used = 0;

    while (used < capacity) {
        size_t length = 0;
        if (work->line_at == work->line.length && !make_line(exchange, work)) {
            break;
        }
        if (mcpz_body_read(&work->line, work->line_at, out + used, capacity - used, &length) !=
                MCPZ_OK ||
            length == 0) {
            break;
        }
        work->line_at += length;
        used += length;
    }
    if (used == 0 && work->comment) {
        out[used++] = '\n';
    }
    if (used > 0) {
        work->comment = false;
        exchange->deadline_us = mcpz_api_now(exchange->api) + MCPZ_EVENTS_COMMENT_US;
    }
    return used;
}

/* ---- The stream --------------------------------------------------------------------------- */

static void work_stream(struct mcpz_exchange *exchange)
{
    go_on(exchange);
    exchange->api->ports.answered(exchange->api->ports.context, exchange->owner);
}

static void expire_stream(struct mcpz_exchange *exchange)
{
    struct work *work = exchange->state;

    work->comment = true;
    exchange->deadline_us = MCPZ_TIME_NEVER; /* until it is pulled */
    exchange->api->ports.answered(exchange->api->ports.context, exchange->owner);
}

static void finish_stream(struct mcpz_exchange *exchange)
{
    struct work *work = exchange->state;

    if (work->program != NULL) {
        mcpz_desk_leave(exchange->api->ports.desk, work->program);
    }
    for (size_t i = 0; i < WORK_ITEMS_MAX; i++) {
        struct item *item = &work->items[i];
        if (item->state != ITEM_FREE) {
            let_answer_go(item);
            free_item(work, item);
        }
    }
    mcpz_body_finish(&work->line);
    free(work);
    exchange->state = NULL;
}

static const struct mcpz_exchange_kind work_kind = {
    .work = work_stream,
    .expire = expire_stream,
    .finish = finish_stream,
    .pull = pull,
};

/* ---- GET /v1/work ------------------------------------------------------------------------- */

struct question {
    struct mcpz_bytes names[WORK_NAMES_MAX];
    size_t name_count;
    size_t concurrency;
};

static bool read_count(struct mcpz_bytes text, size_t most, size_t *count)
{
    size_t number = 0;

    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || number > most) {
            return false;
        }
        number = number * 10 + (size_t)(text.data[i] - '0');
    }
    *count = number;
    return text.length > 0 && number >= 1 && number <= most;
}

static const char *read_question(struct mcpz_bytes query, struct question *question)
{
    struct mcpz_bytes name;
    struct mcpz_bytes value;

    *question = (struct question){.concurrency = 1};
    while (mcpz_exchange_parameter(&query, &name, &value)) {
        if (mcpz_bytes_equal(name, mcpz_text("concurrency"))) {
            if (!read_count(value, WORK_CONCURRENCY_MAX, &question->concurrency)) {
                return "\"concurrency\" is a number from 1 to 64";
            }
        } else if (!mcpz_bytes_equal(name, mcpz_text("capability"))) {
            return "work can be asked for with \"capability\" and \"concurrency\" only";
        } else if (question->name_count == WORK_NAMES_MAX) {
            return "a stream is for 16 capabilities at most";
        } else if (value.length == 0 || value.length > MCPZ_CAPABILITY_BYTES_MAX ||
                   !mcpz_bytes_is_utf8(value)) {
            return "the name of a capability has 1 to 128 bytes of UTF-8";
        } else {
            question->names[question->name_count++] = value;
        }
    }
    return question->name_count > 0 ? NULL : "say what it is for: ?capability=NAME";
}

static mcpz_error enter(struct mcpz_exchange *exchange, struct work *work,
                        const struct question *question)
{
    struct mcpz_desk *desk = exchange->api->ports.desk;
    const struct mcpz_desk_visitor visitor = {.context = exchange, .send = hear};
    mcpz_error error = mcpz_desk_enter(desk, &visitor, &work->program);

    if (error != MCPZ_OK) {
        work->program = NULL;
        return error;
    }
    error = mcpz_desk_take(desk, work->program,
                           &(struct mcpz_msg){.kind = MCPZ_MSG_HELLO,
                                              .hello = {.version_min = MCPZ_PROTOCOL_MIN,
                                                        .version_max = MCPZ_PROTOCOL_MAX}});
    if (error != MCPZ_OK) {
        return error;
    }
    return mcpz_desk_take(
        desk, work->program,
        &(struct mcpz_msg){
            .kind = MCPZ_MSG_CAPABILITIES,
            .capabilities = {.names = question->names, .name_count = question->name_count}});
}

static size_t count_streams(const struct mcpz_api *api)
{
    size_t count = 0;

    for (size_t i = 0; i < MCPZ_EXCHANGES_MAX; i++) {
        count += api->exchanges[i].open && api->exchanges[i].kind == &work_kind;
    }
    return count;
}

void mcpz_api_get_work(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    struct question question;
    const char *trouble = read_question(request->query, &question);

    if (exchange->api->ports.desk == NULL) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_NOT_FOUND, "this node hands out no work");
        return;
    }
    if (trouble != NULL) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST, "%s", trouble);
        return;
    }
    if (count_streams(exchange->api) == WORK_STREAMS_MAX) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BUSY, "%d programs take work already",
                           WORK_STREAMS_MAX);
        return;
    }
    struct work *work = calloc(1, sizeof(*work));
    if (work == NULL) {
        mcpz_exchange_fail_error(exchange, MCPZ_ENOMEM, "taking work");
        return;
    }
    *work = (struct work){.concurrency = question.concurrency, .comment = true};
    mcpz_body_init(&work->line, exchange->api->directory);
    mcpz_exchange_wait(exchange, &work_kind, work);
    mcpz_error error = enter(exchange, work, &question);
    if (error != MCPZ_OK) {
        mcpz_exchange_fail(exchange,
                           error == MCPZ_ECONFLICT ? MCPZ_CODE_CONFLICT : MCPZ_CODE_LIMIT, "%s",
                           error == MCPZ_ECONFLICT
                               ? "this node offers one of them already, by a command"
                               : "this node offers as many capabilities, or has as many programs, "
                                 "as it may");
        return;
    }
    exchange->response.streams = true;
    mcpz_exchange_send(exchange, 200, LINE_TYPE);
}

/* ---- POST /v1/work/TASK ------------------------------------------------------------------- */

static void fail_gone(struct mcpz_exchange *exchange)
{
    mcpz_exchange_fail(exchange, MCPZ_CODE_NOT_FOUND,
                       "nobody waits for this task: it was cancelled, is answered, or its stream "
                       "has ended");
}

/* The stream over which a task was handed out, and its item. */
static struct item *find_handed(struct mcpz_api *api, uint64_t run, struct mcpz_exchange **stream)
{
    for (size_t i = 0; i < MCPZ_EXCHANGES_MAX; i++) {
        struct mcpz_exchange *exchange = &api->exchanges[i];
        if (exchange->open && exchange->kind == &work_kind && exchange->state != NULL) {
            struct item *item = find_item(exchange->state, run);
            if (item != NULL && item->state == ITEM_HANDED && item->answer == NULL) {
                *stream = exchange;
                return item;
            }
        }
    }
    return NULL;
}

static void finish_answer(struct mcpz_exchange *exchange)
{
    struct answer *answer = exchange->state;

    if (answer->item != NULL) {
        answer->item->answer = NULL; /* given up in the middle: the task's own time will end it */
    }
    free(answer);
    exchange->state = NULL;
}

/* The last of the result: with it the task is over. */
static void end_task(struct answer *answer, struct mcpz_bytes chunk)
{
    struct item *item = answer->item;
    uint64_t run = item->run;

    item->answer = NULL;
    answer->item = NULL;
    free_item(answer->stream->state, item);
    tell(answer->stream,
         &(struct mcpz_msg){.kind = MCPZ_MSG_END,
                            .end = {.call = run, .chunk = chunk, .plan = answer->plan}});
    mcpz_exchange_again(answer->stream);
    mcpz_exchange_answer(answer->exchange, 200,
                         json_pack("{s:s}", "state", answer->plan ? "split" : "done"));
}

/* Send as much of the result as there is room for; more goes with credit. */
static void work_answer(struct mcpz_exchange *exchange)
{
    static uint8_t chunk[MCPZ_CHUNK_BYTES_MAX]; /* one thread: never two at a time */
    struct answer *answer = exchange->state;

    while (answer->item != NULL) {
        uint64_t left = exchange->input.length - answer->at;
        size_t size = left < sizeof(chunk) ? (size_t)left : sizeof(chunk);
        if (size > answer->item->room) {
            return;
        }
        if (mcpz_body_read_all(&exchange->input, answer->at, chunk, size) != MCPZ_OK) {
            mcpz_exchange_fail(exchange, MCPZ_CODE_INTERNAL, "the result could not be read back");
            return;
        }
        answer->item->room -= (uint32_t)size;
        answer->at += size;
        if (left == size) {
            end_task(answer, mcpz_bytes(chunk, size));
            return;
        }
        tell(answer->stream, &(struct mcpz_msg){.kind = MCPZ_MSG_DATA,
                                                .data = {.call = answer->item->run,
                                                         .chunk = mcpz_bytes(chunk, size)}});
    }
    fail_gone(exchange);
}

static const struct mcpz_exchange_kind answer_kind = {
    .work = work_answer,
    .finish = finish_answer,
};

static void begin_answer(struct mcpz_exchange *exchange, struct mcpz_exchange *stream,
                         struct item *item, bool plan)
{
    struct answer *answer = calloc(1, sizeof(*answer));

    if (answer == NULL) {
        mcpz_exchange_fail_error(exchange, MCPZ_ENOMEM, "taking the result");
        return;
    }
    *answer = (struct answer){.exchange = exchange, .stream = stream, .item = item, .plan = plan};
    item->answer = answer;
    mcpz_exchange_wait(exchange, &answer_kind, answer);
    work_answer(exchange);
}

static void fail_task(struct mcpz_exchange *exchange, struct mcpz_exchange *stream,
                      struct item *item)
{
    static const char *const allowed[] = {"message", NULL};
    json_t *body = mcpz_exchange_object(exchange, allowed);

    if (body == NULL) {
        return;
    }
    const json_t *message = json_object_get(body, "message");
    struct mcpz_bytes text = json_is_string(message) ? mcpz_exchange_text_of(message)
                                                     : mcpz_text("the program says no more");
    uint64_t run = item->run;
    text.length = text.length < MCPZ_MESSAGE_BYTES_MAX ? text.length : MCPZ_MESSAGE_BYTES_MAX;
    while (!mcpz_bytes_is_utf8(text)) {
        text.length--; /* it was cut within a character */
    }
    free_item(stream->state, item);
    tell_failed(stream, &(struct mcpz_msg_fail){
                            .call = run, .code = MCPZ_CODE_PROVIDER_FAILED, .text = text});
    mcpz_exchange_again(stream);
    json_decref(body);
    mcpz_exchange_answer(exchange, 200, json_pack("{s:s}", "state", "failed"));
}

/* What is said of a task. */
enum verb { VERB_ANSWER, VERB_SPLIT, VERB_FAIL, VERB_COUNT };

/* "17", "17/split" or "17/fail". */
static bool read_task(struct mcpz_bytes rest, uint64_t *run, enum verb *verb)
{
    static const char *const suffixes[VERB_COUNT] = {
        [VERB_ANSWER] = "", [VERB_SPLIT] = "/split", [VERB_FAIL] = "/fail"};
    size_t digits = 0;

    *run = 0;
    while (digits < rest.length && rest.data[digits] >= '0' && rest.data[digits] <= '9') {
        *run = *run * 10 + (uint64_t)(rest.data[digits] - '0');
        digits++;
    }
    struct mcpz_bytes behind = mcpz_bytes(rest.data + digits, rest.length - digits);
    for (*verb = VERB_ANSWER; *verb < VERB_COUNT; (*verb)++) {
        if (mcpz_bytes_equal(behind, mcpz_text(suffixes[*verb]))) {
            return digits > 0 && digits <= TASK_DIGITS_MAX;
        }
    }
    return false;
}

void mcpz_api_post_work(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    struct mcpz_exchange *stream = NULL;
    enum verb verb;
    uint64_t run;

    if (!read_task(mcpz_exchange_path_rest(request->path, "/v1/work/"), &run, &verb)) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_NOT_FOUND,
                           "answer with POST /v1/work/TASK, /v1/work/TASK/split or "
                           "/v1/work/TASK/fail");
        return;
    }
    const bool plan = verb == VERB_SPLIT;
    struct item *item = find_handed(exchange->api, run, &stream);
    if (item == NULL) {
        fail_gone(exchange);
    } else if (verb == VERB_FAIL) {
        fail_task(exchange, stream, item);
    } else if (exchange->input.length > (plan ? MCPZ_PLAN_BYTES_MAX : MCPZ_RESULT_BYTES_MAX)) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_TOO_LARGE,
                           plan ? "the plan is larger than 32 KiB"
                                : "the result is larger than 10 MiB");
    } else {
        begin_answer(exchange, stream, item, plan);
    }
}
