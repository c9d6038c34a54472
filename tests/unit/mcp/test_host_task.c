/* What becomes of a task that is asked for across the eras. */

#include "mcp_host_world.h"

#define X "{\"command\":\"x\",\"replicas\":2,\"idle\":\"60s\"}"
#define TASKS_2025                                                                                \
    "{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{\"tools\":{},\"tasks\":{\"cancel\":{}" \
    ",\"requests\":{\"tools\":{\"call\":{}}}}},\"serverInfo\":{\"name\":\"s\",\"version\":"       \
    "\"2\"}}"
#define TASKS_2026                                                                                \
    "{\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{\"tools\":{},\"extensions\":{"     \
    "\"io.modelcontextprotocol/tasks\":{}}},\"resultType\":\"complete\"}"
#define NEWER(client)                                                                             \
    "{\"v\":1,\"kind\":\"request\",\"era\":\"legacy\",\"version\":\"2025-11-25\","                \
    "\"session\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"client\":{\"capabilities\":" client "}}"
#define ASKABLE                                                                                   \
    MODERN_PARAMS("{\"elicitation\":{},\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}")
#define KNOWS MODERN_PARAMS("{\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}")
#define CALL(tool)                                                                                \
    "{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"method\":\"tools/call\",\"params\":{\"name\":\"" tool    \
    "\"}}"
#define MADE(status)                                                                              \
    "{\"taskId\":\"k\",\"status\":\"" status "\",\"createdAt\":\"A\",\"lastUpdatedAt\":\"B\","    \
    "\"ttl\":90000,\"pollInterval\":5}"
#define MODERN_TASK(status, more)                                                                 \
    "{\"resultType\":\"complete\",\"taskId\":\"k\",\"status\":\"" status "\",\"createdAt\":"      \
    "\"A\",\"lastUpdatedAt\":\"B\",\"ttlMs\":null,\"pollIntervalMs\":200" more "}"
#define INFO                                                                                      \
    "\"_meta\":{\"io.modelcontextprotocol/serverInfo\":{\"name\":\"s\",\"version\":\"2\"}}"

/* ---- Worlds ------------------------------------------------------------------------------- */

static void begin(struct mcpz_upstream *fake)
{
    answers(fake, told(fake), TASKS_2025);
    CHECK_TEXT(told(fake), "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}");
}

/* A server of 2025-11-25: "o" may be called as a task, "r" must, "n" must not. */
static void legacy_world(void)
{
    CHECK(add_server("x", X) == MCPZ_OK);
    struct mcpz_upstream *probe = last_fake();
    refuses(probe, told(probe), -32601);
    goes(probe, "");
    begin(last_fake());
    list_tools(last_fake(), "{\"name\":\"o\",\"execution\":{\"taskSupport\":\"optional\"}},"
                            "{\"name\":\"r\",\"execution\":{\"taskSupport\":\"required\"}},"
                            "{\"name\":\"n\"}");
}

static struct mcpz_upstream *modern_world(void)
{
    CHECK(add_server("x", X) == MCPZ_OK);
    struct mcpz_upstream *probe = last_fake();
    answers(probe, told(probe), TASKS_2026);
    goes(probe, "");
    struct mcpz_upstream *describer = last_fake();
    answers(describer, told(describer), TASKS_2026);
    (void)told(describer); /* its subscription */
    list_tools(describer, "{\"name\":\"t\"}");
    return describer;
}

/* A request about a task. */
static struct client *ask_of(const char *params, const char *method, const char *id,
                             const char *more)
{
    char line[FAKE_LINE_BYTES];

    (void)snprintf(line, sizeof(line),
                   "{\"jsonrpc\":\"2.0\",\"id\":\"g\",\"method\":\"%s\",\"params\":{\"taskId\":"
                   "\"%s\"%s}}",
                   method, id, more);
    return ask(params, line);
}

static void check_has(const char *line, const char *part)
{
    if (strstr(line, part) == NULL) {
        CHECK_TEXT(line, part);
    }
}

