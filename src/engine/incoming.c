/* Signed batches that come in: verified here, or the core does not see them. */

#include <assert.h>

#include "core/crdt/past.h"
#include "engine/batch.h"
#include "engine/ended.h"
#include "engine/internal.h"
#include "wire/codec.h"
#include "wire/records.h"

/* Where verified deltas go. */
struct delivery {
    const struct mcpz_id *from; /* a peer; NULL: a file */
    uint64_t request;           /* the file's */
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

static mcpz_error verify(struct mcpz_engine *engine, const struct mcpz_msg_batch *batch)
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
    struct mcpz_event event;

    if (to->from != NULL) {
        event =
            (struct mcpz_event){.kind = MCPZ_EVENT_RECV, .recv = {.from = *to->from, .msg = &msg}};
    } else {
        event = (struct mcpz_event){.kind = MCPZ_EVENT_AGENT_IMPORT,
                                    .import = {.request = to->request, .delta = delta}};
    }
    mcpz_engine_dispatch(engine, &event);
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

/* Is it of the document that it names, and of a tenant whose it may be? */
static bool is_welcome(struct mcpz_engine *engine, const struct mcpz_delta *delta)
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
        if (error == MCPZ_OK && is_welcome(engine, &delta)) {
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
        mcpz_authors_ask(engine, from, &part.seal.author.node);
        return MCPZ_OK; /* not the peer's fault: comparing brings them again */
    }
    mcpz_error error = verify(engine, batch);
    if (error == MCPZ_OK) {
        error = hand_over(engine, &part, count, &to);
    }
    if (error != MCPZ_OK) {
        engine->counters.refused_signature++;
    }
    return error;
}

/* ---- From files --------------------------------------------------------------------------- */

/* Is this very delta part of what its document holds? */
static bool is_here(struct mcpz_engine *engine, const struct mcpz_delta *delta)
{
    const struct mcpz_store *store = &engine->store;
    struct mcpz_document document;
    struct mcpz_id id;
    bool held;

    if (mcpz_document_load(store, &delta->document, &document) != MCPZ_OK) {
        return false;
    }
    store->delta_id(store->context, delta, &id);
    const struct mcpz_tip which = {delta->seq, mcpz_head_of(&id)};
    return mcpz_past_holds(store, &document, &delta->actor, &which, &held) == MCPZ_OK && held;
}

static mcpz_error import_batch(struct mcpz_engine *engine, const struct mcpz_msg_batch *batch,
                               uint64_t request)
{
    const struct mcpz_batch_part part = batch->part;
    const struct delivery to = {.request = request};
    struct mcpz_bytes certificate;
    struct mcpz_delta delta;

    if (batch->delta_count != 1) {
        return MCPZ_EPROTO;
    }
    mcpz_error error = verify(engine, batch);
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
    if (!is_welcome(engine, &delta)) {
        return MCPZ_EEXPIRED;
    }
    return is_here(engine, &delta) ? MCPZ_EUSED : hand_over(engine, &part, 1, &to);
}

mcpz_error mcpz_engine_import(struct mcpz_engine *engine, uint64_t request,
                              struct mcpz_bytes message)
{
    struct mcpz_msg msg;
    assert(engine->in_turn);

    mcpz_arena_clear(&engine->scratch->decode_arena);
    mcpz_error error = mcpz_msg_decode(message, &engine->scratch->decode_arena, &msg);
    if (error != MCPZ_OK) {
        return error;
    }
    if (msg.kind == MCPZ_MSG_AUTHOR) {
        error = mcpz_authors_import(engine, &msg.author, request != 0);
        return error == MCPZ_OK ? MCPZ_EUSED : error;
    }
    return msg.kind == MCPZ_MSG_BATCH ? import_batch(engine, &msg.batch, request) : MCPZ_EPROTO;
}
