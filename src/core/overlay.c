#include "core/overlay.h"

#include <assert.h>

static_assert(MCPZ_OVERLAY_ACTIVE_MAX + MCPZ_OVERLAY_ASKS_MAX < MCPZ_OUTBOX_MAX / 4,
              "a step speaks to each neighbour a few times at most");

/* ---- Saying ------------------------------------------------------------------------------- */

static void tell(enum mcpz_fact_kind kind, const struct mcpz_id *about, uint32_t reason,
                 struct mcpz_outbox *out)
{
    mcpz_outbox_fact(out, &(struct mcpz_fact){.kind = kind, .about = *about, .reason = reason});
}

static void say_disconnect(const struct mcpz_id *to, bool leaving, struct mcpz_outbox *out)
{
    struct mcpz_msg msg = {.kind = MCPZ_MSG_OVERLAY_DISCONNECT, .overlay_disconnect = {leaving}};
    mcpz_outbox_send(out, to, &msg);
}

static void say_answer(const struct mcpz_id *to, uint32_t seq, bool accepted,
                       struct mcpz_outbox *out)
{
    struct mcpz_msg msg = {
        .kind = MCPZ_MSG_OVERLAY_ANSWER,
        .overlay_answer = {.seq = seq, .accepted = accepted},
    };
    mcpz_outbox_send(out, to, &msg);
}

static const struct mcpz_overlay_entry *keep(const struct mcpz_overlay_entry *entries,
                                             size_t count, struct mcpz_outbox *out)
{
    return (const struct mcpz_overlay_entry *)mcpz_outbox_keep(
               out, mcpz_bytes(entries, count * sizeof(*entries)))
        .data;
}

static void say_shuffled(const struct mcpz_overlay_reply *reply, struct mcpz_outbox *out)
{
    struct mcpz_msg msg = {
        .kind = MCPZ_MSG_OVERLAY_SHUFFLED,
        .overlay_shuffled = {.seq = reply->seq,
                             .entries = keep(reply->entries, reply->entry_count, out),
                             .entry_count = reply->entry_count},
    };
    mcpz_outbox_send(out, &reply->peer, &msg);
}

static uint32_t take_seq(struct mcpz_overlay *overlay)
{
    overlay->next_seq = overlay->next_seq < UINT32_MAX ? overlay->next_seq + 1 : 1;
    return overlay->next_seq;
}

/* ---- The active view ---------------------------------------------------------------------- */

static size_t find_active(const struct mcpz_overlay *overlay, const struct mcpz_id *id)
{
    size_t at = 0;
    while (at < overlay->active_count && !mcpz_id_equal(&overlay->active[at], id)) {
        at++;
    }
    return at;
}

static bool is_active(const struct mcpz_overlay *overlay, const struct mcpz_id *id)
{
    return find_active(overlay, id) < overlay->active_count;
}

static bool is_self(const struct mcpz_overlay *overlay, const struct mcpz_id *id)
{
    return mcpz_id_equal(&overlay->self, id);
}

static bool is_full(const struct mcpz_overlay *overlay)
{
    return overlay->active_count == overlay->config.active_max;
}

/* A neighbour at random, but neither of two. NULL: there is no other. */
static const struct mcpz_id *pick_active(struct mcpz_overlay *overlay, const struct mcpz_id *not1,
                                         const struct mcpz_id *not2)
{
    const struct mcpz_id *fit[MCPZ_OVERLAY_ACTIVE_MAX];
    uint32_t count = 0;

    for (size_t i = 0; i < overlay->active_count; i++) {
        const struct mcpz_id *id = &overlay->active[i];
        if (!mcpz_id_equal(id, not1) && !mcpz_id_equal(id, not2)) {
            fit[count++] = id;
        }
    }
    return count > 0 ? fit[mcpz_rng_below(&overlay->rng, count)] : NULL;
}

/* The passive view never holds ourselves or a neighbour. */
static void keep_passive(struct mcpz_overlay *overlay, const struct mcpz_id *id,
                         mcpz_time heard_us)
{
    if (!is_self(overlay, id) && !is_active(overlay, id)) {
        mcpz_passive_add(&overlay->passive, id, heard_us, &overlay->rng);
    }
}

