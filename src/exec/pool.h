/*
 * Providers that are commands: one process a task, input on its stdin, result from its stdout.
 *
 * The command is run by /bin/sh -c in a directory of its own that is removed afterwards. It finds
 *
 *   stdin            the task's input; without one, its parameters (JSON)
 *   MCPZ_TASK_TYPE   the capability
 *   MCPZ_PARAMS      the parameters, also when there is an input
 *   MCPZ_CALLER      the calling node's id
 *   HOME, TMPDIR     its directory, which it is started in
 *   PATH, LANG       the node's own, or something usual
 *   MCPZ_PLAN_FD     where it may say into which subtasks the task is to be split (proto/plan.h),
 *                    instead of a result; not there where it may not
 *   MCPZ_PLAN_LEVELS how many levels of them there may be
 *
 * and nothing else of the node: no other variables, no descriptors, no blocked signals, no
 * privileges to gain, umask 077, no core dumps. Unless its isolation is none it runs behind
 * exec/fence.h, under the limits of its provider.
 *
 * Exit status 0: what it wrote to stdout is the result. Anything else: the task failed, and the
 * last lines it wrote to stderr are the message. When the task ends, however it ends, every
 * process it started is killed, also those that left its process group: exec/child.h.
 */

#ifndef EXEC_POOL_H
#define EXEC_POOL_H

#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "exec/machine.h"
#include "host/agent_pools.h"
#include "host/loop.h"
#include "host/service.h"
#include "proto/gate_config.h"

#define MCPZ_CHILDREN_MAX 64       /* running at once, and fewer if told so; others wait */
#define MCPZ_WAITING_MAX 192       /* the gate lets in no more; if it did, MCPZ_CODE_BUSY */
#define MCPZ_BURST_MIN 64          /* tasks of one capability that may always wait */
#define MCPZ_POOL_PATIENCE_MS 5000 /* then keepers that do not end are killed */

struct mcpz_launch_site;
struct mcpz_offers;
struct mcpz_pool;

/**
 * Register with `loop` (before or after mcpz_loop_start()). `directory` holds the tasks'
 * directories, and is of this pool alone; it is made (0700) if it is not there, in a parent that
 * is. What is left in it from a crash is removed.
 *
 * Errors: MCPZ_EIO  the directory cannot be made, opened, or is somebody else's; MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_pool_create(struct mcpz_loop *loop, const char *directory,
                                          struct mcpz_pool **pool);

/** Run at most so many tasks at once, 1 to MCPZ_CHILDREN_MAX, which is what it begins with. */
void mcpz_pool_set_most(struct mcpz_pool *pool, size_t most);

/**
 * Kill what runs and wait until it is gone, at most about MCPZ_POOL_PATIENCE_MS. Tells the engine
 * nothing. After the loop has stopped turning, before mcpz_loop_destroy(): the listener stays
 * registered. NULL is fine.
 */
void mcpz_pool_destroy(struct mcpz_pool *pool);

/** Claim in `offers`, borrowed for life, what is offered; leave what others claim to them. Before
 * anything is offered. */
void mcpz_pool_share(struct mcpz_pool *pool, struct mcpz_offers *offers);

/**
 * Offer a capability: from now on its tasks are run as `provider` (copied) says. Replaces. The
 * engine is told (PROVIDE). After mcpz_loop_start().
 *
 * Errors: MCPZ_EFULL         MCPZ_CAPABILITIES_PER_NODE_MAX are offered, or the command is longer
 *                            than MCPZ_COMMAND_BYTES_MAX
 *         MCPZ_EPROTO        the name is empty or longer than MCPZ_CAPABILITY_BYTES_MAX
 *         MCPZ_EUNSUPPORTED  it wants strict isolation, and this machine lacks something for it
 *         MCPZ_ECONFLICT     another edge offers it: mcpz_pool_share()
 *         MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_pool_provide(struct mcpz_pool *pool,
                                           const struct mcpz_service *provider);

/**
 * Have the engine go by these limits; how many hands there are, and how long a burst may be, is
 * filled in here. After mcpz_loop_start().
 */
void mcpz_pool_limit(struct mcpz_pool *pool, const struct mcpz_gate_config *limits);

/** Offer it no longer. Tasks that run go on. Errors: MCPZ_ENOTFOUND */
MCPZ_MUST_USE mcpz_error mcpz_pool_withdraw(struct mcpz_pool *pool, const char *name);

/** Where workspaces are made, for others who start processes; lasts as long as the pool. */
struct mcpz_launch_site *mcpz_pool_site(struct mcpz_pool *pool);

/** What this machine has; lasts as long as the pool. */
const struct mcpz_machine *mcpz_pool_machine(const struct mcpz_pool *pool);

/** Its agent pools; lasts as long as the pool. */
const struct mcpz_agent_pools_port *mcpz_pool_agents(const struct mcpz_pool *pool);

struct mcpz_pool_stats {
    size_t running;
    size_t waiting;
    uint64_t started;
    uint64_t ended;         /* exit status 0 */
    uint64_t failed;        /* exit status not 0 */
    uint64_t crashed;       /* by a signal that was not ours */
    uint64_t stopped;       /* by us: cancelled, out of time, too much output */
    uint64_t limited;       /* a limit of theirs was reached */
    uint64_t not_started;   /* no process to be had, no workspace, no shell */
    size_t workers_waiting; /* tasks that wait for a worker */
    uint64_t worker_tasks;  /* that were given to one, however they ended */
    size_t workers_ready;
    uint64_t workers_started;
    uint64_t workers_failed; /* died, hung, or did not become ready */
    uint64_t stragglers;     /* processes killed after their task's own had ended */
};

const struct mcpz_pool_stats *mcpz_pool_stats(const struct mcpz_pool *pool);

#endif
