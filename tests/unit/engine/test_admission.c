#include "engine/certificate.h"
#include "engine/internal.h"
#include "pair.h"
#include "wire/codec.h"
#include "wire/frame.h"

static void check_refused(uint32_t code, uint64_t counter)
{
    CHECK_UINT(counter, 1);
    CHECK_UINT(other.reply_code, code);
    CHECK_UINT(link_count(&founder), 0);
    CHECK_UINT(link_count(&other), 0);
}

static const struct mcpz_counters *counters_of(const struct side *side)
{
    return mcpz_engine_counters(side->engine);
}

TEST(a_token_lets_in)
{
    make_pair(0);
    struct mcpz_join_token token = make_token(1000, 1, "");
    join_with(&token);

    CHECK_UINT(other.reply_code, MCPZ_CODE_OK);
    CHECK(mcpz_id_equal(mcpz_engine_mesh(other.engine), mcpz_engine_mesh(founder.engine)));
    CHECK_UINT(link_count(&founder), 1);
    CHECK_UINT(link_count(&other), 1);
    CHECK(!mcpz_engine_may_admit(other.engine));
    free_pair();
}

TEST(a_node_that_was_let_in_needs_no_token_again)
{
    make_pair(0);
    struct mcpz_join_token token = make_token(1000, 1, "");
    join_with(&token);
    mcpz_engine_link_closed(enter(&founder), founder.link);
    leave(&founder);
    mcpz_engine_destroy(other.engine);
    start_side(&other, "other:1");
    connect_pair();
    talk();

    CHECK_UINT(link_count(&founder), 1);
    CHECK_UINT(link_count(&other), 1);
    free_pair();
}

TEST(a_coordinator_may_let_others_in)
{
    make_pair(0);
    struct mcpz_join_token token = make_token(1000, 1, MCPZ_ROLE_COORDINATOR);
    join_with(&token);
    CHECK(mcpz_engine_may_admit(other.engine));

    struct mcpz_join_token second;
    CHECK_UINT(mcpz_engine_token_create(enter(&other), 2, 1000, 1, mcpz_text(""), &second),
               MCPZ_OK);
    leave(&other);
    free_pair();
}

TEST(the_use_is_kept_before_the_certificate_leaves)
{
    make_pair(0);
    struct mcpz_join_token token = make_token(1000, 1, "");
    CHECK_UINT(mcpz_engine_join(enter(&other), 9, &token), MCPZ_OK);
    leave(&other);
    connect_pair();
    (void)hand_over(&founder, &other);
    struct mcpz_bytes frame = mcpz_engine_pull(other.engine, other.link);
    uint8_t copy[8192];
    memcpy(copy, frame.data, frame.length);
    CHECK_UINT(mcpz_engine_frame(enter(&founder), founder.link, mcpz_bytes(copy, frame.length)),
               MCPZ_OK);
    (void)mcpz_engine_turn_end(founder.engine);
    CHECK(!mcpz_engine_has_frames(founder.engine, founder.link));
    mcpz_mem_fail(founder.mem, MCPZ_ENOSPACE);
    mcpz_engine_store_progress(founder.engine);
    CHECK(founder.closed);
    CHECK(!mcpz_engine_has_frames(founder.engine, founder.link));
    CHECK_UINT(link_count(&founder), 0);
    free_pair();
}

TEST(a_token_lets_in_as_often_as_it_says)
{
    make_pair(0);
    struct mcpz_join_token token = make_token(1000, 1, "");
    join_with(&token);
    free_side(&other);
    make_side(&other, 4, 0, "third:1");
    join_with(&token);
    CHECK_UINT(counters_of(&founder)->refused_token_used, 1);
    CHECK_UINT(other.reply_code, MCPZ_CODE_TOKEN_USED);
    CHECK_UINT(link_count(&other), 0);
    free_pair();
}

