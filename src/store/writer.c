#include "store/writer.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <time.h>

#include "proto/limits.h"
#include "proto/record.h"

static uint64_t clock_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* ---- The thread, holding the mutex -------------------------------------------------------- */

static void make_room(struct mcpz_writer *writer)
{
    mcpz_error error = mcpz_env_grow(writer->env);
    writer->wants_room = false;
    writer->stats.map_bytes = writer->env->map_bytes;
    if (error != MCPZ_OK) {
        writer->error = error;
    }
}

/* Wait until there is something to write. False: it is time to end. */
static bool wait_for_work(struct mcpz_writer *writer)
{
    while (!writer->stopping &&
           (writer->queue.first == NULL || writer->error != MCPZ_OK || writer->wants_room)) {
        pthread_cond_wait(&writer->wake, &writer->mutex);
    }
    if (writer->stopping && writer->wants_room) {
        make_room(writer); /* the loop reads no more */
    }
    return writer->queue.first != NULL && writer->error == MCPZ_OK;
}

static struct mcpz_batches take_group(struct mcpz_writer *writer)
{
    struct mcpz_batches group = {0};
    size_t operations = 0;

    do {
        operations += writer->queue.first->count;
        mcpz_batches_append(&group, mcpz_batches_take(&writer->queue));
    } while (!writer->one_by_one && writer->queue.first != NULL &&
             operations + writer->queue.first->count <= MCPZ_BATCH_OPERATIONS_MAX);
    return group;
}

static void put_back(struct mcpz_writer *writer, struct mcpz_batches *group)
{
    mcpz_batches_join(group, &writer->queue);
    writer->queue = *group;
}

static uint64_t count_writes(const struct mcpz_batches *group)
{
    uint64_t count = 0;

    for (const struct mcpz_batch *batch = group->first; batch != NULL; batch = batch->next) {
        count += batch->count;
    }
    return count;
}

static void on_written(struct mcpz_writer *writer, struct mcpz_batches *group,
                       const struct mcpz_env_fill *fill, uint64_t took_us)
{
    struct mcpz_lmdb_stats *stats = &writer->stats;

    stats->commits++;
    stats->writes += count_writes(group);
    mcpz_durations_add(&stats->took, took_us);
    stats->commit_us_last = took_us;
    stats->commit_us_max = took_us > stats->commit_us_max ? took_us : stats->commit_us_max;
    stats->entries = fill->entries;
    stats->used_bytes = fill->used_bytes;
    writer->one_by_one = false;
    writer->durable = group->last->number;
    mcpz_batches_join(&writer->done, group);
}

static void on_failed(struct mcpz_writer *writer, struct mcpz_batches *group, mcpz_error error)
{
    bool alone = group->first == group->last;

    put_back(writer, group);
    if (error == MCPZ_EFULL && mcpz_env_may_grow(writer->env)) {
        writer->wants_room = true;
        return;
    }
    writer->stats.failed_commits++;
    if (!alone) {
        writer->one_by_one = true; /* only what cannot be written at all shall fail */
        return;
    }
    writer->one_by_one = false;
    writer->error = error == MCPZ_EFULL ? MCPZ_ENOSPACE : error;
}

/* Does it take something out for good? A document's place among the changes only moves. */
static bool removes(const struct mcpz_batches *group)
{
    for (const struct mcpz_batch *batch = group->first; batch != NULL; batch = batch->next) {
        for (const struct mcpz_write *write = batch->first; write != NULL; write = write->next) {
            if (write->removed && write->bytes[0] != MCPZ_RECORD_CHANGE) {
                return true;
            }
        }
    }
    return false;
}

/* Without the mutex. What removes may have the room that is kept for that. */
static mcpz_error write_group(struct mcpz_writer *writer, const struct mcpz_batches *group,
                              struct mcpz_env_fill *fill)
{
    mcpz_error error = mcpz_env_write(writer->env, group, fill);

