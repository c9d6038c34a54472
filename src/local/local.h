/*
 * The Unix socket where programs speak the mesh's messages (wire/stream.h): DATA/mcpz.calls.sock.
 *
 * Only the user who runs the node may connect. It moves bytes and keeps its guests within bounds;
 * what they say is the desk's business. A program that does not take what it is sent is not read
 * from, and cut off when too much waits for it.
 */

#ifndef LOCAL_LOCAL_H
#define LOCAL_LOCAL_H

#include <mcpz/error.h>

#include "base/attr.h"
#include "desk/desk.h"
#include "host/loop.h"

#define MCPZ_LOCAL_SOCKET "mcpz.calls.sock"
#define MCPZ_LOCAL_UNREAD_BYTES_MAX 1048576 /* waiting for a program: then it is not read from */
#define MCPZ_LOCAL_OUT_BYTES_MAX 67108864   /* then it is cut off */

struct mcpz_local;

struct mcpz_local_trouble {
    char text[512];
};

/**
 * Listen, before `loop` turns. `directory` is the node's data; `desk` is borrowed.
 *
 * Errors: MCPZ_EIO  the socket cannot be made; MCPZ_EFULL  no path for it; MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_local_create(struct mcpz_loop *loop, const char *directory,
                                           struct mcpz_desk *desk, struct mcpz_local **local,
                                           struct mcpz_local_trouble *trouble);

/** After the loop has stopped turning, before mcpz_loop_destroy(). NULL is fine. */
void mcpz_local_destroy(struct mcpz_local *local);

/** Where the socket is. */
const char *mcpz_local_path(const struct mcpz_local *local);

#endif
