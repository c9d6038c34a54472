#include "local/local.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ev.h>

#include "host/acceptor.h"
#include "host/log.h"
#include "host/socket_path.h"
#include "wire/stream.h"

#define READ_BYTES 65536 /* at a time */
#define IN_BYTES_MAX (2 * MCPZ_STREAM_BYTES_FIRST)

struct guest {
    struct mcpz_local *local;
    struct mcpz_program *program;
    int fd;          /* -1: free */
    bool broken;     /* to be forgotten, outside of everything */
    bool has_output; /* put since the last flush */
    ev_io readable;
    ev_io writable;
    struct mcpz_stream in;
    struct mcpz_stream out;
};

struct mcpz_local {
    struct mcpz_loop *loop;
    struct mcpz_desk *desk;
    struct mcpz_socket_path socket;
    struct mcpz_acceptor acceptor;
    struct mcpz_deferred work;
    struct guest guests[MCPZ_PROGRAMS_MAX];
};

/* ---- The desk ----------------------------------------------------------------------------- */

static void later(struct mcpz_local *local)
{
    mcpz_loop_defer(local->loop, &local->work);
}

static void give_up(struct guest *guest)
{
    guest->broken = true;
    later(guest->local);
}

static void put(void *context, const struct mcpz_msg *msg)
{
    struct guest *guest = context;

    if (guest->broken) {
        return;
    }
    mcpz_error error = mcpz_stream_put(&guest->out, msg);
    if (error != MCPZ_OK) {
        mcpz_log(MCPZ_LOG_WARN, "local", "cut off a program that does not take its messages",
                 "reason=\"%s\"", mcpz_strerror(error));
        give_up(guest);
        return;
    }
    guest->has_output = true;
}

/* ---- Bytes out ---------------------------------------------------------------------------- */

static void watch(struct ev_loop *ev, ev_io *watcher, bool wanted)
{
    if (wanted) {
        ev_io_start(ev, watcher);
    } else {
        ev_io_stop(ev, watcher);
    }
}

/* Send what the socket takes. May not call the desk. */
static void flush(struct guest *guest)
{
    struct ev_loop *ev = mcpz_loop_ev(guest->local->loop);
    struct mcpz_bytes waiting = mcpz_stream_peek(&guest->out);

    guest->has_output = false;
    while (waiting.length > 0 && !guest->broken) {
        ssize_t sent = send(guest->fd, waiting.data, waiting.length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0 && errno != EAGAIN) {
            give_up(guest);
        }
        if (sent < 0) {
            break;
        }
        mcpz_stream_drop(&guest->out, (size_t)sent);
        waiting = mcpz_stream_peek(&guest->out);
    }
    watch(ev, &guest->writable, waiting.length > 0 && !guest->broken);
    watch(ev, &guest->readable, waiting.length <= MCPZ_LOCAL_UNREAD_BYTES_MAX && !guest->broken);
}

static void on_writable(struct ev_loop *ev, ev_io *watcher, int events)
{
    (void)ev;
    (void)events;
    flush(watcher->data);
}

/* What a turn let out goes in one write. */
static void flush_all(void *context)
{
    struct mcpz_local *local = context;

    for (size_t i = 0; i < MCPZ_PROGRAMS_MAX; i++) {
        if (local->guests[i].fd >= 0 && local->guests[i].has_output) {
            flush(&local->guests[i]);
        }
    }
}

/* ---- Bytes in ----------------------------------------------------------------------------- */

/* False: the program is to be cut off. */
static bool take_messages(struct guest *guest)
{
    struct mcpz_desk *desk = guest->local->desk;
    struct mcpz_bytes message;
    mcpz_error error;

    while ((error = mcpz_stream_next(&guest->in, &message)) == MCPZ_OK) {
        error = mcpz_desk_message(desk, guest->program, message);
        if (error != MCPZ_OK) {
            break;
        }
        mcpz_stream_drop(&guest->in, MCPZ_STREAM_HEADER_BYTES + message.length);
    }
    if (error == MCPZ_ENOTFOUND) {
        return true;
    }
    mcpz_log(MCPZ_LOG_WARN, "local", "turned a program away", "reason=\"%s\"",
             mcpz_strerror(error));
    return false;
}

