/* What engines ask for: noted while they are at work, done after their turn. */

#include <assert.h>
#include <stdio.h>

#include "proto/code.h"
#include "sim/internal.h"

size_t mcpz_sim_node_of(const struct mcpz_sim *sim, const struct mcpz_id *id)
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
    char line[MCPZ_SIM_RESULT_BYTES + 64];
    int length = snprintf(line, sizeof(line), "[%5llu] %zu: %s\n",
                          (unsigned long long)(sim->now / 1000), node, text);
    size_t needed = sim->trace_length + (size_t)length + 1;

    if (needed > sim->trace_capacity) {
        sim->trace_capacity = 2 * needed;
        sim->trace = mcpz_sim_must(realloc(sim->trace, sim->trace_capacity));
    }
    memcpy(sim->trace + sim->trace_length, line, (size_t)length + 1);
    sim->trace_length += (size_t)length;
}

static void note_fact(struct mcpz_sim *sim, size_t node, const struct mcpz_fact *fact)
{
    char text[64];
    size_t about = mcpz_sim_node_of(sim, &fact->about);

    if (about != SIZE_MAX) {
        (void)snprintf(text, sizeof(text), "%zu %s", about, mcpz_fact_word(fact->kind));
    } else {
        (void)snprintf(text, sizeof(text), "%s", mcpz_fact_word(fact->kind));
    }
    note(sim, node, text);
}

static void remember(struct mcpz_sim_node *node, enum mcpz_todo_kind kind, uint64_t number)
{
    assert(node->todo_count < MCPZ_TODO_MAX);
    node->todo[node->todo_count++] = (struct mcpz_todo){.kind = kind, .number = number};
}

static void port_wake(void *context, mcpz_link link)
{
    (void)context;
    (void)link; /* every link is looked at after every turn */
}

static void port_close(void *context, mcpz_link link, const char *why)
{
    struct mcpz_sim_node *node = context;
    (void)why;

    for (size_t i = 0; i < node->wire_count; i++) {
        struct mcpz_wire *wire = &node->sim->wires[node->wires[i]];
        for (size_t end = 0; end < 2; end++) {
            if (&node->sim->nodes[wire->ends[end]] == node && wire->links[end] == link) {
                wire->closing[end] = true;
                return;
            }
        }
    }
    remember(node, MCPZ_TODO_TURN_AWAY, link); /* a stranger's: there is no wire */
}

static void keep_output(struct mcpz_sim *sim, const struct mcpz_action_task *task)
{
    struct mcpz_sim_request *request = &sim->requests[task->request];
    size_t used = strlen(request->result);

    mcpz_bytes_to_text(task->chunk, request->result + used, sizeof(request->result) - used);
}

static void end_task(struct mcpz_sim *sim, size_t index, const struct mcpz_action_task *task)
{
    char text[MCPZ_SIM_RESULT_BYTES + 32];
    struct mcpz_sim_request *request = &sim->requests[task->request];

    request->code = (int)task->code;
    (void)snprintf(text, sizeof(text), "task %s %s", mcpz_code_word(task->code), request->result);
    note(sim, index, text);
}

static struct mcpz_sim_held **find_held(struct mcpz_sim *sim, size_t index, uint32_t run)
{
    struct mcpz_sim_held **link = &sim->held;

    while (*link != NULL &&
           ((*link)->ended.node != index || (*link)->ended.life != sim->nodes[index].life ||
            (*link)->ended.number != run)) {
        link = &(*link)->next;
    }
    return link;
}

/* When a run that begins now ends. */
static mcpz_time run_end(const struct mcpz_sim *sim, size_t index)
{
    const mcpz_time run_us = sim->nodes[index].run_us;
    return run_us == MCPZ_TIME_NEVER ? MCPZ_TIME_NEVER : sim->now + run_us;
}

/* It begins if nothing is in its way any more. */
static void go_on(struct mcpz_sim *sim, struct mcpz_sim_held **link)
{
    struct mcpz_sim_held *held = *link;

    if (held->may_begin && held->is_whole) {
        *link = held->next;
        held->ended.at_us = run_end(sim, held->ended.node);
        mcpz_agenda_add(&sim->agenda, &held->ended);
        free(held);
    }
}

static void let_begin(struct mcpz_sim *sim, size_t index, uint32_t run)
{
    struct mcpz_sim_held **link = find_held(sim, index, run);

    assert(*link != NULL);
    (*link)->may_begin = true;
    go_on(sim, link);
}

static void take_input(struct mcpz_sim *sim, size_t index, const struct mcpz_action_run *input)
{
    struct mcpz_sim_held *held = *find_held(sim, index, input->run);

    if (held != NULL && held->joins) {
        size_t length = held->ended.length + input->chunk.length;
        held->ended.frame = mcpz_sim_must(realloc(held->ended.frame, length + 1));
        memcpy(held->ended.frame + held->ended.length, input->chunk.data, input->chunk.length);
        held->ended.length = length;
    }
}

