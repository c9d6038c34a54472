#include "wire/frame.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "proto/limits.h"
#include "wire/shape.h"

#define FLAG_ZSTD 0x01U
#define HEADER_BYTES 1 /* the flags */
#define BODY_BYTES_MAX (MCPZ_FRAME_BYTES_MAX - HEADER_BYTES)

/*
 * The fastest level, and tables no larger than a frame can use: they stay in the cache, and a
 * thousand simulated nodes stay small.
 */
#define ZSTD_LEVEL 1
#define ZSTD_WINDOW_LOG 16
#define ZSTD_HASH_LOG 13

static_assert(1 << ZSTD_WINDOW_LOG >= MCPZ_FRAME_BYTES_MAX, "the window sees the whole frame");

struct mcpz_framer {
    ZSTD_CCtx *compressor;   /* NULL until first used */
    ZSTD_DCtx *decompressor; /* NULL until first used */
    bool was_used;           /* one of them, since they were last to rest */
    size_t body_bytes;
    size_t message_count;
    size_t message_bytes_max; /* of the largest */
    size_t opened_count;      /* messages of the frame that was opened */
    size_t opened_next;
    uint16_t opened_lengths[MCPZ_FRAME_MESSAGES_MAX];
    uint8_t plain[MCPZ_FRAME_BYTES_MAX];
    uint8_t packed[MCPZ_FRAME_BYTES_MAX];
    uint8_t opened[BODY_BYTES_MAX];
};

mcpz_error mcpz_framer_create(struct mcpz_framer **framer)
{
    *framer = calloc(1, sizeof(**framer));
    return *framer == NULL ? MCPZ_ENOMEM : MCPZ_OK;
}

bool mcpz_framer_rest(struct mcpz_framer *framer)
{
    const bool had_some = framer->compressor != NULL || framer->decompressor != NULL;
    const bool was_used = framer->was_used;

    framer->was_used = false;
    if (was_used || !had_some) {
        return false;
    }
    (void)ZSTD_freeCCtx(framer->compressor);
    (void)ZSTD_freeDCtx(framer->decompressor);
    framer->compressor = NULL;
    framer->decompressor = NULL;
    return true;
}

void mcpz_framer_destroy(struct mcpz_framer *framer)
{
    if (framer == NULL) {
        return;
    }
    (void)ZSTD_freeCCtx(framer->compressor);
    (void)ZSTD_freeDCtx(framer->decompressor);
    free(framer);
}

/* ---- Packing ------------------------------------------------------------------------------ */

void mcpz_framer_begin(struct mcpz_framer *framer)
{
    framer->body_bytes = 0;
    framer->message_count = 0;
    framer->message_bytes_max = 0;
}

bool mcpz_framer_add(struct mcpz_framer *framer, struct mcpz_bytes message)
{
    assert(message.length > 0 && message.length <= MCPZ_MSG_BYTES_MAX);

    if (framer->message_count == MCPZ_FRAME_MESSAGES_MAX ||
        message.length > BODY_BYTES_MAX - framer->body_bytes) {
        return false;
    }
    memcpy(framer->plain + HEADER_BYTES + framer->body_bytes, message.data, message.length);
    framer->body_bytes += message.length;
    framer->message_count++;
    if (message.length > framer->message_bytes_max) {
        framer->message_bytes_max = message.length;
    }
    return true;
}

static bool has_compressor(struct mcpz_framer *framer)
{
    if (framer->compressor != NULL) {
        return true;
    }
    ZSTD_CCtx *context = ZSTD_createCCtx();
    if (context == NULL) {
        return false;
    }
    if (ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, ZSTD_LEVEL)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, ZSTD_WINDOW_LOG)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_hashLog, ZSTD_HASH_LOG))) {
        (void)ZSTD_freeCCtx(context);
        return false;
    }
    framer->compressor = context;
    return true;
}

/* The length of the body once compressed, or 0 if that does not save a byte. */
static size_t compress_body(struct mcpz_framer *framer)
{
    if (framer->body_bytes < MCPZ_COMPRESS_BYTES_MIN || !has_compressor(framer)) {
        return 0;
    }
    framer->was_used = true;
    size_t length =
        ZSTD_compress2(framer->compressor, framer->packed + HEADER_BYTES, framer->body_bytes - 1,
                       framer->plain + HEADER_BYTES, framer->body_bytes);
    return ZSTD_isError(length) ? 0 : length;
}

static bool is_to_be_compressed(const struct mcpz_framer *framer, enum mcpz_compress compress)
{
    switch (compress) {
    case MCPZ_COMPRESS_NOTHING:
        return false;
    case MCPZ_COMPRESS_LARGE:
        return framer->message_bytes_max >= MCPZ_COMPRESS_BYTES_MIN;
    case MCPZ_COMPRESS_ALL:
        return true;
    }
    return false;
}

