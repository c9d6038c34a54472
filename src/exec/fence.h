/*
 * What a process goes through before it becomes a command, so that it and all it starts stay in
 * their workspace: in this order, since each step takes away what the one before needed.
 *
 *   group       cgroup: memory, processors, processes       exec/cgroup.h
 *   limits      rlimits, processors it may run on
 *   namespaces  of network and IPC, in one of users         user_namespaces(7)
 *   mounts      all read-only but the workspace, in a namespace of their own
 *   privileges  no capabilities, none to gain
 *   Landlock    what it may open                            exec/landlock.h
 *   seccomp     what it may ask the kernel for              exec/seccomp.h
 *
 * What this machine lacks is left out (exec/machine.h says what): whoever offers the capability
 * has allowed that. Where a cgroup does not limit, rlimits stand at twice the limit, as a backstop
 * for exec/guard.h, which looks often and can say what happened.
 *
 * Async-signal-safe throughout: it runs between fork and exec.
 */

#ifndef EXEC_FENCE_H
#define EXEC_FENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "exec/machine.h"
#include "exec/provision.h"

struct mcpz_fence {
    const struct mcpz_machine *machine;
    const struct mcpz_provision *provision;
    const char *workspace;    /* absolute */
    const char *name;         /* of its group */
    uint32_t cpu_seconds_max; /* of one process; 0: no limit */
    bool endless;             /* limits.time is kept by somebody else */
    uint32_t turn;            /* counts on, so that workspaces do not share one processor */
};

enum mcpz_fence_stage {
    MCPZ_FENCE_PASSED = 0,
    MCPZ_FENCE_GROUP,
    MCPZ_FENCE_LIMITS,
    MCPZ_FENCE_NAMESPACES,
    MCPZ_FENCE_MOUNTS,
    MCPZ_FENCE_PRIVILEGES,
    MCPZ_FENCE_LANDLOCK,
    MCPZ_FENCE_SECCOMP,
};

/** Go through all of it. Not PASSED: where it failed; errno says why. */
enum mcpz_fence_stage mcpz_fence_enter(const struct mcpz_fence *fence);

/**
 * Enter namespaces of our own, with the same user and group; with `mounts` one of mounts too.
 * False: nothing has changed, or the process is of no use any more.
 */
bool mcpz_fence_namespaces(bool network, bool mounts);

/**
 * In a namespace of mounts: make all of them read-only, but `writable` ones (`count`, of
 * directories or files that are there). What Landlock does not see, chmod() and the like, ends
 * here. False: errno says why.
 */
bool mcpz_fence_mounts(const char *const *writable, size_t count);

/** "cgroup", "limits", ... */
const char *mcpz_fence_word(enum mcpz_fence_stage stage);

#endif
