#include "cli/client.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/interrupt.h"
#include "cli/spool.h"

#define CHUNK_BYTES 65536
#define BUSY_WAIT_MS 20 /* between two tries when the node's backlog is full */
#define SLICE_MS 250
#define LENGTH_UNKNOWN UINT64_MAX

static_assert(sizeof(((struct sockaddr_un *)0)->sun_path) == MCPZ_SOCKET_PATH_BYTES,
              "a path that fits here fits the address");

struct exchange {
    int socket;
    const struct mcpz_client_request *request;
    struct mcpz_client_answer *answer;
    struct mcpz_trouble *trouble;

    char head[MCPZ_ANSWER_HEAD_BYTES_MAX + 1]; /* and what came of the body with it */
    size_t head_length;                        /* up to and with the empty line */
    size_t head_filled;
    uint64_t expected; /* bytes of the body; LENGTH_UNKNOWN: until the connection ends */
    size_t room;       /* of answer->body */
    bool answered;     /* the answer began before all was sent */
};

/* ---- Waiting ------------------------------------------------------------------------------ */

/*
 * Waits in slices: a Ctrl-C that comes just before poll() would otherwise be noticed only when
 * something moves.
 */
static mcpz_error wait_for(struct exchange *exchange, short events, short *ready)
{
    struct pollfd poller = {.fd = exchange->socket, .events = events};
    uint32_t patience_ms = exchange->request->patience_ms;
    uint32_t waited_ms = 0;

    while (!mcpz_interrupt_came()) {
        uint32_t left_ms = patience_ms - waited_ms;
        uint32_t slice_ms = left_ms < SLICE_MS ? left_ms : SLICE_MS;
        int count = poll(&poller, 1, (int)slice_ms);
        if (count > 0) {
            *ready = poller.revents;
            return MCPZ_OK;
        }
        waited_ms += count == 0 ? slice_ms : 0;
        if (count == 0 && waited_ms == patience_ms) {
            mcpz_trouble_say(exchange->trouble, "the node did not answer for %" PRIu32 " ms",
                             patience_ms);
            return MCPZ_ETIMEOUT;
        }
        if (count < 0 && errno != EINTR) {
            mcpz_trouble_say(exchange->trouble, "cannot wait for the node: %s", strerror(errno));
            return MCPZ_EIO;
        }
    }
    mcpz_trouble_say(exchange->trouble, "interrupted");
    return MCPZ_EIO;
}

/* ---- Connecting --------------------------------------------------------------------------- */

static mcpz_error refuse_connect(struct exchange *exchange, const char *path, int why)
{
    switch (why) {
    case ENOENT:
    case ECONNREFUSED:
    case ENOTDIR:
        mcpz_trouble_say(exchange->trouble, "nobody listens on %s", path);
        return MCPZ_ENOTFOUND;
    case EACCES:
    case EPERM:
        mcpz_trouble_say(exchange->trouble,
                         "no permission for %s: run this as the user the node runs as", path);
        return MCPZ_EAUTH;
    default:
        mcpz_trouble_say(exchange->trouble, "cannot connect to %s: %s", path, strerror(why));
        return MCPZ_EIO;
    }
}

