#include "client/library.h"

#include <assert.h>
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

#include "proto/call_msg.h"
#include "proto/code.h"

#define SOCKET_NAME "mcpz.calls.sock"
#define READ_BYTES 65536
#define OPEN_PATIENCE_MS 10000 /* for the node's HELLO */

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

/* ---- Opening and closing ------------------------------------------------------------------ */

static mcpz_error make(struct mcpz_client **client)
{
    struct mcpz_client *made = calloc(1, sizeof(*made));
    size_t size =
        mcpz_index_bytes(MCPZ_CLIENT_CALLS_MAX) + mcpz_index_bytes(MCPZ_CLIENT_TASKS_MAX);
    struct mcpz_arena arena;

    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    made->fd = -1;
    mcpz_stream_init(&made->in, 2 * MCPZ_STREAM_BYTES_FIRST);
    mcpz_stream_init(&made->out, MCPZ_CLIENT_OUT_BYTES_MAX);
    made->asked = calloc(MCPZ_CLIENT_CALLS_MAX, sizeof(made->asked[0]));
    made->doing = calloc(MCPZ_CLIENT_TASKS_MAX, sizeof(made->doing[0]));
    made->memory = malloc(size);
    if (made->asked == NULL || made->doing == NULL || made->memory == NULL) {
        mcpz_client_close(made);
        return MCPZ_ENOMEM;
    }
    mcpz_arena_init(&arena, made->memory, size);
    mcpz_index_init(&made->asked_by_id, MCPZ_CLIENT_CALLS_MAX, 0, &arena);
    mcpz_index_init(&made->doing_by_id, MCPZ_CLIENT_TASKS_MAX, 0, &arena);
    mcpz_client_asked_init(made);
    mcpz_client_doing_init(made);
    *client = made;
    return MCPZ_OK;
}

static mcpz_error greet(struct mcpz_client *client)
{
    mcpz_error error =
        mcpz_client_put(client, &(struct mcpz_msg){.kind = MCPZ_MSG_HELLO,
                                                   .hello = {.version_min = MCPZ_PROTOCOL_MIN,
                                                             .version_max = MCPZ_PROTOCOL_MAX}});

    while (error == MCPZ_OK && !client->greeted) {
        error = mcpz_client_work(client, OPEN_PATIENCE_MS);
    }
    return error;
}

mcpz_error mcpz_client_open(const char *data, struct mcpz_client **client)
{
    struct mcpz_client *made = NULL;
    struct sockaddr_un address;

    *client = NULL;
    mcpz_error error = find_node(data, &address);
    if (error == MCPZ_OK) {
        error = make(&made);
    }
    if (error == MCPZ_OK) {
        error = connect_to(&address, &made->fd);
    }
    if (error == MCPZ_OK) {
        error = greet(made);
    }
    if (error != MCPZ_OK) {
        mcpz_client_close(made);
        return error;
    }
    *client = made;
    return MCPZ_OK;
}

void mcpz_client_close(struct mcpz_client *client)
{
    if (client == NULL) {
        return;
    }
    if (client->fd >= 0) {
        (void)close(client->fd);
    }
    mcpz_stream_finish(&client->in);
    mcpz_stream_finish(&client->out);
    free(client->asked);
    free(client->doing);
    free(client->offers);
    free(client->memory);
    free(client);
}

int mcpz_client_fd(const struct mcpz_client *client)
{
    return client->fd;
}

bool mcpz_client_wants_to_write(const struct mcpz_client *client)
{
    return client->out.length > 0;
}

const char *mcpz_client_code(uint32_t code)
{
    return mcpz_code_word(code);
}

mcpz_error mcpz_client_put(struct mcpz_client *client, const struct mcpz_msg *msg)
{
    return client->broken ? MCPZ_EIO : mcpz_stream_put(&client->out, msg);
}

/* ---- Messages ----------------------------------------------------------------------------- */

static mcpz_error take_hello(struct mcpz_client *client, const struct mcpz_msg_hello *hello)
{
    client->greeted = true;
    return hello->version_min > MCPZ_PROTOCOL_MAX || hello->version_max < MCPZ_PROTOCOL_MIN
               ? MCPZ_EVERSION
               : MCPZ_OK;
}

static mcpz_error take_refusal(const struct mcpz_msg_refuse *refuse)
{
    switch (refuse->code) {
    case MCPZ_CODE_CONFLICT:
        return MCPZ_ECONFLICT;
    case MCPZ_CODE_LIMIT:
        return MCPZ_EFULL;
    case MCPZ_CODE_VERSION:
        return MCPZ_EVERSION;
    default:
        return MCPZ_EPROTO;
    }
}

