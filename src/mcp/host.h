/*
 * MCP servers that this node hosts: kept running, described, and called by others.
 *
 *   mesh call mcp/NAME          -->  host  -->  a process of the server that is fit for it
 *   mesh call mcp.about/NAME/H  -->  its description, whose hash H is
 *
 * What is said on such a call, line by line, is in src/README.md. A server speaks one of two eras
 * of the protocol: legacy (initialize, sessions; until 2025-11-25) or modern (stateless;
 * 2026-07-28). So does a client, and the call says which. Where they differ, this translates:
 *
 *   client \ server   legacy                          modern
 *   legacy            one process a session           bridge_legacy.c: one process for all
 *   modern            bridge_modern.c: a pool         one process for all
 *
 * Each server has a describer, a process that is asked for its lists, and takes calls where one
 * process may serve all. The era is found by asking a sibling that is thrown away: some legacy
 * servers end when they are asked anything before initialize. What crashes is started again, later
 * and later; others go on being offered meanwhile, for MCPZ_MCP_GRACE_US.
 *
 * Pure: processes are host/upstream.h's, time and chance come through ports.
 */

#ifndef MCP_HOST_H
#define MCP_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "base/time.h"
#include "desk/desk.h"
#include "host/mcp_server.h"
#include "host/upstream.h"
#include "proto/id.h"

#define MCPZ_MCP_CALLS_MAX 4096             /* under way at one time, of all servers */
#define MCPZ_MCP_GRACE_US MCPZ_SECONDS(30)  /* a server that is gone is offered so long */
#define MCPZ_MCP_PROBE_US MCPZ_SECONDS(5)   /* a server that says nothing is legacy */
#define MCPZ_MCP_ANSWER_US MCPZ_SECONDS(60) /* to what the host itself asks */
#define MCPZ_MCP_BACKOFF_FIRST_US MCPZ_MS(100)
#define MCPZ_MCP_BACKOFF_MAX_US MCPZ_SECONDS(30)
#define MCPZ_MCP_STEADY_US MCPZ_SECONDS(10)    /* who ran so long starts anew with backoff */
#define MCPZ_MCP_ROOM_US MCPZ_SECONDS(10)      /* a call waits so long for a process to be free */
#define MCPZ_MCP_PARKED_US MCPZ_SECONDS(600)   /* a call that waits for its client */
#define MCPZ_MCP_PARKED_MAX 256                /* of one node */
#define MCPZ_MCP_DOCUMENT_BYTES_MAX 8000000    /* of a description: it is one message */
#define MCPZ_MCP_PAGES_MAX 256                 /* of one list */
#define MCPZ_MCP_ASKED_MAX 16                  /* questions of one call to its client, at once */
#define MCPZ_MCP_ROUNDS_MAX 16                 /* and rounds of them */
#define MCPZ_MCP_TASKS_MAX 256                 /* of the protocol, that one node keeps */
#define MCPZ_MCP_TASK_US MCPZ_SECONDS(3600)    /* for so long */
#define MCPZ_MCP_TASK_DONE_US MCPZ_SECONDS(60) /* and so long after it is done, at least */
#define MCPZ_MCP_TASK_BYTES_MAX ((size_t)32 << 20) /* of what came of them; then the oldest go */
#define MCPZ_MCP_POLL_US MCPZ_SECONDS(1) /* between looks at a task, unless its server says */
#define MCPZ_MCP_POLL_MIN_US MCPZ_MS(50)
#define MCPZ_MCP_POLL_MAX_US MCPZ_SECONDS(30)
#define MCPZ_MCP_TIME_BYTES 32
#define MCPZ_MCP_HASH_BYTES 8
#define MCPZ_MCP_SEAL_BYTES 16
#define MCPZ_MCP_SESSION_BYTES 32    /* hexadecimal */
#define MCPZ_MCP_PRINCIPAL_BYTES 128 /* who a client is, as the node of its face knows it */

struct mcpz_config_trouble;
struct mcpz_mcp_host;

struct mcpz_mcp_host_config {
    struct mcpz_desk *desk;                 /* borrowed for life, as is */
    const struct mcpz_upstreams *upstreams; /* the source of processes */
    const struct mcpz_upstreams *remotes;   /* of servers that run elsewhere; NULL: of none */
    struct mcpz_id node;

    void *context;
    mcpz_time (*now)(void *context);

    /* What the clock on the wall says, as a task is dated: "2026-07-28T12:00:00.000Z" (ISO 8601).
     */
    void (*write_time)(void *context, char text[MCPZ_MCP_TIME_BYTES]);

