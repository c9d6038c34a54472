/* Tasks of the protocol at /mcp: whose they are is seen in their ids. */

#include "face_world.h"

#define RELATED(id) "\"_meta\":{\"io.modelcontextprotocol/related-task\":{\"taskId\":\"" id "\"}}"
#define AT "two:" NODE ":" /* it has no state, so its tasks say where they are */
#define RESPONSE(id, result) "{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":" result "}"
#define LISTER(name, more)                                                                        \
    "{\"serverInfo\":{\"name\":\"" name "\",\"version\":\"1\"},\"capabilities\":{\"tools\":{},"   \
    "\"tasks\":{\"list\":{}}}" more ",\"tools\":[{\"name\":\"echo\"}]}"

/* The host answers the newest call, which has told it `line`. */
static void serve(const char *line, const char *response)
{
    struct hosted *call = &hosted[hosted_count - 1];

    CHECK_TEXT(call->lines[0], line);
    say(call, LINE_0);
    say(call, response);
    finish(call);
    run();
}

/* A client asks; the host is told `line`, and answers; the client is told `answer`. */
static void check_trip(const char *question, const char *line, const char *response,
                       const char *answer)
{
    struct client client;
    size_t before = hosted_count;

    ask(&client, in_session(question));
    CHECK_UINT(hosted_count, before + 1);
    serve(line, response);
    CHECK_UINT(client.status, 200);
    CHECK_TEXT(client.text, answer);
    leave(&client);
}

TEST(a_task_is_shown_with_its_server_and_found_by_it)
{
    set_up();
    begin_session();
    check_trip(
        REQUEST("1", "tools/call", "{\"name\":\"two_echo\",\"task\":{\"ttl\":1}}"),
        REQUEST("1", "tools/call", "{\"name\":\"echo\",\"task\":{\"ttl\":1}}"),
        RESPONSE("1", "{" RELATED("7") ",\"task\":{\"status\":\"working\",\"taskId\":\"7\"}}"),
        RESPONSE("1", "{" RELATED(AT "7") ",\"task\":{\"status\":\"working\",\"taskId\":\"" AT
                                          "7\"}}"));
    check_trip(REQUEST("2", "tools/call", "{\"name\":\"echo\",\"task\":{}}"),
               REQUEST("2", "tools/call", "{\"name\":\"echo\",\"task\":{}}"),
               RESPONSE("2", "{\"task\":{\"taskId\":\"7\"}}"),
               RESPONSE("2", "{\"task\":{\"taskId\":\"one:7\"}}"));
    check_trip(REQUEST("3", "tasks/get", "{\"taskId\":\"two:7\"}"),
               REQUEST("3", "tasks/get", "{\"taskId\":\"7\"}"),
               RESPONSE("3", "{\"taskId\":\"7\",\"status\":\"working\"}"),
               RESPONSE("3", "{\"taskId\":\"" AT "7\",\"status\":\"working\"}"));
    check_trip(REQUEST("4", "tasks/cancel", "{\"x\":[],\"taskId\":\"one:7\"}"),
               REQUEST("4", "tasks/cancel", "{\"x\":[],\"taskId\":\"7\"}"),
               RESPONSE("4", "{\"status\":\"cancelled\",\"taskId\":\"7\"}"),
               RESPONSE("4", "{\"status\":\"cancelled\",\"taskId\":\"one:7\"}"));
    check_trip(REQUEST("5", "tasks/result", "{" RELATED("two:7") ",\"taskId\":\"two:7\"}"),
               REQUEST("5", "tasks/result", "{" RELATED("7") ",\"taskId\":\"7\"}"),
               RESPONSE("5", "{\"content\":[{\"taskId\":\"7\"}]," RELATED("7") "}"),
               RESPONSE("5", "{\"content\":[{\"taskId\":\"7\"}]," RELATED(AT "7") "}"));
    tear_down();
}

