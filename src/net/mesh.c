#include "net/mesh.h"

#include <assert.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libwebsockets.h>

#include "crypto/proof.h"
#include "host/log.h"
#include "net/client_frame.h"
#include "net/door.h"
#include "net/incoming.h"
#include "net/mesh_internal.h"

/* Bytes that libwebsockets reads at a time, before we do; each connection has a buffer of this
 * size. */
#define RX_BYTES 512

/* One message is one SSL_write(): a smaller size would make libwebsockets copy the rest. */
#define TX_BYTES 131072

/* Close codes of RFC 6455 section 7.4.1. */
#define CLOSE_NORMAL LWS_CLOSE_STATUS_NORMAL
#define CLOSE_REFUSED LWS_CLOSE_STATUS_POLICY_VIOLATION

static_assert(MCPZ_WS_MESSAGE_BYTES_MAX < TX_BYTES, "a message goes out in one piece");
static_assert(LWS_PRE >= MCPZ_CLIENT_FRAME_HEADER_BYTES_MAX, "a header fits before a message");
static_assert(MCPZ_MASK_KEYS_BYTES % MCPZ_CLIENT_FRAME_KEY_BYTES == 0, "keys are whole");

/* ---- Wires -------------------------------------------------------------------------------- */

static struct mcpz_wire *wire_of(struct mcpz_mesh *mesh, struct lws *wsi)
{
    struct mcpz_wire *ours = lws_get_opaque_user_data(wsi);

    for (size_t i = 0; i < MCPZ_CONNECTIONS_MAX && ours == NULL; i++) {
        if (mesh->wires[i].in_use && mesh->wires[i].wsi == wsi) {
            ours = &mesh->wires[i];
        }
    }
    return ours;
}

static struct mcpz_wire *wire_by_link(struct mcpz_mesh *mesh, mcpz_link link)
{
    for (size_t i = 0; i < MCPZ_CONNECTIONS_MAX; i++) {
        if (mesh->wires[i].in_use && mesh->wires[i].link == link) {
            return &mesh->wires[i];
        }
    }
    return mesh->opening;
}

static struct mcpz_wire *wire_by_fd(struct mcpz_mesh *mesh, int fd)
{
    for (size_t i = 0; i < MCPZ_CONNECTIONS_MAX; i++) {
        struct mcpz_wire *wire = &mesh->wires[i];
        if (wire->in_use && wire->wsi != NULL && lws_get_socket_fd(wire->wsi) == fd) {
            return wire;
        }
    }
    return NULL;
}

static void set_deadline(struct mcpz_wire *wire, mcpz_time timeout_us)
{
    struct ev_loop *ev = mcpz_loop_ev(wire->mesh->loop);

    ev_timer_stop(ev, &wire->deadline);
    if (timeout_us != MCPZ_TIME_NEVER) {
        ev_timer_set(&wire->deadline, (double)timeout_us / 1e6, 0.);
        ev_timer_start(ev, &wire->deadline);
    }
}

