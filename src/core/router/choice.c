/* The router's choice among the backends of a class, and why: see core/router/router.h. */

#include <assert.h>

#include "base/attr.h"
#include "core/router/backends.h"

#define SPILL_HOT_PERCENT 80
#define SLOW_TIMES 2               /* what is usual: so long anybody may take */
#define AVERSE ((uint64_t)3 << 62) /* hotter than hot, see mcpz_probe_cost() */

/* Of the most important class, and nobody was tried: nothing that a call is bars anyone. */
static const struct mcpz_wish anybody = {.tried_count = 0};

/* What one pick looks at. */
struct survey {
    mcpz_time now;
    uint32_t threshold;
    bool in[MCPZ_BACKENDS_MAX]; /* among these it is chosen */
    size_t count;
    size_t home_count; /* of them in the nearest ring */
};

/* ---- Who can ------------------------------------------------------------------------------ */

static bool sheds(const struct mcpz_backend *backend, mcpz_time now, const struct mcpz_wish *wish)
{
    return backend->shed_class > 0 && backend->shed_until_us > now &&
           wish->class >= backend->shed_class && wish->tenant == backend->shed_tenant;
}

static enum mcpz_backend_bar bar_of(const struct mcpz_class *class,
                                    const struct mcpz_backend *backend, mcpz_time now,
                                    const struct mcpz_wish *wish)
{
    if (!backend->allowed) {
        return MCPZ_BAR_RULE;
    }
    if (backend->isolation < wish->isolation) {
        return MCPZ_BAR_LAX;
    }
    if (!mcpz_breaker_lets_pass(&backend->breaker, now)) {
        return MCPZ_BAR_BREAKER;
    }
    if (backend->busy_until_us > now) {
        return MCPZ_BAR_BUSY;
    }
    if (sheds(backend, now, wish)) {
        return MCPZ_BAR_SHED;
    }
    if (backend->suspect) {
        return MCPZ_BAR_SUSPECT;
    }
    if (backend->ejected_until_us > now) {
        return MCPZ_BAR_EJECTED;
    }
    return mcpz_backend_is_stalled(class, backend, now) ? MCPZ_BAR_STALLED : MCPZ_BAR_NONE;
}

static mcpz_time bar_until(const struct mcpz_backend *backend, enum mcpz_backend_bar bar)
{
    switch (bar) {
    case MCPZ_BAR_BREAKER:
        return mcpz_breaker_opens_at(&backend->breaker);
    case MCPZ_BAR_BUSY:
        return backend->busy_until_us;
    case MCPZ_BAR_SHED:
        return backend->shed_until_us;
    case MCPZ_BAR_EJECTED:
        return backend->ejected_until_us;
    case MCPZ_BAR_NONE:
    case MCPZ_BAR_RULE:
    case MCPZ_BAR_LAX:
    case MCPZ_BAR_SUSPECT:
    case MCPZ_BAR_STALLED:
        break;
    }
    return 0;
}

static bool is_among(const struct mcpz_id *id, const struct mcpz_id *ids, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (mcpz_id_equal(&ids[i], id)) {
            return true;
        }
    }
    return false;
}

/* Why nobody can be chosen, if so: the mildest of the reasons, since it is the first to pass. */
static void note_verdict(struct mcpz_pick *pick, enum mcpz_verdict verdict, mcpz_time until_us)
{
    static const uint8_t rank[] = {
        [MCPZ_VERDICT_CHOSEN] = 7, [MCPZ_VERDICT_SHED] = 6,   [MCPZ_VERDICT_BUSY] = 5,
        [MCPZ_VERDICT_BROKEN] = 4, [MCPZ_VERDICT_TRIED] = 3,  [MCPZ_VERDICT_LAX] = 2,
        [MCPZ_VERDICT_BARRED] = 1, [MCPZ_VERDICT_NOBODY] = 0,
    };

    if (rank[verdict] > rank[pick->verdict]) {
        *pick = (struct mcpz_pick){.verdict = verdict, .retry_at_us = until_us};
    } else if (verdict == pick->verdict) {
        pick->retry_at_us = mcpz_time_min(pick->retry_at_us, until_us);
    }
}