/* The id of a task that a client was told. */
static void read_id(const char *line, char id[33])
{
    const char *at = strstr(line, "\"taskId\":\"");

    CHECK(at != NULL && strlen(at) > 42);
    (void)snprintf(id, 33, "%s", at + 10);
}

/* ---- A modern client, a legacy server ----------------------------------------------------- */

/* The client's call has become a task of `fake`; what that is waiting for is `*result`. */
static void make(const char *params, struct mcpz_upstream **fake, char id[33], const char **result)
{
    struct client *client = ask(params, CALL("o"));

    *fake = last_fake();
    begin(*fake);
    const char *line = told(*fake);
    check_has(line, "\"params\":{\"task\":{\"ttl\":3600000},\"name\":\"o\"}}");
    answers(*fake, line, "{\"task\":" MADE("working") "}");
    line = heard(client);
    read_id(line, id);
    check_has(line, "{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"result\":{\"resultType\":\"task\","
                    "\"taskId\":\"");
    check_has(line, "\",\"status\":\"working\",\"createdAt\":\"A\",\"lastUpdatedAt\":\"B\","
                    "\"ttlMs\":90000,\"pollIntervalMs\":5," INFO "}}");
    CHECK(client->over);
    *result = told(*fake);
    check_has(*result, "\"method\":\"tasks/result\",\"params\":{\"taskId\":\"k\"}}");
}

TEST(a_tool_that_may_be_a_task_is_one_for_who_knows_them)
{
    struct mcpz_upstream *fake;
    const char *result;
    char id[33];

    legacy_world();
    make(KNOWS, &fake, id, &result);
    struct client *client = ask_of(KNOWS, "tasks/get", id, "");
    const char *line = told(fake);
    check_has(line, "\"method\":\"tasks/get\",\"params\":{\"taskId\":\"k\"}}");
    answers(fake, line, MADE("working"));
    line = heard(client);
    check_has(line, "\"id\":\"g\",\"result\":{\"resultType\":\"complete\",\"taskId\":\"");
    check_has(line, id);
    check_has(line, "\"status\":\"working\"");
    /* What it says of it by itself is nobody's news: its client asks. */
    says(fake, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tasks/status\",\"params\":"
               "{\"taskId\":\"k\",\"status\":\"completed\"}}");
    answers(fake, result,
            "{\"content\":[1],\"_meta\":{\"io.modelcontextprotocol/related-task\":{\"taskId\":"
            "\"k\"},\"a\":1}}");
    line = told(fake);
    check_has(line, "\"method\":\"tasks/get\"");
    answers(fake, line, MADE("completed"));
    client = ask_of(KNOWS, "tasks/get", id, "");
    check_has(heard(client), "\"status\":\"completed\",\"createdAt\":\"A\",\"lastUpdatedAt\":"
                             "\"B\",\"ttlMs\":90000,\"pollIntervalMs\":5,\"result\":"
                             "{\"content\":[1],\"_meta\":{\"a\":1}}," INFO "}}");
    CHECK(is_told_all(fake));
    /* It outlasts its process, for as long as was said. */
    goes(fake, "");
    client = ask_of(KNOWS, "tasks/get", id, "");
    check_has(heard(client), "\"result\":{\"content\":[1],\"_meta\":{\"a\":1}}");
    pass_until(clock_us + MCPZ_SECONDS(89));
    client = ask_of(KNOWS, "tasks/get", id, "");
    check_has(heard(client), "\"status\":\"completed\"");
    pass_until(clock_us + MCPZ_SECONDS(1));
    client = ask_of(KNOWS, "tasks/get", id, "");
    check_has(heard(client), "\"error\":{\"code\":-32602");
    CHECK_UINT(mcpz_mcp_host_stats(host)->tasks, 0);
    CHECK_UINT(mcpz_mcp_host_stats(host)->task_bytes, 0);
}

