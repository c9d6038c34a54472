/* Routes, their errors, and what waits for the engine. */

#include <jansson.h>

#include "base/hash.h"
#include "fake_engine.h"
#include "http/api.h"
#include "http/fellows.h"
#include "proto/code.h"
#include "wire/codec.h"
#include "wire/credentials.h"

#define OK MCPZ_CODE_OK

/* Ask, let it run, compare, close. */
static void check(enum mcpz_method method, const char *path, const char *body, unsigned status)
{
    struct mcpz_exchange *exchange = fake_ask(method, path, body);

    fake_turn();
    if (fake_status(exchange) != status) {
        print_error("%s %s: %s\n", path, body != NULL ? body : "", fake_text(exchange));
    }
    CHECK_UINT(fake_status(exchange), status);
    if (status >= 400 && status != 503) {
        CHECK(strncmp(fake_text(exchange), "{\"error\":{\"code\":\"", 18) == 0);
    }
    mcpz_api_close(exchange);
}

/* As above, of a request that waits for a REPLY with `code`. */
static void check_reply(enum mcpz_method method, const char *path, const char *body, uint32_t code,
                        unsigned status)
{
    struct mcpz_exchange *exchange = fake_ask(method, path, body);

    fake_turn();
    if (fake_status(exchange) != 0) {
        print_error("%s: %s\n", path, fake_text(exchange));
    }
    CHECK_UINT(fake_status(exchange), 0);
    fake_reply(world.engine.requests, code, "because");
    CHECK_UINT(fake_status(exchange), status);
    mcpz_api_close(exchange);
}

/* ---- Routes ------------------------------------------------------------------------------- */

TEST(looking_answers_at_once)
{
    static const char *const paths[] = {
        "/v1/status", "/v1/peers",     "/v1/capabilities", "/v1/config",
        "/v1/agents", "/v1/snapshots", "/v1/tokens",       "/v1/revocations",
        "/health",    "/livez",        "/readyz",          "/v1/snapshots/export",
        "/metrics",
    };

    fake_begin();
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        check(MCPZ_GET, paths[i], NULL, 200);
    }
    fake_end();
}

TEST(an_unknown_path_is_not_found)
{
    static const char *const paths[] = {"/",           "/v1",         "/v1/",        "/v1/statu",
                                        "/v1/status/", "/v1/agents/", "/v1/tokens/", "/healthz"};

    fake_begin();
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        check(MCPZ_GET, paths[i], NULL, 404);
    }
    fake_end();
}

TEST(a_wrong_method_names_the_right_ones)
{
    fake_begin();
    struct mcpz_exchange *exchange = fake_ask(MCPZ_DELETE, "/v1/agents", NULL);
    CHECK_UINT(fake_status(exchange), 405);
    CHECK_TEXT(mcpz_api_response(exchange)->allow, "GET, HEAD, POST");
    mcpz_api_close(exchange);
    check(MCPZ_POST, "/v1/status", NULL, 405);
    check(MCPZ_DELETE, "/v1/tasks", NULL, 405);
    check(MCPZ_GET, "/v1/tokens/00", NULL, 405);
    check(MCPZ_METHOD_OTHER, "/health", NULL, 405);
    fake_end();
}

static void check_access(enum mcpz_access access, enum mcpz_method method, const char *path,
                         bool is_allowed)
{
    struct mcpz_exchange *exchange = NULL;
    const struct mcpz_request request = {
        .method = method, .path = mcpz_text(path), .access = access};

    CHECK_UINT(mcpz_api_open(world.api, NULL, &exchange), MCPZ_OK);
    mcpz_api_ask(exchange, &request);
    if ((fake_status(exchange) != 403) != is_allowed) {
        print_error("%s: %u\n", path, fake_status(exchange));
    }
    CHECK((fake_status(exchange) != 403) == is_allowed);
    mcpz_api_close(exchange);
}

