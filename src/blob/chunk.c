#include "blob/chunk.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define LEVEL 1           /* section 5: what higher levels save is not worth their time */
#define SAVES_AT_LEAST 20 /* one part in so many, or it is kept as it is */
#define INSIDE_BYTES_MAX                                                                          \
    (MCPZ_CHUNK_HEAD_BYTES + MCPZ_CHUNK_PLAIN_BYTES_MAX + MCPZ_CHUNK_PADDING_MAX)

struct mcpz_chunk_press {
    ZSTD_CCtx *compressor;
    ZSTD_DCtx *decompressor;
    uint8_t inside[INSIDE_BYTES_MAX]; /* head, body, padding */
};

mcpz_error mcpz_chunk_press_create(struct mcpz_chunk_press **press)
{
    struct mcpz_chunk_press *made = calloc(1, sizeof(*made));

    *press = NULL;
    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    made->compressor = ZSTD_createCCtx();
    made->decompressor = ZSTD_createDCtx();
    if (made->compressor == NULL || made->decompressor == NULL) {
        mcpz_chunk_press_destroy(made);
        return MCPZ_ENOMEM;
    }
    *press = made;
    return MCPZ_OK;
}

void mcpz_chunk_press_destroy(struct mcpz_chunk_press *press)
{
    if (press != NULL) {
        (void)ZSTD_freeCCtx(press->compressor);
        (void)ZSTD_freeDCtx(press->decompressor);
        explicit_bzero(press->inside, sizeof(press->inside));
        free(press);
    }
}

size_t mcpz_chunk_padded(size_t length)
{
    const size_t class = length <= 4096 ? 64 : length <= 65536 ? 256 : MCPZ_CHUNK_PADDING_MAX;
    return (length + class - 1) / class * class;
}

size_t mcpz_chunk_close(struct mcpz_chunk_press *press, const struct mcpz_tenant_key *key,
                        const struct mcpz_id *id, struct mcpz_bytes plain, uint8_t *stored)
{
    uint8_t *body = press->inside + MCPZ_CHUNK_HEAD_BYTES;
    const size_t worth_it = plain.length - plain.length / SAVES_AT_LEAST;
    enum mcpz_chunk_codec codec = MCPZ_CHUNK_ZSTD;

    assert(plain.length <= MCPZ_CHUNK_PLAIN_BYTES_MAX);
    size_t length = ZSTD_compressCCtx(press->compressor, body, MCPZ_CHUNK_PLAIN_BYTES_MAX,
                                      plain.data, plain.length, LEVEL);
    if (ZSTD_isError(length) || length >= worth_it) {
        codec = MCPZ_CHUNK_PLAIN;
        length = plain.length;
        if (length > 0) {
            memcpy(body, plain.data, length);
        }
    }
    const uint32_t head = htole32((uint32_t)length);
    memcpy(press->inside, &head, sizeof(head));
    const size_t padded = mcpz_chunk_padded(MCPZ_CHUNK_HEAD_BYTES + length);
    memset(body + length, 0, padded - MCPZ_CHUNK_HEAD_BYTES - length);
    stored[0] = (uint8_t)codec;
    mcpz_tenant_key_seal(key, id, stored[0], mcpz_bytes(press->inside, padded), stored + 1);
    return 1 + MCPZ_CHUNK_SEAL_BYTES + padded;
}

/* Put `body` as it was into `plain`, `length` bytes. */
static mcpz_error unpack(struct mcpz_chunk_press *press, uint8_t codec, struct mcpz_bytes body,
                         uint8_t *plain, size_t length)
{
    if (codec == MCPZ_CHUNK_PLAIN) {
        if (body.length != length) {
            return MCPZ_ECORRUPT;
        }
        if (length > 0) {
            memcpy(plain, body.data, length);
        }
        return MCPZ_OK;
    }
    if (codec != MCPZ_CHUNK_ZSTD) {
        return MCPZ_ECORRUPT;
    }
    const size_t written =
        ZSTD_decompressDCtx(press->decompressor, plain, length, body.data, body.length);
    return written == length ? MCPZ_OK : MCPZ_ECORRUPT; /* errors are huge numbers */
}

mcpz_error mcpz_chunk_open(struct mcpz_chunk_press *press, const struct mcpz_tenant_key *key,
                           const struct mcpz_id *id, struct mcpz_bytes stored, uint8_t *plain,
                           size_t length)
{
    if (stored.length < 1 + MCPZ_CHUNK_SEAL_BYTES + MCPZ_CHUNK_HEAD_BYTES ||
        stored.length > MCPZ_CHUNK_STORED_BYTES_MAX) {
        return MCPZ_EAUTH;
    }
    const size_t inside = stored.length - 1 - MCPZ_CHUNK_SEAL_BYTES;
    mcpz_error error = mcpz_tenant_key_open(
        key, id, stored.data[0], mcpz_bytes(stored.data + 1, stored.length - 1), press->inside);
    if (error != MCPZ_OK) {
        return error;
    }
    uint32_t body;
    memcpy(&body, press->inside, sizeof(body));
    body = le32toh(body);
    if (body > inside - MCPZ_CHUNK_HEAD_BYTES ||
        mcpz_chunk_padded(MCPZ_CHUNK_HEAD_BYTES + body) != inside) {
        return MCPZ_ECORRUPT;
    }
    return unpack(press, stored.data[0], mcpz_bytes(press->inside + MCPZ_CHUNK_HEAD_BYTES, body),
                  plain, length);
}
