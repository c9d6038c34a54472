/* Streams of sessions: who gets one, who comes back to it, and who hears what servers say. */

#include "face_world.h"
#include "mcp/words.h"

#define ANSWER "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}"

static struct mcpz_face_request streaming(const char *body)
{
    struct mcpz_face_request request = in_session(body);

    request.accept = mcpz_text("text/event-stream, application/json");
    return request;
}

TEST(who_names_streams_first_gets_one_also_for_what_is_answered_at_once)
{
    struct client client;

    set_up();
    begin_session();
    ask(&client, streaming(REQUEST("1", "ping", "{}")));
    CHECK_TEXT(client.type, "text/event-stream");
    pull(&client);
    CHECK_TEXT(client.text, "id: 1-1\nretry: 50\ndata: \n\nid: 1-2\ndata: " ANSWER "\n\n");
    CHECK(client.ended);
    leave(&client);
    struct mcpz_face_request request = in_session(REQUEST("1", "ping", "{}"));
    request.accept = mcpz_text("application/json, text/event-stream");
    check_answer(&client, request, 200, ANSWER);
    CHECK_TEXT(client.type, "application/json");
    tear_down();
}

TEST(who_names_streams_first_may_be_sent_away_once_to_come_back)
{
    struct client client;
    struct client again;

    set_up();
    begin_session();
    ask(&client, streaming(REQUEST("1", "tools/call", "{\"name\":\"echo\"}")));
    pass_time(MCPZ_FACE_STREAM_US - 1);
    pull(&client);
    CHECK(!client.ended);
    pass_time(1);
    pull(&client);
    CHECK(client.ended);
    leave(&client);
    struct mcpz_face_request resume = get();
    resume.last_event = mcpz_text("1-1");
    ask(&again, resume);
    pass_time(MCPZ_FACE_STREAM_US);
    pull(&again);
    CHECK(!again.ended);
    say(&hosted[0], LINE_0);
    say(&hosted[0], ANSWER);
    finish(&hosted[0]);
    run();
    pull(&again);
    CHECK_TEXT(again.text, "id: 1-2\ndata: " ANSWER "\n\n");
    CHECK(again.ended);
    leave(&again);
    tear_down();
}

TEST(who_has_been_told_something_is_not_sent_away)
{
    struct client client;

    set_up();
    begin_session();
    ask(&client, streaming(REQUEST("1", "tools/call", "{\"name\":\"echo\"}")));
    say(&hosted[0], LINE_0);
    say(&hosted[0], REQUEST("7", "elicitation/create", "{\"message\":\"?\"}"));
    run();
    pass_time(MCPZ_FACE_STREAM_US);
    pull(&client);
    CHECK(!client.ended);
    leave(&client);
    tear_down();
}

TEST(the_host_is_told_whether_anybody_hears_what_it_says)
{
    struct client client;
    struct client stream;

    set_up();
    begin_session();
    ask(&client, in_session(REQUEST("1", "tools/call", "{\"name\":\"echo\"}")));
    say(&hosted[0], LINE_0);
    say(&hosted[0], ANSWER);
    finish(&hosted[0]);
    run();
    leave(&client);
    ask(&stream, get());
    CHECK_UINT(hosted_count, 2);
    CHECK(strstr(hosted[1].params, "\"kind\":\"listen\"") != NULL);
    leave(&stream);
    CHECK_UINT(hosted[1].line_count, 1);
    CHECK_TEXT(hosted[1].lines[0], MCPZ_LINE_UNHEARD);
    ask(&stream, get());
    CHECK_UINT(hosted[1].line_count, 2);
    CHECK_TEXT(hosted[1].lines[1], MCPZ_LINE_HEARD);
    leave(&stream);
    tear_down();
}

/* Its calls may go anywhere; what it says of its own accord comes from one node. */
TEST(a_subscription_at_a_stateless_server_is_heard_from_where_it_was_made)
{
    struct client client;
    struct client stream;

    set_up();
    begin_session();
    ask(&client, in_session(REQUEST("1", "resources/subscribe", "{\"uri\":\"y:1\"}")));
    CHECK_UINT(hosted_count, 1);
    CHECK(!hosted[0].had_target);
    say(&hosted[0], LINE_0);
    say(&hosted[0], ANSWER);
    finish(&hosted[0]);
    run();
    leave(&client);
    ask(&stream, get());
    CHECK_UINT(hosted_count, 2);
    CHECK(strstr(hosted[1].params, "\"kind\":\"listen\"") != NULL);
    CHECK(hosted[1].had_target);
    say(&hosted[1], LINE_0);
    say(&hosted[1], NOTIFICATION("notifications/resources/updated", "{\"uri\":\"y:1\"}"));
    run();
    pull(&stream);
    CHECK(strstr(stream.text, "notifications/resources/updated") != NULL);

    /* Others of its calls still go anywhere; the next subscription goes where the first one is. */
    ask(&client, in_session(REQUEST("2", "resources/read", "{\"uri\":\"y:1\"}")));
    CHECK(!hosted[2].had_target);
    leave(&client);
    ask(&client, in_session(REQUEST("3", "resources/unsubscribe", "{\"uri\":\"y:1\"}")));
    CHECK(hosted[3].had_target);
    leave(&client);
    leave(&stream);
    tear_down();
}

