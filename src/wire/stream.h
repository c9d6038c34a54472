/*
 * Messages over a byte stream between a node and programs on its machine: no WebSocket, no TLS.
 *
 *   stream = { length u32, big-endian; message of that many bytes }*
 *
 * A message is one MessagePack array, as on links between nodes (wire/codec.h). One buffer serves
 * one direction: what was read and not yet taken, or what was put and not yet sent.
 */

#ifndef WIRE_STREAM_H
#define WIRE_STREAM_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "proto/limits.h"
#include "proto/msg.h"

#define MCPZ_STREAM_HEADER_BYTES 4
#define MCPZ_STREAM_MESSAGE_BYTES_MAX (MCPZ_STREAM_HEADER_BYTES + MCPZ_MSG_BYTES_MAX)
#define MCPZ_STREAM_BYTES_FIRST 131072 /* what a buffer begins with, and goes back to */

static_assert(MCPZ_STREAM_BYTES_FIRST >= 2 * MCPZ_STREAM_MESSAGE_BYTES_MAX,
              "a whole message fits beside a part of another");

struct mcpz_stream {
    uint8_t *bytes; /* NULL: nothing is in it */
    size_t start;   /* of what is in it */
    size_t length;
    size_t capacity;
    size_t bytes_max;
};

/** Start empty, without memory. `bytes_max` is at least MCPZ_STREAM_BYTES_FIRST (asserted). */
void mcpz_stream_init(struct mcpz_stream *stream, size_t bytes_max);
void mcpz_stream_finish(struct mcpz_stream *stream);

/**
 * Room for `size` more bytes at the end, at most MCPZ_STREAM_BYTES_FIRST (asserted). What is
 * written there is part of the stream after mcpz_stream_added().
 *
 * Errors: MCPZ_EFULL  more than `bytes_max` would be in it; MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_stream_room(struct mcpz_stream *stream, size_t size, uint8_t **room);
void mcpz_stream_added(struct mcpz_stream *stream, size_t size);

/** What is in it, from its start. Lasts until it is changed. */
struct mcpz_bytes mcpz_stream_peek(const struct mcpz_stream *stream);

/** Take `size` bytes off its start. An empty stream gives back what it grew beyond its first. */
void mcpz_stream_drop(struct mcpz_stream *stream, size_t size);

/**
 * Put a message at the end. Bounds as mcpz_msg_encode().
 *
 * Errors: MCPZ_EFULL, MCPZ_ENOMEM as mcpz_stream_room(); MCPZ_EPROTO  a text is not UTF-8
 */
MCPZ_MUST_USE mcpz_error mcpz_stream_put(struct mcpz_stream *stream, const struct mcpz_msg *msg);

/**
 * Look at the first message of what an untrusted other end sent; `*message` lasts until the
 * stream is changed. mcpz_stream_drop() of MCPZ_STREAM_HEADER_BYTES and its length takes it off.
 *
 * Errors: MCPZ_ENOTFOUND  it is not complete yet
 *         MCPZ_EPROTO     it is empty, or larger than MCPZ_MSG_BYTES_MAX
 */
MCPZ_MUST_USE mcpz_error mcpz_stream_next(const struct mcpz_stream *stream,
                                          struct mcpz_bytes *message);

#endif
