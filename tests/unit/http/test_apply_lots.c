/* Lines of POST /v1/apply that other nodes keep: whom they go to, in which order, and what becomes
 * of them where nodes fail. */

#include "fake_fellows.h"
#include "fake_layout.h"
#include "http/apply_lots.h"
#include "http/blob_book.h"

static void begin(void)
{
    fake_fellows_begin();
    fake_begin();
    (void)fake_member('b', "B");
    (void)fake_member('c', "C");
    fake_layout_begin();
}

static void end(struct mcpz_exchange *exchange)
{
    mcpz_api_close(exchange);
    fake_end();
    fake_fellows_end();
    fake_layout_end();
}

/* The number of an agent "aN" that `node` keeps, `skip` of them left out. */
static int agent_of(char node, int skip)
{
    for (int number = 0;; number++) {
        char name[16];
        struct mcpz_id document;
        struct mcpz_id owners[MCPZ_OWNERS_MAX];
        (void)snprintf(name, sizeof(name), "a%d", number);
        mcpz_engine_document_id(mcpz_text(""), mcpz_text(name), &document);
        CHECK_UINT(mcpz_layouts_owners(&world.engine.node.layouts, &document, owners), 1);
        if (owners[0].bytes[0] == (uint8_t)node && skip-- == 0) {
            return number;
        }
    }
}

static char body[65536];

static void add(const char *op, int agent, int value)
{
    const size_t used = strlen(body);

    (void)snprintf(body + used, sizeof(body) - used,
                   "{\"op\":\"%s\",\"id\":\"a%d\",\"path\":\"x\",\"%s\":%d}\n", op, agent,
                   strcmp(op, "increment") == 0 ? "by" : "value", value);
}

static struct mcpz_exchange *apply(void)
{
    struct mcpz_exchange *exchange =
        fake_ask(MCPZ_POST, "/v1/apply?ack=quorum&timeout_ms=700", body);

    fake_turn();
    body[0] = '\0';
    return exchange;
}

static void check_lines(size_t ask, size_t count)
{
    json_t *lines = json_loads(fake_asks[ask].body, 0, NULL);

    CHECK_UINT(json_array_size(lines), count);
    json_decref(lines);
}

TEST(each_line_goes_to_who_keeps_its_agent)
{
    begin();
    add("set", agent_of('b', 0), 1);
    add("set", agent_of('s', 0), 2);
    add("set", agent_of('c', 0), 3);
    add("set", agent_of('b', 0), 4);
    struct mcpz_exchange *exchange = apply();

    CHECK_UINT(world.engine.event_count, 1); /* ours */
    CHECK_UINT(world.engine.events[0].agent.ack, MCPZ_ACK_QUORUM);
    CHECK_UINT(fake_ask_count, 2);
    CHECK_UINT(fake_asks[0].node.bytes[0], 'b');
    CHECK_UINT(fake_asks[1].node.bytes[0], 'c');
    CHECK_TEXT(fake_asks[0].path, "/v1/apply?ack=quorum\ntimeout_ms=700");
    check_lines(0, 2);
    check_lines(1, 1);
    fake_reply(1, MCPZ_CODE_OK, "");
    fake_fellow_says(1, 200, "{\"applied\":1,\"failed\":0,\"errors\":[]}");
    CHECK_UINT(fake_status(exchange), 0);
    fake_fellow_says(0, 200,
                     "{\"applied\":1,\"failed\":1,\"errors\":"
                     "[{\"line\":2,\"code\":\"conflict\",\"message\":\"no\"}]}");
    CHECK_UINT(fake_status(exchange), 200);
    CHECK_TEXT(fake_text(exchange), "{\"applied\":3,\"failed\":1,\"errors\":"
                                    "[{\"line\":4,\"code\":\"conflict\",\"message\":\"no\"}]}\n");
    end(exchange);
}

TEST(batches_are_bounded_and_one_is_under_way_for_a_node)
{
    begin();
    const int agent = agent_of('b', 0);
    for (int i = 0; i < MCPZ_LOT_BATCH_MAX + 3; i++) {
        add("increment", agent, i);
    }
    struct mcpz_exchange *exchange = apply();

    CHECK_UINT(fake_ask_count, 1);
    check_lines(0, MCPZ_LOT_BATCH_MAX);
    fake_fellow_says(0, 200, "{\"errors\":[]}");
    CHECK_UINT(fake_ask_count, 2);
    check_lines(1, 3);
    CHECK(strstr(fake_asks[1].body, "\"by\":64") != NULL);
    fake_fellow_says(1, 200, "{\"errors\":[]}");
    CHECK(strstr(fake_text(exchange), "\"applied\":67,\"failed\":0") != NULL);
    end(exchange);
}

