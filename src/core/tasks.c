#include "core/tasks.h"

#include <assert.h>
#include <string.h>

#include "base/clear.h"
#include "base/hash.h"
#include "core/task_step.h"
#include "proto/code.h"
#include "proto/limits.h"

#define QUIET_US MCPZ_SECONDS(1) /* after a lost batch nothing is begun for so long */

/* ---- One task ----------------------------------------------------------------------------- */

bool mcpz_task_is_ours(const struct mcpz_task_step *step, const struct mcpz_task_state *state)
{
    return mcpz_id_equal(&state->owner, &step->tasks->self);
}

bool mcpz_task_load(struct mcpz_task_step *step, const struct mcpz_task_id *id,
                    struct mcpz_task_now *task)
{
    struct mcpz_task_book *book = &step->tasks->book;

    task->id = *id;
    if (mcpz_task_book_state(book, id, &task->was) != MCPZ_OK ||
        mcpz_task_book_body(book, id, &task->body) != MCPZ_OK) {
        return false;
    }
    task->is = task->was;
    return true;
}

void mcpz_task_note_places(struct mcpz_task_step *step, const struct mcpz_task_now *task,
                           const struct mcpz_task_place *old, const struct mcpz_task_place *new)
{
    struct mcpz_tasks *tasks = step->tasks;
    struct mcpz_task_queue *queue = mcpz_task_queues_take(&tasks->queues, task->body.capability);
    bool stays = old->list == new->list && old->order == new->order;

    if (queue != NULL && !stays && old->list == MCPZ_TASK_LIST_READY) {
        mcpz_task_queue_left(queue, &(struct mcpz_task_cursor){old->order, task->id});
    }
    if (queue != NULL && !stays && new->list == MCPZ_TASK_LIST_READY) {
        mcpz_task_queue_entered(queue, &(struct mcpz_task_cursor){new->order, task->id});
    }
    if (new->list == MCPZ_TASK_LIST_LATER) {
        mcpz_time wait_us = new->order > step->wall_ms ? MCPZ_MS(new->order - step->wall_ms) : 0;
        tasks->later_at_us = mcpz_time_min(tasks->later_at_us, step->now + wait_us);
    }
}

void mcpz_task_save(struct mcpz_task_step *step, struct mcpz_task_now *task)
{
    struct mcpz_task_book *book = &step->tasks->book;
    bool was_over = mcpz_task_is_over(&task->was);
    struct mcpz_task_place old = mcpz_task_book_place(book, &task->body, &task->was);

    task->is.revision++;
    mcpz_task_book_move(book, &task->id, &task->body, &task->was, &task->is);
    struct mcpz_task_place new = mcpz_task_book_place(book, &task->body, &task->is);
    mcpz_task_note_places(step, task, &old, &new);
    if (mcpz_task_is_over(&task->is) && !was_over) {
        mcpz_task_tell_watches(step, &task->id);
    }
    mcpz_task_tree_saved(step, task);
    task->was = task->is;
}

void mcpz_task_put_off(struct mcpz_task_step *step, struct mcpz_task_now *task, uint64_t due_ms)
{
    task->is.due_ms = due_ms;
    task->is.revision--; /* mcpz_task_save() moves it on */
    mcpz_task_save(step, task);
}

void mcpz_task_add(struct mcpz_task_step *step, const struct mcpz_task_now *task)
{
    struct mcpz_task_book *book = &step->tasks->book;
    struct mcpz_task_place place = mcpz_task_book_place(book, &task->body, &task->is);

    mcpz_task_book_add(book, &task->id, &task->body, &task->is);
    mcpz_task_note_places(step, task, &(struct mcpz_task_place){0}, &place);
}

void mcpz_task_end(struct mcpz_task_step *step, struct mcpz_task_now *task,
                   enum mcpz_task_phase phase, uint32_t code, struct mcpz_bytes text)
{
    struct mcpz_tasks *tasks = step->tasks;

