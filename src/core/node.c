#include "core/node.h"

#include "base/hash.h"
#include "core/majority.h"

static uint64_t seed_for(uint64_t seed, const char *machine)
{
    return mcpz_hash_bytes(mcpz_text(machine), seed);
}

static struct mcpz_relay_config relay_config(const struct mcpz_node_config *config)
{
    const size_t links_max = config->fabric.links_max;

    return (struct mcpz_relay_config){
        .self = config->fabric.members.id,
        .sealer = config->sealer,
        .sessions_max = config->relayed_max,
        .links_max = links_max > 0 ? links_max : MCPZ_LINKS_MAX,
        .seed = seed_for(config->fabric.seed, "relay"),
    };
}

/* The fabric's part of the memory comes first, then the relay's, so that they can start over
 * without the rest. */
static size_t fabric_bytes(const struct mcpz_node_config *config)
{
    return mcpz_arena_cost(mcpz_fabric_bytes(&config->fabric), 1);
}

static size_t lower_bytes(const struct mcpz_node_config *config)
{
    const struct mcpz_relay_config relay = relay_config(config);

    return fabric_bytes(config) + mcpz_relay_bytes(&relay);
}

static void init_lower(struct mcpz_node *node, const struct mcpz_node_config *config,
                       mcpz_time now)
{
    const struct mcpz_relay_config relay = relay_config(config);
    struct mcpz_arena arena;

    mcpz_arena_init_zeroed(&arena, node->memory, lower_bytes(config));
    void *memory = mcpz_arena_take_sure(&arena, fabric_bytes(config), 1);
    mcpz_fabric_init(&node->fabric, &config->fabric, memory, now);
    mcpz_relay_init(&node->relay, &relay, &arena);
}

static struct mcpz_layouts_config layouts_config(const struct mcpz_node_config *config)
{
    return (struct mcpz_layouts_config){
        .self = config->fabric.members.id,
        .opener = config->opener,
        .nodes_max = config->opener.open == NULL ? 1 : config->layout_nodes_max,
        .zones_max = config->layout_nodes_max < MCPZ_LAYOUT_ZONES_MAX ? config->layout_nodes_max
                                                                      : MCPZ_LAYOUT_ZONES_MAX,
        .seed = seed_for(config->fabric.seed, "layouts"),
    };
}

size_t mcpz_node_bytes(const struct mcpz_node_config *config)
{
    const struct mcpz_layouts_config layouts = layouts_config(config);

    return lower_bytes(config) + mcpz_calls_bytes(&config->calls) + mcpz_layouts_bytes(&layouts) +
           mcpz_agents_bytes();
}

void mcpz_node_init(struct mcpz_node *node, const struct mcpz_node_config *config,
                    const struct mcpz_store *store, void *memory, mcpz_time now)
{
    const struct mcpz_id *self = &config->fabric.members.id;
    const struct mcpz_layouts_config layouts = layouts_config(config);
    struct mcpz_calls_config calls = config->calls;
    struct mcpz_actor actor = {.node = *self, .generation = config->generation};
    uint64_t seed = config->fabric.seed;
    struct mcpz_arena arena;

    mcpz_arena_init_zeroed(&arena, memory, mcpz_node_bytes(config));
    node->memory = mcpz_arena_take_sure(&arena, lower_bytes(config), 1);
    init_lower(node, config, now);
    mcpz_registry_init(&node->registry, self, config->fabric.members.incarnation);
    calls.life = config->fabric.members.incarnation;
    mcpz_calls_init(&node->calls, &calls, self, seed_for(seed, "calls"), &arena);
    node->planner = config->planner;
    mcpz_drain_init(&node->drain, self);
    mcpz_ledger_init(&node->ledger, store, &node->fabric.timing);
    mcpz_tasks_init(&node->tasks, store, &node->fabric.timing, self,
                    config->fabric.members.incarnation, seed_for(seed, "tasks"));
    mcpz_layouts_init(&node->layouts, &layouts, store, &node->fabric.timing, &arena, now);
    const struct mcpz_agents_config agents = {.store = store,
                                              .timing = &node->fabric.timing,
                                              .actor = &actor,
                                              .grace_ms = config->grace_ms,
                                              .seed = seed_for(seed, "agents")};
    mcpz_agents_init(&node->agents, &agents, now, &arena);
    mcpz_keeping_init(&node->keeping, self, store, seed_for(seed, "keeping"));
}

void mcpz_node_start_over(struct mcpz_node *node, const struct mcpz_node_config *config,
                          mcpz_time now)
{
    struct mcpz_node_config anew = *config;

    anew.fabric.seed += config->fabric.members.incarnation;
    init_lower(node, &anew, now);
    mcpz_registry_start_over(&node->registry, config->fabric.members.incarnation);
    mcpz_tasks_start_over(&node->tasks);
    mcpz_layouts_start_over(&node->layouts, now);
}

