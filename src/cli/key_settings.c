#include "cli/key_settings.h"

#include <stdlib.h>

#include "cli/ask.h"
#include "cli/settings.h"

enum mcpz_exit mcpz_key_settings_read(const struct mcpz_invocation *invocation,
                                      struct mcpz_key_settings *settings)
{
    mcpz_error error = mcpz_settings_read_said(invocation, &settings->config, &settings->trouble);

    if (error != MCPZ_OK) {
        return mcpz_fail(invocation, error == MCPZ_ENOMEM ? MCPZ_EXIT_FAILED : MCPZ_EXIT_CONFIG,
                         "config", settings->trouble.text);
    }
    settings->error =
        mcpz_node_key_source(&settings->config, &settings->source, &settings->trouble);
    const bool names_token =
        settings->config.keys_module != NULL && settings->config.keys_token != NULL;
    settings->any = (struct mcpz_key_source){
        .text = getenv("MCPZ_NODE_KEY"), .token = names_token ? &settings->source.token : NULL};
    return MCPZ_EXIT_OK;
}

void mcpz_key_settings_finish(struct mcpz_key_settings *settings)
{
    mcpz_config_finish(&settings->config);
}