TEST(who_lost_the_answer_may_ask_again)
{
    make_pair(0);
    struct mcpz_join_token token = make_token(1000, 1, "");
    CHECK_UINT(mcpz_engine_join(enter(&other), 9, &token), MCPZ_OK);
    leave(&other);
    connect_pair();
    (void)hand_over(&founder, &other);
    (void)hand_over(&other, &founder); /* ADMIT is on its way, and the connection breaks */
    mcpz_engine_link_closed(enter(&founder), founder.link);
    mcpz_engine_link_closed(enter(&other), other.link);
    leave(&founder);
    leave(&other);
    connect_pair();
    talk();
    CHECK_UINT(other.reply_code, MCPZ_CODE_OK);
    CHECK_UINT(link_count(&other), 1);
    free_pair();
}

TEST(a_revoked_token_lets_nobody_in)
{
    make_pair(0);
    struct mcpz_join_token token = make_token(1000, 5, "");
    CHECK_UINT(mcpz_engine_token_revoke(enter(&founder), 2, token.id), MCPZ_OK);
    leave(&founder);
    join_with(&token);
    check_refused(MCPZ_CODE_TOKEN_USED, counters_of(&founder)->refused_token_used);
    free_pair();
}

TEST(an_expired_token_lets_nobody_in)
{
    make_pair(0);
    struct mcpz_join_token token = make_token(1000, 1, "");
    uint64_t later = wall_ms + 1000;
    CHECK_UINT(mcpz_engine_join(enter(&other), 9, &token), MCPZ_OK); /* its clock is behind */
    leave(&other);
    connect_pair();
    (void)hand_over(&founder, &other);
    wall_ms = later;
    (void)hand_over(&other, &founder);
    wall_ms = WALL_MS;
    talk();
    check_refused(MCPZ_CODE_TOKEN_EXPIRED, counters_of(&founder)->refused_token_expired);
    free_pair();
}

TEST(the_joiner_sees_for_itself_that_a_token_has_expired)
{
    make_pair(0);
    struct mcpz_join_token token = make_token(1000, 1, "");
    wall_ms += 1000;
    CHECK_UINT(mcpz_engine_join(enter(&other), 9, &token), MCPZ_EEXPIRED);
    leave(&other);
    free_pair();
}

TEST(a_wrong_secret_lets_nobody_in)
{
    make_pair(0);
    struct mcpz_join_token token = make_token(1000, 1, "");
    pair_secret[0] ^= 1;
    join_with(&token);
    check_refused(MCPZ_CODE_TOKEN_WRONG, counters_of(&founder)->refused_token_proof);
    free_pair();
}

TEST(a_token_nobody_made_lets_nobody_in)
{
    make_pair(0);
    struct mcpz_join_token token = make_token(1000, 1, "");
    pair_token_id[0] ^= 1;
    join_with(&token);
    check_refused(MCPZ_CODE_TOKEN_UNKNOWN, counters_of(&founder)->refused_token_unknown);
    free_pair();
}

TEST(a_joiner_shows_nothing_of_its_token_to_another_mesh)
{
    make_pair(0);
    struct mcpz_join_token token = make_token(1000, 1, "");
    token.mesh.bytes[5] ^= 1;
    join_with(&token);
    CHECK_UINT(other.reply_code, MCPZ_CODE_WRONG_MESH);
    CHECK_UINT(counters_of(&founder)->refused_token_unknown, 0);
    CHECK_UINT(counters_of(&founder)->refused_token_proof, 0);
    CHECK_UINT(link_count(&founder), 0);
    free_pair();
}

TEST(a_node_of_another_mesh_stays_out)
{
    make_pair(5);
    connect_pair();
    talk();
    CHECK_UINT(counters_of(&founder)->refused_mesh + counters_of(&other)->refused_mesh, 2);
    CHECK(founder.closed && other.closed);
    CHECK_UINT(link_count(&founder), 0);
    free_pair();
}

TEST(who_has_a_mesh_with_others_does_not_join_a_second_one)
{
    make_pair(0);
    struct mcpz_join_token token = make_token(1000, 2, "");
    join_with(&token);
    CHECK_UINT(mcpz_engine_join(enter(&other), 9, &token), MCPZ_ECONFLICT);
    leave(&other);
    free_pair();
}

