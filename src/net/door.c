#include "net/door.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/acceptor.h"
#include "host/config.h"
#include "net/owner.h"

/* Given up when sent bytes are not acknowledged for so long. */
#define USER_TIMEOUT_MS 10000

/* Bytes the kernel may hold unsent before we are asked for more: what is queued there can no
 * longer be overtaken by a heartbeat. */
#define UNSENT_BYTES_MAX 131072

struct mcpz_door {
    struct mcpz_acceptor acceptor;
    mcpz_door_guest guest;
    void *context;
};

/* ---- Opening ------------------------------------------------------------------------------ */

struct complaint {
    char *text;
    size_t bytes;
    const char *host;
    uint16_t port;
};

static mcpz_error complain(const struct complaint *complaint, int reason)
{
    struct mcpz_owner owner;
    mcpz_error error = reason == EADDRINUSE ? MCPZ_ECONFLICT : MCPZ_EIO;

    if (reason == EADDRINUSE && mcpz_owner_of_port(complaint->port, &owner)) {
        snprintf(complaint->text, complaint->bytes,
                 "port %u on %s is in use by %s (pid %d); choose another with --listen HOST:PORT",
                 complaint->port, complaint->host, owner.name, (int)owner.pid);
    } else if (reason == EADDRINUSE) {
        snprintf(complaint->text, complaint->bytes,
                 "port %u on %s is in use by another process; choose another with "
                 "--listen HOST:PORT",
                 complaint->port, complaint->host);
    } else if (reason == EADDRNOTAVAIL) {
        snprintf(complaint->text, complaint->bytes,
                 "cannot listen on %s: it is not an address of this machine; 0.0.0.0 is all of "
                 "them",
                 complaint->host);
    } else if (reason == EACCES) {
        snprintf(complaint->text, complaint->bytes,
                 "port %u on %s may not be used by this user; ports from 1024 up may",
                 complaint->port, complaint->host);
    } else {
        snprintf(complaint->text, complaint->bytes, "cannot listen on port %u of %s: %s",
                 complaint->port, complaint->host, strerror(reason));
    }
    return error;
}

/* Returns the socket, or -1 with errno. */
static int listen_on(const struct addrinfo *address)
{
    const int yes = 1;
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        return -1;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == 0 &&
        bind(fd, address->ai_addr, address->ai_addrlen) == 0 &&
        listen(fd, MCPZ_DOOR_BACKLOG) == 0) {
        return fd;
    }
    int reason = errno;
    close(fd);
    errno = reason;
    return -1;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof(address);
    char digits[8];

    if (getsockname(fd, (struct sockaddr *)&address, &length) != 0 ||
        getnameinfo((struct sockaddr *)&address, length, NULL, 0, digits, sizeof(digits),
                    NI_NUMERICSERV) != 0) {
        return 0;
    }
    return (uint16_t)strtoul(digits, NULL, 10);
}

static mcpz_error open_socket(const char *listen, int *fd, char *trouble, size_t trouble_bytes)
{
    const struct addrinfo hints = {
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_PASSIVE,
    };
    struct addrinfo *addresses;
    char host[MCPZ_ADDRESS_BYTES_MAX + 1];
    char digits[8];
    uint16_t port;

    if (mcpz_address_split(listen, MCPZ_PORT_DEFAULT, host, &port) != MCPZ_OK) {
        snprintf(trouble, trouble_bytes, "\"%.300s\" is not HOST:PORT", listen);
        return MCPZ_EIO;
    }
    snprintf(digits, sizeof(digits), "%u", port);
    /* No host: all addresses. */
    int failed = getaddrinfo(host[0] == '\0' ? NULL : host, digits, &hints, &addresses);
    if (failed != 0) {
        snprintf(trouble, trouble_bytes, "cannot listen on %s: %s", host, gai_strerror(failed));
        return MCPZ_EIO;
    }
    *fd = listen_on(addresses);
    int reason = errno;
    freeaddrinfo(addresses);
    if (*fd < 0) {
        const struct complaint complaint = {
            .text = trouble, .bytes = trouble_bytes, .host = host, .port = port};
        return complain(&complaint, reason);
    }
    return MCPZ_OK;
}

/* ---- Letting in --------------------------------------------------------------------------- */

void mcpz_door_set_options(int fd)
{
    const int yes = 1;
    const int patience_ms = USER_TIMEOUT_MS;
    const int unsent = UNSENT_BYTES_MAX;

    /* Each only makes things better: a kernel that knows one of them not is no reason to stop. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience_ms, sizeof(patience_ms));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
}

static void welcome(void *context, int fd)
{
    struct mcpz_door *door = context;

    mcpz_door_set_options(fd);
    door->guest(door->context, fd);
}

mcpz_error mcpz_door_open(struct ev_loop *ev, const char *listen, struct mcpz_door **door,
                          uint16_t *port, char *trouble, size_t trouble_bytes)
{
    *door = NULL;
    struct mcpz_door *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        snprintf(trouble, trouble_bytes, "out of memory");
        return MCPZ_ENOMEM;
    }
    made->acceptor = (struct mcpz_acceptor){
        .ev = ev, .fd = -1, .module = "net", .guest = welcome, .context = made};
    mcpz_error error = open_socket(listen, &made->acceptor.fd, trouble, trouble_bytes);
    if (error != MCPZ_OK) {
        free(made);
        return error;
    }
    *port = port_of(made->acceptor.fd);
    *door = made;
    return MCPZ_OK;
}

void mcpz_door_unlock(struct mcpz_door *door, mcpz_door_guest guest, void *context)
{
    assert(door->guest == NULL);

    door->guest = guest;
    door->context = context;
    mcpz_acceptor_start(&door->acceptor);
}

void mcpz_door_close(struct mcpz_door *door)
{
    if (door == NULL) {
        return;
    }
    mcpz_acceptor_close(&door->acceptor);
    free(door);
}
