/*
 * What is in a directory, read without memory of the heap.
 *
 * opendir() allocates, which a process forked from one with threads may not do. Knows "." and
 * ".." and leaves them out. Async-signal-safe.
 */

#ifndef EXEC_LISTING_H
#define EXEC_LISTING_H

#include <stddef.h>

#define MCPZ_LISTING_BYTES 4096

struct mcpz_listing {
    int fd; /* borrowed: a directory */
    size_t at;
    size_t length;
    _Alignas(8) char buffer[MCPZ_LISTING_BYTES];
};

/** Start at the first entry of the directory open at `fd`. */
void mcpz_listing_init(struct mcpz_listing *listing, int fd);

/** The next name, borrowed until the next call. NULL: no more, or it cannot be read. */
const char *mcpz_listing_next(struct mcpz_listing *listing);

#endif
