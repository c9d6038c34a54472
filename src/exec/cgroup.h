/*
 * Control groups, version 2: limits the kernel keeps over all processes of a workspace together,
 * and an end for all of them at once.
 *
 *   OWN/                      the group this node was started in, if it may write there
 *   OWN/mcpz-node-PID/        the node itself, moved there so that OWN may hand on controllers
 *   OWN/mcpz-PID/             ours
 *   OWN/mcpz-PID/task-.../    one workspace
 *
 * Each part may be missing: version 1 or no mount at all, a group that is not delegated to us
 * (systemd: Delegate=yes), other processes in it, controllers bound elsewhere. Without controllers
 * a group still counts its processes and kills them.
 *
 * Source: Documentation/admin-guide/cgroup-v2.rst, "No Internal Process Constraint".
 */

#ifndef EXEC_CGROUP_H
#define EXEC_CGROUP_H

#include <limits.h>
#include <stdbool.h>

#include "host/service.h"

struct mcpz_cgroups {
    char path[PATH_MAX]; /* OWN/mcpz-PID; "": there are none for us */
    bool memory;         /* controllers that limit its children */
    bool cpu;
    bool pids;
    bool kill; /* cgroup.kill is there: Linux 5.14 */
};

/** Find them and make ours. What is missing is left out; never fails. */
void mcpz_cgroups_open(struct mcpz_cgroups *cgroups);

/** The same below the mount `mount`, where the node is in the group `own` ("/..."). */
void mcpz_cgroups_open_at(struct mcpz_cgroups *cgroups, const char *mount, const char *own);

/** Remove ours, if nobody is in it. */
void mcpz_cgroups_close(struct mcpz_cgroups *cgroups);

/* ---- One workspace's, in the keeper: async-signal-safe ------------------------------------ */

/** Make the group `name` with these limits, as far as there are controllers. False: errno. */
bool mcpz_cgroup_make(const struct mcpz_cgroups *cgroups, const char *name,
                      const struct mcpz_service_limits *limits);

/** Put this process into it. False: errno. */
bool mcpz_cgroup_join(const struct mcpz_cgroups *cgroups, const char *name);

/** Kill all in it. False: there is no such thing here. */
bool mcpz_cgroup_kill(const struct mcpz_cgroups *cgroups, const char *name);

/** How often the kernel killed for memory, and refused a process. 0 where it does not count. */
void mcpz_cgroup_hits(const struct mcpz_cgroups *cgroups, const char *name, uint64_t *memory,
                      uint64_t *processes);

/** Nobody may be in it any more. */
void mcpz_cgroup_remove(const struct mcpz_cgroups *cgroups, const char *name);

#endif
