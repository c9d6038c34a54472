/* What a request says in its headers and around its message: whose it is, and of which era. */

#include <string.h>

#include "mcp/face_internal.h"

#define JSON_TYPE "application/json"
#define STREAM_TYPE "text/event-stream"

static const struct mcpz_json no_id = {.type = MCPZ_JSON_NONE};
static const struct mcpz_bytes no_data = {.data = NULL};

static void refuse_plainly(struct mcpz_asker *asker, unsigned status, const char *message)
{
    mcpz_face_refuse(asker, status, no_id, MCPZ_MCP_UNREACHABLE, message, no_data);
}

/* ---- What HTTP says ----------------------------------------------------------------------- */

static bool is_there(struct mcpz_bytes header)
{
    return header.data != NULL;
}

static bool is_modern_version(struct mcpz_bytes version)
{
    return version.length > 0 && mcpz_bytes_compare(version, mcpz_text(MCPZ_FACE_MODERN)) >= 0;
}

/* The version as we know it; NULL: none that a session can have. */
static const char *legacy_version(struct mcpz_bytes version)
{
    static const char *const versions[] = {"2024-11-05", "2025-03-26", "2025-06-18",
                                           MCPZ_FACE_LEGACY};

    for (size_t i = 0; i < MCPZ_ARRAY_LEN(versions); i++) {
        if (mcpz_bytes_equal(version, mcpz_text(versions[i]))) {
            return versions[i];
        }
    }
    return NULL;
}

/* Where the list names the word; its length: nowhere. */
static size_t place_in(struct mcpz_bytes list, const char *word)
{
    size_t length = strlen(word);
    size_t i = 0;

    while (i + length <= list.length && memcmp(list.data + i, word, length) != 0) {
        i++;
    }
    return i + length <= list.length ? i : list.length;
}

static bool names(struct mcpz_bytes list, const char *word)
{
    return place_in(list, word) < list.length;
}

/* "application/json, text/event-stream"; what is not said, or all, is both. */
static bool accepts(struct mcpz_bytes accept, const char *type)
{
    return !is_there(accept) || names(accept, type) || names(accept, "*/*");
}

/* Who names streams before answers gets one at once; clients that take both alike name them last.
 */
static bool prefers_stream(struct mcpz_bytes accept)
{
    return place_in(accept, STREAM_TYPE) < place_in(accept, JSON_TYPE);
}

/* The session that the request names. NULL: it was refused. */
static struct mcpz_session *find_session(struct mcpz_asker *asker)
{
    const struct mcpz_face_request *request = &asker->request;

    if (asker->session != NULL) {
        return asker->session; /* it has waited, and is taken in again */
    }
    if (!is_there(request->session)) {
        refuse_plainly(asker, 400,
                       "Bad Request: the header Mcp-Session-Id is missing; a session "
                       "begins with initialize");
        return NULL;
    }
    struct mcpz_session *session = mcpz_session_find(asker->face, request->session);
    if (session == NULL || !mcpz_bytes_equal(mcpz_text(session->server), request->server) ||
        !mcpz_bytes_equal(mcpz_text(session->principal), request->principal) ||
        !mcpz_bytes_equal(mcpz_text(session->tenant), request->tenant)) {
        mcpz_face_refuse(asker, 404, no_id, MCPZ_MCP_SESSION_UNKNOWN,
                         "Session not found: it was ended, has expired, or is another path's "
                         "or client's",
                         no_data);
        return NULL;
    }
    if (is_there(request->version) && legacy_version(request->version) == NULL) {
        refuse_plainly(asker, 400,
                       "Bad Request: MCP-Protocol-Version is none that a session can "
                       "have: 2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25");
        return NULL;
    }
    asker->session = session;
    session->asker_count++;
    mcpz_session_touch(asker->face, session);
    return session;
}

/* ---- GET, DELETE -------------------------------------------------------------------------- */

static void refuse_verb(struct mcpz_asker *asker)
{
    const struct mcpz_face_answer said = {.status = 405, .allow = "POST"};
    mcpz_face_answer(asker, &said);
}

/* Whoever has read it so far reads it no longer. */
static void take_over(struct mcpz_asker *asker, struct mcpz_face_flow *flow)
{
    struct mcpz_asker *before = flow->asker;

    flow->asker = asker;
    asker->flow = flow;
    if (before != NULL) {
        before->flow = NULL;
        asker->face->config.more(asker->face->config.context, before->owner);
    }
    for (struct mcpz_face_call *call = asker->face->calls; call != NULL; call = call->next) {
        if (call->flow == flow) {
            call->abandoned_at = MCPZ_TIME_NEVER;
        }
    }
}

/* The stream the client has lost, from where it was lost; NULL: it is not known. */
static struct mcpz_face_flow *find_lost(const struct mcpz_asker *asker)
{
    uint32_t number = 0;
    uint64_t seq = 0;

