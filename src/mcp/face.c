#include "mcp/face.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/log.h"
#include "mcp/face_internal.h"

#define JSON_TYPE "application/json"
#define STREAM_TYPE "text/event-stream"
#define LOOK_US MCPZ_SECONDS(5) /* between looks at what is over, while anything is */
#define TICK_US MCPZ_MS(250)
#define KEPT_AT_ONCE 256         /* names; the others when it is called next */
#define WAITING_BYTES_MAX 262144 /* of a stream that nobody reads */

static const struct mcpz_json no_id = {.type = MCPZ_JSON_NONE};
static const struct mcpz_bytes no_data = {.data = NULL};

/* ---- Time --------------------------------------------------------------------------------- */

static void wake_by(struct mcpz_face *face, mcpz_time at)
{
    if (at < face->wake) {
        face->wake = at;
        face->config.wake_at(face->config.context, at);
    }
}

/* ---- Answers ------------------------------------------------------------------------------ */

void mcpz_face_answer(struct mcpz_asker *asker, const struct mcpz_face_answer *said)
{
    assert(!asker->answered);

    asker->answered = true;
    asker->waits = false;
    asker->face->config.answer(asker->face->config.context, asker->owner, said);
}

static const char *new_session(const struct mcpz_asker *asker)
{
    return asker->begins_session && asker->session != NULL ? asker->session->id : NULL;
}

/* The status of an answer that is no stream. */
static unsigned status_of(const struct mcpz_asker *asker, int64_t code)
{
    switch (code) {
    case MCPZ_MCP_METHOD_NOT_FOUND:
        return asker->is_modern ? 404 : 200;
    case MCPZ_MCP_HEADER_MISMATCH:
    case MCPZ_MCP_CAPABILITY_MISSING:
    case MCPZ_MCP_VERSION_UNSUPPORTED:
        return asker->is_modern ? 400 : 200;
    default:
        return 200;
    }
}

void mcpz_face_answer_text(struct mcpz_asker *asker, unsigned status, struct mcpz_bytes text)
{
    const struct mcpz_face_answer said = {
        .status = status,
        .content_type = text.length > 0 ? JSON_TYPE : NULL,
        .session = new_session(asker),
        .body = text,
    };

    mcpz_face_answer(asker, &said);
}

void mcpz_face_refuse(struct mcpz_asker *asker, unsigned status, struct mcpz_json id,
                      enum mcpz_mcp_code code, const char *message, struct mcpz_bytes data)
{
    uint8_t error[4096 + MCPZ_MCP_ID_BYTES_MAX];
    struct mcpz_json_writer writer = mcpz_json_writer(error, sizeof(error));

    mcpz_envelope_put_error(&writer, id, code, mcpz_text(message), data);
    assert(writer.error == MCPZ_OK);
    mcpz_face_answer_text(asker, status, mcpz_bytes(error, writer.length));
}

/* ---- Streams ------------------------------------------------------------------------------ */

/* Does its client know how to go on where a stream broke off, and the events that help with it? */
static bool can_resume(const struct mcpz_session *session)
{
    return session != NULL && strcmp(session->version, "2025-11-25") >= 0;
}

static void adopt_calls(struct mcpz_asker *asker)
{
    for (struct mcpz_face_call *call = asker->face->calls; call != NULL; call = call->next) {
        if (call->asker == asker) {
            call->flow = asker->flow;
        }
    }
}

void mcpz_face_begin_stream(struct mcpz_asker *asker)
{
    const struct mcpz_face_answer said = {.status = 200,
                                          .content_type = STREAM_TYPE,
                                          .session = new_session(asker),
                                          .streams = true};

    asker->spoke_at = mcpz_face_now(asker->face);
    mcpz_face_answer(asker, &said);
}

bool mcpz_face_stream(struct mcpz_asker *asker)
{
    if (asker->flow != NULL) {
        return true;
    }
    struct mcpz_face_flow *flow = mcpz_session_flow(asker->session);
    bool can_poll = can_resume(asker->session) && asker->prefers_stream;
    if (flow == NULL || (can_resume(asker->session) &&
                         mcpz_flow_prime(&flow->flow, can_poll ? MCPZ_FLOW_POLL_MS
                                                               : MCPZ_FLOW_RETRY_MS) != MCPZ_OK)) {
        if (flow != NULL && flow->session != NULL) {
            mcpz_session_drop_flow(flow->session, flow);
        } else {
            free(flow);
        }
        mcpz_face_refuse(asker, 500, no_id, MCPZ_MCP_INTERNAL_ERROR, "out of memory", no_data);
        return false;
    }
    flow->asker = asker;
    flow->left = asker->left;
    flow->may_poll = can_poll;
    asker->flow = flow;
    adopt_calls(asker);
    mcpz_face_begin_stream(asker);
    return true;
}

