/* The subtasks of a plan, one by one: how they are named, and what they weigh. */

#ifndef CORE_TASK_PLAN_H
#define CORE_TASK_PLAN_H

#include <stdint.h>

#include "base/bytes.h"
#include "proto/limits.h"
#include "proto/plan.h"
#include "proto/task.h"

/** How part `part` of a task is named, by its plan: however often it is made, the same. */
struct mcpz_task_id mcpz_task_part_id(const struct mcpz_task_id *parent, uint64_t salt,
                                      uint32_t part);

/** How many subtasks there are, the one that reduces included. */
static inline uint32_t mcpz_task_plan_parts(const struct mcpz_task_plan *plan)
{
    return plan->count + (plan->reduces ? 1 : 0);
}

/** The weight of part `part`, in thousandths. */
uint32_t mcpz_task_part_weight(const struct mcpz_task_plan *plan, uint32_t part);

#define MCPZ_PLAN_WEIGHTS_BYTES (4 * MCPZ_SUBTASKS_MAX)

/** The weights of a plan that was read, as struct mcpz_task_plan has them. */
struct mcpz_bytes mcpz_plan_weights(const struct mcpz_plan *plan,
                                    uint8_t room[MCPZ_PLAN_WEIGHTS_BYTES]);

#endif
