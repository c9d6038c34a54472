#include "engine/folding.h"

#include <assert.h>

#include "core/crdt/floor.h"
#include "core/crdt/lives.h"
#include "engine/collecting.h"
#include "engine/internal.h"
#include "engine/root.h"
#include "engine/transfers.h"

static_assert(MCPZ_OVERLAY_ACTIVE_MAX <= MCPZ_FOLD_ASKED_MAX, "all neighbours can be asked");
static_assert(MCPZ_FOLD_COSIGNERS <= MCPZ_COSIGNATURES_MAX, "a majority of them is kept");

size_t mcpz_folding_quorum(size_t alive)
{
    return (alive < MCPZ_FOLD_COSIGNERS ? alive : MCPZ_FOLD_COSIGNERS) / 2 + 1;
}

/* ---- What is due -------------------------------------------------------------------------- */

static bool is_waiting(const struct mcpz_folding *folding, const struct mcpz_id *document)
{
    for (size_t i = 0; i < folding->waiting_count; i++) {
        if (mcpz_id_equal(&folding->waiting[i], document)) {
            return true;
        }
    }
    return false;
}

static void wait_for_turn(struct mcpz_folding *folding, const struct mcpz_id *document)
{
    if (folding->waiting_count < MCPZ_FOLDS_WAITING && !is_waiting(folding, document)) {
        folding->waiting[folding->waiting_count++] = *document;
    }
}

/* Half the bound is often enough to look: whether it is reached is seen when its turn comes. */
void mcpz_folding_note(struct mcpz_engine *engine, const struct mcpz_record_document *document)
{
    const uint64_t half = engine->fold_deltas / 2;
    const uint64_t deltas = mcpz_clock_deltas(document->versions, document->version_count) +
                            mcpz_cuts_deltas(document->cuts, document->cut_count);

    if ((deltas >= engine->fold_deltas && half > 0 && deltas % half == 0) ||
        mcpz_lives_superseded(document->versions, document->version_count) >= MCPZ_LIVES_MANY) {
        wait_for_turn(&engine->folding, &document->id);
    }
}

/* How many deltas of the document came since replicas last agreed; on a floor, if that can be. */
static uint64_t tail_of(struct mcpz_engine *engine, const struct mcpz_id *document,
                        const struct mcpz_checkpoint_state *state, bool on_floor)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_CHECKPOINT,
                                 .checkpoint = {.document = *document}};

    if (on_floor && !mcpz_collecting_waits(engine, document)) {
        return mcpz_collecting_tail(engine, document, &state->clock, &state->cuts);
    }
    if (engine->store.get(engine->store.context, &record) != MCPZ_OK ||
        record.checkpoint.deltas > state->deltas) {
        return state->deltas;
    }
    return state->deltas - record.checkpoint.deltas;
}

/*
 * May what is here be signed for a floor? Where somebody has contradicted itself since all have
 * signed, only while nobody is away: whoever is may know of an agreement that this is against.
 */
static bool may_be_floor(struct mcpz_engine *engine, const struct mcpz_id *document,
                         const struct mcpz_checkpoint_state *state)
{
    mcpz_error error = MCPZ_OK;
    bool is_settled = true;

    for (size_t i = 0; i < state->cuts.count && error == MCPZ_OK && is_settled; i++) {
        const struct mcpz_cut *cut = &state->cuts.cuts[i];
        error =
            mcpz_floor_is_settled(&engine->store, document, &cut->actor, cut->seq, &is_settled);
    }
    return error == MCPZ_OK && (is_settled || mcpz_keepers_nobody_is_away(engine));
}

/* Who is to sign; nobody, if not all can be asked or it may not be what all sign. */
static void find_keepers(struct mcpz_engine *engine, const struct mcpz_id *document,
                         const struct mcpz_checkpoint_state *state, struct mcpz_keepers *keepers)
{
    keepers->count = 0;
    if (engine->history_ms == MCPZ_HISTORY_ALL || !may_be_floor(engine, document, state)) {
        return;
    }
    mcpz_keepers_find(engine, document, keepers);
    if (!keepers->is_complete) {
        keepers->count = 0;
    }
}

static bool is_long(struct mcpz_engine *engine, const struct mcpz_id *document,
                    const struct mcpz_checkpoint_state *state, bool on_floor)
{
    const uint64_t tail = tail_of(engine, document, state, on_floor);
    const bool is_idle = mcpz_hlc_to_ms(state->hlc) + MCPZ_FOLD_IDLE_MS <= engine->wall_ms;
    const bool is_crowded =
        tail > 0 && on_floor &&
        mcpz_collecting_hurries(engine, document, state->clock.versions, state->clock.count);

    return tail >= engine->fold_deltas || (tail > 0 && (is_idle || is_crowded));
}

