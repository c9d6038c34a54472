#include "config_world.h"

/* ---- Defaults and precedence -------------------------------------------------------------- */

TEST(knows_what_to_do_without_being_told)
{
    read_environment();
    settle();
    CHECK_TEXT(config.data, "./var");
    CHECK_TEXT(config.listen, "127.0.0.1:8765");
    CHECK_TEXT(config.advertise, "127.0.0.1:8765");
    CHECK_TEXT(config.log_level, "info");
    CHECK_TEXT(config.log_format, "auto");
    CHECK(config.mesh_enabled);
    CHECK(config.name[0] != '\0');
    CHECK(config.api == NULL);
    CHECK(!config.ephemeral);
}

TEST(puts_flag_over_environment_over_file_over_default)
{
    read_text("name: file\nregion: file\nzone: file\n");
    set("MCPZ_NAME", "environment");
    set("MCPZ_REGION", "environment");
    read_environment();
    flag("name", "flag");
    CHECK_TEXT(config.name, "flag");
    CHECK_TEXT(config.region, "environment");
    CHECK_TEXT(config.zone, "file");
    CHECK_TEXT(config.data, "./var");
}

TEST(keeps_precedence_in_whatever_order_it_is_told)
{
    flag("name", "flag");
    flag("role", "flag");
    read_text("name: file\nregion: file\nroles: [file]\n");
    set("MCPZ_NAME", "environment");
    read_environment();
    CHECK_TEXT(config.name, "flag");
    CHECK_TEXT(config.region, "file");
    CHECK_UINT(config.role_count, 1);
    CHECK_TEXT(config.roles[0], "flag");
}

TEST(checks_also_what_is_overridden)
{
    flag("name", "flag");
    refuse_variable("MCPZ_NAME", "a b",
                    "MCPZ_NAME: \"a b\" must be one word: no spaces, commas, "
                    "'=' or quotes");
}

TEST(replaces_a_list_from_below_and_adds_to_one_beside)
{
    read_text("roles: [a, b]\nmesh: {bootstrap: ['ws://a']}\n"
              "api: {keys: [x, y]}\n");
    CHECK(config.bootstrap_upgraded);
    set("MCP_BOOTSTRAP_PEERS", "wss://b, c:9,,wss://b:8765 ");
    set("MCPZ_ROLES", "c,d");
    set("MCP_API_KEYS", "z");
    read_environment();
    CHECK_UINT(config.role_count, 2);
    CHECK_TEXT(config.roles[0], "c");
    CHECK_UINT(config.bootstrap_count, 2);
    CHECK_TEXT(config.bootstrap[0], "b:8765");
    CHECK_TEXT(config.bootstrap[1], "c:9");
    CHECK(!config.bootstrap_upgraded);
    CHECK_TEXT(config.api_keys, "z");
    flag("role", "e");
    flag("role", "f");
    flag("role", "e");
    CHECK_UINT(config.role_count, 2);
    CHECK_TEXT(config.roles[1], "f");
}

TEST(adds_providers_up_and_replaces_those_of_the_same_name)
{
    flag("provide", "c=flag");
    read_text("providers: [{name: a, command: file}, {name: b, command: file},"
              " {name: c, command: file}]\n");
    flag("provide", "b=x=y");
    CHECK_UINT(config.provider_count, 3);
    CHECK_TEXT(config.providers[0].name, "c");
    CHECK_TEXT(config.providers[0].command, "flag");
    CHECK_TEXT(config.providers[1].name, "a");
    CHECK_TEXT(config.providers[1].command, "file");
    CHECK_TEXT(config.providers[2].name, "b");
    CHECK_TEXT(config.providers[2].command, "x=y");
    refuse_flag("provide", "b=z",
                "--provide: \"b\" is provided twice: a capability has one command");
}

/* ---- Flags -------------------------------------------------------------------------------- */

