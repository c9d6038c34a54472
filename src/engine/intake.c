#include "engine/intake.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/crdt/clock.h"
#include "core/crdt/document.h"
#include "core/crdt/floor.h"
#include "core/crdt/held.h"
#include "core/crdt/past.h"
#include "crypto/digest.h"
#include "engine/agreement.h"
#include "engine/base.h"
#include "engine/internal.h"
#include "engine/rebase.h"
#include "engine/refill.h"
#include "wire/checkpoint.h"
#include "wire/codec.h"
#include "wire/records.h"

/* ---- What it would be --------------------------------------------------------------------- */

/*
 * Is anything here of lives that it closes which not all had signed before: so it may be something
 * that they did not have, and does not count?
 */
static bool may_be_late(const struct mcpz_document *document, const struct mcpz_floor *floor,
                        const struct mcpz_version *closing)
{
    const struct mcpz_clock *clock = &document->clock;
    const struct mcpz_cuts *cuts = &document->cuts;

    for (size_t i = 0; i < clock->count; i++) {
        const struct mcpz_version *life = &clock->versions[i];
        if (mcpz_clock_is_closed(closing, 1, &life->actor) && !mcpz_version_closes(life) &&
            mcpz_clock_get(floor->clock.versions, floor->clock.count, &life->actor) < life->seq) {
            return true;
        }
    }
    for (size_t i = 0; i < cuts->count; i++) {
        if (mcpz_clock_is_closed(closing, 1, &cuts->cuts[i].actor)) {
            return true;
        }
    }
    return false;
}

/* Of who is cut there, is just that here, or nothing from there on? */
static bool may_go_with(const struct mcpz_document *document, const struct mcpz_agreed *agreed)
{
    const struct mcpz_seen held = mcpz_seen_of(&document->clock, &document->cuts);
    bool may = true;

    for (size_t i = 0; i < agreed->cut_count && may; i++) {
        const struct mcpz_cut *cut = &agreed->cuts[i];
        may = mcpz_floor_has_cut(&held, cut) ||
              (mcpz_cuts_find(held.cuts, held.cut_count, &cut->actor) == NULL &&
               mcpz_clock_get(held.versions, held.version_count, &cut->actor) < cut->seq);
    }
    return may;
}

/* Is all that is here of those who are in it on the branch that was signed? */
static mcpz_error is_one_branch(struct mcpz_engine *engine, const struct mcpz_document *document,
                                const struct mcpz_floor *floor, const struct mcpz_agreed *agreed,
                                bool *is_one)
{
    const struct mcpz_clock *clock = &document->clock;
    const struct mcpz_cuts *cuts = &document->cuts;
    mcpz_error error = MCPZ_OK;

    *is_one = may_go_with(document, agreed);
    for (size_t i = 0; i < agreed->version_count && *is_one && error == MCPZ_OK; i++) {
        const struct mcpz_version *last = &agreed->versions[i];
        const struct mcpz_tip tip = {last->seq, last->head};
        const struct mcpz_cut *cut = mcpz_cuts_find(cuts->cuts, cuts->count, &last->actor);
        if ((cut != NULL && cut->seq <= last->seq) ||
            (mcpz_version_closes(last) && may_be_late(document, floor, last))) {
            *is_one = false;
        } else if (last->seq <= mcpz_clock_get(clock->versions, clock->count, &last->actor)) {
            error = mcpz_past_holds(&engine->store, document, &last->actor, &tip, is_one);
        }
    }
    return error;
}

/*
 * Is anything here of somebody who is further on in it, and which not all had signed before? Who
 * was set back and does not know may have written that instead of what was signed, and nobody can
 * tell: what lies between is gone.
 */
static bool may_be_apart(const struct mcpz_document *document, const struct mcpz_floor *floor,
                         const struct mcpz_agreed *agreed)
{
    const struct mcpz_clock *clock = &document->clock;

    for (size_t i = 0; i < clock->count; i++) {
        const struct mcpz_version *last = &clock->versions[i];
        if (!mcpz_version_closes(last) &&
            last->seq < mcpz_clock_get(agreed->versions, agreed->version_count, &last->actor) &&
            last->seq > mcpz_clock_get(floor->clock.versions, floor->clock.count, &last->actor)) {
            return true;
        }
    }
    return false;
}

