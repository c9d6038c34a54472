#include "mcp/flow.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMENT ": \n\n"
#define HEAD_BYTES_MAX 64 /* "id: ...\ndata: ", and what a first event has more */
#define DIGITS_MAX 19

struct mcpz_flow_event {
    struct mcpz_flow_event *next;
    uint64_t seq;
    size_t length;
    uint8_t bytes[]; /* as they are sent */
};

void mcpz_flow_init(struct mcpz_flow *flow, uint32_t number)
{
    *flow = (struct mcpz_flow){.number = number};
}

static void drop_first(struct mcpz_flow *flow)
{
    struct mcpz_flow_event *event = flow->first;

    flow->first = event->next;
    if (flow->first == NULL) {
        flow->last = NULL;
    }
    free(event);
}

void mcpz_flow_finish(struct mcpz_flow *flow)
{
    while (flow->first != NULL) {
        drop_first(flow);
    }
    *flow = (struct mcpz_flow){.number = flow->number, .last_seq = flow->last_seq, .ended = true};
}

/* ---- In ----------------------------------------------------------------------------------- */

static void append(struct mcpz_flow *flow, struct mcpz_flow_event *event)
{
    if (flow->last != NULL) {
        flow->last->next = event;
    } else {
        flow->first = event;
    }
    flow->last = event;
    if (flow->next == NULL) {
        flow->next = event;
        flow->offset = 0;
    }
    flow->waiting_bytes += event->length;
}

static struct mcpz_flow_event *make(size_t length)
{
    struct mcpz_flow_event *event = malloc(sizeof(*event) + length);

    if (event != NULL) {
        event->next = NULL;
        event->length = 0;
    }
    return event;
}

static void put(struct mcpz_flow_event *event, struct mcpz_bytes bytes)
{
    if (bytes.length > 0) {
        memcpy(event->bytes + event->length, bytes.data, bytes.length);
        event->length += bytes.length;
    }
}

/* Line ends may stand between tokens, but not in an event's data. */
static void put_line(struct mcpz_flow_event *event, struct mcpz_bytes bytes)
{
    size_t start = event->length;

    put(event, bytes);
    for (size_t i = start; i < event->length; i++) {
        if (event->bytes[i] == '\n' || event->bytes[i] == '\r') {
            event->bytes[i] = ' ';
        }
    }
}

static void put_id(struct mcpz_flow *flow, struct mcpz_flow_event *event)
{
    char text[HEAD_BYTES_MAX];

    event->seq = ++flow->last_seq;
    if (flow->number != 0) {
        int length = snprintf(text, sizeof(text), "id: %u-%llu\n", flow->number,
                              (unsigned long long)event->seq);
        put(event, mcpz_bytes(text, (size_t)length));
    }
}

mcpz_error mcpz_flow_add(struct mcpz_flow *flow, const struct mcpz_bytes *parts, size_t count)
{
    size_t length = HEAD_BYTES_MAX;

    assert(!flow->ended);
    for (size_t i = 0; i < count; i++) {
        length += parts[i].length;
    }
    if (flow->waiting_bytes > 0 && flow->waiting_bytes + length > MCPZ_FLOW_WAITING_BYTES_MAX) {
        return MCPZ_EFULL;
    }
    struct mcpz_flow_event *event = make(length);
    if (event == NULL) {
        return MCPZ_ENOMEM;
    }
    put_id(flow, event);
    put(event, mcpz_text("data: "));
    for (size_t i = 0; i < count; i++) {
        put_line(event, parts[i]);
    }
    put(event, mcpz_text("\n\n"));
    assert(event->length <= length);
    append(flow, event);
    return MCPZ_OK;
}

mcpz_error mcpz_flow_prime(struct mcpz_flow *flow, unsigned retry_ms)
{
    char text[HEAD_BYTES_MAX];
    struct mcpz_flow_event *event = make(2 * sizeof(text));

    if (event == NULL) {
        return MCPZ_ENOMEM;
    }
    put_id(flow, event);
    int length = snprintf(text, sizeof(text), "retry: %u\ndata: \n\n", retry_ms);
    put(event, mcpz_bytes(text, (size_t)length));
    append(flow, event);
    return MCPZ_OK;
}

void mcpz_flow_comment(struct mcpz_flow *flow)
{
    flow->has_comment = true;
}

/* ---- Out ---------------------------------------------------------------------------------- */

bool mcpz_flow_is_sent(const struct mcpz_flow *flow)
{
    return flow->next == NULL && !flow->has_comment;
}

/* `next` has been sent. */
static void keep(struct mcpz_flow *flow)
{
    struct mcpz_flow_event *event = flow->next;

    flow->waiting_bytes -= event->length;
    flow->kept_bytes += event->length;
    flow->kept_count++;
    flow->next = event->next;
    flow->offset = 0;
    while (flow->kept_count > 0 &&
           (flow->number == 0 || flow->kept_bytes > MCPZ_FLOW_KEPT_BYTES_MAX ||
            flow->kept_count > MCPZ_FLOW_KEPT_MAX)) {
        flow->kept_bytes -= flow->first->length;
        flow->kept_count--;
        drop_first(flow);
    }
}

size_t mcpz_flow_pull(struct mcpz_flow *flow, uint8_t *out, size_t capacity)
{
    size_t used = 0;

    while (flow->next != NULL && used < capacity) {
        size_t left = flow->next->length - flow->offset;
        size_t count = left < capacity - used ? left : capacity - used;
        memcpy(out + used, flow->next->bytes + flow->offset, count);
        used += count;
        flow->offset += count;
        if (flow->offset == flow->next->length) {
            keep(flow);
        }
    }
    if (used == 0 && flow->has_comment && capacity >= sizeof(COMMENT)) {
        used = sizeof(COMMENT) - 1;
        memcpy(out, COMMENT, used);
    }
    flow->has_comment = flow->has_comment && used == 0;
    return used;
}

void mcpz_flow_rewind(struct mcpz_flow *flow, uint64_t seq)
{
    flow->next = flow->first;
    flow->offset = 0;
    flow->kept_bytes = 0;
    flow->kept_count = 0;
    flow->waiting_bytes = 0;
    for (const struct mcpz_flow_event *event = flow->first; event != NULL; event = event->next) {
        if (event->seq <= seq) {
            flow->kept_bytes += event->length;
            flow->kept_count++;
            flow->next = event->next;
        } else {
            flow->waiting_bytes += event->length;
        }
    }
}

static bool read_number(struct mcpz_bytes text, uint64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        *number = *number * 10 + (uint64_t)(text.data[i] - '0');
    }
    return text.length > 0 && text.length < DIGITS_MAX;
}

bool mcpz_flow_read_id(struct mcpz_bytes id, uint32_t *number, uint64_t *seq)
{
    const uint8_t *dash = id.length > 0 ? memchr(id.data, '-', id.length) : NULL;
    uint64_t flow = 0;

    if (dash == NULL || id.length > MCPZ_FLOW_ID_CHARS) {
        return false;
    }
    size_t before = (size_t)(dash - id.data);
    if (!read_number(mcpz_bytes(id.data, before), &flow) || flow == 0 || flow > UINT32_MAX ||
        !read_number(mcpz_bytes(dash + 1, id.length - before - 1), seq)) {
        return false;
    }
    *number = (uint32_t)flow;
    return true;
}
