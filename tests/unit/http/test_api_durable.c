#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "fake_engine.h"
#include "http/durable.h"
#include "http/queue_book.h"
#include "http/system_document.h"
#include "proto/code.h"

#define ID "t-01000000000000000000000000000000"

static const struct mcpz_task_id first = {{1}};

/* A task of the node's, as its store has it. */
static void put_task(const struct mcpz_task_id *id, uint32_t phase)
{
    const struct mcpz_store *store = &world.engine.store;
    const struct mcpz_task_attempt history[] = {
        {1, {{'p'}}, MCPZ_CODE_PROVIDER_LOST, mcpz_text("gone"), 1000}};
    struct mcpz_record body = {
        .kind = MCPZ_RECORD_TASK,
        .task = {.id = *id,
                 .body = {.capability = mcpz_text("x"),
                          .params = mcpz_text("[1]"),
                          .priority = 50,
                          .attempts_max = 5,
                          .backoff_ms = 1,
                          .timeout_ms = 1}},
    };
    struct mcpz_record state = {
        .kind = MCPZ_RECORD_TASK_STATE,
        .task_state = {.id = *id,
                       .state = {.epoch = 1,
                                 .revision = 1,
                                 .owner = {{'o'}},
                                 .phase = phase,
                                 .attempts = 1,
                                 .code = phase == MCPZ_TASK_DEAD ? MCPZ_CODE_PROVIDER_LOST : 0,
                                 .text = mcpz_text("gone"),
                                 .history = history,
                                 .history_count = 1}},
    };
    struct mcpz_record result = {
        .kind = MCPZ_RECORD_TASK_RESULT,
        .task_result = {.id = *id, .bytes = mcpz_text("{\"y\": 2}")},
    };

    store->put(store->context, &body);
    store->put(store->context, &state);
    if (phase == MCPZ_TASK_DONE) {
        store->put(store->context, &result);
    }
}

static json_t *json_of(const struct mcpz_exchange *exchange)
{
    json_t *json = json_loads(fake_text(exchange), 0, NULL);

    CHECK(json != NULL);
    return json;
}

TEST(a_name_of_a_task_is_read_as_it_is_written)
{
    struct mcpz_task_id id = {{0x00, 0x9f, 0xff}};
    struct mcpz_task_id again;
    char text[MCPZ_TASK_ID_TEXT_BYTES];

    mcpz_task_id_to_text(&id, text);
    CHECK_TEXT(text, "t-009fff00000000000000000000000000");
    CHECK(mcpz_task_id_from_text(mcpz_text(text), &again));
    CHECK(mcpz_task_id_equal(&id, &again));
    CHECK(!mcpz_task_id_from_text(mcpz_text(ID "0"), &again));
    CHECK(!mcpz_task_id_from_text(mcpz_text("n-01000000000000000000000000000000"), &again));
    CHECK(!mcpz_task_id_from_text(mcpz_text("t-0100000000000000000000000000000G"), &again));
    CHECK(!mcpz_task_id_from_text(mcpz_text(""), &again));
}

TEST(a_line_is_a_task_and_is_answered_when_it_is_taken)
{
    fake_begin();
    struct mcpz_exchange *exchange =
        fake_ask(MCPZ_POST, "/v1/tasks/submit",
                 "{\"type\": \"x\", \"params\": [1], \"idempotency_key\": \"k\", \"attempts\": 7, "
                 "\"ttl_ms\": 9, \"copies\": 2, \"retry_failed\": true, \"input\": \"in\"}\n");
    fake_turn();
    CHECK_UINT(world.engine.event_count, 1);
    const struct mcpz_event_durable *said = &world.engine.events[0].durable;
    CHECK_UINT(world.engine.events[0].kind, MCPZ_EVENT_DURABLE_SUBMIT);
    CHECK_BYTES(said->orders[0].body.capability, "x", 1);
    CHECK_BYTES(said->orders[0].body.params, "[1]", 3);
    CHECK_BYTES(said->orders[0].body.input, "in", 2);
    CHECK_BYTES(said->orders[0].body.key, "k", 1);
    CHECK_UINT(said->orders[0].body.attempts_max, 7);
    CHECK(said->orders[0].body.retry_failed);
    CHECK_UINT(said->orders[0].ttl_ms, 9);
    CHECK_UINT(said->orders[0].copies_min, 2);
    CHECK_UINT(fake_status(exchange), 0);
    fake_taken(said->request, 1, 2);
    CHECK_UINT(fake_status(exchange), 200);
    CHECK_TEXT(fake_text(exchange), "{\"id\":\"" ID "\",\"copies\":2}\n");
    mcpz_api_close(exchange);
    fake_end();
}

