/* What a remote server answers, and what becomes of it. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "host/log.h"
#include "mcp/remote_internal.h"

#define SNIPPET_BYTES 160

static mcpz_time now_of(const struct mcpz_remote *remote)
{
    return remote->ports.now(remote->ports.context);
}

void mcpz_trip_forget(struct mcpz_trip *trip)
{
    mcpz_own_finish(&trip->heard);
    mcpz_sse_finish(&trip->sse);
}

/* ---- Words -------------------------------------------------------------------------------- */

/* What could mislead who reads a log is left out, and so are runs of space. */
static void put_clean(struct mcpz_bytes bytes, char *text, size_t capacity)
{
    size_t length = 0;

    for (size_t i = 0; i < bytes.length && length + 1 < capacity; i++) {
        const bool is_plain = bytes.data[i] > ' ' && bytes.data[i] <= '~';
        if (is_plain) {
            text[length++] = (char)(bytes.data[i] == '"' ? '\'' : bytes.data[i]);
        } else if (length > 0 && text[length - 1] != ' ') {
            text[length++] = ' ';
        }
    }
    text[length] = '\0';
}

/* What an error's body says, if that is short and plain: JSON of several habits, or text. */
static void read_excuse(const struct mcpz_trip *trip, char text[SNIPPET_BYTES])
{
    const struct mcpz_bytes body = mcpz_own_bytes(&trip->heard);
    char said[512] = "";

    text[0] = '\0';
    if (body.length == 0 || mcpz_json_check(body, MCPZ_JSON_GRAMMAR) != MCPZ_OK) {
        const bool is_page = body.length > 0 && memchr(body.data, '<', body.length) != NULL;
        put_clean(is_page ? mcpz_text("(a page of HTML)") : body, text, SNIPPET_BYTES);
        return;
    }
    static const char *const members[] = {"error_description", "message", "error", "detail"};
    const struct mcpz_json whole = mcpz_json_value(body);
    for (size_t i = 0; i < MCPZ_ARRAY_LEN(members) && said[0] == '\0'; i++) {
        const struct mcpz_json value = mcpz_member(whole, members[i]);
        (void)!mcpz_json_to_text(value.type == MCPZ_JSON_OBJECT ? mcpz_member(value, "message")
                                                                : value,
                                 said, sizeof(said));
    }
    put_clean(mcpz_text(said), text, SNIPPET_BYTES);
}

/* Why it was refused. */
static void tell_status(const struct mcpz_trip *trip, char why[MCPZ_REMOTE_WHY_BYTES])
{
    const unsigned status = trip->status;
    char excuse[SNIPPET_BYTES];
    char text[320] = "it refuses the request";

    read_excuse(trip, excuse);
    if (status == 401 || status == 403) {
        (void)snprintf(text, sizeof(text), "%s%s%.160s",
                       status == 401 ? "it wants other authorization: see `headers`"
                                     : "it does not allow that",
                       trip->hint[0] != '\0' ? "; WWW-Authenticate: " : "", trip->hint);
    } else if (status / 100 == 3) {
        (void)snprintf(text, sizeof(text),
                       "it redirects to %.160s, which is followed within the same host only: if "
                       "that is right, make it the url",
                       trip->hint[0] != '\0' ? trip->hint : "nowhere");
    } else if (status == 404 || status == 405) {
        (void)snprintf(text, sizeof(text), "there is no MCP server at that url%s",
                       trip->kind == MCPZ_TRIP_REQUEST ? " (Streamable HTTP)" : "");
    } else if (status == 413) {
        (void)snprintf(text, sizeof(text), "the request is too large for it");
    } else if (trip->retry_after_s > 0) {
        (void)snprintf(text, sizeof(text), "it asks to come back in %u s",
                       (unsigned)trip->retry_after_s);
    } else if (status == 429) {
        (void)snprintf(text, sizeof(text), "it is asked too often");
    } else if (status == 508) {
        (void)snprintf(text, sizeof(text), "it would go round without end");
    } else if (status >= 500) {
        (void)snprintf(text, sizeof(text), "it has a fault");
    }
    (void)snprintf(why, MCPZ_REMOTE_WHY_BYTES, "%u: %s%s%s", status, text,
                   excuse[0] != '\0' ? ": " : "", excuse);
}

/* ---- Messages ----------------------------------------------------------------------------- */

