#include "http/exchange.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "http/jsontext.h"

#define JSON_TYPE "application/json"

/* ---- Answering ---------------------------------------------------------------------------- */

static int append_json(const char *bytes, size_t length, void *context)
{
    struct mcpz_body *body = context;

    mcpz_body_append(body, mcpz_bytes(bytes, length));
    return body->error == MCPZ_OK ? 0 : -1;
}

void mcpz_body_append_json(struct mcpz_body *body, json_t *json, bool first)
{
    if (!first) {
        mcpz_body_text(body, ",");
    }
    if ((json == NULL ||
         json_dump_callback(json, append_json, body, JSON_COMPACT | JSON_ENCODE_ANY) != 0) &&
        body->error == MCPZ_OK) {
        body->error = MCPZ_ENOMEM;
    }
    json_decref(json);
}

static void append_error(struct mcpz_body *body, uint32_t code, const char *text)
{
    mcpz_body_text(body, "{\"error\":{\"code\":\"");
    mcpz_body_text(body, mcpz_code_word(code));
    mcpz_body_text(body, "\",\"message\":");
    mcpz_jsontext_append_string(body, mcpz_text(text));
    mcpz_body_text(body, "}}\n");
}

static void set_answered(struct mcpz_exchange *exchange, unsigned status, const char *type)
{
    assert(exchange->open);
    assert(!exchange->answered);

    if ((status == 429 || status == 503) && exchange->response.retry_after_ms == 0) {
        exchange->response.retry_after_ms = MCPZ_RETRY_AFTER_MS; /* nothing better is known */
    }
    exchange->response.status = status;
    exchange->response.content_type = type;
    exchange->answered = true;
    exchange->has_work = false;
    if (exchange->answered_elsewhere != NULL) {
        exchange->answered_elsewhere(exchange);
    } else {
        exchange->api->ports.answered(exchange->api->ports.context, exchange->owner);
    }
}

static const char *trouble_of_body(mcpz_error error)
{
    return error == MCPZ_ENOSPACE ? "no room on disk for the answer: free some space"
                                  : "the answer could not be put together";
}

static void answer_error(struct mcpz_exchange *exchange, uint32_t code, const char *text)
{
    struct mcpz_body *body = &exchange->response.body;

    mcpz_body_finish(body);
    append_error(body, code, text);
    set_answered(exchange, mcpz_api_status_of(code), JSON_TYPE);
}

void mcpz_exchange_send(struct mcpz_exchange *exchange, unsigned status, const char *content_type)
{
    mcpz_error error = exchange->response.body.error;

    if (error != MCPZ_OK) {
        answer_error(exchange,
                     error == MCPZ_ENOSPACE ? MCPZ_CODE_STORE_FAILED : MCPZ_CODE_INTERNAL,
                     trouble_of_body(error));
        return;
    }
    set_answered(exchange, status, content_type);
}

void mcpz_exchange_answer(struct mcpz_exchange *exchange, unsigned status, json_t *json)
{
    mcpz_body_append_json(&exchange->response.body, json, true);
    mcpz_body_text(&exchange->response.body, "\n");
    mcpz_exchange_send(exchange, status, JSON_TYPE);
}

void mcpz_exchange_fail(struct mcpz_exchange *exchange, uint32_t code, const char *format, ...)
{
    char text[MCPZ_MESSAGE_BYTES_MAX + 1];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    mcpz_jsontext_clean(text);
    answer_error(exchange, code, text);
}

static uint32_t code_of_error(mcpz_error error)
{
    switch (error) {
    case MCPZ_ENOTFOUND:
        return MCPZ_CODE_NOT_FOUND;
    case MCPZ_ECONFLICT:
        return MCPZ_CODE_CONFLICT;
    case MCPZ_EFULL:
        return MCPZ_CODE_LIMIT;
    case MCPZ_EAUTH:
        return MCPZ_CODE_DENIED;
    case MCPZ_EEXPIRED:
        return MCPZ_CODE_TOKEN_EXPIRED;
    case MCPZ_EUSED:
        return MCPZ_CODE_TOKEN_USED;
    case MCPZ_ESHORT:
    case MCPZ_EPROTO:
        return MCPZ_CODE_BAD_REQUEST;
    case MCPZ_EVERSION:
        return MCPZ_CODE_VERSION;
    case MCPZ_ETIMEOUT:
        return MCPZ_CODE_TIMEOUT;
    case MCPZ_EIO:
    case MCPZ_ECORRUPT:
    case MCPZ_ENOSPACE:
        return MCPZ_CODE_STORE_FAILED;
    case MCPZ_OK:
    case MCPZ_ENOMEM:
    case MCPZ_ECONFIG:
    case MCPZ_EUNSUPPORTED:
        break;
    }
    return MCPZ_CODE_INTERNAL;
}

