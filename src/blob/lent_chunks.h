/*
 * Chunks of blobs that are kept elsewhere, sealed as they came, in memory for as long as it takes
 * to read them: the oldest give way. So a node reads what it does not keep without writing it
 * down.
 */

#ifndef BLOB_LENT_CHUNKS_H
#define BLOB_LENT_CHUNKS_H

#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "blob/chunk_letter.h"
#include "proto/id.h"

#define MCPZ_LENT_CHUNKS_MAX 512
#define MCPZ_LENT_BYTES_MAX 8388608 /* of them, sealed */

struct mcpz_lent_chunks;

/** Errors: MCPZ_ENOMEM */
MCPZ_MUST_USE mcpz_error mcpz_lent_chunks_create(struct mcpz_lent_chunks **lent);
void mcpz_lent_chunks_destroy(struct mcpz_lent_chunks *lent);

/** Keep a copy. One that is there already stays. Errors: MCPZ_ENOMEM */
MCPZ_MUST_USE mcpz_error mcpz_lent_chunks_put(struct mcpz_lent_chunks *lent,
                                              const struct mcpz_chunk_letter *letter);

/** Find one; it lasts until the next put or clear. Errors: MCPZ_ENOTFOUND */
MCPZ_MUST_USE mcpz_error mcpz_lent_chunks_find(const struct mcpz_lent_chunks *lent,
                                               const struct mcpz_id *id,
                                               struct mcpz_chunk_letter *letter);

/** Give all their memory back. */
void mcpz_lent_chunks_clear(struct mcpz_lent_chunks *lent);

#endif
