/* What programs do for others. */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "desk/desk_internal.h"
#include "proto/call_msg.h"
#include "proto/code.h"

static struct mcpz_desk_run *find_run(const struct mcpz_desk *desk, uint64_t run)
{
    uint32_t slot;

    return mcpz_index_get(&desk->by_run, run, &slot) ? &desk->runs[slot] : NULL;
}

static void drop_held(struct mcpz_desk_run *run)
{
    while (run->held != NULL) {
        struct mcpz_desk_held *held = run->held;
        run->held = held->next;
        free(held);
    }
}

static void free_run(struct mcpz_desk *desk, struct mcpz_desk_run *run)
{
    bool was_there = mcpz_index_remove(&desk->by_run, run->run);
    assert(was_there);

    drop_held(run);
    run->program->run_count--;
    *run = (struct mcpz_desk_run){.next = desk->free_run};
    desk->free_run = (uint32_t)(run - desk->runs);
    desk->stats.runs--;
}

/* NULL: all slots are in use. */
static struct mcpz_desk_run *take(struct mcpz_desk *desk)
{
    struct mcpz_desk_run *run = NULL;

    if (desk->free_run != MCPZ_DESK_NONE) {
        run = &desk->runs[desk->free_run];
        desk->free_run = run->next;
    } else if (desk->fresh_run < MCPZ_DESK_CALLS_MAX) {
        run = &desk->runs[desk->fresh_run++];
    }
    return run;
}

/* ---- What the engine wants done ----------------------------------------------------------- */

static void refuse(struct mcpz_desk *desk, uint32_t run, uint32_t code)
{
    assert(desk->refusal_count < MCPZ_DESK_CALLS_MAX);
    desk->refusals[desk->refusal_count++] = (struct mcpz_desk_refusal){.run = run, .code = code};
    desk->ports.later(desk->ports.context);
}

/* Keep a message until the program may begin. False: there is no memory for it. */
static bool hold(struct mcpz_desk *desk, struct mcpz_desk_run *run, const struct mcpz_msg *msg)
{
    size_t length;

    if (mcpz_msg_encode(msg, desk->encoded, sizeof(desk->encoded), &length) != MCPZ_OK) {
        return false;
    }
    struct mcpz_desk_held *held = malloc(sizeof(*held) + length);
    if (held == NULL) {
        return false;
    }
    *held = (struct mcpz_desk_held){.length = length};
    memcpy(held->bytes, desk->encoded, length);
    if (run->held == NULL) {
        run->held = held;
    } else {
        run->held_last->next = held;
    }
    run->held_last = held;
    return true;
}

/* To the program, at once or when it may begin. */
static void pass_on(struct mcpz_desk *desk, struct mcpz_desk_run *run, const struct mcpz_msg *msg)
{
    if (!run->is_held) {
        mcpz_desk_send(desk, run->program, msg);
    } else if (!hold(desk, run, msg)) {
        refuse(desk, run->run, MCPZ_CODE_BUSY);
        free_run(desk, run);
    }
}

static void go(struct mcpz_desk *desk, struct mcpz_desk_run *run)
{
    struct mcpz_arena arena;
    struct mcpz_msg msg;

    run->is_held = false;
    for (const struct mcpz_desk_held *held = run->held; held != NULL; held = held->next) {
        mcpz_arena_init(&arena, desk->arena, sizeof(desk->arena));
        mcpz_error error =
            mcpz_msg_decode_shaped(mcpz_bytes(held->bytes, held->length), &arena, &msg);
        assert(error == MCPZ_OK); /* we have encoded it */
        (void)error;
        mcpz_desk_send(desk, run->program, &msg);
    }
    drop_held(run);
}

static void start(struct mcpz_desk *desk, const struct mcpz_action_run *action)
{
    if (mcpz_offers_edge(desk->offers, action->capability) != desk) {
        return;
    }
    struct mcpz_program *program = mcpz_desk_pick(desk, action->capability);
    struct mcpz_desk_run *run = program != NULL ? take(desk) : NULL;
    if (run == NULL) {
        refuse(desk, action->run, program == NULL ? MCPZ_CODE_NOT_OFFERED : MCPZ_CODE_BUSY);
        return;
    }
    *run = (struct mcpz_desk_run){
        .program = program,
        .run = action->run,
        .credit = MCPZ_CALL_WINDOW_BYTES,
        .next = MCPZ_DESK_NONE,
        .is_held = action->held,
    };
    mcpz_index_put(&desk->by_run, action->run, (uint32_t)(run - desk->runs));
    program->run_count++;
    desk->stats.runs++;
    desk->stats.runs_total++;
    pass_on(desk, run,
            &(struct mcpz_msg){.kind = MCPZ_MSG_OPEN,
                               .open = {
                                   .call = action->run,
                                   .capability = action->capability,
                                   .timeout_ms = action->timeout_ms,
                                   .attempt = 1,
                                   .priority = action->priority,
                                   .tenant = action->tenant,
                                   .traceparent = action->traceparent,
                                   .params = action->params,
                                   .has_input = action->has_input,
                                   .idempotency_key = action->idempotency_key,
                                   .idempotent = action->idempotent,
                                   .levels = action->levels,
                               }});
}

/* One that was refused and not told yet is as good as stopped. */
static void forget_refusal(struct mcpz_desk *desk, uint32_t run)
{
    for (size_t i = 0; i < desk->refusal_count; i++) {
        if (desk->refusals[i].run == run) {
            desk->refusals[i] = desk->refusals[--desk->refusal_count];
            return;
        }
    }
}

