/*
 * The gate: which call that comes to us as a provider may start, which waits, and which is told at
 * once to go elsewhere or come back later.
 *
 *   ask -> rate of tenant and server -> time left -> lane free? -> start
 *                 |                        |            | no
 *                 v                        v            v
 *           rate_limited                 no_time     may it wait? -> waits -> start, or no_time
 *                                                       | no
 *                                                       v
 *                                                  overloaded
 *
 * Each capability is a lane with a limit of its own, found by how long its tasks take
 * (gradient.h); lanes whose tasks need one of the node's hands share those, and none gets the last
 * quarter while others are offered too. Who waits, in what order, and who makes room: waiting.h.
 * Whether the less important may wait at all: shedder.h. Of whom too much comes: tenants.h.
 *
 * A refusal costs the tenant nothing, has a code, and says when to come back.
 *
 * Calls are known by a handle, which the owner chooses.
 */

#ifndef CORE_GATE_H
#define CORE_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/rng.h"
#include "base/time.h"
#include "core/gate/gradient.h"
#include "core/gate/recent.h"
#include "core/gate/shedder.h"
#include "core/gate/tenants.h"
#include "core/gate/waiting.h"
#include "proto/code.h"
#include "proto/gate_config.h"
#include "proto/id.h"
#include "proto/limits.h"

/* What was decided, counted. */
#define MCPZ_GATE_COUNTS(X)                                                                       \
    X(started, "calls started")                                                                   \
    X(waited, "of them, after a wait")                                                            \
    X(rate_limited, "refused: more than the tenant's level allows")                               \
    X(server_limited, "refused: more than one server may send")                                   \
    X(shed, "refused: too much to do, and others were more important")                            \
    X(queue_full, "refused: too many were waiting")                                               \
    X(pushed_out, "refused while waiting: others had a better claim")                             \
    X(no_time, "refused: could not have been done in time")                                       \
    X(draining, "refused: this node is being drained")                                            \
    X(spared, "not sent: their callers knew that they would be refused")

struct mcpz_gate_counts {
#define X(name, help) uint64_t name;
    MCPZ_GATE_COUNTS(X)
#undef X
};

/* A capability. */
struct mcpz_gate_lane {
    char name[MCPZ_CAPABILITY_BYTES_MAX + 1]; /* "": free */
    bool offered;                             /* else it is kept until its calls have ended */
    bool takes_hands;
    uint32_t running_max; /* 0: what the gradient says */
    uint32_t running;
    uint32_t waiting;
    struct mcpz_gradient gradient;
    struct mcpz_recent recent;
};

enum mcpz_gate_state { MCPZ_GATE_FREE = 0, MCPZ_GATE_WAITING, MCPZ_GATE_RUNNING };

struct mcpz_gate_call {
    uint8_t state; /* enum mcpz_gate_state */
    uint8_t lane;
    struct mcpz_tenant *tenant;
    struct mcpz_tenant *server;
    mcpz_time since_us; /* in this state */
};

struct mcpz_gate {
    uint32_t hands; /* 0: no end of them */
    uint32_t hands_taken;
    uint32_t share; /* of the hands, for one lane */
    uint32_t queue_min;
    struct mcpz_rate server_rate;
    struct mcpz_gate_lane lanes[MCPZ_LANES_MAX];
    struct mcpz_gate_call *calls; /* calls_max, by handle */
    size_t calls_max;
    struct mcpz_tenants tenants;
    struct mcpz_tenants servers;
    struct mcpz_tenant any_server; /* where servers have no limit, they need no rows */
    struct mcpz_waiting waiting;
    struct mcpz_shedder shedder;
    struct mcpz_rng rng;  /* those refused together are not to come back together */
    mcpz_time drained_us; /* refuse everything: by then we shall be gone; 0: no */
    struct mcpz_gate_counts counts;
    uint64_t turned_away[MCPZ_SHED_CLASSES]; /* shed, no room or pushed out, by class */
};

struct mcpz_gate_request {
    struct mcpz_bytes capability;
    struct mcpz_bytes tenant; /* empty: the caller stands for itself */
    bool
        is_own; /* the caller is this node: no rate holds for a server, nor for itself as tenant */
    const struct mcpz_id *caller;
    uint32_t priority;
    mcpz_time deadline_us;
    bool nobody_else; /* offers it, as far as others know: take it, though we are being drained */
};

