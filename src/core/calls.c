#include "core/calls.h"

#include <assert.h>

/* A tick can end every call of both kinds, with two actions each. */
static_assert(MCPZ_OUTBOX_MAX >= 2 * 2 * MCPZ_CALLS_MAX, "one step must fit the outbox");

/* The provider's own clock stops it first; ours is for one that does not say so. */
#define PROVIDER_GRACE_US MCPZ_SECONDS(2)

/* What a step looks at and does not change. */
struct sight {
    const struct mcpz_fabric *fabric;
    const struct mcpz_registry *registry;
    mcpz_time now;
};

/* ---- Slots -------------------------------------------------------------------------------- */

static struct mcpz_call_out *find_request(struct mcpz_calls *calls, uint64_t request)
{
    for (size_t i = 0; i < MCPZ_CALLS_MAX && request != 0; i++) {
        if (calls->out[i].request == request) {
            return &calls->out[i];
        }
    }
    return NULL;
}

/* The call we made of `from` under this number, if it is open. */
static struct mcpz_call_out *find_out(struct mcpz_calls *calls, const struct mcpz_id *from,
                                      uint64_t call)
{
    for (size_t i = 0; i < MCPZ_CALLS_MAX; i++) {
        struct mcpz_call_out *slot = &calls->out[i];
        if (slot->request != 0 && slot->open && slot->call == call &&
            mcpz_id_equal(&slot->provider, from)) {
            return slot;
        }
    }
    return NULL;
}

static struct mcpz_call_in *find_in(struct mcpz_calls *calls, const struct mcpz_id *from,
                                    uint64_t call)
{
    for (size_t i = 0; i < MCPZ_CALLS_MAX; i++) {
        struct mcpz_call_in *slot = &calls->in[i];
        if (slot->run != 0 && slot->call == call && mcpz_id_equal(&slot->caller, from)) {
            return slot;
        }
    }
    return NULL;
}

static struct mcpz_call_in *find_run(struct mcpz_calls *calls, uint32_t run)
{
    for (size_t i = 0; i < MCPZ_CALLS_MAX && run != 0; i++) {
        if (calls->in[i].run == run) {
            return &calls->in[i];
        }
    }
    return NULL;
}

static void free_out(struct mcpz_calls *calls, struct mcpz_call_out *slot)
{
    *slot = (struct mcpz_call_out){0};
    calls->out_count--;
}

static void free_in(struct mcpz_calls *calls, struct mcpz_call_in *slot)
{
    *slot = (struct mcpz_call_in){0};
    calls->in_count--;
}

/* A window never opens wider than it was at the start, whatever the other side says. */
static uint32_t widen(uint32_t window, uint32_t credit)
{
    uint32_t room = MCPZ_CALL_WINDOW_BYTES - window;
    return window + (credit < room ? credit : room);
}

/* ---- The caller's side -------------------------------------------------------------------- */

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

static void finish(struct mcpz_calls *calls, struct mcpz_call_out *slot, uint32_t code,
                   struct mcpz_bytes text, struct mcpz_outbox *out)
{
    struct mcpz_action_task *done = append_task(out, MCPZ_ACTION_TASK_DONE, slot->request);

    done->code = code;
    done->text = text;
    done->provider = slot->provider;
    done->attempts = slot->attempts;
    done->retry_after_ms = code != MCPZ_CODE_OK ? slot->retry_after_ms : 0;
    calls->tasks_done += code == MCPZ_CODE_OK;
    calls->tasks_failed += code != MCPZ_CODE_OK;
    free_out(calls, slot);
}

static bool has_failed(const struct mcpz_call_out *slot, const struct mcpz_id *id)
{
    for (size_t i = 0; i < slot->attempts; i++) {
        if (mcpz_id_equal(&slot->failed[i], id)) {
            return true;
        }
    }
    return false;
}

