/*
 * Tasks of the protocol at /mcp. Two servers may give out the same id: so clients see it with its
 * server before it, which also says who is to be asked. No table is kept, and none is needed by
 * another node or after a restart.
 *
 *   server  {"taskId": "7"}       client  {"taskId": "SERVER:7"}     no server's name has a colon
 *   server  {"nextCursor": "c"}   client  {"nextCursor": "SERVER:c"}
 *
 * tasks/list is one page of one server after another; "SERVER:" is the first of that one's.
 *
 * Source: Model Context Protocol 2025-11-25, "Tasks"; the extension io.modelcontextprotocol/tasks
 * of 2026-07-28 (SEP-2663).
 */

#include <stdlib.h>
#include <string.h>

#include "mcp/face_internal.h"

static struct mcpz_json member(struct mcpz_json object, const char *name)
{
    struct mcpz_json found;

    if (mcpz_json_pick(object, &name, 1, &found) != MCPZ_OK) {
        found.type = MCPZ_JSON_NONE;
    }
    return found;
}

/* ---- From servers ------------------------------------------------------------------------- */

struct showing {
    const struct mcpz_face_call *call;
    const struct mcpz_envelope *said;
};

/* A message that is written with something put in here and there. */
struct copying {
    struct mcpz_json_writer *writer;
    const char *server;
    const uint8_t *at; /* what is before it is written */
};

static void copy_until(struct copying *copying, const uint8_t *until)
{
    mcpz_json_put(copying->writer, mcpz_bytes(copying->at, (size_t)(until - copying->at)));
    copying->at = until;
}

static void show_id(struct copying *copying, struct mcpz_json id)
{
    if (id.type == MCPZ_JSON_STRING) {
        copy_until(copying, id.text.data + 1);
        mcpz_json_put_text(copying->writer, copying->server);
        mcpz_json_put_text(copying->writer, ":");
    }
}

static void show_list(struct copying *copying, struct mcpz_json tasks)
{
    struct mcpz_json_walk walk = mcpz_json_walk(tasks);
    struct mcpz_json task;

    while (tasks.type == MCPZ_JSON_ARRAY && mcpz_json_next_element(&walk, &task)) {
        show_id(copying, member(task, "taskId"));
    }
}

/* The server has more, or another one is next. */
static void show_cursor(struct copying *copying, struct mcpz_json cursor, const char *next)
{
    if (cursor.type == MCPZ_JSON_STRING && mcpz_json_raw(cursor).length > 0) {
        show_id(copying, cursor);
    } else if (next[0] != '\0') {
        copy_until(copying, cursor.text.data);
        mcpz_json_put_text(copying->writer, "\"");
        mcpz_json_put_text(copying->writer, next);
        mcpz_json_put_text(copying->writer, ":\"");
        copying->at = cursor.text.data + cursor.text.length;
    }
}

/* The server has no more, and does not say so: another one is next. */
static void add_cursor(struct copying *copying, struct mcpz_json result, const char *next)
{
    if (next[0] == '\0' || member(result, "nextCursor").type != MCPZ_JSON_NONE) {
        return;
    }
    copy_until(copying, mcpz_splice_inside(result).data);
    mcpz_json_put_text(copying->writer, "\"nextCursor\":\"");
    mcpz_json_put_text(copying->writer, next);
    mcpz_json_put_text(copying->writer, mcpz_splice_is_empty(result) ? ":\"" : ":\",");
}

static void show_result(struct copying *copying, const struct showing *what)
{
    const struct mcpz_face_call *call = what->call;
    struct mcpz_json_walk walk = mcpz_json_walk(what->said->result);
    struct mcpz_json name;
    struct mcpz_json value;

    if (call->lists_tasks) {
        add_cursor(copying, what->said->result, call->next_lister);
    }
    while (mcpz_json_next_member(&walk, &name, &value)) {
        if (mcpz_json_says(name, mcpz_text("_meta"))) {
            show_id(copying, what->said->related_task);
        } else if (mcpz_json_says(name, mcpz_text("task"))) {
            show_id(copying, member(value, "taskId"));
        } else if (mcpz_json_says(name, mcpz_text("taskId"))) {
            show_id(copying, value);
        } else if (call->lists_tasks && mcpz_json_says(name, mcpz_text("tasks"))) {
            show_list(copying, value);
        } else if (call->lists_tasks && mcpz_json_says(name, mcpz_text("nextCursor"))) {
            show_cursor(copying, value, call->next_lister);
        }
    }
}

/* A request may name a task of the client's: only what is told of a task is about the server's. */
static void show_params(struct copying *copying, const struct mcpz_envelope *said)
{
    bool tells_of_task = mcpz_envelope_is(said, "notifications/tasks/status") ||
                         mcpz_envelope_is(said, "notifications/tasks");
    struct mcpz_json_walk walk = mcpz_json_walk(said->params);
    struct mcpz_json name;
    struct mcpz_json value;

    while (mcpz_json_next_member(&walk, &name, &value)) {
        if (mcpz_json_says(name, mcpz_text("_meta"))) {
            show_id(copying, said->related_task);
        } else if (tells_of_task && mcpz_json_says(name, mcpz_text("taskId"))) {
            show_id(copying, value);
        }
    }
}

