#include "http/server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ev.h>
#include <libwebsockets.h>

#include "base/base64.h"
#include "host/acceptor.h"
#include "host/socket_path.h"
#include "http/api.h"
#include "http/backup_edge.h"
#include "http/blob_edge.h"
#include "http/connection.h"
#include "http/fellows.h"
#include "http/lobby.h"
#include "http/measure.h"
#include "http/snapshotter.h"

/* How often what has waited too long is looked for. */
#define TICK_SECONDS 0.25

struct mcpz_server {
    struct mcpz_loop *loop;
    const struct mcpz_config *config;
    struct mcpz_bearer bearer;
    struct mcpz_server_sources sources;
    char *directory;
    mcpz_time started;
    struct mcpz_api *api;
    struct mcpz_blob_edge *blobs;
    struct mcpz_backup_edge *backup;
    struct mcpz_snapshotter snapshotter;
    struct mcpz_hub hub;
    struct lws_vhost *vhost; /* of all sockets */
    struct mcpz_side local;
    struct mcpz_side tcp;
    struct mcpz_acceptor acceptor; /* of the Unix socket */
    struct mcpz_lobby *lobby;      /* NULL: there is no TCP port */
    struct mcpz_socket_path socket;
    char url[sizeof("http://[]:65535") + 256]; /* of the TCP port; "": none */
    struct mcpz_exchange *import;              /* of ourselves; NULL: none is under way */
    void (*imported)(void *context, unsigned status, struct mcpz_bytes answer);
    void *imported_context;
    struct mcpz_deferred import_end;
    struct mcpz_deferred progress;
    ev_timer tick;
    ev_timer wake; /* for the face of MCP servers */
};

/* ---- The API's ports ---------------------------------------------------------------------- */

static struct mcpz_engine *enter(void *context)
{
    struct mcpz_server *server = context;
    return mcpz_loop_enter(server->loop);
}

static void defer(void *context)
{
    struct mcpz_server *server = context;
    mcpz_loop_defer(server->loop, &server->progress);
}

static mcpz_time now(void *context)
{
    (void)context;
    return mcpz_clock_now();
}

static uint64_t wall_ms(void *context)
{
    (void)context;
    return mcpz_clock_wall_ms();
}

static void measure(void *context, struct mcpz_api_measures *measures)
{
    struct mcpz_server *server = context;
    struct mcpz_lmdb_stats stats = {0};

    *measures = (struct mcpz_api_measures){.started = server->started};
    mcpz_measure_process(server->directory, measures);
    if (server->sources.runs != NULL) {
        server->sources.runs(server->sources.context, &measures->runs_running,
                             &measures->runs_waiting);
    }
    measures->api_url = mcpz_server_url(server);
    measures->snapshot_trouble = mcpz_snapshotter_trouble(&server->snapshotter);
    measures->snapshots = server->snapshotter.made;
    measures->snapshots_failed = server->snapshotter.failed;
    measures->api_guarded = mcpz_access_is_guarded(&server->bearer);
    mcpz_lmdb_stats(mcpz_loop_store(server->loop), &stats);
    measures->store.entries = stats.entries;
    measures->store.used_bytes = stats.used_bytes;
    measures->store.map_bytes = stats.map_bytes;
    measures->store.commits = stats.commits;
    measures->store.writes = stats.writes;
    measures->store.failed_commits = stats.failed_commits;
    measures->store.commit_us_last = stats.commit_us_last;
    measures->store.commit_us_max = stats.commit_us_max;
    measures->store.took = stats.took;
    measures->busy = mcpz_loop_busy(server->loop);
}

static void count(void *context,
                  void (*visit)(void *visit_context, const struct mcpz_api_count *count),
                  void *visit_context)
{
    struct mcpz_server *server = context;

    if (server->sources.count != NULL) {
        server->sources.count(server->sources.context, visit, visit_context);
    }
}