/* It has answered initialize, or server/discover. */
static void take_begun(struct mcpz_trip *trip, const struct mcpz_envelope *answer)
{
    struct mcpz_remote *remote = trip->remote;

    if (mcpz_envelope_is(&trip->message, "initialize")) {
        (void)!mcpz_json_to_text(mcpz_member(answer->result, "protocolVersion"), remote->version,
                                 sizeof(remote->version));
        remote->begun = true;
    } else if (mcpz_envelope_is(&trip->message, "server/discover")) {
        remote->begun = true;
    }
}

static bool is_answer_to(const struct mcpz_envelope *message, const struct mcpz_trip *trip)
{
    return (message->kind == MCPZ_ENVELOPE_RESPONSE || message->kind == MCPZ_ENVELOPE_ERROR) &&
           trip->message.id.type != MCPZ_JSON_NONE &&
           mcpz_bytes_equal(message->id.text, trip->message.id.text);
}

/* Hand on one message; the line is ours, and its line ends are space. */
static void tell(struct mcpz_trip *trip, struct mcpz_bytes line)
{
    const struct mcpz_remote *remote = trip->remote;
    const struct mcpz_bytes about =
        trip->kind == MCPZ_TRIP_REQUEST ? trip->message.id.text : mcpz_bytes(NULL, 0);

    if (!remote->asked && !remote->lost) {
        remote->listener.on_line(remote->listener.context, line, about);
    }
}

/* A message that came in this transfer. */
static void take_message(struct mcpz_trip *trip, const struct mcpz_envelope *message)
{
    if (is_answer_to(message, trip)) {
        trip->answered = true;
        if (message->kind == MCPZ_ENVELOPE_RESPONSE) {
            take_begun(trip, message);
        }
        if (trip->kind == MCPZ_TRIP_PING) {
            return;
        }
    }
    tell(trip, message->whole.text);
}

/* Line ends between tokens are all that JSON can have of them. */
static void flatten(uint8_t *data, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (data[i] == '\n' || data[i] == '\r') {
            data[i] = ' ';
        }
    }
}

/* One message, or several: until 2025-03-26 they came in arrays, too. False: it is neither. */
static bool take_text(struct mcpz_trip *trip, uint8_t *data, size_t length)
{
    const struct mcpz_bytes text = mcpz_bytes(data, length);
    struct mcpz_envelope message;
    struct mcpz_json element;

    if (length > MCPZ_UPSTREAM_LINE_BYTES_MAX ||
        mcpz_json_check(text, MCPZ_JSON_GRAMMAR) != MCPZ_OK) {
        return false;
    }
    flatten(data, length);
    const struct mcpz_json value = mcpz_json_value(text);
    if (value.type != MCPZ_JSON_ARRAY) {
        if (mcpz_envelope_take(value, &message) != MCPZ_OK) {
            return false;
        }
        take_message(trip, &message);
        return true;
    }
    struct mcpz_json_walk walk = mcpz_json_walk(value);
    while (mcpz_json_next_element(&walk, &element)) {
        if (mcpz_envelope_take(element, &message) == MCPZ_OK) {
            take_message(trip, &message);
        }
    }
    return true;
}

/* ---- Answers that are errors -------------------------------------------------------------- */

/* A refusal that names no request is of the one that was refused. */
static bool put_id(struct mcpz_trip *trip, const struct mcpz_envelope *message)
{
    const struct mcpz_bytes id = trip->message.id.text;
    const size_t capacity = message->whole.text.length + id.length + 16;
    const struct mcpz_json said = mcpz_member(message->whole, "id"); /* null, if it is there */
    const bool is_empty = said.type == MCPZ_JSON_NONE;
    uint8_t *data = malloc(capacity);

    if (data == NULL) {
        return false;
    }
    struct mcpz_json_writer writer = mcpz_json_writer(data, capacity);
    const struct mcpz_bytes at = is_empty ? mcpz_splice_inside(message->whole) : said.text;
    const size_t before = (size_t)(at.data - message->whole.text.data);
    mcpz_json_put(&writer, mcpz_bytes(message->whole.text.data, before));
    mcpz_json_put_text(&writer, is_empty ? "\"id\":" : "");
    mcpz_json_put(&writer, id);
    mcpz_json_put_text(&writer, is_empty ? "," : "");
    mcpz_json_put(
        &writer, mcpz_bytes(at.data + at.length, message->whole.text.length - before - at.length));
    mcpz_own_finish(&trip->heard);
    trip->heard = (struct mcpz_own){.data = data, .length = writer.length};
    return writer.error == MCPZ_OK;
}