static void remove_active(struct mcpz_overlay *overlay, const struct mcpz_id *id,
                          enum mcpz_neighbour_down_reason reason, struct mcpz_outbox *out)
{
    const struct mcpz_id gone = *id; /* it may point into the view */
    size_t at = find_active(overlay, &gone);

    assert(at < overlay->active_count);
    overlay->active[at] = overlay->active[--overlay->active_count];
    tell(MCPZ_FACT_NEIGHBOUR_DOWN, &gone, reason, out);
}

static struct mcpz_overlay_ask *find_ask(struct mcpz_overlay *overlay, const struct mcpz_id *peer)
{
    for (size_t i = 0; i < overlay->ask_count; i++) {
        if (mcpz_id_equal(&overlay->asks[i].peer, peer)) {
            return &overlay->asks[i];
        }
    }
    return NULL;
}

static void drop_ask(struct mcpz_overlay *overlay, struct mcpz_overlay_ask *ask)
{
    *ask = overlay->asks[--overlay->ask_count];
}

/* dropRandomElementFromActiveView, section 4.2. */
static void evict(struct mcpz_overlay *overlay, mcpz_time now, struct mcpz_outbox *out)
{
    const struct mcpz_id gone =
        overlay->active[mcpz_rng_below(&overlay->rng, (uint32_t)overlay->active_count)];

    /* If we also asked it, its yes must not bring it back: it hears our DISCONNECT after it. */
    struct mcpz_overlay_ask *ask = find_ask(overlay, &gone);
    if (ask != NULL) {
        drop_ask(overlay, ask);
    }
    say_disconnect(&gone, false, out);
    remove_active(overlay, &gone, MCPZ_NEIGHBOUR_EVICTED, out);
    keep_passive(overlay, &gone, now);
}

static void add_active(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *id,
                       struct mcpz_outbox *out)
{
    assert(!is_self(overlay, id));
    assert(!is_active(overlay, id));

    if (is_full(overlay)) {
        evict(overlay, now, out);
    }
    mcpz_passive_remove(&overlay->passive, id);
    overlay->active[overlay->active_count++] = *id;
    tell(MCPZ_FACT_NEIGHBOUR_UP, id, 0, out);
}

/* ---- Asking ------------------------------------------------------------------------------- */

/* False: it is asked already, or there is no room to ask. */
static bool ask(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *peer,
                enum mcpz_overlay_why why, struct mcpz_outbox *out)
{
    if (find_ask(overlay, peer) != NULL) {
        return false;
    }
    if (overlay->ask_count == MCPZ_OVERLAY_ASKS_MAX) {
        overlay->dropped++;
        return false;
    }
    overlay->asks[overlay->ask_count++] = (struct mcpz_overlay_ask){
        .peer = *peer,
        .why = why,
        .seq = take_seq(overlay),
        .until_us = now + overlay->config.neighbour_timeout_us,
    };
    mcpz_outbox_append(out, MCPZ_ACTION_REACH)->reach.peer = *peer;
    return true;
}

static bool is_repairing(const struct mcpz_overlay *overlay)
{
    for (size_t i = 0; i < overlay->ask_count; i++) {
        if (overlay->asks[i].why == MCPZ_OVERLAY_REPAIRS) {
            return true;
        }
    }
    return false;
}

/* One candidate at a time, each once a round: section 4.3. */
static void repair(struct mcpz_overlay *overlay, mcpz_time now, struct mcpz_outbox *out)
{
    struct mcpz_id candidate;

    if (overlay->leaving || is_full(overlay) || is_repairing(overlay)) {
        return;
    }
    while (overlay->ask_count < MCPZ_OVERLAY_ASKS_MAX &&
           mcpz_passive_try(&overlay->passive, &overlay->rng, &candidate) &&
           !ask(overlay, now, &candidate, MCPZ_OVERLAY_REPAIRS, out)) {
        /* It is being asked for another reason. */
    }
}

static void begin_repair(struct mcpz_overlay *overlay, mcpz_time now, bool modest,
                         struct mcpz_outbox *out)
{
    if (!is_repairing(overlay)) {
        overlay->modest = modest;
        mcpz_passive_begin_round(&overlay->passive);
        repair(overlay, now, out);
    }
}

