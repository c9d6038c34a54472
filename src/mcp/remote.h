/*
 * An MCP server that runs elsewhere, over Streamable HTTP: lines of its host become requests, and
 * what comes back becomes lines again. This is what host/upstream.h wants, without the sockets.
 *
 *   a request        ->  POST  ->  JSON, or events: what belongs to it, then its response
 *   a notification   ->  POST  ->  202
 *   an answer        ->  POST  ->  202
 *                        GET   ->  events that belong to no request (legacy, in a session)
 *   stop             ->  DELETE (legacy, in a session)
 *
 * What the host begins with says of which era the server is. Legacy (until 2025-11-25):
 * `initialize` may bring a session, which is then named in every request; a stream that breaks is
 * asked on for from its last event. Modern (2026-07-28): each request stands for itself, and says
 * in its head what it is; to hang up is to cancel.
 *
 * What fails alone is answered with an error that says why; what concerns all (no connection, a
 * session that the server has forgotten, no authorization) ends the upstream, as a process would
 * have ended. Where no stream stands that would break, a silent server is pinged.
 *
 * Left out: HTTP+SSE of 2024-11-05, which Streamable HTTP has replaced; OAuth flows.
 *
 * Source: Model Context Protocol, "Transports", 2025-03-26 to 2026-07-28; SEP-1699, SEP-2243.
 */

#ifndef MCP_REMOTE_H
#define MCP_REMOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mcpz/error.h>

#include "base/attr.h"
#include "base/bytes.h"
#include "base/time.h"
#include "host/upstream.h"

#define MCPZ_REMOTE_TRIPS_MAX 512 /* requests of HTTP at once, of one upstream */
#define MCPZ_REMOTE_SESSION_BYTES_MAX 512
#define MCPZ_REMOTE_NAME_BYTES_MAX 4096      /* of the header Mcp-Name; a longer one is left out */
#define MCPZ_REMOTE_EXCUSE_BYTES_MAX 65536   /* of the body of an answer that is an error */
#define MCPZ_REMOTE_RETRY_US MCPZ_SECONDS(1) /* before a stream is asked for again */
#define MCPZ_REMOTE_RETRY_MAX_US MCPZ_SECONDS(30)
#define MCPZ_REMOTE_RESUMES_MAX 8             /* in a row, with nothing heard */
#define MCPZ_REMOTE_QUIET_US MCPZ_SECONDS(30) /* then it is pinged, and has as long to answer */
#define MCPZ_REMOTE_TELL_US MCPZ_SECONDS(30)  /* to take a notification */
#define MCPZ_REMOTE_LEAVE_US MCPZ_SECONDS(2)  /* to hear that a session is over */
#define MCPZ_REMOTE_ABANDONED_US MCPZ_SECONDS(60) /* what was cancelled may end by itself */
#define MCPZ_REMOTE_RETRY_AFTER_S_MAX 3600

struct mcpz_param_book;
struct mcpz_remote;
struct mcpz_trip;

enum mcpz_remote_verb { MCPZ_REMOTE_GET = 1, MCPZ_REMOTE_POST, MCPZ_REMOTE_DELETE };

/* A request of HTTP. Texts: NULL: without that header. */
struct mcpz_remote_ask {
    enum mcpz_remote_verb verb;
    struct mcpz_bytes body;   /* lasts until the request is over; the rest for the call only */
    const char *version;      /* MCP-Protocol-Version */
    const char *session;      /* Mcp-Session-Id */
    const char *method;       /* Mcp-Method */
    const char *name;         /* Mcp-Name */
    const char *last_event;   /* Last-Event-ID */
    struct mcpz_bytes params; /* further ones: "name: value", with a NUL behind each */
    bool repeatable;          /* may reach the server twice */
};

/* How an answer begins. Texts are never NULL; "": without. */
struct mcpz_remote_head {
    unsigned status;
    const char *content_type;
    const char *session;      /* Mcp-Session-Id */
    const char *authenticate; /* WWW-Authenticate */
    const char *location;     /* where a redirection leads that was not followed */
    uint32_t retry_after_s;   /* 0: nothing is said */
};

struct mcpz_remote_ports {
    void *context;
    mcpz_time (*now)(void *context);

    /* Have mcpz_remote_tick() called then; replaces what was said before. Not from within. */
    void (*wake_at)(void *context, mcpz_time at_us);

    /* Which arguments of the server's tools go into headers. */
    const struct mcpz_param_book *(*book)(void *context);

    /* Make a request; mcpz_remote_head(), _body() and _end() tell how it goes, later. NULL: no
     * memory. */
    void *(*begin)(void *context, const struct mcpz_remote_ask *ask, struct mcpz_trip *trip);

    /* Let go of one that is not over. */
    void (*abort)(void *context, void *transfer);

    /* The server wants to be left alone for so long. */
    void (*spare)(void *context, uint32_t seconds);
};

struct mcpz_remote_config {
    const char *name;                       /* of the server; copied, as is the URL */
    const char *url;                        /* as it may be shown */
    struct mcpz_upstream_listener listener; /* its on_gone is its owner's to call */
    struct mcpz_remote_ports ports;
};

/** Errors: MCPZ_ENOMEM */
MCPZ_MUST_USE mcpz_error mcpz_remote_create(const struct mcpz_remote_config *config,
                                            struct mcpz_remote **remote);

/** Abort what is under way, and be gone. Not from within on_line. NULL is fine. */
void mcpz_remote_destroy(struct mcpz_remote *remote);

/** What host/upstream.h says of send() and stop(). */
MCPZ_MUST_USE mcpz_error mcpz_remote_say(struct mcpz_remote *remote,
                                         const struct mcpz_bytes *parts, size_t count);
void mcpz_remote_stop(struct mcpz_remote *remote);

/** End it for a reason of its owner's: it cannot be begun with. */
void mcpz_remote_lose(struct mcpz_remote *remote, const char *why);

/** Do what is due. */
void mcpz_remote_tick(struct mcpz_remote *remote);

/** How a request goes. A transfer is over with _end(): `why` is NULL if all went well; `reached`:
 *  there was a connection. */
void mcpz_remote_head(struct mcpz_trip *trip, const struct mcpz_remote_head *head);
void mcpz_remote_body(struct mcpz_trip *trip, struct mcpz_bytes bytes);
void mcpz_remote_end(struct mcpz_trip *trip, const char *why, bool reached);

/** Is it gone? Then `*why` says why; "": it was asked to go. */
MCPZ_MUST_USE bool mcpz_remote_is_over(const struct mcpz_remote *remote, const char **why);

#endif
