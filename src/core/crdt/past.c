#include "core/crdt/past.h"

#include "core/crdt/budget.h"
#include "core/crdt/clock.h"
#include "core/crdt/cuts.h"
#include "core/crdt/floor.h"
#include "core/crdt/lives.h"

void mcpz_past_note(struct mcpz_past_recent *recent, const struct mcpz_delta *delta,
                    const struct mcpz_tip *tip)
{
    recent->document = delta->document;
    recent->actor = delta->actor;
    recent->tip = *tip;
    recent->hlc = delta->hlc;
    mcpz_clock_set(&recent->seen, delta->versions, delta->version_count);
}

/* Can it be here at all? Spares most looks into the store. */
static bool may_hold(const struct mcpz_document *document, const struct mcpz_actor *actor,
                     const struct mcpz_tip *which)
{
    const struct mcpz_clock *clock = &document->clock;
    const struct mcpz_version *last = mcpz_clock_find(clock->versions, clock->count, actor);

    if (mcpz_cuts_find(document->cuts.cuts, document->cuts.count, actor) != NULL) {
        return true;
    }
    /* Another one than its last is no branch either, where all have signed that. */
    return last != NULL && (mcpz_version_closes(last) || which->seq <= last->seq);
}

/*
 * Below what its version vector covers a place without any delta was folded into a checkpoint; and
 * what all have signed has no other branch (core/crdt/floor.h).
 */
static mcpz_error find_folded(const struct mcpz_store *store, const struct mcpz_document *document,
                              const struct mcpz_actor *actor, uint64_t seq, enum mcpz_place *found)
{
    const struct mcpz_clock *clock = &document->clock;
    struct mcpz_record record;
    bool is_settled = false;
    mcpz_error error = MCPZ_OK;

    *found = MCPZ_PLACE_NOWHERE;
    if (mcpz_clock_is_closed(clock->versions, clock->count, actor)) {
        *found = MCPZ_PLACE_FOLDED; /* nothing of it is to come any more */
        return MCPZ_OK;
    }
    if (seq <= mcpz_clock_get(clock->versions, clock->count, actor)) {
        error = mcpz_document_find_delta(store, &document->id, actor, seq, &record);
    } else if (!mcpz_cuts_is_tainted(&document->cuts, actor, seq)) {
        return MCPZ_OK;
    }
    if (error == MCPZ_ENOTFOUND) {
        *found = MCPZ_PLACE_FOLDED;
        return MCPZ_OK;
    }
    if (error == MCPZ_OK) {
        error = mcpz_floor_is_settled(store, &document->id, actor, seq, &is_settled);
    }
    *found = is_settled ? MCPZ_PLACE_FOLDED : MCPZ_PLACE_NOWHERE;
    return error;
}

static mcpz_error find(const struct mcpz_store *store, const struct mcpz_document *document,
                       const struct mcpz_actor *actor, const struct mcpz_tip *which,
                       struct mcpz_record *record, enum mcpz_place *found)
{
    *found = MCPZ_PLACE_NOWHERE;
    if (!may_hold(document, actor, which)) {
        return MCPZ_OK;
    }
    *record = (struct mcpz_record){
        .kind = MCPZ_RECORD_DELTA,
        .delta = {.delta = {.document = document->id, .actor = *actor, .seq = which->seq},
                  .head = which->head},
    };
    mcpz_error error = store->get(store->context, record);
    if (error == MCPZ_ENOTFOUND) {
        return find_folded(store, document, actor, which->seq, found);
    }
    *found = error == MCPZ_OK ? MCPZ_PLACE_HERE : MCPZ_PLACE_NOWHERE;
    return error;
}

mcpz_error mcpz_past_find(const struct mcpz_store *store, const struct mcpz_document *document,
                          const struct mcpz_actor *actor, const struct mcpz_tip *which,
                          enum mcpz_place *place)
{
    struct mcpz_record record;

    return find(store, document, actor, which, &record, place);
}

mcpz_error mcpz_past_holds(const struct mcpz_store *store, const struct mcpz_document *document,
                           const struct mcpz_actor *actor, const struct mcpz_tip *which,
                           bool *held)
{
    enum mcpz_place place;

    mcpz_error error = mcpz_past_find(store, document, actor, which, &place);
    *held = place != MCPZ_PLACE_NOWHERE;
    return error;
}

/* What the delta before it, of the same author, had seen; nothing if it is not to be had. */
struct before {
    uint64_t hlc;
    const struct mcpz_version *versions;
    size_t version_count;
};

/* V5: what it has seen only grows; at equal places it is the same. */
static bool has_grown(const struct before *before, const struct mcpz_delta *delta)
{
    for (size_t i = 0; i < before->version_count; i++) {
        if (!mcpz_clock_has(delta->versions, delta->version_count, &before->versions[i])) {
            return false;
        }
    }
    return true;
}

