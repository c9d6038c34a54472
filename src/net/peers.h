/*
 * The mesh's edge: WebSocket over mutually authenticated TLS 1.3, on libwebsockets.
 *
 * Listens, dials, and carries frames. It judges one thing only: that the other end's certificate
 * is a lone Ed25519 key (net/tls.h), which is the peer's name. Everything else is the engine's.
 * Host names are resolved by c-ares: libwebsockets would block the loop.
 */

#ifndef NET_PEERS_H
#define NET_PEERS_H

#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "crypto/identity.h"
#include "host/loop.h"

#define MCPZ_CONNECTIONS_MAX 128 /* sockets, admitted or not */
#define MCPZ_DIALS_MAX 32        /* under way at once */
#define MCPZ_DIAL_TIMEOUT_US MCPZ_SECONDS(10)
#define MCPZ_WS_PROTOCOL "mcpz.mesh.v1"
#define MCPZ_EXPORTER_LABEL "EXPORTER-mcpz-mesh-v1"

struct mcpz_peers;

struct mcpz_peers_config {
    const struct mcpz_identity *identity; /* borrowed */
    const char *listen;                   /* "host:port", NULL: dial out only */
};

struct mcpz_peers_trouble {
    char text[512];
};

/**
 * Listen and register with `loop` (before mcpz_loop_start()). `*port` gets the port listened on.
 *
 * Errors: MCPZ_ECONFLICT  the port is in use: by which process, in the text
 *         MCPZ_EIO        the address is not ours, or may not be used
 *         MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_peers_create(struct mcpz_loop *loop,
                                           const struct mcpz_peers_config *config,
                                           struct mcpz_peers **peers, uint16_t *port,
                                           struct mcpz_peers_trouble *trouble);

/** After the loop has stopped turning, before mcpz_loop_destroy(). NULL is fine. */
void mcpz_peers_destroy(struct mcpz_peers *peers);

/* What came in, and what was turned away before the engine heard of it. */
#define MCPZ_PEERS_STATS(X)                                                                       \
    X(accepted, "connections accepted")                                                           \
    X(refused_full, "connections refused: over MCPZ_CONNECTIONS_MAX")                             \
    X(refused_certificate, "none, not Ed25519, a chain, our own, or not who we dialled")          \
    X(refused_tls, "handshakes that failed otherwise")                                            \
    X(refused_upgrade, "not our WebSocket protocol")                                              \
    X(refused_oversized, "messages over MCPZ_FRAME_BYTES_MAX")                                    \
    X(refused_text, "text messages: frames are binary")                                           \
    X(dial_timeouts, "dials that took longer than MCPZ_DIAL_TIMEOUT_US")

struct mcpz_peers_stats {
#define X(name, help) uint64_t name;
    MCPZ_PEERS_STATS(X)
#undef X
};

const struct mcpz_peers_stats *mcpz_peers_stats(const struct mcpz_peers *peers);

#endif
