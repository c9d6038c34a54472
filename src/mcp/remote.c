#include "mcp/remote.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mcp/remote_internal.h"

#define ERROR_BYTES 4096

static mcpz_time now_of(const struct mcpz_remote *remote)
{
    return remote->ports.now(remote->ports.context);
}

/* ---- Requests of HTTP --------------------------------------------------------------------- */

static struct mcpz_trip *make(struct mcpz_remote *remote, enum mcpz_trip_kind kind)
{
    struct mcpz_trip *trip = calloc(1, sizeof(*trip));
    struct mcpz_trip **link = &remote->trips;

    if (trip == NULL) {
        return NULL;
    }
    trip->remote = remote;
    trip->kind = kind;
    trip->again_us = MCPZ_TIME_NEVER;
    trip->due_us = MCPZ_TIME_NEVER;
    mcpz_sse_init(&trip->sse);
    while (*link != NULL) {
        link = &(*link)->next;
    }
    *link = trip;
    remote->trip_count++;
    return trip;
}

static void hang_up(struct mcpz_trip *trip)
{
    if (trip->transfer != NULL) {
        trip->remote->ports.abort(trip->remote->ports.context, trip->transfer);
        trip->transfer = NULL;
    }
}

void mcpz_trip_end(struct mcpz_trip *trip)
{
    hang_up(trip);
    trip->dead = true;
    trip->waits = false;
    trip->failed = false;
    trip->first = false;
    trip->again_us = MCPZ_TIME_NEVER;
    trip->due_us = MCPZ_TIME_NEVER;
}

static void free_trip(struct mcpz_trip *trip)
{
    trip->remote->trip_count--;
    trip->remote->body_bytes -= trip->body.length;
    mcpz_own_finish(&trip->body);
    mcpz_own_finish(&trip->name);
    mcpz_own_finish(&trip->params);
    mcpz_trip_forget(trip);
    free(trip);
}

/* Tell its failure when we are called next: now, whoever asked may not be called. */
static void fail_later(struct mcpz_trip *trip, const char *why)
{
    hang_up(trip);
    trip->failed = true;
    trip->waits = false;
    trip->again_us = MCPZ_TIME_NEVER;
    (void)snprintf(trip->trouble, sizeof(trip->trouble), "%s", why);
}

/* May the server do it twice? */
static bool is_repeatable(const struct mcpz_trip *trip)
{
    return trip->kind != MCPZ_TRIP_REQUEST || !mcpz_envelope_is(&trip->message, "tools/call");
}

static void begin(struct mcpz_trip *trip)
{
    struct mcpz_remote *remote = trip->remote;
    const bool gets = trip->kind == MCPZ_TRIP_STREAM || trip->resumes;
    const char *version = remote->version;
    struct mcpz_remote_ask ask = {
        .verb = gets                            ? MCPZ_REMOTE_GET
                : trip->kind == MCPZ_TRIP_LEAVE ? MCPZ_REMOTE_DELETE
                                                : MCPZ_REMOTE_POST,
        .body = gets ? mcpz_bytes(NULL, 0) : mcpz_own_bytes(&trip->body),
        .repeatable = is_repeatable(trip),
    };

    if (trip->modern) {
        version = MCPZ_MCP_MODERN;
        ask.method = trip->method[0] != '\0' ? trip->method : NULL;
        ask.params = mcpz_own_bytes(&trip->params);
        ask.name = trip->name.length > 0 ? (const char *)trip->name.data : NULL;
    } else {
        ask.session = remote->session[0] != '\0' ? remote->session : NULL;
    }
    ask.version = version[0] != '\0' ? version : NULL;
    ask.last_event = gets && trip->sse.last_id[0] != '\0' ? trip->sse.last_id : NULL;
    trip->waits = false;
    trip->again_us = MCPZ_TIME_NEVER;
    trip->transfer = remote->ports.begin(remote->ports.context, &ask, trip);
    if (trip->transfer == NULL) {
        fail_later(trip, "out of memory");
    }
}

void mcpz_trip_again(struct mcpz_trip *trip, mcpz_time wait_us)
{
    for (uint32_t i = 1; i < trip->tries && wait_us < MCPZ_REMOTE_RETRY_MAX_US; i++) {
        wait_us *= 2;
    }
    hang_up(trip);
    trip->tries++;
    trip->again_us = now_of(trip->remote) +
                     (wait_us < MCPZ_REMOTE_RETRY_MAX_US ? wait_us : MCPZ_REMOTE_RETRY_MAX_US);
}

