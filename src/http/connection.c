#include "http/connection.h"

#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <libwebsockets.h>

#include "crypto/identity.h"
#include "http/head.h"
#include "http/refusal.h"
#include "http/server.h"
#include "proto/code.h"

#define CHUNK_HEAD_BYTES 8 /* "ffff\r\n", in front of a chunk, and its end behind it */

/* ---- A request's life --------------------------------------------------------------------- */

static void activate(struct mcpz_connection *connection, struct mcpz_side *side, struct lws *wsi)
{
    assert(!connection->active);
    memset(connection, 0, offsetof(struct mcpz_connection, path));
    connection->path[0] = connection->query[0] = connection->last_event[0] = '\0';
    connection->headers[0] = connection->origin[0] = '\0';
    connection->query_length = connection->headers_length = 0;
    connection->side = side;
    connection->wsi = wsi;
    connection->active = true;
    connection->body_until = MCPZ_TIME_NEVER;
    mcpz_api_body_init(side->hub->api, &connection->body);
    connection->next = side->hub->connections;
    side->hub->connections = connection;
}

/* It has something to say: at the end of the turn, when all that it may say is there. */
static void make_due(struct mcpz_connection *connection)
{
    struct mcpz_hub *hub = connection->side->hub;

    if (connection->active && !connection->is_due) {
        connection->is_due = true;
        connection->next_due = hub->due;
        hub->due = connection;
    }
}

static void make_undue(struct mcpz_connection *connection)
{
    struct mcpz_connection **at = &connection->side->hub->due;

    if (!connection->is_due) {
        return;
    }
    while (*at != connection) {
        assert(*at != NULL);
        at = &(*at)->next_due;
    }
    *at = connection->next_due;
    connection->is_due = false;
}

/* End the request under way, if there is one. Whatever it started is cancelled. */
static void release(struct mcpz_connection *connection)
{
    if (connection == NULL || !connection->active) {
        return;
    }
    struct mcpz_connection **at = &connection->side->hub->connections;
    while (*at != connection) {
        assert(*at != NULL);
        at = &(*at)->next;
    }
    *at = connection->next;
    make_undue(connection);
    connection->active = false;
    if (connection->is_watched) {
        ev_io_stop(connection->side->hub->ev, &connection->watcher);
    }
    mcpz_body_finish(&connection->body);
    if (connection->exchange != NULL) {
        struct mcpz_exchange *exchange = connection->exchange;
        connection->exchange = NULL;
        mcpz_api_close(exchange);
    }
}

void mcpz_hub_end(struct mcpz_hub *hub)
{
    while (hub->connections != NULL) {
        release(hub->connections);
    }
    hub->is_over = true;
}

void mcpz_connection_answered(void *context, void *owner)
{
    (void)context;
    make_due(owner);
}

/* ---- Clients that hang up ----------------------------------------------------------------- */

/*
 * From a client that waits for its answer, or follows a stream, nothing is to come any more but
 * its end. libwebsockets 4.1 does not look at what comes meanwhile, and is woken up for it
 * without a pause.
 */
static void on_readable(struct ev_loop *ev, ev_io *watcher, int events)
{
    struct mcpz_connection *connection = watcher->data;

    (void)ev;
    (void)events;
    lws_set_timeout(connection->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_SYNC);
}

static void watch(struct mcpz_connection *connection)
{
    assert(!connection->is_watched);

    ev_io_init(&connection->watcher, on_readable, lws_get_socket_fd(connection->wsi), EV_READ);
    connection->watcher.data = connection;
    connection->is_watched = true;
    ev_io_start(connection->side->hub->ev, &connection->watcher);
}

/* ---- Requests in -------------------------------------------------------------------------- */

