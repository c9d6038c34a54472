/* A pair whose records are sealed: each has a ring of keys in memory, some of which may end. */

#ifndef TEST_RINGS_H
#define TEST_RINGS_H

#include "pair.h"

#define KEYS_MAX 8

/* A ring in memory. */
struct ring {
    struct mcpz_tenant_key *keys[KEYS_MAX];
    size_t count;
    char ended[MCPZ_TENANT_BYTES_MAX + 1]; /* whose keys are gone */
    uint64_t ended_ms;                     /* those that were made until then */
};

static struct ring rings[2];

static inline bool is_gone(const struct ring *ring, const struct mcpz_tenant_key *key)
{
    return mcpz_bytes_equal(mcpz_tenant_key_tenant(key), mcpz_text(ring->ended)) &&
           mcpz_tenant_key_made_ms(key) <= ring->ended_ms;
}

static inline mcpz_error lend(void *context, struct mcpz_bytes tenant,
                              struct mcpz_tenant_key **key)
{
    struct ring *ring = context;

    for (size_t i = 0; i < ring->count; i++) {
        if (mcpz_bytes_equal(mcpz_tenant_key_tenant(ring->keys[i]), tenant) &&
            !is_gone(ring, ring->keys[i])) {
            return mcpz_tenant_key_copy(ring->keys[i], key);
        }
    }
    CHECK(ring->count < KEYS_MAX);
    CHECK_UINT(mcpz_tenant_key_create(MCPZ_KEY_OF_RECORDS, tenant, &ring->keys[ring->count]),
               MCPZ_OK);
    mcpz_tenant_key_set_made_ms(ring->keys[ring->count], ring->ended_ms + 1);
    return mcpz_tenant_key_copy(ring->keys[ring->count++], key);
}

static inline mcpz_error lend_by_id(void *context, const uint8_t *id, struct mcpz_tenant_key **key)
{
    struct ring *ring = context;
    uint8_t own[MCPZ_TENANT_KEY_ID_BYTES];

    for (size_t i = 0; i < ring->count; i++) {
        mcpz_tenant_key_id(ring->keys[i], own);
        if (memcmp(own, id, sizeof(own)) == 0) {
            return is_gone(ring, ring->keys[i]) ? MCPZ_EEXPIRED
                                                : mcpz_tenant_key_copy(ring->keys[i], key);
        }
    }
    return MCPZ_ENOTFOUND;
}

static inline uint64_t ended_ms(void *context, struct mcpz_bytes tenant)
{
    const struct ring *ring = context;

    return mcpz_bytes_equal(tenant, mcpz_text(ring->ended)) ? ring->ended_ms : 0;
}

static const struct mcpz_vault_port ports[2] = {
    {.context = &rings[0], .lend = lend, .lend_by_id = lend_by_id, .ended_ms = ended_ms},
    {.context = &rings[1], .lend = lend, .lend_by_id = lend_by_id, .ended_ms = ended_ms},
};

/* From now on what a side keeps is sealed. */
static inline void seal_both(void)
{
    vaults[0] = &ports[0];
    vaults[1] = &ports[1];
}

static inline void free_rings(void)
{
    for (size_t i = 0; i < 2; i++) {
        while (rings[i].count > 0) {
            mcpz_tenant_key_destroy(rings[i].keys[--rings[i].count]);
        }
        rings[i] = (struct ring){.count = 0};
        vaults[i] = NULL;
    }
}

#endif
