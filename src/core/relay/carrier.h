/*
 * Handing on what two others say to each other: a hop's part of a relay.
 *
 * A message carries its whole way; a hop looks at where it stands in it, and hands it to the next
 * over a link that exists. One that cannot go on is answered to where it came from. Nothing is
 * kept: how much is on its way is counted for each link, until the other end has taken it, and
 * what would be too much is turned back as if there were no link.
 *
 * Nothing goes in circles: a message only ever moves on in a path of bounded length.
 */

#ifndef CORE_RELAY_CARRIER_H
#define CORE_RELAY_CARRIER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "core/links.h"
#include "core/outbox.h"
#include "proto/msg.h"

#define MCPZ_RELAY_OVERHEAD_BYTES 128   /* what a message costs beside its bytes */
#define MCPZ_RELAY_OWED_BYTES_MAX 65536 /* taken before that is said */

struct mcpz_carrier_flight {
    struct mcpz_id peer;
    uint32_t flying; /* handed to it, not taken yet */
    uint32_t owed;   /* taken from it, not told yet */
};

struct mcpz_carrier {
    struct mcpz_short self;
    struct mcpz_carrier_flight *flights; /* of links over which something has come or gone */
    size_t max;
    size_t count;
    uint64_t carried;
    uint64_t turned_back;
    uint64_t refused; /* what makes no sense */
};

size_t mcpz_carrier_bytes(size_t links_max);
void mcpz_carrier_init(struct mcpz_carrier *carrier, const struct mcpz_id *self, size_t links_max,
                       struct mcpz_arena *arena);

/** Hand `relay` to whom its `at` names. False: there is no link, or too much is on its way. */
bool mcpz_carrier_send(struct mcpz_carrier *carrier, const struct mcpz_links *links,
                       const struct mcpz_msg_relay *relay, struct mcpz_outbox *out);

/** Answer what came and cannot go on. */
void mcpz_carrier_turn_back(struct mcpz_carrier *carrier, const struct mcpz_links *links,
                            const struct mcpz_msg_relay *relay, struct mcpz_outbox *out);

/** Take in a RELAY from a linked peer. True: it is for us, from path[0]; else it was seen to. */
bool mcpz_carrier_take(struct mcpz_carrier *carrier, const struct mcpz_links *links,
                       const struct mcpz_id *from, const struct mcpz_msg_relay *relay,
                       struct mcpz_outbox *out);

/** Take in a RELAY_TAKEN. */
void mcpz_carrier_taken(struct mcpz_carrier *carrier, const struct mcpz_id *from, uint32_t bytes);

/** What was on its way to or from this peer is gone, or there is a new link to it. */
void mcpz_carrier_forget(struct mcpz_carrier *carrier, const struct mcpz_id *peer);

#endif