TEST(ids_of_servers_are_theirs_to_make)
{
    set_up();
    begin_session();
    /* A colon, escapes, and nothing at all. */
    check_trip(REQUEST("1", "tasks/get", "{\"taskId\":\"two:a:\\\"b\"}"),
               REQUEST("1", "tasks/get", "{\"taskId\":\"a:\\\"b\"}"),
               RESPONSE("1", "{\"taskId\":\"a:\\\"b\"}"),
               RESPONSE("1", "{\"taskId\":\"" AT "a:\\\"b\"}"));
    check_trip(REQUEST("2", "tasks/get", "{\"taskId\":\"two:\"}"),
               REQUEST("2", "tasks/get", "{\"taskId\":\"\"}"),
               "{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{\"code\":-32602,\"message\":\"7\"}}",
               "{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{\"code\":-32602,\"message\":\"7\"}}");
    /* What is no id stays what it is, and so does what is not a task's. */
    check_trip(REQUEST("3", "tools/call", "{\"name\":\"echo\"}"),
               REQUEST("3", "tools/call", "{\"name\":\"echo\"}"),
               RESPONSE("3", "{\"taskId\":7,\"task\":[],\"tasks\":[{\"taskId\":\"7\"}],"
                             "\"nextCursor\":\"c\",\"_meta\":{\"taskId\":\"7\"}}"),
               RESPONSE("3", "{\"taskId\":7,\"task\":[],\"tasks\":[{\"taskId\":\"7\"}],"
                             "\"nextCursor\":\"c\",\"_meta\":{\"taskId\":\"7\"}}"));
    tear_down();
}

TEST(a_task_that_nobody_has_is_refused)
{
    static const char *const ids[] = {"\"7\"", "\"three:7\"", "\":7\"", "\"\"", "7", "null"};
    static const char *const asked[] = {"tasks/get", "tasks/result", "tasks/cancel"};
    struct client client;
    char body[256];

    set_up();
    begin_session();
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(ids); i++) {
        for (size_t k = 0; k < MCPZ_ARRAY_LEN(asked); k++) {
            (void)snprintf(
                body, sizeof(body),
                "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":{\"taskId\":%s}}",
                asked[k], ids[i]);
            check_answer(&client, in_session(body), 200,
                         "\"error\":{\"code\":-32602,\"message\":\"Unknown task: ");
        }
    }
    check_answer(&client, in_session(REQUEST("1", "tasks/get", "{}")), 200, "-32602");
    CHECK_UINT(hosted_count, 0);
    tear_down();
}

TEST(one_server_as_it_is_has_its_tasks_with_their_node_at_most)
{
    struct client client;
    struct mcpz_face_request request = post(INITIALIZE);

    set_up();
    request.server = mcpz_text("two");
    ask(&client, request);
    CHECK_UINT(client.status, 200);
    (void)snprintf(session, sizeof(session), "%s", client.session);
    leave(&client);
    request = in_session(REQUEST("1", "tasks/get", "{" RELATED("two:7") ",\"taskId\":\"two:7\"}"));
    request.server = mcpz_text("two");
    ask(&client, request);
    serve(REQUEST("1", "tasks/get", "{" RELATED("two:7") ",\"taskId\":\"two:7\"}"),
          RESPONSE("1", "{\"taskId\":\"7\"," RELATED("7") "}"));
    CHECK_TEXT(client.text, RESPONSE("1", "{\"taskId\":\"" NODE ":7\"," RELATED(NODE ":7") "}"));
    leave(&client);
    CHECK(!hosted[0].had_target);
    request = in_session(REQUEST("2", "tasks/get", "{\"taskId\":\"" NODE ":7\"}"));
    request.server = mcpz_text("two");
    ask(&client, request);
    CHECK(hosted[1].had_target);
    serve(REQUEST("2", "tasks/get", "{\"taskId\":\"7\"}"), RESPONSE("2", "{}"));
    leave(&client);
    /* A session keeps to the node of a server with a state: it need not be told. */
    request = post(INITIALIZE);
    request.server = mcpz_text("one");
    ask(&client, request);
    (void)snprintf(session, sizeof(session), "%s", client.session);
    leave(&client);
    request = in_session(REQUEST("3", "tools/call", "{\"name\":\"echo\",\"task\":{}}"));
    request.server = mcpz_text("one");
    ask(&client, request);
    serve(REQUEST("3", "tools/call", "{\"name\":\"echo\",\"task\":{}}"),
          RESPONSE("3", "{\"task\":{\"taskId\":\"7\"}}"));
    CHECK_TEXT(client.text, RESPONSE("3", "{\"task\":{\"taskId\":\"7\"}}"));
    leave(&client);
    tear_down();
}