static void put_shown(struct mcpz_json_writer *writer, const void *context)
{
    const struct showing *what = context;
    const struct mcpz_bytes whole = what->said->whole.text;
    struct copying copying = {.writer = writer, .server = what->call->server, .at = whole.data};

    if (what->said->kind == MCPZ_ENVELOPE_RESPONSE) {
        show_result(&copying, what);
    } else if (what->said->kind != MCPZ_ENVELOPE_ERROR) {
        show_params(&copying, what->said);
    }
    copy_until(&copying, whole.data + whole.length);
}

bool mcpz_face_show_tasks(const struct mcpz_face_call *call, struct mcpz_envelope *said,
                          struct mcpz_face_text *shown)
{
    const struct showing what = {.call = call, .said = said};
    struct mcpz_json_writer measure = mcpz_json_writer(NULL, 0);

    *shown = (struct mcpz_face_text){.data = NULL};
    if (!call->is_of_mesh) {
        return true;
    }
    put_shown(&measure, &what);
    if (measure.length == said->whole.text.length) {
        return true; /* it names none */
    }
    *shown = mcpz_face_write(put_shown, &what);
    return shown->data != NULL &&
           mcpz_envelope_take(mcpz_json_value(mcpz_bytes(shown->data, shown->length)), said) ==
               MCPZ_OK;
}

/* ---- From clients ------------------------------------------------------------------------- */

/* Whose it is that is shown so; NULL: nobody's. `*prefix`: what its server does not know of. */
static const struct mcpz_catalogue_server *
find_owner(const struct mcpz_face *face, struct mcpz_json shown, struct mcpz_bytes *prefix)
{
    const struct mcpz_bytes raw =
        shown.type == MCPZ_JSON_STRING ? mcpz_json_raw(shown) : mcpz_bytes(NULL, 0);
    const uint8_t *colon = raw.length > 0 ? memchr(raw.data, ':', raw.length) : NULL;

    if (colon == NULL) {
        return NULL;
    }
    size_t length = (size_t)(colon - raw.data);
    *prefix = mcpz_bytes(raw.data, length + 1);
    return mcpz_catalogue_server(&face->catalogue, mcpz_bytes(raw.data, length));
}

/* The prefix of an id of that server; empty: it is another's. */
static struct mcpz_bytes prefix_of(struct mcpz_json shown, struct mcpz_bytes server)
{
    const struct mcpz_bytes raw =
        shown.type == MCPZ_JSON_STRING ? mcpz_json_raw(shown) : mcpz_bytes(NULL, 0);
    bool is_its = raw.length > server.length && raw.data[server.length] == ':' &&
                  memcmp(raw.data, server.data, server.length) == 0;

    return mcpz_bytes(raw.data, is_its ? server.length + 1 : 0);
}

size_t mcpz_face_own_task(const struct mcpz_envelope *said, struct mcpz_bytes server,
                          struct mcpz_splice splices[2], size_t count)
{
    const struct mcpz_splice own = {.at = prefix_of(said->related_task, server)};

    if (own.at.length == 0) {
        return count;
    }
    bool is_first = count == 1 && own.at.data < splices[0].at.data;
    splices[count] = is_first ? splices[0] : own;
    if (is_first) {
        splices[0] = own;
    }
    return count + 1;
}

void mcpz_face_reach_task(struct mcpz_asker *asker, const struct mcpz_envelope *request)
{
    struct mcpz_splice own = {.at = mcpz_bytes(NULL, 0)};
    const struct mcpz_catalogue_server *server =
        find_owner(asker->face, request->task_id, &own.at);

    if (server != NULL) {
        mcpz_face_pass(
            asker, request,
            (struct mcpz_face_order){.server = mcpz_text(server->name),
                                     .splices = &own,
                                     .splice_count = 1,
                                     .may_repeat = mcpz_envelope_is(request, "tasks/get")});
    } else if (!mcpz_face_waits_for(asker)) {
        mcpz_face_error(asker, request->id, MCPZ_MCP_INVALID_PARAMS,
                        "Unknown task: no server of the mesh has given that id",
                        mcpz_bytes(NULL, 0));
    }
}

/* ---- tasks/list --------------------------------------------------------------------------- */

/* A server with a state has tasks of a session only once it was called. */
static bool has_called(const struct mcpz_session *session,
                       const struct mcpz_catalogue_server *server)
{
    const struct mcpz_face_place *place = session->places;

    while (place != NULL && strcmp(place->server, server->name) != 0) {
        place = place->next;
    }
    return place != NULL || server->is_stateless;
}

static bool can_list(const struct mcpz_catalogue_server *server)
{
    return server->hash[0] != '\0' &&
           member(member(server->capabilities, "tasks"), "list").type == MCPZ_JSON_OBJECT;
}

