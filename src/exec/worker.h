/*
 * One long-lived worker: its process, and the lines between it and the tasks it has in hand.
 *
 *   absent -> starting -> ready -> stopping -> absent
 *
 * Starting: told who it is, not yet heard that it is ready. Stopping: gets no more tasks; its
 * process is being killed, or what it said last waits for a caller who is slower. Which of its
 * tasks end how when it dies is decided here; when it is started, and what it is given, in
 * exec/crew.h.
 */

#ifndef EXEC_WORKER_H
#define EXEC_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ev.h>

#include "base/attr.h"
#include "base/time.h"
#include "exec/child.h"
#include "exec/errand.h"
#include "exec/launch.h"
#include "exec/run.h"
#include "host/service.h"

#define MCPZ_WORKER_READY_MS 30000 /* after its start, to say that it is ready */

struct mcpz_crew;

enum mcpz_worker_state {
    MCPZ_WORKER_ABSENT = 0,
    MCPZ_WORKER_STARTING,
    MCPZ_WORKER_IDLE, /* ready, with room for a task perhaps */
    MCPZ_WORKER_STOPPING,
};

struct mcpz_worker {
    struct mcpz_crew *crew;
    enum mcpz_worker_state state;
    uint64_t lease;          /* 0: it is anybody's */
    mcpz_time started_us;    /* once it is not absent */
    mcpz_time not_before_us; /* while it is absent: when it may be started again */
    uint32_t failures;       /* in a row: the next start waits the longer */
    uint32_t tasks_done;
    uint64_t next_id; /* what it calls the next task */

    struct {
        struct mcpz_errand *errand; /* NULL: free */
        uint64_t id;
    } hands[MCPZ_SERVICE_CONCURRENCY_MAX];

    struct mcpz_child child;
    char workspace[MCPZ_WORKSPACE_NAME_BYTES];
    bool was_ready;
    bool ended; /* the keeper has said so */
    int wait_status;
    enum mcpz_limit limit;
    char trouble[MCPZ_ERRAND_TEXT_BYTES]; /* why we end it; "": we do not, or are asked to */
    struct mcpz_run words;                /* the last ones on stderr */

    uint8_t *lines; /* what it said: MCPZ_WORKER_LINE_BYTES_MAX */
    size_t line_start;
    size_t line_end;
    struct mcpz_errand *speaking; /* whose output waits for its caller; NULL: nobody's */
    struct mcpz_bytes speech;     /* in `lines` */
    bool speech_ends;             /* it is the end of its task */
    bool speech_splits;           /* and a plan, no result */

    char *orders; /* what is still to be written to it */
    size_t orders_at;
    size_t orders_length;

    ev_io on_input;
    ev_io on_output;
    ev_io on_errors;
    ev_io on_status;
    ev_timer on_late; /* to become ready */
};

void mcpz_worker_init(struct mcpz_worker *worker, struct mcpz_crew *crew);

/** Start an absent one. What goes wrong is a failure of its, as if it had died at once. */
void mcpz_worker_start(struct mcpz_worker *worker);

/** Has it room for one more task? */
bool mcpz_worker_has_room(const struct mcpz_worker *worker);

size_t mcpz_worker_busy(const struct mcpz_worker *worker);

/** Give it a task. False: no memory, and it still waits. */
bool mcpz_worker_give(struct mcpz_worker *worker, struct mcpz_errand *errand);

/** `errand` is over: take it out of its hands, to be freed. `hangs`: its time was over. */
void mcpz_worker_drop(struct mcpz_worker *worker, struct mcpz_errand *errand, bool hangs);

/** A caller takes more output: go on. */
void mcpz_worker_resume(struct mcpz_worker *worker);

/** End its process. `trouble` may be "": then it has done nothing wrong. */
void mcpz_worker_stop(struct mcpz_worker *worker, const char *trouble);

/** For the end of the pool: take in news without the loop. True: it is absent. */
bool mcpz_worker_reap(struct mcpz_worker *worker);

/** Let go of a keeper that cannot be killed. */
void mcpz_worker_abandon(struct mcpz_worker *worker);

#endif
