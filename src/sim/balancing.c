#include "sim/balancing.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "core/calls/outcome.h"
#include "core/gate.h"
#include "core/load.h"
#include "core/router/router.h"
#include "proto/code.h"
#include "sim/fleet_queue.h"
#include "sim/ps_server.h"

#define SERVER_MILLICORES 4000
#define ODD_MILLICORES 3600 /* beside antagonists: 0.9 of it */
#define ODD_ONE_IN 10
#define REDRAW_US MCPZ_SECONDS(2)
#define WORK_US 26000.0 /* mean and deviation */
#define WAY_US 250      /* half of the round trip */
#define FAIL_US MCPZ_MS(1)
#define ATTEMPTS_MAX 2
#define SHARE_US MCPZ_SECONDS(5) /* the last so many: what a sinkhole gets at last */
#define LOOK_US MCPZ_MS(500)     /* a step of the recovery */
#define LOOKS_MAX 128
#define LOAD_PROBES 3
#define GATE_CALLS_MAX 2048 /* at one server, under way and waiting */
#define IMPORTANT_ONE_IN 4

/* The mean of max(0, x) for x normal with mean and deviation 1: F(1) + f(1). */
#define WORK_MEAN_US (WORK_US * 1.0833154705876864)

enum due_kind {
    DUE_QUERY,       /* one more arrives at this client */
    DUE_AT_SERVER,   /* a query does at its server */
    DUE_SERVED,      /* a server is done with its first, if nothing has changed since */
    DUE_AT_CLIENT,   /* an answer does */
    DUE_LATE,        /* its time is over */
    DUE_AGAIN,       /* it may be sent once more */
    DUE_REDRAW,      /* what this server gets */
    DUE_PROBE_THERE, /* a probe arrives at its server */
    DUE_PROBE_BACK,
    DUE_GATE, /* what waits at this server may have waited too long */
};

#define KIND_BITS 4
#define VERSION_MASK ((1U << 24) - 1)

struct query {
    bool used;
    bool over; /* nobody waits for it: what is on its way is thrown away */
    bool at_server;
    bool failed;
    bool waits;   /* at the server's gate */
    bool refused; /* by it */
    bool important;
    uint32_t handle;  /* at the gate */
    uint32_t version; /* of this place */
    uint32_t client;
    uint32_t server;
    uint32_t attempts;
    uint32_t rif; /* at the server when it came */
    mcpz_time arrived_us;
    mcpz_time begun_us;
    mcpz_time there_us;
    struct mcpz_route route;
    struct mcpz_load_report report;
    struct mcpz_id tried[ATTEMPTS_MAX];
};

struct probe {
    bool used;
    uint32_t client;
    uint32_t server;
    struct mcpz_load_report report;
};

struct server {
    struct mcpz_ps_server processor;
    uint32_t version; /* of what it is planned to be done with next */
    struct mcpz_load load;
    struct mcpz_gate *gate; /* NULL: all that comes is begun */
    void *gate_memory;
    uint32_t queries[GATE_CALLS_MAX]; /* by handle */
    uint32_t handles[GATE_CALLS_MAX]; /* those that are free */
    size_t free_handles;
    mcpz_time gate_due_us; /* when it is looked at; MCPZ_TIME_NEVER: not planned */
};

/* What a client of C3 knows of a server. */
struct score {
    double queue;      /* smoothed */
    double service_us; /* smoothed */
    double response_us;
    uint32_t outstanding;
};

struct client {
    struct mcpz_router router;
    void *memory;
    struct mcpz_class *class;
    struct score *scores;
};

struct world {
    const struct mcpz_balancing_options *options;
    struct mcpz_fleet_queue dues;
    struct mcpz_rng rng;
    mcpz_time now;
    struct client *clients;
    struct server *servers;
    struct query *queries;
    size_t query_room;
    uint32_t *free_queries;
    size_t free_count;
    struct probe *probes;
    size_t probe_room;
    uint32_t *latencies; /* us, of those measured */
    size_t latency_count;
    size_t latency_room;
    uint64_t late_sum;
    uint64_t shares[MCPZ_BALANCING_NODES_MAX]; /* at last */
    uint64_t look_us[LOOKS_MAX];               /* sum of latencies, by when they ended */
    uint64_t look_count[LOOKS_MAX];
    uint64_t look_refused[LOOKS_MAX];
    struct mcpz_balancing_result result;
};

