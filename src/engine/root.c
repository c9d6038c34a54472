#include "engine/root.h"

#include <assert.h>

#include "store/schema.h"
#include "wire/records.h"

static void add_with_length(struct mcpz_digest_state *state, struct mcpz_bytes bytes)
{
    uint8_t length[4];
    for (size_t i = 0; i < sizeof(length); i++) {
        length[i] = (uint8_t)(bytes.length >> (24 - 8 * i));
    }
    mcpz_digest_add(state, mcpz_bytes(length, sizeof(length)));
    mcpz_digest_add(state, bytes);
}

/* Key and value as the store would hold them: both canonical. */
static void add_record(struct mcpz_scratch *scratch, struct mcpz_digest_state *state,
                       const struct mcpz_record *record)
{
    struct mcpz_key key;
    size_t length;

    mcpz_schema_key(record, &key);
    mcpz_error error =
        mcpz_record_encode(record, scratch->encoded, sizeof(scratch->encoded), &length);
    assert(error == MCPZ_OK);
    add_with_length(state, mcpz_bytes(key.bytes, key.length));
    add_with_length(state, mcpz_bytes(scratch->encoded, length));
}

mcpz_error mcpz_root_of(const struct mcpz_store *store, struct mcpz_scratch *scratch,
                        const struct mcpz_id *document, uint8_t *root)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT, .document = {.id = *document}};
    struct mcpz_digest_state state;

    mcpz_error error = store->get(store->context, &record);
    if (error != MCPZ_OK) {
        return error;
    }
    mcpz_digest_begin(&state, MCPZ_DIGEST_ROOT, mcpz_bytes(NULL, 0));
    add_record(scratch, &state, &record);

    record = (struct mcpz_record){.kind = MCPZ_RECORD_ENTRY, .entry = {.document = *document}};
    for (error = store->next(store->context, MCPZ_SCAN_DOCUMENT, true, &record); error == MCPZ_OK;
         error = store->next(store->context, MCPZ_SCAN_DOCUMENT, false, &record)) {
        add_record(scratch, &state, &record);
    }
    if (error != MCPZ_ENOTFOUND) {
        return error;
    }
    mcpz_digest_end(&state, root);
    return MCPZ_OK;
}
