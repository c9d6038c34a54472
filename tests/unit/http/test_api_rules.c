/* /v1/rules: what is answered, what the engine is told, what of a document are rules. */

#include <jansson.h>

#include "fake_engine.h"
#include "http/rule_book.h"
#include "http/system_document.h"
#include "proto/code.h"
#include "test.h"
#include "wire/value.h"

static struct mcpz_id document;

static void keep(const char *pattern, const char *text)
{
    mcpz_system_document_id(MCPZ_RULE_BOOK, &document);
    fake_keep(&document, pattern, text);
}

static void hear_merged(void)
{
    const struct mcpz_action action = {
        .kind = MCPZ_ACTION_FACT, .fact = {.kind = MCPZ_FACT_AGENT_MERGED, .about = document}};

    mcpz_api_act(world.api, &action);
    fake_turn();
}

static void check(enum mcpz_method method, const char *path, const char *body, unsigned status,
                  const char *part)
{
    struct mcpz_exchange *exchange = fake_ask(method, path, body);

    fake_turn();
    CHECK_UINT(fake_status(exchange), status);
    CHECK(strstr(fake_text(exchange), part) != NULL);
    mcpz_api_close(exchange);
}

TEST(rules_of_the_mesh_are_told_to_the_core_when_they_come)
{
    fake_begin();
    check(MCPZ_GET, "/v1/rules", NULL, 200, "[]");
    CHECK_UINT(world.engine.event_count, 0);
    keep("memory.*", "failover attic cellar");
    keep("x", "nonsense"); /* of a later version, perhaps */
    hear_merged();
    const struct mcpz_event *event = fake_newest(MCPZ_EVENT_RULES);
    CHECK_UINT(event->rules.count, 1);
    const size_t told = world.engine.event_count;
    check(MCPZ_GET, "/v1/rules", NULL, 200,
          "\"pattern\":\"memory.*\",\"rule\":\"failover attic cellar\"");
    hear_merged(); /* nothing new */
    CHECK_UINT(world.engine.event_count, told);
    fake_end();
}

TEST(other_documents_are_no_rules)
{
    fake_begin();
    keep("memory.*", "balanced");
    document = (struct mcpz_id){{3}};
    fake_turn();
    hear_merged();
    CHECK_UINT(world.engine.event_count, 0);
    fake_end();
}

TEST(the_rules_document_is_no_agent)
{
    fake_begin();
    keep("x", "balanced");
    check(MCPZ_GET, "/v1/agents", NULL, 200, "[]");
    fake_end();
}

TEST(setting_a_rule_makes_the_document_and_writes_to_it)
{
    fake_begin();
    struct mcpz_exchange *exchange = fake_ask(
        MCPZ_POST, "/v1/rules", "{\"pattern\":\"a/b~.*\",\"rule\":\" dedicated  role:gpu \"}");
    fake_turn();
    const struct mcpz_event *event = fake_newest(MCPZ_EVENT_AGENT_WRITE);
    CHECK_UINT(event->agent.op, MCPZ_AGENT_SET);
    CHECK_BYTES(event->agent.path,
                "\x91\xa6"
                "a/b~.*",
                8);
    CHECK_BYTES(event->agent.value,
                "\xb2"
                "dedicated role:gpu",
                19);
    CHECK_UINT(world.engine.event_count, 2); /* and CREATE before it */
    fake_reply(event->agent.request, MCPZ_CODE_OK, "");
    CHECK_UINT(fake_status(exchange), 200);
    mcpz_api_close(exchange);
    fake_end();
}

TEST(what_is_wrong_with_a_rule_is_said)
{
    fake_begin();
    check(MCPZ_POST, "/v1/rules", "{\"pattern\":\"x\"}", 400, "must be given");
    check(MCPZ_POST, "/v1/rules", "{\"pattern\":\"x\",\"rule\":\"fastest\"}", 400, "strategy");
    check(MCPZ_POST, "/v1/rules", "{\"pattern\":\"\",\"rule\":\"balanced\"}", 400, "pattern");
    check(MCPZ_POST, "/v1/rules", "{\"pattern\":\"$x\",\"rule\":\"balanced\"}", 400, "$");
    check(MCPZ_DELETE, "/v1/rules/x", NULL, 404, "no rule for");
    check(MCPZ_GET, "/v1/rules/explain", NULL, 400, "type=NAME");
    CHECK_UINT(world.engine.event_count, 0);
    fake_end();
}

TEST(a_rule_of_the_mesh_is_removed)
{
    fake_begin();
    keep("x", "balanced");
    fake_turn();
    hear_merged();
    struct mcpz_exchange *exchange = fake_ask(MCPZ_DELETE, "/v1/rules/x", NULL);
    const struct mcpz_event *event = fake_newest(MCPZ_EVENT_AGENT_WRITE);
    CHECK_UINT(event->agent.op, MCPZ_AGENT_UNSET);
    CHECK_BYTES(event->agent.path, "\x91\xa1x", 3);
    fake_reply(event->agent.request, MCPZ_CODE_OK, "");
    CHECK_UINT(fake_status(exchange), 200);
    mcpz_api_close(exchange);
    fake_end();
}

TEST(who_would_be_chosen_is_shown_in_order_and_why)
{
    fake_begin();
    (void)fake_member('a', "attic");
    struct mcpz_explanation *explanation = &world.engine.explanation;
    explanation->rule.strategy = MCPZ_STRATEGY_FAILOVER;
    explanation->rule.priority = 75;
    explanation->count = 2;
    explanation->views[0] = (struct mcpz_backend_view){
        .id = {{'a'}}, .known = true, .rif = 3, .latency_us = 1500, .linked = true};
    explanation->views[1] =
        (struct mcpz_backend_view){.id = {{'b'}},
                                   .bar = MCPZ_BAR_BREAKER,
                                   .breaker = MCPZ_BREAKER_OPEN,
                                   .ring = MCPZ_RING_FAR,
                                   .bar_until_us = world.now_us + MCPZ_SECONDS(20)};
    struct mcpz_exchange *exchange = fake_ask(MCPZ_GET, "/v1/rules/explain?type=x", NULL);
    CHECK_UINT(fake_status(exchange), 200);
    const char *text = fake_text(exchange);
    CHECK(strstr(text, "\"strategy\":\"failover\"") != NULL);
    CHECK(strstr(text, "\"in_flight\":3,\"latency_ms\":1.5") != NULL);
    CHECK(strstr(text, "\"breaker\":\"open\"") != NULL);
    CHECK(strstr(text, "failed too often lately, for 20.0 s more") != NULL);
    CHECK(strstr(text, "\"where\":\"far\"") != NULL);
    mcpz_api_close(exchange);
    fake_end();
}

TEST_MAIN(RUN(rules_of_the_mesh_are_told_to_the_core_when_they_come),
          RUN(other_documents_are_no_rules), RUN(the_rules_document_is_no_agent),
          RUN(setting_a_rule_makes_the_document_and_writes_to_it),
          RUN(what_is_wrong_with_a_rule_is_said), RUN(a_rule_of_the_mesh_is_removed),
          RUN(who_would_be_chosen_is_shown_in_order_and_why))
