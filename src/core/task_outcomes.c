/* What follows from how an attempt ended. */

#include "core/task_slots.h"
#include "core/task_split.h"
#include "proto/code.h"

#define BACKOFF_MS_MAX 300000

/* What to do about how an attempt ended. */
enum verdict {
    VERDICT_DONE,
    VERDICT_NOT_RUN, /* nobody has tried it */
    VERDICT_AGAIN,
    VERDICT_NEVER,   /* no other try would end otherwise */
    VERDICT_UNKNOWN, /* with a key: who was asked may have done it */
};

static bool is_not_run(uint32_t code)
{
    switch (code) {
    case MCPZ_CODE_NO_PROVIDER:
    case MCPZ_CODE_BUSY:
    case MCPZ_CODE_LIMIT:
    case MCPZ_CODE_NOT_OFFERED:
    case MCPZ_CODE_RATE_LIMITED:
    case MCPZ_CODE_OVERLOADED:
    case MCPZ_CODE_NO_TIME:
    case MCPZ_CODE_DRAINING:
    case MCPZ_CODE_UNAVAILABLE:
        return true;
    default:
        return false;
    }
}

static bool is_unknown(uint32_t code)
{
    return code == MCPZ_CODE_PROVIDER_LOST || code == MCPZ_CODE_TIMEOUT ||
           code == MCPZ_CODE_CANCELLED;
}

static enum verdict judge(const struct mcpz_task_slot *slot, const struct mcpz_task_body *body,
                          uint32_t code)
{
    if (code == MCPZ_CODE_OK) {
        return VERDICT_DONE;
    }
    if (slot->keyed && (is_unknown(code) || (is_not_run(code) && !slot->fresh))) {
        return VERDICT_UNKNOWN;
    }
    if (is_not_run(code)) {
        return VERDICT_NOT_RUN;
    }
    if (code == MCPZ_CODE_PROVIDER_FAILED || code == MCPZ_CODE_PROVIDER_CRASHED) {
        return body->retry_failed ? VERDICT_AGAIN : VERDICT_NEVER;
    }
    return is_unknown(code) || mcpz_code_is_retryable(code) ? VERDICT_AGAIN : VERDICT_NEVER;
}

/* Between nothing and base * 2^(n-1), within bounds: "full jitter".
 * Source: Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015. */
static uint64_t draw_backoff_ms(struct mcpz_tasks *tasks, const struct mcpz_task_body *body,
                                uint32_t attempts)
{
    uint64_t most_ms = body->backoff_ms;

    for (uint32_t i = 1; i < attempts && most_ms < BACKOFF_MS_MAX; i++) {
        most_ms *= 2;
    }
    most_ms = most_ms < BACKOFF_MS_MAX ? most_ms : BACKOFF_MS_MAX;
    return 1 + mcpz_rng_below(&tasks->rng, (uint32_t)most_ms);
}

/* As much of a text as a history keeps, not cut within a character. */
static struct mcpz_bytes cut_text(struct mcpz_bytes text)
{
    size_t length = text.length;

    if (length > MCPZ_TASK_TEXT_BYTES_MAX) {
        length = MCPZ_TASK_TEXT_BYTES_MAX;
        while (length > 0 && (text.data[length] & 0xc0) == 0x80) {
            length--;
        }
    }
    return mcpz_bytes(text.data, length);
}

static void note_attempt(struct mcpz_task_step *step, struct mcpz_task_now *task,
                         const struct mcpz_action_task *end)
{
    struct mcpz_task_state *state = &task->is;
    struct mcpz_task_attempt *history =
        mcpz_arena_take(&step->out->arena, MCPZ_TASK_HISTORY_MAX, sizeof(*history));
    size_t dropped = state->history_count == MCPZ_TASK_HISTORY_MAX ? 1 : 0;

    if (history == NULL) {
        return;
    }
    for (size_t i = dropped; i < state->history_count; i++) {
        history[i - dropped] = state->history[i];
    }
    state->history_count -= dropped;
    history[state->history_count++] = (struct mcpz_task_attempt){
        .number = state->attempts,
        .provider = end->provider,
        .code = end->code,
        .text = cut_text(end->text),
        .at_ms = step->wall_ms,
    };
    state->history = history;
}

/* It failed and counts: another time, or never again. */
static void fail_attempt(struct mcpz_task_step *step, struct mcpz_task_now *task,
                         const struct mcpz_action_task *end, bool again)
{
    note_attempt(step, task, end);
    task->is.provider = (struct mcpz_id){.bytes = {0}};
    task->is.held_ms = 0;
    if (!again || task->is.attempts >= task->body.attempts_max) {
        mcpz_task_end(step, task, MCPZ_TASK_DEAD, end->code, cut_text(end->text));
        return;
    }
    uint64_t wait_ms = draw_backoff_ms(step->tasks, &task->body, task->is.attempts);
    wait_ms = wait_ms > end->retry_after_ms ? wait_ms : end->retry_after_ms;
    task->is.due_ms = step->wall_ms + wait_ms;
    step->tasks->counts.retried++;
    mcpz_task_save(step, task);
    mcpz_task_send_moved(step, task);
}

