#include "core/calls/provider.h"

#include <assert.h>

#include "base/clear.h"
#include "base/hash.h"
#include "core/calls/window.h"

/* The provider's own clock stops it first; ours is for one that does not say so. */
#define PROVIDER_GRACE_US MCPZ_SECONDS(2)

/* ---- Slots -------------------------------------------------------------------------------- */

/* Room for the keys of all calls that run, and of as many that were done. */
static size_t answers_max(size_t calls_max)
{
    return 2 * calls_max < MCPZ_ANSWERS_MAX ? 2 * calls_max : MCPZ_ANSWERS_MAX;
}

size_t mcpz_provider_bytes(size_t calls_max)
{
    return mcpz_call_table_bytes(calls_max) +
           mcpz_arena_cost(calls_max, sizeof(struct mcpz_call_in)) +
           2 * mcpz_index_bytes(calls_max) + mcpz_gate_bytes(calls_max) +
           mcpz_arena_cost(MCPZ_LANES_MAX, sizeof(struct mcpz_load)) +
           mcpz_answers_bytes(answers_max(calls_max));
}

void mcpz_provider_init(struct mcpz_provider *provider, const struct mcpz_id *self,
                        size_t calls_max, const struct mcpz_gate_config *gate, uint64_t seed,
                        struct mcpz_arena *arena)
{
    mcpz_clear(provider, sizeof(*provider));
    provider->self = *self;
    provider->slots = mcpz_arena_take_sure(arena, calls_max, sizeof(struct mcpz_call_in));
    provider->loads = mcpz_arena_take_sure(arena, MCPZ_LANES_MAX, sizeof(struct mcpz_load));
    provider->seed = seed;
    mcpz_call_table_init(&provider->table, calls_max, seed, arena);
    mcpz_index_init(&provider->by_run, calls_max, 0, arena);
    mcpz_index_init(&provider->by_call, calls_max, 0, arena);
    mcpz_gate_init(&provider->gate, gate, calls_max, mcpz_hash_mix(seed + 1), arena);
    mcpz_answers_init(&provider->answers, answers_max(calls_max), mcpz_hash_mix(seed + 2), arena);
}

/* An id is a public key, so its first bytes are as good as drawn; the seed keeps them to itself.
 */
static uint64_t key_of_id(const struct mcpz_id *id, uint64_t seed)
{
    return mcpz_hash_mix(mcpz_hash_word(id->bytes) ^ seed);
}

