#include "engine/transfers.h"

#include <stdlib.h>
#include <string.h>

#include "core/crdt/floor.h"
#include "engine/agreement.h"
#include "engine/aside.h"
#include "engine/base.h"
#include "engine/intake.h"
#include "engine/internal.h"
#include "engine/refill.h"
#include "wire/codec.h"

/* A checkpoint that comes in. */
struct mcpz_transfer {
    struct mcpz_intake intake;
    struct mcpz_id peer;
    bool is_told; /* what was agreed; else that was asked for */
    mcpz_time until_us;
};

/* ---- Sending ------------------------------------------------------------------------------ */

static bool find_route(struct mcpz_engine *engine, const struct mcpz_id *peer,
                       struct mcpz_link_set *route)
{
    const struct mcpz_link_row *row = mcpz_link_rows_to(engine, peer);

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

/*
 * Prove the last delta of an actor below the floor to `buffer`, of MCPZ_BASE_ANSWER_BYTES_MAX.
 * Returns its length; 0: it is not to be had.
 */
static size_t prove_head(struct mcpz_engine *engine, const struct mcpz_id *document,
                         const struct mcpz_version *last, uint8_t *buffer)
{
    struct mcpz_record record = {
        .kind = MCPZ_RECORD_DELTA,
        .delta = {.delta = {.document = *document, .actor = last->actor, .seq = last->seq},
                  .head = last->head},
    };
    size_t length = 0;

    mcpz_error error = engine->store.get(engine->store.context, &record);
    if (error == MCPZ_OK) {
        error = mcpz_engine_prove(engine, &record.delta.delta, buffer, MCPZ_BASE_ANSWER_BYTES_MAX,
                                  &length);
    }
    return error == MCPZ_OK ? length : 0;
}

static void answer_head(struct mcpz_engine *engine, const struct mcpz_id *peer,
                        const struct mcpz_msg_base *asked, const struct mcpz_version *last)
{
    uint8_t *buffer = malloc(MCPZ_BASE_ANSWER_BYTES_MAX);
    struct mcpz_link_set route;
    size_t length = 0;

    if (buffer == NULL || !find_route(engine, peer, &route)) {
        free(buffer);
        return;
    }
    if (mcpz_authors_tell(engine, &last->actor.node, &route)) {
        length = prove_head(engine, &asked->document, last, buffer);
    }
    answer(engine, peer, asked, mcpz_bytes(buffer, length));
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
    } else {
        mcpz_refill_ask(engine, &asked->document);
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
    mcpz_intake_finish(&transfer->intake);
    free(transfer);
}

static struct mcpz_transfer *find(const struct mcpz_engine *engine, const struct mcpz_id *document)
{
    for (size_t i = 0; i < MCPZ_TRANSFERS_MAX; i++) {
        struct mcpz_transfer *transfer = engine->transfers.under_way[i];
        if (transfer != NULL && mcpz_id_equal(&transfer->intake.document, document)) {
            return transfer;
        }
    }
    return NULL;
}

static void ask(struct mcpz_engine *engine, struct mcpz_transfer *transfer)
{
    struct mcpz_link_row *row = mcpz_link_rows_to(engine, &transfer->peer);
    const struct mcpz_msg msg = {
        .kind = MCPZ_MSG_BASE,
        .base = {.document = transfer->intake.document,
                 .root = transfer->intake.agreed.root,
                 .index = transfer->intake.index},
    };

    transfer->until_us = engine->now + MCPZ_TRANSFER_PATIENCE_US;
    if (row != NULL) {
        mcpz_link_rows_send(engine, row, &msg);
    }
}

static struct mcpz_transfer *add(struct mcpz_engine *engine, const struct mcpz_id *peer,
                                 const struct mcpz_id *document)
{
    struct mcpz_transfer **transfer = engine->transfers.under_way;

    for (size_t i = 0; i < MCPZ_TRANSFERS_MAX && *transfer != NULL; i++) {
        transfer++;
    }
    if (transfer == engine->transfers.under_way + MCPZ_TRANSFERS_MAX) {
        return NULL;
    }
    *transfer = calloc(1, sizeof(**transfer));
    if (*transfer != NULL) {
        (*transfer)->peer = *peer;
        (*transfer)->intake.document = *document;
    }
    return *transfer;
}

/* There is no room now. Beyond what is remembered comparing brings it again. */
static void put_off(struct mcpz_transfers *transfers, const struct mcpz_id *peer,
                    const struct mcpz_id *document)
{
    for (size_t i = 0; i < transfers->waiting_count; i++) {
        if (mcpz_id_equal(&transfers->waiting[i].document, document)) {
            return;
        }
    }
    if (transfers->waiting_count < MCPZ_TRANSFERS_WAITING) {
        transfers->waiting[transfers->waiting_count++] =
            (struct mcpz_transfer_offer){.document = *document, .peer = *peer};
    }
}

/* Those that are next are told of again. */
static void go_on(struct mcpz_engine *engine)
{
    struct mcpz_transfers *transfers = &engine->transfers;
    size_t taken = 0;

    while (taken < transfers->waiting_count) {
        const struct mcpz_transfer_offer *next = &transfers->waiting[taken];
        if (find(engine, &next->document) == NULL &&
            mcpz_link_rows_to(engine, &next->peer) != NULL) {
            struct mcpz_transfer *transfer = add(engine, &next->peer, &next->document);
            if (transfer == NULL) {
                break;
            }
            ask(engine, transfer);
        }
        taken++;
    }
    transfers->waiting_count -= taken;
    memmove(transfers->waiting, transfers->waiting + taken,
            transfers->waiting_count * sizeof(*transfers->waiting));
}

static void begin(struct mcpz_engine *engine, const struct mcpz_id *from,
                  const struct mcpz_msg_agreed *said)
{
    struct mcpz_transfer *transfer = find(engine, &said->document);

    if (transfer != NULL && transfer->is_told &&
        (!mcpz_id_equal(&transfer->peer, from) ||
         mcpz_id_equal(&transfer->intake.agreed.root, &said->agreed.root))) {
        return; /* it is coming, or another one is: floors are not equal everywhere */
    }
    if (transfer != NULL) {
        give_up(engine, transfer); /* the floor has risen, or it is told of now */
    }
    transfer = add(engine, from, &said->document);
    if (transfer == NULL) {
        put_off(&engine->transfers, from, &said->document);
    } else if (mcpz_intake_init(&transfer->intake, said) != MCPZ_OK) {
        give_up(engine, transfer);
    } else {
        transfer->is_told = true;
        ask(engine, transfer);
    }
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

static mcpz_error hear(struct mcpz_engine *engine, const struct mcpz_id *from,
                       const struct mcpz_msg_agreed *said)
{
    enum mcpz_intake_news news;

    if (!mcpz_floor_is_valid(&said->agreed)) {
        return MCPZ_EPROTO;
    }
    if (mcpz_intake_judge(engine, &said->document, &said->agreed, &news) != MCPZ_OK) {
        return MCPZ_OK; /* what cannot be read was counted */
    }
    const bool is_refill = said->byte_count > 0 && news == MCPZ_INTAKE_NONE &&
                           mcpz_refill_will_do(engine, &said->document, &said->agreed);
    const bool is_floor =
        said->byte_count == 0 && news == MCPZ_INTAKE_NONE && is_ours(engine, &said->agreed);
    const bool is_other = said->byte_count > 0 &&
                          (news == MCPZ_INTAKE_NONE || news == MCPZ_INTAKE_BESIDE) &&
                          mcpz_aside_is_other(engine, said);
    /* What follows another branch can be taken in by who knows what all have signed. */
    const bool is_learnt = said->byte_count > 0 && news == MCPZ_INTAKE_NONE && !is_refill &&
                           mcpz_collecting_is_news(engine, &said->document, &said->agreed);
    if (!is_floor && !is_refill && !is_other && !is_learnt &&
        (said->byte_count == 0 || news == MCPZ_INTAKE_NONE)) {
        return MCPZ_OK; /* nothing to be done for it */
    }
    mcpz_error error = mcpz_agreement_check(engine, from, &said->document, &said->agreed);
    if (error != MCPZ_OK) {
        engine->counters.bases_refused += error != MCPZ_ENOTFOUND;
        return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
    }
    if (is_floor) {
        mcpz_collecting_agreed(engine, &said->document, &said->agreed);
    } else if (is_other) {
        mcpz_aside_meet(engine, from, said);
    } else if (news == MCPZ_INTAKE_BESIDE) {
        engine->counters.bases_refused++;
        mcpz_folding_alarm(engine, &said->document);
    } else if (is_learnt) {
        mcpz_collecting_was_agreed(engine, &said->document, &said->agreed);
    } else {
        begin(engine, from, said);
    }
    return MCPZ_OK;
}

mcpz_error mcpz_transfers_agreed(struct mcpz_engine *engine, const struct mcpz_id *from,
                                 const struct mcpz_msg_agreed *said)
{
    const mcpz_error error = hear(engine, from, said);
    struct mcpz_transfer *transfer = find(engine, &said->document);

    if (transfer != NULL && !transfer->is_told && mcpz_id_equal(&transfer->peer, from)) {
        give_up(engine, transfer); /* there is nothing to be done for it any more */
    }
    go_on(engine);
    return error;
}

/* ---- Taking in ---------------------------------------------------------------------------- */

/* All of it is here. */
static mcpz_error install(struct mcpz_engine *engine, struct mcpz_transfer *transfer)
{
    const struct mcpz_intake_source source = {.from = &transfer->peer};
    mcpz_error error = mcpz_intake_install(engine, &transfer->intake, &source);

    /* Deltas have come meanwhile, or its tenant was shredded: not the peer's fault. */
    return error == MCPZ_EPROTO || error == MCPZ_EAUTH || error == MCPZ_ESHORT ? error : MCPZ_OK;
}

mcpz_error mcpz_transfers_base(struct mcpz_engine *engine, const struct mcpz_id *from,
                               const struct mcpz_msg_base *base)
{
    struct mcpz_transfer *transfer = find(engine, &base->document);

    if (!base->is_answer) {
        serve(engine, from, base);
        return MCPZ_OK;
    }
    if (transfer == NULL || !transfer->is_told || !mcpz_id_equal(&transfer->peer, from) ||
        !mcpz_id_equal(&transfer->intake.agreed.root, &base->root) ||
        transfer->intake.index != base->index) {
        return MCPZ_OK; /* too late */
    }
    mcpz_error error = mcpz_intake_take(&transfer->intake, base->bytes);
    if (error == MCPZ_OK && !mcpz_intake_is_whole(&transfer->intake)) {
        ask(engine, transfer);
        return MCPZ_OK;
    }
    if (error == MCPZ_OK) {
        error = install(engine, transfer);
    }
    give_up(engine, transfer);
    go_on(engine);
    return error;
}

/* ---- Into files --------------------------------------------------------------------------- */

/* What BASE number `index` brings: a piece, or a head, for which `*buffer` is made. */
static mcpz_error show_piece(struct mcpz_engine *engine, const struct mcpz_record_floor *floor,
                             uint32_t index, uint8_t **buffer, struct mcpz_bytes *bytes)
{
    const uint32_t pieces = mcpz_base_pieces(floor->byte_count);

    if (index < pieces) {
        const struct mcpz_id document = floor->document;
        const mcpz_error error = mcpz_base_piece(&engine->store, &document, index, bytes);
        return error == MCPZ_ENOTFOUND ? MCPZ_ECORRUPT : error;
    }
    if (index - pieces >= floor->agreed.version_count) {
        return MCPZ_ENOTFOUND;
    }
    const struct mcpz_version last = floor->agreed.versions[index - pieces];
    const struct mcpz_id document = floor->document;
    *buffer = malloc(MCPZ_BASE_ANSWER_BYTES_MAX);
    if (*buffer == NULL) {
        return MCPZ_ENOMEM;
    }
    *bytes = mcpz_bytes(*buffer, prove_head(engine, &document, &last, *buffer));
    return MCPZ_OK;
}

mcpz_error mcpz_engine_show_base(struct mcpz_engine *engine, const struct mcpz_base_part *part,
                                 uint8_t *buffer, size_t capacity, size_t *length)
{
    const struct mcpz_id document = part->document;
    struct mcpz_record record = {.kind = MCPZ_RECORD_FLOOR, .floor = {.document = document}};
    struct mcpz_msg msg = {.kind = MCPZ_MSG_AGREED, .agreed = {.document = document}};
    uint8_t *head = NULL;

    mcpz_error error = engine->store.get(engine->store.context, &record);
    if (error != MCPZ_OK || !mcpz_id_equal(&record.floor.agreed.root, &part->root)) {
        return error != MCPZ_OK ? error : MCPZ_ENOTFOUND;
    }
    if (part->index == 0) {
        msg.agreed.agreed = record.floor.agreed;
        msg.agreed.byte_count = record.floor.byte_count;
        return mcpz_msg_encode(&msg, buffer, capacity, length);
    }
    msg = (struct mcpz_msg){
        .kind = MCPZ_MSG_BASE,
        .base = {.document = document,
                 .root = part->root,
                 .index = part->index - 1,
                 .is_answer = true},
    };
    error = show_piece(engine, &record.floor, part->index - 1, &head, &msg.base.bytes);
    if (error == MCPZ_OK) {
        error = mcpz_msg_encode(&msg, buffer, capacity, length);
    }
    free(head);
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
    go_on(engine);
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
    engine->transfers.waiting_count = 0;
    for (size_t i = 0; i < MCPZ_TRANSFERS_MAX; i++) {
        if (engine->transfers.under_way[i] != NULL) {
            give_up(engine, engine->transfers.under_way[i]);
        }
    }
}
