/*
 * Which provider serves a call: what is known of all that offer a capability, the choice among
 * them, and what came of it.
 *
 * Owned by who makes calls (core/calls.h; sim/anchors_routing.c for the papers' experiments). For
 * each capability called lately there is a *class*, and in it a *backend* for each node that
 * offers it: how far it is, how it has answered, what it says of its load. Whoever owns the router
 * lists the nodes when mcpz_router_is_stale() says so.
 *
 *   hold -> pick -> begin -> [progressed]* -> end -> release
 *                     ^                        |
 *                     +--- another attempt ----+
 *
 * A pick leaves out who may not (rules), cannot (breaker, retry-after) or has failed this very
 * call; then, if there are others, who is suspect, ejected or stalled; then, if there are nearer
 * ones that are not all hot, who is in another zone. Among those left the rule's strategy decides.
 *
 * Against providers that fail fast and seem idle for it (sinkholes): who errs more than the others
 * do counts as hotter than hot; who errs far more is ejected, at most 30 % of them and never the
 * last. Against those that hang although their heartbeats come: a backend that has had calls for
 * far longer than they take, and has ended none of them while others did, is stalled, and its
 * breaker opens.
 *
 * Against overload, the callers' part of DAGOR (core/gate/shedder.h): providers tell with answers
 * which calls they would refuse just now. Those are not sent there; where nobody else can be
 * chosen, they fail here, and the providers are told how many they were.
 *
 * Who does not know its latency is taken for one that needs what calls of the class need: if it
 * came after all that do know (protocols.md 4.4), it would never get a call by which to learn it,
 * and a tenth of a hundred servers starved (sim/anchors_routing.h).
 *
 * Bulkheads: a class may hold calls while it holds less than four times what is free (Choudhury,
 * Hahne, "Dynamic queue length thresholds", 1998): one alone gets four fifths, and however many
 * are slow, there is room for the next.
 *
 * Sources: protocols.md 4.1, 4.3, 4.4; R-TASK-3 to R-TASK-6.
 */

#ifndef CORE_ROUTER_ROUTER_H
#define CORE_ROUTER_ROUTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/rng.h"
#include "base/time.h"
#include "core/load.h"
#include "core/router/breaker.h"
#include "core/router/latencies.h"
#include "core/router/probe_pool.h"
#include "core/router/retry_budget.h"
#include "core/router/rules.h"
#include "proto/id.h"
#include "proto/limits.h"

#define MCPZ_CLASSES_MAX 256
#define MCPZ_BACKENDS_MAX 128 /* of one class: more nodes than that are not looked at */
#define MCPZ_BACKEND_WORDS (MCPZ_BACKENDS_MAX / 64)

#define MCPZ_HEDGE_AFTER_US_MIN MCPZ_MS(10)
#define MCPZ_HEDGE_SHARE 50 /* of a call, in thousandths: 5 % */
#define MCPZ_STALL_US_MIN MCPZ_MS(200)
#define MCPZ_STALL_LATENCIES 8 /* p99s without an end, while others end some */
#define MCPZ_EJECT_US MCPZ_SECONDS(30)
#define MCPZ_EJECT_US_MAX MCPZ_SECONDS(300)
#define MCPZ_EJECT_PERCENT_MAX 30
#define MCPZ_ROUTER_LIST_US MCPZ_SECONDS(5) /* round trips change without a fact that says so */

#define MCPZ_SHED_TOLD_US MCPZ_MS(100) /* as long again, and one call more is sent to see */

#define MCPZ_ERRORS_ALL 1024 /* a share of errors of 1 */

enum mcpz_call_outcome {
    MCPZ_OUTCOME_WELL,
    MCPZ_OUTCOME_FAILED,  /* it ran and said no: may be the caller's fault */
    MCPZ_OUTCOME_BROKEN,  /* crashed, or hangs: its own fault */
    MCPZ_OUTCOME_LATE,    /* not in time: its own fault if it has ended nothing meanwhile */
    MCPZ_OUTCOME_BUSY,    /* refused before it ran: come back later */
    MCPZ_OUTCOME_NOTHING, /* cancelled by us, or its link broke: members know better */
};

/* How far a node is. */
enum mcpz_ring {
    MCPZ_RING_ZONE,   /* ours */
    MCPZ_RING_REGION, /* another zone of ours */
    MCPZ_RING_FAR,
};

/* A node that offers a capability. Texts are borrowed. */
struct mcpz_candidate {
    struct mcpz_rule_subject node;
    enum mcpz_ring ring;
    uint32_t rtt_us; /* 0: unknown */
    bool linked;
    bool remote; /* not linked, and it cannot be dialled: calls go through others */
    bool suspect;
    uint8_t isolation; /* enum mcpz_isolation, of this capability there */
};

