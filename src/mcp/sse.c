#include "mcp/sse.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES 1024
#define KEPT_BYTES 65536 /* of room that is not given back between events */

static const uint8_t byte_order_mark[] = {0xEF, 0xBB, 0xBF};

void mcpz_sse_init(struct mcpz_sse *sse)
{
    *sse = (struct mcpz_sse){.begun = false};
}

static void drop(struct mcpz_sse_text *text)
{
    free(text->data);
    *text = (struct mcpz_sse_text){.data = NULL};
}

void mcpz_sse_finish(struct mcpz_sse *sse)
{
    drop(&sse->line);
    drop(&sse->data);
}

void mcpz_sse_restart(struct mcpz_sse *sse)
{
    struct mcpz_sse fresh = {.retry_ms = sse->retry_ms};

    memcpy(fresh.last_id, sse->last_id, sizeof(fresh.last_id));
    memcpy(fresh.pending_id, sse->last_id, sizeof(fresh.pending_id));
    mcpz_sse_finish(sse);
    *sse = fresh;
}

static void clear(struct mcpz_sse_text *text)
{
    text->length = 0;
    if (text->capacity > KEPT_BYTES) {
        drop(text);
    }
}

static bool append(struct mcpz_sse *sse, struct mcpz_sse_text *text, struct mcpz_bytes bytes)
{
    size_t capacity = text->capacity > 0 ? text->capacity : FIRST_BYTES;

    if (bytes.length > MCPZ_SSE_LINE_BYTES_MAX - text->length) {
        sse->error = MCPZ_EFULL;
        return false;
    }
    while (capacity < text->length + bytes.length) {
        capacity *= 2;
    }
    if (capacity > text->capacity) {
        uint8_t *data = realloc(text->data, capacity);
        if (data == NULL) {
            sse->error = MCPZ_ENOMEM;
            return false;
        }
        text->data = data;
        text->capacity = capacity;
    }
    if (bytes.length > 0) {
        memcpy(text->data + text->length, bytes.data, bytes.length);
        text->length += bytes.length;
    }
    return true;
}

/* ---- Fields ------------------------------------------------------------------------------- */

static void take_data(struct mcpz_sse *sse, struct mcpz_bytes value)
{
    if (!sse->has_data || append(sse, &sse->data, mcpz_text("\n"))) {
        sse->has_data = append(sse, &sse->data, value);
    }
}

static void take_id(struct mcpz_sse *sse, struct mcpz_bytes value)
{
    if (value.length > 0 && memchr(value.data, '\0', value.length) != NULL) {
        return;
    }
    mcpz_bytes_to_text(value.length <= MCPZ_SSE_ID_BYTES_MAX ? value : mcpz_text(""),
                       sse->pending_id, sizeof(sse->pending_id));
}

static void take_retry(struct mcpz_sse *sse, struct mcpz_bytes value)
{
    uint32_t milliseconds = 0;

    for (size_t i = 0; i < value.length; i++) {
        if (value.data[i] < '0' || value.data[i] > '9') {
            return;
        }
        milliseconds = milliseconds * 10 + (uint32_t)(value.data[i] - '0');
        if (milliseconds > MCPZ_SSE_RETRY_MS_MAX) {
            milliseconds = MCPZ_SSE_RETRY_MS_MAX;
        }
    }
    if (value.length > 0) {
        sse->retry_ms = milliseconds;
    }
}

static void take_field(struct mcpz_sse *sse, struct mcpz_bytes line)
{
    const uint8_t *colon = memchr(line.data, ':', line.length);
    const size_t length = colon != NULL ? (size_t)(colon - line.data) : line.length;
    const struct mcpz_bytes name = mcpz_bytes(line.data, length);
    struct mcpz_bytes value = mcpz_bytes(line.data + line.length, 0);

    if (colon != NULL) {
        value = mcpz_bytes(colon + 1, line.length - length - 1);
        if (value.length > 0 && value.data[0] == ' ') {
            value = mcpz_bytes(value.data + 1, value.length - 1);
        }
    }
    if (mcpz_bytes_equal(name, mcpz_text("data"))) {
        take_data(sse, value);
    } else if (mcpz_bytes_equal(name, mcpz_text("id"))) {
        take_id(sse, value);
    } else if (mcpz_bytes_equal(name, mcpz_text("event"))) {
        mcpz_bytes_to_text(value, sse->name, sizeof(sse->name));
    } else if (mcpz_bytes_equal(name, mcpz_text("retry"))) {
        take_retry(sse, value);
    }
}

/* ---- Lines -------------------------------------------------------------------------------- */

/* What was told is over. */
static void begin_event(struct mcpz_sse *sse)
{
    clear(&sse->data);
    sse->has_data = false;
    sse->is_told = false;
    sse->name[0] = '\0';
}

/* An empty line. True: there is an event. */
static bool end_event(struct mcpz_sse *sse, struct mcpz_sse_event *event)
{
    memcpy(sse->last_id, sse->pending_id, sizeof(sse->last_id));
    if (sse->data.length == 0) {
        begin_event(sse);
        return false;
    }
    sse->is_told = true;
    *event = (struct mcpz_sse_event){.name = sse->name[0] != '\0' ? sse->name : "message",
                                     .data = mcpz_bytes(sse->data.data, sse->data.length)};
    return true;
}

static bool take_line(struct mcpz_sse *sse, struct mcpz_bytes line, struct mcpz_sse_event *event)
{
    if (!sse->begun) {
        sse->begun = true;
        if (line.length >= sizeof(byte_order_mark) &&
            memcmp(line.data, byte_order_mark, sizeof(byte_order_mark)) == 0) {
            line = mcpz_bytes(line.data + sizeof(byte_order_mark),
                              line.length - sizeof(byte_order_mark));
        }
    }
    if (line.length == 0) {
        return end_event(sse, event);
    }
    take_field(sse, line);
    return false;
}

/* Where the first line of `bytes` ends; NULL: not within them. */
static const uint8_t *find_end(struct mcpz_bytes bytes)
{
    const uint8_t *feed = memchr(bytes.data, '\n', bytes.length);
    const uint8_t *cr =
        memchr(bytes.data, '\r', feed != NULL ? (size_t)(feed - bytes.data) : bytes.length);

    return cr != NULL ? cr : feed;
}

static void skip(struct mcpz_bytes *bytes, size_t count)
{
    *bytes = mcpz_bytes(bytes->data + count, bytes->length - count);
}

bool mcpz_sse_next(struct mcpz_sse *sse, struct mcpz_bytes *rest, struct mcpz_sse_event *event)
{
    bool is_whole = false;

    if (sse->is_told) {
        begin_event(sse);
    }
    while (!is_whole && sse->error == MCPZ_OK && rest->length > 0) {
        if (sse->after_cr && rest->data[0] == '\n') {
            skip(rest, 1);
        }
        sse->after_cr = false;
        if (rest->length == 0) {
            break;
        }
        const uint8_t *end = find_end(*rest);
        const size_t length = end != NULL ? (size_t)(end - rest->data) : rest->length;
        struct mcpz_bytes line = mcpz_bytes(rest->data, length);
        if (sse->line.length > 0 || end == NULL) {
            if (!append(sse, &sse->line, line)) {
                break;
            }
            line = mcpz_bytes(sse->line.data, sse->line.length);
        }
        skip(rest, length);
        if (end != NULL) {
            sse->after_cr = *end == '\r';
            skip(rest, 1);
            is_whole = take_line(sse, line, event);
            clear(&sse->line);
        }
    }
    return is_whole && sse->error == MCPZ_OK;
}
