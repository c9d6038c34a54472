#include "store/unsaved.h"

#include <assert.h>

#include "proto/limits.h"

void mcpz_unsaved_init(struct mcpz_unsaved *unsaved, const struct mcpz_below *below,
                       size_t bytes_max)
{
    assert(bytes_max <= SIZE_MAX / 2);

    *unsaved = (struct mcpz_unsaved){.bytes_max = bytes_max};
    if (below != NULL) {
        unsaved->below = *below;
    }
}

static bool has_below(const struct mcpz_unsaved *unsaved)
{
    return unsaved->below.get != NULL;
}

void mcpz_unsaved_finish(struct mcpz_unsaved *unsaved)
{
    mcpz_unsaved_clear(unsaved);
    mcpz_sorted_destroy(&unsaved->sorted);
}

static mcpz_error next_below(const struct mcpz_unsaved *unsaved, struct mcpz_bytes after,
                             bool inclusive, struct mcpz_bytes *key, struct mcpz_bytes *value)
{
    return has_below(unsaved)
               ? unsaved->below.next(unsaved->below.context, after, inclusive, key, value)
               : MCPZ_ENOTFOUND;
}

mcpz_error mcpz_unsaved_get(struct mcpz_unsaved *unsaved, struct mcpz_bytes key,
                            struct mcpz_bytes *value)
{
    assert(key.length >= 1 && key.length <= MCPZ_KEY_BYTES_MAX);

    const struct mcpz_write *write = mcpz_sorted_find(&unsaved->sorted, key);
    if (write == NULL && has_below(unsaved)) {
        return unsaved->below.get(unsaved->below.context, key, value);
    }
    if (write == NULL || write->removed) {
        return MCPZ_ENOTFOUND;
    }
    *value = mcpz_write_value(write);
    return MCPZ_OK;
}

mcpz_error mcpz_unsaved_next(struct mcpz_unsaved *unsaved, struct mcpz_bytes after, bool inclusive,
                             struct mcpz_bytes *key, struct mcpz_bytes *value)
{
    assert(after.length <= MCPZ_KEY_BYTES_MAX);

    struct mcpz_sorted_place place = mcpz_sorted_seek(&unsaved->sorted, after, inclusive);
    const struct mcpz_write *write = mcpz_sorted_at(&unsaved->sorted, &place);
    struct mcpz_bytes low_key;
    struct mcpz_bytes low_value;
    mcpz_error error = next_below(unsaved, after, inclusive, &low_key, &low_value);

    for (;;) {
        if (error != MCPZ_OK && error != MCPZ_ENOTFOUND) {
            return error;
        }
        if (write == NULL && error != MCPZ_OK) {
            return MCPZ_ENOTFOUND;
        }

        int order = -1;
        if (write == NULL) {
            order = 1;
        } else if (error == MCPZ_OK) {
            order = mcpz_bytes_compare(mcpz_write_key(write), low_key);
        }
        if (order > 0) {
            *key = low_key;
            *value = low_value;
            return MCPZ_OK;
        }
        if (!write->removed) {
            *key = mcpz_write_key(write);
            *value = mcpz_write_value(write);
            return MCPZ_OK;
        }
        if (order == 0) {
            error = next_below(unsaved, mcpz_write_key(write), false, &low_key, &low_value);
        }
        mcpz_sorted_next(&unsaved->sorted, &place);
        write = mcpz_sorted_at(&unsaved->sorted, &place);
    }
}

/* Keep a write of this turn, or note why it cannot be kept. */
static void keep(struct mcpz_unsaved *unsaved, struct mcpz_bytes key, struct mcpz_bytes value,
                 bool removed)
{
    size_t bytes = mcpz_write_bytes(key, value);
    struct mcpz_write *write = NULL;

    unsaved->turn_wrote = true;
    if (bytes > 2 * unsaved->bytes_max - unsaved->bytes) {
        unsaved->turn_error = MCPZ_EFULL;
        return;
    }
    if (unsaved->turn == NULL) {
        unsaved->turn = mcpz_batch_create(unsaved->newest + 1);
    }
    if (unsaved->turn != NULL && mcpz_sorted_make_room(&unsaved->sorted)) {
        write = mcpz_write_create(key, value);
    }
    if (write == NULL) {
        unsaved->turn_error = MCPZ_ENOMEM;
        return;
    }

    write->removed = removed;
    write->batch = unsaved->turn;
    mcpz_batch_add(unsaved->turn, write, bytes);
    unsaved->bytes += bytes;
    struct mcpz_write *old = mcpz_sorted_link(&unsaved->sorted, write);
    if (old != NULL && old->batch == unsaved->turn) {
        old->replaced = true; /* set before the batch is handed over, never after */
    }
    if (!has_below(unsaved)) {
        write->older = old;
    }
}

void mcpz_unsaved_put(struct mcpz_unsaved *unsaved, struct mcpz_bytes key, struct mcpz_bytes value)
{
    assert(key.length >= 1 && key.length <= MCPZ_KEY_BYTES_MAX);
    assert(value.length <= MCPZ_SEALED_BYTES_MAX);

    keep(unsaved, key, value, false);
}

