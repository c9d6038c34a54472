#include "base/hash.h"

uint64_t mcpz_hash_bytes(struct mcpz_bytes bytes, uint64_t seed)
{
    uint64_t hash = mcpz_hash_mix(seed + bytes.length);

    for (size_t at = 0; at < bytes.length; at += 8) {
        uint64_t word = 0; /* little-endian, whatever the machine */
        for (size_t i = 0; i < 8 && at + i < bytes.length; i++) {
            word |= (uint64_t)bytes.data[at + i] << (8 * i);
        }
        hash = mcpz_hash_mix(hash ^ word) + UINT64_C(0x9e3779b97f4a7c15);
    }
    return mcpz_hash_mix(hash);
}