TEST(who_may_not_admit_makes_no_token)
{
    make_pair(0);
    struct mcpz_join_token token;
    CHECK_UINT(mcpz_engine_token_create(enter(&other), 1, 1000, 1, mcpz_text(""), &token),
               MCPZ_EAUTH);
    leave(&other);
    free_pair();
}

static void provide_much(struct side *side)
{
    for (int i = 0; i < MCPZ_CAPABILITIES_PER_NODE_MAX; i++) {
        char name[64];
        (void)snprintf(name, sizeof(name), "a.capability.with.a.long.name.%d", i);
        struct mcpz_event event = {
            .kind = MCPZ_EVENT_PROVIDE,
            .provide = {.name = mcpz_text(name)},
        };
        mcpz_engine_event(enter(side), &event);
    }
    leave(side);
}

/* Then HELLO or ADMIT leaves together with more than is worth compressing. */
TEST(who_has_much_to_say_is_let_in_all_the_same)
{
    make_pair(0);
    provide_much(&founder);
    provide_much(&other);
    struct mcpz_join_token token = make_token(1000, 1, "");
    join_with(&token);
    CHECK_UINT(other.reply_code, MCPZ_CODE_OK);
    CHECK_UINT(link_count(&founder), 1);
    CHECK_UINT(link_count(&other), 1);

    mcpz_engine_link_closed(enter(&founder), founder.link);
    mcpz_engine_link_closed(enter(&other), other.link);
    leave(&founder);
    leave(&other);
    connect_pair();
    (void)hand_over(&other, &founder); /* its HELLO comes before ours has left */
    talk();
    CHECK_UINT(link_count(&founder), 1);
    CHECK_UINT(link_count(&other), 1);
    CHECK_UINT(counters_of(&other)->refused_early, 0);
    free_pair();
}

/* ---- What is not of the mesh gets no further than the door -------------------------------- */

static mcpz_error say_raw(const uint8_t *bytes, size_t length)
{
    mcpz_error error = mcpz_engine_frame(enter(&founder), founder.link, mcpz_bytes(bytes, length));
    leave(&founder);
    return error;
}

static mcpz_error say(const struct mcpz_msg *msg)
{
    struct mcpz_framer *framer;
    static uint8_t encoded[MCPZ_MSG_BYTES_MAX];
    size_t length;

    CHECK_UINT(mcpz_framer_create(&framer), MCPZ_OK);
    mcpz_framer_begin(framer);
    CHECK_UINT(mcpz_msg_encode(msg, encoded, sizeof(encoded), &length), MCPZ_OK);
    CHECK(mcpz_framer_add(framer, mcpz_bytes(encoded, length)));
    struct mcpz_bytes frame = mcpz_framer_finish(framer, MCPZ_COMPRESS_NOTHING);
    mcpz_error error = say_raw(frame.data, frame.length);
    mcpz_framer_destroy(framer);
    return error;
}

TEST(a_message_before_hello_is_not_even_decoded)
{
    make_pair(5);
    connect_pair();
    struct mcpz_msg ping = {.kind = MCPZ_MSG_PING, .ping = {.seq = 1}};
    CHECK_UINT(say(&ping), MCPZ_EAUTH);
    CHECK_UINT(counters_of(&founder)->refused_early, 1);
    CHECK_UINT(counters_of(&founder)->messages_in, 0);
    free_pair();
}

TEST(a_compressed_frame_before_admission_is_not_opened)
{
    make_pair(5);
    connect_pair();
    static const uint8_t frame[] = {0x01, 0x28, 0xb5, 0x2f, 0xfd};
    CHECK_UINT(say_raw(frame, sizeof(frame)), MCPZ_EAUTH);
    CHECK_UINT(counters_of(&founder)->refused_early, 1);
    free_pair();
}

