#include "core/overlay.h"

#include <assert.h>

#include "core/active.h"
#include "core/asking.h"
#include "core/shuffle.h"
#include "core/timing.h"

#define CONTRADICTED_MAX 2

static_assert(MCPZ_OVERLAY_ACTIVE_MAX + MCPZ_OVERLAY_ASKS_MAX < MCPZ_OUTBOX_MAX / 4,
              "a step speaks to each neighbour a few times at most");

/* ---- Saying ------------------------------------------------------------------------------- */

static void say_answer(const struct mcpz_overlay *overlay, const struct mcpz_id *to, uint32_t seq,
                       bool accepted, struct mcpz_outbox *out)
{
    struct mcpz_msg msg = {
        .kind = MCPZ_MSG_OVERLAY_ANSWER,
        .overlay_answer = {.seq = seq,
                           .accepted = accepted,
                           .scope = overlay->where.scope,
                           .address = mcpz_where_address(&overlay->where)},
    };
    mcpz_outbox_send(out, to, &msg);
}

/* ---- Links -------------------------------------------------------------------------------- */

static void on_contact(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *peer,
                       struct mcpz_outbox *out)
{
    const struct mcpz_overlay_entry contact = {.id = *peer}; /* it says itself where it is */

    if (!overlay->leaving && !mcpz_overlay_is_self(overlay, peer) &&
        !mcpz_active_has(overlay, peer)) {
        (void)mcpz_asking_begin(overlay, now, &contact, MCPZ_OVERLAY_JOINS, out);
    }
}

static void on_link_down(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *peer,
                         enum mcpz_link_down_reason reason, struct mcpz_outbox *out)
{
    mcpz_asking_on_silence(overlay, now, peer, out); /* first: below it may be asked anew */
    size_t at = mcpz_active_find(overlay, peer);
    if (at < overlay->active_count) {
        if (reason == MCPZ_DOWN_FULL) { /* it had no room for us, but it is there */
            mcpz_active_retire(overlay, now, at, MCPZ_NEIGHBOUR_LOST, out);
        } else {
            mcpz_active_drop(overlay, at, MCPZ_NEIGHBOUR_LOST, out);
        }
        mcpz_asking_begin_repair(overlay, now, false, out);
    }
}

/* ---- Joining: section 4.2 ----------------------------------------------------------------- */

static void on_join(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *from,
                    const struct mcpz_msg_overlay_join *join, struct mcpz_outbox *out)
{
    if (mcpz_active_has(overlay, from)) {
        say_answer(overlay, from, join->seq, true, out);
        return;
    }
    mcpz_active_add(
        overlay, now,
        &(struct mcpz_overlay_entry){.id = *from, .scope = join->scope, .address = join->address},
        false, out);
    say_answer(overlay, from, join->seq, true, out);
    struct mcpz_msg forward = {
        .kind = MCPZ_MSG_OVERLAY_FORWARD,
        .overlay_forward = {.joiner = *from,
                            .ttl = overlay->config.arwl,
                            .scope = join->scope,
                            .address = join->address},
    };
    for (size_t i = 0; i < overlay->active_count; i++) {
        if (!mcpz_id_equal(&overlay->active[i].id, from)) {
            mcpz_outbox_send(out, &overlay->active[i].id, &forward);
        }
    }
}

static void on_forward(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *from,
                       const struct mcpz_msg_overlay_forward *walk, struct mcpz_outbox *out)
{
    const struct mcpz_overlay_entry joiner = {
        .id = walk->joiner, .scope = walk->scope, .address = walk->address};
    const uint32_t ttl = walk->ttl < overlay->config.arwl ? walk->ttl : overlay->config.arwl;

    if (mcpz_overlay_is_self(overlay, &joiner.id)) {
        return;
    }
    const struct mcpz_id *next =
        overlay->config.far_max > 0
            ? mcpz_active_pick_towards(overlay, joiner.scope, from, &joiner.id)
            : mcpz_active_pick(overlay, from, &joiner.id);
    if (ttl == 0 || overlay->active_count <= 1 || next == NULL) {
        if (!mcpz_active_has(overlay, &joiner.id) &&
            !mcpz_asking_begin(overlay, now, &joiner, MCPZ_OVERLAY_WALKED, out)) {
            mcpz_active_set_aside(overlay, now, &joiner);
        }
        return;
    }
    if (ttl == overlay->config.prwl) {
        mcpz_active_set_aside(overlay, now, &joiner);
    }
    struct mcpz_msg msg = {.kind = MCPZ_MSG_OVERLAY_FORWARD, .overlay_forward = *walk};
    msg.overlay_forward.ttl = ttl - 1;
    mcpz_outbox_send(out, next, &msg);
}

