#include "sim/sim.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "base/rng.h"
#include "crypto/digest.h"
#include "crypto/proof.h"
#include "proto/code.h"
#include "sim/agenda.h"
#include "store/mem.h"
#include "wire/reader.h"
#include "wire/value.h"

#define WIRES_MAX 4096     /* connections of a whole run */
#define REQUESTS_MAX 65536 /* tasks and writes of a whole run */
#define RESULT_BYTES_MAX 256
#define TODO_MAX (2 * MCPZ_OUTBOX_MAX)
#define DIAL_TIMEOUT_US MCPZ_SECONDS(3)
#define WALL_AT_START_MS UINT64_C(1700000000000)

/* What cannot be done while the engine is at work: done after the turn. */
enum todo_kind { TODO_DIAL = 1, TODO_RETRY };

struct todo {
    enum todo_kind kind;
    uint64_t number; /* DIAL: the node; RETRY: the task */
};

struct node {
    struct mcpz_identity *identity;
    struct mcpz_identity *authority; /* node 0 only */
    struct mcpz_mem *mem;
    struct mcpz_kv kv;
    struct mcpz_engine *engine; /* NULL: not running */
    uint32_t life;
    bool has_joined;
    bool disk_is_full;
    mcpz_time tick_at_us; /* when its earliest TICK on the agenda is due */
    struct mcpz_sim *sim;
    char name[32];
    char address[48];
    struct todo todo[TODO_MAX]; /* what the engine asked for in this turn */
    size_t todo_count;
};

/* One connection: `ends[0]` dialled. */
struct wire {
    bool open;
    size_t ends[2];
    mcpz_link links[2];           /* 0: that end does not know it (any more) */
    mcpz_time last_arrival_us[2]; /* at each end: frames keep their order */
    bool closing[2];
};

struct request {
    int code; /* -1: no answer yet */
    char result[RESULT_BYTES_MAX];
    char capability[MCPZ_CAPABILITY_BYTES_MAX + 1]; /* a task's */
    char params[RESULT_BYTES_MAX];
    uint32_t timeout_ms;
};

struct mcpz_sim {
    struct mcpz_sim_config config;
    struct mcpz_rng rng;
    struct mcpz_scratch *scratch;
    struct mcpz_agenda agenda;
    mcpz_time now;
    struct node nodes[MCPZ_SIM_NODES_MAX];
    bool cut[MCPZ_SIM_NODES_MAX][MCPZ_SIM_NODES_MAX];
    struct wire wires[WIRES_MAX];
    size_t wire_count;
    struct request *requests;
    uint64_t request_count; /* the first is never used */
    char *trace;
    size_t trace_length;
    size_t trace_capacity;
};

/* ---- Small things ----------------------------------------------------------------------------
 */

static void *must(void *memory)
{
    if (memory == NULL) {
        abort();
    }
    return memory;
}

static uint64_t wall_ms(const struct mcpz_sim *sim)
{
    return WALL_AT_START_MS + sim->now / 1000;
}

static struct mcpz_identity *identity_of(uint64_t seed, const char *kind, size_t index)
{
    uint8_t bytes[MCPZ_SEED_BYTES];
    struct mcpz_identity *identity;

    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (uint8_t)mcpz_hash_bytes(mcpz_text(kind), seed * 1000003 + index * 64 + i);
    }
    mcpz_error error = mcpz_identity_create(bytes, &identity);
    return error == MCPZ_OK ? identity : must(NULL);
}

static size_t node_of(const struct mcpz_sim *sim, const struct mcpz_id *id)
{
    for (size_t i = 0; i < sim->config.node_count; i++) {
        if (mcpz_id_equal(mcpz_identity_id(sim->nodes[i].identity), id)) {
            return i;
        }
    }
    return SIZE_MAX;
}

static void note(struct mcpz_sim *sim, size_t node, const char *text)
{
    char line[RESULT_BYTES_MAX + 64];
    int length = snprintf(line, sizeof(line), "[%5llu] %zu: %s\n",
                          (unsigned long long)(sim->now / 1000), node, text);
    size_t needed = sim->trace_length + (size_t)length + 1;

    if (needed > sim->trace_capacity) {
        sim->trace_capacity = 2 * needed;
        sim->trace = must(realloc(sim->trace, sim->trace_capacity));
    }
    memcpy(sim->trace + sim->trace_length, line, (size_t)length + 1);
    sim->trace_length += (size_t)length;
}