static const struct mcpz_rule *tell_rules(void *context, size_t *count)
{
    const struct mcpz_server *server = context;

    *count = server->config->rule_count;
    return server->config->rules;
}

static const struct mcpz_mcp_names *tell_mcp_names(void *context)
{
    const struct mcpz_server *server = context;

    return mcpz_mcp_servers_names(&server->config->mcp);
}

static void walk_config(void *context,
                        void (*visit)(void *visit_context, const char *key, const char *value,
                                      const char *origin),
                        void *visit_context)
{
    struct mcpz_server *server = context;
    mcpz_config_walk(server->config, visit, visit_context);
}

/* ---- Turning ------------------------------------------------------------------------------ */

static void on_action(void *context, const struct mcpz_action *action)
{
    struct mcpz_server *server = context;

    if (!server->hub.is_over) {
        mcpz_api_act(server->api, action);
    }
}

static void on_progress(void *context)
{
    struct mcpz_server *server = context;
    mcpz_api_progress(server->api);
}

static void on_tick(struct ev_loop *ev, ev_timer *watcher, int events)
{
    struct mcpz_server *server = watcher->data;

    (void)ev;
    (void)events;
    mcpz_api_tick(server->api);
    if (mcpz_snapshotter_tick(&server->snapshotter, mcpz_clock_wall_ms())) {
        mcpz_api_tell(server->api, MCPZ_FACT_SNAPSHOT_FAILED);
    }
    mcpz_hub_tick(&server->hub);
}

static void on_wake(struct ev_loop *ev, ev_timer *watcher, int events)
{
    struct mcpz_server *server = watcher->data;

    (void)ev;
    (void)events;
    mcpz_api_wake(server->api);
}

static void wake_at(void *context, mcpz_time at_us)
{
    struct mcpz_server *server = context;
    struct ev_loop *ev = mcpz_loop_ev(server->loop);
    mcpz_time now_us = mcpz_clock_now();

    ev_timer_stop(ev, &server->wake);
    ev_now_update(ev);
    ev_timer_set(&server->wake, at_us > now_us ? (double)(at_us - now_us) / 1e6 : 0., 0.);
    ev_timer_start(ev, &server->wake);
}

void mcpz_server_tell(struct mcpz_server *server, enum mcpz_fact_kind kind)
{
    mcpz_api_tell(server->api, kind);
}

/* ---- An import of our own ----------------------------------------------------------------- */

/* Outside of the exchange's own turn, which may not end under it. */
static void end_import(void *context)
{
    struct mcpz_server *server = context;
    const struct mcpz_response *response = mcpz_api_response(server->import);

    if (server->imported != NULL && response != NULL) {
        server->imported(server->imported_context, response->status,
                         mcpz_body_in_memory(&response->body));
    }
    mcpz_api_close(server->import);
    server->import = NULL;
}

static void on_imported(void *context)
{
    struct mcpz_server *server = context;

    mcpz_loop_defer(server->loop, &server->import_end);
}

void mcpz_server_body_init(const struct mcpz_server *server, struct mcpz_body *body)
{
    mcpz_api_body_init(server->api, body);
}

mcpz_error mcpz_server_import(struct mcpz_server *server, struct mcpz_body *body,
                              void (*done)(void *context, unsigned status,
                                           struct mcpz_bytes answer),
                              void *context)
{
    static const char query[] = "lenient=1";
    struct mcpz_request request = {.method = MCPZ_POST,
                                   .path = mcpz_text("/v1/snapshots/import"),
                                   .query = mcpz_bytes(query, sizeof(query)),
                                   .access = MCPZ_ACCESS_ALL,
                                   .body = body};

    assert(server->import == NULL);
    mcpz_error error = mcpz_api_open(server->api, NULL, &server->import);
    if (error != MCPZ_OK) {
        return error;
    }
    server->imported = done;
    server->imported_context = context;
    mcpz_api_answer_to(server->import, on_imported, server);
    mcpz_api_ask(server->import, &request);
    return MCPZ_OK;
}

