#include "engine/transfers.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/crdt/clock.h"
#include "core/crdt/document.h"
#include "core/crdt/floor.h"
#include "core/crdt/past.h"
#include "crypto/digest.h"
#include "engine/agreement.h"
#include "engine/base.h"
#include "engine/internal.h"
#include "engine/rebase.h"
#include "wire/checkpoint.h"
#include "wire/codec.h"

#define HEAD_ARENA_BYTES 16384 /* lists of a checkpoint's head */

/* A checkpoint that comes in. */
struct mcpz_transfer {
    struct mcpz_id document;
    struct mcpz_id peer;
    mcpz_time until_us;

    /* What was signed. */
    struct mcpz_agreed agreed;
    struct mcpz_version versions[MCPZ_ACTORS_MAX];
    struct mcpz_cosignature signatures[MCPZ_COSIGNATURES_MAX];
    uint8_t tenant[MCPZ_TENANT_BYTES_MAX];

    uint32_t index; /* asked for */
    uint64_t byte_count;
    uint64_t bytes_here;
    uint8_t *bytes;

    /* Last deltas of actors: encoded BATCHes, one behind the other. */
    uint8_t *heads[MCPZ_ACTORS_MAX];
    size_t head_lengths[MCPZ_ACTORS_MAX]; /* 0: there is none */
    size_t head_count;
    size_t heads_bytes;

    _Alignas(16) uint8_t arena_memory[HEAD_ARENA_BYTES];
};

/* ---- Sending ------------------------------------------------------------------------------ */

static bool find_route(struct mcpz_engine *engine, const struct mcpz_id *peer,
                       struct mcpz_link_set *route)
{
    const struct mcpz_link_row *row = mcpz_link_rows_of(engine, peer);

    if (row == NULL) {
        return false;
    }
    route->count = 1;
    route->links[0] = row->id;
    return true;
}

void mcpz_transfers_tell(struct mcpz_engine *engine, const struct mcpz_id *peer,
                         const struct mcpz_msg *msg)
{
    const struct mcpz_agreed *agreed = &msg->agreed.agreed;
    struct mcpz_link_set route;

    if (!find_route(engine, peer, &route)) {
        return;
    }
    for (size_t i = 0; i < agreed->signature_count; i++) {
        (void)mcpz_authors_tell(engine, &agreed->signatures[i].signer, &route);
    }
    mcpz_outbound_hold(engine, msg, &route);
}

void mcpz_transfers_offer(struct mcpz_engine *engine, const struct mcpz_id *peer,
                          const struct mcpz_id *document)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_FLOOR, .floor = {.document = *document}};

    mcpz_collecting_consider(engine, document); /* it may be due just now: mcpz_floor_hasten() */
    if (engine->store.get(engine->store.context, &record) != MCPZ_OK) {
        return;
    }
    const struct mcpz_msg msg = {
        .kind = MCPZ_MSG_AGREED,
        .agreed = {.document = *document,
                   .agreed = record.floor.agreed,
                   .byte_count = record.floor.byte_count},
    };
    mcpz_transfers_tell(engine, peer, &msg);
}

static void answer(struct mcpz_engine *engine, const struct mcpz_id *peer,
                   const struct mcpz_msg_base *asked, struct mcpz_bytes bytes)
{
    const struct mcpz_msg msg = {
        .kind = MCPZ_MSG_BASE,
        .base = {.document = asked->document,
                 .root = asked->root,
                 .index = asked->index,
                 .is_answer = true,
                 .bytes = bytes},
    };
    struct mcpz_link_set route;

    if (find_route(engine, peer, &route)) {
        mcpz_outbound_hold(engine, &msg, &route);
    }
}

/* The last delta of an actor below the floor, with what shows that it is its author's. */
static void answer_head(struct mcpz_engine *engine, const struct mcpz_id *peer,
                        const struct mcpz_msg_base *asked, const struct mcpz_version *last)
{
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_DELTA,
        .delta = {.delta = {.document = asked->document, .actor = last->actor, .seq = last->seq},
                  .head = last->head},
    };
    uint8_t *buffer = malloc(MCPZ_BASE_ANSWER_BYTES_MAX);
    struct mcpz_link_set route;
    size_t length = 0;

    if (buffer == NULL || !find_route(engine, peer, &route)) {
        free(buffer);
        return;
    }
    mcpz_error error = engine->store.get(engine->store.context, &record);
    if (error == MCPZ_OK && mcpz_authors_tell(engine, &last->actor.node, &route)) {
        error = mcpz_engine_prove(engine, &record.delta.delta, buffer, MCPZ_BASE_ANSWER_BYTES_MAX,
                                  &length);
    }
    answer(engine, peer, asked, mcpz_bytes(buffer, error == MCPZ_OK ? length : 0));
    free(buffer);
}

