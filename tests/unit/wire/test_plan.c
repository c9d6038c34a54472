#include <stdio.h>

#include "test.h"
#include "wire/plan.h"

static struct mcpz_plan plan;
static uint8_t text[MCPZ_PLAN_BYTES_MAX + 1];
static const char *why;
static size_t at;

static bool read_plan(const char *said)
{
    size_t length = strlen(said);

    CHECK(length <= sizeof(text));
    memcpy(text, said, length);
    why = NULL;
    return mcpz_json_planner.read(text, length, &plan, &why, &at);
}

static void check_slice(struct mcpz_bytes bytes, const char *expected)
{
    CHECK_BYTES(bytes, expected, strlen(expected));
}

TEST(reads_all_that_can_be_said)
{
    CHECK(
        read_plan("{\"subtasks\": [{\"type\": \"a.b\", \"id\": \"l\\u00e4\", \"params\": {\"x\": "
                  "[1, 2]}, \"input\": \"two\\nlines\", \"weight\": 0.125, \"attempts\": 3, "
                  "\"timeout_ms\": 500}, {\"type\": \"c\", \"input_base64\": \"aGk=\"}],"
                  "\"aggregate\": \"weighted\", \"on_failure\": \"partial\","
                  "\"failures_max\": 1, \"reduce\": {\"type\": \"sum\", \"params\": 7}}"));
    CHECK_UINT(plan.head.count, 2);
    CHECK_UINT(plan.head.aggregate, MCPZ_TASK_WEIGHTED);
    CHECK_UINT(plan.head.failures_max, 1);
    CHECK(plan.head.reduces);
    check_slice(plan.items[0].type, "a.b");
    check_slice(plan.items[0].id, "l\xc3\xa4");
    check_slice(plan.items[0].params, "{\"x\": [1, 2]}");
    check_slice(plan.items[0].input, "two\nlines");
    CHECK_UINT(plan.items[0].weight, 125);
    CHECK_UINT(plan.items[0].attempts_max, 3);
    CHECK_UINT(plan.items[0].timeout_ms, 500);
    check_slice(plan.items[1].input, "hi");
    CHECK_UINT(plan.items[1].weight, 1000);
    CHECK_UINT(plan.items[1].attempts_max, 0);
    check_slice(plan.items[2].type, "sum");
    check_slice(plan.items[2].params, "7");
}

TEST(what_is_not_said_is_as_usual)
{
    CHECK(read_plan(" {\"subtasks\": [{\"type\": \"a\"}]} "));
    CHECK_UINT(plan.head.aggregate, MCPZ_TASK_PARALLEL);
    CHECK_UINT(plan.head.failures_max, 0);
    CHECK(!plan.head.reduces);
    CHECK_UINT(plan.items[0].params.length, 0);
    CHECK_UINT(plan.items[0].input.length, 0);
    CHECK(read_plan("{\"on_failure\": \"partial\", \"subtasks\": [{\"type\": \"a\"}, {\"type\": "
                    "\"a\"}]}"));
    CHECK_UINT(plan.head.failures_max, 1); /* one must go well */
}

