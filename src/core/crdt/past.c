#include "core/crdt/past.h"

#include "core/crdt/clock.h"
#include "core/crdt/cuts.h"

/* Can it be here at all? Spares most looks into the store. */
static bool may_hold(const struct mcpz_document *document, const struct mcpz_actor *actor,
                     const struct mcpz_tip *which)
{
    const struct mcpz_clock *clock = &document->clock;
    const struct mcpz_version *last = mcpz_clock_find(clock->versions, clock->count, actor);

    if (mcpz_cuts_find(document->cuts.cuts, document->cuts.count, actor) != NULL) {
        return true;
    }
    /* Without a cut there is one chain. */
    return last != NULL &&
           (which->seq < last->seq ||
            (which->seq == last->seq && mcpz_head_equal(&which->head, &last->head)));
}

static mcpz_error read_delta(const struct mcpz_store *store, const struct mcpz_document *document,
                             const struct mcpz_actor *actor, const struct mcpz_tip *which,
                             struct mcpz_record *record)
{
    if (!may_hold(document, actor, which)) {
        return MCPZ_ENOTFOUND;
    }
    *record = (struct mcpz_record){
        .kind = MCPZ_RECORD_DELTA,
        .delta = {.delta = {.document = document->id, .actor = *actor, .seq = which->seq},
                  .head = which->head},
    };
    return store->get(store->context, record);
}

mcpz_error mcpz_past_holds(const struct mcpz_store *store, const struct mcpz_document *document,
                           const struct mcpz_actor *actor, const struct mcpz_tip *which,
                           bool *held)
{
    struct mcpz_record record;

    mcpz_error error = read_delta(store, document, actor, which, &record);
    *held = error == MCPZ_OK;
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

/* V5: what it has seen only grows; at equal places it is the same. */
static bool has_grown(const struct mcpz_delta *before, const struct mcpz_delta *delta)
{
    for (size_t i = 0; i < before->version_count; i++) {
        const struct mcpz_version *old = &before->versions[i];
        const struct mcpz_version *now =
            mcpz_clock_find(delta->versions, delta->version_count, &old->actor);
        if (now == NULL || now->seq < old->seq ||
            (now->seq == old->seq && !mcpz_head_equal(&now->head, &old->head))) {
            return false;
        }
    }
    return true;
}

static bool is_overrun(const struct mcpz_document *document, const struct mcpz_version *seen)
{
    const struct mcpz_cut *cut =
        mcpz_cuts_find(document->cuts.cuts, document->cuts.count, &seen->actor);
    return cut != NULL && cut->overrun && seen->seq >= cut->seq;
}

/* What its author has seen of one other. */
static mcpz_error judge_seen(const struct mcpz_store *store, const struct mcpz_document *document,
                             const struct mcpz_delta *delta, const struct mcpz_version *seen,
                             enum mcpz_past *past)
{
    const struct mcpz_tip which = {seen->seq, seen->head};
    struct mcpz_record record;

    mcpz_error error = read_delta(store, document, &seen->actor, &which, &record);
    if (error == MCPZ_ENOTFOUND) {
        *past = is_overrun(document, seen) ? MCPZ_PAST_COMPLETE : MCPZ_PAST_MISSING;
        return MCPZ_OK;
    }
    /* V7: stamps grow along causality. Along a chain they do, so its last delta is enough. */
    *past = error == MCPZ_OK && record.delta.delta.hlc >= delta->hlc ? MCPZ_PAST_REFUTED
                                                                     : MCPZ_PAST_COMPLETE;
    return error;
}

/* What its author had seen of this one before was looked at with the delta before. */
static bool is_known(const struct mcpz_delta *before, const struct mcpz_version *seen)
{
    const struct mcpz_version *old =
        mcpz_clock_find(before->versions, before->version_count, &seen->actor);
    return old != NULL && old->seq == seen->seq;
}

mcpz_error mcpz_past_judge(const struct mcpz_store *store, const struct mcpz_document *document,
                           const struct mcpz_delta *delta, enum mcpz_past *past)
{
    const struct mcpz_tip prev = {delta->seq - 1, delta->prev};
    struct mcpz_record before = {.kind = MCPZ_RECORD_DELTA, .delta = {.delta = {.seq = 0}}};
    mcpz_error error = MCPZ_OK;

    if (delta->seq > 1) {
        error = read_delta(store, document, &delta->actor, &prev, &before);
    }
    if (error != MCPZ_OK) {
        *past = MCPZ_PAST_MISSING;
        return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
    }
    if (delta->seq > 1 &&
        (before.delta.delta.hlc >= delta->hlc || !has_grown(&before.delta.delta, delta))) {
        *past = MCPZ_PAST_REFUTED;
        return MCPZ_OK;
    }

    *past = MCPZ_PAST_COMPLETE;
    for (size_t i = 0; i < delta->version_count && *past != MCPZ_PAST_REFUTED; i++) {
        enum mcpz_past one;
        if (is_known(&before.delta.delta, &delta->versions[i])) {
            continue;
        }
        error = judge_seen(store, document, delta, &delta->versions[i], &one);
        if (error != MCPZ_OK) {
            return error;
        }
        *past = one == MCPZ_PAST_COMPLETE ? *past : one;
    }
    return MCPZ_OK;
}
