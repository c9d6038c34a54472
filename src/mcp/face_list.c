/* What this node answers itself: who it is, and the lists of the whole mesh. */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "mcp/face_internal.h"

#define PAGE_BYTES_MAX 4194304
#define TTL_MS 5000 /* of a list: clients that listen are told of changes at once */
#define CURSOR "mcpz-"
#define FACE_NAME "mcp-zero" /* of all servers together */

struct mcpz_face_text
mcpz_face_write(void (*put)(struct mcpz_json_writer *writer, const void *what), const void *what)
{
    struct mcpz_face_text text = {.data = NULL};
    struct mcpz_json_writer writer = mcpz_json_writer(NULL, 0);

    put(&writer, what);
    text.length = writer.length;
    text.data = malloc(text.length + 1);
    if (text.data == NULL) {
        return text;
    }
    writer = mcpz_json_writer(text.data, text.length);
    put(&writer, what);
    assert(writer.length == text.length);
    assert(writer.error == MCPZ_OK);
    text.data[text.length] = '\0';
    return text;
}

/* ---- Capabilities ------------------------------------------------------------------------- */

static struct mcpz_json capability_of(const struct mcpz_catalogue_server *server, const char *name)
{
    struct mcpz_json found = {.type = MCPZ_JSON_NONE};

    if (server->hash[0] == '\0' ||
        mcpz_json_pick(server->capabilities, &name, 1, &found) != MCPZ_OK) {
        found.type = MCPZ_JSON_NONE;
    }
    return found;
}

bool mcpz_face_has(const struct mcpz_face *face, const char *capability)
{
    for (size_t i = 0; i < face->catalogue.server_count; i++) {
        if (capability_of(face->catalogue.servers[i], capability).type == MCPZ_JSON_OBJECT) {
            return true;
        }
    }
    return false;
}

/* Says any server that of its capability `name`: resources.subscribe, tasks.list? */
static bool has_part(const struct mcpz_face *face, const char *name, const char *part)
{
    struct mcpz_json found;

    for (size_t i = 0; i < face->catalogue.server_count; i++) {
        struct mcpz_json capability = capability_of(face->catalogue.servers[i], name);
        if (mcpz_json_pick(capability, &part, 1, &found) == MCPZ_OK &&
            (found.type == MCPZ_JSON_TRUE || found.type == MCPZ_JSON_OBJECT)) {
            return true;
        }
    }
    return false;
}

/* As the first server that has it says. */
static void put_first(struct mcpz_json_writer *writer, const struct mcpz_face *face,
                      const char *name)
{
    for (size_t i = 0; i < face->catalogue.server_count; i++) {
        struct mcpz_json value = capability_of(face->catalogue.servers[i], name);
        if (value.type == MCPZ_JSON_OBJECT) {
            mcpz_json_put_text(writer, ",\"");
            mcpz_json_put_text(writer, name);
            mcpz_json_put_text(writer, "\":");
            mcpz_json_put(writer, value.text);
            return;
        }
    }
}

static void put_tasks(struct mcpz_json_writer *writer, const struct mcpz_face *face)
{
    static const char *const parts[][2] = {{"list", "\"list\":{}"},
                                           {"cancel", "\"cancel\":{}"},
                                           {"requests", "\"requests\":{\"tools\":{\"call\":{}}}"}};
    const char *between = "";

    if (!mcpz_face_has(face, "tasks")) {
        return;
    }
    mcpz_json_put_text(writer, ",\"tasks\":{");
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(parts); i++) {
        if (has_part(face, "tasks", parts[i][0])) {
            mcpz_json_put_text(writer, between);
            mcpz_json_put_text(writer, parts[i][1]);
            between = ",";
        }
    }
    mcpz_json_put_text(writer, "}");
}