/* ---- Listening ---------------------------------------------------------------------------- */

/* What reads requests, of both sides. By its port libwebsockets looks for a vhost that is called
 * as the Host header says, and takes the first one of that port: so it must not be the mesh's,
 * which does not listen either, as a server. */
static mcpz_error make_vhost(struct mcpz_server *server, struct mcpz_server_trouble *trouble)
{
    const struct lws_context_creation_info info = {
        .vhost_name = "api",
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = mcpz_connection_protocols(),
        .user = &server->hub,
        .alpn = "http/1.1",
        .server_string = "mcpz",
        .keepalive_timeout = server->config != NULL ? (int)server->config->api_idle_seconds
                                                    : MCPZ_API_IDLE_SECONDS_DEFAULT,
    };

    server->vhost = lws_create_vhost(mcpz_loop_lws(server->loop), &info);
    if (server->vhost == NULL) {
        (void)snprintf(trouble->text, sizeof(trouble->text),
                       "libwebsockets: no vhost for the API");
        return MCPZ_ENOMEM;
    }
    return MCPZ_OK;
}

static bool has_room(void *context, size_t waiting)
{
    const struct mcpz_server *server = context;

    return mcpz_hub_has_room(&server->hub, waiting);
}

/* Give libwebsockets a client of that side. */
static void enter_client(struct mcpz_server *server, struct mcpz_side *side, int fd)
{
    server->hub.entering = side;
    (void)lws_adopt_socket_vhost(server->vhost, fd); /* or it is closed */
    server->hub.entering = NULL;
}

static void enter_program(void *context, int fd)
{
    struct mcpz_server *server = context;

    if (has_room(server, 0)) {
        enter_client(server, &server->local, fd);
    } else {
        (void)close(fd);
    }
}

static mcpz_error listen_locally(struct mcpz_server *server, struct mcpz_server_trouble *trouble)
{
    server->acceptor.fd = mcpz_socket_path_listen(&server->socket);
    if (server->acceptor.fd < 0) {
        (void)snprintf(trouble->text, sizeof(trouble->text),
                       "cannot make the socket %s: %s: is the directory writable, and on a file "
                       "system that has sockets?",
                       server->socket.path, strerror(errno));
        return MCPZ_EIO;
    }
    mcpz_acceptor_start(&server->acceptor);
    return MCPZ_OK;
}

static mcpz_error listen_on(const struct addrinfo *address, const char *text, int *listening,
                            struct mcpz_server_trouble *trouble)
{
    const int yes = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 &&
        bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0) {
        *listening = fd;
        return MCPZ_OK;
    }
    int reason = errno;
    if (fd >= 0) {
        (void)close(fd);
    }
    (void)snprintf(trouble->text, sizeof(trouble->text), "cannot serve the API on %.300s: %s%s",
                   text, strerror(reason),
                   reason == EADDRINUSE ? "; choose another port with --api HOST:PORT" : "");
    return reason == EADDRINUSE ? MCPZ_ECONFLICT : MCPZ_EIO;
}

/* Listen on the address of `text`. */
static mcpz_error open_address(struct mcpz_server *server, const char *text, int *listening,
                               struct mcpz_server_trouble *trouble)
{
    char host[MCPZ_ADDRESS_BYTES_MAX + 1];
    char digits[8];
    uint16_t port = 0;
    struct addrinfo *addresses = NULL;
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};

    if (mcpz_address_split(text, 8000, host, &port) != MCPZ_OK) {
        (void)snprintf(trouble->text, sizeof(trouble->text), "\"%.300s\" is not HOST:PORT", text);
        return MCPZ_EIO;
    }
    (void)snprintf(server->tcp.host, sizeof(server->tcp.host), "%.255s", host);
    (void)snprintf(digits, sizeof(digits), "%u", port);
    int failed = getaddrinfo(host[0] != '\0' ? host : "127.0.0.1", digits, &hints, &addresses);
    if (failed != 0) {
        (void)snprintf(trouble->text, sizeof(trouble->text), "cannot serve the API on %.300s: %s",
                       text, gai_strerror(failed));
        return MCPZ_EIO;
    }
    mcpz_error error = listen_on(addresses, text, listening, trouble);
    freeaddrinfo(addresses);
    return error;
}

