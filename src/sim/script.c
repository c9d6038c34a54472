/* What a script has the nodes do, and what it sees of them. */

#include <assert.h>

#include "core/crdt/document.h"
#include "core/crdt/lives.h"
#include "core/crdt/scope.h"
#include "engine/checkpoint.h"
#include "engine/collecting.h"
#include "sim/internal.h"
#include "wire/reader.h"
#include "wire/value.h"

uint64_t mcpz_sim_take_request(struct mcpz_sim *sim)
{
    uint64_t name = ++sim->request_count;
    assert(name < MCPZ_SIM_REQUESTS_MAX);
    sim->requests[name].code = -1;
    return name;
}

void mcpz_sim_start_task(struct mcpz_sim *sim, size_t index, uint64_t name)
{
    const struct mcpz_sim_request *request = &sim->requests[name];
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_TASK_START,
        .task =
            {
                .request = name,
                .capability = mcpz_text(request->capability),
                .params = mcpz_text(request->params),
                .timeout_ms = request->timeout_ms,
                .priority = request->priority,
                .tenant = mcpz_text(request->tenant),
                .idempotency_key = mcpz_text(request->key),
            },
    };
    mcpz_engine_event(mcpz_sim_enter(sim, index), &event);
}

void mcpz_sim_provide(struct mcpz_sim *sim, size_t index, const char *capability)
{
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_PROVIDE,
        .provide = {.name = mcpz_text(capability), .takes_hand = true},
    };
    mcpz_engine_event(mcpz_sim_enter(sim, index), &event);
    mcpz_sim_leave(sim, index);
}

void mcpz_sim_drain(struct mcpz_sim *sim, size_t index, uint32_t timeout_ms)
{
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_DRAIN,
        .drain = {.timeout_ms = timeout_ms, .announce_ms = timeout_ms / 2},
    };
    mcpz_engine_event(mcpz_sim_enter(sim, index), &event);
    mcpz_sim_leave(sim, index);
}

void mcpz_sim_resume(struct mcpz_sim *sim, size_t index)
{
    struct mcpz_event event = {.kind = MCPZ_EVENT_RESUME};
    mcpz_engine_event(mcpz_sim_enter(sim, index), &event);
    mcpz_sim_leave(sim, index);
}

void mcpz_sim_slow_runs(struct mcpz_sim *sim, size_t index, mcpz_time run_us)
{
    assert(index < sim->config.node_count);
    sim->nodes[index].run_us = run_us;
}

void mcpz_sim_fail_runs(struct mcpz_sim *sim, size_t index, uint32_t code)
{
    assert(index < sim->config.node_count);
    sim->nodes[index].run_code = code;
}

uint64_t mcpz_sim_task(struct mcpz_sim *sim, size_t index, const char *capability,
                       const char *params, uint32_t timeout_ms)
{
    return mcpz_sim_order(sim, index,
                          &(struct mcpz_sim_order){
                              .capability = capability,
                              .params = params,
                              .timeout_ms = timeout_ms,
                              .priority = MCPZ_PRIORITY_DEFAULT,
                          });
}

static void copy_text(const char *text, char *copy, size_t capacity)
{
    mcpz_bytes_to_text(mcpz_text(text != NULL ? text : ""), copy, capacity);
}

uint64_t mcpz_sim_order(struct mcpz_sim *sim, size_t index, const struct mcpz_sim_order *order)
{
    uint64_t name = mcpz_sim_take_request(sim);
    struct mcpz_sim_request *request = &sim->requests[name];

    request->timeout_ms = order->timeout_ms;
    request->priority = order->priority;
    copy_text(order->capability, request->capability, sizeof(request->capability));
    copy_text(order->params, request->params, sizeof(request->params));
    copy_text(order->tenant, request->tenant, sizeof(request->tenant));
    copy_text(order->key, request->key, sizeof(request->key));
    mcpz_sim_start_task(sim, index, name);
    mcpz_sim_leave(sim, index);
    return name;
}

