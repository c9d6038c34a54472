#include "sim/sim.h"

#include <assert.h>
#include <stdio.h>

#include "base/hash.h"
#include "core/crdt/document.h"
#include "crypto/proof.h"
#include "engine/aside.h"
#include "proto/code.h"
#include "sim/internal.h"

#define WALL_AT_START_MS UINT64_C(1700000000000)
#define CALLS_MAX 64  /* of one node, each way */
#define FOLD_DELTAS 4 /* few are written in a run */
#define GRACE_MS 20000
#define RELAYED_MAX 16
#define LAYOUT_NODES_MAX 64
#define LIVES_FROM_BIT 32              /* of what a node's seed is made of */
#define HAPPENINGS_AT_ONCE_MAX 1000000 /* more in one microsecond: it will not end */

static uint64_t wall_ms(const struct mcpz_sim *sim, size_t index)
{
    return WALL_AT_START_MS + sim->now / 1000 + (uint64_t)sim->nodes[index].ahead_ms;
}

static struct mcpz_identity *identity_of(uint64_t seed, const char *kind, size_t index)
{
    uint8_t bytes[MCPZ_SEED_BYTES];
    struct mcpz_identity *identity;

    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)mcpz_hash_bytes(mcpz_text(kind), seed * 1000003 + index * 64 + i);
    }
    mcpz_error error = mcpz_identity_create(bytes, &identity);
    return error == MCPZ_OK ? identity : mcpz_sim_must(NULL);
}

/* ---- Turns -------------------------------------------------------------------------------- */

struct mcpz_engine *mcpz_sim_enter(struct mcpz_sim *sim, size_t index)
{
    struct mcpz_engine *engine = sim->nodes[index].engine;
    assert(engine != NULL);
    mcpz_engine_turn_begin(engine, sim->now, wall_ms(sim, index));
    return engine;
}

static void do_todo(struct mcpz_sim *sim, size_t index)
{
    struct mcpz_sim_node *node = &sim->nodes[index];
    bool restarted = false;

    for (size_t i = 0; i < node->todo_count; i++) {
        struct mcpz_todo todo = node->todo[i];
        if (todo.kind == MCPZ_TODO_DIAL) {
            mcpz_network_dial(sim, index, (size_t)todo.number);
        } else if (todo.kind == MCPZ_TODO_TURN_AWAY) {
            mcpz_engine_link_closed(mcpz_sim_enter(sim, index), todo.number);
            restarted = true;
        } else {
            mcpz_sim_start_task(sim, index, todo.number);
            restarted = true;
        }
    }
    node->todo_count = 0;
    if (restarted) {
        mcpz_sim_leave(sim, index);
    }
}

static void plan_tick(struct mcpz_sim *sim, size_t index)
{
    struct mcpz_sim_node *node = &sim->nodes[index];
    mcpz_time deadline = mcpz_engine_deadline(node->engine);

    if (deadline < node->tick_at_us) {
        node->tick_at_us = deadline > sim->now ? deadline : sim->now;
        mcpz_agenda_add(&sim->agenda, &(struct mcpz_happening){
                                          .at_us = node->tick_at_us,
                                          .kind = MCPZ_HAPPENS_TICK,
                                          .node = index,
                                          .life = node->life,
                                      });
    }
}

/* There are no files: what is set aside is noted, and counts as on the disk. */
static void set_aside(struct mcpz_sim *sim, size_t index)
{
    struct mcpz_sim_node *node = &sim->nodes[index];
    struct mcpz_aside_row rows[MCPZ_CHECK_MAX];
    const struct mcpz_id *wanted;

    const size_t count = mcpz_aside_wanted(node->engine, &wanted);
    if (count == 0) {
        return;
    }
    struct mcpz_engine *engine = mcpz_sim_enter(sim, index);
    const struct mcpz_store *store = mcpz_engine_store(engine);
    for (size_t i = 0; i < count; i++) {
        struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT, .document = {.id = wanted[i]}};
        rows[i] = (struct mcpz_aside_row){.document = wanted[i]};
        if (store->get(store->context, &record) == MCPZ_OK) {
            rows[i].digest = mcpz_document_digest(&record.document);
        }
        if (node->aside_count < MCPZ_SIM_ASIDE_MAX) {
            node->aside[node->aside_count++] = wanted[i];
        }
    }
    mcpz_aside_done(engine, rows, count, false);
    mcpz_sim_leave(sim, index);
}

