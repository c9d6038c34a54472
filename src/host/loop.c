#include "host/loop.h"

#include <assert.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <ev.h>
#include <libwebsockets.h>

#include "engine/scratch.h"
#include "host/log.h"

/* How often libwebsockets looks at its own timers. Ours are libev's: these only tidy up. */
#define KICK_SECONDS 0.25
#define REST_KICKS 20      /* so often it is seen whether zstd is needed at all */
#define LINGER_SECONDS 0.2 /* for the last answers to go out */

/* Descriptors the process may have; and those libwebsockets makes its tables for: it takes, and
 * touches, 16 bytes for each that the limit allows when its context is made. */
#define DESCRIPTORS_MAX 65536
#define LWS_DESCRIPTORS_MAX 4096

/* One TLS record and what surrounds it, so that one read leaves nothing behind in OpenSSL: what
 * stays there is only fetched when the loop is idle. */
#define LWS_SERVICE_BYTES 16896

/* Of all headers of one request: three times what a head may have (http/lobby.h), since those
 * whose names libwebsockets does not know take more with it than they have. */
#define LWS_HEADER_BYTES_MAX 49152

#define LWS_TIMEOUT_SECONDS 10
#define LWS_HEAD_SECONDS 10 /* for all of a request's head to come */

#define ROUNDS_MAX 3 /* of what is put off, between two looks at what has come */

struct hearing {
    mcpz_listener listener;
    void *context;
};

/* Something of an edge's to be called. */
struct hook {
    void (*call)(void *context);
    void *context;
};

struct mcpz_loop {
    struct ev_loop *ev;
    struct lws_context *lws;
    struct mcpz_lmdb *store;
    struct mcpz_kv kv;
    struct mcpz_scratch *scratch;
    struct mcpz_engine *engine;

    bool in_turn;
    bool in_port;        /* the engine is calling us: it must not be called */
    bool deadline_stale; /* the engine was called since the timer was set */
    mcpz_time due;       /* what it was set for */
    bool stopping;
    void (*on_stop)(void *context); /* NULL: a signal stops at once */
    void *on_stop_context;

    struct hearing hearings[MCPZ_LOOP_LISTENERS_MAX];
    size_t hearing_count;
    struct hook endings[MCPZ_LOOP_ENDS_MAX];
    size_t ending_count;
    struct hook flushes[MCPZ_LOOP_FLUSHES_MAX];
    size_t flush_count;
    bool (*drain)(void *context);
    void *drain_context;
    struct mcpz_link_ports links;

    struct mcpz_deferred *deferred;
    struct mcpz_deferred **deferred_end; /* where the next one is hung */
    uint64_t round;

    ev_prepare before_sleep;
    ev_check after_sleep;
    mcpz_time woken_us; /* 0: it has not slept yet, or was measured since */
    struct mcpz_durations busy;
    ev_timer deadline;
    ev_timer deferred_timer;
    ev_timer kick;
    unsigned kicks;
    ev_timer linger;
    ev_timer patience; /* of mcpz_loop_step() */
    ev_async store_news;
    ev_async woken;
    void (*on_wake)(void *context);
    void *on_wake_context;
};

/* ---- Actions out -------------------------------------------------------------------------- */

static void act(void *context, const struct mcpz_action *action)
{
    struct mcpz_loop *loop = context;

    loop->in_port = true;
    for (size_t i = 0; i < loop->hearing_count; i++) {
        loop->hearings[i].listener(loop->hearings[i].context, action);
    }
    loop->in_port = false;
}

static void wake(void *context, mcpz_link link)
{
    struct mcpz_loop *loop = context;

    if (loop->links.wake != NULL) {
        loop->in_port = true;
        loop->links.wake(loop->links.context, link);
        loop->in_port = false;
    }
}

static void close_link(void *context, mcpz_link link, const char *why)
{
    struct mcpz_loop *loop = context;

    if (loop->links.close != NULL) {
        loop->in_port = true;
        loop->links.close(loop->links.context, link, why);
        loop->in_port = false;
    }
}

/* ---- The turn ----------------------------------------------------------------------------- */

static void end_turn(struct mcpz_loop *loop)
{
    if (loop->in_turn) {
        loop->in_turn = false;
        loop->deadline_stale = true;
        (void)mcpz_engine_turn_end(loop->engine);
    }
}

