/* Signed batches that come in: verified here, or the core does not see them. */

#include <assert.h>
#include <stdlib.h>

#include "core/crdt/lives.h"
#include "core/crdt/past.h"
#include "engine/agreement.h"
#include "engine/batch.h"
#include "engine/ended.h"
#include "engine/intake.h"
#include "engine/internal.h"
#include "wire/codec.h"
#include "wire/records.h"

/* Where verified deltas go. */
struct delivery {
    const struct mcpz_id *from; /* a peer; NULL: a file */
    uint64_t request;           /* the file's; 0: nobody waits for a REPLY */
};

/* Copy what the decoder left in an arena that steps clear, and hash it. */
static void take_apart(struct mcpz_incoming *in, const struct mcpz_msg_batch *batch)
{
    for (size_t i = 0; i < batch->delta_count; i++) {
        in->deltas[i] = batch->deltas[i];
        mcpz_batch_leaf(in->deltas[i], &in->leaves[i]);
    }
    in->first = batch->part.first;
    in->kept = 0;
}

mcpz_error mcpz_incoming_verify(struct mcpz_engine *engine, const struct mcpz_msg_batch *batch)
{
    struct mcpz_incoming *in = &engine->scratch->incoming;
    struct mcpz_verified *verified = &engine->scratch->verified;
    const uint64_t misses_before = verified->misses;

    if (batch->delta_count == 0) {
        return MCPZ_EPROTO;
    }
    take_apart(in, batch);
    mcpz_error error = mcpz_batch_verify(&batch->part, in->leaves, (uint32_t)batch->delta_count,
                                         verified, &in->batch);
    engine->counters.signatures_verified += verified->misses - misses_before;
    return error;
}

/* Only the author's own words, in the one form there is. */
static mcpz_error decode(struct mcpz_engine *engine, const struct mcpz_actor *author,
                         struct mcpz_bytes bytes, struct mcpz_delta *delta)
{
    mcpz_arena_clear(&engine->scratch->decode_arena);
    mcpz_error error = mcpz_delta_decode(bytes, &engine->scratch->decode_arena, delta);

    if (error == MCPZ_OK && mcpz_actor_compare(&delta->actor, author) != 0) {
        error = MCPZ_EPROTO;
    }
    return error;
}

static void deliver(struct mcpz_engine *engine, const struct delivery *to,
                    const struct mcpz_delta *delta)
{
    struct mcpz_msg msg = {.kind = MCPZ_MSG_DELTA, .delta = {.delta = *delta}};
    const bool closes = mcpz_lives_closing(delta) != NULL;
    struct mcpz_event event;

    if (to->from != NULL) {
        event =
            (struct mcpz_event){.kind = MCPZ_EVENT_RECV, .recv = {.from = *to->from, .msg = &msg}};
    } else {
        event = (struct mcpz_event){.kind = MCPZ_EVENT_AGENT_IMPORT,
                                    .import = {.request = to->request, .delta = delta}};
    }
    const struct mcpz_delta told = *delta;
    mcpz_engine_dispatch(engine, &event);
    if (closes) {
        mcpz_late_consider(engine, &told);
    }
}

/* Keep the signature of what was kept. Of two parts that begin at one place the longer one. */
static void keep_part(struct mcpz_engine *engine, const struct mcpz_batch_part *part, size_t count)
{
    const struct mcpz_incoming *in = &engine->scratch->incoming;
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_BATCH,
        .batch = {.name = in->batch, .part = {.first = in->first}},
    };
    const size_t length = count * sizeof(in->leaves[0]);

    if (in->kept == 0) {
        return;
    }
    mcpz_error error = engine->store.get(engine->store.context, &record);
    if (error != MCPZ_OK || record.batch.leaves.length < length) {
        const uint32_t kept = error == MCPZ_OK ? record.batch.kept : 0;
        record.batch = (struct mcpz_record_batch){
            .name = in->batch,
            .part = *part,
            .leaves = mcpz_bytes(in->leaves, length),
            .kept = kept,
        };
    }
    record.batch.kept += in->kept;
    engine->store.put(engine->store.context, &record);
}

bool mcpz_incoming_is_welcome(struct mcpz_engine *engine, const struct mcpz_delta *delta)
{
    if (!mcpz_delta_names_its_document(delta)) {
        engine->counters.refused_naming++;
        return false;
    }
    return !mcpz_ended_delta(engine, delta);
}