/* What any of them can do, all together can. */
static void put_union(struct mcpz_json_writer *writer, const struct mcpz_face *face,
                      bool is_modern)
{
    mcpz_json_put_text(writer, "{\"tools\":{\"listChanged\":true}");
    if (mcpz_face_has(face, "prompts")) {
        mcpz_json_put_text(writer, ",\"prompts\":{\"listChanged\":true}");
    }
    if (mcpz_face_has(face, "resources")) {
        mcpz_json_put_text(writer, has_part(face, "resources", "subscribe")
                                       ? ",\"resources\":{\"subscribe\":true,\"listChanged\":true}"
                                       : ",\"resources\":{\"listChanged\":true}");
    }
    put_first(writer, face, "completions");
    put_first(writer, face, "extensions");
    if (!is_modern) {
        mcpz_json_put_text(writer, ",\"logging\":{}");
        put_tasks(writer, face);
    } else {
        put_first(writer, face, "logging");
    }
    mcpz_json_put_text(writer, "}");
}

/* ---- initialize, server/discover ---------------------------------------------------------- */

struct description {
    const struct mcpz_face *face;
    const struct mcpz_catalogue_server *server; /* NULL: all */
    const char *version;
};

static void put_info(struct mcpz_json_writer *writer, const struct description *what)
{
    if (what->server != NULL) {
        mcpz_json_put(writer, what->server->server_info.text);
    } else {
        mcpz_json_put_text(writer, "{\"name\":\"" FACE_NAME "\",\"title\":\"MCP-ZERO: all servers "
                                   "of the mesh\",\"version\":\"" MCPZ_VERSION "\"}");
    }
}

static void put_description(struct mcpz_json_writer *writer, const void *context)
{
    const struct description *what = context;
    bool is_modern = strcmp(what->version, MCPZ_FACE_MODERN) == 0;

    mcpz_json_put_text(writer, is_modern ? "{\"supportedVersions\":[" : "{\"protocolVersion\":");
    mcpz_json_put_string(writer, mcpz_text(what->version));
    mcpz_json_put_text(writer, is_modern ? "],\"capabilities\":" : ",\"capabilities\":");
    if (what->server != NULL) {
        mcpz_json_put(writer, what->server->capabilities.text);
    } else {
        put_union(writer, what->face, is_modern);
    }
    if (!is_modern) {
        mcpz_json_put_text(writer, ",\"serverInfo\":");
        put_info(writer, what);
    }
    if (what->server != NULL && what->server->instructions.type == MCPZ_JSON_STRING) {
        mcpz_json_put_text(writer, ",\"instructions\":");
        mcpz_json_put(writer, what->server->instructions.text);
    }
    if (is_modern) {
        mcpz_json_put_text(writer, ",\"resultType\":\"complete\",\"ttlMs\":");
        mcpz_json_put_integer(writer, TTL_MS);
        mcpz_json_put_text(writer, ",\"cacheScope\":\"private\",\"_meta\":{"
                                   "\"io.modelcontextprotocol/serverInfo\":");
        put_info(writer, what);
        mcpz_json_put_text(writer, "}");
    }
    mcpz_json_put_text(writer, "}");
}

struct mcpz_face_text mcpz_face_describe(const struct mcpz_face *face, struct mcpz_bytes server,
                                         const char *version)
{
    const struct description what = {
        .face = face,
        .server = server.length > 0 ? mcpz_catalogue_server(&face->catalogue, server) : NULL,
        .version = version,
    };

    return mcpz_face_write(put_description, &what);
}

/* ---- Lists -------------------------------------------------------------------------------- */

struct page {
    const struct mcpz_face *face;
    enum mcpz_catalogue_kind kind;
    size_t first; /* of all items of that kind */
    bool is_modern;
    bool for_mesh; /* another one, which hosts this */
};

static const char *const member_names[MCPZ_CATALOGUE_KINDS] = {
    [MCPZ_CATALOGUE_TOOLS] = "tools",
    [MCPZ_CATALOGUE_PROMPTS] = "prompts",
    [MCPZ_CATALOGUE_RESOURCES] = "resources",
    [MCPZ_CATALOGUE_TEMPLATES] = "resourceTemplates",
};

