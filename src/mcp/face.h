/*
 * What a client of the Model Context Protocol meets at this node: the servers of the whole mesh as
 * one (/mcp), or one of them as it is (/mcp/NAME).
 *
 *   client --ask--> asker --> [session] --> call of the mesh mcp/NAME --> host at another node
 *          <-answer, pull--                <-- its lines
 *
 * Two eras on the same path. Legacy (until 2025-11-25): initialize makes a session, which lives
 * here; requests of a server come to the client on the stream of the call they belong to, and its
 * answers go back there; streams can be resumed. Modern (2026-07-28): every request says all
 * there is to know of its client, and nothing is kept. Which one it is, each request says; what
 * the server speaks is its host's business.
 *
 * Answered here: initialize, server/discover, ping, logging/setLevel, the lists of /mcp, and what
 * is wrong with a request. All else goes on byte for byte, but for names that this node has given
 * (catalogue.h) and the ids of requests to a client.
 *
 * Pure: who asks is an edge (http/), calls are lines.h's, time and chance come through ports.
 *
 * Source: Model Context Protocol 2025-11-25 and 2026-07-28, "Transports", "Versioning".
 */

#ifndef MCP_FACE_H
#define MCP_FACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "base/time.h"
#include "desk/desk.h"

#define MCPZ_FACE_ASKERS_MAX 1024        /* requests of clients under way, streams too */
#define MCPZ_FACE_CALLS_MAX 2048         /* of the mesh */
#define MCPZ_FACE_SESSIONS_MAX 4096      /* then who was silent longest gives way */
#define MCPZ_FACE_SESSION_SERVERS_MAX 64 /* that one session has called */
#define MCPZ_FACE_FLOWS_MAX 16           /* streams of a session that can be resumed */
#define MCPZ_FACE_QUESTIONS_MAX 64       /* of servers to one session, unanswered */
#define MCPZ_FACE_CLIENT_BYTES_MAX 30000 /* capabilities and clientInfo; they fit OPEN.params */
#define MCPZ_FACE_BATCH_MAX 64           /* messages at once: 2025-03-26 */
#define MCPZ_FACE_PAGE_ITEMS 1000        /* of a list of /mcp */

#define MCPZ_FACE_SESSION_IDLE_US MCPZ_SECONDS(3600)
#define MCPZ_FACE_EVICTABLE_US                                                                    \
    MCPZ_SECONDS(60) /* silent for so long, one that has called may too */
#define MCPZ_FACE_ABANDONED_US                                                                    \
    MCPZ_SECONDS(300)                          /* a call whose client is gone goes on so long     \
                                                */
#define MCPZ_FACE_CATALOGUE_US MCPZ_SECONDS(3) /* a request waits for descriptions so long */
#define MCPZ_FACE_STREAM_US MCPZ_MS(25)        /* who waits longer gets a stream: it can resume */
#define MCPZ_FACE_COMMENT_US MCPZ_SECONDS(15)  /* a stream with nothing to say says that */
#define MCPZ_FACE_UNHEARD_US MCPZ_SECONDS(30)  /* one that nobody reads is ended */
#define MCPZ_FACE_LISTEN_US MCPZ_SECONDS(1)    /* before a listening call is made anew */

struct mcpz_asker;
struct mcpz_face;
struct mcpz_mcp_names;

enum mcpz_face_verb { MCPZ_FACE_GET = 1, MCPZ_FACE_POST, MCPZ_FACE_DELETE };

/* What a client asks. Headers without data are not there. */
struct mcpz_face_request {
    enum mcpz_face_verb verb;
    struct mcpz_bytes server; /* NAME of /mcp/NAME; empty: the whole mesh */
    struct mcpz_bytes body;
    struct mcpz_bytes accept;
    struct mcpz_bytes content_type;
    struct mcpz_bytes session;    /* Mcp-Session-Id */
    struct mcpz_bytes version;    /* MCP-Protocol-Version */
    struct mcpz_bytes method;     /* Mcp-Method */
    struct mcpz_bytes name;       /* Mcp-Name */
    struct mcpz_bytes last_event; /* Last-Event-ID */
    struct mcpz_bytes traceparent;
    struct mcpz_bytes headers; /* those of mcpz_face_headers(): "name", NUL, value, NUL for each */
    struct mcpz_bytes principal; /* whoever asks has shown to be; empty: nobody in particular */
    struct mcpz_bytes tenant;    /* for whom it is: sessions and calls are theirs; empty: nobody */
    uint32_t params_version;     /* as mcpz_face_headers() gave it */
    bool
        hosts; /* a node of another mesh asks, which has what it is told for a server of its own */
};

