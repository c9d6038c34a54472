#include "core/router/router.h"

#include <assert.h>

#include "base/hash.h"
#include "core/router/backends.h"

#define ERRORS_SHIFT 3 /* the last eight results or so */
#define ERRORS_HALF_US MCPZ_SECONDS(10)
#define EJECT_RESULTS_MIN 10
#define QUANTILES_EVERY 16            /* results */
#define PROBE_WAIT_US MCPZ_SECONDS(1) /* for an answer */
#define HEDGE_TOKENS_MAX (10 * 1000)
#define BULKHEAD_TIMES 4
#define UNREACHABLE_US MCPZ_SECONDS(5)

/* ---- Classes ------------------------------------------------------------------------------ */

size_t mcpz_router_bytes(const struct mcpz_router_config *config)
{
    return mcpz_arena_cost(config->classes_max, sizeof(struct mcpz_class)) +
           mcpz_arena_cost(config->classes_max * config->backends_max,
                           sizeof(struct mcpz_backend)) +
           mcpz_rules_bytes(config->rules_max);
}

void mcpz_router_init(struct mcpz_router *router, const struct mcpz_router_config *config,
                      struct mcpz_arena *arena)
{
    assert(config->classes_max > 0 && config->classes_max <= MCPZ_CLASSES_MAX);
    assert(config->backends_max > 0 && config->backends_max <= MCPZ_BACKENDS_MAX);

    *router = (struct mcpz_router){.config = *config, .generation = 1};
    mcpz_rng_init(&router->rng, config->seed);
    router->classes = mcpz_arena_take_sure(arena, config->classes_max, sizeof(struct mcpz_class));
    router->backends = mcpz_arena_take_sure(arena, config->classes_max * config->backends_max,
                                            sizeof(struct mcpz_backend));
    mcpz_rules_init(&router->rules, config->rules_max, arena);
}

void mcpz_router_changed(struct mcpz_router *router)
{
    router->generation++;
}

void mcpz_router_set_rules(struct mcpz_router *router, const struct mcpz_rule *rows, size_t count)
{
    mcpz_rules_set(&router->rules, rows, count);
    mcpz_router_changed(router);
}

static struct mcpz_class *find_class(struct mcpz_router *router, struct mcpz_bytes capability)
{
    for (size_t i = 0; i < router->config.classes_max; i++) {
        struct mcpz_class *class = &router->classes[i];
        if (class->capability[0] != '\0' &&
            mcpz_bytes_equal(mcpz_text(class->capability), capability)) {
            return class;
        }
    }
    return NULL;
}

/* Has it calls that were not released, or that were and have not ended? */
static bool is_in_use(const struct mcpz_class *class)
{
    if (class->held > 0) {
        return true;
    }
    for (size_t i = 0; i < class->backend_top; i++) {
        if (class->backends[i].used && class->backends[i].outstanding > 0) {
            return true;
        }
    }
    return false;
}

/* A free one, or the one that was not used for longest. */
static struct mcpz_class *room_for_class(struct mcpz_router *router)
{
    struct mcpz_class *oldest = NULL;

    for (size_t i = 0; i < router->config.classes_max; i++) {
        struct mcpz_class *class = &router->classes[i];
        if (class->capability[0] == '\0') {
            return class;
        }
        if ((oldest == NULL || class->used_us < oldest->used_us) && !is_in_use(class)) {
            oldest = class;
        }
    }
    return oldest;
}

struct mcpz_class *mcpz_router_class(struct mcpz_router *router, mcpz_time now,
                                     struct mcpz_bytes capability)
{
    assert(capability.length > 0 && capability.length <= MCPZ_CAPABILITY_BYTES_MAX);

    struct mcpz_class *class = find_class(router, capability);
    if (class == NULL) {
        class = room_for_class(router);
        if (class == NULL) {
            return NULL;
        }
        const size_t place = (size_t)(class - router->classes);
        *class = (struct mcpz_class){
            .backends = router->backends + place * router->config.backends_max,
            .p50_us = MCPZ_TIME_NEVER,
            .p95_us = MCPZ_TIME_NEVER,
            .p99_us = MCPZ_TIME_NEVER,
        };
        mcpz_bytes_to_text(capability, class->capability, sizeof(class->capability));
        mcpz_retry_budget_init(&class->retries, now);
    }
    class->used_us = now;
    return class;
}

/* ---- Lists -------------------------------------------------------------------------------- */

