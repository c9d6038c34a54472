#include "core/node.h"

#include "base/hash.h"

/* A stream of its own for each machine: one more draw in one does not move the others. */
static uint64_t seed_for(uint64_t seed, const char *machine)
{
    return mcpz_hash_bytes(mcpz_text(machine), seed);
}

void mcpz_node_init(struct mcpz_node *node, const struct mcpz_node_config *config,
                    const struct mcpz_store *store, mcpz_time now)
{
    struct mcpz_actor actor = {.node = config->members.id, .generation = config->generation};

    node->timing = mcpz_timing_or_default(&config->timing);
    mcpz_members_init(&node->members, &config->members, &node->timing,
                      seed_for(config->seed, "members"), now);
    mcpz_registry_init(&node->registry, &config->members.id, config->members.incarnation);
    mcpz_calls_init(&node->calls, &config->members.id, seed_for(config->seed, "calls"));
    mcpz_agents_init(&node->agents, store, &node->timing, &actor, seed_for(config->seed, "agents"),
                     now);
}

void mcpz_node_start_over(struct mcpz_node *node, const struct mcpz_node_config *config,
                          mcpz_time now)
{
    mcpz_members_init(&node->members, &config->members, &node->timing,
                      seed_for(config->seed + config->members.incarnation, "members"), now);
    mcpz_registry_start_over(&node->registry, config->members.incarnation);
}

/* Show `event` to the machines from the registry up. */
static void step_upper(struct mcpz_node *node, mcpz_time now, const struct mcpz_event *event,
                       struct mcpz_outbox *out)
{
    mcpz_registry_step(&node->registry, now, event, out);
    mcpz_calls_step(&node->calls, &node->members, &node->registry, now, event, out);
    mcpz_agents_step(&node->agents, &node->members, now, event, out);
}

void mcpz_node_step(struct mcpz_node *node, mcpz_time now, const struct mcpz_event *event,
                    struct mcpz_outbox *out)
{
    size_t first = out->count;
    mcpz_members_step(&node->members, now, event, out);

    /* Facts rise: what members found out comes before the event itself. */
    size_t facts_end = out->count;
    for (size_t i = first; i < facts_end; i++) {
        if (out->actions[i].kind == MCPZ_ACTION_FACT) {
            struct mcpz_event rising = {
                .kind = MCPZ_EVENT_FACT,
                .wall_ms = event->wall_ms,
                .fact = out->actions[i].fact,
            };
            step_upper(node, now, &rising, out);
        }
    }
    step_upper(node, now, event, out);

    /* Requests sink. */
    mcpz_members_sink(&node->members, out, first);
}

mcpz_time mcpz_node_deadline(const struct mcpz_node *node)
{
    mcpz_time deadline = mcpz_members_deadline(&node->members);

    deadline = mcpz_time_min(deadline, mcpz_calls_deadline(&node->calls));
    return mcpz_time_min(deadline, mcpz_agents_deadline(&node->agents));
}
