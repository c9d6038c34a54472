#include "http/blob_names.h"

#include <string.h>

void mcpz_blob_names_begin(struct mcpz_blob_names *names, const struct mcpz_id *document)
{
    *names = (struct mcpz_blob_names){.document = *document};
}

/* Read the next entry. Errors as of the store. */
static mcpz_error read_next(struct mcpz_blob_names *names, const struct mcpz_store *store)
{
    struct mcpz_record *at = &names->at;

    at->kind = MCPZ_RECORD_ENTRY;
    at->entry.document = names->document;
    at->entry.path = mcpz_bytes(names->path.bytes, names->path.length);
    mcpz_error error = store->next(store->context, MCPZ_SCAN_DOCUMENT, !names->is_begun, at);
    names->is_begun = true;
    if (error == MCPZ_OK && at->entry.path.length <= sizeof(names->path.bytes)) {
        memcpy(names->path.bytes, at->entry.path.data, at->entry.path.length);
        names->path.length = at->entry.path.length;
    }
    return error;
}

mcpz_error mcpz_blob_names_next(struct mcpz_blob_names *names, const struct mcpz_store *store,
                                struct mcpz_blob_ref *named)
{
    for (size_t i = 0; i < MCPZ_BLOB_NAMES_SLICE; i++) {
        const mcpz_error error = read_next(names, store);
        if (error != MCPZ_OK) {
            return error;
        }
        if (mcpz_value_read_blob(names->at.entry.value, named)) {
            return MCPZ_OK;
        }
    }
    return MCPZ_ETIMEOUT;
}
