#include "core/agents.h"

#include <assert.h>

#include "base/clear.h"
#include "core/agents_asked.h"
#include "core/agents_step.h"
#include "core/crdt/clock.h"
#include "core/crdt/cuts.h"
#include "core/crdt/document.h"
#include "core/crdt/draft.h"
#include "core/crdt/floor.h"
#include "core/crdt/forget.h"
#include "core/crdt/held.h"
#include "core/crdt/install.h"
#include "core/crdt/lives.h"
#include "core/crdt/loaded.h"
#include "core/crdt/mail.h"
#include "core/crdt/past.h"
#include "core/crdt/paths.h"
#include "core/crdt/shown.h"
#include "core/crdt/write.h"
#include "core/node.h"

/* What became of a delta. */
enum fate {
    FATE_MERGED,
    FATE_DUPLICATE,
    FATE_EARLY,
    FATE_AHEAD,
    FATE_REFUSED,
    FATE_OVERRUN, /* its author contradicts itself more often than is kept */
    FATE_HELD,    /* of a document that may have been forgotten, from who cannot know */
    FATE_FULL,    /* a limit of this node or this document */
    FATE_STORE_FAILED,
};

static const struct mcpz_outcome outcomes[] = {
    [FATE_MERGED] = {MCPZ_CODE_OK, ""},
    [FATE_DUPLICATE] = {MCPZ_CODE_OK, ""},
    [FATE_EARLY] = {MCPZ_CODE_CONFLICT, "what this change builds on is not here yet"},
    [FATE_AHEAD] = {MCPZ_CODE_CONFLICT, "this change is stamped more than 30 s in the future"},
    [FATE_REFUSED] = {MCPZ_CODE_BAD_REQUEST, "not a valid change"},
    [FATE_OVERRUN] = {MCPZ_CODE_LIMIT, "its writer has contradicted itself too often"},
    [FATE_HELD] = {MCPZ_CODE_CONFLICT, "this agent may have been deleted and forgotten"},
    [FATE_FULL] = {MCPZ_CODE_LIMIT, "too many agents at this node, or writers of this agent"},
    [FATE_STORE_FAILED] = {MCPZ_CODE_STORE_FAILED, "the store cannot be read; see the log"},
};

static void count_document(struct mcpz_agents *agents, bool was_live,
                           const struct mcpz_document *document)
{
    bool is_live = mcpz_document_is_live(document);

    if (is_live && !was_live) {
        agents->document_count++;
    } else if (was_live && !is_live && agents->document_count > 0) {
        agents->document_count--;
    }
}

/* Something of it came in. Mostly nothing is waited for, and it need not be digested. */
static void note_moved(struct mcpz_agents_step *step, const struct mcpz_document *document)
{
    struct mcpz_wanted *wanted = &step->agents->wanted;

    if (wanted->count > 0) {
        mcpz_wanted_moved(wanted, step->now, &document->id, mcpz_document_digest_of(document));
    }
}

/* Who we write as now, or a later life of ours that we do not remember? */
static bool is_us(const struct mcpz_agents *agents, const struct mcpz_actor *actor)
{
    return mcpz_id_equal(&actor->node, &agents->actor.node) &&
           actor->generation >= agents->actor.generation && actor->generation < UINT32_MAX;
}

static void become_another(struct mcpz_agents *agents, const struct mcpz_actor *actor)
{
    agents->actor.generation = actor->generation + 1;
    agents->rolled_back = true;
}

/*
 * What is only said, in a question or in a delta's past, is not signed by us. A member that lies
 * may make us another a few times, not fill documents with our lives, nor use up their numbers.
 */
static void believe_claim(struct mcpz_agents *agents, const struct mcpz_actor *actor)
{
    if (agents->claims_believed == MCPZ_CLAIMS_BELIEVED_MAX ||
        actor->generation - agents->actor.generation > MCPZ_CLAIMS_AHEAD_MAX) {
        agents->messages_refused++;
        return;
    }
    agents->claims_believed++;
    become_another(agents, actor);
}

