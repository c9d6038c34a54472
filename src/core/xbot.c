#include "core/xbot.h"

#include <assert.h>

#include "core/timing.h"

#define NOBODY SIZE_MAX

/* ---- What links cost ---------------------------------------------------------------------- */

uint32_t mcpz_xbot_ring(uint64_t rtt_us)
{
    static const uint64_t ends_us[] = {MCPZ_MS(6),   MCPZ_MS(15),  MCPZ_MS(50),
                                       MCPZ_MS(100), MCPZ_MS(200), MCPZ_MS(300)};
    uint32_t ring = 0;

    while (ring < sizeof(ends_us) / sizeof(ends_us[0]) && rtt_us >= ends_us[ring]) {
        ring++;
    }
    return ring;
}

static uint32_t rtt_of(const struct mcpz_xbot_rtts *rtts, const struct mcpz_id *peer)
{
    return rtts->of(rtts->context, peer);
}

/* ---- Whom to give away -------------------------------------------------------------------- */

/* Is `a` to be kept rather than `b`? */
static bool stands_longer(const struct mcpz_overlay_neighbour *a,
                          const struct mcpz_overlay_neighbour *b)
{
    if (a->chosen != b->chosen) {
        return a->chosen;
    }
    if (a->since_us != b->since_us) {
        return a->since_us < b->since_us;
    }
    return mcpz_id_compare(&a->id, &b->id) < 0; /* whatever, but always the same */
}

/* Is it not among the `spared` neighbours of our scope that stand longest? */
static bool is_given(const struct mcpz_overlay *overlay, size_t at, size_t spared)
{
    const struct mcpz_overlay_neighbour *one = &overlay->active[at];
    size_t longer = 0;

    assert(at < overlay->active_count);
    for (size_t i = 0; i < overlay->active_count; i++) {
        longer += !mcpz_overlay_is_far(overlay, overlay->active[i].where.scope) &&
                  stands_longer(&overlay->active[i], one);
    }
    return mcpz_overlay_is_far(overlay, one->where.scope) || longer >= spared;
}

bool mcpz_xbot_is_biased(const struct mcpz_xbot *xbot, const struct mcpz_overlay *overlay,
                         size_t at)
{
    return is_given(overlay, at, xbot->config.unbiased);
}

/* The neighbour of this id, which another wishes to go. NOBODY: it is none, or spared. */
static size_t find_given(const struct mcpz_xbot *xbot, const struct mcpz_overlay *overlay,
                         const struct mcpz_id *id)
{
    for (size_t i = 0; i < overlay->active_count; i++) {
        if (mcpz_id_equal(&overlay->active[i].id, id)) {
            return is_given(overlay, i, (xbot->config.unbiased + 1) / 2) ? i : NOBODY;
        }
    }
    return NOBODY;
}

/* The biased neighbour of one kind, but not `except`, that costs most of those not tried. */
static size_t find_untried(const struct mcpz_xbot *xbot, const struct mcpz_overlay *overlay,
                           const struct mcpz_xbot_rtts *rtts, bool far,
                           const struct mcpz_id *except)
{
    size_t worst = NOBODY;
    uint32_t worst_us = 0;

    for (size_t i = 0; i < overlay->active_count; i++) {
        const struct mcpz_overlay_neighbour *one = &overlay->active[i];
        uint32_t rtt_us = rtt_of(rtts, &one->id);
        if (rtt_us > worst_us && !one->tried &&
            mcpz_overlay_is_far(overlay, one->where.scope) == far &&
            !mcpz_id_equal(&one->id, except) && mcpz_xbot_is_biased(xbot, overlay, i)) {
            worst = i;
            worst_us = rtt_us;
        }
    }
    return worst;
}

/* The same, and when all have been tried, the first of them again: one that cannot be had must not
 * keep the next from its turn. */
