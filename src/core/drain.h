/*
 * Going without being missed: stop offering, let the others know, finish, and only then be gone.
 *
 *   DRAIN -> announcing -> finishing -> drained (a fact)
 *              |               |
 *              +---------------+---- RESUME ----> serving again
 *
 * The registry hides what we offer and the provider refuses what is new (each hears DRAIN itself);
 * this machine knows when the next stage has come. The others know when every linked peer has sent
 * a heartbeat whose digest is ours: it holds the same lists as we do. As that needs some seconds
 * where links are stable, and never comes while others change too, it is waited for up to a bound.
 * Then what runs, here and for us elsewhere, is waited for, up to another.
 *
 * Source: lessons.md row 31: who leaves discovery last, or first, loses requests.
 */

#ifndef CORE_DRAIN_H
#define CORE_DRAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "core/calls.h"
#include "core/event.h"
#include "core/fabric.h"
#include "core/outbox.h"
#include "proto/limits.h"

enum mcpz_drain_state {
    MCPZ_DRAIN_NONE = 0,
    MCPZ_DRAIN_ANNOUNCING,
    MCPZ_DRAIN_FINISHING,
    MCPZ_DRAIN_DONE,
};

struct mcpz_drain {
    struct mcpz_id self;
    enum mcpz_drain_state state;
    uint64_t request; /* to be replied to; 0: none */
    mcpz_time announce_until_us;
    mcpz_time until_us;
    struct mcpz_id know[MCPZ_LINKS_MAX]; /* linked peers that hold the same lists as we do */
    size_t know_count;
};

/* What a step looks at and does not change. */
struct mcpz_drain_sight {
    const struct mcpz_links *links;
    const struct mcpz_calls *calls;
    uint32_t digest; /* of what we hold for true, as heartbeats tell it */
    bool offers;     /* is there anything that others have to unlearn? */
};

void mcpz_drain_init(struct mcpz_drain *drain, const struct mcpz_id *self);

/**
 * Take in one event, after the machines that are looked at. Handles DRAIN, RESUME, and RECV of
 * PING; looks at the rest after any event. Tells DRAINED, and replies to the request: OK; TIMEOUT
 * if something was still under way; CANCELLED.
 */
void mcpz_drain_step(struct mcpz_drain *drain, const struct mcpz_drain_sight *sight, mcpz_time now,
                     const struct mcpz_event *event, struct mcpz_outbox *out);

mcpz_time mcpz_drain_deadline(const struct mcpz_drain *drain);

/** How many of the linked peers know. */
size_t mcpz_drain_known(const struct mcpz_drain *drain, const struct mcpz_links *links);

/** A lower-case word. */
const char *mcpz_drain_word(enum mcpz_drain_state state);

#endif