    task->is.phase = phase;
    task->is.ended_ms = step->wall_ms;
    task->is.due_ms = 0;
    task->is.held_ms = 0;
    task->is.code = code;
    task->is.text = text;
    mcpz_task_save(step, task);
    mcpz_task_send_moved(step, task);
    tasks->counts.done += phase == MCPZ_TASK_DONE;
    tasks->counts.died += phase == MCPZ_TASK_DEAD;
    tasks->counts.cancelled += phase == MCPZ_TASK_CANCELLED;
}

void mcpz_task_forget(struct mcpz_task_step *step, const struct mcpz_task_now *task)
{
    struct mcpz_task_book *book = &step->tasks->book;
    struct mcpz_task_place old = mcpz_task_book_place(book, &task->body, &task->was);

    mcpz_task_note_places(step, task, &old, &(struct mcpz_task_place){0});
    mcpz_task_book_remove(book, &task->id, &task->body, &task->was);
    mcpz_task_tell_watches(step, &task->id);
    if (task->was.family > 0 && task->was.phase != MCPZ_TASK_YIELDED) {
        mcpz_task_tree_end(step, &task->id);
    }
}

/* ---- Answering ---------------------------------------------------------------------------- */

void mcpz_task_reply(struct mcpz_task_step *step, uint64_t request, uint32_t code,
                     const char *text, const struct mcpz_task_id *id, uint32_t copies)
{
    struct mcpz_action *action = mcpz_outbox_append(step->out, MCPZ_ACTION_REPLY);

    action->durable = code == MCPZ_CODE_OK;
    action->reply.request = request;
    action->reply.code = code;
    action->reply.text = mcpz_text(text);
    action->reply.copies = copies;
    if (id != NULL) {
        action->reply.task = *id;
    }
}

void mcpz_task_tell_watches(struct mcpz_task_step *step, const struct mcpz_task_id *id)
{
    struct mcpz_tasks *tasks = step->tasks;

    for (size_t i = 0; i < MCPZ_TASKS_WATCHED_MAX && tasks->watch_count > 0; i++) {
        struct mcpz_task_watch *watch = &tasks->watches[i];
        if (watch->request != 0 && mcpz_task_id_equal(&watch->id, id)) {
            mcpz_task_reply(step, watch->request, MCPZ_CODE_OK, "", id, 0);
            watch->request = 0;
            tasks->watch_count--;
        }
    }
}

/* ---- Other requests ----------------------------------------------------------------------- */

static void on_watch(struct mcpz_task_step *step, const struct mcpz_event_durable *request)
{
    struct mcpz_tasks *tasks = step->tasks;
    struct mcpz_task_now task;

    if (!mcpz_task_load(step, &request->id, &task)) {
        mcpz_task_reply(step, request->request, MCPZ_CODE_NOT_FOUND,
                        "this node knows no such task", &request->id, 0);
        return;
    }
    if (mcpz_task_is_over(&task.is)) {
        mcpz_task_reply(step, request->request, MCPZ_CODE_OK, "", &request->id, 0);
        return;
    }
    for (size_t i = 0; i < MCPZ_TASKS_WATCHED_MAX; i++) {
        if (tasks->watches[i].request == 0) {
            tasks->watches[i] =
                (struct mcpz_task_watch){.request = request->request, .id = request->id};
            tasks->watch_count++;
            return;
        }
    }
    mcpz_task_reply(step, request->request, MCPZ_CODE_BUSY,
                    "too many wait for tasks at this node: ask for its status instead",
                    &request->id, 0);
}

static void on_unwatch(struct mcpz_tasks *tasks, uint64_t request)
{
    for (size_t i = 0; i < MCPZ_TASKS_WATCHED_MAX; i++) {
        if (tasks->watches[i].request == request && request != 0) {
            tasks->watches[i].request = 0;
            tasks->watch_count--;
        }
    }
}

/* A task that its owner alone may touch. False: answered with why not. */
static bool load_ours(struct mcpz_task_step *step, const struct mcpz_event_durable *request,
                      struct mcpz_task_now *task)
{
    if (!mcpz_task_load(step, &request->id, task)) {
        mcpz_task_reply(step, request->request, MCPZ_CODE_NOT_FOUND,
                        "this node knows no such task", &request->id, 0);
        return false;
    }
    if (!mcpz_task_is_ours(step, &task->is)) {
        mcpz_task_reply(step, request->request, MCPZ_CODE_CONFLICT,
                        "another node is its owner: ask that one (\"owner\" in its status)",
                        &request->id, 0);
        return false;
    }
    return true;
}