TEST(garbage_is_refused_and_counted)
{
    make_pair(5);
    connect_pair();
    static const uint8_t garbage[] = {0x00, 0xc1, 0xff, 0x00};
    CHECK(say_raw(garbage, sizeof(garbage)) != MCPZ_OK);
    CHECK_UINT(counters_of(&founder)->refused_frame, 1);
    CHECK_UINT(link_count(&founder), 0);
    free_pair();
}

TEST(no_version_in_common_is_told)
{
    make_pair(5);
    connect_pair();
    struct mcpz_msg hello = {
        .kind = MCPZ_MSG_HELLO,
        .hello = {.version_min = MCPZ_PROTOCOL_MAX + 1, .version_max = MCPZ_PROTOCOL_MAX + 3}};
    CHECK_UINT(say(&hello), MCPZ_OK);
    CHECK(founder.closed);
    CHECK_UINT(counters_of(&founder)->refused_version, 1);
    free_pair();
}

TEST(a_certificate_of_somebody_else_is_refused)
{
    make_pair(5);
    connect_pair();
    struct mcpz_msg hello = {
        .kind = MCPZ_MSG_HELLO,
        .hello = {.version_min = 1, .version_max = 1, .mesh = *mcpz_engine_mesh(founder.engine)}};
    struct mcpz_record self = {.kind = MCPZ_RECORD_SELF};
    const struct mcpz_store *store = mcpz_engine_store(enter(&founder));
    CHECK_UINT(store->get(store->context, &self), MCPZ_OK);
    uint8_t stolen[MCPZ_CERTIFICATE_BYTES_MAX];
    memcpy(stolen, self.self.certificate.data, self.self.certificate.length);
    hello.hello.certificate = mcpz_bytes(stolen, self.self.certificate.length);
    leave(&founder);

    CHECK_UINT(say(&hello), MCPZ_OK);
    CHECK(founder.closed);
    CHECK_UINT(counters_of(&founder)->refused_certificate, 1);
    CHECK_UINT(link_count(&founder), 0);
    free_pair();
}

TEST(who_says_nothing_is_not_waited_for)
{
    make_pair(5);
    connect_pair();
    now += MCPZ_SECONDS(9);
    mcpz_engine_tick(enter(&founder));
    CHECK(!founder.closed);
    now += MCPZ_SECONDS(1);
    mcpz_engine_tick(enter(&founder));
    leave(&founder);
    CHECK(founder.closed);
    CHECK_UINT(counters_of(&founder)->links_unadmitted, 1);
    free_pair();
}

TEST(one_connection_too_many_is_refused)
{
    make_pair(5);
    uint8_t binding[MCPZ_BINDING_BYTES] = {0};
    mcpz_error error = MCPZ_OK;
    size_t count = 0;
    while (error == MCPZ_OK && count < 1000) {
        mcpz_link link;
        error = mcpz_engine_link_opened(enter(&founder), mcpz_identity_id(other.identity), binding,
                                        mcpz_bytes(NULL, 0), &link);
        count += error == MCPZ_OK;
    }
    leave(&founder);
    CHECK_UINT(error, MCPZ_EFULL);
    CHECK_UINT(count, 128);
    CHECK_UINT(counters_of(&founder)->links_refused_full, 1);
    free_pair();
}

/* ---- Two connections of one peer ---------------------------------------------------------- */

/* The two are linked, and another connection of theirs is open at both ends. The first of it. */
static mcpz_link first_of_founder;

static mcpz_link open_a_second(void)
{
    make_pair(0);
    const struct mcpz_join_token token = make_token(1000, 1, "");
    join_with(&token);
    talk();
    CHECK_UINT(link_count(&other), 1);
    const mcpz_link first = other.link;
    first_of_founder = founder.link;
    connect_pair();
    return first;
}

static void close_link(struct side *side, mcpz_link link)
{
    mcpz_engine_link_closed(enter(side), link);
    leave(side);
}

