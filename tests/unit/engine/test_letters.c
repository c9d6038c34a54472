/*
 * Letters of an engine whose sessions are made up: what is said in them is noted, not sealed. The
 * other one, which is linked, is the hop; sessions are with nodes behind it.
 */

#include "engine/internal.h"
#include "pair.h"
#include "proto/id.h"
#include "wire/codec.h"

#define PIECE MCPZ_LETTER_COST(MCPZ_LETTER_BYTES_MAX) /* of a full letter */
#define SAID_MAX 128

struct said {
    uint8_t kind; /* 0: whole, 1: goes on */
    uint8_t first;
    size_t length;
};

static struct said said[SAID_MAX];
static size_t said_count;

static void note(void *context, uint32_t session, struct mcpz_bytes plain, uint8_t *sealed)
{
    (void)context, (void)session;
    CHECK(said_count < SAID_MAX && plain.length > MCPZ_LETTER_HEAD_BYTES);
    said[said_count++] = (struct said){.kind = plain.data[1],
                                       .first = plain.data[MCPZ_LETTER_HEAD_BYTES],
                                       .length = plain.length - MCPZ_LETTER_HEAD_BYTES};
    memset(sealed, 0, plain.length + MCPZ_SEAL_BYTES);
}

static struct mcpz_id far_id(size_t number)
{
    return (struct mcpz_id){.bytes = {0xfa, (uint8_t)number}};
}

static struct mcpz_relay_session *session_of(size_t number)
{
    return &founder.engine->node.relay.sessions[number];
}

static void tell(enum mcpz_fact_kind kind, size_t number)
{
    const struct mcpz_fact fact = {.kind = kind, .about = far_id(number)};

    mcpz_letters_fact(founder.engine, &fact);
}

/* A session with somebody behind the other one is up. */
static void come_up(size_t number)
{
    struct mcpz_relay *relay = &founder.engine->node.relay;
    const struct mcpz_id peer = far_id(number);
    struct mcpz_relay_session *session = session_of(number);

    relay->config.sealer.close = note;
    relay->count += session->state == MCPZ_RELAY_FREE ? 1 : 0;
    *session = (struct mcpz_relay_session){
        .peer = peer, .state = MCPZ_RELAY_UP, .was_up = true, .heard_us = now, .used_us = now};
    session->way.path[0] = mcpz_short_of(mcpz_identity_id(founder.identity));
    session->way.path[1] = mcpz_short_of(mcpz_identity_id(other.identity));
    session->way.path[2] = mcpz_short_of(&peer);
    session->way.path_count = 3;
    tell(MCPZ_FACT_RELAYED, number);
}

static void go_down(size_t number)
{
    *session_of(number) = (struct mcpz_relay_session){.state = MCPZ_RELAY_FREE};
    founder.engine->node.relay.count--;
    tell(MCPZ_FACT_UNRELAYED, number);
}

static struct mcpz_link_row *row_to(size_t number)
{
    const struct mcpz_id peer = far_id(number);

    return mcpz_link_rows_to(founder.engine, &peer);
}

static void begin(void)
{
    make_mesh();
    said_count = 0;
    enter(&founder);
    come_up(0);
}

static void end(void)
{
    leave(&founder);
    free_pair();
}

static uint64_t dropped(void)
{
    return founder.engine->counters.messages_dropped;
}

/* Queue a message of so many bytes, all of them `mark`. */
static void push(uint32_t kind, uint8_t mark, size_t length)
{
    static uint8_t message[MCPZ_MSG_BYTES_MAX];

    CHECK(length <= sizeof(message));
    memset(message, mark, length);
    mcpz_letters_push(founder.engine, row_to(0), kind, mcpz_bytes(message, length));
}

/* ---- Rows --------------------------------------------------------------------------------- */

