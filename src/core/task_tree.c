#include "core/task_tree.h"

#include <assert.h>

#include "base/decimal.h"
#include "core/task_family.h"
#include "core/task_gather.h"
#include "core/task_plan.h"
#include "core/task_split.h"
#include "core/task_step.h"
#include "core/task_text.h"
#include "proto/code.h"

#define ATTENDED_MAX 4 /* in one step */
#define FORGOTTEN_MAX 16
#define ROOM (MCPZ_OUTBOX_MAX / 2)
#define WALK_US MCPZ_SECONDS(30)
#define WALK_SLICE 32

static_assert(MCPZ_SUBTASKS_MAX <= MCPZ_WEIGHTED_MAX, "of all there is a mean");
static_assert(ATTENDED_MAX * 2 * (MCPZ_SUBTASKS_MAX + 1) + ROOM < MCPZ_OUTBOX_MAX,
              "whom a step attends to, it has room for");

/* ---- What is due -------------------------------------------------------------------------- */

void mcpz_task_tree_init(struct mcpz_task_tree *tree)
{
    tree->first = 0;
    tree->count = 0;
    tree->walk = (struct mcpz_record_task_listed){.list = MCPZ_TASK_LIST_PART};
    tree->walk_at_us = 0;
    tree->split = 0;
    tree->made = 0;
}

static void note(struct mcpz_task_step *step, const struct mcpz_task_id *id, bool ended)
{
    struct mcpz_task_tree *tree = &step->tasks->tree;

    for (size_t i = 0; i < tree->count; i++) {
        struct mcpz_task_due *due = &tree->due[(tree->first + i) % MCPZ_TREE_DUE_MAX];
        if (mcpz_task_id_equal(&due->id, id)) {
            due->ended |= ended;
            return;
        }
    }
    if (tree->count == MCPZ_TREE_DUE_MAX) {
        mcpz_task_sweep_in(step, 0); /* which meets it */
        return;
    }
    tree->due[(tree->first + tree->count++) % MCPZ_TREE_DUE_MAX] =
        (struct mcpz_task_due){.id = *id, .ended = ended};
}

void mcpz_task_tree_note(struct mcpz_task_step *step, const struct mcpz_task_id *id)
{
    note(step, id, false);
}

void mcpz_task_tree_end(struct mcpz_task_step *step, const struct mcpz_task_id *id)
{
    note(step, id, true);
}

/* ---- Where a tree is ---------------------------------------------------------------------- */

static bool is_alone(const struct mcpz_task_step *step)
{
    return !mcpz_task_has_company(step);
}

/* Is it surely ours, in this life? Without a backup it is. */
static bool is_sure(const struct mcpz_task_step *step, const struct mcpz_task_state *state)
{
    return state->life == step->tasks->life || mcpz_id_is_zero(&state->backup);
}

/* Is what it is now on two disks, or on as many as there are? */
static bool is_kept(const struct mcpz_task_step *step, const struct mcpz_task_id *id)
{
    return is_alone(step) || !mcpz_task_book_is_lone(&step->tasks->book, id);
}

/* Whom a tree is to be kept by. False: there are others, but none to be had now. */
static bool find_home(const struct mcpz_task_step *step, const struct mcpz_task_now *root,
                      struct mcpz_id *home)
{
    bool has_backup = !mcpz_id_is_zero(&root->is.backup);

    *home = root->is.backup;
    if (has_backup && !mcpz_task_may_replace(step, root)) {
        return true;
    }
    *home = (struct mcpz_id){.bytes = {0}};
    return mcpz_task_choose_backup(step, &root->id, has_backup ? &root->is.backup : NULL, home) ||
           is_alone(step);
}

static void set_kept(struct mcpz_task_step *step, const struct mcpz_task_now *task, bool kept)
{
    mcpz_task_book_set_lone(&step->tasks->book, &task->id, !kept);
}

/* Give it another backup. */
static void move_home(struct mcpz_task_step *step, struct mcpz_task_now *task,
                      const struct mcpz_id *home)
{
    task->is.epoch++;
    task->is.backup = *home;
    mcpz_task_save(step, task);
    set_kept(step, task, false);
    mcpz_task_send_whole(step, task);
}