mcpz_error mcpz_past_is_crowded(const struct mcpz_store *store,
                                const struct mcpz_document *document,
                                const struct mcpz_actor *actor, uint64_t seq, bool *crowded)
{
    const struct mcpz_cut *cut = mcpz_cuts_find(document->cuts.cuts, document->cuts.count, actor);
    size_t count = 0;

    *crowded = false;
    if (cut == NULL || !cut->overrun || seq < cut->seq) {
        return MCPZ_OK;
    }
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_DELTA,
        .delta = {.delta = {.document = document->id, .actor = *actor, .seq = seq}},
    };
    mcpz_error error = store->next(store->context, MCPZ_SCAN_SEQ, true, &record);
    while (error == MCPZ_OK && ++count < MCPZ_RIVALS_MAX) {
        error = store->next(store->context, MCPZ_SCAN_SEQ, false, &record);
    }
    *crowded = count == MCPZ_RIVALS_MAX;
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

/* What its author has seen of one other. */
static mcpz_error judge_seen(const struct mcpz_store *store, const struct mcpz_document *document,
                             const struct mcpz_delta *delta, const struct mcpz_version *seen,
                             enum mcpz_past *past)
{
    const bool is_closing = mcpz_lives_is_closed_by(document, delta, seen);
    const struct mcpz_tip which = {is_closing ? seen->seq & ~MCPZ_SEQ_CLOSED : seen->seq,
                                   seen->head};
    struct mcpz_record record;
    enum mcpz_place found;

    mcpz_error error = find(store, document, &seen->actor, &which, &record, &found);
    *past = MCPZ_PAST_COMPLETE;
    if (is_closing && (mcpz_lives_is_inherited(delta, seen) ||
                       !mcpz_lives_goes_with_cuts(document, delta, seen))) {
        *past = MCPZ_PAST_MISSING; /* who closed them, or a base, comes first: engine/rebase.h */
    } else if (error == MCPZ_OK && found == MCPZ_PLACE_NOWHERE) {
        bool crowded;
        error = mcpz_past_is_crowded(store, document, &seen->actor, seen->seq, &crowded);
        *past = crowded ? MCPZ_PAST_COMPLETE : MCPZ_PAST_MISSING;
    }
    /* V7: stamps grow along causality. Along a chain they do, so its last delta is enough. */
    if (found == MCPZ_PLACE_HERE && record.delta.delta.hlc >= delta->hlc) {
        *past = MCPZ_PAST_REFUTED;
    }
    return error;
}

/* What its author had seen of this one before was looked at with the delta before. */
static bool is_known(const struct before *before, const struct mcpz_version *seen)
{
    const struct mcpz_version *old =
        mcpz_clock_find(before->versions, before->version_count, &seen->actor);
    return old != NULL && old->seq == seen->seq;
}

static bool is_last_of(const struct mcpz_clock *clock, const struct mcpz_actor *actor,
                       const struct mcpz_tip *which)
{
    const struct mcpz_version *last = mcpz_clock_find(clock->versions, clock->count, actor);

    return last != NULL && last->seq == which->seq && mcpz_head_equal(&last->head, &which->head);
}

/* Is `which` the delta that was taken in last, and all that is here of its author? */
static bool is_recent(const struct mcpz_past_recent *recent, const struct mcpz_document *document,
                      const struct mcpz_actor *actor, const struct mcpz_tip *which)
{
    return recent->tip.seq == which->seq && mcpz_head_equal(&recent->tip.head, &which->head) &&
           mcpz_id_equal(&recent->document, &document->id) &&
           mcpz_actor_compare(&recent->actor, actor) == 0 && document->cuts.count == 0 &&
           is_last_of(&document->clock, actor, which);
}

/* Find the one before it. */
static mcpz_error find_before(const struct mcpz_store *store, const struct mcpz_document *document,
                              const struct mcpz_past_recent *recent,
                              const struct mcpz_delta *delta, struct before *before,
                              enum mcpz_place *found)
{
    const struct mcpz_tip prev = {delta->seq - 1, delta->prev};
    struct mcpz_record record = {.kind = MCPZ_RECORD_DELTA};

    if (is_recent(recent, document, &delta->actor, &prev)) {
        *before = (struct before){recent->hlc, recent->seen.versions, recent->seen.count};
        *found = MCPZ_PLACE_HERE;
        return MCPZ_OK;
    }
    mcpz_error error = find(store, document, &delta->actor, &prev, &record, found);
    if (error == MCPZ_OK && *found == MCPZ_PLACE_HERE) {
        const struct mcpz_delta *kept = &record.delta.delta;
        *before = (struct before){kept->hlc, kept->versions, kept->version_count};
    }
    return error;
}

/* How it stands to the one before it, which is left in `before`. */
static mcpz_error judge_before(const struct mcpz_store *store,
                               const struct mcpz_document *document,
                               const struct mcpz_past_recent *recent,
                               const struct mcpz_delta *delta, struct before *before,
                               enum mcpz_past *past)
{
    enum mcpz_place found = MCPZ_PLACE_NOWHERE;