/* Connections come and wait to be admitted: nobody of them may keep owners from each other. */
TEST(a_session_has_its_row_however_many_are_connected)
{
    uint8_t binding[MCPZ_BINDING_BYTES] = {0};
    mcpz_link link;

    begin();
    go_down(0);
    for (size_t i = 0; i < MCPZ_CONNECTED_MAX; i++) {
        const struct mcpz_id stranger = {.bytes = {0x57, (uint8_t)i}};
        (void)!mcpz_engine_link_opened(founder.engine, &stranger, binding, mcpz_text(""), &link);
    }
    for (size_t i = 0; i < MCPZ_RELAY_SESSIONS_MAX; i++) {
        CHECK(row_to(i) == NULL);
        come_up(i);
    }
    for (size_t i = 0; i < MCPZ_RELAY_SESSIONS_MAX; i++) {
        struct mcpz_link_row *row = row_to(i);
        CHECK(row != NULL);
        CHECK_UINT(row->state, MCPZ_LINK_RELAYED);
        CHECK(mcpz_link_rows_find(founder.engine, row->id) == row);
    }
    go_down(3);
    CHECK(row_to(3) == NULL && row_to(2) != NULL);
    end();
}

/* And the other way round: so many sessions leave all connections that there may be. */
TEST(sessions_take_no_connection_from_anybody)
{
    uint8_t binding[MCPZ_BINDING_BYTES] = {0};
    mcpz_link link;

    begin();
    for (size_t i = 1; i < MCPZ_RELAY_SESSIONS_MAX; i++) {
        come_up(i);
    }
    for (size_t i = 1; i < MCPZ_CONNECTED_MAX; i++) { /* one is the other's */
        const struct mcpz_id stranger = {.bytes = {0x57, (uint8_t)i}};
        CHECK_UINT(
            mcpz_engine_link_opened(founder.engine, &stranger, binding, mcpz_text(""), &link),
            MCPZ_OK);
    }
    end();
}

TEST(another_session_with_a_peer_begins_with_nothing)
{
    begin();
    const mcpz_link link = row_to(0)->id;
    session_of(0)->letters_flying = MCPZ_LETTERS_FLYING_MAX;
    push(MCPZ_MSG_PULL, 1, 10);
    row_to(0)->told = calloc(MCPZ_TOLD_AUTHORS_MAX, sizeof(uint64_t));
    come_up(0);
    CHECK_UINT(row_to(0)->id, link);
    CHECK(row_to(0)->told == NULL); /* who has started anew knows nobody */
    CHECK(!mcpz_letters_run(founder.engine));
    CHECK_UINT(said_count, 0);

    session_of(0)->letters_flying = MCPZ_LETTERS_FLYING_MAX - PIECE;
    push(MCPZ_MSG_PULLED, 2, MCPZ_MSG_BYTES_MAX);
    (void)mcpz_letters_run(founder.engine);
    CHECK(said_count == 1 && said[0].kind == 1);
    come_up(0);
    push(MCPZ_MSG_ACK, 3, MCPZ_LETTER_BYTES_MAX);
    (void)mcpz_letters_run(founder.engine);
    CHECK(said_count == 2 && said[1].kind == 0 && said[1].length == MCPZ_LETTER_BYTES_MAX);
    end();
}

/* ---- Going out ---------------------------------------------------------------------------- */

static void check_said(size_t number, uint8_t kind, uint8_t first, size_t length)
{
    CHECK_UINT(said[number].kind, kind);
    CHECK_UINT(said[number].first, first);
    CHECK_UINT(said[number].length, length);
}

