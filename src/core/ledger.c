#include "core/ledger.h"

#include <assert.h>
#include <string.h>

#include "base/clear.h"
#include "proto/code.h"

#define WALK_US MCPZ_SECONDS(10) /* between two slices of the search for old rows */
#define SLICE 64

/* ---- On disk ------------------------------------------------------------------------------ */

static struct mcpz_record record_of(const struct mcpz_ledger_row *row)
{
    return (struct mcpz_record){
        .kind = MCPZ_RECORD_RUN,
        .run = {.tenant = mcpz_text(row->tenant),
                .capability = mcpz_text(row->capability),
                .key = mcpz_text(row->key)},
    };
}

/* What is kept of it. False: nothing. */
static bool read_run(struct mcpz_ledger *ledger, const struct mcpz_ledger_row *row,
                     struct mcpz_record *record)
{
    *record = record_of(row);
    return ledger->store->get(ledger->store->context, record) == MCPZ_OK;
}

static void forget_run(struct mcpz_ledger *ledger, const struct mcpz_ledger_row *row)
{
    struct mcpz_record record;

    if (read_run(ledger, row, &record)) {
        ledger->store->remove(ledger->store->context, &record);
    }
}

/* ---- Rows --------------------------------------------------------------------------------- */

static struct mcpz_ledger_row *find_edge(struct mcpz_ledger *ledger, uint32_t edge)
{
    for (size_t i = 0; i < MCPZ_LEDGER_RUNS_MAX && ledger->count > 0 && edge != 0; i++) {
        if (ledger->rows[i].edge == edge) {
            return &ledger->rows[i];
        }
    }
    return NULL;
}

static struct mcpz_ledger_row *find_call(struct mcpz_ledger *ledger, uint32_t call)
{
    for (size_t i = 0; i < MCPZ_LEDGER_RUNS_MAX && ledger->count > 0 && call != 0; i++) {
        if (ledger->rows[i].edge != 0 && ledger->rows[i].call == call) {
            return &ledger->rows[i];
        }
    }
    return NULL;
}

static bool is_text(struct mcpz_bytes bytes, const char *text)
{
    return mcpz_bytes_equal(bytes, mcpz_text(text));
}

static struct mcpz_ledger_row *find_key(struct mcpz_ledger *ledger,
                                        const struct mcpz_action_run *run)
{
    for (size_t i = 0; i < MCPZ_LEDGER_RUNS_MAX && ledger->count > 0; i++) {
        struct mcpz_ledger_row *row = &ledger->rows[i];
        if (row->edge != 0 && is_text(run->idempotency_key, row->key) &&
            is_text(run->tenant, row->tenant) && is_text(run->capability, row->capability)) {
            return row;
        }
    }
    return NULL;
}

static void free_row(struct mcpz_ledger *ledger, struct mcpz_ledger_row *row)
{
    row->edge = 0;
    ledger->count--;
}

static struct mcpz_action *append_call(struct mcpz_outbox *out, enum mcpz_event_kind kind,
                                       uint32_t run)
{
    struct mcpz_action *action = mcpz_outbox_append(out, MCPZ_ACTION_CALL);

    action->durable = true;
    action->call.kind = kind;
    action->call.run.run = run;
    return action;
}

static void fail_run(struct mcpz_outbox *out, uint32_t run, uint32_t code, const char *text)
{
    struct mcpz_action *action = append_call(out, MCPZ_EVENT_RUN_FAIL, run);

    action->call.run.code = code;
    action->call.run.text = mcpz_text(text);
    action->call.run.retry_after_ms = code == MCPZ_CODE_BUSY ? MCPZ_RETRY_AFTER_MS : 0;
}

/* ---- What the edge says ------------------------------------------------------------------- */

/* Too large, or not to be kept: it is no good to anybody. */
static void give_up(struct mcpz_ledger *ledger, struct mcpz_ledger_row *row, uint32_t code,
                    const char *text, struct mcpz_outbox *out)
{
    mcpz_outbox_append(out, MCPZ_ACTION_RUN_STOP)->run.run = row->edge;
    if (row->call != 0) {
        fail_run(out, row->call, code, text);
    }
    forget_run(ledger, row);
    free_row(ledger, row);
}

/* False: it has been given up. */
static bool keep_output(struct mcpz_ledger *ledger, struct mcpz_ledger_row *row,
                        struct mcpz_bytes chunk, struct mcpz_outbox *out)
{
    uint8_t whole[MCPZ_TASK_RESULT_BYTES_MAX];
    struct mcpz_record record;
    size_t length = 0;

    if (row->has_output && read_run(ledger, row, &record)) {
        length = record.run.result.length;
        memcpy(whole, record.run.result.data, length);
    }
    if (chunk.length > sizeof(whole) - length) {
        give_up(ledger, row, MCPZ_CODE_TOO_LARGE,
                "a durable task's result may have 32 KiB at most", out);
        return false;
    }
    memcpy(whole + length, chunk.data, chunk.length);
    record = record_of(row);
    record.run.result = mcpz_bytes(whole, length + chunk.length);
    ledger->store->put(ledger->store->context, &record);
    row->has_output = true;
    return true;
}