static size_t find_worst(const struct mcpz_xbot *xbot, struct mcpz_overlay *overlay,
                         const struct mcpz_xbot_rtts *rtts, bool far, const struct mcpz_id *except)
{
    size_t worst = find_untried(xbot, overlay, rtts, far, except);

    if (worst == NOBODY || mcpz_xbot_ring(rtt_of(rtts, &overlay->active[worst].id)) == 0) {
        for (size_t i = 0; i < overlay->active_count; i++) {
            overlay->active[i].tried = false;
        }
        worst = find_untried(xbot, overlay, rtts, far, except);
    }
    return worst;
}

static void note_tried(const struct mcpz_xbot *xbot, struct mcpz_overlay *overlay)
{
    for (size_t i = 0; i < overlay->active_count; i++) {
        struct mcpz_overlay_neighbour *one = &overlay->active[i];
        one->tried = one->tried || mcpz_id_equal(&one->id, &xbot->gone);
    }
}

/* ---- Saying ------------------------------------------------------------------------------- */

static void say_switched(const struct mcpz_id *to, uint32_t seq, bool accepted,
                         struct mcpz_outbox *out)
{
    struct mcpz_msg msg = {.kind = MCPZ_MSG_OVERLAY_SWITCHED,
                           .overlay_switched = {.seq = seq, .accepted = accepted}};
    mcpz_outbox_send(out, to, &msg);
}

static void say_disconnect(const struct mcpz_id *to, struct mcpz_outbox *out)
{
    struct mcpz_msg msg = {.kind = MCPZ_MSG_OVERLAY_DISCONNECT};
    mcpz_outbox_send(out, to, &msg);
}

static void reach(const struct mcpz_xbot_candidate *candidate, struct mcpz_outbox *out)
{
    struct mcpz_action *action = mcpz_outbox_append(out, MCPZ_ACTION_REACH);
    action->reach.peer = candidate->id;
    action->reach.address = mcpz_outbox_keep(out, mcpz_where_address(&candidate->where));
}

/* ---- The exchange under way --------------------------------------------------------------- */

static uint32_t take_seq(struct mcpz_xbot *xbot)
{
    xbot->seq = xbot->seq < UINT32_MAX ? xbot->seq + 1 : 1;
    return xbot->seq;
}

static void enter(struct mcpz_xbot *xbot, enum mcpz_xbot_stage stage, mcpz_time until_us)
{
    xbot->stage = stage;
    xbot->until_us = until_us;
}

static bool owes_answer(const struct mcpz_xbot *xbot)
{
    return xbot->stage >= MCPZ_XBOT_REPLACES;
}

static bool awaits_answer(const struct mcpz_xbot *xbot)
{
    return xbot->stage == MCPZ_XBOT_OPTIMISES || xbot->stage == MCPZ_XBOT_REPLACES ||
           xbot->stage == MCPZ_XBOT_SWITCHES;
}

/* It comes to nothing: who asked us hears of it, and all stays as it was. */
static void abandon(struct mcpz_xbot *xbot, struct mcpz_overlay *overlay, struct mcpz_outbox *out)
{
    note_tried(xbot, overlay);
    if (owes_answer(xbot)) {
        xbot->refused++;
        say_switched(&xbot->asker, xbot->asker_seq, false, out);
    }
    xbot->stage = MCPZ_XBOT_IDLE;
}

/* The one whom an exchange is to bring. False: its address is too long. */
static bool note_candidate(struct mcpz_xbot *xbot, const struct mcpz_overlay_entry *entry)
{
    xbot->candidate_count = 1;
    xbot->candidates[0].id = entry->id;
    return mcpz_where_set(&xbot->candidates[0].where, entry->scope, entry->address,
                          xbot->config.address_bytes);
}

/* What was asked for is granted: the view changes now. */
static void swap(struct mcpz_xbot *xbot, struct mcpz_overlay *overlay, mcpz_time now,
                 struct mcpz_outbox *out)
{
    const struct mcpz_overlay_entry added = {
        .id = xbot->candidates[0].id,
        .scope = xbot->candidates[0].where.scope,
        .address = mcpz_where_address(&xbot->candidates[0].where),
    };
    const bool is_ours = xbot->stage == MCPZ_XBOT_OPTIMISES;
    const struct mcpz_id gone = xbot->gone;
    bool swapped = mcpz_overlay_swap(overlay, now, &gone, &added, is_ours, out);

