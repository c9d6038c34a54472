#include "crypto/tenant_key.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include <sodium.h>

#include "crypto/digest.h"

#define SUBKEY_CONTEXT "mcpztenk" /* eight letters: crypto_kdf's context */
#define AEAD_NONCE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define RECORD_NONCE crypto_stream_xchacha20_NONCEBYTES
#define AEAD_TAG crypto_aead_xchacha20poly1305_ietf_ABYTES

static_assert(MCPZ_NODE_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "node key");
static_assert(crypto_kdf_KEYBYTES == MCPZ_NODE_KEY_BYTES, "tenant key");
static_assert(MCPZ_WRAPPED_KEY_BYTES == AEAD_NONCE + crypto_kdf_KEYBYTES + AEAD_TAG, "wrapped");
static_assert(MCPZ_CHUNK_SEAL_BYTES == AEAD_NONCE + AEAD_TAG, "sealing");
static_assert(MCPZ_RECORD_SEAL_BYTES == MCPZ_TENANT_KEY_ID_BYTES + RECORD_NONCE, "records");
static_assert(MCPZ_RECORD_TOKEN_BYTES >= crypto_generichash_BYTES_MIN, "tokens");
static_assert(crypto_stream_chacha20_KEYBYTES == crypto_kdf_KEYBYTES, "the gear's stream");

/* Never reordered: what is on disk hangs on them. */
enum subkey {
    SUBKEY_IDS = 1,
    SUBKEY_CHUNKS,
    SUBKEY_GEAR,
    SUBKEY_RECORD_NONCES,
    SUBKEY_RECORDS,
    SUBKEY_TOKENS,
    SUBKEY_CHUNK_NONCES,
};

struct mcpz_node_key {
    uint8_t bytes[MCPZ_NODE_KEY_BYTES];
};

/* Bytes only: see identity.c. */
struct mcpz_tenant_key {
    uint8_t master[crypto_kdf_KEYBYTES];
    uint8_t ids[crypto_kdf_KEYBYTES];
    uint8_t chunks[crypto_kdf_KEYBYTES];
    uint8_t gear[crypto_kdf_KEYBYTES];
    uint8_t record_nonces[crypto_kdf_KEYBYTES];
    uint8_t records[crypto_kdf_KEYBYTES];
    uint8_t tokens[crypto_kdf_KEYBYTES];
    uint8_t chunk_nonces[crypto_kdf_KEYBYTES];
    uint8_t id[MCPZ_TENANT_KEY_ID_BYTES];
    uint8_t tenant[MCPZ_TENANT_BYTES_MAX];
    uint8_t tenant_length;
    uint8_t use;
    uint8_t made_ms[8]; /* bytes only: see identity.c */
};

static_assert(_Alignof(struct mcpz_tenant_key) == 1, "fits unaligned memory");
static_assert(MCPZ_TENANT_BYTES_MAX <= UINT8_MAX, "its length is a byte");

mcpz_error mcpz_node_key_create(const uint8_t *bytes, struct mcpz_node_key **key)
{
    *key = sodium_malloc(sizeof(**key));
    if (*key == NULL) {
        return MCPZ_ENOMEM;
    }
    memcpy((*key)->bytes, bytes, MCPZ_NODE_KEY_BYTES);
    return MCPZ_OK;
}

void mcpz_node_key_destroy(struct mcpz_node_key *key)
{
    sodium_free(key);
}

void mcpz_node_key_id(const struct mcpz_node_key *key, uint8_t *id)
{
    uint8_t digest[MCPZ_DIGEST_BYTES];
    struct mcpz_digest_state state;

    mcpz_digest_begin(&state, MCPZ_DIGEST_NODE_KEY, mcpz_bytes(key->bytes, MCPZ_NODE_KEY_BYTES));
    mcpz_digest_end(&state, digest);
    memcpy(id, digest, MCPZ_NODE_KEY_ID_BYTES);
}

void mcpz_node_key_show(const struct mcpz_node_key *key, uint8_t *bytes)
{
    memcpy(bytes, key->bytes, MCPZ_NODE_KEY_BYTES);
}

void mcpz_node_key_wrap(const struct mcpz_node_key *key, const struct mcpz_node_key *outer,
                        struct mcpz_bytes about, uint8_t *wrapped)
{
    randombytes_buf(wrapped, AEAD_NONCE);
    int failed = crypto_aead_xchacha20poly1305_ietf_encrypt(
        wrapped + AEAD_NONCE, NULL, key->bytes, MCPZ_NODE_KEY_BYTES, about.data, about.length,
        NULL, wrapped, outer->bytes);
    assert(failed == 0);
}

