/*
 * The node key as it lies in node.key.token: sealed with a secret that a key in a token wraps.
 *
 *   key in a token  --wraps-->  secret (random)  --seals-->  node key
 *
 *   "mcpztokn", version u8, how the secret is wrapped u8, which node key 16, label of the token,
 *   its serial, label of the key, its id (length u8, bytes each), wrapped secret (length u16,
 *   bytes), sealed node key 72
 *
 * The token is asked once, at the start: who has the secret can seal the next node key without it.
 * Sealing covers all that stands before, so nothing of it can be changed, whatever the token's
 * mechanism vouches for. Which node key it is stands in it in plain text, as it does in the ring:
 * so a file that does not belong here is told from one that does before a token is asked.
 *
 * Bytes only: who asks tokens is token_key.h.
 */

#ifndef BLOB_TOKEN_FILE_H
#define BLOB_TOKEN_FILE_H

#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "base/pkcs11_uri.h"
#include "crypto/tenant_key.h"

#define MCPZ_TOKEN_WRAPPED_BYTES_MAX 1024 /* by RSA with 8192 bits */
#define MCPZ_TOKEN_FILE_BYTES_MAX                                                                 \
    (10 + MCPZ_NODE_KEY_ID_BYTES + 1 + MCPZ_PKCS11_TOKEN_BYTES_MAX + 1 +                          \
     MCPZ_PKCS11_MODEL_BYTES_MAX + 1 + MCPZ_PKCS11_OBJECT_BYTES_MAX + 1 +                         \
     MCPZ_PKCS11_ID_BYTES_MAX + 2 + MCPZ_TOKEN_WRAPPED_BYTES_MAX + MCPZ_WRAPPED_KEY_BYTES)

/* How a token's key wraps the secret. Numbers are on disk. */
enum mcpz_token_scheme {
    MCPZ_TOKEN_AES_GCM = 1, /* nonce 12, secret, tag 16 */
    MCPZ_TOKEN_AES_CBC,     /* nonce 16, secret: two blocks, no padding */
    MCPZ_TOKEN_RSA_OAEP_SHA256,
    MCPZ_TOKEN_RSA_OAEP_SHA1, /* all that some tokens have; nothing here needs more of a hash */
    MCPZ_TOKEN_SCHEME_END,
};

struct mcpz_token_file {
    enum mcpz_token_scheme scheme;
    uint8_t key_id[MCPZ_NODE_KEY_ID_BYTES];
    struct mcpz_pkcs11_uri key; /* which key, and in which token; nothing of maker and model */
    size_t wrapped_length;
    uint8_t wrapped[MCPZ_TOKEN_WRAPPED_BYTES_MAX];
    uint8_t sealed[MCPZ_WRAPPED_KEY_BYTES];
};

/** Write it: `bytes` has room for MCPZ_TOKEN_FILE_BYTES_MAX. Returns how many. */
size_t mcpz_token_file_write(const struct mcpz_token_file *file, uint8_t *bytes);

/** Errors: MCPZ_ECORRUPT  it is nothing of the kind, or not whole; MCPZ_EVERSION */
MCPZ_MUST_USE mcpz_error mcpz_token_file_read(struct mcpz_bytes bytes,
                                              struct mcpz_token_file *file);

/** Seal `key` into it with `secret`; all else of the file is set. */
void mcpz_token_file_seal(struct mcpz_token_file *file, const struct mcpz_node_key *secret,
                          const struct mcpz_node_key *key);

/** Errors: MCPZ_EAUTH  it was sealed with another secret, or was changed; MCPZ_ENOMEM */
MCPZ_MUST_USE mcpz_error mcpz_token_file_open(const struct mcpz_token_file *file,
                                              const struct mcpz_node_key *secret,
                                              struct mcpz_node_key **key);

#endif
