#include "host/config.h"
#include "host/mcp_server.h"
#include "test.h"

static struct mcpz_mcp_servers servers;
static struct mcpz_mcp_server server;
static struct mcpz_config_trouble trouble;

static mcpz_error read_file(const char *text)
{
    mcpz_mcp_servers_finish(&servers);
    trouble.text[0] = '\0';
    return mcpz_mcp_servers_read(mcpz_text(text), "a.yaml", &servers, &trouble);
}

static mcpz_error read_one(const char *text)
{
    mcpz_mcp_server_finish(&server);
    return mcpz_mcp_server_read(mcpz_text(text), "one", &server, &trouble);
}

TEST(servers_have_names_for_keys)
{
    CHECK_UINT(read_file("name: x\nmcp:\n  servers:\n    files:\n      command: npx\n"
                         "      args: [-y, 'it''s']\n      env: {A: \"1\", B_2: two}\n"
                         "      cwd: /srv\n      stateless: true\n      replicas: 3\n"
                         "      idle: 2m\n"
                         "    other: {command: ./server, isolation: degraded, "
                         "limits: {memory: 1GiB}}\n"),
               MCPZ_OK);
    CHECK_UINT(servers.count, 2);
    const struct mcpz_mcp_server *files = mcpz_mcp_servers_find(&servers, mcpz_text("files"));
    CHECK_TEXT(files->service.command, "cd '/srv' && exec 'npx' '-y' 'it'\\''s'");
    CHECK_UINT(files->variable_count, 2);
    CHECK_TEXT(files->variables[1], "B_2=two");
    CHECK(files->stateless && !files->shared);
    CHECK_UINT(files->replicas, 3);
    CHECK_UINT(files->idle_seconds, 120);
    CHECK_UINT(servers.rows[1].service.limits.memory_bytes, 1U << 30);
    CHECK_UINT(files->service.isolation, MCPZ_ISOLATION_NONE);
    CHECK_UINT(servers.rows[1].service.isolation, MCPZ_ISOLATION_DEGRADED);
    CHECK_UINT(servers.rows[1].replicas, MCPZ_MCP_REPLICAS_DEFAULT);
    mcpz_mcp_servers_finish(&servers);
}

TEST(a_file_without_servers_has_none)
{
    CHECK_UINT(read_file("name: x\n"), MCPZ_OK);
    CHECK_UINT(servers.count, 0);
    CHECK_UINT(read_file("mcp: {servers: {}}\n"), MCPZ_OK);
    CHECK_UINT(servers.count, 0);
}

TEST(names_are_said_beside_servers)
{
    CHECK_UINT(read_file("mcp:\n  servers: {}\n  names:\n    prefix: always\n"
                         "    aliases: {files/read: read_file}\n"),
               MCPZ_OK);
    CHECK_UINT(mcpz_mcp_servers_names(&servers)->prefix, MCPZ_MCP_PREFIX_ALWAYS);
    CHECK_TEXT(mcpz_mcp_names_alias(mcpz_mcp_servers_names(&servers), "files", mcpz_text("read")),
               "read_file");
    CHECK_UINT(read_file("name: x\n"), MCPZ_OK);
    CHECK_UINT(mcpz_mcp_servers_names(&servers)->prefix, MCPZ_MCP_PREFIX_CONFLICT);
    CHECK_UINT(mcpz_mcp_servers_names(&servers)->alias_count, 0);
}