void mcpz_wire_cut(struct mcpz_wire *wire)
{
    /* It may want to send first what it holds: then it finds out that it cannot. */
    set_deadline(wire, MCPZ_CLOSE_TIMEOUT_US);
    (void)shutdown(lws_get_socket_fd(wire->wsi), SHUT_RDWR);
    lws_set_timeout(wire->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
}

static void on_deadline(struct ev_loop *ev, ev_timer *watcher, int events)
{
    struct mcpz_wire *wire = watcher->data;

    (void)ev;
    (void)events;
    if (!wire->established) {
        wire->timed_out = true;
        wire->mesh->stats.dial_timeouts += wire->is_ours;
    }
    mcpz_wire_cut(wire);
}

static struct mcpz_wire *take_wire(struct mcpz_mesh *mesh, bool is_ours)
{
    struct mcpz_wire *unused = NULL;
    size_t accepted = 0;

    for (size_t i = 0; i < MCPZ_CONNECTIONS_MAX; i++) {
        struct mcpz_wire *wire = &mesh->wires[i];
        if (!wire->in_use) {
            unused = wire;
        } else if (!wire->is_ours) {
            accepted++;
        }
    }
    if (unused == NULL || (!is_ours && accepted >= MCPZ_ACCEPTED_MAX)) {
        return NULL;
    }
    *unused =
        (struct mcpz_wire){.mesh = mesh, .in_use = true, .is_ours = is_ours, .is_starting = true};
    ev_timer_init(&unused->deadline, on_deadline, 0., 0.);
    unused->deadline.data = unused;
    return unused;
}

/* ---- Who has something to send ------------------------------------------------------------ */

void mcpz_wire_ask_to_write(struct mcpz_wire *wire)
{
    struct mcpz_mesh *mesh = wire->mesh;

    if (wire->wants_to_write || wire->wsi == NULL) {
        return;
    }
    wire->wants_to_write = true;
    wire->next_out = NULL;
    if (mesh->first_out == NULL) {
        mesh->first_out = wire;
    } else {
        mesh->last_out->next_out = wire;
    }
    mesh->last_out = wire;
}

static struct mcpz_wire *pop_writer(struct mcpz_mesh *mesh)
{
    struct mcpz_wire *wire = mesh->first_out;

    if (wire != NULL) {
        mesh->first_out = wire->next_out;
        wire->wants_to_write = false;
    }
    return wire;
}

/* It is going. Few want to write at a time. */
static void unask_to_write(struct mcpz_wire *wire)
{
    struct mcpz_mesh *mesh = wire->mesh;
    size_t waiting = 0;

    for (const struct mcpz_wire *at = mesh->first_out; at != NULL; at = at->next_out) {
        waiting++;
    }
    for (; waiting > 0 && wire->wants_to_write; waiting--) { /* once round */
        struct mcpz_wire *first = pop_writer(mesh);
        if (first != wire) {
            mcpz_wire_ask_to_write(first);
        }
    }
}

static void release_wire(struct mcpz_wire *wire)
{
    unask_to_write(wire);
    set_deadline(wire, MCPZ_TIME_NEVER);
    mcpz_incoming_forget(wire);
    *wire = (struct mcpz_wire){.in_use = false};
}

static void end_dial(struct mcpz_wire *wire, enum mcpz_target_end end)
{
    struct mcpz_target target = wire->target;

    if (target.on_end != NULL) {
        wire->target = (struct mcpz_target){.on_end = NULL};
        target.on_end(target.context, end);
    }
}

void mcpz_wire_forget_link(struct mcpz_wire *wire)
{
    mcpz_link link = wire->link;

    if (link != 0) {
        wire->link = 0;
        mcpz_engine_link_closed(mcpz_loop_enter(wire->mesh->loop), link);
    }
}

void mcpz_wire_start_closing(struct mcpz_wire *wire, const char *why)
{
    if (!wire->is_closing) {
        wire->is_closing = true;
        mcpz_incoming_stop(wire);
        mcpz_bytes_to_text(mcpz_text(why), wire->why, sizeof(wire->why));
        set_deadline(wire, MCPZ_CLOSE_TIMEOUT_US);
    }
}

/* Say why in a close frame. Returns what a callback returns to have that sent. */
static int say_goodbye(struct mcpz_wire *wire, int status)
{
    uint8_t text[MCPZ_WHY_BYTES];
    size_t length = strlen(wire->why);

    wire->status = 0;

    memcpy(text, wire->why, length);
    lws_close_reason(wire->wsi, (enum lws_close_status)status, text, length);
    return -1;
}

/* ---- What TLS tells ----------------------------------------------------------------------- */

static bool is_wanted(void *context, int fd, const struct mcpz_id *peer)
{
    const struct mcpz_wire *wire = wire_by_fd(context, fd);

    return wire != NULL && wire->target.wanted != NULL &&
           (mcpz_id_is_zero(wire->target.wanted) || mcpz_id_equal(wire->target.wanted, peer));
}

static void on_tls_event(void *context, int fd, enum mcpz_tls_event event)
{
    struct mcpz_mesh *mesh = context;
    struct mcpz_wire *wire = wire_by_fd(mesh, fd);

    if (wire == NULL) {
        return;
    }
    switch (event) {
    case MCPZ_TLS_BEGUN:
        wire->tls_begun = true;
        break;
    case MCPZ_TLS_DONE:
        wire->tls_done = true;
        break;
    case MCPZ_TLS_REFUSED:
        wire->certificate_refused = true;
        break;
    }
}

/* ---- From the first byte to the link ------------------------------------------------------ */

/* In whose name is the upgrade asked for, or granted? */
static bool speaks_our_protocol(struct lws *wsi)
{
    char name[sizeof(MCPZ_WS_PROTOCOL) + 1];

    return lws_hdr_copy(wsi, name, sizeof(name), WSI_TOKEN_PROTOCOL) > 0 &&
           strcmp(name, MCPZ_WS_PROTOCOL) == 0;
}

/* CVE-2025-11677: anything but a WebSocket must not get past here. */
static bool upgrades_to_websocket(struct lws *wsi)
{
    char name[16];

    return lws_hdr_copy(wsi, name, sizeof(name), WSI_TOKEN_UPGRADE) > 0 &&
           strcasecmp(name, "websocket") == 0;
}

static int on_established(struct mcpz_wire *wire)
{
    struct mcpz_mesh *mesh = wire->mesh;
    struct mcpz_bytes dialled =
        mcpz_text(wire->target.dialled == NULL ? "" : wire->target.dialled);
    struct ssl_st *connection = lws_get_ssl(wire->wsi);
    uint8_t binding[MCPZ_BINDING_BYTES];
    struct mcpz_id peer;

    wire->established = true;
    lws_set_opaque_user_data(wire->wsi, wire);
    set_deadline(wire, MCPZ_TIME_NEVER);
    mcpz_door_set_options(lws_get_socket_fd(wire->wsi));

    mcpz_error error = mcpz_tls_peer(connection, &peer);
    if (error == MCPZ_OK) {
        error = mcpz_tls_binding(connection, binding);
    }
    if (error == MCPZ_OK) {
        mcpz_link link = 0;
        mesh->opening = wire;
        error =
            mcpz_engine_link_opened(mcpz_loop_enter(mesh->loop), &peer, binding, dialled, &link);
        mesh->opening = NULL;
        wire->link = link;
    }
    end_dial(wire, error == MCPZ_OK ? MCPZ_TARGET_LINKED : MCPZ_TARGET_FAILED);
    if (error != MCPZ_OK) {
        mcpz_wire_start_closing(wire, mcpz_strerror(error));
        return say_goodbye(wire, CLOSE_REFUSED);
    }
    mcpz_wire_ask_to_write(wire); /* it may have been asked for when nothing could be sent yet */
    return 0;
}

static void log_refusal(const struct mcpz_wire *wire, const char *reason)
{
    if (wire->is_ours) {
        mcpz_log(MCPZ_LOG_INFO, "net", "dial came to nothing", "address=%s reason=\"%s\"",
                 wire->target.dialled, reason);
    } else {
        mcpz_log(MCPZ_LOG_INFO, "net", "turned a connection away", "address=%s reason=\"%s\"",
                 wire->from, reason);
    }
}

/* Why did a connection not get as far as a link? Counted by who turned whom away. */
static void count_refusal(struct mcpz_wire *wire)
{
    struct mcpz_peers_stats *stats = &wire->mesh->stats;

    if (wire->certificate_refused) {
        stats->refused_certificate++;
        log_refusal(wire, "certificate not accepted");
    } else if (wire->is_ours && wire->timed_out) {
        log_refusal(wire, "no answer in time");
    } else if (wire->tls_begun && !wire->tls_done) {
        stats->refused_tls++;
        log_refusal(wire, "TLS handshake failed");
    } else if (wire->upgrade_refused || (wire->tls_done && !wire->is_ours)) {
        stats->refused_upgrade++;
        log_refusal(wire, "does not speak our protocol");
    } else if (wire->is_ours) {
        log_refusal(wire, wire->why);
    }
}

static void on_gone(struct mcpz_wire *wire)
{
    bool is_answered = wire->tls_done || wire->certificate_refused;

    if (!wire->established) {
        count_refusal(wire);
    }
    mcpz_wire_forget_link(wire);
    if (wire->is_starting) {
        wire->is_starting = false; /* who started it sees by this that it is over */
        return;
    }
    end_dial(wire, is_answered || wire->timed_out ? MCPZ_TARGET_FAILED : MCPZ_TARGET_UNANSWERED);
    release_wire(wire);
}

/* ---- Frames out --------------------------------------------------------------------------- */

static const uint8_t *next_key(struct mcpz_mesh *mesh)
{
    if (mesh->keys_used == 0 || mesh->keys_used == sizeof(mesh->keys)) {
        mcpz_random(mesh->keys, sizeof(mesh->keys));
        mesh->keys_used = 0;
    }
    const uint8_t *key = mesh->keys + mesh->keys_used;
    mesh->keys_used += MCPZ_CLIENT_FRAME_KEY_BYTES;
    return key;
}

/* False: the connection is to be closed. What the socket does not take libwebsockets keeps. */
static bool write_message(struct mcpz_wire *wire, struct mcpz_bytes frame)
{
    uint8_t *out = wire->mesh->out + LWS_PRE;
    int length = (int)frame.length;

    /* Copied: what is before it is written to, and a client masks it in place. */
    memcpy(out, frame.data, frame.length);
    if (!wire->is_ours) {
        return lws_write(wire->wsi, out, frame.length, LWS_WRITE_BINARY) >= length;
    }
    /* To libwebsockets, "HTTP" means: as it is. */
    size_t header = mcpz_client_frame_make(out, frame.length, next_key(wire->mesh));
    return lws_write(wire->wsi, out - header, header + frame.length, LWS_WRITE_HTTP) >= length;
}

static int answer_ping(struct mcpz_wire *wire)
{
    uint8_t *out = wire->mesh->out + LWS_PRE;
    const int length = wire->ping_length;

    memcpy(out, wire->ping, wire->ping_length);
    wire->is_pinged = false;
    wire->ping_length = 0;
    mcpz_wire_ask_to_write(wire);
    return lws_write(wire->wsi, out, (size_t)length, LWS_WRITE_PONG) < length ? -1 : 0;
}

static int on_writeable(struct mcpz_wire *wire)
{
    struct mcpz_engine *engine = mcpz_loop_engine(wire->mesh->loop);

    if (wire->link == 0) {
        return wire->status != 0 ? say_goodbye(wire, wire->status) : 0;
    }
    if (lws_partial_buffered(wire->wsi) != 0) {
        (void)lws_callback_on_writable(wire->wsi);
        return 0;
    }
    if (wire->is_pinged) {
        return answer_ping(wire);
    }
    struct mcpz_bytes frame = mcpz_engine_pull(engine, wire->link);
    if (frame.length > 0) {
        assert(frame.length <= MCPZ_WS_MESSAGE_BYTES_MAX);
        if (!write_message(wire, frame)) {
            return -1;
        }
    }
    if (lws_partial_buffered(wire->wsi) != 0) {
        (void)lws_callback_on_writable(wire->wsi); /* the socket is full */
        return 0;
    }
    if (mcpz_engine_has_frames(engine, wire->link)) {
        mcpz_wire_ask_to_write(wire);
        return 0;
    }
    return wire->is_closing ? say_goodbye(wire, CLOSE_NORMAL) : 0;
}

/* ---- What libwebsockets tells ------------------------------------------------------------- */

static int on_piece(struct mcpz_wire *wire, struct mcpz_bytes bytes)
{
    const struct mcpz_ws_piece piece = {
        .kind = lws_frame_is_binary(wire->wsi) != 0 ? MCPZ_WS_BINARY : MCPZ_WS_TEXT,
        .bytes = bytes,
        .left = lws_remaining_packet_payload(wire->wsi),
        .is_last = lws_is_final_fragment(wire->wsi) != 0,
    };

    return mcpz_incoming_take(wire, &piece) ? 0 : say_goodbye(wire, wire->status);
}

static int on_wire_event(struct mcpz_wire *wire, enum lws_callback_reasons reason, void *in,
                         size_t length)
{
    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
        return on_established(wire);
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_CLIENT_RECEIVE:
        return on_piece(wire, mcpz_bytes(in, length));
    case LWS_CALLBACK_CLOSED:
    case LWS_CALLBACK_CLIENT_CLOSED:
        mcpz_incoming_forget(wire); /* its descriptor is about to be closed */
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_CLIENT_WRITEABLE:
        return on_writeable(wire);
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        mcpz_bytes_to_text(mcpz_bytes(in, in == NULL ? 0 : length), wire->why, sizeof(wire->why));
        /* Its handshake errors begin so: an answer came, and it was not the one. */
        wire->upgrade_refused = strncmp(wire->why, "HS:", 3) == 0;
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        on_gone(wire);
        return 0;
    default:
        return 0;
    }
}

