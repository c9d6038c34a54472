#include "exec/mcp_child.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ev.h>

#include "exec/child.h"
#include "exec/limit.h"
#include "exec/run.h"
#include "host/log.h"

#define READ_BYTES 65536
#define READS_MAX 512 /* of what is left in a pipe when its process is gone */
#define BUFFER_BYTES_KEPT 65536
#define WORDS_BYTES 512 /* of one line to the log */
#define WHY_BYTES 512
#define POLL_MS 50

enum stage { RUNNING = 0, CLOSING, TERMINATING, KILLING };

struct buffer {
    uint8_t *data;
    size_t length;
    size_t capacity;
};

struct mcpz_upstream {
    struct mcpz_mcp_children *children;
    size_t slot; /* in `children` */
    struct mcpz_upstream_listener listener;
    struct mcpz_provision provision;
    struct mcpz_child child;
    char workspace[MCPZ_WORKSPACE_NAME_BYTES];
    enum stage stage;
    bool paused;
    bool asked; /* to end, by its owner */
    int wait_status;
    enum mcpz_limit limit;
    char trouble[WHY_BYTES];   /* what ended it, if we know better than its status does */
    struct mcpz_run words;     /* the last ones on stderr */
    uint8_t line[WORDS_BYTES]; /* of stderr, incomplete */
    size_t line_length;

    struct buffer in;
    size_t scanned; /* of `in`: no line ends before */
    struct buffer out;
    size_t out_at;

    ev_io on_input;
    ev_io on_output;
    ev_io on_errors;
    ev_io on_status;
    ev_timer on_late; /* for the next step to its end */
    ev_timer kick;    /* of no duration: read on */
};

struct mcpz_mcp_children {
    struct mcpz_loop *loop;
    struct mcpz_launch_site *site;
    struct mcpz_upstreams port;
    struct mcpz_upstream *all[MCPZ_MCP_CHILDREN_MAX];
    size_t count;
    uint8_t buffer[READ_BYTES]; /* what was just read */
};

static struct ev_loop *loop_of(const struct mcpz_upstream *upstream)
{
    return mcpz_loop_ev(upstream->children->loop);
}

static void close_watched(struct mcpz_upstream *upstream, ev_io *watcher, int *fd)
{
    ev_io_stop(loop_of(upstream), watcher);
    mcpz_child_close(fd);
}

static bool append(struct buffer *buffer, struct mcpz_bytes bytes)
{
    size_t capacity = buffer->capacity > 0 ? buffer->capacity : 4096;

    while (capacity < buffer->length + bytes.length) {
        capacity *= 2;
    }
    if (capacity > buffer->capacity) {
        uint8_t *data = realloc(buffer->data, capacity);
        if (data == NULL) {
            return false;
        }
        buffer->data = data;
        buffer->capacity = capacity;
    }
    if (bytes.length > 0) {
        memcpy(buffer->data + buffer->length, bytes.data, bytes.length);
        buffer->length += bytes.length;
    }
    return true;
}

/* Let go of the first `count` bytes. */
static void drop(struct buffer *buffer, size_t count)
{
    buffer->length -= count;
    if (buffer->length > 0 && count > 0) {
        memmove(buffer->data, buffer->data + count, buffer->length);
    } else if (buffer->length == 0 && buffer->capacity > BUFFER_BYTES_KEPT) {
        free(buffer->data);
        *buffer = (struct buffer){.data = NULL};
    }
}

/* ---- Its end ------------------------------------------------------------------------------ */

static void wait_for_step(struct mcpz_upstream *upstream)
{
    ev_timer_stop(loop_of(upstream), &upstream->on_late);
    ev_timer_set(&upstream->on_late, MCPZ_MCP_CHILD_PATIENCE_MS / 1000.0, 0.0);
    ev_timer_start(loop_of(upstream), &upstream->on_late);
}