TEST(what_is_large_is_cut_and_keeps_its_order)
{
    const size_t full = MCPZ_LETTER_BYTES_MAX;
    const size_t cuts = (MCPZ_MSG_BYTES_MAX - 1) / full;

    begin();
    push(MCPZ_MSG_PULL, 1, 10);
    push(MCPZ_MSG_PULLED, 2, MCPZ_MSG_BYTES_MAX);
    push(MCPZ_MSG_ACK, 3, full);
    CHECK_UINT(said_count, 0);
    CHECK(mcpz_letters_run(founder.engine));
    CHECK_UINT(said_count, cuts + 3);
    check_said(0, 0, 1, 10);
    for (size_t i = 1; i <= cuts; i++) {
        check_said(i, 1, 2, full);
    }
    check_said(cuts + 1, 0, 2, MCPZ_MSG_BYTES_MAX - cuts * full);
    check_said(cuts + 2, 0, 3, full);
    CHECK(mcpz_engine_has_frames(founder.engine, founder.link));
    CHECK(!mcpz_letters_run(founder.engine));
    end();
}

TEST(no_more_is_under_way_than_the_other_end_takes)
{
    const size_t window = MCPZ_LETTERS_FLYING_MAX / PIECE;

    begin();
    for (size_t i = 0; i < window + 3; i++) {
        push(MCPZ_MSG_PULLED, (uint8_t)(i + 1), MCPZ_LETTER_BYTES_MAX);
    }
    (void)mcpz_letters_run(founder.engine);
    CHECK_UINT(said_count, window);
    CHECK_UINT(session_of(0)->letters_flying, window * PIECE);
    CHECK(!mcpz_letters_run(founder.engine));
    session_of(0)->letters_flying -= 2 * PIECE; /* it has taken two */
    (void)mcpz_letters_run(founder.engine);
    CHECK_UINT(said_count, window + 2);
    for (size_t i = 0; i < said_count; i++) {
        CHECK_UINT(said[i].first, i + 1);
    }
    CHECK_UINT(dropped(), 0);
    end();
}

/* When documents are compared with the peer of this session. */
static mcpz_time compare_at(size_t number)
{
    const struct mcpz_entropy *entropy = &founder.engine->node.agents.entropy;
    const struct mcpz_id peer = far_id(number);

    for (size_t i = 0; i < entropy->peer_count; i++) {
        if (mcpz_id_equal(&entropy->peers[i].id, &peer)) {
            return entropy->peers[i].root_at_us;
        }
    }
    return 0;
}

/* Documents are compared with the peer of a session, and were just now. */
static void be_compared(size_t number)
{
    struct mcpz_entropy *entropy = &founder.engine->node.agents.entropy;

    entropy->peers[entropy->peer_count++] =
        (struct mcpz_entropy_peer){.id = far_id(number), .root_at_us = MCPZ_TIME_NEVER};
}

TEST(what_finds_no_room_is_dropped_and_what_waits_stays)
{
    size_t pushed = 0;

    begin();
    be_compared(0);
    session_of(0)->letters_flying = MCPZ_LETTERS_FLYING_MAX;
    while (dropped() == 0) {
        CHECK(pushed <= MCPZ_LETTERS_LANE_BYTES_MAX / MCPZ_LETTER_BYTES_MAX);
        push(MCPZ_MSG_PULLED, (uint8_t)++pushed, MCPZ_LETTER_BYTES_MAX);
        CHECK(row_to(0)->data.bytes <= MCPZ_LETTERS_LANE_BYTES_MAX);
    }
    push(MCPZ_MSG_PULLED, 0, MCPZ_MSG_BYTES_MAX); /* none of its pieces */
    CHECK_UINT(dropped(), 2);
    CHECK(compare_at(0) == MCPZ_TIME_NEVER);
    while (!mcpz_lane_is_empty(&row_to(0)->data)) {
        CHECK(compare_at(0) == MCPZ_TIME_NEVER); /* what waits comes first */
        session_of(0)->letters_flying = 0;
        CHECK(mcpz_letters_run(founder.engine));
    }
    CHECK(compare_at(0) == now); /* it lacks what was dropped */
    CHECK_UINT(said_count, pushed - 1);
    CHECK(said[pushed - 2].kind == 0 && said[pushed - 2].first == pushed - 1);
    push(MCPZ_MSG_PULLED, 1, 10);
    CHECK_UINT(dropped(), 2);
    end();
}