static void serve(struct mcpz_engine *engine, const struct mcpz_id *peer,
                  const struct mcpz_msg_base *asked)
{
    struct mcpz_record record = {.kind = MCPZ_RECORD_FLOOR,
                                 .floor = {.document = asked->document}};
    const struct mcpz_agreed *agreed = &record.floor.agreed;
    struct mcpz_bytes piece;

    if (engine->store.get(engine->store.context, &record) != MCPZ_OK) {
        return;
    }
    if (!mcpz_id_equal(&agreed->root, &asked->root)) {
        mcpz_transfers_offer(engine, peer, &asked->document);
        return;
    }
    const uint32_t pieces = mcpz_base_pieces(record.floor.byte_count);
    if (asked->index >= pieces) {
        if (asked->index - pieces < agreed->version_count) {
            const struct mcpz_version last = agreed->versions[asked->index - pieces];
            answer_head(engine, peer, asked, &last);
        }
        return;
    }
    engine->counters.bases_sent += asked->index == 0;
    if (mcpz_base_piece(&engine->store, &asked->document, asked->index, &piece) == MCPZ_OK) {
        answer(engine, peer, asked, piece);
    }
}

/* ---- Asking ------------------------------------------------------------------------------- */

static void give_up(struct mcpz_engine *engine, struct mcpz_transfer *transfer)
{
    for (size_t i = 0; i < MCPZ_TRANSFERS_MAX; i++) {
        if (engine->transfers.under_way[i] == transfer) {
            engine->transfers.under_way[i] = NULL;
        }
    }
    for (size_t i = 0; i < transfer->head_count; i++) {
        free(transfer->heads[i]);
    }
    free(transfer->bytes);
    free(transfer);
}

static struct mcpz_transfer *find(const struct mcpz_engine *engine, const struct mcpz_id *document)
{
    for (size_t i = 0; i < MCPZ_TRANSFERS_MAX; i++) {
        struct mcpz_transfer *transfer = engine->transfers.under_way[i];
        if (transfer != NULL && mcpz_id_equal(&transfer->document, document)) {
            return transfer;
        }
    }
    return NULL;
}

static void ask(struct mcpz_engine *engine, struct mcpz_transfer *transfer)
{
    struct mcpz_link_row *row = mcpz_link_rows_of(engine, &transfer->peer);
    const struct mcpz_msg msg = {
        .kind = MCPZ_MSG_BASE,
        .base = {.document = transfer->document,
                 .root = transfer->agreed.root,
                 .index = transfer->index},
    };

    transfer->until_us = engine->now + MCPZ_TRANSFER_PATIENCE_US;
    if (row != NULL) {
        mcpz_link_rows_send(engine, row, &msg);
    }
}

/* Room for one more. NULL: there is none, and it will be offered again. */
static struct mcpz_transfer *make_room(struct mcpz_engine *engine, uint64_t byte_count)
{
    for (size_t i = 0; i < MCPZ_TRANSFERS_MAX; i++) {
        if (engine->transfers.under_way[i] != NULL) {
            continue;
        }
        struct mcpz_transfer *made = calloc(1, sizeof(*made));
        if (made != NULL) {
            made->bytes = malloc(byte_count);
        }
        if (made == NULL || made->bytes == NULL) {
            free(made);
            return NULL;
        }
        engine->transfers.under_way[i] = made;
        return made;
    }
    return NULL;
}

static void begin(struct mcpz_engine *engine, const struct mcpz_id *from,
                  const struct mcpz_msg_agreed *said)
{
    struct mcpz_transfer *transfer = find(engine, &said->document);

    if (transfer != NULL && (!mcpz_id_equal(&transfer->peer, from) ||
                             mcpz_id_equal(&transfer->agreed.root, &said->agreed.root))) {
        return; /* it is coming, or another one is: floors are not equal everywhere */
    }
    if (transfer != NULL) {
        give_up(engine, transfer); /* the floor has risen */
    }
    transfer = make_room(engine, said->byte_count);
    if (transfer == NULL) {
        return;
    }
    transfer->document = said->document;
    transfer->peer = *from;
    transfer->byte_count = said->byte_count;
    transfer->agreed = said->agreed;
    memcpy(transfer->versions, said->agreed.versions,
           said->agreed.version_count * sizeof(transfer->versions[0]));
    memcpy(transfer->signatures, said->agreed.signatures,
           said->agreed.signature_count * sizeof(transfer->signatures[0]));
    if (said->agreed.tenant.length > 0) {
        memcpy(transfer->tenant, said->agreed.tenant.data, said->agreed.tenant.length);
    }
    transfer->agreed.tenant = mcpz_bytes(transfer->tenant, said->agreed.tenant.length);
    transfer->agreed.versions = transfer->versions;
    transfer->agreed.signatures = transfer->signatures;
    ask(engine, transfer);
}