static void take_step(struct mcpz_upstream *upstream)
{
    if (upstream->stage == RUNNING) {
        upstream->stage = CLOSING;
        close_watched(upstream, &upstream->on_input, &upstream->child.input);
    } else if (upstream->stage == CLOSING) {
        upstream->stage = TERMINATING;
        mcpz_child_terminate(&upstream->child);
    } else {
        upstream->stage = KILLING;
        mcpz_child_stop(&upstream->child);
        return;
    }
    wait_for_step(upstream);
}

static void on_late(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    take_step(timer->data);
}

/* End it for a fault of its own. */
static void give_up(struct mcpz_upstream *upstream, const char *why)
{
    if (upstream->trouble[0] == '\0' && !upstream->asked) {
        (void)snprintf(upstream->trouble, sizeof(upstream->trouble), "%s", why);
    }
    if (upstream->stage == RUNNING) {
        take_step(upstream);
    }
}

static void find_why(const struct mcpz_upstream *upstream, char why[WHY_BYTES])
{
    const struct mcpz_service *service = &upstream->provision.provider;
    struct mcpz_run_text text;

    if (upstream->limit != MCPZ_LIMIT_NONE) {
        mcpz_limit_show(upstream->limit, &service->limits, service->name, why, WHY_BYTES);
    } else if (upstream->trouble[0] != '\0') {
        (void)snprintf(why, WHY_BYTES, "%s", upstream->trouble);
    } else if (mcpz_run_verdict(&upstream->words, upstream->wait_status, &text) == MCPZ_CODE_OK) {
        (void)snprintf(why, WHY_BYTES, "it ended by itself");
    } else {
        (void)snprintf(why, WHY_BYTES, "%.*s", (int)(text.length < 480 ? text.length : 480),
                       text.text);
    }
}

static void stop_watching(struct mcpz_upstream *upstream)
{
    struct ev_loop *loop = loop_of(upstream);

    ev_io_stop(loop, &upstream->on_input);
    ev_io_stop(loop, &upstream->on_output);
    ev_io_stop(loop, &upstream->on_errors);
    ev_io_stop(loop, &upstream->on_status);
    ev_timer_stop(loop, &upstream->on_late);
    ev_timer_stop(loop, &upstream->kick);
}

/* Take the one at `slot` out. */
static void take_out(struct mcpz_mcp_children *children, size_t slot)
{
    children->count--;
    children->all[slot] = children->all[children->count];
    children->all[slot]->slot = slot;
    children->all[children->count] = NULL;
}

static void destroy(struct mcpz_upstream *upstream)
{
    mcpz_provision_finish(&upstream->provision);
    free(upstream->in.data);
    free(upstream->out.data);
    free(upstream);
}

static bool is_gone(const struct mcpz_upstream *upstream)
{
    return upstream->child.keeper == 0;
}

/* ---- What it says ------------------------------------------------------------------------- */

/* Is another line to be told? Who was asked to end says nothing any more. */
static bool is_heard(const struct mcpz_upstream *upstream)
{
    return !upstream->paused && !upstream->asked && upstream->trouble[0] == '\0';
}

static void take_lines(struct mcpz_upstream *upstream)
{
    size_t told = 0;

    while (is_heard(upstream) && upstream->scanned < upstream->in.length) {
        uint8_t *start = upstream->in.data + told;
        uint8_t *from = upstream->in.data + upstream->scanned;
        uint8_t *end = memchr(from, '\n', upstream->in.length - upstream->scanned);
        if (end == NULL) {
            upstream->scanned = upstream->in.length;
            break;
        }
        size_t length = (size_t)(end - start);
        told = upstream->scanned = (size_t)(end - upstream->in.data) + 1;
        length -= length > 0 && start[length - 1] == '\r';
        if (length > 0) {
            upstream->listener.on_line(upstream->listener.context, mcpz_bytes(start, length),
                                       mcpz_bytes(NULL, 0));
        }
    }
    drop(&upstream->in, told);
    upstream->scanned -= told;
    if (upstream->in.length > MCPZ_UPSTREAM_LINE_BYTES_MAX && !upstream->paused) {
        give_up(upstream, "it said a line of more than 8 MiB");
    }
}

