/*
 * POST /v1/apply: writes to agents, one JSON object a line, done in order:
 *
 *   {"op": "create", "id": "a"}
 *   {"op": "set", "id": "a", "path": "b.c", "value": 1}
 *
 * Lines about agents that others keep are handed on to those (http/apply_lots.h). One that names a
 * blob waits until it is written down that the agent needs it (http/blob_refs.h), and those behind
 * it wait too.
 *
 * Many lines are handed in in one turn, so that one commit takes them to the disk; a turn ends
 * after a few milliseconds all the same. A line that is refused is told with its number, and those
 * behind it are done. The answer comes when all are on the disk, or never will be.
 */

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/agent_owners.h"
#include "http/agent_scope.h"
#include "http/agent_write.h"
#include "http/apply_lots.h"
#include "http/blob_refs.h"
#include "http/exchange.h"

#define LINE_BYTES_MAX 16384
#define LINES_MAX 10000
#define UNDER_WAY_MAX 4096
#define WAITING_MAX (MCPZ_ACK_WAITS_MAX / 2) /* where each line waits for owners */
#define SLICE_LINES 64
#define SLICE_US                                                                                  \
    1000             /* others want their turn; the loop may come to it thrice between two waits */
#define LOOK_EACH 16 /* lines between two looks at the clock */
#define ERRORS_TOLD_MAX 100

struct line {
    uint64_t request; /* rising; 0: it was not handed in */
    bool answered;
};

struct apply {
    struct mcpz_api quiet; /* where lines that cannot be read are answered: it tells nobody */
    struct line lines[LINES_MAX];
    size_t count;    /* read */
    size_t pending;  /* handed in and not answered */
    size_t first;    /* no line before it is pending */
    uint64_t number; /* of lines, empty ones too */
    uint32_t numbers[LINES_MAX];
    uint64_t applied;
    uint64_t failed;
    json_t *errors;
    enum mcpz_ack_level ack; /* of each line */
    uint32_t ack_timeout_ms;
    size_t under_way_max;            /* lines */
    mcpz_time idle_until_us;         /* nothing is heard of any line until then: it is given up */
    struct mcpz_lots lots;           /* lines for others */
    struct mcpz_exchange *referring; /* writes a line's reference to a blob; NULL: there is none */
    json_t *referred;                /* that line */
    size_t referred_bytes;
    uint64_t at; /* in the body: up to here it was read into `buffer` */
    size_t used;
    size_t have;
    uint8_t buffer[LINE_BYTES_MAX + 1];
};

/* ---- Lines -------------------------------------------------------------------------------- */

static void add_error(struct apply *apply, uint32_t number, const char *code, const char *text)
{
    apply->failed++;
    if (json_array_size(apply->errors) < ERRORS_TOLD_MAX) {
        (void)json_array_append_new(
            apply->errors, json_pack("{s:i, s:s, s:o}", "line", (int)number, "code", code,
                                     "message", mcpz_exchange_show_text(mcpz_text(text))));
    }
}

/* The next line of the body, without its end. False: there is none, or it was answered. */
static bool next_line(struct mcpz_exchange *exchange, struct mcpz_bytes *line)
{
    struct apply *apply = exchange->state;
    const uint8_t *start = apply->buffer + apply->used;
    const uint8_t *end = memchr(start, '\n', apply->have - apply->used);

    if (end == NULL && apply->at < exchange->input.length) {
        size_t more = 0;
        apply->have -= apply->used;
        memmove(apply->buffer, start, apply->have);
        apply->used = 0;
        mcpz_error error = mcpz_body_read(&exchange->input, apply->at, apply->buffer + apply->have,
                                          sizeof(apply->buffer) - apply->have, &more);
        if (error != MCPZ_OK) {
            mcpz_exchange_fail_error(exchange, error, "reading the lines");
            return false;
        }
        apply->at += more;
        apply->have += more;
        start = apply->buffer;
        end = memchr(start, '\n', apply->have);
    }
    if (end == NULL && apply->have - apply->used > LINE_BYTES_MAX) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_TOO_LARGE,
                           "line %llu is longer than %d bytes: those before it are done",
                           (unsigned long long)apply->number + 1, LINE_BYTES_MAX);
        return false;
    }
    const size_t left = apply->have - apply->used;
    if (end == NULL && left == 0) {
        return false;
    }
    const size_t length = end != NULL ? (size_t)(end - start) : left;
    *line = mcpz_bytes(start, length);
    apply->used += length + (end != NULL ? 1 : 0);
    apply->number++;
    return true;
}

