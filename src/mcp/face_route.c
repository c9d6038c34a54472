/* What a client asks: answered here, or who is to do it. */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "mcp/face_internal.h"

#define OTHERS_URI "mcpz+"

static const struct mcpz_bytes no_data = {.data = NULL};

/* ---- Passing on --------------------------------------------------------------------------- */

void mcpz_face_pass(struct mcpz_asker *asker, const struct mcpz_envelope *request,
                    struct mcpz_face_order order)
{
    struct mcpz_splice splices[2];

    if (order.splice_count > 0) {
        splices[0] = order.splices[0];
    }
    order.splice_count = mcpz_face_own_task(
        request, asker->request.server.length == 0 ? order.server : mcpz_bytes(NULL, 0), splices,
        order.splice_count);
    order.kind = MCPZ_FACE_REQUEST;
    order.session = asker->session;
    order.asker = asker;
    order.request = request;
    order.splices = splices;
    if (mcpz_face_call(asker->face, &order) == NULL) {
        mcpz_face_error(asker, request->id, MCPZ_MCP_UNREACHABLE,
                        "this node cannot take the call on: too much is under way, or the client "
                        "says more than 30000 bytes about itself",
                        mcpz_text("{\"code\":\"limit\",\"retryAfterMs\":1000}"));
    }
}

/* Pass the request on to `server`, with `with` instead of `at` if that is there. */
static void pass(struct mcpz_asker *asker, const struct mcpz_envelope *request,
                 struct mcpz_bytes server, struct mcpz_splice splice, bool may_repeat)
{
    mcpz_face_pass(asker, request,
                   (struct mcpz_face_order){.server = server,
                                            .splices = &splice,
                                            .splice_count = splice.at.data != NULL ? 1 : 0,
                                            .may_repeat = may_repeat});
}

static const struct mcpz_splice as_it_is;

static struct mcpz_splice rename_as(struct mcpz_json said, const struct mcpz_catalogue_item *item)
{
    return item != NULL && item->is_renamed
               ? (struct mcpz_splice){.at = said.text, .with = item->key.text}
               : as_it_is;
}

/* What a string says, in memory of the caller's; NULL: not a string, or no memory. */
static char *text_of(struct mcpz_json value, struct mcpz_bytes *text)
{
    size_t room = value.type == MCPZ_JSON_STRING ? mcpz_json_raw(value).length : 0;
    char *copy = value.type == MCPZ_JSON_STRING ? malloc(room + 1) : NULL;
    size_t length = 0;

    if (copy != NULL && mcpz_json_unescape(value, (uint8_t *)copy, room, &length) == MCPZ_OK) {
        *text = mcpz_bytes(copy, length);
    }
    return copy;
}

static void refuse_name(struct mcpz_asker *asker, const struct mcpz_envelope *request,
                        const char *message)
{
    mcpz_face_error(asker, request->id, MCPZ_MCP_INVALID_PARAMS, message, no_data);
}

/* tools/call and prompts/get. */
static void route_name(struct mcpz_asker *asker, const struct mcpz_envelope *request,
                       enum mcpz_catalogue_kind kind)
{
    struct mcpz_bytes name = mcpz_bytes(NULL, 0);
    char *text = text_of(request->name, &name);

    struct mcpz_catalogue_hit hit = {.server = NULL};
    if (text != NULL) {
        hit = mcpz_catalogue_find(&asker->face->catalogue, kind, name);
    }
    free(text);
    if (hit.server == NULL && mcpz_face_waits_for(asker)) {
        return;
    }
    if (hit.server == NULL) {
        refuse_name(asker, request,
                    kind == MCPZ_CATALOGUE_TOOLS
                        ? "Unknown tool: no server of the mesh has one of that name"
                        : "Unknown prompt: no server of the mesh has one of that name");
        return;
    }
    if (kind == MCPZ_CATALOGUE_TOOLS && !mcpz_face_check_params(asker, request, hit.item)) {
        return;
    }
    pass(asker, request, mcpz_text(hit.server->name), rename_as(request->name, hit.item),
         kind == MCPZ_CATALOGUE_PROMPTS || hit.item->is_idempotent);
}

struct missing {
    struct mcpz_json uri;
};