/* Where it listens: with the port that it got, if it was to be any. */
static mcpz_error write_url(struct mcpz_server *server, int listening)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof(address);
    char numeric[NI_MAXHOST];
    char port[8];

    if (getsockname(listening, (struct sockaddr *)&address, &length) != 0 ||
        getnameinfo((struct sockaddr *)&address, length, numeric, sizeof(numeric), port,
                    sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) != 0) {
        return MCPZ_EIO;
    }
    const char *host = server->tcp.host[0] != '\0' ? server->tcp.host : numeric;
    const bool is_v6 = strchr(host, ':') != NULL;
    (void)snprintf(server->url, sizeof(server->url), "http://%s%.255s%s:%.5s", is_v6 ? "[" : "",
                   host, is_v6 ? "]" : "", port);
    return MCPZ_OK;
}

/* Its request is there. */
static void enter_visitor(void *context, int fd)
{
    struct mcpz_server *server = context;

    enter_client(server, &server->tcp, fd);
}

static mcpz_error listen_on_tcp(struct mcpz_server *server, const char *text,
                                struct mcpz_server_trouble *trouble)
{
    int listening = -1;

    mcpz_error error = open_address(server, text, &listening, trouble);
    if (error != MCPZ_OK) {
        return error;
    }
    const struct mcpz_lobby_config lobby = {.ev = mcpz_loop_ev(server->loop),
                                            .fd = listening,
                                            .context = server,
                                            .has_room = has_room,
                                            .enter = enter_visitor};
    error = write_url(server, listening);
    if (error == MCPZ_OK) {
        error = mcpz_lobby_create(&lobby, &server->lobby);
    } else {
        (void)close(listening);
    }
    if (error != MCPZ_OK) {
        (void)snprintf(trouble->text, sizeof(trouble->text), "cannot serve the API on %.300s: %s",
                       text, mcpz_strerror(error));
    }
    return error;
}

/* Who is let in. Of what the configuration says, which was checked. */
static void read_bearer(const struct mcpz_config *config, struct mcpz_bearer *bearer)
{
    for (const char *key = config->api_keys; key != NULL && *key != '\0';) {
        const size_t length = strcspn(key, ",");
        struct mcpz_bytes tenant;
        const struct mcpz_bytes alone = mcpz_config_split_key(mcpz_bytes(key, length), &tenant);
        mcpz_error error = mcpz_bearer_add_key(bearer, alone, tenant);
        assert(error == MCPZ_OK);
        (void)error;
        key += length + (key[length] == ',' ? 1 : 0);
    }
    if (config->jwt_secret != NULL) {
        bearer->secret_length = strlen(config->jwt_secret);
        memcpy(bearer->secret, config->jwt_secret, bearer->secret_length);
    }
    if (config->jwt_public_key != NULL) {
        size_t length;
        mcpz_error error = mcpz_base64url_decode(mcpz_text(config->jwt_public_key),
                                                 bearer->signers[0].bytes, MCPZ_ID_BYTES, &length);
        assert(error == MCPZ_OK);
        bearer->signer_count = error == MCPZ_OK ? 1 : 0;
    }
    (void)snprintf(bearer->issuer, sizeof(bearer->issuer), "%s",
                   config->jwt_issuer != NULL ? config->jwt_issuer : "");
    (void)snprintf(bearer->audience, sizeof(bearer->audience), "%s",
                   config->jwt_audience != NULL ? config->jwt_audience : "");
}

