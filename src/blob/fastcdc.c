#include "blob/fastcdc.h"

#include <assert.h>

#define NORMALISATION 2 /* bits more before, and fewer after, the wanted size */

const struct mcpz_chunk_sizes mcpz_chunks_small = {.min = 4096, .wanted = 16384, .max = 65536};
const struct mcpz_chunk_sizes mcpz_chunks_large = {.min = 16384, .wanted = 65536, .max = 262144};

static_assert(MCPZ_CHUNK_PLAIN_BYTES_MAX == 262144, "the largest chunk of all");

/* Roll over bytes `from` to `end`; returns behind which of them the upper bits are zero, or 0. */
static size_t roll(const uint64_t *gear, const uint8_t *bytes, size_t from, size_t end,
                   uint64_t *hash, unsigned bits)
{
    const uint64_t mask = ~UINT64_C(0) << (64 - bits);
    uint64_t rolled = *hash;

    for (size_t at = from; at < end; at++) {
        rolled = (rolled << 1) + gear[bytes[at]];
        if ((rolled & mask) == 0) {
            return at + 1;
        }
    }
    *hash = rolled;
    return 0;
}

size_t mcpz_fastcdc_cut(const uint64_t *gear, const struct mcpz_chunk_sizes *sizes,
                        struct mcpz_bytes bytes)
{
    const unsigned bits = (unsigned)__builtin_ctzll(sizes->wanted);
    const size_t length = bytes.length < sizes->max ? bytes.length : sizes->max;
    const size_t wanted = length < sizes->wanted ? length : sizes->wanted;
    uint64_t hash = 0;

    if (length <= sizes->min) {
        return length;
    }
    size_t cut = roll(gear, bytes.data, sizes->min, wanted, &hash, bits + NORMALISATION);
    if (cut == 0) {
        cut = roll(gear, bytes.data, wanted, length, &hash, bits - NORMALISATION);
    }
    return cut != 0 ? cut : length;
}