TEST(who_listens_at_a_node_that_goes_listens_at_another)
{
    struct client client;
    struct client stream;

    set_up();
    begin_session();
    ask(&client, in_session(REQUEST("1", "tools/call", "{\"name\":\"echo\"}")));
    say(&hosted[0], LINE_0);
    say(&hosted[0], ANSWER);
    finish(&hosted[0]);
    run();
    leave(&client);
    ask(&stream, get());
    CHECK_UINT(hosted_count, 2);
    CHECK(hosted[1].had_target);
    mcpz_line_fail(hosted[1].stream, MCPZ_CODE_DRAINING, "the node is about to go", 0);
    hosted[1].stream = NULL;
    run();
    pass_time(MCPZ_FACE_LISTEN_US);
    CHECK_UINT(hosted_count, 3);
    CHECK(strstr(hosted[2].params, "\"kind\":\"listen\"") != NULL);
    CHECK(!hosted[2].had_target);
    pull(&stream);
    CHECK(!stream.ended);
    leave(&stream);
    tear_down();
}

TEST(a_node_that_goes_listens_to_nobody)
{
    struct client client;
    struct client stream;
    struct client modern_one;

    set_up();
    begin_session();
    ask(&client, in_session(REQUEST("1", "tools/call", "{\"name\":\"echo\"}")));
    say(&hosted[0], LINE_0);
    run();
    ask(&stream, get());
    ask(&modern_one, modern("subscriptions/listen", NULL,
                            REQUEST("9", "subscriptions/listen",
                                    "{\"notifications\":{\"toolsListChanged\":true}," META "}")));
    CHECK_UINT(hosted_count, 4);
    mcpz_face_leave(face, true);
    run();
    CHECK(!hosted[0].over); /* what somebody asked for goes on */
    CHECK(hosted[1].over && hosted[2].over && hosted[3].over);
    pull(&modern_one);
    CHECK(strstr(modern_one.text, "\"id\":9,\"result\":{\"resultType\":\"complete\"}") != NULL);
    CHECK(modern_one.ended);
    leave(&modern_one);
    pass_time(MCPZ_SECONDS(5));
    CHECK_UINT(hosted_count, 4);
    mcpz_face_leave(face, false);
    pass_time(MCPZ_SECONDS(5));
    CHECK_UINT(hosted_count, 5);
    leave(&stream);
    leave(&client);
    tear_down();
}

TEST(what_is_just_coming_is_waited_for)
{
    struct client client;

    set_up();
    documents[1] = NULL;
    begin_session();
    check_answer(&client, in_session(REQUEST("1", "tools/call", "{\"name\":\"far\"}")), 200,
                 "-32602");
    documents[1] = TWO; /* and nobody has told the face */
    ask(&client, in_session(REQUEST("1", "tools/call", "{\"name\":\"far\"}")));
    CHECK(!client.answered);
    CHECK_UINT(hosted_count, 1);
    leave(&client);
    documents[1] = NULL;
    mcpz_face_hear(face);
    run();
    pass_time(MCPZ_SECONDS(40)); /* its grace is over */
    pass_time(MCPZ_SECONDS(40));
    documents[1] = TWO;
    ask(&client, in_session(REQUEST("1", "resources/read", "{\"uri\":\"y:1\"}")));
    CHECK_UINT(hosted_count, 2);
    leave(&client);
    documents[1] = NULL;
    mcpz_face_hear(face);
    run();
    pass_time(MCPZ_SECONDS(40));
    pass_time(MCPZ_SECONDS(40));
    documents[1] = TWO;
    struct mcpz_face_request request = post(INITIALIZE);
    request.server = mcpz_text("two");
    check_answer(&client, request, 200, "\"name\":\"two\"");
    tear_down();
}

TEST_MAIN(RUN(who_listens_at_a_node_that_goes_listens_at_another),
          RUN(a_node_that_goes_listens_to_nobody), RUN(what_is_just_coming_is_waited_for),
          RUN(who_names_streams_first_gets_one_also_for_what_is_answered_at_once),
          RUN(who_names_streams_first_may_be_sent_away_once_to_come_back),
          RUN(who_has_been_told_something_is_not_sent_away),
          RUN(the_host_is_told_whether_anybody_hears_what_it_says),
          RUN(a_subscription_at_a_stateless_server_is_heard_from_where_it_was_made))
