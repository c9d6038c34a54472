#include "core/calls/caller.h"

#include <assert.h>

#include "base/hash.h"
#include "core/calls/attempts.h"
#include "core/calls/choice.h"
#include "core/calls/outcome.h"
#include "core/calls/window.h"

#define LOOK_AGAIN_US MCPZ_MS(250) /* at a call whose provider cannot be judged yet */

/* ---- Slots -------------------------------------------------------------------------------- */

static struct mcpz_router_config router_config(uint64_t seed)
{
    return (struct mcpz_router_config){
        .classes_max = MCPZ_CALLER_CLASSES_MAX,
        .backends_max = MCPZ_CALLER_BACKENDS_MAX,
        .rules_max = MCPZ_RULES_MAX,
        .seed = seed,
    };
}

size_t mcpz_caller_bytes(size_t calls_max)
{
    const struct mcpz_router_config config = router_config(0);

    return mcpz_router_bytes(&config) + mcpz_call_table_bytes(calls_max) +
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
    const struct mcpz_router_config config = router_config(mcpz_hash_mix(seed + 1));
    mcpz_router_init(&caller->router, &config, arena);
}

static struct mcpz_call_out *find_request(struct mcpz_caller *caller, uint64_t request)
{
    uint32_t slot;

    return mcpz_index_get(&caller->by_request, request, &slot) ? &caller->slots[slot] : NULL;
}

const struct mcpz_call_out *mcpz_caller_find(const struct mcpz_caller *caller, uint64_t request)
{
    uint32_t slot;

    return mcpz_index_get(&caller->by_request, request, &slot) ? &caller->slots[slot] : NULL;
}

const struct mcpz_call_out *mcpz_caller_find_call(const struct mcpz_caller *caller, uint64_t call)
{
    uint32_t slot;

    return mcpz_index_get(&caller->by_call, call, &slot) ? &caller->slots[slot] : NULL;
}

bool mcpz_caller_is_linked(const struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                           const struct mcpz_id *id)
{
    return mcpz_id_equal(id, &caller->self) ||
           mcpz_links_find(&sight->fabric->links, id) != NULL ||
           mcpz_relay_reaches(sight->relay, id);
}

/* ---- What our edge says ------------------------------------------------------------------- */

/* When to look at an open call again, other than at its deadline: core/router/router.h. */
static void plan_look(struct mcpz_caller *caller, const struct mcpz_call_out *slot, mcpz_time now)
{
    const struct mcpz_class *class = mcpz_attempts_class(caller, slot);
    mcpz_time at_us = slot->deadline_us;

    if (slot->open && slot->has_route && !slot->answered && class->present > 1) {
        mcpz_time look_us = mcpz_router_stalls_at(&caller->router, &slot->route);
        if (look_us == MCPZ_TIME_NEVER || look_us <= now) {
            look_us = now + LOOK_AGAIN_US; /* nothing is known yet, or nobody is better */
        }
        const mcpz_time hedge_us = mcpz_router_hedge_at(class, slot->route.begun_us);
        if (slot->may_hedge && slot->repeatable && !slot->has_input && hedge_us > now) {
            look_us = mcpz_time_min(look_us, hedge_us);
        }
        at_us = mcpz_time_min(at_us, look_us);
    }
    mcpz_heap_put(&caller->table.deadlines, mcpz_attempts_number(caller, slot), at_us);
}

/* Send it to the backend that was chosen for it, which is linked. */
static void open_call(struct mcpz_caller *caller, struct mcpz_call_out *slot, mcpz_time now,
                      size_t backend, const struct mcpz_event_task *task, struct mcpz_outbox *out)
{
    struct mcpz_class *class = mcpz_attempts_class(caller, slot);

    slot->call = ++caller->next_call;
    slot->attempts++;
    slot->open = true;
    slot->reached = false;
    slot->retry_at_us = 0;
    slot->send_credit = MCPZ_CALL_WINDOW_BYTES;
    slot->receive_credit = MCPZ_CALL_WINDOW_BYTES;
    slot->route = mcpz_router_begin(&caller->router, class, now, backend);
    slot->has_route = true;
    mcpz_index_put(&caller->by_call, slot->call, mcpz_attempts_number(caller, slot));
    plan_look(caller, slot, now);

    mcpz_outbox_send(out, &slot->provider,
                     &(struct mcpz_msg){
                         .kind = MCPZ_MSG_OPEN,
                         .open =
                             {
                                 .call = slot->call,
                                 .capability = task->capability,
                                 .timeout_ms = (uint32_t)((slot->deadline_us - now + 999) / 1000),
                                 .attempt = slot->attempts,
                                 .priority = mcpz_attempts_priority(class, task),
                                 .tenant = task->tenant,
                                 .traceparent = task->traceparent,
                                 .params = task->params,
                                 .has_input = task->has_input,
                                 .idempotency_key = task->idempotency_key,
                                 .idempotent = task->idempotent,
                                 .durable = task->durable,
                                 .spared = mcpz_router_take_spared(&caller->router, &slot->route),
                                 .isolation = task->isolation,
                                 .levels = task->levels,
                             },
                     });
    if (task->has_input) {
        mcpz_attempts_tell(out, MCPZ_ACTION_TASK_PULL, slot->request)->credit =
            MCPZ_CALL_WINDOW_BYTES;
    }
}

