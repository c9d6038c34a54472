#include "http/walk.h"

mcpz_error mcpz_walk_next(struct mcpz_walk *walk, const struct mcpz_store *store,
                          struct mcpz_record *record)
{
    do {
        *record = (struct mcpz_record){.kind = MCPZ_RECORD_DOCUMENT, .document = {.id = walk->at}};
        mcpz_error error = store->next(store->context, MCPZ_SCAN_KIND, !walk->started, record);
        if (error != MCPZ_OK) {
            return error;
        }
        walk->at = record->document.id;
        walk->started = true;
    } while (record->document.deleted && !walk->with_deleted);
    return MCPZ_OK;
}

mcpz_error mcpz_walk_find(const struct mcpz_store *store, const struct mcpz_id *id,
                          struct mcpz_record *record)
{
    *record = (struct mcpz_record){.kind = MCPZ_RECORD_DOCUMENT, .document = {.id = *id}};
    mcpz_error error = store->get(store->context, record);
    if (error == MCPZ_OK && record->document.deleted) {
        return MCPZ_ENOTFOUND;
    }
    return error;
}
