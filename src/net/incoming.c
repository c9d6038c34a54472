#include "net/incoming.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <libwebsockets.h>

#include "net/mesh_internal.h"

#define MESSAGE_BYTES_LEAST 4096 /* of room for one that comes in pieces */
#define ENOUGH_BYTES 4096        /* in one turn: with more, the other end would wait for us */

/* ---- Pieces ------------------------------------------------------------------------------- */

static bool refuse(struct mcpz_wire *wire, enum lws_close_status status, const char *why)
{
    mcpz_wire_forget_link(wire);
    mcpz_wire_start_closing(wire, why);
    wire->status = (int)status;
    return false;
}

static bool deliver(struct mcpz_wire *wire, struct mcpz_bytes frame)
{
    struct mcpz_engine *engine = mcpz_loop_enter(wire->mesh->loop);
    mcpz_error error = mcpz_engine_frame(engine, wire->link, frame);

    wire->has_delivered = true;
    wire->mesh->has_first |= !wire->reads;
    return error == MCPZ_OK ||
           refuse(wire, LWS_CLOSE_STATUS_POLICY_VIOLATION, mcpz_strerror(error));
}

/* Room by doubling for what has come, not by what a peer says will come. */
static bool keep_piece(struct mcpz_wire *wire, struct mcpz_bytes piece)
{
    size_t needed = wire->message_length + piece.length;

    if (needed > wire->message_capacity) {
        size_t capacity =
            wire->message_capacity == 0 ? MESSAGE_BYTES_LEAST : wire->message_capacity;
        while (capacity < needed) {
            capacity *= 2;
        }
        uint8_t *grown = realloc(wire->message, capacity);
        if (grown == NULL) {
            return false;
        }
        wire->message = grown;
        wire->message_capacity = capacity;
    }
    if (piece.length > 0) {
        memcpy(wire->message + wire->message_length, piece.data, piece.length);
    }
    wire->message_length = needed;
    return true;
}

static void drop_message(struct mcpz_wire *wire)
{
    free(wire->message);
    wire->message = NULL;
    wire->message_length = 0;
    wire->message_capacity = 0;
}

/* A ping is answered with what it brought; of several, the last (5.5.3). */
static void keep_ping(struct mcpz_wire *wire, const struct mcpz_ws_piece *piece)
{
    if (wire->ping_length + piece->bytes.length > sizeof(wire->ping)) {
        wire->ping_length = 0; /* of one that was not answered yet */
    }
    if (piece->bytes.length > 0) {
        memcpy(wire->ping + wire->ping_length, piece->bytes.data, piece->bytes.length);
    }
    wire->ping_length += (uint8_t)piece->bytes.length;
    if (piece->is_last) {
        wire->is_pinged = true;
        mcpz_wire_ask_to_write(wire);
    }
}

bool mcpz_incoming_take(struct mcpz_wire *wire, const struct mcpz_ws_piece *piece)
{
    struct mcpz_peers_stats *stats = &wire->mesh->stats;

    if (wire->link == 0 || wire->is_closing || piece->kind == MCPZ_WS_PONG) {
        return true;
    }
    if (piece->kind == MCPZ_WS_PING) {
        keep_ping(wire, piece);
        return true;
    }
    if (piece->kind == MCPZ_WS_CLOSE) {
        return refuse(wire, LWS_CLOSE_STATUS_NORMAL, "the other end closes it");
    }
    if (piece->kind != MCPZ_WS_BINARY) {
        stats->refused_text++;
        return refuse(wire, LWS_CLOSE_STATUS_UNACCEPTABLE_OPCODE, "frames are binary");
    }
    if (piece->left > MCPZ_WS_MESSAGE_BYTES_MAX ||
        wire->message_length + piece->bytes.length + piece->left > MCPZ_WS_MESSAGE_BYTES_MAX) {
        stats->refused_oversized++;
        return refuse(wire, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, "message too large");
    }
    if (piece->is_last && wire->message_length == 0) {
        return deliver(wire, piece->bytes);
    }
    if (!keep_piece(wire, piece->bytes)) {
        return refuse(wire, LWS_CLOSE_STATUS_POLICY_VIOLATION, mcpz_strerror(MCPZ_ENOMEM));
    }
    if (!piece->is_last) {
        return true;
    }
    bool taken = deliver(wire, mcpz_bytes(wire->message, wire->message_length));
    drop_message(wire);
    return taken;
}

/* ---- Reading by ourselves ----------------------------------------------------------------- */

static void note_heard(struct mcpz_wire *wire)
{
    struct mcpz_mesh *mesh = wire->mesh;

    if (wire->is_heard) {
        return;
    }
    wire->is_heard = true;
    wire->next_heard = NULL;
    if (mesh->first_heard == NULL) {
        mesh->first_heard = wire;
    } else {
        mesh->last_heard->next_heard = wire;
    }
    mesh->last_heard = wire;
}

static struct mcpz_wire *pop_heard(struct mcpz_mesh *mesh)
{
    struct mcpz_wire *wire = mesh->first_heard;

    mesh->first_heard = wire->next_heard;
    wire->is_heard = false;
    return wire;
}

/* Take what was read. The engine may close the wire in the middle of it. */
static void take_bytes(struct mcpz_wire *wire, struct mcpz_ws_bytes bytes)
{
    struct mcpz_ws_piece piece;
    mcpz_error error = MCPZ_OK;
    bool taken = true;

    while (wire->reads && taken &&
           (error = mcpz_ws_reader_next(&wire->reader, &bytes, &piece)) == MCPZ_OK) {
        taken = mcpz_incoming_take(wire, &piece);
    }
    if (error == MCPZ_EPROTO) {
        taken = refuse(wire, LWS_CLOSE_STATUS_PROTOCOL_ERR, "no frame of a WebSocket");
    }
    if (!taken) {
        mcpz_wire_ask_to_write(wire); /* to say goodbye */
    }
}