bool mcpz_router_is_stale(const struct mcpz_router *router, const struct mcpz_class *class,
                          mcpz_time now)
{
    return !class->listed || class->generation != router->generation ||
           now - class->listed_us >= MCPZ_ROUTER_LIST_US;
}

static struct mcpz_backend *find_backend(const struct mcpz_class *class, const struct mcpz_id *id)
{
    for (size_t i = 0; i < class->backend_top; i++) {
        struct mcpz_backend *backend = &class->backends[i];
        if (backend->used && mcpz_id_equal(&backend->id, id)) {
            return backend;
        }
    }
    return NULL;
}

static void remove_backend(struct mcpz_class *class, struct mcpz_backend *backend)
{
    const uint32_t index = (uint32_t)(backend - class->backends);

    assert(backend->outstanding == 0);
    mcpz_probe_pool_forget(&class->near, index);
    mcpz_probe_pool_forget(&class->far, index);
    class->erring -= backend->errors > 0;
    *backend = (struct mcpz_backend){0};
}

void mcpz_router_list_begin(struct mcpz_router *router, struct mcpz_class *class)
{
    const struct mcpz_rule *rule = mcpz_rules_find(&router->rules, mcpz_text(class->capability));

    class->strategy = rule != NULL ? rule->strategy : MCPZ_STRATEGY_BALANCED;
    class->priority = rule != NULL ? rule->priority : MCPZ_RULE_PRIORITY_NORMAL;
    class->concurrent_max = rule != NULL ? rule->concurrent_max : 0;
    for (size_t i = 0; i < class->backend_top; i++) {
        class->backends[i].listed = false;
    }
}

/* The greater, the sooner it gives way: the ring, then a hash of who we are and who it is. */
static uint64_t expendability(const struct mcpz_router *router, const struct mcpz_id *id,
                              enum mcpz_ring ring)
{
    const uint64_t hash =
        mcpz_hash_bytes(mcpz_bytes(id->bytes, sizeof(id->bytes)), router->config.seed);

    return (uint64_t)ring << 62 | hash >> 2;
}

/* A place for one that is not there yet: a free one, or that of one more expendable. */
static struct mcpz_backend *room_for_backend(struct mcpz_router *router, struct mcpz_class *class,
                                             const struct mcpz_candidate *candidate)
{
    struct mcpz_backend *worst = NULL;
    uint64_t most = expendability(router, &candidate->node.id, candidate->ring);

    for (size_t i = 0; i < class->backend_top; i++) {
        struct mcpz_backend *backend = &class->backends[i];
        if (!backend->used) {
            return backend;
        }
    }
    if (class->backend_top < router->config.backends_max) {
        return &class->backends[class->backend_top++];
    }
    for (size_t i = 0; i < class->backend_top; i++) {
        struct mcpz_backend *backend = &class->backends[i];
        const uint64_t cost = expendability(router, &backend->id, (enum mcpz_ring)backend->ring);
        if (backend->listed && backend->outstanding == 0 && cost > most) {
            worst = backend;
            most = cost;
        }
    }
    if (worst != NULL) {
        remove_backend(class, worst);
    }
    return worst;
}

void mcpz_router_list_add(struct mcpz_router *router, struct mcpz_class *class,
                          const struct mcpz_candidate *candidate)
{
    const struct mcpz_rule *rule = mcpz_rules_find(&router->rules, mcpz_text(class->capability));
    struct mcpz_backend *backend = find_backend(class, &candidate->node.id);

    if (backend == NULL) {
        backend = room_for_backend(router, class, candidate);
        if (backend == NULL) {
            return;
        }
        *backend = (struct mcpz_backend){.id = candidate->node.id, .used = true};
        mcpz_breaker_init(&backend->breaker);
    }
    const size_t target = rule != NULL ? mcpz_rule_target(rule, &candidate->node) : 0;
    backend->listed = true;
    backend->allowed = mcpz_rules_spare(mcpz_text(class->capability)) ||
                       mcpz_rules_allow(&router->rules, rule, &candidate->node);
    backend->target = (uint8_t)target;
    backend->weight = target > 0 ? rule->targets[target - 1].weight : 1;
    backend->ring = (uint8_t)candidate->ring;
    backend->rtt_us = candidate->rtt_us;
    backend->linked = candidate->linked;
    backend->remote = candidate->remote;
    backend->suspect = candidate->suspect;
    backend->isolation = candidate->isolation;
}

