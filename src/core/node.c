#include "core/node.h"

#include "base/hash.h"

static uint64_t seed_for(uint64_t seed, const char *machine)
{
    return mcpz_hash_bytes(mcpz_text(machine), seed);
}

/* The fabric's part of the memory comes first, so that it can start over without the rest. */
static size_t fabric_bytes(const struct mcpz_node_config *config)
{
    return mcpz_arena_cost(mcpz_fabric_bytes(&config->fabric), 1);
}

size_t mcpz_node_bytes(const struct mcpz_node_config *config)
{
    return fabric_bytes(config) + mcpz_calls_bytes(&config->calls);
}

void mcpz_node_init(struct mcpz_node *node, const struct mcpz_node_config *config,
                    const struct mcpz_store *store, void *memory, mcpz_time now)
{
    const struct mcpz_id *self = &config->fabric.members.id;
    struct mcpz_actor actor = {.node = *self, .generation = config->generation};
    uint64_t seed = config->fabric.seed;
    struct mcpz_arena arena;

    mcpz_arena_init(&arena, memory, mcpz_node_bytes(config));
    node->memory = mcpz_arena_take_sure(&arena, fabric_bytes(config), 1);
    mcpz_fabric_init(&node->fabric, &config->fabric, node->memory, now);
    mcpz_registry_init(&node->registry, self, config->fabric.members.incarnation);
    mcpz_calls_init(&node->calls, &config->calls, self, seed_for(seed, "calls"), &arena);
    mcpz_agents_init(&node->agents, store, &node->fabric.timing, &actor, seed_for(seed, "agents"),
                     now);
}

void mcpz_node_start_over(struct mcpz_node *node, const struct mcpz_node_config *config,
                          mcpz_time now)
{
    struct mcpz_fabric_config fabric = config->fabric;

    fabric.seed += fabric.members.incarnation;
    mcpz_fabric_init(&node->fabric, &fabric, node->memory, now);
    mcpz_registry_start_over(&node->registry, fabric.members.incarnation);
}

/* ---- The step ----------------------------------------------------------------------------- */

/* Show `event` to the machines from the registry up. */
static void step_upper(struct mcpz_node *node, mcpz_time now, const struct mcpz_event *event,
                       struct mcpz_outbox *out)
{
    const struct mcpz_fabric *fabric = &node->fabric;

    mcpz_registry_step(&node->registry, now, event, out);
    mcpz_calls_step(&node->calls, fabric, &node->registry, now, event, out);
    mcpz_agents_step(&node->agents, &fabric->overlay, now, event, out);
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
 * after the last that was looked at. */
static size_t rise(struct mcpz_node *node, mcpz_time now, uint64_t wall_ms,
                   struct mcpz_outbox *out, size_t from)
{
    const size_t end = out->count;

    for (size_t i = from; i < end; i++) {
        if (out->actions[i].kind != MCPZ_ACTION_FACT) {
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

void mcpz_node_step(struct mcpz_node *node, mcpz_time now, const struct mcpz_event *event,
                    struct mcpz_outbox *out)
{
    size_t sunk = out->count;
    bool goes_on = mcpz_fabric_step(&node->fabric, now, event, out);

    /* Facts rise: what the fabric found out comes before the event itself. */
    size_t risen = rise(node, now, event->wall_ms, out, sunk);
    if (goes_on) {
        step_upper(node, now, event, out);
    }

    /* Requests sink. What comes of one at once, like a node that cannot be reached, rises. */
    do {
        node->fabric.members.other_digest = mcpz_registry_digest(&node->registry);
        mcpz_fabric_sink(&node->fabric, now, out, sunk);
        sunk = out->count;
        risen = rise(node, now, event->wall_ms, out, risen);
    } while (out->count > sunk);
}

mcpz_time mcpz_node_deadline(const struct mcpz_node *node)
{
    mcpz_time deadline = mcpz_fabric_deadline(&node->fabric);

    deadline = mcpz_time_min(deadline, mcpz_calls_deadline(&node->calls));
    return mcpz_time_min(deadline, mcpz_agents_deadline(&node->agents));
}
