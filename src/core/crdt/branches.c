#include "core/crdt/branches.h"

#include <assert.h>

#include "core/crdt/floor.h"
#include "core/crdt/lives.h"
#include "core/crdt/past.h"

/* ---- Walking ------------------------------------------------------------------------------ */

void mcpz_branches_init(struct mcpz_branches *walk, const struct mcpz_document *document)
{
    walk->document = *document;
    walk->count = 0;
}

/* Is (actor, seq) among what was there when the walk started? */
static bool covers(const struct mcpz_branches *walk, const struct mcpz_actor *actor, uint64_t seq)
{
    const struct mcpz_clock *clock = &walk->document.clock;
    return mcpz_clock_get(clock->versions, clock->count, actor) >= seq;
}

/*
 * Does `delta`, the next of its actor, follow `after`? What its author had written before it may
 * be a branch within what all have signed, which is not here: there it is as good as what is.
 */
static mcpz_error check_follows(const struct mcpz_store *store, const struct mcpz_delta *delta,
                                const struct mcpz_tip *after, bool *follows)
{
    struct mcpz_record before = {
        .kind = MCPZ_RECORD_DELTA,
        .delta = {.delta = {.document = delta->document, .actor = delta->actor, .seq = after->seq},
                  .head = delta->prev},
    };

    *follows = mcpz_head_equal(&delta->prev, &after->head);
    if (*follows) {
        return MCPZ_OK;
    }
    mcpz_error error = store->get(store->context, &before);
    if (error == MCPZ_ENOTFOUND) {
        return mcpz_floor_is_settled(store, &delta->document, &delta->actor, after->seq, follows);
    }
    return error;
}

