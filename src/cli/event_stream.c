#include "cli/event_stream.h"

#include <stdio.h>
#include <string.h>

#include "cli/show.h"

#define DATA_FIELD "data:"
#define CLOCK_AT 11 /* in "2026-11-20T12:04:05.123Z" */
#define CLOCK_CHARS 12
#define TYPE_WIDTH 14 /* of "neighbour_down" */

/* ---- Reading ------------------------------------------------------------------------------ */

void mcpz_event_stream_init(struct mcpz_event_stream *stream,
                            mcpz_error (*take)(void *context, const char *data), void *context)
{
    stream->take = take;
    stream->context = context;
    stream->line_length = 0;
    stream->data_length = 0;
}

/* An empty line ends an event; one without data is none. */
static mcpz_error end_event(struct mcpz_event_stream *stream)
{
    size_t length = stream->data_length;

    stream->data_length = 0;
    if (length == 0) {
        return MCPZ_OK;
    }
    stream->data[length - 1] = '\0'; /* in place of the last line's end */
    return stream->take(stream->context, stream->data);
}

static mcpz_error end_line(struct mcpz_event_stream *stream)
{
    size_t length = stream->line_length;

    stream->line_length = 0;
    if (length > 0 && stream->line[length - 1] == '\r') {
        length--;
    }
    stream->line[length] = '\0';
    if (length == 0) {
        return end_event(stream);
    }
    if (strncmp(stream->line, DATA_FIELD, sizeof(DATA_FIELD) - 1) != 0) {
        return MCPZ_OK;
    }
    const char *value = stream->line + sizeof(DATA_FIELD) - 1;
    value += *value == ' ' ? 1 : 0;
    size_t value_length = strlen(value);
    if (stream->data_length + value_length + 1 > MCPZ_EVENT_LINE_BYTES_MAX) {
        return MCPZ_EFULL;
    }
    memcpy(stream->data + stream->data_length, value, value_length);
    stream->data_length += value_length;
    stream->data[stream->data_length++] = '\n';
    return MCPZ_OK;
}

mcpz_error mcpz_event_stream_read(struct mcpz_event_stream *stream, struct mcpz_bytes piece)
{
    for (size_t i = 0; i < piece.length; i++) {
        char byte = (char)piece.data[i];
        mcpz_error error = MCPZ_OK;
        if (byte == '\n') {
            error = end_line(stream);
        } else if (stream->line_length == MCPZ_EVENT_LINE_BYTES_MAX) {
            error = MCPZ_EFULL;
        } else {
            stream->line[stream->line_length++] = byte;
        }
        if (error != MCPZ_OK) {
            return error;
        }
    }
    return MCPZ_OK;
}

/* ---- Showing ------------------------------------------------------------------------------ */

/* The name of whom it is about, or the first letters of its id. */
static const char *who(const json_t *event, char *room)
{
    const char *name = json_string_value(json_object_get(event, "name"));

    if (name == NULL && json_object_get(event, "node") == NULL) {
        return ""; /* events that were lost are about nobody */
    }
    return name != NULL ? name : mcpz_json_short_id(event, "node", room);
}

/* "(silent)", "(attic:8765)", "(12 not_kept)"; "" if there is nothing to add. */
static void write_rest(const json_t *event, char *text, size_t capacity)
{
    char count[MCPZ_FIELD_BYTES];
    const char *lost = mcpz_json_field(event, "count", count);
    const char *reason = json_string_value(json_object_get(event, "reason"));
    const char *address = json_string_value(json_object_get(event, "address"));
    const char *rest = reason != NULL ? reason : address;

    text[0] = '\0';
    if (rest != NULL) {
        (void)snprintf(text, capacity, "  (%s%s%s)", lost != NULL ? lost : "",
                       lost != NULL ? " " : "", rest);
    }
}

void mcpz_event_to_text(const json_t *event, char *text)
{
    char room[MCPZ_FIELD_BYTES];
    char rest[MCPZ_FIELD_BYTES];
    const char *time = mcpz_show_text(event, "time");
    size_t skip = strlen(time) > CLOCK_AT ? CLOCK_AT : 0;

    write_rest(event, rest, sizeof(rest));
    (void)snprintf(text, MCPZ_EVENT_TEXT_BYTES, "%-*.*s  %-*.64s  %.128s%s", CLOCK_CHARS,
                   CLOCK_CHARS, time + skip, TYPE_WIDTH, mcpz_show_text(event, "event"),
                   who(event, room), rest);
}
