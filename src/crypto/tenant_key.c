#include "crypto/tenant_key.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include <sodium.h>

#include "crypto/digest.h"

#define SUBKEY_CONTEXT "mcpztenk" /* eight letters: crypto_kdf's context */
#define AEAD_NONCE crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define AEAD_TAG crypto_aead_xchacha20poly1305_ietf_ABYTES

static_assert(MCPZ_NODE_KEY_BYTES == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "node key");
static_assert(crypto_kdf_KEYBYTES == MCPZ_NODE_KEY_BYTES, "tenant key");
static_assert(MCPZ_WRAPPED_KEY_BYTES == AEAD_NONCE + crypto_kdf_KEYBYTES + AEAD_TAG, "wrapped");
static_assert(MCPZ_CHUNK_SEAL_BYTES == AEAD_NONCE + AEAD_TAG, "sealing");
static_assert(crypto_stream_chacha20_KEYBYTES == crypto_kdf_KEYBYTES, "the gear's stream");

/* Never reordered: what is on disk hangs on them. */
enum subkey { SUBKEY_IDS = 1, SUBKEY_CHUNKS, SUBKEY_GEAR };

struct mcpz_node_key {
    uint8_t bytes[MCPZ_NODE_KEY_BYTES];
};

/* Bytes only: see identity.c. */
struct mcpz_tenant_key {
    uint8_t master[crypto_kdf_KEYBYTES];
    uint8_t ids[crypto_kdf_KEYBYTES];
    uint8_t chunks[crypto_kdf_KEYBYTES];
    uint8_t gear[crypto_kdf_KEYBYTES];
    uint8_t tenant[MCPZ_TENANT_BYTES_MAX];
    uint8_t tenant_length;
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

static void derive(struct mcpz_tenant_key *key, struct mcpz_bytes tenant)
{
    const struct {
        enum subkey id;
        uint8_t *bytes;
    } subkeys[] = {{SUBKEY_IDS, key->ids}, {SUBKEY_CHUNKS, key->chunks}, {SUBKEY_GEAR, key->gear}};

    for (size_t i = 0; i < sizeof(subkeys) / sizeof(subkeys[0]); i++) {
        int failed = crypto_kdf_derive_from_key(subkeys[i].bytes, crypto_kdf_KEYBYTES,
                                                subkeys[i].id, SUBKEY_CONTEXT, key->master);
        assert(failed == 0);
    }
    key->tenant_length = (uint8_t)tenant.length;
    if (tenant.length > 0) {
        memcpy(key->tenant, tenant.data, tenant.length);
    }
}

static struct mcpz_tenant_key *make(struct mcpz_bytes tenant)
{
    assert(tenant.length <= MCPZ_TENANT_BYTES_MAX);
    return sodium_malloc(sizeof(struct mcpz_tenant_key));
}

mcpz_error mcpz_tenant_key_create(struct mcpz_bytes tenant, struct mcpz_tenant_key **key)
{
    *key = make(tenant);
    if (*key == NULL) {
        return MCPZ_ENOMEM;
    }
    crypto_kdf_keygen((*key)->master);
    derive(*key, tenant);
    return MCPZ_OK;
}

mcpz_error mcpz_tenant_key_unwrap(const struct mcpz_node_key *node_key, struct mcpz_bytes tenant,
                                  const uint8_t *wrapped, struct mcpz_tenant_key **key)
{
    *key = NULL;

    struct mcpz_tenant_key *made = make(tenant);
    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(made->master, NULL, NULL, wrapped + AEAD_NONCE,
                                                   crypto_kdf_KEYBYTES + AEAD_TAG, tenant.data,
                                                   tenant.length, wrapped, node_key->bytes) != 0) {
        mcpz_tenant_key_destroy(made);
        return MCPZ_EAUTH;
    }
    derive(made, tenant);
    *key = made;
    return MCPZ_OK;
}

void mcpz_tenant_key_wrap(const struct mcpz_tenant_key *key, const struct mcpz_node_key *node_key,
                          uint8_t *wrapped)
{
    randombytes_buf(wrapped, AEAD_NONCE);
    int failed = crypto_aead_xchacha20poly1305_ietf_encrypt(
        wrapped + AEAD_NONCE, NULL, key->master, crypto_kdf_KEYBYTES, key->tenant,
        key->tenant_length, NULL, wrapped, node_key->bytes);
    assert(failed == 0);
}

void mcpz_tenant_key_destroy(struct mcpz_tenant_key *key)
{
    sodium_free(key);
}

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

void mcpz_tenant_key_seal(const struct mcpz_tenant_key *key, const struct mcpz_id *id,
                          uint8_t codec, struct mcpz_bytes body, uint8_t *sealed)
{
    uint8_t bound[MCPZ_TENANT_BYTES_MAX + MCPZ_ID_BYTES + 1];
    const size_t length = bound_to(key, id, codec, bound);

    randombytes_buf(sealed, AEAD_NONCE);
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