/* ---- What is said about a task ------------------------------------------------------------ */

TEST(what_is_asked_for_a_task_names_it_to_both_sides)
{
    struct client client;
    struct client other;

    set_up();
    begin_session();
    ask(&client, in_session(REQUEST("1", "tasks/result", "{\"taskId\":\"one:7\"}")));
    say(&hosted[0], LINE_0);
    say(&hosted[0], REQUEST("5", "elicitation/create", "{\"taskId\":\"x\"," RELATED("7") "}"));
    run();
    pull(&client);
    CHECK(strstr(client.text, REQUEST("\"mcpz-q1\"", "elicitation/create",
                                      "{\"taskId\":\"x\"," RELATED("one:7") "}")) != NULL);
    check_answer(
        &other,
        in_session("{\"jsonrpc\":\"2.0\",\"result\":{" RELATED("one:7") ",\"a\":1},"
                                                                        "\"id\":\"mcpz-q1\"}"),
        202, "");
    CHECK_TEXT(hosted[0].lines[1],
               "{\"jsonrpc\":\"2.0\",\"result\":{" RELATED("7") ",\"a\":1},\"id\":5}");

    /* The other way about; and what is about no task of that server's is not touched. */
    say(&hosted[0], REQUEST("6", "elicitation/create", "{}"));
    say(&hosted[0], REQUEST("8", "tasks/get", "{\"taskId\":\"of the client\"}"));
    run();
    pull(&client);
    CHECK(strstr(client.text,
                 REQUEST("\"mcpz-q3\"", "tasks/get", "{\"taskId\":\"of the client\"}")) != NULL);
    check_answer(&other,
                 in_session(NOTIFICATION("notifications/progress", "{" RELATED("one:7") "}")), 202,
                 "");
    CHECK_TEXT(hosted[0].lines[2], NOTIFICATION("notifications/progress", "{" RELATED("7") "}"));
    check_answer(&other, in_session(RESPONSE("\"mcpz-q2\"", "{" RELATED("one:7") ",\"a\":1}")),
                 202, "");
    CHECK_TEXT(hosted[0].lines[3], RESPONSE("6", "{" RELATED("7") ",\"a\":1}"));
    check_answer(
        &other,
        in_session(RESPONSE("\"mcpz-q3\"", "{\"taskId\":\"of the client\"," RELATED("two:7") "}")),
        202, "");
    CHECK_TEXT(hosted[0].lines[4],
               RESPONSE("8", "{\"taskId\":\"of the client\"," RELATED("two:7") "}"));
    leave(&client);
    tear_down();
}

TEST(news_of_a_task_name_its_server)
{
    struct client client;
    struct client stream;

    set_up();
    begin_session();
    check_trip(REQUEST("1", "tools/call", "{\"name\":\"echo\",\"task\":{}}"),
               REQUEST("1", "tools/call", "{\"name\":\"echo\",\"task\":{}}"),
               RESPONSE("1", "{\"task\":{\"taskId\":\"7\"}}"),
               RESPONSE("1", "{\"task\":{\"taskId\":\"one:7\"}}"));
    ask(&stream, get());
    pass_time(MCPZ_FACE_LISTEN_US);
    CHECK_UINT(hosted_count, 2);
    say(&hosted[1], LINE_0);
    say(&hosted[1], NOTIFICATION("notifications/tasks/status", "{\"taskId\":\"7\"}"));
    say(&hosted[1], NOTIFICATION("notifications/message", "{\"taskId\":\"7\"," RELATED("8") "}"));
    run();
    pull(&stream);
    CHECK(strstr(stream.text, "data: " NOTIFICATION("notifications/tasks/status",
                                                    "{\"taskId\":\"one:7\"}") "\n\n") != NULL);
    CHECK(strstr(stream.text,
                 "data: " NOTIFICATION("notifications/message",
                                       "{\"taskId\":\"7\"," RELATED("one:8") "}") "\n\n") != NULL);
    /* What the client tells of a task of its own is not about one of the server's. */
    check_answer(&client,
                 in_session(NOTIFICATION("notifications/tasks/status", "{\"taskId\":\"one:7\"}")),
                 202, "");
    CHECK_TEXT(hosted[1].lines[0],
               NOTIFICATION("notifications/tasks/status", "{\"taskId\":\"one:7\"}"));
    leave(&stream);
    tear_down();
}

