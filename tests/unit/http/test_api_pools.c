/* /v1/pools and /v1/leases, on pools that only write down what they are told. */

#include "fake_engine.h"
#include "host/agent_pools.h"
#include "http/api.h"

#define LEASE UINT64_C(0x0123456789abcdef)
#define LEASE_TEXT "0123456789abcdef"

/* What the pools were told last, and what they answer. */
static struct {
    mcpz_error answer;
    char name[64];
    char command[64];
    char plugin[64];
    uint32_t size;
    bool warm;
    uint8_t isolation;
    uint64_t lease;
    uint64_t ttl_ms;
    char type[64];
    char params[64];
    uint32_t timeout_ms;
    struct mcpz_agent_pool_ears ears;
    uint32_t cancelled;
} told;

static void list(void *context,
                 void (*visit)(void *visit_context, const struct mcpz_agent_pool_row *row),
                 void *visit_context)
{
    static char name[] = "p";
    static char command[] = "cat";
    static char plugin[] = "x";
    const struct mcpz_service service = {
        .name = name, .command = command, .workers = 4, .plugins = {plugin}, .plugin_count = 1};
    const struct mcpz_agent_pool_row row = {
        .service = &service, .isolation = "degraded", .ready = 3, .starting = 1, .leased = 2};

    (void)context;
    visit(visit_context, &row);
}

static mcpz_error create(void *context, const struct mcpz_service *service)
{
    (void)context;
    CHECK(service->is_worker);
    (void)snprintf(told.name, sizeof(told.name), "%s", service->name);
    (void)snprintf(told.command, sizeof(told.command), "%s", service->command);
    (void)snprintf(told.plugin, sizeof(told.plugin), "%s",
                   service->plugin_count > 0 ? service->plugins[0] : "");
    told.size = service->workers;
    told.warm = service->warm;
    told.isolation = service->isolation;
    return told.answer;
}

static mcpz_error remove_pool(void *context, struct mcpz_bytes name)
{
    (void)context;
    mcpz_bytes_to_text(name, told.name, sizeof(told.name));
    return told.answer;
}

static mcpz_error lease(void *context, struct mcpz_bytes name, uint64_t ttl_ms, uint64_t *id)
{
    (void)context;
    mcpz_bytes_to_text(name, told.name, sizeof(told.name));
    told.ttl_ms = ttl_ms;
    *id = LEASE;
    return told.answer;
}

static mcpz_error renew(void *context, uint64_t id, uint64_t ttl_ms)
{
    (void)context;
    told.lease = id;
    told.ttl_ms = ttl_ms;
    return told.answer;
}

static mcpz_error release(void *context, uint64_t id)
{
    (void)context;
    told.lease = id;
    return told.answer;
}

static mcpz_error execute(void *context, const struct mcpz_agent_pool_order *order,
                          uint32_t *execution)
{
    (void)context;
    told.lease = order->lease;
    told.timeout_ms = order->timeout_ms;
    told.ears = order->ears;
    mcpz_bytes_to_text(order->type, told.type, sizeof(told.type));
    mcpz_bytes_to_text(order->params, told.params, sizeof(told.params));
    *execution = 7;
    return told.answer;
}

static void cancel(void *context, uint32_t execution)
{
    (void)context;
    told.cancelled = execution;
}

static const struct mcpz_agent_pools_port port = {
    .list = list,
    .create = create,
    .remove = remove_pool,
    .lease = lease,
    .renew = renew,
    .release = release,
    .execute = execute,
    .cancel = cancel,
};

static void begin(void)
{
    memset(&told, 0, sizeof(told));
    fake_pools = &port;
    fake_begin();
}

static void check(enum mcpz_method method, const char *path, const char *body, unsigned status,
                  const char *words)
{
    struct mcpz_exchange *exchange = fake_ask(method, path, body);

    fake_turn();
    if (fake_status(exchange) != status || strstr(fake_text(exchange), words) == NULL) {
        print_error("%s %s: %u %s\n", path, body != NULL ? body : "", fake_status(exchange),
                    fake_text(exchange));
        _fail(__FILE__, __LINE__);
    }
    mcpz_api_close(exchange);
}

