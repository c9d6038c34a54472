#include "core/crdt/sweep.h"

#include <assert.h>

mcpz_error mcpz_sweep_run(struct mcpz_sweep *sweep, const struct mcpz_sync *sync,
                          const struct mcpz_id *peer, const struct mcpz_sweep_visitor *visitor)
{
    const struct mcpz_store *store = &sync->holdings->store;
    struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT, .document = {.id = sweep->after}};

    assert(!sweep->is_over);
    for (size_t i = 0; i < MCPZ_SWEEP_DOCUMENTS; i++) {
        mcpz_error error = store->next(store->context, MCPZ_SCAN_KIND, false, &record);
        if (error == MCPZ_ENOTFOUND) {
            sweep->is_over = true;
            return MCPZ_OK;
        }
        if (error != MCPZ_OK) {
            return error;
        }
        if (mcpz_scope_shares(sync->scope, peer, &record.document.id) &&
            !visitor->visit(visitor->context, &record.document)) {
            return MCPZ_OK;
        }
        sweep->after = record.document.id;
    }
    return MCPZ_OK;
}
