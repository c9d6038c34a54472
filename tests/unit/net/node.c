#include "node.h"

#include <stdio.h>
#include <string.h>

#include "test.h"

void node_init(struct node *node, uint8_t seed, const char *listen)
{
    const struct mcpz_loop_config config = {.store = {.directory = NULL}};
    struct mcpz_engine_config engine = {.name = "test"};
    struct mcpz_lmdb_trouble store_trouble;
    struct mcpz_peers_trouble trouble;
    uint8_t bytes[MCPZ_SEED_BYTES];

    *node = (struct node){.port = 0};
    memset(bytes, seed, sizeof(bytes));
    CHECK(mcpz_crypto_init() == MCPZ_OK);
    CHECK(mcpz_identity_create(bytes, &node->identity) == MCPZ_OK);
    CHECK(mcpz_loop_create(&config, &node->loop, &store_trouble) == MCPZ_OK);
    const struct mcpz_peers_config peers = {.identity = node->identity, .listen = listen};
    CHECK(mcpz_peers_create(node->loop, &peers, &node->peers, &node->port, &trouble) == MCPZ_OK);
    engine.identity = node->identity;
    CHECK(mcpz_loop_start(node->loop, &engine) == MCPZ_OK);
    node->engine = mcpz_loop_engine(node->loop);
    snprintf(node->address, sizeof(node->address), "127.0.0.1:%u", node->port);
}

void node_finish(struct node *node)
{
    mcpz_peers_destroy(node->peers);
    mcpz_loop_destroy(node->loop);
    mcpz_identity_destroy(node->identity);
}