static void put_item(struct mcpz_json_writer *writer, const struct mcpz_catalogue_item *item)
{
    if (!item->is_renamed) {
        mcpz_json_put(writer, item->whole.text);
        return;
    }
    const uint8_t *start = item->whole.text.data;
    const uint8_t *end = start + item->whole.text.length;
    const uint8_t *behind = item->key.text.data + item->key.text.length;
    mcpz_json_put(writer, mcpz_bytes(start, (size_t)(item->key.text.data - start)));
    mcpz_json_put_string(writer, mcpz_text(item->shown));
    mcpz_json_put(writer, mcpz_bytes(behind, (size_t)(end - behind)));
}

bool mcpz_face_is_mesh(const struct mcpz_catalogue_server *server)
{
    static const char *const names[] = {"name"};
    struct mcpz_json name;

    return mcpz_json_pick(server->server_info, names, 1, &name) == MCPZ_OK &&
           mcpz_json_says(name, mcpz_text(FACE_NAME));
}

/* Put items from `page->first` on. Returns the number of the next one; 0: there is none. */
static size_t put_items(struct mcpz_json_writer *writer, const struct page *page)
{
    const struct mcpz_catalogue *catalogue = &page->face->catalogue;
    size_t start = writer->length;
    size_t index = 0;
    size_t put = 0;

    for (size_t i = 0; i < catalogue->server_count; i++) {
        const struct mcpz_catalogue_list *list = &catalogue->servers[i]->lists[page->kind];
        const bool is_hidden = page->for_mesh && mcpz_face_is_mesh(catalogue->servers[i]);
        for (size_t k = 0; k < list->count; k++, index++) {
            if (index < page->first || list->items[k].shown == NULL || is_hidden) {
                continue;
            }
            if (put == MCPZ_FACE_PAGE_ITEMS ||
                (put > 0 &&
                 writer->length - start + list->items[k].whole.text.length > PAGE_BYTES_MAX)) {
                return index;
            }
            mcpz_json_put_text(writer, put == 0 ? "" : ",");
            put_item(writer, &list->items[k]);
            put++;
        }
    }
    return 0;
}

static void put_page(struct mcpz_json_writer *writer, const void *context)
{
    const struct page *page = context;

    mcpz_json_put_text(writer, "{\"");
    mcpz_json_put_text(writer, member_names[page->kind]);
    mcpz_json_put_text(writer, "\":[");
    size_t next = put_items(writer, page);
    mcpz_json_put_text(writer, "]");
    if (next > 0) {
        mcpz_json_put_text(writer, ",\"nextCursor\":\"" CURSOR);
        mcpz_json_put_integer(writer, (int64_t)next);
        mcpz_json_put_text(writer, "\"");
    }
    if (page->is_modern) {
        mcpz_json_put_text(writer, ",\"resultType\":\"complete\",\"ttlMs\":");
        mcpz_json_put_integer(writer, TTL_MS);
        mcpz_json_put_text(writer, ",\"cacheScope\":\"private\"");
    }
    mcpz_json_put_text(writer, "}");
}

/* Where a cursor of ours points to. */
static bool read_cursor(struct mcpz_json cursor, size_t *first)
{
    size_t prefix = strlen(CURSOR);
    int64_t number = 0;

    *first = 0;
    if (cursor.type == MCPZ_JSON_NONE) {
        return true;
    }
    if (cursor.type != MCPZ_JSON_STRING) {
        return false;
    }
    struct mcpz_bytes raw = mcpz_json_raw(cursor);
    if (raw.length <= prefix || memcmp(raw.data, CURSOR, prefix) != 0) {
        return false;
    }
    const struct mcpz_json digits = {.type = MCPZ_JSON_NUMBER,
                                     .text = mcpz_bytes(raw.data + prefix, raw.length - prefix)};
    if (!mcpz_json_integer(digits, &number) || number <= 0) {
        return false;
    }
    *first = (size_t)number;
    return true;
}

struct mcpz_face_text mcpz_face_list(const struct mcpz_asker *asker, enum mcpz_catalogue_kind kind,
                                     struct mcpz_json cursor, bool *is_good)
{
    struct page page = {.face = asker->face,
                        .kind = kind,
                        .is_modern = asker->is_modern,
                        .for_mesh = asker->request.hosts};

    *is_good = read_cursor(cursor, &page.first);
    return mcpz_face_write(put_page, &page);
}