static void on_cancel(struct mcpz_task_step *step, const struct mcpz_event_durable *request)
{
    struct mcpz_task_now task;

    if (!load_ours(step, request, &task)) {
        return;
    }
    if (mcpz_task_is_over(&task.is)) {
        mcpz_task_reply(step, request->request, MCPZ_CODE_CONFLICT, "it is over already",
                        &request->id, 0);
        return;
    }
    mcpz_task_stop(step, &task.id);
    mcpz_task_end(step, &task, MCPZ_TASK_CANCELLED, MCPZ_CODE_CANCELLED,
                  mcpz_text("cancelled on request"));
    mcpz_task_reply(step, request->request, MCPZ_CODE_OK, "", &request->id, 0);
}

static void on_replay(struct mcpz_task_step *step, const struct mcpz_event_durable *request)
{
    struct mcpz_task_now task;

    if (!load_ours(step, request, &task)) {
        return;
    }
    if (task.is.phase != MCPZ_TASK_DEAD || mcpz_task_level(&task.body) > 0) {
        mcpz_task_reply(step, request->request, MCPZ_CODE_CONFLICT,
                        mcpz_task_level(&task.body) > 0 ? "it is a subtask: replay its root"
                                                        : "it is no dead letter",
                        &request->id, 0);
        return;
    }
    if (task.body.expires_ms != 0) { /* it has as much time as it had at first */
        uint64_t ttl_ms = task.body.expires_ms - task.body.created_ms;
        struct mcpz_task_now again = task;
        again.body.expires_ms = step->wall_ms + ttl_ms;
        mcpz_task_book_rewrite(&step->tasks->book, &again.id, &again.body);
        task.body = again.body;
    }
    task.is.phase = MCPZ_TASK_QUEUED;
    task.is.attempts = 0;
    task.is.ended_ms = 0;
    task.is.code = MCPZ_CODE_OK;
    task.is.text = mcpz_text("");
    if (task.is.family > 0) {
        mcpz_task_tree_revive(step, &task);
    } else {
        mcpz_task_save(step, &task);
    }
    if (mcpz_id_is_zero(&task.is.backup)) {
        mcpz_task_book_set_lone(&step->tasks->book, &task.id, true);
    } else {
        mcpz_task_send_moved(step, &task);
    }
    mcpz_task_reply(step, request->request, MCPZ_CODE_OK, "", &request->id, 0);
}

static void on_purge(struct mcpz_task_step *step, const struct mcpz_event_durable *request)
{
    struct mcpz_task_now task;

    if (!mcpz_task_load(step, &request->id, &task)) {
        mcpz_task_reply(step, request->request, MCPZ_CODE_NOT_FOUND,
                        "this node knows no such task", &request->id, 0);
        return;
    }
    if (!mcpz_task_is_over(&task.is)) {
        mcpz_task_reply(step, request->request, MCPZ_CODE_CONFLICT, "it is not over: cancel it",
                        &request->id, 0);
        return;
    }
    if (mcpz_task_level(&task.body) > 0) {
        mcpz_task_reply(step, request->request, MCPZ_CODE_CONFLICT,
                        "it is a subtask: it goes with its root", &request->id, 0);
        return;
    }
    if (mcpz_task_is_ours(step, &task.is) && !mcpz_id_is_zero(&task.is.backup)) {
        mcpz_outbox_send(step->out, &task.is.backup,
                         &(struct mcpz_msg){.kind = MCPZ_MSG_TASK_DROP,
                                            .task_mark = {.id = task.id,
                                                          .epoch = task.is.epoch,
                                                          .revision = task.is.revision}});
    }
    mcpz_task_forget(step, &task);
    mcpz_task_reply(step, request->request, MCPZ_CODE_OK, "", &request->id, 0);
}

