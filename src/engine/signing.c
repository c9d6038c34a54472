/* What a turn writes itself: noted as it is put down, signed in one go before it leaves. */

#include <assert.h>

#include "engine/batch.h"
#include "engine/internal.h"
#include "wire/codec.h"
#include "wire/records.h"

static const struct mcpz_batch_name none;

/* The queue of this turn. Turns of two engines of one thread never overlap. */
static struct mcpz_outgoing *claim(struct mcpz_engine *engine)
{
    struct mcpz_outgoing *out = &engine->scratch->outgoing;

    assert(engine->in_turn);
    assert(out->engine == NULL || out->engine == engine);
    out->engine = engine;
    return out;
}

static void note_own(struct mcpz_engine *engine, const struct mcpz_delta *delta)
{
    struct mcpz_outgoing *out = claim(engine);
    struct mcpz_id id;

    assert(out->own_count < MCPZ_BATCH_DELTAS_MAX); /* a step writes a hundred at most */
    engine->store.delta_id(engine->store.context, delta, &id);
    memcpy(out->leaves[out->own_count].bytes, id.bytes, MCPZ_ID_BYTES);
    out->own[out->own_count++] = (struct mcpz_unsigned_delta){
        .document = delta->document, .actor = delta->actor, .seq = delta->seq};
}

void mcpz_signing_note(void *context, const struct mcpz_record *record)
{
    struct mcpz_engine *engine = context;
    struct mcpz_incoming *in = &engine->scratch->incoming;
    const struct mcpz_delta *delta = &record->delta.delta;

    if (record->kind == MCPZ_RECORD_DOCUMENT) {
        mcpz_folding_note(engine, &record->document);
    }
    if (record->kind != MCPZ_RECORD_DELTA) {
        return;
    }
    if (mcpz_batch_name_equal(&delta->proof.batch, &none)) {
        if (mcpz_id_equal(&delta->actor.node, mcpz_identity_id(engine->identity))) {
            note_own(engine, delta);
        }
    } else if (mcpz_batch_name_equal(&delta->proof.batch, &in->batch)) {
        in->kept++;
    }
}

/* Write into the row of an own delta where its signature lies. */
static void prove(struct mcpz_engine *engine, const struct mcpz_unsigned_delta *own,
                  const struct mcpz_merkle_digest *leaf, const struct mcpz_delta_proof *proof)
{
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_DELTA,
        .delta = {.delta = {.document = own->document, .actor = own->actor, .seq = own->seq}},
    };
    struct mcpz_id id;

    memcpy(id.bytes, leaf->bytes, MCPZ_ID_BYTES);
    record.delta.head = mcpz_head_of(&id);
    if (engine->store.get(engine->store.context, &record) == MCPZ_OK) {
        record.delta.delta.proof = *proof;
        engine->store.put(engine->store.context, &record);
    }
}

/* Those of one generation, [first, end) of what is unsigned, are one batch. */
static void sign_batch(struct mcpz_engine *engine, size_t first, size_t end)
{
    struct mcpz_outgoing *out = &engine->scratch->outgoing;
    const uint32_t count = (uint32_t)(end - first);
    struct mcpz_batch_made made;

    mcpz_batch_sign(engine->identity, &out->own[first].actor, out->leaves + first, count,
                    &engine->scratch->verified, &made);
    struct mcpz_delta_proof proof = {.batch = made.name};
    engine->counters.signatures_made++;
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_BATCH,
        .batch = {.name = proof.batch,
                  .part = {.seal = {.author = out->own[first].actor,
                                    .count = count,
                                    .signature =
                                        mcpz_bytes(made.signature, sizeof(made.signature))}},
                  .leaves = mcpz_bytes(out->leaves + first, count * sizeof(out->leaves[0])),
                  .kept = count},
    };
    engine->store.put(engine->store.context, &record);
    for (uint32_t i = 0; i < count; i++) {
        proof.index = i;
        prove(engine, &out->own[first + i], &out->leaves[first + i], &proof);
    }
    for (size_t i = 0; i < out->delta_count; i++) {
        struct mcpz_outgoing_delta *delta = &out->deltas[i];
        if (delta->is_unsigned && delta->proof.index >= first && delta->proof.index < end) {
            proof.index = delta->proof.index - (uint32_t)first;
            delta->proof = proof;
            delta->is_unsigned = false;
        }
    }
}

void mcpz_signing_sign(struct mcpz_engine *engine)
{
    struct mcpz_outgoing *out = claim(engine);
    size_t first = 0;

    while (first < out->own_count) {
        size_t end = first + 1;
        while (end < out->own_count &&
               out->own[end].actor.generation == out->own[first].actor.generation) {
            end++;
        }
        sign_batch(engine, first, end);
        first = end;
    }
    out->own_count = 0;
}

