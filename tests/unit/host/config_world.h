/* What the tests of the configuration share: one of them, and no variable of its own set. */

#ifndef CONFIG_WORLD_H
#define CONFIG_WORLD_H

#include <unistd.h>

#include "host/config.h"
#include "test.h"

#define TOKEN "mcpz1-abcdefgh234567"

static const char *const variables[] = {
    "MCP_MESH_ENABLED",
    "MCP_MESH_HOST",
    "MCP_MESH_PORT",
    "MCP_BOOTSTRAP_PEERS",
    "MCPZ_JWT_SECRET",
    "MCPZ_JWT_PUBLIC_KEY",
    "MCPZ_JWT_ISSUER",
    "MCPZ_JWT_AUDIENCE",
    "MCPZ_API_CONNECTIONS",
    "MCPZ_API_IDLE_SECONDS",
    "MCP_API_KEYS",
    "MCP_LOG_LEVEL",
    "MCPZ_DATA",
    "MCPZ_NAME",
    "MCPZ_REGION",
    "MCPZ_ZONE",
    "MCPZ_ROLES",
    "MCPZ_ADVERTISE",
    "MCPZ_API",
    "MCPZ_EPHEMERAL",
    "MCPZ_JOIN_TOKEN",
    "MCPZ_JOIN_TOKEN_FILE",
    "MCPZ_STORE_BYTES",
    "MCPZ_LOG_FORMAT",
    "MCPZ_LOG_FILE",
    "MCPZ_MAX_DIRECT_PEERS",
    "MCPZ_KEYS_SOURCE",
    "MCPZ_KEYS_MODULE",
    "MCPZ_KEYS_TOKEN",
    "MCPZ_KEYS_OBJECT",
    "MCPZ_KEYS_PIN",
};

static struct mcpz_config config;
static struct mcpz_config_trouble trouble;

static inline int start(void **state)
{
    (void)state;
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(variables); i++) {
        (void)unsetenv(variables[i]);
    }
    trouble.text[0] = '\0';
    return mcpz_config_init(&config) == MCPZ_OK ? 0 : -1;
}

static inline int end(void **state)
{
    (void)state;
    mcpz_config_finish(&config);
    return 0;
}

static inline void read_text(const char *text)
{
    mcpz_error error =
        mcpz_config_read_bytes(&config, "m.yaml", (const uint8_t *)text, strlen(text), &trouble);
    CHECK_TEXT(trouble.text, "");
    CHECK_UINT(error, MCPZ_OK);
}

static inline void set(const char *name, const char *value)
{
    CHECK(setenv(name, value, 1) == 0);
}

static inline void read_environment(void)
{
    mcpz_error error = mcpz_config_read_environment(&config, &trouble);
    CHECK_TEXT(trouble.text, "");
    CHECK_UINT(error, MCPZ_OK);
}

static inline void refuse_variable(const char *name, const char *value, const char *expected)
{
    set(name, value);
    CHECK_UINT(mcpz_config_read_environment(&config, &trouble), MCPZ_ECONFIG);
    CHECK_TEXT(trouble.text, expected);
    CHECK(unsetenv(name) == 0);
}

static inline void flag(const char *name, const char *value)
{
    mcpz_error error = mcpz_config_flag(&config, name, value, &trouble);
    CHECK_TEXT(trouble.text, "");
    CHECK_UINT(error, MCPZ_OK);
}

static inline void refuse_flag(const char *name, const char *value, const char *expected)
{
    CHECK_UINT(mcpz_config_flag(&config, name, value, &trouble), MCPZ_ECONFIG);
    CHECK_TEXT(trouble.text, expected);
}

static inline void settle(void)
{
    mcpz_error error = mcpz_config_settle(&config, &trouble);
    CHECK_TEXT(trouble.text, "");
    CHECK_UINT(error, MCPZ_OK);
}

static inline void refuse_settling(const char *expected)
{
    CHECK_UINT(mcpz_config_settle(&config, &trouble), MCPZ_ECONFIG);
    CHECK_TEXT(trouble.text, expected);
}

/* A temporary file holding `text`; its path goes to `path`. */
static inline void write_file(char path[32], const char *text)
{
    (void)snprintf(path, 32, "/tmp/test-config-XXXXXX");
    int descriptor = mkstemp(path);
    CHECK(descriptor >= 0);
    CHECK(write(descriptor, text, strlen(text)) == (ssize_t)strlen(text));
    (void)close(descriptor);
}

#define RUN_HERE(name) cmocka_unit_test_setup_teardown(name, start, end)

#endif
