/*
 * Knowing a join token's secret, shown without sending it.
 *
 *   key   = BLAKE2b-256(secret)                      kept by who gave the token out
 *   proof = BLAKE2b-256 keyed with it, over the TLS channel binding of this very connection, the
 *           joiner's id and the admitter's id
 *
 * A proof is worthless on any other connection: RFC 9266 (tls-exporter channel binding).
 */

#ifndef CRYPTO_PROOF_H
#define CRYPTO_PROOF_H

#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "proto/id.h"

#define MCPZ_BINDING_BYTES 32

/** Make the key (MCPZ_PROOF_BYTES) that belongs to a token's secret. */
void mcpz_proof_key(struct mcpz_bytes secret, uint8_t *key);

/** Write the proof (MCPZ_PROOF_BYTES). `binding` is MCPZ_BINDING_BYTES. */
void mcpz_proof_make(const uint8_t *key, const uint8_t *binding, const struct mcpz_id *joiner,
                     const struct mcpz_id *admitter, uint8_t *proof);

/** Compare in constant time. Errors: MCPZ_EAUTH  it is not the proof, or not its length. */
MCPZ_MUST_USE mcpz_error mcpz_proof_check(const uint8_t *key, const uint8_t *binding,
                                          const struct mcpz_id *joiner,
                                          const struct mcpz_id *admitter, struct mcpz_bytes proof);

#endif