/* A request that was refused with a message in its own name, or in none. True: told. */
static bool take_refusal(struct mcpz_trip *trip)
{
    struct mcpz_envelope message;

    if (trip->heard.length == 0 ||
        mcpz_envelope_read(mcpz_own_bytes(&trip->heard), &message) != MCPZ_OK ||
        message.kind != MCPZ_ENVELOPE_ERROR) {
        return false;
    }
    if (message.id.type == MCPZ_JSON_NONE) {
        if (!put_id(trip, &message) ||
            mcpz_envelope_read(mcpz_own_bytes(&trip->heard), &message) != MCPZ_OK) {
            return false;
        }
    }
    if (!is_answer_to(&message, trip)) {
        return false;
    }
    flatten(trip->heard.data, trip->heard.length);
    take_message(trip, &message);
    mcpz_trip_end(trip);
    return true;
}

static void lose_by_status(struct mcpz_trip *trip)
{
    char why[MCPZ_REMOTE_WHY_BYTES];

    tell_status(trip, why);
    mcpz_remote_lose(trip->remote, why);
}

/*
 * The stream that belongs to no request need not be there. 404 may mean that the session is not,
 * or that nobody has thought of GET; 409 that the one before is thought to stand yet.
 */
static void refuse_stream(struct mcpz_trip *trip)
{
    const bool is_for_now = trip->status >= 500 || trip->status == 409 || trip->status == 429;

    if (is_for_now && trip->tries < MCPZ_REMOTE_RESUMES_MAX) {
        mcpz_trip_again(trip, MCPZ_REMOTE_RETRY_US);
        return;
    }
    mcpz_trip_end(trip);
    if (trip->status == 404) {
        mcpz_remote_ping(trip->remote);
    }
}

static void refuse_request(struct mcpz_trip *trip)
{
    struct mcpz_remote *remote = trip->remote;
    const bool is_busy = trip->status == 429 || trip->status == 503;
    char why[MCPZ_REMOTE_WHY_BYTES];

    if (is_busy && trip->retry_after_s > 0) {
        remote->ports.spare(remote->ports.context, trip->retry_after_s);
    }
    if (!take_refusal(trip)) {
        tell_status(trip, why);
        mcpz_trip_fail(trip, is_busy ? MCPZ_CODE_BUSY : MCPZ_CODE_PROVIDER_FAILED, why);
    }
    if (trip->status == 400 && remote->session[0] != '\0') {
        mcpz_remote_ping(remote); /* some say so that they have forgotten the session */
    }
}

/* All of an error was heard. */
static void take_error(struct mcpz_trip *trip)
{
    struct mcpz_remote *remote = trip->remote;
    const bool in_session = !trip->modern && remote->session[0] != '\0';

    if (trip->kind == MCPZ_TRIP_LEAVE) {
        mcpz_trip_end(trip); /* many servers know no DELETE */
    } else if (trip->status == 401) {
        lose_by_status(trip);
    } else if (trip->kind == MCPZ_TRIP_STREAM) {
        refuse_stream(trip);
    } else if (trip->status == 404 && in_session) {
        mcpz_remote_lose(remote, "it has forgotten the session (404)");
    } else if (trip->kind == MCPZ_TRIP_PING) {
        if (trip->status >= 500 || (in_session && trip->status == 400)) {
            lose_by_status(trip);
        }
        mcpz_trip_end(trip);
    } else if (trip->kind == MCPZ_TRIP_TELL) {
        mcpz_log(MCPZ_LOG_DEBUG, "mcp", "a notification was refused", "server=%s status=%u",
                 remote->name, trip->status);
        mcpz_trip_end(trip);
    } else {
        refuse_request(trip);
    }
}

/* ---- The end of a transfer ---------------------------------------------------------------- */

static mcpz_time retry_of(const struct mcpz_trip *trip)
{
    return trip->sse.retry_ms > 0 ? MCPZ_MS(1) * trip->sse.retry_ms : MCPZ_REMOTE_RETRY_US;
}

/* A stream is over, well or not: ask on where it broke. */
static void take_stream_end(struct mcpz_trip *trip, const char *why)
{
    char text[MCPZ_REMOTE_WHY_BYTES];

    if (trip->kind == MCPZ_TRIP_STREAM) {
        mcpz_trip_again(trip, retry_of(trip));
        return;
    }
    if (trip->answered || trip->cancelled || trip->kind != MCPZ_TRIP_REQUEST) {
        mcpz_trip_end(trip);
        return;
    }
    if (trip->listens ||
        (!trip->modern && trip->sse.last_id[0] != '\0' && trip->tries < MCPZ_REMOTE_RESUMES_MAX)) {
        trip->resumes = !trip->listens;
        trip->tries =
            why == NULL && trip->resumes ? 0 : trip->tries; /* it may want to be polled */
        mcpz_trip_again(trip, retry_of(trip));
        return;
    }
    (void)snprintf(text, sizeof(text), "the connection ended before the answer%s%.300s",
                   why != NULL ? ": " : "", why != NULL ? why : "");
    mcpz_trip_fail(trip, MCPZ_CODE_PROVIDER_LOST, text);
    mcpz_remote_ping(trip->remote);
}

