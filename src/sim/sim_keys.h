/* Keys of tenants in the simulator, where all nodes have the same and every run has them again. */

#ifndef SIM_SIM_KEYS_H
#define SIM_SIM_KEYS_H

#include <stddef.h>

#include "crypto/tenant_key.h"
#include "engine/vault.h"

#define MCPZ_SIM_KEYS_MAX 16

/* Zeroed, there are none. */
struct mcpz_sim_keys {
    struct mcpz_tenant_key *keys[MCPZ_SIM_KEYS_MAX];
    size_t count;
};

/** What an engine takes keys from. `keys` is borrowed. */
struct mcpz_vault_port mcpz_sim_keys_port(struct mcpz_sim_keys *keys);
void mcpz_sim_keys_finish(struct mcpz_sim_keys *keys);

#endif
