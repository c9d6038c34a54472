#include "core/crdt/forget.h"

#include "core/crdt/floor.h"
#include "core/crdt/release.h"

/* Remove all rows of one kind. `first` names the document. */
static mcpz_error remove_rows(const struct mcpz_store *store, const struct mcpz_record *first)
{
    struct mcpz_record record = *first;
    mcpz_error error = store->next(store->context, MCPZ_SCAN_DOCUMENT, true, &record);

    while (error == MCPZ_OK) {
        store->remove(store->context, &record);
        error = store->next(store->context, MCPZ_SCAN_DOCUMENT, false, &record);
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

/* Those of deltas; what showed their signatures goes where it showed no others. */
static mcpz_error remove_deltas(const struct mcpz_store *store, const struct mcpz_id *document)
{
    struct mcpz_release release = {.store = store};
    struct mcpz_record record = {.kind = MCPZ_RECORD_DELTA,
                                 .delta = {.delta = {.document = *document}}};
    mcpz_error error = store->next(store->context, MCPZ_SCAN_DOCUMENT, true, &record);

    while (error == MCPZ_OK) {
        error = mcpz_release_row(&release, &record);
        if (error == MCPZ_OK) {
            error = store->next(store->context, MCPZ_SCAN_DOCUMENT, false, &record);
        }
    }
    return error == MCPZ_ENOTFOUND ? mcpz_release_end(&release) : error;
}

mcpz_error mcpz_document_forget(const struct mcpz_store *store, const struct mcpz_id *document)
{
    const struct mcpz_record entries = {.kind = MCPZ_RECORD_ENTRY,
                                        .entry = {.document = *document}};
    const struct mcpz_record forks = {.kind = MCPZ_RECORD_FORK, .fork = {.document = *document}};
    const struct mcpz_record checkpoint = {.kind = MCPZ_RECORD_CHECKPOINT,
                                           .checkpoint = {.document = *document}};
    const struct mcpz_record row = {.kind = MCPZ_RECORD_DOCUMENT, .document = {.id = *document}};

    mcpz_error error = remove_rows(store, &entries);
    if (error == MCPZ_OK) {
        error = remove_deltas(store, document);
    }
    if (error == MCPZ_OK) {
        error = remove_rows(store, &forks);
    }
    if (error == MCPZ_OK) {
        error = mcpz_floor_forget(store, document);
    }
    if (error == MCPZ_OK) {
        store->remove(store->context, &checkpoint);
        store->remove(store->context, &row);
    }
    return error;
}
