#include "embed/node_key_source.h"

#include <stdlib.h>
#include <string.h>

#define KEY "MCPZ_NODE_KEY"
#define KEY_OLD "MCPZ_NODE_KEY_OLD"

mcpz_error mcpz_node_key_source(const struct mcpz_config *config,
                                struct mcpz_node_key_source *source, struct mcpz_trouble *trouble)
{
    const char *said = config->keys_source;
    const bool is_token = strcmp(said, MCPZ_KEYS_PKCS11) == 0;
    const bool is_file = strcmp(said, MCPZ_KEYS_FILE) == 0;
    const char *given = getenv(KEY);

    *source = (struct mcpz_node_key_source){.token = {.module = config->keys_module,
                                                      .token = config->keys_token,
                                                      .object = config->keys_object,
                                                      .pin = config->keys_pin},
                                            .key = {.text_old = getenv(KEY_OLD)}};
    source->key.text = is_token || is_file ? NULL : given;
    source->key.token = is_token ? &source->token : NULL;
    if (given == NULL && strcmp(said, MCPZ_KEYS_ENVIRONMENT) == 0) {
        mcpz_trouble_say(trouble, "keys.source is environment, and " KEY " is not set: set it, 64 "
                                  "hexadecimal digits");
        return MCPZ_ECONFIG;
    }
    if (given != NULL && (is_token || is_file)) {
        mcpz_trouble_say(trouble,
                         "keys.source is %s, and " KEY " is set as well: which one is it? Unset "
                         "the variable (" KEY_OLD " names a key that is to be replaced), or set "
                         "keys.source: environment",
                         said);
        return MCPZ_ECONFIG;
    }
    return MCPZ_OK;
}
