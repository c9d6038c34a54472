#include "core/calls/caller.h"

#include <assert.h>

#include "core/calls/choice.h"
#include "core/calls/window.h"

/* ---- Slots -------------------------------------------------------------------------------- */

size_t mcpz_caller_bytes(size_t calls_max)
{
    return mcpz_call_table_bytes(calls_max) +
           mcpz_arena_cost(calls_max, sizeof(struct mcpz_call_out)) +
           2 * mcpz_index_bytes(calls_max);
}

void mcpz_caller_init(struct mcpz_caller *caller, const struct mcpz_id *self, size_t calls_max,
                      uint64_t seed, struct mcpz_arena *arena)
{
    *caller = (struct mcpz_caller){
        .self = *self,
        .slots = mcpz_arena_take_sure(arena, calls_max, sizeof(struct mcpz_call_out)),
    };
    mcpz_rng_init(&caller->rng, seed);
    mcpz_call_table_init(&caller->table, calls_max, seed, arena);
    mcpz_index_init(&caller->by_request, calls_max, 0, arena);
    mcpz_index_init(&caller->by_call, calls_max, 0, arena);
}

static uint32_t number_of(const struct mcpz_caller *caller, const struct mcpz_call_out *slot)
{
    return (uint32_t)(slot - caller->slots);
}

static struct mcpz_call_out *find_request(struct mcpz_caller *caller, uint64_t request)
{
    uint32_t slot;

    return mcpz_index_get(&caller->by_request, request, &slot) ? &caller->slots[slot] : NULL;
}

static struct mcpz_call_out *take(struct mcpz_caller *caller, mcpz_time now,
                                  const struct mcpz_event_task *task)
{
    const mcpz_time deadline_us = now + MCPZ_MS(task->timeout_ms);
    uint32_t slot = mcpz_call_table_take(&caller->table, deadline_us);

    if (slot == MCPZ_CALL_NONE) {
        return NULL;
    }
    struct mcpz_call_out *call = &caller->slots[slot];
    *call = (struct mcpz_call_out){
        .request = task->request,
        .started_us = now,
        .deadline_us = deadline_us,
    };
    mcpz_bytes_to_text(task->capability, call->capability, sizeof(call->capability));
    mcpz_index_put(&caller->by_request, task->request, slot);
    return call;
}

/* It is with no provider now. */
static void let_go(struct mcpz_caller *caller, struct mcpz_call_out *slot)
{
    if (slot->open) {
        (void)mcpz_index_remove(&caller->by_call, slot->call);
    }
    slot->open = false;
    slot->reaching = false;
    mcpz_call_table_part(&caller->table, number_of(caller, slot));
}

static void give_back(struct mcpz_caller *caller, struct mcpz_call_out *slot)
{
    let_go(caller, slot);
    (void)mcpz_index_remove(&caller->by_request, slot->request);
    mcpz_call_table_give_back(&caller->table, number_of(caller, slot));
}

size_t mcpz_caller_count_to(const struct mcpz_caller *caller, const struct mcpz_id *provider)
{
    const struct mcpz_call_peer *peer = mcpz_call_table_peer(&caller->table, provider);

    return peer != NULL ? peer->calls.count : 0;
}

bool mcpz_caller_is_linked(const struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                           const struct mcpz_id *id)
{
    return mcpz_id_equal(id, &caller->self) ||
           mcpz_links_find(&sight->fabric->links, id) != NULL ||
           mcpz_relay_reaches(sight->relay, id);
}

/* ---- Ends --------------------------------------------------------------------------------- */

static void send_cancel(const struct mcpz_call_out *slot, struct mcpz_outbox *out)
{
    mcpz_outbox_send(out, &slot->provider,
                     &(struct mcpz_msg){.kind = MCPZ_MSG_CANCEL, .cancel = {.call = slot->call}});
}

static struct mcpz_action_task *append_task(struct mcpz_outbox *out, enum mcpz_action_kind kind,
                                            uint64_t request)
{
    struct mcpz_action *action = mcpz_outbox_append(out, kind);
    action->task.request = request;
    return &action->task;
}

static void finish(struct mcpz_caller *caller, struct mcpz_call_out *slot, uint32_t code,
                   struct mcpz_bytes text, struct mcpz_outbox *out)
{
    struct mcpz_action_task *done = append_task(out, MCPZ_ACTION_TASK_DONE, slot->request);

    done->code = code;
    done->text = text;
    done->provider = slot->provider;
    done->attempts = slot->attempts;
    done->retry_after_ms = code != MCPZ_CODE_OK ? slot->retry_after_ms : 0;
    caller->done += code == MCPZ_CODE_OK;
    caller->failed += code != MCPZ_CODE_OK;
    give_back(caller, slot);
}

