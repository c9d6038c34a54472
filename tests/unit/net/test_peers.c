/* Two nodes on loopback: who meets whom, and what becomes of a dial. */

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/links.h"
#include "listener.h"
#include "net/mesh.h"
#include "net/peers.h"
#include "node.h"
#include "test.h"

static struct node a;
static struct node b;

static int set_up(void **state)
{
    (void)state;
    node_init(&a, 1, "127.0.0.1:0");
    node_init(&b, 2, "127.0.0.1:0");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    node_finish(&a);
    node_finish(&b);
    return 0;
}

static bool are_linked(const void *context)
{
    (void)context;
    return a.engine->link_count == 1 && b.engine->link_count == 1;
}

static bool has_failed(const void *context)
{
    const struct node *node = context;
    return node->engine->failure_count > 0;
}

static bool have_lost_each_other(const void *context)
{
    (void)context;
    return a.engine->closed_count == 1 && b.engine->closed_count == 1;
}

static void link_them(void)
{
    fake_dial(a.loop, b.address, NULL);
    CHECK(fake_turn_until(are_linked, NULL));
}

/* ---- Meeting ------------------------------------------------------------------------------ */

TEST(both_ends_know_who_is_there_and_share_a_binding)
{
    const uint8_t zeros[MCPZ_BINDING_BYTES] = {0};

    link_them();
    const struct fake_link *ours = &a.engine->links[0];
    const struct fake_link *theirs = &b.engine->links[0];
    CHECK(mcpz_id_equal(&ours->peer, &b.engine->self));
    CHECK(mcpz_id_equal(&theirs->peer, &a.engine->self));
    CHECK(memcmp(ours->binding, theirs->binding, MCPZ_BINDING_BYTES) == 0);
    CHECK(memcmp(ours->binding, zeros, MCPZ_BINDING_BYTES) != 0);
    CHECK_TEXT(ours->dialled, b.address);
    CHECK_TEXT(theirs->dialled, "");
    CHECK_UINT(mcpz_peers_stats(b.peers)->accepted, 1);
    CHECK_UINT(a.engine->failure_count, 0);
}

TEST(links_to_the_one_it_wanted)
{
    fake_dial(a.loop, b.address, &b.engine->self);
    CHECK(fake_turn_until(are_linked, NULL));
}

TEST(refuses_another_than_the_one_it_wanted)
{
    fake_dial(a.loop, b.address, &a.engine->self);
    CHECK(fake_turn_until(has_failed, &a));
    CHECK_TEXT(a.engine->failures[0], b.address);
    CHECK(!a.engine->refused[0]);
    CHECK_UINT(a.engine->link_count, 0);
    CHECK_UINT(mcpz_peers_stats(a.peers)->refused_certificate, 1);
    CHECK_UINT(mcpz_peers_stats(b.peers)->accepted, 1);

    link_them();
    CHECK_UINT(a.engine->failure_count, 1);
}

TEST(refuses_itself)
{
    fake_dial(a.loop, a.address, NULL);
    CHECK(fake_turn_until(has_failed, &a));
    CHECK_TEXT(a.engine->failures[0], a.address);
    CHECK_UINT(a.engine->link_count, 0);
    CHECK(mcpz_peers_stats(a.peers)->refused_certificate >= 1);
}

TEST(finds_a_node_by_name)
{
    char address[32];

    snprintf(address, sizeof(address), "localhost:%u", b.port);
    fake_dial(a.loop, address, NULL);
    CHECK(fake_turn_until(are_linked, NULL));
    CHECK_TEXT(a.engine->links[0].dialled, address);
}

static bool is_decided(const void *context)
{
    const struct node *node = context;
    return node->engine->link_count + node->engine->failure_count > 0;
}

TEST(is_not_sent_to_the_proxy_of_the_environment)
{
    struct node c;
    char proxy[64];

    snprintf(proxy, sizeof(proxy), "http://127.0.0.1:%u", closed_port());
    setenv("http_proxy", proxy, 1);
    node_init(&c, 3, NULL);
    CHECK_TEXT(getenv("http_proxy"), proxy);
    unsetenv("http_proxy");
    fake_dial(c.loop, b.address, NULL);
    CHECK(fake_turn_until(is_decided, &c));
    CHECK_UINT(c.engine->link_count, 1);
    node_finish(&c);
}

/* ---- Failing ------------------------------------------------------------------------------ */

TEST(tells_once_that_nobody_listens)
{
    char address[32];

    snprintf(address, sizeof(address), "127.0.0.1:%u", closed_port());
    fake_dial(a.loop, address, NULL);
    CHECK(fake_turn_until(has_failed, &a));
    link_them();
    CHECK_UINT(a.engine->failure_count, 1);
    CHECK_TEXT(a.engine->failures[0], address);
    CHECK(a.engine->refused[0]);
}

static bool hangs_up_until_it_has_failed(const void *context)
{
    listener_hang_up(context);
    return a.engine->failure_count > 0;
}

