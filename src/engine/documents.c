/* Documents of an engine: their names and roots. */

#include <string.h>

#include "core/crdt/naming.h"
#include "crypto/digest.h"
#include "engine/internal.h"
#include "engine/root.h"

void mcpz_engine_document_id(struct mcpz_bytes tenant, struct mcpz_bytes name,
                             struct mcpz_id *document)
{
    struct mcpz_digest_state state;

    mcpz_digest_begin(&state, MCPZ_DIGEST_DOCUMENT, mcpz_bytes(NULL, 0));
    mcpz_digest_add(&state, tenant);
    mcpz_digest_add(&state, mcpz_bytes("", 1));
    mcpz_digest_add(&state, name);
    mcpz_digest_end(&state, document->bytes);
}

/* Documents of the mesh itself are kept by every member: proto/placement.h */
void mcpz_engine_system_document_id(struct mcpz_bytes name, struct mcpz_id *document)
{
    mcpz_engine_document_id(mcpz_text(MCPZ_TENANT_SYSTEM), name, document);
    memset(document->bytes, 0, 8);
}

/* Told from others by the end of the id, so that none need be looked at for that. */
void mcpz_engine_blob_document_id(struct mcpz_bytes name, struct mcpz_id *document)
{
    mcpz_engine_document_id(mcpz_text(MCPZ_TENANT_BLOBS), name, document);
    memcpy(document->bytes + MCPZ_ID_BYTES - MCPZ_BLOB_MARK_BYTES, MCPZ_BLOB_MARK,
           MCPZ_BLOB_MARK_BYTES);
}

bool mcpz_delta_names_its_document(const struct mcpz_delta *delta)
{
    struct mcpz_naming naming;
    struct mcpz_id named;

    for (size_t i = 0; i < delta->add_count; i++) {
        if (!mcpz_naming_is_one(&delta->adds[i])) {
            continue;
        }
        if (!mcpz_naming_read(delta->adds[i].value, &naming)) {
            return false;
        }
        if (mcpz_bytes_equal(naming.tenant, mcpz_text(MCPZ_TENANT_SYSTEM))) {
            mcpz_engine_system_document_id(naming.name, &named);
        } else if (mcpz_bytes_equal(naming.tenant, mcpz_text(MCPZ_TENANT_BLOBS))) {
            mcpz_engine_blob_document_id(naming.name, &named);
        } else {
            mcpz_engine_document_id(naming.tenant, naming.name, &named);
        }
        if (!mcpz_id_equal(&named, &delta->document)) {
            return false;
        }
    }
    return true;
}

mcpz_error mcpz_engine_root(struct mcpz_engine *engine, const struct mcpz_id *document,
                            uint8_t *root)
{
    return mcpz_root_of(&engine->store, document, root);
}