/* ---- Queueing ----------------------------------------------------------------------------- */

static bool is_route(const struct mcpz_link_set *route, const mcpz_link *links, size_t count)
{
    return route->count == count &&
           memcmp(route->links, links, count * sizeof(route->links[0])) == 0;
}

/* The row of `links` among the routes; SIZE_MAX: there is no room for one more. */
static size_t find_route(struct mcpz_outgoing *out, const mcpz_link *links, size_t count)
{
    for (size_t i = out->route_count; i > 0; i--) { /* most go where the last one went */
        if (is_route(&out->routes[i - 1], links, count)) {
            return i - 1;
        }
    }
    if (out->route_count == MCPZ_OUTGOING_SETS_MAX) {
        return SIZE_MAX;
    }
    struct mcpz_link_set *route = &out->routes[out->route_count];
    memcpy(route->links, links, count * sizeof(route->links[0]));
    route->count = count;
    return out->route_count++;
}

/* Which of the unsigned is it? False: none of them. */
static bool find_own(const struct mcpz_outgoing *out, struct mcpz_bytes bytes, uint32_t *index)
{
    struct mcpz_merkle_digest leaf;

    mcpz_batch_leaf(bytes, &leaf);
    for (size_t i = out->own_count; i > 0; i--) {
        if (memcmp(&out->leaves[i - 1], &leaf, sizeof(leaf)) == 0) {
            *index = (uint32_t)(i - 1);
            return true;
        }
    }
    return false;
}

/* Does it lie in another batch than the one before it? */
static bool begins_batch(const struct mcpz_outgoing *out, const struct mcpz_outgoing_delta *delta)
{
    return out->delta_count == 0 ||
           !mcpz_batch_name_equal(&out->deltas[out->delta_count - 1].proof.batch,
                                  &delta->proof.batch);
}

void mcpz_outgoing_add(struct mcpz_engine *engine, const mcpz_link *links, size_t count,
                       const struct mcpz_delta *delta)
{
    struct mcpz_outgoing *out = claim(engine);
    assert(count <= MCPZ_LINKS_MAX);

    size_t route = find_route(out, links, count);
    if (route == SIZE_MAX || out->delta_count == MCPZ_OUTGOING_DELTAS_MAX ||
        sizeof(out->bytes) - out->byte_count < MCPZ_DELTA_BYTES_MAX) {
        mcpz_outgoing_flush(engine);
        out = claim(engine);
        route = find_route(out, links, count);
    }
    uint8_t *at = out->bytes + out->byte_count;
    const size_t length = mcpz_delta_encode(delta, at, sizeof(out->bytes) - out->byte_count);
    struct mcpz_outgoing_delta added = {
        .proof = delta->proof,
        .is_unsigned = mcpz_batch_name_equal(&delta->proof.batch, &none),
        .route = (uint32_t)route,
        .offset = (uint32_t)out->byte_count,
        .length = (uint32_t)length,
    };
    if (added.is_unsigned && !find_own(out, mcpz_bytes(at, length), &added.proof.index)) {
        engine->counters.deltas_unproven++; /* nobody would believe it */
        return;
    }
    out->batch_count += begins_batch(out, &added) ? 1 : 0;
    out->deltas[out->delta_count++] = added;
    out->byte_count += length;
}

/* ---- Packing ------------------------------------------------------------------------------ */

/* Deltas that go in one message. */
struct pack {
    const struct mcpz_outgoing *out;
    size_t first;
    size_t count;
    size_t bytes; /* with a header each */
};

static bool goes_on(const struct pack *pack)
{
    const struct mcpz_outgoing_delta *last = &pack->out->deltas[pack->first + pack->count - 1];
    const struct mcpz_outgoing_delta *next = last + 1;

    return pack->first + pack->count < pack->out->delta_count && next->route == last->route &&
           mcpz_batch_name_equal(&next->proof.batch, &last->proof.batch) &&
           next->proof.first == last->proof.first && next->proof.index == last->proof.index + 1 &&
           pack->bytes + next->length + 3 <= MCPZ_DELTA_BYTES_MAX + 3;
}

static struct pack pack_from(const struct mcpz_outgoing *out, size_t first)
{
    struct pack pack = {
        .out = out, .first = first, .count = 1, .bytes = out->deltas[first].length + 3};

    while (goes_on(&pack)) {
        pack.bytes += out->deltas[first + pack.count].length + 3;
        pack.count++;
    }
    return pack;
}

/* Make the message of deltas side by side out of the record of the part they are in. */
static mcpz_error show(const struct mcpz_record_batch *kept, uint32_t index, uint32_t count,
                       uint8_t *beside, struct mcpz_msg_batch *batch)
{
    size_t length = 0;

    mcpz_error error = mcpz_batch_beside(&kept->part, kept->leaves, index, count, beside, &length);
    if (error != MCPZ_OK) {
        return error;
    }
    batch->part = kept->part;
    batch->part.first = index;
    batch->part.beside = mcpz_bytes(beside, length);
    return MCPZ_OK;
}

