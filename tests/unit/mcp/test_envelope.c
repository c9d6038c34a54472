#include "mcp/envelope.h"
#include "test.h"

static struct mcpz_envelope read_good(const char *text)
{
    struct mcpz_envelope envelope;

    CHECK_UINT(mcpz_envelope_read(mcpz_text(text), &envelope), MCPZ_OK);
    return envelope;
}

static void check_span(struct mcpz_json value, const char *text)
{
    CHECK_BYTES(value.text, text, strlen(text));
}

static void check_none(struct mcpz_json value)
{
    CHECK_UINT(value.type, MCPZ_JSON_NONE);
}

/* ---- Reading ------------------------------------------------------------------------------ */

TEST(a_request_is_read_as_it_lies)
{
    const struct mcpz_envelope call = read_good(
        " {\"jsonrpc\":\"2.0\", \"id\" : "
        "17,\"method\":\"tools/call\",\"params\":{\"name\":\"echo\","
        "\"arguments\":{\"name\":\"not this\",\"_meta\":1},\"_meta\":{\"progressToken\":\"p\","
        "\"traceparent\":\"00-1-2-01\"},\"future\":[1]}} ");

    CHECK_UINT(call.kind, MCPZ_ENVELOPE_REQUEST);
    check_span(call.id, "17");
    CHECK(mcpz_envelope_is(&call, "tools/call"));
    CHECK(!mcpz_envelope_is(&call, "tools/list"));
    check_span(call.name, "\"echo\"");
    check_span(call.progress_token, "\"p\"");
    check_span(call.traceparent, "\"00-1-2-01\"");
    check_none(call.version);
    check_none(call.uri);
    check_none(call.result);
    CHECK_UINT(call.whole.text.data[0], '{');
}

