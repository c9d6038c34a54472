#include <pthread.h>
#include <stdbool.h>

#include "bench.h"
#include "proto/limits.h"
#include "scratch.h"
#include "store/lmdb.h"

#define MAP_BYTES_MAX 2097152

struct bench {
    struct scratch scratch;
    struct mcpz_lmdb *lmdb;
    struct mcpz_kv kv;
    pthread_mutex_t mutex; /* over all that follows */
    pthread_cond_t changed;
    uint64_t news; /* times the store thread had some */
    bool closed;   /* the gate it passes each time */
    bool waiting;  /* it stands before it */
};

static void notify(void *context)
{
    struct bench *bench = context;

    pthread_mutex_lock(&bench->mutex);
    bench->news++;
    bench->waiting = true;
    pthread_cond_broadcast(&bench->changed);
    while (bench->closed) {
        pthread_cond_wait(&bench->changed, &bench->mutex);
    }
    bench->waiting = false;
    pthread_mutex_unlock(&bench->mutex);
}

static void set_gate(struct bench *bench, bool closed)
{
    pthread_mutex_lock(&bench->mutex);
    bench->closed = closed;
    pthread_cond_broadcast(&bench->changed);
    pthread_mutex_unlock(&bench->mutex);
}

static void open_store(struct bench *bench)
{
    struct mcpz_lmdb_trouble trouble;
    const struct mcpz_lmdb_config config = {
        .directory = bench->scratch.path,
        .map_bytes = 65536,
        .map_bytes_max = MAP_BYTES_MAX,
        .notify = notify,
        .notify_context = bench,
    };
    mcpz_error error = mcpz_lmdb_open(&config, &bench->lmdb, &bench->kv, &trouble);
    CHECK_TEXT(trouble.text, "");
    CHECK_UINT(error, MCPZ_OK);
}

struct bench *bench_open(struct mcpz_kv *kv)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    CHECK(bench != NULL);
    pthread_mutex_init(&bench->mutex, NULL);
    pthread_cond_init(&bench->changed, NULL);
    scratch_make(&bench->scratch);
    open_store(bench);
    *kv = bench->kv;
    return bench;
}

void bench_close(struct bench *bench)
{
    mcpz_lmdb_close(bench->lmdb);
    scratch_remove(&bench->scratch);
    free(bench);
}

struct mcpz_kv_progress bench_sync(struct bench *bench, uint64_t batch)
{
    for (;;) {
        pthread_mutex_lock(&bench->mutex);
        uint64_t seen = bench->news;
        pthread_mutex_unlock(&bench->mutex);

        struct mcpz_kv_progress progress = bench->kv.progress(bench->kv.context);
        if (progress.error != MCPZ_OK || progress.durable >= batch) {
            return progress;
        }
        pthread_mutex_lock(&bench->mutex);
        while (bench->news == seen) {
            pthread_cond_wait(&bench->changed, &bench->mutex);
        }
        pthread_mutex_unlock(&bench->mutex);
    }
}

void bench_hold(struct bench *bench)
{
    set_gate(bench, true);
    bench->kv.put(bench->kv.context, mcpz_text("~hold"), mcpz_text("x"));
    CHECK(bench->kv.commit(bench->kv.context) != 0);
    pthread_mutex_lock(&bench->mutex);
    while (!bench->waiting) {
        pthread_cond_wait(&bench->changed, &bench->mutex);
    }
    pthread_mutex_unlock(&bench->mutex);
}

void bench_write_too_much(struct bench *bench)
{
    static const uint8_t value[MCPZ_STORED_BYTES_MAX];
    char key[16];

    for (int i = 0; i < 2 * MAP_BYTES_MAX / MCPZ_STORED_BYTES_MAX; i++) {
        snprintf(key, sizeof(key), "~much-%d", i);
        bench->kv.put(bench->kv.context, mcpz_text(key), mcpz_bytes(value, sizeof(value)));
    }
}

struct mcpz_kv_progress bench_fail(struct bench *bench)
{
    set_gate(bench, false);
    return bench_sync(bench, UINT64_MAX);
}

void bench_restart(struct bench *bench, struct mcpz_kv *kv)
{
    mcpz_lmdb_close(bench->lmdb);
    open_store(bench);
    *kv = bench->kv;
}
