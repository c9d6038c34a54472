#include "core/calls/attempts.h"

#include "base/hash.h"
#include "core/calls/choice.h"
#include "core/calls/outcome.h"
#include "core/calls/window.h"
#include "core/gate/shedder.h"

/* ---- Slots -------------------------------------------------------------------------------- */

uint32_t mcpz_attempts_number(const struct mcpz_caller *caller, const struct mcpz_call_out *slot)
{
    return (uint32_t)(slot - caller->slots);
}

struct mcpz_class *mcpz_attempts_class(struct mcpz_caller *caller,
                                       const struct mcpz_call_out *slot)
{
    return &caller->router.classes[slot->class];
}

static struct mcpz_call_out *twin_of(struct mcpz_caller *caller, const struct mcpz_call_out *slot)
{
    return slot->twin != MCPZ_CALL_NONE ? &caller->slots[slot->twin] : NULL;
}

/* Calls that bring no priority of their own have that of the rule. */
uint32_t mcpz_attempts_priority(const struct mcpz_class *class, const struct mcpz_event_task *task)
{
    return task->priority == MCPZ_PRIORITY_DEFAULT ? class->priority : task->priority;
}

/* A slot for a task, which its class holds. NULL: there is none. */
struct mcpz_call_out *mcpz_attempts_take(struct mcpz_caller *caller, mcpz_time now,
                                         struct mcpz_class *class,
                                         const struct mcpz_event_task *task)
{
    const mcpz_time deadline_us = now + MCPZ_MS(task->timeout_ms);
    const bool anybody = mcpz_id_is_zero(&task->only);
    uint32_t slot = mcpz_call_table_take(&caller->table, deadline_us);

    if (slot == MCPZ_CALL_NONE) {
        return NULL;
    }
    struct mcpz_call_out *call = &caller->slots[slot];
    *call = (struct mcpz_call_out){
        .request = task->request,
        .only = task->only,
        .started_us = now,
        .deadline_us = deadline_us,
        .class = (uint16_t)(class - caller->router.classes),
        .tenant = mcpz_hash_bytes(task->tenant, 0),
        .shed_class = (uint8_t)mcpz_shed_class(mcpz_attempts_priority(class, task)),
        .isolation = task->isolation,
        .repeatable = anybody && (task->idempotent || task->idempotency_key.length > 0),
        .has_input = task->has_input,
        .may_split = task->levels > 0,
        .may_hedge = anybody,
        .twin = MCPZ_CALL_NONE,
    };
    mcpz_bytes_to_text(task->capability, call->capability, sizeof(call->capability));
    mcpz_index_put(&caller->by_request, task->request, slot);
    mcpz_router_hold(class, now);
    return call;
}

/* Tell the router what has come of it, once. */
void mcpz_attempts_end_route(struct mcpz_caller *caller, struct mcpz_call_out *slot, mcpz_time now,
                             enum mcpz_call_outcome outcome, const struct mcpz_load_report *report)
{
    if (slot->has_route) {
        slot->has_route = false;
        mcpz_router_end(&caller->router, &slot->route, now, outcome, MCPZ_MS(slot->retry_after_ms),
                        report);
    }
}

/* It is with no provider now. */
static void let_go(struct mcpz_caller *caller, struct mcpz_call_out *slot, mcpz_time now)
{
    mcpz_attempts_end_route(caller, slot, now, MCPZ_OUTCOME_NOTHING, NULL);
    if (slot->open) {
        (void)mcpz_index_remove(&caller->by_call, slot->call);
    }
    slot->open = false;
    slot->reaching = false;
    mcpz_call_table_part(&caller->table, mcpz_attempts_number(caller, slot));
}

/* Free a slot. A twin that goes on without it takes its place. */
void mcpz_attempts_give_back(struct mcpz_caller *caller, struct mcpz_call_out *slot, mcpz_time now)
{
    struct mcpz_call_out *twin = twin_of(caller, slot);

    let_go(caller, slot, now);
    if (twin == NULL) {
        (void)mcpz_index_remove(&caller->by_request, slot->request);
        mcpz_router_release(mcpz_attempts_class(caller, slot));
    } else {
        twin->twin = MCPZ_CALL_NONE;
        twin->is_twin = false;
        mcpz_index_put(&caller->by_request, twin->request, mcpz_attempts_number(caller, twin));
    }
    mcpz_call_table_give_back(&caller->table, mcpz_attempts_number(caller, slot));
}

