#include "base/base64.h"

#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void mcpz_base64_encode(struct mcpz_bytes bytes, char *text)
{
    for (size_t i = 0; i < bytes.length; i += 3) {
        size_t count = bytes.length - i < 3 ? bytes.length - i : 3;
        uint32_t group = (uint32_t)bytes.data[i] << 16;
        group |= count > 1 ? (uint32_t)bytes.data[i + 1] << 8 : 0;
        group |= count > 2 ? bytes.data[i + 2] : 0;
        *text++ = alphabet[group >> 18];
        *text++ = alphabet[group >> 12 & 63];
        text[0] = '=';
        text[1] = '=';
        if (count > 1) {
            text[0] = alphabet[group >> 6 & 63];
        }
        if (count > 2) {
            text[1] = alphabet[group & 63];
        }
        text += 2;
    }
    *text = '\0';
}

static int digit_of(const char *digits, uint8_t character)
{
    const char *found = character != 0 ? strchr(digits, character) : NULL;
    return found != NULL ? (int)(found - digits) : -1;
}

/* Digits without padding; unused bits are zero. */
static mcpz_error decode(const char *digits, struct mcpz_bytes text, uint8_t *bytes,
                         size_t capacity, size_t *length)
{
    uint32_t group = 0;
    unsigned bits = 0;
    size_t done = 0;

    for (size_t i = 0; i < text.length; i++) {
        int digit = digit_of(digits, text.data[i]);
        if (digit < 0) {
            return MCPZ_EPROTO;
        }
        group = (group << 6 | (uint32_t)digit) & 0xffff;
        bits += 6;
        if (bits < 8) {
            continue;
        }
        if (done == capacity) {
            return MCPZ_EFULL;
        }
        bits -= 8;
        bytes[done++] = (uint8_t)(group >> bits);
    }
    if ((group & ((1U << bits) - 1)) != 0) {
        return MCPZ_EPROTO;
    }
    *length = done;
    return MCPZ_OK;
}

mcpz_error mcpz_base64_decode(struct mcpz_bytes text, uint8_t *bytes, size_t capacity,
                              size_t *length)
{
    size_t digits = text.length;

    if (text.length % 4 != 0) {
        return MCPZ_EPROTO;
    }
    while (digits > 0 && text.length - digits < 2 && text.data[digits - 1] == '=') {
        digits--;
    }
    return decode(alphabet, mcpz_bytes(text.data, digits), bytes, capacity, length);
}

mcpz_error mcpz_base64url_decode(struct mcpz_bytes text, uint8_t *bytes, size_t capacity,
                                 size_t *length)
{
    /* One digit alone carries no byte. */
    return text.length % 4 == 1 ? MCPZ_EPROTO
                                : decode(url_alphabet, text, bytes, capacity, length);
}
