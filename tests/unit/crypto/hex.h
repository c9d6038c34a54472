/* Known answers are written in hexadecimal. */

#ifndef HEX_H
#define HEX_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Read `count` bytes. */
static inline void from_hex(const char *text, uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char pair[3] = {text[2 * i], text[2 * i + 1], '\0'};
        bytes[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
}

/* Write `count` bytes, at most 64. Returns static storage. */
static inline const char *to_hex(const uint8_t *bytes, size_t count)
{
    static char text[2 * 64 + 1];
    for (size_t i = 0; i < count; i++) {
        snprintf(text + 2 * i, 3, "%02x", (unsigned)bytes[i]);
    }
    return text;
}

#endif