static void *must(void *memory)
{
    if (memory == NULL) {
        abort();
    }
    return memory;
}

static void due_at(struct world *world, mcpz_time at_us, enum due_kind kind, size_t index,
                   uint32_t version)
{
    mcpz_fleet_queue_add(&world->dues, &(struct mcpz_fleet_due){
                                           .at_us = at_us,
                                           .index = (uint32_t)index,
                                           .kind = (uint32_t)kind | version << KIND_BITS,
                                       });
}

/* ---- Chance ------------------------------------------------------------------------------- */

/* In (0, 1]. */
static double uniform(struct world *world)
{
    return (double)((mcpz_rng_next(&world->rng) >> 11) + 1) / 9007199254740992.0;
}

static mcpz_time exponential_us(struct world *world, double mean_us)
{
    return (mcpz_time)(-log(uniform(world)) * mean_us);
}

static double normal(struct world *world)
{
    const double radius = sqrt(-2.0 * log(uniform(world)));
    return radius * cos(6.283185307179586 * uniform(world));
}

static mcpz_time draw_work_us(struct world *world)
{
    const double work = WORK_US * (1.0 + normal(world));
    return work > 1 ? (mcpz_time)work : 1;
}

/* ---- Servers ------------------------------------------------------------------------------ */

static bool is_odd(size_t server)
{
    return server % ODD_ONE_IN == ODD_ONE_IN - 1;
}

static uint32_t draw_cores(struct world *world, size_t index)
{
    if (is_odd(index)) {
        return ODD_MILLICORES;
    }
    return (uint32_t)(SERVER_MILLICORES * (1.0 + 2.0 * uniform(world)));
}

static void plan_redraw(struct world *world, size_t index)
{
    due_at(world, world->now + exponential_us(world, (double)REDRAW_US), DUE_REDRAW, index, 0);
}

/* Something has changed: it is done with another one next, or at another time. */
static void plan(struct world *world, struct server *server)
{
    uint32_t item;
    const mcpz_time next_us = mcpz_ps_server_next(&server->processor, world->now, &item);

    server->version = (server->version + 1) & VERSION_MASK;
    if (next_us != MCPZ_TIME_NEVER) {
        due_at(world, next_us, DUE_SERVED, (size_t)(server - world->servers), server->version);
    }
}

static void on_redraw(struct world *world, size_t index)
{
    struct server *server = &world->servers[index];

    mcpz_ps_server_set(&server->processor, world->now, draw_cores(world, index));
    plan_redraw(world, index);
    plan(world, server);
}

static bool fails_at(struct world *world, size_t server)
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
static mcpz_time slowness_of(const struct world *world, size_t server)
{
    if (world->options->world == MCPZ_BALANCING_HALF_SLOW) {
        return server % 2 == 1 ? 2 : 1;
    }
    return world->options->world == MCPZ_BALANCING_ONE_SLOW && server == 0 ? 10 : 1;
}