TEST(what_is_wrong_is_said_with_its_place)
{
    static const struct {
        const char *text;
        const char *trouble;
    } cases[] = {
        {"mcp: [a]\n", "a.yaml:1: mcp: must be a mapping (servers: ...)"},
        {"mcp:\n  server: {}\n",
         "a.yaml:2: mcp: unknown key \"server\": did you mean \"servers\"?"},
        {"mcp:\n  name: {}\n", "a.yaml:2: mcp: unknown key \"name\": did you mean \"names\"?"},
        {"mcp:\n  names: always\n",
         "a.yaml:2: mcp.names: must be a mapping (prefix: ..., aliases: ...)"},
        {"mcp:\n  names:\n    prefix: always\n    alias: {}\n",
         "a.yaml:4: mcp.names: unknown key \"alias\": did you mean \"aliases\"?"},
        {"mcp:\n  names:\n    prefix: often\n",
         "a.yaml:3: mcp.names.prefix: must be conflict, always or never"},
        {"mcp:\n  names:\n    prefix: [never]\n",
         "a.yaml:3: mcp.names.prefix: must be conflict, always or never"},
        {"mcp:\n  names:\n    aliases: [a]\n",
         "a.yaml:3: mcp.names.aliases: must be a mapping (SERVER/TOOL: NAME)"},
        {"mcp:\n  names:\n    aliases:\n      a.t: b\n      a/u: {}\n",
         "a.yaml:5: mcp.names.aliases: must be a mapping of words"},
        {"mcp:\n  names:\n    aliases:\n      a.t: b\n      a/u: b\n",
         "a.yaml:5: mcp.names.aliases: two cannot both be \"b\""},
        {"mcp:\n  servers: [a]\n",
         "a.yaml:2: mcp.servers: must be a mapping (NAME: {command: ...})"},
        {"mcp:\n  servers:\n    a:\n      comand: x\n",
         "a.yaml:4: mcp.servers.a: unknown key \"comand\": did you mean \"command\"?"},
        {"mcp:\n  servers:\n    a: {args: [x]}\n",
         "a.yaml:3: mcp.servers.a: has no command, and no url: say which program it is, or where"},
        {"mcp:\n  servers:\n    a: {command: x}\n    a: {command: y}\n",
         "a.yaml:4: mcp.servers: \"a\" is given twice"},
        {"mcp:\n  servers:\n    a/b: {command: x}\n",
         "a.yaml:3: mcp.servers.a/b: a server's name has 1 to 64 letters, digits, or _ . - only"},
        {"mcp:\n  servers:\n    a: {command: x, args: y}\n",
         "a.yaml:3: mcp.servers.a.args: must be a list, e.g. [-y, name]"},
        {"mcp:\n  servers:\n    a: {command: x, env: {1A: y}}\n",
         "a.yaml:3: mcp.servers.a.env: a variable's name has letters, digits and _ only"},
        {"mcp:\n  servers:\n    a: {command: x, env: {A: y, A: z}}\n",
         "a.yaml:3: mcp.servers.a.env: A is given twice"},
        {"mcp:\n  servers:\n    a: {command: x, cwd: y}\n",
         "a.yaml:3: mcp.servers.a.cwd: must be an absolute path"},
        {"mcp:\n  servers:\n    a: {command: x, stateless: 1}\n",
         "a.yaml:3: mcp.servers.a.stateless: must be true or false"},
        {"mcp:\n  servers:\n    a: {command: x, replicas: 0}\n",
         "a.yaml:3: mcp.servers.a.replicas: must be a number from 1 to 128"},
        {"mcp:\n  servers:\n    a: {command: x, replicas: 129}\n",
         "a.yaml:3: mcp.servers.a.replicas: must be a number from 1 to 128"},
        {"mcp:\n  servers:\n    a: {command: x, idle: 2d}\n",
         "a.yaml:3: mcp.servers.a.idle: must be a time from 1 to 86400 seconds, e.g. 90s, 5m or "
         "1h"},
        {"mcp:\n  servers:\n    a: {command: x, limits: {cpu: much}}\n",
         "a.yaml:3: mcp.servers.a.cpu: \"much\" must be a number of cores from 0.1 to 1024, e.g. "
         "2 "
         "or 0.5"},
        {"mcp:\n  servers:\n    a: {command: x, isolation: full}\n",
         "a.yaml:3: mcp.servers.a.isolation: \"full\" must be strict, degraded or none"},
        {"mcp:\n  servers:\n    a: {command: x, limits: {cpu: 2}}\n",
         "a.yaml:3: mcp.servers.a.limits: has no effect without isolation: degraded, or strict"},
        {"mcp:\n  servers:\n    a: {command: x, read: [/srv], isolation: none}\n",
         "a.yaml:3: mcp.servers.a.read: has no effect without isolation: degraded, or strict"},
        {"mcp:\n  servers:\n    a: {command: x, shared: true, stateless: true}\n",
         "a.yaml:3: mcp.servers.a.shared: goes without saying of a stateless server"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK_UINT(read_file(cases[i].text), MCPZ_ECONFIG);
        CHECK_TEXT(trouble.text, cases[i].trouble);
        CHECK_UINT(servers.count, 0);
    }
}

TEST(there_are_so_many_servers_and_not_one_more)
{
    char text[4096] = "mcp:\n  servers:\n";
    size_t length = strlen(text);

    for (int i = 0; i < MCPZ_MCP_SERVERS_MAX; i++) {
        length +=
            (size_t)snprintf(text + length, sizeof(text) - length, "    s%d: {command: x}\n", i);
    }
    CHECK_UINT(read_file(text), MCPZ_OK);
    CHECK_UINT(servers.count, MCPZ_MCP_SERVERS_MAX);
    (void)snprintf(text + length, sizeof(text) - length, "    more: {command: x}\n");
    CHECK_UINT(read_file(text), MCPZ_ECONFIG);
}

TEST(a_configuration_takes_them_along)
{
    static struct mcpz_config config;
    const char *text = "mcp:\n  servers:\n    a: {command: x}\n";
    const char *deep = "mcp: {servers: {a: {b: {c: {d: {e: {f: {g: {h: i}}}}}}}}}\n";

    CHECK_UINT(mcpz_config_init(&config), MCPZ_OK);
    CHECK_UINT(
        mcpz_config_read_bytes(&config, "a.yaml", (const uint8_t *)text, strlen(text), &trouble),
        MCPZ_OK);
    CHECK_UINT(config.mcp.count, 1);
    mcpz_config_finish(&config);
    CHECK_UINT(mcpz_config_init(&config), MCPZ_OK);
    CHECK_UINT(
        mcpz_config_read_bytes(&config, "a.yaml", (const uint8_t *)deep, strlen(deep), &trouble),
        MCPZ_ECONFIG);
    CHECK_TEXT(trouble.text, "a.yaml:1: mcp is nested too deep");
    mcpz_config_finish(&config);
}

TEST(what_is_shown_can_be_read_again)
{
    struct mcpz_mcp_server copy = {.command = NULL};

    CHECK_UINT(read_one("{\"command\":\"no\\\"de\",\"args\":[\"a\",\"\\u00e9\"],"
                        "\"env\":{\"K\":\"secret\"},\"cwd\":\"/tmp\",\"shared\":true,"
                        "\"isolation\":\"degraded\",\"read\":[\"/srv\"],\"idle\":\"90s\","
                        "\"limits\":{\"cpu\":\"0.5\"}}"),
               MCPZ_OK);
    char *shown = mcpz_mcp_server_show(&server, true);
    char *masked = mcpz_mcp_server_show(&server, false);
    CHECK(shown != NULL && masked != NULL);
    CHECK(strstr(masked, "secret") == NULL && strstr(masked, "(set)") != NULL);
    CHECK_UINT(mcpz_mcp_server_read(mcpz_text(shown), "one", &copy, &trouble), MCPZ_OK);
    CHECK(mcpz_mcp_server_equal(&server, &copy));
    CHECK_TEXT(copy.arguments[1], "\xc3\xa9");
    free(shown);
    free(masked);
    mcpz_mcp_server_finish(&copy);
    CHECK_UINT(mcpz_mcp_server_copy(&server, &copy), MCPZ_OK);
    CHECK(mcpz_mcp_server_equal(&server, &copy));
    copy.variables[0][0] = 'J';
    CHECK(!mcpz_mcp_server_equal(&server, &copy));
    mcpz_mcp_server_finish(&copy);
    mcpz_mcp_server_finish(&server);
}

TEST(a_server_may_be_elsewhere)
{
    struct mcpz_mcp_server copy = {.command = NULL};

    CHECK_UINT(read_one("{\"url\":\"https://a.example/mcp?key=hidden\",\"headers\":"
                        "{\"Authorization\":\"Bearer hidden\",\"X-Key\":\"env:KEY\"},"
                        "\"ca\":\"/etc/ca.pem\",\"stateless\":true}"),
               MCPZ_OK);
    CHECK_TEXT(server.url, "https://a.example/mcp?key=hidden");
    CHECK(server.command == NULL);
    CHECK_UINT(server.header_count, 2);
    CHECK_TEXT(server.headers[0], "Authorization: Bearer hidden");
    char *shown = mcpz_mcp_server_show(&server, true);
    char *masked = mcpz_mcp_server_show(&server, false);
    CHECK(shown != NULL && masked != NULL);
    CHECK_TEXT(masked, "{\"url\":\"https://a.example/mcp?(set)\",\"headers\":{\"Authorization\":"
                       "\"(set)\",\"X-Key\":\"env:KEY\"},\"ca\":\"/etc/ca.pem\",\"stateless\":"
                       "true,\"shared\":false,\"replicas\":16,\"idle\":\"300s\"}");
    CHECK_UINT(mcpz_mcp_server_read(mcpz_text(shown), "one", &copy, &trouble), MCPZ_OK);
    CHECK(mcpz_mcp_server_equal(&server, &copy));
    mcpz_mcp_server_finish(&copy);
    CHECK_UINT(mcpz_mcp_server_copy(&server, &copy), MCPZ_OK);
    CHECK(mcpz_mcp_server_equal(&server, &copy));
    copy.headers[0][22] = 'H';
    CHECK(!mcpz_mcp_server_equal(&server, &copy));
    free(shown);
    free(masked);
    mcpz_mcp_server_finish(&copy);
    mcpz_mcp_server_finish(&server);
}

TEST(a_server_is_a_command_or_a_url)
{
    static const struct {
        const char *text;
        const char *trouble;
    } cases[] = {
        {"{\"url\":\"http://a\",\"command\":\"x\"}",
         "one.command: has no effect on a server with a url"},
        {"{\"url\":\"http://a\",\"isolation\":\"strict\"}",
         "one.isolation: has no effect on a server with a url"},
        {"{\"url\":\"http://a\",\"env\":{\"A\":\"b\"}}",
         "one.env: has no effect on a server with a url"},
        {"{\"command\":\"x\",\"headers\":{\"A\":\"b\"}}",
         "one.headers: has no effect on a command: it needs a url"},
        {"{\"url\":\"a\"}", "one.url: must begin with https:// or http://"},
        {"{\"url\":\"http://a\",\"headers\":{\"Host\":\"b\"}}",
         "one.headers: \"Host\" is a header that the protocol sets"},
        {"{\"url\":\"http://a\",\"headers\":{\"A\":\"b\",\"a\":\"c\"}}",
         "one.headers: a is given twice"},
        {"{\"url\":\"http://a\",\"headers\":[\"A\"]}",
         "one.headers: must be a mapping, e.g. {Name: value}"},
        {"{\"url\":\"http://a\",\"ca\":\"ca.pem\"}", "one.ca: must be an absolute path"},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK_UINT(read_one(cases[i].text), MCPZ_ECONFIG);
        CHECK_TEXT(trouble.text, cases[i].trouble);
    }
}

TEST(what_a_program_sent_is_refused_without_a_place)
{
    CHECK_UINT(read_one("{\"comand\":\"x\"}"), MCPZ_ECONFIG);
    CHECK_TEXT(trouble.text, "one: unknown key \"comand\": did you mean \"command\"?");
    CHECK_UINT(read_one("{"), MCPZ_ECONFIG);
    CHECK_UINT(read_one(""), MCPZ_ECONFIG);
}

TEST_MAIN(RUN(servers_have_names_for_keys), RUN(a_file_without_servers_has_none),
          RUN(names_are_said_beside_servers), RUN(what_is_wrong_is_said_with_its_place),
          RUN(there_are_so_many_servers_and_not_one_more), RUN(a_configuration_takes_them_along),
          RUN(what_is_shown_can_be_read_again), RUN(a_server_may_be_elsewhere),
          RUN(a_server_is_a_command_or_a_url), RUN(what_a_program_sent_is_refused_without_a_place))
