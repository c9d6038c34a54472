#include "core/calls/provider.h"

#include <assert.h>

#include "base/hash.h"
#include "core/calls/window.h"

/* The provider's own clock stops it first; ours is for one that does not say so. */
#define PROVIDER_GRACE_US MCPZ_SECONDS(2)

/* ---- Slots -------------------------------------------------------------------------------- */

size_t mcpz_provider_bytes(size_t calls_max)
{
    return mcpz_call_table_bytes(calls_max) +
           mcpz_arena_cost(calls_max, sizeof(struct mcpz_call_in)) +
           2 * mcpz_index_bytes(calls_max);
}

void mcpz_provider_init(struct mcpz_provider *provider, const struct mcpz_id *self,
                        size_t calls_max, uint64_t seed, struct mcpz_arena *arena)
{
    *provider = (struct mcpz_provider){
        .self = *self,
        .slots = mcpz_arena_take_sure(arena, calls_max, sizeof(struct mcpz_call_in)),
        .seed = seed,
    };
    mcpz_call_table_init(&provider->table, calls_max, seed, arena);
    mcpz_index_init(&provider->by_run, calls_max, 0, arena);
    mcpz_index_init(&provider->by_call, calls_max, seed, arena);
}

/* Callers choose their numbers, each for itself. */
static uint64_t key_of(const struct mcpz_provider *provider, const struct mcpz_id *caller,
                       uint64_t call)
{
    return mcpz_hash_bytes(mcpz_bytes(caller->bytes, MCPZ_ID_BYTES),
                           mcpz_hash_mix(provider->seed ^ call));
}

/* The call of this key; NULL: there is none. `*is_it`: it is really this one. */
static struct mcpz_call_in *find_key(struct mcpz_provider *provider, const struct mcpz_id *caller,
                                     uint64_t call, bool *is_it)
{
    uint32_t number;

    *is_it = false;
    if (!mcpz_index_get(&provider->by_call, key_of(provider, caller, call), &number)) {
        return NULL;
    }
    struct mcpz_call_in *slot = &provider->slots[number];
    *is_it = slot->call == call && mcpz_id_equal(&slot->caller, caller);
    return slot;
}

static struct mcpz_call_in *find_run(struct mcpz_provider *provider, uint32_t run)
{
    uint32_t slot;

    return mcpz_index_get(&provider->by_run, run, &slot) ? &provider->slots[slot] : NULL;
}

static void give_back(struct mcpz_provider *provider, struct mcpz_call_in *slot)
{
    (void)mcpz_index_remove(&provider->by_run, slot->run);
    (void)mcpz_index_remove(&provider->by_call, key_of(provider, &slot->caller, slot->call));
    mcpz_call_table_give_back(&provider->table, (uint32_t)(slot - provider->slots));
}

/* ---- Ends --------------------------------------------------------------------------------- */

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

static void stop(struct mcpz_provider *provider, struct mcpz_call_in *slot,
                 struct mcpz_outbox *out)
{
    mcpz_outbox_append(out, MCPZ_ACTION_RUN_STOP)->run.run = slot->run;
    provider->failed++;
    give_back(provider, slot);
}

static void settle_some(struct mcpz_provider *provider, struct mcpz_outbox *out)
{
    enum mcpz_call_fate fate;
    uint32_t slot;

    while (mcpz_call_may_end(out) && mcpz_call_table_next_doomed(&provider->table, &slot, &fate)) {
        assert(fate == MCPZ_CALL_FATE_LOST);
        stop(provider, &provider->slots[slot], out);
    }
}

/* ---- What callers say --------------------------------------------------------------------- */

static struct mcpz_call_in *take(struct mcpz_provider *provider, mcpz_time deadline_us,
                                 const struct mcpz_id *from, const struct mcpz_msg_open *open)
{
    uint32_t number = mcpz_call_table_take(&provider->table, deadline_us);

    if (number == MCPZ_CALL_NONE) {
        return NULL;
    }
    if (!mcpz_call_table_join(&provider->table, number, from)) {
        mcpz_call_table_give_back(&provider->table, number);
        return NULL;
    }
    provider->next_run += provider->next_run == UINT32_MAX ? 2 : 1; /* 0 names no run */
    struct mcpz_call_in *slot = &provider->slots[number];
    *slot = (struct mcpz_call_in){
        .run = provider->next_run,
        .call = open->call,
        .caller = *from,
        .input_open = open->has_input,
        .deadline_us = deadline_us,
        .send_credit = MCPZ_CALL_WINDOW_BYTES,
        .receive_credit = MCPZ_CALL_WINDOW_BYTES,
    };
    mcpz_index_put(&provider->by_run, slot->run, number);
    mcpz_index_put(&provider->by_call, key_of(provider, from, open->call), number);
    return slot;
}

void mcpz_provider_open(struct mcpz_provider *provider, const struct mcpz_call_sight *sight,
                        const struct mcpz_id *from, const struct mcpz_msg_open *open,
                        struct mcpz_outbox *out)
{
    const mcpz_time deadline_us = sight->now + MCPZ_MS(open->timeout_ms) + PROVIDER_GRACE_US;
    bool said_twice;

