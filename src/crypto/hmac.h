/* HMAC with SHA-256 (RFC 2104), as JSON Web Tokens want it; and comparing what is secret. */

#ifndef CRYPTO_HMAC_H
#define CRYPTO_HMAC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define MCPZ_HMAC_BYTES 32

/** Write the MAC of `bytes`: MCPZ_HMAC_BYTES. */
void mcpz_hmac_sha256(struct mcpz_bytes secret, struct mcpz_bytes bytes, uint8_t *mac);

/** Are they the same? The time it takes depends on nothing but `length`. */
bool mcpz_secret_equal(const void *a, const void *b, size_t length);

#endif