TEST(makes_lists_and_removes_pools)
{
    begin();
    check(MCPZ_POST, "/v1/pools",
          "{\"name\":\"p\",\"command\":\"cat -u\",\"size\":4,\"plugins\":[\"x\"],\"warm\":true,"
          "\"isolation\":\"none\"}",
          201, "\"name\":\"p\"");
    CHECK_TEXT(told.name, "p");
    CHECK_TEXT(told.command, "cat -u");
    CHECK_TEXT(told.plugin, "x");
    CHECK(told.size == 4 && told.warm && told.isolation == MCPZ_ISOLATION_NONE);
    check(MCPZ_GET, "/v1/pools", NULL, 200, "\"leased\":2");
    check(MCPZ_DELETE, "/v1/pools/q", NULL, 200, "{\"removed\":\"q\"}");
    CHECK_TEXT(told.name, "q");

    told.answer = MCPZ_ECONFLICT;
    check(MCPZ_POST, "/v1/pools", "{\"name\":\"p\",\"command\":\"cat\"}", 409, "already");
    told.answer = MCPZ_EFULL;
    check(MCPZ_POST, "/v1/pools", "{\"name\":\"p\",\"command\":\"cat\"}", 429, "limit");
    told.answer = MCPZ_ENOTFOUND;
    check(MCPZ_DELETE, "/v1/pools/q", NULL, 404, "no such pool");
    fake_end();
}

TEST(refuses_pools_that_make_no_sense)
{
    static const char *const bodies[] = {
        "{}",
        "{\"name\":\"p\"}",
        "{\"name\":\"two words\",\"command\":\"cat\"}",
        "{\"name\":\"a/b\",\"command\":\"cat\"}",
        "{\"name\":\"p\",\"command\":\"\"}",
        "{\"name\":\"p\",\"command\":\"cat\",\"size\":0}",
        "{\"name\":\"p\",\"command\":\"cat\",\"size\":33}",
        "{\"name\":\"p\",\"command\":\"cat\",\"size\":[1]}",
        "{\"name\":\"p\",\"command\":\"cat\",\"plugins\":[\"\"]}",
        "{\"name\":\"p\",\"command\":\"cat\",\"plugins\":[{}]}",
        "{\"name\":\"p\",\"command\":\"cat\",\"colour\":\"red\"}",
    };

    begin();
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        check(MCPZ_POST, "/v1/pools", bodies[i], 400, "bad_request");
        CHECK_TEXT(told.name, "");
    }
    fake_end();
}

TEST(leases_renews_and_releases)
{
    begin();
    check(MCPZ_POST, "/v1/pools/p/leases", "{}", 201, LEASE_TEXT);
    CHECK_TEXT(told.name, "p");
    CHECK_UINT(told.ttl_ms, MCPZ_LEASE_TTL_MS_DEFAULT);
    check(MCPZ_POST, "/v1/pools/p/leases", "{\"ttl_ms\":999}", 400, "ttl_ms");
    check(MCPZ_POST, "/v1/pools/p", "{}", 404, "leases");
    check(MCPZ_POST, "/v1/leases/" LEASE_TEXT, "{\"ttl_ms\":5000}", 200, LEASE_TEXT);
    CHECK(told.lease == LEASE && told.ttl_ms == 5000);
    told.lease = 0;
    check(MCPZ_DELETE, "/v1/leases/" LEASE_TEXT, NULL, 200, "{\"released\":\"" LEASE_TEXT "\"}");
    CHECK(told.lease == LEASE);
    check(MCPZ_DELETE, "/v1/leases/0123456789ABCDEF", NULL, 404, "no such lease");
    check(MCPZ_DELETE, "/v1/leases/1", NULL, 404, "no such lease");
    check(MCPZ_DELETE, "/v1/leases/0000000000000000", NULL, 404, "no such lease");

    told.answer = MCPZ_EFULL;
    check(MCPZ_POST, "/v1/pools/p/leases", "{}", 429, "busy");
    told.answer = MCPZ_ENOTFOUND;
    check(MCPZ_POST, "/v1/pools/p/leases", "{}", 404, "no such pool");
    check(MCPZ_POST, "/v1/leases/" LEASE_TEXT, "{}", 404, "no such lease");
    fake_end();
}

