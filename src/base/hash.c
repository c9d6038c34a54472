#include "base/hash.h"

#include <endian.h>
#include <string.h>

uint64_t mcpz_hash_bytes(struct mcpz_bytes bytes, uint64_t seed)
{
    uint64_t hash = mcpz_hash_mix(seed + bytes.length);

    for (size_t at = 0; at < bytes.length; at += sizeof(uint64_t)) {
        const size_t left = bytes.length - at;
        uint64_t word = 0;
        memcpy(&word, bytes.data + at, left < sizeof(word) ? left : sizeof(word));
        hash = mcpz_hash_mix(hash ^ le64toh(word)) + UINT64_C(0x9e3779b97f4a7c15);
    }
    return mcpz_hash_mix(hash);
}
