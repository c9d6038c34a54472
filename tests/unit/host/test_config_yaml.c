#include <unistd.h>

#include "host/config.h"
#include "test.h"

/* Read `text` as m.yaml, and expect this trouble; "" for none. */
static void check_bytes(const void *text, size_t length, const char *trouble_expected)
{
    struct mcpz_config config;
    struct mcpz_config_trouble trouble = {.text = "untouched"};

    CHECK(mcpz_config_init(&config) == MCPZ_OK);
    mcpz_error error = mcpz_config_read_bytes(&config, "m.yaml", text, length, &trouble);
    mcpz_config_finish(&config);
    CHECK_TEXT(trouble.text, trouble_expected);
    CHECK_UINT(error, trouble_expected[0] == '\0' ? MCPZ_OK : MCPZ_ECONFIG);
}

static void check(const char *text, const char *trouble_expected)
{
    check_bytes(text, strlen(text), trouble_expected);
}

TEST(refuses_a_history_that_could_mean_anything)
{
    check("agents: {history: 7d, grace: 10d}\n", "");
    check("agents: {history: forever}\n", "");
    check("agents: {history: 0}\n",
          "m.yaml:1: agents.history: 0 could mean all or nothing: write forever to keep all "
          "history of agents, or a length of time, as 7d");
    check("agents: {history: 7}\n",
          "m.yaml:1: agents.history: \"7\" must be a length of time, as 30m, 6h or 1d; forever: "
          "all of it");
    check("agents: {history: -1s}\n",
          "m.yaml:1: agents.history: \"-1s\" must be a length of time, as 30m, 6h or 1d; forever: "
          "all of it");
    check("agents: {history: 3650d}\n", "");
    check("agents: {history: 3651d}\n", "m.yaml:1: agents.history: is more than 3650 days");
    check("agents: {grace: 99999999999999999999d}\n",
          "m.yaml:1: agents.grace: is more than 3650 days");
    check("agents: {grace: 0}\n",
          "m.yaml:1: agents.grace: \"0\" must be a length of time, as 30m, 6h or 1d");
    check("agents: {graze: 1d}\n",
          "m.yaml:1: unknown key \"graze\" in agents: did you mean \"grace\"?");
}

static const char every_key[] = "# all of them\n"
                                "data: /var/lib/mcpz\n"
                                "name: attic\n"
                                "region: home\n"
                                "zone: \"upstairs\"\n"
                                "roles: [compute, storage]\n"
                                "mesh:\n"
                                "  enabled: no\n"
                                "  listen: 0.0.0.0:8765\n"
                                "  advertise: attic.lan\n"
                                "  bootstrap:\n"
                                "    - wss://a:1\n"
                                "    - ws://[::1]\n"
                                "api: {listen: 9000, keys: [one, two]}\n"
                                "providers:\n"
                                "  - name: text.words\n"
                                "    command: ./words.py\n"
                                "  - {name: sum, command: 'a=b; sha256sum'}\n"
                                "limits:\n"
                                "  store_bytes: 2MiB\n"
                                "  tenant_level: ONYX\n"
                                "  calls_per_second: 100\n"
                                "  stop_seconds: 9\n"
                                "store: {repair: never, compact: yes}\n"
                                "agents: {history: 1h, grace: 2d}\n"
                                "snapshots: {every: 6h, keep: 3}\n"
                                "tasks:\n"
                                "  attempts: 1\n"
                                "  backoff_ms: 2\n"
                                "  ttl_seconds: 3\n"
                                "  lease_seconds: 14\n"
                                "  hold_seconds: 5\n"
                                "  grace_seconds: 6\n"
                                "  retention_seconds: 7\n"
                                "tenants:\n"
                                "  - {name: acme, level: Opal}\n"
                                "  - {name: 'big one', level: diamond}\n"
                                "rules:\n"
                                "  - {pattern: memory.*, route: failover attic cellar}\n"
                                "  - pattern: x\n"
                                "    route: weighted big=3 small max=10\n"
                                "log: {level: INFO, format: json, file: /tmp/log}\n";