/* Who cannot be reached is no candidate for anything. */
static void on_silence(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *peer,
                       struct mcpz_outbox *out)
{
    struct mcpz_overlay_ask *lost = find_ask(overlay, peer);
    if (lost == NULL) {
        return;
    }
    mcpz_passive_remove(&overlay->passive, peer);
    drop_ask(overlay, lost);
    repair(overlay, now, out);
}

static void drop_replies(struct mcpz_overlay *overlay, const struct mcpz_id *peer)
{
    for (size_t i = overlay->reply_count; i > 0; i--) {
        if (mcpz_id_equal(&overlay->replies[i - 1].peer, peer)) {
            overlay->replies[i - 1] = overlay->replies[--overlay->reply_count];
        }
    }
}

/* ---- Links -------------------------------------------------------------------------------- */

static void on_contact(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *peer,
                       struct mcpz_outbox *out)
{
    if (!overlay->leaving && !is_self(overlay, peer) && !is_active(overlay, peer)) {
        (void)ask(overlay, now, peer, MCPZ_OVERLAY_JOINS, out);
    }
}

static void on_link_up(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *peer,
                       struct mcpz_outbox *out)
{
    for (size_t i = 0; i < overlay->reply_count; i++) {
        if (mcpz_id_equal(&overlay->replies[i].peer, peer)) {
            say_shuffled(&overlay->replies[i], out);
        }
    }
    drop_replies(overlay, peer);

    struct mcpz_overlay_ask *waiting = find_ask(overlay, peer);
    if (waiting == NULL || waiting->sent) {
        return;
    }
    waiting->sent = true;
    waiting->until_us = now + overlay->config.neighbour_timeout_us;
    struct mcpz_msg msg = {
        .kind = MCPZ_MSG_OVERLAY_JOIN,
        .overlay_join = {waiting->seq},
    };
    if (waiting->why != MCPZ_OVERLAY_JOINS) {
        bool walked = waiting->why == MCPZ_OVERLAY_WALKED;
        msg = (struct mcpz_msg){
            .kind = MCPZ_MSG_OVERLAY_NEIGHBOUR,
            .overlay_neighbour = {.seq = waiting->seq,
                                  .high =
                                      walked || (overlay->active_count == 0 && !overlay->modest)},
        };
    }
    mcpz_outbox_send(out, peer, &msg);
}

static void on_unreachable(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *peer,
                           struct mcpz_outbox *out)
{
    drop_replies(overlay, peer);
    on_silence(overlay, now, peer, out);
}

static void on_link_down(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *peer,
                         enum mcpz_link_down_reason reason, struct mcpz_outbox *out)
{
    drop_replies(overlay, peer);
    if (is_active(overlay, peer)) {
        remove_active(overlay, peer, MCPZ_NEIGHBOUR_LOST, out);
        if (reason == MCPZ_DOWN_FULL) { /* it had no room for us, but it is there */
            keep_passive(overlay, peer, now);
        }
        begin_repair(overlay, now, false, out);
    }
    on_silence(overlay, now, peer, out);
}

/* ---- Joining: section 4.2 ----------------------------------------------------------------- */

static void on_join(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *from,
                    uint32_t seq, struct mcpz_outbox *out)
{
    if (is_active(overlay, from)) {
        say_answer(from, seq, true, out);
        return;
    }
    add_active(overlay, now, from, out);
    say_answer(from, seq, true, out);
    struct mcpz_msg forward = {
        .kind = MCPZ_MSG_OVERLAY_FORWARD,
        .overlay_forward = {.joiner = *from, .ttl = overlay->config.arwl},
    };
    for (size_t i = 0; i < overlay->active_count; i++) {
        if (!mcpz_id_equal(&overlay->active[i], from)) {
            mcpz_outbox_send(out, &overlay->active[i], &forward);
        }
    }
}

