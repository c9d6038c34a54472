#include "cli/client_config.h"
#include "test.h"

static const struct mcpz_client_entry over_stdio = {
    .name = "mesh", .command = "/usr/bin/mcpz", .data = "/var/lib/mcpz"};
static const struct mcpz_client_entry over_http = {.name = "mesh",
                                                   .url = "http://127.0.0.1:8000",
                                                   .command = "/usr/bin/mcpz",
                                                   .data = "/var/lib/mcpz"};

static void is_written(enum mcpz_client_kind kind, const struct mcpz_client_entry *entry,
                       const char *expected)
{
    json_t *config = mcpz_client_config(kind, entry);
    char *text = json_dumps(config, JSON_COMPACT);

    CHECK(text != NULL);
    CHECK_TEXT(text, expected);
    free(text);
    json_decref(config);
}

static void is_commanded(const struct mcpz_client_entry *entry, const char *expected)
{
    char *text = mcpz_client_command(entry);

    CHECK(text != NULL);
    CHECK_TEXT(text, expected);
    free(text);
}

TEST(kinds_have_words)
{
    CHECK(mcpz_client_kind_of("claude") == MCPZ_CLIENT_CLAUDE);
    CHECK(mcpz_client_kind_of("cursor") == MCPZ_CLIENT_CURSOR);
    CHECK(mcpz_client_kind_of("vscode") == MCPZ_CLIENT_VSCODE);
    CHECK(mcpz_client_kind_of("generic") == MCPZ_CLIENT_GENERIC);
    CHECK(mcpz_client_kind_of("emacs") == MCPZ_CLIENT_KINDS);
    CHECK(mcpz_client_kind_of("") == MCPZ_CLIENT_KINDS);
}

TEST(clients_that_start_commands_are_given_one)
{
    static const char untyped[] = "{\"mcpServers\":{\"mesh\":{\"command\":\"/usr/bin/mcpz\","
                                  "\"args\":[\"mcp\",\"stdio\",\"--data\",\"/var/lib/mcpz\"]}}}";

    is_written(MCPZ_CLIENT_CLAUDE, &over_stdio, untyped);
    is_written(MCPZ_CLIENT_CURSOR, &over_stdio, untyped);
    is_written(MCPZ_CLIENT_VSCODE, &over_stdio,
               "{\"servers\":{\"mesh\":{\"type\":\"stdio\",\"command\":\"/usr/bin/mcpz\","
               "\"args\":[\"mcp\",\"stdio\",\"--data\",\"/var/lib/mcpz\"]}}}");
    struct mcpz_client_entry one = over_stdio;
    one.name = one.server = "files";
    is_written(
        MCPZ_CLIENT_GENERIC, &one,
        "{\"mcpServers\":{\"files\":{\"type\":\"stdio\",\"command\":\"/usr/bin/mcpz\","
        "\"args\":[\"mcp\",\"stdio\",\"--data\",\"/var/lib/mcpz\",\"--server\",\"files\"]}}}");
}

TEST(clients_that_speak_http_are_given_a_url)
{
    is_written(MCPZ_CLIENT_CURSOR, &over_http,
               "{\"mcpServers\":{\"mesh\":{\"url\":\"http://127.0.0.1:8000/mcp\"}}}");
    is_written(
        MCPZ_CLIENT_VSCODE, &over_http,
        "{\"servers\":{\"mesh\":{\"type\":\"http\",\"url\":\"http://127.0.0.1:8000/mcp\"}}}");
    is_commanded(&over_http, "claude mcp add --transport http mesh http://127.0.0.1:8000/mcp");
    struct mcpz_client_entry odd = over_http;
    odd.name = odd.server = "a b/c";
    is_written(MCPZ_CLIENT_GENERIC, &odd,
               "{\"mcpServers\":{\"a b/c\":{\"type\":\"http\","
               "\"url\":\"http://127.0.0.1:8000/mcp/a%20b%2Fc\"}}}");
    is_commanded(&odd,
                 "claude mcp add --transport http a_b_c http://127.0.0.1:8000/mcp/a%20b%2Fc");
}

TEST(a_key_is_never_written_but_asked_for)
{
    struct mcpz_client_entry guarded = over_http;

    guarded.guarded = true;
    is_commanded(&guarded, "claude mcp add --transport http mesh http://127.0.0.1:8000/mcp "
                           "--header \"Authorization: Bearer $MCPZ_API_KEY\"");
    is_written(MCPZ_CLIENT_CURSOR, &guarded,
               "{\"mcpServers\":{\"mesh\":{\"url\":\"http://127.0.0.1:8000/mcp\","
               "\"headers\":{\"Authorization\":\"Bearer ${env:MCPZ_API_KEY}\"}}}}");
    is_written(
        MCPZ_CLIENT_GENERIC, &guarded,
        "{\"mcpServers\":{\"mesh\":{\"type\":\"http\",\"url\":\"http://127.0.0.1:8000/mcp\","
        "\"headers\":{\"Authorization\":\"Bearer ${MCPZ_API_KEY}\"}}}}");
    is_written(MCPZ_CLIENT_VSCODE, &guarded,
               "{\"servers\":{\"mesh\":{\"type\":\"http\",\"url\":\"http://127.0.0.1:8000/mcp\","
               "\"headers\":{\"Authorization\":\"Bearer ${input:mcpz-key}\"}}},"
               "\"inputs\":[{\"type\":\"promptString\",\"id\":\"mcpz-key\","
               "\"description\":\"API key of the mcpz node\",\"password\":true}]}");
}

TEST(what_a_shell_would_take_apart_is_quoted)
{
    struct mcpz_client_entry odd = over_http;

    odd.url = "http://it's $HOME";
    is_commanded(&odd, "claude mcp add --transport http mesh 'http://it'\\''s $HOME/mcp'");
}

TEST(names_that_are_no_text_are_refused)
{
    struct mcpz_client_entry bad = over_stdio;

    bad.name = "\xff";
    CHECK(mcpz_client_config(MCPZ_CLIENT_CLAUDE, &bad) == NULL);
    bad = over_stdio;
    bad.server = "\xff";
    CHECK(mcpz_client_config(MCPZ_CLIENT_CLAUDE, &bad) == NULL);
}

TEST_MAIN(RUN(kinds_have_words), RUN(clients_that_start_commands_are_given_one),
          RUN(clients_that_speak_http_are_given_a_url), RUN(a_key_is_never_written_but_asked_for),
          RUN(what_a_shell_would_take_apart_is_quoted), RUN(names_that_are_no_text_are_refused))