static void tell_more(struct mcpz_face_flow *flow)
{
    if (flow->asker != NULL) {
        const struct mcpz_face_config *config = &flow->asker->face->config;
        config->more(config->context, flow->asker->owner);
    }
}

bool mcpz_face_say(struct mcpz_face_flow *flow, const struct mcpz_bytes *parts, size_t count)
{
    bool is_kept =
        flow->asker != NULL || !flow->is_standing || flow->flow.waiting_bytes < WAITING_BYTES_MAX;

    if (flow->flow.ended || !is_kept || mcpz_flow_add(&flow->flow, parts, count) != MCPZ_OK) {
        return false;
    }
    tell_more(flow);
    return true;
}

void mcpz_face_settle(struct mcpz_face_flow *flow)
{
    if (flow->left > 0) {
        flow->left--;
    }
    if (flow->left == 0 && !flow->is_standing) {
        flow->flow.ended = true;
        tell_more(flow);
    }
}

void mcpz_face_respond(struct mcpz_asker *asker, const struct mcpz_bytes *parts, size_t count,
                       int64_t code)
{
    if (asker->left > 0) {
        asker->left--;
    }
    if (asker->flow != NULL) {
        (void)mcpz_face_say(asker->flow, parts, count);
        mcpz_face_settle(asker->flow);
    } else {
        assert(count == 1);
        mcpz_face_answer_text(asker, status_of(asker, code), parts[0]);
    }
}

struct response {
    struct mcpz_json id;
    struct mcpz_bytes result;
};

static void put_result(struct mcpz_json_writer *writer, const void *context)
{
    const struct response *response = context;
    mcpz_envelope_put_result(writer, response->id, response->result);
}

static void respond_text(struct mcpz_asker *asker, struct mcpz_face_text text, int64_t code)
{
    const struct mcpz_bytes whole = mcpz_bytes(text.data, text.length);

    if (text.data == NULL) {
        mcpz_face_error(asker, no_id, MCPZ_MCP_INTERNAL_ERROR, "out of memory", no_data);
        return;
    }
    mcpz_face_respond(asker, &whole, 1, code);
    free(text.data);
}

void mcpz_face_result(struct mcpz_asker *asker, struct mcpz_json id, struct mcpz_bytes result)
{
    const struct response response = {.id = id, .result = result};

    respond_text(asker, mcpz_face_write(put_result, &response), 0);
}

void mcpz_face_error(struct mcpz_asker *asker, struct mcpz_json id, enum mcpz_mcp_code code,
                     const char *message, struct mcpz_bytes data)
{
    uint8_t small[2048 + MCPZ_MCP_ID_BYTES_MAX];
    struct mcpz_json_writer writer = mcpz_json_writer(small, sizeof(small));

    mcpz_envelope_put_error(&writer, id, code, mcpz_text(message), data);
    if (writer.error != MCPZ_OK) { /* what it is about is too long to be said again */
        writer = mcpz_json_writer(small, sizeof(small));
        mcpz_envelope_put_error(&writer, id, code, mcpz_text(message), no_data);
    }
    assert(writer.error == MCPZ_OK);
    const struct mcpz_bytes whole = mcpz_bytes(small, writer.length);
    mcpz_face_respond(asker, &whole, 1, code);
}

static void take(struct mcpz_asker *asker)
{
    asker->waits = false;
    mcpz_face_take(asker);
    if (asker->waits) {
        wake_by(asker->face, asker->asked_at + MCPZ_FACE_CATALOGUE_US);
        return;
    }
    /* Whoever waits is looked after by the clock. */
    bool is_steady = asker->answered && (asker->flow == NULL || !asker->flow->may_poll);
    wake_by(asker->face, asker->asked_at + (is_steady ? TICK_US : MCPZ_FACE_STREAM_US));
}

/* ---- The catalogue ------------------------------------------------------------------------ */

static void offer(void *context, struct mcpz_bytes name)
{
    mcpz_catalogue_offer((struct mcpz_catalogue *)context, name);
}

