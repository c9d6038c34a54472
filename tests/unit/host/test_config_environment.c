/* What the environment says of the configuration. */

#include "config_world.h"

/* ---- The environment ---------------------------------------------------------------------- */

TEST(takes_host_and_port_from_the_environment_each_alone)
{
    read_text("mesh: {listen: '10.0.0.1:9'}\n");
    set("MCP_MESH_PORT", "7000");
    read_environment();
    CHECK_TEXT(config.listen, "10.0.0.1:7000");
    set("MCP_MESH_HOST", "::1");
    (void)unsetenv("MCP_MESH_PORT");
    read_environment();
    CHECK_TEXT(config.listen, "[::1]:7000");
    set("MCP_MESH_HOST", "[::]");
    set("MCP_MESH_PORT", "0");
    read_environment();
    CHECK_TEXT(config.listen, "[::]:0");
    set("MCP_MESH_HOST", "0.0.0.0");
    set("MCP_MESH_PORT", "65535");
    read_environment();
    CHECK_TEXT(config.listen, "0.0.0.0:65535");
}

TEST(a_port_of_nowhere_is_none)
{
    read_text("mesh: {listen: none}\n");
    set("MCP_MESH_PORT", "7000");
    read_environment();
    CHECK_TEXT(config.listen, "none");
    set("MCP_MESH_HOST", "10.0.0.1");
    read_environment();
    CHECK_TEXT(config.listen, "10.0.0.1:7000");
}

TEST(takes_everything_from_the_environment)
{
    set("MCP_MESH_ENABLED", "False");
    set("MCP_LOG_LEVEL", "WARNING,net=Debug");
    set("MCPZ_DATA", "/data");
    set("MCPZ_ZONE", "z");
    set("MCPZ_ADVERTISE", "a");
    set("MCPZ_API", "9");
    set("MCPZ_STORE_BYTES", "1048576");
    set("MCPZ_LOG_FORMAT", "JSON");
    set("MCPZ_LOG_FILE", "log");
    set("MCPZ_EPHEMERAL", "1");
    set("MCPZ_JOIN_TOKEN", TOKEN);
    set("MCP_API_KEYS", "one,two");
    read_environment();
    CHECK(!config.mesh_enabled);
    CHECK_TEXT(config.log_level, "warn,net=debug");
    CHECK_TEXT(config.data, "/data");
    CHECK_TEXT(config.zone, "z");
    CHECK_TEXT(config.advertise, "a:8765");
    CHECK_TEXT(config.api, "127.0.0.1:9");
    CHECK_UINT(config.store_bytes_max, MCPZ_STORE_BYTES_MIN);
    CHECK_TEXT(config.log_format, "json");
    CHECK_TEXT(config.log_file, "log");
    CHECK(config.ephemeral);
    CHECK_TEXT(config.join, TOKEN);
    CHECK_TEXT(config.api_keys, "one,two");
}

TEST(takes_an_empty_variable_for_none)
{
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(variables); i++) {
        set(variables[i], "");
    }
    read_environment();
    CHECK_TEXT(config.listen, "127.0.0.1:8765");
    CHECK(config.mesh_enabled);
    CHECK(config.join == NULL);
}

