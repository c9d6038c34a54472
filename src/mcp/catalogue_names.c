#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mcp/catalogue_internal.h"

#define OTHERS_URI "mcpz+" /* mcpz+SERVER:URI: the same URI of another server than the first */
#define HASH_CHARS 8       /* in a name that was shortened */

static uint64_t hash_bytes(uint64_t hash, struct mcpz_bytes bytes)
{
    for (size_t i = 0; i < bytes.length; i++) {
        hash = (hash ^ bytes.data[i]) * UINT64_C(1099511628211); /* FNV-1a */
    }
    return hash;
}

static uint64_t hash_of(struct mcpz_bytes bytes)
{
    return hash_bytes(UINT64_C(14695981039346656037), bytes);
}

static size_t bucket_of(enum mcpz_catalogue_kind kind, struct mcpz_bytes shown)
{
    return (size_t)((hash_of(shown) + (uint64_t)kind) % MCPZ_CATALOGUE_BUCKETS);
}

struct mcpz_catalogue_claim *mcpz_catalogue_find_claim(const struct mcpz_catalogue *catalogue,
                                                       enum mcpz_catalogue_kind kind,
                                                       struct mcpz_bytes shown)
{
    struct mcpz_catalogue_claim *claim = catalogue->claims[bucket_of(kind, shown)];

    while (claim != NULL &&
           (claim->kind != kind || !mcpz_bytes_equal(mcpz_text(claim->shown), shown))) {
        claim = claim->next;
    }
    return claim;
}

static struct mcpz_catalogue_claim *add_claim(struct mcpz_catalogue *catalogue,
                                              enum mcpz_catalogue_kind kind,
                                              struct mcpz_bytes server, struct mcpz_bytes shown)
{
    struct mcpz_catalogue_claim *claim = catalogue->claim_count < MCPZ_CATALOGUE_CLAIMS_MAX
                                             ? malloc(sizeof(*claim) + shown.length + 1)
                                             : NULL;
    struct mcpz_catalogue_claim **bucket = &catalogue->claims[bucket_of(kind, shown)];

    if (claim == NULL) {
        return NULL;
    }
    *claim = (struct mcpz_catalogue_claim){.next = *bucket, .kind = kind, .is_kept = true};
    mcpz_bytes_to_text(server, claim->server, sizeof(claim->server));
    mcpz_bytes_to_text(shown, claim->shown, shown.length + 1);
    *bucket = claim;
    catalogue->claim_count++;
    return claim;
}

/*
 * "PREFIX_NAME" with characters that any client takes, at most MCPZ_SHOWN_CHARS_MAX of them: what
 * is too long ends in a hash of the whole. `text` holds one more.
 */
static void make_name(const char *prefix, struct mcpz_bytes name, char *text)
{
    char whole[MCPZ_SERVER_NAME_CHARS_MAX + 2];
    size_t used = 0;

    (void)snprintf(whole, sizeof(whole), "%s%s", prefix, prefix[0] != '\0' ? "_" : "");
    struct mcpz_bytes parts[] = {mcpz_text(whole), name};
    for (size_t i = 0; i < 2; i++) {
        for (size_t k = 0; k < parts[i].length && used < MCPZ_SHOWN_CHARS_MAX; k++) {
            uint8_t character = parts[i].data[k];
            text[used++] =
                (char)(mcpz_mcp_name_is_good(mcpz_bytes(&character, 1)) ? character : '_');
        }
    }
    text[used] = '\0';
    if (strlen(whole) + name.length > MCPZ_SHOWN_CHARS_MAX) {
        uint64_t hash = hash_bytes(hash_of(parts[0]), name);
        (void)snprintf(text + MCPZ_SHOWN_CHARS_MAX - HASH_CHARS - 1, HASH_CHARS + 2, "_%08x",
                       (unsigned)(hash >> 32));
    }
}