mcpz_error mcpz_intake_judge(struct mcpz_engine *engine, const struct mcpz_id *id,
                             const struct mcpz_agreed *agreed, enum mcpz_intake_news *news)
{
    const struct mcpz_seen seen = mcpz_seen_in(agreed);
    struct mcpz_document document;
    struct mcpz_floor floor;
    mcpz_error floor_error = MCPZ_OK;
    bool is_one = true;

    mcpz_error error = mcpz_document_load(&engine->store, id, &document);
    if (error == MCPZ_OK) {
        floor_error = mcpz_floor_load(&engine->store, id, &floor);
        error = is_one_branch(engine, &document, &floor, agreed, &is_one);
    }
    if (error != MCPZ_OK) {
        return error;
    }
    const struct mcpz_seen held = mcpz_seen_of(&document.clock, &document.cuts);
    if (is_one && mcpz_floor_is_held(&seen, &held)) {
        *news = MCPZ_INTAKE_NONE; /* whatever our floor is */
    } else if (floor_error != MCPZ_OK) {
        return floor_error;
    } else if (!mcpz_floor_is_reached(&floor, &seen)) {
        *news = MCPZ_INTAKE_BESIDE;
    } else if (is_one) {
        *news = may_be_apart(&document, &floor, agreed) ? MCPZ_INTAKE_BEHIND : MCPZ_INTAKE_MORE;
    } else {
        *news = MCPZ_INTAKE_BRANCH;
    }
    return MCPZ_OK;
}

/* ---- Gathering ---------------------------------------------------------------------------- */

mcpz_error mcpz_intake_init(struct mcpz_intake *intake, const struct mcpz_msg_agreed *said)
{
    const struct mcpz_agreed *agreed = &said->agreed;

    *intake = (struct mcpz_intake){.document = said->document, .byte_count = said->byte_count};
    if (said->byte_count == 0 || said->byte_count > MCPZ_BASE_BYTES_MAX) {
        return MCPZ_EPROTO;
    }
    intake->bytes = malloc(said->byte_count);
    if (intake->bytes == NULL) {
        return MCPZ_ENOMEM;
    }
    intake->agreed = *agreed;
    for (size_t i = 0; i < agreed->version_count; i++) {
        intake->versions[i] = agreed->versions[i];
    }
    for (size_t i = 0; i < agreed->cut_count; i++) {
        intake->cuts[i] = agreed->cuts[i];
    }
    for (size_t i = 0; i < agreed->signature_count; i++) {
        intake->signatures[i] = agreed->signatures[i];
    }
    if (agreed->tenant.length > 0) {
        memcpy(intake->tenant, agreed->tenant.data, agreed->tenant.length);
    }
    intake->agreed.tenant = mcpz_bytes(intake->tenant, agreed->tenant.length);
    intake->agreed.versions = intake->versions;
    intake->agreed.cuts = intake->cuts;
    intake->agreed.signatures = intake->signatures;
    return MCPZ_OK;
}

void mcpz_intake_finish(struct mcpz_intake *intake)
{
    for (size_t i = 0; i < intake->head_count; i++) {
        free(intake->heads[i]);
    }
    free(intake->bytes);
    intake->bytes = NULL;
    intake->head_count = 0;
}

static mcpz_error take_piece(struct mcpz_intake *intake, struct mcpz_bytes bytes)
{
    const uint64_t left = intake->byte_count - intake->bytes_here;

    if (bytes.length > left || bytes.length == 0 ||
        (bytes.length < left && bytes.length != MCPZ_BASE_PIECE_BYTES)) {
        return MCPZ_EPROTO;
    }
    memcpy(intake->bytes + intake->bytes_here, bytes.data, bytes.length);
    intake->bytes_here += bytes.length;
    return MCPZ_OK;
}

