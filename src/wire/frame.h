/*
 * Frames: several messages in one WebSocket message.
 *
 *   frame = flags u8, body          flags bit 0: the body is one zstd frame
 *   body  = message, message, ...   each a complete MessagePack array
 *
 * At most MCPZ_FRAME_BYTES_MAX before compression. Bodies of MCPZ_COMPRESS_BYTES_MIN and more are
 * compressed when that makes them smaller.
 */

#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"

/* Compressor, decompressor and their buffers. One serves all links of a thread. */
struct mcpz_framer;

/* Of bodies that are large enough. */
enum mcpz_compress {
    MCPZ_COMPRESS_NOTHING, /* the far side would not open it */
    MCPZ_COMPRESS_LARGE,   /* those with a message that is large enough by itself */
    MCPZ_COMPRESS_ALL,     /* also those of many small messages */
};

/** Errors: MCPZ_ENOMEM; `*framer` is then NULL. zstd's own state is made at first use. */
MCPZ_MUST_USE mcpz_error mcpz_framer_create(struct mcpz_framer **framer);

/**
 * Let go of zstd's state, 140 KB, if it was not used since the last time this was called: large
 * frames come when nodes join, and hardly ever where nobody calls. True: there was some.
 */
bool mcpz_framer_rest(struct mcpz_framer *framer);

/** NULL is fine. */
void mcpz_framer_destroy(struct mcpz_framer *framer);

/** Start a frame. What was packed before and not taken is forgotten. */
void mcpz_framer_begin(struct mcpz_framer *framer);

/**
 * Add one encoded message. False, and nothing added, if it no longer fits or is one too many
 * (MCPZ_FRAME_MESSAGES_MAX).
 */
MCPZ_MUST_USE bool mcpz_framer_add(struct mcpz_framer *framer, struct mcpz_bytes message);

/**
 * Close the frame and return its bytes, flags byte included; valid until the next begin(). None
 * if nothing was added: there is nothing to send.
 *
 * The bytes may be changed by the caller in place (a WebSocket client masks what it sends).
 */
struct mcpz_bytes mcpz_framer_finish(struct mcpz_framer *framer, enum mcpz_compress compress);

/**
 * Open a frame of an untrusted peer: `*body` points into `frame`, or into the framer until its
 * next open(). It is known to hold 1 to MCPZ_FRAME_MESSAGES_MAX whole values: a frame is taken
 * whole or not at all.
 *
 * Errors: MCPZ_ESHORT   empty, or a message is cut off
 *         MCPZ_EPROTO   unknown flags, not one zstd frame, empty body, or a message no
 *                       mcpz_frame_next() would return
 *         MCPZ_EFULL    the body is, or would be, larger than a frame may be, or holds too many
 *                       messages
 *         MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_framer_open(struct mcpz_framer *framer, struct mcpz_bytes frame,
                                          struct mcpz_bytes *body);

/**
 * Split the first message off `*body`, as mcpz_framer_open() gave it or the last call left it:
 * where messages end is known from there, and not looked for again. False: that was all.
 *
 * Between the two no other frame is opened by this framer.
 */
bool mcpz_framer_next(struct mcpz_framer *framer, struct mcpz_bytes *body,
                      struct mcpz_bytes *message);

/**
 * Split the first message off `*body`.
 *
 * Errors: MCPZ_ENOTFOUND  the body is empty: that was all
 *         MCPZ_ESHORT, MCPZ_EPROTO  as mcpz_shape_measure(), or larger than MCPZ_MSG_BYTES_MAX
 *         (never in what mcpz_framer_open() returned)
 */
MCPZ_MUST_USE mcpz_error mcpz_frame_next(struct mcpz_bytes *body, struct mcpz_bytes *message);

#endif