TEST(what_makes_a_node_do_things_is_for_who_runs_it)
{
    static const struct {
        enum mcpz_method method;
        const char *path;
        enum mcpz_access least;
    } cases[] = {
        {MCPZ_GET, "/health", MCPZ_ACCESS_LOOK},
        {MCPZ_GET, "/livez", MCPZ_ACCESS_LOOK},
        {MCPZ_GET, "/readyz", MCPZ_ACCESS_LOOK},
        {MCPZ_GET, "/v1/status", MCPZ_ACCESS_USE},
        {MCPZ_GET, "/metrics", MCPZ_ACCESS_USE},
        {MCPZ_GET, "/v1/peers", MCPZ_ACCESS_USE},
        {MCPZ_POST, "/v1/tasks", MCPZ_ACCESS_TENANT},
        {MCPZ_GET, "/v1/tasks", MCPZ_ACCESS_TENANT},
        {MCPZ_POST, "/v1/tasks/submit", MCPZ_ACCESS_TENANT},
        {MCPZ_DELETE, "/v1/tasks/x", MCPZ_ACCESS_TENANT},
        {MCPZ_GET, "/v1/capabilities", MCPZ_ACCESS_TENANT},
        {MCPZ_GET, "/v1/runs", MCPZ_ACCESS_USE},
        {MCPZ_GET, "/v1/work", MCPZ_ACCESS_USE},
        {MCPZ_GET, "/v1/agents", MCPZ_ACCESS_TENANT},
        {MCPZ_POST, "/v1/apply", MCPZ_ACCESS_TENANT},
        {MCPZ_GET, "/v1/peers", MCPZ_ACCESS_USE},
        {MCPZ_GET, "/v1/rules", MCPZ_ACCESS_USE},
        {MCPZ_POST, "/v1/rules", MCPZ_ACCESS_ALL},
        {MCPZ_DELETE, "/v1/rules/x", MCPZ_ACCESS_ALL},
        {MCPZ_GET, "/v1/revocations", MCPZ_ACCESS_USE},
        {MCPZ_POST, "/v1/revocations", MCPZ_ACCESS_ALL},
        {MCPZ_GET, "/v1/tokens", MCPZ_ACCESS_ALL},
        {MCPZ_POST, "/v1/tokens", MCPZ_ACCESS_ALL},
        {MCPZ_DELETE, "/v1/tokens/00", MCPZ_ACCESS_ALL},
        {MCPZ_POST, "/v1/pools", MCPZ_ACCESS_ALL},
        {MCPZ_POST, "/v1/mcp/servers", MCPZ_ACCESS_ALL},
        {MCPZ_DELETE, "/v1/mcp/servers/x", MCPZ_ACCESS_ALL},
        {MCPZ_GET, "/v1/config", MCPZ_ACCESS_ALL},
        {MCPZ_GET, "/v1/snapshots/export", MCPZ_ACCESS_ALL},
        {MCPZ_POST, "/v1/snapshots/import", MCPZ_ACCESS_ALL},
        {MCPZ_POST, "/v1/join", MCPZ_ACCESS_ALL},
        {MCPZ_POST, "/v1/leave", MCPZ_ACCESS_ALL},
        {MCPZ_POST, "/v1/drain", MCPZ_ACCESS_ALL},
    };

    fake_begin();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (unsigned access = MCPZ_ACCESS_NONE; access <= MCPZ_ACCESS_ALL; access++) {
            check_access((enum mcpz_access)access, cases[i].method, cases[i].path,
                         access >= cases[i].least);
        }
    }
    check_access(MCPZ_ACCESS_USE, MCPZ_GET, "/nothing", true); /* that it is not there */
    fake_end();
}

TEST(hosts_of_others_are_not_ours)
{
    static const char *const ours[] = {"localhost",     "LocalHost:8000", "127.0.0.1",
                                       "127.0.0.1:80",  "[::1]",          "[::1]:8000",
                                       "attic.lan:8000"};
    static const char *const others[] = {
        "",   "evil.example", "localhost.evil.example",    "[::1",
        "[]", ":8000",        "127.0.0.1.evil.example:80", "attic"};

    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
        CHECK(mcpz_api_host_is_ours(mcpz_text(ours[i]), mcpz_text("attic.lan")));
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        CHECK(!mcpz_api_host_is_ours(mcpz_text(others[i]), mcpz_text("attic.lan")));
    }
    CHECK(!mcpz_api_host_is_ours(mcpz_text(""), mcpz_text("")));
}

TEST(codes_have_the_status_they_are_promised)
{
    static const struct {
        uint32_t code;
        unsigned status;
    } cases[] = {
        {MCPZ_CODE_BAD_REQUEST, 400},  {MCPZ_CODE_DENIED, 403},     {MCPZ_CODE_NOT_FOUND, 404},
        {MCPZ_CODE_CONFLICT, 409},     {MCPZ_CODE_BUSY, 429},       {MCPZ_CODE_LIMIT, 429},
        {MCPZ_CODE_RATE_LIMITED, 429}, {MCPZ_CODE_OVERLOADED, 503}, {MCPZ_CODE_DRAINING, 503},
        {MCPZ_CODE_UNAVAILABLE, 503},  {MCPZ_CODE_NO_TIME, 504},    {MCPZ_CODE_TOO_LARGE, 413},
        {MCPZ_CODE_TIMEOUT, 504},      {MCPZ_CODE_INTERNAL, 500},   {MCPZ_CODE_STORE_FAILED, 507},
        {MCPZ_CODE_TOKEN_USED, 502},   {MCPZ_CODE_WRONG_MESH, 502}, {9999, 502},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK_UINT(mcpz_api_status_of(cases[i].code), cases[i].status);
    }
}

TEST(exchanges_end_at_their_limit)
{
    struct mcpz_exchange *open[MCPZ_EXCHANGES_MAX];
    struct mcpz_exchange *further = NULL;

    fake_begin();
    for (size_t i = 0; i < MCPZ_EXCHANGES_MAX; i++) {
        CHECK_UINT(mcpz_api_open(world.api, NULL, &open[i]), MCPZ_OK);
    }
    CHECK_UINT(mcpz_api_open(world.api, NULL, &further), MCPZ_EFULL);
    mcpz_api_close(open[5]);
    CHECK_UINT(mcpz_api_open(world.api, NULL, &open[5]), MCPZ_OK);
    for (size_t i = 0; i < MCPZ_EXCHANGES_MAX; i++) {
        mcpz_api_close(open[i]);
    }
    fake_end();
}

TEST(when_many_wait_one_can_still_look)
{
    struct mcpz_exchange *open[MCPZ_EXCHANGES_WAITING_MAX];

    fake_begin();
    for (size_t i = 0; i < MCPZ_EXCHANGES_WAITING_MAX; i++) {
        CHECK_UINT(mcpz_api_open(world.api, NULL, &open[i]), MCPZ_OK);
    }
    check(MCPZ_GET, "/livez", NULL, 200);
    check(MCPZ_GET, "/v1/status", NULL, 200);
    check(MCPZ_GET, "/v1/events", NULL, 429);
    check(MCPZ_POST, "/v1/agents", "{\"id\":7}", 429);
    mcpz_api_close(open[0]);
    check(MCPZ_POST, "/v1/agents", "{\"id\":7}", 400);
    for (size_t i = 1; i < MCPZ_EXCHANGES_WAITING_MAX; i++) {
        mcpz_api_close(open[i]);
    }
    fake_end();
}