TEST(reads_every_key_of_a_file)
{
    static struct mcpz_config config;
    struct mcpz_config_trouble trouble;

    CHECK(mcpz_config_init(&config) == MCPZ_OK);
    CHECK(mcpz_config_read_bytes(&config, "m.yaml", (const uint8_t *)every_key,
                                 sizeof(every_key) - 1, &trouble) == MCPZ_OK);
    CHECK_TEXT(config.data, "/var/lib/mcpz");
    CHECK_TEXT(config.name, "attic");
    CHECK_TEXT(config.region, "home");
    CHECK_TEXT(config.zone, "upstairs");
    CHECK_UINT(config.role_count, 2);
    CHECK_TEXT(config.roles[1], "storage");
    CHECK(!config.mesh_enabled);
    CHECK_TEXT(config.listen, "0.0.0.0:8765");
    CHECK_TEXT(config.advertise, "attic.lan:8765");
    CHECK_UINT(config.bootstrap_count, 2);
    CHECK_TEXT(config.bootstrap[0], "a:1");
    CHECK_TEXT(config.bootstrap[1], "[::1]:8765");
    CHECK(config.bootstrap_upgraded);
    CHECK_TEXT(config.api, "127.0.0.1:9000");
    CHECK_TEXT(config.api_keys, "one,two");
    CHECK_UINT(config.provider_count, 2);
    CHECK_TEXT(config.providers[0].name, "text.words");
    CHECK_TEXT(config.providers[0].command, "./words.py");
    CHECK_TEXT(config.providers[1].name, "sum");
    CHECK_TEXT(config.providers[1].command, "a=b; sha256sum");
    CHECK_UINT(config.store_bytes_max, 2097152);
    CHECK_UINT(config.gate.level_default, MCPZ_LEVEL_ONYX);
    CHECK_UINT(config.gate.server_per_second, 100);
    CHECK_UINT(config.stop_seconds, 9);
    CHECK_TEXT(config.store_repair, "never");
    CHECK(config.store_compact);
    CHECK_UINT(config.history_seconds, 3600);
    CHECK_UINT(config.grace_seconds, 172800);
    CHECK_UINT(config.snapshot_seconds, 21600);
    CHECK_UINT(config.snapshots_kept, 3);
    CHECK_UINT(config.timing.task_attempts, 1);
    CHECK_UINT(config.timing.task_backoff_us, MCPZ_MS(2));
    CHECK_UINT(config.timing.task_ttl_us, MCPZ_SECONDS(3));
    CHECK_UINT(config.timing.task_lease_us, MCPZ_SECONDS(14));
    CHECK_UINT(config.timing.task_hold_us, MCPZ_SECONDS(5));
    CHECK_UINT(config.timing.task_grace_us, MCPZ_SECONDS(6));
    CHECK_UINT(config.timing.task_retention_us, MCPZ_SECONDS(7));
    CHECK_UINT(config.gate.tenant_count, 2);
    CHECK_TEXT(config.gate.tenants[0].name, "acme");
    CHECK_UINT(config.gate.tenants[0].level, MCPZ_LEVEL_OPAL);
    CHECK_TEXT(config.gate.tenants[1].name, "big one");
    CHECK_UINT(config.gate.tenants[1].level, MCPZ_LEVEL_DIAMOND);
    CHECK_UINT(config.rule_count, 2);
    CHECK_TEXT(config.rules[0].pattern, "memory.*");
    CHECK_UINT(config.rules[0].strategy, MCPZ_STRATEGY_FAILOVER);
    CHECK_UINT(config.rules[1].targets[0].weight, 3);
    CHECK_UINT(config.rules[1].concurrent_max, 10);
    CHECK_TEXT(config.log_level, "info");
    CHECK_TEXT(config.log_format, "json");
    CHECK_TEXT(config.log_file, "/tmp/log");
    mcpz_config_finish(&config);
}

