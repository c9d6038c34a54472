#include "engine/folding.h"

#include <assert.h>

#include "engine/internal.h"
#include "engine/root.h"

static_assert(MCPZ_OVERLAY_ACTIVE_MAX <= MCPZ_FOLD_ASKED_MAX, "all neighbours can be asked");
static_assert(MCPZ_FOLD_COSIGNERS <= MCPZ_COSIGNATURES_MAX, "a majority of them is kept");

size_t mcpz_folding_quorum(size_t alive)
{
    return (alive < MCPZ_FOLD_COSIGNERS ? alive : MCPZ_FOLD_COSIGNERS) / 2 + 1;
}

/* ---- What is signed ----------------------------------------------------------------------- */

/* Nothing else that a node signs begins so. */
static const char words[] = "mcpz checkpoint: ";
#define WORDS_BYTES (sizeof(words) - 1)

struct statement {
    uint8_t bytes[WORDS_BYTES + 3 * MCPZ_ID_BYTES];
};

static struct statement statement_of(const struct mcpz_id *document, const struct mcpz_id *state,
                                     const struct mcpz_id *root)
{
    struct statement said;
    uint8_t *at = said.bytes;

    memcpy(at, words, WORDS_BYTES);
    at += WORDS_BYTES;
    memcpy(at, document->bytes, MCPZ_ID_BYTES);
    memcpy(at + MCPZ_ID_BYTES, state->bytes, MCPZ_ID_BYTES);
    memcpy(at + 2 * MCPZ_ID_BYTES, root->bytes, MCPZ_ID_BYTES);
    return said;
}

static struct mcpz_bytes slice(const struct statement *said)
{
    return mcpz_bytes(said->bytes, sizeof(said->bytes));
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
    uint64_t deltas = 0;

    for (size_t i = 0; i < document->version_count; i++) {
        deltas += document->versions[i].seq;
    }
    if (deltas >= engine->fold_deltas && half > 0 && deltas % half == 0) {
        wait_for_turn(&engine->folding, &document->id);
    }
}

/* How many deltas of the document came since replicas last agreed. */
static uint64_t tail_of(struct mcpz_engine *engine, const struct mcpz_id *document,
                        uint64_t deltas)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_CHECKPOINT,
                                 .checkpoint = {.document = *document}};

    if (engine->store.get(engine->store.context, &record) != MCPZ_OK ||
        record.checkpoint.deltas > deltas) {
        return deltas;
    }
    return deltas - record.checkpoint.deltas;
}

static bool is_due(struct mcpz_engine *engine, const struct mcpz_id *document,
                   struct mcpz_checkpoint_state *state)
{
    if (mcpz_checkpoint_state_of(&engine->store, document, state) != MCPZ_OK) {
        return false;
    }
    const uint64_t tail = tail_of(engine, document, state->deltas);
    const bool is_idle = mcpz_hlc_to_ms(state->hlc) + MCPZ_FOLD_IDLE_MS <= engine->wall_ms;
    return tail >= engine->fold_deltas || (tail > 0 && is_idle);
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
        if (fold->until_us != 0 && mcpz_id_equal(&fold->document, document) &&
            mcpz_id_equal(&fold->state, state)) {
            return fold;
        }
    }
    return NULL;
}

static void send(struct mcpz_engine *engine, const struct mcpz_id *peer,
                 const struct mcpz_msg *msg)
{
    struct mcpz_link_row *row = mcpz_link_rows_of(engine, peer);

    if (row != NULL) {
        mcpz_link_rows_send(engine, row, msg);
    }
}

static void ask_neighbours(struct mcpz_engine *engine, struct mcpz_fold *fold)
{
    const struct mcpz_overlay *overlay = &engine->node.fabric.overlay;
    const struct mcpz_msg msg = {
        .kind = MCPZ_MSG_FOLD,
        .fold = {.document = fold->document, .state = fold->state, .root = fold->root},
    };

    for (size_t i = 0; i < overlay->active_count; i++) {
        fold->asked[fold->asked_count++] = overlay->active[i].id;
        send(engine, &overlay->active[i].id, &msg);
    }
}

static void sign(struct mcpz_engine *engine, const struct mcpz_fold *fold, uint8_t *signature)
{
    const struct statement said = statement_of(&fold->document, &fold->state, &fold->root);

    mcpz_identity_sign(engine->identity, slice(&said), signature);
}