TEST(takes_every_flag)
{
    flag("data", "d");
    flag("listen", "0.0.0.0:1");
    flag("api", "[::1]:2");
    flag("bootstrap", "ws://b");
    flag("join", TOKEN);
    flag("name", "n");
    flag("region", "r");
    flag("zone", "z");
    flag("role", "o");
    flag("provide", "p=c");
    flag("advertise", "a:3");
    flag("ephemeral", NULL);
    CHECK_TEXT(config.data, "d");
    CHECK_TEXT(config.listen, "0.0.0.0:1");
    CHECK_TEXT(config.api, "[::1]:2");
    CHECK_TEXT(config.bootstrap[0], "b:8765");
    CHECK(config.bootstrap_upgraded);
    CHECK_TEXT(config.join, TOKEN);
    CHECK_TEXT(config.advertise, "a:3");
    CHECK(config.ephemeral);
}

TEST(knows_no_other_flags)
{
    CHECK_UINT(mcpz_config_flag(&config, "lisen", "1", &trouble), MCPZ_ENOTFOUND);
    CHECK_UINT(mcpz_config_flag(&config, "mesh.listen", "1", &trouble), MCPZ_ENOTFOUND);
    CHECK_UINT(mcpz_config_flag(&config, "", "1", &trouble), MCPZ_ENOTFOUND);
}

TEST(names_the_flag_that_is_wrong)
{
    refuse_flag("name", NULL, "--name: needs a value");
    refuse_flag("join", NULL, "--join: needs a value");
    refuse_flag("name", "", "--name: is empty");
    refuse_flag("name", "a\x1b[31m",
                "--name: \"a?[31m\" must be one word: no spaces, commas, "
                "'=' or quotes");
    refuse_flag("name", "\xff",
                "--name: \"\xff\" must be one word: no spaces, commas, '=' or "
                "quotes");
    refuse_flag("provide", "sha256sum",
                "--provide: write NAME=COMMAND, e.g. hash.sha256='sha256sum'");
    refuse_flag("provide", "=c", "--provide: is empty");
    refuse_flag("provide", "a=", "--provide: the command is empty");
    refuse_flag("data", "a\nb", "--data: holds control characters, or is not UTF-8");
    refuse_flag("ephemeral", "perhaps", "--ephemeral: \"perhaps\" must be true or false");
    flag("provide", "a=b");
    refuse_flag("provide", "a=c",
                "--provide: \"a\" is provided twice: a capability has one command");
}

TEST(reads_a_token_from_standard_input)
{
    char path[32];

    write_file(path, TOKEN "\n");
    FILE *input = freopen(path, "r", stdin);
    (void)unlink(path);
    CHECK(input != NULL);
    flag("join", "-");
    CHECK_TEXT(config.join, TOKEN);
    refuse_flag("join", "-", "--join: there is no token to read");
}

TEST(takes_the_longest_token_and_none_longer)
{
    char text[8192 + 2];

    memset(text, 'a', sizeof(text));
    memcpy(text, "mcpz1-", 6);
    text[8193] = '\0';
    refuse_flag("join", text,
                "--join: is not a join token: one begins with mcpz1- and is made by "
                "`mcpz token create`");
    text[8192] = '\0';
    flag("join", text);
    CHECK_UINT(strlen(config.join), 8192);
    refuse_flag("join", "mcpz1-",
                "--join: is not a join token: one begins with mcpz1- and is "
                "made by `mcpz token create`");
}

TEST(cuts_long_values_in_errors_between_characters)
{
    char text[200];
    char expected[300];

    for (size_t i = 0; i + 2 < sizeof(text); i += 2) {
        memcpy(text + i, "\xc3\xb6", 3);
    }
    mcpz_error error = mcpz_config_flag(&config, "ephemeral", text, &trouble);
    CHECK_UINT(error, MCPZ_ECONFIG);
    text[80] = '\0';
    (void)snprintf(expected, sizeof(expected), "--ephemeral: \"%s...\" must be true or false",
                   text);
    CHECK_TEXT(trouble.text, expected);
}

/* ---- Settling ----------------------------------------------------------------------------- */

