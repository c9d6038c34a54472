/* Trying tasks: whose turn it is, the calls made for them, what has come of those. */

#include <assert.h>

#include "base/hash.h"
#include "core/task_plan.h"
#include "core/task_step.h"
#include "proto/code.h"
#include "proto/limits.h"

#define DISPATCHED_MAX 32 /* in one step */
#define ACTIONS_MAX (MCPZ_OUTBOX_MAX / 2)
#define BLOCKED_US MCPZ_SECONDS(1) /* until a queue that nobody can do is looked at again */
#define RECORD_US MCPZ_SECONDS(5)  /* how long a backup may take to have it on disk */
#define CONFIRM_US MCPZ_SECONDS(2) /* the same, where nothing hangs on it */
#define ASK_AGAIN_MS 500           /* between two questions to who may have done it */
#define BACKOFF_MS_MAX 300000
#define RENEW_US MCPZ_SECONDS(5)
#define RENEWED_MAX 256 /* in one step */
#define FED_MAX 2       /* chunks of inputs that come out of results, in one step */
#define FEED_CREDIT_MAX (1U << 30)

static_assert(RENEW_US <= MCPZ_SECONDS(MCPZ_TASK_LEASE_SECONDS_MIN) / 2,
              "a lost renewal does no harm");

/* ---- Slots -------------------------------------------------------------------------------- */

const struct mcpz_task_slot *mcpz_tasks_running(const struct mcpz_tasks *tasks,
                                                const struct mcpz_task_id *id)
{
    for (size_t i = 0; i < MCPZ_TASKS_RUNNING_MAX && tasks->running > 0; i++) {
        const struct mcpz_task_slot *slot = &tasks->slots[i];
        if (slot->phase != MCPZ_TASK_SLOT_FREE && mcpz_task_id_equal(&slot->id, id)) {
            return slot;
        }
    }
    return NULL;
}

static struct mcpz_task_slot *find_slot(struct mcpz_tasks *tasks, const struct mcpz_task_id *id)
{
    const struct mcpz_task_slot *slot = mcpz_tasks_running(tasks, id);

    return slot != NULL ? &tasks->slots[slot - tasks->slots] : NULL;
}

static struct mcpz_task_slot *find_request(struct mcpz_tasks *tasks, uint64_t request)
{
    for (size_t i = 0; i < MCPZ_TASKS_RUNNING_MAX; i++) {
        struct mcpz_task_slot *slot = &tasks->slots[i];
        if (slot->phase == MCPZ_TASK_SLOT_CALLING && slot->request == request) {
            return slot;
        }
    }
    return NULL;
}

static struct mcpz_task_slot *take_slot(struct mcpz_tasks *tasks,
                                        const struct mcpz_task_queue *queue,
                                        const struct mcpz_task_now *task)
{
    for (size_t i = 0; i < MCPZ_TASKS_RUNNING_MAX; i++) {
        struct mcpz_task_slot *slot = &tasks->slots[i];
        if (slot->phase == MCPZ_TASK_SLOT_FREE) {
            *slot = (struct mcpz_task_slot){
                .phase = MCPZ_TASK_SLOT_RECORDING,
                .id = task->id,
                .group = queue->group,
                .place = {MCPZ_PRIORITY_MAX - task->body.priority, task->id},
                .keyed = task->body.key.length > 0,
            };
            return slot;
        }
    }
    return NULL;
}

/* It is under way no more. Its row, if it is still in the queue, can be begun again. */
static void free_slot(struct mcpz_tasks *tasks, struct mcpz_task_slot *slot)
{
    struct mcpz_task_queue *queue = mcpz_task_queues_find(&tasks->queues, slot->group);

    if (queue != NULL) {
        queue->running -= queue->running > 0;
        mcpz_task_queue_put_back(queue, &slot->place);
    }
    tasks->running--;
    tasks->feeding -= slot->credit > 0;
    *slot = (struct mcpz_task_slot){.phase = MCPZ_TASK_SLOT_FREE};
}

static void block(struct mcpz_task_step *step, uint64_t group, mcpz_time for_us)
{
    struct mcpz_task_queue *queue = mcpz_task_queues_find(&step->tasks->queues, group);

    if (queue != NULL) {
        queue->blocked_until_us = step->now + for_us;
    }
}