static void after_turn(struct mcpz_sim *sim, size_t index, uint64_t batch)
{
    if (batch != 0) {
        mcpz_agenda_add(&sim->agenda, &(struct mcpz_happening){
                                          .at_us = sim->now + sim->nodes[index].disk_us,
                                          .kind = MCPZ_HAPPENS_DISK,
                                          .node = index,
                                          .life = sim->nodes[index].life,
                                          .number = batch,
                                      });
    }
    mcpz_network_send(sim, index);
    mcpz_network_close_asked(sim, index);
    do_todo(sim, index);
    set_aside(sim, index);
    plan_tick(sim, index);
}

void mcpz_sim_leave(struct mcpz_sim *sim, size_t index)
{
    after_turn(sim, index, mcpz_engine_turn_end(sim->nodes[index].engine));
}

/* ---- Happenings --------------------------------------------------------------------------- */

static void on_disk(struct mcpz_sim *sim, const struct mcpz_happening *written)
{
    struct mcpz_sim_node *node = &sim->nodes[written->node];

    if (node->disk_is_full) {
        mcpz_mem_fail(node->mem, MCPZ_ENOSPACE);
    } else {
        mcpz_mem_sync(node->mem, written->number);
    }
    mcpz_engine_store_progress(node->engine);
    mcpz_engine_turn_begin(node->engine, sim->now, wall_ms(sim, written->node));
    mcpz_sim_leave(sim, written->node);
}

/* All of what a run gives, in chunks; within its window. */
static void give_output(struct mcpz_sim *sim, const struct mcpz_happening *ended)
{
    for (size_t at = 0; at < ended->length; at += MCPZ_CHUNK_BYTES_MAX) {
        size_t left = ended->length - at;
        struct mcpz_event output = {
            .kind = MCPZ_EVENT_RUN_OUTPUT,
            .run = {.run = (uint32_t)ended->number,
                    .chunk =
                        mcpz_bytes(ended->frame + at,
                                   left < MCPZ_CHUNK_BYTES_MAX ? left : MCPZ_CHUNK_BYTES_MAX)},
        };
        mcpz_engine_event(mcpz_sim_enter(sim, ended->node), &output);
    }
}

static void on_run_ended(struct mcpz_sim *sim, const struct mcpz_happening *ended)
{
    const uint32_t code = sim->nodes[ended->node].run_code;
    struct mcpz_event end = {
        .kind = MCPZ_EVENT_RUN_END,
        .run = {.run = (uint32_t)ended->number, .plan = ended->outcome == MCPZ_SIM_SPLITS},
    };

    if (code != MCPZ_CODE_OK || ended->outcome == MCPZ_SIM_FAILS) {
        end.kind = MCPZ_EVENT_RUN_FAIL;
        end.run.code = code != MCPZ_CODE_OK ? code : MCPZ_CODE_PROVIDER_FAILED;
        end.run.plan = false;
    } else {
        give_output(sim, ended);
    }
    mcpz_engine_event(mcpz_sim_enter(sim, ended->node), &end);
    mcpz_sim_leave(sim, ended->node);
}

/* Arrivals keep an order of their own: network.c puts them off. */
static bool is_arrival(const struct mcpz_happening *happening)
{
    return happening->kind == MCPZ_HAPPENS_FRAME || happening->kind == MCPZ_HAPPENS_CLOSED;
}

static void put_off_paused(struct mcpz_sim *sim, struct mcpz_happening *happening)
{
    struct mcpz_sim_node *node = &sim->nodes[happening->node];

    if (happening->kind == MCPZ_HAPPENS_TICK) {
        if (happening->at_us != node->tick_at_us) {
            return;
        }
        node->tick_at_us = node->paused_until_us;
    }
    mcpz_sim_put_off(sim, happening, node->paused_until_us);
}

