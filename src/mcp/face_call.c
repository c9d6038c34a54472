/* Calls of the mesh that the face makes for its clients, and what comes of them. */

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mcp/face_internal.h"
#include "proto/code.h"
#include "proto/traceparent.h"

#define ATTEMPTS_MAX 3
#define PAUSE_BYTES 1048576 /* more than that waits for a client: the server is to wait too */
#define DATA_BYTES 512      /* of an error of the mesh */
#define PARKED "mcpz1."     /* a requestState of ours: "mcpz1." NODE "." ... */

static const struct mcpz_line_ports ports;

/* ---- What is said at its beginning -------------------------------------------------------- */

static const char *word_of(enum mcpz_face_call_kind kind)
{
    switch (kind) {
    case MCPZ_FACE_REQUEST:
    case MCPZ_FACE_SUBSCRIBE:
        return "request";
    case MCPZ_FACE_LISTEN:
        return "listen";
    case MCPZ_FACE_END:
        return "end";
    case MCPZ_FACE_ABOUT:
        break;
    }
    return "about";
}

static void put_or(struct mcpz_json_writer *writer, const char *name, struct mcpz_json value,
                   const char *otherwise)
{
    mcpz_json_put_text(writer, name);
    mcpz_json_put(writer, value.type != MCPZ_JSON_NONE ? value.text : mcpz_text(otherwise));
}

static void put_params(struct mcpz_json_writer *writer, const void *context)
{
    const struct mcpz_face_order *order = context;
    const struct mcpz_session *session = order->session;

    mcpz_json_put_text(writer, "{\"v\":1,\"kind\":\"");
    mcpz_json_put_text(writer, word_of(order->kind));
    if (session != NULL) {
        mcpz_json_put_text(writer, "\",\"era\":\"legacy\",\"version\":\"");
        mcpz_json_put_text(writer, session->version);
        mcpz_json_put_text(writer, "\",\"session\":\"");
        mcpz_json_put_text(writer, session->id);
        mcpz_json_put_text(writer, "\",\"client\":");
        mcpz_json_put_text(writer, session->client);
        mcpz_json_put_text(writer, ",\"level\":");
        mcpz_json_put_text(writer, session->level[0] != '\0' ? "\"" : "null");
        mcpz_json_put_text(writer, session->level);
        mcpz_json_put_text(writer, session->level[0] != '\0' ? "\"" : "");
    } else {
        mcpz_json_put_text(writer, "\",\"era\":\"modern\",\"version\":\"" MCPZ_FACE_MODERN
                                   "\",\"session\":null");
        if (order->request != NULL) {
            put_or(writer, ",\"client\":{\"capabilities\":", order->request->client_capabilities,
                   "{}");
            put_or(writer, ",\"clientInfo\":", order->request->client_info, "null");
            put_or(writer, "},\"level\":", order->request->log_level, "null");
        }
    }
    const struct mcpz_bytes principal = session != NULL        ? mcpz_text(session->principal)
                                        : order->asker != NULL ? order->asker->request.principal
                                                               : mcpz_bytes(NULL, 0);
    if (principal.length > 0) {
        mcpz_json_put_text(writer, ",\"principal\":");
        mcpz_json_put_string(writer, principal);
    }
    mcpz_json_put_text(writer, "}");
}

/* ---- Making and freeing ------------------------------------------------------------------- */

static void free_questions(struct mcpz_face_call *call)
{
    while (call->questions != NULL) {
        struct mcpz_face_question *question = call->questions;
        call->questions = question->next;
        free(question);
        if (call->session != NULL) {
            call->session->question_count--;
        }
    }
}

static void free_call(struct mcpz_face_call *call)
{
    struct mcpz_face *face = call->face;

    free_questions(call);
    *(call->previous != NULL ? &call->previous->next : &face->calls) = call->next;
    if (call->next != NULL) {
        call->next->previous = call->previous;
    }
    face->stats.calls--;
    free(call->id);
    free(call->params);
    free(call->line);
    free(call);
}