static void note_bar(struct mcpz_pick *pick, const struct mcpz_backend *backend,
                     enum mcpz_backend_bar bar)
{
    switch (bar) {
    case MCPZ_BAR_RULE:
        note_verdict(pick, MCPZ_VERDICT_BARRED, 0);
        break;
    case MCPZ_BAR_LAX:
        note_verdict(pick, MCPZ_VERDICT_LAX, 0);
        break;
    case MCPZ_BAR_BREAKER:
        note_verdict(pick, MCPZ_VERDICT_BROKEN, bar_until(backend, bar));
        break;
    case MCPZ_BAR_BUSY:
        note_verdict(pick, MCPZ_VERDICT_BUSY, bar_until(backend, bar));
        break;
    case MCPZ_BAR_SHED:
        note_verdict(pick, MCPZ_VERDICT_SHED, bar_until(backend, bar));
        break;
    case MCPZ_BAR_NONE:
    case MCPZ_BAR_SUSPECT:
    case MCPZ_BAR_EJECTED:
    case MCPZ_BAR_STALLED:
        note_verdict(pick, MCPZ_VERDICT_CHOSEN, 0);
        break;
    }
}

/* Let `i` in, if it is of the kind looked for. */
static void let_in(struct survey *survey, const struct mcpz_class *class, size_t i)
{
    survey->in[i] = true;
    survey->count++;
    survey->home_count += class->backends[i].ring <= class->home_ring;
}

/* See who can be chosen: those with nothing against them, or where there are none, the others. */
static struct mcpz_pick look(struct survey *survey, const struct mcpz_class *class, mcpz_time now,
                             const struct mcpz_wish *wish)
{
    struct mcpz_pick pick = {.verdict = MCPZ_VERDICT_NOBODY};
    bool spare[MCPZ_BACKENDS_MAX];

    *survey = (struct survey){.now = now, .threshold = mcpz_rifs_threshold(&class->rifs)};
    for (size_t i = 0; i < class->backend_top; i++) {
        const struct mcpz_backend *backend = &class->backends[i];
        spare[i] = false;
        if (!backend->used || !backend->listed) {
            continue;
        }
        if (is_among(&backend->id, wish->tried, wish->tried_count)) {
            note_verdict(&pick, MCPZ_VERDICT_TRIED, 0);
            continue;
        }
        const enum mcpz_backend_bar bar = bar_of(class, backend, now, wish);
        note_bar(&pick, backend, bar);
        spare[i] = bar >= MCPZ_BAR_SUSPECT;
        if (bar == MCPZ_BAR_NONE) {
            let_in(survey, class, i);
        }
    }
    if (survey->count == 0 && pick.verdict == MCPZ_VERDICT_CHOSEN) {
        for (size_t i = 0; i < class->backend_top; i++) {
            if (spare[i]) {
                let_in(survey, class, i);
            }
        }
    }
    return pick;
}

/* ---- Who is best -------------------------------------------------------------------------- */

static bool is_averse(const struct mcpz_class *class, const struct mcpz_backend *backend,
                      mcpz_time now)
{
    const uint32_t errors = mcpz_backend_errors(backend, now);

    return errors > MCPZ_ERRORS_AVERSE &&
           errors > MCPZ_ERRORS_AVERSE + mcpz_backend_others_errors(class, backend, now);
}

/*
 * How many in flight it seems to have: who takes far longer than is usual, as many times more. How
 * many there are says how long a queue is, not how fast it moves, and the same number at one that
 * is ten times slower is ten times the wait. Only the excess counts, and it multiplies a number
 * that still decides: what is known of latencies is of the past, and must not send everybody to
 * the same provider whatever it has in flight by now (sim/anchors_routing.h: at 90 % it does).
 */