static void on_pause(struct mcpz_task_step *step, const struct mcpz_event_durable *request,
                     bool paused)
{
    const struct mcpz_store *store = step->tasks->book.store;
    struct mcpz_task_queue *queue =
        mcpz_task_queues_take(&step->tasks->queues, request->capability);
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_QUEUE,
        .queue = {.capability = request->capability, .paused = paused},
    };

    if (queue == NULL) {
        mcpz_task_reply(step, request->request, MCPZ_CODE_LIMIT,
                        "there are 256 queues at this node", NULL, 0);
        return;
    }
    queue->paused = paused;
    if (paused) {
        store->put(store->context, &record);
    } else {
        store->remove(store->context, &record);
    }
    mcpz_task_reply(step, request->request, MCPZ_CODE_OK, "", NULL, 0);
}

/* ---- After a lost batch ------------------------------------------------------------------- */

static void stop_all(struct mcpz_task_step *step)
{
    for (size_t i = 0; i < MCPZ_TASKS_RUNNING_MAX; i++) {
        if (step->tasks->slots[i].phase != MCPZ_TASK_SLOT_FREE) {
            struct mcpz_task_id id = step->tasks->slots[i].id;
            mcpz_task_stop(step, &id);
        }
    }
}

/* Count the rows of a queue from the store. */
static void count_row(struct mcpz_tasks *tasks, const struct mcpz_record_task_listed *row)
{
    struct mcpz_task_queue *queue = mcpz_task_queues_find(&tasks->queues, row->group);
    struct mcpz_task_body body;

    if (row->list != MCPZ_TASK_LIST_READY) {
        return;
    }
    if (queue == NULL && mcpz_task_book_body(&tasks->book, &row->id, &body) == MCPZ_OK) {
        queue = mcpz_task_queues_take(&tasks->queues, body.capability);
    }
    if (queue != NULL) {
        queue->ready++;
    }
}

static void count_lists(struct mcpz_tasks *tasks)
{
    struct mcpz_task_book *book = &tasks->book;
    struct mcpz_record record = {.kind = MCPZ_RECORD_TASK_LISTED, .task_listed = {.list = 1}};
    bool inclusive = true;

    while (book->store->next(book->store->context, MCPZ_SCAN_KIND, inclusive, &record) ==
           MCPZ_OK) {
        const struct mcpz_record_task_listed *row = &record.task_listed;
        inclusive = false;
        book->counts[row->list]++;
        count_row(tasks, row);
    }
}

static void recall_queues(struct mcpz_tasks *tasks)
{
    const struct mcpz_store *store = tasks->book.store;
    struct mcpz_record record = {.kind = MCPZ_RECORD_QUEUE, .queue = {mcpz_text(""), false}};
    bool inclusive = true;

    while (store->next(store->context, MCPZ_SCAN_KIND, inclusive, &record) == MCPZ_OK) {
        struct mcpz_task_queue *queue =
            mcpz_task_queues_take(&tasks->queues, record.queue.capability);
        inclusive = false;
        if (queue != NULL) {
            queue->paused = record.queue.paused;
        }
    }
}

static void count_again(struct mcpz_tasks *tasks)
{
    mcpz_task_queues_init(&tasks->queues);
    memset(tasks->book.counts, 0, sizeof(tasks->book.counts));
    recall_queues(tasks);
    count_lists(tasks);
    tasks->later_at_us = 0;
    tasks->lone_at_us = 0;
}

static void recover(struct mcpz_task_step *step)
{
    struct mcpz_tasks *tasks = step->tasks;

    tasks->recount = false;
    stop_all(step);
    count_again(tasks);
    mcpz_task_intake_recover(step);
    mcpz_task_sweep_in(step, QUIET_US); /* also for what was noted of trees */
    /* A disk that is full stays so for a while: what we begin meanwhile is in vain. */
    tasks->quiet_until_us = step->now + QUIET_US;
}

/* ---- The machine -------------------------------------------------------------------------- */