/* ---- Neighbours: section 4.3 -------------------------------------------------------------- */

static void on_neighbour(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *from,
                         const struct mcpz_msg_overlay_neighbour *wish, struct mcpz_outbox *out)
{
    bool accepted = mcpz_active_has(overlay, from) || wish->high ||
                    mcpz_overlay_has_place(overlay, wish->scope);

    if (accepted && !mcpz_active_has(overlay, from)) {
        mcpz_active_add(overlay, now,
                        &(struct mcpz_overlay_entry){
                            .id = *from, .scope = wish->scope, .address = wish->address},
                        false, out);
    }
    say_answer(overlay, from, wish->seq, accepted, out);
}

static void on_disconnect(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *from,
                          bool leaving, struct mcpz_outbox *out)
{
    size_t at = mcpz_active_find(overlay, from);
    bool was_active = at < overlay->active_count;

    if (was_active) {
        mcpz_active_retire(overlay, now, at,
                           leaving ? MCPZ_NEIGHBOUR_LEAVING : MCPZ_NEIGHBOUR_DROPPED, out);
    }
    if (leaving) {
        mcpz_passive_remove(&overlay->passive, from);
    }
    /*
     * Else the next round of repair will do: at a join somebody is dropped at every step.
     * Modestly: a request of high priority can evict somebody's last neighbour, who would do the
     * same, and so on without end.
     */
    if (was_active && overlay->active_count == 0) {
        mcpz_asking_begin_repair(overlay, now, true, out);
    } else if (was_active &&
               mcpz_active_is_alone(overlay)) { /* but soon, however long we lacked somebody */
        overlay->promote_wait_us = overlay->config.promote_period_us;
        overlay->promote_at_us =
            mcpz_time_min(overlay->promote_at_us, now + overlay->promote_wait_us);
    }
}

/* Does the other end see it as we do? One heartbeat may cross an answer, two in a row do not. */
static void on_ping(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *from,
                    bool held, struct mcpz_outbox *out)
{
    size_t at = mcpz_active_find(overlay, from);

    if (at == overlay->active_count) {
        if (held && mcpz_asking_find(overlay, from) == NULL) {
            mcpz_active_dismiss(from, false, out);
        }
        return;
    }
    struct mcpz_overlay_neighbour *one = &overlay->active[at];
    one->contradicted = held ? 0 : (uint8_t)(one->contradicted + 1);
    if (one->contradicted >= CONTRADICTED_MAX) {
        overlay->contradicted++;
        mcpz_active_retire(overlay, now, at, MCPZ_NEIGHBOUR_DROPPED, out);
        mcpz_asking_begin_repair(overlay, now, true, out);
    }
}

/* ---- Courting ----------------------------------------------------------------------------- */

void mcpz_overlay_court(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *peer,
                        struct mcpz_outbox *out)
{
    const struct mcpz_overlay_entry entry = {.id = *peer}; /* it says itself where it is */

    if (!overlay->leaving && !mcpz_overlay_is_self(overlay, peer) &&
        !mcpz_active_has(overlay, peer)) {
        (void)mcpz_asking_begin(overlay, now, &entry, MCPZ_OVERLAY_WALKED, out);
    }
}

/* ---- Exchanging --------------------------------------------------------------------------- */

bool mcpz_overlay_is_far(const struct mcpz_overlay *overlay, uint32_t scope)
{
    return overlay->config.far_max > 0 && scope != overlay->where.scope;
}

bool mcpz_overlay_has_place(const struct mcpz_overlay *overlay, uint32_t scope)
{
    size_t unchosen = overlay->active_count - mcpz_active_count_chosen(overlay);

    return !mcpz_active_is_full(overlay, scope) &&
           unchosen < overlay->config.active_max - overlay->config.chosen_min;
}

