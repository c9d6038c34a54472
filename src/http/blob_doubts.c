#include "http/blob_doubts.h"

static struct mcpz_blob_doubt *find(struct mcpz_blob_doubts *doubts, const struct mcpz_id *root,
                                    const struct mcpz_id *document)
{
    for (size_t i = 0; i < MCPZ_BLOB_DOUBTS_MAX; i++) {
        struct mcpz_blob_doubt *row = &doubts->rows[i];
        if (row->used && mcpz_id_equal(&row->root, root) &&
            mcpz_id_equal(&row->document, document)) {
            return row;
        }
    }
    return NULL;
}

static void add(struct mcpz_blob_doubts *doubts, const struct mcpz_blob_doubt *doubt)
{
    for (size_t i = 0; i < MCPZ_BLOB_DOUBTS_MAX; i++) {
        if (!doubts->rows[i].used) {
            doubts->rows[i] = *doubt;
            return;
        }
    }
}

bool mcpz_blob_doubts_note(struct mcpz_blob_doubts *doubts, const struct mcpz_id *root,
                           const struct mcpz_id *document, bool is_named, mcpz_time now)
{
    struct mcpz_blob_doubt *row = find(doubts, root, document);

    if (is_named) {
        if (row != NULL) {
            row->used = false;
        }
        return false;
    }
    if (row == NULL) {
        add(doubts, &(struct mcpz_blob_doubt){
                        .used = true, .root = *root, .document = *document, .since_us = now});
        return false;
    }
    if (now < row->since_us + MCPZ_BLOB_DOUBT_US) {
        return false;
    }
    row->used = false;
    return true;
}