/* ---- Hearing what was agreed -------------------------------------------------------------- */

/* Is our own word among those who signed? */
static bool is_ours(const struct mcpz_engine *engine, const struct mcpz_agreed *agreed)
{
    for (size_t i = 0; i < agreed->signature_count; i++) {
        if (mcpz_id_equal(&agreed->signatures[i].signer, mcpz_identity_id(engine->identity))) {
            return true;
        }
    }
    return false;
}

/* What a checkpoint is to us. */
enum news {
    NEWS_NONE,   /* all of it is here */
    NEWS_MORE,   /* it brings something, and goes together with what is here */
    NEWS_BRANCH, /* here is another branch within it */
    NEWS_BESIDE, /* our own floor is neither below nor above */
};

/* Is all that is here of those who are in it on the branch that was signed? */
static mcpz_error is_one_branch(struct mcpz_engine *engine, const struct mcpz_document *document,
                                const struct mcpz_agreed *agreed, bool *is_one)
{
    const struct mcpz_clock *clock = &document->clock;
    const struct mcpz_cuts *cuts = &document->cuts;
    mcpz_error error = MCPZ_OK;

    *is_one = true;
    for (size_t i = 0; i < agreed->version_count && *is_one && error == MCPZ_OK; i++) {
        const struct mcpz_version *last = &agreed->versions[i];
        const struct mcpz_tip tip = {last->seq, last->head};
        const struct mcpz_cut *cut = mcpz_cuts_find(cuts->cuts, cuts->count, &last->actor);
        if (cut != NULL && cut->seq <= last->seq) {
            *is_one = false;
        } else if (last->seq <= mcpz_clock_get(clock->versions, clock->count, &last->actor)) {
            error = mcpz_past_holds(&engine->store, document, &last->actor, &tip, is_one);
        }
    }
    return error;
}

/* Errors: MCPZ_ECORRUPT, MCPZ_EIO */
static mcpz_error judge(struct mcpz_engine *engine, const struct mcpz_id *id,
                        const struct mcpz_agreed *agreed, enum news *news)
{
    struct mcpz_document document;
    struct mcpz_floor floor;
    bool is_one = true;

    mcpz_error error = mcpz_document_load(&engine->store, id, &document);
    if (error == MCPZ_OK) {
        error = mcpz_floor_load(&engine->store, id, &floor);
    }
    if (error == MCPZ_OK) {
        error = is_one_branch(engine, &document, agreed, &is_one);
    }
    if (error != MCPZ_OK) {
        return error;
    }
    if (is_one && mcpz_floor_is_within(agreed->versions, agreed->version_count,
                                       document.clock.versions, document.clock.count)) {
        *news = NEWS_NONE;
    } else if (!mcpz_floor_is_reached(&floor, agreed->versions, agreed->version_count)) {
        *news = NEWS_BESIDE;
    } else {
        *news = is_one ? NEWS_MORE : NEWS_BRANCH;
    }
    return MCPZ_OK;
}

mcpz_error mcpz_transfers_agreed(struct mcpz_engine *engine, const struct mcpz_id *from,
                                 const struct mcpz_msg_agreed *said)
{
    enum news news;

    if (!mcpz_clock_is_valid(said->agreed.versions, said->agreed.version_count)) {
        return MCPZ_EPROTO;
    }
    if (judge(engine, &said->document, &said->agreed, &news) != MCPZ_OK) {
        return MCPZ_OK; /* what cannot be read was counted */
    }
    const bool is_floor =
        said->byte_count == 0 && news == NEWS_NONE && is_ours(engine, &said->agreed);
    if (!is_floor && (said->byte_count == 0 || news == NEWS_NONE)) {
        return MCPZ_OK; /* nothing to be done for it */
    }
    mcpz_error error = mcpz_agreement_check(engine, from, &said->document, &said->agreed);
    if (error != MCPZ_OK) {
        engine->counters.bases_refused += error != MCPZ_ENOTFOUND;
        return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
    }
    if (is_floor) {
        mcpz_collecting_agreed(engine, &said->document, &said->agreed);
    } else if (news == NEWS_BESIDE) {
        engine->counters.bases_refused++;
        mcpz_folding_alarm(engine, &said->document);
    } else {
        begin(engine, from, said);
    }
    return MCPZ_OK;
}