static uint32_t seeming_rif(const struct mcpz_class *class, uint32_t rif, uint64_t latency_us)
{
    const uint64_t excess_us = SLOW_TIMES * class->p50_us;

    if (class->p50_us == MCPZ_TIME_NEVER || class->p50_us == 0 || latency_us <= excess_us) {
        return rif;
    }
    const uint64_t seeming = ((uint64_t)rif + 1) * latency_us / excess_us - 1;
    return seeming < UINT32_MAX ? (uint32_t)seeming : UINT32_MAX;
}

/* By what it reported; our own calls there count even if it has not told of them. */
static uint64_t hcl_cost(const struct survey *survey, const struct mcpz_class *class,
                         const struct mcpz_probe *probe)
{
    const struct mcpz_backend *backend = &class->backends[probe->backend];
    const uint32_t rif = probe->rif > backend->outstanding ? probe->rif : backend->outstanding;

    if (is_averse(class, backend, survey->now)) {
        return AVERSE + mcpz_backend_errors(backend, survey->now);
    }
    /* One that does not know gets what is usual, or nobody would ever find out. */
    uint32_t latency_us = probe->latency_us;
    if (latency_us == 0 && class->p50_us <= UINT32_MAX) {
        latency_us = (uint32_t) class->p50_us;
    }
    return mcpz_probe_cost(seeming_rif(class, rif, latency_us), latency_us, backend->rtt_us,
                           survey->threshold);
}

/* Those of a pool that can be chosen: how many, how many of them are hot, the best. */
struct tally {
    size_t count;
    size_t hot;
    uint64_t least;
    size_t best;
};

static struct tally tally_pool(struct mcpz_router *router, const struct survey *survey,
                               const struct mcpz_class *class, const struct mcpz_probe_pool *pool,
                               bool used_too)
{
    struct tally tally = {.least = UINT64_MAX};
    uint32_t equals = 0;

    for (size_t i = 0; i < pool->count; i++) {
        const struct mcpz_probe *probe = &pool->probes[i];
        if (!survey->in[probe->backend] || (probe->used && !used_too)) {
            continue;
        }
        const uint64_t cost = hcl_cost(survey, class, probe);
        tally.count++;
        tally.hot += mcpz_probe_cost_is_hot(cost);
        equals = cost < tally.least ? 1 : equals + (cost == tally.least);
        if (cost < tally.least ||
            (cost == tally.least && mcpz_rng_below(&router->rng, equals) == 0)) {
            tally.least = cost;
            tally.best = probe->backend;
        }
    }
    return tally;
}

/* Fewest of our own calls there, can be dialled, is linked, then by lot: where reports are too
 * few. */
static uint64_t blind_cost(const struct survey *survey, const struct mcpz_class *class,
                           const struct mcpz_backend *backend)
{
    return (is_averse(class, backend, survey->now) ? (uint64_t)1 << 40 : 0) +
           4 * (uint64_t)backend->outstanding + (backend->remote ? 2U : 0U) +
           (backend->linked ? 0U : 1U);
}

static uint64_t load_cost(const struct survey *survey, const struct mcpz_backend *backend)
{
    const bool fresh =
        backend->has_report && survey->now - backend->reported_us <= MCPZ_PROBE_FAR_AGE_US;
    const uint32_t rif = fresh ? backend->report.rif : 0;

    return rif > backend->outstanding ? rif : backend->outstanding;
}

/* Lower is better, by the rule's strategy, without what is reported for HCL. */
static uint64_t plain_cost(const struct survey *survey, const struct mcpz_class *class,
                           const struct mcpz_backend *backend)
{
    switch (class->strategy) {
    case MCPZ_STRATEGY_WEIGHTED:
        return (uint64_t)((int64_t)INT32_MAX - backend->credit - backend->weight);
    case MCPZ_STRATEGY_ROUND_ROBIN:
        return (uint64_t)((int64_t)INT32_MAX - backend->credit - 1);
    case MCPZ_STRATEGY_LEAST_LOADED:
        return load_cost(survey, backend);
    case MCPZ_STRATEGY_FAILOVER:
        return ((uint64_t)backend->target << 32) + backend->outstanding;
    case MCPZ_STRATEGY_BALANCED:
    case MCPZ_STRATEGY_DEDICATED:
    case MCPZ_STRATEGY_ISOLATED:
    case MCPZ_STRATEGY_END:
        break;
    }
    return blind_cost(survey, class, backend);
}

