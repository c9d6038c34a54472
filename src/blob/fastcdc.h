/*
 * Where to cut a stream into chunks, by what it says and not by where it is: bytes inserted
 * somewhere change the chunks around them, and the others are those that are known already.
 *
 * A gear hash rolls over the bytes; a cut is where its upper bits are zero. Until the chunk has
 * the wanted size two bits more must be zero than the size asks for, then two fewer (normalised
 * chunking, level 2), and bytes below the smallest size are not looked at. The gear is a tenant's
 * own, so that sizes of chunks do not tell which known file it is.
 *
 * Source: Xia et al., FastCDC (USENIX ATC 2016), sections 4.2 to 4.4; reference/crdt.md,
 * section 5.
 */

#ifndef BLOB_FASTCDC_H
#define BLOB_FASTCDC_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define MCPZ_CHUNKED_SMALL_BYTES 1048576 /* blobs up to this have smaller chunks */
#define MCPZ_CHUNK_PLAIN_BYTES_MAX 262144

struct mcpz_chunk_sizes {
    size_t min;
    size_t wanted; /* a power of two */
    size_t max;
};

extern const struct mcpz_chunk_sizes mcpz_chunks_small; /* 4, 16, 64 KiB */
extern const struct mcpz_chunk_sizes mcpz_chunks_large; /* 16, 64, 256 KiB */

/**
 * How long the first chunk of `bytes` is. Give it `sizes->max` bytes, or all that is left. `gear`
 * has 256 numbers.
 */
size_t mcpz_fastcdc_cut(const uint64_t *gear, const struct mcpz_chunk_sizes *sizes,
                        struct mcpz_bytes bytes);

#endif