/* libwebsockets does not answer it, and clients wait a second before they send the body anyway. */
static void answer_expect(struct mcpz_connection *connection)
{
    static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
    char expect[32];
    uint8_t *out = connection->side->hub->out + LWS_PRE;

    if (lws_hdr_copy(connection->wsi, expect, sizeof(expect), WSI_TOKEN_HTTP_EXPECT) > 0 &&
        strcasecmp(expect, "100-continue") == 0) {
        memcpy(out, line, sizeof(line) - 1);
        (void)lws_write(connection->wsi, out, sizeof(line) - 1, LWS_WRITE_HTTP_HEADERS);
    }
}

/* What a body may have. Short ones are read even where none belongs: then the answer says so. */
static uint64_t body_max(const struct mcpz_connection *connection)
{
    uint64_t max = mcpz_api_body_max(connection->method, mcpz_text(connection->path));

    if (connection->is_mcp) {
        return max;
    }
    if (connection->access < MCPZ_ACCESS_TENANT) {
        return 0;
    }
    return max > MCPZ_JSON_BODY_BYTES_MAX ? max : MCPZ_JSON_BODY_BYTES_MAX;
}

static int refuse_too_long(struct mcpz_connection *connection)
{
    return mcpz_refuse(connection, 413, MCPZ_CODE_TOO_LARGE,
                       "the body is longer than such a request's may be");
}

static int ask(struct mcpz_connection *connection)
{
    const struct mcpz_request request = {
        .method = connection->method,
        .path = mcpz_text(connection->path),
        .query = mcpz_bytes(connection->query, connection->query_length),
        .last_event = mcpz_text(connection->last_event),
        .headers = mcpz_bytes(connection->headers, connection->headers_length),
        .params_version = connection->params_version,
        .access = connection->access,
        .principal = mcpz_text(connection->who.subject),
        .tenant = mcpz_text(connection->who.tenant),
        .body = &connection->body,
    };

    assert(!connection->asked);
    connection->asked = true;
    connection->body_until = MCPZ_TIME_NEVER;
    mcpz_error error =
        connection->is_mcp
            ? mcpz_api_open_apart(connection->side->hub->api, connection, &connection->exchange)
            : mcpz_api_open(connection->side->hub->api, connection, &connection->exchange);
    if (error != MCPZ_OK) {
        return mcpz_refuse(connection, 429, MCPZ_CODE_BUSY, "too many requests are under way");
    }
    mcpz_api_ask(connection->exchange, &request);
    /* Also without an answer: the timeout is to be taken off when libwebsockets has set it. */
    make_due(connection);
    return 0;
}

/* What is asked of a client of MCP beside all others. 0: go on. */
static int check_mcp(struct mcpz_connection *connection)
{
    mcpz_head_read_version(connection);
    if (!mcpz_head_read_mcp(connection)) {
        return mcpz_refuse(connection, 431, MCPZ_CODE_TOO_LARGE,
                           "the headers of MCP have more than 4096 bytes");
    }
    connection->body.memory_max = MCPZ_MCP_BODY_BYTES_MAX;
    return 0;
}

/* What may they do? Refused here: before the body is read. */
static bool admit(struct mcpz_connection *connection)
{
    char authorization[MCPZ_BEARER_TOKEN_BYTES_MAX + sizeof("Bearer ")];
    char key[MCPZ_BEARER_TOKEN_BYTES_MAX + 1];
    static const char name[] = "x-api-key:";
    const struct mcpz_api_ports *ports = mcpz_api_ports(connection->side->hub->api);
    int length = lws_hdr_copy(connection->wsi, authorization, sizeof(authorization),
                              WSI_TOKEN_HTTP_AUTHORIZATION);
    int key_length =
        lws_hdr_custom_copy(connection->wsi, key, sizeof(key), name, sizeof(name) - 1);
    const struct mcpz_approach approach = {
        .local = connection->side->local,
        .from_here = mcpz_head_peer_is_here(connection),
        .path = mcpz_text(connection->path),
        .authorization = mcpz_bytes(authorization, length > 0 ? (size_t)length : 0),
        .api_key = mcpz_bytes(key, key_length > 0 ? (size_t)key_length : 0),
        .wall_ms = ports->wall_ms(ports->context),
    };
    const struct mcpz_admission admission =
        mcpz_access_decide(connection->side->bearer, &approach);

    mcpz_wipe(authorization, sizeof(authorization));
    mcpz_wipe(key, sizeof(key));
    connection->access = admission.access;
    connection->who = admission.who;
    if (admission.access == MCPZ_ACCESS_NONE) {
        (void)mcpz_refuse(connection, admission.status, MCPZ_CODE_DENIED, admission.text);
    }
    return admission.access != MCPZ_ACCESS_NONE;
}