TEST(lines_are_answered_in_their_order_and_one_that_is_wrong_spoils_no_other)
{
    fake_begin();
    struct mcpz_exchange *exchange =
        fake_ask(MCPZ_POST, "/v1/tasks/submit",
                 "{\"type\": \"a\"}\n\n{\"type\": 7}\nnonsense\n{\"type\": \"b\"}");
    fake_turn();
    CHECK_UINT(world.engine.event_count, 1); /* both in one */
    const struct mcpz_event_durable *said = &world.engine.events[0].durable;
    CHECK_UINT(said->order_count, 2);
    CHECK_BYTES(said->orders[1].body.capability, "b", 1);
    fake_taken(said->request + 1, 2, 1);
    CHECK_UINT(fake_status(exchange), 0);
    fake_reply(said->request, MCPZ_CODE_NO_COPY, "nobody \"else\"");
    CHECK_UINT(fake_status(exchange), 200);
    const char *text = fake_text(exchange);
    CHECK(
        strstr(text, "{\"error\":{\"code\":\"no_copy\",\"message\":\"nobody \\\"else\\\"\"}}\n") ==
        text);
    const char *second = strchr(text, '\n') + 1;
    CHECK(strstr(second, "bad_request") != NULL);
    const char *third = strchr(second, '\n') + 1;
    CHECK(strstr(third, "not JSON") != NULL);
    CHECK_TEXT(strchr(third, '\n') + 1,
               "{\"id\":\"t-02000000000000000000000000000000\",\"copies\":1}\n");
    mcpz_api_close(exchange);
    fake_end();
}

TEST(tasks_taken_together_are_told_to_each_who_waits_for_some)
{
    fake_begin();
    struct mcpz_exchange *one = fake_ask(MCPZ_POST, "/v1/tasks/submit", "{\"type\": \"a\"}");
    struct mcpz_exchange *other = fake_ask(MCPZ_POST, "/v1/tasks/submit", "{\"type\": \"b\"}");
    fake_turn();
    const struct mcpz_task_taken rows[] = {
        {.number = world.engine.events[0].durable.request, .copies = 2, .id = {{1}}},
        {.number = world.engine.events[1].durable.request, .copies = 2, .id = {{2}}},
    };
    fake_taken_all(rows, 2);
    CHECK_UINT(fake_status(one), 200);
    CHECK_UINT(fake_status(other), 200);
    CHECK_TEXT(fake_text(one), "{\"id\":\"" ID "\",\"copies\":2}\n");
    CHECK(strstr(fake_text(other), "t-02") != NULL);
    mcpz_api_close(one);
    mcpz_api_close(other);
    fake_end();
}

/* A body that is half in a file and half in memory is read in pieces. */
TEST(a_line_may_lie_where_the_body_goes_on_in_memory)
{
    static char body[48 * 30000];
    size_t length = 0;

    for (size_t i = 0; i < 45; i++) {
        length += (size_t)snprintf(body + length, sizeof(body) - length,
                                   "{\"type\": \"x\", \"params\": \"%029990zu\"}\n", i);
    }
    fake_begin();
    CHECK(length > MCPZ_BODY_MEMORY_MAX);
    struct mcpz_exchange *exchange =
        fake_ask_bytes(MCPZ_POST, "/v1/tasks/submit", mcpz_bytes(body, length));
    fake_turn();
    CHECK_UINT(world.engine.event_count, 23); /* two fit one message */
    for (size_t i = 0; i < 45; i++) {
        const struct mcpz_event_durable *said = &world.engine.events[i / 2].durable;
        CHECK_UINT(said->orders[i % 2].body.params.length, 29992);
        fake_taken(said->request + i % 2, (uint8_t)i, 2);
    }
    CHECK_UINT(fake_status(exchange), 200);
    CHECK(strstr(fake_text(exchange), "error") == NULL);
    mcpz_api_close(exchange);
    fake_end();
}