/* In the earlier revision a tool that says that it has failed makes a task that has. */
TEST(a_tool_that_fails_completes_its_task_and_an_error_fails_it)
{
    struct mcpz_upstream *fake;
    const char *result;
    char id[33];

    legacy_world();
    make(KNOWS, &fake, id, &result);
    answers(fake, result, "{\"isError\":true}");
    answers(fake, told(fake), MADE("failed"));
    check_has(heard(ask_of(KNOWS, "tasks/get", id, "")), "\"status\":\"completed\"");
    goes(fake, "");
    make(KNOWS, &fake, id, &result);
    refuses(fake, result, -7);
    answers(fake, told(fake), MADE("failed"));
    const char *line = heard(ask_of(KNOWS, "tasks/get", id, ""));
    check_has(line, "\"status\":\"failed\"");
    check_has(line, "\"error\":{\"code\":-7,\"message\":\"no\"}");
    goes(fake, "");
    make(KNOWS, &fake, id, &result);
    goes(fake, "boom");
    line = heard(ask_of(KNOWS, "tasks/get", id, ""));
    check_has(line, "\"status\":\"failed\"");
    check_has(line, "the server x ended before the task was done: boom");
}

TEST(what_a_task_asks_is_in_its_state_and_answered_by_an_update)
{
    struct mcpz_upstream *fake;
    const char *result;
    char id[33];

    legacy_world();
    make(ASKABLE, &fake, id, &result);
    says(fake, "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"elicitation/create\",\"params\":"
               "{\"message\":\"name?\",\"_meta\":{\"io.modelcontextprotocol/related-task\":"
               "{\"taskId\":\"k\"}}}}");
    const char *line = heard(ask_of(ASKABLE, "tasks/get", id, ""));
    check_has(line, "\"status\":\"input_required\"");
    check_has(line, "\"inputRequests\":{\"input0\":{\"method\":\"elicitation/create\",\"params\":"
                    "{\"message\":\"name?\",");
    CHECK(is_told_all(fake));
    /* Nobody else's call is done by its process meanwhile. */
    size_t before = fake_count;
    (void)ask(ASKABLE, CALL("n"));
    CHECK_UINT(fake_count, before + 1);
    struct client *client =
        ask_of(ASKABLE, "tasks/update", id,
               ",\"inputResponses\":{\"input7\":{},\"input0\":{\"action\":\"accept\"}}");
    CHECK_TEXT(heard(client),
               "{\"jsonrpc\":\"2.0\",\"id\":\"g\",\"result\":{\"resultType\":\"complete\"}}");
    CHECK_TEXT(told(fake),
               "{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":{\"_meta\":{\"io.modelcontextprotocol/"
               "related-task\":{\"taskId\":\"k\"}},\"action\":\"accept\"}}");
    /* The next question has another name, whatever came of the first. */
    says(fake, "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"roots/list\"}");
    check_has(heard(ask_of(ASKABLE, "tasks/get", id, "")),
              "\"inputRequests\":{\"input1\":{\"method\":\"roots/list\",\"params\":{}}}");
}

TEST(a_task_is_its_clients_and_can_be_cancelled)
{
    struct mcpz_upstream *fake;
    const char *result;
    char id[33];

    legacy_world();
    make(KNOWS, &fake, id, &result);
    check_has(heard(ask_of(MODERN_PARAMS("{}"), "tasks/get", id, "")),
              "\"error\":{\"code\":-32021,\"message\":\"Missing required client capability: "
              "tasks\",\"data\":{\"requiredCapabilities\":{\"extensions\":{\"io."
              "modelcontextprotocol/tasks\":{}}}}}");
    check_has(heard(ask_of(KNOWS, "tasks/get", "k", "")), "\"error\":{\"code\":-32602");
    check_has(heard(ask_of(KNOWS, "tasks/update", "k", "")), "\"error\":{\"code\":-32602");
    struct client *other = call_as("mcp/x", KNOWS, "evil");
    (void)heard(other);
    char line[FAKE_LINE_BYTES];
    (void)snprintf(line, sizeof(line),
                   "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tasks/cancel\",\"params\":"
                   "{\"taskId\":\"%s\"}}",
                   id);
    client_says(other, line);
    check_has(heard(other), "\"error\":{\"code\":-32602");
    check_has(heard(ask_of(KNOWS, "tasks/result", id, "")), "\"error\":{\"code\":-32601");
    check_has(heard(ask_of(KNOWS, "tasks/list", id, "")), "\"error\":{\"code\":-32601");
    CHECK(is_told_all(fake));
    CHECK_TEXT(heard(ask_of(KNOWS, "tasks/cancel", id, "")),
               "{\"jsonrpc\":\"2.0\",\"id\":\"g\",\"result\":{\"resultType\":\"complete\"}}");
    check_has(told(fake), "\"method\":\"tasks/cancel\",\"params\":{\"taskId\":\"k\"}}");
    refuses(fake, result, -32603);
    answers(fake, told(fake), MADE("cancelled"));
    const char *said = heard(ask_of(KNOWS, "tasks/get", id, ""));
    check_has(said, "\"status\":\"cancelled\"");
    CHECK(strstr(said, "\"error\"") == NULL);
}

TEST(a_tool_that_must_be_a_task_is_waited_for_where_its_client_knows_of_none)
{
    legacy_world();
    struct client *client = ask(MODERN_PARAMS("{\"elicitation\":{}}"), CALL("r"));
    struct mcpz_upstream *fake = last_fake();
    begin(fake);
    const char *line = told(fake);
    check_has(line, "\"params\":{\"task\":{\"ttl\":3600000},\"name\":\"r\"}}");
    answers(fake, line, "{\"task\":" MADE("working") "}");
    CHECK(!client->over);
    line = told(fake);
    check_has(line, "\"method\":\"tasks/result\",\"params\":{\"taskId\":\"k\"}}");
    answers(fake, line, "{\"content\":[2]}");
    check_has(heard(client),
              "\"id\":\"q\",\"result\":{\"resultType\":\"complete\"," INFO ",\"content\":[2]}}");
    CHECK(client->over);
    /* Who does not wait for it cancels it. */
    client = ask(MODERN_PARAMS("{\"elicitation\":{}}"), CALL("r"));
    answers(fake, told(fake), "{\"task\":" MADE("working") "}");
    (void)told(fake);
    mcpz_line_cancel(client->stream);
    settle_all();
    check_has(told(fake), "notifications/cancelled");
    check_has(told(fake), "\"method\":\"tasks/cancel\",\"params\":{\"taskId\":\"k\"}}");
}

TEST(what_wishes_for_a_task_in_the_earlier_way_means_nothing)
{
    static const char *const wishes[] = {
        "{\"name\":\"n\",\"task\":{\"ttl\":1}}",
        "{\"task\":{},\"name\":\"n\"}",
    };
    char line[FAKE_LINE_BYTES];

    legacy_world();
    (void)ask(KNOWS, CALL("n"));
    struct mcpz_upstream *fake = last_fake();
    begin(fake);
    check_has(told(fake), "\"params\":{\"name\":\"n\"}}");
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(wishes); i++) {
        (void)snprintf(line, sizeof(line),
                       "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":%s}",
                       wishes[i]);
        (void)ask(KNOWS, line);
        check_has(told(fake), "\"params\":{\"name\":\"n\"}}");
    }
    (void)ask(MODERN_PARAMS("{}"), CALL("o")); /* who knows of none has none */
    check_has(told(fake), "\"params\":{\"name\":\"o\"}}");
    struct client *client = ask(KNOWS, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":"
                                       "\"server/discover\"}");
    check_has(heard(client), "\"capabilities\":{\"tools\":{},\"extensions\":{\"io."
                             "modelcontextprotocol/tasks\":{}}}");
}

