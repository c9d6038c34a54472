/*
 * /mcp and /mcp/NAME: the face of the mesh's MCP servers (mcp/face.h), over HTTP.
 *
 * Their exchanges lie apart from those of the API: there may be many, most of them streams that
 * say little. The face is made when the first one comes.
 */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/identity.h"
#include "http/exchange.h"
#include "mcp/face.h"

#define MCP_PATH "/mcp"

bool mcpz_api_is_mcp(struct mcpz_bytes path)
{
    size_t length = strlen(MCP_PATH);

    return path.length >= length && memcmp(path.data, MCP_PATH, length) == 0 &&
           (path.length == length || path.data[length] == '/');
}

struct mcpz_bytes mcpz_api_mcp_headers(const struct mcpz_api *api, uint32_t *version)
{
    *version = 0;
    return api->face != NULL ? mcpz_face_headers(api->face, version) : mcpz_bytes(NULL, 0);
}

/* ---- The face's ports --------------------------------------------------------------------- */

static mcpz_time now(void *context)
{
    const struct mcpz_api *api = (const struct mcpz_api *)context;
    return mcpz_api_now(api);
}

static void random_bytes(void *context, uint8_t *bytes, size_t length)
{
    (void)context;
    mcpz_random(bytes, length);
}

static void later(void *context)
{
    struct mcpz_api *api = (struct mcpz_api *)context;

    api->face_has_work = true;
    mcpz_api_stir(api);
}

static void wake_at(void *context, mcpz_time at_us)
{
    const struct mcpz_api *api = (const struct mcpz_api *)context;
    api->ports.wake_at(api->ports.context, at_us);
}

static void walk_capabilities(void *context,
                              void (*visit)(void *visit_context, struct mcpz_bytes name),
                              void *visit_context)
{
    const struct mcpz_api *api = (const struct mcpz_api *)context;
    const struct mcpz_registry *registry = &mcpz_engine_node(mcpz_api_engine(api))->registry;

    for (size_t i = 0; i < registry->offer_count; i++) {
        if (registry->offerers[registry->offers[i].offerer].up) {
            visit(visit_context, mcpz_text(registry->offers[i].name));
        }
    }
}

static void keep_name(void *context, const char *name, const char *server)
{
    struct mcpz_api *api = (struct mcpz_api *)context;

    mcpz_name_book_keep(&api->names, mcpz_api_engine(api), mcpz_api_wall_ms(api), name, server);
}

/* How they are called: as the configuration says, then as was kept. */
static void read_names(struct mcpz_api *api)
{
    if (api->ports.mcp_names != NULL &&
        mcpz_face_call_by(api->face, api->ports.mcp_names(api->ports.context))) {
        mcpz_name_book_again(&api->names);
    }
    mcpz_name_book_read(&api->names, mcpz_api_engine(api), api->face);
}

static void take_answer(void *context, void *owner, const struct mcpz_face_answer *answer)
{
    struct mcpz_exchange *exchange = (struct mcpz_exchange *)owner;
    struct mcpz_response *response = &exchange->response;

    (void)context;
    response->allow = answer->allow;
    if (answer->status == 405) { /* about which JSON-RPC has nothing to say */
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "2026-07-28 has neither sessions nor streams of their own: only %s is "
                           "taken",
                           answer->allow);
        response->status = 405;
        return;
    }
    response->streams = answer->streams;
    if (answer->session != NULL) {
        mcpz_bytes_to_text(mcpz_text(answer->session), response->session,
                           sizeof(response->session));
    }
    mcpz_body_append(&response->body, answer->body);
    mcpz_exchange_send(exchange, answer->status, answer->content_type);
}

static void tell_more(void *context, void *owner)
{
    const struct mcpz_api *api = (const struct mcpz_api *)context;
    struct mcpz_exchange *exchange = (struct mcpz_exchange *)owner;

    api->ports.answered(api->ports.context, exchange->owner);
}

static bool make_face(struct mcpz_api *api)
{
    const struct mcpz_face_config config = {
        .desk = api->ports.desk,
        .context = api,
        .now = now,
        .random = random_bytes,
        .later = later,
        .wake_at = wake_at,
        .capabilities = walk_capabilities,
        .keep_name = keep_name,
        .answer = take_answer,
        .more = tell_more,
    };

    if (api->face == NULL &&
        (config.desk == NULL || mcpz_face_create(&config, &api->face) != MCPZ_OK)) {
        return false;
    }
    read_names(api);
    return true;
}

/* ---- Exchanges ---------------------------------------------------------------------------- */

mcpz_error mcpz_api_open_apart(struct mcpz_api *api, void *owner, struct mcpz_exchange **exchange)
{
    if (api->apart_count == MCPZ_MCP_EXCHANGES_MAX) {
        return MCPZ_EFULL;
    }
    struct mcpz_exchange *made = (struct mcpz_exchange *)calloc(1, sizeof(*made));
    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    *made = (struct mcpz_exchange){.api = api,
                                   .owner = owner,
                                   .open = true,
                                   .is_apart = true,
                                   .deadline_us = MCPZ_TIME_NEVER};
    mcpz_body_init(&made->input, api->directory);
    mcpz_body_init(&made->response.body, api->directory);
    made->response.body.memory_max = MCPZ_MCP_BODY_BYTES_MAX;
    api->apart_count++;
    *exchange = made;
    return MCPZ_OK;
}

