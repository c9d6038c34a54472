/* A client whose node is another process: messages over its Unix socket. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "client/library.h"
#include "wire/codec.h"
#include "wire/stream.h"

#define SOCKET_NAME "mcpz.calls.sock"
#define READ_BYTES 65536
#define OPEN_PATIENCE_MS 10000 /* for the node's HELLO */

struct mcpz_client_socket {
    struct mcpz_client *client;
    int fd;
    struct mcpz_stream in;
    struct mcpz_stream out;
    _Alignas(16) uint8_t arena[MCPZ_MSG_ARENA_BYTES];
};

/* ---- Finding the node --------------------------------------------------------------------- */

/* What DATA/NAME.path says, for paths longer than a socket's address can be. */
static bool read_pointer(const char *data, struct sockaddr_un *address)
{
    char pointer[4096];
    int length = snprintf(pointer, sizeof(pointer), "%s/" SOCKET_NAME ".path", data);

    if (length < 0 || (size_t)length >= sizeof(pointer)) {
        return false;
    }
    int file = open(pointer, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return false;
    }
    ssize_t got = read(file, address->sun_path, sizeof(address->sun_path) - 1);
    (void)close(file);
    if (got <= 0) {
        return false;
    }
    address->sun_path[got] = '\0';
    address->sun_path[strcspn(address->sun_path, "\r\n")] = '\0';
    return true;
}

static mcpz_error find_node(const char *data, struct sockaddr_un *address)
{
    const char *set = getenv("MCPZ_DATA");

    if (data == NULL) {
        data = set != NULL && *set != '\0' ? set : "./var";
    }
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    int length = snprintf(address->sun_path, sizeof(address->sun_path), "%s/" SOCKET_NAME, data);
    bool fits = length > 0 && (size_t)length < sizeof(address->sun_path);
    if (fits && access(address->sun_path, F_OK) == 0) {
        return MCPZ_OK;
    }
    return read_pointer(data, address) ? MCPZ_OK : MCPZ_ENOTFOUND;
}

static mcpz_error connect_to(const struct sockaddr_un *address, int *fd)
{
    *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*fd < 0) {
        return MCPZ_EIO;
    }
    if (connect(*fd, (const struct sockaddr *)address, sizeof(*address)) == 0 &&
        fcntl(*fd, F_SETFL, O_NONBLOCK) == 0) {
        return MCPZ_OK;
    }
    int reason = errno;
    (void)close(*fd);
    *fd = -1;
    return reason == ECONNREFUSED || reason == ENOENT ? MCPZ_ENOTFOUND : MCPZ_EIO;
}

/* ---- Bytes -------------------------------------------------------------------------------- */

static mcpz_error flush(struct mcpz_client_socket *socket)
{
    struct mcpz_bytes waiting = mcpz_stream_peek(&socket->out);

    while (waiting.length > 0) {
        ssize_t sent = send(socket->fd, waiting.data, waiting.length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            return MCPZ_OK;
        }
        if (sent < 0 && errno != EINTR) {
            return MCPZ_EIO;
        }
        if (sent > 0) {
            mcpz_stream_drop(&socket->out, (size_t)sent);
        }
        waiting = mcpz_stream_peek(&socket->out);
    }
    return MCPZ_OK;
}

/* MCPZ_ENOTFOUND: nothing has come. */
static mcpz_error receive(struct mcpz_client_socket *socket)
{
    uint8_t *room;
    mcpz_error error = mcpz_stream_room(&socket->in, READ_BYTES, &room);

    if (error != MCPZ_OK) {
        return error;
    }
    ssize_t got = recv(socket->fd, room, READ_BYTES, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return MCPZ_ENOTFOUND;
    }
    if (got <= 0) {
        return MCPZ_EIO;
    }
    mcpz_stream_added(&socket->in, (size_t)got);
    return MCPZ_OK;
}

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Send and wait until something has come. MCPZ_ENOTFOUND: it has not, in time. */
static mcpz_error wait_for_it(struct mcpz_client_socket *socket, int timeout_ms)
{
    int64_t until_ms = timeout_ms > 0 ? now_ms() + timeout_ms : 0;
    int left_ms = timeout_ms;

    for (;;) {
        mcpz_error error = flush(socket);
        error = error == MCPZ_OK ? receive(socket) : error;
        if (error != MCPZ_ENOTFOUND || left_ms == 0) {
            return error;
        }
        struct pollfd ready = {
            .fd = socket->fd,
            .events = (short)(POLLIN | (socket->out.length > 0 ? POLLOUT : 0)),
        };
        if (poll(&ready, 1, left_ms) < 0 && errno != EINTR) {
            return MCPZ_EIO;
        }
        if (timeout_ms > 0) {
            int64_t left = until_ms - now_ms();
            left_ms = left > 0 ? (int)left : 0;
        }
    }
}