TEST(is_not_refused_by_who_ends_the_handshake)
{
    struct listener listener;

    listener_open(&listener, 8);
    fake_dial(a.loop, listener.address, NULL);
    CHECK(fake_turn_until(hangs_up_until_it_has_failed, &listener));
    CHECK_UINT(a.engine->failure_count, 1);
    CHECK(!a.engine->refused[0]);
    listener_close(&listener);
}

static bool has_a_guest(const void *context)
{
    return listener_has_guest(context);
}

static bool has_greeted(const void *context)
{
    return has_bytes(*(const int *)context);
}

/* The kernel may end a dead process's connections before it stops listening for it: who dials at
 * once still finds the queue. */
TEST(is_refused_by_who_dies_in_the_handshake)
{
    struct listener listener;

    listener_open(&listener, 8);
    fake_dial(a.loop, listener.address, NULL);
    CHECK(fake_turn_until(has_a_guest, &listener));
    const int guest = listener_accept(&listener);
    CHECK(fake_turn_until(has_greeted, &guest));
    listener_close(&listener);
    close(guest);
    CHECK(fake_turn_until(has_failed, &a));
    CHECK_UINT(a.engine->failure_count, 1);
    CHECK(a.engine->refused[0]);
}

static bool knocks(const void *context)
{
    const struct node *node = context;
    return mcpz_peers_stats(node->peers)->refused_tls == 1;
}

TEST(stops_knocking_at_the_end)
{
    const size_t open = open_descriptors();
    struct listener listener;
    struct node c;

    listener_open(&listener, 0);
    node_init(&c, 3, NULL);
    fake_dial(c.loop, listener.address, NULL);
    CHECK(fake_turn_until(has_a_guest, &listener));
    const int guest = listener_accept(&listener);
    listener_fill(&listener);
    close(guest);
    CHECK(fake_turn_until(knocks, &c));
    CHECK_UINT(c.engine->failure_count, 0);
    node_finish(&c);
    listener_close(&listener);
    CHECK_UINT(open_descriptors(), open);
}

TEST(tells_of_an_address_that_is_none)
{
    fake_dial(a.loop, "127.0.0.1:99999", NULL);
    CHECK(fake_turn_until(has_failed, &a));
    CHECK_TEXT(a.engine->failures[0], "127.0.0.1:99999");
    CHECK(!a.engine->refused[0]);
}

static bool have_all_failed(const void *context)
{
    return a.engine->failure_count == *(const size_t *)context;
}

static_assert(MCPZ_REACHING_MAX + MCPZ_SEEDS_MAX > MCPZ_DIALS_MAX, "some have to wait");

TEST(tells_of_every_one_of_more_dials_than_it_makes_at_once)
{
    const size_t count = MCPZ_REACHING_MAX + MCPZ_SEEDS_MAX;
    char address[32];
    uint16_t port = closed_port();

    for (size_t i = 0; i < count; i++) {
        snprintf(address, sizeof(address), "127.1.%u.%u:%u", (unsigned)(i / 200),
                 (unsigned)(i % 200 + 1), port);
        fake_dial(a.loop, address, NULL);
    }
    CHECK(fake_turn_until(have_all_failed, &count));
    link_them();
    CHECK_UINT(a.engine->failure_count, count);
    for (size_t i = 0; i < count; i++) {
        CHECK(a.engine->refused[i]);
    }
}

TEST(dials_an_address_once_at_a_time)
{
    fake_dial(a.loop, b.address, NULL);
    fake_dial(a.loop, b.address, NULL);
    CHECK(fake_turn_until(are_linked, NULL));
    CHECK_UINT(mcpz_peers_stats(b.peers)->accepted, 1);
}

TEST(tells_of_a_dial_the_engine_has_no_room_for)
{
    a.engine->link_opened_error = MCPZ_EFULL;
    fake_dial(a.loop, b.address, NULL);
    CHECK(fake_turn_until(has_failed, &a));
    CHECK_UINT(a.engine->link_count, 0);
    CHECK_UINT(a.engine->failure_count, 1);
}

/* ---- Frames ------------------------------------------------------------------------------- */

static bool have_frames(const void *context)
{
    size_t count = *(const size_t *)context;
    return a.engine->in_count == count && b.engine->in_count == count;
}

static void check_frame(const struct mcpz_engine *engine, size_t i, const uint8_t *expected,
                        size_t length)
{
    CHECK_UINT(engine->in[i].length, length);
    CHECK(memcmp(engine->in[i].bytes, expected, length) == 0);
}

TEST(frames_arrive_whole_and_in_order_both_ways)
{
    static uint8_t large[MCPZ_FRAME_BYTES_MAX];
    const size_t three = 3;

    for (size_t i = 0; i < sizeof(large); i++) {
        large[i] = (uint8_t)(i * 7 + i / 251);
    }
    link_them();
    struct mcpz_engine *both[] = {a.engine, b.engine};
    for (size_t i = 0; i < 2; i++) {
        fake_send(both[i], 1, "first", 5);
        fake_send(both[i], 1, large, sizeof(large));
        fake_send(both[i], 1, "x", 1);
    }
    CHECK(fake_turn_until(have_frames, &three));
    for (size_t i = 0; i < 2; i++) {
        check_frame(both[i], 0, (const uint8_t *)"first", 5);
        check_frame(both[i], 1, large, sizeof(large));
        check_frame(both[i], 2, (const uint8_t *)"x", 1);
    }
}