static bool is_preflight(const struct mcpz_connection *connection, struct mcpz_bytes path)
{
    return lws_hdr_total_length(connection->wsi, WSI_TOKEN_OPTIONS_URI) > 0 &&
           mcpz_api_is_mcp(path);
}

/* Where does its body end? 0: go on. */
static int read_framing(struct mcpz_connection *connection)
{
    switch (mcpz_head_read_framing(connection->wsi, connection->method, &connection->body_left)) {
    case MCPZ_FRAMING_LENGTH:
        return 0;
    case MCPZ_FRAMING_CHUNKS:
        connection->comes_in_chunks = true;
        return 0;
    case MCPZ_FRAMING_MISSING:
        return mcpz_refuse(connection, 411, MCPZ_CODE_BAD_REQUEST,
                           "a request with a body needs a Content-Length, or comes in chunks");
    case MCPZ_FRAMING_UNKNOWN:
        return mcpz_refuse(connection, 501, MCPZ_CODE_BAD_REQUEST,
                           "of all transfer codings only chunked is taken here");
    case MCPZ_FRAMING_BAD:
        break;
    }
    return mcpz_refuse(connection, 400, MCPZ_CODE_BAD_REQUEST,
                       "where the body ends is not clear: one Content-Length, a number, or "
                       "Transfer-Encoding: chunked with POST and HTTP/1.1, not both");
}

/* A body of that length has so much time to come, once its head is there. */
static void expect_body(struct mcpz_connection *connection)
{
    const struct mcpz_api_ports *ports = mcpz_api_ports(connection->side->hub->api);

    connection->body_until = ports->now(ports->context) + MCPZ_SECONDS(MCPZ_API_BODY_SECONDS);
    answer_expect(connection);
}

static int on_request(struct mcpz_connection *connection, struct mcpz_bytes path)
{
    struct lws *wsi = connection->wsi;
    size_t path_length = 0;

    connection->method = mcpz_head_method(wsi, &connection->is_head, &path_length);
    if (is_preflight(connection, path) && mcpz_head_host_is_ours(connection) &&
        mcpz_head_origin_is_ours(connection)) {
        return mcpz_answer_preflight(connection);
    }
    if (connection->side->hub->socket_count > connection->side->hub->socket_max) {
        return mcpz_refuse(connection, 503, MCPZ_CODE_OVERLOADED,
                           "too many connections to this node (api.connections)");
    }
    if (read_framing(connection) != 0) {
        return -1;
    }
    if (!mcpz_head_host_is_ours(connection)) {
        return mcpz_refuse(
            connection, 403, MCPZ_CODE_DENIED,
            "the Host header names neither this machine's loopback nor the address the "
            "API was told to listen on");
    }
    if (!mcpz_head_origin_is_ours(connection)) {
        return mcpz_refuse(
            connection, 403, MCPZ_CODE_DENIED,
            "the Origin header names a page of neither this machine nor the address the "
            "API was told to listen on");
    }
    if (!mcpz_head_read_url(connection, path, path_length)) {
        return mcpz_refuse(connection, 414, MCPZ_CODE_BAD_REQUEST,
                           "the URL is too long, or has a NUL in it");
    }
    if (!admit(connection)) {
        return -1;
    }
    connection->is_mcp = mcpz_api_is_mcp(mcpz_text(connection->path));
    if (connection->is_mcp && check_mcp(connection) != 0) {
        return -1;
    }
    if (!mcpz_head_read_last_event(connection)) {
        return mcpz_refuse(connection, 400, MCPZ_CODE_BAD_REQUEST,
                           "Last-Event-ID is longer than the id of any event");
    }
    if (connection->body_left > body_max(connection)) {
        return refuse_too_long(connection);
    }
    /* A POST that says it has no body still has its completion told: asked then, not twice. */
    if (connection->body_left == 0 && connection->method != MCPZ_POST) {
        return ask(connection);
    }
    expect_body(connection);
    return 0;
}

