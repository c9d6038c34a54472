/*
 * Chunks as they go from one node to another: sealed as they are kept, one behind the other.
 *
 *   id 32, plain length u32, length u32, the chunk as it is kept     big-endian
 *
 * They are verified by whoever has the key (mcpz_blobs_give()), not here.
 */

#ifndef BLOB_CHUNK_LETTER_H
#define BLOB_CHUNK_LETTER_H

#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "proto/id.h"

#define MCPZ_CHUNK_LETTER_HEAD_BYTES (MCPZ_ID_BYTES + 8)

struct mcpz_chunk_letter {
    struct mcpz_id id;
    uint32_t plain_length;
    struct mcpz_bytes stored;
};

/** Write one: `bytes` has room for its head and `stored`. Returns how long it is. */
size_t mcpz_chunk_letter_write(const struct mcpz_chunk_letter *letter, uint8_t *bytes);

/**
 * Take the next one off `rest`; `letter->stored` points into it.
 *
 * Errors: MCPZ_ENOTFOUND  there is none left
 *         MCPZ_EPROTO     cut off, or longer than chunks are; `rest` is as it was
 */
MCPZ_MUST_USE mcpz_error mcpz_chunk_letter_next(struct mcpz_bytes *rest,
                                                struct mcpz_chunk_letter *letter);

#endif