static void on_forward(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *from,
                       const struct mcpz_msg_overlay_forward *walk, struct mcpz_outbox *out)
{
    const struct mcpz_id *joiner = &walk->joiner;
    const uint32_t ttl = walk->ttl < overlay->config.arwl ? walk->ttl : overlay->config.arwl;

    if (is_self(overlay, joiner)) {
        return;
    }
    const struct mcpz_id *next = pick_active(overlay, from, joiner);
    if (ttl == 0 || overlay->active_count <= 1 || next == NULL) {
        if (!is_active(overlay, joiner) && !ask(overlay, now, joiner, MCPZ_OVERLAY_WALKED, out)) {
            keep_passive(overlay, joiner, now);
        }
        return;
    }
    if (ttl == overlay->config.prwl) {
        keep_passive(overlay, joiner, now);
    }
    struct mcpz_msg msg = {
        .kind = MCPZ_MSG_OVERLAY_FORWARD,
        .overlay_forward = {.joiner = *joiner, .ttl = ttl - 1},
    };
    mcpz_outbox_send(out, next, &msg);
}

/* ---- Neighbours: section 4.3 -------------------------------------------------------------- */

static void on_neighbour(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *from,
                         const struct mcpz_msg_overlay_neighbour *wish, struct mcpz_outbox *out)
{
    bool accepted = is_active(overlay, from) || wish->high || !is_full(overlay);

    if (accepted && !is_active(overlay, from)) {
        add_active(overlay, now, from, out);
    }
    say_answer(from, wish->seq, accepted, out);
}

static void on_answer(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *from,
                      const struct mcpz_msg_overlay_answer *answer, struct mcpz_outbox *out)
{
    struct mcpz_overlay_ask *asked = find_ask(overlay, from);

    if (asked == NULL || asked->seq != answer->seq) {
        /* Too late. If we asked again, the answer to that counts; else it must not hold us. */
        if (answer->accepted && asked == NULL && !is_active(overlay, from)) {
            say_disconnect(from, false, out);
        }
        return;
    }
    bool for_repair = asked->why == MCPZ_OVERLAY_REPAIRS;
    drop_ask(overlay, asked);
    if (answer->accepted && !is_active(overlay, from)) {
        if (for_repair && is_full(overlay)) {
            say_disconnect(from, false, out);
        } else {
            add_active(overlay, now, from, out);
        }
    }
    if (for_repair) {
        repair(overlay, now, out);
    }
}

static void on_disconnect(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *from,
                          bool leaving, struct mcpz_outbox *out)
{
    bool was_active = is_active(overlay, from);

    if (was_active) {
        remove_active(overlay, from, leaving ? MCPZ_NEIGHBOUR_LEAVING : MCPZ_NEIGHBOUR_DROPPED,
                      out);
        keep_passive(overlay, from, now);
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
        begin_repair(overlay, now, true, out);
    }
}

/* ---- Shuffling: section 4.4 --------------------------------------------------------------- */

/* Take in what a shuffle brought, at the cost of what we gave for it, then of anybody. */
static void integrate(struct mcpz_overlay *overlay, mcpz_time now,
                      const struct mcpz_overlay_entry *entry,
                      const struct mcpz_overlay_entry *given, size_t given_count)
{
    struct mcpz_passive *passive = &overlay->passive;
    mcpz_time age_us = MCPZ_SECONDS(entry->age_s);

    if (age_us > overlay->config.passive_age_us || is_self(overlay, &entry->id) ||
        is_active(overlay, &entry->id)) {
        return;
    }
    bool is_new = !mcpz_passive_has(passive, &entry->id);
    for (size_t i = 0; i < given_count && is_new && passive->count == passive->capacity; i++) {
        mcpz_passive_remove(passive, &given[i].id);
    }
    mcpz_passive_add(passive, &entry->id, now > age_us ? now - age_us : 0, &overlay->rng);
}

static void integrate_all(struct mcpz_overlay *overlay, mcpz_time now,
                          const struct mcpz_overlay_entry *entries, size_t count,
                          const struct mcpz_overlay_reply *given)
{
    for (size_t i = 0; i < count; i++) {
        integrate(overlay, now, &entries[i], given->entries, given->entry_count);
    }
}