static void put_error(struct mcpz_json_writer *writer, const struct mcpz_trip *trip,
                      enum mcpz_code code, const char *why)
{
    char message[MCPZ_REMOTE_WHY_BYTES + 512];
    uint8_t data[256];
    struct mcpz_json_writer about = mcpz_json_writer(data, sizeof(data));

    mcpz_json_put_text(&about, "{\"code\":");
    mcpz_json_put_string(&about, mcpz_text(mcpz_code_word(code)));
    mcpz_json_put_text(&about, ",\"retryAfterMs\":");
    mcpz_json_put_integer(&about, (int64_t)trip->retry_after_s * 1000);
    mcpz_json_put_text(&about, ",\"server\":");
    mcpz_json_put_string(&about, mcpz_text(trip->remote->name));
    mcpz_json_put_text(&about, "}");
    (void)snprintf(message, sizeof(message), "the server %s at %s: %s", trip->remote->name,
                   trip->remote->url, why);
    mcpz_envelope_put_error(writer, trip->message.id, MCPZ_MCP_UNREACHABLE, mcpz_text(message),
                            mcpz_bytes(data, about.length));
}

void mcpz_trip_fail(struct mcpz_trip *trip, enum mcpz_code code, const char *why)
{
    struct mcpz_remote *remote = trip->remote;
    uint8_t line[ERROR_BYTES];
    struct mcpz_json_writer writer = mcpz_json_writer(line, sizeof(line));
    const bool is_owed = trip->kind == MCPZ_TRIP_REQUEST && !trip->answered && !trip->dead &&
                         !remote->asked && !remote->lost;

    if (is_owed) {
        put_error(&writer, trip, code, why);
    }
    mcpz_trip_end(trip);
    if (is_owed && writer.error == MCPZ_OK) {
        remote->listener.on_line(remote->listener.context, mcpz_bytes(line, writer.length),
                                 trip->message.id.text);
    }
}

/* ---- Turns -------------------------------------------------------------------------------- */

void mcpz_remote_enter(struct mcpz_remote *remote)
{
    remote->depth++;
}

/* What waited for the first may go, up to the next one of these. */
static void go_on(struct mcpz_remote *remote)
{
    for (struct mcpz_trip *trip = remote->trips; trip != NULL; trip = trip->next) {
        if (trip->waits) {
            begin(trip);
        }
        if (trip->first && !trip->dead) {
            return;
        }
    }
}

static void sweep(struct mcpz_remote *remote)
{
    struct mcpz_trip **link = &remote->trips;

    while (*link != NULL) {
        struct mcpz_trip *trip = *link;
        if (trip->dead) {
            *link = trip->next;
            free_trip(trip);
        } else {
            link = &trip->next;
        }
    }
}

/* When it is to be pinged; never while a stream stands, which would break. */
static mcpz_time quiet_until(const struct mcpz_remote *remote)
{
    for (const struct mcpz_trip *trip = remote->trips; trip != NULL; trip = trip->next) {
        if (trip->kind == MCPZ_TRIP_REQUEST || trip->kind == MCPZ_TRIP_STREAM ||
            trip->kind == MCPZ_TRIP_PING) {
            return MCPZ_TIME_NEVER;
        }
    }
    return remote->begun && !remote->asked && !remote->lost
               ? remote->heard_us + MCPZ_REMOTE_QUIET_US
               : MCPZ_TIME_NEVER;
}

void mcpz_remote_leave(struct mcpz_remote *remote)
{
    mcpz_time next;

    assert(remote->depth > 0);
    if (remote->depth == 1) {
        go_on(remote);
        sweep(remote);
        next = quiet_until(remote);
        for (const struct mcpz_trip *trip = remote->trips; trip != NULL; trip = trip->next) {
            next = mcpz_time_min(next, mcpz_time_min(trip->again_us, trip->due_us));
            next = trip->failed ? 0 : next;
        }
        if ((remote->asked || remote->lost) && remote->trips == NULL) {
            next = 0; /* to say that it is gone */
        }
        if (next != remote->wakes_at) {
            remote->wakes_at = next;
            remote->ports.wake_at(remote->ports.context, next);
        }
    }
    remote->depth--;
}