static void refuse(struct mcpz_caller *caller, uint64_t request, const char *text,
                   struct mcpz_outbox *out)
{
    struct mcpz_action_task *done = mcpz_attempts_tell(out, MCPZ_ACTION_TASK_DONE, request);

    done->code = MCPZ_CODE_BUSY;
    done->text = mcpz_text(text);
    done->retry_after_ms = MCPZ_RETRY_AFTER_MS;
    caller->failed++;
}

/* Nobody can be chosen: say why, and when to come back. */
static void fail_choice(struct mcpz_caller *caller, struct mcpz_call_out *slot, mcpz_time now,
                        const struct mcpz_pick *pick, struct mcpz_outbox *out)
{
    uint32_t code = MCPZ_CODE_NO_PROVIDER;
    const char *text = mcpz_id_is_zero(&slot->only)
                           ? "no node that is alive and can be reached offers this capability"
                           : "the node that this call is for does not offer the capability now, "
                             "or cannot be called";

    switch (pick->verdict) {
    case MCPZ_VERDICT_BARRED:
        text = "nodes offer this capability, but a rule lets none of them serve it";
        break;
    case MCPZ_VERDICT_LAX:
        text = "nodes offer this capability, but none of them as isolated as it is wanted";
        break;
    case MCPZ_VERDICT_BROKEN:
        code = MCPZ_CODE_UNAVAILABLE;
        text = "every provider has failed too often lately: try again later";
        break;
    case MCPZ_VERDICT_BUSY:
        code = MCPZ_CODE_BUSY;
        text = "every provider is busy: try again later";
        break;
    case MCPZ_VERDICT_SHED:
        code = MCPZ_CODE_OVERLOADED;
        text = "every provider turns calls of this importance away just now: try again later";
        break;
    case MCPZ_VERDICT_CHOSEN:
    case MCPZ_VERDICT_NOBODY:
    case MCPZ_VERDICT_TRIED:
        break;
    }
    if (pick->retry_at_us > now) {
        slot->retry_after_ms = (uint32_t)((pick->retry_at_us - now + 999) / 1000);
    }
    if (slot->asked) {
        code = MCPZ_CODE_PROVIDER_LOST;
        text = "the link to the provider was replaced, and it cannot be asked again: it may have "
               "done it";
    } else if (slot->attempts > 0) {
        code = slot->last_code;
        text = "the provider failed and no other one is reachable";
    }
    mcpz_attempts_finish(caller, slot, now, code, mcpz_text(text), out);
}

/* The slot of a task that is new, or closed. NULL: it cannot be started, and that was said. */
static struct mcpz_call_out *slot_for(struct mcpz_caller *caller,
                                      const struct mcpz_call_sight *sight,
                                      const struct mcpz_event_task *task, struct mcpz_outbox *out)
{
    struct mcpz_class *class = mcpz_choice_class(caller, sight, task->capability);
    struct mcpz_call_out *slot = find_request(caller, task->request);

    if (slot != NULL) {
        return slot;
    }
    if (class == NULL) {
        refuse(caller, task->request,
               "this node calls too many capabilities at one time: try again later", out);
        return NULL;
    }
    if (!mcpz_router_may_hold(class, caller->table.max - caller->table.count)) {
        refuse(caller, task->request,
               caller->table.count == caller->table.max
                   ? "this node has too many calls under way: try again later"
                   : "this node has too many calls of this capability under way: try again later",
               out);
        return NULL;
    }
    return mcpz_attempts_take(caller, sight->now, class, task);
}