static void set_deadline(struct mcpz_loop *loop)
{
    loop->deadline_stale = false;
    mcpz_time due = mcpz_engine_deadline(loop->engine);
    if (due == loop->due && ev_is_active(&loop->deadline)) {
        return;
    }
    loop->due = due;
    ev_timer_stop(loop->ev, &loop->deadline);
    if (due == MCPZ_TIME_NEVER) {
        return;
    }
    mcpz_time now = mcpz_clock_now();
    /* A microsecond late rather than early: early there is nothing to do, and it all repeats. */
    mcpz_time left = due > now ? due - now + 1 : 0;
    ev_now_update(loop->ev);
    ev_timer_set(&loop->deadline, (double)left / 1e6, 0.);
    ev_timer_start(loop->ev, &loop->deadline);
}

/* Do what was put off. What is put off from here on waits for the next round. */
static void run_deferred(struct mcpz_loop *loop)
{
    const uint64_t round = loop->round++;

    while (loop->deferred != NULL && loop->deferred->round <= round) {
        struct mcpz_deferred *first = loop->deferred;
        mcpz_loop_undefer(loop, first);
        first->run(first->context);
    }
}

/* End the turn, and send what was said in it. A connection that breaks then is news. */
static void finish_turn(struct mcpz_loop *loop)
{
    do {
        end_turn(loop);
        for (size_t i = 0; i < loop->flush_count; i++) {
            loop->flushes[i].call(loop->flushes[i].context);
        }
    } while (loop->in_turn);
}

/*
 * What has come while we were at it becomes part of this turn: a turn costs as much as the calls
 * in it, and the busier the nodes are the more of them there are in each.
 */
static void take_in_more(struct mcpz_loop *loop)
{
    for (size_t i = 0; i < MCPZ_LOOP_DRAINS_MAX && loop->drain(loop->drain_context); i++) {
        run_deferred(loop);
    }
}

static void settle(struct mcpz_loop *loop)
{
    run_deferred(loop);
    if (loop->drain != NULL) {
        take_in_more(loop);
    }
    finish_turn(loop);
    /* What follows from it, before we look who else has come: that would be a trip each time. */
    for (int i = 1; i < ROUNDS_MAX && loop->deferred != NULL && mcpz_loop_has_time(loop); i++) {
        run_deferred(loop);
        finish_turn(loop);
    }
    if (loop->deadline_stale) {
        set_deadline(loop);
    }
    if (loop->deferred != NULL && !ev_is_active(&loop->deferred_timer)) {
        ev_timer_set(&loop->deferred_timer, 0., 0.);
        ev_timer_start(loop->ev, &loop->deferred_timer);
    }
}

static void on_before_sleep(struct ev_loop *ev, ev_prepare *watcher, int events)
{
    struct mcpz_loop *loop = watcher->data;

    (void)ev;
    (void)events;
    settle(loop);
    if (loop->woken_us != 0) {
        mcpz_durations_add(&loop->busy, mcpz_clock_now() - loop->woken_us);
        loop->woken_us = 0;
    }
}

static void on_after_sleep(struct ev_loop *ev, ev_check *watcher, int events)
{
    struct mcpz_loop *loop = watcher->data;

    (void)ev;
    (void)events;
    loop->woken_us = mcpz_clock_now();
}

static void on_deadline(struct ev_loop *ev, ev_timer *watcher, int events)
{
    (void)ev;
    (void)events;
    mcpz_engine_tick(mcpz_loop_enter(watcher->data));
}

static void on_store_news(struct ev_loop *ev, ev_async *watcher, int events)
{
    struct mcpz_loop *loop = watcher->data;

    (void)ev;
    (void)events;
    if (loop->engine != NULL) {
        end_turn(loop);
        mcpz_engine_store_progress(loop->engine);
        loop->deadline_stale = true;
    }
}

/* In the store's thread: ev_async_send() is all that may be done there. */
static void on_store_notify(void *context)
{
    struct mcpz_loop *loop = context;

    ev_async_send(loop->ev, &loop->store_news);
}

/* So that the loop does not sleep while something is put off. */
static void on_deferred(struct ev_loop *ev, ev_timer *watcher, int events)
{
    (void)ev;
    (void)watcher;
    (void)events;
}

static void on_woken(struct ev_loop *ev, ev_async *watcher, int events)
{
    struct mcpz_loop *loop = watcher->data;

    (void)ev;
    (void)events;
    if (loop->on_wake != NULL) {
        loop->on_wake(loop->on_wake_context);
    }
}

/* That it ended the wait is all it is for. */
static void on_patience(struct ev_loop *ev, ev_timer *watcher, int events)
{
    (void)ev;
    (void)watcher;
    (void)events;
}

static void on_lingered(struct ev_loop *ev, ev_timer *watcher, int events)
{
    (void)ev;
    (void)events;
    mcpz_loop_stop(watcher->data);
}