    xbot->swaps += swapped;
    xbot->refused += !swapped;
    if (owes_answer(xbot)) {
        say_switched(&xbot->asker, xbot->asker_seq, swapped, out);
    }
    if (swapped) { /* after the answer: who waits for that has its place for another by then */
        say_disconnect(&gone, out);
    } else if (!mcpz_overlay_is_neighbour(overlay, &added.id)) {
        say_disconnect(&added.id, out);
    }
    xbot->stage = MCPZ_XBOT_IDLE;
}

/* ---- The initiator ------------------------------------------------------------------------ */

/* Each of one kind in the passive view is as likely as any other (Knuth, algorithm 3.4.2 R). */
static void draw_candidates(struct mcpz_xbot *xbot, const struct mcpz_overlay *overlay, bool far)
{
    uint32_t seen = 0;

    xbot->candidate_count = 0;
    for (size_t i = 0; i < overlay->passive.count; i++) {
        const struct mcpz_passive_entry *entry = &overlay->passive.entries[i];
        if (mcpz_overlay_is_far(overlay, entry->where.scope) != far) {
            continue;
        }
        uint32_t at =
            seen < MCPZ_XBOT_CANDIDATES_MAX ? seen : mcpz_rng_below(&xbot->rng, seen + 1);
        seen++;
        if (at < MCPZ_XBOT_CANDIDATES_MAX) {
            bool fits =
                mcpz_where_set(&xbot->candidates[at].where, entry->where.scope,
                               mcpz_where_address(&entry->where), xbot->config.address_bytes);
            assert(fits); /* the passive view keeps none that are longer */
            xbot->candidates[at].id = entry->id;
        }
    }
    xbot->candidate_count = seen < MCPZ_XBOT_CANDIDATES_MAX ? seen : MCPZ_XBOT_CANDIDATES_MAX;
}

/* One kind of neighbours by lot, the other if there is nothing to gain. */
static size_t find_old(struct mcpz_xbot *xbot, struct mcpz_overlay *overlay,
                       const struct mcpz_xbot_rtts *rtts)
{
    bool far = overlay->config.far_max > 0 && mcpz_rng_below(&xbot->rng, 2) == 1;

    for (size_t i = 0; i < 2; i++, far = !far) {
        size_t at = find_worst(xbot, overlay, rtts, far, &overlay->self);
        if (at != NOBODY && mcpz_xbot_ring(rtt_of(rtts, &overlay->active[at].id)) > 0) {
            return at;
        }
    }
    return NOBODY;
}

/* Who lacks neighbours has something better to do. */
static bool may_scan(const struct mcpz_overlay *overlay)
{
    return !overlay->leaving && overlay->active_count == overlay->config.active_max;
}

static void scan(struct mcpz_xbot *xbot, struct mcpz_overlay *overlay,
                 const struct mcpz_xbot_rtts *rtts, mcpz_time now, struct mcpz_outbox *out)
{
    xbot->scan_at_us = now + mcpz_timing_about(&xbot->rng, xbot->wait_us);
    if (xbot->stage != MCPZ_XBOT_IDLE) {
        return;
    }
    size_t at = find_old(xbot, overlay, rtts);
    if (at == NOBODY) {
        return;
    }
    draw_candidates(xbot, overlay, mcpz_overlay_is_far(overlay, overlay->active[at].where.scope));
    if (xbot->candidate_count == 0) {
        return;
    }
    xbot->scans++;
    xbot->gone = overlay->active[at].id;
    enter(xbot, MCPZ_XBOT_SCANS, now + xbot->config.measure_us);
    for (size_t i = 0; i < xbot->candidate_count; i++) {
        reach(&xbot->candidates[i], out);
    }
}

