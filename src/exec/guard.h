/*
 * The limits that nobody keeps for us: looked at now and then while a command runs.
 *
 *   time        by the clock on the wall
 *   disk        the workspace is measured, and what is open but has no name any more
 *   memory      of all processes together         } unless a cgroup does it
 *   processes   how many there are                }
 *
 * Looking costs what the workspace has, so large ones are measured more rarely: at most a
 * twentieth of the time goes into it. Between two looks a limit can be overrun; rlimits at twice
 * the limit are the end of that (exec/fence.h).
 *
 * In the keeper: async-signal-safe.
 */

#ifndef EXEC_GUARD_H
#define EXEC_GUARD_H

#include <stdint.h>

#include "exec/census.h"
#include "exec/fence.h"
#include "exec/limit.h"

#define MCPZ_GUARD_LOOK_MS 50       /* between two looks at memory and processes */
#define MCPZ_GUARD_MEASURE_MS 200   /* between two measurements of the disk, at least */
#define MCPZ_GUARD_MEASURE_SHARE 20 /* and so many times as long as the last one took */

struct mcpz_guard {
    const struct mcpz_fence *fence;
    int proc; /* the directory /proc */
    int workspace;
    uint64_t end_ms;
    uint64_t look_ms;    /* when the next look is due */
    uint64_t measure_ms; /* and the next measurement */
    struct mcpz_census census;
};

/** Milliseconds of a clock that never goes back. */
uint64_t mcpz_guard_now_ms(void);

/** `proc` is borrowed. */
void mcpz_guard_init(struct mcpz_guard *guard, const struct mcpz_fence *fence, int proc,
                     uint64_t now_ms);
void mcpz_guard_finish(struct mcpz_guard *guard);

/** How long until mcpz_guard_look() has something to do. */
int mcpz_guard_wait_ms(const struct mcpz_guard *guard, uint64_t now_ms);

/** What has been overrun, of what this process's descendants use. */
enum mcpz_limit mcpz_guard_look(struct mcpz_guard *guard, uint64_t now_ms);

/** After its end: what the kernel stopped it for, as far as it tells. `status`: from waitpid() */
enum mcpz_limit mcpz_guard_verdict(const struct mcpz_fence *fence, int status);

#endif
