/*
 * The result of a task that was split, out of those of its subtasks: piece by piece, in the order
 * in which it is read. Nothing of it is kept anywhere a second time.
 *
 *   parallel     [RESULT, RESULT, null]         what failed is null
 *   sequential   the result of the last
 *   weighted     the mean, which is kept
 *   reduced      the result of the one that reduces; its input is an array as above, with weights
 *                [{"weight":2,"result":RESULT}, ...]
 *
 * A RESULT that is JSON stands there as it is; other text is a string, other bytes are one in
 * base64. Of a subtask that was split itself it is what this makes of that.
 */

#ifndef CORE_TASK_GATHER_H
#define CORE_TASK_GATHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/task_book.h"
#include "proto/limits.h"
#include "proto/plan.h"
#include "proto/task.h"

#define MCPZ_GATHER_DEPTH_MAX (MCPZ_SUBTASK_LEVELS_MAX + 2)
#define MCPZ_GATHER_PENDING_BYTES 64

/* One thing that is being read, and how far. */
struct mcpz_gather_frame {
    struct mcpz_task_id id;
    uint32_t kind;
    uint32_t index; /* of an array: the part that is next */
    size_t offset;  /* of a result */
    bool within;    /* of an array: its part is being read */
};

struct mcpz_gather {
    const struct mcpz_planner *planner;
    struct mcpz_gather_frame frames[MCPZ_GATHER_DEPTH_MAX];
    size_t depth;
    char pending[MCPZ_GATHER_PENDING_BYTES]; /* what is to be given next */
    size_t pending_at;
    size_t pending_length;
};

/** Begin with the result of a task. `planner` is borrowed. */
void mcpz_gather_result(struct mcpz_gather *gather, const struct mcpz_planner *planner,
                        struct mcpz_task_book *book, const struct mcpz_task_id *id);

/** Begin with the array of the results of a task's subtasks, for the one that reduces. */
void mcpz_gather_parts(struct mcpz_gather *gather, const struct mcpz_planner *planner,
                       const struct mcpz_task_id *id);

/** Read on, up to `capacity` bytes (at least MCPZ_GATHER_PENDING_BYTES). 0: that was all. */
size_t mcpz_gather_read(struct mcpz_gather *gather, struct mcpz_task_book *book, uint8_t *buffer,
                        size_t capacity);

#endif
