/* The servers of sim/balancing.h: processors that are shared, and the gates before them. */

#include "base/hash.h"
#include "proto/code.h"
#include "sim/balancing_world.h"

#define ODD_MILLICORES 3600 /* beside antagonists: 0.9 of it */
#define ODD_ONE_IN 10
#define REDRAW_US MCPZ_SECONDS(2)
#define FAIL_US MCPZ_MS(1)

static double normal(struct mcpz_balancing *world)
{
    const double radius = sqrt(-2.0 * log(mcpz_balancing_uniform(world)));
    return radius * cos(6.283185307179586 * mcpz_balancing_uniform(world));
}

static mcpz_time draw_work_us(struct mcpz_balancing *world)
{
    const double work = MCPZ_BALANCING_WORK_US * (1.0 + normal(world));
    return work > 1 ? (mcpz_time)work : 1;
}

/* ---- Servers ------------------------------------------------------------------------------ */

static bool is_odd(size_t server)
{
    return server % ODD_ONE_IN == ODD_ONE_IN - 1;
}

static uint32_t draw_cores(struct mcpz_balancing *world, size_t index)
{
    if (is_odd(index)) {
        return ODD_MILLICORES;
    }
    return (uint32_t)(MCPZ_BALANCING_MILLICORES * (1.0 + 2.0 * mcpz_balancing_uniform(world)));
}

static void plan_redraw(struct mcpz_balancing *world, size_t index)
{
    mcpz_balancing_due(world, world->now + mcpz_balancing_exponential_us(world, (double)REDRAW_US),
                       MCPZ_BALANCING_REDRAW, index, 0);
}

/* Something has changed: it is done with another one next, or at another time. */
static void plan(struct mcpz_balancing *world, struct mcpz_balancing_server *server)
{
    uint32_t item;
    const mcpz_time next_us = mcpz_ps_server_next(&server->processor, world->now, &item);

    server->version = (server->version + 1) & MCPZ_BALANCING_VERSION_MASK;
    if (next_us != MCPZ_TIME_NEVER) {
        mcpz_balancing_due(world, next_us, MCPZ_BALANCING_SERVED,
                           (size_t)(server - world->servers), server->version);
    }
}

void mcpz_balancing_on_redraw(struct mcpz_balancing *world, size_t index)
{
    struct mcpz_balancing_server *server = &world->servers[index];

    mcpz_ps_server_set(&server->processor, world->now, draw_cores(world, index));
    plan_redraw(world, index);
    plan(world, server);
}

static bool fails_at(struct mcpz_balancing *world, size_t server)
{
    switch (world->options->world) {
    case MCPZ_BALANCING_SINKHOLE:
        return server == 0 && mcpz_rng_below(&world->rng, 2) == 0;
    case MCPZ_BALANCING_ALL_FAIL:
    case MCPZ_BALANCING_ALL_BREAK:
        return true;
    case MCPZ_BALANCING_ANTAGONISTS:
    case MCPZ_BALANCING_HALF_SLOW:
    case MCPZ_BALANCING_ONE_SLOW:
        break;
    }
    return false;
}

/* How many times as long it needs. */
static mcpz_time slowness_of(const struct mcpz_balancing *world, size_t server)
{
    if (world->options->world == MCPZ_BALANCING_HALF_SLOW) {
        return server % 2 == 1 ? 2 : 1;
    }
    return world->options->world == MCPZ_BALANCING_ONE_SLOW && server == 0 ? 10 : 1;
}

/* It has what it takes now. */
static void begin_work(struct mcpz_balancing *world, uint32_t index)
{
    struct mcpz_balancing_query *query = &world->queries[index];
    struct mcpz_balancing_server *server = &world->servers[query->server];
    mcpz_time work_us = draw_work_us(world) * slowness_of(world, query->server);

    query->failed = fails_at(world, query->server);
    if (query->failed) {
        work_us = FAIL_US;
    }
    query->waits = false;
    mcpz_ps_server_add(&server->processor, world->now, index, work_us);
    plan(world, server);
}

/* ---- Their gates -------------------------------------------------------------------------- */

static void plan_gate(struct mcpz_balancing *world, struct mcpz_balancing_server *server)
{
    const mcpz_time due_us = mcpz_gate_deadline(server->gate);

    if (due_us < server->gate_due_us) {
        server->gate_due_us = due_us > world->now ? due_us : world->now;
        mcpz_balancing_due(world, server->gate_due_us, MCPZ_BALANCING_GATE,
                           (size_t)(server - world->servers), 0);
    }
}

/* The gate has let go of it. */
static void free_handle(struct mcpz_balancing_server *server, uint32_t handle)
{
    server->handles[server->free_handles++] = handle;
}

static void tell_refusal(struct mcpz_balancing *world, uint32_t index)
{
    struct mcpz_balancing_query *query = &world->queries[index];

    query->refused = true;
    mcpz_balancing_due(world, world->now + MCPZ_BALANCING_WAY_US, MCPZ_BALANCING_AT_CLIENT, index,
                       query->version);
}

/* One that waited may wait no longer. */
static void turn_away(struct mcpz_balancing *world, struct mcpz_balancing_server *server,
                      uint32_t handle)
{
    const uint32_t index = server->queries[handle];
    struct mcpz_balancing_query *query = &world->queries[index];

    free_handle(server, handle);
    mcpz_load_end(&server->load, world->now, query->there_us, query->rif, false);
    query->at_server = false;
    tell_refusal(world, index);
}