/* The founder has admitted the second and closed the first; we have not, and may not yet. */
TEST(a_link_that_gives_way_before_its_successor_is_admitted_is_not_lost)
{
    const mcpz_link first = open_a_second();

    CHECK(hand_over(&other, &founder));
    close_link(&other, first);
    CHECK_UINT(link_count(&other), 1);
    talk();
    CHECK_UINT(counters_of(&other)->links_admitted, 2);
    CHECK_UINT(link_count(&other), 1);
    CHECK(!other.closed);
    close_link(&other, other.link); /* nothing else is in the making now */
    CHECK_UINT(link_count(&other), 0);
    free_pair();
}

/* A goodbye is said once, over the link that we have: the other end hears it, though for it that
 * link has given way already. */
TEST(who_leaves_over_a_link_that_gives_way_is_heard)
{
    const mcpz_link first = open_a_second();
    const mcpz_link second = other.link;
    const mcpz_link founders = founder.link;

    CHECK(hand_over(&other, &founder));
    CHECK_UINT(counters_of(&founder)->links_duplicate, 1);
    mcpz_engine_leave(enter(&other), 3);
    leave(&other);
    other.link = first;
    founder.link = first_of_founder;
    while (hand_over(&other, &founder)) {
    }
    CHECK_UINT(mcpz_members_alive_count(&mcpz_engine_node(founder.engine)->fabric.members), 1);
    CHECK(!founder.closed);
    now += MCPZ_SECONDS(1); /* it need not be heard for ever */
    mcpz_engine_tick(enter(&founder));
    leave(&founder);
    CHECK(founder.closed);
    CHECK_TEXT(founder.why, "another link to the same node stays");
    other.link = second;
    founder.link = founders;
    free_pair();
}

/* What is said more than once, or begins anew, is not. */
TEST(a_link_that_gives_way_carries_nothing_else)
{
    const struct mcpz_msg ping = {.kind = MCPZ_MSG_PING, .ping = {.seq = 1, .next_ms = 1000}};
    const mcpz_link first = open_a_second();

    CHECK(hand_over(&other, &founder));
    mcpz_link_rows_send(other.engine, mcpz_link_rows_find(other.engine, first), &ping);
    other.link = first;
    founder.link = first_of_founder;
    const uint64_t before = counters_of(&founder)->messages_in;
    CHECK(hand_over(&other, &founder));
    CHECK_UINT(counters_of(&founder)->messages_in, before);
    CHECK(!founder.closed);
    free_pair();
}

TEST(a_link_whose_successor_fails_is_lost)
{
    const mcpz_link first = open_a_second();

    close_link(&other, first);
    CHECK_UINT(link_count(&other), 1);
    close_link(&other, other.link);
    CHECK_UINT(link_count(&other), 0);
    free_pair();
}

TEST(a_link_whose_successor_is_not_admitted_in_time_is_lost)
{
    const mcpz_link first = open_a_second();

    close_link(&other, first);
    CHECK_UINT(link_count(&other), 1);
    now += MCPZ_SECONDS(10);
    mcpz_engine_tick(enter(&other));
    leave(&other);
    CHECK(other.closed);
    close_link(&other, other.link);
    CHECK_UINT(link_count(&other), 0);
    free_pair();
}

TEST(a_successor_that_fails_while_the_first_stands_harms_nothing)
{
    const mcpz_link first = open_a_second();

    close_link(&other, other.link);
    CHECK_UINT(link_count(&other), 1);
    close_link(&other, first);
    CHECK_UINT(link_count(&other), 0);
    free_pair();
}

/* ---- Lanes -------------------------------------------------------------------------------- */

/* The kinds of the messages of the next frame of the founder, up to four; how many. */
static size_t pull_kinds(uint32_t *kinds)
{
    struct mcpz_framer *framer;
    struct mcpz_bytes body;
    struct mcpz_bytes message;
    struct mcpz_arena arena;
    static _Alignas(16) uint8_t memory[65536];
    struct mcpz_msg msg;
    size_t count = 0;
    struct mcpz_bytes frame = mcpz_engine_pull(founder.engine, founder.link);

    CHECK(frame.length <= MCPZ_FRAME_BYTES_MAX + 1);
    CHECK_UINT(mcpz_framer_create(&framer), MCPZ_OK);
    CHECK_UINT(mcpz_framer_open(framer, frame, &body), MCPZ_OK);
    while (count < 4 && mcpz_frame_next(&body, &message) == MCPZ_OK) {
        mcpz_arena_init(&arena, memory, sizeof(memory));
        CHECK_UINT(mcpz_msg_decode(message, &arena, &msg), MCPZ_OK);
        kinds[count++] = (uint32_t)msg.kind;
    }
    mcpz_framer_destroy(framer);
    return count;
}