/* Keepers that are no neighbours link for it, those of one document at a time. */
static void let_meet(struct mcpz_engine *engine, const struct mcpz_id *document,
                     const struct mcpz_keepers *keepers)
{
    struct mcpz_folding *folding = &engine->folding;

    if (folding->met_us != 0 && engine->now < folding->met_us + MCPZ_FOLD_MEET_US) {
        return;
    }
    folding->met = *document;
    folding->met_us = engine->now;
    mcpz_keepers_meet(engine, keepers);
}

/* Is it due, and who is to sign? If those are not all linked they are asked to be, and nobody is.
 */
static bool comes_due(struct mcpz_engine *engine, const struct mcpz_id *document,
                      struct mcpz_checkpoint_state *state, struct mcpz_keepers *keepers)
{
    if (mcpz_checkpoint_state_of(&engine->store, document, state) != MCPZ_OK) {
        return false;
    }
    find_keepers(engine, document, state, keepers);
    if (keepers->count > 0 && !keepers->are_linked) {
        if (is_long(engine, document, state, true)) {
            let_meet(engine, document, keepers);
        }
        keepers->count = 0; /* neighbours can compare meanwhile */
    }
    return is_long(engine, document, state, keepers->count > 0);
}

/* ---- Asking ------------------------------------------------------------------------------- */

static struct mcpz_fold *find_free(struct mcpz_folding *folding)
{
    for (size_t i = 0; i < MCPZ_FOLDS_MAX; i++) {
        if (folding->folds[i].until_us == 0) {
            return &folding->folds[i];
        }
    }
    return NULL;
}

static struct mcpz_fold *find(struct mcpz_folding *folding, const struct mcpz_id *document,
                              const struct mcpz_id *state)
{
    for (size_t i = 0; i < MCPZ_FOLDS_MAX; i++) {
        struct mcpz_fold *fold = &folding->folds[i];
        if (fold->until_us != 0 && mcpz_id_equal(&fold->said.document, document) &&
            mcpz_id_equal(&fold->said.state, state)) {
            return fold;
        }
    }
    return NULL;
}

static void send(struct mcpz_engine *engine, const struct mcpz_id *peer,
                 const struct mcpz_msg *msg)
{
    struct mcpz_link_row *row = mcpz_link_rows_to(engine, peer);

    if (row != NULL) {
        mcpz_link_rows_send(engine, row, msg);
    }
}

static void ask(struct mcpz_engine *engine, struct mcpz_fold *fold, const struct mcpz_id *peer)
{
    const struct mcpz_agreement *said = &fold->said;
    const struct mcpz_msg msg = {
        .kind = MCPZ_MSG_FOLD,
        .fold = {.document = said->document,
                 .state = said->state,
                 .root = said->root,
                 .replicas = said->replicas},
    };

    fold->asked[fold->asked_count++] = *peer;
    send(engine, peer, &msg);
}

/* All who keep it, if all of them can be asked; else our neighbours. */
static void ask_all(struct mcpz_engine *engine, struct mcpz_fold *fold,
                    const struct mcpz_keepers *keepers)
{
    const struct mcpz_overlay *overlay = &engine->node.fabric.overlay;

    for (size_t i = 0; i < keepers->count; i++) {
        ask(engine, fold, &keepers->others[i]);
    }
    for (size_t i = 0; i < overlay->active_count && keepers->count == 0; i++) {
        ask(engine, fold, &overlay->active[i].id);
    }
}

/* All who keep it have signed: it may become the floor, here and at each of them. */
static void tell_all(struct mcpz_engine *engine, struct mcpz_fold *fold)
{
    const struct mcpz_msg msg = {
        .kind = MCPZ_MSG_AGREED,
        .agreed = {.document = fold->said.document,
                   .agreed = {.tenant = mcpz_bytes(fold->tenant, fold->tenant_length),
                              .hlc = fold->hlc,
                              .versions = fold->clock.versions,
                              .version_count = fold->clock.count,
                              .cuts = fold->cuts.cuts,
                              .cut_count = fold->cuts.count,
                              .root = fold->said.root,
                              .replicas = fold->said.replicas,
                              .signatures = fold->signatures,
                              .signature_count = fold->signature_count}},
    };

    mcpz_collecting_agreed(engine, &fold->said.document, &msg.agreed.agreed);
    for (size_t i = 0; i < fold->asked_count; i++) {
        mcpz_transfers_tell(engine, &fold->asked[i], &msg);
    }
}

