/*
 * GET /v1/events: what became of the other nodes, as Server-Sent Events.
 *
 *   id: 1763694245124
 *   event: dead
 *   data: {"seq": 1763694245124, "time": "...", "event": "dead", "node": "n-...", ...}
 *
 * A stream holds its place in the ring (events.h) and is pulled as its client reads.
 *
 * Source: WHATWG HTML, section 9.2, "Server-sent events".
 */

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "http/exchange.h"

#define EVENT_STREAM_TYPE "text/event-stream"
#define EVENT_BYTES_MAX MCPZ_PULL_BYTES_MIN /* of one event, as it is sent */
#define COMMENT ": \n\n"
#define DECIMAL_DIGITS_MAX 19

static_assert(6 * (MCPZ_NAME_BYTES_MAX + MCPZ_ADDRESS_BYTES_MAX) + 1024 < EVENT_BYTES_MAX,
              "an event fits, were every byte of its texts escaped");

struct stream {
    struct mcpz_events_reader reader;
    bool comment; /* one is due */
};

/* ---- One event ---------------------------------------------------------------------------- */

static json_t *show_ms(uint64_t wall_ms)
{
    char date[MCPZ_ISO_TIME_CHARS];
    char text[MCPZ_ISO_TIME_CHARS + 8];
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm parts;

    if (gmtime_r(&seconds, &parts) == NULL ||
        strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &parts) == 0) {
        return json_null();
    }
    (void)snprintf(text, sizeof(text), "%s.%03uZ", date, (unsigned)(wall_ms % 1000));
    return json_string(text);
}

static json_t *show_event(const struct mcpz_members *members, const struct mcpz_kept_event *event)
{
    const struct mcpz_member *member = mcpz_members_find(members, &event->node);
    const char *reason = mcpz_events_reason(event);
    json_t *json = json_object();

    (void)json_object_set_new(json, "seq", json_integer((json_int_t)event->seq));
    (void)json_object_set_new(json, "time", show_ms(event->wall_ms));
    (void)json_object_set_new(json, "event", json_string(mcpz_fact_word(event->kind)));
    (void)json_object_set_new(json, "node", mcpz_exchange_show_id(&event->node, 'n'));
    struct mcpz_bytes name =
        member != NULL ? mcpz_roster_name(&members->roster, member) : mcpz_text("");
    if (name.length > 0) {
        (void)json_object_set_new(json, "name", mcpz_exchange_show_text(name));
    }
    if (event->incarnation > 0) {
        (void)json_object_set_new(json, "incarnation",
                                  json_integer((json_int_t)event->incarnation));
    }
    if (reason != NULL) {
        (void)json_object_set_new(json, "reason", json_string(reason));
    }
    if (event->address[0] != '\0') {
        (void)json_object_set_new(json, "address",
                                  mcpz_exchange_show_text(mcpz_text(event->address)));
    }
    return json;
}

static json_t *show_lost(uint64_t wall_ms, const struct mcpz_events_item *item)
{
    return json_pack("{s:I, s:o, s:s, s:I, s:s}", "seq", (json_int_t)item->seq, "time",
                     show_ms(wall_ms), "event", "lost", "count", (json_int_t)item->lost, "reason",
                     item->reason);
}

/* Print into `text` of EVENT_BYTES_MAX; how many bytes. Takes `json`; 0: out of memory. */
static size_t print_event(uint64_t seq, const char *word, json_t *json, char *text)
{
    int head = snprintf(text, EVENT_BYTES_MAX,
                        "id: %llu\nevent: %s\ndata: ", (unsigned long long)seq, word);
    size_t room = EVENT_BYTES_MAX - (size_t)head - 2;
    size_t length = json != NULL ? json_dumpb(json, text + head, room, JSON_COMPACT) : 0;

    json_decref(json);
    if (length == 0) {
        return 0;
    }
    assert(length <= room);
    text[(size_t)head + length] = '\n';
    text[(size_t)head + length + 1] = '\n';
    return (size_t)head + length + 2;
}

/* The next event the stream is to say, as text of EVENT_BYTES_MAX. 0: nothing now. */
static size_t next_text(struct mcpz_exchange *exchange, struct mcpz_events_reader *reader,
                        char *text)
{
    struct mcpz_api *api = exchange->api;
    struct mcpz_events_item item;

    switch (mcpz_events_read(reader, &api->events, &item)) {
    case MCPZ_EVENTS_NOTHING:
        return 0;
    case MCPZ_EVENTS_LOST:
        return print_event(item.seq, "lost", show_lost(mcpz_api_wall_ms(api), &item), text);
    case MCPZ_EVENTS_EVENT:
        break;
    }
    const struct mcpz_members *members =
        &mcpz_engine_node(mcpz_exchange_engine(exchange))->fabric.members;
    return print_event(item.seq, mcpz_fact_word(item.event->kind), show_event(members, item.event),
                       text);
}

/* ---- The stream --------------------------------------------------------------------------- */

