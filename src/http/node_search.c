#include "http/node_search.h"

#include <string.h>

void mcpz_node_search_init(struct mcpz_node_search *search, struct mcpz_bytes text)
{
    *search = (struct mcpz_node_search){.typed = ""};
    mcpz_bytes_to_text(text, search->typed, sizeof(search->typed));
    mcpz_nearest_init(&search->nearest, search->typed);
}

static bool begins_so(const struct mcpz_id *node, const char *typed)
{
    char whole[MCPZ_ID_TEXT_BYTES];
    const size_t length = strlen(typed);

    mcpz_id_to_text(node, 'n', whole);
    return length >= MCPZ_NODE_PREFIX_CHARS_MIN && strncmp(whole, typed, length) == 0;
}

void mcpz_node_search_offer(struct mcpz_node_search *search, const struct mcpz_id *node,
                            struct mcpz_bytes name)
{
    char called[MCPZ_NAME_BYTES_MAX + 1];

    mcpz_bytes_to_text(name, called, sizeof(called));
    if (begins_so(node, search->typed) ||
        (called[0] != '\0' && strcmp(called, search->typed) == 0)) {
        search->is_ambiguous =
            search->is_ambiguous || (search->is_found && !mcpz_id_equal(&search->node, node));
        search->is_found = true;
        search->node = *node;
        return;
    }
    if (called[0] != '\0') {
        mcpz_nearest_offer(&search->nearest, called);
    }
    if (search->nearest.word == called) { /* it is borrowed there */
        memcpy(search->near, called, sizeof(called));
        search->nearest.word = search->near;
    }
}

mcpz_error mcpz_node_search_end(const struct mcpz_node_search *search, struct mcpz_id *node)
{
    if (search->is_ambiguous) {
        return MCPZ_ECONFLICT;
    }
    if (!search->is_found) {
        return MCPZ_ENOTFOUND;
    }
    *node = search->node;
    return MCPZ_OK;
}