TEST(a_body_over_its_limit_is_refused)
{
    static char body[MCPZ_JSON_BODY_BYTES_MAX + 2];

    fake_begin();
    memset(body, ' ', sizeof(body) - 1);
    check(MCPZ_POST, "/v1/agents", body, 413);
    body[MCPZ_JSON_BODY_BYTES_MAX] = '\0';
    check(MCPZ_POST, "/v1/agents", body, 400);
    CHECK_UINT(mcpz_api_body_max(MCPZ_POST, mcpz_text("/v1/tasks")), MCPZ_UPLOAD_BYTES_MAX);
    CHECK_UINT(mcpz_api_body_max(MCPZ_POST, mcpz_text("/v1/join")), MCPZ_JSON_BODY_BYTES_MAX);
    CHECK_UINT(mcpz_api_body_max(MCPZ_GET, mcpz_text("/v1/tokens")), 0);
    CHECK_UINT(mcpz_api_body_max(MCPZ_POST, mcpz_text("/v1/status")), 0);
    fake_end();
}

/* ---- Malformed bodies --------------------------------------------------------------------- */

TEST(bodies_that_are_no_object_are_bad_requests)
{
    static const char *const bodies[] = {
        "{",
        "[]",
        "1",
        "\"x\"",
        "{\"id\":\"a\"",
        "{\"id\":\"a\"}}",
        "{\"id\":\"a\",\"id\":\"b\"}",
        "{\"id\":99999999999999999999}",
        "{\"id\":1e999}",
        "{\"id\":\"\xff\"}",
        "{\"id\":\"\\u0000\"}",
        "{\"id\":\"\\ud800\"}",
        "{\"id\":1}",
        "{}",
        "",
        "{\"name\":\"a\"}",
        "{\"id\":\"a\",\"more\":1}",
        "{\"id\":\"\"}",
        "{\"id\":\"..\"}",
    };

    fake_begin();
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        check(MCPZ_POST, "/v1/agents", bodies[i], 400);
    }
    CHECK_UINT(world.engine.event_count, 0);
    fake_end();
}

TEST(deep_nesting_is_refused_without_harm)
{
    static char body[60001];

    fake_begin();
    memset(body, '[', sizeof(body) - 1);
    check(MCPZ_POST, "/v1/join", body, 400);
    fake_end();
}

/* ---- Agents ------------------------------------------------------------------------------- */

TEST(a_new_agent_is_answered_when_it_is_on_disk)
{
    fake_begin();
    struct mcpz_exchange *exchange = fake_ask(MCPZ_POST, "/v1/agents", "{\"id\":\"a\"}");
    const struct mcpz_event *event = fake_newest(MCPZ_EVENT_AGENT_WRITE);
    CHECK_UINT(event->agent.op, MCPZ_AGENT_CREATE);
    CHECK_BYTES(event->agent.name, "a", 1);
    CHECK_UINT(fake_status(exchange), 0);
    fake_reply(event->agent.request + 1, OK, ""); /* somebody else's */
    CHECK_UINT(fake_status(exchange), 0);
    fake_reply(event->agent.request, OK, "");
    CHECK_UINT(fake_status(exchange), 201);
    CHECK(strncmp(fake_text(exchange), "{\"id\":\"a\",\"document\":\"d-", 24) == 0);
    CHECK_UINT(world.answer_count, 1);
    mcpz_api_close(exchange);
    fake_end();
}

TEST(what_the_engine_refuses_is_told)
{
    fake_begin();
    check_reply(MCPZ_POST, "/v1/agents", "{\"id\":\"a\"}", MCPZ_CODE_CONFLICT, 409);
    check_reply(MCPZ_DELETE, "/v1/agents/a", NULL, MCPZ_CODE_NOT_FOUND, 404);
    check_reply(MCPZ_POST, "/v1/agents/a/unset", "{\"path\":\"p\"}", MCPZ_CODE_STORE_FAILED, 507);
    check_reply(MCPZ_POST, "/v1/agents/a/unset", "{\"path\":\"p\"}", 4711, 502);
    fake_end();
}

TEST(every_verb_becomes_its_event)
{
    static const struct {
        const char *path;
        const char *body;
        enum mcpz_agent_op op;
        int64_t amount;
        size_t value_length;
    } cases[] = {
        {"/v1/agents/a/b/set", "{\"path\":\"p.q\",\"value\":null}", MCPZ_AGENT_SET, 0, 1},
        {"/v1/agents/a/b/unset", "{\"path\":\"p.q\"}", MCPZ_AGENT_UNSET, 0, 0},
        {"/v1/agents/a/b/add", "{\"path\":\"p.q\",\"value\":\"x\"}", MCPZ_AGENT_ADD, 0, 2},
        {"/v1/agents/a/b/remove", "{\"path\":\"/p/q\",\"value\":[]}", MCPZ_AGENT_REMOVE, 0, 1},
        {"/v1/agents/a/b/increment", "{\"path\":\"p.q\",\"by\":-3}", MCPZ_AGENT_INCREMENT, -3, 0},
        {"/v1/agents/a/b/increment", "{\"path\":\"p.q\"}", MCPZ_AGENT_INCREMENT, 1, 0},
    };
    struct mcpz_id document;

    fake_begin();
    mcpz_engine_document_id(mcpz_bytes(NULL, 0), mcpz_text("a/b"), &document);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check_reply(MCPZ_POST, cases[i].path, cases[i].body, OK, 200);
        const struct mcpz_event *event = fake_newest(MCPZ_EVENT_AGENT_WRITE);
        CHECK_UINT(event->agent.op, cases[i].op);
        CHECK(event->agent.amount == cases[i].amount);
        CHECK_UINT(event->agent.value.length, cases[i].value_length);
        CHECK_BYTES(event->agent.path, "\x92\xa1p\xa1q", 5);
        CHECK(mcpz_id_equal(&event->agent.document, &document));
    }
    fake_end();
}