    const struct mcpz_call_in *other = find_key(provider, from, open->call, &said_twice);
    if (said_twice) {
        return;
    }
    if (!mcpz_registry_offers(sight->registry, &provider->self, open->capability)) {
        refuse(from, open->call, MCPZ_CODE_NOT_OFFERED, "this node does not offer the capability",
               out);
        return;
    }
    if (open->timeout_ms == 0 || open->timeout_ms > MCPZ_CALL_TIMEOUT_MS_MAX) {
        refuse(from, open->call, MCPZ_CODE_TIMEOUT, "no time was left", out);
        return;
    }
    /* Another call with the same hash: whoever tries again chooses another number. */
    const struct mcpz_call_in *slot =
        other == NULL ? take(provider, deadline_us, from, open) : NULL;
    if (slot == NULL) {
        refuse(from, open->call, MCPZ_CODE_BUSY, "the provider has too many calls under way", out);
        return;
    }
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

/* DATA, or END with the last of it. */
static void take_input(struct mcpz_provider *provider, struct mcpz_call_in *slot,
                       const struct mcpz_msg *msg, struct mcpz_outbox *out)
{
    bool is_last = msg->kind == MCPZ_MSG_END;
    struct mcpz_bytes chunk = is_last ? msg->end.chunk : msg->data.chunk;

    if (chunk.length > slot->receive_credit) {
        refuse(&slot->caller, slot->call, MCPZ_CODE_BAD_REQUEST,
               "the caller sent more than it was allowed to", out);
        stop(provider, slot, out);
        return;
    }
    if (chunk.length > 0) {
        slot->receive_credit -= (uint32_t)chunk.length;
        struct mcpz_action *input = mcpz_outbox_append(out, MCPZ_ACTION_RUN_INPUT);
        input->run.run = slot->run;
        input->run.chunk = chunk;
    }
    if (is_last) {
        slot->input_open = false;
        mcpz_outbox_append(out, MCPZ_ACTION_RUN_INPUT_END)->run.run = slot->run;
    }
}

void mcpz_provider_demand(struct mcpz_provider *provider, const struct mcpz_id *from,
                          uint64_t call, const struct mcpz_msg *msg, struct mcpz_outbox *out)
{
    bool is_it;
    struct mcpz_call_in *slot = find_key(provider, from, call, &is_it);

    if (!is_it) {
        return;
    }
    if (msg->kind == MCPZ_MSG_CANCEL) {
        stop(provider, slot, out);
    } else if (msg->kind == MCPZ_MSG_CREDIT) {
        uint32_t before = slot->send_credit;
        slot->send_credit = mcpz_call_widen(before, msg->credit.bytes);
        struct mcpz_action *pull = mcpz_outbox_append(out, MCPZ_ACTION_RUN_PULL);
        pull->run.run = slot->run;
        pull->run.credit = slot->send_credit - before;
    } else if (!slot->input_open) {
        return; /* nothing was announced, or the end was already said */
    } else {
        take_input(provider, slot, msg, out);
    }
}

/* ---- What our edge says ------------------------------------------------------------------- */

void mcpz_provider_run(struct mcpz_provider *provider, const struct mcpz_event *event,
                       struct mcpz_outbox *out)
{
    const struct mcpz_event_run *run = &event->run;
    struct mcpz_call_in *slot = find_run(provider, run->run);
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
        slot->receive_credit = mcpz_call_widen(slot->receive_credit, run->credit);
        mcpz_outbox_send(out, &slot->caller,
                         &(struct mcpz_msg){.kind = MCPZ_MSG_CREDIT,
                                            .credit = {.call = slot->call, .bytes = run->credit}});
    } else if (event->kind == MCPZ_EVENT_RUN_END) {
        assert(run->chunk.length <= MCPZ_CHUNK_BYTES_MAX);
        assert(run->chunk.length <= slot->send_credit);
        mcpz_outbox_send(out, &slot->caller,
                         &(struct mcpz_msg){.kind = MCPZ_MSG_END,
                                            .end = {.call = slot->call, .chunk = run->chunk}});
        provider->done++;
        give_back(provider, slot);
    } else if (event->kind == MCPZ_EVENT_RUN_FAIL) {
        const struct mcpz_msg_fail fail = {
            .call = slot->call,
            .code = run->code,
            .text = run->text,
            .retry_after_ms = run->retry_after_ms,
        };
        send_fail(&slot->caller, &fail, out);
        provider->failed++;
        give_back(provider, slot);
    }
}

/* ---- What becomes of callers, and time ---------------------------------------------------- */

void mcpz_provider_fact(struct mcpz_provider *provider, mcpz_time now,
                        const struct mcpz_fact *fact, struct mcpz_outbox *out)
{
    const struct mcpz_call_peer *peer = mcpz_call_table_peer(&provider->table, &fact->about);

    if (fact->kind != MCPZ_FACT_UNLINKED || peer == NULL) {
        return;
    }
    for (uint32_t slot = peer->calls.first; slot != MCPZ_CALL_NONE;
         slot = mcpz_call_table_next(&provider->table, slot)) {
        mcpz_call_table_doom(&provider->table, slot, MCPZ_CALL_FATE_LOST, now);
    }
    settle_some(provider, out);
}

void mcpz_provider_tick(struct mcpz_provider *provider, mcpz_time now, struct mcpz_outbox *out)
{
    uint32_t number;

    settle_some(provider, out);
    while (mcpz_call_may_end(out) && mcpz_heap_due(&provider->table.deadlines, now, &number)) {
        struct mcpz_call_in *slot = &provider->slots[number];
        refuse(&slot->caller, slot->call, MCPZ_CODE_TIMEOUT,
               "the provider did not end the task within its time", out);
        stop(provider, slot, out);
    }
}
