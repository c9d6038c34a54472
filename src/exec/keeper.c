#include "exec/keeper.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exec/listing.h"
#include "exec/workspace.h"

#define STAT_BYTES_MAX 512       /* pid, name and parent stand at the start of /proc/PID/stat */
#define PROC_PATH_BYTES_MAX 32   /* "PID/stat" */
#define RESCAN_MS 50             /* a killed process needs so long only if a disk holds it */
#define DESCRIPTORS_MAX 1048576U /* where close_range() is missing */

static_assert(sizeof(struct mcpz_keeper_report) <= PIPE_BUF, "a report is written in one go");

/* What becomes of the command while the keeper watches. */
struct watch {
    const struct mcpz_keeper *keeper;
    int proc;    /* the directory /proc */
    int signals; /* signalfd */
    pid_t command;
    bool ended;   /* the command's own process */
    bool guarded; /* there is a guard */
    enum mcpz_limit limit;
    int status;  /* of the command, once ended */
    bool counts; /* what is reaped now was killed after the command's end */
    uint32_t stragglers;
    struct mcpz_guard guard;
};

static void report(const struct mcpz_keeper *keeper, const struct mcpz_keeper_report *message)
{
    ssize_t written;
    do {
        written = write(keeper->status, message, sizeof(*message));
    } while (written < 0 && errno == EINTR);
}

static void report_failure(const struct mcpz_keeper *keeper, enum mcpz_keeper_stage stage,
                           int number)
{
    struct mcpz_keeper_report message = {
        .kind = MCPZ_KEEPER_FAILED, .stage = stage, .number = number};
    report(keeper, &message);
}

/* ---- Descriptors and signals -------------------------------------------------------------- */

static void close_range_of(unsigned int first, unsigned int last)
{
    if (first > last || syscall(SYS_close_range, first, last, 0) == 0) {
        return;
    }

    struct rlimit limit;
    unsigned int end = DESCRIPTORS_MAX;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < end) {
        end = (unsigned int)limit.rlim_cur;
    }
    for (unsigned int fd = first; fd <= last && fd < end; fd++) {
        (void)close((int)fd);
    }
}

/* Close all from `from` up but these, of which some may be the same, or -1. */
static void close_all_but(int from, int a, int b, int c)
{
    const int kept[] = {a, b, c};

    for (;;) {
        int next = -1;
        for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
            if (kept[i] >= from && (next < 0 || kept[i] < next)) {
                next = kept[i];
            }
        }
        close_range_of((unsigned int)from, next < 0 ? UINT_MAX : (unsigned int)next - 1);
        if (next < 0) {
            return;
        }
        from = next + 1;
    }
}

static void reset_signals(void)
{
    struct sigaction action = {.sa_handler = SIG_DFL};

    for (int number = 1; number < NSIG; number++) {
        (void)sigaction(number, &action, NULL); /* fails for those that have no other */
    }
}

/* ---- The command -------------------------------------------------------------------------- */

static bool set_limit(__rlimit_resource_t resource, rlim_t most)
{
    struct rlimit limit;

    if (getrlimit(resource, &limit) < 0) {
        return false;
    }
    if (limit.rlim_max > most) {
        limit.rlim_max = most;
    }
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(resource, &limit) == 0;
}

/* What holds without a fence. */
static bool set_limits(const struct mcpz_keeper *keeper)
{
    return set_limit(RLIMIT_CORE, 0) && set_limit(RLIMIT_NOFILE, MCPZ_CHILD_FILES_MAX) &&
           set_limit(RLIMIT_FSIZE, MCPZ_CHILD_FILE_BYTES_MAX) &&
           (keeper->cpu_seconds_max == 0 || set_limit(RLIMIT_CPU, keeper->cpu_seconds_max)) &&
           prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
}

static _Noreturn void give_up(const struct mcpz_keeper *keeper, enum mcpz_keeper_stage stage)
{
    report_failure(keeper, stage, errno);
    _exit(127);
}

