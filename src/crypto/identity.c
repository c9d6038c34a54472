#include "crypto/identity.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

static_assert(MCPZ_SEED_BYTES == crypto_sign_ed25519_SEEDBYTES, "seed size");
static_assert(MCPZ_ID_BYTES == crypto_sign_ed25519_PUBLICKEYBYTES, "id size");
static_assert(MCPZ_SIGNATURE_BYTES == crypto_sign_ed25519_BYTES, "signature size");

/* Bytes only: sodium_malloc() aligns for nothing more, it ends its memory at a guard page. */
struct mcpz_identity {
    struct mcpz_id id;
    uint8_t seed[MCPZ_SEED_BYTES];
    uint8_t secret_key[crypto_sign_ed25519_SECRETKEYBYTES];
};

static_assert(_Alignof(struct mcpz_identity) == 1, "fits unaligned memory");

mcpz_error mcpz_crypto_init(void)
{
    return sodium_init() < 0 ? MCPZ_EIO : MCPZ_OK;
}

void mcpz_random(void *bytes, size_t length)
{
    randombytes_buf(bytes, length);
}

void mcpz_wipe(void *bytes, size_t length)
{
    sodium_memzero(bytes, length);
}

mcpz_error mcpz_identity_create(const uint8_t *seed, struct mcpz_identity **identity)
{
    *identity = NULL;

    /* Guarded, locked and wiped on free, unlike malloc(). */
    struct mcpz_identity *made = sodium_malloc(sizeof(*made));
    if (made == NULL) {
        return MCPZ_ENOMEM;
    }

    memcpy(made->seed, seed, MCPZ_SEED_BYTES);
    crypto_sign_ed25519_seed_keypair(made->id.bytes, made->secret_key, seed);
    sodium_mprotect_readonly(made);
    *identity = made;
    return MCPZ_OK;
}

void mcpz_identity_destroy(struct mcpz_identity *identity)
{
    sodium_free(identity);
}

const struct mcpz_id *mcpz_identity_id(const struct mcpz_identity *identity)
{
    return &identity->id;
}

const uint8_t *mcpz_identity_seed(const struct mcpz_identity *identity)
{
    return identity->seed;
}

void mcpz_identity_exchange_key(const struct mcpz_identity *identity, uint8_t *key)
{
    (void)crypto_sign_ed25519_sk_to_curve25519(key, identity->secret_key);
}

void mcpz_identity_sign(const struct mcpz_identity *identity, struct mcpz_bytes bytes,
                        uint8_t *signature)
{
    crypto_sign_ed25519_detached(signature, NULL, bytes.data, bytes.length, identity->secret_key);
}

mcpz_error mcpz_signature_verify(const struct mcpz_id *signer, struct mcpz_bytes bytes,
                                 struct mcpz_bytes signature)
{
    if (signature.length != MCPZ_SIGNATURE_BYTES) {
        return MCPZ_EAUTH;
    }
    int failed = crypto_sign_ed25519_verify_detached(signature.data, bytes.data, bytes.length,
                                                     signer->bytes);
    return failed ? MCPZ_EAUTH : MCPZ_OK;
}