    *before = (struct before){.version_count = 0};
    *past = MCPZ_PAST_COMPLETE;
    if (delta->seq == 1) {
        return MCPZ_OK;
    }
    mcpz_error error = find_before(store, document, recent, delta, before, &found);
    if (found == MCPZ_PLACE_NOWHERE) {
        *past = MCPZ_PAST_MISSING;
    } else if (found == MCPZ_PLACE_HERE &&
               (before->hlc >= delta->hlc || !has_grown(before, delta))) {
        *past = MCPZ_PAST_REFUTED;
    }
    return error;
}

/*
 * Has its author seen all that is here, and nothing else? Then what it names is here, has not
 * grown less, and is stamped earlier, as all of the document is: there is nothing to look up.
 */
static bool follows_all(const struct mcpz_document *document, const struct mcpz_delta *delta)
{
    const struct mcpz_tip prev = {delta->seq - 1, delta->prev};
    size_t named = delta->version_count;

    if (document->cuts.count > 0 || delta->hlc <= document->hlc) {
        return false;
    }
    if (delta->seq > 1) {
        if (!is_last_of(&document->clock, &delta->actor, &prev)) {
            return false;
        }
        named++;
    }
    if (named != document->clock.count) {
        return false;
    }
    for (size_t i = 0; i < delta->version_count; i++) {
        const struct mcpz_version *seen = &delta->versions[i];
        const struct mcpz_tip which = {seen->seq, seen->head};
        if (!is_last_of(&document->clock, &seen->actor, &which)) {
            return false;
        }
    }
    return true;
}

mcpz_error mcpz_past_judge(const struct mcpz_store *store, const struct mcpz_document *document,
                           const struct mcpz_past_recent *recent, const struct mcpz_delta *delta,
                           enum mcpz_past *past)
{
    struct before before;

    *past = MCPZ_PAST_COMPLETE;
    if (follows_all(document, delta)) {
        return MCPZ_OK;
    }
    mcpz_error error = judge_before(store, document, recent, delta, &before, past);
    if (*past != MCPZ_PAST_COMPLETE) {
        return error;
    }
    for (size_t i = 0; i < delta->version_count && error == MCPZ_OK; i++) {
        enum mcpz_past one = MCPZ_PAST_COMPLETE;
        if (!is_known(&before, &delta->versions[i])) {
            error = judge_seen(store, document, delta, &delta->versions[i], &one);
        }
        if (one == MCPZ_PAST_REFUTED) {
            *past = one;
            return error;
        }
        *past = one == MCPZ_PAST_COMPLETE ? *past : one;
    }
    if (error == MCPZ_OK && *past == MCPZ_PAST_COMPLETE) {
        bool covered;
        error = mcpz_budget_is_covered(store, document, delta, &covered);
        *past = covered ? MCPZ_PAST_COMPLETE : MCPZ_PAST_REFUTED;
    }
    return error;
}

/* ---- Asking for it ------------------------------------------------------------------------ */

static mcpz_error set_back(const struct mcpz_store *store, struct mcpz_document *document,
                           const struct mcpz_version *seen, bool *is_set_back)
{
    struct mcpz_clock *clock = &document->clock;
    const struct mcpz_version *last = mcpz_clock_find(clock->versions, clock->count, &seen->actor);
    const struct mcpz_tip which = {seen->seq, seen->head};
    struct mcpz_version before = {.actor = seen->actor, .seq = seen->seq - 1};
    struct mcpz_record record;
    bool held;

    if (last == NULL || mcpz_version_closes(last) || mcpz_version_closes(seen) ||
        seen->seq > last->seq ||
        mcpz_cuts_find(document->cuts.cuts, document->cuts.count, &seen->actor) != NULL) {
        return MCPZ_OK;
    }
    mcpz_error error = mcpz_past_holds(store, document, &seen->actor, &which, &held);
    if (error != MCPZ_OK || held) {
        return error;
    }
    *is_set_back = true;
    mcpz_clock_forget(clock, &seen->actor);
    error = mcpz_document_find_delta(store, &document->id, &before.actor, before.seq, &record);
    if (error == MCPZ_OK) {
        before.head = record.delta.head;
        return mcpz_clock_advance(clock, &before) ? MCPZ_OK : MCPZ_ECORRUPT;
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

mcpz_error mcpz_past_set_back(const struct mcpz_store *store, struct mcpz_document *document,
                              const struct mcpz_delta *delta, bool *is_set_back)
{
    const struct mcpz_version prev = {delta->actor, delta->seq - 1, delta->prev};

    *is_set_back = false;
    mcpz_error error = prev.seq > 0 ? set_back(store, document, &prev, is_set_back) : MCPZ_OK;
    for (size_t i = 0; i < delta->version_count && error == MCPZ_OK; i++) {
        error = set_back(store, document, &delta->versions[i], is_set_back);
    }
    return error;
}