TEST(advertises_nothing_that_cannot_be_dialled)
{
    flag("listen", "0.0.0.0:8765");
    settle();
    CHECK(config.advertise == NULL);
    flag("listen", "[::]:8765");
    settle();
    CHECK(config.advertise == NULL);
    flag("listen", "127.0.0.1:0");
    settle();
    CHECK(config.advertise == NULL);
    CHECK(mcpz_config_listens(&config));
    flag("listen", "none");
    settle();
    CHECK(config.advertise == NULL);
    CHECK_TEXT(config.listen, "none");
    CHECK(!mcpz_config_listens(&config));
    flag("listen", "127.0.0.1:0");
    flag("advertise", "0.0.0.0:1");
    refuse_settling("mesh.advertise (from flag --advertise): nobody can dial all addresses: "
                    "write this machine's own");
}

TEST(keeps_an_api_without_keys_on_this_machine)
{
    flag("api", "127.0.0.1:1");
    settle();
    flag("api", "[::1]:1");
    settle();
    flag("api", "localhost:1");
    settle();
    flag("api", "none");
    settle();
    CHECK_TEXT(config.api, "none");
    flag("api", "0.0.0.0:1");
    refuse_settling("api.listen (from flag --api): other machines would reach the API without a "
                    "key: set MCP_API_KEYS (or api.keys), or listen on 127.0.0.1");
    set("MCP_API_KEYS", "k");
    read_environment();
    settle();
}

TEST(refuses_what_contradicts_itself)
{
    read_text("mesh: {enabled: false}\n");
    settle();
    flag("join", TOKEN);
    refuse_settling("join (from flag --join): mesh.enabled is false: a node without a mesh joins "
                    "none");
}

/* ---- Showing it --------------------------------------------------------------------------- */

static void write_row(void *context, const char *key, const char *value, const char *origin)
{
    char *text = context;
    size_t used = strlen(text);

    (void)snprintf(text + used, 4096 - used, "%s = %s (%s)\n", key, value, origin);
}

static const char shown[] =
    "data = ./var (default)\n"
    "ephemeral = false (default)\n"
    "name = n (flag --name)\n"
    "region =  (default)\n"
    "zone = z (file)\n"
    "roles = a, b (file)\n"
    "mesh.enabled = true (default)\n"
    "mesh.listen = 127.0.0.1:1 (environment MCP_MESH_HOST, MCP_MESH_PORT)\n"
    "mesh.advertise =  (default)\n"
    "mesh.bootstrap =  (default)\n"
    "mesh.max_direct_peers = 6 (default)\n"
    "join = (set) (environment MCPZ_JOIN_TOKEN)\n"
    "api.listen =  (default)\n"
    "api.keys = (set) (environment MCP_API_KEYS)\n"
    "api.jwt_secret = (set) (environment MCPZ_JWT_SECRET)\n"
    "api.jwt_public_key =  (default)\n"
    "api.jwt_issuer =  (default)\n"
    "api.jwt_audience =  (default)\n"
    "api.connections = 1088 (default)\n"
    "api.idle_seconds = 60 (default)\n"
    "providers.p = c (file)\n"
    "providers.p.workspace = isolation=default network=false sockets=false cpu=2.000 "
    "memory=4096MiB disk=10240MiB files=1024 "
    "processes=256 time=3600s (file)\n"
    "providers.q = d (flag --provide)\n"
    "providers.q.workspace = isolation=default network=false sockets=false cpu=2.000 "
    "memory=4096MiB disk=10240MiB files=1024 "
    "processes=256 time=3600s (flag --provide)\n"
    "workspaces.isolation = degraded (default)\n"
    "workspaces.max = 10 (default)\n"
    "limits.store_bytes = 17179869184 (default)\n"
    "limits.tenant_level = none (default)\n"
    "limits.calls_per_second = 0 (default)\n"
    "limits.stop_seconds = 5 (default)\n"
    "keys.source = auto (default)\n"
    "keys.module =  (default)\n"
    "keys.token =  (default)\n"
    "keys.object =  (default)\n"
    "keys.pin =  (default)\n"
    "store.repair = auto (default)\n"
    "store.compact = false (default)\n"
    "agents.history = 7d (default)\n"
    "agents.grace = 10d (default)\n"
    "blobs.repair_after = 60s (default)\n"
    "blobs.clear_after = 600s (default)\n"
    "snapshots.every = 0 (default)\n"
    "snapshots.keep = 7 (default)\n"
    "tasks.attempts = 5 (default)\n"
    "tasks.backoff_ms = 1000 (default)\n"
    "tasks.ttl_seconds = 86400 (default)\n"
    "tasks.lease_seconds = 20 (default)\n"
    "tasks.hold_seconds = 60 (default)\n"
    "tasks.grace_seconds = 2 (default)\n"
    "tasks.retention_seconds = 3600 (default)\n"
    "tenants = a=onyx, b=diamond (environment MCPZ_TENANTS)\n"
    "rules = 0 (default)\n"
    "log.level = info (default)\n"
    "log.format = auto (default)\n"
    "log.file =  (default)\n"
    "mcp.names.prefix = conflict (default)\n";

