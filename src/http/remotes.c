#include "http/remotes.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ev.h>

#include "host/log.h"
#include "host/mcp_url.h"
#include "http/fetch.h"
#include "mcp/remote.h"
#include "mcp/remote_param.h"

#define OURS_MAX 8 /* headers that we set */
#define KNOWN_MAX ((size_t)(2 * MCPZ_MCP_SERVERS_MAX))
#define LEAVE_MS 2000 /* to tell all servers that their sessions are over */

static_assert(OURS_MAX + MCPZ_MCP_HEADERS_MAX + MCPZ_REMOTE_PARAMS_MAX <= MCPZ_FETCH_HEADERS_MAX,
              "all fit");

/* A request under way. */
struct transfer {
    struct transfer *next;
    struct mcpz_upstream *upstream;
    struct mcpz_trip *trip;
    struct mcpz_fetch *fetch;
};

struct mcpz_upstream {
    struct mcpz_remotes *remotes;
    struct mcpz_upstream *next;
    struct mcpz_upstream_listener listener;
    struct mcpz_remote *remote;
    struct transfer *transfers;
    char name[MCPZ_MCP_NAME_BYTES_MAX + 1];
    char *url;
    char *ca;                            /* NULL: as the system has it */
    char *headers[MCPZ_MCP_HEADERS_MAX]; /* references looked up */
    size_t header_count;
    bool paused;
    ev_timer wake;
};

/* What is known of a server beyond its upstreams. */
struct known {
    char name[MCPZ_MCP_NAME_BYTES_MAX + 1];
    mcpz_time used_us;
    mcpz_time spared_until_us; /* it has asked to be left alone */
    bool warned;               /* that its headers can be read on the way */
    struct mcpz_param_book book;
};

struct mcpz_remotes {
    struct mcpz_loop *loop;
    struct mcpz_fetches *fetches; /* NULL: there was no server yet */
    struct mcpz_upstreams port;
    struct mcpz_upstream *all;
    size_t count;
    struct known known[KNOWN_MAX];
    char via[MCPZ_ID_TEXT_BYTES];
};

static struct ev_loop *loop_of(const struct mcpz_upstream *upstream)
{
    return mcpz_loop_ev(upstream->remotes->loop);
}

/* ---- Requests ----------------------------------------------------------------------------- */

static void drop_transfer(struct transfer *transfer)
{
    struct transfer **link = &transfer->upstream->transfers;

    while (*link != transfer) {
        link = &(*link)->next;
    }
    *link = transfer->next;
    free(transfer);
}

static void on_head(void *context, const struct mcpz_fetch_head *head)
{
    const struct transfer *transfer = (const struct transfer *)context;

    mcpz_remote_head(transfer->trip,
                     &(struct mcpz_remote_head){.status = head->status,
                                                .content_type = head->content_type,
                                                .session = head->session,
                                                .authenticate = head->authenticate,
                                                .location = head->location,
                                                .retry_after_s = head->retry_after_s});
}

static void on_body(void *context, struct mcpz_bytes bytes)
{
    const struct transfer *transfer = (const struct transfer *)context;

    mcpz_remote_body(transfer->trip, bytes);
}

static void on_end(void *context, const char *why, bool reached)
{
    struct transfer *transfer = (struct transfer *)context;
    struct mcpz_trip *trip = transfer->trip;

    drop_transfer(transfer);
    mcpz_remote_end(trip, why, reached);
}

/* The lines of a head, in memory of their own. */
struct head {
    char *lines[MCPZ_FETCH_HEADERS_MAX];
    size_t count;
    bool failed;
};

static void put_header(struct head *head, const char *name, const char *value)
{
    if (value != NULL) {
        assert(head->count < OURS_MAX);
        if (asprintf(&head->lines[head->count], "%s: %s", name, value) < 0) {
            head->failed = true;
        } else {
            head->count++;
        }
    }
}

static void write_head(const struct mcpz_upstream *upstream, const struct mcpz_remote_ask *ask,
                       struct head *head)
{
    const bool posts = ask->verb == MCPZ_REMOTE_POST;

    put_header(head, "Content-Type", posts ? "application/json" : NULL);
    put_header(head, "Accept",
               posts ? "application/json, text/event-stream" : "text/event-stream");
    put_header(head, "MCP-Protocol-Version", ask->version);
    put_header(head, "Mcp-Session-Id", ask->session);
    put_header(head, "Mcp-Method", ask->method);
    put_header(head, "Mcp-Name", ask->name);
    put_header(head, "Last-Event-ID", ask->last_event);
    put_header(head, MCPZ_VIA_HEADER, upstream->remotes->via);
}