/* How an answer begins. */
struct mcpz_face_answer {
    unsigned status;
    const char *content_type; /* NULL: there is no body */
    const char *allow;        /* with 405; else NULL */
    const char *session;      /* a new one's id; NULL: none */
    struct mcpz_bytes body;   /* borrowed */
    bool streams;             /* no body: mcpz_face_pull() */
};

struct mcpz_face_config {
    struct mcpz_desk *desk; /* borrowed for life */
    void *context;
    mcpz_time (*now)(void *context);
    void (*random)(void *context, uint8_t *bytes, size_t length);

    /* Have mcpz_face_work() called soon, outside the engine's turn. */
    void (*later)(void *context);

    /* Have mcpz_face_tick() called then; replaces what was said before. */
    void (*wake_at)(void *context, mcpz_time at_us);

    /* Visit all capabilities of members that are alive. */
    void (*capabilities)(void *context, void (*visit)(void *visit_context, struct mcpz_bytes name),
                         void *visit_context);

    /* This name of /mcp ("tool:NAME", "prompt:NAME") was given to that server's: to be kept. May
     * be NULL. Outside the engine's turn. */
    void (*keep_name)(void *context, const char *name, const char *server);

    /* The asker of `owner` has its answer: once, perhaps from within mcpz_face_ask(). */
    void (*answer)(void *context, void *owner, const struct mcpz_face_answer *answer);

    /* There is something to pull, or an end. */
    void (*more)(void *context, void *owner);
};

struct mcpz_face_stats {
    size_t askers;
    size_t sessions;
    size_t calls;
    size_t servers;
    uint64_t requests_total;
    uint64_t sessions_total;
};

/** Errors: MCPZ_EFULL  no place at the desk; MCPZ_ENOMEM; `*face` is then NULL */
MCPZ_MUST_USE mcpz_error mcpz_face_create(const struct mcpz_face_config *config,
                                          struct mcpz_face **face);

/** All askers must be closed. NULL is fine. */
void mcpz_face_destroy(struct mcpz_face *face);

/**
 * The names of headers that tools ask clients to send, in small letters, a NUL behind each; and
 * in which version. Lasts until the next call of anything here.
 */
struct mcpz_bytes mcpz_face_headers(const struct mcpz_face *face, uint32_t *version);

/**
 * Take in a request. It is borrowed until the asker is closed.
 *
 * Errors: MCPZ_EFULL  MCPZ_FACE_ASKERS_MAX are under way; MCPZ_ENOMEM
 */
MCPZ_MUST_USE mcpz_error mcpz_face_ask(struct mcpz_face *face,
                                       const struct mcpz_face_request *request, void *owner,
                                       struct mcpz_asker **asker);

/** The next bytes of a stream, up to `capacity`. 0: nothing now, or, if `*ended`, ever. */
size_t mcpz_face_pull(struct mcpz_asker *asker, uint8_t *out, size_t capacity, bool *ended);

/** The client is gone, or has its answer. */
void mcpz_face_close(struct mcpz_asker *asker);

/**
 * This node is about to go, or not after all: nothing is listened to meanwhile, and streams that
 * would last for ever end, so that nothing is waited for but what somebody has asked for.
 */
void mcpz_face_leave(struct mcpz_face *face, bool leaves);

/**
 * Tools and prompts of /mcp are called so from now on (copied). True: that is news, and names that
 * were kept are to be pinned again, before anything else is done here.
 */
MCPZ_MUST_USE bool mcpz_face_call_by(struct mcpz_face *face, const struct mcpz_mcp_names *names);

/** A name that was kept, here or at another node, as `keep_name` was told it. */
void mcpz_face_pin(struct mcpz_face *face, struct mcpz_bytes name, struct mcpz_bytes server);

/** Somebody's capabilities may have changed. Within the engine's turn too. */
void mcpz_face_hear(struct mcpz_face *face);

/** Act on what has come, and on what is due. Outside the engine's turn. */
void mcpz_face_work(struct mcpz_face *face);
void mcpz_face_tick(struct mcpz_face *face);

struct mcpz_face_stats mcpz_face_stats(const struct mcpz_face *face);

#endif