static void happen(struct mcpz_sim *sim, struct mcpz_happening *happening)
{
    struct mcpz_sim_node *node = &sim->nodes[happening->node];

    if (node->engine == NULL || happening->life != node->life) {
        return;
    }
    if (node->paused_until_us > sim->now && !is_arrival(happening)) {
        put_off_paused(sim, happening);
        return;
    }
    sim->happened++;
    switch (happening->kind) {
    case MCPZ_HAPPENS_TICK:
        if (happening->at_us == node->tick_at_us) {
            node->tick_at_us = MCPZ_TIME_NEVER;
            mcpz_engine_tick(mcpz_sim_enter(sim, happening->node));
            mcpz_sim_leave(sim, happening->node);
        }
        break;
    case MCPZ_HAPPENS_DIAL:
        mcpz_network_on_dial(sim, happening);
        break;
    case MCPZ_HAPPENS_FRAME:
        mcpz_network_on_frame(sim, happening);
        break;
    case MCPZ_HAPPENS_CLOSED:
        mcpz_network_on_closed(sim, happening);
        break;
    case MCPZ_HAPPENS_DISK:
        on_disk(sim, happening);
        break;
    case MCPZ_HAPPENS_RUN_ENDED:
        on_run_ended(sim, happening);
        break;
    }
}

void mcpz_sim_run(struct mcpz_sim *sim, mcpz_time until_us)
{
    struct mcpz_happening happening;
    size_t at_once = 0;

    while (!sim->is_stuck && mcpz_agenda_take(&sim->agenda, until_us, &happening)) {
        assert(happening.at_us >= sim->now);
        at_once = happening.at_us == sim->now ? at_once + 1 : 0;
        sim->is_stuck = at_once > HAPPENINGS_AT_ONCE_MAX;
        sim->now = happening.at_us;
        happen(sim, &happening);
        free(happening.frame);
    }
    sim->now = until_us;
}

void mcpz_sim_run_for(struct mcpz_sim *sim, mcpz_time for_us)
{
    mcpz_sim_run(sim, mcpz_sim_now(sim) + for_us);
}

/* ---- Making and breaking ------------------------------------------------------------------ */

struct mcpz_sim *mcpz_sim_create(const struct mcpz_sim_config *config)
{
    struct mcpz_sim *sim = mcpz_sim_must(calloc(1, sizeof(*sim)));
    assert(config->node_count > 0 && config->node_count <= MCPZ_SIM_NODES_MAX);

    sim->config = *config;
    mcpz_error error = mcpz_scratch_create(&sim->scratch);
    assert(error == MCPZ_OK);
    mcpz_rng_init(&sim->rng, mcpz_hash_bytes(mcpz_text("network"), config->seed));
    mcpz_agenda_init(&sim->agenda);
    sim->requests = mcpz_sim_must(calloc(MCPZ_SIM_REQUESTS_MAX, sizeof(*sim->requests)));
    sim->trace = mcpz_sim_must(calloc(1, 1));
    sim->trace_capacity = 1;

    for (size_t i = 0; i < config->node_count; i++) {
        struct mcpz_sim_node *node = &sim->nodes[i];
        node->sim = sim;
        node->tick_at_us = MCPZ_TIME_NEVER;
        node->disk_us = config->disk_us;
        node->run_us = config->run_us;
        node->identity = identity_of(config->seed, "node", i);
        node->authority = i == 0 ? identity_of(config->seed, "mesh", 0) : NULL;
        error = mcpz_mem_create(&node->mem, &node->kv);
        assert(error == MCPZ_OK);
        (void)snprintf(node->name, sizeof(node->name), "node%zu", i);
        (void)snprintf(node->address, sizeof(node->address), "node%zu:8765", i);
    }
    return sim;
}

void mcpz_sim_destroy(struct mcpz_sim *sim)
{
    for (size_t i = 0; i < sim->config.node_count; i++) {
        struct mcpz_sim_node *node = &sim->nodes[i];
        mcpz_engine_destroy(node->engine);
        mcpz_mem_destroy(node->mem);
        mcpz_identity_destroy(node->identity);
        mcpz_identity_destroy(node->authority);
    }
    mcpz_agenda_finish(&sim->agenda);
    mcpz_sim_forget_held(sim);
    mcpz_scratch_destroy(sim->scratch);
    mcpz_sim_keys_finish(&sim->keys);
    free(sim->requests);
    free(sim->trace);
    free(sim);
}

mcpz_time mcpz_sim_now(const struct mcpz_sim *sim)
{
    return sim->now;
}