/* ---- Asking by ourselves ------------------------------------------------------------------ */

void mcpz_remote_stream(struct mcpz_remote *remote)
{
    if (remote->streams || remote->asked || remote->lost) {
        return;
    }
    struct mcpz_trip *trip = make(remote, MCPZ_TRIP_STREAM);
    remote->streams = true;
    if (trip != NULL) {
        begin(trip);
    }
}

/* Of that kind, under way; NULL: none. */
static struct mcpz_trip *find_kind(const struct mcpz_remote *remote, enum mcpz_trip_kind kind)
{
    struct mcpz_trip *trip = remote->trips;

    while (trip != NULL && (trip->kind != kind || trip->dead)) {
        trip = trip->next;
    }
    return trip;
}

void mcpz_remote_ping(struct mcpz_remote *remote)
{
    static const char legacy[] =
        "{\"jsonrpc\":\"2.0\",\"id\":" MCPZ_REMOTE_PING_ID ",\"method\":\"ping\"}";
    static const char modern[] =
        "{\"jsonrpc\":\"2.0\",\"id\":" MCPZ_REMOTE_PING_ID ",\"method\":\"server/discover\","
        "\"params\":{\"_meta\":{\"" MCPZ_MCP_META "protocolVersion\":\"" MCPZ_MCP_MODERN
        "\",\"" MCPZ_MCP_META "clientCapabilities\":{}}}}";

    if (remote->asked || remote->lost || !remote->begun ||
        find_kind(remote, MCPZ_TRIP_PING) != NULL) {
        return;
    }
    struct mcpz_trip *trip = make(remote, MCPZ_TRIP_PING);
    if (trip == NULL || !mcpz_own_set(&trip->body, mcpz_text(remote->modern ? modern : legacy)) ||
        mcpz_envelope_read(mcpz_own_bytes(&trip->body), &trip->message) != MCPZ_OK) {
        if (trip != NULL) {
            mcpz_trip_end(trip);
        }
        return;
    }
    remote->body_bytes += trip->body.length;
    trip->modern = remote->modern;
    (void)snprintf(trip->method, sizeof(trip->method), "server/discover");
    trip->due_us = now_of(remote) + MCPZ_REMOTE_QUIET_US;
    begin(trip);
}

/* ---- What the host says ------------------------------------------------------------------- */

static bool join(struct mcpz_own *own, const struct mcpz_bytes *parts, size_t count, size_t length)
{
    own->data = malloc(length > 0 ? length : 1);
    if (own->data == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (parts[i].length > 0) {
            memcpy(own->data + own->length, parts[i].data, parts[i].length);
            own->length += parts[i].length;
        }
    }
    return true;
}

/* The value of Mcp-Name, or nothing if it has none, or one that is too long. */
static void set_name(struct mcpz_trip *trip, struct mcpz_json value)
{
    uint8_t said[MCPZ_REMOTE_NAME_BYTES_MAX];
    size_t length;

    if (value.type != MCPZ_JSON_STRING ||
        mcpz_json_unescape(value, said, sizeof(said), &length) != MCPZ_OK) {
        return;
    }
    const bool good = mcpz_header_append(&trip->name, mcpz_bytes(said, length));
    if (!good || !mcpz_own_append(&trip->name, mcpz_bytes("", 1))) {
        mcpz_own_finish(&trip->name);
    }
}

/* Arguments that the tool wants in headers, too. */
static void set_params(struct mcpz_trip *trip)
{
    const struct mcpz_remote_ports *ports = &trip->remote->ports;
    const struct mcpz_envelope *message = &trip->message;

    mcpz_error error =
        mcpz_param_book_write(ports->book(ports->context), message->name,
                              mcpz_member(message->params, "arguments"), &trip->params);
    if (error != MCPZ_OK) {
        mcpz_own_finish(&trip->params);
    }
    if (error == MCPZ_EUNSUPPORTED) {
        fail_later(trip,
                   "its description says x-mcp-header as it may not be said, so it cannot be "
                   "called over HTTP");
    }
}