static void on_kick(struct ev_loop *ev, ev_timer *watcher, int events)
{
    struct mcpz_loop *loop = watcher->data;

    (void)ev;
    (void)events;
    lws_cancel_service(loop->lws);
    mcpz_log_flush();
    if (++loop->kicks % REST_KICKS == 0 && mcpz_framer_rest(loop->scratch->framer)) {
        (void)malloc_trim(0); /* and of the holes that handshakes have left */
    }
}

/* ---- Making and unmaking ------------------------------------------------------------------ */

static void emit_lws(int level, const char *line)
{
    size_t length = strcspn(line, "\n");

    mcpz_log(level == LLL_ERR ? MCPZ_LOG_WARN : MCPZ_LOG_DEBUG, "lws", "libwebsockets says",
             "text=\"%.*s\"", (int)(length < 256 ? length : 256), line);
}

static rlim_t at_most(rlim_t limit, rlim_t bound)
{
    return limit < bound ? limit : bound;
}

static bool make_lws(struct mcpz_loop *loop)
{
    struct rlimit limit;
    void *loops[1] = {loop->ev};
    struct lws_context_creation_info info = {
        .options = LWS_SERVER_OPTION_LIBEV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS |
                   LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
                   LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME,
        .foreign_loops = loops,
        .user = loop,
        .pcontext = &loop->lws, /* set to NULL when it is gone */
        .pt_serv_buf_size = LWS_SERVICE_BYTES,
        .max_http_header_data2 = LWS_HEADER_BYTES_MAX,
        .timeout_secs = LWS_TIMEOUT_SECONDS,
        .timeout_secs_ah_idle = LWS_HEAD_SECONDS,
    };

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
        return false;
    }
    lws_set_log_level(LLL_ERR | LLL_WARN, emit_lws);
    limit.rlim_cur = at_most(limit.rlim_max, LWS_DESCRIPTORS_MAX);
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    loop->lws = lws_create_context(&info);
    limit.rlim_cur = at_most(limit.rlim_max, DESCRIPTORS_MAX);
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    return loop->lws != NULL;
}

static void start_watchers(struct mcpz_loop *loop)
{
    ev_prepare_init(&loop->before_sleep, on_before_sleep);
    ev_check_init(&loop->after_sleep, on_after_sleep);
    loop->after_sleep.data = loop;
    ev_timer_init(&loop->deadline, on_deadline, 0., 0.);
    ev_timer_init(&loop->deferred_timer, on_deferred, 0., 0.);
    ev_timer_init(&loop->kick, on_kick, KICK_SECONDS, KICK_SECONDS);
    ev_timer_init(&loop->linger, on_lingered, LINGER_SECONDS, 0.);
    ev_timer_init(&loop->patience, on_patience, 0., 0.);
    ev_async_init(&loop->woken, on_woken);
    loop->woken.data = loop;
    ev_async_start(loop->ev, &loop->woken);
    loop->linger.data = loop;
    ev_async_init(&loop->store_news, on_store_news);
    loop->before_sleep.data = loop;
    loop->deadline.data = loop;
    loop->deferred_timer.data = loop;
    loop->kick.data = loop;
    loop->store_news.data = loop;
    /* The store may speak up as soon as it is open. */
    ev_async_start(loop->ev, &loop->store_news);
    ev_timer_start(loop->ev, &loop->kick);
    ev_prepare_start(loop->ev, &loop->before_sleep);
    ev_check_start(loop->ev, &loop->after_sleep);
}

static void stop_watchers(struct mcpz_loop *loop)
{
    ev_prepare_stop(loop->ev, &loop->before_sleep);
    ev_check_stop(loop->ev, &loop->after_sleep);
    ev_timer_stop(loop->ev, &loop->deadline);
    ev_timer_stop(loop->ev, &loop->deferred_timer);
    ev_timer_stop(loop->ev, &loop->kick);
    ev_timer_stop(loop->ev, &loop->linger);
    ev_timer_stop(loop->ev, &loop->patience);
    ev_async_stop(loop->ev, &loop->woken);
}

mcpz_error mcpz_loop_create(const struct mcpz_loop_config *config, struct mcpz_loop **loop,
                            struct mcpz_lmdb_trouble *trouble)
{
    struct mcpz_lmdb_config store = config->store;
    mcpz_error error = MCPZ_ENOMEM;

