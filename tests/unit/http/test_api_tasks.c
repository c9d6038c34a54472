/* POST /v1/tasks: from the header line to the answer. */

#include "fake_engine.h"
#include "proto/code.h"

#define PATH "/v1/tasks"

static struct mcpz_exchange *ask(const char *body)
{
    return fake_ask(MCPZ_POST, PATH, body);
}

/* What the core says of the task asked for last. */
static void say(enum mcpz_action_kind kind, struct mcpz_action_task task)
{
    task.request = world.engine.requests;
    fake_task(kind, &task);
}

static void say_output(const void *bytes, size_t length)
{
    say(MCPZ_ACTION_TASK_OUTPUT, (struct mcpz_action_task){.chunk = mcpz_bytes(bytes, length)});
}

static void say_done(uint32_t code, const char *text)
{
    say(MCPZ_ACTION_TASK_DONE,
        (struct mcpz_action_task){
            .code = code, .text = mcpz_text(text), .provider = {.bytes = {'p'}}, .attempts = 1});
}

static void check_refused(const char *body, unsigned status)
{
    struct mcpz_exchange *exchange = ask(body);

    CHECK_UINT(fake_status(exchange), status);
    CHECK_UINT(world.engine.event_count, 0);
    mcpz_api_close(exchange);
}

TEST(headers_that_make_no_sense_are_refused)
{
    static const char *const bodies[] = {
        "",
        "\n",
        "{}\n",
        "{\n",
        "[]\n",
        "{\"type\":1}\n",
        "{\"type\":\"\"}\n",
        "{\"type\":\"t\",\"timeout_ms\":0}\n",
        "{\"type\":\"t\",\"timeout_ms\":3600001}\n",
        "{\"type\":\"t\",\"has_input\":1}\n",
        "{\"type\":\"t\",\"has_input\":false}\nx",
        "{\"type\":\"t\",\"type\":\"t\"}\n",
        "{\"type\":\"t\",\"what\":1}\n",
        "{\"type\":\"\xff\"}\n",
        "{\"type\":\"t\"\n}",
        "{\"type\":\"t\",\"params\":1e999}\n",
        "{\"type\":\"t\",\"priority\":101}\n",
        "{\"type\":\"t\",\"priority\":-1}\n",
        "{\"type\":\"t\",\"priority\":\"5\"}\n",
        "{\"type\":\"t\",\"tenant\":\"\"}\n",
        "{\"type\":\"t\",\"tenant\":5}\n",
        "{\"type\":\"t\",\"tenant\":\"a\\nb\"}\n",
        "{\"type\":\"t\",\"idempotency_key\":\"a\\u007f\"}\n",
        "{\"type\":\"t\",\"idempotent\":1}\n",
        "{\"type\":\"t\",\"isolation\":\"total\"}\n",
        "{\"type\":\"t\",\"isolation\":3}\n",
        "{\"type\":\"t\",\"traceparent\":\"00-4bf92f3577b34da6a3ce929d0e0e4736-1-01\"}\n",
    };

    fake_begin();
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        check_refused(bodies[i], 400);
    }
    fake_end();
}

static const char *with_type(size_t length)
{
    static char body[256];

    (void)snprintf(body, sizeof(body), "{\"type\":\"%0*d\"}", (int)length, 0);
    return body;
}

static const char *with_params(size_t length)
{
    static char body[70000];

    (void)snprintf(body, sizeof(body), "{\"type\":\"t\",\"params\":\"%0*d\"}", (int)length - 2, 0);
    return body;
}

TEST(names_and_parameters_end_at_their_limits)
{
    fake_begin();
    check_refused(with_type(MCPZ_CAPABILITY_BYTES_MAX + 1), 400);
    check_refused(with_params(MCPZ_PARAMS_BYTES_MAX + 1), 413);
    check_refused(with_params(66000), 413); /* no line end within 64 KiB */
    mcpz_api_close(ask(with_type(MCPZ_CAPABILITY_BYTES_MAX)));
    mcpz_api_close(ask(with_params(MCPZ_PARAMS_BYTES_MAX)));
    CHECK_UINT(world.engine.event_count, 4); /* two started, two cancelled */
    fake_end();
}