mcpz_error mcpz_node_key_unwrap(const struct mcpz_node_key *outer, struct mcpz_bytes about,
                                const uint8_t *wrapped, struct mcpz_node_key **key)
{
    struct mcpz_node_key *made = sodium_malloc(sizeof(*made));

    *key = NULL;
    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(made->bytes, NULL, NULL, wrapped + AEAD_NONCE,
                                                   MCPZ_NODE_KEY_BYTES + AEAD_TAG, about.data,
                                                   about.length, wrapped, outer->bytes) != 0) {
        mcpz_node_key_destroy(made);
        return MCPZ_EAUTH;
    }
    *key = made;
    return MCPZ_OK;
}

static void derive(struct mcpz_tenant_key *key, enum mcpz_tenant_key_use use,
                   struct mcpz_bytes tenant)
{
    const struct {
        enum subkey id;
        uint8_t *bytes;
    } subkeys[] = {{SUBKEY_IDS, key->ids},
                   {SUBKEY_CHUNKS, key->chunks},
                   {SUBKEY_GEAR, key->gear},
                   {SUBKEY_RECORD_NONCES, key->record_nonces},
                   {SUBKEY_RECORDS, key->records},
                   {SUBKEY_TOKENS, key->tokens},
                   {SUBKEY_CHUNK_NONCES, key->chunk_nonces}};
    uint8_t digest[MCPZ_DIGEST_BYTES];
    struct mcpz_digest_state state;

    for (size_t i = 0; i < sizeof(subkeys) / sizeof(subkeys[0]); i++) {
        int failed = crypto_kdf_derive_from_key(subkeys[i].bytes, crypto_kdf_KEYBYTES,
                                                subkeys[i].id, SUBKEY_CONTEXT, key->master);
        assert(failed == 0);
    }
    key->use = (uint8_t)use;
    mcpz_tenant_key_set_made_ms(key, 0);
    key->tenant_length = (uint8_t)tenant.length;
    if (tenant.length > 0) {
        memcpy(key->tenant, tenant.data, tenant.length);
    }
    mcpz_digest_begin(&state, MCPZ_DIGEST_TENANT_KEY,
                      mcpz_bytes(key->master, sizeof(key->master)));
    mcpz_digest_add(&state, mcpz_bytes(&key->use, 1));
    mcpz_digest_add(&state, tenant);
    mcpz_digest_end(&state, digest);
    memcpy(key->id, digest, sizeof(key->id));
}

static struct mcpz_tenant_key *make(struct mcpz_bytes tenant)
{
    assert(tenant.length <= MCPZ_TENANT_BYTES_MAX);
    return sodium_malloc(sizeof(struct mcpz_tenant_key));
}

mcpz_error mcpz_tenant_key_restore(enum mcpz_tenant_key_use use, struct mcpz_bytes tenant,
                                   const uint8_t *bytes, struct mcpz_tenant_key **key)
{
    *key = make(tenant);
    if (*key == NULL) {
        return MCPZ_ENOMEM;
    }
    memcpy((*key)->master, bytes, sizeof((*key)->master));
    derive(*key, use, tenant);
    return MCPZ_OK;
}

mcpz_error mcpz_tenant_key_create(enum mcpz_tenant_key_use use, struct mcpz_bytes tenant,
                                  struct mcpz_tenant_key **key)
{
    uint8_t bytes[crypto_kdf_KEYBYTES];

    crypto_kdf_keygen(bytes);
    mcpz_error error = mcpz_tenant_key_restore(use, tenant, bytes, key);
    sodium_memzero(bytes, sizeof(bytes));
    return error;
}

/* What the wrapping is bound to: use, tenant. Returns how long it is. */
static size_t wrapped_for(enum mcpz_tenant_key_use use, struct mcpz_bytes tenant, uint8_t *out)
{
    out[0] = (uint8_t)use;
    if (tenant.length > 0) {
        memcpy(out + 1, tenant.data, tenant.length);
    }
    return 1 + tenant.length;
}

mcpz_error mcpz_tenant_key_unwrap(const struct mcpz_node_key *node_key,
                                  enum mcpz_tenant_key_use use, struct mcpz_bytes tenant,
                                  const uint8_t *wrapped, struct mcpz_tenant_key **key)
{
    uint8_t bound[1 + MCPZ_TENANT_BYTES_MAX];
    *key = NULL;

    struct mcpz_tenant_key *made = make(tenant);
    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(
            made->master, NULL, NULL, wrapped + AEAD_NONCE, crypto_kdf_KEYBYTES + AEAD_TAG, bound,
            wrapped_for(use, tenant, bound), wrapped, node_key->bytes) != 0) {
        mcpz_tenant_key_destroy(made);
        return MCPZ_EAUTH;
    }
    derive(made, use, tenant);
    *key = made;
    return MCPZ_OK;
}