static bool is_blank(struct mcpz_bytes line)
{
    for (size_t i = 0; i < line.length; i++) {
        if (strchr(" \t\r", line.data[i]) == NULL) {
            return false;
        }
    }
    return true;
}

/* Take the words of what was answered to the line alone. */
static void add_refusal(struct apply *apply, const struct mcpz_exchange *answer)
{
    const struct mcpz_bytes body = mcpz_body_in_memory(&answer->response.body);
    json_t *json = json_loadb((const char *)body.data, body.length, 0, NULL);
    const json_t *error = json_object_get(json, "error");
    const char *word = json_string_value(json_object_get(error, "code"));
    const char *text = json_string_value(json_object_get(error, "message"));

    apply->failed++;
    if (json_array_size(apply->errors) < ERRORS_TOLD_MAX) {
        (void)json_array_append_new(apply->errors,
                                    json_pack("{s:i, s:s, s:s}", "line", (int)apply->number,
                                              "code", word != NULL ? word : "internal", "message",
                                              text != NULL ? text : ""));
    }
    json_decref(json);
}

static void hand_in(struct mcpz_exchange *exchange, const struct mcpz_agent_write *write)
{
    struct apply *apply = exchange->state;
    struct mcpz_engine *engine = mcpz_exchange_engine(exchange);
    struct mcpz_event event = {.kind = MCPZ_EVENT_AGENT_WRITE, .agent = write->agent};

    event.agent.request = mcpz_engine_next_request(engine);
    event.agent.ack = apply->ack;
    event.agent.ack_timeout_ms = apply->ack_timeout_ms;
    apply->numbers[apply->count] = (uint32_t)apply->number;
    apply->lines[apply->count++] = (struct line){.request = event.agent.request};
    apply->pending++;
    mcpz_engine_event(engine, &event);
}

/* The line is for others. */
static void hand_on(struct mcpz_exchange *exchange, json_t *object,
                    const struct mcpz_agent_write *write, size_t bytes)
{
    struct apply *apply = exchange->state;
    const struct mcpz_lot_line line = {.document = write->agent.document,
                                       .object = object,
                                       .bytes = bytes,
                                       .number = (uint32_t)apply->number,
                                       .repeatable =
                                           mcpz_agent_write_is_repeatable(write->agent.op)};

    mcpz_lots_take(exchange, &apply->lots, &line);
}

/*
 * Is the line for others? One that another node has handed on is not handed on again: false, and
 * `answer` says so if it is not ours.
 */
static bool is_for_others(struct mcpz_exchange *exchange, struct mcpz_exchange *answer,
                          const struct mcpz_id *document)
{
    const struct apply *apply = exchange->state;

    if (exchange->answered_elsewhere == NULL) {
        return !mcpz_agent_is_here(exchange, document) || mcpz_agents_may_be_elsewhere(exchange) ||
               mcpz_lots_hold(&apply->lots, document);
    }
    if (!mcpz_agent_is_here(exchange, document) && !mcpz_agent_is_kept(exchange, document)) {
        mcpz_exchange_fail(answer, MCPZ_CODE_UNAVAILABLE,
                           "this node does not keep that agent any more: ask again");
    }
    return false;
}

static void wake(void *context)
{
    mcpz_exchange_again(context);
}

/* The line names a blob: have that written down first. False: `answer` says why it cannot be. */
static bool refer(struct mcpz_exchange *exchange, struct mcpz_exchange *answer,
                  const struct mcpz_agent_write *write)
{
    struct apply *apply = exchange->state;
    struct mcpz_blob_ref named;

    const bool is_one = mcpz_value_read_blob(write->agent.value, &named);
    assert(is_one);
    if (mcpz_api_open(exchange->api, NULL, &apply->referring) != MCPZ_OK) {
        apply->referring = NULL;
        mcpz_exchange_fail(answer, MCPZ_CODE_BUSY, "too much is asked at once: try again");
        return false;
    }
    mcpz_api_answer_to(apply->referring, wake, exchange);
    mcpz_blob_refs_add(apply->referring, &named, &write->agent.document);
    return true;
}

/* Do it, or begin to. `is_referred`: the blob that it names is known to be needed. */
static void do_object(struct mcpz_exchange *exchange, json_t *object, size_t bytes,
                      bool is_referred)
{
    struct apply *apply = exchange->state;
    struct mcpz_agent_write write;
    struct mcpz_exchange answer = {.api = &apply->quiet, .open = true, .agents = exchange->agents};

    mcpz_body_init(&answer.response.body, exchange->api->directory);
    memcpy(answer.tenant, exchange->tenant, sizeof(answer.tenant));
    const bool is_read = mcpz_agent_write_read(&answer, object, &write) &&
                         mcpz_blob_refs_may_name(&answer, json_object_get(object, "value"));
    if (is_read && is_for_others(exchange, &answer, &write.agent.document)) {
        hand_on(exchange, object, &write, bytes);
    } else if (is_read && !answer.answered && !is_referred &&
               mcpz_blob_refs_is_one(&write.agent)) {
        if (refer(exchange, &answer, &write)) {
            apply->referred = json_incref(object);
            apply->referred_bytes = bytes;
        }
    } else if (is_read && !answer.answered) {
        hand_in(exchange, &write);
    }
    if (answer.answered) {
        add_refusal(apply, &answer);
    }
    mcpz_body_finish(&answer.response.body);
}