/* It has what it takes now. */
static void begin_work(struct world *world, uint32_t index)
{
    struct query *query = &world->queries[index];
    struct server *server = &world->servers[query->server];
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

static void plan_gate(struct world *world, struct server *server)
{
    const mcpz_time due_us = mcpz_gate_deadline(server->gate);

    if (due_us < server->gate_due_us) {
        server->gate_due_us = due_us > world->now ? due_us : world->now;
        due_at(world, server->gate_due_us, DUE_GATE, (size_t)(server - world->servers), 0);
    }
}

/* The gate has let go of it. */
static void free_handle(struct server *server, uint32_t handle)
{
    server->handles[server->free_handles++] = handle;
}

static void tell_refusal(struct world *world, uint32_t index)
{
    struct query *query = &world->queries[index];

    query->refused = true;
    due_at(world, world->now + WAY_US, DUE_AT_CLIENT, index, query->version);
}

/* One that waited may wait no longer. */
static void turn_away(struct world *world, struct server *server, uint32_t handle)
{
    const uint32_t index = server->queries[handle];
    struct query *query = &world->queries[index];

    free_handle(server, handle);
    mcpz_load_end(&server->load, world->now, query->there_us, query->rif, false);
    query->at_server = false;
    tell_refusal(world, index);
}

/* May it begin? If not, it waits, or is told to go away. */
static bool pass_gate(struct world *world, struct server *server, uint32_t index)
{
    struct query *query = &world->queries[index];
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

static void leave_gate(struct world *world, struct server *server, const struct query *query,
                       bool well)
{
    uint32_t handle;

    mcpz_gate_end(server->gate, world->now, query->handle, well);
    free_handle(server, query->handle);
    while (mcpz_gate_next(server->gate, world->now, &handle)) {
        begin_work(world, server->queries[handle]);
    }
    plan_gate(world, server);
}

static void on_gate(struct world *world, size_t at)
{
    struct server *server = &world->servers[at];
    struct mcpz_gate_refusal refusal;
    uint32_t handle;

    server->gate_due_us = MCPZ_TIME_NEVER;
    while (mcpz_gate_expire(server->gate, world->now, &handle, &refusal)) {
        turn_away(world, server, handle);
    }
    plan_gate(world, server);
}

static void open_gate(struct world *world, size_t at)
{
    static const struct mcpz_gate_config config = {.hands = 0};
    struct server *server = &world->servers[at];
    const size_t size = mcpz_gate_bytes(GATE_CALLS_MAX);
    struct mcpz_arena arena;

    server->gate = must(calloc(1, sizeof(*server->gate)));
    server->gate_memory = must(calloc(1, size));
    mcpz_arena_init(&arena, server->gate_memory, size);
    mcpz_gate_init(server->gate, &config, GATE_CALLS_MAX,
                   mcpz_hash_mix(world->options->seed + MCPZ_BALANCING_NODES_MAX + at), &arena);
    mcpz_gate_provide(server->gate, mcpz_text("x"), false, 0);
    server->gate_due_us = MCPZ_TIME_NEVER;
    for (uint32_t i = 0; i < GATE_CALLS_MAX; i++) {
        free_handle(server, i);
    }
}

/* ---- Coming and going --------------------------------------------------------------------- */

static void on_at_server(struct world *world, uint32_t index)
{
    struct query *query = &world->queries[index];
    struct server *server = &world->servers[query->server];

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

static void leave_server(struct world *world, uint32_t index, bool well)
{
    struct query *query = &world->queries[index];
    struct server *server = &world->servers[query->server];

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

static void on_served(struct world *world, size_t at)
{
    struct server *server = &world->servers[at];
    uint32_t index = 0;

    (void)mcpz_ps_server_next(&server->processor, world->now, &index);
    struct query *query = &world->queries[index];
    leave_server(world, index, !query->failed);
    query->report = mcpz_load_report(&server->load, world->now);
    due_at(world, world->now + WAY_US, DUE_AT_CLIENT, index, query->version);
}

/* ---- C3 ----------------------------------------------------------------------------------- */

#define C3_ALPHA 0.9 /* of what is new */

static double smoothed(double before, double sample)
{
    return before == 0 ? sample : C3_ALPHA * sample + (1 - C3_ALPHA) * before;
}

static void c3_heard(struct score *score, const struct mcpz_load_report *report)
{
    score->queue = C3_ALPHA * report->rif + (1 - C3_ALPHA) * score->queue;
    if (report->latency_us > 0) {
        score->service_us = smoothed(score->service_us, report->latency_us);
    }
}

/* Ψ = R - 1/mu + q^3/mu, with q = 1 + outstanding * clients + queue: section 3.2 of C3. */
static double c3_cost(const struct world *world, const struct score *score)
{
    const double queue =
        1 + (double)score->outstanding * (double)world->options->nodes + score->queue;
    const double service = score->service_us > 0 ? score->service_us : WORK_US;
    const double response = score->response_us > 0 ? score->response_us : service;

    return response - service + queue * queue * queue * service;
}

static size_t c3_choose(struct world *world, const struct client *client)
{
    const size_t start = mcpz_rng_below(&world->rng, (uint32_t)world->options->nodes);
    size_t best = start;
    double least = (double)INFINITY;

    for (size_t i = 0; i < world->options->nodes; i++) {
        const size_t server = (start + i) % world->options->nodes;
        const double cost = c3_cost(world, &client->scores[server]);
        if (cost < least) {
            least = cost;
            best = server;
        }
    }
    return best;
}

/* ---- Clients ------------------------------------------------------------------------------ */

static struct mcpz_id id_of(size_t server)
{
    return (struct mcpz_id){{(uint8_t)(server + 1)}};
}

static size_t server_of(const struct mcpz_id *id)
{
    return (size_t)id->bytes[0] - 1;
}

static void send_probe(struct world *world, size_t client, size_t server)
{
    size_t at = 0;

    while (at < world->probe_room && world->probes[at].used) {
        at++;
    }
    if (at == world->probe_room) {
        world->probe_room = world->probe_room > 0 ? 2 * world->probe_room : 1024;
        world->probes = must(realloc(world->probes, world->probe_room * sizeof(*world->probes)));
        memset(&world->probes[at], 0, (world->probe_room - at) * sizeof(*world->probes));
    }
    world->probes[at] =
        (struct probe){.used = true, .client = (uint32_t)client, .server = (uint32_t)server};
    due_at(world, world->now + WAY_US, DUE_PROBE_THERE, at, 0);
}

static void on_probe_there(struct world *world, size_t at)
{
    struct probe *probe = &world->probes[at];

    probe->report = mcpz_load_report(&world->servers[probe->server].load, world->now);
    due_at(world, world->now + WAY_US, DUE_PROBE_BACK, at, 0);
}

static void on_probe_back(struct world *world, size_t at)
{
    struct probe *probe = &world->probes[at];
    struct client *client = &world->clients[probe->client];
    const struct mcpz_id id = id_of(probe->server);

    probe->used = false;
    if (world->options->c3) {
        c3_heard(&client->scores[probe->server], &probe->report);
    } else {
        mcpz_router_heard(&client->router, mcpz_text("x"), &id, world->now, &probe->report);
    }
}

static void send_probes(struct world *world, size_t at)
{
    struct client *client = &world->clients[at];
    size_t asked[MCPZ_PROBES_PER_CALL];

    if (world->options->c3) {
        for (size_t i = 0; i < LOAD_PROBES; i++) {
            send_probe(world, at, mcpz_rng_below(&world->rng, (uint32_t)world->options->nodes));
        }
        return;
    }
    const size_t count = mcpz_router_probe(&client->router, client->class, world->now, asked);
    for (size_t i = 0; i < count; i++) {
        send_probe(world, at, server_of(&client->class->backends[asked[i]].id));
    }
}

static bool is_measured(const struct world *world)
{
    return world->now >= world->options->warm_us;
}

static void count_share(struct world *world, size_t server)
{
    const mcpz_time end_us = world->options->warm_us + world->options->measured_us;

    if (world->now + SHARE_US >= end_us) {
        world->shares[server]++;
    }
}

/* The last that came of it was no. */
static void note_refused(struct world *world, const struct query *query)
{
    const size_t look = (size_t)(world->now / LOOK_US);

    if (is_measured(world)) {
        world->result.refused++;
        world->result.important += query->important;
        world->result.important_refused += query->important;
    }
    if (look < LOOKS_MAX) {
        world->look_refused[look]++;
    }
}

static struct mcpz_wish wish_of(const struct query *query)
{
    return (struct mcpz_wish){.tried = query->tried, .tried_count = query->attempts};
}

/* Choose and send. False: nobody can be chosen. */
static bool send_query(struct world *world, uint32_t index)
{
    struct query *query = &world->queries[index];
    struct client *client = &world->clients[query->client];

    if (world->options->c3) {
        query->server = (uint32_t)c3_choose(world, client);
        client->scores[query->server].outstanding++;
    } else {
        const struct mcpz_wish wish = wish_of(query);
        const struct mcpz_pick pick =
            mcpz_router_pick(&client->router, client->class, world->now, &wish);
        if (pick.verdict != MCPZ_VERDICT_CHOSEN) {
            return false;
        }
        query->route = mcpz_router_begin(&client->router, client->class, world->now, pick.backend);
        query->server = (uint32_t)server_of(&query->route.provider);
    }
    query->begun_us = world->now;
    query->tried[query->attempts++] = id_of(query->server);
    world->result.sent++;
    world->result.first += query->attempts == 1;
    count_share(world, query->server);
    due_at(world, world->now + WAY_US, DUE_AT_SERVER, index, query->version);
    return true;
}

static void list_servers(struct world *world, struct client *client)
{
    mcpz_router_list_begin(&client->router, client->class);
    for (size_t i = 0; i < world->options->nodes; i++) {
        mcpz_router_list_add(&client->router, client->class,
                             &(struct mcpz_candidate){
                                 .node = {.id = id_of(i)}, .rtt_us = 2 * WAY_US, .linked = true});
    }
    mcpz_router_list_end(&client->router, client->class, world->now);
}

static uint32_t take_query(struct world *world)
{
    if (world->free_count == 0) {
        const size_t before = world->query_room;
        world->query_room = before > 0 ? 2 * before : 1024;
        world->queries = must(realloc(world->queries, world->query_room * sizeof(struct query)));
        world->free_queries =
            must(realloc(world->free_queries, world->query_room * sizeof(uint32_t)));
        memset(&world->queries[before], 0, (world->query_room - before) * sizeof(struct query));
        for (size_t i = world->query_room; i-- > before;) {
            world->free_queries[world->free_count++] = (uint32_t)i;
        }
    }
    return world->free_queries[--world->free_count];
}

static void free_query(struct world *world, uint32_t index)
{
    struct query *query = &world->queries[index];

    *query = (struct query){.version = (query->version + 1) & VERSION_MASK};
    world->free_queries[world->free_count++] = index;
}

static uint32_t load_now(const struct world *world)
{
    const struct mcpz_balancing_options *options = world->options;
    const bool over =
        world->now >= options->warm_us && world->now < options->warm_us + options->overload_us;
    return over ? options->overload_percent : options->load_percent;
}

static void plan_query(struct world *world, size_t client)
{
    const double gap_us =
        WORK_MEAN_US * 1000.0 / SERVER_MILLICORES * 100.0 / (double)load_now(world);

    due_at(world, world->now + exponential_us(world, gap_us), DUE_QUERY, client, 0);
}

/* How one ended that was answered, or not in time. */
static void note_end(struct world *world, const struct query *query, bool late)
{
    const mcpz_time took_us = late ? MCPZ_BALANCING_TIMEOUT_US : world->now - query->arrived_us;
    const size_t look = (size_t)(world->now / LOOK_US);

    if (look < LOOKS_MAX) {
        world->look_us[look] += took_us;
        world->look_count[look]++;
    }
    if (!is_measured(world)) {
        return;
    }
    world->result.queries++;
    world->result.important += query->important;
    world->result.late += late;
    if (world->latency_count == world->latency_room) {
        world->latency_room = world->latency_room > 0 ? 2 * world->latency_room : 65536;
        world->latencies = must(realloc(world->latencies, world->latency_room * sizeof(uint32_t)));
    }
    world->latencies[world->latency_count++] = (uint32_t)took_us;
}

static void end_route(struct world *world, struct query *query, enum mcpz_call_outcome outcome,
                      const struct mcpz_load_report *report)
{
    struct client *client = &world->clients[query->client];

    if (!world->options->c3) {
        mcpz_router_end(&client->router, &query->route, world->now, outcome, 0, report);
        return;
    }
    struct score *score = &client->scores[query->server];
    score->outstanding--;
    if (report != NULL) {
        c3_heard(score, report);
        score->response_us = smoothed(score->response_us, (double)(world->now - query->begun_us));
    }
}

static void release(struct world *world, const struct query *query)
{
    if (!world->options->c3) {
        mcpz_router_release(world->clients[query->client].class);
    }
}

static void on_query(struct world *world, size_t at)
{
    struct client *client = &world->clients[at];
    const uint32_t index = take_query(world);
    struct query *query = &world->queries[index];

    plan_query(world, at);
    world->result.asked++;
    query->used = true;
    query->client = (uint32_t)at;
    query->arrived_us = world->now;
    query->important = world->result.asked % IMPORTANT_ONE_IN == 0;
    if (!world->options->c3) {
        if (mcpz_router_is_stale(&client->router, client->class, world->now)) {
            list_servers(world, client);
        }
        mcpz_router_hold(client->class, world->now);
    }
    if (!send_query(world, index)) {
        note_refused(world, query);
        release(world, query);
        free_query(world, index);
        return;
    }
    due_at(world, world->now + MCPZ_BALANCING_TIMEOUT_US, DUE_LATE, index, query->version);
    send_probes(world, at);
}

static void on_late(struct world *world, uint32_t index)
{
    struct query *query = &world->queries[index];

    note_end(world, query, true);
    if (query->begun_us > 0) {
        end_route(world, query, MCPZ_OUTCOME_LATE, NULL);
    }
    release(world, query);
    if (query->at_server) {
        leave_server(world, index, false);
        free_query(world, index);
    } else {
        free_query(world, index); /* what is on its way finds another version */
    }
}

static enum mcpz_call_outcome outcome_of(const struct world *world, const struct query *query)
{
    if (query->refused) {
        return mcpz_outcome_of(MCPZ_CODE_OVERLOADED);
    }
    if (!query->failed) {
        return MCPZ_OUTCOME_WELL;
    }
    return world->options->world == MCPZ_BALANCING_ALL_BREAK ? MCPZ_OUTCOME_BROKEN
                                                             : MCPZ_OUTCOME_FAILED;
}

static bool may_retry(struct world *world, const struct query *query)
{
    struct client *client = &world->clients[query->client];
    const struct mcpz_wish wish = wish_of(query);

    return !world->options->c3 && world->options->world != MCPZ_BALANCING_SINKHOLE &&
           query->attempts < ATTEMPTS_MAX &&
           mcpz_router_outlook(&client->router, client->class, world->now, &wish).verdict ==
               MCPZ_VERDICT_CHOSEN &&
           mcpz_router_may_retry(&client->router, client->class, world->now);
}

static void on_at_client(struct world *world, uint32_t index)
{
    struct query *query = &world->queries[index];
    struct client *client = &world->clients[query->client];

    end_route(world, query, outcome_of(world, query), query->refused ? NULL : &query->report);
    if ((query->failed || query->refused) && may_retry(world, query)) {
        query->refused = false;
        query->begun_us = 0;
        due_at(world, world->now + mcpz_retry_backoff_us(&client->router.rng, query->attempts + 1),
               DUE_AGAIN, index, query->version);
        return;
    }
    if (query->refused) {
        note_refused(world, query);
    } else {
        note_end(world, query, false);
    }
    release(world, query);
    free_query(world, index);
}

static void on_again(struct world *world, uint32_t index)
{
    if (!send_query(world, index)) {
        note_refused(world, &world->queries[index]);
        release(world, &world->queries[index]);
        free_query(world, index);
    }
}

/* ---- The run ------------------------------------------------------------------------------ */

static void on_due(struct world *world, const struct mcpz_fleet_due *due)
{
    const enum due_kind kind = (enum due_kind)(due->kind & ((1U << KIND_BITS) - 1));
    const uint32_t version = due->kind >> KIND_BITS;
    const uint32_t index = due->index;

    switch (kind) {
    case DUE_QUERY:
        on_query(world, index);
        break;
    case DUE_REDRAW:
        on_redraw(world, index);
        break;
    case DUE_SERVED:
        if (world->servers[index].version == version) {
            on_served(world, index);
        }
        break;
    case DUE_PROBE_THERE:
        on_probe_there(world, index);
        break;
    case DUE_PROBE_BACK:
        on_probe_back(world, index);
        break;
    case DUE_GATE:
        on_gate(world, index);
        break;
    case DUE_AT_SERVER:
    case DUE_AT_CLIENT:
    case DUE_LATE:
    case DUE_AGAIN:
        if (!world->queries[index].used || world->queries[index].version != version) {
            break; /* nobody waits for it any more */
        }
        if (kind == DUE_AT_SERVER) {
            on_at_server(world, index);
        } else if (kind == DUE_AT_CLIENT) {
            on_at_client(world, index);
        } else if (kind == DUE_LATE) {
            on_late(world, index);
        } else {
            on_again(world, index);
        }
        break;
    }
}

static void open_client(struct world *world, size_t at)
{
    const struct mcpz_balancing_options *options = world->options;
    struct client *client = &world->clients[at];
    const struct mcpz_router_config config = {
        .classes_max = 1,
        .backends_max = options->nodes,
        .rules_max = 1,
        .seed = mcpz_hash_mix(options->seed ^ (at + 1)),
    };
    const struct mcpz_rule rule = {
        .pattern = "x", .strategy = options->strategy, .priority = MCPZ_RULE_PRIORITY_NORMAL};
    const size_t size = mcpz_router_bytes(&config);
    struct mcpz_arena arena;

    client->scores = must(calloc(options->nodes, sizeof(*client->scores)));
    client->memory = must(calloc(1, size));
    mcpz_arena_init(&arena, client->memory, size);
    mcpz_router_init(&client->router, &config, &arena);
    mcpz_router_set_rules(&client->router, &rule, 1);
    client->class = mcpz_router_class(&client->router, 0, mcpz_text("x"));
    list_servers(world, client);
    plan_query(world, at);
}

static void open_world(struct world *world, const struct mcpz_balancing_options *options)
{
    *world = (struct world){.options = options};
    mcpz_fleet_queue_init(&world->dues);
    mcpz_rng_init(&world->rng, options->seed);
    world->clients = must(calloc(options->nodes, sizeof(*world->clients)));
    world->servers = must(calloc(options->nodes, sizeof(*world->servers)));
    for (size_t i = 0; i < options->nodes; i++) {
        mcpz_load_init(&world->servers[i].load);
        mcpz_ps_server_init(&world->servers[i].processor, draw_cores(world, i));
        plan_redraw(world, i);
        if (options->gate) {
            open_gate(world, i);
        }
        open_client(world, i);
    }
}

static void close_world(struct world *world)
{
    for (size_t i = 0; i < world->options->nodes; i++) {
        free(world->clients[i].memory);
        free(world->clients[i].scores);
        mcpz_ps_server_finish(&world->servers[i].processor);
        free(world->servers[i].gate);
        free(world->servers[i].gate_memory);
    }
    free(world->clients);
    free(world->servers);
    free(world->queries);
    free(world->free_queries);
    free(world->probes);
    free(world->latencies);
    mcpz_fleet_queue_finish(&world->dues);
}

static int compare_latencies(const void *left, const void *right)
{
    const uint32_t a = *(const uint32_t *)left;
    const uint32_t b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static mcpz_time quantile(const struct world *world, size_t permille)
{
    return world->latency_count > 0
               ? world->latencies[(world->latency_count - 1) * permille / 1000]
               : 0;
}

/* Mean latency of one look. */
static double look_mean(const struct world *world, size_t look)
{
    return look < LOOKS_MAX && world->look_count[look] > 0
               ? (double)world->look_us[look] / (double)world->look_count[look]
               : 0;
}

/* From the end of the overload until nobody is refused and the mean is within half as much again
 * of what it was before, and both stay so. */
static double recovered_after_s(const struct world *world)
{
    const struct mcpz_balancing_options *options = world->options;
    const size_t began = (size_t)(options->warm_us / LOOK_US);
    const size_t ended = (size_t)((options->warm_us + options->overload_us) / LOOK_US);
    const size_t end = (size_t)((options->warm_us + options->measured_us) / LOOK_US);
    const size_t looks = began - began / 2;
    double before = 0;
    size_t well = end;

    for (size_t i = began / 2; i < began; i++) {
        before += look_mean(world, i) / (double)looks;
    }
    while (well > ended && look_mean(world, well - 1) <= 1.5 * before &&
           world->look_refused[well - 1] == 0) {
        well--;
    }
    return (double)((well - ended) * LOOK_US) / 1e6;
}

static void note_shares(const struct world *world, struct mcpz_balancing_result *result)
{
    uint64_t all = 0;

    for (size_t i = 0; i < world->options->nodes; i++) {
        all += world->shares[i];
        result->starved += world->shares[i] == 0;
    }
    result->share_of_first =
        all > 0 ? (double)(world->shares[0] * world->options->nodes) / (double)all : 0;
}

struct mcpz_balancing_result mcpz_balancing_run(const struct mcpz_balancing_options *options)
{
    struct world world;
    struct mcpz_fleet_due due;

    assert(options->nodes >= 2 && options->nodes <= MCPZ_BALANCING_NODES_MAX);
    assert(options->load_percent > 0);
    open_world(&world, options);
    while (mcpz_fleet_queue_take(&world.dues, options->warm_us + options->measured_us, &due)) {
        world.now = due.at_us;
        on_due(&world, &due);
    }
    struct mcpz_balancing_result result = world.result;
    if (world.latency_count > 0) {
        qsort(world.latencies, world.latency_count, sizeof(uint32_t), compare_latencies);
    }
    result.p50_us = quantile(&world, 500);
    result.p90_us = quantile(&world, 900);
    result.p99_us = quantile(&world, 990);
    note_shares(&world, &result);
    result.recovered_s = recovered_after_s(&world);
    close_world(&world);
    return result;
}