TEST(sends_what_waits_before_it_closes)
{
    link_them();
    fake_send(a.engine, 1, "one", 3);
    fake_send(a.engine, 1, "two", 3);
    a.engine->ports.close(a.engine->ports.context, 1, "enough");
    CHECK(fake_turn_until(have_lost_each_other, NULL));
    CHECK_UINT(b.engine->in_count, 2);
    check_frame(b.engine, 1, (const uint8_t *)"two", 3);
}

TEST(closes_a_link_the_engine_closes_while_it_opens)
{
    b.engine->closes_new_links = true;
    fake_dial(a.loop, b.address, NULL);
    CHECK(fake_turn_until(have_lost_each_other, NULL));
}

TEST(drops_a_link_whose_frame_the_engine_refuses)
{
    link_them();
    b.engine->frame_error = MCPZ_EPROTO;
    fake_send(a.engine, 1, "bad", 3);
    CHECK(fake_turn_until(have_lost_each_other, NULL));
    CHECK_UINT(b.engine->in_count, 0);
}

static bool knows_of_a_link(const void *context)
{
    const struct node *node = context;
    return node->engine->link_count == 1;
}

static bool has_lost_it(const void *context)
{
    const struct node *node = context;
    return node->engine->closed_count == 1;
}

TEST(tells_when_the_other_end_is_gone)
{
    struct node c;

    node_init(&c, 3, NULL);
    CHECK_UINT(c.port, 0);
    fake_dial(c.loop, b.address, NULL);
    CHECK(fake_turn_until(knows_of_a_link, &c));
    CHECK(fake_turn_until(knows_of_a_link, &b));
    node_finish(&c);
    CHECK(fake_turn_until(has_lost_it, &b));
}

/* ---- Ports -------------------------------------------------------------------------------- */

static mcpz_error try_to_listen(const char *listen, struct mcpz_peers_trouble *trouble)
{
    const struct mcpz_peers_config config = {.identity = a.identity, .listen = listen};
    struct mcpz_peers *peers;
    uint16_t port;

    mcpz_error error = mcpz_peers_create(a.loop, &config, &peers, &port, trouble);
    CHECK(peers == NULL);
    return error;
}

TEST(names_who_has_the_port)
{
    struct mcpz_peers_trouble trouble;
    char expected[256];

    CHECK(try_to_listen(b.address, &trouble) == MCPZ_ECONFLICT);
    snprintf(expected, sizeof(expected),
             "port %u on 127.0.0.1 is in use by test_peers (pid %d); choose another with "
             "--listen HOST:PORT",
             b.port, (int)getpid());
    CHECK_TEXT(trouble.text, expected);
}

TEST(refuses_an_address_that_is_not_ours)
{
    struct mcpz_peers_trouble trouble;

    CHECK(try_to_listen("192.0.2.1:0", &trouble) == MCPZ_EIO);
    CHECK_TEXT(trouble.text, "cannot listen on 192.0.2.1: it is not an address of this machine; "
                             "0.0.0.0 is all of them");
}

TEST(refuses_what_is_no_address)
{
    struct mcpz_peers_trouble trouble;

    CHECK(try_to_listen("127.0.0.1:port", &trouble) == MCPZ_EIO);
    CHECK_TEXT(trouble.text, "\"127.0.0.1:port\" is not HOST:PORT");
}

#define WITH_NODES(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

TEST_MAIN(WITH_NODES(both_ends_know_who_is_there_and_share_a_binding),
          WITH_NODES(links_to_the_one_it_wanted),
          WITH_NODES(refuses_another_than_the_one_it_wanted), WITH_NODES(refuses_itself),
          WITH_NODES(finds_a_node_by_name),
          WITH_NODES(is_not_sent_to_the_proxy_of_the_environment),
          WITH_NODES(tells_once_that_nobody_listens),
          WITH_NODES(is_not_refused_by_who_ends_the_handshake),
          WITH_NODES(is_refused_by_who_dies_in_the_handshake),
          WITH_NODES(stops_knocking_at_the_end), WITH_NODES(tells_of_an_address_that_is_none),
          WITH_NODES(tells_of_every_one_of_more_dials_than_it_makes_at_once),
          WITH_NODES(dials_an_address_once_at_a_time),
          WITH_NODES(tells_of_a_dial_the_engine_has_no_room_for),
          WITH_NODES(frames_arrive_whole_and_in_order_both_ways),
          WITH_NODES(sends_what_waits_before_it_closes),
          WITH_NODES(closes_a_link_the_engine_closes_while_it_opens),
          WITH_NODES(drops_a_link_whose_frame_the_engine_refuses),
          WITH_NODES(tells_when_the_other_end_is_gone), WITH_NODES(names_who_has_the_port),
          WITH_NODES(refuses_an_address_that_is_not_ours), WITH_NODES(refuses_what_is_no_address))