TEST(a_line_that_is_too_long_is_refused)
{
    static char line[4 * MCPZ_TASK_BYTES_MAX + 100];

    fake_begin();
    memset(line, ' ', sizeof(line));
    struct mcpz_exchange *exchange =
        fake_ask_bytes(MCPZ_POST, "/v1/tasks/submit", mcpz_bytes(line, sizeof(line)));
    CHECK_UINT(fake_status(exchange), 413);
    CHECK_UINT(world.engine.event_count, 0);
    mcpz_api_close(exchange);
    fake_end();
}

TEST(a_task_is_shown_with_its_result_and_its_history)
{
    fake_begin();
    put_task(&first, MCPZ_TASK_DONE);
    struct mcpz_exchange *exchange = fake_ask(MCPZ_GET, "/v1/tasks/" ID, NULL);
    CHECK_UINT(fake_status(exchange), 200);
    json_t *json = json_of(exchange);
    CHECK_TEXT(json_string_value(json_object_get(json, "state")), "done");
    CHECK_TEXT(json_string_value(json_object_get(json, "result_encoding")), "json");
    CHECK_UINT(json_integer_value(json_object_get(json_object_get(json, "result"), "y")), 2);
    json_t *attempt = json_array_get(json_object_get(json, "history"), 0);
    CHECK_TEXT(json_string_value(json_object_get(json_object_get(attempt, "error"), "code")),
               "provider_lost");
    json_decref(json);
    mcpz_api_close(exchange);
    fake_end();
}

TEST(a_task_nobody_knows_is_not_found_and_a_wrong_name_is_told)
{
    fake_begin();
    struct mcpz_exchange *exchange = fake_ask(MCPZ_GET, "/v1/tasks/" ID, NULL);
    CHECK_UINT(fake_status(exchange), 404);
    mcpz_api_close(exchange);
    exchange = fake_ask(MCPZ_GET, "/v1/tasks/nonsense", NULL);
    CHECK_UINT(fake_status(exchange), 400);
    mcpz_api_close(exchange);
    exchange = fake_ask(MCPZ_POST, "/v1/tasks/" ID "/nonsense", NULL);
    CHECK_UINT(fake_status(exchange), 404);
    mcpz_api_close(exchange);
    fake_end();
}

static void check(enum mcpz_method method, const char *path, const char *body, unsigned status,
                  const char *text)
{
    struct mcpz_exchange *exchange = fake_ask(method, path, body);

    fake_turn();
    CHECK_UINT(fake_status(exchange), status);
    CHECK(strstr(fake_text(exchange), text) != NULL);
    mcpz_api_close(exchange);
}

TEST(who_asks_for_one_tenant_knows_of_no_others_tasks)
{
    const struct mcpz_task_id id = {{0x01}};

    fake_begin();
    put_task(&id, MCPZ_TASK_DEAD);
    world.tenant = "acme";
    check(MCPZ_GET, "/v1/tasks/" ID, NULL, 404, "no such task");
    check(MCPZ_DELETE, "/v1/tasks/" ID, NULL, 404, "no such task");
    check(MCPZ_POST, "/v1/tasks/" ID "/replay", NULL, 404, "no such task");
    check(MCPZ_GET, "/v1/tasks", NULL, 200, "[]");
    check(MCPZ_GET, "/v1/tasks?tenant=other", NULL, 403, "acme");
    check(MCPZ_POST, "/v1/tasks/submit", "{\"type\":\"x\",\"tenant\":\"other\"}", 200, "denied");
    CHECK_UINT(world.engine.event_count, 0);
    world.tenant = NULL;
    check(MCPZ_GET, "/v1/tasks?tenant=other", NULL, 200, "[]");
    check(MCPZ_GET, "/v1/tasks", NULL, 200, ID);
    fake_end();
}

