/*
 * Real time: a libev loop, libwebsockets on it, the store's thread behind it, and the engine.
 *
 * The loop owns the turn. An edge that wants to say something to the engine calls
 * mcpz_loop_enter() first; before the loop goes to sleep the turn is closed. Edges hear of the
 * engine's actions through the listeners they register.
 *
 * It is libev's default loop: the only one that can watch child processes. Several loops in one
 * process (tests) turn together.
 */

#ifndef HOST_LOOP_H
#define HOST_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/durations.h"
#include "engine/engine.h"
#include "store/lmdb.h"

#define MCPZ_LOOP_LISTENERS_MAX 8
#define MCPZ_LOOP_ENDS_MAX 8
#define MCPZ_LOOP_FLUSHES_MAX 4
#define MCPZ_LOOP_DRAINS_MAX 4 /* in one turn: others want theirs */

#define MCPZ_LOOP_TRIP_US 1000 /* awake for longer, it begins nothing that can wait */

struct ev_loop;
struct lws_context;
struct mcpz_loop;

/* What an edge does with an action. Called within the engine's turn: do not call the engine. */
typedef void (*mcpz_listener)(void *context, const struct mcpz_action *action);

/* How an edge carries links. Set by net/ before mcpz_loop_start(). Same rules as listeners. */
struct mcpz_link_ports {
    void *context;
    void (*wake)(void *context, mcpz_link link);
    void (*close)(void *context, mcpz_link link, const char *why);
};

/*
 * Something to be done soon, but not now: before the loop sleeps. Lies in what it is about, so
 * that putting it off cannot fail. Zeroed at first; `queued` is the loop's.
 */
struct mcpz_deferred {
    void (*run)(void *context);
    void *context;
    struct mcpz_deferred *next;
    uint64_t round;
    bool queued;
};

struct mcpz_loop_config {
    struct mcpz_lmdb_config store; /* notify is filled in by the loop */
};

/**
 * Make the loop, the lws context on it, and open the store. `trouble` says why not.
 *
 * Also: raises RLIMIT_NOFILE to its hard limit or 65536, whichever is less; ignores SIGPIPE;
 * starts the timer that wakes libwebsockets' own timers, which never fire on a foreign libev loop
 * (libwebsockets 4.1.6 .. 4.5.8).
 *
 * Errors: those of mcpz_lmdb_open(); MCPZ_EIO  libwebsockets or its libev plug-in is not usable
 */
MCPZ_MUST_USE mcpz_error mcpz_loop_create(const struct mcpz_loop_config *config,
                                          struct mcpz_loop **loop,
                                          struct mcpz_lmdb_trouble *trouble);

/**
 * Close what is open: first all connections of the lws context, then mcpz_loop_at_end()'s, then
 * the engine, the store last. Not from within a callback of the loop. NULL is fine.
 */
void mcpz_loop_destroy(struct mcpz_loop *loop);

/**
 * Call `end` when the lws context is gone and its callbacks can come no more: for what those
 * callbacks look at. At most MCPZ_LOOP_ENDS_MAX (asserted); the last one said is called first.
 */
void mcpz_loop_at_end(struct mcpz_loop *loop, void (*end)(void *context), void *context);

/** Tell `listener` of every DIAL, FACT, REPLY, TASK_* and RUN_* from now on. At most 8. */
void mcpz_loop_listen(struct mcpz_loop *loop, mcpz_listener listener, void *context);
void mcpz_loop_set_links(struct mcpz_loop *loop, const struct mcpz_link_ports *ports);

/**
 * Call `flush` after each turn has ended, before the loop sleeps: what was said in it goes out now
 * and in one piece. The engine may be called; what it says then is flushed as well. At most
 * MCPZ_LOOP_FLUSHES_MAX (asserted).
 */
void mcpz_loop_on_flush(struct mcpz_loop *loop, void (*flush)(void *context), void *context);

/**
 * Call `drain` before a turn ends: it takes in what has come since, and says whether there was
 * anything; then it is called again, MCPZ_LOOP_DRAINS_MAX times at most. One only (asserted).
 */
void mcpz_loop_on_drain(struct mcpz_loop *loop, bool (*drain)(void *context), void *context);

/** Make the engine; its kv, scratch and ports are filled in by the loop. Errors: the engine's. */
MCPZ_MUST_USE mcpz_error mcpz_loop_start(struct mcpz_loop *loop,
                                         struct mcpz_engine_config *config);

/** Open the turn if none is open, and give the engine. Outside engine callbacks only: asserted. */
struct mcpz_engine *mcpz_loop_enter(struct mcpz_loop *loop);

/**
 * Run `deferred` before the loop sleeps, in the same turn, where mcpz_loop_enter() is allowed.
 * This is how a listener answers the engine. What is put off by something that was put off runs in
 * the next turn; the loop looks at what has come after a few of those. Harmless if it is waiting
 * already. Allowed everywhere.
 */
void mcpz_loop_defer(struct mcpz_loop *loop, struct mcpz_deferred *deferred);

/** Do not run it after all. Harmless if it does not wait. */
void mcpz_loop_undefer(struct mcpz_loop *loop, struct mcpz_deferred *deferred);

/** Was it awake for so short that who has come since may wait a little longer? */
bool mcpz_loop_has_time(const struct mcpz_loop *loop);

/** The engine, to look at. NULL before mcpz_loop_start(). */
struct mcpz_engine *mcpz_loop_engine(struct mcpz_loop *loop);

struct ev_loop *mcpz_loop_ev(struct mcpz_loop *loop);
struct lws_context *mcpz_loop_lws(struct mcpz_loop *loop);
struct mcpz_lmdb *mcpz_loop_store(struct mcpz_loop *loop);

/** How long it was busy between two waits: who came meanwhile waited so long. */
const struct mcpz_durations *mcpz_loop_busy(const struct mcpz_loop *loop);

/** Now, as the engine counts it, and since 1970 in milliseconds. */
mcpz_time mcpz_clock_now(void);
uint64_t mcpz_clock_wall_ms(void);

/** The same as text: "2026-07-28T12:00:00.000Z" (ISO 8601). */
#define MCPZ_CLOCK_TEXT_BYTES 32
void mcpz_clock_write_wall(char text[MCPZ_CLOCK_TEXT_BYTES]);

/**
 * Have `on_stop` hear the first SIGTERM or SIGINT, and see to it that mcpz_loop_stop() is called
 * some time; the second stops at once. NULL: so does the first.
 */
void mcpz_loop_on_stop(struct mcpz_loop *loop, void (*on_stop)(void *context), void *context);

/**
 * Turn once: do what is ready, waiting up to `timeout_ms` for something (0: not at all; -1: as
 * long as it takes). Leaves signals alone. False: it is to stop, now or before.
 */
bool mcpz_loop_step(struct mcpz_loop *loop, int timeout_ms);

/** Have `on_wake` called in the loop, outside the engine's turn, after each mcpz_loop_wake(). */
void mcpz_loop_on_wake(struct mcpz_loop *loop, void (*on_wake)(void *context), void *context);

/** In any thread, and in a signal's handler. Several may become one call of `on_wake`. */
void mcpz_loop_wake(struct mcpz_loop *loop);

/** Turn until mcpz_loop_stop(), SIGTERM or SIGINT. `on_reload` (may be NULL) hears SIGHUP. */
void mcpz_loop_run(struct mcpz_loop *loop, void (*on_reload)(void *context), void *context);
void mcpz_loop_stop(struct mcpz_loop *loop);

/** Stop when what was said last has had time to go out. */
void mcpz_loop_stop_soon(struct mcpz_loop *loop);

#endif
