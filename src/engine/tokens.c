/* Join tokens: made, revoked. Proving one is admission's. */

#include <assert.h>

#include "engine/internal.h"

bool mcpz_engine_may_admit(const struct mcpz_engine *engine)
{
    struct mcpz_certificate leaf;

    if (mcpz_id_is_zero(&engine->mesh)) {
        return false;
    }
    if (engine->authority != NULL &&
        mcpz_id_equal(mcpz_identity_id(engine->authority), &engine->mesh)) {
        return true;
    }
    return mcpz_certificate_verify(mcpz_certificate_slice(&engine->certificate), &engine->mesh,
                                   mcpz_identity_id(engine->identity), engine->wall_ms,
                                   &leaf) == MCPZ_OK &&
           mcpz_id_equal(&leaf.issuer, &engine->mesh) &&
           mcpz_certificate_has_role(&leaf, MCPZ_ROLE_COORDINATOR);
}

/* Make room: what has expired is of no use to anybody. */
static size_t sweep_tokens(struct mcpz_engine *engine)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_TOKEN};
    size_t count = 0;
    bool inclusive = true;

    while (engine->store.next(engine->store.context, MCPZ_SCAN_KIND, inclusive, &record) ==
           MCPZ_OK) {
        inclusive = false;
        if (record.token.expires_ms <= engine->wall_ms) {
            engine->store.remove(engine->store.context, &record);
        } else {
            count++;
        }
    }
    return count;
}

mcpz_error mcpz_engine_token_create(struct mcpz_engine *engine, uint64_t request, uint64_t ttl_ms,
                                    uint32_t uses, struct mcpz_bytes role,
                                    struct mcpz_join_token *token)
{
    uint8_t key[MCPZ_PROOF_BYTES];
    assert(engine->in_turn && uses > 0 && role.length <= MCPZ_NAME_BYTES_MAX);

    if (!mcpz_engine_may_admit(engine)) {
        return MCPZ_EAUTH;
    }
    if (engine->texts.address[0] == '\0') {
        return MCPZ_ENOTFOUND;
    }
    if (sweep_tokens(engine) >= MCPZ_TOKENS_MAX) {
        return MCPZ_EFULL;
    }
    mcpz_random(engine->token_id, sizeof(engine->token_id));
    mcpz_random(engine->token_secret, sizeof(engine->token_secret));
    mcpz_proof_key(mcpz_bytes(engine->token_secret, sizeof(engine->token_secret)), key);

    struct mcpz_record record = {
        .kind = MCPZ_RECORD_TOKEN,
        .token =
            {
                .key = mcpz_bytes(key, sizeof(key)),
                .created_ms = engine->wall_ms,
                .expires_ms = engine->wall_ms + ttl_ms,
                .uses_max = uses,
                .role = role,
            },
    };
    memcpy(record.token.id, engine->token_id, sizeof(engine->token_id));
    engine->store.put(engine->store.context, &record);
    mcpz_wipe(key, sizeof(key));

    *token = (struct mcpz_join_token){
        .mesh = engine->mesh,
        .id = mcpz_bytes(engine->token_id, sizeof(engine->token_id)),
        .secret = mcpz_bytes(engine->token_secret, sizeof(engine->token_secret)),
        .expires_ms = engine->wall_ms + ttl_ms,
        .uses = uses,
        .role = role,
        .addresses = {mcpz_text(engine->texts.address)},
        .address_count = 1,
    };
    mcpz_outbound_reply(engine, request, MCPZ_CODE_OK, "");
    return MCPZ_OK;
}

mcpz_error mcpz_engine_token_revoke(struct mcpz_engine *engine, uint64_t request,
                                    struct mcpz_bytes id)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_TOKEN};
    assert(engine->in_turn);

    if (id.length != MCPZ_TOKEN_ID_BYTES) {
        return MCPZ_ENOTFOUND;
    }
    memcpy(record.token.id, id.data, id.length);
    mcpz_error error = engine->store.get(engine->store.context, &record);
    if (error != MCPZ_OK) {
        return MCPZ_ENOTFOUND;
    }
    record.token.revoked = true;
    engine->store.put(engine->store.context, &record);
    mcpz_outbound_reply(engine, request, MCPZ_CODE_OK, "");
    return MCPZ_OK;
}
