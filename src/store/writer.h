/*
 * The store thread: takes batches, writes and syncs them, says how far it is.
 *
 *   loop  -- give() --> queue --> [thread: one transaction] --> done -- take() --> loop
 *
 * It takes at once all that waits, whole batches up to MCPZ_BATCH_OPERATIONS_MAX writes (a single
 * batch may have more). A lone batch does not wait for company; what comes while it is written
 * goes together next.
 *
 * After a failure it stands still until the loop has seen it: all that is in the queue by then
 * was made from what could not be written, and goes back unwritten. When the map is full it
 * stands still until the loop has made it larger, between two turns, when nobody reads.
 */

#ifndef STORE_WRITER_H
#define STORE_WRITER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "store/batch.h"
#include "store/env.h"
#include "store/lmdb.h"

struct mcpz_writer {
    struct mcpz_env *env; /* the thread's, except while it stands still for a larger map */
    void (*notify)(void *context);
    void *notify_context;
    pthread_t thread;
    pthread_mutex_t mutex; /* over all that follows */
    pthread_cond_t wake;
    struct mcpz_batches queue;
    struct mcpz_batches done;
    uint64_t durable;
    mcpz_error error; /* why the first of the queue cannot be written; MCPZ_OK: go on */
    bool one_by_one;  /* the first of the queue could not be written in company */
    bool wants_room;
    bool stopping;
    struct mcpz_lmdb_stats stats;
};

/* What the loop takes in between turns. */
struct mcpz_writer_news {
    struct mcpz_batches done;
    struct mcpz_batches stale; /* never to be written */
    uint64_t durable;
    mcpz_error error; /* MCPZ_OK: nothing is stale */
};

/**
 * Start the thread. Of `config` only `notify` is used. `env` is borrowed until the writer stops.
 *
 * Errors: MCPZ_ENOMEM, MCPZ_EIO  no thread is to be had
 */
MCPZ_MUST_USE mcpz_error mcpz_writer_start(struct mcpz_writer *writer, struct mcpz_env *env,
                                           const struct mcpz_env_fill *fill,
                                           const struct mcpz_lmdb_config *config);

/** Write what waits, end the thread. Nobody reads. What was done or is stale is destroyed. */
void mcpz_writer_stop(struct mcpz_writer *writer);

/** Hand over. */
void mcpz_writer_give(struct mcpz_writer *writer, struct mcpz_batch *batch);

/** Take in what happened, and make the map larger if it is full. Nobody reads. */
void mcpz_writer_take(struct mcpz_writer *writer, struct mcpz_writer_news *news);

void mcpz_writer_stats(struct mcpz_writer *writer, struct mcpz_lmdb_stats *stats);

#endif