static struct mcpz_exchange *ask_execution(const char *body)
{
    struct mcpz_exchange *exchange =
        fake_ask(MCPZ_POST, "/v1/leases/" LEASE_TEXT "/execute", body);

    fake_turn();
    CHECK_UINT(fake_status(exchange), 0);
    return exchange;
}

TEST(answers_with_what_the_worker_says)
{
    begin();
    struct mcpz_exchange *exchange =
        ask_execution("{\"type\":\"do\",\"params\":{\"a\":[1, 2]},\"timeout_ms\":500}");
    CHECK_TEXT(told.type, "do");
    CHECK_TEXT(told.params, "{\"a\":[1,2]}");
    CHECK(told.lease == LEASE && told.timeout_ms == 500);
    told.ears.output(told.ears.context, mcpz_text("[1,"));
    told.ears.output(told.ears.context, mcpz_text("2]"));
    told.ears.over(told.ears.context, MCPZ_CODE_OK, mcpz_bytes(NULL, 0));
    fake_turn();
    CHECK_UINT(fake_status(exchange), 200);
    CHECK(strstr(fake_text(exchange), "{\"state\":\"done\",\"result\":[1,2],"
                                      "\"result_encoding\":\"json\",\"error\":null") != NULL);
    mcpz_api_close(exchange);
    CHECK_UINT(told.cancelled, 0);

    exchange = ask_execution("{\"type\":\"do\"}");
    told.ears.over(told.ears.context, MCPZ_CODE_LIMIT, mcpz_text("too much"));
    fake_turn();
    CHECK(strstr(fake_text(exchange),
                 "\"error\":{\"code\": \"limit\", \"message\": \"too much\"}") != NULL ||
          strstr(fake_text(exchange), "\"error\":{\"code\":\"limit\",\"message\":\"too much\"}") !=
              NULL);
    mcpz_api_close(exchange);
    fake_end();
}

TEST(cancels_what_nobody_waits_for)
{
    begin();
    mcpz_api_close(ask_execution("{\"type\":\"do\"}"));
    CHECK_UINT(told.cancelled, 7);

    check(MCPZ_POST, "/v1/leases/" LEASE_TEXT "/execute", "{\"params\":1}", 400, "type");
    check(MCPZ_POST, "/v1/leases/1/execute", "{\"type\":\"do\"}", 404, "no such lease");
    told.answer = MCPZ_ENOTFOUND;
    check(MCPZ_POST, "/v1/leases/" LEASE_TEXT "/execute", "{\"type\":\"do\"}", 404, "no such");
    told.answer = MCPZ_EFULL;
    check(MCPZ_POST, "/v1/leases/" LEASE_TEXT "/execute", "{\"type\":\"do\"}", 429, "limit");
    fake_end();
}

TEST(has_none_where_there_are_none)
{
    fake_pools = NULL;
    fake_begin();
    check(MCPZ_GET, "/v1/pools", NULL, 404, "no agent pools");
    check(MCPZ_POST, "/v1/pools", "{}", 404, "no agent pools");
    check(MCPZ_DELETE, "/v1/leases/" LEASE_TEXT, NULL, 404, "no agent pools");
    fake_end();
}

TEST_MAIN(RUN(makes_lists_and_removes_pools), RUN(refuses_pools_that_make_no_sense),
          RUN(leases_renews_and_releases), RUN(answers_with_what_the_worker_says),
          RUN(cancels_what_nobody_waits_for), RUN(has_none_where_there_are_none))