/* One answer for every reason there is: 0 goes on, anything else closes. */
static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t length)
{
    struct lws_vhost *vhost =
        reason == LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS ? in : lws_get_vhost(wsi);
    struct mcpz_mesh *mesh = vhost == NULL ? NULL : lws_vhost_user(vhost);

    if (mesh == NULL || mesh->is_over) {
        return 0;
    }
    switch (reason) {
    case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
        return mcpz_tls_set_up(mesh->tls, user) == MCPZ_OK ? 0 : -1;
    case LWS_CALLBACK_WSI_CREATE: {
        struct mcpz_wire *ours = lws_get_opaque_user_data(wsi);
        ours = ours == NULL ? mesh->arriving : ours;
        if (ours != NULL) {
            ours->wsi = wsi;
        }
        mesh->arriving = NULL;
        return 0;
    }
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return upgrades_to_websocket(wsi) ? 0 : -1;
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
    case LWS_CALLBACK_CLIENT_FILTER_PRE_ESTABLISH:
        return speaks_our_protocol(wsi) ? 0 : -1;
    case LWS_CALLBACK_HTTP: /* not an upgrade */
        return -1;
    default:
        break;
    }
    struct mcpz_wire *wire = wire_of(mesh, wsi);
    return wire == NULL ? 0 : on_wire_event(wire, reason, in, length);
}

