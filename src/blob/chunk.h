/*
 * One chunk as it is kept: compressed, padded, sealed.
 *
 *   codec u8, nonce 24, [ length u32 LE, body, zeros ] sealed, tag 16
 *
 * The body is the chunk itself or, where that saves a twentieth, zstd of it. Padding to classes of
 * 64 to 1,024 bytes blurs how well it was compressed, which could tell what is in it. Whoever
 * opens a chunk knows how long it must be, and is never given more: no bomb.
 */

#ifndef BLOB_CHUNK_H
#define BLOB_CHUNK_H

#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "blob/fastcdc.h"
#include "crypto/tenant_key.h"
#include "proto/id.h"

enum mcpz_chunk_codec { MCPZ_CHUNK_PLAIN = 1, MCPZ_CHUNK_ZSTD };

#define MCPZ_CHUNK_HEAD_BYTES 4
#define MCPZ_CHUNK_PADDING_MAX 1024
#define MCPZ_CHUNK_STORED_BYTES_MAX                                                               \
    (1 + MCPZ_CHUNK_SEAL_BYTES + MCPZ_CHUNK_HEAD_BYTES + MCPZ_CHUNK_PLAIN_BYTES_MAX +             \
     MCPZ_CHUNK_PADDING_MAX)

struct mcpz_chunk_press; /* what compressing takes; of one thread at a time */

/** Errors: MCPZ_ENOMEM */
MCPZ_MUST_USE mcpz_error mcpz_chunk_press_create(struct mcpz_chunk_press **press);
void mcpz_chunk_press_destroy(struct mcpz_chunk_press *press);

/**
 * Make of `plain` (at most MCPZ_CHUNK_PLAIN_BYTES_MAX, asserted), whose id is `id`, what is kept.
 * `stored` has room for MCPZ_CHUNK_STORED_BYTES_MAX. Returns how much it is.
 */
size_t mcpz_chunk_close(struct mcpz_chunk_press *press, const struct mcpz_tenant_key *key,
                        const struct mcpz_id *id, struct mcpz_bytes plain, uint8_t *stored);

/**
 * Open what was kept: `plain` bytes, exactly `length` of them.
 *
 * Errors: MCPZ_EAUTH     not that chunk of that tenant, or it was changed
 *         MCPZ_ECORRUPT  it is, but not of that length or not as it is made
 */
MCPZ_MUST_USE mcpz_error mcpz_chunk_open(struct mcpz_chunk_press *press,
                                         const struct mcpz_tenant_key *key,
                                         const struct mcpz_id *id, struct mcpz_bytes stored,
                                         uint8_t *plain, size_t length);

/** The length that a body of `length` bytes and its head are padded to. */
size_t mcpz_chunk_padded(size_t length);

#endif
