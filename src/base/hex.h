/* Hexadecimal digits: written in lower case, read in either. */

#ifndef BASE_HEX_H
#define BASE_HEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/** The digit of the lowest four bits of `value`. Async-signal-safe. */
static inline char mcpz_hex_digit(uint64_t value)
{
    return "0123456789abcdef"[value & 0xfU];
}

/** What a digit stands for; -1: it is none. */
static inline int mcpz_hex_value(uint8_t character)
{
    if (character >= '0' && character <= '9') {
        return character - '0';
    }
    character |= 0x20;
    return character >= 'a' && character <= 'f' ? character - 'a' + 10 : -1;
}

/** Write two digits a byte into `text`, without an end. */
static inline void mcpz_hex_put(struct mcpz_bytes bytes, char *text)
{
    for (size_t i = 0; i < bytes.length; i++) {
        text[2 * i] = mcpz_hex_digit(bytes.data[i] >> 4);
        text[2 * i + 1] = mcpz_hex_digit(bytes.data[i]);
    }
}

/** Read `count` bytes from exactly twice as many digits. False: they are not that. */
static inline bool mcpz_hex_read(struct mcpz_bytes text, uint8_t *bytes, size_t count)
{
    if (text.length != 2 * count) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const int high = mcpz_hex_value(text.data[2 * i]);
        const int low = mcpz_hex_value(text.data[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

#endif
