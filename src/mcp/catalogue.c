#include "mcp/catalogue.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mcp/catalogue_internal.h"
#include "mcp/param.h"

#define CALLS "mcp/"
#define ABOUT "mcp.about/"

static const char *const list_names[MCPZ_CATALOGUE_KINDS] = {
    [MCPZ_CATALOGUE_TOOLS] = "tools",
    [MCPZ_CATALOGUE_PROMPTS] = "prompts",
    [MCPZ_CATALOGUE_RESOURCES] = "resources",
    [MCPZ_CATALOGUE_TEMPLATES] = "resourceTemplates",
};

static const char *const key_names[MCPZ_CATALOGUE_KINDS] = {
    [MCPZ_CATALOGUE_TOOLS] = "name",
    [MCPZ_CATALOGUE_PROMPTS] = "name",
    [MCPZ_CATALOGUE_RESOURCES] = "uri",
    [MCPZ_CATALOGUE_TEMPLATES] = "uriTemplate",
};

/* ---- Servers ------------------------------------------------------------------------------ */

static void free_list(struct mcpz_catalogue_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        free(list->items[i].shown);
    }
    free(list->items);
    *list = (struct mcpz_catalogue_list){.count = 0};
}

static void drop_document(struct mcpz_catalogue *catalogue, struct mcpz_catalogue_server *server)
{
    for (size_t kind = 0; kind < MCPZ_CATALOGUE_KINDS; kind++) {
        catalogue->versions[kind] += server->is_named && server->lists[kind].count > 0;
        free_list(&server->lists[kind]);
    }
    catalogue->bytes -= server->document_length;
    free(server->document);
    server->document = NULL;
    server->document_length = 0;
    server->hash[0] = '\0';
    server->is_named = false;
}

static void free_server(struct mcpz_catalogue *catalogue, struct mcpz_catalogue_server *server)
{
    drop_document(catalogue, server);
    free(server);
}

void mcpz_catalogue_init(struct mcpz_catalogue *catalogue)
{
    *catalogue = (struct mcpz_catalogue){.server_count = 0};
}

void mcpz_catalogue_finish(struct mcpz_catalogue *catalogue)
{
    for (size_t i = 0; i < catalogue->server_count; i++) {
        free_server(catalogue, catalogue->servers[i]);
    }
    mcpz_catalogue_drop_claims(catalogue, MCPZ_CATALOGUE_KINDS);
    mcpz_catalogue_init(catalogue);
}

static int compare_name(const struct mcpz_catalogue_server *server, struct mcpz_bytes name)
{
    return mcpz_bytes_compare(mcpz_text(server->name), name);
}