static const struct lws_protocols protocols[] = {
    {
        .name = MCPZ_WS_PROTOCOL,
        .callback = on_event,
        .rx_buffer_size = RX_BYTES,
        .tx_packet_size = TX_BYTES,
    },
    {.name = NULL},
};

/* ---- Beginning and end -------------------------------------------------------------------- */

/* It would send our dials to the proxy named in the environment. */
static struct lws_vhost *make_vhost(struct lws_context *context,
                                    const struct lws_context_creation_info *info)
{
    const char *set = getenv("http_proxy");
    char *proxy = set == NULL ? NULL : strdup(set);

    if (set != NULL && proxy == NULL) {
        return NULL;
    }
    (void)unsetenv("http_proxy");
    struct lws_vhost *vhost = lws_create_vhost(context, info);
    if (proxy != NULL) {
        (void)setenv("http_proxy", proxy, 1);
        free(proxy);
    }
    return vhost;
}

mcpz_error mcpz_mesh_begin(struct mcpz_mesh *mesh, struct mcpz_loop *loop,
                           const struct mcpz_identity *identity)
{
    const struct mcpz_tls_watch watch = {
        .context = mesh,
        .is_wanted = is_wanted,
        .on_event = on_tls_event,
    };
    struct lws_context_creation_info info = {
        .vhost_name = "mesh",
        .port = CONTEXT_PORT_NO_LISTEN_SERVER, /* no other vhost's: see http/server.c */
        .protocols = protocols,
        .options = LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX |
                   LWS_SERVER_OPTION_REQUIRE_VALID_OPENSSL_CLIENT_CERT |
                   LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS,
        .alpn = "http/1.1",
        .user = mesh,
    };

    *mesh = (struct mcpz_mesh){.loop = loop};
    mesh->more = (struct mcpz_deferred){.run = mcpz_incoming_more, .context = mesh};
    mesh->out = malloc(LWS_PRE + MCPZ_WS_MESSAGE_BYTES_MAX);
    mesh->in = malloc(MCPZ_MESH_READ_BYTES);
    if (mesh->out == NULL || mesh->in == NULL) {
        return MCPZ_ENOMEM;
    }
    mcpz_error error = mcpz_tls_create(identity, &watch, &mesh->tls);
    if (error != MCPZ_OK) {
        return error;
    }
    info.provided_client_ssl_ctx = mcpz_tls_client(mesh->tls);
    mesh->vhost = make_vhost(mcpz_loop_lws(loop), &info);
    return mesh->vhost == NULL ? MCPZ_EIO : MCPZ_OK;
}