/* ---- Taking what belongs to a tree -------------------------------------------------------- */

static bool has_plan(struct mcpz_task_step *step, const struct mcpz_task_id *id)
{
    struct mcpz_task_plan plan;
    return mcpz_task_book_plan(&step->tasks->book, id, &plan) == MCPZ_OK;
}

/* Their parent is ours: so are they. */
static void take_part(struct mcpz_task_step *step, const struct mcpz_task_now *parent,
                      struct mcpz_task_now *task)
{
    uint64_t epoch = parent->is.epoch;
    bool open = !mcpz_task_is_over(&task->is) || task->is.phase == MCPZ_TASK_YIELDED;

    mcpz_task_stop(step, &task->id);
    task->is.epoch = (task->is.epoch > epoch ? task->is.epoch : epoch) + 1;
    task->is.owner = step->tasks->self;
    task->is.backup = (struct mcpz_id){.bytes = {0}};
    task->is.life = step->tasks->life;
    if (open) {
        bool was_split = has_plan(step, &task->id);
        bool may_be_at_it = !was_split && !mcpz_id_is_zero(&task->is.provider);
        task->is.phase = was_split ? MCPZ_TASK_SPLIT : MCPZ_TASK_QUEUED;
        task->is.due_ms = 0;
        task->is.ended_ms = 0;
        task->is.held_ms = may_be_at_it ? step->wall_ms : 0; /* by our own clock */
    }
    mcpz_task_save(step, task);
    set_kept(step, task, false);
    mcpz_task_tree_note(step, &task->id);
    step->tasks->counts.taken_over++;
}

static void take_parts(struct mcpz_task_step *step, const struct mcpz_task_family *family)
{
    struct mcpz_task_now task;

    for (uint32_t part = 0; part < mcpz_task_plan_parts(&family->plan); part++) {
        if (mcpz_task_load_part(step, &family->task.id, family->plan.salt, part, &task) &&
            !mcpz_task_is_ours(step, &task.is)) {
            take_part(step, &family->task, &task);
        }
    }
}

/*
 * Have all of it kept by `home`: the parts, then the task itself. False: that is under way, and
 * nothing else may be done meanwhile.
 */
static bool settle(struct mcpz_task_step *step, struct mcpz_task_family *family)
{
    const struct mcpz_id *home = &family->home;
    struct mcpz_task_now *task = &family->task;
    struct mcpz_task_now part;
    bool all = true;

    for (uint32_t i = 0; i < mcpz_task_plan_parts(&family->plan); i++) {
        if (!mcpz_task_load_part(step, &task->id, family->plan.salt, i, &part)) {
            continue;
        }
        bool is_there = mcpz_id_equal(&part.is.backup, home);
        if (!is_there && part.is.family > 0) {
            mcpz_task_tree_note(step, &part.id); /* it has parts of its own to move first */
        } else if (!is_there) {
            move_home(step, &part, home);
        }
        all = all && is_there && is_kept(step, &part.id);
    }
    if (mcpz_id_equal(&task->is.backup, home)) {
        return true;
    }
    if (all || mcpz_id_is_zero(home)) {
        move_home(step, task, home);
    }
    return false;
}

/* ---- What has come of it ------------------------------------------------------------------ */

/* How far the parts have come. */
struct tally {
    uint32_t made;
    uint32_t done;
    uint32_t failed;
    struct mcpz_task_now first_failed;
};

static bool has_failed(const struct mcpz_task_state *state)
{
    return mcpz_task_is_over(state) && state->phase != MCPZ_TASK_DONE;
}

/* It failed before its root was replayed: it has another chance. */
static void try_again(struct mcpz_task_step *step, const struct mcpz_task_family *family,
                      struct mcpz_task_now *part)
{
    part->is.phase = has_plan(step, &part->id) ? MCPZ_TASK_SPLIT : MCPZ_TASK_QUEUED;
    part->is.round = family->root.is.round;
    part->is.attempts = 0;
    part->is.due_ms = 0;
    part->is.ended_ms = 0;
    part->is.held_ms = 0;
    part->is.provider = (struct mcpz_id){.bytes = {0}};
    part->is.code = MCPZ_CODE_OK;
    part->is.text = mcpz_text("");
    mcpz_task_save(step, part);
    set_kept(step, part, false);
    mcpz_task_send_moved(step, part);
    mcpz_task_tree_note(step, &part->id);
}

