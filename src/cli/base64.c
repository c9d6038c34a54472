#include "cli/base64.h"

static int value_of(uint8_t character)
{
    if (character >= 'A' && character <= 'Z') {
        return character - 'A';
    }
    if (character >= 'a' && character <= 'z') {
        return character - 'a' + 26;
    }
    if (character >= '0' && character <= '9') {
        return character - '0' + 52;
    }
    if (character == '+') {
        return 62;
    }
    return character == '/' ? 63 : -1;
}

mcpz_error mcpz_base64_decode(struct mcpz_bytes text, uint8_t *bytes, size_t *length)
{
    uint32_t bits = 0;
    unsigned bit_count = 0;
    size_t count = 0;
    size_t padding = 0;

    if (text.length % 4 != 0) {
        return MCPZ_EPROTO;
    }
    while (padding < 2 && padding < text.length && text.data[text.length - 1 - padding] == '=') {
        padding++;
    }
    for (size_t i = 0; i < text.length - padding; i++) {
        int value = value_of(text.data[i]);
        if (value < 0) {
            return MCPZ_EPROTO;
        }
        bits = bits << 6 | (uint32_t)value;
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            bytes[count++] = (uint8_t)(bits >> bit_count);
        }
    }
    if ((bits & ((1U << bit_count) - 1)) != 0) {
        return MCPZ_EPROTO;
    }
    *length = count;
    return MCPZ_OK;
}
