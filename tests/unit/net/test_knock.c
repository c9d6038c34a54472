/* What a knock hears: at a port that is closed, open, or silent. */

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake_engine.h"
#include "listener.h"
#include "net/knock.h"
#include "test.h"

struct heard {
    size_t count;
    enum mcpz_knock_answer answer;
};

static struct mcpz_knock knock;
static struct heard heard;
static size_t open_before;

static int set_up(void **state)
{
    (void)state;
    /* The loop's own descriptors are there for good. */
    CHECK(ev_default_loop(0) != NULL);
    knock = (struct mcpz_knock){.context = NULL};
    heard = (struct heard){.count = 0};
    open_before = open_descriptors();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    CHECK_UINT(open_descriptors(), open_before);
    return 0;
}

static void on_answer(void *context, enum mcpz_knock_answer answer)
{
    struct heard *hearer = context;

    hearer->count++;
    hearer->answer = answer;
}

static bool is_answered(const void *context)
{
    const struct heard *hearer = context;
    return hearer->count > 0;
}

static void knock_at(const char *host, uint16_t port)
{
    mcpz_knock_begin(&knock, ev_default_loop(0), host, port, on_answer, &heard);
}

static void check_answer(enum mcpz_knock_answer answer)
{
    CHECK(fake_turn_until(is_answered, &heard));
    CHECK_UINT(heard.count, 1);
    CHECK_UINT(heard.answer, answer);
}

TEST(is_refused_where_nobody_listens)
{
    knock_at("127.0.0.1", closed_port());
    check_answer(MCPZ_KNOCK_REFUSED);
}

TEST(opens_where_somebody_listens_and_goes_at_once)
{
    struct listener listener;
    char byte;

    listener_open(&listener, 8);
    knock_at("127.0.0.1", listener.port);
    check_answer(MCPZ_KNOCK_OPEN);
    int guest = listener_accept(&listener);
    CHECK(guest >= 0);
    CHECK_UINT(recv(guest, &byte, 1, 0), 0);
    close(guest);
    listener_close(&listener);
}

TEST(does_not_know_where_nobody_answers)
{
    struct listener listener;

    listener_open(&listener, 0);
    listener_fill(&listener);
    knock_at("127.0.0.1", listener.port);
    CHECK_UINT(heard.count, 0);
    check_answer(MCPZ_KNOCK_UNKNOWN);
    listener_close(&listener);
}

TEST(does_not_know_what_is_no_numeric_address)
{
    knock_at("localhost", closed_port());
    check_answer(MCPZ_KNOCK_UNKNOWN);
}

TEST(does_not_know_without_a_descriptor)
{
    const uint16_t port = closed_port();
    struct rlimit limit;

    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    const struct rlimit none = {.rlim_cur = 0, .rlim_max = limit.rlim_max};
    CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
    knock_at("127.0.0.1", port);
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    check_answer(MCPZ_KNOCK_UNKNOWN);
}

TEST(says_nothing_once_cancelled)
{
    struct mcpz_knock other = {.context = NULL};
    struct heard by_other = {.count = 0};
    struct listener listener;

    listener_open(&listener, 0);
    listener_fill(&listener);
    knock_at("127.0.0.1", listener.port);
    mcpz_knock_cancel(&knock);
    mcpz_knock_cancel(&knock);
    /* One that began later has its answer. */
    mcpz_knock_begin(&other, ev_default_loop(0), "127.0.0.1", listener.port, on_answer, &by_other);
    CHECK(fake_turn_until(is_answered, &by_other));
    CHECK_UINT(heard.count, 0);
    listener_close(&listener);
}

#define KNOCKING(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

TEST_MAIN(KNOCKING(is_refused_where_nobody_listens),
          KNOCKING(opens_where_somebody_listens_and_goes_at_once),
          KNOCKING(does_not_know_where_nobody_answers),
          KNOCKING(does_not_know_what_is_no_numeric_address),
          KNOCKING(does_not_know_without_a_descriptor), KNOCKING(says_nothing_once_cancelled))
