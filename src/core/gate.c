#include "core/gate.h"

#include <assert.h>

#include "base/clear.h"
#include "base/hash.h"

#define RETRY_MIN_MS 50
#define RETRY_MAX_MS 5000
#define SPREAD_PART 2 /* up to a half is added, so that not all come back at once */
#define ASIDE_PART 4  /* of the hands: not for one lane where there are others */

/* ---- Lanes -------------------------------------------------------------------------------- */

static struct mcpz_gate_lane *find_lane(struct mcpz_gate *gate, struct mcpz_bytes name)
{
    const size_t at = mcpz_gate_lane(gate, name);

    return at < MCPZ_LANES_MAX ? &gate->lanes[at] : NULL;
}

static uint8_t index_of(const struct mcpz_gate *gate, const struct mcpz_gate_lane *lane)
{
    return (uint8_t)(lane - gate->lanes);
}

static void free_if_unused(struct mcpz_gate_lane *lane)
{
    if (!lane->offered && lane->running + lane->waiting == 0) {
        *lane = (struct mcpz_gate_lane){0};
    }
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Of the hands, how many one lane may take: all, if there is no other that needs some. */
static void share_hands(struct mcpz_gate *gate)
{
    size_t lanes = 0;

    for (size_t i = 0; i < MCPZ_LANES_MAX; i++) {
        lanes += gate->lanes[i].offered && gate->lanes[i].takes_hands;
    }
    gate->share = lanes > 1 ? gate->hands - gate->hands / ASIDE_PART : gate->hands;
}

uint32_t mcpz_gate_limit(const struct mcpz_gate *gate, const struct mcpz_gate_lane *lane)
{
    bool is_unbounded = lane->running_max == MCPZ_RUNNING_UNBOUNDED;
    uint32_t limit = is_unbounded ? UINT32_MAX : mcpz_gradient_limit(&lane->gradient);

    if (lane->running_max > 0) {
        limit = least(limit, lane->running_max);
    }
    if (lane->takes_hands && gate->hands > 0) {
        limit = least(limit, gate->share);
    }
    return limit;
}

/* May one more of this lane start now? */
static bool is_open(const struct mcpz_gate *gate, const struct mcpz_gate_lane *lane)
{
    bool has_hand = !lane->takes_hands || gate->hands == 0 || gate->hands_taken < gate->hands;

    return has_hand && lane->running < mcpz_gate_limit(gate, lane);
}

void mcpz_gate_provide(struct mcpz_gate *gate, struct mcpz_bytes name, bool takes_hands,
                       uint32_t running_max)
{
    if (name.length == 0 || name.length > MCPZ_CAPABILITY_BYTES_MAX) {
        return;
    }
    assert(gate->lanes != NULL);
    struct mcpz_gate_lane *lane = find_lane(gate, name);
    for (size_t i = 0; i < MCPZ_LANES_MAX && lane == NULL; i++) {
        if (gate->lanes[i].name[0] == '\0') {
            lane = &gate->lanes[i];
            mcpz_bytes_to_text(name, lane->name, sizeof(lane->name));
            mcpz_gradient_init(&lane->gradient);
        }
    }
    if (lane == NULL) {
        return; /* all taken, some by what was withdrawn and still runs: as if not offered */
    }
    /* Hands that are taken are given back as they were taken. */
    if (lane->running == 0) {
        lane->takes_hands = takes_hands;
    }
    lane->running_max = running_max;
    lane->offered = true;
    share_hands(gate);
}

void mcpz_gate_withdraw(struct mcpz_gate *gate, struct mcpz_bytes name)
{
    struct mcpz_gate_lane *lane = find_lane(gate, name);

    if (lane != NULL) {
        lane->offered = false;
        free_if_unused(lane);
        share_hands(gate);
    }
}

size_t mcpz_gate_lane(const struct mcpz_gate *gate, struct mcpz_bytes name)
{
    size_t at = 0;

    while (at < MCPZ_LANES_MAX && !mcpz_bytes_equal(mcpz_text(gate->lanes[at].name), name)) {
        at++;
    }
    return name.length > 0 ? at : MCPZ_LANES_MAX;
}

bool mcpz_gate_knows(const struct mcpz_gate *gate, struct mcpz_bytes name)
{
    const size_t at = mcpz_gate_lane(gate, name);

    return at < MCPZ_LANES_MAX && gate->lanes[at].offered;
}

/* ---- Refusals ----------------------------------------------------------------------------- */

/* About `ms`, within reason, and not the same for all. */
static uint32_t come_back(struct mcpz_gate *gate, uint64_t ms)
{
    ms = ms < RETRY_MIN_MS ? RETRY_MIN_MS : ms;
    ms = ms > RETRY_MAX_MS ? RETRY_MAX_MS : ms;
    return (uint32_t)ms + mcpz_rng_below(&gate->rng, (uint32_t)ms / SPREAD_PART + 1);
}

/* When the lane will have done so many that wait, and has room for one more. */
static mcpz_time clear_in_us(const struct mcpz_gate *gate, const struct mcpz_gate_lane *lane,
                             uint32_t ahead, mcpz_time median_us)
{
    return (ahead + 1) * median_us / mcpz_gate_limit(gate, lane);
}

static struct mcpz_gate_refusal overloaded(struct mcpz_gate *gate,
                                           const struct mcpz_gate_lane *lane, mcpz_time now,
                                           const char *text)
{
    mcpz_time median_us = mcpz_recent_median(&lane->recent, now);
    uint32_t waiting = mcpz_waiting_ahead(&gate->waiting, index_of(gate, lane), 0, NULL);
    mcpz_time clear_us = clear_in_us(gate, lane, waiting, median_us);

    return (struct mcpz_gate_refusal){
        .code = MCPZ_CODE_OVERLOADED,
        .retry_after_ms =
            come_back(gate, median_us > 0 ? clear_us / MCPZ_MS(1) : MCPZ_RETRY_AFTER_MS),
        .text = text,
    };
}

static struct mcpz_gate_refusal no_time(struct mcpz_gate *gate, const struct mcpz_gate_lane *lane,
                                        mcpz_time now)
{
    struct mcpz_gate_refusal refusal =
        overloaded(gate, lane, now, "what is left of the time is less than it takes here");

    refusal.code = MCPZ_CODE_NO_TIME;
    gate->counts.no_time++;
    return refusal;
}

/* ---- Asking ------------------------------------------------------------------------------- */

/* A newcomer on its way through. */
struct candidate {
    struct mcpz_gate_lane *lane;
    struct mcpz_tenant *tenant;
    struct mcpz_tenant *server;
    struct mcpz_rate tenant_rate;
    struct mcpz_rate server_rate;
    uint8_t class;
    bool may_wait; /* says the shedder */
    mcpz_time median_us;
    mcpz_time deadline_us;
};

static bool refuse(struct mcpz_gate_verdict *verdict, const struct mcpz_gate_refusal *refusal)
{
    *verdict = (struct mcpz_gate_verdict){
        .word = MCPZ_GATE_REFUSE,
        .refusal = *refusal,
        .pushed_out = MCPZ_GATE_NOBODY,
    };
    return false;
}

/* Is it a call that we take at all now? */
static bool pass_state(struct mcpz_gate *gate, mcpz_time now,
                       const struct mcpz_gate_request *request, struct candidate *candidate,
                       struct mcpz_gate_verdict *verdict)
{
    candidate->lane = find_lane(gate, request->capability);
    if (candidate->lane == NULL || !candidate->lane->offered) {
        return refuse(verdict, &(struct mcpz_gate_refusal){
                                   .code = MCPZ_CODE_NOT_OFFERED,
                                   .text = "this node does not offer the capability",
                               });
    }
    if (gate->drained_us != 0 && !request->nobody_else) {
        mcpz_time left_us = gate->drained_us > now ? gate->drained_us - now : 0;
        gate->counts.draining++;
        return refuse(verdict, &(struct mcpz_gate_refusal){
                                   .code = MCPZ_CODE_DRAINING,
                                   .retry_after_ms = come_back(gate, left_us / MCPZ_MS(1)),
                                   .text = "this node is being drained: ask another",
                               });
    }
    return true;
}

static uint32_t up_to_ms(mcpz_time us)
{
    mcpz_time ms = (us + MCPZ_MS(1) - 1) / MCPZ_MS(1);
    return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

/* Has the tenant, or the server it comes from, had what it may? */
static bool pass_rates(struct mcpz_gate *gate, mcpz_time now,
                       const struct mcpz_gate_request *request, struct candidate *candidate,
                       struct mcpz_gate_verdict *verdict)
{
    candidate->tenant = request->tenant.length > 0
                            ? mcpz_tenants_find(&gate->tenants, request->tenant, now)
                            : mcpz_tenants_find_node(&gate->tenants, request->caller, now);
    /* What people here do by themselves is nobody's tenant, and no other server's. */
    if (!request->is_own || request->tenant.length > 0) {
        candidate->tenant_rate = mcpz_tenant_rate(candidate->tenant);
    }
    if (!request->is_own) {
        candidate->server_rate = gate->server_rate;
    }
    candidate->server = candidate->server_rate.interval_us > 0
                            ? mcpz_tenants_find_node(&gate->servers, request->caller, now)
                            : &gate->any_server;

    mcpz_time wait_us = mcpz_gcra_wait(candidate->tenant->tat, &candidate->tenant_rate, now);
    if (wait_us > 0) {
        gate->counts.rate_limited++;
        return refuse(verdict, &(struct mcpz_gate_refusal){
                                   .code = MCPZ_CODE_RATE_LIMITED,
                                   .retry_after_ms = up_to_ms(wait_us),
                                   .text = "the tenant asks for more than its level allows",
                               });
    }
    wait_us = mcpz_gcra_wait(candidate->server->tat, &candidate->server_rate, now);
    if (wait_us > 0) {
        gate->counts.server_limited++;
        return refuse(verdict, &(struct mcpz_gate_refusal){
                                   .code = MCPZ_CODE_RATE_LIMITED,
                                   .retry_after_ms = up_to_ms(wait_us),
                                   .text = "one node may not send so many calls here",
                               });
    }
    return true;
}

/*
 * Can it be done in the time that is left? A lane that does nothing takes it whatever it looks
 * like: or an estimate that is wrong would stay so.
 */
static bool pass_time(struct mcpz_gate *gate, mcpz_time now, struct candidate *candidate,
                      struct mcpz_gate_verdict *verdict)
{
    const struct mcpz_gate_lane *lane = candidate->lane;
    const mcpz_time left_us = candidate->deadline_us > now ? candidate->deadline_us - now : 0;

    candidate->median_us = mcpz_recent_median(&lane->recent, now);
    mcpz_time needed_us = candidate->median_us;
    if (needed_us > 0 && !is_open(gate, lane)) {
        needed_us += clear_in_us(gate, lane,
                                 mcpz_waiting_ahead(&gate->waiting, index_of(gate, lane),
                                                    candidate->class, candidate->tenant),
                                 candidate->median_us);
    }
    if (lane->running == 0 || needed_us <= left_us) {
        return true;
    }
    const struct mcpz_gate_refusal refusal = no_time(gate, lane, now);
    return refuse(verdict, &refusal);
}

static void take(struct mcpz_gate *gate, mcpz_time now, uint32_t handle,
                 const struct candidate *candidate)
{
    mcpz_gcra_take(&candidate->tenant->tat, &candidate->tenant_rate, now);
    mcpz_gcra_take(&candidate->server->tat, &candidate->server_rate, now);
    candidate->tenant->under_way++;
    candidate->server->under_way++;
    gate->calls[handle] = (struct mcpz_gate_call){
        .lane = index_of(gate, candidate->lane),
        .tenant = candidate->tenant,
        .server = candidate->server,
    };
}

static void start(struct mcpz_gate *gate, mcpz_time now, uint32_t handle)
{
    struct mcpz_gate_call *call = &gate->calls[handle];
    struct mcpz_gate_lane *lane = &gate->lanes[call->lane];

    call->state = MCPZ_GATE_RUNNING;
    call->since_us = now;
    lane->running++;
    gate->hands_taken += lane->takes_hands;
    gate->counts.started++;
}

/* Give up a call that has not started. */
static void release(struct mcpz_gate *gate, uint32_t handle)
{
    struct mcpz_gate_call *call = &gate->calls[handle];

    assert(call->tenant->under_way > 0);
    assert(call->server->under_way > 0);
    call->tenant->under_way--;
    call->server->under_way--;
    *call = (struct mcpz_gate_call){0};
}

static void stop_waiting(struct mcpz_gate *gate, uint32_t handle)
{
    struct mcpz_gate_lane *lane = &gate->lanes[gate->calls[handle].lane];

    assert(lane->waiting > 0);
    lane->waiting--;
    release(gate, handle);
    free_if_unused(lane);
}

static bool is_full(const struct mcpz_gate *gate, const struct mcpz_gate_lane *lane)
{
    const uint32_t limit = mcpz_gate_limit(gate, lane);

    return lane->waiting >= (limit > gate->queue_min ? limit : gate->queue_min) ||
           gate->waiting.count == MCPZ_GATE_WAITING_MAX;
}

static uint32_t bucket_of(const struct mcpz_tenant *tenant)
{
    return mcpz_shed_level(MCPZ_PRIORITY_MAX, tenant->name[0] ^ tenant->name[1]);
}

/* Calls of which class, and of less important ones, would not get into the queue? 0: of none. */
static uint32_t turns_away(const struct mcpz_gate *gate, const struct mcpz_gate_lane *lane,
                           const struct mcpz_tenant *tenant)
{
    /* The last that waits is as good as gone: whoever hears of it now comes when it is. */
    if (lane->waiting <= 1 || is_open(gate, lane)) {
        return 0;
    }
    const uint32_t claim =
        1u + mcpz_waiting_last_claim(&gate->waiting, index_of(gate, lane), tenant);
    const uint32_t cut =
        is_full(gate, lane) ? 0 : mcpz_shedder_turns_away(&gate->shedder, bucket_of(tenant));
    const uint32_t class = claim > cut ? claim : cut;
    return class < MCPZ_SHED_CLASSES ? class : 0;
}

/*
 * Have a place in the queue: a free one, if the shedder lets us have it or nobody waits, or that
 * of somebody with a lesser claim. So a tenant that hardly asks for anything is not turned away
 * for another's sake, whichever level it falls on.
 */
static bool pass_queue(struct mcpz_gate *gate, mcpz_time now, const struct candidate *candidate,
                       struct mcpz_gate_verdict *verdict)
{
    const bool full = is_full(gate, candidate->lane);
    struct mcpz_waiting_entry gone;

    if (!full && (candidate->may_wait || candidate->lane->waiting == 0)) {
        return true;
    }
    struct mcpz_gate_refusal refusal =
        overloaded(gate, candidate->lane, now,
                   full ? "too many calls are waiting here" : "there is too much to do here");
    mcpz_shedder_turn_away(&gate->shedder);
    if (!mcpz_waiting_give_way(&gate->waiting, index_of(gate, candidate->lane), candidate->class,
                               candidate->tenant, &gone)) {
        gate->counts.queue_full += full;
        gate->counts.shed += !full;
        gate->turned_away[candidate->class]++;
        refusal.turns_away = turns_away(gate, candidate->lane, candidate->tenant);
        return refuse(verdict, &refusal);
    }
    verdict->refusal = refusal;
    verdict->pushed_out = gone.handle;
    gate->counts.pushed_out++;
    gate->turned_away[gone.class]++;
    mcpz_shedder_waited(&gate->shedder, now - gone.since_us, candidate->median_us);
    stop_waiting(gate, gone.handle);
    return true;
}

static void wait_in_queue(struct mcpz_gate *gate, mcpz_time now, uint32_t handle,
                          const struct candidate *candidate)
{
    const mcpz_time median_us = candidate->median_us;

    mcpz_waiting_add(&gate->waiting, &(struct mcpz_waiting_entry){
                                         .handle = handle,
                                         .class = candidate->class,
                                         .lane = index_of(gate, candidate->lane),
                                         .tenant = candidate->tenant,
                                         .cost = median_us > 0 ? (uint32_t)median_us : 1,
                                         .since_us = now,
                                         .start_by_us = candidate->deadline_us > median_us
                                                            ? candidate->deadline_us - median_us
                                                            : 0,
                                     });
    gate->calls[handle].state = MCPZ_GATE_WAITING;
    gate->calls[handle].since_us = now;
    candidate->lane->waiting++;
}

void mcpz_gate_ask(struct mcpz_gate *gate, mcpz_time now, uint32_t handle,
                   const struct mcpz_gate_request *request, struct mcpz_gate_verdict *verdict)
{
    assert(handle < gate->calls_max);
    assert(gate->calls[handle].state == MCPZ_GATE_FREE);

    struct candidate candidate = {.deadline_us = request->deadline_us};
    *verdict = (struct mcpz_gate_verdict){.pushed_out = MCPZ_GATE_NOBODY};
    if (!pass_state(gate, now, request, &candidate, verdict) ||
        !pass_rates(gate, now, request, &candidate, verdict)) {
        return;
    }
    uint32_t level =
        mcpz_shed_level(request->priority, candidate.tenant->name[0] ^ candidate.tenant->name[1]);
    candidate.class = (uint8_t)(level / MCPZ_SHED_BUCKETS);
    candidate.may_wait = mcpz_shedder_arrive(&gate->shedder, now, level);
    if (!pass_time(gate, now, &candidate, verdict)) {
        return;
    }
    if (is_open(gate, candidate.lane)) {
        take(gate, now, handle, &candidate);
        start(gate, now, handle);
        mcpz_shedder_waited(&gate->shedder, 0, candidate.median_us);
        verdict->word = MCPZ_GATE_START;
    } else if (pass_queue(gate, now, &candidate, verdict)) {
        take(gate, now, handle, &candidate);
        wait_in_queue(gate, now, handle, &candidate);
        verdict->word = MCPZ_GATE_WAIT;
    }
}

/* ---- What callers are told ---------------------------------------------------------------- */

uint32_t mcpz_gate_turns_away(struct mcpz_gate *gate, mcpz_time now, size_t lane,
                              struct mcpz_bytes tenant, const struct mcpz_id *caller)
{
    assert(lane < MCPZ_LANES_MAX);
    return turns_away(gate, &gate->lanes[lane],
                      tenant.length > 0 ? mcpz_tenants_find(&gate->tenants, tenant, now)
                                        : mcpz_tenants_find_node(&gate->tenants, caller, now));
}

uint32_t mcpz_gate_turns_away_more(const struct mcpz_gate *gate, uint32_t handle)
{
    const struct mcpz_gate_call *call = &gate->calls[handle];

    return call->state == MCPZ_GATE_FREE
               ? 0
               : turns_away(gate, &gate->lanes[call->lane], call->tenant);
}

void mcpz_gate_spared(struct mcpz_gate *gate, mcpz_time now, uint32_t calls)
{
    mcpz_shedder_spared(&gate->shedder, now, calls);
    gate->counts.spared += calls;
}

/* ---- Those that wait ---------------------------------------------------------------------- */

static struct mcpz_lane_set open_lanes(const struct mcpz_gate *gate)
{
    struct mcpz_lane_set lanes = {.words = {0}};

    for (size_t i = 0; i < gate->waiting.count; i++) {
        const uint8_t lane = gate->waiting.entries[i].lane;
        if (is_open(gate, &gate->lanes[lane])) {
            mcpz_lane_set_add(&lanes, lane);
        }
    }
    return lanes;
}

bool mcpz_gate_next(struct mcpz_gate *gate, mcpz_time now, uint32_t *handle)
{
    struct mcpz_waiting_entry entry;

    if (gate->waiting.count == 0) {
        return false;
    }
    const struct mcpz_lane_set lanes = open_lanes(gate);
    if (!mcpz_waiting_take(&gate->waiting, &lanes, &entry)) {
        return false;
    }
    struct mcpz_gate_lane *lane = &gate->lanes[entry.lane];
    lane->waiting--;
    start(gate, now, entry.handle);
    gate->counts.waited++;
    mcpz_shedder_waited(&gate->shedder, now - entry.since_us,
                        mcpz_recent_median(&lane->recent, now));
    *handle = entry.handle;
    return true;
}

bool mcpz_gate_expire(struct mcpz_gate *gate, mcpz_time now, uint32_t *handle,
                      struct mcpz_gate_refusal *refusal)
{
    struct mcpz_waiting_entry entry;

    if (!mcpz_waiting_expire(&gate->waiting, now, &entry)) {
        return false;
    }
    const struct mcpz_gate_lane *lane = &gate->lanes[entry.lane];
    *refusal = no_time(gate, lane, now);
    mcpz_shedder_waited(&gate->shedder, now - entry.since_us,
                        mcpz_recent_median(&lane->recent, now));
    stop_waiting(gate, entry.handle);
    *handle = entry.handle;
    return true;
}

void mcpz_gate_end(struct mcpz_gate *gate, mcpz_time now, uint32_t handle, bool done)
{
    assert(handle < gate->calls_max);
    const struct mcpz_gate_call call = gate->calls[handle];
    struct mcpz_gate_lane *lane = &gate->lanes[call.lane];

    if (call.state == MCPZ_GATE_FREE) {
        return;
    }
    if (call.state == MCPZ_GATE_WAITING) {
        bool waited = mcpz_waiting_remove(&gate->waiting, handle);
        assert(waited);
        stop_waiting(gate, handle);
        return;
    }
    /* What was broken off took at least so long: it tells something if that is long already. */
    mcpz_time took_us = now - call.since_us;
    if (done) {
        mcpz_recent_add(&lane->recent, now, took_us);
    }
    if (done || (lane->gradient.samples > 0 && took_us > lane->gradient.long_q8 / 256)) {
        mcpz_gradient_sample(&lane->gradient, took_us, lane->running);
    }
    assert(lane->running > 0);
    lane->running--;
    if (lane->takes_hands) {
        assert(gate->hands_taken > 0);
        gate->hands_taken--;
    }
    release(gate, handle);
    free_if_unused(lane);
}

bool mcpz_gate_waits(const struct mcpz_gate *gate, uint32_t handle)
{
    return gate->calls[handle].state == MCPZ_GATE_WAITING;
}

size_t mcpz_gate_running(const struct mcpz_gate *gate)
{
    size_t running = 0;

    for (size_t i = 0; i < MCPZ_LANES_MAX; i++) {
        running += gate->lanes[i].running;
    }
    return running;
}

mcpz_time mcpz_gate_deadline(const struct mcpz_gate *gate)
{
    return mcpz_waiting_deadline(&gate->waiting);
}

/* ---- Configuration ------------------------------------------------------------------------ */

void mcpz_gate_configure(struct mcpz_gate *gate, const struct mcpz_gate_config *config,
                         mcpz_time now)
{
    assert(config->tenant_count <= MCPZ_TENANTS_MAX);

    gate->hands = config->hands;
    gate->queue_min = config->queue_min;
    share_hands(gate);
    gate->server_rate = mcpz_rate(config->server_per_second, MCPZ_SECONDS(1),
                                  config->server_per_second > 0 ? config->server_per_second : 1);
    mcpz_tenants_unpin(&gate->tenants, config->level_default);
    for (size_t i = 0; i < config->tenant_count; i++) {
        const struct mcpz_tenant_config *tenant = &config->tenants[i];
        (void)mcpz_tenants_pin(&gate->tenants, mcpz_text(tenant->name), tenant->level, now);
    }
}

void mcpz_gate_drain(struct mcpz_gate *gate, mcpz_time until_us)
{
    gate->drained_us = until_us;
}

size_t mcpz_gate_bytes(size_t calls_max)
{
    return mcpz_arena_cost(calls_max, sizeof(struct mcpz_gate_call));
}

void mcpz_gate_init(struct mcpz_gate *gate, const struct mcpz_gate_config *config,
                    size_t calls_max, uint64_t seed, struct mcpz_arena *arena)
{
    mcpz_clear(gate, sizeof(*gate));
    gate->calls = mcpz_arena_take_sure(arena, calls_max, sizeof(struct mcpz_gate_call));
    gate->calls_max = calls_max;
    mcpz_rng_init(&gate->rng, seed);
    mcpz_tenants_init(&gate->tenants, config->level_default, mcpz_rng_next(&gate->rng));
    mcpz_tenants_init(&gate->servers, MCPZ_LEVEL_NONE, mcpz_rng_next(&gate->rng));
    mcpz_shedder_init(&gate->shedder, 0);
    mcpz_gate_configure(gate, config, 0);
}
