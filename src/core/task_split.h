/*
 * How a task becomes one that is split: the plan that its provider gave is read, held against what
 * one task and this node may have, and kept. What follows from it: core/task_tree.h.
 */

#ifndef CORE_TASK_SPLIT_H
#define CORE_TASK_SPLIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "proto/plan.h"
#include "proto/task.h"

struct mcpz_task_step;
struct mcpz_task_now;

/**
 * Split `task`, whose kept result is a plan. False: it cannot be; `*code` and `*text` (in the
 * outbox) say why, for good.
 */
bool mcpz_task_split(struct mcpz_task_step *step, struct mcpz_task_now *task, uint32_t *code,
                     struct mcpz_bytes *text);

/**
 * Read a plan. What it names lies in the tree's own room until the next one is read. False: it is
 * none; `*why` says so of subtask `*at` (1 is the first; 0: of all of it).
 */
bool mcpz_task_plan_read(struct mcpz_task_step *step, struct mcpz_bytes text,
                         struct mcpz_plan *plan, const char **why, size_t *at);

/**
 * Keep a plan as the backup of its task. False: it is none; nothing is kept.
 */
bool mcpz_task_plan_keep(struct mcpz_task_step *step, const struct mcpz_task_id *id,
                         struct mcpz_bytes text);

#endif