/* Where the server is, or would be. */
static size_t place_of(const struct mcpz_catalogue *catalogue, struct mcpz_bytes name)
{
    size_t low = 0;
    size_t high = catalogue->server_count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (compare_name(catalogue->servers[middle], name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct mcpz_catalogue_server *find(const struct mcpz_catalogue *catalogue,
                                          struct mcpz_bytes name)
{
    size_t at = place_of(catalogue, name);

    return at < catalogue->server_count && compare_name(catalogue->servers[at], name) == 0
               ? catalogue->servers[at]
               : NULL;
}

static struct mcpz_catalogue_server *find_or_make(struct mcpz_catalogue *catalogue,
                                                  struct mcpz_bytes name)
{
    struct mcpz_catalogue_server *server = find(catalogue, name);

    if (server != NULL || name.length == 0 || name.length > MCPZ_SERVER_NAME_CHARS_MAX ||
        catalogue->server_count == MCPZ_CATALOGUE_SERVERS_MAX) {
        return server;
    }
    server = calloc(1, sizeof(*server));
    if (server == NULL) {
        return NULL;
    }
    mcpz_bytes_to_text(name, server->name, sizeof(server->name));
    server->gone_at = MCPZ_TIME_NEVER;
    size_t at = place_of(catalogue, name);
    memmove(&catalogue->servers[at + 1], &catalogue->servers[at],
            (catalogue->server_count - at) * sizeof(struct mcpz_catalogue_server *));
    catalogue->servers[at] = server;
    catalogue->server_count++;
    return server;
}

/* ---- What is offered ---------------------------------------------------------------------- */

void mcpz_catalogue_begin(struct mcpz_catalogue *catalogue)
{
    for (size_t i = 0; i < catalogue->server_count; i++) {
        catalogue->servers[i]->offered[0] = '\0';
        catalogue->servers[i]->is_offered = false;
    }
}

static bool starts_with(struct mcpz_bytes text, const char *prefix)
{
    size_t length = strlen(prefix);
    return text.length >= length && memcmp(text.data, prefix, length) == 0;
}

static struct mcpz_bytes behind(struct mcpz_bytes text, size_t count)
{
    return mcpz_bytes(text.data + count, text.length - count);
}

static void offer_about(struct mcpz_catalogue *catalogue, struct mcpz_bytes rest)
{
    if (rest.length <= MCPZ_CATALOGUE_HASH_CHARS + 1) {
        return;
    }
    size_t name_length = rest.length - MCPZ_CATALOGUE_HASH_CHARS - 1;
    const struct mcpz_bytes hash = behind(rest, name_length + 1);
    struct mcpz_catalogue_server *server =
        rest.data[name_length] == '/' ? find_or_make(catalogue, mcpz_bytes(rest.data, name_length))
                                      : NULL;
    if (server != NULL &&
        (server->offered[0] == '\0' || mcpz_bytes_compare(hash, mcpz_text(server->offered)) < 0)) {
        mcpz_bytes_to_text(hash, server->offered, sizeof(server->offered));
    }
}

void mcpz_catalogue_offer(struct mcpz_catalogue *catalogue, struct mcpz_bytes capability)
{
    if (starts_with(capability, ABOUT)) {
        offer_about(catalogue, behind(capability, strlen(ABOUT)));
    } else if (starts_with(capability, CALLS)) {
        struct mcpz_catalogue_server *server = find(catalogue, behind(capability, strlen(CALLS)));
        if (server != NULL) {
            server->is_offered = true;
        }
    }
}

static void settle(struct mcpz_catalogue_server *server, mcpz_time now)
{
    bool is_there = server->offered[0] != '\0';

    if (!is_there) {
        server->gone_at = server->gone_at < now ? server->gone_at : now;
        if (server->fetching == MCPZ_FETCH_WANTED) {
            server->fetching = MCPZ_FETCH_NONE;
        }
        return;
    }
    server->gone_at = MCPZ_TIME_NEVER;
    if (strcmp(server->offered, server->hash) != 0 && server->fetching == MCPZ_FETCH_NONE) {
        server->fetching = MCPZ_FETCH_WANTED;
        server->retry_at = now;
    }
}

void mcpz_catalogue_end(struct mcpz_catalogue *catalogue, mcpz_time now)
{
    size_t kept = 0;

    for (size_t i = 0; i < catalogue->server_count; i++) {
        struct mcpz_catalogue_server *server = catalogue->servers[i];
        settle(server, now);
        bool is_over = server->gone_at != MCPZ_TIME_NEVER &&
                       now - server->gone_at >= MCPZ_CATALOGUE_GRACE_US &&
                       server->fetching != MCPZ_FETCH_UNDER_WAY;
        if (is_over) {
            free_server(catalogue, server);
        } else {
            catalogue->servers[kept++] = server;
        }
    }
    catalogue->server_count = kept;
}

/* ---- Documents ---------------------------------------------------------------------------- */

static bool says_true(struct mcpz_json value)
{
    return value.type == MCPZ_JSON_TRUE;
}

static bool read_idempotent(struct mcpz_json annotations)
{
    static const char *const names[] = {"idempotentHint", "readOnlyHint"};
    struct mcpz_json found[2];

    return mcpz_json_pick(annotations, names, 2, found) == MCPZ_OK &&
           (says_true(found[0]) || says_true(found[1]));
}

static void note_param(void *context, const struct mcpz_param *param)
{
    (void)param;
    *(bool *)context = true;
}

/* Read one item. False: it is none. */
static bool read_item(enum mcpz_catalogue_kind kind, struct mcpz_json whole,
                      struct mcpz_catalogue_item *item)
{
    const char *const names[] = {key_names[kind], "annotations", "inputSchema"};
    struct mcpz_json found[3];

    if (whole.type != MCPZ_JSON_OBJECT || mcpz_json_pick(whole, names, 3, found) != MCPZ_OK ||
        found[0].type != MCPZ_JSON_STRING) {
        return false;
    }
    *item = (struct mcpz_catalogue_item){
        .whole = whole,
        .key = found[0],
        .is_idempotent = kind == MCPZ_CATALOGUE_TOOLS && read_idempotent(found[1]),
    };
    if (kind == MCPZ_CATALOGUE_TOOLS) {
        item->is_unsound = !mcpz_param_is_sound(found[2]);
        mcpz_param_walk(found[2], note_param, &item->has_params);
        item->has_params = item->has_params && !item->is_unsound;
    }
    return mcpz_json_raw(found[0]).length > 0;
}

static size_t count_elements(struct mcpz_json array)
{
    struct mcpz_json_walk walk = mcpz_json_walk(array);
    struct mcpz_json element;
    size_t count = 0;

    while (mcpz_json_next_element(&walk, &element)) {
        count++;
    }
    return count;
}

/* What is no item is left out: the others can be used. */
static mcpz_error read_list(struct mcpz_catalogue_server *server, enum mcpz_catalogue_kind kind,
                            struct mcpz_json array)
{
    struct mcpz_catalogue_list *list = &server->lists[kind];
    size_t count = array.type == MCPZ_JSON_ARRAY ? count_elements(array) : 0;
    struct mcpz_json element;

    if (count > MCPZ_CATALOGUE_ITEMS_MAX) {
        return MCPZ_EFULL;
    }
    if (count == 0) {
        return MCPZ_OK;
    }
    list->items = calloc(count, sizeof(list->items[0]));
    if (list->items == NULL) {
        return MCPZ_ENOMEM;
    }
    struct mcpz_json_walk walk = mcpz_json_walk(array);
    while (mcpz_json_next_element(&walk, &element)) {
        list->count += read_item(kind, element, &list->items[list->count]);
    }
    return MCPZ_OK;
}

enum member { ERA, SERVER_INFO, CAPABILITIES, INSTRUCTIONS, STATELESS, FIRST_LIST };

static mcpz_error read_document(struct mcpz_catalogue_server *server)
{
    const char *names[FIRST_LIST + MCPZ_CATALOGUE_KINDS] = {
        [ERA] = "era",
        [SERVER_INFO] = "serverInfo",
        [CAPABILITIES] = "capabilities",
        [INSTRUCTIONS] = "instructions",
        [STATELESS] = "stateless",
    };
    struct mcpz_json found[FIRST_LIST + MCPZ_CATALOGUE_KINDS];
    struct mcpz_bytes text = mcpz_bytes(server->document, server->document_length);

    memcpy(&names[FIRST_LIST], list_names, sizeof(list_names));
    if (mcpz_json_check(text, MCPZ_JSON_GRAMMAR) != MCPZ_OK ||
        mcpz_json_pick(mcpz_json_value(text), names, MCPZ_ARRAY_LEN(names), found) != MCPZ_OK ||
        found[SERVER_INFO].type != MCPZ_JSON_OBJECT ||
        found[CAPABILITIES].type != MCPZ_JSON_OBJECT) {
        return MCPZ_EPROTO;
    }
    server->server_info = found[SERVER_INFO];
    server->capabilities = found[CAPABILITIES];
    server->instructions = found[INSTRUCTIONS];
    server->is_modern = mcpz_json_says(found[ERA], mcpz_text("modern"));
    server->is_stateless = says_true(found[STATELESS]);
    mcpz_error error = MCPZ_OK;
    for (size_t kind = 0; kind < MCPZ_CATALOGUE_KINDS && error == MCPZ_OK; kind++) {
        error = read_list(server, (enum mcpz_catalogue_kind)kind, found[FIRST_LIST + kind]);
    }
    return error;
}

struct mcpz_catalogue_server *mcpz_catalogue_wanted(struct mcpz_catalogue *catalogue,
                                                    mcpz_time now)
{
    for (size_t i = 0; i < catalogue->server_count; i++) {
        struct mcpz_catalogue_server *server = catalogue->servers[i];
        if (server->fetching == MCPZ_FETCH_WANTED && server->retry_at <= now) {
            server->fetching = MCPZ_FETCH_UNDER_WAY;
            return server;
        }
    }
    return NULL;
}

bool mcpz_catalogue_is_waiting(const struct mcpz_catalogue *catalogue)
{
    for (size_t i = 0; i < catalogue->server_count; i++) {
        const struct mcpz_catalogue_server *server = catalogue->servers[i];
        if (server->hash[0] == '\0' && server->fetching != MCPZ_FETCH_NONE &&
            !server->has_failed) {
            return true;
        }
    }
    return false;
}

void mcpz_catalogue_failed(struct mcpz_catalogue *catalogue, struct mcpz_bytes name, mcpz_time now)
{
    struct mcpz_catalogue_server *server = find(catalogue, name);

    if (server != NULL && server->fetching == MCPZ_FETCH_UNDER_WAY) {
        server->fetching = server->offered[0] != '\0' ? MCPZ_FETCH_WANTED : MCPZ_FETCH_NONE;
        server->retry_at = now + MCPZ_CATALOGUE_RETRY_US;
        server->has_failed = true;
    }
}

/* ---- Headers that tools ask for ----------------------------------------------------------- */

static bool has_param(const struct mcpz_catalogue *catalogue, const char *header)
{
    const char *at = catalogue->params;
    const char *end = at + catalogue->params_length;

    while (at < end && strcmp(at, header) != 0) {
        at += strlen(at) + 1;
    }
    return at < end;
}

static void add_param(void *context, const struct mcpz_param *param)
{
    struct mcpz_catalogue *catalogue = context;
    const size_t length = strlen(param->header) + 1;

    if (!has_param(catalogue, param->header) &&
        catalogue->params_length + length <= sizeof(catalogue->params)) {
        memcpy(catalogue->params + catalogue->params_length, param->header, length);
        catalogue->params_length += length;
    }
}

static void list_params(struct mcpz_catalogue *catalogue)
{
    static const char *const names[] = {"inputSchema"};
    struct mcpz_json schema;

    catalogue->params_length = 0;
    catalogue->params_version++;
    for (size_t i = 0; i < catalogue->server_count; i++) {
        const struct mcpz_catalogue_list *tools =
            &catalogue->servers[i]->lists[MCPZ_CATALOGUE_TOOLS];
        for (size_t k = 0; k < tools->count; k++) {
            if (tools->items[k].has_params &&
                mcpz_json_pick(tools->items[k].whole, names, 1, &schema) == MCPZ_OK) {
                mcpz_param_walk(schema, add_param, catalogue);
            }
        }
    }
}

static mcpz_error take_document(struct mcpz_catalogue *catalogue,
                                struct mcpz_catalogue_server *server, struct mcpz_bytes document)
{
    if (catalogue->bytes + document.length > MCPZ_CATALOGUE_BYTES_MAX) {
        return MCPZ_EFULL;
    }
    uint8_t *copy = malloc(document.length + 1);
    if (copy == NULL) {
        return MCPZ_ENOMEM;
    }
    memcpy(copy, document.data, document.length);
    drop_document(catalogue, server);
    server->document = copy;
    server->document_length = document.length;
    catalogue->bytes += document.length;
    mcpz_error error = read_document(server);
    if (error != MCPZ_OK) {
        drop_document(catalogue, server);
    }
    list_params(catalogue);
    return error;
}

mcpz_error mcpz_catalogue_put(struct mcpz_catalogue *catalogue, struct mcpz_bytes name,
                              struct mcpz_bytes hash, struct mcpz_bytes document, mcpz_time now)
{
    struct mcpz_catalogue_server *server = find(catalogue, name);

    if (server == NULL || server->fetching != MCPZ_FETCH_UNDER_WAY) {
        return MCPZ_OK;
    }
    server->fetching = MCPZ_FETCH_NONE;
    mcpz_error error =
        document.length == 0 ? MCPZ_EPROTO : take_document(catalogue, server, document);
    if (error != MCPZ_OK) {
        catalogue->refused++;
        server->fetching = MCPZ_FETCH_UNDER_WAY;
        mcpz_catalogue_failed(catalogue, name, now);
        return error;
    }
    mcpz_bytes_to_text(hash, server->hash, sizeof(server->hash));
    server->has_failed = false;
    settle(server, now); /* there may be a newer one already */
    return MCPZ_OK;
}

/* ---- Looking ------------------------------------------------------------------------------ */

const struct mcpz_catalogue_server *mcpz_catalogue_server(const struct mcpz_catalogue *catalogue,
                                                          struct mcpz_bytes name)
{
    const struct mcpz_catalogue_server *server = find(catalogue, name);
    return server != NULL && server->hash[0] != '\0' ? server : NULL;
}

static const struct mcpz_catalogue_item *find_item(const struct mcpz_catalogue_server *server,
                                                   enum mcpz_catalogue_kind kind,
                                                   struct mcpz_bytes shown)
{
    const struct mcpz_catalogue_list *list = &server->lists[kind];

    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].shown != NULL &&
            mcpz_bytes_equal(mcpz_text(list->items[i].shown), shown)) {
            return &list->items[i];
        }
    }
    return NULL;
}

