#include "http/delta_walk.h"

#include "core/crdt/document.h"

static mcpz_error read_delta(const struct mcpz_delta_walk *walk, const struct mcpz_store *store,
                             const struct mcpz_delta_cursor *cursor, struct mcpz_record *record)
{
    mcpz_error error =
        mcpz_document_find_delta(store, &walk->document, &cursor->actor, cursor->seq, record);
    return error == MCPZ_ENOTFOUND ? MCPZ_ECORRUPT : error; /* every delta is kept */
}

/* Look at the cursor's delta for its stamp. */
static mcpz_error load(const struct mcpz_delta_walk *walk, const struct mcpz_store *store,
                       struct mcpz_delta_cursor *cursor)
{
    struct mcpz_record record;
    mcpz_error error = read_delta(walk, store, cursor, &record);
    if (error == MCPZ_OK) {
        cursor->hlc = record.delta.delta.hlc;
    }
    return error;
}

mcpz_error mcpz_delta_walk_start(struct mcpz_delta_walk *walk, const struct mcpz_store *store,
                                 const struct mcpz_record_document *document)
{
    mcpz_error error = MCPZ_OK;

    walk->document = document->id;
    walk->cursor_count = 0;
    if (document->version_count > MCPZ_ACTORS_MAX) {
        return MCPZ_ECORRUPT;
    }
    for (size_t i = 0; i < document->version_count; i++) {
        const struct mcpz_version *version = &document->versions[i];
        if (version->seq > 0) {
            walk->cursors[walk->cursor_count++] = (struct mcpz_delta_cursor){
                .actor = version->actor, .seq = 1, .last_seq = version->seq};
        }
    }
    for (size_t i = 0; i < walk->cursor_count && error == MCPZ_OK; i++) {
        error = load(walk, store, &walk->cursors[i]);
    }
    return error;
}

uint64_t mcpz_delta_walk_left(const struct mcpz_delta_walk *walk)
{
    uint64_t left = 0;

    for (size_t i = 0; i < walk->cursor_count; i++) {
        left += walk->cursors[i].last_seq - walk->cursors[i].seq + 1;
    }
    return left;
}

static struct mcpz_delta_cursor *pick(struct mcpz_delta_walk *walk)
{
    struct mcpz_delta_cursor *best = &walk->cursors[0];

    for (size_t i = 1; i < walk->cursor_count; i++) {
        struct mcpz_delta_cursor *cursor = &walk->cursors[i];
        if (cursor->hlc < best->hlc ||
            (cursor->hlc == best->hlc && mcpz_actor_compare(&cursor->actor, &best->actor) < 0)) {
            best = cursor;
        }
    }
    return best;
}

mcpz_error mcpz_delta_walk_next(struct mcpz_delta_walk *walk, const struct mcpz_store *store,
                                struct mcpz_record *record)
{
    if (walk->cursor_count == 0) {
        return MCPZ_ENOTFOUND;
    }
    struct mcpz_delta_cursor *cursor = pick(walk);
    mcpz_error error = read_delta(walk, store, cursor, record);
    if (error != MCPZ_OK) {
        return error;
    }
    if (cursor->seq == cursor->last_seq) {
        *cursor = walk->cursors[--walk->cursor_count];
        return MCPZ_OK;
    }
    cursor->seq++;
    return load(walk, store, cursor);
}