TEST(a_task_without_input_goes_its_way)
{
    fake_begin();
    struct mcpz_exchange *exchange =
        ask("{\"type\":\"t\", \"params\": {\"a\": [1, 2]}, \"timeout_ms\":50}\n");
    const struct mcpz_event *event = fake_newest(MCPZ_EVENT_TASK_START);
    CHECK_BYTES(event->task.capability, "t", 1);
    CHECK_BYTES(event->task.params, "{\"a\":[1,2]}", 11);
    CHECK(!event->task.has_input);
    CHECK_UINT(event->task.timeout_ms, 50);

    say_output("[1,", 3);
    CHECK_UINT(fake_newest(MCPZ_EVENT_TASK_CREDIT)->task.credit, 3);
    say_output("2]", 2);
    world.now_us += MCPZ_MS(7);
    say_done(MCPZ_CODE_OK, "");
    CHECK_UINT(fake_status(exchange), 200);
    const char *text = fake_text(exchange);
    CHECK(strncmp(text, "{\"state\":\"done\",\"provider\":\"n-", 30) == 0);
    CHECK(strstr(text, "\"result\":[1,2],\"result_encoding\":\"json\",\"error\":null,"
                       "\"elapsed_ms\":7,\"attempts\":1}"));
    mcpz_api_close(exchange);
    fake_end();
}

#define TRACEPARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static const struct mcpz_event_task *started_with(const char *members)
{
    char body[1024];

    (void)snprintf(body, sizeof(body), "{\"type\":\"t\"%s}\n", members);
    mcpz_api_close(ask(body));
    for (size_t i = world.engine.event_count; i > 0; i--) {
        if (world.engine.events[i - 1].kind == MCPZ_EVENT_TASK_START) {
            return &world.engine.events[i - 1].task;
        }
    }
    fail_msg("nothing was started: %s", body);
    return NULL;
}

TEST(who_asks_for_one_tenant_asks_for_no_other)
{
    fake_begin();
    world.tenant = "acme";
    CHECK_BYTES(started_with("")->tenant, "acme", 4);
    CHECK_BYTES(started_with(",\"tenant\":\"acme\"")->tenant, "acme", 4);
    size_t before = world.engine.event_count;
    struct mcpz_exchange *exchange = ask("{\"type\":\"t\",\"tenant\":\"other\"}\n");
    CHECK_UINT(fake_status(exchange), 403);
    CHECK(strstr(fake_text(exchange), "is for the tenant \\\"acme\\\"") != NULL);
    mcpz_api_close(exchange);
    exchange = ask("{\"type\":\"mcpz.node.x\"}\n"); /* as nodes ask each other */
    CHECK_UINT(fake_status(exchange), 403);
    mcpz_api_close(exchange);
    CHECK_UINT(world.engine.event_count, before);
    fake_end();
}

TEST(what_is_said_of_a_task_goes_with_it)
{
    fake_begin();
    const struct mcpz_event_task *task =
        started_with(",\"priority\":100,\"tenant\":\"acme\",\"traceparent\":\"" TRACEPARENT
                     "\",\"idempotency_key\":\"k-1\",\"idempotent\":false");
    CHECK_UINT(task->priority, 100);
    CHECK_BYTES(task->tenant, "acme", 4);
    CHECK_BYTES(task->traceparent, TRACEPARENT, 55);
    CHECK_BYTES(task->idempotency_key, "k-1", 3);
    CHECK(!task->idempotent);

    task = started_with("");
    CHECK_UINT(task->priority, MCPZ_PRIORITY_DEFAULT);
    CHECK_UINT(task->tenant.length + task->traceparent.length + task->idempotency_key.length, 0);
    CHECK(!task->idempotent);

    CHECK_UINT(task->isolation, MCPZ_ISOLATION_UNSAID);
    task = started_with(",\"idempotency_key\":\"k\"");
    CHECK(task->idempotent);
    task = started_with(",\"isolation\":\"strict\"");
    CHECK_UINT(task->isolation, MCPZ_ISOLATION_STRICT);
    fake_end();
}