/* ---- The step ----------------------------------------------------------------------------- */

static struct mcpz_call_sight sight_of(const struct mcpz_node *node, mcpz_time now)
{
    return (struct mcpz_call_sight){
        .fabric = &node->fabric,
        .relay = &node->relay,
        .registry = &node->registry,
        .now = now,
    };
}

/* Show `event` to the calls; the ledger looks at what passes between them and the edge. */
static void step_calls(struct mcpz_node *node, mcpz_time now, const struct mcpz_event *event,
                       struct mcpz_outbox *out)
{
    const struct mcpz_call_sight sight = sight_of(node, now);
    const size_t from = out->count;
    struct mcpz_event seen;
    bool durable = mcpz_ledger_hear(&node->ledger, now, event, &seen, out);

    mcpz_calls_step(&node->calls, &sight, &seen, out);
    const size_t end = out->count;
    for (size_t i = from; i < end; i++) {
        mcpz_ledger_pass(&node->ledger, now, out, i);
        if (durable && out->actions[i].kind == MCPZ_ACTION_SEND) {
            out->actions[i].durable = true;
        }
    }
}

static void step_drain(struct mcpz_node *node, mcpz_time now, const struct mcpz_event *event,
                       struct mcpz_outbox *out)
{
    if (event->kind == MCPZ_EVENT_DRAIN || node->drain.state != MCPZ_DRAIN_NONE) {
        const struct mcpz_drain_sight sight = {
            .links = &node->fabric.links,
            .calls = &node->calls,
            .digest = mcpz_members_digest(&node->fabric.members),
            .offers = mcpz_registry_offers_any(&node->registry),
        };
        mcpz_drain_step(&node->drain, &sight, now, event, out);
    }
}

static void step_tasks(struct mcpz_node *node, mcpz_time now, const struct mcpz_event *event,
                       struct mcpz_outbox *out)
{
    const struct mcpz_tasks_below below = {.fabric = &node->fabric,
                                           .relay = &node->relay,
                                           .registry = &node->registry,
                                           .calls = &node->calls,
                                           .planner = node->planner};

    mcpz_tasks_step(&node->tasks, &below, now, event, out);
}

static size_t owners(void *context, const struct mcpz_id *document, struct mcpz_id *ids)
{
    return mcpz_layouts_owners(context, document, ids);
}

/* What agents compare with others is what both keep. */
static void set_scope(struct mcpz_node *node, mcpz_time now)
{
    const uint64_t stamp = mcpz_layouts_stamp(&node->layouts);
    const struct mcpz_scope scope = {
        .context = &node->layouts,
        .self = node->layouts.history.self,
        .stamp = stamp,
        .is_moving = mcpz_layouts_are_moving(&node->layouts),
        .bits = mcpz_layouts_partition_bits(&node->layouts),
        .owners = stamp != 0 ? owners : NULL,
    };

    mcpz_entropy_follow(&node->agents.entropy, &scope, now);
}

/* Show `event` to the agents; who keeps what looks at what they say, and layouts hear of that. */
static void show_agents(struct mcpz_node *node, mcpz_time now, const struct mcpz_event *event,
                        struct mcpz_outbox *out)
{
    const struct mcpz_keeping_below below = {.fabric = &node->fabric,
                                             .relay = &node->relay,
                                             .layouts = &node->layouts,
                                             .agents = &node->agents};
    const size_t from = out->count;

    set_scope(node, now);
    if ((event->kind == MCPZ_EVENT_RECV && event->recv.msg->kind == MCPZ_MSG_HORIZON) ||
        mcpz_horizon_owes(&node->agents.horizon)) {
        node->agents.horizon.is_majority =
            mcpz_majority_is_there(node->agents.horizon.store, &node->fabric.members.roster);
    }
    mcpz_agents_step(&node->agents, &node->fabric.overlay, now, event, out);
    mcpz_keeping_pass(&node->keeping, &below, now, event, out, from);
    mcpz_keeping_step(&node->keeping, &below, now, event, out);
    mcpz_layouts_hear(&node->layouts, now, mcpz_acks_oldest(&node->keeping.acks),
                      node->keeping.puller.synced, out);
    for (size_t i = 0; i < node->keeping.handover.gone_count; i++) {
        mcpz_agents_forget(&node->agents, &node->keeping.handover.gone[i]);
    }
    if (!mcpz_id_is_zero(&node->keeping.rounds.linked)) {
        mcpz_agents_compare(&node->agents, &node->keeping.rounds.linked, now);
    }
}

/*
 * To those a session with a peer is as good as a link. What is said goes over the link where there
 * are both: nothing is lost when the session ends, and when the link does they begin anew in it.
 */
