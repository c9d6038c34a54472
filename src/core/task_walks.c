/* What lies in the store and has to be looked at now and then, a slice at a time. */

#include "core/task_step.h"
#include "proto/code.h"

#define SLICE 32
#define SLICE_US MCPZ_MS(2)      /* between two slices of a fast sweep */
#define PASS_US MCPZ_SECONDS(15) /* between two sweeps of their own accord */
#define LONE_US MCPZ_SECONDS(2)  /* between two rounds over what nobody else keeps */
#define ENDED_US MCPZ_SECONDS(1)
#define ROOM (MCPZ_OUTBOX_MAX / 2) /* actions beyond which a walk waits for the next step */

/* ---- All tasks ---------------------------------------------------------------------------- */

/* Ours, of a former life: its backup may have taken it over. Without one nobody has. */
void mcpz_task_confirm(struct mcpz_task_step *step, struct mcpz_task_now *task)
{
    if (!mcpz_id_is_zero(&task->is.backup)) {
        mcpz_task_send_moved(step, task);
        return;
    }
    task->is.life = step->tasks->life;
    mcpz_task_save(step, task);
}

static void look_after_own(struct mcpz_task_step *step, struct mcpz_task_now *task)
{
    struct mcpz_tasks *tasks = step->tasks;
    bool has_backup = !mcpz_id_is_zero(&task->is.backup);
    bool waits = mcpz_tasks_running(tasks, &task->id) == NULL &&
                 mcpz_accepting_find(&tasks->accepting, &task->id) == NULL;
    bool late = task->body.expires_ms != 0 && task->body.expires_ms <= step->wall_ms &&
                mcpz_id_is_zero(&task->is.provider);

    if (!waits) {
        return;
    }
    if (has_backup && mcpz_task_may_replace(step, task)) {
        mcpz_task_rehouse(step, task);
        mcpz_task_save(step, task);
        mcpz_task_book_set_lone(&tasks->book, &task->id, true);
        if (!mcpz_id_is_zero(&task->is.backup)) {
            mcpz_task_send_keep(step, task);
        }
    } else if (task->is.life != tasks->life) {
        mcpz_task_confirm(step, task);
    } else if (late) {
        mcpz_task_end(step, task, MCPZ_TASK_DEAD, MCPZ_CODE_TIMEOUT,
                      mcpz_text("its time was over before anybody could do it"));
    } else if (!has_backup) {
        mcpz_task_book_set_lone(&tasks->book, &task->id, true);
    }
}

static void sweep_one(struct mcpz_task_step *step, struct mcpz_task_now *task)
{
    bool ours = mcpz_task_is_ours(step, &task->is);

    step->tasks->copies_seen += !ours;
    if (mcpz_task_is_over(&task->is)) {
        return;
    }
    if (step->tasks->forsake && (!ours || !mcpz_id_is_zero(&task->is.backup))) {
        mcpz_task_stop(step, &task->id);
        mcpz_task_forget(step, task);
    } else if (ours && (mcpz_task_level(&task->body) > 0 || task->is.phase == MCPZ_TASK_SPLIT)) {
        mcpz_task_tree_look_after(step, task);
    } else if (ours) {
        look_after_own(step, task);
    } else {
        mcpz_task_look_after_copy(step, task);
    }
}

static void end_pass(struct mcpz_task_step *step)
{
    struct mcpz_tasks *tasks = step->tasks;

    tasks->sweep_at = (struct mcpz_task_id){{0}};
    tasks->sweep_fast = false;
    tasks->forsake = false;
    tasks->copies = tasks->copies_seen;
    tasks->copies_seen = 0;
    tasks->sweep_at_us = step->now + PASS_US;
}

static void sweep(struct mcpz_task_step *step)
{
    struct mcpz_tasks *tasks = step->tasks;
    const struct mcpz_store *store = tasks->book.store;
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_TASK_STATE,
        .task_state = {.id = tasks->sweep_at},
    };

    for (size_t i = 0; i < SLICE && step->out->count < ROOM; i++) {
        struct mcpz_task_now task;
        if (store->next(store->context, MCPZ_SCAN_KIND, false, &record) != MCPZ_OK) {
            end_pass(step);
            return;
        }
        tasks->sweep_at = record.task_state.id;
        if (!mcpz_task_is_over(&record.task_state.state) &&
            mcpz_task_load(step, &tasks->sweep_at, &task)) {
            sweep_one(step, &task);
        }
        record = (struct mcpz_record){
            .kind = MCPZ_RECORD_TASK_STATE,
            .task_state = {.id = tasks->sweep_at},
        };
    }
    tasks->sweep_at_us = step->now + (tasks->sweep_fast ? SLICE_US : 10 * SLICE_US);
}

/* Two are kept in mind: the next, and one that is late enough for all that was asked for since. */
void mcpz_task_sweep_in(struct mcpz_task_step *step, mcpz_time in_us)
{
    struct mcpz_tasks *tasks = step->tasks;
    mcpz_time at_us = step->now + in_us;

    if (tasks->sweep_next_at_us == MCPZ_TIME_NEVER) {
        tasks->sweep_next_at_us = at_us;
    } else if (tasks->sweep_last_at_us == MCPZ_TIME_NEVER || tasks->sweep_last_at_us < at_us) {
        tasks->sweep_last_at_us = at_us;
    }
}

/* ---- Ours that nobody else keeps ---------------------------------------------------------- */

