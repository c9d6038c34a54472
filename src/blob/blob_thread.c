#include "blob/blob_thread.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#define CLEAR_EVERY_MS (UINT64_C(1000) * MCPZ_BLOB_IDLE_SECONDS)

struct queue {
    struct mcpz_blob_job *first;
    struct mcpz_blob_job *last;
};

struct mcpz_blob_thread {
    struct mcpz_blob_worker *worker; /* the thread's, once it runs */
    uint64_t cleared_ms;             /* likewise */
    void (*notify)(void *context);
    void *context;
    pthread_t thread;
    bool is_running;

    pthread_mutex_t mutex; /* over what follows */
    pthread_cond_t work;
    struct queue waiting;
    struct queue done;
    size_t count; /* in both, and under way */
    bool is_over;
    struct mcpz_blob_totals totals;
};

static void append(struct queue *queue, struct mcpz_blob_job *job)
{
    job->next = NULL;
    if (queue->last != NULL) {
        queue->last->next = job;
    } else {
        queue->first = job;
    }
    queue->last = job;
}

static struct mcpz_blob_job *take(struct queue *queue)
{
    struct mcpz_blob_job *job = queue->first;

    if (job != NULL) {
        queue->first = job->next;
        queue->last = queue->first == NULL ? NULL : queue->last;
    }
    return job;
}

/* ---- In the thread -------------------------------------------------------------------------- */

static uint64_t wall_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Wait for a job, or until it is over; NULL: it is over, or nothing has come for a while. */
static struct mcpz_blob_job *await_job(struct mcpz_blob_thread *thread, bool *is_over)
{
    struct timespec until;
    int failed = 0;

    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += MCPZ_BLOB_IDLE_SECONDS;
    (void)pthread_mutex_lock(&thread->mutex);
    while (thread->waiting.first == NULL && !thread->is_over && failed == 0) {
        failed = pthread_cond_timedwait(&thread->work, &thread->mutex, &until);
    }
    struct mcpz_blob_job *job = thread->is_over ? NULL : take(&thread->waiting);
    *is_over = thread->is_over;
    (void)pthread_mutex_unlock(&thread->mutex);
    return job;
}

/* The next job, if one is waiting. */
static struct mcpz_blob_job *next_job(struct mcpz_blob_thread *thread)
{
    (void)pthread_mutex_lock(&thread->mutex);
    struct mcpz_blob_job *job = thread->is_over ? NULL : take(&thread->waiting);
    (void)pthread_mutex_unlock(&thread->mutex);
    return job;
}

static bool is_wanted(struct mcpz_blob_thread *thread)
{
    (void)pthread_mutex_lock(&thread->mutex);
    const bool wanted = thread->waiting.first != NULL || thread->is_over;
    (void)pthread_mutex_unlock(&thread->mutex);
    return wanted;
}

/* `job` (NULL: none) is done. */
static void take_stock(struct mcpz_blob_thread *thread, struct mcpz_blob_job *job)
{
    struct mcpz_blob_totals totals;
    const bool is_known = mcpz_blob_worker_totals(thread->worker, &totals);

    (void)pthread_mutex_lock(&thread->mutex);
    if (is_known) {
        thread->totals = totals;
    }
    if (job != NULL) {
        append(&thread->done, job);
    }
    (void)pthread_mutex_unlock(&thread->mutex);
}

/* Where there is always something to be done, what is due is cleared away now and then. */
static void clear_if_due(struct mcpz_blob_thread *thread)
{
    const uint64_t now_ms = wall_ms();

    if (now_ms >= thread->cleared_ms && now_ms < thread->cleared_ms + CLEAR_EVERY_MS) {
        return;
    }
    thread->cleared_ms = now_ms; /* so it is, too, if the clock was set back */
    while (mcpz_blob_worker_clear(thread->worker, now_ms) && !is_wanted(thread)) {
    }
    take_stock(thread, NULL);
}

static void tell(struct mcpz_blob_thread *thread, struct mcpz_blob_job *job)
{
    take_stock(thread, job);
    thread->notify(thread->context);
}

/*
 * Do `job`, and as long as something is to be on the disk before anybody is told, those that wait
 * behind it: they share the wait for the disk, and are told in order.
 */