static void take_json_end(struct mcpz_trip *trip)
{
    if (!take_text(trip, trip->heard.data, trip->heard.length)) {
        mcpz_trip_fail(trip, MCPZ_CODE_PROVIDER_FAILED,
                       trip->heard.length == 0 ? "it answered with nothing"
                                               : "it answered with what is no message of MCP");
        return;
    }
    if (!trip->answered) {
        mcpz_trip_fail(trip, MCPZ_CODE_PROVIDER_FAILED, "its answer is not to the request");
        return;
    }
    mcpz_trip_end(trip);
}

/* All of an answer that went well. */
static void take_whole(struct mcpz_trip *trip)
{
    char why[MCPZ_REMOTE_WHY_BYTES] = "it took the request and answered nothing";

    if (trip->kind != MCPZ_TRIP_REQUEST) {
        mcpz_trip_end(trip);
        return;
    }
    if (trip->answer == MCPZ_ANSWER_JSON) {
        take_json_end(trip);
        return;
    }
    if (trip->answer == MCPZ_ANSWER_OTHER) {
        (void)snprintf(
            why, sizeof(why),
            "it answered with %.100s instead of JSON: is the url that of an MCP server?",
            trip->hint);
    }
    mcpz_trip_fail(trip, MCPZ_CODE_PROVIDER_FAILED, why);
}

static void take_failure(struct mcpz_trip *trip, const char *why, bool reached)
{
    struct mcpz_remote *remote = trip->remote;
    char text[MCPZ_REMOTE_WHY_BYTES];

    if (!reached && trip->kind != MCPZ_TRIP_LEAVE) {
        (void)snprintf(text, sizeof(text), "cannot connect to %.200s: %.250s", remote->url, why);
        mcpz_remote_lose(remote, text);
        return;
    }
    if (trip->kind == MCPZ_TRIP_STREAM) {
        mcpz_trip_again(trip, MCPZ_REMOTE_RETRY_US);
        return;
    }
    if (trip->listens || (trip->resumes && trip->tries < MCPZ_REMOTE_RESUMES_MAX)) {
        mcpz_trip_again(trip, MCPZ_REMOTE_RETRY_US);
        return;
    }
    (void)snprintf(text, sizeof(text), "the connection broke before the answer: %.300s", why);
    if (trip->kind == MCPZ_TRIP_PING) {
        mcpz_remote_lose(remote, text);
        return;
    }
    mcpz_trip_fail(trip, MCPZ_CODE_PROVIDER_LOST, text);
    mcpz_remote_ping(remote); /* is it that connection, or all of it? */
}

/* ---- Transfers ---------------------------------------------------------------------------- */

static bool is_type(const char *content_type, const char *type)
{
    const size_t length = strlen(type);

    return strncasecmp(content_type, type, length) == 0 &&
           strchr("; \t", content_type[length]) != NULL;
}

static enum mcpz_answer_kind kind_of(const struct mcpz_remote_head *head)
{
    if (head->status < 200 || head->status > 299) {
        return MCPZ_ANSWER_ERROR;
    }
    if (is_type(head->content_type, "text/event-stream")) {
        return MCPZ_ANSWER_EVENTS;
    }
    if (is_type(head->content_type, "application/json")) {
        return MCPZ_ANSWER_JSON;
    }
    return head->content_type[0] == '\0' || head->status == 202 || head->status == 204
               ? MCPZ_ANSWER_EMPTY
               : MCPZ_ANSWER_OTHER;
}

/* Visible ASCII, and not too long to be said again. */
static void take_session(struct mcpz_remote *remote, const char *session)
{
    const size_t length = strlen(session);

    if (length > MCPZ_REMOTE_SESSION_BYTES_MAX) {
        mcpz_remote_lose(remote, "the name of its session is longer than 512 bytes");
        return;
    }
    for (size_t i = 0; i < length; i++) {
        if (session[i] <= ' ' || session[i] > '~') {
            mcpz_remote_lose(remote, "the name of its session is not visible ASCII");
            return;
        }
    }
    memcpy(remote->session, session, length + 1);
}