static bool is_anything_over(const struct mcpz_catalogue *catalogue)
{
    for (size_t i = 0; i < catalogue->server_count; i++) {
        if (catalogue->servers[i]->gone_at != MCPZ_TIME_NEVER) {
            return true;
        }
    }
    return false;
}

/* See who offers what, if that may have changed. */
static void look(struct mcpz_face *face, mcpz_time now)
{
    struct mcpz_catalogue *catalogue = &face->catalogue;

    if (!face->looks && now < face->look_at) {
        return;
    }
    face->looks = false;
    mcpz_catalogue_begin(catalogue);
    face->config.capabilities(face->config.context, offer, catalogue);
    /* A description may be named before what it describes. */
    face->config.capabilities(face->config.context, offer, catalogue);
    mcpz_catalogue_end(catalogue, now);
    face->look_at = is_anything_over(catalogue) ? now + LOOK_US : MCPZ_TIME_NEVER;
    face->stats.servers = catalogue->server_count;
}

static void fetch(struct mcpz_face *face, mcpz_time now)
{
    const struct mcpz_catalogue_server *server;

    while ((server = mcpz_catalogue_wanted(&face->catalogue, now)) != NULL) {
        const struct mcpz_face_order order = {.kind = MCPZ_FACE_ABOUT,
                                              .server = mcpz_text(server->name),
                                              .hash = mcpz_text(server->offered)};
        if (mcpz_face_call(face, &order) == NULL) {
            mcpz_catalogue_failed(&face->catalogue, mcpz_text(server->name), now);
        }
    }
}

static bool misses_server(const struct mcpz_asker *asker)
{
    struct mcpz_bytes server = asker->request.server;

    return server.length > 0 && mcpz_catalogue_server(&asker->face->catalogue, server) == NULL;
}

/* Must it wait, lest it is told of less than there is? */
static bool must_wait(const struct mcpz_asker *asker, mcpz_time now)
{
    const struct mcpz_face *face = asker->face;

    return now - asker->asked_at < MCPZ_FACE_CATALOGUE_US &&
           (!face->is_ready || asker->misses || misses_server(asker)) &&
           mcpz_catalogue_is_waiting(&face->catalogue);
}

bool mcpz_face_waits_for(struct mcpz_asker *asker)
{
    struct mcpz_face *face = asker->face;
    mcpz_time now = mcpz_face_now(face);

    if (!asker->may_wait) {
        return false;
    }
    face->looks = true; /* it may have come since */
    look(face, now);
    fetch(face, now);
    asker->misses = true;
    asker->waits = must_wait(asker, now);
    return asker->waits;
}

static void take_those_that_waited(struct mcpz_face *face, mcpz_time now)
{
    struct mcpz_asker *next;

    face->is_ready = face->is_ready || !mcpz_catalogue_is_waiting(&face->catalogue) ||
                     now - face->made_at >= MCPZ_FACE_CATALOGUE_US;
    if (face->is_ready) {
        mcpz_catalogue_name(&face->catalogue);
    }
    for (struct mcpz_asker *asker = face->askers; asker != NULL; asker = next) {
        next = asker->next;
        if (asker->waits && !must_wait(asker, now)) {
            take(asker);
        }
    }
}

/* ---- Names that are kept ------------------------------------------------------------------ */

static const char *const kept_prefixes[MCPZ_CATALOGUE_KINDS] = {
    [MCPZ_CATALOGUE_TOOLS] = "tool:",
    [MCPZ_CATALOGUE_PROMPTS] = "prompt:",
};

static void keep_names(struct mcpz_face *face)
{
    char name[MCPZ_SHOWN_CHARS_MAX + sizeof("prompt:")];
    enum mcpz_catalogue_kind kind = MCPZ_CATALOGUE_TOOLS;
    const char *shown = NULL;
    const char *server = NULL;

    if (face->config.keep_name == NULL) {
        return;
    }
    for (size_t i = 0;
         i < KEPT_AT_ONCE && mcpz_catalogue_next_unkept(&face->catalogue, &kind, &shown, &server);
         i++) {
        (void)snprintf(name, sizeof(name), "%s%s", kept_prefixes[kind], shown);
        face->config.keep_name(face->config.context, name, server);
    }
}

void mcpz_face_pin(struct mcpz_face *face, struct mcpz_bytes name, struct mcpz_bytes server)
{
    for (size_t kind = 0; kind < MCPZ_CATALOGUE_KINDS; kind++) {
        size_t length = kept_prefixes[kind] != NULL ? strlen(kept_prefixes[kind]) : SIZE_MAX;
        if (name.length > length && memcmp(name.data, kept_prefixes[kind], length) == 0) {
            mcpz_catalogue_pin(&face->catalogue, (enum mcpz_catalogue_kind)kind,
                               mcpz_bytes(name.data + length, name.length - length), server);
        }
    }
    face->config.later(face->config.context);
}

