/* Agent pools: leases of workers, real ones, under a pool on a fake loop. */

#include "exec/pool.h"
#include "stage.h"

#define WORKER                                                                                    \
    "say() { printf '%s\\n' \"$1\"; }; read -r hello; say '{\"ready\":true}'; n=0; "              \
    "while read -r l; do n=$((n+1)); id=${l#*:}; id=${id%%,*}; "                                  \
    "case $l in *hang*) sleep 1000;; *die*) exit 3;; esac; "                                      \
    "say \"{\\\"id\\\":$id,\\\"result\\\":[$$,$n]}\"; done"

/* What is heard of one execution. */
struct heard {
    char output[256];
    size_t length;
    size_t over; /* how often: at most once */
    uint32_t code;
    char text[512];
};

static void hear_output(void *context, struct mcpz_bytes chunk)
{
    struct heard *heard = context;

    CHECK(heard->over == 0 && chunk.length < sizeof(heard->output) - heard->length);
    memcpy(heard->output + heard->length, chunk.data, chunk.length);
    heard->length += chunk.length;
    heard->output[heard->length] = '\0';
}

static void hear_over(void *context, uint32_t code, struct mcpz_bytes text)
{
    struct heard *heard = context;

    CHECK(heard->over == 0);
    heard->over = 1;
    heard->code = code;
    mcpz_bytes_to_text(text, heard->text, sizeof(heard->text));
}

static mcpz_error create(struct stage *stage, const char *name, uint32_t size)
{
    const struct mcpz_agent_pools_port *port = mcpz_pool_agents(stage->pool);
    struct mcpz_service service;

    mcpz_service_init(&service);
    service.isolation = MCPZ_ISOLATION_NONE;
    service.is_worker = true;
    service.workers = size;
    service.name = strdup(name);
    service.command = strdup(WORKER);
    mcpz_error error = port->create(port->context, &service);
    mcpz_service_finish(&service);
    return error;
}

static mcpz_error lease(struct stage *stage, const char *name, uint64_t ttl_ms, uint64_t *id)
{
    const struct mcpz_agent_pools_port *port = mcpz_pool_agents(stage->pool);
    return port->lease(port->context, mcpz_text(name), ttl_ms, id);
}

static mcpz_error begin(struct stage *stage, uint64_t id, const char *params, struct heard *heard,
                        uint32_t *execution)
{
    const struct mcpz_agent_pools_port *port = mcpz_pool_agents(stage->pool);
    const struct mcpz_agent_pool_order order = {
        .lease = id,
        .type = mcpz_text("do"),
        .params = mcpz_text(params),
        .timeout_ms = STAGE_TIMEOUT_MS,
        .ears = {.context = heard, .output = hear_output, .over = hear_over},
    };

    *heard = (struct heard){.length = 0};
    return port->execute(port->context, &order, execution);
}

/* Which process did it; `n`: how many it has done. */
static long execute(struct stage *stage, uint64_t id, long *n)
{
    struct heard heard;
    uint32_t execution;

    CHECK(begin(stage, id, "{}", &heard, &execution) == MCPZ_OK);
    CHECK(fake_turn_until(&stage->fake, &heard.over, 1));
    CHECK_UINT(heard.code, MCPZ_CODE_OK);
    char *end;
    long pid = strtol(heard.output + 1, &end, 10);
    *n = strtol(end + 1, NULL, 10);
    return pid;
}

TEST(leases_a_worker_to_one_and_keeps_it_for_them)
{
    struct stage stage;
    stage_open(&stage);
    uint64_t a;
    uint64_t b;
    uint64_t c;
    long n;
    CHECK(create(&stage, "p", 2) == MCPZ_OK);

    CHECK(lease(&stage, "p", 60000, &a) == MCPZ_OK);
    CHECK(lease(&stage, "p", 60000, &b) == MCPZ_OK);
    CHECK(a != b && a != 0 && b != 0);
    CHECK(lease(&stage, "p", 60000, &c) == MCPZ_EFULL);
    long first = execute(&stage, a, &n);
    CHECK(n == 1);
    CHECK(execute(&stage, b, &n) != first && n == 1);
    CHECK(execute(&stage, a, &n) == first && n == 2);

    stage_close(&stage);
}

TEST(gives_a_fresh_worker_after_a_release)
{
    struct stage stage;
    stage_open(&stage);
    const struct mcpz_agent_pools_port *port = mcpz_pool_agents(stage.pool);
    uint64_t a;
    uint64_t b;
    long n;
    CHECK(create(&stage, "p", 1) == MCPZ_OK);

    CHECK(lease(&stage, "p", 60000, &a) == MCPZ_OK);
    long first = execute(&stage, a, &n);
    CHECK(port->release(port->context, a) == MCPZ_OK);
    CHECK(port->release(port->context, a) == MCPZ_ENOTFOUND);
    struct heard heard;
    uint32_t execution;
    CHECK(begin(&stage, a, "{}", &heard, &execution) == MCPZ_ENOTFOUND);
    while (lease(&stage, "p", 60000, &b) != MCPZ_OK) {
        fake_turn(&stage.fake);
    }
    CHECK(execute(&stage, b, &n) != first && n == 1);

    stage_close(&stage);
}