/* All have answered, and none of them otherwise: keep what enough have signed. */
static void settle(struct mcpz_engine *engine, struct mcpz_fold *fold)
{
    const size_t alive = mcpz_members_alive_count(&engine->node.fabric.members);
    const struct mcpz_record record = {
        .kind = MCPZ_RECORD_CHECKPOINT,
        .checkpoint = {.document = fold->said.document,
                       .state = fold->said.state,
                       .root = fold->said.root,
                       .deltas = fold->deltas,
                       .folded_ms = engine->wall_ms,
                       .signatures = fold->signatures,
                       .signature_count = fold->signature_count},
    };

    if (fold->signature_count >= mcpz_folding_quorum(alive)) {
        engine->store.put(engine->store.context, &record);
        engine->counters.checkpoints_agreed++;
    }
    if (fold->said.replicas > 0 && fold->signature_count == fold->said.replicas) {
        tell_all(engine, fold);
    }
    fold->until_us = 0;
}

static void begin(struct mcpz_engine *engine, const struct mcpz_id *document)
{
    struct mcpz_fold *fold = find_free(&engine->folding);
    struct mcpz_checkpoint_state state;
    struct mcpz_keepers keepers;
    struct mcpz_id root;

    mcpz_collecting_consider(engine, document);
    if (fold == NULL || !comes_due(engine, document, &state, &keepers) ||
        find(&engine->folding, document, &state.digest) != NULL ||
        mcpz_root_of(&engine->store, document, root.bytes) != MCPZ_OK) {
        return;
    }
    *fold = (struct mcpz_fold){
        .said = {.document = *document,
                 .state = state.digest,
                 .root = root,
                 .replicas = keepers.count > 0 ? (uint32_t)keepers.count + 1 : 0},
        .clock = state.clock,
        .cuts = state.cuts,
        .hlc = state.hlc,
        .tenant_length = state.tenant_length,
        .deltas = state.deltas,
        .until_us = engine->now + MCPZ_FOLD_PATIENCE_US,
    };
    memcpy(fold->tenant, state.tenant, sizeof(fold->tenant));
    mcpz_agreement_sign(engine, &fold->said, fold->signatures[0].signature);
    fold->signatures[0].signer = *mcpz_identity_id(engine->identity);
    fold->signature_count = 1;
    ask_all(engine, fold, &keepers);
    if (fold->asked_count == 0) {
        settle(engine, fold);
    }
}

/* ---- Hearing ------------------------------------------------------------------------------ */

void mcpz_folding_alarm(struct mcpz_engine *engine, const struct mcpz_id *document)
{
    const struct mcpz_action action = {
        .kind = MCPZ_ACTION_FACT,
        .fact = {.kind = MCPZ_FACT_AGENT_DIVERGED, .about = *document},
    };

    engine->counters.checkpoints_diverged++;
    engine->ports.act(engine->ports.context, &action);
}

static enum mcpz_fold_verdict judge(struct mcpz_engine *engine, const struct mcpz_msg_fold *asked)
{
    struct mcpz_checkpoint_state state;
    struct mcpz_keepers keepers;
    struct mcpz_id root;

    if (mcpz_checkpoint_state_of(&engine->store, &asked->document, &state) != MCPZ_OK) {
        return MCPZ_FOLD_ABSENT;
    }
    if (!mcpz_id_equal(&state.digest, &asked->state)) {
        return MCPZ_FOLD_ELSEWHERE;
    }
    if (asked->replicas > 0) {
        /* Who asks for less than all who keep it, as we see it, gets no signature for a floor. */
        mcpz_keepers_find(engine, &asked->document, &keepers);
        if (!keepers.is_complete || keepers.count + 1 != asked->replicas ||
            !may_be_floor(engine, &asked->document, &state)) {
            return MCPZ_FOLD_ELSEWHERE;
        }
    }
    if (mcpz_root_of(&engine->store, &asked->document, root.bytes) != MCPZ_OK) {
        return MCPZ_FOLD_ELSEWHERE; /* what cannot be read says nothing; that was counted */
    }
    return mcpz_id_equal(&root, &asked->root) ? MCPZ_FOLD_SAME : MCPZ_FOLD_DIVERGED;
}

void mcpz_folding_asked(struct mcpz_engine *engine, const struct mcpz_id *from,
                        const struct mcpz_msg_fold *asked)
{
    const struct mcpz_agreement said = {asked->document, asked->state, asked->root,
                                        asked->replicas};
    uint8_t signature[MCPZ_SIGNATURE_BYTES];
    struct mcpz_msg msg = {
        .kind = MCPZ_MSG_FOLDED,
        .folded = {.document = asked->document,
                   .state = asked->state,
                   .verdict = judge(engine, asked)},
    };

    if (msg.folded.verdict == MCPZ_FOLD_SAME) {
        mcpz_agreement_sign(engine, &said, signature);
        msg.folded.signature = mcpz_bytes(signature, sizeof(signature));
    } else if (msg.folded.verdict == MCPZ_FOLD_DIVERGED) {
        mcpz_folding_alarm(engine, &asked->document);
    }
    send(engine, from, &msg);
}