/* ---- Calls -------------------------------------------------------------------------------- */

static struct mcpz_action *append_call(struct mcpz_task_step *step, enum mcpz_event_kind kind,
                                       const struct mcpz_task_slot *slot)
{
    struct mcpz_action *action = mcpz_outbox_append(step->out, MCPZ_ACTION_CALL);

    action->durable = slot->keyed; /* nothing goes before the START, which waits for the disk */
    action->call.kind = kind;
    action->call.task.request = slot->request;
    return action;
}

static void cancel_call(struct mcpz_task_step *step, const struct mcpz_task_slot *slot)
{
    if (slot->phase == MCPZ_TASK_SLOT_CALLING) {
        (void)append_call(step, MCPZ_EVENT_TASK_CANCEL, slot);
    }
}

/* How much more of its input the provider takes; some of it may be waiting to be sent. */
static void set_credit(struct mcpz_tasks *tasks, struct mcpz_task_slot *slot, uint32_t credit)
{
    tasks->feeding -= slot->credit > 0;
    tasks->feeding += credit > 0;
    slot->credit = credit;
}

/* Begin with what is fed to it; what was sent of it before was in vain. */
static void begin_feeding(struct mcpz_task_step *step, struct mcpz_task_slot *slot,
                          const struct mcpz_task_body *body)
{
    struct mcpz_task_book *book = &step->tasks->book;
    struct mcpz_task_id before = body->kin[0].parent;
    struct mcpz_task_plan plan;

    slot->feeds = true;
    if (body->kin[0].feed == MCPZ_TASK_FEED_ALL) {
        mcpz_gather_parts(&slot->gather, step->planner, &body->kin[0].parent);
        return;
    }
    if (mcpz_task_book_plan(book, &body->kin[0].parent, &plan) == MCPZ_OK &&
        body->kin[0].part > 0) {
        before = mcpz_task_part_id(&body->kin[0].parent, plan.salt, body->kin[0].part - 1);
    }
    mcpz_gather_result(&slot->gather, step->planner, book, &before);
}

/* Say START, or say it again. With a key nobody hears of it before it is on disk whom we asked. */
static void start_call(struct mcpz_task_step *step, struct mcpz_task_slot *slot,
                       const struct mcpz_task_now *task)
{
    struct mcpz_action *action = append_call(step, MCPZ_EVENT_TASK_START, slot);

    action->call.task = (struct mcpz_event_task){
        .request = slot->request,
        .capability = task->body.capability,
        .params = task->body.params,
        .has_input =
            task->body.input.length > 0 || mcpz_task_feed_of(&task->body) != MCPZ_TASK_FEED_NONE,
        .timeout_ms = task->body.timeout_ms,
        .priority = task->body.priority,
        .tenant = task->body.tenant,
        .traceparent = task->body.traceparent,
        .idempotency_key = task->body.key,
        .durable = slot->keyed,
        .levels = MCPZ_SUBTASK_LEVELS_MAX - mcpz_task_level(&task->body),
        .only = slot->keyed ? task->is.provider : (struct mcpz_id){.bytes = {0}},
    };
    slot->until_us = step->now + step->tasks->timing->task_lease_us;
    set_credit(step->tasks, slot, 0);
    if (mcpz_task_feed_of(&task->body) != MCPZ_TASK_FEED_NONE) {
        begin_feeding(step, slot, &task->body);
    }
}

static void open_slot(struct mcpz_task_step *step, struct mcpz_task_slot *slot,
                      const struct mcpz_task_now *task)
{
    slot->phase = MCPZ_TASK_SLOT_CALLING;
    slot->request = MCPZ_TASKS_REQUESTS | ++step->tasks->next_request;
    slot->has_output = mcpz_task_book_result(&step->tasks->book, &task->id).length > 0;
    if (slot->has_output) {
        mcpz_task_book_drop_result(&step->tasks->book, &task->id);
        slot->has_output = false;
    }
    step->tasks->counts.attempts++;
    start_call(step, slot, task);
}