/* False: there is no more for now. */
static bool read_output(struct mcpz_upstream *upstream)
{
    uint8_t *buffer = upstream->children->buffer;

    if (upstream->child.output < 0 || upstream->paused) {
        return false;
    }
    ssize_t got = read(upstream->child.output, buffer, READ_BYTES);
    if (got > 0) {
        if (is_heard(upstream) && !append(&upstream->in, mcpz_bytes(buffer, (size_t)got))) {
            give_up(upstream, "no memory for what it says");
        }
        take_lines(upstream);
        return true;
    }
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        close_watched(upstream, &upstream->on_output, &upstream->child.output);
    }
    return false;
}

static void on_output(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop;
    (void)events;
    struct mcpz_upstream *upstream = watcher->data;

    (void)read_output(upstream);
    if (upstream->child.output < 0) {
        /* Nothing will come of it any more, though it may live. */
        give_up(upstream, "");
    }
}

/* What could mislead who reads the log becomes '?', or a quote that needs no other. */
static uint8_t to_plain(uint8_t byte)
{
    if (byte == '"') {
        return '\'';
    }
    return byte >= ' ' && byte <= '~' ? byte : '?';
}

/* To the log, line by line. */
static void tell_errors(struct mcpz_upstream *upstream, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bytes[i] == '\n' || upstream->line_length == WORDS_BYTES - 1) {
            upstream->line[upstream->line_length] = '\0';
            if (upstream->line_length > 0) {
                mcpz_log(MCPZ_LOG_INFO, "mcp", "a server says", "server=%s text=\"%s\"",
                         upstream->provision.provider.name, (const char *)upstream->line);
            }
            upstream->line_length = 0;
        }
        if (bytes[i] != '\n') {
            upstream->line[upstream->line_length++] = to_plain(bytes[i]);
        }
    }
}

static bool read_errors(struct mcpz_upstream *upstream)
{
    uint8_t bytes[4096];

    if (upstream->child.errors < 0) {
        return false;
    }
    ssize_t got = read(upstream->child.errors, bytes, sizeof(bytes));
    if (got > 0) {
        mcpz_run_errors(&upstream->words, mcpz_bytes(bytes, (size_t)got));
        tell_errors(upstream, bytes, (size_t)got);
        return true;
    }
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        close_watched(upstream, &upstream->on_errors, &upstream->child.errors);
    }
    return false;
}

static void on_errors(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop;
    (void)events;
    (void)read_errors(watcher->data);
}

/* ---- What it is told ---------------------------------------------------------------------- */

static void write_input(struct mcpz_upstream *upstream)
{
    size_t left = upstream->out.length - upstream->out_at;

    if (left > 0 && upstream->child.input >= 0) {
        ssize_t written =
            write(upstream->child.input, upstream->out.data + upstream->out_at, left);
        if (written > 0) {
            upstream->out_at += (size_t)written;
        } else if (written < 0 && errno != EAGAIN && errno != EINTR) {
            give_up(upstream, ""); /* its status tells more */
            return;
        }
    }
    if (upstream->out_at == upstream->out.length) {
        drop(&upstream->out, upstream->out.length);
        upstream->out_at = 0;
        ev_io_stop(loop_of(upstream), &upstream->on_input);
    } else if (upstream->child.input >= 0) {
        ev_io_start(loop_of(upstream), &upstream->on_input);
    }
}

static void on_input(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop;
    (void)events;
    write_input(watcher->data);
}

