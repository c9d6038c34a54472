#ifndef MCPZ_NODE_H
#define MCPZ_NODE_H

/*
 * A node inside a program: the same node as `mcpz up`, without a process of its own.
 *
 *   struct mcpz_embedded *node;
 *   struct mcpz_client *client;
 *   struct mcpz_embedded_trouble trouble;
 *   if (mcpz_embedded_start(&(struct mcpz_embedded_config){.file = "node.yaml"}, &node,
 *                           &trouble) != MCPZ_OK) ...
 *   if (mcpz_embedded_client(node, &client) != MCPZ_OK) ...
 *   mcpz_client_provide(client, "hash.sha256", &provider);
 *   mcpz_client_call(client, &(struct mcpz_client_call){.capability = "text.upper", ...}, &id);
 *   while (!done) mcpz_client_work(client, -1);
 *   mcpz_client_close(client);
 *   mcpz_embedded_close(node);
 *
 * What is asked for and offered goes through a client (mcpz/client.h): a program that spoke to the
 * node on its machine moves its own node in by connecting with mcpz_embedded_client() instead of
 * mcpz_client_open(); all else stays as it is. Between the two there is no socket, and nothing is
 * encoded. The node has its data directory, its sockets and its keys all the same: `mcpz status
 * --data DIRECTORY` and other programs talk to it as to any.
 *
 * Threads. A node and its clients belong to the thread that started it: every function here and in
 * client.h may only be called there, and all callbacks come there, but for mcpz_embedded_stop()
 * and mcpz_embedded_post(), which any thread may call. Beside it the node has one thread of its
 * own, which writes to the disk and calls nobody.
 *
 * The loop. The node turns, and calls back, only within
 *   mcpz_embedded_run()   until it is stopped: for a thread that does nothing else
 *   mcpz_embedded_work()  one round: for a program that has a loop of its own. A node that is not
 *                         turned for more than a second or so is taken for dead by the others
 *   mcpz_client_work()    of one of its clients: rounds until something has come for that one
 * It is libev's default loop: a program that runs that one turns its node with it. Several nodes
 * in a process are turned together, whichever is asked for, so they share a thread; nodes that
 * are to have a thread each need a process each.
 *
 * The process. A node ignores SIGPIPE, raises the limit on open files, and waits for child
 * processes that it started (libev's SIGCHLD); it leaves all other signals to the program. The log
 * goes to standard error as configured, and is the process's.
 */

#include <stdbool.h>
#include <stddef.h>

#include <mcpz/client.h>
#include <mcpz/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct mcpz_embedded;

/* A flag of `mcpz up`, without its dashes: {"listen", "0.0.0.0:8765"}, {"ephemeral", NULL}. */
struct mcpz_embedded_flag {
    const char *name;
    const char *value; /* NULL, if it takes none */
};

/* As `mcpz up` is configured: flags before environment before file before defaults. Borrowed. */
struct mcpz_embedded_config {
    const char *file; /* what --config would name; NULL: none is read */
    const char *yaml; /* what would stand in that file; NULL: nothing. Not both */
    bool environment; /* read MCPZ_DATA and so on too */
    const struct mcpz_embedded_flag *flags;
    size_t flag_count;
};

/* What went wrong, and what to do: a sentence for people. */
struct mcpz_embedded_trouble {
    char text[1280];
};

/**
 * Start a node. It is a member of its mesh, or on its way to be one, but does nothing before it is
 * turned. `trouble` is written on error.
 *
 * Errors: MCPZ_ECONFIG    the configuration is no good
 *         MCPZ_ECONFLICT  the data directory or the port is in use; it is in another mesh already
 *         MCPZ_EIO, MCPZ_ENOMEM and others; `*node` is then NULL
 */
mcpz_error mcpz_embedded_start(const struct mcpz_embedded_config *config,
                               struct mcpz_embedded **node, struct mcpz_embedded_trouble *trouble);

/**
 * Take it apart at once; the others find its links closed. mcpz_embedded_stop() before lets what
 * runs end first. Its clients get MCPZ_EIO from then on, nothing calls back, and they are still to
 * be closed. Not from within a callback. NULL is fine.
 */
void mcpz_embedded_close(struct mcpz_embedded *node);

/**
 * Make a client of this node: what mcpz_client_open() does for another process. It has no
 * descriptor: mcpz_client_fd() is -1. Close it with mcpz_client_close(), not from within a
 * callback.
 *
 * Errors: MCPZ_EFULL  64 programs are connected; MCPZ_EIO  it has stopped; MCPZ_ENOMEM
 */
mcpz_error mcpz_embedded_client(struct mcpz_embedded *node, struct mcpz_client **client);

/* ---- Turning it --------------------------------------------------------------------------- */

/**
 * Do what is ready, waiting up to `timeout_ms` for something (0: not at all; -1: as long as it
 * takes). Not from within a callback.
 *
 * Errors: MCPZ_EIO   it has stopped, as it was told to
 *         MCPZ_EAUTH  it has stopped because the mesh did not admit it: mcpz_embedded_why()
 */
mcpz_error mcpz_embedded_work(struct mcpz_embedded *node, int timeout_ms);

/** Work until it has stopped. MCPZ_OK: it was told to. Errors: MCPZ_EAUTH  as above */
mcpz_error mcpz_embedded_run(struct mcpz_embedded *node);

/**
 * Have it stop: it takes no new tasks, tells the others, and stops when what is under way has
 * ended, at the latest after the configuration's `stop_seconds`. In any thread, and in a signal's
 * handler; a second time it stops at once.
 */
void mcpz_embedded_stop(struct mcpz_embedded *node);

/* Something to be run in the node's thread. Lies in what it is about, so that handing it over
 * cannot fail. */
struct mcpz_embedded_job {
    void (*run)(void *context);
    void *context;
    struct mcpz_embedded_job *next; /* the node's */
};

/**
 * Have `job` run in the node's thread, once, soon, where the functions of client.h may be called:
 * this is how other threads answer. In any thread; it is the node's until it runs. Jobs run in the
 * order of handing over; one that is handed over to a node that is closed never runs.
 */
void mcpz_embedded_post(struct mcpz_embedded *node, struct mcpz_embedded_job *job);

/* ---- Joining and looking ------------------------------------------------------------------ */

/**
 * Make a token that lets one other machine join within an hour: `mcpz up --join TOKEN`, or the
 * flag {"join", TOKEN}. on_token() comes once, with NULL if this node may not admit anybody or its
 * store has failed. One at a time.
 *
 * Errors: MCPZ_ECONFLICT  one is being made; MCPZ_EIO  it has stopped
 */
mcpz_error mcpz_embedded_invite(struct mcpz_embedded *node,
                                void (*on_token)(void *context, const char *token), void *context);

/** "n-..." and "host:port", what others dial; "" if they cannot. Last as long as it does. */
const char *mcpz_embedded_id(const struct mcpz_embedded *node);
const char *mcpz_embedded_address(const struct mcpz_embedded *node);

/** Why it has stopped by itself, for people; "": it has not. Lasts until it is called again. */
const char *mcpz_embedded_why(const struct mcpz_embedded *node);

/** Members it knows, other than itself; and nodes, itself too, that offer `capability`. */
size_t mcpz_embedded_peers(const struct mcpz_embedded *node);
size_t mcpz_embedded_providers(const struct mcpz_embedded *node, const char *capability);

#ifdef __cplusplus
}
#endif

#endif