static mcpz_error hand_over(struct mcpz_engine *engine, const struct mcpz_batch_part *part,
                            size_t count, const struct delivery *to)
{
    struct mcpz_incoming *in = &engine->scratch->incoming;
    mcpz_error error = MCPZ_OK;

    for (size_t i = 0; i < count && error == MCPZ_OK; i++) {
        struct mcpz_delta delta;
        error = decode(engine, &part->seal.author, in->deltas[i], &delta);
        if (error == MCPZ_OK && mcpz_incoming_is_welcome(engine, &delta)) {
            delta.proof = (struct mcpz_delta_proof){
                .batch = in->batch, .first = in->first, .index = in->first + (uint32_t)i};
            memcpy(engine->persist.verified_id.bytes, in->leaves[i].bytes, MCPZ_ID_BYTES);
            engine->persist.verified = delta.proof;
            deliver(engine, to, &delta);
        }
    }
    engine->persist.verified = (struct mcpz_delta_proof){.first = 0};
    keep_part(engine, part, count);
    in->batch = (struct mcpz_batch_name){{0}};
    return error;
}

mcpz_error mcpz_incoming_batch(struct mcpz_engine *engine, const struct mcpz_id *from,
                               const struct mcpz_msg_batch *batch)
{
    const struct mcpz_batch_part part = batch->part; /* its slices lie in the frame */
    const size_t count = batch->delta_count;
    const struct delivery to = {.from = from};
    struct mcpz_bytes certificate;

    if (!mcpz_authors_find(engine, &part.seal.author.node, &certificate)) {
        engine->counters.deltas_of_unknown += count;
        if (from != NULL) {
            mcpz_authors_ask(engine, from, &part.seal.author.node);
        }
        return MCPZ_OK; /* not the peer's fault: comparing brings them again */
    }
    mcpz_error error = mcpz_incoming_verify(engine, batch);
    if (error == MCPZ_OK) {
        error = hand_over(engine, &part, count, &to);
    }
    if (error != MCPZ_OK) {
        engine->counters.refused_signature++;
    }
    return error;
}

/* ---- From files --------------------------------------------------------------------------- */

/* Is this very delta here? What is folded is for the core to say: a row may be wanted of it. */
static bool is_here(struct mcpz_engine *engine, const struct mcpz_delta *delta)
{
    const struct mcpz_store *store = &engine->store;
    struct mcpz_document document;
    struct mcpz_id id;
    enum mcpz_place place;

    if (mcpz_document_load(store, &delta->document, &document) != MCPZ_OK) {
        return false;
    }
    store->delta_id(store->context, delta, &id);
    const struct mcpz_tip which = {delta->seq, mcpz_head_of(&id)};
    return mcpz_past_find(store, &document, &delta->actor, &which, &place) == MCPZ_OK &&
           place == MCPZ_PLACE_HERE;
}

static mcpz_error import_batch(struct mcpz_engine *engine, struct mcpz_import *import,
                               const struct mcpz_msg_batch *batch, uint64_t request)
{
    const struct mcpz_batch_part part = batch->part;
    const struct delivery to = {.request = request};
    struct mcpz_bytes certificate;
    struct mcpz_delta delta;

    if (batch->delta_count != 1) {
        return MCPZ_EPROTO;
    }
    mcpz_error error = mcpz_incoming_verify(engine, batch);
    if (error != MCPZ_OK || request == 0) {
        return error;
    }
    if (!mcpz_authors_find(engine, &part.seal.author.node, &certificate)) {
        return MCPZ_EAUTH;
    }
    error = decode(engine, &part.seal.author, engine->scratch->incoming.deltas[0], &delta);
    if (error != MCPZ_OK) {
        return error;
    }
    if (!mcpz_incoming_is_welcome(engine, &delta)) {
        return MCPZ_EEXPIRED;
    }
    import->document = delta.document;
    return is_here(engine, &delta) ? MCPZ_EUSED : hand_over(engine, &part, 1, &to);
}