static void count_part(struct mcpz_task_step *step, const struct mcpz_task_family *family,
                       uint32_t index, struct tally *tally)
{
    struct mcpz_task_now part;

    if (!mcpz_task_load_part(step, &family->task.id, family->plan.salt, index, &part)) {
        return;
    }
    tally->made++;
    if (has_failed(&part.is) && part.is.round < family->root.is.round) {
        try_again(step, family, &part);
    } else if (!mcpz_task_is_over(&part.is) || !is_kept(step, &part.id)) {
        return; /* nothing follows from it yet */
    } else if (part.is.phase == MCPZ_TASK_DONE) {
        tally->done++;
    } else if (tally->failed++ == 0) {
        tally->first_failed = part;
    }
}

/* "subtask 3 (text.count): timeout: no result within 1000 ms" */
static void fail_for(struct mcpz_task_step *step, struct mcpz_task_now *task,
                     const struct mcpz_task_now *part, const char *why)
{
    struct mcpz_task_text text = {.length = 0};

    mcpz_task_text_add(&text, mcpz_text("subtask "));
    mcpz_task_text_add_number(&text, part->body.kin[0].part + 1);
    mcpz_task_text_add(&text, mcpz_text(" ("));
    mcpz_task_text_add(&text, part->body.capability);
    mcpz_task_text_add(&text, mcpz_text("): "));
    mcpz_task_text_add(&text, mcpz_text(why != NULL ? why : mcpz_code_word(part->is.code)));
    if (why == NULL && part->is.text.length > 0) {
        mcpz_task_text_add(&text, mcpz_text(": "));
        mcpz_task_text_add(&text, part->is.text);
    }
    mcpz_task_end(step, task, MCPZ_TASK_DEAD, MCPZ_CODE_SUBTASK_FAILED,
                  mcpz_outbox_keep(step->out, mcpz_task_text_bytes(&text)));
}

/* False: one of the results is no number, and the task has failed. */
static bool keep_mean(struct mcpz_task_step *step, struct mcpz_task_family *family)
{
    struct mcpz_task_book *book = &step->tasks->book;
    struct mcpz_weighted_mean mean = {0};
    char text[MCPZ_DECIMAL_BYTES];
    struct mcpz_task_now part;

    for (uint32_t i = 0; i < family->plan.count; i++) {
        uint8_t result[2 * MCPZ_GATHER_PENDING_BYTES];
        struct mcpz_gather gather;
        int64_t micros;
        if (!mcpz_task_load_part(step, &family->task.id, family->plan.salt, i, &part) ||
            part.is.phase != MCPZ_TASK_DONE) {
            continue;
        }
        mcpz_gather_result(&gather, step->planner, book, &part.id);
        size_t length = mcpz_gather_read(&gather, book, result, sizeof(result));
        if (!mcpz_decimal_read(mcpz_bytes(result, length), &micros)) {
            fail_for(step, &family->task, &part,
                     "its result is no number, of which there could be a weighted mean");
            return false;
        }
        mcpz_weighted_mean_add(&mean, mcpz_task_part_weight(&family->plan, i), micros);
    }
    size_t length = mcpz_decimal_write(mcpz_weighted_mean(&mean), text);
    mcpz_task_book_set_result(book, &family->task.id, mcpz_bytes(text, length));
    return true;
}

static void end_well(struct mcpz_task_step *step, struct mcpz_task_family *family)
{
    if (family->plan.aggregate == MCPZ_TASK_WEIGHTED && !family->plan.reduces &&
        !keep_mean(step, family)) {
        return;
    }
    mcpz_task_end(step, &family->task, MCPZ_TASK_DONE, MCPZ_CODE_OK, mcpz_text(""));
}

