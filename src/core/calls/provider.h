/*
 * The calls we serve, as runs of whoever does what we offer.
 *
 *   OPEN -> RUN_START, then RUN_INPUT and RUN_OUTPUT -> END or FAIL
 *     |                                              -> RUN_STOP: cancelled, caller gone, too late
 *     +--> RUN_START held, later RUN_GO                 (core/gate.h says when)
 *     +--> FAIL: rate_limited, overloaded, no_time ...
 *
 * A call with an idempotency key that we have seen is not run again (core/gate/answers.h): it gets
 * the answer there was, or waits for that of the call that runs. A run that others wait for goes
 * on when its own caller is gone.
 */

#ifndef CORE_CALLS_PROVIDER_H
#define CORE_CALLS_PROVIDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/durations.h"
#include "base/index.h"
#include "core/calls/sight.h"
#include "core/calls/table.h"
#include "core/event.h"
#include "core/gate.h"
#include "core/gate/answers.h"
#include "core/load.h"
#include "core/outbox.h"
#include "proto/code.h"
#include "proto/id.h"
#include "proto/limits.h"

struct mcpz_call_in {
    uint32_t run; /* what the edge calls it; never 0 */
    uint64_t call;
    struct mcpz_id caller;
    bool input_open;
    bool may_split;  /* into subtasks */
    bool waits;      /* for the answer of another call: the edge knows nothing of it */
    bool deserted;   /* its caller is gone, others wait for its answer */
    uint16_t answer; /* the row of its key; MCPZ_ANSWER_NONE: it has none */
    uint64_t answer_stamp;
    uint32_t code; /* of one that waited: how the other one has ended */
    bool loads;    /* it counts as load, of this lane */
    uint8_t lane;
    uint32_t load; /* in flight when it came */
    mcpz_time came_us;
    mcpz_time deadline_us;
    uint32_t send_credit;
    uint32_t receive_credit;
};

struct mcpz_provider {
    struct mcpz_id self;
    struct mcpz_call_table table;
    struct mcpz_call_in *slots; /* table.max */
    struct mcpz_index by_run;
    struct mcpz_index by_call; /* hash of caller and call; what it finds is compared */
    struct mcpz_gate gate;     /* its handles are slots */
    struct mcpz_load *loads;   /* MCPZ_LANES_MAX, by the gate's lanes: waiting is load, too */
    struct mcpz_answers answers;
    mcpz_time last_calls_us; /* drained: until then we take what nobody else would */
    uint64_t seed;
    uint32_t next_run;
    struct mcpz_durations took; /* from OPEN to the end */
    uint64_t done;
    uint64_t failed;
};

/** How much mcpz_provider_init() takes from its arena. */
size_t mcpz_provider_bytes(size_t calls_max);

/** Start without calls. `seed` is nobody else's to know. `arena` has room (asserted). */
void mcpz_provider_init(struct mcpz_provider *provider, const struct mcpz_id *self,
                        size_t calls_max, const struct mcpz_gate_config *gate, uint64_t seed,
                        struct mcpz_arena *arena);

/** Take in PROVIDE, WITHDRAW, LIMITS, DRAIN and RESUME. */
void mcpz_provider_order(struct mcpz_provider *provider, mcpz_time now,
                         const struct mcpz_event *event, struct mcpz_outbox *out);

/** Take in OPEN. */
void mcpz_provider_open(struct mcpz_provider *provider, const struct mcpz_call_sight *sight,
                        const struct mcpz_id *from, const struct mcpz_msg_open *open,
                        struct mcpz_outbox *out);

/** Take in LOAD_ASK. */
void mcpz_provider_tell_load(struct mcpz_provider *provider, mcpz_time now,
                             const struct mcpz_id *from, struct mcpz_bytes capability,
                             struct mcpz_outbox *out);

/** Take in what a caller says of call number `call`: DATA, END, CREDIT or CANCEL. */
void mcpz_provider_demand(struct mcpz_provider *provider, mcpz_time now,
                          const struct mcpz_id *from, uint64_t call, const struct mcpz_msg *msg,
                          struct mcpz_outbox *out);

/** Take in RUN_CREDIT .. RUN_FAIL. */
void mcpz_provider_run(struct mcpz_provider *provider, mcpz_time now,
                       const struct mcpz_event *event, struct mcpz_outbox *out);

/** Take in UNLINKED and UNRELAYED. */
void mcpz_provider_fact(struct mcpz_provider *provider, mcpz_time now,
                        const struct mcpz_fact *fact, struct mcpz_outbox *out);

/** End what is due, and some of what is to be ended. */
void mcpz_provider_tick(struct mcpz_provider *provider, mcpz_time now, struct mcpz_outbox *out);

mcpz_time mcpz_provider_deadline(const struct mcpz_provider *provider);

#endif