bool mcpz_face_call_by(struct mcpz_face *face, const struct mcpz_mcp_names *names)
{
    bool is_news = mcpz_catalogue_call(&face->catalogue, names);

    if (is_news) {
        face->config.later(face->config.context);
    }
    return is_news;
}

static void tell_left_out(struct mcpz_face *face)
{
    const char *server = NULL;
    struct mcpz_bytes item;

    while (mcpz_catalogue_next_left_out(&face->catalogue, &server, &item)) {
        mcpz_log(MCPZ_LOG_WARN, "mcp", "left out of /mcp: its name is another's",
                 "server=%s name=%.*s", server, (int)item.length, (const char *)item.data);
    }
}

/* ---- News --------------------------------------------------------------------------------- */

static const char *const changes[MCPZ_CATALOGUE_KINDS] = {
    [MCPZ_CATALOGUE_TOOLS] = "notifications/tools/list_changed",
    [MCPZ_CATALOGUE_PROMPTS] = "notifications/prompts/list_changed",
    [MCPZ_CATALOGUE_RESOURCES] = "notifications/resources/list_changed",
    [MCPZ_CATALOGUE_TEMPLATES] = "notifications/resources/list_changed",
};

static void say_change(struct mcpz_face_flow *flow, size_t kind, struct mcpz_bytes subscription)
{
    const struct mcpz_bytes parts[] = {
        mcpz_text("{\"jsonrpc\":\"2.0\",\"method\":\""),
        mcpz_text(changes[kind]),
        mcpz_text(subscription.length > 0
                      ? "\",\"params\":{\"_meta\":{\"io.modelcontextprotocol/subscriptionId\":"
                      : "\"}"),
        subscription,
        mcpz_text(subscription.length > 0 ? "}}}" : ""),
    };

    (void)mcpz_face_say(flow, parts, MCPZ_ARRAY_LEN(parts)); /* or it asks again anyway */
}

static void announce_to_session(struct mcpz_face *face, struct mcpz_session *session)
{
    const struct mcpz_catalogue_server *server =
        session->server[0] != '\0'
            ? mcpz_catalogue_server(&face->catalogue, mcpz_text(session->server))
            : NULL;
    bool is_other = server != NULL && strcmp(server->hash, session->seen_hash) != 0;

    if (session->standing == NULL || session->standing->asker == NULL) {
        return;
    }
    for (size_t kind = 0; kind < MCPZ_CATALOGUE_KINDS; kind++) {
        bool is_new = session->server[0] == '\0'
                          ? session->seen[kind] != face->catalogue.versions[kind]
                          : is_other && server->lists[kind].count > 0;
        if (is_new) {
            say_change(session->standing, kind, no_data);
        }
        session->seen[kind] = face->catalogue.versions[kind];
    }
    if (server != NULL) {
        memcpy(session->seen_hash, server->hash, sizeof(session->seen_hash));
    }
}

static void announce_to_subscriber(struct mcpz_asker *asker)
{
    const struct mcpz_catalogue *catalogue = &asker->face->catalogue;

    asker->wants[MCPZ_CATALOGUE_TEMPLATES] = false; /* told with the resources */
    for (size_t kind = 0; kind < MCPZ_CATALOGUE_KINDS; kind++) {
        if (asker->wants[kind] && asker->seen[kind] != catalogue->versions[kind]) {
            say_change(asker->flow, kind, asker->envelope.id.text);
        }
        asker->seen[kind] = catalogue->versions[kind];
    }
    mcpz_face_subscribe(asker);
}

static void announce(struct mcpz_face *face)
{
    for (struct mcpz_session *session = face->oldest; session != NULL; session = session->newer) {
        announce_to_session(face, session);
        mcpz_face_listen(face, session);
    }
    for (struct mcpz_asker *asker = face->askers; asker != NULL; asker = asker->next) {
        if (asker->listens && asker->flow != NULL) {
            announce_to_subscriber(asker);
        }
    }
}

/* ---- Turning ------------------------------------------------------------------------------ */

/*
 * A call that takes a while, on a stream whose client would rather have a stream than an answer:
 * let it come back for the rest, as the protocol has it, so that it need not hold the connection.
 *
 * Source: SEP-1699.
 */