void mcpz_exchange_fail_error(struct mcpz_exchange *exchange, mcpz_error error, const char *what)
{
    mcpz_exchange_fail(exchange, code_of_error(error), "%s: %s", what, mcpz_strerror(error));
}

/* ---- Waiting ------------------------------------------------------------------------------ */

void mcpz_exchange_wait(struct mcpz_exchange *exchange, const struct mcpz_exchange_kind *kind,
                        void *state)
{
    assert(exchange->kind == NULL);

    exchange->kind = kind;
    exchange->state = state;
    exchange->deadline_us = mcpz_api_now(exchange->api) + MCPZ_API_WAIT_US;
}

void mcpz_exchange_wait_no_more(struct mcpz_exchange *exchange)
{
    exchange->kind = NULL;
    exchange->state = NULL;
}

void mcpz_exchange_again(struct mcpz_exchange *exchange)
{
    exchange->has_work = true;
    mcpz_api_stir(exchange->api);
}

bool mcpz_exchange_note_reply(struct mcpz_exchange *exchange, const struct mcpz_action *action)
{
    struct mcpz_reply_note *note = exchange->state;

    if (action->kind != MCPZ_ACTION_REPLY || action->reply.request != exchange->request) {
        return false;
    }
    note->came = true;
    note->code = action->reply.code;
    note->copies = action->reply.copies;
    note->copies_wanted = action->reply.copies_wanted;
    mcpz_bytes_to_text(action->reply.text, note->text, sizeof(note->text));
    return true;
}

bool mcpz_exchange_has_reply(struct mcpz_exchange *exchange)
{
    const struct mcpz_reply_note *note = exchange->state;

    if (note->came && note->code == MCPZ_CODE_TIMEOUT && note->copies_wanted > 0) {
        mcpz_exchange_fail(exchange, note->code,
                           "it is written, and %u of the %u nodes that were to have it on disk "
                           "have said so in time: the others get it later",
                           note->copies, note->copies_wanted);
        return false;
    }
    if (note->came && note->code != MCPZ_CODE_OK) {
        mcpz_exchange_fail(exchange, note->code, "%s", note->text);
        return false;
    }
    return note->came;
}

/* Waiting for one REPLY. */
struct reply_wait {
    struct mcpz_reply_note note; /* its text until it came: what is said if it does not */
    unsigned status;
    json_t *json;
    char where[MCPZ_WHERE_BYTES_MAX + 1]; /* "": it is not said */
};

static void work_reply(struct mcpz_exchange *exchange)
{
    struct reply_wait *wait = exchange->state;
    const struct mcpz_reply_note *note = &wait->note;

    if (note->came && note->code != MCPZ_CODE_OK && note->copies_wanted == 0 &&
        wait->where[0] != '\0') {
        mcpz_exchange_fail(exchange, note->code, "%s: %s", note->text, wait->where);
        return;
    }
    if (mcpz_exchange_has_reply(exchange)) {
        json_t *json = wait->json;
        wait->json = NULL;
        if (wait->note.copies_wanted > 0) {
            (void)json_object_set_new(json, "copies", json_integer(wait->note.copies));
        }
        mcpz_exchange_answer(exchange, wait->status, json);
    }
}

static void finish_reply(struct mcpz_exchange *exchange)
{
    struct reply_wait *wait = exchange->state;

    json_decref(wait->json);
    free(wait);
}

static void expire_reply(struct mcpz_exchange *exchange)
{
    const struct reply_wait *wait = exchange->state;

    mcpz_exchange_fail(exchange, MCPZ_CODE_TIMEOUT, "%s",
                       wait->note.text[0] != '\0'
                           ? wait->note.text
                           : "the store has not said that it is written: look again whether it "
                             "is before you repeat it");
}

static const struct mcpz_exchange_kind reply_kind = {
    .note = mcpz_exchange_note_reply,
    .work = work_reply,
    .expire = expire_reply,
    .finish = finish_reply,
};