static void take_head(struct mcpz_intake *intake, struct mcpz_bytes bytes)
{
    uint8_t *kept = bytes.length > 0 ? malloc(bytes.length) : NULL;

    intake->heads_bytes += bytes.length;
    if (intake->heads_bytes > MCPZ_INTAKE_HEADS_BYTES_MAX) {
        free(kept);
        kept = NULL;
    }
    if (kept != NULL) {
        memcpy(kept, bytes.data, bytes.length);
    }
    intake->heads[intake->head_count] = kept;
    intake->head_lengths[intake->head_count++] = kept != NULL ? bytes.length : 0;
}

mcpz_error mcpz_intake_take(struct mcpz_intake *intake, struct mcpz_bytes bytes)
{
    mcpz_error error = MCPZ_OK;
    assert(!mcpz_intake_is_whole(intake));

    if (intake->bytes_here < intake->byte_count) {
        error = take_piece(intake, bytes);
    } else {
        take_head(intake, bytes);
    }
    intake->index++;
    return error;
}

bool mcpz_intake_is_whole(const struct mcpz_intake *intake)
{
    return intake->bytes_here == intake->byte_count &&
           intake->head_count == intake->agreed.version_count;
}

/* ---- Judging ------------------------------------------------------------------------------ */

/* Is it what was signed: in its form, and of just those deltas? Opens it. */
static mcpz_error open_base(struct mcpz_intake *intake, struct mcpz_checkpoint_reader *reader)
{
    const struct mcpz_bytes bytes = mcpz_bytes(intake->bytes, intake->byte_count);
    const struct mcpz_agreement said = mcpz_agreement_of(&intake->document, &intake->agreed);
    struct mcpz_arena arena;
    struct mcpz_id digest;

    mcpz_digest(MCPZ_DIGEST_ROOT, bytes, digest.bytes);
    if (!mcpz_id_equal(&digest, &intake->agreed.root)) {
        return MCPZ_EPROTO;
    }
    mcpz_arena_init(&arena, intake->arena_memory, sizeof(intake->arena_memory));
    mcpz_error error = mcpz_checkpoint_open(reader, bytes, &arena);
    if (error == MCPZ_OK) {
        error = mcpz_checkpoint_check(reader);
    }
    if (error != MCPZ_OK) {
        return MCPZ_EPROTO;
    }
    if (!mcpz_id_equal(&reader->checkpoint.head.document, &intake->document)) {
        return MCPZ_EPROTO;
    }
    mcpz_checkpoint_state_digest(&reader->checkpoint.head, &digest);
    return mcpz_id_equal(&digest, &said.state) ? MCPZ_OK : MCPZ_EPROTO;
}

/* Decode the last delta of actor number `i`, which must be just that one. */
static mcpz_error decode_head(struct mcpz_engine *engine, const struct mcpz_intake *intake,
                              size_t i, struct mcpz_msg *msg)
{
    const struct mcpz_version *last = &intake->versions[i];
    struct mcpz_arena *arena = &engine->scratch->decode_arena;
    struct mcpz_delta delta;

    mcpz_arena_clear(arena);
    mcpz_error error =
        mcpz_msg_decode(mcpz_bytes(intake->heads[i], intake->head_lengths[i]), arena, msg);
    if (error != MCPZ_OK || msg->kind != MCPZ_MSG_BATCH || msg->batch.delta_count != 1) {
        return MCPZ_EPROTO;
    }
    error = mcpz_delta_decode(msg->batch.deltas[0], arena, &delta);
    return error == MCPZ_OK && mcpz_actor_compare(&delta.actor, &last->actor) == 0 &&
                   delta.seq == last->seq && mcpz_id_equal(&delta.document, &intake->document)
               ? MCPZ_OK
               : MCPZ_EPROTO;
}

/* Open it, and see that the last deltas are those, and their authors'. */
static mcpz_error open_and_check(struct mcpz_engine *engine, struct mcpz_intake *intake,
                                 struct mcpz_checkpoint_reader *reader)
{
    struct mcpz_msg msg;