static mcpz_error take(struct mcpz_client *client, const struct mcpz_msg *msg)
{
    switch ((int)msg->kind) {
    case MCPZ_MSG_HELLO:
        return take_hello(client, &msg->hello);
    case MCPZ_MSG_REFUSE:
        return take_refusal(&msg->refuse);
    case MCPZ_MSG_OPEN:
        return mcpz_client_begin(client, &msg->open);
    case MCPZ_MSG_DATA:
    case MCPZ_MSG_END:
    case MCPZ_MSG_FAIL:
    case MCPZ_MSG_CANCEL:
    case MCPZ_MSG_CREDIT:
        if (mcpz_msg_is_from_caller(msg)) { /* it is about a task of ours */
            mcpz_client_demanded(client, msg);
        } else {
            mcpz_client_answered(client, msg);
        }
        return MCPZ_OK;
    default:
        return MCPZ_OK; /* of a later version */
    }
}

static mcpz_error take_all(struct mcpz_client *client)
{
    struct mcpz_bytes message;
    struct mcpz_arena arena;
    struct mcpz_msg msg;
    mcpz_error error;

    while ((error = mcpz_stream_next(&client->in, &message)) == MCPZ_OK) {
        mcpz_arena_init(&arena, client->arena, sizeof(client->arena));
        error = mcpz_msg_decode(message, &arena, &msg);
        if (error == MCPZ_OK) {
            error = take(client, &msg);
        }
        if (error != MCPZ_OK) {
            return error;
        }
        mcpz_stream_drop(&client->in, MCPZ_STREAM_HEADER_BYTES + message.length);
    }
    return error == MCPZ_ENOTFOUND ? MCPZ_OK : error;
}

/* ---- Bytes -------------------------------------------------------------------------------- */

static mcpz_error flush(struct mcpz_client *client)
{
    struct mcpz_bytes waiting = mcpz_stream_peek(&client->out);

    while (waiting.length > 0) {
        ssize_t sent = send(client->fd, waiting.data, waiting.length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EAGAIN) {
            return MCPZ_OK;
        }
        if (sent < 0 && errno != EINTR) {
            return MCPZ_EIO;
        }
        if (sent > 0) {
            mcpz_stream_drop(&client->out, (size_t)sent);
        }
        waiting = mcpz_stream_peek(&client->out);
    }
    return MCPZ_OK;
}

/* MCPZ_ENOTFOUND: nothing has come. */
static mcpz_error receive(struct mcpz_client *client)
{
    uint8_t *room;
    mcpz_error error = mcpz_stream_room(&client->in, READ_BYTES, &room);

    if (error != MCPZ_OK) {
        return error;
    }
    ssize_t got = recv(client->fd, room, READ_BYTES, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return MCPZ_ENOTFOUND;
    }
    if (got <= 0) {
        return MCPZ_EIO;
    }
    mcpz_stream_added(&client->in, (size_t)got);
    return MCPZ_OK;
}

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Send and wait until something has come. MCPZ_ENOTFOUND: it has not, in time. */
static mcpz_error wait_for_it(struct mcpz_client *client, int timeout_ms)
{
    int64_t until_ms = timeout_ms > 0 ? now_ms() + timeout_ms : 0;
    int left_ms = timeout_ms;

    for (;;) {
        mcpz_error error = flush(client);
        error = error == MCPZ_OK ? receive(client) : error;
        if (error != MCPZ_ENOTFOUND || left_ms == 0) {
            return error;
        }
        struct pollfd ready = {
            .fd = client->fd,
            .events = (short)(POLLIN | (client->out.length > 0 ? POLLOUT : 0)),
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

static mcpz_error exchange(struct mcpz_client *client, int timeout_ms)
{
    mcpz_error error = wait_for_it(client, timeout_ms);

    if (error == MCPZ_OK) {
        error = take_all(client);
    }
    /* What the callbacks asked for goes out now, not when something else comes. */
    return error == MCPZ_OK ? flush(client) : error;
}

mcpz_error mcpz_client_work(struct mcpz_client *client, int timeout_ms)
{
    assert(!client->working);

    if (client->broken) {
        return MCPZ_EIO;
    }
    client->working = true;
    mcpz_error error = exchange(client, timeout_ms);
    if (error == MCPZ_ENOTFOUND) {
        error = MCPZ_ETIMEOUT;
    } else if (error != MCPZ_OK) {
        client->broken = true;
        mcpz_client_asked_lost(client);
    }
    client->working = false;
    return error;
}
