/*
 * Durable tasks: accepted means that two nodes have it on disk, and that it comes to an end.
 *
 *   client        owner                          backup                     provider
 *   SUBMIT ->  on disk, then KEEP  ----------->  on disk
 *   <- accepted   <-------------------  KEPT
 *                 its turn comes: a call  -------------------------------->  works, RENEWs
 *                 <--------------------------------------------------------  END
 *              on disk, then MOVED  ---------->  on disk
 *
 * Every task has one owner, who tries it, and a backup, chosen by rendezvous among the members
 * that are alive and linked. Whatever is sent of a task was on disk before, so a backup never
 * knows more than its owner did. A node alone in its mesh takes tasks by itself and says so
 * (copies: 1), and has them kept as soon as there is somebody.
 *
 *   QUEUED --- tried, ended well ---> DONE  (or SPLIT into subtasks: core/task_tree.h)
 *     |  ^---- ended otherwise: backoff with full jitter, up to attempts_max
 *     |------- cancelled -----------> CANCELLED
 *     +------- no attempt left, or in vain, or its time is over -----> DEAD (a dead letter)
 *
 * Who is the owner: (epoch, revision) orders all states of a task; a change of owner or backup
 * begins an epoch. When the owner is dead for task_grace_us, the backup takes over with the next
 * epoch, and has another node keep it. Whoever hears of a higher epoch than its own YIELDs, and
 * remembers to whom. A restarted owner does not begin a task of its former life before its backup
 * has confirmed it (KEPT) or has said whose it is (YIELD). A backup CHECKs now and then that what
 * it keeps still STANDS. Nobody is told to let go of a task before two others are known to have it
 * on disk. Who is to hear of a task and cannot be dialled is asked to dial (core/task_reach.c).
 *
 * Without an idempotency key a task is done at least once. With one, it is done once as long as
 * crashes are what happens:
 *
 *   - the provider is chosen and on disk at owner and backup before it is called, and is asked
 *     again, and nobody else, until it is known what it did, or task_hold_us have passed; that it
 *     cannot do it now means that it did not only if it was never asked before;
 *   - the provider keeps what it did under the key, on disk before it says so: core/ledger.h;
 *   - nobody acts on half a knowledge before task_hold_us have passed: a backup takes over, and is
 *     replaced, at once only if the other's machine says that the process is gone (a refused
 *     redial), and only if what it keeps was confirmed since it started itself.
 *
 * A cut that lasts longer than task_hold_us can make both sides try it. The same key given to two
 * nodes makes two tasks.
 *
 * A call under way is leased: its provider renews it, and who is not heard of for task_lease_us
 * has lost it, however long it takes (lessons.md row 24). Nobody who can do it is no attempt: the
 * queue waits (row 25).
 *
 * All tasks lie in the store; this machine keeps what is under way, MCPZ_TASKS_RUNNING_MAX calls,
 * and walks the rest in slices.
 */

#ifndef CORE_TASKS_H
#define CORE_TASKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "base/time.h"
#include "core/accepting.h"
#include "core/calls.h"
#include "core/event.h"
#include "core/fabric.h"
#include "core/noted.h"
#include "core/outbox.h"
#include "core/registry.h"
#include "core/relay.h"
#include "core/task_book.h"
#include "core/task_gather.h"
#include "core/task_queues.h"
#include "core/task_tree.h"
#include "core/timing.h"
#include "proto/plan.h"
#include "proto/store.h"
#include "proto/task.h"

#define MCPZ_TASKS_RUNNING_MAX 128
#define MCPZ_TASKS_WATCHED_MAX 256
#define MCPZ_TASKS_FULL_MAX 8                   /* nodes known to have no room for copies */
#define MCPZ_TASKS_FULL_US MCPZ_SECONDS(30)     /* so long they are asked for none */
#define MCPZ_TASKS_ASKED_MAX 32                 /* nodes that we would have a link to */
#define MCPZ_TASKS_REQUESTS (UINT64_C(1) << 63) /* our calls' requests have this bit */

static_assert(MCPZ_TASKS_RUNNING_MAX <= MCPZ_CALLS_MAX / 2, "half of the calls are for others");

enum mcpz_task_slot_phase {
    MCPZ_TASK_SLOT_FREE,
    MCPZ_TASK_SLOT_RECORDING, /* the backup is to know of it first */
    MCPZ_TASK_SLOT_CALLING,
};