static void note_fact(struct mcpz_sim *sim, size_t node, const struct mcpz_fact *fact)
{
    char text[64];
    size_t about = node_of(sim, &fact->about);

    if (about != SIZE_MAX) {
        (void)snprintf(text, sizeof(text), "%zu %s", about, mcpz_fact_word(fact->kind));
    } else {
        (void)snprintf(text, sizeof(text), "%s", mcpz_fact_word(fact->kind));
    }
    note(sim, node, text);
}

static mcpz_time draw_delay(struct mcpz_sim *sim)
{
    mcpz_time span = sim->config.delay_max_us - sim->config.delay_min_us;
    return sim->config.delay_min_us + mcpz_rng_below(&sim->rng, (uint32_t)span + 1);
}

/* ---- Ports: remember what the engine asks for; it is done after the turn ---------------------
 */

static void port_wake(void *context, mcpz_link link)
{
    (void)context;
    (void)link; /* every link is looked at after every turn */
}

static void port_close(void *context, mcpz_link link, const char *why)
{
    struct node *node = context;
    (void)why;

    for (size_t i = 0; i < node->sim->wire_count; i++) {
        struct wire *wire = &node->sim->wires[i];
        for (size_t end = 0; end < 2; end++) {
            if (&node->sim->nodes[wire->ends[end]] == node && wire->links[end] == link) {
                wire->closing[end] = true;
            }
        }
    }
}

static void keep_output(struct mcpz_sim *sim, const struct mcpz_action_task *task)
{
    struct request *request = &sim->requests[task->request];
    size_t used = strlen(request->result);

    mcpz_bytes_to_text(task->chunk, request->result + used, sizeof(request->result) - used);
}

static void end_task(struct mcpz_sim *sim, size_t index, const struct mcpz_action_task *task)
{
    char text[RESULT_BYTES_MAX + 32];
    struct request *request = &sim->requests[task->request];

    request->code = (int)task->code;
    (void)snprintf(text, sizeof(text), "task %s %s", mcpz_code_word(task->code), request->result);
    note(sim, index, text);
}

/* A provider takes its time and gives its parameters back. */
static void start_run(struct mcpz_sim *sim, size_t index, const struct mcpz_action_run *run)
{
    struct mcpz_happening ended = {
        .at_us = sim->now + sim->config.run_us,
        .kind = MCPZ_HAPPENS_RUN_ENDED,
        .node = index,
        .life = sim->nodes[index].life,
        .number = run->run,
        .frame = must(malloc(run->params.length + 1)),
        .length = run->params.length,
    };

    memcpy(ended.frame, run->params.data, run->params.length);
    mcpz_agenda_add(&sim->agenda, &ended);
}

/* "node7:8765" -> 7; anything else is nobody. */
static size_t node_at(struct mcpz_bytes address)
{
    size_t index = 0;

    for (size_t at = 4; at < address.length && address.data[at] != ':'; at++) {
        index = 10 * index + (size_t)(address.data[at] - '0');
    }
    return index < MCPZ_SIM_NODES_MAX ? index : MCPZ_SIM_NODES_MAX;
}

static void remember(struct node *node, enum todo_kind kind, uint64_t number)
{
    assert(node->todo_count < TODO_MAX);
    node->todo[node->todo_count++] = (struct todo){.kind = kind, .number = number};
}

static void port_act(void *context, const struct mcpz_action *action)
{
    struct node *node = context;
    struct mcpz_sim *sim = node->sim;
    size_t index = (size_t)(node - sim->nodes);

    if (action->kind == MCPZ_ACTION_FACT) {
        note_fact(sim, index, &action->fact);
    } else if (action->kind == MCPZ_ACTION_REPLY) {
        sim->requests[action->reply.request].code = (int)action->reply.code;
    } else if (action->kind == MCPZ_ACTION_TASK_OUTPUT) {
        keep_output(sim, &action->task);
    } else if (action->kind == MCPZ_ACTION_TASK_DONE) {
        end_task(sim, index, &action->task);
    } else if (action->kind == MCPZ_ACTION_RUN_START) {
        start_run(sim, index, &action->run);
    } else if (action->kind == MCPZ_ACTION_DIAL) {
        remember(node, TODO_DIAL, node_at(action->dial.address));
    } else if (action->kind == MCPZ_ACTION_TASK_RETRY) {
        remember(node, TODO_RETRY, action->task.request);
    }
}

