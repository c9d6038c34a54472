#include "core/asking.h"

#include "core/active.h"
#include "core/timing.h"

uint32_t mcpz_asking_seq(struct mcpz_overlay *overlay)
{
    overlay->next_seq = overlay->next_seq < UINT32_MAX ? overlay->next_seq + 1 : 1;
    return overlay->next_seq;
}

struct mcpz_overlay_ask *mcpz_asking_find(struct mcpz_overlay *overlay, const struct mcpz_id *peer)
{
    for (size_t i = 0; i < overlay->ask_count; i++) {
        if (mcpz_id_equal(&overlay->asks[i].peer, peer)) {
            return &overlay->asks[i];
        }
    }
    return NULL;
}

void mcpz_asking_end(struct mcpz_overlay *overlay, struct mcpz_overlay_ask *ask)
{
    const struct mcpz_overlay_ask gone = *ask;
    *ask = overlay->asks[--overlay->ask_count];
    overlay->asks[overlay->ask_count] = gone; /* for the room of its address */
}

bool mcpz_asking_begin(struct mcpz_overlay *overlay, mcpz_time now,
                       const struct mcpz_overlay_entry *candidate, enum mcpz_overlay_why why,
                       struct mcpz_outbox *out)
{
    if (mcpz_asking_find(overlay, &candidate->id) != NULL) {
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
    asked->seq = mcpz_asking_seq(overlay);
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
    bool far = overlay->config.far_max > 0 &&
               mcpz_active_count(overlay, false) == mcpz_active_max(overlay, false);

    *why = MCPZ_OVERLAY_REPAIRS;
    *which = overlay->config.far_max == 0 ? MCPZ_PASSIVE_ANY
             : far                        ? MCPZ_PASSIVE_FAR
                                          : MCPZ_PASSIVE_NEAR;
    if (!mcpz_active_is_complete(overlay)) {
        return true;
    }
    *why = MCPZ_OVERLAY_CHOOSES;
    *which = overlay->config.far_max == 0 ? MCPZ_PASSIVE_ANY : MCPZ_PASSIVE_NEAR;
    return mcpz_active_count_chosen(overlay) < overlay->config.chosen_min;
}

/* Somebody of the kind we lack; if nobody near is left to try, somebody far will do meanwhile. */
static const struct mcpz_passive_entry *next_candidate(struct mcpz_overlay *overlay,
                                                       enum mcpz_passive_which which)
{
    const struct mcpz_passive_entry *candidate =
        mcpz_passive_try(&overlay->passive, which, &overlay->rng);

    if (candidate == NULL && which == MCPZ_PASSIVE_NEAR &&
        mcpz_active_count(overlay, true) < overlay->config.far_max) {
        candidate = mcpz_passive_try(&overlay->passive, MCPZ_PASSIVE_FAR, &overlay->rng);
    }
    return candidate;
}

/* One candidate at a time, each once a round: section 4.3. */
void mcpz_asking_repair(struct mcpz_overlay *overlay, mcpz_time now, struct mcpz_outbox *out)
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
        if (mcpz_asking_begin(overlay, now, &entry, why, out)) {
            return; /* else it is being asked for another reason */
        }
    }
}

/* Less than half of our neighbours, or hardly any of our own scope. */
static bool is_needy(const struct mcpz_overlay *overlay)
{
    return 2 * overlay->active_count < overlay->config.active_max ||
           (overlay->config.far_max > 0 &&
            2 * mcpz_active_count(overlay, false) < mcpz_active_max(overlay, false));
}

/*
 * One neighbour is left to us, and of all others that we know nobody had a place: in this round
 * one may not refuse. Seldom, as a place is taken from somebody for it: where there are too few of
 * them, for those who cannot be dialled, that helps nobody.
 */
static bool presses(struct mcpz_overlay *overlay, mcpz_time now)
{
    const bool was_refused = overlay->refused;
    const bool can_be_dialled =
        overlay->where.address == NULL || overlay->where.address[0] != '\0';

    overlay->refused = false;
    if (mcpz_active_count(overlay, false) != 1) {
        overlay->press_wait_us = overlay->config.promote_period_us;
        return false;
    }
    if (!was_refused || !can_be_dialled || now < overlay->press_at_us) {
        return false;
    }
    overlay->press_at_us = now + overlay->press_wait_us;
    overlay->press_wait_us =
        mcpz_time_min(2 * overlay->press_wait_us, overlay->config.promote_max_us);
    return true;
}

