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
#include "sim/balancing_world.h"

#define SHARE_US MCPZ_SECONDS(5) /* the last so many: what a sinkhole gets at last */
#define LOOK_US MCPZ_MS(500)     /* a step of the recovery */
#define LOAD_PROBES 3
#define IMPORTANT_ONE_IN 4

/* The mean of max(0, x) for x normal with mean and deviation 1: F(1) + f(1). */
#define WORK_MEAN_US (MCPZ_BALANCING_WORK_US * 1.0833154705876864)

struct mcpz_balancing_probe {
    bool used;
    uint32_t client;
    uint32_t server;
    struct mcpz_load_report report;
};

/* What a client of C3 knows of a server. */
struct score {
    double queue;      /* smoothed */
    double service_us; /* smoothed */
    double response_us;
    uint32_t outstanding;
};

struct mcpz_balancing_client {
    struct mcpz_router router;
    void *memory;
    struct mcpz_class *class;
    struct score *scores;
};

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
static double c3_cost(const struct mcpz_balancing *world, const struct score *score)
{
    const double queue =
        1 + (double)score->outstanding * (double)world->options->nodes + score->queue;
    const double service = score->service_us > 0 ? score->service_us : MCPZ_BALANCING_WORK_US;
    const double response = score->response_us > 0 ? score->response_us : service;

    return response - service + queue * queue * queue * service;
}

static size_t c3_choose(struct mcpz_balancing *world, const struct mcpz_balancing_client *client)
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

static void send_probe(struct mcpz_balancing *world, size_t client, size_t server)
{
    size_t at = 0;

    while (at < world->probe_room && world->probes[at].used) {
        at++;
    }
    if (at == world->probe_room) {
        world->probe_room = world->probe_room > 0 ? 2 * world->probe_room : 1024;
        world->probes = mcpz_balancing_must(
            realloc(world->probes, world->probe_room * sizeof(*world->probes)));
        memset(&world->probes[at], 0, (world->probe_room - at) * sizeof(*world->probes));
    }
    world->probes[at] = (struct mcpz_balancing_probe){
        .used = true, .client = (uint32_t)client, .server = (uint32_t)server};
    mcpz_balancing_due(world, world->now + MCPZ_BALANCING_WAY_US, MCPZ_BALANCING_PROBE_THERE, at,
                       0);
}

static void on_probe_there(struct mcpz_balancing *world, size_t at)
{
    struct mcpz_balancing_probe *probe = &world->probes[at];

    probe->report = mcpz_load_report(&world->servers[probe->server].load, world->now);
    mcpz_balancing_due(world, world->now + MCPZ_BALANCING_WAY_US, MCPZ_BALANCING_PROBE_BACK, at,
                       0);
}

static void on_probe_back(struct mcpz_balancing *world, size_t at)
{
    struct mcpz_balancing_probe *probe = &world->probes[at];
    struct mcpz_balancing_client *client = &world->clients[probe->client];
    const struct mcpz_id id = id_of(probe->server);

    probe->used = false;
    if (world->options->c3) {
        c3_heard(&client->scores[probe->server], &probe->report);
    } else {
        mcpz_router_heard(&client->router, mcpz_text("x"), &id, world->now, &probe->report);
    }
}

