#include "crypto/proof.h"

#include <assert.h>

#include <sodium.h>

#include "crypto/digest.h"
#include "proto/msg.h"

static_assert(MCPZ_PROOF_BYTES == MCPZ_DIGEST_BYTES, "keys and proofs are digests");

void mcpz_proof_key(struct mcpz_bytes secret, uint8_t *key)
{
    mcpz_digest(MCPZ_DIGEST_TOKEN_KEY, secret, key);
}

void mcpz_proof_make(const uint8_t *key, const uint8_t *binding, const struct mcpz_id *joiner,
                     const struct mcpz_id *admitter, uint8_t *proof)
{
    struct mcpz_digest_state state;

    /* All three have a fixed length: nothing between them is needed to tell them apart. */
    mcpz_digest_begin(&state, MCPZ_DIGEST_JOIN_PROOF, mcpz_bytes(key, MCPZ_PROOF_BYTES));
    mcpz_digest_add(&state, mcpz_bytes(binding, MCPZ_BINDING_BYTES));
    mcpz_digest_add(&state, mcpz_bytes(joiner->bytes, MCPZ_ID_BYTES));
    mcpz_digest_add(&state, mcpz_bytes(admitter->bytes, MCPZ_ID_BYTES));
    mcpz_digest_end(&state, proof);
}

mcpz_error mcpz_proof_check(const uint8_t *key, const uint8_t *binding,
                            const struct mcpz_id *joiner, const struct mcpz_id *admitter,
                            struct mcpz_bytes proof)
{
    uint8_t expected[MCPZ_PROOF_BYTES];

    if (proof.length != MCPZ_PROOF_BYTES) {
        return MCPZ_EAUTH;
    }
    mcpz_proof_make(key, binding, joiner, admitter, expected);
    int differs = sodium_memcmp(expected, proof.data, MCPZ_PROOF_BYTES);
    sodium_memzero(expected, sizeof(expected));
    return differs ? MCPZ_EAUTH : MCPZ_OK;
}