static bool copy_line(struct mcpz_face_call *call, const struct mcpz_face_order *order)
{
    const struct mcpz_bytes text = order->request->whole.text;
    struct mcpz_json_writer writer = mcpz_json_writer(NULL, 0);

    mcpz_splice(&writer, text, order->splices, order->splice_count);
    call->line = malloc(writer.length + 1);
    if (call->line == NULL) {
        return false;
    }
    writer = mcpz_json_writer(call->line, writer.length);
    mcpz_splice(&writer, text, order->splices, order->splice_count);
    call->line_length = writer.length;
    const struct mcpz_bytes id = order->request->id.text;
    call->id = malloc(id.length + 1);
    if (call->id != NULL && id.length > 0) {
        memcpy(call->id, id.data, id.length);
    }
    call->id_length = id.length;
    return call->id != NULL;
}

/* The node that keeps a parked call: its requestState says so. */
static void aim_at_parked(struct mcpz_face_call *call, const struct mcpz_envelope *request)
{
    size_t prefix = strlen(PARKED);

    if (request->request_state.type != MCPZ_JSON_STRING) {
        return;
    }
    struct mcpz_bytes raw = mcpz_json_raw(request->request_state);
    if (raw.length <= prefix || memcmp(raw.data, PARKED, prefix) != 0) {
        return;
    }
    const struct mcpz_bytes rest = mcpz_bytes(raw.data + prefix, raw.length - prefix);
    const uint8_t *dot = memchr(rest.data, '.', rest.length);
    call->has_target =
        dot != NULL && mcpz_id_from_text(mcpz_bytes(rest.data, (size_t)(dot - rest.data)), 'n',
                                         &call->target) == MCPZ_OK;
}

static void read_traceparent(struct mcpz_face_call *call, const struct mcpz_face_order *order)
{
    struct mcpz_bytes said = mcpz_bytes(NULL, 0);

    if (order->request != NULL && order->request->traceparent.type == MCPZ_JSON_STRING) {
        said = mcpz_json_raw(order->request->traceparent);
    } else if (order->asker != NULL) {
        said = order->asker->request.traceparent;
    }
    if (said.length > 0 && mcpz_traceparent_is_valid(said)) {
        mcpz_bytes_to_text(said, call->traceparent, sizeof(call->traceparent));
    }
}

/* What the face asks for itself, about a server, is nobody's. */
static void read_tenant(struct mcpz_face_call *call, const struct mcpz_face_order *order)
{
    if (order->session != NULL) {
        memcpy(call->tenant, order->session->tenant, sizeof(call->tenant));
    } else if (order->asker != NULL) {
        mcpz_bytes_to_text(order->asker->request.tenant, call->tenant, sizeof(call->tenant));
    }
}

static struct mcpz_face_call *make_call(struct mcpz_face *face,
                                        const struct mcpz_face_order *order)
{
    struct mcpz_face_call *call =
        face->stats.calls < MCPZ_FACE_CALLS_MAX ? calloc(1, sizeof(*call)) : NULL;

    if (call == NULL) {
        return NULL;
    }
    call->face = face;
    call->kind = order->kind;
    call->session = order->kind == MCPZ_FACE_END ? NULL : order->session;
    call->asker = order->asker;
    call->flow = order->asker != NULL ? order->asker->flow : NULL;
    call->is_modern = order->session == NULL;
    call->may_repeat = order->may_repeat;
    call->is_of_mesh = order->session != NULL
                           ? order->session->server[0] == '\0'
                           : order->asker != NULL && order->asker->request.server.length == 0;
    const struct mcpz_catalogue_server *known =
        mcpz_catalogue_server(&face->catalogue, order->server);
    call->goes_anywhere = call->is_modern || (known != NULL && known->is_stateless);
    call->lists_tasks = order->lists_tasks;
    mcpz_bytes_to_text(mcpz_text(order->next_lister != NULL ? order->next_lister : ""),
                       call->next_lister, sizeof(call->next_lister));
    call->abandoned_at = MCPZ_TIME_NEVER;
    mcpz_bytes_to_text(order->server, call->server, sizeof(call->server));
    mcpz_bytes_to_text(order->hash, call->hash, sizeof(call->hash));
    call->next = face->calls;
    if (face->calls != NULL) {
        face->calls->previous = call;
    }
    face->calls = call;
    face->stats.calls++;
    struct mcpz_face_text params = mcpz_face_write(put_params, order);
    call->params = (char *)params.data;
    if (params.data == NULL || params.length > MCPZ_PARAMS_BYTES_MAX ||
        (order->request != NULL && !copy_line(call, order))) {
        free_call(call);
        return NULL;
    }
    read_traceparent(call, order);
    read_tenant(call, order);
    if (order->request != NULL && call->is_modern) {
        aim_at_parked(call, order->request);
    }
    return call;
}

