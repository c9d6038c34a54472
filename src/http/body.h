/*
 * Bytes of a request or an answer, as many as it takes: the first MCPZ_BODY_MEMORY_MAX in
 * memory, beyond that all of them in a temporary file that has no name and is gone with us.
 *
 * So a task input of 256 MiB costs the node disk, not memory. Errors stick: once an append has
 * failed the body is no good.
 */

#ifndef HTTP_BODY_H
#define HTTP_BODY_H

#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"

#define MCPZ_BODY_MEMORY_MAX 1048576
#define MCPZ_BODY_MEMORY_FIRST 4096 /* first allocation; doubles */
#define MCPZ_BODY_TAIL_BYTES 65536  /* of a file: gathered before they are written */

struct mcpz_body {
    const char *directory; /* where the file goes; borrowed */
    uint64_t memory_max;   /* MCPZ_BODY_MEMORY_MAX, unless it is set before the first byte */
    uint8_t *memory;       /* owned; with a file, what has not been written to it yet */
    size_t capacity;
    int file;         /* -1: none */
    uint64_t written; /* to the file */
    uint64_t length;  /* of all */
    mcpz_error error; /* the first that happened */
};

/** Start empty. Release with mcpz_body_finish(). */
void mcpz_body_init(struct mcpz_body *body, const char *directory);

/** Release memory and file; the body is empty again. */
void mcpz_body_finish(struct mcpz_body *body);

/**
 * Add `bytes` at the end. After an error, `body->error`, nothing is added any more.
 *
 * Errors: MCPZ_ENOMEM; MCPZ_ENOSPACE, MCPZ_EIO  the temporary file
 */
void mcpz_body_append(struct mcpz_body *body, struct mcpz_bytes bytes);
void mcpz_body_text(struct mcpz_body *body, const char *text);

/**
 * Copy up to `capacity` bytes from `offset` on; `*length` is how many: 0 only at the end.
 *
 * Errors: MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_body_read(const struct mcpz_body *body, uint64_t offset,
                                        uint8_t *buffer, size_t capacity, size_t *length);

/**
 * Copy exactly `length` bytes from `offset` on.
 *
 * Errors: MCPZ_ESHORT  there are fewer; MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_body_read_all(const struct mcpz_body *body, uint64_t offset,
                                            uint8_t *buffer, size_t length);

/** All bytes, if they are in memory; no data if they are in a file. */
struct mcpz_bytes mcpz_body_in_memory(const struct mcpz_body *body);

#endif
