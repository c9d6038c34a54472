/* Attempts under way, a slot each: which task, in which queue, and its call. */

#ifndef CORE_TASK_SLOTS_H
#define CORE_TASK_SLOTS_H

#include "core/task_step.h"

#define MCPZ_TASK_BLOCKED_US                                                                      \
    MCPZ_SECONDS(1)                /* until a queue that nobody can do is looked at again */
#define MCPZ_TASK_ASK_AGAIN_MS 500 /* between two questions to who may have done it */

/** NULL: this task is not under way. */
struct mcpz_task_slot *mcpz_task_slot_find(struct mcpz_tasks *tasks,
                                           const struct mcpz_task_id *id);

/** The slot that made this call. NULL: it was stopped meanwhile. */
struct mcpz_task_slot *mcpz_task_slot_of_request(struct mcpz_tasks *tasks, uint64_t request);

/** A slot for a task that stands in `queue`, not called for yet. NULL: all are taken. */
struct mcpz_task_slot *mcpz_task_slot_take(struct mcpz_tasks *tasks,
                                           const struct mcpz_task_queue *queue,
                                           const struct mcpz_task_now *task);

/** It is under way no more. Its row, if it is still in the queue, can be begun again. */
void mcpz_task_slot_free(struct mcpz_tasks *tasks, struct mcpz_task_slot *slot);

/** Nothing of this queue is begun for so long. */
void mcpz_task_block(struct mcpz_task_step *step, uint64_t group, mcpz_time for_us);

/** Begin the call of a slot that was taken; what the task had of a result is dropped. */
void mcpz_task_slot_open(struct mcpz_task_step *step, struct mcpz_task_slot *slot,
                         const struct mcpz_task_now *task);

/** Say START, or say it again. With a key nobody hears of it before it is on disk who was asked.
 */
void mcpz_task_slot_start(struct mcpz_task_step *step, struct mcpz_task_slot *slot,
                          const struct mcpz_task_now *task);

/** Cancel its call, if there is one. The slot stays taken. */
void mcpz_task_slot_cancel(struct mcpz_task_step *step, const struct mcpz_task_slot *slot);

/** The provider takes `credit` bytes more of the input. */
void mcpz_task_slot_send_input(struct mcpz_task_step *step, struct mcpz_task_slot *slot,
                               uint32_t credit);

/* task_outcomes.c */

/** The attempt has ended so: the task is done, waits for another, or is given up. Frees the slot.
 */
void mcpz_task_finish(struct mcpz_task_step *step, struct mcpz_task_slot *slot,
                      const struct mcpz_action_task *end);

/** End the attempt for a reason of our own. */
void mcpz_task_finish_for(struct mcpz_task_step *step, struct mcpz_task_slot *slot, uint32_t code,
                          const char *text);

#endif