/* Whoever says more may say it for longer, but not a byte at a time. */
static void append(struct mcpz_connection *connection, struct mcpz_bytes piece)
{
    connection->body_until +=
        MCPZ_SECONDS((mcpz_time)piece.length) / MCPZ_API_BODY_BYTES_PER_SECOND;
    mcpz_body_append(&connection->body, piece); /* its error is the API's to tell */
}

static int on_chunks(struct mcpz_connection *connection, struct mcpz_bytes in)
{
    struct mcpz_bytes piece;
    enum mcpz_chunked_found found;

    while ((found = mcpz_chunked_read(&connection->chunks, &in, &piece)) == MCPZ_CHUNKED_PIECE) {
        if (piece.length > body_max(connection) - connection->body.length) {
            return refuse_too_long(connection);
        }
        append(connection, piece);
        if (connection->body.error != MCPZ_OK) {
            break; /* the API tells */
        }
    }
    if (found == MCPZ_CHUNKED_BAD) {
        return mcpz_refuse(connection, 400, MCPZ_CODE_BAD_REQUEST,
                           "the body says that it comes in chunks, and does not");
    }
    return found == MCPZ_CHUNKED_MORE ? 0 : ask(connection);
}

static int on_body(struct mcpz_connection *connection, struct mcpz_bytes piece)
{
    if (piece.length == 0) {
        return 0; /* comes after a Content-Length of 0 */
    }
    if (!connection->active) {
        return -1;
    }
    if (connection->comes_in_chunks) {
        /* What follows is not ours to read: the connection ends with the answer. */
        return connection->asked ? 0 : on_chunks(connection, piece);
    }
    if (connection->asked || piece.length > connection->body_left) {
        return -1;
    }
    connection->body_left -= piece.length;
    append(connection, piece);
    return 0;
}

/* libwebsockets has all that it counts on: of chunks, a hundred megabytes. */
static int on_body_end(struct mcpz_connection *connection)
{
    if (!connection->active || connection->asked) {
        return 0;
    }
    return connection->comes_in_chunks ? refuse_too_long(connection) : ask(connection);
}

void mcpz_hub_tick(struct mcpz_hub *hub)
{
    const struct mcpz_api_ports *ports = mcpz_api_ports(hub->api);
    const mcpz_time now = ports->now(ports->context);
    struct mcpz_connection *next;

    for (struct mcpz_connection *each = hub->connections; each != NULL; each = next) {
        next = each->next;
        if (now >= each->body_until) {
            each->body_until = MCPZ_TIME_NEVER;
            (void)mcpz_refuse(each, 408, MCPZ_CODE_TIMEOUT, "the body did not come in time");
            lws_set_timeout(each->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_SYNC);
        } else if (each->is_mcp && each->exchange != NULL && !each->is_watched) {
            watch(each); /* what takes so long may be hung up on: most calls do not */
        }
    }
}

/* ---- Answers out -------------------------------------------------------------------------- */

/* Whole seconds, not too soon: RFC 9110, section 10.2.3. */
static bool add_retry_after(struct lws *wsi, const struct mcpz_response *response, uint8_t **at,
                            uint8_t *end)
{
    char seconds[16];
    uint32_t rounded_up = response->retry_after_ms / 1000 + (response->retry_after_ms % 1000 != 0);
    int length = snprintf(seconds, sizeof(seconds), "%" PRIu32, rounded_up);

    return response->retry_after_ms == 0 ||
           lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_RETRY_AFTER, (const uint8_t *)seconds,
                                        length, at, end) == 0;
}