/* All that is the same with a fence and without is done; what is left is exec. */
static void close_off(const struct mcpz_keeper *keeper)
{
    enum mcpz_fence_stage stage;

    if (keeper->fence == NULL) {
        if (!set_limits(keeper)) {
            give_up(keeper, MCPZ_STAGE_LIMITS);
        }
        return;
    }
    stage = mcpz_fence_enter(keeper->fence);
    if (stage != MCPZ_FENCE_PASSED) {
        give_up(keeper, (enum mcpz_keeper_stage)(MCPZ_STAGE_FENCE + (int)stage));
    }
}

/* Only standard streams, the status pipe, which closes with exec, and the plan's are left. */
static void place_plan(struct mcpz_keeper *keeper)
{
    close_all_but(STDERR_FILENO + 1, keeper->status, keeper->plan, -1);
    if (keeper->plan < 0) {
        return;
    }
    if (keeper->status == MCPZ_PLAN_FD) {
        keeper->status = fcntl(keeper->status, F_DUPFD_CLOEXEC, MCPZ_PLAN_FD + 1);
    }
    if (keeper->plan == MCPZ_PLAN_FD) {
        (void)fcntl(keeper->plan, F_SETFD, 0);
    } else {
        (void)dup2(keeper->plan, MCPZ_PLAN_FD);
        (void)close(keeper->plan);
    }
}

/* In the process that becomes the command. The status pipe closes with exec. */
static _Noreturn void run_command(struct mcpz_keeper keeper, pid_t keeper_pid)
{
    static char shell[] = "/bin/sh";
    static char option[] = "-c";
    char *arguments[] = {shell, option, NULL, NULL};
    sigset_t none;

    /* exec does not write to its arguments; its declaration is older than const. */
    memcpy(&arguments[2], &keeper.command, sizeof(arguments[2]));

    (void)setsid();
    (void)umask(077);
    if (chdir(keeper.workspace) < 0) {
        give_up(&keeper, MCPZ_STAGE_DIRECTORY);
    }
    place_plan(&keeper);
    close_off(&keeper);
    /* New credentials forget it. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0) {
        give_up(&keeper, MCPZ_STAGE_LIMITS);
    }
    if (getppid() != keeper_pid) {
        _exit(127); /* the keeper died before we asked to be told */
    }
    /* Said here, so that the node knows whom to kill before the command can kill the keeper. */
    const struct mcpz_keeper_report started = {.kind = MCPZ_KEEPER_STARTED, .pid = getpid()};
    report(&keeper, &started);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)execve(shell, arguments, keeper.environment);
    give_up(&keeper, MCPZ_STAGE_SHELL);
}

/* ---- Killing what is left ----------------------------------------------------------------- */

struct process {
    pid_t pid;
    pid_t parent;
    pid_t group;
};

/* A number and the space before it. */
static const char *read_number(const char *text, pid_t *number)
{
    pid_t value = 0;

    while (*text == ' ') {
        text++;
    }
    while (*text >= '0' && *text <= '9' && value < INT_MAX / 10) {
        value = value * 10 + (*text - '0');
        text++;
    }
    *number = value;
    return text;
}

/*
 * Read "PID (NAME) STATE PARENT GROUP ...". NAME is the process's own choice, brackets included:
 * its end is the last bracket. Source: proc(5).
 */
static bool read_process(int proc, const char *name, struct process *process)
{
    char path[PROC_PATH_BYTES_MAX];
    char text[STAT_BYTES_MAX];

    if (strlen(name) + sizeof("/stat") > sizeof(path)) {
        return false;
    }
    (void)stpcpy(stpcpy(path, name), "/stat");

    int fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    ssize_t got = read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    if (got <= 0) {
        return false;
    }
    text[got] = '\0';

    (void)read_number(text, &process->pid);
    const char *after_name = strrchr(text, ')');
    if (after_name == NULL || strlen(after_name) < sizeof(") S ")) {
        return false;
    }
    const char *rest = read_number(after_name + strlen(") S"), &process->parent);
    (void)read_number(rest, &process->group);
    return true;
}