/* Are those who signed it of the mesh? A look does not ask: authors were not kept for it. */
static mcpz_error check_agreed(struct mcpz_engine *engine, const struct mcpz_msg_agreed *said,
                               uint64_t request)
{
    mcpz_error error = request == 0
                           ? mcpz_agreement_is_signed(&said->document, &said->agreed)
                           : mcpz_agreement_check(engine, NULL, &said->document, &said->agreed);

    return error == MCPZ_ENOTFOUND ? MCPZ_EAUTH : error;
}

static mcpz_error begin_base(struct mcpz_engine *engine, struct mcpz_import *import,
                             const struct mcpz_msg_agreed *said, uint64_t request)
{
    enum mcpz_intake_news news;

    mcpz_error error = check_agreed(engine, said, request);
    if (error != MCPZ_OK) {
        return error;
    }
    error = mcpz_intake_judge(engine, &said->document, &said->agreed, &news);
    if (error != MCPZ_OK) {
        return error;
    }
    if (news == MCPZ_INTAKE_BRANCH || news == MCPZ_INTAKE_BESIDE) {
        return MCPZ_EUNSUPPORTED;
    }
    struct mcpz_intake *intake = malloc(sizeof(*intake));
    if (intake == NULL) {
        return MCPZ_ENOMEM;
    }
    error = mcpz_intake_init(intake, said);
    if (error != MCPZ_OK) {
        free(intake);
        return error;
    }
    import->base = intake;
    return MCPZ_EUSED;
}

/* All of it is here. */
static mcpz_error end_base(struct mcpz_engine *engine, struct mcpz_import *import,
                           uint64_t request)
{
    const struct mcpz_intake_source source = {.request = request};

    import->bases++;
    import->document = import->base->document;
    mcpz_error error = request == 0 ? mcpz_intake_check(engine, import->base)
                                    : mcpz_intake_install(engine, import->base, &source);
    mcpz_import_finish(import);
    if (error == MCPZ_ENOTFOUND) {
        return MCPZ_EUSED;
    }
    return error == MCPZ_ECONFLICT ? MCPZ_EUNSUPPORTED : error;
}

static mcpz_error import_base(struct mcpz_engine *engine, struct mcpz_import *import,
                              const struct mcpz_msg_base *base, uint64_t request)
{
    struct mcpz_intake *intake = import->base;

    if (intake == NULL || !base->is_answer || base->index != intake->index ||
        !mcpz_id_equal(&base->document, &intake->document) ||
        !mcpz_id_equal(&base->root, &intake->agreed.root)) {
        return MCPZ_EPROTO;
    }
    mcpz_error error = mcpz_intake_take(intake, base->bytes);
    if (error != MCPZ_OK) {
        return error;
    }
    return mcpz_intake_is_whole(intake) ? end_base(engine, import, request) : MCPZ_EUSED;
}

void mcpz_import_finish(struct mcpz_import *import)
{
    if (import->base != NULL) {
        mcpz_intake_finish(import->base);
    }
    free(import->base);
    import->base = NULL;
}

static mcpz_error import_author(struct mcpz_engine *engine, const struct mcpz_msg_author *author,
                                uint64_t request)
{
    const mcpz_error error = mcpz_authors_import(engine, author, request != 0);

    return error == MCPZ_OK ? MCPZ_EUSED : error;
}

mcpz_error mcpz_engine_import(struct mcpz_engine *engine, struct mcpz_import *import,
                              uint64_t request, struct mcpz_bytes message)
{
    struct mcpz_msg msg;
    assert(engine->in_turn);

    mcpz_arena_clear(&engine->scratch->decode_arena);
    mcpz_error error = mcpz_msg_decode(message, &engine->scratch->decode_arena, &msg);
    if (error != MCPZ_OK) {
        return error;
    }
    if (msg.kind == MCPZ_MSG_BASE) {
        return import_base(engine, import, &msg.base, request);
    }
    if (import->base != NULL) { /* the one before is not whole */
        mcpz_import_finish(import);
        return MCPZ_EPROTO;
    }
    switch (msg.kind) {
    case MCPZ_MSG_AUTHOR:
        return import_author(engine, &msg.author, request);
    case MCPZ_MSG_AGREED:
        return begin_base(engine, import, &msg.agreed, request);
    case MCPZ_MSG_BATCH:
        return import_batch(engine, import, &msg.batch, request);
    default:
        return MCPZ_EPROTO;
    }
}