/* Do calls stay in the zone while they can? Where people named an order or a share, that holds. */
static bool is_zone_first(const struct mcpz_class *class)
{
    return class->strategy != MCPZ_STRATEGY_WEIGHTED &&
           class->strategy != MCPZ_STRATEGY_ROUND_ROBIN &&
           class->strategy != MCPZ_STRATEGY_FAILOVER;
}

static size_t choose_plainly(struct mcpz_router *router, const struct survey *survey,
                             const struct mcpz_class *class)
{
    const bool home = is_zone_first(class) && survey->home_count > 0;
    uint64_t least = UINT64_MAX;
    uint32_t equals = 0;
    size_t best = SIZE_MAX;

    for (size_t i = 0; i < class->backend_top; i++) {
        const struct mcpz_backend *backend = &class->backends[i];
        if (!survey->in[i] || (home && backend->ring > class->home_ring)) {
            continue;
        }
        const uint64_t cost = plain_cost(survey, class, backend);
        equals = cost < least ? 1 : equals + (cost == least);
        if (cost < least || (cost == least && mcpz_rng_below(&router->rng, equals) == 0)) {
            least = cost;
            best = i;
        }
    }
    assert(best != SIZE_MAX);
    return best;
}

/* Of reports that were not used yet, or of all where those are too few: `enough`. */
static struct tally tally_fresh(struct mcpz_router *router, const struct survey *survey,
                                const struct mcpz_class *class, const struct mcpz_probe_pool *pool,
                                size_t enough)
{
    const struct tally fresh = tally_pool(router, survey, class, pool, false);

    return fresh.count >= enough ? fresh : tally_pool(router, survey, class, pool, true);
}

/* Prequal's choice; with too few reports, one by lot of those with the fewest of our calls. */
static size_t choose_by_hcl(struct mcpz_router *router, const struct survey *survey,
                            struct mcpz_class *class)
{
    mcpz_probe_pool_expire(&class->near, survey->now, MCPZ_PROBE_AGE_US);
    mcpz_probe_pool_expire(&class->far, survey->now, MCPZ_PROBE_FAR_AGE_US);

    const bool home = survey->home_count > 0;
    const size_t there = home ? survey->home_count : survey->count;
    const size_t enough = there < MCPZ_PROBE_POOL_MIN ? there : MCPZ_PROBE_POOL_MIN;
    const struct tally near =
        tally_fresh(router, survey, class, home ? &class->near : &class->far, enough);
    if (near.count < enough) {
        return choose_plainly(router, survey, class);
    }
    if (home && near.hot * 100 >= near.count * SPILL_HOT_PERCENT) {
        const struct tally far = tally_fresh(router, survey, class, &class->far, 1);
        if (far.count > 0 && !mcpz_probe_cost_is_hot(far.least)) {
            return far.best;
        }
    }
    return near.best;
}

/* Smooth weighted round robin (nginx): all that can be chosen gain, the chosen pays for all. */
static void take_turns(const struct survey *survey, struct mcpz_class *class, size_t chosen)
{
    const bool weighted = class->strategy == MCPZ_STRATEGY_WEIGHTED;
    int32_t sum = 0;

    for (size_t i = 0; i < class->backend_top; i++) {
        struct mcpz_backend *backend = &class->backends[i];
        if (!survey->in[i]) {
            backend->credit = 0; /* it shall not be paid for what it missed */
            continue;
        }
        const int32_t weight = weighted ? (int32_t)backend->weight : 1;
        backend->credit += weight;
        sum += weight;
    }
    class->backends[chosen].credit -= sum;
}