TEST(writes_that_make_no_sense_are_bad_requests)
{
    static const struct {
        const char *path;
        const char *body;
        unsigned status;
    } cases[] = {
        {"/v1/agents/a/frob", "{}", 404},
        {"/v1/agents/set", "{}", 404},
        {"/v1/agents/../set", "{\"path\":\"p\",\"value\":1}", 400},
        {"/v1/agents/a/set", "{}", 400},
        {"/v1/agents/a/set", "{\"path\":\"p\"}", 400},
        {"/v1/agents/a/set", "{\"path\":1,\"value\":1}", 400},
        {"/v1/agents/a/set", "{\"path\":\"\",\"value\":1}", 400},
        {"/v1/agents/a/set", "{\"path\":\"$x\",\"value\":1}", 400},
        {"/v1/agents/a/set", "{\"path\":\"p\",\"value\":{\"$base64\":\"!\"}}", 400},
        {"/v1/agents/a/set", "{\"path\":\"p\",\"value\":1,\"by\":1}", 400},
        {"/v1/agents/a/set", "{\"path\":\"a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a\",\"value\":1}", 413},
        {"/v1/agents/a/unset", "{\"path\":\"p\",\"value\":1}", 400},
        {"/v1/agents/a/increment", "{\"path\":\"p\",\"by\":1.5}", 400},
        {"/v1/agents/a/increment", "{\"path\":\"p\",\"by\":\"1\"}", 400},
    };

    fake_begin();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        check(MCPZ_POST, cases[i].path, cases[i].body, cases[i].status);
    }
    CHECK_UINT(world.engine.event_count, 0);
    fake_end();
}

static void put_document(const char *name, bool deleted)
{
    struct mcpz_store *store = &world.engine.store;
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_DOCUMENT,
        .document = {.name = mcpz_text(name), .deleted = deleted, .hlc = mcpz_hlc_of_ms(1000)},
    };

    mcpz_engine_document_id(mcpz_bytes(NULL, 0), mcpz_text(name), &record.document.id);
    store->put(store->context, &record);
}

TEST(who_contradicts_itself_is_shown_with_both_deltas)
{
    struct mcpz_store *store = &world.engine.store;
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_FORK,
        .fork = {.actor = {{{1}}, 3}, .seq = 5, .one = {{0xab}}, .other = {{0xcd}}},
    };

    fake_begin();
    put_document("a", false);
    mcpz_engine_document_id(mcpz_bytes(NULL, 0), mcpz_text("a"), &record.fork.document);
    store->put(store->context, &record);
    struct mcpz_exchange *exchange = fake_ask(MCPZ_GET, "/v1/forks", NULL);
    CHECK_UINT(fake_status(exchange), 200);
    const char *text = fake_text(exchange);
    CHECK(strstr(text, "\"id\":\"a\"") != NULL);
    CHECK(strstr(text, "\"generation\":3") != NULL);
    CHECK(strstr(text, "\"seq\":5") != NULL);
    CHECK(strstr(text, "\"delta\":\"ab00") != NULL);
    CHECK(strstr(text, "\"delta\":\"cd00") != NULL);
    mcpz_api_close(exchange);
    fake_end();
}

/* ---- Whose agents ------------------------------------------------------------------------- */

static void put_of(const char *tenant, const char *name)
{
    struct mcpz_store *store = &world.engine.store;
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_DOCUMENT,
        .document = {.name = mcpz_text(name), .tenant = mcpz_text(tenant)},
    };

    mcpz_engine_document_id(mcpz_text(tenant), mcpz_text(name), &record.document.id);
    store->put(store->context, &record);
}

/* The names in the list that `tenant` is shown ("": a key of nobody's), one letter each. */
static void check_list(const char *tenant, const char *path, const char *expected)
{
    world.tenant = tenant;
    struct mcpz_exchange *exchange = fake_ask(MCPZ_GET, path, NULL);
    char found[16] = "";

    fake_turn();
    CHECK_UINT(fake_status(exchange), 200);
    for (const char *at = fake_text(exchange); (at = strstr(at, "\"id\":\"")) != NULL; at += 6) {
        (void)strncat(found, at + 6, 1);
    }
    CHECK_TEXT(found, expected);
    mcpz_api_close(exchange);
    world.tenant = NULL;
}

static void check_as(const char *tenant, enum mcpz_method method, const char *path,
                     unsigned status)
{
    world.tenant = tenant;
    check(method, path, NULL, status);
    world.tenant = NULL;
}

