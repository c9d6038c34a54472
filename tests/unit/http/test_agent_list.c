/* A list of agents that others keep as well: whom it asks, again if need be, and what it tells. */

#include "fake_fellows.h"
#include "fake_layout.h"
#include "http/forward.h"

#define NONE "[]\n"

/* B and C keep agents, as we do; D does not. Returns the list that was asked for. */
static struct mcpz_exchange *begin(size_t at_once)
{
    fake_fellows_begin();
    fake_begin();
    fake_layout_begin();
    (void)fake_member('b', "B");
    (void)fake_member('c', "C");
    (void)fake_member('d', "D");
    fake_asks_at_once = at_once;
    struct mcpz_exchange *exchange = fake_ask(MCPZ_GET, "/v1/agents", NULL);
    fake_turn();
    return exchange;
}

static void end(struct mcpz_exchange *exchange)
{
    mcpz_api_close(exchange);
    fake_layout_end();
    fake_end();
    fake_fellows_end();
}

/* As a node says it of one agent. */
static const char *row_of(uint8_t document, const char *name)
{
    static char text[256];
    const struct mcpz_id id = {{document}};
    char shown[MCPZ_ID_TEXT_BYTES];

    mcpz_id_to_text(&id, 'd', shown);
    (void)snprintf(text, sizeof(text),
                   "[{\"id\":\"%s\",\"tenant\":\"default\",\"document\":\"%s\",\"versions\":1,"
                   "\"entries\":2}]",
                   name, shown);
    return text;
}

static size_t count_of(const struct mcpz_exchange *exchange, const char *name)
{
    json_t *list = json_loads(fake_text(exchange), 0, NULL);
    size_t count = 0;

    for (size_t i = 0; i < json_array_size(list); i++) {
        count +=
            strcmp(json_string_value(json_object_get(json_array_get(list, i), "id")), name) == 0
                ? 1
                : 0;
    }
    json_decref(list);
    return count;
}

TEST(all_that_keep_agents_are_asked_and_each_agent_is_told_once)
{
    struct mcpz_exchange *exchange = begin(FAKE_ASKS_MAX);

    CHECK_UINT(fake_ask_count, 2);
    CHECK(fake_asks[0].node.bytes[0] == 'b' && fake_asks[1].node.bytes[0] == 'c');
    CHECK_TEXT(fake_asks[0].path, "/v1/agents?here=true");
    fake_fellow_says(0, 200, row_of(1, "x"));
    CHECK_UINT(fake_status(exchange), 0);
    fake_fellow_says(1, 200, row_of(1, "x"));
    CHECK_UINT(fake_status(exchange), 200);
    CHECK_UINT(count_of(exchange, "x"), 1);
    end(exchange);
}

TEST(the_rest_is_asked_when_something_has_come)
{
    struct mcpz_exchange *exchange = begin(1);

    CHECK_UINT(fake_ask_count, 1);
    fake_fellow_says(0, 200, row_of(1, "x"));
    CHECK_UINT(fake_ask_count, 2);
    CHECK_UINT(fake_status(exchange), 0);
    fake_fellow_says(1, 200, row_of(2, "y"));
    CHECK_UINT(fake_status(exchange), 200);
    CHECK(count_of(exchange, "x") == 1 && count_of(exchange, "y") == 1);
    end(exchange);
}

TEST(who_has_failed_is_asked_again_with_all_others)
{
    struct mcpz_exchange *exchange = begin(FAKE_ASKS_MAX);

    fake_fellow_says(0, 200, row_of(1, "x"));
    fake_fellow_fails(1, MCPZ_CODE_NO_PROVIDER);
    CHECK_UINT(fake_status(exchange), 0);
    CHECK_UINT(fake_ask_count, 2); /* not at once */
    fake_tick(MCPZ_FORWARD_LOOK_US);
    CHECK_UINT(fake_ask_count, 4);
    fake_fellow_says(2, 200, row_of(1, "x"));
    fake_fellow_says(3, 200, row_of(2, "y"));
    CHECK_UINT(fake_status(exchange), 200);
    CHECK(count_of(exchange, "x") == 1 && count_of(exchange, "y") == 1);
    end(exchange);
}

TEST(who_cannot_even_be_asked_is_asked_again_and_passed_over_in_the_end)
{
    struct mcpz_exchange *exchange = begin(0);

    CHECK_UINT(fake_ask_count, 0);
    CHECK_UINT(fake_status(exchange), 0);
    fake_tick(MCPZ_FORWARD_LOOK_US); /* nor now */
    CHECK_UINT(fake_status(exchange), 0);
    fake_asks_at_once = FAKE_ASKS_MAX;
    fake_tick(MCPZ_FORWARD_LOOK_US);
    CHECK_UINT(fake_ask_count, 2);
    fake_fellow_says(0, 200, row_of(1, "x"));
    fake_fellow_says(1, 200, NONE);
    CHECK_UINT(fake_status(exchange), 200);
    CHECK_UINT(count_of(exchange, "x"), 1);
    end(exchange);
}

TEST(where_nobody_can_be_asked_that_is_said_and_not_an_empty_list)
{
    struct mcpz_exchange *exchange = begin(0);

    for (mcpz_time waited = 0; waited < MCPZ_FORWARD_PATIENCE_US; waited += MCPZ_FORWARD_LOOK_US) {
        CHECK_UINT(fake_status(exchange), 0);
        fake_tick(MCPZ_FORWARD_LOOK_US);
    }
    CHECK_UINT(fake_status(exchange), 503);
    end(exchange);
}

TEST(when_it_has_been_patient_it_tells_what_some_have_said)
{
    struct mcpz_exchange *exchange = begin(FAKE_ASKS_MAX);

    while (fake_status(exchange) == 0) {
        const size_t asked = fake_ask_count;
        fake_fellow_says(asked - 2, 200, row_of(1, "x"));
        fake_fellow_fails(asked - 1, MCPZ_CODE_TIMEOUT);
        if (fake_status(exchange) == 0) {
            fake_tick(MCPZ_FORWARD_LOOK_US);
            CHECK_UINT(fake_ask_count, asked + 2);
        }
    }
    CHECK(fake_ask_count > 2);
    CHECK_UINT(fake_status(exchange), 200);
    CHECK_UINT(count_of(exchange, "x"), 1);
    end(exchange);
}

TEST(who_asks_for_what_is_here_asks_nobody)
{
    end(begin(FAKE_ASKS_MAX));
    fake_fellows_begin();
    fake_begin();
    fake_layout_begin();
    (void)fake_member('b', "B");
    struct mcpz_exchange *exchange = fake_ask(MCPZ_GET, "/v1/agents?here=true", NULL);
    fake_turn();
    CHECK_UINT(fake_ask_count, 0);
    CHECK_TEXT(fake_text(exchange), NONE);
    end(exchange);
}

TEST_MAIN(RUN(all_that_keep_agents_are_asked_and_each_agent_is_told_once),
          RUN(the_rest_is_asked_when_something_has_come),
          RUN(who_has_failed_is_asked_again_with_all_others),
          RUN(who_cannot_even_be_asked_is_asked_again_and_passed_over_in_the_end),
          RUN(where_nobody_can_be_asked_that_is_said_and_not_an_empty_list),
          RUN(when_it_has_been_patient_it_tells_what_some_have_said),
          RUN(who_asks_for_what_is_here_asks_nobody))