void mcpz_unsaved_remove(struct mcpz_unsaved *unsaved, struct mcpz_bytes key)
{
    assert(key.length >= 1 && key.length <= MCPZ_KEY_BYTES_MAX);

    keep(unsaved, key, mcpz_bytes(NULL, 0), true);
}

uint64_t mcpz_unsaved_commit(struct mcpz_unsaved *unsaved, struct mcpz_batch **batch)
{
    *batch = NULL;
    if (!unsaved->turn_wrote) {
        return 0;
    }

    mcpz_error error = unsaved->turn_error;
    if (error == MCPZ_OK && unsaved->bytes > unsaved->bytes_max) {
        error = MCPZ_EFULL;
    }
    if (unsaved->doomed_error == MCPZ_OK) {
        unsaved->doomed_error = error;
    }

    if (unsaved->doomed_error == MCPZ_OK) {
        *batch = unsaved->turn;
        unsaved->pending++;
    } else if (unsaved->turn != NULL) {
        mcpz_batches_append(&unsaved->doomed, unsaved->turn);
    }
    unsaved->turn = NULL;
    unsaved->turn_wrote = false;
    unsaved->turn_error = MCPZ_OK;
    return ++unsaved->newest;
}

/* Its writes go below. */
static void settle_below(struct mcpz_unsaved *unsaved, const struct mcpz_batch *batch)
{
    if (unsaved->bytes == batch->bytes) { /* there is nothing else */
        mcpz_sorted_clear(&unsaved->sorted);
        return;
    }
    for (const struct mcpz_write *write = batch->first; write != NULL; write = write->next) {
        (void)mcpz_sorted_unlink(&unsaved->sorted, write);
    }
}

/* Its writes stay, and what they came in place of goes: that was durable before. */
static void settle_here(struct mcpz_unsaved *unsaved, struct mcpz_batch *batch)
{
    struct mcpz_write *write = batch->first;

    batch->first = NULL;
    while (write != NULL) {
        struct mcpz_write *following = write->next;
        assert(write->older == NULL || write->older->batch == NULL);
        mcpz_write_destroy(write->older);
        write->older = NULL;
        write->next = NULL;
        write->batch = NULL;
        if (write->removed && mcpz_sorted_unlink(&unsaved->sorted, write)) {
            mcpz_write_destroy(write);
        }
        write = following;
    }
}

void mcpz_unsaved_settle(struct mcpz_unsaved *unsaved, struct mcpz_batch *batch)
{
    assert(unsaved->pending > 0);
    assert(unsaved->bytes >= batch->bytes);

    if (has_below(unsaved)) {
        settle_below(unsaved, batch);
    } else {
        settle_here(unsaved, batch);
    }
    unsaved->bytes -= batch->bytes;
    unsaved->pending--;
}

struct mcpz_write *mcpz_unsaved_durable(struct mcpz_write *write)
{
    while (write != NULL && write->batch != NULL) {
        write = write->older;
    }
    return write;
}

/* Each key goes back to what is durable of it. */
static void go_back(struct mcpz_unsaved *unsaved)
{
    struct mcpz_sorted_place place = {.branch = 0};
    struct mcpz_write *write;

    while ((write = mcpz_sorted_at(&unsaved->sorted, &place)) != NULL) {
        struct mcpz_write *durable = mcpz_unsaved_durable(write);
        if (durable == write) {
            mcpz_sorted_next(&unsaved->sorted, &place);
        } else if (durable != NULL && !durable->removed) {
            (void)mcpz_sorted_link(&unsaved->sorted, durable); /* in the same place */
            mcpz_sorted_next(&unsaved->sorted, &place);
        } else {
            (void)mcpz_sorted_unlink(&unsaved->sorted, write);
            place = mcpz_sorted_seek(&unsaved->sorted, mcpz_write_key(write), true);
            mcpz_write_destroy(durable);
        }
    }
}

void mcpz_unsaved_clear(struct mcpz_unsaved *unsaved)
{
    if (has_below(unsaved)) {
        mcpz_sorted_finish(&unsaved->sorted);
    } else {
        go_back(unsaved);
    }
    mcpz_batch_destroy(unsaved->turn);
    mcpz_batches_destroy(&unsaved->doomed);
    unsaved->turn = NULL;
    unsaved->turn_wrote = false;
    unsaved->turn_error = MCPZ_OK;
    unsaved->doomed_error = MCPZ_OK;
    unsaved->bytes = 0;
    unsaved->pending = 0;
}

struct mcpz_kv_progress mcpz_unsaved_progress(struct mcpz_unsaved *unsaved, uint64_t durable,
                                              mcpz_error error)
{
    if (error == MCPZ_OK && unsaved->pending == 0) {
        error = unsaved->doomed_error;
    }
    if (error == MCPZ_OK) {
        return (struct mcpz_kv_progress){.durable = durable};
    }

    assert(!unsaved->turn_wrote);
    mcpz_unsaved_clear(unsaved);
    return (struct mcpz_kv_progress){
        .durable = durable,
        .failed = unsaved->newest,
        .error = error,
    };
}