TEST(shows_every_key_with_its_origin_and_no_secret)
{
    char text[4096] = "";

    read_text("zone: z\nroles: [a, b]\nproviders: [{name: p, command: c}]\n");
    set("MCP_MESH_PORT", "1");
    set("MCPZ_JOIN_TOKEN", TOKEN);
    set("MCP_API_KEYS", "k");
    set("MCPZ_JWT_SECRET", "thirty-two bytes of secret, or so");
    set("MCPZ_TENANTS", "a=ONYX,b=diamond");
    read_environment();
    flag("provide", "q=d");
    flag("name", "n");
    mcpz_config_walk(&config, write_row, text);
    CHECK_TEXT(text, shown);
}

TEST(says_how_long_history_of_agents_is_kept)
{
    char text[4096] = "";

    read_text("agents: {history: 7d, grace: 90m}\n");
    CHECK_UINT(config.history_seconds, 604800);
    CHECK_UINT(config.grace_seconds, 5400);
    mcpz_config_walk(&config, write_row, text);
    CHECK(strstr(text, "agents.history = 7d (file)\n") != NULL);
    CHECK(strstr(text, "agents.grace = 90m (file)\n") != NULL);

    read_text("agents: {history: 1s, grace: 3650d}\n"); /* the least, and the most */
    CHECK_UINT(config.history_seconds, 1);
    CHECK_UINT(config.grace_seconds, MCPZ_AGENTS_SECONDS_MAX);
    set("MCPZ_AGENTS_HISTORY", "forever");
    read_environment();
    CHECK_UINT(config.history_seconds, MCPZ_HISTORY_SECONDS_FOREVER);
    text[0] = '\0';
    mcpz_config_walk(&config, write_row, text);
    CHECK(strstr(text, "agents.history = forever (environment MCPZ_AGENTS_HISTORY)\n") != NULL);
    CHECK(strstr(text, "agents.grace = 3650d (file)\n") != NULL);
}

TEST(shows_how_tools_are_called)
{
    char text[4096] = "";

    read_text("mcp: {names: {prefix: never, aliases: {a.t: x}}}\n");
    mcpz_config_walk(&config, write_row, text);
    CHECK(strstr(text, "mcp.names.prefix = never (file)\n") != NULL);
    CHECK(strstr(text, "mcp.names.aliases.a/t = x (file)\n") != NULL);
}

