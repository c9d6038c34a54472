/* What this node answers itself: who it is, and the lists of the whole mesh. */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "mcp/face_internal.h"
#include "mcp/param.h"
#include "mcp/task_shape.h"

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

static bool makes_tasks(const struct mcpz_face *face, bool (*are_made)(struct mcpz_json all))
{
    for (size_t i = 0; i < face->catalogue.server_count; i++) {
        const struct mcpz_catalogue_server *server = face->catalogue.servers[i];
        if (server->hash[0] != '\0' && are_made(server->capabilities)) {
            return true;
        }
    }
    return false;
}

static void put_tasks(struct mcpz_json_writer *writer, const struct mcpz_face *face)
{
    static const char *const parts[][2] = {{"list", "\"list\":{}"},
                                           {"cancel", "\"cancel\":{}"},
                                           {"requests", "\"requests\":{\"tools\":{\"call\":{}}}"}};
    const char *between = "";

    const bool are_made = makes_tasks(face, mcpz_task_shape_has_modern); /* by the server, there */

    if (!mcpz_face_has(face, "tasks") && !are_made) {
        return;
    }
    mcpz_json_put_text(writer, ",\"tasks\":{");
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(parts); i++) {
        if (has_part(face, "tasks", parts[i][0]) || (i > 0 && are_made)) {
            mcpz_json_put_text(writer, between);
            mcpz_json_put_text(writer, parts[i][1]);
            between = ",";
        }
    }
    mcpz_json_put_text(writer, "}");
}

/*
 * An extension is a promise about requests: it can be kept for those of which all are passed on by
 * name, whoever else is there. Where there is but one server, all is for it.
 */
static bool is_passed_on(struct mcpz_json name, bool is_only)
{
    return mcpz_json_says(name, mcpz_text("io.modelcontextprotocol/ui")) || is_only;
}

/* Does a server before this one have it? Then it has been put. */
static bool is_put(const struct mcpz_face *face, size_t before, struct mcpz_json name)
{
    for (size_t i = 0; i < before; i++) {
        const struct mcpz_json all = capability_of(face->catalogue.servers[i], "extensions");
        struct mcpz_json_walk walk = mcpz_json_walk(all);
        struct mcpz_json other;
        struct mcpz_json value;
        while (all.type == MCPZ_JSON_OBJECT && mcpz_json_next_member(&walk, &other, &value)) {
            if (mcpz_bytes_equal(other.text, name.text)) {
                return true;
            }
        }
    }
    return false;
}