void mcpz_router_list_end(struct mcpz_router *router, struct mcpz_class *class, mcpz_time now)
{
    uint8_t home = MCPZ_RING_FAR;

    class->present = 0;
    for (size_t i = 0; i < class->backend_top; i++) {
        struct mcpz_backend *backend = &class->backends[i];
        if (!backend->used) {
            continue;
        }
        if (backend->listed) {
            class->present++;
            home = backend->allowed && backend->ring < home ? backend->ring : home;
        } else if (backend->outstanding == 0) {
            remove_backend(class, backend);
        }
    }
    if (home != class->home_ring) { /* what was near is far now, or the other way round */
        mcpz_probe_pool_init(&class->near);
        mcpz_probe_pool_init(&class->far);
        class->home_ring = home;
    }
    class->listed = true;
    class->generation = router->generation;
    class->listed_us = now;
}

/* ---- What is known of a backend ----------------------------------------------------------- */

struct mcpz_probe_pool *mcpz_backend_pool(struct mcpz_class *class,
                                          const struct mcpz_backend *backend)
{
    return backend->ring <= class->home_ring ? &class->near : &class->far;
}

uint32_t mcpz_backend_errors(const struct mcpz_backend *backend, mcpz_time now)
{
    const mcpz_time halves = (now - backend->errors_at_us) / ERRORS_HALF_US;

    return halves < 32 ? backend->errors >> halves : 0;
}

uint32_t mcpz_backend_others_errors(const struct mcpz_class *class,
                                    const struct mcpz_backend *backend, mcpz_time now)
{
    uint64_t sum = 0;
    uint64_t count = 0;

    if (class->erring == 0) {
        return 0;
    }
    for (size_t i = 0; i < class->backend_top; i++) {
        const struct mcpz_backend *other = &class->backends[i];
        if (other->used && other->listed && other->allowed && other != backend) {
            sum += mcpz_backend_errors(other, now);
            count++;
        }
    }
    /* Whoever is alone has nobody to be worse than. */
    return count > 0 ? (uint32_t)(sum / count) : MCPZ_ERRORS_ALL;
}

static mcpz_time stall_after_us(const struct mcpz_class *class)
{
    if (class->p99_us == MCPZ_TIME_NEVER) {
        return MCPZ_TIME_NEVER;
    }
    const mcpz_time after_us = class->p99_us * MCPZ_STALL_LATENCIES;
    return after_us > MCPZ_STALL_US_MIN ? after_us : MCPZ_STALL_US_MIN;
}

static mcpz_time stalls_at(const struct mcpz_class *class, const struct mcpz_backend *backend)
{
    const mcpz_time after_us = stall_after_us(class);

    return backend->waiting_us == 0 || after_us == MCPZ_TIME_NEVER
               ? MCPZ_TIME_NEVER
               : backend->waiting_us + after_us;
}

bool mcpz_backend_is_stalled(const struct mcpz_class *class, const struct mcpz_backend *backend,
                             mcpz_time now)
{
    return stalls_at(class, backend) <= now && class->ended_us > backend->waiting_us;
}

static void note_errors(struct mcpz_class *class, struct mcpz_backend *backend, mcpz_time now,
                        bool error)
{
    const uint32_t before = mcpz_backend_errors(backend, now);
    const uint32_t goal = error ? MCPZ_ERRORS_ALL : 0;

    class->erring -= backend->errors > 0;
    /* Rounded down both ways, so that it does come to 0. */
    backend->errors = goal > before
                          ? before + ((goal - before) >> ERRORS_SHIFT)
                          : before - ((before - goal + (1 << ERRORS_SHIFT) - 1) >> ERRORS_SHIFT);
    backend->errors_at_us = now;
    backend->results += backend->results < UINT32_MAX;
    class->erring += backend->errors > 0;
}

static size_t count_ejected(const struct mcpz_class *class, mcpz_time now)
{
    size_t count = 0;

    for (size_t i = 0; i < class->backend_top; i++) {
        const struct mcpz_backend *backend = &class->backends[i];
        count += backend->used && backend->listed && backend->ejected_until_us > now;
    }
    return count;
}

/* Far worse than the others: out for a while, if not too many are out already. */
static void eject_if_odd(struct mcpz_router *router, struct mcpz_class *class,
                         struct mcpz_backend *backend, mcpz_time now)
{
    const size_t most = class->present * MCPZ_EJECT_PERCENT_MAX / 100;

