#include "core/crdt/parts.h"

#include <assert.h>

#include "core/crdt/number.h"

#define FIXARRAY 0x90
#define BIN8 0xc4
#define STR8 0xd9
#define UINT8 0xcc
#define INT64 0xd3

/* ---- Reading ------------------------------------------------------------------------------ */

static void skip(struct mcpz_bytes *rest, size_t length)
{
    *rest = mcpz_bytes(rest->data + length, rest->length - length);
}

bool mcpz_parts_take_array(struct mcpz_bytes *rest, size_t *count)
{
    if (rest->length == 0 || (rest->data[0] & 0xf0) != FIXARRAY) {
        return false;
    }
    *count = rest->data[0] & MCPZ_PARTS_MAX;
    skip(rest, 1);
    return true;
}

bool mcpz_parts_take_number(struct mcpz_bytes *rest, int64_t *number)
{
    if (rest->length == 0) {
        return false;
    }
    uint8_t first = rest->data[0];
    size_t length = first >= UINT8 && first <= INT64 ? 1 + ((size_t)1 << (first & 3)) : 1;

    if (rest->length < length || !mcpz_number_decode(mcpz_bytes(rest->data, length), number)) {
        return false;
    }
    skip(rest, length);
    return true;
}

bool mcpz_parts_take_bin(struct mcpz_bytes *rest, struct mcpz_bytes *bytes)
{
    if (rest->length < 2 || rest->data[0] != BIN8 || rest->data[1] > rest->length - 2) {
        return false;
    }
    *bytes = mcpz_bytes(rest->data + 2, rest->data[1]);
    skip(rest, 2 + bytes->length);
    return true;
}

bool mcpz_parts_take_text(struct mcpz_bytes *rest, struct mcpz_bytes *text)
{
    if (rest->length == 0) {
        return false;
    }
    const bool is_long = rest->data[0] == STR8 && rest->length >= 2;
    const size_t length = is_long ? 2 + (size_t)rest->data[1] : 1 + (size_t)(rest->data[0] & 0x1f);

    if (rest->length < length || !mcpz_number_text_decode(mcpz_bytes(rest->data, length), text)) {
        return false;
    }
    skip(rest, length);
    return true;
}

/* ---- Writing ------------------------------------------------------------------------------ */

void mcpz_parts_put_value(struct mcpz_parts *parts, struct mcpz_bytes value)
{
    if (parts->is_full || value.length > sizeof(parts->bytes) - parts->length) {
        parts->is_full = true;
        return;
    }
    if (value.length > 0) {
        memcpy(parts->bytes + parts->length, value.data, value.length);
    }
    parts->length += value.length;
}

void mcpz_parts_put_array(struct mcpz_parts *parts, size_t count)
{
    assert(count <= MCPZ_PARTS_MAX);

    uint8_t head = (uint8_t)(FIXARRAY | count);
    mcpz_parts_put_value(parts, mcpz_bytes(&head, 1));
}

void mcpz_parts_put_number(struct mcpz_parts *parts, int64_t number)
{
    uint8_t bytes[MCPZ_NUMBER_BYTES_MAX];
    size_t length = mcpz_number_encode(number, bytes);

    mcpz_parts_put_value(parts, mcpz_bytes(bytes, length));
}

void mcpz_parts_put_bin(struct mcpz_parts *parts, struct mcpz_bytes bytes)
{
    assert(bytes.length <= MCPZ_PARTS_BIN_MAX);

    const uint8_t head[] = {BIN8, (uint8_t)bytes.length};
    mcpz_parts_put_value(parts, mcpz_bytes(head, sizeof(head)));
    mcpz_parts_put_value(parts, bytes);
}

void mcpz_parts_put_text(struct mcpz_parts *parts, struct mcpz_bytes text)
{
    uint8_t bytes[MCPZ_NUMBER_TEXT_MAX + 2];
    size_t length = mcpz_number_text_encode(text, bytes);

    mcpz_parts_put_value(parts, mcpz_bytes(bytes, length));
}