TEST(each_tenant_sees_its_own_agents)
{
    fake_begin();
    put_of("", "a");
    put_of("acme", "b");
    put_of("acme", "c");
    put_of("bolt", "b");
    put_of(MCPZ_TENANT_SYSTEM, "d");
    check_list("", "/v1/agents", "abbc");
    check_list("", "/v1/agents?tenant=acme", "bc");
    check_list("", "/v1/agents?here=true&tenant=acme", "bc");
    check_list("", "/v1/agents?tenant=default", "a");
    check_list("acme", "/v1/agents", "bc");
    check_list("acme", "/v1/agents?tenant=acme", "bc");
    check_list("default", "/v1/agents", "a");
    check_list("none", "/v1/agents", "");
    check_list("bolt", "/v1/snapshots", "b");
    check_as("acme", MCPZ_GET, "/v1/agents?tenant=bolt", 403);
    check_as("acme", MCPZ_GET, "/v1/agents/b?tenant=bolt", 403);
    check_as("", MCPZ_GET, "/v1/agents?tenant=" MCPZ_TENANT_SYSTEM, 400);
    check_as("", MCPZ_GET, "/v1/agents?tenant=", 400);
    check_as("", MCPZ_GET, "/v1/agents/b", 404);
    check_as("", MCPZ_GET, "/v1/agents/b?tenant=acme", 200);
    check_as("bolt", MCPZ_GET, "/v1/agents/b", 200);
    check_as("bolt", MCPZ_GET, "/v1/agents/c", 404);
    check_as("default", MCPZ_GET, "/v1/agents/a", 200);
    fake_end();
}

TEST(an_agent_is_made_for_who_asks)
{
    static const struct {
        const char *asks;
        const char *path;
        const char *tenant; /* as documents say it */
    } cases[] = {
        {"", "/v1/agents", ""},
        {"", "/v1/agents?tenant=default", ""},
        {"", "/v1/agents?ack=one&tenant=acme", "acme"},
        {"", "/v1/agents?tenant=acme&ack=one", "acme"},
        {"acme", "/v1/agents?ack=one", "acme"},
        {"default", "/v1/agents", ""},
    };

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(cases); i++) {
        struct mcpz_id expected;
        fake_begin();
        world.tenant = cases[i].asks;
        struct mcpz_exchange *exchange = fake_ask(MCPZ_POST, cases[i].path, "{\"id\":\"x\"}");
        fake_turn();
        const struct mcpz_event *event = fake_newest(MCPZ_EVENT_AGENT_WRITE);
        CHECK_UINT(event->agent.op, MCPZ_AGENT_CREATE);
        CHECK_BYTES(event->agent.tenant, cases[i].tenant, strlen(cases[i].tenant));
        mcpz_engine_document_id(mcpz_text(cases[i].tenant), mcpz_text("x"), &expected);
        CHECK(mcpz_id_equal(&event->agent.document, &expected));
        CHECK_UINT(event->agent.ack,
                   strstr(cases[i].path, "ack") != NULL ? MCPZ_ACK_ONE : MCPZ_ACK_ASYNC);
        mcpz_api_close(exchange);
        world.tenant = NULL;
        fake_end();
    }
}

TEST(an_agent_that_is_not_there_is_not_found)
{
    fake_begin();
    check(MCPZ_GET, "/v1/agents/a", NULL, 404);
    put_document("a", true);
    check(MCPZ_GET, "/v1/agents/a", NULL, 404);
    put_document("a", false);
    check(MCPZ_GET, "/v1/agents/a", NULL, 200);
    check(MCPZ_GET, "/v1/agents/a\xff", NULL, 400);
    fake_end();
}

TEST(agents_are_listed_by_name_over_many_slices)
{
    char name[16];

    fake_begin();
    for (int i = 99; i >= 0; i--) { /* more than three slices */
        (void)snprintf(name, sizeof(name), "agent-%02d", i);
        put_document(name, false);
    }
    put_document("gone", true);
    struct mcpz_exchange *exchange = fake_ask(MCPZ_GET, "/v1/agents", NULL);
    CHECK_UINT(fake_status(exchange), 0); /* one slice is not all */
    fake_turn();
    CHECK_UINT(fake_status(exchange), 200);
    const char *at = fake_text(exchange);
    for (int i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof(name), "agent-%02d\"", i);
        at = strstr(at, name);
        CHECK(at != NULL);
    }
    CHECK(strstr(fake_text(exchange), "gone") == NULL);
    mcpz_api_close(exchange);
    check(MCPZ_GET, "/v1/snapshots", NULL, 200);
    fake_end();
}

/* ---- Tokens, coming and going ------------------------------------------------------------- */

TEST(a_token_is_shown_when_it_is_on_disk)
{
    fake_begin();
    struct mcpz_exchange *exchange =
        fake_ask(MCPZ_POST, "/v1/tokens", "{\"ttl_ms\":1000,\"uses\":3,\"role\":\"relay\"}");
    CHECK_UINT(fake_status(exchange), 0);
    fake_reply(world.engine.requests, OK, "");
    CHECK_UINT(fake_status(exchange), 201);
    CHECK(strncmp(fake_text(exchange), "{\"token\":\"mcpz1-", 16) == 0);
    CHECK(strstr(fake_text(exchange),
                 "\"uses\":3,\"role\":\"relay\",\"addresses\":[\"attic:8765\"]"));
    mcpz_api_close(exchange);
    fake_end();
}