TEST(takes_a_file_of_comments_but_not_an_empty_one)
{
    check("# nothing yet\n", "");
    check("---\n", "");
    check("---\n# nothing\n...\n", "");
    check("\n", "");
    check("", "m.yaml: the file is empty: write a key into it, or a comment");
}

TEST(names_the_line_and_the_nearest_key)
{
    check("name: a\nregoin: b\n", "m.yaml:2: unknown key \"regoin\": did you mean \"region\"?");
    check("mesh:\n  # where\n  lisen: 1\n",
          "m.yaml:3: unknown key \"lisen\" in mesh: did you mean \"listen\"?");
    check("providers:\n- name: a\n  comand: b\n",
          "m.yaml:3: unknown key \"comand\" in providers: did you mean \"command\"?");
    check("listen: 1\n", "m.yaml:1: unknown key \"listen\": it belongs under \"mesh\"");
    check("mesh:\n  zone: a\n",
          "m.yaml:2: unknown key \"zone\" in mesh: it belongs at the left margin");
    check("log: {colour: red}\n",
          "m.yaml:1: unknown key \"colour\" in log: there are level, format, file");
    check("\"a\\nb\": 1\n",
          "m.yaml:1: unknown key \"a?b\": there are data, name, region, zone, "
          "roles, mesh, api, providers, pools, workspaces, limits, store, agents, blobs, "
          "keys, snapshots, tasks, tenants, rules, log, mcp");
    check("? [a]\n: b\n", "m.yaml:1: a key must be a word");
    check("\"name\\0\": b\n", "m.yaml:1: a key must be a word");
}

TEST(says_what_kind_of_value_belongs_there)
{
    check("name: [a]\n", "m.yaml:1: name must be a text, not a list");
    check("name:\n  a: b\n", "m.yaml:2: name must be a text, not a mapping (key: value)");
    check("roles: compute\n", "m.yaml:1: roles must be a list, e.g. [a, b], not a text");
    check("roles: [[a]]\n", "m.yaml:1: roles must be a text, not a list");
    check("mesh: 8765\n", "m.yaml:1: mesh must be a mapping (key: value), not a text");
    check("- a\n", "m.yaml:1: the document must be a mapping (key: value), not a list");
    check("hello\n", "m.yaml:1: the document must be a mapping (key: value), not a text");
    check("providers: [a]\n", "m.yaml:1: providers must be a mapping (key: value), not a text");
    check("name: b\nmesh:\n", "m.yaml:2: mesh has no value: give it one, or leave it out");
    check("name: ~\n", "m.yaml:1: name has no value: give it one, or leave it out");
    check("name: null\n", "m.yaml:1: name has no value: give it one, or leave it out");
    check("name: \"\"\n", "m.yaml:1: name: is empty");
    check("name: \"a\\0b\"\n", "m.yaml:1: name holds a NUL character");
}

TEST(refuses_what_is_missing_or_given_twice)
{
    check("name: a\nzone: b\nname: c\n", "m.yaml:3: \"name\" is given twice, first in line 1");
    check("mesh: {listen: 1}\nmesh: {listen: 1}\n",
          "m.yaml:2: \"mesh\" is given twice, first in line 1");
    check("providers:\n- name: a\n  command: b\n- command: b\n",
          "m.yaml:4: this entry of providers has no \"name\"");
    check("providers:\n- name: a\n", "m.yaml:2: this entry of providers has no \"command\"");
    check("providers:\n- {name: a, command: b}\n- {name: a, command: c}\n",
          "m.yaml:3: providers: \"a\" is provided twice: a capability has one command");
    check("name: a\n---\nname: b\n", "m.yaml:2: a second document begins here: there may be one");
}

