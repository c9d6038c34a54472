#include "core/overlay.h"

#include <assert.h>

#include "core/timing.h"

#define CONTRADICTED_MAX 2

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

/* Entries as they go into a message: addresses in the views do not last. */
static const struct mcpz_overlay_entry *keep(const struct mcpz_overlay_entry *entries,
                                             size_t count, struct mcpz_outbox *out)
{
    struct mcpz_overlay_entry *kept = mcpz_arena_take(&out->arena, count, sizeof(*kept));

    assert(kept != NULL);
    for (size_t i = 0; i < count; i++) {
        kept[i] = entries[i];
        kept[i].address = mcpz_outbox_keep(out, entries[i].address);
    }
    return kept;
}

/* `path` with `more` at its end. */
static const struct mcpz_short *extend(const struct mcpz_short *path, size_t count,
                                       struct mcpz_short more, struct mcpz_outbox *out)
{
    struct mcpz_short *longer = mcpz_arena_take(&out->arena, count + 1, sizeof(*longer));

    assert(longer != NULL);
    if (count > 0) {
        memcpy(longer, path, count * sizeof(*path));
    }
    longer[count] = more;
    return longer;
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
    while (at < overlay->active_count && !mcpz_id_equal(&overlay->active[at].id, id)) {
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

static bool is_far(const struct mcpz_overlay *overlay, uint32_t scope)
{
    return overlay->config.far_max > 0 && scope != overlay->where.scope;
}

/* Neighbours of one kind, and how many there may be. */
static size_t count_kind(const struct mcpz_overlay *overlay, bool far)
{
    size_t count = 0;

    for (size_t i = 0; i < overlay->active_count; i++) {
        count += is_far(overlay, overlay->active[i].where.scope) == far;
    }
    return count;
}

static size_t kind_max(const struct mcpz_overlay *overlay, bool far)
{
    return far ? overlay->config.far_max : overlay->config.active_max - overlay->config.far_max;
}

static bool is_full(const struct mcpz_overlay *overlay, uint32_t scope)
{
    bool far = is_far(overlay, scope);
    return count_kind(overlay, far) == kind_max(overlay, far);
}

/* Nobody is left of those it takes to be one of our scope: who is far is not enough for that. */
static bool is_alone(const struct mcpz_overlay *overlay)
{
    return count_kind(overlay, false) == 0;
}

static bool is_complete(const struct mcpz_overlay *overlay)
{
    return overlay->active_count == overlay->config.active_max;
}

static size_t count_chosen(const struct mcpz_overlay *overlay)
{
    size_t count = 0;

    for (size_t i = 0; i < overlay->active_count; i++) {
        count += overlay->active[i].chosen;
    }
    return count;
}

/* A neighbour at random, but neither of two. NULL: there is no other. */
static const struct mcpz_id *pick_active(struct mcpz_overlay *overlay, const struct mcpz_id *not1,
                                         const struct mcpz_id *not2)
{
    const struct mcpz_id *fit[MCPZ_OVERLAY_ACTIVE_MAX];
    uint32_t count = 0;

    for (size_t i = 0; i < overlay->active_count; i++) {
        const struct mcpz_id *id = &overlay->active[i].id;
        if (!mcpz_id_equal(id, not1) && !mcpz_id_equal(id, not2)) {
            fit[count++] = id;
        }
    }
    return count > 0 ? fit[mcpz_rng_below(&overlay->rng, count)] : NULL;
}

/* The same, and one of the scope that a walk is for if there is one. */
static const struct mcpz_id *pick_towards(struct mcpz_overlay *overlay, uint32_t scope,
                                          const struct mcpz_id *not1, const struct mcpz_id *not2)
{
    const struct mcpz_id *fit[MCPZ_OVERLAY_ACTIVE_MAX];
    uint32_t count = 0;

    for (size_t i = 0; i < overlay->active_count; i++) {
        const struct mcpz_overlay_neighbour *one = &overlay->active[i];
        if (one->where.scope == scope && !mcpz_id_equal(&one->id, not1) &&
            !mcpz_id_equal(&one->id, not2)) {
            fit[count++] = &one->id;
        }
    }
    return count > 0 ? fit[mcpz_rng_below(&overlay->rng, count)]
                     : pick_active(overlay, not1, not2);
}

/* The passive view never holds ourselves or a neighbour. */
static void keep_passive(struct mcpz_overlay *overlay, mcpz_time now,
                         const struct mcpz_overlay_entry *entry)
{
    if (!is_self(overlay, &entry->id) && !is_active(overlay, &entry->id)) {
        mcpz_passive_add(&overlay->passive, entry, now, &overlay->rng);
    }
}

static struct mcpz_overlay_entry entry_of(const struct mcpz_overlay_neighbour *one)
{
    return (struct mcpz_overlay_entry){
        .id = one->id,
        .scope = one->where.scope,
        .address = mcpz_where_address(&one->where),
    };
}

static void drop_active(struct mcpz_overlay *overlay, size_t at,
                        enum mcpz_neighbour_down_reason reason, struct mcpz_outbox *out)
{
    assert(at < overlay->active_count);

    const struct mcpz_overlay_neighbour gone = overlay->active[at];
    overlay->active[at] = overlay->active[--overlay->active_count];
    overlay->active[overlay->active_count] = gone; /* for the room of its address */
    overlay->promote_wait_us = overlay->config.promote_period_us;
    tell(MCPZ_FACT_NEIGHBOUR_DOWN, &gone.id, reason, out);
}

/* It is no neighbour any more, but a candidate. */
static void retire(struct mcpz_overlay *overlay, mcpz_time now, size_t at,
                   enum mcpz_neighbour_down_reason reason, struct mcpz_outbox *out)
{
    drop_active(overlay, at, reason, out);
    const struct mcpz_overlay_entry entry = entry_of(&overlay->active[overlay->active_count]);
    keep_passive(overlay, now, &entry);
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
    const struct mcpz_overlay_ask gone = *ask;
    *ask = overlay->asks[--overlay->ask_count];
    overlay->asks[overlay->ask_count] = gone; /* for the room of its address */
}

/* May this one be evicted for another of the same kind? */
static bool is_expendable(const struct mcpz_overlay *overlay, size_t at, bool far)
{
    const struct mcpz_overlay_neighbour *one = &overlay->active[at];
    bool spared = one->chosen && count_chosen(overlay) <= overlay->config.chosen_min;

    return is_far(overlay, one->where.scope) == far && !spared;
}

/* dropRandomElementFromActiveView, section 4.2. */
static void evict(struct mcpz_overlay *overlay, mcpz_time now, bool far, struct mcpz_outbox *out)
{
    size_t fit[MCPZ_OVERLAY_ACTIVE_MAX];
    uint32_t count = 0;

    for (size_t i = 0; i < overlay->active_count; i++) {
        if (is_expendable(overlay, i, far)) {
            fit[count++] = i;
        }
    }
    for (size_t i = 0; i < overlay->active_count && count == 0; i++) {
        if (is_far(overlay, overlay->active[i].where.scope) == far) {
            fit[count++] = i; /* all are chosen: then one of those */
        }
    }
    assert(count > 0);
    size_t at = fit[mcpz_rng_below(&overlay->rng, count)];
    const struct mcpz_id gone = overlay->active[at].id;

    /* If we also asked it, its yes must not bring it back: it hears our DISCONNECT after it. */
    struct mcpz_overlay_ask *ask = find_ask(overlay, &gone);
    if (ask != NULL) {
        drop_ask(overlay, ask);
    }
    say_disconnect(&gone, false, out);
    retire(overlay, now, at, MCPZ_NEIGHBOUR_EVICTED, out);
}

static void add_active(struct mcpz_overlay *overlay, mcpz_time now,
                       const struct mcpz_overlay_entry *entry, bool chosen,
                       struct mcpz_outbox *out)
{
    const size_t address_bytes = overlay->config.address_bytes;

    assert(!is_self(overlay, &entry->id));
    assert(!is_active(overlay, &entry->id));

    if (is_full(overlay, entry->scope)) {
        evict(overlay, now, is_far(overlay, entry->scope), out);
    }
    struct mcpz_overlay_neighbour *added = &overlay->active[overlay->active_count];
    if (!mcpz_where_set(&added->where, entry->scope, entry->address, address_bytes)) {
        (void)mcpz_where_set(&added->where, entry->scope, mcpz_bytes(NULL, 0), address_bytes);
    }
    added->id = entry->id;
    added->since_us = now;
    added->tried = false;
    added->chosen = chosen;
    added->contradicted = 0;
    overlay->active_count++;
    mcpz_passive_remove(&overlay->passive, &entry->id);
    tell(MCPZ_FACT_NEIGHBOUR_UP, &entry->id, is_far(overlay, entry->scope), out);
}

/* ---- Asking ------------------------------------------------------------------------------- */

/* False: it is asked already, or there is no room to ask. */
static bool ask(struct mcpz_overlay *overlay, mcpz_time now,
                const struct mcpz_overlay_entry *candidate, enum mcpz_overlay_why why,
                struct mcpz_outbox *out)
{
    if (find_ask(overlay, &candidate->id) != NULL) {
        return false;
    }
    if (overlay->ask_count == MCPZ_OVERLAY_ASKS_MAX) {
        overlay->dropped++;
        return false;
    }
    struct mcpz_overlay_ask *asked = &overlay->asks[overlay->ask_count];
    if (!mcpz_where_set(&asked->where, candidate->scope, candidate->address,
                        overlay->config.address_bytes)) {
        return false;
    }
    asked->peer = candidate->id;
    asked->why = why;
    asked->seq = take_seq(overlay);
    asked->until_us = now + overlay->config.neighbour_timeout_us;
    overlay->ask_count++;
    struct mcpz_action *action = mcpz_outbox_append(out, MCPZ_ACTION_REACH);
    action->reach.peer = candidate->id;
    action->reach.address = mcpz_outbox_keep(out, candidate->address);
    return true;
}

static bool is_repairing(const struct mcpz_overlay *overlay)
{
    for (size_t i = 0; i < overlay->ask_count; i++) {
        if (overlay->asks[i].why >= MCPZ_OVERLAY_REPAIRS) {
            return true;
        }
    }
    return false;
}

/* Whom do we lack? False: nobody. */
static bool what_is_lacking(const struct mcpz_overlay *overlay, enum mcpz_passive_which *which,
                            enum mcpz_overlay_why *why)
{
    bool far =
        overlay->config.far_max > 0 && count_kind(overlay, false) == kind_max(overlay, false);

    *why = MCPZ_OVERLAY_REPAIRS;
    *which = overlay->config.far_max == 0 ? MCPZ_PASSIVE_ANY
             : far                        ? MCPZ_PASSIVE_FAR
                                          : MCPZ_PASSIVE_NEAR;
    if (!is_complete(overlay)) {
        return true;
    }
    *why = MCPZ_OVERLAY_CHOOSES;
    *which = overlay->config.far_max == 0 ? MCPZ_PASSIVE_ANY : MCPZ_PASSIVE_NEAR;
    return count_chosen(overlay) < overlay->config.chosen_min;
}

/* Somebody of the kind we lack; if nobody near is left to try, somebody far will do meanwhile. */
static const struct mcpz_passive_entry *next_candidate(struct mcpz_overlay *overlay,
                                                       enum mcpz_passive_which which)
{
    const struct mcpz_passive_entry *candidate =
        mcpz_passive_try(&overlay->passive, which, &overlay->rng);

    if (candidate == NULL && which == MCPZ_PASSIVE_NEAR &&
        count_kind(overlay, true) < overlay->config.far_max) {
        candidate = mcpz_passive_try(&overlay->passive, MCPZ_PASSIVE_FAR, &overlay->rng);
    }
    return candidate;
}

/* One candidate at a time, each once a round: section 4.3. */
static void repair(struct mcpz_overlay *overlay, mcpz_time now, struct mcpz_outbox *out)
{
    enum mcpz_passive_which which;
    enum mcpz_overlay_why why;

    if (overlay->leaving || overlay->refusals_left == 0 || is_repairing(overlay) ||
        !what_is_lacking(overlay, &which, &why)) {
        return;
    }
    while (overlay->ask_count < MCPZ_OVERLAY_ASKS_MAX) {
        const struct mcpz_passive_entry *candidate = next_candidate(overlay, which);
        if (candidate == NULL) {
            return;
        }
        const struct mcpz_overlay_entry entry = {
            .id = candidate->id,
            .scope = candidate->where.scope,
            .address = mcpz_where_address(&candidate->where),
        };
        if (ask(overlay, now, &entry, why, out)) {
            return; /* else it is being asked for another reason */
        }
    }
}

/* Less than half of our neighbours, or hardly any of our own scope. */
static bool is_needy(const struct mcpz_overlay *overlay)
{
    return 2 * overlay->active_count < overlay->config.active_max ||
           (overlay->config.far_max > 0 &&
            2 * count_kind(overlay, false) < kind_max(overlay, false));
}

static void begin_repair(struct mcpz_overlay *overlay, mcpz_time now, bool modest,
                         struct mcpz_outbox *out)
{
    if (!is_repairing(overlay)) {
        bool urgent = is_needy(overlay);
        overlay->modest = modest;
        overlay->refusals_left = urgent ? SIZE_MAX : overlay->config.refusals_max;
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

/* ---- Links -------------------------------------------------------------------------------- */

static void on_contact(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *peer,
                       struct mcpz_outbox *out)
{
    const struct mcpz_overlay_entry contact = {.id = *peer}; /* it says itself where it is */

    if (!overlay->leaving && !is_self(overlay, peer) && !is_active(overlay, peer)) {
        (void)ask(overlay, now, &contact, MCPZ_OVERLAY_JOINS, out);
    }
}

/* Also of a link that takes the place of another: two dials have crossed, and what was said over
 * the link that had to give way is lost. Who hears it twice answers twice. */
static void on_link_up(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *peer,
                       struct mcpz_outbox *out)
{
    const struct mcpz_bytes address = mcpz_where_address(&overlay->where);
    struct mcpz_overlay_ask *waiting = find_ask(overlay, peer);

    if (waiting == NULL) {
        return;
    }
    waiting->until_us = now + overlay->config.neighbour_timeout_us;
    struct mcpz_msg msg = {
        .kind = MCPZ_MSG_OVERLAY_JOIN,
        .overlay_join = {waiting->seq, overlay->where.scope, address},
    };
    if (waiting->why != MCPZ_OVERLAY_JOINS) {
        bool walked = waiting->why == MCPZ_OVERLAY_WALKED;
        bool far = is_far(overlay, waiting->where.scope);
        bool alone = (far ? overlay->active_count == 0 : is_alone(overlay)) && !overlay->modest;
        msg = (struct mcpz_msg){
            .kind = MCPZ_MSG_OVERLAY_NEIGHBOUR,
            .overlay_neighbour = {.seq = waiting->seq,
                                  .high = walked || alone,
                                  .scope = overlay->where.scope,
                                  .address = address},
        };
    }
    mcpz_outbox_send(out, peer, &msg);
}

static void on_link_down(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *peer,
                         enum mcpz_link_down_reason reason, struct mcpz_outbox *out)
{
    on_silence(overlay, now, peer, out); /* first: below it may be asked anew */
    size_t at = find_active(overlay, peer);
    if (at < overlay->active_count) {
        if (reason == MCPZ_DOWN_FULL) { /* it had no room for us, but it is there */
            retire(overlay, now, at, MCPZ_NEIGHBOUR_LOST, out);
        } else {
            drop_active(overlay, at, MCPZ_NEIGHBOUR_LOST, out);
        }
        begin_repair(overlay, now, false, out);
    }
}

/* ---- Joining: section 4.2 ----------------------------------------------------------------- */

static void on_join(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *from,
                    const struct mcpz_msg_overlay_join *join, struct mcpz_outbox *out)
{
    if (is_active(overlay, from)) {
        say_answer(overlay, from, join->seq, true, out);
        return;
    }
    add_active(
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

    if (is_self(overlay, &joiner.id)) {
        return;
    }
    const struct mcpz_id *next = overlay->config.far_max > 0
                                     ? pick_towards(overlay, joiner.scope, from, &joiner.id)
                                     : pick_active(overlay, from, &joiner.id);
    if (ttl == 0 || overlay->active_count <= 1 || next == NULL) {
        if (!is_active(overlay, &joiner.id) &&
            !ask(overlay, now, &joiner, MCPZ_OVERLAY_WALKED, out)) {
            keep_passive(overlay, now, &joiner);
        }
        return;
    }
    if (ttl == overlay->config.prwl) {
        keep_passive(overlay, now, &joiner);
    }
    struct mcpz_msg msg = {.kind = MCPZ_MSG_OVERLAY_FORWARD, .overlay_forward = *walk};
    msg.overlay_forward.ttl = ttl - 1;
    mcpz_outbox_send(out, next, &msg);
}

/* ---- Neighbours: section 4.3 -------------------------------------------------------------- */

static void on_neighbour(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *from,
                         const struct mcpz_msg_overlay_neighbour *wish, struct mcpz_outbox *out)
{
    bool accepted =
        is_active(overlay, from) || wish->high || mcpz_overlay_has_place(overlay, wish->scope);

    if (accepted && !is_active(overlay, from)) {
        add_active(overlay, now,
                   &(struct mcpz_overlay_entry){
                       .id = *from, .scope = wish->scope, .address = wish->address},
                   false, out);
    }
    say_answer(overlay, from, wish->seq, accepted, out);
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
    enum mcpz_overlay_why why = asked->why;
    drop_ask(overlay, asked);
    if (answer->accepted && !is_active(overlay, from)) {
        if (why == MCPZ_OVERLAY_REPAIRS && is_full(overlay, answer->scope)) {
            say_disconnect(from, false, out);
        } else {
            add_active(overlay, now,
                       &(struct mcpz_overlay_entry){
                           .id = *from, .scope = answer->scope, .address = answer->address},
                       true, out);
        }
    }
    if (why >= MCPZ_OVERLAY_REPAIRS) {
        if (!answer->accepted && overlay->refusals_left > 0) {
            overlay->refusals_left--;
        }
        repair(overlay, now, out);
    }
}

static void on_disconnect(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *from,
                          bool leaving, struct mcpz_outbox *out)
{
    size_t at = find_active(overlay, from);
    bool was_active = at < overlay->active_count;

    if (was_active) {
        retire(overlay, now, at, leaving ? MCPZ_NEIGHBOUR_LEAVING : MCPZ_NEIGHBOUR_DROPPED, out);
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
    } else if (was_active && is_alone(overlay)) { /* but soon, however long we lacked somebody */
        overlay->promote_wait_us = overlay->config.promote_period_us;
        overlay->promote_at_us =
            mcpz_time_min(overlay->promote_at_us, now + overlay->promote_wait_us);
    }
}

/* Does the other end see it as we do? One heartbeat may cross an answer, two in a row do not. */
static void on_ping(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *from,
                    bool held, struct mcpz_outbox *out)
{
    size_t at = find_active(overlay, from);

    if (at == overlay->active_count) {
        if (held && find_ask(overlay, from) == NULL) {
            say_disconnect(from, false, out);
        }
        return;
    }
    struct mcpz_overlay_neighbour *one = &overlay->active[at];
    one->contradicted = held ? 0 : (uint8_t)(one->contradicted + 1);
    if (one->contradicted >= CONTRADICTED_MAX) {
        overlay->contradicted++;
        retire(overlay, now, at, MCPZ_NEIGHBOUR_DROPPED, out);
        begin_repair(overlay, now, true, out);
    }
}

/* ---- Shuffling: section 4.4 --------------------------------------------------------------- */

/* Take in what a shuffle brought, at the cost of what we gave for it, then of anybody. */
static void integrate(struct mcpz_overlay *overlay, mcpz_time now,
                      const struct mcpz_overlay_entry *entry, const struct mcpz_id *given,
                      size_t given_count)
{
    struct mcpz_passive *passive = &overlay->passive;

    if (MCPZ_SECONDS(entry->age_s) > overlay->config.passive_age_us ||
        is_self(overlay, &entry->id) || is_active(overlay, &entry->id)) {
        return;
    }
    bool is_new = !mcpz_passive_has(passive, &entry->id);
    for (size_t i = 0; i < given_count && is_new && mcpz_passive_is_full(passive, entry->scope);
         i++) {
        mcpz_passive_give_way(passive, &given[i], entry->scope);
    }
    keep_passive(overlay, now, entry);
}

static void integrate_all(struct mcpz_overlay *overlay, mcpz_time now,
                          const struct mcpz_overlay_entry *entries, size_t count,
                          const struct mcpz_id *given, size_t given_count)
{
    for (size_t i = 0; i < count; i++) {
        integrate(overlay, now, &entries[i], given, given_count);
    }
}

static void note_ids(const struct mcpz_overlay_entry *entries, size_t count, struct mcpz_id *ids)
{
    for (size_t i = 0; i < count; i++) {
        ids[i] = entries[i].id;
    }
}

/* The answer goes back to `from` and on along the path that is left. */
static void reply_to_shuffle(struct mcpz_overlay *overlay, mcpz_time now,
                             const struct mcpz_id *from,
                             const struct mcpz_msg_overlay_shuffle *shuffle,
                             struct mcpz_outbox *out)
{
    struct mcpz_overlay_entry entries[MCPZ_OVERLAY_SHUFFLE_MAX];
    struct mcpz_id given[MCPZ_OVERLAY_SHUFFLE_MAX];
    size_t count =
        mcpz_passive_sample(&overlay->passive, now, &overlay->rng, entries, shuffle->entry_count);
    note_ids(entries, count, given);
    struct mcpz_msg msg = {
        .kind = MCPZ_MSG_OVERLAY_SHUFFLED,
        .overlay_shuffled = {.seq = shuffle->seq,
                             .entries = keep(entries, count, out),
                             .entry_count = count,
                             .path = shuffle->path,
                             .path_count = shuffle->path_count > 0 ? shuffle->path_count - 1 : 0},
    };
    mcpz_outbox_send(out, from, &msg);
    integrate_all(overlay, now, shuffle->entries, shuffle->entry_count, given, count);
}

static void on_shuffle(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *from,
                       const struct mcpz_msg_overlay_shuffle *shuffle, struct mcpz_outbox *out)
{
    const uint32_t ttl = shuffle->ttl < overlay->config.arwl ? shuffle->ttl : overlay->config.arwl;

    if (is_self(overlay, &shuffle->origin)) {
        return;
    }
    const struct mcpz_id *next = pick_active(overlay, from, &shuffle->origin);
    if (ttl <= 1 || next == NULL || shuffle->path_count >= MCPZ_OVERLAY_WALK_MAX) {
        reply_to_shuffle(overlay, now, from, shuffle, out);
        return;
    }
    struct mcpz_msg msg = {.kind = MCPZ_MSG_OVERLAY_SHUFFLE, .overlay_shuffle = *shuffle};
    msg.overlay_shuffle.ttl = ttl - 1;
    msg.overlay_shuffle.path =
        extend(shuffle->path, shuffle->path_count, mcpz_short_of(&overlay->self), out);
    msg.overlay_shuffle.path_count = shuffle->path_count + 1;
    mcpz_outbox_send(out, next, &msg);
}

static void hand_back(struct mcpz_overlay *overlay, const struct mcpz_msg_overlay_shuffled *answer,
                      struct mcpz_outbox *out)
{
    const struct mcpz_short next = answer->path[answer->path_count - 1];
    struct mcpz_msg msg = {.kind = MCPZ_MSG_OVERLAY_SHUFFLED, .overlay_shuffled = *answer};

    msg.overlay_shuffled.path_count--;
    for (size_t i = 0; i < overlay->active_count; i++) {
        if (mcpz_short_of(&overlay->active[i].id).value == next.value) {
            mcpz_outbox_send(out, &overlay->active[i].id, &msg);
            return;
        }
    }
}

static void on_shuffled(struct mcpz_overlay *overlay, mcpz_time now,
                        const struct mcpz_msg_overlay_shuffled *answer, struct mcpz_outbox *out)
{
    if (answer->path_count > 0) {
        hand_back(overlay, answer, out);
        return;
    }
    if (overlay->shuffle_seq == 0 || answer->seq != overlay->shuffle_seq) {
        return; /* not asked for, or too late */
    }
    overlay->shuffle_seq = 0;
    integrate_all(overlay, now, answer->entries, answer->entry_count, overlay->shuffled,
                  overlay->shuffled_count);
}

static size_t sample_active(struct mcpz_overlay *overlay, const struct mcpz_id *except,
                            struct mcpz_overlay_entry *entries)
{
    size_t start = mcpz_rng_below(&overlay->rng, (uint32_t)overlay->active_count);
    size_t count = 0;

    /* The view is in no order, so a run of it is as good as a sample. */
    for (size_t i = 0; i < overlay->active_count && count < overlay->config.shuffle_active; i++) {
        const struct mcpz_overlay_neighbour *one =
            &overlay->active[(start + i) % overlay->active_count];
        if (!mcpz_id_equal(&one->id, except)) {
            entries[count++] = entry_of(one);
        }
    }
    return count;
}

/* Ourselves, ka neighbours and kp others. */
static void shuffle(struct mcpz_overlay *overlay, mcpz_time now, struct mcpz_outbox *out)
{
    struct mcpz_overlay_entry entries[MCPZ_OVERLAY_SHUFFLE_MAX];
    const mcpz_time age_us = overlay->config.passive_age_us;

    mcpz_passive_expire(&overlay->passive, now > age_us ? now - age_us : 0);
    overlay->shuffle_seq = 0;
    if (overlay->active_count == 0) {
        return;
    }
    const struct mcpz_id to = *pick_active(overlay, &overlay->self, &overlay->self);
    size_t count = sample_active(overlay, &to, entries);
    count += mcpz_passive_sample(&overlay->passive, now, &overlay->rng, entries + count,
                                 overlay->config.shuffle_passive);
    note_ids(entries, count, overlay->shuffled);
    overlay->shuffled_count = count;
    entries[count++] = (struct mcpz_overlay_entry){.id = overlay->self,
                                                   .scope = overlay->where.scope,
                                                   .address = mcpz_where_address(&overlay->where)};
    overlay->shuffle_seq = take_seq(overlay);
    struct mcpz_msg msg = {
        .kind = MCPZ_MSG_OVERLAY_SHUFFLE,
        .overlay_shuffle = {.origin = overlay->self,
                            .seq = overlay->shuffle_seq,
                            .ttl = overlay->config.arwl,
                            .entries = keep(entries, count, out),
                            .entry_count = count,
                            .path = extend(NULL, 0, mcpz_short_of(&overlay->self), out),
                            .path_count = 1},
    };
    mcpz_outbox_send(out, &to, &msg);
}

void mcpz_overlay_court(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *peer,
                        struct mcpz_outbox *out)
{
    const struct mcpz_overlay_entry entry = {.id = *peer}; /* it says itself where it is */

    if (!overlay->leaving && !is_self(overlay, peer) && !is_active(overlay, peer)) {
        (void)ask(overlay, now, &entry, MCPZ_OVERLAY_WALKED, out);
    }
}

/* ---- Exchanging --------------------------------------------------------------------------- */

bool mcpz_overlay_is_far(const struct mcpz_overlay *overlay, uint32_t scope)
{
    return is_far(overlay, scope);
}

bool mcpz_overlay_has_place(const struct mcpz_overlay *overlay, uint32_t scope)
{
    size_t unchosen = overlay->active_count - count_chosen(overlay);

    return !is_full(overlay, scope) &&
           unchosen < overlay->config.active_max - overlay->config.chosen_min;
}

bool mcpz_overlay_swap(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *gone,
                       const struct mcpz_overlay_entry *added, bool chosen,
                       struct mcpz_outbox *out)
{
    size_t at = find_active(overlay, gone);
    bool is_there = at < overlay->active_count;
    bool fits = is_there ? is_far(overlay, overlay->active[at].where.scope) ==
                               is_far(overlay, added->scope)
                         : !is_full(overlay, added->scope);

    if (!fits || overlay->leaving || is_self(overlay, &added->id) ||
        is_active(overlay, &added->id)) {
        return false;
    }
    if (is_there) {
        chosen = chosen || overlay->active[at].chosen; /* as many as before */
        struct mcpz_overlay_ask *asked = find_ask(overlay, gone);
        if (asked != NULL) {
            drop_ask(overlay, asked); /* its yes must not bring it back */
        }
        retire(overlay, now, at, MCPZ_NEIGHBOUR_EVICTED, out);
    }
    add_active(overlay, now, added, chosen, out);
    return true;
}

/* ---- Hearing of others -------------------------------------------------------------------- */

void mcpz_overlay_learn(struct mcpz_overlay *overlay, mcpz_time now,
                        const struct mcpz_overlay_entry *entry, struct mcpz_outbox *out)
{
    if (overlay->leaving || entry->address.length == 0 ||
        mcpz_passive_is_full(&overlay->passive, entry->scope)) {
        return;
    }
    keep_passive(overlay, now, entry);
    repair(overlay, now, out);
}

void mcpz_overlay_forget(struct mcpz_overlay *overlay, const struct mcpz_id *id)
{
    mcpz_passive_remove(&overlay->passive, id);
}

/* ---- Time --------------------------------------------------------------------------------- */

/* Every round that leaves a place free makes the next one come later: everybody else may be full.
 */
static void promote(struct mcpz_overlay *overlay, mcpz_time now, struct mcpz_outbox *out)
{
    const mcpz_time period = overlay->config.promote_period_us;
    enum mcpz_passive_which which;
    enum mcpz_overlay_why why;

    overlay->promote_at_us = now + mcpz_timing_about(&overlay->rng, overlay->promote_wait_us);
    overlay->promote_wait_us =
        what_is_lacking(overlay, &which, &why) && !is_needy(overlay)
            ? mcpz_time_min(2 * overlay->promote_wait_us, overlay->config.promote_max_us)
            : period;
    begin_repair(overlay, now, false, out);
}

static void on_tick(struct mcpz_overlay *overlay, mcpz_time now, struct mcpz_outbox *out)
{
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
        overlay->shuffle_at_us =
            now + mcpz_timing_about(&overlay->rng, overlay->config.shuffle_period_us);
        shuffle(overlay, now, out);
    }
    if (overlay->promote_at_us <= now) {
        promote(overlay, now, out);
    }
}

static void on_leave(struct mcpz_overlay *overlay, struct mcpz_outbox *out)
{
    overlay->leaving = true;
    overlay->ask_count = 0;
    while (overlay->active_count > 0) {
        say_disconnect(&overlay->active[0].id, true, out);
        drop_active(overlay, 0, MCPZ_NEIGHBOUR_LEAVING, out);
    }
}

/* ---- The machine -------------------------------------------------------------------------- */

static bool is_ours(enum mcpz_msg_kind kind)
{
    return (kind >= MCPZ_MSG_OVERLAY_JOIN && kind <= MCPZ_MSG_OVERLAY_SHUFFLED) ||
           kind == MCPZ_MSG_PING;
}

/* Who leaves says no to everybody, and takes no part. */
static void decline(const struct mcpz_overlay *overlay, const struct mcpz_id *from,
                    const struct mcpz_msg *msg, struct mcpz_outbox *out)
{
    if (msg->kind != MCPZ_MSG_OVERLAY_DISCONNECT && msg->kind != MCPZ_MSG_PING) {
        say_disconnect(from, true, out);
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

    if (walks && !is_active(overlay, from)) {
        say_disconnect(from, false, out); /* "you are not my neighbour" */
        return;
    }
    if (msg->kind == MCPZ_MSG_OVERLAY_JOIN) {
        on_join(overlay, now, from, &msg->overlay_join, out);
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
    } else if (msg->kind == MCPZ_MSG_PING) {
        on_ping(overlay, now, from, msg->ping.neighbour, out);
    } else {
        on_shuffled(overlay, now, &msg->overlay_shuffled, out);
    }
}

static void on_recv(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *from,
                    const struct mcpz_msg *msg, struct mcpz_outbox *out)
{
    if (!is_ours(msg->kind) || is_self(overlay, from)) {
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
    const size_t passive = config_or_default(config).passive_max;

    return mcpz_arena_cost(single, config->address_bytes) +
           mcpz_arena_cost(passive, config->address_bytes);
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
        on_silence(overlay, now, &event->link.peer, out);
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
    return is_active(overlay, peer);
}

bool mcpz_overlay_wants(const struct mcpz_overlay *overlay, const struct mcpz_id *peer)
{
    bool wanted = is_active(overlay, peer);

    for (size_t i = 0; i < overlay->ask_count && !wanted; i++) {
        wanted = mcpz_id_equal(&overlay->asks[i].peer, peer);
    }
    return wanted;
}
