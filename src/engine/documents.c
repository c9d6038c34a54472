/* Documents of an engine: their names and roots. */

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

mcpz_error mcpz_engine_root(struct mcpz_engine *engine, const struct mcpz_id *document,
                            uint8_t *root)
{
    return mcpz_root_of(&engine->store, document, root);
}
