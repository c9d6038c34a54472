#include "base/base32.h"

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

void mcpz_base32_encode(struct mcpz_bytes bytes, char *text)
{
    uint32_t bits = 0;
    unsigned bit_count = 0;

    for (size_t i = 0; i < bytes.length; i++) {
        bits = bits << 8 | bytes.data[i];
        bit_count += 8;
        while (bit_count >= 5) {
            bit_count -= 5;
            *text++ = alphabet[bits >> bit_count & 31];
        }
    }
    if (bit_count > 0) {
        *text++ = alphabet[bits << (5 - bit_count) & 31];
    }
    *text = '\0';
}

static int value_of(uint8_t character)
{
    if (character >= 'a' && character <= 'z') {
        return character - 'a';
    }
    return character >= '2' && character <= '7' ? character - '2' + 26 : -1;
}

mcpz_error mcpz_base32_decode(struct mcpz_bytes text, uint8_t *bytes, size_t capacity,
                              size_t *length)
{
    uint32_t bits = 0;
    unsigned bit_count = 0;
    size_t count = 0;

    for (size_t i = 0; i < text.length; i++) {
        int value = value_of(text.data[i]);
        if (value < 0) {
            return MCPZ_EPROTO;
        }
        bits = bits << 5 | (uint32_t)value;
        bit_count += 5;
        if (bit_count >= 8) {
            bit_count -= 8;
            if (count == capacity) {
                return MCPZ_EFULL;
            }
            bytes[count++] = (uint8_t)(bits >> bit_count);
        }
    }
    /* What is left must be shorter than a character, and zero: one text per value. */
    if (bit_count >= 5 || (bits & ((1U << bit_count) - 1)) != 0) {
        return MCPZ_EPROTO;
    }
    *length = count;
    return MCPZ_OK;
}
