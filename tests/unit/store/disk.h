/* A real store in a scratch directory, and waiting for its thread without sleeping. */

#ifndef DISK_H
#define DISK_H

#include <semaphore.h>

#include "scratch.h"
#include "store/lmdb.h"

struct disk {
    struct mcpz_lmdb_config config;
    struct mcpz_lmdb *lmdb;
    struct mcpz_kv kv;
    struct mcpz_lmdb_trouble trouble;
    sem_t news;
};

static inline void disk_notify(void *context)
{
    struct disk *disk = context;
    sem_post(&disk->news);
}

static inline void disk_init(struct disk *disk, const char *directory, size_t map_bytes,
                             size_t map_bytes_max)
{
    memset(disk, 0, sizeof(*disk));
    sem_init(&disk->news, 0, 0);
    disk->config = (struct mcpz_lmdb_config){
        .directory = directory,
        .map_bytes = map_bytes,
        .map_bytes_max = map_bytes_max,
        .notify = disk_notify,
        .notify_context = disk,
    };
}

static inline mcpz_error disk_open(struct disk *disk)
{
    return mcpz_lmdb_open(&disk->config, &disk->lmdb, &disk->kv, &disk->trouble);
}

static inline void disk_close(struct disk *disk)
{
    mcpz_lmdb_close(disk->lmdb);
    disk->lmdb = NULL;
}

static inline void disk_put(struct disk *disk, const char *key, struct mcpz_bytes value)
{
    disk->kv.put(disk->kv.context, mcpz_text(key), value);
}

static inline uint64_t disk_commit(struct disk *disk)
{
    return disk->kv.commit(disk->kv.context);
}

/* Until `batch` is durable, or something failed. A post may be stale: then it looks once more. */
static inline struct mcpz_kv_progress disk_wait(struct disk *disk, uint64_t batch)
{
    for (;;) {
        struct mcpz_kv_progress progress = disk->kv.progress(disk->kv.context);
        if (progress.error != MCPZ_OK || progress.durable >= batch) {
            return progress;
        }
        while (sem_wait(&disk->news) != 0) {
        }
    }
}

/* Every key and value, seen to be readable; returns how many. */
static inline size_t disk_count(struct disk *disk)
{
    struct mcpz_bytes key = {0};
    struct mcpz_bytes value;
    size_t count = 0;
    volatile uint8_t sink = 0;

    while (disk->kv.next(disk->kv.context, key, false, &key, &value) == MCPZ_OK) {
        uint8_t sum = 0;
        for (size_t i = 0; i < value.length; i++) {
            sum = (uint8_t)(sum + value.data[i]);
        }
        sink = sum;
        count++;
    }
    (void)sink;
    disk_commit(disk);
    return count;
}

#endif