static void on_readable(struct ev_loop *ev, ev_io *watcher, int events)
{
    struct guest *guest = watcher->data;
    uint8_t *room;

    (void)ev;
    (void)events;
    if (guest->broken || mcpz_stream_room(&guest->in, READ_BYTES, &room) != MCPZ_OK) {
        give_up(guest);
        return;
    }
    ssize_t got = recv(guest->fd, room, READ_BYTES, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    if (got <= 0) {
        give_up(guest);
        return;
    }
    mcpz_stream_added(&guest->in, (size_t)got);
    if (!take_messages(guest)) {
        flush(guest); /* it is told why */
        give_up(guest);
    }
}

/* ---- Guests ------------------------------------------------------------------------------- */

static void forget(struct guest *guest)
{
    struct ev_loop *ev = mcpz_loop_ev(guest->local->loop);

    ev_io_stop(ev, &guest->readable);
    ev_io_stop(ev, &guest->writable);
    (void)close(guest->fd);
    mcpz_stream_finish(&guest->in);
    mcpz_stream_finish(&guest->out);
    *guest = (struct guest){.local = guest->local, .fd = -1};
}

static void do_work(void *context)
{
    struct mcpz_local *local = context;

    for (size_t i = 0; i < MCPZ_PROGRAMS_MAX; i++) {
        struct guest *guest = &local->guests[i];
        if (guest->fd >= 0 && guest->broken) {
            mcpz_desk_leave(local->desk, guest->program);
            forget(guest);
        }
    }
}

static void welcome(void *context, int fd)
{
    struct mcpz_local *local = context;
    struct guest *guest = NULL;

    for (size_t i = 0; i < MCPZ_PROGRAMS_MAX && guest == NULL; i++) {
        guest = local->guests[i].fd < 0 ? &local->guests[i] : NULL;
    }
    if (guest == NULL) {
        mcpz_log(MCPZ_LOG_WARN, "local", "turned a program away", "reason=\"%d are connected\"",
                 MCPZ_PROGRAMS_MAX);
        (void)close(fd);
        return;
    }
    *guest = (struct guest){.local = local, .fd = fd};
    mcpz_stream_init(&guest->in, IN_BYTES_MAX);
    mcpz_stream_init(&guest->out, MCPZ_LOCAL_OUT_BYTES_MAX);
    ev_io_init(&guest->readable, on_readable, fd, EV_READ);
    ev_io_init(&guest->writable, on_writable, fd, EV_WRITE);
    guest->readable.data = guest;
    guest->writable.data = guest;
    const struct mcpz_desk_visitor visitor = {.context = guest, .send = put};
    if (mcpz_desk_enter(local->desk, &visitor, &guest->program) != MCPZ_OK) {
        forget(guest);
        return;
    }
    ev_io_start(mcpz_loop_ev(local->loop), &guest->readable);
}

/* ---- Making and unmaking ------------------------------------------------------------------ */

static mcpz_error make(struct mcpz_loop *loop, const char *directory, struct mcpz_desk *desk,
                       struct mcpz_local **local)
{
    struct mcpz_local *made = calloc(1, sizeof(*made));

    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    made->loop = loop;
    made->desk = desk;
    made->acceptor = (struct mcpz_acceptor){
        .ev = mcpz_loop_ev(loop), .fd = -1, .module = "local", .guest = welcome, .context = made};
    made->work = (struct mcpz_deferred){.run = do_work, .context = made};
    for (size_t i = 0; i < MCPZ_PROGRAMS_MAX; i++) {
        made->guests[i] = (struct guest){.local = made, .fd = -1};
    }
    mcpz_error error = mcpz_socket_path_choose(directory, MCPZ_LOCAL_SOCKET, &made->socket);
    if (error != MCPZ_OK) {
        free(made);
        return error;
    }
    *local = made;
    return MCPZ_OK;
}

mcpz_error mcpz_local_create(struct mcpz_loop *loop, const char *directory, struct mcpz_desk *desk,
                             struct mcpz_local **local, struct mcpz_local_trouble *trouble)
{
    struct mcpz_local *made = NULL;

    *local = NULL;
    mcpz_error error = make(loop, directory, desk, &made);
    if (error != MCPZ_OK) {
        (void)snprintf(trouble->text, sizeof(trouble->text), "no socket for programs: %s",
                       mcpz_strerror(error));
        return error;
    }
    made->acceptor.fd = mcpz_socket_path_listen(&made->socket);
    if (made->acceptor.fd < 0) {
        (void)snprintf(trouble->text, sizeof(trouble->text), "cannot make the socket %s: %s",
                       made->socket.path, strerror(errno));
        free(made);
        return MCPZ_EIO;
    }
    mcpz_loop_at_end(loop, free, made); /* the desk may send to a guest until then */
    mcpz_acceptor_start(&made->acceptor);
    mcpz_loop_on_flush(loop, flush_all, made);
    *local = made;
    return MCPZ_OK;
}

void mcpz_local_destroy(struct mcpz_local *local)
{
    if (local == NULL) {
        return;
    }
    mcpz_loop_undefer(local->loop, &local->work);
    for (size_t i = 0; i < MCPZ_PROGRAMS_MAX; i++) {
        if (local->guests[i].fd >= 0) {
            forget(&local->guests[i]);
        }
    }
    mcpz_acceptor_close(&local->acceptor);
    mcpz_socket_path_remove(&local->socket);
}

const char *mcpz_local_path(const struct mcpz_local *local)
{
    return local->socket.path;
}