/* All have answered, and none of them otherwise: keep what enough have signed. */
static void settle(struct mcpz_engine *engine, struct mcpz_fold *fold)
{
    const size_t alive = mcpz_members_alive_count(&engine->node.fabric.members);
    const struct mcpz_record record = {
        .kind = MCPZ_RECORD_CHECKPOINT,
        .checkpoint = {.document = fold->document,
                       .state = fold->state,
                       .root = fold->root,
                       .deltas = fold->deltas,
                       .folded_ms = engine->wall_ms,
                       .signatures = fold->signatures,
                       .signature_count = fold->signature_count},
    };

    if (fold->signature_count >= mcpz_folding_quorum(alive)) {
        engine->store.put(engine->store.context, &record);
        engine->counters.checkpoints_agreed++;
    }
    fold->until_us = 0;
}

static void begin(struct mcpz_engine *engine, const struct mcpz_id *document)
{
    struct mcpz_fold *fold = find_free(&engine->folding);
    struct mcpz_checkpoint_state state;
    struct mcpz_id root;

    if (fold == NULL || !is_due(engine, document, &state) ||
        find(&engine->folding, document, &state.digest) != NULL ||
        mcpz_root_of(&engine->store, document, root.bytes) != MCPZ_OK) {
        return;
    }
    *fold = (struct mcpz_fold){
        .document = *document,
        .state = state.digest,
        .root = root,
        .deltas = state.deltas,
        .until_us = engine->now + MCPZ_FOLD_PATIENCE_US,
    };
    sign(engine, fold, fold->signatures[0].signature);
    fold->signatures[0].signer = *mcpz_identity_id(engine->identity);
    fold->signature_count = 1;
    ask_neighbours(engine, fold);
    if (fold->asked_count == 0) {
        settle(engine, fold);
    }
}

/* ---- Hearing ------------------------------------------------------------------------------ */

static void alarm_of(struct mcpz_engine *engine, const struct mcpz_id *document)
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
    struct mcpz_id root;

    if (mcpz_checkpoint_state_of(&engine->store, &asked->document, &state) != MCPZ_OK) {
        return MCPZ_FOLD_ABSENT;
    }
    if (!mcpz_id_equal(&state.digest, &asked->state)) {
        return MCPZ_FOLD_ELSEWHERE;
    }
    if (mcpz_root_of(&engine->store, &asked->document, root.bytes) != MCPZ_OK) {
        return MCPZ_FOLD_ELSEWHERE; /* what cannot be read says nothing; that was counted */
    }
    return mcpz_id_equal(&root, &asked->root) ? MCPZ_FOLD_SAME : MCPZ_FOLD_DIVERGED;
}

void mcpz_folding_asked(struct mcpz_engine *engine, const struct mcpz_id *from,
                        const struct mcpz_msg_fold *asked)
{
    const struct statement said = statement_of(&asked->document, &asked->state, &asked->root);
    uint8_t signature[MCPZ_SIGNATURE_BYTES];
    struct mcpz_msg msg = {
        .kind = MCPZ_MSG_FOLDED,
        .folded = {.document = asked->document,
                   .state = asked->state,
                   .verdict = judge(engine, asked)},
    };

    if (msg.folded.verdict == MCPZ_FOLD_SAME) {
        mcpz_identity_sign(engine->identity, slice(&said), signature);
        msg.folded.signature = mcpz_bytes(signature, sizeof(signature));
    } else if (msg.folded.verdict == MCPZ_FOLD_DIVERGED) {
        alarm_of(engine, &asked->document);
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
    const struct statement said = statement_of(&fold->document, &fold->state, &fold->root);
    mcpz_error error = mcpz_signature_verify(from, slice(&said), signature);

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
            alarm_of(engine, &answer->document);
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

    for (size_t i = 0; i < MCPZ_FOLD_SWEEP && folding->rest_us <= engine->now; i++) {
        mcpz_error error =
            engine->store.next(engine->store.context, MCPZ_SCAN_KIND, false, &record);
        if (error != MCPZ_OK) {
            folding->swept = (struct mcpz_id){{0}};
            return;
        }
        folding->swept = record.document.id;
        if (mcpz_hlc_to_ms(record.document.hlc) + MCPZ_FOLD_IDLE_MS <= engine->wall_ms &&
            is_due(engine, &folding->swept, &state)) {
            wait_for_turn(folding, &folding->swept);
            folding->rest_us = engine->now + MCPZ_FOLD_REST_US;
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
    sweep(engine);
    let_begin(engine);
}

mcpz_time mcpz_folding_deadline(const struct mcpz_engine *engine)
{
    return engine->folding.next_us;
}