TEST(refuses_values_that_mean_nothing)
{
    check("mesh:\n  listen: a:65536\n",
          "m.yaml:2: mesh.listen: \"a:65536\" is not an address: write HOST:PORT, e.g. "
          "0.0.0.0:8765 (ports go up to 65535, IPv6 addresses stand in brackets)");
    check("mesh:\n  advertise: a:0\n",
          "m.yaml:2: mesh.advertise: \"a:0\" is not an address: write HOST:PORT, e.g. "
          "attic.lan:8765 (ports go up to 65535, IPv6 addresses stand in brackets)");
    check("mesh:\n  bootstrap:\n    - a\n    - http://b\n",
          "m.yaml:4: mesh.bootstrap: \"http://b\" is not an address: write HOST:PORT, e.g. "
          "wss://attic.lan:8765 (ports go up to 65535, IPv6 addresses stand in brackets)");
    check("mesh: {enabled: flase}\n", "m.yaml:1: mesh.enabled: \"flase\" must be true or false");
    check("name: two words\n", "m.yaml:1: name: \"two words\" must be one word: no spaces, "
                               "commas, '=' or quotes");
    check("log: {level: loud}\n", "m.yaml:1: log.level: \"loud\" must be error, warn, info or "
                                  "debug; for one module as in info,net=debug");
    check("log: {format: xml}\n", "m.yaml:1: log.format: \"xml\" must be text, json or auto");
    check("limits: {store_bytes: lots}\n",
          "m.yaml:1: limits.store_bytes: \"lots\" must be a number of bytes, e.g. 1073741824 or "
          "1GiB");
    check("limits:\n  tenant_level: gold\n",
          "m.yaml:2: limits.tenant_level: \"gold\" must be none, diamond, emerald, sapphire, opal "
          "or onyx");
    check("tenants:\n- {name: a, level: opal}\n- name: b\n  level: topaz\n",
          "m.yaml:3: tenants: \"topaz\" must be none, diamond, emerald, sapphire, opal or onyx");
    check("tenants:\n- {name: a, level: opal}\n- {name: a, level: onyx}\n",
          "m.yaml:3: tenants: \"a\" is there twice: a tenant has one level");
    check("tenants:\n- name: a\n", "m.yaml:2: this entry of tenants has no \"level\"");
    check("rules:\n- {pattern: a, route: balanced}\n- pattern: b\n  route: fastest\n",
          "m.yaml:3: rules: a rule begins with a strategy: balanced, weighted, round-robin, "
          "least-loaded, failover, dedicated or isolated");
    check("rules:\n- {pattern: a, route: balanced}\n- {pattern: a, route: failover b}\n",
          "m.yaml:3: rules: \"a\" is there twice: a pattern has one rule");
    check("rules:\n- pattern: a\n", "m.yaml:2: this entry of rules has no \"route\"");
    check("limits: {calls_per_second: many}\n",
          "m.yaml:1: limits.calls_per_second: \"many\" must be a number from 0 to 100000");
    check("providers:\n- name: a=b\n  command: c\n",
          "m.yaml:2: providers: \"a=b\" must be one word: no spaces, commas, '=' or quotes");
    check("providers:\n- name: a\n  command: ' '\n", "m.yaml:2: providers: the command is empty");
    check("api: {keys: ['a b']}\n",
          "m.yaml:1: api.keys: an API key must have 1 to 256 bytes, no spaces, no commas");
}

TEST(refuses_what_is_not_yaml)
{
    check("mesh:\n\tlisten: 1\n", "m.yaml:2: indented with a tab; YAML wants spaces");
    check("mesh:\n  \tlisten: 1\n", "m.yaml:2: indented with a tab; YAML wants spaces");
    check("name: a\nroles: [b\n", "m.yaml:3: not YAML: did not find expected ',' or ']'");
    check("name: 'a\n", "m.yaml:2: not YAML: found unexpected end of stream");
    check("name: a\nzone: b: c\n",
          "m.yaml:2: not YAML: mapping values are not allowed in this context");
    check("name: &a b\nzone: *a\n", "m.yaml:2: an alias (*a): write the value out");
    check("name: a\nzone: *b\n", "m.yaml:2: an alias (*b): write the value out");
}