static bool is_of_clients(enum mcpz_catalogue_kind kind)
{
    return kind == MCPZ_CATALOGUE_TOOLS || kind == MCPZ_CATALOGUE_PROMPTS;
}

/* Is it the own name of an item that is called otherwise here? `server` NULL: of any. */
static bool is_freed(const struct mcpz_catalogue *catalogue, struct mcpz_bytes shown,
                     const struct mcpz_bytes *server)
{
    char text[MCPZ_SHOWN_CHARS_MAX + 1];

    for (size_t i = 0; i < catalogue->names.alias_count; i++) {
        const struct mcpz_mcp_alias *alias = &catalogue->names.aliases[i];
        make_name("", mcpz_text(alias->item), text);
        if (mcpz_bytes_equal(mcpz_text(text), shown) &&
            (server == NULL || mcpz_bytes_equal(mcpz_text(alias->server), *server))) {
            return true;
        }
    }
    return false;
}

/* Does it only follow from what this node is told? Then the others are not told of it. */
static bool is_of_here(const struct mcpz_catalogue *catalogue, struct mcpz_bytes shown)
{
    return catalogue->names.prefix == MCPZ_MCP_PREFIX_ALWAYS ||
           mcpz_mcp_names_is_alias(&catalogue->names, shown) || is_freed(catalogue, shown, NULL);
}

/* Give the name to the server's item. False: another item has it. */
static bool claim_name(struct mcpz_catalogue *catalogue, enum mcpz_catalogue_kind kind,
                       const char *server, struct mcpz_bytes key, struct mcpz_bytes shown)
{
    struct mcpz_catalogue_claim *claim = mcpz_catalogue_find_claim(catalogue, kind, shown);

    if (claim != NULL && claim->key_hash == 0 && strcmp(claim->server, server) == 0) {
        claim->key_hash = hash_of(key);
    }
    if (claim != NULL) {
        return strcmp(claim->server, server) == 0 && claim->key_hash == hash_of(key);
    }
    claim = add_claim(catalogue, kind, mcpz_text(server), shown);
    if (claim != NULL) { /* else it can be had, but not remembered */
        claim->key_hash = hash_of(key);
        claim->is_kept = !is_of_clients(kind) || is_of_here(catalogue, shown);
        catalogue->unkept_count += !claim->is_kept;
    }
    return true;
}

bool mcpz_catalogue_next_unkept(struct mcpz_catalogue *catalogue, enum mcpz_catalogue_kind *kind,
                                const char **shown, const char **server)
{
    for (size_t i = 0; i < MCPZ_CATALOGUE_BUCKETS && catalogue->unkept_count > 0; i++) {
        for (struct mcpz_catalogue_claim *claim = catalogue->claims[i]; claim != NULL;
             claim = claim->next) {
            if (!claim->is_kept) {
                claim->is_kept = true;
                catalogue->unkept_count--;
                *kind = claim->kind;
                *shown = claim->shown;
                *server = claim->server;
                return true;
            }
        }
    }
    return false;
}

/* All are named again: what has a claim keeps its name. */
static void forget_names(struct mcpz_catalogue *catalogue)
{
    for (size_t i = 0; i < catalogue->server_count; i++) {
        struct mcpz_catalogue_server *server = catalogue->servers[i];
        server->is_named = false;
        for (size_t kind = 0; kind < MCPZ_CATALOGUE_KINDS; kind++) {
            for (size_t k = 0; k < server->lists[kind].count; k++) {
                free(server->lists[kind].items[k].shown);
                server->lists[kind].items[k].shown = NULL;
            }
        }
    }
}

void mcpz_catalogue_drop_claims(struct mcpz_catalogue *catalogue, size_t end)
{
    for (size_t i = 0; i < MCPZ_CATALOGUE_BUCKETS; i++) {
        struct mcpz_catalogue_claim **at = &catalogue->claims[i];
        while (*at != NULL) {
            struct mcpz_catalogue_claim *claim = *at;
            if ((size_t)claim->kind >= end) {
                at = &claim->next;
                continue;
            }
            *at = claim->next;
            catalogue->claim_count--;
            catalogue->unkept_count -= !claim->is_kept;
            free(claim);
        }
    }
}

