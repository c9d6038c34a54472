/* Where the node key is, as configuration and environment say. */

#ifndef EMBED_NODE_KEY_SOURCE_H
#define EMBED_NODE_KEY_SOURCE_H

#include <mcpz/error.h>

#include "base/attr.h"
#include "blob/key_home.h"
#include "embed/trouble.h"
#include "host/config.h"

/* Texts are the configuration's and the environment's. */
struct mcpz_node_key_source {
    struct mcpz_token_config token;
    struct mcpz_key_source key; /* points to `token`: not to be copied */
};

/**
 * Read both. Errors: MCPZ_ECONFIG  they contradict each other; `source` is then what the
 * configuration says
 */
MCPZ_MUST_USE mcpz_error mcpz_node_key_source(const struct mcpz_config *config,
                                              struct mcpz_node_key_source *source,
                                              struct mcpz_trouble *trouble);

#endif