static void reduce(struct mcpz_task_step *step, struct mcpz_task_family *family)
{
    struct tally tally = {.made = 0};

    count_part(step, family, family->plan.count, &tally);
    if (tally.made == 0) {
        mcpz_task_make_parts(step, family, family->plan.count, family->plan.count + 1);
    } else if (tally.failed > 0) {
        fail_for(step, &family->task, &tally.first_failed, NULL);
    } else if (tally.done > 0) {
        end_well(step, family);
    }
}

/* It is where it should be: go on. */
static void progress(struct mcpz_task_step *step, struct mcpz_task_family *family)
{
    const struct mcpz_task_plan *plan = &family->plan;
    bool one_by_one = plan->aggregate == MCPZ_TASK_SEQUENTIAL;
    struct tally tally = {.made = 0};

    for (uint32_t i = 0; i < plan->count && (!one_by_one || tally.done == i); i++) {
        count_part(step, family, i, &tally);
    }
    if (tally.failed > plan->failures_max) {
        fail_for(step, &family->task, &tally.first_failed, NULL);
    } else if (tally.done + tally.failed < plan->count) {
        if (!one_by_one || tally.made == tally.done) {
            mcpz_task_make_parts(step, family, 0, one_by_one ? tally.made + 1 : plan->count);
        }
    } else if (plan->reduces) {
        reduce(step, family);
    } else {
        end_well(step, family);
    }
}

/* ---- Letting go --------------------------------------------------------------------------- */

/* What is above them is over: so are they. */
static void end_parts(struct mcpz_task_step *step, const struct mcpz_task_now *task,
                      const struct mcpz_task_plan *plan)
{
    const char *why = task->is.phase == MCPZ_TASK_CANCELLED
                          ? "the task it belongs to was cancelled"
                          : "the task it belongs to is over";
    struct mcpz_task_now part;

    for (uint32_t i = 0; i < mcpz_task_plan_parts(plan); i++) {
        if (mcpz_task_load_part(step, &task->id, plan->salt, i, &part) &&
            !mcpz_task_is_over(&part.is)) {
            if (!mcpz_task_is_ours(step, &part.is)) {
                take_part(step, task, &part);
            }
            mcpz_task_stop(step, &part.id);
            mcpz_task_end(step, &part, MCPZ_TASK_CANCELLED, MCPZ_CODE_CANCELLED, mcpz_text(why));
        }
    }
}

/* What is above them is another's: so are they. */
static void yield_parts(struct mcpz_task_step *step, const struct mcpz_task_now *task,
                        const struct mcpz_task_plan *plan)
{
    struct mcpz_task_now part;

    for (uint32_t i = 0; i < mcpz_task_plan_parts(plan); i++) {
        if (mcpz_task_load_part(step, &task->id, plan->salt, i, &part) &&
            !mcpz_task_is_over(&part.is) && mcpz_task_is_ours(step, &part.is)) {
            mcpz_task_yield(step, &part, task->is.epoch, &task->is.owner);
        }
    }
}

/*
 * Is it kept here for its owner, who may be about to send its parent: parts come first where a
 * tree is moved to? What has gone then is what we had of that one in an earlier role.
 */
static bool is_kept_for_another(const struct mcpz_task_step *step,
                                const struct mcpz_task_now *part)
{
    const uint64_t kept_ms = step->tasks->timing->task_retention_us / 1000;

    return part->is.phase != MCPZ_TASK_YIELDED && !mcpz_task_is_ours(step, &part->is) &&
           part->is.ended_ms + kept_ms > step->wall_ms;
}

/*
 * It is gone: so are its parts, some at a time. Those that are still open a sweep finds. `ended`:
 * also those that others own.
 */