TEST(says_how_durable_tasks_are_tried_and_kept)
{
    char text[4096] = "";

    read_text("tasks: {attempts: 7, backoff_ms: 1, ttl_seconds: 0, lease_seconds: 10,\n"
              "  hold_seconds: 3600, grace_seconds: 1, retention_seconds: 2592000}\n");
    CHECK_UINT(config.timing.task_attempts, 7);
    CHECK_UINT(config.timing.task_backoff_us, 1000);
    CHECK_UINT(config.timing.task_ttl_us, MCPZ_TIME_NEVER);
    CHECK_UINT(config.timing.task_lease_us, MCPZ_SECONDS(10));
    CHECK_UINT(config.timing.task_hold_us, MCPZ_SECONDS(3600));
    CHECK_UINT(config.timing.task_grace_us, MCPZ_SECONDS(1));
    CHECK_UINT(config.timing.task_retention_us, MCPZ_SECONDS(2592000));
    CHECK_UINT(config.timing.heartbeat_us, MCPZ_SECONDS(5)); /* the others are as they are */
    mcpz_config_walk(&config, write_row, text);
    CHECK(strstr(text, "tasks.ttl_seconds = 0 (file)\n") != NULL);
    CHECK(strstr(text, "tasks.backoff_ms = 1 (file)\n") != NULL);
    CHECK(strstr(text, "tasks.attempts = 7 (file)\n") != NULL);

    set("MCPZ_TASK_HOLD_SECONDS", "61");
    set("MCPZ_TASK_ATTEMPTS", "1000");
    read_environment();
    CHECK_UINT(config.timing.task_hold_us, MCPZ_SECONDS(61));
    CHECK_UINT(config.timing.task_attempts, 1000);
    unsetenv("MCPZ_TASK_HOLD_SECONDS");
    unsetenv("MCPZ_TASK_ATTEMPTS");
    refuse_variable("MCPZ_TASK_ATTEMPTS", "0",
                    "MCPZ_TASK_ATTEMPTS: \"0\" must be a number from 1 to 1000");
    refuse_variable("MCPZ_TASK_ATTEMPTS", "1001",
                    "MCPZ_TASK_ATTEMPTS: \"1001\" must be a number from 1 to 1000");
    refuse_variable("MCPZ_TASK_LEASE_SECONDS", "9",
                    "MCPZ_TASK_LEASE_SECONDS: \"9\" must be a number from 10 to 3600");
    refuse_variable("MCPZ_TASK_BACKOFF_MS", "3600001",
                    "MCPZ_TASK_BACKOFF_MS: \"3600001\" must be a number from 1 to 3600000");
    refuse_variable("MCPZ_TASK_TTL_SECONDS", "2592001",
                    "MCPZ_TASK_TTL_SECONDS: \"2592001\" must be a number from 0 to 2592000");
    refuse_variable("MCPZ_TASK_GRACE_SECONDS", "2s",
                    "MCPZ_TASK_GRACE_SECONDS: \"2s\" must be a number from 1 to 3600");
    refuse_variable("MCPZ_TASK_RETENTION_SECONDS", "0",
                    "MCPZ_TASK_RETENTION_SECONDS: \"0\" must be a number from 1 to 2592000");
}

TEST(says_whom_a_node_works_for_and_how_much)
{
    read_text("tenants: [{name: c, level: opal}]\n");
    CHECK_UINT(config.gate.tenant_count, 1);
    set("MCPZ_TENANT_LEVEL", "Sapphire");
    set("MCPZ_CALLS_PER_SECOND", "100000");
    set("MCPZ_STOP_SECONDS", "0");
    set("MCPZ_TENANTS", "a=onyx");
    read_environment();
    CHECK_UINT(config.gate.level_default, MCPZ_LEVEL_SAPPHIRE);
    CHECK_UINT(config.gate.server_per_second, 100000);
    CHECK_UINT(config.stop_seconds, 0);
    CHECK_UINT(config.gate.tenant_count, 1); /* the list above replaces the one below */
    CHECK_TEXT(config.gate.tenants[0].name, "a");

    refuse_variable("MCPZ_TENANT_LEVEL", "gold",
                    "MCPZ_TENANT_LEVEL: \"gold\" must be none, diamond, emerald, sapphire, opal "
                    "or onyx");
    refuse_variable("MCPZ_CALLS_PER_SECOND", "100001",
                    "MCPZ_CALLS_PER_SECOND: \"100001\" must be a number from 0 to 100000");
    refuse_variable("MCPZ_STOP_SECONDS", "-1",
                    "MCPZ_STOP_SECONDS: \"-1\" must be a number from 0 to 3600");
    refuse_variable("MCPZ_TENANTS", "a", "MCPZ_TENANTS: write NAME=LEVEL, e.g. acme=opal");
    refuse_variable("MCPZ_TENANTS", "=onyx",
                    "MCPZ_TENANTS: a tenant's name must be UTF-8 of 1 to 64 bytes");
}

