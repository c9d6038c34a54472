#include "http/blob_doubts.h"

static struct mcpz_blob_doubt *find(struct mcpz_blob_doubts *doubts,
                                    const struct mcpz_blob_seen *seen)
{
    for (size_t i = 0; i < MCPZ_BLOB_DOUBTS_MAX; i++) {
        struct mcpz_blob_doubt *row = &doubts->rows[i];
        if (row->used && mcpz_id_equal(&row->root, &seen->root) &&
            mcpz_id_equal(&row->document, &seen->document)) {
            return row;
        }
    }
    return NULL;
}

static bool is_free(const struct mcpz_blob_doubt *row, mcpz_time now)
{
    return !row->used || now >= row->looked_us + MCPZ_BLOB_DOUBT_IDLE_US;
}

static void add(struct mcpz_blob_doubts *doubts, const struct mcpz_blob_doubt *doubt)
{
    for (size_t i = 0; i < MCPZ_BLOB_DOUBTS_MAX; i++) {
        if (is_free(&doubts->rows[i], doubt->looked_us)) {
            doubts->rows[i] = *doubt;
            return;
        }
    }
}

static mcpz_time patience_of(const struct mcpz_blob_doubts *doubts,
                             const struct mcpz_blob_seen *seen)
{
    if (mcpz_id_is_zero(&seen->document)) {
        return MCPZ_BLOB_DOUBT_BRIEF_US;
    }
    return doubts->patience_us != 0 ? doubts->patience_us : MCPZ_BLOB_DOUBT_US;
}

bool mcpz_blob_doubts_note(struct mcpz_blob_doubts *doubts, const struct mcpz_blob_seen *seen,
                           mcpz_time now)
{
    struct mcpz_blob_doubt *row = find(doubts, seen);

    if (seen->is_named) {
        if (row != NULL) {
            row->used = false;
        }
        return false;
    }
    if (row == NULL || is_free(row, now)) {
        const struct mcpz_blob_doubt doubt = {.used = true,
                                              .root = seen->root,
                                              .document = seen->document,
                                              .since_us = now,
                                              .looked_us = now};
        if (row != NULL) {
            *row = doubt; /* what happened meanwhile nobody has seen */
        } else {
            add(doubts, &doubt);
        }
        return false;
    }
    row->looked_us = now;
    if (now < row->since_us + patience_of(doubts, seen)) {
        return false;
    }
    row->used = false;
    return true;
}
