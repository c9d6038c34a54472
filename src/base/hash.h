/* Mixing bits, for tables and digests that only honest parties feed. Not a cryptographic hash. */

#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "base/bytes.h"

/** Spread the bits of `value` over the whole word. Source: SplitMix64's finalizer, see rng.h. */
static inline uint64_t mcpz_hash_mix(uint64_t value)
{
    value = (value ^ (value >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ (value >> 27)) * UINT64_C(0x94d049bb133111eb);
    return value ^ (value >> 31);
}

/** The first 64 bits of `bytes`, of which there are eight or more. The same on every architecture.
 */
static inline uint64_t mcpz_hash_word(const uint8_t *bytes)
{
    uint64_t word;

    memcpy(&word, bytes, sizeof(word));
    return le64toh(word);
}

/** 64 bits of `bytes` under `seed`. The same on every architecture. */
uint64_t mcpz_hash_bytes(struct mcpz_bytes bytes, uint64_t seed);

#endif