static size_t count_calls_to(const struct mcpz_calls *calls, const struct mcpz_id *id)
{
    size_t count = 0;
    for (size_t i = 0; i < MCPZ_CALLS_MAX; i++) {
        const struct mcpz_call_out *slot = &calls->out[i];
        count += slot->request != 0 && slot->open && mcpz_id_equal(&slot->provider, id);
    }
    return count;
}

static bool is_linked(const struct mcpz_calls *calls, const struct sight *sight,
                      const struct mcpz_id *id)
{
    return mcpz_id_equal(id, &calls->self) || mcpz_links_find(&sight->fabric->links, id) != NULL;
}

/* How little we want to call this member; UINT64_MAX: we cannot. */
static uint64_t reluctance(const struct mcpz_calls *calls, const struct sight *sight,
                           const struct mcpz_id *id)
{
    const struct mcpz_member *member = mcpz_members_find(&sight->fabric->members, id);
    bool linked = is_linked(calls, sight, id);
    bool known = member != NULL && !mcpz_member_is_gone(member);

    if (!linked &&
        (!known || mcpz_roster_address(&sight->fabric->members.roster, member).length == 0)) {
        return UINT64_MAX;
    }
    bool suspect = known && member->state == MCPZ_MEMBER_SUSPECT;
    return (suspect ? (uint64_t)1 << 32 : 0) + 2 * count_calls_to(calls, id) + !linked;
}

/* Nobody suspect, fewest of our calls under way, linked; then by lot: the k-th equal is kept with
 * chance 1/k. */
static bool choose(struct mcpz_calls *calls, const struct sight *sight,
                   const struct mcpz_call_out *slot, struct mcpz_bytes capability,
                   struct mcpz_id *provider)
{
    const struct mcpz_registry *registry = sight->registry;
    uint64_t least = UINT64_MAX;
    uint32_t equals = 0;

    for (const struct mcpz_offer *offer = mcpz_registry_find(registry, capability, 0);
         offer != NULL; offer = mcpz_registry_find(registry, capability,
                                                   (size_t)(offer - registry->offers) + 1)) {
        const struct mcpz_id *id = &registry->offerers[offer->offerer].id;
        uint64_t cost = has_failed(slot, id) ? UINT64_MAX : reluctance(calls, sight, id);
        if (cost == UINT64_MAX) {
            continue;
        }
        equals = cost < least ? 1 : equals + (cost == least);
        if (cost < least || (cost == least && mcpz_rng_below(&calls->rng, equals) == 0)) {
            least = cost;
            *provider = *id;
        }
    }
    return least != UINT64_MAX;
}

/*
 * An attempt has failed: try another provider while there is one and it can do no harm, or say so
 * in the words of the one that failed.
 */
static void fail_attempt(struct mcpz_calls *calls, const struct sight *sight,
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
        !choose(calls, sight, slot, mcpz_text(slot->capability), &another)) {
        finish(calls, slot, code, text, out);
        return;
    }
    slot->last_code = code;
    slot->open = false;
    slot->reaching = false;
    calls->tasks_retried++;
    (void)append_task(out, MCPZ_ACTION_TASK_RETRY, slot->request);
}

