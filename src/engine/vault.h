/*
 * The keys that records are sealed with, as the engine has them.
 *
 * They come through a port, from the node's ring, as they are needed: the first record of a
 * tenant that has none yet makes one, and it is on the disk before the record is. A tenant for
 * which there is no more room shares the node's own.
 */

#ifndef ENGINE_VAULT_H
#define ENGINE_VAULT_H

#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "crypto/tenant_key.h"
#include "proto/agent.h"

#define MCPZ_VAULT_KEYS_MAX 1024

/* Where keys come from. What is given is the caller's to destroy. */
struct mcpz_vault_port {
    void *context;

    /* The key of a tenant for records, made if it has none. On error `*key` is NULL. */
    mcpz_error (*lend)(void *context, struct mcpz_bytes tenant, struct mcpz_tenant_key **key);

    /* The key of that id. Errors: MCPZ_EEXPIRED  it was shredded; MCPZ_ENOTFOUND */
    mcpz_error (*lend_by_id)(void *context, const uint8_t *id, struct mcpz_tenant_key **key);

    /* Until when what a tenant kept was shredded (wall clock, ms); 0: never. NULL: never any. */
    uint64_t (*ended_ms)(void *context, struct mcpz_bytes tenant);
};

struct mcpz_vault {
    struct mcpz_vault_port port;
    size_t count;
    uint64_t ids[MCPZ_VAULT_KEYS_MAX];   /* of `keys`, as they stand before what they sealed */
    uint64_t names[MCPZ_VAULT_KEYS_MAX]; /* hashes of their tenants */
    struct mcpz_tenant_key *keys[MCPZ_VAULT_KEYS_MAX]; /* the first is the node's own */
};

/** Have the node's own key. Errors: those of the port */
MCPZ_MUST_USE mcpz_error mcpz_vault_init(struct mcpz_vault *vault,
                                         const struct mcpz_vault_port *port);
void mcpz_vault_finish(struct mcpz_vault *vault);

/** The node's own key. */
const struct mcpz_tenant_key *mcpz_vault_own(const struct mcpz_vault *vault);

/** The key for what `tenant` has us keep; "" is MCPZ_TENANT_DEFAULT. */
const struct mcpz_tenant_key *mcpz_vault_of(struct mcpz_vault *vault, struct mcpz_bytes tenant);

/**
 * The key that something was sealed with, by its id.
 *
 * Errors: MCPZ_EEXPIRED  it was shredded; MCPZ_ENOTFOUND  we have never had it
 */
MCPZ_MUST_USE mcpz_error mcpz_vault_find(struct mcpz_vault *vault, const uint8_t *id,
                                         const struct mcpz_tenant_key **key);

/** Until when what `tenant` ("" is MCPZ_TENANT_DEFAULT) kept was shredded (ms); 0: never. */
uint64_t mcpz_vault_ended_ms(const struct mcpz_vault *vault, struct mcpz_bytes tenant);

/** Have the keys of `tenant` that were made until `at_ms` no more: they were shredded. */
void mcpz_vault_forget(struct mcpz_vault *vault, struct mcpz_bytes tenant, uint64_t at_ms);

#endif
