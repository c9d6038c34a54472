#include "store/unsaved.h"

#include <assert.h>

#include "proto/limits.h"

void mcpz_unsaved_init(struct mcpz_unsaved *unsaved, const struct mcpz_below *below,
                       size_t bytes_max)
{
    assert(bytes_max <= SIZE_MAX / 2);

    *unsaved = (struct mcpz_unsaved){.below = *below, .bytes_max = bytes_max};
}

void mcpz_unsaved_finish(struct mcpz_unsaved *unsaved)
{
    mcpz_unsaved_clear(unsaved);
}

mcpz_error mcpz_unsaved_get(const struct mcpz_unsaved *unsaved, struct mcpz_bytes key,
                            struct mcpz_bytes *value)
{
    assert(key.length >= 1 && key.length <= MCPZ_KEY_BYTES_MAX);

    const struct mcpz_write *write = mcpz_sorted_find(&unsaved->sorted, key);
    if (write == NULL) {
        return unsaved->below.get(unsaved->below.context, key, value);
    }
    if (write->removed) {
        return MCPZ_ENOTFOUND;
    }
    *value = write->value;
    return MCPZ_OK;
}

mcpz_error mcpz_unsaved_next(const struct mcpz_unsaved *unsaved, struct mcpz_bytes after,
                             bool inclusive, struct mcpz_bytes *key, struct mcpz_bytes *value)
{
    assert(after.length <= MCPZ_KEY_BYTES_MAX);

    const struct mcpz_below *below = &unsaved->below;
    struct mcpz_sorted_place place = mcpz_sorted_seek(&unsaved->sorted, after, inclusive);
    const struct mcpz_write *write = mcpz_sorted_at(&unsaved->sorted, &place);
    struct mcpz_bytes low_key;
    struct mcpz_bytes low_value;
    mcpz_error error = below->next(below->context, after, inclusive, &low_key, &low_value);

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
            order = mcpz_bytes_compare(write->key, low_key);
        }
        if (order > 0) {
            *key = low_key;
            *value = low_value;
            return MCPZ_OK;
        }
        if (!write->removed) {
            *key = write->key;
            *value = write->value;
            return MCPZ_OK;
        }
        if (order == 0) {
            error = below->next(below->context, write->key, false, &low_key, &low_value);
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

void mcpz_unsaved_settle(struct mcpz_unsaved *unsaved, const struct mcpz_batch *batch)
{
    assert(unsaved->pending > 0);
    assert(unsaved->bytes >= batch->bytes);

    if (unsaved->bytes == batch->bytes) { /* there is nothing else */
        mcpz_sorted_clear(&unsaved->sorted);
    } else {
        for (const struct mcpz_write *write = batch->first; write != NULL; write = write->next) {
            mcpz_sorted_unlink(&unsaved->sorted, write);
        }
    }
    unsaved->bytes -= batch->bytes;
    unsaved->pending--;
}

void mcpz_unsaved_clear(struct mcpz_unsaved *unsaved)
{
    mcpz_batch_destroy(unsaved->turn);
    mcpz_batches_destroy(&unsaved->doomed);
    mcpz_sorted_finish(&unsaved->sorted);
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
