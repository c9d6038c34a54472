/* Who may not come in, and that a good peer still can afterwards. */

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ev.h>

#include "net/mesh.h"
#include "net/peers.h"
#include "test.h"
#include "visitor.h"

#define BINARY 0x82U
#define TEXT 0x81U
#define CLOSE 0x88
#define BINARY_BEGUN 0x02U
#define CONTINUED 0x00U
#define CONTINUED_LAST 0x80U

static struct node node;
static struct node good;
static uint8_t frames[2 * MCPZ_WS_MESSAGE_BYTES_MAX];

static bool has_good_peer(const void *context)
{
    const struct mcpz_engine *engine = context;

    for (size_t i = 0; i < engine->link_count; i++) {
        if (mcpz_id_equal(&engine->links[i].peer, &good.engine->self)) {
            return true;
        }
    }
    return false;
}

static int set_up(void **state)
{
    (void)state;
    node_init(&node, 1, "127.0.0.1:0");
    return 0;
}

/* Whatever the test has done to it: the door is still open. */
static int tear_down(void **state)
{
    (void)state;
    node.engine->link_opened_error = MCPZ_OK;
    node_init(&good, 2, NULL);
    fake_dial(good.loop, node.address, NULL);
    CHECK(fake_turn_until(has_good_peer, node.engine));
    node_finish(&good);
    node_finish(&node);
    return 0;
}

static struct visit a_visit(void)
{
    return (struct visit){.key = VISITOR_ED25519, .seed = 9, .request = VISITOR_UPGRADE_DEFAULT};
}

/* ---- Before the upgrade ------------------------------------------------------------------- */

static void check_turned_away(struct visit *way)
{
    visit(&node, way);
    CHECK_UINT(way->status, VISITOR_TURNED_AWAY);
    CHECK_UINT(node.engine->link_count, 0);
    CHECK_UINT(mcpz_peers_stats(node.peers)->accepted, 1);
}

TEST(refuses_an_rsa_certificate)
{
    struct visit way = a_visit();

    way.key = VISITOR_RSA;
    check_turned_away(&way);
    CHECK_UINT(mcpz_peers_stats(node.peers)->refused_certificate, 1);
}

TEST(refuses_a_visitor_without_a_certificate)
{
    struct visit way = a_visit();

    way.key = VISITOR_NO_KEY;
    check_turned_away(&way);
    CHECK_UINT(mcpz_peers_stats(node.peers)->refused_certificate, 1);
}

TEST(refuses_a_chain_of_certificates)
{
    struct visit way = a_visit();

    way.has_chain = true;
    check_turned_away(&way);
    CHECK_UINT(mcpz_peers_stats(node.peers)->refused_certificate, 1);
}

TEST(refuses_who_shows_the_nodes_own_key)
{
    struct visit way = a_visit();

    way.seed = 1;
    check_turned_away(&way);
    CHECK_UINT(mcpz_peers_stats(node.peers)->refused_certificate, 1);
}

TEST(refuses_tls_1_2)
{
    struct visit way = a_visit();

    way.tls_version_max = TLS1_2_VERSION;
    check_turned_away(&way);
    CHECK_UINT(mcpz_peers_stats(node.peers)->refused_tls, 1);
}

TEST(refuses_plaintext)
{
    struct visit way = a_visit();

    way.is_plain = true;
    check_turned_away(&way);
    CHECK_UINT(mcpz_peers_stats(node.peers)->refused_tls, 1);
}

static void check_request_refused(const char *request)
{
    struct visit way = a_visit();

    way.request = request;
    check_turned_away(&way);
    CHECK_UINT(mcpz_peers_stats(node.peers)->refused_upgrade, 1);
}

TEST(refuses_a_request_that_is_no_upgrade)
{
    check_request_refused("GET / HTTP/1.1\r\nHost: mesh\r\n\r\n");
}

TEST(refuses_an_upgrade_to_http2)
{
    check_request_refused("GET / HTTP/1.1\r\nHost: mesh\r\nConnection: Upgrade, HTTP2-Settings\r\n"
                          "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n");
}

TEST(refuses_an_upgrade_to_something_unheard_of)
{
    check_request_refused("GET / HTTP/1.1\r\nHost: mesh\r\nConnection: Upgrade\r\n"
                          "Upgrade: gopher\r\n\r\n");
}