static void open_call(struct mcpz_calls *calls, struct mcpz_call_out *slot, mcpz_time now,
                      const struct mcpz_event_task *task, struct mcpz_outbox *out)
{
    slot->call = ++calls->next_call;
    slot->attempts++;
    slot->open = true;
    slot->reaching = false;
    slot->send_credit = MCPZ_CALL_WINDOW_BYTES;
    slot->receive_credit = MCPZ_CALL_WINDOW_BYTES;

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

static struct mcpz_call_out *take_out(struct mcpz_calls *calls, mcpz_time now,
                                      const struct mcpz_event_task *task)
{
    for (size_t i = 0; i < MCPZ_CALLS_MAX; i++) {
        struct mcpz_call_out *slot = &calls->out[i];
        if (slot->request == 0) {
            *slot = (struct mcpz_call_out){
                .request = task->request,
                .started_us = now,
                .deadline_us = now + MCPZ_MS(task->timeout_ms),
            };
            mcpz_bytes_to_text(task->capability, slot->capability, sizeof(slot->capability));
            calls->out_count++;
            return slot;
        }
    }
    return NULL;
}

static void on_start(struct mcpz_calls *calls, const struct sight *sight,
                     const struct mcpz_event_task *task, struct mcpz_outbox *out)
{
    assert(task->request != 0);
    assert(task->timeout_ms > 0 && task->timeout_ms <= MCPZ_CALL_TIMEOUT_MS_MAX);
    assert(task->priority <= MCPZ_PRIORITY_MAX);

    struct mcpz_call_out *slot = find_request(calls, task->request);
    if (slot != NULL && (slot->open || slot->reaching)) {
        return; /* it is under way */
    }
    if (slot == NULL) {
        slot = take_out(calls, sight->now, task);
    }
    if (slot == NULL) {
        struct mcpz_action_task *done = append_task(out, MCPZ_ACTION_TASK_DONE, task->request);
        done->code = MCPZ_CODE_BUSY;
        done->text = mcpz_text("this node has too many calls under way: try again later");
        done->retry_after_ms = MCPZ_RETRY_AFTER_MS;
        calls->tasks_failed++;
        return;
    }
    if (choose(calls, sight, slot, task->capability, &slot->provider)) {
        if (is_linked(calls, sight, &slot->provider)) {
            open_call(calls, slot, sight->now, task, out);
        } else {
            slot->reaching = true; /* the edge says it again when there is a link */
            mcpz_outbox_append(out, MCPZ_ACTION_REACH)->reach.peer = slot->provider;
        }
    } else if (slot->attempts > 0) {
        finish(calls, slot, slot->last_code,
               mcpz_text("the provider failed and no other one is reachable"), out);
    } else {
        finish(calls, slot, MCPZ_CODE_NO_PROVIDER,
               mcpz_text("no node that is alive and can be reached offers this capability"), out);
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
    slot->receive_credit = widen(slot->receive_credit, credit);
    mcpz_outbox_send(out, &slot->provider,
                     &(struct mcpz_msg){
                         .kind = MCPZ_MSG_CREDIT,
                         .credit = {.call = slot->call, .from_caller = true, .bytes = credit},
                     });
}

static void on_task(struct mcpz_calls *calls, const struct mcpz_event *event,
                    struct mcpz_outbox *out)
{
    struct mcpz_call_out *slot = find_request(calls, event->task.request);
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
        if (slot->open) {
            send_cancel(slot, out);
        }
        calls->tasks_failed++;
        free_out(calls, slot);
    }
}

/* What a provider says about a call of ours. */
static void on_answer(struct mcpz_calls *calls, const struct sight *sight,
                      struct mcpz_call_out *slot, const struct mcpz_msg *msg,
                      struct mcpz_outbox *out)
{
    if (msg->kind == MCPZ_MSG_END) {
        finish(calls, slot, MCPZ_CODE_OK, mcpz_text(""), out);
    } else if (msg->kind == MCPZ_MSG_FAIL) {
        uint32_t code = msg->fail.code != MCPZ_CODE_OK ? msg->fail.code : MCPZ_CODE_INTERNAL;
        slot->retry_after_ms = msg->fail.retry_after_ms;
        fail_attempt(calls, sight, slot, code, msg->fail.text, out);
    } else if (msg->kind == MCPZ_MSG_CREDIT) {
        uint32_t before = slot->send_credit;
        slot->send_credit = widen(before, msg->credit.bytes);
        append_task(out, MCPZ_ACTION_TASK_PULL, slot->request)->credit =
            slot->send_credit - before;
    } else if (msg->data.chunk.length > slot->receive_credit) {
        send_cancel(slot, out);
        finish(calls, slot, MCPZ_CODE_INTERNAL,
               mcpz_text("the provider sent more than it was allowed to"), out);
    } else {
        slot->answered = true;
        slot->receive_credit -= (uint32_t)msg->data.chunk.length;
        append_task(out, MCPZ_ACTION_TASK_OUTPUT, slot->request)->chunk = msg->data.chunk;
    }
}

/* ---- The provider's side ------------------------------------------------------------------ */

static void send_fail(const struct mcpz_id *caller, const struct mcpz_msg_fail *fail,
                      struct mcpz_outbox *out)
{
    mcpz_outbox_send(out, caller, &(struct mcpz_msg){.kind = MCPZ_MSG_FAIL, .fail = *fail});
}

static void refuse(const struct mcpz_id *caller, uint64_t call, uint32_t code, const char *text,
                   struct mcpz_outbox *out)
{
    const struct mcpz_msg_fail fail = {
        .call = call,
        .code = code,
        .text = mcpz_text(text),
        .retry_after_ms = code == MCPZ_CODE_BUSY ? MCPZ_RETRY_AFTER_MS : 0,
    };
    send_fail(caller, &fail, out);
}

static void stop_run(struct mcpz_calls *calls, struct mcpz_call_in *slot, struct mcpz_outbox *out)
{
    mcpz_outbox_append(out, MCPZ_ACTION_RUN_STOP)->run.run = slot->run;
    calls->runs_failed++;
    free_in(calls, slot);
}

static struct mcpz_call_in *take_in(struct mcpz_calls *calls)
{
    for (size_t i = 0; i < MCPZ_CALLS_MAX; i++) {
        if (calls->in[i].run == 0) {
            calls->in_count++;
            return &calls->in[i];
        }
    }
    return NULL;
}

static void on_open(struct mcpz_calls *calls, const struct mcpz_registry *registry, mcpz_time now,
                    const struct mcpz_id *from, const struct mcpz_msg_open *open,
                    struct mcpz_outbox *out)
{
    if (find_in(calls, from, open->call) != NULL) {
        return; /* said twice */
    }
    if (!mcpz_registry_offers(registry, &calls->self, open->capability)) {
        refuse(from, open->call, MCPZ_CODE_NOT_OFFERED, "this node does not offer the capability",
               out);
        return;
    }
    if (open->timeout_ms == 0 || open->timeout_ms > MCPZ_CALL_TIMEOUT_MS_MAX) {
        refuse(from, open->call, MCPZ_CODE_TIMEOUT, "no time was left", out);
        return;
    }
    struct mcpz_call_in *slot = take_in(calls);
    if (slot == NULL) {
        refuse(from, open->call, MCPZ_CODE_BUSY, "the provider has too many calls under way", out);
        return;
    }
    calls->next_run += calls->next_run == UINT32_MAX ? 2 : 1; /* 0 names no run */
    *slot = (struct mcpz_call_in){
        .run = calls->next_run,
        .call = open->call,
        .caller = *from,
        .input_open = open->has_input,
        .deadline_us = now + MCPZ_MS(open->timeout_ms) + PROVIDER_GRACE_US,
        .send_credit = MCPZ_CALL_WINDOW_BYTES,
        .receive_credit = MCPZ_CALL_WINDOW_BYTES,
    };
    mcpz_outbox_append(out, MCPZ_ACTION_RUN_START)->run = (struct mcpz_action_run){
        .run = slot->run,
        .caller = *from,
        .capability = open->capability,
        .params = open->params,
        .has_input = open->has_input,
        .timeout_ms = open->timeout_ms,
        .priority = open->priority,
        .tenant = open->tenant,
        .traceparent = open->traceparent,
        .idempotency_key = open->idempotency_key,
        .idempotent = open->idempotent,
    };
}

/* What a caller says about a call we serve. */
static void on_demand(struct mcpz_calls *calls, struct mcpz_call_in *slot,
                      const struct mcpz_msg *msg, struct mcpz_outbox *out)
{
    if (msg->kind == MCPZ_MSG_CANCEL) {
        stop_run(calls, slot, out);
    } else if (msg->kind == MCPZ_MSG_CREDIT) {
        uint32_t before = slot->send_credit;
        slot->send_credit = widen(before, msg->credit.bytes);
        struct mcpz_action *pull = mcpz_outbox_append(out, MCPZ_ACTION_RUN_PULL);
        pull->run.run = slot->run;
        pull->run.credit = slot->send_credit - before;
    } else if (!slot->input_open) {
        return; /* nothing was announced, or the end was already said */
    } else if (msg->kind == MCPZ_MSG_END) {
        slot->input_open = false;
        mcpz_outbox_append(out, MCPZ_ACTION_RUN_INPUT_END)->run.run = slot->run;
    } else if (msg->data.chunk.length > slot->receive_credit) {
        refuse(&slot->caller, slot->call, MCPZ_CODE_BAD_REQUEST,
               "the caller sent more than it was allowed to", out);
        stop_run(calls, slot, out);
    } else {
        slot->receive_credit -= (uint32_t)msg->data.chunk.length;
        struct mcpz_action *input = mcpz_outbox_append(out, MCPZ_ACTION_RUN_INPUT);
        input->run.run = slot->run;
        input->run.chunk = msg->data.chunk;
    }
}

static void on_run(struct mcpz_calls *calls, const struct mcpz_event *event,
                   struct mcpz_outbox *out)
{
    const struct mcpz_event_run *run = &event->run;
    struct mcpz_call_in *slot = find_run(calls, run->run);
    if (slot == NULL) {
        return; /* it was stopped meanwhile */
    }
    if (event->kind == MCPZ_EVENT_RUN_OUTPUT) {
        assert(run->chunk.length > 0 && run->chunk.length <= MCPZ_CHUNK_BYTES_MAX);
        assert(run->chunk.length <= slot->send_credit);
        slot->send_credit -= (uint32_t)run->chunk.length;
        mcpz_outbox_send(out, &slot->caller,
                         &(struct mcpz_msg){.kind = MCPZ_MSG_DATA,
                                            .data = {.call = slot->call, .chunk = run->chunk}});
    } else if (event->kind == MCPZ_EVENT_RUN_CREDIT) {
        slot->receive_credit = widen(slot->receive_credit, run->credit);
        mcpz_outbox_send(out, &slot->caller,
                         &(struct mcpz_msg){.kind = MCPZ_MSG_CREDIT,
                                            .credit = {.call = slot->call, .bytes = run->credit}});
    } else if (event->kind == MCPZ_EVENT_RUN_END) {
        mcpz_outbox_send(out, &slot->caller,
                         &(struct mcpz_msg){.kind = MCPZ_MSG_END, .end = {.call = slot->call}});
        calls->runs_done++;
        free_in(calls, slot);
    } else if (event->kind == MCPZ_EVENT_RUN_FAIL) {
        const struct mcpz_msg_fail fail = {
            .call = slot->call,
            .code = run->code,
            .text = run->text,
            .retry_after_ms = run->retry_after_ms,
        };
        send_fail(&slot->caller, &fail, out);
        calls->runs_failed++;
        free_in(calls, slot);
    }
}

/* ---- The machine -------------------------------------------------------------------------- */

static bool is_from_caller(const struct mcpz_msg *msg)
{
    switch (msg->kind) {
    case MCPZ_MSG_DATA:
        return msg->data.from_caller;
    case MCPZ_MSG_END:
        return msg->end.from_caller;
    case MCPZ_MSG_CREDIT:
        return msg->credit.from_caller;
    case MCPZ_MSG_CANCEL:
        return true;
    default:
        return false;
    }
}

static bool call_of(const struct mcpz_msg *msg, uint64_t *call)
{
    switch (msg->kind) {
    case MCPZ_MSG_DATA:
        *call = msg->data.call;
        return true;
    case MCPZ_MSG_END:
        *call = msg->end.call;
        return true;
    case MCPZ_MSG_CREDIT:
        *call = msg->credit.call;
        return true;
    case MCPZ_MSG_CANCEL:
        *call = msg->cancel.call;
        return true;
    case MCPZ_MSG_FAIL:
        *call = msg->fail.call;
        return true;
    default:
        return false;
    }
}

static void on_message(struct mcpz_calls *calls, const struct sight *sight,
                       const struct mcpz_id *from, const struct mcpz_msg *msg,
                       struct mcpz_outbox *out)
{
    uint64_t call;
    if (!call_of(msg, &call)) {
        return;
    }
    if (is_from_caller(msg)) {
        struct mcpz_call_in *slot = find_in(calls, from, call);
        if (slot != NULL) {
            on_demand(calls, slot, msg, out);
        }
        return;
    }
    struct mcpz_call_out *slot = find_out(calls, from, call);
    if (slot != NULL) {
        on_answer(calls, sight, slot, msg, out);
    }
}

static void on_unlinked(struct mcpz_calls *calls, const struct sight *sight,
                        const struct mcpz_id *peer, struct mcpz_outbox *out)
{
    for (size_t i = 0; i < MCPZ_CALLS_MAX; i++) {
        struct mcpz_call_out *ours = &calls->out[i];
        if (ours->request != 0 && ours->open && mcpz_id_equal(&ours->provider, peer)) {
            fail_attempt(calls, sight, ours, MCPZ_CODE_PROVIDER_LOST,
                         mcpz_text("the link to the provider broke before it answered"), out);
        }
        struct mcpz_call_in *theirs = &calls->in[i];
        if (theirs->run != 0 && mcpz_id_equal(&theirs->caller, peer)) {
            stop_run(calls, theirs, out);
        }
    }
}

/* A link has taken the place of the one that a call went over: what was said there may be lost. */
static void start_over(struct mcpz_calls *calls, const struct sight *sight,
                       struct mcpz_call_out *slot, struct mcpz_outbox *out)
{
    send_cancel(slot, out);
    if (slot->answered) {
        fail_attempt(calls, sight, slot, MCPZ_CODE_PROVIDER_LOST,
                     mcpz_text("the link to the provider was replaced before all had come"), out);
        return;
    }
    slot->open = false;
    slot->attempts--; /* the provider has not failed */
    (void)append_task(out, MCPZ_ACTION_TASK_RETRY, slot->request);
}

/* What was waiting for a link to this provider may start. */
static void on_linked(struct mcpz_calls *calls, const struct sight *sight,
                      const struct mcpz_id *peer, struct mcpz_outbox *out)
{
    for (size_t i = 0; i < MCPZ_CALLS_MAX; i++) {
        struct mcpz_call_out *ours = &calls->out[i];
        if (ours->request == 0 || !mcpz_id_equal(&ours->provider, peer)) {
            continue;
        }
        if (ours->open) {
            start_over(calls, sight, ours, out);
        } else if (ours->reaching) {
            ours->reaching = false;
            (void)append_task(out, MCPZ_ACTION_TASK_RETRY, ours->request);
        }
    }
}

static void on_unreachable(struct mcpz_calls *calls, const struct sight *sight,
                           const struct mcpz_id *peer, struct mcpz_outbox *out)
{
    for (size_t i = 0; i < MCPZ_CALLS_MAX; i++) {
        struct mcpz_call_out *ours = &calls->out[i];
        if (ours->request != 0 && ours->reaching && mcpz_id_equal(&ours->provider, peer)) {
            ours->attempts++; /* it counts, though nothing was sent */
            fail_attempt(calls, sight, ours, MCPZ_CODE_PROVIDER_LOST,
                         mcpz_text("the provider cannot be reached"), out);
        }
    }
}

static void on_fact(struct mcpz_calls *calls, const struct sight *sight,
                    const struct mcpz_fact *fact, struct mcpz_outbox *out)
{
    if (calls->out_count + calls->in_count == 0) {
        return;
    }
    if (fact->kind == MCPZ_FACT_UNLINKED) {
        on_unlinked(calls, sight, &fact->about, out);
    } else if (fact->kind == MCPZ_FACT_LINKED) {
        on_linked(calls, sight, &fact->about, out);
    } else if (fact->kind == MCPZ_FACT_UNREACHABLE) {
        on_unreachable(calls, sight, &fact->about, out);
    }
}

static void on_tick(struct mcpz_calls *calls, mcpz_time now, struct mcpz_outbox *out)
{
    for (size_t i = 0; i < MCPZ_CALLS_MAX; i++) {
        struct mcpz_call_out *ours = &calls->out[i];
        if (ours->request != 0 && ours->deadline_us <= now) {
            if (ours->open) {
                send_cancel(ours, out);
            }
            finish(calls, ours, MCPZ_CODE_TIMEOUT,
                   mcpz_text("the task was not done within its time"), out);
        }
        struct mcpz_call_in *theirs = &calls->in[i];
        if (theirs->run != 0 && theirs->deadline_us <= now) {
            refuse(&theirs->caller, theirs->call, MCPZ_CODE_TIMEOUT,
                   "the provider did not end the task within its time", out);
            stop_run(calls, theirs, out);
        }
    }
}

void mcpz_calls_init(struct mcpz_calls *calls, const struct mcpz_id *self, uint64_t seed)
{
    *calls = (struct mcpz_calls){.self = *self};
    mcpz_rng_init(&calls->rng, seed);
}

void mcpz_calls_step(struct mcpz_calls *calls, const struct mcpz_fabric *fabric,
                     const struct mcpz_registry *registry, mcpz_time now,
                     const struct mcpz_event *event, struct mcpz_outbox *out)
{
    const struct sight sight = {.fabric = fabric, .registry = registry, .now = now};

    if (event->kind == MCPZ_EVENT_TICK) {
        on_tick(calls, now, out);
    } else if (event->kind == MCPZ_EVENT_FACT) {
        on_fact(calls, &sight, &event->fact, out);
    } else if (event->kind == MCPZ_EVENT_TASK_START) {
        on_start(calls, &sight, &event->task, out);
    } else if (event->kind > MCPZ_EVENT_TASK_START && event->kind <= MCPZ_EVENT_TASK_CANCEL) {
        on_task(calls, event, out);
    } else if (event->kind >= MCPZ_EVENT_RUN_CREDIT && event->kind <= MCPZ_EVENT_RUN_FAIL) {
        on_run(calls, event, out);
    } else if (event->kind == MCPZ_EVENT_RECV && event->recv.msg->kind == MCPZ_MSG_OPEN) {
        on_open(calls, registry, now, &event->recv.from, &event->recv.msg->open, out);
    } else if (event->kind == MCPZ_EVENT_RECV) {
        on_message(calls, &sight, &event->recv.from, event->recv.msg, out);
    }

    assert(calls->out_count <= MCPZ_CALLS_MAX && calls->in_count <= MCPZ_CALLS_MAX);
}

mcpz_time mcpz_calls_deadline(const struct mcpz_calls *calls)
{
    mcpz_time deadline = MCPZ_TIME_NEVER;

    for (size_t i = 0; i < MCPZ_CALLS_MAX && calls->out_count + calls->in_count > 0; i++) {
        if (calls->out[i].request != 0) {
            deadline = mcpz_time_min(deadline, calls->out[i].deadline_us);
        }
        if (calls->in[i].run != 0) {
            deadline = mcpz_time_min(deadline, calls->in[i].deadline_us);
        }
    }
    return deadline;
}