static size_t choose(struct mcpz_router *router, const struct survey *survey,
                     struct mcpz_class *class)
{
    switch (class->strategy) {
    case MCPZ_STRATEGY_WEIGHTED:
    case MCPZ_STRATEGY_ROUND_ROBIN: {
        const size_t chosen = choose_plainly(router, survey, class);
        take_turns(survey, class, chosen);
        return chosen;
    }
    case MCPZ_STRATEGY_LEAST_LOADED:
    case MCPZ_STRATEGY_FAILOVER:
        return choose_plainly(router, survey, class);
    case MCPZ_STRATEGY_BALANCED:
    case MCPZ_STRATEGY_DEDICATED:
    case MCPZ_STRATEGY_ISOLATED:
    case MCPZ_STRATEGY_END:
        break;
    }
    return choose_by_hcl(router, survey, class);
}

struct mcpz_pick mcpz_router_outlook(struct mcpz_router *router, struct mcpz_class *class,
                                     mcpz_time now, const struct mcpz_wish *wish)
{
    struct survey survey;

    (void)router;
    return look(&survey, class, now, wish);
}

struct mcpz_pick mcpz_router_pick(struct mcpz_router *router, struct mcpz_class *class,
                                  mcpz_time now, const struct mcpz_wish *wish)
{
    struct survey survey;
    struct mcpz_pick pick = look(&survey, class, now, wish);

    if (pick.verdict == MCPZ_VERDICT_CHOSEN) {
        pick.backend = choose(router, &survey, class);
    }
    return pick;
}

void mcpz_router_spare(struct mcpz_router *router, struct mcpz_class *class,
                       const struct mcpz_wish *wish)
{
    struct mcpz_backend *spared = NULL;
    uint32_t equals = 0;

    for (size_t i = 0; i < class->backend_top; i++) {
        struct mcpz_backend *backend = &class->backends[i];
        if (backend->used && backend->listed && backend->shed_class > 0 &&
            wish->class >= backend->shed_class && mcpz_rng_below(&router->rng, ++equals) == 0) {
            spared = backend;
        }
    }
    router->spared++;
    if (spared != NULL && spared->spared < UINT32_MAX) {
        spared->spared++;
    }
}

bool mcpz_router_stands(struct mcpz_router *router, struct mcpz_class *class, mcpz_time now,
                        const struct mcpz_id *id, size_t *backend)
{
    struct survey survey;

    (void)router;
    (void)look(&survey, class, now, &anybody);
    for (size_t i = 0; i < class->backend_top; i++) {
        if (survey.in[i] && mcpz_id_equal(&class->backends[i].id, id)) {
            *backend = i;
            return true;
        }
    }
    return false;
}

/* ---- For people --------------------------------------------------------------------------- */

/* Beyond what bars it: 0 nothing, then those for whom there must be nobody else, then nobody. */
static uint64_t bar_cost(enum mcpz_backend_bar bar)
{
    return bar == MCPZ_BAR_NONE ? 0 : bar >= MCPZ_BAR_SUSPECT ? 1 : 2;
}

static struct mcpz_probe *probe_of(struct mcpz_class *class, const struct mcpz_backend *backend)
{
    return mcpz_probe_pool_find(mcpz_backend_pool(class, backend),
                                (uint32_t)(backend - class->backends));
}

static struct mcpz_backend_view view_of(const struct survey *survey, struct mcpz_class *class,
                                        const struct mcpz_backend *backend)
{
    const enum mcpz_backend_bar bar = bar_of(class, backend, survey->now, &anybody);
    const struct mcpz_probe *probe = probe_of(class, backend);

    return (struct mcpz_backend_view){
        .id = backend->id,
        .bar = bar,
        .breaker = mcpz_breaker_state(&backend->breaker, survey->now),
        .bar_until_us = bar_until(backend, bar),
        .linked = backend->linked,
        .hot = probe != NULL && mcpz_probe_cost_is_hot(hcl_cost(survey, class, probe)),
        .averse = is_averse(class, backend, survey->now),
        .known = backend->has_report,
        .rif = backend->report.rif,
        .latency_us = backend->report.latency_us,
        .reported_us = backend->reported_us,
        .ring = (enum mcpz_ring)backend->ring,
        .rtt_us = backend->rtt_us,
        .outstanding = backend->outstanding,
        .errors = mcpz_backend_errors(backend, survey->now),
        .weight = backend->weight,
    };
}

