#include "core/crdt/catchup.h"

#include "core/crdt/branches.h"
#include "core/crdt/clock.h"
#include "core/crdt/cuts.h"
#include "core/crdt/floor.h"
#include "core/crdt/lives.h"
#include "core/crdt/past.h"

/* ---- Asking ------------------------------------------------------------------------------- */

static bool was_forgotten(const struct mcpz_catchup *catchup, const struct mcpz_document *document,
                          uint64_t digest)
{
    return catchup->forgotten != NULL &&
           mcpz_forgotten_has(catchup->forgotten, &document->id, digest, catchup->now);
}

enum mcpz_want_answer mcpz_catchup_ask(struct mcpz_catchup *catchup,
                                       const struct mcpz_document *document,
                                       enum mcpz_want_reason reason, uint64_t digest)
{
    if (!document->exists && (catchup->is_full || catchup->is_held)) {
        return MCPZ_WANT_NOTHING;
    }
    if (!document->exists && was_forgotten(catchup, document, digest)) {
        return MCPZ_WANT_NOTHING;
    }
    enum mcpz_want_answer answer = mcpz_wanted_ask(catchup->wanted, catchup->now, catchup->peer,
                                                   &document->id, reason, digest);
    if (answer == MCPZ_WANT_ASK && !mcpz_mail_want(catchup->mail, catchup->peer, document)) {
        (void)mcpz_wanted_answered(catchup->wanted, catchup->peer, &document->id);
        return MCPZ_WANT_NO_ROOM;
    }
    return answer;
}

mcpz_error mcpz_catchup_ask_past(struct mcpz_catchup *catchup, struct mcpz_document *document,
                                 const struct mcpz_delta *delta)
{
    bool is_branch;

    mcpz_error error = mcpz_past_set_back(catchup->store, document, delta, &is_branch);
    if (error == MCPZ_OK) {
        (void)mcpz_catchup_ask(catchup, document, is_branch ? MCPZ_WANT_BRANCH : MCPZ_WANT_GAP, 0);
    }
    return error;
}

mcpz_error mcpz_catchup_look(struct mcpz_catchup *catchup, const struct mcpz_digest *theirs,
                             enum mcpz_want_answer *answer)
{
    struct mcpz_document ours;
    mcpz_error error = mcpz_document_load(catchup->store, &theirs->document, &ours);

    if (error != MCPZ_OK) {
        return error;
    }
    if (ours.exists && mcpz_document_digest_of(&ours) == theirs->digest) {
        (void)mcpz_wanted_answered(catchup->wanted, catchup->peer, &theirs->document);
        *answer = MCPZ_WANT_NOTHING;
    } else {
        *answer = mcpz_catchup_ask(catchup, &ours, MCPZ_WANT_MORE, theirs->digest);
    }
    return MCPZ_OK;
}

/* ---- Answering ---------------------------------------------------------------------------- */

/* One question being answered. */
struct answer {
    struct mcpz_catchup *catchup;
    const struct mcpz_document *document;
    const struct mcpz_msg_want *want;
    struct mcpz_floor floor;
    size_t pages_left;
};

/* All that can be here of `actor` is at or below this. */
static uint64_t last_seq(const struct mcpz_document *document, const struct mcpz_actor *actor)
{
    const struct mcpz_clock *clock = &document->clock;

    if (mcpz_cuts_find(document->cuts.cuts, document->cuts.count, actor) != NULL) {
        return UINT64_MAX;
    }
    return mcpz_clock_get(clock->versions, clock->count, actor);
}

static mcpz_error tell_page(struct answer *answer, const struct mcpz_actor *actor, uint64_t seq,
                            bool is_sparse)
{
    struct mcpz_catchup *catchup = answer->catchup;
    struct mcpz_tip ids[MCPZ_BRANCH_IDS_MAX];
    struct mcpz_msg_branches page;

    if (answer->pages_left == 0) {
        return MCPZ_OK; /* they differ with the next comparison, too */
    }
    answer->pages_left--;
    mcpz_error error =
        is_sparse
            ? mcpz_branches_sample(catchup->store, &answer->document->id, actor, seq, ids, &page)
            : mcpz_branches_page(catchup->store, &answer->document->id, actor, seq, ids, &page);
    if (error == MCPZ_OK) {
        (void)mcpz_mail_branches(catchup->mail, catchup->peer, &page);
    }
    return error;
}