struct mcpz_backend {
    struct mcpz_id id;
    bool used;
    bool listed;  /* it was in the last list: else it goes when its calls have ended */
    bool allowed; /* by the rules */
    bool linked;
    bool remote;
    bool suspect;
    bool has_report;
    uint8_t ring;      /* enum mcpz_ring */
    uint8_t isolation; /* enum mcpz_isolation */
    uint8_t target;    /* of the rule, from 1 */
    uint8_t ejections; /* in a row */
    uint32_t weight;
    int32_t credit; /* smooth weighted round robin */
    uint32_t rtt_us;
    uint32_t outstanding; /* our calls there */
    uint32_t errors;      /* moving share, of MCPZ_ERRORS_ALL */
    uint32_t results;     /* since it was last forgiven */
    mcpz_time errors_at_us;
    mcpz_time asked_us;    /* the probe under way; 0: none */
    mcpz_time reported_us; /* the last report */
    struct mcpz_load_report report;
    mcpz_time waiting_us;    /* since then it has had calls and ended none; 0: it has none */
    mcpz_time busy_until_us; /* retry-after */
    mcpz_time shed_until_us; /* so long it is believed to turn away calls: */
    uint64_t shed_tenant;    /* of this tenant, */
    uint32_t shed_class;     /* of this class and less important ones; 0: none */
    uint32_t spared;         /* not sent for it, and not told it yet */
    mcpz_time ejected_until_us;
    struct mcpz_breaker breaker;
};

struct mcpz_class {
    char capability[MCPZ_CAPABILITY_BYTES_MAX + 1]; /* empty: free */
    enum mcpz_strategy strategy;
    uint32_t priority;
    uint32_t concurrent_max;
    bool listed;
    uint64_t generation; /* of what it was listed by */
    mcpz_time listed_us;
    mcpz_time used_us;
    struct mcpz_backend *backends; /* config.backends_max of the router's */
    size_t backend_top;            /* those used are below it */
    size_t present;                /* used and listed */
    uint8_t home_ring;             /* the nearest that somebody is in */
    uint32_t held;
    uint32_t erring;     /* backends whose share of errors is not 0 */
    uint32_t probe_debt; /* probes that calls have earned and nobody has sent */
    uint32_t far_turn;
    uint32_t hedge_tokens; /* in thousandths */
    mcpz_time ended_us;    /* when any call last ended well */
    mcpz_time p50_us;      /* of `latencies`, as of the last look; MCPZ_TIME_NEVER: unknown */
    mcpz_time p95_us;
    mcpz_time p99_us;
    uint32_t since_quantiles;
    struct mcpz_latencies latencies;
    struct mcpz_retry_budget retries;
    struct mcpz_rifs rifs;
    struct mcpz_probe_pool near;
    struct mcpz_probe_pool far;
};

struct mcpz_router_config {
    size_t classes_max;  /* 1 to MCPZ_CLASSES_MAX */
    size_t backends_max; /* of a class, 1 to MCPZ_BACKENDS_MAX */
    size_t rules_max;    /* 1 to MCPZ_RULES_MAX */
    uint64_t seed;
};

struct mcpz_router {
    struct mcpz_router_config config;
    struct mcpz_rng rng;
    struct mcpz_class *classes;
    struct mcpz_backend
        *backends; /* of all classes; a class is not written to before it is used */
    struct mcpz_rules rules;
    uint64_t generation; /* moves on whenever lists may have changed */
    uint64_t probes;     /* asked for */
    uint64_t hedges;
    uint64_t retries;
    uint64_t no_budget; /* retries there was no token for */
    uint64_t opened;    /* breakers, by what came of calls */
    uint64_t trials;    /* calls that half-open breakers let pass */
    uint64_t stalls;    /* backends found to hang */
    uint64_t ejected;
    uint64_t spilled; /* picks that went to another zone although there was one in ours */
    uint64_t spared;  /* calls not sent, since all who could would have turned them away */
};

/* What stands between calls and providers just now, of all classes. */
struct mcpz_router_bars {
    size_t open;      /* breakers */
    size_t half_open; /* breakers */
    size_t ejected;   /* backends */
    size_t stalled;   /* backends */
};

/* Where a call goes: kept by its caller until it has ended. */
struct mcpz_route {
    uint16_t class;
    uint16_t backend;
    bool trial; /* of a half-open breaker */
    struct mcpz_id provider;
    mcpz_time begun_us;
};