/* ---- Ends --------------------------------------------------------------------------------- */

void mcpz_attempts_send_cancel(const struct mcpz_call_out *slot, struct mcpz_outbox *out)
{
    mcpz_outbox_send(out, &slot->provider,
                     &(struct mcpz_msg){.kind = MCPZ_MSG_CANCEL, .cancel = {.call = slot->call}});
}

struct mcpz_action_task *mcpz_attempts_tell(struct mcpz_outbox *out, enum mcpz_action_kind kind,
                                            uint64_t request)
{
    struct mcpz_action *action = mcpz_outbox_append(out, kind);
    action->task.request = request;
    return &action->task;
}

/* The other of two is not wanted any more. */
void mcpz_attempts_drop_twin(struct mcpz_caller *caller, struct mcpz_call_out *slot, mcpz_time now,
                             struct mcpz_outbox *out)
{
    struct mcpz_call_out *twin = twin_of(caller, slot);

    if (twin != NULL) {
        mcpz_attempts_send_cancel(twin, out);
        mcpz_attempts_give_back(caller, twin, now);
    }
}

void mcpz_attempts_finish(struct mcpz_caller *caller, struct mcpz_call_out *slot, mcpz_time now,
                          uint32_t code, struct mcpz_bytes text, struct mcpz_outbox *out)
{
    mcpz_attempts_drop_twin(caller, slot, now, out);
    struct mcpz_action_task *done = mcpz_attempts_tell(out, MCPZ_ACTION_TASK_DONE, slot->request);

    done->code = code;
    done->text = text;
    done->provider = slot->provider;
    done->attempts = slot->attempts;
    done->retry_after_ms = code != MCPZ_CODE_OK ? slot->retry_after_ms : 0;
    caller->done += code == MCPZ_CODE_OK;
    caller->failed += code != MCPZ_CODE_OK;
    mcpz_durations_add(&caller->took, now - slot->started_us);
    mcpz_attempts_give_back(caller, slot, now);
}

/* Have the edge say START again, now or at `at_us`. */
void mcpz_attempts_start_again(struct mcpz_caller *caller, struct mcpz_call_out *slot,
                               mcpz_time now, mcpz_time at_us, struct mcpz_outbox *out)
{
    let_go(caller, slot, now);
    if (at_us > now) {
        slot->retry_at_us = at_us;
        mcpz_heap_put(&caller->table.deadlines, mcpz_attempts_number(caller, slot),
                      mcpz_time_min(at_us, slot->deadline_us));
        return;
    }
    (void)mcpz_attempts_tell(out, MCPZ_ACTION_TASK_RETRY, slot->request);
}

/* Note that this attempt has come to nothing. */
void mcpz_attempts_note_failed(struct mcpz_caller *caller, struct mcpz_call_out *slot,
                               mcpz_time now, uint32_t code, const struct mcpz_load_report *report,
                               struct mcpz_outbox *out)
{
    mcpz_outbox_fact(out, &(struct mcpz_fact){.kind = MCPZ_FACT_CALL_FAILED,
                                              .about = slot->provider,
                                              .reason = code});
    mcpz_attempts_end_route(caller, slot, now, mcpz_outcome_of(code), report);
    slot->failed[slot->attempts - 1] = slot->provider;
    slot->last_code = code;
}

/* May it be tried elsewhere? Takes a token of the budget if it needs one. */
static bool may_try_again(struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                          const struct mcpz_call_out *slot, uint32_t code)
{
    return mcpz_code_is_retryable(code) && !slot->answered && mcpz_id_is_zero(&slot->only) &&
           slot->attempts < MCPZ_CALL_ATTEMPTS_MAX && sight->now < slot->deadline_us &&
           mcpz_choice_is_left(caller, sight, slot) &&
           (mcpz_outcome_is_free(code) ||
            mcpz_router_may_retry(&caller->router, mcpz_attempts_class(caller, slot), sight->now));
}

