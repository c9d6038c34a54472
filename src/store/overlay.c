#include "store/overlay.h"

#include <assert.h>

#include "proto/limits.h"

void mcpz_overlay_init(struct mcpz_overlay *overlay, const struct mcpz_below *below,
                       size_t bytes_max)
{
    assert(bytes_max <= SIZE_MAX / 2);

    *overlay = (struct mcpz_overlay){.below = *below, .bytes_max = bytes_max};
    mcpz_rng_init(&overlay->rng, 0);
}

void mcpz_overlay_finish(struct mcpz_overlay *overlay)
{
    mcpz_overlay_clear(overlay);
}

mcpz_error mcpz_overlay_get(const struct mcpz_overlay *overlay, struct mcpz_bytes key,
                            struct mcpz_bytes *value)
{
    assert(key.length >= 1 && key.length <= MCPZ_KEY_BYTES_MAX);

    const struct mcpz_write *write = mcpz_sorted_find(&overlay->sorted, key);
    if (write == NULL) {
        return overlay->below.get(overlay->below.context, key, value);
    }
    if (write->removed) {
        return MCPZ_ENOTFOUND;
    }
    *value = write->value;
    return MCPZ_OK;
}

mcpz_error mcpz_overlay_next(const struct mcpz_overlay *overlay, struct mcpz_bytes after,
                             bool inclusive, struct mcpz_bytes *key, struct mcpz_bytes *value)
{
    assert(after.length <= MCPZ_KEY_BYTES_MAX);

    const struct mcpz_below *below = &overlay->below;
    const struct mcpz_write *write = mcpz_sorted_seek(&overlay->sorted, after, inclusive);
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
        write = mcpz_sorted_next(write);
    }
}

/* Keep a write of this turn, or note why it cannot be kept. */
static void keep(struct mcpz_overlay *overlay, struct mcpz_bytes key, struct mcpz_bytes value,
                 bool removed)
{
    uint8_t height = mcpz_sorted_height(&overlay->rng);
    size_t bytes = mcpz_write_bytes(key, value, height);

    overlay->turn_wrote = true;
    if (bytes > 2 * overlay->bytes_max - overlay->bytes) {
        overlay->turn_error = MCPZ_EFULL;
        return;
    }
    if (overlay->turn == NULL) {
        overlay->turn = mcpz_batch_create(overlay->newest + 1);
    }
    struct mcpz_write *write =
        overlay->turn != NULL ? mcpz_write_create(key, value, height) : NULL;
    if (write == NULL) {
        overlay->turn_error = MCPZ_ENOMEM;
        return;
    }

    write->removed = removed;
    write->batch = overlay->turn;
    mcpz_batch_add(overlay->turn, write, bytes);
    overlay->bytes += bytes;
    struct mcpz_write *old = mcpz_sorted_link(&overlay->sorted, write);
    if (old != NULL && old->batch == overlay->turn) {
        old->replaced = true; /* set before the batch is handed over, never after */
    }
}

void mcpz_overlay_put(struct mcpz_overlay *overlay, struct mcpz_bytes key, struct mcpz_bytes value)
{
    assert(key.length >= 1 && key.length <= MCPZ_KEY_BYTES_MAX);
    assert(value.length <= MCPZ_STORED_BYTES_MAX);

    keep(overlay, key, value, false);
}

void mcpz_overlay_remove(struct mcpz_overlay *overlay, struct mcpz_bytes key)
{
    assert(key.length >= 1 && key.length <= MCPZ_KEY_BYTES_MAX);

    keep(overlay, key, mcpz_bytes(NULL, 0), true);
}

uint64_t mcpz_overlay_commit(struct mcpz_overlay *overlay, struct mcpz_batch **batch)
{
    *batch = NULL;
    if (!overlay->turn_wrote) {
        return 0;
    }

    mcpz_error error = overlay->turn_error;
    if (error == MCPZ_OK && overlay->bytes > overlay->bytes_max) {
        error = MCPZ_EFULL;
    }
    if (overlay->doomed_error == MCPZ_OK) {
        overlay->doomed_error = error;
    }

    if (overlay->doomed_error == MCPZ_OK) {
        *batch = overlay->turn;
        overlay->pending++;
    } else if (overlay->turn != NULL) {
        mcpz_batches_append(&overlay->doomed, overlay->turn);
    }
    overlay->turn = NULL;
    overlay->turn_wrote = false;
    overlay->turn_error = MCPZ_OK;
    return ++overlay->newest;
}

void mcpz_overlay_settle(struct mcpz_overlay *overlay, const struct mcpz_batch *batch)
{
    assert(overlay->pending > 0);
    assert(overlay->bytes >= batch->bytes);

    for (const struct mcpz_write *write = batch->first; write != NULL; write = write->next) {
        mcpz_sorted_unlink(&overlay->sorted, write);
    }
    overlay->bytes -= batch->bytes;
    overlay->pending--;
}

void mcpz_overlay_clear(struct mcpz_overlay *overlay)
{
    mcpz_batch_destroy(overlay->turn);
    mcpz_batches_destroy(&overlay->doomed);
    overlay->sorted = (struct mcpz_sorted){0};
    overlay->turn = NULL;
    overlay->turn_wrote = false;
    overlay->turn_error = MCPZ_OK;
    overlay->doomed_error = MCPZ_OK;
    overlay->bytes = 0;
    overlay->pending = 0;
}

struct mcpz_kv_progress mcpz_overlay_progress(struct mcpz_overlay *overlay, uint64_t durable,
                                              mcpz_error error)
{
    if (error == MCPZ_OK && overlay->pending == 0) {
        error = overlay->doomed_error;
    }
    if (error == MCPZ_OK) {
        return (struct mcpz_kv_progress){.durable = durable};
    }

    assert(!overlay->turn_wrote);
    mcpz_overlay_clear(overlay);
    return (struct mcpz_kv_progress){
        .durable = durable,
        .failed = overlay->newest,
        .error = error,
    };
}