/* May it begin? If not, it waits, or is told to go away. */
static bool pass_gate(struct mcpz_balancing *world, struct mcpz_balancing_server *server,
                      uint32_t index)
{
    struct mcpz_balancing_query *query = &world->queries[index];
    struct mcpz_gate_verdict verdict;
    const struct mcpz_id client = {{(uint8_t)(query->client + 1)}};
    const struct mcpz_gate_request request = {
        .capability = mcpz_text("x"),
        .caller = &client,
        .priority = query->important ? MCPZ_PRIORITY_MAX : MCPZ_PRIORITY_MAX / 2,
        .deadline_us = query->arrived_us + MCPZ_BALANCING_TIMEOUT_US,
    };

    if (server->free_handles == 0) {
        tell_refusal(world, index);
        return false;
    }
    const uint32_t handle = server->handles[server->free_handles - 1];
    mcpz_gate_ask(server->gate, world->now, handle, &request, &verdict);
    if (verdict.word == MCPZ_GATE_REFUSE) {
        tell_refusal(world, index);
        return false;
    }
    server->free_handles--;
    server->queries[handle] = index;
    query->handle = handle;
    query->waits = verdict.word == MCPZ_GATE_WAIT;
    if (verdict.pushed_out != MCPZ_GATE_NOBODY) {
        turn_away(world, server, verdict.pushed_out);
    }
    return true;
}

static void leave_gate(struct mcpz_balancing *world, struct mcpz_balancing_server *server,
                       const struct mcpz_balancing_query *query, bool well)
{
    uint32_t handle;

    mcpz_gate_end(server->gate, world->now, query->handle, well);
    free_handle(server, query->handle);
    while (mcpz_gate_next(server->gate, world->now, &handle)) {
        begin_work(world, server->queries[handle]);
    }
    plan_gate(world, server);
}

void mcpz_balancing_on_gate(struct mcpz_balancing *world, size_t at)
{
    struct mcpz_balancing_server *server = &world->servers[at];
    struct mcpz_gate_refusal refusal;
    uint32_t handle;

    server->gate_due_us = MCPZ_TIME_NEVER;
    while (mcpz_gate_expire(server->gate, world->now, &handle, &refusal)) {
        turn_away(world, server, handle);
    }
    plan_gate(world, server);
}

static void open_gate(struct mcpz_balancing *world, size_t at)
{
    static const struct mcpz_gate_config config = {.hands = 0};
    struct mcpz_balancing_server *server = &world->servers[at];
    const size_t size = mcpz_gate_bytes(MCPZ_BALANCING_GATE_CALLS_MAX);
    struct mcpz_arena arena;

    server->gate = mcpz_balancing_must(calloc(1, sizeof(*server->gate)));
    server->gate_memory = mcpz_balancing_must(calloc(1, size));
    mcpz_arena_init(&arena, server->gate_memory, size);
    mcpz_gate_init(server->gate, &config, MCPZ_BALANCING_GATE_CALLS_MAX,
                   mcpz_hash_mix(world->options->seed + MCPZ_BALANCING_NODES_MAX + at), &arena);
    mcpz_gate_provide(server->gate, mcpz_text("x"), false, 0);
    server->gate_due_us = MCPZ_TIME_NEVER;
    for (uint32_t i = 0; i < MCPZ_BALANCING_GATE_CALLS_MAX; i++) {
        free_handle(server, i);
    }
}

/* ---- Coming and going --------------------------------------------------------------------- */

void mcpz_balancing_on_arrival(struct mcpz_balancing *world, uint32_t index)
{
    struct mcpz_balancing_query *query = &world->queries[index];
    struct mcpz_balancing_server *server = &world->servers[query->server];

    query->waits = false;
    if (server->gate != NULL && !pass_gate(world, server, index)) {
        return;
    }
    query->at_server = true;
    query->there_us = world->now;
    query->rif = mcpz_load_begin(&server->load);
    if (query->waits) {
        plan_gate(world, server);
    } else {
        begin_work(world, index);
    }
}

void mcpz_balancing_leave(struct mcpz_balancing *world, uint32_t index, bool well)
{
    struct mcpz_balancing_query *query = &world->queries[index];
    struct mcpz_balancing_server *server = &world->servers[query->server];

    if (!query->waits) {
        mcpz_ps_server_remove(&server->processor, world->now, index);
    }
    mcpz_load_end(&server->load, world->now, query->there_us, query->rif, well);
    query->at_server = false;
    if (server->gate != NULL) {
        leave_gate(world, server, query, well);
    }
    plan(world, server);
}

void mcpz_balancing_on_served(struct mcpz_balancing *world, size_t at)
{
    struct mcpz_balancing_server *server = &world->servers[at];
    uint32_t index = 0;

    (void)mcpz_ps_server_next(&server->processor, world->now, &index);
    struct mcpz_balancing_query *query = &world->queries[index];
    mcpz_balancing_leave(world, index, !query->failed);
    query->report = mcpz_load_report(&server->load, world->now);
    mcpz_balancing_due(world, world->now + MCPZ_BALANCING_WAY_US, MCPZ_BALANCING_AT_CLIENT, index,
                       query->version);
}

void mcpz_balancing_open_server(struct mcpz_balancing *world, size_t at)
{
    mcpz_load_init(&world->servers[at].load);
    mcpz_ps_server_init(&world->servers[at].processor, draw_cores(world, at));
    plan_redraw(world, at);
    if (world->options->gate) {
        open_gate(world, at);
    }
}

void mcpz_balancing_close_server(struct mcpz_balancing *world, size_t at)
{
    struct mcpz_balancing_server *server = &world->servers[at];

    mcpz_ps_server_finish(&server->processor);
    free(server->gate);
    free(server->gate_memory);
}