void mcpz_tasks_init(struct mcpz_tasks *tasks, const struct mcpz_store *store,
                     const struct mcpz_node_timing *timing, const struct mcpz_id *self,
                     uint64_t life, uint64_t seed)
{
    assert(life > 0);

    /* The largest tables are not cleared: pages that nobody writes to cost nothing. */
    mcpz_clear(tasks->slots, sizeof(tasks->slots));
    mcpz_clear(tasks->watches, sizeof(tasks->watches));
    mcpz_clear(tasks->full, sizeof(tasks->full));
    mcpz_clear(tasks->asked, sizeof(tasks->asked));
    mcpz_task_book_init(&tasks->book, store, self);
    mcpz_accepting_init(&tasks->accepting);
    mcpz_task_tree_init(&tasks->tree);
    tasks->timing = timing;
    tasks->self = *self;
    tasks->life = life;
    tasks->started_us = 0;
    tasks->recount = false;
    tasks->forsake = false;
    tasks->drains = false;
    tasks->quiet_until_us = 0;
    tasks->last_ms = 0;
    tasks->running = 0;
    tasks->feeding = 0;
    tasks->next_request = 0;
    tasks->watch_count = 0;
    tasks->copies = 0;
    tasks->copies_seen = 0;
    tasks->sweep_at = (struct mcpz_task_id){{0}};
    tasks->sweep_at_us = 0;
    tasks->sweep_fast = true;
    tasks->sweep_next_at_us = MCPZ_TIME_NEVER;
    tasks->sweep_last_at_us = MCPZ_TIME_NEVER;
    tasks->lone_at = (struct mcpz_task_id){{0}};
    tasks->ended_at_us = 0;
    tasks->renew_at_us = 0;
    tasks->renew_from = 0;
    tasks->counts = (struct mcpz_tasks_counts){0};
    mcpz_rng_init(&tasks->rng, seed ^ mcpz_hash_mix(life));
    count_again(tasks);
}

void mcpz_tasks_recover(struct mcpz_tasks *tasks)
{
    tasks->recount = true;
}

void mcpz_tasks_start_over(struct mcpz_tasks *tasks)
{
    tasks->forsake = true;
    tasks->sweep_fast = true;
    tasks->sweep_at_us = 0;
    tasks->sweep_at = (struct mcpz_task_id){{0}};
}

static void on_fact(struct mcpz_task_step *step, const struct mcpz_fact *fact)
{
    const struct mcpz_node_timing *timing = step->tasks->timing;

    if (fact->kind == MCPZ_FACT_CAPABILITIES || fact->kind == MCPZ_FACT_ALIVE) {
        mcpz_task_queues_unblock(&step->tasks->queues);
        mcpz_task_intake_wake(step);
    } else if (fact->kind == MCPZ_FACT_LINKED) {
        mcpz_task_queues_unblock(&step->tasks->queues);
        mcpz_task_intake_wake(step);
        mcpz_task_say_again(step, &fact->about);
        mcpz_task_sweep_in(step, MCPZ_SECONDS(1));
    } else if (fact->kind == MCPZ_FACT_RELAYED) {
        mcpz_task_relayed(step, &fact->about);
    } else if (fact->kind == MCPZ_FACT_DEAD || fact->kind == MCPZ_FACT_LEFT) {
        mcpz_task_sweep_in(step, timing->task_grace_us + MCPZ_MS(50));
    }
}

static void on_tick(struct mcpz_task_step *step)
{
    struct mcpz_tasks *tasks = step->tasks;

    if (tasks->renew_at_us <= step->now) {
        mcpz_task_renew(step);
    }
    mcpz_task_intake_tick(step);
    mcpz_task_expire_slots(step);
    mcpz_task_feed(step);
    if (tasks->quiet_until_us <= step->now) {
        mcpz_task_walk(step);
        mcpz_task_tree_work(step);
        if (!tasks->drains) {
            mcpz_task_dispatch(step);
        }
    }
}

