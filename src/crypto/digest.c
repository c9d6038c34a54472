#include "crypto/digest.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

typedef crypto_generichash_blake2b_state blake2b_state;

static_assert(sizeof(blake2b_state) <= sizeof(struct mcpz_digest_state), "the state fits");
static_assert(_Alignof(blake2b_state) <= _Alignof(struct mcpz_digest_state), "and is aligned");
static_assert(MCPZ_DIGEST_BYTES >= crypto_generichash_blake2b_BYTES_MIN &&
                  MCPZ_DIGEST_BYTES <= crypto_generichash_blake2b_BYTES_MAX,
              "digest size");
static_assert(sizeof(MCPZ_DIGEST_DOCUMENT) == crypto_generichash_blake2b_PERSONALBYTES + 1 &&
                  sizeof(MCPZ_DIGEST_ROOT) == sizeof(MCPZ_DIGEST_DOCUMENT) &&
                  sizeof(MCPZ_DIGEST_TOKEN_KEY) == sizeof(MCPZ_DIGEST_DOCUMENT) &&
                  sizeof(MCPZ_DIGEST_JOIN_PROOF) == sizeof(MCPZ_DIGEST_DOCUMENT) &&
                  sizeof(MCPZ_DIGEST_SNAPSHOT) == sizeof(MCPZ_DIGEST_DOCUMENT),
              "names of uses are exactly a personalisation");

static blake2b_state *inside(struct mcpz_digest_state *state)
{
    return (blake2b_state *)(void *)state->opaque;
}

void mcpz_digest_begin(struct mcpz_digest_state *state, const char *use, struct mcpz_bytes key)
{
    assert(strlen(use) == crypto_generichash_blake2b_PERSONALBYTES);
    assert(key.length <= crypto_generichash_blake2b_KEYBYTES_MAX);

    int failed = crypto_generichash_blake2b_init_salt_personal(
        inside(state), key.data, key.length, MCPZ_DIGEST_BYTES, NULL, (const unsigned char *)use);
    assert(failed == 0);
}

void mcpz_digest_add(struct mcpz_digest_state *state, struct mcpz_bytes bytes)
{
    int failed = crypto_generichash_blake2b_update(inside(state), bytes.data, bytes.length);
    assert(failed == 0);
}

void mcpz_digest_end(struct mcpz_digest_state *state, uint8_t *digest)
{
    int failed = crypto_generichash_blake2b_final(inside(state), digest, MCPZ_DIGEST_BYTES);
    assert(failed == 0);
    sodium_memzero(state, sizeof(*state)); /* it may have been keyed */
}

void mcpz_digest(const char *use, struct mcpz_bytes bytes, uint8_t *digest)
{
    struct mcpz_digest_state state;

    mcpz_digest_begin(&state, use, mcpz_bytes(NULL, 0));
    mcpz_digest_add(&state, bytes);
    mcpz_digest_end(&state, digest);
}
