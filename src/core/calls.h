/*
 * Calls: what one node asks of another, and the same when it asks itself.
 *
 *   caller                                             provider
 *   TASK_START -> OPEN ------------------------------> RUN_START
 *   TASK_INPUT -> DATA, END -------------------------> RUN_INPUT, RUN_INPUT_END
 *   TASK_OUTPUT, TASK_DONE <- DATA, END or FAIL <----- RUN_OUTPUT, RUN_END or RUN_FAIL
 *   TASK_CANCEL -> CANCEL ---------------------------> RUN_STOP
 *
 * What a provider cannot begin at once waits at its edge until RUN_GO: core/gate.h.
 *
 * Each side may send MCPZ_CALL_WINDOW_BYTES ahead of what the other has taken; CREDIT moves the
 * window. No payload is kept here: the edges hold input and output.
 *
 * A provider is picked among the nodes that offer the capability, ourselves included
 * (core/calls/choice.h). One without a link is reached first, then the edge is asked to say
 * TASK_START again; so it is when another link takes the place of the one a call went over. When
 * it is lost, or says something retryable, before any output came, another one is tried: the edge
 * is asked to say TASK_START again. Time, attempts and calls are bounded.
 *
 * The two sides know nothing of each other: core/calls/caller.h and core/calls/provider.h.
 */

#ifndef CORE_CALLS_H
#define CORE_CALLS_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/time.h"
#include "core/calls/caller.h"
#include "core/calls/provider.h"
#include "core/event.h"
#include "core/fabric.h"
#include "core/outbox.h"
#include "core/registry.h"
#include "proto/id.h"

struct mcpz_calls {
    struct mcpz_caller caller;
    struct mcpz_provider provider;
};

/* Capacities; 0: those of a server. */
struct mcpz_calls_config {
    size_t out_max;                      /* calls we make, at one time */
    size_t in_max;                       /* calls we serve */
    const struct mcpz_gate_config *gate; /* borrowed for the init; NULL: no limits */
    uint64_t life; /* of this process: its calls have other numbers than those of lives before */
};

/** How much mcpz_calls_init() takes from its arena. */
size_t mcpz_calls_bytes(const struct mcpz_calls_config *config);

/** Start without calls. `arena` has room (asserted) and lives as long as they do. */
void mcpz_calls_init(struct mcpz_calls *calls, const struct mcpz_calls_config *config,
                     const struct mcpz_id *self, uint64_t seed, struct mcpz_arena *arena);

/**
 * Take in one event. Handles TASK_*, RUN_*, PROVIDE, WITHDRAW, LIMITS, DRAIN, RESUME, RULES, RECV
 * of OPEN .. CREDIT, LOAD_ASK and LOAD, TICK; facts LINKED, UNLINKED, UNREACHABLE, RELAYED and
 * UNRELAYED. Asks for REACH where the provider chosen is not linked.
 */
void mcpz_calls_step(struct mcpz_calls *calls, const struct mcpz_call_sight *sight,
                     const struct mcpz_event *event, struct mcpz_outbox *out);

/** Are calls with this node under way, either way, or waiting for a link to it? */
bool mcpz_calls_need(const struct mcpz_calls *calls, const struct mcpz_id *peer);

mcpz_time mcpz_calls_deadline(const struct mcpz_calls *calls);

/* Where the next call of a capability would go, and why. */
struct mcpz_explanation {
    struct mcpz_rule rule; /* without a pattern: none matches */
    bool busy;             /* too many capabilities are called now to look at one more */
    struct mcpz_backend_view views[MCPZ_CALLER_BACKENDS_MAX]; /* in the order of choice */
    size_t count;
};

/** Explain what would be done with a call of this capability. Looks up anew who offers it. */
void mcpz_calls_explain(struct mcpz_calls *calls, const struct mcpz_call_sight *sight,
                        struct mcpz_bytes capability, struct mcpz_explanation *explanation);

#endif
