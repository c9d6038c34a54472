/*
 * What this machine has to close workspaces off with, found out by trying.
 *
 * Some of it hangs on the kernel, some on who we are (root, a service, a container): only trying
 * tells. Everything here is asked once, when the pool is made, and by `mcpz doctor`.
 */

#ifndef EXEC_MACHINE_H
#define EXEC_MACHINE_H

#include <stdbool.h>
#include <stddef.h>

#include "exec/cgroup.h"
#include "host/service.h"

#define MCPZ_MACHINE_TEXT_BYTES 256

struct mcpz_machine {
    int landlock_abi; /* 0: none */
    bool seccomp;
    bool namespaces; /* of users, network and IPC, without privileges */
    bool mounts;     /* the same, of mounts, which can be made read-only */
    bool census;     /* /proc tells of children: exec/census.h */
    struct mcpz_cgroups cgroups;
};

/** Try everything. Groups are made: mcpz_machine_finish() removes them. */
void mcpz_machine_init(struct mcpz_machine *machine);
void mcpz_machine_finish(struct mcpz_machine *machine);

/**
 * What a provider that wants `wanted` gets here: strict if nothing is missing, degraded if that
 * will do, none if it wants none. MCPZ_ISOLATION_UNSAID: strict is wanted and not to be had.
 */
enum mcpz_isolation mcpz_machine_isolation(const struct mcpz_machine *machine,
                                           enum mcpz_isolation wanted);

/** What strict isolation lacks here, in words: "Landlock, cgroup v2 memory". Empty: nothing. */
void mcpz_machine_show_missing(const struct mcpz_machine *machine, char *text, size_t capacity);

#endif
