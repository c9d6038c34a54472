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

/* ---- How many copies there are ------------------------------------------------------------- */

/* "replication" of what a node says; the rest is let go of. */
static json_t *replication(void)
{
    struct mcpz_exchange *exchange = fake_ask(MCPZ_GET, "/v1/layout?here=true", NULL);

    for (size_t i = 0; fake_status(exchange) == 0; i++) {
        CHECK(i < 100);
        fake_turn();
    }
    CHECK_UINT(fake_status(exchange), 200);
    json_t *answer = json_loads(fake_text(exchange), 0, NULL);
    json_t *found = json_incref(json_object_get(answer, "replication"));
    json_decref(answer);
    mcpz_api_close(exchange);
    return found;
}

static void check_replication(const char *wanted)
{
    json_t *said = replication();
    json_t *expected = json_loads(wanted, JSON_DECODE_ANY, NULL);

    CHECK(expected != NULL);
    if (!json_equal(said, expected)) {
        char *text = json_dumps(said, JSON_ENCODE_ANY);
        CHECK_TEXT(text, wanted);
        free(text);
    }
    json_decref(said);
    json_decref(expected);
}

TEST(copies_are_counted)
{
    layout_copies = 3;
    begin();
    fake_layout_synced(3);
    check_replication("{\"copies\": 3, \"missing\": 0, \"without_quorum\": 0, \"waiting\": [],"
                      " \"partitions\": [{\"copies\": 3, \"partitions\": 65536}]}");
    end();
    layout_copies = 1;
}

static json_t *waiting_at(const json_t *said, size_t at)
{
    return json_array_get(json_object_get(said, "waiting"), at);
}

TEST(copies_of_who_is_away_or_has_not_got_them_are_missing)
{
    layout_copies = 3;
    begin();
    fake_layout_synced(2); /* C, or ourselves: whose id is the last */
    world.engine.node.fabric.members.roster.rows[1].state = MCPZ_MEMBER_DEAD;
    json_t *said = replication();
    CHECK_UINT(json_integer_value(json_object_get(said, "missing")), 65536);
    CHECK_UINT(json_integer_value(json_object_get(said, "without_quorum")), 65536);
    const json_t *row = json_array_get(json_object_get(said, "partitions"), 0);
    CHECK_UINT(json_integer_value(json_object_get(row, "copies")), 1);
    CHECK_UINT(json_integer_value(json_object_get(row, "partitions")), 65536);
    CHECK_UINT(json_array_size(json_object_get(said, "waiting")), 2);
    CHECK_TEXT(json_string_value(json_object_get(waiting_at(said, 0), "for")), "return");
    CHECK_TEXT(json_string_value(json_object_get(waiting_at(said, 0), "name")), "B");
    CHECK_TEXT(json_string_value(json_object_get(waiting_at(said, 1), "for")), "sync");
    json_decref(said);
    end();
    layout_copies = 1;
}

/* Of 65536 partitions of two copies among three nodes each keeps about two thirds. */
TEST(partitions_that_others_keep_are_whole)
{
    layout_copies = 2;
    begin();
    fake_layout_synced(3);
    world.engine.node.fabric.members.roster.rows[2].state = MCPZ_MEMBER_LEFT;
    json_t *said = replication();
    const json_int_t missing = json_integer_value(json_object_get(said, "missing"));
    CHECK(missing > 42000 && missing < 45400);
    CHECK_UINT(json_integer_value(json_object_get(said, "without_quorum")), missing);
    json_decref(said);
    end();
    layout_copies = 1;
}

TEST(where_everybody_keeps_everything_nothing_is_counted)
{
    begin();
    world.engine.node.layouts.in_force = false;
    check_replication("null");
    end();
}

TEST_MAIN(RUN(copies_are_counted), RUN(copies_of_who_is_away_or_has_not_got_them_are_missing),
          RUN(partitions_that_others_keep_are_whole),
          RUN(where_everybody_keeps_everything_nothing_is_counted),
          RUN(a_dead_node_that_is_taken_out_is_not_waited_for),
          RUN(who_is_no_node_of_a_layout_is_named), RUN(one_that_is_there_is_waited_for))