    mcpz_error error = open_base(intake, reader);
    for (size_t i = 0; i < intake->head_count && error == MCPZ_OK; i++) {
        if (intake->head_lengths[i] > 0) {
            error = decode_head(engine, intake, i, &msg);
        }
        if (intake->head_lengths[i] > 0 && error == MCPZ_OK) {
            error = mcpz_incoming_verify(engine, &msg.batch);
        }
    }
    return error;
}

mcpz_error mcpz_intake_check(struct mcpz_engine *engine, struct mcpz_intake *intake)
{
    struct mcpz_checkpoint_reader reader;

    return open_and_check(engine, intake, &reader);
}

/* ---- Installing --------------------------------------------------------------------------- */

/* The last deltas of its actors, each as if it had come by itself. */
static mcpz_error take_heads(struct mcpz_engine *engine, const struct mcpz_intake *intake,
                             const struct mcpz_id *from)
{
    mcpz_error error = MCPZ_OK;

    for (size_t i = 0; i < intake->head_count && error == MCPZ_OK; i++) {
        struct mcpz_msg msg;
        if (intake->head_lengths[i] == 0) {
            continue;
        }
        error = decode_head(engine, intake, i, &msg);
        if (error == MCPZ_OK) {
            error = mcpz_incoming_batch(engine, from, &msg.batch);
        }
    }
    return error;
}

static mcpz_error make_floor(struct mcpz_engine *engine, const struct mcpz_intake *intake)
{
    const struct mcpz_record_floor floor = {
        .document = intake->document,
        .agreed = intake->agreed,
        .byte_count = intake->byte_count,
        .folded_ms = engine->wall_ms,
    };
    mcpz_error error =
        mcpz_base_put(&engine->store, &floor, mcpz_bytes(intake->bytes, intake->byte_count));

    if (error == MCPZ_OK) {
        engine->counters.bases_installed++;
        mcpz_collecting_raised(engine, &intake->document);
    }
    engine->counters.bases_refused += error != MCPZ_OK;
    return error;
}

/* Is what names the document in it welcome, as in a delta? */
static bool is_welcome(struct mcpz_engine *engine, const struct mcpz_checkpoint_reader *opened)
{
    struct mcpz_checkpoint_reader reader = *opened;
    struct mcpz_record_entry entry;

    reader.checkpoint.context = &reader;
    while (reader.checkpoint.next(&reader, &entry) == MCPZ_OK) {
        const struct mcpz_add add = {.type = entry.type, .path = entry.path, .value = entry.value};
        const struct mcpz_delta named = {.document = opened->checkpoint.head.document,
                                         .hlc = entry.hlc,
                                         .adds = &add,
                                         .add_count = 1};
        if (!mcpz_incoming_is_welcome(engine, &named)) {
            return false;
        }
    }
    return true;
}

/* All of it is good: installed, made the floor, in the batch of this turn. */
static mcpz_error install(struct mcpz_engine *engine, struct mcpz_intake *intake,
                          const struct mcpz_intake_source *source,
                          const struct mcpz_checkpoint *checkpoint)
{
    static const struct mcpz_id nobody;
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_AGENT_INSTALL,
        .install = {.request = source->request,
                    .from = source->from != NULL ? *source->from : nobody,
                    .checkpoint = checkpoint},
    };
    enum mcpz_intake_news news;

    mcpz_engine_dispatch(engine, &event);
    mcpz_error error = mcpz_intake_judge(engine, &intake->document, &intake->agreed, &news);
    if (error == MCPZ_OK && news == MCPZ_INTAKE_NONE) {
        error = make_floor(engine, intake);
        return error == MCPZ_OK ? take_heads(engine, intake, source->from) : error;
    }
    engine->counters.bases_refused++;
    return source->request != 0 ? MCPZ_OK : MCPZ_ECONFLICT; /* the REPLY says why */
}

/*
 * Is it of somebody, or are we one, who may have what was forgotten? What is here is not given up
 * for that (core/crdt/held.h), as what was forgotten is not taken in again.
 */