/*
 * An attempt has failed: try another provider while there is one and it can do no harm, or say so
 * in the words of the one that failed. Where a twin is under way, all hope is with that.
 */
void mcpz_attempts_fail(struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                        struct mcpz_call_out *slot, const struct mcpz_attempt_failure *failure,
                        struct mcpz_outbox *out)
{
    const uint32_t code = failure->code;
    struct mcpz_call_out *twin = twin_of(caller, slot);

    mcpz_attempts_note_failed(caller, slot, sight->now, code, failure->report, out);
    if (twin != NULL && !slot->answered) {
        if (slot->is_twin && twin->attempts < MCPZ_CALL_ATTEMPTS_MAX) {
            /* The other is not to go there in its turn. */
            twin->failed[twin->attempts - 1] = slot->provider;
            twin->attempts++;
        }
        mcpz_attempts_give_back(caller, slot, sight->now);
        return;
    }
    if (!may_try_again(caller, sight, slot, code)) {
        mcpz_attempts_finish(caller, slot, sight->now, code, failure->text, out);
        return;
    }
    caller->retried++;
    mcpz_attempts_start_again(caller, slot, sight->now,
                              mcpz_outcome_is_free(code)
                                  ? sight->now
                                  : sight->now +
                                        mcpz_retry_backoff_us(&caller->rng, slot->attempts + 1),
                              out);
}

/* The same, without a word of the provider's. */
static void lose_attempt(struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                         struct mcpz_call_out *slot, const char *text, struct mcpz_outbox *out)
{
    mcpz_attempts_fail(
        caller, sight, slot,
        &(struct mcpz_attempt_failure){.code = MCPZ_CODE_PROVIDER_LOST, .text = mcpz_text(text)},
        out);
}

/* A link has taken the place of the one that a call went over: what was said there may be lost. */
static void start_over(struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                       struct mcpz_call_out *slot, struct mcpz_outbox *out)
{
    mcpz_attempts_send_cancel(slot, out);
    if (slot->answered) {
        lose_attempt(caller, sight, slot,
                     "the link to the provider was replaced before all had come", out);
        return;
    }
    if (slot->twin != MCPZ_CALL_NONE) {
        mcpz_attempts_give_back(caller, slot, sight->now);
        return;
    }
    slot->attempts--; /* the provider has not failed, and may be at it */
    slot->asked = true;
    mcpz_attempts_start_again(caller, slot, sight->now, sight->now, out);
}

static void settle(struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                   struct mcpz_call_out *slot, enum mcpz_call_fate fate, struct mcpz_outbox *out)
{
    switch (fate) {
    case MCPZ_CALL_FATE_NONE:
    case MCPZ_CALL_FATE_ANSWERED: /* of calls we serve */
        break;
    case MCPZ_CALL_FATE_LOST:
        lose_attempt(caller, sight, slot, "the link to the provider broke before it answered",
                     out);
        break;
    case MCPZ_CALL_FATE_REPLACED:
        start_over(caller, sight, slot, out);
        break;
    case MCPZ_CALL_FATE_REACHED:
        slot->reached = true;
        mcpz_attempts_start_again(caller, slot, sight->now, sight->now, out);
        break;
    case MCPZ_CALL_FATE_UNREACHABLE:
        slot->attempts++; /* it counts, though nothing was sent */
        mcpz_router_unreachable(mcpz_attempts_class(caller, slot), &slot->provider, sight->now);
        lose_attempt(caller, sight, slot, "the provider cannot be reached", out);
        break;
    }
}

void mcpz_attempts_settle(struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                          struct mcpz_outbox *out)
{
    enum mcpz_call_fate fate;
    uint32_t slot;

    while (mcpz_call_may_end(out) && mcpz_call_table_next_doomed(&caller->table, &slot, &fate)) {
        settle(caller, sight, &caller->slots[slot], fate, out);
    }
}
