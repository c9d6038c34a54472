/*
 * What comes over a wire: pieces put together to frames, which go to the engine.
 *
 *   libwebsockets: TLS, upgrade, the first message | we ourselves: all after it | it again: the
 * end
 *
 * We read from TLS directly, many bytes at a time, as soon as the first message has come whole:
 * then libwebsockets holds nothing of the next one. Its own reading is stopped by its flow
 * control, and set going again by itself for the closing handshake. It goes on writing. For
 * net/mesh.c only.
 */

#ifndef NET_INCOMING_H
#define NET_INCOMING_H

#include <stdbool.h>

#include "net/mesh.h"
#include "net/ws_reader.h"

/** Take a piece. False: the wire is to be closed, for which `wire->why` and `status` are set. */
MCPZ_MUST_USE bool mcpz_incoming_take(struct mcpz_wire *wire, const struct mcpz_ws_piece *piece);

/**
 * Read once more from those that something came from since it was asked last: the more frames a
 * turn takes in, the fewer it takes for all. And read by ourselves from now on where that can
 * begin. Not from within libwebsockets. False: nothing came.
 */
bool mcpz_incoming_drain(void *context);

/** What mcpz_mesh.more does: go on reading where a turn had enough. */
void mcpz_incoming_more(void *context);

/** Leave reading to libwebsockets from now on. */
void mcpz_incoming_stop(struct mcpz_wire *wire);

/** It is gone. */
void mcpz_incoming_forget(struct mcpz_wire *wire);

#endif