TEST(a_heartbeat_overtakes_what_people_send)
{
    static uint8_t chunk[MCPZ_CHUNK_BYTES_MAX];
    const struct mcpz_msg data = {
        .kind = MCPZ_MSG_DATA,
        .data = {.call = 1, .from_caller = true, .chunk = mcpz_bytes(chunk, sizeof(chunk))}};
    const struct mcpz_msg ping = {.kind = MCPZ_MSG_PING, .ping = {.seq = 1}};
    uint32_t kinds[4];

    make_pair(0);
    const struct mcpz_join_token token = make_token(1000, 1, "");
    join_with(&token);
    struct mcpz_link_row *row = mcpz_link_rows_find(enter(&founder), founder.link);
    for (size_t i = 0; i < 16; i++) {
        mcpz_link_rows_send(founder.engine, row, &data);
    }
    CHECK_UINT(pull_kinds(kinds), 1); /* small enough to wait behind */
    CHECK_UINT(kinds[0], MCPZ_MSG_DATA);
    mcpz_link_rows_send(founder.engine, row, &ping);
    CHECK(pull_kinds(kinds) >= 1);
    CHECK_UINT(kinds[0], MCPZ_MSG_PING);
    CHECK(mcpz_engine_has_frames(founder.engine, founder.link));
    leave(&founder);
    free_pair();
}

TEST(a_frame_takes_in_no_more_of_what_people_send_than_the_other_end_can_do_at_once)
{
    static uint8_t chunk[400];
    const struct mcpz_msg data = {
        .kind = MCPZ_MSG_DATA,
        .data = {.call = 1, .from_caller = true, .chunk = mcpz_bytes(chunk, sizeof(chunk))}};
    size_t frames = 0;

    make_pair(0);
    const struct mcpz_join_token token = make_token(1000, 1, "");
    join_with(&token);
    struct mcpz_link_row *row = mcpz_link_rows_find(enter(&founder), founder.link);
    for (size_t i = 0; i < 100; i++) { /* they would have room together */
        mcpz_link_rows_send(founder.engine, row, &data);
    }
    while (mcpz_engine_has_frames(founder.engine, founder.link)) {
        const struct mcpz_bytes frame = mcpz_engine_pull(founder.engine, founder.link);
        const bool is_last = !mcpz_engine_has_frames(founder.engine, founder.link);
        CHECK(frame.length < 16384 + 1000);
        CHECK(frame.length > 16384 || is_last);
        frames++;
    }
    CHECK_UINT(frames, 3);
    leave(&founder);
    free_pair();
}

TEST(a_frame_asks_for_no_more_than_the_other_end_can_look_up_at_once)
{
    const struct mcpz_msg want = {.kind = MCPZ_MSG_WANT, .want = {.document = {{1}}}};
    size_t frames = 0;

    make_pair(0);
    const struct mcpz_join_token token = make_token(1000, 1, "");
    join_with(&token);
    struct mcpz_link_row *row = mcpz_link_rows_find(enter(&founder), founder.link);
    for (size_t i = 0; i < 40; i++) {
        mcpz_link_rows_send(founder.engine, row, &want);
    }
    while (mcpz_engine_has_frames(founder.engine, founder.link)) {
        CHECK(mcpz_engine_pull(founder.engine, founder.link).length < 16 * 100);
        frames++;
    }
    CHECK_UINT(frames, 3); /* of sixteen */
    leave(&founder);
    free_pair();
}