static size_t pull_stream(struct mcpz_exchange *exchange, uint8_t *out, size_t capacity)
{
    struct stream *stream = (struct stream *)exchange->state;
    mcpz_time now = mcpz_api_now(exchange->api);
    size_t used = 0;

    while (capacity - used >= EVENT_BYTES_MAX) {
        size_t length = next_text(exchange, &stream->reader, (char *)out + used);
        if (length == 0) {
            break;
        }
        used += length;
    }
    if (used == 0 && stream->comment) {
        used = sizeof(COMMENT) - 1;
        memcpy(out, COMMENT, used);
    }
    if (used > 0) {
        stream->comment = false;
        exchange->deadline_us = now + MCPZ_EVENTS_COMMENT_US;
    }
    return used;
}

static void work_stream(struct mcpz_exchange *exchange)
{
    exchange->api->ports.answered(exchange->api->ports.context, exchange->owner);
}

/* Nothing was said for a while. A client that is gone shows when it is written to. */
static void expire_stream(struct mcpz_exchange *exchange)
{
    struct stream *stream = (struct stream *)exchange->state;

    stream->comment = true;
    exchange->deadline_us = MCPZ_TIME_NEVER; /* until it is pulled */
    work_stream(exchange);
}

static void finish_stream(struct mcpz_exchange *exchange)
{
    free(exchange->state);
}

static const struct mcpz_exchange_kind stream_kind = {
    .work = work_stream,
    .expire = expire_stream,
    .finish = finish_stream,
    .pull = pull_stream,
};

static void follow(struct mcpz_exchange *exchange, const struct mcpz_events_reader *reader)
{
    if (mcpz_exchange_streams(exchange->api) == MCPZ_EVENT_STREAMS_MAX) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BUSY,
                           "%d others follow the events already: end one of them, or ask with "
                           "follow=0",
                           MCPZ_EVENT_STREAMS_MAX);
        return;
    }
    struct stream *stream = (struct stream *)calloc(1, sizeof(*stream));
    if (stream == NULL) {
        mcpz_exchange_fail_error(exchange, MCPZ_ENOMEM, "following the events");
        return;
    }
    /* At once, so that it is seen that the stream stands. */
    *stream = (struct stream){.reader = *reader, .comment = true};
    mcpz_exchange_wait(exchange, &stream_kind, stream);
    exchange->response.streams = true;
    mcpz_exchange_send(exchange, 200, EVENT_STREAM_TYPE);
}

/* ---- The request -------------------------------------------------------------------------- */

struct question {
    uint64_t since;
    uint32_t kinds;
    bool follows;
};

static bool read_seq(struct mcpz_bytes text, uint64_t *seq)
{
    uint64_t number = 0;

    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        number = number * 10 + (uint64_t)(text.data[i] - '0');
    }
    *seq = number;
    return text.length > 0 && text.length < DECIMAL_DIGITS_MAX;
}

/* What is wrong with a parameter; NULL: nothing. */
static const char *take_parameter(struct question *question, struct mcpz_bytes name,
                                  struct mcpz_bytes value)
{
    if (mcpz_bytes_equal(name, mcpz_text("follow"))) {
        question->follows = !mcpz_bytes_equal(value, mcpz_text("0"));
        return question->follows && !mcpz_bytes_equal(value, mcpz_text("1"))
                   ? "\"follow\" is 0 or 1"
                   : NULL;
    }
    if (mcpz_bytes_equal(name, mcpz_text("since"))) {
        return read_seq(value, &question->since) ? NULL : "\"since\" is the \"seq\" of an event";
    }
    if (mcpz_bytes_equal(name, mcpz_text("event"))) {
        return mcpz_events_read_kinds(value, &question->kinds)
                   ? NULL
                   : "\"event\" is one or more of linked, unlinked, alive, suspect, dead, left, "
                     "refuted, capabilities, neighbour_up, neighbour_down, layout, "
                     "layout_settled, store_repaired, snapshot_failed, revoked, with commas "
                     "between";
    }
    return "events can be asked for with \"follow\", \"since\" and \"event\" only";
}

static const char *read_question(const struct mcpz_request *request, struct question *question)
{
    struct mcpz_bytes query = request->query;
    struct mcpz_bytes name;
    struct mcpz_bytes value;

    *question = (struct question){.follows = true, .kinds = mcpz_events_all_kinds()};
    while (mcpz_exchange_parameter(&query, &name, &value)) {
        const char *trouble = take_parameter(question, name, value);
        if (trouble != NULL) {
            return trouble;
        }
    }
    /* A browser that connects again says the URL it was given first, and where it has got to. */
    if (request->last_event.length > 0 && !read_seq(request->last_event, &question->since)) {
        return "Last-Event-ID is the \"id\" of an event";
    }
    return NULL;
}

void mcpz_api_get_events(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    char text[EVENT_BYTES_MAX];
    struct mcpz_events_reader reader;
    struct question question;
    size_t length;

    const char *trouble = read_question(request, &question);
    if (trouble != NULL) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST, "%s", trouble);
        return;
    }
    mcpz_events_reader_init(&reader, &exchange->api->events, question.since, question.kinds);
    if (question.follows) {
        follow(exchange, &reader);
        return;
    }
    while ((length = next_text(exchange, &reader, text)) > 0) {
        mcpz_body_append(&exchange->response.body, mcpz_bytes(text, length));
    }
    mcpz_exchange_send(exchange, 200, EVENT_STREAM_TYPE);
}