TEST(no_more_is_read_than_there_is_room_for)
{
    begin();
    fake_asks_at_once = 0; /* nobody can be asked now */
    for (int i = 0; i < 2 * MCPZ_LOT_LINES_MAX; i++) {
        add("set", agent_of('b', 0), i);
    }
    struct mcpz_exchange *exchange = apply();

    CHECK_UINT(fake_ask_count, 0);
    fake_asks_at_once = 1;
    fake_tick(MCPZ_FORWARD_LOOK_US);
    size_t answered = 0;
    while (fake_status(exchange) == 0) {
        CHECK_UINT(fake_ask_count, answered + 1);
        fake_fellow_says(answered++, 200, "{\"errors\":[]}");
    }
    CHECK_UINT(answered, 2 * MCPZ_LOT_LINES_MAX / MCPZ_LOT_BATCH_MAX);
    CHECK(strstr(fake_text(exchange), "\"applied\":256,\"failed\":0") != NULL);
    end(exchange);
}

TEST(who_cannot_have_begun_is_asked_again_in_order)
{
    begin();
    const int agent = agent_of('b', 0);
    add("increment", agent, 1);
    add("increment", agent, 2);
    struct mcpz_exchange *exchange = apply();

    fake_fellow_fails(0, MCPZ_CODE_NO_PROVIDER);
    CHECK_UINT(fake_ask_count, 1);
    fake_tick(MCPZ_LOTS_AVOID_US);
    CHECK_UINT(fake_ask_count, 2);
    CHECK_TEXT(fake_asks[1].body, fake_asks[0].body);
    fake_fellow_says(1, 200, "{\"errors\":[]}");
    CHECK(strstr(fake_text(exchange), "\"applied\":2,\"failed\":0") != NULL);
    end(exchange);
}

TEST(nobody_is_waited_for_longer_than_patience)
{
    begin();
    world.engine.node.fabric.members.roster.rows[1].state = MCPZ_MEMBER_DEAD;
    world.engine.node.fabric.members.roster.rows[2].state = MCPZ_MEMBER_DEAD;
    add("set", agent_of('b', 0), 1);
    add("set", agent_of('c', 0), 2);
    struct mcpz_exchange *exchange = apply();

    fake_tick(MCPZ_FORWARD_PATIENCE_US - 1);
    CHECK_UINT(fake_status(exchange), 0);
    fake_tick(MCPZ_FORWARD_LOOK_US);
    CHECK_UINT(fake_status(exchange), 200);
    CHECK(strstr(fake_text(exchange), "\"applied\":0,\"failed\":2") != NULL);
    CHECK(strstr(fake_text(exchange), "\"code\":\"unavailable\"") != NULL);
    CHECK_UINT(fake_ask_count, 0);
    end(exchange);
}

TEST(what_may_have_happened_is_repeated_only_if_it_does_no_harm)
{
    begin();
    const int agent = agent_of('c', 0);
    add("set", agent, 1);
    add("increment", agent, 2);
    add("set", agent, 3);
    struct mcpz_exchange *exchange = apply();

    fake_fellow_fails(0, MCPZ_CODE_TIMEOUT);
    fake_tick(MCPZ_LOTS_AVOID_US);
    CHECK_UINT(fake_ask_count, 2);
    check_lines(1, 2);
    fake_fellow_says(1, 200, "{\"errors\":[]}");
    CHECK(strstr(fake_text(exchange), "\"applied\":2,\"failed\":1") != NULL);
    CHECK(strstr(fake_text(exchange), "{\"line\":2,\"code\":\"timeout\"") != NULL);
    end(exchange);
}

TEST(a_line_that_is_others_by_now_is_asked_of_those_a_few_times)
{
    begin();
    const int agent = agent_of('b', 0);
    static const char refused[] =
        "{\"errors\":[{\"line\":1,\"code\":\"unavailable\",\"message\":\"ask again\"}]}";
    add("set", agent, 1);
    add("set", agent_of('b', 1), 2);
    struct mcpz_exchange *exchange = apply();

    fake_fellow_says(0, 200, refused);
    for (size_t i = 1; i < MCPZ_LOT_TRIES_MAX; i++) {
        fake_tick(MCPZ_LOTS_AVOID_US);
        CHECK_UINT(fake_ask_count, i + 1);
        check_lines(i, 1);
        fake_fellow_says(i, 200, refused);
    }
    CHECK(strstr(fake_text(exchange), "\"applied\":1,\"failed\":1") != NULL);
    CHECK(strstr(fake_text(exchange), "\"message\":\"ask again\"") != NULL);
    end(exchange);
}

TEST(who_asked_may_go_away_meanwhile)
{
    begin();
    add("set", agent_of('b', 0), 1);
    add("set", agent_of('c', 0), 1);
    struct mcpz_exchange *exchange = apply();

    CHECK_UINT(fake_ask_count, 2);
    end(exchange);
}