void mcpz_sim_hide(struct mcpz_sim *sim, size_t index)
{
    assert(sim->nodes[index].life == 0);

    sim->nodes[index].address[0] = '\0';
}

bool mcpz_sim_is_hidden(const struct mcpz_sim *sim, size_t index)
{
    return sim->nodes[index].address[0] == '\0';
}

static void join_mesh(struct mcpz_sim *sim, size_t index)
{
    struct mcpz_join_token token;

    assert(sim->nodes[0].engine != NULL);
    mcpz_error error = mcpz_engine_token_create(mcpz_sim_enter(sim, 0), mcpz_sim_take_request(sim),
                                                3600000, 1, mcpz_bytes(NULL, 0), &token);
    assert(error == MCPZ_OK);
    error = mcpz_engine_join(mcpz_sim_enter(sim, index), mcpz_sim_take_request(sim), &token);
    assert(error == MCPZ_OK);
    mcpz_sim_leave(sim, 0);
    sim->nodes[index].has_joined = true;
}

/* Another one each time it starts, as a host draws it: drawn again, the names of its broadcasts
 * would be those of its last life, and the others pass over what they have seen. */
static uint64_t seed_of_life(const struct mcpz_sim *sim, size_t index)
{
    const uint64_t life = sim->nodes[index].life;

    return mcpz_hash_bytes(mcpz_text("node"),
                           sim->config.seed * 1000003 + (life << LIVES_FROM_BIT) + index);
}

void mcpz_sim_start(struct mcpz_sim *sim, size_t index)
{
    static const uint64_t history_ms = 2000;
    struct mcpz_sim_node *node = &sim->nodes[index];
    struct mcpz_engine_ports ports = mcpz_sim_ports(node);
    const struct mcpz_vault_port vault = mcpz_sim_keys_port(&sim->keys);
    struct mcpz_engine_config config = {
        .identity = node->identity,
        .authority = node->authority,
        .kv = node->kv,
        .past = node->disk_is_old ? MCPZ_STORE_UNVOUCHED : MCPZ_STORE_VOUCHED_FOR,
        .vault = sim->config.sealed ? &vault : NULL,
        .scratch = sim->scratch,
        .seed = seed_of_life(sim, index),
        .name = node->name,
        .address = node->address,
        .timing = sim->config.timing,
        .fold_deltas = FOLD_DELTAS,
        .history_ms = &history_ms,
        .grace_ms = GRACE_MS,
        .forgets = sim->config.forgets,
        .calls_max = CALLS_MAX,
        .gate = &sim->config.gate,
        .relayed_max = RELAYED_MAX,
        .layout_nodes_max = LAYOUT_NODES_MAX,
    };

    assert(node->engine == NULL);
    node->life++;
    node->disk_is_old = false;
    node->tick_at_us = MCPZ_TIME_NEVER;
    mcpz_error error =
        mcpz_engine_create(&config, &ports, sim->now, wall_ms(sim, index), &node->engine);
    assert(error == MCPZ_OK);
    mcpz_mem_sync(node->mem, mcpz_mem_newest(node->mem)); /* it starts when its start is kept */
    mcpz_engine_store_progress(node->engine);
    (void)mcpz_sim_enter(sim, index);
    if (index != 0 && !node->has_joined) {
        join_mesh(sim, index);
    }
    mcpz_sim_leave(sim, index);
}

void mcpz_sim_start_all(struct mcpz_sim *sim)
{
    for (size_t i = 0; i < sim->config.node_count; i++) {
        mcpz_sim_start(sim, i);
    }
    mcpz_sim_run(sim, sim->now + MCPZ_SECONDS(5));
}

static void add_counters(struct mcpz_counters *sum, const struct mcpz_counters *more)
{
#define X(name, help) sum->name += more->name;
    MCPZ_COUNTERS(X)
#undef X
}

void mcpz_sim_depart(struct mcpz_sim *sim, size_t index)
{
    mcpz_engine_leave(mcpz_sim_enter(sim, index), mcpz_sim_take_request(sim));
    mcpz_sim_leave(sim, index);
    sim->nodes[index].has_joined = false;
}

void mcpz_sim_kill(struct mcpz_sim *sim, size_t index)
{
    (void)mcpz_sim_tear(sim, index, 0);
}