TEST(refuses_another_websocket_protocol)
{
    check_request_refused("GET / HTTP/1.1\r\nHost: mesh\r\nConnection: Upgrade\r\n"
                          "Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                          "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: chat\r\n\r\n");
}

TEST(refuses_a_websocket_without_protocol)
{
    check_request_refused("GET / HTTP/1.1\r\nHost: mesh\r\nConnection: Upgrade\r\n"
                          "Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                          "Sec-WebSocket-Version: 13\r\n\r\n");
}

/* ---- After the upgrade -------------------------------------------------------------------- */

/* Send `length` bytes of `frames`; the node must close with `close_status`. */
static void check_closed(size_t length, unsigned close_status)
{
    struct visit way = a_visit();

    way.frames = frames;
    way.frames_bytes = length;
    visit(&node, &way);
    CHECK_UINT(way.status, VISITOR_CLOSED);
    CHECK_UINT(way.close_status, close_status);
    CHECK_UINT(node.engine->link_count, 1);
    CHECK_UINT(node.engine->closed_count, 1);
    CHECK_UINT(node.engine->in_count, 0);
}

TEST(refuses_a_text_message)
{
    check_closed(visitor_frame(frames, TEXT, 'x', 5), 1003);
    CHECK_UINT(mcpz_peers_stats(node.peers)->refused_text, 1);
}

TEST(refuses_a_message_one_byte_too_large)
{
    check_closed(visitor_frame(frames, BINARY, 'x', MCPZ_WS_MESSAGE_BYTES_MAX + 1), 1009);
    CHECK_UINT(mcpz_peers_stats(node.peers)->refused_oversized, 1);
}

TEST(refuses_a_message_too_large_in_its_pieces)
{
    size_t half = MCPZ_WS_MESSAGE_BYTES_MAX / 2 + 1;
    size_t length = visitor_frame(frames, BINARY_BEGUN, 'x', half);

    length += visitor_frame(frames + length, CONTINUED_LAST, 'x', half);
    check_closed(length, 1009);
    CHECK_UINT(mcpz_peers_stats(node.peers)->refused_oversized, 1);
}

TEST(refuses_a_message_that_promises_a_terabyte)
{
    const uint8_t header[] = {BINARY, 0x80 | 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0};

    memcpy(frames, header, sizeof(header));
    memset(frames + sizeof(header), 'x', 10);
    check_closed(sizeof(header) + 10, 1009);
    CHECK_UINT(mcpz_peers_stats(node.peers)->refused_oversized, 1);
}

TEST(closes_when_the_engine_does_not_like_a_frame)
{
    node.engine->frame_error = MCPZ_EPROTO;
    check_closed(visitor_frame(frames, BINARY, 'x', 5), 1008);
}

TEST(closes_when_the_engine_has_no_room)
{
    struct visit way = a_visit();

    node.engine->link_opened_error = MCPZ_EFULL;
    visit(&node, &way);
    CHECK_UINT(way.status, VISITOR_CLOSED);
    CHECK_UINT(way.close_status, 1008);
}

/* The same of one that has said something before: from then on we read by ourselves. */
static void check_closed_later(size_t length, unsigned close_status)
{
    struct visit way = a_visit();

    way.frames = frames;
    way.frames_bytes = length;
    way.greets = true;
    visit(&node, &way);
    CHECK_UINT(way.status, VISITOR_CLOSED);
    CHECK_UINT(way.close_status, close_status);
    CHECK_UINT(node.engine->link_count, 1);
    CHECK_UINT(node.engine->closed_count, 1);
    CHECK_UINT(node.engine->in_count, 1);
}

TEST(refuses_a_text_message_later)
{
    check_closed_later(visitor_frame(frames, TEXT, 'x', 5), 1003);
    CHECK_UINT(mcpz_peers_stats(node.peers)->refused_text, 1);
}

TEST(refuses_a_message_one_byte_too_large_later)
{
    check_closed_later(visitor_frame(frames, BINARY, 'x', MCPZ_WS_MESSAGE_BYTES_MAX + 1), 1009);
    CHECK_UINT(mcpz_peers_stats(node.peers)->refused_oversized, 1);
}

TEST(refuses_a_message_too_large_in_its_pieces_later)
{
    size_t half = MCPZ_WS_MESSAGE_BYTES_MAX / 2 + 1;
    size_t length = visitor_frame(frames, BINARY_BEGUN, 'x', half);

    length += visitor_frame(frames + length, CONTINUED_LAST, 'x', half);
    check_closed_later(length, 1009);
}

TEST(refuses_a_message_that_promises_a_terabyte_later)
{
    const uint8_t header[] = {BINARY, 0x80 | 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0};

    memcpy(frames, header, sizeof(header));
    memset(frames + sizeof(header), 'x', 10);
    check_closed_later(sizeof(header) + 10, 1009);
}

TEST(refuses_what_is_no_frame_later)
{
    static const uint8_t not_masked[] = {BINARY, 1, 'x'};

    memcpy(frames, not_masked, sizeof(not_masked));
    check_closed_later(sizeof(not_masked), 1002);
}

TEST(answers_a_goodbye_later)
{
    check_closed_later(visitor_frame(frames, CLOSE, 3, 2), 1000);
}

/* ---- What is allowed ---------------------------------------------------------------------- */

static bool has_closed(const void *context)
{
    return node.engine->closed_count == *(const size_t *)context;
}

/* Send `length` bytes of `frames` and leave; one frame of `expected` times 'x' must arrive. */
static void check_taken(size_t length, size_t expected)
{
    const size_t one = 1;
    struct visit way = a_visit();

    way.frames = frames;
    way.frames_bytes = length;
    way.hangs_up = true;
    visit(&node, &way);
    CHECK(fake_turn_until(has_closed, &one));
    CHECK_UINT(node.engine->in_count, 1);
    CHECK_UINT(node.engine->in[0].length, expected);
    for (size_t i = 0; i < expected; i++) {
        CHECK(node.engine->in[0].bytes[i] == 'x');
    }
}

TEST(takes_the_largest_message_there_may_be)
{
    check_taken(visitor_frame(frames, BINARY, 'x', MCPZ_WS_MESSAGE_BYTES_MAX),
                MCPZ_WS_MESSAGE_BYTES_MAX);
}

TEST(puts_a_message_together_from_its_pieces)
{
    size_t length = visitor_frame(frames, BINARY_BEGUN, 'x', 1);

    length += visitor_frame(frames + length, CONTINUED, 'x', 0);
    length += visitor_frame(frames + length, CONTINUED, 'x', 5000);
    length += visitor_frame(frames + length, CONTINUED_LAST, 'x', 3);
    check_taken(length, 5004);
}

/* After its greeting, `length` bytes of `frames`: one more frame of `expected` times 'x'. */
static void check_taken_later(size_t length, size_t expected)
{
    const size_t one = 1;
    struct visit way = a_visit();

    way.frames = frames;
    way.frames_bytes = length;
    way.greets = true;
    way.hangs_up = true;
    visit(&node, &way);
    CHECK(fake_turn_until(has_closed, &one));
    CHECK_UINT(node.engine->in_count, 2);
    CHECK_UINT(node.engine->in[0].length, 5);
    CHECK_UINT(node.engine->in[1].length, expected);
    for (size_t i = 0; i < expected; i++) {
        CHECK(node.engine->in[1].bytes[i] == 'x');
    }
}

TEST(takes_the_largest_message_there_may_be_later)
{
    check_taken_later(visitor_frame(frames, BINARY, 'x', MCPZ_WS_MESSAGE_BYTES_MAX),
                      MCPZ_WS_MESSAGE_BYTES_MAX);
}

TEST(puts_a_message_together_from_its_pieces_later)
{
    size_t length = visitor_frame(frames, BINARY_BEGUN, 'x', 1);

    length += visitor_frame(frames + length, CONTINUED, 'x', 0);
    length += visitor_frame(frames + length, CONTINUED, 'x', 5000);
    length += visitor_frame(frames + length, CONTINUED_LAST, 'x', 3);
    check_taken_later(length, 5004);
}

TEST(forgets_a_message_that_never_ends)
{
    const size_t one = 1;
    struct visit way = a_visit();

    way.frames = frames;
    way.frames_bytes = visitor_frame(frames, BINARY_BEGUN, 'x', 30000);
    way.hangs_up = true;
    visit(&node, &way);
    CHECK(fake_turn_until(has_closed, &one));
    CHECK_UINT(node.engine->in_count, 0);
}

/* ---- Limits ------------------------------------------------------------------------------- */

static int knock(void)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(node.port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    CHECK(connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
    return fd;
}

static bool has_turned_away(const void *context)
{
    return mcpz_peers_stats(node.peers)->refused_full == *(const size_t *)context;
}

static bool have_all_left(const void *context)
{
    return mcpz_peers_stats(node.peers)->refused_tls == *(const size_t *)context;
}

TEST(refuses_connections_above_its_limit)
{
    int fds[MCPZ_ACCEPTED_MAX + 1];
    const size_t one = 1;
    const size_t all = MCPZ_ACCEPTED_MAX;
    char byte;

    for (size_t i = 0; i < MCPZ_ACCEPTED_MAX + 1; i++) {
        fds[i] = knock();
    }
    CHECK(fake_turn_until(has_turned_away, &one));
    CHECK_UINT(mcpz_peers_stats(node.peers)->accepted, MCPZ_ACCEPTED_MAX);
    CHECK(read(fds[MCPZ_ACCEPTED_MAX], &byte, 1) <= 0);
    for (size_t i = 0; i < MCPZ_ACCEPTED_MAX + 1; i++) {
        close(fds[i]);
    }
    CHECK(fake_turn_until(have_all_left, &all));
}

/* Far more than the kernel's buffers on both sides hold. */
#define ENDLESS_ROUNDS 4000

static bool has_a_link(const void *context)
{
    (void)context;
    return node.engine->link_count == 1;
}

TEST(does_not_take_more_from_the_engine_than_a_peer_reads)
{
    struct visit way = a_visit();

    way.stays = true;
    pid_t visitor = visit_begin(&node, &way);
    CHECK(fake_turn_until(has_a_link, NULL));
    node.engine->links[0].is_endless = true;
    node.engine->ports.wake(node.engine->ports.context, 1);
    for (size_t i = 0; i < ENDLESS_ROUNDS; i++) {
        ev_run(ev_default_loop(0), EVRUN_NOWAIT);
    }
    CHECK(node.engine->links[0].pulled > 0);
    CHECK(node.engine->links[0].pulled < ENDLESS_ROUNDS / 4);
    visit_end(visitor);
}

static bool has_lost_a_link(const void *context)
{
    (void)context;
    return node.engine->closed_count == 1;
}

TEST(closes_a_link_whose_peer_reads_nothing)
{
    struct visit way = a_visit();

    way.stays = true;
    pid_t visitor = visit_begin(&node, &way);
    CHECK(fake_turn_until(has_a_link, NULL));
    node.engine->links[0].is_endless = true;
    node.engine->ports.wake(node.engine->ports.context, 1);
    for (size_t i = 0; i < ENDLESS_ROUNDS; i++) {
        ev_run(ev_default_loop(0), EVRUN_NOWAIT);
    }
    node.engine->ports.close(node.engine->ports.context, 1, "does not take what is sent");
    CHECK(fake_turn_until(has_lost_a_link, NULL));
    visit_end(visitor);
}

#define WITH_NODE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

TEST_MAIN(
    WITH_NODE(refuses_a_text_message_later), WITH_NODE(refuses_a_message_one_byte_too_large_later),
    WITH_NODE(refuses_a_message_too_large_in_its_pieces_later),
    WITH_NODE(refuses_a_message_that_promises_a_terabyte_later),
    WITH_NODE(refuses_what_is_no_frame_later), WITH_NODE(answers_a_goodbye_later),
    WITH_NODE(takes_the_largest_message_there_may_be_later),
    WITH_NODE(puts_a_message_together_from_its_pieces_later),
    WITH_NODE(refuses_an_rsa_certificate), WITH_NODE(refuses_a_visitor_without_a_certificate),
    WITH_NODE(refuses_a_chain_of_certificates), WITH_NODE(refuses_who_shows_the_nodes_own_key),
    WITH_NODE(refuses_tls_1_2), WITH_NODE(refuses_plaintext),
    WITH_NODE(refuses_a_request_that_is_no_upgrade), WITH_NODE(refuses_an_upgrade_to_http2),
    WITH_NODE(refuses_an_upgrade_to_something_unheard_of),
    WITH_NODE(refuses_another_websocket_protocol), WITH_NODE(refuses_a_websocket_without_protocol),
    WITH_NODE(refuses_a_text_message), WITH_NODE(refuses_a_message_one_byte_too_large),
    WITH_NODE(refuses_a_message_too_large_in_its_pieces),
    WITH_NODE(refuses_a_message_that_promises_a_terabyte),
    WITH_NODE(closes_when_the_engine_does_not_like_a_frame),
    WITH_NODE(closes_when_the_engine_has_no_room),
    WITH_NODE(takes_the_largest_message_there_may_be),
    WITH_NODE(puts_a_message_together_from_its_pieces),
    WITH_NODE(forgets_a_message_that_never_ends), WITH_NODE(refuses_connections_above_its_limit),
    WITH_NODE(does_not_take_more_from_the_engine_than_a_peer_reads),
    WITH_NODE(closes_a_link_whose_peer_reads_nothing))
