#include "http/blob_alias.h"

#include <stdio.h>

#include "http/agent_owners.h"
#include "http/blob_serve.h"
#include "http/exchange.h"

#define ASK_MS 10000

enum mcpz_blob_alias_step mcpz_blob_alias_ask(struct mcpz_blob_alias *alias,
                                              struct mcpz_exchange *exchange,
                                              const struct mcpz_id *nodes, size_t count)
{
    char path[sizeof(MCPZ_BLOB_SERVE_PATH "/alias?blob=") + MCPZ_ID_TEXT_BYTES];
    char name[MCPZ_ID_TEXT_BYTES];
    struct mcpz_id document;

    mcpz_blob_book_id(&alias->root, &document);
    if (alias->is_over || mcpz_agent_is_here(exchange, &document)) {
        return MCPZ_BLOB_ALIAS_UNKNOWN;
    }
    mcpz_id_to_text(&alias->root, 'b', name);
    (void)snprintf(path, sizeof(path), MCPZ_BLOB_SERVE_PATH "/alias?blob=%s", name);
    while (alias->asked < MCPZ_BLOB_ALIAS_ASKS_MAX && alias->asked < count) {
        if (mcpz_fellows_ask(exchange, &nodes[alias->asked++], "GET", path, NULL, ASK_MS)) {
            return MCPZ_BLOB_ALIAS_WAITS;
        }
    }
    return MCPZ_BLOB_ALIAS_UNKNOWN;
}

enum mcpz_blob_alias_step mcpz_blob_alias_hear(struct mcpz_blob_alias *alias,
                                               struct mcpz_exchange *exchange)
{
    struct mcpz_id node;
    unsigned status = 0;
    json_t *said = NULL;
    size_t waiting = 0;

    if (!mcpz_fellows_take(exchange, &node, &status, &said, &waiting)) {
        return MCPZ_BLOB_ALIAS_WAITS;
    }
    const char *name =
        status == 200 ? json_string_value(json_object_get(said, "stands_for")) : NULL;
    alias->is_over =
        name != NULL && mcpz_id_from_text(mcpz_text(name), 'b', &alias->root) == MCPZ_OK;
    json_decref(said);
    return alias->is_over ? MCPZ_BLOB_ALIAS_NAMED : MCPZ_BLOB_ALIAS_UNKNOWN;
}