void mcpz_mesh_end(struct mcpz_mesh *mesh)
{
    mesh->is_over = true;
    mcpz_loop_undefer(mesh->loop, &mesh->more);
    for (size_t i = 0; i < MCPZ_CONNECTIONS_MAX; i++) {
        if (mesh->wires[i].in_use) {
            set_deadline(&mesh->wires[i], MCPZ_TIME_NEVER);
            mcpz_incoming_forget(&mesh->wires[i]);
        }
    }
}

void mcpz_mesh_finish(struct mcpz_mesh *mesh)
{
    for (size_t i = 0; i < MCPZ_CONNECTIONS_MAX; i++) {
        free(mesh->wires[i].message);
    }
    mcpz_tls_destroy(mesh->tls);
    free(mesh->out);
    free(mesh->in);
}

static void note_address(struct mcpz_wire *wire, int fd)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof(address);

    if (getpeername(fd, (struct sockaddr *)&address, &length) != 0 ||
        getnameinfo((struct sockaddr *)&address, length, wire->from, sizeof(wire->from), NULL, 0,
                    NI_NUMERICHOST) != 0) {
        strcpy(wire->from, "?");
    }
}

void mcpz_mesh_adopt(struct mcpz_mesh *mesh, int fd)
{
    struct mcpz_wire *wire = take_wire(mesh, false);

    if (wire == NULL) {
        mesh->stats.refused_full++;
        close(fd);
        return;
    }
    mesh->stats.accepted++;
    note_address(wire, fd);
    mesh->arriving = wire;
    struct lws *wsi = lws_adopt_socket_vhost(mesh->vhost, fd);
    mesh->arriving = NULL;
    if (wsi == NULL || !wire->is_starting) {
        release_wire(wire);
        return;
    }
    wire->is_starting = false;
    set_deadline(wire, MCPZ_HANDSHAKE_TIMEOUT_US);
}