static void forget_parts(struct mcpz_task_step *step, const struct mcpz_task_id *parent,
                         bool ended)
{
    struct mcpz_task_book *book = &step->tasks->book;
    struct mcpz_record_task_listed row = {
        .list = MCPZ_TASK_LIST_PART,
        .group = mcpz_task_book_family(parent),
    };

    for (size_t i = 0; mcpz_task_book_next(book, false, i == 0, &row) == MCPZ_OK; i++) {
        struct mcpz_task_now part;
        if (i == FORGOTTEN_MAX) {
            note(step, parent, ended);
            return;
        }
        if (!mcpz_task_load(step, &row.id, &part) || !mcpz_task_is_over(&part.is)) {
            mcpz_task_book_strike(book, &row);
        } else if (mcpz_task_id_equal(&part.body.kin[0].parent, parent) &&
                   (ended || !is_kept_for_another(step, &part))) {
            mcpz_task_forget(step, &part);
        }
    }
}

/* ---- Attending ---------------------------------------------------------------------------- */

/* Have what is ours of it together, and kept by who is to keep it. False: that is under way. */
static bool gather_family(struct mcpz_task_step *step, struct mcpz_task_family *family)
{
    struct mcpz_task_now *task = &family->task;

    family->root = *task;
    if ((mcpz_task_level(&task->body) > 0 &&
         !mcpz_task_load(step, mcpz_task_root(task), &family->root)) ||
        !mcpz_task_is_ours(step, &family->root.is) || mcpz_task_is_over(&family->root.is) ||
        !find_home(step, &family->root, &family->home)) {
        return false;
    }
    if (!mcpz_task_is_over(&task->is) && !is_sure(step, &task->is) &&
        !mcpz_task_may_replace(step, task)) {
        return false; /* a sweep has its backup asked whether it is still ours */
    }
    take_parts(step, family);
    return settle(step, family);
}

static void attend(struct mcpz_task_step *step, const struct mcpz_task_due *due)
{
    const struct mcpz_task_id *id = &due->id;
    struct mcpz_task_family family;
    struct mcpz_task_now *task = &family.task;

    if (!mcpz_task_load(step, id, task)) {
        forget_parts(step, id, due->ended);
        return;
    }
    if (mcpz_task_book_plan(&step->tasks->book, id, &family.plan) != MCPZ_OK) {
        return;
    }
    if (!mcpz_task_is_ours(step, &task->is)) {
        yield_parts(step, task, &family.plan);
        return;
    }
    if (mcpz_task_is_over(&task->is)) {
        end_parts(step, task, &family.plan);
    }
    /* What is over goes on being moved as long as the tree is not: results are looked up in it. */
    if (gather_family(step, &family) && task->is.phase == MCPZ_TASK_SPLIT &&
        is_sure(step, &task->is) && is_kept(step, &task->id)) {
        progress(step, &family);
    }
}

/* Parts whose parent is gone while nobody noticed. It may also be about to come: they come first
 * where a tree is moved to. */
static void walk(struct mcpz_task_step *step)
{
    const uint64_t kept_ms = step->tasks->timing->task_retention_us / 1000;
    struct mcpz_task_tree *tree = &step->tasks->tree;
    struct mcpz_task_book *book = &step->tasks->book;

    tree->walk_at_us = step->now + WALK_US;
    for (size_t i = 0; i < WALK_SLICE; i++) {
        struct mcpz_task_now part;
        struct mcpz_task_state parent;
        if (mcpz_task_book_next(book, true, false, &tree->walk) != MCPZ_OK) {
            tree->walk = (struct mcpz_record_task_listed){.list = MCPZ_TASK_LIST_PART};
            return;
        }
        if (mcpz_task_load(step, &tree->walk.id, &part) &&
            part.is.ended_ms + kept_ms <= step->wall_ms &&
            mcpz_task_book_state(book, &part.body.kin[0].parent, &parent) == MCPZ_ENOTFOUND) {
            mcpz_task_tree_note(step, &part.body.kin[0].parent);
        }
    }
    tree->walk_at_us = step->now + WALK_US / 10;
}

void mcpz_task_tree_work(struct mcpz_task_step *step)
{
    struct mcpz_task_tree *tree = &step->tasks->tree;

    for (size_t i = 0; i < ATTENDED_MAX && tree->count > 0 && step->out->count < ROOM; i++) {
        const struct mcpz_task_due due = tree->due[tree->first];
        tree->first = (tree->first + 1) % MCPZ_TREE_DUE_MAX;
        tree->count--;
        attend(step, &due);
    }
    if (tree->walk_at_us <= step->now && step->tasks->book.counts[MCPZ_TASK_LIST_PART] > 0) {
        walk(step);
    }
}