static void send_away(struct mcpz_asker *asker)
{
    struct mcpz_face_flow *flow = asker->flow;

    flow->may_poll = false;
    if (flow->flow.last_seq == 1 && mcpz_flow_is_sent(&flow->flow)) {
        flow->asker = NULL;
        asker->flow = NULL;
        asker->face->config.more(asker->face->config.context, asker->owner);
    }
}

static void look_after_asker(struct mcpz_asker *asker, mcpz_time now)
{
    mcpz_time patience = asker->is_modern ? MCPZ_FACE_COMMENT_US : MCPZ_FACE_STREAM_US;

    if (asker->flow != NULL && asker->flow->may_poll &&
        now - asker->asked_at >= MCPZ_FACE_STREAM_US) {
        send_away(asker);
    }
    if (asker->flow != NULL && now - asker->spoke_at >= MCPZ_FACE_COMMENT_US) {
        asker->spoke_at = now;
        mcpz_flow_comment(&asker->flow->flow);
        tell_more(asker->flow);
    }
    if (!asker->answered && !asker->waits) {
        if (now - asker->asked_at >= patience) {
            bool stands = mcpz_face_stream(asker);
            (void)stands; /* or it was told that there is no memory */
        } else {
            wake_by(asker->face, asker->asked_at + patience);
        }
    }
}

static struct mcpz_face_call *find_abandoned(const struct mcpz_face *face, mcpz_time now)
{
    struct mcpz_face_call *call = face->calls;

    while (call != NULL && (call->abandoned_at == MCPZ_TIME_NEVER ||
                            now - call->abandoned_at < MCPZ_FACE_ABANDONED_US)) {
        call = call->next;
    }
    return call;
}

/* Nobody came back for what they would say. */
static void drop_abandoned(struct mcpz_face *face, mcpz_time now)
{
    struct mcpz_face_call *call;

    while ((call = find_abandoned(face, now)) != NULL) {
        if (call->flow != NULL) {
            mcpz_face_settle(call->flow);
        }
        mcpz_face_drop(call);
    }
}

/* Has the catalogue, since it was told of last? */
static bool has_changed(struct mcpz_face *face)
{
    uint32_t sum = 0;

    for (size_t kind = 0; kind < MCPZ_CATALOGUE_KINDS; kind++) {
        sum += face->catalogue.versions[kind]; /* they only grow */
    }
    bool is_new = sum != face->announced;
    face->announced = sum;
    return is_new;
}

void mcpz_face_work(struct mcpz_face *face)
{
    mcpz_time now = mcpz_face_now(face);

    mcpz_lines_work(face->lines);
    look(face, now);
    fetch(face, now);
    take_those_that_waited(face, now);
    keep_names(face);
    tell_left_out(face);
    if (has_changed(face)) {
        announce(face);
    }
}

void mcpz_face_tick(struct mcpz_face *face)
{
    mcpz_time now = mcpz_face_now(face);
    struct mcpz_asker *next;

    face->wake = MCPZ_TIME_NEVER;
    mcpz_face_work(face);
    for (struct mcpz_asker *asker = face->askers; asker != NULL; asker = next) {
        next = asker->next;
        look_after_asker(asker, now);
    }
    if (now >= face->announce_at) { /* thousands of sessions: not for every request's sake */
        face->announce_at = now + TICK_US;
        announce(face);
    }
    drop_abandoned(face, now);
    mcpz_session_expire(face, now);
    wake_by(face, now + (face->askers != NULL ? TICK_US : 4 * TICK_US));
}

void mcpz_face_hear(struct mcpz_face *face)
{
    face->looks = true;
    face->config.later(face->config.context);
}

/* ---- Askers ------------------------------------------------------------------------------- */

struct mcpz_bytes mcpz_face_headers(const struct mcpz_face *face, uint32_t *version)
{
    *version = face->catalogue.params_version;
    return mcpz_bytes(face->catalogue.params, face->catalogue.params_length);
}