/* Whatever is kept goes with what it is kept for. */
TEST(a_task_that_nobody_asks_for_ends)
{
    struct mcpz_upstream *fake;
    const char *result;
    char id[33];

    legacy_world();
    make(ASKABLE, &fake, id, &result);
    says(fake, "{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"roots/list\"}");
    CHECK(!fake->stopped);
    pass_until(clock_us + MCPZ_SECONDS(89));
    CHECK(!fake->stopped && is_told_all(fake));
    pass_until(clock_us + MCPZ_SECONDS(1));
    check_has(told(fake), "\"id\":9,\"error\":{");
    check_has(told(fake), "notifications/cancelled");
    check_has(told(fake), "\"method\":\"tasks/cancel\"");
    CHECK_UINT(mcpz_mcp_host_stats(host)->tasks, 0);
    make(KNOWS, &fake, id, &result);
    CHECK(mcpz_mcp_host_remove(host, mcpz_text("x")) == MCPZ_OK);
    for (size_t i = 0; i < fake_count; i++) {
        if (!fakes[i].gone) {
            goes(&fakes[i], "");
        }
    }
    CHECK_UINT(mcpz_mcp_host_stats(host)->tasks, 0);
}

/* ---- A legacy client, a modern server ----------------------------------------------------- */

#define WISH                                                                                      \
    "{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"method\":\"tools/call\",\"params\":{\"name\":\"t\","     \
    "\"task\":{\"ttl\":120000}}}"
