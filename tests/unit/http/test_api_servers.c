/* /v1/mcp/servers, on a host that only writes down what it is told. */

#include "fake_engine.h"
#include "host/config.h"
#include "http/api.h"
#include "mcp/host.h"

static struct {
    mcpz_error answer;
    char name[64];
    char document[256];
} told;

static struct mcpz_mcp_server server;

static mcpz_error add(void *context, const char *name, struct mcpz_bytes document,
                      struct mcpz_config_trouble *trouble)
{
    (void)context;
    (void)snprintf(told.name, sizeof(told.name), "%s", name);
    mcpz_bytes_to_text(document, told.document, sizeof(told.document));
    (void)snprintf(trouble->text, sizeof(trouble->text), "one: that is wrong");
    return told.answer;
}

static mcpz_error remove_one(void *context, struct mcpz_bytes name)
{
    (void)context;
    mcpz_bytes_to_text(name, told.name, sizeof(told.name));
    return told.answer;
}

static void walk(void *context,
                 void (*visit)(void *visit_context, const struct mcpz_mcp_host_view *view),
                 void *visit_context)
{
    (void)context;
    visit(visit_context, &(struct mcpz_mcp_host_view){
                             .server = &server,
                             .state = "ready",
                             .era = "legacy",
                             .hash = "0123456789abcdef",
                             .trouble = "",
                             .processes = 2,
                             .description = mcpz_text("{\"tools\":[]}"),
                         });
}

static void begin(void)
{
    static const struct mcpz_mcp_hosting_port port = {
        .add = add, .remove = remove_one, .walk = walk};
    struct mcpz_config_trouble trouble;

    told.answer = MCPZ_OK;
    CHECK(mcpz_mcp_server_read(mcpz_text("{\"command\":\"npx\",\"env\":{\"KEY\":\"secret\"}}"),
                               "files", &server, &trouble) == MCPZ_OK);
    fake_hosting = &port;
    fake_begin();
}

static void end(void)
{
    fake_end();
    mcpz_mcp_server_finish(&server);
}

static void check(enum mcpz_method method, const char *path, const char *text, unsigned status,
                  const char *expected)
{
    struct mcpz_exchange *exchange = fake_ask(method, path, text);

    CHECK_UINT(fake_status(exchange), status);
    CHECK(strstr(fake_text(exchange), expected) != NULL);
    mcpz_api_close(exchange);
}

TEST(lists_what_is_hosted_without_its_secrets)
{
    begin();
    struct mcpz_exchange *exchange = fake_ask(MCPZ_GET, "/v1/mcp/servers", NULL);
    const char *text = fake_text(exchange);
    CHECK(strstr(text, "\"name\":\"files\"") != NULL);
    CHECK(strstr(text, "\"state\":\"ready\"") != NULL);
    CHECK(strstr(text, "\"processes\":2") != NULL);
    CHECK(strstr(text, "\"command\":\"npx\"") != NULL);
    CHECK(strstr(text, "secret") == NULL && strstr(text, "\"KEY\":\"(set)\"") != NULL);
    CHECK(strstr(text, "description") == NULL);
    mcpz_api_close(exchange);
    check(MCPZ_GET, "/v1/mcp/servers/files", NULL, 200, "\"description\":{\"tools\":[]}");
    check(MCPZ_GET, "/v1/mcp/servers/other", NULL, 404, "no server of that name");
    end();
}

TEST(hosts_what_is_posted)
{
    begin();
    check(MCPZ_POST, "/v1/mcp/servers",
          "{\"name\":\"files\",\"command\":\"npx\",\"args\":[\"-y\"]}", 201,
          "\"state\":\"ready\"");
    CHECK_TEXT(told.name, "files");
    CHECK_TEXT(told.document, "{\"command\":\"npx\",\"args\":[\"-y\"]}");
    check(MCPZ_POST, "/v1/mcp/servers", "{\"command\":\"npx\"}", 400, "name");
    check(MCPZ_POST, "/v1/mcp/servers", "[]", 400, "JSON object");
    told.answer = MCPZ_ECONFIG;
    check(MCPZ_POST, "/v1/mcp/servers", "{\"name\":\"a\"}", 400, "one: that is wrong");
    told.answer = MCPZ_ECONFLICT;
    check(MCPZ_POST, "/v1/mcp/servers", "{\"name\":\"a\"}", 409, "configuration file");
    told.answer = MCPZ_EFULL;
    check(MCPZ_POST, "/v1/mcp/servers", "{\"name\":\"a\"}", 429, "at most 64 servers");
    told.answer = MCPZ_EIO;
    check(MCPZ_POST, "/v1/mcp/servers", "{\"name\":\"a\"}", 507, "could not be kept");
    end();
}

TEST(removes_what_is_deleted)
{
    begin();
    check(MCPZ_DELETE, "/v1/mcp/servers/files", NULL, 200, "\"removed\":\"files\"");
    CHECK_TEXT(told.name, "files");
    told.answer = MCPZ_ENOTFOUND;
    check(MCPZ_DELETE, "/v1/mcp/servers/files", NULL, 404, "no server files was added");
    told.answer = MCPZ_ECONFLICT;
    check(MCPZ_DELETE, "/v1/mcp/servers/files", NULL, 409, "configuration file");
    end();
}

TEST(has_none_where_there_are_none)
{
    fake_hosting = NULL;
    fake_begin();
    check(MCPZ_GET, "/v1/mcp/servers", NULL, 404, "hosts no MCP servers");
    check(MCPZ_POST, "/v1/mcp/servers", "{}", 404, "hosts no MCP servers");
    check(MCPZ_DELETE, "/v1/mcp/servers/x", NULL, 404, "hosts no MCP servers");
    fake_end();
}

TEST_MAIN(RUN(lists_what_is_hosted_without_its_secrets), RUN(hosts_what_is_posted),
          RUN(removes_what_is_deleted), RUN(has_none_where_there_are_none))