void mcpz_agents_notice_lost(struct mcpz_agents *agents, const struct mcpz_document *document,
                             const struct mcpz_version *versions, size_t count)
{
    const struct mcpz_clock *clock = &document->clock;

    for (size_t i = 0; i < count; i++) {
        const struct mcpz_version *seen = &versions[i];
        const struct mcpz_version *last =
            mcpz_clock_find(clock->versions, clock->count, &seen->actor);
        bool is_ours = last != NULL &&
                       (seen->seq < last->seq ||
                        (seen->seq == last->seq && mcpz_head_equal(&seen->head, &last->head)));
        if (!is_ours && is_us(agents, &seen->actor)) {
            believe_claim(agents, &seen->actor);
        }
    }
}

/* ---- Deltas that come in ------------------------------------------------------------------ */

/* A delta, and where it belongs. */
struct arrival {
    const struct mcpz_id *from; /* NULL: a file, or what was here */
    bool was_here;              /* no clock is asked once more */
    const struct mcpz_delta *delta;
    struct mcpz_id id;
    struct mcpz_tip tip;
    struct mcpz_document *document;
};

/* What its author signed elsewhere, too late to count: it has contradicted itself all the same. */
static enum fate note_late(struct mcpz_agents_step *step, const struct arrival *arrival)
{
    const struct mcpz_store *store = step->agents->store;
    const struct mcpz_delta *delta = arrival->delta;
    struct mcpz_record rival;
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_FORK,
        .fork = {.document = delta->document, .actor = delta->actor},
    };

    if (mcpz_document_find_delta(store, &delta->document, &delta->actor, delta->seq, &rival) !=
            MCPZ_OK ||
        mcpz_head_equal(&rival.delta.head, &arrival->tip.head) ||
        store->get(store->context, &record) != MCPZ_ENOTFOUND) {
        return FATE_DUPLICATE; /* nothing here shows it, or it is known */
    }
    record.fork = (struct mcpz_record_fork){
        .document = delta->document,
        .actor = delta->actor,
        .seq = delta->seq,
        .other = arrival->id,
        .one_hlc = rival.delta.delta.hlc,
        .other_hlc = delta->hlc,
        .noticed_ms = step->wall_ms,
    };
    store->delta_id(store->context, &rival.delta.delta, &record.fork.one);
    store->put(store->context, &record);
    step->agents->forks_found++;
    mcpz_mail_forked(&step->mail, &delta->document, &delta->actor);
    return FATE_DUPLICATE;
}

/*
 * It is in the state, and its row is not here. The last one below the floor comes with a base, and
 * is kept: what follows is judged by it.
 */
static enum fate keep_head(struct mcpz_agents_step *step, const struct arrival *arrival)
{
    const struct mcpz_store *store = step->agents->store;
    const struct mcpz_delta *delta = arrival->delta;
    struct mcpz_floor floor;

    if (mcpz_floor_load(store, &delta->document, &floor) != MCPZ_OK) {
        return FATE_STORE_FAILED;
    }
    const struct mcpz_version *last =
        mcpz_clock_find(floor.clock.versions, floor.clock.count, &delta->actor);
    if (last != NULL && last->seq == delta->seq &&
        mcpz_head_equal(&last->head, &arrival->tip.head)) {
        const struct mcpz_record record = {
            .kind = MCPZ_RECORD_DELTA,
            .delta = {.delta = *delta, .head = arrival->tip.head},
        };
        store->put(store->context, &record);
        return FATE_DUPLICATE;
    }
    return note_late(step, arrival);
}

/* What a valid delta is to its document, if it can be applied at all. */
static enum fate judge(struct mcpz_agents_step *step, const struct arrival *arrival)
{
    const struct mcpz_store *store = step->agents->store;
    const struct mcpz_delta *delta = arrival->delta;
    enum mcpz_past past;
    bool crowded;
    enum mcpz_place place;