static void reply_to_shuffle(struct mcpz_overlay *overlay, mcpz_time now,
                             const struct mcpz_msg_overlay_shuffle *shuffle,
                             struct mcpz_outbox *out)
{
    struct mcpz_overlay_reply reply = {
        .peer = shuffle->origin,
        .seq = shuffle->seq,
        .until_us = now + overlay->config.neighbour_timeout_us,
    };
    size_t wanted = shuffle->entry_count + 1;
    if (wanted > MCPZ_OVERLAY_SHUFFLE_MAX) {
        wanted = MCPZ_OVERLAY_SHUFFLE_MAX;
    }
    reply.entry_count =
        mcpz_passive_sample(&overlay->passive, now, &overlay->rng, reply.entries, wanted);

    if (is_active(overlay, &reply.peer)) {
        say_shuffled(&reply, out);
    } else if (overlay->reply_count < MCPZ_OVERLAY_REPLIES_MAX) {
        overlay->replies[overlay->reply_count++] = reply;
        mcpz_outbox_append(out, MCPZ_ACTION_REACH)->reach.peer = reply.peer;
    } else {
        overlay->dropped++;
    }
    integrate_all(overlay, now, shuffle->entries, shuffle->entry_count, &reply);
    struct mcpz_overlay_entry origin = {.id = shuffle->origin};
    integrate_all(overlay, now, &origin, 1, &reply);
}

static void on_shuffle(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *from,
                       const struct mcpz_msg_overlay_shuffle *shuffle, struct mcpz_outbox *out)
{
    const uint32_t ttl = shuffle->ttl < overlay->config.arwl ? shuffle->ttl : overlay->config.arwl;

    if (is_self(overlay, &shuffle->origin)) {
        return;
    }
    const struct mcpz_id *next = pick_active(overlay, from, &shuffle->origin);
    if (ttl <= 1 || next == NULL) {
        reply_to_shuffle(overlay, now, shuffle, out);
        return;
    }
    struct mcpz_msg msg = {.kind = MCPZ_MSG_OVERLAY_SHUFFLE, .overlay_shuffle = *shuffle};
    msg.overlay_shuffle.ttl = ttl - 1;
    mcpz_outbox_send(out, next, &msg);
}

static void on_shuffled(struct mcpz_overlay *overlay, mcpz_time now,
                        const struct mcpz_msg_overlay_shuffled *answer)
{
    if (overlay->shuffle_seq == 0 || answer->seq != overlay->shuffle_seq) {
        return; /* not asked for, or too late */
    }
    struct mcpz_overlay_reply given = {.entry_count = overlay->shuffled_count};
    memcpy(given.entries, overlay->shuffled, sizeof(given.entries));
    overlay->shuffle_seq = 0;
    integrate_all(overlay, now, answer->entries, answer->entry_count, &given);
}

static size_t sample_active(struct mcpz_overlay *overlay, const struct mcpz_id *except,
                            struct mcpz_overlay_entry *entries)
{
    size_t start = mcpz_rng_below(&overlay->rng, (uint32_t)overlay->active_count);
    size_t count = 0;

    /* The view is in no order, so a run of it is as good as a sample. */
    for (size_t i = 0; i < overlay->active_count && count < overlay->config.shuffle_active; i++) {
        const struct mcpz_id *id = &overlay->active[(start + i) % overlay->active_count];
        if (!mcpz_id_equal(id, except)) {
            entries[count++] = (struct mcpz_overlay_entry){.id = *id};
        }
    }
    return count;
}

static void shuffle(struct mcpz_overlay *overlay, mcpz_time now, struct mcpz_outbox *out)
{
    const mcpz_time age_us = overlay->config.passive_age_us;

    mcpz_passive_expire(&overlay->passive, now > age_us ? now - age_us : 0);
    overlay->shuffle_seq = 0;
    if (overlay->active_count == 0) {
        return;
    }
    const struct mcpz_id to = *pick_active(overlay, &overlay->self, &overlay->self);
    size_t count = sample_active(overlay, &to, overlay->shuffled);
    count += mcpz_passive_sample(&overlay->passive, now, &overlay->rng, overlay->shuffled + count,
                                 overlay->config.shuffle_passive);
    overlay->shuffled_count = count;
    overlay->shuffle_seq = take_seq(overlay);
    struct mcpz_msg msg = {
        .kind = MCPZ_MSG_OVERLAY_SHUFFLE,
        .overlay_shuffle = {.origin = overlay->self,
                            .seq = overlay->shuffle_seq,
                            .ttl = overlay->config.arwl,
                            .entries = keep(overlay->shuffled, count, out),
                            .entry_count = count},
    };
    mcpz_outbox_send(out, &to, &msg);
}