bool mcpz_overlay_swap(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *gone,
                       const struct mcpz_overlay_entry *added, bool chosen,
                       struct mcpz_outbox *out)
{
    size_t at = mcpz_active_find(overlay, gone);
    bool is_there = at < overlay->active_count;
    bool fits = is_there ? mcpz_overlay_is_far(overlay, overlay->active[at].where.scope) ==
                               mcpz_overlay_is_far(overlay, added->scope)
                         : !mcpz_active_is_full(overlay, added->scope);

    if (!fits || overlay->leaving || mcpz_overlay_is_self(overlay, &added->id) ||
        mcpz_active_has(overlay, &added->id)) {
        return false;
    }
    if (is_there) {
        chosen = chosen || overlay->active[at].chosen; /* as many as before */
        struct mcpz_overlay_ask *asked = mcpz_asking_find(overlay, gone);
        if (asked != NULL) {
            mcpz_asking_end(overlay, asked); /* its yes must not bring it back */
        }
        mcpz_active_retire(overlay, now, at, MCPZ_NEIGHBOUR_EVICTED, out);
    }
    mcpz_active_add(overlay, now, added, chosen, out);
    return true;
}

/* ---- Hearing of others -------------------------------------------------------------------- */

bool mcpz_overlay_lacks_candidates(const struct mcpz_overlay *overlay)
{
    const struct mcpz_passive *passive = &overlay->passive;
    const uint32_t scope = overlay->where.scope;

    return !overlay->leaving && overlay->ask_count == 0 && !mcpz_active_is_full(overlay, scope) &&
           !mcpz_passive_is_full(passive, scope) && !mcpz_passive_has_untried(passive);
}

void mcpz_overlay_learn(struct mcpz_overlay *overlay, mcpz_time now,
                        const struct mcpz_overlay_entry *entry, struct mcpz_outbox *out)
{
    if (overlay->leaving || entry->address.length == 0 ||
        mcpz_passive_is_full(&overlay->passive, entry->scope)) {
        return;
    }
    mcpz_active_set_aside(overlay, now, entry);
    mcpz_asking_repair(overlay, now, out);
}

void mcpz_overlay_forget(struct mcpz_overlay *overlay, const struct mcpz_id *id)
{
    mcpz_passive_remove(&overlay->passive, id);
}

/* ---- Time --------------------------------------------------------------------------------- */

static void on_tick(struct mcpz_overlay *overlay, mcpz_time now, struct mcpz_outbox *out)
{
    for (size_t i = overlay->ask_count; i > 0; i--) {
        /* A repair begun in its place has its time before it. */
        if (overlay->asks[i - 1].until_us <= now) {
            const struct mcpz_id silent = overlay->asks[i - 1].peer;
            mcpz_asking_on_silence(overlay, now, &silent, out);
        }
    }
    if (overlay->leaving) {
        return;
    }
    if (overlay->shuffle_at_us <= now) {
        overlay->shuffle_at_us =
            now + mcpz_timing_about(&overlay->rng, overlay->config.shuffle_period_us);
        mcpz_shuffle_begin(overlay, now, out);
    }
    if (overlay->promote_at_us <= now) {
        mcpz_asking_promote(overlay, now, out);
    }
}

static void on_leave(struct mcpz_overlay *overlay, struct mcpz_outbox *out)
{
    overlay->leaving = true;
    overlay->ask_count = 0;
    while (overlay->active_count > 0) {
        mcpz_active_dismiss(&overlay->active[0].id, true, out);
        mcpz_active_drop(overlay, 0, MCPZ_NEIGHBOUR_LEAVING, out);
    }
}

/* ---- The machine -------------------------------------------------------------------------- */

/* Who leaves says no to everybody, and takes no part. */
static void decline(const struct mcpz_overlay *overlay, const struct mcpz_id *from,
                    const struct mcpz_msg *msg, struct mcpz_outbox *out)
{
    if (msg->kind != MCPZ_MSG_OVERLAY_DISCONNECT && msg->kind != MCPZ_MSG_PING) {
        mcpz_active_dismiss(from, true, out);
    }
    if (msg->kind == MCPZ_MSG_OVERLAY_JOIN) {
        say_answer(overlay, from, msg->overlay_join.seq, false, out);
    } else if (msg->kind == MCPZ_MSG_OVERLAY_NEIGHBOUR) {
        say_answer(overlay, from, msg->overlay_neighbour.seq, false, out);
    }
}