static void put_missing(struct mcpz_json_writer *writer, const void *context)
{
    const struct missing *missing = context;

    mcpz_json_put_text(writer, "{\"uri\":");
    mcpz_json_put(writer, missing->uri.text);
    mcpz_json_put_text(writer, "}");
}

static void refuse_uri(struct mcpz_asker *asker, const struct mcpz_envelope *request)
{
    const struct missing missing = {.uri = request->uri};

    if (request->uri.type != MCPZ_JSON_STRING) {
        refuse_name(asker, request, "\"uri\" is missing, or not a string");
        return;
    }
    struct mcpz_face_text data = mcpz_face_write(put_missing, &missing);
    mcpz_face_error(asker, request->id,
                    asker->is_modern ? MCPZ_MCP_INVALID_PARAMS : MCPZ_MCP_RESOURCE_NOT_FOUND,
                    "Resource not found: no server of the mesh has it",
                    data.data != NULL ? mcpz_bytes(data.data, data.length) : no_data);
    free(data.data);
}

/* Behind "mcpz+SERVER:" stands the server's own URI. */
static struct mcpz_splice own_uri(struct mcpz_json said, const struct mcpz_catalogue_hit *hit,
                                  struct mcpz_bytes uri, struct mcpz_json_writer *writer)
{
    size_t prefix = strlen(OTHERS_URI) + strlen(hit->server->name) + 1;
    bool is_ours =
        hit->item == NULL && uri.length > prefix &&
        memcmp(uri.data, OTHERS_URI, strlen(OTHERS_URI)) == 0 &&
        memcmp(uri.data + strlen(OTHERS_URI), hit->server->name, strlen(hit->server->name)) == 0;

    if (!is_ours) {
        return rename_as(said, hit->item);
    }
    mcpz_json_put_string(writer, mcpz_bytes(uri.data + prefix, uri.length - prefix));
    return (struct mcpz_splice){.at = said.text,
                                .with = mcpz_bytes(writer->buffer, writer->length)};
}

/* resources/read, subscribe and unsubscribe; completion of a template. */
static void route_uri(struct mcpz_asker *asker, const struct mcpz_envelope *request,
                      struct mcpz_json said)
{
    struct mcpz_bytes uri = mcpz_bytes(NULL, 0);
    char *text = text_of(said, &uri);
    uint8_t *own = text != NULL ? malloc(MCPZ_JSON_ESCAPED_BYTES(uri.length)) : NULL;

    struct mcpz_catalogue_hit hit = {.server = NULL};
    if (own != NULL) {
        hit = mcpz_catalogue_find(&asker->face->catalogue, MCPZ_CATALOGUE_TEMPLATES, uri);
        if (hit.server == NULL) {
            hit = mcpz_catalogue_find_uri(&asker->face->catalogue, uri);
        }
    }
    bool waits = hit.server == NULL && mcpz_face_waits_for(asker);
    if (hit.server == NULL && !waits) {
        refuse_uri(asker, request);
    } else if (hit.server != NULL) {
        struct mcpz_json_writer writer =
            mcpz_json_writer(own, MCPZ_JSON_ESCAPED_BYTES(uri.length));
        pass(asker, request, mcpz_text(hit.server->name), own_uri(said, &hit, uri, &writer),
             !mcpz_envelope_is(request, "resources/subscribe") &&
                 !mcpz_envelope_is(request, "resources/unsubscribe"));
    }
    free(own);
    free(text);
}

static void route_completion(struct mcpz_asker *asker, const struct mcpz_envelope *request)
{
    static const char *const names[] = {"name", "uri"};
    struct mcpz_json found[2];

    if (mcpz_json_pick(request->ref, names, 2, found) != MCPZ_OK ||
        (found[0].type != MCPZ_JSON_STRING && found[1].type != MCPZ_JSON_STRING)) {
        refuse_name(asker, request, "\"ref\" names neither a prompt nor a resource");
        return;
    }
    if (found[1].type == MCPZ_JSON_STRING) {
        route_uri(asker, request, found[1]);
        return;
    }
    struct mcpz_envelope by_name = *request;
    by_name.name = found[0];
    route_name(asker, &by_name, MCPZ_CATALOGUE_PROMPTS);
}