struct mcpz_bytes mcpz_framer_finish(struct mcpz_framer *framer, enum mcpz_compress compress)
{
    if (framer->message_count == 0) {
        return mcpz_bytes(NULL, 0);
    }
    size_t packed_bytes = is_to_be_compressed(framer, compress) ? compress_body(framer) : 0;
    if (packed_bytes > 0) {
        framer->packed[0] = FLAG_ZSTD;
        return mcpz_bytes(framer->packed, HEADER_BYTES + packed_bytes);
    }
    framer->plain[0] = 0;
    return mcpz_bytes(framer->plain, HEADER_BYTES + framer->body_bytes);
}

/* ---- Opening ------------------------------------------------------------------------------ */

/*
 * Exactly one frame of today's format. libzstd would also take several, skippable ones, and those
 * of its past, which are decoded by code nobody attacks any more but us.
 */
static bool is_one_zstd_frame(struct mcpz_bytes body)
{
    static const uint8_t magic[] = {0x28, 0xb5, 0x2f, 0xfd}; /* RFC 8878, section 3.1.1 */

    return body.length >= sizeof(magic) && memcmp(body.data, magic, sizeof(magic)) == 0 &&
           ZSTD_findFrameCompressedSize(body.data, body.length) == body.length;
}

/*
 * Whatever the frame's header claims, at most BODY_BYTES_MAX are written. There is no window to
 * allocate: what was written before is the window.
 */
static mcpz_error decompress(struct mcpz_framer *framer, struct mcpz_bytes *body)
{
    if (!is_one_zstd_frame(*body)) {
        return MCPZ_EPROTO;
    }
    if (framer->decompressor == NULL) {
        framer->decompressor = ZSTD_createDCtx();
        if (framer->decompressor == NULL) {
            return MCPZ_ENOMEM;
        }
    }

    framer->was_used = true;
    size_t length = ZSTD_decompressDCtx(framer->decompressor, framer->opened,
                                        sizeof(framer->opened), body->data, body->length);
    if (ZSTD_isError(length)) {
        switch (ZSTD_getErrorCode(length)) {
        case ZSTD_error_dstSize_tooSmall:
            return MCPZ_EFULL;
        case ZSTD_error_memory_allocation:
            return MCPZ_ENOMEM;
        default:
            return MCPZ_EPROTO;
        }
    }
    *body = mcpz_bytes(framer->opened, length);
    return MCPZ_OK;
}

/* A frame is taken whole or not at all: find every message before the first one counts. */
static mcpz_error find_messages(struct mcpz_framer *framer, struct mcpz_bytes body)
{
    struct mcpz_bytes message;

    framer->opened_next = 0;
    for (framer->opened_count = 0; framer->opened_count < MCPZ_FRAME_MESSAGES_MAX;
         framer->opened_count++) {
        mcpz_error error = mcpz_frame_next(&body, &message);
        if (error != MCPZ_OK) {
            return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
        }
        static_assert(MCPZ_MSG_BYTES_MAX <= UINT16_MAX, "any length fits");
        framer->opened_lengths[framer->opened_count] = (uint16_t)message.length;
    }
    return body.length == 0 ? MCPZ_OK : MCPZ_EFULL;
}

mcpz_error mcpz_framer_open(struct mcpz_framer *framer, struct mcpz_bytes frame,
                            struct mcpz_bytes *body)
{
    if (frame.length == 0) {
        return MCPZ_ESHORT;
    }
    if (frame.length > MCPZ_FRAME_BYTES_MAX) {
        return MCPZ_EFULL;
    }

    uint8_t flags = frame.data[0];
    struct mcpz_bytes result = mcpz_bytes(frame.data + HEADER_BYTES, frame.length - HEADER_BYTES);
    if ((flags & ~FLAG_ZSTD) != 0) {
        return MCPZ_EPROTO;
    }
    if ((flags & FLAG_ZSTD) != 0) {
        mcpz_error error = decompress(framer, &result);
        if (error != MCPZ_OK) {
            return error;
        }
    }
    if (result.length == 0) {
        return MCPZ_EPROTO;
    }
    mcpz_error error = find_messages(framer, result);
    if (error == MCPZ_OK) {
        *body = result;
    } else {
        framer->opened_count = 0;
    }
    return error;
}

bool mcpz_framer_next(struct mcpz_framer *framer, struct mcpz_bytes *body,
                      struct mcpz_bytes *message)
{
    if (framer->opened_next == framer->opened_count) {
        return false;
    }
    size_t length = framer->opened_lengths[framer->opened_next++];
    *message = mcpz_bytes(body->data, length);
    *body = mcpz_bytes(body->data + length, body->length - length);
    return true;
}

mcpz_error mcpz_frame_next(struct mcpz_bytes *body, struct mcpz_bytes *message)
{
    size_t length;

    if (body->length == 0) {
        return MCPZ_ENOTFOUND;
    }
    mcpz_error error = mcpz_shape_measure(*body, &length);
    if (error != MCPZ_OK) {
        return error;
    }
    if (length > MCPZ_MSG_BYTES_MAX) {
        return MCPZ_EPROTO;
    }
    *message = mcpz_bytes(body->data, length);
    *body = mcpz_bytes(body->data + length, body->length - length);
    return MCPZ_OK;
}