static mcpz_error upstream_send(struct mcpz_upstream *upstream, const struct mcpz_bytes *parts,
                                size_t count)
{
    const size_t before = upstream->out.length;
    size_t length = 1;

    for (size_t i = 0; i < count; i++) {
        length += parts[i].length;
    }
    if (upstream->out.length - upstream->out_at + length > MCPZ_UPSTREAM_QUEUE_BYTES_MAX) {
        return MCPZ_EFULL;
    }
    if (upstream->out_at > upstream->out.length / 2) {
        drop(&upstream->out, upstream->out_at);
        upstream->out_at = 0;
        return upstream_send(upstream, parts, count);
    }
    for (size_t i = 0; i < count; i++) {
        if (!append(&upstream->out, parts[i])) {
            upstream->out.length = before;
            return MCPZ_ENOMEM;
        }
    }
    if (!append(&upstream->out, mcpz_text("\n"))) {
        upstream->out.length = before;
        return MCPZ_ENOMEM;
    }
    if (upstream->stage == RUNNING) {
        write_input(upstream); /* at once: most pipes have room */
    }
    return MCPZ_OK;
}

static void upstream_pause(struct mcpz_upstream *upstream, bool paused)
{
    upstream->paused = paused;
    if (upstream->child.output >= 0 && paused) {
        ev_io_stop(loop_of(upstream), &upstream->on_output);
    }
    if (!paused) {
        ev_timer_start(loop_of(upstream), &upstream->kick);
    }
}

static void upstream_stop(struct mcpz_upstream *upstream)
{
    upstream->asked = true;
    if (upstream->stage == RUNNING) {
        take_step(upstream);
    }
    if (is_gone(upstream)) { /* and only waits to be heard */
        ev_timer_start(loop_of(upstream), &upstream->kick);
    }
}

/* ---- Its process -------------------------------------------------------------------------- */

/* A last line may come without its end. */
static void take_rest(struct mcpz_upstream *upstream)
{
    const size_t length = upstream->in.length;

    if (length > 0 && length <= MCPZ_UPSTREAM_LINE_BYTES_MAX && is_heard(upstream)) {
        upstream->listener.on_line(upstream->listener.context,
                                   mcpz_bytes(upstream->in.data, length), mcpz_bytes(NULL, 0));
    }
}

/* Its keeper is gone: what its pipes hold is the last of it. True: all was told. */
static bool is_over(struct mcpz_upstream *upstream)
{
    if (!is_gone(upstream)) {
        return false;
    }
    take_lines(upstream);
    for (int i = 0; i < READS_MAX && read_output(upstream); i++) {
    }
    if (upstream->paused && !upstream->asked) {
        return false; /* whoever paused it wants to hear the rest */
    }
    take_rest(upstream);
    close_watched(upstream, &upstream->on_output, &upstream->child.output);
    stop_watching(upstream);
    return true;
}

/* The last thing of most watchers. */
static void settle(struct mcpz_upstream *upstream)
{
    char why[WHY_BYTES] = "";

    if (!is_over(upstream)) {
        return;
    }
    if (!upstream->asked) {
        find_why(upstream, why);
    }
    const struct mcpz_upstream_listener listener = upstream->listener;
    take_out(upstream->children, upstream->slot);
    destroy(upstream);
    listener.on_gone(listener.context, why);
}

static void on_kick(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    struct mcpz_upstream *upstream = timer->data;

    take_lines(upstream);
    if (upstream->child.output >= 0 && !upstream->paused) {
        ev_io_start(loop_of(upstream), &upstream->on_output);
    }
    settle(upstream);
}

static void take_report(struct mcpz_upstream *upstream, const struct mcpz_keeper_report *report)
{
    if (report->kind == MCPZ_KEEPER_FAILED && upstream->trouble[0] == '\0') {
        (void)snprintf(upstream->trouble, sizeof(upstream->trouble), "cannot start: %s: %s",
                       mcpz_child_stage_word(report->stage), strerror(report->number));
    } else if (report->kind == MCPZ_KEEPER_ENDED) {
        upstream->wait_status = report->number;
        upstream->limit = report->limit;
    }
}

/* Output that was not heard yet stays readable; all else is closed. */
static void become_gone(struct mcpz_upstream *upstream)
{
    int output = upstream->child.output;

    while (read_errors(upstream)) {
    }
    tell_errors(upstream, (const uint8_t *)"\n", 1);
    ev_io_stop(loop_of(upstream), &upstream->on_status);
    ev_io_stop(loop_of(upstream), &upstream->on_input);
    ev_io_stop(loop_of(upstream), &upstream->on_errors);
    ev_timer_stop(loop_of(upstream), &upstream->on_late);
    upstream->stage = KILLING;
    upstream->child.output = -1;
    mcpz_child_finish(&upstream->child);
    upstream->child.output = output;
    (void)mcpz_workspace_remove(upstream->children->site->root, upstream->workspace);
}