/* ---- Time --------------------------------------------------------------------------------- */

/* Four to six fifths of a period, so that nodes started together drift apart. */
static mcpz_time about(struct mcpz_overlay *overlay, mcpz_time period_us)
{
    const uint32_t steps = 1000;
    return period_us * 4 / 5 +
           period_us * 2 / 5 * mcpz_rng_below(&overlay->rng, steps + 1) / steps;
}

static void on_tick(struct mcpz_overlay *overlay, mcpz_time now, struct mcpz_outbox *out)
{
    for (size_t i = overlay->reply_count; i > 0; i--) {
        if (overlay->replies[i - 1].until_us <= now) {
            overlay->replies[i - 1] = overlay->replies[--overlay->reply_count];
        }
    }
    for (size_t i = overlay->ask_count; i > 0; i--) {
        /* A repair begun in its place has its time before it. */
        if (overlay->asks[i - 1].until_us <= now) {
            const struct mcpz_id silent = overlay->asks[i - 1].peer;
            on_silence(overlay, now, &silent, out);
        }
    }
    if (overlay->leaving) {
        return;
    }
    if (overlay->shuffle_at_us <= now) {
        overlay->shuffle_at_us = now + about(overlay, overlay->config.shuffle_period_us);
        shuffle(overlay, now, out);
    }
    if (overlay->promote_at_us <= now) {
        overlay->promote_at_us = now + about(overlay, overlay->config.promote_period_us);
        begin_repair(overlay, now, false, out);
    }
}

static void on_leave(struct mcpz_overlay *overlay, struct mcpz_outbox *out)
{
    overlay->leaving = true;
    overlay->ask_count = 0;
    overlay->reply_count = 0;
    while (overlay->active_count > 0) {
        say_disconnect(&overlay->active[0], true, out);
        remove_active(overlay, &overlay->active[0], MCPZ_NEIGHBOUR_LEAVING, out);
    }
}

/* ---- The machine -------------------------------------------------------------------------- */

static bool is_ours(enum mcpz_msg_kind kind)
{
    return kind >= MCPZ_MSG_OVERLAY_JOIN && kind <= MCPZ_MSG_OVERLAY_SHUFFLED;
}

/* Who leaves says no to everybody, and takes no part. */
static void decline(const struct mcpz_id *from, const struct mcpz_msg *msg,
                    struct mcpz_outbox *out)
{
    if (msg->kind != MCPZ_MSG_OVERLAY_DISCONNECT) {
        say_disconnect(from, true, out);
    }
    if (msg->kind == MCPZ_MSG_OVERLAY_JOIN) {
        say_answer(from, msg->overlay_join.seq, false, out);
    } else if (msg->kind == MCPZ_MSG_OVERLAY_NEIGHBOUR) {
        say_answer(from, msg->overlay_neighbour.seq, false, out);
    }
}

static void on_message(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *from,
                       const struct mcpz_msg *msg, struct mcpz_outbox *out)
{
    bool walks = msg->kind == MCPZ_MSG_OVERLAY_FORWARD || msg->kind == MCPZ_MSG_OVERLAY_SHUFFLE;

    if (walks && !is_active(overlay, from)) {
        say_disconnect(from, false, out); /* "you are not my neighbour" */
        return;
    }
    if (msg->kind == MCPZ_MSG_OVERLAY_JOIN) {
        on_join(overlay, now, from, msg->overlay_join.seq, out);
    } else if (msg->kind == MCPZ_MSG_OVERLAY_FORWARD) {
        on_forward(overlay, now, from, &msg->overlay_forward, out);
    } else if (msg->kind == MCPZ_MSG_OVERLAY_NEIGHBOUR) {
        on_neighbour(overlay, now, from, &msg->overlay_neighbour, out);
    } else if (msg->kind == MCPZ_MSG_OVERLAY_ANSWER) {
        on_answer(overlay, now, from, &msg->overlay_answer, out);
    } else if (msg->kind == MCPZ_MSG_OVERLAY_DISCONNECT) {
        on_disconnect(overlay, now, from, msg->overlay_disconnect.leaving, out);
    } else if (msg->kind == MCPZ_MSG_OVERLAY_SHUFFLE) {
        on_shuffle(overlay, now, from, &msg->overlay_shuffle, out);
    } else {
        on_shuffled(overlay, now, &msg->overlay_shuffled);
    }
}

