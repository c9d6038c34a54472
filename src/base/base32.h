/*
 * Lower-case base32 without padding: how keys and tokens are written for people.
 *
 * Source: RFC 4648 section 6, alphabet in lower case. Only the canonical form is read: no upper
 * case, no padding, unused bits zero.
 */

#ifndef BASE_BASE32_H
#define BASE_BASE32_H

#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"

#define MCPZ_BASE32_CHARS(bytes) (((bytes)*8 + 4) / 5)

/** Write MCPZ_BASE32_CHARS(bytes.length) characters and a terminator to `text`. */
void mcpz_base32_encode(struct mcpz_bytes bytes, char *text);

/**
 * Read base32 text. On success `*length` bytes were written to `bytes`.
 *
 * Errors: MCPZ_EPROTO  a character outside the alphabet, or a form that is not canonical
 *         MCPZ_EFULL   more than `capacity` bytes
 */
MCPZ_MUST_USE mcpz_error mcpz_base32_decode(struct mcpz_bytes text, uint8_t *bytes,
                                            size_t capacity, size_t *length);

#endif