TEST(a_list_has_what_was_asked_for)
{
    fake_begin();
    put_task(&first, MCPZ_TASK_DEAD);
    put_task(&(struct mcpz_task_id){{2}}, MCPZ_TASK_QUEUED);
    struct mcpz_exchange *exchange = fake_ask(MCPZ_GET, "/v1/tasks?state=dead", NULL);
    fake_turn();
    json_t *json = json_of(exchange);
    CHECK_UINT(json_array_size(json), 1);
    CHECK_TEXT(json_string_value(json_object_get(json_array_get(json, 0), "id")), ID);
    json_decref(json);
    mcpz_api_close(exchange);
    exchange = fake_ask(MCPZ_GET, "/v1/tasks?limit=0", NULL);
    CHECK_UINT(fake_status(exchange), 400);
    mcpz_api_close(exchange);
    fake_end();
}

TEST(who_waits_is_answered_when_it_is_over_and_is_forgotten_when_gone)
{
    fake_begin();
    put_task(&first, MCPZ_TASK_DONE);
    struct mcpz_exchange *exchange = fake_ask(MCPZ_POST, "/v1/tasks/" ID "/wait", NULL);
    CHECK_UINT(world.engine.events[0].kind, MCPZ_EVENT_DURABLE_WATCH);
    CHECK_UINT(fake_status(exchange), 0);
    fake_reply(world.engine.events[0].durable.request, MCPZ_CODE_OK, "");
    CHECK_UINT(fake_status(exchange), 200);
    mcpz_api_close(exchange);
    CHECK_UINT(world.engine.event_count, 1);
    exchange = fake_ask(MCPZ_POST, "/v1/tasks/" ID "/wait", NULL);
    mcpz_api_close(exchange);
    CHECK_UINT(world.engine.events[2].kind, MCPZ_EVENT_DURABLE_UNWATCH);
    CHECK_UINT(world.engine.events[2].durable.request, world.engine.events[1].durable.request);
    fake_end();
}

TEST(orders_go_to_the_engine_and_its_word_is_the_answer)
{
    static const struct {
        enum mcpz_method method;
        const char *path;
        const char *body;
        enum mcpz_event_kind kind;
    } rows[] = {
        {MCPZ_DELETE, "/v1/tasks/" ID, NULL, MCPZ_EVENT_DURABLE_CANCEL},
        {MCPZ_POST, "/v1/tasks/" ID "/replay", NULL, MCPZ_EVENT_DURABLE_REPLAY},
        {MCPZ_POST, "/v1/tasks/" ID "/purge", NULL, MCPZ_EVENT_DURABLE_PURGE},
    };

    fake_begin();
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(rows); i++) {
        struct mcpz_exchange *exchange = fake_ask(rows[i].method, rows[i].path, rows[i].body);
        const struct mcpz_event *said = &world.engine.events[world.engine.event_count - 1];
        CHECK_UINT(world.engine.event_count, i + 1);
        CHECK_UINT(said->kind, rows[i].kind);
        fake_reply(said->durable.request, i == 0 ? MCPZ_CODE_CONFLICT : MCPZ_CODE_OK, "over");
        CHECK_UINT(fake_status(exchange), i == 0 ? 409 : 200);
        mcpz_api_close(exchange);
    }
    fake_end();
}

/* ---- Queues ------------------------------------------------------------------------------- */

static const struct mcpz_event *newest(void)
{
    return &world.engine.events[world.engine.event_count - 1];
}

