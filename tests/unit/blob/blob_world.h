/* Bytes and a gear to cut them by. */

#ifndef BLOB_WORLD_H
#define BLOB_WORLD_H

#include "base/rng.h"
#include "test.h"

static inline void random_bytes(uint64_t seed, uint8_t *bytes, size_t length)
{
    struct mcpz_rng rng;

    mcpz_rng_init(&rng, seed);
    for (size_t i = 0; i < length; i++) {
        bytes[i] = (uint8_t)(mcpz_rng_next(&rng) >> 56);
    }
}

/* Text of few words: it compresses. */
static inline void wordy_bytes(uint64_t seed, uint8_t *bytes, size_t length)
{
    static const char words[8][9] = {"agent   ", "\"state\":", "running,", "2026-01-",
                                     "counter ", "        ",   "0123456,", "\"memory\""};
    struct mcpz_rng rng;

    mcpz_rng_init(&rng, seed);
    for (size_t i = 0; i < length; i += 8) {
        memcpy(bytes + i, words[mcpz_rng_below(&rng, 8)], length - i < 8 ? length - i : 8);
    }
}

#endif