/* Has the turn as much as it should take in? Something, in any case. */
static bool has_enough(const struct mcpz_mesh *mesh)
{
    return mesh->turn_bytes >= ENOUGH_BYTES ||
           (mesh->turn_bytes > 0 && (!mcpz_loop_has_time(mesh->loop) ||
                                     mcpz_engine_is_laden(mcpz_loop_engine(mesh->loop))));
}

/* Its turn comes when those that wait had theirs. */
static void wait_for_more(struct mcpz_wire *wire)
{
    wire->holds_more = true;
    note_heard(wire);
    mcpz_loop_defer(wire->mesh->loop, &wire->mesh->more);
}

/*
 * Read what is there, and what TLS has read ahead, until the turn has enough of it: what is left
 * has the next turn. False: nothing came.
 */
static bool read_wire(struct mcpz_wire *wire)
{
    struct mcpz_mesh *mesh = wire->mesh;
    struct ssl_st *connection = lws_get_ssl(wire->wsi);
    size_t length = 0;
    bool came = false;

    while (wire->reads && !has_enough(mesh)) {
        mcpz_error error = mcpz_tls_read(connection, mesh->in, MCPZ_MESH_READ_BYTES, &length);
        wire->holds_more = error == MCPZ_OK && mcpz_tls_holds_more(connection);
        if (error == MCPZ_ENOTFOUND) {
            return came;
        }
        if (error != MCPZ_OK) {
            mcpz_incoming_stop(wire);
            mcpz_wire_forget_link(wire); /* now, and not when libwebsockets is done with it */
            mcpz_wire_cut(wire);
            return came;
        }
        came = true;
        mesh->turn_bytes += length;
        take_bytes(wire, (struct mcpz_ws_bytes){.data = mesh->in, .length = length});
        if (wire->reads && !wire->holds_more) {
            note_heard(wire);
            return came;
        }
    }
    if (wire->reads) { /* of what TLS holds nobody else will tell us */
        wait_for_more(wire);
    }
    return came;
}

static void on_readable(struct ev_loop *ev, ev_io *watcher, int events)
{
    (void)ev;
    (void)events;
    struct mcpz_wire *wire = watcher->data;

    if (wire->mesh->more.queued) {
        wait_for_more(wire); /* others were here before */
    } else {
        (void)read_wire(wire);
    }
}

static void begin(struct mcpz_wire *wire)
{
    if (wire->reads || wire->is_closing || wire->link == 0 || wire->message_length > 0 ||
        lws_rx_flow_control(wire->wsi, 0) < 0) {
        return;
    }
    mcpz_tls_read_ahead(lws_get_ssl(wire->wsi), true);
    wire->reader = (struct mcpz_ws_reader){.masked = !wire->is_ours};
    wire->reads = true;
    ev_io_init(&wire->readable, on_readable, lws_get_socket_fd(wire->wsi), EV_READ);
    wire->readable.data = wire;
    ev_io_start(mcpz_loop_ev(wire->mesh->loop), &wire->readable);
}

/* Once round. */
static bool read_heard(struct mcpz_mesh *mesh)
{
    const struct mcpz_wire *last = mesh->last_heard;
    bool came = false;

    while (!has_enough(mesh) && mesh->first_heard != NULL) {
        struct mcpz_wire *wire = pop_heard(mesh);
        came |= read_wire(wire);
        if (wire == last) {
            break;
        }
    }
    return came;
}

bool mcpz_incoming_drain(void *context)
{
    struct mcpz_mesh *mesh = context;

    for (size_t i = 0; i < MCPZ_CONNECTIONS_MAX && mesh->has_first; i++) {
        struct mcpz_wire *wire = &mesh->wires[i];
        if (wire->in_use && wire->has_delivered) {
            begin(wire);
        }
    }
    mesh->has_first = false;
    return read_heard(mesh);
}

void mcpz_incoming_more(void *context)
{
    struct mcpz_mesh *mesh = context;

    (void)read_heard(mesh);
    for (const struct mcpz_wire *at = mesh->first_heard; at != NULL; at = at->next_heard) {
        if (at->holds_more) { /* others had the turn */
            mcpz_loop_defer(mesh->loop, &mesh->more);
            return;
        }
    }
}

void mcpz_incoming_stop(struct mcpz_wire *wire)
{
    const bool was_reading = wire->reads;

    if (was_reading) {
        wire->reads = false;
        ev_io_stop(mcpz_loop_ev(wire->mesh->loop), &wire->readable);
        mcpz_tls_read_ahead(lws_get_ssl(wire->wsi), false);
    }
    /* In the middle of a frame libwebsockets would take what follows for the start of one. */
    if (was_reading && !wire->reader.in_payload && wire->reader.header_have == 0) {
        (void)lws_rx_flow_control(wire->wsi, 1);
    }
}

void mcpz_incoming_forget(struct mcpz_wire *wire)
{
    struct mcpz_mesh *mesh = wire->mesh;
    size_t waiting = 0;

    for (const struct mcpz_wire *at = mesh->first_heard; at != NULL; at = at->next_heard) {
        waiting++;
    }
    for (; waiting > 0 && wire->is_heard; waiting--) { /* once round */
        struct mcpz_wire *first = pop_heard(mesh);
        if (first != wire) {
            note_heard(first);
        }
    }
    if (wire->reads) {
        wire->reads = false;
        ev_io_stop(mcpz_loop_ev(mesh->loop), &wire->readable);
    }
    drop_message(wire);
}
