#include "http/delta_walk.h"

#include "core/crdt/cuts.h"

mcpz_error mcpz_delta_walk_start(struct mcpz_delta_walk *walk, const struct mcpz_store *store,
                                 const struct mcpz_record_document *document)
{
    struct mcpz_document opened = {.id = document->id};

    walk->left = 0;
    walk->cursor_count = 0;
    mcpz_error error = mcpz_document_open(document, &opened);
    if (error != MCPZ_OK) {
        return error;
    }
    error = mcpz_floor_load(store, &document->id, &walk->floor);
    if (error != MCPZ_OK) {
        return error;
    }
    walk->left =
        mcpz_clock_above(&opened.clock, walk->floor.clock.versions, walk->floor.clock.count);
    mcpz_branches_init(&walk->branches, &opened);
    error = mcpz_branches_follow_all(&walk->branches, store);
    walk->cursor_count = error == MCPZ_OK ? walk->branches.count : 0;
    return error;
}

uint64_t mcpz_delta_walk_left(const struct mcpz_delta_walk *walk)
{
    return walk->left;
}

mcpz_error mcpz_delta_walk_next(struct mcpz_delta_walk *walk, const struct mcpz_store *store,
                                struct mcpz_record *record)
{
    if (walk->cursor_count == 0) {
        return MCPZ_ENOTFOUND;
    }
    mcpz_error error = mcpz_branches_next(&walk->branches, store, record);
    if (error != MCPZ_OK) {
        return error == MCPZ_ENOTFOUND ? MCPZ_ECORRUPT : error;
    }
    const struct mcpz_delta *delta = &record->delta.delta;
    bool counts = !mcpz_cuts_is_tainted(&walk->branches.document.cuts, &delta->actor, delta->seq);
    walk->left -= counts && walk->left > 0 ? 1 : 0;
    walk->cursor_count = walk->branches.count;
    return MCPZ_OK;
}