/* ---- Taking in ---------------------------------------------------------------------------- */

/* Is it what was signed: in its form, and of just those deltas? Opens it. */
static mcpz_error open_base(struct mcpz_transfer *transfer, struct mcpz_checkpoint_reader *reader)
{
    const struct mcpz_bytes bytes = mcpz_bytes(transfer->bytes, transfer->byte_count);
    const struct mcpz_agreement said = mcpz_agreement_of(&transfer->document, &transfer->agreed);
    struct mcpz_arena arena;
    struct mcpz_id digest;

    mcpz_digest(MCPZ_DIGEST_ROOT, bytes, digest.bytes);
    if (!mcpz_id_equal(&digest, &transfer->agreed.root)) {
        return MCPZ_EPROTO;
    }
    mcpz_arena_init(&arena, transfer->arena_memory, sizeof(transfer->arena_memory));
    mcpz_error error = mcpz_checkpoint_open(reader, bytes, &arena);
    if (error == MCPZ_OK) {
        error = mcpz_checkpoint_check(reader);
    }
    if (error != MCPZ_OK) {
        return MCPZ_EPROTO;
    }
    if (!mcpz_id_equal(&reader->checkpoint.head.document, &transfer->document)) {
        return MCPZ_EPROTO;
    }
    mcpz_checkpoint_state_digest(&reader->checkpoint.head, &digest);
    return mcpz_id_equal(&digest, &said.state) ? MCPZ_OK : MCPZ_EPROTO;
}

/* The last deltas of its actors, each as if it had come by itself. */
static mcpz_error take_heads(struct mcpz_engine *engine, const struct mcpz_transfer *transfer)
{
    mcpz_error error = MCPZ_OK;

    for (size_t i = 0; i < transfer->head_count && error == MCPZ_OK; i++) {
        struct mcpz_msg msg;
        if (transfer->head_lengths[i] == 0) {
            continue;
        }
        mcpz_arena_clear(&engine->scratch->decode_arena);
        error = mcpz_msg_decode(mcpz_bytes(transfer->heads[i], transfer->head_lengths[i]),
                                &engine->scratch->decode_arena, &msg);
        if (error == MCPZ_OK) {
            error = msg.kind == MCPZ_MSG_BATCH
                        ? mcpz_incoming_batch(engine, &transfer->peer, &msg.batch)
                        : MCPZ_EPROTO;
        }
    }
    return error;
}

/* All of it is here and good: installed, made the floor, in the batch of this turn. */
static mcpz_error install(struct mcpz_engine *engine, struct mcpz_transfer *transfer,
                          const struct mcpz_checkpoint *checkpoint)
{
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_AGENT_INSTALL,
        .install = {.from = transfer->peer, .checkpoint = checkpoint},
    };
    const struct mcpz_record_floor floor = {
        .document = transfer->document,
        .agreed = transfer->agreed,
        .byte_count = transfer->byte_count,
        .folded_ms = engine->wall_ms,
    };
    enum news news;

    mcpz_engine_dispatch(engine, &event);
    mcpz_error error = judge(engine, &transfer->document, &transfer->agreed, &news);
    if (error != MCPZ_OK || news != NEWS_NONE ||
        mcpz_base_put(&engine->store, &floor, mcpz_bytes(transfer->bytes, transfer->byte_count)) !=
            MCPZ_OK) {
        engine->counters.bases_refused++;
        return MCPZ_OK;
    }
    engine->counters.bases_installed++;
    mcpz_collecting_raised(engine, &transfer->document);
    return take_heads(engine, transfer);
}

/* The same where another branch is here: what was signed counts. */
static mcpz_error begin_anew(struct mcpz_engine *engine, struct mcpz_transfer *transfer,
                             const struct mcpz_checkpoint *checkpoint)
{
    struct mcpz_rebase *rebase;

    if (mcpz_rebase_begin(engine, &transfer->document, &transfer->agreed, &rebase) != MCPZ_OK) {
        engine->counters.bases_refused++;
        mcpz_folding_alarm(engine, &transfer->document); /* it stays as it is */
        return MCPZ_OK;
    }
    engine->counters.bases_begun_with++;
    mcpz_error error = install(engine, transfer, checkpoint);
    mcpz_rebase_put_back(engine, &transfer->peer, rebase);
    mcpz_rebase_destroy(rebase);
    return error;
}