    if (!is_there(asker->request.last_event) ||
        !mcpz_flow_read_id(asker->request.last_event, &number, &seq)) {
        return NULL;
    }
    struct mcpz_face_flow *flow = mcpz_session_find_flow(asker->session, number);
    if (flow != NULL) {
        mcpz_flow_rewind(&flow->flow, seq);
    }
    return flow;
}

static void take_get(struct mcpz_asker *asker)
{
    struct mcpz_session *session = find_session(asker);

    if (session == NULL) {
        return;
    }
    if (!accepts(asker->request.accept, STREAM_TYPE)) {
        refuse_plainly(asker, 406, "Not Acceptable: the client must accept text/event-stream");
        return;
    }
    struct mcpz_face_flow *flow = find_lost(asker);
    if (flow == NULL && session->standing == NULL) {
        session->standing = mcpz_session_flow(session);
        if (session->standing != NULL) {
            session->standing->is_standing = true;
        }
    }
    if (flow == NULL) {
        flow = session->standing;
    }
    if (flow == NULL) {
        mcpz_face_refuse(asker, 500, no_id, MCPZ_MCP_INTERNAL_ERROR, "out of memory", no_data);
        return;
    }
    take_over(asker, flow);
    mcpz_face_begin_stream(asker);
    if (mcpz_flow_is_sent(&flow->flow)) {
        mcpz_flow_comment(&flow->flow); /* so that it is seen that the stream stands */
    }
    mcpz_face_listen(asker->face, session);
}

static void take_delete(struct mcpz_asker *asker)
{
    struct mcpz_session *session = find_session(asker);

    if (session != NULL) {
        asker->session = NULL;
        mcpz_session_end(asker->face, session);
        mcpz_face_answer_text(asker, 204, no_data);
    }
}

/* ---- POST: legacy ------------------------------------------------------------------------- */

static void begin_session(struct mcpz_asker *asker, const struct mcpz_envelope *request)
{
    struct mcpz_bytes wanted = request->protocol.type == MCPZ_JSON_STRING
                                   ? mcpz_json_raw(request->protocol)
                                   : mcpz_bytes(NULL, 0);
    const char *version = legacy_version(wanted);

    if (request->params.type != MCPZ_JSON_OBJECT || wanted.length == 0) {
        mcpz_face_error(asker, request->id, MCPZ_MCP_INVALID_PARAMS,
                        "initialize needs a protocolVersion, capabilities and clientInfo",
                        no_data);
        return;
    }
    if (request->params.text.length > MCPZ_FACE_CLIENT_BYTES_MAX) {
        mcpz_face_error(asker, request->id, MCPZ_MCP_INVALID_PARAMS,
                        "the client says more than 30000 bytes about itself", no_data);
        return;
    }
    asker->session =
        mcpz_session_make(asker, version != NULL ? version : MCPZ_FACE_LEGACY, request);
    if (asker->session == NULL) {
        mcpz_face_refuse(asker, 503, request->id, MCPZ_MCP_UNREACHABLE,
                         "too many sessions are in use at this node: try again in a minute",
                         no_data);
        return;
    }
    asker->session->asker_count++;
    asker->begins_session = true;
    mcpz_face_initialize(asker, request);
}

/* A message that is no request. */
static void take_word(struct mcpz_asker *asker, const struct mcpz_envelope *said)
{
    struct mcpz_face *face = asker->face;

    if (said->kind != MCPZ_ENVELOPE_NOTIFICATION) {
        (void)mcpz_face_take_answer(face, asker->session, said); /* or its call is over */
    } else if (mcpz_envelope_is(said, "notifications/cancelled")) {
        mcpz_face_cancel(face, asker->session, said->request_id);
    } else if (!mcpz_envelope_is(said, "notifications/initialized")) {
        mcpz_face_tell_servers(face, asker->session, said);
    }
}

static void take_legacy(struct mcpz_asker *asker, const struct mcpz_envelope *said)
{
    if (mcpz_envelope_is(said, "initialize") && said->kind == MCPZ_ENVELOPE_REQUEST &&
        !is_there(asker->request.session)) {
        asker->left = 1;
        begin_session(asker, said);
        return;
    }
    if (find_session(asker) == NULL) {
        return;
    }
    if (said->kind == MCPZ_ENVELOPE_REQUEST) {
        asker->left = 1;
        asker->may_wait = true;
        asker->prefers_stream = prefers_stream(asker->request.accept);
        if (!asker->prefers_stream || mcpz_face_stream(asker)) {
            mcpz_face_take_request(asker, said);
        }
    } else {
        take_word(asker, said);
        mcpz_face_answer_text(asker, 202, no_data);
    }
}