mcpz_time mcpz_task_tree_deadline(const struct mcpz_task_tree *tree)
{
    return tree->count > 0 ? 0 : MCPZ_TIME_NEVER;
}

/* ---- What others do with tasks of a tree -------------------------------------------------- */

/* Is it split, and surely ours? */
static bool is_open_here(const struct mcpz_task_step *step, const struct mcpz_task_now *task)
{
    return mcpz_task_is_ours(step, &task->is) && task->is.phase == MCPZ_TASK_SPLIT &&
           is_sure(step, &task->is);
}

/*
 * Is all there that its input comes out of? It is made after those parts, but who takes a tree
 * over may have it of an owner of before, and do those again.
 */
static bool is_fed(struct mcpz_task_step *step, const struct mcpz_task_now *task,
                   const struct mcpz_task_now *root)
{
    const struct mcpz_task_kin *kin = task->body.kin;
    struct mcpz_task_plan plan;
    struct mcpz_task_now part;

    if (kin->feed == MCPZ_TASK_FEED_NONE) {
        return true;
    }
    if (kin->part == 0 ||
        mcpz_task_book_plan(&step->tasks->book, &kin->parent, &plan) != MCPZ_OK) {
        return false;
    }
    for (uint32_t i = kin->feed == MCPZ_TASK_FEED_ALL ? 0 : kin->part - 1; i < kin->part; i++) {
        if (!mcpz_task_load_part(step, &kin->parent, plan.salt, i, &part) ||
            !mcpz_task_is_ours(step, &part.is) || !mcpz_task_is_over(&part.is) ||
            !is_kept(step, &part.id)) {
            return false;
        }
        if (has_failed(&part.is) && (plan.failures_max == 0 || part.is.round < root->is.round)) {
            return false;
        }
    }
    return true;
}

bool mcpz_task_tree_may_begin(struct mcpz_task_step *step, const struct mcpz_task_now *task)
{
    struct mcpz_task_now parent;
    struct mcpz_task_now root;
    struct mcpz_id home;

    if (mcpz_task_level(&task->body) == 0) {
        return true;
    }
    bool may = mcpz_task_load(step, &task->body.kin[0].parent, &parent) &&
               mcpz_task_load(step, &task->body.kin[0].root, &root) &&
               is_open_here(step, &parent) && is_open_here(step, &root) &&
               is_kept(step, &parent.id) && find_home(step, &root, &home) &&
               mcpz_id_equal(&root.is.backup, &home) && mcpz_id_equal(&parent.is.backup, &home) &&
               mcpz_id_equal(&task->is.backup, &home) && is_fed(step, task, &root);
    if (!may) {
        mcpz_task_tree_note(step, &task->body.kin[0].parent);
    }
    return may;
}

static void look_after_part(struct mcpz_task_step *step, struct mcpz_task_now *task)
{
    struct mcpz_task_state parent;
    mcpz_error error =
        mcpz_task_book_state(&step->tasks->book, &task->body.kin[0].parent, &parent);
    struct mcpz_task_plan plan;
    bool planned =
        mcpz_task_book_plan(&step->tasks->book, &task->body.kin[0].parent, &plan) == MCPZ_OK;
    const struct mcpz_task_id id = mcpz_task_part_id(
        &task->body.kin[0].parent, planned ? plan.salt : 0, task->body.kin[0].part);

    if (error == MCPZ_ENOTFOUND || (planned && !mcpz_task_id_equal(&id, &task->id))) {
        mcpz_task_stop(step, &task->id); /* it is no part of anything */
        mcpz_task_forget(step, task);
        return;
    }
    mcpz_task_tree_note(step, &task->body.kin[0].parent);
    if (error == MCPZ_OK && mcpz_task_is_ours(step, &parent) &&
        mcpz_tasks_running(step->tasks, &task->id) == NULL && is_sure(step, &task->is) &&
        task->body.expires_ms != 0 && task->body.expires_ms <= step->wall_ms &&
        mcpz_id_is_zero(&task->is.provider)) {
        mcpz_task_end(step, task, MCPZ_TASK_DEAD, MCPZ_CODE_TIMEOUT,
                      mcpz_text("its time was over before anybody could do it"));
    }
}

