/*
 * Where the node's Unix socket is: DATA/mcpz.sock, unless that is longer than a socket's address
 * can be. Then it lies in a private directory under $XDG_RUNTIME_DIR or /tmp, under a name nobody
 * can guess, and DATA/mcpz.sock.path says where.
 */

#ifndef HTTP_SOCKET_PATH_H
#define HTTP_SOCKET_PATH_H

#include <mcpz/error.h>

#include "base/attr.h"

#define MCPZ_SOCKET_PATH_BYTES_MAX 108 /* of sockaddr_un, terminator included */

struct mcpz_socket_path {
    char path[MCPZ_SOCKET_PATH_BYTES_MAX];
    char pointer[4096]; /* DATA/mcpz.sock.path; "": not needed */
};

/**
 * Choose the path, and say where it is. What a crash has left of an earlier one is removed. To be
 * called by who holds the data directory.
 *
 * Errors: MCPZ_EFULL  DATA itself is too long; MCPZ_EIO  no directory could be made
 */
MCPZ_MUST_USE mcpz_error mcpz_socket_path_choose(const char *directory,
                                                 struct mcpz_socket_path *chosen);

/** Remove the socket, and what points to it. */
void mcpz_socket_path_remove(const struct mcpz_socket_path *chosen);

#endif