uint64_t mcpz_sim_write(struct mcpz_sim *sim, size_t index, const char *agent,
                        const struct mcpz_sim_op *op)
{
    return mcpz_sim_write_waiting(sim, index, agent, op, MCPZ_ACK_ASYNC, MCPZ_ACK_TIMEOUT_MS);
}

uint64_t mcpz_sim_write_waiting(struct mcpz_sim *sim, size_t index, const char *agent,
                                const struct mcpz_sim_op *op, enum mcpz_ack_level ack,
                                uint32_t timeout_ms)
{
    uint8_t path_bytes[MCPZ_PATH_BYTES_MAX];
    uint8_t value_bytes[MCPZ_VALUE_BYTES_MAX];
    struct mcpz_value_writer path_writer = mcpz_value_writer(path_bytes, sizeof(path_bytes));
    struct mcpz_value_writer value_writer = mcpz_value_writer(value_bytes, sizeof(value_bytes));
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_AGENT_WRITE,
        .agent = {.request = mcpz_sim_take_request(sim),
                  .op = op->op,
                  .amount = op->amount,
                  .ack = ack,
                  .ack_timeout_ms = timeout_ms},
    };

    mcpz_value_array(&path_writer, 1);
    mcpz_value_text(&path_writer, mcpz_text(op->path != NULL ? op->path : "-"));
    mcpz_value_text(&value_writer, mcpz_text(op->value != NULL ? op->value : ""));
    assert(path_writer.error == MCPZ_OK && value_writer.error == MCPZ_OK);
    event.agent.name = mcpz_text(agent);
    event.agent.path = mcpz_bytes(path_bytes, path_writer.length);
    event.agent.value = mcpz_bytes(value_bytes, value_writer.length);
    mcpz_engine_document_id(mcpz_bytes(NULL, 0), mcpz_text(agent), &event.agent.document);
    mcpz_engine_event(mcpz_sim_enter(sim, index), &event);
    mcpz_sim_leave(sim, index);
    return event.agent.request;
}

uint64_t mcpz_sim_read_quorum(struct mcpz_sim *sim, size_t index, const char *agent,
                              uint32_t timeout_ms)
{
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_AGENT_READ,
        .agent = {.request = mcpz_sim_take_request(sim), .ack_timeout_ms = timeout_ms}};

    mcpz_engine_document_id(mcpz_bytes(NULL, 0), mcpz_text(agent), &event.agent.document);
    mcpz_engine_event(mcpz_sim_enter(sim, index), &event);
    mcpz_sim_leave(sim, index);
    return event.agent.request;
}

bool mcpz_sim_knows(const struct mcpz_sim *sim, size_t index, size_t peer)
{
    const struct mcpz_member *member =
        mcpz_members_find(&mcpz_engine_node(sim->nodes[index].engine)->fabric.members,
                          mcpz_identity_id(sim->nodes[peer].identity));
    return member != NULL &&
           (member->state == MCPZ_MEMBER_ALIVE || member->state == MCPZ_MEMBER_SUSPECT);
}

bool mcpz_sim_holds_alive(const struct mcpz_sim *sim, size_t index, size_t peer)
{
    const struct mcpz_member *member =
        mcpz_members_find(&mcpz_engine_node(sim->nodes[index].engine)->fabric.members,
                          mcpz_identity_id(sim->nodes[peer].identity));
    return member != NULL && member->state == MCPZ_MEMBER_ALIVE;
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

    mcpz_engine_document_id(mcpz_bytes(NULL, 0), mcpz_text(agent), &document);
    mcpz_error error = mcpz_engine_root(mcpz_sim_enter(sim, index), &document, root);
    mcpz_sim_leave(sim, index);
    return error == MCPZ_OK;
}

bool mcpz_sim_may_write(struct mcpz_sim *sim, size_t index, const char *agent)
{
    struct mcpz_engine *engine = mcpz_sim_enter(sim, index);
    struct mcpz_document document;
    struct mcpz_id id;
    bool may_write = false;

    mcpz_engine_document_id(mcpz_bytes(NULL, 0), mcpz_text(agent), &id);
    if (mcpz_document_load(mcpz_engine_store(engine), &id, &document) == MCPZ_OK) {
        const struct mcpz_actor writer =
            mcpz_lives_writer(&document, &mcpz_engine_node(engine)->agents.actor);
        may_write = mcpz_document_admits(&document, &writer);
    }
    mcpz_sim_leave(sim, index);
    return may_write;
}