TEST(says_which_token_has_the_node_key)
{
    read_text("keys: {source: pkcs11, module: /m.so, token: attic, object: k, pin: 'env:P'}\n");
    CHECK_UINT(mcpz_config_settle(&config, &trouble), MCPZ_OK);
    CHECK_TEXT(config.keys_source, MCPZ_KEYS_PKCS11);
    CHECK_TEXT(config.keys_module, "/m.so");
    CHECK_TEXT(config.keys_token, "attic");
    CHECK_TEXT(config.keys_object, "k");
    CHECK_TEXT(config.keys_pin, "env:P");
    set("MCPZ_KEYS_TOKEN", "pkcs11:serial=1");
    set("MCPZ_KEYS_PIN", "file:/run/pin");
    read_environment();
    CHECK_TEXT(config.keys_token, "pkcs11:serial=1");
    CHECK_TEXT(config.keys_pin, "file:/run/pin");

    refuse_variable("MCPZ_KEYS_SOURCE", "hsm",
                    "MCPZ_KEYS_SOURCE: \"hsm\" must be auto, file, environment or pkcs11");
    refuse_variable("MCPZ_KEYS_MODULE", "m.so",
                    "MCPZ_KEYS_MODULE: \"m.so\" must be the absolute path of a shared library");
    refuse_variable("MCPZ_KEYS_TOKEN", "pkcs11:object=a",
                    "MCPZ_KEYS_TOKEN: names no token: token= or serial=");
    refuse_variable("MCPZ_KEYS_OBJECT",
                    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0",
                    "MCPZ_KEYS_OBJECT: must be the label of a key: 1 to 64 bytes");
}

/* What is refused is not shown: it may be the PIN. */
TEST(a_pin_is_not_written_into_a_configuration)
{
    refuse_variable("MCPZ_KEYS_PIN", "271828",
                    "MCPZ_KEYS_PIN: must say where the PIN is, env:NAME or file:/PATH: the PIN "
                    "itself is not written here");
    refuse_variable("MCPZ_KEYS_PIN", "file:pin",
                    "MCPZ_KEYS_PIN: must say where the PIN is, env:NAME or file:/PATH: the PIN "
                    "itself is not written here");
    refuse_variable("MCPZ_KEYS_TOKEN", "pkcs11:token=a?pin-value=271828",
                    "MCPZ_KEYS_TOKEN: has a query: say the PIN with keys.pin, the module with "
                    "keys.module");
}

TEST(a_token_wants_a_module_and_a_name)
{
    read_text("keys: {source: pkcs11, token: attic}\n");
    CHECK_UINT(mcpz_config_settle(&config, &trouble), MCPZ_ECONFIG);
    CHECK(strstr(trouble.text, "keys.module") != NULL);
    mcpz_config_finish(&config);
    CHECK(mcpz_config_init(&config) == MCPZ_OK);
    read_text("keys: {source: pkcs11, module: /m.so}\n");
    CHECK_UINT(mcpz_config_settle(&config, &trouble), MCPZ_ECONFIG);
    CHECK(strstr(trouble.text, "keys.token") != NULL);
}

TEST(bounds_the_number_of_tenants)
{
    char list[2048] = "t0=opal";
    size_t used = strlen(list);

    for (int i = 1; i < MCPZ_TENANTS_MAX; i++) {
        used += (size_t)snprintf(list + used, sizeof(list) - used, ",t%d=opal", i);
    }
    set("MCPZ_TENANTS", list);
    read_environment();
    CHECK_UINT(config.gate.tenant_count, MCPZ_TENANTS_MAX);
    (void)snprintf(list + used, sizeof(list) - used, ",more=opal");
    mcpz_config_finish(&config);
    CHECK(mcpz_config_init(&config) == MCPZ_OK);
    refuse_variable("MCPZ_TENANTS", list, "MCPZ_TENANTS: more than 64");
}