/* ---- Lists -------------------------------------------------------------------------------- */

TEST(the_tasks_of_the_mesh_are_listed_one_server_after_another)
{
    struct client client;

    set_up();
    documents[0] = LISTER("one", "");
    documents[1] = LISTER("two", ",\"stateless\":true");
    begin_session();
    /* "one" has a state, and was not called: it has no task of this session. */
    check_trip(REQUEST("1", "tasks/list", "{}"), REQUEST("1", "tasks/list", "{}"),
               RESPONSE("1", "{\"tasks\":[]}"), RESPONSE("1", "{\"tasks\":[]}"));
    check_trip(REQUEST("2", "tools/call", "{\"name\":\"echo\"}"),
               REQUEST("2", "tools/call", "{\"name\":\"echo\"}"), RESPONSE("2", "{}"),
               RESPONSE("2", "{}"));
    check_trip(REQUEST("3", "tasks/list", "{\"_meta\":{}}"),
               REQUEST("3", "tasks/list", "{\"_meta\":{}}"),
               RESPONSE("3", "{\"tasks\":[{\"taskId\":\"7\"},{\"taskId\":\"8\"}],"
                             "\"nextCursor\":\"a:b\"}"),
               RESPONSE("3", "{\"tasks\":[{\"taskId\":\"one:7\"},{\"taskId\":\"one:8\"}],"
                             "\"nextCursor\":\"one:a:b\"}"));
    check_trip(REQUEST("4", "tasks/list", "{\"cursor\":\"one:a:b\"}"),
               REQUEST("4", "tasks/list", "{\"cursor\":\"a:b\"}"),
               RESPONSE("4", "{\"tasks\":[{\"taskId\":\"9\"}]}"),
               RESPONSE("4", "{\"nextCursor\":\"two:\",\"tasks\":[{\"taskId\":\"one:9\"}]}"));
    check_trip(REQUEST("5", "tasks/list", "{\"cursor\":\"one:a\"}"),
               REQUEST("5", "tasks/list", "{\"cursor\":\"a\"}"),
               RESPONSE("5", "{\"nextCursor\":null,\"tasks\":[{\"taskId\":\"9\"}]}"),
               RESPONSE("5", "{\"nextCursor\":\"two:\",\"tasks\":[{\"taskId\":\"one:9\"}]}"));
    check_trip(REQUEST("6", "tasks/list", "{\"cursor\":\"one:a\"}"),
               REQUEST("6", "tasks/list", "{\"cursor\":\"a\"}"), RESPONSE("6", "{}"),
               RESPONSE("6", "{\"nextCursor\":\"two:\"}"));

    /* The first page of a server: it is asked without a cursor, wherever that stood. */
    const char *last = RESPONSE("7", "{\"tasks\":[{\"taskId\":\"7\"}]}");
    const char *shown = RESPONSE("7", "{\"tasks\":[{\"taskId\":\"" AT "7\"}]}");
    check_trip(REQUEST("7", "tasks/list", "{ \"cursor\" : \"two:\" }"),
               REQUEST("7", "tasks/list", "{  }"), last, shown);
    check_trip(REQUEST("7", "tasks/list", "{\"cursor\":\"two:\", \"a\":1}"),
               REQUEST("7", "tasks/list", "{\"a\":1}"), last, shown);
    check_trip(REQUEST("7", "tasks/list", "{\"a\":1,\"cursor\":\"two:\",\"b\":2}"),
               REQUEST("7", "tasks/list", "{\"a\":1,\"b\":2}"), last, shown);
    check_trip(REQUEST("7", "tasks/list", "{\"a\":1, \"cursor\":\"two:\"}"),
               REQUEST("7", "tasks/list", "{\"a\":1}"), last, shown);
    check_answer(&client, in_session(REQUEST("8", "tasks/list", "{\"cursor\":\"b\"}")), 200,
                 "\"code\":-32602,\"message\":\"Invalid cursor");
    check_answer(&client, in_session(REQUEST("8", "tasks/list", "{\"cursor\":7}")), 200,
                 "\"code\":-32602,\"message\":\"Invalid cursor");
    tear_down();
}