#define SAID_KNOWS                                                                                \
    "\"io.modelcontextprotocol/clientCapabilities\":{\"extensions\":{\"io.modelcontextprotocol/"  \
    "tasks\":{}}"

TEST(a_client_that_wants_a_task_gets_the_servers)
{
    struct mcpz_upstream *describer = modern_world();
    struct client *client = ask(NEWER("{}"), WISH);
    const char *line = told(describer);

    check_has(line, SAID_KNOWS "}");
    answers(
        describer, line,
        "{\"resultType\":\"task\",\"taskId\":\"k\",\"status\":\"working\",\"createdAt\":\"A\","
        "\"lastUpdatedAt\":\"B\",\"ttlMs\":null,\"pollIntervalMs\":7,\"statusMessage\":\"m\"}");
    CHECK_TEXT(heard(client),
               "{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"result\":{\"task\":{\"taskId\":\"k\","
               "\"status\":\"working\",\"statusMessage\":\"m\",\"createdAt\":\"A\","
               "\"lastUpdatedAt\":\"B\",\"ttl\":null,\"pollInterval\":7}}}");
    client = ask_of(NEWER("{\"extensions\":{\"a\":{}}}"), "tasks/get", "k", "");
    line = told(describer);
    check_has(line, "\"method\":\"tasks/get\",\"params\":{\"taskId\":\"k\",\"_meta\":{");
    check_has(line, "{\"extensions\":{\"io.modelcontextprotocol/tasks\":{},\"a\":{}}}");
    answers(describer, line, MODERN_TASK("completed", ",\"result\":{\"isError\":true}"));
    CHECK_TEXT(heard(client),
               "{\"jsonrpc\":\"2.0\",\"id\":\"g\",\"result\":{\"taskId\":\"k\",\"status\":"
               "\"failed\",\"createdAt\":\"A\",\"lastUpdatedAt\":\"B\",\"ttl\":null,"
               "\"pollInterval\":200}}");
    client = ask_of(NEWER("{}"), "tasks/get", "k", "");
    refuses(describer, told(describer), -32602);
    check_has(heard(client), "\"error\":{\"code\":-32602,\"message\":\"no\"}");
}

