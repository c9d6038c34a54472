/*
 * The queues of durable tasks: one for each capability somebody has asked for.
 *
 * The rows lie in the store (core/task_book.h); here is only how many, how far they have been
 * looked through, and what keeps a queue from going on: people have paused it, nobody can do it
 * now, or all there is is under way.
 */

#ifndef CORE_TASK_QUEUES_H
#define CORE_TASK_QUEUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/time.h"
#include "proto/limits.h"
#include "proto/task.h"

#define MCPZ_QUEUES_MAX 256
#define MCPZ_QUEUE_RUNNING_MAX 64 /* of one queue: a slow one leaves room for others */

/* A row of a queue. */
struct mcpz_task_cursor {
    uint64_t order;
    struct mcpz_task_id id;
};

struct mcpz_task_queue {
    char capability[MCPZ_CAPABILITY_BYTES_MAX + 1]; /* "": free */
    uint64_t group;
    uint32_t ready; /* rows, those under way among them */
    uint32_t running;
    bool paused;
    bool spent;                     /* nothing behind the cursor can be begun */
    bool inclusive;                 /* nor has the row at the cursor been looked at */
    struct mcpz_task_cursor cursor; /* so far it has been looked through */
    bool has_head;                  /* `head` can be begun next */
    struct mcpz_task_cursor head;
    mcpz_time blocked_until_us; /* nobody can do it before, as it seems */
};

struct mcpz_task_queues {
    struct mcpz_task_queue rows[MCPZ_QUEUES_MAX];
    size_t count; /* rows ever taken: they are not given back while this process lives */
};

void mcpz_task_queues_init(struct mcpz_task_queues *queues);

/** NULL: there is none. */
struct mcpz_task_queue *mcpz_task_queues_find(struct mcpz_task_queues *queues, uint64_t group);

/** The queue of a capability, made if need be. NULL: MCPZ_QUEUES_MAX are there. */
struct mcpz_task_queue *mcpz_task_queues_take(struct mcpz_task_queues *queues,
                                              struct mcpz_bytes capability);

/** A task has come into the queue, at that place. */
void mcpz_task_queue_entered(struct mcpz_task_queue *queue, const struct mcpz_task_cursor *place);

/** It is gone from there. */
void mcpz_task_queue_left(struct mcpz_task_queue *queue, const struct mcpz_task_cursor *place);

/** It can be begun, though it was passed over, or was begun and put back. */
void mcpz_task_queue_put_back(struct mcpz_task_queue *queue, const struct mcpz_task_cursor *place);

/** Go on behind this row. */
void mcpz_task_queue_pass(struct mcpz_task_queue *queue, const struct mcpz_task_cursor *place);

/** May one of its tasks be begun now, as far as that can be said without looking? */
bool mcpz_task_queue_may_run(const struct mcpz_task_queue *queue, mcpz_time now);

/** Order of two places: by priority, then by age. */
int mcpz_task_cursor_compare(const struct mcpz_task_cursor *a, const struct mcpz_task_cursor *b);

/** Something has changed about who can do what: nothing is blocked any more. */
void mcpz_task_queues_unblock(struct mcpz_task_queues *queues);

/** When the first queue is to be tried: in the past if one may run now. */
mcpz_time mcpz_task_queues_deadline(const struct mcpz_task_queues *queues);

#endif
