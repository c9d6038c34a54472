#include "listener.h"

#include <dirent.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test.h"

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_addr = {htonl(INADDR_LOOPBACK)},
        .sin_port = htons(port),
    };
}

static int bound_socket(uint16_t *port)
{
    struct sockaddr_in address = loopback(0);
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    CHECK(bind(fd, (struct sockaddr *)&address, length) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)&address, &length) == 0);
    *port = ntohs(address.sin_port);
    return fd;
}

uint16_t closed_port(void)
{
    uint16_t port;

    close(bound_socket(&port));
    return port;
}

void listener_open(struct listener *listener, int backlog)
{
    *listener = (struct listener){.filler_count = 0};
    listener->fd = bound_socket(&listener->port);
    CHECK(listen(listener->fd, backlog) == 0);
    snprintf(listener->address, sizeof(listener->address), "127.0.0.1:%u", listener->port);
}

void listener_close(struct listener *listener)
{
    for (size_t i = 0; i < listener->filler_count; i++) {
        close(listener->fillers[i]);
    }
    close(listener->fd);
}

static bool is_ready(int fd, short events)
{
    struct pollfd watched = {.fd = fd, .events = events};

    return poll(&watched, 1, 0) == 1;
}

bool has_bytes(int fd)
{
    return is_ready(fd, POLLIN);
}

bool listener_has_guest(const struct listener *listener)
{
    return has_bytes(listener->fd);
}

int listener_accept(const struct listener *listener)
{
    return accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
}

void listener_hang_up(const struct listener *listener)
{
    for (int guest = listener_accept(listener); guest >= 0; guest = listener_accept(listener)) {
        close(guest);
    }
}

void listener_fill(struct listener *listener)
{
    const struct sockaddr_in address = loopback(listener->port);
    bool is_full = false;

    while (!is_full) {
        CHECK(listener->filler_count < LISTENER_FILLERS);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        listener->fillers[listener->filler_count++] = fd;
        CHECK(connect(fd, (const struct sockaddr *)&address, sizeof(address)) != 0);
        /* On loopback the kernel connects before it returns, or drops what came. */
        is_full = !is_ready(fd, POLLOUT);
    }
}

size_t open_descriptors(void)
{
    size_t count = 0;
    DIR *directory = opendir("/proc/self/fd");

    CHECK(directory != NULL);
    while (readdir(directory) != NULL) {
        count++;
    }
    closedir(directory);
    return count;
}