/*
 * An attempt has failed: try another provider while there is one and it can do no harm, or say so
 * in the words of the one that failed.
 */
static void fail_attempt(struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                         struct mcpz_call_out *slot, uint32_t code, struct mcpz_bytes text,
                         struct mcpz_outbox *out)
{
    struct mcpz_id another;

    mcpz_outbox_fact(out, &(struct mcpz_fact){.kind = MCPZ_FACT_CALL_FAILED,
                                              .about = slot->provider,
                                              .reason = code});
    slot->failed[slot->attempts - 1] = slot->provider;
    if (!mcpz_code_is_retryable(code) || slot->answered ||
        slot->attempts == MCPZ_CALL_ATTEMPTS_MAX || sight->now >= slot->deadline_us ||
        !mcpz_choice_make(caller, sight, slot, &another)) {
        finish(caller, slot, code, text, out);
        return;
    }
    slot->last_code = code;
    let_go(caller, slot);
    caller->retried++;
    (void)append_task(out, MCPZ_ACTION_TASK_RETRY, slot->request);
}

/* A link has taken the place of the one that a call went over: what was said there may be lost. */
static void start_over(struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                       struct mcpz_call_out *slot, struct mcpz_outbox *out)
{
    send_cancel(slot, out);
    if (slot->answered) {
        fail_attempt(caller, sight, slot, MCPZ_CODE_PROVIDER_LOST,
                     mcpz_text("the link to the provider was replaced before all had come"), out);
        return;
    }
    slot->attempts--; /* the provider has not failed */
    let_go(caller, slot);
    (void)append_task(out, MCPZ_ACTION_TASK_RETRY, slot->request);
}

static void settle(struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                   struct mcpz_call_out *slot, enum mcpz_call_fate fate, struct mcpz_outbox *out)
{
    switch (fate) {
    case MCPZ_CALL_FATE_NONE:
    case MCPZ_CALL_FATE_ANSWERED: /* of calls we serve */
        break;
    case MCPZ_CALL_FATE_LOST:
        fail_attempt(caller, sight, slot, MCPZ_CODE_PROVIDER_LOST,
                     mcpz_text("the link to the provider broke before it answered"), out);
        break;
    case MCPZ_CALL_FATE_REPLACED:
        start_over(caller, sight, slot, out);
        break;
    case MCPZ_CALL_FATE_REACHED:
        let_go(caller, slot);
        (void)append_task(out, MCPZ_ACTION_TASK_RETRY, slot->request);
        break;
    case MCPZ_CALL_FATE_UNREACHABLE:
        slot->attempts++; /* it counts, though nothing was sent */
        fail_attempt(caller, sight, slot, MCPZ_CODE_PROVIDER_LOST,
                     mcpz_text("the provider cannot be reached"), out);
        break;
    }
}

static void settle_some(struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                        struct mcpz_outbox *out)
{
    enum mcpz_call_fate fate;
    uint32_t slot;

    while (mcpz_call_may_end(out) && mcpz_call_table_next_doomed(&caller->table, &slot, &fate)) {
        settle(caller, sight, &caller->slots[slot], fate, out);
    }
}

/* ---- What our edge says ------------------------------------------------------------------- */

static void open_call(struct mcpz_caller *caller, struct mcpz_call_out *slot, mcpz_time now,
                      const struct mcpz_event_task *task, struct mcpz_outbox *out)
{
    slot->call = ++caller->next_call;
    slot->attempts++;
    slot->open = true;
    slot->send_credit = MCPZ_CALL_WINDOW_BYTES;
    slot->receive_credit = MCPZ_CALL_WINDOW_BYTES;
    mcpz_index_put(&caller->by_call, slot->call, number_of(caller, slot));

    mcpz_outbox_send(out, &slot->provider,
                     &(struct mcpz_msg){
                         .kind = MCPZ_MSG_OPEN,
                         .open =
                             {
                                 .call = slot->call,
                                 .capability = task->capability,
                                 .timeout_ms = (uint32_t)((slot->deadline_us - now + 999) / 1000),
                                 .attempt = slot->attempts,
                                 .priority = task->priority,
                                 .tenant = task->tenant,
                                 .traceparent = task->traceparent,
                                 .params = task->params,
                                 .has_input = task->has_input,
                                 .idempotency_key = task->idempotency_key,
                                 .idempotent = task->idempotent,
                             },
                     });
    if (task->has_input) {
        append_task(out, MCPZ_ACTION_TASK_PULL, slot->request)->credit = MCPZ_CALL_WINDOW_BYTES;
    }
}