struct mcpz_catalogue_hit mcpz_catalogue_find(const struct mcpz_catalogue *catalogue,
                                              enum mcpz_catalogue_kind kind,
                                              struct mcpz_bytes shown)
{
    struct mcpz_catalogue_hit hit = {.server = NULL};
    const struct mcpz_catalogue_claim *claim = mcpz_catalogue_find_claim(catalogue, kind, shown);
    const struct mcpz_catalogue_server *server =
        claim != NULL ? mcpz_catalogue_server(catalogue, mcpz_text(claim->server)) : NULL;

    hit.item = server != NULL ? find_item(server, kind, shown) : NULL;
    hit.server = hit.item != NULL ? server : NULL;
    /* It may be one that could not be remembered. */
    for (size_t i = 0; hit.item == NULL && claim == NULL && i < catalogue->server_count; i++) {
        hit.item = find_item(catalogue->servers[i], kind, shown);
        hit.server = hit.item != NULL ? catalogue->servers[i] : NULL;
    }
    return hit;
}

/* How many characters of the URI a template fixes, if it fits; 0: it does not. */
static size_t fit(const char *template, struct mcpz_bytes uri)
{
    const char *open = strchr(template, '{');
    const char *close = strrchr(template, '}');

    if (open == NULL || close == NULL || close < open) {
        return 0;
    }
    size_t before = (size_t)(open - template);
    size_t after = strlen(close + 1);
    if (uri.length < before + after || memcmp(uri.data, template, before) != 0 ||
        memcmp(uri.data + uri.length - after, close + 1, after) != 0) {
        return 0;
    }
    return before + after + 1;
}