static bool take_news(struct mcpz_upstream *upstream)
{
    struct mcpz_keeper_report report;

    switch (mcpz_child_read(&upstream->child, &report)) {
    case MCPZ_CHILD_NOTHING:
        return false;
    case MCPZ_CHILD_REPORT:
        take_report(upstream, &report);
        return true;
    case MCPZ_CHILD_GONE:
        become_gone(upstream);
        return false;
    }
    return false;
}

static void on_status(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop;
    (void)events;
    struct mcpz_upstream *upstream = watcher->data;

    (void)take_news(upstream);
    settle(upstream);
}

static void watch(struct mcpz_upstream *upstream)
{
    struct ev_loop *loop = loop_of(upstream);

    ev_io_init(&upstream->on_input, on_input, upstream->child.input, EV_WRITE);
    ev_io_init(&upstream->on_output, on_output, upstream->child.output, EV_READ);
    ev_io_init(&upstream->on_errors, on_errors, upstream->child.errors, EV_READ);
    ev_io_init(&upstream->on_status, on_status, upstream->child.status, EV_READ);
    ev_timer_init(&upstream->on_late, on_late, 0.0, 0.0);
    ev_timer_init(&upstream->kick, on_kick, 0.0, 0.0);
    upstream->on_input.data = upstream;
    upstream->on_output.data = upstream;
    upstream->on_errors.data = upstream;
    upstream->on_status.data = upstream;
    upstream->on_late.data = upstream;
    upstream->kick.data = upstream;
    ev_io_start(loop, &upstream->on_output);
    ev_io_start(loop, &upstream->on_errors);
    ev_io_start(loop, &upstream->on_status);
}

/* What a server finds besides what is configured. Without isolation it is run as its user would
 * run it: programs like npx keep what they fetched below HOME. */
static bool fill_environment(struct mcpz_environment *environment,
                             const struct mcpz_mcp_server *server, bool is_isolated)
{
    static const char *const ours[] = {"HOME", "USER", "LOGNAME", "TMPDIR", "TZ"};

    for (size_t i = 0; i < server->variable_count; i++) {
        const char *text = server->variables[i];
        const char *value = strchr(text, '=');
        char *name = strndup(text, (size_t)(value - text));
        bool added = name != NULL && mcpz_environment_add(environment, name, value + 1);
        free(name);
        if (!added) {
            return false;
        }
    }
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]) && !is_isolated; i++) {
        const char *value = getenv(ours[i]);
        if (value != NULL && !mcpz_environment_has(environment, ours[i]) &&
            !mcpz_environment_add(environment, ours[i], value)) {
            return false;
        }
    }
    return true;
}

static mcpz_error launch(struct mcpz_upstream *upstream, const struct mcpz_mcp_server *server)
{
    const struct mcpz_launch launch = {.provision = &upstream->provision, .endless = true};
    struct mcpz_environment environment = {.count = 0};
    const char *what = "out of memory";
    mcpz_error error = MCPZ_ENOMEM;

    if (fill_environment(&environment, server,
                         upstream->provision.isolation != MCPZ_ISOLATION_NONE)) {
        error = mcpz_launch(upstream->children->site, &launch, &environment, upstream->workspace,
                            &upstream->child, &what);
    }
    if (error != MCPZ_OK) {
        mcpz_log(MCPZ_LOG_ERROR, "mcp", "a server cannot be started",
                 "server=%s reason=\"%s: %s\"", server->service.name, what, strerror(errno));
    }
    mcpz_environment_finish(&environment);
    return error;
}