void mcpz_task_stop(struct mcpz_task_step *step, const struct mcpz_task_id *id)
{
    struct mcpz_task_slot *slot = find_slot(step->tasks, id);

    if (slot != NULL) {
        cancel_call(step, slot);
        free_slot(step->tasks, slot);
    }
}

/* ---- Whom to ask, where that is decided here ---------------------------------------------- */

static bool can_be_asked(const struct mcpz_task_step *step, const struct mcpz_id *id)
{
    const struct mcpz_member *member = mcpz_members_find(&step->fabric->members, id);

    if (mcpz_id_equal(id, &step->tasks->self) ||
        mcpz_links_find(&step->fabric->links, id) != NULL) {
        return true;
    }
    /* Who has no address is reached through whom we are linked to: core/relay.h. */
    return member != NULL && member->state == MCPZ_MEMBER_ALIVE &&
           (step->fabric->links.count > 0 ||
            mcpz_roster_address(&step->fabric->members.roster, member).length > 0);
}

/* By lot; another than last time if there is one. */
static bool choose_provider(const struct mcpz_task_step *step, const struct mcpz_task_now *task,
                            struct mcpz_id *provider)
{
    const struct mcpz_registry *registry = step->registry;
    const struct mcpz_task_state *state = &task->is;
    const struct mcpz_id *last =
        state->history_count > 0 ? &state->history[state->history_count - 1].provider : NULL;
    uint64_t seed = mcpz_rng_next(&step->tasks->rng);
    uint64_t best = 0;
    bool found = false;

    for (const struct mcpz_offer *offer = mcpz_registry_find(registry, task->body.capability, 0);
         offer != NULL; offer = mcpz_registry_find(registry, task->body.capability,
                                                   (size_t)(offer - registry->offers) + 1)) {
        const struct mcpz_id *id = &registry->offerers[offer->offerer].id;
        uint64_t weight = mcpz_hash_bytes(mcpz_bytes(id->bytes, MCPZ_ID_BYTES), seed) >> 1;
        if (!can_be_asked(step, id)) {
            continue;
        }
        weight |= last == NULL || !mcpz_id_equal(id, last) ? UINT64_C(1) << 63 : 0;
        if (!found || weight > best) {
            found = true;
            best = weight;
            *provider = *id;
        }
    }
    return found;
}

/* ---- Whose turn it is --------------------------------------------------------------------- */

/* Is it waiting for its client to be answered? Ids sort by age: most are older than all that are.
 */
static bool is_accepting(struct mcpz_tasks *tasks, const struct mcpz_task_id *id)
{
    struct mcpz_accepting *accepting = &tasks->accepting;

    if (accepting->count == 0 ||
        memcmp(id->bytes, accepting->rows[accepting->first].id.bytes, MCPZ_TASK_ID_BYTES) < 0) {
        return false;
    }
    return mcpz_accepting_find(accepting, id) != NULL;
}

/* Find the first of the queue that can be begun. */
static bool find_head(struct mcpz_task_step *step, struct mcpz_task_queue *queue)
{
    struct mcpz_record_task_listed row = {
        .list = MCPZ_TASK_LIST_READY,
        .group = queue->group,
        .order = queue->cursor.order,
        .id = queue->cursor.id,
    };
    bool inclusive = queue->inclusive;

    while (!queue->has_head) {
        if (mcpz_task_book_next(&step->tasks->book, false, inclusive, &row) != MCPZ_OK) {
            queue->spent = true;
            return false;
        }
        struct mcpz_task_cursor place = {.order = row.order, .id = row.id};
        inclusive = false;
        mcpz_task_queue_pass(queue, &place);
        if (mcpz_tasks_running(step->tasks, &row.id) == NULL &&
            !is_accepting(step->tasks, &row.id)) {
            queue->head = place;
            queue->has_head = true;
        }
    }
    return true;
}

/* The queue whose first is the most urgent; of equals, the oldest. */
static struct mcpz_task_queue *next_queue(struct mcpz_task_step *step)
{
    struct mcpz_task_queues *queues = &step->tasks->queues;
    struct mcpz_task_queue *best = NULL;