    if (mcpz_past_find(store, arrival->document, &delta->actor, &arrival->tip, &place) !=
        MCPZ_OK) {
        return FATE_STORE_FAILED;
    }
    if (place != MCPZ_PLACE_NOWHERE) {
        return place == MCPZ_PLACE_FOLDED ? keep_head(step, arrival) : FATE_DUPLICATE;
    }
    if (is_us(step->agents, &delta->actor)) {
        become_another(step->agents, &delta->actor);
    }
    if (!arrival->was_here && mcpz_clock_is_ahead(delta->hlc, step->wall_ms)) {
        return FATE_AHEAD;
    }
    if (arrival->from != NULL &&
        mcpz_held_delta(&step->agents->horizon, arrival->from, arrival->document, delta)) {
        return FATE_HELD;
    }
    if (mcpz_past_is_crowded(store, arrival->document, &delta->actor, delta->seq, &crowded) !=
            MCPZ_OK ||
        mcpz_past_judge(store, arrival->document, &step->agents->recent, delta, &past) !=
            MCPZ_OK) {
        return FATE_STORE_FAILED;
    }
    if (crowded) {
        return FATE_OVERRUN;
    }
    if (past != MCPZ_PAST_COMPLETE) {
        return past == MCPZ_PAST_MISSING ? FATE_EARLY : FATE_REFUSED;
    }
    if (!arrival->document->exists && !mcpz_agents_has_room(step->agents)) {
        return FATE_FULL;
    }
    return FATE_MERGED;
}

/* From where on what `actor` did does not count. */
static uint64_t cut_of(const struct mcpz_document *document, const struct mcpz_actor *actor)
{
    const struct mcpz_cut *cut = mcpz_cuts_find(document->cuts.cuts, document->cuts.count, actor);
    return cut != NULL ? cut->seq : UINT64_MAX;
}

/* Apply it and pass it on, but not back to who sent it. */
static enum fate merge(struct mcpz_agents_step *step, const struct arrival *arrival)
{
    struct mcpz_agents *agents = step->agents;
    struct mcpz_document *document = arrival->document;
    const struct mcpz_delta *delta = arrival->delta;
    bool was_live = mcpz_document_is_live(document);
    uint64_t cut_before = cut_of(document, &delta->actor);

    mcpz_error error =
        mcpz_document_apply(agents->store, document, delta, &arrival->id, step->wall_ms);
    if (error != MCPZ_OK) {
        return error == MCPZ_EFULL ? FATE_FULL : FATE_STORE_FAILED;
    }
    mcpz_past_note(&agents->recent, delta, &arrival->tip);
    mcpz_loaded_note(&agents->loaded, &agents->entropy.holdings, document);
    count_document(agents, was_live, document);
    mcpz_clock_observe(&agents->hlc, step->wall_ms, delta->hlc);
    note_moved(step, document);

    bool has_gone = mcpz_mail_delta(&step->mail, NULL, arrival->from, delta);
    assert(has_gone); /* mail.c: there is room for any one delta */
    mcpz_mail_merged(&step->mail, &delta->document);
    if (cut_of(document, &delta->actor) < cut_before) {
        agents->forks_found++;
        mcpz_mail_forked(&step->mail, &delta->document, &delta->actor);
    }
    agents->deltas_tainted +=
        mcpz_cuts_is_tainted(&document->cuts, &delta->actor, delta->seq) ? 1 : 0;
    return FATE_MERGED;
}

static void count_fate(struct mcpz_agents *agents, enum fate fate)
{
    switch (fate) {
    case FATE_MERGED:
        agents->deltas_merged++;
        break;
    case FATE_DUPLICATE:
        agents->deltas_duplicate++;
        break;
    case FATE_EARLY:
        agents->deltas_early++;
        break;
    case FATE_AHEAD:
        agents->deltas_ahead++;
        break;
    case FATE_HELD:
        agents->deltas_held++;
        break;
    case FATE_REFUSED:
    case FATE_OVERRUN:
    case FATE_FULL:
        agents->deltas_refused++;
        break;
    case FATE_STORE_FAILED:
        agents->store_failures++;
        break;
    }
}

/* `arrival->document` is left as it is after. */
static enum fate take_in(struct mcpz_agents_step *step, struct arrival *arrival)
{
    struct mcpz_agents *agents = step->agents;
    const struct mcpz_delta *delta = arrival->delta;
    struct mcpz_document *document = arrival->document;

    if (!mcpz_document_delta_is_valid(delta)) {
        return FATE_REFUSED;
    }
    if (mcpz_loaded_load(&agents->loaded, &agents->entropy.holdings, &delta->document, document) !=
        MCPZ_OK) {
        return FATE_STORE_FAILED;
    }
    agents->store->delta_id(agents->store->context, delta, &arrival->id);
    arrival->tip = (struct mcpz_tip){delta->seq, mcpz_head_of(&arrival->id)};
    mcpz_agents_notice_lost(agents, document, delta->versions, delta->version_count);

