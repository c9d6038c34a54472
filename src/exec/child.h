/*
 * One command and everything it starts, as the node holds it: a keeper process (exec/keeper.h),
 * three pipes to the command, or four, two to the keeper.
 *
 *   start -> STARTED -> ENDED -> GONE
 *         -> FAILED  -> ENDED -> GONE
 *                               -> GONE   somebody killed the keeper
 *
 * After ENDED nothing of the command is left, so what its pipes hold is all there will be. After
 * GONE its workspace is removed too. Knows no loop: `status` tells when there is something to
 * read.
 */

#ifndef EXEC_CHILD_H
#define EXEC_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "exec/keeper.h"

/* All descriptors are -1 when closed, close on exec, and do not block. */
struct mcpz_child {
    pid_t keeper;  /* 0: none, or reaped */
    pid_t command; /* 0: not heard of it yet, or over */
    int input;     /* write: the command's stdin */
    int output;    /* read: its stdout */
    int errors;    /* read: its stderr */
    int control;   /* close: stop everything */
    int status;    /* read: mcpz_child_report() */
    int plan;      /* read: its MCPZ_PLAN_FD, if it has one */
};

struct mcpz_child_config {
    const char *command;      /* for /bin/sh -c */
    char *const *environment; /* ends with NULL */
    const char *root;         /* as in struct mcpz_keeper */
    const char *workspace;
    const char *name;
    uint32_t cpu_seconds_max;
    const struct mcpz_fence *fence; /* NULL: none */
    bool plans;                     /* it has MCPZ_PLAN_FD */
};

/** Nothing runs. */
void mcpz_child_init(struct mcpz_child *child);

/**
 * Start a command. `config` is needed for the call only. On error nothing was started and the
 * workspace is still there.
 *
 * stdin, stdout and stderr of this process must be open, see mcpz_child_hold_standard().
 *
 * Errors: MCPZ_EIO  no process or pipe to be had: errno says why
 */
MCPZ_MUST_USE mcpz_error mcpz_child_start(const struct mcpz_child_config *config,
                                          struct mcpz_child *child);

/** Ask for its end. The keeper kills whatever is left, then reports ENDED. */
void mcpz_child_stop(struct mcpz_child *child);

/** Have the command's process group sent SIGTERM. Nothing, if it is over. */
void mcpz_child_terminate(struct mcpz_child *child);

/** Close a descriptor of `child` and forget it. Closed ones are fine. */
void mcpz_child_close(int *fd);

enum mcpz_child_news {
    MCPZ_CHILD_NOTHING = 1, /* not now */
    MCPZ_CHILD_REPORT,      /* one report was read */
    MCPZ_CHILD_GONE,        /* the keeper is: call mcpz_child_finish() */
};

/** Read the next report. */
enum mcpz_child_news mcpz_child_read(struct mcpz_child *child, struct mcpz_keeper_report *report);

/** Reap the keeper, which is gone, and close everything. */
void mcpz_child_finish(struct mcpz_child *child);

/**
 * Kill the keeper, and with it its command and that one's process group. For a keeper that does
 * not end: what left the group survives. mcpz_child_read() then says GONE.
 */
void mcpz_child_kill(struct mcpz_child *child);

/** Where a start failed, in a word. */
const char *mcpz_child_stage_word(enum mcpz_keeper_stage stage);

/** Open what is closed of stdin, stdout and stderr, so that no pipe gets their numbers. */
void mcpz_child_hold_standard(void);

#endif
