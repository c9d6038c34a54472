/* A remote server from the inside: for remote.c, which says, and remote_hear.c, which hears. */

#ifndef MCP_REMOTE_INTERNAL_H
#define MCP_REMOTE_INTERNAL_H

#include "base/attr.h"
#include "mcp/envelope.h"
#include "mcp/host_internal.h"
#include "mcp/remote.h"
#include "mcp/remote_param.h"
#include "mcp/sse.h"

#define MCPZ_REMOTE_PING_ID "\"mcpz-ping\""
#define MCPZ_REMOTE_WHY_BYTES 512

enum mcpz_trip_kind {
    MCPZ_TRIP_REQUEST = 1, /* whose response is owed to the host */
    MCPZ_TRIP_TELL,        /* a notification, or an answer */
    MCPZ_TRIP_STREAM,      /* what belongs to no request */
    MCPZ_TRIP_PING,
    MCPZ_TRIP_LEAVE, /* the session */
};

enum mcpz_answer_kind {
    MCPZ_ANSWER_NONE, /* nothing was heard yet */
    MCPZ_ANSWER_EMPTY,
    MCPZ_ANSWER_JSON,
    MCPZ_ANSWER_EVENTS,
    MCPZ_ANSWER_ERROR, /* a status that is none of success */
    MCPZ_ANSWER_OTHER, /* of no type that we know */
};

/* A request of HTTP; one of the host may take several, one after the other. */
struct mcpz_trip {
    struct mcpz_remote *remote;
    struct mcpz_trip *next;
    enum mcpz_trip_kind kind;
    void *transfer; /* NULL: none is under way */
    struct mcpz_own body;
    struct mcpz_envelope message; /* lies in `body`; of REQUEST, TELL and PING */
    char method[64];              /* modern: Mcp-Method */
    struct mcpz_own name;         /* modern: Mcp-Name, with a NUL; empty: none */
    struct mcpz_own params;       /* modern: Mcp-Param-*, "name: value" with a NUL behind each */
    bool modern;
    bool listens;       /* modern: subscriptions/listen */
    bool first;         /* what follows waits until it is over */
    bool waits;         /* for what is first */
    bool resumes;       /* the transfer asks on for events of one that broke */
    bool answered;      /* its response was heard */
    bool cancelled;     /* nobody waits for it */
    bool failed;        /* `trouble` is to be told */
    bool dead;          /* nobody may look at it any more */
    mcpz_time again_us; /* it is begun with again then; MCPZ_TIME_NEVER */
    mcpz_time due_us;   /* it is given up then; MCPZ_TIME_NEVER */
    uint32_t tries;     /* in a row, with nothing heard */

    /* What is heard. */
    enum mcpz_answer_kind answer;
    unsigned status;
    uint32_t retry_after_s;
    char hint[320]; /* of its head: type, authentication or place, as fits */
    struct mcpz_own heard;
    struct mcpz_sse sse;
    char trouble[MCPZ_REMOTE_WHY_BYTES];
};

struct mcpz_remote {
    struct mcpz_upstream_listener listener;
    struct mcpz_remote_ports ports;
    char name[MCPZ_MCP_NAME_BYTES_MAX + 1];
    char url[256];
    struct mcpz_trip *trips; /* in the order in which they came */
    size_t trip_count;
    size_t body_bytes;
    size_t depth; /* of calls into it: what is dead goes when they are over */
    bool modern;  /* it was begun with server/discover */
    bool begun;   /* it has answered initialize, or server/discover */
    bool streams; /* it was asked for a stream */
    bool asked;   /* to end */
    bool lost;
    char version[MCPZ_MCP_VERSION_BYTES + 1];        /* legacy: agreed upon; "": not yet */
    char session[MCPZ_REMOTE_SESSION_BYTES_MAX + 1]; /* "": none */
    mcpz_time heard_us;                              /* when something came last */
    mcpz_time wakes_at;
    char trouble[MCPZ_REMOTE_WHY_BYTES];
};

/* ---- remote.c ------------------------------------------------------------------------------- */

/** Around whatever is called from outside. */
void mcpz_remote_enter(struct mcpz_remote *remote);
void mcpz_remote_leave(struct mcpz_remote *remote);

/** It is over with: nothing more is told of it. Freed when nobody looks. */
void mcpz_trip_end(struct mcpz_trip *trip);

/** The server has no more to say in this transfer: begin with it again, after a while. */
void mcpz_trip_again(struct mcpz_trip *trip, mcpz_time wait_us);

/** Answer it with an error that says why, if it is a request that waits. It is over then. */
void mcpz_trip_fail(struct mcpz_trip *trip, enum mcpz_code code, const char *why);

/** Ask for what belongs to no request. */
void mcpz_remote_stream(struct mcpz_remote *remote);

/** Is it still there? */
void mcpz_remote_ping(struct mcpz_remote *remote);

/* ---- remote_hear.c -------------------------------------------------------------------------- */

/** Forget what was heard of an answer. */
void mcpz_trip_forget(struct mcpz_trip *trip);

#endif
