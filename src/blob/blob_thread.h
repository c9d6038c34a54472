/*
 * The thread in which blobs are cut, sealed and written, so that the loop does none of it.
 *
 *   submit -> [thread: blob_worker.h] -> notify -> progress -> job->done
 *
 * It is started by the first job. When nothing has been asked for five seconds, and every five
 * seconds from then on, it clears away what is due.
 */

#ifndef BLOB_BLOB_THREAD_H
#define BLOB_BLOB_THREAD_H

#include <stdbool.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "blob/blob_job.h"
#include "blob/blob_worker.h"

#define MCPZ_BLOB_JOBS_MAX 64  /* waiting, or done and not taken back */
#define MCPZ_BLOB_SHARE_MAX 32 /* jobs that share one wait for the disk, */
#define MCPZ_BLOB_SHARE_MS 20  /* which is begun so long after the first at the latest */
#define MCPZ_BLOB_IDLE_SECONDS 5

struct mcpz_blob_thread;

/**
 * `notify` is called from the thread when a job is done; it must only wake the loop, in which
 * mcpz_blob_thread_progress() is called then.
 *
 * Errors: MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_blob_thread_create(const struct mcpz_blob_worker_config *config,
                                                 void (*notify)(void *context), void *context,
                                                 struct mcpz_blob_thread **thread);

/** Let the job under way end, and give all others back with MCPZ_EIO. NULL is fine. */
void mcpz_blob_thread_destroy(struct mcpz_blob_thread *thread);

/** Hand over a job. False: MCPZ_BLOB_JOBS_MAX are, or no thread can be started. */
bool mcpz_blob_thread_submit(struct mcpz_blob_thread *thread, struct mcpz_blob_job *job);

/** How many blobs there were when it was last at work; zeros: it was not yet. */
struct mcpz_blob_totals mcpz_blob_thread_totals(struct mcpz_blob_thread *thread);

/** Give back what is done. */
void mcpz_blob_thread_progress(struct mcpz_blob_thread *thread);

#endif