/* ---- Opening ------------------------------------------------------------------------------ */

static bool send_line(struct mcpz_face_call *call)
{
    const struct mcpz_bytes line = mcpz_bytes(call->line, call->line_length);

    return call->line == NULL || mcpz_line_send(call->stream, &line, 1) == MCPZ_OK;
}

/* Only a session's client may have more to say. */
bool mcpz_face_has_said_all(const struct mcpz_face_call *call)
{
    return call->is_modern || call->kind == MCPZ_FACE_END || call->kind == MCPZ_FACE_ABOUT;
}

/* False: no memory, or something is over its bound. */
static bool open_stream(struct mcpz_face_call *call)
{
    char capability[sizeof("mcp.about/") + MCPZ_SERVER_NAME_CHARS_MAX + 1 +
                    MCPZ_CATALOGUE_HASH_CHARS];
    bool is_about = call->kind == MCPZ_FACE_ABOUT;

    (void)snprintf(capability, sizeof(capability), is_about ? "mcp.about/%s/%s" : "mcp/%s%s",
                   call->server, is_about ? call->hash : "");
    const struct mcpz_line_call wanted = {
        .capability = mcpz_text(capability),
        .target = call->has_target ? &call->target : NULL,
        .params = is_about ? mcpz_bytes(NULL, 0) : mcpz_text(call->params),
        .timeout_ms = is_about ? 0 : MCPZ_CALL_TIMEOUT_MS_MAX,
        .priority = MCPZ_PRIORITY_DEFAULT,
        .tenant = mcpz_text(call->tenant),
        .traceparent = mcpz_text(call->traceparent),
        .idempotent = call->may_repeat || is_about,
        .ports = &ports,
        .context = call,
    };
    call->attempts++;
    if (mcpz_lines_open(call->face->lines, &wanted, &call->stream) != MCPZ_OK) {
        call->stream = NULL;
        return false;
    }
    if (!send_line(call)) {
        mcpz_line_cancel(call->stream);
        call->stream = NULL;
        return false;
    }
    if (mcpz_face_has_said_all(call)) {
        mcpz_line_finish(call->stream);
    }
    return true;
}

/* Also what a server without a state says of its own accord comes from one node only. */
static bool is_subscription(const struct mcpz_face_order *order)
{
    return order->kind == MCPZ_FACE_LISTEN ||
           (order->request != NULL && (mcpz_envelope_is(order->request, "resources/subscribe") ||
                                       mcpz_envelope_is(order->request, "resources/unsubscribe")));
}

static bool keeps_to_its_node(const struct mcpz_face *face, const struct mcpz_face_order *order)
{
    const struct mcpz_catalogue_server *known =
        mcpz_catalogue_server(&face->catalogue, order->server);
    return known == NULL || !known->is_stateless || is_subscription(order);
}

/* Where its session's calls to that server go. Waits if another one is just finding out. */
static bool begin_at_place(struct mcpz_face_call *call)
{
    struct mcpz_face_place *place = call->place;

    if (place->has_node) {
        call->has_target = true;
        call->target = place->node;
        return open_stream(call);
    }
    if (place->first != NULL) {
        return true;
    }
    place->first = call;
    if (!open_stream(call)) {
        place->first = NULL;
        return false;
    }
    return true;
}

struct mcpz_face_call *mcpz_face_call(struct mcpz_face *face, const struct mcpz_face_order *order)
{
    struct mcpz_face_call *call = make_call(face, order);
    bool is_good = call != NULL;

    if (is_good && order->target != NULL) {
        call->has_target = true;
        call->target = *order->target;
    } else if (is_good && order->session != NULL && keeps_to_its_node(face, order)) {
        call->place = mcpz_session_place(order->session, order->server);
        is_good = call->place != NULL;
    }
    if (is_good) {
        is_good = call->place != NULL ? begin_at_place(call) : open_stream(call);
    }
    if (!is_good && call != NULL) {
        free_call(call);
    }
    return is_good ? call : NULL;
}

/* ---- Finding the node --------------------------------------------------------------------- */

