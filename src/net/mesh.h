/*
 * Connections of the mesh on libwebsockets: the WebSocket half, below links and dials.
 *
 *   accepted fd  --> TLS --> upgrade --> link <--> engine's frames --> closing --> gone
 *   target ---/
 *
 * A wire is one connection from its first byte to its last; it has a link once the engine knows
 * of it. Deadlines are libev's. A wire ends in one place, when libwebsockets has let go of it.
 */

#ifndef NET_MESH_H
#define NET_MESH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ev.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/time.h"
#include "engine/engine.h"
#include "host/loop.h"
#include "net/peers.h"
#include "net/tls.h"
#include "net/ws_reader.h"
#include "proto/limits.h"

/* A frame that zstd could not make smaller: ZSTD_COMPRESSBOUND is n + n / 256 and some bytes. */
#define MCPZ_WS_MESSAGE_BYTES_MAX (MCPZ_FRAME_BYTES_MAX + MCPZ_FRAME_BYTES_MAX / 256 + 65)

/* Accepted, not dialled: whoever floods us cannot keep us from dialling. */
#define MCPZ_ACCEPTED_MAX (MCPZ_CONNECTIONS_MAX - MCPZ_LINKS_MAX)

#define MCPZ_HANDSHAKE_TIMEOUT_US MCPZ_SECONDS(10) /* TLS and upgrade of accepted ones */
#define MCPZ_CLOSE_TIMEOUT_US MCPZ_SECONDS(2)      /* to send what waits and say goodbye */
#define MCPZ_WHY_BYTES 64
#define MCPZ_FROM_BYTES 64

#define MCPZ_MASK_KEYS_BYTES 1024  /* drawn at a time */
#define MCPZ_MESH_READ_BYTES 16384 /* at a time: what TLS puts in a record at most */

struct lws;
struct lws_vhost;
struct mcpz_mesh;

enum mcpz_target_end {
    MCPZ_TARGET_LINKED,
    MCPZ_TARGET_UNANSWERED, /* cut before it said who it is: is anybody there? */
    MCPZ_TARGET_FAILED,     /* otherwise; also: no answer in time */
};

/* Where to, and whom to tell. What is pointed to must last until `on_end`. */
struct mcpz_target {
    const char *host; /* numeric */
    uint16_t port;
    const char *dialled;          /* as the engine calls it */
    const struct mcpz_id *wanted; /* zeros: whoever answers */
    mcpz_time timeout_us;
    /* Once. Only note it down: neither the engine nor the mesh may be called. */
    void (*on_end)(void *context, enum mcpz_target_end end);
    void *context;
};

struct mcpz_wire {
    struct mcpz_mesh *mesh;
    struct lws *wsi;
    bool in_use;
    bool is_ours;     /* we made it: `target` is set until it stands or fails */
    bool is_starting; /* within mcpz_mesh_connect() or mcpz_mesh_adopt() */
    bool tls_begun;
    bool tls_done;
    bool certificate_refused;
    bool upgrade_refused;
    bool timed_out;
    bool established; /* a WebSocket of ours */
    bool is_closing;
    bool wants_to_write;        /* it is in the mesh's list */
    struct mcpz_wire *next_out; /* of those that want to */
    mcpz_link link;             /* 0: the engine does not know it, or no longer */
    struct mcpz_target target;
    ev_timer deadline; /* of what it is in the middle of */
    int status;        /* of the goodbye; 0: none was decided */
    char why[MCPZ_WHY_BYTES];
    char from[MCPZ_FROM_BYTES]; /* numeric address of who came to us */

    /* A message that came in pieces, up to here. */
    uint8_t *message;
    size_t message_length;
    size_t message_capacity;

    /* net/incoming.h */
    bool has_delivered; /* a message has come whole */
    bool reads;         /* by ourselves, not through libwebsockets */
    ev_io readable;
    struct mcpz_ws_reader reader;
    bool holds_more; /* TLS has read more of it ahead than was taken */
    bool is_heard;   /* it is in the mesh's list */
    struct mcpz_wire *next_heard;
    bool is_pinged; /* and is to answer so */
    uint8_t ping_length;
    uint8_t ping[MCPZ_WS_CONTROL_BYTES_MAX];
};

struct mcpz_mesh {
    struct mcpz_loop *loop;
    struct mcpz_tls *tls;
    struct lws_vhost *vhost;
    bool is_over; /* nobody listens any more: see mcpz_mesh_end() */
    struct mcpz_wire wires[MCPZ_CONNECTIONS_MAX];
    struct mcpz_wire *arriving;  /* handed to libwebsockets, not yet seen again */
    struct mcpz_wire *opening;   /* being told to the engine, its link's name is not known yet */
    struct mcpz_wire *first_out; /* with something to send, once the turn has ended */
    struct mcpz_wire *last_out;
    struct mcpz_wire *first_heard; /* from whom something came since they were asked last */
    struct mcpz_wire *last_heard;
    struct mcpz_deferred more; /* a turn had enough of what TLS has read ahead */
    size_t turn_bytes;         /* that were read in this turn */
    bool has_first;            /* some have delivered their first message through libwebsockets */
    struct mcpz_peers_stats stats;
    uint8_t *out;                       /* one message, with room before it for libwebsockets */
    uint8_t *in;                        /* what was read last, MCPZ_MESH_READ_BYTES */
    uint8_t keys[MCPZ_MASK_KEYS_BYTES]; /* random, each to be used once */
    size_t keys_used;
};

/**
 * Make the TLS contexts and the vhost.
 *
 * Errors: MCPZ_ENOMEM; MCPZ_EIO  libwebsockets would not. Then call mcpz_mesh_finish().
 */
MCPZ_MUST_USE mcpz_error mcpz_mesh_begin(struct mcpz_mesh *mesh, struct mcpz_loop *loop,
                                         const struct mcpz_identity *identity);

/** Hear and say nothing any more. The connections go when the lws context does. */
void mcpz_mesh_end(struct mcpz_mesh *mesh);

/** Release. After the lws context is gone, or a begin that failed. */
void mcpz_mesh_finish(struct mcpz_mesh *mesh);

/** Take over an accepted socket; close it if there is no room. */
void mcpz_mesh_adopt(struct mcpz_mesh *mesh, int fd);

/** Connect. False if that is over at once, unanswered; `on_end` is then not called. */
MCPZ_MUST_USE bool mcpz_mesh_connect(struct mcpz_mesh *mesh, const struct mcpz_target *target);

/* What the engine asks for: struct mcpz_link_ports. */
void mcpz_mesh_wake(void *context, mcpz_link link);
void mcpz_mesh_close(void *context, mcpz_link link, const char *why);

/** Send what waits, as far as sockets take it: mcpz_loop_on_flush(). */
void mcpz_mesh_flush(void *context);

#endif
