/*
 * One task as the pool carries it: a run (the decisions), a child (the process), and the watchers
 * that move bytes between them and the engine.
 *
 *   waiting -> running -> told -> over
 *
 * Told: the engine has heard END or FAIL, or said STOP; nothing is said about it again. Over: its
 * keeper is gone too, `over` is called, and the job may be destroyed. What the engine does
 * inside one of our events can stop a job but never destroys a running one.
 */

#ifndef EXEC_JOB_H
#define EXEC_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ev.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "core/outbox.h"
#include "exec/child.h"
#include "exec/launch.h"
#include "exec/pool.h"
#include "exec/provision.h"
#include "exec/run.h"
#include "exec/workspace.h"
#include "host/loop.h"
#include "proto/id.h"
#include "proto/limits.h"

#define MCPZ_JOB_TEXT_BYTES 320 /* of a failure that is ours */

struct mcpz_job;

/* What all jobs of a pool have in common. */
struct mcpz_job_site {
    struct mcpz_loop *loop;
    struct mcpz_pool_stats stats;
    struct mcpz_launch_site launch;
    void *context;
    void (*over)(void *context, struct mcpz_job *job); /* may destroy it */
    void (*polled)(void *context);                     /* a crew was: exec/crew.h */
    uint8_t buffer[MCPZ_CHUNK_BYTES_MAX];              /* what was just read */
};

struct mcpz_job {
    struct mcpz_job_site *site;
    uint32_t id; /* the core's name for it */
    char capability[MCPZ_CAPABILITY_BYTES_MAX + 1];
    char caller[MCPZ_ID_TEXT_BYTES];
    char *params;
    uint32_t timeout_ms;
    uint64_t deadline_wall_ms; /* the same, for the process: when its time is over */
    uint32_t priority;
    bool idempotent;
    bool held; /* it may not begin yet: the gate says when */
    char tenant[MCPZ_TENANT_BYTES_MAX + 1];
    char traceparent[MCPZ_TRACEPARENT_BYTES_MAX + 1];
    char idempotency_key[MCPZ_IDEMPOTENCY_KEY_BYTES_MAX + 1];
    struct mcpz_service_limits limits; /* once started */

    uint32_t levels; /* of subtasks it may be split into */

    struct mcpz_run run;
    uint8_t *input; /* the run's ring */
    uint8_t *plan;  /* MCPZ_PLAN_BYTES_MAX + 1; NULL: it may not be split */
    size_t plan_length;

    struct mcpz_child child;
    char workspace[MCPZ_WORKSPACE_NAME_BYTES];
    bool started;     /* there was a process */
    bool ended;       /* nothing of it is left */
    bool told;        /* see above */
    int wait_status;  /* once ended */
    uint32_t trouble; /* enum mcpz_code: to be told at the next poll; 0: none */
    char trouble_text[MCPZ_JOB_TEXT_BYTES];

    ev_io on_input;
    ev_io on_output;
    ev_io on_errors;
    ev_io on_plan;
    ev_io on_status;
    ev_timer on_timeout;
};

/**
 * Take over a RUN_START: copies what it needs, starts the clock. Nothing runs yet. Parameters are
 * within MCPZ_PARAMS_BYTES_MAX and without zeros, the capability within its limit.
 *
 * Errors: MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_job_create(struct mcpz_job_site *site,
                                         const struct mcpz_action_run *start,
                                         struct mcpz_job **job);

/** Only of a job that never started, or is over. NULL is fine. */
void mcpz_job_destroy(struct mcpz_job *job);

/**
 * Run it as `provision` says, which is needed for the call only. If that fails the engine is told,
 * and the job is over. Not within a turn.
 */
void mcpz_job_start(struct mcpz_job *job, const struct mcpz_provision *provision);

/* What the engine says, within its turn. True: mcpz_job_poll() is due after it. */
MCPZ_MUST_USE bool mcpz_job_input(struct mcpz_job *job, struct mcpz_bytes chunk);
void mcpz_job_input_end(struct mcpz_job *job);
void mcpz_job_pull(struct mcpz_job *job, uint32_t credit);

/** Nobody wants it any more: kill it, say nothing. */
void mcpz_job_stop(struct mcpz_job *job);

/** Tell the engine what could not be told within its turn. The job may be over after it. */
void mcpz_job_poll(struct mcpz_job *job);

/** Tell the engine that it failed, and kill what runs of it. The job may be over after it. */
void mcpz_job_fail(struct mcpz_job *job, enum mcpz_code code, const char *text);

/** For the end of the pool: take in the keeper's news without the loop. True: the job is gone. */
MCPZ_MUST_USE bool mcpz_job_reap(struct mcpz_job *job);

/** Let go of a keeper that cannot be killed, and destroy the job. */
void mcpz_job_abandon(struct mcpz_job *job);

#endif
