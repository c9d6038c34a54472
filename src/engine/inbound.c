/* Frames to events: open, shape, decode, admit. */

#include <assert.h>

#include "engine/ended.h"
#include "engine/internal.h"
#include "wire/codec.h"
#include "wire/reader.h"

uint32_t mcpz_inbound_kind(struct mcpz_bytes message)
{
    struct mcpz_reader reader = mcpz_reader(message);
    struct mcpz_item array;
    struct mcpz_item kind;

    if (mcpz_reader_next(&reader, &array) != MCPZ_OK || array.type != MCPZ_ITEM_ARRAY ||
        mcpz_reader_next(&reader, &kind) != MCPZ_OK || kind.type != MCPZ_ITEM_UINT ||
        kind.uint >= MCPZ_MSG_KIND_END) {
        return 0;
    }
    return (uint32_t)kind.uint;
}

/* What nodes sign of documents. Deltas reach the core if their author has, and in no other way. */
static mcpz_error take_signed(struct mcpz_engine *engine, struct mcpz_link_row *row,
                              const struct mcpz_msg *msg)
{
    const struct mcpz_id from = row->peer;

    if (msg->kind == MCPZ_MSG_FOLD) {
        mcpz_folding_asked(engine, &from, &msg->fold);
        return MCPZ_OK;
    }
    if (msg->kind == MCPZ_MSG_FOLDED) {
        return mcpz_folding_answered(engine, &from, &msg->folded);
    }
    if (msg->kind == MCPZ_MSG_AGREED) {
        return mcpz_transfers_agreed(engine, &from, &msg->agreed);
    }
    if (msg->kind == MCPZ_MSG_BASE) {
        return mcpz_transfers_base(engine, &from, &msg->base);
    }
    if (msg->kind == MCPZ_MSG_AUTHOR) {
        return mcpz_authors_take(engine, row, &msg->author);
    }
    if (msg->kind == MCPZ_MSG_DELTA) {
        engine->counters.refused_unsigned++;
        return MCPZ_EAUTH;
    }
    return mcpz_incoming_batch(engine, &from, &msg->batch);
}

mcpz_error mcpz_inbound_message(struct mcpz_engine *engine, struct mcpz_link_row *row,
                                struct mcpz_bytes message)
{
    uint32_t kind = mcpz_inbound_kind(message);
    struct mcpz_msg msg;

    bool unreadable =
        kind == 0 && row->state == MCPZ_LINK_ADMITTED; /* decode says what is wrong */

    if (row->state == MCPZ_LINK_GIVING_WAY && kind != MCPZ_MSG_MEMBER) {
        return MCPZ_OK; /* what was under way begins anew over the link that stays */
    }
    if (!unreadable && !mcpz_admission_expects(row, kind)) {
        engine->counters.refused_early++;
        return MCPZ_EAUTH;
    }
    mcpz_arena_clear(&engine->scratch->decode_arena);
    mcpz_error error = mcpz_msg_decode_shaped(message, &engine->scratch->decode_arena, &msg);
    if (error != MCPZ_OK) {
        engine->counters.refused_message++;
        return error;
    }
    engine->counters.messages_in++;
    if (kind <= MCPZ_MSG_RENEW) {
        mcpz_admission_message(engine, row, &msg);
        return MCPZ_OK;
    }
    row->peer_is_ready = true;
    if (kind == MCPZ_MSG_REVOKED) {
        mcpz_revocations_hear(engine, row, &msg.revoked);
        return MCPZ_OK;
    }
    if (kind == MCPZ_MSG_FORGET) {
        const struct mcpz_id from = row->peer;
        mcpz_forgetting_asked(engine, &from, &msg.forget);
        return MCPZ_OK;
    }
    if (kind == MCPZ_MSG_FORGET_ANSWER) {
        const struct mcpz_id from = row->peer;
        mcpz_forgetting_answered(engine, &from, &msg.forget_answer);
        return MCPZ_OK;
    }
    if ((kind >= MCPZ_MSG_BATCH && kind <= MCPZ_MSG_BASE) || kind == MCPZ_MSG_DELTA) {
        return take_signed(engine, row, &msg);
    }
    if (mcpz_ended_message(engine, &msg)) {
        return MCPZ_OK;
    }
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_RECV,
        .recv = {.from = row->peer, .msg = &msg},
    };
    mcpz_engine_dispatch(engine, &event);
    return MCPZ_OK;
}

static mcpz_error take_frame(struct mcpz_engine *engine, mcpz_link link, struct mcpz_bytes frame)
{
    struct mcpz_bytes body;
    struct mcpz_bytes message;
    const struct mcpz_link_row *row = mcpz_link_rows_find(engine, link);
    bool plain = frame.length > 0 && frame.data[0] == 0;

    if (row->state != MCPZ_LINK_ADMITTED && row->state != MCPZ_LINK_GIVING_WAY && !plain) {
        engine->counters.refused_early++; /* nobody unknown makes us run a decompressor */
        return MCPZ_EAUTH;
    }
    mcpz_error error = mcpz_framer_open(engine->scratch->framer, frame, &body);
    if (error != MCPZ_OK) {
        engine->counters.refused_frame++;
        return error;
    }
    while (mcpz_framer_next(engine->scratch->framer, &body, &message)) {
        struct mcpz_link_row *still = mcpz_link_rows_find(engine, link);
        if (still == NULL || still->state == MCPZ_LINK_CLOSING) {
            return MCPZ_OK; /* what is left of the frame is of no interest any more */
        }
        error = mcpz_inbound_message(engine, still, message);
        if (error != MCPZ_OK) {
            return error;
        }
    }
    return MCPZ_OK;
}

mcpz_error mcpz_engine_frame(struct mcpz_engine *engine, mcpz_link link, struct mcpz_bytes frame)
{
    assert(engine->in_turn);

    struct mcpz_link_row *row = mcpz_link_rows_find(engine, link);
    if (row == NULL || row->state == MCPZ_LINK_CLOSING) {
        return MCPZ_OK;
    }
    engine->counters.frames_in++;
    engine->counters.bytes_in += frame.length;
    mcpz_error error = take_frame(engine, link, frame);
    (void)mcpz_letters_hear(engine);
    row = mcpz_link_rows_find(engine, link);
    if (error != MCPZ_OK && row != NULL) {
        mcpz_link_rows_lose(engine, row, MCPZ_DOWN_PROTOCOL);
    }
    return error;
}

bool mcpz_inbound_loopback(struct mcpz_engine *engine)
{
    struct mcpz_bytes message;
    struct mcpz_msg msg;

    if (!mcpz_lane_first(&engine->loopback, &message)) {
        return false;
    }
    mcpz_arena_clear(&engine->scratch->decode_arena);
    mcpz_error error = mcpz_msg_decode_shaped(message, &engine->scratch->decode_arena, &msg);
    assert(error == MCPZ_OK); /* we wrote it */
    struct mcpz_event event = {
        .kind = MCPZ_EVENT_RECV,
        .recv = {.from = *mcpz_identity_id(engine->identity), .msg = &msg},
    };
    mcpz_engine_step(engine, &event);
    mcpz_lane_drop(&engine->loopback);
    return true;
}