static void step_agents(struct mcpz_node *node, mcpz_time now, const struct mcpz_event *event,
                        struct mcpz_outbox *out)
{
    const struct mcpz_fact *fact = &event->fact;

    if (event->kind == MCPZ_EVENT_FACT && fact->kind == MCPZ_FACT_UNRELAYED &&
        mcpz_links_find(&node->fabric.links, &fact->about) != NULL) {
        return;
    }
    if (event->kind == MCPZ_EVENT_FACT && fact->kind == MCPZ_FACT_UNLINKED &&
        mcpz_relay_reaches(&node->relay, &fact->about)) {
        const struct mcpz_event relayed = {
            .kind = MCPZ_EVENT_FACT,
            .wall_ms = event->wall_ms,
            .fact = {.kind = MCPZ_FACT_RELAYED, .about = fact->about}};
        show_agents(node, now, &relayed, out);
        return;
    }
    show_agents(node, now, event, out);
}

/*
 * Show `event` to the machines from the relay up. What comes out of the relay is for calls, and
 * letters leave as actions: what is said of documents comes back in as a message.
 */
static void step_upper(struct mcpz_node *node, mcpz_time now, const struct mcpz_event *event,
                       struct mcpz_outbox *out)
{
    struct mcpz_relay_outcome outcome;

    if (mcpz_event_is_of_calls(event)) {
        step_calls(node, now, event, out);
        step_drain(node, now, event, out);
        return;
    }
    if (mcpz_event_is_of_agents(event)) {
        step_agents(node, now, event, out);
        return;
    }
    mcpz_relay_step(&node->relay, &node->fabric, now, event, out, &outcome);
    if (outcome.delivered) {
        const struct mcpz_event relayed = {
            .kind = MCPZ_EVENT_RECV,
            .wall_ms = event->wall_ms,
            .recv = {.from = outcome.from, .msg = &outcome.msg},
        };
        if (outcome.msg.kind == MCPZ_MSG_TASK_RENEW || outcome.msg.kind == MCPZ_MSG_TASK_CHECK) {
            step_tasks(node, now, &relayed, out);
        } else {
            step_calls(node, now, &relayed, out);
            step_drain(node, now, &relayed, out);
        }
    }
    if (outcome.taken) {
        return;
    }
    mcpz_registry_step(&node->registry, now, event, out);
    if (!outcome.hidden) {
        step_calls(node, now, event, out);
    }
    step_drain(node, now, event, out);
    step_tasks(node, now, event, out);
    mcpz_layouts_step(&node->layouts, &node->fabric.overlay, now, event, out);
    step_agents(node, now, event, out);
}

/* A session with a peer lives as long as calls need it: what those above know. */
static void tell_needed(struct mcpz_node *node, mcpz_time now)
{
    struct mcpz_relay *relay = &node->relay;

    for (size_t i = 0; i < relay->config.sessions_max && relay->count > 0; i++) {
        if (relay->sessions[i].state != MCPZ_RELAY_FREE) {
            mcpz_relay_need(relay, i, now,
                            mcpz_calls_need(&node->calls, &relay->sessions[i].peer));
        }
    }
}

/* A broadcast that came is a message for whoever it is for. */
static void deliver(struct mcpz_node *node, mcpz_time now, const struct mcpz_fact *fact,
                    struct mcpz_outbox *out)
{
    struct mcpz_msg msg;

    if (node->fabric.packer.unpack(fact->detail, &out->arena, &msg) &&
        msg.kind == MCPZ_MSG_CAPABILITIES) {
        const struct mcpz_event delivered = {
            .kind = MCPZ_EVENT_RECV,
            .recv = {.from = fact->about, .msg = &msg, .gossip = true},
        };
        mcpz_registry_step(&node->registry, now, &delivered, out);
    }
}

/* Show the facts from action `from` on to the machines from the registry up. Returns the action
 * after the last that was looked at. That a document has grown is news for those outside only. */
static size_t rise(struct mcpz_node *node, mcpz_time now, uint64_t wall_ms,
                   struct mcpz_outbox *out, size_t from)
{
    const size_t end = out->count;

    for (size_t i = from; i < end; i++) {
        if (out->actions[i].kind != MCPZ_ACTION_FACT ||
            out->actions[i].fact.kind == MCPZ_FACT_AGENT_MERGED) {
            continue;
        }
        const struct mcpz_event rising = {
            .kind = MCPZ_EVENT_FACT,
            .wall_ms = wall_ms,
            .fact = out->actions[i].fact,
        };
        if (rising.fact.kind == MCPZ_FACT_GOSSIP_DELIVERED) {
            deliver(node, now, &rising.fact, out);
        } else {
            step_upper(node, now, &rising, out);
        }
    }
    return end;
}