mcpz_error mcpz_face_ask(struct mcpz_face *face, const struct mcpz_face_request *request,
                         void *owner, struct mcpz_asker **asker)
{
    mcpz_time now = mcpz_face_now(face);

    if (face->stats.askers == MCPZ_FACE_ASKERS_MAX) {
        return MCPZ_EFULL;
    }
    struct mcpz_asker *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    *made = (struct mcpz_asker){
        .face = face, .request = *request, .owner = owner, .asked_at = now, .next = face->askers};
    if (face->askers != NULL) {
        face->askers->previous = made;
    }
    face->askers = made;
    face->stats.askers++;
    *asker = made;
    face->looks = face->looks || misses_server(made);
    look(face, now);
    fetch(face, now);
    made->waits = must_wait(made, now);
    if (!made->waits) {
        take(made);
    } else {
        wake_by(face, now + MCPZ_FACE_CATALOGUE_US);
    }
    return MCPZ_OK;
}

size_t mcpz_face_pull(struct mcpz_asker *asker, uint8_t *out, size_t capacity, bool *ended)
{
    struct mcpz_face_flow *flow = asker->flow;

    if (flow == NULL) {
        *ended = true; /* its session is over, or another one reads on */
        return 0;
    }
    size_t length = mcpz_flow_pull(&flow->flow, out, capacity);
    if (length > 0) {
        asker->spoke_at = mcpz_face_now(asker->face);
    }
    if (flow->is_full && flow->flow.waiting_bytes < MCPZ_FLOW_WAITING_BYTES_LOW) {
        mcpz_face_unpause(asker->face, flow);
    }
    *ended = flow->flow.ended && mcpz_flow_is_sent(&flow->flow);
    return length;
}

static struct mcpz_face_call *find_call_of(const struct mcpz_asker *asker)
{
    struct mcpz_face_call *call = asker->face->calls;

    while (call != NULL && call->asker != asker) {
        call = call->next;
    }
    return call;
}

/* Without a session whoever hangs up has cancelled. */
static void cancel_calls(struct mcpz_asker *asker)
{
    struct mcpz_face_call *call;

    while ((call = find_call_of(asker)) != NULL) {
        mcpz_face_drop(call);
    }
}

/* With one, its calls go on: it may come back for what they say. */
static void leave_calls(struct mcpz_asker *asker)
{
    mcpz_time now = mcpz_face_now(asker->face);

    for (struct mcpz_face_call *call = asker->face->calls; call != NULL; call = call->next) {
        if (call->asker == asker || (asker->flow != NULL && call->flow == asker->flow)) {
            call->asker = NULL;
            call->abandoned_at = now;
        }
    }
}

void mcpz_face_close(struct mcpz_asker *asker)
{
    struct mcpz_face *face = asker->face;

    if (asker->session == NULL) {
        cancel_calls(asker);
    } else {
        leave_calls(asker);
        asker->session->asker_count--;
        mcpz_session_touch(face, asker->session);
    }
    if (asker->flow != NULL) {
        asker->flow->asker = NULL;
        if (asker->flow->session == NULL) {
            mcpz_flow_finish(&asker->flow->flow);
            free(asker->flow);
        } else if (asker->flow->is_standing) {
            mcpz_face_listen(face, asker->flow->session); /* nobody hears it now */
        }
    }
    *(asker->previous != NULL ? &asker->previous->next : &face->askers) = asker->next;
    if (asker->next != NULL) {
        asker->next->previous = asker->previous;
    }
    face->stats.askers--;
    free(asker);
}

/* ---- The face's life ---------------------------------------------------------------------- */

mcpz_error mcpz_face_create(const struct mcpz_face_config *config, struct mcpz_face **face)
{
    struct mcpz_face *made = calloc(1, sizeof(*made));

    *face = NULL;
    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    made->config = *config;
    made->looks = true;
    made->look_at = MCPZ_TIME_NEVER;
    made->wake = MCPZ_TIME_NEVER;
    made->made_at = mcpz_face_now(made);
    mcpz_catalogue_init(&made->catalogue);
    const struct mcpz_lines_config lines = {
        .desk = config->desk, .context = config->context, .later = config->later};
    mcpz_error error = mcpz_lines_create(&lines, &made->lines);
    if (error != MCPZ_OK) {
        free(made);
        return error;
    }
    *face = made;
    return MCPZ_OK;
}

void mcpz_face_destroy(struct mcpz_face *face)
{
    if (face == NULL) {
        return;
    }
    assert(face->askers == NULL);
    while (face->oldest != NULL) {
        mcpz_session_end(face, face->oldest);
    }
    while (face->calls != NULL) {
        mcpz_face_drop(face->calls);
    }
    mcpz_lines_destroy(face->lines);
    mcpz_catalogue_finish(&face->catalogue);
    free(face);
}

struct mcpz_face_stats mcpz_face_stats(const struct mcpz_face *face)
{
    return face->stats;
}