bool mcpz_catalogue_call(struct mcpz_catalogue *catalogue, const struct mcpz_mcp_names *names)
{
    if (mcpz_mcp_names_equal(&catalogue->names, names)) {
        return false;
    }
    catalogue->names = *names;
    mcpz_catalogue_drop_claims(catalogue, MCPZ_CATALOGUE_RESOURCES);
    forget_names(catalogue);
    return true;
}

void mcpz_catalogue_pin(struct mcpz_catalogue *catalogue, enum mcpz_catalogue_kind kind,
                        struct mcpz_bytes shown, struct mcpz_bytes server)
{
    struct mcpz_catalogue_claim *claim = mcpz_catalogue_find_claim(catalogue, kind, shown);

    if (shown.length == 0 || shown.length > MCPZ_SHOWN_CHARS_MAX || server.length == 0 ||
        server.length > MCPZ_SERVER_NAME_CHARS_MAX ||
        catalogue->names.prefix == MCPZ_MCP_PREFIX_ALWAYS ||
        mcpz_mcp_names_is_alias(&catalogue->names, shown) || is_freed(catalogue, shown, &server)) {
        return; /* what is no name, or another's at this node */
    }
    if (claim == NULL) {
        (void)add_claim(catalogue, kind, server, shown); /* or it is named as it comes */
        return;
    }
    catalogue->unkept_count -= !claim->is_kept;
    claim->is_kept = true;
    if (!mcpz_bytes_equal(mcpz_text(claim->server), server)) {
        mcpz_bytes_to_text(server, claim->server, sizeof(claim->server));
        claim->key_hash = 0;
        forget_names(catalogue);
    }
}

/* Give a name that no alias is. False: another item has it. */
static bool claim_free(struct mcpz_catalogue *catalogue, enum mcpz_catalogue_kind kind,
                       const char *server, struct mcpz_bytes key, const char *text)
{
    return !mcpz_mcp_names_is_alias(&catalogue->names, mcpz_text(text)) &&
           claim_name(catalogue, kind, server, key, mcpz_text(text));
}

/* NULL: it is left out, or there is no memory. */
static char *name_item(struct mcpz_catalogue *catalogue, enum mcpz_catalogue_kind kind,
                       const char *server, struct mcpz_bytes key)
{
    const enum mcpz_mcp_prefix prefix = catalogue->names.prefix;
    const char *alias = mcpz_mcp_names_alias(&catalogue->names, server, key);
    char text[MCPZ_SHOWN_CHARS_MAX + 1];

    if (alias != NULL) {
        (void)claim_name(catalogue, kind, server, key, mcpz_text(alias));
        return strdup(alias);
    }
    make_name("", key, text);
    if (prefix != MCPZ_MCP_PREFIX_ALWAYS && claim_free(catalogue, kind, server, key, text)) {
        return strdup(text);
    }
    if (prefix == MCPZ_MCP_PREFIX_NEVER) {
        return NULL;
    }
    make_name(server, key, text);
    if (!claim_free(catalogue, kind, server, key, text)) {
        /* Two that are alike but for their odd characters: the hash tells them apart. */
        text[MCPZ_SHOWN_CHARS_MAX - HASH_CHARS - 1] = '\0';
        (void)snprintf(text + strlen(text), HASH_CHARS + 2, "_%08x",
                       (unsigned)(hash_bytes(hash_of(mcpz_text(server)), key) >> 32));
        (void)claim_name(catalogue, kind, server, key, mcpz_text(text));
    }
    return strdup(text);
}