bool mcpz_mesh_connect(struct mcpz_mesh *mesh, const struct mcpz_target *target)
{
    struct mcpz_wire *wire = take_wire(mesh, true);

    if (wire == NULL) {
        return false;
    }
    wire->target = *target;
    const struct lws_client_connect_info info = {
        .context = mcpz_loop_lws(mesh->loop),
        .vhost = mesh->vhost,
        .address = target->host,
        .port = target->port,
        .ssl_connection = LCCSCF_USE_SSL | LCCSCF_HTTP_NO_FOLLOW_REDIRECT,
        .path = "/",
        .host = "mesh",
        .protocol = MCPZ_WS_PROTOCOL,
        .local_protocol_name = MCPZ_WS_PROTOCOL,
        .alpn = "http/1.1",
        .opaque_user_data = wire,
    };
    struct lws *wsi = lws_client_connect_via_info(&info);
    if (wsi == NULL || !wire->is_starting) {
        release_wire(wire);
        return false;
    }
    wire->is_starting = false;
    wire->wsi = wsi;
    set_deadline(wire, target->timeout_us);
    return true;
}

void mcpz_mesh_wake(void *context, mcpz_link link)
{
    struct mcpz_wire *wire = wire_by_link(context, link);

    if (wire != NULL) {
        mcpz_wire_ask_to_write(wire);
    }
}

void mcpz_mesh_close(void *context, mcpz_link link, const char *why)
{
    struct mcpz_wire *wire = wire_by_link(context, link);

    if (wire != NULL) {
        mcpz_wire_start_closing(wire, why);
        mcpz_wire_ask_to_write(wire);
    }
}

/*
 * libwebsockets calls back with LWS_CALLBACK_*_WRITEABLE as if the socket had been found to be
 * writable, as it nearly always is: to find out costs two epoll_ctl() and one epoll_wait() for
 * each turn. What the socket does not take is kept by libwebsockets, which then waits for it.
 */
void mcpz_mesh_flush(void *context)
{
    struct mcpz_mesh *mesh = context;

    mesh->turn_bytes = 0;
    for (struct mcpz_wire *wire = pop_writer(mesh); wire != NULL; wire = pop_writer(mesh)) {
        if (!wire->established) {
            continue; /* it asks again once it stands */
        }
        struct lws_pollfd ready = {
            .fd = lws_get_socket_fd(wire->wsi), .events = LWS_POLLOUT, .revents = LWS_POLLOUT};
        (void)lws_service_fd(mcpz_loop_lws(mesh->loop), &ready);
    }
}