static const char *with_key(size_t length)
{
    static char members[256];

    (void)snprintf(members, sizeof(members), "{\"type\":\"t\",\"idempotency_key\":\"%0*d\"}",
                   (int)length, 0);
    return members;
}

TEST(a_key_ends_at_its_limit)
{
    fake_begin();
    check_refused(with_key(MCPZ_IDEMPOTENCY_KEY_BYTES_MAX + 1), 400);
    mcpz_api_close(ask(with_key(MCPZ_IDEMPOTENCY_KEY_BYTES_MAX)));
    (void)fake_newest(MCPZ_EVENT_TASK_CANCEL);
    fake_end();
}

TEST(a_refusal_says_when_to_come_back)
{
    fake_begin();
    struct mcpz_exchange *exchange = ask("{\"type\":\"t\"}");
    say(MCPZ_ACTION_TASK_DONE, (struct mcpz_action_task){.code = MCPZ_CODE_BUSY,
                                                         .text = mcpz_text("busy"),
                                                         .attempts = 1,
                                                         .retry_after_ms = 1500});
    CHECK(strstr(fake_text(exchange),
                 "\"error\":{\"code\":\"busy\",\"message\":\"busy\",\"retry_after_ms\":1500}"));
    CHECK_UINT(mcpz_api_response(exchange)->retry_after_ms, 1500);
    mcpz_api_close(exchange);
    fake_end();
}

static void check_result(const void *bytes, size_t length, const char *expected)
{
    struct mcpz_exchange *exchange = ask("{\"type\":\"t\"}");

    say_output(bytes, length);
    say_done(MCPZ_CODE_OK, "");
    CHECK_UINT(fake_status(exchange), 200);
    if (strstr(fake_text(exchange), expected) == NULL) {
        print_error("%s\n", fake_text(exchange));
    }
    CHECK(strstr(fake_text(exchange), expected) != NULL);
    mcpz_api_close(exchange);
}

TEST(a_result_is_json_or_text_or_base64)
{
    fake_begin();
    check_result("\"x\"\n", 4, "\"result\":\"x\"\n,\"result_encoding\":\"json\"");
    check_result("x\n", 2, "\"result\":\"x\\u000a\",\"result_encoding\":\"text\"");
    check_result("{\"a\":1}x", 8, "\"result\":\"{\\\"a\\\":1}x\",\"result_encoding\":\"text\"");
    check_result("", 0, "\"result\":\"\",\"result_encoding\":\"text\"");
    check_result("a\0b", 3, "\"result\":\"YQBi\",\"result_encoding\":\"base64\"");
    check_result("\xff", 1, "\"result\":\"/w==\",\"result_encoding\":\"base64\"");
    fake_end();
}

TEST(a_failed_task_is_an_answer_too)
{
    fake_begin();
    struct mcpz_exchange *exchange = ask("{\"type\":\"t\"}");
    say_output("half", 4);
    say_done(MCPZ_CODE_PROVIDER_FAILED, "exit status 3: \xff");
    CHECK_UINT(fake_status(exchange), 200);
    CHECK(
        strstr(fake_text(exchange),
               "\"result\":null,\"result_encoding\":null,\"error\":{\"code\":\"provider_failed\","
               "\"message\":\"exit status 3: ?\",\"retry_after_ms\":null}"));
    mcpz_api_close(exchange);
    fake_end();
}

/* ---- Input -------------------------------------------------------------------------------- */

/* Bytes of input handed in since event `from`; they must be those of the body. */
static size_t count_input(size_t from)
{
    size_t length = 0;

    for (size_t i = from; i < world.engine.event_count; i++) {
        const struct mcpz_event *event = &world.engine.events[i];
        if (event->kind == MCPZ_EVENT_TASK_INPUT) {
            CHECK(event->task.chunk.length <= MCPZ_CHUNK_BYTES_MAX);
            for (size_t at = 0; at < event->task.chunk.length; at++) {
                CHECK(event->task.chunk.data[at] == 'a' + (length + at) % 26);
            }
            length += event->task.chunk.length;
        }
    }
    return length;
}

