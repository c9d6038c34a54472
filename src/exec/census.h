/*
 * Who lives in a workspace, and what they use: where no cgroup counts, the keeper does.
 *
 * A keeper is the forebear of all (subreaper), so its descendants are the workspace. They are
 * found through /proc/PID/task/TID/children, which costs what they are and not what the machine
 * runs. What is born while we look is seen the next time.
 *
 * Memory is the sum of resident pages; since pages shared between processes count once for each,
 * a sum over the limit is looked at again by proportional share (Pss), which is dearer to read.
 *
 * Source: proc(5). Async-signal-safe.
 */

#ifndef EXEC_CENSUS_H
#define EXEC_CENSUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "host/service.h"

struct mcpz_census {
    pid_t pids[MCPZ_LIMIT_PROCESSES_MAX + 1];
    size_t count; /* all, or one more than was asked for */
    uint64_t memory_bytes;
};

/** Does this kernel tell of children (CONFIG_PROC_CHILDREN)? `proc` is the directory /proc. */
bool mcpz_census_is_possible(int proc);

/**
 * Count the descendants of `forebear`, itself not included, and stop at `most` + 1 of them.
 * `memory_max`: up to where the cheap sum is good enough.
 */
void mcpz_census_take(struct mcpz_census *census, int proc, pid_t forebear, size_t most,
                      uint64_t memory_max);

/** Bytes on device `device` of files that they hold open but that have no name any more. */
uint64_t mcpz_census_unlinked(const struct mcpz_census *census, int proc, dev_t device);

#endif
