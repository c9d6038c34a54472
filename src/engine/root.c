#include "engine/root.h"

#include "engine/checkpoint.h"

static mcpz_error add(void *context, struct mcpz_bytes bytes)
{
    mcpz_digest_add(context, bytes);
    return MCPZ_OK;
}

mcpz_error mcpz_root_of(const struct mcpz_store *store, const struct mcpz_id *document,
                        uint8_t *root)
{
    struct mcpz_digest_state state;
    const struct mcpz_checkpoint_sink sink = {.context = &state, .add = add};

    mcpz_digest_begin(&state, MCPZ_DIGEST_ROOT, mcpz_bytes(NULL, 0));
    mcpz_error error = mcpz_checkpoint_write(store, document, &sink);
    if (error == MCPZ_OK) {
        mcpz_digest_end(&state, root);
    }
    return error;
}