/* `seq`, or where we know the actor to contradict itself, if that is below. */
static uint64_t or_our_cut(uint64_t seq, const struct mcpz_cut *ours)
{
    return ours != NULL && ours->seq < seq ? ours->seq : seq;
}

/*
 * Tell where we part from an asker whose `tip` is not here: it is further on, or on another
 * branch. Below our cut there is one branch of ours: who has the last of that, which is told, has
 * it all.
 */
static mcpz_error tell_parting(struct answer *answer, const struct mcpz_actor *actor,
                               const struct mcpz_tip *tip, const struct mcpz_cut *ours)
{
    return tip->seq <= last_seq(answer->document, actor)
               ? tell_page(answer, actor, or_our_cut(tip->seq, ours), true)
               : MCPZ_OK;
}

/*
 * Line up what the asker lacks of one actor in `walk`. If it knows that the actor contradicts
 * itself, tell of branches, if ours are others; but where what stands before its cut is not here,
 * we part further down than either knows.
 */
static mcpz_error answer_actor(struct answer *answer, struct mcpz_branches *walk,
                               const struct mcpz_actor *actor)
{
    const struct mcpz_msg_want *want = answer->want;
    const struct mcpz_document *document = answer->document;
    const struct mcpz_store *store = answer->catchup->store;
    const struct mcpz_version *seen = mcpz_clock_find(want->versions, want->version_count, actor);
    const struct mcpz_cut *theirs = mcpz_cuts_find(want->cuts, want->cut_count, actor);
    const struct mcpz_cut *ours = mcpz_cuts_find(document->cuts.cuts, document->cuts.count, actor);
    struct mcpz_tip tip = {.seq = 0};
    bool held = true;

    if (mcpz_cuts_find(answer->floor.cuts.cuts, answer->floor.cuts.count, actor) != NULL) {
        return MCPZ_OK; /* they have reached it, and so what all have signed of it */
    }
    if (theirs != NULL && mcpz_cuts_equal(theirs, ours)) {
        return MCPZ_OK;
    }
    if (seen != NULL) {
        tip = (struct mcpz_tip){seen->seq, seen->head};
        mcpz_error error = mcpz_past_holds(store, document, actor, &tip, &held);
        if (error != MCPZ_OK) {
            return error;
        }
    }
    if (!held) {
        return tell_parting(answer, actor, &tip, ours);
    }
    if (theirs != NULL) {
        return tell_page(answer, actor, or_our_cut(theirs->seq, ours), false);
    }
    if (ours != NULL && tip.seq >= ours->seq) {
        mcpz_error error = tell_page(answer, actor, ours->seq, false);
        if (error != MCPZ_OK) {
            return error;
        }
    }
    const struct mcpz_version *last =
        mcpz_clock_find(answer->floor.clock.versions, answer->floor.clock.count, actor);
    if (last != NULL && last->seq == tip.seq) {
        tip.head = last->head; /* what all have signed: there is no other */
    }
    return mcpz_branches_follow(walk, store, actor, &tip);
}

/* What the asker lacks of lives that are closed here, and above the floor. */
static mcpz_error answer_closed(struct answer *answer, struct mcpz_branches *walk,
                                const struct mcpz_version *closing)
{
    const struct mcpz_msg_want *want = answer->want;
    const struct mcpz_clock *floor = &answer->floor.clock;
    const struct mcpz_store *store = answer->catchup->store;
    struct mcpz_actor life = {.node = closing->actor.node};

    mcpz_error error = mcpz_lives_next_kept(store, &answer->document->id, closing, &life);
    while (error == MCPZ_OK) {
        if (!mcpz_clock_is_closed(want->versions, want->version_count, &life) &&
            !mcpz_clock_is_closed(floor->versions, floor->count, &life)) {
            error = walk->count < MCPZ_BRANCHES_AT_ONCE ? answer_actor(answer, walk, &life)
                                                        : MCPZ_EFULL;
        }
        if (error == MCPZ_OK) {
            error = mcpz_lives_next_kept(store, &answer->document->id, closing, &life);
        }
    }
    return error == MCPZ_ENOTFOUND || error == MCPZ_EFULL ? MCPZ_OK : error; /* the rest is next */
}