static mcpz_error connect_to(struct exchange *exchange, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    uint32_t waited_ms = 0;

    if (length >= sizeof(address.sun_path)) {
        return refuse_connect(exchange, path, ENOENT);
    }
    memcpy(address.sun_path, path, length + 1);
    exchange->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (exchange->socket < 0) {
        return refuse_connect(exchange, path, errno);
    }
    while (connect(exchange->socket, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        if (errno != EAGAIN && errno != EINTR) {
            return refuse_connect(exchange, path, errno);
        }
        if (waited_ms >= exchange->request->patience_ms || mcpz_interrupt_came()) {
            mcpz_trouble_say(exchange->trouble, "the node took no connection for %" PRIu32 " ms",
                             waited_ms);
            return MCPZ_ETIMEOUT;
        }
        (void)poll(NULL, 0, BUSY_WAIT_MS);
        waited_ms += BUSY_WAIT_MS;
    }
    return MCPZ_OK;
}

/* ---- Sending ------------------------------------------------------------------------------ */

/* Stops early, without an error, when the answer comes first. */
static mcpz_error send_bytes(struct exchange *exchange, const void *bytes, size_t length)
{
    const char *next = (const char *)bytes;

    while (length > 0 && !exchange->answered) {
        short ready;
        mcpz_error error = wait_for(exchange, POLLIN | POLLOUT, &ready);
        if (error != MCPZ_OK) {
            return error;
        }
        if ((ready & (POLLIN | POLLHUP | POLLERR)) != 0) {
            exchange->answered = true;
            break;
        }
        ssize_t sent = send(exchange->socket, next, length, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR) {
            exchange->answered = true; /* what it had to say may still be there to read */
        } else if (sent > 0) {
            next += sent;
            length -= (size_t)sent;
        }
    }
    return MCPZ_OK;
}

static mcpz_error send_file(struct exchange *exchange, int file, uint64_t length)
{
    char chunk[CHUNK_BYTES];

    while (length > 0 && !exchange->answered) {
        size_t wanted = length < sizeof(chunk) ? (size_t)length : sizeof(chunk);
        ssize_t got = read(file, chunk, wanted);
        if (got < 0 && errno == EINTR && !mcpz_interrupt_came()) {
            continue;
        }
        if (got <= 0) {
            mcpz_trouble_say(exchange->trouble, "the input ended early: %s",
                             got < 0 ? strerror(errno) : "it became shorter while it was read");
            return MCPZ_EIO;
        }
        mcpz_error error = send_bytes(exchange, chunk, (size_t)got);
        if (error != MCPZ_OK) {
            return error;
        }
        length -= (uint64_t)got;
    }
    return MCPZ_OK;
}

static mcpz_error send_head(struct exchange *exchange, uint64_t body_length)
{
    const struct mcpz_client_request *request = exchange->request;
    char head[4096];
    int length;

    if (request->type != NULL) {
        length =
            snprintf(head, sizeof(head),
                     "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                     "%sContent-Type: %s\r\nContent-Length: %" PRIu64 "\r\n\r\n",
                     request->method, request->path,
                     request->headers != NULL ? request->headers : "", request->type, body_length);
    } else {
        length = snprintf(head, sizeof(head),
                          "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s\r\n",
                          request->method, request->path,
                          strcmp(request->method, "POST") == 0 ? "Content-Length: 0\r\n" : "");
    }
    if (length < 0 || (size_t)length >= sizeof(head)) {
        mcpz_trouble_say(exchange->trouble, "the request's path is too long");
        return MCPZ_EFULL;
    }
    return send_bytes(exchange, head, (size_t)length);
}

static mcpz_error send_request(struct exchange *exchange)
{
    const struct mcpz_client_request *request = exchange->request;
    uint64_t file_length = 0;
    int file = request->body_file;
    mcpz_error error = MCPZ_OK;

    if (file != MCPZ_CLIENT_NO_FILE) {
        error = mcpz_spool(request->body_file, MCPZ_INPUT_BYTES_MAX, &file, &file_length,
                           exchange->trouble);
        if (error != MCPZ_OK) {
            return error;
        }
    }
    error = send_head(exchange, request->body.length + file_length);
    if (error == MCPZ_OK) {
        error = send_bytes(exchange, request->body.data, request->body.length);
    }
    if (error == MCPZ_OK) {
        error = send_file(exchange, file, file_length);
    }
    if (file != request->body_file) {
        (void)close(file);
    }
    return error;
}

/* ---- Receiving ---------------------------------------------------------------------------- */

/* `*got` is 0 at the end. */
static mcpz_error receive(struct exchange *exchange, char *bytes, size_t capacity, size_t *got)
{
    for (;;) {
        short ready;
        mcpz_error error = wait_for(exchange, POLLIN, &ready);
        if (error != MCPZ_OK) {
            return error;
        }
        ssize_t received = recv(exchange->socket, bytes, capacity, 0);
        if (received >= 0) {
            *got = (size_t)received;
            return MCPZ_OK;
        }
        if (errno != EAGAIN && errno != EINTR) {
            mcpz_trouble_say(exchange->trouble, "the node broke the connection: %s",
                             strerror(errno));
            return MCPZ_EIO;
        }
    }
}

static mcpz_error refuse_answer(struct exchange *exchange, const char *why)
{
    mcpz_trouble_say(exchange->trouble, "the node's answer makes no sense: %s", why);
    return MCPZ_EPROTO;
}

static mcpz_error receive_head(struct exchange *exchange)
{
    for (;;) {
        size_t got;
        mcpz_error error = receive(exchange, exchange->head + exchange->head_filled,
                                   MCPZ_ANSWER_HEAD_BYTES_MAX - exchange->head_filled, &got);
        if (error != MCPZ_OK) {
            return error;
        }
        if (got == 0) {
            mcpz_trouble_say(exchange->trouble, "the node closed the connection unanswered: it"
                                                " may have stopped; its log says more");
            return MCPZ_EIO;
        }
        exchange->head_filled += got;
        const char *end =
            (const char *)memmem(exchange->head, exchange->head_filled, "\r\n\r\n", 4);
        if (end != NULL) {
            exchange->head_length = (size_t)(end - exchange->head) + 4;
            return MCPZ_OK;
        }
        if (exchange->head_filled == MCPZ_ANSWER_HEAD_BYTES_MAX) {
            mcpz_trouble_say(exchange->trouble, "the head of the node's answer is too long");
            return MCPZ_EFULL;
        }
    }
}

/* The value of header `name` in a head that ends with an empty line; NULL if it is not there. */
static const char *header(const char *head, const char *name)
{
    size_t length = strlen(name);

    for (const char *line = strstr(head, "\r\n"); line != NULL; line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, length) == 0 && line[2 + length] == ':') {
            return line + 3 + length + strspn(line + 3 + length, " \t");
        }
    }
    return NULL;
}