static struct mcpz_exchange *ask_with_input(size_t length)
{
    static const char header[] = "{\"type\":\"t\"}\n";
    uint8_t *body = malloc(sizeof(header) - 1 + length);

    memcpy(body, header, sizeof(header) - 1);
    for (size_t i = 0; i < length; i++) {
        body[sizeof(header) - 1 + i] = (uint8_t)('a' + i % 26);
    }
    struct mcpz_exchange *exchange =
        fake_ask_bytes(MCPZ_POST, PATH, mcpz_bytes(body, sizeof(header) - 1 + length));
    free(body);
    return exchange;
}

static void pull(uint32_t credit)
{
    say(MCPZ_ACTION_TASK_PULL, (struct mcpz_action_task){.credit = credit});
}

TEST(input_keeps_within_its_credit)
{
    fake_begin();
    struct mcpz_exchange *exchange = ask_with_input(100000);
    CHECK(fake_newest(MCPZ_EVENT_TASK_START)->task.has_input);
    pull(1);
    CHECK_UINT(count_input(0), 1);
    pull(MCPZ_CHUNK_BYTES_MAX + 1);
    CHECK_UINT(count_input(0), MCPZ_CHUNK_BYTES_MAX + 2);
    pull(1000000);
    CHECK_UINT(count_input(0), 100000);
    (void)fake_newest(MCPZ_EVENT_TASK_INPUT_END);
    size_t count = world.engine.event_count;
    pull(5);
    CHECK_UINT(world.engine.event_count, count);
    say_done(MCPZ_CODE_OK, "");
    CHECK_UINT(fake_status(exchange), 200);
    mcpz_api_close(exchange);
    fake_end();
}

TEST(input_from_a_file_is_the_same)
{
    fake_begin();
    struct mcpz_exchange *exchange = ask_with_input(MCPZ_BODY_MEMORY_MAX + 100000);
    pull(2 * MCPZ_BODY_MEMORY_MAX);
    CHECK_UINT(count_input(0), MCPZ_BODY_MEMORY_MAX + 100000);
    mcpz_api_close(exchange);
    fake_end();
}

TEST(a_promised_input_may_be_empty)
{
    fake_begin();
    struct mcpz_exchange *exchange = ask("{\"type\":\"t\",\"has_input\":true}\n");
    (void)fake_newest(MCPZ_EVENT_TASK_INPUT_END);
    mcpz_api_close(exchange);
    fake_end();
}

TEST(a_retry_starts_everything_over)
{
    fake_begin();
    struct mcpz_exchange *exchange = ask_with_input(1000);
    pull(600);
    say_output("old", 3);
    size_t from = world.engine.event_count;
    say(MCPZ_ACTION_TASK_RETRY, (struct mcpz_action_task){0});
    CHECK_UINT(world.engine.events[from].kind, MCPZ_EVENT_TASK_START);
    CHECK_UINT(world.engine.events[from].task.request, world.engine.requests);
    CHECK_UINT(count_input(from), 0); /* the old credit does not count */
    pull(1000);
    CHECK_UINT(count_input(from), 1000);
    say_output("new", 3);
    say_done(MCPZ_CODE_OK, "");
    CHECK(strstr(fake_text(exchange), "\"result\":\"new\""));
    mcpz_api_close(exchange);
    fake_end();
}

/* ---- Ending early ------------------------------------------------------------------------- */

TEST(who_goes_away_cancels_the_task)
{
    fake_begin();
    struct mcpz_exchange *exchange = ask_with_input(10);
    mcpz_api_close(exchange);
    (void)fake_newest(MCPZ_EVENT_TASK_CANCEL);
    say_output("late", 4);
    say_done(MCPZ_CODE_OK, "");
    CHECK_UINT(world.answer_count, 0);
    fake_end();
}