TEST(the_task_a_message_is_about_is_found_in_either_direction)
{
    static const char related[] = "\"_meta\":{\"io.modelcontextprotocol/related-task\":";
    struct mcpz_envelope said;
    char text[256];

    (void)snprintf(text, sizeof(text),
                   "{\"jsonrpc\":\"2.0\",\"method\":\"m\",\"params\":{%s{\"taskId\":\"7\"}}}}",
                   related);
    said = read_good(text);
    check_span(said.related_task, "\"7\"");
    check_none(said.task_id);
    (void)snprintf(text, sizeof(text),
                   "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{%s{\"taskId\":\"7\"}}}}", related);
    said = read_good(text);
    check_span(said.related_task, "\"7\"");
    (void)snprintf(text, sizeof(text), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{%s\"7\"}}}",
                   related);
    said = read_good(text);
    check_none(said.related_task);
    (void)snprintf(
        text, sizeof(text),
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{%s{\"taskId\":\"7\",\"taskId\":\"8\"}}}}",
        related);
    CHECK_UINT(mcpz_envelope_read(mcpz_text(text), &said), MCPZ_ECONFLICT);
}

TEST(what_each_request_of_2026_says_of_its_client_is_found)
{
    const struct mcpz_envelope call = read_good(
        "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"tools/call\",\"params\":{\"name\":\"t\","
        "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","
        "\"io.modelcontextprotocol/clientCapabilities\":{\"sampling\":{}},"
        "\"io.modelcontextprotocol\\/clientInfo\":{\"name\":\"c\"},"
        "\"io.modelcontextprotocol/logLevel\":\"info\"},"
        "\"requestState\":\"s\",\"inputResponses\":{\"q\":{}}}}");

    check_span(call.version, "\"2026-07-28\"");
    check_span(call.client_capabilities, "{\"sampling\":{}}");
    check_span(call.client_info, "{\"name\":\"c\"}");
    check_span(call.log_level, "\"info\"");
    check_span(call.request_state, "\"s\"");
    check_span(call.input_responses, "{\"q\":{}}");
}

TEST(notifications_and_answers_are_told_apart)
{
    struct mcpz_envelope envelope = read_good(
        "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":{\"progressToken\":"
        "7,\"progress\":50}}");
    CHECK_UINT(envelope.kind, MCPZ_ENVELOPE_NOTIFICATION);
    check_none(envelope.id);
    check_span(envelope.progress_token, "7");

    envelope = read_good("{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":{"
                         "\"requestId\":\"x\"}}");
    check_span(envelope.request_id, "\"x\"");

    envelope = read_good("{\"id\":3,\"result\":{\"_meta\":{\"a\":1}},\"jsonrpc\":\"2.0\"}");
    CHECK_UINT(envelope.kind, MCPZ_ENVELOPE_RESPONSE);
    check_span(envelope.meta, "{\"a\":1}");
    check_span(envelope.result, "{\"_meta\":{\"a\":1}}");

    envelope = read_good("{\"id\":null,\"error\":{\"code\":-1},\"jsonrpc\":\"2.0\"}");
    CHECK_UINT(envelope.kind, MCPZ_ENVELOPE_ERROR);
    check_none(envelope.id);
    CHECK_UINT(read_good("{\"error\":{\"code\":-1},\"jsonrpc\":\"2.0\"}").kind,
               MCPZ_ENVELOPE_ERROR);
}

TEST(a_message_that_is_none_is_refused_with_its_reason)
{
    static const struct {
        const char *text;
        mcpz_error error;
        enum mcpz_mcp_code code;
    } cases[] = {
        {"", MCPZ_EPROTO, MCPZ_MCP_PARSE_ERROR},
        {"{", MCPZ_EPROTO, MCPZ_MCP_PARSE_ERROR},
        {"\"\xff\"", MCPZ_EPROTO, MCPZ_MCP_PARSE_ERROR},
        {"[]", MCPZ_EUNSUPPORTED, MCPZ_MCP_INVALID_REQUEST},
        {"17", MCPZ_EUNSUPPORTED, MCPZ_MCP_INVALID_REQUEST},
        {"{}", MCPZ_EUNSUPPORTED, MCPZ_MCP_INVALID_REQUEST},
        {"{\"jsonrpc\":\"2.0\",\"id\":1}", MCPZ_EUNSUPPORTED, MCPZ_MCP_INVALID_REQUEST},
        {"{\"id\":1,\"method\":\"a\"}", MCPZ_EUNSUPPORTED, MCPZ_MCP_INVALID_REQUEST},
        {"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"a\"}", MCPZ_EUNSUPPORTED,
         MCPZ_MCP_INVALID_REQUEST},
        {"{\"jsonrpc\":2.0,\"id\":1,\"method\":\"a\"}", MCPZ_EUNSUPPORTED,
         MCPZ_MCP_INVALID_REQUEST},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":1}", MCPZ_EUNSUPPORTED,
         MCPZ_MCP_INVALID_REQUEST},
        {"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"a\"}", MCPZ_EUNSUPPORTED,
         MCPZ_MCP_INVALID_REQUEST},
        {"{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"a\"}", MCPZ_EUNSUPPORTED,
         MCPZ_MCP_INVALID_REQUEST},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"params\":[1]}", MCPZ_EUNSUPPORTED,
         MCPZ_MCP_INVALID_REQUEST},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"params\":{\"_meta\":1}}",
         MCPZ_EUNSUPPORTED, MCPZ_MCP_INVALID_REQUEST},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"result\":{}}", MCPZ_EUNSUPPORTED,
         MCPZ_MCP_INVALID_REQUEST},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{},\"result\":{}}", MCPZ_EUNSUPPORTED,
         MCPZ_MCP_INVALID_REQUEST},
        {"{\"jsonrpc\":\"2.0\",\"result\":{}}", MCPZ_EUNSUPPORTED, MCPZ_MCP_INVALID_REQUEST},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1}", MCPZ_EUNSUPPORTED,
         MCPZ_MCP_INVALID_REQUEST},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":\"x\"}", MCPZ_EUNSUPPORTED,
         MCPZ_MCP_INVALID_REQUEST},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":1,\"method\":\"a\"}", MCPZ_ECONFLICT,
         MCPZ_MCP_INVALID_REQUEST},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"params\":{\"name\":1,\"n\\u0061me\":2}"
         "}",
         MCPZ_ECONFLICT, MCPZ_MCP_INVALID_REQUEST},
        {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"params\":{\"_meta\":{\"a\":1,\"a\":2}}"
         "}",
         MCPZ_ECONFLICT, MCPZ_MCP_INVALID_REQUEST},
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(cases); i++) {
        struct mcpz_envelope envelope;
        mcpz_error error = mcpz_envelope_read(mcpz_text(cases[i].text), &envelope);
        if (error != cases[i].error) {
            print_error("%s: %s\n", cases[i].text, mcpz_strerror(error));
            _fail(__FILE__, __LINE__);
        }
        CHECK(mcpz_envelope_code_of(error) == cases[i].code);
        CHECK(mcpz_envelope_text_of(error)[0] != '\0');
    }
}

TEST(an_answer_can_name_the_request_it_could_not_read)
{
    struct mcpz_envelope envelope;

    CHECK_UINT(mcpz_envelope_read(mcpz_text("{\"jsonrpc\":\"1.0\",\"id\":5,\"method\":\"a\"}"),
                                  &envelope),
               MCPZ_EUNSUPPORTED);
    check_span(envelope.id, "5");
}

TEST(an_id_may_be_so_long_and_no_longer)
{
    static char text[MCPZ_MCP_ID_BYTES_MAX + 128];
    struct mcpz_envelope envelope;

    for (size_t length = MCPZ_MCP_ID_BYTES_MAX; length <= MCPZ_MCP_ID_BYTES_MAX + 1; length++) {
        (void)snprintf(text, sizeof(text),
                       "{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"id\":\"%0*d\"}", (int)length - 2,
                       0);
        CHECK_UINT(mcpz_envelope_read(mcpz_text(text), &envelope),
                   length == MCPZ_MCP_ID_BYTES_MAX ? MCPZ_OK : MCPZ_EFULL);
    }
}

