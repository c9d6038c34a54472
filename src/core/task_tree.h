/*
 * Tasks that were split: what becomes of them and of their subtasks.
 *
 *   provider says a plan (proto/plan.h)
 *     QUEUED ----> SPLIT, plan and all on two disks ----> its subtasks are made, and done like any
 *                    |                                      other task with a key
 *                    |<-------- each outcome, once it is on two disks
 *                    +--> DONE        all that is needed was done: core/task_gather.h
 *                    +--> DEAD        more failed than may: `subtask_failed`
 *                    +--> CANCELLED
 *                  and what is still open below it is cancelled
 *
 * Nobody works at a task while it is SPLIT. A subtask may be split again, MCPZ_SUBTASK_LEVELS_MAX
 * levels deep, MCPZ_TASK_FAMILY_MAX subtasks in all below one root.
 *
 * All that is done here is done by *attending* to one split task at a time: what it was split into
 * is held against what there is, and the difference made good. That can be done at any time and
 * any number of times. It is due when something has changed (mcpz_task_tree_note()); what was
 * forgotten by a crash, a sweep through all tasks finds.
 *
 * A tree is together: one owner, one backup. That is what makes a crash at any moment harmless:
 *
 *   - names and keys of subtasks come from parent and part: made twice, they are the same;
 *   - a subtask is made once its parent's plan is on both disks;
 *   - it is begun only by who owns its parent, while both are kept by the same backup, and once
 *     all is over that its input comes out of;
 *   - nothing follows from an outcome before that is on both disks;
 *   - to another backup subtasks go first, their parent last; who takes over a parent has all that
 *     ever followed from it, takes over its subtasks, and makes those it does not know;
 *   - who yields a task yields what is below it;
 *   - whose the root is, its parts are: a part that its backup holds another for is claimed anew.
 *
 * Replaying a root tries again what has failed below it, and nothing else. Subtasks are forgotten
 * with their parent.
 */

#ifndef CORE_TASK_TREE_H
#define CORE_TASK_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "proto/limits.h"
#include "proto/record.h"
#include "proto/task.h"

#define MCPZ_TREE_DUE_MAX 256

struct mcpz_task_step;
struct mcpz_task_now;

/* Whom to attend to. */
struct mcpz_task_due {
    struct mcpz_task_id id;
    bool ended; /* it was forgotten with all that is below it, not merely yielded */
};

struct mcpz_task_tree {
    struct mcpz_task_due due[MCPZ_TREE_DUE_MAX]; /* a ring */
    size_t first;
    size_t count;
    struct mcpz_record_task_listed walk; /* how far lost subtasks were looked for */
    mcpz_time walk_at_us;
    uint64_t split;                    /* tasks, since the start */
    uint64_t made;                     /* subtasks */
    uint8_t text[MCPZ_PLAN_BYTES_MAX]; /* of the plan that is being read */
};

void mcpz_task_tree_init(struct mcpz_task_tree *tree);

/** Something has changed about this task or what is below it. */
void mcpz_task_tree_note(struct mcpz_task_step *step, const struct mcpz_task_id *id);

/** This task has been forgotten: so is to be what is below it. */
void mcpz_task_tree_end(struct mcpz_task_step *step, const struct mcpz_task_id *id);

/** May this subtask of ours be begun? Otherwise what is in its way is seen to. */
bool mcpz_task_tree_may_begin(struct mcpz_task_step *step, const struct mcpz_task_now *task);

/** One of ours that is split, or a subtask, is passed by a sweep. */
void mcpz_task_tree_look_after(struct mcpz_task_step *step, struct mcpz_task_now *task);

/**
 * Another's subtask is passed by a sweep; `out`: its owner is as good as gone. False: there is
 * nothing to be done about it here but to ask its owner.
 */
bool mcpz_task_tree_look_after_copy(struct mcpz_task_step *step, struct mcpz_task_now *task,
                                    bool out);

/** Its owner does not know this subtask that we keep for it. */
void mcpz_task_tree_lacked(struct mcpz_task_step *step, struct mcpz_task_now *task);

/** A task was written, that was another before. */
void mcpz_task_tree_saved(struct mcpz_task_step *step, const struct mcpz_task_now *task);

/** Its backup has it as it is. */
void mcpz_task_tree_kept(struct mcpz_task_step *step, const struct mcpz_task_now *task);

/** A dead root, written as QUEUED again: go on where its tree has failed. */
void mcpz_task_tree_revive(struct mcpz_task_step *step, struct mcpz_task_now *task);

/** Do some of what is due. */
void mcpz_task_tree_work(struct mcpz_task_step *step);

mcpz_time mcpz_task_tree_deadline(const struct mcpz_task_tree *tree);

#endif