TEST(who_has_called_nobody_has_no_tasks)
{
    struct client client;

    set_up();
    begin_session();
    check_answer(&client, in_session(REQUEST("1", "tasks/list", "{}")), 200, "-32601");
    tear_down();
    set_up();
    documents[0] = LISTER("one", "");
    begin_session();
    check_answer(&client, in_session(REQUEST("1", "tasks/list", "{}")), 200,
                 RESPONSE("1", "{\"tasks\":[]}"));
    CHECK_UINT(hosted_count, 0);
    tear_down();
}

/* ---- 2026-07-28 --------------------------------------------------------------------------- */

#define META_TASKS                                                                                \
    "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","                      \
    "\"io.modelcontextprotocol/clientCapabilities\":{\"extensions\":{"                            \
    "\"io.modelcontextprotocol/tasks\":{}}}}"
#define MAKER(name, more)                                                                         \
    "{\"serverInfo\":{\"name\":\"" name "\",\"version\":\"1\"},\"era\":\"modern\",\"stateless\":" \
    "true,\"capabilities\":{\"tools\":{},\"extensions\":{\"io.modelcontextprotocol/"              \
    "tasks\":{}" more "}},\"tools\":[{\"name\":\"" name "\"}]}"

TEST(a_modern_task_is_found_by_its_server_too)
{
    struct client client;

    set_up();
    ask(&client,
        modern("tools/call", "echo", REQUEST("1", "tools/call", "{\"name\":\"echo\"," META "}")));
    serve(REQUEST("1", "tools/call", "{\"name\":\"echo\"," META "}"),
          RESPONSE("1", "{\"resultType\":\"task\",\"taskId\":\"7\"}"));
    CHECK_TEXT(client.text,
               RESPONSE("1", "{\"resultType\":\"task\",\"taskId\":\"one:" NODE ":7\"}"));
    leave(&client);
    /* It is looked for where it is first. */
    ask(&client,
        modern("tasks/get", "one:" NODE ":7",
               REQUEST("4", "tasks/get", "{\"taskId\":\"one:" NODE ":7\"," META_TASKS "}")));
    CHECK(hosted[hosted_count - 1].had_target);
    serve(REQUEST("4", "tasks/get", "{\"taskId\":\"7\"," META_TASKS "}"), RESPONSE("4", "{}"));
    leave(&client);
    ask(&client, modern("tasks/update", "two:7",
                        REQUEST("2", "tasks/update",
                                "{\"taskId\":\"two:7\",\"inputResponses\":{}," META_TASKS "}")));
    serve(REQUEST("2", "tasks/update", "{\"taskId\":\"7\",\"inputResponses\":{}," META_TASKS "}"),
          RESPONSE("2", "{\"resultType\":\"complete\"}"));
    CHECK_TEXT(client.text, RESPONSE("2", "{\"resultType\":\"complete\"}"));
    leave(&client);
    check_answer(
        &client,
        modern("tasks/get", "7", REQUEST("3", "tasks/get", "{\"taskId\":\"7\"," META_TASKS "}")),
        200, "\"code\":-32602,\"message\":\"Unknown task: ");
    check_answer(
        &client,
        modern("tasks/get", "7", REQUEST("3", "tasks/get", "{\"taskId\":\"7\"," META "}")), 400,
        "\"code\":-32021");
    tear_down();
}

