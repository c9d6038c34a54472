/* The bytes of a data file, wherever they are: in a file, in a part of one, in a pinned store. */

#ifndef STORE_PAGES_H
#define STORE_PAGES_H

#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"

struct mcpz_pages {
    const void *context;
    uint64_t bytes;
    /* All of `length` bytes at `offset`. Errors: MCPZ_ESHORT  they end before; MCPZ_EIO */
    mcpz_error (*read)(const void *context, uint64_t offset, void *bytes, size_t length);
};

/* A part of a file that is open. */
struct mcpz_file_part {
    int file;
    uint64_t offset;
    uint64_t bytes;
};

/** The part, which is borrowed, as pages. */
struct mcpz_pages mcpz_pages_of_file(const struct mcpz_file_part *part);

/** Read all of it. Errors: MCPZ_ESHORT, MCPZ_EIO (errno says more) */
MCPZ_MUST_USE mcpz_error mcpz_pages_read_file(int file, uint64_t offset, void *bytes,
                                              size_t length);

#endif