TEST(refuses_what_is_not_utf8)
{
    static const char nul[] = "name: a\n\0zone: b\n";
    static const char utf16[] = "\xff\xfen\0a\0m\0e\0:\0 \0a\0\n\0";

    check("name: a\nzone: \xff\n", "m.yaml:2: not UTF-8 text: invalid leading UTF-8 octet");
    check("name: a\nzone: \xc3\n", "m.yaml:2: not UTF-8 text: invalid trailing UTF-8 octet");
    check_bytes(utf16, sizeof(utf16) - 1, "m.yaml:1: not UTF-8 text: invalid leading UTF-8 octet");
    check_bytes(nul, sizeof(nul) - 1,
                "m.yaml:2: not UTF-8 text: control characters are not allowed");
    check("\xef\xbb\xbfname: a\n", "");
    check("region: m\xc3\xbcnchen\n", "");
}

/* "KEY: [a0, a1, ...]" with `count` entries. */
static void list_of(char *text, size_t capacity, const char *key, size_t count)
{
    size_t used = (size_t)snprintf(text, capacity, "%s: [", key);

    for (size_t i = 0; i < count; i++) {
        used += (size_t)snprintf(text + used, capacity - used, "%sa%zu", i == 0 ? "" : ",", i);
    }
    (void)snprintf(text + used, capacity - used, "]\n");
}

TEST(takes_as_many_entries_as_there_is_room_for_and_no_more)
{
    char text[16384];
    size_t used = 0;

    list_of(text, sizeof(text), "roles", MCPZ_ROLES_MAX);
    check(text, "");
    list_of(text, sizeof(text), "roles", MCPZ_ROLES_MAX + 1);
    check(text, "m.yaml:1: roles has more than 8 entries");
    list_of(text, sizeof(text), "mesh:\n bootstrap", MCPZ_SEEDS_MAX);
    check(text, "");
    list_of(text, sizeof(text), "mesh:\n bootstrap", MCPZ_SEEDS_MAX + 1);
    check(text, "m.yaml:2: mesh.bootstrap has more than 16 entries");

    used = (size_t)snprintf(text, sizeof(text), "providers:\n");
    for (size_t i = 0; i < MCPZ_PROVIDERS_MAX; i++) {
        used +=
            (size_t)snprintf(text + used, sizeof(text) - used, "- {name: p%zu, command: c}\n", i);
    }
    check(text, "");
    (void)snprintf(text + used, sizeof(text) - used, "- {name: p, command: c}\n");
    check(text, "m.yaml:66: providers has more than 64 entries");
}

/* "name: \"aaa...\"\n" with `length` letters. Free it. */
static char *long_value(const char *before, size_t length, const char *after)
{
    char *text = malloc(strlen(before) + length + strlen(after) + 1);

    CHECK(text != NULL);
    memcpy(text, before, strlen(before));
    memset(text + strlen(before), 'a', length);
    memcpy(text + strlen(before) + length, after, strlen(after) + 1);
    return text;
}

TEST(takes_the_longest_values_and_none_longer)
{
    static const struct {
        const char *before;
        size_t length_max;
        const char *trouble;
    } cases[] = {
        {"name: ", MCPZ_NAME_BYTES_MAX,
         "m.yaml:1: name: \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" "
         "is "
         "longer than 64 bytes"},
        {"data: ", MCPZ_CONFIG_TEXT_BYTES_MAX, "m.yaml:1: data is longer than 4096 bytes"},
        {"api:\n keys:\n  - ", 256,
         "m.yaml:3: api.keys: an API key must have 1 to 256 bytes, no spaces, no commas"},
        {"providers:\n- name: b\n  command: ", MCPZ_COMMAND_BYTES_MAX,
         "m.yaml:3: providers.command is longer than 4096 bytes"},
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(cases); i++) {
        char *text = long_value(cases[i].before, cases[i].length_max, "\n");
        check(text, "");
        free(text);
        text = long_value(cases[i].before, cases[i].length_max + 1, "\n");
        check(text, cases[i].trouble);
        free(text);
    }
}