const struct mcpz_catalogue_server *mcpz_face_only(const struct mcpz_face *face)
{
    const struct mcpz_catalogue_server *only = NULL;

    for (size_t i = 0; i < face->catalogue.server_count; i++) {
        const struct mcpz_catalogue_server *server = face->catalogue.servers[i];
        if (server->hash[0] != '\0' && only != NULL) {
            return NULL;
        }
        only = server->hash[0] != '\0' ? server : only;
    }
    return only;
}

/* Methods that we do not know: where there is but one server, they can only be for that. */
static void route_other(struct mcpz_asker *asker, const struct mcpz_envelope *request)
{
    const struct mcpz_catalogue_server *server = mcpz_face_only(asker->face);

    if (server == NULL) {
        mcpz_face_error(asker, request->id, MCPZ_MCP_METHOD_NOT_FOUND, "Method not found",
                        no_data);
        return;
    }
    pass(asker, request, mcpz_text(server->name), as_it_is, false);
}

/* ---- Answered here ------------------------------------------------------------------------ */

static void give(struct mcpz_asker *asker, const struct mcpz_envelope *request,
                 struct mcpz_face_text result)
{
    if (result.data == NULL) {
        mcpz_face_error(asker, request->id, MCPZ_MCP_INTERNAL_ERROR, "out of memory", no_data);
        return;
    }
    mcpz_face_result(asker, request->id, mcpz_bytes(result.data, result.length));
    free(result.data);
}

static void give_list(struct mcpz_asker *asker, const struct mcpz_envelope *request,
                      enum mcpz_catalogue_kind kind)
{
    static const char *const capabilities[MCPZ_CATALOGUE_KINDS] = {
        [MCPZ_CATALOGUE_PROMPTS] = "prompts",
        [MCPZ_CATALOGUE_RESOURCES] = "resources",
        [MCPZ_CATALOGUE_TEMPLATES] = "resources",
    };
    bool is_good = false;

    if (capabilities[kind] != NULL && !mcpz_face_has(asker->face, capabilities[kind])) {
        mcpz_face_error(asker, request->id, MCPZ_MCP_METHOD_NOT_FOUND,
                        "Method not found: no server of the mesh has any", no_data);
        return;
    }
    struct mcpz_face_text list = mcpz_face_list(asker, kind, request->cursor, &is_good);
    if (is_good) {
        give(asker, request, list);
    } else {
        free(list.data);
        refuse_name(asker, request, "Invalid cursor: it is none that this node has given");
    }
}

static void set_level(struct mcpz_asker *asker, const struct mcpz_envelope *request)
{
    static const char *const levels[] = {"debug", "info",     "notice", "warning",
                                         "error", "critical", "alert",  "emergency"};

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(levels); i++) {
        if (mcpz_json_says(request->level, mcpz_text(levels[i]))) {
            mcpz_bytes_to_text(mcpz_text(levels[i]), asker->session->level,
                               sizeof(asker->session->level));
            mcpz_face_result(asker, request->id, mcpz_text("{}"));
            return;
        }
    }
    refuse_name(asker, request,
                "\"level\" is none of debug, info, notice, warning, error, "
                "critical, alert, emergency");
}

void mcpz_face_initialize(struct mcpz_asker *asker, const struct mcpz_envelope *request)
{
    give(asker, request,
         mcpz_face_describe(asker->face, asker->request.server, asker->session->version));
}

/* ---- subscriptions/listen at /mcp --------------------------------------------------------- */

struct acknowledging {
    const struct mcpz_envelope *request;
    struct mcpz_json filter;
    struct mcpz_splice splice;
    size_t splice_count;
};