/* ---- Turns -----------------------------------------------------------------------------------
 */

static struct mcpz_engine *enter(struct mcpz_sim *sim, size_t index)
{
    struct mcpz_engine *engine = sim->nodes[index].engine;
    assert(engine != NULL);
    mcpz_engine_turn_begin(engine, sim->now, wall_ms(sim));
    return engine;
}

/* When something sent now reaches that end: never before what was sent earlier. */
static mcpz_time arrival_at(struct mcpz_sim *sim, struct wire *wire, size_t end)
{
    mcpz_time arrival = sim->now + draw_delay(sim);

    if (arrival < wire->last_arrival_us[end]) {
        arrival = wire->last_arrival_us[end];
    }
    wire->last_arrival_us[end] = arrival;
    return arrival;
}

static void send_frame(struct mcpz_sim *sim, size_t index, size_t end, struct mcpz_bytes frame)
{
    struct wire *wire = &sim->wires[index];
    size_t other = wire->ends[1 - end];
    struct mcpz_happening happening = {
        .at_us = arrival_at(sim, wire, 1 - end),
        .kind = MCPZ_HAPPENS_FRAME,
        .node = other,
        .life = sim->nodes[other].life,
        .wire = index,
        .frame = must(malloc(frame.length)),
        .length = frame.length,
    };

    memcpy(happening.frame, frame.data, frame.length);
    mcpz_agenda_add(&sim->agenda, &happening);
}

static void send_frames(struct mcpz_sim *sim, size_t index)
{
    struct mcpz_engine *engine = sim->nodes[index].engine;

    for (size_t i = 0; i < 2 * sim->wire_count; i++) {
        struct wire *wire = &sim->wires[i / 2];
        mcpz_link link = wire->links[i % 2];
        while (wire->open && wire->ends[i % 2] == index && link != 0 &&
               mcpz_engine_has_frames(engine, link)) {
            send_frame(sim, i / 2, i % 2, mcpz_engine_pull(engine, link));
        }
    }
}

/* Tell both ends, after what is on its way; the end that closes hears it too. */
static void close_wire(struct mcpz_sim *sim, size_t index)
{
    struct wire *wire = &sim->wires[index];

    wire->open = false;
    for (size_t end = 0; end < 2; end++) {
        mcpz_agenda_add(&sim->agenda, &(struct mcpz_happening){
                                          .at_us = arrival_at(sim, wire, end),
                                          .kind = MCPZ_HAPPENS_CLOSED,
                                          .node = wire->ends[end],
                                          .life = sim->nodes[wire->ends[end]].life,
                                          .wire = index,
                                      });
    }
}

static void start_task(struct mcpz_sim *sim, size_t index, uint64_t name)
{
    const struct request *request = &sim->requests[name];
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_TASK_START,
        .task =
            {
                .request = name,
                .capability = mcpz_text(request->capability),
                .params = mcpz_text(request->params),
                .timeout_ms = request->timeout_ms,
            },
    };
    mcpz_engine_event(enter(sim, index), &event);
}

static void leave_turn(struct mcpz_sim *sim, size_t index);

static void do_todo(struct mcpz_sim *sim, size_t index)
{
    struct node *node = &sim->nodes[index];
    bool restarted = false;

    for (size_t i = 0; i < node->todo_count; i++) {
        struct todo todo = node->todo[i];
        if (todo.kind == TODO_DIAL) {
            mcpz_agenda_add(&sim->agenda, &(struct mcpz_happening){
                                              .at_us = sim->now + 2 * draw_delay(sim),
                                              .kind = MCPZ_HAPPENS_DIAL,
                                              .node = index,
                                              .life = node->life,
                                              .wire = (size_t)todo.number,
                                          });
        } else {
            start_task(sim, index, todo.number);
            restarted = true;
        }
    }
    node->todo_count = 0;
    if (restarted) {
        leave_turn(sim, index);
    }
}

