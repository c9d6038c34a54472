/* Whose is that port? Read from /proc, to tell people who have to do something about it. */

#ifndef NET_OWNER_H
#define NET_OWNER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attr.h"

#define MCPZ_OWNER_NAME_BYTES 64

struct mcpz_owner {
    pid_t pid;
    char name[MCPZ_OWNER_NAME_BYTES]; /* as ps shows it */
};

/**
 * Find the process that listens on TCP `port`, on whatever address. False if there is none, or if
 * we may not know: other users' processes are hidden from all but root.
 */
MCPZ_MUST_USE bool mcpz_owner_of_port(uint16_t port, struct mcpz_owner *owner);

#endif