/* With a key: ask the same one again until it can say, or was silent for too long. */
static void hold(struct mcpz_task_step *step, struct mcpz_task_now *task,
                 const struct mcpz_action_task *end)
{
    uint64_t hold_ms = step->tasks->timing->task_hold_us / 1000;
    const bool has_left = mcpz_task_has_left(step, &task->is.provider);

    if (task->is.held_ms == 0 || task->is.held_ms > step->wall_ms) {
        task->is.held_ms = step->wall_ms;
    }
    if (has_left || step->wall_ms - task->is.held_ms >= hold_ms) {
        fail_attempt(step, task, end, true);
        return;
    }
    task->is.due_ms = step->wall_ms + MCPZ_TASK_ASK_AGAIN_MS +
                      mcpz_rng_below(&step->tasks->rng, MCPZ_TASK_ASK_AGAIN_MS);
    mcpz_task_save(step, task);
}

/* Nobody has tried it: the queue waits, which is the same for all that stand in it. */
static void wait_in_queue(struct mcpz_task_step *step, const struct mcpz_task_slot *was,
                          struct mcpz_task_now *task, const struct mcpz_action_task *end)
{
    mcpz_time wait_us = MCPZ_MS(end->retry_after_ms);
    uint32_t spread = mcpz_rng_below(&step->tasks->rng, (uint32_t)MCPZ_TASK_BLOCKED_US / 2);

    mcpz_task_block(step, was->group,
                    wait_us > 0 ? wait_us + spread : MCPZ_TASK_BLOCKED_US / 2 + spread);
    if (was->keyed) {
        task->is.provider = (struct mcpz_id){.bytes = {0}};
        task->is.attempts -= task->is.attempts > 0;
        task->is.held_ms = 0;
        mcpz_task_save(step, task);
    }
}

/* It is to be split. What cannot be split now could not be either if it were tried again. */
static void finish_plan(struct mcpz_task_step *step, const struct mcpz_task_slot *was,
                        struct mcpz_task_now *task, const struct mcpz_action_task *end)
{
    struct mcpz_action_task failure = *end;

    task->is.provider = end->provider;
    if (mcpz_task_split(step, task, &failure.code, &failure.text)) {
        return;
    }
    mcpz_task_book_drop_result(&step->tasks->book, &task->id);
    task->is.attempts += was->keyed ? 0 : 1;
    fail_attempt(step, task, &failure, false);
}

void mcpz_task_finish(struct mcpz_task_step *step, struct mcpz_task_slot *slot,
                      const struct mcpz_action_task *end)
{
    const struct mcpz_task_slot was = *slot;
    struct mcpz_task_now task;

    mcpz_task_slot_free(step->tasks, slot);
    if (!mcpz_task_load(step, &was.id, &task) || !mcpz_task_is_ours(step, &task.is) ||
        task.is.phase != MCPZ_TASK_QUEUED) {
        return;
    }
    if (end->code == MCPZ_CODE_OK && end->plan) {
        finish_plan(step, &was, &task, end);
        return;
    }
    enum verdict verdict = judge(&was, &task.body, end->code);
    if (verdict == VERDICT_NOT_RUN) {
        wait_in_queue(step, &was, &task, end);
        return;
    }
    if (verdict != VERDICT_DONE && was.has_output) {
        mcpz_task_book_drop_result(&step->tasks->book, &task.id);
    }
    if (verdict == VERDICT_DONE) {
        task.is.provider = end->provider;
        mcpz_task_end(step, &task, MCPZ_TASK_DONE, MCPZ_CODE_OK, mcpz_text(""));
    } else if (verdict == VERDICT_UNKNOWN) {
        hold(step, &task, end);
    } else {
        task.is.attempts += was.keyed ? 0 : 1;
        fail_attempt(step, &task, end, verdict == VERDICT_AGAIN);
    }
}

void mcpz_task_finish_for(struct mcpz_task_step *step, struct mcpz_task_slot *slot, uint32_t code,
                          const char *text)
{
    struct mcpz_action_task end = {.request = slot->request, .code = code};
    struct mcpz_task_now task;

    end.text = mcpz_text(text);
    if (mcpz_task_load(step, &slot->id, &task)) {
        end.provider = task.is.provider;
    }
    mcpz_task_slot_cancel(step, slot);
    mcpz_task_finish(step, slot, &end);
}