static void plan_tick(struct mcpz_sim *sim, size_t index)
{
    struct node *node = &sim->nodes[index];
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

static void after_turn(struct mcpz_sim *sim, size_t index, uint64_t batch)
{
    if (batch != 0) {
        mcpz_agenda_add(&sim->agenda, &(struct mcpz_happening){
                                          .at_us = sim->now + sim->config.disk_us,
                                          .kind = MCPZ_HAPPENS_DISK,
                                          .node = index,
                                          .life = sim->nodes[index].life,
                                          .number = batch,
                                      });
    }
    send_frames(sim, index);
    for (size_t i = 0; i < sim->wire_count; i++) {
        struct wire *wire = &sim->wires[i];
        bool closes = (wire->ends[0] == index && wire->closing[0]) ||
                      (wire->ends[1] == index && wire->closing[1]);
        if (wire->open && closes) {
            close_wire(sim, i);
        }
    }
    do_todo(sim, index);
    plan_tick(sim, index);
}

static void leave_turn(struct mcpz_sim *sim, size_t index)
{
    after_turn(sim, index, mcpz_engine_turn_end(sim->nodes[index].engine));
}

/* ---- Happenings ------------------------------------------------------------------------------
 */

static void connect_nodes(struct mcpz_sim *sim, size_t from, size_t to)
{
    char address[48];
    uint8_t binding[MCPZ_BINDING_BYTES] = {0};
    size_t index = sim->wire_count++;
    assert(index < WIRES_MAX);
    struct wire *wire = &sim->wires[index];
    *wire = (struct wire){.open = true, .ends = {from, to}};

    memcpy(binding, &index, sizeof(index));
    (void)snprintf(address, sizeof(address), "node%zu:8765", to);
    mcpz_error error =
        mcpz_engine_link_opened(enter(sim, from), mcpz_identity_id(sim->nodes[to].identity),
                                binding, mcpz_text(address), &wire->links[0]);
    assert(error == MCPZ_OK);
    leave_turn(sim, from);
    error = mcpz_engine_link_opened(enter(sim, to), mcpz_identity_id(sim->nodes[from].identity),
                                    binding, mcpz_bytes(NULL, 0), &wire->links[1]);
    assert(error == MCPZ_OK);
    leave_turn(sim, to);
}

static void on_dial(struct mcpz_sim *sim, const struct mcpz_happening *dial)
{
    size_t to = dial->wire;
    bool refused =
        to >= sim->config.node_count || to == dial->node || sim->nodes[to].engine == NULL;

    if (!refused && !sim->cut[dial->node][to]) {
        connect_nodes(sim, dial->node, to);
        return;
    }
    if (!refused && dial->number == 0) {
        struct mcpz_happening later = *dial;
        later.at_us += DIAL_TIMEOUT_US;
        later.number = 1; /* nobody answered; the dialler notices after its patience */
        mcpz_agenda_add(&sim->agenda, &later);
        return;
    }
    char address[48];
    (void)snprintf(address, sizeof(address), "node%zu:8765", to);
    mcpz_engine_dial_failed(enter(sim, dial->node), mcpz_text(address));
    leave_turn(sim, dial->node);
}

/* Which end of the wire is this node's; a stalled wire's happenings wait. */
static bool is_stalled(const struct mcpz_sim *sim, const struct wire *wire)
{
    return sim->cut[wire->ends[0]][wire->ends[1]];
}

static void postpone(struct mcpz_sim *sim, struct mcpz_happening *happening)
{
    happening->at_us = sim->now + MCPZ_MS(100);
    mcpz_agenda_add(&sim->agenda, happening);
    happening->frame = NULL;
}

static mcpz_error hand_over(struct mcpz_sim *sim, struct wire *wire, size_t end,
                            struct mcpz_bytes frame)
{
    size_t index = wire->ends[end];
    mcpz_error error = mcpz_engine_frame(enter(sim, index), wire->links[end], frame);

    if (error != MCPZ_OK) {
        wire->closing[end] = true;
    }
    leave_turn(sim, index);
    return error;
}

static void on_frame(struct mcpz_sim *sim, struct mcpz_happening *arrival)
{
    struct wire *wire = &sim->wires[arrival->wire];
    size_t end = wire->ends[0] == arrival->node ? 0 : 1;

    if (is_stalled(sim, wire)) {
        postpone(sim, arrival);
        return;
    }
    if (wire->links[end] != 0) {
        (void)hand_over(sim, wire, end, mcpz_bytes(arrival->frame, arrival->length));
    }
}

static void on_closed(struct mcpz_sim *sim, struct mcpz_happening *closed)
{
    struct wire *wire = &sim->wires[closed->wire];
    size_t end = wire->ends[0] == closed->node ? 0 : 1;

    if (is_stalled(sim, wire) && !wire->closing[end]) {
        postpone(sim, closed);
        return;
    }
    if (wire->links[end] != 0) {
        mcpz_engine_link_closed(enter(sim, closed->node), wire->links[end]);
        wire->links[end] = 0;
        leave_turn(sim, closed->node);
    }
}

static void on_disk(struct mcpz_sim *sim, const struct mcpz_happening *written)
{
    struct node *node = &sim->nodes[written->node];

    if (node->disk_is_full) {
        mcpz_mem_fail(node->mem, MCPZ_ENOSPACE);
    } else {
        mcpz_mem_sync(node->mem, written->number);
    }
    mcpz_engine_store_progress(node->engine);
    mcpz_engine_turn_begin(node->engine, sim->now, wall_ms(sim));
    leave_turn(sim, written->node);
}

static void on_run_ended(struct mcpz_sim *sim, const struct mcpz_happening *ended)
{
    struct mcpz_event output = {
        .kind = MCPZ_EVENT_RUN_OUTPUT,
        .run = {.run = (uint32_t)ended->number, .chunk = mcpz_bytes(ended->frame, ended->length)},
    };
    struct mcpz_event end = {.kind = MCPZ_EVENT_RUN_END, .run = {.run = (uint32_t)ended->number}};

    if (ended->length > 0) {
        mcpz_engine_event(enter(sim, ended->node), &output);
    }
    mcpz_engine_event(enter(sim, ended->node), &end);
    leave_turn(sim, ended->node);
}

static void happen(struct mcpz_sim *sim, struct mcpz_happening *happening)
{
    struct node *node = &sim->nodes[happening->node];

    if (node->engine == NULL || happening->life != node->life) {
        return;
    }
    switch (happening->kind) {
    case MCPZ_HAPPENS_TICK:
        if (happening->at_us == node->tick_at_us) {
            node->tick_at_us = MCPZ_TIME_NEVER;
            mcpz_engine_tick(enter(sim, happening->node));
            leave_turn(sim, happening->node);
        }
        break;
    case MCPZ_HAPPENS_DIAL:
        on_dial(sim, happening);
        break;
    case MCPZ_HAPPENS_FRAME:
        on_frame(sim, happening);
        break;
    case MCPZ_HAPPENS_CLOSED:
        on_closed(sim, happening);
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

    while (mcpz_agenda_take(&sim->agenda, until_us, &happening)) {
        assert(happening.at_us >= sim->now);
        sim->now = happening.at_us;
        happen(sim, &happening);
        free(happening.frame);
    }
    sim->now = until_us;
}

/* ---- Making and breaking -----------------------------------------------------------------------
 */

struct mcpz_sim *mcpz_sim_create(const struct mcpz_sim_config *config)
{
    struct mcpz_sim *sim = must(calloc(1, sizeof(*sim)));
    assert(config->node_count > 0 && config->node_count <= MCPZ_SIM_NODES_MAX);

    sim->config = *config;
    mcpz_error error = mcpz_scratch_create(&sim->scratch);
    assert(error == MCPZ_OK);
    mcpz_rng_init(&sim->rng, mcpz_hash_bytes(mcpz_text("network"), config->seed));
    mcpz_agenda_init(&sim->agenda);
    sim->requests = must(calloc(REQUESTS_MAX, sizeof(*sim->requests)));
    sim->trace = must(calloc(1, 1));
    sim->trace_capacity = 1;

    for (size_t i = 0; i < config->node_count; i++) {
        struct node *node = &sim->nodes[i];
        node->sim = sim;
        node->tick_at_us = MCPZ_TIME_NEVER;
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
        struct node *node = &sim->nodes[i];
        mcpz_engine_destroy(node->engine);
        mcpz_mem_destroy(node->mem);
        mcpz_identity_destroy(node->identity);
        mcpz_identity_destroy(node->authority);
    }
    mcpz_agenda_finish(&sim->agenda);
    mcpz_scratch_destroy(sim->scratch);
    free(sim->requests);
    free(sim->trace);
    free(sim);
}

mcpz_time mcpz_sim_now(const struct mcpz_sim *sim)
{
    return sim->now;
}

static uint64_t take_request(struct mcpz_sim *sim)
{
    uint64_t name = ++sim->request_count;
    assert(name < REQUESTS_MAX);
    sim->requests[name].code = -1;
    return name;
}

static void join_mesh(struct mcpz_sim *sim, size_t index)
{
    struct mcpz_join_token token;

    assert(sim->nodes[0].engine != NULL);
    mcpz_error error = mcpz_engine_token_create(enter(sim, 0), take_request(sim), 3600000, 1,
                                                mcpz_bytes(NULL, 0), &token);
    assert(error == MCPZ_OK);
    error = mcpz_engine_join(enter(sim, index), take_request(sim), &token);
    assert(error == MCPZ_OK);
    leave_turn(sim, 0);
    sim->nodes[index].has_joined = true;
}

void mcpz_sim_start(struct mcpz_sim *sim, size_t index)
{
    struct node *node = &sim->nodes[index];
    struct mcpz_engine_ports ports = {
        .context = node,
        .wake = port_wake,
        .close = port_close,
        .act = port_act,
    };
    struct mcpz_engine_config config = {
        .identity = node->identity,
        .authority = node->authority,
        .kv = node->kv,
        .scratch = sim->scratch,
        .seed = mcpz_hash_bytes(mcpz_text("node"), sim->config.seed * 1000003 + index),
        .name = node->name,
        .address = node->address,
        .timing = sim->config.timing,
    };

    assert(node->engine == NULL);
    node->life++;
    node->tick_at_us = MCPZ_TIME_NEVER;
    mcpz_error error = mcpz_engine_create(&config, &ports, sim->now, wall_ms(sim), &node->engine);
    assert(error == MCPZ_OK);
    mcpz_mem_sync(node->mem, mcpz_mem_newest(node->mem)); /* it starts when its start is kept */
    mcpz_engine_store_progress(node->engine);
    (void)enter(sim, index);
    if (index != 0 && !node->has_joined) {
        join_mesh(sim, index);
    }
    leave_turn(sim, index);
}

void mcpz_sim_start_all(struct mcpz_sim *sim)
{
    for (size_t i = 0; i < sim->config.node_count; i++) {
        mcpz_sim_start(sim, i);
    }
    mcpz_sim_run(sim, sim->now + MCPZ_SECONDS(5));
}

void mcpz_sim_kill(struct mcpz_sim *sim, size_t index)
{
    struct node *node = &sim->nodes[index];

    assert(node->engine != NULL);
    mcpz_engine_destroy(node->engine);
    node->engine = NULL;
    node->todo_count = 0;
    mcpz_mem_crash(node->mem);
    for (size_t i = 0; i < sim->wire_count; i++) {
        struct wire *wire = &sim->wires[i];
        if (wire->open && (wire->ends[0] == index || wire->ends[1] == index)) {
            close_wire(sim, i);
        }
    }
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

/* ---- Work --------------------------------------------------------------------------------------
 */

void mcpz_sim_provide(struct mcpz_sim *sim, size_t index, const char *capability)
{
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_PROVIDE,
        .provide = {.name = mcpz_text(capability)},
    };
    mcpz_engine_event(enter(sim, index), &event);
    leave_turn(sim, index);
}

uint64_t mcpz_sim_task(struct mcpz_sim *sim, size_t index, const char *capability,
                       const char *params, uint32_t timeout_ms)
{
    uint64_t name = take_request(sim);
    struct request *request = &sim->requests[name];

    request->timeout_ms = timeout_ms;
    mcpz_bytes_to_text(mcpz_text(capability), request->capability, sizeof(request->capability));
    mcpz_bytes_to_text(mcpz_text(params), request->params, sizeof(request->params));
    start_task(sim, index, name);
    leave_turn(sim, index);
    return name;
}

uint64_t mcpz_sim_write(struct mcpz_sim *sim, size_t index, const char *agent,
                        const struct mcpz_sim_op *op)
{
    uint8_t path_bytes[MCPZ_PATH_BYTES_MAX];
    uint8_t value_bytes[MCPZ_VALUE_BYTES_MAX];
    struct mcpz_value_writer path_writer = mcpz_value_writer(path_bytes, sizeof(path_bytes));
    struct mcpz_value_writer value_writer = mcpz_value_writer(value_bytes, sizeof(value_bytes));
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_AGENT_WRITE,
        .agent = {.request = take_request(sim), .op = op->op, .amount = op->amount},
    };

    mcpz_value_array(&path_writer, 1);
    mcpz_value_text(&path_writer, mcpz_text(op->path != NULL ? op->path : "-"));
    mcpz_value_text(&value_writer, mcpz_text(op->value != NULL ? op->value : ""));
    assert(path_writer.error == MCPZ_OK && value_writer.error == MCPZ_OK);
    event.agent.name = mcpz_text(agent);
    event.agent.path = mcpz_bytes(path_bytes, path_writer.length);
    event.agent.value = mcpz_bytes(value_bytes, value_writer.length);
    mcpz_engine_document_id(mcpz_text("default"), mcpz_text(agent), &event.agent.document);
    mcpz_engine_event(enter(sim, index), &event);
    leave_turn(sim, index);
    return event.agent.request;
}

mcpz_error mcpz_sim_inject(struct mcpz_sim *sim, size_t from, size_t to, struct mcpz_bytes frame)
{
    for (size_t i = 0; i < sim->wire_count; i++) {
        struct wire *wire = &sim->wires[i];
        for (size_t end = 0; end < 2; end++) {
            if (wire->open && wire->ends[end] == to && wire->ends[1 - end] == from &&
                wire->links[end] != 0) {
                return hand_over(sim, wire, end, frame);
            }
        }
    }
    return MCPZ_ENOTFOUND;
}

/* ---- Looking -----------------------------------------------------------------------------------
 */

bool mcpz_sim_knows(const struct mcpz_sim *sim, size_t index, size_t peer)
{
    const struct mcpz_member *member =
        mcpz_members_find(&mcpz_engine_node(sim->nodes[index].engine)->members,
                          mcpz_identity_id(sim->nodes[peer].identity));
    return member != NULL &&
           (member->state == MCPZ_MEMBER_ALIVE || member->state == MCPZ_MEMBER_SUSPECT);
}

int mcpz_sim_reply(const struct mcpz_sim *sim, uint64_t request)
{
    return sim->requests[request].code;
}

const char *mcpz_sim_result(const struct mcpz_sim *sim, uint64_t request)
{
    return sim->requests[request].result;
}

bool mcpz_sim_root(struct mcpz_sim *sim, size_t index, const char *agent, uint8_t *root)
{
    struct mcpz_id document;

    mcpz_engine_document_id(mcpz_text("default"), mcpz_text(agent), &document);
    mcpz_error error = mcpz_engine_root(enter(sim, index), &document, root);
    leave_turn(sim, index);
    return error == MCPZ_OK;
}

static int64_t integer_of(struct mcpz_bytes value)
{
    struct mcpz_reader reader = mcpz_reader(value);
    struct mcpz_item item;

    if (mcpz_reader_next(&reader, &item) != MCPZ_OK) {
        return 0;
    }
    return item.type == MCPZ_ITEM_INT ? item.sint : (int64_t)item.uint;
}

int64_t mcpz_sim_counter(struct mcpz_sim *sim, size_t index, const char *agent, const char *path)
{
    uint8_t bytes[MCPZ_PATH_BYTES_MAX];
    struct mcpz_value_writer writer = mcpz_value_writer(bytes, sizeof(bytes));
    const struct mcpz_store *store = mcpz_engine_store(enter(sim, index));
    struct mcpz_record record = {.kind = MCPZ_RECORD_ENTRY};
    bool inclusive = true;
    int64_t sum = 0;

    mcpz_value_array(&writer, 1);
    mcpz_value_text(&writer, mcpz_text(path));
    mcpz_engine_document_id(mcpz_text("default"), mcpz_text(agent), &record.entry.document);
    record.entry.path = mcpz_bytes(bytes, writer.length);
    while (store->next(store->context, MCPZ_SCAN_PATH, inclusive, &record) == MCPZ_OK) {
        inclusive = false;
        sum += record.entry.type == MCPZ_ENTRY_COUNTER ? integer_of(record.entry.value) : 0;
    }
    leave_turn(sim, index);
    return sum;
}

struct mcpz_engine *mcpz_sim_engine(struct mcpz_sim *sim, size_t index)
{
    return sim->nodes[index].engine;
}

const char *mcpz_sim_trace(const struct mcpz_sim *sim)
{
    return sim->trace;
}
