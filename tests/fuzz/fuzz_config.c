/*
 * Feed any bytes to the reader of configuration files. What it takes must settle, or be refused
 * with words; what it takes can be shown; nothing of it may leak.
 */

#include <stdlib.h>
#include <string.h>

#include "host/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void count_row(void *context, const char *key, const char *value, const char *origin)
{
    size_t *characters = context;
    *characters += strlen(key) + strlen(value) + strlen(origin);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct mcpz_config config;
    struct mcpz_config_trouble trouble;
    size_t characters = 0;

    if (mcpz_config_init(&config) != MCPZ_OK) {
        return 0;
    }
    mcpz_error error = mcpz_config_read_bytes(&config, "fuzz.yaml", bytes, length, &trouble);
    if (error == MCPZ_OK) {
        error = mcpz_config_settle(&config, &trouble);
    }
    if ((error == MCPZ_OK) != (trouble.text[0] == '\0')) {
        abort();
    }
    mcpz_config_walk(&config, count_row, &characters);
    mcpz_config_finish(&config);
    return characters == 0 ? -1 : 0;
}
