#include "core/crdt/changes.h"

#include "core/crdt/document.h"

static mcpz_error add(const struct mcpz_store *store, const struct mcpz_id *document,
                      struct mcpz_changes_page *page)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT, .document = {.id = *document}};
    mcpz_error error = store->get(store->context, &record);

    if (error == MCPZ_ENOTFOUND) {
        return MCPZ_OK; /* erased together with its tenant */
    }
    if (error != MCPZ_OK) {
        return error;
    }
    page->digests[page->count++] = (struct mcpz_digest){
        .document = *document, .digest = mcpz_document_digest(&record.document)};
    return MCPZ_OK;
}

mcpz_error mcpz_changes_read(const struct mcpz_sync *sync, const struct mcpz_id *peer,
                             uint64_t since, struct mcpz_changes_page *page)
{
    const struct mcpz_store *store = sync->holdings->below;
    struct mcpz_record record = {.kind = MCPZ_RECORD_CHANGE, .change = {.seq = since}};
    const uint64_t newest = mcpz_holdings_tell(sync->holdings);
    mcpz_error error = MCPZ_OK;

    page->count = 0;
    page->upto = since;
    page->last = false;
    for (size_t i = 0; i < MCPZ_CHANGES_SCAN_MAX; i++) {
        error = store->next(store->context, MCPZ_SCAN_KIND, false, &record);
        if (error != MCPZ_OK) {
            break;
        }
        const struct mcpz_id document = record.change.document;
        if (mcpz_scope_shares(sync->scope, peer, &document)) {
            if (page->count == MCPZ_DIGESTS_PER_MESSAGE_MAX) {
                return MCPZ_OK;
            }
            error = add(store, &document, page);
            if (error != MCPZ_OK) {
                return error;
            }
        }
        page->upto = record.change.seq;
    }
    if (error != MCPZ_ENOTFOUND) {
        return error;
    }
    page->last = true;
    page->upto = newest > since ? newest : since;
    return MCPZ_OK;
}