static mcpz_error read_number(const char *text, uint64_t *number)
{
    uint64_t value = 0;
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > 18 || text[digits + strspn(text + digits, " \t")] != '\r') {
        return MCPZ_EPROTO;
    }
    for (size_t i = 0; i < digits; i++) {
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    *number = value;
    return MCPZ_OK;
}

static bool is_status_line(const char *head)
{
    return strncmp(head, "HTTP/1.", 7) == 0 && strspn(head + 7, "01") == 1 && head[8] == ' ' &&
           strspn(head + 9, "0123456789") == 3 && (head[12] == ' ' || head[12] == '\r');
}

static mcpz_error read_head(struct exchange *exchange)
{
    char *head = exchange->head;
    char first_of_body = head[exchange->head_length];

    head[exchange->head_length] = '\0'; /* look at nothing behind it */
    if (!is_status_line(head) || strlen(head) != exchange->head_length) {
        return refuse_answer(exchange, "not HTTP/1.1");
    }
    exchange->answer->status =
        (unsigned)(100 * (head[9] - '0') + 10 * (head[10] - '0') + (head[11] - '0'));
    if (header(head, "Transfer-Encoding") != NULL) {
        return refuse_answer(exchange, "a transfer encoding, which we do not read");
    }
    const char *length = header(head, "Content-Length");
    exchange->expected = LENGTH_UNKNOWN;
    if (length != NULL && read_number(length, &exchange->expected) != MCPZ_OK) {
        return refuse_answer(exchange, "its Content-Length is no number");
    }
    head[exchange->head_length] = first_of_body;
    return MCPZ_OK;
}

static bool goes_to_file(const struct exchange *exchange)
{
    return exchange->request->answer_file != MCPZ_CLIENT_NO_FILE &&
           exchange->answer->status == 200;
}

static mcpz_error keep_in_memory(struct exchange *exchange, const char *bytes, size_t length)
{
    struct mcpz_client_answer *answer = exchange->answer;
    size_t needed = (size_t)answer->length + length + 1;

    if (needed > (size_t)MCPZ_ANSWER_BYTES_MAX + 1) {
        mcpz_trouble_say(exchange->trouble, "the node's answer is longer than %d bytes",
                         MCPZ_ANSWER_BYTES_MAX);
        return MCPZ_EFULL;
    }
    if (needed > exchange->room) {
        size_t room = needed < CHUNK_BYTES ? CHUNK_BYTES : needed * 2;
        char *body = (char *)realloc(answer->body, room);
        if (body == NULL) {
            mcpz_trouble_say(exchange->trouble, "out of memory");
            return MCPZ_ENOMEM;
        }
        answer->body = body;
        exchange->room = room;
    }
    memcpy(answer->body + answer->length, bytes, length);
    answer->length += length;
    answer->body[answer->length] = '\0';
    return MCPZ_OK;
}

static mcpz_error keep(struct exchange *exchange, const char *bytes, size_t length)
{
    const struct mcpz_client_request *request = exchange->request;

    if (request->take != NULL && exchange->answer->status == 200) {
        exchange->answer->length += length;
        return request->take(request->take_context, mcpz_bytes(bytes, length), exchange->trouble);
    }
    if (!goes_to_file(exchange)) {
        return keep_in_memory(exchange, bytes, length);
    }
    mcpz_error error = mcpz_write_all(exchange->request->answer_file, bytes, length);
    if (error != MCPZ_OK) {
        mcpz_trouble_say(exchange->trouble, "cannot write what the node sent: %s",
                         strerror(errno));
        return error;
    }
    exchange->answer->length += length;
    return MCPZ_OK;
}

