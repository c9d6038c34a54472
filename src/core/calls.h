/*
 * Calls: what one node asks of another, and the same when it asks itself.
 *
 *   caller                                             provider
 *   TASK_START -> OPEN ------------------------------> RUN_START
 *   TASK_INPUT -> DATA, END -------------------------> RUN_INPUT, RUN_INPUT_END
 *   TASK_OUTPUT, TASK_DONE <- DATA, END or FAIL <----- RUN_OUTPUT, RUN_END or RUN_FAIL
 *   TASK_CANCEL -> CANCEL ---------------------------> RUN_STOP
 *
 * Each side may send MCPZ_CALL_WINDOW_BYTES ahead of what the other has taken; CREDIT moves the
 * window. No payload is kept here: the edges hold input and output.
 *
 * A provider is picked among the nodes that offer the capability (ourselves included): one that is
 * not suspect, has the fewest of our calls under way, is linked, then by lot. One without a link
 * is reached first, then the edge is asked to say TASK_START again; so it is when another link
 * takes the place of the one a call went over. When it is lost, or says something
 * retryable, before any output came, another one is tried: the edge is asked to say TASK_START
 * again. Time, attempts and calls are bounded.
 */

#ifndef CORE_CALLS_H
#define CORE_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "base/time.h"
#include "core/event.h"
#include "core/fabric.h"
#include "core/outbox.h"
#include "core/registry.h"
#include "proto/code.h"
#include "proto/id.h"
#include "proto/limits.h"

/* A call we make. */
struct mcpz_call_out {
    uint64_t request; /* 0: free */
    uint64_t call;    /* changes with each attempt */
    char capability[MCPZ_CAPABILITY_BYTES_MAX + 1];
    struct mcpz_id provider;
    struct mcpz_id failed[MCPZ_CALL_ATTEMPTS_MAX]; /* providers not to try again */
    uint32_t attempts;
    bool open;     /* false: waiting for the edge to start it over */
    bool reaching; /* waiting for a link to the provider */
    bool answered; /* output has come: too late for another provider */
    mcpz_time deadline_us;
    mcpz_time started_us;
    uint32_t send_credit;    /* bytes the provider will still take */
    uint32_t receive_credit; /* bytes we will still take */
    uint32_t last_code;      /* why the last attempt ended */
    uint32_t retry_after_ms; /* what it said of coming back; 0: nothing */
};

/* A call we serve. */
struct mcpz_call_in {
    uint32_t run; /* 0: free */
    uint64_t call;
    struct mcpz_id caller;
    bool input_open;
    mcpz_time deadline_us;
    uint32_t send_credit;
    uint32_t receive_credit;
};

struct mcpz_calls {
    struct mcpz_id self;
    struct mcpz_rng rng;
    struct mcpz_call_out out[MCPZ_CALLS_MAX];
    struct mcpz_call_in in[MCPZ_CALLS_MAX];
    size_t out_count;
    size_t in_count;
    uint64_t next_call;
    uint32_t next_run;
    uint64_t tasks_done; /* as caller */
    uint64_t tasks_failed;
    uint64_t tasks_retried;
    uint64_t runs_done; /* as provider */
    uint64_t runs_failed;
};

void mcpz_calls_init(struct mcpz_calls *calls, const struct mcpz_id *self, uint64_t seed);

/**
 * Take in one event. Handles TASK_*, RUN_*, RECV of OPEN .. CREDIT, TICK; facts LINKED,
 * UNLINKED and UNREACHABLE. Asks for REACH where the provider chosen is not linked.
 * `fabric` and `registry` are looked at only.
 */
void mcpz_calls_step(struct mcpz_calls *calls, const struct mcpz_fabric *fabric,
                     const struct mcpz_registry *registry, mcpz_time now,
                     const struct mcpz_event *event, struct mcpz_outbox *out);

mcpz_time mcpz_calls_deadline(const struct mcpz_calls *calls);

#endif
