#include "core/calls.h"

#include <assert.h>

#include "core/calls/choice.h"
#include "proto/call_msg.h"

static size_t either(size_t given)
{
    return given > 0 ? given : MCPZ_CALLS_MAX;
}

size_t mcpz_calls_bytes(const struct mcpz_calls_config *config)
{
    return mcpz_caller_bytes(either(config->out_max)) +
           mcpz_provider_bytes(either(config->in_max));
}

/*
 * A provider that has not noticed yet that its caller was killed and is there again would take a
 * new call for one that it has under way, and answer it with what that one gives.
 */
#define CALLS_OF_A_LIFE_LOG 40

void mcpz_calls_init(struct mcpz_calls *calls, const struct mcpz_calls_config *config,
                     const struct mcpz_id *self, uint64_t seed, struct mcpz_arena *arena)
{
    static const struct mcpz_gate_config none = {0};

    mcpz_caller_init(&calls->caller, self, either(config->out_max), seed, arena);
    calls->caller.next_call = config->life << CALLS_OF_A_LIFE_LOG;
    mcpz_provider_init(&calls->provider, self, either(config->in_max),
                       config->gate != NULL ? config->gate : &none, seed, arena);
}

static void on_message(struct mcpz_calls *calls, const struct mcpz_call_sight *sight,
                       const struct mcpz_id *from, const struct mcpz_msg *msg,
                       struct mcpz_outbox *out)
{
    uint64_t call;

    if (msg->kind == MCPZ_MSG_OPEN) {
        mcpz_provider_open(&calls->provider, sight, from, &msg->open, out);
    } else if (msg->kind == MCPZ_MSG_LOAD_ASK) {
        mcpz_provider_tell_load(&calls->provider, sight->now, from, msg->load_ask.capability, out);
    } else if (msg->kind == MCPZ_MSG_LOAD) {
        mcpz_caller_heard(&calls->caller, sight->now, from, &msg->load);
    } else if (!mcpz_msg_call(msg, &call)) {
        return;
    } else if (mcpz_msg_is_from_caller(msg)) {
        mcpz_provider_demand(&calls->provider, sight->now, from, call, msg, out);
    } else {
        mcpz_caller_answer(&calls->caller, sight, from, call, msg, out);
    }
}

static void on_fact(struct mcpz_calls *calls, const struct mcpz_call_sight *sight,
                    const struct mcpz_fact *fact, struct mcpz_outbox *out)
{
    if (fact->kind <= MCPZ_FACT_LEFT || fact->kind == MCPZ_FACT_RELAYED ||
        fact->kind ==
            MCPZ_FACT_UNRELAYED) { /* links, members: who can be called may have changed */
        mcpz_router_changed(&calls->caller.router);
    }
    if (fact->kind == MCPZ_FACT_LINKED || fact->kind == MCPZ_FACT_UNLINKED ||
        fact->kind == MCPZ_FACT_UNREACHABLE || fact->kind == MCPZ_FACT_RELAYED ||
        fact->kind == MCPZ_FACT_UNRELAYED) {
        mcpz_caller_fact(&calls->caller, sight, fact, out);
        mcpz_provider_fact(&calls->provider, sight->now, fact, out);
    }
}

void mcpz_calls_step(struct mcpz_calls *calls, const struct mcpz_call_sight *sight,
                     const struct mcpz_event *event, struct mcpz_outbox *out)
{
    if (event->kind == MCPZ_EVENT_TICK) {
        mcpz_caller_tick(&calls->caller, sight, out);
        mcpz_provider_tick(&calls->provider, sight->now, out);
    } else if (event->kind == MCPZ_EVENT_FACT) {
        on_fact(calls, sight, &event->fact, out);
    } else if (event->kind >= MCPZ_EVENT_TASK_START && event->kind <= MCPZ_EVENT_TASK_CANCEL) {
        mcpz_caller_task(&calls->caller, sight, event, out);
    } else if (event->kind >= MCPZ_EVENT_RUN_CREDIT && event->kind <= MCPZ_EVENT_RUN_FAIL) {
        mcpz_provider_run(&calls->provider, sight->now, event, out);
    } else if (event->kind == MCPZ_EVENT_PROVIDE || event->kind == MCPZ_EVENT_WITHDRAW ||
               event->kind == MCPZ_EVENT_LIMITS || event->kind == MCPZ_EVENT_DRAIN ||
               event->kind == MCPZ_EVENT_RESUME) {
        mcpz_provider_order(&calls->provider, sight->now, event, out);
    } else if (event->kind == MCPZ_EVENT_RULES) {
        mcpz_router_set_rules(&calls->caller.router, event->rules.rows, event->rules.count);
    } else if (event->kind == MCPZ_EVENT_RECV) {
        on_message(calls, sight, &event->recv.from, event->recv.msg, out);
    }
}

bool mcpz_calls_need(const struct mcpz_calls *calls, const struct mcpz_id *peer)
{
    return mcpz_call_table_peer(&calls->caller.table, peer) != NULL ||
           mcpz_call_table_peer(&calls->provider.table, peer) != NULL;
}

mcpz_time mcpz_calls_deadline(const struct mcpz_calls *calls)
{
    return mcpz_time_min(mcpz_call_table_deadline(&calls->caller.table),
                         mcpz_provider_deadline(&calls->provider));
}

void mcpz_calls_explain(struct mcpz_calls *calls, const struct mcpz_call_sight *sight,
                        struct mcpz_bytes capability, struct mcpz_explanation *explanation)
{
    struct mcpz_caller *caller = &calls->caller;
    const struct mcpz_rule *rule = mcpz_rules_find(&caller->router.rules, capability);
    struct mcpz_class *class = mcpz_choice_class(caller, sight, capability);

    *explanation = (struct mcpz_explanation){.busy = class == NULL};
    if (rule != NULL) {
        explanation->rule = *rule;
    } else {
        explanation->rule.priority = MCPZ_RULE_PRIORITY_NORMAL;
    }
    if (class != NULL) {
        explanation->count = mcpz_router_explain(&caller->router, class, sight->now,
                                                 explanation->views, MCPZ_CALLER_BACKENDS_MAX);
    }
}
