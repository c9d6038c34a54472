/*
 * The events of a node, as they come over HTTP: from pieces of a stream to events, from an event
 * to a line for people. Pure.
 *
 * Left out of Server-Sent Events: the fields but `data`, which holds all we need; lines that end
 * with CR alone.
 *
 * Source: WHATWG HTML, section 9.2.6, "Interpreting an event stream".
 */

#ifndef CLI_EVENT_STREAM_H
#define CLI_EVENT_STREAM_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"

#define MCPZ_EVENT_LINE_BYTES_MAX 8192 /* of a line of the stream, and of an event's data */
#define MCPZ_EVENT_TEXT_BYTES 1024     /* of a line for people */

struct mcpz_event_stream {
    /* Takes one event's data, terminated; its error ends the reading. */
    mcpz_error (*take)(void *context, const char *data);
    void *context;
    size_t line_length;
    size_t data_length;
    char line[MCPZ_EVENT_LINE_BYTES_MAX + 1];
    char data[MCPZ_EVENT_LINE_BYTES_MAX + 1];
};

void mcpz_event_stream_init(struct mcpz_event_stream *stream,
                            mcpz_error (*take)(void *context, const char *data), void *context);

/**
 * Read the next bytes, and hand over each event that is complete.
 *
 * Errors: MCPZ_EFULL  a line, or an event, is longer than MCPZ_EVENT_LINE_BYTES_MAX
 *         those of `take`
 */
MCPZ_MUST_USE mcpz_error mcpz_event_stream_read(struct mcpz_event_stream *stream,
                                                struct mcpz_bytes piece);

/** "12:04:05.123  dead            attic  (reason)" in `text` of MCPZ_EVENT_TEXT_BYTES. */
void mcpz_event_to_text(const json_t *event, char *text);

#endif