static bool add_mcp_headers(struct mcpz_connection *connection,
                            const struct mcpz_response *response, uint8_t **at, uint8_t *end)
{
    struct lws *wsi = connection->wsi;

    if (!mcpz_add_origin(connection, at, end) ||
        (response->session[0] != '\0' &&
         !mcpz_add_header(wsi, "mcp-session-id:", response->session, at, end))) {
        return false;
    }
    if (!response->streams) {
        return true;
    }
    connection->is_chunked = !connection->is_old;
    return mcpz_add_header(wsi, "cache-control:", "no-cache", at, end) &&
           mcpz_add_header(wsi, "x-accel-buffering:", "no", at, end) &&
           (!connection->is_chunked ||
            mcpz_add_header(wsi, "transfer-encoding:", "chunked", at, end));
}

/* libwebsockets says "connection: close" where it is not told a length: ours may be in chunks. */
static bool add_status(struct mcpz_connection *connection, const struct mcpz_response *response,
                       uint8_t **at, uint8_t *end)
{
    struct lws *wsi = connection->wsi;
    lws_filepos_t length =
        response->streams ? LWS_ILLEGAL_HTTP_CONTENT_LEN : (lws_filepos_t)response->body.length;

    if (!connection->is_mcp || !response->streams || connection->is_old) {
        return lws_add_http_common_headers(wsi, response->status, response->content_type, length,
                                           at, end) == 0;
    }
    return lws_add_http_header_status(wsi, response->status, at, end) == 0 &&
           mcpz_add_header(wsi, "content-type:", response->content_type, at, end);
}

/* A short body goes out with the headers, in one piece; then it is sent. Returns how long it is.
 */
static size_t add_body(struct mcpz_connection *connection, const struct mcpz_response *response,
                       uint8_t *at)
{
    const struct mcpz_bytes body = mcpz_body_in_memory(&response->body);
    const bool is_short = body.length <= MCPZ_API_CHUNK_BYTES - MCPZ_ANSWER_HEAD_BYTES;

    if (response->streams || connection->is_head || body.length == 0 || !is_short) {
        return 0;
    }
    memcpy(at, body.data, body.length);
    connection->sent = body.length;
    return body.length;
}

static bool send_headers(struct mcpz_connection *connection, const struct mcpz_response *response)
{
    uint8_t *start = connection->side->hub->out + LWS_PRE;
    uint8_t *at = start;
    uint8_t *end = start + MCPZ_ANSWER_HEAD_BYTES;
    struct lws *wsi = connection->wsi;

    if (!add_status(connection, response, &at, end) ||
        (connection->is_mcp && !add_mcp_headers(connection, response, &at, end))) {
        return false;
    }
    if (response->allow != NULL &&
        lws_add_http_header_by_token(wsi, WSI_TOKEN_HTTP_ALLOW, (const uint8_t *)response->allow,
                                     (int)strlen(response->allow), &at, end) != 0) {
        return false;
    }
    if (!add_retry_after(wsi, response, &at, end) ||
        (connection->comes_in_chunks && !mcpz_add_header(wsi, "connection:", "close", &at, end)) ||
        lws_finalize_http_header(wsi, &at, end) != 0) {
        return false;
    }
    const size_t length = (size_t)(at - start) + add_body(connection, response, at);
    connection->headers_sent = true;
    return lws_write(wsi, start, length, LWS_WRITE_HTTP_HEADERS) >= (int)length;
}

static int end_transaction(struct mcpz_connection *connection)
{
    struct lws *wsi = connection->wsi;
    struct mcpz_hub *hub = connection->side->hub;
    bool is_last = connection->comes_in_chunks;

    release(connection);
    hub->has_ended = true;
    return is_last || lws_http_transaction_completed(wsi) != 0 ? -1 : 0;
}