uint64_t mcpz_sim_tail(struct mcpz_sim *sim, size_t index, const char *agent)
{
    struct mcpz_engine *engine = mcpz_sim_enter(sim, index);
    struct mcpz_checkpoint_state state;
    struct mcpz_id document;
    uint64_t tail = 0;

    mcpz_engine_document_id(mcpz_bytes(NULL, 0), mcpz_text(agent), &document);
    if (mcpz_checkpoint_state_of(mcpz_engine_store(engine), &document, &state) == MCPZ_OK) {
        tail = mcpz_collecting_tail(engine, &document, &state.clock, &state.cuts);
    }
    mcpz_sim_leave(sim, index);
    return tail;
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

/* Where a scan of the entries at a path begins. */
static struct mcpz_record first_entry(const char *agent, const char *path, uint8_t *path_bytes)
{
    struct mcpz_value_writer writer = mcpz_value_writer(path_bytes, MCPZ_PATH_BYTES_MAX);
    struct mcpz_record record = {.kind = MCPZ_RECORD_ENTRY};

    mcpz_value_array(&writer, 1);
    mcpz_value_text(&writer, mcpz_text(path));
    mcpz_engine_document_id(mcpz_bytes(NULL, 0), mcpz_text(agent), &record.entry.document);
    record.entry.path = mcpz_bytes(path_bytes, writer.length);
    return record;
}

int64_t mcpz_sim_counter(struct mcpz_sim *sim, size_t index, const char *agent, const char *path)
{
    uint8_t path_bytes[MCPZ_PATH_BYTES_MAX];
    struct mcpz_record record = first_entry(agent, path, path_bytes);
    const struct mcpz_store *store = mcpz_engine_store(mcpz_sim_enter(sim, index));
    bool inclusive = true;
    int64_t sum = 0;

    while (store->next(store->context, MCPZ_SCAN_PATH, inclusive, &record) == MCPZ_OK) {
        inclusive = false;
        sum += record.entry.type == MCPZ_ENTRY_COUNTER ? integer_of(record.entry.value) : 0;
    }
    mcpz_sim_leave(sim, index);
    return sum;
}

bool mcpz_sim_is_aside(const struct mcpz_sim *sim, size_t index, const char *agent)
{
    const struct mcpz_sim_node *node = &sim->nodes[index];
    struct mcpz_id id;

    mcpz_engine_document_id(mcpz_bytes(NULL, 0), mcpz_text(agent), &id);
    return mcpz_scope_is_among(node->aside, node->aside_count, &id);
}

bool mcpz_sim_has(struct mcpz_sim *sim, size_t index, const char *agent, const char *path,
                  const char *value)
{
    uint8_t path_bytes[MCPZ_PATH_BYTES_MAX];
    uint8_t value_bytes[MCPZ_VALUE_BYTES_MAX];
    struct mcpz_value_writer writer = mcpz_value_writer(value_bytes, sizeof(value_bytes));
    struct mcpz_record record = first_entry(agent, path, path_bytes);
    const struct mcpz_store *store = mcpz_engine_store(mcpz_sim_enter(sim, index));
    bool inclusive = true;
    bool found = false;

    mcpz_value_text(&writer, mcpz_text(value));
    while (!found && store->next(store->context, MCPZ_SCAN_PATH, inclusive, &record) == MCPZ_OK) {
        inclusive = false;
        found = record.entry.type == MCPZ_ENTRY_SET &&
                mcpz_bytes_equal(record.entry.value, mcpz_bytes(value_bytes, writer.length));
    }
    mcpz_sim_leave(sim, index);
    return found;
}

struct mcpz_engine *mcpz_sim_engine(struct mcpz_sim *sim, size_t index)
{
    return sim->nodes[index].engine;
}

const char *mcpz_sim_trace(const struct mcpz_sim *sim)
{
    return sim->trace;
}
