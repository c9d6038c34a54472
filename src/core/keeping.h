/*
 * What follows from layouts for agents: their deltas go to the owners instead of to everybody,
 * and whoever writes may wait until enough owners have it on disk (core/keeping/acks.h).
 *
 * We stand behind the agents, and look at what they put into the outbox (mcpz_keeping_pass(), as
 * core/ledger.h does with calls): broadcasts of deltas become sends to owners where there is a
 * layout, and the answer to a write is held back as long as it waits.
 *
 * What owners that are away miss is noted, and told when they are back (core/keeping/hints.h).
 * Who reads may wait until all is here that a quorum of owners has (core/keeping/reads.h).
 *
 * Documents that are others' by now are handed over and forgotten (core/keeping/handover.h):
 * whoever runs us has the agents forget those in `handover.gone` after each step. It has them
 * compare with `rounds.linked` as well: owners that are no neighbours (core/keeping/rounds.h).
 *
 * Who gains partitions by a layout gets them from those who had them (core/keeping/pull.h), and
 * what it has synced is told to layouts by whoever runs us.
 *
 * Without a layout that all have synced deltas are broadcast as ever.
 */

#ifndef CORE_KEEPING_H
#define CORE_KEEPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"
#include "core/agents.h"
#include "core/event.h"
#include "core/fabric.h"
#include "core/keeping/acks.h"
#include "core/keeping/handover.h"
#include "core/keeping/hints.h"
#include "core/keeping/pull.h"
#include "core/keeping/reads.h"
#include "core/keeping/rounds.h"
#include "core/layouts.h"
#include "core/outbox.h"
#include "core/relay.h"
#include "proto/store.h"

#define MCPZ_COPIES_WITHOUT_LAYOUT 3

struct mcpz_keeping {
    struct mcpz_id self;
    const struct mcpz_store *store;
    struct mcpz_acks acks;
    struct mcpz_reads reads;
    struct mcpz_hints hints;
    struct mcpz_puller puller;
    struct mcpz_handover handover;
    struct mcpz_rounds rounds;

    uint64_t deltas_directed; /* sent to owners, and to nobody else */
    uint64_t acks_given;
    uint64_t store_failures;
};

/* The machines below, which are looked at only. */
struct mcpz_keeping_below {
    const struct mcpz_fabric *fabric;
    const struct mcpz_relay *relay; /* NULL: there is none */
    const struct mcpz_layouts *layouts;
    const struct mcpz_agents *agents;
};

/** Start. `store` is borrowed. */
void mcpz_keeping_init(struct mcpz_keeping *keeping, const struct mcpz_id *self,
                       const struct mcpz_store *store, uint64_t seed);

/** What was written is lost, as a batch of the store failed: take note of what it holds. */
void mcpz_keeping_recover(struct mcpz_keeping *keeping, mcpz_time now);

/** Look at what the agents have put into `out` from action `from` on, because of `event`. */
void mcpz_keeping_pass(struct mcpz_keeping *keeping, const struct mcpz_keeping_below *below,
                       mcpz_time now, const struct mcpz_event *event, struct mcpz_outbox *out,
                       size_t from);

/**
 * Take in one event. Handles AGENT_READ, MEET; RECV of ACK_ASK, ACK, PULL, PULLED, HANDOVER,
 * HANDED, READ and READING, and of WANT, behind the agents' answer; the facts LAYOUT, LINKED and
 * RELAYED; TICK.
 */
void mcpz_keeping_step(struct mcpz_keeping *keeping, const struct mcpz_keeping_below *below,
                       mcpz_time now, const struct mcpz_event *event, struct mcpz_outbox *out);

mcpz_time mcpz_keeping_deadline(const struct mcpz_keeping *keeping);

#endif