static void keep_done(struct mcpz_ledger *ledger, struct mcpz_ledger_row *row, uint64_t wall_ms,
                      bool plan)
{
    struct mcpz_record record;

    if (!row->has_output || !read_run(ledger, row, &record)) {
        record = record_of(row);
    }
    record.run.done = true;
    record.run.plan = plan;
    record.run.ended_ms = wall_ms;
    ledger->store->put(ledger->store->context, &record);
    ledger->kept++;
    free_row(ledger, row);
}

static void walk(struct mcpz_ledger *ledger, mcpz_time now, uint64_t wall_ms)
{
    uint64_t kept_ms = ledger->timing->task_retention_us / 1000;
    const struct mcpz_store *store = ledger->store;

    ledger->walk_at_us = now + WALK_US;
    for (size_t i = 0; i < SLICE; i++) {
        struct mcpz_record record = {
            .kind = MCPZ_RECORD_RUN,
            .run = {.tenant = mcpz_text(ledger->walk_tenant),
                    .capability = mcpz_text(ledger->walk_capability),
                    .key = mcpz_text(ledger->walk_key)},
        };
        if (store->next(store->context, MCPZ_SCAN_KIND, false, &record) != MCPZ_OK) {
            ledger->walk_tenant[0] = '\0';
            ledger->walk_capability[0] = '\0';
            ledger->walk_key[0] = '\0';
            return;
        }
        mcpz_bytes_to_text(record.run.tenant, ledger->walk_tenant, sizeof(ledger->walk_tenant));
        mcpz_bytes_to_text(record.run.capability, ledger->walk_capability,
                           sizeof(ledger->walk_capability));
        mcpz_bytes_to_text(record.run.key, ledger->walk_key, sizeof(ledger->walk_key));
        if (record.run.done && record.run.ended_ms + kept_ms <= wall_ms) {
            store->remove(store->context, &record);
        }
    }
    ledger->walk_at_us = now + WALK_US / 100;
}

static void on_tick(struct mcpz_ledger *ledger, mcpz_time now, uint64_t wall_ms,
                    struct mcpz_outbox *out)
{
    for (size_t i = 0; i < MCPZ_LEDGER_RUNS_MAX && ledger->count > 0; i++) {
        struct mcpz_ledger_row *row = &ledger->rows[i];
        if (row->edge != 0 && row->call == 0 && row->until_us <= now) {
            give_up(ledger, row, MCPZ_CODE_TIMEOUT, "", out); /* an orphan */
        }
    }
    if (ledger->walk_at_us <= now) {
        walk(ledger, now, wall_ms);
    }
}

bool mcpz_ledger_hear(struct mcpz_ledger *ledger, mcpz_time now, const struct mcpz_event *event,
                      struct mcpz_event *seen, struct mcpz_outbox *out)
{
    *seen = *event;
    if (event->kind == MCPZ_EVENT_TICK) {
        on_tick(ledger, now, event->wall_ms, out);
        return false;
    }
    if (event->kind < MCPZ_EVENT_RUN_CREDIT || event->kind > MCPZ_EVENT_RUN_FAIL) {
        return false;
    }
    struct mcpz_ledger_row *row = find_edge(ledger, event->run.run);
    if (row == NULL) {
        return false;
    }
    seen->run.run = row->call; /* 0 names no run: nobody hears of it */
    if (event->kind == MCPZ_EVENT_RUN_OUTPUT) {
        if (!keep_output(ledger, row, event->run.chunk, out)) {
            seen->run.run = 0;
        }
    } else if (event->kind == MCPZ_EVENT_RUN_END) {
        if (event->run.chunk.length > 0 && !keep_output(ledger, row, event->run.chunk, out)) {
            seen->run.run = 0;
            return false;
        }
        keep_done(ledger, row, event->wall_ms, event->run.plan);
        return true;
    } else if (event->kind == MCPZ_EVENT_RUN_FAIL) {
        forget_run(ledger, row);
        free_row(ledger, row);
    }
    return false;
}

/* ---- What the calls want of the edge ------------------------------------------------------ */

static void answer_done(struct mcpz_ledger *ledger, uint32_t run, const struct mcpz_record *record,
                        struct mcpz_outbox *out)
{
    struct mcpz_action *action = append_call(out, MCPZ_EVENT_RUN_END, run);

    action->call.run.chunk = record->run.result;
    action->call.run.plan = record->run.plan;
    ledger->repeated++;
}

/* Somebody asks for what is under way here. */
static void join_run(struct mcpz_ledger *ledger, struct mcpz_ledger_row *row, uint32_t run,
                     struct mcpz_outbox *out)
{
    struct mcpz_record record;

