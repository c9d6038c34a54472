/*
 * Starting a command in a workspace of its own: what tasks (exec/job.h) and workers
 * (exec/worker.h) have in common.
 */

#ifndef EXEC_LAUNCH_H
#define EXEC_LAUNCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "exec/child.h"
#include "exec/machine.h"
#include "exec/provision.h"
#include "exec/workspace.h"

#define MCPZ_ENVIRONMENT_MAX 64

/* "NAME=VALUE", ours, and a NULL behind the last. Zeroed is empty. */
struct mcpz_environment {
    char *entries[MCPZ_ENVIRONMENT_MAX + 1];
    size_t count;
};

/** False: no memory. */
bool mcpz_environment_add(struct mcpz_environment *environment, const char *name,
                          const char *value);
bool mcpz_environment_has(const struct mcpz_environment *environment, const char *name);
bool mcpz_environment_add_number(struct mcpz_environment *environment, const char *name,
                                 uint64_t number);
void mcpz_environment_finish(struct mcpz_environment *environment);

/* Where workspaces are made. */
struct mcpz_launch_site {
    struct mcpz_machine machine;
    const char *directory; /* absolute: the workspaces are in it */
    int root;              /* the same, open */
    uint32_t counter;      /* of workspaces */
};

struct mcpz_launch {
    const struct mcpz_provision *provision; /* for the call */
    uint32_t cpu_seconds_max;               /* of one process; 0: no limit */
    bool endless;                           /* limits.time is not the workspace's */
    bool plans;                             /* it may say a plan of subtasks */
};

/**
 * Make a workspace, whose name goes to `workspace` of MCPZ_WORKSPACE_NAME_BYTES, add to
 * `environment` what every command has and it does not say, and start. On error there is no
 * workspace, and `*what` says in words what could not be done.
 *
 * Errors: MCPZ_EIO  errno says why; MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_launch(struct mcpz_launch_site *site,
                                     const struct mcpz_launch *launch,
                                     struct mcpz_environment *environment, char *workspace,
                                     struct mcpz_child *child, const char **what);

#endif
