#include "core/crdt/number.h"

#include <assert.h>

#define FIXSTR 0xa0
#define FIXSTR_BYTES_MAX 31
#define STR8 0xd9
#define UINT8 0xcc /* UINT8 + n has 2^n bytes, and so has INT8 + n */
#define INT8 0xd0

static size_t put_wide(uint8_t first, uint64_t bits, uint8_t *buffer)
{
    size_t width = (size_t)1 << (first & 3);

    buffer[0] = first;
    for (size_t i = 0; i < width; i++) {
        buffer[1 + i] = (uint8_t)(bits >> (8 * (width - 1 - i)));
    }
    return 1 + width;
}

static uint8_t width_of_natural(uint64_t number)
{
    if (number <= UINT8_MAX) {
        return 0;
    }
    if (number <= UINT16_MAX) {
        return 1;
    }
    return number <= UINT32_MAX ? 2 : 3;
}

static uint8_t width_of_negative(int64_t number)
{
    if (number >= INT8_MIN) {
        return 0;
    }
    if (number >= INT16_MIN) {
        return 1;
    }
    return number >= INT32_MIN ? 2 : 3;
}

size_t mcpz_number_encode(int64_t number, uint8_t buffer[MCPZ_NUMBER_BYTES_MAX])
{
    if (number >= -32 && number <= 127) {
        buffer[0] = (uint8_t)number;
        return 1;
    }
    if (number > 0) {
        uint8_t first = (uint8_t)(UINT8 + width_of_natural((uint64_t)number));
        return put_wide(first, (uint64_t)number, buffer);
    }
    return put_wide((uint8_t)(INT8 + width_of_negative(number)), (uint64_t)number, buffer);
}

/* The value, whatever form it has. */
static bool read_loosely(struct mcpz_bytes bytes, int64_t *number)
{
    uint8_t first = bytes.data[0];
    if (bytes.length == 1) {
        *number = first <= 0x7f ? first : (int64_t)first - 256;
        return first <= 0x7f || first >= 0xe0;
    }
    if (first < UINT8 || first > INT8 + 3 || bytes.length != 1 + ((size_t)1 << (first & 3))) {
        return false;
    }

    bool is_negative = first >= INT8 && (bytes.data[1] & 0x80) != 0;
    uint64_t bits = is_negative ? UINT64_MAX : 0;
    for (size_t i = 1; i < bytes.length; i++) {
        bits = bits << 8 | bytes.data[i];
    }
    *number = (int64_t)bits;
    return is_negative || bits <= INT64_MAX;
}

bool mcpz_number_decode(struct mcpz_bytes bytes, int64_t *number)
{
    int64_t read;
    if (bytes.length == 0 || bytes.length > MCPZ_NUMBER_BYTES_MAX || !read_loosely(bytes, &read)) {
        return false;
    }

    /* Each number has one form: the one we would write. */
    uint8_t shortest[MCPZ_NUMBER_BYTES_MAX];
    size_t length = mcpz_number_encode(read, shortest);
    if (!mcpz_bytes_equal(bytes, mcpz_bytes(shortest, length))) {
        return false;
    }
    *number = read;
    return true;
}

size_t mcpz_number_text_encode(struct mcpz_bytes text, uint8_t buffer[MCPZ_NUMBER_TEXT_MAX + 2])
{
    assert(text.length <= MCPZ_NUMBER_TEXT_MAX);

    size_t header = 1;
    if (text.length <= FIXSTR_BYTES_MAX) {
        buffer[0] = (uint8_t)(FIXSTR | text.length);
    } else {
        buffer[0] = STR8;
        buffer[1] = (uint8_t)text.length;
        header = 2;
    }
    if (text.length > 0) {
        memcpy(buffer + header, text.data, text.length);
    }
    return header + text.length;
}

bool mcpz_number_text_decode(struct mcpz_bytes bytes, struct mcpz_bytes *text)
{
    if (bytes.length == 0) {
        return false;
    }

    size_t header = 1;
    size_t length = bytes.data[0] ^ FIXSTR;
    if (bytes.data[0] == STR8 && bytes.length >= 2) {
        header = 2;
        length = bytes.data[1];
    }
    if ((header == 1) != (length <= FIXSTR_BYTES_MAX) || bytes.length != header + length) {
        return false;
    }
    *text = mcpz_bytes(bytes.data + header, length);
    return mcpz_bytes_is_utf8(*text);
}