static void work_off(struct mcpz_blob_thread *thread, struct mcpz_blob_job *job)
{
    const uint64_t since_ms = wall_ms();
    struct queue begun = {NULL, NULL};
    size_t count = 0;

    while (job != NULL) {
        const bool is_due = mcpz_blob_worker_begin(thread->worker, job);
        if (!is_due && count == 0) {
            tell(thread, job);
            break;
        }
        append(&begun, job);
        const uint64_t now_ms = wall_ms();
        const bool is_late = now_ms < since_ms || now_ms > since_ms + MCPZ_BLOB_SHARE_MS;
        job = ++count == MCPZ_BLOB_SHARE_MAX || is_late ? NULL : next_job(thread);
    }
    const mcpz_error error = mcpz_blob_worker_settle(thread->worker);
    while ((job = take(&begun)) != NULL) {
        mcpz_blob_worker_fail(job, error);
        tell(thread, job);
    }
}

static void *run(void *context)
{
    struct mcpz_blob_thread *thread = context;
    bool is_over = false;

    while (!is_over) {
        struct mcpz_blob_job *job = await_job(thread, &is_over);
        if (job != NULL) {
            work_off(thread, job);
            clear_if_due(thread);
        } else if (!is_over) {
            while (mcpz_blob_worker_idle(thread->worker, wall_ms()) && !is_wanted(thread)) {
            }
            take_stock(thread, NULL);
        }
    }
    return NULL;
}

/* ---- Around it ------------------------------------------------------------------------------ */

mcpz_error mcpz_blob_thread_create(const struct mcpz_blob_worker_config *config,
                                   void (*notify)(void *context), void *context,
                                   struct mcpz_blob_thread **thread)
{
    struct mcpz_blob_thread *made = calloc(1, sizeof(*made));
    pthread_condattr_t monotonic;

    *thread = NULL;
    if (made == NULL || mcpz_blob_worker_create(config, &made->worker) != MCPZ_OK) {
        free(made);
        return MCPZ_ENOMEM;
    }
    made->notify = notify;
    made->context = context;
    (void)pthread_mutex_init(&made->mutex, NULL);
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&made->work, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    *thread = made;
    return MCPZ_OK;
}

/* Signals are the loop's. */
static bool start(struct mcpz_blob_thread *thread)
{
    sigset_t all;
    sigset_t before;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    thread->is_running = pthread_create(&thread->thread, NULL, run, thread) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return thread->is_running;
}

bool mcpz_blob_thread_submit(struct mcpz_blob_thread *thread, struct mcpz_blob_job *job)
{
    if (!thread->is_running && !start(thread)) {
        return false;
    }
    (void)pthread_mutex_lock(&thread->mutex);
    const bool has_room = thread->count < MCPZ_BLOB_JOBS_MAX;
    if (has_room) {
        thread->count++;
        append(&thread->waiting, job);
        (void)pthread_cond_signal(&thread->work);
    }
    (void)pthread_mutex_unlock(&thread->mutex);
    return has_room;
}

struct mcpz_blob_totals mcpz_blob_thread_totals(struct mcpz_blob_thread *thread)
{
    (void)pthread_mutex_lock(&thread->mutex);
    const struct mcpz_blob_totals totals = thread->totals;
    (void)pthread_mutex_unlock(&thread->mutex);
    return totals;
}

void mcpz_blob_thread_progress(struct mcpz_blob_thread *thread)
{
    for (;;) {
        (void)pthread_mutex_lock(&thread->mutex);
        struct mcpz_blob_job *job = take(&thread->done);
        thread->count -= job != NULL ? 1 : 0;
        (void)pthread_mutex_unlock(&thread->mutex);
        if (job == NULL) {
            return;
        }
        job->done(job);
    }
}

void mcpz_blob_thread_destroy(struct mcpz_blob_thread *thread)
{
    struct mcpz_blob_job *job;

    if (thread == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&thread->mutex);
    thread->is_over = true;
    (void)pthread_cond_signal(&thread->work);
    (void)pthread_mutex_unlock(&thread->mutex);
    if (thread->is_running) {
        (void)pthread_join(thread->thread, NULL);
    }
    mcpz_blob_thread_progress(thread);
    while ((job = take(&thread->waiting)) != NULL) {
        job->error = MCPZ_EIO;
        job->done(job);
    }
    mcpz_blob_worker_destroy(thread->worker);
    (void)pthread_cond_destroy(&thread->work);
    (void)pthread_mutex_destroy(&thread->mutex);
    free(thread);
}