void mcpz_tenant_key_wrap(const struct mcpz_tenant_key *key, const struct mcpz_node_key *node_key,
                          uint8_t *wrapped)
{
    uint8_t bound[1 + MCPZ_TENANT_BYTES_MAX];
    const size_t length = wrapped_for((enum mcpz_tenant_key_use)key->use,
                                      mcpz_bytes(key->tenant, key->tenant_length), bound);

    randombytes_buf(wrapped, AEAD_NONCE);
    int failed = crypto_aead_xchacha20poly1305_ietf_encrypt(
        wrapped + AEAD_NONCE, NULL, key->master, crypto_kdf_KEYBYTES, bound, length, NULL, wrapped,
        node_key->bytes);
    assert(failed == 0);
}

void mcpz_tenant_key_show(const struct mcpz_tenant_key *key, uint8_t *bytes)
{
    memcpy(bytes, key->master, sizeof(key->master));
}

void mcpz_tenant_key_destroy(struct mcpz_tenant_key *key)
{
    sodium_free(key);
}

mcpz_error mcpz_tenant_key_copy(const struct mcpz_tenant_key *key, struct mcpz_tenant_key **copy)
{
    *copy = sodium_malloc(sizeof(**copy));
    if (*copy == NULL) {
        return MCPZ_ENOMEM;
    }
    memcpy(*copy, key, sizeof(**copy));
    return MCPZ_OK;
}

void mcpz_tenant_key_id(const struct mcpz_tenant_key *key, uint8_t *id)
{
    memcpy(id, key->id, MCPZ_TENANT_KEY_ID_BYTES);
}

enum mcpz_tenant_key_use mcpz_tenant_key_use(const struct mcpz_tenant_key *key)
{
    return (enum mcpz_tenant_key_use)key->use;
}

uint64_t mcpz_tenant_key_made_ms(const struct mcpz_tenant_key *key)
{
    uint64_t made_ms;

    memcpy(&made_ms, key->made_ms, sizeof(made_ms));
    return made_ms;
}

void mcpz_tenant_key_set_made_ms(struct mcpz_tenant_key *key, uint64_t made_ms)
{
    memcpy(key->made_ms, &made_ms, sizeof(made_ms));
}

struct mcpz_bytes mcpz_tenant_key_tenant(const struct mcpz_tenant_key *key)
{
    return mcpz_bytes(key->tenant, key->tenant_length);
}

/* ---- Chunks --------------------------------------------------------------------------------- */

void mcpz_tenant_key_chunk_id(const struct mcpz_tenant_key *key, uint8_t kind,
                              struct mcpz_bytes plain, struct mcpz_id *id)
{
    struct mcpz_digest_state state;

    mcpz_digest_begin(&state, MCPZ_DIGEST_CHUNK, mcpz_bytes(key->ids, sizeof(key->ids)));
    mcpz_digest_add(&state, mcpz_bytes(&kind, 1));
    mcpz_digest_add(&state, plain);
    mcpz_digest_end(&state, id->bytes);
}

/* Tenant, id, codec: a chunk opens only as what it was sealed as. Returns how long it is. */
static size_t bound_to(const struct mcpz_tenant_key *key, const struct mcpz_id *id, uint8_t codec,
                       uint8_t *out)
{
    size_t length = key->tenant_length;

    memcpy(out, key->tenant, length);
    memcpy(out + length, id->bytes, MCPZ_ID_BYTES);
    length += MCPZ_ID_BYTES;
    out[length++] = codec;
    return length;
}

/* A keyed hash of all that is sealed: the same bytes are sealed to the same, at any node. */
static void chunk_nonce(const struct mcpz_tenant_key *key, struct mcpz_bytes bound,
                        struct mcpz_bytes body, uint8_t *nonce)
{
    crypto_generichash_state state;

    (void)crypto_generichash_init(&state, key->chunk_nonces, sizeof(key->chunk_nonces),
                                  AEAD_NONCE);
    (void)crypto_generichash_update(&state, bound.data, bound.length);
    (void)crypto_generichash_update(&state, body.data, body.length);
    (void)crypto_generichash_final(&state, nonce, AEAD_NONCE);
}

void mcpz_tenant_key_seal(const struct mcpz_tenant_key *key, const struct mcpz_id *id,
                          uint8_t codec, struct mcpz_bytes body, uint8_t *sealed)
{
    uint8_t bound[MCPZ_TENANT_BYTES_MAX + MCPZ_ID_BYTES + 1];
    const size_t length = bound_to(key, id, codec, bound);

    chunk_nonce(key, mcpz_bytes(bound, length), body, sealed);
    int failed = crypto_aead_xchacha20poly1305_ietf_encrypt(sealed + AEAD_NONCE, NULL, body.data,
                                                            body.length, bound, length, NULL,
                                                            sealed, key->chunks);
    assert(failed == 0);
}