TEST(its_result_is_waited_for_and_questions_asked_meanwhile)
{
    struct mcpz_upstream *describer = modern_world();
    struct client *client = ask_of(NEWER("{}"), "tasks/result", "k", "");

    answers(describer, told(describer), MODERN_TASK("working", ""));
    CHECK(is_told_all(describer));
    pass_until(clock_us + MCPZ_MS(199));
    CHECK(is_told_all(describer));
    pass_until(clock_us + MCPZ_MS(1));
    answers(describer, told(describer),
            MODERN_TASK("input_required",
                        ",\"inputRequests\":{\"a\":{\"method\":\"roots/list\"},\"b\":{\"method\":"
                        "\"elicitation/create\",\"params\":{\"message\":\"?\"}}}"));
    CHECK_TEXT(heard(client),
               "{\"jsonrpc\":\"2.0\",\"id\":\"mcpz-1-0\",\"method\":\"roots/list\",\"params\":{"
               "\"_meta\":{\"io.modelcontextprotocol/related-task\":{\"taskId\":\"k\"}}}}");
    CHECK_TEXT(heard(client),
               "{\"jsonrpc\":\"2.0\",\"id\":\"mcpz-1-1\",\"method\":\"elicitation/create\","
               "\"params\":{\"_meta\":{\"io.modelcontextprotocol/related-task\":{\"taskId\":"
               "\"k\"}},\"message\":\"?\"}}");
    client_says(client, "{\"jsonrpc\":\"2.0\",\"id\":\"mcpz-1-0\",\"result\":{\"roots\":[]}}");
    CHECK(is_told_all(describer));
    client_says(client, "{\"jsonrpc\":\"2.0\",\"id\":\"mcpz-1-1\",\"error\":{\"code\":1,"
                        "\"message\":\"\"}}");
    const char *line = told(describer);
    check_has(line, "\"method\":\"tasks/update\",\"params\":{\"taskId\":\"k\",\"inputResponses\":"
                    "{\"a\":{\"roots\":[]},\"b\":{\"action\":\"cancel\"}},\"_meta\":{");
    answers(describer, line, "{\"resultType\":\"complete\"}");
    /* The server may not have heard it yet: nobody is asked the same twice. */
    answers(
        describer, told(describer),
        MODERN_TASK("input_required", ",\"inputRequests\":{\"a\":{\"method\":\"roots/list\"}}"));
    CHECK(has_heard_all(client));
    pass_until(clock_us + MCPZ_MS(200));
    answers(describer, told(describer),
            MODERN_TASK("completed", ",\"result\":{\"content\":[3],\"_meta\":{\"c\":1}}"));
    CHECK_TEXT(heard(client),
               "{\"jsonrpc\":\"2.0\",\"id\":\"g\",\"result\":{\"content\":[3],\"_meta\":{"
               "\"io.modelcontextprotocol/related-task\":{\"taskId\":\"k\"},\"c\":1}}}");
    CHECK(client->over);
}

TEST(a_result_that_will_not_come_is_an_error)
{
    struct mcpz_upstream *describer = modern_world();
    struct client *client = ask_of(NEWER("{}"), "tasks/result", "k", "");

    answers(describer, told(describer),
            MODERN_TASK("failed", ",\"error\":{\"code\":-5,\"message\":\"why\"}"));
    check_has(heard(client), "\"error\":{\"code\":-5,\"message\":\"why\"}");
    client = ask_of(NEWER("{}"), "tasks/result", "k", "");
    answers(describer, told(describer), MODERN_TASK("cancelled", ""));
    check_has(heard(client), "\"error\":{\"code\":-32603,\"message\":\"the task was cancelled\"");
    client = ask_of(NEWER("{}"), "tasks/result", "k", "");
    answers(describer, told(describer), MODERN_TASK("completed", ""));
    check_has(heard(client), "\"error\":{\"code\":-32603");
    /* Who waits no longer is not waited for. */
    client = ask_of(NEWER("{}"), "tasks/result", "k", "");
    answers(describer, told(describer), MODERN_TASK("working", ""));
    mcpz_line_cancel(client->stream);
    settle_all();
    pass_until(clock_us + MCPZ_SECONDS(5));
    CHECK(is_told_all(describer));
}

