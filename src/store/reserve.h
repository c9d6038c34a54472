/*
 * Room on the disk that is kept for deleting: it takes pages, too, and on a full disk it is what
 * makes room.
 *
 *   DIRECTORY/mcpz.reserve   bytes that are allocated and never read
 *
 * It is given up when something is to be removed and there is no room, and taken again when there
 * is plenty. What only adds never gets it.
 *
 * Source: reference/crdt.md, section 6: a reserve of 5 % for deletes; here at most 4 MiB.
 */

#ifndef STORE_RESERVE_H
#define STORE_RESERVE_H

#include <stdbool.h>
#include <stdint.h>

#define MCPZ_RESERVE_FILE "mcpz.reserve"
#define MCPZ_RESERVE_PERCENT 5
#define MCPZ_RESERVE_BYTES_MIN 131072
#define MCPZ_RESERVE_BYTES_MAX 4194304

struct mcpz_reserve {
    int file;       /* -1: none is kept */
    uint64_t bytes; /* it is to have */
    bool is_held;
};

/** Take it, if there is room. Without any, one does without. */
void mcpz_reserve_open(struct mcpz_reserve *reserve, const char *directory);

/** Give it up. False: it was not held. */
bool mcpz_reserve_release(struct mcpz_reserve *reserve);

/** Take it again, if there is four times as much room. Cheap where it is held. */
void mcpz_reserve_renew(struct mcpz_reserve *reserve);

void mcpz_reserve_close(struct mcpz_reserve *reserve);

#endif