    if (backend->results < EJECT_RESULTS_MIN || backend->ejected_until_us > now ||
        backend->errors < 3 * MCPZ_ERRORS_ALL / 8 ||
        mcpz_backend_others_errors(class, backend, now) > backend->errors / 3 ||
        class->present < 2 || count_ejected(class, now) >= (most > 0 ? most : 1)) {
        return;
    }
    mcpz_time for_us = MCPZ_EJECT_US * (backend->ejections + 1u);
    backend->ejected_until_us = now + mcpz_time_min(for_us, MCPZ_EJECT_US_MAX);
    if (backend->ejections < UINT8_MAX) {
        backend->ejections++;
    }
    backend->results = 0;
    router->ejected++;
}

/* What a backend says of its load. */
static void note_report(struct mcpz_class *class, struct mcpz_backend *backend, mcpz_time now,
                        const struct mcpz_load_report *report)
{
    if (backend->asked_us == 0) { /* it came with the end of a call, and saves a probe */
        class->probe_debt -= class->probe_debt > 0;
    }
    backend->asked_us = 0;
    backend->has_report = true;
    backend->reported_us = now;
    backend->report = *report;
    mcpz_rifs_add(&class->rifs, report->rif);
    mcpz_probe_pool_note(mcpz_backend_pool(class, backend), now,
                         (uint32_t)(backend - class->backends), report);
}

/* ---- A call ------------------------------------------------------------------------------- */

bool mcpz_router_may_hold(const struct mcpz_class *class, size_t free)
{
    return free > 0 && class->held < BULKHEAD_TIMES * free &&
           (class->concurrent_max == 0 || class->held < class->concurrent_max);
}

void mcpz_router_hold(struct mcpz_class *class, mcpz_time now)
{
    class->held++;
    class->hedge_tokens += MCPZ_HEDGE_SHARE;
    if (class->hedge_tokens > HEDGE_TOKENS_MAX) {
        class->hedge_tokens = HEDGE_TOKENS_MAX;
    }
    class->probe_debt += MCPZ_PROBES_PER_CALL;
    if (class->probe_debt > MCPZ_PROBE_POOL_MAX) {
        class->probe_debt = MCPZ_PROBE_POOL_MAX;
    }
    mcpz_retry_budget_add(&class->retries, now);
}

void mcpz_router_release(struct mcpz_class *class)
{
    assert(class->held > 0);
    class->held--;
}

struct mcpz_route mcpz_router_begin(struct mcpz_router *router, struct mcpz_class *class,
                                    mcpz_time now, size_t index)
{
    struct mcpz_backend *backend = &class->backends[index];
    struct mcpz_probe *probe =
        mcpz_probe_pool_find(mcpz_backend_pool(class, backend), (uint32_t)index);

    assert(index < class->backend_top && backend->used);
    if (probe != NULL) {
        mcpz_probe_use(probe);
    }
    mcpz_probe_pool_thin(&class->near, class->present, mcpz_rifs_threshold(&class->rifs));
    router->spilled += backend->ring > class->home_ring;
    if (backend->outstanding++ == 0) {
        backend->waiting_us = now > 0 ? now : 1;
    }
    const bool trial = mcpz_breaker_begin(&backend->breaker, now);
    router->trials += trial;
    return (struct mcpz_route){
        .class = (uint16_t)(class - router->classes),
        .backend = (uint16_t)index,
        .trial = trial,
        .provider = backend->id,
        .begun_us = now,
    };
}

/* The backend of a route; it is there as long as the call is. */
static struct mcpz_backend *backend_of(const struct mcpz_router *router,
                                       const struct mcpz_route *route)
{
    assert(route->class < router->config.classes_max);
    struct mcpz_backend *backend = &router->classes[route->class].backends[route->backend];

    assert(backend->used && mcpz_id_equal(&backend->id, &route->provider));
    return backend;
}

void mcpz_router_progressed(struct mcpz_router *router, const struct mcpz_route *route,
                            mcpz_time now)
{
    struct mcpz_backend *backend = backend_of(router, route);

    backend->waiting_us = now > 0 ? now : 1;
    router->classes[route->class].ended_us = now;
}