/* No storm comes so far (src/README.md): whoever takes nothing is found silent long before. */
TEST(a_peer_that_does_not_take_what_is_sent_loses_its_link)
{
    const struct mcpz_msg ping = {.kind = MCPZ_MSG_PING, .ping = {.seq = 1, .next_ms = 1000}};
    size_t sent = 0;

    make_pair(0);
    struct mcpz_join_token token = make_token(1000, 1, "");
    join_with(&token);
    (void)enter(&founder);
    struct mcpz_link_row *row = mcpz_link_rows_find(founder.engine, founder.link);
    while (!founder.closed && sent < MCPZ_CONTROL_LANE_BYTES_MAX) {
        mcpz_link_rows_send(founder.engine, row, &ping);
        sent++;
    }
    leave(&founder);
    CHECK(founder.closed);
    CHECK_TEXT(founder.why, "does not take what is sent");
    CHECK_UINT(counters_of(&founder)->links_slow, 1);
    CHECK(sent > MCPZ_CONTROL_LANE_BYTES_MAX / 64);
    CHECK(!mcpz_engine_has_frames(founder.engine, founder.link)); /* nothing is kept for it */
    CHECK_UINT(link_count(&founder), 0);
    free_pair();
}

/* Is what goes to the other next compressed, with so many messages of so many bytes? */
static bool is_compressed(size_t count, size_t bytes)
{
    static uint8_t chunk[MCPZ_CHUNK_BYTES_MAX];
    const struct mcpz_msg data = {
        .kind = MCPZ_MSG_DATA,
        .data = {.call = 1, .from_caller = true, .chunk = mcpz_bytes(chunk, bytes)}};
    struct mcpz_link_row *row = mcpz_link_rows_find(enter(&founder), founder.link);

    for (size_t i = 0; i < count; i++) {
        mcpz_link_rows_send(founder.engine, row, &data);
    }
    const struct mcpz_bytes frame = mcpz_engine_pull(founder.engine, founder.link);
    CHECK(!mcpz_engine_has_frames(founder.engine, founder.link));
    const bool compressed = frame.data[0] != 0;
    leave(&founder);
    return compressed;
}

TEST(many_small_messages_are_compressed_where_the_round_trip_is_known_to_be_long)
{
    make_pair(0);
    const struct mcpz_join_token token = make_token(1000, 1, "");
    join_with(&token);
    struct mcpz_linked *link = &founder.engine->node.fabric.links.links[0];
    CHECK_UINT(link->rtt_min_us, 0);
    CHECK(!is_compressed(40, 100));
    CHECK(is_compressed(1, 4000));
    link->rtt_min_us = 1999;
    CHECK(!is_compressed(40, 100));
    link->rtt_min_us = 2000;
    CHECK(is_compressed(40, 100));
    free_pair();
}

/* ---- Life of a certificate ---------------------------------------------------------------- */

TEST(a_certificate_is_renewed_at_two_thirds_of_its_life)
{
    make_pair(0);
    struct mcpz_join_token token = make_token(1000, 1, "");
    join_with(&token);
    uint64_t end_ms = mcpz_engine_certificate_end_ms(other.engine);
    CHECK_UINT(end_ms, WALL_MS + MCPZ_CERTIFICATE_LIFE_MS);

    wall_ms += MCPZ_CERTIFICATE_LIFE_MS / 3 * 2;
    mcpz_engine_tick(enter(&other));
    leave(&other);
    talk();
    CHECK_UINT(mcpz_engine_certificate_end_ms(other.engine), wall_ms + MCPZ_CERTIFICATE_LIFE_MS);
    free_pair();
}

TEST(a_life_says_nothing_before_its_incarnation_is_kept)
{
    make_mesh();
    mcpz_engine_destroy(other.engine);
    mcpz_engine_link_closed(enter(&founder), founder.link);
    leave(&founder);
    start_engine(&other, pair_address);
    other.disk_is_held = true;
    connect_pair();
    talk();
    CHECK(!mcpz_engine_may_speak(other.engine));
    CHECK_UINT(link_count(&founder), 0);

    /* The disk had no room for it: it is written again. */
    mcpz_mem_fail(other.mem, MCPZ_ENOSPACE);
    mcpz_engine_store_progress(other.engine);
    talk();
    CHECK(!mcpz_engine_may_speak(other.engine));
    tick_both();
    tick_both();
    const size_t wakes = other.wakes;
    sync_disk(&other);
    CHECK(mcpz_engine_may_speak(other.engine));
    CHECK_UINT(other.wakes, wakes + 1);
    talk();
    CHECK_UINT(link_count(&founder), 1);
    free_pair();
}