/* ---- Carrying ----------------------------------------------------------------------------- */

static mcpz_error take_all(struct mcpz_client_socket *socket)
{
    struct mcpz_bytes message;
    struct mcpz_arena arena;
    struct mcpz_msg msg;
    mcpz_error error;

    while ((error = mcpz_stream_next(&socket->in, &message)) == MCPZ_OK) {
        mcpz_arena_init(&arena, socket->arena, sizeof(socket->arena));
        error = mcpz_msg_decode(message, &arena, &msg);
        if (error == MCPZ_OK) {
            error = mcpz_client_take(socket->client, &msg);
        }
        if (error != MCPZ_OK) {
            return error;
        }
        mcpz_stream_drop(&socket->in, MCPZ_STREAM_HEADER_BYTES + message.length);
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

static mcpz_error put(void *context, const struct mcpz_msg *msg)
{
    struct mcpz_client_socket *socket = context;
    return mcpz_stream_put(&socket->out, msg);
}

static mcpz_error exchange(void *context, int timeout_ms)
{
    struct mcpz_client_socket *socket = context;
    mcpz_error error = wait_for_it(socket, timeout_ms);

    if (error == MCPZ_OK) {
        error = take_all(socket);
    }
    /* What the callbacks asked for goes out now, not when something else comes. */
    return error == MCPZ_OK ? flush(socket) : error;
}

static bool has_waiting(const void *context)
{
    const struct mcpz_client_socket *socket = context;
    return socket->out.length > 0;
}

static void close_socket(void *context)
{
    struct mcpz_client_socket *socket = context;

    if (socket->fd >= 0) {
        (void)close(socket->fd);
    }
    mcpz_stream_finish(&socket->in);
    mcpz_stream_finish(&socket->out);
    free(socket);
}

/* ---- Opening ------------------------------------------------------------------------------ */

static mcpz_error make(const struct sockaddr_un *address, struct mcpz_client_socket **socket)
{
    struct mcpz_client_socket *made = calloc(1, sizeof(*made));

    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    mcpz_stream_init(&made->in, 2 * MCPZ_STREAM_BYTES_FIRST);
    mcpz_stream_init(&made->out, MCPZ_CLIENT_OUT_BYTES_MAX);
    mcpz_error error = connect_to(address, &made->fd);
    if (error != MCPZ_OK) {
        close_socket(made);
        return error;
    }
    *socket = made;
    return MCPZ_OK;
}

static mcpz_error carry(struct mcpz_client_socket *socket, struct mcpz_client **client)
{
    const struct mcpz_client_carrier carrier = {
        .context = socket,
        .fd = socket->fd,
        .put = put,
        .exchange = exchange,
        .has_waiting = has_waiting,
        .close = close_socket,
    };

    mcpz_error error = mcpz_client_create(&carrier, &socket->client);
    if (error != MCPZ_OK) {
        close_socket(socket);
        return error;
    }
    *client = socket->client;
    return MCPZ_OK;
}

/* Say HELLO, and wait for the node's. */
static mcpz_error meet(struct mcpz_client *client)
{
    mcpz_error error = mcpz_client_greet(client);

    while (error == MCPZ_OK && !client->greeted) {
        error = mcpz_client_work(client, OPEN_PATIENCE_MS);
    }
    return error;
}

mcpz_error mcpz_client_open(const char *data, struct mcpz_client **client)
{
    struct mcpz_client_socket *socket = NULL;
    struct mcpz_client *made = NULL;
    struct sockaddr_un address;

    *client = NULL;
    mcpz_error error = find_node(data, &address);
    if (error == MCPZ_OK) {
        error = make(&address, &socket);
    }
    if (error == MCPZ_OK) {
        error = carry(socket, &made);
    }
    if (error == MCPZ_OK) {
        error = meet(made);
    }
    if (error != MCPZ_OK) {
        mcpz_client_close(made);
        return error;
    }
    *client = made;
    return MCPZ_OK;
}