static void on_request(struct mcpz_task_step *step, const struct mcpz_event *event)
{
    const struct mcpz_event_durable *request = &event->durable;

    switch ((int)event->kind) {
    case MCPZ_EVENT_DURABLE_SUBMIT:
        mcpz_task_submit(step, request);
        break;
    case MCPZ_EVENT_DURABLE_WATCH:
        on_watch(step, request);
        break;
    case MCPZ_EVENT_DURABLE_UNWATCH:
        on_unwatch(step->tasks, request->request);
        break;
    case MCPZ_EVENT_DURABLE_CANCEL:
        on_cancel(step, request);
        break;
    case MCPZ_EVENT_DURABLE_REPLAY:
        on_replay(step, request);
        break;
    case MCPZ_EVENT_DURABLE_PURGE:
        on_purge(step, request);
        break;
    case MCPZ_EVENT_DRAIN:
    case MCPZ_EVENT_RESUME:
        step->tasks->drains = event->kind == MCPZ_EVENT_DRAIN; /* no more is begun */
        break;
    case MCPZ_EVENT_QUEUE_PAUSE:
    case MCPZ_EVENT_QUEUE_RESUME:
        on_pause(step, request, event->kind == MCPZ_EVENT_QUEUE_PAUSE);
        break;
    default:
        break; /* for other machines */
    }
}

void mcpz_tasks_step(struct mcpz_tasks *tasks, const struct mcpz_tasks_below *below, mcpz_time now,
                     const struct mcpz_event *event, struct mcpz_outbox *out)
{
    struct mcpz_task_step step = {
        .tasks = tasks,
        .fabric = below->fabric,
        .relay = below->relay,
        .registry = below->registry,
        .calls = below->calls,
        .planner = below->planner,
        .now = now,
        .wall_ms = event->wall_ms,
        .out = out,
    };

    if (tasks->started_us == 0) {
        tasks->started_us = now > 0 ? now : 1;
    }
    if (tasks->recount) {
        recover(&step);
    }
    if (event->kind == MCPZ_EVENT_TICK) {
        on_tick(&step);
    } else if (event->kind == MCPZ_EVENT_FACT) {
        on_fact(&step, &event->fact);
    } else if (event->kind == MCPZ_EVENT_RECV) {
        mcpz_task_message(&step, &event->recv.from, event->recv.msg);
    } else if (event->kind == MCPZ_EVENT_ANSWERED) {
        mcpz_task_answered(&step, event->answered);
    } else {
        on_request(&step, event);
    }
}

/* What is to be begun of our own accord. */
static mcpz_time work_deadline(const struct mcpz_tasks *tasks)
{
    mcpz_time deadline = mcpz_time_min(tasks->sweep_at_us, tasks->sweep_next_at_us);

    deadline = mcpz_time_min(deadline, tasks->ended_at_us);
    deadline = mcpz_time_min(deadline, tasks->later_at_us);
    deadline = mcpz_time_min(deadline, mcpz_task_tree_deadline(&tasks->tree));
    if (tasks->book.counts[MCPZ_TASK_LIST_PART] > 0) {
        deadline = mcpz_time_min(deadline, tasks->tree.walk_at_us);
    }
    if (tasks->book.counts[MCPZ_TASK_LIST_LONE] > 0) {
        deadline = mcpz_time_min(deadline, tasks->lone_at_us);
    }
    if (tasks->running < MCPZ_TASKS_RUNNING_MAX && !tasks->drains) {
        deadline = mcpz_time_min(deadline, mcpz_task_queues_deadline(&tasks->queues));
    }
    return deadline > tasks->quiet_until_us ? deadline : tasks->quiet_until_us;
}

mcpz_time mcpz_tasks_deadline(const struct mcpz_tasks *tasks)
{
    mcpz_time deadline = mcpz_time_min(tasks->renew_at_us, work_deadline(tasks));

    deadline = mcpz_time_min(deadline, mcpz_accepting_deadline(&tasks->accepting));
    if (tasks->feeding > 0) {
        return 0;
    }
    for (size_t i = 0; i < MCPZ_TASKS_RUNNING_MAX && tasks->running > 0; i++) {
        if (tasks->slots[i].phase != MCPZ_TASK_SLOT_FREE) {
            deadline = mcpz_time_min(deadline, tasks->slots[i].until_us);
        }
    }
    return deadline;
}