static void house_one(struct mcpz_task_step *step, const struct mcpz_record_task_listed *row)
{
    struct mcpz_tasks *tasks = step->tasks;
    struct mcpz_task_now task;

    if (!mcpz_task_load(step, &row->id, &task) || !mcpz_task_is_ours(step, &task.is) ||
        (mcpz_task_is_over(&task.is) && mcpz_task_level(&task.body) == 0)) {
        mcpz_task_book_strike(&tasks->book, row);
        return;
    }
    if (mcpz_task_level(&task.body) > 0 || task.is.phase == MCPZ_TASK_SPLIT) {
        mcpz_task_tree_note(step,
                            mcpz_task_level(&task.body) > 0 ? &task.body.kin[0].parent : &task.id);
        if (!mcpz_task_is_full(step, &task.is.backup)) {
            mcpz_task_send_whole(step, &task);
        }
        return;
    }
    if (mcpz_task_may_replace(step, &task)) {
        struct mcpz_id backup;
        if (!mcpz_task_choose_backup(step, &task.id, &task.is.backup, &backup)) {
            return;
        }
        mcpz_task_rehouse(step, &task);
        mcpz_task_save(step, &task);
    }
    mcpz_task_send_keep(step, &task);
}

static void walk_lone(struct mcpz_task_step *step)
{
    struct mcpz_tasks *tasks = step->tasks;
    struct mcpz_record_task_listed row = {.list = MCPZ_TASK_LIST_LONE, .id = tasks->lone_at};

    tasks->lone_at_us = step->now + LONE_US;
    if (!mcpz_task_has_company(step)) {
        return;
    }
    for (size_t i = 0; i < SLICE && step->out->count < ROOM; i++) {
        if (mcpz_task_book_next(&tasks->book, true, false, &row) != MCPZ_OK) {
            tasks->lone_at = (struct mcpz_task_id){{0}};
            return;
        }
        tasks->lone_at = row.id;
        house_one(step, &row);
    }
    tasks->lone_at_us = step->now + SLICE_US;
}

/* ---- Ours that wait ----------------------------------------------------------------------- */

static void walk_later(struct mcpz_task_step *step)
{
    struct mcpz_tasks *tasks = step->tasks;
    struct mcpz_record_task_listed row = {.list = MCPZ_TASK_LIST_LATER};

    for (size_t i = 0; i < SLICE && step->out->count < ROOM; i++) {
        struct mcpz_task_now task;
        if (mcpz_task_book_next(&tasks->book, true, false, &row) != MCPZ_OK) {
            tasks->later_at_us = MCPZ_TIME_NEVER;
            return;
        }
        if (row.order > step->wall_ms) {
            tasks->later_at_us = step->now + MCPZ_MS(row.order - step->wall_ms);
            return;
        }
        if (mcpz_task_load(step, &row.id, &task) && mcpz_task_is_ours(step, &task.is) &&
            !mcpz_task_is_over(&task.is) && task.is.due_ms == row.order) {
            mcpz_task_put_off(step, &task, 0);
        } else {
            mcpz_task_book_strike(&tasks->book, &row);
        }
    }
    tasks->later_at_us = step->now + SLICE_US;
}

/* ---- What is over ------------------------------------------------------------------------- */

/* Forget the oldest of a list: what has been kept long enough, or is over the number that is. */
static bool walk_over(struct mcpz_task_step *step, enum mcpz_task_list list, uint64_t kept_ms)
{
    struct mcpz_tasks *tasks = step->tasks;

    for (size_t i = 0; i < SLICE; i++) {
        struct mcpz_record_task_listed row = {.list = list};
        struct mcpz_task_now task;
        if (mcpz_task_book_next(&tasks->book, true, false, &row) != MCPZ_OK ||
            (tasks->book.counts[list] <= MCPZ_TASKS_ENDED_MAX &&
             (kept_ms == UINT64_MAX || row.order + kept_ms > step->wall_ms))) {
            return false;
        }
        if (mcpz_task_load(step, &row.id, &task) && mcpz_task_is_over(&task.is)) {
            mcpz_task_forget(step, &task);
        } else {
            mcpz_task_book_strike(&tasks->book, &row);
        }
    }
    return true;
}

static void walk_ended(struct mcpz_task_step *step)
{
    struct mcpz_tasks *tasks = step->tasks;
    uint64_t kept_ms = tasks->timing->task_retention_us / 1000;
    bool more = walk_over(step, MCPZ_TASK_LIST_ENDED, kept_ms);

    more |= walk_over(step, MCPZ_TASK_LIST_DEAD, UINT64_MAX);
    tasks->ended_at_us = step->now + (more ? SLICE_US : ENDED_US);
}

/* ---- All of them -------------------------------------------------------------------------- */

void mcpz_task_walk(struct mcpz_task_step *step)
{
    struct mcpz_tasks *tasks = step->tasks;

    if (tasks->sweep_next_at_us <= step->now) {
        tasks->sweep_next_at_us = tasks->sweep_last_at_us;
        tasks->sweep_last_at_us = MCPZ_TIME_NEVER;
        tasks->sweep_at = (struct mcpz_task_id){{0}};
        tasks->copies_seen = 0;
        tasks->sweep_fast = true;
        tasks->sweep_at_us = step->now;
    }
    if (tasks->later_at_us <= step->now) {
        walk_later(step);
    }
    if (tasks->sweep_at_us <= step->now && tasks->tree.count <= MCPZ_TREE_DUE_MAX / 2) {
        sweep(step);
    }
    if (tasks->book.counts[MCPZ_TASK_LIST_LONE] > 0 && tasks->lone_at_us <= step->now) {
        walk_lone(step);
    }
    if (tasks->ended_at_us <= step->now) {
        walk_ended(step);
    }
}