static_assert(MCPZ_API_KEYS_MAX <= MCPZ_BEARER_KEYS_MAX, "room for all keys");
static_assert(MCPZ_JWT_SECRET_BYTES_MAX <= MCPZ_BEARER_SECRET_BYTES_MAX, "room for the secret");
static_assert(MCPZ_JWT_TEXT_BYTES_MAX <= MCPZ_BEARER_TEXT_BYTES_MAX, "and for the texts");

/* ---- Making and unmaking ------------------------------------------------------------------ */

/* When libwebsockets' callbacks can come no more. */
static void release(void *context)
{
    struct mcpz_server *server = context;

    mcpz_snapshotter_finish(&server->snapshotter);
    mcpz_backup_edge_destroy(server->backup);
    mcpz_blob_edge_destroy(server->blobs);
    mcpz_api_destroy(server->api);
    mcpz_bearer_wipe(&server->bearer);
    free(server->hub.out);
    free(server->directory);
    free(server);
}

/* How long what nobody needs of blobs is kept; 0: as is usual. */
static uint64_t blob_clear_ms(const struct mcpz_server_config *config)
{
    return config->config != NULL ? (uint64_t)config->config->blob_clear_seconds * 1000 : 0;
}

/* The Unix socket and the TCP port, neither of which is open yet. */
static void make_sides(struct mcpz_server *made)
{
    made->local = (struct mcpz_side){.hub = &made->hub, .local = true, .bearer = &made->bearer};
    made->tcp = (struct mcpz_side){.hub = &made->hub, .bearer = &made->bearer};
    made->acceptor = (struct mcpz_acceptor){.ev = mcpz_loop_ev(made->loop),
                                            .fd = -1,
                                            .module = "http",
                                            .guest = enter_program,
                                            .context = made};
}

static mcpz_error make(struct mcpz_loop *loop, const struct mcpz_server_config *config,
                       struct mcpz_server **server)
{
    struct mcpz_server *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    made->loop = loop;
    made->config = config->config;
    made->sources = config->sources;
    make_sides(made);
    if (config->config != NULL) {
        read_bearer(config->config, &made->bearer);
    }
    made->started = config->started;
    made->import_end = (struct mcpz_deferred){.run = end_import, .context = made};
    made->progress = (struct mcpz_deferred){.run = on_progress, .context = made};
    made->directory = strdup(config->directory);
    made->hub.out = malloc(LWS_PRE + MCPZ_API_CHUNK_BYTES);

    const struct mcpz_blob_worker_config blobs = {.directory = config->directory,
                                                  .grace_ms = blob_clear_ms(config),
                                                  .room_bytes = MCPZ_BLOB_ROOM_BYTES,
                                                  .keyring = config->keyring};
    mcpz_error error = mcpz_blob_edge_create(mcpz_loop_ev(loop), &blobs, &made->blobs);
    if (error == MCPZ_OK) {
        error = mcpz_backup_edge_create(loop, config->directory, config->keyring,
                                        mcpz_blob_edge_port(made->blobs), &made->backup);
    }
    const struct mcpz_api_ports ports = {
        .context = made,
        .enter = enter,
        .defer = defer,
        .answered = mcpz_connection_answered,
        .now = now,
        .wall_ms = wall_ms,
        .measure = measure,
        .count = count,
        .pools = config->sources.pools,
        .hosting = config->sources.hosting,
        .blobs = mcpz_blob_edge_port(made->blobs),
        .blobs_mourned_us =
            MCPZ_SECONDS(config->config != NULL ? config->config->blob_repair_seconds
                                                : MCPZ_BLOB_REPAIR_SECONDS_DEFAULT),
        .blobs_scan_us = MCPZ_MS(blob_clear_ms(config)),
        .keyring = config->keyring,
        .backup = mcpz_backup_edge_port(made->backup),
        .rules = tell_rules,
        .mcp_names = tell_mcp_names,
        .wake_at = wake_at,
        .walk_config = walk_config,
        .desk = config->desk,
    };
    if (error != MCPZ_OK || made->directory == NULL || made->hub.out == NULL ||
        mcpz_api_create(&ports, config->directory, &made->api) != MCPZ_OK) {
        release(made);
        return MCPZ_ENOMEM;
    }
    if (config->config != NULL) {
        mcpz_snapshotter_init(&made->snapshotter, mcpz_backup_edge_port(made->backup),
                              made->directory, config->config->snapshot_seconds,
                              config->config->snapshots_kept);
    }
    made->hub.api = made->api;
    made->hub.ev = mcpz_loop_ev(loop);
    made->hub.socket_max =
        config->config != NULL ? config->config->api_connections : MCPZ_API_CONNECTIONS_DEFAULT;
    *server = made;
    return MCPZ_OK;
}