void mcpz_remote_head(struct mcpz_trip *trip, const struct mcpz_remote_head *head)
{
    struct mcpz_remote *remote = trip->remote;
    const char *hint = head->status == 401 || head->status == 403 ? head->authenticate
                       : head->status / 100 == 3                  ? head->location
                                                                  : head->content_type;

    if (trip->dead) {
        return;
    }
    mcpz_remote_enter(remote);
    remote->heard_us = now_of(remote);
    trip->status = head->status;
    trip->answer = kind_of(head);
    trip->retry_after_s = head->retry_after_s < MCPZ_REMOTE_RETRY_AFTER_S_MAX
                              ? head->retry_after_s
                              : MCPZ_REMOTE_RETRY_AFTER_S_MAX;
    put_clean(mcpz_text(hint), trip->hint, sizeof(trip->hint));
    mcpz_own_finish(&trip->heard);
    if (trip->answer != MCPZ_ANSWER_ERROR && head->session[0] != '\0' &&
        mcpz_envelope_is(&trip->message, "initialize")) {
        take_session(remote, head->session);
    }
    mcpz_remote_leave(remote);
}

static void take_events(struct mcpz_trip *trip, struct mcpz_bytes bytes)
{
    struct mcpz_sse_event event;

    while (!trip->dead && mcpz_sse_next(&trip->sse, &bytes, &event)) {
        trip->tries = 0;
        if (strcmp(event.name, "message") == 0 &&
            !take_text(trip, trip->sse.data.data, trip->sse.data.length)) {
            mcpz_log(MCPZ_LOG_DEBUG, "mcp", "a server said what is no message",
                     "server=%s bytes=%zu", trip->remote->name, event.data.length);
        }
        if (trip->answered && !trip->dead) {
            mcpz_trip_end(trip); /* what may come behind its response is for nobody */
        }
    }
    if (!trip->dead && trip->sse.error != MCPZ_OK) {
        mcpz_trip_fail(trip, MCPZ_CODE_TOO_LARGE, "it said more than 8 MiB in one message");
    }
}

void mcpz_remote_body(struct mcpz_trip *trip, struct mcpz_bytes bytes)
{
    struct mcpz_remote *remote = trip->remote;
    const bool is_json = trip->answer == MCPZ_ANSWER_JSON;
    const size_t most = is_json ? MCPZ_UPSTREAM_LINE_BYTES_MAX : MCPZ_REMOTE_EXCUSE_BYTES_MAX;

    if (trip->dead) {
        return;
    }
    mcpz_remote_enter(remote);
    remote->heard_us = now_of(remote);
    if (trip->answer == MCPZ_ANSWER_EVENTS) {
        take_events(trip, bytes);
    } else if (trip->heard.length + bytes.length <= most) {
        if (!mcpz_own_append(&trip->heard, bytes)) {
            mcpz_trip_fail(trip, MCPZ_CODE_BUSY, "no memory for its answer");
        }
    } else if (is_json) {
        mcpz_trip_fail(trip, MCPZ_CODE_TOO_LARGE, "it said more than 8 MiB in one message");
    }
    mcpz_remote_leave(remote);
}

/* An answer that breaks off is none, but for its events: they count as they come. */
static void take_end(struct mcpz_trip *trip, const char *why, bool reached)
{
    if (trip->answer == MCPZ_ANSWER_EVENTS) {
        take_stream_end(trip, why);
    } else if (why != NULL) {
        take_failure(trip, why, reached);
    } else if (trip->answer == MCPZ_ANSWER_ERROR) {
        take_error(trip);
    } else if (trip->resumes) {
        mcpz_trip_fail(trip, MCPZ_CODE_PROVIDER_LOST,
                       "the connection ended before the answer, and cannot be resumed");
    } else {
        take_whole(trip);
    }
}

void mcpz_remote_end(struct mcpz_trip *trip, const char *why, bool reached)
{
    struct mcpz_remote *remote = trip->remote;
    char words[MCPZ_REMOTE_WHY_BYTES]; /* a server may have a say in them: its certificate */

    trip->transfer = NULL;
    if (trip->dead) {
        return;
    }
    mcpz_remote_enter(remote);
    if (why != NULL) {
        put_clean(mcpz_text(why), words, sizeof(words));
        why = words;
    }
    const bool opens = why == NULL && trip->answer != MCPZ_ANSWER_ERROR &&
                       mcpz_envelope_is(&trip->message, "notifications/initialized");
    take_end(trip, why, reached);
    if (opens) {
        mcpz_remote_stream(remote);
    }
    if (!trip->dead) { /* it goes on: what was heard does not */
        trip->answer = MCPZ_ANSWER_NONE;
        mcpz_own_finish(&trip->heard);
        mcpz_sse_restart(&trip->sse);
    }
    mcpz_remote_leave(remote);
}