TEST(ends_a_lease_that_is_not_renewed)
{
    struct stage stage;
    stage_open(&stage);
    const struct mcpz_agent_pools_port *port = mcpz_pool_agents(stage.pool);
    struct heard heard;
    uint32_t execution;
    uint64_t a;
    CHECK(create(&stage, "p", 1) == MCPZ_OK);

    CHECK(lease(&stage, "p", 60000, &a) == MCPZ_OK);
    CHECK(begin(&stage, a, "{\"hang\":1}", &heard, &execution) == MCPZ_OK);
    CHECK(port->renew(port->context, a, 300) == MCPZ_OK);
    CHECK(fake_turn_until(&stage.fake, &heard.over, 1));
    CHECK_UINT(heard.code, MCPZ_CODE_CANCELLED);
    CHECK(port->renew(port->context, a, 60000) == MCPZ_ENOTFOUND);

    stage_close(&stage);
}

TEST(tells_how_an_execution_fails)
{
    struct stage stage;
    stage_open(&stage);
    struct heard heard;
    uint32_t execution;
    uint64_t a;
    long n;
    CHECK(create(&stage, "p", 1) == MCPZ_OK);
    CHECK(lease(&stage, "p", 60000, &a) == MCPZ_OK);

    CHECK(begin(&stage, a, "{\"die\":", &heard, &execution) == MCPZ_EPROTO);
    CHECK(begin(&stage, a, "{\"die\":1}", &heard, &execution) == MCPZ_OK);
    CHECK(fake_turn_until(&stage.fake, &heard.over, 1));
    CHECK_UINT(heard.code, MCPZ_CODE_PROVIDER_CRASHED);
    /* The lease outlives the worker: another takes its place. */
    (void)execute(&stage, a, &n);
    CHECK(n == 1);

    stage_close(&stage);
}

TEST(says_nothing_of_what_was_cancelled)
{
    struct stage stage;
    stage_open(&stage);
    const struct mcpz_agent_pools_port *port = mcpz_pool_agents(stage.pool);
    struct heard heard;
    uint32_t execution;
    uint64_t a;
    long n;
    CHECK(create(&stage, "p", 1) == MCPZ_OK);
    CHECK(lease(&stage, "p", 60000, &a) == MCPZ_OK);

    CHECK(begin(&stage, a, "{\"hang\":1}", &heard, &execution) == MCPZ_OK);
    CHECK(fake_turn_until(&stage.fake, &stage.stats->workers_waiting, 0));
    port->cancel(port->context, execution);
    port->cancel(port->context, execution);
    port->cancel(port->context, 0);
    (void)execute(&stage, a, &n);
    CHECK(n == 1 && heard.over == 0);

    stage_close(&stage);
}

TEST(removes_a_pool_with_its_leases)
{
    struct stage stage;
    stage_open(&stage);
    const struct mcpz_agent_pools_port *port = mcpz_pool_agents(stage.pool);
    struct heard heard;
    uint32_t execution;
    uint64_t a;
    CHECK(create(&stage, "p", 1) == MCPZ_OK);
    CHECK(create(&stage, "p", 1) == MCPZ_ECONFLICT);
    CHECK(lease(&stage, "p", 60000, &a) == MCPZ_OK);
    CHECK(begin(&stage, a, "{\"hang\":1}", &heard, &execution) == MCPZ_OK);

    CHECK(port->remove(port->context, mcpz_text("p")) == MCPZ_OK);
    CHECK(port->remove(port->context, mcpz_text("p")) == MCPZ_ENOTFOUND);
    CHECK(fake_turn_until(&stage.fake, &heard.over, 1));
    CHECK_UINT(heard.code, MCPZ_CODE_CANCELLED);
    CHECK(lease(&stage, "p", 60000, &a) == MCPZ_ENOTFOUND);

    stage_close(&stage);
}

TEST(holds_so_many_pools_and_no_more)
{
    struct stage stage;
    stage_open(&stage);
    const struct mcpz_agent_pools_port *port = mcpz_pool_agents(stage.pool);
    char name[16];

    for (int i = 0; i < MCPZ_AGENT_POOLS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "p%d", i);
        CHECK(create(&stage, name, 1) == MCPZ_OK);
    }
    CHECK(create(&stage, "one more", 1) == MCPZ_EFULL);
    CHECK(port->remove(port->context, mcpz_text("p3")) == MCPZ_OK);
    CHECK(create(&stage, "one more", 1) == MCPZ_OK);

    stage_close(&stage);
}

TEST_MAIN(RUN(leases_a_worker_to_one_and_keeps_it_for_them),
          RUN(gives_a_fresh_worker_after_a_release), RUN(ends_a_lease_that_is_not_renewed),
          RUN(tells_how_an_execution_fails), RUN(says_nothing_of_what_was_cancelled),
          RUN(removes_a_pool_with_its_leases), RUN(holds_so_many_pools_and_no_more))