/* An attempt under way. */
struct mcpz_task_slot {
    enum mcpz_task_slot_phase phase;
    uint64_t request; /* of its call */
    struct mcpz_task_id id;
    uint64_t group; /* of its queue */
    struct mcpz_task_cursor place;
    uint64_t revision;  /* RECORDING: what KEPT has to say */
    mcpz_time until_us; /* RECORDING: it is put back; CALLING: the lease */
    bool keyed;
    bool confirms;   /* RECORDING: that it is still ours is all that is asked for */
    bool fresh;      /* keyed: whom it asks was chosen for this, and asked but once */
    bool has_sent;   /* its input */
    bool has_output; /* some of a result is kept */
    bool feeds;      /* its input comes out of results: `gather` is how far that has been sent */
    uint32_t credit; /* the provider takes so many bytes more of it */
    struct mcpz_gather gather;
};

/* Who waits for a task to be over. */
struct mcpz_task_watch {
    uint64_t request; /* 0: free */
    struct mcpz_task_id id;
};

/* Since the start. */
struct mcpz_tasks_counts {
    uint64_t accepted;
    uint64_t refused;
    uint64_t attempts;
    uint64_t retried;
    uint64_t done;
    uint64_t died; /* became dead letters */
    uint64_t cancelled;
    uint64_t taken_over;
    uint64_t yielded;
    uint64_t lost_leases;
    uint64_t put_back; /* because the backup did not answer */
    uint64_t unkept;   /* whoever was to keep one had no room for it */
};

struct mcpz_tasks {
    const struct mcpz_node_timing *timing;
    struct mcpz_task_book book;
    struct mcpz_id self;
    uint64_t life; /* of this process, from the incarnation it started with */
    struct mcpz_rng rng;
    mcpz_time started_us;
    bool recount;             /* the store is not as we left it */
    mcpz_time quiet_until_us; /* nothing is begun before */
    bool drains;              /* nothing is begun: our backups go on when we leave */
    bool forsake;             /* we have left a mesh: what others keep is theirs */

    uint64_t last_ms; /* of the ids given out */
    uint32_t last_count;

    struct mcpz_task_queues queues;
    struct mcpz_task_tree tree;
    struct mcpz_task_slot slots[MCPZ_TASKS_RUNNING_MAX];
    size_t running;
    size_t feeding; /* slots that could send more of their input than a step has room for */
    uint64_t next_request;
    struct mcpz_accepting accepting;
    struct mcpz_noted full[MCPZ_TASKS_FULL_MAX];   /* they have said so */
    struct mcpz_noted asked[MCPZ_TASKS_ASKED_MAX]; /* to dial us, if they can be reached at all */
    struct mcpz_task_watch watches[MCPZ_TASKS_WATCHED_MAX];
    size_t watch_count;

    /* The walks: core/task_walks.c. */
    uint32_t copies;      /* kept for others, not over: as of the last sweep, and since */
    uint32_t copies_seen; /* by the sweep under way */
    struct mcpz_task_id sweep_at;
    mcpz_time sweep_at_us;
    bool sweep_fast;
    mcpz_time sweep_next_at_us; /* a fast one begins then */
    mcpz_time sweep_last_at_us; /* and then */
    struct mcpz_task_id lone_at;
    mcpz_time lone_at_us;
    mcpz_time later_at_us; /* when the first of LATER is due */
    mcpz_time ended_at_us;
    mcpz_time renew_at_us;
    size_t renew_from; /* the next of the calls we serve */

    struct mcpz_tasks_counts counts;
};

/**
 * Start from what `store` holds. `timing` is borrowed. `life` is greater than at any start before.
 */
void mcpz_tasks_init(struct mcpz_tasks *tasks, const struct mcpz_store *store,
                     const struct mcpz_node_timing *timing, const struct mcpz_id *self,
                     uint64_t life, uint64_t seed);

/** A batch was lost: the store is as it was before. Not within a step. */
void mcpz_tasks_recover(struct mcpz_tasks *tasks);

/** The mesh has changed: what others keep for us, or we for them, is theirs. */
void mcpz_tasks_start_over(struct mcpz_tasks *tasks);

/* The machines below, which a step looks at and does not change. */
struct mcpz_tasks_below {
    const struct mcpz_fabric *fabric;
    const struct mcpz_relay *relay; /* NULL: nobody is reached through others */
    const struct mcpz_registry *registry;
    const struct mcpz_calls *calls;
    const struct mcpz_planner *planner;
};

/**
 * Take in one event. Handles DURABLE_*, QUEUE_*, DRAIN, RESUME, ANSWERED, RECV of TASK_*, TICK;
 * facts of members, links, sessions and capabilities. Asks for CALL and REACH.
 */
void mcpz_tasks_step(struct mcpz_tasks *tasks, const struct mcpz_tasks_below *below, mcpz_time now,
                     const struct mcpz_event *event, struct mcpz_outbox *out);

mcpz_time mcpz_tasks_deadline(const struct mcpz_tasks *tasks);

/** The attempt of this task that is under way, NULL if none is. */
const struct mcpz_task_slot *mcpz_tasks_running(const struct mcpz_tasks *tasks,
                                                const struct mcpz_task_id *id);

#endif