enum mcpz_verdict {
    MCPZ_VERDICT_CHOSEN,
    MCPZ_VERDICT_NOBODY, /* no node offers it */
    MCPZ_VERDICT_BARRED, /* nodes do, and a rule lets none of them */
    MCPZ_VERDICT_TRIED,  /* all that can have failed this call */
    MCPZ_VERDICT_BROKEN, /* breakers are open: retry_at_us */
    MCPZ_VERDICT_BUSY,   /* all have said to come back: retry_at_us */
    MCPZ_VERDICT_SHED,   /* all would turn such a call away just now: retry_at_us */
    MCPZ_VERDICT_LAX,    /* nodes do, none so isolated */
};

/* What a call wants of who serves it, and what it is to them. */
struct mcpz_wish {
    const struct mcpz_id *tried; /* not these */
    size_t tried_count;
    uint64_t tenant;   /* a number for it */
    uint32_t class;    /* of its priority: core/gate/shedder.h */
    uint8_t isolation; /* enum mcpz_isolation: only who is so isolated, or more */
};

struct mcpz_pick {
    enum mcpz_verdict verdict;
    size_t backend;        /* CHOSEN */
    mcpz_time retry_at_us; /* BROKEN, BUSY, SHED */
};

/* ---- The router --------------------------------------------------------------------------- */

/** How much mcpz_router_init() takes from its arena. */
size_t mcpz_router_bytes(const struct mcpz_router_config *config);

/** Start without classes and rules. `arena` has room (asserted). */
void mcpz_router_init(struct mcpz_router *router, const struct mcpz_router_config *config,
                      struct mcpz_arena *arena);

/** Hold these rules from now on. */
void mcpz_router_set_rules(struct mcpz_router *router, const struct mcpz_rule *rows, size_t count);

/** Who offers what, or is linked or suspect, may have changed. */
void mcpz_router_changed(struct mcpz_router *router);

/**
 * The class of a capability, made if there is none: the one unused for longest gives way. NULL:
 * all of them hold calls.
 */
struct mcpz_class *mcpz_router_class(struct mcpz_router *router, mcpz_time now,
                                     struct mcpz_bytes capability);

/** Must who offers it be listed anew before the next pick? */
bool mcpz_router_is_stale(const struct mcpz_router *router, const struct mcpz_class *class,
                          mcpz_time now);

/**
 * List who offers it: begin, add each, end. Of more than config.backends_max the nearest are
 * kept, and of those equally near the ones that hashing chooses, so that different callers keep
 * different ones.
 */
void mcpz_router_list_begin(struct mcpz_router *router, struct mcpz_class *class);
void mcpz_router_list_add(struct mcpz_router *router, struct mcpz_class *class,
                          const struct mcpz_candidate *candidate);
void mcpz_router_list_end(struct mcpz_router *router, struct mcpz_class *class, mcpz_time now);

/* ---- A call ------------------------------------------------------------------------------- */

/** May this class hold one more call, when `free` more could be held? See bulkheads above. */
bool mcpz_router_may_hold(const struct mcpz_class *class, size_t free);

/** It holds one more; mcpz_router_release() when it is over. */
void mcpz_router_hold(struct mcpz_class *class, mcpz_time now);
void mcpz_router_release(struct mcpz_class *class);

/** Could one be chosen? As pick, without choosing. */
struct mcpz_pick mcpz_router_outlook(struct mcpz_router *router, struct mcpz_class *class,
                                     mcpz_time now, const struct mcpz_wish *wish);

/** Choose for one call. Who is picked in turn has had its turn. */
struct mcpz_pick mcpz_router_pick(struct mcpz_router *router, struct mcpz_class *class,
                                  mcpz_time now, const struct mcpz_wish *wish);

/** It was not sent: the verdict was SHED. Some provider is told, when one is called next. */
void mcpz_router_spare(struct mcpz_router *router, struct mcpz_class *class,
                       const struct mcpz_wish *wish);

/** How many calls were spared the provider of this route, since this was last asked. */
uint32_t mcpz_router_take_spared(struct mcpz_router *router, const struct mcpz_route *route);

/** Can this one be chosen now, whom somebody has chosen before? False: pick again. */
bool mcpz_router_stands(struct mcpz_router *router, struct mcpz_class *class, mcpz_time now,
                        const struct mcpz_id *id, size_t *backend);

/** It could not be reached: for a while it is picked only if nobody else is there. */
void mcpz_router_unreachable(struct mcpz_class *class, const struct mcpz_id *id, mcpz_time now);