/* What a modern request says of itself in its head. */
static void set_headers(struct mcpz_trip *trip)
{
    const struct mcpz_envelope *message = &trip->message;

    if (!mcpz_json_to_text(message->method, trip->method, sizeof(trip->method)) ||
        !mcpz_header_is_plain(mcpz_text(trip->method))) {
        trip->method[0] = '\0';
    }
    if (mcpz_envelope_is(message, "tools/call")) {
        set_params(trip);
    }
    if (mcpz_envelope_is(message, "tools/call") || mcpz_envelope_is(message, "prompts/get")) {
        set_name(trip, message->name);
    } else if (mcpz_envelope_is(message, "resources/read")) {
        set_name(trip, message->uri);
    } else if (memcmp(trip->method, "tasks/", strlen("tasks/")) == 0) {
        set_name(trip, message->task_id);
    }
}

/* What follows is to find it done: processes read one message after the other, too. */
static bool comes_first(const struct mcpz_envelope *message)
{
    return (message->kind == MCPZ_ENVELOPE_NOTIFICATION &&
            !mcpz_envelope_is(message, "notifications/progress")) ||
           mcpz_envelope_is(message, "initialize") ||
           mcpz_envelope_is(message, "logging/setLevel");
}

/* The request that a notification cancels; NULL: it is over. */
static struct mcpz_trip *find_cancelled(const struct mcpz_remote *remote,
                                        const struct mcpz_envelope *message)
{
    struct mcpz_trip *trip = remote->trips;

    while (trip != NULL && (trip->dead || trip->kind != MCPZ_TRIP_REQUEST ||
                            !mcpz_bytes_equal(trip->message.id.text, message->request_id.text))) {
        trip = trip->next;
    }
    return trip;
}

/* Nobody waits for it any more. True: the server need not be told. */
static bool cancel(struct mcpz_remote *remote, const struct mcpz_envelope *message)
{
    struct mcpz_trip *trip = find_cancelled(remote, message);

    if (trip == NULL) {
        return true;
    }
    if (trip->modern || trip->waits) {
        fail_later(trip, "cancelled"); /* to hang up says it */
        return true;
    }
    trip->cancelled = true;
    trip->due_us = now_of(remote) + MCPZ_REMOTE_ABANDONED_US;
    return false;
}

/* Is something under way that has to be over first? */
static bool has_to_wait(const struct mcpz_trip *trip)
{
    for (const struct mcpz_trip *other = trip->remote->trips; other != trip; other = other->next) {
        if (!other->dead && (other->first || other->waits)) {
            return true;
        }
    }
    return false;
}

static void send(struct mcpz_trip *trip)
{
    struct mcpz_remote *remote = trip->remote;
    const struct mcpz_envelope *message = &trip->message;
    const bool cancels = mcpz_envelope_is(message, "notifications/cancelled");

    trip->kind = message->kind == MCPZ_ENVELOPE_REQUEST ? MCPZ_TRIP_REQUEST : MCPZ_TRIP_TELL;
    /* What it is begun with says its era. Bridges leave the metadata of modern clients where they
     * are, so that messages do not tell. */
    remote->modern = remote->modern || mcpz_envelope_is(message, "server/discover");
    trip->modern = remote->modern;
    if (cancels && cancel(remote, message)) {
        mcpz_trip_end(trip);
        return;
    }
    if (trip->modern && trip->kind == MCPZ_TRIP_TELL) {
        mcpz_trip_end(trip); /* such a server takes requests only */
        return;
    }
    if (trip->modern) {
        set_headers(trip);
        trip->listens = mcpz_envelope_is(message, "subscriptions/listen");
    }
    if (trip->kind == MCPZ_TRIP_TELL) {
        trip->due_us = now_of(remote) + MCPZ_REMOTE_TELL_US;
    }
    if (trip->failed) {
        return; /* when we are called next */
    }
    if (remote->trip_count > MCPZ_REMOTE_TRIPS_MAX) {
        fail_later(trip, "too much is asked of it at once");
        return;
    }
    trip->waits = !cancels && has_to_wait(trip);
    trip->first = !cancels && !trip->modern && comes_first(message);
    if (!trip->waits) {
        begin(trip);
    }
}

