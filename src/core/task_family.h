/* A task that was split and its subtasks, which are made of its plan. For core/task_*.c only. */

#ifndef CORE_TASK_FAMILY_H
#define CORE_TASK_FAMILY_H

#include "core/task_step.h"

/* A split task and what is known of where it should be. */
struct mcpz_task_family {
    struct mcpz_task_now task;
    struct mcpz_task_plan plan;
    struct mcpz_task_now root; /* the same task, if it is one */
    struct mcpz_id home;       /* whom the tree is to be kept by; zeros: there is nobody else */
};

/** Read a subtask. False: it is not there, or cannot be read. */
bool mcpz_task_load_part(struct mcpz_task_step *step, const struct mcpz_task_id *parent,
                         uint64_t salt, uint32_t part, struct mcpz_task_now *task);

/** Make those of `from` up to `to` that are not there, some of them. */
void mcpz_task_make_parts(struct mcpz_task_step *step, const struct mcpz_task_family *family,
                          uint32_t from, uint32_t to);

#endif
