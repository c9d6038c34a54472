/* Who this node is: an Ed25519 key pair whose secret half never leaves this type but by name. */

#ifndef CRYPTO_IDENTITY_H
#define CRYPTO_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "proto/cert.h"
#include "proto/id.h"

#define MCPZ_SEED_BYTES 32

struct mcpz_identity;

/**
 * Make libsodium ready. Once per process, before anything else in crypto/.
 *
 * Errors: MCPZ_EIO  the system gave no randomness
 */
MCPZ_MUST_USE mcpz_error mcpz_crypto_init(void);

/** Fill `bytes` with randomness fit for keys. Cannot fail once mcpz_crypto_init() has worked. */
void mcpz_random(void *bytes, size_t length);

/** Overwrite `bytes` in a way the compiler does not remove. */
void mcpz_wipe(void *bytes, size_t length);

/**
 * Make the identity that belongs to `seed` (MCPZ_SEED_BYTES bytes, copied; wipe yours after).
 *
 * Equal seeds make equal identities. Release `*identity` with mcpz_identity_destroy(). On error
 * `*identity` is NULL.
 *
 * Errors: MCPZ_ENOMEM  no lockable memory for the secret key
 *
 * Source: RFC 8032 section 5.1.5 (key generation).
 */
MCPZ_MUST_USE mcpz_error mcpz_identity_create(const uint8_t *seed,
                                              struct mcpz_identity **identity);

/** Wipe the secret key and release the memory. NULL is fine. */
void mcpz_identity_destroy(struct mcpz_identity *identity);

/** The public half: the node's name. Lives as long as `identity`. */
const struct mcpz_id *mcpz_identity_id(const struct mcpz_identity *identity);

/**
 * The secret half, MCPZ_SEED_BYTES in guarded memory: for the one who makes the TLS key of it.
 * Lives as long as `identity`; do not copy it into plain memory that outlives the call.
 */
const uint8_t *mcpz_identity_seed(const struct mcpz_identity *identity);

/**
 * Write the secret half as a key for X25519 (32 bytes), for the one who seals with it. Wipe yours
 * after.
 *
 * Source: RFC 8032 section 5.1.5, steps 1 and 2; RFC 7748 section 4.1.
 */
void mcpz_identity_exchange_key(const struct mcpz_identity *identity, uint8_t *key);

/**
 * Sign `bytes`. Writes MCPZ_SIGNATURE_BYTES bytes to `signature`. Cannot fail.
 *
 * The same key and bytes always give the same signature. Source: RFC 8032 section 5.1.6.
 */
void mcpz_identity_sign(const struct mcpz_identity *identity, struct mcpz_bytes bytes,
                        uint8_t *signature);

/**
 * Check that `signature` over `bytes` was made by the key called `signer`.
 *
 * Errors: MCPZ_EAUTH  it was not, or it is not MCPZ_SIGNATURE_BYTES long.
 *
 * Source: RFC 8032 section 5.1.7.
 */
MCPZ_MUST_USE mcpz_error mcpz_signature_verify(const struct mcpz_id *signer,
                                               struct mcpz_bytes bytes,
                                               struct mcpz_bytes signature);

#endif