uint64_t mcpz_exchange_await_reply(struct mcpz_exchange *exchange, unsigned status, json_t *json)
{
    struct reply_wait *wait = calloc(1, sizeof(*wait));

    if (wait == NULL || json == NULL) {
        free(wait);
        json_decref(json);
        mcpz_exchange_fail(exchange, MCPZ_CODE_INTERNAL, "out of memory");
        return 0;
    }
    wait->status = status;
    wait->json = json;
    mcpz_exchange_wait(exchange, &reply_kind, wait);
    exchange->request = mcpz_engine_next_request(mcpz_exchange_engine(exchange));
    return exchange->request;
}

void mcpz_exchange_is_about(struct mcpz_exchange *exchange, const char *where)
{
    struct reply_wait *wait = exchange->state;

    assert(exchange->kind == &reply_kind);
    mcpz_bytes_to_text(mcpz_text(where), wait->where, sizeof(wait->where));
}

void mcpz_exchange_expire_in(struct mcpz_exchange *exchange, mcpz_time patience_us,
                             const char *text)
{
    struct reply_wait *wait = exchange->state;

    assert(exchange->kind == &reply_kind);
    exchange->deadline_us = mcpz_api_now(exchange->api) + patience_us;
    mcpz_bytes_to_text(mcpz_text(text), wait->note.text, sizeof(wait->note.text));
}

/* ---- Reading requests --------------------------------------------------------------------- */

struct mcpz_engine *mcpz_api_engine(const struct mcpz_api *api)
{
    return api->ports.enter(api->ports.context);
}

mcpz_time mcpz_api_now(const struct mcpz_api *api)
{
    return api->ports.now(api->ports.context);
}

uint64_t mcpz_api_wall_ms(const struct mcpz_api *api)
{
    return api->ports.wall_ms(api->ports.context);
}

void mcpz_api_stir(struct mcpz_api *api)
{
    api->ports.defer(api->ports.context);
}

struct mcpz_engine *mcpz_exchange_engine(struct mcpz_exchange *exchange)
{
    return mcpz_api_engine(exchange->api);
}

static int by_text(const void *left, const void *right)
{
    const char *const *a = left;
    const char *const *b = right;
    return strcmp(*a, *b);
}

json_t *mcpz_exchange_sort_rows(json_t *object, size_t most)
{
    const size_t count = json_object_size(object);
    const char **names = calloc(count + 1, sizeof(names[0]));
    json_t *rows = names != NULL ? json_array() : NULL;
    const char *name;
    json_t *row;
    size_t at = 0;

    if (rows != NULL) {
        json_object_foreach(object, name, row)
        {
            names[at++] = name;
        }
        qsort(names, count, sizeof(names[0]), by_text);
    }
    for (size_t i = 0; rows != NULL && i < count && i < most; i++) {
        (void)json_array_append(rows, json_object_get(object, names[i]));
    }
    free(names);
    return rows;
}

struct mcpz_bytes mcpz_exchange_text_of(const json_t *string)
{
    return mcpz_bytes(json_string_value(string), json_string_length(string));
}

struct mcpz_bytes mcpz_exchange_path_rest(struct mcpz_bytes path, const char *prefix)
{
    size_t length = strlen(prefix);

    assert(path.length >= length);
    assert(memcmp(path.data, prefix, length) == 0);
    return mcpz_bytes(path.data + length, path.length - length);
}

/* The bytes of `text` before the first `mark`, which is taken off with them. */
static struct mcpz_bytes take_until(struct mcpz_bytes *text, char mark)
{
    const uint8_t *end = text->length > 0 ? memchr(text->data, mark, text->length) : NULL;
    struct mcpz_bytes head =
        mcpz_bytes(text->data, end != NULL ? (size_t)(end - text->data) : text->length);

    *text =
        end != NULL ? mcpz_bytes(end + 1, text->length - head.length - 1) : mcpz_bytes(NULL, 0);
    return head;
}

bool mcpz_exchange_parameter(struct mcpz_bytes *query, struct mcpz_bytes *name,
                             struct mcpz_bytes *value)
{
    if (query->length == 0) {
        return false;
    }
    *value = take_until(query, '\0');
    *name = take_until(value, '=');
    return true;
}

static bool is_allowed(const char *key, const char *const *allowed)
{
    for (; *allowed != NULL; allowed++) {
        if (strcmp(key, *allowed) == 0) {
            return true;
        }
    }
    return false;
}

