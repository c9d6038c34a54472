#include "core/crdt/loaded.h"

#include <assert.h>
#include <string.h>

mcpz_error mcpz_loaded_load(const struct mcpz_loaded *loaded, const struct mcpz_holdings *holdings,
                            const struct mcpz_id *id, struct mcpz_document *document)
{
    assert(holdings->writes > 0);

    if (loaded->writes == holdings->writes && mcpz_id_equal(&loaded->document.id, id)) {
        mcpz_document_copy(document, &loaded->document);
        return MCPZ_OK;
    }
    return mcpz_document_load(&holdings->store, id, document);
}

/* It may be the very text that is kept. */
static void keep(struct mcpz_bytes *text, uint8_t *room, size_t size)
{
    assert(text->length <= size);

    if (text->length > 0) {
        memmove(room, text->data, text->length);
    }
    text->data = room;
}

void mcpz_loaded_note(struct mcpz_loaded *loaded, const struct mcpz_holdings *holdings,
                      const struct mcpz_document *document)
{
    mcpz_document_copy(&loaded->document, document);
    keep(&loaded->document.name, loaded->name, sizeof(loaded->name));
    keep(&loaded->document.tenant, loaded->tenant, sizeof(loaded->tenant));
    loaded->writes = holdings->writes;
}
