#include "store/mem.h"

#include <assert.h>
#include <stdlib.h>

#include "proto/limits.h"
#include "store/unsaved.h"

struct mcpz_mem {
    struct mcpz_unsaved unsaved; /* and what is on the disk */
    struct mcpz_sorted backup;   /* owns its writes */
    bool has_backup;
    struct mcpz_batches queue;
    struct mcpz_batches done; /* durable, and not yet told */
    uint64_t durable;
    mcpz_error error; /* why the queue will never be written; stands still until it is told */
    bool reading;     /* something may be borrowed */
};

static void settle(struct mcpz_mem *mem)
{
    struct mcpz_batch *batch;

    while ((batch = mcpz_batches_take(&mem->done)) != NULL) {
        mcpz_unsaved_settle(&mem->unsaved, batch);
        mcpz_batch_destroy(batch);
    }
}

static mcpz_error mem_get(void *context, struct mcpz_bytes key, struct mcpz_bytes *value)
{
    struct mcpz_mem *mem = context;
    mem->reading = true;
    return mcpz_unsaved_get(&mem->unsaved, key, value);
}

static mcpz_error mem_next(void *context, struct mcpz_bytes after, bool inclusive,
                           struct mcpz_bytes *key, struct mcpz_bytes *value)
{
    struct mcpz_mem *mem = context;
    mem->reading = true;
    return mcpz_unsaved_next(&mem->unsaved, after, inclusive, key, value);
}

static void mem_put(void *context, struct mcpz_bytes key, struct mcpz_bytes value)
{
    struct mcpz_mem *mem = context;
    mcpz_unsaved_put(&mem->unsaved, key, value);
}

static void mem_remove(void *context, struct mcpz_bytes key)
{
    struct mcpz_mem *mem = context;
    mcpz_unsaved_remove(&mem->unsaved, key);
}

static uint64_t mem_commit(void *context)
{
    struct mcpz_mem *mem = context;
    struct mcpz_batch *batch;

    uint64_t number = mcpz_unsaved_commit(&mem->unsaved, &batch);
    if (batch != NULL) {
        mcpz_batches_append(&mem->queue, batch);
    }
    mem->reading = false;
    return number;
}

static struct mcpz_kv_progress mem_progress(void *context)
{
    struct mcpz_mem *mem = context;
    assert(!mem->reading && !mem->unsaved.turn_wrote);

    settle(mem);
    struct mcpz_kv_progress progress =
        mcpz_unsaved_progress(&mem->unsaved, mem->durable, mem->error);
    if (progress.error != MCPZ_OK) {
        mcpz_batches_destroy(&mem->queue);
        mem->error = MCPZ_OK;
    }
    return progress;
}

mcpz_error mcpz_mem_create(struct mcpz_mem **mem, struct mcpz_kv *kv)
{
    *mem = NULL;

    struct mcpz_mem *made = malloc(sizeof(*made));
    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    *made = (struct mcpz_mem){0};
    mcpz_unsaved_init(&made->unsaved, NULL, MCPZ_STORE_QUEUE_BYTES_MAX);

    *kv = (struct mcpz_kv){
        .context = made,
        .get = mem_get,
        .next = mem_next,
        .put = mem_put,
        .remove = mem_remove,
        .commit = mem_commit,
        .progress = mem_progress,
    };
    *mem = made;
    return MCPZ_OK;
}

void mcpz_mem_destroy(struct mcpz_mem *mem)
{
    if (mem == NULL) {
        return;
    }
    mcpz_unsaved_finish(&mem->unsaved);
    mcpz_sorted_destroy(&mem->backup);
    mcpz_batches_destroy(&mem->queue);
    mcpz_batches_destroy(&mem->done);
    free(mem);
}

void mcpz_mem_sync(struct mcpz_mem *mem, uint64_t batch)
{
    if (mem->error != MCPZ_OK) {
        return; /* all that waits is stale: see proto/kv.h */
    }
    while (mem->queue.first != NULL && mem->queue.first->number <= batch) {
        struct mcpz_batch *oldest = mcpz_batches_take(&mem->queue);
        mem->durable = oldest->number;
        mcpz_batches_append(&mem->done, oldest);
    }
}

void mcpz_mem_fail(struct mcpz_mem *mem, mcpz_error error)
{
    assert(error != MCPZ_OK);

    if (mem->queue.first != NULL && mem->error == MCPZ_OK) {
        mem->error = error;
    }
}

void mcpz_mem_crash(struct mcpz_mem *mem)
{
    settle(mem);
    mcpz_unsaved_clear(&mem->unsaved);
    mcpz_batches_destroy(&mem->queue);
    mem->error = MCPZ_OK;
    mem->reading = false;
}

bool mcpz_mem_tear(struct mcpz_mem *mem, uint32_t keep)
{
    const struct mcpz_batch *oldest = mem->queue.first;

    if (oldest != NULL && keep > 0) {
        mcpz_mem_sync(mem, oldest->number + keep - 1); /* the queue has no gaps */
    }
    bool is_torn = mem->queue.first != NULL && mem->queue.first != oldest;
    mcpz_mem_crash(mem);
    return is_torn;
}

/* What is durable of `from`, in place of what `to` holds. */
static void copy_all(const struct mcpz_sorted *from, struct mcpz_sorted *to)
{
    struct mcpz_sorted_place place = {.branch = 0};
    struct mcpz_write *write;

    mcpz_sorted_destroy(to);
    while ((write = mcpz_sorted_at(from, &place)) != NULL) {
        mcpz_sorted_next(from, &place);
        const struct mcpz_write *durable = mcpz_unsaved_durable(write);
        if (durable == NULL || durable->removed) {
            continue;
        }
        struct mcpz_write *copy =
            mcpz_write_create(mcpz_write_key(durable), mcpz_write_value(durable));
        if (copy == NULL || !mcpz_sorted_make_room(to)) {
            abort();
        }
        (void)mcpz_sorted_link(to, copy);
    }
}

void mcpz_mem_back_up(struct mcpz_mem *mem)
{
    settle(mem);
    copy_all(&mem->unsaved.sorted, &mem->backup);
    mem->has_backup = true;
}

bool mcpz_mem_has_backup(const struct mcpz_mem *mem)
{
    return mem->has_backup;
}

bool mcpz_mem_restore(struct mcpz_mem *mem)
{
    if (!mem->has_backup) {
        return false;
    }
    mcpz_mem_crash(mem);
    copy_all(&mem->backup, &mem->unsaved.sorted);
    return true;
}

uint64_t mcpz_mem_newest(const struct mcpz_mem *mem)
{
    return mem->unsaved.newest;
}
