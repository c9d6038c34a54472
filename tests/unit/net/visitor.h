/*
 * Who comes to a node's door with what: a child process, since it blocks where the node turns.
 * What it finds out it says by its exit status.
 */

#ifndef VISITOR_H
#define VISITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "node.h"

#define VISITOR_UPGRADE_DEFAULT                                                                   \
    "GET / HTTP/1.1\r\nHost: mesh\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"               \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"                \
    "Sec-WebSocket-Protocol: " MCPZ_WS_PROTOCOL "\r\n\r\n"

#define VISITOR_TURNED_AWAY 0 /* the node ended it before the upgrade */
#define VISITOR_UPGRADED 1    /* and ended it later without a close frame */
#define VISITOR_CLOSED 2      /* by a close frame: see `close_status` */
#define VISITOR_TROUBLE 9     /* the visitor itself could not do what it should */

enum visitor_key { VISITOR_ED25519 = 1, VISITOR_RSA, VISITOR_NO_KEY };

struct visit {
    /* How it comes. */
    bool is_plain; /* no TLS: says `request` as it is */
    enum visitor_key key;
    uint8_t seed;        /* ED25519 */
    bool has_chain;      /* shows the certificate twice */
    int tls_version_max; /* 0: whatever there is */

    /* What it asks for, and then sends: raw bytes. */
    const char *request;
    const uint8_t *frames;
    size_t frames_bytes;
    bool greets;   /* with a message first, then twice with a ping, whose pongs it awaits */
    bool hangs_up; /* leaves after sending, without waiting for an answer */
    bool stays;    /* and reads nothing any more: see visit_begin() */

    /* What came of it. */
    int status;
    unsigned close_status;
};

/** Pay `node` a visit; its loop turns meanwhile. Fails the test if that takes for ever. */
void visit(struct node *node, struct visit *visit);

/** Begin a visit that stays: end it with visit_end(). */
pid_t visit_begin(struct node *node, const struct visit *visit);
void visit_end(pid_t visitor);

/** Write a masked frame with `payload_length` bytes of `byte` into `frame`; returns its length. */
size_t visitor_frame(uint8_t *frame, uint8_t first, uint8_t byte, size_t payload_length);

#endif
