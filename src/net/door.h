/*
 * The listening socket: where peers come in.
 *
 * It is our own, and what it accepts (host/acceptor.h) is handed to libwebsockets: that way a
 * failure to bind has a name, and connections are counted before anything is spent on them.
 */

#ifndef NET_DOOR_H
#define NET_DOOR_H

#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"

#define MCPZ_DOOR_BACKLOG 64

struct ev_loop;
struct mcpz_door;

/* Takes `fd` over. */
typedef void (*mcpz_door_guest)(void *context, int fd);

/**
 * Listen on `listen` ("host:port", port 0: any; a host name is looked up here, which may take
 * seconds). `*port` gets the port listened on. On error `trouble` says what and why.
 *
 * Errors: MCPZ_ECONFLICT  the port is in use: by which process, in the text
 *         MCPZ_EIO        not an address, not ours, or may not be used
 *         MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_door_open(struct ev_loop *ev, const char *listen,
                                        struct mcpz_door **door, uint16_t *port, char *trouble,
                                        size_t trouble_bytes);

/** Let guests in from now on. */
void mcpz_door_unlock(struct mcpz_door *door, mcpz_door_guest guest, void *context);

/** NULL is fine. */
void mcpz_door_close(struct mcpz_door *door);

/** What every connection of the mesh gets: no delay, a dead peer noticed, little unsent. */
void mcpz_door_set_options(int fd);

#endif
