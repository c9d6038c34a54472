/*
 * Bases of documents: the checkpoint at the floor (core/crdt/floor.h), in pieces of one record
 * each.
 */

#ifndef ENGINE_BASE_H
#define ENGINE_BASE_H

#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "proto/checkpoint.h"
#include "proto/record.h"
#include "proto/store.h"

/** How many pieces a base of `byte_count` has. */
static inline uint32_t mcpz_base_pieces(uint64_t byte_count)
{
    return (uint32_t)((byte_count + MCPZ_BASE_PIECE_BYTES - 1) / MCPZ_BASE_PIECE_BYTES);
}

/**
 * Make `floor` the floor of its document, and `bytes`, its checkpoint, the base; what stood there
 * before goes, also what cannot be read of it, and what was to be the floor, if it is not above.
 * Rows of deltas stay: mcpz_floor_sweep().
 *
 * Errors: MCPZ_ECORRUPT, MCPZ_EIO; nothing was written then
 */
MCPZ_MUST_USE mcpz_error mcpz_base_put(const struct mcpz_store *store,
                                       const struct mcpz_record_floor *floor,
                                       struct mcpz_bytes bytes);

/**
 * Read one piece of the base of `document`; `*bytes` lasts until the turn ends.
 *
 * Errors: MCPZ_ENOTFOUND, MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_base_piece(const struct mcpz_store *store,
                                         const struct mcpz_id *document, uint32_t index,
                                         struct mcpz_bytes *bytes);

/**
 * Read all of the base of `document`, `byte_count` bytes as its floor says, to `buffer`.
 *
 * Errors: MCPZ_ECORRUPT  it is not all there; MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_base_read(const struct mcpz_store *store,
                                        const struct mcpz_id *document, uint8_t *buffer,
                                        uint64_t byte_count);

/**
 * Is the base that `floor` names all there, and what was signed?
 *
 * Errors: MCPZ_ECORRUPT  it is not; MCPZ_EIO, MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_base_check(const struct mcpz_store *store,
                                         const struct mcpz_record_floor *floor);

/**
 * Write the checkpoint of `document` to memory of its own, to be freed.
 *
 * Errors: MCPZ_ENOMEM; MCPZ_EFULL  it is larger than MCPZ_BASE_BYTES_MAX
 *         MCPZ_ENOTFOUND, MCPZ_ECORRUPT, MCPZ_EIO
 */
MCPZ_MUST_USE mcpz_error mcpz_base_make(const struct mcpz_store *store,
                                        const struct mcpz_id *document, uint8_t **bytes,
                                        size_t *length);

#endif
