/* Arguments that are repeated in headers. */

#include "mcp/param.h"
#include "test.h"

static char seen[1024];
static struct mcpz_param last;

static void note(void *context, const struct mcpz_param *param)
{
    (void)context;
    last = *param;
    (void)strncat(seen, param->header + strlen(MCPZ_PARAM_PREFIX),
                  sizeof(seen) - strlen(seen) - 1);
    (void)strncat(seen, ";", sizeof(seen) - strlen(seen) - 1);
}

static struct mcpz_json json(const char *text)
{
    CHECK_UINT(mcpz_json_check(mcpz_text(text), MCPZ_JSON_GRAMMAR), MCPZ_OK);
    return mcpz_json_value(mcpz_text(text));
}

static void walk(const char *schema)
{
    seen[0] = '\0';
    mcpz_param_walk(json(schema), note, NULL);
}

static bool agrees(const char *header, const char *argument)
{
    return mcpz_param_agrees(header != NULL ? mcpz_text(header) : mcpz_bytes(NULL, 0),
                             json(argument));
}

TEST(headers_are_declared_along_properties)
{
    walk("{\"properties\":{\"a\":{\"x-mcp-header\":\"Region\"},\"b\":{\"type\":\"string\"},"
         "\"c\":{\"properties\":{\"d\":{\"x-mcp-header\":\"X-1\"}},\"x-mcp-header\":\"all\"}}}");
    CHECK_TEXT(seen, "region;all;x-1;");
    CHECK_UINT(last.depth, 2);
    const struct mcpz_json arguments = json("{\"a\":1,\"\\u0063\":{\"d\":\"v\"}}");
    CHECK(mcpz_json_says(mcpz_param_value(&last, arguments), mcpz_text("v")));
    CHECK_UINT(mcpz_param_value(&last, json("{\"c\":[]}")).type, MCPZ_JSON_NONE);
    CHECK_UINT(mcpz_param_value(&last, json("7")).type, MCPZ_JSON_NONE);
}

TEST(what_is_declared_wrongly_is_passed_over)
{
    walk(
        "{\"x-mcp-header\":\"root\",\"anyOf\":[{\"properties\":{\"a\":{\"x-mcp-header\":\"a\"}}}],"
        "\"properties\":{\"b\":{\"items\":{\"x-mcp-header\":\"b\"}},\"c\":{\"x-mcp-header\":7},"
        "\"d\":{\"x-mcp-header\":\"\"},\"e\":{\"x-mcp-header\":\"a b\"},"
        "\"f\":{\"x-mcp-header\":\"\\u0000\"},\"g\":true,\"h\":{\"x-mcp-header\":\"a:\"}}}");
    CHECK_TEXT(seen, "");
    walk("[]");
    walk("{\"properties\":[{\"x-mcp-header\":\"a\"}]}");
    CHECK_TEXT(seen, "");
}

TEST(names_and_depths_have_bounds)
{
    char schema[2048] = "";
    char name[80];

    for (size_t length = MCPZ_PARAM_NAME_CHARS; length <= MCPZ_PARAM_NAME_CHARS + 1; length++) {
        memset(name, 'a', length);
        name[length] = '\0';
        (void)snprintf(schema, sizeof(schema),
                       "{\"properties\":{\"a\":{\"x-mcp-header\":\"%s\"}}}", name);
        walk(schema);
        CHECK_UINT(strlen(seen), length <= MCPZ_PARAM_NAME_CHARS ? length + 1 : 0);
    }
    for (size_t depth = MCPZ_PARAM_DEPTH_MAX; depth <= MCPZ_PARAM_DEPTH_MAX + 1; depth++) {
        schema[0] = '\0';
        for (size_t i = 0; i < depth; i++) {
            (void)strncat(schema, "{\"properties\":{\"a\":", sizeof(schema) - strlen(schema) - 1);
        }
        (void)strncat(schema, "{\"x-mcp-header\":\"a\"}", sizeof(schema) - strlen(schema) - 1);
        for (size_t i = 0; i < depth; i++) {
            (void)strncat(schema, "}}", sizeof(schema) - strlen(schema) - 1);
        }
        walk(schema);
        CHECK_TEXT(seen, depth <= MCPZ_PARAM_DEPTH_MAX ? "a;" : "");
    }
}

TEST(strings_are_said_as_they_are_or_encoded)
{
    CHECK(agrees("Hello", "\"Hello\""));
    CHECK(agrees("=?base64?SGVsbG8=?=", "\"Hello\""));
    CHECK(agrees("=?base64?"
                 "?=",
                 "\"\""));
    CHECK(agrees("", "\"\""));
    CHECK(agrees("=?base64?SGVsbG8=", "\"=?base64?SGVsbG8=\"")); /* not wrapped: as it is */
    CHECK(agrees("SGVsbG8=", "\"SGVsbG8=\""));
    CHECK(!agrees("hello", "\"Hello\""));
    CHECK(!agrees("=?base64?SGVsbG8?=", "\"Hello\""));
    CHECK(!agrees("=?base64?SGVs!!!bG8=?=", "\"Hello\""));
    CHECK(!agrees(NULL, "\"Hello\""));
    CHECK(!agrees(NULL, "\"\""));
}