TEST(names_the_variable_that_is_wrong)
{
    refuse_variable("MCP_MESH_PORT", "65536",
                    "MCP_MESH_PORT: \"65536\" must be a port: a number up to 65535");
    refuse_variable("MCP_MESH_PORT", "a",
                    "MCP_MESH_PORT: \"a\" must be a port: a number up to 65535");
    refuse_variable("MCP_MESH_PORT", "[::1]:1",
                    "MCP_MESH_PORT: \"[::1]:1\" must be a port: a number up to 65535");
    refuse_variable("MCP_MESH_HOST", "a b",
                    "MCP_MESH_HOST: \"a b:8765\" is not an address: write HOST:PORT, e.g. "
                    "0.0.0.0:8765 (ports go up to 65535, IPv6 addresses stand in brackets)");
    refuse_variable("MCP_MESH_ENABLED", "maybe",
                    "MCP_MESH_ENABLED: \"maybe\" must be true or false");
    refuse_variable("MCP_BOOTSTRAP_PEERS", "a,http://b",
                    "MCP_BOOTSTRAP_PEERS: \"http://b\" is not an address: write HOST:PORT, e.g. "
                    "wss://attic.lan:8765 (ports go up to 65535, IPv6 addresses stand in "
                    "brackets)");
    refuse_variable("MCPZ_JOIN_TOKEN", "secret",
                    "MCPZ_JOIN_TOKEN: is not a join token: one begins with mcpz1- and is made by "
                    "`mcpz token create`");
    refuse_variable("MCP_LOG_LEVEL", "info,=debug",
                    "MCP_LOG_LEVEL: \"info,=debug\" must be error, warn, info or debug; for one "
                    "module as in info,net=debug");
    refuse_variable("MCPZ_JOIN_TOKEN_FILE", "/dev/null",
                    "MCPZ_JOIN_TOKEN_FILE /dev/null: there is no token to read");
}

TEST(takes_16_bootstrap_peers_and_no_17th)
{
    char list[256] = "";
    size_t used = 0;

    for (size_t i = 0; i < MCPZ_SEEDS_MAX; i++) {
        used += (size_t)snprintf(list + used, sizeof(list) - used, "a%zu,", i);
    }
    set("MCP_BOOTSTRAP_PEERS", list);
    read_environment();
    CHECK_UINT(config.bootstrap_count, MCPZ_SEEDS_MAX);
    mcpz_config_finish(&config);
    CHECK(mcpz_config_init(&config) == MCPZ_OK);
    (void)snprintf(list + used, sizeof(list) - used, "b");
    refuse_variable("MCP_BOOTSTRAP_PEERS", list, "MCP_BOOTSTRAP_PEERS: more than 16");
}

TEST(takes_16_api_keys_and_no_17th)
{
    char list[256] = "";
    size_t used = 0;

    for (size_t i = 0; i < MCPZ_API_KEYS_MAX; i++) {
        used += (size_t)snprintf(list + used, sizeof(list) - used, "a%zu,", i);
    }
    set("MCP_API_KEYS", list);
    read_environment();
    mcpz_config_finish(&config);
    CHECK(mcpz_config_init(&config) == MCPZ_OK);
    (void)snprintf(list + used, sizeof(list) - used, "b");
    refuse_variable("MCP_API_KEYS", list, "MCP_API_KEYS: more than 16");
}

TEST(takes_what_stands_behind_a_key_for_its_tenant)
{
    static const char *const cases[][3] = {
        {"k3y", "k3y", ""},     {"k3y=acme", "k3y", "acme"},
        {"b64==", "b64==", ""}, {"b64===acme", "b64==", "acme"},
        {"=acme", "=acme", ""}, {"=", "=", ""},
    };
    char list[128];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct mcpz_bytes tenant;
        struct mcpz_bytes key = mcpz_config_split_key(mcpz_text(cases[i][0]), &tenant);
        CHECK(mcpz_bytes_equal(key, mcpz_text(cases[i][1])));
        CHECK(mcpz_bytes_equal(tenant, mcpz_text(cases[i][2])));
    }
    (void)snprintf(list, sizeof(list), "k=%065d", 1);
    refuse_variable("MCP_API_KEYS", list,
                    "MCP_API_KEYS: behind an API key and \"=\" stands its "
                    "tenant: UTF-8 of at most 64 bytes");
    (void)snprintf(list, sizeof(list), "k=%064d", 1);
    set("MCP_API_KEYS", list);
    read_environment();
    CHECK_TEXT(config.api_keys, list);
}