    enum fate fate = judge(step, arrival);
    return fate == FATE_MERGED ? merge(step, arrival) : fate;
}

static void on_delta(struct mcpz_agents_step *step, const struct mcpz_id *from,
                     const struct mcpz_delta *delta)
{
    struct mcpz_document document;
    struct arrival arrival = {.from = from, .delta = delta, .document = &document};

    enum fate fate = take_in(step, &arrival);
    count_fate(step->agents, fate);
    if (fate == FATE_EARLY) {
        struct mcpz_catchup catchup = mcpz_agents_catchup(step, from);
        step->agents->store_failures +=
            mcpz_catchup_ask_past(&catchup, &document, delta) != MCPZ_OK;
    }
}

static void on_import(struct mcpz_agents_step *step, uint64_t request,
                      const struct mcpz_delta *delta)
{
    struct mcpz_document document;
    struct arrival arrival = {.delta = delta, .document = &document, .was_here = request == 0};

    enum fate fate = take_in(step, &arrival);
    count_fate(step->agents, fate);
    if (request != 0) {
        mcpz_mail_reply(&step->mail, request, &delta->document, outcomes[fate]);
    }
}

/* ---- Checkpoints -------------------------------------------------------------------------- */

static enum fate install(struct mcpz_agents_step *step, const struct mcpz_id *from,
                         const struct mcpz_checkpoint *checkpoint)
{
    struct mcpz_agents *agents = step->agents;
    struct mcpz_document document;

    if (mcpz_document_load(agents->store, &checkpoint->head.document, &document) != MCPZ_OK) {
        return FATE_STORE_FAILED;
    }
    bool was_live = mcpz_document_is_live(&document);
    if (!document.exists && !mcpz_agents_has_room(agents)) {
        return FATE_FULL;
    }
    if (!mcpz_id_is_zero(from) &&
        mcpz_held_base(&agents->horizon, from, &document, &checkpoint->head)) {
        return FATE_HELD;
    }
    switch (mcpz_install(agents->store, &document, checkpoint)) {
    case MCPZ_OK:
        break;
    case MCPZ_ENOTFOUND:
        return FATE_DUPLICATE;
    case MCPZ_ECONFLICT:
        return FATE_REFUSED;
    case MCPZ_EFULL:
        return FATE_FULL;
    default:
        return FATE_STORE_FAILED;
    }
    count_document(agents, was_live, &document);
    mcpz_clock_observe(&agents->hlc, step->wall_ms, document.hlc);
    note_moved(step, &document);
    mcpz_mail_merged(&step->mail, &document.id);
    return FATE_MERGED;
}

/* What lies above it is there, too. */
static void ask_for_rest(struct mcpz_agents_step *step, const struct mcpz_id *from,
                         const struct mcpz_id *document_id)
{
    struct mcpz_catchup catchup = mcpz_agents_catchup(step, from);
    struct mcpz_document document;

    if (mcpz_document_load(step->agents->store, document_id, &document) == MCPZ_OK) {
        (void)mcpz_wanted_answered(catchup.wanted, from, document_id);
        (void)mcpz_catchup_ask(&catchup, &document, MCPZ_WANT_GAP, 0);
    }
}

static void on_install(struct mcpz_agents_step *step, uint64_t request, const struct mcpz_id *from,
                       const struct mcpz_checkpoint *checkpoint)
{
    enum fate fate = install(step, from, checkpoint);

    if (fate == FATE_MERGED && !mcpz_id_is_zero(from)) {
        ask_for_rest(step, from, &checkpoint->head.document);
    }

    step->agents->checkpoints_installed += fate == FATE_MERGED;
    step->agents->checkpoints_refused += fate != FATE_MERGED && fate != FATE_DUPLICATE;
    if (request != 0) {
        mcpz_mail_reply(&step->mail, request, &checkpoint->head.document, outcomes[fate]);
    }
}

/* ---- Messages and facts ------------------------------------------------------------------- */