json_t *mcpz_exchange_parse(struct mcpz_exchange *exchange, struct mcpz_bytes text,
                            const char *const *allowed)
{
    json_error_t trouble;

    json_t *object =
        json_loadb((const char *)text.data, text.length, JSON_REJECT_DUPLICATES, &trouble);
    if (object == NULL) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "the body is not JSON: line %d, column %d: %s", trouble.line,
                           trouble.column, trouble.text);
        return NULL;
    }
    if (!json_is_object(object)) {
        json_decref(object);
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "the body must be a JSON object: {...}");
        return NULL;
    }
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        if (allowed != NULL && !is_allowed(key, allowed)) {
            mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                               "there is no \"%s\" in this request", key);
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

json_t *mcpz_exchange_object(struct mcpz_exchange *exchange, const char *const *allowed)
{
    struct mcpz_bytes text = mcpz_body_in_memory(&exchange->input);

    return mcpz_exchange_parse(exchange, text.length > 0 ? text : mcpz_text("{}"), allowed);
}

bool mcpz_exchange_may_name(struct mcpz_exchange *exchange, const char *tenant)
{
    if (exchange->tenant[0] == '\0' || tenant[0] == '\0' ||
        strcmp(tenant, exchange->tenant) == 0) {
        return true;
    }
    mcpz_exchange_fail(exchange, MCPZ_CODE_DENIED,
                       "the key or token that was shown is for the tenant \"%s\": it may name no "
                       "other, and need name none",
                       exchange->tenant);
    return false;
}

bool mcpz_exchange_integer(struct mcpz_exchange *exchange, const json_t *object,
                           const struct mcpz_integer_rule *rule, json_int_t *number)
{
    const json_t *member = json_object_get(object, rule->key);

    if (member == NULL) {
        *number = rule->absent;
        return true;
    }
    if (!json_is_integer(member) || json_integer_value(member) < rule->min ||
        json_integer_value(member) > rule->max) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "\"%s\" must be a whole number from %" JSON_INTEGER_FORMAT
                           " to %" JSON_INTEGER_FORMAT,
                           rule->key, rule->min, rule->max);
        return false;
    }
    *number = json_integer_value(member);
    return true;
}

size_t mcpz_exchange_streams(const struct mcpz_api *api)
{
    size_t count = 0;

    for (size_t i = 0; i < MCPZ_EXCHANGES_MAX; i++) {
        count += api->exchanges[i].open && api->exchanges[i].response.streams ? 1 : 0;
    }
    return count;
}

/* ---- Writing answers ---------------------------------------------------------------------- */

void mcpz_exchange_write_time(uint64_t wall_ms, char text[MCPZ_ISO_TIME_CHARS])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;

    if (wall_ms == 0 || gmtime_r(&seconds, &parts) == NULL ||
        strftime(text, MCPZ_ISO_TIME_CHARS, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) {
        text[0] = '\0';
    }
}

json_t *mcpz_exchange_show_time(uint64_t wall_ms)
{
    char text[MCPZ_ISO_TIME_CHARS];

    mcpz_exchange_write_time(wall_ms, text);
    return text[0] != '\0' ? json_string(text) : json_null();
}

json_t *mcpz_exchange_show_time_from(uint64_t wall_ms)
{
    return mcpz_exchange_show_time((wall_ms + 999) / 1000 * 1000);
}

json_t *mcpz_exchange_show_id(const struct mcpz_id *id, char prefix)
{
    char text[MCPZ_ID_TEXT_BYTES];

    mcpz_id_to_text(id, prefix, text);
    return json_string(text);
}

json_t *mcpz_exchange_show_text(struct mcpz_bytes text)
{
    json_t *json = json_stringn(text.length > 0 ? (const char *)text.data : "", text.length);
    return json != NULL ? json : json_string("?");
}

json_t *mcpz_exchange_show_text_or_null(const char *text)
{
    return text[0] != '\0' ? mcpz_exchange_show_text(mcpz_text(text)) : json_null();
}

json_t *mcpz_exchange_show_hex(struct mcpz_bytes bytes)
{
    char text[2 * 64 + 1];

    assert(bytes.length <= 64);
    for (size_t i = 0; i < bytes.length; i++) {
        (void)snprintf(text + 2 * i, 3, "%02x", bytes.data[i]);
    }
    return json_stringn(text, 2 * bytes.length);
}
