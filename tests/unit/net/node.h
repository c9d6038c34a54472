/* A node of a test: identity, loop, fake engine and the edge under test, on a port of loopback. */

#ifndef NODE_H
#define NODE_H

#include "fake_engine.h"
#include "net/peers.h"

struct node {
    struct mcpz_identity *identity;
    struct mcpz_loop *loop;
    struct mcpz_peers *peers;
    struct mcpz_engine *engine;
    uint16_t port;
    char address[32]; /* what others dial */
};

/** Identity from `seed`; listens on 127.0.0.1 unless `listen` is NULL. */
void node_init(struct node *node, uint8_t seed, const char *listen);
void node_finish(struct node *node);

#endif