static mcpz_error finish(struct mcpz_engine *engine, struct mcpz_transfer *transfer)
{
    struct mcpz_checkpoint_reader reader;
    enum news news;

    mcpz_error error = open_base(transfer, &reader);
    if (error != MCPZ_OK) {
        engine->counters.bases_refused++;
        return error;
    }
    if (judge(engine, &transfer->document, &transfer->agreed, &news) != MCPZ_OK) {
        return MCPZ_OK;
    }
    switch (news) {
    case NEWS_MORE:
        return install(engine, transfer, &reader.checkpoint);
    case NEWS_BRANCH:
        return begin_anew(engine, transfer, &reader.checkpoint);
    case NEWS_NONE:
    case NEWS_BESIDE:
        break; /* deltas, or another checkpoint, have come meanwhile */
    }
    return MCPZ_OK;
}

static mcpz_error take_piece(struct mcpz_transfer *transfer, struct mcpz_bytes bytes)
{
    const uint64_t left = transfer->byte_count - transfer->bytes_here;

    if (bytes.length > left || bytes.length == 0 ||
        (bytes.length < left && bytes.length != MCPZ_BASE_PIECE_BYTES)) {
        return MCPZ_EPROTO;
    }
    memcpy(transfer->bytes + transfer->bytes_here, bytes.data, bytes.length);
    transfer->bytes_here += bytes.length;
    return MCPZ_OK;
}

static mcpz_error take_head(struct mcpz_transfer *transfer, struct mcpz_bytes bytes)
{
    uint8_t *kept = bytes.length > 0 ? malloc(bytes.length) : NULL;

    transfer->heads_bytes += bytes.length;
    if (transfer->heads_bytes > MCPZ_TRANSFER_HEADS_BYTES_MAX) {
        free(kept);
        kept = NULL;
    }
    if (kept != NULL) {
        memcpy(kept, bytes.data, bytes.length);
    }
    transfer->heads[transfer->head_count] = kept;
    transfer->head_lengths[transfer->head_count++] = kept != NULL ? bytes.length : 0;
    return MCPZ_OK;
}

mcpz_error mcpz_transfers_base(struct mcpz_engine *engine, const struct mcpz_id *from,
                               const struct mcpz_msg_base *base)
{
    struct mcpz_transfer *transfer = find(engine, &base->document);

    if (!base->is_answer) {
        serve(engine, from, base);
        return MCPZ_OK;
    }
    if (transfer == NULL || !mcpz_id_equal(&transfer->peer, from) ||
        !mcpz_id_equal(&transfer->agreed.root, &base->root) || transfer->index != base->index) {
        return MCPZ_OK; /* too late */
    }
    mcpz_error error = transfer->bytes_here < transfer->byte_count
                           ? take_piece(transfer, base->bytes)
                           : take_head(transfer, base->bytes);
    transfer->index++;
    if (error == MCPZ_OK && (transfer->bytes_here < transfer->byte_count ||
                             transfer->head_count < transfer->agreed.version_count)) {
        ask(engine, transfer);
        return MCPZ_OK;
    }
    if (error == MCPZ_OK) {
        error = finish(engine, transfer);
    }
    give_up(engine, transfer);
    return error;
}

/* ---- Time --------------------------------------------------------------------------------- */

void mcpz_transfers_tick(struct mcpz_engine *engine)
{
    for (size_t i = 0; i < MCPZ_TRANSFERS_MAX; i++) {
        struct mcpz_transfer *transfer = engine->transfers.under_way[i];
        if (transfer != NULL && transfer->until_us <= engine->now) {
            give_up(engine, transfer); /* comparing brings it again */
        }
    }
}

mcpz_time mcpz_transfers_deadline(const struct mcpz_engine *engine)
{
    mcpz_time deadline = MCPZ_TIME_NEVER;

    for (size_t i = 0; i < MCPZ_TRANSFERS_MAX; i++) {
        const struct mcpz_transfer *transfer = engine->transfers.under_way[i];
        if (transfer != NULL) {
            deadline = mcpz_time_min(deadline, transfer->until_us);
        }
    }
    return deadline;
}

void mcpz_transfers_clear(struct mcpz_engine *engine)
{
    for (size_t i = 0; i < MCPZ_TRANSFERS_MAX; i++) {
        if (engine->transfers.under_way[i] != NULL) {
            give_up(engine, engine->transfers.under_way[i]);
        }
    }
}