/*
 * Kill every child. A group is killed as a whole and at once, so that what forks faster than we
 * can look dies too. It can only hold descendants: the command began a session of its own. No pid
 * can have passed to a stranger meanwhile, since only we reap our children.
 */
static void kill_children(const struct watch *watch, pid_t self)
{
    struct mcpz_listing listing;
    struct process process;

    mcpz_listing_init(&listing, watch->proc);
    for (const char *name; (name = mcpz_listing_next(&listing)) != NULL;) {
        if (name[0] < '1' || name[0] > '9' || !read_process(watch->proc, name, &process) ||
            process.parent != self) {
            continue;
        }
        if (process.group > 1 && process.group != getpgrp()) {
            (void)kill(-process.group, SIGKILL);
        }
        (void)kill(process.pid, SIGKILL);
    }
}

/* Reap whoever is dead. False if no child is left. */
static bool reap(struct watch *watch)
{
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG | __WALL);
        if (pid < 0 && errno == EINTR) {
            continue;
        }
        if (pid <= 0) {
            return pid == 0;
        }
        if (pid == watch->command) {
            watch->ended = true;
            watch->status = status;
        } else if (watch->counts && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) {
            watch->stragglers++;
        }
    }
}

/* Take in the signals that came. True if one of them means stop. */
static bool drain_signals(int signals)
{
    struct signalfd_siginfo signal;
    bool stop = false;

    while (read(signals, &signal, sizeof(signal)) == (ssize_t)sizeof(signal)) {
        stop |= signal.ssi_signo != SIGCHLD;
    }
    return stop;
}

static bool has_group(const struct mcpz_keeper *keeper)
{
    return keeper->fence != NULL && keeper->fence->machine->cgroups.path[0] != '\0';
}

/*
 * Until nobody is left. Ends: a child we saw dies of SIGKILL, one we did not see became ours
 * since, and what was its parent waits to be reaped.
 */
static void kill_all(struct watch *watch)
{
    const pid_t self = getpid();

    /* Only those killed from here on, and only if the command did not need killing. */
    watch->counts = watch->ended;
    if (has_group(watch->keeper)) {
        (void)mcpz_cgroup_kill(&watch->keeper->fence->machine->cgroups, watch->keeper->name);
    }
    while (reap(watch)) {
        kill_children(watch, self);
        struct pollfd ready = {.fd = watch->signals, .events = POLLIN};
        (void)poll(&ready, 1, RESCAN_MS);
        (void)drain_signals(watch->signals);
    }
}

/* ---- The keeper --------------------------------------------------------------------------- */

/* The node wants the command to end by itself. False: it wants more than that, or is gone. */
static bool pass_on_terminate(const struct watch *watch)
{
    char bytes[16];

    if (read(watch->keeper->control, bytes, sizeof(bytes)) <= 0) {
        return false;
    }
    (void)kill(-watch->command, SIGTERM);
    return true;
}

/* Until the command's own process has ended, or the node wants no more of it. */
static void wait_for_end(struct watch *watch)
{
    struct pollfd ready[] = {
        {.fd = watch->keeper->control, .events = POLLIN},
        {.fd = watch->signals, .events = POLLIN},
    };

    while (reap(watch) && !watch->ended) {
        int wait = watch->guarded ? mcpz_guard_wait_ms(&watch->guard, mcpz_guard_now_ms()) : -1;
        if (poll(ready, 2, wait) < 0 && errno != EINTR) {
            return;
        }
        if ((ready[0].revents != 0 && !pass_on_terminate(watch)) ||
            drain_signals(watch->signals)) {
            return;
        }
        if (watch->guarded) {
            watch->limit = mcpz_guard_look(&watch->guard, mcpz_guard_now_ms());
            if (watch->limit != MCPZ_LIMIT_NONE) {
                return;
            }
        }
    }
}

