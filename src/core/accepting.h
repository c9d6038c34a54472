/*
 * Submissions whose client has not been answered yet: another node is to have the task on disk
 * first. In the order in which they came, which is that of their ids.
 *
 * Who submits the same key meanwhile waits for the same task: few do, and they stand apart.
 */

#ifndef CORE_ACCEPTING_H
#define CORE_ACCEPTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "proto/id.h"
#include "proto/task.h"

#define MCPZ_ACCEPTING_MAX 16384
#define MCPZ_ACCEPTING_BYTES_MAX 8388608 /* of what they bring: half of a link's lane */
#define MCPZ_ACCEPTING_ALSO_MAX 64

struct mcpz_accepting_row {
    uint64_t request; /* 0: answered */
    struct mcpz_task_id id;
    struct mcpz_id backup; /* who was asked last; zeros: nobody could be */
    uint64_t epoch;        /* in which it was asked */
    uint64_t group;        /* where it stands, once it may be begun */
    uint64_t order;
    uint32_t bytes; /* it brings so many */
    uint32_t copies_min;
    mcpz_time since_us;
    mcpz_time ask_again_at_us;
};

/* Somebody else who waits for a task that stands above. */
struct mcpz_accepting_also {
    uint64_t request; /* 0: free */
    struct mcpz_task_id id;
};

/* A ring: `first` is the oldest, rows answered in the middle stay until they are. */
struct mcpz_accepting {
    struct mcpz_accepting_row rows[MCPZ_ACCEPTING_MAX];
    size_t first;
    size_t count;
    size_t bytes;
    mcpz_time look_at_us; /* none is to be asked again before */
    struct mcpz_accepting_also also[MCPZ_ACCEPTING_ALSO_MAX];
    size_t also_count;
};

void mcpz_accepting_init(struct mcpz_accepting *accepting);

/** Is there room for one that brings so much? */
bool mcpz_accepting_has_room(const struct mcpz_accepting *accepting, size_t bytes);

/** Append. There is room (asserted), and its id comes after those of all before it (asserted). */
void mcpz_accepting_add(struct mcpz_accepting *accepting, const struct mcpz_accepting_row *row);

/** One more waits for this task, which somebody waits for. False: too many do. */
bool mcpz_accepting_add_also(struct mcpz_accepting *accepting, const struct mcpz_task_id *id,
                             uint64_t request);

/** Who waits for this task, NULL if nobody does. */
struct mcpz_accepting_row *mcpz_accepting_find(struct mcpz_accepting *accepting,
                                               const struct mcpz_task_id *id);

/** Take off one of the others who wait for it. 0: there is none. */
uint64_t mcpz_accepting_take_also(struct mcpz_accepting *accepting, const struct mcpz_task_id *id);

/** The `index`-th row, from 0 to count - 1; it may be answered already. */
struct mcpz_accepting_row *mcpz_accepting_at(struct mcpz_accepting *accepting, size_t index);

/** It was answered. */
void mcpz_accepting_remove(struct mcpz_accepting *accepting, struct mcpz_accepting_row *row);

/** Look at all that have nobody to ask at once: somebody has come. */
void mcpz_accepting_wake(struct mcpz_accepting *accepting, mcpz_time now);

/** Those due at `now` were asked again, or all of them that a step has room for: look again then.
 */
void mcpz_accepting_looked(struct mcpz_accepting *accepting, mcpz_time now);

/** When somebody has to be asked again. */
mcpz_time mcpz_accepting_deadline(const struct mcpz_accepting *accepting);

#endif