TEST(what_is_answered_at_once_is_a_task_that_is_done)
{
    struct mcpz_upstream *describer = modern_world();
    struct client *client = ask(NEWER("{}"), WISH);
    char id[33];

    answers(describer, told(describer), "{\"resultType\":\"complete\",\"content\":[4]}");
    const char *line = heard(client);
    read_id(line, id);
    check_has(line, "\"status\":\"working\",\"createdAt\":\"2026-07-28T00:00:40.000Z\","
                    "\"lastUpdatedAt\":\"2026-07-28T00:00:40.000Z\",\"ttl\":120000,"
                    "\"pollInterval\":1000}}}");
    line = heard(ask_of(NEWER("{}"), "tasks/get", id, ""));
    check_has(line, "\"status\":\"completed\"");
    check_has(line, id);
    line = heard(ask_of(NEWER("{}"), "tasks/result", id, ""));
    check_has(line,
              "\"result\":{\"_meta\":{\"io.modelcontextprotocol/related-task\":{\"taskId\":");
    check_has(line, id);
    check_has(line, "\"content\":[4]");
    check_has(heard(ask_of(NEWER("{}"), "tasks/cancel", id, "")),
              "\"error\":{\"code\":-32602,\"message\":\"Cannot cancel task: already in terminal "
              "status 'completed'\"}");
    CHECK(is_told_all(describer));
    pass_until(clock_us + MCPZ_SECONDS(120));
    (void)ask_of(NEWER("{}"), "tasks/get", id, "");
    check_has(told(describer), id); /* now it could only be the server's */
    client = ask(NEWER("{}"), WISH);
    refuses(describer, told(describer), -9);
    read_id(heard(client), id);
    check_has(heard(ask_of(NEWER("{}"), "tasks/get", id, "")), "\"status\":\"failed\"");
    check_has(heard(ask_of(NEWER("{}"), "tasks/result", id, "")), "\"error\":{\"code\":-9");
}

TEST(who_cancels_is_told_what_became_of_it)
{
    struct mcpz_upstream *describer = modern_world();
    struct client *client = ask_of(NEWER("{}"), "tasks/cancel", "k", "");

    answers(describer, told(describer), MODERN_TASK("completed", ",\"result\":{}"));
    check_has(heard(client), "\"error\":{\"code\":-32602,\"message\":\"Cannot cancel task: "
                             "already in terminal status 'completed'\"}");
    client = ask_of(NEWER("{}"), "tasks/cancel", "k", "");
    answers(describer, told(describer), MODERN_TASK("working", ""));
    const char *line = told(describer);
    check_has(line, "\"method\":\"tasks/cancel\"");
    answers(describer, line, "{\"resultType\":\"complete\"}");
    answers(describer, told(describer), MODERN_TASK("working", ""));
    CHECK(!client->over);
    pass_until(clock_us + MCPZ_MCP_POLL_MIN_US);
    answers(describer, told(describer), MODERN_TASK("cancelled", ""));
    check_has(heard(client), "\"result\":{\"taskId\":\"k\",\"status\":\"cancelled\"");
    /* One that does not stop is told as it is. */
    client = ask_of(NEWER("{}"), "tasks/cancel", "k", "");
    answers(describer, told(describer), MODERN_TASK("working", ""));
    answers(describer, told(describer), "{\"resultType\":\"complete\"}");
    for (int i = 0; i < 9; i++) {
        CHECK(!client->over);
        answers(describer, told(describer), MODERN_TASK("working", ""));
        pass_until(clock_us + MCPZ_SECONDS(1));
    }
    check_has(heard(client), "\"result\":{\"taskId\":\"k\",\"status\":\"working\"");
}