/* Callers choose their numbers, each for itself, and count up: those of one lie side by side. */
static uint64_t key_of(const struct mcpz_provider *provider, const struct mcpz_id *caller,
                       uint64_t call)
{
    return key_of_id(caller, provider->seed) + call;
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

static uint32_t number_of(const struct mcpz_provider *provider, const struct mcpz_call_in *slot)
{
    return (uint32_t)(slot - provider->slots);
}

/* ---- Load --------------------------------------------------------------------------------- */

static void begin_load(struct mcpz_provider *provider, mcpz_time now, struct mcpz_call_in *slot)
{
    slot->loads = true;
    slot->lane = provider->gate.calls[number_of(provider, slot)].lane;
    slot->came_us = now;
    slot->load = mcpz_load_begin(&provider->loads[slot->lane]);
}

/* What we have to do beside this call, which has ended. */
static struct mcpz_load_report end_load(struct mcpz_provider *provider, mcpz_time now,
                                        struct mcpz_call_in *slot, bool done)
{
    if (!slot->loads) {
        return (struct mcpz_load_report){0};
    }
    slot->loads = false;
    mcpz_load_end(&provider->loads[slot->lane], now, slot->came_us, slot->load, done);
    return mcpz_load_report(&provider->loads[slot->lane], now);
}

void mcpz_provider_tell_load(struct mcpz_provider *provider, mcpz_time now,
                             const struct mcpz_id *from, struct mcpz_bytes capability,
                             struct mcpz_outbox *out)
{
    const size_t lane = mcpz_gate_lane(&provider->gate, capability);

    if (lane == MCPZ_LANES_MAX || !provider->gate.lanes[lane].offered) {
        return;
    }
    const struct mcpz_load_report report = mcpz_load_report(&provider->loads[lane], now);
    mcpz_outbox_send(
        out, from,
        &(struct mcpz_msg){.kind = MCPZ_MSG_LOAD,
                           .load = {.capability = capability,
                                    .in_flight = report.rif,
                                    .latency_us = report.latency_us,
                                    .turns_away = mcpz_gate_turns_away(
                                        &provider->gate, now, lane, mcpz_bytes(NULL, 0), from)}});
}

/* `done`: it ran, and succeeded. */
static void give_back(struct mcpz_provider *provider, mcpz_time now, struct mcpz_call_in *slot,
                      bool done)
{
    (void)mcpz_index_remove(&provider->by_run, slot->run);
    if (!slot->deserted) {
        (void)mcpz_index_remove(&provider->by_call, key_of(provider, &slot->caller, slot->call));
    }
    (void)end_load(provider, now, slot, done);
    mcpz_gate_end(&provider->gate, now, number_of(provider, slot), done);
    mcpz_call_table_give_back(&provider->table, number_of(provider, slot));
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

static void send_refusal(const struct mcpz_id *caller, uint64_t call,
                         const struct mcpz_gate_refusal *refusal, struct mcpz_outbox *out)
{
    const struct mcpz_msg_fail fail = {
        .call = call,
        .code = refusal->code,
        .text = mcpz_text(refusal->text),
        .retry_after_ms = refusal->retry_after_ms,
        .turns_away = refusal->turns_away,
    };
    send_fail(caller, &fail, out);
}

/* ---- Calls with a key --------------------------------------------------------------------- */

static struct mcpz_answer *answer_of(struct mcpz_provider *provider,
                                     const struct mcpz_call_in *slot)
{
    return slot->answer != MCPZ_ANSWER_NONE ? &provider->answers.rows[slot->answer] : NULL;
}

static void send_end(const struct mcpz_id *caller, uint64_t call, struct mcpz_bytes last,
                     struct mcpz_outbox *out)
{
    mcpz_outbox_send(
        out, caller,
        &(struct mcpz_msg){.kind = MCPZ_MSG_END, .end = {.call = call, .chunk = last}});
}

static void send_lost(const struct mcpz_id *caller, uint64_t call, struct mcpz_outbox *out)
{
    refuse(caller, call, MCPZ_CODE_CONFLICT,
           "a task with this key was done, but its result was too large to keep", out);
}

/* The call that did what its key is for has ended: so are those to end that wait for it. */
static void settle_key(struct mcpz_provider *provider, mcpz_time now, struct mcpz_call_in *ended,
                       uint32_t code)
{
    const struct mcpz_answer *answer = answer_of(provider, ended);
    uint32_t waiters = answer != NULL && !ended->waits ? answer->waiters : 0;

    for (uint32_t i = 0; i < provider->table.max && waiters > 0; i++) {
        struct mcpz_call_in *slot = &provider->slots[i];
        if (provider->table.rows[i].taken && slot->waits && slot->answer == ended->answer) {
            slot->code = code;
            mcpz_call_table_doom(&provider->table, i, MCPZ_CALL_FATE_ANSWERED, now);
            waiters--;
        }
    }
    if (answer == NULL || ended->waits) {
        return;
    }
    if (code == MCPZ_CODE_OK) {
        mcpz_answers_done(&provider->answers, now, ended->answer);
    } else {
        mcpz_answers_forget(&provider->answers, ended->answer);
    }
    ended->answer = MCPZ_ANSWER_NONE;
}

/* One that waits for another's answer is about to end. That one may have ended, too. */
static void leave_key(struct mcpz_provider *provider, const struct mcpz_call_in *slot)
{
    struct mcpz_answer *answer = answer_of(provider, slot);
    assert(answer != NULL);

    if (answer->stamp == slot->answer_stamp && answer->state == MCPZ_ANSWER_RUNNING) {
        assert(answer->waiters > 0);
        answer->waiters--;
    }
}

/* Give it the answer it has waited for. The row may have been used for another key since. */
static void hand_over(struct mcpz_provider *provider, mcpz_time now, struct mcpz_call_in *slot,
                      struct mcpz_outbox *out)
{
    const struct mcpz_answer *answer = answer_of(provider, slot);
    struct mcpz_bytes result;
    bool done = false;
    assert(answer != NULL);

    if (slot->code != MCPZ_CODE_OK) {
        refuse(&slot->caller, slot->call, slot->code,
               "the task with the same key, which this one waited for, has failed", out);
    } else if (answer->stamp == slot->answer_stamp &&
               mcpz_answers_result(&provider->answers, slot->answer, &result)) {
        send_end(&slot->caller, slot->call, result, out);
        done = true;
    } else {
        send_lost(&slot->caller, slot->call, out);
    }
    provider->done += done;
    provider->failed += !done;
    mcpz_durations_add(&provider->took, now - slot->came_us);
    give_back(provider, now, slot, false);
}

/* Its caller is gone; but others wait for what is being done, and nothing more has to come in. */
static bool desert(struct mcpz_provider *provider, struct mcpz_call_in *slot)
{
    const struct mcpz_answer *answer = answer_of(provider, slot);

    if (slot->waits || answer == NULL || answer->waiters == 0 || slot->input_open) {
        return false;
    }
    mcpz_call_table_part(&provider->table, number_of(provider, slot));
    (void)mcpz_index_remove(&provider->by_call, key_of(provider, &slot->caller, slot->call));
    slot->deserted = true;
    return true;
}

/* ---- Stopping and starting ---------------------------------------------------------------- */

/* Nobody waits for it any more; `code` is for those that waited with it. */
static void stop(struct mcpz_provider *provider, mcpz_time now, struct mcpz_call_in *slot,
                 uint32_t code, struct mcpz_outbox *out)
{
    if (slot->waits) {
        leave_key(provider, slot);
    } else {
        struct mcpz_action *action = mcpz_outbox_append(out, MCPZ_ACTION_RUN_STOP);
        action->run.run = slot->run;
        action->run.code = code;
        settle_key(provider, now, slot, code);
    }
    provider->failed++;
    give_back(provider, now, slot, false);
}

/* Let those begin for whom there is room now. */
static void start_waiting(struct mcpz_provider *provider, mcpz_time now, struct mcpz_outbox *out)
{
    uint32_t number;

    while (mcpz_gate_next(&provider->gate, now, &number)) {
        mcpz_outbox_append(out, MCPZ_ACTION_RUN_GO)->run.run = provider->slots[number].run;
    }
}

static void settle_some(struct mcpz_provider *provider, mcpz_time now, struct mcpz_outbox *out)
{
    enum mcpz_call_fate fate;
    uint32_t number;

    while (mcpz_call_may_end(out) &&
           mcpz_call_table_next_doomed(&provider->table, &number, &fate)) {
        struct mcpz_call_in *slot = &provider->slots[number];
        assert(fate == MCPZ_CALL_FATE_LOST || fate == MCPZ_CALL_FATE_ANSWERED);
        if (fate == MCPZ_CALL_FATE_ANSWERED) {
            hand_over(provider, now, slot, out);
        } else if (!desert(provider, slot)) {
            stop(provider, now, slot, MCPZ_CODE_PROVIDER_LOST, out);
        }
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
        .may_split = open->levels > 0,
        .answer = MCPZ_ANSWER_NONE,
        .deadline_us = deadline_us,
        .send_credit = MCPZ_CALL_WINDOW_BYTES,
        .receive_credit = MCPZ_CALL_WINDOW_BYTES,
    };
    mcpz_index_put(&provider->by_run, slot->run, number);
    mcpz_index_put(&provider->by_call, key_of(provider, from, open->call), number);
    return slot;
}

static void start_run(const struct mcpz_call_in *slot, const struct mcpz_msg_open *open, bool held,
                      struct mcpz_outbox *out)
{
    mcpz_outbox_append(out, MCPZ_ACTION_RUN_START)->run = (struct mcpz_action_run){
        .run = slot->run,
        .caller = slot->caller,
        .capability = open->capability,
        .params = open->params,
        .has_input = open->has_input,
        .timeout_ms = open->timeout_ms,
        .priority = open->priority,
        .tenant = open->tenant,
        .traceparent = open->traceparent,
        .idempotency_key = open->idempotency_key,
        .idempotent = open->idempotent,
        .held = held,
        .durable = open->durable,
        .levels = open->levels,
    };
}

/* Somebody with a better claim has taken its place in the queue, or it has waited too long. */
static void turn_away(struct mcpz_provider *provider, mcpz_time now, uint32_t number,
                      const struct mcpz_gate_refusal *refusal, struct mcpz_outbox *out)
{
    struct mcpz_call_in *slot = &provider->slots[number];

    if (!slot->deserted) {
        send_refusal(&slot->caller, slot->call, refusal, out);
    }
    stop(provider, now, slot, refusal->code, out);
}

/* Ask the gate, and do as it says. */
static void admit(struct mcpz_provider *provider, const struct mcpz_call_sight *sight,
                  struct mcpz_call_in *slot, const struct mcpz_msg_open *open,
                  struct mcpz_outbox *out)
{
    const mcpz_time now = sight->now;
    const struct mcpz_gate_request request = {
        .capability = open->capability,
        .tenant = open->tenant,
        .caller = &slot->caller,
        .is_own = mcpz_id_equal(&slot->caller, &provider->self),
        .priority = open->priority,
        .deadline_us = now + MCPZ_MS(open->timeout_ms),
        .nobody_else = now < provider->last_calls_us &&
                       mcpz_registry_find(sight->registry, open->capability, 0) == NULL,
    };
    struct mcpz_gate_verdict verdict;

    mcpz_gate_ask(&provider->gate, now, number_of(provider, slot), &request, &verdict);
    if (verdict.word == MCPZ_GATE_REFUSE) {
        send_refusal(&slot->caller, slot->call, &verdict.refusal, out);
        settle_key(provider, now, slot, verdict.refusal.code);
        give_back(provider, now, slot, false);
        return;
    }
    if (verdict.pushed_out != MCPZ_GATE_NOBODY) {
        turn_away(provider, now, verdict.pushed_out, &verdict.refusal, out);
    }
    begin_load(provider, now, slot);
    start_run(slot, open, verdict.word == MCPZ_GATE_WAIT, out);
}

/* What is known of a call's key: an answer, or why there will be none. */
static void answer(const struct mcpz_provider *provider, const struct mcpz_id *from,
                   const struct mcpz_msg_open *open, enum mcpz_answer_word word, uint16_t row,
                   struct mcpz_outbox *out)
{
    struct mcpz_bytes result;

    if (word == MCPZ_ANSWER_IS_KNOWN && mcpz_answers_result(&provider->answers, row, &result)) {
        send_end(from, open->call, result, out);
    } else if (word == MCPZ_ANSWER_IS_OTHER) {
        refuse(from, open->call, MCPZ_CODE_CONFLICT,
               "this key was used for a task with other parameters", out);
    } else if (word == MCPZ_ANSWER_IS_FULL) {
        refuse(from, open->call, MCPZ_CODE_BUSY, "too many tasks with keys are under way here",
               out);
    } else {
        send_lost(from, open->call, out);
    }
}

static enum mcpz_answer_word look_up(struct mcpz_provider *provider, mcpz_time now,
                                     const struct mcpz_msg_open *open, uint16_t *row)
{
    const struct mcpz_answer_key key = {
        .tenant = open->tenant,
        .capability = open->capability,
        .key = open->idempotency_key,
        .params = open->params,
    };

    *row = MCPZ_ANSWER_NONE;
    /* What is kept on disk is not for this window: core/ledger.h. */
    return key.key.length > 0 && !open->durable
               ? mcpz_answers_ask(&provider->answers, now, &key, row)
               : MCPZ_ANSWER_IS_NEW;
}

void mcpz_provider_open(struct mcpz_provider *provider, const struct mcpz_call_sight *sight,
                        const struct mcpz_id *from, const struct mcpz_msg_open *open,
                        struct mcpz_outbox *out)
{
    const mcpz_time deadline_us = sight->now + MCPZ_MS(open->timeout_ms) + PROVIDER_GRACE_US;
    bool said_twice;

    if (open->spared > 0) {
        mcpz_gate_spared(&provider->gate, sight->now, open->spared);
    }
    const struct mcpz_call_in *other = find_key(provider, from, open->call, &said_twice);
    if (said_twice) {
        return;
    }
    if (open->timeout_ms == 0 || open->timeout_ms > MCPZ_CALL_TIMEOUT_MS_MAX) {
        refuse(from, open->call, MCPZ_CODE_TIMEOUT, "no time was left", out);
        return;
    }
    /* Whoever has not heard of it yet would have it done less isolated than it is wanted. */
    if (open->isolation > (uint32_t)mcpz_registry_isolation(sight->registry, open->capability)) {
        refuse(from, open->call, MCPZ_CODE_NOT_OFFERED,
               "this node does not offer the capability so isolated", out);
        return;
    }
    uint16_t row;
    enum mcpz_answer_word word = look_up(provider, sight->now, open, &row);
    if (word != MCPZ_ANSWER_IS_NEW && word != MCPZ_ANSWER_IS_RUNNING) {
        answer(provider, from, open, word, row, out);
        return;
    }
    /* Another call with the same hash: whoever tries again chooses another number. */
    struct mcpz_call_in *slot = other == NULL ? take(provider, deadline_us, from, open) : NULL;
    if (slot == NULL) {
        refuse(from, open->call, MCPZ_CODE_BUSY, "the provider has too many calls under way", out);
        if (row != MCPZ_ANSWER_NONE && word == MCPZ_ANSWER_IS_NEW) {
            mcpz_answers_forget(&provider->answers, row);
        }
        return;
    }
    slot->answer = row;
    slot->answer_stamp = row != MCPZ_ANSWER_NONE ? provider->answers.rows[row].stamp : 0;
    if (word == MCPZ_ANSWER_IS_RUNNING) {
        slot->waits = true;
        provider->answers.rows[row].waiters++;
        return;
    }
    admit(provider, sight, slot, open, out);
}

/* DATA, or END with the last of it. */
static void take_input(struct mcpz_provider *provider, mcpz_time now, struct mcpz_call_in *slot,
                       const struct mcpz_msg *msg, struct mcpz_outbox *out)
{
    bool is_last = msg->kind == MCPZ_MSG_END;
    struct mcpz_bytes chunk = is_last ? msg->end.chunk : msg->data.chunk;

    if (chunk.length > slot->receive_credit) {
        refuse(&slot->caller, slot->call, MCPZ_CODE_BAD_REQUEST,
               "the caller sent more than it was allowed to", out);
        stop(provider, now, slot, MCPZ_CODE_PROVIDER_LOST, out);
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

static void let_out(struct mcpz_call_in *slot, uint32_t credit, struct mcpz_outbox *out)
{
    uint32_t before = slot->send_credit;
    slot->send_credit = mcpz_call_widen(before, credit);
    struct mcpz_action *pull = mcpz_outbox_append(out, MCPZ_ACTION_RUN_PULL);
    pull->run.run = slot->run;
    pull->run.credit = slot->send_credit - before;
}

void mcpz_provider_demand(struct mcpz_provider *provider, mcpz_time now,
                          const struct mcpz_id *from, uint64_t call, const struct mcpz_msg *msg,
                          struct mcpz_outbox *out)
{
    bool is_it;
    struct mcpz_call_in *slot = find_key(provider, from, call, &is_it);

    if (!is_it) {
        return;
    }
    if (msg->kind == MCPZ_MSG_CANCEL) {
        if (!desert(provider, slot)) {
            stop(provider, now, slot, MCPZ_CODE_CANCELLED, out);
        }
    } else if (slot->waits) {
        return; /* what comes in for another's answer is not needed */
    } else if (msg->kind == MCPZ_MSG_CREDIT) {
        let_out(slot, msg->credit.bytes, out);
    } else if (slot->input_open) {
        take_input(provider, now, slot, msg, out);
    }
    start_waiting(provider, now, out);
}

/* ---- What our edge says ------------------------------------------------------------------- */

/* Some of the result: keep it if somebody may ask for it again. */
static void keep_output(struct mcpz_provider *provider, const struct mcpz_call_in *slot,
                        struct mcpz_bytes chunk)
{
    assert(chunk.length <= MCPZ_CHUNK_BYTES_MAX);
    assert(chunk.length <= slot->send_credit);

    if (slot->answer != MCPZ_ANSWER_NONE) {
        mcpz_answers_output(&provider->answers, slot->answer, chunk);
    }
}

/* What a deserted run has to say is for those who wait: nobody else lets it go on. */
static void on_output(struct mcpz_provider *provider, struct mcpz_call_in *slot,
                      struct mcpz_bytes chunk, struct mcpz_outbox *out)
{
    assert(chunk.length > 0);

    keep_output(provider, slot, chunk);
    if (slot->deserted) {
        struct mcpz_action *pull = mcpz_outbox_append(out, MCPZ_ACTION_RUN_PULL);
        pull->run.run = slot->run;
        pull->run.credit = (uint32_t)chunk.length;
        return;
    }
    slot->send_credit -= (uint32_t)chunk.length;
    mcpz_outbox_send(
        out, &slot->caller,
        &(struct mcpz_msg){.kind = MCPZ_MSG_DATA, .data = {.call = slot->call, .chunk = chunk}});
}

static void on_taken(struct mcpz_call_in *slot, uint32_t credit, struct mcpz_outbox *out)
{
    slot->receive_credit = mcpz_call_widen(slot->receive_credit, credit);
    if (!slot->deserted) {
        mcpz_outbox_send(out, &slot->caller,
                         &(struct mcpz_msg){.kind = MCPZ_MSG_CREDIT,
                                            .credit = {.call = slot->call, .bytes = credit}});
    }
}

/* It has ended, well or not. */
static void on_end(struct mcpz_provider *provider, mcpz_time now, struct mcpz_call_in *slot,
                   const struct mcpz_event *event, struct mcpz_outbox *out)
{
    const struct mcpz_event_run *run = &event->run;
    bool done = event->kind == MCPZ_EVENT_RUN_END;
    const uint32_t turns_away =
        mcpz_gate_turns_away_more(&provider->gate, number_of(provider, slot));
    const struct mcpz_load_report report = end_load(provider, now, slot, done);
    const struct mcpz_msg_end end = {
        .call = slot->call,
        .chunk = run->chunk,
        .load = report.rif + 1,
        .latency_us = report.latency_us,
        .turns_away = turns_away,
        .plan = run->plan,
    };
    const struct mcpz_msg_fail fail = {
        .call = slot->call,
        .code = run->code,
        .text = run->text,
        .retry_after_ms = run->retry_after_ms,
        .load = report.rif + 1,
        .latency_us = report.latency_us,
        .turns_away = turns_away,
    };

    if (done) {
        keep_output(provider, slot, run->chunk);
    }
    if (done && !slot->deserted) {
        mcpz_outbox_send(out, &slot->caller, &(struct mcpz_msg){.kind = MCPZ_MSG_END, .end = end});
    } else if (!slot->deserted) {
        send_fail(&slot->caller, &fail, out);
    }
    provider->done += done;
    provider->failed += !done;
    mcpz_durations_add(&provider->took, now - slot->came_us);
    settle_key(provider, now, slot, done ? MCPZ_CODE_OK : run->code);
    give_back(provider, now, slot, done);
    settle_some(provider, now, out);
    start_waiting(provider, now, out);
}

/* A plan where there can be none. */
static void on_vain_plan(struct mcpz_provider *provider, mcpz_time now, struct mcpz_call_in *slot,
                         struct mcpz_outbox *out)
{
    const struct mcpz_event failed = {
        .kind = MCPZ_EVENT_RUN_FAIL,
        .run = {.code = MCPZ_CODE_PROVIDER_FAILED,
                .text =
                    mcpz_text("it is to be split into subtasks, which this one cannot be: only "
                              "submitted tasks, five levels deep")},
    };

    on_end(provider, now, slot, &failed, out);
}

void mcpz_provider_run(struct mcpz_provider *provider, mcpz_time now,
                       const struct mcpz_event *event, struct mcpz_outbox *out)
{
    struct mcpz_call_in *slot = find_run(provider, event->run.run);

    if (slot == NULL || slot->waits) {
        return; /* it was stopped meanwhile */
    }
    if (event->kind == MCPZ_EVENT_RUN_OUTPUT) {
        on_output(provider, slot, event->run.chunk, out);
    } else if (event->kind == MCPZ_EVENT_RUN_CREDIT) {
        on_taken(slot, event->run.credit, out);
    } else if (event->kind == MCPZ_EVENT_RUN_END && event->run.plan && !slot->may_split) {
        on_vain_plan(provider, now, slot, out);
    } else if (event->kind == MCPZ_EVENT_RUN_END || event->kind == MCPZ_EVENT_RUN_FAIL) {
        on_end(provider, now, slot, event, out);
    }
}

void mcpz_provider_order(struct mcpz_provider *provider, mcpz_time now,
                         const struct mcpz_event *event, struct mcpz_outbox *out)
{
    if (event->kind == MCPZ_EVENT_PROVIDE) {
        mcpz_gate_provide(&provider->gate, event->provide.name, event->provide.takes_hand,
                          event->provide.running_max);
    } else if (event->kind == MCPZ_EVENT_WITHDRAW) {
        mcpz_gate_withdraw(&provider->gate, event->provide.name);
    } else if (event->kind == MCPZ_EVENT_LIMITS) {
        mcpz_gate_configure(&provider->gate, event->limits, now);
    } else if (event->kind == MCPZ_EVENT_DRAIN) {
        provider->last_calls_us = now + MCPZ_MS(event->drain.announce_ms);
        mcpz_gate_drain(&provider->gate, now + MCPZ_MS(event->drain.timeout_ms));
    } else if (event->kind == MCPZ_EVENT_RESUME) {
        mcpz_gate_drain(&provider->gate, 0);
    }
    start_waiting(provider, now, out);
}

/* ---- What becomes of callers, and time ---------------------------------------------------- */

void mcpz_provider_fact(struct mcpz_provider *provider, mcpz_time now,
                        const struct mcpz_fact *fact, struct mcpz_outbox *out)
{
    const struct mcpz_call_peer *peer = mcpz_call_table_peer(&provider->table, &fact->about);

    const bool is_lost = fact->kind == MCPZ_FACT_UNLINKED || fact->kind == MCPZ_FACT_UNRELAYED;

    if (!is_lost || peer == NULL) {
        return;
    }
    for (uint32_t slot = peer->calls.first; slot != MCPZ_CALL_NONE;
         slot = mcpz_call_table_next(&provider->table, slot)) {
        mcpz_call_table_doom(&provider->table, slot, MCPZ_CALL_FATE_LOST, now);
    }
    settle_some(provider, now, out);
    start_waiting(provider, now, out);
}

void mcpz_provider_tick(struct mcpz_provider *provider, mcpz_time now, struct mcpz_outbox *out)
{
    struct mcpz_gate_refusal refusal;
    uint32_t number;

    settle_some(provider, now, out);
    while (mcpz_call_may_end(out) && mcpz_gate_expire(&provider->gate, now, &number, &refusal)) {
        turn_away(provider, now, number, &refusal, out);
    }
    while (mcpz_call_may_end(out) && mcpz_heap_due(&provider->table.deadlines, now, &number)) {
        struct mcpz_call_in *slot = &provider->slots[number];
        if (!slot->deserted) {
            refuse(&slot->caller, slot->call, MCPZ_CODE_TIMEOUT,
                   "the provider did not end the task within its time", out);
        }
        stop(provider, now, slot, MCPZ_CODE_TIMEOUT, out);
    }
    start_waiting(provider, now, out);
}

mcpz_time mcpz_provider_deadline(const struct mcpz_provider *provider)
{
    return mcpz_time_min(mcpz_call_table_deadline(&provider->table),
                         mcpz_gate_deadline(&provider->gate));
}