TEST(takes_a_megabyte_and_no_byte_more)
{
    char *text = long_value("# ", MCPZ_CONFIG_FILE_BYTES_MAX - 3, "\n");

    check(text, "");
    free(text);
    text = long_value("# ", MCPZ_CONFIG_FILE_BYTES_MAX - 2, "\n");
    check(text, "m.yaml: the file is larger than 1048576 bytes");
    free(text);
}

TEST(takes_every_truncation_without_harm)
{
    static const char text[] = "roles: [a, 'b']\nmesh: {listen: \"1\", bootstrap: [a]}\n"
                               "providers:\n- name: a\n  command: |\n    b\n";
    struct mcpz_config config;
    struct mcpz_config_trouble trouble;

    for (size_t length = 0; length < sizeof(text); length++) {
        CHECK(mcpz_config_init(&config) == MCPZ_OK);
        mcpz_error error =
            mcpz_config_read_bytes(&config, "m.yaml", (const uint8_t *)text, length, &trouble);
        CHECK(error == MCPZ_OK || error == MCPZ_ECONFIG);
        CHECK((error == MCPZ_OK) == (trouble.text[0] == '\0'));
        mcpz_config_finish(&config);
    }
}

TEST(says_why_a_file_cannot_be_read)
{
    struct mcpz_config config;
    struct mcpz_config_trouble trouble;

    CHECK(mcpz_config_init(&config) == MCPZ_OK);
    CHECK(mcpz_config_read_file(&config, "/no/such/file", &trouble) == MCPZ_EIO);
    CHECK_TEXT(trouble.text, "/no/such/file: cannot be read: No such file or directory");
    CHECK(mcpz_config_read_file(&config, "/", &trouble) == MCPZ_EIO);
    CHECK_TEXT(trouble.text, "/: cannot be read: Is a directory");
    CHECK(config.file == NULL);
    mcpz_config_finish(&config);
}

TEST(remembers_the_file_it_read)
{
    char path[] = "/tmp/test-config-XXXXXX";
    static const char text[] = "name: attic\n";
    struct mcpz_config config;
    struct mcpz_config_trouble trouble;
    int descriptor = mkstemp(path);

    CHECK(descriptor >= 0);
    CHECK(write(descriptor, text, sizeof(text) - 1) == (ssize_t)sizeof(text) - 1);
    (void)close(descriptor);
    CHECK(mcpz_config_init(&config) == MCPZ_OK);
    mcpz_error error = mcpz_config_read_file(&config, path, &trouble);
    (void)unlink(path);
    CHECK(error == MCPZ_OK);
    CHECK_TEXT(config.file, path);
    CHECK_TEXT(config.name, "attic");
    mcpz_config_finish(&config);
}

TEST_MAIN(RUN(refuses_a_history_that_could_mean_anything), RUN(reads_every_key_of_a_file),
          RUN(takes_a_file_of_comments_but_not_an_empty_one),
          RUN(names_the_line_and_the_nearest_key), RUN(says_what_kind_of_value_belongs_there),
          RUN(refuses_what_is_missing_or_given_twice), RUN(refuses_values_that_mean_nothing),
          RUN(refuses_what_is_not_yaml), RUN(refuses_what_is_not_utf8),
          RUN(takes_as_many_entries_as_there_is_room_for_and_no_more),
          RUN(takes_the_longest_values_and_none_longer), RUN(takes_a_megabyte_and_no_byte_more),
          RUN(takes_every_truncation_without_harm), RUN(says_why_a_file_cannot_be_read),
          RUN(remembers_the_file_it_read))