/* Ask those for their load whom the router wants to know about. */
static void send_probes(struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                        struct mcpz_class *class, struct mcpz_outbox *out)
{
    size_t asked[MCPZ_PROBES_PER_CALL];

    if (class->held < 2 && class->ended_us == 0) {
        return; /* perhaps there is never another one */
    }
    const size_t count = mcpz_router_probe(&caller->router, class, sight->now, asked);

    for (size_t i = 0; i < count; i++) {
        const struct mcpz_backend *backend = &class->backends[asked[i]];
        if (!backend->linked && class->held > 1) { /* who calls one by one needs no more links */
            mcpz_outbox_append(out, MCPZ_ACTION_REACH)->reach.peer = backend->id;
        } else if (mcpz_id_equal(&backend->id, &caller->self) ||
                   mcpz_links_find(&sight->fabric->links, &backend->id) != NULL) {
            mcpz_outbox_send(out, &backend->id,
                             &(struct mcpz_msg){.kind = MCPZ_MSG_LOAD_ASK,
                                                .load_ask = {mcpz_text(class->capability)}});
        }
    }
}

/* A twin of an open call, to another provider that is linked; if there is none, it goes alone. */
static void start_twin(struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                       struct mcpz_call_out *slot, const struct mcpz_event_task *task,
                       struct mcpz_outbox *out)
{
    struct mcpz_class *class = mcpz_attempts_class(caller, slot);
    struct mcpz_id tried[MCPZ_CALL_ATTEMPTS_MAX + 1];

    slot->hedging = false;
    memcpy(tried, slot->failed, sizeof(slot->failed));
    tried[slot->attempts - 1] = slot->provider;
    struct mcpz_wish wish = mcpz_choice_wish(slot);
    wish.tried = tried;
    const struct mcpz_pick pick = mcpz_router_pick(&caller->router, class, sight->now, &wish);
    if (pick.verdict != MCPZ_VERDICT_CHOSEN || slot->attempts == MCPZ_CALL_ATTEMPTS_MAX ||
        !class->backends[pick.backend].linked) {
        return;
    }
    const uint32_t number = mcpz_call_table_take(&caller->table, slot->deadline_us);
    if (number == MCPZ_CALL_NONE) {
        return;
    }
    struct mcpz_call_out *twin = &caller->slots[number];
    *twin = *slot;
    twin->open = false;
    twin->has_route = false;
    twin->may_hedge = false;
    twin->is_twin = true;
    twin->provider = class->backends[pick.backend].id;
    memcpy(twin->failed, tried, sizeof(twin->failed));
    if (!mcpz_call_table_join(&caller->table, number, &twin->provider)) {
        mcpz_call_table_give_back(&caller->table, number);
        return;
    }
    twin->twin = mcpz_attempts_number(caller, slot);
    slot->twin = number;
    open_call(caller, twin, sight->now, pick.backend, task, out);
}

/* Choose a provider: the one that the caller insists on, or that was reached for this call. */
static struct mcpz_pick pick_for(struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                                 const struct mcpz_call_out *slot)
{
    struct mcpz_pick pick = {.verdict = MCPZ_VERDICT_CHOSEN};

    if (!mcpz_id_is_zero(&slot->only)) {
        bool stands = mcpz_router_stands(&caller->router, mcpz_attempts_class(caller, slot),
                                         sight->now, &slot->only, &pick.backend);
        pick.verdict = stands ? MCPZ_VERDICT_CHOSEN : MCPZ_VERDICT_NOBODY;
        return pick;
    }
    if (slot->reached && mcpz_router_stands(&caller->router, mcpz_attempts_class(caller, slot),
                                            sight->now, &slot->provider, &pick.backend)) {
        return pick;
    }
    return mcpz_choice_make(caller, sight, slot);
}