/* The first server behind `name`, of those that may have tasks of who asks; NULL: none. */
static const struct mcpz_catalogue_server *find_lister(const struct mcpz_asker *asker,
                                                       const char *name)
{
    const struct mcpz_catalogue *catalogue = &asker->face->catalogue;

    for (size_t i = 0; i < catalogue->server_count; i++) {
        const struct mcpz_catalogue_server *server = catalogue->servers[i];
        if (strcmp(server->name, name) > 0 && can_list(server) &&
            has_called(asker->session, server) &&
            !(asker->request.hosts && mcpz_face_is_mesh(server))) {
            return server;
        }
    }
    return NULL;
}

/* The member of that name, with the comma that is too much without it. */
static struct mcpz_bytes span_of(struct mcpz_json object, const char *name)
{
    struct mcpz_json_walk walk = mcpz_json_walk(object);
    const uint8_t *from = NULL; /* the end of the member before */
    struct mcpz_json key;
    struct mcpz_json value;

    while (mcpz_json_next_member(&walk, &key, &value)) {
        const uint8_t *end = value.text.data + value.text.length;
        if (!mcpz_json_says(key, mcpz_text(name))) {
            from = end;
            continue;
        }
        const uint8_t *start = from != NULL ? from : key.text.data;
        if (from == NULL && mcpz_json_next_member(&walk, &key, &value)) {
            end = key.text.data;
        }
        return mcpz_bytes(start, (size_t)(end - start));
    }
    return mcpz_bytes(NULL, 0);
}

static bool can_any_list(const struct mcpz_face *face)
{
    for (size_t i = 0; i < face->catalogue.server_count; i++) {
        if (can_list(face->catalogue.servers[i])) {
            return true;
        }
    }
    return false;
}

void mcpz_face_list_tasks(struct mcpz_asker *asker, const struct mcpz_envelope *request)
{
    bool is_first = request->cursor.type == MCPZ_JSON_NONE;
    struct mcpz_splice own = {.at = mcpz_bytes(NULL, 0)};
    const struct mcpz_catalogue_server *server =
        is_first ? find_lister(asker, "") : find_owner(asker->face, request->cursor, &own.at);

    if (server == NULL && is_first && can_any_list(asker->face)) {
        mcpz_face_result(asker, request->id, mcpz_text("{\"tasks\":[]}"));
        return;
    }
    if (server == NULL) {
        mcpz_face_error(asker, request->id,
                        is_first ? MCPZ_MCP_METHOD_NOT_FOUND : MCPZ_MCP_INVALID_PARAMS,
                        is_first ? "Method not found: no server of the mesh has any"
                                 : "Invalid cursor: it is none that this node has given",
                        mcpz_bytes(NULL, 0));
        return;
    }
    if (!is_first && own.at.length == mcpz_json_raw(request->cursor).length) {
        own.at = span_of(request->params, "cursor");
    }
    const struct mcpz_catalogue_server *next = find_lister(asker, server->name);
    mcpz_face_pass(asker, request,
                   (struct mcpz_face_order){.server = mcpz_text(server->name),
                                            .splices = &own,
                                            .splice_count = is_first ? 0 : 1,
                                            .may_repeat = true,
                                            .lists_tasks = true,
                                            .next_lister = next != NULL ? next->name : ""});
}

/* ---- subscriptions/listen ----------------------------------------------------------------- */

struct filtering {
    struct mcpz_json ids;
    struct mcpz_bytes server;
};

static void put_own_ids(struct mcpz_json_writer *writer, const void *context)
{
    const struct filtering *what = context;
    struct mcpz_json_walk walk = mcpz_json_walk(what->ids);
    struct mcpz_json id;
    bool is_first = true;

    mcpz_json_put_text(writer, "[");
    while (mcpz_json_next_element(&walk, &id)) {
        struct mcpz_bytes prefix = prefix_of(id, what->server);
        if (prefix.length > 0) {
            mcpz_json_put_text(writer, is_first ? "\"" : ",\"");
            const uint8_t *own = prefix.data + prefix.length;
            mcpz_json_put(writer, mcpz_bytes(own, (size_t)(id.text.data + id.text.length - own)));
            is_first = false;
        }
    }
    mcpz_json_put_text(writer, "]");
}

bool mcpz_face_own_filter(const struct mcpz_envelope *request, struct mcpz_bytes server,
                          struct mcpz_splice *splice, struct mcpz_face_text *own)
{
    const struct filtering what = {
        .ids = member(member(request->params, "notifications"), "taskIds"), .server = server};

    *own = (struct mcpz_face_text){.data = NULL};
    if (what.ids.type != MCPZ_JSON_ARRAY) {
        return true;
    }
    *own = mcpz_face_write(put_own_ids, &what);
    *splice =
        (struct mcpz_splice){.at = what.ids.text, .with = mcpz_bytes(own->data, own->length)};
    return own->data != NULL;
}