static void refuse(struct mcpz_caller *caller, uint64_t request, struct mcpz_outbox *out)
{
    struct mcpz_action_task *done = append_task(out, MCPZ_ACTION_TASK_DONE, request);

    done->code = MCPZ_CODE_BUSY;
    done->text = mcpz_text("this node has too many calls under way: try again later");
    done->retry_after_ms = MCPZ_RETRY_AFTER_MS;
    caller->failed++;
}

static void on_start(struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                     const struct mcpz_event_task *task, struct mcpz_outbox *out)
{
    assert(task->request != 0);
    assert(task->timeout_ms > 0 && task->timeout_ms <= MCPZ_CALL_TIMEOUT_MS_MAX);
    assert(task->priority <= MCPZ_PRIORITY_MAX);

    struct mcpz_call_out *slot = find_request(caller, task->request);
    if (slot != NULL && (slot->open || slot->reaching)) {
        return; /* it is under way */
    }
    if (slot == NULL) {
        slot = take(caller, sight->now, task);
    }
    if (slot == NULL) {
        refuse(caller, task->request, out);
        return;
    }
    if (!mcpz_choice_make(caller, sight, slot, &slot->provider)) {
        bool has_tried = slot->attempts > 0;
        finish(caller, slot, has_tried ? slot->last_code : MCPZ_CODE_NO_PROVIDER,
               mcpz_text(has_tried
                             ? "the provider failed and no other one is reachable"
                             : "no node that is alive and can be reached offers this capability"),
               out);
        return;
    }
    if (!mcpz_call_table_join(&caller->table, number_of(caller, slot), &slot->provider)) {
        finish(caller, slot, MCPZ_CODE_BUSY, mcpz_text("the provider cannot be called now"), out);
    } else if (mcpz_caller_is_linked(caller, sight, &slot->provider)) {
        open_call(caller, slot, sight->now, task, out);
    } else {
        slot->reaching = true; /* the edge says it again when there is a link */
        struct mcpz_action *reach = mcpz_outbox_append(out, MCPZ_ACTION_REACH);
        reach->reach.peer = slot->provider;
        reach->reach.for_calls = true;
    }
}

static void on_input(struct mcpz_call_out *slot, struct mcpz_bytes chunk, struct mcpz_outbox *out)
{
    if (!slot->open || chunk.length == 0) {
        return; /* it will be said again from the start */
    }
    assert(chunk.length <= MCPZ_CHUNK_BYTES_MAX);
    assert(chunk.length <= slot->send_credit);

    slot->send_credit -= (uint32_t)chunk.length;
    mcpz_outbox_send(out, &slot->provider,
                     &(struct mcpz_msg){
                         .kind = MCPZ_MSG_DATA,
                         .data = {.call = slot->call, .from_caller = true, .chunk = chunk},
                     });
}

static void on_taken(struct mcpz_call_out *slot, uint32_t credit, struct mcpz_outbox *out)
{
    if (!slot->open || credit == 0) {
        return;
    }
    slot->receive_credit = mcpz_call_widen(slot->receive_credit, credit);
    mcpz_outbox_send(out, &slot->provider,
                     &(struct mcpz_msg){
                         .kind = MCPZ_MSG_CREDIT,
                         .credit = {.call = slot->call, .from_caller = true, .bytes = credit},
                     });
}

static void on_cancel(struct mcpz_caller *caller, struct mcpz_call_out *slot,
                      struct mcpz_outbox *out)
{
    if (slot->open) {
        send_cancel(slot, out);
    }
    caller->failed++;
    give_back(caller, slot);
}

void mcpz_caller_task(struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                      const struct mcpz_event *event, struct mcpz_outbox *out)
{
    if (event->kind == MCPZ_EVENT_TASK_START) {
        on_start(caller, sight, &event->task, out);
        return;
    }
    struct mcpz_call_out *slot = find_request(caller, event->task.request);
    if (slot == NULL) {
        return;
    }
    if (event->kind == MCPZ_EVENT_TASK_INPUT) {
        on_input(slot, event->task.chunk, out);
    } else if (event->kind == MCPZ_EVENT_TASK_CREDIT) {
        on_taken(slot, event->task.credit, out);
    } else if (event->kind == MCPZ_EVENT_TASK_INPUT_END && slot->open) {
        mcpz_outbox_send(out, &slot->provider,
                         &(struct mcpz_msg){.kind = MCPZ_MSG_END,
                                            .end = {.call = slot->call, .from_caller = true}});
    } else if (event->kind == MCPZ_EVENT_TASK_CANCEL) {
        on_cancel(caller, slot, out);
    }
}