TEST(leaving_forgets_the_mesh_and_joining_again_works)
{
    make_pair(0);
    struct mcpz_join_token token = make_token(1000, 2, "");
    join_with(&token);
    mcpz_engine_leave(enter(&other), 3);
    leave(&other);
    CHECK_UINT(other.reply_code, MCPZ_CODE_OK);
    CHECK(mcpz_id_is_zero(mcpz_engine_mesh(other.engine)));
    talk();
    CHECK_UINT(mcpz_members_alive_count(&mcpz_engine_node(founder.engine)->fabric.members), 1);
    mcpz_engine_link_closed(enter(&founder), founder.link);
    mcpz_engine_link_closed(enter(&other), other.link);
    leave(&founder);
    leave(&other);

    join_with(&token);
    CHECK_UINT(other.reply_code, MCPZ_CODE_OK);
    CHECK_UINT(mcpz_members_alive_count(&mcpz_engine_node(founder.engine)->fabric.members), 2);
    free_pair();
}

TEST_MAIN(RUN(a_token_lets_in), RUN(a_node_that_was_let_in_needs_no_token_again),
          RUN(a_coordinator_may_let_others_in), RUN(the_use_is_kept_before_the_certificate_leaves),
          RUN(a_token_lets_in_as_often_as_it_says), RUN(who_lost_the_answer_may_ask_again),
          RUN(a_revoked_token_lets_nobody_in), RUN(an_expired_token_lets_nobody_in),
          RUN(the_joiner_sees_for_itself_that_a_token_has_expired),
          RUN(a_wrong_secret_lets_nobody_in), RUN(a_token_nobody_made_lets_nobody_in),
          RUN(a_joiner_shows_nothing_of_its_token_to_another_mesh),
          RUN(a_node_of_another_mesh_stays_out),
          RUN(who_has_a_mesh_with_others_does_not_join_a_second_one),
          RUN(who_may_not_admit_makes_no_token), RUN(who_has_much_to_say_is_let_in_all_the_same),
          RUN(a_message_before_hello_is_not_even_decoded),
          RUN(a_compressed_frame_before_admission_is_not_opened),
          RUN(garbage_is_refused_and_counted), RUN(no_version_in_common_is_told),
          RUN(a_certificate_of_somebody_else_is_refused), RUN(who_says_nothing_is_not_waited_for),
          RUN(one_connection_too_many_is_refused),
          RUN(a_link_that_gives_way_before_its_successor_is_admitted_is_not_lost),
          RUN(who_leaves_over_a_link_that_gives_way_is_heard),
          RUN(a_link_that_gives_way_carries_nothing_else),
          RUN(a_link_whose_successor_fails_is_lost),
          RUN(a_link_whose_successor_is_not_admitted_in_time_is_lost),
          RUN(a_successor_that_fails_while_the_first_stands_harms_nothing),
          RUN(a_heartbeat_overtakes_what_people_send),
          RUN(a_frame_takes_in_no_more_of_what_people_send_than_the_other_end_can_do_at_once),
          RUN(a_frame_asks_for_no_more_than_the_other_end_can_look_up_at_once),
          RUN(a_peer_that_does_not_take_what_is_sent_loses_its_link),
          RUN(many_small_messages_are_compressed_where_the_round_trip_is_known_to_be_long),
          RUN(a_certificate_is_renewed_at_two_thirds_of_its_life),
          RUN(a_life_says_nothing_before_its_incarnation_is_kept),
          RUN(leaving_forgets_the_mesh_and_joining_again_works))