static void *begin(void *context, const struct mcpz_remote_ask *ask, struct mcpz_trip *trip)
{
    static const char *const methods[] = {
        [MCPZ_REMOTE_GET] = "GET", [MCPZ_REMOTE_POST] = "POST", [MCPZ_REMOTE_DELETE] = "DELETE"};
    struct mcpz_upstream *upstream = (struct mcpz_upstream *)context;
    struct transfer *transfer = (struct transfer *)calloc(1, sizeof(*transfer));
    const char *lines[MCPZ_FETCH_HEADERS_MAX];
    struct head head = {.count = 0};
    size_t count = 0;

    if (transfer == NULL) {
        return NULL;
    }
    *transfer = (struct transfer){.next = upstream->transfers, .upstream = upstream, .trip = trip};
    write_head(upstream, ask, &head);
    for (size_t i = 0; i < head.count; i++) {
        lines[count++] = head.lines[i];
    }
    for (size_t i = 0; i < upstream->header_count; i++) {
        lines[count++] = upstream->headers[i];
    }
    for (size_t i = 0; i < ask->params.length;
         i += strlen((const char *)ask->params.data + i) + 1) {
        lines[count++] = (const char *)ask->params.data + i;
    }
    const struct mcpz_fetch_ports ports = {
        .context = transfer, .on_head = on_head, .on_body = on_body, .on_end = on_end};
    const struct mcpz_fetch_ask fetch = {.method = methods[ask->verb],
                                         .url = upstream->url,
                                         .ca = upstream->ca,
                                         .headers = lines,
                                         .header_count = count,
                                         .body = ask->body,
                                         .repeatable = ask->repeatable};
    mcpz_error error = head.failed ? MCPZ_ENOMEM
                                   : mcpz_fetch_begin(upstream->remotes->fetches, &fetch, &ports,
                                                      &transfer->fetch);
    for (size_t i = 0; i < head.count; i++) {
        free(head.lines[i]);
    }
    if (error != MCPZ_OK) {
        free(transfer);
        return NULL;
    }
    upstream->transfers = transfer;
    if (upstream->paused) {
        mcpz_fetch_pause(transfer->fetch, true);
    }
    return transfer;
}

static void abort_transfer(void *context, void *transfer)
{
    struct transfer *which = (struct transfer *)transfer;

    (void)context;
    mcpz_fetch_abort(which->fetch);
    drop_transfer(which);
}

/* ---- Time --------------------------------------------------------------------------------- */

static mcpz_time now(void *context)
{
    (void)context;
    return mcpz_clock_now();
}

static void wake_at(void *context, mcpz_time at_us)
{
    struct mcpz_upstream *upstream = (struct mcpz_upstream *)context;
    struct ev_loop *loop = loop_of(upstream);
    const mcpz_time from = mcpz_clock_now();

    ev_timer_stop(loop, &upstream->wake);
    if (at_us != MCPZ_TIME_NEVER) {
        ev_now_update(loop);
        ev_timer_set(&upstream->wake, at_us > from ? (double)(at_us - from) / 1e6 : 0.0, 0.0);
        ev_timer_start(loop, &upstream->wake);
    }
}

/* The row of a server; the one unused for longest gives way to a new one. */
static struct known *find_known(struct mcpz_remotes *remotes, const char *name)
{
    struct known *row = &remotes->known[0];

    for (size_t i = 0; i < KNOWN_MAX && strcmp(row->name, name) != 0; i++) {
        struct known *other = &remotes->known[i];
        if (other->used_us < row->used_us || strcmp(other->name, name) == 0) {
            row = other;
        }
    }
    if (strcmp(row->name, name) != 0) {
        mcpz_param_book_finish(&row->book);
        *row = (struct known){.used_us = 0};
        (void)snprintf(row->name, sizeof(row->name), "%s", name);
    }
    row->used_us = mcpz_clock_now();
    return row;
}

static const struct mcpz_param_book *book(void *context)
{
    const struct mcpz_upstream *upstream = (const struct mcpz_upstream *)context;

    return &find_known(upstream->remotes, upstream->name)->book;
}