/* The next of those that wait begins; or all, if the node is known now. */
static void let_go(struct mcpz_face *face, struct mcpz_face_place *place)
{
    struct mcpz_face_call *next;

    for (struct mcpz_face_call *call = face->calls; call != NULL; call = next) {
        next = call->next;
        if (call->place == place && call->stream == NULL && !call->is_answered &&
            !begin_at_place(call)) {
            mcpz_face_fail(call, MCPZ_CODE_INTERNAL, "out of memory", 0);
            free_call(call);
        }
    }
}

static void leave_place(struct mcpz_face_call *call)
{
    struct mcpz_face_place *place = call->place;

    if (place == NULL) {
        return;
    }
    call->place = NULL;
    if (place->listen == call) {
        place->listen = NULL;
        place->listen_at = mcpz_face_now(call->face) + MCPZ_FACE_LISTEN_US;
    }
    if (place->first == call) {
        place->first = NULL;
        let_go(call->face, place);
    }
}

/* {"mcpz": {"node": "n-..."}}: who does it. */
static bool read_node(struct mcpz_face_call *call, struct mcpz_bytes line)
{
    static const char *const names[] = {"mcpz"};
    static const char *const inner_names[] = {"node"};
    struct mcpz_json outer;
    struct mcpz_json node;

    if (call->has_node || mcpz_json_check(line, MCPZ_JSON_GRAMMAR) != MCPZ_OK ||
        mcpz_json_pick(mcpz_json_value(line), names, 1, &outer) != MCPZ_OK ||
        mcpz_json_pick(outer, inner_names, 1, &node) != MCPZ_OK || node.type != MCPZ_JSON_STRING ||
        mcpz_id_from_text(mcpz_json_raw(node), 'n', &call->node) != MCPZ_OK) {
        return false;
    }
    call->has_node = true;
    struct mcpz_face_place *place = call->place;
    if (place != NULL && place->first == call) {
        place->first = NULL;
        place->has_node = true;
        place->node = call->node;
        let_go(call->face, place);
    }
    return true;
}

/* ---- Telling the client ------------------------------------------------------------------- */

static void pause_if_full(struct mcpz_face_call *call)
{
    if (call->flow != NULL && call->flow->flow.waiting_bytes > PAUSE_BYTES) {
        call->flow->is_full = true;
        mcpz_line_pause(call->stream, true);
    }
}

void mcpz_face_unpause(struct mcpz_face *face, struct mcpz_face_flow *flow)
{
    flow->is_full = false;
    for (struct mcpz_face_call *call = face->calls; call != NULL; call = call->next) {
        if (call->flow == flow && call->stream != NULL) {
            mcpz_line_pause(call->stream, false);
        }
    }
}

/* The stream on which it is told what comes before the response; NULL: nobody hears it. */
struct mcpz_face_flow *mcpz_face_flow_of(struct mcpz_face_call *call)
{
    if (call->kind == MCPZ_FACE_LISTEN) {
        return call->session->standing;
    }
    if (call->flow == NULL && call->asker != NULL && mcpz_face_stream(call->asker)) {
        call->flow = call->asker->flow;
    }
    return call->flow;
}

void mcpz_face_tell(struct mcpz_face_call *call, const struct mcpz_bytes *parts, size_t count)
{
    struct mcpz_face_flow *flow = mcpz_face_flow_of(call);

    if (flow != NULL && mcpz_face_say(flow, parts, count)) {
        pause_if_full(call);
    }
}

/* It has its response, or never will. */
static void detach(struct mcpz_face_call *call)
{
    free_questions(call);
    call->is_answered = true;
    call->asker = NULL;
    call->flow = NULL;
    call->session = NULL;
}

/* The response of the client's request: to its stream, or as the whole answer. */
static void respond(struct mcpz_face_call *call, const struct mcpz_bytes *parts, size_t count,
                    int64_t code)
{
    struct mcpz_face_flow *flow = call->flow;
    struct mcpz_asker *asker = call->asker;

    if (call->is_answered) {
        return;
    }
    detach(call);
    if (flow != NULL) {
        (void)mcpz_face_say(flow, parts, count);
        mcpz_face_settle(flow);
    } else if (asker != NULL) {
        mcpz_face_respond(asker, parts, count, code);
    }
}