/* Put the nearest candidate that is worth it first. Its round trip; 0: there is none. */
static uint32_t choose_candidate(struct mcpz_xbot *xbot, const struct mcpz_overlay *overlay,
                                 const struct mcpz_xbot_rtts *rtts, uint32_t old_us)
{
    uint32_t best_us = 0;

    for (size_t i = 0; i < xbot->candidate_count; i++) {
        const struct mcpz_xbot_candidate one = xbot->candidates[i];
        uint32_t rtt_us = rtt_of(rtts, &one.id);
        bool gains = mcpz_xbot_ring(rtt_us + MCPZ_XBOT_HYSTERESIS_US) < mcpz_xbot_ring(old_us);
        if (rtt_us > 0 && gains && (best_us == 0 || rtt_us < best_us) &&
            !mcpz_overlay_is_neighbour(overlay, &one.id)) {
            xbot->candidates[i] = xbot->candidates[0];
            xbot->candidates[0] = one;
            best_us = rtt_us;
        }
    }
    return best_us;
}

static void optimise(struct mcpz_xbot *xbot, struct mcpz_overlay *overlay,
                     const struct mcpz_xbot_rtts *rtts, mcpz_time now, struct mcpz_outbox *out)
{
    size_t at = find_given(xbot, overlay, &xbot->gone);
    uint32_t old_us = rtt_of(rtts, &xbot->gone);
    uint32_t rtt_us = at != NOBODY ? choose_candidate(xbot, overlay, rtts, old_us) : 0;

    if (rtt_us == 0) {
        xbot->wait_us =
            mcpz_time_min(2 * xbot->wait_us, MCPZ_XBOT_WAIT_PERIODS * xbot->config.period_us);
        abandon(xbot, overlay, out);
        return;
    }
    xbot->wait_us = xbot->config.period_us;
    const struct mcpz_where *old = &overlay->active[at].where;
    struct mcpz_msg msg = {
        .kind = MCPZ_MSG_OVERLAY_OPTIMISE,
        .overlay_optimise = {.seq = take_seq(xbot),
                             .scope = overlay->where.scope,
                             .address = mcpz_where_address(&overlay->where),
                             .gain_us = old_us - rtt_us,
                             .old = xbot->gone,
                             .old_scope = old->scope,
                             .old_address = mcpz_outbox_keep(out, mcpz_where_address(old))},
    };
    xbot->asked = xbot->candidates[0].id;
    mcpz_outbox_send(out, &xbot->asked, &msg);
    enter(xbot, MCPZ_XBOT_OPTIMISES, now + xbot->config.measure_us + 3 * MCPZ_XBOT_ANSWER_US);
}

/* ---- The candidate ------------------------------------------------------------------------ */

/* Ask our worst neighbour to make room for who asks us. False: there is none to ask. */
static bool replace(struct mcpz_xbot *xbot, struct mcpz_overlay *overlay,
                    const struct mcpz_xbot_rtts *rtts, mcpz_time now,
                    const struct mcpz_msg_overlay_optimise *wish, struct mcpz_outbox *out)
{
    bool far = mcpz_overlay_is_far(overlay, wish->scope);
    size_t at = find_worst(xbot, overlay, rtts, far, &wish->old);

    if (at == NOBODY) {
        return false;
    }
    const uint64_t limit_us = (uint64_t)wish->gain_us + rtt_of(rtts, &overlay->active[at].id);
    struct mcpz_msg msg = {
        .kind = MCPZ_MSG_OVERLAY_REPLACE,
        .overlay_replace = {.seq = take_seq(xbot),
                            .initiator = xbot->candidates[0].id,
                            .limit_us = (uint32_t)mcpz_time_min(limit_us, UINT32_MAX),
                            .old = wish->old,
                            .old_scope = wish->old_scope,
                            .old_address = wish->old_address},
    };
    xbot->gone = overlay->active[at].id;
    xbot->asked = xbot->gone;
    mcpz_outbox_send(out, &xbot->asked, &msg);
    enter(xbot, MCPZ_XBOT_REPLACES, now + xbot->config.measure_us + 2 * MCPZ_XBOT_ANSWER_US);
    return true;
}