    *loop = NULL;
    struct mcpz_loop *made = calloc(1, sizeof(*made));
    if (made == NULL) {
        snprintf(trouble->text, sizeof(trouble->text), "out of memory");
        return MCPZ_ENOMEM;
    }
    made->deferred_end = &made->deferred;
    made->ev = ev_default_loop(EVBACKEND_EPOLL);
    if (made->ev == NULL || signal(SIGPIPE, SIG_IGN) == SIG_ERR || !make_lws(made)) {
        snprintf(trouble->text, sizeof(trouble->text),
                 "libwebsockets cannot be used with libev: is the package "
                 "libwebsockets-evlib-ev installed?");
        free(made);
        return MCPZ_EIO;
    }
    start_watchers(made);
    if (mcpz_scratch_create(&made->scratch) != MCPZ_OK) {
        snprintf(trouble->text, sizeof(trouble->text), "out of memory");
        goto fail;
    }
    store.notify = on_store_notify;
    store.notify_context = made;
    error = mcpz_lmdb_open(&store, &made->store, &made->kv, trouble);
    if (error != MCPZ_OK) {
        goto fail;
    }
    *loop = made;
    return MCPZ_OK;

fail:
    mcpz_loop_destroy(made);
    return error;
}

void mcpz_loop_destroy(struct mcpz_loop *loop)
{
    if (loop == NULL) {
        return;
    }
    end_turn(loop);
    stop_watchers(loop);
    lws_context_destroy(loop->lws);
    while (loop->ending_count > 0) {
        struct hook *last = &loop->endings[--loop->ending_count];
        last->call(last->context);
    }
    mcpz_engine_destroy(loop->engine);
    mcpz_lmdb_close(loop->store);
    ev_async_stop(loop->ev, &loop->store_news);
    mcpz_scratch_destroy(loop->scratch);
    free(loop);
}

void mcpz_loop_at_end(struct mcpz_loop *loop, void (*end)(void *context), void *context)
{
    assert(loop->ending_count < MCPZ_LOOP_ENDS_MAX);

    loop->endings[loop->ending_count++] = (struct hook){.call = end, .context = context};
}

void mcpz_loop_on_flush(struct mcpz_loop *loop, void (*flush)(void *context), void *context)
{
    assert(loop->flush_count < MCPZ_LOOP_FLUSHES_MAX);

    loop->flushes[loop->flush_count++] = (struct hook){.call = flush, .context = context};
}

void mcpz_loop_on_drain(struct mcpz_loop *loop, bool (*drain)(void *context), void *context)
{
    assert(loop->drain == NULL);

    loop->drain = drain;
    loop->drain_context = context;
}

void mcpz_loop_listen(struct mcpz_loop *loop, mcpz_listener listener, void *context)
{
    assert(loop->hearing_count < MCPZ_LOOP_LISTENERS_MAX);

    loop->hearings[loop->hearing_count++] =
        (struct hearing){.listener = listener, .context = context};
}

void mcpz_loop_set_links(struct mcpz_loop *loop, const struct mcpz_link_ports *ports)
{
    loop->links = *ports;
}

mcpz_error mcpz_loop_start(struct mcpz_loop *loop, struct mcpz_engine_config *config)
{
    const struct mcpz_engine_ports ports = {
        .context = loop,
        .wake = wake,
        .close = close_link,
        .act = act,
    };

    assert(loop->engine == NULL);
    config->kv = loop->kv;
    config->past = mcpz_lmdb_is_set_back(loop->store)       ? MCPZ_STORE_SET_BACK
                   : !mcpz_lmdb_is_vouched_for(loop->store) ? MCPZ_STORE_UNVOUCHED
                                                            : MCPZ_STORE_VOUCHED_FOR;
    config->scratch = loop->scratch;
    mcpz_error error =
        mcpz_engine_create(config, &ports, mcpz_clock_now(), mcpz_clock_wall_ms(), &loop->engine);
    if (error == MCPZ_OK) {
        loop->deadline_stale = true;
    }
    return error;
}

/* ---- In use ------------------------------------------------------------------------------- */

struct mcpz_engine *mcpz_loop_enter(struct mcpz_loop *loop)
{
    assert(loop->engine != NULL);
    assert(!loop->in_port);

    if (!loop->in_turn) {
        loop->in_turn = true;
        mcpz_engine_turn_begin(loop->engine, mcpz_clock_now(), mcpz_clock_wall_ms());
    }
    return loop->engine;
}

void mcpz_loop_defer(struct mcpz_loop *loop, struct mcpz_deferred *deferred)
{
    if (deferred->queued) {
        return;
    }
    deferred->queued = true;
    deferred->round = loop->round;
    deferred->next = NULL;
    *loop->deferred_end = deferred;
    loop->deferred_end = &deferred->next;
}