    for (size_t i = 0; i < queues->count; i++) {
        struct mcpz_task_queue *queue = &queues->rows[i];
        if (mcpz_task_queue_may_run(queue, step->now) && find_head(step, queue) &&
            (best == NULL || mcpz_task_cursor_compare(&queue->head, &best->head) < 0)) {
            best = queue;
        }
    }
    return best;
}

/* ---- Beginning ---------------------------------------------------------------------------- */

static bool is_too_late(const struct mcpz_task_step *step, const struct mcpz_task_now *task)
{
    return task->body.expires_ms != 0 && task->body.expires_ms <= step->wall_ms;
}

/* Wait for the backup to have what it is told now. */
static void await_backup(struct mcpz_task_step *step, struct mcpz_task_slot *slot,
                         const struct mcpz_task_now *task, bool all)
{
    slot->phase = MCPZ_TASK_SLOT_RECORDING;
    slot->revision = task->is.revision;
    slot->until_us = step->now + (slot->keyed ? RECORD_US : CONFIRM_US);
    if (all) {
        mcpz_task_send_keep(step, task);
    } else {
        mcpz_task_send_moved(step, task);
    }
}

void mcpz_task_say_again(struct mcpz_task_step *step, const struct mcpz_id *backup)
{
    struct mcpz_task_now task;

    for (size_t i = 0; i < MCPZ_TASKS_RUNNING_MAX && step->tasks->running > 0; i++) {
        struct mcpz_task_slot *slot = &step->tasks->slots[i];
        if (slot->phase == MCPZ_TASK_SLOT_RECORDING && mcpz_task_load(step, &slot->id, &task) &&
            mcpz_id_equal(&task.is.backup, backup)) {
            await_backup(step, slot, &task, false);
        }
    }
}

/* With a key: first it must be on disk, here and at the backup, who is asked. */
static void begin_keyed(struct mcpz_task_step *step, struct mcpz_task_slot *slot,
                        struct mcpz_task_now *task)
{
    struct mcpz_tasks *tasks = step->tasks;
    bool has_backup = !mcpz_id_is_zero(&task->is.backup);
    bool moves = has_backup && mcpz_task_may_replace(step, task);
    bool needs_one = !has_backup && mcpz_task_has_company(step);

    if (task->is.life != tasks->life && has_backup && !moves) {
        slot->confirms = true;
        await_backup(step, slot, task, false);
        return;
    }
    if (mcpz_id_is_zero(&task->is.provider)) {
        if (!choose_provider(step, task, &task->is.provider)) {
            uint64_t group = slot->group;
            free_slot(tasks, slot);
            block(step, group, BLOCKED_US);
            return;
        }
        task->is.attempts++;
        slot->fresh = true;
    }
    if (moves || needs_one) {
        mcpz_task_rehouse(step, task);
    }
    task->is.life = tasks->life;
    mcpz_task_save(step, task);
    if (moves || needs_one) {
        mcpz_task_book_set_lone(&tasks->book, &task->id, true);
    }
    if (!mcpz_id_is_zero(&task->is.backup)) {
        await_backup(step, slot, task, moves || needs_one);
    } else if (!mcpz_task_has_company(step)) {
        open_slot(step, slot, task);
    } else {
        slot->until_us = step->now + RECORD_US; /* there is nobody we are linked to */
        slot->revision = UINT64_MAX;
    }
}