static void on_message(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *from,
                       const struct mcpz_msg *msg, struct mcpz_outbox *out)
{
    bool walks = msg->kind == MCPZ_MSG_OVERLAY_FORWARD || msg->kind == MCPZ_MSG_OVERLAY_SHUFFLE;

    if (walks && !mcpz_active_has(overlay, from)) {
        mcpz_active_dismiss(from, false, out); /* "you are not my neighbour" */
        return;
    }
    if (msg->kind == MCPZ_MSG_OVERLAY_JOIN) {
        on_join(overlay, now, from, &msg->overlay_join, out);
    } else if (msg->kind == MCPZ_MSG_OVERLAY_FORWARD) {
        on_forward(overlay, now, from, &msg->overlay_forward, out);
    } else if (msg->kind == MCPZ_MSG_OVERLAY_NEIGHBOUR) {
        on_neighbour(overlay, now, from, &msg->overlay_neighbour, out);
    } else if (msg->kind == MCPZ_MSG_OVERLAY_ANSWER) {
        mcpz_asking_on_answer(overlay, now, from, &msg->overlay_answer, out);
    } else if (msg->kind == MCPZ_MSG_OVERLAY_DISCONNECT) {
        on_disconnect(overlay, now, from, msg->overlay_disconnect.leaving, out);
    } else if (msg->kind == MCPZ_MSG_OVERLAY_SHUFFLE) {
        mcpz_shuffle_on_walk(overlay, now, from, &msg->overlay_shuffle, out);
    } else if (msg->kind == MCPZ_MSG_PING) {
        on_ping(overlay, now, from, msg->ping.neighbour, out);
    } else {
        mcpz_shuffle_on_answer(overlay, now, &msg->overlay_shuffled, out);
    }
}

static void on_recv(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *from,
                    const struct mcpz_msg *msg, struct mcpz_outbox *out)
{
    if (!mcpz_overlay_takes(msg->kind) || mcpz_overlay_is_self(overlay, from)) {
        return;
    }
    if (overlay->leaving) {
        decline(overlay, from, msg, out);
    } else {
        on_message(overlay, now, from, msg, out);
    }
}

/* `value`, or what stands for 0. */
static mcpz_time time_or(mcpz_time value, mcpz_time otherwise)
{
    return value > 0 ? value : otherwise;
}

static size_t count_or(size_t value, size_t otherwise)
{
    return value > 0 ? value : otherwise;
}

static struct mcpz_overlay_config config_or_default(const struct mcpz_overlay_config *given)
{
    struct mcpz_overlay_config config = {
        .active_max = count_or(given->active_max, 6),
        .passive_max = count_or(given->passive_max, 30),
        .arwl = given->arwl > 0 ? given->arwl : 6,
        .prwl = given->prwl > 0 ? given->prwl : 3,
        .shuffle_active = count_or(given->shuffle_active, 3),
        .shuffle_passive = count_or(given->shuffle_passive, 4),
        .shuffle_period_us = time_or(given->shuffle_period_us, MCPZ_SECONDS(30)),
        .promote_period_us = time_or(given->promote_period_us, MCPZ_SECONDS(5)),
        .promote_max_us = time_or(given->promote_max_us, MCPZ_SECONDS(160)),
        .refusals_max = count_or(given->refusals_max, 2),
        .neighbour_timeout_us = time_or(given->neighbour_timeout_us, MCPZ_SECONDS(5)),
        .passive_age_us = time_or(given->passive_age_us, MCPZ_SECONDS(1800)),
        .far_max = given->far_max,
        .chosen_min = given->chosen_min,
        .scope = given->scope,
        .address = given->address,
        .address_bytes = given->address_bytes,
    };

    assert(config.active_max <= MCPZ_OVERLAY_ACTIVE_MAX);
    assert(config.far_max < config.active_max);
    assert(config.chosen_min < config.active_max);
    assert(config.arwl <= MCPZ_OVERLAY_WALK_MAX);
    assert(config.shuffle_active + config.shuffle_passive < MCPZ_OVERLAY_SHUFFLE_MAX);
    return config;
}

size_t mcpz_overlay_bytes(const struct mcpz_overlay_config *config)
{
    const size_t single = MCPZ_OVERLAY_ACTIVE_MAX + MCPZ_OVERLAY_ASKS_MAX + 1;
    const struct mcpz_passive_config passive = {
        .capacity = config_or_default(config).passive_max,
        .address_bytes = config->address_bytes,
    };

    return mcpz_arena_cost(single, config->address_bytes) + mcpz_passive_bytes(&passive);
}