static mcpz_error load(struct mcpz_engine *engine, const struct mcpz_delta_proof *proof,
                       struct mcpz_record *record)
{
    *record = (struct mcpz_record){
        .kind = MCPZ_RECORD_BATCH,
        .batch = {.name = proof->batch, .part = {.first = proof->first}},
    };
    return engine->store.get(engine->store.context, record);
}

static void send_pack(struct mcpz_engine *engine, const struct pack *pack)
{
    const struct mcpz_outgoing_delta *deltas = pack->out->deltas + pack->first;
    const struct mcpz_link_set *route = &pack->out->routes[deltas[0].route];
    uint8_t beside[MCPZ_BATCH_BESIDE_MAX * MCPZ_BATCH_DIGEST_BYTES];
    struct mcpz_bytes *bytes = engine->scratch->packed;
    struct mcpz_msg msg = {.kind = MCPZ_MSG_BATCH,
                           .batch = {.deltas = bytes, .delta_count = pack->count}};
    struct mcpz_record record;

    if (deltas[0].is_unsigned || load(engine, &deltas[0].proof, &record) != MCPZ_OK ||
        show(&record.batch, deltas[0].proof.index, (uint32_t)pack->count, beside, &msg.batch) !=
            MCPZ_OK ||
        !mcpz_authors_tell(engine, &record.batch.part.seal.author.node, route)) {
        engine->counters.deltas_unproven += pack->count;
        return;
    }
    for (size_t i = 0; i < pack->count; i++) {
        bytes[i] = mcpz_bytes(pack->out->bytes + deltas[i].offset, deltas[i].length);
    }
    mcpz_outbound_hold(engine, &msg, route);
}

void mcpz_outgoing_flush(struct mcpz_engine *engine)
{
    struct mcpz_outgoing *out = &engine->scratch->outgoing;

    if (out->engine != engine) {
        return;
    }
    mcpz_signing_sign(engine);
    for (size_t i = 0; i < out->delta_count;) {
        const struct pack pack = pack_from(out, i);
        send_pack(engine, &pack);
        i += pack.count;
    }
    out->delta_count = 0;
    out->batch_count = 0;
    out->route_count = 0;
    out->byte_count = 0;
    out->engine = NULL;
}

bool mcpz_engine_is_laden(const struct mcpz_engine *engine)
{
    const struct mcpz_outgoing *out = &engine->scratch->outgoing;

    return out->engine == engine && out->batch_count >= MCPZ_OUTGOING_BATCHES_ENOUGH;
}

/* ---- For files ---------------------------------------------------------------------------- */

/* Where the signature of one that this very turn has written lies now. */
static mcpz_error sign_now(struct mcpz_engine *engine, const struct mcpz_delta *delta,
                           struct mcpz_delta_proof *proof)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_DELTA, .delta = {.delta = *delta}};
    struct mcpz_id id;

    mcpz_signing_sign(engine);
    engine->store.delta_id(engine->store.context, delta, &id);
    record.delta.head = mcpz_head_of(&id);
    mcpz_error error = engine->store.get(engine->store.context, &record);
    if (error == MCPZ_OK) {
        *proof = record.delta.delta.proof;
    }
    return error;
}

mcpz_error mcpz_engine_prove(struct mcpz_engine *engine, const struct mcpz_delta *delta,
                             uint8_t *buffer, size_t capacity, size_t *length)
{
    uint8_t beside[MCPZ_BATCH_BESIDE_MAX * MCPZ_BATCH_DIGEST_BYTES];
    struct mcpz_bytes bytes;
    struct mcpz_msg msg = {.kind = MCPZ_MSG_BATCH, .batch = {.deltas = &bytes, .delta_count = 1}};
    struct mcpz_delta_proof proof = delta->proof;
    struct mcpz_record record;
    mcpz_error error = MCPZ_OK;

    if (mcpz_batch_name_equal(&proof.batch, &none)) {
        error = sign_now(engine, delta, &proof);
    }
    if (error == MCPZ_OK) {
        error = load(engine, &proof, &record);
    }
    if (error == MCPZ_OK) {
        error = show(&record.batch, proof.index, 1, beside, &msg.batch);
    }
    if (error != MCPZ_OK) {
        return error == MCPZ_EPROTO ? MCPZ_ECORRUPT : error;
    }
    uint8_t *at = engine->scratch->encoded;
    bytes = mcpz_bytes(at, mcpz_delta_encode(delta, at, sizeof(engine->scratch->encoded)));
    return mcpz_msg_encode(&msg, buffer, capacity, length);
}