/* A line that names a blob whose document `node` keeps. */
static void add_blob(int agent, char node)
{
    const size_t used = strlen(body);
    char text[MCPZ_ID_TEXT_BYTES];

    for (uint8_t number = 1;; number++) {
        const struct mcpz_id root = {{number}};
        struct mcpz_id document;
        struct mcpz_id owners[MCPZ_OWNERS_MAX];
        mcpz_blob_book_id(&root, &document);
        CHECK_UINT(mcpz_layouts_owners(&world.engine.node.layouts, &document, owners), 1);
        if (owners[0].bytes[0] == (uint8_t)node) {
            mcpz_id_to_text(&root, 'b', text);
            break;
        }
    }
    (void)snprintf(body + used, sizeof(body) - used,
                   "{\"op\":\"set\",\"id\":\"a%d\",\"path\":\"x\",\"value\":{\"$blob\":\"%s\","
                   "\"size\":5,\"tenant\":\"t\"}}\n",
                   agent, text);
}

TEST(a_line_that_names_a_blob_waits_until_that_is_written_down)
{
    begin();
    add_blob(agent_of('s', 0), 'b');
    add("set", agent_of('s', 0), 1);
    add_blob(agent_of('s', 0), 'c');
    add_blob(agent_of('s', 0), 's'); /* unknown, and not put */
    add_blob(agent_of('b', 0), 'c'); /* B sees to that */
    struct mcpz_exchange *exchange = apply();

    CHECK_UINT(fake_ask_count, 1);
    CHECK_TEXT(fake_asks[0].path, "mcpz.blobs/refer");
    CHECK_UINT(fake_asks[0].node.bytes[0], 'b');
    CHECK_UINT(world.engine.event_count, 0); /* nor are those behind it done */
    fake_fellow_says(0, 200, "{\"written\":true}");
    CHECK_UINT(world.engine.event_count, 2);
    CHECK_UINT(world.engine.events[0].agent.op, MCPZ_AGENT_SET);
    CHECK_UINT(fake_asks[1].node.bytes[0], 'c');
    fake_fellow_says(1, 404, "{\"error\":{\"code\":\"not_found\",\"message\":\"put it\"}}");
    CHECK_UINT(world.engine.event_count, 2);
    CHECK_UINT(fake_ask_count, 3);
    CHECK(strstr(fake_asks[2].path, "/v1/apply") == fake_asks[2].path);
    CHECK(strstr(fake_asks[2].body, "$blob") != NULL);
    fake_fellow_says(2, 200, "{\"applied\":1,\"failed\":0,\"errors\":[]}");
    fake_reply(world.engine.events[0].agent.request, MCPZ_CODE_OK, "");
    fake_reply(world.engine.events[1].agent.request, MCPZ_CODE_OK, "");
    CHECK_UINT(fake_status(exchange), 200);
    CHECK(strstr(fake_text(exchange), "\"applied\":3,\"failed\":2") != NULL);
    CHECK(strstr(fake_text(exchange), "\"line\":3,\"code\":\"not_found\"") != NULL);
    CHECK(strstr(fake_text(exchange), "\"line\":4,\"code\":\"not_found\"") != NULL);
    end(exchange);
}

TEST(who_asked_may_go_away_while_a_reference_is_written)
{
    begin();
    add_blob(agent_of('s', 0), 'b');
    struct mcpz_exchange *exchange = apply();

    CHECK_UINT(fake_ask_count, 1);
    end(exchange);
}

TEST(a_tenants_line_names_no_blob_of_another)
{
    begin();
    world.tenant = "u";
    add_blob(agent_of('s', 0), 'b');
    struct mcpz_exchange *exchange = apply();

    CHECK_UINT(fake_ask_count, 0);
    CHECK(strstr(fake_text(exchange), "\"code\":\"denied\"") != NULL);
    world.tenant = NULL;
    end(exchange);
}

TEST_MAIN(RUN(each_line_goes_to_who_keeps_its_agent),
          RUN(batches_are_bounded_and_one_is_under_way_for_a_node),
          RUN(no_more_is_read_than_there_is_room_for),
          RUN(who_cannot_have_begun_is_asked_again_in_order),
          RUN(nobody_is_waited_for_longer_than_patience),
          RUN(what_may_have_happened_is_repeated_only_if_it_does_no_harm),
          RUN(a_line_that_is_others_by_now_is_asked_of_those_a_few_times),
          RUN(who_asked_may_go_away_meanwhile),
          RUN(a_line_that_names_a_blob_waits_until_that_is_written_down),
          RUN(who_asked_may_go_away_while_a_reference_is_written),
          RUN(a_tenants_line_names_no_blob_of_another))
