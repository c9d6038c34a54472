/*
 * How the driver of ours gets to its node: the same calls either way. Over the socket of a node
 * that runs (over_socket.c), or with the node inside the driver (embedded.c).
 */

#ifndef BENCH_CONNECT_H
#define BENCH_CONNECT_H

#include <mcpz/client.h>

#include "driver.h"

/**
 * Make a client of the node with data directory `driver->where`. Embedded: that node is made here,
 * and joins by $MCPZ_JOIN_TOKEN; who makes a mesh prints a token. A caller waits until
 * `driver->providers` nodes are known to offer `driver->name`. Ends the process on error.
 */
struct mcpz_client *driver_connect(const struct driver *driver);

/** Close the client, and the node if it is ours. */
void driver_disconnect(struct mcpz_client *client);

#endif