/* ---- What a provider says ----------------------------------------------------------------- */

static struct mcpz_bytes output_of(const struct mcpz_msg *msg)
{
    if (msg->kind == MCPZ_MSG_DATA) {
        return msg->data.chunk;
    }
    return msg->kind == MCPZ_MSG_END ? msg->end.chunk : mcpz_bytes(NULL, 0);
}

static void succeed(struct mcpz_caller *caller, struct mcpz_call_out *slot,
                    struct mcpz_bytes chunk, struct mcpz_outbox *out)
{
    finish(caller, slot, MCPZ_CODE_OK, mcpz_text(""), out);
    out->actions[out->count - 1].task.chunk = chunk;
}

void mcpz_caller_answer(struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                        const struct mcpz_id *from, uint64_t call, const struct mcpz_msg *msg,
                        struct mcpz_outbox *out)
{
    uint32_t number;

    if (!mcpz_index_get(&caller->by_call, call, &number) ||
        !mcpz_id_equal(&caller->slots[number].provider, from) ||
        caller->table.rows[number].fate != MCPZ_CALL_FATE_NONE) {
        return;
    }
    struct mcpz_call_out *slot = &caller->slots[number];
    if (output_of(msg).length > slot->receive_credit) {
        send_cancel(slot, out);
        finish(caller, slot, MCPZ_CODE_INTERNAL,
               mcpz_text("the provider sent more than it was allowed to"), out);
    } else if (msg->kind == MCPZ_MSG_END) {
        succeed(caller, slot, msg->end.chunk, out);
    } else if (msg->kind == MCPZ_MSG_FAIL) {
        uint32_t code = msg->fail.code != MCPZ_CODE_OK ? msg->fail.code : MCPZ_CODE_INTERNAL;
        slot->retry_after_ms = msg->fail.retry_after_ms;
        fail_attempt(caller, sight, slot, code, msg->fail.text, out);
    } else if (msg->kind == MCPZ_MSG_CREDIT) {
        uint32_t before = slot->send_credit;
        slot->send_credit = mcpz_call_widen(before, msg->credit.bytes);
        append_task(out, MCPZ_ACTION_TASK_PULL, slot->request)->credit =
            slot->send_credit - before;
    } else {
        slot->answered = true;
        slot->receive_credit -= (uint32_t)msg->data.chunk.length;
        append_task(out, MCPZ_ACTION_TASK_OUTPUT, slot->request)->chunk = msg->data.chunk;
    }
}

/* ---- What becomes of providers, and time -------------------------------------------------- */

/* What a fact about a call's provider means for it. */
static enum mcpz_call_fate fate_of(const struct mcpz_call_out *slot, enum mcpz_fact_kind kind)
{
    if ((kind == MCPZ_FACT_UNLINKED || kind == MCPZ_FACT_UNRELAYED) && slot->open) {
        return MCPZ_CALL_FATE_LOST;
    }
    if (kind == MCPZ_FACT_LINKED || kind == MCPZ_FACT_RELAYED) {
        return slot->open ? MCPZ_CALL_FATE_REPLACED : MCPZ_CALL_FATE_REACHED;
    }
    return kind == MCPZ_FACT_UNREACHABLE && slot->reaching ? MCPZ_CALL_FATE_UNREACHABLE
                                                           : MCPZ_CALL_FATE_NONE;
}

void mcpz_caller_fact(struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                      const struct mcpz_fact *fact, struct mcpz_outbox *out)
{
    const struct mcpz_call_peer *peer = mcpz_call_table_peer(&caller->table, &fact->about);

    for (uint32_t slot = peer != NULL ? peer->calls.first : MCPZ_CALL_NONE; slot != MCPZ_CALL_NONE;
         slot = mcpz_call_table_next(&caller->table, slot)) {
        enum mcpz_call_fate fate = fate_of(&caller->slots[slot], fact->kind);
        if (fate != MCPZ_CALL_FATE_NONE) {
            mcpz_call_table_doom(&caller->table, slot, fate, sight->now);
        }
    }
    settle_some(caller, sight, out);
}

void mcpz_caller_tick(struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                      struct mcpz_outbox *out)
{
    uint32_t number;

    settle_some(caller, sight, out);
    while (mcpz_call_may_end(out) &&
           mcpz_heap_due(&caller->table.deadlines, sight->now, &number)) {
        struct mcpz_call_out *slot = &caller->slots[number];
        if (slot->open) {
            send_cancel(slot, out);
        }
        finish(caller, slot, MCPZ_CODE_TIMEOUT, mcpz_text("the task was not done within its time"),
               out);
    }
}