TEST(tokens_that_cannot_be_are_refused)
{
    static const struct {
        mcpz_error refuse;
        unsigned status;
    } cases[] = {{MCPZ_EAUTH, 403}, {MCPZ_EFULL, 429}, {MCPZ_ENOTFOUND, 409}, {MCPZ_EIO, 507}};

    fake_begin();
    check(MCPZ_POST, "/v1/tokens", "{\"uses\":0}", 400);
    check(MCPZ_POST, "/v1/tokens", "{\"ttl_ms\":999}", 400);
    check(MCPZ_POST, "/v1/tokens", "{\"ttl_ms\":1e3}", 400);
    check(MCPZ_POST, "/v1/tokens", "{\"role\":7}", 400);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        world.engine.refuse = cases[i].refuse;
        check(MCPZ_POST, "/v1/tokens", NULL, cases[i].status);
    }
    world.engine.refuse = MCPZ_ENOTFOUND;
    check(MCPZ_DELETE, "/v1/tokens/000102030405060708090a0b0c0d0e0f", NULL, 404);
    check(MCPZ_DELETE, "/v1/tokens/000102030405060708090a0b0c0d0e", NULL, 400);
    check(MCPZ_DELETE, "/v1/tokens/000102030405060708090a0b0c0d0e0g", NULL, 400);
    world.engine.refuse = MCPZ_OK;
    check_reply(MCPZ_DELETE, "/v1/tokens/000102030405060708090a0b0c0d0e0F", NULL, OK, 200);
    fake_end();
}

/* ---- Revocations -------------------------------------------------------------------------- */

TEST(a_node_that_is_gone_for_good_is_revoked_by_its_name)
{
    fake_begin();
    (void)fake_member('x', "attic");
    struct mcpz_exchange *exchange =
        fake_ask(MCPZ_POST, "/v1/revocations", "{\"node\":\"attic\",\"reason\":\"stolen\"}");
    CHECK_UINT(fake_status(exchange), 0); /* when it is on disk */
    CHECK_UINT(world.engine.revoked_count, 1);
    CHECK_UINT(world.engine.revoked[0].node.bytes[0], 'x');
    fake_reply(world.engine.requests, OK, "");
    CHECK_UINT(fake_status(exchange), 201);
    CHECK(strstr(fake_text(exchange), "\"at\":\"1970-01-01T00:00:01Z\"") != NULL);
    CHECK(strstr(fake_text(exchange), "\"in_layout\":false") != NULL);
    mcpz_api_close(exchange);
    world.engine.revoked[0].reason = mcpz_text("stolen");
    exchange = fake_ask(MCPZ_GET, "/v1/revocations", NULL);
    CHECK(strstr(fake_text(exchange), "\"reason\":\"stolen\"") != NULL);
    mcpz_api_close(exchange);
    fake_end();
}

TEST(who_cannot_be_revoked_is_said_to_be_so)
{
    static const struct {
        mcpz_error refuse;
        unsigned status;
    } cases[] = {{MCPZ_EAUTH, 403}, {MCPZ_ECONFLICT, 409}, {MCPZ_EFULL, 429}, {MCPZ_EIO, 507}};

    fake_begin();
    (void)fake_member('x', "attic");
    check(MCPZ_POST, "/v1/revocations", NULL, 400);
    check(MCPZ_POST, "/v1/revocations", "{\"node\":7}", 400);
    check(MCPZ_POST, "/v1/revocations", "{\"node\":\"attic\",\"reason\":7}", 400);
    check(MCPZ_POST, "/v1/revocations", "{\"node\":\"attic\",\"reason\":\"a\\nb\"}", 400);
    struct mcpz_exchange *exchange = fake_ask(MCPZ_POST, "/v1/revocations", "{\"node\":\"atic\"}");
    CHECK_UINT(fake_status(exchange), 404);
    CHECK(strstr(fake_text(exchange), "did you mean attic") != NULL);
    mcpz_api_close(exchange);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        world.engine.refuse = cases[i].refuse;
        check(MCPZ_POST, "/v1/revocations", "{\"node\":\"attic\"}", cases[i].status);
    }
    (void)fake_member('y', "attic");
    check(MCPZ_POST, "/v1/revocations", "{\"node\":\"attic\"}", 409);
    CHECK_UINT(world.engine.revoked_count, 0);
    fake_end();
}

/* It was met, and last heard of so long ago. */
static void be_away(char first_byte, uint64_t for_ms)
{
    const struct mcpz_store *store = &world.engine.store;
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_PEER,
        .peer = {.id = {{(uint8_t)first_byte}}, .name = mcpz_text("cellar")}};

    store->put(store->context, &record);
    record =
        (struct mcpz_record){.kind = MCPZ_RECORD_CURSOR,
                             .cursor = {.peer = {{(uint8_t)first_byte}},
                                        .wall_ms = FAKE_WALL_MS + world.now_us / 1000 - for_ms}};
    store->put(store->context, &record);
}

TEST(who_is_away_beyond_the_grace_is_told_of_and_can_be_revoked)
{
    fake_begin();
    world.engine.node.agents.horizon.grace_ms = 1000;
    be_away('x', 1000);
    struct mcpz_exchange *exchange = fake_ask(MCPZ_GET, "/health", NULL);
    CHECK(strstr(fake_text(exchange), "mcpz revoke") == NULL);
    mcpz_api_close(exchange);
    be_away('y', 1001);
    exchange = fake_ask(MCPZ_GET, "/health", NULL);
    CHECK(strstr(fake_text(exchange), "1 node is away beyond the grace without goodbye, n-") !=
          NULL);
    mcpz_api_close(exchange);
    (void)fake_member('y', "cellar"); /* it is back */
    exchange = fake_ask(MCPZ_GET, "/health", NULL);
    CHECK(strstr(fake_text(exchange), "mcpz revoke") == NULL);
    mcpz_api_close(exchange);
    check(MCPZ_POST, "/v1/revocations", "{\"node\":\"cellar\"}", 409); /* two are called so */
    fake_end();
}