TEST(numbers_are_compared_by_value)
{
    CHECK(agrees("42", "42") && agrees("42.0", "42") && agrees("42", "42.00"));
    CHECK(agrees("1000", "1e3") && agrees("0.5", "5E-1") && agrees("0", "-0.0"));
    CHECK(agrees("-7", "-7") && agrees("007", "7") && agrees("0.070", "7e-2"));
    CHECK(!agrees("42", "43") && !agrees("4.2", "42") && !agrees("-42", "42"));
    CHECK(!agrees("", "42") && !agrees("42x", "42") && !agrees("1e", "1") && !agrees(".", "0"));
    CHECK(!agrees("1e99999999999999999999", "1") && !agrees("--1", "1"));
    CHECK(!agrees(NULL, "42") && !agrees(NULL, "9007199254740991"));
    CHECK(agrees(NULL, "9007199254740992") && agrees(NULL, "1e400"));
}

TEST(other_values_need_no_header_but_booleans)
{
    CHECK(agrees("true", "true") && agrees("false", "false"));
    CHECK(!agrees("True", "true") && !agrees(NULL, "false") && !agrees("1", "true"));
    CHECK(agrees(NULL, "null") && agrees("x", "null") && agrees(NULL, "[1]") &&
          agrees(NULL, "{}"));
    CHECK(mcpz_param_agrees(mcpz_bytes(NULL, 0), (struct mcpz_json){.type = MCPZ_JSON_NONE}));
}

#define TOOL(properties) "{\"type\":\"object\",\"properties\":{" properties "}}"

static bool is_sound(const char *schema)
{
    return mcpz_param_is_sound(json(schema));
}

TEST(a_schema_is_sound_if_all_its_declarations_are)
{
    CHECK(is_sound("{}") && is_sound("true") && is_sound("[1,[2,{\"a\":[]}]]"));
    CHECK(is_sound(TOOL("\"a\":{\"type\":\"string\",\"x-mcp-header\":\"A\"},\"b\":{\"type\":"
                        "\"integer\",\"x-mcp-header\":\"B\"}")));
    CHECK(is_sound(TOOL("\"o\":{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"boolean\","
                        "\"x-mcp-header\":\"A\"}}}")));
    CHECK(is_sound(TOOL("\"x-mcp-header\":{\"type\":\"string\"}"))); /* a property of that name */
    CHECK(!is_sound(TOOL("\"a\":{\"type\":\"string\",\"x-mcp-header\":\"\"}")));
    CHECK(!is_sound(TOOL("\"a\":{\"type\":\"string\",\"x-mcp-header\":\"My Region\"}")));
    CHECK(!is_sound(TOOL("\"a\":{\"type\":\"string\",\"x-mcp-header\":\"a:b\"}")));
    CHECK(!is_sound(TOOL("\"a\":{\"type\":\"string\",\"x-mcp-header\":7}")));
    CHECK(!is_sound(TOOL("\"a\":{\"type\":\"number\",\"x-mcp-header\":\"A\"}")));
    CHECK(!is_sound(TOOL("\"a\":{\"type\":\"object\",\"x-mcp-header\":\"A\"}")));
    CHECK(!is_sound(TOOL("\"a\":{\"x-mcp-header\":\"A\"}")));
    CHECK(!is_sound(TOOL("\"a\":{\"type\":\"string\",\"x-mcp-header\":\"A\"},\"b\":{\"type\":"
                         "\"string\",\"x-mcp-header\":\"a\"}")));
    CHECK(!is_sound(TOOL("\"a\":{\"type\":\"array\",\"items\":{\"type\":\"string\","
                         "\"x-mcp-header\":\"A\"}}")));
    CHECK(
        !is_sound("{\"anyOf\":[" TOOL("\"a\":{\"type\":\"string\",\"x-mcp-header\":\"A\"}") "]}"));
}

static void check_undeclared(const char *text, const char *schema, const char *expected)
{
    char written[512];
    struct mcpz_json_writer writer = mcpz_json_writer(written, sizeof(written) - 1);
    const char *at = strstr(text, schema);

    CHECK(at != NULL);
    mcpz_param_put_undeclared(&writer, mcpz_text(text),
                              mcpz_json_value(mcpz_bytes(at, strlen(schema))));
    CHECK_UINT(writer.error, MCPZ_OK);
    written[writer.length] = '\0';
    CHECK_TEXT(written, expected);
}

TEST(declarations_go_by_another_name_where_they_are_unsound)
{
    static const char schema[] =
        "{\"properties\":{\"a\":{\"x-mcp-header\":\"\"},\"x-mcp-header\":{}},"
        "\"anyOf\":[{\"x-mcp-header\" : 1}]}";
    static const char mended[] =
        "{\"properties\":{\"a\":{\"x-mcp-header-unsound\":\"\"},\"x-mcp-header\":{}},"
        "\"anyOf\":[{\"x-mcp-header-unsound\" : 1}]}";
    char text[512];
    char expected[512];

    (void)snprintf(text, sizeof(text), "\"inputSchema\":%s,\"x-mcp-header\":\"mine\"", schema);
    (void)snprintf(expected, sizeof(expected), "\"inputSchema\":%s,\"x-mcp-header\":\"mine\"",
                   mended);
    check_undeclared(text, schema, expected);
    check_undeclared("{}", "{}", "{}");
    /* A part of the tool without it. */
    struct mcpz_json_writer writer = mcpz_json_writer(expected, sizeof(expected));
    mcpz_param_put_undeclared(&writer, mcpz_text("x"), mcpz_json_value(mcpz_text(schema)));
    CHECK_UINT(writer.length, 1);
}

TEST_MAIN(RUN(a_schema_is_sound_if_all_its_declarations_are),
          RUN(headers_are_declared_along_properties), RUN(what_is_declared_wrongly_is_passed_over),
          RUN(names_and_depths_have_bounds), RUN(strings_are_said_as_they_are_or_encoded),
          RUN(numbers_are_compared_by_value), RUN(other_values_need_no_header_but_booleans),
          RUN(declarations_go_by_another_name_where_they_are_unsound))
