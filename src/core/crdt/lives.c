#include "core/crdt/lives.h"

#include "core/crdt/clock.h"
#include "core/crdt/cuts.h"
#include "core/crdt/escrow.h"
#include "core/crdt/floor.h"

uint32_t mcpz_lives_next(uint32_t generation, bool is_lost, struct mcpz_rng *rng)
{
    const uint32_t strides = 1 + mcpz_rng_below(rng, MCPZ_LIVES_AHEAD_MAX);
    const uint32_t lines = is_lost ? 1 + mcpz_rng_below(rng, MCPZ_LIVES_STRIDE - 1) : 0;
    const uint32_t ahead = MCPZ_LIVES_STRIDE * strides + lines;

    return generation < UINT32_MAX - ahead ? generation + ahead : generation;
}

static bool are_kin(const struct mcpz_actor *a, const struct mcpz_actor *b)
{
    return mcpz_id_equal(&a->node, &b->node) &&
           a->generation % MCPZ_LIVES_STRIDE == b->generation % MCPZ_LIVES_STRIDE;
}

/* Has it written there, before `life`, and does what it writes on count? */
static bool may_go_on(const struct mcpz_document *document, const struct mcpz_actor *kin,
                      const struct mcpz_actor *life)
{
    return are_kin(kin, life) && kin->generation < life->generation &&
           !mcpz_clock_is_closed(document->clock.versions, document->clock.count, kin) &&
           mcpz_cuts_find(document->cuts.cuts, document->cuts.count, kin) == NULL;
}

/* ---- Whose rights ------------------------------------------------------------------------- */

static void note_named(const struct mcpz_actor *actor, const struct mcpz_id *node,
                       uint32_t *oldest)
{
    if (mcpz_id_equal(&actor->node, node) && actor->generation < *oldest) {
        *oldest = actor->generation;
    }
}

static void note_shares(const struct mcpz_escrow_list *list, const struct mcpz_id *node,
                        uint32_t *oldest)
{
    for (size_t i = 0; i < list->count; i++) {
        note_named(&list->shares[i].actor, node, oldest);
    }
}

/*
 * The oldest life of `node` that has rights of a bounded counter in `document`, or had them from
 * somebody; UINT32_MAX: none has.
 */