bool mcpz_sim_tear(struct mcpz_sim *sim, size_t index, uint32_t keep)
{
    struct mcpz_sim_node *node = &sim->nodes[index];

    assert(node->engine != NULL);
    add_counters(&sim->past, mcpz_engine_counters(node->engine));
    mcpz_engine_destroy(node->engine);
    node->engine = NULL;
    node->todo_count = 0;
    node->paused_until_us = 0;
    bool is_torn = mcpz_mem_tear(node->mem, node->disk_is_full ? 0 : keep);
    mcpz_network_drop(sim, index);
    return is_torn;
}

void mcpz_sim_set_clock(struct mcpz_sim *sim, size_t index, int64_t ahead_ms)
{
    sim->nodes[index].ahead_ms = ahead_ms;
}

void mcpz_sim_back_up(struct mcpz_sim *sim, size_t index)
{
    mcpz_mem_back_up(sim->nodes[index].mem);
}

bool mcpz_sim_restore(struct mcpz_sim *sim, size_t index)
{
    if (!mcpz_mem_has_backup(sim->nodes[index].mem)) {
        return false;
    }
    (void)mcpz_sim_tear(sim, index, 0);
    sim->nodes[index].disk_is_old = true; /* nothing outside vouches for it */
    return mcpz_mem_restore(sim->nodes[index].mem);
}

bool mcpz_sim_restore_unnoticed(struct mcpz_sim *sim, size_t index)
{
    const bool is_restored = mcpz_sim_restore(sim, index);

    sim->nodes[index].disk_is_old = false;
    return is_restored;
}

void mcpz_sim_pause(struct mcpz_sim *sim, size_t index, mcpz_time for_us)
{
    sim->nodes[index].paused_until_us = sim->now + for_us;
}

bool mcpz_sim_is_paused(const struct mcpz_sim *sim, size_t index)
{
    return sim->nodes[index].paused_until_us > sim->now;
}

void mcpz_sim_slow_disk(struct mcpz_sim *sim, size_t index, mcpz_time disk_us)
{
    sim->nodes[index].disk_us = disk_us;
}

void mcpz_sim_crowd(struct mcpz_sim *sim, size_t index, uint32_t count)
{
    struct mcpz_engine *engine = mcpz_sim_enter(sim, index);

    assert(count <= MCPZ_SIM_CROWD_MAX);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t binding[MCPZ_BINDING_BYTES] = {0};
        struct mcpz_id stranger;
        mcpz_link link;
        for (size_t at = 0; at < MCPZ_ID_BYTES; at++) {
            stranger.bytes[at] = (uint8_t)mcpz_rng_below(&sim->rng, 256);
        }
        (void)!mcpz_engine_link_opened(engine, &stranger, binding, mcpz_bytes(NULL, 0), &link);
    }
    mcpz_sim_leave(sim, index);
}

void mcpz_sim_slow_link(struct mcpz_sim *sim, size_t a, size_t b, mcpz_time extra_us)
{
    sim->slow_us[a][b] = extra_us;
    sim->slow_us[b][a] = extra_us;
}

void mcpz_sim_cut(struct mcpz_sim *sim, size_t a, size_t b, bool cut)
{
    sim->cut[a][b] = cut;
    sim->cut[b][a] = cut;
}

void mcpz_sim_fill_disk(struct mcpz_sim *sim, size_t index, bool full)
{
    sim->nodes[index].disk_is_full = full;
}

void mcpz_sim_watch(struct mcpz_sim *sim, const struct mcpz_sim_watch *watch)
{
    sim->watch = *watch;
}

void mcpz_sim_counters(const struct mcpz_sim *sim, struct mcpz_counters *sum)
{
    *sum = sim->past;
    for (size_t i = 0; i < sim->config.node_count; i++) {
        if (sim->nodes[i].engine != NULL) {
            add_counters(sum, mcpz_engine_counters(sim->nodes[i].engine));
        }
    }
}

uint64_t mcpz_sim_steps(const struct mcpz_sim *sim)
{
    struct mcpz_counters sum;

    mcpz_sim_counters(sim, &sum);
    return sim->happened + sum.messages_in - sum.frames_in; /* a frame is what its messages are */
}

bool mcpz_sim_is_stuck(const struct mcpz_sim *sim)
{
    return sim->is_stuck;
}