/* Those of all servers that are kept by /mcp. Tasks are an extension of the later revision. */
static void put_extensions(struct mcpz_json_writer *writer, const struct mcpz_face *face,
                           bool is_modern)
{
    const bool are_made = is_modern && (makes_tasks(face, mcpz_task_shape_has_modern) ||
                                        makes_tasks(face, mcpz_task_shape_has_legacy));
    const bool is_only = mcpz_face_only(face) != NULL;
    const char *between = ",\"extensions\":{";

    if (are_made) {
        mcpz_json_put_text(writer, ",\"extensions\":{\"" MCPZ_TASKS_EXTENSION "\":{}");
        between = ",";
    }
    for (size_t i = 0; i < face->catalogue.server_count; i++) {
        const struct mcpz_json all = capability_of(face->catalogue.servers[i], "extensions");
        struct mcpz_json_walk walk = mcpz_json_walk(all);
        struct mcpz_json name;
        struct mcpz_json value;
        while (all.type == MCPZ_JSON_OBJECT && mcpz_json_next_member(&walk, &name, &value)) {
            if (mcpz_json_says(name, mcpz_text(MCPZ_TASKS_EXTENSION)) ||
                !is_passed_on(name, is_only) || is_put(face, i, name)) {
                continue;
            }
            mcpz_json_put_text(writer, between);
            mcpz_json_put(writer, name.text);
            mcpz_json_put_text(writer, ":");
            mcpz_json_put(writer, value.text);
            between = ",";
        }
    }
    mcpz_json_put_text(writer, strcmp(between, ",") == 0 ? "}" : "");
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
    put_extensions(writer, face, is_modern);
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
    if (what->server != NULL && what->server->is_modern != is_modern) {
        mcpz_task_shape_put_capabilities(writer, what->server->capabilities, is_modern);
    } else if (what->server != NULL) {
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
    bool for_mesh;    /* another one, which hosts this */
    bool knows_tasks; /* as 2025-11-25 has them */
};

static const char *const member_names[MCPZ_CATALOGUE_KINDS] = {
    [MCPZ_CATALOGUE_TOOLS] = "tools",
    [MCPZ_CATALOGUE_PROMPTS] = "prompts",
    [MCPZ_CATALOGUE_RESOURCES] = "resources",
    [MCPZ_CATALOGUE_TEMPLATES] = "resourceTemplates",
};

/* How an item is to be shown. */
struct showing {
    bool with_tasks; /* a tool that can be asked for as a task, as 2025-11-25 has it */
    bool for_http; /* as clients of 2026-07-28 take it: they drop what is unsound about headers */
};

/* Put a part of an item. */
static void put_part(struct mcpz_json_writer *writer, const struct mcpz_catalogue_item *item,
                     const uint8_t *from, const uint8_t *to, bool is_sound)
{
    static const char *const names[] = {"inputSchema"};
    const struct mcpz_bytes part = mcpz_bytes(from, (size_t)(to - from));
    struct mcpz_json schema;

    if (is_sound || mcpz_json_pick(item->whole, names, 1, &schema) != MCPZ_OK) {
        mcpz_json_put(writer, part);
    } else {
        mcpz_param_put_undeclared(writer, part, schema);
    }
}

/* Put a tool, or something else: under the name it has here, and with what it can be asked for. */
static void put_item(struct mcpz_json_writer *writer, const struct mcpz_catalogue_item *item,
                     struct showing showing)
{
    const struct mcpz_bytes whole = item->whole.text;
    const struct mcpz_bytes opening =
        showing.with_tasks ? mcpz_task_shape_tool(item->whole) : mcpz_bytes(NULL, 0);
    const uint8_t *start = opening.length > 0 ? whole.data + 1 : whole.data;
    const uint8_t *end = whole.data + whole.length;
    const bool is_sound = !(showing.for_http && item->is_unsound);

    mcpz_json_put(writer, opening);
    if (!item->is_renamed) {
        put_part(writer, item, start, end, is_sound);
        return;
    }
    put_part(writer, item, start, item->key.text.data, is_sound);
    mcpz_json_put_string(writer, mcpz_text(item->shown));
    put_part(writer, item, item->key.text.data + item->key.text.length, end, is_sound);
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
        const bool makes_tasks =
            page->knows_tasks && mcpz_task_shape_has_modern(catalogue->servers[i]->capabilities);
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
            put_item(writer, &list->items[k],
                     (struct showing){.with_tasks = makes_tasks, .for_http = page->is_modern});
            put++;
        }
    }
    return 0;
}

/* Which tools are not shown: no client minds, and who runs this is told. */
static void put_left_out(struct mcpz_json_writer *writer, const struct mcpz_catalogue *catalogue)
{
    const char *between = ",\"_meta\":{\"" MCPZ_WORD "/leftOut\":[";

    for (size_t i = 0; i < catalogue->server_count; i++) {
        const struct mcpz_catalogue_server *server = catalogue->servers[i];
        const struct mcpz_catalogue_list *tools = &server->lists[MCPZ_CATALOGUE_TOOLS];
        for (size_t k = 0; k < tools->count; k++) {
            if (mcpz_catalogue_leaves_out(catalogue, server, &tools->items[k])) {
                mcpz_json_put_text(writer, between);
                mcpz_json_put_text(writer, "{\"server\":");
                mcpz_json_put_string(writer, mcpz_text(server->name));
                mcpz_json_put_text(writer, ",\"name\":");
                mcpz_json_put(writer, tools->items[k].key.text);
                mcpz_json_put_text(writer, "}");
                between = ",";
            }
        }
    }
    mcpz_json_put_text(writer, strcmp(between, ",") == 0 ? "]}" : "");
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
    } else if (page->kind == MCPZ_CATALOGUE_TOOLS && !page->for_mesh) {
        put_left_out(writer, &page->face->catalogue);
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
                        .for_mesh = asker->request.hosts,
                        .knows_tasks = kind == MCPZ_CATALOGUE_TOOLS && !asker->is_modern &&
                                       strcmp(asker->session->version, MCPZ_FACE_LEGACY) >= 0};

    *is_good = read_cursor(cursor, &page.first);
    return mcpz_face_write(put_page, &page);
}