/* Two numbers, the first decides: what bars it and how far it is; then what its strategy says. */
struct order {
    uint64_t group;
    uint64_t cost;
};

static struct order order_of(const struct survey *survey, struct mcpz_class *class,
                             const struct mcpz_backend *backend)
{
    const enum mcpz_backend_bar bar = bar_of(class, backend, survey->now, &anybody);
    const bool far = is_zone_first(class) && backend->ring > class->home_ring;
    const struct mcpz_probe *probe = probe_of(class, backend);
    const bool plain = !is_zone_first(class) || class->strategy == MCPZ_STRATEGY_LEAST_LOADED;

    return (struct order){
        .group = 4 * bar_cost(bar) + 2 * far + (!plain && probe == NULL),
        .cost = !plain && probe != NULL ? hcl_cost(survey, class, probe)
                                        : plain_cost(survey, class, backend),
    };
}

static bool comes_before(struct order a, struct order b)
{
    return a.group != b.group ? a.group < b.group : a.cost < b.cost;
}

size_t mcpz_router_explain(struct mcpz_router *router, struct mcpz_class *class, mcpz_time now,
                           struct mcpz_backend_view *views, size_t max)
{
    struct survey survey;
    struct order orders[MCPZ_BACKENDS_MAX];
    size_t count = 0;

    (void)router;
    (void)look(&survey, class, now, &anybody);
    for (size_t i = 0; i < class->backend_top && count < max; i++) {
        const struct mcpz_backend *backend = &class->backends[i];
        if (!backend->used || !backend->listed) {
            continue;
        }
        const struct order order = order_of(&survey, class, backend);
        size_t at = count++;
        for (; at > 0 && comes_before(order, orders[at - 1]); at--) {
            orders[at] = orders[at - 1];
            views[at] = views[at - 1];
        }
        orders[at] = order;
        views[at] = view_of(&survey, class, backend);
    }
    return count;
}

static void count_bars(const struct mcpz_class *class, mcpz_time now,
                       struct mcpz_router_bars *bars)
{
    for (size_t i = 0; i < class->backend_top; i++) {
        const struct mcpz_backend *backend = &class->backends[i];
        const enum mcpz_breaker_state breaker = mcpz_breaker_state(&backend->breaker, now);
        bars->open += backend->used && breaker == MCPZ_BREAKER_OPEN;
        bars->half_open += backend->used && breaker == MCPZ_BREAKER_HALF_OPEN;
        bars->ejected += backend->used && backend->ejected_until_us > now;
        bars->stalled += backend->used && mcpz_backend_is_stalled(class, backend, now);
    }
}

struct mcpz_router_bars mcpz_router_bars(const struct mcpz_router *router, mcpz_time now)
{
    struct mcpz_router_bars bars = {0};

    for (size_t i = 0; i < router->config.classes_max; i++) {
        if (router->classes[i].capability[0] != '\0') {
            count_bars(&router->classes[i], now, &bars);
        }
    }
    return bars;
}

const char *mcpz_backend_bar_word(enum mcpz_backend_bar bar)
{
    static const char *const words[] = {
        [MCPZ_BAR_NONE] = "",           [MCPZ_BAR_RULE] = "rule",
        [MCPZ_BAR_LAX] = "lax",         [MCPZ_BAR_BREAKER] = "breaker",
        [MCPZ_BAR_BUSY] = "busy",       [MCPZ_BAR_SHED] = "shed",
        [MCPZ_BAR_SUSPECT] = "suspect", [MCPZ_BAR_EJECTED] = "ejected",
        [MCPZ_BAR_STALLED] = "stalled",
    };

    return (size_t)bar < MCPZ_ARRAY_LEN(words) ? words[bar] : "";
}

const char *mcpz_ring_word(enum mcpz_ring ring)
{
    static const char *const words[] = {
        [MCPZ_RING_ZONE] = "zone",
        [MCPZ_RING_REGION] = "region",
        [MCPZ_RING_FAR] = "far",
    };

    return (size_t)ring < MCPZ_ARRAY_LEN(words) ? words[ring] : "";
}