static bool is_held(struct mcpz_engine *engine, const struct mcpz_intake_source *source,
                    const struct mcpz_checkpoint_head *head)
{
    const struct mcpz_horizon *horizon = &engine->node.agents.horizon;
    struct mcpz_document document;

    return source->from != NULL &&
           (mcpz_horizon_holds(horizon, source->from) ||
            mcpz_document_load(&engine->store, &head->document, &document) != MCPZ_OK ||
            mcpz_held_base(horizon, source->from, &document, head));
}

/*
 * The same where another branch is here, or may be: what was signed counts. If it only may be, it
 * is rather taken in than not.
 */
static mcpz_error begin_anew(struct mcpz_engine *engine, struct mcpz_intake *intake,
                             const struct mcpz_intake_source *source,
                             const struct mcpz_checkpoint *checkpoint, bool is_sure)
{
    struct mcpz_rebase *rebase;

    if (is_held(engine, source, &checkpoint->head)) {
        engine->counters.bases_refused++;
        return MCPZ_ECONFLICT;
    }
    if (mcpz_rebase_begin(engine, &intake->document, &intake->agreed, NULL, &rebase) != MCPZ_OK) {
        if (!is_sure) {
            return install(engine, intake, source, checkpoint);
        }
        engine->counters.bases_refused++;
        mcpz_folding_alarm(engine, &intake->document); /* it stays as it is */
        return MCPZ_ECONFLICT;
    }
    engine->counters.bases_begun_with++;
    mcpz_error error = install(engine, intake, source, checkpoint);
    mcpz_rebase_put_back(engine, rebase);
    mcpz_rebase_destroy(rebase);
    return error;
}

mcpz_error mcpz_intake_begin_anew(struct mcpz_engine *engine, struct mcpz_intake *intake,
                                  const struct mcpz_delta *closer)
{
    static const struct mcpz_intake_source ourselves;
    struct mcpz_checkpoint_reader reader;
    struct mcpz_rebase *rebase;

    mcpz_error error = open_and_check(engine, intake, &reader);
    if (error == MCPZ_OK) {
        error = mcpz_rebase_begin(engine, &intake->document, &intake->agreed, closer, &rebase);
    }
    if (error != MCPZ_OK) {
        return error;
    }
    error = install(engine, intake, &ourselves, &reader.checkpoint);
    mcpz_rebase_put_back(engine, rebase);
    mcpz_rebase_destroy(rebase);
    return error;
}

/* All of it is in the state; but what we were folded to is damaged. */
static mcpz_error refill(struct mcpz_engine *engine, const struct mcpz_intake *intake,
                         const struct mcpz_intake_source *source)
{
    if (!mcpz_refill_will_do(engine, &intake->document, &intake->agreed)) {
        return MCPZ_ENOTFOUND;
    }
    mcpz_error error = make_floor(engine, intake);
    return error == MCPZ_OK ? take_heads(engine, intake, source->from) : error;
}

mcpz_error mcpz_intake_install(struct mcpz_engine *engine, struct mcpz_intake *intake,
                               const struct mcpz_intake_source *source)
{
    struct mcpz_checkpoint_reader reader;
    enum mcpz_intake_news news;

    mcpz_error error = open_and_check(engine, intake, &reader);
    if (error == MCPZ_OK && !is_welcome(engine, &reader)) {
        error = MCPZ_EEXPIRED;
    }
    if (error != MCPZ_OK) {
        engine->counters.bases_refused++;
        return error;
    }
    error = mcpz_intake_judge(engine, &intake->document, &intake->agreed, &news);
    if (error != MCPZ_OK) {
        return error;
    }
    switch (news) {
    case MCPZ_INTAKE_MORE:
        return install(engine, intake, source, &reader.checkpoint);
    case MCPZ_INTAKE_BEHIND:
        return begin_anew(engine, intake, source, &reader.checkpoint, false);
    case MCPZ_INTAKE_BRANCH:
        return source->from != NULL ? begin_anew(engine, intake, source, &reader.checkpoint, true)
                                    : MCPZ_ECONFLICT;
    case MCPZ_INTAKE_NONE:
        return source->from != NULL ? refill(engine, intake, source) : MCPZ_ENOTFOUND;
    case MCPZ_INTAKE_BESIDE:
        break;
    }
    return MCPZ_ECONFLICT;
}