static void stop(struct mcpz_desk *desk, uint32_t number)
{
    struct mcpz_desk_run *run = find_run(desk, number);

    if (run == NULL) {
        forget_refusal(desk, number);
        return;
    }
    if (!run->is_held) {
        mcpz_desk_send(desk, run->program,
                       &(struct mcpz_msg){.kind = MCPZ_MSG_CANCEL, .cancel = {.call = number}});
    }
    free_run(desk, run);
}

void mcpz_desk_runs_act(struct mcpz_desk *desk, const struct mcpz_action *action)
{
    if (action->kind == MCPZ_ACTION_RUN_START) {
        start(desk, &action->run);
        return;
    }
    if (action->kind == MCPZ_ACTION_RUN_STOP) {
        stop(desk, action->run.run);
        return;
    }
    struct mcpz_desk_run *run = find_run(desk, action->run.run);
    if (run == NULL) {
        return;
    }
    if (action->kind == MCPZ_ACTION_RUN_GO) {
        go(desk, run);
        return;
    }
    struct mcpz_msg msg;
    if (action->kind == MCPZ_ACTION_RUN_INPUT) {
        run->input_credit += (uint32_t)action->run.chunk.length;
        msg = (struct mcpz_msg){
            .kind = MCPZ_MSG_DATA,
            .data = {.call = run->run, .from_caller = true, .chunk = action->run.chunk}};
    } else if (action->kind == MCPZ_ACTION_RUN_INPUT_END) {
        msg = (struct mcpz_msg){.kind = MCPZ_MSG_END,
                                .end = {.call = run->run, .from_caller = true}};
    } else {
        run->credit += action->run.credit; /* the core keeps it within a window */
        msg = (struct mcpz_msg){
            .kind = MCPZ_MSG_CREDIT,
            .credit = {.call = run->run, .from_caller = true, .bytes = action->run.credit}};
    }
    pass_on(desk, run, &msg);
}

/* ---- What a program says of what it does -------------------------------------------------- */

static mcpz_error take_output(struct mcpz_desk *desk, struct mcpz_desk_run *run,
                              struct mcpz_bytes chunk)
{
    if (chunk.length > run->credit) {
        return MCPZ_EPROTO;
    }
    run->credit -= (uint32_t)chunk.length;
    struct mcpz_event event = {.kind = MCPZ_EVENT_RUN_OUTPUT,
                               .run = {.run = run->run, .chunk = chunk}};
    mcpz_desk_say(desk, &event);
    return MCPZ_OK;
}

static mcpz_error take_credit(struct mcpz_desk *desk, struct mcpz_desk_run *run, uint32_t bytes)
{
    if (bytes > run->input_credit) {
        return MCPZ_EPROTO;
    }
    run->input_credit -= bytes;
    struct mcpz_event event = {.kind = MCPZ_EVENT_RUN_CREDIT,
                               .run = {.run = run->run, .credit = bytes}};
    mcpz_desk_say(desk, &event);
    return MCPZ_OK;
}

mcpz_error mcpz_desk_answer(struct mcpz_desk *desk, struct mcpz_program *program,
                            const struct mcpz_msg *msg)
{
    uint64_t number = 0;
    struct mcpz_desk_run *run = mcpz_msg_call(msg, &number) ? find_run(desk, number) : NULL;

    if (run == NULL || run->program != program) {
        return MCPZ_OK; /* it was stopped meanwhile */
    }
    if (msg->kind == MCPZ_MSG_DATA) {
        return take_output(desk, run, msg->data.chunk);
    }
    if (msg->kind == MCPZ_MSG_CREDIT) {
        return take_credit(desk, run, msg->credit.bytes);
    }
    struct mcpz_event event = {.kind = MCPZ_EVENT_RUN_END, .run = {.run = run->run}};
    if (msg->kind == MCPZ_MSG_END) {
        if (msg->end.chunk.length > run->credit) {
            return MCPZ_EPROTO;
        }
        event.run.chunk = msg->end.chunk;
        event.run.plan = msg->end.plan;
    }
    if (msg->kind == MCPZ_MSG_FAIL) {
        event.kind = MCPZ_EVENT_RUN_FAIL;
        event.run.code = msg->fail.code != MCPZ_CODE_OK ? msg->fail.code : MCPZ_CODE_INTERNAL;
        event.run.text = msg->fail.text;
        event.run.retry_after_ms = msg->fail.retry_after_ms;
    }
    free_run(desk, run);
    mcpz_desk_say(desk, &event);
    return MCPZ_OK;
}

/* ---- Outside the turn --------------------------------------------------------------------- */

static void tell_failed(struct mcpz_desk *desk, uint32_t run, uint32_t code, const char *text)
{
    struct mcpz_event event = {.kind = MCPZ_EVENT_RUN_FAIL,
                               .run = {.run = run, .code = code, .text = mcpz_text(text)}};
    mcpz_desk_say(desk, &event);
}

void mcpz_desk_runs_work(struct mcpz_desk *desk)
{
    /* What is told may bring new starts: those are for the next time. */
    for (size_t i = desk->refusal_count; i > 0 && desk->refusal_count > 0; i--) {
        const struct mcpz_desk_refusal refusal = desk->refusals[--desk->refusal_count];
        tell_failed(desk, refusal.run, refusal.code,
                    refusal.code == MCPZ_CODE_BUSY ? "too much is under way at this node"
                                                   : "the program that offered it has gone");
    }
}

void mcpz_desk_runs_leave(struct mcpz_desk *desk, struct mcpz_program *program)
{
    for (size_t i = 0; i < MCPZ_DESK_CALLS_MAX && program->run_count > 0; i++) {
        struct mcpz_desk_run *run = &desk->runs[i];
        if (run->program == program) {
            uint32_t number = run->run;
            free_run(desk, run);
            tell_failed(desk, number, MCPZ_CODE_PROVIDER_LOST,
                        "the program that did it has gone before it answered");
        }
    }
}