TEST(an_answered_task_is_not_cancelled)
{
    fake_begin();
    struct mcpz_exchange *exchange = ask("{\"type\":\"t\"}");
    say_done(MCPZ_CODE_OK, "");
    mcpz_api_close(exchange);
    (void)fake_newest(MCPZ_EVENT_TASK_START);
    fake_end();
}

TEST(a_task_that_never_ends_is_given_up)
{
    fake_begin();
    struct mcpz_exchange *exchange = ask("{\"type\":\"t\",\"timeout_ms\":1}");
    world.now_us += MCPZ_SECONDS(11);
    mcpz_api_tick(world.api);
    (void)fake_newest(MCPZ_EVENT_TASK_CANCEL);
    CHECK(strstr(fake_text(exchange), "\"code\":\"timeout\""));
    mcpz_api_close(exchange);
    fake_end();
}

/* Output of `length` bytes in pieces. */
static void flood(uint64_t request, size_t length)
{
    static uint8_t chunk[1048576];

    for (size_t done = 0; done < length;) {
        size_t count = length - done < sizeof(chunk) ? length - done : sizeof(chunk);
        fake_task(
            MCPZ_ACTION_TASK_OUTPUT,
            &(struct mcpz_action_task){.request = request, .chunk = mcpz_bytes(chunk, count)});
        done += count;
    }
}

TEST(a_result_ends_at_its_limit)
{
    fake_begin();
    struct mcpz_exchange *exchange = ask("{\"type\":\"t\"}");
    flood(world.engine.requests, MCPZ_RESULT_BYTES_MAX);
    CHECK_UINT(fake_status(exchange), 0);
    flood(world.engine.requests, 1);
    (void)fake_newest(MCPZ_EVENT_TASK_CANCEL);
    CHECK_UINT(fake_status(exchange), 200);
    CHECK(strstr(fake_text(exchange), "\"code\":\"too_large\""));
    mcpz_api_close(exchange);
    fake_end();
}

TEST(all_results_together_end_at_their_limit)
{
    enum { FIT = MCPZ_RESULTS_BYTES_MAX / MCPZ_RESULT_BYTES_MAX };
    struct mcpz_exchange *exchanges[FIT + 1];

    fake_begin();
    for (size_t i = 0; i <= FIT; i++) {
        exchanges[i] = ask("{\"type\":\"t\"}");
        CHECK_UINT(fake_status(exchanges[i]), 0);
        flood(world.engine.requests, MCPZ_RESULT_BYTES_MAX);
    }
    CHECK(strstr(fake_text(exchanges[FIT]), "\"code\":\"limit\""));
    mcpz_api_close(exchanges[0]);
    exchanges[0] = ask("{\"type\":\"t\"}"); /* what one gave back is another's */
    flood(world.engine.requests, MCPZ_RESULT_BYTES_MAX);
    CHECK_UINT(fake_status(exchanges[0]), 0);
    for (size_t i = 0; i <= FIT; i++) {
        mcpz_api_close(exchanges[i]);
    }
    fake_end();
}

TEST_MAIN(RUN(headers_that_make_no_sense_are_refused),
          RUN(names_and_parameters_end_at_their_limits), RUN(a_task_without_input_goes_its_way),
          RUN(who_asks_for_one_tenant_asks_for_no_other), RUN(what_is_said_of_a_task_goes_with_it),
          RUN(a_key_ends_at_its_limit), RUN(a_refusal_says_when_to_come_back),
          RUN(a_result_is_json_or_text_or_base64), RUN(a_failed_task_is_an_answer_too),
          RUN(input_keeps_within_its_credit), RUN(input_from_a_file_is_the_same),
          RUN(a_promised_input_may_be_empty), RUN(a_retry_starts_everything_over),
          RUN(who_goes_away_cancels_the_task), RUN(an_answered_task_is_not_cancelled),
          RUN(a_task_that_never_ends_is_given_up), RUN(a_result_ends_at_its_limit),
          RUN(all_results_together_end_at_their_limit))