static void on_optimise(struct mcpz_xbot *xbot, struct mcpz_overlay *overlay,
                        const struct mcpz_xbot_rtts *rtts, mcpz_time now,
                        const struct mcpz_event *event, struct mcpz_outbox *out)
{
    const struct mcpz_msg_overlay_optimise *wish = &event->recv.msg->overlay_optimise;
    const struct mcpz_id *from = &event->recv.from;
    const struct mcpz_overlay_entry entry = {
        .id = *from, .scope = wish->scope, .address = wish->address};
    bool accepted = mcpz_overlay_is_neighbour(overlay, from);

    if (!accepted && mcpz_overlay_has_place(overlay, wish->scope)) {
        accepted = mcpz_overlay_swap(overlay, now, from, &entry, false, out);
    }
    if (accepted || xbot->stage != MCPZ_XBOT_IDLE || overlay->leaving ||
        mcpz_id_equal(&wish->old, &overlay->self) || !note_candidate(xbot, &entry) ||
        !replace(xbot, overlay, rtts, now, wish, out)) {
        xbot->refused += !accepted;
        say_switched(from, wish->seq, accepted, out);
        return;
    }
    xbot->asker = *from;
    xbot->asker_seq = wish->seq;
}

/* ---- The candidate's neighbour ------------------------------------------------------------ */

static void on_replace(struct mcpz_xbot *xbot, const struct mcpz_overlay *overlay, mcpz_time now,
                       const struct mcpz_id *from, const struct mcpz_msg_overlay_replace *wish,
                       struct mcpz_outbox *out)
{
    const struct mcpz_overlay_entry old = {
        .id = wish->old, .scope = wish->old_scope, .address = wish->old_address};
    size_t at = find_given(xbot, overlay, from);

    if (xbot->stage != MCPZ_XBOT_IDLE || overlay->leaving || at == NOBODY ||
        mcpz_id_equal(&old.id, &overlay->self) || mcpz_overlay_is_neighbour(overlay, &old.id) ||
        mcpz_overlay_is_far(overlay, old.scope) !=
            mcpz_overlay_is_far(overlay, overlay->active[at].where.scope) ||
        !note_candidate(xbot, &old)) {
        xbot->refused++;
        say_switched(from, wish->seq, false, out);
        return;
    }
    xbot->asker = *from;
    xbot->asker_seq = wish->seq;
    xbot->gone = *from;
    xbot->initiator = wish->initiator;
    xbot->limit_us = wish->limit_us;
    enter(xbot, MCPZ_XBOT_MEASURES, now + xbot->config.measure_us);
    reach(&xbot->candidates[0], out);
}

/* cost(i,c) + cost(d,o) < cost(i,o) + cost(c,d): all but one of these are in the limit. */
static void decide(struct mcpz_xbot *xbot, struct mcpz_overlay *overlay,
                   const struct mcpz_xbot_rtts *rtts, mcpz_time now, struct mcpz_outbox *out)
{
    uint32_t rtt_us = rtt_of(rtts, &xbot->candidates[0].id);

    if (rtt_us == 0 || rtt_us + MCPZ_XBOT_HYSTERESIS_US >= xbot->limit_us ||
        find_given(xbot, overlay, &xbot->gone) == NOBODY ||
        mcpz_overlay_is_neighbour(overlay, &xbot->candidates[0].id)) {
        abandon(xbot, overlay, out);
        return;
    }
    struct mcpz_msg msg = {
        .kind = MCPZ_MSG_OVERLAY_SWITCH,
        .overlay_switch = {.seq = take_seq(xbot),
                           .scope = overlay->where.scope,
                           .address = mcpz_where_address(&overlay->where),
                           .initiator = xbot->initiator},
    };
    xbot->asked = xbot->candidates[0].id;
    mcpz_outbox_send(out, &xbot->asked, &msg);
    enter(xbot, MCPZ_XBOT_SWITCHES, now + MCPZ_XBOT_ANSWER_US);
}

