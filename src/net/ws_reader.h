/*
 * WebSocket frames as bytes come in, cut anywhere: pieces of messages, unmasked where they lie.
 *
 *   struct mcpz_ws_reader reader = {.masked = we_are_the_server};
 *   while ((error = mcpz_ws_reader_next(&reader, &bytes, &piece)) == MCPZ_OK) ...
 *
 * libwebsockets looks at every byte by itself, which cost more than all TLS does with it.
 * No extensions: their bits are refused. Pure; what is done with a piece is net/mesh.c's.
 *
 * Source: RFC 6455, sections 5.1 to 5.5.
 */

#ifndef NET_WS_READER_H
#define NET_WS_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "net/client_frame.h"

#define MCPZ_WS_CONTROL_BYTES_MAX 125 /* of a ping, a pong, a close (5.5) */

enum mcpz_ws_kind { /* opcodes (11.8) */
                    MCPZ_WS_TEXT = 1,
                    MCPZ_WS_BINARY = 2,
                    MCPZ_WS_CLOSE = 8,
                    MCPZ_WS_PING = 9,
                    MCPZ_WS_PONG = 10,
};

/* All zeros but `masked`: at the start of a frame that begins a message. */
struct mcpz_ws_reader {
    bool masked; /* what comes must be: clients mask, servers do not (5.1) */
    bool in_message;
    bool in_payload;
    bool is_final;        /* of the frame we are in */
    uint8_t message_kind; /* of the message we are in */
    uint8_t kind;         /* of the frame we are in */
    uint8_t header_have;  /* bytes of a header that has come in part */
    uint8_t key_at;       /* of the key, the next byte's */
    uint64_t left;        /* of the payload */
    uint8_t key[MCPZ_CLIENT_FRAME_KEY_BYTES];
    uint8_t header[MCPZ_CLIENT_FRAME_HEADER_BYTES_MAX];
};

/* Some of a frame's payload; of an empty frame: that it was there. */
struct mcpz_ws_piece {
    enum mcpz_ws_kind kind; /* a continuation's is its message's */
    struct mcpz_bytes bytes;
    uint64_t left; /* of this frame, still to come */
    bool is_last;  /* its message, or control frame, ends here */
};

/* What came and was not read yet. It is written to: that is where it is unmasked. */
struct mcpz_ws_bytes {
    uint8_t *data;
    size_t length;
};

/**
 * Take the next piece off `bytes`.
 *
 * Errors: MCPZ_ENOTFOUND  all bytes are taken, and more are to come
 *         MCPZ_EPROTO     what the standard forbids: nothing behind it can be made out
 */
MCPZ_MUST_USE mcpz_error mcpz_ws_reader_next(struct mcpz_ws_reader *reader,
                                             struct mcpz_ws_bytes *bytes,
                                             struct mcpz_ws_piece *piece);

#endif