static char *name_uri(struct mcpz_catalogue *catalogue, enum mcpz_catalogue_kind kind,
                      const char *server, struct mcpz_bytes key)
{
    size_t room = strlen(OTHERS_URI) + strlen(server) + 1 + key.length + 1;
    char *text = malloc(room);

    if (text != NULL && claim_name(catalogue, kind, server, key, key)) {
        mcpz_bytes_to_text(key, text, room);
    } else if (text != NULL) {
        (void)snprintf(text, room, OTHERS_URI "%s:%.*s", server, (int)key.length,
                       (const char *)key.data);
        (void)claim_name(catalogue, kind, server, key, mcpz_text(text));
    }
    return text;
}

/* How clients see it; NULL: it cannot be shown, or there is no memory. */
static void give_name(struct mcpz_catalogue *catalogue, const struct mcpz_catalogue_server *server,
                      enum mcpz_catalogue_kind kind, struct mcpz_catalogue_item *item)
{
    bool is_uri = kind == MCPZ_CATALOGUE_RESOURCES || kind == MCPZ_CATALOGUE_TEMPLATES;
    size_t length = mcpz_json_raw(item->key).length;
    char *key = malloc(length + 1);

    if (key != NULL && mcpz_json_unescape(item->key, (uint8_t *)key, length, &length) == MCPZ_OK &&
        memchr(key, 0, length) == NULL) {
        const struct mcpz_bytes said = mcpz_bytes(key, length);
        item->shown = is_uri ? name_uri(catalogue, kind, server->name, said)
                             : name_item(catalogue, kind, server->name, said);
        item->is_renamed = item->shown != NULL && !mcpz_bytes_equal(said, mcpz_text(item->shown));
        item->is_left_out =
            item->shown == NULL && !is_uri && catalogue->names.prefix == MCPZ_MCP_PREFIX_NEVER;
        catalogue->has_left_out |= item->is_left_out;
    }
    free(key);
}

void mcpz_catalogue_name(struct mcpz_catalogue *catalogue)
{
    for (size_t i = 0; i < catalogue->server_count; i++) {
        struct mcpz_catalogue_server *server = catalogue->servers[i];
        for (size_t kind = 0; kind < MCPZ_CATALOGUE_KINDS && !server->is_named; kind++) {
            struct mcpz_catalogue_list *list = &server->lists[kind];
            for (size_t k = 0; k < list->count; k++) {
                give_name(catalogue, server, (enum mcpz_catalogue_kind)kind, &list->items[k]);
            }
            catalogue->versions[kind] += list->count > 0;
        }
        server->is_named = true;
    }
}

bool mcpz_catalogue_leaves_out(const struct mcpz_catalogue *catalogue,
                               const struct mcpz_catalogue_server *server,
                               const struct mcpz_catalogue_item *item)
{
    return server->is_named && item->shown == NULL &&
           catalogue->names.prefix == MCPZ_MCP_PREFIX_NEVER;
}

/* One that was left out, and is said to be now; NULL: there is none. */
static struct mcpz_catalogue_item *take_left_out(struct mcpz_catalogue_server *server)
{
    for (size_t kind = 0; kind < MCPZ_CATALOGUE_RESOURCES; kind++) {
        struct mcpz_catalogue_list *list = &server->lists[kind];
        for (size_t k = 0; k < list->count; k++) {
            if (list->items[k].is_left_out) {
                list->items[k].is_left_out = false;
                return &list->items[k];
            }
        }
    }
    return NULL;
}

bool mcpz_catalogue_next_left_out(struct mcpz_catalogue *catalogue, const char **server,
                                  struct mcpz_bytes *item)
{
    for (size_t i = 0; i < catalogue->server_count && catalogue->has_left_out; i++) {
        const struct mcpz_catalogue_item *found = take_left_out(catalogue->servers[i]);
        if (found != NULL) {
            *server = catalogue->servers[i]->name;
            *item = mcpz_json_raw(found->key);
            return true;
        }
    }
    catalogue->has_left_out = false;
    return false;
}
