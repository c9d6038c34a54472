#include "http/lobby.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ev.h>

#include "host/acceptor.h"
#include "proto/code.h"

#define DRAINED_BYTES_MAX 1048576 /* of who was refused, before it hears it */
#define ANSWER_BYTES 512

/* A client that has not said enough yet, or is on its way out. */
struct guest {
    struct guest *next;
    struct guest *previous;
    struct mcpz_lobby *lobby;
    int fd;
    size_t seen; /* bytes that were looked at */
    bool leaves;
    ev_io watcher;
    ev_timer patience;
};

struct mcpz_lobby {
    struct mcpz_lobby_config config;
    struct mcpz_acceptor acceptor;
    struct guest *guests;
    size_t count;
    uint8_t head[MCPZ_LOBBY_HEAD_BYTES_MAX + 1]; /* of the one that is looked at */
};

/* ---- The head ----------------------------------------------------------------------------- */

static bool is_token_char(uint8_t c)
{
    static const char others[] = "!#$%&'*+-.^_`|~";

    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr(others, c) != NULL);
}

/* METHOD SP TARGET SP HTTP/1.x, as far as it is there. */
static enum mcpz_head_state look_at_line(struct mcpz_bytes line, bool is_whole)
{
    static const char version[] = " HTTP/";
    size_t at = 0;

    while (at < line.length && is_token_char(line.data[at])) {
        at++;
    }
    if (at == line.length && !is_whole) {
        return MCPZ_HEAD_WAITING;
    }
    if (at == 0 || at == line.length || line.data[at] != ' ') {
        return MCPZ_HEAD_BAD;
    }
    if (!is_whole) {
        return MCPZ_HEAD_WAITING;
    }
    const uint8_t *found =
        memmem(line.data + at + 1, line.length - at - 1, version, sizeof(version) - 1);
    if (found == NULL || found == line.data + at + 1) {
        return MCPZ_HEAD_BAD;
    }
    const size_t left = (size_t)(line.data + line.length - found) - (sizeof(version) - 1);
    const uint8_t *number = found + sizeof(version) - 1;
    if (left != 3 || number[1] != '.') {
        return MCPZ_HEAD_BAD;
    }
    return number[0] == '1' ? MCPZ_HEAD_WHOLE : MCPZ_HEAD_OTHER;
}

/* Behind the empty line. False: there is none yet. */
static bool has_end(struct mcpz_bytes head)
{
    return memmem(head.data, head.length, "\r\n\r\n", 4) != NULL ||
           memmem(head.data, head.length, "\n\n", 2) != NULL;
}

enum mcpz_head_state mcpz_lobby_look(struct mcpz_bytes head)
{
    const uint8_t *end = memchr(head.data, '\n', head.length);
    size_t length = end != NULL ? (size_t)(end - head.data) : head.length;
    if (end != NULL && length > 0 && head.data[length - 1] == '\r') {
        length--;
    }
    const enum mcpz_head_state line = look_at_line(mcpz_bytes(head.data, length), end != NULL);
    if (line != MCPZ_HEAD_WHOLE && line != MCPZ_HEAD_WAITING) {
        return line;
    }
    if (line == MCPZ_HEAD_WHOLE && has_end(head)) {
        return MCPZ_HEAD_WHOLE;
    }
    return head.length > MCPZ_LOBBY_HEAD_BYTES_MAX ? MCPZ_HEAD_TOO_LARGE : MCPZ_HEAD_WAITING;
}

/* ---- Guests ------------------------------------------------------------------------------- */

/* Forget it; its socket is somebody else's, or closed. */
static void let_go(struct guest *guest)
{
    struct mcpz_lobby *lobby = guest->lobby;

    ev_io_stop(lobby->config.ev, &guest->watcher);
    ev_timer_stop(lobby->config.ev, &guest->patience);
    *(guest->previous != NULL ? &guest->previous->next : &lobby->guests) = guest->next;
    if (guest->next != NULL) {
        guest->next->previous = guest->previous;
    }
    lobby->count--;
    free(guest);
}

static void close_guest(struct guest *guest)
{
    (void)close(guest->fd);
    let_go(guest);
}

/* Tell why not, and wait a little: who is closed upon while he still speaks does not hear it. */
static void refuse(struct guest *guest, const char *status, enum mcpz_code code, const char *text)
{
    char body[ANSWER_BYTES / 2];
    char answer[ANSWER_BYTES];

    const int body_length =
        snprintf(body, sizeof(body), "{\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}\n",
                 mcpz_code_word(code), text);
    const int length = snprintf(answer, sizeof(answer),
                                "HTTP/1.1 %s\r\nserver: mcpz\r\ncontent-type: application/json\r\n"
                                "connection: close\r\ncontent-length: %d\r\n\r\n%s",
                                status, body_length, body);
    (void)!send(guest->fd, answer, (size_t)length, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)shutdown(guest->fd, SHUT_WR);
    guest->leaves = true;
    guest->seen = 0;
    ev_timer_stop(guest->lobby->config.ev, &guest->patience);
    ev_timer_set(&guest->patience, MCPZ_LOBBY_LEAVE_SECONDS, 0.);
    ev_timer_start(guest->lobby->config.ev, &guest->patience);
}

/* Be woken when there is more than was seen. */
static bool await_more(const struct guest *guest, size_t bytes)
{
    const int least = (int)bytes;

    return setsockopt(guest->fd, SOL_SOCKET, SO_RCVLOWAT, &least, sizeof(least)) == 0;
}