TEST(bounds_what_http_clients_take)
{
    read_text("api: {connections: 8, idle_seconds: 3600}\n");
    CHECK_UINT(config.api_connections, 8);
    CHECK_UINT(config.api_idle_seconds, 3600);
    set("MCPZ_API_CONNECTIONS", "2048");
    set("MCPZ_API_IDLE_SECONDS", "1");
    read_environment();
    CHECK_UINT(config.api_connections, 2048);
    CHECK_UINT(config.api_idle_seconds, 1);
    mcpz_config_finish(&config);
    CHECK(mcpz_config_init(&config) == MCPZ_OK);
    refuse_variable("MCPZ_API_CONNECTIONS", "7",
                    "MCPZ_API_CONNECTIONS: \"7\" must be a number from 8 to 2048");
    refuse_variable("MCPZ_API_CONNECTIONS", "2049",
                    "MCPZ_API_CONNECTIONS: \"2049\" must be a number from 8 to 2048");
    set("MCPZ_API_CONNECTIONS", "8");
    refuse_variable("MCPZ_API_IDLE_SECONDS", "0",
                    "MCPZ_API_IDLE_SECONDS: \"0\" must be a number from 1 to 3600");
}

TEST(takes_what_tokens_of_http_clients_are_checked_by)
{
    read_text("api:\n"
              "  listen: 0.0.0.0:1\n"
              "  jwt_public_key: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\n"
              "  jwt_issuer: joe\n"
              "  jwt_audience: mesh\n");
    settle(); /* a signature is as good as a key */
    CHECK_TEXT(config.jwt_public_key, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    CHECK_TEXT(config.jwt_issuer, "joe");
    CHECK_TEXT(config.jwt_audience, "mesh");
    refuse_variable("MCPZ_JWT_SECRET", "too short",
                    "MCPZ_JWT_SECRET: a secret for HS256 must have 32 to 128 bytes: "
                    "`openssl rand -base64 36` makes one");
    refuse_variable("MCPZ_JWT_PUBLIC_KEY", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHUR",
                    "MCPZ_JWT_PUBLIC_KEY: an Ed25519 public key must be the 43 characters of "
                    "base64url that are \"x\" in its JWK");
    refuse_variable("MCPZ_JWT_ISSUER", "\xff", "MCPZ_JWT_ISSUER: must be UTF-8 of 1 to 128 bytes");
}

TEST(reads_a_token_from_a_file)
{
    char path[32];

    write_file(path, "  " TOKEN " \nand more\n");
    set("MCPZ_JOIN_TOKEN_FILE", path);
    mcpz_error error = mcpz_config_read_environment(&config, &trouble);
    (void)unlink(path);
    CHECK_UINT(error, MCPZ_OK);
    CHECK_TEXT(config.join, TOKEN);
}

TEST(says_why_a_token_file_is_no_good)
{
    set("MCPZ_JOIN_TOKEN_FILE", "/no/such");
    CHECK_UINT(mcpz_config_read_environment(&config, &trouble), MCPZ_EIO);
    CHECK_TEXT(trouble.text,
               "MCPZ_JOIN_TOKEN_FILE /no/such: cannot be read: No such file or directory");
    refuse_variable("MCPZ_JOIN_TOKEN", TOKEN,
                    "MCPZ_JOIN_TOKEN_FILE: MCPZ_JOIN_TOKEN is set too: set one of them");
}

TEST_MAIN(RUN_HERE(takes_host_and_port_from_the_environment_each_alone),
          RUN_HERE(a_port_of_nowhere_is_none), RUN_HERE(takes_everything_from_the_environment),
          RUN_HERE(takes_an_empty_variable_for_none), RUN_HERE(names_the_variable_that_is_wrong),
          RUN_HERE(takes_16_bootstrap_peers_and_no_17th), RUN_HERE(takes_16_api_keys_and_no_17th),
          RUN_HERE(bounds_what_http_clients_take),
          RUN_HERE(takes_what_stands_behind_a_key_for_its_tenant),
          RUN_HERE(takes_what_tokens_of_http_clients_are_checked_by),
          RUN_HERE(reads_a_token_from_a_file), RUN_HERE(says_why_a_token_file_is_no_good))
