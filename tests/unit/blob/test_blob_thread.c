#include <pthread.h>

#include "blob/blob_thread.h"
#include "crypto/identity.h"
#include "scratch.h"

static struct scratch scratch;
static struct mcpz_blob_thread *thread;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t came = PTHREAD_COND_INITIALIZER;
static size_t notified;
static size_t done;

static void notify(void *context)
{
    CHECK(context == &scratch);
    (void)pthread_mutex_lock(&mutex);
    notified++;
    (void)pthread_cond_signal(&came);
    (void)pthread_mutex_unlock(&mutex);
}

static void on_done(struct mcpz_blob_job *job)
{
    CHECK(job->owner == &done);
    done++;
}

static void set_up(void)
{
    CHECK_UINT(mcpz_crypto_init(), MCPZ_OK);
    scratch_make(&scratch);
    notified = 0;
    done = 0;
    const struct mcpz_blob_worker_config config = {.directory = scratch.path};
    CHECK_UINT(mcpz_blob_thread_create(&config, notify, &scratch, &thread), MCPZ_OK);
}

static struct mcpz_blob_job new_job(void)
{
    return (struct mcpz_blob_job){
        .ask = MCPZ_BLOB_BEGIN, .tenant = "acme", .done = on_done, .owner = &done};
}

static void await(size_t count)
{
    while (done < count) {
        (void)pthread_mutex_lock(&mutex);
        while (notified == 0) {
            (void)pthread_cond_wait(&came, &mutex);
        }
        notified = 0;
        (void)pthread_mutex_unlock(&mutex);
        mcpz_blob_thread_progress(thread);
    }
}

TEST(jobs_come_back_done_where_they_are_taken)
{
    struct mcpz_blob_job jobs[3] = {new_job(), new_job(), new_job()};

    set_up();
    for (size_t i = 0; i < 3; i++) {
        CHECK(mcpz_blob_thread_submit(thread, &jobs[i]));
    }
    await(3);
    for (size_t i = 0; i < 3; i++) {
        CHECK_UINT(jobs[i].error, MCPZ_OK);
        CHECK(jobs[i].upload != 0);
    }
    mcpz_blob_thread_destroy(thread);
    scratch_remove(&scratch);
}

TEST(so_many_wait_and_no_more)
{
    static struct mcpz_blob_job jobs[MCPZ_BLOB_JOBS_MAX + 1];

    set_up();
    for (size_t i = 0; i < MCPZ_BLOB_JOBS_MAX; i++) {
        jobs[i] = new_job();
        CHECK(mcpz_blob_thread_submit(thread, &jobs[i]));
    }
    jobs[MCPZ_BLOB_JOBS_MAX] = new_job();
    CHECK(!mcpz_blob_thread_submit(thread, &jobs[MCPZ_BLOB_JOBS_MAX]));
    await(MCPZ_BLOB_JOBS_MAX);
    CHECK(mcpz_blob_thread_submit(thread, &jobs[MCPZ_BLOB_JOBS_MAX]));
    await(MCPZ_BLOB_JOBS_MAX + 1);
    mcpz_blob_thread_destroy(thread);
    scratch_remove(&scratch);
}

TEST(all_come_back_when_it_ends)
{
    static struct mcpz_blob_job jobs[MCPZ_BLOB_JOBS_MAX];

    set_up();
    for (size_t i = 0; i < MCPZ_BLOB_JOBS_MAX; i++) {
        jobs[i] = new_job();
        CHECK(mcpz_blob_thread_submit(thread, &jobs[i]));
    }
    mcpz_blob_thread_destroy(thread);
    CHECK_UINT(done, MCPZ_BLOB_JOBS_MAX);
    scratch_remove(&scratch);
}

TEST(nothing_is_started_for_nothing)
{
    set_up();
    mcpz_blob_thread_progress(thread);
    mcpz_blob_thread_destroy(thread);
    mcpz_blob_thread_destroy(NULL);
    CHECK_UINT(done, 0);
    CHECK(rmdir(scratch.path) == 0); /* and nothing was made */
}

TEST_MAIN(RUN(jobs_come_back_done_where_they_are_taken), RUN(so_many_wait_and_no_more),
          RUN(all_come_back_when_it_ends), RUN(nothing_is_started_for_nothing))