void mcpz_overlay_init(struct mcpz_overlay *overlay, const struct mcpz_id *self,
                       const struct mcpz_overlay_config *config, struct mcpz_arena *arena,
                       uint64_t seed, mcpz_time now)
{
    const size_t address_bytes = config->address_bytes;
    char *room;

    *overlay = (struct mcpz_overlay){.self = *self, .config = config_or_default(config)};
    mcpz_rng_init(&overlay->rng, seed);
    mcpz_passive_init(&overlay->passive,
                      &(struct mcpz_passive_config){
                          .capacity = overlay->config.passive_max,
                          .far_max = config->far_max > 0 ? overlay->config.passive_max / 5 : 0,
                          .scope = config->scope,
                          .address_bytes = address_bytes,
                      },
                      arena);
    room =
        mcpz_where_room(arena, MCPZ_OVERLAY_ACTIVE_MAX + MCPZ_OVERLAY_ASKS_MAX + 1, address_bytes);
    for (size_t i = 0; i < MCPZ_OVERLAY_ACTIVE_MAX; i++) {
        overlay->active[i].where = mcpz_where_init(&room, address_bytes);
    }
    for (size_t i = 0; i < MCPZ_OVERLAY_ASKS_MAX; i++) {
        overlay->asks[i].where = mcpz_where_init(&room, address_bytes);
    }
    overlay->where = mcpz_where_init(&room, address_bytes);
    bool fits = mcpz_where_set(&overlay->where, config->scope, config->address, address_bytes);
    assert(fits);
    overlay->config.address = mcpz_where_address(&overlay->where);
    overlay->shuffle_at_us =
        now + mcpz_timing_about(&overlay->rng, overlay->config.shuffle_period_us);
    overlay->promote_at_us =
        now + mcpz_timing_about(&overlay->rng, overlay->config.promote_period_us);
    overlay->promote_wait_us = overlay->config.promote_period_us;
    overlay->refusals_left = overlay->config.refusals_max;
    overlay->press_wait_us = overlay->config.promote_period_us;
}

void mcpz_overlay_step(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_event *event,
                       struct mcpz_outbox *out)
{
    if (event->kind == MCPZ_EVENT_RECV) {
        on_recv(overlay, now, &event->recv.from, event->recv.msg, out);
    } else if (event->kind == MCPZ_EVENT_CONTACT) {
        on_contact(overlay, now, &event->link.peer, out);
    } else if (event->kind == MCPZ_EVENT_LINK_UP) {
        mcpz_asking_on_link_up(overlay, now, &event->link.peer, out);
    } else if (event->kind == MCPZ_EVENT_UNREACHABLE) {
        mcpz_asking_on_silence(overlay, now, &event->link.peer, out);
    } else if (event->kind == MCPZ_EVENT_LINK_DOWN) {
        on_link_down(overlay, now, &event->link.peer, event->link.reason, out);
    } else if (event->kind == MCPZ_EVENT_LEAVE) {
        on_leave(overlay, out);
    } else if (event->kind == MCPZ_EVENT_TICK) {
        on_tick(overlay, now, out);
    }

    assert(overlay->active_count <= overlay->config.active_max);
    assert(overlay->ask_count <= MCPZ_OVERLAY_ASKS_MAX);
}

mcpz_time mcpz_overlay_deadline(const struct mcpz_overlay *overlay)
{
    mcpz_time at = overlay->leaving ? MCPZ_TIME_NEVER : overlay->shuffle_at_us;

    if (!overlay->leaving) {
        at = mcpz_time_min(at, overlay->promote_at_us);
    }
    for (size_t i = 0; i < overlay->ask_count; i++) {
        at = mcpz_time_min(at, overlay->asks[i].until_us);
    }
    return at;
}

bool mcpz_overlay_is_neighbour(const struct mcpz_overlay *overlay, const struct mcpz_id *peer)
{
    return mcpz_active_has(overlay, peer);
}

bool mcpz_overlay_wants(const struct mcpz_overlay *overlay, const struct mcpz_id *peer)
{
    bool wanted = mcpz_active_has(overlay, peer);

    for (size_t i = 0; i < overlay->ask_count && !wanted; i++) {
        wanted = mcpz_id_equal(&overlay->asks[i].peer, peer);
    }
    return wanted;
}
