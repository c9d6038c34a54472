#include "core/keeping/rounds.h"

#include "core/crdt/scope.h"
#include "core/keeping/step.h"

/* Whose turn it is, as far as we have looked. */
struct turn {
    bool is_somebodys;
    uint64_t place; /* in the round */
    struct mcpz_id node;
};

static void begin_round(struct mcpz_rounds *rounds)
{
    rounds->order.low = mcpz_rng_next(&rounds->rng);
    rounds->order.high = mcpz_rng_next(&rounds->rng);
    rounds->last = 0;
}

void mcpz_rounds_init(struct mcpz_rounds *rounds, uint64_t seed)
{
    *rounds = (struct mcpz_rounds){.turn_at_us = 0};
    mcpz_rng_init(&rounds->rng, seed);
    begin_round(rounds);
}

/* Of those that keep `document`, as we do: is the turn of one before that of whom we found? */
static void consider(const struct mcpz_keeping_step *step, const struct mcpz_id *document,
                     struct turn *turn)
{
    const struct mcpz_rounds *rounds = &step->keeping->rounds;
    const struct mcpz_id *self = &step->keeping->self;
    struct mcpz_id owners[MCPZ_OWNERS_MAX];
    const size_t count = mcpz_layouts_owners(step->below->layouts, document, owners);

    for (size_t i = 0; i < count && mcpz_scope_is_among(owners, count, self); i++) {
        const struct mcpz_id *owner = &owners[i];
        const uint64_t place =
            mcpz_siphash(rounds->order, mcpz_bytes(owner->bytes, sizeof(owner->bytes)));
        if (place > rounds->last && (!turn->is_somebodys || place < turn->place) &&
            !mcpz_id_equal(owner, self) && mcpz_keeping_is_there(step, owner) &&
            !mcpz_overlay_is_neighbour(&step->below->fabric->overlay, owner)) {
            *turn = (struct turn){.is_somebodys = true, .place = place, .node = *owner};
        }
    }
}

/* Look at some of our documents, for who keeps them as well. */
static struct turn find_turn(struct mcpz_keeping_step *step)
{
    const struct mcpz_store *store = step->keeping->store;
    struct mcpz_rounds *rounds = &step->keeping->rounds;
    struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT, .document = {.id = rounds->after}};
    struct turn turn = {.is_somebodys = false};
    bool is_from_start = mcpz_id_is_zero(&rounds->after);

    for (size_t i = 0; i < MCPZ_ROUND_SCAN_MAX; i++) {
        const mcpz_error error = store->next(store->context, MCPZ_SCAN_KIND, false, &record);
        if (error == MCPZ_OK) {
            rounds->after = record.document.id;
            consider(step, &record.document.id, &turn);
            continue;
        }
        step->keeping->store_failures += error != MCPZ_ENOTFOUND ? 1 : 0;
        rounds->after = (struct mcpz_id){{0}};
        record.document.id = rounds->after;
        if (is_from_start || error != MCPZ_ENOTFOUND) {
            break; /* all were looked at */
        }
        is_from_start = true;
    }
    return turn;
}

static void take_turn(struct mcpz_keeping_step *step)
{
    struct mcpz_rounds *rounds = &step->keeping->rounds;
    struct turn turn = find_turn(step);

    if (!turn.is_somebodys && rounds->last != 0) {
        begin_round(rounds);
        turn = find_turn(step);
    }
    if (!turn.is_somebodys) {
        return;
    }
    rounds->last = turn.place;
    rounds->turns++;
    if (mcpz_keeping_is_linked(step, &turn.node)) {
        rounds->linked = turn.node;
    } else {
        mcpz_keeping_reach(step, &turn.node);
    }
}

void mcpz_rounds_run(struct mcpz_keeping_step *step)
{
    struct mcpz_rounds *rounds = &step->keeping->rounds;
    const mcpz_time period_us = step->below->fabric->timing.anti_entropy_us * MCPZ_ROUND_PERIODS;

    if (!mcpz_layouts_are_in_force(step->below->layouts)) {
        rounds->turn_at_us = 0;
        return;
    }
    if (rounds->turn_at_us != 0 && rounds->turn_at_us <= step->now) {
        take_turn(step);
    }
    if (rounds->turn_at_us <= step->now) {
        rounds->turn_at_us = step->now + mcpz_timing_about(&rounds->rng, period_us) + 1;
    }
}

mcpz_time mcpz_rounds_deadline(const struct mcpz_rounds *rounds)
{
    return rounds->turn_at_us != 0 ? rounds->turn_at_us : MCPZ_TIME_NEVER;
}