/* Become independent of the node. False if it is gone already. */
static bool detach(const struct mcpz_keeper *keeper)
{
    reset_signals();
    (void)setsid(); /* the terminal's interrupt is for the node, which then tells us */
    (void)prctl(PR_SET_NAME, "mcpz-keeper", 0, 0, 0);
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* our memory is a copy of the node's, keys too */
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);

    (void)dup2(keeper->input, STDIN_FILENO);
    (void)dup2(keeper->output, STDOUT_FILENO);
    (void)dup2(keeper->errors, STDERR_FILENO);
    close_all_but(STDERR_FILENO + 1, keeper->control, keeper->status, keeper->plan);
    return getppid() == keeper->node;
}

static bool prepare(const struct mcpz_keeper *keeper, struct watch *watch)
{
    sigset_t wanted;
    (void)sigemptyset(&wanted);
    (void)sigaddset(&wanted, SIGCHLD);
    (void)sigaddset(&wanted, SIGTERM);
    (void)sigaddset(&wanted, SIGINT);
    (void)sigaddset(&wanted, SIGHUP);

    watch->signals = signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
    if (watch->signals < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) {
        report_failure(keeper, MCPZ_STAGE_KEEPER, errno);
        return false;
    }

    /* Without it nobody's parent can be told, and orphans would escape. */
    struct process self = {.pid = 0};
    watch->proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (watch->proc < 0 || !read_process(watch->proc, "self", &self) || self.pid != getpid()) {
        report_failure(keeper, MCPZ_STAGE_PROC, watch->proc < 0 ? errno : ESRCH);
        return false;
    }
    return true;
}

static void start_command(struct watch *watch)
{
    const struct mcpz_keeper *keeper = watch->keeper;
    const pid_t self = getpid();

    if (has_group(keeper) && !mcpz_cgroup_make(&keeper->fence->machine->cgroups, keeper->name,
                                               &keeper->fence->provision->provider.limits)) {
        report_failure(keeper, MCPZ_STAGE_GROUP, errno);
        return;
    }
    if (keeper->fence != NULL) {
        watch->guarded = true;
        mcpz_guard_init(&watch->guard, keeper->fence, watch->proc, mcpz_guard_now_ms());
    }
    pid_t pid = fork();
    if (pid == 0) {
        run_command(*keeper, self);
    }
    if (pid < 0) {
        report_failure(watch->keeper, MCPZ_STAGE_FORK, errno);
        return;
    }
    watch->command = pid;
}

static void remove_workspace(const struct mcpz_keeper *keeper)
{
    int root = open(keeper->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root >= 0) {
        (void)mcpz_workspace_remove(root, keeper->name);
        (void)close(root);
    }
}

_Noreturn void mcpz_keeper_run(const struct mcpz_keeper *keeper)
{
    struct watch watch = {.keeper = keeper, .proc = -1, .signals = -1};

    if (detach(keeper) && prepare(keeper, &watch)) {
        start_command(&watch);
    }

    /* The command alone holds its ends of the pipes now: its end is theirs. */
    close_range_of(STDIN_FILENO, STDERR_FILENO);
    if (watch.command > 0) {
        wait_for_end(&watch);
        kill_all(&watch);
    }

    if (watch.guarded) {
        mcpz_guard_finish(&watch.guard);
        if (watch.limit == MCPZ_LIMIT_NONE && watch.ended) {
            watch.limit = mcpz_guard_verdict(keeper->fence, watch.status);
        }
    }
    if (has_group(keeper)) {
        mcpz_cgroup_remove(&keeper->fence->machine->cgroups, keeper->name);
    }
    struct mcpz_keeper_report ended = {
        .kind = MCPZ_KEEPER_ENDED,
        .number = watch.status,
        .pid = watch.command,
        .stragglers = watch.stragglers,
        .limit = watch.limit,
    };
    report(keeper, &ended);
    remove_workspace(keeper);
    _exit(0);
}