/** A call goes to the backend that was picked in this very step. */
struct mcpz_route mcpz_router_begin(struct mcpz_router *router, struct mcpz_class *class,
                                    mcpz_time now, size_t index);

/** Something has come of it. */
void mcpz_router_progressed(struct mcpz_router *router, const struct mcpz_route *route,
                            mcpz_time now);

/** It has ended. `retry_after_us` counts with BUSY; `report` may be NULL. */
void mcpz_router_end(struct mcpz_router *router, const struct mcpz_route *route, mcpz_time now,
                     enum mcpz_call_outcome outcome, mcpz_time retry_after_us,
                     const struct mcpz_load_report *report);

/**
 * What a node says that it would turn away just now, of the calls of a tenant: those of this class
 * and less important ones; 0: none. It is believed for MCPZ_SHED_TOLD_US.
 */
void mcpz_router_told(struct mcpz_class *class, const struct mcpz_id *from, mcpz_time now,
                      uint64_t tenant, uint32_t turns_away);

/** May it be tried once more? Takes a token of the budget if so. */
bool mcpz_router_may_retry(struct mcpz_router *router, struct mcpz_class *class, mcpz_time now);

/* ---- Hedges and stalls -------------------------------------------------------------------- */

/** When a second one may be sent beside a call begun then; MCPZ_TIME_NEVER: it is not known. */
mcpz_time mcpz_router_hedge_at(const struct mcpz_class *class, mcpz_time begun_us);

/** May it be sent? Takes a token if so: 5 % of all calls. */
bool mcpz_router_may_hedge(struct mcpz_router *router, struct mcpz_class *class);

/** When this call's backend will be stalled if nothing comes; MCPZ_TIME_NEVER: it is not known. */
mcpz_time mcpz_router_stalls_at(const struct mcpz_router *router, const struct mcpz_route *route);

/** Is it stalled? If so, its breaker opens. */
bool mcpz_router_judge(struct mcpz_router *router, const struct mcpz_route *route, mcpz_time now);

/* ---- Probes ------------------------------------------------------------------------------- */

/**
 * Whom to ask for its load after a pick: fills `backends` (MCPZ_PROBES_PER_CALL), returns how
 * many. They are not asked again before they have answered, or a second is over. One that is not
 * linked wants a link instead.
 */
size_t mcpz_router_probe(struct mcpz_router *router, struct mcpz_class *class, mcpz_time now,
                         size_t *backends);

/** What a node says of its load, to a probe. Returns the class; NULL: it is not known here. */
struct mcpz_class *mcpz_router_heard(struct mcpz_router *router, struct mcpz_bytes capability,
                                     const struct mcpz_id *from, mcpz_time now,
                                     const struct mcpz_load_report *report);

/* ---- For people --------------------------------------------------------------------------- */

enum mcpz_backend_bar {
    MCPZ_BAR_NONE,
    MCPZ_BAR_RULE,    /* a rule does not let it */
    MCPZ_BAR_LAX,     /* it is not as isolated as it is wanted */
    MCPZ_BAR_BREAKER, /* open, or half open with trials under way */
    MCPZ_BAR_BUSY,    /* it said to come back later */
    MCPZ_BAR_SHED,    /* it would turn this call away: others are more important */
    MCPZ_BAR_SUSPECT, /* from here on: only if there is nobody else */
    MCPZ_BAR_EJECTED,
    MCPZ_BAR_STALLED,
};

struct mcpz_backend_view {
    struct mcpz_id id;
    enum mcpz_backend_bar bar;
    enum mcpz_breaker_state breaker;
    mcpz_time bar_until_us; /* BREAKER, BUSY, SHED, EJECTED */
    bool linked;
    bool hot;
    bool averse; /* it errs more than the others */
    bool known;  /* its load is, from here on */
    uint32_t rif;
    uint32_t latency_us;
    mcpz_time reported_us;
    enum mcpz_ring ring;
    uint32_t rtt_us;
    uint32_t outstanding;
    uint32_t errors; /* of MCPZ_ERRORS_ALL */
    uint32_t weight;
};

/** All backends of a class, in the order in which they would be chosen now. Returns how many. */
size_t mcpz_router_explain(struct mcpz_router *router, struct mcpz_class *class, mcpz_time now,
                           struct mcpz_backend_view *views, size_t max);

struct mcpz_router_bars mcpz_router_bars(const struct mcpz_router *router, mcpz_time now);

const char *mcpz_backend_bar_word(enum mcpz_backend_bar bar);
const char *mcpz_ring_word(enum mcpz_ring ring);

#endif