TEST(only_what_is_said_of_documents_goes_through_others)
{
    begin();
    push(MCPZ_MSG_LAYOUT, 1, 10);
    push(MCPZ_MSG_HELLO, 1, 10);
    push(MCPZ_MSG_OPEN, 1, 10);
    push(MCPZ_MSG_TASK_KEEP, 1, 10);
    CHECK_UINT(dropped(), 4);
    CHECK(mcpz_lane_is_empty(&row_to(0)->data));
    CHECK(mcpz_letters_carry(MCPZ_MSG_AUTHOR) && mcpz_letters_carry(MCPZ_MSG_WANT));
    CHECK(mcpz_letters_carry(MCPZ_MSG_BATCH) && mcpz_letters_carry(MCPZ_MSG_READING));
    CHECK(mcpz_letters_carry(MCPZ_MSG_HANDOVER) && mcpz_letters_carry(MCPZ_MSG_ROOT));
    CHECK(!mcpz_letters_carry(MCPZ_MSG_KIND_END) && !mcpz_letters_carry(0));
    end();
}

/* ---- Coming in ---------------------------------------------------------------------------- */

static void take(size_t number, bool goes_on, struct mcpz_bytes bytes)
{
    const struct mcpz_action_letter letter = {
        .from = far_id(number), .goes_on = goes_on, .bytes = bytes};

    mcpz_letters_take(founder.engine, &letter);
}

/* The bytes of a message that may go through others. */
static struct mcpz_bytes ack(void)
{
    static uint8_t encoded[MCPZ_MSG_BYTES_MAX];
    const struct mcpz_msg msg = {.kind = MCPZ_MSG_ACK, .ack = {.document = far_id(9), .seq = 1}};
    size_t length;

    CHECK_UINT(mcpz_msg_encode(&msg, encoded, sizeof(encoded), &length), MCPZ_OK);
    return mcpz_bytes(encoded, length);
}

static uint64_t heard; /* so far */
static uint64_t refused;

static uint64_t count_refused(void)
{
    return founder.engine->counters.refused_message + founder.engine->counters.refused_early;
}

/* How many messages have been heard, and how many refused, since it was asked last. */
static void check_heard(uint64_t heard_now, uint64_t refused_now)
{
    (void)mcpz_letters_run(founder.engine);
    CHECK_UINT(founder.engine->counters.messages_in - heard, heard_now);
    CHECK_UINT(count_refused() - refused, refused_now);
    heard += heard_now;
    refused += refused_now;
}

static void begin_hearing(void)
{
    begin();
    come_up(1);
    heard = founder.engine->counters.messages_in;
    refused = count_refused();
}

TEST(what_was_cut_is_put_together_each_peer_for_itself)
{
    const struct mcpz_bytes whole = ack();

    begin_hearing();
    take(0, false, whole);
    check_heard(1, 0);
    take(0, true, mcpz_bytes(whole.data, 5));
    take(1, true, mcpz_bytes(whole.data, 9));
    take(0, true, mcpz_bytes(whole.data + 5, 1));
    check_heard(0, 0);
    take(1, false, mcpz_bytes(whole.data + 9, whole.length - 9));
    check_heard(1, 0);
    take(0, false, mcpz_bytes(whole.data + 6, whole.length - 6));
    check_heard(1, 0);
    CHECK(row_to(0)->partial == NULL && row_to(1)->partial == NULL);
    take(2, false, whole); /* with whom there is no session */
    check_heard(0, 0);
    end();
}

TEST(half_a_message_is_forgotten_with_its_session)
{
    const struct mcpz_bytes whole = ack();

    begin_hearing();
    take(0, true, mcpz_bytes(whole.data, 5));
    check_heard(0, 0);
    come_up(0);
    take(0, false, whole);
    check_heard(1, 0);
    take(0, true, mcpz_bytes(whole.data, 5));
    check_heard(0, 0);
    go_down(0);
    take(0, false, mcpz_bytes(whole.data + 5, whole.length - 5));
    check_heard(0, 0);
    end(); /* frees what is left */
}