void mcpz_asking_begin_repair(struct mcpz_overlay *overlay, mcpz_time now, bool modest,
                              struct mcpz_outbox *out)
{
    if (!is_repairing(overlay)) {
        bool urgent = is_needy(overlay);
        overlay->modest = modest;
        overlay->pressing = presses(overlay, now);
        overlay->refusals_left = urgent ? SIZE_MAX : overlay->config.refusals_max;
        mcpz_passive_begin_round(&overlay->passive);
        mcpz_asking_repair(overlay, now, out);
    }
}

/* Who cannot be reached is no candidate for anything. */
void mcpz_asking_on_silence(struct mcpz_overlay *overlay, mcpz_time now,
                            const struct mcpz_id *peer, struct mcpz_outbox *out)
{
    struct mcpz_overlay_ask *lost = mcpz_asking_find(overlay, peer);
    if (lost == NULL) {
        return;
    }
    mcpz_passive_remove(&overlay->passive, peer);
    mcpz_asking_end(overlay, lost);
    mcpz_asking_repair(overlay, now, out);
}

/* Also of a link that takes the place of another: two dials have crossed, and what was said over
 * the link that had to give way is lost. Who hears it twice answers twice. */
void mcpz_asking_on_link_up(struct mcpz_overlay *overlay, mcpz_time now,
                            const struct mcpz_id *peer, struct mcpz_outbox *out)
{
    const struct mcpz_bytes address = mcpz_where_address(&overlay->where);
    struct mcpz_overlay_ask *waiting = mcpz_asking_find(overlay, peer);

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
        bool far = mcpz_overlay_is_far(overlay, waiting->where.scope);
        bool alone =
            far ? overlay->active_count == 0 : mcpz_active_is_alone(overlay) || overlay->pressing;
        msg = (struct mcpz_msg){
            .kind = MCPZ_MSG_OVERLAY_NEIGHBOUR,
            .overlay_neighbour = {.seq = waiting->seq,
                                  .high = walked || (alone && !overlay->modest),
                                  .scope = overlay->where.scope,
                                  .address = address},
        };
    }
    mcpz_outbox_send(out, peer, &msg);
}

void mcpz_asking_on_answer(struct mcpz_overlay *overlay, mcpz_time now, const struct mcpz_id *from,
                           const struct mcpz_msg_overlay_answer *answer, struct mcpz_outbox *out)
{
    struct mcpz_overlay_ask *asked = mcpz_asking_find(overlay, from);

    if (asked == NULL || asked->seq != answer->seq) {
        /* Too late. If we asked again, the answer to that counts; else it must not hold us. */
        if (answer->accepted && asked == NULL && !mcpz_active_has(overlay, from)) {
            mcpz_active_dismiss(from, false, out);
        }
        return;
    }
    enum mcpz_overlay_why why = asked->why;
    mcpz_asking_end(overlay, asked);
    if (answer->accepted && !mcpz_active_has(overlay, from)) {
        if (why == MCPZ_OVERLAY_REPAIRS && mcpz_active_is_full(overlay, answer->scope)) {
            mcpz_active_dismiss(from, false, out);
        } else {
            mcpz_active_add(overlay, now,
                            &(struct mcpz_overlay_entry){
                                .id = *from, .scope = answer->scope, .address = answer->address},
                            true, out);
        }
    }
    if (why >= MCPZ_OVERLAY_REPAIRS) {
        overlay->refused = !answer->accepted;
        overlay->pressing = false;
        if (!answer->accepted && overlay->refusals_left > 0) {
            overlay->refusals_left--;
        }
        mcpz_asking_repair(overlay, now, out);
    }
}

/* Every round that leaves a place free makes the next one come later: everybody else may be full.
 */
void mcpz_asking_promote(struct mcpz_overlay *overlay, mcpz_time now, struct mcpz_outbox *out)
{
    const mcpz_time period = overlay->config.promote_period_us;
    enum mcpz_passive_which which;
    enum mcpz_overlay_why why;

    overlay->promote_at_us = now + mcpz_timing_about(&overlay->rng, overlay->promote_wait_us);
    overlay->promote_wait_us =
        what_is_lacking(overlay, &which, &why) && !is_needy(overlay)
            ? mcpz_time_min(2 * overlay->promote_wait_us, overlay->config.promote_max_us)
            : period;
    mcpz_asking_begin_repair(overlay, now, false, out);
}
