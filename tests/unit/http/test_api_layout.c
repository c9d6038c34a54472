/* Layouts through the API: what applying one does beside signing it. */

#include "fake_layout.h"
#include "http/exchange.h"

static void begin(void)
{
    fake_begin();
    world.engine.holds_mesh_key = true;
    (void)fake_member('b', "B");
    (void)fake_member('c', "C");
    fake_layout_begin();
}

static void end(void)
{
    fake_end();
    fake_layout_end();
}

static void ask(const char *path, const char *body)
{
    struct mcpz_exchange *exchange = fake_ask(MCPZ_POST, path, body);

    fake_turn();
    mcpz_api_close(exchange);
}

static void take_out(const char *name)
{
    char body[64];

    (void)snprintf(body, sizeof(body), "{\"nodes\":[{\"node\":\"%s\",\"remove\":true}]}", name);
    ask("/v1/layout/stage", body);
    ask("/v1/layout/apply", NULL);
}

static size_t count_skips(void)
{
    size_t count = 0;

    for (size_t i = 0; i < world.engine.event_count; i++) {
        count += world.engine.events[i].kind == MCPZ_EVENT_LAYOUT_SKIP ? 1 : 0;
    }
    return count;
}

/* What failed before: the change waited for ever for the one it takes out. */
TEST(a_dead_node_that_is_taken_out_is_not_waited_for)
{
    begin();
    world.engine.node.fabric.members.roster.rows[2].state = MCPZ_MEMBER_DEAD;
    take_out("C");
    CHECK_UINT(world.engine.applied.node_count, 2);
    CHECK_UINT(count_skips(), 1);
    CHECK_UINT(fake_newest(MCPZ_EVENT_LAYOUT_SKIP)->layout.node.bytes[0], 'c');
    end();
}

TEST(who_is_no_node_of_a_layout_is_named)
{
    begin();
    struct mcpz_exchange *exchange =
        fake_ask(MCPZ_POST, "/v1/layout/skip", "{\"node\": \"zeppelin\"}");
    CHECK_UINT(fake_status(exchange), 404);
    CHECK(strstr(fake_text(exchange), "\\\"zeppelin\\\" is no node of a layout") != NULL);
    CHECK_UINT(count_skips(), 0);
    mcpz_api_close(exchange);
    end();
}

TEST(one_that_is_there_is_waited_for)
{
    begin();
    take_out("C");
    CHECK_UINT(world.engine.applied.node_count, 2);
    CHECK_UINT(count_skips(), 0);
    end();
}

TEST_MAIN(RUN(a_dead_node_that_is_taken_out_is_not_waited_for),
          RUN(who_is_no_node_of_a_layout_is_named), RUN(one_that_is_there_is_waited_for))