static struct mcpz_catalogue_hit find_template(const struct mcpz_catalogue *catalogue,
                                               struct mcpz_bytes uri)
{
    struct mcpz_catalogue_hit hit = {.server = NULL};
    size_t best = 0;

    for (size_t i = 0; i < catalogue->server_count; i++) {
        const struct mcpz_catalogue_list *list =
            &catalogue->servers[i]->lists[MCPZ_CATALOGUE_TEMPLATES];
        for (size_t k = 0; k < list->count; k++) {
            size_t fixed = list->items[k].shown != NULL ? fit(list->items[k].shown, uri) : 0;
            if (fixed > best) {
                best = fixed;
                hit.server = catalogue->servers[i];
            }
        }
    }
    return hit;
}

static struct mcpz_catalogue_hit find_only_one(const struct mcpz_catalogue *catalogue)
{
    static const char *const names[] = {"resources"};
    struct mcpz_catalogue_hit hit = {.server = NULL};
    struct mcpz_json found;

    for (size_t i = 0; i < catalogue->server_count; i++) {
        const struct mcpz_catalogue_server *server = catalogue->servers[i];
        if (server->hash[0] == '\0' ||
            mcpz_json_pick(server->capabilities, names, 1, &found) != MCPZ_OK ||
            found.type != MCPZ_JSON_OBJECT) {
            continue;
        }
        if (hit.server != NULL) {
            return (struct mcpz_catalogue_hit){.server = NULL};
        }
        hit.server = server;
    }
    return hit;
}

struct mcpz_catalogue_hit mcpz_catalogue_find_uri(const struct mcpz_catalogue *catalogue,
                                                  struct mcpz_bytes uri)
{
    struct mcpz_catalogue_hit hit = mcpz_catalogue_find(catalogue, MCPZ_CATALOGUE_RESOURCES, uri);

    if (hit.server == NULL) {
        hit = find_template(catalogue, uri);
    }
    return hit.server != NULL ? hit : find_only_one(catalogue);
}
