#include "engine/vault.h"

#include <assert.h>
#include <string.h>

#include "base/hash.h"

static uint64_t number_of(const uint8_t *id)
{
    uint64_t number;

    static_assert(sizeof(number) == MCPZ_TENANT_KEY_ID_BYTES, "an id is a number");
    memcpy(&number, id, sizeof(number));
    return number;
}

static bool is_of(const struct mcpz_tenant_key *key, struct mcpz_bytes tenant)
{
    return mcpz_bytes_equal(mcpz_tenant_key_tenant(key), tenant);
}

/* Keep it, in place of another tenant's if there is no room. */
static const struct mcpz_tenant_key *keep(struct mcpz_vault *vault, struct mcpz_tenant_key *key)
{
    uint8_t id[MCPZ_TENANT_KEY_ID_BYTES];
    size_t at = vault->count;

    mcpz_tenant_key_id(key, id);
    if (at == MCPZ_VAULT_KEYS_MAX) {
        at = 1 + (size_t)(number_of(id) % (MCPZ_VAULT_KEYS_MAX - 1)); /* not our own */
        mcpz_tenant_key_destroy(vault->keys[at]);
    } else {
        vault->count++;
    }
    vault->ids[at] = number_of(id);
    vault->names[at] = mcpz_hash_bytes(mcpz_tenant_key_tenant(key), 0);
    vault->keys[at] = key;
    return key;
}

mcpz_error mcpz_vault_init(struct mcpz_vault *vault, const struct mcpz_vault_port *port)
{
    struct mcpz_tenant_key *own = NULL;

    vault->port = *port;
    vault->count = 0;
    mcpz_error error = port->lend(port->context, mcpz_text(MCPZ_TENANT_SYSTEM), &own);
    if (error == MCPZ_OK) {
        (void)keep(vault, own);
    }
    return error;
}

void mcpz_vault_finish(struct mcpz_vault *vault)
{
    for (size_t i = 0; i < vault->count; i++) {
        mcpz_tenant_key_destroy(vault->keys[i]);
    }
    vault->count = 0;
}

const struct mcpz_tenant_key *mcpz_vault_own(const struct mcpz_vault *vault)
{
    assert(vault->count > 0);
    return vault->keys[0];
}

static struct mcpz_bytes called(struct mcpz_bytes tenant)
{
    return tenant.length > 0 ? tenant : mcpz_text(MCPZ_TENANT_DEFAULT);
}

uint64_t mcpz_vault_ended_ms(const struct mcpz_vault *vault, struct mcpz_bytes tenant)
{
    return vault->port.ended_ms != NULL ? vault->port.ended_ms(vault->port.context, called(tenant))
                                        : 0;
}

const struct mcpz_tenant_key *mcpz_vault_of(struct mcpz_vault *vault, struct mcpz_bytes tenant)
{
    struct mcpz_tenant_key *lent = NULL;

    tenant = called(tenant);
    const uint64_t name = mcpz_hash_bytes(tenant, 0);
    for (size_t i = 0; i < vault->count; i++) {
        if (vault->names[i] == name && is_of(vault->keys[i], tenant)) {
            return vault->keys[i];
        }
    }
    if (vault->port.lend(vault->port.context, tenant, &lent) != MCPZ_OK) {
        return mcpz_vault_own(vault);
    }
    return keep(vault, lent);
}

mcpz_error mcpz_vault_find(struct mcpz_vault *vault, const uint8_t *id,
                           const struct mcpz_tenant_key **key)
{
    const uint64_t number = number_of(id);
    struct mcpz_tenant_key *lent = NULL;

    for (size_t i = 0; i < vault->count; i++) {
        if (vault->ids[i] == number) {
            *key = vault->keys[i];
            return MCPZ_OK;
        }
    }
    mcpz_error error = vault->port.lend_by_id(vault->port.context, id, &lent);
    if (error == MCPZ_OK) {
        *key = keep(vault, lent);
    }
    return error;
}

void mcpz_vault_forget(struct mcpz_vault *vault, struct mcpz_bytes tenant, uint64_t at_ms)
{
    for (size_t i = 1; i < vault->count; i++) {
        if (is_of(vault->keys[i], tenant) && mcpz_tenant_key_made_ms(vault->keys[i]) <= at_ms) {
            const size_t last = --vault->count;
            mcpz_tenant_key_destroy(vault->keys[i]);
            vault->keys[i] = vault->keys[last];
            vault->ids[i] = vault->ids[last];
            vault->names[i] = vault->names[last];
            i--;
        }
    }
}
