/*
 * Server-Sent Events as they come: pieces of a stream in, whole events out.
 *
 *   struct mcpz_bytes rest = piece;
 *   while (mcpz_sse_next(&sse, &rest, &event)) { ... }
 *
 * An event without data is none, but its id counts: a server says so where its stream can be
 * resumed (SEP-1699). Events of other names than "message" are given, too; fields that are not
 * known are skipped.
 *
 * Source: WHATWG HTML, section 9.2.6.
 */

#ifndef MCP_SSE_H
#define MCP_SSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"

#define MCPZ_SSE_LINE_BYTES_MAX                                                                   \
    8400000                       /* a message of MCPZ_MCP_MESSAGE_BYTES_MAX, and its field */
#define MCPZ_SSE_ID_BYTES_MAX 512 /* a longer one is none: that stream cannot be resumed */
#define MCPZ_SSE_NAME_BYTES_MAX 32
#define MCPZ_SSE_RETRY_MS_MAX 300000

struct mcpz_sse_text {
    uint8_t *data;
    size_t length;
    size_t capacity;
};

struct mcpz_sse {
    struct mcpz_sse_text line; /* of which the end is yet to come */
    struct mcpz_sse_text data; /* of the event so far, lines joined */
    bool has_data;
    bool is_told;  /* `data` was given away as an event: it begins anew */
    bool after_cr; /* a line feed that follows belongs to the last line's end */
    bool begun;
    char name[MCPZ_SSE_NAME_BYTES_MAX + 1];     /* of the event so far; "": message */
    char last_id[MCPZ_SSE_ID_BYTES_MAX + 1];    /* of the last whole event; "": none */
    char pending_id[MCPZ_SSE_ID_BYTES_MAX + 1]; /* of the event so far */
    uint32_t retry_ms;                          /* to wait before asking on; 0: nothing was said */
    mcpz_error error;                           /* nothing more is read */
};

/* Borrowed until the next call. */
struct mcpz_sse_event {
    const char *name; /* "message" if it has none */
    struct mcpz_bytes data;
};

void mcpz_sse_init(struct mcpz_sse *sse);

/** Another stream begins; the last event's id and the time to wait stay. */
void mcpz_sse_restart(struct mcpz_sse *sse);

/** Let go of what it holds. */
void mcpz_sse_finish(struct mcpz_sse *sse);

/**
 * Read on in `rest`, up to the end of an event. False: all of `rest` is read, or `sse->error` is
 * set: MCPZ_EFULL  more than MCPZ_SSE_LINE_BYTES_MAX in one event; MCPZ_ENOMEM
 */
MCPZ_MUST_USE bool mcpz_sse_next(struct mcpz_sse *sse, struct mcpz_bytes *rest,
                                 struct mcpz_sse_event *event);

#endif
