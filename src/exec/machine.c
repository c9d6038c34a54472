#include "exec/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/attr.h"
#include "exec/census.h"
#include "exec/fence.h"
#include "exec/landlock.h"
#include "exec/seccomp.h"

/*
 * In a process of its own, since there is no way back. The answer comes through a pipe: somebody
 * else in this process may reap all children.
 */
static bool try_namespaces(bool mounts)
{
    int ends[2];
    char answer = 0;

    if (pipe2(ends, O_CLOEXEC) < 0) {
        return false;
    }
    pid_t pid = fork();
    if (pid == 0) {
        static const char *const writable[] = {"/tmp"}; /* is there, or is passed over */
        answer = (char)(mcpz_fence_namespaces(false, mounts) &&
                        (!mounts || mcpz_fence_mounts(writable, 1)));
        _exit(write(ends[1], &answer, 1) == 1 ? 0 : 1);
    }
    (void)close(ends[1]);
    if (pid < 0 || read(ends[0], &answer, 1) != 1) {
        answer = 0;
    }
    (void)close(ends[0]);
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
    return answer != 0;
}

void mcpz_machine_init(struct mcpz_machine *machine)
{
    machine->landlock_abi = mcpz_landlock_abi();
    machine->seccomp = mcpz_seccomp_is_there();
    machine->namespaces = try_namespaces(false);
    machine->mounts = machine->namespaces && try_namespaces(true);
    int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    machine->census = proc >= 0 && mcpz_census_is_possible(proc);
    if (proc >= 0) {
        (void)close(proc);
    }
    mcpz_cgroups_open(&machine->cgroups);
}

void mcpz_machine_finish(struct mcpz_machine *machine)
{
    mcpz_cgroups_close(&machine->cgroups);
}

void mcpz_machine_show_missing(const struct mcpz_machine *machine, char *text, size_t capacity)
{
    const struct {
        bool is_there;
        const char *words;
    } parts[] = {
        {machine->landlock_abi > 0, "Landlock"},       {machine->seccomp, "seccomp"},
        {machine->cgroups.memory, "cgroup v2 memory"}, {machine->cgroups.cpu, "cgroup v2 cpu"},
        {machine->cgroups.pids, "cgroup v2 pids"},
    };
    size_t used = 0;

    text[0] = '\0';
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(parts); i++) {
        if (!parts[i].is_there && used < capacity) {
            int length = snprintf(text + used, capacity - used, "%s%s", used == 0 ? "" : ", ",
                                  parts[i].words);
            used += length > 0 ? (size_t)length : 0;
        }
    }
}

enum mcpz_isolation mcpz_machine_isolation(const struct mcpz_machine *machine,
                                           enum mcpz_isolation wanted)
{
    char missing[MCPZ_MACHINE_TEXT_BYTES];

    mcpz_machine_show_missing(machine, missing, sizeof(missing));
    if (wanted == MCPZ_ISOLATION_NONE || wanted == MCPZ_ISOLATION_UNSAID) {
        return MCPZ_ISOLATION_NONE;
    }
    if (missing[0] == '\0') {
        return MCPZ_ISOLATION_STRICT;
    }
    return wanted == MCPZ_ISOLATION_STRICT ? MCPZ_ISOLATION_UNSAID : MCPZ_ISOLATION_DEGRADED;
}