static mcpz_error upstream_start(void *context, const struct mcpz_mcp_server *server,
                                 const struct mcpz_upstream_listener *listener,
                                 struct mcpz_upstream **upstream)
{
    struct mcpz_mcp_children *children = context;
    const enum mcpz_isolation isolation = mcpz_machine_isolation(
        &children->site->machine, (enum mcpz_isolation)server->service.isolation);

    *upstream = NULL;
    if (isolation == MCPZ_ISOLATION_UNSAID) {
        return MCPZ_EUNSUPPORTED;
    }
    if (children->count == MCPZ_MCP_CHILDREN_MAX) {
        return MCPZ_EFULL;
    }
    struct mcpz_upstream *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        return MCPZ_ENOMEM;
    }
    made->children = children;
    made->listener = *listener;
    mcpz_child_init(&made->child);
    mcpz_run_init_whole(&made->words, (uint8_t *)made->workspace, 0);
    mcpz_error error = mcpz_provision_init(&made->provision, &server->service, isolation);
    if (error == MCPZ_OK) {
        error = launch(made, server);
        if (error != MCPZ_OK) {
            mcpz_provision_finish(&made->provision);
        }
    }
    if (error != MCPZ_OK) {
        free(made);
        return error;
    }
    made->slot = children->count;
    children->all[children->count++] = made;
    watch(made);
    *upstream = made;
    return MCPZ_OK;
}

/* ---- All of them -------------------------------------------------------------------------- */

mcpz_error mcpz_mcp_children_create(struct mcpz_loop *loop, struct mcpz_launch_site *site,
                                    struct mcpz_mcp_children **children)
{
    *children = calloc(1, sizeof(**children));
    if (*children == NULL) {
        return MCPZ_ENOMEM;
    }
    (*children)->loop = loop;
    (*children)->site = site;
    (*children)->port = (struct mcpz_upstreams){.context = *children,
                                                .start = upstream_start,
                                                .send = upstream_send,
                                                .pause = upstream_pause,
                                                .stop = upstream_stop};
    return MCPZ_OK;
}

const struct mcpz_upstreams *mcpz_mcp_children_port(struct mcpz_mcp_children *children)
{
    return &children->port;
}

size_t mcpz_mcp_children_count(const struct mcpz_mcp_children *children)
{
    return children->count;
}

/* Take in news without the loop, for a while. */
static void reap(struct mcpz_mcp_children *children, int patience_ms)
{
    for (; children->count > 0 && patience_ms > 0; patience_ms -= POLL_MS) {
        struct pollfd ready[MCPZ_MCP_CHILDREN_MAX];
        const size_t count = children->count;
        for (size_t i = 0; i < count; i++) {
            ready[i] = (struct pollfd){.fd = children->all[i]->child.status, .events = POLLIN};
        }
        (void)poll(ready, count, POLL_MS);
        for (size_t i = count; i > 0; i--) {
            struct mcpz_upstream *upstream = children->all[i - 1];
            while (upstream->child.keeper > 0 && take_news(upstream)) {
            }
            if (is_over(upstream)) {
                take_out(children, i - 1);
                destroy(upstream);
            }
        }
    }
}

void mcpz_mcp_children_destroy(struct mcpz_mcp_children *children)
{
    if (children == NULL) {
        return;
    }
    for (size_t i = 0; i < children->count; i++) {
        upstream_stop(children->all[i]); /* from here on nothing is told */
    }
    for (int stage = CLOSING; stage <= KILLING && children->count > 0; stage++) {
        reap(children, MCPZ_MCP_CHILD_PATIENCE_MS);
        for (size_t i = 0; i < children->count; i++) {
            take_step(children->all[i]);
        }
    }
    reap(children, MCPZ_MCP_CHILD_PATIENCE_MS);
    while (children->count > 0) { /* a disk holds them: they end with it */
        struct mcpz_upstream *upstream = children->all[children->count - 1];
        take_out(children, children->count - 1);
        stop_watching(upstream);
        upstream->child.keeper = 0;
        upstream->child.command = 0;
        mcpz_child_finish(&upstream->child);
        destroy(upstream);
    }
    free(children);
}
