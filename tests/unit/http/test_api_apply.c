/* Lines of writes: which are handed in, which are refused, and what is said of them. */

#include "fake_engine.h"
#include "test.h"

static struct mcpz_exchange *apply(const char *lines)
{
    struct mcpz_exchange *exchange = fake_ask(MCPZ_POST, "/v1/apply", lines);
    fake_turn();
    return exchange;
}

TEST(lines_are_handed_in_in_order_and_answered_together)
{
    fake_begin();
    struct mcpz_exchange *exchange =
        apply("{\"op\":\"create\",\"id\":\"a\"}\n"
              "\n"
              "{\"op\":\"set\",\"id\":\"a\",\"path\":\"x\",\"value\":1}");
    CHECK_UINT(world.engine.event_count, 2);
    CHECK_UINT(fake_status(exchange), 0);
    fake_reply(1, MCPZ_CODE_OK, "");
    CHECK_UINT(fake_status(exchange), 0); /* not before all are on the disk */
    fake_reply(2, MCPZ_CODE_OK, "");
    CHECK_UINT(fake_status(exchange), 200);
    CHECK_TEXT(fake_text(exchange), "{\"applied\":2,\"failed\":0,\"errors\":[]}\n");
    mcpz_api_close(exchange);
    fake_end();
}

TEST(what_is_refused_is_told_with_its_line_and_the_rest_goes_on)
{
    fake_begin();
    struct mcpz_exchange *exchange =
        apply("nonsense\n"
              "{\"op\":\"create\",\"id\":\"a\"}\n"
              "{\"op\":\"fly\",\"id\":\"a\"}\n"
              "{\"op\":\"set\",\"id\":\"a\",\"path\":\"x\",\"valu\":1}\n"
              "{\"op\":\"delete\",\"id\":\"a\"}\n");
    CHECK_UINT(world.engine.event_count, 2);
    fake_reply(1, MCPZ_CODE_CONFLICT, "it exists");
    fake_reply(2, MCPZ_CODE_OK, "");
    CHECK_UINT(fake_status(exchange), 200);
    const char *said = fake_text(exchange);
    CHECK(strstr(said, "\"applied\":1,\"failed\":4") != NULL);
    CHECK(strstr(said, "{\"line\":1,\"code\":\"bad_request\"") != NULL);
    CHECK(strstr(said, "{\"line\":2,\"code\":\"conflict\",\"message\":\"it exists\"}") != NULL);
    CHECK(strstr(said, "{\"line\":3,\"code\":\"bad_request\"") != NULL);
    CHECK(strstr(said, "\\\"valu\\\" is nothing that set takes") != NULL);
    mcpz_api_close(exchange);
    fake_end();
}

TEST(no_lines_are_nothing_to_do)
{
    fake_begin();
    struct mcpz_exchange *exchange = apply("\n\n");
    CHECK_TEXT(fake_text(exchange), "{\"applied\":0,\"failed\":0,\"errors\":[]}\n");
    mcpz_api_close(exchange);
    fake_end();
}

TEST(a_line_that_is_too_long_ends_it)
{
    static char line[20000];

    fake_begin();
    memset(line, 'x', sizeof(line) - 1);
    struct mcpz_exchange *exchange = apply(line);
    CHECK_UINT(fake_status(exchange), 413);
    mcpz_api_close(exchange);
    fake_end();
}

TEST(who_asked_may_go_away_meanwhile)
{
    fake_begin();
    struct mcpz_exchange *exchange = apply("{\"op\":\"create\",\"id\":\"a\"}\n");
    mcpz_api_close(exchange);
    fake_reply(1, MCPZ_CODE_OK, "");
    fake_end();
}

TEST_MAIN(RUN(lines_are_handed_in_in_order_and_answered_together),
          RUN(what_is_refused_is_told_with_its_line_and_the_rest_goes_on),
          RUN(no_lines_are_nothing_to_do), RUN(a_line_that_is_too_long_ends_it),
          RUN(who_asked_may_go_away_meanwhile))
