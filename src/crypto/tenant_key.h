/*
 * The key of a tenant: what it keeps on this node's disk can be read with it and not without it.
 *
 *   node key  --wraps-->  tenant key (random)  --derives-->  ids of chunks, their sealing, where
 *                                                            they are cut
 *
 * So a node key is changed by wrapping the tenant keys anew, and what a tenant has is erased by
 * forgetting its key, wherever copies of it may lie.
 *
 * Ids of chunks are keyed: equal chunks have equal ids within a tenant, and nobody without the
 * key can find out whether a tenant has a file that he knows (what convergent encryption with the
 * hash as a key gives away).
 *
 * Sources: libsodium's crypto_kdf (BLAKE2b), XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03);
 * Wilcox-O'Hearn and Perttula, "Drew Perttula and Attacks on Convergent Encryption" (2008);
 * reference/crdt.md, section 5.
 */

#ifndef CRYPTO_TENANT_KEY_H
#define CRYPTO_TENANT_KEY_H

#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "proto/id.h"
#include "proto/limits.h"

#define MCPZ_NODE_KEY_BYTES 32
#define MCPZ_NODE_KEY_ID_BYTES 16
#define MCPZ_WRAPPED_KEY_BYTES 72 /* nonce, key, tag */
#define MCPZ_CHUNK_SEAL_BYTES 40  /* nonce, tag: what sealing adds */
#define MCPZ_GEAR_WORDS 256

struct mcpz_node_key;
struct mcpz_tenant_key;

/** Keep `bytes` (MCPZ_NODE_KEY_BYTES). Errors: MCPZ_ENOMEM */
MCPZ_MUST_USE mcpz_error mcpz_node_key_create(const uint8_t *bytes, struct mcpz_node_key **key);

/** Wipe it. NULL is fine. */
void mcpz_node_key_destroy(struct mcpz_node_key *key);

/** Which key it is (MCPZ_NODE_KEY_ID_BYTES), without telling anything of it. */
void mcpz_node_key_id(const struct mcpz_node_key *key, uint8_t *id);

/** A new key for `tenant` (at most MCPZ_TENANT_BYTES_MAX, asserted). Errors: MCPZ_ENOMEM */
MCPZ_MUST_USE mcpz_error mcpz_tenant_key_create(struct mcpz_bytes tenant,
                                                struct mcpz_tenant_key **key);

/**
 * The key of `tenant` as it was wrapped (MCPZ_WRAPPED_KEY_BYTES).
 *
 * Errors: MCPZ_EAUTH  not wrapped by that node key, or not for that tenant; MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_tenant_key_unwrap(const struct mcpz_node_key *node_key,
                                                struct mcpz_bytes tenant, const uint8_t *wrapped,
                                                struct mcpz_tenant_key **key);

/** Write it as it may lie on a disk: MCPZ_WRAPPED_KEY_BYTES, different ones each time. */
void mcpz_tenant_key_wrap(const struct mcpz_tenant_key *key, const struct mcpz_node_key *node_key,
                          uint8_t *wrapped);

/** Wipe it. NULL is fine. */
void mcpz_tenant_key_destroy(struct mcpz_tenant_key *key);

/** The id of a chunk of the tenant's. `kind` keeps apart what is used differently. */
void mcpz_tenant_key_chunk_id(const struct mcpz_tenant_key *key, uint8_t kind,
                              struct mcpz_bytes plain, struct mcpz_id *id);

/**
 * Seal `body` as that of the chunk called `id`, stored with `codec`: `sealed` has room for
 * MCPZ_CHUNK_SEAL_BYTES more.
 */
void mcpz_tenant_key_seal(const struct mcpz_tenant_key *key, const struct mcpz_id *id,
                          uint8_t codec, struct mcpz_bytes body, uint8_t *sealed);

/**
 * Open what was sealed: `body` has room for MCPZ_CHUNK_SEAL_BYTES less.
 *
 * Errors: MCPZ_EAUTH  it is not that chunk, or was changed; `body` holds nothing of it
 */
MCPZ_MUST_USE mcpz_error mcpz_tenant_key_open(const struct mcpz_tenant_key *key,
                                              const struct mcpz_id *id, uint8_t codec,
                                              struct mcpz_bytes sealed, uint8_t *body);

/** The table by which the tenant's data is cut into chunks: MCPZ_GEAR_WORDS numbers. */
void mcpz_tenant_key_gear(const struct mcpz_tenant_key *key, uint64_t *gear);

#endif