TEST(a_message_may_be_so_long_and_no_longer)
{
    static const char head[] = "{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"params\":{\"x\":\"";
    static const char tail[] = "\"}}";
    static char text[MCPZ_MCP_MESSAGE_BYTES_MAX + 2];
    struct mcpz_envelope envelope;

    for (size_t length = MCPZ_MCP_MESSAGE_BYTES_MAX; length < sizeof(text); length++) {
        memset(text, 'x', length);
        memcpy(text, head, sizeof(head) - 1);
        memcpy(text + length - (sizeof(tail) - 1), tail, sizeof(tail) - 1);
        CHECK_UINT(mcpz_envelope_read(mcpz_bytes(text, length), &envelope),
                   length == MCPZ_MCP_MESSAGE_BYTES_MAX ? MCPZ_OK : MCPZ_EFULL);
    }
}

/* ---- Changing ----------------------------------------------------------------------------- */

static void check_written(const struct mcpz_json_writer *writer, const char *expected)
{
    CHECK_UINT(writer->error, MCPZ_OK);
    CHECK_BYTES(mcpz_bytes(writer->buffer, writer->length), expected, strlen(expected));
}

TEST(a_splice_leaves_the_rest_as_it_was)
{
    const struct mcpz_envelope call =
        read_good("{\"jsonrpc\":\"2.0\",\"id\":1 ,\"x\":{\"id\":1},\"method\":\"tools/call\","
                  "\"params\":{ \"name\":\"a_b\"}}");
    const struct mcpz_splice splices[] = {
        {call.id.text, mcpz_text("\"new\"")},
        {mcpz_splice_inside(call.params), mcpz_text("\"_meta\":{},")},
        {call.name.text, mcpz_text("\"b\"")},
    };
    char buffer[256];
    struct mcpz_json_writer writer = mcpz_json_writer(buffer, sizeof(buffer));

    mcpz_splice(&writer, call.whole.text, splices, MCPZ_ARRAY_LEN(splices));
    check_written(&writer, "{\"jsonrpc\":\"2.0\",\"id\":\"new\" ,\"x\":{\"id\":1},\"method\":"
                           "\"tools/call\",\"params\":{\"_meta\":{}, \"name\":\"b\"}}");
    writer = mcpz_json_writer(buffer, sizeof(buffer));
    mcpz_splice(&writer, call.id.text, NULL, 0);
    check_written(&writer, "1");
}

TEST(an_empty_object_is_known)
{
    CHECK(mcpz_splice_is_empty(mcpz_json_value(mcpz_text("{ }"))));
    CHECK(!mcpz_splice_is_empty(mcpz_json_value(mcpz_text("{\"\":0}"))));
}

TEST(a_line_has_no_ends_of_lines_in_it)
{
    char buffer[64];
    struct mcpz_json_writer writer = mcpz_json_writer(buffer, sizeof(buffer));

    mcpz_envelope_put_line(&writer, mcpz_text("{\r\n\"a\":\"\\n\",\n\"b\":1}\n"));
    check_written(&writer, "{  \"a\":\"\\n\", \"b\":1} ");
}

/* ---- Writing ------------------------------------------------------------------------------ */

TEST(answers_are_written)
{
    char buffer[256];
    struct mcpz_json_writer writer = mcpz_json_writer(buffer, sizeof(buffer));
    const struct mcpz_json id = mcpz_json_value(mcpz_text("\"a\""));
    const struct mcpz_json none = {.type = MCPZ_JSON_NONE};

    mcpz_envelope_put_result(&writer, id, mcpz_text("{}"));
    check_written(&writer, "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"result\":{}}");
    writer = mcpz_json_writer(buffer, sizeof(buffer));
    mcpz_envelope_put_error(&writer, none, MCPZ_MCP_PARSE_ERROR, mcpz_text("no \"x\""),
                            mcpz_bytes(NULL, 0));
    check_written(&writer, "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,"
                           "\"message\":\"no \\\"x\\\"\"}}");
    writer = mcpz_json_writer(buffer, sizeof(buffer));
    mcpz_envelope_put_error(&writer, id, MCPZ_MCP_UNREACHABLE, mcpz_text("gone"),
                            mcpz_text("{\"code\":\"provider_lost\"}"));
    check_written(&writer, "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"error\":{\"code\":-32000,"
                           "\"message\":\"gone\",\"data\":{\"code\":\"provider_lost\"}}}");
}

TEST_MAIN(RUN(a_request_is_read_as_it_lies),
          RUN(what_each_request_of_2026_says_of_its_client_is_found),
          RUN(the_task_a_message_is_about_is_found_in_either_direction),
          RUN(notifications_and_answers_are_told_apart),
          RUN(a_message_that_is_none_is_refused_with_its_reason),
          RUN(an_answer_can_name_the_request_it_could_not_read),
          RUN(an_id_may_be_so_long_and_no_longer), RUN(a_message_may_be_so_long_and_no_longer),
          RUN(a_splice_leaves_the_rest_as_it_was), RUN(an_empty_object_is_known),
          RUN(a_line_has_no_ends_of_lines_in_it), RUN(answers_are_written))
