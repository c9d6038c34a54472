/*
 * A request handed on to another node that can answer it, over calls (http/fellows.h): to the
 * first of several, and to the next where that one did not answer.
 *
 * A request that is done twice does harm if it is not `repeatable`: then another node is tried
 * only where the one before cannot have begun; else the answer says that nobody knows.
 */

#ifndef HTTP_FORWARD_H
#define HTTP_FORWARD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/layouts.h"
#include "http/exchange.h"

#define MCPZ_FORWARD_MS 10000
#define MCPZ_FORWARD_PATH_BYTES 1024

struct mcpz_forwarded {
    const char *method; /* static */
    char path[MCPZ_FORWARD_PATH_BYTES];
    json_t *body; /* taken; NULL: none */
    struct mcpz_id nodes[MCPZ_OWNERS_MAX];
    size_t node_count;
    bool repeatable;
    uint32_t timeout_ms;
    const char *what; /* static: "the node that holds the mesh's key", for who cannot be asked */
};

/**
 * Answer `exchange` with what the first node answers. Those that are no members, or gone, are left
 * out.
 */
void mcpz_forward(struct mcpz_exchange *exchange, const struct mcpz_forwarded *forwarded);

#endif