static mcpz_error receive_body(struct exchange *exchange)
{
    char chunk[CHUNK_BYTES];
    const char *bytes = exchange->head + exchange->head_length;
    size_t length = exchange->head_filled - exchange->head_length;

    for (;;) {
        uint64_t missing = exchange->expected - exchange->answer->length;
        length = length < missing ? length : (size_t)missing;
        mcpz_error error = keep(exchange, bytes, length);
        if (error != MCPZ_OK || exchange->answer->length == exchange->expected) {
            return error;
        }
        error = receive(exchange, chunk, sizeof(chunk), &length);
        if (error != MCPZ_OK) {
            return error;
        }
        if (length == 0 && exchange->expected != LENGTH_UNKNOWN) {
            mcpz_trouble_say(exchange->trouble,
                             "the node's answer ended after %" PRIu64 " of %" PRIu64 " bytes",
                             exchange->answer->length, exchange->expected);
            return MCPZ_EIO;
        }
        if (length == 0) {
            return MCPZ_OK;
        }
        bytes = chunk;
    }
}

/* ---- What others call --------------------------------------------------------------------- */

static bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

mcpz_error mcpz_client_socket(const char *data, char *path)
{
    char pointer[4096];
    char said[MCPZ_SOCKET_PATH_BYTES];

    int length = snprintf(path, MCPZ_SOCKET_PATH_BYTES, "%s/mcpz.sock", data);
    bool fits = length > 0 && length < MCPZ_SOCKET_PATH_BYTES;
    if (fits && exists(path)) {
        return MCPZ_OK;
    }
    length = snprintf(pointer, sizeof(pointer), "%s/mcpz.sock.path", data);
    if (length < 0 || (size_t)length >= sizeof(pointer)) {
        return MCPZ_ENOTFOUND;
    }
    int file = open(pointer, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return fits ? MCPZ_OK : MCPZ_ENOTFOUND; /* connecting will say what is wrong */
    }
    ssize_t got = read(file, said, sizeof(said));
    (void)close(file);
    if (got <= 0 || got == (ssize_t)sizeof(said)) {
        return MCPZ_ENOTFOUND;
    }
    said[got] = '\0';
    said[strcspn(said, "\r\n")] = '\0';
    memcpy(path, said, sizeof(said));
    return MCPZ_OK;
}

mcpz_error mcpz_client_ask(const char *socket_path, const struct mcpz_client_request *request,
                           struct mcpz_client_answer *answer, struct mcpz_trouble *trouble)
{
    struct exchange exchange = {
        .socket = -1, .request = request, .answer = answer, .trouble = trouble};

    *answer = (struct mcpz_client_answer){0};
    mcpz_error error = connect_to(&exchange, socket_path);
    if (error == MCPZ_OK) {
        error = send_request(&exchange);
    }
    if (error == MCPZ_OK) {
        error = receive_head(&exchange);
    }
    if (error == MCPZ_OK) {
        error = read_head(&exchange);
    }
    if (error == MCPZ_OK) {
        error = receive_body(&exchange);
    }
    if (exchange.socket >= 0) {
        (void)close(exchange.socket);
    }
    if (error != MCPZ_OK) {
        mcpz_client_answer_finish(answer);
    }
    return error;
}

void mcpz_client_answer_finish(struct mcpz_client_answer *answer)
{
    free(answer->body);
    *answer = (struct mcpz_client_answer){0};
}

mcpz_error mcpz_client_escape(const char *text, char *escaped, size_t capacity)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    static const char digits[] = "0123456789ABCDEF";
    size_t used = 0;

    for (; *text != '\0'; text++) {
        uint8_t byte = (uint8_t)*text;
        bool is_plain = strchr(plain, *text) != NULL;
        if (used + (is_plain ? 1 : 3) >= capacity) {
            return MCPZ_EFULL;
        }
        if (is_plain) {
            escaped[used++] = *text;
        } else {
            escaped[used++] = '%';
            escaped[used++] = digits[byte >> 4];
            escaped[used++] = digits[byte & 15];
        }
    }
    escaped[used] = '\0';
    return MCPZ_OK;
}