mcpz_error mcpz_server_create(struct mcpz_loop *loop, const struct mcpz_server_config *config,
                              struct mcpz_server **server, struct mcpz_server_trouble *trouble)
{
    struct mcpz_server *made = NULL;

    *server = NULL;
    mcpz_error error = make(loop, config, &made);
    if (error != MCPZ_OK) {
        (void)snprintf(trouble->text, sizeof(trouble->text), "out of memory");
        return error;
    }
    mcpz_loop_at_end(loop, release, made);
    mcpz_loop_listen(loop, on_action, made);
    mcpz_loop_on_flush(loop, mcpz_hub_flush, &made->hub);
    ev_timer_init(&made->wake, on_wake, 0., 0.);
    made->wake.data = made;
    ev_timer_init(&made->tick, on_tick, TICK_SECONDS, TICK_SECONDS);
    made->tick.data = made;
    ev_timer_start(mcpz_loop_ev(loop), &made->tick);

    error = mcpz_socket_path_choose(config->directory, MCPZ_API_SOCKET, &made->socket);
    if (error != MCPZ_OK) {
        (void)snprintf(trouble->text, sizeof(trouble->text),
                       "no place for the API's socket: the path of the data directory is too "
                       "long, and nothing can be made in /tmp");
    }
    if (error == MCPZ_OK) {
        error = make_vhost(made, trouble);
    }
    if (error == MCPZ_OK) {
        error = listen_locally(made, trouble);
    }
    if (error == MCPZ_OK && config->api != NULL) {
        error = listen_on_tcp(made, config->api, trouble);
        error = config->api_may_fail ? MCPZ_OK : error;
    }
    if (error != MCPZ_OK) {
        mcpz_server_destroy(made);
        return error;
    }
    mcpz_api_look_at_rules(made->api);
    *server = made;
    return MCPZ_OK;
}

void mcpz_server_destroy(struct mcpz_server *server)
{
    if (server == NULL) {
        return;
    }
    mcpz_lobby_destroy(server->lobby);
    server->lobby = NULL;
    mcpz_hub_end(&server->hub);
    mcpz_fellows_finish(server->api);
    mcpz_loop_undefer(server->loop, &server->import_end);
    if (server->import != NULL) {
        server->imported = NULL;
        end_import(server);
    }
    mcpz_loop_undefer(server->loop, &server->progress);
    ev_timer_stop(mcpz_loop_ev(server->loop), &server->tick);
    ev_timer_stop(mcpz_loop_ev(server->loop), &server->wake);
    if (server->acceptor.fd >= 0) {
        mcpz_acceptor_close(&server->acceptor);
        mcpz_socket_path_remove(&server->socket);
    }
}

const char *mcpz_server_socket_path(const struct mcpz_server *server)
{
    return server->socket.path;
}

const char *mcpz_server_url(const struct mcpz_server *server)
{
    return server->url[0] != '\0' ? server->url : NULL;
}
