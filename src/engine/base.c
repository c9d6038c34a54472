#include "engine/base.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/crdt/floor.h"
#include "crypto/digest.h"
#include "engine/checkpoint.h"

/* ---- Putting down ------------------------------------------------------------------------- */

/* Pieces of the one before that this one has not, be they readable or not. They are without gaps;
 * first it is seen how many there are, then they go. */
static mcpz_error drop_rest(const struct mcpz_store *store, const struct mcpz_id *document,
                            uint32_t from, bool remove)
{
    for (uint32_t i = from; i < MCPZ_BASE_BYTES_MAX / MCPZ_BASE_PIECE_BYTES; i++) {
        struct mcpz_record piece = {.kind = MCPZ_RECORD_BASE,
                                    .base = {.document = *document, .index = i}};
        const mcpz_error error = store->get(store->context, &piece);
        if (error != MCPZ_OK && error != MCPZ_ECORRUPT) {
            return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
        }
        if (remove) {
            piece = (struct mcpz_record){.kind = MCPZ_RECORD_BASE,
                                         .base = {.document = *document, .index = i}};
            store->remove(store->context, &piece);
        }
    }
    return MCPZ_OK;
}

/*
 * What was to be the next floor goes unless it lies above this one: a base that came from others
 * may be beside it, and what is made anew from that comes to something else.
 */
static mcpz_error drop_stable(const struct mcpz_store *store,
                              const struct mcpz_record_floor *floor)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_STABLE,
                                 .stable = {.document = floor->document}};
    const struct mcpz_seen there = mcpz_seen_in(&floor->agreed);

    mcpz_error error = store->get(store->context, &record);
    const struct mcpz_seen stable = mcpz_seen_in(&record.stable.agreed);
    if (error == MCPZ_OK &&
        (mcpz_floor_is_held(&stable, &there) || !mcpz_floor_is_held(&there, &stable))) {
        store->remove(store->context, &record);
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

mcpz_error mcpz_base_put(const struct mcpz_store *store, const struct mcpz_record_floor *floor,
                         struct mcpz_bytes bytes)
{
    const uint32_t count = mcpz_base_pieces(bytes.length);
    const struct mcpz_record record = {.kind = MCPZ_RECORD_FLOOR, .floor = *floor};
    assert(bytes.length == floor->byte_count && bytes.length <= MCPZ_BASE_BYTES_MAX);

    mcpz_error error = drop_rest(store, &floor->document, count, false);
    if (error == MCPZ_OK) {
        error = drop_stable(store, floor);
    }
    if (error != MCPZ_OK) {
        return error;
    }
    for (uint32_t i = 0; i < count; i++) {
        const size_t at = (size_t)i * MCPZ_BASE_PIECE_BYTES;
        const size_t left = bytes.length - at;
        const struct mcpz_record piece = {
            .kind = MCPZ_RECORD_BASE,
            .base = {.document = floor->document,
                     .index = i,
                     .bytes =
                         mcpz_bytes(bytes.data + at,
                                    left < MCPZ_BASE_PIECE_BYTES ? left : MCPZ_BASE_PIECE_BYTES)},
        };
        store->put(store->context, &piece);
    }
    store->put(store->context, &record);
    return drop_rest(store, &floor->document, count, true);
}

/* ---- Reading ------------------------------------------------------------------------------ */

mcpz_error mcpz_base_piece(const struct mcpz_store *store, const struct mcpz_id *document,
                           uint32_t index, struct mcpz_bytes *bytes)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_BASE,
                                 .base = {.document = *document, .index = index}};

    mcpz_error error = store->get(store->context, &record);
    if (error == MCPZ_OK) {
        *bytes = record.base.bytes;
    }
    return error;
}

mcpz_error mcpz_base_read(const struct mcpz_store *store, const struct mcpz_id *document,
                          uint8_t *buffer, uint64_t byte_count)
{
    uint64_t at = 0;

    for (uint32_t i = 0; i < mcpz_base_pieces(byte_count); i++) {
        struct mcpz_bytes piece;
        mcpz_error error = mcpz_base_piece(store, document, i, &piece);
        if (error != MCPZ_OK) {
            return error == MCPZ_ENOTFOUND ? MCPZ_ECORRUPT : error;
        }
        if (piece.length > byte_count - at) {
            return MCPZ_ECORRUPT;
        }
        memcpy(buffer + at, piece.data, piece.length);
        at += piece.length;
    }
    return at == byte_count ? MCPZ_OK : MCPZ_ECORRUPT;
}

mcpz_error mcpz_base_check(const struct mcpz_store *store, const struct mcpz_record_floor *floor)
{
    const struct mcpz_id document = floor->document;
    const struct mcpz_id root = floor->agreed.root;
    const uint64_t byte_count = floor->byte_count;
    struct mcpz_id digest;

    if (byte_count == 0 || byte_count > MCPZ_BASE_BYTES_MAX) {
        return MCPZ_ECORRUPT;
    }
    uint8_t *bytes = malloc(byte_count);
    if (bytes == NULL) {
        return MCPZ_ENOMEM;
    }
    mcpz_error error = mcpz_base_read(store, &document, bytes, byte_count);
    if (error == MCPZ_OK) {
        mcpz_digest(MCPZ_DIGEST_ROOT, mcpz_bytes(bytes, byte_count), digest.bytes);
        error = mcpz_id_equal(&digest, &root) ? MCPZ_OK : MCPZ_ECORRUPT;
    }
    free(bytes);
    return error;
}

/* ---- Making ------------------------------------------------------------------------------- */

struct growing {
    uint8_t *bytes;
    size_t length;
    size_t capacity;
};

static mcpz_error add(void *context, struct mcpz_bytes bytes)
{
    struct growing *growing = context;
    const size_t needed = growing->length + bytes.length;

    if (needed > MCPZ_BASE_BYTES_MAX) {
        return MCPZ_EFULL;
    }
    if (needed > growing->capacity) {
        const size_t capacity = 2 * needed;
        uint8_t *grown = realloc(growing->bytes, capacity);
        if (grown == NULL) {
            return MCPZ_ENOMEM;
        }
        growing->bytes = grown;
        growing->capacity = capacity;
    }
    memcpy(growing->bytes + growing->length, bytes.data, bytes.length);
    growing->length = needed;
    return MCPZ_OK;
}

mcpz_error mcpz_base_make(const struct mcpz_store *store, const struct mcpz_id *document,
                          uint8_t **bytes, size_t *length)
{
    struct growing growing = {.bytes = NULL};
    const struct mcpz_checkpoint_sink sink = {.context = &growing, .add = add};

    mcpz_error error = mcpz_checkpoint_write(store, document, &sink);
    if (error != MCPZ_OK) {
        free(growing.bytes);
        return error;
    }
    *bytes = growing.bytes;
    *length = growing.length;
    return MCPZ_OK;
}