struct failure {
    const struct mcpz_face_call *call;
    uint32_t code;
    uint32_t retry_after_ms;
};

static void put_failure(struct mcpz_json_writer *writer, const void *context)
{
    const struct failure *failure = context;
    char node[MCPZ_ID_TEXT_BYTES];

    mcpz_json_put_text(writer, "{\"code\":\"");
    mcpz_json_put_text(writer, mcpz_code_word(failure->code));
    mcpz_json_put_text(writer, "\",\"retryAfterMs\":");
    mcpz_json_put_integer(writer, failure->retry_after_ms);
    mcpz_json_put_text(writer, ",\"server\":");
    mcpz_json_put_string(writer, mcpz_text(failure->call->server));
    mcpz_json_put_text(writer, ",\"node\":");
    if (failure->call->has_node || failure->call->has_target) {
        mcpz_id_to_text(failure->call->has_node ? &failure->call->node : &failure->call->target,
                        'n', node);
        mcpz_json_put_string(writer, mcpz_text(node));
    } else {
        mcpz_json_put_text(writer, "null");
    }
    mcpz_json_put_text(writer, "}");
}

static const char *text_of(uint32_t code, const char *said)
{
    switch (code) {
    case MCPZ_CODE_NO_PROVIDER:
    case MCPZ_CODE_NOT_OFFERED:
        return "no node that can be reached hosts this MCP server now";
    case MCPZ_CODE_PROVIDER_LOST:
        return "the node that did it was lost before it answered: whether it was done is not "
               "known";
    default:
        return said[0] != '\0' ? said : "the call failed";
    }
}

/* An error of the mesh, as one of the protocol. */
void mcpz_face_fail(struct mcpz_face_call *call, uint32_t code, const char *text,
                    uint32_t retry_after_ms)
{
    const struct failure failure = {.call = call, .code = code, .retry_after_ms = retry_after_ms};
    char message[MCPZ_SERVER_NAME_CHARS_MAX + MCPZ_MESSAGE_BYTES_MAX + 32];
    char data[DATA_BYTES];
    uint8_t
        error[2 * DATA_BYTES + MCPZ_JSON_ESCAPED_BYTES(sizeof(message)) + MCPZ_MCP_ID_BYTES_MAX];

    if (call->is_answered || call->kind != MCPZ_FACE_REQUEST) {
        return;
    }
    (void)snprintf(message, sizeof(message), "MCP server %s: %s", call->server,
                   text_of(code, text));
    struct mcpz_json_writer writer = mcpz_json_writer(data, sizeof(data));
    put_failure(&writer, &failure);
    const struct mcpz_bytes why = mcpz_bytes(data, writer.length);
    writer = mcpz_json_writer(error, sizeof(error));
    mcpz_envelope_put_error(&writer,
                            (struct mcpz_json){.type = MCPZ_JSON_STRING,
                                               .text = mcpz_bytes(call->id, call->id_length)},
                            MCPZ_MCP_UNREACHABLE, mcpz_text(message), why);
    assert(writer.error == MCPZ_OK);
    const struct mcpz_bytes whole = mcpz_bytes(error, writer.length);
    respond(call, &whole, 1, MCPZ_MCP_UNREACHABLE);
}

/* ---- What comes --------------------------------------------------------------------------- */

static bool is_response_to(const struct mcpz_face_call *call, const struct mcpz_envelope *said)
{
    return (said->kind == MCPZ_ENVELOPE_RESPONSE || said->kind == MCPZ_ENVELOPE_ERROR) &&
           call->id != NULL &&
           mcpz_bytes_equal(said->id.text, mcpz_bytes(call->id, call->id_length));
}

static int64_t code_of(const struct mcpz_envelope *said)
{
    static const char *const names[] = {"code"};
    struct mcpz_json found;
    int64_t code = MCPZ_MCP_INTERNAL_ERROR;

    if (said->kind == MCPZ_ENVELOPE_RESPONSE) {
        return 0;
    }
    if (mcpz_json_pick(said->error, names, 1, &found) != MCPZ_OK ||
        !mcpz_json_integer(found, &code)) {
        code = MCPZ_MCP_INTERNAL_ERROR;
    }
    return code;
}