/* Each element is a message. Only 2025-03-26 has batches over HTTP. */
static void take_batch(struct mcpz_asker *asker, struct mcpz_json batch)
{
    struct mcpz_json_walk walk = mcpz_json_walk(batch);
    struct mcpz_json element;
    struct mcpz_envelope said;
    size_t count = 0;

    if (find_session(asker) == NULL) {
        return;
    }
    while (mcpz_json_next_element(&walk, &element)) {
        count++;
        asker->left +=
            mcpz_envelope_take(element, &said) != MCPZ_OK || said.kind == MCPZ_ENVELOPE_REQUEST;
    }
    if (strcmp(asker->session->version, "2025-03-26") != 0 || count == 0 ||
        count > MCPZ_FACE_BATCH_MAX) {
        mcpz_face_refuse(asker, 400, no_id, MCPZ_MCP_INVALID_REQUEST,
                         "Invalid request: only 2025-03-26 has batches, and of 1 to 64 messages",
                         no_data);
        return;
    }
    bool has_requests = asker->left > 0;
    if (has_requests && !mcpz_face_stream(asker)) {
        return;
    }
    walk = mcpz_json_walk(batch);
    while (mcpz_json_next_element(&walk, &element)) {
        mcpz_error error = mcpz_envelope_take(element, &said);
        if (error != MCPZ_OK) {
            mcpz_face_error(asker, said.id, mcpz_envelope_code_of(error),
                            mcpz_envelope_text_of(error), no_data);
        } else if (said.kind == MCPZ_ENVELOPE_REQUEST) {
            mcpz_face_take_request(asker, &said);
        } else {
            take_word(asker, &said);
        }
    }
    if (!has_requests) {
        mcpz_face_answer_text(asker, 202, no_data);
    }
}

/* ---- POST: modern ------------------------------------------------------------------------- */

static void take_modern(struct mcpz_asker *asker, const struct mcpz_envelope *said)
{
    asker->is_modern = true;
    if (said->kind != MCPZ_ENVELOPE_REQUEST) {
        mcpz_face_answer_text(asker, 202, no_data); /* there is nothing that it could be about */
        return;
    }
    if (mcpz_face_check_modern(asker, said)) {
        asker->left = 1;
        asker->may_wait = true;
        mcpz_face_take_request(asker, said);
    }
}

/* ---- POST --------------------------------------------------------------------------------- */

static bool is_batch(struct mcpz_bytes body)
{
    size_t i = 0;

    while (i < body.length && (body.data[i] == ' ' || body.data[i] == '\n' ||
                               body.data[i] == '\r' || body.data[i] == '\t')) {
        i++;
    }
    return i < body.length && body.data[i] == '[';
}

static void refuse_message(struct mcpz_asker *asker, struct mcpz_json id, mcpz_error error)
{
    mcpz_face_refuse(asker, 400, id, mcpz_envelope_code_of(error), mcpz_envelope_text_of(error),
                     no_data);
}

static void take_body(struct mcpz_asker *asker)
{
    const struct mcpz_bytes body = asker->request.body;
    struct mcpz_envelope said;

    if (is_batch(body) && !is_modern_version(asker->request.version)) {
        mcpz_error error = mcpz_json_check(body, MCPZ_JSON_GRAMMAR);
        if (error != MCPZ_OK) {
            refuse_message(asker, no_id, error);
        } else {
            take_batch(asker, mcpz_json_value(body));
        }
        return;
    }
    mcpz_error error = mcpz_envelope_read(body, &said);
    if (error != MCPZ_OK) {
        refuse_message(asker, said.id, error);
    } else if (said.version.type == MCPZ_JSON_STRING ||
               is_modern_version(asker->request.version)) {
        take_modern(asker, &said);
    } else {
        take_legacy(asker, &said);
    }
}

/* Is there a server of that name, or are all there that we wait for? False: it was refused. */
static bool finds_its_server(struct mcpz_asker *asker)
{
    struct mcpz_bytes server = asker->request.server;

    /* Whoever has a session may still be told that its server is gone. */
    if (server.length == 0 || is_there(asker->request.session) ||
        mcpz_catalogue_server(&asker->face->catalogue, server) != NULL) {
        return true;
    }
    refuse_plainly(asker, 404, "there is no MCP server of that name in the mesh");
    return false;
}

static void take_post(struct mcpz_asker *asker)
{
    const struct mcpz_face_request *request = &asker->request;

    if (!finds_its_server(asker)) {
        return;
    }
    if (!names(request->content_type, JSON_TYPE)) {
        refuse_plainly(asker, 415,
                       "Unsupported Media Type: Content-Type must be "
                       "application/json");
    } else if (!accepts(request->accept, JSON_TYPE) || !accepts(request->accept, STREAM_TYPE)) {
        refuse_plainly(asker, 406,
                       "Not Acceptable: the client must accept both application/json "
                       "and text/event-stream");
    } else {
        take_body(asker);
    }
}

void mcpz_face_take(struct mcpz_asker *asker)
{
    bool is_modern = is_modern_version(asker->request.version);

    if (asker->request.verb == MCPZ_FACE_POST) {
        take_post(asker);
    } else if (is_modern) {
        refuse_verb(asker);
    } else if (asker->request.verb == MCPZ_FACE_GET) {
        take_get(asker);
    } else {
        take_delete(asker);
    }
}