    if (row->call != 0) {
        fail_run(out, run, MCPZ_CODE_BUSY, "it is being done here for somebody else: ask again");
        return;
    }
    row->call = run;
    ledger->adopted++;
    if (row->has_output && read_run(ledger, row, &record) && record.run.result.length > 0) {
        append_call(out, MCPZ_EVENT_RUN_OUTPUT, run)->call.run.chunk = record.run.result;
    }
}

static void take_row(struct mcpz_ledger *ledger, mcpz_time now, const struct mcpz_action_run *run)
{
    for (size_t i = 0; i < MCPZ_LEDGER_RUNS_MAX; i++) {
        struct mcpz_ledger_row *row = &ledger->rows[i];
        if (row->edge != 0) {
            continue;
        }
        ledger->count++;
        row->edge = run->run;
        row->call = run->run;
        row->held = run->held;
        row->input_open = run->has_input;
        row->has_output = false;
        row->until_us = now + MCPZ_MS(run->timeout_ms);
        mcpz_bytes_to_text(run->tenant, row->tenant, sizeof(row->tenant));
        mcpz_bytes_to_text(run->capability, row->capability, sizeof(row->capability));
        mcpz_bytes_to_text(run->idempotency_key, row->key, sizeof(row->key));
        return;
    }
}

static void on_start(struct mcpz_ledger *ledger, mcpz_time now, struct mcpz_outbox *out,
                     size_t index)
{
    const struct mcpz_action_run run = out->actions[index].run;
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_RUN,
        .run = {.tenant = run.tenant, .capability = run.capability, .key = run.idempotency_key},
    };

    if (!run.durable || run.idempotency_key.length == 0) {
        return;
    }
    struct mcpz_ledger_row *row = find_key(ledger, &run);
    mcpz_error error = ledger->store->get(ledger->store->context, &record);
    if (row != NULL) {
        out->actions[index].kind = MCPZ_ACTION_NONE;
        join_run(ledger, row, run.run, out);
    } else if (error == MCPZ_OK && record.run.done) {
        out->actions[index].kind = MCPZ_ACTION_NONE;
        answer_done(ledger, run.run, &record, out);
    } else if (ledger->count == MCPZ_LEDGER_RUNS_MAX ||
               (error != MCPZ_OK && error != MCPZ_ENOTFOUND)) {
        out->actions[index].kind = MCPZ_ACTION_NONE;
        fail_run(out, run.run, MCPZ_CODE_BUSY, "too many runs are kept, or the store failed");
    } else {
        take_row(ledger, now, &run);
    }
}

void mcpz_ledger_pass(struct mcpz_ledger *ledger, mcpz_time now, struct mcpz_outbox *out,
                      size_t index)
{
    struct mcpz_action *action = &out->actions[index];

    if (action->kind == MCPZ_ACTION_RUN_START) {
        on_start(ledger, now, out, index);
        return;
    }
    if (action->kind < MCPZ_ACTION_RUN_INPUT || action->kind > MCPZ_ACTION_RUN_GO) {
        return;
    }
    struct mcpz_ledger_row *row = find_call(ledger, action->run.run);
    if (row == NULL) {
        return;
    }
    bool is_adopted = row->edge != row->call;
    action->run.run = row->edge;
    if (action->kind == MCPZ_ACTION_RUN_STOP) {
        bool caller_is_gone = action->run.code == MCPZ_CODE_PROVIDER_LOST;
        if (caller_is_gone && !row->input_open && !row->held) {
            action->kind = MCPZ_ACTION_NONE; /* it goes on: somebody will ask for it */
            row->call = 0;
        } else {
            forget_run(ledger, row);
            free_row(ledger, row);
        }
    } else if (is_adopted && action->kind != MCPZ_ACTION_RUN_PULL) {
        action->kind = MCPZ_ACTION_NONE; /* it has begun, and has had its input */
    } else if (action->kind == MCPZ_ACTION_RUN_INPUT_END) {
        row->input_open = false;
    } else if (action->kind == MCPZ_ACTION_RUN_GO) {
        row->held = false;
    }
}

/* ---- The machine -------------------------------------------------------------------------- */

void mcpz_ledger_init(struct mcpz_ledger *ledger, const struct mcpz_store *store,
                      const struct mcpz_node_timing *timing)
{
    mcpz_clear(ledger, sizeof(*ledger));
    ledger->store = store;
    ledger->timing = timing;
}

mcpz_time mcpz_ledger_deadline(const struct mcpz_ledger *ledger)
{
    mcpz_time deadline = ledger->walk_at_us;

    for (size_t i = 0; i < MCPZ_LEDGER_RUNS_MAX && ledger->count > 0; i++) {
        const struct mcpz_ledger_row *row = &ledger->rows[i];
        if (row->edge != 0 && row->call == 0) {
            deadline = mcpz_time_min(deadline, row->until_us);
        }
    }
    return deadline;
}
