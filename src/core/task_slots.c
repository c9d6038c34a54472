#include "core/task_slots.h"

#include "core/task_plan.h"
#include "proto/code.h"

#define FED_MAX 2 /* chunks of inputs that come out of results, in one step */
#define FEED_CREDIT_MAX (1U << 30)

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

struct mcpz_task_slot *mcpz_task_slot_find(struct mcpz_tasks *tasks, const struct mcpz_task_id *id)
{
    const struct mcpz_task_slot *slot = mcpz_tasks_running(tasks, id);

    return slot != NULL ? &tasks->slots[slot - tasks->slots] : NULL;
}

struct mcpz_task_slot *mcpz_task_slot_of_request(struct mcpz_tasks *tasks, uint64_t request)
{
    for (size_t i = 0; i < MCPZ_TASKS_RUNNING_MAX; i++) {
        struct mcpz_task_slot *slot = &tasks->slots[i];
        if (slot->phase == MCPZ_TASK_SLOT_CALLING && slot->request == request) {
            return slot;
        }
    }
    return NULL;
}

struct mcpz_task_slot *mcpz_task_slot_take(struct mcpz_tasks *tasks,
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
void mcpz_task_slot_free(struct mcpz_tasks *tasks, struct mcpz_task_slot *slot)
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

void mcpz_task_block(struct mcpz_task_step *step, uint64_t group, mcpz_time for_us)
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

void mcpz_task_slot_cancel(struct mcpz_task_step *step, const struct mcpz_task_slot *slot)
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
void mcpz_task_slot_start(struct mcpz_task_step *step, struct mcpz_task_slot *slot,
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

void mcpz_task_slot_open(struct mcpz_task_step *step, struct mcpz_task_slot *slot,
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
    mcpz_task_slot_start(step, slot, task);
}

void mcpz_task_stop(struct mcpz_task_step *step, const struct mcpz_task_id *id)
{
    struct mcpz_task_slot *slot = mcpz_task_slot_find(step->tasks, id);

    if (slot != NULL) {
        mcpz_task_slot_cancel(step, slot);
        mcpz_task_slot_free(step->tasks, slot);
    }
}

/* ---- Inputs that come out of results ------------------------------------------------------ */

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

void mcpz_task_slot_send_input(struct mcpz_task_step *step, struct mcpz_task_slot *slot,
                               uint32_t credit)
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