static void describe(void *context, const char *server, struct mcpz_bytes description)
{
    struct mcpz_remotes *remotes = (struct mcpz_remotes *)context;

    if (mcpz_param_book_read(&find_known(remotes, server)->book, description) != MCPZ_OK) {
        mcpz_log(MCPZ_LOG_ERROR, "mcp", "no memory for headers of tools", "server=%s", server);
    }
}

static void spare(void *context, uint32_t seconds)
{
    struct mcpz_upstream *upstream = (struct mcpz_upstream *)context;

    find_known(upstream->remotes, upstream->name)->spared_until_us =
        mcpz_clock_now() + MCPZ_SECONDS(1) * seconds;
}

/* ---- Upstreams ---------------------------------------------------------------------------- */

static void destroy(struct mcpz_upstream *upstream)
{
    struct mcpz_upstream **link = &upstream->remotes->all;

    mcpz_remote_destroy(upstream->remote);
    assert(upstream->transfers == NULL);
    ev_timer_stop(loop_of(upstream), &upstream->wake);
    for (size_t i = 0; i < upstream->header_count; i++) {
        free(upstream->headers[i]);
    }
    free(upstream->url);
    free(upstream->ca);
    while (*link != upstream) {
        link = &(*link)->next;
    }
    *link = upstream->next;
    upstream->remotes->count--;
    free(upstream);
}

static void on_wake(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct mcpz_upstream *upstream = (struct mcpz_upstream *)timer->data;
    const struct mcpz_upstream_listener listener = upstream->listener;
    char text[512];
    const char *why;

    (void)loop;
    (void)events;
    mcpz_remote_tick(upstream->remote);
    if (mcpz_remote_is_over(upstream->remote, &why)) {
        (void)snprintf(text, sizeof(text), "%s", why);
        destroy(upstream);
        listener.on_gone(listener.context, text);
    }
}

/* Look up what is kept elsewhere. MCPZ_ENOTFOUND: `why` says what is missing. */
static mcpz_error read_headers(struct mcpz_upstream *upstream,
                               const struct mcpz_mcp_server *server, char *why, size_t capacity)
{
    mcpz_error error = MCPZ_OK;

    for (size_t i = 0; i < server->header_count && error == MCPZ_OK; i++) {
        const char *value = strstr(server->headers[i], ": ") + 2;
        const int length = (int)(value - server->headers[i]);
        char text[320];
        char *found;
        error = mcpz_mcp_header_resolve(value, &found, text, sizeof(text));
        if (error == MCPZ_OK) {
            if (asprintf(&upstream->headers[i], "%.*s%s", length, server->headers[i], found) < 0) {
                error = MCPZ_ENOMEM;
            } else {
                upstream->header_count++;
            }
            free(found);
        } else {
            (void)snprintf(why, capacity, "the header %.*s: %s", length - 2, server->headers[i],
                           text);
        }
    }
    return error;
}

static mcpz_error create_remote(struct mcpz_upstream *upstream,
                                const struct mcpz_mcp_server *server)
{
    char shown[256];

    mcpz_mcp_url_show(server->url, shown, sizeof(shown));
    const struct mcpz_remote_config config = {.name = server->service.name,
                                              .url = shown,
                                              .listener = upstream->listener,
                                              .ports = {.context = upstream,
                                                        .now = now,
                                                        .wake_at = wake_at,
                                                        .book = book,
                                                        .begin = begin,
                                                        .abort = abort_transfer,
                                                        .spare = spare}};
    upstream->url = strdup(server->url);
    upstream->ca = server->ca != NULL ? strdup(server->ca) : NULL;
    if (upstream->url == NULL || (server->ca != NULL && upstream->ca == NULL)) {
        return MCPZ_ENOMEM;
    }
    return mcpz_remote_create(&config, &upstream->remote);
}

/* Headers are secrets, mostly. */
static void warn_once(struct mcpz_upstream *upstream)
{
    struct known *known = find_known(upstream->remotes, upstream->name);

    if (upstream->header_count > 0 && mcpz_mcp_url_is_open(upstream->url) && !known->warned) {
        known->warned = true;
        mcpz_log(MCPZ_LOG_WARN, "mcp", "headers of a server cross the network unencrypted",
                 "server=%s", upstream->name);
    }
}