mcpz_error mcpz_tenant_key_open(const struct mcpz_tenant_key *key, const struct mcpz_id *id,
                                uint8_t codec, struct mcpz_bytes sealed, uint8_t *body)
{
    uint8_t bound[MCPZ_TENANT_BYTES_MAX + MCPZ_ID_BYTES + 1];
    const size_t length = bound_to(key, id, codec, bound);

    if (sealed.length < MCPZ_CHUNK_SEAL_BYTES ||
        crypto_aead_xchacha20poly1305_ietf_decrypt(body, NULL, NULL, sealed.data + AEAD_NONCE,
                                                   sealed.length - AEAD_NONCE, bound, length,
                                                   sealed.data, key->chunks) != 0) {
        return MCPZ_EAUTH;
    }
    return MCPZ_OK;
}

void mcpz_tenant_key_gear(const struct mcpz_tenant_key *key, uint64_t *gear)
{
    static const uint8_t nonce[crypto_stream_chacha20_NONCEBYTES];

    int failed =
        crypto_stream_chacha20((uint8_t *)gear, MCPZ_GEAR_WORDS * sizeof(*gear), nonce, key->gear);
    assert(failed == 0);
    for (size_t i = 0; i < MCPZ_GEAR_WORDS; i++) {
        gear[i] = le64toh(gear[i]);
    }
}

/* ---- Records -------------------------------------------------------------------------------- */

void mcpz_tenant_key_token(const struct mcpz_tenant_key *key, uint8_t kind, struct mcpz_bytes name,
                           uint8_t *token)
{
    crypto_generichash_state state;

    (void)crypto_generichash_init(&state, key->tokens, sizeof(key->tokens),
                                  MCPZ_RECORD_TOKEN_BYTES);
    (void)crypto_generichash_update(&state, &kind, 1);
    if (name.length > 0) {
        (void)crypto_generichash_update(&state, name.data, name.length);
    }
    (void)crypto_generichash_final(&state, token, MCPZ_RECORD_TOKEN_BYTES);
}

/* A keyed hash of all that is sealed and where, which is nonce and proof in one. */
static void record_nonce(const struct mcpz_tenant_key *key, struct mcpz_bytes place,
                         struct mcpz_bytes plain, uint8_t *nonce)
{
    crypto_generichash_state state;
    const uint8_t length[2] = {(uint8_t)(place.length >> 8), (uint8_t)place.length};

    assert(place.length <= UINT16_MAX);
    (void)crypto_generichash_init(&state, key->record_nonces, sizeof(key->record_nonces),
                                  RECORD_NONCE);
    (void)crypto_generichash_update(&state, length, sizeof(length));
    (void)crypto_generichash_update(&state, place.data, place.length);
    if (plain.length > 0) {
        (void)crypto_generichash_update(&state, plain.data, plain.length);
    }
    (void)crypto_generichash_final(&state, nonce, RECORD_NONCE);
}

void mcpz_tenant_key_seal_record(const struct mcpz_tenant_key *key, struct mcpz_bytes place,
                                 struct mcpz_bytes plain, uint8_t *sealed)
{
    uint8_t *nonce = sealed + MCPZ_TENANT_KEY_ID_BYTES;

    memcpy(sealed, key->id, MCPZ_TENANT_KEY_ID_BYTES);
    record_nonce(key, place, plain, nonce);
    int failed = crypto_stream_xchacha20_xor(nonce + RECORD_NONCE, plain.data, plain.length, nonce,
                                             key->records);
    assert(failed == 0);
}

mcpz_error mcpz_tenant_key_open_record(const struct mcpz_tenant_key *key, struct mcpz_bytes place,
                                       struct mcpz_bytes sealed, uint8_t *plain)
{
    uint8_t nonce[RECORD_NONCE];

    if (sealed.length < MCPZ_RECORD_SEAL_BYTES ||
        memcmp(sealed.data, key->id, MCPZ_TENANT_KEY_ID_BYTES) != 0) {
        return MCPZ_EAUTH;
    }
    const uint8_t *given = sealed.data + MCPZ_TENANT_KEY_ID_BYTES;
    const size_t length = sealed.length - MCPZ_RECORD_SEAL_BYTES;
    int failed =
        crypto_stream_xchacha20_xor(plain, given + RECORD_NONCE, length, given, key->records);
    assert(failed == 0);
    record_nonce(key, place, mcpz_bytes(plain, length), nonce);
    if (sodium_memcmp(nonce, given, sizeof(nonce)) != 0) {
        sodium_memzero(plain, length);
        return MCPZ_EAUTH;
    }
    return MCPZ_OK;
}
