/*
 * A run of bytes that somebody else owns.
 *
 * Passed by value. Text is bytes too: UTF-8, no terminator. What a slice points to is borrowed;
 * how long it lasts is said where the slice is handed over.
 */

#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct mcpz_bytes {
    const uint8_t *data; /* may be NULL when length is 0 */
    size_t length;
};

static inline struct mcpz_bytes mcpz_bytes(const void *data, size_t length)
{
    return (struct mcpz_bytes){.data = (const uint8_t *)data, .length = length};
}

/* The bytes of a C string, without its terminator. */
static inline struct mcpz_bytes mcpz_text(const char *text)
{
    return mcpz_bytes(text, strlen(text));
}

static inline bool mcpz_bytes_equal(struct mcpz_bytes a, struct mcpz_bytes b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

/** Order as LMDB does: byte by byte, a prefix before what it is a prefix of. */
static inline int mcpz_bytes_compare(struct mcpz_bytes a, struct mcpz_bytes b)
{
    const size_t shared = a.length < b.length ? a.length : b.length;
    const int order = shared == 0 ? 0 : memcmp(a.data, b.data, shared);

    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

/** Copy `bytes` to `text` as a C string, cut to fit `capacity` (at least 1, terminator included).
 */
void mcpz_bytes_to_text(struct mcpz_bytes bytes, char *text, size_t capacity);

/** The value of `name` in `pairs`: "name", NUL, value, NUL for each. Without data: there is none.
 */
struct mcpz_bytes mcpz_bytes_find_pair(struct mcpz_bytes pairs, const char *name);

/** Is this well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF)? */
bool mcpz_bytes_is_utf8(struct mcpz_bytes bytes);

#endif