/* Walk what follows `after`; if `is_any`, all that comes behind it, whatever it follows. */
static mcpz_error follow(struct mcpz_branches *walk, const struct mcpz_store *store,
                         const struct mcpz_actor *actor, const struct mcpz_tip *after, bool is_any)
{
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_DELTA,
        .delta = {.delta = {.document = walk->document.id,
                            .actor = *actor,
                            .seq = after->seq + 1}},
    };
    mcpz_error error = MCPZ_ENOTFOUND;
    bool must_go_on = after->seq < UINT64_MAX && covers(walk, actor, after->seq + 1);
    bool found = false;

    if (must_go_on || (after->seq < UINT64_MAX &&
                       mcpz_cuts_is_tainted(&walk->document.cuts, actor, after->seq + 1))) {
        error = store->next(store->context, MCPZ_SCAN_SEQ, true, &record);
    }
    while (error == MCPZ_OK) {
        const struct mcpz_delta *delta = &record.delta.delta;
        bool follows = true;
        error = is_any ? MCPZ_OK : check_follows(store, delta, after, &follows);
        if (error != MCPZ_OK) {
            return error;
        }
        found = true;
        if (follows && walk->count < MCPZ_BRANCHES_AT_ONCE) {
            walk->branches[walk->count++] = (struct mcpz_branch){
                .actor = *actor,
                .at = {delta->seq, record.delta.head},
                .hlc = delta->hlc,
            };
        }
        error = store->next(store->context, MCPZ_SCAN_SEQ, false, &record);
    }
    if (error == MCPZ_ENOTFOUND && !found && must_go_on &&
        !mcpz_clock_is_closed(walk->document.clock.versions, walk->document.clock.count, actor)) {
        return MCPZ_ECORRUPT; /* all deltas above the floor are kept */
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

mcpz_error mcpz_branches_follow(struct mcpz_branches *walk, const struct mcpz_store *store,
                                const struct mcpz_actor *actor, const struct mcpz_tip *after)
{
    return follow(walk, store, actor, after, false);
}

mcpz_error mcpz_branches_follow_signed(struct mcpz_branches *walk, const struct mcpz_store *store,
                                       const struct mcpz_version *last)
{
    return follow(walk, store, &last->actor, &(struct mcpz_tip){last->seq, last->head}, true);
}

mcpz_error mcpz_branches_follow_closed(struct mcpz_branches *walk, const struct mcpz_store *store,
                                       const struct mcpz_version *closing,
                                       const struct mcpz_version *below, size_t below_count)
{
    struct mcpz_actor life = {.node = closing->actor.node};

    mcpz_error error = mcpz_lives_next_kept(store, &walk->document.id, closing, &life);
    while (error == MCPZ_OK) {
        const struct mcpz_version *last = mcpz_clock_find(below, below_count, &life);
        const struct mcpz_tip behind =
            last != NULL ? (struct mcpz_tip){last->seq, last->head} : (struct mcpz_tip){.seq = 0};
        if (last == NULL || !mcpz_version_closes(last)) {
            error = walk->count < MCPZ_BRANCHES_AT_ONCE
                        ? mcpz_branches_follow(walk, store, &life, &behind)
                        : MCPZ_EFULL;
        }
        if (error == MCPZ_OK) {
            error = mcpz_lives_next_kept(store, &walk->document.id, closing, &life);
        }
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

mcpz_error mcpz_branches_follow_all(struct mcpz_branches *walk, const struct mcpz_store *store)
{
    static const struct mcpz_tip start = {.seq = 0};
    const struct mcpz_clock *clock = &walk->document.clock;
    const struct mcpz_cuts *cuts = &walk->document.cuts;
    struct mcpz_floor floor;

    mcpz_error error = mcpz_floor_load(store, &walk->document.id, &floor);
    for (size_t i = 0; i < clock->count && error == MCPZ_OK; i++) {
        const struct mcpz_actor *actor = &clock->versions[i].actor;
        if (mcpz_cuts_find(floor.cuts.cuts, floor.cuts.count, actor) != NULL) {
            continue; /* all of it is below */
        }
        const struct mcpz_version *last =
            mcpz_clock_find(floor.clock.versions, floor.clock.count, actor);
        const struct mcpz_tip behind =
            last != NULL ? (struct mcpz_tip){last->seq, last->head} : start;
        error = mcpz_version_closes(&clock->versions[i])
                    ? mcpz_branches_follow_closed(walk, store, &clock->versions[i],
                                                  floor.clock.versions, floor.clock.count)
                    : mcpz_branches_follow(walk, store, actor, &behind);
    }
    for (size_t i = 0; i < cuts->count && error == MCPZ_OK; i++) {
        const struct mcpz_actor *actor = &cuts->cuts[i].actor;
        if (cuts->cuts[i].seq == 1 && /* it is in no vector */
            mcpz_cuts_find(floor.cuts.cuts, floor.cuts.count, actor) == NULL) {
            error = mcpz_branches_follow(walk, store, actor, &start);
        }
    }
    return error;
}

/* Stamps decide; the rest only makes it one order for all. */
static bool comes_before(const struct mcpz_branch *a, const struct mcpz_branch *b)
{
    if (a->hlc != b->hlc) {
        return a->hlc < b->hlc;
    }
    int order = mcpz_actor_compare(&a->actor, &b->actor);
    return order != 0 ? order < 0 : mcpz_tip_compare(&a->at, &b->at) < 0;
}

const struct mcpz_branch *mcpz_branches_first(const struct mcpz_branches *walk)
{
    const struct mcpz_branch *first = walk->count > 0 ? &walk->branches[0] : NULL;

    for (size_t i = 1; i < walk->count; i++) {
        if (comes_before(&walk->branches[i], first)) {
            first = &walk->branches[i];
        }
    }
    return first;
}

mcpz_error mcpz_branches_next(struct mcpz_branches *walk, const struct mcpz_store *store,
                              struct mcpz_record *record)
{
    const struct mcpz_branch *first = mcpz_branches_first(walk);
    if (first == NULL) {
        return MCPZ_ENOTFOUND;
    }
    const struct mcpz_branch branch = *first;

    walk->branches[first - walk->branches] = walk->branches[--walk->count];
    mcpz_error error = mcpz_branches_follow(walk, store, &branch.actor, &branch.at);
    if (error != MCPZ_OK) {
        return error;
    }
    *record = (struct mcpz_record){
        .kind = MCPZ_RECORD_DELTA,
        .delta = {.delta = {.document = walk->document.id,
                            .actor = branch.actor,
                            .seq = branch.at.seq},
                  .head = branch.at.head},
    };
    error = store->get(store->context, record);
    return error == MCPZ_ENOTFOUND ? MCPZ_ECORRUPT : error;
}

/* ---- Telling ------------------------------------------------------------------------------ */

/* The page is full: leave out the seq that may not be all there. */
static void cut_short(struct mcpz_msg_branches *page, uint64_t next_seq)
{
    const struct mcpz_tip *ids = page->ids;
    uint64_t last = ids[page->id_count - 1].seq;

    page->upto = last;
    if (next_seq == last && ids[0].seq < last) {
        while (ids[page->id_count - 1].seq == last) {
            page->id_count--;
        }
        page->upto = last - 1;
    }
}

mcpz_error mcpz_branches_page(const struct mcpz_store *store, const struct mcpz_id *document,
                              const struct mcpz_actor *actor, uint64_t from, struct mcpz_tip *ids,
                              struct mcpz_msg_branches *page)
{
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_DELTA,
        .delta = {.delta = {.document = *document, .actor = *actor, .seq = from}},
    };
    *page = (struct mcpz_msg_branches){
        .document = *document, .actor = *actor, .from = from, .upto = UINT64_MAX, .ids = ids};

    mcpz_error error = store->next(store->context, MCPZ_SCAN_ACTOR, true, &record);
    while (error == MCPZ_OK && page->id_count < MCPZ_BRANCH_IDS_MAX) {
        ids[page->id_count++] = (struct mcpz_tip){record.delta.delta.seq, record.delta.head};
        error = store->next(store->context, MCPZ_SCAN_ACTOR, false, &record);
    }
    if (error == MCPZ_OK) {
        cut_short(page, record.delta.delta.seq);
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

mcpz_error mcpz_branches_sample(const struct mcpz_store *store, const struct mcpz_id *document,
                                const struct mcpz_actor *actor, uint64_t upto,
                                struct mcpz_tip *ids, struct mcpz_msg_branches *page)
{
    size_t at = 64; /* steps double: there are no more */

    for (uint64_t back = 0; at > 0 && back < upto; back = back == 0 ? 1 : 2 * back) {
        struct mcpz_record record;
        mcpz_error error = mcpz_document_find_delta(store, document, actor, upto - back, &record);
        if (error != MCPZ_OK && error != MCPZ_ENOTFOUND) {
            return error;
        }
        if (error == MCPZ_OK) {
            ids[--at] = (struct mcpz_tip){upto - back, record.delta.head};
        }
        if (back > UINT64_MAX / 2) {
            break;
        }
    }
    *page = (struct mcpz_msg_branches){
        .document = *document,
        .actor = *actor,
        .sparse = true,
        .from = 1,
        .upto = upto,
        .ids = ids + at,
        .id_count = 64 - at,
    };
    return MCPZ_OK;
}

static_assert(MCPZ_BRANCH_IDS_MAX >= 64, "a sample fits");

/* ---- Asking ------------------------------------------------------------------------------- */

bool mcpz_branches_page_is_valid(const struct mcpz_msg_branches *page)
{
    if (mcpz_id_is_zero(&page->document) || page->from > page->upto) {
        return false;
    }
    return page->id_count == 0 ||
           (page->ids[0].seq >= page->from && page->ids[page->id_count - 1].seq <= page->upto);
}

/* Where a page must begin that shows where we part: at the last of the sample that is here. */
static mcpz_error find_common(const struct mcpz_store *store, const struct mcpz_document *document,
                              const struct mcpz_msg_branches *page, uint64_t *seq)
{
    *seq = 1;
    for (size_t i = page->id_count; i > 0; i--) {
        bool held;
        mcpz_error error =
            mcpz_past_holds(store, document, &page->actor, &page->ids[i - 1], &held);
        if (error != MCPZ_OK) {
            return error;
        }
        if (held) {
            *seq = page->ids[i - 1].seq;
            return MCPZ_OK;
        }
    }
    return MCPZ_OK;
}

/* An id of a page: is it to be asked for? Ids come by seq: `crowded` is of the last one's. */
static mcpz_error is_wanted(const struct mcpz_store *store, const struct mcpz_document *document,
                            const struct mcpz_msg_branches *page, size_t at, bool *crowded,
                            bool *wanted)
{
    const struct mcpz_tip *id = &page->ids[at];
    bool held;

    *wanted = false;
    mcpz_error error = mcpz_past_holds(store, document, &page->actor, id, &held);
    if (error == MCPZ_OK && (at == 0 || page->ids[at - 1].seq != id->seq)) {
        error = mcpz_past_is_crowded(store, document, &page->actor, id->seq, crowded);
    }
    *wanted = error == MCPZ_OK && !held && !*crowded;
    return error;
}

mcpz_error mcpz_branches_answer(const struct mcpz_store *store,
                                const struct mcpz_document *document,
                                const struct mcpz_msg_branches *page, struct mcpz_tip *ids,
                                struct mcpz_msg_fetch *fetch)
{
    *fetch = (struct mcpz_msg_fetch){.document = page->document, .actor = page->actor, .ids = ids};
    if (page->sparse) {
        return find_common(store, document, page, &fetch->next);
    }

    bool crowded = false;

    fetch->next = page->upto < UINT64_MAX ? page->upto + 1 : 0;
    for (size_t i = 0; i < page->id_count; i++) {
        const struct mcpz_tip *id = &page->ids[i];
        bool wanted;
        mcpz_error error = is_wanted(store, document, page, i, &crowded, &wanted);
        if (error != MCPZ_OK) {
            return error;
        }
        if (!wanted) {
            continue;
        }
        if (fetch->id_count == MCPZ_FETCH_MAX) {
            /* It goes up in any case, or whoever sends what nobody takes could keep it going. */
            fetch->next = id->seq > page->from ? id->seq : page->from + 1;
            break;
        }
        ids[fetch->id_count++] = *id;
    }
    return MCPZ_OK;
}
