#include "net/ws_reader.h"

#include <string.h>

#define FINAL 0x80U
#define EXTENDED 0x70U
#define KIND 0x0fU
#define MASKED 0x80U
#define LENGTH 0x7fU
#define LENGTH_16 126U
#define LENGTH_64 127U
#define CONTINUATION 0U

static bool is_control(uint8_t kind)
{
    return kind >= MCPZ_WS_CLOSE;
}

/* How long the header is that begins with these two bytes. */
static size_t header_size(const struct mcpz_ws_reader *reader)
{
    const unsigned length = reader->header[1] & LENGTH;
    const size_t wide = length == LENGTH_64 ? 8 : length == LENGTH_16 ? 2 : 0;

    return 2 + wide + (reader->masked ? MCPZ_CLIENT_FRAME_KEY_BYTES : 0);
}

/* Nothing but what may begin a frame here. */
static bool is_sound(const struct mcpz_ws_reader *reader)
{
    const unsigned first = reader->header[0];
    const unsigned length = reader->header[1] & LENGTH;
    const bool masked = (reader->header[1] & MASKED) != 0;

    if ((first & EXTENDED) != 0 || masked != reader->masked) {
        return false;
    }
    switch (first & KIND) {
    case CONTINUATION:
        return reader->in_message;
    case MCPZ_WS_TEXT:
    case MCPZ_WS_BINARY:
        return !reader->in_message;
    case MCPZ_WS_CLOSE:
    case MCPZ_WS_PING:
    case MCPZ_WS_PONG:
        return (first & FINAL) != 0 && length <= MCPZ_WS_CONTROL_BYTES_MAX;
    default:
        return false;
    }
}

/* The length, which must be in its shortest form (5.2). */
static bool read_length(struct mcpz_ws_reader *reader)
{
    const unsigned told = reader->header[1] & LENGTH;
    const size_t wide = told == LENGTH_64 ? 8 : told == LENGTH_16 ? 2 : 0;
    uint64_t length = 0;

    for (size_t i = 0; i < wide; i++) {
        length = length << 8 | reader->header[2 + i];
    }
    reader->left = wide > 0 ? length : told;
    return wide == 0 || (wide == 2 && length >= LENGTH_16) ||
           (wide == 8 && length > UINT16_MAX && length <= INT64_MAX);
}

/* The header is there: enter the frame. */
static mcpz_error begin_frame(struct mcpz_ws_reader *reader, size_t size)
{
    const uint8_t kind = reader->header[0] & KIND;

    if (!read_length(reader)) {
        return MCPZ_EPROTO;
    }
    if (reader->masked) {
        memcpy(reader->key, reader->header + size - sizeof(reader->key), sizeof(reader->key));
    }
    reader->is_final = (reader->header[0] & FINAL) != 0;
    reader->in_payload = true;
    reader->header_have = 0;
    reader->key_at = 0;
    if (is_control(kind)) {
        reader->kind = kind;
        return MCPZ_OK;
    }
    if (kind != CONTINUATION) {
        reader->message_kind = kind;
    }
    reader->kind = reader->message_kind;
    reader->in_message = !reader->is_final;
    return MCPZ_OK;
}

static void step_over(struct mcpz_ws_bytes *bytes, size_t size)
{
    bytes->data += size;
    bytes->length -= size;
}

/* Take up to `size` bytes of a header in all. False: more are to come. */
static bool gather(struct mcpz_ws_reader *reader, struct mcpz_ws_bytes *bytes, size_t size)
{
    const size_t lacking = size > reader->header_have ? size - reader->header_have : 0;
    const size_t taken = lacking < bytes->length ? lacking : bytes->length;

    if (taken > 0) {
        memcpy(reader->header + reader->header_have, bytes->data, taken);
        step_over(bytes, taken);
        reader->header_have += (uint8_t)taken;
    }
    return taken == lacking;
}

static mcpz_error read_header(struct mcpz_ws_reader *reader, struct mcpz_ws_bytes *bytes)
{
    if (!gather(reader, bytes, 2)) {
        return MCPZ_ENOTFOUND;
    }
    if (!is_sound(reader)) {
        return MCPZ_EPROTO;
    }
    const size_t size = header_size(reader);
    return gather(reader, bytes, size) ? begin_frame(reader, size) : MCPZ_ENOTFOUND;
}

/* The key, turned so that it begins with the next byte's. */
static void unmask(struct mcpz_ws_reader *reader, uint8_t *bytes, size_t length)
{
    uint8_t key[MCPZ_CLIENT_FRAME_KEY_BYTES];

    for (size_t i = 0; i < sizeof(key); i++) {
        key[i] = reader->key[(reader->key_at + i) % sizeof(key)];
    }
    mcpz_client_frame_mask(bytes, length, key);
    reader->key_at = (uint8_t)((reader->key_at + length) % sizeof(key));
}

mcpz_error mcpz_ws_reader_next(struct mcpz_ws_reader *reader, struct mcpz_ws_bytes *bytes,
                               struct mcpz_ws_piece *piece)
{
    if (!reader->in_payload) {
        mcpz_error error = read_header(reader, bytes);
        if (error != MCPZ_OK) {
            return error;
        }
    }
    if (bytes->length == 0 && reader->left > 0) {
        return MCPZ_ENOTFOUND;
    }
    const size_t length = reader->left < bytes->length ? (size_t)reader->left : bytes->length;
    if (reader->masked) {
        unmask(reader, bytes->data, length);
    }
    reader->left -= length;
    reader->in_payload = reader->left > 0;
    *piece = (struct mcpz_ws_piece){
        .kind = (enum mcpz_ws_kind)reader->kind,
        .bytes = mcpz_bytes(bytes->data, length),
        .left = reader->left,
        .is_last = reader->left == 0 && reader->is_final,
    };
    step_over(bytes, length);
    return MCPZ_OK;
}