void mcpz_task_tree_look_after(struct mcpz_task_step *step, struct mcpz_task_now *task)
{
    if (task->is.life != step->tasks->life) {
        mcpz_task_confirm(step, task);
    }
    if (task->is.phase == MCPZ_TASK_SPLIT) {
        mcpz_task_tree_note(step, &task->id);
    }
    if (mcpz_task_level(&task->body) > 0) {
        look_after_part(step, task);
    }
}

bool mcpz_task_tree_look_after_copy(struct mcpz_task_step *step, struct mcpz_task_now *task,
                                    bool out)
{
    uint64_t kept_ms = step->tasks->timing->task_retention_us / 1000;
    struct mcpz_task_state parent;
    mcpz_error error =
        mcpz_task_book_state(&step->tasks->book, &task->body.kin[0].parent, &parent);

    if (error == MCPZ_OK && mcpz_task_is_ours(step, &parent)) {
        mcpz_task_tree_note(step, &task->body.kin[0].parent);
        return true;
    }
    if (!out) {
        return false;
    }
    if (error == MCPZ_OK && mcpz_task_is_over(&parent) && parent.phase != MCPZ_TASK_YIELDED) {
        task->is.owner = step->tasks->self;
        task->is.epoch++;
        task->is.backup = (struct mcpz_id){.bytes = {0}};
        task->is.life = step->tasks->life;
        mcpz_task_end(step, task, MCPZ_TASK_CANCELLED, MCPZ_CODE_CANCELLED,
                      mcpz_text("the task it belongs to is over"));
    } else if (error == MCPZ_ENOTFOUND && task->body.created_ms + kept_ms <= step->wall_ms) {
        mcpz_task_forget(step, task);
    }
    return true;
}

void mcpz_task_tree_lacked(struct mcpz_task_step *step, struct mcpz_task_now *task)
{
    struct mcpz_task_state parent;

    if (mcpz_task_book_state(&step->tasks->book, &task->body.kin[0].parent, &parent) == MCPZ_OK &&
        mcpz_task_is_ours(step, &parent)) {
        mcpz_task_tree_note(step, &task->body.kin[0].parent);
    } else {
        mcpz_task_forget(step, task);
    }
}

void mcpz_task_tree_saved(struct mcpz_task_step *step, const struct mcpz_task_now *task)
{
    bool ours = mcpz_task_is_ours(step, &task->is);
    bool was_ours = mcpz_task_is_ours(step, &task->was);
    bool ends = mcpz_task_is_over(&task->is) && !mcpz_task_is_over(&task->was);

    if (ends && ours && mcpz_task_level(&task->body) > 0) {
        set_kept(step, task, false); /* that it is over is news to its backup */
        if (mcpz_id_is_zero(&task->is.backup)) {
            mcpz_task_tree_note(step, &task->body.kin[0].parent);
        }
    }
    if (task->is.family > 0 && (ends || (was_ours && !ours))) {
        mcpz_task_tree_note(step, &task->id);
    }
}

void mcpz_task_tree_kept(struct mcpz_task_step *step, const struct mcpz_task_now *task)
{
    if (task->is.phase == MCPZ_TASK_SPLIT) {
        mcpz_task_tree_note(step, &task->id);
    }
    if (mcpz_task_level(&task->body) > 0) {
        mcpz_task_tree_note(step, &task->body.kin[0].parent);
    }
}

void mcpz_task_tree_revive(struct mcpz_task_step *step, struct mcpz_task_now *task)
{
    task->is.phase = MCPZ_TASK_SPLIT;
    task->is.round++;
    mcpz_task_save(step, task);
    set_kept(step, task, false);
    mcpz_task_tree_note(step, &task->id);
}