static void finish_asker(struct mcpz_exchange *exchange)
{
    if (exchange->state != NULL) {
        mcpz_face_close((struct mcpz_asker *)exchange->state);
    }
}

static size_t pull_asker(struct mcpz_exchange *exchange, uint8_t *out, size_t capacity)
{
    return mcpz_face_pull((struct mcpz_asker *)exchange->state, out, capacity,
                          &exchange->response.ended);
}

static const struct mcpz_exchange_kind asker_kind = {.finish = finish_asker, .pull = pull_asker};

/* ---- Requests ----------------------------------------------------------------------------- */

static bool read_verb(enum mcpz_method method, enum mcpz_face_verb *verb)
{
    switch (method) {
    case MCPZ_GET:
        *verb = MCPZ_FACE_GET;
        return true;
    case MCPZ_POST:
        *verb = MCPZ_FACE_POST;
        return true;
    case MCPZ_DELETE:
        *verb = MCPZ_FACE_DELETE;
        return true;
    case MCPZ_METHOD_OTHER:
        break;
    }
    return false;
}

/* "/mcp/NAME" -> "NAME"; "/mcp" and "/mcp/" -> "". */
static struct mcpz_bytes server_of(struct mcpz_bytes path)
{
    size_t skip = strlen(MCP_PATH) + 1;

    return path.length > skip ? mcpz_bytes(path.data + skip, path.length - skip)
                              : mcpz_bytes(path.data, 0);
}

/*
 * Does a node of this mesh ask, to host what it is told? Then it would host its own mesh, and that
 * once more within it, and so on.
 */
static bool comes_from_here(const struct mcpz_api *api, struct mcpz_bytes via)
{
    const struct mcpz_members *members = &mcpz_engine_node(mcpz_api_engine(api))->fabric.members;
    struct mcpz_id id;

    return via.length > 0 && mcpz_id_from_text(via, 'n', &id) == MCPZ_OK &&
           (mcpz_id_equal(&id, &mcpz_members_self(members)->id) ||
            mcpz_members_find(members, &id) != NULL);
}

void mcpz_api_mcp(struct mcpz_exchange *exchange, const struct mcpz_request *request)
{
    struct mcpz_api *api = exchange->api;
    struct mcpz_face_request asked = {
        .server = server_of(request->path),
        .body = mcpz_body_in_memory(&exchange->input),
        .accept = mcpz_request_header(request, "accept"),
        .content_type = mcpz_request_header(request, "content-type"),
        .session = mcpz_request_header(request, "mcp-session-id"),
        .version = mcpz_request_header(request, "mcp-protocol-version"),
        .method = mcpz_request_header(request, "mcp-method"),
        .name = mcpz_request_header(request, "mcp-name"),
        .last_event = mcpz_request_header(request, "last-event-id"),
        .traceparent = mcpz_request_header(request, "traceparent"),
        .hosts = mcpz_request_header(request, "mcpz-via").length > 0,
        .headers = request->headers,
        .params_version = request->params_version,
        .principal = request->principal,
        .tenant = mcpz_text(exchange->tenant),
    };
    struct mcpz_asker *asker = NULL;

    if (exchange->input.error != MCPZ_OK) {
        mcpz_exchange_fail_error(exchange, exchange->input.error,
                                 "the request's body could not be kept");
        return;
    }
    if (!read_verb(request->method, &asked.verb)) {
        exchange->response.allow = "GET, POST, DELETE, OPTIONS";
        mcpz_exchange_fail(exchange, MCPZ_CODE_BAD_REQUEST,
                           "/mcp can only be asked with GET, POST, DELETE and OPTIONS");
        exchange->response.status = 405;
        return;
    }
    if (comes_from_here(api, mcpz_request_header(request, "mcpz-via"))) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_CONFLICT,
                           "a node of this mesh would host what the mesh has already");
        exchange->response.status = 508;
        return;
    }
    if (!make_face(api) || mcpz_face_ask(api->face, &asked, exchange, &asker) != MCPZ_OK) {
        mcpz_exchange_fail(exchange, MCPZ_CODE_BUSY,
                           "too many clients of MCP are served by this "
                           "node at once");
        return;
    }
    exchange->kind = &asker_kind;
    exchange->state = asker;
}

/* ---- Turning ------------------------------------------------------------------------------ */

void mcpz_api_mcp_work(struct mcpz_api *api)
{
    if (api->face != NULL && api->face_has_work) {
        api->face_has_work = false;
        mcpz_face_work(api->face);
    }
}

void mcpz_api_mcp_tick(struct mcpz_api *api)
{
    if (api->face == NULL) {
        return;
    }
    read_names(api);
    const struct mcpz_node *node = mcpz_engine_node(mcpz_api_engine(api));
    uint32_t digest = mcpz_registry_digest(&node->registry);

    mcpz_face_leave(api->face, node->drain.state != MCPZ_DRAIN_NONE);
    if (digest != api->registry_digest) {
        api->registry_digest = digest;
        mcpz_face_hear(api->face);
    }
}

void mcpz_api_wake(struct mcpz_api *api)
{
    if (api->face != NULL) {
        mcpz_face_tick(api->face);
    }
}