static void enter(struct guest *guest)
{
    struct mcpz_lobby *lobby = guest->lobby;
    const int fd = guest->fd;

    if (guest->seen > 0 && !await_more(guest, 1)) {
        close_guest(guest);
        return;
    }
    let_go(guest);
    lobby->config.enter(lobby->config.context, fd);
}

static void drain(struct guest *guest)
{
    struct mcpz_lobby *lobby = guest->lobby;
    ssize_t got = recv(guest->fd, lobby->head, sizeof(lobby->head), MSG_DONTWAIT);

    guest->seen += got > 0 ? (size_t)got : 0;
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR) ||
        guest->seen > DRAINED_BYTES_MAX) {
        close_guest(guest);
    }
}

/* Those before the head. */
static size_t count_line_ends(struct mcpz_bytes head)
{
    size_t count = 0;

    while (count < head.length && (head.data[count] == '\r' || head.data[count] == '\n')) {
        count++;
    }
    return count;
}

static void look_at(struct guest *guest)
{
    struct mcpz_lobby *lobby = guest->lobby;
    ssize_t got = recv(guest->fd, lobby->head, sizeof(lobby->head), MSG_PEEK | MSG_DONTWAIT);

    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (got <= 0 || (size_t)got == guest->seen) { /* it says no more */
        close_guest(guest);
        return;
    }
    const size_t blank = count_line_ends(mcpz_bytes(lobby->head, (size_t)got));
    if (blank > 0) { /* RFC 9112, section 2.2: they are skipped; libwebsockets would not */
        (void)!recv(guest->fd, lobby->head, blank, MSG_DONTWAIT);
        guest->seen = 0;
        if (!await_more(guest, 1)) {
            close_guest(guest);
        }
        return; /* to look again, if there is more */
    }
    switch (mcpz_lobby_look(mcpz_bytes(lobby->head, (size_t)got))) {
    case MCPZ_HEAD_WHOLE:
        enter(guest);
        return;
    case MCPZ_HEAD_WAITING:
        guest->seen = (size_t)got;
        if (!await_more(guest, guest->seen + 1)) {
            close_guest(guest);
        }
        return;
    case MCPZ_HEAD_BAD:
        refuse(guest, "400 Bad Request", MCPZ_CODE_BAD_REQUEST, "that is no request of HTTP/1.1");
        break;
    case MCPZ_HEAD_OTHER:
        refuse(guest, "505 HTTP Version Not Supported", MCPZ_CODE_BAD_REQUEST,
               "only HTTP/1.1 and 1.0 are spoken here");
        break;
    case MCPZ_HEAD_TOO_LARGE:
        refuse(guest, "431 Request Header Fields Too Large", MCPZ_CODE_TOO_LARGE,
               "the head of a request may have 16384 bytes");
        break;
    }
    if (!await_more(guest, 1)) {
        close_guest(guest);
    }
}

static void on_readable(struct ev_loop *ev, ev_io *watcher, int events)
{
    struct guest *guest = watcher->data;

    (void)ev;
    (void)events;
    if (guest->leaves) {
        drain(guest);
    } else {
        look_at(guest);
    }
}

/* Who has said nothing at all needs no answer: browsers open connections that they do not use. */
static void on_patience_over(struct ev_loop *ev, ev_timer *watcher, int events)
{
    struct guest *guest = watcher->data;

    (void)ev;
    (void)events;
    if (guest->leaves || guest->seen == 0) {
        close_guest(guest);
        return;
    }
    refuse(guest, "408 Request Timeout", MCPZ_CODE_TIMEOUT, "the head did not come in time");
    if (!await_more(guest, 1)) {
        close_guest(guest);
    }
}

/* ---- Letting in --------------------------------------------------------------------------- */

static void let_in(void *context, int fd)
{
    struct mcpz_lobby *lobby = context;
    const int yes = 1;
    struct guest *guest = lobby->config.has_room(lobby->config.context, lobby->count)
                              ? calloc(1, sizeof(*guest))
                              : NULL;

    if (guest == NULL) {
        (void)close(fd);
        return;
    }
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
    *guest = (struct guest){.lobby = lobby, .fd = fd, .next = lobby->guests};
    if (lobby->guests != NULL) {
        lobby->guests->previous = guest;
    }
    lobby->guests = guest;
    lobby->count++;
    ev_io_init(&guest->watcher, on_readable, fd, EV_READ);
    ev_timer_init(&guest->patience, on_patience_over, MCPZ_LOBBY_HEAD_SECONDS, 0.);
    guest->watcher.data = guest;
    guest->patience.data = guest;
    ev_io_start(lobby->config.ev, &guest->watcher);
    ev_timer_start(lobby->config.ev, &guest->patience);
}

mcpz_error mcpz_lobby_create(const struct mcpz_lobby_config *config, struct mcpz_lobby **lobby)
{
    struct mcpz_lobby *made = calloc(1, sizeof(*made));

    *lobby = NULL;
    if (made == NULL) {
        (void)close(config->fd);
        return MCPZ_ENOMEM;
    }
    made->config = *config;
    made->acceptor = (struct mcpz_acceptor){
        .ev = config->ev, .fd = config->fd, .module = "http", .guest = let_in, .context = made};
    mcpz_acceptor_start(&made->acceptor);
    *lobby = made;
    return MCPZ_OK;
}

void mcpz_lobby_destroy(struct mcpz_lobby *lobby)
{
    if (lobby == NULL) {
        return;
    }
    struct guest *next;
    for (struct guest *guest = lobby->guests; guest != NULL; guest = next) {
        next = guest->next;
        close_guest(guest);
    }
    mcpz_acceptor_close(&lobby->acceptor);
    free(lobby);
}
