#include "exec/guard.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exec/workspace.h"
#include "host/loop.h"

#define FIRST_LOOK_MS 10 /* what ends before it is not looked at */
#define SHELL_SIGNALS                                                                             \
    128 /* a shell's exit status for a command killed by signal n: this and n                     \
         */

uint64_t mcpz_guard_now_ms(void)
{
    return mcpz_clock_now() / MCPZ_MS(1);
}

void mcpz_guard_init(struct mcpz_guard *guard, const struct mcpz_fence *fence, int proc,
                     uint64_t now_ms)
{
    guard->fence = fence;
    guard->proc = proc;
    guard->workspace = open(fence->workspace, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    guard->end_ms = fence->endless
                        ? UINT64_MAX
                        : now_ms + (uint64_t)fence->provision->provider.limits.seconds * 1000;
    guard->look_ms = now_ms + FIRST_LOOK_MS;
    guard->measure_ms = now_ms + MCPZ_GUARD_MEASURE_MS;
    guard->census.count = 0;
}

void mcpz_guard_finish(struct mcpz_guard *guard)
{
    if (guard->workspace >= 0) {
        (void)close(guard->workspace);
        guard->workspace = -1;
    }
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

int mcpz_guard_wait_ms(const struct mcpz_guard *guard, uint64_t now_ms)
{
    uint64_t next = least(guard->end_ms, least(guard->look_ms, guard->measure_ms));
    uint64_t wait = next > now_ms ? next - now_ms : 0;
    return wait < INT_MAX ? (int)wait : INT_MAX;
}

static enum mcpz_limit look_at_processes(struct mcpz_guard *guard, uint64_t now_ms)
{
    const struct mcpz_service_limits *limits = &guard->fence->provision->provider.limits;
    const struct mcpz_machine *machine = guard->fence->machine;

    /* Cheap ones are looked at often. Also counted for the files they hold, see measure(). */
    guard->look_ms =
        now_ms + (machine->cgroups.memory && machine->cgroups.pids ? MCPZ_GUARD_MEASURE_MS
                                                                   : MCPZ_GUARD_LOOK_MS);
    if (!machine->census) {
        return MCPZ_LIMIT_NONE;
    }
    mcpz_census_take(&guard->census, guard->proc, getpid(), limits->processes,
                     limits->memory_bytes);
    if (guard->census.count > limits->processes && !machine->cgroups.pids) {
        return MCPZ_LIMIT_PROCESSES;
    }
    return guard->census.memory_bytes > limits->memory_bytes && !machine->cgroups.memory
               ? MCPZ_LIMIT_MEMORY
               : MCPZ_LIMIT_NONE;
}

static enum mcpz_limit measure(struct mcpz_guard *guard)
{
    const uint64_t most = guard->fence->provision->provider.limits.disk_bytes;
    struct mcpz_workspace_size size;
    struct stat facts;

    if (guard->workspace < 0 || fstat(guard->workspace, &facts) < 0) {
        return MCPZ_LIMIT_NONE;
    }
    mcpz_workspace_measure(guard->workspace, most, &size);
    if (size.files > MCPZ_WORKSPACE_FILES_MAX) {
        return MCPZ_LIMIT_ENTRIES;
    }
    if (size.bytes <= most) {
        size.bytes += mcpz_census_unlinked(&guard->census, guard->proc, facts.st_dev);
    }
    if (size.bytes > most) {
        return MCPZ_LIMIT_DISK;
    }
    return size.too_deep ? MCPZ_LIMIT_DEPTH : MCPZ_LIMIT_NONE;
}

enum mcpz_limit mcpz_guard_look(struct mcpz_guard *guard, uint64_t now_ms)
{
    enum mcpz_limit limit = MCPZ_LIMIT_NONE;

    if (now_ms >= guard->end_ms) {
        return MCPZ_LIMIT_TIME;
    }
    if (now_ms >= guard->look_ms) {
        limit = look_at_processes(guard, now_ms);
    }
    if (limit == MCPZ_LIMIT_NONE && now_ms >= guard->measure_ms) {
        limit = measure(guard);
        uint64_t end_ms = mcpz_guard_now_ms();
        uint64_t pause = (end_ms - now_ms) * MCPZ_GUARD_MEASURE_SHARE;
        guard->measure_ms =
            end_ms + (pause > MCPZ_GUARD_MEASURE_MS ? pause : MCPZ_GUARD_MEASURE_MS);
    }
    return limit;
}

/* The command itself, or what its shell reports of the last command in it. */
static bool ended_by(int status, int number)
{
    return (WIFSIGNALED(status) && WTERMSIG(status) == number) ||
           (WIFEXITED(status) && WEXITSTATUS(status) == SHELL_SIGNALS + number);
}

enum mcpz_limit mcpz_guard_verdict(const struct mcpz_fence *fence, int status)
{
    uint64_t memory = 0;
    uint64_t processes = 0;

    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return MCPZ_LIMIT_NONE;
    }
    if (fence->machine->cgroups.path[0] != '\0') {
        mcpz_cgroup_hits(&fence->machine->cgroups, fence->name, &memory, &processes);
    }
    if (memory > 0) {
        return MCPZ_LIMIT_MEMORY;
    }
    if (processes > 0) {
        return MCPZ_LIMIT_PROCESSES;
    }
    if (ended_by(status, SIGXCPU)) {
        return MCPZ_LIMIT_CPU;
    }
    return ended_by(status, SIGXFSZ) ? MCPZ_LIMIT_DISK : MCPZ_LIMIT_NONE;
}