/* Clients of before tasks can call a tool that only is one. */
TEST(a_tool_that_is_only_done_as_a_task_is_done_for_all)
{
    struct mcpz_upstream *describer = modern_world();
    struct client *client = ask(LEGACY_PARAMS("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), CALL("t"));
    char text[512];

    const char *line = told(describer);
    CHECK(strstr(line, "extensions") == NULL);
    (void)snprintf(text, sizeof(text),
                   "{\"jsonrpc\":\"2.0\",\"id\":%lu,\"error\":{\"code\":-32021,\"message\":\"m\","
                   "\"data\":{\"requiredCapabilities\":{\"extensions\":{\"io."
                   "modelcontextprotocol/tasks\":{}}}}}}",
                   id_in(line));
    says(describer, text);
    line = told(describer);
    check_has(line, "\"method\":\"tools/call\"");
    check_has(line, SAID_KNOWS);
    answers(describer, line,
            "{\"resultType\":\"task\",\"taskId\":\"k\",\"status\":\"working\",\"ttlMs\":1}");
    line = told(describer);
    check_has(line, "\"method\":\"tasks/get\"");
    answers(describer, line, MODERN_TASK("completed", ",\"result\":{\"content\":[5]}"));
    CHECK_TEXT(heard(client), "{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"result\":{\"content\":[5]}}");
    /* What lacks something else is an error as it is. */
    client = ask(LEGACY_PARAMS("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), CALL("t"));
    refuses(describer, told(describer), -32021);
    check_has(heard(client), "\"error\":{\"code\":-32021");
}

TEST(what_modern_tasks_cannot_do_is_refused_in_words)
{
    struct mcpz_upstream *describer = modern_world();

    check_has(heard(ask_of(NEWER("{}"), "tasks/list", "k", "")),
              "\"error\":{\"code\":-32601,\"message\":\"Method not found: the server speaks "
              "2026-07-28, where tasks cannot be listed");
    check_has(heard(ask_of(NEWER("{}"), "tasks/update", "k", "")),
              "\"error\":{\"code\":-32601,\"message\":\"Method not found: in 2025-11-25");
    check_has(heard(ask(NEWER("{}"), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tasks/get\"}")),
              "\"error\":{\"code\":-32602");
    CHECK(is_told_all(describer));
    /* It is said before it can be asked for: */
    struct client *client =
        ask(NEWER("{}"), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\"}");
    check_has(heard(client), "\"capabilities\":{\"tools\":{},\"tasks\":{"
                             "\"cancel\":{},\"requests\":{\"tools\":{\"call\":{}}}}}");
    client = ask(NEWER("{}"), "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\"}");
    answers(describer, told(describer),
            "{\"tools\":[{\"name\":\"t\"},{\"name\":\"u\",\"execution\":{}}],\"nextCursor\":"
            "\"c\"}");
    CHECK_TEXT(heard(client),
               "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":[{\"execution\":{"
               "\"taskSupport\":\"optional\"},\"name\":\"t\"},{\"name\":\"u\",\"execution\":{}}],"
               "\"nextCursor\":\"c\"}}");
    /* In revisions before, a member of that name means nothing. */
    (void)ask(LEGACY_PARAMS("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), WISH);
    CHECK(strstr(told(describer), "extensions") == NULL);
}

TEST_MAIN(CASE(a_tool_that_may_be_a_task_is_one_for_who_knows_them),
          CASE(a_tool_that_fails_completes_its_task_and_an_error_fails_it),
          CASE(what_a_task_asks_is_in_its_state_and_answered_by_an_update),
          CASE(a_task_is_its_clients_and_can_be_cancelled),
          CASE(a_tool_that_must_be_a_task_is_waited_for_where_its_client_knows_of_none),
          CASE(what_wishes_for_a_task_in_the_earlier_way_means_nothing),
          CASE(a_task_that_nobody_asks_for_ends),
          CASE(a_client_that_wants_a_task_gets_the_servers),
          CASE(its_result_is_waited_for_and_questions_asked_meanwhile),
          CASE(a_result_that_will_not_come_is_an_error),
          CASE(what_is_answered_at_once_is_a_task_that_is_done),
          CASE(who_cancels_is_told_what_became_of_it),
          CASE(a_tool_that_is_only_done_as_a_task_is_done_for_all),
          CASE(what_modern_tasks_cannot_do_is_refused_in_words))
