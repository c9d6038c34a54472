/* A request handed on: to whom, how long somebody is waited for, and what is said where nobody
 * is. */

#include "fake_fellows.h"
#include "http/forward.h"

static const struct mcpz_id b = {{'b'}};
static const struct mcpz_id c = {{'c'}};

/* Whom to ask, as the test says. */
static struct mcpz_id known[4];
static size_t known_count;

static size_t find(struct mcpz_exchange *exchange, const struct mcpz_id *document,
                   struct mcpz_id *nodes)
{
    (void)exchange;
    CHECK_UINT(document->bytes[0], 7);
    memcpy(nodes, known, known_count * sizeof(known[0]));
    return known_count;
}

static struct mcpz_exchange *forward(bool repeatable)
{
    struct mcpz_forwarded forwarded = {.method = "POST",
                                       .path = "/v1/agents/a/set",
                                       .body = json_pack("{s:i}", "value", 1),
                                       .find = find,
                                       .document = {{7}},
                                       .repeatable = repeatable,
                                       .timeout_ms = 1000,
                                       .what = "who keeps it"};
    struct mcpz_exchange *exchange = NULL;

    CHECK_UINT(mcpz_api_open(world.api, NULL, &exchange), MCPZ_OK);
    mcpz_forward(exchange, &forwarded);
    return exchange;
}

static void begin(size_t count)
{
    fake_fellows_begin();
    fake_begin();
    (void)fake_member('b', "B");
    (void)fake_member('c', "C");
    known[0] = b;
    known[1] = c;
    known_count = count;
}

static void end(struct mcpz_exchange *exchange)
{
    mcpz_api_close(exchange);
    fake_end();
    fake_fellows_end();
}

TEST(the_first_that_is_there_answers)
{
    begin(2);
    fake_member('d', "D")->state = MCPZ_MEMBER_DEAD;
    known[0] = (struct mcpz_id){{'d'}};
    struct mcpz_exchange *exchange = forward(false);

    CHECK_UINT(fake_ask_count, 1);
    CHECK(mcpz_id_equal(&fake_asks[0].node, &c));
    CHECK_TEXT(fake_asks[0].body, "{\"value\":1}");
    fake_fellow_says(0, 201, "{\"id\":\"a\"}");
    CHECK_UINT(fake_status(exchange), 201);
    CHECK_TEXT(fake_text(exchange), "{\"id\":\"a\"}\n");
    end(exchange);
}

TEST(somebody_is_waited_for_who_can_be_asked)
{
    begin(0);
    struct mcpz_exchange *exchange = forward(false);

    fake_tick(MCPZ_FORWARD_LOOK_US);
    CHECK_UINT(fake_ask_count, 0);
    CHECK_UINT(fake_status(exchange), 0);
    known_count = 1;
    fake_tick(MCPZ_FORWARD_LOOK_US);
    CHECK_UINT(fake_ask_count, 1);
    fake_tick(MCPZ_SECONDS(10)); /* who is asked has their time */
    CHECK_UINT(fake_status(exchange), 0);
    fake_fellow_says(0, 200, "{}");
    CHECK_UINT(fake_status(exchange), 200);
    end(exchange);
}

TEST(who_is_not_heard_of_yet_is_asked_again)
{
    begin(1);
    struct mcpz_exchange *exchange = forward(false);

    fake_fellow_fails(0, MCPZ_CODE_NO_PROVIDER);
    CHECK_UINT(fake_status(exchange), 0);
    fake_tick(MCPZ_FORWARD_LOOK_US);
    CHECK_UINT(fake_ask_count, 2);
    fake_fellow_says(1, 503, "{\"error\":{}}"); /* it does not keep it: another layout holds */
    CHECK_UINT(fake_status(exchange), 0);
    known[0] = c;
    fake_tick(MCPZ_FORWARD_LOOK_US);
    CHECK(mcpz_id_equal(&fake_asks[2].node, &c));
    fake_fellow_says(2, 200, "{}");
    CHECK_UINT(fake_status(exchange), 200);
    end(exchange);
}

TEST(patience_ends_with_an_answer_that_says_when_to_come_back)
{
    begin(0);
    struct mcpz_exchange *exchange = forward(false);

    fake_tick(MCPZ_FORWARD_PATIENCE_US - 1);
    CHECK_UINT(fake_status(exchange), 0);
    fake_tick(MCPZ_FORWARD_LOOK_US);
    CHECK_UINT(fake_status(exchange), 503);
    CHECK(mcpz_api_response(exchange)->retry_after_ms > 0);
    CHECK(strstr(fake_text(exchange), "who keeps it cannot be reached: nothing was done") != NULL);
    end(exchange);
}

TEST(what_a_node_says_last_is_said_in_its_words)
{
    begin(1);
    struct mcpz_exchange *exchange = forward(false);

    world.now_us += MCPZ_FORWARD_PATIENCE_US;
    fake_fellow_says(0, 503, "{\"error\":{\"code\":\"unavailable\"}}");
    CHECK_UINT(fake_status(exchange), 503);
    CHECK_TEXT(fake_text(exchange), "{\"error\":{\"code\":\"unavailable\"}}\n");
    end(exchange);
}

TEST(what_may_have_happened_is_not_done_again)
{
    begin(2);
    struct mcpz_exchange *exchange = forward(false);

    fake_fellow_fails(0, MCPZ_CODE_TIMEOUT);
    CHECK_UINT(fake_ask_count, 1);
    CHECK_UINT(fake_status(exchange), 504);
    CHECK(strstr(fake_text(exchange), "it is not known whether this was done") != NULL);
    end(exchange);
}

TEST(what_does_no_harm_is_asked_of_another)
{
    begin(2);
    struct mcpz_exchange *exchange = forward(true);

    fake_fellow_fails(0, MCPZ_CODE_TIMEOUT);
    CHECK_UINT(fake_ask_count, 2);
    CHECK(mcpz_id_equal(&fake_asks[1].node, &c));
    fake_fellow_fails(1, MCPZ_CODE_TIMEOUT); /* nor is that waited for */
    CHECK_UINT(fake_status(exchange), 503);
    CHECK(strstr(fake_text(exchange), "who keeps it did not answer") != NULL);
    end(exchange);
}

TEST(ourselves_are_asked_where_it_is_ours)
{
    begin(0);
    struct mcpz_exchange *exchange = forward(false);

    known[0] = world.engine.id;
    known_count = 1;
    fake_tick(MCPZ_FORWARD_LOOK_US);
    CHECK_UINT(fake_ask_count, 1);
    CHECK(mcpz_id_equal(&fake_asks[0].node, &world.engine.id));
    fake_fellow_says(0, 200, "{}");
    end(exchange);
}

TEST(who_asked_may_go_away_while_somebody_is_waited_for)
{
    begin(0);
    struct mcpz_exchange *exchange = forward(true);

    fake_tick(MCPZ_FORWARD_LOOK_US);
    end(exchange);
}

TEST_MAIN(RUN(the_first_that_is_there_answers), RUN(somebody_is_waited_for_who_can_be_asked),
          RUN(who_is_not_heard_of_yet_is_asked_again),
          RUN(patience_ends_with_an_answer_that_says_when_to_come_back),
          RUN(what_a_node_says_last_is_said_in_its_words),
          RUN(what_may_have_happened_is_not_done_again),
          RUN(what_does_no_harm_is_asked_of_another), RUN(ourselves_are_asked_where_it_is_ours),
          RUN(who_asked_may_go_away_while_somebody_is_waited_for))
