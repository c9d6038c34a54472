/*
 * Tasks of the protocol. At /mcp two servers may give out the same id: so clients see it with its
 * server before it, which also says who is to be asked. And a task is where it was made: where the
 * next call may go to another node, its id says which one it was. No table is kept, and none is
 * needed by another node or after a restart.
 *
 *   server  {"taskId": "7"}       client  {"taskId": "SERVER:7"}, {"taskId": "SERVER:NODE:7"}
 *   server  {"nextCursor": "c"}   client  {"nextCursor": "SERVER:c"}, and so on
 *                                 no server's name has a colon; at /mcp/SERVER it is left out
 *
 * tasks/list is one page of one server after another; "SERVER:" is the first of that one's.
 *
 * Source: Model Context Protocol 2025-11-25, "Tasks"; the extension io.modelcontextprotocol/tasks
 * of 2026-07-28 (SEP-2663).
 */

#include <stdlib.h>
#include <string.h>

#include "mcp/face_internal.h"
#include "mcp/task_shape.h"

#define NODE_CHARS ((size_t)(MCPZ_ID_TEXT_BYTES - 1))

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
    const struct mcpz_face_call *call;
    const uint8_t *at; /* what is before it is written */
};

static void copy_until(struct copying *copying, const uint8_t *until)
{
    mcpz_json_put(copying->writer, mcpz_bytes(copying->at, (size_t)(until - copying->at)));
    copying->at = until;
}

/* Must the client say where it is? */
static bool names_node(const struct mcpz_face_call *call)
{
    return call->goes_anywhere && call->has_node;
}

static void show_id(struct copying *copying, struct mcpz_json id)
{
    char node[MCPZ_ID_TEXT_BYTES];

    if (id.type != MCPZ_JSON_STRING) {
        return;
    }
    copy_until(copying, id.text.data + 1);
    if (copying->call->is_of_mesh) {
        mcpz_json_put_text(copying->writer, copying->call->server);
        mcpz_json_put_text(copying->writer, ":");
    }
    if (names_node(copying->call)) {
        mcpz_id_to_text(&copying->call->node, 'n', node);
        mcpz_json_put_text(copying->writer, node);
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

/* What a server has agreed to tell of. */
static void show_filter(struct copying *copying, struct mcpz_json filter)
{
    const struct mcpz_json ids = member(filter, "taskIds");
    struct mcpz_json_walk walk = mcpz_json_walk(ids);
    struct mcpz_json id;

    while (ids.type == MCPZ_JSON_ARRAY && mcpz_json_next_element(&walk, &id)) {
        show_id(copying, id);
    }
}

/* A request may name a task of the client's: only what is told of a task is about the server's. */
static void show_params(struct copying *copying, const struct mcpz_envelope *said)
{
    bool acknowledges = mcpz_envelope_is(said, "notifications/subscriptions/acknowledged");
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
        } else if (acknowledges && mcpz_json_says(name, mcpz_text("notifications"))) {
            show_filter(copying, value);
        }
    }
}