static void begin(struct mcpz_task_step *step, struct mcpz_task_queue *queue)
{
    struct mcpz_tasks *tasks = step->tasks;
    struct mcpz_task_now task;
    struct mcpz_task_cursor place = queue->head;
    struct mcpz_record_task_listed row = {
        .list = MCPZ_TASK_LIST_READY,
        .group = queue->group,
        .order = place.order,
        .id = place.id,
    };

    mcpz_task_queue_pass(queue, &place);
    if (!mcpz_task_load(step, &row.id, &task) || !mcpz_task_is_ours(step, &task.is) ||
        task.is.phase != MCPZ_TASK_QUEUED || task.is.due_ms != 0) {
        mcpz_task_book_strike(&tasks->book, &row); /* it has no business there */
        mcpz_task_queue_left(queue, &place);
        return;
    }
    bool is_sure = task.is.life == tasks->life || mcpz_id_is_zero(&task.is.backup);
    if (is_sure && is_too_late(step, &task) && mcpz_id_is_zero(&task.is.provider)) {
        mcpz_task_end(step, &task, MCPZ_TASK_DEAD, MCPZ_CODE_TIMEOUT,
                      mcpz_text("its time was over before anybody could do it"));
        return;
    }
    if (!mcpz_task_tree_may_begin(step, &task)) {
        mcpz_task_put_off(step, &task, step->wall_ms + ASK_AGAIN_MS); /* it is being moved */
        return;
    }
    struct mcpz_task_slot *slot = take_slot(tasks, queue, &task);
    assert(slot != NULL);
    tasks->running++;
    queue->running++;
    if (slot->keyed) {
        begin_keyed(step, slot, &task);
    } else if (is_sure) {
        open_slot(step, slot, &task);
    } else {
        await_backup(step, slot, &task, false);
    }
}

void mcpz_task_dispatch(struct mcpz_task_step *step)
{
    for (size_t i = 0; i < DISPATCHED_MAX && step->out->count < ACTIONS_MAX; i++) {
        struct mcpz_task_queue *queue =
            step->tasks->running < MCPZ_TASKS_RUNNING_MAX ? next_queue(step) : NULL;
        if (queue == NULL) {
            return;
        }
        begin(step, queue);
    }
}

void mcpz_task_recorded(struct mcpz_task_step *step, const struct mcpz_task_id *id,
                        uint64_t revision)
{
    struct mcpz_task_slot *slot = find_slot(step->tasks, id);
    struct mcpz_task_now task;

    if (slot == NULL || slot->phase != MCPZ_TASK_SLOT_RECORDING || revision < slot->revision) {
        return;
    }
    if (slot->confirms) {
        free_slot(step->tasks, slot); /* it is begun anew, and now surely ours */
    } else if (mcpz_task_load(step, id, &task)) {
        open_slot(step, slot, &task);
    }
}

/* ---- Ends --------------------------------------------------------------------------------- */

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
    const struct mcpz_member *member =
        mcpz_members_find(&step->fabric->members, &task->is.provider);
    bool has_left = member != NULL && member->state == MCPZ_MEMBER_LEFT;

    if (task->is.held_ms == 0 || task->is.held_ms > step->wall_ms) {
        task->is.held_ms = step->wall_ms;
    }
    if (has_left || step->wall_ms - task->is.held_ms >= hold_ms) {
        fail_attempt(step, task, end, true);
        return;
    }
    task->is.due_ms =
        step->wall_ms + ASK_AGAIN_MS + mcpz_rng_below(&step->tasks->rng, ASK_AGAIN_MS);
    mcpz_task_save(step, task);
}

/* Nobody has tried it: the queue waits, which is the same for all that stand in it. */
static void wait_in_queue(struct mcpz_task_step *step, const struct mcpz_task_slot *was,
                          struct mcpz_task_now *task, const struct mcpz_action_task *end)
{
    mcpz_time wait_us = MCPZ_MS(end->retry_after_ms);
    uint32_t spread = mcpz_rng_below(&step->tasks->rng, (uint32_t)BLOCKED_US / 2);