/* ---- The old one -------------------------------------------------------------------------- */

/* The initiator is not told: it keeps its place for the candidate until it hears from there. */
static void on_switch(struct mcpz_xbot *xbot, struct mcpz_overlay *overlay, mcpz_time now,
                      const struct mcpz_id *from, const struct mcpz_msg_overlay_switch *wish,
                      struct mcpz_outbox *out)
{
    const struct mcpz_overlay_entry entry = {
        .id = *from, .scope = wish->scope, .address = wish->address};
    bool held = mcpz_overlay_is_neighbour(overlay, &wish->initiator);
    bool accepted = !held && mcpz_overlay_is_neighbour(overlay, from); /* it asks again */

    if (held && xbot->stage == MCPZ_XBOT_IDLE &&
        find_given(xbot, overlay, &wish->initiator) != NOBODY) {
        accepted = mcpz_overlay_swap(overlay, now, &wish->initiator, &entry, false, out);
        xbot->swaps += accepted;
    }
    xbot->refused += !accepted;
    say_switched(from, wish->seq, accepted, out);
}

/* ---- Answers ------------------------------------------------------------------------------ */

static void on_switched(struct mcpz_xbot *xbot, struct mcpz_overlay *overlay, mcpz_time now,
                        const struct mcpz_id *from, const struct mcpz_msg_overlay_switched *answer,
                        struct mcpz_outbox *out)
{
    if (!awaits_answer(xbot) || !mcpz_id_equal(from, &xbot->asked) || answer->seq != xbot->seq) {
        if (answer->accepted && !mcpz_overlay_wants(overlay, from)) {
            say_disconnect(from, out); /* too late: it must not hold us */
        }
    } else if (answer->accepted) {
        swap(xbot, overlay, now, out);
    } else {
        abandon(xbot, overlay, out);
    }
}

/* ---- The machine -------------------------------------------------------------------------- */

static void on_recv(struct mcpz_xbot *xbot, struct mcpz_overlay *overlay,
                    const struct mcpz_xbot_rtts *rtts, mcpz_time now,
                    const struct mcpz_event *event, struct mcpz_outbox *out)
{
    const struct mcpz_msg *msg = event->recv.msg;
    const struct mcpz_id *from = &event->recv.from;

    if (!mcpz_xbot_takes(msg->kind) || mcpz_id_equal(from, &overlay->self)) {
        return;
    }
    if (msg->kind == MCPZ_MSG_OVERLAY_OPTIMISE) {
        on_optimise(xbot, overlay, rtts, now, event, out);
    } else if (msg->kind == MCPZ_MSG_OVERLAY_REPLACE) {
        on_replace(xbot, overlay, now, from, &msg->overlay_replace, out);
    } else if (msg->kind == MCPZ_MSG_OVERLAY_SWITCH) {
        on_switch(xbot, overlay, now, from, &msg->overlay_switch, out);
    } else if (msg->kind == MCPZ_MSG_OVERLAY_SWITCHED) {
        on_switched(xbot, overlay, now, from, &msg->overlay_switched, out);
    }
}

static void on_link_down(struct mcpz_xbot *xbot, struct mcpz_overlay *overlay,
                         const struct mcpz_id *peer, struct mcpz_outbox *out)
{
    if (owes_answer(xbot) && mcpz_id_equal(peer, &xbot->asker)) {
        xbot->stage = MCPZ_XBOT_IDLE; /* nobody is there to be told */
    } else if (awaits_answer(xbot) && mcpz_id_equal(peer, &xbot->asked)) {
        abandon(xbot, overlay, out);
    }
}

