/*
 * What is done with each job, in the thread of blobs; without the thread, for tests.
 *
 * Blobs, and keys if none are lent, are opened when the first job needs them. Bytes come in parts:
 * an upload is begun, gets its parts in order, each named by where it begins so that a repeated
 * one does no harm, and is finished. One that nobody has added to for ten minutes is given up. A
 * tenant's blobs are seen with its name only.
 */

#ifndef BLOB_BLOB_WORKER_H
#define BLOB_BLOB_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "blob/blob_job.h"

#define MCPZ_BLOB_UPLOADS_MAX 16
#define MCPZ_BLOB_UPLOAD_IDLE_MS 600000
#define MCPZ_BLOB_SHOW_BYTES_MAX 1048576 /* of chunks that are shown at once */
#define MCPZ_BLOB_SCRUB_BYTES 4194304    /* read through each time that nothing is asked, */
#define MCPZ_BLOB_SCRUB_MS 86400000      /* and again so long after all was */
#define MCPZ_BLOB_TIDY_CHUNKS 4096       /* gone through each time, for room that is lost, */
#define MCPZ_BLOB_ROOM_BYTES 33554432    /* left free on the disk by copies, for what is written */

struct mcpz_keyring;

struct mcpz_blob_worker_config {
    const char *directory;        /* the node's data; copied */
    const char *node_key;         /* from the environment; NULL: in a file */
    const char *node_key_old;     /* what it was before; NULL */
    struct mcpz_keyring *keyring; /* borrowed, in place of one that is opened; NULL */
    uint64_t grace_ms;            /* 0: MCPZ_BLOB_GRACE_MS */
    uint64_t room_bytes;          /* no copy is taken that leaves less free on the disk */
};

struct mcpz_blob_worker;

/** Nothing is opened yet. Errors: MCPZ_ENOMEM */
MCPZ_MUST_USE mcpz_error mcpz_blob_worker_create(const struct mcpz_blob_worker_config *config,
                                                 struct mcpz_blob_worker **worker);
void mcpz_blob_worker_destroy(struct mcpz_blob_worker *worker);

/** Do it: `job->error` and what came of it. */
void mcpz_blob_worker_do(struct mcpz_blob_worker *worker, struct mcpz_blob_job *job);

/** The same, but what is to be on the disk need not be before mcpz_blob_worker_settle(). True:
 * something is not, so nobody is told of it, nor of what is done after it. */
bool mcpz_blob_worker_begin(struct mcpz_blob_worker *worker, struct mcpz_blob_job *job);

/** Have all on the disk that was begun. Errors: MCPZ_EIO, MCPZ_ENOSPACE: it is undone, which each
 * of those jobs is to be told: mcpz_blob_worker_fail() */
MCPZ_MUST_USE mcpz_error mcpz_blob_worker_settle(struct mcpz_blob_worker *worker);

/** It came to nothing, if it was one that is undone. */
void mcpz_blob_worker_fail(struct mcpz_blob_job *job, mcpz_error error);

/** How many blobs there are; false: that is not known. */
bool mcpz_blob_worker_totals(struct mcpz_blob_worker *worker, struct mcpz_blob_totals *totals);

/** Clear away some of what is due, and give back room that is lost. True: there was something, and
 * may be more. */
bool mcpz_blob_worker_clear(struct mcpz_blob_worker *worker, uint64_t now_ms);

/** Nothing is asked: clear away what is due, and look after the rest. True: there was something,
 * and may be more. */
bool mcpz_blob_worker_idle(struct mcpz_blob_worker *worker, uint64_t now_ms);

#endif