static void on_message(struct mcpz_agents_step *step, const struct mcpz_id *from,
                       const struct mcpz_msg *msg)
{
    if (msg->kind == MCPZ_MSG_DELTA) {
        on_delta(step, from, &msg->delta.delta);
    } else if (!mcpz_agents_asked(step, from, msg)) {
        return;
    }
    const struct mcpz_sync sync = mcpz_agents_sync(step);
    mcpz_entropy_go_on(&step->agents->entropy, &sync);
}

static void on_fact(struct mcpz_agents_step *step, const struct mcpz_fact *fact)
{
    struct mcpz_entropy *entropy = &step->agents->entropy;
    const struct mcpz_sync sync = mcpz_agents_sync(step);

    const bool is_relayed = fact->kind == MCPZ_FACT_RELAYED;

    if (is_relayed || fact->kind == MCPZ_FACT_UNLINKED || fact->kind == MCPZ_FACT_UNRELAYED) {
        mcpz_entropy_unlinked(entropy, &sync, &fact->about);
    }
    if (fact->kind == MCPZ_FACT_UNLINKED || fact->kind == MCPZ_FACT_UNRELAYED) {
        mcpz_horizon_unlinked(sync.horizon, &fact->about, step->agents->hlc);
    }
    if (fact->kind == MCPZ_FACT_LINKED || is_relayed) {
        mcpz_horizon_linked(sync.horizon, &fact->about, step->wall_ms);
        mcpz_recheck_tell(&sync, false);
    }
    if (fact->kind == MCPZ_FACT_LINKED ||
        (is_relayed && entropy->peer_count < MCPZ_ENTROPY_RELAYED_MAX)) {
        mcpz_entropy_linked(entropy, &sync, &fact->about);
    }
}

static void on_tick(struct mcpz_agents_step *step, const struct mcpz_overlay *overlay)
{
    struct mcpz_agents *agents = step->agents;

    if (agents->entropy.holdings.is_off && agents->entropy.compare_at_us <= step->now) {
        mcpz_agents_recount(agents, step->now);
    }
    const struct mcpz_sync sync = mcpz_agents_sync(step);
    mcpz_recheck_tell(&sync, true);
    mcpz_entropy_tick(&agents->entropy, &sync, overlay);
    agents->store_failures += mcpz_recheck_tick(&agents->recheck, &sync) != MCPZ_OK ? 1 : 0;
}

/* ---- Writes from here --------------------------------------------------------------------- */

/* Who we write as there: rights are those of the life that they were granted to. */
static mcpz_error find_writer(struct mcpz_agents *agents, enum mcpz_agent_op op,
                              const struct mcpz_document *document)
{
    const bool is_of_rights =
        op == MCPZ_AGENT_GRANT || op == MCPZ_AGENT_SPEND || op == MCPZ_AGENT_RESTORE;
    struct mcpz_actor spender = agents->actor;
    mcpz_error error =
        is_of_rights ? mcpz_lives_spender(agents->store, document, &spender) : MCPZ_OK;

    agents->writer = mcpz_actor_compare(&spender, &agents->actor) != 0
                         ? spender
                         : mcpz_lives_writer(document, &agents->actor);
    return error;
}

static struct mcpz_writer writer_to(struct mcpz_agents_step *step, struct mcpz_document *document)
{
    struct mcpz_agents *agents = step->agents;
    const int64_t epoch =
        document->exists ? 0 : mcpz_forgotten_epoch(&agents->forgotten, &document->id, step->now);

    mcpz_horizon_rewrite(&agents->horizon);
    return (struct mcpz_writer){
        .store = agents->store,
        .document = document,
        .mail = &step->mail,
        .rng = &agents->rng,
        .actor = agents->writer,
        .wall_ms = step->wall_ms,
        .hlc = &agents->hlc,
        .has_room = mcpz_agents_has_room(agents),
        .epoch = epoch,
    };
}

static struct mcpz_outcome write(struct mcpz_agents_step *step,
                                 const struct mcpz_event_agent *request)
{
    struct mcpz_agents *agents = step->agents;
    struct mcpz_document document;
    struct mcpz_actor behind;

    if (mcpz_document_load(agents->store, &request->document, &document) != MCPZ_OK) {
        return outcomes[FATE_STORE_FAILED];
    }
    if (mcpz_lives_is_void(&document, &agents->actor, &behind)) {
        become_another(agents, &behind); /* nothing that we wrote as this one would count */
    }
    if (find_writer(agents, request->op, &document) != MCPZ_OK) {
        return outcomes[FATE_STORE_FAILED];
    }
    struct mcpz_writer writer = writer_to(step, &document);
    bool was_live = mcpz_document_is_live(&document);

    struct mcpz_outcome outcome = mcpz_writer_run(&writer, request);
    agents->deltas_written += writer.delta_count;
    count_document(agents, was_live, &document);
    return outcome;
}