TEST(a_subscription_to_tasks_is_told_each_server_as_far_as_it_is_about_its_own)
{
    struct client client;
    size_t two = 0; /* the call at that server */

    set_up();
    documents[1] = MAKER("two", "");
    ask(&client, modern("subscriptions/listen", NULL,
                        REQUEST("1", "subscriptions/listen",
                                "{\"notifications\":{\"taskIds\":[\"two:" NODE ":7\",\"one:8\","
                                "\"two:" NODE ":9\",\"two:elsewhere\",7,\"x\"],"
                                "\"toolsListChanged\":true}," META_TASKS "}")));
    CHECK_UINT(hosted_count, 2);
    two = strstr(hosted[0].lines[0], "\"8\"") != NULL ? 1 : 0;
    CHECK_TEXT(hosted[1 - two].lines[0], REQUEST("1", "subscriptions/listen",
                                                 "{\"notifications\":{\"taskIds\":[\"8\"],"
                                                 "\"toolsListChanged\":true}," META_TASKS "}"));
    CHECK_TEXT(hosted[two].lines[0], REQUEST("1", "subscriptions/listen",
                                             "{\"notifications\":{\"taskIds\":[\"7\",\"9\"],"
                                             "\"toolsListChanged\":true}," META_TASKS "}"));
    pull(&client);
    /* Agreed is what a server can tell of: "one" makes no tasks of that kind. */
    CHECK(strstr(client.text, "\"notifications\":{\"taskIds\":[\"two:" NODE ":7\",\"two:" NODE
                              ":9\"],\"toolsListChanged\":true}") != NULL);
    say(&hosted[two], LINE_0);
    say(&hosted[two],
        NOTIFICATION("notifications/tasks", "{\"taskId\":\"7\",\"status\":\"working\"}"));
    run();
    pull(&client);
    CHECK_TEXT(client.text, "data: " NOTIFICATION("notifications/tasks",
                                                  "{\"taskId\":\"two:" NODE
                                                  ":7\",\"status\":\"working\"}") "\n\n");
    leave(&client);
    check_answer(&client,
                 modern("subscriptions/listen", NULL,
                        REQUEST("1", "subscriptions/listen",
                                "{\"notifications\":{\"taskIds\":[]}," META "}")),
                 400, "\"code\":-32021");
    tear_down();
}

TEST(a_subscription_at_one_server_goes_where_its_tasks_are)
{
    struct client client;
    struct mcpz_face_request request =
        modern("subscriptions/listen", NULL,
               REQUEST("1", "subscriptions/listen",
                       "{\"notifications\":{\"taskIds\":[\"" NODE ":7\"]}," META_TASKS "}"));

    set_up();
    documents[1] = MAKER("two", "");
    request.server = mcpz_text("two");
    ask(&client, request);
    CHECK(hosted[0].had_target);
    CHECK_TEXT(hosted[0].lines[0],
               REQUEST("1", "subscriptions/listen",
                       "{\"notifications\":{\"taskIds\":[\"7\"]}," META_TASKS "}"));
    say(&hosted[0], LINE_0);
    say(&hosted[0], NOTIFICATION("notifications/subscriptions/acknowledged",
                                 "{\"notifications\":{\"taskIds\":[\"7\"]}}"));
    run();
    pull(&client);
    CHECK(strstr(client.text, "{\"notifications\":{\"taskIds\":[\"" NODE ":7\"]}}") != NULL);
    leave(&client);
    tear_down();
}

/* ---- Who can do what ---------------------------------------------------------------------- */

#define DISCOVER REQUEST("1", "server/discover", "{" META "}")

TEST(tasks_are_offered_in_the_words_of_each_revision)
{
    struct client client;
    struct mcpz_face_request request;

    set_up();
    documents[0] = "{\"serverInfo\":{\"name\":\"one\"},\"era\":\"legacy\",\"capabilities\":{"
                   "\"tasks\":{\"list\":{},\"requests\":{\"tools\":{\"call\":{}}}}}}";
    documents[1] = NULL;
    check_answer(&client, modern("server/discover", NULL, DISCOVER), 200,
                 "\"capabilities\":{\"tools\":{\"listChanged\":true},\"extensions\":{"
                 "\"io.modelcontextprotocol/tasks\":{}}}");
    request = modern("server/discover", NULL, DISCOVER);
    request.server = mcpz_text("one");
    check_answer(&client, request, 200,
                 "\"capabilities\":{\"extensions\":{\"io.modelcontextprotocol/tasks\":{}}}");
    tear_down();
    set_up();
    documents[0] = MAKER("one", ",\"a/b\":{}");
    documents[1] = NULL;
    check_answer(
        &client, post(INITIALIZE), 200,
        "\"extensions\":{\"a/b\":{}},\"logging\":{},\"tasks\":{\"cancel\":{},\"requests\":{"
        "\"tools\":{\"call\":{}}}}}");
    request = post(INITIALIZE);
    request.server = mcpz_text("one");
    check_answer(&client, request, 200,
                 "\"capabilities\":{\"tools\":{},\"extensions\":{\"a/b\":{}},\"tasks\":{"
                 "\"cancel\":{},\"requests\":{\"tools\":{\"call\":{}}}}}");
    begin_session();
    check_answer(&client, in_session(REQUEST("1", "tools/list", "{}")), 200,
                 "[{\"execution\":{\"taskSupport\":\"optional\"},\"name\":\"one\"}]");
    check_answer(&client, modern("tools/list", NULL, REQUEST("1", "tools/list", "{" META "}")),
                 200, "\"tools\":[{\"name\":\"one\"}]");
    tear_down();
}

