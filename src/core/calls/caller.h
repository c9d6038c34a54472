/*
 * The calls we make.
 *
 *            chosen, linked                  END, FAIL, time is over
 *   START ---------------------> open -----------------------------------> DONE
 *     |                           ^  |
 *     | chosen, not linked        |  | lost before any output came, or another link took its place
 *     v          LINKED: RETRY    |  v
 *   reaching --> closed ----------+  closed --> RETRY, and START again
 *
 * A closed call waits for the edge to say START again, and all the input: no payload is kept here.
 *
 * A call that may be done twice, brings no input and takes long is hedged: a *twin* of it goes to
 * another provider, and whichever answers first ends both (Dean, Barroso, "The tail at scale",
 * 2013). Where its provider hangs, it is moved (core/router/router.h).
 */

#ifndef CORE_CALLS_CALLER_H
#define CORE_CALLS_CALLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/durations.h"
#include "base/index.h"
#include "base/rng.h"
#include "core/calls/sight.h"
#include "core/calls/table.h"
#include "core/event.h"
#include "core/outbox.h"
#include "core/router/router.h"
#include "proto/code.h"
#include "proto/id.h"
#include "proto/limits.h"

struct mcpz_call_out {
    uint64_t request;
    uint64_t call; /* changes with each attempt */
    char capability[MCPZ_CAPABILITY_BYTES_MAX + 1];
    struct mcpz_id provider;
    struct mcpz_id failed[MCPZ_CALL_ATTEMPTS_MAX]; /* providers not to try again */
    struct mcpz_id only; /* nobody else may be asked; zeros: whoever can */
    uint32_t attempts;
    bool open;     /* OPEN was sent, and its end has not come */
    bool reaching; /* waiting for a link to the provider */
    bool answered; /* output has come: too late for another provider */
    mcpz_time deadline_us;
    mcpz_time started_us;
    uint32_t send_credit;    /* bytes the provider will still take */
    uint32_t receive_credit; /* bytes we will still take */
    uint32_t last_code;      /* why the last attempt ended */
    uint32_t retry_after_ms; /* what it said of coming back; 0: nothing */
    uint16_t class;          /* of the router, which it holds */
    bool has_route;          /* the router knows where it is */
    bool asked;              /* over a link that is gone: nobody knows whether it was heard */
    bool reached;            /* there is a link to the provider now, for this call */
    uint64_t tenant;         /* a number for it */
    uint8_t shed_class;      /* of its priority: core/gate/shedder.h */
    uint8_t isolation;       /* at least so isolated */
    bool repeatable;         /* it may be done twice */
    bool has_input;
    bool may_split;        /* into subtasks */
    bool may_hedge;        /* it was not hedged yet */
    bool hedging;          /* the edge was asked to say START again, for a twin */
    bool is_twin;          /* of the call that the edge knows */
    uint32_t twin;         /* its slot; MCPZ_CALL_NONE: there is none */
    mcpz_time retry_at_us; /* closed, and to be started again then; 0: no */
    struct mcpz_route route;
};

struct mcpz_caller {
    struct mcpz_id self;
    struct mcpz_rng rng;
    struct mcpz_call_table table;
    struct mcpz_call_out *slots;  /* table.max */
    struct mcpz_index by_request; /* all of them */
    struct mcpz_index by_call;    /* those that are open */
    struct mcpz_router router;
    uint32_t offers_digest; /* of the registry that the router's lists are made from */
    uint64_t next_call;
    uint64_t done;
    uint64_t failed;
    uint64_t retried;
    uint64_t moved;             /* away from providers that hang */
    struct mcpz_durations took; /* as the edge sees it: all attempts together */
};

/* The router's sizes, of a server. */
#define MCPZ_CALLER_CLASSES_MAX 64
#define MCPZ_CALLER_BACKENDS_MAX 32

/** How much mcpz_caller_init() takes from its arena. */
size_t mcpz_caller_bytes(size_t calls_max);

/** Start without calls. `arena` has room (asserted). */
void mcpz_caller_init(struct mcpz_caller *caller, const struct mcpz_id *self, size_t calls_max,
                      uint64_t seed, struct mcpz_arena *arena);

/** Take in TASK_START .. TASK_CANCEL. */
void mcpz_caller_task(struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                      const struct mcpz_event *event, struct mcpz_outbox *out);

/** Take in what a provider says of call number `call`: DATA, END, FAIL or CREDIT. */
void mcpz_caller_answer(struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                        const struct mcpz_id *from, uint64_t call, const struct mcpz_msg *msg,
                        struct mcpz_outbox *out);

/** Take in a LOAD. */
void mcpz_caller_heard(struct mcpz_caller *caller, mcpz_time now, const struct mcpz_id *from,
                       const struct mcpz_msg_load *load);

/** Take in LINKED, UNLINKED and UNREACHABLE, RELAYED and UNRELAYED. */
void mcpz_caller_fact(struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                      const struct mcpz_fact *fact, struct mcpz_outbox *out);

/** End what is due, and some of what is to be ended. */
void mcpz_caller_tick(struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                      struct mcpz_outbox *out);

/** The call of this request, or under this number if it is open; NULL: there is none. */
const struct mcpz_call_out *mcpz_caller_find(const struct mcpz_caller *caller, uint64_t request);
const struct mcpz_call_out *mcpz_caller_find_call(const struct mcpz_caller *caller, uint64_t call);

/** Can we send to it now, over a link or through others? To ourselves we always can. */
bool mcpz_caller_is_linked(const struct mcpz_caller *caller, const struct mcpz_call_sight *sight,
                           const struct mcpz_id *id);

#endif