    /* Have mcpz_mcp_host_tick() called then; replaces what was said before. */
    void (*wake_at)(void *context, mcpz_time at_us);

    /* Have mcpz_mcp_host_work() called soon, outside the engine's turn. */
    void (*later)(void *context);
    void (*random)(void *context, uint8_t *bytes, size_t length);
    void (*digest)(void *context, struct mcpz_bytes bytes, uint8_t hash[MCPZ_MCP_HASH_BYTES]);

    /* A MAC that only this node can make, and for this use only. */
    void (*seal)(void *context, struct mcpz_bytes bytes, uint8_t mac[MCPZ_MCP_SEAL_BYTES]);
};

/** Errors: MCPZ_EFULL, MCPZ_ENOMEM; `*host` is then NULL */
MCPZ_MUST_USE mcpz_error mcpz_mcp_host_create(const struct mcpz_mcp_host_config *config,
                                              struct mcpz_mcp_host **host);

/** Its upstreams must be gone, or never call back again. NULL is fine. */
void mcpz_mcp_host_destroy(struct mcpz_mcp_host *host);

/**
 * Host a server (copied) from now on. One of the same name that is run in the same way goes on;
 * another one is ended first.
 *
 * Errors: MCPZ_EFULL  MCPZ_MCP_SERVERS_MAX are hosted, or are on their way out; MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_mcp_host_add(struct mcpz_mcp_host *host,
                                           const struct mcpz_mcp_server *server);

/** No longer: its calls fail, its processes are ended. Errors: MCPZ_ENOTFOUND */
MCPZ_MUST_USE mcpz_error mcpz_mcp_host_remove(struct mcpz_mcp_host *host, struct mcpz_bytes name);

/**
 * The node is about to go: end the calls that only listen, which would last for as long as they
 * may: MCPZ_CODE_DRAINING, or the result that ends a subscription. All others go on.
 */
void mcpz_mcp_host_dismiss(struct mcpz_mcp_host *host);

/* A server, as it is now. Texts are borrowed. */
struct mcpz_mcp_host_view {
    const struct mcpz_mcp_server *server;
    const char *state;   /* "starting", "ready", "down" */
    const char *era;     /* "legacy", "modern", "unknown" */
    const char *hash;    /* of its description; "": there is none yet */
    const char *trouble; /* why it was down last; "": it was not */
    size_t processes;
    size_t calls;
    uint32_t failures;             /* in a row */
    struct mcpz_bytes description; /* JSON; empty: there is none yet */
};

/** Look at all of them, in the order in which they came. */
void mcpz_mcp_host_walk(const struct mcpz_mcp_host *host,
                        void (*visit)(void *context, const struct mcpz_mcp_host_view *view),
                        void *context);

/* What changes what is hosted while the node runs, for its API. Changes last. */
struct mcpz_mcp_hosting_port {
    void *context;

    /* Host a server from now on; `document` is as mcpz_mcp_server_read() takes it. Replaces one
     * of the same name.
     *
     * Errors: MCPZ_ECONFIG  `trouble` says what is wrong; MCPZ_ECONFLICT  the configuration file
     *         has one of that name; MCPZ_EFULL; MCPZ_EIO  it cannot be kept; MCPZ_ENOMEM */
    mcpz_error (*add)(void *context, const char *name, struct mcpz_bytes document,
                      struct mcpz_config_trouble *trouble);

    /* Errors: MCPZ_ENOTFOUND; MCPZ_ECONFLICT, MCPZ_EIO  as above */
    mcpz_error (*remove)(void *context, struct mcpz_bytes name);

    /* mcpz_mcp_host_dismiss() */
    void (*dismiss)(void *context);

    void (*walk)(void *context,
                 void (*visit)(void *visit_context, const struct mcpz_mcp_host_view *view),
                 void *visit_context);
};

/** Do what is due. Both are called outside the engine's turn. */
void mcpz_mcp_host_work(struct mcpz_mcp_host *host);
void mcpz_mcp_host_tick(struct mcpz_mcp_host *host);

struct mcpz_mcp_host_stats {
    size_t processes;
    size_t calls; /* under way */
    size_t parked;
    size_t tasks;      /* that are kept, */
    size_t task_bytes; /* and what came of them */
    uint64_t calls_total;
    uint64_t started; /* processes */
    uint64_t crashed;
    uint64_t nonsense; /* lines of servers that were no messages */
};

const struct mcpz_mcp_host_stats *mcpz_mcp_host_stats(const struct mcpz_mcp_host *host);

#endif