static void end_input(struct mcpz_sim *sim, size_t index, uint32_t run)
{
    struct mcpz_sim_held **link = find_held(sim, index, run);

    if (*link != NULL) {
        (*link)->is_whole = true;
        go_on(sim, link);
    }
}

/* One that has begun goes on, and nobody hears of its end. */
static void stop_run(struct mcpz_sim *sim, size_t index, uint32_t run)
{
    struct mcpz_sim_held **link = find_held(sim, index, run);
    struct mcpz_sim_held *held = *link;

    if (held != NULL) {
        *link = held->next;
        free(held->ended.frame);
        free(held);
    }
}

void mcpz_sim_forget_held(struct mcpz_sim *sim)
{
    while (sim->held != NULL) {
        struct mcpz_sim_held *held = sim->held;
        sim->held = held->next;
        free(held->ended.frame);
        free(held);
    }
}

static enum mcpz_sim_outcome outcome_of(struct mcpz_bytes capability)
{
    if (mcpz_bytes_equal(capability, mcpz_text("split"))) {
        return MCPZ_SIM_SPLITS;
    }
    return mcpz_bytes_equal(capability, mcpz_text("fail")) ? MCPZ_SIM_FAILS : MCPZ_SIM_GIVES;
}

/* A provider takes its time, and gives its parameters back, or its input. */
static void start_run(struct mcpz_sim *sim, size_t index, const struct mcpz_action_run *run)
{
    bool joins = mcpz_bytes_equal(run->capability, mcpz_text("join"));
    struct mcpz_sim_held *held = mcpz_sim_must(malloc(sizeof(*held)));
    *held = (struct mcpz_sim_held){
        .ended = {.kind = MCPZ_HAPPENS_RUN_ENDED,
                  .node = index,
                  .life = sim->nodes[index].life,
                  .number = run->run,
                  .frame = mcpz_sim_must(malloc(run->params.length + 1)),
                  .length = joins ? 0 : run->params.length,
                  .outcome = outcome_of(run->capability)},
        .may_begin = !run->held,
        .is_whole = !run->has_input,
        .joins = joins,
        .next = sim->held,
    };

    memcpy(held->ended.frame, run->params.data, run->params.length);
    sim->held = held;
    go_on(sim, &sim->held);
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

static void port_act(void *context, const struct mcpz_action *action);

/* The same as a reply to each. */
static void reply_to_all(struct mcpz_sim_node *node, const struct mcpz_action *taken)
{
    for (size_t i = 0; i < taken->taken.count; i++) {
        const struct mcpz_task_taken *row = &taken->taken.rows[i];
        port_act(node, &(struct mcpz_action){.kind = MCPZ_ACTION_REPLY,
                                             .reply = {.request = row->number,
                                                       .code = row->code,
                                                       .task = row->id,
                                                       .copies = row->copies}});
    }
}

static void port_act(void *context, const struct mcpz_action *action)
{
    struct mcpz_sim_node *node = context;
    struct mcpz_sim *sim = node->sim;
    size_t index = (size_t)(node - sim->nodes);

    if (action->kind == MCPZ_ACTION_TAKEN) {
        reply_to_all(node, action);
        return;
    }
    if (sim->watch.saw != NULL) {
        sim->watch.saw(sim->watch.context, index, action);
    }
    if (action->kind == MCPZ_ACTION_FACT) {
        note_fact(sim, index, &action->fact);
    } else if (action->kind == MCPZ_ACTION_REPLY) {
        sim->requests[action->reply.request].code = (int)action->reply.code;
        sim->requests[action->reply.request].task = action->reply.task;
        sim->requests[action->reply.request].copies = action->reply.copies;
    } else if (action->kind == MCPZ_ACTION_TASK_OUTPUT) {
        keep_output(sim, &action->task);
    } else if (action->kind == MCPZ_ACTION_TASK_DONE) {
        end_task(sim, index, &action->task);
    } else if (action->kind == MCPZ_ACTION_RUN_START) {
        start_run(sim, index, &action->run);
    } else if (action->kind == MCPZ_ACTION_RUN_GO) {
        let_begin(sim, index, action->run.run);
    } else if (action->kind == MCPZ_ACTION_RUN_INPUT) {
        take_input(sim, index, &action->run);
    } else if (action->kind == MCPZ_ACTION_RUN_INPUT_END) {
        end_input(sim, index, action->run.run);
    } else if (action->kind == MCPZ_ACTION_RUN_STOP) {
        stop_run(sim, index, action->run.run);
    } else if (action->kind == MCPZ_ACTION_DIAL) {
        remember(node, MCPZ_TODO_DIAL, node_at(action->dial.address));
    } else if (action->kind == MCPZ_ACTION_TASK_RETRY) {
        remember(node, MCPZ_TODO_RETRY, action->task.request);
    }
}

struct mcpz_engine_ports mcpz_sim_ports(struct mcpz_sim_node *node)
{
    return (struct mcpz_engine_ports){
        .context = node,
        .wake = port_wake,
        .close = port_close,
        .act = port_act,
    };
}
