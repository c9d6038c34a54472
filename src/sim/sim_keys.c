#include "sim/sim_keys.h"

#include "crypto/digest.h"

static mcpz_error lend(void *context, struct mcpz_bytes tenant, struct mcpz_tenant_key **key)
{
    struct mcpz_sim_keys *keys = context;
    uint8_t bytes[MCPZ_DIGEST_BYTES];

    *key = NULL;
    for (size_t i = 0; i < keys->count; i++) {
        if (mcpz_bytes_equal(mcpz_tenant_key_tenant(keys->keys[i]), tenant)) {
            return mcpz_tenant_key_copy(keys->keys[i], key);
        }
    }
    if (keys->count == MCPZ_SIM_KEYS_MAX) {
        return MCPZ_EFULL;
    }
    static_assert(MCPZ_DIGEST_BYTES == MCPZ_NODE_KEY_BYTES, "a digest is a key");
    mcpz_digest(MCPZ_DIGEST_TENANT_KEY, tenant, bytes);
    mcpz_error error =
        mcpz_tenant_key_restore(MCPZ_KEY_OF_RECORDS, tenant, bytes, &keys->keys[keys->count]);
    return error != MCPZ_OK ? error : mcpz_tenant_key_copy(keys->keys[keys->count++], key);
}

static mcpz_error lend_by_id(void *context, const uint8_t *id, struct mcpz_tenant_key **key)
{
    const struct mcpz_sim_keys *keys = context;
    uint8_t own[MCPZ_TENANT_KEY_ID_BYTES];

    *key = NULL;
    for (size_t i = 0; i < keys->count; i++) {
        mcpz_tenant_key_id(keys->keys[i], own);
        if (memcmp(own, id, sizeof(own)) == 0) {
            return mcpz_tenant_key_copy(keys->keys[i], key);
        }
    }
    return MCPZ_ENOTFOUND;
}

struct mcpz_vault_port mcpz_sim_keys_port(struct mcpz_sim_keys *keys)
{
    return (struct mcpz_vault_port){.context = keys, .lend = lend, .lend_by_id = lend_by_id};
}

void mcpz_sim_keys_finish(struct mcpz_sim_keys *keys)
{
    while (keys->count > 0) {
        mcpz_tenant_key_destroy(keys->keys[--keys->count]);
    }
}