TEST(says_what_is_wrong_and_where)
{
    static const struct {
        const char *text;
        const char *why; /* begins so */
        size_t at;
    } rows[] = {
        {"", "it must be a JSON object", 0},
        {"[]", "it must be a JSON object", 0},
        {"{\"subtasks\": [{\"type\": \"a\"}]} x", "it must be a JSON object", 0},
        {"{}", "\"subtasks\" must be an array", 0},
        {"{\"subtasks\": []}", "there is no subtask", 0},
        {"{\"subtasks\": [1]}", "a subtask must be an object", 1},
        {"{\"subtasks\": [{\"type\": \"a\"}, {}]}", "\"type\" is missing", 2},
        {"{\"subtasks\": [{\"type\": \"\"}]}", "\"type\" must be", 1},
        {"{\"subtasks\": [{\"type\": 7}]}", "\"type\" must be", 1},
        {"{\"subtasks\": [{\"type\": \"a\", \"typ\": 1}]}", "a subtask has only", 1},
        {"{\"subtasks\": [{\"type\": \"a\", \"weight\": -1}]}", "\"weight\" must be", 1},
        {"{\"subtasks\": [{\"type\": \"a\", \"weight\": 100.001}]}", "\"weight\" must be", 1},
        {"{\"subtasks\": [{\"type\": \"a\", \"weight\": 0.0001}]}", "\"weight\" must be", 1},
        {"{\"subtasks\": [{\"type\": \"a\", \"weight\": \"1\"}]}", "\"weight\" must be", 1},
        {"{\"subtasks\": [{\"type\": \"a\", \"attempts\": 0}]}", "\"attempts\" must be", 1},
        {"{\"subtasks\": [{\"type\": \"a\", \"attempts\": 1001}]}", "\"attempts\" must be", 1},
        {"{\"subtasks\": [{\"type\": \"a\", \"timeout_ms\": 0}]}", "\"timeout_ms\" must be", 1},
        {"{\"subtasks\": [{\"type\": \"a\", \"input\": 1}]}", "\"input\" must be", 1},
        {"{\"subtasks\": [{\"type\": \"a\", \"input_base64\": \"!\"}]}", "\"input_base64\" is", 1},
        {"{\"subtasks\": [{\"type\": \"a\"}], \"agregate\": 1}", "a plan has only", 0},
        {"{\"subtasks\": [{\"type\": \"a\"}], \"subtasks\": []}", "a member is there twice", 0},
        {"{\"subtasks\": [{\"type\": \"a\"}], \"aggregate\": \"sum\"}", "\"aggregate\" must be",
         0},
        {"{\"subtasks\": [{\"type\": \"a\"}], \"on_failure\": \"go\"}", "\"on_failure\" must be",
         0},
        {"{\"subtasks\": [{\"type\": \"a\"}], \"failures_max\": 0}", "\"failures_max\" needs", 0},
        {"{\"subtasks\": [{\"type\": \"a\"}], \"on_failure\": \"partial\", \"failures_max\": 1}",
         "\"failures_max\" must be less", 0},
        {"{\"subtasks\": [{\"type\": \"a\"}], \"aggregate\": \"sequential\", \"on_failure\": "
         "\"partial\"}",
         "what is sequential cannot", 0},
        {"{\"subtasks\": [{\"type\": \"a\"}], \"aggregate\": \"sequential\", \"reduce\": "
         "{\"type\": \"b\"}}",
         "what is sequential is reduced", 0},
        {"{\"subtasks\": [{\"type\": \"a\", \"input\": \"x\"}, {\"type\": \"a\", \"input\": "
         "\"x\"}], \"aggregate\": \"sequential\"}",
         "in a sequence the input", 2},
        {"{\"subtasks\": [{\"type\": \"a\"}], \"reduce\": {\"type\": \"b\", \"input\": \"x\"}}",
         "the input of \"reduce\"", 0},
        {"{\"subtasks\": [{\"type\": \"a\"}], \"reduce\": 1}", "a subtask must be an object", 0},
        {"{\"subtasks\": [{\"type\": \"a\", \"weight\": 0}], \"aggregate\": \"weighted\"}",
         "the weights add up", 0},
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(rows); i++) {
        if (read_plan(rows[i].text) || strncmp(why, rows[i].why, strlen(rows[i].why)) != 0) {
            print_error("%s: %s\n", rows[i].text, why != NULL ? why : "good");
            fail();
        }
        CHECK_UINT(at, rows[i].at);
    }
}

static bool read_many(size_t count)
{
    static char many[MCPZ_PLAN_BYTES_MAX];
    size_t used = (size_t)snprintf(many, sizeof(many), "{\"subtasks\":[");

    for (size_t i = 0; i < count; i++) {
        used += (size_t)snprintf(many + used, sizeof(many) - used, "%s{\"type\":\"a\"}",
                                 i > 0 ? "," : "");
    }
    (void)snprintf(many + used, sizeof(many) - used, "],\"reduce\":{\"type\":\"b\"}}");
    return read_plan(many);
}

TEST(there_are_fifty_subtasks_at_most_and_one_that_reduces)
{
    CHECK(read_many(MCPZ_SUBTASKS_MAX));
    CHECK_UINT(plan.head.count, MCPZ_SUBTASKS_MAX);
    check_slice(plan.items[MCPZ_SUBTASKS_MAX].type, "b");
    CHECK(!read_many(MCPZ_SUBTASKS_MAX + 1));
    CHECK_UINT(at, MCPZ_SUBTASKS_MAX);
}

TEST(a_name_is_as_long_as_a_capability_may_be)
{
    char said[MCPZ_CAPABILITY_BYTES_MAX + 64];
    char name[MCPZ_CAPABILITY_BYTES_MAX + 2];

    for (size_t length = MCPZ_CAPABILITY_BYTES_MAX; length <= MCPZ_CAPABILITY_BYTES_MAX + 1;
         length++) {
        memset(name, 'a', length);
        name[length] = '\0';
        (void)snprintf(said, sizeof(said), "{\"subtasks\":[{\"type\":\"%s\"}]}", name);
        CHECK(read_plan(said) == (length == MCPZ_CAPABILITY_BYTES_MAX));
    }
}

TEST(it_has_32_kib_at_most)
{
    static char said[MCPZ_PLAN_BYTES_MAX + 2];

    memset(said, ' ', sizeof(said) - 1);
    memcpy(said, "{\"subtasks\":[{\"type\":\"a\"}]}", 27);
    said[MCPZ_PLAN_BYTES_MAX] = '\0';
    CHECK(read_plan(said));
    said[MCPZ_PLAN_BYTES_MAX] = ' ';
    CHECK(!read_plan(said));
}

TEST_MAIN(RUN(reads_all_that_can_be_said), RUN(what_is_not_said_is_as_usual),
          RUN(says_what_is_wrong_and_where),
          RUN(there_are_fifty_subtasks_at_most_and_one_that_reduces),
          RUN(a_name_is_as_long_as_a_capability_may_be), RUN(it_has_32_kib_at_most))
