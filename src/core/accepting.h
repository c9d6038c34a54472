/*
 * Submissions whose client has not been answered yet: another node is to have the task on disk
 * first. In the order in which they came, so that the first one found is nearly always the first.
 */

#ifndef CORE_ACCEPTING_H
#define CORE_ACCEPTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "proto/id.h"
#include "proto/task.h"

#define MCPZ_ACCEPTING_MAX 4096

struct mcpz_accepting_row {
    uint64_t request; /* 0: answered */
    struct mcpz_task_id id;
    struct mcpz_id backup; /* who was asked last; zeros: nobody could be */
    mcpz_time since_us;
    mcpz_time ask_again_at_us;
};

/* A ring: `first` is the oldest, rows answered in the middle stay until they are. */
struct mcpz_accepting {
    struct mcpz_accepting_row rows[MCPZ_ACCEPTING_MAX];
    size_t first;
    size_t count;
};

void mcpz_accepting_init(struct mcpz_accepting *accepting);

/** Append. False: it is full. */
bool mcpz_accepting_add(struct mcpz_accepting *accepting, const struct mcpz_accepting_row *row);

/** The first that waits for this task, NULL if none does. */
struct mcpz_accepting_row *mcpz_accepting_find(struct mcpz_accepting *accepting,
                                               const struct mcpz_task_id *id);

/** The `index`-th row, from 0 to count - 1; it may be answered already. */
struct mcpz_accepting_row *mcpz_accepting_at(struct mcpz_accepting *accepting, size_t index);

/** It was answered. */
void mcpz_accepting_remove(struct mcpz_accepting *accepting, struct mcpz_accepting_row *row);

/** When somebody has to be asked again, more or less. */
mcpz_time mcpz_accepting_deadline(const struct mcpz_accepting *accepting);

#endif