static mcpz_error line_up(struct answer *answer, struct mcpz_branches *walk)
{
    const struct mcpz_clock *clock = &answer->document->clock;
    const struct mcpz_cuts *cuts = &answer->document->cuts;
    mcpz_error error = MCPZ_OK;

    mcpz_branches_init(walk, answer->document);
    for (size_t i = 0; i < clock->count && error == MCPZ_OK; i++) {
        const struct mcpz_version *version = &clock->versions[i];
        error = mcpz_version_closes(version) ? answer_closed(answer, walk, version)
                                             : answer_actor(answer, walk, &version->actor);
    }
    for (size_t i = 0; i < cuts->count && error == MCPZ_OK; i++) {
        const struct mcpz_actor *actor = &cuts->cuts[i].actor;
        if (mcpz_clock_find(clock->versions, clock->count, actor) == NULL) {
            error = answer_actor(answer, walk, actor); /* cut at its very first delta */
        }
    }
    return error;
}

static void offer_rest(struct mcpz_catchup *catchup, const struct mcpz_document *document)
{
    (void)mcpz_mail_offer(catchup->mail, catchup->peer, &document->id,
                          mcpz_document_digest_of(document));
}

/*
 * Must the asker begin with our base? What it lacks is gone, or it has found a branch within what
 * all have signed, which comes too late: then there is a base soon, if there is none yet.
 */
static mcpz_error needs_base(const struct answer *answer, bool *needed)
{
    const struct mcpz_msg_want *want = answer->want;
    const struct mcpz_store *store = answer->catchup->store;
    const struct mcpz_seen seen = {want->versions, want->version_count, want->cuts,
                                   want->cut_count};
    mcpz_error error = MCPZ_OK;

    *needed = !mcpz_floor_is_reached(&answer->floor, &seen);
    for (size_t i = 0; i < want->cut_count && error == MCPZ_OK && !*needed; i++) {
        const struct mcpz_cut *cut = &want->cuts[i];
        error = mcpz_floor_is_against(store, &want->document, cut, needed);
        if (error == MCPZ_OK && *needed) {
            error = mcpz_floor_hasten(store, &want->document);
        }
    }
    return error;
}