static void put_acknowledgement(struct mcpz_json_writer *writer, const void *context)
{
    const struct acknowledging *what = context;

    mcpz_json_put_text(writer, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/"
                               "acknowledged\",\"params\":{\"notifications\":");
    mcpz_splice(writer,
                what->filter.type == MCPZ_JSON_OBJECT ? what->filter.text : mcpz_text("{}"),
                &what->splice, what->splice_count);
    mcpz_json_put_text(writer, ",\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":");
    mcpz_json_put(writer, what->request->id.text);
    mcpz_json_put_text(writer, "}}}");
}

static void subscribe(struct mcpz_asker *asker, const struct mcpz_envelope *request)
{
    static const char *const outer[] = {"notifications"};
    static const char *const names[] = {"toolsListChanged", "promptsListChanged",
                                        "resourcesListChanged"};
    struct mcpz_json filter;
    struct mcpz_json found[3];

    if (mcpz_json_pick(request->params, outer, 1, &filter) != MCPZ_OK ||
        mcpz_json_pick(filter, names, 3, found) != MCPZ_OK) {
        refuse_name(asker, request, "\"notifications\" has a member twice");
        return;
    }
    if (!mcpz_face_may_hear_of_tasks(asker, request)) {
        return;
    }
    struct acknowledging what = {.request = request, .filter = filter};
    struct mcpz_face_text agreed;
    struct mcpz_face_text ack = {.data = NULL};
    if (mcpz_face_agree(asker, filter, &what.splice, &agreed)) {
        what.splice_count = agreed.data != NULL ? 1 : 0;
        ack = mcpz_face_write(put_acknowledgement, &what);
    }
    free(agreed.data);
    const struct mcpz_bytes text = mcpz_bytes(ack.data, ack.length);
    asker->listens = true;
    asker->wants[MCPZ_CATALOGUE_TOOLS] = found[0].type == MCPZ_JSON_TRUE;
    asker->wants[MCPZ_CATALOGUE_PROMPTS] = found[1].type == MCPZ_JSON_TRUE;
    asker->wants[MCPZ_CATALOGUE_RESOURCES] = found[2].type == MCPZ_JSON_TRUE;
    asker->envelope = *request;
    memcpy(asker->seen, asker->face->catalogue.versions, sizeof(asker->seen));
    if (ack.data != NULL && mcpz_face_stream(asker)) {
        (void)mcpz_face_say(asker->flow, &text, 1);
        mcpz_face_subscribe(asker);
    }
    free(ack.data);
}

/* ---- One server as it is ------------------------------------------------------------------ */

/* The tool of that name, which is the server's own; NULL: it has none such. */
static const struct mcpz_catalogue_item *find_tool(const struct mcpz_catalogue_server *server,
                                                   struct mcpz_json name)
{
    const struct mcpz_catalogue_list *tools = &server->lists[MCPZ_CATALOGUE_TOOLS];

    for (size_t i = 0; i < tools->count; i++) {
        if (mcpz_bytes_equal(tools->items[i].key.text, name.text)) {
            return &tools->items[i];
        }
    }
    return NULL;
}

/* Where the tasks are that it is about. */
static void listen_as_it_is(struct mcpz_asker *asker, const struct mcpz_envelope *request)
{
    struct mcpz_face_filter filter;

    if (!mcpz_face_own_filter(request, mcpz_bytes(NULL, 0), &filter)) {
        mcpz_face_error(asker, request->id, MCPZ_MCP_INTERNAL_ERROR, "out of memory", no_data);
        return;
    }
    mcpz_face_pass(asker, request,
                   (struct mcpz_face_order){.server = asker->request.server,
                                            .target = filter.has_node ? &filter.node : NULL,
                                            .splices = &filter.splice,
                                            .splice_count = filter.own.data != NULL ? 1 : 0});
    free(filter.own.data);
}

static void pass_as_it_is(struct mcpz_asker *asker, const struct mcpz_envelope *request)
{
    static const char *const repeatable[] = {
        "tools/list",
        "prompts/list",
        "prompts/get",
        "resources/list",
        "resources/read",
        "completion/complete",
        "resources/templates/list",
    };
    const struct mcpz_catalogue_server *server =
        mcpz_catalogue_server(&asker->face->catalogue, asker->request.server);
    const struct mcpz_catalogue_item *tool =
        server != NULL && mcpz_envelope_is(request, "tools/call")
            ? find_tool(server, request->name)
            : NULL;
    bool may_repeat = tool != NULL && tool->is_idempotent;

    if (!mcpz_face_check_params(asker, request, tool)) {
        return;
    }
    if (mcpz_envelope_is(request, "subscriptions/listen")) {
        listen_as_it_is(asker, request);
        return;
    }
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(repeatable); i++) {
        may_repeat = may_repeat || mcpz_envelope_is(request, repeatable[i]);
    }
    pass(asker, request, asker->request.server, as_it_is, may_repeat);
}

/* ---- By method ---------------------------------------------------------------------------- */

static void list_tools(struct mcpz_asker *asker, const struct mcpz_envelope *request)
{
    give_list(asker, request, MCPZ_CATALOGUE_TOOLS);
}