static void send_probes(struct mcpz_balancing *world, size_t at)
{
    struct mcpz_balancing_client *client = &world->clients[at];
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

static bool is_measured(const struct mcpz_balancing *world)
{
    return world->now >= world->options->warm_us;
}

static void count_share(struct mcpz_balancing *world, size_t server)
{
    const mcpz_time end_us = world->options->warm_us + world->options->measured_us;

    if (world->now + SHARE_US >= end_us) {
        world->shares[server]++;
    }
}

/* The last that came of it was no. */
static void note_refused(struct mcpz_balancing *world, const struct mcpz_balancing_query *query)
{
    const size_t look = (size_t)(world->now / LOOK_US);

    if (is_measured(world)) {
        world->result.refused++;
        world->result.important += query->important;
        world->result.important_refused += query->important;
    }
    if (look < MCPZ_BALANCING_LOOKS_MAX) {
        world->look_refused[look]++;
    }
}

static struct mcpz_wish wish_of(const struct mcpz_balancing_query *query)
{
    return (struct mcpz_wish){.tried = query->tried, .tried_count = query->attempts};
}

/* Choose and send. False: nobody can be chosen. */
static bool send_query(struct mcpz_balancing *world, uint32_t index)
{
    struct mcpz_balancing_query *query = &world->queries[index];
    struct mcpz_balancing_client *client = &world->clients[query->client];

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
    mcpz_balancing_due(world, world->now + MCPZ_BALANCING_WAY_US, MCPZ_BALANCING_AT_SERVER, index,
                       query->version);
    return true;
}

static void list_servers(struct mcpz_balancing *world, struct mcpz_balancing_client *client)
{
    mcpz_router_list_begin(&client->router, client->class);
    for (size_t i = 0; i < world->options->nodes; i++) {
        mcpz_router_list_add(&client->router, client->class,
                             &(struct mcpz_candidate){.node = {.id = id_of(i)},
                                                      .rtt_us = 2 * MCPZ_BALANCING_WAY_US,
                                                      .linked = true});
    }
    mcpz_router_list_end(&client->router, client->class, world->now);
}

static uint32_t take_query(struct mcpz_balancing *world)
{
    if (world->free_count == 0) {
        const size_t before = world->query_room;
        world->query_room = before > 0 ? 2 * before : 1024;
        world->queries = mcpz_balancing_must(
            realloc(world->queries, world->query_room * sizeof(struct mcpz_balancing_query)));
        world->free_queries = mcpz_balancing_must(
            realloc(world->free_queries, world->query_room * sizeof(uint32_t)));
        memset(&world->queries[before], 0,
               (world->query_room - before) * sizeof(struct mcpz_balancing_query));
        for (size_t i = world->query_room; i-- > before;) {
            world->free_queries[world->free_count++] = (uint32_t)i;
        }
    }
    return world->free_queries[--world->free_count];
}

static void free_query(struct mcpz_balancing *world, uint32_t index)
{
    struct mcpz_balancing_query *query = &world->queries[index];

    *query = (struct mcpz_balancing_query){.version =
                                               (query->version + 1) & MCPZ_BALANCING_VERSION_MASK};
    world->free_queries[world->free_count++] = index;
}

static uint32_t load_now(const struct mcpz_balancing *world)
{
    const struct mcpz_balancing_options *options = world->options;
    const bool over =
        world->now >= options->warm_us && world->now < options->warm_us + options->overload_us;
    return over ? options->overload_percent : options->load_percent;
}

static void plan_query(struct mcpz_balancing *world, size_t client)
{
    const double gap_us =
        WORK_MEAN_US * 1000.0 / MCPZ_BALANCING_MILLICORES * 100.0 / (double)load_now(world);

    mcpz_balancing_due(world, world->now + mcpz_balancing_exponential_us(world, gap_us),
                       MCPZ_BALANCING_QUERY, client, 0);
}

/* How one ended that was answered, or not in time. */
static void note_end(struct mcpz_balancing *world, const struct mcpz_balancing_query *query,
                     bool late)
{
    const mcpz_time took_us = late ? MCPZ_BALANCING_TIMEOUT_US : world->now - query->arrived_us;
    const size_t look = (size_t)(world->now / LOOK_US);

    if (look < MCPZ_BALANCING_LOOKS_MAX) {
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
        world->latencies =
            mcpz_balancing_must(realloc(world->latencies, world->latency_room * sizeof(uint32_t)));
    }
    world->latencies[world->latency_count++] = (uint32_t)took_us;
}

static void end_route(struct mcpz_balancing *world, struct mcpz_balancing_query *query,
                      enum mcpz_call_outcome outcome, const struct mcpz_load_report *report)
{
    struct mcpz_balancing_client *client = &world->clients[query->client];

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

static void release(struct mcpz_balancing *world, const struct mcpz_balancing_query *query)
{
    if (!world->options->c3) {
        mcpz_router_release(world->clients[query->client].class);
    }
}

static void on_query(struct mcpz_balancing *world, size_t at)
{
    struct mcpz_balancing_client *client = &world->clients[at];
    const uint32_t index = take_query(world);
    struct mcpz_balancing_query *query = &world->queries[index];

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
    mcpz_balancing_due(world, world->now + MCPZ_BALANCING_TIMEOUT_US, MCPZ_BALANCING_LATE, index,
                       query->version);
    send_probes(world, at);
}

static void on_late(struct mcpz_balancing *world, uint32_t index)
{
    struct mcpz_balancing_query *query = &world->queries[index];

    note_end(world, query, true);
    if (query->begun_us > 0) {
        end_route(world, query, MCPZ_OUTCOME_LATE, NULL);
    }
    release(world, query);
    if (query->at_server) {
        mcpz_balancing_leave(world, index, false);
        free_query(world, index);
    } else {
        free_query(world, index); /* what is on its way finds another version */
    }
}

static enum mcpz_call_outcome outcome_of(const struct mcpz_balancing *world,
                                         const struct mcpz_balancing_query *query)
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

static bool may_retry(struct mcpz_balancing *world, const struct mcpz_balancing_query *query)
{
    struct mcpz_balancing_client *client = &world->clients[query->client];
    const struct mcpz_wish wish = wish_of(query);

    return !world->options->c3 && world->options->world != MCPZ_BALANCING_SINKHOLE &&
           query->attempts < MCPZ_BALANCING_ATTEMPTS_MAX &&
           mcpz_router_outlook(&client->router, client->class, world->now, &wish).verdict ==
               MCPZ_VERDICT_CHOSEN &&
           mcpz_router_may_retry(&client->router, client->class, world->now);
}

static void on_at_client(struct mcpz_balancing *world, uint32_t index)
{
    struct mcpz_balancing_query *query = &world->queries[index];
    struct mcpz_balancing_client *client = &world->clients[query->client];

    end_route(world, query, outcome_of(world, query), query->refused ? NULL : &query->report);
    if ((query->failed || query->refused) && may_retry(world, query)) {
        query->refused = false;
        query->begun_us = 0;
        mcpz_balancing_due(
            world, world->now + mcpz_retry_backoff_us(&client->router.rng, query->attempts + 1),
            MCPZ_BALANCING_AGAIN, index, query->version);
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

static void on_again(struct mcpz_balancing *world, uint32_t index)
{
    if (!send_query(world, index)) {
        note_refused(world, &world->queries[index]);
        release(world, &world->queries[index]);
        free_query(world, index);
    }
}

/* ---- The run ------------------------------------------------------------------------------ */

static void on_due(struct mcpz_balancing *world, const struct mcpz_fleet_due *due)
{
    const enum mcpz_balancing_due kind =
        (enum mcpz_balancing_due)(due->kind & ((1U << MCPZ_BALANCING_KIND_BITS) - 1));
    const uint32_t version = due->kind >> MCPZ_BALANCING_KIND_BITS;
    const uint32_t index = due->index;

    switch (kind) {
    case MCPZ_BALANCING_QUERY:
        on_query(world, index);
        break;
    case MCPZ_BALANCING_REDRAW:
        mcpz_balancing_on_redraw(world, index);
        break;
    case MCPZ_BALANCING_SERVED:
        if (world->servers[index].version == version) {
            mcpz_balancing_on_served(world, index);
        }
        break;
    case MCPZ_BALANCING_PROBE_THERE:
        on_probe_there(world, index);
        break;
    case MCPZ_BALANCING_PROBE_BACK:
        on_probe_back(world, index);
        break;
    case MCPZ_BALANCING_GATE:
        mcpz_balancing_on_gate(world, index);
        break;
    case MCPZ_BALANCING_AT_SERVER:
    case MCPZ_BALANCING_AT_CLIENT:
    case MCPZ_BALANCING_LATE:
    case MCPZ_BALANCING_AGAIN:
        if (!world->queries[index].used || world->queries[index].version != version) {
            break; /* nobody waits for it any more */
        }
        if (kind == MCPZ_BALANCING_AT_SERVER) {
            mcpz_balancing_on_arrival(world, index);
        } else if (kind == MCPZ_BALANCING_AT_CLIENT) {
            on_at_client(world, index);
        } else if (kind == MCPZ_BALANCING_LATE) {
            on_late(world, index);
        } else {
            on_again(world, index);
        }
        break;
    }
}

static void open_client(struct mcpz_balancing *world, size_t at)
{
    const struct mcpz_balancing_options *options = world->options;
    struct mcpz_balancing_client *client = &world->clients[at];
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

    client->scores = mcpz_balancing_must(calloc(options->nodes, sizeof(*client->scores)));
    client->memory = mcpz_balancing_must(calloc(1, size));
    mcpz_arena_init(&arena, client->memory, size);
    mcpz_router_init(&client->router, &config, &arena);
    mcpz_router_set_rules(&client->router, &rule, 1);
    client->class = mcpz_router_class(&client->router, 0, mcpz_text("x"));
    list_servers(world, client);
    plan_query(world, at);
}

static void open_world(struct mcpz_balancing *world, const struct mcpz_balancing_options *options)
{
    *world = (struct mcpz_balancing){.options = options};
    mcpz_fleet_queue_init(&world->dues);
    mcpz_rng_init(&world->rng, options->seed);
    world->clients = mcpz_balancing_must(calloc(options->nodes, sizeof(*world->clients)));
    world->servers = mcpz_balancing_must(calloc(options->nodes, sizeof(*world->servers)));
    for (size_t i = 0; i < options->nodes; i++) {
        mcpz_balancing_open_server(world, i);
        open_client(world, i);
    }
}

static void close_world(struct mcpz_balancing *world)
{
    for (size_t i = 0; i < world->options->nodes; i++) {
        free(world->clients[i].memory);
        free(world->clients[i].scores);
        mcpz_balancing_close_server(world, i);
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

static mcpz_time quantile(const struct mcpz_balancing *world, size_t permille)
{
    return world->latency_count > 0
               ? world->latencies[(world->latency_count - 1) * permille / 1000]
               : 0;
}

/* Mean latency of one look. */
static double look_mean(const struct mcpz_balancing *world, size_t look)
{
    return look < MCPZ_BALANCING_LOOKS_MAX && world->look_count[look] > 0
               ? (double)world->look_us[look] / (double)world->look_count[look]
               : 0;
}

/* From the end of the overload until nobody is refused and the mean is within half as much again
 * of what it was before, and both stay so. */
static double recovered_after_s(const struct mcpz_balancing *world)
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

static void note_shares(const struct mcpz_balancing *world, struct mcpz_balancing_result *result)
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
    struct mcpz_balancing world;
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
