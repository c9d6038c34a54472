#include "blob/chunk_letter.h"

#include <endian.h>
#include <string.h>

#include "blob/chunk.h"

size_t mcpz_chunk_letter_write(const struct mcpz_chunk_letter *letter, uint8_t *bytes)
{
    const uint32_t plain_length = htobe32(letter->plain_length);
    const uint32_t length = htobe32((uint32_t)letter->stored.length);

    memcpy(bytes, letter->id.bytes, MCPZ_ID_BYTES);
    memcpy(bytes + MCPZ_ID_BYTES, &plain_length, sizeof(plain_length));
    memcpy(bytes + MCPZ_ID_BYTES + sizeof(plain_length), &length, sizeof(length));
    memcpy(bytes + MCPZ_CHUNK_LETTER_HEAD_BYTES, letter->stored.data, letter->stored.length);
    return MCPZ_CHUNK_LETTER_HEAD_BYTES + letter->stored.length;
}

mcpz_error mcpz_chunk_letter_next(struct mcpz_bytes *rest, struct mcpz_chunk_letter *letter)
{
    uint32_t plain_length;
    uint32_t length;

    if (rest->length == 0) {
        return MCPZ_ENOTFOUND;
    }
    if (rest->length < MCPZ_CHUNK_LETTER_HEAD_BYTES) {
        return MCPZ_EPROTO;
    }
    memcpy(&plain_length, rest->data + MCPZ_ID_BYTES, sizeof(plain_length));
    memcpy(&length, rest->data + MCPZ_ID_BYTES + sizeof(plain_length), sizeof(length));
    plain_length = be32toh(plain_length);
    length = be32toh(length);
    if (plain_length > MCPZ_CHUNK_PLAIN_BYTES_MAX || length == 0 ||
        length > MCPZ_CHUNK_STORED_BYTES_MAX ||
        length > rest->length - MCPZ_CHUNK_LETTER_HEAD_BYTES) {
        return MCPZ_EPROTO;
    }
    memcpy(letter->id.bytes, rest->data, MCPZ_ID_BYTES);
    letter->plain_length = plain_length;
    letter->stored = mcpz_bytes(rest->data + MCPZ_CHUNK_LETTER_HEAD_BYTES, length);
    *rest = mcpz_bytes(letter->stored.data + length,
                       rest->length - MCPZ_CHUNK_LETTER_HEAD_BYTES - length);
    return MCPZ_OK;
}