/* Does something of who is cut follow another delta than that which stands before its cut? */
static mcpz_error is_broken_off(const struct answer *answer, const struct mcpz_cut *cut,
                                bool *broken)
{
    const struct mcpz_clock *clock = &answer->document->clock;
    const struct mcpz_store *store = answer->catchup->store;
    const struct mcpz_version *last = mcpz_clock_find(clock->versions, clock->count, &cut->actor);
    struct mcpz_record record;

    *broken = false;
    if (last == NULL) {
        return MCPZ_OK;
    }
    mcpz_error error =
        mcpz_document_find_delta(store, &answer->document->id, &cut->actor, cut->seq, &record);
    while (error == MCPZ_OK && !*broken) {
        *broken = !mcpz_head_equal(&record.delta.delta.prev, &last->head);
        error = store->next(store->context, MCPZ_SCAN_SEQ, false, &record);
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

/*
 * The asker may count what follows another branch than all have signed, as it has that, too: our
 * base shows it. If it has what was signed, that says nothing to it, and it lacks the other.
 */
static mcpz_error show_base(const struct answer *answer)
{
    const struct mcpz_msg_want *want = answer->want;
    struct mcpz_catchup *catchup = answer->catchup;
    const struct mcpz_cuts *cuts = &answer->document->cuts;
    bool is_broken = false;
    mcpz_error error = MCPZ_OK;

    for (size_t i = 0; i < cuts->count && error == MCPZ_OK && !is_broken; i++) {
        const struct mcpz_cut *cut = &cuts->cuts[i];
        if (mcpz_clock_get(want->versions, want->version_count, &cut->actor) >= cut->seq) {
            error = is_broken_off(answer, cut, &is_broken);
        }
    }
    if (error == MCPZ_OK && is_broken) {
        error = mcpz_floor_hasten(catchup->store, &want->document);
        (void)mcpz_mail_base(catchup->mail, catchup->peer, &want->document);
    }
    return error;
}

mcpz_error mcpz_catchup_serve(struct mcpz_catchup *catchup, const struct mcpz_document *document,
                              const struct mcpz_msg_want *want, size_t *bytes)
{
    struct answer answer = {
        .catchup = catchup,
        .document = document,
        .want = want,
        .pages_left = MCPZ_BRANCH_PAGES_PER_WANT_MAX,
    };
    struct mcpz_branches walk;
    struct mcpz_record record;
    size_t total = 0;
    bool needs_it = false;
    *bytes = 0;

    mcpz_error error = mcpz_floor_load(catchup->store, &document->id, &answer.floor);
    if (error == MCPZ_OK) {
        error = needs_base(&answer, &needs_it);
    }
    if (error == MCPZ_OK && needs_it) {
        /* The base is next, and then it asks again. */
        catchup->is_below = true;
        *bytes = mcpz_mail_base(catchup->mail, catchup->peer, &document->id) ? 1 : 0;
        return MCPZ_OK;
    }
    if (error == MCPZ_OK) {
        error = show_base(&answer);
    }
    if (error == MCPZ_OK) {
        error = line_up(&answer, &walk);
    }
    for (size_t sent = 0; error == MCPZ_OK; sent++) {
        error = mcpz_branches_next(&walk, catchup->store, &record);
        if (error != MCPZ_OK) {
            break;
        }
        total += mcpz_mail_delta_bytes(&record.delta.delta);
        if (sent == MCPZ_DELTAS_PER_WANT_MAX || (sent > 0 && total > MCPZ_BYTES_PER_WANT_MAX) ||
            !mcpz_mail_delta(catchup->mail, catchup->peer, NULL, &record.delta.delta)) {
            offer_rest(catchup, document);
            return MCPZ_OK;
        }
        *bytes = total;
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

/* Is any of the branches not here? */
static mcpz_error lacks_tips(const struct mcpz_store *store, const struct mcpz_document *document,
                             const struct mcpz_cut *theirs, bool *lacks)
{
    const struct mcpz_cut *ours =
        mcpz_cuts_find(document->cuts.cuts, document->cuts.count, &theirs->actor);

    if (mcpz_clock_is_closed(document->clock.versions, document->clock.count, &theirs->actor)) {
        *lacks = false; /* nothing of it is taken in any more */
        return MCPZ_OK;
    }
    *lacks = ours == NULL || ours->seq > theirs->seq ||
             (theirs->overrun && !mcpz_cuts_equal(ours, theirs));
    for (size_t i = 0; i < theirs->tip_count && !*lacks && !theirs->overrun; i++) {
        bool held;
        mcpz_error error =
            mcpz_past_holds(store, document, &theirs->actor, &theirs->tips[i], &held);
        if (error != MCPZ_OK) {
            return error;
        }
        *lacks = !held;
    }
    return MCPZ_OK;
}

/* Is this one's last delta not here, and would be taken in? */
static mcpz_error lacks_version(const struct mcpz_store *store,
                                const struct mcpz_document *document,
                                const struct mcpz_version *theirs, bool *lacks)
{
    const struct mcpz_tip tip = {theirs->seq, theirs->head};
    bool held;

    mcpz_error error = mcpz_past_holds(store, document, &theirs->actor, &tip, &held);
    *lacks = error == MCPZ_OK && !held;
    return error;
}

mcpz_error mcpz_catchup_lacks(const struct mcpz_store *store, const struct mcpz_document *document,
                              const struct mcpz_msg_want *want, bool *lacks)
{
    mcpz_error error = MCPZ_OK;

    *lacks = false;
    for (size_t i = 0; i < want->version_count && error == MCPZ_OK && !*lacks; i++) {
        error = lacks_version(store, document, &want->versions[i], lacks);
    }
    for (size_t i = 0; i < want->cut_count && error == MCPZ_OK && !*lacks; i++) {
        error = lacks_tips(store, document, &want->cuts[i], lacks);
    }
    return error;
}

/* ---- Branches ----------------------------------------------------------------------------- */

/* Was a delta of who is cut not in what all have signed, as far as can be seen here? */
static mcpz_error comes_too_late(const struct mcpz_catchup *catchup,
                                 const struct mcpz_document *document,
                                 const struct mcpz_actor *actor, const struct mcpz_tip *id,
                                 bool *late)
{
    enum mcpz_place place;

    mcpz_error error = mcpz_past_find(catchup->store, document, actor, id, &place);
    *late = error == MCPZ_OK && place == MCPZ_PLACE_FOLDED;
    return error;
}

/* Do they hold two deltas in one place, of which all have signed one, or more behind a cut? */
static mcpz_error shows_settled_fork(const struct mcpz_catchup *catchup,
                                     const struct mcpz_document *document,
                                     const struct mcpz_msg_branches *page, bool *shown)
{
    mcpz_error error = MCPZ_OK;

    *shown = false;
    for (size_t i = 0; i < page->id_count && error == MCPZ_OK && !*shown; i++) {
        const struct mcpz_tip *id = &page->ids[i];
        if (mcpz_cuts_is_tainted(&document->cuts, &page->actor, id->seq)) {
            error = comes_too_late(catchup, document, &page->actor, id, shown);
        } else if (i > 0 && id->seq == page->ids[i - 1].seq) {
            error = mcpz_floor_is_settled(catchup->store, &page->document, &page->actor, id->seq,
                                          shown);
        }
    }
    return error;
}

mcpz_error mcpz_catchup_branches(struct mcpz_catchup *catchup,
                                 const struct mcpz_document *document,
                                 const struct mcpz_msg_branches *page)
{
    struct mcpz_tip ids[MCPZ_FETCH_MAX];
    struct mcpz_msg_fetch fetch;
    bool is_too_late = false;

    mcpz_error error = shows_settled_fork(catchup, document, page, &is_too_late);
    if (error == MCPZ_OK && is_too_late) {
        error = mcpz_floor_hasten(catchup->store, &page->document);
        (void)mcpz_mail_base(catchup->mail, catchup->peer, &page->document);
    }
    if (error != MCPZ_OK) {
        return error;
    }
    error = mcpz_branches_answer(catchup->store, document, page, ids, &fetch);
    if (error == MCPZ_OK && (fetch.id_count > 0 || fetch.next > 0)) {
        (void)mcpz_mail_fetch(catchup->mail, catchup->peer, &fetch);
    }
    return error;
}

mcpz_error mcpz_catchup_fetch(struct mcpz_catchup *catchup, const struct mcpz_document *document,
                              const struct mcpz_msg_fetch *fetch, size_t *bytes)
{
    struct answer answer = {.catchup = catchup, .document = document, .pages_left = 1};
    const struct mcpz_store *store = catchup->store;
    uint64_t next = fetch->next;
    *bytes = 0;

    for (size_t i = 0; i < fetch->id_count; i++) {
        struct mcpz_record record = {
            .kind = MCPZ_RECORD_DELTA,
            .delta = {.delta = {.document = document->id,
                                .actor = fetch->actor,
                                .seq = fetch->ids[i].seq},
                      .head = fetch->ids[i].head},
        };
        mcpz_error error = store->get(store->context, &record);
        if (error == MCPZ_ENOTFOUND) {
            continue;
        }
        if (error != MCPZ_OK) {
            return error;
        }
        size_t more = mcpz_mail_delta_bytes(&record.delta.delta);
        if ((*bytes > 0 && *bytes + more > MCPZ_BYTES_PER_WANT_MAX) ||
            !mcpz_mail_delta(catchup->mail, catchup->peer, NULL, &record.delta.delta)) {
            next = fetch->ids[i].seq; /* the rest, once this is taken in */
            break;
        }
        *bytes += more;
    }
    return next > 0 ? tell_page(&answer, &fetch->actor, next, false) : MCPZ_OK;
}
