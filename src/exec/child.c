#include "exec/child.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PIPE_INPUT, PIPE_OUTPUT, PIPE_ERRORS, PIPE_CONTROL, PIPE_STATUS, PIPE_PLAN, PIPE_COUNT };

enum { READ_END, WRITE_END };

/* Which end of each pipe stays with us. */
static const int our_end[PIPE_COUNT] = {
    [PIPE_INPUT] = WRITE_END,   [PIPE_OUTPUT] = READ_END, [PIPE_ERRORS] = READ_END,
    [PIPE_CONTROL] = WRITE_END, [PIPE_STATUS] = READ_END, [PIPE_PLAN] = READ_END,
};

void mcpz_child_init(struct mcpz_child *child)
{
    *child = (struct mcpz_child){
        .input = -1, .output = -1, .errors = -1, .control = -1, .status = -1, .plan = -1};
}

void mcpz_child_close(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
}

static void close_pipes(int pipes[PIPE_COUNT][2])
{
    for (size_t i = 0; i < PIPE_COUNT; i++) {
        mcpz_child_close(&pipes[i][READ_END]);
        mcpz_child_close(&pipes[i][WRITE_END]);
    }
}

static bool open_pipes(int pipes[PIPE_COUNT][2], bool plans)
{
    for (size_t i = 0; i < (plans ? PIPE_COUNT : PIPE_PLAN); i++) {
        if (pipe2(pipes[i], O_CLOEXEC) < 0) {
            return false;
        }
        assert(pipes[i][READ_END] > STDERR_FILENO);
        /* Only our ends: the command expects its own to block. */
        if (fcntl(pipes[i][our_end[i]], F_SETFL, O_NONBLOCK) < 0) {
            return false;
        }
    }
    return true;
}

/* With all signals blocked around it, so that no handler of ours runs in the keeper. */
static pid_t fork_keeper(const struct mcpz_child_config *config, int pipes[PIPE_COUNT][2])
{
    const struct mcpz_keeper keeper = {
        .node = getpid(),
        .input = pipes[PIPE_INPUT][READ_END],
        .output = pipes[PIPE_OUTPUT][WRITE_END],
        .errors = pipes[PIPE_ERRORS][WRITE_END],
        .plan = pipes[PIPE_PLAN][WRITE_END],
        .control = pipes[PIPE_CONTROL][READ_END],
        .status = pipes[PIPE_STATUS][WRITE_END],
        .command = config->command,
        .environment = config->environment,
        .root = config->root,
        .workspace = config->workspace,
        .name = config->name,
        .cpu_seconds_max = config->cpu_seconds_max,
        .fence = config->fence,
    };
    sigset_t all;
    sigset_t before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);

    pid_t pid = fork();
    if (pid == 0) {
        mcpz_keeper_run(&keeper);
    }
    int cause = errno;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = cause;
    return pid;
}

mcpz_error mcpz_child_start(const struct mcpz_child_config *config, struct mcpz_child *child)
{
    int pipes[PIPE_COUNT][2] = {{-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}, {-1, -1}};
    int cause;

    if (!open_pipes(pipes, config->plans)) {
        goto fail;
    }
    pid_t pid = fork_keeper(config, pipes);
    if (pid < 0) {
        goto fail;
    }

    *child = (struct mcpz_child){
        .keeper = pid,
        .input = pipes[PIPE_INPUT][WRITE_END],
        .output = pipes[PIPE_OUTPUT][READ_END],
        .errors = pipes[PIPE_ERRORS][READ_END],
        .control = pipes[PIPE_CONTROL][WRITE_END],
        .status = pipes[PIPE_STATUS][READ_END],
        .plan = pipes[PIPE_PLAN][READ_END],
    };
    for (size_t i = 0; i < PIPE_COUNT; i++) {
        mcpz_child_close(&pipes[i][our_end[i] == READ_END ? WRITE_END : READ_END]);
    }
    return MCPZ_OK;

fail:
    cause = errno;
    close_pipes(pipes);
    errno = cause;
    return MCPZ_EIO;
}

void mcpz_child_stop(struct mcpz_child *child)
{
    mcpz_child_close(&child->control);
}

void mcpz_child_terminate(struct mcpz_child *child)
{
    /* Its keeper sends it: whom it has not reaped yet has no other's number. */
    if (child->control >= 0) {
        (void)!write(child->control, "T", 1);
    }
}

enum mcpz_child_news mcpz_child_read(struct mcpz_child *child, struct mcpz_keeper_report *report)
{
    struct mcpz_keeper_report message;
    ssize_t got = read(child->status, &message, sizeof(message));

    if (got == (ssize_t)sizeof(message)) {
        if (message.kind == MCPZ_KEEPER_STARTED) {
            child->command = message.pid;
        } else if (message.kind == MCPZ_KEEPER_ENDED) {
            child->command = 0;
        }
        *report = message;
        return MCPZ_CHILD_REPORT;
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return MCPZ_CHILD_NOTHING;
    }
    return MCPZ_CHILD_GONE;
}

/*
 * The end of the status pipe is part of the keeper's exit, so this waits for microseconds. If
 * somebody else in this process reaps children (libev's default loop does), there is nothing to
 * wait for and nothing to be told.
 */
void mcpz_child_finish(struct mcpz_child *child)
{
    if (child->command > 0) {
        (void)kill(-child->command, SIGKILL); /* its keeper did not report its end */
        child->command = 0;
    }
    while (child->keeper > 0 && waitpid(child->keeper, NULL, 0) < 0 && errno == EINTR) {
    }
    child->keeper = 0;
    mcpz_child_close(&child->input);
    mcpz_child_close(&child->output);
    mcpz_child_close(&child->errors);
    mcpz_child_close(&child->control);
    mcpz_child_close(&child->status);
    mcpz_child_close(&child->plan);
}

void mcpz_child_kill(struct mcpz_child *child)
{
    if (child->keeper > 0) {
        (void)kill(child->keeper, SIGKILL);
    }
    if (child->command > 0) {
        (void)kill(-child->command, SIGKILL);
    }
}

void mcpz_child_hold_standard(void)
{
    /* open() gives the lowest number that is free. */
    for (int fd = open("/dev/null", O_RDWR); fd >= 0; fd = open("/dev/null", O_RDWR)) {
        if (fd > STDERR_FILENO) {
            (void)close(fd);
            return;
        }
    }
}

const char *mcpz_child_stage_word(enum mcpz_keeper_stage stage)
{
    if (stage > MCPZ_STAGE_FENCE) {
        return mcpz_fence_word((enum mcpz_fence_stage)(stage - MCPZ_STAGE_FENCE));
    }
    switch (stage) {
    case MCPZ_STAGE_KEEPER:
        return "keeper";
    case MCPZ_STAGE_PROC:
        return "/proc";
    case MCPZ_STAGE_FORK:
        return "fork";
    case MCPZ_STAGE_LIMITS:
        return "limits";
    case MCPZ_STAGE_DIRECTORY:
        return "workspace";
    case MCPZ_STAGE_SHELL:
        return "/bin/sh";
    case MCPZ_STAGE_GROUP:
        return "cgroup";
    case MCPZ_STAGE_FENCE:
        break;
    }
    return "?";
}
