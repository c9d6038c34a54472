/*
 * The key of a tenant: what it keeps on this node's disk can be read with it and not without it.
 *
 *   node key  --wraps-->  tenant key (random)  --derives-->  ids of chunks, their sealing, where
 *                                                            they are cut; sealing of records,
 *                                                            tokens for names in their keys
 *
 * So a node key is changed by wrapping the tenant keys anew, and what a tenant has is erased by
 * forgetting its key, wherever copies of it may lie.
 *
 * Ids of chunks are keyed: equal chunks have equal ids within a tenant, and nobody without the
 * key can find out whether a tenant has a file that he knows (what convergent encryption with the
 * hash as a key gives away).
 *
 * Both are sealed without chance: the nonce is a keyed hash of what is sealed and where it lies,
 * which for records opening computes again. So the engine needs no randomness, equal runs write
 * equal bytes, equal chunks are equal at all nodes, and so are the lists that name them. The price
 * of it is that the same record written twice looks the same.
 *
 * Sources: libsodium's crypto_kdf (BLAKE2b), XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03);
 * Wilcox-O'Hearn and Perttula, "Drew Perttula and Attacks on Convergent Encryption" (2008);
 * Rogaway and Shrimpton, "Deterministic Authenticated-Encryption" (EUROCRYPT 2006), section 4
 * (SIV); reference/crdt.md, section 5.
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
#define MCPZ_TENANT_KEY_ID_BYTES 8
#define MCPZ_RECORD_SEAL_BYTES 32  /* which key, synthetic nonce: what sealing a record adds */
#define MCPZ_RECORD_TOKEN_BYTES 16 /* of a name */

/*
 * What a tenant's keys are for: it has one each. That of blobs is the same at all nodes that keep
 * them; that of records is this node's own. Numbers are on disk.
 */
enum mcpz_tenant_key_use { MCPZ_KEY_OF_BLOBS = 1, MCPZ_KEY_OF_RECORDS, MCPZ_KEY_USE_END };

struct mcpz_node_key;
struct mcpz_tenant_key;

/** Keep `bytes` (MCPZ_NODE_KEY_BYTES). Errors: MCPZ_ENOMEM */
MCPZ_MUST_USE mcpz_error mcpz_node_key_create(const uint8_t *bytes, struct mcpz_node_key **key);

/** Wipe it. NULL is fine. */
void mcpz_node_key_destroy(struct mcpz_node_key *key);

/** Which key it is (MCPZ_NODE_KEY_ID_BYTES), without telling anything of it. */
void mcpz_node_key_id(const struct mcpz_node_key *key, uint8_t *id);

/** Write its MCPZ_NODE_KEY_BYTES, of which mcpz_node_key_create() makes it again. Wipe them. */
void mcpz_node_key_show(const struct mcpz_node_key *key, uint8_t *bytes);

/** Write it sealed with another one: MCPZ_WRAPPED_KEY_BYTES, different ones each time. `about` is
 * what else must be the same when it is opened. */
void mcpz_node_key_wrap(const struct mcpz_node_key *key, const struct mcpz_node_key *outer,
                        struct mcpz_bytes about, uint8_t *wrapped);

/**
 * The key that was sealed so.
 *
 * Errors: MCPZ_EAUTH  not with that one, not with that about it, or changed; MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_node_key_unwrap(const struct mcpz_node_key *outer,
                                              struct mcpz_bytes about, const uint8_t *wrapped,
                                              struct mcpz_node_key **key);

/** A new key for `tenant` (at most MCPZ_TENANT_BYTES_MAX, asserted). Errors: MCPZ_ENOMEM */
MCPZ_MUST_USE mcpz_error mcpz_tenant_key_create(enum mcpz_tenant_key_use use,
                                                struct mcpz_bytes tenant,
                                                struct mcpz_tenant_key **key);

/** The key of `tenant` made of `bytes` (MCPZ_NODE_KEY_BYTES): the same make the same. Errors:
 * MCPZ_ENOMEM */
MCPZ_MUST_USE mcpz_error mcpz_tenant_key_restore(enum mcpz_tenant_key_use use,
                                                 struct mcpz_bytes tenant, const uint8_t *bytes,
                                                 struct mcpz_tenant_key **key);

/**
 * The key of `tenant` as it was wrapped (MCPZ_WRAPPED_KEY_BYTES).
 *
 * Errors: MCPZ_EAUTH  not wrapped by that node key, or not for that tenant and use; MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_tenant_key_unwrap(const struct mcpz_node_key *node_key,
                                                enum mcpz_tenant_key_use use,
                                                struct mcpz_bytes tenant, const uint8_t *wrapped,
                                                struct mcpz_tenant_key **key);

/** Write it as it may lie on a disk: MCPZ_WRAPPED_KEY_BYTES, different ones each time. */
void mcpz_tenant_key_wrap(const struct mcpz_tenant_key *key, const struct mcpz_node_key *node_key,
                          uint8_t *wrapped);

/** Write its MCPZ_NODE_KEY_BYTES, of which mcpz_tenant_key_restore() makes it again. Wipe them. */
void mcpz_tenant_key_show(const struct mcpz_tenant_key *key, uint8_t *bytes);

/** Wipe it. NULL is fine. */
void mcpz_tenant_key_destroy(struct mcpz_tenant_key *key);

/** The same key again, to be destroyed by itself. Errors: MCPZ_ENOMEM */
MCPZ_MUST_USE mcpz_error mcpz_tenant_key_copy(const struct mcpz_tenant_key *key,
                                              struct mcpz_tenant_key **copy);

/** Which key it is (MCPZ_TENANT_KEY_ID_BYTES), without telling anything of it. */
void mcpz_tenant_key_id(const struct mcpz_tenant_key *key, uint8_t *id);

enum mcpz_tenant_key_use mcpz_tenant_key_use(const struct mcpz_tenant_key *key);

/** When it was made (wall clock, ms), as was said of it; 0: nothing was. */
uint64_t mcpz_tenant_key_made_ms(const struct mcpz_tenant_key *key);
void mcpz_tenant_key_set_made_ms(struct mcpz_tenant_key *key, uint64_t made_ms);

/** Whose it is; lasts as long as the key. */
struct mcpz_bytes mcpz_tenant_key_tenant(const struct mcpz_tenant_key *key);

/** What stands for `name` where names must not be seen: MCPZ_RECORD_TOKEN_BYTES, always the same.
 * `kind` keeps apart what is used differently. */
void mcpz_tenant_key_token(const struct mcpz_tenant_key *key, uint8_t kind, struct mcpz_bytes name,
                           uint8_t *token);

/**
 * Seal a record that lies at `place`: `sealed` has room for MCPZ_RECORD_SEAL_BYTES more. It begins
 * with the key's id. The same always gives the same.
 */
void mcpz_tenant_key_seal_record(const struct mcpz_tenant_key *key, struct mcpz_bytes place,
                                 struct mcpz_bytes plain, uint8_t *sealed);

/**
 * Open a record: `plain` has room for MCPZ_RECORD_SEAL_BYTES less.
 *
 * Errors: MCPZ_EAUTH  not of that key, not of that place, or changed; `plain` holds zeros
 */
MCPZ_MUST_USE mcpz_error mcpz_tenant_key_open_record(const struct mcpz_tenant_key *key,
                                                     struct mcpz_bytes place,
                                                     struct mcpz_bytes sealed, uint8_t *plain);

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