/* Is there a reason not to ask it? Then it is lost before it is begun with. */
static mcpz_error look_ahead(struct mcpz_upstream *upstream, const struct mcpz_mcp_server *server)
{
    const mcpz_time until_us = find_known(upstream->remotes, upstream->name)->spared_until_us;
    const mcpz_time now_us = mcpz_clock_now();
    char why[512] = "";
    mcpz_error error = read_headers(upstream, server, why, sizeof(why));

    warn_once(upstream);
    if (error == MCPZ_OK && until_us > now_us) {
        (void)snprintf(why, sizeof(why), "it has asked to be left alone, for %u s yet",
                       (unsigned)((until_us - now_us) / MCPZ_SECONDS(1)) + 1);
    }
    if ((error == MCPZ_OK || error == MCPZ_ENOTFOUND) && why[0] != '\0') {
        mcpz_remote_lose(upstream->remote, why);
        error = MCPZ_OK;
    }
    return error;
}

static mcpz_error upstream_start(void *context, const struct mcpz_mcp_server *server,
                                 const struct mcpz_upstream_listener *listener,
                                 struct mcpz_upstream **upstream)
{
    struct mcpz_remotes *remotes = (struct mcpz_remotes *)context;

    assert(server->url != NULL);
    *upstream = NULL;
    if (remotes->count == MCPZ_REMOTES_MAX) {
        return MCPZ_EFULL;
    }
    mcpz_error error =
        remotes->fetches == NULL ? mcpz_fetches_create(remotes->loop, &remotes->fetches) : MCPZ_OK;
    if (error != MCPZ_OK) {
        return error;
    }
    struct mcpz_upstream *made = (struct mcpz_upstream *)calloc(1, sizeof(*made));
    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    made->remotes = remotes;
    made->listener = *listener;
    made->next = remotes->all;
    remotes->all = made;
    remotes->count++;
    (void)snprintf(made->name, sizeof(made->name), "%s", server->service.name);
    ev_timer_init(&made->wake, on_wake, 0.0, 0.0);
    made->wake.data = made;
    error = create_remote(made, server);
    error = error == MCPZ_OK ? look_ahead(made, server) : error;
    if (error != MCPZ_OK) {
        destroy(made);
        return error;
    }
    *upstream = made;
    return MCPZ_OK;
}

static mcpz_error upstream_send(struct mcpz_upstream *upstream, const struct mcpz_bytes *parts,
                                size_t count)
{
    return mcpz_remote_say(upstream->remote, parts, count);
}

static void upstream_pause(struct mcpz_upstream *upstream, bool paused)
{
    upstream->paused = paused;
    for (struct transfer *transfer = upstream->transfers; transfer != NULL;
         transfer = transfer->next) {
        mcpz_fetch_pause(transfer->fetch, paused);
    }
}

static void upstream_stop(struct mcpz_upstream *upstream)
{
    if (upstream->paused) {
        upstream_pause(upstream, false); /* what ends it may be heard */
    }
    mcpz_remote_stop(upstream->remote);
}

/* ---- All of them -------------------------------------------------------------------------- */

mcpz_error mcpz_remotes_create(struct mcpz_loop *loop, const struct mcpz_id *node,
                               struct mcpz_remotes **remotes)
{
    struct mcpz_remotes *made = (struct mcpz_remotes *)calloc(1, sizeof(*made));

    *remotes = NULL;
    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    made->loop = loop;
    mcpz_id_to_text(node, 'n', made->via);
    made->port = (struct mcpz_upstreams){.context = made,
                                         .start = upstream_start,
                                         .describe = describe,
                                         .send = upstream_send,
                                         .pause = upstream_pause,
                                         .stop = upstream_stop};
    *remotes = made;
    return MCPZ_OK;
}

const struct mcpz_upstreams *mcpz_remotes_port(struct mcpz_remotes *remotes)
{
    return &remotes->port;
}

void mcpz_remotes_destroy(struct mcpz_remotes *remotes)
{
    if (remotes == NULL) {
        return;
    }
    for (struct mcpz_upstream *upstream = remotes->all; upstream != NULL;
         upstream = upstream->next) {
        upstream_stop(upstream); /* from here on nothing is told */
    }
    if (remotes->fetches != NULL) {
        mcpz_fetches_drive(remotes->fetches, LEAVE_MS);
    }
    for (struct mcpz_upstream *upstream = remotes->all, *next; upstream != NULL; upstream = next) {
        next = upstream->next;
        destroy(upstream);
    }
    mcpz_fetches_destroy(remotes->fetches);
    for (size_t i = 0; i < KNOWN_MAX; i++) {
        mcpz_param_book_finish(&remotes->known[i].book);
    }
    free(remotes);
}