static void on_start(struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                     const struct mcpz_event_task *task, struct mcpz_outbox *out)
{
    assert(task->request != 0);
    assert(task->timeout_ms > 0 && task->timeout_ms <= MCPZ_CALL_TIMEOUT_MS_MAX);
    assert(task->priority <= MCPZ_PRIORITY_MAX);

    struct mcpz_call_out *slot = slot_for(caller, sight, task, out);
    if (slot == NULL || slot->reaching) {
        return;
    }
    if (slot->open) { /* it is under way */
        if (slot->hedging) {
            start_twin(caller, sight, slot, task, out);
        }
        return;
    }
    const struct mcpz_pick pick = pick_for(caller, sight, slot);
    if (pick.verdict != MCPZ_VERDICT_CHOSEN) {
        fail_choice(caller, slot, sight->now, &pick, out);
        return;
    }
    struct mcpz_class *class = mcpz_attempts_class(caller, slot);
    slot->provider = class->backends[pick.backend].id;
    if (!mcpz_call_table_join(&caller->table, mcpz_attempts_number(caller, slot),
                              &slot->provider)) {
        mcpz_attempts_finish(caller, slot, sight->now, MCPZ_CODE_BUSY,
                             mcpz_text("the provider cannot be called now"), out);
        return;
    }
    if (mcpz_caller_is_linked(caller, sight, &slot->provider)) {
        open_call(caller, slot, sight->now, pick.backend, task, out);
        send_probes(caller, sight, class, out);
    } else {
        slot->reaching = true; /* the edge says it again when there is a link */
        struct mcpz_action *reach = mcpz_outbox_append(out, MCPZ_ACTION_REACH);
        reach->reach.peer = slot->provider;
        reach->reach.or_relay = true;
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

static void on_cancel(struct mcpz_caller *caller, struct mcpz_call_out *slot, mcpz_time now,
                      struct mcpz_outbox *out)
{
    mcpz_attempts_drop_twin(caller, slot, now, out);
    if (slot->open) {
        mcpz_attempts_send_cancel(slot, out);
    }
    caller->failed++;
    mcpz_attempts_give_back(caller, slot, now);
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
        on_cancel(caller, slot, sight->now, out);
    }
}

/* ---- What a provider says ----------------------------------------------------------------- */

static void succeed(struct mcpz_caller *caller, struct mcpz_call_out *slot, mcpz_time now,
                    const struct mcpz_msg *msg, struct mcpz_outbox *out)
{
    struct mcpz_load_report report;

    mcpz_attempts_end_route(caller, slot, now, MCPZ_OUTCOME_WELL,
                            mcpz_outcome_report(msg, &report));
    if (msg->end.plan && !slot->may_split) {
        mcpz_attempts_finish(caller, slot, now, MCPZ_CODE_PROVIDER_FAILED,
                             mcpz_text("it is to be split into subtasks, which only submitted "
                                       "tasks can be: `mcpz task submit`"),
                             out);
        return;
    }
    mcpz_attempts_finish(caller, slot, now, MCPZ_CODE_OK, mcpz_text(""), out);
    out->actions[out->count - 1].task.chunk = msg->end.chunk;
    out->actions[out->count - 1].task.plan = msg->end.plan;
}

/* It tells which calls of this tenant it would turn away now. */
static void note_told(struct mcpz_caller *caller, const struct mcpz_call_out *slot, mcpz_time now,
                      const struct mcpz_msg *msg)
{
    if (msg->kind == MCPZ_MSG_END || msg->kind == MCPZ_MSG_FAIL) {
        mcpz_router_told(mcpz_attempts_class(caller, slot), &slot->provider, now, slot->tenant,
                         msg->kind == MCPZ_MSG_END ? msg->end.turns_away : msg->fail.turns_away);
    }
}

/* Some of the result: from now on it is this provider's, and none but this one's. */
static void take_output(struct mcpz_caller *caller, struct mcpz_call_out *slot, mcpz_time now,
                        struct mcpz_bytes chunk, struct mcpz_outbox *out)
{
    if (!slot->answered) {
        slot->answered = true;
        mcpz_attempts_drop_twin(caller, slot, now, out);
        plan_look(caller, slot, now);
    }
    if (slot->has_route) {
        mcpz_router_progressed(&caller->router, &slot->route, now);
    }
    slot->receive_credit -= (uint32_t)chunk.length;
    mcpz_attempts_tell(out, MCPZ_ACTION_TASK_OUTPUT, slot->request)->chunk = chunk;
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
    note_told(caller, slot, sight->now, msg);
    if (mcpz_outcome_output(msg).length > slot->receive_credit) {
        mcpz_attempts_send_cancel(slot, out);
        mcpz_attempts_end_route(caller, slot, sight->now, MCPZ_OUTCOME_BROKEN, NULL);
        mcpz_attempts_finish(caller, slot, sight->now, MCPZ_CODE_INTERNAL,
                             mcpz_text("the provider sent more than it was allowed to"), out);
    } else if (msg->kind == MCPZ_MSG_END) {
        succeed(caller, slot, sight->now, msg, out);
    } else if (msg->kind == MCPZ_MSG_FAIL) {
        uint32_t code = msg->fail.code != MCPZ_CODE_OK ? msg->fail.code : MCPZ_CODE_INTERNAL;
        struct mcpz_load_report report;
        slot->retry_after_ms = msg->fail.retry_after_ms;
        mcpz_attempts_fail(
            caller, sight, slot,
            &(struct mcpz_attempt_failure){
                .code = code, .text = msg->fail.text, .report = mcpz_outcome_report(msg, &report)},
            out);
    } else if (msg->kind == MCPZ_MSG_CREDIT) {
        uint32_t before = slot->send_credit;
        slot->send_credit = mcpz_call_widen(before, msg->credit.bytes);
        mcpz_attempts_tell(out, MCPZ_ACTION_TASK_PULL, slot->request)->credit =
            slot->send_credit - before;
    } else {
        take_output(caller, slot, sight->now, msg->data.chunk, out);
    }
}

/* It was asked by ourselves, and answers for calls that bring no tenant. */
void mcpz_caller_heard(struct mcpz_caller *caller, mcpz_time now, const struct mcpz_id *from,
                       const struct mcpz_msg_load *load)
{
    struct mcpz_class *class = mcpz_router_heard(
        &caller->router, load->capability, from, now,
        &(struct mcpz_load_report){.rif = load->in_flight, .latency_us = load->latency_us});

    if (class != NULL) {
        mcpz_router_told(class, from, now, mcpz_hash_bytes(mcpz_bytes(NULL, 0), 0),
                         load->turns_away);
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
    mcpz_attempts_settle(caller, sight, out);
}

/* Its provider hangs: have it started again elsewhere, if it may be done twice. */
static void move(struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                 struct mcpz_call_out *slot, struct mcpz_outbox *out)
{
    mcpz_attempts_end_route(caller, slot, sight->now, MCPZ_OUTCOME_BROKEN, NULL);
    mcpz_attempts_note_failed(caller, slot, sight->now, MCPZ_CODE_PROVIDER_LOST, NULL, out);
    if (!slot->repeatable || slot->attempts == MCPZ_CALL_ATTEMPTS_MAX ||
        !mcpz_choice_is_left(caller, sight, slot)) {
        plan_look(caller, slot, sight->now);
        return;
    }
    mcpz_attempts_send_cancel(slot, out);
    caller->moved++;
    mcpz_attempts_start_again(caller, slot, sight->now, sight->now, out);
}

/* An open call is not answered yet: is its provider only slow, or does it hang? */
static void look_at(struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                    struct mcpz_call_out *slot, struct mcpz_outbox *out)
{
    struct mcpz_class *class = mcpz_attempts_class(caller, slot);

    if (!slot->has_route || slot->twin != MCPZ_CALL_NONE) {
        mcpz_heap_put(&caller->table.deadlines, mcpz_attempts_number(caller, slot),
                      slot->deadline_us);
        return;
    }
    if (mcpz_router_judge(&caller->router, &slot->route, sight->now)) {
        move(caller, sight, slot, out);
        return;
    }
    if (slot->may_hedge && slot->repeatable && !slot->has_input &&
        mcpz_router_hedge_at(class, slot->route.begun_us) <= sight->now) {
        slot->may_hedge = false;
        slot->hedging = mcpz_router_may_hedge(&caller->router, class);
        if (slot->hedging) {
            (void)mcpz_attempts_tell(out, MCPZ_ACTION_TASK_RETRY, slot->request);
        }
    }
    plan_look(caller, slot, sight->now);
}

static void on_due(struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                   struct mcpz_call_out *slot, struct mcpz_outbox *out)
{
    if (slot->deadline_us <= sight->now) {
        if (slot->open) {
            mcpz_attempts_send_cancel(slot, out);
        }
        mcpz_attempts_end_route(caller, slot, sight->now, MCPZ_OUTCOME_LATE, NULL);
        mcpz_attempts_finish(caller, slot, sight->now, MCPZ_CODE_TIMEOUT,
                             mcpz_text("the task was not done within its time"), out);
    } else if (slot->retry_at_us != 0) {
        slot->retry_at_us = 0;
        mcpz_heap_put(&caller->table.deadlines, mcpz_attempts_number(caller, slot),
                      slot->deadline_us);
        (void)mcpz_attempts_tell(out, MCPZ_ACTION_TASK_RETRY, slot->request);
    } else {
        look_at(caller, sight, slot, out);
    }
}

void mcpz_caller_tick(struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                      struct mcpz_outbox *out)
{
    uint32_t number;

    mcpz_attempts_settle(caller, sight, out);
    while (mcpz_call_may_end(out) &&
           mcpz_heap_due(&caller->table.deadlines, sight->now, &number)) {
        on_due(caller, sight, &caller->slots[number], out);
    }
}