static void on_write(struct mcpz_agents_step *step, const struct mcpz_event_agent *request)
{
    struct mcpz_outcome outcome = write(step, request);

    if (outcome.code == MCPZ_CODE_STORE_FAILED) {
        step->agents->store_failures++;
    }
    mcpz_mail_reply(&step->mail, request->request, &request->document, outcome);
}

/* Close our earlier lives in a document, if that makes room. */
static void on_close(struct mcpz_agents_step *step, const struct mcpz_id *id)
{
    struct mcpz_agents *agents = step->agents;
    struct mcpz_document document;
    struct mcpz_draft draft;
    uint32_t upto = 0;

    mcpz_error error = mcpz_document_load(agents->store, id, &document);
    if (error == MCPZ_OK) {
        error = mcpz_lives_closable(agents->store, &document, &agents->actor.node, &upto);
    }
    if (error == MCPZ_OK && upto > 0 && mcpz_lives_may_close(&document, &agents->actor)) {
        agents->writer = agents->actor; /* also where others of ours would be gone on with */
        struct mcpz_writer writer = writer_to(step, &document);
        writer.closes = upto;
        mcpz_draft_init(&draft, &writer, false);
        error = mcpz_draft_close(&draft);
        mcpz_draft_tell(&draft);
        agents->deltas_written += writer.delta_count;
        agents->lives_closed += error == MCPZ_OK;
    }
    agents->store_failures += error != MCPZ_OK;
}

/* ---- The machine -------------------------------------------------------------------------- */

static mcpz_error count_all(struct mcpz_agents *agents)
{
    struct mcpz_holdings *holdings = &agents->entropy.holdings;
    struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT};

    agents->document_count = 0;
    mcpz_error error = mcpz_holdings_begin(holdings);
    for (bool first = true; error == MCPZ_OK; first = false) {
        error = agents->store->next(agents->store->context, MCPZ_SCAN_KIND, first, &record);
        if (error != MCPZ_OK) {
            break;
        }
        mcpz_holdings_count(holdings, &record.document);
        agents->document_count += record.document.deleted ? 0 : 1;
        if (record.document.hlc > agents->hlc) {
            agents->hlc = record.document.hlc;
        }
    }
    if (error != MCPZ_ENOTFOUND) {
        return error;
    }
    mcpz_holdings_end(holdings);
    return mcpz_horizon_load(&agents->horizon, agents->hlc);
}

void mcpz_agents_compare(struct mcpz_agents *agents, const struct mcpz_id *peer, mcpz_time now)
{
    mcpz_entropy_compare(&agents->entropy, peer, now);
}

void mcpz_agents_recount(struct mcpz_agents *agents, mcpz_time now)
{
    agents->wanted.count = 0;
    agents->recheck.horizon_ms = 0; /* it begins anew */
    mcpz_entropy_start_over(&agents->entropy, now);
    if (count_all(agents) != MCPZ_OK) {
        agents->entropy.holdings.is_off = true;
        agents->store_failures++;
    }
}

size_t mcpz_agents_bytes(void)
{
    return mcpz_entropy_bytes();
}

/* Remove a document, and leave in `document` what it was. False: it cannot be read. */
static bool remove_document(struct mcpz_agents *agents, const struct mcpz_id *id,
                            struct mcpz_document *document)
{
    if (mcpz_document_load(agents->store, id, document) != MCPZ_OK ||
        mcpz_document_forget(agents->store, id) != MCPZ_OK) {
        agents->store_failures++;
        return false;
    }
    const struct mcpz_document none = {.id = *id};
    count_document(agents, mcpz_document_is_live(document), &none);
    return true;
}

/* Have we written to it as who we are? What we write to it from now on is to be named otherwise.
 */
