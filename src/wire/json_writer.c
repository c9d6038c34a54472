#include <string.h>

#include "base/hex.h"
#include "wire/json.h"

void mcpz_json_put(struct mcpz_json_writer *writer, struct mcpz_bytes bytes)
{
    bool fits =
        writer->length <= writer->capacity && bytes.length <= writer->capacity - writer->length;

    if (fits && bytes.length > 0) {
        memcpy(writer->buffer + writer->length, bytes.data, bytes.length);
    }
    if (!fits) {
        writer->error = MCPZ_EFULL;
    }
    writer->length += bytes.length;
}

void mcpz_json_put_text(struct mcpz_json_writer *writer, const char *text)
{
    mcpz_json_put(writer, mcpz_text(text));
}

size_t mcpz_json_escape_byte(uint8_t byte, char escape[MCPZ_JSON_ESCAPE_CHARS])
{
    if (byte == '"' || byte == '\\') {
        escape[0] = '\\';
        escape[1] = (char)byte;
        return 2;
    }
    if (byte >= ' ' && byte != 0x7f) {
        return 0;
    }
    escape[0] = '\\';
    escape[1] = 'u';
    escape[2] = '0';
    escape[3] = '0';
    escape[4] = mcpz_hex_digit(byte >> 4);
    escape[5] = mcpz_hex_digit(byte);
    return MCPZ_JSON_ESCAPE_CHARS;
}

void mcpz_json_put_string(struct mcpz_json_writer *writer, struct mcpz_bytes text)
{
    char escape[MCPZ_JSON_ESCAPE_CHARS];
    size_t start = 0;

    mcpz_json_put_text(writer, "\"");
    for (size_t i = 0; i < text.length; i++) {
        size_t length = mcpz_json_escape_byte(text.data[i], escape);
        if (length > 0) {
            mcpz_json_put(writer, mcpz_bytes(text.data + start, i - start));
            mcpz_json_put(writer, mcpz_bytes(escape, length));
            start = i + 1;
        }
    }
    if (start < text.length) {
        mcpz_json_put(writer, mcpz_bytes(text.data + start, text.length - start));
    }
    mcpz_json_put_text(writer, "\"");
}

void mcpz_json_put_integer(struct mcpz_json_writer *writer, int64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

    do {
        digits[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (number < 0) {
        digits[--at] = '-';
    }
    mcpz_json_put(writer, mcpz_bytes(digits + at, sizeof(digits) - at));
}