/* Note that `from` has answered. False: it was not asked, or has answered before. */
static bool note_answer(struct mcpz_fold *fold, const struct mcpz_id *from)
{
    for (size_t i = 0; i < fold->asked_count; i++) {
        if (mcpz_id_equal(&fold->asked[i], from) && !fold->has_answered[i]) {
            fold->has_answered[i] = true;
            fold->answer_count++;
            return true;
        }
    }
    return false;
}

static mcpz_error take_signature(struct mcpz_fold *fold, const struct mcpz_id *from,
                                 struct mcpz_bytes signature)
{
    mcpz_error error = mcpz_agreement_verify(from, &fold->said, signature);

    if (error == MCPZ_OK && fold->signature_count < MCPZ_COSIGNATURES_MAX) {
        struct mcpz_cosignature *added = &fold->signatures[fold->signature_count++];
        added->signer = *from;
        memcpy(added->signature, signature.data, sizeof(added->signature));
    }
    return error;
}

mcpz_error mcpz_folding_answered(struct mcpz_engine *engine, const struct mcpz_id *from,
                                 const struct mcpz_msg_folded *answer)
{
    struct mcpz_fold *fold = find(&engine->folding, &answer->document, &answer->state);
    mcpz_error error = MCPZ_OK;

    if (fold == NULL || !note_answer(fold, from)) {
        return MCPZ_OK; /* too late */
    }
    if (answer->verdict == MCPZ_FOLD_SAME) {
        error = take_signature(fold, from, answer->signature);
    }
    if (error != MCPZ_OK || answer->verdict == MCPZ_FOLD_ELSEWHERE ||
        answer->verdict == MCPZ_FOLD_DIVERGED) {
        fold->until_us = 0;
        if (answer->verdict == MCPZ_FOLD_DIVERGED) {
            mcpz_folding_alarm(engine, &answer->document);
        }
        engine->counters.refused_signature += error != MCPZ_OK;
        return error;
    }
    if (fold->answer_count == fold->asked_count) {
        settle(engine, fold);
    }
    return MCPZ_OK;
}

/* ---- Time --------------------------------------------------------------------------------- */

/* Documents at rest are found by and by, wherever they are. */
static void sweep(struct mcpz_engine *engine)
{
    struct mcpz_folding *folding = &engine->folding;
    struct mcpz_record record = {.kind = MCPZ_RECORD_DOCUMENT, .document = {.id = folding->swept}};
    struct mcpz_checkpoint_state state;
    struct mcpz_keepers keepers;

    for (size_t i = 0; i < MCPZ_FOLD_SWEEP && folding->rest_us <= engine->now; i++) {
        mcpz_error error =
            engine->store.next(engine->store.context, MCPZ_SCAN_KIND, false, &record);
        if (error != MCPZ_OK) {
            folding->swept = (struct mcpz_id){{0}};
            return;
        }
        const bool is_idle =
            mcpz_hlc_to_ms(record.document.hlc) + MCPZ_FOLD_IDLE_MS <= engine->wall_ms;
        const bool is_deleted = record.document.deleted;
        folding->swept = record.document.id;
        mcpz_collecting_consider(engine, &folding->swept);
        if (is_idle && comes_due(engine, &folding->swept, &state, &keepers)) {
            wait_for_turn(folding, &folding->swept);
            if (!is_deleted) { /* of those there may be many, once: they are on their way out */
                folding->rest_us = engine->now + MCPZ_FOLD_REST_US;
            }
        }
    }
}

static void let_begin(struct mcpz_engine *engine)
{
    struct mcpz_folding *folding = &engine->folding;

    while (folding->waiting_count > 0 && find_free(folding) != NULL) {
        const struct mcpz_id document = folding->waiting[--folding->waiting_count];
        begin(engine, &document);
    }
}

void mcpz_folding_tick(struct mcpz_engine *engine)
{
    struct mcpz_folding *folding = &engine->folding;

    if (engine->now < folding->next_us) {
        return;
    }
    folding->next_us = engine->now + MCPZ_FOLD_PERIOD_US;
    for (size_t i = 0; i < MCPZ_FOLDS_MAX; i++) {
        if (folding->folds[i].until_us <= engine->now) {
            folding->folds[i].until_us = 0; /* somebody has not answered: another time */
        }
    }
    if (folding->met_us != 0 && engine->now < folding->met_us + MCPZ_KEEPERS_MEET_US) {
        wait_for_turn(folding, &folding->met); /* they may be linked by now */
    }
    sweep(engine);
    let_begin(engine);
}

mcpz_time mcpz_folding_deadline(const struct mcpz_engine *engine)
{
    return engine->folding.next_us;
}
