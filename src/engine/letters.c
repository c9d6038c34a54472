#include "engine/letters.h"

#include <assert.h>
#include <stdlib.h>

#include "engine/internal.h"

/* A piece that has come, in the lane: this, and its bytes. */
struct head {
    struct mcpz_id from;
    uint8_t goes_on;
    uint8_t gap; /* enum mcpz_letters_gap: before it */
};

bool mcpz_letters_carry(uint32_t kind)
{
    return kind == MCPZ_MSG_WANT || (kind >= MCPZ_MSG_BRANCHES && kind <= MCPZ_MSG_BASE) ||
           (kind >= MCPZ_MSG_ACK_ASK && kind <= MCPZ_MSG_SKETCH) ||
           (kind >= MCPZ_MSG_HORIZON && kind <= MCPZ_MSG_UNKNOWN) || kind == MCPZ_MSG_FORGET ||
           kind == MCPZ_MSG_FORGET_ANSWER;
}

/* ---- Rows --------------------------------------------------------------------------------- */

struct mcpz_link_row *mcpz_letters_row(struct mcpz_engine *engine, const struct mcpz_id *peer)
{
    for (size_t i = 0; i < MCPZ_RELAY_SESSIONS_MAX; i++) {
        struct mcpz_link_row *row = &engine->relayed[i];
        if (row->id != 0 && mcpz_id_equal(&row->peer, peer)) {
            return row;
        }
    }
    return NULL;
}

static void drop_partial(struct mcpz_link_row *row)
{
    free(row->partial);
    row->partial = NULL;
    row->partial_length = 0;
}

/* Another session, with who may not know any more what it was told. What waited is lost. */
static void begin_anew(struct mcpz_link_row *row)
{
    mcpz_lane_clear(&row->data);
    row->letter_at = 0;
    row->is_short = false;
    row->gap = MCPZ_LETTERS_ANEW;
    free(row->told);
    row->told = NULL;
}

static void remove_row(struct mcpz_link_row *row)
{
    begin_anew(row);
    drop_partial(row);
    *row = (struct mcpz_link_row){.id = 0};
}

/* One is free: each of the others stands for a session that is, or was a moment ago. */
static void add_row(struct mcpz_engine *engine, const struct mcpz_id *peer)
{
    for (size_t i = 0; i < MCPZ_RELAY_SESSIONS_MAX; i++) {
        if (engine->relayed[i].id == 0) {
            engine->relayed[i] = (struct mcpz_link_row){.id = ++engine->next_link,
                                                        .state = MCPZ_LINK_RELAYED,
                                                        .peer = *peer,
                                                        .admit_by_us = MCPZ_TIME_NEVER};
            return;
        }
    }
}

void mcpz_letters_fact(struct mcpz_engine *engine, const struct mcpz_fact *fact)
{
    if (fact->kind != MCPZ_FACT_RELAYED && fact->kind != MCPZ_FACT_UNRELAYED &&
        fact->kind != MCPZ_FACT_LINKED) {
        return;
    }
    struct mcpz_link_row *row = mcpz_letters_row(engine, &fact->about);
    if (!mcpz_relay_reaches(&engine->node.relay, &fact->about)) {
        if (row != NULL) {
            remove_row(row);
        }
    } else if (row == NULL) {
        add_row(engine, &fact->about);
    } else if (fact->kind == MCPZ_FACT_RELAYED) {
        begin_anew(row);
    }
}

/* ---- Going out ---------------------------------------------------------------------------- */

void mcpz_letters_push(struct mcpz_engine *engine, struct mcpz_link_row *row, uint32_t kind,
                       struct mcpz_bytes message)
{
    const bool is_carried = mcpz_letters_carry(kind);

    if (!is_carried ||
        mcpz_lane_push(&row->data, message, MCPZ_LETTERS_LANE_BYTES_MAX) != MCPZ_OK) {
        engine->counters.messages_dropped++;
        row->is_short |= is_carried;
        return;
    }
    engine->counters.messages_out++;
    engine->sent[kind].messages++;
    engine->sent[kind].bytes += message.length;
}

/* The first message that waits has gone. Behind the last it is found out what others lack. */
static void drop_first(struct mcpz_engine *engine, struct mcpz_link_row *row)
{
    row->letter_at = 0;
    mcpz_lane_drop(&row->data);
    if (row->is_short && mcpz_lane_is_empty(&row->data)) {
        row->is_short = false;
        mcpz_agents_compare(&engine->node.agents, &row->peer, engine->now);
    }
}

/* Hand the core the next piece of the first message that waits for this peer. */
static bool send_one(struct mcpz_engine *engine, struct mcpz_link_row *row)
{
    uint8_t bytes[MCPZ_LETTER_BYTES_MAX];
    struct mcpz_bytes message;

    if (row->id == 0 || !mcpz_relay_takes_letter(&engine->node.relay, &row->peer) ||
        !mcpz_lane_first(&row->data, &message)) {
        return false;
    }
    const size_t left = message.length - row->letter_at;
    const size_t length = left < MCPZ_LETTER_BYTES_MAX ? left : MCPZ_LETTER_BYTES_MAX;
    memcpy(bytes, message.data + row->letter_at, length);
    struct mcpz_event event = {.kind = MCPZ_EVENT_LETTER,
                               .letter = {.peer = row->peer,
                                          .goes_on = length < left,
                                          .bytes = mcpz_bytes(bytes, length)}};
    row->letter_at += length;
    if (length == left) {
        drop_first(engine, row);
    }
    mcpz_engine_dispatch(engine, &event);
    return true;
}