static bool is_ours(const struct mcpz_agents *agents, const struct mcpz_document *document)
{
    const struct mcpz_clock *clock = &document->clock;

    return mcpz_clock_find(clock->versions, clock->count, &agents->actor) != NULL ||
           cut_of(document, &agents->actor) < UINT64_MAX;
}

void mcpz_agents_forget(struct mcpz_agents *agents, const struct mcpz_id *id)
{
    struct mcpz_document document;

    if (remove_document(agents, id, &document) && is_ours(agents, &document)) {
        agents->actor.generation++;
    }
}

void mcpz_agents_forget_deleted(struct mcpz_agents *agents, const struct mcpz_id *id,
                                mcpz_time now)
{
    struct mcpz_document document;
    struct mcpz_shown life;

    if (mcpz_shown_find(agents->store, id, mcpz_paths_life, MCPZ_ENTRY_FENCED, &life) != MCPZ_OK) {
        agents->store_failures++;
        return;
    }
    if (!remove_document(agents, id, &document)) {
        return;
    }
    mcpz_forgotten_add(&agents->forgotten, id, mcpz_document_digest_of(&document), life.epoch,
                       now);
    if (is_ours(agents, &document)) {
        agents->actor.generation = mcpz_lives_next(agents->actor.generation, false, &agents->rng);
    }
}

bool mcpz_agents_raise(struct mcpz_agents *agents, uint64_t horizon_ms)
{
    return mcpz_horizon_raise(&agents->horizon, horizon_ms);
}

void mcpz_agents_go_on(struct mcpz_agents *agents, uint32_t generation)
{
    assert(generation <= agents->actor.generation);

    agents->actor.generation = generation;
}

void mcpz_agents_init(struct mcpz_agents *agents, const struct mcpz_agents_config *config,
                      mcpz_time now, struct mcpz_arena *arena)
{
    assert(config->timing->anti_entropy_us >= MCPZ_MS(1));

    mcpz_clear(agents, sizeof(*agents));
    agents->timing = config->timing;
    agents->actor = *config->actor;
    mcpz_rng_init(&agents->rng, config->seed);
    const struct mcpz_entropy_config entropy = {
        .store = config->store,
        .self = &config->actor->node,
        .period_us = config->timing->anti_entropy_us,
        .seed = mcpz_rng_next(&agents->rng),
    };
    mcpz_entropy_init(&agents->entropy, &entropy, now, arena);
    mcpz_horizon_init(&agents->horizon, config->store, config->grace_ms);
    agents->store = &agents->entropy.holdings.store;
    mcpz_agents_recount(agents, now);
}

void mcpz_agents_step(struct mcpz_agents *agents, const struct mcpz_overlay *overlay,
                      mcpz_time now, const struct mcpz_event *event, struct mcpz_outbox *out)
{
    struct mcpz_agents_step step = {.agents = agents, .now = now, .wall_ms = event->wall_ms};
    mcpz_mail_init(&step.mail, out);
    agents->recheck.unwitnessed = (struct mcpz_id){{0}};

    /* Most events are for other machines. */
    if (event->kind == MCPZ_EVENT_TICK) {
        on_tick(&step, overlay);
    } else if (event->kind == MCPZ_EVENT_RECV) {
        on_message(&step, &event->recv.from, event->recv.msg);
    } else if (event->kind == MCPZ_EVENT_FACT) {
        on_fact(&step, &event->fact);
    } else if (event->kind == MCPZ_EVENT_AGENT_WRITE) {
        on_write(&step, &event->agent);
    } else if (event->kind == MCPZ_EVENT_AGENT_IMPORT) {
        on_import(&step, event->import.request, event->import.delta);
    } else if (event->kind == MCPZ_EVENT_AGENT_INSTALL) {
        on_install(&step, event->install.request, &event->install.from, event->install.checkpoint);
    } else if (event->kind == MCPZ_EVENT_AGENT_CLOSE) {
        on_close(&step, &event->closable);
    }
}

mcpz_time mcpz_agents_deadline(const struct mcpz_agents *agents)
{
    if (mcpz_horizon_owes(&agents->horizon)) {
        return 0;
    }
    return mcpz_time_min(mcpz_recheck_deadline(&agents->recheck, &agents->horizon),
                         mcpz_entropy_deadline(&agents->entropy, &agents->wanted));
}
