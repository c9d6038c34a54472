/* Real sockets, on a path of our own; the loop is turned by hand. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "host/acceptor.h"
#include "host/socket_path.h"
#include "test.h"

#define GUESTS_MAX 64

static char directory[] = "/tmp/mcpz-acceptor-XXXXXX";
static struct mcpz_socket_path path;
static struct mcpz_acceptor acceptor;
static int guests[GUESTS_MAX];
static size_t guest_count;

static void welcome(void *context, int fd)
{
    CHECK(context == &acceptor);
    CHECK(guest_count < GUESTS_MAX);
    guests[guest_count++] = fd;
}

static int set_up(void **state)
{
    (void)state;
    memcpy(strrchr(directory, '-') + 1, "XXXXXX", 6);
    CHECK(mkdtemp(directory) != NULL);
    CHECK(mcpz_socket_path_choose(directory, "s", &path) == MCPZ_OK);
    acceptor = (struct mcpz_acceptor){.ev = ev_loop_new(EVFLAG_AUTO),
                                      .fd = mcpz_socket_path_listen(&path),
                                      .module = "test",
                                      .guest = welcome,
                                      .context = &acceptor};
    CHECK(acceptor.ev != NULL && acceptor.fd >= 0);
    mcpz_acceptor_start(&acceptor);
    guest_count = 0;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    mcpz_acceptor_close(&acceptor);
    mcpz_acceptor_close(&acceptor);
    for (size_t i = 0; i < guest_count; i++) {
        (void)close(guests[i]);
    }
    ev_loop_destroy(acceptor.ev);
    mcpz_socket_path_remove(&path);
    CHECK(rmdir(directory) == 0);
    return 0;
}

static int knock(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    CHECK(fd >= 0);
    memcpy(address.sun_path, path.path, sizeof(path.path));
    CHECK(connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
    return fd;
}

/* So many descriptors and no more. */
static void limit_to(rlim_t descriptors)
{
    struct rlimit limit;

    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = descriptors;
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

TEST(guests_are_let_in_and_a_round_has_a_bound)
{
    int clients[MCPZ_ACCEPTS_MAX + 1];

    for (size_t i = 0; i <= MCPZ_ACCEPTS_MAX; i++) {
        clients[i] = knock();
    }
    ev_run(acceptor.ev, EVRUN_NOWAIT);
    CHECK_UINT(guest_count, MCPZ_ACCEPTS_MAX);
    ev_run(acceptor.ev, EVRUN_NOWAIT);
    CHECK_UINT(guest_count, MCPZ_ACCEPTS_MAX + 1);
    for (size_t i = 0; i <= MCPZ_ACCEPTS_MAX; i++) {
        (void)close(clients[i]);
    }
}

TEST(without_descriptors_it_waits_instead_of_spinning)
{
    struct rlimit before;
    int client = knock();
    int next = dup(client); /* the lowest that is free */

    CHECK(next >= 0 && getrlimit(RLIMIT_NOFILE, &before) == 0);
    (void)close(next);
    limit_to((rlim_t)next);
    ev_run(acceptor.ev, EVRUN_NOWAIT);
    limit_to(before.rlim_cur);

    CHECK_UINT(guest_count, 0);
    CHECK(!ev_is_active(&acceptor.watcher));
    while (guest_count == 0) {
        ev_run(acceptor.ev, EVRUN_ONCE);
    }
    CHECK_UINT(guest_count, 1);
    (void)close(client);
}

TEST(who_has_gone_again_costs_nothing)
{
    (void)close(knock());
    int client = knock();

    ev_run(acceptor.ev, EVRUN_NOWAIT);
    CHECK(guest_count >= 1);
    CHECK(ev_is_active(&acceptor.watcher));
    (void)close(client);
}

TEST(a_socket_is_its_owner_s_alone_and_replaces_what_a_crash_left)
{
    struct stat made;

    CHECK(stat(path.path, &made) == 0);
    CHECK_UINT(made.st_mode & 0777, 0600);
    int again = mcpz_socket_path_listen(&path);
    CHECK(again >= 0);
    (void)close(again);
}

#define WITH_SOCKET(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

TEST_MAIN(WITH_SOCKET(guests_are_let_in_and_a_round_has_a_bound),
          WITH_SOCKET(without_descriptors_it_waits_instead_of_spinning),
          WITH_SOCKET(who_has_gone_again_costs_nothing),
          WITH_SOCKET(a_socket_is_its_owner_s_alone_and_replaces_what_a_crash_left))