/* One server's part of a subscription: its acknowledgement and its end are ours to give. */
static bool is_ours_to_say(const struct mcpz_face_call *call, const struct mcpz_envelope *said)
{
    return call->kind == MCPZ_FACE_SUBSCRIBE &&
           (said->kind != MCPZ_ENVELOPE_NOTIFICATION ||
            mcpz_envelope_is(said, "notifications/subscriptions/acknowledged"));
}

static void take_message(struct mcpz_face_call *call, const struct mcpz_envelope *said)
{
    if (is_ours_to_say(call, said)) {
        return;
    }
    if (is_response_to(call, said)) {
        respond(call, &said->whole.text, 1, code_of(said));
        if (!mcpz_face_has_said_all(call)) {
            mcpz_line_finish(call->stream);
        }
    } else if (said->kind == MCPZ_ENVELOPE_REQUEST) {
        mcpz_face_ask_client(call, said);
    } else if (mcpz_envelope_is(said, "notifications/cancelled")) {
        mcpz_face_take_back(call, said);
    } else if (said->kind == MCPZ_ENVELOPE_NOTIFICATION) {
        mcpz_face_tell(call, &said->whole.text, 1);
    }
}

static void on_line(void *context, struct mcpz_line_stream *stream, struct mcpz_bytes line)
{
    struct mcpz_face_call *call = context;
    struct mcpz_face *face = call->face;
    struct mcpz_envelope said;

    (void)stream;
    if (call->is_answered || read_node(call, line)) {
        return;
    }
    call->has_spoken = true;
    if (call->kind == MCPZ_FACE_ABOUT) {
        call->is_answered = true;
        mcpz_error error = mcpz_catalogue_put(&face->catalogue, mcpz_text(call->server),
                                              mcpz_text(call->hash), line, mcpz_face_now(face));
        (void)error; /* what could not be used is asked for again */
        face->config.later(face->config.context);
        return;
    }
    struct mcpz_face_text shown = {.data = NULL};
    if (mcpz_envelope_read(line, &said) == MCPZ_OK && mcpz_face_show_tasks(call, &said, &shown)) {
        take_message(call, &said);
    }
    free(shown.data);
}

/* Can it be asked elsewhere, without anybody noticing? */
static bool repeat(struct mcpz_face_call *call, const struct mcpz_line_end *end)
{
    if (call->kind != MCPZ_FACE_REQUEST || call->is_answered || call->has_spoken ||
        !call->may_repeat || call->place != NULL || call->attempts >= ATTEMPTS_MAX ||
        !mcpz_code_is_retryable(end->code)) {
        return false;
    }
    call->has_target = false;
    call->has_node = false;
    return open_stream(call);
}

/* The node does not have it any more: the session's next call finds another. */
static void forget_node(struct mcpz_face_call *call, uint32_t code)
{
    if (call->place != NULL && (code == MCPZ_CODE_PROVIDER_LOST || code == MCPZ_CODE_NO_PROVIDER ||
                                code == MCPZ_CODE_NOT_OFFERED || code == MCPZ_CODE_DRAINING)) {
        call->place->has_node = false;
    }
}

static void on_end(void *context, struct mcpz_line_stream *stream, const struct mcpz_line_end *end)
{
    struct mcpz_face_call *call = context;
    char text[MCPZ_MESSAGE_BYTES_MAX + 1];

    (void)stream;
    call->stream = NULL;
    if (repeat(call, end)) {
        return;
    }
    forget_node(call, end->code);
    if (call->kind == MCPZ_FACE_ABOUT && !call->is_answered) {
        mcpz_catalogue_failed(&call->face->catalogue, mcpz_text(call->server),
                              mcpz_face_now(call->face));
    }
    mcpz_bytes_to_text(end->text, text, sizeof(text));
    mcpz_face_fail(call, end->code != MCPZ_CODE_OK ? end->code : MCPZ_CODE_INTERNAL,
                   end->code != MCPZ_CODE_OK ? text : "its host ended the call without an answer",
                   end->retry_after_ms);
    leave_place(call);
    free_call(call);
}

static const struct mcpz_line_ports ports = {.on_line = on_line, .on_end = on_end};

void mcpz_face_drop(struct mcpz_face_call *call)
{
    if (call->stream != NULL) {
        mcpz_line_cancel(call->stream);
        call->stream = NULL;
    }
    call->is_answered = true;
    leave_place(call);
    free_call(call);
}