/* Who cannot be reached is no candidate for anything. */
static void on_unreachable(struct mcpz_xbot *xbot, struct mcpz_overlay *overlay,
                           const struct mcpz_id *peer, struct mcpz_outbox *out)
{
    for (size_t i = 0; i < xbot->candidate_count; i++) {
        bool is_ours = mcpz_id_equal(peer, &xbot->candidates[i].id);
        if (is_ours && xbot->stage == MCPZ_XBOT_SCANS) {
            mcpz_overlay_forget(overlay, peer);
        } else if (is_ours && xbot->stage == MCPZ_XBOT_MEASURES) {
            abandon(xbot, overlay, out);
        }
    }
}

static void on_tick(struct mcpz_xbot *xbot, struct mcpz_overlay *overlay,
                    const struct mcpz_xbot_rtts *rtts, mcpz_time now, struct mcpz_outbox *out)
{
    bool is_over = xbot->stage != MCPZ_XBOT_IDLE && xbot->until_us <= now;

    if (is_over && xbot->stage == MCPZ_XBOT_SCANS) {
        optimise(xbot, overlay, rtts, now, out);
    } else if (is_over && xbot->stage == MCPZ_XBOT_MEASURES) {
        decide(xbot, overlay, rtts, now, out);
    } else if (is_over) {
        abandon(xbot, overlay, out);
    }
    if (xbot->scan_at_us <= now && may_scan(overlay)) {
        scan(xbot, overlay, rtts, now, out);
    }
}

size_t mcpz_xbot_bytes(const struct mcpz_xbot_config *config)
{
    return MCPZ_XBOT_CANDIDATES_MAX * ((config->address_bytes + 15) / 16 * 16);
}

void mcpz_xbot_init(struct mcpz_xbot *xbot, const struct mcpz_xbot_config *config,
                    struct mcpz_arena *arena, uint64_t seed, mcpz_time now)
{
    *xbot = (struct mcpz_xbot){.config = *config};
    mcpz_rng_init(&xbot->rng, seed);
    xbot->config.period_us = config->period_us > 0 ? config->period_us : MCPZ_SECONDS(30);
    xbot->config.measure_us = config->measure_us > 0 ? config->measure_us : MCPZ_SECONDS(4);
    xbot->config.unbiased = config->unbiased > 0 ? config->unbiased : 2;
    char *room = mcpz_where_room(arena, MCPZ_XBOT_CANDIDATES_MAX, config->address_bytes);
    for (size_t i = 0; i < MCPZ_XBOT_CANDIDATES_MAX; i++) {
        xbot->candidates[i].where = mcpz_where_init(&room, config->address_bytes);
    }
    xbot->wait_us = xbot->config.period_us;
    xbot->scan_at_us = now + mcpz_timing_about(&xbot->rng, xbot->wait_us);
}

void mcpz_xbot_step(struct mcpz_xbot *xbot, struct mcpz_overlay *overlay,
                    const struct mcpz_xbot_rtts *rtts, mcpz_time now,
                    const struct mcpz_event *event, struct mcpz_outbox *out)
{
    if (event->kind == MCPZ_EVENT_RECV) {
        on_recv(xbot, overlay, rtts, now, event, out);
    } else if (event->kind == MCPZ_EVENT_LINK_DOWN) {
        on_link_down(xbot, overlay, &event->link.peer, out);
    } else if (event->kind == MCPZ_EVENT_UNREACHABLE) {
        on_unreachable(xbot, overlay, &event->link.peer, out);
    } else if (event->kind == MCPZ_EVENT_LEAVE) {
        abandon(xbot, overlay, out);
    } else if (event->kind == MCPZ_EVENT_TICK) {
        on_tick(xbot, overlay, rtts, now, out);
    }

    assert(xbot->candidate_count <= MCPZ_XBOT_CANDIDATES_MAX);
    assert(overlay->active_count <= overlay->config.active_max);
}

mcpz_time mcpz_xbot_deadline(const struct mcpz_xbot *xbot, const struct mcpz_overlay *overlay)
{
    mcpz_time scan_at_us = may_scan(overlay) ? xbot->scan_at_us : MCPZ_TIME_NEVER;

    return xbot->stage == MCPZ_XBOT_IDLE ? scan_at_us : mcpz_time_min(scan_at_us, xbot->until_us);
}
