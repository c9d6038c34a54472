#include "host/mcp_names.h"

#include <stdio.h>
#include <string.h>

static const char *const prefix_words[] = {
    [MCPZ_MCP_PREFIX_CONFLICT] = "conflict",
    [MCPZ_MCP_PREFIX_ALWAYS] = "always",
    [MCPZ_MCP_PREFIX_NEVER] = "never",
};

const char *mcpz_mcp_prefix_word(enum mcpz_mcp_prefix prefix)
{
    return prefix_words[prefix];
}

mcpz_error mcpz_mcp_names_put_prefix(struct mcpz_mcp_names *names, const char *text)
{
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(prefix_words); i++) {
        if (strcmp(text, prefix_words[i]) == 0) {
            names->prefix = (enum mcpz_mcp_prefix)i;
            names->says_prefix = true;
            return MCPZ_OK;
        }
    }
    return MCPZ_ECONFIG;
}

static bool is_name_char(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '.' || c == '-';
}

bool mcpz_mcp_name_is_good(struct mcpz_bytes name)
{
    size_t good = 0;

    while (good < name.length && is_name_char(name.data[good])) {
        good++;
    }
    return good > 0 && good == name.length && good <= MCPZ_MCP_NAME_BYTES_MAX;
}

/* Split "SERVER/ITEM" or "SERVER.ITEM". False: it is neither. */
static bool split(const char *text, struct mcpz_mcp_alias *alias)
{
    const char *slash = strchr(text, '/');
    const char *mark = slash != NULL ? slash : strchr(text, '.');

    if (mark == NULL) {
        return false;
    }
    const struct mcpz_bytes server = mcpz_bytes(text, (size_t)(mark - text));
    const struct mcpz_bytes item = mcpz_text(mark + 1);
    if (!mcpz_mcp_name_is_good(server) || item.length == 0 ||
        item.length > MCPZ_MCP_ITEM_BYTES_MAX || !mcpz_bytes_is_utf8(item)) {
        return false;
    }
    mcpz_bytes_to_text(server, alias->server, sizeof(alias->server));
    mcpz_bytes_to_text(item, alias->item, sizeof(alias->item));
    return true;
}

mcpz_error mcpz_mcp_names_put_alias(struct mcpz_mcp_names *names, const char *item,
                                    const char *shown, char *why, size_t capacity)
{
    struct mcpz_mcp_alias alias;

    if (!split(item, &alias)) {
        (void)snprintf(why, capacity, "write SERVER/TOOL: NAME, e.g. files/read: read_file");
        return MCPZ_ECONFIG;
    }
    if (!mcpz_mcp_name_is_good(mcpz_text(shown))) {
        (void)snprintf(why, capacity, "a name has 1 to %d letters, digits, or _ . - only",
                       MCPZ_MCP_ALIAS_BYTES_MAX);
        return MCPZ_ECONFIG;
    }
    mcpz_bytes_to_text(mcpz_text(shown), alias.shown, sizeof(alias.shown));
    if (mcpz_mcp_names_alias(names, alias.server, mcpz_text(alias.item)) != NULL) {
        (void)snprintf(why, capacity, "\"%s/%s\" is given twice", alias.server, alias.item);
        return MCPZ_ECONFIG;
    }
    if (mcpz_mcp_names_is_alias(names, mcpz_text(shown))) {
        (void)snprintf(why, capacity, "two cannot both be \"%s\"", shown);
        return MCPZ_ECONFIG;
    }
    if (names->alias_count == MCPZ_MCP_ALIASES_MAX) {
        (void)snprintf(why, capacity, "more than %d", MCPZ_MCP_ALIASES_MAX);
        return MCPZ_ECONFIG;
    }
    names->aliases[names->alias_count++] = alias;
    return MCPZ_OK;
}

const char *mcpz_mcp_names_alias(const struct mcpz_mcp_names *names, const char *server,
                                 struct mcpz_bytes item)
{
    for (size_t i = 0; i < names->alias_count; i++) {
        const struct mcpz_mcp_alias *alias = &names->aliases[i];
        if (strcmp(alias->server, server) == 0 && mcpz_bytes_equal(mcpz_text(alias->item), item)) {
            return alias->shown;
        }
    }
    return NULL;
}

bool mcpz_mcp_names_is_alias(const struct mcpz_mcp_names *names, struct mcpz_bytes shown)
{
    for (size_t i = 0; i < names->alias_count; i++) {
        if (mcpz_bytes_equal(mcpz_text(names->aliases[i].shown), shown)) {
            return true;
        }
    }
    return false;
}

bool mcpz_mcp_names_equal(const struct mcpz_mcp_names *a, const struct mcpz_mcp_names *b)
{
    if (a->prefix != b->prefix || a->alias_count != b->alias_count) {
        return false;
    }
    for (size_t i = 0; i < a->alias_count; i++) {
        const struct mcpz_mcp_alias *alias = &a->aliases[i];
        const char *shown = mcpz_mcp_names_alias(b, alias->server, mcpz_text(alias->item));
        if (shown == NULL || strcmp(shown, alias->shown) != 0) {
            return false;
        }
    }
    return true;
}