static mcpz_error find_oldest_with_rights(const struct mcpz_store *store,
                                          const struct mcpz_id *document,
                                          const struct mcpz_id *node, uint32_t *oldest)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_ENTRY, .entry = {.document = *document}};
    struct mcpz_escrow_row row;

    *oldest = UINT32_MAX;
    mcpz_error error = store->next(store->context, MCPZ_SCAN_DOCUMENT, true, &record);
    while (error == MCPZ_OK) {
        if (record.entry.type == MCPZ_ENTRY_BOUNDED) {
            note_named(&record.entry.dot.actor, node, oldest);
            if (mcpz_escrow_read(record.entry.value, &row)) {
                note_shares(&row.given, node, oldest);
                note_shares(&row.taken, node, oldest);
            }
        }
        error = store->next(store->context, MCPZ_SCAN_DOCUMENT, false, &record);
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

struct mcpz_actor mcpz_lives_first(const struct mcpz_document *document,
                                   const struct mcpz_actor *life, uint32_t oldest)
{
    const struct mcpz_clock *clock = &document->clock;

    for (size_t i = 0; i < clock->count; i++) { /* sorted: the first is the oldest */
        if (clock->versions[i].actor.generation >= oldest &&
            may_go_on(document, &clock->versions[i].actor, life)) {
            return clock->versions[i].actor;
        }
    }
    return *life;
}

mcpz_error mcpz_lives_spender(const struct mcpz_store *store, const struct mcpz_document *document,
                              struct mcpz_actor *life)
{
    uint32_t oldest;

    mcpz_error error = find_oldest_with_rights(store, &document->id, &life->node, &oldest);
    if (error == MCPZ_OK && oldest < UINT32_MAX) {
        *life = mcpz_lives_first(document, life, oldest);
    }
    return error;
}

bool mcpz_lives_is_void(const struct mcpz_document *document, const struct mcpz_actor *life,
                        struct mcpz_actor *behind)
{
    const struct mcpz_clock *clock = &document->clock;
    const struct mcpz_version *last = mcpz_clock_find(clock->versions, clock->count, life);

    *behind = *life;
    if (last != NULL && mcpz_version_closes(last)) {
        *behind = last->actor;
        return true;
    }
    return mcpz_cuts_find(document->cuts.cuts, document->cuts.count, life) != NULL;
}

struct mcpz_actor mcpz_lives_writer(const struct mcpz_document *document,
                                    const struct mcpz_actor *life)
{
    const struct mcpz_clock *clock = &document->clock;
    struct mcpz_actor writer = *life;

    if (mcpz_clock_find(clock->versions, clock->count, life) != NULL ||
        clock->count + document->cuts.count < MCPZ_LIVES_PLACES) {
        return writer;
    }
    for (size_t i = 0; i < clock->count; i++) {
        if (may_go_on(document, &clock->versions[i].actor, life)) {
            writer = clock->versions[i].actor;
        }
    }
    return writer;
}

static struct mcpz_actor newest_of(const struct mcpz_clock *clock, const struct mcpz_id *node)
{
    struct mcpz_actor newest = {.node = *node, .generation = 1};

    for (size_t i = 0; i < clock->count; i++) {
        if (mcpz_id_equal(&clock->versions[i].actor.node, node)) {
            newest = clock->versions[i].actor;
        }
    }
    return newest;
}

struct mcpz_actor mcpz_lives_newest(const struct mcpz_document *document,
                                    const struct mcpz_id *node)
{
    return newest_of(&document->clock, node);
}

/* ---- Closing ------------------------------------------------------------------------------ */

size_t mcpz_lives_superseded(const struct mcpz_version *versions, size_t count)
{
    size_t superseded = 0;

    for (size_t i = 1; i < count; i++) {
        superseded += !mcpz_version_closes(&versions[i - 1]) &&
                      mcpz_id_equal(&versions[i - 1].actor.node, &versions[i].actor.node);
    }
    return superseded;
}

/* How many lives from `from` on, all of one node, are superseded and have no rights. */
static mcpz_error count_of_node(const struct mcpz_store *store, const struct mcpz_id *document,
                                const struct mcpz_version *from, size_t count, size_t *closable)
{
    uint32_t oldest;

    mcpz_error error = find_oldest_with_rights(store, document, &from->actor.node, &oldest);
    for (size_t i = 0; error == MCPZ_OK && i + 1 < count; i++) {
        *closable += !mcpz_version_closes(&from[i]) && from[i].actor.generation < oldest;
    }
    return error;
}

mcpz_error mcpz_lives_are_many(const struct mcpz_store *store, const struct mcpz_id *document,
                               const struct mcpz_version *versions, size_t count, bool *many)
{
    size_t closable = 0;
    mcpz_error error = MCPZ_OK;

    *many = false;
    if (mcpz_lives_superseded(versions, count) < MCPZ_LIVES_MANY) {
        return MCPZ_OK;
    }
    for (size_t i = 0; i < count && error == MCPZ_OK;) {
        size_t end = i + 1;
        while (end < count && mcpz_id_equal(&versions[end].actor.node, &versions[i].actor.node)) {
            end++;
        }
        if (end - i > 1) {
            error = count_of_node(store, document, &versions[i], end - i, &closable);
        }
        i = end;
    }
    *many = error == MCPZ_OK && closable >= MCPZ_LIVES_MANY;
    return error;
}

/* Have all who keep it signed where this life stands, and that a later one has written since? */
static bool is_over(const struct mcpz_document *document, const struct mcpz_floor *floor,
                    const struct mcpz_version *life)
{
    const struct mcpz_version *signed_at =
        mcpz_clock_find(floor->clock.versions, floor->clock.count, &life->actor);

    return signed_at != NULL && signed_at->seq == life->seq &&
           mcpz_head_equal(&signed_at->head, &life->head) &&
           life->actor.generation < newest_of(&floor->clock, &life->actor.node).generation &&
           mcpz_cuts_find(document->cuts.cuts, document->cuts.count, &life->actor) == NULL;
}

/* Up to which life `node` may close those before `oldest`, by what the floor says; 0: none. */
static uint32_t closable_before(const struct mcpz_document *document,
                                const struct mcpz_floor *floor, const struct mcpz_id *node,
                                uint32_t oldest)
{
    const struct mcpz_clock *clock = &document->clock;
    size_t place_count = 0;
    uint32_t upto = 0;

    for (size_t i = 0; i < clock->count; i++) {
        const struct mcpz_version *life = &clock->versions[i];
        if (!mcpz_id_equal(&life->actor.node, node)) {
            continue;
        }
        if (!mcpz_version_closes(life)) {
            if (life->actor.generation >= oldest || !is_over(document, floor, life)) {
                break;
            }
            upto = life->actor.generation;
        }
        place_count++;
    }
    return place_count >= 2 ? upto : 0; /* one place stands for them: less would make no room */
}

mcpz_error mcpz_lives_closable(const struct mcpz_store *store,
                               const struct mcpz_document *document, const struct mcpz_id *node,
                               uint32_t *upto)
{
    const struct mcpz_clock *clock = &document->clock;
    struct mcpz_floor floor;
    uint32_t oldest;

    *upto = 0;
    if (mcpz_lives_superseded(clock->versions, clock->count) == 0) {
        return MCPZ_OK;
    }
    mcpz_error error = mcpz_floor_load(store, &document->id, &floor);
    if (error != MCPZ_OK || closable_before(document, &floor, node, UINT32_MAX) == 0) {
        return error;
    }
    error = find_oldest_with_rights(store, &document->id, node, &oldest);
    if (error == MCPZ_OK) {
        *upto = closable_before(document, &floor, node, oldest);
    }
    return error;
}

bool mcpz_lives_may_close(const struct mcpz_document *document, const struct mcpz_actor *life)
{
    const struct mcpz_clock *clock = &document->clock;
    struct mcpz_actor behind;

    if (mcpz_lives_is_void(document, life, &behind)) {
        return false;
    }
    return mcpz_clock_find(clock->versions, clock->count, life) != NULL ||
           (clock->count + document->cuts.count >= MCPZ_LIVES_PLACES &&
            mcpz_document_has_place(document, life));
}

bool mcpz_lives_is_closed_by(const struct mcpz_document *document, const struct mcpz_delta *delta,
                             const struct mcpz_version *seen)
{
    return mcpz_version_closes(seen) && mcpz_id_equal(&seen->actor.node, &delta->actor.node) &&
           !mcpz_clock_is_closed(document->clock.versions, document->clock.count, &seen->actor);
}

/* The last that `delta` has seen of a life that it closes by `closing`. */
static uint64_t last_seen(const struct mcpz_delta *delta, const struct mcpz_version *closing,
                          const struct mcpz_actor *life)
{
    const struct mcpz_version *seen = mcpz_clock_find(delta->versions, delta->version_count, life);

    if (seen == NULL) { /* nothing, and later ones were not closed then */
        return 0;
    }
    if (seen == closing) { /* it, or one that its node never met again */
        return life->generation == closing->actor.generation ? closing->seq & ~MCPZ_SEQ_CLOSED : 0;
    }
    return mcpz_version_closes(seen) ? UINT64_MAX : seen->seq;
}

bool mcpz_lives_goes_with_cuts(const struct mcpz_document *document,
                               const struct mcpz_delta *delta, const struct mcpz_version *closing)
{
    for (size_t i = 0; i < document->cuts.count; i++) {
        const struct mcpz_cut *cut = &document->cuts.cuts[i];
        if (mcpz_id_equal(&cut->actor.node, &closing->actor.node) &&
            cut->actor.generation <= closing->actor.generation &&
            cut->seq <= last_seen(delta, closing, &cut->actor)) {
            return false;
        }
    }
    return true;
}

bool mcpz_lives_is_inherited(const struct mcpz_delta *delta, const struct mcpz_version *closing)
{
    return closing == delta->versions ||
           !mcpz_id_equal(&closing[-1].actor.node, &closing->actor.node);
}

bool mcpz_lives_is_late(const struct mcpz_delta *delta, const struct mcpz_version *closing,
                        const struct mcpz_dot *dot)
{
    return mcpz_id_equal(&dot->actor.node, &closing->actor.node) &&
           dot->actor.generation <= closing->actor.generation &&
           dot->seq > last_seen(delta, closing, &dot->actor);
}

bool mcpz_lives_may_have_late(const struct mcpz_document *document, const struct mcpz_delta *delta,
                              const struct mcpz_version *closing)
{
    const struct mcpz_clock *clock = &document->clock;

    for (size_t i = 0; i < clock->count; i++) {
        const struct mcpz_version *life = &clock->versions[i];
        const struct mcpz_dot last = {.actor = life->actor, .seq = life->seq};
        if (mcpz_lives_is_late(delta, closing, &last)) {
            return true;
        }
    }
    return mcpz_clock_is_closed(clock->versions, clock->count, &closing->actor);
}

mcpz_error mcpz_lives_next_kept(const struct mcpz_store *store, const struct mcpz_id *document,
                                const struct mcpz_version *closing, struct mcpz_actor *life)
{
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_DELTA,
        .delta = {.delta = {.document = *document,
                            .actor = {.node = closing->actor.node,
                                      .generation = life->generation + 1}}},
    };

    mcpz_error error = store->next(store->context, MCPZ_SCAN_DOCUMENT, true, &record);
    if (error != MCPZ_OK) {
        return error;
    }
    if (mcpz_actor_compare(&record.delta.delta.actor, &closing->actor) > 0) {
        return MCPZ_ENOTFOUND;
    }
    *life = record.delta.delta.actor;
    return MCPZ_OK;
}