static void note_well(struct mcpz_class *class, struct mcpz_backend *backend,
                      const struct mcpz_route *route, mcpz_time now)
{
    mcpz_latencies_add(&class->latencies, now - route->begun_us);
    if (++class->since_quantiles >= QUANTILES_EVERY || class->p99_us == MCPZ_TIME_NEVER) {
        class->since_quantiles = 0;
        class->p50_us = mcpz_latencies_quantile(&class->latencies, 500);
        class->p95_us = mcpz_latencies_quantile(&class->latencies, 950);
        class->p99_us = mcpz_latencies_quantile(&class->latencies, 990);
    }
    class->ended_us = now;
    if (backend->results >= 4 * EJECT_RESULTS_MIN) {
        backend->ejections = 0;
    }
    note_errors(class, backend, now, false);
    mcpz_breaker_succeeded(&backend->breaker, now, route->trial);
}

static void note_broken(struct mcpz_router *router, struct mcpz_class *class,
                        struct mcpz_backend *backend, const struct mcpz_route *route,
                        mcpz_time now)
{
    const bool closed = backend->breaker.until_us == 0;

    note_errors(class, backend, now, true);
    mcpz_breaker_failed(&backend->breaker, now, route->trial);
    router->opened += closed && backend->breaker.until_us != 0;
    eject_if_odd(router, class, backend, now);
}

static void note_outcome(struct mcpz_router *router, struct mcpz_backend *backend,
                         const struct mcpz_route *route, mcpz_time now,
                         enum mcpz_call_outcome outcome)
{
    struct mcpz_class *class = &router->classes[route->class];

    switch (outcome) {
    case MCPZ_OUTCOME_WELL:
        note_well(class, backend, route, now);
        break;
    case MCPZ_OUTCOME_FAILED:
        /* It has answered: the breaker is content. Whether it errs more than others is seen. */
        mcpz_breaker_succeeded(&backend->breaker, now, route->trial);
        note_errors(class, backend, now, true);
        eject_if_odd(router, class, backend, now);
        break;
    case MCPZ_OUTCOME_BROKEN:
        note_broken(router, class, backend, route, now);
        break;
    case MCPZ_OUTCOME_LATE:
        if (backend->waiting_us <= route->begun_us) {
            note_broken(router, class, backend, route, now);
        } else { /* it works: there is too much of it, or this one takes long */
            mcpz_breaker_forget(&backend->breaker, route->trial);
        }
        break;
    case MCPZ_OUTCOME_BUSY:
    case MCPZ_OUTCOME_NOTHING:
        mcpz_breaker_forget(&backend->breaker, route->trial);
        break;
    }
}

void mcpz_router_end(struct mcpz_router *router, const struct mcpz_route *route, mcpz_time now,
                     enum mcpz_call_outcome outcome, mcpz_time retry_after_us,
                     const struct mcpz_load_report *report)
{
    struct mcpz_backend *backend = backend_of(router, route);
    struct mcpz_class *class = &router->classes[route->class];

    assert(backend->outstanding > 0);
    note_outcome(router, backend, route, now, outcome);
    if (outcome == MCPZ_OUTCOME_BUSY) {
        backend->busy_until_us = now + retry_after_us;
    }
    backend->outstanding--;
    if (backend->outstanding == 0) {
        backend->waiting_us = 0;
    } else if (outcome == MCPZ_OUTCOME_WELL || outcome == MCPZ_OUTCOME_FAILED) {
        backend->waiting_us = now;
    }
    if (report != NULL) {
        note_report(class, backend, now, report);
    }
    if (!backend->listed && backend->outstanding == 0) {
        remove_backend(class, backend);
    }
}

void mcpz_router_unreachable(struct mcpz_class *class, const struct mcpz_id *id, mcpz_time now)
{
    struct mcpz_backend *backend = find_backend(class, id);

    if (backend != NULL && backend->ejected_until_us < now + UNREACHABLE_US) {
        backend->ejected_until_us = now + UNREACHABLE_US;
    }
}

uint32_t mcpz_router_take_spared(struct mcpz_router *router, const struct mcpz_route *route)
{
    struct mcpz_backend *backend = backend_of(router, route);
    const uint32_t spared = backend->spared;

    backend->spared = 0;
    return spared;
}

void mcpz_router_told(struct mcpz_class *class, const struct mcpz_id *from, mcpz_time now,
                      uint64_t tenant, uint32_t turns_away)
{
    struct mcpz_backend *backend = find_backend(class, from);

    if (backend == NULL || (turns_away == 0 && tenant != backend->shed_tenant)) {
        return;
    }
    backend->shed_class = turns_away;
    backend->shed_tenant = tenant;
    backend->shed_until_us = now + MCPZ_SHED_TOLD_US;
}

