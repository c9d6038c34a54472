/*
 * The keeper: a process of ours between the node and a command, so that nothing the command
 * started outlives it, whatever happens to the node.
 *
 *   node  --control-->  keeper  --fork, exec-->  /bin/sh -c COMMAND  --> ...
 *         <--status---
 *
 * The keeper is a subreaper: what the command leaves orphaned becomes the keeper's child, also
 * after setsid() and a double fork. When the command's own process ends, or the control pipe
 * closes (the node wants it, or is dead), the keeper kills and reaps its children until it has
 * none, says how it went on the status pipe, removes the workspace, and ends.
 *
 * It is forked from a process with threads and does not exec: only async-signal-safe calls here.
 *
 * The command goes through exec/fence.h first, if it has one, and the keeper watches the limits
 * that nobody else keeps (exec/guard.h). Without a fence it could kill its keeper; then it dies
 * with it (PR_SET_PDEATHSIG), and the node kills its process group.
 *
 * Source: prctl(2) PR_SET_CHILD_SUBREAPER, signal-safety(7).
 */

#ifndef EXEC_KEEPER_H
#define EXEC_KEEPER_H

#include <stdint.h>
#include <sys/types.h>

#include "exec/fence.h"
#include "exec/guard.h"

#define MCPZ_PLAN_FD 3                        /* where a command says its plan of subtasks */
#define MCPZ_CHILD_FILES_MAX 1024             /* descriptors a command may have open */
#define MCPZ_CHILD_FILE_BYTES_MAX (1UL << 30) /* of one file it writes */

/* What the keeper needs; made before the fork. */
struct mcpz_keeper {
    pid_t node; /* whose child the keeper is */
    int input;  /* become the command's stdin, stdout and stderr */
    int output;
    int errors;
    int plan;    /* becomes MCPZ_PLAN_FD; -1: it is not to be had */
    int control; /* read end: end of file means stop; a byte, SIGTERM for the command */
    int status;  /* write end: struct mcpz_keeper_report */
    const char *command;
    char *const *environment;       /* ends with NULL */
    const char *root;               /* absolute: the directory the workspace is in */
    const char *workspace;          /* absolute: where the command runs */
    const char *name;               /* of the workspace in `root` */
    uint32_t cpu_seconds_max;       /* of one process of the command; 0: no limit */
    const struct mcpz_fence *fence; /* NULL: none */
};

enum mcpz_keeper_report_kind {
    MCPZ_KEEPER_STARTED = 1, /* `pid` is the command, and its process group */
    MCPZ_KEEPER_FAILED,      /* the command was not started: `stage`, `number`; ENDED follows */
    MCPZ_KEEPER_ENDED,       /* nothing of it is left: `number`, `stragglers` */
};

enum mcpz_keeper_stage {
    MCPZ_STAGE_KEEPER = 1, /* setting up the keeper */
    MCPZ_STAGE_PROC,       /* /proc is not there, or of another pid namespace */
    MCPZ_STAGE_FORK,
    MCPZ_STAGE_LIMITS,
    MCPZ_STAGE_DIRECTORY,
    MCPZ_STAGE_SHELL,
    MCPZ_STAGE_GROUP,
    MCPZ_STAGE_FENCE, /* MCPZ_STAGE_FENCE and an enum mcpz_fence_stage */
};

/* One write on the status pipe: far below PIPE_BUF, so never torn. */
struct mcpz_keeper_report {
    enum mcpz_keeper_report_kind kind;
    enum mcpz_keeper_stage stage;
    int number; /* FAILED: errno; ENDED: as from waitpid() */
    pid_t pid;
    uint32_t stragglers;   /* ENDED: killed after the command had ended by itself */
    enum mcpz_limit limit; /* ENDED: what it had run out of */
};

/** Be the keeper. All signals are blocked; nothing is shared with the node but the pipes. */
_Noreturn void mcpz_keeper_run(const struct mcpz_keeper *keeper);

#endif