    block(step, was->group, wait_us > 0 ? wait_us + spread : BLOCKED_US / 2 + spread);
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

static void finish(struct mcpz_task_step *step, struct mcpz_task_slot *slot,
                   const struct mcpz_action_task *end)
{
    const struct mcpz_task_slot was = *slot;
    struct mcpz_task_now task;

    free_slot(step->tasks, slot);
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

static void finish_for(struct mcpz_task_step *step, struct mcpz_task_slot *slot, uint32_t code,
                       const char *text)
{
    struct mcpz_action_task end = {.request = slot->request, .code = code};
    struct mcpz_task_now task;

    end.text = mcpz_text(text);
    if (mcpz_task_load(step, &slot->id, &task)) {
        end.provider = task.is.provider;
    }
    cancel_call(step, slot);
    finish(step, slot, &end);
}

/* ---- Answers ------------------------------------------------------------------------------ */

/* Send some of an input that comes out of results. */
static void feed(struct mcpz_task_step *step, struct mcpz_task_slot *slot)
{
    size_t room = slot->credit < MCPZ_CHUNK_BYTES_MAX ? slot->credit : MCPZ_CHUNK_BYTES_MAX;
    uint8_t *buffer =
        room >= MCPZ_GATHER_PENDING_BYTES ? mcpz_arena_take(&step->out->arena, room, 1) : NULL;

    if (buffer == NULL) {
        if (room < MCPZ_GATHER_PENDING_BYTES) {
            set_credit(step->tasks, slot, 0); /* there will be more */
        }
        return;
    }
    size_t length = mcpz_gather_read(&slot->gather, &step->tasks->book, buffer, room);
    if (length > 0) {
        append_call(step, MCPZ_EVENT_TASK_INPUT, slot)->call.task.chunk =
            mcpz_bytes(buffer, length);
        set_credit(step->tasks, slot, slot->credit - (uint32_t)length);
    } else {
        (void)append_call(step, MCPZ_EVENT_TASK_INPUT_END, slot);
        set_credit(step->tasks, slot, 0);
        slot->has_sent = true;
    }
}

void mcpz_task_feed(struct mcpz_task_step *step)
{
    size_t fed = 0;

    for (size_t i = 0; i < MCPZ_TASKS_RUNNING_MAX && step->tasks->feeding > 0; i++) {
        struct mcpz_task_slot *slot = &step->tasks->slots[i];
        if (slot->phase == MCPZ_TASK_SLOT_CALLING && slot->credit > 0 && fed < FED_MAX) {
            feed(step, slot);
            fed++;
        }
    }
}

static void send_input(struct mcpz_task_step *step, struct mcpz_task_slot *slot, uint32_t credit)
{
    struct mcpz_task_now task;

    if (slot->feeds && !slot->has_sent) {
        set_credit(step->tasks, slot,
                   slot->credit + (credit < FEED_CREDIT_MAX - slot->credit
                                       ? credit
                                       : FEED_CREDIT_MAX - slot->credit));
        return;
    }
    if (slot->has_sent || !mcpz_task_load(step, &slot->id, &task)) {
        return;
    }
    slot->has_sent = true;
    append_call(step, MCPZ_EVENT_TASK_INPUT, slot)->call.task.chunk = task.body.input;
    (void)append_call(step, MCPZ_EVENT_TASK_INPUT_END, slot);
}

/* False: it cannot be kept, and the attempt is over. */
static bool keep_output(struct mcpz_task_step *step, struct mcpz_task_slot *slot,
                        struct mcpz_bytes chunk)
{
    uint8_t spare[MCPZ_TASK_RESULT_BYTES_MAX];
    mcpz_error error = mcpz_task_book_append_result(&step->tasks->book, &slot->id, chunk, spare);

    slot->has_output = true;
    if (error == MCPZ_EFULL) {
        finish_for(step, slot, MCPZ_CODE_TOO_LARGE,
                   "the result has more than 32 KiB: hand back where it lies, or run the task "
                   "without keeping it");
    } else if (error != MCPZ_OK) {
        finish_for(step, slot, MCPZ_CODE_STORE_FAILED, "the result could not be kept");
    }
    return error == MCPZ_OK;
}

/* The call has ended, perhaps with the last of the result. */
static void end_call(struct mcpz_task_step *step, struct mcpz_task_slot *slot,
                     const struct mcpz_action_task *end)
{
    if (end->chunk.length == 0 || keep_output(step, slot, end->chunk)) {
        finish(step, slot, end);
    }
}

/*
 * The call is closed: its provider has been reached just now, or the link was replaced over which
 * it was asked. What was asked over a link that is gone may have been done, whatever is said next.
 */
static void start_again(struct mcpz_task_step *step, struct mcpz_task_slot *slot)
{
    const struct mcpz_call_out *call = mcpz_caller_find(&step->calls->caller, slot->request);
    struct mcpz_task_now task;

    slot->fresh = slot->fresh && call != NULL && call->reached;
    if (slot->has_output) {
        mcpz_task_book_drop_result(&step->tasks->book, &slot->id);
        slot->has_output = false;
    }
    slot->has_sent = false;
    if (mcpz_task_load(step, &slot->id, &task)) {
        start_call(step, slot, &task);
    }
}

void mcpz_task_answered(struct mcpz_task_step *step, const struct mcpz_action *action)
{
    struct mcpz_task_slot *slot = find_request(step->tasks, action->task.request);

    if (slot == NULL) {
        return; /* it was stopped meanwhile */
    }
    if (action->kind == MCPZ_ACTION_TASK_PULL) {
        send_input(step, slot, action->task.credit);
    } else if (action->kind == MCPZ_ACTION_TASK_OUTPUT) {
        (void)keep_output(step, slot, action->task.chunk);
    } else if (action->kind == MCPZ_ACTION_TASK_RETRY) {
        start_again(step, slot);
    } else if (action->kind == MCPZ_ACTION_TASK_DONE) {
        end_call(step, slot, &action->task);
    }
}

/* ---- Leases ------------------------------------------------------------------------------- */

void mcpz_task_renewed(struct mcpz_task_step *step, const struct mcpz_id *from, uint64_t call)
{
    const struct mcpz_call_out *ours = mcpz_caller_find_call(&step->calls->caller, call);

    if (ours == NULL || !mcpz_id_equal(&ours->provider, from)) {
        return;
    }
    struct mcpz_task_slot *slot = find_request(step->tasks, ours->request);
    if (slot != NULL) {
        slot->until_us = step->now + step->tasks->timing->task_lease_us;
    }
}

void mcpz_task_renew(struct mcpz_task_step *step)
{
    const struct mcpz_provider *provider = &step->calls->provider;
    struct mcpz_tasks *tasks = step->tasks;
    size_t said = 0;

    /* As many as a step has room for, then the rest. */
    for (; tasks->renew_from < provider->table.max && said < RENEWED_MAX; tasks->renew_from++) {
        const struct mcpz_call_in *theirs = &provider->slots[tasks->renew_from];
        if (provider->table.rows[tasks->renew_from].taken && !theirs->deserted) {
            said++;
            mcpz_outbox_send(step->out, &theirs->caller,
                             &(struct mcpz_msg){.kind = MCPZ_MSG_TASK_RENEW,
                                                .task_renew = {.call = theirs->call}});
        }
    }
    bool all = tasks->renew_from >= provider->table.max;
    tasks->renew_from = all ? 0 : tasks->renew_from;
    tasks->renew_at_us = step->now + (all ? RENEW_US : MCPZ_MS(1));
}

static void expire_recording(struct mcpz_task_step *step, struct mcpz_task_slot *slot)
{
    struct mcpz_task_now task;

    if (!mcpz_task_load(step, &slot->id, &task)) {
        free_slot(step->tasks, slot);
        return;
    }
    if (!slot->keyed) {
        open_slot(step, slot, &task); /* twice is better than never */
        return;
    }
    free_slot(step->tasks, slot);
    mcpz_task_put_off(step, &task, step->wall_ms + ASK_AGAIN_MS);
    step->tasks->counts.put_back++;
}

void mcpz_task_expire_slots(struct mcpz_task_step *step)
{
    for (size_t i = 0; i < MCPZ_TASKS_RUNNING_MAX && step->tasks->running > 0; i++) {
        struct mcpz_task_slot *slot = &step->tasks->slots[i];
        if (slot->phase == MCPZ_TASK_SLOT_FREE || slot->until_us > step->now) {
            continue;
        }
        if (slot->phase == MCPZ_TASK_SLOT_RECORDING) {
            expire_recording(step, slot);
            continue;
        }
        const struct mcpz_call_out *call = mcpz_caller_find(&step->calls->caller, slot->request);
        if (call != NULL && !call->open) { /* nobody is at it yet */
            slot->until_us = step->now + step->tasks->timing->task_lease_us;
            continue;
        }
        step->tasks->counts.lost_leases++;
        finish_for(step, slot, MCPZ_CODE_PROVIDER_LOST,
                   "the provider has not said for too long that it is at it");
    }
}