bool mcpz_router_may_retry(struct mcpz_router *router, struct mcpz_class *class, mcpz_time now)
{
    if (!mcpz_retry_budget_take(&class->retries, now)) {
        router->no_budget++;
        return false;
    }
    router->retries++;
    return true;
}

/* ---- Hedges and stalls -------------------------------------------------------------------- */

mcpz_time mcpz_router_hedge_at(const struct mcpz_class *class, mcpz_time begun_us)
{
    if (class->p95_us == MCPZ_TIME_NEVER) {
        return MCPZ_TIME_NEVER;
    }
    return begun_us +
           (class->p95_us > MCPZ_HEDGE_AFTER_US_MIN ? class->p95_us : MCPZ_HEDGE_AFTER_US_MIN);
}

bool mcpz_router_may_hedge(struct mcpz_router *router, struct mcpz_class *class)
{
    if (class->hedge_tokens < 1000) {
        return false;
    }
    class->hedge_tokens -= 1000;
    router->hedges++;
    return true;
}

mcpz_time mcpz_router_stalls_at(const struct mcpz_router *router, const struct mcpz_route *route)
{
    return stalls_at(&router->classes[route->class], backend_of(router, route));
}

bool mcpz_router_judge(struct mcpz_router *router, const struct mcpz_route *route, mcpz_time now)
{
    const struct mcpz_class *class = &router->classes[route->class];
    struct mcpz_backend *backend = backend_of(router, route);

    if (!mcpz_backend_is_stalled(class, backend, now)) {
        return false;
    }
    if (mcpz_breaker_state(&backend->breaker, now) != MCPZ_BREAKER_OPEN) {
        mcpz_breaker_trip(&backend->breaker, now);
        router->stalls++;
    }
    return true;
}

/* ---- Probes ------------------------------------------------------------------------------- */

/* May it be asked? Not who has just told, nor who owes an answer, nor who will not be chosen. */
static bool may_ask(const struct mcpz_backend *backend, mcpz_time now)
{
    return backend->used && backend->listed && backend->allowed &&
           (backend->asked_us == 0 || now - backend->asked_us >= PROBE_WAIT_US) &&
           (!backend->has_report || now - backend->reported_us >= MCPZ_MS(1)) &&
           mcpz_breaker_state(&backend->breaker, now) != MCPZ_BREAKER_OPEN && !backend->remote;
}

/* One by lot; the nearest most of the time, one in eight of the others. SIZE_MAX: none. */
static size_t draw_to_ask(struct mcpz_router *router, struct mcpz_class *class, mcpz_time now)
{
    const bool far = ++class->far_turn % 8 == 0;
    size_t drawn = SIZE_MAX;
    uint32_t equals = 0;
    bool drawn_fits = false;

    for (size_t i = 0; i < class->backend_top; i++) {
        const struct mcpz_backend *backend = &class->backends[i];
        const bool fits = (backend->ring > class->home_ring) == far;
        if (!may_ask(backend, now) || (drawn_fits && !fits)) {
            continue;
        }
        equals = fits && !drawn_fits ? 1 : equals + 1;
        drawn_fits = fits;
        if (mcpz_rng_below(&router->rng, equals) == 0) {
            drawn = i;
        }
    }
    return drawn;
}

size_t mcpz_router_probe(struct mcpz_router *router, struct mcpz_class *class, mcpz_time now,
                         size_t *backends)
{
    size_t count = 0;

    if (class->present < 2) {
        return 0; /* there is nothing to choose */
    }
    while (count<MCPZ_PROBES_PER_CALL &&class->probe_debt> 0) {
        const size_t drawn = draw_to_ask(router, class, now);
        if (drawn == SIZE_MAX) {
            break;
        }
        class->probe_debt--;
        class->backends[drawn].asked_us = now > 0 ? now : 1;
        backends[count++] = drawn;
        router->probes++;
    }
    return count;
}

struct mcpz_class *mcpz_router_heard(struct mcpz_router *router, struct mcpz_bytes capability,
                                     const struct mcpz_id *from, mcpz_time now,
                                     const struct mcpz_load_report *report)
{
    struct mcpz_class *class = find_class(router, capability);
    struct mcpz_backend *backend = class != NULL ? find_backend(class, from) : NULL;

    if (backend != NULL) {
        note_report(class, backend, now, report);
    }
    return class;
}