static void do_line(struct mcpz_exchange *exchange, struct mcpz_bytes text)
{
    struct apply *apply = exchange->state;
    struct mcpz_exchange answer = {.api = &apply->quiet, .open = true};

    mcpz_body_init(&answer.response.body, exchange->api->directory);
    json_t *object = mcpz_exchange_parse(&answer, text, NULL);
    if (object != NULL) {
        do_object(exchange, object, text.length, false);
    } else {
        add_refusal(apply, &answer);
    }
    json_decref(object);
    mcpz_body_finish(&answer.response.body);
}

static void end_reference(struct apply *apply)
{
    if (apply->referring != NULL) {
        mcpz_api_close(apply->referring);
        json_decref(apply->referred);
        apply->referring = NULL;
        apply->referred = NULL;
    }
}

/* A reference has been written, or not: the line that waits for it is done, or refused. */
static void take_reference(struct mcpz_exchange *exchange)
{
    struct apply *apply = exchange->state;
    const struct mcpz_response *response =
        apply->referring != NULL ? mcpz_api_response(apply->referring) : NULL;

    if (response == NULL) {
        return;
    }
    if (response->status == 200) {
        do_object(exchange, apply->referred, apply->referred_bytes, true);
    } else {
        add_refusal(apply, apply->referring);
    }
    end_reference(apply);
}

/* ---- The exchange ------------------------------------------------------------------------- */

static void answer_all(struct mcpz_exchange *exchange)
{
    struct apply *apply = exchange->state;
    json_t *errors = apply->errors;

    apply->errors = NULL;
    mcpz_exchange_answer(exchange, 200,
                         json_pack("{s:I, s:I, s:o}", "applied", (json_int_t)apply->applied,
                                   "failed", (json_int_t)apply->failed, "errors", errors));
}

static bool has_all_been_read(const struct mcpz_exchange *exchange)
{
    const struct apply *apply = exchange->state;

    return apply->at == exchange->input.length && apply->used == apply->have;
}

static bool is_at_its_end(const struct apply *apply)
{
    return apply->count + apply->lots.taken == LINES_MAX;
}

static bool may_read(const struct apply *apply)
{
    return apply->pending < apply->under_way_max && !is_at_its_end(apply) &&
           apply->referring == NULL && mcpz_lots_have_room(&apply->lots);
}

/* Hand in the next lines, as many as a turn may take. */
static void read_lines(struct mcpz_exchange *exchange)
{
    struct apply *apply = exchange->state;
    const struct mcpz_api_ports *ports = &exchange->api->ports;
    const mcpz_time begun_us = ports->now(ports->context);
    struct mcpz_bytes text;
    size_t read = 0;
    bool has_time = true;

    while (!exchange->answered && has_time && read < SLICE_LINES && may_read(apply) &&
           next_line(exchange, &text)) {
        read++;
        if (!is_blank(text)) {
            do_line(exchange, text);
        }
        has_time =
            read % LOOK_EACH != 0 || ports->now(ports->context) - begun_us < (mcpz_time)SLICE_US;
    }
}

static void work(struct mcpz_exchange *exchange)
{
    struct apply *apply = exchange->state;

    take_reference(exchange);
    read_lines(exchange);
    if (exchange->answered) {
        return;
    }
    mcpz_lots_work(exchange, &apply->lots);
    exchange->deadline_us =
        mcpz_time_min(apply->idle_until_us, mcpz_lots_deadline(exchange, &apply->lots));
    const bool is_idle = apply->pending == 0 && apply->lots.count == 0 && apply->referring == NULL;
    if (is_idle && has_all_been_read(exchange)) {
        answer_all(exchange);
    } else if (is_idle && is_at_its_end(apply)) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_TOO_LARGE,
                           "more than %d lines in one request: that many are done", LINES_MAX);
    } else if (!has_all_been_read(exchange) && may_read(apply)) {
        mcpz_exchange_again(exchange);
    }
}

