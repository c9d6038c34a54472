/* Base64 as JSON carries bytes: RFC 4648 section 4, padded; only the canonical form is read. */

#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"

#define MCPZ_BASE64_CHARS(bytes) (((bytes) + 2) / 3 * 4)
#define MCPZ_BASE64_DECODED_MAX(chars) ((chars) / 4 * 3)

/** Write MCPZ_BASE64_CHARS(bytes.length) characters and a terminator. */
void mcpz_base64_encode(struct mcpz_bytes bytes, char *text);

/**
 * Read base64: padded, no white space, unused bits zero. `bytes` may be where the text is.
 *
 * Errors: MCPZ_EPROTO  it is not that; MCPZ_EFULL  more than `capacity` bytes
 */
MCPZ_MUST_USE mcpz_error mcpz_base64_decode(struct mcpz_bytes text, uint8_t *bytes,
                                            size_t capacity, size_t *length);

/**
 * The same as base64url without padding: RFC 4648 section 5, as tokens are written.
 */
MCPZ_MUST_USE mcpz_error mcpz_base64url_decode(struct mcpz_bytes text, uint8_t *bytes,
                                               size_t capacity, size_t *length);

#endif