TEST(a_node_that_is_revoked_says_so_and_is_not_ready)
{
    fake_begin();
    world.engine.revoked[world.engine.revoked_count++] =
        (struct mcpz_revocation){.node = world.engine.id,
                                 .by_name = mcpz_text("attic"),
                                 .at_ms = 1000,
                                 .reason = mcpz_text("stolen")};
    struct mcpz_exchange *exchange = fake_ask(MCPZ_GET, "/readyz", NULL);
    CHECK_UINT(fake_status(exchange), 503);
    CHECK(strstr(fake_text(exchange),
                 "this node was revoked by attic at 1970-01-01T00:00:01Z: stolen") != NULL);
    mcpz_api_close(exchange);
    fake_end();
}

/* A token as text, for the joiner. */
static const char *token_body(void)
{
    static char body[MCPZ_TOKEN_TEXT_BYTES_MAX];
    static const uint8_t zeros[MCPZ_SECRET_BYTES];
    const struct mcpz_join_token token = {
        .mesh = {.bytes = {'m'}},
        .id = mcpz_bytes(zeros, MCPZ_TOKEN_ID_BYTES),
        .secret = mcpz_bytes(zeros, MCPZ_SECRET_BYTES),
        .expires_ms = 1,
        .uses = 1,
        .addresses = {mcpz_text("attic:8765"), mcpz_text("cellar:1")},
        .address_count = 2,
    };
    char text[1024];

    CHECK_UINT(mcpz_token_to_text(&token, text, sizeof(text)), MCPZ_OK);
    (void)snprintf(body, sizeof(body), "{\"token\":\" %s\\n\",\"timeout_ms\":1000}", text);
    return body;
}

TEST(joining_ends_as_the_mesh_says)
{
    fake_begin();
    check_reply(MCPZ_POST, "/v1/join", token_body(), OK, 200);
    check_reply(MCPZ_POST, "/v1/join", token_body(), MCPZ_CODE_TOKEN_USED, 502);
    world.engine.refuse = MCPZ_ECONFLICT;
    check(MCPZ_POST, "/v1/join", token_body(), 409);
    world.engine.refuse = MCPZ_EEXPIRED;
    check(MCPZ_POST, "/v1/join", token_body(), 502);
    check(MCPZ_POST, "/v1/join", "{\"token\":\"mcpz1-aaaa\"}", 400);
    check(MCPZ_POST, "/v1/join", "{\"token\":\"mcpz2-aaaa\"}", 502);
    check(MCPZ_POST, "/v1/join", "{\"token\":\"\"}", 400);
    check(MCPZ_POST, "/v1/join", "{}", 400);
    fake_end();
}

TEST(joining_gives_up_when_nobody_answers)
{
    fake_begin();
    struct mcpz_exchange *exchange = fake_ask(MCPZ_POST, "/v1/join", token_body());
    world.now_us += MCPZ_MS(999);
    mcpz_api_tick(world.api);
    CHECK_UINT(fake_status(exchange), 0);
    world.now_us += MCPZ_MS(1);
    mcpz_api_tick(world.api);
    CHECK_UINT(fake_status(exchange), 504);
    CHECK(strstr(fake_text(exchange), "nobody answered at attic:8765, cellar:1"));
    fake_reply(world.engine.requests, OK, ""); /* too late: harmless */
    mcpz_api_close(exchange);
    fake_end();
}

TEST(leaving_needs_a_mesh)
{
    fake_begin();
    check_reply(MCPZ_POST, "/v1/leave", NULL, OK, 200);
    memset(&world.engine.mesh, 0, sizeof(world.engine.mesh));
    check(MCPZ_POST, "/v1/leave", NULL, 409);
    fake_end();
}

TEST(draining_answers_when_it_is_over)
{
    fake_begin();
    check(MCPZ_GET, "/v1/drain", NULL, 200);
    check_reply(MCPZ_POST, "/v1/drain", NULL, OK, 200);
    check_reply(MCPZ_POST, "/v1/drain", "{\"timeout_ms\": 3600000}", MCPZ_CODE_TIMEOUT, 504);
    check_reply(MCPZ_POST, "/v1/drain", "{}", MCPZ_CODE_CANCELLED, 502);
    check(MCPZ_POST, "/v1/drain", "{\"timeout_ms\": 0}", 400);
    check(MCPZ_POST, "/v1/drain", "{\"timeout_ms\": 3600001}", 400);
    check(MCPZ_DELETE, "/v1/drain", NULL, 409); /* the fake engine is not one that drains */
    fake_end();
}

TEST(a_reply_that_never_comes_is_a_timeout)
{
    fake_begin();
    struct mcpz_exchange *exchange = fake_ask(MCPZ_DELETE, "/v1/agents/a", NULL);
    world.now_us += MCPZ_API_WAIT_US;
    mcpz_api_tick(world.api);
    CHECK_UINT(fake_status(exchange), 504);
    mcpz_api_close(exchange);
    fake_end();
}

TEST(who_goes_away_while_waiting_is_forgotten)
{
    fake_begin();
    mcpz_api_close(fake_ask(MCPZ_DELETE, "/v1/agents/a", NULL));
    fake_reply(world.engine.requests, OK, "");
    CHECK_UINT(world.answer_count, 0);
    fake_end();
}

/* ---- Health
 * ----------------------------------------------------------------------------------------------
 */

static const char *health(void)
{
    struct mcpz_exchange *exchange = fake_ask(MCPZ_GET, "/health", NULL);
    const char *text = fake_text(exchange);
    mcpz_api_close(exchange);
    return text;
}