TEST(bounds_the_number_of_direct_peers)
{
    static const char *const wrong[] = {"2", "9", "06", "six", "-5", "6 "};
    char expected[128];

    CHECK_UINT(config.max_direct_peers, MCPZ_DIRECT_PEERS_DEFAULT);
    set("MCPZ_MAX_DIRECT_PEERS", "3");
    read_environment();
    CHECK_UINT(config.max_direct_peers, MCPZ_DIRECT_PEERS_MIN);
    set("MCPZ_MAX_DIRECT_PEERS", "8");
    read_environment();
    CHECK_UINT(config.max_direct_peers, MCPZ_DIRECT_PEERS_MAX);
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(wrong); i++) {
        (void)snprintf(expected, sizeof(expected),
                       "MCPZ_MAX_DIRECT_PEERS: \"%s\" must be from 3 to 8", wrong[i]);
        refuse_variable("MCPZ_MAX_DIRECT_PEERS", wrong[i], expected);
    }
}

TEST(reads_sizes_with_units_and_bounds_them)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } cases[] = {
        {"1MiB", UINT64_C(1) << 20},  {"1024KiB", UINT64_C(1) << 20},
        {"16TiB", UINT64_C(1) << 44}, {"17592186044416", UINT64_C(1) << 44},
        {"3GiB", UINT64_C(3) << 30},
    };
    static const char *const wrong[] = {"1048575", "17592186044417", "17TiB", "999999999999999TiB",
                                        "0"};

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(cases); i++) {
        set("MCPZ_STORE_BYTES", cases[i].text);
        read_environment();
        CHECK_UINT(config.store_bytes_max, cases[i].bytes);
    }
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(wrong); i++) {
        char expected[128];
        (void)snprintf(expected, sizeof(expected),
                       "MCPZ_STORE_BYTES: %s must be from 1MiB to 16TiB", wrong[i]);
        refuse_variable("MCPZ_STORE_BYTES", wrong[i], expected);
    }
    refuse_variable("MCPZ_STORE_BYTES", "1mb",
                    "MCPZ_STORE_BYTES: \"1mb\" must be a number of "
                    "bytes, e.g. 1073741824 or 1GiB");
    refuse_variable("MCPZ_STORE_BYTES", "1000000000000000",
                    "MCPZ_STORE_BYTES: \"1000000000000000\" must be a number of bytes, e.g. "
                    "1073741824 or 1GiB");
}

TEST_MAIN(
    RUN_HERE(knows_what_to_do_without_being_told),
    RUN_HERE(puts_flag_over_environment_over_file_over_default),
    RUN_HERE(keeps_precedence_in_whatever_order_it_is_told),
    RUN_HERE(checks_also_what_is_overridden),
    RUN_HERE(replaces_a_list_from_below_and_adds_to_one_beside),
    RUN_HERE(adds_providers_up_and_replaces_those_of_the_same_name), RUN_HERE(takes_every_flag),
    RUN_HERE(knows_no_other_flags), RUN_HERE(names_the_flag_that_is_wrong),
    RUN_HERE(reads_a_token_from_standard_input), RUN_HERE(takes_the_longest_token_and_none_longer),
    RUN_HERE(cuts_long_values_in_errors_between_characters),
    RUN_HERE(advertises_nothing_that_cannot_be_dialled),
    RUN_HERE(keeps_an_api_without_keys_on_this_machine), RUN_HERE(refuses_what_contradicts_itself),
    RUN_HERE(shows_every_key_with_its_origin_and_no_secret),
    RUN_HERE(says_how_long_history_of_agents_is_kept), RUN_HERE(shows_how_tools_are_called),
    RUN_HERE(says_how_durable_tasks_are_tried_and_kept),
    RUN_HERE(says_whom_a_node_works_for_and_how_much), RUN_HERE(says_which_token_has_the_node_key),
    RUN_HERE(a_pin_is_not_written_into_a_configuration),
    RUN_HERE(a_token_wants_a_module_and_a_name), RUN_HERE(bounds_the_number_of_tenants),
    RUN_HERE(bounds_the_number_of_direct_peers), RUN_HERE(reads_sizes_with_units_and_bounds_them))
