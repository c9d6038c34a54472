/*
 * The workers of one provider, or of one agent pool, and the tasks that wait for them.
 *
 *   task -> queue -> a ready worker with room -> over
 *
 * Workers are started ahead (`warm`) or when a task waits; a new one takes the place of one that
 * has done its number of tasks, is too old, died, or hung. One that dies is started again later
 * and later (MCPZ_CREW_BACKOFF_*), until it has done a task.
 *
 * A lease sets one worker aside for a caller of this machine. When it ends, the worker goes, with
 * its workspace: the next to lease gets a fresh one.
 *
 * Everything is decided in mcpz_crew_poll(), outside of turns and of watchers.
 */

#ifndef EXEC_CREW_H
#define EXEC_CREW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ev.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "exec/errand.h"
#include "exec/job.h"
#include "exec/provision.h"
#include "exec/worker.h"

#define MCPZ_CREW_QUEUE_MAX 128
#define MCPZ_CREW_DONE_MAX (MCPZ_SERVICE_WORKERS_MAX * MCPZ_SERVICE_CONCURRENCY_MAX)
#define MCPZ_CREW_BACKOFF_FIRST_MS 100
#define MCPZ_CREW_BACKOFF_MAX_MS 30000

struct mcpz_crew {
    struct mcpz_job_site *site;
    struct mcpz_provision provision;
    struct mcpz_worker workers[MCPZ_SERVICE_WORKERS_MAX]; /* provision.provider.workers of them */
    struct mcpz_errand *queue[MCPZ_CREW_QUEUE_MAX];       /* first come, first served */
    size_t queue_count;
    struct mcpz_errand *done[MCPZ_CREW_DONE_MAX]; /* over, to be freed by the next poll */
    size_t done_count;
    char trouble[MCPZ_ERRAND_TEXT_BYTES]; /* why a worker did not start; "": none, or told */
    bool closing;                         /* takes no more, and is done when its workers are */
    ev_timer wake;
};

/** Takes `provision` over. Errors: MCPZ_ENOMEM: it is released. */
MCPZ_MUST_USE mcpz_error mcpz_crew_create(struct mcpz_job_site *site,
                                          struct mcpz_provision *provision,
                                          struct mcpz_crew **crew);

/** All its workers are absent. NULL is fine. */
void mcpz_crew_destroy(struct mcpz_crew *crew);

/**
 * Take a task in; it is the crew's from now on. mcpz_crew_poll() is due.
 *
 * Errors: MCPZ_EFULL  too many wait, or the crew is closing: it is still the caller's
 */
MCPZ_MUST_USE mcpz_error mcpz_crew_add(struct mcpz_crew *crew, struct mcpz_errand *errand);

/** The task of this id and port; NULL: it is not here. */
struct mcpz_errand *mcpz_crew_find(struct mcpz_crew *crew, const struct mcpz_errand_port *port,
                                   uint32_t id);

/** Take no more; let what runs go on. */
void mcpz_crew_close(struct mcpz_crew *crew);

/** Is nothing of a closing crew left? */
bool mcpz_crew_is_done(const struct mcpz_crew *crew);

/** Do all that is due. */
void mcpz_crew_poll(struct mcpz_crew *crew);

/** How many workers are ready, or on their way. */
void mcpz_crew_count(const struct mcpz_crew *crew, size_t *ready, size_t *starting, size_t *busy,
                     size_t *leases);

/** Set a worker aside. Errors: MCPZ_EFULL  all are set aside; MCPZ_ENOTFOUND  it is closing */
MCPZ_MUST_USE mcpz_error mcpz_crew_lease(struct mcpz_crew *crew, uint64_t lease);

/** Give it back: its tasks fail, and a fresh one takes its place. Errors: MCPZ_ENOTFOUND */
MCPZ_MUST_USE mcpz_error mcpz_crew_release(struct mcpz_crew *crew, uint64_t lease);

/* For its workers. */
uint32_t mcpz_crew_backoff_ms(uint32_t failures);
void mcpz_crew_kick(struct mcpz_crew *crew);

/** Have `errand`, which no worker has in hand any more, freed. */
void mcpz_crew_bury(struct mcpz_crew *crew, struct mcpz_errand *errand);

/** A worker did not become ready: who waits is told, and may try elsewhere. */
void mcpz_crew_tell_not_started(struct mcpz_crew *crew, const char *why);

#endif