TEST(health_names_what_is_wrong)
{
    fake_begin();
    CHECK_TEXT(health(), "{\"status\":\"ok\",\"problems\":[]}\n");
    world.engine.joining = true;
    CHECK(strstr(health(), "joining"));
    check(MCPZ_GET, "/readyz", NULL, 503);
    world.engine.joining = false;
    fake_member('p', "attic")->state = MCPZ_MEMBER_SUSPECT;
    fake_member('q', "cellar")->state = MCPZ_MEMBER_DEAD;
    fake_member('r', "porch")->state = MCPZ_MEMBER_LEFT;
    CHECK(strstr(health(), "cut off: 0 of 2 members are linked"));
    CHECK(strstr(health(), "1 member is silent and suspected"));
    world.engine.node.fabric.overlay.active_count = 1;
    CHECK(strstr(health(), "cut off") == NULL);
    world.measures.store.failed_commits = 2;
    CHECK(strstr(health(), "failed to write 2 times"));
    world.measures.disk_bytes = 1;
    CHECK(strstr(health(), "nearly full"));
    world.engine.certificate_end_ms = UINT64_C(1800000000000) + 9 * 86400000;
    CHECK(strstr(health(), "ends in 9 days"));
    check(MCPZ_GET, "/v1/status", NULL, 200);
    check(MCPZ_GET, "/v1/peers", NULL, 200);
    check(MCPZ_GET, "/readyz", NULL, 200);
    world.engine.certificate_end_ms = 1;
    CHECK(strstr(health(), "has expired"));
    check(MCPZ_GET, "/readyz", NULL, 503);
    fake_end();
}

/* Whose disk is full everybody says; what it offers to say so is in no list. */
TEST(health_names_who_has_no_room)
{
    struct mcpz_registry *registry = &world.engine.node.registry;

    fake_begin();
    registry->offerer_count = 1; /* the first is ourselves */
    for (size_t i = 0; i < 3; i++) {
        const struct mcpz_member *member = fake_member((char)('p' + i), i == 0 ? "attic" : "shed");
        registry->offerers[registry->offerer_count++] =
            (struct mcpz_offerer){.id = member->id, .up = true};
    }
    world.engine.node.fabric.overlay.active_count = 1;
    CHECK(strstr(health(), "no room") == NULL);
    for (uint32_t i = 0; i < 2; i++) {
        struct mcpz_offer *offer = &registry->offers[registry->offer_count++];
        *offer = (struct mcpz_offer){.offerer = 1 + i};
        (void)snprintf(offer->name, sizeof(offer->name), "%s", MCPZ_FELLOW_FULL);
        CHECK(strstr(health(), i == 0 ? "on the disk of attic:" : "on the disk of attic, shed:"));
    }
    registry->offerers[1].up = false;
    CHECK(strstr(health(), "on the disk of shed:"));
    CHECK(strstr(health(), "of the data directory is full") == NULL);
    world.engine.is_full = true;
    CHECK(strstr(health(), "of the data directory is full"));
    fake_end();
}

/* Kinds that were said, and no others. */
TEST(status_tells_what_was_sent_of_each_kind)
{
    fake_begin();
    struct mcpz_exchange *exchange = fake_ask(MCPZ_GET, "/v1/status", NULL);
    fake_turn();
    json_t *json = json_loads(fake_text(exchange), 0, NULL);
    const json_t *sent = json_object_get(json, "sent");
    const json_t *pings = json_object_get(sent, mcpz_msg_name(MCPZ_MSG_PING));
    CHECK_UINT(json_object_size(sent), 1);
    CHECK_UINT(json_integer_value(json_object_get(pings, "messages")), 3);
    CHECK_UINT(json_integer_value(json_object_get(pings, "bytes")), 48);
    CHECK_UINT(json_object_size(pings), 2);
    json_decref(json);
    mcpz_api_close(exchange);
    fake_end();
}

TEST_MAIN(RUN(each_tenant_sees_its_own_agents), RUN(an_agent_is_made_for_who_asks),
          RUN(who_contradicts_itself_is_shown_with_both_deltas), RUN(looking_answers_at_once),
          RUN(an_unknown_path_is_not_found), RUN(a_wrong_method_names_the_right_ones),
          RUN(what_makes_a_node_do_things_is_for_who_runs_it), RUN(hosts_of_others_are_not_ours),
          RUN(codes_have_the_status_they_are_promised), RUN(exchanges_end_at_their_limit),
          RUN(when_many_wait_one_can_still_look), RUN(a_body_over_its_limit_is_refused),
          RUN(bodies_that_are_no_object_are_bad_requests),
          RUN(deep_nesting_is_refused_without_harm),
          RUN(a_new_agent_is_answered_when_it_is_on_disk), RUN(what_the_engine_refuses_is_told),
          RUN(every_verb_becomes_its_event), RUN(writes_that_make_no_sense_are_bad_requests),
          RUN(an_agent_that_is_not_there_is_not_found),
          RUN(agents_are_listed_by_name_over_many_slices),
          RUN(a_token_is_shown_when_it_is_on_disk), RUN(tokens_that_cannot_be_are_refused),
          RUN(a_node_that_is_gone_for_good_is_revoked_by_its_name),
          RUN(who_cannot_be_revoked_is_said_to_be_so),
          RUN(who_is_away_beyond_the_grace_is_told_of_and_can_be_revoked),
          RUN(a_node_that_is_revoked_says_so_and_is_not_ready), RUN(joining_ends_as_the_mesh_says),
          RUN(joining_gives_up_when_nobody_answers), RUN(leaving_needs_a_mesh),
          RUN(draining_answers_when_it_is_over), RUN(a_reply_that_never_comes_is_a_timeout),
          RUN(who_goes_away_while_waiting_is_forgotten), RUN(health_names_what_is_wrong),
          RUN(health_names_who_has_no_room), RUN(status_tells_what_was_sent_of_each_kind))