TEST(a_queue_is_paused_in_the_meshs_book_and_here_at_once)
{
    struct mcpz_id document;

    fake_begin();
    mcpz_system_document_id(MCPZ_QUEUE_BOOK, &document);
    struct mcpz_exchange *exchange = fake_ask(MCPZ_POST, "/v1/queues/x", "{\"paused\": true}");
    CHECK_UINT(world.engine.event_count, 3);
    const struct mcpz_event *events = world.engine.events;
    CHECK(events[0].kind == MCPZ_EVENT_AGENT_WRITE && events[0].agent.op == MCPZ_AGENT_CREATE);
    CHECK(events[1].kind == MCPZ_EVENT_AGENT_WRITE && events[1].agent.op == MCPZ_AGENT_SET);
    CHECK(mcpz_id_equal(&events[1].agent.document, &document));
    CHECK_UINT(events[2].kind, MCPZ_EVENT_QUEUE_PAUSE);
    CHECK_BYTES(events[2].durable.capability, "x", 1);
    fake_reply(events[1].agent.request, MCPZ_CODE_OK, "");
    CHECK_UINT(fake_status(exchange), 200);
    mcpz_api_close(exchange);

    exchange = fake_ask(MCPZ_POST, "/v1/queues/$x", "{\"paused\": false}");
    CHECK_UINT(fake_status(exchange), 400);
    mcpz_api_close(exchange);
    fake_end();
}

TEST(what_the_meshs_book_says_of_queues_holds_here)
{
    struct mcpz_task_queues *queues = &world.engine.node.tasks.queues;
    struct mcpz_action merged = {.kind = MCPZ_ACTION_FACT,
                                 .fact = {.kind = MCPZ_FACT_AGENT_MERGED}};

    fake_begin();
    fake_turn(); /* it has looked once: nothing is there */
    CHECK_UINT(world.engine.event_count, 0);
    mcpz_system_document_id(MCPZ_QUEUE_BOOK, &merged.fact.about);
    fake_keep(&merged.fact.about, "x", MCPZ_QUEUE_PAUSED);
    mcpz_task_queues_init(queues);
    struct mcpz_task_queue *other = mcpz_task_queues_take(queues, mcpz_text("y"));
    other->paused = true; /* and the book does not say so */
    mcpz_api_act(world.api, &merged);
    fake_turn();
    CHECK_UINT(world.engine.event_count, 2);
    CHECK_UINT(world.engine.events[0].kind, MCPZ_EVENT_QUEUE_PAUSE);
    CHECK_BYTES(world.engine.events[0].durable.capability, "x", 1);
    CHECK_UINT(newest()->kind, MCPZ_EVENT_QUEUE_RESUME);
    CHECK_BYTES(newest()->durable.capability, "y", 1);

    other->paused = false;
    mcpz_task_queues_take(queues, mcpz_text("x"))->paused = true;
    mcpz_api_act(world.api, &merged);
    fake_turn();
    CHECK_UINT(world.engine.event_count, 2); /* all is as the book says */
    fake_end();
}

TEST_MAIN(RUN(a_name_of_a_task_is_read_as_it_is_written),
          RUN(who_asks_for_one_tenant_knows_of_no_others_tasks),
          RUN(a_line_is_a_task_and_is_answered_when_it_is_taken),
          RUN(lines_are_answered_in_their_order_and_one_that_is_wrong_spoils_no_other),
          RUN(tasks_taken_together_are_told_to_each_who_waits_for_some),
          RUN(a_line_may_lie_where_the_body_goes_on_in_memory),
          RUN(a_line_that_is_too_long_is_refused),
          RUN(a_task_is_shown_with_its_result_and_its_history),
          RUN(a_task_nobody_knows_is_not_found_and_a_wrong_name_is_told),
          RUN(a_list_has_what_was_asked_for),
          RUN(who_waits_is_answered_when_it_is_over_and_is_forgotten_when_gone),
          RUN(orders_go_to_the_engine_and_its_word_is_the_answer),
          RUN(a_queue_is_paused_in_the_meshs_book_and_here_at_once),
          RUN(what_the_meshs_book_says_of_queues_holds_here))
