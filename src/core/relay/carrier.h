/*
 * Handing on what two others say to each other: a hop's part of a relay.
 *
 * A message carries its whole way; a hop looks at where it stands in it, and hands it to the next
 * over a link that exists. One that cannot go on is answered to where it came from. Nothing is
 * kept: how much is on its way is counted for each link, until the other end has taken it, which
 * it says at once of much and soon of little. What would be too much is turned back as if there
 * were no link; and so is what would go over a link whose other end has taken nothing for a while,
 * though heartbeats may take much longer to find out. Where nobody could go round it, as it is the
 * only link of either end, there is nothing to gain, and calls to lose if the other end has only
 * stood still: then heartbeats are waited for. If they find nothing, it was not the other
 * end: what we handed to it was lost with a batch of ours that could not be written. After a while
 * it is counted no more, and the link is used again. That something is turned back is signed by
 * who does it, in place of what was sealed: nobody else on the way can say so.
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
#include "core/roster.h"
#include "proto/msg.h"
#include "proto/sealer.h"

#define MCPZ_RELAY_OVERHEAD_BYTES 128   /* what a message costs beside its bytes */
#define MCPZ_RELAY_OWED_BYTES_MAX 65536 /* taken before that is said */
#define MCPZ_RELAY_OWED_US MCPZ_MS(200) /* until it is said of less */
#define MCPZ_RELAY_STALL_US                                                                       \
    MCPZ_MS(1500) /* nothing was taken for so long, stretched by our health */
#define MCPZ_RELAY_STALL_SOLE_US                                                                  \
    MCPZ_SECONDS(7) /* the same, where nothing can go round it: as long as a session is silent */
#define MCPZ_RELAY_AGAIN_US MCPZ_SECONDS(15) /* a link that stands is given another chance */
#define MCPZ_RELAY_VOUCHED_PER_S_MAX 64      /* each signature costs some 0.05 ms */

struct mcpz_carrier_flight {
    struct mcpz_id peer;
    uint32_t flying;     /* handed to it, not taken yet */
    uint32_t owed;       /* taken from it, not told yet */
    mcpz_time stalls_us; /* it has stalled then, if it takes nothing before */
    mcpz_time tell_us;   /* what is owed is told then */
    mcpz_time again_us;  /* stalled: something is handed to it again then */
    bool stalled;        /* nothing more is handed to it until it takes something */
};

/* What a hop looks at, and when. */
struct mcpz_carrier_sight {
    const struct mcpz_links *links;
    const struct mcpz_roster *roster;
    mcpz_time now;
};

struct mcpz_carrier {
    struct mcpz_short self;
    struct mcpz_carrier_flight *flights; /* of links over which something has come or gone */
    size_t max;
    size_t count;
    const struct mcpz_sealer *sealer; /* who signs, and verifies */
    mcpz_time vouched_us;             /* since then, so many were signed: */
    uint32_t vouched;
    uint64_t carried;
    uint64_t turned_back;
    uint64_t stalls;
    uint64_t refused; /* what makes no sense */
};

size_t mcpz_carrier_bytes(size_t links_max);

/** `sealer` outlives the carrier. */
void mcpz_carrier_init(struct mcpz_carrier *carrier, const struct mcpz_id *self,
                       const struct mcpz_sealer *sealer, size_t links_max,
                       struct mcpz_arena *arena);

/**
 * Hand `relay` to whom its `at` names. False: there is no link, nothing is taken there, or too
 * much is on its way.
 */
bool mcpz_carrier_send(struct mcpz_carrier *carrier, const struct mcpz_carrier_sight *sight,
                       const struct mcpz_msg_relay *relay, struct mcpz_outbox *out);

/** Answer what came and cannot go on. */
void mcpz_carrier_turn_back(struct mcpz_carrier *carrier, const struct mcpz_carrier_sight *sight,
                            const struct mcpz_msg_relay *relay, struct mcpz_outbox *out);

/** Take in a RELAY from a linked peer. True: it is for us, from path[0]; else it was seen to. */
bool mcpz_carrier_take(struct mcpz_carrier *carrier, const struct mcpz_carrier_sight *sight,
                       const struct mcpz_id *from, const struct mcpz_msg_relay *relay,
                       struct mcpz_outbox *out);

/** Does `who` itself say that it could not hand on what has come back? */
bool mcpz_carrier_is_vouched(const struct mcpz_carrier *carrier, const struct mcpz_id *who,
                             const struct mcpz_msg_relay *back);

/** Take in a RELAY_TAKEN. */
void mcpz_carrier_taken(struct mcpz_carrier *carrier, const struct mcpz_carrier_sight *sight,
                        const struct mcpz_id *from, uint32_t bytes);

/** What was on its way to or from this peer is gone, or there is a new link to it. */
void mcpz_carrier_forget(struct mcpz_carrier *carrier, const struct mcpz_id *peer);

/** Say what is owed for too long; use links again that had stalled for long and stand. */
void mcpz_carrier_tick(struct mcpz_carrier *carrier, const struct mcpz_carrier_sight *sight,
                       struct mcpz_outbox *out);

/** One more peer takes nothing from now on; each is named once until it takes something. */
bool mcpz_carrier_next_stalled(struct mcpz_carrier *carrier,
                               const struct mcpz_carrier_sight *sight, struct mcpz_id *peer);

/** When there is something to say, or somebody may have stalled. */
mcpz_time mcpz_carrier_deadline(const struct mcpz_carrier *carrier);

#endif