TEST(what_makes_no_sense_is_counted_and_its_peer_heard_on)
{
    static const uint8_t zeros[MCPZ_LETTER_BYTES_MAX];
    const uint8_t hello[] = {0x92, MCPZ_MSG_HELLO, 0x90};

    begin_hearing();
    take(0, false, mcpz_text("x"));
    check_heard(0, 1);
    take(0, false, mcpz_bytes(hello, sizeof(hello))); /* of no use here */
    check_heard(0, 1);
    for (size_t length = 0; length <= MCPZ_MSG_BYTES_MAX; length += sizeof(zeros)) {
        take(0, true, mcpz_bytes(zeros, sizeof(zeros))); /* more than any message */
    }
    take(0, true, mcpz_bytes(zeros, 1));
    take(0, false, mcpz_bytes(zeros, 1)); /* at last */
    check_heard(0, 0);
    CHECK(row_to(0)->partial == NULL);
    take(0, false, ack());
    check_heard(1, 0);
    end();
}

/* What a session brought counts even if the next one is up before it is looked at. */
TEST(pieces_of_two_sessions_are_not_put_together)
{
    const struct mcpz_bytes whole = ack();

    begin_hearing();
    take(0, true, mcpz_bytes(whole.data, 5));
    check_heard(0, 0);
    take(0, false, mcpz_bytes(whole.data + 5, whole.length - 5));
    take(0, true, mcpz_bytes(whole.data, 7));
    come_up(0);
    take(0, true, mcpz_bytes(whole.data, 9));
    take(0, false, mcpz_bytes(whole.data + 9, whole.length - 9));
    check_heard(2, 0);
    end();
}

/* Nor are those before and behind one that was lost. */
TEST(what_comes_at_once_is_bounded_and_what_is_lost_leaves_no_trace)
{
    static const uint8_t zeros[MCPZ_LETTER_BYTES_MAX];
    const struct mcpz_bytes whole = ack();

    begin_hearing();
    take(0, true, mcpz_bytes(whole.data, 5));
    for (size_t i = 0; dropped() == 0; i++) {
        CHECK(i <= MCPZ_LETTERS_HEARD_BYTES_MAX / MCPZ_LETTER_BYTES_MAX);
        take(1, true, mcpz_bytes(zeros, sizeof(zeros)));
        CHECK(founder.engine->letters.bytes <= MCPZ_LETTERS_HEARD_BYTES_MAX);
    }
    take(0, true, mcpz_bytes(zeros, sizeof(zeros)));
    CHECK_UINT(dropped(), 2);
    check_heard(0, 0);
    take(0, true, mcpz_bytes(whole.data + 5, 1)); /* of the message that was lost */
    take(0, false, mcpz_bytes(whole.data + 6, whole.length - 6));
    check_heard(0, 0);
    take(0, true, mcpz_bytes(whole.data, 5));
    take(0, false, mcpz_bytes(whole.data + 5, whole.length - 5));
    check_heard(1, 0);
    end();
}

TEST_MAIN(RUN(a_session_has_its_row_however_many_are_connected),
          RUN(sessions_take_no_connection_from_anybody),
          RUN(another_session_with_a_peer_begins_with_nothing),
          RUN(what_is_large_is_cut_and_keeps_its_order),
          RUN(no_more_is_under_way_than_the_other_end_takes),
          RUN(what_finds_no_room_is_dropped_and_what_waits_stays),
          RUN(only_what_is_said_of_documents_goes_through_others),
          RUN(what_was_cut_is_put_together_each_peer_for_itself),
          RUN(half_a_message_is_forgotten_with_its_session),
          RUN(what_makes_no_sense_is_counted_and_its_peer_heard_on),
          RUN(pieces_of_two_sessions_are_not_put_together),
          RUN(what_comes_at_once_is_bounded_and_what_is_lost_leaves_no_trace))
