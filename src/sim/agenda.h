/*
 * What happens when, in virtual time: a heap of happenings, earliest first.
 *
 * Two at the same time come in the order in which they were put in, so a run does not depend on
 * how the heap is laid out.
 */

#ifndef SIM_AGENDA_H
#define SIM_AGENDA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "engine/engine.h"

enum mcpz_happening_kind {
    MCPZ_HAPPENS_TICK = 1,  /* a node's deadline */
    MCPZ_HAPPENS_DIAL,      /* a connection is made, or fails */
    MCPZ_HAPPENS_FRAME,     /* a frame arrives */
    MCPZ_HAPPENS_CLOSED,    /* one end of a connection hears that it is gone */
    MCPZ_HAPPENS_DISK,      /* a batch is durable */
    MCPZ_HAPPENS_RUN_ENDED, /* a provider is done */
};

/* How a run ends. */
enum mcpz_sim_outcome {
    MCPZ_SIM_GIVES,  /* a result */
    MCPZ_SIM_SPLITS, /* a plan */
    MCPZ_SIM_FAILS,
};

struct mcpz_happening {
    mcpz_time at_us;
    uint64_t order; /* filled in by the agenda */
    enum mcpz_happening_kind kind;
    size_t node;
    uint32_t life;   /* of the node: what was meant for an earlier life is void */
    size_t wire;     /* DIAL: the node dialled; FRAME, CLOSED: the connection */
    uint64_t serial; /* FRAME, CLOSED: which connection of those that had this place */
    uint64_t number; /* FRAME, CLOSED: its place in the stream; DISK: batch; RUN_ENDED: run */
    uint8_t *frame;  /* FRAME, RUN_ENDED: owned */
    size_t length;
    uint32_t outcome; /* RUN_ENDED: enum mcpz_sim_outcome */
};

struct mcpz_agenda {
    struct mcpz_happening *heap;
    size_t count;
    size_t capacity;
    uint64_t next_order;
};

void mcpz_agenda_init(struct mcpz_agenda *agenda);
void mcpz_agenda_finish(struct mcpz_agenda *agenda);

/** Put in. Aborts when memory is out: a simulation cannot go on with a hole in it. */
void mcpz_agenda_add(struct mcpz_agenda *agenda, const struct mcpz_happening *happening);

/** Take out the earliest, if it is not after `until_us`. Its frame is the caller's. */
bool mcpz_agenda_take(struct mcpz_agenda *agenda, mcpz_time until_us,
                      struct mcpz_happening *happening);

#endif