TEST(extensions_of_all_servers_are_offered_as_far_as_they_are_passed_on)
{
    struct client client;

    set_up();
    documents[0] = MAKER("one", ",\"a/b\":{},\"io.modelcontextprotocol/ui\":{\"m\":1}");
    documents[1] = NULL;
    check_answer(&client, modern("server/discover", NULL, DISCOVER), 200,
                 "\"extensions\":{\"io.modelcontextprotocol/tasks\":{},\"a/b\":{},"
                 "\"io.modelcontextprotocol/ui\":{\"m\":1}}}");
    tear_down();
    set_up();
    /* Where there are two, nobody knows whom a method is for that only one of them knows. */
    documents[0] = MAKER("one", ",\"a/b\":{},\"io.modelcontextprotocol/ui\":{\"m\":1}");
    documents[1] = "{\"serverInfo\":{\"name\":\"two\"},\"era\":\"modern\",\"capabilities\":{"
                   "\"extensions\":{\"c\":{},\"io.modelcontextprotocol/ui\":{\"m\":2}}}}";
    check_answer(&client, modern("server/discover", NULL, DISCOVER), 200,
                 "\"extensions\":{\"io.modelcontextprotocol/tasks\":{},"
                 "\"io.modelcontextprotocol/ui\":{\"m\":1}}}");
    tear_down();
}

TEST(what_any_server_can_do_with_tasks_the_mesh_can)
{
    struct client client;

    set_up();
    documents[0] = "{\"serverInfo\":{\"name\":\"one\"},\"capabilities\":{\"tasks\":{\"cancel\":{},"
                   "\"requests\":{\"tools\":{\"call\":{}}}}}}";
    documents[1] = LISTER("two", "");
    check_answer(&client, post(INITIALIZE), 200,
                 "\"tasks\":{\"list\":{},\"cancel\":{},\"requests\":{\"tools\":{\"call\":{}}}}");
    documents[0] = NULL;
    tear_down();
    set_up();
    documents[0] = NULL;
    documents[1] = LISTER("two", "");
    check_answer(&client, post(INITIALIZE), 200, "\"tasks\":{\"list\":{}}}");
    tear_down();
}

TEST_MAIN(RUN(a_task_is_shown_with_its_server_and_found_by_it),
          RUN(ids_of_servers_are_theirs_to_make), RUN(a_task_that_nobody_has_is_refused),
          RUN(one_server_as_it_is_has_its_tasks_with_their_node_at_most),
          RUN(what_is_asked_for_a_task_names_it_to_both_sides),
          RUN(news_of_a_task_name_its_server),
          RUN(the_tasks_of_the_mesh_are_listed_one_server_after_another),
          RUN(who_has_called_nobody_has_no_tasks), RUN(a_modern_task_is_found_by_its_server_too),
          RUN(a_subscription_to_tasks_is_told_each_server_as_far_as_it_is_about_its_own),
          RUN(a_subscription_at_one_server_goes_where_its_tasks_are),
          RUN(tasks_are_offered_in_the_words_of_each_revision),
          RUN(extensions_of_all_servers_are_offered_as_far_as_they_are_passed_on),
          RUN(what_any_server_can_do_with_tasks_the_mesh_can))
