#include "engine/letters.h"

#include <assert.h>
#include <stdlib.h>

#include "engine/internal.h"

/* A piece in a lane: this, and its bytes. */
struct head {
    struct mcpz_id from; /* of one that has come */
    uint8_t goes_on;
};

bool mcpz_letters_carry(uint32_t kind)
{
    return kind == MCPZ_MSG_WANT || (kind >= MCPZ_MSG_BRANCHES && kind <= MCPZ_MSG_BASE) ||
           (kind >= MCPZ_MSG_ACK_ASK && kind <= MCPZ_MSG_SKETCH);
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

/* What was under way is lost. */
static void clear(struct mcpz_link_row *row)
{
    mcpz_lane_clear(&row->data);
    free(row->partial);
    row->partial = NULL;
    row->partial_length = 0;
}

/* Another session, with who may not know any more what it was told. */
static void empty_row(struct mcpz_link_row *row)
{
    clear(row);
    free(row->told);
    row->told = NULL;
}

static void remove_row(struct mcpz_link_row *row)
{
    empty_row(row);
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
        empty_row(row);
    }
}

/* ---- Going out ---------------------------------------------------------------------------- */

static mcpz_error push_piece(struct mcpz_lane *lane, const struct head *head,
                             struct mcpz_bytes bytes, size_t bytes_max)
{
    uint8_t piece[sizeof(*head) + MCPZ_LETTER_BYTES_MAX];

    assert(bytes.length <= MCPZ_LETTER_BYTES_MAX);
    memcpy(piece, head, sizeof(*head));
    memcpy(piece + sizeof(*head), bytes.data, bytes.length);
    return mcpz_lane_push(lane, mcpz_bytes(piece, sizeof(*head) + bytes.length), bytes_max);
}

/* There is something in it. */
static struct mcpz_bytes first_piece(const struct mcpz_lane *lane, struct head *head)
{
    struct mcpz_bytes piece;

    const bool is_there = mcpz_lane_first(lane, &piece);
    assert(is_there && piece.length >= sizeof(*head));
    memcpy(head, piece.data, sizeof(*head));
    return mcpz_bytes(piece.data + sizeof(*head), piece.length - sizeof(*head));
}

void mcpz_letters_push(struct mcpz_engine *engine, struct mcpz_link_row *row, uint32_t kind,
                       struct mcpz_bytes message)
{
    mcpz_error error = MCPZ_OK;

    if (!mcpz_letters_carry(kind) ||
        row->data.bytes + message.length > MCPZ_LETTERS_LANE_BYTES_MAX) {
        engine->counters.messages_dropped++;
        return;
    }
    for (size_t at = 0; at < message.length && error == MCPZ_OK;) {
        const size_t left = message.length - at;
        const size_t length = left < MCPZ_LETTER_BYTES_MAX ? left : MCPZ_LETTER_BYTES_MAX;
        const struct head head = {.goes_on = length < left};
        error = push_piece(&row->data, &head, mcpz_bytes(message.data + at, length), SIZE_MAX);
        at += length;
    }
    if (error != MCPZ_OK) {
        clear(row); /* half a message is none */
        engine->counters.messages_dropped++;
        return;
    }
    engine->counters.messages_out++;
    engine->sent[kind].messages++;
    engine->sent[kind].bytes += message.length;
}

/* Hand the core the first piece that waits for this peer. */
static bool send_one(struct mcpz_engine *engine, struct mcpz_link_row *row)
{
    uint8_t bytes[MCPZ_LETTER_BYTES_MAX];
    struct head head;

    if (row->id == 0 || mcpz_lane_is_empty(&row->data) ||
        !mcpz_relay_takes_letter(&engine->node.relay, &row->peer)) {
        return false;
    }
    const struct mcpz_bytes piece = first_piece(&row->data, &head);
    memcpy(bytes, piece.data, piece.length);
    struct mcpz_event event = {.kind = MCPZ_EVENT_LETTER,
                               .letter = {.peer = row->peer,
                                          .goes_on = head.goes_on != 0,
                                          .bytes = mcpz_bytes(bytes, piece.length)}};
    mcpz_lane_drop(&row->data);
    mcpz_engine_dispatch(engine, &event);
    return true;
}

/* ---- Coming in ---------------------------------------------------------------------------- */

void mcpz_letters_take(struct mcpz_engine *engine, const struct mcpz_action_letter *letter)
{
    const struct head head = {.from = letter->from, .goes_on = letter->goes_on ? 1 : 0};

    if (push_piece(&engine->letters, &head, letter->bytes, MCPZ_LETTERS_HEARD_BYTES_MAX) !=
        MCPZ_OK) {
        engine->counters.messages_dropped++;
    }
}

/* Put a piece behind those before it. False: it is no message yet, or none that there can be. */
static bool put_together(struct mcpz_link_row *row, const struct head *head,
                         struct mcpz_bytes piece, struct mcpz_bytes *message)
{
    if (head->goes_on == 0 && row->partial == NULL) {
        *message = piece;
        return true;
    }
    if (row->partial == NULL) {
        row->partial = malloc(MCPZ_MSG_BYTES_MAX);
        row->partial_length = 0;
    }
    if (row->partial == NULL || row->partial_length + piece.length > MCPZ_MSG_BYTES_MAX) {
        clear(row);
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
    struct mcpz_bytes message;
    struct head head;

    if (mcpz_lane_is_empty(&engine->letters)) {
        return false;
    }
    const struct mcpz_bytes piece = first_piece(&engine->letters, &head);
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

bool mcpz_letters_run(struct mcpz_engine *engine)
{
    bool is_busy = false;

    while (hear_one(engine)) {
        is_busy = true;
    }
    for (size_t i = 0; i < MCPZ_RELAY_SESSIONS_MAX; i++) {
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
