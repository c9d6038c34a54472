/*
 * Where a Unix socket of the node's is: DATA/NAME, unless that is longer than a socket's address
 * can be. Then it lies in a private directory under $XDG_RUNTIME_DIR or /tmp, under a name nobody
 * can guess, and DATA/NAME.path says where.
 */

#ifndef HOST_SOCKET_PATH_H
#define HOST_SOCKET_PATH_H

#include <mcpz/error.h>

#include "base/attr.h"

#define MCPZ_SOCKET_PATH_BYTES_MAX 108 /* of sockaddr_un, terminator included */

struct mcpz_socket_path {
    char path[MCPZ_SOCKET_PATH_BYTES_MAX];
    char pointer[4096]; /* DATA/NAME.path; "": not needed */
};

/**
 * Choose the path, and say where it is. What a crash has left of an earlier one is removed. To be
 * called by who holds the data directory.
 *
 * Errors: MCPZ_EFULL  DATA itself is too long; MCPZ_EIO  no directory could be made
 */
MCPZ_MUST_USE mcpz_error mcpz_socket_path_choose(const char *directory, const char *name,
                                                 struct mcpz_socket_path *chosen);

/**
 * Listen there, without blocking. From its first moment on the socket is ours alone; what a node
 * that crashed has left is replaced. Returns the descriptor, or -1 with errno.
 */
MCPZ_MUST_USE int mcpz_socket_path_listen(const struct mcpz_socket_path *chosen);

/** Remove the socket, and what points to it. */
void mcpz_socket_path_remove(const struct mcpz_socket_path *chosen);

#endif
