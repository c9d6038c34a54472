#include "net/client_frame.h"

#include <string.h>

#define FIN_BINARY 0x82
#define MASKED 0x80
#define LENGTH_16 126 /* stands for: two bytes of length follow */
#define LENGTH_64 127

void mcpz_client_frame_mask(uint8_t *bytes, size_t length, const uint8_t *key)
{
    uint64_t wide_key;
    uint64_t wide;
    size_t at = 0;

    memcpy(&wide_key, key, MCPZ_CLIENT_FRAME_KEY_BYTES);
    memcpy((uint8_t *)&wide_key + MCPZ_CLIENT_FRAME_KEY_BYTES, key, MCPZ_CLIENT_FRAME_KEY_BYTES);
    for (; at + sizeof(wide) <= length; at += sizeof(wide)) {
        memcpy(&wide, bytes + at, sizeof(wide));
        wide ^= wide_key;
        memcpy(bytes + at, &wide, sizeof(wide));
    }
    for (; at < length; at++) {
        bytes[at] ^= key[at % MCPZ_CLIENT_FRAME_KEY_BYTES];
    }
}

/* The length, big-endian, in `size` bytes that end at `end`. */
static void put_length(uint8_t *end, size_t size, uint64_t length)
{
    for (size_t i = 1; i <= size; i++) {
        end[-(ptrdiff_t)i] = (uint8_t)(length >> (8 * (i - 1)));
    }
}

size_t mcpz_client_frame_make(uint8_t *payload, size_t length, const uint8_t *key)
{
    const size_t wide = length > UINT16_MAX ? 8 : length >= LENGTH_16 ? 2 : 0;
    const size_t header = 2 + wide + MCPZ_CLIENT_FRAME_KEY_BYTES;
    uint8_t *start = payload - header;
    const size_t short_length = wide == 8 ? LENGTH_64 : wide == 2 ? LENGTH_16 : length;

    start[0] = FIN_BINARY;
    start[1] = (uint8_t)(MASKED | short_length);
    put_length(start + 2 + wide, wide, length);
    memcpy(payload - MCPZ_CLIENT_FRAME_KEY_BYTES, key, MCPZ_CLIENT_FRAME_KEY_BYTES);
    mcpz_client_frame_mask(payload, length, key);
    return header;
}