static int send_chunk(struct mcpz_connection *connection, const struct mcpz_response *response)
{
    uint8_t *out = connection->side->hub->out + LWS_PRE;
    size_t length = 0;

    if (mcpz_body_read(&response->body, connection->sent, out, MCPZ_API_CHUNK_BYTES, &length) !=
        MCPZ_OK) {
        return -1;
    }
    connection->sent += length;
    bool last = connection->sent == response->body.length;
    if (lws_write(connection->wsi, out, length, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) <
        (int)length) {
        return -1;
    }
    if (last) {
        return end_transaction(connection);
    }
    (void)lws_callback_on_writable(connection->wsi);
    return 0;
}

/* Put the length before the piece, where there is room for it. Source: RFC 9112, section 7.1. */
static struct mcpz_bytes frame_chunk(uint8_t *piece, size_t length)
{
    char head[CHUNK_HEAD_BYTES + 1];
    int head_length = snprintf(head, sizeof(head), "%zx\r\n", length);

    assert(head_length > 0 && head_length <= CHUNK_HEAD_BYTES);
    memcpy(piece - head_length, head, (size_t)head_length);
    piece[length] = '\r';
    piece[length + 1] = '\n';
    return mcpz_bytes(piece - head_length, (size_t)head_length + length + 2);
}

/* That was all: the connection can be used again, if its end was not what told the length. */
static int end_stream(struct mcpz_connection *connection)
{
    static const char last[] = "0\r\n\r\n";
    uint8_t *out = connection->side->hub->out + LWS_PRE;

    if (!connection->is_chunked) {
        return -1;
    }
    memcpy(out, last, sizeof(last) - 1);
    if (lws_write(connection->wsi, out, sizeof(last) - 1, LWS_WRITE_HTTP_FINAL) <
        (int)sizeof(last) - 1) {
        return -1;
    }
    return end_transaction(connection);
}

/*
 * A client that does not read leaves us waiting here, with what is written to its socket, until
 * the timeout closes it; one that has nothing to read may wait as long as it likes.
 */
static int send_piece(struct mcpz_connection *connection, const struct mcpz_response *response)
{
    uint8_t *out = connection->side->hub->out + LWS_PRE;
    uint8_t *piece = connection->is_chunked ? out + CHUNK_HEAD_BYTES : out;
    size_t room = MCPZ_API_CHUNK_BYTES - (connection->is_chunked ? 2 * CHUNK_HEAD_BYTES : 0);
    size_t length = mcpz_api_pull(connection->exchange, piece, room);

    if (length == 0 && response->ended) {
        return end_stream(connection);
    }
    if (length == 0) {
        lws_set_timeout(connection->wsi, NO_PENDING_TIMEOUT, 0);
        return 0;
    }
    struct mcpz_bytes chunk =
        connection->is_chunked ? frame_chunk(piece, length) : mcpz_bytes(piece, length);
    if (lws_write(connection->wsi, piece - (piece - chunk.data), chunk.length, LWS_WRITE_HTTP) <
        (int)chunk.length) {
        return -1;
    }
    (void)lws_callback_on_writable(connection->wsi);
    return 0;
}

static int on_writeable(struct mcpz_connection *connection)
{
    if (!connection->active || connection->exchange == NULL) {
        return 0;
    }
    const struct mcpz_response *response = mcpz_api_response(connection->exchange);
    if (response == NULL) {
        lws_set_timeout(connection->wsi, NO_PENDING_TIMEOUT, 0); /* the API has its own */
        return 0;
    }
    lws_set_timeout(connection->wsi, PENDING_TIMEOUT_HTTP_CONTENT, MCPZ_API_STALL_SECONDS);
    if (connection->headers_sent) {
        return response->streams ? send_piece(connection, response)
                                 : send_chunk(connection, response);
    }
    if (!send_headers(connection, response)) {
        return -1;
    }
    if (connection->is_head || (connection->sent == response->body.length && !response->streams)) {
        return end_transaction(connection);
    }
    if (response->streams && !connection->is_watched) {
        watch(connection);
    }
    (void)lws_callback_on_writable(connection->wsi);
    return 0;
}