static void list_prompts(struct mcpz_asker *asker, const struct mcpz_envelope *request)
{
    give_list(asker, request, MCPZ_CATALOGUE_PROMPTS);
}

static void list_resources(struct mcpz_asker *asker, const struct mcpz_envelope *request)
{
    give_list(asker, request, MCPZ_CATALOGUE_RESOURCES);
}

static void list_templates(struct mcpz_asker *asker, const struct mcpz_envelope *request)
{
    give_list(asker, request, MCPZ_CATALOGUE_TEMPLATES);
}

static void call_tool(struct mcpz_asker *asker, const struct mcpz_envelope *request)
{
    route_name(asker, request, MCPZ_CATALOGUE_TOOLS);
}

static void get_prompt(struct mcpz_asker *asker, const struct mcpz_envelope *request)
{
    route_name(asker, request, MCPZ_CATALOGUE_PROMPTS);
}

static void reach_resource(struct mcpz_asker *asker, const struct mcpz_envelope *request)
{
    route_uri(asker, request, request->uri);
}

static void ping(struct mcpz_asker *asker, const struct mcpz_envelope *request)
{
    mcpz_face_result(asker, request->id, mcpz_text("{}"));
}

static void discover(struct mcpz_asker *asker, const struct mcpz_envelope *request)
{
    give(asker, request, mcpz_face_describe(asker->face, asker->request.server, MCPZ_FACE_MODERN));
}

static void find_no_method(struct mcpz_asker *asker, const struct mcpz_envelope *request)
{
    mcpz_face_error(asker, request->id, MCPZ_MCP_METHOD_NOT_FOUND, "Method not found", no_data);
}

enum { LEGACY = 1, MODERN = 2, HERE = 4 };

/* The first that fits counts. */
static const struct {
    const char *method;
    unsigned where; /* in which eras; HERE: also where one server is asked as it is */
    void (*take)(struct mcpz_asker *asker, const struct mcpz_envelope *request);
} methods[] = {
    {"ping", LEGACY | HERE, ping},
    {"logging/setLevel", LEGACY | HERE, set_level},
    {"server/discover", MODERN | HERE, discover},
    /* What the later revision has done away with; a server of before would still know it. */
    {"initialize", MODERN | HERE, find_no_method},
    {"ping", MODERN | HERE, find_no_method},
    {"logging/setLevel", MODERN | HERE, find_no_method},
    {"resources/subscribe", MODERN | HERE, find_no_method},
    {"resources/unsubscribe", MODERN | HERE, find_no_method},
    {"tools/list", LEGACY | MODERN, list_tools},
    {"tools/call", LEGACY | MODERN, call_tool},
    {"prompts/list", LEGACY | MODERN, list_prompts},
    {"prompts/get", LEGACY | MODERN, get_prompt},
    {"resources/list", LEGACY | MODERN, list_resources},
    {"resources/templates/list", LEGACY | MODERN, list_templates},
    {"resources/read", LEGACY | MODERN, reach_resource},
    {"resources/subscribe", LEGACY, reach_resource},
    {"resources/unsubscribe", LEGACY, reach_resource},
    {"completion/complete", LEGACY | MODERN, route_completion},
    {"subscriptions/listen", MODERN, subscribe},
    {"tasks/get", LEGACY | MODERN | HERE, mcpz_face_reach_task},
    {"tasks/result", LEGACY | HERE, mcpz_face_reach_task},
    {"tasks/list", LEGACY | HERE, mcpz_face_list_tasks},
    {"tasks/update", MODERN | HERE, mcpz_face_reach_task},
    {"tasks/cancel", LEGACY | MODERN | HERE, mcpz_face_reach_task},
};

void mcpz_face_take_request(struct mcpz_asker *asker, const struct mcpz_envelope *request)
{
    unsigned era = asker->is_modern ? MODERN : LEGACY;
    bool is_one = asker->request.server.length > 0;

    asker->face->stats.requests_total++;
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(methods); i++) {
        if ((methods[i].where & era) != 0 && (!is_one || (methods[i].where & HERE) != 0) &&
            mcpz_envelope_is(request, methods[i].method)) {
            methods[i].take(asker, request);
            return;
        }
    }
    if (is_one) {
        pass_as_it_is(asker, request);
    } else {
        route_other(asker, request);
    }
}
