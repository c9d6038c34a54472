/*
 * A task on its way to a worker, and what it says on its way back.
 *
 *   waits -> given to a worker -> over
 *
 * What is said about it goes to a port: the engine's RUN_* events for tasks of the mesh, or a
 * caller on this machine who has leased the worker. An errand that is over, or that nobody waits
 * for any more, is taken out and freed by its crew (exec/crew.h), never from within a call.
 */

#ifndef EXEC_ERRAND_H
#define EXEC_ERRAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ev.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "core/outbox.h"
#include "exec/run.h"
#include "exec/worker_line.h"
#include "proto/code.h"
#include "proto/id.h"
#include "proto/limits.h"

#define MCPZ_ERRAND_INPUT_BYTES_MAX 262144 /* a line holds it, escaped */
#define MCPZ_ERRAND_TEXT_BYTES 512         /* of a failure that is ours */

static_assert(6 * (MCPZ_ERRAND_INPUT_BYTES_MAX + 2048) + MCPZ_PARAMS_BYTES_MAX <=
                  MCPZ_WORKER_LINE_BYTES_MAX,
              "a task fits its line");

struct mcpz_crew;
struct mcpz_worker;

/* Who hears of it. Never called within a turn of the engine. */
struct mcpz_errand_port {
    void *context;
    void (*credit)(void *context, uint32_t id, uint32_t credit);
    void (*output)(void *context, uint32_t id, struct mcpz_bytes chunk);
    void (*end)(void *context, uint32_t id, bool plan);
    void (*fail)(void *context, uint32_t id, uint32_t code, struct mcpz_bytes text);
};

struct mcpz_errand {
    const struct mcpz_errand_port *port;
    struct mcpz_crew *crew;
    uint32_t id;    /* the port's name for it */
    uint64_t lease; /* for the worker that is leased so; 0: for any that is not */

    char capability[MCPZ_CAPABILITY_BYTES_MAX + 1];
    char caller[MCPZ_ID_TEXT_BYTES];
    char tenant[MCPZ_TENANT_BYTES_MAX + 1];
    char traceparent[MCPZ_TRACEPARENT_BYTES_MAX + 1];
    char idempotency_key[MCPZ_IDEMPOTENCY_KEY_BYTES_MAX + 1];
    uint64_t deadline_wall_ms;
    uint32_t priority;
    uint32_t levels; /* of subtasks it may be split into */
    uint32_t timeout_ms;
    uint8_t *params;
    size_t params_length;
    uint8_t *input; /* NULL: none, or none yet */
    size_t input_length;
    bool has_input;
    bool input_ended;

    struct mcpz_run run;        /* its output's window */
    uint32_t credit_owed;       /* for input that was taken in */
    struct mcpz_worker *worker; /* NULL: it waits */
    bool over;                  /* its port has heard the end, or nobody waits for it */
    bool dropped;               /* nobody waits: the worker must hear of that */
    uint32_t trouble;           /* enum mcpz_code: to be told at the next poll; 0: none */
    const char *trouble_text;   /* static */
    ev_timer on_timeout;
};

/**
 * Take over a RUN_START: copies what it needs. Its clock is not running yet.
 *
 * Errors: MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_errand_create(const struct mcpz_errand_port *port,
                                            const struct mcpz_action_run *start,
                                            struct mcpz_errand **errand);

/** Its timer must be stopped. NULL is fine. */
void mcpz_errand_destroy(struct mcpz_errand *errand);

/** Take in a piece of input. What is too much is noted as trouble. */
void mcpz_errand_input(struct mcpz_errand *errand, struct mcpz_bytes chunk);

/** Can it be given to a worker: is all of its input there? */
bool mcpz_errand_is_whole(const struct mcpz_errand *errand);

/** Its line, ours to free(); NULL: no memory. `id`: what the worker is to call it. */
char *mcpz_errand_line(const struct mcpz_errand *errand, uint64_t id, size_t *length);

/* Tell the port; once it is over, nothing is told. */
void mcpz_errand_give_credit(struct mcpz_errand *errand);
void mcpz_errand_end(struct mcpz_errand *errand, bool plan);

/** Why a plan of so many bytes cannot be what it ends with; NULL: it can. */
const char *mcpz_errand_refuse_plan(const struct mcpz_errand *errand, size_t length);
void mcpz_errand_fail(struct mcpz_errand *errand, uint32_t code, struct mcpz_bytes text);

/**
 * Hand over output as far as its window goes; how much that was. More than a result may have:
 * fails it.
 */
size_t mcpz_errand_output(struct mcpz_errand *errand, struct mcpz_bytes bytes);

#endif
