#include "wire/stream.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "wire/codec.h"

void mcpz_stream_init(struct mcpz_stream *stream, size_t bytes_max)
{
    assert(bytes_max >= MCPZ_STREAM_BYTES_FIRST);
    *stream = (struct mcpz_stream){.bytes_max = bytes_max};
}

void mcpz_stream_finish(struct mcpz_stream *stream)
{
    free(stream->bytes);
    *stream = (struct mcpz_stream){.bytes_max = stream->bytes_max};
}

/* Doubling, up to what it may hold. */
static mcpz_error grow(struct mcpz_stream *stream, size_t needed)
{
    size_t capacity = stream->capacity > 0 ? stream->capacity : MCPZ_STREAM_BYTES_FIRST;

    while (capacity < needed) {
        capacity *= 2;
    }
    capacity = capacity < stream->bytes_max ? capacity : stream->bytes_max;
    uint8_t *bytes = realloc(stream->bytes, capacity);
    if (bytes == NULL) {
        return MCPZ_ENOMEM;
    }
    stream->bytes = bytes;
    stream->capacity = capacity;
    return MCPZ_OK;
}

mcpz_error mcpz_stream_room(struct mcpz_stream *stream, size_t size, uint8_t **room)
{
    assert(size <= MCPZ_STREAM_BYTES_FIRST);

    if (stream->length + size > stream->bytes_max) {
        return MCPZ_EFULL;
    }
    if (stream->start + stream->length + size > stream->capacity && stream->start > 0) {
        memmove(stream->bytes, stream->bytes + stream->start, stream->length);
        stream->start = 0;
    }
    if (stream->length + size > stream->capacity) {
        mcpz_error error = grow(stream, stream->length + size);
        if (error != MCPZ_OK) {
            return error;
        }
    }
    *room = stream->bytes + stream->start + stream->length;
    return MCPZ_OK;
}

void mcpz_stream_added(struct mcpz_stream *stream, size_t size)
{
    assert(stream->start + stream->length + size <= stream->capacity);
    stream->length += size;
}

struct mcpz_bytes mcpz_stream_peek(const struct mcpz_stream *stream)
{
    return mcpz_bytes(stream->bytes == NULL ? NULL : stream->bytes + stream->start,
                      stream->length);
}

void mcpz_stream_drop(struct mcpz_stream *stream, size_t size)
{
    assert(size <= stream->length);

    stream->start += size;
    stream->length -= size;
    if (stream->length > 0) {
        return;
    }
    stream->start = 0;
    if (stream->capacity > MCPZ_STREAM_BYTES_FIRST) {
        mcpz_stream_finish(stream);
    }
}

mcpz_error mcpz_stream_put(struct mcpz_stream *stream, const struct mcpz_msg *msg)
{
    uint8_t *room = NULL;
    size_t length = 0;
    mcpz_error error = mcpz_stream_room(stream, MCPZ_STREAM_MESSAGE_BYTES_MAX, &room);

    if (error != MCPZ_OK) {
        return error;
    }
    error = mcpz_msg_encode(msg, room + MCPZ_STREAM_HEADER_BYTES, MCPZ_MSG_BYTES_MAX, &length);
    if (error != MCPZ_OK) {
        return error;
    }
    for (size_t i = 0; i < MCPZ_STREAM_HEADER_BYTES; i++) {
        room[i] = (uint8_t)(length >> (8 * (MCPZ_STREAM_HEADER_BYTES - 1 - i)));
    }
    mcpz_stream_added(stream, MCPZ_STREAM_HEADER_BYTES + length);
    return MCPZ_OK;
}

mcpz_error mcpz_stream_next(const struct mcpz_stream *stream, struct mcpz_bytes *message)
{
    struct mcpz_bytes all = mcpz_stream_peek(stream);
    size_t length = 0;

    if (all.length < MCPZ_STREAM_HEADER_BYTES) {
        return MCPZ_ENOTFOUND;
    }
    assert(all.data != NULL);
    for (size_t i = 0; i < MCPZ_STREAM_HEADER_BYTES; i++) {
        length = length << 8 | all.data[i];
    }
    if (length == 0 || length > MCPZ_MSG_BYTES_MAX) {
        return MCPZ_EPROTO;
    }
    if (all.length - MCPZ_STREAM_HEADER_BYTES < length) {
        return MCPZ_ENOTFOUND;
    }
    *message = mcpz_bytes(all.data + MCPZ_STREAM_HEADER_BYTES, length);
    return MCPZ_OK;
}