static void expire(struct mcpz_exchange *exchange)
{
    const struct apply *apply = exchange->state;
    const struct mcpz_api_ports *ports = &exchange->api->ports;

    if (ports->now(ports->context) < apply->idle_until_us) {
        work(exchange); /* somebody may be there now who keeps what waits */
        return;
    }
    mcpz_exchange_fail(exchange, MCPZ_CODE_TIMEOUT,
                       "the node did not get this done in time: look again whether it happened "
                       "before you repeat it");
}

/* Something was heard of a line. */
static void stay(struct mcpz_exchange *exchange)
{
    struct apply *apply = exchange->state;
    const struct mcpz_api_ports *ports = &exchange->api->ports;

    apply->idle_until_us =
        ports->now(ports->context) + MCPZ_API_WAIT_US + MCPZ_MS(apply->ack_timeout_ms);
    exchange->deadline_us = mcpz_time_min(exchange->deadline_us, apply->idle_until_us);
}

/* Another node has done a line, or refused it. */
static void tell_line(void *context, uint32_t number, const char *code, const char *text)
{
    struct mcpz_exchange *exchange = context;
    struct apply *apply = exchange->state;

    stay(exchange);
    if (strcmp(code, mcpz_code_word(MCPZ_CODE_OK)) == 0) {
        apply->applied++;
    } else {
        add_error(apply, number, code, text);
    }
}

/* Requests rise with lines, but others may have asked in between. */
static size_t find_line(const struct apply *apply, uint64_t request)
{
    size_t low = apply->first;
    size_t high = apply->count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (apply->lines[middle].request < request) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < apply->count && apply->lines[low].request == request ? low : LINES_MAX;
}

static bool note(struct mcpz_exchange *exchange, const struct mcpz_action *action)
{
    struct apply *apply = exchange->state;
    char text[MCPZ_MESSAGE_BYTES_MAX + 1];

    if (action->kind != MCPZ_ACTION_REPLY) {
        return false;
    }
    const size_t found = find_line(apply, action->reply.request);
    if (found == LINES_MAX || apply->lines[found].answered) {
        return false;
    }
    apply->lines[found].answered = true;
    apply->pending--;
    while (apply->first < apply->count && apply->lines[apply->first].answered) {
        apply->first++;
    }
    if (action->reply.code == MCPZ_CODE_OK) {
        apply->applied++;
    } else {
        mcpz_bytes_to_text(action->reply.text, text, sizeof(text));
        add_error(apply, apply->numbers[found], mcpz_code_word(action->reply.code), text);
    }
    stay(exchange);
    /* Not each of thousands is worth a look. */
    return apply->pending == 0 || apply->pending == apply->under_way_max / 2;
}

static void finish(struct mcpz_exchange *exchange)
{
    struct apply *apply = exchange->state;

    mcpz_lots_finish(exchange, &apply->lots);
    end_reference(apply);
    json_decref(apply->errors);
    free(apply);
}

static const struct mcpz_exchange_kind apply_kind = {
    .note = note, .work = work, .expire = expire, .finish = finish};

static void tell_nobody(void *context, void *owner)
{
    (void)context;
    (void)owner;
}

void mcpz_api_apply(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    struct mcpz_event_agent said = {.op = MCPZ_AGENT_SET};

    if (!mcpz_agent_ack_read(exchange, request, &said)) {
        return;
    }
    struct apply *apply = calloc(1, sizeof(*apply));
    if (apply == NULL || (apply->errors = json_array()) == NULL) {
        free(apply);
        mcpz_exchange_fail_error(exchange, MCPZ_ENOMEM, "applying lines");
        return;
    }
    apply->ack = said.ack;
    apply->ack_timeout_ms = said.ack_timeout_ms;
    apply->under_way_max = said.ack == MCPZ_ACK_ASYNC ? UNDER_WAY_MAX : WAITING_MAX;
    apply->lots.teller = (struct mcpz_lots_teller){.context = exchange, .tell = tell_line};
    apply->lots.timeout_ms = said.ack_timeout_ms + MCPZ_FORWARD_MS;
    (void)snprintf(apply->lots.path, sizeof(apply->lots.path), "/v1/apply?ack=%s\ntimeout_ms=%u",
                   mcpz_agent_ack_word(said.ack), said.ack_timeout_ms);
    bool fits = mcpz_agent_scope_hand_on(exchange, apply->lots.path, sizeof(apply->lots.path));
    assert(fits);
    apply->quiet.ports = exchange->api->ports;
    apply->quiet.ports.answered = tell_nobody;
    apply->quiet.directory = exchange->api->directory;
    mcpz_exchange_wait(exchange, &apply_kind, apply);
    stay(exchange);
    work(exchange);
}
