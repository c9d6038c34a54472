/*
 * Streams of JSON lines over the mesh: over calls we make, and over what we do for others.
 *
 *   mcpz_lines_open() --OPEN, DATA, END-->  another node  --> on_open, on_line, on_input_end
 *   on_line, on_end   <--DATA, END / FAIL-                <-- mcpz_line_send(), mcpz_line_finish()
 *
 * One of these is one program at the desk (desk/desk.h). A line is a whole message without its
 * end of line; empty ones are skipped. Raw line ends inside what is sent become spaces: in JSON
 * they can only stand between tokens (RFC 8259, section 2).
 *
 * The desk may speak within the engine's turn, so what it says is only noted; all calls back come
 * from mcpz_lines_work(), which is to be called soon after `later` was. Functions here that speak
 * to the desk are for use outside the engine's turn, from within those calls back too.
 *
 * Flow control is the call's: MCPZ_CALL_WINDOW_BYTES may be on their way. What is sent beyond
 * that waits here, up to MCPZ_LINES_QUEUE_BYTES_MAX a stream; what comes is read on while its
 * line is incomplete, up to MCPZ_MCP_MESSAGE_BYTES_MAX, and not while the stream is paused.
 */

#ifndef MCP_LINES_H
#define MCP_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "desk/desk.h"
#include "proto/id.h"
#include "proto/limits.h"
#include "proto/msg.h"

#define MCPZ_LINES_QUEUE_BYTES_MAX 16777216
#define MCPZ_LINES_QUEUE_BYTES_LOW 131072 /* below that on_room is told, if there was none */
#define MCPZ_LINES_BYTES_MAX 268435456    /* of all streams of one, both ways */
#define MCPZ_LINES_STREAMS_MAX 6144

static_assert(MCPZ_LINES_STREAMS_MAX >= MCPZ_DESK_CALLS_MAX + MCPZ_PROGRAM_CALLS_MAX,
              "there is a stream for each call and run that the desk allows");
static_assert(MCPZ_LINES_QUEUE_BYTES_MAX >= MCPZ_MCP_MESSAGE_BYTES_MAX + 1, "one message fits");

struct mcpz_lines;
struct mcpz_line_stream;

/* How a stream has ended. */
struct mcpz_line_end {
    uint32_t code;          /* enum mcpz_code; 0: well. Of a run: CANCELLED, nobody waits */
    struct mcpz_bytes text; /* for people; borrowed */
    uint32_t retry_after_ms;
};

/* Who hears of a stream. Each but on_line and on_end may be NULL. */
struct mcpz_line_ports {
    /* `line` is borrowed. */
    void (*on_line)(void *context, struct mcpz_line_stream *stream, struct mcpz_bytes line);

    /* Of a run: its caller will say no more. */
    void (*on_input_end)(void *context, struct mcpz_line_stream *stream);

    /* The queue has fallen below MCPZ_LINES_QUEUE_BYTES_LOW, after it was above. */
    void (*on_room)(void *context, struct mcpz_line_stream *stream);

    /* It is over, and all lines have been told. The stream is gone when this returns. */
    void (*on_end)(void *context, struct mcpz_line_stream *stream,
                   const struct mcpz_line_end *end);
};

struct mcpz_lines_config {
    struct mcpz_desk *desk; /* borrowed for life */
    void *context;

    /* Have mcpz_lines_work() called soon, outside the engine's turn. */
    void (*later)(void *context);

    /* Somebody wants what we offer: say mcpz_line_listen(), or mcpz_line_fail(). `open` is
     * borrowed. NULL: we offer nothing. */
    void (*on_open)(void *context, struct mcpz_line_stream *stream,
                    const struct mcpz_msg_open *open);
};

/** Come to the desk. Errors: MCPZ_EFULL  too many programs; MCPZ_ENOMEM; `*lines` is then NULL */
MCPZ_MUST_USE mcpz_error mcpz_lines_create(const struct mcpz_lines_config *config,
                                           struct mcpz_lines **lines);

/** Leave the desk: calls are cancelled, runs fail as lost, nothing calls back. NULL is fine. */
void mcpz_lines_destroy(struct mcpz_lines *lines);

/**
 * Offer just these capabilities from now on.
 *
 * Errors: MCPZ_ECONFLICT  another edge offers one of them; MCPZ_EFULL  the node offers too many;
 *         those before it in the list are offered then
 */
MCPZ_MUST_USE mcpz_error mcpz_lines_offer(struct mcpz_lines *lines, const struct mcpz_bytes *names,
                                          size_t count);

/** Call back for all that has come. Not from within a call back. */
void mcpz_lines_work(struct mcpz_lines *lines);

/* A call to make; all of it is borrowed but for the ports, which must last. */
struct mcpz_line_call {
    struct mcpz_bytes capability;
    const struct mcpz_id *target; /* nobody else may do it; NULL: whoever can */
    struct mcpz_bytes params;
    uint32_t timeout_ms; /* 0: MCPZ_DESK_TIMEOUT_MS */
    uint32_t priority;   /* MCPZ_PRIORITY_DEFAULT, if nothing else is known */
    struct mcpz_bytes tenant;
    struct mcpz_bytes traceparent;
    struct mcpz_bytes idempotency_key;
    bool idempotent;
    const struct mcpz_line_ports *ports;
    void *context;
};

/**
 * Begin a call. How it ends is told by on_end, never from within this.
 *
 * Errors: MCPZ_ENOMEM; MCPZ_EPROTO  something is over its bound (proto/limits.h)
 */
MCPZ_MUST_USE mcpz_error mcpz_lines_open(struct mcpz_lines *lines,
                                         const struct mcpz_line_call *call,
                                         struct mcpz_line_stream **stream);

/** Hear of a run from now on. `ports` must last. */
void mcpz_line_listen(struct mcpz_line_stream *stream, const struct mcpz_line_ports *ports,
                      void *context);

/**
 * Send one message, made of `count` parts.
 *
 * Errors: MCPZ_EPROTO  larger than MCPZ_MCP_MESSAGE_BYTES_MAX; MCPZ_EFULL  too much waits already
 *         MCPZ_ENOMEM; nothing of it is sent then
 */
MCPZ_MUST_USE mcpz_error mcpz_line_send(struct mcpz_line_stream *stream,
                                        const struct mcpz_bytes *parts, size_t count);

/** How many bytes wait to be sent. */
size_t mcpz_line_queued(const struct mcpz_line_stream *stream);

/** Tell no more lines, and let the other end wait; or go on. */
void mcpz_line_pause(struct mcpz_line_stream *stream, bool paused);

/**
 * That was all from this side, once what waits has gone. Of a call: the provider's lines still
 * come, and on_end. Of a run: it has ended well, and nothing is told of it any more.
 */
void mcpz_line_finish(struct mcpz_line_stream *stream);

/** Of a run: it has failed; what waits is not sent. Nothing is told of it any more. */
void mcpz_line_fail(struct mcpz_line_stream *stream, uint32_t code, const char *text,
                    uint32_t retry_after_ms);

/** Of a call: nobody wants it any more. Nothing is told of it any more. */
void mcpz_line_cancel(struct mcpz_line_stream *stream);

/** How many streams there are. */
size_t mcpz_lines_count(const struct mcpz_lines *lines);

#endif
