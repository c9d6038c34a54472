/* Where the node key is, for verbs that need no node. */

#ifndef CLI_KEY_SETTINGS_H
#define CLI_KEY_SETTINGS_H

#include "cli/exit.h"
#include "cli/options.h"
#include "embed/node_key_source.h"
#include "host/config.h"

struct mcpz_key_settings {
    struct mcpz_config config;
    struct mcpz_node_key_source source; /* as a node would take it */
    struct mcpz_key_source any;         /* the environment's, and the token if one is named */
    mcpz_error error;                   /* of `source`; `trouble` says why */
    struct mcpz_trouble trouble;
};

/** Read them, or tell why not. Release with mcpz_key_settings_finish(). */
enum mcpz_exit mcpz_key_settings_read(const struct mcpz_invocation *invocation,
                                      struct mcpz_key_settings *settings);
void mcpz_key_settings_finish(struct mcpz_key_settings *settings);

#endif
