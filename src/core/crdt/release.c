#include "core/crdt/release.h"

mcpz_error mcpz_release_end(struct mcpz_release *release)
{
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_BATCH,
        .batch = {.name = release->proof.batch, .part = {.first = release->proof.first}},
    };
    const struct mcpz_store *store = release->store;
    const uint32_t count = release->count;

    release->count = 0;
    if (count == 0) {
        return MCPZ_OK;
    }
    mcpz_error error = store->get(store->context, &record);
    if (error != MCPZ_OK) {
        return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
    }
    if (record.batch.kept <= count) {
        store->remove(store->context, &record);
    } else {
        record.batch.kept -= count;
        store->put(store->context, &record);
    }
    return MCPZ_OK;
}

mcpz_error mcpz_release_row(struct mcpz_release *release, const struct mcpz_record *record)
{
    const struct mcpz_delta_proof proof = record->delta.delta.proof;
    mcpz_error error = MCPZ_OK;

    release->store->remove(release->store->context, record);
    if (release->count > 0 && (!mcpz_batch_name_equal(&release->proof.batch, &proof.batch) ||
                               release->proof.first != proof.first)) {
        error = mcpz_release_end(release);
    }
    release->proof = proof;
    release->count++;
    return error;
}