/* ---- Coming in ---------------------------------------------------------------------------- */

void mcpz_letters_take(struct mcpz_engine *engine, const struct mcpz_action_letter *letter)
{
    struct mcpz_link_row *row = mcpz_letters_row(engine, &letter->from);
    uint8_t piece[sizeof(struct head) + MCPZ_LETTER_BYTES_MAX];

    if (row == NULL) {
        return; /* the session has ended meanwhile */
    }
    const struct head head = {
        .from = letter->from, .goes_on = letter->goes_on ? 1 : 0, .gap = (uint8_t)row->gap};
    assert(letter->bytes.length <= MCPZ_LETTER_BYTES_MAX);
    memcpy(piece, &head, sizeof(head));
    memcpy(piece + sizeof(head), letter->bytes.data, letter->bytes.length);
    row->gap = MCPZ_LETTERS_NO_GAP;
    if (mcpz_lane_push(&engine->letters, mcpz_bytes(piece, sizeof(head) + letter->bytes.length),
                       MCPZ_LETTERS_HEARD_BYTES_MAX) != MCPZ_OK) {
        row->gap = MCPZ_LETTERS_LOST;
        engine->counters.messages_dropped++;
    }
}

/* Pieces of two messages are never put together. False: this one is of no use. */
static bool mind_gap(struct mcpz_link_row *row, const struct head *head)
{
    if (head->gap != MCPZ_LETTERS_NO_GAP) {
        drop_partial(row);
        row->skips = head->gap == MCPZ_LETTERS_LOST; /* it may be the rest of what was lost */
    }
    if (row->skips) {
        row->skips = head->goes_on != 0;
        return false;
    }
    return true;
}

/* Put a piece behind those before it. False: it is no message yet, or none that there can be. */
static bool put_together(struct mcpz_link_row *row, const struct head *head,
                         struct mcpz_bytes piece, struct mcpz_bytes *message)
{
    if (!mind_gap(row, head)) {
        return false;
    }
    if (head->goes_on == 0 && row->partial == NULL) {
        *message = piece;
        return true;
    }
    if (row->partial == NULL) {
        row->partial = malloc(MCPZ_MSG_BYTES_MAX);
        row->partial_length = 0;
    }
    if (row->partial == NULL || row->partial_length + piece.length > MCPZ_MSG_BYTES_MAX) {
        drop_partial(row);
        row->skips = head->goes_on != 0;
        return false;
    }
    memcpy(row->partial + row->partial_length, piece.data, piece.length);
    row->partial_length += piece.length;
    *message = mcpz_bytes(row->partial, row->partial_length);
    return head->goes_on == 0;
}

/* A peer that says what makes no sense is counted, and heard on: others carry what it says. */
static bool hear_one(struct mcpz_engine *engine)
{
    struct mcpz_bytes piece;
    struct mcpz_bytes message;
    struct head head;

    if (!mcpz_lane_first(&engine->letters, &piece)) {
        return false;
    }
    assert(piece.length >= sizeof(head));
    memcpy(&head, piece.data, sizeof(head));
    piece = mcpz_bytes(piece.data + sizeof(head), piece.length - sizeof(head));
    struct mcpz_link_row *row = mcpz_letters_row(engine, &head.from);
    if (row != NULL && put_together(row, &head, piece, &message)) {
        uint8_t *partial = row->partial; /* the row may be another's afterwards */
        row->partial = NULL;
        row->partial_length = 0;
        engine->hears_letter = true;
        (void)!mcpz_inbound_message(engine, row, message); /* it is counted there */
        engine->hears_letter = false;
        free(partial);
    }
    mcpz_lane_drop(&engine->letters);
    return true;
}

bool mcpz_letters_hear(struct mcpz_engine *engine)
{
    bool is_busy = false;

    while (hear_one(engine)) {
        is_busy = true;
    }
    return is_busy;
}

bool mcpz_letters_run(struct mcpz_engine *engine)
{
    bool is_busy = mcpz_letters_hear(engine);

    for (size_t i = 0; i < MCPZ_RELAY_SESSIONS_MAX && engine->node.relay.count > 0; i++) {
        while (send_one(engine, &engine->relayed[i])) {
            is_busy = true;
        }
    }
    return is_busy;
}

void mcpz_letters_clear(struct mcpz_engine *engine)
{
    for (size_t i = 0; i < MCPZ_RELAY_SESSIONS_MAX; i++) {
        remove_row(&engine->relayed[i]);
    }
    mcpz_lane_clear(&engine->letters);
}
