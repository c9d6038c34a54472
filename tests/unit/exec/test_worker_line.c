#include "exec/worker_line.h"
#include "test.h"
#include "wire/json.h"

static char line[1024];

static struct mcpz_worker_line read_line(const char *text)
{
    (void)snprintf(line, sizeof(line), "%s", text);
    return mcpz_worker_line_read((uint8_t *)line, strlen(line));
}

static void check_said(const char *text, enum mcpz_worker_says says, uint64_t id,
                       const char *value)
{
    const struct mcpz_worker_line said = read_line(text);

    CHECK_UINT(said.says, says);
    CHECK_UINT(said.id, id);
    CHECK_BYTES(said.value, value, strlen(value));
}

TEST(reads_each_kind_of_line)
{
    check_said("{\"ready\": true}", MCPZ_WORKER_READY, 0, "");
    check_said("{\"ready\": true, \"version\": [1]}", MCPZ_WORKER_READY, 0, "");
    check_said("{\"ready\": false, \"error\": \"no \\\"x\\\"\"}", MCPZ_WORKER_NOT_READY, 0,
               "no \"x\"");
    check_said("{\"ready\": false}", MCPZ_WORKER_NOT_READY, 0, "");
    check_said("{\"id\": 7, \"progress\": 0.5}", MCPZ_WORKER_PROGRESS, 7, "");
    check_said("{\"id\": 7, \"output\": \"a\\nb\"}", MCPZ_WORKER_OUTPUT, 7, "a\nb");
    check_said("{\"id\": 7, \"output_base64\": \"AQL+\"}", MCPZ_WORKER_OUTPUT, 7, "\x01\x02\xfe");
    check_said("{\"id\": 7, \"result\": {\"n\": [1, 2]}}", MCPZ_WORKER_RESULT, 7,
               "{\"n\": [1, 2]}");
    check_said("{\"id\": 7, \"result\": null}", MCPZ_WORKER_RESULT, 7, "");
    check_said("{\"id\": 7, \"plan\": {\"subtasks\": []}}", MCPZ_WORKER_PLAN, 7,
               "{\"subtasks\": []}");
    check_said("{\"id\": 7, \"plan\": null, \"result\": 1}", MCPZ_WORKER_RESULT, 7, "1");
    check_said("{\"id\": 7, \"error\": \"bad\", \"result\": 1}", MCPZ_WORKER_ERROR, 7, "bad");
    check_said("{\"id\": 7, \"error\": {\"code\": 3, \"message\": \"worse\"}}", MCPZ_WORKER_ERROR,
               7, "worse");
    check_said("{\"id\": 7, \"error\": null, \"result\": 1}", MCPZ_WORKER_RESULT, 7, "1");
}

TEST(calls_all_else_nonsense)
{
    static const char *const lines[] = {
        "hello",
        "[]",
        "{}",
        "{\"id\": 7}",
        "{\"id\": \"7\", \"result\": 1}",
        "{\"id\": -1, \"result\": 1}",
        "{\"id\": 1.5, \"result\": 1}",
        "{\"id\": 1234567890123456789, \"result\": 1}",
        "{\"result\": 1}",
        "{\"id\": 7, \"output\": 1}",
        "{\"id\": 7, \"output_base64\": \"*\"}",
        "{\"id\": 7, \"output_base64\": 1}",
        "{\"id\": 7, \"result\": 1",
    };

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        CHECK_UINT(read_line(lines[i]).says, MCPZ_WORKER_NONSENSE);
    }
    CHECK_UINT(mcpz_worker_line_read((uint8_t *)line, 0).says, MCPZ_WORKER_NONSENSE);
}

static const struct mcpz_worker_task task = {
    .id = 12,
    .type = "text.words",
    .params = {(const uint8_t *)"{\n  \"a\": 1}", 11},
    .input = {(const uint8_t *)"two\nlines", 9},
    .has_input = true,
    .caller = "n-abc",
    .tenant = "acme",
    .traceparent = "",
    .idempotency_key = "k\"1",
    .deadline_wall_ms = 1700000000000,
    .priority = 50,
};

static void check_task(const struct mcpz_worker_task *given, const char *expected)
{
    CHECK(mcpz_worker_line_task_bytes(given) <= sizeof(line));
    size_t length = mcpz_worker_line_task(given, line);
    CHECK(length <= mcpz_worker_line_task_bytes(given));
    CHECK_BYTES(mcpz_bytes(line, length), expected, strlen(expected));
    CHECK_UINT(mcpz_json_check(mcpz_bytes(line, length), MCPZ_JSON_GRAMMAR), MCPZ_OK);
}

TEST(tells_a_task_in_one_line)
{
    struct mcpz_worker_task other = task;

    check_task(&task, "{\"id\":12,\"type\":\"text.words\",\"params\":{   \"a\": 1},"
                      "\"input\":\"two\\u000alines\",\"caller\":\"n-abc\","
                      "\"deadline_ms\":1700000000000,\"priority\":50,\"tenant\":\"acme\","
                      "\"idempotency_key\":\"k\\\"1\"}\n");
    other.params = mcpz_bytes(NULL, 0);
    other.input = mcpz_bytes("\xff\x00\xfe", 3);
    other.tenant = other.idempotency_key = "";
    check_task(&other, "{\"id\":12,\"type\":\"text.words\",\"params\":null,"
                       "\"input_base64\":\"/wD+\",\"caller\":\"n-abc\","
                       "\"deadline_ms\":1700000000000,\"priority\":50}\n");
    other.has_input = false;
    check_task(&other, "{\"id\":12,\"type\":\"text.words\",\"params\":null,\"caller\":\"n-abc\","
                       "\"deadline_ms\":1700000000000,\"priority\":50}\n");
}

TEST(says_hello_and_cancel)
{
    static char stemmer[] = "stemmer";
    static char odd[] = "o\"dd";
    char *const plugins[] = {stemmer, odd};

    size_t length = mcpz_worker_line_hello("text.words", plugins, 2, line);
    const char *hello =
        "{\"hello\":1,\"capability\":\"text.words\",\"plugins\":[\"stemmer\",\"o\\\"dd\"]}\n";
    CHECK_BYTES(mcpz_bytes(line, length), hello, strlen(hello));
    length = mcpz_worker_line_hello("x", NULL, 0, line);
    CHECK_BYTES(mcpz_bytes(line, length), "{\"hello\":1,\"capability\":\"x\",\"plugins\":[]}\n",
                42);
    length = mcpz_worker_line_cancel(7, line);
    CHECK_BYTES(mcpz_bytes(line, length), "{\"id\":7,\"cancel\":true}\n", 23);
}

TEST_MAIN(RUN(reads_each_kind_of_line), RUN(calls_all_else_nonsense),
          RUN(tells_a_task_in_one_line), RUN(says_hello_and_cancel))