/*
 * Between two requests libwebsockets wants to hear that the socket can be written to. It can: said
 * at once, that costs no trip through the loop.
 */
static void say_writable(struct lws *wsi)
{
    struct lws_pollfd ready = {
        .fd = lws_get_socket_fd(wsi), .events = POLLIN | POLLOUT, .revents = POLLOUT};

    (void)lws_service_fd(lws_get_context(wsi), &ready);
}

void mcpz_hub_flush(void *hub)
{
    struct mcpz_hub *ours = hub;

    while (ours->due != NULL) {
        struct mcpz_connection *connection = ours->due;
        struct lws *wsi = connection->wsi;
        make_undue(connection);
        ours->has_ended = false;
        if (lws_partial_buffered(wsi) != 0) {
            (void)lws_callback_on_writable(wsi);
        } else if (on_writeable(connection) != 0) {
            lws_set_timeout(wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_SYNC);
        } else if (ours->has_ended) { /* the request; its memory too */
            say_writable(wsi);
        }
    }
}

/* ---- What libwebsockets tells ------------------------------------------------------------- */

bool mcpz_hub_has_room(const struct mcpz_hub *hub, size_t waiting)
{
    return !hub->is_over &&
           hub->socket_count + waiting < hub->socket_max + MCPZ_API_CONNECTIONS_SPARE;
}

/* Count sockets from their acceptance on, not from their first request. */
static int on_socket(struct mcpz_hub *hub, struct lws *wsi, enum lws_callback_reasons reason)
{
    struct mcpz_socket *socket = lws_get_opaque_user_data(wsi);
    if (reason == LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED) {
        assert(socket == NULL);
        socket = calloc(1, sizeof(*socket));
        if (socket == NULL) {
            return -1;
        }
        assert(hub->entering != NULL);
        socket->side = hub->entering;
        hub->socket_count++;
        lws_set_opaque_user_data(wsi, socket);
    } else if (socket != NULL) {
        assert(reason == LWS_CALLBACK_WSI_DESTROY);
        assert(hub->socket_count > 0);
        hub->socket_count--;
        lws_set_opaque_user_data(wsi, NULL);
        free(socket);
    }
    return 0;
}

/* One answer for every reason there is: 0 goes on, anything else closes. */
static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t length)
{
    struct lws_vhost *vhost = lws_get_vhost(wsi);
    struct mcpz_hub *hub = vhost != NULL ? lws_vhost_user(vhost) : NULL;
    const struct mcpz_socket *socket = lws_get_opaque_user_data(wsi);
    struct mcpz_connection *connection = user;

    if (hub == NULL) {
        return 0;
    }
    assert(socket == NULL || socket->side->hub == hub); /* it is still of our vhost */
    switch (reason) {
    case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
    case LWS_CALLBACK_WSI_DESTROY:
        return on_socket(hub, wsi, reason);
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return -1;
    case LWS_CALLBACK_HTTP:
        if (connection == NULL || socket == NULL || hub->is_over) {
            return -1;
        }
        release(connection);
        activate(connection, socket->side, wsi);
        return on_request(connection, mcpz_bytes(in, length));
    case LWS_CALLBACK_HTTP_BODY:
        return on_body(connection, mcpz_bytes(in, length));
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return on_body_end(connection);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return on_writeable(connection);
    case LWS_CALLBACK_CLOSED_HTTP:
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
        release(connection);
        return 0;
    default:
        return 0;
    }
}

static const struct lws_protocols protocols[] = {
    {
        .name = "http",
        .callback = on_event,
        .per_session_data_size = sizeof(struct mcpz_connection),
        .rx_buffer_size = 16384,
        .tx_packet_size = MCPZ_API_CHUNK_BYTES,
    },
    {.name = NULL},
};

const struct lws_protocols *mcpz_connection_protocols(void)
{
    return protocols;
}