void mcpz_loop_undefer(struct mcpz_loop *loop, struct mcpz_deferred *deferred)
{
    if (!deferred->queued) {
        return;
    }
    struct mcpz_deferred **at = &loop->deferred;
    while (*at != deferred) {
        at = &(*at)->next;
    }
    *at = deferred->next;
    if (loop->deferred_end == &deferred->next) {
        loop->deferred_end = at;
    }
    deferred->queued = false;
}

bool mcpz_loop_has_time(const struct mcpz_loop *loop)
{
    return loop->woken_us == 0 || mcpz_clock_now() - loop->woken_us < MCPZ_LOOP_TRIP_US;
}

struct mcpz_engine *mcpz_loop_engine(struct mcpz_loop *loop)
{
    return loop->engine;
}

struct ev_loop *mcpz_loop_ev(struct mcpz_loop *loop)
{
    return loop->ev;
}

struct lws_context *mcpz_loop_lws(struct mcpz_loop *loop)
{
    return loop->lws;
}

const struct mcpz_durations *mcpz_loop_busy(const struct mcpz_loop *loop)
{
    return &loop->busy;
}

struct mcpz_lmdb *mcpz_loop_store(struct mcpz_loop *loop)
{
    return loop->store;
}

/* ---- Running ------------------------------------------------------------------------------ */

struct reload {
    void (*on_reload)(void *context);
    void *context;
};

static void on_stop_signal(struct ev_loop *ev, ev_signal *watcher, int events)
{
    struct mcpz_loop *loop = watcher->data;
    void (*on_stop)(void *context) = loop->on_stop;

    (void)ev;
    (void)events;
    loop->on_stop = NULL;
    if (on_stop != NULL) {
        on_stop(loop->on_stop_context);
    } else {
        mcpz_loop_stop(loop);
    }
}

static void on_reload_signal(struct ev_loop *ev, ev_signal *watcher, int events)
{
    const struct reload *reload = watcher->data;

    (void)ev;
    (void)events;
    if (reload->on_reload != NULL) {
        reload->on_reload(reload->context);
    }
}

void mcpz_loop_on_stop(struct mcpz_loop *loop, void (*on_stop)(void *context), void *context)
{
    loop->on_stop = on_stop;
    loop->on_stop_context = context;
}

void mcpz_loop_run(struct mcpz_loop *loop, void (*on_reload)(void *context), void *context)
{
    struct reload reload = {.on_reload = on_reload, .context = context};
    ev_signal terminate;
    ev_signal interrupt;
    ev_signal hangup;

    ev_signal_init(&terminate, on_stop_signal, SIGTERM);
    ev_signal_init(&interrupt, on_stop_signal, SIGINT);
    ev_signal_init(&hangup, on_reload_signal, SIGHUP);
    terminate.data = loop;
    interrupt.data = loop;
    hangup.data = &reload;
    ev_signal_start(loop->ev, &terminate);
    ev_signal_start(loop->ev, &interrupt);
    ev_signal_start(loop->ev, &hangup);

    if (!loop->stopping) {
        ev_run(loop->ev, 0);
    }
    loop->stopping = false;
    end_turn(loop);

    ev_signal_stop(loop->ev, &terminate);
    ev_signal_stop(loop->ev, &interrupt);
    ev_signal_stop(loop->ev, &hangup);
}

bool mcpz_loop_step(struct mcpz_loop *loop, int timeout_ms)
{
    if (loop->stopping) {
        return false;
    }
    if (timeout_ms > 0) {
        ev_now_update(loop->ev);
        ev_timer_set(&loop->patience, timeout_ms / 1e3, 0.);
        ev_timer_start(loop->ev, &loop->patience);
    }
    ev_run(loop->ev, timeout_ms == 0 ? EVRUN_NOWAIT : EVRUN_ONCE);
    ev_timer_stop(loop->ev, &loop->patience);
    settle(loop);
    return !loop->stopping;
}

void mcpz_loop_on_wake(struct mcpz_loop *loop, void (*on_wake)(void *context), void *context)
{
    loop->on_wake = on_wake;
    loop->on_wake_context = context;
}

void mcpz_loop_wake(struct mcpz_loop *loop)
{
    ev_async_send(loop->ev, &loop->woken);
}

void mcpz_loop_stop_soon(struct mcpz_loop *loop)
{
    ev_timer_start(loop->ev, &loop->linger);
}

void mcpz_loop_stop(struct mcpz_loop *loop)
{
    loop->stopping = true;
    ev_break(loop->ev, EVBREAK_ALL);
}