static void put_shown(struct mcpz_json_writer *writer, const void *context)
{
    const struct showing *what = context;
    const struct mcpz_bytes whole = what->said->whole.text;
    struct copying copying = {.writer = writer, .call = what->call, .at = whole.data};

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
    if (!call->is_of_mesh && !names_node(call)) {
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

/* What a client of /mcp, or of a server as it is, was shown. */
struct shown {
    const struct mcpz_catalogue_server *server; /* NULL: of none that is known */
    struct mcpz_bytes prefix;                   /* what its server does not know of */
    bool has_node;
    struct mcpz_id node;
};

static struct mcpz_bytes raw_of(struct mcpz_json shown)
{
    return shown.type == MCPZ_JSON_STRING ? mcpz_json_raw(shown) : mcpz_bytes(NULL, 0);
}

/* How long is the name of a node, with its colon, behind the first `skipped` bytes? 0: there is
 * none. */
static size_t length_of_node(struct mcpz_bytes raw, size_t skipped, struct mcpz_id *node)
{
    if (raw.length < skipped + NODE_CHARS + 1 || raw.data[skipped + NODE_CHARS] != ':') {
        return 0;
    }
    return mcpz_id_from_text(mcpz_bytes(raw.data + skipped, NODE_CHARS), 'n', node) == MCPZ_OK
               ? NODE_CHARS + 1
               : 0;
}

/* The prefix of what is shown as that server's ("": where it is asked as it is); empty: there is
 * none, or it is another's. */
static struct mcpz_bytes prefix_of(struct mcpz_json shown, struct mcpz_bytes server,
                                   struct mcpz_id *node, bool *has_node)
{
    const struct mcpz_bytes raw = raw_of(shown);
    size_t length = server.length > 0 ? server.length + 1 : 0;

    *has_node = false;
    if (server.length > 0 &&
        (raw.data == NULL || raw.length < length || raw.data[server.length] != ':' ||
         memcmp(raw.data, server.data, server.length) != 0)) {
        return mcpz_bytes(NULL, 0);
    }
    const size_t of_node = length_of_node(raw, length, node);
    *has_node = of_node > 0;
    return mcpz_bytes(raw.data, length + of_node);
}

static struct shown read_shown(const struct mcpz_asker *asker, struct mcpz_json said)
{
    const struct mcpz_catalogue *catalogue = &asker->face->catalogue;
    const struct mcpz_bytes raw = raw_of(said);
    const uint8_t *colon = raw.length > 0 ? memchr(raw.data, ':', raw.length) : NULL;
    struct shown shown = {.server = NULL};

    if (asker->request.server.length > 0) {
        shown.server = mcpz_catalogue_server(catalogue, asker->request.server);
        shown.prefix = prefix_of(said, mcpz_bytes(NULL, 0), &shown.node, &shown.has_node);
    } else if (colon != NULL) {
        const struct mcpz_bytes name = mcpz_bytes(raw.data, (size_t)(colon - raw.data));
        shown.server = mcpz_catalogue_server(catalogue, name);
        shown.prefix = prefix_of(said, name, &shown.node, &shown.has_node);
    }
    return shown;
}

size_t mcpz_face_own_task(const struct mcpz_envelope *said, struct mcpz_bytes server,
                          struct mcpz_splice splices[2], size_t count)
{
    struct mcpz_id node;
    bool has_node;
    const struct mcpz_splice own = {.at = prefix_of(said->related_task, server, &node, &has_node)};

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

/* Does who asks for a task in the later revision say that it knows them? False: it was refused. */
static bool knows_tasks(struct mcpz_asker *asker, const struct mcpz_envelope *request)
{
    if (!asker->is_modern || mcpz_task_shape_has_modern(request->client_capabilities)) {
        return true;
    }
    mcpz_face_error(asker, request->id, MCPZ_MCP_CAPABILITY_MISSING,
                    "Missing required client capability: tasks",
                    mcpz_text("{\"requiredCapabilities\":{\"extensions\":{"
                              "\"" MCPZ_TASKS_EXTENSION "\":{}}}}"));
    return false;
}

bool mcpz_face_may_hear_of_tasks(struct mcpz_asker *asker, const struct mcpz_envelope *request)
{
    return member(member(request->params, "notifications"), "taskIds").type == MCPZ_JSON_NONE ||
           knows_tasks(asker, request);
}

void mcpz_face_reach_task(struct mcpz_asker *asker, const struct mcpz_envelope *request)
{
    const struct shown shown = read_shown(asker, request->task_id);
    const struct mcpz_splice own = {.at = shown.prefix};

    if (!knows_tasks(asker, request)) {
        return;
    }
    if (shown.server != NULL || asker->request.server.length > 0) {
        /* Told twice, none of them does more than once. */
        mcpz_face_pass(asker, request,
                       (struct mcpz_face_order){.server = shown.server != NULL
                                                              ? mcpz_text(shown.server->name)
                                                              : asker->request.server,
                                                .target = shown.has_node ? &shown.node : NULL,
                                                .splices = &own,
                                                .splice_count = own.at.length > 0 ? 1 : 0,
                                                .may_repeat = true});
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

static bool can_any_list(const struct mcpz_face *face)
{
    for (size_t i = 0; i < face->catalogue.server_count; i++) {
        if (can_list(face->catalogue.servers[i])) {
            return true;
        }
    }
    return false;
}

/* Ask a server for a page of its tasks; `next` has the page behind its last. */
static void list_page(struct mcpz_asker *asker, const struct mcpz_envelope *request,
                      const struct shown *shown, const char *next)
{
    struct mcpz_splice own = {.at = shown->prefix};

    if (own.at.length > 0 && own.at.length == raw_of(request->cursor).length) {
        own.at = mcpz_splice_member(request->params, "cursor");
    }
    mcpz_face_pass(asker, request,
                   (struct mcpz_face_order){.server = mcpz_text(shown->server->name),
                                            .target = shown->has_node ? &shown->node : NULL,
                                            .splices = &own,
                                            .splice_count = own.at.length > 0 ? 1 : 0,
                                            .may_repeat = true,
                                            .lists_tasks = true,
                                            .next_lister = next});
}

void mcpz_face_list_tasks(struct mcpz_asker *asker, const struct mcpz_envelope *request)
{
    bool is_first = request->cursor.type == MCPZ_JSON_NONE;
    bool is_one = asker->request.server.length > 0;
    struct shown shown = {.server = is_one ? NULL : find_lister(asker, "")};

    if (is_one || !is_first) {
        shown = read_shown(asker, request->cursor);
    }
    if (shown.server != NULL) {
        const struct mcpz_catalogue_server *next =
            is_one ? NULL : find_lister(asker, shown.server->name);
        list_page(asker, request, &shown, next != NULL ? next->name : "");
    } else if (is_first && can_any_list(asker->face)) {
        mcpz_face_result(asker, request->id, mcpz_text("{\"tasks\":[]}"));
    } else {
        mcpz_face_error(asker, request->id,
                        is_first ? MCPZ_MCP_METHOD_NOT_FOUND : MCPZ_MCP_INVALID_PARAMS,
                        is_first ? "Method not found: no server of the mesh has any"
                                 : "Invalid cursor: it is none that this node has given",
                        mcpz_bytes(NULL, 0));
    }
}

/* ---- subscriptions/listen ----------------------------------------------------------------- */

/* The ids that a server is told of are those of one of its nodes: that of the first. Of others a
 * client hears by asking, as of all that was not agreed upon. */
struct filtering {
    const struct mcpz_asker *asker;
    struct mcpz_json ids;
    struct mcpz_bytes server; /* "": it is asked as it is */
};

struct first_node {
    bool is_known; /* the first id was seen */
    bool has_node;
    struct mcpz_id node;
};

/* Is the id one of that server's, and of the node of the first? */
static bool is_of(struct mcpz_json id, struct mcpz_bytes server, struct first_node *first,
                  struct mcpz_bytes *prefix)
{
    struct mcpz_id node;
    bool has_node = false;

    *prefix = prefix_of(id, server, &node, &has_node);
    if (id.type != MCPZ_JSON_STRING || (server.length > 0 && prefix->length == 0)) {
        return false;
    }
    if (!first->is_known) {
        *first = (struct first_node){.is_known = true, .has_node = has_node};
        if (has_node) {
            first->node = node;
        }
        return true;
    }
    return first->has_node == has_node && (!has_node || mcpz_id_equal(&first->node, &node));
}

static void put_own_ids(struct mcpz_json_writer *writer, const void *context)
{
    const struct filtering *what = context;
    struct mcpz_json_walk walk = mcpz_json_walk(what->ids);
    struct first_node first = {.is_known = false};
    struct mcpz_bytes prefix;
    struct mcpz_json id;
    const char *between = "\"";

    mcpz_json_put_text(writer, "[");
    while (mcpz_json_next_element(&walk, &id)) {
        if (is_of(id, what->server, &first, &prefix)) {
            const uint8_t *own = mcpz_json_raw(id).data + prefix.length;
            mcpz_json_put_text(writer, between);
            mcpz_json_put(writer, mcpz_bytes(own, (size_t)(id.text.data + id.text.length - own)));
            between = ",\"";
        }
    }
    mcpz_json_put_text(writer, "]");
}

bool mcpz_face_own_filter(const struct mcpz_envelope *request, struct mcpz_bytes server,
                          struct mcpz_face_filter *filter)
{
    const struct filtering what = {
        .ids = member(member(request->params, "notifications"), "taskIds"), .server = server};
    struct mcpz_json_walk walk = mcpz_json_walk(what.ids);
    struct first_node first = {.is_known = false};
    struct mcpz_bytes prefix;
    struct mcpz_json id;

    *filter = (struct mcpz_face_filter){.has_node = false};
    if (what.ids.type != MCPZ_JSON_ARRAY) {
        return true;
    }
    while (!first.is_known && mcpz_json_next_element(&walk, &id)) {
        (void)is_of(id, server, &first, &prefix);
    }
    filter->has_node = first.has_node;
    filter->node = first.node;
    filter->own = mcpz_face_write(put_own_ids, &what);
    filter->splice = (struct mcpz_splice){
        .at = what.ids.text, .with = mcpz_bytes(filter->own.data, filter->own.length)};
    return filter->own.data != NULL;
}

/* Those that some server will be asked to tell of: it makes tasks, and they are where its first
 * one is. */
static void put_agreed_ids(struct mcpz_json_writer *writer, const void *context)
{
    const struct filtering *what = context;
    struct mcpz_json_walk walk = mcpz_json_walk(what->ids);
    struct mcpz_json id;
    const char *between = "";

    mcpz_json_put_text(writer, "[");
    while (mcpz_json_next_element(&walk, &id)) {
        const struct shown shown = read_shown(what->asker, id);
        struct mcpz_json_walk others = mcpz_json_walk(what->ids);
        struct first_node first = {.is_known = false};
        struct mcpz_json other;
        struct mcpz_bytes prefix;
        bool is_agreed = false;
        if (shown.server == NULL || !mcpz_task_shape_has_modern(shown.server->capabilities)) {
            continue;
        }
        while (mcpz_json_next_element(&others, &other) && other.text.data <= id.text.data) {
            is_agreed = is_of(other, mcpz_text(shown.server->name), &first, &prefix);
        }
        if (is_agreed) {
            mcpz_json_put_text(writer, between);
            mcpz_json_put(writer, id.text);
            between = ",";
        }
    }
    mcpz_json_put_text(writer, "]");
}

bool mcpz_face_agree(const struct mcpz_asker *asker, struct mcpz_json filter,
                     struct mcpz_splice *splice, struct mcpz_face_text *agreed)
{
    const struct filtering what = {.asker = asker, .ids = member(filter, "taskIds")};

    *agreed = (struct mcpz_face_text){.data = NULL};
    if (what.ids.type != MCPZ_JSON_ARRAY) {
        return true;
    }
    *agreed = mcpz_face_write(put_agreed_ids, &what);
    *splice = (struct mcpz_splice){.at = what.ids.text,
                                   .with = mcpz_bytes(agreed->data, agreed->length)};
    return agreed->data != NULL;
}
