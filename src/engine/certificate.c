#include "engine/certificate.h"

#include <assert.h>

#include "wire/credentials.h"

static mcpz_error encode_body(const struct mcpz_certificate *certificate,
                              struct mcpz_certificate_bytes *body)
{
    return mcpz_certificate_body_encode(certificate, body->bytes, sizeof(body->bytes),
                                        &body->length);
}

mcpz_error mcpz_certificate_issue(const struct mcpz_identity *signer, struct mcpz_bytes own,
                                  struct mcpz_certificate *leaf,
                                  struct mcpz_certificate_bytes *encoded)
{
    struct mcpz_certificate_chain chain = {.count = 1};
    struct mcpz_certificate_bytes body;
    uint8_t signature[MCPZ_SIGNATURE_BYTES];

    if (own.length > 0) {
        struct mcpz_certificate_chain signers;
        mcpz_error error = mcpz_certificate_chain_decode(own, &signers);
        if (error != MCPZ_OK || signers.count != 1) {
            return MCPZ_EAUTH;
        }
        chain.certificates[1] = signers.certificates[0];
        chain.count = 2;
    }
    leaf->issuer = *mcpz_identity_id(signer);
    mcpz_error error = encode_body(leaf, &body);
    if (error != MCPZ_OK) {
        return error;
    }
    mcpz_identity_sign(signer, mcpz_certificate_slice(&body), signature);
    leaf->signature = mcpz_bytes(signature, sizeof(signature));
    chain.certificates[0] = *leaf;
    error = mcpz_certificate_chain_encode(&chain, encoded->bytes, sizeof(encoded->bytes),
                                          &encoded->length);
    leaf->signature = mcpz_bytes(NULL, 0); /* it lay on our stack */
    return error;
}

static bool is_within_time(const struct mcpz_certificate *certificate, uint64_t wall_ms)
{
    return wall_ms + MCPZ_CERTIFICATE_SKEW_MS >= certificate->not_before_ms &&
           wall_ms < certificate->not_after_ms;
}

static mcpz_error check_signature(const struct mcpz_certificate *certificate)
{
    struct mcpz_certificate_bytes body;
    mcpz_error error = encode_body(certificate, &body);

    return error != MCPZ_OK
               ? MCPZ_EAUTH
               : mcpz_signature_verify(&certificate->issuer, mcpz_certificate_slice(&body),
                                       certificate->signature);
}

/* May whoever signed the leaf do that? */
static bool is_signer_entitled(const struct mcpz_certificate_chain *chain,
                               const struct mcpz_id *mesh)
{
    const struct mcpz_certificate *leaf = &chain->certificates[0];
    const struct mcpz_certificate *signer = &chain->certificates[1];

    if (chain->count == 1) {
        return mcpz_id_equal(&leaf->issuer, mesh);
    }
    return mcpz_id_equal(&signer->node, &leaf->issuer) && mcpz_id_equal(&signer->mesh, mesh) &&
           mcpz_id_equal(&signer->issuer, mesh) &&
           mcpz_certificate_has_role(signer, MCPZ_ROLE_COORDINATOR);
}

/* Form, mesh and node. */
static mcpz_error open_chain(struct mcpz_bytes encoded, const struct mcpz_id *mesh,
                             const struct mcpz_id *node, struct mcpz_certificate_chain *chain)
{
    mcpz_error error = mcpz_certificate_chain_decode(encoded, chain);
    if (error != MCPZ_OK) {
        return error;
    }
    if (!mcpz_id_equal(&chain->certificates[0].mesh, mesh)) {
        return MCPZ_ENOTFOUND;
    }
    return mcpz_id_equal(&chain->certificates[0].node, node) && is_signer_entitled(chain, mesh)
               ? MCPZ_OK
               : MCPZ_EAUTH;
}

static mcpz_error check_signatures(const struct mcpz_certificate_chain *chain)
{
    mcpz_error error = MCPZ_OK;

    for (size_t i = 0; i < chain->count && error == MCPZ_OK; i++) {
        error = check_signature(&chain->certificates[i]);
    }
    return error;
}

mcpz_error mcpz_certificate_verify(struct mcpz_bytes encoded, const struct mcpz_id *mesh,
                                   const struct mcpz_id *node, uint64_t wall_ms,
                                   struct mcpz_certificate *leaf)
{
    struct mcpz_certificate_chain chain;
    mcpz_error error = open_chain(encoded, mesh, node, &chain);
    if (error != MCPZ_OK) {
        return error;
    }
    for (size_t i = 0; i < chain.count; i++) {
        if (!is_within_time(&chain.certificates[i], wall_ms)) {
            return MCPZ_EEXPIRED;
        }
    }
    error = check_signatures(&chain);
    if (error == MCPZ_OK && leaf != NULL) {
        *leaf = chain.certificates[0];
    }
    return error;
}

mcpz_error mcpz_certificate_verify_author(struct mcpz_bytes encoded, const struct mcpz_id *mesh,
                                          const struct mcpz_id *author)
{
    struct mcpz_certificate_chain chain;
    mcpz_error error = open_chain(encoded, mesh, author, &chain);

    return error != MCPZ_OK ? error : check_signatures(&chain);
}

bool mcpz_certificate_has_role(const struct mcpz_certificate *certificate, const char *role)
{
    for (size_t i = 0; i < certificate->role_count; i++) {
        if (mcpz_bytes_equal(certificate->roles[i], mcpz_text(role))) {
            return true;
        }
    }
    return false;
}