static void on_recv(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *from,
                    const struct mcpz_msg *msg, struct mcpz_outbox *out)
{
    if (!is_ours(msg->kind) || is_self(overlay, from)) {
        return;
    }
    if (overlay->leaving) {
        decline(from, msg, out);
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
        .neighbour_timeout_us = time_or(given->neighbour_timeout_us, MCPZ_SECONDS(5)),
        .passive_age_us = time_or(given->passive_age_us, MCPZ_SECONDS(1800)),
    };

    assert(config.active_max <= MCPZ_OVERLAY_ACTIVE_MAX);
    assert(config.arwl <= MCPZ_OVERLAY_WALK_MAX);
    assert(config.shuffle_active + config.shuffle_passive <= MCPZ_OVERLAY_SHUFFLE_MAX);
    return config;
}

void mcpz_overlay_init(struct mcpz_overlay *overlay, const struct mcpz_id *self,
                       const struct mcpz_overlay_config *config, uint64_t seed, mcpz_time now)
{
    *overlay = (struct mcpz_overlay){.self = *self, .config = config_or_default(config)};
    mcpz_rng_init(&overlay->rng, seed);
    mcpz_passive_init(&overlay->passive, overlay->config.passive_max);
    overlay->shuffle_at_us = now + about(overlay, overlay->config.shuffle_period_us);
    overlay->promote_at_us = now + about(overlay, overlay->config.promote_period_us);
}

void mcpz_overlay_step(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_event *event,
                       struct mcpz_outbox *out)
{
    if (event->kind == MCPZ_EVENT_RECV) {
        on_recv(overlay, now, &event->recv.from, event->recv.msg, out);
    } else if (event->kind == MCPZ_EVENT_CONTACT) {
        on_contact(overlay, now, &event->link.peer, out);
    } else if (event->kind == MCPZ_EVENT_LINK_UP) {
        on_link_up(overlay, now, &event->link.peer, out);
    } else if (event->kind == MCPZ_EVENT_UNREACHABLE) {
        on_unreachable(overlay, now, &event->link.peer, out);
    } else if (event->kind == MCPZ_EVENT_LINK_DOWN) {
        on_link_down(overlay, now, &event->link.peer, event->link.reason, out);
    } else if (event->kind == MCPZ_EVENT_LEAVE) {
        on_leave(overlay, out);
    } else if (event->kind == MCPZ_EVENT_TICK) {
        on_tick(overlay, now, out);
    }

    assert(overlay->active_count <= overlay->config.active_max);
    assert(overlay->ask_count <= MCPZ_OVERLAY_ASKS_MAX);
    assert(overlay->reply_count <= MCPZ_OVERLAY_REPLIES_MAX);
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
    for (size_t i = 0; i < overlay->reply_count; i++) {
        at = mcpz_time_min(at, overlay->replies[i].until_us);
    }
    return at;
}

bool mcpz_overlay_is_neighbour(const struct mcpz_overlay *overlay, const struct mcpz_id *peer)
{
    return is_active(overlay, peer);
}

bool mcpz_overlay_wants(const struct mcpz_overlay *overlay, const struct mcpz_id *peer)
{
    bool wanted = is_active(overlay, peer);

    for (size_t i = 0; i < overlay->ask_count && !wanted; i++) {
        wanted = mcpz_id_equal(&overlay->asks[i].peer, peer);
    }
    for (size_t i = 0; i < overlay->reply_count && !wanted; i++) {
        wanted = mcpz_id_equal(&overlay->replies[i].peer, peer);
    }
    return wanted;
}