const struct mcpz_version *mcpz_lives_closing(const struct mcpz_delta *delta)
{
    for (size_t i = delta->version_count; i-- > 0;) {
        const struct mcpz_version *seen = &delta->versions[i];
        if (mcpz_version_closes(seen) && mcpz_id_equal(&seen->actor.node, &delta->actor.node) &&
            !mcpz_lives_is_inherited(delta, seen)) {
            return seen;
        }
    }
    return NULL;
}

/* Did `life` take something out behind what `delta` has seen of it? */
static mcpz_error look_behind(const struct mcpz_store *store, const struct mcpz_delta *delta,
                              const struct mcpz_version *closing, const struct mcpz_actor *life,
                              bool *took)
{
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_DELTA,
        .delta = {.delta = {.document = delta->document, .actor = *life}},
    };

    mcpz_error error = store->next(store->context, MCPZ_SCAN_ACTOR, true, &record);
    while (error == MCPZ_OK && !*took) {
        const struct mcpz_dot dot = {.actor = *life, .seq = record.delta.delta.seq};
        *took = record.delta.delta.remove_count > 0 && mcpz_lives_is_late(delta, closing, &dot);
        error = store->next(store->context, MCPZ_SCAN_ACTOR, false, &record);
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

mcpz_error mcpz_lives_took_out(const struct mcpz_store *store, const struct mcpz_delta *delta,
                               const struct mcpz_version *closing, bool *took)
{
    struct mcpz_actor life = {.node = closing->actor.node};

    *took = false;
    mcpz_error error = mcpz_lives_next_kept(store, &delta->document, closing, &life);
    while (error == MCPZ_OK && !*took) {
        error = look_behind(store, delta, closing, &life, took);
        if (error == MCPZ_OK) {
            error = mcpz_lives_next_kept(store, &delta->document, closing, &life);
        }
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}
