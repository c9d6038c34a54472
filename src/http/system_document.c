#include "http/system_document.h"

#include <assert.h>
#include <string.h>

#include "http/walk.h"

void mcpz_system_document_id(const char *name, struct mcpz_id *document)
{
    mcpz_engine_system_document_id(mcpz_text(name), document);
}

bool mcpz_system_document_is_news(const char *name, const struct mcpz_fact *fact)
{
    struct mcpz_id document;

    if (fact->kind != MCPZ_FACT_AGENT_MERGED) {
        return false;
    }
    mcpz_system_document_id(name, &document);
    return mcpz_id_equal(&document, &fact->about);
}

void mcpz_system_document_make(struct mcpz_engine *engine, const char *name)
{
    struct mcpz_record record;
    struct mcpz_id document;

    mcpz_system_document_id(name, &document);
    if (mcpz_walk_find(mcpz_engine_store(engine), &document, &record) == MCPZ_ENOTFOUND) {
        struct mcpz_event create = {.kind = MCPZ_EVENT_AGENT_WRITE,
                                    .agent = {.op = MCPZ_AGENT_CREATE,
                                              .request = mcpz_engine_next_request(engine),
                                              .document = document,
                                              .tenant = mcpz_text(MCPZ_TENANT_SYSTEM),
                                              .name = mcpz_text(name)}};
        mcpz_engine_event(engine, &create);
    }
}

mcpz_error mcpz_system_document_read(struct mcpz_engine *engine, const char *name, json_t **state)
{
    const struct mcpz_store *store = mcpz_engine_store(engine);
    struct mcpz_record record;
    struct mcpz_id document;
    json_t *conflicts = NULL;

    *state = NULL;
    mcpz_system_document_id(name, &document);
    mcpz_error error = mcpz_walk_find(store, &document, &record);
    if (error == MCPZ_OK) {
        error = mcpz_document_show(store, &document, state, &conflicts);
        json_decref(conflicts);
    }
    if (error == MCPZ_ENOTFOUND) {
        *state = json_object();
        error = *state != NULL ? MCPZ_OK : MCPZ_ENOMEM;
    }
    return error;
}

bool mcpz_system_document_path(const char *name, struct mcpz_path *path)
{
    char text[2 * MCPZ_CAPABILITY_BYTES_MAX + 2] = "/";
    size_t length = 1;

    assert(strlen(name) <= MCPZ_CAPABILITY_BYTES_MAX);
    for (; *name != '\0'; name++) {
        if (*name == '~' || *name == '/') {
            text[length++] = '~';
            text[length++] = *name == '~' ? '0' : '1';
        } else {
            text[length++] = *name;
        }
    }
    return mcpz_path_from_text(mcpz_bytes(text, length), path) == MCPZ_OK;
}
