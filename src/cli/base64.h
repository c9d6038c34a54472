/* Base64 as JSON carries bytes: RFC 4648 section 4, padded. */

#ifndef CLI_BASE64_H
#define CLI_BASE64_H

#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"

#define MCPZ_BASE64_DECODED_MAX(chars) ((chars) / 4 * 3)

/**
 * Read canonical base64. `bytes` has room for MCPZ_BASE64_DECODED_MAX(text.length); it may be
 * where the text is.
 *
 * Errors: MCPZ_EPROTO  another character, a missing or early '=', unused bits that are not zero
 */
MCPZ_MUST_USE mcpz_error mcpz_base64_decode(struct mcpz_bytes text, uint8_t *bytes,
                                            size_t *length);

#endif