struct mcpz_gate_refusal {
    uint32_t code; /* enum mcpz_code */
    uint32_t retry_after_ms;
    const char *text;    /* static */
    uint32_t turns_away; /* as mcpz_gate_turns_away() */
};

enum mcpz_gate_word { MCPZ_GATE_START = 1, MCPZ_GATE_WAIT, MCPZ_GATE_REFUSE };

struct mcpz_gate_verdict {
    enum mcpz_gate_word word;
    struct mcpz_gate_refusal refusal; /* REFUSE: this call's; else of the one that makes room */
    uint32_t pushed_out;              /* WAIT: the handle of that one; MCPZ_GATE_NOBODY: none */
};

#define MCPZ_GATE_NOBODY UINT32_MAX

/** How much mcpz_gate_init() takes from its arena. */
size_t mcpz_gate_bytes(size_t calls_max);

/**
 * Nothing is offered and nothing under way. Handles are below `calls_max`. `seed` is nobody else's
 * to know. `arena` has room (asserted).
 */
void mcpz_gate_init(struct mcpz_gate *gate, const struct mcpz_gate_config *config,
                    size_t calls_max, uint64_t seed, struct mcpz_arena *arena);

/** Go by other rates and another number of hands from now on. */
void mcpz_gate_configure(struct mcpz_gate *gate, const struct mcpz_gate_config *config,
                         mcpz_time now);

/**
 * This is offered. `running_max`: at most so many at once; 0 if only the gate is to say, and
 * MCPZ_RUNNING_UNBOUNDED if the gradient is not to: how long they take says nothing about them.
 */
void mcpz_gate_provide(struct mcpz_gate *gate, struct mcpz_bytes name, bool takes_hands,
                       uint32_t running_max);

/** No longer. What waits or runs goes on. */
void mcpz_gate_withdraw(struct mcpz_gate *gate, struct mcpz_bytes name);

/** Refuse all that comes: we shall be gone by `until_us`. 0: take calls again. */
void mcpz_gate_drain(struct mcpz_gate *gate, mcpz_time until_us);

/** Is this offered, or was until its last calls end? */
bool mcpz_gate_knows(const struct mcpz_gate *gate, struct mcpz_bytes name);

/** The index of its lane; MCPZ_LANES_MAX: it has none. */
size_t mcpz_gate_lane(const struct mcpz_gate *gate, struct mcpz_bytes name);

/**
 * A call has come; what becomes of it? `handle` is free (asserted). After REFUSE it still is;
 * `*pushed_out` is free too.
 */
void mcpz_gate_ask(struct mcpz_gate *gate, mcpz_time now, uint32_t handle,
                   const struct mcpz_gate_request *request, struct mcpz_gate_verdict *verdict);

/** The next of those that wait may start. False: not yet. Ask until it says so, after each end. */
bool mcpz_gate_next(struct mcpz_gate *gate, mcpz_time now, uint32_t *handle);

/** One of those that wait has waited too long. Its handle is free. False: none. */
bool mcpz_gate_expire(struct mcpz_gate *gate, mcpz_time now, uint32_t *handle,
                      struct mcpz_gate_refusal *refusal);

/**
 * A call has ended, started or not: the handle is free. `done`: it ran and succeeded, and so shows
 * how long its kind takes. A handle that is free already stays so.
 */
void mcpz_gate_end(struct mcpz_gate *gate, mcpz_time now, uint32_t handle, bool done);

/** Does the call wait? */
bool mcpz_gate_waits(const struct mcpz_gate *gate, uint32_t handle);

/** How many run. */
size_t mcpz_gate_running(const struct mcpz_gate *gate);

/** How many of a lane may run at once. */
uint32_t mcpz_gate_limit(const struct mcpz_gate *gate, const struct mcpz_gate_lane *lane);

/**
 * Of a tenant's calls for this lane, the class from which on they would be refused just now;
 * 0: none would. `caller` as in a request.
 */
uint32_t mcpz_gate_turns_away(struct mcpz_gate *gate, mcpz_time now, size_t lane,
                              struct mcpz_bytes tenant, const struct mcpz_id *caller);

/** The same, of the tenant of a call under way. */
uint32_t mcpz_gate_turns_away_more(const struct mcpz_gate *gate, uint32_t handle);

/** A caller has spared us so many calls: see mcpz_gate_turns_away(). */
void mcpz_gate_spared(struct mcpz_gate *gate, mcpz_time now, uint32_t calls);

/** When something that waits will have waited too long. */
mcpz_time mcpz_gate_deadline(const struct mcpz_gate *gate);

#endif
