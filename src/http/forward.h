/*
 * A request handed on to another node that can answer it, over calls (http/fellows.h): to the
 * first of several, and to the next where that one did not answer.
 *
 * A request that is done twice does harm if it is not `repeatable`: then another node is tried
 * only where the one before cannot have begun; else the answer says that nobody knows.
 *
 * A node that has just come, or that met a change of members or layouts, may not have heard yet
 * who can be asked: so a request for which nobody is there, or none of those could begin with it,
 * is held for a while, and whom to ask is looked up anew until then. Ourselves are asked like any
 * other, where it turns out that we are the one to ask.
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
#define MCPZ_FORWARD_PATIENCE_US                                                                  \
    MCPZ_SECONDS(3)                       /* for somebody who can be asked to be heard of         \
                                           */
#define MCPZ_FORWARD_LOOK_US MCPZ_MS(200) /* between two looks meanwhile */
#define MCPZ_FORWARD_PATH_BYTES 1024

struct mcpz_forwarded {
    const char *method; /* static */
    char path[MCPZ_FORWARD_PATH_BYTES];
    json_t *body; /* taken; NULL: none */

    /* Who can be asked as far as is known now, best first. `nodes` has room for MCPZ_OWNERS_MAX.
     */
    size_t (*find)(struct mcpz_exchange *exchange, const struct mcpz_id *document,
                   struct mcpz_id *nodes);
    struct mcpz_id document; /* for `find` */
    bool repeatable;
    uint32_t timeout_ms;
    const char *what; /* static: "the node that holds the mesh's key", for who cannot be asked */
};

/** Is `node` ourselves, or a member that is not gone? */
bool mcpz_forward_is_there(struct mcpz_exchange *exchange, const struct mcpz_id *node);

/** Can a call that failed so not have reached anybody who does what it says? */
bool mcpz_forward_cannot_have_begun(uint32_t code);

/**
 * Answer `exchange` with what the first node answers. Those that are no members, or gone, are left
 * out. Where nobody can be asked in MCPZ_FORWARD_PATIENCE_US the answer is UNAVAILABLE.
 */
void mcpz_forward(struct mcpz_exchange *exchange, const struct mcpz_forwarded *forwarded);

#endif