mcpz_error mcpz_remote_say(struct mcpz_remote *remote, const struct mcpz_bytes *parts,
                           size_t count)
{
    size_t length = 0;

    for (size_t i = 0; i < count; i++) {
        length += parts[i].length;
    }
    if (remote->asked || remote->lost) {
        return MCPZ_OK; /* as a process that has just died: on_gone follows */
    }
    if (remote->body_bytes + length > MCPZ_UPSTREAM_QUEUE_BYTES_MAX) {
        return MCPZ_EFULL;
    }
    struct mcpz_trip *trip = make(remote, MCPZ_TRIP_TELL);
    if (trip == NULL) {
        return MCPZ_ENOMEM;
    }
    mcpz_remote_enter(remote);
    const bool joined = join(&trip->body, parts, count, length);
    remote->body_bytes += trip->body.length;
    if (joined && mcpz_envelope_read(mcpz_own_bytes(&trip->body), &trip->message) == MCPZ_OK) {
        send(trip);
    } else {
        mcpz_trip_end(trip); /* the host has read it before: it could not be kept */
    }
    mcpz_remote_leave(remote);
    return joined ? MCPZ_OK : MCPZ_ENOMEM;
}

/* ---- Its end ------------------------------------------------------------------------------ */

static void end_all(struct mcpz_remote *remote)
{
    for (struct mcpz_trip *trip = remote->trips; trip != NULL; trip = trip->next) {
        mcpz_trip_end(trip);
    }
}

void mcpz_remote_stop(struct mcpz_remote *remote)
{
    if (remote->asked) {
        return;
    }
    mcpz_remote_enter(remote);
    end_all(remote);
    struct mcpz_trip *trip =
        remote->session[0] != '\0' && !remote->lost ? make(remote, MCPZ_TRIP_LEAVE) : NULL;
    remote->asked = true;
    if (trip != NULL) {
        trip->due_us = now_of(remote) + MCPZ_REMOTE_LEAVE_US;
        begin(trip);
    }
    mcpz_remote_leave(remote);
}

void mcpz_remote_lose(struct mcpz_remote *remote, const char *why)
{
    if (remote->asked || remote->lost) {
        return;
    }
    mcpz_remote_enter(remote);
    remote->lost = true;
    (void)snprintf(remote->trouble, sizeof(remote->trouble), "%s", why);
    end_all(remote);
    mcpz_remote_leave(remote);
}

bool mcpz_remote_is_over(const struct mcpz_remote *remote, const char **why)
{
    *why = remote->asked ? "" : remote->trouble;
    return (remote->asked || remote->lost) && remote->trips == NULL;
}

/* ---- Time --------------------------------------------------------------------------------- */

static void expire(struct mcpz_trip *trip)
{
    const enum mcpz_trip_kind kind = trip->kind;

    mcpz_trip_end(trip);
    if (kind == MCPZ_TRIP_PING) {
        mcpz_remote_lose(trip->remote, "it does not answer any more");
    }
}

void mcpz_remote_tick(struct mcpz_remote *remote)
{
    const mcpz_time now = now_of(remote);

    mcpz_remote_enter(remote);
    remote->wakes_at = MCPZ_TIME_NEVER;
    if (quiet_until(remote) <= now) {
        mcpz_remote_ping(remote);
    }
    for (struct mcpz_trip *trip = remote->trips; trip != NULL; trip = trip->next) {
        if (trip->failed) {
            trip->failed = false;
            mcpz_trip_fail(trip, MCPZ_CODE_BUSY, trip->trouble);
        } else if (trip->due_us <= now) {
            expire(trip);
        } else if (trip->again_us <= now) {
            begin(trip);
        }
    }
    mcpz_remote_leave(remote);
}

/* ---- Life --------------------------------------------------------------------------------- */

mcpz_error mcpz_remote_create(const struct mcpz_remote_config *config, struct mcpz_remote **remote)
{
    struct mcpz_remote *made = calloc(1, sizeof(*made));

    *remote = made;
    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    made->listener = config->listener;
    made->ports = config->ports;
    made->wakes_at = MCPZ_TIME_NEVER;
    made->heard_us = now_of(made);
    (void)snprintf(made->name, sizeof(made->name), "%s", config->name);
    (void)snprintf(made->url, sizeof(made->url), "%s", config->url);
    return MCPZ_OK;
}

void mcpz_remote_destroy(struct mcpz_remote *remote)
{
    if (remote == NULL) {
        return;
    }
    assert(remote->depth == 0);
    end_all(remote);
    sweep(remote);
    free(remote);
}