/* ---- Calls for a machine above them ------------------------------------------------------- */

/* Hand a CALL down. What it sends is as durable as the CALL. */
static void sink_call(struct mcpz_node *node, mcpz_time now, uint64_t wall_ms,
                      const struct mcpz_action *call, struct mcpz_outbox *out)
{
    const struct mcpz_call_sight sight = sight_of(node, now);
    const size_t from = out->count;
    struct mcpz_event event = {.kind = call->call.kind, .wall_ms = wall_ms};

    if (event.kind >= MCPZ_EVENT_RUN_CREDIT && event.kind <= MCPZ_EVENT_RUN_FAIL) {
        event.run = call->call.run; /* the ledger's own word: the edge has not said it */
        mcpz_calls_step(&node->calls, &sight, &event, out);
    } else {
        event.task = call->call.task;
        step_calls(node, now, &event, out);
    }
    for (size_t i = from; i < out->count && call->durable; i++) {
        out->actions[i].durable |= out->actions[i].kind == MCPZ_ACTION_SEND;
    }
}

static bool is_answer(const struct mcpz_action *action)
{
    return action->kind >= MCPZ_ACTION_TASK_PULL && action->kind <= MCPZ_ACTION_TASK_DONE &&
           (action->task.request & MCPZ_TASKS_REQUESTS) != 0;
}

/* Carry CALLs down and what comes of them up, until none is left behind action `from`. */
static size_t pass_calls(struct mcpz_node *node, mcpz_time now, uint64_t wall_ms,
                         struct mcpz_outbox *out, size_t from)
{
    for (; from < out->count; from++) {
        const bool is_call = out->actions[from].kind == MCPZ_ACTION_CALL;
        if (!is_call && !is_answer(&out->actions[from])) {
            continue;
        }
        const struct mcpz_action action = out->actions[from];
        out->actions[from].kind = MCPZ_ACTION_NONE;
        if (is_call) {
            sink_call(node, now, wall_ms, &action, out);
        } else {
            const struct mcpz_event answered = {
                .kind = MCPZ_EVENT_ANSWERED,
                .wall_ms = wall_ms,
                .answered = &action,
            };
            step_tasks(node, now, &answered, out);
        }
    }
    return from;
}

void mcpz_node_step(struct mcpz_node *node, mcpz_time now, const struct mcpz_event *event,
                    struct mcpz_outbox *out)
{
    size_t sunk = out->count;
    size_t carried = out->count;
    size_t passed = out->count;
    const bool is_relayed = event->kind == MCPZ_EVENT_RECV && event->recv.relayed;
    bool goes_on = is_relayed || mcpz_fabric_step(&node->fabric, now, event, out);

    /* Facts rise: what the fabric found out comes before the event itself. */
    size_t risen = rise(node, now, event->wall_ms, out, sunk);
    if (goes_on) {
        step_upper(node, now, event, out);
    }

    /* Requests sink. What comes of one at once, like a node that cannot be reached, rises. */
    do {
        passed = pass_calls(node, now, event->wall_ms, out, passed);
        node->fabric.members.other_digest = mcpz_registry_digest(&node->registry);
        mcpz_relay_note(&node->relay, now, out, sunk);
        mcpz_fabric_sink(&node->fabric, now, out, sunk);
        sunk = out->count;
        risen = rise(node, now, event->wall_ms, out, risen);
        tell_needed(node, now);
        carried = mcpz_relay_carry(&node->relay, &node->fabric, now, out, carried);
    } while (out->count > sunk);
}

mcpz_time mcpz_node_deadline(const struct mcpz_node *node)
{
    mcpz_time deadline = mcpz_fabric_deadline(&node->fabric);

    deadline = mcpz_time_min(deadline, mcpz_relay_deadline(&node->relay));
    deadline = mcpz_time_min(deadline, mcpz_calls_deadline(&node->calls));
    deadline = mcpz_time_min(deadline, mcpz_drain_deadline(&node->drain));
    deadline = mcpz_time_min(deadline, mcpz_ledger_deadline(&node->ledger));
    deadline = mcpz_time_min(deadline, mcpz_tasks_deadline(&node->tasks));
    deadline = mcpz_time_min(deadline, mcpz_layouts_deadline(&node->layouts));
    deadline = mcpz_time_min(deadline, mcpz_keeping_deadline(&node->keeping));
    return mcpz_time_min(deadline, mcpz_agents_deadline(&node->agents));
}

void mcpz_node_explain(struct mcpz_node *node, mcpz_time now, struct mcpz_bytes capability,
                       struct mcpz_explanation *explanation)
{
    const struct mcpz_call_sight sight = {
        .fabric = &node->fabric, .relay = &node->relay, .registry = &node->registry, .now = now};

    mcpz_calls_explain(&node->calls, &sight, capability, explanation);
}