    if (error == MCPZ_ENOSPACE && removes(group) && mcpz_reserve_release(&writer->env->reserve)) {
        error = mcpz_env_write(writer->env, group, fill);
    }
    if (error == MCPZ_OK) {
        mcpz_reserve_renew(&writer->env->reserve);
    }
    return error;
}

static void *run(void *context)
{
    struct mcpz_writer *writer = context;

    pthread_mutex_lock(&writer->mutex);
    while (wait_for_work(writer)) {
        struct mcpz_batches group = take_group(writer);
        struct mcpz_env_fill fill;
        pthread_mutex_unlock(&writer->mutex);

        uint64_t begun_us = clock_us();
        mcpz_error error = write_group(writer, &group, &fill);
        uint64_t took_us = clock_us() - begun_us;

        pthread_mutex_lock(&writer->mutex);
        if (error == MCPZ_OK) {
            on_written(writer, &group, &fill, took_us);
        } else {
            on_failed(writer, &group, error);
        }
        pthread_mutex_unlock(&writer->mutex);
        writer->notify(writer->notify_context);
        pthread_mutex_lock(&writer->mutex);
    }
    pthread_mutex_unlock(&writer->mutex);
    return NULL;
}

/* ---- The loop ----------------------------------------------------------------------------- */

mcpz_error mcpz_writer_start(struct mcpz_writer *writer, struct mcpz_env *env,
                             const struct mcpz_env_fill *fill,
                             const struct mcpz_lmdb_config *config)
{
    sigset_t all;
    sigset_t before;

    assert(config->notify != NULL);
    *writer = (struct mcpz_writer){
        .env = env,
        .notify = config->notify,
        .notify_context = config->notify_context,
        .stats = {.entries = fill->entries,
                  .used_bytes = fill->used_bytes,
                  .map_bytes = env->map_bytes},
    };
    pthread_mutex_init(&writer->mutex, NULL);
    pthread_cond_init(&writer->wake, NULL);

    /* Signals are for the loop. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&writer->thread, NULL, run, writer);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed != 0) {
        pthread_cond_destroy(&writer->wake);
        pthread_mutex_destroy(&writer->mutex);
        return failed == ENOMEM || failed == EAGAIN ? MCPZ_ENOMEM : MCPZ_EIO;
    }
    return MCPZ_OK;
}

void mcpz_writer_stop(struct mcpz_writer *writer)
{
    pthread_mutex_lock(&writer->mutex);
    writer->stopping = true;
    pthread_cond_signal(&writer->wake);
    pthread_mutex_unlock(&writer->mutex);
    pthread_join(writer->thread, NULL);

    mcpz_batches_destroy(&writer->queue);
    mcpz_batches_destroy(&writer->done);
    pthread_cond_destroy(&writer->wake);
    pthread_mutex_destroy(&writer->mutex);
}

void mcpz_writer_give(struct mcpz_writer *writer, struct mcpz_batch *batch)
{
    pthread_mutex_lock(&writer->mutex);
    mcpz_batches_append(&writer->queue, batch);
    pthread_cond_signal(&writer->wake);
    pthread_mutex_unlock(&writer->mutex);
}

void mcpz_writer_take(struct mcpz_writer *writer, struct mcpz_writer_news *news)
{
    pthread_mutex_lock(&writer->mutex);
    if (writer->wants_room) {
        make_room(writer);
    }
    *news = (struct mcpz_writer_news){
        .done = writer->done,
        .durable = writer->durable,
        .error = writer->error,
    };
    writer->done = (struct mcpz_batches){0};
    if (writer->error != MCPZ_OK) {
        news->stale = writer->queue;
        writer->queue = (struct mcpz_batches){0};
        writer->error = MCPZ_OK;
        writer->one_by_one = false;
    }
    pthread_cond_signal(&writer->wake);
    pthread_mutex_unlock(&writer->mutex);
}

void mcpz_writer_stats(struct mcpz_writer *writer, struct mcpz_lmdb_stats *stats)
{
    pthread_mutex_lock(&writer->mutex);
    *stats = writer->stats;
    pthread_mutex_unlock(&writer->mutex);
}
